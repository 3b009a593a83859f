/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a daemon's command socket is, in a /proc of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live/daemon_talk.h"
#include "live/daemon_word.h"

#define LINE(type, inode, path) "00000000b6bbca75: 00000002 00000000 00000000 " type " 03 " inode " " path "\n"

static char proc[64];

/* Process 811 with two sockets, and what its namespace's table of them says. */
static void has(const char *table)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/811/net/unix", proc);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "Num       RefCount Protocol Flags    Type St Inode Path\n%s", table);
	fclose(f);
}

static void a_command_socket_is_found(void **state)
{
	char path[UW_SOCKET_PATH] = "untouched";

	(void)state;
	has(LINE("0002", "7", "/run/other/chronyd.sock")		/* another process's */
	    LINE("0002", "12070123", "/run/chrony.ttyS0.sock")		/* a reference clock's */
	    LINE("0002", "12070179", "/run/chrony/chronyd.sock")
	    LINE("0002", "12070179", "/run/chrony/chronyd2.sock"));
	assert_true(uw_chronyd_socket(proc, 811, path));
	assert_string_equal(path, "/run/chrony/chronyd.sock");
	has(LINE("0002", "12070179", "/chronyd-2.sock"));
	assert_true(uw_chronyd_socket(proc, 811, path));
	assert_string_equal(path, "/chronyd-2.sock");
}

static void what_is_none_is_not_asked(void **state)
{
	static const char *const tables[] = {
		"", "\n", "chronyd.sock\n", LINE("0002", "12070123", ""),
		LINE("0001", "12070123", "/run/chrony/chronyd.sock"),	/* a stream */
		LINE("0002", "120701234", "/run/chrony/chronyd.sock"),
		LINE("0002", "99999999999999999999999", "/run/chrony/chronyd.sock"),
		LINE("0002", "12070123", "@/run/chrony/chronyd.sock"),	/* no file */
		LINE("0002", "12070123", "run/chrony/chronyd.sock"),
		LINE("0002", "12070123", "/run/chrony/chronyd.sock/x"),
		LINE("0002", "12070123", "/run/systemd/notify"),
		"00000000b6bbca75: 00000002 00000000 00000000 0002 03 12070123",
		LINE("0002", "12070123", "/0123456789012345678901234567890123456789012345678901234567890123456789"
					 "0123456789/01234567890123/chronyd.sock"),
	};
	char path[UW_SOCKET_PATH] = "untouched";

	(void)state;
	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		has(tables[i]);
		assert_false(uw_chronyd_socket(proc, 811, path));
	}
	assert_false(uw_chronyd_socket(proc, 812, path));
	assert_string_equal(path, "untouched");
}

/* Others than chronyd, and one that has no socket: nothing is known of them, and nothing changes. */
static void who_says_nothing_stays_as_it_is(void **state)
{
	struct uw_asker a[] = {
		{ .executable = "ntpd", .pid = 811, .protocol = UW_PROTO_NTP, .port = 123, .servers = 3 },
		{ .executable = "chronyd", .pid = 812, .protocol = UW_PROTO_NTP, .port = 4000, .servers = 1 },
		{ .executable = "chronyd", .pid = 812, .protocol = UW_PROTO_NTP, .port = 4001, .servers = 1 },
	}, same[3];

	(void)state;
	has(LINE("0002", "12070179", "/run/chrony/chronyd.sock"));
	memcpy(same, a, sizeof(a));
	assert_int_equal(uw_daemon_words(proc, a, 3), 3);
	assert_memory_equal(same, a, sizeof(a));
}

/* systemd-timesyncd: so often, when the last answer came, and now, in seconds. */
static bool timesyncd(uint64_t interval, uint64_t answered, int64_t wall, struct uw_rhythm *r)
{
	return uw_timesyncd_rhythm(interval * 1000000, answered * 1000000, wall * 1000000000, 5000000000, r);
}

static void the_next_of_one_that_is_answered(void **state)
{
	struct uw_rhythm r = { 0 };
	static const uint64_t none[][3] = {
		{ 64, 0, 1000 }, { 64, 1001, 1000 }, { 64, 936, 1000 }, { 64, 1, 1000 }, { 0, 990, 1000 },
		{ UINT64_MAX / 1000000, 990, 1000 }, { 16777217, 990, 1000 }, { 64, 10, 0 }, { 64, 10, 9223372036 },
		{ 64, UINT64_MAX / 1000000, 1000 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(timesyncd(none[i][0], none[i][1], (int64_t)none[i][2], &r));
	assert_false(uw_timesyncd_rhythm(64000000, 10000000, -1, 5000000000, &r));
	assert_int_equal(r.told_ns, 0);
	assert_true(timesyncd(64, 937, 1000, &r));
	assert_int_equal(r.told_ns, 64000000000);
	assert_int_equal(r.told_longest_ns, 64000000000);
	assert_int_equal(r.told_next_ns, 6000000000);
	assert_true(timesyncd(16777216, 1000, 1000, &r));
	assert_int_equal(r.told_next_ns, 16777221000000000);
}

static int make_proc(void **state)
{
	char path[256];

	(void)state;
	snprintf(proc, sizeof(proc), "/tmp/udpwhy-unit-XXXXXX");
	if (!mkdtemp(proc))
		return -1;
	snprintf(path, sizeof(path), "cd %s && mkdir -p 811/fd 811/net && cd 811/fd && ln -s socket:[12070123] 3 && "
				     "ln -s socket:[12070179] 4 && ln -s /dev/null 1", proc);
	return system(path);
}

static int remove_proc(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", proc);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_command_socket_is_found, make_proc, remove_proc),
		cmocka_unit_test_setup_teardown(what_is_none_is_not_asked, make_proc, remove_proc),
		cmocka_unit_test_setup_teardown(who_says_nothing_stays_as_it_is, make_proc, remove_proc),
		cmocka_unit_test(the_next_of_one_that_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
