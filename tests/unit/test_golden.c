/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a person reads, whole: facts of queries go through the real judge and the real text sink, at
 * widths of 40, 80, 120 and 200 columns, and must give tests/golden/NAME.txt to the byte.
 * `make golden` writes the files anew: read each before it is committed, as the one who will get it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/text_safe.h"
#include "golden_queries.h"
#include "sink/sink.h"

#define WALL 1790068283632000000ll	/* 2026-09-22 02:11:23.632 PDT */

static struct uw_sink *sink;

/* As the live source fills in. */
static void acquit(struct uw_query *q)
{
	q->acquittal.drops_here = q->dropped;
	q->acquittal.icmp_errors = q->icmp.seen;
}

static void tell(struct uw_query q)
{
	acquit(&q);
	uw_judge(&q);
	sink->query(sink, &q);
}

/* Roles that the judge does not give yet. */
static void tell_as(struct uw_query q, enum uw_role role, enum uw_verdict verdict,
		    enum uw_fault fault)
{
	uw_judge(&q);
	q.role = role;
	q.verdict = verdict;
	q.fault = fault;
	sink->query(sink, &q);
}

#include "golden_cases.h"
#include "golden_runs.h"

static const struct golden {
	const char *name;
	void (*tell)(void);
	bool all;
} goldens[] = {
#define GOLDEN(name, function, all) { name, function, all },
	GOLDENS
#undef GOLDEN
};

/* ---- running them ---- */

static void tell_at(FILE *out, const struct golden *g, unsigned width)
{
	const struct uw_text_options options = { .width = width, .all = g->all };
	struct uw_clock clock = { 0 };

	uw_clock_note(&clock, T0, WALL);
	fprintf(out, "======== %u columns ========\n", width);
	sink = uw_sink_text(out, &clock, &options);
	assert_non_null(sink);
	g->tell();
	sink->close(sink);
	fputc('\n', out);
}

static char *text_of(const struct golden *g)
{
	static const unsigned widths[] = { 40, 80, 120, 200 };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		tell_at(out, g, widths[i]);
	fclose(out);
	return text;
}

static const char *path_of(const struct golden *g, char buf[256])
{
	snprintf(buf, 256, "%s/%s.txt", getenv("UW_GOLDEN_DIR") ?: "tests/golden", g->name);
	return buf;
}

static void write_golden(const struct golden *g, const char *text)
{
	char path[256];
	FILE *f = fopen(path_of(g, path), "w");

	if (!f)
		fail_msg("cannot write %s", path);
	fputs(text, f);
	fclose(f);
}

static void as_golden(const struct golden *g, const char *text)
{
	static char expected[1 << 18];
	char path[256];
	FILE *f = fopen(path_of(g, path), "r");
	size_t n, at = 0;

	if (!f)
		fail_msg("%s is missing: make golden, then read it", path);
	n = fread(expected, 1, sizeof(expected) - 1, f);
	fclose(f);
	expected[n] = '\0';
	if (strcmp(expected, text) == 0)
		return;
	while (text[at] && text[at] == expected[at])
		at++;
	while (at && text[at - 1] != '\n')
		at--;
	fail_msg("%s differs at:\n  %.*s\nwhich was:\n  %.*s", path, (int)strcspn(text + at, "\n"),
		 text + at, (int)strcspn(expected + at, "\n"), expected + at);
}

/* Nothing but printable characters, and no line wider than the terminal. */
static void fits(const char *name, const char *text)
{
	unsigned width = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");
		char line[4096], safe[4096];

		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		uw_safe_text(line, len, safe, sizeof(safe));
		if (strcmp(line, safe) != 0)
			fail_msg("%s: unprintable: %s", name, safe);
		if (sscanf(line, "======== %u columns", &width) != 1 && uw_text_columns(line) > width)
			fail_msg("%s: wider than %u: %s", name, width, line);
		text += len + !!text[len];
	}
}

static void golden(void **state)
{
	const struct golden *g = *state;
	const char *mode = getenv("UW_GOLDEN");
	char *text = text_of(g);

	fits(g->name, text);
	if (mode && strcmp(mode, "write") == 0)
		write_golden(g, text);
	else
		as_golden(g, text);
	free(text);
}

int main(void)
{
	const size_t count = sizeof(goldens) / sizeof(goldens[0]);
	struct CMUnitTest tests[sizeof(goldens) / sizeof(goldens[0])];

	/* The zone as a rule, not as a name: the host may have no zone files. */
	setenv("TZ", "PST8PDT,M3.2.0,M11.1.0", 1);
	tzset();
	for (size_t i = 0; i < count; i++)
		tests[i] = (struct CMUnitTest){
			.name = goldens[i].name,
			.test_func = golden,
			.initial_state = (void *)&goldens[i],
		};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
