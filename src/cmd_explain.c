/* SPDX-License-Identifier: GPL-2.0-only */
/* udpwhy explain [NAME]: what a verdict, fault, stage, gap, diagnosis or drop reason means. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "core/explain.h"
#include "core/text_safe.h"
#include "sink/text_out.h"

#define NEAREST 3
#define MEANINGS 8
#define LONGEST_NAME 80 /* bytes of a name that is quoted in an error */

static void list_names(const struct uw_text_out *o)
{
	for (unsigned kind = 0; kind < UW_EXPLAIN_KINDS; kind++) {
		const struct uw_explanation *e;
		struct uw_line names = {0};

		for (unsigned i = 0; (e = uw_explain_at(i)); i++)
			if (e->kind == kind)
				uw_line_add(&names, "%s%s", names.len ? "  " : "", e->name);
		uw_text_labelled(o, uw_explain_kind_name(kind), names.text);
	}
	fputs("\nudpwhy explain NAME says what one of them means.\n", o->out);
}

/* Advice on a verdict is what to do, on a place or a reason where to look. */
static bool is_a_place(const struct uw_explanation *e)
{
	return e->kind == UW_EXPLAIN_STAGE || e->kind == UW_EXPLAIN_ENGINE ||
	       e->kind == UW_EXPLAIN_FIELD || e->kind == UW_EXPLAIN_REASON;
}

static void print_entry(const struct uw_text_out *o, const struct uw_explanation *e)
{
	fprintf(o->out, "%s  (%s)\n", e->name, uw_explain_kind_name(e->kind));
	uw_text_print(o, "  ", UW_PLAIN, 2, e->text);
	if (e->usual)
		uw_text_print(o, "  Usually: ", UW_PLAIN, 4, e->usual);
	if (e->advice)
		uw_text_print(o, is_a_place(e) ? "  Look at: " : "  Do: ", UW_PLAIN, 4, e->advice);
}

static int unknown_name(const char *name)
{
	const struct uw_explanation *near[NEAREST];
	unsigned found = uw_explain_nearest(name, near, NEAREST);
	char safe[4 * LONGEST_NAME + 1];

	uw_safe_text(name, strnlen(name, LONGEST_NAME), safe, sizeof(safe));
	fprintf(stderr, "udpwhy explain: nothing is called '%s'", safe);
	for (unsigned i = 0; i < found; i++)
		fprintf(stderr, "%s%s", i ? ", " : "; near it: ", near[i]->name);
	fputs(found ? "\n" : "; 'udpwhy explain' lists the names\n", stderr);
	return 1;
}

static int explain(const struct uw_text_out *o, const char *name)
{
	const struct uw_explanation *found[MEANINGS];
	unsigned count = uw_explain_find(name, found, MEANINGS);

	if (!count)
		return unknown_name(name);
	for (unsigned i = 0; i < count; i++) {
		if (i)
			fputc('\n', o->out);
		print_entry(o, found[i]);
	}
	return 0;
}

int uw_cmd_explain(const struct uw_options *options)
{
	struct uw_text_out o = {.out = stdout, .width = uw_text_page_width()};

	if (options->name)
		return explain(&o, options->name);
	list_names(&o);
	return 0;
}
