/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The protocol between the kernel side (bpf/) and user space (src/live/).
 *
 * Fixed-width types, explicit padding, append-only enums, everything zeroed before it is filled.
 * bpf/ asserts the layout when it is compiled, src/live/ again, and every record is checked on
 * receipt: both sides come from one build, but the ring buffer is an input like any other.
 *
 * Addresses and payload are in network byte order, ports and everything else in host byte order.
 * Every time is CLOCK_BOOTTIME in nanoseconds; 0 means "did not happen".
 */
#ifndef UW_RECORD_H
#define UW_RECORD_H

#include "types.h"

#define UW_RECORD_VERSION 1

#define UW_PATH_MAX 12		/* devices kept of one query, both directions */
#define UW_STACK_MAX 16		/* kernel frames kept of one drop */
#define UW_IFNAME 16		/* IFNAMSIZ */
#define UW_COMM 16		/* TASK_COMM_LEN */
#define UW_EXE 64		/* bytes kept of an executable's file name */
#define UW_QUESTION_MAX 264	/* QNAME (255, RFC 1035 2.3.4) + QTYPE + QCLASS, rounded up to 8 */

enum uw_proto {
	UW_PROTO_NONE,
	UW_PROTO_NTP,
	UW_PROTO_DNS,
};

/* By the outermost ends in scope. */
enum uw_role {
	UW_ROLE_CLIENT,
	UW_ROLE_SERVER,
	UW_ROLE_LOCAL,
	UW_ROLE_FORWARDER,
	UW_ROLES,
};

/*
 * Tables of open queries, each with room of its own, so that a flood of one cannot blind the others.
 * A request that came in by a device (a visitor) is told from one for elsewhere by its destination.
 */
enum uw_quota {
	UW_QUOTA_CLIENT,	/* sent by a socket in scope: roles client and local */
	UW_QUOTA_SERVER,	/* came in, to an address of its namespace */
	UW_QUOTA_FORWARDER,	/* came in, to another */
	UW_QUOTAS,
};

enum uw_dir {
	UW_REQUEST,
	UW_REPLY,
	UW_DIRS,
};

/*
 * The way of a packet. Append only; the names are in src/core/names.c.
 * A mark is "this point was reached"; for a drop it is the point that dropped.
 */
enum uw_stage {
	UW_STAGE_NONE,
	/* out */
	UW_STAGE_SEND,
	UW_STAGE_ROUTE,
	UW_STAGE_NF_OUTPUT,
	UW_STAGE_NF_POSTROUTING,
	UW_STAGE_CGROUP_EGRESS,
	UW_STAGE_XFRM,
	UW_STAGE_NEIGHBOUR,
	UW_STAGE_NF_EGRESS,
	UW_STAGE_TC_EGRESS,
	UW_STAGE_QDISC,
	UW_STAGE_DEVICE,
	UW_STAGE_WIRE_OUT,
	/* in */
	UW_STAGE_WIRE_IN,
	UW_STAGE_XDP,
	UW_STAGE_BACKLOG,
	UW_STAGE_TC_INGRESS,
	UW_STAGE_NF_INGRESS,
	UW_STAGE_BRIDGE,
	UW_STAGE_NF_PREROUTING,
	UW_STAGE_REASSEMBLY,
	UW_STAGE_NF_FORWARD,
	UW_STAGE_NF_INPUT,
	UW_STAGE_UDP,
	UW_STAGE_SOCKET_FILTER,
	UW_STAGE_SOCKET_QUEUE,
	UW_STAGE_READ,
	UW_STAGES,
};

struct uw_addr {
	__u8 b[16];	/* IPv4 in the first four bytes, the rest zero */
};

/** uw_addr_same - whether two addresses of one family are the same; sixteen bytes in two steps. */
UW_INLINE bool uw_addr_same(const struct uw_addr *a, const struct uw_addr *b)
{
	return uw_opaque64(a->b) == uw_opaque64(b->b) && uw_opaque64(a->b + 8) == uw_opaque64(b->b + 8);
}

/* One transaction within its tuple, always written from the client's side. */
struct uw_query_key {
	struct uw_addr client;
	struct uw_addr server;
	__u64 transaction;	/* NTP: transmit timestamp as it stands; DNS: the id */
	__u16 client_port;
	__u16 server_port;
	__u8 family;		/* 4 or 6 */
	__u8 protocol;		/* enum uw_proto */
	__u8 slot;		/* tells open DNS queries with one id but another question apart */
	__u8 quota;		/* enum uw_quota: the table that has it; 0 in a packet's own key */
};

