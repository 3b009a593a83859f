// SPDX-License-Identifier: GPL-2.0-only
/*
 * upstream-udp-throttling: all UDP of this address stops, whoever is asked, and comes back by itself,
 * while TCP goes on. Somebody on the way lets no UDP through while there is too much of it.
 *
 * What tells it from others: a dead server or a lossy path is one server's; what is lost at random is lost
 * outside windows too, and not all is lost in them; a dead link carries no TCP; a limit is passed at the
 * onset and not at the release, so that more UDP went on the wire then.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/address.h"
#include "core/rules.h"

#define ELSEWHERE 3		/* answers that other flows got meanwhile: not all UDP was stopped */
#define CONTRAST 1.5		/* onset to release, and ... */
#define CONTRAST_PPS 50		/* ... more packets/s by so many */
#define TOLD 2			/* windows told one by one */
#define LISTED 8		/* ... and in the ticket */

static bool bears_witness(const struct uw_window_flow *f)
{
	return !f->refused && f->e.last_good_ns && f->e.first_good_ns;
}

/* Servers (addresses) and protocols that were lost and came back with the window. */
static void count_doors(const struct uw_window *w, unsigned *servers, unsigned *protocols)
{
	unsigned i, k, seen = 0;

	*servers = 0;
	for (i = 0; i < w->flows; i++) {
		if (!bears_witness(&w->flow[i]))
			continue;
		seen |= 1u << w->flow[i].id.protocol;
		for (k = 0; k < i; k++) {
			if (bears_witness(&w->flow[k]) && w->flow[k].id.family == w->flow[i].id.family &&
			    uw_addr_same(&w->flow[k].id.server, &w->flow[i].id.server))
				break;
		}
		*servers += k == i;
	}
	*protocols = (unsigned)__builtin_popcount(seen);
}

static double udp_before(const struct uw_window *w)
{
	return w->traffic.udp_out_before + w->traffic.udp_in_before;
}

static double udp_release(const struct uw_window *w)
{
	return w->traffic.udp_out_release + w->traffic.udp_in_release;
}

/* More UDP when it set in than when it let go. */
static bool contrasts(const struct uw_window *w)
{
	return w->traffic.before && w->traffic.release && udp_before(w) > CONTRAST * udp_release(w) &&
	       udp_before(w) > udp_release(w) + CONTRAST_PPS;
}

/*
 * Several servers or protocols, nearly nothing answered, and not all of it one server's own trouble: of one
 * server alone, or with others that went on answering, only the rates speak for a limit.
 */
static bool shared(const struct uw_window *w)
{
	unsigned servers, protocols;

	if (!w->closed || 10 * w->answered > w->queries)
		return false;
	count_doors(w, &servers, &protocols);
	if (servers > 1)
		return w->elsewhere < ELSEWHERE || contrasts(w);
	return protocols > 1 && w->elsewhere < ELSEWHERE && contrasts(w);
}

/* Sums over the windows that count. */
struct windows {
	unsigned count, with_rates, contrasts, with_tcp, without_tcp, elsewhere, alone;
	double least_before, most_release;	/* packets/s, in and out */
	uint64_t tcp, queries, answered;
};

static void sum(const struct uw_case *c, struct windows *s)
{
	unsigned i, servers, protocols;

	memset(s, 0, sizeof(*s));
	for (i = 0; c->host && i < c->host->window_count; i++) {
		const struct uw_window *w = c->host->windows[i];
		const struct uw_window_traffic *t = &w->traffic;

		if (!shared(w))
			continue;
		count_doors(w, &servers, &protocols);
		s->count++;
		s->alone += servers == 1;
		s->queries += w->queries;
		s->answered += w->answered;
		s->tcp += t->tcp_in_during;
		s->with_tcp += t->during && t->tcp_in_during;
		s->without_tcp += t->during && !t->tcp_in_during && t->tcp_in_before >= 1;
		s->elsewhere += w->elsewhere >= ELSEWHERE;
		if (!t->before || !t->release)
			continue;
		s->contrasts += contrasts(w);
		if (!s->with_rates || udp_before(w) < s->least_before)
			s->least_before = udp_before(w);
		if (!s->with_rates || udp_release(w) > s->most_release)
			s->most_release = udp_release(w);
		s->with_rates++;
	}
}

