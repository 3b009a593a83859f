/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The counters as Prometheus reads them (text exposition format 0.0.4). No name that the network or
 * another process chose is a label, and the number of series is bounded: servers beyond the first
 * UW_METRICS_SERVERS share one, "other".
 */
#ifndef UW_METRICS_H
#define UW_METRICS_H

#include <stdio.h>

#include "core/clock.h"
#include "core/flow.h"
#include "core/totals.h"

#define UW_METRICS_SERVERS 256

struct uw_metrics;	/* opaque: which servers have series of their own */

/** uw_metrics_new - Return: to be freed by uw_metrics_free(), or NULL without memory. */
struct uw_metrics *uw_metrics_new(void);
void uw_metrics_free(struct uw_metrics *m);

/**
 * uw_metrics_print - everything that is counted, to @out.
 * @t: the totals of the run; flows: the whole table; clock: to turn CLOCK_BOOTTIME into wall-clock time.
 *
 * Counters never go back: a verdict that a later revision took back stays counted in
 * udpwhy_queries_total, and is counted in udpwhy_revised_total as well.
 */
void uw_metrics_print(struct uw_metrics *m, FILE *out, const struct uw_totals *t,
		      const struct uw_flow *const *flows, unsigned count, const struct uw_clock *clock);

#endif
