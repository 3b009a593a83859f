/* SPDX-License-Identifier: GPL-2.0-only */
/* Later fragments have no ports: the first one tells whose they are. */
#ifndef UW_FRAGMENT_BPF_H
#define UW_FRAGMENT_BPF_H

#include "query.bpf.h"

__u64 fragments_noted = 0; /* saves the look at every freed packet until there is a first one */

/* The first fragment of a query's packet passes, on its way out or in; room->head still has its head. */
static __noinline int fragment_note(struct uw_room *room, const struct uw_query_key *k)
{
	struct uw_fragment *f = &room->fragment;
	struct uw_half half = {};

	__builtin_memset(f, 0, sizeof(*f));
	if (!room->packet.ip.fragment || uw_fragment_parse(room->head, UW_HEAD_MAX, f) != 1)
		return 0;
	half.key = *k;
	half.dir = room->packet.dir;
	fragments_noted = 1;
	if (bpf_map_update_elem(&fragments, f, &half, BPF_ANY))
		count(UW_STAT_update_failed);
	return 0;
}

/* The offset of a fragment, or (with @more: MF) what makes a packet one; for packets that are none at two bytes. */
static __always_inline bool skb_fragment_bits(const struct sk_buff *skb, bool more)
{
	__u16 protocol;
	const __u8 *network = skb->head + skb_network_at(skb, &protocol);
	__be16 offset = 0;
	__u8 next = 0;

	if (protocol == bpf_htons(ETH_P_IP))
		return !bpf_probe_read_kernel(&offset, 2, network + 6) &&
		       offset & bpf_htons(more ? 0x3fff : 0x1fff);
	if (protocol != bpf_htons(ETH_P_IPV6) || bpf_probe_read_kernel(&next, 1, network + 6))
		return false;
	return next == 44 && !bpf_probe_read_kernel(&offset, 2, network + 42) &&
	       offset & bpf_htons(more ? 0xfff9 : 0xfff8);
}

static __always_inline bool skb_is_later_fragment(const struct sk_buff *skb)
{
	return skb_fragment_bits(skb, false);
}

static __always_inline bool skb_is_fragment(const struct sk_buff *skb)
{
	return skb_fragment_bits(skb, true);
}

/* Of which datagram: room->fragment. */
static __always_inline bool fragment_parse(struct sk_buff *skb, struct uw_room *room)
{
	struct uw_fragment *f = &room->fragment;
	__u32 network = skb_network_offset(skb), len = skb_linear(skb, network);

	if (len > 48)
		len = 48;
	__builtin_memset(f, 0, sizeof(*f));
	return !skb_load(skb, network, 0, room->head, len, 48, SKB_ARGUMENT) &&
	       uw_fragment_parse(room->head, len, f) == 2;
}

#endif
