/* SPDX-License-Identifier: GPL-2.0-only */
/* kfree_skb: every end of a packet that is not its being read. */
#ifndef UW_HOOK_DROP_BPF_H
#define UW_HOOK_DROP_BPF_H

#include "hook_device.bpf.h"
#include "nft_trace.bpf.h"

/* The receiving socket, where the kernel tells it: for a buffer that was full, its limits. */
static __always_inline bool receiver_note(const __u64 *ctx, struct uw_drop *d)
{
	struct sock *sk;

	if (!kfree_has_receiver())
		return true;
	sk = (struct sock *)ctx[3];
	if (!sk)
		return true;
	if (!sock_is_udp(sk)) /* a packet or a raw socket had a copy */
		return false;
	d->rcvbuf = sk->sk_rcvbuf;
	d->rmem = sk->sk_backlog.rmem_alloc.counter;
	d->filter = sk->sk_filter ? UW_FILTER_OWN : UW_FILTER_NONE;
	return true;
}

/*
 * A freed copy that nobody waits for: a capture's clone on its way out (its transport header still
 * is the network header), a frame for another host, a looped multicast copy.
 */
static __always_inline bool is_tap_copy(struct sk_buff *skb)
{
	__u8 type = BPF_CORE_READ_BITFIELD(skb, pkt_type);

	if (type == PACKET_LOOPBACK || skb_passes_by(skb))
		return true;
	return type == PACKET_OUTGOING && skb->transport_header == skb->network_header;
}

#define IPS_CONFIRMED 8

static __always_inline __u8 conntrack_of(const struct sk_buff *skb)
{
	struct nf_conn *ct = (struct nf_conn *)(skb->_nfct & ~7ul);

	if (!bpf_core_type_exists(struct nf_conn))
		return UW_CT_UNKNOWN;
	if (!ct)
		return UW_CT_NONE;
	return conntrack_status(ct) & IPS_CONFIRMED ? UW_CT_CONFIRMED : UW_CT_NEW;
}

static __always_inline void drop_fill(struct uw_drop *d, const __u64 *ctx, struct sk_buff *skb, __u32 netns)
{
	struct net_device *dev = skb_dev(skb);

	d->when_ns = bpf_ktime_get_boot_ns();
	d->location = ctx[1];
	d->reason = kfree_reason(ctx);
	d->ct = conntrack_of(skb);
	d->netns = netns;
	if (dev && netns)
		bpf_probe_read_kernel(d->ifname, sizeof(d->ifname), dev->name);
	bpf_get_stack((void *)ctx, d->stack, sizeof(d->stack), 0);
}

/* A packet freed while the driver has it: only its return code tells whether that was a drop. */
static __always_inline bool drop_in_driver(const struct sk_buff *skb, const struct uw_drop *d)
{
	struct uw_xmit *x = xmit_of(skb);

	if (!x)
		return false;
	x->drop = *d;
	x->freed = true;
	return true;
}

static __always_inline void request_dropped(struct uw_record *r, const struct uw_drop *d, const struct sk_buff *skb)
{
	__u64 *c = copy_find(r, skb);

	if (c && !(*c & UW_COPY_OUT))
		*c = 0;
	drop_note(r, d, UW_REQUEST, 1);
	__sync_fetch_and_add(&r->dropped, 1);
	buffer_freed(r, (__u64)skb);
	if (is_visitor(r))
		visitor_dropped(r, UW_REQUEST);
}

static __always_inline void visitor_reply_dropped(struct uw_record *r, const struct sk_buff *skb,
						  const struct uw_packet *p, const struct uw_drop *d)
{
	reply_sent(r, skb, p);
	drop_note(r, d, UW_REPLY, 1);
	visitor_dropped(r, UW_REPLY);
}

/* The asking socket by its hint; a closed one has lost its port (udp_lib_unhash). */
static __always_inline bool sock_still_open(const struct uw_record *r)
{
	struct sock *sk = (struct sock *)r->socket;

	return sk && BPF_CORE_READ(sk, __sk_common.skc_num) == r->key.client_port;
}

