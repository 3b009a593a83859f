/* SPDX-License-Identifier: GPL-2.0-only */
/* One problem in one paragraph: who asked whom, what happened, what was ruled out, whose fault. */
#include <string.h>

#include "core/address.h"
#include "core/explain.h"
#include "core/text_safe.h"
#include "sink/text_parts.h"

/* Words for a verdict: the title, what is counted, and the plain sentence for a fault. */
struct verdict_words {
	const char *title;
	const char *tried, *done; /* "6 asked, 0 answered" */
	bool all_done; /* "6 asked, 6 refused" */
	const char *local, *beyond;
};

/* clang-format off */
static const struct verdict_words words[UW_VERDICTS] = {
	[UW_ANSWERED] = { "ANSWERED", "asked", "answered", true, "", "" },
	[UW_SERVED] = { "SERVED", "asked", "served", true, "", "" },
	[UW_FORWARDED] = { "FORWARDED", "asked", "answered", true, "", "" },
	[UW_SUPERSEDED] = { "SUPERSEDED", "asked", "answered", false, "", "" },
	[UW_ANSWERED_LATE] = { "ANSWERED LATE", "asked", "answered too late", true,
		"ON THIS HOST. The reply was here before the deadline and was delayed here.",
		"BEYOND THIS HOST. The reply came after the deadline." },
	[UW_REFUSED] = { "REFUSED", "asked", "refused", true,
		"ON THIS HOST. The server that refuses runs here.",
		"BEYOND THIS HOST. The server got the request and will not serve." },
	[UW_REJECTED] = { "REJECTED", "asked", "rejected", true,
		"ON THIS HOST. The ICMP error was sent by this host itself.",
		"BEYOND THIS HOST. The sender of the ICMP error turned the request away." },
	[UW_NO_REPLY] = { "NO REPLY ARRIVED", "asked", "answered", false,
		"ON THIS HOST.",
		"BEYOND THIS HOST. From this end alone: "
		"request or reply lost, cannot tell which." },
	[UW_MISDIRECTED] = { "REPLY FROM ELSEWHERE", "asked", "answered rightly", false,
		"ON THIS HOST. Our reply leaves from another address than was asked.",
		"BEYOND THIS HOST. The reply came from another address or port than was asked." },
	[UW_SEND_FAILED] = { "SEND FAILED", "tried", "sent", false,
		"ON THIS HOST. The kernel refused, nothing was sent.",
		"" },
	[UW_REQUEST_DROPPED] = { "REQUEST DROPPED HERE", "asked", "left this host", false,
		"DROPPED ON THIS HOST. The request never left.",
		"" },
	[UW_REQUEST_HELD] = { "REQUEST HELD HERE", "asked", "left this host", false,
		"HELD ON THIS HOST. The request never left.",
		"" },
	[UW_REPLY_DROPPED] = { "REPLY DROPPED HERE", "asked", "answered and dropped here", true,
		"DROPPED ON THIS HOST. The server did answer.",
		"" },
	[UW_REPLY_HELD] = { "REPLY HELD HERE", "asked", "answered and held here", true,
		"HELD ON THIS HOST. The server did answer.",
		"" },
	[UW_REPLY_UNREAD] = { "REPLY NOT READ", "asked", "answered and not read", true,
		"ON THIS HOST. The reply lay in the socket, the program did not read it.",
		"" },
	[UW_REQUEST_UNREAD] = { "REQUEST NOT READ", "asked", "read", false,
		"ON THIS HOST. The request lay in the socket, the server did not read it.",
		"" },
	[UW_NOT_SERVED] = { "NOT SERVED", "asked", "served", false,
		"ON THIS HOST. The server read the request and sent no reply.",
		"" },
	[UW_UNKNOWN] = { "UNKNOWN", "asked", "known to be answered", false, "", "" },
};
/* clang-format on */

/* ---- grouping ---- */

