// SPDX-License-Identifier: GPL-2.0-only
#include "offline/jsonl_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "offline/jsonl.h"

#define FLOWS_MAX 65536

/* It begins at zero if it comes back. */
static int keep_left(struct uw_kept_flow *k)
{
	if (!k->left)
		k->left = calloc(1, sizeof(*k->left));
	if (!k->left)
		return -ENOMEM;
	uw_flow_sum(k->left, &k->now);
	k->now = (struct uw_flow){ .id = k->now.id, .host = k->now.host };
	return 0;
}

int uw_jsonl_run_keep(struct uw_jsonl_run *r, const struct uw_flow *f)
{
	unsigned i;

	for (i = 0; i < r->flows; i++) {
		if (!memcmp(&r->flow[i].now.id, &f->id, sizeof(f->id)))
			break;
	}
	if (i == r->flows && i == r->room) {
		unsigned room = r->room ? 2 * r->room : 16;
		struct uw_kept_flow *more = room <= FLOWS_MAX ? realloc(r->flow, room * sizeof(*more)) : NULL;

		if (!more)
			return -ENOMEM;
		memset(more + r->room, 0, (room - r->room) * sizeof(*more));
		r->flow = more;
		r->room = room;
	}
	r->flows += i == r->flows;
	r->flow[i].now = *f;
	r->flow[i].now.host = r->host;
	return f->left ? keep_left(&r->flow[i]) : 0;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void take_off_drops(struct uw_flow *f, const struct uw_flow *told)
{
	unsigned i, k;

	for (i = 0; i < f->drops; i++) {
		for (k = 0; k < told->drops; k++) {
			if (uw_flow_drop_same(&f->drop[i], &told->drop[k]))
				f->drop[i].count = less(f->drop[i].count, told->drop[k].count);
		}
	}
}

/* What the record counts and nobody told. Times and names are the whole flow's. */
static void take_off(struct uw_flow *f, const struct uw_flow *told)
{
	unsigned i;

	for (i = 0; i < UW_VERDICTS; i++)
		f->count[i] = less(f->count[i], told->count[i]);
	for (i = 0; i < UW_RTT_BUCKETS; i++)
		f->rtt[i] = less(f->rtt[i], told->rtt[i]);
	f->attempts = less(f->attempts, told->attempts);
	f->duplicate = less(f->duplicate, told->duplicate);
	f->conflicting = less(f->conflicting, told->conflicting);
	f->bad_complete = less(f->bad_complete, told->bad_complete);
	f->unsynchronised = less(f->unsynchronised, told->unsynchronised);
	f->lost_beyond = less(f->lost_beyond, told->lost_beyond);
	f->port_unreachable = less(f->port_unreachable, told->port_unreachable);
	take_off_drops(f, told);
}

void uw_jsonl_sums_add(struct uw_totals *t, const struct uw_totals *of)
{
	unsigned i;

	for (i = 0; i < UW_STATS; i++)
		t->stats[i] += of->stats[i];
	for (i = 0; i < UW_FAULTS; i++)
		t->fault[i] += of->fault[i];
	t->suppressed += of->suppressed;
	t->recursion_misses += of->recursion_misses;
	t->netlink_lost += of->netlink_lost;
	t->output_lost += of->output_lost;
	t->nft_trace |= of->nft_trace;
	t->rule_unknown += of->rule_unknown;
	t->elapsed_ns += of->elapsed_ns;
	if (of->command_ran) {
		t->command_ran = true;
		t->command_status = of->command_status;
	}
}

void uw_jsonl_run_clear(struct uw_jsonl_run *r)
{
	unsigned i;

	for (i = 0; i < r->flows; i++)
		free(r->flow[i].left);
	free(r->flow);
	uw_flow_table_free(r->told);
	r->told = NULL;
	r->flow = NULL;
	r->flows = r->room = 0;
}

void uw_jsonl_run_end(struct uw_jsonl_run *r, struct uw_totals *t, uw_jsonl_rest_fn rest, void *arg)
{
	unsigned i;

	for (i = 0; i < r->flows; i++) {
		struct uw_flow *f = &r->flow[i].now;
		const struct uw_flow *told = r->told ? uw_flow_find(r->told, &f->id) : NULL;

		if (r->flow[i].left)
			uw_flow_sum(f, r->flow[i].left);
		if (told)
			take_off(f, told);
		rest(arg, f);
	}
	for (i = 0; i < UW_FAULTS; i++)
		r->sums.fault[i] = i == UW_FAULT_NONE ? 0 : less(r->sums.fault[i], r->told_fault[i]);
	uw_jsonl_sums_add(t, &r->sums);
	uw_jsonl_run_clear(r);
	memset(r->told_fault, 0, sizeof(r->told_fault));
	memset(&r->sums, 0, sizeof(r->sums));
}
