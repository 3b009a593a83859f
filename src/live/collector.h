/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The live source: takes records from the kernel side, adds what only user space knows (names of
 * reasons, symbols, processes, counters of devices, losses), and hands out judged queries.
 */
#ifndef UW_COLLECTOR_H
#define UW_COLLECTOR_H

#include "core/query.h"
#include "live/answers.h"
#include "live/live.h"
#include "sink/sink.h"

struct uw_collector;

struct uw_collector_options {
	const struct uw_filters *filters;
	uint64_t timeout_ns;
	uint32_t run;		/* high part of query.id */
	struct uw_nft_trace *nft_trace;	/* names the rules of drops; NULL: they are not known */
};

/* @previous: what the revision before said, NULL for the first. */
typedef void (*uw_query_fn)(void *arg, const struct uw_query *q, const struct uw_previous *previous);

/**
 * uw_collector_new - start collecting from a loaded kernel side.
 * @l: stays the caller's and outlives the collector; on_query is called for each judged query that is
 * bad, or good and wanted (uw_live_options.all).
 * Return: 0 with *out to be freed by uw_collector_free(); -errno.
 */
int uw_collector_new(struct uw_live *l, const struct uw_collector_options *options, uw_query_fn on_query,
		     void *arg, struct uw_collector **out);
void uw_collector_free(struct uw_collector *c);

/** uw_collector_fd - readable when the kernel sent something up. */
int uw_collector_fd(const struct uw_collector *c);

/**
 * uw_collector_run - take what came and judge what is due.
 * @now_ns: CLOCK_BOOTTIME; last: judge everything whose deadline has passed or that can no longer
 * change, even what is still inside.
 * Return: queries still open.
 */
unsigned uw_collector_run(struct uw_collector *c, uint64_t now_ns, bool last);

/** uw_collector_in_flight - how many are open, and which for the longest, at the last sweep. */
void uw_collector_in_flight(const struct uw_collector *c, struct uw_in_flight *f);

/** uw_collector_hurry - the next run looks at every open query, however lately the one before did. */
void uw_collector_hurry(struct uw_collector *c);

/** uw_collector_flows - call @fn for each flow the kernel counted good queries of. */
void uw_collector_flows(struct uw_collector *c, uw_flow_fn fn, void *arg);

/** uw_collector_trim - the kernel forgets flows that are idle; @fn is given each as it was last. */
void uw_collector_trim(struct uw_collector *c, uw_flow_fn fn, void *arg);

/** uw_collector_totals - what was counted and lost. Return: 0 or -errno. */
int uw_collector_totals(struct uw_collector *c, struct uw_totals *t);

/** uw_collector_askers - who asks in the scope, by the sockets that were open at the start.
 * @out: receives at most @max. Return: how many. */
unsigned uw_collector_askers(struct uw_collector *c, struct uw_asker *out, unsigned max);

/** uw_collector_netns - the path of a namespace seen lately; false if it is not known. */
bool uw_collector_netns(struct uw_collector *c, uint32_t inum, struct uw_netns *out);

#endif
