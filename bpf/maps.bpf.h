/* SPDX-License-Identifier: GPL-2.0-only */
/* Every map of the kernel side. All are bounded; those that hold open work are preallocated. */
#ifndef UW_MAPS_BPF_H
#define UW_MAPS_BPF_H

#include "config.h"
#include "packet.h"
#include "rule.h"
#include "stats.h"

const volatile struct uw_config uw_config = {};
const volatile __u8 uw_port_protocol[65536] = {};	/* enum uw_proto by UDP port */
const volatile __u8 uw_port_set[8192] = {};		/* those that have one: a bit each, which the cache keeps */

/* Verifiers of 6.12 and older know no bound of a byte-swapped value, only of a masked one. */
static __always_inline __u8 port_protocol(__u32 port)
{
	keep_bound(port);
	return uw_port_protocol[port & 0xffff];
}

/*
 * Ports that requests to a service were translated to (a redirect, Docker's resolver): their packets
 * are looked at like the service's, but what is sent to them by itself is no query.
 */
static __u8 translated[65536] = {};
__u32 translations = 0;

static __always_inline __u8 service_protocol(__u32 port)
{
	__u8 protocol = port_protocol(port);

	if (protocol || !translations)
		return protocol;
	keep_bound(port);
	return translated[port & 0xffff];
}

/* Open queries: the in-flight tables, one a quota. */
struct uw_query_table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UW_OPEN_QUERIES);
	__type(key, struct uw_query_key);
	__type(value, struct uw_record);
} queries SEC(".maps"), served SEC(".maps"), passing SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, UW_QUOTAS);
	__type(key, __u32);
	__array(values, struct uw_query_table);
} tables SEC(".maps") = {
	.values = {
		[UW_QUOTA_CLIENT] = &queries, [UW_QUOTA_SERVER] = &served, [UW_QUOTA_FORWARDER] = &passing,
	},
};

/* Their drops before the last of a direction, which is in the record. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct uw_earlier_key);
	__type(value, struct uw_drop);
} earlier SEC(".maps");

/* Good answers, counted. */
struct uw_flow_table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UW_FLOWS);
	__type(key, struct uw_flow_key);
	__type(value, struct uw_flow_value);
} flows SEC(".maps"), served_flows SEC(".maps"), passing_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, UW_QUOTAS);
	__type(key, __u32);
	__array(values, struct uw_flow_table);
} flow_tables SEC(".maps") = {
	.values = {
		[UW_QUOTA_CLIENT] = &flows, [UW_QUOTA_SERVER] = &served_flows,
		[UW_QUOTA_FORWARDER] = &passing_flows,
	},
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct uw_visiting);
} visiting SEC(".maps");

/* Addresses of the namespaces in scope, as user space last read them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UW_ADDRESSES);
	__type(key, struct uw_here);
	__type(value, __u64);	/* user space's: when it was seen */
} here SEC(".maps");

/*
 * Drops of visitors' packets for which there was no room, counted by cause. The first one stands for all;
 * its record's times counts them.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UW_FLOODS);
	__type(key, struct uw_flood_key);
	__type(value, struct uw_record);
} floods SEC(".maps");

/* Queries of sockets in scope that are not followed: filtered, or the table was full. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct uw_query_key);
	__type(value, __u8);
} unfollowed SEC(".maps");

/* Bad queries, once and whole. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, UW_RING_BYTES);
} ring SEC(".maps");

/* Answered a moment ago: tells a further answer from a reply that nobody asked for. */
struct uw_recent {
	__u64 question_hash;
	__u32 digest;	/* of the first answer */
	__u32 netns;	/* of its flow */
	__u8 role;	/* ... */
	__u8 probe;	/* udpwhy's own: no flow of the kernel's */
	__u8 pad[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct uw_query_key);
	__type(value, struct uw_recent);
} recent SEC(".maps");

/*
 * Other names of open queries: the tuple after address translation, and in NTP's interleaved mode the
 * request's receive timestamp, which the reply may echo instead (RFC 9769).
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, UW_OPEN_QUERIES);
	__type(key, struct uw_query_key);
	__type(value, struct uw_query_key);
} aliases SEC(".maps"), visitor_aliases SEC(".maps");

/* The newest query of a translated tuple, whose transaction is 0 here. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct uw_query_key);
	__type(value, struct uw_query_key);
} wire_tuples SEC(".maps");

/* Namespaces whose output hook we sit in: no send of theirs is first seen later. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u8);
} hooked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);	/* thread id */
	__type(value, struct uw_send);
} sends SEC(".maps");

__u64 sends_noted = 0; /* entries, or more: one that made way for another is not taken off */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);	/* thread id */
	__type(value, struct uw_reply_route);
} reply_routes SEC(".maps");

/*
 * A packet that was freed while a task was sending, by its socket and that task: mostly within the send
 * that made it, whose error is then that query's and no refusal's. Another socket's packet may be freed
 * there as well, from a queue that the sender empties: hence both.
 */
