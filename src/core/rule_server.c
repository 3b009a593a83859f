// SPDX-License-Identifier: GPL-2.0-only
/* Causes that the server itself tells: nobody listens, too many questions, no time to give. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/address.h"
#include "core/rules.h"

#define NS_PER_S 1000000000ull
#define OFTEN 2	/* answers of one word; a single one may be a moment's */

/* --- no-service --- */

bool uw_no_service_flow(const struct uw_flow *f)
{
	return f->port_unreachable != 0;
}

/*
 * A service that answers other queries at the same time is there: then a REJECT rule sends the
 * ICMP errors. One that answered again since is back. The contrast to one that is started anew
 * just then is a second query, later.
 */
bool uw_no_service_holds(const struct uw_case *c, enum uw_confidence *confidence)
{
	const struct uw_flow *f = c->lead;
	uint64_t rejected = 0;
	unsigned i;

	for (i = 0; i < c->count; i++) {
		const struct uw_flow *g = c->flows[i];
		uint64_t since = g == f ? f->last_bad_ns : f->first_ns;

		if (!uw_flows_related(f, g))
			continue;
		if (g->last_good_ns > since)
			return false;
		rejected += g->port_unreachable;
	}
	*confidence = rejected >= OFTEN ? UW_LIKELY : UW_POSSIBLE;
	return true;
}

void uw_no_service_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_flow *f = c->lead;
	char at[UW_ENDPOINT_TEXT], to[UW_ADDR_TEXT];
	uint64_t answered = 0;
	unsigned i;

	uw_say(d, "Nothing listens on %s (udp): the server itself says so by ICMP.", uw_rule_server(f, at));
	for (i = 0; i < d->flows; i++) {
		answered += uw_flow_answered(d->flow[i]);
		uw_evidence_add(&d->in_favour,
				"%" PRIu64 " of %" PRIu64 " %s from %s ports rejected by port"
				" unreachable from the server's own address",
				d->flow[i]->port_unreachable, uw_flow_asked(d->flow[i]),
				uw_queries(uw_flow_asked(d->flow[i])), uw_rule_door(d->flow[i]));
	}
	if (answered)
		uw_evidence_add(&d->against, "earlier queries that were answered: %" PRIu64, answered);
	if (d->confidence == UW_POSSIBLE)
		uw_evidence_add(&d->open, "1 query only: a service that is being restarted says the same for a moment");
	uw_evidence_add(&d->open, "a REJECT rule on the server sends the same message");
	snprintf(d->next_step, sizeof(d->next_step),
		 "On %s: ss -uln 'sport = :%u' must show a socket; if not, start the %s service.",
		 uw_rule_host(f, to), f->id.server_port, uw_rule_protocol(f));
}

/* --- server-rate-limiting --- */

bool uw_rate_flow(const struct uw_flow *f)
{
	return f->kod_rate != 0;
}

/* Queries of this client that the server did answer. */
static uint64_t answered_there(const struct uw_case *c)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < c->count; i++)
		n += uw_flows_related(c->lead, c->flows[i]) ? uw_flow_answered(c->flows[i]) : 0;
	return n;
}

/* A limit lets some through; one who is answered nothing but RATE may be unwelcome at any rate. */
bool uw_rate_holds(const struct uw_case *c, enum uw_confidence *confidence)
{
	*confidence = answered_there(c) ? UW_LIKELY : UW_POSSIBLE;
	return true;
}

