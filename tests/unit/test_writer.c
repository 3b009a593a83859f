/* SPDX-License-Identifier: GPL-2.0-only */
/* The reader may be slow, gone or full: nothing blocks, and what is lost is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "writer.h"

#define PATIENCE_NS 10000000000ull
#define PIPE_RECORDS 64	/* of a kilobyte: what the pipe itself takes */
#define SOON_NS 50000000ull

struct place {
	char dir[64], file[96], other[96];
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	strcpy(p->dir, "/tmp/udpwhy-writer-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->file, sizeof(p->file), "%s/records", p->dir);
	snprintf(p->other, sizeof(p->other), "%s/other", p->dir);
	*state = p;
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;

	unlink(p->file);
	unlink(p->other);
	rmdir(p->dir);
	free(p);
	return 0;
}

static struct uw_writer *open_it(const char *path, enum uw_writer_manner manner)
{
	char error[UW_WRITER_ERROR];
	struct uw_writer *o = NULL;

	assert_int_equal(uw_writer_open(path, NULL, manner, &o, error), 0);
	assert_string_equal(error, "");
	return o;
}

static void record(struct uw_writer *o, const char *text)
{
	fprintf(uw_writer_stream(o), "%s\n", text);
	uw_writer_commit(o);
}

static void assert_holds(const char *path, const char *text)
{
	char bytes[256] = "";
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	assert_int_equal(fread(bytes, 1, sizeof(bytes) - 1, f), strlen(text));
	assert_string_equal(bytes, text);
	fclose(f);
}

static void file_is_appended_to(void **state)
{
	struct place *p = *state;
	struct uw_writer *o = open_it(p->file, UW_WRITER_PERSIST);
	struct stat st;

	record(o, "one");
	assert_int_equal(uw_writer_drain(o, PATIENCE_NS), 0);
	uw_writer_close(o);
	o = open_it(p->file, UW_WRITER_PERSIST);
	record(o, "two");
	assert_int_equal(uw_writer_drain(o, PATIENCE_NS), 0);
	uw_writer_close(o);
	assert_holds(p->file, "one\ntwo\n");
	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0);
}

static void file_is_reopened(void **state)
{
	struct place *p = *state;
	struct uw_writer *o = open_it(p->file, UW_WRITER_PERSIST);
	char error[UW_WRITER_ERROR];

	record(o, "old");
	assert_int_equal(uw_writer_drain(o, PATIENCE_NS), 0);
	assert_int_equal(rename(p->file, p->other), 0);
	assert_int_equal(uw_writer_reopen(o, error), 0);
	record(o, "new");
	assert_int_equal(uw_writer_drain(o, PATIENCE_NS), 0);
	uw_writer_close(o);
	assert_holds(p->other, "old\n");
	assert_holds(p->file, "new\n");
}

static void link_is_refused(void **state)
{
	struct place *p = *state;
	char error[UW_WRITER_ERROR] = "";
	struct uw_writer *o = NULL;

	assert_int_equal(symlink(p->other, p->file), 0);
	assert_int_equal(uw_writer_open(p->file, NULL, UW_WRITER_PERSIST, &o, error), -ELOOP);
	assert_non_null(strstr(error, "symbolic link"));
	assert_null(o);
	assert_int_equal(access(p->other, F_OK), -1);
}

static void full_disk_is_counted(void **state)
{
	struct uw_writer *o = open_it("/dev/full", UW_WRITER_PERSIST);
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++)
		record(o, "lost");
	assert_int_equal(uw_writer_drain(o, PATIENCE_NS), 0);
	assert_int_equal(uw_writer_check(o), -ENOSPC);
	assert_int_equal(uw_writer_lost(o), 3);
	uw_writer_close(o);
}

/* A pipe in place of stdout, which the caller reads at @reader. */
struct piped {
	int reader, saved;
};

static struct piped pipe_stdout(void)
{
	struct piped p;
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	p.saved = dup(STDOUT_FILENO);
	p.reader = ends[0];
	dup2(ends[1], STDOUT_FILENO);
	close(ends[1]);
	return p;
}

static void restore_stdout(const struct piped *p)
{
	dup2(p->saved, STDOUT_FILENO);
	close(p->saved);
}

static void stuck_reader_costs_whole_records(void **state)
{
	static char kilobyte[1024];
	const unsigned records = 3 * UW_WRITER_QUEUE / 1024;
	struct piped p = pipe_stdout();
	struct uw_writer *o = open_it(NULL, UW_WRITER_LEAVE_OUT);
	uint64_t waiting;
	unsigned i;

	(void)state;
	memset(kilobyte, 'x', sizeof(kilobyte) - 1);
	for (i = 0; i < records; i++)
		record(o, kilobyte);
	waiting = uw_writer_drain(o, SOON_NS);
	restore_stdout(&p);
	assert_int_equal(uw_writer_check(o), 0);
	assert_in_range(waiting, 1024, records / 2);
	assert_in_range(uw_writer_lost(o) + waiting, records - PIPE_RECORDS, records);
	uw_writer_close(o);
	close(p.reader);
}

static void reader_that_is_gone_is_told(void **state)
{
	struct piped p = pipe_stdout();
	struct uw_writer *o = open_it(NULL, UW_WRITER_LEAVE_OUT);
	uint64_t waiting;
	int check;

	(void)state;
	close(p.reader);
	record(o, "nobody reads this");
	record(o, "nor this");
	waiting = uw_writer_drain(o, PATIENCE_NS);
	check = uw_writer_check(o);
	restore_stdout(&p);
	assert_int_equal(waiting, 0);
	assert_int_equal(check, -EPIPE);
	uw_writer_close(o);
}

/* A file may not grow past its limit: what does not fit leaves no half line behind. */
static void half_lines_are_taken_back(void **state)
{
	struct place *p = *state;
	struct uw_writer *o = open_it(p->file, UW_WRITER_PERSIST);
	struct rlimit limit, old;
	uint64_t waiting;
	int check;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 12;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	record(o, "eight...");
	record(o, "too long by far");
	waiting = uw_writer_drain(o, PATIENCE_NS);
	check = uw_writer_check(o);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(waiting, 0);
	assert_int_equal(check, -EFBIG);
	record(o, "again");
	assert_int_equal(uw_writer_drain(o, PATIENCE_NS), 0);
	assert_int_equal(uw_writer_lost(o), 1);
	uw_writer_close(o);
	assert_holds(p->file, "eight...\nagain\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(file_is_appended_to, make_place, remove_place),
		cmocka_unit_test_setup_teardown(file_is_reopened, make_place, remove_place),
		cmocka_unit_test_setup_teardown(link_is_refused, make_place, remove_place),
		cmocka_unit_test_setup_teardown(half_lines_are_taken_back, make_place, remove_place),
		cmocka_unit_test(full_disk_is_counted),
		cmocka_unit_test(stuck_reader_costs_whole_records),
		cmocka_unit_test(reader_that_is_gone_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