struct uw_freed_key {
	__u64 socket;
	__u32 tid;
	__u32 pad;
};

struct uw_freed {
	struct uw_query_key query;	/* family 0: of none */
	__u64 when_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct uw_freed_key);
	__type(value, struct uw_freed);
} freed SEC(".maps");

/* Sends that failed and were judged, until the end of their system call; value: when. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct uw_freed_key);
	__type(value, __u64);
} ended SEC(".maps");

/* Who last used a socket; only where no hook sees a send in its sender's context (before 6.4). */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);	/* socket */
	__type(value, struct uw_task);
} owners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);	/* socket */
	__type(value, struct uw_queue);
} queues SEC(".maps");

struct uw_unread_key {
	__u64 socket;
	__u64 number;
};

/* Which query a datagram is of, and which half of it. */
struct uw_half {
	struct uw_query_key key;
	__u16 dir;
	__u16 from_port;	/* of a reply from another port than was asked, else 0 */
	__u32 digest;		/* of an answer that came in, else 0 */
};

/* Of datagrams in fragments: their query by what the fragments share, for those that have no ports. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct uw_fragment);
	__type(value, struct uw_half);
} fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct uw_unread_key);
	__type(value, struct uw_half);
} unread SEC(".maps");

/* A request inside of a tunnel's outer packet, by its buffer (tunnel.bpf.h). */
struct uw_inside {
	struct uw_query_key key;
	__u64 id;
	__u64 mark;		/* what it is known by: 8 bytes of it, or the outer packet's length */
	__u32 at;		/* where those are, from the inner network header */
	__u8 wireguard;
	__u8 left;
	__u8 pad[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, __u64);	/* skb */
	__type(value, struct uw_inside);
} insides SEC(".maps");

/* An outer packet that came in, by its buffer. */
struct uw_outer_in {
	struct uw_tunnel_key k;
	__u64 when_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);	/* skb */
	__type(value, struct uw_outer_in);
} outers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UW_TUNNEL_SECONDS);
	__type(key, struct uw_tunnel_key);
	__type(value, struct uw_tunnel_second);
} tunnel_seconds SEC(".maps");

/*
 * Datagrams that came in: their query by buffer. Where reads have a tracepoint, only replies whose
 * payload is out of reach from the socket's queue.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);	/* skb */
	__type(value, struct uw_half);
} arrived SEC(".maps");

/* Sockets that ask. */
struct uw_asking {
	__u64 number;
	struct uw_addr server;	/* the last one asked */
	__u16 server_port, client_port;
	__u32 several;		/* it was not the only one */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);	/* socket */
	__type(value, struct uw_asking);
} asking SEC(".maps");

/* When a socket that asked was closed. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);	/* its number */
	__type(value, __u64);
} closed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct uw_answered_key);
	__type(value, struct uw_answered);
} answers SEC(".maps");

/* Truncated answers whose askers may ask again over TCP (ruling 12), and their tries by socket. */
struct uw_truncated_key {
	struct uw_addr server;
	__u32 pid;
	__u32 netns;
};

struct uw_truncated {
	__u64 id;	/* of the query */
	__u64 when_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct uw_truncated_key);
	__type(value, struct uw_truncated);
} truncations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);	/* TCP socket */
	__type(value, struct uw_truncated);
} tcp_tries SEC(".maps");

/*
 * The service port last asked from a local port: only there is a reply from another port looked for.
 * Plain memory, written without order: a lost entry costs a hint.
 */
struct uw_asked {
	__u16 port;
	__u16 second;	/* low bits of when; stale after UW_HOLD_NS */
};
static struct uw_asked asked[65536] = {};

/* Local ports of sockets that have an entry in queues, or had: the others need no look into it. */
static __u8 counted[65536] = {};

/* Processes that ask, and when they ended (0: not yet). */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);	/* thread group id */
	__type(value, __u64);
} askers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UW_NAMESPACES);
	__type(key, __u32);	/* inode number of a network namespace */
	__type(value, __u8);
} scope SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UW_NAMESPACES);
	__type(key, __u32);
	__type(value, __u8);
} netns_filter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, UW_STATS);
	__type(key, __u32);
	__type(value, __u64);
} stats SEC(".maps");

/* The query whose packet this CPU is about to deliver: a reader may have it before the hook looks. */
struct uw_arrival {
	struct uw_half half;
	__u64 when_ns;		/* 0: nothing */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct uw_arrival);
} arrival SEC(".maps");

/* The packet a driver is taking on this CPU, and whether it was freed meanwhile. */
struct uw_xmit {
	__u64 skb;
	struct uw_query_key key;
	struct uw_drop drop;
	__u32 dir;
	__u16 freed;
	__u16 last;	/* a visitor's reply, which leaves the scope by this */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct uw_xmit);
} xmit SEC(".maps");

__u64 xmits_noted = 0; /* by CPUs whose driver has one of ours now */

