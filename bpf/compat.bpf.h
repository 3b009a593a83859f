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

/*
 * Atomics that tell the value before them and pointers to memory as arguments of global functions came
 * with 5.12 (5ca419f2864a, e5069b9c23b3), bpf_loop() with 5.17 (e6f2dd0f8067): verifiers before them refuse
 * a program that has one, even where it is never reached. Hence a plain build of the same source beside the
 * usual one; the loader takes the one that the kernel does.
 */
#ifdef UW_PLAIN

#define uw_global static

#define uw_loop(times, body, ctx)                                                                                      \
	do {                                                                                                           \
		__u32 turn;                                                                                            \
		for (turn = 0; turn < (times) && !body(turn, ctx); turn++)                                             \
			;                                                                                              \
	} while (0)

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u8);
} claims SEC(".maps");

/* True for the first who asks for this very number. */
static __always_inline bool claim(__u64 number)
{
	__u8 one = 1;

	return !bpf_map_update_elem(&claims, &number, &one, BPF_NOEXIST);
}

/* Not exact: two CPUs may be told the same number. */
static __always_inline __u64 add_one(__u64 *p)
{
	__sync_fetch_and_add(p, 1);
	return *(volatile __u64 *)p;
}

static __always_inline __u64 take_one(__u64 *p)
{
	__sync_fetch_and_add(p, -1);
	return *(volatile __u64 *)p;
}

static __always_inline void forget_value(__u64 *p, __u64 value)
{
	if (*(volatile __u64 *)p == value)
		*p = 0;
}

#else

#define uw_global

/* Up to so many turns, until @body says 1: the verifier looks at it a few times only. */
#define uw_loop(times, body, ctx) bpf_loop(times, body, ctx, 0)

static __always_inline __u64 add_one(__u64 *p)
{
	return __sync_fetch_and_add(p, 1) + 1;
}

static __always_inline __u64 take_one(__u64 *p)
{
	return __sync_fetch_and_add(p, -1) - 1;
}

/* 0 instead of @value, if it still is that. */
static __always_inline void forget_value(__u64 *p, __u64 value)
{
	__sync_val_compare_and_swap(p, value, 0);
}

#endif

enum uw_call_kind {
	UW_CALL_OTHER,
	UW_CALL_CONNECT,
	UW_CALL_WRITE,
	UW_CALL_WRITEV,
	UW_CALL_SENDTO,
	UW_CALL_SENDMSG, /* or sendmmsg(2), whose first message lies in the same place */
};

#define TS_COMPAT 2 /* arch/x86/include/asm/thread_info.h: a 32-bit call, with other numbers and arguments */

/* Which system call that sends on a socket, or connects it, @regs are of; numbers by architecture. */
static __always_inline enum uw_call_kind call_kind(struct pt_regs *regs)
{
#ifdef __TARGET_ARCH_x86
	if (BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), thread_info.status) & TS_COMPAT)
		return UW_CALL_OTHER;
	switch (BPF_CORE_READ(regs, orig_ax)) {
	case 1:
		return UW_CALL_WRITE;
	case 20:
		return UW_CALL_WRITEV;
	case 42:
		return UW_CALL_CONNECT;
	case 44:
		return UW_CALL_SENDTO;
	case 46:
	case 307:
		return UW_CALL_SENDMSG;
	}
#endif
	return UW_CALL_OTHER;
}

/* Keeps the compiler from undoing a bound that the verifier has to see on this very value. */
#define keep_bound(v) asm volatile("" : "+r"(v))

/* The kernel's own socket of a cgroup program's, since 6.2. */
extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;

/* A type for a pointer that was a number to the verifier: loads through it need no call. Since 6.2. */
#ifndef bpf_core_cast
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;
#define bpf_core_cast(ptr, type) ((typeof(type) *)bpf_rdonly_cast((ptr), bpf_core_type_id_kernel(type)))
#endif
#ifdef UW_PLAIN
#define uw_can_cast false
#else
#define uw_can_cast (bpf_rdonly_cast)
#endif

/*
 * The same pointer, but not trusted: at each load of a pointer through a trusted one the verifier looks among
 * all types of the kernel, by name, for one that says whether that is trusted too. It was a third of the start.
 */
#define uw_loose(ptr, type) (uw_can_cast ? bpf_core_cast(ptr, type) : (type *)(ptr))

/* BPF_CORE_READ() by direct loads where there is a way: @ptr is of @type, be it trusted or a number. */
#define uw_read(ptr, type, ...)                                                                                        \
	(uw_can_cast ? ___arrow(bpf_core_cast(ptr, type), __VA_ARGS__) : BPF_CORE_READ((type *)(ptr), __VA_ARGS__))

/*
 * The kernel skips a program that interrupts itself (recursion_misses): of an interrupt's packet the event is
 * lost then. Where our programs take long, none comes in between. The kfuncs are there since 6.14; only since
 * 6.15, whose verifier knows which functions may sleep (e2d8f560d176), may global ones be called meanwhile.
 */
struct bpf_subprog_info___sleep {
	bool might_sleep;
} __attribute__((preserve_access_index));

extern void bpf_local_irq_save(unsigned long *flags) __ksym __weak;
extern void bpf_local_irq_restore(unsigned long *flags) __ksym __weak;

#ifdef UW_PLAIN
#define uw_can_hold_irq false
#else
#define uw_can_hold_irq                                                                                                \
	(bpf_ksym_exists(bpf_local_irq_save) &&                                                                        \
	 bpf_core_field_exists(((struct bpf_subprog_info___sleep *)NULL)->might_sleep))
#endif

static __always_inline void irq_hold(unsigned long *flags)
{
	if (uw_can_hold_irq)
		bpf_local_irq_save(flags);
}

static __always_inline void irq_release(unsigned long *flags)
{
	if (uw_can_hold_irq)
		bpf_local_irq_restore(flags);
}

/* Payload outside the linear part: kfuncs for tracepoints since 6.11, for netfilter since 6.4. */
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *ptr) __ksym __weak;

#endif
