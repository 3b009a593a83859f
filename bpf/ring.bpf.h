/* SPDX-License-Identifier: GPL-2.0-only */
/* Records on their way to user space. */
#ifndef UW_RING_BPF_H
#define UW_RING_BPF_H

#include "maps.bpf.h"

static const struct uw_record empty_record = {};

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

/* Anybody can send replies and errors that nobody asked for: they may not fill the ring. */
struct uw_budget {
	__u64 second, used;
};
static struct uw_budget stray_budget = {}, icmp_budget = {}, unasked_budget = {}, failed_budget = {};

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

#endif
