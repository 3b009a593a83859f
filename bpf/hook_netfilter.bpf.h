/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * First in each netfilter hook: the packet got this far, so it was dropped or is held there or later.
 * Last in the input hook: UDP has it next, which queues it to its socket or frees it.
 */
#ifndef UW_HOOK_NETFILTER_BPF_H
#define UW_HOOK_NETFILTER_BPF_H

#include "tunnel.bpf.h"

#define NF_INET_PRE_ROUTING 0
#define NF_INET_LOCAL_IN 1
#define NF_INET_FORWARD 2

/*
 * A first fragment waits for the others in prerouting or right after it (IPv4, conntrack), or behind
 * the input hook (IPv6): none of these hooks has given it to UDP. Put together it comes by again.
 */
static __always_inline __u8 stage_of_fragment(__u8 stage)
{
	return stage == UW_STAGE_UDP || stage == UW_STAGE_NF_PREROUTING ? UW_STAGE_REASSEMBLY : stage;
}

/*
 * UDP has it next; returns whether its query waits for it. A reply that still is as it was on the wire
 * goes to whatever socket has that tuple, or to none.
 */
static __always_inline bool handed_to_udp(struct uw_record *r, const struct uw_packet *p)
{
	if (!r || p->dir != UW_REPLY)
		return r;
	if (reply_untranslated(r, p)) {
		r->flags |= UW_Q_UNTRANSLATED;
		return false;
	}
	r->input_ns = bpf_ktime_get_boot_ns();
	return true;
}

/* A destination is translated in prerouting and output: these hooks are the next. */
static __always_inline bool stage_translated(__u8 stage)
{
	return stage == UW_STAGE_NF_FORWARD || stage == UW_STAGE_NF_INPUT || stage == UW_STAGE_NF_POSTROUTING;
}

/* First in a hook, but output's (on_output()). */
static __always_inline __u8 stage_of_hook(const struct nf_hook_state *state)
{
	switch (state->hook) {
	case NF_INET_PRE_ROUTING:
		return UW_STAGE_NF_PREROUTING;
	case NF_INET_LOCAL_IN:
		return UW_STAGE_NF_INPUT;
	case NF_INET_FORWARD:
		return UW_STAGE_NF_FORWARD;
	default:
		return UW_STAGE_NF_POSTROUTING;
	}
}

/*
 * A device that stands above the one by which the packet came in (macvlan, VLAN, bond) has no receive of its
 * own. A bridge does, but may call these hooks before, and for what it only passes on.
 */
static __always_inline void device_above(struct uw_record *r, const struct net_device *dev, __u8 dir)
{
	if (!hop_known(r, dev, dir, false) && !device_is_bridge(dev))
		query_hop(r, dev, dir, false);
}

/* @delivery: last in the input hook. */
static __always_inline int on_netfilter(struct bpf_nf_ctx *ctx, bool delivery)
{
	struct sk_buff *skb = ctx->skb;
	bool wanted = skb_wanted(skb);
	struct uw_record *r;
	struct uw_room *room;
	__u8 stage;

	if (!wanted && (delivery || !skb->_nfct))
		return 1;
	stage = delivery ? UW_STAGE_UDP : stage_of_hook(ctx->state);
	if (!wanted && !(stage_translated(stage) && skb_translated(skb, false)))
		return 1;
	room = room_enter();
	if (!room)
		return 1;
	if (skb_parse(skb, room) == UW_PACKET_APPLICATION) {
		if (room->packet.ip.fragment)
			stage = stage_of_fragment(stage);
		r = query_of_skb(skb, room);
		if (r) {
			if (stage == UW_STAGE_NF_PREROUTING)
				device_above(r, skb->dev, room->packet.dir);
			r->stage[room->packet.dir & 1] = stage;
			r->flags &= ~UW_Q_FOR_ANOTHER;
		}
		/* Behind this hook IPv6 waits for the other fragments: nothing is delivered yet. */
		if (delivery && !room->packet.ip.fragment)
			arrival_note(&room->packet, handed_to_udp(r, &room->packet));
	}
	room_leave(room);
	return 1; /* NF_ACCEPT */
}

#endif
