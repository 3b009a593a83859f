/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timeline of one query: how far the request came, how far the reply came, what came instead, in
 * the order of time. It says "ok" of a netfilter hook only if the packet is known to have got
 * beyond it.
 */
#include <string.h>

#include "core/address.h"
#include "sink/text_parts.h"

/* clang-format off */
#define OUT_WAY \
	UW_STAGE_SEND, UW_STAGE_ROUTE, UW_STAGE_NF_OUTPUT, UW_STAGE_NF_POSTROUTING, \
	UW_STAGE_CGROUP_EGRESS, UW_STAGE_XFRM, UW_STAGE_NEIGHBOUR, UW_STAGE_NF_EGRESS, \
	UW_STAGE_TC_EGRESS, UW_STAGE_QDISC, UW_STAGE_DEVICE, UW_STAGE_WIRE_OUT
#define IN_WAY \
	UW_STAGE_WIRE_IN, UW_STAGE_XDP, UW_STAGE_BACKLOG, UW_STAGE_TC_INGRESS, \
	UW_STAGE_NF_INGRESS, UW_STAGE_BRIDGE, UW_STAGE_NF_PREROUTING, UW_STAGE_REASSEMBLY
#define TO_SOCKET \
	UW_STAGE_ROUTE, UW_STAGE_NF_INPUT, UW_STAGE_XFRM, UW_STAGE_UDP, \
	UW_STAGE_SOCKET_FILTER, UW_STAGE_SOCKET_QUEUE, UW_STAGE_READ
#define THROUGH \
	UW_STAGE_ROUTE, UW_STAGE_NF_FORWARD, UW_STAGE_XFRM, UW_STAGE_NF_POSTROUTING, \
	UW_STAGE_NEIGHBOUR, UW_STAGE_NF_EGRESS, UW_STAGE_TC_EGRESS, UW_STAGE_QDISC, \
	UW_STAGE_DEVICE, UW_STAGE_WIRE_OUT
/* clang-format on */

/* The stages in the order in which a packet meets them; 0 ends. */
static const uint8_t way_out[] = {OUT_WAY, 0};
static const uint8_t way_in[] = {IN_WAY, TO_SOCKET, 0};
static const uint8_t way_local[] = {OUT_WAY, IN_WAY, TO_SOCKET, 0};
static const uint8_t way_through[] = {IN_WAY, THROUGH, 0};

#define EVENTS 6

/* What happened to one query, to be told in the order of time. */
struct events {
	const struct uw_query *q;
	unsigned count;
	struct event {
		uint64_t when_ns;
		struct uw_line line;
	} event[EVENTS];
};

/* The line of one more event; events of one time keep the order in which they were added. */
static struct uw_line *event_at(struct events *e, uint64_t when_ns)
{
	unsigned at = e->count++;

	while (at && e->event[at - 1].when_ns > when_ns)
		at--;
	memmove(&e->event[at + 1], &e->event[at], (e->count - 1 - at) * sizeof(e->event[0]));
	e->event[at] = (struct event){.when_ns = when_ns};
	return &e->event[at].line;
}

static const uint8_t *way_of(const struct uw_query *q, enum uw_dir dir)
{
	switch (q->role) {
	case UW_ROLE_FORWARDER:
		return way_through;
	case UW_ROLE_LOCAL:
		return way_local;
	case UW_ROLE_SERVER:
		return dir == UW_REQUEST ? way_in : way_out;
	default:
		return dir == UW_REQUEST ? way_out : way_in;
	}
}

static const char *hook_of(enum uw_stage stage)
{
	switch (stage) {
	case UW_STAGE_NF_OUTPUT:
		return "output";
	case UW_STAGE_NF_POSTROUTING:
		return "postrouting";
	case UW_STAGE_NF_PREROUTING:
		return "prerouting";
	case UW_STAGE_NF_FORWARD:
		return "forward";
	case UW_STAGE_NF_INPUT:
		return "input";
	default:
		return NULL;
	}
}

static void add_device(struct uw_line *l, const char *ifname)
{
	uw_line_bytes(l, ifname, UW_IFNAME, 0);
}

/* The devices by which it went; in the role local it comes in again by the one it left by. */
static void add_hops(struct uw_line *l, const struct uw_query *q, enum uw_dir dir)
{
	unsigned hops = q->hops < UW_PATH_MAX ? q->hops : UW_PATH_MAX;
	const struct uw_hop *last = NULL;

	for (unsigned i = 0; i < hops; i++) {
		const struct uw_hop *h = &q->path[i];

		if (h->dir != dir || !h->ifname[0])
			continue;
		if (last && last->netns == h->netns && last->ifindex == h->ifindex &&
		    strncmp(last->ifname, h->ifname, UW_IFNAME) == 0)
			continue;
		/* By which it came was said already. */
		if (last || h->out || q->role != UW_ROLE_FORWARDER) {
			uw_line_add(l, " → ");
			add_device(l, h->ifname);
		}
		last = h;
	}
	if (!last)
		uw_line_add(l, " → a device");
}