struct uw_task {
	__u32 pid;		/* thread group, what users call the process */
	__u32 tid;
	__u32 uid;
	__u32 pad;
	__u64 cgroup;		/* cgroup v2 id */
	__u64 started_ns;	/* its process: tells a pid from the same one given again */
	char comm[UW_COMM];	/* of the process, not of its thread; hostile: any byte but NUL */
	char exe[UW_EXE];	/* file name of its executable, cut; "" for a kernel thread */
};

/* Whether a socket has a filter of its own (SO_ATTACH_FILTER, SO_ATTACH_BPF). */
enum uw_filter {
	UW_FILTER_UNKNOWN,
	UW_FILTER_NONE,
	UW_FILTER_OWN,
};

/* What connection tracking knew of the packet. */
enum uw_ct {
	UW_CT_UNKNOWN,
	UW_CT_NONE,		/* it had not seen it, or made no entry */
	UW_CT_NEW,		/* an entry that is not in the table yet */
	UW_CT_CONFIRMED,
};

struct uw_drop {
	__u64 when_ns;
	__u64 location;			/* kernel address, never printed */
	__u64 stack[UW_STACK_MAX];	/* innermost first, 0 ends */
	__u32 reason;			/* enum skb_drop_reason of the running kernel */
	__u32 netns;
	__u32 rcvbuf;			/* bytes; of the receiving socket, where it is known */
	__u32 rmem;
	char ifname[UW_IFNAME];
	__u8 mark;			/* enum uw_stage reached before */
	__u8 filter;			/* enum uw_filter: the receiving socket's own */
	__u8 ct;			/* enum uw_ct */
	__u8 untranslated;		/* UW_NAT_* of a reply whose query was translated */
	__u16 copies;			/* of uw_record.dropped that ended so, one after another */
	__u8 sole;			/* no copy of the packet was left: its end, whatever the reason */
	__u8 pad;
	__u64 rule;			/* number of its uw_rule (rule.h), 0 not known */
};

/*
 * A bridge that floods makes several packets of one. Where those of the last attempt are: each its buffer's
 * address, which is only good for as long as it is on its way, and whether it is beyond the scope.
 */
#define UW_COPIES 4
#define UW_COPY_OUT 1ull

#define UW_EARLIER_MAX 4	/* drops kept of one direction before the last, each of another place or reason */

/* One of them: what is freed last may be a copy that nobody waits for, and only its place tells. */
struct uw_earlier_key {
	__u64 id;	/* of the query */
	__u32 dir;	/* enum uw_dir */
	__u32 number;	/* from 0 */
};

struct uw_icmp {
	struct uw_addr from;
	__u64 when_ns;
	__u32 mtu;	/* of fragmentation needed or packet too big, else 0 */
	__u8 seen;
	__u8 type;
	__u8 code;
	__u8 verified;	/* the quote held the transaction */
	__u8 local;	/* it was sent by this host (scope) */
	__u8 underway;	/* one of ours was sent and has not come in */
	__u8 pad[6];
};

struct uw_answer {
	__u64 when_ns;
	__u32 refid;		/* NTP, network order */
	__u16 flags;		/* DNS header flags, host order */
	__u8 stratum;		/* NTP */
	__u8 kod;		/* NTP: stratum 0 and an ASCII kiss code */
	__u8 late;		/* after the deadline */
	__u8 unsynchronised;	/* NTP: uw_ntp_unsynchronised() */
	__u8 pad[2];
	__u32 digest;		/* uw_answer_digest(), 0 not known */
};

struct uw_hop {
	char ifname[UW_IFNAME];
	__u32 ifindex;
	__u32 netns;
	__u8 dir;		/* enum uw_dir */
	__u8 out;		/* left by it, else came in by it */
	__u8 loopback;		/* IFF_LOOPBACK */
	__u8 pad[5];
};

/* What a reply had left of its translation when it died or was delivered: bits of uw_drop.untranslated. */
#define UW_NAT_CLIENT (1u << 0)	/* the client's end was not the asker's yet */
#define UW_NAT_SERVER (1u << 1)	/* the server's end was not what had been asked */
#define UW_NAT_WIRE (1u << 2)	/* the client's end was still the wire's */
#define UW_NAT_ALL (UW_NAT_CLIENT | UW_NAT_SERVER | UW_NAT_WIRE)

