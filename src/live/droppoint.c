// SPDX-License-Identifier: GPL-2.0-only
#include "live/droppoint.h"

#include <string.h>

#include "live/ksym.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Netfilter: walk outwards from the location, the first of these says the hook. Innermost first
 * matters: on veth and lo the receiver's softirq runs on top of the sender's system call, so the
 * outer frames name hooks of another packet's way. NAPI lists come by ip_sublist_rcv.
 */
static const struct hook {
	const char *function, *name;
	enum uw_stage stage;
} hooks[] = {
	{ "__ip_local_out", "output", UW_STAGE_NF_OUTPUT },
	{ "__ip6_local_out", "output", UW_STAGE_NF_OUTPUT },
	/* IP_HDRINCL has its own call of the hook */
	{ "raw_sendmsg", "output", UW_STAGE_NF_OUTPUT },
	{ "raw_send_hdrinc", "output", UW_STAGE_NF_OUTPUT },
	{ "rawv6_sendmsg", "output", UW_STAGE_NF_OUTPUT },
	{ "rawv6_send_hdrinc", "output", UW_STAGE_NF_OUTPUT },
	{ "ip_output", "postrouting", UW_STAGE_NF_POSTROUTING },
	{ "ip6_output", "postrouting", UW_STAGE_NF_POSTROUTING },
	{ "ip_mc_output", "postrouting", UW_STAGE_NF_POSTROUTING },
	{ "ip_rcv", "prerouting", UW_STAGE_NF_PREROUTING },
	{ "ipv6_rcv", "prerouting", UW_STAGE_NF_PREROUTING },
	{ "ip_sublist_rcv", "prerouting", UW_STAGE_NF_PREROUTING },
	{ "ip6_sublist_rcv", "prerouting", UW_STAGE_NF_PREROUTING },
	{ "ip_list_rcv", "prerouting", UW_STAGE_NF_PREROUTING },	/* sublist inlined */
	{ "ipv6_list_rcv", "prerouting", UW_STAGE_NF_PREROUTING },
	{ "ip_local_deliver", "input", UW_STAGE_NF_INPUT },
	{ "ip6_input", "input", UW_STAGE_NF_INPUT },
	{ "ip_forward", "forward", UW_STAGE_NF_FORWARD },
	{ "ip6_forward", "forward", UW_STAGE_NF_FORWARD },
	{ "__netif_receive_skb_core", "ingress", UW_STAGE_NF_INGRESS },
	{ "__dev_queue_xmit", "egress", UW_STAGE_NF_EGRESS },
	{ "br_handle_frame", "bridge prerouting", UW_STAGE_BRIDGE },
	{ "__br_forward", "bridge forward", UW_STAGE_BRIDGE },
	{ "br_forward_finish", "bridge postrouting", UW_STAGE_BRIDGE },
	{ "br_pass_frame_up", "bridge input", UW_STAGE_BRIDGE },
};

/*
 * Everything else: the first row that fits wins. A NULL fits all; a '*' at the end fits the rest;
 * "via" is any frame outside of the place, to where the packet came in by a device. UW_STAGE_NONE stands for
 * the mark.
 */
#define ANY NULL
#define NO_DROP(reason, place) { reason, place, NULL, UW_STAGE_NONE, UW_DROP_NOT, false }
#define FLOODED(reason, place) { reason, place, NULL, UW_STAGE_NONE, UW_DROP_NOT, true }
#define UNREAD(stage, place) { ANY, place, NULL, UW_STAGE_##stage, UW_DROP_UNREAD, false }
#define DRIVER(stage, place) { ANY, place, NULL, UW_STAGE_##stage, UW_DROP_DRIVER, false }
#define AT(stage, reason, place) { reason, place, NULL, UW_STAGE_##stage, UW_DROP, false }
#define VIA(stage, reason, place, frame) { reason, place, frame, UW_STAGE_##stage, UW_DROP, false }

