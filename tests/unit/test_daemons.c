/* SPDX-License-Identifier: GPL-2.0-only */
/* NTP clients without a socket, in a /proc of our own. */
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

#include "live/daemons.h"

#define CHRONY "12:cpu,cpuacct:/elsewhere\n1:name=systemd:/x\n0::/system.slice/chrony.service\n"

static char proc[64];

static const char *in_proc(const char *pid, const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s/%s", proc, pid, name);
	return path;
}

/* Return: inode of its namespace, which is that of process @with if it is named. */
static uint32_t runs(const char *pid, const char *exe, const char *with, const char *cgroup)
{
	char path[256], other[256];
	struct stat st;
	FILE *f;

	assert_int_equal(mkdir(in_proc(pid, "", path), 0700), 0);
	assert_int_equal(mkdir(in_proc(pid, "ns", path), 0700), 0);
	assert_int_equal(symlink(exe, in_proc(pid, "exe", path)), 0);
	f = fopen(in_proc(pid, "status", path), "w");
	assert_non_null(f);
	fprintf(f, "Name:\tx\nUmask:\t0022\nUid:\t104\t105\t104\t104\n");
	fclose(f);
	f = fopen(in_proc(pid, "cgroup", path), "w");
	assert_non_null(f);
	fputs(cgroup, f);
	fclose(f);
	in_proc(pid, "ns/net", path);
	if (with) {
		assert_int_equal(link(in_proc(with, "ns/net", other), path), 0);
	} else {
		f = fopen(path, "w");
		assert_non_null(f);
		fclose(f);
	}
	assert_int_equal(stat(path, &st), 0);
	return (uint32_t)st.st_ino;
}

static bool not_this(void *arg, uint32_t netns)
{
	return netns != *(const uint32_t *)arg;
}

static void a_daemon_is_found_once(void **state)
{
	uint32_t here = runs("811", "/usr/sbin/chronyd", NULL, CHRONY), out_of_scope = runs("30", "/usr/sbin/ntpd", NULL, "");
	struct uw_asker a[4] = { { .executable = "ntpd", .pid = 5, .netns = here, .port = 123 } };
	char command[128];

	(void)state;
	runs("812", "/usr/sbin/chronyd", "811", CHRONY);		/* its helper, or it the helper's */
	runs("900", "/usr/sbin/ntpd", "811", "");			/* found by its socket */
	runs("901", "/lib/systemd/systemd-timesyncd (deleted)", "811", "1:cpu:/a\n0::/../../b\n");
	runs("902", "/usr/bin/chronyd-exporter", "811", "");
	runs("self", "/usr/sbin/ntp-daemon", "811", "");		/* no process id */
	assert_int_equal(uw_daemons_find(proc, not_this, &out_of_scope, a, 1, 4), 3);
	for (unsigned i = 1; i < 3; i++) {
		bool chrony = !strcmp(a[i].executable, "chronyd");

		assert_true(chrony ? a[i].pid == 811 || a[i].pid == 812 : a[i].pid == 901);
		assert_string_equal(a[i].executable, chrony ? "chronyd" : "systemd-timesyncd");
		assert_string_equal(a[i].cgroup, chrony ? "/system.slice/chrony.service" : "");
		assert_int_equal(a[i].netns, here);
		assert_int_equal(a[i].uid, 104);
		assert_int_equal(a[i].protocol, UW_PROTO_NTP);
		assert_int_equal(a[i].port, 0);
	}
	assert_string_not_equal(a[1].executable, a[2].executable);
	assert_int_equal(uw_daemons_find(proc, not_this, &out_of_scope, a, 1, 2), 2);	/* no more than there is room for */
	assert_int_equal(uw_daemons_find("/nonexistent", not_this, &out_of_scope, a, 1, 4), 1);
	snprintf(command, sizeof(command), "rm -r %s", proc);
	assert_int_equal(system(command), 0);
}

static int make_proc(void **state)
{
	(void)state;
	snprintf(proc, sizeof(proc), "/tmp/udpwhy-unit-XXXXXX");
	return mkdtemp(proc) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_daemon_is_found_once, make_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
