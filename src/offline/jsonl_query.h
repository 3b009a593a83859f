/* SPDX-License-Identifier: GPL-2.0-only */
/* From a JSON object of type query or flow back to what was written (sink/json_query.c, sink/json.c). */
#ifndef UW_JSONL_QUERY_H
#define UW_JSONL_QUERY_H

#include "core/flow.h"
#include "core/query.h"
#include "core/window.h"
#include "offline/jsonl_fields.h"

/**
 * uw_jsonl_query - a query as it was told: with its verdict, which was given by who saw more.
 * Times of @q are since the epoch. host and host_number are the caller's to fill in.
 */
void uw_jsonl_query(struct uw_fields *f, struct uw_query *q);

/** uw_jsonl_flow - a flow record; what it does not hold is zero. */
void uw_jsonl_flow(struct uw_fields *f, struct uw_flow *flow);

/** uw_jsonl_flow_id - what a flow is known by; @k: its key. */
void uw_jsonl_flow_id(struct uw_fields *f, struct uw_flow_id *id, struct uw_query_key *k);

/** uw_jsonl_window - a window record; host, host_number and those of its flows are the caller's to fill in. */
void uw_jsonl_window(struct uw_fields *f, struct uw_window *w);

/** uw_jsonl_key, uw_jsonl_role - what a query and a flow have in common. */
void uw_jsonl_key(struct uw_fields *f, struct uw_query_key *k);
enum uw_role uw_jsonl_role(struct uw_fields *f);

/** uw_jsonl_verdicts - "count.answered" and so on, also of end and status records. */
void uw_jsonl_verdicts(struct uw_fields *f, uint64_t count[UW_VERDICTS]);

/** uw_jsonl_gaps - a list of gaps. */
uint32_t uw_jsonl_gaps(struct uw_fields *f, const char *key);

#endif
