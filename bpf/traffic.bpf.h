/* SPDX-License-Identifier: GPL-2.0-only */
/* Counting what devices carry. It runs for every packet of the host: a few loads and one store. */
#ifndef UW_TRAFFIC_BPF_H
#define UW_TRAFFIC_BPF_H

#include "skb.bpf.h"
#include "carried.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct uw_carriers);
} carriers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, UW_TRAFFIC_PORTS);
	__type(key, struct uw_carried_ports);
	__type(value, __u64);
} carried_ports SEC(".maps");

/* This CPU's counts of a device of the scope, at its own place or one of the next; NULL if all are taken. */
static __always_inline struct uw_carrier *carrier_of(struct uw_carriers *all, __u32 netns, __u32 ifindex)
{
	__u32 i, at = netns ^ ifindex;

#pragma unroll
	for (i = 0; i < 4; i++) {
		struct uw_carrier *c = &all->carrier[(at + i) & (UW_TRAFFIC_DEVICES - 1)];

		if (c->ifindex == ifindex && c->netns == netns)
			return c;
		if (!c->ifindex) {
			if (!scope_holds(netns))
				return NULL;
			c->netns = netns;
			c->ifindex = ifindex;
			return c;
		}
	}
	return NULL;
}

static __noinline int ports_note(__u32 netns, __u32 ifindex, __u32 local, __u32 remote)
{
	struct uw_carried_ports k = { .netns = netns, .ifindex = ifindex, .local = local, .remote = remote };
	__u64 *n = bpf_map_lookup_elem(&carried_ports, &k), one = 1;

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&carried_ports, &k, &one, BPF_ANY);
	return 0;
}

static __always_inline int carried_as(__u8 protocol)
{
	switch (protocol) {
	case UW_IPPROTO_UDP:
		return UW_CARRIED_UDP;
	case UW_IPPROTO_TCP:
		return UW_CARRIED_TCP;
	case UW_IPPROTO_ICMP:
	case UW_IPPROTO_ICMPV6:
		return UW_CARRIED_ICMP;
	default:
		return UW_CARRIED;
	}
}

/* @look: of skb_look(). */
static __always_inline void traffic_count(const struct sk_buff *skb, const struct net_device *dev,
					  const struct skb_glance *look, enum uw_way way)
{
	int what = carried_as(look->protocol);
	__u32 zero = 0, netns, ifindex;
	struct uw_carriers *all;
	struct uw_carrier *c;

	if (what == UW_CARRIED || dev->flags & IFF_LOOPBACK)
		return;
	netns = netns_of_dev(dev);
	ifindex = dev->ifindex;
	all = bpf_map_lookup_elem(&carriers, &zero);
	c = all ? carrier_of(all, netns, ifindex) : NULL;
	if (!c)
		return;
	/* Most are not long enough to be several: no look. */
	c->packets[way][what] += skb->len <= 1600 ? 1 : segments_of(skb);
	if (what != UW_CARRIED_UDP || ++all->udp < UW_TRAFFIC_SAMPLE)
		return;
	all->udp = 0;
	if (look->source && look->destination)
		ports_note(netns, ifindex, way == UW_WAY_OUT ? look->source : look->destination,
			   way == UW_WAY_OUT ? look->destination : look->source);
}

#endif
