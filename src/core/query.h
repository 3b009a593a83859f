/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A query: one request and what became of it. Every source (live kernel, capture file, JSON lines)
 * gives this struct; the core judges it; sinks print it. It holds facts, no kernel types.
 */
#ifndef UW_QUERY_H
#define UW_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer.h"
#include "core/vantage.h"
#include "record.h"

#define UW_NAME_MAX 256		/* an escaped executable name, reason */
#define UW_USER_MAX 33		/* a user's name: LOGIN_NAME_MAX is longer, useradd(8) allows 32 */
#define UW_NETNS_NAME 64	/* a network namespace's name */
#define UW_HOLDERS 4		/* processes kept of a socket that several hold */
#define UW_RULE_TEXT_MAX 768	/* two names of nftables and what a rule says */
#define UW_DNS_NAME_MAX 1024	/* 255 bytes in presentation form, every one as \DDD */

enum uw_verdict {
	UW_ANSWERED,
	UW_SERVED,
	UW_FORWARDED,
	UW_ANSWERED_LATE,
	UW_SUPERSEDED,
	UW_REFUSED,
	UW_REJECTED,
	UW_NO_REPLY,
	UW_MISDIRECTED,
	UW_SEND_FAILED,
	UW_REQUEST_DROPPED,
	UW_REQUEST_HELD,
	UW_REPLY_DROPPED,
	UW_REPLY_HELD,
	UW_REPLY_UNREAD,
	UW_REQUEST_UNREAD,
	UW_NOT_SERVED,
	UW_UNKNOWN,
	UW_VERDICTS,
};

enum uw_fault {
	UW_FAULT_NONE,
	UW_FAULT_LOCAL,
	UW_FAULT_BEYOND,
	UW_FAULT_UNKNOWN,
	UW_FAULTS,
};

/* What could have hidden a reply from us. Bits of uw_query.gaps, in the order of uw_gap_name(). */
enum uw_gap {
	UW_GAP_STARTED_AFTER_REQUEST,
	UW_GAP_RECORDS_LOST,
	UW_GAP_TABLE_FULL,
	UW_GAP_NIC_DROPS_ROSE,
	UW_GAP_XDP_ON_DEVICE,
	UW_GAP_NAMESPACE_NOT_TRACED,
	UW_GAP_REPLY_UNPARSED,
	UW_GAP_ENCAPSULATED,
	UW_GAP_OLD_KERNEL,
	UW_GAP_TRUNCATED_CAPTURE,
	UW_GAPS,
};
#define UW_GAP_BIT(g) (1u << (g))

/* A drop with the kernel's addresses already turned into names. Empty strings are absent facts. */
struct uw_drop_fact {
	bool seen;
	enum uw_dir dir;
	enum uw_stage stage;
	uint64_t when_ns;
	char reason[64];	/* NETFILTER_DROP, from the running kernel's BTF */
	char location[96];	/* symbol+0xoffset */
	char hook[24];		/* prerouting, input, forward, output, postrouting, ingress, egress */
	char engine[24];	/* nftables, nfqueue; empty where the location cannot tell */
	char rule[UW_RULE_TEXT_MAX];	/* raw bytes: sinks escape */
	bool rule_traced;	/* the rule was looked for: if absent, its trace did not come */
	char ifname[UW_IFNAME];
	enum uw_ct ct;
	uint32_t netns;
	uint32_t rcvbuf, rmem;	/* bytes */
	uint8_t untranslated;	/* UW_NAT_*: of a reply whose query was translated */
};

/* A device counter that rose between the sending and the judging of a query. */
struct uw_counter_fact {
	char ifname[UW_IFNAME];
	char name[40];
	uint64_t rose;
};
#define UW_COUNTERS_MAX 8

