/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every source's queries go through once they are judged: flows, totals, diagnoses, and the
 * sink that prints them. A source gives queries; it neither counts nor prints.
 */
#ifndef UW_REPORT_H
#define UW_REPORT_H

#include "cli.h"
#include "core/clock.h"
#include "core/diagnose.h"
#include "core/flow.h"
#include "core/totals.h"
#include "core/traffic.h"
#include "core/window.h"
#include "writer.h"
#include "sink/sink.h"

struct uw_report;	/* opaque */

/**
 * uw_report_new - a report to where the options want it.
 * @o, clock: stay the caller's and outlive the report; silent: count and diagnose, print nothing;
 * manner: what becomes of records that a slow reader or a full disk does not take.
 * @out: to be freed by uw_report_free(). @error: one line if it fails.
 * Return: 0 or -errno.
 */
int uw_report_new(const struct uw_options *o, const struct uw_clock *clock, bool silent,
		  enum uw_writer_manner manner, struct uw_report **out, char error[UW_WRITER_ERROR]);
void uw_report_free(struct uw_report *r);

/** uw_report_start - the start record; @run's filters are filled in from the options. */
void uw_report_start(struct uw_report *r, struct uw_run *run);

/**
 * uw_report_query - take a judged query.
 * @previous: what the revision that this one replaces said, NULL for a first one; probe: asked by udpwhy
 * itself: counted in its own flow, not told; always: told even if it is good.
 */
void uw_report_query(struct uw_report *r, const struct uw_query *q, const struct uw_previous *previous,
		     bool probe, bool always);

/** uw_report_fold - good queries counted elsewhere; @v as uw_flow_fold() has it. */
void uw_report_fold(struct uw_report *r, const struct uw_flow_key *key, const struct uw_flow_value *v);

/** uw_report_unfold - the kernel counts a key no longer. */
void uw_report_unfold(struct uw_report *r, const struct uw_flow_key *key);

/** uw_report_rest - what a record of a flow counts beside the queries that were taken one by one. */
void uw_report_rest(struct uw_report *r, const struct uw_flow *rest);

/** uw_report_window - a loss window that another run told of. */
void uw_report_window(struct uw_report *r, const struct uw_window *w);

/** uw_report_host - what another host said of itself, for evidence and advice. */
void uw_report_host(struct uw_report *r, const struct uw_host_facts *facts);
/**
 * uw_report_settle - the outcomes of all queries sent until @until_ns have been given: what follows of
 * loss windows is told. (Live: until a timeout ago; in captures: until UW_HOLD_NS before the last judged.)
 */
void uw_report_settle(struct uw_report *r, uint64_t until_ns);

/** uw_report_traffic - what the wire carried: the source's, which fills it and outlives the report. */
void uw_report_traffic(struct uw_report *r, const struct uw_traffic *t);

/** uw_report_totals - verdicts and faults of the queries taken one by one. */
const struct uw_totals *uw_report_totals(const struct uw_report *r);

/** uw_report_flows - as uw_flow_list(). */
const struct uw_flow *const *uw_report_flows(struct uw_report *r, unsigned *count);

/** uw_report_unsettled - whether bad queries came since the last uw_report_diagnose(). */
bool uw_report_unsettled(const struct uw_report *r);

/**
 * uw_report_diagnose - run the rules and tell what is news (core/news.h); with an interval they see the
 * recent past only.
 * @now_ns: CLOCK_BOOTTIME; of files, 0.
 * @final: all queries have been given; also tell what has grown since it was told.
 */
void uw_report_diagnose(struct uw_report *r, uint64_t now_ns, bool final);

/** uw_report_surest - Return: the surest diagnosis made so far and its id, NULL if there is none. */
const char *uw_report_surest(const struct uw_report *r, enum uw_confidence *confidence);

/** uw_report_idle - a pause: what was grouped so far is printed. */
void uw_report_idle(struct uw_report *r);

/** uw_report_rhythms - for a person who waits: who asks how often, when that is known. */
void uw_report_rhythms(struct uw_report *r, uint64_t now_ns);

/** uw_report_live - whether there is a terminal that wants to be shown what is in flight. */
bool uw_report_live(const struct uw_report *r);

/** uw_report_in_flight - show it until something else is printed; NULL takes it away. */
void uw_report_in_flight(struct uw_report *r, const struct uw_in_flight *f);

/** uw_report_resize - the terminal has another width. */
void uw_report_resize(struct uw_report *r);

/** uw_report_interval - the flow records that are news since the last time; a new ration of bad queries;
 * what was not asked for long leaves. */
void uw_report_interval(struct uw_report *r, uint64_t now_ns);

/** uw_report_metrics - the counters for Prometheus, to @out; @t: the totals of the run. */
void uw_report_metrics(struct uw_report *r, const struct uw_totals *t, FILE *out);

/** uw_report_status, uw_report_end - with the totals of the whole run. */
void uw_report_status(struct uw_report *r, const struct uw_totals *t);
void uw_report_end(struct uw_report *r, const struct uw_totals *t);

/**
 * uw_report_flush - see how the writing goes; never waits.
 * Return: 0; -EPIPE if the reader is gone, which ends a run quietly; -EIO for any other failure
 * that ends it. Failures have been said on stderr.
 */
int uw_report_flush(struct uw_report *r);

/** uw_report_drain - the same, after all is written or the reader has been stuck for seconds. */
int uw_report_drain(struct uw_report *r);

/** uw_report_is_failing - whether the last record could not be written. */
bool uw_report_is_failing(const struct uw_report *r);

/** uw_report_reopen - the output file anew, for log rotation; failures are said on stderr. */
void uw_report_reopen(struct uw_report *r);

/** uw_report_exit_status - as --exit-code has it, 0 without that option. */
int uw_report_exit_status(const struct uw_report *r, const struct uw_totals *t);

#endif
