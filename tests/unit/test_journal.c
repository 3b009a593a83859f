/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sink/journal.h"

static struct iovec field[UW_JOURNAL_FIELDS];
static int count;

static void read_line(const char *line)
{
	count = uw_journal_fields(line, strlen(line), field);
	assert_true(count > 0);
}

static bool has(const char *text)
{
	int i;

	for (i = 0; i < count; i++) {
		if (field[i].iov_len == strlen(text) && !memcmp(field[i].iov_base, text, field[i].iov_len))
			return true;
	}
	return false;
}

static void keys_are_fields(void **state)
{
	(void)state;
	read_line("{\"v\":1,\"type\":\"query\",\"verdict\":\"reply_dropped\",\"fault\":\"local\",\"stage\":\"nf_input\","
		  "\"drop.reason\":\"NETFILTER_DROP\",\"evidence.complete\":true,\"path\":[\"eth0\",\"br0\"],"
		  "\"server.address\":\"10.0.2.2\",\"server.port\":53,\"network.protocol.name\":\"dns\","
		  "\"process.executable.name\":\"dig\",\"dns.question.name\":\"ok.test\"}");
	assert_true(has("MESSAGE=reply_dropped at nf_input, NETFILTER_DROP, fault local: dig, dns to 10.0.2.2 port 53 for "
			"ok.test"));
	assert_true(has("PRIORITY=4"));
	assert_true(has("UDPWHY_DROP_REASON=NETFILTER_DROP"));
	assert_true(has("UDPWHY_EVIDENCE_COMPLETE=1"));
	assert_true(has("UDPWHY_PATH=eth0"));
	assert_true(has("UDPWHY_PATH=br0"));
	assert_true(has("UDPWHY_SERVER_PORT=53"));
	uw_journal_free_fields(field, count);
}

static void lists_of_objects_stay_json(void **state)
{
	(void)state;
	read_line("{\"type\":\"flow\",\"drops\":[{\"stage\":\"udp\",\"count\":3}],\"count.answered\":2}");
	assert_true(has("UDPWHY_DROPS={\"stage\":\"udp\",\"count\":3}"));
	assert_true(has("PRIORITY=6"));
	uw_journal_free_fields(field, count);
}

/* More values than an entry may have: the first ones, and nothing beyond the array. */
static void fields_are_bounded(void **state)
{
	char line[8192] = "{\"type\":\"x\",\"path\":[";
	size_t end = strlen(line);
	int i;

	(void)state;
	for (i = 0; i < 400; i++)
		end += (size_t)snprintf(line + end, sizeof(line) - end, "\"eth%d\",", i);
	snprintf(line + end - 1, sizeof(line) - end + 1, "]}");
	read_line(line);
	assert_int_equal(count, UW_JOURNAL_FIELDS);
	uw_journal_free_fields(field, count);
}

static void what_is_no_record_is_refused(void **state)
{
	static const char *const lines[] = { "", "[]", "{\"a\":1", "null" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_int_equal(uw_journal_fields(lines[i], strlen(lines[i]), field), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_fields),
		cmocka_unit_test(lists_of_objects_stay_json),
		cmocka_unit_test(fields_are_bounded),
		cmocka_unit_test(what_is_no_record_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
