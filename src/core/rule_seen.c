// SPDX-License-Identifier: GPL-2.0-only
/* Causes that were seen at work: replies that came and were of no use, drops with a reason, counters. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/address.h"
#include "core/rules.h"

#define DOWN_LEAST 3	/* unanswered, with complete evidence */

/* --- drops --- */

bool uw_reverse_path_drop(const struct uw_flow_drop *d)
{
	return !strcmp(d->reason, "IP_RPFILTER");
}

bool uw_checksum_drop(const struct uw_flow_drop *d)
{
	return !strcmp(d->reason, "UDP_CSUM") || !strcmp(d->reason, "IP_CSUM");
}

static void tell_drops(const struct uw_case *c, struct uw_diagnosis *d)
{
	char at[UW_ENDPOINT_TEXT];
	unsigned i;

	uw_evidence_add(&d->in_favour, "stage %s, reason %s: %" PRIu64 " dropped in network namespace %u",
			uw_stage_name(c->drop->stage), c->drop->reason, c->drops, c->drop->netns);
	for (i = 0; i < d->flows; i++)
		uw_evidence_add(&d->in_favour, "%s: %" PRIu64 " %s asked, %" PRIu64 " answered",
				uw_rule_server(d->flow[i], at), uw_flow_asked(d->flow[i]),
				uw_queries(uw_flow_asked(d->flow[i])), uw_flow_answered(d->flow[i]));
}

void uw_reverse_path_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	uw_say(d, "Packets came in by another device than the way back leaves by, and the reverse path filter"
	       " dropped them: %" PRIu64 ".", c->drops);
	tell_drops(c, d);
}

void uw_checksum_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	uw_say(d, "Datagrams came in with a wrong checksum and were dropped here: %" PRIu64 ".", c->drops);
	tell_drops(c, d);
}

/* --- replies of no use --- */

bool uw_unread_flow(const struct uw_flow *f)
{
	return f->count[UW_REPLY_UNREAD] != 0;
}

bool uw_late_flow(const struct uw_flow *f)
{
	return f->late_beyond != 0;
}

bool uw_elsewhere_flow(const struct uw_flow *f)
{
	return f->id.role == UW_ROLE_CLIENT && f->count[UW_MISDIRECTED] != 0;
}

static uint64_t sum_of(const struct uw_diagnosis *d, enum uw_verdict v)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < d->flows; i++)
		n += d->flow[i]->count[v];
	return n;
}

static void tell_share(struct uw_diagnosis *d, enum uw_verdict v, const char *what)
{
	unsigned i;

	for (i = 0; i < d->flows; i++)
		uw_evidence_add(&d->in_favour, "%s ports: %" PRIu64 " of %" PRIu64 " %s %s",
				d->flow[i]->id.fixed ? "fixed" : "ephemeral", d->flow[i]->count[v],
				uw_flow_asked(d->flow[i]), uw_queries(uw_flow_asked(d->flow[i])), what);
}

static uint64_t sum_at(const struct uw_case *c, bool (*flow)(const struct uw_flow *f), size_t offset)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < c->count; i++) {
		if (flow(c->flows[i]) && uw_flows_related(c->lead, c->flows[i]))
			n += *(const uint64_t *)((const char *)c->flows[i] + offset);
	}
	return n;
}

/* Certain where a reply was seen to lie in an open socket; one who closes it may have had what it wanted. */
bool uw_unread_holds(const struct uw_case *c, enum uw_confidence *confidence)
{
	uint64_t all = sum_at(c, uw_unread_flow, offsetof(struct uw_flow, count[UW_REPLY_UNREAD]));

	*confidence = all > sum_at(c, uw_unread_flow, offsetof(struct uw_flow, unread_closed)) ? UW_CERTAIN : UW_POSSIBLE;
	return true;
}

