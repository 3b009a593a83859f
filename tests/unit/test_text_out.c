/* SPDX-License-Identifier: GPL-2.0-only */
#include "text_fixture.h"

/* ---- laying out ---- */

static char *folded(unsigned width, const char *lead, unsigned hang, const char *line)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	const struct uw_text_out o = { .out = out, .width = width };

	assert_non_null(out);
	uw_text_print(&o, lead, UW_PLAIN, hang, line);
	fclose(out);
	return text;
}

static void folds_to(unsigned width, const char *lead, unsigned hang, const char *line,
		     const char *expected)
{
	char *text = folded(width, lead, hang, line);

	assert_string_equal(text, expected);
	free(text);
}

static void folding(void **state)
{
	(void)state;
	folds_to(0, "> ", 2, "a  b   c ", "> a  b   c\n");
	folds_to(10, "> ", 2, "1234 678 x", "> 1234 678\n  x\n");
	folds_to(10, "> ", 2, "1234 6789 x", "> 1234\n  6789 x\n");
	folds_to(10, "", 2, "1234567890abcdefghij", "1234567890\n  abcdefgh\n  ij\n");
	folds_to(10, "> ", 2, "日本語日本語", "> 日本語日\n  本語\n");
	folds_to(10, "", 0, "", "\n");
	folds_to(40, "lead ", 16, "short", "lead short\n");
	/* Glued words stay together, unless they would not fit on a line of their own. */
	folds_to(10, "> ", 2, "123 45" UW_NBSP "678", "> 123\n  45 678\n");
	folds_to(10, "> ", 2, "1" UW_NBSP "2", "> 1 2\n");
	folds_to(10, "> ", 2, "12" UW_NBSP "34" UW_NBSP "567890", "> 12 34\n  567890\n");
}

static void durations(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0 µs" }, { 21 * US, "21 µs" }, { 499999, "499 µs" }, { 900 * US, "0.9 ms" },
		{ 14 * MS, "14.0 ms" }, { 250 * MS, "250 ms" }, { 5 * S, "5.0 s" }, { 125 * S, "125 s" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uw_line l = { 0 };

		uw_line_duration(&l, cases[i].ns);
		for (size_t k = 0; k < l.len; k++)
			l.text[k] = l.text[k] == *UW_NBSP ? ' ' : l.text[k];
		assert_string_equal(l.text, cases[i].text);
	}
}

/* A line that is full ends at a whole character. */
static void a_line_that_is_full(void **state)
{
	struct uw_line l = { 0 };
	char safe[UW_LINE_MAX];

	(void)state;
	uw_line_add(&l, "x");
	for (unsigned i = 0; i < UW_LINE_MAX; i++)
		uw_line_add(&l, "→");
	assert_int_equal(l.len, strlen(l.text));
	assert_true(l.len > UW_LINE_MAX - 5);
	uw_safe_text(l.text, l.len, safe, sizeof(safe));
	assert_string_equal(safe, l.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folding),
		cmocka_unit_test(durations),
		cmocka_unit_test(a_line_that_is_full),
	};

	return cmocka_run_group_tests(tests, in_our_zone, NULL);
}
