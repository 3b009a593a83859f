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
#include "core/diagnose.h"
#include "core/flow.h"
#include "core/totals.h"
#include "core/window.h"

#define UW_METRICS_SERVERS 256

struct uw_metrics;	/* opaque: which servers have series of their own */

/** uw_metrics_new - Return: to be freed by uw_metrics_free(), or NULL without memory. */
struct uw_metrics *uw_metrics_new(void);
void uw_metrics_free(struct uw_metrics *m);

/** uw_metrics_left - a flow leaves the table: what it counted stays in its server's series. */
void uw_metrics_left(struct uw_metrics *m, const struct uw_flow *f);

/** uw_metrics_diagnoses - those that hold now; the ones before are over. */
void uw_metrics_diagnoses(struct uw_metrics *m, const struct uw_diagnosis *d, unsigned count);

/* What is printed beside that. */
struct uw_metrics_now {
	const struct uw_totals *totals;			/* of the run */
	const struct uw_flow *const *flows;		/* the whole table */
	const struct uw_window *const *windows;
	unsigned flow_count, window_count;
	uint64_t windows_opened;			/* ever */
};

/**
 * uw_metrics_print - everything that is counted, to @out.
 * @clock: to turn CLOCK_BOOTTIME into wall-clock time.
 *
 * Counters never go back: a verdict that a later revision took back stays counted in
 * udpwhy_queries_total, and is counted in udpwhy_revised_total as well.
 */
void uw_metrics_print(struct uw_metrics *m, FILE *out, const struct uw_metrics_now *now,
		      const struct uw_clock *clock);

#endif
