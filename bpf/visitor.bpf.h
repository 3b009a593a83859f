/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Visitors: queries whose request came in by a device and that no socket in scope sent. They end at a
 * socket here (role server) or pass through (forwarder). Anybody can send such, as many as the wire
 * carries: they have tables of their own, and drops beyond what the table can keep are counted by cause.
 */
#ifndef UW_VISITOR_BPF_H
#define UW_VISITOR_BPF_H

#include "query.bpf.h"

#define PACKET_HOST 0
#define FLOOD_FRAMES 10

static __always_inline struct uw_visiting *visiting_now(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&visiting, &zero);
}

/* Sent to one host, to which this one brings it: other copies are nobody's loss. */
static __always_inline bool is_unicast(const struct uw_addr *a, __u8 family)
{
	return family == 4 ? a->b[0] < 224 : a->b[0] != 0xff;
}

static __always_inline bool is_known(const struct uw_packet *p)
{
	return bpf_map_lookup_elem(&recent, &p->key) || bpf_map_lookup_elem(&unfollowed, &p->key);
}

/* Whether a request that no entry knows came from beyond the scope. */
static __always_inline bool comes_from_beyond(struct sk_buff *skb, const struct uw_packet *p,
					      const struct net_device *dev, __u64 now)
{
	__u8 type = BPF_CORE_READ_BITFIELD(skb, pkt_type);
	const struct uw_visiting *v = visiting_now();
	const struct sock *sk = skb_sock(skb);

	if (!v || !v->from_ns || now < v->from_ns || dev->flags & IFF_LOOPBACK)
		return false;
	if (type != PACKET_HOST && (type != PACKET_OTHERHOST || skb_passes_by(skb)))
		return false;
	/* A veth's two ends: the sender's socket comes along. */
	if (sk && scope_holds(netns_of_sock(sk)))
		return false;
	return port_protocol(p->key.server_port) && is_unicast(&p->key.server, p->key.family) && !is_known(p);
}

static __always_inline bool is_for_here(const struct uw_packet *p, __u32 netns)
{
	struct uw_here h = { .addr = p->ip.destination, .netns = netns, .family = p->key.family };

	return bpf_map_lookup_elem(&here, &h);
}

static __noinline struct uw_record *visitor_new(struct sk_buff *skb, struct uw_room *room)
{
	struct uw_packet *p = &room->packet;
	const struct net_device *dev = skb_dev(skb);
	__u64 now = bpf_ktime_get_boot_ns();
	__u32 netns = netns_of_dev(dev);
	struct uw_record *r;

	if (!comes_from_beyond(skb, p, dev, now) || !filter_key(&p->key) || !filter_device(dev))
		return NULL;
	p->key.quota = is_for_here(p, netns) ? UW_QUOTA_SERVER : UW_QUOTA_FORWARDER;
	visitors_seen = 1;
	r = query_insert(p);
	if (!r) {
		p->key.quota = 0;
		return NULL;
	}
	record_begin(r, UW_RECORD_QUERY, &p->key);
	r->netns = netns;
	r->flags = UW_Q_NO_OWNER;
	if (BPF_CORE_READ_BITFIELD(skb, pkt_type) == PACKET_OTHERHOST)
		r->flags |= UW_Q_FOR_ANOTHER;
	question_keep(r, room);
	r->send_ns = now;
	alias_note(room);
	r->id = query_new_id();
	return r;
}

/* Where it came in first. */
static __always_inline bool is_first_device(const struct uw_record *r, const struct net_device *dev)
{
	return !r->hops || (r->path[0].ifindex == (__u32)dev->ifindex && r->path[0].netns == netns_of_dev(dev));
}

/* On its way in, by the first device or a further one. */
static __always_inline void visitor_arrives(struct uw_record *r, const struct sk_buff *skb, const struct uw_packet *p,
					    const struct net_device *dev)
{
	if (is_first_device(r, dev)) {
		query_attempt(r, skb, bpf_ktime_get_boot_ns());
		count(UW_STAT_visitors);
	}
	if (is_for_here(p, netns_of_dev(dev)))
		r->flags |= UW_Q_FOR_HERE;
	else
		r->flags &= ~UW_Q_FOR_HERE;
}

