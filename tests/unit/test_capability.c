// SPDX-License-Identifier: GPL-2.0-only
/* What this process may do, read from files that we make, and the line a user gets on failure. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "live/capability.h"

#define FULL "Name:\tudpwhy\nUid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n"

struct files {
	char status[64], lockdown[64], btf[64], mounts[64];
	struct uw_capability_paths paths;
};

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void make_file(char *path, const char *name, const char *text)
{
	int fd;

	snprintf(path, 64, "/tmp/uw_%s.XXXXXX", name);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	write_file(path, text);
}

static int make_files(void **state)
{
	struct files *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	make_file(f->status, "status", FULL);
	make_file(f->lockdown, "lockdown", "[none] integrity confidentiality\n");
	make_file(f->btf, "btf", "not read");
	make_file(f->mounts, "mounts", "");
	f->paths = (struct uw_capability_paths){ .status = f->status, .lockdown = f->lockdown,
						 .btf = f->btf, .mounts = f->mounts };
	*state = f;
	return 0;
}

static int remove_files(void **state)
{
	struct files *f = *state;

	unlink(f->status);
	unlink(f->lockdown);
	unlink(f->btf);
	unlink(f->mounts);
	free(f);
	return 0;
}

static void privileges(void **state)
{
	const struct files *f = *state;
	struct uw_privileges p = { 0 };

	assert_int_equal(uw_privileges_read(f->status, &p), 0);
	assert_true(p.root && p.bpf && p.perfmon && p.net_admin && !p.seccomp);

	write_file(f->status, "Uid:\t0\t1000\t0\t0\nCapEff:\t000000c000001000\nSeccomp:\t2\n");
	assert_int_equal(uw_privileges_read(f->status, &p), 0);
	assert_true(!p.root && p.bpf && p.perfmon && p.net_admin && p.seccomp);

	write_file(f->status, "Uid:\t0\t0\t0\t0\nCapEff:\t0000000000200000\n");	/* CAP_SYS_ADMIN */
	assert_int_equal(uw_privileges_read(f->status, &p), 0);
	assert_true(p.root && p.bpf && p.perfmon && !p.net_admin);

	write_file(f->status, "CapEff:\t0000008000000000\n");	/* CAP_BPF */
	assert_int_equal(uw_privileges_read(f->status, &p), 0);
	assert_true(p.bpf && !p.perfmon && !p.net_admin);

	write_file(f->status, "Name:\tx\nCapEff:\tzzz\n");
	assert_int_equal(uw_privileges_read(f->status, &p), -EBADMSG);
	assert_true(p.bpf);	/* untouched */
	assert_int_equal(uw_privileges_read("/nonexistent/status", &p), -ENOENT);
}

static void lockdown(void **state)
{
	const struct files *f = *state;

	assert_int_equal(uw_lockdown_read(f->lockdown), UW_LOCKDOWN_NONE);
	write_file(f->lockdown, "none [integrity] confidentiality\n");
	assert_int_equal(uw_lockdown_read(f->lockdown), UW_LOCKDOWN_INTEGRITY);
	write_file(f->lockdown, "none integrity [confidentiality]\n");
	assert_int_equal(uw_lockdown_read(f->lockdown), UW_LOCKDOWN_CONFIDENTIALITY);
	write_file(f->lockdown, "");
	assert_int_equal(uw_lockdown_read(f->lockdown), UW_LOCKDOWN_NONE);
	assert_int_equal(uw_lockdown_read("/nonexistent/lockdown"), UW_LOCKDOWN_NONE);
}

static void cgroup_mount(void **state)
{
	const struct files *f = *state;
	char path[64] = "untouched";

	assert_int_equal(uw_cgroup2_mount(f->mounts, path, sizeof(path)), -ENOENT);
	write_file(f->mounts, "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\nbroken\n"
			      "cgroup2 /sys/fs/my\\040cgroup\\134\\9 cgroup2 rw 0 0\n"
			      "cgroup2 /second cgroup2 rw 0 0\n");
	assert_int_equal(uw_cgroup2_mount(f->mounts, path, sizeof(path)), 0);
	assert_string_equal(path, "/sys/fs/my cgroup\\\\9");
	assert_int_equal(uw_cgroup2_mount(f->mounts, path, 10), -ENAMETOOLONG);
	assert_int_equal(uw_cgroup2_mount("/nonexistent", path, sizeof(path)), -ENOENT);
}