static const struct place {
	const char *reason, *place, *via;
	enum uw_stage stage;
	enum uw_drop_class class;
	bool flooded;		/* only packets that are */
} places[] = {
	/* copies, and packets that are not ours */
	NO_DROP("CONSUMED", ANY),
	NO_DROP("OTHERHOST", ANY),
	NO_DROP("PACKET_SOCK_ERROR", ANY),
	NO_DROP("DUP_FRAG", ANY),
	NO_DROP(ANY, "packet_rcv*"),
	NO_DROP(ANY, "tpacket_rcv"),
	NO_DROP(ANY, "raw_rcv*"),
	NO_DROP(ANY, "raw_v4_input"),
	NO_DROP(ANY, "raw_local_deliver"),
	NO_DROP(ANY, "rawv6_rcv*"),
	NO_DROP(ANY, "raw6_local_deliver"),
	/* a part of a packet whose own end is reported by itself; 6.1 at every fragmented read */
	NO_DROP(ANY, "skb_release_data"),
	NO_DROP(ANY, "icmp_rcv"),
	NO_DROP(ANY, "icmpv6_rcv"),
	NO_DROP(ANY, "ip_recv_error"),
	NO_DROP(ANY, "ipv6_recv_error"),
	NO_DROP(ANY, "inet_sock_destruct"),
	/* IP always has a handler: this is the copy of a device that only listens (bond backup) */
	NO_DROP("UNHANDLED_PROTO", "__netif_receive_skb_*"),
	FLOODED("NOT_SPECIFIED", "ip_rcv_finish_core"),
	FLOODED("NOT_SPECIFIED", "ip_forward"),
	NO_DROP("NOT_SPECIFIED", "ip6_mc_input"),
	NO_DROP(ANY, "__udp4_lib_mcast_deliver"),
	NO_DROP(ANY, "__udp6_lib_mcast_deliver"),
	FLOODED("NOT_SPECIFIED", "__udp4_lib_rcv"),
	FLOODED("NOT_SPECIFIED", "__udp6_lib_rcv"),
	FLOODED("NOT_SPECIFIED", "udp_rcv"),
	FLOODED("NOT_SPECIFIED", "udpv6_rcv"),
	FLOODED("NOT_SPECIFIED", "br_*"),

	/* the socket: closed with data queued; checked at the read */
	UNREAD(SOCKET_QUEUE, "udp_destruct*"),
	UNREAD(SOCKET_QUEUE, "udpv6_destruct*"),
	AT(READ, ANY, "udp_recvmsg"),
	AT(READ, ANY, "udpv6_recvmsg"),
	AT(READ, ANY, "udp_read_skb"),
	AT(READ, ANY, "first_packet_length"),
	AT(READ, ANY, "__first_packet_length"),
	AT(READ, ANY, "__skb_recv_udp"),

	/* a device that says no while the packet is still ours (before the reasons: tun filters) */
	AT(DEVICE, ANY, "__dev_forward_skb*"),
	AT(DEVICE, ANY, "dev_forward_skb"),
	AT(DEVICE, ANY, "veth_xmit"),
	AT(DEVICE, ANY, "tun_net_xmit"),
	AT(DEVICE, ANY, "validate_xmit_*"),

	/* reasons that say the place whatever the function */
	AT(CGROUP_EGRESS, "BPF_CGROUP_EGRESS", ANY),
	AT(TC_EGRESS, "TC_EGRESS", ANY),
	AT(TC_INGRESS, "TC_INGRESS", ANY),
	AT(TC_EGRESS, "TC_*", "__dev_queue_xmit"),
	AT(TC_INGRESS, "TC_*", "__netif_receive_skb_core"),
	AT(QDISC, "QDISC_*", ANY),
	AT(QDISC, "FQ_*", ANY),
	AT(QDISC, "CAKE_*", ANY),
	AT(QDISC, "DUALPI2_*", ANY),
	AT(NEIGHBOUR, "NEIGH_*", ANY),
	AT(XFRM, "XFRM_*", ANY),
	AT(XDP, "XDP", ANY),
	AT(BACKLOG, "CPU_BACKLOG", ANY),
	AT(REASSEMBLY, "FRAG_*", ANY),
	AT(BRIDGE, "BRIDGE_*", ANY),
	AT(ROUTE, "IP_RPFILTER", ANY),
	AT(ROUTE, "IP_LOCALNET", ANY),
	AT(ROUTE, "IP_LOCAL_SOURCE", ANY),
	AT(ROUTE, "IP_INVALID_*", ANY),
	AT(ROUTE, "IP_INADDRERRORS", ANY),
	AT(ROUTE, "IP_INNOROUTES", ANY),
	AT(ROUTE, "IP_OUTNOROUTES", ANY),
	AT(SOCKET_FILTER, "SOCKET_FILTER", ANY),
	AT(SOCKET_FILTER, "SECURITY_HOOK", "udp_queue_rcv_*"),
	AT(SOCKET_FILTER, "SECURITY_HOOK", "udpv6_queue_rcv_*"),
	AT(SOCKET_QUEUE, "SOCKET_RCVBUFF", ANY),
	AT(SOCKET_QUEUE, "PROTO_MEM", ANY),
	AT(SOCKET_QUEUE, "SOCKET_BACKLOG", ANY),
	AT(UDP, "NO_SOCKET", ANY),
	AT(UDP, "UDP_CSUM", ANY),

	/* out */
	AT(SEND, ANY, "udp_send_skb*"),
	AT(SEND, ANY, "udp_v6_send_skb*"),
	/* local v4 blackholes fail the lookup and make no packet: this waits for an SA */
	VIA(XFRM, ANY, "dst_discard_out", "ip_send_skb"),
	VIA(XFRM, ANY, "dst_discard_out", "ip6_send_skb"),
	AT(ROUTE, ANY, "dst_discard*"),
	AT(NEIGHBOUR, ANY, "ip_finish_output2"),
	AT(NEIGHBOUR, ANY, "ip6_finish_output2"),
	AT(NEIGHBOUR, ANY, "neigh_*"),
	AT(NEIGHBOUR, ANY, "__neigh_*"),
	AT(NEIGHBOUR, ANY, "arp_error_report"),
	AT(NEIGHBOUR, ANY, "ndisc_error_report"),
	AT(XFRM, ANY, "xfrm*"),
	AT(XFRM, ANY, "xdst_queue_output"),
	/* queued packets of a device that goes down or loses its qdisc */
	AT(QDISC, ANY, "__rtnl_unlock"),
	AT(QDISC, ANY, "rtnl_kfree_skbs"),
	AT(QDISC, ANY, "qdisc_*"),
	AT(QDISC, ANY, "__qdisc_*"),
	AT(QDISC, ANY, "pfifo_fast_*"),
	AT(QDISC, ANY, "dev_deactivate*"),
	AT(DEVICE, ANY, "sch_direct_xmit"),
	AT(DEVICE, ANY, "__dev_queue_xmit"),	/* down, recursion */
	AT(DEVICE, ANY, "__dev_direct_xmit"),
	/* dev_kfree_skb_irq() of a driver's completion, freed later */
	DRIVER(DEVICE, "net_tx_action"),

	/* in */
	AT(XDP, ANY, "do_xdp_generic"),
	AT(XDP, ANY, "bpf_prog_run_generic_xdp"),
	AT(XDP, ANY, "netif_receive_generic_xdp"),
	AT(XDP, ANY, "veth_xdp_rcv*"),
	AT(BACKLOG, ANY, "enqueue_to_backlog"),
	AT(BACKLOG, ANY, "netif_rx*"),
	AT(BACKLOG, ANY, "flush_backlog"),
	AT(BRIDGE, ANY, "br_*"),
	AT(BRIDGE, ANY, "__br_*"),
	/* the IP header is checked before any hook: it never got further than in */
	AT(WIRE_IN, ANY, "ip_rcv_core"),
	AT(WIRE_IN, ANY, "ip6_rcv_core"),
	AT(REASSEMBLY, ANY, "ip_expire"),
	AT(REASSEMBLY, ANY, "ip6_frag_*"),
	AT(REASSEMBLY, ANY, "ip6frag_*"),
	AT(REASSEMBLY, ANY, "nf_ct_frag6_*"),
	AT(REASSEMBLY, ANY, "ip_frag_*"),
	AT(REASSEMBLY, ANY, "ip_defrag"),
	AT(REASSEMBLY, ANY, "ipv6_frag_rcv"),
	AT(REASSEMBLY, ANY, "inet_frag_*"),
	AT(ROUTE, ANY, "ip_rcv_finish_core"),
	AT(ROUTE, ANY, "ip_error"),
	AT(ROUTE, ANY, "ip6_pkt_*"),
	AT(ROUTE, ANY, "ip_forward"),	/* TTL, MTU */
	AT(ROUTE, ANY, "ip6_forward"),
	AT(UDP, ANY, "__udp4_lib_rcv"),
	AT(UDP, ANY, "__udp6_lib_rcv"),
	AT(UDP, ANY, "udp_rcv"),
	AT(UDP, ANY, "udpv6_rcv"),
	AT(UDP, ANY, "udp_queue_rcv_*"),
	AT(UDP, ANY, "udpv6_queue_rcv_*"),
	AT(UDP, ANY, "ip_protocol_deliver_rcu"),
	AT(UDP, ANY, "ip6_protocol_deliver_rcu"),
};

