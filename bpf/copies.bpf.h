/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the packets are that a request's last attempt became. Only when all of them left is the request
 * beyond; when the last one outside comes in again, it is back.
 */
#ifndef UW_COPIES_BPF_H
#define UW_COPIES_BPF_H

#include "skb.bpf.h"

/* @skb: NULL finds room for another. */
static __always_inline __u64 *copy_find(struct uw_record *r, const struct sk_buff *skb)
{
	__u32 i;

#pragma unroll
	for (i = 0; i < UW_COPIES; i++) {
		if ((r->copy[i] & ~UW_COPY_OUT) == (__u64)skb)
			return &r->copy[i];
	}
	return NULL;
}

static __always_inline void copies_forget(struct uw_record *r)
{
	__builtin_memset(r->copy, 0, sizeof(r->copy));
	r->flags &= ~(UW_Q_OUTSIDE | UW_Q_MANY_COPIES);
}

static __always_inline bool copies_all_gone(const struct uw_record *r)
{
	__u64 any = 0;
	__u32 i;

#pragma unroll
	for (i = 0; i < UW_COPIES; i++)
		any |= r->copy[i];
	return !any && !(r->flags & UW_Q_MANY_COPIES);
}

/* A copy is somewhere in the host (@out 0), or left the scope (UW_COPY_OUT). */
static __always_inline void copy_is(struct uw_record *r, const struct sk_buff *skb, __u64 out)
{
	__u64 *c = copy_find(r, skb);

	if (!c)
		c = copy_find(r, NULL);
	if (!c) {
		r->flags |= UW_Q_MANY_COPIES;
		return;
	}
	*c = (__u64)skb;
	/* Not by |: of a pointer that is no number yet. Nor with 0: clang makes it an "or" that 5.10 refuses. */
	if (out)
		__sync_fetch_and_add(c, out);
}

/* If none is outside any more, neither is the request. */
static __always_inline void copies_settle(struct uw_record *r)
{
	__u64 out = 0;
	__u32 i;

#pragma unroll
	for (i = 0; i < UW_COPIES; i++)
		out |= r->copy[i] & UW_COPY_OUT;
	if (!out && !(r->flags & UW_Q_MANY_COPIES) && r->flags & UW_Q_OUTSIDE) {
		r->flags &= ~UW_Q_OUTSIDE;
		__sync_fetch_and_add(&r->on_wire, -1);
	}
}

static __always_inline void copy_gone(struct uw_record *r, const struct sk_buff *skb)
{
	__u64 *c = copy_find(r, skb);

	if (c)
		*c = 0;
	copies_settle(r);
}

/* It came in, by a device or from the one above; known or under a new address (XDP on a veth). */
static __noinline int copy_comes_in(struct uw_record *r, const struct sk_buff *skb)
{
	__u64 *c = copy_find(r, skb);
	__u32 i;

#pragma unroll
	for (i = 0; i < UW_COPIES; i++) {
		if (!c && r->copy[i] & UW_COPY_OUT)
			c = &r->copy[i];
	}
	if (c)
		*c = (__u64)skb;
	else
		copy_is(r, skb, 0);
	copies_settle(r);
	return 0;
}

static __always_inline void copy_leaves(struct uw_record *r, const struct sk_buff *skb)
{
	copy_is(r, skb, UW_COPY_OUT);
	if (!(r->flags & UW_Q_OUTSIDE)) {
		r->flags |= UW_Q_OUTSIDE;
		__sync_fetch_and_add(&r->on_wire, 1);
	}
}

/* Whether another buffer shares its data: a copy that a bridge made, or a capture's. */
static __always_inline bool skb_shares_data(struct sk_buff *skb)
{
	const struct skb_shared_info *shared = (const void *)(skb->head + skb->end);

	return BPF_CORE_READ_BITFIELD(skb, cloned) && (BPF_CORE_READ(shared, dataref.counter) & 0xffff) != 1;
}

#endif
