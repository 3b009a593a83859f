/* SPDX-License-Identifier: GPL-2.0-only */
/* The in-flight table: making, finding, marking and closing queries. */
#ifndef UW_QUERY_BPF_H
#define UW_QUERY_BPF_H

#include "asking.bpf.h"

#define IPS_DST_NAT (1 << 5)
#define UW_SLOTS 4 /* open DNS queries that share a tuple and an id but not the question */

static const struct uw_record empty_record = {};
static const struct uw_flow_value empty_flow = {};
__u32 slots_used = 1; /* grows once two questions shared an id; saves the search until then */

/* Two readers' CPUs may want to close a query: true for the first. */
static __always_inline bool query_claim(struct uw_record *r)
{
#ifdef UW_PLAIN
	return claim(~r->id);
#else
	return !__sync_fetch_and_or(&r->closed, 1);
#endif
}

static __always_inline bool question_fits(const struct uw_record *r, const struct uw_packet *p)
{
	return !p->question_hash || !r->question_hash || r->question_hash == p->question_hash;
}

/* On success p->key is the entry's, slot included. */
static __noinline struct uw_record *query_find(struct uw_packet *p)
{
	__u32 slot;

	for (slot = 0; slot < UW_SLOTS && slot < slots_used; slot++) {
		struct uw_record *r;

		p->key.slot = slot;
		r = bpf_map_lookup_elem(&queries, &p->key);
		if (r && question_fits(r, p))
			return r;
	}
	p->key.slot = 0;
	return NULL;
}

/* On success p->key becomes the query's own. */
static __noinline struct uw_record *query_find_alias(struct uw_packet *p)
{
	struct uw_query_key *own;
	struct uw_record *r;

	p->key.slot = 0;
	own = bpf_map_lookup_elem(&aliases, &p->key);
	if (!own)
		return NULL;
	r = bpf_map_lookup_elem(&queries, own);
	if (!r || !question_fits(r, p))
		return NULL;
	p->key = *own;
	return r;
}