bool uw_throttle_holds(const struct uw_case *c, enum uw_confidence *confidence)
{
	struct windows s;

	sum(c, &s);
	/* Once, and with others that went on answering or of one server alone: what coincided may be chance. */
	if (s.count < 2 && (s.elsewhere || s.alone))
		return false;
	if (!s.count || s.without_tcp || 4 * c->host->loss.outside > c->host->loss.inside)
		return false;
	*confidence = s.with_tcp == s.count && s.contrasts == s.count && !s.elsewhere && !s.alone ? UW_LIKELY :
												   UW_POSSIBLE;
	return true;
}

/* "2026-11-22 09:11:22.6Z"; @day: with the date. */
static const char *utc(const struct uw_clock *clock, uint64_t ns, bool day, char *buf, size_t size)
{
	char full[36] = "";

	if (!clock || !ns)
		return "?";
	uw_clock_rfc3339(uw_clock_wall(clock, ns), full, sizeof(full));
	snprintf(buf, size, "%.*s%s%.10sZ", day ? 10 : 0, full, day ? " " : "", full + 11);
	return buf;
}

static void tell_window(const struct uw_case *c, const struct uw_window *w, struct uw_diagnosis *d)
{
	const struct uw_clock *clock = c->host->clock;
	char at[4][40];
	unsigned servers, protocols;

	count_doors(w, &servers, &protocols);
	uw_evidence_add(&d->in_favour,
			"window %u: %u %s%s, %" PRIu64 " asked, %" PRIu64 " answered; lost between %s and %s,"
			" back between %s and %s",
			w->id, servers, servers == 1 ? "server" : "servers",
			protocols > 1 ? ", NTP and DNS" : "", w->queries, w->answered,
			utc(clock, w->last_good_ns, true, at[0], sizeof(at[0])),
			utc(clock, w->first_bad_ns, false, at[1], sizeof(at[1])),
			utc(clock, w->last_bad_ns, false, at[2], sizeof(at[2])),
			utc(clock, w->first_good_ns, false, at[3], sizeof(at[3])));
}

static void tell_rates(const struct uw_case *c, const struct windows *s, struct uw_diagnosis *d)
{
	const struct uw_window *w = NULL;
	unsigned i;

	for (i = 0; i < c->host->window_count; i++) {
		if (shared(c->host->windows[i]) && c->host->windows[i]->traffic.before &&
		    c->host->windows[i]->traffic.release)
			w = c->host->windows[i];
	}
	if (!w) {
		uw_evidence_add(&d->open, "how much UDP went on the wire meanwhile is not known");
		return;
	}
	uw_evidence_add(s->contrasts == s->with_rates ? &d->in_favour : &d->against,
			"all UDP, packets/s: at the onset of window %u (busiest 0.3 s of the 10 s before) out %.0f, in %.0f;"
			" when it let go out %.0f, in %.0f", w->id, w->traffic.udp_out_before,
			w->traffic.udp_in_before, w->traffic.udp_out_release, w->traffic.udp_in_release);
	if (w->traffic.ports)
		uw_evidence_add(&d->in_favour, "in the 10 s before it %.0f%% of the UDP packets were of port %u",
				100 * w->traffic.port[0].share, w->traffic.port[0].port);
	if (s->with_rates < 2)
		uw_evidence_add(&d->open, "one window with known rates: a second one would bracket the limit");
	else if (s->least_before > s->most_release)
		uw_evidence_add(&d->in_favour,
				"every onset lies above %.0f and every release below %.0f packets/s of UDP, in and"
				" out: the limit is between", s->least_before, s->most_release);
	else
		uw_evidence_add(&d->against,
				"no level parts onsets (%.0f packets/s or more) from releases (up to %.0f)",
				s->least_before, s->most_release);
}

