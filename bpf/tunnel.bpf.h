/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queries that leave inside of another packet: whether that one left, and whether what came in of its
 * kind came out of the tunnel. A tunnel wraps and unwraps in place: the buffer is the same, and what it
 * holds is looked at again, for buffers are reused. Whatever cannot be told stays untold: then the gap
 * "encapsulated" stays as well.
 */
#ifndef UW_TUNNEL_BPF_H
#define UW_TUNNEL_BPF_H

#include "query.bpf.h"

#define TUNNEL_SETTLE_NS 2000000000ull	/* watched so long beyond the last query's deadline */
#define TUNNEL_KIND 8			/* bytes of a device's kind that are compared */
#define NTP_TRANSMIT 40			/* of a request: what ties the reply to it (RFC 5905 7.3) */
#define WG_DATA 4			/* message type; 16 bytes before the load and 16 behind it */
#define WG_OVERHEAD (8 + 16 + 16)	/* with the UDP header */

/* Until when outer packets are looked for: 0 on a host whose queries take no tunnel. */
__u64 tunnels_until_ns = 0;
static __u8 ways[65536] = {};		/* those that a query left by */

enum tunnel { TUNNEL_NONE, TUNNEL_PLAIN, TUNNEL_WIREGUARD };

static __always_inline bool tunnels_watched(void)
{
	return tunnels_until_ns && bpf_ktime_get_boot_ns() < tunnels_until_ns;
}

#define KIND_IS(name) (!__builtin_memcmp(kind, name "\0\0\0\0\0\0\0", TUNNEL_KIND))

/* Of the first seven letters: kinds that wrap in place. */
static __always_inline enum tunnel tunnel_of(const struct net_device *dev)
{
	char kind[TUNNEL_KIND] = {};

	if (!dev->rtnl_link_ops)
		return TUNNEL_NONE;
	bpf_probe_read_kernel_str(kind, sizeof(kind), BPF_CORE_READ(dev, rtnl_link_ops, kind));
	if (KIND_IS("vxlan") || KIND_IS("geneve") || KIND_IS("gre") || KIND_IS("gretap") || KIND_IS("ipip") ||
	    KIND_IS("sit") || KIND_IS("ip6gre") || KIND_IS("ip6gret") || KIND_IS("ip6tnl"))
		return TUNNEL_PLAIN;
	return KIND_IS("wiregua") ? TUNNEL_WIREGUARD : TUNNEL_NONE;
}

static __always_inline bool device_is_bridge(const struct net_device *dev)
{
	char kind[TUNNEL_KIND] = {};

	if (!dev->rtnl_link_ops)
		return false;
	bpf_probe_read_kernel_str(kind, sizeof(kind), BPF_CORE_READ(dev, rtnl_link_ops, kind));
	return KIND_IS("bridge");
}

/* Where the transport header is, and of what protocol; 0 in a later fragment and, if @whole, in any. */
static __always_inline __u32 transport_of(const struct sk_buff *skb, __u8 *protocol, bool whole)
{
	__u16 network_protocol;
	const __u8 *network = skb->head + skb_network_at(skb, &network_protocol);
	__u8 head[40];
	__u32 at = 40, i;

	if (bpf_probe_read_kernel(head, sizeof(head), network))
		return 0;
	if (network_protocol == bpf_htons(ETH_P_IP)) {
		*protocol = head[9];
		return uw_be16(head + 6) & (whole ? 0x3fff : 0x1fff) ? 0 : (head[0] & 15) * 4;
	}
	*protocol = head[6];
#pragma unroll
	for (i = 0; i < 4; i++) {
		__u8 ext[4];

		if (*protocol != 0 && *protocol != 43 && *protocol != 44 && *protocol != 60)
			break;
		if (bpf_probe_read_kernel(ext, sizeof(ext), network + at))
			return 0;
		if (*protocol == 44 && (whole || uw_be16(ext + 2) & 0xfff8))
			return 0;
		at += *protocol == 44 ? 8 : (ext[1] + 1) * 8;
		*protocol = ext[0];
	}
	return at;
}