/* Frames of the tracer itself, and the wrappers of kfree_skb that the location does not count. */
static const char *const tracing[] = {
	"bpf_prog_*", "bpf_trampoline_*", "bpf_dispatcher_*", "bpf_trace_run*", "bpf_get_stack*",
	"__bpf_get_stack*", "__bpf_trace_*", "__traceiter_*", "__probestub_*", "trace_kfree_skb",
	"kfree_skb", "__kfree_skb", "kfree_skb_reason", "__kfree_skb_reason", "sk_skb_reason_drop",
	"__sk_skb_reason_drop",
};

/*
 * Helpers that free for others and may be the location (a list on 6.1 and 7.3, a purged queue):
 * the place is the function that called them.
 */
static const char *const helpers[] = {
	"kfree_skb_list_reason", "__tcf_kfree_skb_list", "tcf_kfree_skb_list",
	"skb_queue_purge*", "__skb_queue_purge*", "skb_rbtree_purge",
	"dev_kfree_skb_any_reason", "__dev_kfree_skb_any",
};

/* Where softirq work begins: what lies outside belongs to another packet, or to none. */
static const char *const softirq[] = {
	"__do_softirq", "handle_softirqs", "do_softirq", "net_rx_action", "__napi_poll",
	"process_backlog", "net_tx_action", "irq_exit_rcu", "__irq_exit_rcu",
};