static bool same_flow(const struct uw_query *a, const struct uw_query *b)
{
	return a->role == b->role && a->netns == b->netns && a->key.family == b->key.family &&
	       a->key.protocol == b->key.protocol && a->key.server_port == b->key.server_port &&
	       memcmp(&a->key.server, &b->key.server, sizeof(a->key.server)) == 0 &&
	       (a->role == UW_ROLE_SERVER ||
		memcmp(&a->key.client, &b->key.client, sizeof(a->key.client)) == 0) &&
	       uw_port_fixed(a->key.client_port, a->key.server_port) ==
		       uw_port_fixed(b->key.client_port, b->key.server_port);
}

static bool same_outcome(const struct uw_query *a, const struct uw_query *b)
{
	const struct uw_drop_fact *da = a->decisive_drop, *db = b->decisive_drop;

	if (a->verdict != b->verdict || a->fault != b->fault || a->stage != b->stage ||
	    a->send_errno != b->send_errno || !da != !db)
		return false;
	return !da || strcmp(da->reason, db->reason) == 0;
}

/* The same program, not the same process: a check that is run each minute is one cause. */
bool uw_group_takes(const struct uw_group *g, const struct uw_query *q)
{
	return same_outcome(&g->first, q) && same_flow(&g->first, q) &&
	       g->first.task.uid == q->task.uid &&
	       strncmp(g->first.executable, q->executable, sizeof(q->executable)) == 0;
}

void uw_group_start(struct uw_group *g, const struct uw_query *q)
{
	memset(g, 0, sizeof(*g));
	uw_query_copy(&g->first, q);
	uw_group_add(g, q);
}

static void raise_to(uint64_t *most, uint64_t n)
{
	if (n > *most)
		*most = n;
}

void uw_group_add(struct uw_group *g, const struct uw_query *q)
{
	const struct uw_acquittal *a = &q->acquittal;
	const struct uw_query *f = &g->first;

	g->count++;
	g->packets += q->attempts;
	raise_to(&g->last_ns, q->send_ns);
	g->more_pids |= q->task.pid != f->task.pid;
	g->more_ports |= q->key.client_port != f->key.client_port;
	g->more_clients |= memcmp(&q->key.client, &f->key.client, sizeof(f->key.client)) != 0;
	g->more_questions |= q->question_len != f->question_len ||
			     memcmp(q->question, f->question, sizeof(f->question)) != 0;
	g->gaps |= q->gaps;
	g->drops_here += a->drops_here;
	g->icmp_errors += a->icmp_errors;
	/* Counters of devices, seen by several queries at once: not to be added up. */
	raise_to(&g->nic_drops, a->nic_drops);
	raise_to(&g->tx_errors, a->tx_errors);
	raise_to(&g->tracer_losses, a->tracer_losses);
	g->looked = a->looked && (g->looked || g->count == 1);
	g->xdp |= a->xdp;
}

/* ---- words that other parts use too ---- */

void uw_text_asker(struct uw_line *l, const struct uw_query *q, bool more_pids)
{
	bool known = !(q->flags & UW_Q_NO_OWNER);

	if (known && q->executable[0])
		uw_line_bytes(l, q->executable, sizeof(q->executable), UW_NAME_COLUMNS);
	else if (known && q->task.comm[0])
		uw_line_bytes(l, q->task.comm, sizeof(q->task.comm), UW_NAME_COLUMNS);
	else
		uw_line_add(l, "an unknown process");
	if (known && q->task.pid)
		uw_line_add(l, "[%u%s]", q->task.pid, more_pids ? " and others" : "");
}

void uw_text_server(struct uw_line *l, const struct uw_query_key *k)
{
	char buf[UW_ENDPOINT_TEXT];

	uw_line_add(l, "%s", uw_endpoint_text(&k->server, k->family, k->server_port, buf));
}

