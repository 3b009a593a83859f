// SPDX-License-Identifier: GPL-2.0-only
/* Loss windows: when, who, and what else the wire carried meanwhile. */
#include <inttypes.h>

#include "core/address.h"
#include "sink/text_parts.h"

#define NS_PER_S 1000000000.0

/* "18,223" */
static void add_number(struct uw_line *l, double x)
{
	uint64_t n = x > 0 ? (uint64_t)(x + 0.5) : 0, unit = 1;

	while (n / unit >= 1000)
		unit *= 1000;
	uw_line_add(l, "%" PRIu64, n / unit);
	for (unit /= 1000; unit; unit /= 1000)
		uw_line_add(l, ",%03" PRIu64, n / unit % 1000);
}

static void add_rate(struct uw_line *l, double per_second)
{
	add_number(l, per_second);
	uw_line_add(l, "/s");
}

static void add_time(struct uw_line *l, const struct uw_clock *clock, uint64_t ns, const char *what)
{
	uw_line_time_of_day(l, uw_clock_wall(clock, ns));
	uw_line_add(l, "%s", what);
}

/* "between 14:03:07.900 (last good) and 14:03:10.120 (first bad)" */
static void print_edge(const struct uw_text_out *o, const struct uw_clock *clock, const char *label,
		       const uint64_t ns[2], const char *const what[2])
{
	struct uw_line l = { 0 };

	if (ns[0] && ns[1]) {
		uw_line_add(&l, "between" UW_NBSP);
		add_time(&l, clock, ns[0], what[0]);
		uw_line_add(&l, " and" UW_NBSP);
		add_time(&l, clock, ns[1], what[1]);
	} else if (ns[1]) {
		uw_line_add(&l, "before" UW_NBSP);
		add_time(&l, clock, ns[1], what[1]);
	}
	if (l.len)
		uw_text_labelled(o, label, l.text);
}

static void print_flow(const struct uw_text_out *o, const struct uw_window_flow *f)
{
	char server[UW_ENDPOINT_TEXT], client[UW_ADDR_TEXT];
	struct uw_line l = { 0 };

	uw_line_add(&l, "  %s %s from %s%s:  %" PRIu64 UW_NBSP "asked, %" PRIu64 UW_NBSP "answered",
		    f->id.protocol == UW_PROTO_NTP ? "NTP" : "DNS",
		    uw_endpoint_text(&f->id.server, f->id.family, f->id.server_port, server),
		    uw_addr_text(&f->id.client, f->id.family, client), f->id.fixed ? ", fixed port" : "",
		    f->e.queries, f->e.answered);
	uw_text_print(o, "", UW_PLAIN, 6, l.text);
}

/* "out 61,300/s, in 59,000/s" */
static void add_both(struct uw_line *l, double out, double in)
{
	uw_line_add(l, "out" UW_NBSP);
	add_rate(l, out);
	uw_line_add(l, ", in" UW_NBSP);
	add_rate(l, in);
}

/* "TCP in 18,223 segments · UDP in 3,020/s · UDP in the busiest 0.3 s of the 10 s before: out 61,300/s, ..." */
static void print_traffic(const struct uw_text_out *o, const struct uw_window_traffic *t)
{
	struct uw_line l = { 0 };

	if (t->during) {
		if (!t->no_tcp) {
			uw_line_add(&l, "TCP in" UW_NBSP);
			add_number(&l, (double)t->tcp_in_during);
			uw_line_add(&l, UW_NBSP "segments · ");
		}
		uw_line_add(&l, "UDP in" UW_NBSP);
		add_rate(&l, t->udp_in_during);
	}
	if (t->before) {
		uw_line_add(&l, "%sUDP in the busiest 0.3" UW_NBSP "s of the 10" UW_NBSP "s before: ", l.len ? " · " : "");
		add_both(&l, t->udp_out_before, t->udp_in_before);
		for (unsigned i = 0; i < t->ports && i < UW_TOP_PORTS; i++)
			uw_line_add(&l, "%s%.0f%% of it udp" UW_NBSP "%u", i ? ", " : " · ports in those 10" UW_NBSP "s: ",
				    100 * t->port[i].share, t->port[i].port);
	}
	if (t->release) {
		uw_line_add(&l, "%swhen it let go: ", l.len ? " · " : "");
		add_both(&l, t->udp_out_release, t->udp_in_release);
	}
	if (l.len)
		uw_text_labelled(o, "meanwhile", l.text);
}

static void add_length(struct uw_line *l, const struct uw_window *w)
{
	double least = (double)(w->last_bad_ns - w->first_bad_ns) / NS_PER_S;

	uw_line_add(l, ", after" UW_NBSP);
	if (w->last_good_ns && w->first_good_ns)
		uw_line_add(l, "%.1f to %.1f" UW_NBSP "s, ", least,
			    (double)(w->first_good_ns - w->last_good_ns) / NS_PER_S);
	else
		uw_line_add(l, "%.1f" UW_NBSP "s or more, ", least);
	uw_line_add(l, "%" PRIu64 UW_NBSP "asked, %" PRIu64 UW_NBSP "answered", w->queries, w->answered);
}

void uw_text_window(const struct uw_text_out *o, const struct uw_clock *clock, const struct uw_window *w, bool again)
{
	static const char *const onset[] = { " (last good)", " (first bad)" };
	static const char *const release[] = { " (last bad)", " (first good)" };
	struct uw_line l = { 0 }, lead = { 0 };
	unsigned i;

	uw_line_add(&lead, "LOSS WINDOW %u", w->id);
	uw_line_add(&l, again && !w->closed ? " since" UW_NBSP : " ");
	if (w->closed) {
		add_time(&l, clock, w->first_good_ns, "");
		add_length(&l, w);
	} else {
		add_time(&l, clock, w->first_bad_ns, "");
		if (w->last_good_ns) {
			uw_line_add(&l, ", last good" UW_NBSP);
			add_time(&l, clock, w->last_good_ns, "");
		}
	}
	uw_line_add(&lead, w->closed ? "  closed" : again ? "  still open" : "  opened");
	uw_text_print(o, lead.text, UW_YELLOW, 2, l.text);
	for (i = 0; i < w->flows && i < UW_WINDOW_FLOWS; i++)
		print_flow(o, &w->flow[i]);
	if (!w->closed)
		return;
	print_edge(o, clock, "onset", (uint64_t[]){ w->last_good_ns, w->first_bad_ns }, onset);
	print_edge(o, clock, "end", (uint64_t[]){ w->last_bad_ns, w->first_good_ns }, release);
	print_traffic(o, &w->traffic);
}