/*
 * The hooks that lie before @limit, and the devices between. In the role local both halves pass the
 * way twice over, and a stage that both have (route, xfrm) is taken for the first: rather one "ok"
 * too few.
 */
static void add_passed(struct uw_line *l, const struct uw_query *q, enum uw_dir dir,
		       enum uw_stage limit)
{
	const uint8_t *way = way_of(q, dir);
	const char *hook;
	size_t end = 0;

	/* Without a UDP socket a packet may have gone straight to the device. */
	if (q->flags & UW_Q_RAW && dir == UW_REQUEST)
		return;
	while (way[end] && way[end] != limit)
		end++;
	if (!way[end])
		return;
	for (size_t i = 0; i < end; i++) {
		hook = hook_of(way[i]);
		if (hook)
			uw_line_add(l, " → %s" UW_NBSP "ok", hook);
		else if (way[i] == UW_STAGE_WIRE_OUT)
			add_hops(l, q, dir);
	}
}

static void add_after(struct uw_line *l, const struct uw_query *q, uint64_t when_ns)
{
	if (!when_ns || !q->send_ns || when_ns < q->send_ns)
		return;
	uw_line_add(l, " after" UW_NBSP);
	uw_line_duration(l, when_ns - q->send_ns);
}

static bool freed_by_close(const struct uw_query *q, const struct uw_drop_fact *d)
{
	return d->dir == UW_REPLY && d->stage == UW_STAGE_SOCKET_QUEUE && q->flags & UW_Q_UNREAD;
}

static void add_drop(struct uw_line *l, const struct uw_query *q, const struct uw_drop_fact *d)
{
	add_passed(l, q, d->dir, d->stage);
	if (q->verdict == UW_ANSWERED_LATE && d->stage == UW_STAGE_UDP) {
		uw_line_add(l, " → the program had closed its socket: nobody waited for it");
		return;
	}
	if (freed_by_close(q, d))
		uw_line_add(l, " → the program closed its socket without reading it,");
	else
		uw_line_add(l, " → dropped %s (%s)", uw_text_place(d->stage),
			    uw_stage_name(d->stage));
	add_after(l, q, d->when_ns);
}

static bool is_held(const struct uw_query *q)
{
	return q->verdict == UW_REQUEST_HELD || q->verdict == UW_REPLY_HELD;
}

/* The last point it was seen at, where nothing else says how its way ended. */
static void add_last(struct uw_line *l, const struct uw_query *q, enum uw_dir dir)
{
	enum uw_stage last = q->stage_reached[dir];

	if (!last)
		return;
	add_passed(l, q, dir, last);
	if (last != UW_STAGE_READ) {
		uw_line_add(l, " → %s", uw_text_reached(last));
	} else if (dir == UW_REPLY) {
		uw_line_add(l, " → read by the program");
		add_after(l, q, q->read_ns);
	} else {
		uw_line_add(l, " → read by the server");
		if (q->server_pid)
			uw_line_add(l, " (process" UW_NBSP "%u)", q->server_pid);
	}
}

static void add_refused_send(struct uw_line *l, const struct uw_query *q)
{
	const char *name = uw_errno_name(q->send_errno);

	uw_line_add(l, "the kernel refused to send%s", q->role == UW_ROLE_SERVER ? " the reply" : "");
	if (name)
		uw_line_add(l, ": %s (%s)", strerror(q->send_errno), name);
	else if (q->send_errno)
		uw_line_add(l, ": error %d", q->send_errno);
	uw_line_add(l, "; no packet was made");
}

static bool request_left(const struct uw_query *q)
{
	return q->wire_out_ns && q->verdict != UW_REQUEST_DROPPED && q->role != UW_ROLE_SERVER &&
	       q->role != UW_ROLE_LOCAL;
}

/* The device by which it came. */
static void add_way_in(struct uw_line *l, const struct uw_query *q, enum uw_dir dir)
{
	unsigned hops = q->hops < UW_PATH_MAX ? q->hops : UW_PATH_MAX;

	for (unsigned i = 0; i < hops; i++) {
		if (q->path[i].dir != dir || q->path[i].out || !q->path[i].ifname[0])
			continue;
		uw_line_add(l, " by ");
		add_device(l, q->path[i].ifname);
		return;
	}
}

