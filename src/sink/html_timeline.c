// SPDX-License-Identifier: GPL-2.0-only
#include "sink/html_timeline.h"

#include <string.h>
#include <time.h>

#include "core/address.h"

#define NS_PER_S 1000000000ull
#define FIRST_BIN_NS 1000000ull
#define LEFT 214 /* of the lanes, for their names */
#define RIGHT 16
#define WIDTH 1000
#define LANE 62
#define UP 30 /* of a lane, for what is good; the rest is for what is not */
#define DOWN 22
#define TOP 22
#define LABEL 70 /* the room that a window's name takes */
#define RATE 66 /* the curve's lane, above the others */
#define RATE_UP 44

/* --- counting --- */

static void halve(struct uw_timeline *t)
{
	unsigned l, b, k;

	for (l = 0; l < t->lanes; l++) {
		uint32_t(*bin)[UW_LOTS] = t->lane[l].bin;

		for (b = 0; b < UW_TIMELINE_BINS / 2; b++) {
			for (k = 0; k < UW_LOTS; k++)
				bin[b][k] = bin[2 * b][k] + bin[2 * b + 1][k];
		}
		memset(bin[UW_TIMELINE_BINS / 2], 0, sizeof(t->lane[l].bin) / 2);
	}
	t->bin_ns *= 2;
}

/* A query from before the first: all moves towards the end, by whole bins. */
static void make_room_before(struct uw_timeline *t, uint64_t when_ns)
{
	uint64_t by;
	unsigned l;

	while ((t->start_ns - when_ns) / t->bin_ns + 1 + (t->last_ns - t->start_ns) / t->bin_ns + 1 > UW_TIMELINE_BINS)
		halve(t);
	by = (t->start_ns - when_ns + t->bin_ns - 1) / t->bin_ns;
	for (l = 0; l < t->lanes; l++) {
		uint32_t(*bin)[UW_LOTS] = t->lane[l].bin;

		memmove(bin[by], bin[0], (UW_TIMELINE_BINS - by) * sizeof(bin[0]));
		memset(bin[0], 0, by * sizeof(bin[0]));
	}
	t->start_ns -= by * t->bin_ns;
}

static unsigned bin_of(struct uw_timeline *t, uint64_t when_ns)
{
	if (!t->bin_ns) {
		t->bin_ns = FIRST_BIN_NS;
		t->start_ns = t->last_ns = when_ns;
	}
	if (when_ns < t->start_ns)
		make_room_before(t, when_ns);
	while ((when_ns - t->start_ns) / t->bin_ns >= UW_TIMELINE_BINS)
		halve(t);
	if (when_ns > t->last_ns)
		t->last_ns = when_ns;
	return (unsigned)((when_ns - t->start_ns) / t->bin_ns);
}

static bool is_of(const struct uw_lane *l, uint8_t protocol, uint8_t family, uint16_t port, const struct uw_addr *server)
{
	return !l->protocol || (l->protocol == protocol && l->family == family && l->port == port &&
				uw_addr_same(&l->server, server));
}

static struct uw_lane *lane_of(struct uw_timeline *t, const struct uw_query_key *k)
{
	struct uw_lane *l;
	unsigned i;

	for (i = 0; i < t->lanes; i++) {
		if (is_of(&t->lane[i], k->protocol, k->family, k->server_port, &k->server))
			return &t->lane[i];
	}
	l = &t->lane[t->lanes++];
	if (t->lanes == UW_TIMELINE_LANES)
		return l;
	l->server = k->server;
	l->port = k->server_port;
	l->family = k->family;
	l->protocol = k->protocol;
	return l;
}

void uw_timeline_add(struct uw_timeline *t, const struct uw_query *q)
{
	struct uw_lane *l = lane_of(t, &q->key);
	enum uw_lot lot = uw_lot(q->verdict);

	l->bin[bin_of(t, q->send_ns)][lot]++;
	l->sum[lot]++;
}

static uint32_t lanes_of(const struct uw_timeline *t, const struct uw_window *w)
{
	uint32_t found = 0;
	unsigned i, k;

	for (i = 0; i < w->flows; i++) {
		const struct uw_flow_id *id = &w->flow[i].id;

		for (k = 0; k < t->lanes && !is_of(&t->lane[k], id->protocol, id->family, id->server_port, &id->server); k++)
			;
		found |= k < t->lanes ? 1u << k : 0;
	}
	return found;
}