static void assert_says(const struct files *f, int err, const char *want)
{
	char line[256];

	uw_capability_explain_from(&f->paths, err, line, sizeof(line));
	if (!strstr(line, want))
		print_error("\"%s\" lacks \"%s\"\n", line, want);
	assert_non_null(strstr(line, want));
	assert_null(strchr(line, '\n'));
}

static void why_loading_failed(void **state)
{
	const struct files *f = *state;
	char small[8];

	assert_says(f, EPERM, "security module");
	assert_says(f, -ENOMEM, "memory");
	assert_says(f, EACCES, "udpwhy doctor");
	assert_says(f, -ENOSYS, "CONFIG_BPF_SYSCALL");
	assert_says(f, EIO, "Input/output error");

	write_file(f->lockdown, "none integrity [confidentiality]\n");
	assert_says(f, -EPERM, "lockdown=integrity");
	/* whatever error the load ended with: lockdown hides behind several */
	assert_says(f, EINVAL, "lockdown=integrity");
	write_file(f->lockdown, "[none] integrity confidentiality\n");

	write_file(f->status, "Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\nSeccomp:\t2\n");
	assert_says(f, EPERM, "seccomp");

	write_file(f->status, "Uid:\t0\t1000\t0\t0\nCapEff:\t0000000000000000\n");
	assert_says(f, EPERM,
		    "not root: run it with sudo (or with CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN)");
	write_file(f->status, "Uid:\t0\t0\t0\t0\nCapEff:\t0000008000001000\n");
	assert_says(f, EPERM, "root without CAP_PERFMON:");
	write_file(f->status, "Uid:\t0\t0\t0\t0\nCapEff:\t000000c000000000\n");
	assert_says(f, EPERM, "root without CAP_NET_ADMIN:");
	uw_capability_explain_from(&f->paths, EPERM, small, sizeof(small));
	assert_string_equal(small, "root wi");

	write_file(f->status, FULL);
	unlink(f->btf);
	assert_says(f, ENOENT, "CONFIG_DEBUG_INFO_BTF");
}

static void what_suffices(void **state)
{
	struct uw_capability c[] = {
		{ .name = "a", .essential = true, .present = true },
		{ .name = "b", .essential = false, .present = false },
	};

	(void)state;
	assert_true(uw_capabilities_suffice(c, 2));
	c[1].essential = true;
	assert_false(uw_capabilities_suffice(c, 2));
	assert_false(uw_capabilities_suffice(c, 0));
}

/* Whatever this kernel has, and as whoever we are: each row is whole, and names keys of a record only. */
static void every_row_is_whole(void **state)
{
	struct files *f = *state;
	struct uw_capability c[UW_CAPABILITIES_MAX];
	unsigned count = uw_capabilities_probe(&f->paths, c, UW_CAPABILITIES_MAX);

	assert_in_range(count, 10, UW_CAPABILITIES_MAX - 1);
	for (unsigned i = 0; i < count; i++) {
		size_t length = strlen(c[i].weakens);

		assert_true(c[i].name[0] && c[i].loss[0] && c[i].remedy[0]);
		assert_int_equal(strspn(c[i].weakens, "abcdefghijklmnopqrstuvwxyz_. "), length);
		assert_null(strstr(c[i].weakens, "  "));
		assert_true(!length || (c[i].weakens[0] != ' ' && c[i].weakens[length - 1] != ' '));
	}
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, make_files, remove_files)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(privileges),
		FILE_TEST(lockdown),
		FILE_TEST(cgroup_mount),
		FILE_TEST(why_loading_failed),
		cmocka_unit_test(what_suffices),
		FILE_TEST(every_row_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