void uw_unread_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	uint64_t closed = sum_at(c, uw_unread_flow, offsetof(struct uw_flow, unread_closed));
	char at[UW_ENDPOINT_TEXT];

	uw_say(d, "Replies of %s %s the asking program's socket, and it %s not read them: %" PRIu64 ".",
	       uw_rule_server(c->lead, at), d->confidence == UW_CERTAIN ? "lie in" : "lay in",
	       d->confidence == UW_CERTAIN ? "does" : "did", sum_of(d, UW_REPLY_UNREAD));
	tell_share(d, UW_REPLY_UNREAD, "had a reply in the socket that was not read in time");
	if (closed)
		uw_evidence_add(&d->open, "freed when the program closed its socket, so that it may have had its"
				" answer elsewhere: %" PRIu64, closed);
}

/* Certain where the socket was seen closed before the reply came; else the program may have waited for it. */
bool uw_late_holds(const struct uw_case *c, enum uw_confidence *confidence)
{
	*confidence = sum_at(c, uw_late_flow, offsetof(struct uw_flow, late_given_up)) ? UW_CERTAIN : UW_POSSIBLE;
	return true;
}

void uw_late_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	uint64_t given_up = sum_at(c, uw_late_flow, offsetof(struct uw_flow, late_given_up));
	char at[UW_ENDPOINT_TEXT];

	uw_say(d, "Replies of %s come, but only after %s: %" PRIu64 ".", uw_rule_server(c->lead, at),
	       given_up ? "the program has given up" : "the deadline", sum_of(d, UW_ANSWERED_LATE));
	tell_share(d, UW_ANSWERED_LATE, "answered after the deadline");
	if (given_up)
		uw_evidence_add(&d->in_favour, "replies that came when the asking socket was closed: %" PRIu64, given_up);
	else
		uw_evidence_add(&d->open, "0 asking sockets were closed before: the program may wait longer than"
				" --timeout has it");
	if (uw_flow_answered(c->lead))
		uw_evidence_add(&d->open, "answered in time: %" PRIu64 ", half of them within %.1f ms",
				uw_flow_answered(c->lead), (double)uw_flow_quantile_us(c->lead, 0.5) / 1000);
}

/* The contrast is the asked address itself, silent; a reply from elsewhere may be forged: never certain. */
bool uw_elsewhere_holds(const struct uw_case *c, enum uw_confidence *confidence)
{
	*confidence = sum_at(c, uw_elsewhere_flow, offsetof(struct uw_flow, misdirected_complete)) ? UW_LIKELY :
												     UW_POSSIBLE;
	return true;
}

void uw_elsewhere_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	uint64_t complete = sum_at(c, uw_elsewhere_flow, offsetof(struct uw_flow, misdirected_complete));
	char at[UW_ENDPOINT_TEXT];

	uw_say(d, "Replies to queries for %s come from another address or port, and clients must ignore them:"
	       " %" PRIu64 ".", uw_rule_server(c->lead, at), sum_of(d, UW_MISDIRECTED));
	tell_share(d, UW_MISDIRECTED, "drew a reply with their transaction from elsewhere");
	if (complete)
		uw_evidence_add(&d->in_favour, "of %" PRIu64 " of these, with complete evidence, 0 replies came from"
				" where they were asked", complete);
	else
		uw_evidence_add(&d->open, "replies from where they were asked: the evidence of 0 queries is complete");
}

/* --- counters of devices --- */

bool uw_nic_flow(const struct uw_flow *f)
{
	return f->nic_queries != 0;
}

bool uw_allowance_flow(const struct uw_flow *f)
{
	return f->allowance_queries != 0;
}

bool uw_counter_holds(const struct uw_case *c, enum uw_confidence *confidence)
{
	(void)c;
	*confidence = UW_POSSIBLE; /* that it was these packets is not seen */
	return true;
}

bool uw_allowance_holds(const struct uw_case *c, enum uw_confidence *confidence)
{
	(void)c;
	*confidence = UW_LIKELY; /* nothing else is counted there */
	return true;
}

