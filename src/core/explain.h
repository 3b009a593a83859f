/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every name that udpwhy prints, in plain words: what it means and what to do about it. The tables
 * are data (explain_words.c, explain_records.c, explain_reasons.c); the text sink and
 * `udpwhy explain` read the same lines.
 */
#ifndef UW_EXPLAIN_H
#define UW_EXPLAIN_H

#include <stddef.h>

enum uw_explain_kind {
	UW_EXPLAIN_VERDICT,
	UW_EXPLAIN_FAULT,
	UW_EXPLAIN_ROLE,
	UW_EXPLAIN_STAGE,
	UW_EXPLAIN_GAP,
	UW_EXPLAIN_DIAGNOSIS,
	UW_EXPLAIN_CONFIDENCE,
	UW_EXPLAIN_ENGINE, /* of a drop in netfilter */
	UW_EXPLAIN_FIELD, /* of a JSON record */
	UW_EXPLAIN_REASON, /* a drop reason of the kernel */
	UW_EXPLAIN_KINDS,
};

struct uw_explanation {
	enum uw_explain_kind kind;
	const char *name;
	const char *text; /* what it means, whole sentences */
	const char *usual; /* what usually causes it, NULL if that is said or there is no such thing */
	const char *advice; /* what to do or to look at, NULL if there is nothing to do */
};

extern const struct uw_explanation uw_explain_words[], uw_explain_records[], uw_explain_reasons[];
extern const unsigned uw_explain_word_count, uw_explain_record_count, uw_explain_reason_count;

/** uw_explain_at - entry @i of all tables, kinds in their order; NULL behind the last. */
const struct uw_explanation *uw_explain_at(unsigned i);

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