void uw_rate_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	uint64_t answered = answered_there(c);
	char at[UW_ENDPOINT_TEXT];
	unsigned i;

	uw_say(d, "%s limits this client's rate: it says so with kiss-o'-death RATE.",
	       uw_rule_server(c->lead, at));
	for (i = 0; i < d->flows; i++) {
		const struct uw_flow *f = d->flow[i];
		uint64_t last = f->last_good_ns > f->last_bad_ns ? f->last_good_ns : f->last_bad_ns;
		uint64_t asked = uw_flow_asked(f);

		uw_evidence_add(&d->in_favour,
				"%" PRIu64 " of %" PRIu64
				" %s from %s ports refused with RATE",
				f->kod_rate, asked, uw_queries(asked), uw_rule_door(f));
		if (asked > 1 && f->first_ns && last > f->first_ns)
			uw_evidence_add(&d->in_favour, "asked every %.1f s on average",
					(double)(last - f->first_ns) / NS_PER_S /
						(double)(asked - 1));
		if (f->count[UW_NO_REPLY])
			uw_evidence_add(&d->open,
					"%" PRIu64
					" %s without reply may be limited as well: most"
					" servers do it in silence",
					f->count[UW_NO_REPLY], uw_queries(f->count[UW_NO_REPLY]));
	}
	if (answered)
		uw_evidence_add(&d->in_favour, "and it answered %" PRIu64 " other %s of this client", answered,
				uw_queries(answered));
	else
		uw_evidence_add(&d->open, "0 queries of this client were answered: that it answers one who asks"
				" less often was not seen");
}

/* --- server-unsynchronised --- */

bool uw_unsynchronised_flow(const struct uw_flow *f)
{
	return f->unsynchronised != 0;
}

/* Whoever asked it. */
bool uw_same_server(const struct uw_flow *a, const struct uw_flow *b)
{
	return a->id.host == b->id.host && a->id.netns == b->id.netns && a->id.protocol == b->id.protocol &&
	       a->id.family == b->id.family && a->id.server_port == b->id.server_port &&
	       uw_addr_same(&a->id.server, &b->id.server);
}

/* Answers of NTP servers that had time to give: of this one, of others. */
struct synchronised {
	uint64_t here, elsewhere, said;
	uint64_t last_here_ns, last_said_ns;
};

static void sum_synchronised(const struct uw_case *c, struct synchronised *s)
{
	unsigned i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < c->count; i++) {
		const struct uw_flow *f = c->flows[i];
		uint64_t good = uw_flow_answered(f) - f->unsynchronised;

		if (f->id.protocol != UW_PROTO_NTP)
			continue;
		if (!uw_same_server(c->lead, f)) {
			s->elsewhere += good;
			continue;
		}
		s->here += good;
		s->said += f->unsynchronised;
		if (good && f->last_good_ns > s->last_here_ns)
			s->last_here_ns = f->last_good_ns;
		if (f->last_unsynchronised_ns > s->last_said_ns)
			s->last_said_ns = f->last_unsynchronised_ns;
	}
}

bool uw_unsynchronised_holds(const struct uw_case *c, enum uw_confidence *confidence)
{
	struct synchronised s;

	sum_synchronised(c, &s);
	*confidence = s.said >= OFTEN || s.elsewhere ? UW_LIKELY : UW_POSSIBLE;
	return true;
}

void uw_unsynchronised_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	char at[UW_ENDPOINT_TEXT];
	struct synchronised s;
	unsigned i;

	sum_synchronised(c, &s);
	uw_say(d, "%s answers, and says that its own clock is not synchronised: clients must not use its time.",
	       uw_rule_server(c->lead, at));
	for (i = 0; i < d->flows; i++)
		uw_evidence_add(&d->in_favour, "%" PRIu64 " of %" PRIu64 " %s to %s ports said so: leap indicator 3,"
				" stratum 0 or 16", d->flow[i]->unsynchronised, uw_flow_answered(d->flow[i]),
				uw_answers(uw_flow_answered(d->flow[i])), uw_rule_door(d->flow[i]));
	if (s.elsewhere)
		uw_evidence_add(&d->in_favour, "other NTP servers gave %" PRIu64 " %s with a synchronised clock",
				s.elsewhere, uw_answers(s.elsewhere));
	if (s.here && s.last_here_ns > s.last_said_ns)
		uw_evidence_add(&d->against, "of its answers %" PRIu64 " said that it was synchronised, the last one"
				" among them: it may have recovered", s.here);
	else if (s.here)
		uw_evidence_add(&d->in_favour, "of its earlier answers %" PRIu64 " said that it was synchronised", s.here);
	else if (!s.elsewhere)
		uw_evidence_add(&d->open, "0 answers of any server with a synchronised clock to compare with");
}
