/* SPDX-License-Identifier: GPL-2.0-only */
/* What dropped a packet, in a few lines: by what and where, by which rule, what that means. */
#include <string.h>

#include "core/explain.h"
#include "sink/text_parts.h"

/* The drop that decided, or else one that was seen: another copy, or beside an ICMP error. */
const struct uw_drop_fact *uw_text_drop_of(const struct uw_query *q)
{
	if (q->decisive_drop)
		return q->decisive_drop;
	if (q->drop[UW_REQUEST].seen)
		return &q->drop[UW_REQUEST];
	/* A late reply that nobody waited for is told in the timeline. */
	if (q->verdict == UW_ANSWERED_LATE)
		return NULL;
	return q->drop[UW_REPLY].seen ? &q->drop[UW_REPLY] : NULL;
}

static bool is_netfilter(const struct uw_drop_fact *d)
{
	return d->hook[0] || strcmp(d->reason, "NETFILTER_DROP") == 0;
}

static void add_by(struct uw_line *l, const struct uw_drop_fact *d)
{
	if (d->engine[0]) {
		uw_line_bytes(l, d->engine, sizeof(d->engine), 0);
		uw_line_add(l, ", ");
	} else if (is_netfilter(d)) {
		uw_line_add(l, "netfilter, ");
	}
	if (d->hook[0])
		uw_line_add(l, "hook" UW_NBSP "%s, ", d->hook);
	if (d->ifname[0]) {
		uw_line_add(l, "on" UW_NBSP);
		uw_line_bytes(l, d->ifname, sizeof(d->ifname), 0);
		uw_line_add(l, ", ");
	}
}

/* After a reason that speaks for itself. */
static void add_where(struct uw_line *l, const struct uw_drop_fact *d)
{
	if (d->engine[0]) {
		uw_line_add(l, " by" UW_NBSP);
		uw_line_bytes(l, d->engine, sizeof(d->engine), 0);
	}
	if (d->ifname[0]) {
		uw_line_add(l, " on" UW_NBSP);
		uw_line_bytes(l, d->ifname, sizeof(d->ifname), 0);
	}
	if (d->location[0] && (d->engine[0] || d->ifname[0]))
		uw_line_add(l, ",");
}

static void print_place(const struct uw_text_out *o, const struct uw_query *q,
			const struct uw_drop_fact *d)
{
	const char *name = uw_errno_name(q->send_errno);
	struct uw_line l = {0};

	if (is_netfilter(d))
		add_by(&l, d);
	uw_line_bytes(&l, d->reason[0] ? d->reason : "not given", sizeof(d->reason), 0);
	if (!is_netfilter(d))
		add_where(&l, d);
	if (d->location[0]) {
		uw_line_add(&l, " at" UW_NBSP);
		uw_line_bytes(&l, d->location, sizeof(d->location), 0);
	}
	if (!q->decisive_drop && q->attempts > 1)
		uw_line_add(&l, " (a copy of the %s)", d->dir == UW_REPLY ? "reply" : "request");
	uw_text_labelled(o, is_netfilter(d) ? "dropped by" : "drop reason", l.text);
	if (name && d->dir == UW_REQUEST) {
		l = (struct uw_line){0};
		uw_line_add(&l, "%s (%s)", strerror(q->send_errno), name);
		uw_text_labelled(o, "sender told", l.text);
	}
}

/* nftables has it: where it can be found, and how it would be told. */
static void add_untold_rule(struct uw_line *l, const struct uw_query *q, const struct uw_drop_fact *d)
{
	uw_line_add(l, "not known; ");
	uw_text_advice(l, q, d, d->rule_traced ?
		       "nftables' trace of this packet did not come" :
		       "udpwhy" UW_NBSP "trace" UW_NBSP "--nft-trace" UW_NBSP "--netns" UW_NBSP "NAME would name it");
	uw_line_add(l, ". It is in ");
	if (d->hook[0])
		uw_line_add(l, "a chain of hook" UW_NBSP "%s", d->hook);
	else
		uw_line_add(l, "the ruleset");
	uw_line_add(l, ": nft" UW_NBSP "-a" UW_NBSP "list" UW_NBSP "ruleset");
}

