/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timeline of one query: how far the request came, how far the reply came, what came instead.
 * It says "ok" of a netfilter hook only if the packet is known to have got beyond it.
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

/*
 * The hooks that lie before @limit. In the role local both halves pass the way twice over, and a
 * stage that both have (route, xfrm) is taken for the first: rather one "ok" too few.
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
			uw_line_add(l, " → %s ok", hook);
	}
}

static void add_after(struct uw_line *l, const struct uw_query *q, uint64_t when_ns)
{
	if (!when_ns || !q->send_ns || when_ns < q->send_ns)
		return;
	uw_line_add(l, " after ");
	uw_line_duration(l, when_ns - q->send_ns);
}

static void add_device(struct uw_line *l, const char *ifname)
{
	uw_line_bytes(l, ifname, UW_IFNAME, 0);
}

static void add_hops(struct uw_line *l, const struct uw_query *q, enum uw_dir dir)
{
	unsigned hops = q->hops < UW_PATH_MAX ? q->hops : UW_PATH_MAX;
	bool any = false;

	for (unsigned i = 0; i < hops; i++) {
		if (q->path[i].dir != dir || !q->path[i].ifname[0])
			continue;
		uw_line_add(l, " → ");
		add_device(l, q->path[i].ifname);
		any = true;
	}
	if (!any)
		uw_line_add(l, " → a device");
}

static void print_at(const struct uw_text_out *o, const struct uw_clock *clock, uint64_t when_ns,
		     const char *text)
{
	struct uw_line lead = {0};

	uw_line_add(&lead, "  ");
	uw_line_time_of_day(&lead, uw_clock_wall(clock, when_ns));
	uw_line_add(&lead, "  ");
	uw_text_print(o, lead.text, UW_PLAIN, UW_LEAD, text);
}

static const struct uw_drop_fact *drop_of(const struct uw_query *q, enum uw_dir dir)
{
	return q->drop[dir].seen ? &q->drop[dir] : NULL;
}

/* @dir: of the half that is told. */
static void add_drop(struct uw_line *l, const struct uw_query *q, enum uw_dir dir)
{
	const struct uw_drop_fact *d = drop_of(q, dir);

	add_passed(l, q, dir, d->stage);
	uw_line_add(l, " → dropped at %s", uw_stage_name(d->stage));
	add_after(l, q, d->when_ns);
}

static void add_refused_send(struct uw_line *l, const struct uw_query *q)
{
	const char *name = uw_errno_name(q->send_errno);

	uw_line_add(l, "the kernel refused to send");
	if (name)
		uw_line_add(l, ": %s (%s)", name, strerror(q->send_errno));
	else if (q->send_errno)
		uw_line_add(l, ": error %d", q->send_errno);
	uw_line_add(l, "; no packet was made");
}

static bool request_left(const struct uw_query *q)
{
	return q->wire_out_ns && q->verdict != UW_REQUEST_DROPPED;
}

static void print_request(const struct uw_text_out *o, const struct uw_clock *clock,
			  const struct uw_query *q)
{
	bool sent_here = q->role == UW_ROLE_CLIENT || q->role == UW_ROLE_LOCAL;
	enum uw_stage last = q->stage_reached[UW_REQUEST];
	struct uw_line l = {0};

	if (!q->send_ns)
		return;
	if (q->verdict == UW_SEND_FAILED) {
		add_refused_send(&l, q);
		print_at(o, clock, q->send_ns, l.text);
		return;
	}
	uw_line_add(&l, "%s", sent_here ? "send" : "the request came in");
	if (request_left(q) && q->role != UW_ROLE_SERVER) {
		add_passed(&l, q, UW_REQUEST, UW_STAGE_WIRE_OUT);
		add_hops(&l, q, UW_REQUEST);
		uw_line_add(&l, ", taken by the driver");
		add_after(&l, q, q->wire_out_ns);
	} else if (drop_of(q, UW_REQUEST)) {
		add_drop(&l, q, UW_REQUEST);
	} else if (last) {
		add_passed(&l, q, UW_REQUEST, last);
		uw_line_add(&l, " → %s", uw_stage_name(last));
	}
	print_at(o, clock, q->send_ns, l.text);
}

static void print_reply(const struct uw_text_out *o, const struct uw_clock *clock,
			const struct uw_query *q)
{
	const struct uw_drop_fact *drop = drop_of(q, UW_REPLY);
	uint64_t when_ns = q->wire_in_ns ? q->wire_in_ns : drop ? drop->when_ns : q->answer.when_ns;
	unsigned hops = q->hops < UW_PATH_MAX ? q->hops : UW_PATH_MAX;
	struct uw_line l = {0};

	if (!when_ns)
		return;
	uw_line_add(&l, q->role == UW_ROLE_SERVER ? "the reply" : "the reply came in");
	for (unsigned i = 0; i < hops && q->role != UW_ROLE_SERVER; i++) {
		if (q->path[i].dir != UW_REPLY)
			continue;
		uw_line_add(&l, " by ");
		add_device(&l, q->path[i].ifname);
		break;
	}
	add_after(&l, q, when_ns);
	if (drop) {
		add_drop(&l, q, UW_REPLY);
	} else if (q->stage_reached[UW_REPLY]) {
		add_passed(&l, q, UW_REPLY, q->stage_reached[UW_REPLY]);
		uw_line_add(&l, " → %s", uw_stage_name(q->stage_reached[UW_REPLY]));
	}
	print_at(o, clock, when_ns, l.text);
}

