/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nftables' trace of a packet, read where it is made: the filter of a netlink socket runs within
 * nft_do_chain(), between the rule's verdict and the packet's kfree_skb. Nothing is queued, so no
 * socket buffer can overflow, and a drop finds the rule of its own packet and of no other.
 */
#ifndef UW_NFT_TRACE_BPF_H
#define UW_NFT_TRACE_BPF_H

#include "query.bpf.h"

/* UAPI of netlink and nf_tables; attributes are in network byte order. */
#define NLMSG_TYPE 4
#define NFGEN_FAMILY 16
#define NFT_ATTRIBUTES 20
#define NLA_TYPE_MASK 0x3fff
#define NFT_MSG(n) (10 << 8 | (n))	/* NFNL_SUBSYS_NFTABLES */
#define NFT_MSG_NEWGEN NFT_MSG(15)
#define NFT_MSG_TRACE NFT_MSG(17)
#define NFT_TRACETYPE_POLICY 1
#define NF_VERDICT_MASK 0xff
#define NF_DROP 0

enum {
	NFTA_TRACE_TABLE = 1,
	NFTA_TRACE_CHAIN = 2,
	NFTA_TRACE_RULE_HANDLE = 3,
	NFTA_TRACE_TYPE = 4,
	NFTA_TRACE_VERDICT = 5,
	NFTA_TRACE_ID = 6,
	NFTA_TRACE_NETWORK_HEADER = 8,
	NFTA_TRACE_TRANSPORT_HEADER = 9,
	NFTA_TRACE_POLICY = 16,
};

#define TRACED_NS 1000000000ull		/* from a trace message to its packet's end, at the most */

_Static_assert((UW_RULE_NAME & (UW_RULE_NAME - 1)) == 0, "rule_name() masks with it");

static const struct uw_trace_room empty_trace = {};

/* Where the attributes are; those of unknown types are passed over. */
static __always_inline void trace_attributes(struct __sk_buff *skb, struct uw_trace_room *t)
{
	__u32 at = NFT_ATTRIBUTES, i;

	for (i = 0; i < UW_TRACE_ATTRIBUTES; i++) {
		struct { __u16 size, type; } a;
		__u32 type;

		if (bpf_skb_load_bytes(skb, at, &a, sizeof(a)) || a.size < sizeof(a))
			return;
		type = a.type & NLA_TYPE_MASK;
		keep_bound(type);
		if (type < UW_TRACE_ATTRIBUTES) {
			t->at[type] = at + sizeof(a);
			t->size[type] = a.size - sizeof(a);
		}
		at += (a.size + 3u) & ~3u;
	}
}

static __always_inline __u32 trace_u32(struct __sk_buff *skb, __u32 at, __u32 absent)
{
	__u32 v;

	return at && !bpf_skb_load_bytes(skb, at, &v, sizeof(v)) ? bpf_ntohl(v) : absent;
}

/* The verdict's code is the first attribute within; those below zero go on in the chain. */
static __always_inline __s32 trace_verdict(struct __sk_buff *skb, const struct uw_trace_room *t)
{
	__u32 at = t->at[NFTA_TRACE_VERDICT];

	return (__s32)trace_u32(skb, at ? at + 4 : 0, 1 /* NF_ACCEPT */);
}

static __always_inline bool trace_drops(struct __sk_buff *skb, const struct uw_trace_room *t, __s32 verdict)
{
	if (trace_u32(skb, t->at[NFTA_TRACE_TYPE], 0) == NFT_TRACETYPE_POLICY)
		return trace_u32(skb, t->at[NFTA_TRACE_POLICY], 1) == NF_DROP;
	return verdict >= 0 && (verdict & NF_VERDICT_MASK) == NF_DROP;
}

/* Network header as it stands in room for both families; false if it is neither. */
static __always_inline bool trace_key_ip(struct uw_trace_key *k, const __u32 header[10])
{
	__u32 version = *(const __u8 *)header >> 4;

	if (version == 4) {
		k->id = header[1] << 16 | header[0] >> 16;
		__builtin_memcpy(k->source.b, &header[3], 4);
		__builtin_memcpy(k->destination.b, &header[4], 4);
	} else {
		k->id = header[1] & bpf_htonl(0xffff0000);
		__builtin_memcpy(k->source.b, &header[2], 16);
		__builtin_memcpy(k->destination.b, &header[6], 16);
	}
	return version == 4 || version == 6;
}