bool uw_text_question(struct uw_line *l, const struct uw_query *q)
{
	char name[UW_DNS_NAME_MAX], type[16];
	uint16_t qtype;

	if (q->key.protocol != UW_PROTO_DNS || !q->question_len ||
	    uw_dns_question_text(q->question, q->question_len, name, sizeof(name), &qtype))
		return false;
	uw_line_add(l, "%s %s", name, uw_qtype_name(qtype, type, sizeof(type)));
	return true;
}

/* ---- the lines of the paragraph ---- */

static void add_client(struct uw_line *l, const struct uw_group *g)
{
	const struct uw_query_key *k = &g->first.key;
	char buf[UW_ENDPOINT_TEXT];

	uw_line_add(l, "%s%s", uw_endpoint_text(&k->client, k->family, k->client_port, buf),
		    g->more_clients || g->more_ports ? " and others" : "");
}

static void add_ends(struct uw_line *l, const struct uw_group *g)
{
	const struct uw_query *q = &g->first;

	if (q->role == UW_ROLE_SERVER || q->role == UW_ROLE_FORWARDER)
		add_client(l, g);
	else
		uw_text_asker(l, q, g->more_pids);
	uw_line_add(l, " → ");
	uw_text_server(l, &q->key);
	if (q->role == UW_ROLE_SERVER)
		uw_line_add(l, " here");
	else if (q->role == UW_ROLE_FORWARDER)
		uw_line_add(l, ", passing through");
	else if (q->key.client_port)
		uw_line_add(l, ", from port %u%s", q->key.client_port,
			    g->more_ports ? " and others" : "");
}

static enum uw_colour fault_colour(enum uw_fault f)
{
	switch (f) {
	case UW_FAULT_LOCAL:
		return UW_RED;
	case UW_FAULT_BEYOND:
		return UW_YELLOW;
	case UW_FAULT_UNKNOWN:
		return UW_MAGENTA;
	default:
		return UW_BOLD;
	}
}

static const struct verdict_words *words_of(const struct uw_query *q)
{
	return &words[q->verdict < UW_VERDICTS ? q->verdict : UW_UNKNOWN];
}

static void print_title(const struct uw_text_out *o, const struct uw_group *g)
{
	const struct verdict_words *w = words_of(&g->first);
	struct uw_line l = {0};

	uw_line_add(&l, "   ");
	add_ends(&l, g);
	uw_line_add(&l, ": %u %s", g->count, w->tried);
	if (g->packets > g->count)
		uw_line_add(&l, " (%llu packets)", (unsigned long long)g->packets);
	uw_line_add(&l, ", %u %s", w->all_done ? g->count : 0, w->done);
	uw_text_print(o, w->title, fault_colour(g->first.fault), 4, l.text);
}

static void print_question(const struct uw_text_out *o, const struct uw_group *g)
{
	struct uw_line l = {0};

	if (!uw_text_question(&l, &g->first))
		return;
	uw_line_add(&l, "%s", g->more_questions ? ", and other questions" : "");
	uw_text_labelled(o, "question", l.text);
}

static void print_last(const struct uw_text_out *o, const struct uw_clock *clock,
		       const struct uw_group *g)
{
	struct uw_line l = {0};

	if (g->count < 2 || g->last_ns <= g->first.send_ns)
		return;
	uw_line_add(&l, "the last of the %u at ", g->count);
	uw_line_time_of_day(&l, uw_clock_wall(clock, g->last_ns));
	uw_line_add(&l, ", ");
	uw_line_duration(&l, g->last_ns - g->first.send_ns);
	uw_line_add(&l, " after the first");
	uw_text_labelled(o, "again", l.text);
}

/* The drop that decided, or else one that was seen: another copy, or beside an ICMP error. */
static const struct uw_drop_fact *drop_of(const struct uw_query *q)
{
	if (q->decisive_drop)
		return q->decisive_drop;
	if (q->drop[UW_REQUEST].seen)
		return &q->drop[UW_REQUEST];
	return q->drop[UW_REPLY].seen ? &q->drop[UW_REPLY] : NULL;
}

