/* SPDX-License-Identifier: GPL-2.0-only */
/* What an answer does: it closes its query and counts in its flow, or is a further one, or nobody asked for it. */
#ifndef UW_ANSWER_BPF_H
#define UW_ANSWER_BPF_H

#include "evidence.bpf.h"
#include "find.bpf.h"
#include "ring.bpf.h"

static const struct uw_flow_value empty_flow = {};

/* Two readers' CPUs may want to close a query: true for the first. */
static __always_inline bool query_claim(struct uw_record *r)
{
#ifdef UW_PLAIN
	return claim(~r->id);
#else
	return !__sync_fetch_and_or(&r->closed, 1);
#endif
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

__u64 served_prefixes = 0;

/* Anybody can make up addresses: a server's clients are counted by prefix, and too many of these as one. */
static __always_inline void flow_key_serve(struct uw_flow_key *k)
{
	__u32 kept = k->family == 4 ? 3 : 6, i;

#pragma unroll
	for (i = 3; i < sizeof(k->client.b); i++) {
		if (i >= kept)
			k->client.b[i] = 0;
	}
}

/* A flow's counts, made if there are none; NULL and counted if the table is full. */
static __noinline struct uw_flow_value *flow_of(const struct uw_query_key *q, __u32 netns, __u8 role)
{
	__u32 quota = q->quota;
	void *table = bpf_map_lookup_elem(&flow_tables, &quota);
	struct uw_flow_key k = {};
	struct uw_flow_value *v;

	if (!table)
		return NULL;
	k.client = q->client;
	k.server = q->server;
	k.netns = netns;
	k.server_port = q->server_port;
	k.family = q->family;
	k.protocol = q->protocol;
	k.fixed = uw_port_fixed(q->client_port, q->server_port);
	k.role = role;
	if (role == UW_ROLE_SERVER)
		flow_key_serve(&k);
	v = bpf_map_lookup_elem(table, &k);
	if (v)
		return v;
	if (role == UW_ROLE_SERVER && served_prefixes >= UW_SERVED_FLOWS * 3 / 4)
		__builtin_memset(&k.client, 0, sizeof(k.client));
	if (!bpf_map_update_elem(table, &k, &empty_flow, BPF_NOEXIST) && role == UW_ROLE_SERVER)
		__sync_fetch_and_add(&served_prefixes, 1);
	v = bpf_map_lookup_elem(table, &k);
	if (!v)
		count(UW_STAT_flow_table_full);
	return v;
}

/* Once it is answered. */
static __always_inline __u8 role_of(const struct uw_record *r)
{
	bool sent = r->flags & UW_Q_REPLY_SENT;

	if (is_visitor(r))
		return sent ? UW_ROLE_SERVER : UW_ROLE_FORWARDER;
	return sent ? UW_ROLE_LOCAL : UW_ROLE_CLIENT;
}

static __always_inline struct uw_recent recent_of(const struct uw_record *r)
{
	return (struct uw_recent){
		.question_hash = r->question_hash, .digest = r->answer.digest, .netns = r->netns,
		.role = role_of(r), .probe = r->task.pid == uw_config.tool_pid,
	};
}

/* Ruling 7: the first answer closed or will, another one came. */
static __noinline int answer_again(const struct uw_query_key *k, const struct uw_recent *first, __u32 digest)
{
	bool conflicting = uw_answers_conflict(first->digest, digest);
	struct uw_flow_value *v = first->probe ? NULL : flow_of(k, first->netns, first->role);

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
uw_global __noinline int answered_again(struct uw_packet *p)
{
	struct uw_query_key k;
	__u32 slot;

	if (!p)
		return false;
	p->key.slot = 0;
	k = p->key;	/* a copy: see query_search() */
	for (slot = 0; slot < UW_SLOTS && slot < slots_used; slot++) {
		struct uw_recent *first;

		k.slot = slot;
		first = bpf_map_lookup_elem(&recent, &k);
		if (!first || (first->question_hash && p->question_hash &&
			       first->question_hash != p->question_hash))
			continue;
		answer_again(&k, first, p->digest);
		return true;
	}
	return false;
}

static __always_inline struct uw_record *stray_reserve(const struct uw_packet *p, __u32 netns, __u64 now)
{
	struct uw_record *r = record_reserve(UW_RECORD_STRAY, &p->key);

	if (!r)
		return NULL;
	r->id = query_new_id();
	r->netns = netns;
	r->wire_in_ns = now;
	r->question_hash = p->question_hash;
	r->from_port = p->from_port;
	r->replies = 1;
	return r;
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
	r = stray_reserve(p, netns, now);
	if (!r)
		return;
	if (d) {
		r->drop[UW_REPLY] = *d;
		r->wire_in_ns = d->when_ns; /* no later */
	}
	bpf_ringbuf_submit(r, 0);
}

/* A socket here sends a reply that nobody asked it for: from another address than was asked, perhaps. */
static __always_inline void reply_unasked(struct uw_packet *p, __u32 netns)
{
	__u64 now = bpf_ktime_get_boot_ns();
	struct uw_record *r;

	if (!port_protocol(p->key.server_port) ||
	    !budget_takes(&unasked_budget, UW_STRAYS_A_SECOND, now, UW_STAT_strays_limited))
		return;
	r = stray_reserve(p, netns, now);
	if (!r)
		return;
	r->flags = UW_Q_REPLY_SENT;
	bpf_ringbuf_submit(r, 0);
}

/* Two CPUs may do so at once: then a time is off by what lies between them, or one run is cut in two. */
static __always_inline void flow_run(struct uw_flow_value *v, __u64 sent_ns, __u64 before)
{
	struct uw_run_good *run = &v->run[(v->runs - 1) % UW_RUNS];
	__s64 later = (__s64)(sent_ns - run->last_ns);

	if (v->runs && later <= UW_RUN_GAP_NS) {
		if (later > 0)
			run->last_ns = sent_ns;
		return;
	}
	run = &v->run[v->runs % UW_RUNS];
	run->first_ns = run->last_ns = sent_ns;
	run->before = before;
	v->runs++;
}

/* How many there were before this one. Old verifiers know no atomic that tells: two at once may share a number. */
static __always_inline __u64 answered_before(struct uw_flow_value *v)
{
#ifdef UW_PLAIN
	__u64 before = v->answered;

	__sync_fetch_and_add(&v->answered, 1);
	return before;
#else
	return __sync_fetch_and_add(&v->answered, 1);
#endif
}

/* A good answer costs no record: it is counted in its flow. */
static __noinline int query_fold(const struct uw_record *r)
{
	struct uw_flow_value *v = flow_of(&r->key, r->netns, role_of(r));
	__u64 rtt = query_rtt_us(r);

	if (!v)
		return 0;
	flow_run(v, r->send_ns, answered_before(v));
	__sync_fetch_and_add(&v->attempts, r->attempts);
	__sync_fetch_and_add(&v->rtt[log2_bucket(rtt) & (UW_RTT_BUCKETS - 1)], 1);
	v->last_good_ns = r->send_ns;
	if (r->answer.unsynchronised) {
		__sync_fetch_and_add(&v->unsynchronised, 1);
		v->last_unsynchronised_ns = r->send_ns;
	}
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
	r->answer.stratum = p->ntp_stratum;
	r->answer.refid = p->refid;
	r->answer.digest = p->digest;
	r->answer.kod = p->key.protocol == UW_PROTO_NTP && uw_ntp_kiss(p->ntp_stratum, p->refid);
	r->answer.unsynchronised = p->key.protocol == UW_PROTO_NTP &&
				   uw_ntp_unsynchronised(p->ntp_leap, p->ntp_stratum, p->refid);
}

/* The first valid answer reached its reader (or, for a raw socket, the wire): the query is done. */
uw_global __noinline int query_close(struct uw_record *r, __u64 now)
{
	struct uw_recent first;
	struct uw_query_key k;
	bool truncated;

	if (!r || !query_claim(r))
		return 0;
	first = recent_of(r);
	k = r->key;
	r->answer.late = now - r->send_ns > uw_config.timeout_ns;
	bpf_map_update_elem(&recent, &k, &first, BPF_ANY);
	count(UW_STAT_answered);
	answer_serves(r, now);
	truncated = truncated_note(r, now);
	if (r->answer.late || uw_config.all || uw_answer_refuses(r->key.protocol, &r->answer) ||
	    answer_fails_here(r) || truncated || r->task.pid == uw_config.tool_pid)
		query_send_up(r);
	else {
		evidence_forget(r->id);
		query_fold(r);
	}
	query_delete(&k);
	return 0;
}

#endif