static __always_inline struct uw_record *query_of(struct uw_packet *p)
{
	struct uw_record *r;

	if (p->from_port)
		return NULL;
	r = query_find(p);
	return r ? r : query_find_alias(p);
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

/*
 * A request of ours whose port was translated to one that is not traced: from now on that one is looked
 * at too. Few packets are translated: the entry's status is the first look.
 */
static __always_inline bool skb_translated(const struct sk_buff *skb)
{
	struct nf_conn *ct = (struct nf_conn *)(skb->_nfct & ~7ul);
	__u32 to;
	__u16 port[2];
	__u8 protocol;

	if (!bpf_core_type_exists(struct nf_conn) || !ct || !(BPF_CORE_READ(ct, status) & IPS_DST_NAT) ||
	    !skb_udp_ports(skb, port))
		return false;
	protocol = port_protocol(bpf_ntohs(BPF_CORE_READ(ct, tuplehash[0].tuple.dst.u.all)));
	to = port[1];
	keep_bound(to);
	if (!protocol || !asked_from(port[0]))
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

/* The new tuple becomes an alias, so that the reply finds the query before it is translated back. */
static __always_inline void nat_note(struct uw_record *r, const struct uw_query_key *wire,
				     const struct uw_query_key *own)
{
	bpf_map_update_elem(&aliases, wire, own, BPF_ANY);
	r->nat.client = wire->client;
	r->nat.server = wire->server;
	r->nat.client_port = wire->client_port;
	r->nat.server_port = wire->server_port;
	r->nat.seen = true;
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
	r = query_find(p);
	if (!r) {
		p->key = room->key;
		return NULL;
	}
	nat_note(r, &room->key, &p->key);
	return r;
}

static __always_inline void task_fill(struct uw_task *t, struct task_struct *task)
{
	/* netfilter programs may not call the helpers for these (the first ones since 6.10) */
	t->pid = BPF_CORE_READ(task, tgid);
	t->tid = BPF_CORE_READ(task, pid);
	t->uid = BPF_CORE_READ(task, cred, uid.val);
	/* The task's, not its socket's: that one is of whoever made the socket. */
	t->cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	t->started_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	/* The process may be gone when user space comes to look. */
	bpf_probe_read_kernel_str(t->exe, sizeof(t->exe),
				  BPF_CORE_READ(task, mm, exe_file, f_path.dentry, d_name.name));
	/* A thread's own name says less than its process's. */
	BPF_CORE_READ_INTO(&t->comm, task, group_leader, comm);
}

static __always_inline void task_current(struct uw_task *t)
{
	task_fill(t, (struct task_struct *)bpf_get_current_task());
}

/*
 * Who sends, at a socket's way out, which a program's socket takes only in a system call of its own. A
 * kernel's socket (no file: a tunnel, a network file system) sends in whatever task it finds itself.
 */
static __always_inline void task_sending(struct uw_task *t, const struct sock *sk)
{
	if (BPF_CORE_READ(sk, sk_socket, file))
		task_current(t);
}

/* A process that asks is remembered, so that its end is told to its open queries. */
static __always_inline void asker_note(__u32 pid)
{
	__u64 *ended = bpf_map_lookup_elem(&askers, &pid), zero = 0;

	if (!ended)
		bpf_map_update_elem(&askers, &pid, &zero, BPF_ANY);
	else if (*ended)
		*ended = 0;
}

static __always_inline void query_send_up(const struct uw_record *r)
{
	if (bpf_ringbuf_output(&ring, (void *)r, sizeof(*r), 0))
		count(UW_STAT_ring_full);
}

/* Zeroed before it is filled: no stale kernel bytes go up. (Too large for clang's own memset.) */
static __always_inline void record_zero(struct uw_record *r)
{
	bpf_probe_read_kernel(r, sizeof(*r), &empty_record);
}

static __always_inline void record_begin(struct uw_record *r, __u16 kind, const struct uw_query_key *k)
{
	r->version = UW_RECORD_VERSION;
	r->kind = kind;
	r->size = sizeof(*r);
	r->key = *k;
}

/* Room in the ring for a record that is no query's entry, begun; NULL and counted if it is full. */
static __always_inline struct uw_record *record_reserve(__u16 kind, const struct uw_query_key *k)
{
	struct uw_record *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);

	if (!r) {
		count(UW_STAT_ring_full);
		return NULL;
	}
	record_zero(r);
	record_begin(r, kind, k);
	return r;
}

/* A copy of the request starts: the first, or a resend while an earlier one is open. */
static __always_inline void query_attempt(struct uw_record *r, const struct sk_buff *skb, __u64 now)
{
	__sync_fetch_and_add(&r->attempts, 1);
	r->last_send_ns = now;
	r->skb = (__u64)skb;
	r->flags &= ~(UW_Q_OUTSIDE | UW_Q_TORN);
	r->stage[UW_REQUEST] = UW_STAGE_SEND;
	count(UW_STAT_requests);
}

/* The last copy is not beyond the scope after all: it came in again, or waits at a lower device. */
static __always_inline void request_inside(struct uw_record *r)
{
	if (r->flags & UW_Q_OUTSIDE) {
		r->flags &= ~UW_Q_OUTSIDE;
		__sync_fetch_and_add(&r->on_wire, -1);
	}
}

static __always_inline void query_fill(struct uw_record *r, struct uw_room *room, __u32 netns,
				       const struct uw_task *task, const struct sock *sk, __u32 flags)
{
	struct uw_packet *p = &room->packet;
	__u32 len = p->question_len;

	record_begin(r, UW_RECORD_QUERY, &p->key);
	r->netns = netns;
	r->flags = flags | UW_Q_LOCAL_SEND;
	r->task = *task;
	r->socket = (__u64)sk;
	r->socket_number = socket_number(sk, &p->key, flags & UW_Q_RAW);
	r->question_hash = p->question_hash;
	if (!task->pid)
		r->flags |= UW_Q_NO_OWNER;
	keep_bound(len);
	/* One comparison only: of two clang makes one, on a copy that older verifiers do not link to len. */
	if (len <= UW_QUESTION_MAX) {
		r->question_len = (__u16)len;
		bpf_probe_read_kernel(r->question, len, room->body + UW_DNS_HEADER);
	}
}

static __always_inline void alias_note(struct uw_room *room)
{
	struct uw_packet *p = &room->packet;

	if (!p->alias || p->key.protocol != UW_PROTO_NTP)
		return;
	room->key = p->key;
	room->key.transaction = p->alias;
	bpf_map_update_elem(&aliases, &room->key, &p->key, BPF_ANY);
}

static __always_inline void asked_note(const struct uw_query_key *k)
{
	__u32 port = k->client_port;

	keep_bound(port);
	asked[port & 0xffff] = (struct uw_asked){ .port = k->server_port, .second = second_now() };
}

/* Claims a free slot; NULL if the table is full. */
static __always_inline struct uw_record *query_insert(struct uw_packet *p)
{
	__u32 slot;

	for (slot = 0; slot < UW_SLOTS; slot++) {
		long err;

		p->key.slot = slot;
		err = bpf_map_update_elem(&queries, &p->key, &empty_record, BPF_NOEXIST);
		if (!err) {
			if (slot >= slots_used)
				slots_used = slot + 1;
			return bpf_map_lookup_elem(&queries, &p->key);
		}
		if (err != -17 /* EEXIST */)
			break;
	}
	count(UW_STAT_table_full);
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
		bpf_map_delete_elem(&queries, &p->key);
		r = NULL;
	}
	if (!r) {
		if (!port_protocol(p->key.server_port) || !filter_tuple(&p->key, netns) || !filter_task(task))
			return NULL;
		r = query_insert(p);
		if (!r)
			return NULL;
		query_fill(r, room, netns, task, skb->sk, flags);
		r->send_ns = now;
		asked_note(&p->key);
		alias_note(room);
		if (task->pid)
			asker_note(task->pid);
		r->id = query_new_id();
	}
	query_attempt(r, skb, now);
	return r;
}