static void print_rule(const struct uw_text_out *o, const struct uw_drop_fact *d)
{
	struct uw_line l = {0};

	if (d->rule[0])
		uw_line_bytes(&l, d->rule, sizeof(d->rule), 0);
	else if (strcmp(d->engine, "nftables") == 0)
		uw_line_add(&l, "not known; %s; it is in a chain of hook %s: nft -a list ruleset",
			    d->rule_traced ? "no trace of this packet came" : "--nft-trace would name it",
			    d->hook[0] ? d->hook : "unknown");
	else if (strcmp(d->engine, "nfqueue") == 0)
		uw_line_add(&l, "not known; it queues to user space, and nobody took the packet");
	else if (d->rule_traced)
		uw_line_add(&l, "not known; legacy xtables or connection tracking, of which nftables has "
				"no trace: iptables-legacy-save -c, conntrack -S");
	else
		uw_line_add(&l, "not known; the place does not tell nftables, iptables-legacy and "
				"connection tracking apart: nft -a list ruleset, iptables-save -c, "
				"conntrack -S");
	uw_text_labelled(o, "which rule", l.text);
}

/* In plain words, where the kernel's reason says something. */
static void print_meaning(const struct uw_text_out *o, const struct uw_drop_fact *d)
{
	const struct uw_explanation *e = uw_explain_entry(UW_EXPLAIN_REASON, d->reason);

	if (!e || strcmp(d->reason, "NOT_SPECIFIED") == 0)
		return;
	uw_text_labelled(o, "meaning", e->text);
	if (e->advice)
		uw_text_labelled(o, "look at", e->advice);
}

static bool is_netfilter(const struct uw_drop_fact *d)
{
	return d->hook[0] || strcmp(d->reason, "NETFILTER_DROP") == 0;
}

static void print_drop(const struct uw_text_out *o, const struct uw_query *q)
{
	const struct uw_drop_fact *d = drop_of(q);
	const char *name = uw_errno_name(q->send_errno);
	struct uw_line l = {0};

	if (!d)
		return;
	uw_line_bytes(&l, d->reason[0] ? d->reason : "no reason given", sizeof(d->reason), 0);
	if (d->location[0]) {
		uw_line_add(&l, " @ ");
		uw_line_bytes(&l, d->location, sizeof(d->location), 0);
	}
	if (!q->decisive_drop)
		uw_line_add(&l, " (a copy of the %s)", d->dir == UW_REPLY ? "reply" : "request");
	if (d->hook[0])
		uw_line_add(&l, " · hook %s", d->hook);
	if (d->engine[0])
		uw_line_add(&l, " · %s", d->engine);
	if (d->ifname[0]) {
		uw_line_add(&l, " · on ");
		uw_line_bytes(&l, d->ifname, sizeof(d->ifname), 0);
	}
	if (d->rcvbuf)
		uw_line_add(&l, " · receive buffer %u bytes, %u used", d->rcvbuf, d->rmem);
	if (name)
		uw_line_add(&l, " · the sender was told %s", name);
	uw_text_labelled(o, "drop", l.text);
	if (is_netfilter(d))
		print_rule(o, d);
	else
		print_meaning(o, d);
}

static void add_gap_names(struct uw_line *l, uint32_t gaps)
{
	const char *separator = "";

	for (unsigned g = 0; g < UW_GAPS; g++) {
		if (!(gaps & UW_GAP_BIT(g)))
			continue;
		uw_line_add(l, "%s%s", separator, uw_gap_name(g));
		separator = ", ";
	}
}

