/* SPDX-License-Identifier: GPL-2.0-only */
/* --evidence: the first bytes of requests and replies, in a map of their own. Off, it costs nothing. */
#ifndef UW_EVIDENCE_BPF_H
#define UW_EVIDENCE_BPF_H

#include "evidence.h"
#include "skb.bpf.h"

/* A query that is never judged bad leaves its packets to age out; user space takes those of the others. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, UW_EVIDENCE_PACKETS);
	__type(key, struct uw_evidence_key);
	__type(value, struct uw_evidence);
} evidence SEC(".maps");

static const struct uw_evidence no_evidence;

static __always_inline void evidence_device(struct uw_evidence *e, const struct net_device *dev)
{
	bpf_probe_read_kernel(e->ifname, sizeof(e->ifname), dev->name);
	e->ifindex = dev->ifindex;
	e->netns = netns_of_dev(dev);
}

static __noinline int evidence_copy(struct sk_buff *skb, struct uw_evidence *e, __u32 whole)
{
	__u32 len = whole < UW_EVIDENCE_BYTES ? whole : UW_EVIDENCE_BYTES, network = skb_network_offset(skb);
	__u32 linear = skb_linear(skb, network);

	e->wire_len = whole;
	if (!skb_load(skb, network, 0, e->bytes, len, UW_EVIDENCE_BYTES, SKB_ARGUMENT)) {
		e->len = len;
		return 0;
	}
	if (linear < len && !skb_load(skb, network, 0, e->bytes, linear, UW_EVIDENCE_BYTES, SKB_WALKED))
		e->len = linear;
	return 0;
}

/**
 * evidence_keep - keep the packet that is being looked at, unless one of its direction is kept already.
 * @room: as skb_parse() filled it for this packet; dev: NULL or where it is; out: on its way out of it.
 */
static __always_inline void evidence_keep(struct sk_buff *skb, const struct uw_room *room,
					  const struct uw_record *r, const struct net_device *dev, bool out)
{
	struct uw_evidence_key key = { .id = r->id, .dir = room->packet.dir };
	struct uw_evidence *e;

	if (!uw_config.evidence || !r->id || bpf_map_update_elem(&evidence, &key, &no_evidence, BPF_NOEXIST))
		return;
	e = bpf_map_lookup_elem(&evidence, &key);
	if (!e)
		return;
	e->when_ns = bpf_ktime_get_boot_ns();
	e->out = out;
	if (dev)
		evidence_device(e, dev);
	evidence_copy(skb, e, room->packet.ip.ip_len);
}

/* A good query's packets make room. */
static __always_inline void evidence_forget(__u64 id)
{
	struct uw_evidence_key key = { .id = id, .dir = UW_REQUEST };

	if (!uw_config.evidence)
		return;
	bpf_map_delete_elem(&evidence, &key);
	key.dir = UW_REPLY;
	bpf_map_delete_elem(&evidence, &key);
}

#endif