/* Delivery to a socket follows on this CPU at once, unless the packet is dropped or held. */
static __always_inline void arrival_note(const struct uw_packet *p, bool known)
{
	__u32 zero = 0;
	struct uw_arrival *a = bpf_map_lookup_elem(&arrival, &zero);

	if (!a)
		return;
	a->key = p->key;
	a->dir = p->dir;
	a->when_ns = bpf_ktime_get_boot_ns();
	if (!known)
		a->key.family = 0;
}

static __always_inline void arrival_forget(void)
{
	__u32 zero = 0;
	struct uw_arrival *a = bpf_map_lookup_elem(&arrival, &zero);

	if (a)
		a->key.family = 0;
}

/* Anybody can send replies and errors that nobody asked for: they may not fill the ring. */
struct uw_budget {
	__u64 second, used;
};
static struct uw_budget stray_budget = {}, icmp_budget = {};

static __always_inline bool budget_takes(struct uw_budget *b, __u64 limit, __u64 now, __u32 stat)
{
	__u64 second = now / 1000000000;

	if (b->second != second) {
		b->second = second;
		b->used = 0;
	}
	if (add_one(&b->used) <= limit)
		return true;
	count(stat);
	return false;
}

static __always_inline __u32 log2_bucket(__u64 v)
{
	__u32 n = 0;

	if (v >= 1ull << 32)
		return UW_RTT_BUCKETS - 1;
	if (v >= 1 << 16) { v >>= 16; n += 16; }
	if (v >= 1 << 8) { v >>= 8; n += 8; }
	if (v >= 1 << 4) { v >>= 4; n += 4; }
	if (v >= 1 << 2) { v >>= 2; n += 2; }
	if (v >= 1 << 1) n += 1;
	return n;
}