static void tell_request(struct events *e)
{
	const struct uw_query *q = e->q;
	bool sent_here = q->role == UW_ROLE_CLIENT || q->role == UW_ROLE_LOCAL;
	struct uw_line *l;

	if (!q->send_ns)
		return;
	l = event_at(e, q->send_ns);
	if (q->verdict == UW_SEND_FAILED && sent_here) {
		add_refused_send(l, q);
		return;
	}
	if (q->captured) {
		uw_line_add(l, "the request was seen");
		return;
	}
	uw_line_add(l, "%s", sent_here ? "send" : "the request came in");
	if (!sent_here)
		add_way_in(l, q, UW_REQUEST);
	if (request_left(q)) {
		add_passed(l, q, UW_REQUEST, UW_STAGE_WIRE_OUT);
		add_hops(l, q, UW_REQUEST);
		/* Of several it may not be the first that left. */
		uw_line_add(l, ", %staken by the driver", q->attempts > 1 && q->dropped ? "a copy " : "");
		add_after(l, q, q->wire_out_ns);
	} else if (q->drop[UW_REQUEST].seen) {
		add_drop(l, q, &q->drop[UW_REQUEST]);
	} else {
		add_last(l, q, UW_REQUEST);
	}
}

static void tell_reply_packet(struct events *e)
{
	const struct uw_query *q = e->q;
	const struct uw_drop_fact *drop = q->drop[UW_REPLY].seen ? &q->drop[UW_REPLY] : NULL;
	uint64_t when_ns = q->wire_in_ns ? q->wire_in_ns : drop ? drop->when_ns : q->answer.when_ns;
	bool replied_here = q->role == UW_ROLE_SERVER || q->role == UW_ROLE_LOCAL;
	struct uw_line *l;

	if (!when_ns || q->verdict == UW_REFUSED)
		return;
	l = event_at(e, when_ns);
	if (q->captured) {
		uw_line_add(l, "the reply was seen");
		add_after(l, q, when_ns);
		return;
	}
	uw_line_add(l, replied_here ? "the server's reply" : "the reply came in");
	if (!replied_here) {
		add_way_in(l, q, UW_REPLY);
		add_after(l, q, when_ns);
	}
	if (drop)
		add_drop(l, q, drop);
	else
		add_last(l, q, UW_REPLY);
}

static void tell_reply(struct events *e)
{
	const struct uw_query *q = e->q;

	if (q->verdict == UW_SEND_FAILED && q->role == UW_ROLE_SERVER) {
		add_refused_send(event_at(e, q->server_read_ns ? q->server_read_ns : q->send_ns), q);
		return;
	}
	tell_reply_packet(e);
}

static void tell_icmp(struct events *e)
{
	const struct uw_query *q = e->q;
	char from[UW_ADDR_TEXT];
	struct uw_line *l;

	if (!q->icmp.seen)
		return;
	l = event_at(e, q->icmp.when_ns);
	uw_line_add(l, "ICMP%s error \"%s\" (%u/%u) from %s", q->key.family == 6 ? "v6" : "",
		    uw_text_icmp(q->key.family, q->icmp.type, q->icmp.code), q->icmp.type,
		    q->icmp.code, uw_addr_text(&q->icmp.from, q->key.family, from));
	if (q->icmp.local)
		uw_line_add(l, " (this host)");
	add_after(l, q, q->icmp.when_ns);
	if (q->icmp.mtu)
		uw_line_add(l, "; at most %u bytes get through", q->icmp.mtu);
	if (!q->icmp.verified)
		uw_line_add(l, "; it quotes too little to show which query it means");
}

static void tell_refusal(struct events *e)
{
	const struct uw_query *q = e->q;
	const char *meaning;
	struct uw_line *l;
	char kod[4];

	if (q->verdict != UW_REFUSED)
		return;
	l = event_at(e, q->answer.when_ns);
	uw_line_add(l, "the server answered ");
	if (q->key.protocol == UW_PROTO_NTP) {
		memcpy(kod, &q->answer.refid, sizeof(kod));
		uw_line_bytes(l, kod, sizeof(kod), 0);
		meaning = uw_text_kiss(kod);
		uw_line_add(l, "%s%s (kiss-o'-death)", meaning ? ": " : "", meaning ? meaning : "");
	} else {
		uw_line_add(l, "%s", uw_rcode_name(q->answer.flags));
	}
	add_after(l, q, q->answer.when_ns);
}