void uw_timeline_band(struct uw_timeline *t, const struct uw_window *w)
{
	unsigned i;

	for (i = 0; i < t->bands && t->band[i].id != w->id; i++)
		;
	if (i == UW_TIMELINE_BANDS)
		return;
	if (i == t->bands)
		t->bands++;
	t->band[i] = (struct uw_band){
		.from_ns = w->first_bad_ns, .to_ns = w->last_bad_ns, .id = w->id, .lanes = lanes_of(t, w),
	};
}

bool uw_timeline_sums(struct uw_timeline *t, const struct uw_flow *const *flows, unsigned count)
{
	uint64_t drawn = 0, good = 0;
	unsigned i, k, lot;

	for (k = 0; k < t->lanes; k++) {
		drawn += t->lane[k].sum[UW_LOT_GOOD];
		memset(t->lane[k].sum, 0, sizeof(t->lane[k].sum));
	}
	for (i = 0; i < count; i++) {
		const struct uw_flow_id *id = &flows[i]->id;

		for (k = 0; k < t->lanes && !is_of(&t->lane[k], id->protocol, id->family, id->server_port, &id->server); k++)
			;
		if (k == t->lanes || id->probe)
			continue;
		for (lot = 0; lot < UW_LOTS; lot++)
			t->lane[k].sum[lot] += uw_lot_count(flows[i]->count, lot);
		good += uw_lot_count(flows[i]->count, UW_LOT_GOOD);
	}
	return good > drawn;
}

static double most(double a, double b)
{
	return a > b ? a : b;
}

void uw_timeline_rate(struct uw_timeline *t, uint64_t from_ns, uint64_t to_ns, double out, double in)
{
	uint64_t end = t->start_ns + UW_TIMELINE_BINS * t->bin_ns;
	unsigned b;

	if (!t->bin_ns || to_ns <= t->start_ns || from_ns >= end || to_ns <= from_ns)
		return;
	from_ns = from_ns > t->start_ns ? from_ns : t->start_ns;
	to_ns = to_ns < end ? to_ns : end;
	for (b = (unsigned)((from_ns - t->start_ns) / t->bin_ns); b <= (to_ns - 1 - t->start_ns) / t->bin_ns; b++) {
		struct uw_rate *r = &t->rate[b];

		r->out = r->known ? most(r->out, out) : out;
		r->in = r->known ? most(r->in, in) : in;
		r->known = t->rated = true;
	}
}

/* --- drawing --- */

struct scale {
	const struct uw_timeline *t;
	double ns, width;	/* drawn */
};

static double x_of(const struct scale *s, uint64_t when_ns)
{
	double x = when_ns > s->t->start_ns ? (double)(when_ns - s->t->start_ns) : 0;

	return LEFT + s->width * (x < s->ns ? x : s->ns) / s->ns;
}

static uint32_t bad_of(const uint32_t bin[UW_LOTS])
{
	return bin[UW_LOT_LOST] + bin[UW_LOT_HERE] + bin[UW_LOT_OTHER];
}

/* The fullest bin of a lane, up and down; 1 at least. */
static void fullest(const struct uw_lane *l, uint32_t *good, uint32_t *bad)
{
	unsigned b;

	*good = *bad = 1;
	for (b = 0; b < UW_TIMELINE_BINS; b++) {
		*good = l->bin[b][UW_LOT_GOOD] > *good ? l->bin[b][UW_LOT_GOOD] : *good;
		*bad = bad_of(l->bin[b]) > *bad ? bad_of(l->bin[b]) : *bad;
	}
}

static void draw_bar(FILE *out, const char *kind, double x, double w, double y, double h)
{
	fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", kind, x, y, w, h);
}