/* The wire's acquittals: what was looked at around a query that got no reply. */
struct uw_acquittal {
	bool looked;			/* device counters were read before and after */
	uint32_t nic_drops;		/* packets: rx_missed, rx_fifo, rx_over, rx_nobuf, softnet */
	uint32_t tx_errors;		/* packets: tx_errors, tx_dropped, tx_carrier, tx_fifo */
	bool xdp;			/* an XDP program sits on a device of the wire's namespaces */
	bool carried;			/* through a tunnel whose outer packets left, and came in */
	bool link_down;			/* the link by which it left was down meanwhile */
	uint32_t drops_here;		/* copies of this query freed on this host */
	uint32_t icmp_errors;		/* quoting this query */
	uint64_t tracer_losses;
	unsigned counters;
	struct uw_counter_fact counter[UW_COUNTERS_MAX];
};

struct uw_query {
	const char *host;		/* of records from several hosts: which traced it; NULL: the run's own */
	uint8_t host_number;		/* ... a number for it, 0 the run's own */
	uint64_t id;
	uint32_t run;			/* high part of query.id: differs from run to run */
	unsigned revision;		/* 1, more when what came later changed the verdict */
	enum uw_role role;
	struct uw_query_key key;
	uint32_t flags;			/* UW_Q_* */
	uint32_t netns;

	struct uw_task task;
	char executable[UW_NAME_MAX];	/* file name of the executable, else comm; raw bytes: sinks escape */
	char user[UW_USER_MAX];		/* name of task.uid, "" unknown; raw bytes */
	char cgroup[UW_NAME_MAX];	/* of the task when it sent: path below the root of cgroup v2, "" unknown; raw */
	char netns_name[UW_NETNS_NAME];	/* as 'ip netns' has it, "" none; raw bytes */

	/* UW_Q_NO_OWNER: who sent is not known, but these held the asking socket (one of them did). */
	unsigned holders;
	bool more_holders;
	struct uw_holder {
		uint32_t pid;
		char executable[UW_EXE];	/* raw bytes */
	} holder[UW_HOLDERS];

	uint64_t send_ns, wire_out_ns, wire_in_ns, input_ns, queued_ns, read_ns;	/* CLOCK_BOOTTIME, 0 absent */
	uint64_t server_queued_ns, server_read_ns;	/* the request, at a server here */
	uint64_t reply_out_ns;		/* roles server and forwarder: the reply left by the last device */
	enum uw_tcp tcp_retry;		/* of a truncated answer */
	uint64_t superseded_ns;		/* its socket had the answer from another server, 0 absent */
	uint64_t abandoned_ns;		/* the asking socket closed or its process ended, 0 absent */
	uint64_t judged_ns;		/* when the verdict was taken */
	uint64_t timeout_ns;		/* the deadline after send_ns */

	int send_errno;			/* positive, 0 absent */
	unsigned attempts, on_wire, dropped, replies;
	bool copy_inside;		/* the last copy became several packets, of which some left and some are here */
	bool reply_inside;		/* a copy of the reply waits at a device here */
	unsigned duplicate, conflicting;	/* further answers, where each query has its own count */
	enum uw_stage stage_reached[UW_DIRS];
	struct uw_drop_fact drop[UW_DIRS];
	struct uw_icmp icmp;
	struct uw_answer answer;
	struct uw_nat nat;
	struct uw_outer outer;
	unsigned hops;
	struct uw_hop path[UW_PATH_MAX];

	bool fragments;			/* it, or a reply to it, came in fragments */
	uint32_t server_pid;		/* the process here that read the request, 0 unknown */
	uint64_t times;			/* not 0: it stands for as many alike, which are counted and not told */
	struct uw_far far;		/* what a second vantage point saw of it */
	bool captured;			/* from a capture: seen on a wire, the host is not known */
	uint64_t question_hash;		/* DNS, case folded; 0 absent */
	bool misdirected;		/* a reply with this transaction came from elsewhere: */
	struct uw_addr misdirected_from;
	uint16_t misdirected_port;	/* the port, where it was another than was asked, else 0 */
	uint64_t caused_by;		/* id of the server's own bad query for this question, 0 none */
	uint16_t question_len;
	uint8_t question[UW_QUESTION_MAX];	/* DNS: QNAME, QTYPE, QCLASS in wire form */