/* From the message: false if it has no headers, as all but the first. */
static __always_inline bool trace_key_message(struct __sk_buff *skb, struct uw_trace_room *t)
{
	__u32 network = t->at[NFTA_TRACE_NETWORK_HEADER], transport = t->at[NFTA_TRACE_TRANSPORT_HEADER];

	if (!network || !transport || t->size[NFTA_TRACE_TRANSPORT_HEADER] != sizeof(t->key.transport))
		return false;
	if (t->size[NFTA_TRACE_NETWORK_HEADER] >= 40) {
		if (bpf_skb_load_bytes(skb, network, t->header, 40))
			return false;
	} else if (bpf_skb_load_bytes(skb, network, t->header, 20)) {
		return false;
	}
	if (bpf_skb_load_bytes(skb, transport, t->key.transport, sizeof(t->key.transport)))
		return false;
	return trace_key_ip(&t->key, t->header);
}

/* The same from a packet that was parsed. */
static __always_inline bool trace_key_packet(struct uw_room *room)
{
	struct uw_trace_key *k = &room->trace.key;
	__u32 at = room->packet.ip.transport;

	__builtin_memset(k, 0, sizeof(*k));
	keep_bound(at);
	if (at > UW_HEAD_MAX - 8 || room->packet.payload_len < 12)
		return false;
	bpf_probe_read_kernel(room->trace.header, sizeof(room->trace.header), room->head);
	bpf_probe_read_kernel(k->transport, 8, room->head + at);
	bpf_probe_read_kernel(k->transport + 2, 12, room->body);
	return trace_key_ip(k, room->trace.header);
}

static __always_inline void rule_name(struct __sk_buff *skb, const struct uw_trace_room *t, __u32 attribute,
				      char name[UW_RULE_NAME])
{
	__u32 last = t->size[attribute] - 1;

	if (!t->at[attribute] || last >= UW_RULE_NAME)
		return;
	/* Verifiers before 6.2 know both bounds of a masked value only. */
	keep_bound(last);
	bpf_skb_load_bytes(skb, t->at[attribute], name, (last & (UW_RULE_NAME - 1)) + 1);
}

