/* SPDX-License-Identifier: GPL-2.0-only */
/* The in-flight table: making queries and marking their way. */
#ifndef UW_QUERY_BPF_H
#define UW_QUERY_BPF_H

#include "answer.bpf.h"
#include "copies.bpf.h"
#include "task.bpf.h"

/* A copy of the request starts: the first, or a resend while an earlier one is open. */
static __always_inline void query_attempt(struct uw_record *r, const struct sk_buff *skb, __u64 now)
{
	__sync_fetch_and_add(&r->attempts, 1);
	r->last_send_ns = now;
	r->skb = (__u64)skb;
	r->flags &= ~UW_Q_TORN;
	copies_forget(r);
	r->stage[UW_REQUEST] = UW_STAGE_SEND;
}

static __always_inline void question_keep(struct uw_record *r, const struct uw_room *room)
{
	__u32 len = room->packet.question_len;

	r->question_hash = room->packet.question_hash;
	keep_bound(len);
	/* One comparison only: of two clang makes one, on a copy that older verifiers do not link to len. */
	if (len <= UW_QUESTION_MAX) {
		r->question_len = (__u16)len;
		bpf_probe_read_kernel(r->question, len, room->body + UW_DNS_HEADER);
	}
}

static __always_inline void query_fill(struct uw_record *r, struct uw_room *room, __u32 netns,
				       const struct uw_task *task, const struct sock *sk, __u32 flags)
{
	struct uw_packet *p = &room->packet;

	record_begin(r, UW_RECORD_QUERY, &p->key);
	r->netns = netns;
	r->flags = flags | UW_Q_LOCAL_SEND;
	r->task = *task;
	r->socket = (__u64)sk;
	r->socket_number = socket_number(sk, &p->key, flags & UW_Q_RAW);
	if (!task->pid)
		r->flags |= UW_Q_NO_OWNER;
	question_keep(r, room);
}

static __always_inline void alias_note(struct uw_room *room)
{
	struct uw_packet *p = &room->packet;

	if (!p->alias || p->key.protocol != UW_PROTO_NTP)
		return;
	room->key = p->key;
	room->key.transaction = p->alias;
	room->key.slot = 0;
	room->key.quota = 0;
	alias_update(&room->key, &p->key);
}

static __always_inline void asked_note(const struct uw_query_key *k)
{
	__u32 port = k->client_port;

	keep_bound(port);
	asked[port & 0xffff] = (struct uw_asked){ .port = k->server_port, .second = second_now() };
}

/* Where it comes in again, in another namespace, it is no visitor. */
static __always_inline void unfollowed_note(const struct uw_query_key *k)
{
	struct uw_query_key key = *k;
	__u8 one = 1;

	key.slot = 0;
	if (port_protocol(key.server_port))
		bpf_map_update_elem(&unfollowed, &key, &one, BPF_ANY);
}

static __always_inline void table_full(__u32 quota)
{
	count(quota == UW_QUOTA_SERVER ? UW_STAT_server_table_full :
	      quota == UW_QUOTA_FORWARDER ? UW_STAT_forwarder_table_full : UW_STAT_table_full);
}

/* Claims a free slot in the table of p->key.quota; NULL if it is full. */
static __always_inline struct uw_record *query_insert(struct uw_packet *p)
{
	__u32 slot, quota = p->key.quota;
	void *table = bpf_map_lookup_elem(&tables, &quota);

	if (!table)
		return NULL;
	for (slot = 0; slot < UW_SLOTS; slot++) {
		long err;

		p->key.slot = slot;
		err = bpf_map_update_elem(table, &p->key, &empty_record, BPF_NOEXIST);
		if (!err) {
			if (slot >= slots_used)
				slots_used = slot + 1;
			return bpf_map_lookup_elem(table, &p->key);
		}
		if (err != -17 /* EEXIST */)
			break;
	}
	table_full(quota);
	return NULL;
}

/**
 * query_sent - a copy of a request leaves a socket in scope: find its query or make it.
 * @task: who asks, pid 0 if this context cannot tell.
 *
 * An entry past its deadline is history: it is sent up and made new.
 */