/* A datagram that was queued and freed unread leaves the queue without a read. */
static __always_inline void unqueue(const struct uw_record *r)
{
	__u64 key = r->socket;
	struct uw_queue *q = bpf_map_lookup_elem(&queues, &key);

	if (q)
		__sync_fetch_and_add(&q->read, 1);
}

static __always_inline void reply_dropped(struct uw_record *r, const struct uw_packet *p, const struct uw_drop *d,
					  const struct sk_buff *skb)
{
	bool waited = skb_in_udp_queue(skb);

	/* It waited for a fragment that was freed before: that is where it was lost. */
	if (r->flags & UW_Q_REPLY_TORN && r->drop[UW_REPLY].when_ns > r->wire_in_ns)
		return;
	/* Another copy is in the socket's queue: the loss of this one costs the asker nothing. */
	if (r->queued_ns && !waited) {
		answer_again_open(r, p);
		return;
	}
	if (sock_still_open(r))
		r->flags |= UW_Q_SOCKET_OPEN;
	drop_note(r, d, UW_REPLY, 1);
	if (!r->queued_ns)
		return;
	unqueue(r);
	if (r->queued_copies > 1)
		r->queued_copies--;
	else
		r->queued_ns = 0;
}

/* Where no tracepoint tells of queueing: it came in by a device of the scope. */
static __always_inline bool reply_arrived(const struct sk_buff *skb)
{
	__u64 key = (__u64)skb;

	return !uw_config.have_read_hook && bpf_map_lookup_elem(&arrived, &key);
}

static __always_inline void drop_reply(struct uw_room *room, struct sk_buff *skb, const __u64 *ctx)
{
	struct uw_drop *d = &room->drop;
	struct uw_record *r = query_of_skb(skb, room);
	bool queued = r && (r->queued_ns || reply_arrived(skb));
	/* In a socket's queue the device field holds something else. */
	__u32 netns = r && r->queued_ns ? 0 : netns_of_skb(skb);

	if (!r && !netns && reply_arrived(skb)) {
		/* Never read, and its query is done. Elsewhere it was looked at when it was queued. */
		room_digest(room);
		if (!room->packet.from_port)
			answered_again(&room->packet);
		return;
	}
	if (!(queued && !netns) && !scope_holds(netns))
		return;
	arrival_forget();
	drop_fill(d, ctx, skb, netns);
	d->rule = rule_of_drop(room, netns);
	if (skb_sock(skb))
		freed_note(skb_sock(skb), r);
	room_digest(room);
	d->untranslated = r ? reply_untranslated(r, &room->packet) : 0;
	if (r)
		evidence_keep(skb, room, r, NULL, false);
	if (r && is_visitor(r))
		visitor_reply_dropped(r, skb, &room->packet, d);
	else if (r)
		reply_dropped(r, &room->packet, d, skb);
	else if (!skb_sock(skb))
		stray_reply(&room->packet, netns, d);
}

static __always_inline void drop_request(struct uw_room *room, struct sk_buff *skb, const __u64 *ctx)
{
	struct uw_drop *d = &room->drop;
	__u32 netns = netns_of_skb(skb);
	struct uw_record *r;

	if (!scope_holds(netns))
		return;
	drop_fill(d, ctx, skb, netns);
	d->rule = rule_of_drop(room, netns);
	if (drop_in_driver(skb, d))
		return;
	r = request_here(room, skb, NULL);
	if (skb_sock(skb))
		freed_note(skb_sock(skb), r);
	if (!r)
		return;
	evidence_keep(skb, room, r, NULL, true);
	/*
	 * After the driver took it, freeing it is how many drivers end a transmission; they give no reason
	 * then. One with a reason is another copy's, of a frame that a bridge flooded: which of the two
	 * was the one that mattered cannot be told.
	 */
	if (r->flags & UW_Q_OUTSIDE && r->skb == (__u64)skb && !reason_given(d->reason))
		count(UW_STAT_driver_freed);
	else
		request_dropped(r, d, skb);
}