/*
 * The deadline, although the sweep that found it passed comes a little later; but what is held is
 * watched longer, and a run that ends early has judged early.
 */
static uint64_t end_of_wait(const struct uw_query *q)
{
	uint64_t deadline_ns = q->send_ns + q->timeout_ns;

	if (q->verdict == UW_ANSWERED_LATE && q->abandoned_ns && q->abandoned_ns < deadline_ns)
		return q->abandoned_ns;
	if (q->judged_ns && (is_held(q) || q->judged_ns < deadline_ns || !q->timeout_ns))
		return q->judged_ns;
	return deadline_ns;
}

static void add_later(struct uw_line *l, const struct uw_query *q, uint64_t end_ns)
{
	uw_line_duration(l, end_ns > q->send_ns ? end_ns - q->send_ns : 0);
	uw_line_add(l, " later");
	if (!q->abandoned_ns || q->abandoned_ns > end_ns || q->verdict == UW_ANSWERED_LATE)
		return;
	uw_line_add(l, " (the socket was closed after" UW_NBSP);
	uw_line_duration(l, q->abandoned_ns > q->send_ns ? q->abandoned_ns - q->send_ns : 0);
	uw_line_add(l, ")");
}

/* What did not happen by the deadline; NULL if its passing says nothing. */
static const char *silence_of(const struct uw_query *q)
{
	switch (q->verdict) {
	case UW_SEND_FAILED:
		return q->role == UW_ROLE_SERVER ? "the server has sent no reply" : NULL;
	case UW_MISDIRECTED:
		if (q->role == UW_ROLE_SERVER)
			return "the server has sent no reply from the address that was asked";
		/* fall through */
	case UW_NO_REPLY:
		return q->gaps ? "nothing seen from" : "nothing from";
	case UW_ANSWERED_LATE:
		if (q->wire_in_ns && q->wire_in_ns < end_of_wait(q))
			return "the program had not read it yet";
		return q->abandoned_ns && q->abandoned_ns < q->send_ns + q->timeout_ns ?
			       "no reply yet, and the program gave up" :
			       "no reply yet, and the time is over";
	case UW_REPLY_UNREAD:
		return q->flags & UW_Q_UNREAD ? NULL : "the program has still not read it";
	case UW_REQUEST_UNREAD:
		return "the server has still not read it";
	case UW_NOT_SERVED:
		return "the server has still not replied";
	case UW_REQUEST_HELD:
	case UW_REPLY_HELD:
		return "still";
	default:
		return NULL;
	}
}

static void add_hold(struct uw_line *l, const struct uw_query *q)
{
	uw_line_add(l, " %s (%s)", uw_text_place(q->stage), uw_stage_name(q->stage));
	if (q->held_by && strcmp(q->held_by, "nfqueue") == 0)
		uw_line_add(l, ", held by a program behind NFQUEUE");
	else if (q->held_by)
		uw_line_add(l, ", held by %s", q->held_by);
}

/* The end that is no event. */
static void tell_silence(struct events *e)
{
	const struct uw_query *q = e->q;
	const char *silence = silence_of(q);
	uint64_t end_ns = end_of_wait(q);
	char server[UW_ADDR_TEXT];
	struct uw_line *l;

	/* A close that was not seen itself is told with the reply that found it. */
	if (!silence || (q->verdict == UW_ANSWERED_LATE && end_ns == q->wire_in_ns))
		return;
	l = event_at(e, end_ns);
	add_later(l, q, end_ns);
	uw_line_add(l, ": %s", silence);
	if (is_held(q))
		add_hold(l, q);
	else if (q->verdict == UW_NO_REPLY || (q->verdict == UW_MISDIRECTED && q->role != UW_ROLE_SERVER))
		uw_line_add(l, " %s to port" UW_NBSP "%u %s",
			    uw_addr_text(&q->key.server, q->key.family, server),
			    q->key.client_port, q->captured ? "in the capture" : "on any device");
}

void uw_text_ways(const struct uw_text_out *o, const struct uw_clock *clock,
		  const struct uw_query *q)
{
	struct events e = {.q = q};

	tell_request(&e);
	tell_silence(&e);
	tell_icmp(&e);
	tell_reply(&e);
	tell_refusal(&e);
	for (unsigned i = 0; i < e.count; i++) {
		struct uw_line lead = {0};

		uw_line_add(&lead, "  ");
		uw_line_time_of_day(&lead, uw_clock_wall(clock, e.event[i].when_ns));
		uw_line_add(&lead, "  ");
		uw_text_print(o, lead.text, UW_PLAIN, UW_LEAD, e.event[i].line.text);
	}
}