static void draw_bin(FILE *out, const uint32_t bin[UW_LOTS], double x, double w, double y, uint32_t good, uint32_t bad)
{
	static const char *const kind[UW_LOTS] = {"good", "lost", "here", "other"};
	double at = y + 1;
	unsigned k;

	if (bin[UW_LOT_GOOD]) {
		double h = 3 + (UP - 3.0) * bin[UW_LOT_GOOD] / good;

		draw_bar(out, kind[UW_LOT_GOOD], x, w, y - h, h);
	}
	for (k = UW_LOT_LOST; k < UW_LOTS; k++) {
		double h = DOWN * (double)bin[k] / bad;

		h = h > 4 || !bin[k] ? h : 4;
		if (bin[k])
			draw_bar(out, kind[k], x, w, at, h);
		at += h;
	}
}

static void draw_lane(const struct scale *s, const struct uw_lane *l, double y, FILE *out)
{
	double step = s->width * (double)s->t->bin_ns / s->ns, w = step > 1.6 ? step - 0.6 : step;
	char name[UW_ENDPOINT_TEXT];
	uint32_t good, bad;
	unsigned b;

	fullest(l, &good, &bad);
	uw_endpoint_text(&l->server, l->family, l->port, name);
	fprintf(out, "<text class=\"name\" x=\"0\" y=\"%.1f\">%s %s</text>\n", y - 8,
		!l->protocol ? "" : l->protocol == UW_PROTO_NTP ? "NTP" : "DNS", l->protocol ? name : "all other servers");
	fprintf(out, "<text class=\"note\" x=\"0\" y=\"%.1f\">%llu answered, %llu not</text>\n", y + 8,
		(unsigned long long)l->sum[UW_LOT_GOOD],
		(unsigned long long)(l->sum[UW_LOT_LOST] + l->sum[UW_LOT_HERE] + l->sum[UW_LOT_OTHER]));
	fprintf(out, "<line class=\"base\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n", LEFT, WIDTH - RIGHT, y, y);
	for (b = 0; b < UW_TIMELINE_BINS; b++)
		draw_bin(out, l->bin[b], LEFT + step * b, w < 2 ? 2 : w, y, good, bad);
}

