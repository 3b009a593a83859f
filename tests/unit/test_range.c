/* SPDX-License-Identifier: GPL-2.0-only */
/* Thresholds as the Monitoring Plugins guidelines have them, and questions from a user's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "ask/question.h"
#include "ask/range.h"

static bool alerts(const char *range, double value)
{
	struct uw_range r = {0};

	assert_int_equal(uw_range_parse(range, &r), 0);
	assert_string_equal(r.text, range);
	return uw_range_alerts(&r, value);
}

/* The table of the guidelines, "Threshold and Ranges". */
static void test_table(void **state)
{
	(void)state;
	assert_true(alerts("10", -0.1) && alerts("10", 10.1));
	assert_false(alerts("10", 0) || alerts("10", 10));
	assert_true(alerts("10:", 9.9));
	assert_false(alerts("10:", 10) || alerts("10:", 1e12));
	assert_true(alerts("~:10", 10.1));
	assert_false(alerts("~:10", 10) || alerts("~:10", -1e12));
	assert_true(alerts("10:20", 9.9) && alerts("10:20", 20.1));
	assert_false(alerts("10:20", 10) || alerts("10:20", 20));
	assert_true(alerts("@10:20", 10) && alerts("@10:20", 20));
	assert_false(alerts("@10:20", 9.9) || alerts("@10:20", 20.1));
	assert_true(alerts("-2:-1", 0) && alerts("0.25", 0.26));
	assert_false(alerts("-2:-1", -1.5) || alerts("0.25", 0.25));
}

static void test_bad_ranges(void **state)
{
	static const char *const bad[] = {
		"", " 1", "1 ", "a", "1:2:3", "2:1", "@", "1e3", "inf", "nan", "0x10", "1.2.3", "-", "~", "~1:2", ".",
		"--1", "1,5", "111111111111111111111111111111111111",
	};
	struct uw_range r = {.low = 7};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(uw_range_parse(bad[i], &r), -EINVAL);
	assert_true(r.low == 7 && !r.text[0]);
	assert_false(uw_range_alerts(&r, 1e9)); /* none given */
}

static void assert_question(const char *name, uint16_t type, const char *wire, size_t len)
{
	uint8_t out[UW_QUESTION_MAX];

	assert_int_equal(uw_question(name, type, out), len);
	assert_memory_equal(out, wire, len);
}

#define QUESTION(name, type, wire) assert_question(name, type, wire, sizeof(wire) - 1)

static void test_questions(void **state)
{
	(void)state;
	QUESTION(".", 2, "\0\0\2\0\1");
	QUESTION("a.bc", 0, "\1a\2bc\0\0\1\0\1");
	QUESTION("a.bc.", 65280, "\1a\2bc\0\xff\0\0\1");
	QUESTION("192.0.2.1", 0, "\0011\0012\0010\003192\7in-addr\4arpa\0\0\14\0\1");
	QUESTION("2001:db8::1", 0,
		 "\0011\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010\0010"
		 "\0010\0010\0010\0010\0018\001b\001d\0010\0011\0010\0010\0012\3ip6\4arpa\0\0\14\0\1");
}

static void test_no_names(void **state)
{
	uint8_t out[UW_QUESTION_MAX];
	char name[300];

	(void)state;
	assert_int_equal(uw_question("", 1, out), 0);
	assert_int_equal(uw_question("a..b", 1, out), 0);
	assert_int_equal(uw_question(".a", 1, out), 0);
	memset(name, 'x', sizeof(name));
	name[64] = '\0';
	assert_int_equal(uw_question(name, 1, out), 0);
	name[63] = '\0';
	assert_int_equal(uw_question(name, 1, out), 69);
	memset(name, 'x', sizeof(name));
	name[63] = name[127] = name[191] = '.';
	name[253] = '\0'; /* 255 in wire form, the most there is */
	assert_int_equal(uw_question(name, 1, out), 259);
	name[253] = 'x';
	name[254] = '\0';
	assert_int_equal(uw_question(name, 1, out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_bad_ranges),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_no_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
