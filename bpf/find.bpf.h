/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet's query: by its transaction within its tuple, also where the tuple was translated. */
#ifndef UW_FIND_BPF_H
#define UW_FIND_BPF_H

#include "asking.bpf.h"

#define IPS_DST_NAT (1 << 5)
#define UW_SLOTS 4 /* open DNS queries that share a tuple and an id but not the question */

__u32 slots_used = 1; /* grows once two questions shared an id; saves the search until then */

__u32 visitors_seen = 0; /* likewise, once a request came in */

/* Where a key says it is. */
static __always_inline struct uw_record *query_at(const struct uw_query_key *k)
{
	__u32 quota = k->quota;
	void *table = bpf_map_lookup_elem(&tables, &quota);

	return table ? bpf_map_lookup_elem(table, k) : NULL;
}

static __always_inline void query_delete(const struct uw_query_key *k)
{
	__u32 quota = k->quota;
	void *table = bpf_map_lookup_elem(&tables, &quota);

	if (table)
		bpf_map_delete_elem(table, k);
}

/* It came in by a device: none of our sockets sent it. */
static __always_inline bool is_visitor(const struct uw_record *r)
{
	return r->key.quota != UW_QUOTA_CLIENT;
}

static __always_inline bool question_fits(const struct uw_record *r, const struct uw_packet *p)
{
	return !p->question_hash || !r->question_hash || r->question_hash == p->question_hash;
}

/*
 * Global: the verifier looks at the loop once. Whether there is one; p->key has its slot and quota then.
 * The key is a copy: 6.1 takes none for a map that is in a global function's argument.
 */
uw_global __noinline int query_search(struct uw_packet *p)
{
	__u32 i, slots = slots_used;
	struct uw_query_key k;

	if (!p)
		return false;
	k = p->key;
	for (i = 1; i < UW_QUOTAS * UW_SLOTS; i++) {
		struct uw_record *r;

		k.quota = i / UW_SLOTS;
		k.slot = i % UW_SLOTS;
		if (k.slot >= slots || (k.quota && !visitors_seen))
			continue;
		r = query_at(&k);
		if (!r || !question_fits(r, p))
			continue;
		p->key = k;
		return true;
	}
	return false;
}

/* On success p->key is the entry's, slot and quota included. Most are at the first place. */
static __noinline struct uw_record *query_find(struct uw_packet *p)
{
	struct uw_record *r;

	p->key.quota = 0;
	p->key.slot = 0;
	r = bpf_map_lookup_elem(&queries, &p->key);
	if (r && question_fits(r, p))
		return r;
	if ((slots_used > 1 || visitors_seen) && query_search(p)) {
		r = query_at(&p->key);
		if (r)
			return r;
	}
	p->key.quota = 0;
	p->key.slot = 0;
	return NULL;
}

/* Whether the packet's tuple or transaction is another name of a query; p->key becomes the query's own then. */
uw_global __noinline int alias_search(struct uw_packet *p)
{
	struct uw_query_key *own, k;
	struct uw_record *r;

	if (!p)
		return false;
	p->key.slot = 0;
	k = p->key;	/* a copy: see query_search() */
	own = bpf_map_lookup_elem(&aliases, &k);
	if (!own && visitors_seen)
		own = bpf_map_lookup_elem(&visitor_aliases, &k);
	r = own ? query_at(own) : NULL;
	if (!r || !question_fits(r, p))
		return false;
	p->key = *own;
	return true;
}

static __always_inline struct uw_record *query_of(struct uw_packet *p)
{
	struct uw_record *r;

	if (p->from_port)
		return NULL;
	r = query_find(p);
	return r || !alias_search(p) ? r : query_at(&p->key);
}

/* The tuple before translation, from the packet's conntrack entry: false without one. */
static __always_inline bool conntrack_key(const struct sk_buff *skb, struct uw_query_key *k)
{
	struct nf_conn *ct = (struct nf_conn *)(skb->_nfct & ~7ul);

	if (!bpf_core_type_exists(struct nf_conn) || !ct)
		return false;
	BPF_CORE_READ_INTO(&k->client, ct, tuplehash[0].tuple.src.u3.all);
	BPF_CORE_READ_INTO(&k->server, ct, tuplehash[0].tuple.dst.u3.all);
	k->client_port = bpf_ntohs(BPF_CORE_READ(ct, tuplehash[0].tuple.src.u.all));
	k->server_port = bpf_ntohs(BPF_CORE_READ(ct, tuplehash[0].tuple.dst.u.all));
	return true;
}

/* Of a module's type: only its place can be told, so the word there is read. */
static __always_inline __u64 conntrack_status(const struct nf_conn *ct)
{
	return word_at((const void *)ct + bpf_core_field_offset(struct nf_conn, status));
}