/* Whether a device leads out: hardware does, and that by which the request came in. */
static __always_inline bool leads_out(const struct uw_record *r, const struct net_device *dev)
{
	return !dev->rtnl_link_ops || is_first_device(r, dev);
}

/*
 * A reply is in the hands of a driver. Returns whether the query is done when that took it: a fragment is not
 * all of it, and what becomes of the others is waited for.
 */
static __always_inline bool visitor_reply_leaves(struct uw_record *r, const struct uw_packet *p,
						 const struct net_device *dev)
{
	r->reply_out_ns = bpf_ktime_get_boot_ns();
	if (!leads_out(r, dev))
		return false;
	if (!reply_untranslated(r, p))
		return !p->ip.fragment;
	/* The client will not take it for what it asked for. */
	r->flags |= UW_Q_UNTRANSLATED;
	return false;
}

/* Filters on who serves it, and where. */
static __always_inline bool visitor_wanted(const struct uw_record *r)
{
	if (!filter_netns(r->netns))
		return false;
	return !(uw_config.pid || uw_config.comm[0]) || (r->task.pid && filter_task(&r->task));
}

static __always_inline __u64 way_hash(const struct uw_drop *d)
{
	__u64 hash = 0;
	int i;

#pragma unroll
	for (i = 0; i < FLOOD_FRAMES; i++)
		hash = hash * 31 + d->stack[i];
	return hash;
}

/* Counted by its cause; the first one's record tells what that is. */
static __noinline int flood_count(const struct uw_record *r, __u8 dir)
{
	const struct uw_drop *d = &r->drop[dir & 1];
	struct uw_flood_key k = {
		.location = d->location, .way = way_hash(d), .reason = d->reason, .netns = d->netns,
		.server_port = r->key.server_port, .family = r->key.family, .protocol = r->key.protocol,
		.quota = r->key.quota, .dir = dir, .mark = d->mark,
	};
	struct uw_record *first;

	if (k.quota == UW_QUOTA_SERVER)
		k.server = r->key.server;
	first = bpf_map_lookup_elem(&floods, &k);
	if (!first) {
		bpf_map_update_elem(&floods, &k, (void *)r, BPF_NOEXIST);
		first = bpf_map_lookup_elem(&floods, &k);
	}
	if (first)
		__sync_fetch_and_add(&first->times, 1);
	else
		count(UW_STAT_causes_full);
	return 0;
}

/* A visitor's packet was freed here, which its record tells: it is kept while there is room. */
static __noinline int visitor_dropped(struct uw_record *r, __u8 dir)
{
	struct uw_visiting *v = visiting_now();
	struct uw_query_key k = r->key;
	__u32 quota = k.quota;

	if (!v || quota >= UW_QUOTAS)
		return 0;
	if (v->room[quota] > 0) {
		__sync_fetch_and_add(&v->room[quota], -1);
		return 0;
	}
	if (!query_claim(r))
		return 0;
	if (visitor_wanted(r))
		flood_count(r, dir);
	query_delete(&k);
	return 0;
}

/* A socket here answers. */
static __always_inline void visitor_answered(struct uw_record *r, const struct uw_packet *p)
{
	if (!r->answer.when_ns)
		answer_note(r, p, bpf_ktime_get_boot_ns());
}

/* The reply left. Bad ones among the rest are user space's: late ones, failures that have a cause here. */
static __noinline int visitor_close(struct uw_record *r, __u64 now)
{
	struct uw_query_key k = r->key;

	if (!query_claim(r))
		return 0;
	r->reply_out_ns = r->answer.when_ns = now;
	count(r->flags & UW_Q_REPLY_SENT ? UW_STAT_served : UW_STAT_forwarded);
	r->answer.late = now - r->send_ns > uw_config.timeout_ns;
	if (uw_config.all || r->answer.late || answer_fails_here(r))
		query_send_up(r);
	else if (visitor_wanted(r))
		query_fold(r);
	query_delete(&k);
	return 0;
}

#endif
