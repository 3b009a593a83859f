/* SPDX-License-Identifier: GPL-2.0-only */
/* In by a device: requests that come back into scope, replies, and ICMP errors. */
#ifndef UW_HOOK_RECEIVE_BPF_H
#define UW_HOOK_RECEIVE_BPF_H

#include "fragment.bpf.h"
#include "traffic.bpf.h"
#include "tunnel.bpf.h"
#include "visitor.bpf.h"

static __always_inline void arrived_note(const struct sk_buff *skb, const struct uw_half *half)
{
	__u64 key = (__u64)skb;

	bpf_map_update_elem(&arrived, &key, half, BPF_ANY);
}

static __always_inline void reply_note(const struct sk_buff *skb, const struct uw_packet *p)
{
	struct uw_half half = {
		.key = p->key, .dir = UW_REPLY, .from_port = p->from_port, .digest = p->digest,
	};

	arrived_note(skb, &half);
}

static __always_inline void request_arrives(struct uw_record *r, struct sk_buff *skb, const struct uw_packet *p,
					    const struct net_device *dev)
{
	__u64 *known = copy_find(r, skb);

	/* A bystander's copy of a flooded frame, or a mirror's: that one did not leave, nor is the request back. */
	if (skb_passes_by(skb)) {
		if (known && *known & UW_COPY_OUT)
			copy_comes_in(r, skb);
		return;
	}
	if (is_visitor(r))
		visitor_arrives(r, skb, p, dev);
	copy_comes_in(r, skb);
	r->stage[UW_REQUEST] = UW_STAGE_WIRE_IN;
	query_hop(r, dev, UW_REQUEST, false);
	if (!uw_config.have_read_hook) {
		struct uw_half half = { .key = r->key, .dir = UW_REQUEST };

		arrived_note(skb, &half);
	}
}

/* A visitor's, from a server here or beyond. */
static __always_inline void visitor_reply_arrives(struct uw_record *r, const struct uw_packet *p,
						  const struct net_device *dev)
{
	r->stage[UW_REPLY] = UW_STAGE_WIRE_IN;
	query_hop(r, dev, UW_REPLY, false);
	if (r->flags & UW_Q_REPLY_SENT)
		return;
	if (!r->wire_in_ns)
		r->wire_in_ns = bpf_ktime_get_boot_ns();
	visitor_answered(r, p);
	__sync_fetch_and_add(&r->replies, 1);
}

static __always_inline void reply_arrives(struct uw_record *r, struct uw_room *room, struct sk_buff *skb,
					  const struct net_device *dev)
{
	__u64 now = bpf_ktime_get_boot_ns();
	/* A reply that came after one was freed here has its own way to tell. */
	bool first = !r->wire_in_ns || r->drop[UW_REPLY].when_ns > r->wire_in_ns;

	if (first)
		r->wire_in_ns = now;
	r->stage[UW_REPLY] = UW_STAGE_WIRE_IN;
	__sync_fetch_and_add(&r->replies, 1);
	query_hop(r, dev, UW_REPLY, false);
	/* Elsewhere it is made where the reply is queued, once. */
	if (room->packet.paged || !uw_config.have_read_hook || r->flags & UW_Q_RAW)
		room_digest(room);
	if (room->packet.paged || !uw_config.have_read_hook)
		reply_note(skb, &room->packet);
	/* Without a hook that tells of queueing, one that waits already is the answer. */
	if (!r->queued_ns && (first || uw_config.have_read_hook))
		answer_note(r, &room->packet, now);
	if (r->flags & UW_Q_RAW)
		query_close(r, now);
}

static __always_inline void icmp_fill(struct uw_icmp *i, const struct uw_packet *p,
				      const struct net_device *dev)
{
	i->from = p->ip.source;
	i->when_ns = bpf_ktime_get_boot_ns();
	if (uw_icmp_mtu(&p->ip))
		i->mtu = uw_icmp_mtu(&p->ip);
	i->type = p->ip.icmp_type;
	i->code = p->ip.icmp_code;
	i->verified = p->has_transaction;
	i->local = i->underway || dev->flags & IFF_LOOPBACK;
	i->seen = true;
}

/*
 * The first error counts. Too big is only a note, and what this host said of one copy gives way to
 * what another says of a copy that left.
 */
static __always_inline void icmp_note(struct uw_icmp *i, const struct uw_packet *p,
				      const struct net_device *dev)
{
	bool ours = i->underway || dev->flags & IFF_LOOPBACK;

	if (!i->seen || i->mtu || (i->local && !ours))
		icmp_fill(i, p, dev);
	i->underway = false;
}

/* A translated tuple becomes its newest query's own. */
static __always_inline void tuple_untranslate(struct uw_query_key *k)
{
	struct uw_query_key *own;

	k->transaction = 0;
	own = bpf_map_lookup_elem(&wire_tuples, k);
	if (!own && visitors_seen)
		own = bpf_map_lookup_elem(&visitor_aliases, k);
	if (own)
		*k = *own;
}