/* What ICMP says (RFC 792, RFC 1812, RFC 4443), as far as one meets it. */
/* clang-format off */
static const struct {
	uint8_t family, type, code;
	const char *text;
} icmp_texts[] = {
	{ 4, 3, 0, "network unreachable" },
	{ 4, 3, 1, "host unreachable" },
	{ 4, 3, 2, "protocol unreachable" },
	{ 4, 3, 3, "port unreachable" },
	{ 4, 3, 4, "fragmentation needed" },
	{ 4, 3, 9, "network administratively prohibited" },
	{ 4, 3, 10, "host administratively prohibited" },
	{ 4, 3, 13, "administratively prohibited" },
	{ 4, 11, 0, "time to live exceeded" },
	{ 4, 11, 1, "fragments missing" },
	{ 6, 1, 0, "no route" },
	{ 6, 1, 1, "administratively prohibited" },
	{ 6, 1, 3, "address unreachable" },
	{ 6, 1, 4, "port unreachable" },
	{ 6, 1, 5, "source address failed policy" },
	{ 6, 1, 6, "reject route" },
	{ 6, 2, 0, "packet too big" },
	{ 6, 3, 0, "hop limit exceeded" },
	{ 6, 3, 1, "fragments missing" },
};
/* clang-format on */

static const char *icmp_text(const struct uw_query *q)
{
	for (size_t i = 0; i < sizeof(icmp_texts) / sizeof(icmp_texts[0]); i++)
		if (icmp_texts[i].family == q->key.family && icmp_texts[i].type == q->icmp.type &&
		    icmp_texts[i].code == q->icmp.code)
			return icmp_texts[i].text;
	return "an error";
}

static void print_icmp(const struct uw_text_out *o, const struct uw_clock *clock,
		       const struct uw_query *q)
{
	char from[UW_ADDR_TEXT];
	struct uw_line l = {0};

	if (!q->icmp.seen)
		return;
	uw_line_add(&l, "ICMP%s %u/%u, %s, from %s", q->key.family == 6 ? "v6" : "", q->icmp.type,
		    q->icmp.code, icmp_text(q), uw_addr_text(&q->icmp.from, q->key.family, from));
	if (q->icmp.local)
		uw_line_add(&l, " (this host)");
	add_after(&l, q, q->icmp.when_ns);
	if (q->icmp.mtu)
		uw_line_add(&l, ", mtu %u", q->icmp.mtu);
	if (!q->icmp.verified)
		uw_line_add(&l, "; its quote is too short to show the transaction");
	print_at(o, clock, q->icmp.when_ns, l.text);
}

static void print_refusal(const struct uw_text_out *o, const struct uw_clock *clock,
			  const struct uw_query *q)
{
	struct uw_line l = {0};
	char kod[4];

	if (q->verdict != UW_REFUSED)
		return;
	uw_line_add(&l, "the server answered ");
	if (q->key.protocol == UW_PROTO_NTP) {
		memcpy(kod, &q->answer.refid, sizeof(kod));
		uw_line_bytes(&l, kod, sizeof(kod), 0);
		uw_line_add(&l, " (kiss-o'-death)");
	} else {
		uw_line_add(&l, "%s", uw_rcode_name(q->answer.flags));
	}
	add_after(&l, q, q->answer.when_ns);
	print_at(o, clock, q->answer.when_ns, l.text);
}

static void add_later(struct uw_line *l, const struct uw_query *q, uint64_t end_ns)
{
	uw_line_duration(l, end_ns > q->send_ns ? end_ns - q->send_ns : 0);
	uw_line_add(l, " later");
	if (!q->abandoned_ns || q->abandoned_ns > end_ns)
		return;
	uw_line_add(l, " (the socket was closed after ");
	uw_line_duration(l, q->abandoned_ns > q->send_ns ? q->abandoned_ns - q->send_ns : 0);
	uw_line_add(l, ")");
}

static bool is_held(const struct uw_query *q)
{
	return q->verdict == UW_REQUEST_HELD || q->verdict == UW_REPLY_HELD;
}

/*
 * The deadline, although the sweep that found it passed comes a little later; but what is held is
 * watched longer, and a run that ends early has judged early.
 */
static uint64_t end_of_wait(const struct uw_query *q)
{
	uint64_t deadline_ns = q->send_ns + q->timeout_ns;

	if (q->judged_ns && (is_held(q) || q->judged_ns < deadline_ns || !q->timeout_ns))
		return q->judged_ns;
	return deadline_ns;
}

/* The end that is no event: what did not happen by then. */
static void print_silence(const struct uw_text_out *o, const struct uw_clock *clock,
			  const struct uw_query *q)
{
	uint64_t end_ns = end_of_wait(q);
	char server[UW_ADDR_TEXT];
	struct uw_line l = {0};

	add_later(&l, q, end_ns);
	uw_addr_text(&q->key.server, q->key.family, server);
	switch (q->verdict) {
	case UW_NO_REPLY:
		uw_line_add(&l, ": nothing from %s to port %u on any device", server,
			    q->key.client_port);
		break;
	case UW_REQUEST_HELD:
	case UW_REPLY_HELD:
		uw_line_add(&l, ": still at %s, not freed%s%s", uw_stage_name(q->stage),
			    q->held_by ? ", held by " : "", q->held_by ? q->held_by : "");
		break;
	case UW_REPLY_UNREAD:
	case UW_REQUEST_UNREAD:
		uw_line_add(&l, ": still not read by the program");
		break;
	case UW_NOT_SERVED:
		uw_line_add(&l, ": the program has read it and sent no reply");
		break;
	default:
		return;
	}
	print_at(o, clock, end_ns, l.text);
}

void uw_text_ways(const struct uw_text_out *o, const struct uw_clock *clock,
		  const struct uw_query *q)
{
	print_request(o, clock, q);
	print_icmp(o, clock, q);
	if (q->verdict != UW_REFUSED)
		print_reply(o, clock, q);
	print_refusal(o, clock, q);
	print_silence(o, clock, q);
}
