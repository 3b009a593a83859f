/* SPDX-License-Identifier: GPL-2.0-only */
#include "core/explain.h"

#include <stdbool.h>
#include <string.h>

#define NAME_MAX_COMPARED 64 /* our names are shorter; what is longer is near to none of them */
#define KERNEL_PREFIX "skb_drop_reason_"

static const char *const kind_names[UW_EXPLAIN_KINDS] = {
	[UW_EXPLAIN_VERDICT] = "verdict",	[UW_EXPLAIN_FAULT] = "fault",
	[UW_EXPLAIN_ROLE] = "role",		[UW_EXPLAIN_STAGE] = "stage",
	[UW_EXPLAIN_GAP] = "gap",		[UW_EXPLAIN_DIAGNOSIS] = "diagnosis",
	[UW_EXPLAIN_CONFIDENCE] = "confidence", [UW_EXPLAIN_ENGINE] = "engine",
	[UW_EXPLAIN_FIELD] = "field",		[UW_EXPLAIN_REASON] = "drop reason",
};

const char *uw_explain_kind_name(enum uw_explain_kind kind)
{
	return (unsigned)kind < UW_EXPLAIN_KINDS ? kind_names[kind] : "invalid";
}

const struct uw_explanation *uw_explain_at(unsigned i)
{
	if (i < uw_explain_word_count)
		return &uw_explain_words[i];
	i -= uw_explain_word_count;
	if (i < uw_explain_record_count)
		return &uw_explain_records[i];
	i -= uw_explain_record_count;
	return i < uw_explain_reason_count ? &uw_explain_reasons[i] : NULL;
}

const struct uw_explanation *uw_explain_entry(enum uw_explain_kind kind, const char *name)
{
	const struct uw_explanation *e;

	for (unsigned i = 0; (e = uw_explain_at(i)); i++)
		if (e->kind == kind && strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

/* As users type it: lower case, '_' for '-', without the kernel's prefix; ASCII only, no locale. */
static void fold_name(const char *name, char out[NAME_MAX_COMPARED])
{
	size_t n = strnlen(name, NAME_MAX_COMPARED - 1), skip = sizeof(KERNEL_PREFIX) - 1;

	for (size_t i = 0; i < n; i++) {
		char c = name[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		out[i] = c == '-' ? '_' : c;
	}
	out[n] = '\0';
	if (strncmp(out, KERNEL_PREFIX, skip) == 0)
		memmove(out, out + skip, n - skip + 1);
}

static bool same_but_for_spelling(const char *name, const char *folded)
{
	char mine[NAME_MAX_COMPARED];

	fold_name(name, mine);
	return strcmp(mine, folded) == 0;
}

unsigned uw_explain_find(const char *name, const struct uw_explanation **out, unsigned max)
{
	const struct uw_explanation *e;
	char folded[NAME_MAX_COMPARED];
	unsigned found = 0;

	for (unsigned i = 0; found < max && (e = uw_explain_at(i)); i++)
		if (strcmp(e->name, name) == 0)
			out[found++] = e;
	if (found || strlen(name) >= NAME_MAX_COMPARED)
		return found;
	fold_name(name, folded);
	for (unsigned i = 0; found < max && (e = uw_explain_at(i)); i++)
		if (same_but_for_spelling(e->name, folded))
			out[found++] = e;
	return found;
}

/* Edit distance (Levenshtein), one row at a time. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_COMPARED + 1];
	unsigned la = (unsigned)strlen(a), lb = (unsigned)strlen(b);

	for (unsigned j = 0; j <= lb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			unsigned best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

/* Smaller is nearer. A part of a name ("rcvbuf") is near too, though behind a typing error. */
static unsigned farness(const char *asked, const char *name)
{
	char mine[NAME_MAX_COMPARED];
	unsigned d;

	fold_name(name, mine);
	d = distance(asked, mine);
	if (d <= 1 + strlen(mine) / 4)
		return d;
	if (strlen(asked) >= 3 && strstr(mine, asked))
		return NAME_MAX_COMPARED + (unsigned)strlen(mine);
	return 2 * NAME_MAX_COMPARED;
}

unsigned uw_explain_nearest(const char *name, const struct uw_explanation **out, unsigned max)
{
	const struct uw_explanation *e;
	char asked[NAME_MAX_COMPARED];
	unsigned found = 0;

	fold_name(name, asked);
	for (unsigned far = 0; far < 2 * NAME_MAX_COMPARED && found < max; far++) {
		for (unsigned i = 0; found < max && (e = uw_explain_at(i)); i++) {
			if (farness(asked, e->name) != far)
				continue;
			if (!found || strcmp(out[found - 1]->name, e->name) != 0)
				out[found++] = e;
		}
	}
	return found;
}