static __always_inline __u64 rule_hash(const struct uw_rule *rule)
{
	const __u64 *word = (const __u64 *)rule;
	__u64 h = 0;
	__u32 i;

	for (i = 0; i < sizeof(*rule) / sizeof(*word); i++) {
		h = (h ^ word[i]) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	return h ? h : 1;
}

/* The rule's number: kept once, 0 if it cannot be. */
static __always_inline __u64 rule_keep(const struct uw_rule *rule)
{
	__u64 number = rule_hash(rule);
	struct uw_rule *kept = bpf_map_lookup_elem(&rules, &number);

	if (!kept)
		return bpf_map_update_elem(&rules, &number, rule, BPF_NOEXIST) ? 0 : number;
	if (kept->handle != rule->handle || kept->netns != rule->netns || kept->epoch != rule->epoch)
		return 0;
	return number;
}

static __always_inline __u64 rule_of_message(struct __sk_buff *skb, struct uw_trace_room *t,
					     const struct uw_rule_socket *s)
{
	__u32 handle = t->at[NFTA_TRACE_RULE_HANDLE];
	struct uw_rule *rule = &t->rule;
	__u8 family;

	if (bpf_skb_load_bytes(skb, NFGEN_FAMILY, &family, sizeof(family)))
		return 0;
	rule->family = family;
	rule->netns = s->netns;
	rule->epoch = s->epoch;
	if (handle && !bpf_skb_load_bytes(skb, handle, &rule->handle, sizeof(rule->handle)))
		rule->handle = bpf_be64_to_cpu(rule->handle);
	rule_name(skb, t, NFTA_TRACE_TABLE, rule->table);
	rule_name(skb, t, NFTA_TRACE_CHAIN, rule->chain);
	return rule->table[0] && rule->chain[0] ? rule_keep(rule) : 0;
}

/*
 * Packets that look alike may be on their way at once, on several CPUs. As long as one rule drops
 * them all it is theirs, else it is nobody's.
 */
static __always_inline void trace_note(const struct uw_trace_key *k, __u64 rule)
{
	struct uw_traced fresh = { .rule = rule, .when_ns = bpf_ktime_get_boot_ns(), .pending = 1 };
	struct uw_traced *v = bpf_map_lookup_elem(&traced, k);

	if (!v || fresh.when_ns - v->when_ns > TRACED_NS) {
		bpf_map_update_elem(&traced, k, &fresh, BPF_ANY);
		return;
	}
	if (v->rule != rule)
		v->rule = 0;
	v->when_ns = fresh.when_ns;
	__sync_fetch_and_add(&v->pending, 1);
}

/* Our own table sets the trace bit and never drops. */
static __always_inline bool trace_is_own(struct __sk_buff *skb, const struct uw_trace_room *t)
{
	char name[8] = {};

	return !bpf_skb_load_bytes(skb, t->at[NFTA_TRACE_TABLE], name, 7) &&
	       *(__u64 *)name == *(const __u64 *)UW_OWN_TABLE;
}

static __always_inline void trace_message(struct __sk_buff *skb, struct uw_trace_room *t,
					  const struct uw_rule_socket *s)
{
	bool drops, headers;
	__s32 verdict;

	bpf_probe_read_kernel(t, sizeof(*t), &empty_trace);
	trace_attributes(skb, t);
	verdict = trace_verdict(skb, t);
	drops = trace_drops(skb, t, verdict);
	if (!drops && (verdict >= 0 || !t->at[NFTA_TRACE_NETWORK_HEADER] || trace_is_own(skb, t)))
		return;
	t->id.netns = t->key.netns = s->netns;
	t->id.id = trace_u32(skb, t->at[NFTA_TRACE_ID], 0);
	headers = trace_key_message(skb, t);
	if (!drops) {
		if (headers)
			bpf_map_update_elem(&trace_ids, &t->id, &t->key, BPF_ANY);
		return;
	}
	if (!headers) {
		struct uw_trace_key *k = bpf_map_lookup_elem(&trace_ids, &t->id);

		if (!k)
			return;
		t->key = *k;
		bpf_map_delete_elem(&trace_ids, &t->id);
	}
	trace_note(&t->key, rule_of_message(skb, t, s));
}

/* Returns how much of the message is to be queued: only "the ruleset is another now" is. */
static __always_inline int on_nft_message(struct __sk_buff *skb)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	struct uw_rule_socket *s = bpf_map_lookup_elem(&rule_sockets, &cookie);
	struct uw_room *room;
	__u16 type;

	if (!s || bpf_skb_load_bytes(skb, NLMSG_TYPE, &type, sizeof(type)))
		return 0;
	if (type == NFT_MSG_NEWGEN) {
		s->changed_ns = bpf_ktime_get_boot_ns();
		__sync_fetch_and_add(&s->epoch, 1);
		return -1;
	}
	if (type != NFT_MSG_TRACE)
		return 0;
	room = room_enter();
	if (room) {
		trace_message(skb, &room->trace, s);
		room_leave(room);
	}
	return 0;
}

/**
 * rule_of_drop - the number of the rule whose trace of this very packet came just before.
 * @room: its packet was parsed; netns: where it is freed, 0 unknown.
 */
static __always_inline __u64 rule_of_drop(struct uw_room *room, __u32 netns)
{
	struct uw_trace_key *k = &room->trace.key;
	struct uw_traced *v;
	__u64 rule = 0;

	if (!uw_config.nft_trace || !netns || !trace_key_packet(room))
		return 0;
	k->netns = netns;
	v = bpf_map_lookup_elem(&traced, k);
	if (!v)
		return 0;
	if (bpf_ktime_get_boot_ns() - v->when_ns <= TRACED_NS)
		rule = v->rule;
	if ((__s64)take_one(&v->pending) <= 0)
		bpf_map_delete_elem(&traced, k);
	return rule;
}

#endif