/* "from 2026-11-22 09:11:22.6Z until 2026-11-22 09:12:13.1Z; from ...": the last ones, the oldest first. */
static void list_windows(const struct uw_case *c, unsigned count, char *buf, size_t size)
{
	unsigned skip = count > LISTED ? count - LISTED : 0, seen = 0, i;
	size_t n = 0;

	buf[0] = '\0';
	for (i = 0; i < c->host->window_count && n < size; i++) {
		const struct uw_window *w = c->host->windows[i];
		char at[2][40];

		if (!shared(w) || seen++ < skip)
			continue;
		n += (size_t)snprintf(buf + n, size - n, "%sfrom %s until %s", n ? "; " : "",
				      utc(c->host->clock, w->first_bad_ns, true, at[0], sizeof(at[0])),
				      utc(c->host->clock, w->last_bad_ns, true, at[1], sizeof(at[1])));
	}
	if (skip && n < size)
		snprintf(buf + n, size - n, "; and %u times before", skip);
}

/* The question for a ticket, in UTC. */
static void ask_provider(const struct uw_case *c, const struct windows *s, const struct uw_window *w,
			 struct uw_diagnosis *d)
{
	char client[UW_ADDR_TEXT], when[UW_NEXT_STEP_MAX / 2], rates[224] = "";

	list_windows(c, s->count, when, sizeof(when));
	if (s->contrasts && s->with_rates > 1 && s->least_before > s->most_release)
		snprintf(rates, sizeof(rates), " We had %.0f UDP packets/s (in and out) or more each time when it began,"
			 " %.0f or less when it ended.", s->least_before, s->most_release);
	else if (w->traffic.before && w->traffic.release)
		snprintf(rates, sizeof(rates), " We sent %.0f UDP packets/s when it began last, %.0f when it ended.",
			 w->traffic.udp_out_before, w->traffic.udp_out_release);
	snprintf(d->next_step, sizeof(d->next_step),
		 "Ask the provider: \"No UDP reply%s reached %s %s (UTC)%s.%s"
		 " Is there a DDoS protection or a rate limit for all UDP of this address, what is its threshold,"
		 " and was it active then?\"",
		 s->alone || s->elsewhere ? " of the servers named above" : ", whatever server was asked,",
		 uw_addr_text(&w->flow[0].id.client, w->flow[0].id.family, client), when,
		 s->with_tcp == s->count ? ", while TCP went on" : "", rates);
}

static void name_flows(const struct uw_case *c, const struct uw_window *w, struct uw_diagnosis *d)
{
	unsigned i, k;

	for (i = 0; i < w->flows; i++) {
		for (k = 0; k < c->count && d->flows < UW_EVIDENCE_MAX; k++) {
			if (!memcmp(&c->flows[k]->id, &w->flow[i].id, sizeof(w->flow[i].id)))
				d->flow[d->flows++] = c->flows[k];
		}
	}
}

void uw_throttle_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_window *last = NULL;
	struct windows s;
	unsigned i, left;

	sum(c, &s);
	d->occasions = s.count;
	uw_say(d, "%s UDP stops and comes back by itself, %u %s so far, %s%s: somebody on the way"
	       " drops UDP, mostly once there is too much of it.", s.elsewhere ? "Most" : "All", s.count,
	       s.count == 1 ? "time" : "times", s.alone ? "of the one server that is asked" :
	       s.elsewhere ? "of several servers at once" : "whoever is asked", s.with_tcp == s.count ? ", while TCP goes on" : "");
	left = s.count;
	for (i = 0; i < c->host->window_count; i++) {
		if (!shared(c->host->windows[i]))
			continue;
		last = c->host->windows[i];
		if (left-- <= TOLD)
			tell_window(c, last, d);
	}
	if (s.with_tcp)
		uw_evidence_add(&d->in_favour, "TCP segments that came in meanwhile: %" PRIu64, s.tcp);
	if (s.with_tcp < s.count)
		uw_evidence_add(&d->open, "in %u of %u windows no TCP came in to compare with", s.count - s.with_tcp,
				s.count);
	tell_rates(c, &s, d);
	if (s.alone)
		uw_evidence_add(&d->open, "in %u of %u windows 1 server alone was asked: it may be the one overloaded",
				s.alone, s.count);
	if (c->host->loss.outside)
		uw_evidence_add(&d->against, "queries lost outside of windows: %" PRIu64 " of %" PRIu64,
				c->host->loss.outside, c->host->loss.outside + c->host->loss.inside);
	if (s.elsewhere)
		uw_evidence_add(&d->against, "other servers went on answering in %u of %u windows", s.elsewhere, s.count);
	ask_provider(c, &s, last, d);
	name_flows(c, last, d);
}
