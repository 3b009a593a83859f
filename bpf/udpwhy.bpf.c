// SPDX-License-Identifier: GPL-2.0-only
/*
 * The programs: each maps its arguments and calls one body. The loader leaves out those that the
 * running kernel has no hook for.
 */
#include "compat.bpf.h"
#include "holdings.bpf.h"
#include "hook_cgroup.bpf.h"
#include "hook_drop.bpf.h"
#include "hook_netfilter.bpf.h"
#include "hook_receive.bpf.h"
#include "hook_socket.bpf.h"
#include "hook_syscall.bpf.h"
#include "hook_tcp.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* Sending. */

SEC("netfilter")
int uw_nf_output(struct bpf_nf_ctx *ctx)
{
	return on_output(ctx);
}

/* Also on its way in: one program for all these hooks is verified once, and stays in the cache. */
SEC("netfilter")
int uw_nf_passing(struct bpf_nf_ctx *ctx)
{
	return on_netfilter(ctx, false);
}

SEC("tp_btf/fib_table_lookup")
int BPF_PROG(uw_fib_table_lookup, __u32 table, const struct flowi4 *flow, const struct fib_nh_common *nhc, int err)
{
	return on_fib4(table, flow, err);
}

SEC("tp_btf/fib6_table_lookup")
int BPF_PROG(uw_fib6_table_lookup, const struct net *net, const struct fib6_result *res, struct fib6_table *table,
	     const struct flowi6 *flow)
{
	return on_fib6(net, res, flow);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(uw_sock_send_length, struct sock *sk, int ret, int flags)
{
	return on_send_length(sk, ret);
}

SEC("cgroup/sock_release")
int uw_sock_release(struct bpf_sock *ctx)
{
	return on_release(ctx);
}

SEC("cgroup/sendmsg4")
int uw_cgroup_sendmsg4(struct bpf_sock_addr *ctx)
{
	return on_refusal(ctx, 4);
}

SEC("cgroup/sendmsg6")
int uw_cgroup_sendmsg6(struct bpf_sock_addr *ctx)
{
	return on_refusal(ctx, 6);
}

SEC("cgroup/connect4")
int uw_cgroup_connect4(struct bpf_sock_addr *ctx)
{
	return on_refusal(ctx, 4);
}

SEC("cgroup/connect6")
int uw_cgroup_connect6(struct bpf_sock_addr *ctx)
{
	return on_refusal(ctx, 6);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(uw_sys_exit, struct pt_regs *regs, long ret)
{
	return on_sys_exit(regs, ret);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(uw_sched_process_exit, struct task_struct *task)
{
	return on_exit(task);
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(uw_cgroup_rmdir, struct cgroup *cgroup, const char *path)
{
	return on_cgroup_rmdir(cgroup, path);
}

/* Out by a device. */

SEC("tp_btf/net_dev_queue")
int BPF_PROG(uw_net_dev_queue, struct sk_buff *skb)
{
	return on_queue(skb);
}

SEC("tp_btf/net_dev_start_xmit")
int BPF_PROG(uw_net_dev_start_xmit, struct sk_buff *skb, const struct net_device *dev)
{
	return on_start_xmit(skb, dev);
}

SEC("tp_btf/net_dev_xmit")
int BPF_PROG(uw_net_dev_xmit, struct sk_buff *skb, int rc)
{
	return on_xmit_done(skb, rc);
}

/* In by a device. */

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(uw_netif_receive_skb, struct sk_buff *skb)
{
	return on_receive(skb);
}

SEC("netfilter")
int uw_nf_delivery(struct bpf_nf_ctx *ctx)
{
	return on_netfilter(ctx, true);
}

/* At a socket. */

SEC("tp_btf/sk_data_ready")
int BPF_PROG(uw_sk_data_ready, struct sock *sk)
{
	if (!sock_is_udp(sk) || !scope_holds(netns_of_sock(sk)))
		return 0;
	return on_data_ready(sk);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(uw_sock_recv_length, struct sock *sk, int ret, int flags)
{
	return on_recv_length(sk, ret, flags);
}

SEC("tp_btf/consume_skb")
int BPF_PROG(uw_consume_skb, struct sk_buff *skb)
{
	return on_consume(skb);
}

/* Asked again over TCP. */

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(uw_inet_sock_set_state, const struct sock *sk, const int before, const int state)
{
	return on_tcp_state(sk, before, state);
}

/* Freed. */

SEC("tp_btf/kfree_skb")
int uw_kfree_skb(__u64 *ctx)
{
	return on_kfree(ctx);
}

/* On our sockets for nftables' messages, which the kernel makes while a rule looks at the packet. */
SEC("socket")
int uw_nft_message(struct __sk_buff *skb)
{
	return on_nft_message(skb);
}

/* Asked for by user space. */

SEC("iter/task_file")
int uw_task_file(struct bpf_iter__task_file *ctx)
{
	return on_file(ctx);
}
