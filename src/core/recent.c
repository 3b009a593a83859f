// SPDX-License-Identifier: GPL-2.0-only
#include "core/recent.h"

#include <stdlib.h>

struct uw_recent {
	struct uw_flow_table *elder, *younger;
	uint64_t span_ns, turned_ns; /* turned: when the younger one began, 0 not yet */
};

struct uw_recent *uw_recent_new(unsigned flows, uint64_t span_ns)
{
	struct uw_recent *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->span_ns = span_ns;
	r->elder = uw_flow_table_new(flows);
	r->younger = uw_flow_table_new(flows);
	if (r->elder && r->younger)
		return r;
	uw_recent_free(r);
	return NULL;
}

void uw_recent_free(struct uw_recent *r)
{
	if (!r)
		return;
	uw_flow_table_free(r->elder);
	uw_flow_table_free(r->younger);
	free(r);
}

void uw_recent_turn(struct uw_recent *r, uint64_t now_ns)
{
	struct uw_flow_table *elder = r->elder;
	bool begun = r->turned_ns != 0;

	if (begun && now_ns - r->turned_ns < r->span_ns)
		return;
	r->turned_ns = now_ns;
	if (!begun)
		return;
	r->elder = r->younger;
	r->younger = elder;
	uw_flow_table_clear(elder);
}

void uw_recent_query(struct uw_recent *r, const struct uw_query *q, bool probe, const enum uw_verdict *previous)
{
	uw_flow_add(r->elder, q, probe, previous);
	uw_flow_add(r->younger, q, probe, previous);
}

void uw_recent_merge(struct uw_recent *r, const struct uw_flow *more)
{
	uw_flow_merge(r->elder, more);
	uw_flow_merge(r->younger, more);
}

struct uw_flow_table *uw_recent_flows(struct uw_recent *r)
{
	return r->elder;
}
