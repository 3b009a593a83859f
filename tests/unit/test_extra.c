/* SPDX-License-Identifier: GPL-2.0-only */
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

#include "cli_extra.h"

#define S 1000000000ull

static struct uw_extra x;
static struct uw_options o;
static char error[UW_CLI_ERROR_MAX];

static int parse_text(const char *text, size_t size, const char *section)
{
	int err;

	uw_extra_free(&x);
	x = (struct uw_extra){ .file = "a.ini" };
	x.words = (struct uw_cli_extra){ .argv = x.word, .line = x.line, .file = x.file };
	err = uw_extra_parse(text, size, section, &x, error);
	return err;
}

#define parses(text, section) assert_int_equal(parse_text(text, strlen(text), section), 0)
#define refused(why, text, section)                                                 \
	do {                                                                        \
		assert_int_equal(parse_text(text, strlen(text), section), -1);      \
		if (!strstr(error, why))                                            \
			fail_msg("\"%s\" lacks \"%s\"", error, why);                \
		assert_null(strstr(error, "secret"));                               \
	} while (0)

static void test_words(void **state)
{
	(void)state;
	parses("w = 9\n# comment\n; too\n[a]\nw=0.5\n critical = '1:2' \nquiet\n\n[b]\nw=3\n[ a ]\nt=\"7\"", "a");
	assert_int_equal(x.words.argc, 4);
	assert_string_equal(x.word[0], "-w0.5");
	assert_string_equal(x.word[1], "--critical=1:2");
	assert_string_equal(x.word[2], "--quiet");
	assert_string_equal(x.word[3], "-t7");
	assert_int_equal(x.line[1], 6);
	assert_int_equal(x.line[3], 12);
	parses("[a]", "a");
	assert_int_equal(x.words.argc, 0);
	parses("[a]\r\nw=1\r\n", "a");
	assert_string_equal(x.word[0], "-w1");
}

static void test_hostile(void **state)
{
	char many[UW_EXTRA_WORDS * 4 + 64] = "[a]\n";

	(void)state;
	refused("no section of this name", "", "a");
	refused("no section of this name", "root:secret:0\n[b]\nw=1", "a");
	refused("line 2 of a.ini: a section without its ]", "[a]\n[secret", "a");
	refused("line 1 of a.ini: a section without", "[", "a");
	refused("line 2 of a.ini does not begin", "[a]\n--secret=1", "a");
	refused("line 2 of a.ini does not begin", "[a]\n=secret", "a");
	assert_int_equal(parse_text("[a]\nw=1\0", 8, "a"), -1);
	for (int i = 0; i <= UW_EXTRA_WORDS; i++)
		strcat(many, "q\n");
	refused("more than 64 options", many, "a");
}

/* Return: what the command line is with a file's text behind it. */
static enum uw_cli_result with(const char *text, const char *const *words)
{
	char *argv[16] = { (char *)"udpwhy", (char *)"probe" };
	int argc = 2;

	parses(text, "a");
	while (*words)
		argv[argc++] = (char *)*words++;
	return uw_cli_parse_extra(argc, argv, &x.words, &o, error);
}

#define WITH(text, ...) with(text, (const char *const[]){ __VA_ARGS__, NULL })

static void test_command_line(void **state)
{
	(void)state;
	assert_int_equal(WITH("[a]\nw=0.5\nH=192.0.2.1\ntimeout=20\nv", "ntp"), UW_CLI_RUN);
	assert_true(o.warning.high == 0.5 && o.limit_ns == 20 * S && o.verbose);
	assert_string_equal(o.target[0], "192.0.2.1");
	/* what is given stays as it is given, twice in the file or not */
	assert_int_equal(WITH("[a]\nw=0.5\nw=6\nt=20", "ntp", "b", "-w", "3"), UW_CLI_RUN);
	assert_true(o.warning.high == 3 && o.limit_ns == 20 * S);
	assert_int_equal(WITH("[a]\nexpected-address=192.0.2.1\na=192.0.2.2", "dns", "-H", "x.test"), UW_CLI_RUN);
	assert_int_equal(o.expect.addresses, 2);
	assert_int_equal(WITH("[a]\na=192.0.2.1", "dns", "-H", "x.test", "-a", "192.0.2.9"), UW_CLI_RUN);
	assert_int_equal(o.expect.addresses, 1);
}

static void test_bad_options(void **state)
{
	static const char *const bad[] = { "password=secret", "w=secret", "quiet=secret", "help", "version", "h", "timeout",
					   "timeou=5", "netns=a\nnetns=secret", "H=", "w = 1 -c 2" };
	char text[64], line[24];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "[a]\n%s", bad[i]);
		snprintf(line, sizeof(line), "line %d of a.ini", strchr(bad[i], '\n') ? 3 : 2);
		assert_int_equal(WITH(text, "ntp", "b"), UW_CLI_ERROR);
		assert_non_null(strstr(error, line));
		assert_null(strstr(error, "secret"));
	}
}

static int take(const char *word, const char *more)
{
	static char *argv[8];
	int argc = 0;

	uw_extra_free(&x);
	argv[argc++] = (char *)"udpwhy";
	argv[argc++] = (char *)"probe";
	argv[argc++] = (char *)"ntp";
	argv[argc++] = (char *)word;
	argv[argc++] = (char *)more;
	argv[argc] = NULL;
	return uw_extra_take(argc, argv, &x, error);
}

static void test_files(void **state)
{
	char dir[] = "/tmp/udpwhy-test-XXXXXX", path[64], word[128];
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.ini", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("[check_ntp_time]\nw=4\n[b]\nw=5\n", f);
	assert_int_equal(fclose(f), 0);
	snprintf(word, sizeof(word), "--extra-opts=@%s", path);
	assert_int_equal(take(word, "host"), 0);
	assert_string_equal(x.word[0], "-w4");
	assert_int_equal(x.argc, 4);
	assert_string_equal(x.argv[3], "host");
	snprintf(word, sizeof(word), "--extra-opts=b@%s", path);
	assert_int_equal(take(word, "host"), 0);
	assert_string_equal(x.word[0], "-w5");
	assert_int_equal(take(word, word), -1);
	assert_non_null(strstr(error, "given twice"));
	assert_int_equal(take("--", word), 0);	/* a target, if a strange one */
	assert_int_equal(x.argc, 5);
	assert_int_equal(take("--extra-opts=@/dev/zero", "host"), -1);
	assert_non_null(strstr(error, "no regular file"));
	assert_int_equal(take("--extra-opts=b@/nowhere/\033[31m", "host"), -1);
	assert_null(strchr(error, 033));
	assert_int_equal(truncate(path, UW_EXTRA_BYTES + 1), 0);
	snprintf(word, sizeof(word), "--extra-opts=b@%s", path);
	assert_int_equal(take(word, "host"), -1);
	assert_non_null(strstr(error, "too large"));
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(take(word, "host"), -1);
	assert_non_null(strstr(error, "no regular file"));
	unlink(path);
	rmdir(dir);
}

static int finish(void **state)
{
	(void)state;
	uw_extra_free(&x);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),	     cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_command_line), cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, finish);
}
