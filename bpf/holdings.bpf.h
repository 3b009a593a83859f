/* SPDX-License-Identifier: GPL-2.0-only */
/* Who has which socket open: a walk over the open files of all tasks, when user space asks for it. */
#ifndef UW_HOLDINGS_BPF_H
#define UW_HOLDINGS_BPF_H

#include "hook_send.bpf.h"

static __always_inline void holding_tuple(struct uw_holding *h, const struct sock *sk)
{
	__be32 client = sk->__sk_common.skc_rcv_saddr, server = sk->__sk_common.skc_daddr;

	h->client_port = sk->__sk_common.skc_num;
	h->server_port = bpf_ntohs(sk->__sk_common.skc_dport);
	h->family = sk->__sk_common.skc_family == AF_INET ? 4 : 6;
	if (h->family == 4) {
		__builtin_memcpy(h->client.b, &client, 4);
		__builtin_memcpy(h->server.b, &server, 4);
	} else {
		bpf_probe_read_kernel(h->client.b, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_probe_read_kernel(h->server.b, 16, &sk->__sk_common.skc_v6_daddr);
	}
}

/* One file of one process (threads that share its files are left out by the kernel). */
static __always_inline int on_file(const struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct uw_holding h = {};
	struct socket *socket;
	struct sock *sk;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk || !sock_sends(sk) || !scope_holds(netns_of_sock(sk)))
		return 0;
	holding_tuple(&h, sk);
	h.raw = !sock_is_udp(sk);
	h.socket = (__u64)sk;
	h.netns = netns_of_sock(sk);
	task_fill(&h.task, task);
	bpf_seq_write(ctx->meta->seq, &h, sizeof(h));
	return 0;
}

#endif
