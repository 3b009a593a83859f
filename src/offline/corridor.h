/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Straight lines that run between bounds: what is certain of two clocks, if they run evenly and nothing
 * arrives before it was sent.
 *
 * The slopes of all lines that keep to every bound are an interval, and so are their values at any one
 * moment: how far the bounds let the truth be from the line told is its error, however unlike the two ways
 * of the packets are and whatever load they were under meanwhile. (Moon, Skelly, Towsley: Estimation and
 * removal of clock skew from network delay measurements, INFOCOM 1999, which takes one line of them.)
 */
#ifndef UW_CORRIDOR_H
#define UW_CORRIDOR_H

#include <stdbool.h>
#include <stddef.h>

#define UW_CORRIDOR_PARTS 512	/* of the time, from each of which only the strictest bounds are kept */

struct uw_bound {
	double at, value;
	bool set;
};

/* Zeroed but for @end and @slope. */
struct uw_corridor {
	double end;		/* bounds are at 0 to this */
	double slope;		/* near to that of the line, to tell which bounds of a part are the strictest */
	struct uw_bound high[UW_CORRIDOR_PARTS], low[UW_CORRIDOR_PARTS];
};

struct uw_straight {
	double value;		/* at 0 */
	double slope;
	double error;		/* the most that the truth can be off, anywhere between 0 and the end */
};

/** uw_corridor_add - at @at, 0 to the end, the line is no lower than @low and no higher than @high. */
void uw_corridor_add(struct uw_corridor *c, double at, double low, double high);

/**
 * uw_corridor_fit - the line with the most room on both sides.
 * @steepest: no slope is more than this, up or down.
 * Return: false if no line keeps to all bounds; @s is left alone then.
 */
bool uw_corridor_fit(const struct uw_corridor *c, double steepest, struct uw_straight *s);

#endif
