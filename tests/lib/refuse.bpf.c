// SPDX-License-Identifier: GPL-2.0-only
/* Programs that lose DNS packets, for tests: each counts what it lost in "hits". See refuse.py. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define DNS bpf_htons(53)

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} hits SEC(".maps");

static __always_inline int hit(int verdict)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&hits, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
	return verdict;
}

/* A UDP packet from or to port 53, from its IP header on. */
static __always_inline int is_dns(void *ip, void *end)
{
	struct iphdr *v4 = ip;
	struct ipv6hdr *v6 = ip;
	struct udphdr *udp;

	if ((void *)(v4 + 1) > end)
		return 0;
	if (v4->version == 4) {
		if (v4->protocol != 17)
			return 0;
		udp = (void *)(v4 + 1);
	} else {
		if ((void *)(v6 + 1) > end || v6->nexthdr != 17)
			return 0;
		udp = (void *)(v6 + 1);
	}
	return (void *)(udp + 1) <= end && (udp->source == DNS || udp->dest == DNS);
}

static __always_inline int in_frame(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;

	return is_dns(data + sizeof(struct ethhdr), (void *)(long)ctx->data_end);
}

SEC("xdp")
int xdp_drop(struct xdp_md *ctx)
{
	return in_frame(ctx) ? hit(XDP_DROP) : XDP_PASS;
}

SEC("xdp")
int xdp_aborted(struct xdp_md *ctx)
{
	return in_frame(ctx) ? hit(XDP_ABORTED) : XDP_PASS;
}

/* Sent back whence it came. */
SEC("xdp")
int xdp_tx(struct xdp_md *ctx)
{
	return in_frame(ctx) ? hit(XDP_TX) : XDP_PASS;
}

/* To a device that does not exist. */
SEC("xdp")
int xdp_redirect(struct xdp_md *ctx)
{
	return in_frame(ctx) ? hit(bpf_redirect(0x7ffffff0, 0)) : XDP_PASS;
}

/* To the device made next: eth1. */
SEC("xdp")
int xdp_redirect_on(struct xdp_md *ctx)
{
	return in_frame(ctx) ? hit(bpf_redirect(ctx->ingress_ifindex + 1, 0)) : XDP_PASS;
}

SEC("xdp")
int xdp_pass(struct xdp_md *ctx)
{
	return in_frame(ctx) ? hit(XDP_PASS) : XDP_PASS;
}

SEC("cgroup_skb/egress")
int cgroup_egress(struct __sk_buff *skb)
{
	return is_dns((void *)(long)skb->data, (void *)(long)skb->data_end) ? hit(0) : 1;
}

SEC("cgroup_skb/ingress")
int cgroup_ingress(struct __sk_buff *skb)
{
	return is_dns((void *)(long)skb->data, (void *)(long)skb->data_end) ? hit(0) : 1;
}

SEC("cgroup/sendmsg4")
int cgroup_sendmsg4(struct bpf_sock_addr *ctx)
{
	return ctx->user_port == DNS ? hit(0) : 1;
}

SEC("cgroup/sendmsg6")
int cgroup_sendmsg6(struct bpf_sock_addr *ctx)
{
	return ctx->user_port == DNS ? hit(0) : 1;
}

SEC("cgroup/connect4")
int cgroup_connect4(struct bpf_sock_addr *ctx)
{
	return ctx->user_port == DNS ? hit(0) : 1;
}

SEC("cgroup/connect6")
int cgroup_connect6(struct bpf_sock_addr *ctx)
{
	return ctx->user_port == DNS ? hit(0) : 1;
}

/* A security module, of one cgroup's sockets: its answer is EPERM. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct sock {
	unsigned short sk_protocol;
};

struct socket {
	struct sock *sk;
};
#pragma clang attribute pop

struct msghdr;
struct sockaddr;

static __always_inline int refuse_udp(const struct socket *socket)
{
	const struct sock *sk = socket->sk;

	return sk && sk->sk_protocol == IPPROTO_UDP ? hit(0) : 1;
}

SEC("lsm_cgroup/socket_sendmsg")
int BPF_PROG(lsm_sendmsg, struct socket *socket, struct msghdr *msg, int size)
{
	return refuse_udp(socket);
}

SEC("lsm_cgroup/socket_connect")
int BPF_PROG(lsm_connect, struct socket *socket, struct sockaddr *address, int len)
{
	return refuse_udp(socket);
}
