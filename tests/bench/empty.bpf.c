// SPDX-License-Identifier: GPL-2.0-only
/* Programs that do nothing, of the same names and at the same hooks as udpwhy's: what a hook costs by itself. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define EMPTY(section, name, result)                                                                                   \
	SEC(section)                                                                                                   \
	int name(void *ctx)                                                                                            \
	{                                                                                                              \
		return result;                                                                                         \
	}

EMPTY("netfilter", uw_nf_output, 1)
EMPTY("netfilter", uw_nf_passing, 1)
EMPTY("netfilter", uw_nf_delivery, 1)
EMPTY("tp_btf/fib_table_lookup", uw_fib_table_lookup, 0)
EMPTY("tp_btf/fib6_table_lookup", uw_fib6_table_lookup, 0)
EMPTY("tp_btf/sock_send_length", uw_sock_send_length, 0)
EMPTY("tp_btf/sched_process_exit", uw_sched_process_exit, 0)
EMPTY("tp_btf/cgroup_rmdir", uw_cgroup_rmdir, 0)
EMPTY("tp_btf/net_dev_queue", uw_net_dev_queue, 0)
EMPTY("tp_btf/net_dev_start_xmit", uw_net_dev_start_xmit, 0)
EMPTY("tp_btf/net_dev_xmit", uw_net_dev_xmit, 0)
EMPTY("tp_btf/netif_receive_skb", uw_netif_receive_skb, 0)
EMPTY("tp_btf/sk_data_ready", uw_sk_data_ready, 0)
EMPTY("tp_btf/sock_recv_length", uw_sock_recv_length, 0)
EMPTY("tp_btf/inet_sock_set_state", uw_inet_sock_set_state, 0)
EMPTY("tp_btf/kfree_skb", uw_kfree_skb, 0)
EMPTY("cgroup/sock_release", uw_sock_release, 1)
EMPTY("cgroup/sendmsg4", uw_cgroup_sendmsg4, 1)
EMPTY("cgroup/sendmsg6", uw_cgroup_sendmsg6, 1)
EMPTY("cgroup/connect4", uw_cgroup_connect4, 1)
EMPTY("cgroup/connect6", uw_cgroup_connect6, 1)