static bool fits(const char *name, const char *pattern)
{
	size_t length;

	if (!name)
		return false;
	length = strlen(pattern);
	if (pattern[length - 1] == '*')
		return strncmp(name, pattern, length - 1) == 0;
	return uw_ksym_is(name, pattern);
}

static bool fits_any(const char *name, const char *const *pattern, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (fits(name, pattern[i]))
			return true;
	}
	return false;
}

unsigned uw_drop_skip(const char *location, const char *const *frame, unsigned frames)
{
	unsigned i;

	for (i = 0; i < frames; i++) {
		if (location && frame[i] && strcmp(frame[i], location) == 0)
			return i;
		/* A program loaded after the symbols were read has no name yet. */
		if (!frame[i] && location)
			continue;
		if (!fits_any(frame[i], tracing, COUNT(tracing)))
			return i;
	}
	return frames;
}

/* The frames as they count here: a tail call may have hidden the location from the stack. */
struct walk {
	const char *place;
	const char *const *frame;	/* outside of the place */
	unsigned frames;
};

static struct walk walk_from(const struct uw_drop_names *in)
{
	struct walk w = { in->location, in->frame, in->frames };

	if (w.frames && (!w.place || (w.frame[0] && strcmp(w.frame[0], w.place) == 0))) {
		w.place = w.frame[0];
		w.frame++;
		w.frames--;
	}
	while (w.frames && fits_any(w.place, helpers, COUNT(helpers))) {
		w.place = *w.frame++;
		w.frames--;
	}
	return w;
}

/* br_dev_xmit() sends for the bridge itself and has its own hook in __br_forward(). */
static const char *bridge_hook(const struct hook *h, const struct walk *w, unsigned at)
{
	if (!fits("__br_forward", h->function))
		return h->name;
	for (unsigned i = at + 1; i < w->frames && i < at + 4; i++) {
		if (fits(w->frame[i], "br_dev_xmit"))
			return "bridge output";
	}
	return h->name;
}

static const struct hook *find_hook(const char *function)
{
	for (size_t i = 0; i < COUNT(hooks); i++) {
		if (fits(function, hooks[i].function))
			return &hooks[i];
	}
	return NULL;
}

/* The name of the hook that a mark stands for; empty for a mark that is none. */
static const char *hook_of_mark(enum uw_stage mark)
{
	for (size_t i = 0; i < COUNT(hooks); i++) {
		if (hooks[i].stage == mark && mark != UW_STAGE_BRIDGE)
			return hooks[i].name;
	}
	return "";
}