static __always_inline struct uw_record *query_sent(struct uw_room *room, const struct sk_buff *skb,
						    __u32 netns, const struct uw_task *task, __u32 flags)
{
	struct uw_packet *p = &room->packet;
	struct uw_record *r = query_find(p);
	__u64 now = bpf_ktime_get_boot_ns();

	if (r && r->id && now - r->send_ns > uw_config.timeout_ns) {
		query_send_up(r);
		query_delete(&p->key);
		p->key.quota = 0;
		r = NULL;
	}
	if (!r) {
		if (port_protocol(p->key.server_port) && filter_tuple(&p->key, netns) && filter_task(task))
			r = query_insert(p);
		if (!r) {
			unfollowed_note(&p->key);
			return NULL;
		}
		query_fill(r, room, netns, task, skb_sock(skb), flags);
		r->send_ns = now;
		asked_note(&p->key);
		alias_note(room);
		if (task->pid)
			asker_note(task->pid);
		r->id = query_new_id();
	}
	query_attempt(r, skb, now);
	count(UW_STAT_requests);
	return r;
}

/* Delivery to a socket follows on this CPU at once, unless the packet is dropped or held. */
static __always_inline void arrival_note(const struct uw_packet *p, bool known)
{
	__u32 zero = 0;
	struct uw_arrival *a = bpf_map_lookup_elem(&arrival, &zero);

	if (!a)
		return;
	a->half.key = p->key;
	a->half.dir = p->dir;
	a->when_ns = bpf_ktime_get_boot_ns();
	if (!known)
		a->when_ns = 0;
}

static __always_inline void arrival_forget(void)
{
	__u32 zero = 0;
	struct uw_arrival *a = bpf_map_lookup_elem(&arrival, &zero);

	if (a)
		a->when_ns = 0;
}

static __always_inline bool drops_alike(const struct uw_drop *a, const struct uw_drop *b)
{
	return a->location == b->location && a->reason == b->reason;
}

/* The direction's last drop makes way for the next. */
static __always_inline void drop_put_by(struct uw_record *r, const struct uw_drop *last, __u32 dir)
{
	struct uw_earlier_key k = { .id = r->id, .dir = dir };
	__u32 i;

	for (i = 0; i < UW_EARLIER_MAX; i++) {
		struct uw_drop *d;

		k.number = i;
		d = bpf_map_lookup_elem(&earlier, &k);
		if (!d) {
			if (bpf_map_update_elem(&earlier, &k, last, BPF_ANY))
				break;
			r->earlier[dir & 1] = i + 1;
			return;
		}
		if (drops_alike(d, last)) {
			__u16 copies = d->copies;

			*d = *last;
			d->copies += copies;
			return;
		}
	}
	count(UW_STAT_update_failed);
}

/*
 * A packet of the query was freed, and that was its end, or the end of a copy that nobody waits for: only
 * user space has the names that tell. @copies: whether it counts as one of the request's.
 */
static __noinline int drop_note(struct uw_record *r, const struct uw_drop *d, __u32 dir, __u32 copies)
{
	struct uw_drop *last = &r->drop[dir & 1];

	if (last->when_ns && drops_alike(last, d))
		copies += last->copies;
	else if (last->when_ns)
		drop_put_by(r, last, dir & 1);
	*last = *d;
	last->mark = r->stage[dir & 1];
	last->copies = copies;
	return 0;
}

static __always_inline bool hop_is(const struct uw_hop *h, const struct net_device *dev, __u8 dir, bool out)
{
	return h->ifindex == (__u32)dev->ifindex && h->netns == netns_of_dev(dev) && h->dir == dir && h->out == out;
}

/*
 * The device may have told of this packet already: two hooks do. A resend mostly takes the road of the first
 * copy: only a device that is new is noted.
 */
static __always_inline bool hop_known(const struct uw_record *r, const struct net_device *dev, __u8 dir, bool out)
{
	__u32 last = r->hops - 1, i;

	keep_bound(last);
	if (last < UW_PATH_MAX && hop_is(&r->path[last], dev, dir, out))
		return true;
	if (r->attempts <= 1 || dir == UW_REPLY)
		return false;
#pragma unroll
	for (i = 0; i < UW_PATH_MAX; i++) {
		if (i < r->hops && hop_is(&r->path[i], dev, dir, out))
			return true;
	}
	return false;
}

static __always_inline void query_hop(struct uw_record *r, const struct net_device *dev, __u8 dir, bool out)
{
	__u32 n = r->hops;
	struct uw_hop *h;

	if (hop_known(r, dev, dir, out))
		return;
	/* The check stands next to its use: 6.1 forgets it for what waits on the stack meanwhile. */
	keep_bound(n);
	if (n >= UW_PATH_MAX)
		return;
	h = &r->path[n];
	bpf_probe_read_kernel(h->ifname, sizeof(h->ifname), dev->name);
	h->ifindex = dev->ifindex;
	h->netns = netns_of_dev(dev);
	h->dir = dir;
	h->out = out;
	h->loopback = !!(dev->flags & IFF_LOOPBACK);
	r->hops = n + 1;
}

#endif