/* The tuple that the wire saw, where address translation made it another. */
struct uw_nat {
	struct uw_addr client, server;
	__u16 client_port, server_port;
	__u32 netns;	/* of the translation that was the last */
	__u8 seen;
	__u8 pad[7];
};

/*
 * Of a query that entered a tunnel: what carried it. A way is a kind of outer packets that this host sends
 * and gets: the UDP port of the tunnel (always above 255) or an IP protocol; 0 none was seen.
 */
struct uw_outer {
	__u32 ifindex;	/* left by this device */
	__u32 netns;
	__u16 way;
	__u8 copies;	/* of the request's copies, how many were seen to leave */
	__u8 pad[5];
};

/* What became of a TCP connection to a server that sent a truncated answer. */
enum uw_tcp {
	UW_TCP_NONE,		/* none was tried */
	UW_TCP_PENDING,
	UW_TCP_CONNECTED,
	UW_TCP_REFUSED,
	UW_TCP_UNREACHABLE,	/* another ICMP error, no route, a local refusal */
	UW_TCP_TIMED_OUT,
	UW_TCP_ABANDONED,	/* closed by its process before there was an answer */
	UW_TCPS,
};

/* uw_record.flags */
#define UW_Q_LOCAL_SEND		(1u << 0)  /* the sender's socket is in scope */
#define UW_Q_RAW		(1u << 1)  /* sent without a UDP socket (AF_PACKET, raw) */
#define UW_Q_OUTSIDE		(1u << 2)  /* the request's last copy is beyond the scope */
#define UW_Q_SERVER_QUEUED	(1u << 3)  /* the request was queued to a socket in scope */
#define UW_Q_SERVER_READ	(1u << 4)  /* ... and read */
#define UW_Q_REPLY_SENT		(1u << 5)  /* a reply was sent by a socket in scope */
#define UW_Q_NO_OWNER		(1u << 7)  /* task is not known */
#define UW_Q_NO_PACKET		(1u << 9)  /* the send failed before a packet was made */
#define UW_Q_UNREAD		(1u << 10) /* the reply was freed unread when its socket closed */
#define UW_Q_SOCKET_OPEN	(1u << 11) /* the asking socket was open when its reply was freed */
#define UW_Q_TORN		(1u << 16) /* a later fragment of the request's last copy was freed here */
#define UW_Q_REPLY_TORN		(1u << 17) /* ... of the reply: its drop is the one kept */
#define UW_Q_UNTRANSLATED	(1u << 18) /* the reply was queued to a socket under its tuple on the wire */
#define UW_Q_MANY_COPIES	(1u << 14) /* the request's last copy became more packets than uw_record.copy has room for */
#define UW_Q_VIA_OUTPUT		(1u << 8)  /* every copy passes the output hook, where it is counted */
#define UW_Q_FOR_ANOTHER	(1u << 12) /* its frame is another host's, and only bridges have had it yet */
#define UW_Q_FOR_HERE		(1u << 13) /* a visitor's request came in to an address of that namespace */

enum uw_record_kind {
	UW_RECORD_QUERY = 1,	/* a query, closed or replaced */
	UW_RECORD_SEND_FAILED,	/* no packet was made: key without transaction, errno in send_errno */
	UW_RECORD_ICMP,		/* an ICMP error whose quote ends before the transaction */
	UW_RECORD_STRAY,	/* a reply that no query is known for: delivered, or dropped (drop[UW_REPLY]) */
	UW_RECORD_REPLY_FAILED,	/* a server's reply was not sent: a key without transaction, errno in send_errno */
	UW_RECORD_TCP,		/* of the query @id: its asker tries TCP, or how that ended */
};

struct uw_record {
	__u16 version;
	__u16 kind;	/* enum uw_record_kind */
	__u32 size;	/* of the whole record, bytes */
	__u64 id;	/* unique per run, 0 while the entry is being made */

	struct uw_query_key key;
	struct uw_task task;		/* who asked; of a visitor, who serves it */

	__u64 send_ns;			/* first copy; of a visitor: when it came in */
	__u64 last_send_ns;		/* last copy */
	__u64 wire_out_ns;		/* the last device took the request */
	__u64 wire_in_ns;		/* the reply came in by the first device */
	__u64 input_ns;			/* the reply passed netfilter and was handed to UDP */
	__u64 queued_ns;		/* the reply was queued to the asking socket */
	__u64 read_ns;			/* ... and read */
	__u64 server_queued_ns;		/* the request was queued to a socket in scope */
	__u64 server_read_ns;		/* ... and read */
	__u64 reply_out_ns;		/* the last device took the reply */
	__u64 times;			/* in the map of floods: how many are counted here; else 0 */
	__u64 skb;			/* the copy now on its way, or the reply queued: a hint, never printed */
	__u64 socket;			/* likewise, the asking socket */
	__u64 socket_number;		/* its number among all that asked: an address is reused */
	__u64 copy[UW_COPIES];		/* never printed */
	__u64 question_hash;