static void find_netfilter(const struct uw_drop_names *in, const struct walk *w,
			   struct uw_drop_point *out)
{
	for (unsigned i = 0; i < w->frames; i++) {
		const struct hook *h = find_hook(w->frame[i]);

		if (h) {
			out->stage = h->stage;
			out->hook = bridge_hook(h, w, i);
			return;
		}
		if (fits_any(w->frame[i], softirq, COUNT(softirq)))
			break;
	}
	out->hook = hook_of_mark(in->mark);
}

/*
 * nft frees the packet itself. Legacy xtables, conntrack and others only say DROP to
 * nf_hook_slow(): nothing in the stack tells which of them it was, so no engine is named.
 * NFQUEUE has no reason of its own, hence the functions.
 */
static bool is_netfilter(const struct uw_drop_names *in, const char *place, const char **engine)
{
	static const char *const queue[] = {
		"nf_queue", "__nf_queue", "nfqnl_*", "__nfqnl_*", "nf_reinject",
	};

	*engine = "";
	if (fits_any(place, queue, COUNT(queue)))
		*engine = "nfqueue";
	else if (fits(place, "nft_do_chain"))
		*engine = "nftables";
	else if (!fits(place, "nf_hook_slow") && !fits(place, "nf_hook_slow_list"))
		return in->reason && strcmp(in->reason, "NETFILTER_DROP") == 0;
	return true;
}

static bool fits_row(const struct place *p, const struct uw_drop_names *in, const struct walk *w)
{
	if (p->flooded && !in->flooded)
		return false;
	if (p->reason && !fits(in->reason, p->reason))
		return false;
	if (p->place && !fits(w->place, p->place))
		return false;
	if (!p->via)
		return true;
	for (unsigned i = 0; i < w->frames; i++) {
		if (fits(w->frame[i], p->via))
			return true;
		/* It came in by a device: whatever is outside of this is how another packet was sent. */
		if (fits(w->frame[i], "__netif_receive_skb*"))
			break;
	}
	return false;
}

/* A reason of its own is a statement of loss; drivers that give none free what they have sent. */
static bool freed_by_driver(const struct uw_drop_names *in, const struct walk *w)
{
	if (in->reason && strcmp(in->reason, "NOT_SPECIFIED") != 0)
		return false;
	for (unsigned i = 0; i < w->frames; i++) {
		if (fits(w->frame[i], "dev_hard_start_xmit"))
			return true;
		if (fits_any(w->frame[i], softirq, COUNT(softirq)))
			break;
	}
	return in->mark == UW_STAGE_WIRE_OUT;
}

static enum uw_stage mark_of(const struct uw_drop_names *in)
{
	if (in->mark != UW_STAGE_NONE)
		return in->mark;
	return in->dir == UW_REQUEST ? UW_STAGE_SEND : UW_STAGE_WIRE_IN;
}

/*
 * A cgroup's programs (systemd's IPAddressDeny) and a socket's own filter drop in the same function
 * for the same reason: it was the cgroup's where the socket has none.
 */
static const char *engine_of(const struct uw_drop_names *in, enum uw_stage stage)
{
	if (!in->reason)
		return "";
	if (stage == UW_STAGE_CGROUP_EGRESS && !strcmp(in->reason, "BPF_CGROUP_EGRESS"))
		return "cgroup_bpf";
	if (stage == UW_STAGE_SOCKET_FILTER && !strcmp(in->reason, "SOCKET_FILTER") && in->filter == UW_FILTER_NONE)
		return "cgroup_bpf";
	return "";
}

void uw_drop_point(const struct uw_drop_names *in, struct uw_drop_point *out)
{
	struct walk w = walk_from(in);

	*out = (struct uw_drop_point){ mark_of(in), "", "", UW_DROP };
	if (is_netfilter(in, w.place, &out->engine)) {
		find_netfilter(in, &w, out);
		return;
	}
	for (size_t i = 0; i < COUNT(places); i++) {
		if (!fits_row(&places[i], in, &w))
			continue;
		out->class = places[i].class;
		if (places[i].stage != UW_STAGE_NONE)
			out->stage = places[i].stage;
		out->engine = engine_of(in, out->stage);
		return;
	}
	if (freed_by_driver(in, &w)) {
		out->stage = UW_STAGE_DEVICE;
		out->class = UW_DROP_DRIVER;
	}
}
