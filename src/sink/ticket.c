// SPDX-License-Identifier: GPL-2.0-only
#include "sink/ticket.h"

#include <inttypes.h>

#include "core/address.h"
#include "core/lot.h"
#include "core/window.h"

#define FLOWS_SHOWN 12
#define WINDOWS_SHOWN 12

/* What was lost here, or may have been, is no matter of a provider's. */
static uint64_t lost_of(const struct uw_flow *f)
{
	return f->id.probe ? 0 : f->lost_beyond;
}

/* Of a flow with other losses it is not known whether its last one was beyond. */
static bool all_beyond(const struct uw_flow *f)
{
	return lost_of(f) + uw_lot_count(f->count, UW_LOT_GOOD) == uw_flow_asked(f);
}

bool uw_ticket_wanted(const struct uw_flow *const *flows, unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		if (lost_of(flows[i]))
			return true;
	}
	return false;
}

/* "2023-11-14 22:13:20Z" */
static const char *utc(const struct uw_clock *clock, uint64_t when_ns, char buf[36])
{
	uw_clock_rfc3339(uw_clock_wall(clock, when_ns), buf, 36);
	buf[10] = ' ';
	buf[19] = 'Z';
	buf[20] = '\0';
	return buf;
}

static void put_flow(FILE *out, const char *indent, const struct uw_clock *clock, const struct uw_flow *f)
{
	char client[UW_ADDR_TEXT], server[UW_ENDPOINT_TEXT], when[36];

	fprintf(out, "%s- %s server %s,\n%s  asked from %s, %s port:\n%s  %" PRIu64 " of %" PRIu64 " unanswered", indent,
		f->id.protocol == UW_PROTO_NTP ? "NTP" : "DNS",
		uw_endpoint_text(&f->id.server, f->id.family, f->id.server_port, server), indent,
		uw_addr_known(&f->id.client) ? uw_addr_text(&f->id.client, f->id.family, client) : "several addresses",
		f->id.fixed ? "fixed" : "ephemeral", indent, lost_of(f), uw_flow_asked(f));
	if (f->last_bad_ns && all_beyond(f))
		fprintf(out, ", the last %s", utc(clock, f->last_bad_ns, when));
	if (f->last_good_ns)
		fprintf(out, ";\n%s  last answered %s", indent, utc(clock, f->last_good_ns, when));
	fputs("\n", out);
}

static void put_sums(FILE *out, const char *indent, const struct uw_clock *clock, const struct uw_flow *const *flows,
		     unsigned count)
{
	uint64_t asked = 0, lost = 0, first = 0, last = 0;
	char from[36], to[36];
	unsigned i;

	for (i = 0; i < count; i++) {
		const struct uw_flow *f = flows[i];
		uint64_t end = f->last_good_ns > f->last_bad_ns ? f->last_good_ns : f->last_bad_ns;

		if (f->id.probe)
			continue;
		asked += uw_flow_asked(f);
		lost += lost_of(f);
		if (f->first_ns && (!first || f->first_ns < first))
			first = f->first_ns;
		last = end > last ? end : last;
	}
	fprintf(out, "%sFrom %s to %s (UTC),\n%s%" PRIu64 " of %" PRIu64 " NTP and DNS queries over UDP drew no answer in time:\n",
		indent, utc(clock, first, from), utc(clock, last, to), indent, lost, asked);
}

/* "22:13:20.1Z", with the date before it. */
static const char *tenth(const struct uw_clock *clock, uint64_t when_ns, bool date, char buf[36])
{
	uw_clock_rfc3339(uw_clock_wall(clock, when_ns), buf, 36);
	buf[10] = ' ';
	buf[21] = 'Z';
	buf[22] = '\0';
	return date ? buf : buf + 11;
}

static void put_rates(FILE *out, const char *indent, const struct uw_window_traffic *t)
{
	if (!t->before && !t->release)
		return;
	fprintf(out, "%s  UDP packets sent:", indent);
	if (t->before)
		fprintf(out, " %.0f/s as it began%s", t->udp_out_before, t->release ? "," : "");
	if (t->release)
		fprintf(out, " %.0f/s as it ended", t->udp_out_release);
	fputs("\n", out);
	if (t->during && !t->no_tcp && t->tcp_in_during)
		fprintf(out, "%s  meanwhile TCP segments received: %" PRIu64 "\n", indent, t->tcp_in_during);
}

static void put_window(FILE *out, const char *indent, const struct uw_clock *clock, const struct uw_window *w)
{
	char a[36], b[36];

	fprintf(out, "%s- %s to %s: %" PRIu64 " asked, %" PRIu64 " answered\n", indent,
		tenth(clock, w->first_bad_ns, true, a), tenth(clock, w->last_bad_ns, false, b), w->queries, w->answered);
	if (w->last_good_ns)
		fprintf(out, "%s  last answer before it %s\n", indent, tenth(clock, w->last_good_ns, false, a));
	if (w->first_good_ns)
		fprintf(out, "%s  first answer after it %s\n", indent, tenth(clock, w->first_good_ns, false, a));
	put_rates(out, indent, &w->traffic);
}

static void put_windows(FILE *out, const char *indent, const struct uw_clock *clock, const struct uw_totals *t)
{
	unsigned i;

	if (!t->windows)
		return;
	fprintf(out, "%sAnswers stopped, from the first query lost to the last one (UTC):\n", indent);
	for (i = 0; i < t->windows && i < WINDOWS_SHOWN; i++)
		put_window(out, indent, clock, t->window[i]);
	if (t->windows > WINDOWS_SHOWN)
		fprintf(out, "%s- and %u times more\n", indent, t->windows - WINDOWS_SHOWN);
}

void uw_ticket(FILE *out, const char *indent, const struct uw_clock *clock, const struct uw_flow *const *flows,
	       unsigned count, const struct uw_totals *t)
{
	unsigned i, shown = 0, left = 0;

	if (!uw_ticket_wanted(flows, count))
		return;
	put_sums(out, indent, clock, flows, count);
	for (i = 0; i < count; i++) {
		if (!lost_of(flows[i]) || uw_flow_is_other(&flows[i]->id))
			continue;
		if (shown < FLOWS_SHOWN)
			put_flow(out, indent, clock, flows[i]);
		shown++;
	}
	left = shown > FLOWS_SHOWN ? shown - FLOWS_SHOWN : 0;
	if (left)
		fprintf(out, "%s- and %u more\n", indent, left);
	put_windows(out, indent, clock, t);
	fprintf(out,
		"%sThe question: what on the way, in either direction, dropped or limited UDP\n"
		"%sat these times? Filters without state, and limits on all UDP of an address\n"
		"%s(DDoS protection), do so and leave TCP and ICMP alone: that other traffic\n"
		"%spasses, or that packets leave your side, does not answer it.\n",
		indent, indent, indent, indent);
}