	__u32 flags;			/* UW_Q_* */
	__u32 netns;			/* of the asking socket; of a visitor, of the serving one or where it came in */
	__s32 send_errno;		/* positive errno, 0 none */
	__u32 attempts;
	__u32 on_wire;			/* copies that left the scope */
	__u32 dropped;			/* copies freed here */
	__u32 replies;			/* replies seen on the wire */
	__u8 stage[UW_DIRS];		/* enum uw_stage: the last mark of each direction */
	__u8 hops;
	__u8 queued_copies;		/* of the reply, in the asking socket's queue */
	__u16 question_len;
	__u8 torn;			/* copies that left, but not whole: see UW_Q_TORN */
	__u8 tcp_retry;			/* UW_RECORD_TCP: enum uw_tcp */
	__u32 server_pid;		/* who read the request, 0 unknown */
	__u16 from_port;		/* UW_RECORD_STRAY: the port it came from, where not the asked one's */
	__u8 earlier[UW_DIRS];	/* drops before the last: see struct uw_earlier_key */
	__u32 closed;			/* taken by the one who closes it: two readers' CPUs may want to */
	__s32 reply_inside;		/* copies of the reply that were queued at a device and that no driver took yet */
	__u32 pad;

	struct uw_drop drop[UW_DIRS];	/* the last of each direction */
	struct uw_icmp icmp;
	struct uw_answer answer;
	struct uw_nat nat;
	struct uw_outer outer;
	struct uw_hop path[UW_PATH_MAX];
	__u8 question[UW_QUESTION_MAX];	/* DNS: wire form */
};

/* UDP queues are first in, first out: the n-th datagram queued is the n-th read. */
struct uw_queue {
	__u64 ready;	/* deliveries seen, those already queued at first sight included */
	__u64 assigned;	/* the number of the newest that was looked at */
	__u64 looked;	/* its address; 0: none of the queue was looked at */
	__u64 read;
	__u64 empty_ns;	/* when a reader last left it empty */
	__u64 owner;	/* the socket: its address is another's after the close */
	__u64 since_ns;	/* when this owner was first seen */
};

/* The last answer to a question that a socket has asked of several servers. */
struct uw_answered_key {
	__u64 socket_number;
	__u64 question_hash;
};

struct uw_answered {
	__u64 when_ns;
	struct uw_addr server;
	__u16 server_port;
	__u8 pad[6];
};

/* A task's last route lookup: what it is about to send, or failed to. */
struct uw_send {
	struct uw_query_key key;	/* without transaction: there is no packet yet */
	struct uw_task task;
	__u64 id;			/* of the query, if the lookup failed */
	__u64 when_ns;
	__u32 netns;
	__s32 route_errno;		/* positive; 0 found */
	__u8 vague;			/* the lookup does not tell the errno: a policy rule may have decided */
	__u8 refused;			/* route_errno is a cgroup program's: the route was not looked up */
	__u8 pad[6];
};

/* Of a cgroup that is gone, below the root of its hierarchy; cut, with its end. */
struct uw_cgroup_path {
	char path[256];
};

/* A process that has a socket open which may ask, from a walk over all open files. */
struct uw_holding {
	struct uw_addr client, server;	/* bound to and connected to, zero if not */
	struct uw_task task;
	__u64 socket;			/* a hint, never printed */
	__u32 netns;
	__u16 client_port, server_port;	/* 0 if not bound, not connected */
	__u8 family;			/* 4 or 6 */
	__u8 raw;
	__u8 pad[6];
};

/* A tunnel's outer packets that came in: those of one way in one second. */
struct uw_tunnel_key {
	__u32 way;
	__u32 second;	/* CLOCK_BOOTTIME */
};

struct uw_tunnel_second {
	__s64 missing;		/* came in, and what they carried has not come out of the tunnel */
	__u64 out_ns;		/* when the last one of them came in whose load did come out, 0 none */
};

/*
 * Good queries are not sent up one by one; they are counted here. Port class and server make a flow. In
 * the role server the client is its /24 or /48 only, all zero for those for which there was no room.
 */
