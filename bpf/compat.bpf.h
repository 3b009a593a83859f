/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that differs between kernels, decided by existence and never by a version number.
 * Reading an argument that a tracepoint lacks fails at load, even on a branch never taken; behind
 * bpf_core_field_exists() the loader removes the branch first.
 */
#ifndef UW_COMPAT_BPF_H
#define UW_COMPAT_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

/* trace_event_raw_kfree_skb tells what the tracepoint's prototype has: reason since c504e5c2f964
 * (5.17), rx_sk since c53795d48ee8 (6.11). */
enum skb_drop_reason {
	SKB_DROP_REASON_NOT_SPECIFIED = 2,	/* the running kernel's value is used */
};

struct trace_event_raw_kfree_skb___reason {
	enum skb_drop_reason reason;
} __attribute__((preserve_access_index));

struct trace_event_raw_kfree_skb___rx_sk {
	void *rx_sk;
} __attribute__((preserve_access_index));

static __always_inline __u32 kfree_reason(const __u64 *ctx)
{
	struct trace_event_raw_kfree_skb___reason *t = NULL;

	return bpf_core_field_exists(t->reason) ? (__u32)ctx[2] : 0;
}

/* Whether a packet was freed for a reason that says "dropped". */
static __always_inline bool reason_given(__u32 reason)
{
	return bpf_core_enum_value_exists(enum skb_drop_reason, SKB_DROP_REASON_NOT_SPECIFIED) &&
	       reason > bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NOT_SPECIFIED);
}

static __always_inline bool kfree_has_receiver(void)
{
	struct trace_event_raw_kfree_skb___rx_sk *t = NULL;

	return bpf_core_field_exists(t->rx_sk);
}

/* Keeps the compiler from undoing a bound that the verifier has to see on this very value. */
#define keep_bound(v) asm volatile("" : "+r"(v))

/* Payload outside the linear part: kfuncs for tracepoints since 6.11, for netfilter since 6.4. */
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *ptr) __ksym __weak;

#endif