/* Why the rule is not known, and how it could be. */
static void add_no_rule(struct uw_line *l, const struct uw_query *q, const struct uw_drop_fact *d)
{
	if (strcmp(d->engine, "nftables") == 0)
		add_untold_rule(l, q, d);
	else if (strcmp(d->engine, "nfqueue") == 0)
		uw_line_add(l, "not known; it hands packets to a program (NFQUEUE), and none took "
				"this one");
	else if (d->rule_traced)
		uw_line_add(l, "not known; legacy iptables or connection tracking, of which nftables "
				"has no trace: iptables-legacy-save" UW_NBSP "-c, conntrack" UW_NBSP "-S");
	else
		uw_line_add(l, "not known; the place in the kernel does not tell nftables, legacy "
				"iptables and connection tracking apart: nft" UW_NBSP "-a" UW_NBSP "list" UW_NBSP "ruleset, "
				"iptables-save" UW_NBSP "-c, conntrack" UW_NBSP "-S");
}

/* Each rule on a line of its own, with its share of the paragraph's queries where there are several. */
static void print_rules(const struct uw_text_out *o, const struct uw_group *g, const struct uw_drop_fact *d)
{
	struct uw_line l = {0};
	unsigned i;

	for (i = 0; i < g->rules; i++) {
		const struct uw_rule_count *r = &g->rule[i];

		l = (struct uw_line){0};
		if (g->rules > 1 || g->more_rules)
			uw_line_add(&l, "%u" UW_NBSP "of" UW_NBSP "%u: ", r->count, g->count);
		if (r->rule[0])
			uw_line_bytes(&l, r->rule, sizeof(r->rule), 0);
		else
			add_no_rule(&l, &g->first, d);
		uw_text_labelled(o, i ? "" : "rule", l.text);
	}
	if (g->more_rules) {
		l = (struct uw_line){0};
		uw_line_add(&l, "%u" UW_NBSP "of" UW_NBSP "%u: other rules", g->more_rules, g->count);
		uw_text_labelled(o, "", l.text);
	}
}

/* In plain words, by the kernel's reason or, where that says nothing, by the place. */
static void print_meaning(const struct uw_text_out *o, const struct uw_query *q, const struct uw_drop_fact *d)
{
	struct uw_line advice = {0};
	const struct uw_explanation *e = uw_explain_entry(UW_EXPLAIN_REASON, d->reason);

	if (!e || strcmp(d->reason, "NOT_SPECIFIED") == 0)
		e = uw_explain_entry(UW_EXPLAIN_STAGE, uw_stage_name(d->stage));
	if (!e)
		return;
	uw_text_labelled(o, "meaning", e->text);
	if (e->usual)
		uw_text_labelled(o, "usually", e->usual);
	if (!e->advice)
		return;
	uw_text_advice(&advice, q, d, e->advice);
	uw_text_labelled(o, "look at", advice.text);
}

static void print_buffer(const struct uw_text_out *o, const struct uw_drop_fact *d)
{
	struct uw_line l = {0};

	if (!d->rcvbuf)
		return;
	uw_line_add(&l, "receive buffer of %u" UW_NBSP "bytes, %u" UW_NBSP "bytes in use", d->rcvbuf,
		    d->rmem);
	uw_text_labelled(o, "socket", l.text);
}

void uw_text_drop(const struct uw_text_out *o, const struct uw_group *g)
{
	const struct uw_query *q = &g->first;
	const struct uw_drop_fact *d = uw_text_drop_of(q);

	/* A close that frees what was not read is told in the timeline. */
	if (!d || (d->dir == UW_REPLY && q->flags & UW_Q_UNREAD))
		return;
	print_place(o, q, d);
	print_buffer(o, d);
	if (is_netfilter(d))
		print_rules(o, g, d);
	else
		print_meaning(o, q, d);
}