static void draw_ticks(const struct scale *s, const struct uw_clock *clock, double bottom, FILE *out)
{
	static const unsigned steps[] = {1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600,
					 43200, 86400, 172800, 604800, 2592000};
	int64_t start = uw_clock_wall(clock, s->t->start_ns), first;
	double seconds = s->ns / NS_PER_S;
	unsigned i = 0;
	time_t at;

	while (i + 1 < sizeof(steps) / sizeof(*steps) && seconds / steps[i] > 7)
		i++;
	first = start / (int64_t)NS_PER_S / steps[i] * steps[i];
	for (at = first; at <= first + (time_t)seconds + steps[i]; at += steps[i]) {
		double x = LEFT + s->width * ((double)at * NS_PER_S - (double)start) / s->ns;
		char text[32];
		struct tm tm;

		if (x < LEFT || x > WIDTH - RIGHT + 1)
			continue;
		gmtime_r(&at, &tm);
		strftime(text, sizeof(text), seconds > 86400 ? "%m-%d %H:%M" : steps[i] < 60 ? "%H:%M:%S" : "%H:%M", &tm);
		fprintf(out, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%.1f\"/>\n", x, x, TOP - 4, bottom);
		fprintf(out, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", x, bottom + 16, text);
	}
}

static void draw_band(const struct scale *s, const struct uw_band *b, double y, double height, FILE *out)
{
	double from = x_of(s, b->from_ns), to = x_of(s, b->to_ns);

	draw_bar(out, "band", from, to - from > 3 ? to - from : 3, y, height);
}

/* Each in the lanes whose queries it lost; one that several share also in what stands above them. */
static void draw_bands(const struct scale *s, const struct uw_lane *order[UW_TIMELINE_LANES], double top, FILE *out)
{
	double named = -LABEL;
	unsigned i, k;

	for (i = 0; i < s->t->bands; i++) {
		const struct uw_band *b = &s->t->band[i];
		double x = x_of(s, b->from_ns);

		for (k = 0; k < s->t->lanes; k++) {
			if (b->lanes & 1u << (order[k] - s->t->lane))
				draw_band(s, b, top + LANE * (double)k, LANE - 4, out);
		}
		if (!(b->lanes & (b->lanes - 1)))
			continue;
		draw_band(s, b, TOP - 4, top - TOP, out);
		if (x < named + LABEL)
			continue;
		fprintf(out, "<text class=\"bandname\" x=\"%.1f\" y=\"12\">window %u</text>\n", x, b->id);
		named = x;
	}
}

/* Steps, with a gap where nothing is known. */
static void draw_curve(const struct scale *s, bool out_way, double y, double highest, FILE *out)
{
	double step = s->width * (double)s->t->bin_ns / s->ns;
	bool drawn = false;
	unsigned b;

	fprintf(out, "<path class=\"%s\" d=\"", out_way ? "out" : "in");
	for (b = 0; b < UW_TIMELINE_BINS && step * b < s->width; b++) {
		const struct uw_rate *r = &s->t->rate[b];
		double pps = out_way ? r->out : r->in, from = LEFT + step * b, to = from + step;

		if (!r->known || pps < 0) {
			drawn = false;
			continue;
		}
		to = to < WIDTH - RIGHT ? to : WIDTH - RIGHT;
		fprintf(out, "%s%.1f %.1fH%.1f", drawn ? "L" : "M", from, y - RATE_UP * pps / highest, to);
		drawn = true;
	}
	fputs("\"/>\n", out);
}

static double highest_rate(const struct uw_timeline *t)
{
	double highest = 1;
	unsigned b;

	for (b = 0; b < UW_TIMELINE_BINS; b++) {
		if (t->rate[b].known)
			highest = most(highest, most(t->rate[b].out, t->rate[b].in));
	}
	return highest;
}

static void draw_rates(const struct scale *s, FILE *out)
{
	double highest = highest_rate(s->t), y = TOP + RATE_UP + 4;

	fprintf(out, "<text class=\"name\" x=\"0\" y=\"%.1f\">All UDP, packets/s</text>\n", y - 22);
	fprintf(out, "<text class=\"note\" x=\"0\" y=\"%.1f\">%s%s</text>\n", y - 6, s->t->rate_of[0] ? "of " : "",
		s->t->rate_of);
	fprintf(out, "<text class=\"note\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.0f</text>\n", LEFT - 6, y - RATE_UP + 8, highest);
	fprintf(out, "<text class=\"note\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">0</text>\n", LEFT - 6, y);
	fprintf(out, "<line class=\"base\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n", LEFT, WIDTH - RIGHT, y, y);
	draw_curve(s, true, y, highest, out);
	draw_curve(s, false, y, highest, out);
}

/* By protocol and address; all the others last. */
static bool lane_before(const struct uw_lane *a, const struct uw_lane *b)
{
	if (a->protocol != b->protocol)
		return a->protocol && (a->protocol < b->protocol || !b->protocol);
	if (a->family != b->family)
		return a->family < b->family;
	return memcmp(&a->server, &b->server, sizeof(a->server)) < 0;
}

static void sort_lanes(const struct uw_timeline *t, const struct uw_lane *order[UW_TIMELINE_LANES])
{
	unsigned i, k;

	for (i = 0; i < t->lanes; i++) {
		for (k = i; k && lane_before(&t->lane[i], order[k - 1]); k--)
			order[k] = order[k - 1];
		order[k] = &t->lane[i];
	}
}

void uw_timeline_svg(const struct uw_timeline *t, const struct uw_clock *clock, FILE *out)
{
	struct scale s = {.t = t, .width = WIDTH - LEFT - RIGHT};
	double top = TOP + (t->rated ? RATE : 0), bottom = top + LANE * (double)t->lanes;
	const struct uw_lane *order[UW_TIMELINE_LANES];
	unsigned i;

	if (!t->bin_ns)
		return;
	s.ns = (double)(t->last_ns - t->start_ns + t->bin_ns);
	fprintf(out, "<svg viewBox=\"0 0 %d %.0f\" role=\"img\" aria-label=\"Queries over time, a lane for each server:"
		     " answered above the line, not answered below it%s. The numbers are in the tables.\">\n",
		WIDTH, bottom + 26, t->rated ? "; above them all UDP packets a second" : "");
	sort_lanes(t, order);
	draw_bands(&s, order, top, out);
	draw_ticks(&s, clock, bottom, out);
	if (t->rated)
		draw_rates(&s, out);
	for (i = 0; i < t->lanes; i++)
		draw_lane(&s, order[i], top + LANE * (double)i + UP + 4, out);
	fputs("</svg>\n", out);
}
