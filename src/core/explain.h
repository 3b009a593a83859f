/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every name that udpwhy prints, in plain words: what it means and what to do about it. The table
 * is data (explain_table.c); the text sink and `udpwhy explain` read the same lines.
 */
#ifndef UW_EXPLAIN_H
#define UW_EXPLAIN_H

#include <stddef.h>

enum uw_explain_kind {
	UW_EXPLAIN_VERDICT,
	UW_EXPLAIN_FAULT,
	UW_EXPLAIN_STAGE,
	UW_EXPLAIN_GAP,
	UW_EXPLAIN_DIAGNOSIS,
	UW_EXPLAIN_REASON, /* a drop reason of the kernel */
	UW_EXPLAIN_KINDS,
};

struct uw_explanation {
	enum uw_explain_kind kind;
	const char *name;
	const char *text; /* what it means, whole sentences */
	const char *advice; /* what to do, NULL if there is nothing to do */
};

extern const struct uw_explanation uw_explanations[];
extern const unsigned uw_explanation_count;

/** uw_explain_kind_name - "verdict", "drop reason"; never NULL for a value of the enum. */
const char *uw_explain_kind_name(enum uw_explain_kind kind);

/** uw_explain_entry - the entry of exactly this kind and name, or NULL. */
const struct uw_explanation *uw_explain_entry(enum uw_explain_kind kind, const char *name);

/**
 * uw_explain_find - the entries that a user means by @name: exactly that name, or else the same
 * but for case, '-' for '_' and the kernel's prefix SKB_DROP_REASON_. One name may have several
 * kinds ("unknown" is a verdict and a fault).
 * @out: receives at most @max entries. Return: how many.
 */
unsigned uw_explain_find(const char *name, const struct uw_explanation **out, unsigned max);

/**
 * uw_explain_nearest - the names most like @name, best first, each once, none that is too far.
 * @out: receives at most @max entries. Return: how many, possibly 0.
 */
unsigned uw_explain_nearest(const char *name, const struct uw_explanation **out, unsigned max);

#endif
