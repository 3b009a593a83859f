// SPDX-License-Identifier: GPL-2.0-only
#include "offline/clockfit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define SLOPE_SAMPLES 400	/* of which every pair gives a slope */
#define SLOPE_SPAN_NS 5e9	/* of less, a drift cannot be told from the jitter of the way */
#define SLOPE_MAX 1e-3		/* no clock that runs gains more */
#define SLOPE_UNKNOWN 1e-4	/* what a clock that nobody corrects may gain */
#define NARROWEST 4		/* one in so many samples has the bounds: those with the shortest way */

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
	double slope_error;	/* three standard deviations of it, near enough */
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

	l->slope_error = SLOPE_UNKNOWN;
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
	if (pairs)
		l->slope_error = 3 * (slope[3 * pairs / 4] - slope[pairs / 4]) / sqrt((double)(n / step));
	if (l->slope > SLOPE_MAX || l->slope < -SLOPE_MAX)
		l->slope = l->slope_error = 0;
	free(slope);
	return 0;
}

static double width(const struct uw_clock_sample *s)
{
	double w = (double)(s->request_ns - s->reply_ns);

	return w < 0 ? -w : w;
}

struct bounds {
	double low, high;
	size_t count;
};

static void narrow(struct bounds *b, const struct line *l, const struct uw_clock_sample *s)
{
	double middle = centre(l, s) - gained(l, s), half = width(s) / 2;

	b->low = b->count && b->low > middle - half ? b->low : middle - half;
	b->high = b->count && b->high < middle + half ? b->high : middle + half;
	b->count++;
}

/* The widest of the narrowest samples that agree: @v has room for all. */
static double width_limit(const struct line *l, const struct uw_clock_sample *s, size_t n, double middle, double *v)
{
	size_t both = 0, i;

	for (i = 0; i < n; i++) {
		double off = centre(l, &s[i]) - gained(l, &s[i]) - middle;

		if (s[i].both && off < UW_CLOCK_AGREES_NS && off > -UW_CLOCK_AGREES_NS)
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

static void fit_bounds(const struct line *l, const struct uw_clock_sample *s, size_t n, double middle,
		       double limit, struct uw_clock_fit *fit)
{
	struct bounds b = { 0 };
	double value, error = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		double off = centre(l, &s[i]) - gained(l, &s[i]) - middle;

		if (off > UW_CLOCK_AGREES_NS || off < -UW_CLOCK_AGREES_NS)
			continue;
		fit->agreeing++;
		if (s[i].both && width(&s[i]) <= limit)
			narrow(&b, l, &s[i]);
	}
	value = b.count ? (b.low + b.high) / 2 : quickest(l, s, n, middle);
	if (b.count) {
		error = b.high > b.low ? (b.high - b.low) / 2 : (b.low - b.high) / 2 + limit / 2;
		error += l->slope_error * (double)(s[n - 1].at_ns - s[0].at_ns) / 2;
		fit->error_ns = (uint64_t)error + 1;
	}
	fit->offset_ns = l->base_ns + (int64_t)value;
}

int uw_clock_fit(struct uw_clock_sample *s, size_t n, struct uw_clock_fit *fit)
{
	double *v = malloc(n * sizeof(*v)), middle;
	struct line l;
	size_t i;

	if (!v)
		return -ENOMEM;
	qsort(s, n, sizeof(*s), by_time);
	l = (struct line){ .at_ns = s[0].at_ns, .base_ns = s[0].request_ns };
	if (fit_slope(&l, s, n)) {
		free(v);
		return -ENOMEM;
	}
	for (i = 0; i < n; i++)
		v[i] = centre(&l, &s[i]) - gained(&l, &s[i]);
	middle = median(v, n);
	*fit = (struct uw_clock_fit){ .at_ns = l.at_ns, .drift = l.slope };
	fit_bounds(&l, s, n, middle, width_limit(&l, s, n, middle, v), fit);
	free(v);
	return 0;
}

int64_t uw_clock_offset(const struct uw_clock_fit *fit, uint64_t at_ns)
{
	return fit->offset_ns + (int64_t)(fit->drift * (double)(int64_t)(at_ns - fit->at_ns));
}