/* Every silence says what was ruled out, with numbers. */
static void print_acquittal(const struct uw_text_out *o, const struct uw_group *g)
{
	struct uw_line l = {0};

	if (g->first.verdict != UW_NO_REPLY)
		return;
	uw_line_add(&l, "drops %llu of %llu · ICMP errors %llu · ",
		    (unsigned long long)g->drops_here,
		    (unsigned long long)(g->packets > g->count ? g->packets : g->count),
		    (unsigned long long)g->icmp_errors);
	if (g->looked)
		uw_line_add(&l, "NIC drops +%llu, tx errors +%llu · %s",
			    (unsigned long long)g->nic_drops, (unsigned long long)g->tx_errors,
			    g->xdp ? "XDP on the device" : "no XDP");
	else
		uw_line_add(&l, "NIC counters not read");
	uw_line_add(&l, " · tracer losses %llu   => evidence ",
		    (unsigned long long)g->tracer_losses);
	if (g->gaps) {
		uw_line_add(&l, "incomplete: ");
		add_gap_names(&l, g->gaps);
	} else {
		uw_line_add(&l, "complete");
	}
	uw_text_labelled(o, "checked here", l.text);
}

static void print_counters(const struct uw_text_out *o, const struct uw_query *q)
{
	const struct uw_acquittal *a = &q->acquittal;
	struct uw_line l = {0};

	for (unsigned i = 0; i < a->counters && i < UW_COUNTERS_MAX; i++) {
		const struct uw_counter_fact *c = &a->counter[i];

		uw_line_add(&l, "%s", i ? " · " : "");
		if (c->ifname[0]) {
			uw_line_bytes(&l, c->ifname, sizeof(c->ifname), 0);
			uw_line_add(&l, " ");
		}
		uw_line_bytes(&l, c->name, sizeof(c->name), 0);
		uw_line_add(&l, " +%llu", (unsigned long long)c->rose);
	}
	if (l.len)
		uw_text_labelled(o, "counters rose", l.text);
}

static void add_unknown(struct uw_line *l, const struct uw_group *g)
{
	uw_line_add(l, "UNKNOWN.");
	for (unsigned gap = 0; gap < UW_GAPS; gap++) {
		const struct uw_explanation *e;

		if (!(g->gaps & UW_GAP_BIT(gap)))
			continue;
		e = uw_explain_entry(UW_EXPLAIN_GAP, uw_gap_name(gap));
		uw_line_add(l, " %s: %s", uw_gap_name(gap), e ? e->text : "");
	}
	if (!g->gaps && g->first.dropped)
		uw_line_add(l, " One copy was dropped here, another got no answer.");
}

static void print_fault(const struct uw_text_out *o, const struct uw_group *g)
{
	const struct verdict_words *w = words_of(&g->first);
	struct uw_line l = {0};

	switch (g->first.fault) {
	case UW_FAULT_LOCAL:
		uw_line_add(&l, "%s", w->local[0] ? w->local : "ON THIS HOST.");
		break;
	case UW_FAULT_BEYOND:
		uw_line_add(&l, "%s", w->beyond[0] ? w->beyond : "BEYOND THIS HOST.");
		break;
	case UW_FAULT_UNKNOWN:
		add_unknown(&l, g);
		break;
	default:
		return;
	}
	if (g->first.misdirected) {
		char address[UW_ADDR_TEXT], from[UW_ADDR_TEXT + 16];

		uw_addr_text(&g->first.misdirected_from, g->first.key.family, address);
		if (g->first.misdirected_port)
			snprintf(from, sizeof(from), "%s port %u", address, g->first.misdirected_port);
		else
			snprintf(from, sizeof(from), "%s", address);
		uw_text_labelled(o, "came from", from);
	}
	if (g->first.caused_by)
		uw_text_labelled(o, "caused by", "the server's own query for the same question, which "
				 "went wrong as told beside this: its fault is this one's");
	uw_text_labelled(o, "fault", l.text);
}

void uw_text_problem(const struct uw_text_out *o, const struct uw_clock *clock,
		     const struct uw_group *g)
{
	print_title(o, g);
	print_question(o, g);
	uw_text_ways(o, clock, &g->first);
	print_last(o, clock, g);
	print_drop(o, &g->first);
	print_acquittal(o, g);
	print_counters(o, &g->first);
	print_fault(o, g);
}