	const char *held_by;		/* nfqueue; NULL unless held and known; a constant */
	uint32_t gaps;			/* UW_GAP_BIT() of what could have hidden a reply */
	struct uw_acquittal acquittal;

	/* filled by uw_judge() */
	enum uw_verdict verdict;
	enum uw_fault fault;
	enum uw_stage stage;
	bool nat_expired;		/* ruling 11: the reply was no longer translated back */
	const struct uw_drop_fact *decisive_drop;	/* into drop[], NULL if the verdict is no drop's */
};

/**
 * uw_judge - the verdict on a query, a pure function of its facts (design: "Verdict and fault").
 * @q: facts filled in; verdict, fault, role, stage and decisive_drop are written, gaps that a seen reply
 * closes are cleared, and abandoned_ns is set where the reply found its socket closed.
 *
 * Final once q->judged_ns is past the deadline; before that the caller decides whether to wait
 * (uw_query_open()).
 */
void uw_judge(struct uw_query *q);

/**
 * uw_query_open - whether the query may still change (rulings 2 and 3).
 * @q: facts; now_ns: CLOCK_BOOTTIME.
 *
 * Return: true if it must not be judged yet.
 */
bool uw_query_open(const struct uw_query *q, uint64_t now_ns);

/** uw_query_times - how many queries it stands for: one, or as many as are counted alike. */
static inline uint64_t uw_query_times(const struct uw_query *q)
{
	return q->times ? q->times : 1;
}

/** uw_query_is_ours - false for another host's frame that only a bridge here looked at. */
bool uw_query_is_ours(const struct uw_query *q);

/** uw_verdict_good - what a round trip in time is called in a role. */
enum uw_verdict uw_verdict_good(enum uw_role role);

/** uw_query_copy - a copy that stands for itself: decisive_drop points into its own drop[]. */
void uw_query_copy(struct uw_query *to, const struct uw_query *from);

/** uw_query_is_bad - whether the verdict is one a user wants to hear of. */
bool uw_query_is_bad(const struct uw_query *q);

/** uw_query_is_news - whether it is told without --all: bad, or good with a fault to it. */
bool uw_query_is_news(const struct uw_query *q);

/** uw_tcp_failed - whether the retry over TCP was tried and did not get through. */
bool uw_tcp_failed(enum uw_tcp t);

/** uw_query_duration_ns - from the first send to the fact that decided, 0 if neither is known. */
uint64_t uw_query_duration_ns(const struct uw_query *q);

/* Names, as in JSON; never NULL for a value of the enum. names.c */
const char *uw_verdict_name(enum uw_verdict v);
const char *uw_fault_name(enum uw_fault f);
const char *uw_role_name(enum uw_role r);
const char *uw_stage_name(enum uw_stage s);
const char *uw_gap_name(enum uw_gap g);
const char *uw_far_name(enum uw_far_outcome o);	/* NULL for UW_FAR_NONE */
const char *uw_side_name(enum uw_vantage_side s);
const char *uw_proto_name(enum uw_proto p);
const char *uw_tcp_name(enum uw_tcp t);	/* NULL for UW_TCP_NONE */

/** uw_rcode_name - DNS RCODE of the header's low four bits, "RCODE%u"-like names never needed. */
const char *uw_rcode_name(unsigned rcode);

/**
 * uw_qtype_name - DNS QTYPE mnemonic; @buf (12 bytes or more) receives "TYPE65280" (RFC 3597 5)
 * for one without a name.
 */
const char *uw_qtype_name(unsigned qtype, char *buf, size_t size);

/** uw_qtype_number - the QTYPE of a mnemonic in any case, or of "TYPE65280"; 0 for anything else. */
unsigned uw_qtype_number(const char *name);

/**
 * uw_errno_name - "ENETUNREACH" for a positive errno, or NULL for one without a name.
 */
const char *uw_errno_name(int err);

/** uw_errno_of - the errno of "ENETUNREACH", or of "E530" without a name; 0 for one that is none. */
int uw_errno_of(const char *name);

#endif