/* From the send to the queueing of the answer, as uw_query_duration_ns() has it. */
static __always_inline __u64 query_rtt_us(const struct uw_record *r)
{
	return r->answer.when_ns > r->send_ns ? (r->answer.when_ns - r->send_ns) / 1000 : 0;
}

/* A flow's counts, made if there are none; NULL and counted if the table is full. */
static __noinline struct uw_flow_value *flow_of(const struct uw_query_key *q, __u32 netns, bool local)
{
	struct uw_flow_key k = {};
	struct uw_flow_value *v;

	k.client = q->client;
	k.server = q->server;
	k.netns = netns;
	k.server_port = q->server_port;
	k.family = q->family;
	k.protocol = q->protocol;
	k.fixed = uw_port_fixed(q->client_port, q->server_port);
	k.local = local;
	v = bpf_map_lookup_elem(&flows, &k);
	if (v)
		return v;
	bpf_map_update_elem(&flows, &k, &empty_flow, BPF_NOEXIST);
	v = bpf_map_lookup_elem(&flows, &k);
	if (!v)
		count(UW_STAT_flow_table_full);
	return v;
}

static __always_inline struct uw_recent recent_of(const struct uw_record *r)
{
	return (struct uw_recent){
		.question_hash = r->question_hash, .digest = r->answer.digest, .netns = r->netns,
		.local = !!(r->flags & UW_Q_REPLY_SENT), .probe = r->task.pid == uw_config.tool_pid,
	};
}

/* Ruling 7: the first answer closed or will, another one came. */
static __noinline int answer_again(const struct uw_query_key *k, const struct uw_recent *first, __u32 digest)
{
	bool conflicting = uw_answers_conflict(first->digest, digest);
	struct uw_flow_value *v = first->probe ? NULL : flow_of(k, first->netns, first->local);

	count(conflicting ? UW_STAT_conflicting : UW_STAT_duplicate);
	if (v)
		__sync_fetch_and_add(conflicting ? &v->conflicting : &v->duplicate, 1);
	return 0;
}

/* A further answer to a query that still is open: to be read, or freed here. */
static __always_inline void answer_again_open(const struct uw_record *r, const struct uw_packet *p)
{
	struct uw_recent first = recent_of(r);

	answer_again(&r->key, &first, p->digest);
}

/* Whether this reply's query was answered before. To another question of its port and id it is none. */
static __noinline bool answered_again(struct uw_packet *p)
{
	bool answered = false;
	__u32 slot;

	for (slot = 0; slot < UW_SLOTS && slot < slots_used; slot++) {
		struct uw_recent *first;

		p->key.slot = slot;
		first = bpf_map_lookup_elem(&recent, &p->key);
		if (!first || (first->question_hash && p->question_hash &&
			       first->question_hash != p->question_hash))
			continue;
		answer_again(&p->key, first, p->digest);
		answered = true;
		break;
	}
	p->key.slot = 0;
	return answered;
}

/*
 * A reply, delivered or (with @d) freed here, that belongs to no query we know: to one answered
 * before, to one from before our start, from another address than was asked, or forged.
 */
static __always_inline void stray_reply(struct uw_packet *p, __u32 netns, const struct uw_drop *d)
{
	__u64 now = bpf_ktime_get_boot_ns();
	struct uw_record *r;

	if (!port_protocol(p->key.server_port))
		return;
	if (!p->from_port && answered_again(p))
		return;
	count(UW_STAT_unmatched);
	if (!budget_takes(&stray_budget, UW_STRAYS_A_SECOND, now, UW_STAT_strays_limited))
		return;
	r = record_reserve(UW_RECORD_STRAY, &p->key);
	if (!r)
		return;
	r->id = query_new_id();
	r->netns = netns;
	r->wire_in_ns = now;
	r->question_hash = p->question_hash;
	r->from_port = p->from_port;
	if (d)
		r->drop[UW_REPLY] = *d;
	r->replies = 1;
	bpf_ringbuf_submit(r, 0);
}