void uw_nic_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	unsigned i;

	(void)c;
	uw_say(d, "The network card or its driver lost packets while queries went unanswered.");
	for (i = 0; i < d->flows; i++)
		uw_evidence_add(&d->in_favour, "%" PRIu64 " of %" PRIu64 " unanswered %s: the card's counters of"
				" lost packets rose meanwhile, by up to %" PRIu64, d->flow[i]->nic_queries,
				d->flow[i]->count[UW_NO_REPLY], uw_queries(d->flow[i]->count[UW_NO_REPLY]),
				d->flow[i]->nic_most);
	uw_evidence_add(&d->open, "whether a reply to these queries was among the packets lost");
}

void uw_allowance_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	unsigned i;

	(void)c;
	uw_say(d, "The cloud dropped packets of this instance because an allowance was used up, while queries"
	       " went unanswered.");
	for (i = 0; i < d->flows; i++)
		uw_evidence_add(&d->in_favour, "%" PRIu64 " unanswered %s: the driver's *_allowance_exceeded rose"
				" meanwhile, by up to %" PRIu64, d->flow[i]->allowance_queries,
				uw_queries(d->flow[i]->allowance_queries), d->flow[i]->allowance_most);
	uw_evidence_add(&d->open, "whether these queries were among the packets dropped");
}

/* --- server-down --- */

bool uw_down_flow(const struct uw_flow *f)
{
	return f->id.role == UW_ROLE_CLIENT && !f->id.probe && f->bad_complete >= DOWN_LEAST &&
	       !f->port_unreachable && !f->kod_rate;
}

/* Its open loss window, which it shares with nobody. */
static const struct uw_window *window_of(const struct uw_case *c)
{
	unsigned i;

	for (i = 0; c->host && i < c->host->window_count; i++) {
		const struct uw_window *w = c->host->windows[i];

		if (!w->closed && w->flows == 1 && !memcmp(&w->flow[0].id, &c->lead->id, sizeof(c->lead->id)))
			return w;
	}
	return NULL;
}

/* Flows of this client that were answered after @since_ns: of this server by another door, of others. */
static void answered_since(const struct uw_case *c, uint64_t since_ns, unsigned *same, unsigned *others)
{
	const struct uw_flow *f = c->lead, *g;
	unsigned i;

	*same = *others = 0;
	for (i = 0; i < c->count; i++) {
		g = c->flows[i];
		if (g->last_good_ns <= since_ns || g->id.netns != f->id.netns || g->id.role != UW_ROLE_CLIENT)
			continue;
		if (g->id.family == f->id.family && uw_addr_same(&g->id.server, &f->id.server))
			++*same;
		else
			++*others;
	}
}

bool uw_down_holds(const struct uw_case *c, enum uw_confidence *confidence)
{
	const struct uw_window *w = window_of(c);
	unsigned same, others;

	if (!w || w->answered)
		return false;
	answered_since(c, w->first_bad_ns, &same, &others);
	if (same || (!others && !w->last_good_ns))
		return false;
	*confidence = others ? UW_LIKELY : UW_POSSIBLE;
	return true;
}

void uw_down_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_window *w = window_of(c);
	char at[UW_ENDPOINT_TEXT];
	unsigned same, others;

	answered_since(c, w->first_bad_ns, &same, &others);
	uw_say(d, "%s answers nothing any more, from any port: it is down, or the way to it is cut.",
	       uw_rule_server(c->lead, at));
	uw_evidence_add(&d->in_favour, "%" PRIu64 " queries in a row over %.1f s unanswered, the last ones included",
			w->queries, (double)(w->last_bad_ns - w->first_bad_ns) / 1e9);
	if (others)
		uw_evidence_add(&d->in_favour, "flows to other servers that were answered meanwhile: %u", others);
	else
		uw_evidence_add(&d->open, "0 other servers were asked successfully meanwhile: the way out may be cut");
	if (!w->last_good_ns)
		uw_evidence_add(&d->open, "0 queries were answered before: its address may be wrong");
	uw_evidence_add(&d->open, "a filter on the way to this one server looks the same");
}
