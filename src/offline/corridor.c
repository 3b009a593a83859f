// SPDX-License-Identifier: GPL-2.0-only
#include "offline/corridor.h"

#include <math.h>

#define TURNS 100	/* of a search: each leaves a half or two thirds of an interval */

/* What is above a line is so by -1, what is below by 1: both sides are one search then. */
enum side { HIGH = -1, LOW = 1 };

static void keep(struct uw_bound *b, const struct uw_corridor *c, double at, double value, enum side side)
{
	if (!b->set || side * (value - c->slope * at) > side * (b->value - c->slope * b->at))
		*b = (struct uw_bound){ at, value, true };
}

void uw_corridor_add(struct uw_corridor *c, double at, double low, double high)
{
	size_t part = c->end > 0 ? (size_t)(at / c->end * (UW_CORRIDOR_PARTS - 1)) : 0;

	keep(&c->low[part], c, at, low, LOW);
	keep(&c->high[part], c, at, high, HIGH);
}

/* The highest or lowest value at 0 of a line of this slope. */
static double limit_of(const struct uw_corridor *c, double slope, enum side side)
{
	const struct uw_bound *b = side == LOW ? c->low : c->high;
	double limit = -HUGE_VAL;
	size_t i;

	for (i = 0; i < UW_CORRIDOR_PARTS; i++) {
		if (b[i].set)
			limit = fmax(limit, side * (b[i].value - slope * b[i].at));
	}
	return side * limit;
}

/* How much room lines of this slope have: concave, and below 0 where none fits. */
static double room(const struct uw_corridor *c, double slope)
{
	return limit_of(c, slope, HIGH) - limit_of(c, slope, LOW);
}

static double roomiest(const struct uw_corridor *c, double from, double to)
{
	unsigned i;

	for (i = 0; i < TURNS; i++) {
		double a = from + (to - from) / 3, b = to - (to - from) / 3;

		if (room(c, a) < room(c, b))
			from = a;
		else
			to = b;
	}
	return (from + to) / 2;
}

/* The last slope on the way from @in, where lines fit, to @out, at which they still do. */
static double last_fitting(const struct uw_corridor *c, double in, double out)
{
	unsigned i;

	if (room(c, out) >= 0)
		return out;
	for (i = 0; i < TURNS; i++) {
		double middle = (in + out) / 2;

		if (room(c, middle) >= 0)
			in = middle;
		else
			out = middle;
	}
	return in;
}

/* How far a line of slopes @from to @to that fits can be from @value at @at, on one side. */
static double reach(const struct uw_corridor *c, double from, double to, double at, double value, enum side side)
{
	unsigned i;

	for (i = 0; i < TURNS; i++) {
		double a = from + (to - from) / 3, b = to - (to - from) / 3;

		if (side * (limit_of(c, a, side) + a * at) > side * (limit_of(c, b, side) + b * at))
			from = a;
		else
			to = b;
	}
	return side * (value - limit_of(c, from, side) - from * at);
}

bool uw_corridor_fit(const struct uw_corridor *c, double steepest, struct uw_straight *s)
{
	double slope = roomiest(c, -steepest, steepest), from, to, value;
	double ends[] = { 0, c->end };
	unsigned i;

	if (!(room(c, slope) >= 0) || isinf(room(c, slope)))
		return false;
	from = last_fitting(c, slope, -steepest);
	to = last_fitting(c, slope, steepest);
	value = (limit_of(c, slope, HIGH) + limit_of(c, slope, LOW)) / 2;
	*s = (struct uw_straight){ .value = value, .slope = slope };
	/* How far apart they can be is convex: the most is at an end. */
	for (i = 0; i < 2; i++) {
		double told = value + slope * ends[i];

		s->error = fmax(s->error, reach(c, from, to, ends[i], told, LOW));
		s->error = fmax(s->error, reach(c, from, to, ends[i], told, HIGH));
	}
	return true;
}
