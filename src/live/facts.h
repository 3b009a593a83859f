/* SPDX-License-Identifier: GPL-2.0-only */
/* From a kernel record to a query: the record checked, its numbers turned into names. */
#ifndef UW_FACTS_H
#define UW_FACTS_H

#include "core/query.h"
#include "live/ksym.h"
#include "live/nft_trace.h"
#include "live/reason.h"
#include "live/who.h"

struct uw_facts {
	struct uw_reasons *reasons;	/* NULL: no names */
	struct uw_ksyms *symbols;	/* NULL: no names */
	struct uw_who *who;		/* NULL: no names */
	struct uw_nft_trace *nft_trace;	/* NULL: no rules */
	/* A drop before the last of its direction, by its key; false if the kernel forgot it. */
	bool (*earlier)(void *arg, const struct uw_earlier_key *key, struct uw_drop *out);
	void *earlier_arg;
	bool reads_seen;		/* else a queued reply counts as read */
	uint64_t timeout_ns;
	uint32_t run;
};

/**
 * uw_record_check - whether a record is one of ours, whatever the ring delivered.
 * Return: NULL, or what is wrong with it (a constant).
 */
const char *uw_record_check(const void *data, size_t size);

/**
 * uw_facts_query - fill a query from a checked record; gaps and acquittal stay empty.
 * @f: where names come from; q: written whole.
 */
void uw_facts_query(const struct uw_facts *f, const struct uw_record *r, struct uw_query *q);

#endif