/*
 * What a trace message and its packet have in common, byte for byte. Type of service, hop limit and
 * the header's checksum are left out: a rule before the one that drops may have changed them.
 */
struct uw_trace_key {
	struct uw_addr source, destination;
	__u32 netns;
	__u32 id;		/* IPv4: identification and length; IPv6: payload length */
	__u32 transport[5];	/* UDP header and 12 bytes, as they stand */
};

/* A packet's rule between the trace of its drop and the drop itself. */
struct uw_traced {
	__u64 rule;		/* 0: packets alike were dropped by different rules */
	__u64 when_ns;
	__u64 pending;
};

/* The maps of --nft-trace have one entry without it (uw_live_open()). */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct uw_trace_key);
	__type(value, struct uw_traced);
} traced SEC(".maps");

/* Only the first message of a packet's way through a chain has its headers: by trace id. */
struct uw_trace_id {
	__u32 netns;
	__u32 id;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct uw_trace_id);
	__type(value, struct uw_trace_key);
} trace_ids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, UW_RULES);
	__type(key, __u64);
	__type(value, struct uw_rule);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UW_RULE_SOCKETS);
	__type(key, __u64);	/* socket cookie */
	__type(value, struct uw_rule_socket);
} rule_sockets SEC(".maps");

#define UW_TRACE_ATTRIBUTES 32

/* A trace message, and what it is about. */
struct uw_trace_room {
	__u32 at[UW_TRACE_ATTRIBUTES];		/* of each attribute's value, 0 absent */
	__u32 size[UW_TRACE_ATTRIBUTES];
	__u32 header[10];			/* network header */
	struct uw_trace_id id;
	struct uw_trace_key key;
	struct uw_rule rule;
};

/*
 * Room to parse in, larger than the stack. A program may be interrupted by another on its CPU
 * (softirq on a system call, NMI) or be preempted in the middle, so rooms are claimed by bit.
 */
#define UW_ROOMS 8
#define UW_QUEUE_WALK 8	/* datagrams looked at from the newest: 6.18 queues other CPUs' in batches */

struct uw_room {
	__u8 head[UW_HEAD_MAX];
	__u8 body[(UW_BODY_MAX + 15) & ~15];
	struct uw_packet packet;
	struct uw_headers quoted;
	struct uw_drop drop;
	struct uw_task task;
	struct uw_query_key key;
	struct uw_query_key wire;
	struct uw_fragment fragment;
	struct uw_trace_room trace;
	struct uw_half half;
	__u64 found[UW_QUEUE_WALK];	/* of a socket's queue, the newest first */
	__u64 looked;		/* the newest that was looked at before */
	__u64 last;		/* the number of the newest; 0: none has one yet */
	__u32 network;		/* where the header of the packet in it begins, from the buffer's head */
	__u32 news;		/* how many: kept here, it is any number to the verifier, and one turn is like the next */
	__u32 number;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, UW_ROOMS);
	__type(key, __u32);
	__type(value, struct uw_room);
} rooms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} rooms_busy SEC(".maps");

static __always_inline void count(__u32 stat)
{
	__u64 *n = bpf_map_lookup_elem(&stats, &stat);

	if (n)
		__sync_fetch_and_add(n, 1);
}

#ifdef UW_PLAIN

/* Those kernels do not preempt a program: one that interrupts another ends before it. */
static __noinline struct uw_room *room_enter(void)
{
	__u32 zero = 0, number;
	__u64 *busy = bpf_map_lookup_elem(&rooms_busy, &zero);
	struct uw_room *room;

	if (!busy)
		return NULL;
	number = (__u32)*busy;
	room = bpf_map_lookup_elem(&rooms, &number);
	if (!room) {
		count(UW_STAT_nested);
		return NULL;
	}
	__sync_fetch_and_add(busy, 1);
	return room;
}

static __always_inline void room_leave(struct uw_room *room)
{
	__u32 zero = 0;
	__u64 *busy = bpf_map_lookup_elem(&rooms_busy, &zero);

	if (busy)
		__sync_fetch_and_add(busy, -1);
}

#else

static __noinline struct uw_room *room_enter(void)
{
	__u32 zero = 0, i;
	__u64 *busy = bpf_map_lookup_elem(&rooms_busy, &zero);
	struct uw_room *room;

	if (!busy)
		return NULL;
#pragma unroll
	for (i = 0; i < UW_ROOMS; i++) {
		__u32 number = i;

		if (__sync_fetch_and_or(busy, 1ull << i) & 1ull << i)
			continue;
		room = bpf_map_lookup_elem(&rooms, &number);
		if (room)
			room->number = number;
		return room;
	}
	count(UW_STAT_nested);
	return NULL;
}

static __always_inline void room_leave(struct uw_room *room)
{
	__u32 zero = 0;
	__u64 *busy = bpf_map_lookup_elem(&rooms_busy, &zero);

	if (busy)
		__sync_fetch_and_and(busy, ~(1ull << (room->number & 63)));
}

#endif

#endif
