/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The count of what a socket was delivered and of what was read from it. It begins with the first query:
 * a reader on another CPU may be done with the answer before its delivery is looked at.
 */
#ifndef UW_QUEUE_BPF_H
#define UW_QUEUE_BPF_H

#include "skb.bpf.h"

/* What tells a socket from the next one at its address: its inode and port. */
static __always_inline __u64 sock_identity(const struct sock *sk)
{
	return uw_read(sk, struct sock, sk_socket, file, f_inode, i_ino) << 16 |
	       uw_read(sk, struct sock, __sk_common.skc_num);
}

/* The newest of the queue, or the one before it; 0: there is none. */
static __always_inline __u64 queue_tail(const struct sock *sk, bool before)
{
	if (uw_read(sk, struct sock, sk_receive_queue.qlen) <= before)
		return 0;
	return before ? (__u64)uw_read(sk, struct sock, sk_receive_queue.prev, prev) :
			(__u64)uw_read(sk, struct sock, sk_receive_queue.prev);
}

/*
 * A new owner's datagrams are numbered on: nothing of the old one is taken for read. What is queued now
 * will be read first; @delivered: the last of that, or one read since, is to get its number yet.
 */
static __always_inline void queue_begin(struct uw_queue *q, const struct sock *sk, bool delivered)
{
	__u64 last = q->assigned > q->ready ? q->assigned : q->ready;
	__u32 port = uw_read(sk, struct sock, __sk_common.skc_num);
	__u32 queued = uw_read(sk, struct sock, sk_receive_queue.qlen) +
		       uw_read(sk, struct udp_sock, reader_queue.qlen);

	if (delivered && !queued)
		queued = 1;
	q->read = last;
	q->ready = last + queued;
	q->assigned = q->ready - delivered;
	q->looked = queue_tail(sk, delivered);
	q->empty_ns = 0;
	q->since_ns = bpf_ktime_get_boot_ns();
	q->owner = sock_identity(sk);
	keep_bound(port);
	counted[port & 0xffff] = 1;
}

static __always_inline bool is_counted(const struct sock *sk)
{
	__u32 port = sk->__sk_common.skc_num;

	keep_bound(port);
	return counted[port & 0xffff];
}

static __always_inline struct uw_queue *queue_made(const struct sock *sk, bool delivered)
{
	struct uw_queue made = {};
	__u64 key = (__u64)sk;

	queue_begin(&made, sk, delivered);
	bpf_map_update_elem(&queues, &key, &made, BPF_NOEXIST);
	return bpf_map_lookup_elem(&queues, &key);
}

/* A socket's first query. */
static __noinline int queue_ask(const struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct uw_queue *q = bpf_map_lookup_elem(&queues, &key);

	if (!q)
		queue_made(sk, false);
	else if (q->owner != sock_identity(sk))
		queue_begin(q, sk, false);
	return 0;
}

#endif
