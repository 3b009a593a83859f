/* SPDX-License-Identifier: GPL-2.0-only */
/* Which network namespaces are "this host", and which queries the user wants to hear of. */
#ifndef UW_SCOPE_BPF_H
#define UW_SCOPE_BPF_H

#include "maps.bpf.h"

#define EAGAIN 11
#define AF_INET 2
#define AF_INET6 10
#define AF_PACKET 17
#define SOCK_RAW 3

static __always_inline bool scope_holds(__u32 netns)
{
	return uw_config.scope_all || bpf_map_lookup_elem(&scope, &netns);
}

static __always_inline struct net_device *skb_dev(const struct sk_buff *skb)
{
	return uw_loose(skb, struct sk_buff)->dev;
}

static __always_inline struct sock *skb_sock(const struct sk_buff *skb)
{
	return uw_loose(skb, struct sk_buff)->sk;
}

static __always_inline __u32 netns_of_dev(const struct net_device *dev)
{
	return uw_loose(dev, struct net_device)->nd_net.net->ns.inum;
}

static __always_inline __u32 netns_of_sock(const struct sock *sk)
{
	return uw_loose(sk, struct sock)->__sk_common.skc_net.net->ns.inum;
}

static __always_inline bool sock_is_packet(const struct sock *sk)
{
	return sk && sk->__sk_common.skc_family == AF_PACKET;
}

/* Plain UDP: raw sockets of the protocol get a copy of each datagram, and read with its header. */
static __always_inline bool sock_is_udp(const struct sock *sk)
{
	return sk->sk_protocol == UW_IPPROTO_UDP && sk->sk_type != SOCK_RAW;
}

static __always_inline __u32 netns_of_current(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return uw_read(task, struct task_struct, nsproxy, net_ns, ns.inum);
}

static __always_inline bool name_equal(const char *a, const volatile char *b)
{
	int i;

	for (i = 0; i < 16; i++) {
		if (a[i] != b[i])
			return false;
		if (!a[i])
			break;
	}
	return true;
}

/* A name compared as far as a comm goes; user space compares the rest. */
static __always_inline bool name_begins(const char *name, const volatile char *comm)
{
	int i;

	for (i = 0; i < UW_COMM - 1; i++) {
		if (name[i] != comm[i])
			return false;
		if (!name[i])
			break;
	}
	return true;
}

static __always_inline bool prefix_passes(const volatile struct uw_prefix *p, const struct uw_addr *a,
					  __u8 family)
{
	return !p->family || uw_prefix_holds(p, a, family);
}

/* Filters on who asks whom. The task is known, or its pid is 0 and user space filters again. */
static __always_inline bool filter_key(const struct uw_query_key *k)
{
	if (uw_config.protocol && uw_config.protocol != k->protocol)
		return false;
	return prefix_passes(&uw_config.server, &k->server, k->family) &&
	       prefix_passes(&uw_config.client, &k->client, k->family);
}

static __always_inline bool filter_netns(__u32 netns)
{
	return !uw_config.netns_filter || bpf_map_lookup_elem(&netns_filter, &netns);
}

static __always_inline bool filter_tuple(const struct uw_query_key *k, __u32 netns)
{
	return filter_key(k) && filter_netns(netns);
}

static __always_inline bool filter_task(const struct uw_task *t)
{
	if (!t->pid || t->pid == uw_config.tool_pid)
		return true;
	if (uw_config.pid && uw_config.pid != t->pid)
		return false;
	return !uw_config.comm[0] || name_equal(t->comm, uw_config.comm) ||
	       name_begins(t->exe, uw_config.comm);
}

static __always_inline bool filter_device(const struct net_device *dev)
{
	char name[UW_IFNAME] = {};

	if (!uw_config.iface[0])
		return true;
	bpf_probe_read_kernel(name, sizeof(name), dev->name);
	return name_equal(name, uw_config.iface);
}

#endif
