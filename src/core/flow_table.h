/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of flows: see flow.h for what is counted in one. */
#ifndef UW_FLOW_TABLE_H
#define UW_FLOW_TABLE_H

#include "core/flow.h"

struct uw_flow_table;	/* opaque, bounded */

/** uw_flow_table_new - Return: an empty table of at most @max flows beside "other"; NULL without memory. */
struct uw_flow_table *uw_flow_table_new(unsigned max);
void uw_flow_table_free(struct uw_flow_table *t);

/** uw_flow_table_clear - all flows away; what the kernel had counted when it was last looked at stays known. */
void uw_flow_table_clear(struct uw_flow_table *t);

/** uw_flow_table_watch - @fn is given each flow that leaves (left is set), before "other" has its counts. */
typedef void (*uw_flow_left_fn)(void *arg, const struct uw_flow *f);
void uw_flow_table_watch(struct uw_flow_table *t, uw_flow_left_fn fn, void *arg);

/** uw_flow_expire - flows that were not asked since @before_ns leave. */
void uw_flow_expire(struct uw_flow_table *t, uint64_t before_ns);

/** uw_flow_add - count a judged query; a revision 2 takes revision 1's verdict (@previous) back.
 * Return: its flow, or NULL without memory (counted in uw_flow_table_lost()). */
struct uw_flow *uw_flow_add(struct uw_flow_table *t, const struct uw_query *q, bool probe,
			    const enum uw_verdict *previous);

/** uw_flow_fold - count the good queries that the kernel has counted for a flow since the last call; @v
 * is the running total for the key. @more: receives what was new, to be counted elsewhere too; may be NULL.
 * Return: whether something was, and could be counted. */
bool uw_flow_fold(struct uw_flow_table *t, const struct uw_flow_key *key, bool probe,
		  const struct uw_flow_value *v, struct uw_flow *more);

/** uw_flow_folded - what uw_flow_fold() was given last for a key, NULL if nothing. */
const struct uw_flow_value *uw_flow_folded(const struct uw_flow_table *t, const struct uw_flow_key *key);

/** uw_flow_unfold - the kernel counts a key no longer; should it come back, it begins at zero. */
void uw_flow_unfold(struct uw_flow_table *t, const struct uw_flow_key *key);

/** uw_flow_merge - add what was counted elsewhere for a flow. Return: as uw_flow_add(). */
struct uw_flow *uw_flow_merge(struct uw_flow_table *t, const struct uw_flow *more);

/** uw_flow_find - Return: the flow, or NULL. */
const struct uw_flow *uw_flow_find(const struct uw_flow_table *t, const struct uw_flow_id *id);

/** uw_flow_list - Return: pointers to all flows sorted by id, "other" last; *count receives how many.
 * The array is the table's and is valid until the next call on the table. */
const struct uw_flow *const *uw_flow_list(struct uw_flow_table *t, unsigned *count);

/** uw_flow_others - how many of those are "other": no rule can say anything of them. */
unsigned uw_flow_others(const struct uw_flow_table *t);

/** uw_flow_is_news - whether queries or copies of answers were counted in @f since the last call. */
bool uw_flow_is_news(struct uw_flow_table *t, const struct uw_flow *f);
uint64_t uw_flow_table_lost(const struct uw_flow_table *t);

#endif
