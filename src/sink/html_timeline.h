/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What became of the queries over time, a lane for each server and protocol. Of fixed size whatever the
 * length of the run: when time goes beyond the last bin, two become one.
 */
#ifndef UW_HTML_TIMELINE_H
#define UW_HTML_TIMELINE_H

#include <stdio.h>

#include "core/address.h"
#include "core/clock.h"
#include "core/lot.h"
#include "core/window.h"

#define UW_TIMELINE_BINS 320
#define UW_TIMELINE_LANES 12	/* the last one is for all the others */
#define UW_TIMELINE_BANDS 32

struct uw_timeline {
	uint64_t start_ns, bin_ns;	/* CLOCK_BOOTTIME, as all times; bin_ns 0: empty */
	uint64_t last_ns;
	unsigned lanes;
	struct uw_lane {
		struct uw_addr server;
		uint16_t port;
		uint8_t family, protocol;	/* protocol 0: all the others */
		uint32_t bin[UW_TIMELINE_BINS][UW_LOTS];
		uint64_t sum[UW_LOTS];
	} lane[UW_TIMELINE_LANES];
	unsigned bands;
	struct uw_band {
		uint64_t from_ns, to_ns;
		unsigned id;
		uint32_t lanes;		/* bits: whose queries were lost in it */
	} band[UW_TIMELINE_BANDS];	/* loss windows */
	bool rated;			/* something is known of: */
	char rate_of[UW_ADDR_TEXT];	/* whose packets, "" the device's */
	struct uw_rate {
		bool known;
		double out, in;		/* UDP packets/s, the most of its time; UW_RATE_UNKNOWN */
	} rate[UW_TIMELINE_BINS];
};

#define UW_RATE_UNKNOWN (-1.0)

/** uw_timeline_add - a judged query, in any order of time. */
void uw_timeline_add(struct uw_timeline *t, const struct uw_query *q);

/** uw_timeline_band - a loss window, after its queries; one told before is replaced. */
void uw_timeline_band(struct uw_timeline *t, const struct uw_window *w);

/** uw_timeline_rate - UDP packets/s of a time; all queries have been added. */
void uw_timeline_rate(struct uw_timeline *t, uint64_t from_ns, uint64_t to_ns, double out, double in);

/** uw_timeline_sums - what all flows count, also of the queries that were not told one by one.
 * Return: whether there are answered ones that are not drawn. */
bool uw_timeline_sums(struct uw_timeline *t, const struct uw_flow *const *flows, unsigned count);

/** uw_timeline_svg - draw it; nothing if it is empty. */
void uw_timeline_svg(const struct uw_timeline *t, const struct uw_clock *clock, FILE *out);

#endif
