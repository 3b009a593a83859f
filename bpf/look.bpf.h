/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The first look, at every packet of the host: is it one of ours? A few loads, and no call where the kernel
 * lets a pointer be given a type (6.2). Nothing is counted and no time is taken before that is known.
 */
#ifndef UW_LOOK_BPF_H
#define UW_LOOK_BPF_H

#include "maps.bpf.h"

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define ETH_P_8021Q 0x8100
#define ETH_P_8021AD 0x88a8
#define ETH_HLEN 14
#define TAGS_MAX 2

/* Whether the payload of the link layer begins with a VLAN tag that no device has taken off, or put on, yet. */
static __always_inline bool skb_tagged(const struct sk_buff *skb)
{
	__u16 protocol = skb->protocol;

	return (protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD)) &&
	       skb->mac_header != (__u16)~0;
}

/* Behind the tags; @protocol: what follows them. */
static __noinline int skb_untagged(const struct sk_buff *skb, __u16 *protocol)
{
	__u32 at = skb->mac_header + ETH_HLEN;
	__u16 next = skb->protocol;
	int i;

#pragma unroll
	for (i = 0; i < TAGS_MAX; i++) {
		if (next != bpf_htons(ETH_P_8021Q) && next != bpf_htons(ETH_P_8021AD))
			break;
		if (bpf_probe_read_kernel(&next, sizeof(next), skb->head + at + 2))
			return at;
		at += 4;
	}
	*protocol = next;
	return at;
}

/*
 * Where the network header is, and its protocol. A driver that does without GRO leaves it unset until the
 * packet is past the receive hook: then it is before the link header, and the data begin with it.
 */
static __always_inline __u32 skb_network_at(const struct sk_buff *skb, __u16 *protocol)
{
	__u16 network = skb->network_header, link = skb->mac_header;

	*protocol = skb->protocol;
	if (skb_tagged(skb))
		return skb_untagged(skb, protocol);
	if (network < link && link != (__u16)~0)
		return (__u32)(skb->data - skb->head);
	return network;
}

static __always_inline __u32 skb_network_offset(const struct sk_buff *skb)
{
	__u16 protocol;

	return skb_network_at(skb, &protocol);
}

static __always_inline const __u8 *skb_network(const struct sk_buff *skb)
{
	return skb->head + skb_network_offset(skb);
}

static __always_inline __u8 byte_at(const void *at)
{
	__u8 byte = 0;

	if (uw_can_cast)
		return *(const __u8 *)bpf_core_cast(at, struct udphdr);
	bpf_probe_read_kernel(&byte, sizeof(byte), at);
	return byte;
}

static __always_inline __u64 word_at(const void *at)
{
	__u64 word = 0;

	if (uw_can_cast)
		return bpf_core_cast(at, struct timespec64)->tv_sec;
	bpf_probe_read_kernel(&word, sizeof(word), at);
	return word;
}

/* What the first look saw: ports, host order, of UDP only, 0 behind odd headers. */
struct skb_glance {
	__u16 source, destination;
	__u8 protocol;
};

static __always_inline void ports_at(const void *at, struct skb_glance *look)
{
	__be16 port[2] = {};

	if (uw_can_cast) {
		const struct udphdr *udp = bpf_core_cast(at, struct udphdr);

		port[0] = udp->source;
		port[1] = udp->dest;
	} else {
		bpf_probe_read_kernel(port, sizeof(port), at);
	}
	look->source = bpf_ntohs(port[0]);
	look->destination = bpf_ntohs(port[1]);
}

static __always_inline bool port_watched(__u32 port)
{
	keep_bound(port);
	return uw_port_set[port >> 3 & (sizeof(uw_port_set) - 1)] >> (port & 7) & 1;
}

static __always_inline bool ports_wanted(__u16 a, __u16 b)
{
	if (port_watched(a) || port_watched(b))
		return true;
	return translations && (service_protocol(a) || service_protocol(b));
}

static __always_inline bool look4(const __u8 *network, struct skb_glance *look)
{
	__u8 type;

	look->protocol = byte_at(network + 9);
	if (look->protocol == UW_IPPROTO_UDP) {
		if (byte_at(network) != 0x45)
			return true;
		ports_at(network + 20, look);
		return ports_wanted(look->source, look->destination);
	}
	if (look->protocol != UW_IPPROTO_ICMP)
		return false;
	type = byte_at(network + 20);
	return byte_at(network) != 0x45 || type == 3 || type == 11 || type == 12;
}

static __always_inline bool look6(const __u8 *network, struct skb_glance *look)
{
	__u8 type;

	look->protocol = byte_at(network + 6);
	switch (look->protocol) {
	case UW_IPPROTO_UDP:
		ports_at(network + 40, look);
		return ports_wanted(look->source, look->destination);
	case UW_IPPROTO_ICMPV6:
		type = byte_at(network + 40);
		return type >= 1 && type <= 4;
	case 0:
	case 43:
	case 44:
	case 60:
		return true;
	default:
		return false;
	}
}

/* Whether it is UDP of a traced port, or an ICMP error. Odd headers (options, extension headers) get the long look. */
static __always_inline bool skb_look(const struct sk_buff *skb, struct skb_glance *look)
{
	__u16 protocol;
	const __u8 *network = skb->head + skb_network_at(skb, &protocol);

	if (protocol == bpf_htons(ETH_P_IP))
		return look4(network, look);
	return protocol == bpf_htons(ETH_P_IPV6) && look6(network, look);
}

static __always_inline bool skb_wanted(const struct sk_buff *skb)
{
	struct skb_glance look = {};

	return skb_look(skb, &look);
}

static __always_inline __u16 second_now(void)
{
	return (__u16)(bpf_ktime_get_boot_ns() / 1000000000);
}

/* The service port that was asked from this local port lately, 0 none. */
static __always_inline __u16 asked_from(__u32 port)
{
	struct uw_asked *a;

	keep_bound(port);
	a = &asked[port & 0xffff];
	if (!a->port || (__u16)(second_now() - a->second) <= UW_HOLD_NS / 1000000000)
		return a->port;
	a->port = 0;
	return 0;
}

/* The ports of a plain UDP packet (no options, no extension headers). */
static __always_inline bool skb_udp_ports(const struct sk_buff *skb, struct skb_glance *look)
{
	__u16 protocol;
	const __u8 *network = skb->head + skb_network_at(skb, &protocol);
	bool six = protocol == bpf_htons(ETH_P_IPV6);

	if (six ? byte_at(network + 6) != UW_IPPROTO_UDP :
	    byte_at(network + 9) != UW_IPPROTO_UDP || byte_at(network) != 0x45)
		return false;
	ports_at(network + (six ? 40 : 20), look);
	return true;
}

/*
 * A second look, where packets are few: is it UDP to a port that asked? Then it may be the reply,
 * from another port than was asked.
 */
static __always_inline bool skb_asked(const struct sk_buff *skb)
{
	struct skb_glance look;

	return skb_udp_ports(skb, &look) && asked_from(look.destination);
}

#endif
