/* SPDX-License-Identifier: GPL-2.0-only */
/* From a socket buffer to a parsed packet. */
#ifndef UW_SKB_BPF_H
#define UW_SKB_BPF_H

#include "answer.h"
#include "look.bpf.h"
#include "scope.bpf.h"

#define PACKET_OTHERHOST 3
#define PACKET_OUTGOING 4
#define PACKET_LOOPBACK 5
#define IFF_LOOPBACK 8

/*
 * How the program came by the buffer. Only a tracepoint's own argument (or netfilter's) may be
 * handed to a kfunc; one found by walking a queue may not.
 */
enum skb_trust {
	SKB_WALKED,
	SKB_ARGUMENT,
};

/* Bytes in the linear part from the network header on; tail is an offset on 64 bits. */
static __always_inline __u32 skb_linear(const struct sk_buff *skb, __u32 network)
{
	__u32 tail = skb->tail;

	return tail > network ? tail - network : 0;
}

static __noinline long skb_load_paged(struct sk_buff *skb, __u32 at, void *to, __u32 len)
{
	__s64 behind = (__s64)(skb->head + at) - (__s64)skb->data;
	struct bpf_dynptr ptr;

	if (!bpf_dynptr_from_skb || behind < 0)
		return -1;
	if (bpf_dynptr_from_skb((struct __sk_buff *)skb, 0, &ptr))
		return -1;
	return bpf_dynptr_read(to, len, &ptr, (__u32)behind, 0);
}

/* The namespace that the packet is in; 0 if it cannot be told (the device field is not one). */
static __always_inline __u32 netns_of_skb(struct sk_buff *skb)
{
	struct net_device *dev = skb_dev(skb);
	struct sock *sk = skb_sock(skb);

	if (dev)
		return netns_of_dev(dev);
	return sk ? netns_of_sock(sk) : 0;
}

/* UDP keeps notes in the device's place while a datagram waits in a socket's queue (udp_set_dev_scratch). */
static __always_inline bool skb_in_udp_queue(const struct sk_buff *skb)
{
	__u64 dev = (__u64)skb_dev(skb);

	return dev && dev >> 48 != 0xffff;
}

/* Another host's frame that nothing here forwards: a bridge's port has a handler, a bystander none. */
static __always_inline bool skb_for_another(struct sk_buff *skb)
{
	return BPF_CORE_READ_BITFIELD(skb, pkt_type) == PACKET_OTHERHOST &&
	       !uw_read(skb, struct sk_buff, dev, rx_handler);
}

/* The same of one that has just come in: a tag's device may have a hardware address of its own. */
static __always_inline bool skb_passes_by(struct sk_buff *skb)
{
	return skb_for_another(skb) && !skb->vlan_proto && !skb_tagged(skb);
}

/* Of one made for segmentation offload, or put together again by the receiver, as many as were on the wire. */
static __always_inline __u32 segments_of(const struct sk_buff *skb)
{
	__u16 n = uw_read(skb->head + skb->end, struct skb_shared_info, gso_segs);

	return n ? n : 1;
}

/**
 * skb_load - copy @len bytes from @at behind the @network header; 0, or negative if they are not
 * all there or not readable. @len is checked against @max for the verifier.
 */
static __always_inline long skb_load(struct sk_buff *skb, __u32 network, __u32 at, void *to, __u32 len, __u32 max,
				     enum skb_trust trust)
{
	keep_bound(len);
	if (len > max)
		return -1;
	/* Not in one comparison: of "len - 1" 6.1 learns nothing about len. */
	keep_bound(len);
	if (len == 0)
		return -1;
	if (at + len <= skb_linear(skb, network))
		return bpf_probe_read_kernel(to, len, skb->head + network + at);
	return trust == SKB_ARGUMENT ? skb_load_paged(skb, network + at, to, len) : -1;
}

/*
 * The parsing proper is in two global functions: the verifier looks at each once for all its
 * callers, which keeps the start of the program short. They take memory only, hence the tests.
 */
uw_global __noinline int room_headers(struct uw_room *room, __u32 len, bool quoted)
{
	if (!room || len > UW_HEAD_MAX)
		return false;
	return uw_headers_parse(room->head, len, quoted ? &room->quoted : &room->packet.ip);
}

uw_global __noinline int room_payload(struct uw_room *room, __u32 len, bool quoted)
{
	const struct uw_headers *h;

	if (!room || len > UW_BODY_MAX)
		return false;
	h = quoted ? &room->quoted : &room->packet.ip;
	return uw_packet_application(&room->packet, h, service_protocol(h->destination_port),
				     service_protocol(h->source_port), room->body, len);
}

/* Bytes of payload to read: what the datagram says it has, no more than the parsers look at. */
static __always_inline __u32 body_length(__u32 available)
{
	return available > UW_BODY_MAX ? UW_BODY_MAX : available;
}

/* As a reply from another port than was asked; false if nothing was asked from the port it came to. */
static __always_inline bool packet_from_elsewhere(struct uw_packet *p)
{
	__u16 service = asked_from(p->ip.destination_port);

	if (!service || p->ip.source_port == service)
		return false;
	p->from_port = p->ip.source_port;
	p->ip.source_port = service;
	return true;
}

