/* SPDX-License-Identifier: GPL-2.0-only */
/* What user space decides before the programs are loaded; read-only for them (rodata). */
#ifndef UW_CONFIG_H
#define UW_CONFIG_H

#include "record.h"

#define UW_NAMESPACES 64	/* network namespaces a scope or filter may name */
#define UW_OPEN_QUERIES 32768	/* followed at once */
#define UW_OPEN_SERVED 8192	/* ... that came in, for here */
#define UW_OPEN_PASSING 16384	/* ... and for elsewhere */
#define UW_FLOWS 8192
#define UW_SERVED_FLOWS 1024
#define UW_PASSING_FLOWS 4096
#define UW_ADDRESSES 16384	/* of all namespaces in scope */
#define UW_FLOODS 512		/* causes of drops counted apart when there are too many to be told */
#define UW_RING_BYTES (4 << 20)
#define UW_STRAYS_A_SECOND 256	/* replies without a query that are sent up; anybody may send such */
#define UW_ICMP_A_SECOND 256	/* likewise ICMP errors that do not quote the transaction */
#define UW_TUNNEL_SECONDS 2048	/* seconds of tunnels kept, of all ways together */
#define UW_HOLD_NS 30000000000ull /* a query is kept this long for a late reply, or while still inside */

struct uw_prefix {
	struct uw_addr addr;
	__u8 family;	/* 4 or 6; 0: none given */
	__u8 len;	/* bits */
	__u8 pad[6];
};

struct uw_config {
	__u64 timeout_ns;
	__u32 pid;			/* only this process asks, 0 any */
	__u32 tool_pid;			/* udpwhy itself: its probes pass every filter and are told apart */
	__u8 protocol;			/* enum uw_proto, 0 any */
	__u8 scope_all;			/* every network namespace is this host */
	__u8 netns_filter;		/* only sockets of the namespaces in the filter map ask */
	__u8 all;			/* send good queries up too */
	__u8 have_output_hook;		/* netfilter links see every send in its sender's context */
	__u8 have_read_hook;		/* tracepoints tell of queueing and reading (6.3) */
	__u8 nft_trace;			/* the sockets of rule.h listen: a drop may have its rule */
	__u8 evidence;			/* keep the first bytes of packets: evidence.h */
	__u8 have_send_hook;		/* a tracepoint tells how a send ended (6.3) */
	__u8 refusals;			/* look at the end of system calls for what never got that far */
	__u8 pad[6];
	char comm[UW_COMM];		/* only processes of this name ask, "" any */
	char iface[UW_IFNAME];		/* only queries leaving by this device, "" any */
	struct uw_prefix server, client;
};

/**
 * uw_prefix_holds - whether an address lies in a prefix.
 * @p: volatile because it may be the loader's to fill: clang would take a constant for its zeros.
 */
UW_INLINE bool uw_prefix_holds(const volatile struct uw_prefix *p, const struct uw_addr *a, __u8 family)
{
	int i;

	if (p->family != family)
		return false;
	for (i = 0; i < 16; i++) {
		int bits = p->len - 8 * i;
		__u8 mask = bits >= 8 ? 0xff : bits <= 0 ? 0 : (__u8)(0xff00 >> bits);

		if ((p->addr.b[i] ^ a->b[i]) & mask)
			return false;
	}
	return true;
}

#endif