/* The way of what may be an outer packet, 0 if it is none. @back: as its answers will have it. */
static __noinline int way_of(struct sk_buff *skb, bool back)
{
	__u8 protocol = 0, ports[4];
	__u16 network_protocol;
	__u32 at;

	skb_network_at(skb, &network_protocol);
	if (network_protocol != bpf_htons(ETH_P_IP) && network_protocol != bpf_htons(ETH_P_IPV6))
		return 0;
	at = transport_of(skb, &protocol, false);
	if (!at)
		return 0;
	if (protocol == 4 || protocol == 41 || protocol == 47)
		return protocol;
	if (protocol != UW_IPPROTO_UDP || bpf_probe_read_kernel(ports, sizeof(ports), skb_network(skb) + at))
		return 0;
	at = uw_be16(back ? ports : ports + 2);
	return at > 255 ? at : 0;
}

/* A copy of a request enters a tunnel. */
static __always_inline void tunnel_enters(const struct uw_record *r, const struct uw_packet *p, struct sk_buff *skb,
					  const struct net_device *dev)
{
	enum tunnel tunnel = tunnel_of(dev);
	struct uw_inside in = { .id = r->id, .wireguard = tunnel == TUNNEL_WIREGUARD };
	__u64 key = (__u64)skb;

	/* Without reasons a freed packet cannot be told from a sent one. */
	if (!tunnel || !bpf_core_enum_value_exists(enum skb_drop_reason, SKB_DROP_REASON_NOT_SPECIFIED))
		return;
	in.key = r->key;
	in.at = p->ip.transport + 8 + (p->key.protocol == UW_PROTO_NTP ? NTP_TRANSMIT : 0);
	if (in.wireguard)
		in.mark = ((skb->len + 15) & ~15u) + WG_OVERHEAD;
	else if (bpf_probe_read_kernel(&in.mark, sizeof(in.mark), skb_network(skb) + in.at))
		return;
	tunnels_until_ns = bpf_ktime_get_boot_ns() + uw_config.timeout_ns + TUNNEL_SETTLE_NS;
	bpf_map_update_elem(&insides, &key, &in, BPF_ANY);
}

/* In one piece. Sealed, it is known by its kind and length; no other packet at its address got by us since. */
static __always_inline bool holds_sealed(const struct sk_buff *skb, const struct uw_inside *in)
{
	__u8 protocol = 0, udp[12];
	__u32 at = transport_of(skb, &protocol, true);

	return at && protocol == UW_IPPROTO_UDP &&
	       !bpf_probe_read_kernel(udp, sizeof(udp), skb_network(skb) + at) &&
	       uw_be16(udp + 4) == in->mark && uw_be32(udp + 8) == WG_DATA << 24;
}

static __always_inline bool holds_plain(const struct sk_buff *skb, const struct uw_inside *in)
{
	__u16 inner = skb->inner_network_header, network_protocol;
	__u8 protocol;
	__u64 mark = 0;

	return inner > skb_network_at(skb, &network_protocol) && transport_of(skb, &protocol, true) &&
	       !bpf_probe_read_kernel(&mark, sizeof(mark), skb->head + inner + in->at) && mark == in->mark;
}

static __always_inline bool holds(const struct sk_buff *skb, const struct uw_inside *in)
{
	return in->wireguard ? holds_sealed(skb, in) : holds_plain(skb, in);
}

/* The query of the request in this outer packet, NULL if it is history. */
static __always_inline struct uw_record *inside_query(const struct uw_inside *in)
{
	struct uw_record *r = bpf_map_lookup_elem(&queries, &in->key);

	return r && r->id == in->id ? r : NULL;
}