struct uw_flow_key {
	struct uw_addr client;
	struct uw_addr server;
	__u32 netns;
	__u16 server_port;
	__u8 family;
	__u8 protocol;
	__u8 fixed;		/* client port below 1024 or equal to the service port */
	__u8 role;		/* enum uw_role */
	__u8 pad[6];
};

#define UW_RTT_BUCKETS 32	/* bucket n counts round trips of 2^n to 2^(n+1)-1 microseconds */

/*
 * Answered queries of which none was sent much later than the one before: what a flow's good queries
 * tell of time without being told one by one. The newest is run[(runs - 1) % UW_RUNS].
 */
#define UW_RUNS 8
#define UW_RUN_GAP_NS 125000000ll

struct uw_run_good {
	__u64 first_ns, last_ns;	/* sent */
	__u64 before;			/* answered of the flow when it began */
};

struct uw_flow_value {
	__u64 answered;
	__u64 attempts;
	__u64 last_good_ns;
	__u64 rtt_max_us;
	__u64 duplicate;	/* further answers, like the first */
	__u64 conflicting;	/* ... and unlike it */
	__u64 unsynchronised;	/* of those answered: by a server that says so of itself */
	__u64 last_unsynchronised_ns;
	__u64 rtt[UW_RTT_BUCKETS];
	char comm[UW_COMM];	/* the last asker */
	char exe[UW_EXE];
	__u32 pid;
	__u16 client_port;
	__u16 pad;
	__u64 runs;
	struct uw_run_good run[UW_RUNS];
};

/* A reply that found no route, or was refused: whose it would have been. */
struct uw_reply_route {
	struct uw_query_key key;	/* without transaction; the server's address zero if it is not known */
	__u64 when_ns;
	__s32 err;			/* positive */
	__u8 pad[4];
};

/* What user space tells of visitors while we run. */
struct uw_visiting {
	__u64 from_ns;			/* every hook is in place by then: a request of ours would be known; 0 not yet */
	__s64 room[UW_QUOTAS];		/* bad ones that the tables can keep until the next sweep */
};

/* An address of a namespace in scope. */
struct uw_here {
	struct uw_addr addr;
	__u32 netns;
	__u8 family;
	__u8 pad[3];
};

/* Drops alike. */
struct uw_flood_key {
	__u64 location, way;		/* kernel addresses: where, and a hash of the frames around it */
	struct uw_addr server;		/* zero if it is not of this host: anybody may make those up */
	__u32 reason, netns;
	__u16 server_port;
	__u8 family, protocol, quota, dir, mark;
	__u8 pad[1];
};

#define UW_CHECK_LAYOUT(type, size) _Static_assert(sizeof(type) == (size), #type " changed its layout")
UW_CHECK_LAYOUT(struct uw_query_key, 48);
UW_CHECK_LAYOUT(struct uw_task, 112);
UW_CHECK_LAYOUT(struct uw_drop, 192);
UW_CHECK_LAYOUT(struct uw_earlier_key, 16);
UW_CHECK_LAYOUT(struct uw_icmp, 40);
UW_CHECK_LAYOUT(struct uw_answer, 24);
UW_CHECK_LAYOUT(struct uw_nat, 48);
UW_CHECK_LAYOUT(struct uw_outer, 16);
UW_CHECK_LAYOUT(struct uw_hop, 32);
UW_CHECK_LAYOUT(struct uw_record, 1544);
UW_CHECK_LAYOUT(struct uw_queue, 56);
UW_CHECK_LAYOUT(struct uw_answered_key, 16);
UW_CHECK_LAYOUT(struct uw_answered, 32);
UW_CHECK_LAYOUT(struct uw_send, 192);
UW_CHECK_LAYOUT(struct uw_holding, 168);
UW_CHECK_LAYOUT(struct uw_cgroup_path, 256);
UW_CHECK_LAYOUT(struct uw_tunnel_key, 8);
UW_CHECK_LAYOUT(struct uw_tunnel_second, 16);
UW_CHECK_LAYOUT(struct uw_reply_route, 64);
UW_CHECK_LAYOUT(struct uw_visiting, 32);
UW_CHECK_LAYOUT(struct uw_here, 24);
UW_CHECK_LAYOUT(struct uw_flood_key, 48);
UW_CHECK_LAYOUT(struct uw_flow_key, 48);
UW_CHECK_LAYOUT(struct uw_flow_value, 608);

#endif
