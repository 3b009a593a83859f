// SPDX-License-Identifier: GPL-2.0-only
/* What a process is called, from a /proc that we make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "live/process.h"

#define PID 812
#define TICKS 4711
#define STARTED_NS (TICKS * 10000000ull + 9999999)	/* any part of a tick */
#define N10 "nnnnnnnnnn"
#define LONG N10 N10 N10 N10 N10 N10 "nnn"	/* as much as the kernel side keeps */
#define DELETED " (deleted)"

static char proc[32];

static void in_proc(const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%u%s", proc, PID, name);
}

static int make_proc(void **state)
{
	char path[64];

	(void)state;
	strcpy(proc, "/tmp/uw_proc.XXXXXX");
	assert_non_null(mkdtemp(proc));
	in_proc("", path, sizeof(path));
	return mkdir(path, 0700);
}

static int remove_proc(void **state)
{
	static const char *const made[] = { "/stat", "/exe", "/whole", "" };
	char path[64];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		in_proc(made[i], path, sizeof(path));
		remove(path);
	}
	return rmdir(proc);
}

static void make_stat(const char *comm, unsigned long long ticks)
{
	char path[64];
	FILE *file;

	in_proc("/stat", path, sizeof(path));
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "%u (%s) S 1 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 %llu 9\n", PID, comm, ticks);
	fclose(file);
}

static void make_exe(const char *target)
{
	char path[64];

	in_proc("/exe", path, sizeof(path));
	remove(path);
	assert_int_equal(symlink(target, path), 0);
}

static void assert_name(const char *exe, const char *comm, const char *want)
{
	struct uw_task t = { .pid = PID, .started_ns = STARTED_NS };
	char out[UW_NAME_MAX];

	snprintf(t.exe, sizeof(t.exe), "%s", exe);
	snprintf(t.comm, sizeof(t.comm), "%s", comm);
	assert_string_equal(uw_process_executable(proc, &t, out), want);
}

static void what_the_kernel_told_counts(void **state)
{
	(void)state;
	assert_name("chronyd", "any thread", "chronyd");
	assert_name("", "kworker/0:1", "kworker/0:1");
	assert_name("", "", "");
	assert_name("dig (deleted)", "dig", "dig (deleted)");	/* that is its name */
	/* the pid is another's by now, or the process has another executable */
	make_stat("bash", TICKS);
	make_exe("/bin/bash");
	assert_name("chronyd", "chronyd", "chronyd");
	assert_name(LONG, "n", LONG);
}

static void a_name_that_was_cut_is_looked_for(void **state)
{
	(void)state;
	make_stat("any ) 1 2 3 (name", TICKS);
	make_exe("/bin/" LONG "and more");
	assert_name(LONG, "n", LONG "and more");
	make_stat("n", TICKS + 1);
	assert_name(LONG, "n", LONG "and more");
}

static void another_process_with_its_pid_is_not_asked(void **state)
{
	(void)state;
	make_exe("/bin/" LONG "and more");
	assert_name(LONG, "n", LONG);	/* no stat: gone */
	make_stat("n", TICKS + 2);
	assert_name(LONG, "n", LONG);
	make_stat("n", TICKS - 2);
	assert_name(LONG, "n", LONG);
}

static void a_deleted_file_keeps_its_name(void **state)
{
	char path[256], whole[64];
	FILE *file;

	(void)state;
	make_stat("n", TICKS);
	make_exe("/nonexistent/" LONG "x" DELETED);
	assert_name(LONG, "n", LONG "x");
	/* one that is called so and is not deleted */
	in_proc("/whole", whole, sizeof(whole));
	assert_int_equal(mkdir(whole, 0700), 0);
	snprintf(path, sizeof(path), "%s/%s", whole, LONG "x" DELETED);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	make_exe(path);
	assert_name(LONG, "n", LONG "x" DELETED);
	remove(path);
}

#define IN_PROC(test) cmocka_unit_test_setup_teardown(test, make_proc, remove_proc)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PROC(what_the_kernel_told_counts),
		IN_PROC(a_name_that_was_cut_is_looked_for),
		IN_PROC(another_process_with_its_pid_is_not_asked),
		IN_PROC(a_deleted_file_keeps_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