static __always_inline bool payload_is_half(struct uw_room *room, __u32 len)
{
	struct uw_packet *p = &room->packet;

	return room_payload(room, len, false) && p->has_transaction && (!p->from_port || p->dir == UW_REPLY);
}

static __always_inline void parse_application(struct sk_buff *skb, struct uw_room *room, enum skb_trust trust)
{
	struct uw_packet *p = &room->packet;
	__u32 len = p->ip.udp_len > 8 ? p->ip.udp_len - 8u : 0;
	__u32 at = p->ip.transport + 8;

	if (!ports_wanted(p->ip.source_port, p->ip.destination_port) && !packet_from_elsewhere(p))
		return;
	p->payload_len = (__u16)len;
	len = body_length(len);
	/* A first fragment may end before the payload does. */
	if (p->ip.fragment && p->ip.ip_len > at && len > p->ip.ip_len - at)
		len = body_length(p->ip.ip_len - at);
	p->paged = at + len > skb_linear(skb, room->network);
	if (skb_load(skb, room->network, at, room->body, len, UW_BODY_MAX, trust)) {
		p->kind = len && !p->from_port ? UW_PACKET_UNPARSED : UW_PACKET_NONE;
		return;
	}
	/* To a service's port it may be a request; NTP is asked from there as well. */
	if (payload_is_half(room, len) ||
	    (!p->from_port && packet_from_elsewhere(p) && payload_is_half(room, len)))
		p->kind = UW_PACKET_APPLICATION;
}

/* What the reply in the room says; a fragment does not say all of it. */
uw_global __noinline int room_digest(struct uw_room *room)
{
	struct uw_packet *p;
	__u32 len;

	if (!room)
		return 0;
	p = &room->packet;
	len = body_length(p->payload_len);
	if (p->kind == UW_PACKET_APPLICATION && p->dir == UW_REPLY && !p->ip.fragment)
		p->digest = uw_answer_digest(p, room->body, len);
	return 0;
}

/* RFC 792, RFC 4443 3: the datagram's header and at least eight bytes follow the ICMP header. */
static __always_inline void parse_icmp(struct sk_buff *skb, struct uw_room *room, enum skb_trust trust)
{
	struct uw_packet *p = &room->packet;
	struct uw_headers *q = &room->quoted;
	__u32 at = p->ip.transport + 8, linear = skb_linear(skb, room->network), len;

	if (!uw_icmp_is_error(&p->ip) || linear <= at)
		return;
	len = linear - at;
	if (len > UW_HEAD_MAX)
		len = UW_HEAD_MAX;
	if (skb_load(skb, room->network, at, room->head, len, UW_HEAD_MAX, trust))
		return;
	if (!room_headers(room, len, true) || q->protocol != UW_IPPROTO_UDP)
		return;
	if (!ports_wanted(q->source_port, q->destination_port))
		return;
	at += q->transport + 8;
	len = linear > at ? body_length(linear - at) : 0;
	if (len && skb_load(skb, room->network, at, room->body, len, UW_BODY_MAX, trust))
		len = 0;
	if (!room_payload(room, len, true) || !p->has_transaction) {
		/* The ports still tell which way it went, unless both are a service's. */
		__u8 to = service_protocol(q->destination_port);

		uw_packet_orient(p, q, to ? to : service_protocol(q->source_port),
				 to ? UW_REQUEST : UW_REPLY);
		p->has_transaction = false;
	}
	p->kind = UW_PACKET_ICMP;
}

static __always_inline int packet_parse(struct sk_buff *skb, struct uw_room *room, enum skb_trust trust)
{
	struct uw_packet *p = &room->packet;
	__u32 len;

	room->network = skb_network_offset(skb);
	len = skb_linear(skb, room->network);
	__builtin_memset(p, 0, sizeof(*p));
	__builtin_memset(&room->quoted, 0, sizeof(room->quoted));
	if (len > UW_HEAD_MAX)
		len = UW_HEAD_MAX;
	if (skb_load(skb, room->network, 0, room->head, len, UW_HEAD_MAX, trust))
		return 0;
	if (!room_headers(room, len, false))
		return 0;
	if (p->ip.protocol == UW_IPPROTO_UDP)
		parse_application(skb, room, trust);
	else
		parse_icmp(skb, room, trust);
	return p->kind;
}

/**
 * skb_parse - what this packet says about a query.
 * @room: room->packet is written; kind UW_PACKET_NONE if nothing.
 */
static __noinline int skb_parse(struct sk_buff *skb, struct uw_room *room)
{
	return packet_parse(skb, room, SKB_ARGUMENT);
}

/* Likewise of a buffer that was found. A function of its own: of an argument the verifier may forget the value. */
static __noinline int skb_parse_walked(struct sk_buff *skb, struct uw_room *room)
{
	return packet_parse(skb, room, SKB_WALKED);
}

#endif