/* An outer packet is taken by a driver: the wire, unless it comes in again. */
static __noinline int outer_leaves(struct sk_buff *skb, const struct net_device *dev)
{
	__u64 key = (__u64)skb;
	struct uw_inside *in = bpf_map_lookup_elem(&insides, &key);
	struct uw_record *r;
	__u32 way;

	if (!in)
		return 0;
	r = inside_query(in);
	way = way_of(skb, in->wireguard);
	if (!r || !way || tunnel_of(dev) || !holds(skb, in)) {
		bpf_map_delete_elem(&insides, &key);
		return 0;
	}
	r->outer.ifindex = dev->ifindex;
	r->outer.netns = netns_of_dev(dev);
	r->outer.way = way;
	keep_bound(way);
	ways[way & 0xffff] = 1;
	if (!in->left && r->outer.copies < 255)
		r->outer.copies++;
	in->left = true;
	return 0;
}

/* It is not gone after all. */
static __always_inline void outer_back(__u64 key, struct uw_inside *in, bool freed)
{
	struct uw_record *r = inside_query(in);

	if (r && in->left && r->outer.copies)
		r->outer.copies--;
	in->left = false;
	if (!r || freed)
		bpf_map_delete_elem(&insides, &key);
}

static __always_inline void missing_add(const struct uw_tunnel_key *k, __s64 n, __u64 out_ns)
{
	static const struct uw_tunnel_second none = {};
	struct uw_tunnel_second *s = bpf_map_lookup_elem(&tunnel_seconds, k);

	if (!s) {
		bpf_map_update_elem(&tunnel_seconds, k, &none, BPF_NOEXIST);
		s = bpf_map_lookup_elem(&tunnel_seconds, k);
	}
	if (!s) {
		count(UW_STAT_update_failed);
		return;
	}
	__sync_fetch_and_add(&s->missing, n);
	if (out_ns > s->out_ns)
		s->out_ns = out_ns;
}

/* An outer packet came in: missing, until what it carries comes out of the tunnel. */
static __always_inline void outer_arrives(__u64 key, __u32 way, __u32 segments)
{
	struct uw_outer_in o = { .when_ns = bpf_ktime_get_boot_ns(), .k = { .way = way } };

	o.k.second = (__u32)(o.when_ns / 1000000000);
	bpf_map_update_elem(&outers, &key, &o, BPF_ANY);
	missing_add(&o.k, segments, 0);
}

/* Any packet comes in, while tunnels are watched. */
static __noinline int tunnel_arrives(struct sk_buff *skb, const struct net_device *dev)
{
	__u64 key = (__u64)skb;
	struct uw_inside *in = bpf_map_lookup_elem(&insides, &key);
	struct uw_outer_in *o;
	__u32 way;

	if (skb_for_another(skb))
		return 0;
	if (in && holds(skb, in))
		outer_back(key, in, false);
	else if (in)
		bpf_map_delete_elem(&insides, &key);
	way = way_of(skb, false);
	keep_bound(way);
	o = bpf_map_lookup_elem(&outers, &key);
	if (ways[way & 0xffff]) {
		/* The bridge's own look at what one of its ports let in. */
		if (!o || !device_is_bridge(dev))
			outer_arrives(key, way, segments_of(skb));
	} else if (o) {
		struct uw_outer_in was = *o;

		missing_add(&was.k, -(__s64)segments_of(skb), was.when_ns);
		bpf_map_delete_elem(&outers, &key);
	}
	return 0;
}

/* An outer packet is freed: one that left is another's by then, unless a driver here dropped it. */
static __always_inline void tunnel_freed(const __u64 *ctx, struct sk_buff *skb, __u32 netns)
{
	__u64 key = (__u64)skb;
	struct uw_inside *in;

	if (!reason_given(kfree_reason(ctx)) || !scope_holds(netns))
		return;
	in = bpf_map_lookup_elem(&insides, &key);
	if (in)
		outer_back(key, in, true);
}

#endif
