/* SPDX-License-Identifier: GPL-2.0-only */
/* The runs that JSON lines are of: one a host at a time, from a start record to the next. jsonl.c's own. */
#ifndef UW_JSONL_RUN_H
#define UW_JSONL_RUN_H

#include "core/flow_table.h"
#include "core/totals.h"

#define UW_HOSTS_MAX 255

struct uw_kept_flow {
	struct uw_flow now;	/* its last record */
	struct uw_flow *left;	/* of the times before, when it left the run's table; NULL none */
};

struct uw_jsonl_run {
	char host[256];
	uint8_t number;		/* from 1 on */
	uint64_t started_ns, timeout_ns;
	bool captured;		/* of a capture's analysis */
	bool repeated;		/* its lines were read before */
	struct uw_flow_table *told;	/* what was told query by query */
	struct uw_kept_flow *flow;
	unsigned flows, room;
	uint64_t told_fault[UW_FAULTS];
	struct uw_totals sums;	/* of its end record, or of its last status record */
};

typedef void (*uw_jsonl_rest_fn)(void *arg, const struct uw_flow *rest);

/** uw_jsonl_run_keep - keep a flow record; a later one of the same flow replaces it. Return: 0, -ENOMEM. */
int uw_jsonl_run_keep(struct uw_jsonl_run *r, const struct uw_flow *f);

/** uw_jsonl_run_end - give the rest of its flow records, add its sums to @t, and forget all but the host. */
void uw_jsonl_run_end(struct uw_jsonl_run *r, struct uw_totals *t, uw_jsonl_rest_fn rest, void *arg);

/** uw_jsonl_run_clear - free what it holds. */
void uw_jsonl_run_clear(struct uw_jsonl_run *r);

#endif
