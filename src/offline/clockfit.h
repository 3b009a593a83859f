/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much one clock is ahead of another, from datagrams that both have seen.
 *
 * A request takes some time from the client's end to the far one, and so does its reply back: what the far
 * clock showed at the request less what the near one did is the offset plus that time, at the reply the
 * offset less it. The offset lies between the two; of many queries, on a line between all of these bounds.
 */
#ifndef UW_CLOCKFIT_H
#define UW_CLOCKFIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uw_clock_sample {
	uint64_t at_ns;		/* by the near clock */
	int64_t request_ns;	/* far time less near time of the request, */
	int64_t reply_ns;	/* ... and of the reply, */
	bool both;		/* ... if both ends have seen it */
};

struct uw_clock_fit {
	uint64_t at_ns;
	int64_t offset_ns;	/* at that time */
	double drift;		/* what the far clock gains, ns per ns */
	uint64_t error_ns;	/* of the offset, at any sample's time; 0: not known, no reply was seen at both ends */
	size_t agreeing;	/* samples that lie near the line */
};

#define UW_CLOCK_AGREES_NS 1000000000ll	/* near: the way of a packet takes no longer */

/**
 * uw_clock_fit - a straight line through the samples; up to half of them may be wrong.
 * @s: @n of them, at least one; sorted by time and otherwise left alone.
 * Return: 0, or -ENOMEM.
 */
int uw_clock_fit(struct uw_clock_sample *s, size_t n, struct uw_clock_fit *fit);

/** uw_clock_offset - how much the far clock is ahead when the near one shows @at_ns. */
int64_t uw_clock_offset(const struct uw_clock_fit *fit, uint64_t at_ns);

#endif