/* The quote ends before the transaction: user space looks for the newest open query of the tuple. */
static __always_inline void icmp_send_up(const struct uw_packet *p, const struct net_device *dev)
{
	struct uw_record *r;

	if (!budget_takes(&icmp_budget, UW_ICMP_A_SECOND, bpf_ktime_get_boot_ns(), UW_STAT_icmp_limited))
		return;
	r = record_reserve(UW_RECORD_ICMP, &p->key);
	if (!r)
		return;
	r->netns = netns_of_dev(dev);
	icmp_fill(&r->icmp, p, dev);
	bpf_ringbuf_submit(r, 0);
}

/*
 * An error about a request of ours. One that quotes a reply is what the client said of a late or
 * duplicate answer, and says nothing about the request (RFC 792 quotes the datagram's source).
 */
static __always_inline void icmp_arrives(struct uw_room *room, const struct net_device *dev)
{
	struct uw_packet *p = &room->packet;
	struct uw_record *r;

	if (p->dir != UW_REQUEST)
		return;
	if (!p->has_transaction) {
		tuple_untranslate(&p->key);
		icmp_send_up(p, dev);
		return;
	}
	r = query_of(p);
	if (!r)
		count(UW_STAT_icmp_unmatched);
	else
		icmp_note(&r->icmp, p, dev);
}

/* A reply of no open query, if it is read. */
static __always_inline void nobodys_arrives(const struct sk_buff *skb, struct uw_room *room)
{
	room_digest(room);
	reply_note(skb, &room->packet);
}

/* Whole again, a datagram is in the buffer of the fragment that came last (inet_frag_reasm_prepare). */
static __always_inline int later_arrives(struct sk_buff *skb)
{
	struct uw_room *room = room_enter();
	struct uw_half *half;

	if (!room)
		return 0;
	half = fragment_parse(skb, room) ? bpf_map_lookup_elem(&fragments, &room->fragment) : NULL;
	if (half)
		arrived_note(skb, half);
	room_leave(room);
	return 0;
}

/* Several datagrams in one buffer (GRO, a sender's UDP_SEGMENT): only the first is looked at. */
static __always_inline void replies_behind(const struct sk_buff *skb, const struct uw_packet *p)
{
	if (p->dir == UW_REPLY && segments_of(skb) > 1)
		count(UW_STAT_reply_unparsed);
}

/* A request or a reply, of a query or of none. */
static __always_inline void message_arrives(struct sk_buff *skb, struct uw_room *room, const struct net_device *dev)
{
	struct uw_record *r;

	replies_behind(skb, &room->packet);
	r = query_of_skb(skb, room);
	if (!r && room->packet.dir == UW_REQUEST)
		r = visitor_new(skb, room);
	if (r)
		fragment_note(room, &r->key);
	/* A reply for another host has not come to this one; who asks by frames may take that, too. */
	if (r && room->packet.dir == UW_REPLY && !(r->flags & UW_Q_RAW) && skb_passes_by(skb))
		return;
	if (r)
		evidence_keep(skb, room, r, dev, false);
	if (r && room->packet.dir == UW_REQUEST)
		request_arrives(r, skb, &room->packet, dev);
	else if (r && is_visitor(r))
		visitor_reply_arrives(r, &room->packet, dev);
	else if (r)
		reply_arrives(r, room, skb, dev);
	else if (room->packet.dir == UW_REPLY && !uw_config.have_read_hook)
		nobodys_arrives(skb, room);
}

static __always_inline int on_receive(struct sk_buff *skb)
{
	struct net_device *dev = skb_dev(skb);
	struct skb_glance look = {};
	bool wanted = skb_look(skb, &look), tunnels = tunnels_watched();
	bool later = !uw_config.have_read_hook && fragments_noted && skb_is_later_fragment(skb);
	struct uw_room *room;
	unsigned long irq;

	traffic_count(skb, dev, &look, UW_WAY_IN);
	/* From another port than was asked it is seen when it is queued, or not before it is read. */
	if (!wanted && !tunnels && !later && (uw_config.have_read_hook || !skb_asked(skb)))
		return 0;
	if (!scope_holds(netns_of_dev(dev)))
		return 0;
	if (tunnels)
		tunnel_arrives(skb, dev);
	if (later)
		return later_arrives(skb);
	if (!wanted && (uw_config.have_read_hook || !skb_asked(skb)))
		return 0;
	room = room_enter();
	if (!room)
		return 0;
	irq_hold(&irq);
	skb_parse(skb, room);
	switch (room->packet.kind) {
	case UW_PACKET_APPLICATION:
		message_arrives(skb, room, dev);
		break;
	case UW_PACKET_ICMP:
		icmp_arrives(room, dev);
		break;
	case UW_PACKET_UNPARSED:
		if (service_protocol(room->packet.ip.source_port))
			count(UW_STAT_reply_unparsed);
		break;
	}
	/* Without a hook nearer to the socket this is the best guess at what is delivered next. */
	if (!uw_config.have_output_hook && room->packet.kind == UW_PACKET_APPLICATION)
		arrival_note(&room->packet, query_of(&room->packet));
	irq_release(&irq);
	room_leave(room);
	return 0;
}

#endif