/* A good answer costs no record: it is counted in its flow. */
static __noinline int query_fold(const struct uw_record *r)
{
	struct uw_flow_value *v = flow_of(&r->key, r->netns, !!(r->flags & UW_Q_REPLY_SENT));
	__u64 rtt = query_rtt_us(r);

	if (!v)
		return 0;
	__sync_fetch_and_add(&v->answered, 1);
	__sync_fetch_and_add(&v->attempts, r->attempts);
	__sync_fetch_and_add(&v->rtt[log2_bucket(rtt) & (UW_RTT_BUCKETS - 1)], 1);
	v->last_good_ns = r->send_ns;
	if (rtt > v->rtt_max_us)
		v->rtt_max_us = rtt;
	__builtin_memcpy(v->comm, r->task.comm, sizeof(v->comm));
	__builtin_memcpy(v->exe, r->task.exe, sizeof(v->exe));
	v->pid = r->task.pid;
	v->client_port = r->key.client_port;
	return 0;
}

/* A local server that failed may have a cause of its own (ruling 8): user space looks for it. */
static __always_inline bool answer_fails_here(const struct uw_record *r)
{
	return r->flags & UW_Q_REPLY_SENT && uw_answer_servfail(r->key.protocol, &r->answer);
}

static __always_inline void answer_note(struct uw_record *r, const struct uw_packet *p, __u64 now)
{
	r->answer.when_ns = now;
	r->answer.flags = p->dns_flags;
	r->answer.mode = p->ntp_mode;
	r->answer.stratum = p->ntp_stratum;
	r->answer.refid = p->refid;
	r->answer.digest = p->digest;
	r->answer.kod = p->key.protocol == UW_PROTO_NTP && uw_ntp_kiss(p->ntp_stratum, p->refid);
}

/* The first valid answer reached its reader (or, for a raw socket, the wire): the query is done. */
static __noinline int query_close(struct uw_record *r, __u64 now)
{
	struct uw_recent first = recent_of(r);
	struct uw_query_key k = r->key;
	bool truncated;

	if (!query_claim(r))
		return 0;
	r->answer.late = now - r->send_ns > uw_config.timeout_ns;
	bpf_map_update_elem(&recent, &k, &first, BPF_ANY);
	count(UW_STAT_answered);
	answer_serves(r, now);
	truncated = truncated_note(r, now);
	if (r->answer.late || uw_config.all || uw_answer_refuses(r->key.protocol, &r->answer) ||
	    answer_fails_here(r) || truncated || r->task.pid == uw_config.tool_pid)
		query_send_up(r);
	else
		query_fold(r);
	bpf_map_delete_elem(&queries, &k);
	return 0;
}

/* A resend mostly takes the road of the first copy: only a device that is new is noted. */
static __always_inline bool hop_known(const struct uw_record *r, const struct net_device *dev, __u8 dir, bool out)
{
	__u32 netns = netns_of_dev(dev), ifindex = dev->ifindex, i;

	if (r->attempts <= 1 || dir == UW_REPLY)
		return false;
#pragma unroll
	for (i = 0; i < UW_PATH_MAX; i++) {
		const struct uw_hop *h = &r->path[i];

		if (i < r->hops && h->ifindex == ifindex && h->netns == netns && h->dir == dir && h->out == out)
			return true;
	}
	return false;
}

static __always_inline void query_hop(struct uw_record *r, const struct net_device *dev, __u8 dir, bool out)
{
	__u32 n = r->hops;
	struct uw_hop *h;

	keep_bound(n);
	if (n >= UW_PATH_MAX || hop_known(r, dev, dir, out))
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
