// SPDX-License-Identifier: GPL-2.0-only
#include "offline/clockfit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "offline/corridor.h"

#define SLOPE_SAMPLES 400	/* of which every pair gives a slope */
#define SLOPE_SPAN_NS 5e9	/* of less, a drift cannot be told from the jitter of the way */
#define SLOPE_MAX 1e-3		/* no clock that runs gains more */
#define SLOPE_UNKNOWN 1e-4	/* what a clock that nobody corrects may gain */
#define NARROWEST 4		/* one in so many samples, those with the shortest way, is hardly a wrong one */
#define FILE_NS 1000.0		/* files have microseconds */

static int by_time(const void *a, const void *b)
{
	const struct uw_clock_sample *x = a, *y = b;

	return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Differences are taken from those of the first sample, so that they fit a double whatever the clocks show. */
struct line {
	uint64_t at_ns;
	int64_t base_ns;
	double slope;
};

static double centre(const struct line *l, const struct uw_clock_sample *s)
{
	double request = (double)(s->request_ns - l->base_ns);

	return s->both ? (request + (double)(s->reply_ns - l->base_ns)) / 2 : request;
}

static double gained(const struct line *l, const struct uw_clock_sample *s)
{
	return l->slope * (double)(int64_t)(s->at_ns - l->at_ns);
}

/* The median slope of the pairs that lie far enough apart (Theil and Sen). */
static int fit_slope(struct line *l, const struct uw_clock_sample *s, size_t n)
{
	size_t step = n > SLOPE_SAMPLES ? n / SLOPE_SAMPLES : 1, pairs = 0, i, j;
	double span = (double)(s[n - 1].at_ns - s[0].at_ns);
	double *slope;

	if (n < 4 || span < SLOPE_SPAN_NS)
		return 0;
	slope = malloc((n / step + 1) * (n / step + 1) / 2 * sizeof(*slope));
	if (!slope)
		return -ENOMEM;
	for (i = 0; i < n; i += step) {
		for (j = i + step; j < n; j += step) {
			double apart = (double)(s[j].at_ns - s[i].at_ns);

			if (apart >= span / 4)
				slope[pairs++] = (centre(l, &s[j]) - centre(l, &s[i])) / apart;
		}
	}
	l->slope = pairs ? median(slope, pairs) : 0;
	if (fabs(l->slope) > SLOPE_MAX)
		l->slope = 0;
	free(slope);
	return 0;
}

/* Near the line; what is not was matched wrongly, or a clock was set. */
static bool agrees(const struct line *l, const struct uw_clock_sample *s, double middle)
{
	return fabs(centre(l, s) - gained(l, s) - middle) < (double)UW_CLOCK_AGREES_NS;
}

static double width(const struct uw_clock_sample *s)
{
	return fabs((double)(s->request_ns - s->reply_ns));
}

/* The widest of the narrowest samples that agree; below 0: no reply was seen at both ends. @v has room for all. */
static double width_limit(const struct line *l, const struct uw_clock_sample *s, size_t n, double middle, double *v)
{
	size_t both = 0, i;

	for (i = 0; i < n; i++) {
		if (s[i].both && agrees(l, &s[i], middle))
			v[both++] = width(&s[i]);
	}
	if (!both)
		return -1;
	qsort(v, both, sizeof(*v), by_value);
	return v[both / NARROWEST];
}

/* Where no reply was seen at both ends: the quickest request is nearest to the offset. */
static double quickest(const struct line *l, const struct uw_clock_sample *s, size_t n, double middle)
{
	double least = middle;
	size_t i;

	for (i = 0; i < n; i++) {
		double v = centre(l, &s[i]) - gained(l, &s[i]);

		if (v < least && v > middle - UW_CLOCK_AGREES_NS)
			least = v;
	}
	return least;
}

/* Lines that keep to what every sample shows, or, where a wrong one is among them, to the narrowest. */
static bool fit_between(const struct line *l, const struct uw_clock_sample *s, size_t n, double middle, double limit,
			struct uw_straight *found)
{
	struct uw_corridor *c = calloc(1, sizeof(*c));
	bool fits = false;
	size_t i;

	if (!c)
		return false;
	c->end = (double)(s[n - 1].at_ns - s[0].at_ns);
	c->slope = l->slope;
	for (i = 0; i < n; i++) {
		double at = (double)(s[i].at_ns - l->at_ns), value = centre(l, &s[i]), half = width(&s[i]) / 2 + FILE_NS;

		if (s[i].both && agrees(l, &s[i], middle) && width(&s[i]) <= limit)
			uw_corridor_add(c, at, value - half, value + half);
	}
	fits = uw_corridor_fit(c, SLOPE_UNKNOWN, found) || uw_corridor_fit(c, SLOPE_MAX, found);
	free(c);
	return fits;
}

/* No line keeps to them all, for a clock was set or did not run evenly: as far as any of the narrowest says. */
static void fit_middle(const struct line *l, const struct uw_clock_sample *s, size_t n, double middle, double limit,
		       struct uw_straight *found)
{
	size_t i;

	*found = (struct uw_straight){ .value = middle, .slope = l->slope };
	for (i = 0; i < n; i++) {
		double off = centre(l, &s[i]) - gained(l, &s[i]) - middle;

		if (s[i].both && agrees(l, &s[i], middle) && width(&s[i]) <= limit)
			found->error = fmax(found->error, fabs(off) + width(&s[i]) / 2);
	}
}

static void fit_samples(const struct line *l, struct uw_clock_sample *s, size_t n, double *v, struct uw_clock_fit *fit)
{
	struct uw_straight found;
	double middle, limit;
	size_t i;

	for (i = 0; i < n; i++)
		v[i] = centre(l, &s[i]) - gained(l, &s[i]);
	middle = median(v, n);
	*fit = (struct uw_clock_fit){ .at_ns = l->at_ns };
	for (i = 0; i < n; i++)
		fit->agreeing += agrees(l, &s[i], middle);
	limit = width_limit(l, s, n, middle, v);
	if (limit < 0)
		found = (struct uw_straight){ .value = quickest(l, s, n, middle), .slope = l->slope };
	else if (!fit_between(l, s, n, middle, HUGE_VAL, &found) && !fit_between(l, s, n, middle, limit, &found))
		fit_middle(l, s, n, middle, limit, &found);
	fit->offset_ns = l->base_ns + (int64_t)found.value;
	fit->drift = found.slope;
	fit->error_ns = limit < 0 ? 0 : (uint64_t)found.error + 1;
}

int uw_clock_fit(struct uw_clock_sample *s, size_t n, struct uw_clock_fit *fit)
{
	double *v = malloc(n * sizeof(*v));
	struct line l;

	if (!v)
		return -ENOMEM;
	qsort(s, n, sizeof(*s), by_time);
	l = (struct line){ .at_ns = s[0].at_ns, .base_ns = s[0].request_ns };
	if (fit_slope(&l, s, n)) {
		free(v);
		return -ENOMEM;
	}
	fit_samples(&l, s, n, v, fit);
	free(v);
	return 0;
}

int64_t uw_clock_offset(const struct uw_clock_fit *fit, uint64_t at_ns)
{
	return fit->offset_ns + (int64_t)(fit->drift * (double)(int64_t)(at_ns - fit->at_ns));
}