/*
 * A request of ours whose port was translated to one that is not traced: from now on that one is looked
 * at too. Few packets are translated: the entry's direction and status are the first look. @fresh: no hook has seen it before.
 */
static __always_inline bool skb_translated(const struct sk_buff *skb, bool fresh)
{
	struct nf_conn *ct = (struct nf_conn *)(skb->_nfct & ~7ul);
	struct skb_glance look;
	__u8 protocol;
	__u32 to;

	if (!bpf_core_type_exists(struct nf_conn) || !ct || (skb->_nfct & 7) >= 3 ||
	    !(conntrack_status(ct) & IPS_DST_NAT) || !skb_udp_ports(skb, &look))
		return false;
	protocol = port_protocol(bpf_ntohs(BPF_CORE_READ(ct, tuplehash[0].tuple.dst.u.all)));
	to = look.destination;
	keep_bound(to);
	if (!protocol || !(fresh || visitors_seen || asked_from(look.source)))
		return false;
	translated[to & 0xffff] = protocol;
	translations = 1;
	return true;
}

/*
 * Where no hook sees a request before its addresses are translated: its key before that. Only of a packet
 * in its connection's first direction (enum ip_conntrack_info; replies are 3 and above).
 */
static __always_inline bool request_untranslate(const struct sk_buff *skb, struct uw_room *room)
{
	const struct uw_query_key *k = &room->packet.key, *wire = &room->wire;

	room->wire = room->packet.key;
	return (skb->_nfct & 7) < 3 && conntrack_key(skb, &room->packet.key) &&
	       (wire->client_port != k->client_port || wire->server_port != k->server_port ||
		!uw_addr_same(&wire->client, &k->client) || !uw_addr_same(&wire->server, &k->server));
}

static __always_inline void alias_update(const struct uw_query_key *other, const struct uw_query_key *own)
{
	if (own->quota == UW_QUOTA_CLIENT)
		bpf_map_update_elem(&aliases, other, own, BPF_ANY);
	else
		bpf_map_update_elem(&visitor_aliases, other, own, BPF_ANY);
}

/*
 * The new tuple becomes an alias, so that the reply finds the query before it is translated back. An ICMP
 * error may quote no more than the tuple: then it is the newest query's.
 */
static __always_inline void nat_note(struct uw_record *r, struct uw_query_key *wire,
				     const struct uw_query_key *own, __u32 netns)
{
	alias_update(wire, own);
	wire->transaction = 0;
	if (own->quota == UW_QUOTA_CLIENT)
		bpf_map_update_elem(&wire_tuples, wire, own, BPF_ANY);
	else
		bpf_map_update_elem(&visitor_aliases, wire, own, BPF_ANY);
	wire->transaction = own->transaction;
	r->nat.client = wire->client;
	r->nat.server = wire->server;
	r->nat.client_port = wire->client_port;
	r->nat.server_port = wire->server_port;
	r->nat.netns = netns;
	r->nat.seen = true;
}

/* What of a reply is not translated back, UW_NAT_*: that is to come, or has expired. */
static __always_inline __u8 reply_untranslated(const struct uw_record *r, const struct uw_packet *p)
{
	__u8 ends = 0;

	if (!r->nat.seen)
		return 0;
	if (p->ip.destination_port != r->key.client_port || !uw_addr_same(&p->ip.destination, &r->key.client))
		ends |= UW_NAT_CLIENT;
	if (ends && p->ip.destination_port == r->nat.client_port &&
	    uw_addr_same(&p->ip.destination, &r->nat.client))
		ends |= UW_NAT_WIRE;
	if (p->ip.source_port != r->key.server_port || !uw_addr_same(&p->ip.source, &r->key.server))
		ends |= UW_NAT_SERVER;
	return ends;
}

/* A packet's query, also after its addresses or ports were translated. */
static __noinline struct uw_record *query_of_skb(struct sk_buff *skb, struct uw_room *room)
{
	struct uw_packet *p = &room->packet;
	struct uw_record *r = query_of(p);

	if (r || p->from_port)
		return r;
	room->key = p->key;
	if (!conntrack_key(skb, &p->key)) {
		p->key = room->key;
		return NULL;
	}
	/* Translated before it came here as well, it is known by the tuple that it had then. */
	r = query_of(p);
	if (!r) {
		p->key = room->key;
		return NULL;
	}
	/* A reply may be half translated back: it tells less. */
	if (p->dir == UW_REQUEST || !r->nat.seen)
		nat_note(r, &room->key, &p->key, netns_of_skb(skb));
	return r;
}

#endif
