/* SPDX-License-Identifier: GPL-2.0-only */
/* One problem in one paragraph: who asked whom, what happened, what was ruled out, whose fault. */
#include <string.h>

#include "core/address.h"
#include "core/explain.h"
#include "core/text_safe.h"
#include "sink/text_parts.h"

/* ---- words that other parts use too ---- */

static void add_holders(struct uw_line *l, const struct uw_query *q)
{
	uw_line_add(l, "one of ");
	for (unsigned i = 0; i < q->holders && i < UW_HOLDERS; i++) {
		uw_line_add(l, "%s", i ? ", " : "");
		uw_line_bytes(l, q->holder[i].executable, sizeof(q->holder[i].executable),
			      UW_NAME_COLUMNS);
		uw_line_add(l, "[%u]", q->holder[i].pid);
	}
	uw_line_add(l, "%s", q->more_holders ? " and more" : "");
}

void uw_text_asker(struct uw_line *l, const struct uw_query *q, bool more_pids)
{
	bool known = !(q->flags & UW_Q_NO_OWNER);
	char client[UW_ADDR_TEXT];

	if (!known && q->holders) {
		add_holders(l, q);
		return;
	}
	if (q->captured)
		uw_line_add(l, "%s", uw_addr_text(&q->key.client, q->key.family, client));
	else if (known && q->executable[0])
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

void uw_text_belongs(struct uw_line *l, uint32_t uid, const char *user, const char *cgroup,
		     const char *netns_name)
{
	char unit[UW_UNIT_MAX];

	if (uid) {
		uw_line_add(l, " · user" UW_NBSP);
		if (user[0])
			uw_line_bytes(l, user, strlen(user), UW_NAME_COLUMNS);
		else
			uw_line_add(l, "%u", uid);
	}
	if (uw_cgroup_unit(cgroup, unit)[0]) {
		uw_line_add(l, " · ");
		uw_line_bytes(l, unit, sizeof(unit), 0);
	}
	if (netns_name[0]) {
		uw_line_add(l, " · in namespace" UW_NBSP);
		uw_line_bytes(l, netns_name, strlen(netns_name), 0);
	}
}

/* ---- the lines of the paragraph ---- */

static void add_client(struct uw_line *l, const struct uw_group *g)
{
	const struct uw_query_key *k = &g->first.key;
	char buf[UW_ENDPOINT_TEXT];

	if (g->clients > 1)
		uw_line_add(l, "%s%u clients, the first ",
			    g->clients > UW_GROUP_CLIENTS ? "more than " : "",
			    g->clients > UW_GROUP_CLIENTS ? UW_GROUP_CLIENTS : g->clients);
	uw_line_add(l, "%s%s", uw_endpoint_text(&k->client, k->family, k->client_port, buf),
		    g->clients == 1 && g->more_ports ? " and others" : "");
}

static void add_ends(struct uw_line *l, const struct uw_group *g)
{
	const struct uw_query *q = &g->first;

	if (q->role == UW_ROLE_SERVER || q->role == UW_ROLE_FORWARDER)
		add_client(l, g);
	else
		uw_text_asker(l, q, g->more_pids);
	uw_line_add(l, " →" UW_NBSP);
	uw_text_server(l, &q->key);
	if (q->role == UW_ROLE_SERVER || q->role == UW_ROLE_LOCAL)
		uw_line_add(l, " here");
	if (q->role == UW_ROLE_FORWARDER)
		uw_line_add(l, ", passing through");
	else if (q->role != UW_ROLE_SERVER && q->key.client_port)
		uw_line_add(l, ", from port" UW_NBSP "%u%s", q->key.client_port,
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

/* The server is on this host: what does not reach it has not failed to leave. */
static bool ends_here(const struct uw_query *q)
{
	return q->role == UW_ROLE_LOCAL || q->role == UW_ROLE_SERVER;
}

static bool is_request_lost_here(const struct uw_query *q)
{
	return q->verdict == UW_REQUEST_DROPPED || q->verdict == UW_REQUEST_HELD;
}

static void print_title(const struct uw_text_out *o, const struct uw_group *g)
{
	const struct uw_words *w = uw_text_words(g->first.verdict);
	bool here = ends_here(&g->first) && is_request_lost_here(&g->first);
	struct uw_line l = {0};

	uw_line_add(&l, "   ");
	add_ends(&l, g);
	uw_line_add(&l, ": %u" UW_NBSP "%s", g->count, w->tried);
	if (g->packets > g->count)
		uw_line_add(&l, " (%llu" UW_NBSP "packets)", (unsigned long long)g->packets);
	uw_line_add(&l, ", %u" UW_NBSP "%s", w->all_done ? g->count : 0,
		    here ? "reached the server" : w->done);
	if (g->first.verdict == UW_ANSWERED && g->first.key.protocol == UW_PROTO_DNS)
		uw_line_add(&l, " %s", uw_rcode_name(g->first.answer.flags));
	uw_text_print(o, w->title, fault_colour(g->first.fault), 4, l.text);
}

static void print_belongs(const struct uw_text_out *o, const struct uw_query *q)
{
	struct uw_line l = {0};

	if (q->role == UW_ROLE_FORWARDER || (q->role == UW_ROLE_SERVER && !q->holders && q->flags & UW_Q_NO_OWNER))
		return;
	if (q->role == UW_ROLE_SERVER) {
		uw_line_add(&l, " · ");
		uw_text_asker(&l, q, false);
	}
	uw_text_belongs(&l, q->flags & UW_Q_NO_OWNER ? 0 : q->task.uid, q->user, q->cgroup,
			q->netns_name);
	if (l.len)
		uw_text_labelled(o, q->role == UW_ROLE_SERVER ? "server" : "asker", l.text + strlen(" · "));
}

static void print_question(const struct uw_text_out *o, const struct uw_group *g)
{
	struct uw_line l = {0};

	if (!uw_text_question(&l, &g->first))
		return;
	uw_line_add(&l, "%s", g->more_questions ? ", and other questions" : "");
	uw_text_labelled(o, "question", l.text);
}

static void print_nat(const struct uw_text_out *o, const struct uw_query *q)
{
	const struct uw_nat *n = &q->nat;
	char client[UW_ENDPOINT_TEXT], server[UW_ENDPOINT_TEXT];
	struct uw_line l = {0};

	if (!n->seen)
		return;
	uw_line_add(&l, "%s →" UW_NBSP "%s, translated by this host (NAT)",
		    uw_endpoint_text(&n->client, q->key.family, n->client_port, client),
		    uw_endpoint_text(&n->server, q->key.family, n->server_port, server));
	uw_text_labelled(o, "on the wire", l.text);
	if (q->nat_expired)
		uw_text_labelled(o, "too late", "connection tracking had forgotten the translation when the reply came");
}

static void print_last(const struct uw_text_out *o, const struct uw_clock *clock,
		       const struct uw_group *g)
{
	struct uw_line l = {0};

	if (g->count < 2 || g->last_ns <= g->first.send_ns)
		return;
	uw_line_add(&l, "%u more like it, %sat" UW_NBSP, g->count - 1, g->count > 2 ? "the last one " : "");
	uw_line_time_of_day(&l, uw_clock_wall(clock, g->last_ns));
	uw_line_add(&l, ", ");
	uw_line_duration(&l, g->last_ns - g->first.send_ns);
	uw_line_add(&l, " after the first");
	uw_text_labelled(o, "again", l.text);
}

/* What became of the copies, where they fared differently. */
static void print_copies(const struct uw_text_out *o, const struct uw_group *g)
{
	struct uw_line l = {0};

	if (g->packets < 2 || !g->dropped || g->dropped == g->packets)
		return;
	uw_line_add(&l, "%llu sent · %llu left this host · %llu dropped here",
		    (unsigned long long)g->packets, (unsigned long long)g->on_wire,
		    (unsigned long long)g->dropped);
	uw_text_labelled(o, "packets", l.text);
}

static void print_came_from(const struct uw_text_out *o, const struct uw_query *q)
{
	char from[UW_ADDR_TEXT];
	struct uw_line l = {0};

	if (!q->misdirected)
		return;
	uw_line_add(&l, "%s", uw_addr_text(&q->misdirected_from, q->key.family, from));
	if (q->misdirected_port)
		uw_line_add(&l, " port" UW_NBSP "%u", q->misdirected_port);
	uw_text_labelled(o, "reply from", l.text);
}

/* The answer did not fit into its datagram; what the program did then (RFC 7766). */
static void print_tcp(const struct uw_text_out *o, const struct uw_query *q)
{
	static const char *const became[UW_TCPS] = {
		[UW_TCP_PENDING] = "has no answer yet",
		[UW_TCP_CONNECTED] = "was accepted",
		[UW_TCP_REFUSED] = "was refused",
		[UW_TCP_UNREACHABLE] = "was turned away on its way",
		[UW_TCP_TIMED_OUT] = "got no answer at all",
		[UW_TCP_ABANDONED] = "was given up by the program",
	};
	struct uw_line l = {0};

	if (q->tcp_retry == UW_TCP_NONE || q->tcp_retry >= UW_TCPS)
		return;
	uw_line_add(&l, "the answer was cut short (TC), so the program asked again over TCP port "
		    "%u: that connection %s", q->key.server_port, became[q->tcp_retry]);
	uw_text_labelled(o, "over TCP", l.text);
}

/* Where to look, where no drop says it: what holds a packet, what refuses to send. */
static void print_look_at(const struct uw_text_out *o, const struct uw_query *q)
{
	const struct uw_explanation *e = uw_explain_entry(UW_EXPLAIN_STAGE, uw_stage_name(q->stage));
	const char *hint = NULL;
	struct uw_line l = {0};

	if (q->verdict == UW_SEND_FAILED)
		hint = uw_text_errno_hint(q->send_errno);
	else if (q->verdict != UW_REQUEST_HELD && q->verdict != UW_REPLY_HELD)
		return;
	else if (strncmp(uw_stage_name(q->stage), "nf_", 3) == 0)
		hint = q->held_by ? "cat /proc/net/netfilter/nfnetlink_queue: the second column is the "
				    "netlink port, mostly the process id, of the program that does not decide" :
				    "cat /proc/net/netfilter/nfnetlink_queue: what waits in a hook mostly "
				    "waits for a program that is to judge it (NFQUEUE)";
	else if (e)
		hint = e->advice;
	if (!hint)
		return;
	uw_text_advice(&l, q, NULL, hint);
	uw_text_labelled(o, "look at", l.text);
}

/* Every silence says what was ruled out, with numbers; what was not, is told with the fault. */
static void print_acquittal(const struct uw_text_out *o, const struct uw_group *g)
{
	struct uw_line l = {0};

	if (g->first.verdict != UW_NO_REPLY || g->first.captured)
		return;
	uw_line_add(&l, "drops" UW_NBSP "%llu" UW_NBSP "of" UW_NBSP "%llu"
		    " · ICMP" UW_NBSP "errors" UW_NBSP "%llu · ",
		    (unsigned long long)g->drops_here,
		    (unsigned long long)(g->packets > g->count ? g->packets : g->count),
		    (unsigned long long)g->icmp_errors);
	if (g->looked)
		uw_line_add(&l, "NIC" UW_NBSP "drops" UW_NBSP "+%llu, "
			    "tx" UW_NBSP "errors" UW_NBSP "+%llu · %s",
			    (unsigned long long)g->nic_drops, (unsigned long long)g->tx_errors,
			    g->xdp ? "XDP" UW_NBSP "on" UW_NBSP "a" UW_NBSP "device" :
				     "no" UW_NBSP "XDP");
	else
		uw_line_add(&l, "NIC" UW_NBSP "counters" UW_NBSP "not" UW_NBSP "read");
	if (g->first.acquittal.link_down)
		uw_line_add(&l, " · the" UW_NBSP "link" UW_NBSP "was" UW_NBSP "down" UW_NBSP "meanwhile");
	if (g->first.acquittal.carried)
		uw_line_add(&l, " · tunnel: the" UW_NBSP "outer" UW_NBSP "packet" UW_NBSP "left, others came in, none" UW_NBSP "of" UW_NBSP "them" UW_NBSP "was" UW_NBSP "lost");
	uw_line_add(&l, " · tracer" UW_NBSP "losses" UW_NBSP "%llu"
		    "   =>" UW_NBSP "evidence" UW_NBSP "%s", (unsigned long long)g->tracer_losses,
		    g->gaps ? "incomplete" : "complete");
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
			uw_line_add(&l, UW_NBSP);
		}
		uw_line_bytes(&l, c->name, sizeof(c->name), 0);
		uw_line_add(&l, UW_NBSP "+%llu", (unsigned long long)c->rose);
	}
	if (l.len)
		uw_text_labelled(o, "counters rose", l.text);
}

/* What could not be seen, in words; and what to do to see it. */
static void print_unknown(const struct uw_text_out *o, const struct uw_group *g)
{
	struct uw_line l = {0};

	uw_line_add(&l, "UNKNOWN.");
	for (unsigned gap = 0; gap < UW_GAPS; gap++) {
		const struct uw_explanation *e;

		if (!(g->gaps & UW_GAP_BIT(gap)))
			continue;
		e = uw_explain_entry(UW_EXPLAIN_GAP, uw_gap_name(gap));
		uw_line_add(&l, " %s (%s)", e ? e->text : "", uw_gap_name(gap));
	}
	if (!g->gaps && g->dropped)
		uw_line_add(&l, " One copy was dropped here, another left this host and got no "
				"answer.");
	uw_text_labelled(o, "fault", l.text);
	for (unsigned gap = 0; gap < UW_GAPS; gap++) {
		const struct uw_explanation *e = uw_explain_entry(UW_EXPLAIN_GAP, uw_gap_name(gap));

		if (g->gaps & UW_GAP_BIT(gap) && e && e->advice)
			uw_text_labelled(o, "to be sure", e->advice);
	}
}

/* What came of the reply died or waits here for what did not come. */
static bool is_waiting_for_fragments(const struct uw_query *q)
{
	if (q->verdict != UW_REPLY_HELD && q->verdict != UW_REPLY_DROPPED)
		return false;
	return q->stage == UW_STAGE_REASSEMBLY && q->role != UW_ROLE_SERVER &&
	       (q->verdict == UW_REPLY_HELD ||
		(q->decisive_drop && strcmp(q->decisive_drop->reason, "FRAG_REASM_TIMEOUT") == 0));
}

static const char *local_fault(const struct uw_query *q)
{
	const struct uw_words *w = uw_text_words(q->verdict);

	if (q->caused_by)
		return "ON THIS HOST. The server here asked on, and that went wrong here.";
	if (ends_here(q) && q->verdict == UW_REQUEST_DROPPED)
		return "ON THIS HOST. The request was dropped on its way to the server here.";
	if (ends_here(q) && q->verdict == UW_REQUEST_HELD)
		return "ON THIS HOST. The request still waits on its way to the server here.";
	if (q->role == UW_ROLE_LOCAL && q->verdict == UW_ANSWERED_LATE)
		return "ON THIS HOST. The server here answered too late.";
	if (is_waiting_for_fragments(q))
		return q->verdict == UW_REPLY_HELD ?
			       "ON THIS HOST. The server did answer; a part of the reply waits here for the rest." :
			       "ON THIS HOST. The server did answer, but not all fragments of the reply came; those "
			       "that did were given up here.";
	return w->local[0] ? w->local : "ON THIS HOST.";
}

static const char *beyond_fault(const struct uw_query *q)
{
	const struct uw_words *w = uw_text_words(q->verdict);

	if (q->caused_by)
		return "BEYOND THIS HOST. The server here asked on, and got no good answer.";
	/* Where it was taken, and what a host dropped behind that point, the file does not say. */
	if (q->captured)
		return "BEYOND THE POINT OF CAPTURE. What a host does behind it does not show here.";
	/* A resend may have gone in fragments. */
	if (q->verdict == UW_NO_REPLY && q->icmp.mtu && q->attempts == 1)
		return "BEYOND THIS HOST. A router on the way says that the request is too large to pass.";
	if (q->verdict == UW_NO_REPLY && q->role == UW_ROLE_FORWARDER)
		return "BEYOND THIS HOST. From here alone: request or reply lost, cannot tell which.";
	return w->beyond[0] ? w->beyond : "BEYOND THIS HOST.";
}

static void print_fault(const struct uw_text_out *o, const struct uw_group *g)
{
	struct uw_line far = {0};

	if (g->first.caused_by)
		uw_text_labelled(o, "caused by",
				 "the server's own query for the same question, told before this");
	uw_text_far_seen(o, &g->first);
	if (uw_text_far_fault(&far, &g->first))
		uw_text_labelled(o, "fault", far.text);
	else if (g->first.fault == UW_FAULT_LOCAL)
		uw_text_labelled(o, "fault", local_fault(&g->first));
	else if (g->first.fault == UW_FAULT_BEYOND)
		uw_text_labelled(o, "fault", beyond_fault(&g->first));
	else if (g->first.fault == UW_FAULT_UNKNOWN)
		print_unknown(o, g);
}

/* Those who asked the asker, and got no good answer because of this. */
static void print_hit(const struct uw_text_out *o, const struct uw_hit *h)
{
	struct uw_line l = {0};

	uw_line_bytes(&l, h->asker, sizeof(h->asker), UW_NAME_COLUMNS);
	uw_line_add(&l, "[%u] → ", h->pid);
	uw_text_server(&l, &h->key);
	uw_line_add(&l, " here: %u" UW_NBSP "asked, ", h->count);
	if (h->verdict == UW_ANSWERED)
		uw_line_add(&l, "%u" UW_NBSP "answered %s", h->count, uw_rcode_name(h->answer_flags));
	else
		uw_line_add(&l, "0" UW_NBSP "answered");
	uw_text_labelled(o, "and so", l.text);
}

static void print_hits(const struct uw_text_out *o, const struct uw_group *g)
{
	for (unsigned i = 0; i < g->hits && i < UW_GROUP_HITS; i++)
		print_hit(o, &g->hit[i]);
	if (g->more_hits) {
		struct uw_line l = {0};

		uw_line_add(&l, "%llu more", (unsigned long long)g->more_hits);
		uw_text_labelled(o, "and so", l.text);
	}
}

void uw_text_problem(const struct uw_text_out *o, const struct uw_clock *clock,
		     const struct uw_group *g)
{
	print_title(o, g);
	print_belongs(o, &g->first);
	print_question(o, g);
	print_nat(o, &g->first);
	uw_text_ways(o, clock, &g->first);
	print_last(o, clock, g);
	print_copies(o, g);
	uw_text_drop(o, g);
	print_look_at(o, &g->first);
	print_came_from(o, &g->first);
	print_tcp(o, &g->first);
	print_acquittal(o, g);
	print_counters(o, &g->first);
	print_fault(o, g);
	print_hits(o, g);
}
