/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flows of the recent past, for the rules: what was mended hours ago is no cause of today's losses.
 * Two tables begin in turns, a span after each other; the elder one is looked at, and begins anew when
 * the younger one is a span old. So the rules see between one and two spans.
 */
#ifndef UW_RECENT_H
#define UW_RECENT_H

#include "core/flow_table.h"

struct uw_recent;	/* opaque */

/** uw_recent_new - @flows: kept at most in each. NULL without memory. */
struct uw_recent *uw_recent_new(unsigned flows, uint64_t span_ns);
void uw_recent_free(struct uw_recent *r);

/** uw_recent_turn - to be called now and then with the time, CLOCK_BOOTTIME. */
void uw_recent_turn(struct uw_recent *r, uint64_t now_ns);

/** uw_recent_query, uw_recent_merge - as uw_flow_add() and uw_flow_merge(). */
void uw_recent_query(struct uw_recent *r, const struct uw_query *q, bool probe, const enum uw_verdict *previous);
void uw_recent_merge(struct uw_recent *r, const struct uw_flow *more);

/** uw_recent_flows - the elder table. */
struct uw_flow_table *uw_recent_flows(struct uw_recent *r);

#endif