static __always_inline void tear(struct uw_record *r, const struct uw_drop *d, __u8 dir)
{
	__u64 since = dir == UW_REQUEST ? r->last_send_ns : r->wire_in_ns;

	/* The datagram's end was told already; its other fragments follow it. */
	if (r->drop[dir & 1].when_ns > since)
		return;
	drop_note(r, d, dir & 1, 0);
	r->flags |= dir == UW_REQUEST ? UW_Q_TORN : UW_Q_REPLY_TORN;
	if (dir == UW_REQUEST)
		r->torn++;
}

/* A later fragment of a query's packet: without it the rest is worth nothing. */
static __always_inline void fragment_freed(__u64 *ctx, struct sk_buff *skb, struct uw_room *room)
{
	struct uw_drop *d = &room->drop;
	__u32 netns = netns_of_skb(skb);
	struct uw_half *half;
	struct uw_record *r;

	if (!fragment_parse(skb, room) || is_tap_copy(skb) || !scope_holds(netns))
		return;
	half = bpf_map_lookup_elem(&fragments, &room->fragment);
	r = half ? query_at(&half->key) : NULL;
	if (skb_sock(skb))
		freed_note(skb_sock(skb), r);
	if (!r)
		return;
	__builtin_memset(d, 0, sizeof(*d));
	drop_fill(d, ctx, skb, netns);
	tear(r, d, half->dir);
}

/* Another host's frame was the request's, if it was all that there was of it. */
static __always_inline void bystander_freed(struct uw_room *room, struct sk_buff *skb, const __u64 *ctx)
{
	struct uw_record *r = query_of_skb(skb, room);
	__u64 *c = r ? copy_find(r, skb) : NULL;
	struct net_device *dev = skb_dev(skb);

	if (!c || is_visitor(r) || *c & UW_COPY_OUT || !dev || !scope_holds(netns_of_dev(dev)))
		return;
	*c = 0;
	if (!copies_all_gone(r) || skb_shares_data(skb))
		return;
	query_hop(r, dev, UW_REQUEST, false);
	r->stage[UW_REQUEST] = UW_STAGE_WIRE_IN;
	drop_fill(&room->drop, ctx, skb, netns_of_dev(dev));
	room->drop.sole = true;
	request_dropped(r, &room->drop, skb);
}

static __always_inline void packet_freed(__u64 *ctx, struct sk_buff *skb, struct uw_room *room)
{
	if (skb_parse(skb, room) == UW_PACKET_APPLICATION) {
		__builtin_memset(&room->drop, 0, sizeof(room->drop));
		if (!receiver_note(ctx, &room->drop) || is_tap_copy(skb)) {
			count(UW_STAT_tap_copies);
			if (room->packet.dir == UW_REQUEST && skb_for_another(skb))
				bystander_freed(room, skb, ctx);
		} else if (room->packet.dir == UW_REQUEST) {
			drop_request(room, skb, ctx);
		} else {
			drop_reply(room, skb, ctx);
		}
	} else if (room->packet.ip.protocol == UW_IPPROTO_UDP && skb_sock(skb)) {
		freed_note(skb_sock(skb), NULL);
	}
}

/* A tunnel's device wrapped it and handed the outer packet down: freed on the way, the query's is freed. */
static __always_inline void outer_freed(__u64 *ctx, struct sk_buff *skb)
{
	struct uw_xmit *x = xmit_of(skb);

	if (!x)
		return;
	__builtin_memset(&x->drop, 0, sizeof(x->drop));
	drop_fill(&x->drop, ctx, skb, netns_of_skb(skb));
	x->freed = true;
}

static __always_inline int on_kfree(__u64 *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx[0];
	bool later = fragments_noted && skb_is_later_fragment(skb);
	unsigned long irq;
	struct uw_room *room;

	if (!later && !skb_wanted(skb) && !skb_asked(skb)) {
		outer_freed(ctx, skb);
		if (tunnels_watched())
			tunnel_freed(ctx, skb, netns_of_skb(skb));
		return 0;
	}
	room = room_enter();
	if (!room)
		return 0;
	irq_hold(&irq);
	if (later)
		fragment_freed(ctx, skb, room);
	else
		packet_freed(ctx, skb, room);
	irq_release(&irq);
	room_leave(room);
	return 0;
}

#endif
