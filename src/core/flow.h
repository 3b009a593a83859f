/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A flow: queries aggregated by network namespace, protocol, role, client address, server address
 * and port, and port class of the client port. An ephemeral port is never part of the key.
 *
 * In the server role the client address is its /24 or /48 only; prefixes beyond a quarter of the
 * table share one flow whose client address is zero ("other"), so that no stranger can fill it.
 * A query is counted either by uw_flow_add() or, folded by the kernel, by uw_flow_fold(), not both.
 *
 * The table is bounded: where there is no room for a flow, the one that was not asked for longest leaves,
 * and all that it counted goes to the flow "other" of its protocol and role (family 0, no addresses).
 */
#ifndef UW_FLOW_H
#define UW_FLOW_H

#include "core/asker.h"
#include "core/query.h"

#define UW_FLOW_DROPS 8
#define UW_FLOW_RULE 160	/* bytes kept of a rule: its table, chain and handle, and what it says as far as it goes */
#define UW_FLOW_ERRNOS 4

struct uw_flow_id {
	struct uw_addr client, server;
	uint32_t netns;
	uint16_t server_port;
	uint8_t family, protocol, role, fixed;
	uint8_t probe;		/* asked by udpwhy itself, kept apart */
	uint8_t host;		/* of records from several hosts: which, 0 the run's own */
};

struct uw_flow {
	struct uw_flow_id id;
	const char *host;		/* id.host's name, NULL the run's own */
	uint64_t count[UW_VERDICTS];
	uint64_t revised[UW_VERDICTS];	/* ... once, and taken back by a later revision */
	uint64_t attempts;
	uint64_t duplicate, conflicting;	/* further answers, like the first and unlike it */
	uint64_t first_ns, last_good_ns, last_bad_ns;	/* CLOCK_BOOTTIME of sends, 0 absent */
	uint64_t suppressed;		/* counted but not told one by one (core/ration.h) */
	uint64_t reported;		/* flow_table.c's own: what uw_flow_is_news() saw */
	bool left;			/* likewise: it leaves the table, this is its last record */
	uint64_t bad_complete;		/* no_reply with complete evidence */
	uint64_t rtt[UW_RTT_BUCKETS];
	uint64_t rtt_max_us;
	char executable[UW_NAME_MAX];	/* the last asker, raw bytes */
	uint32_t pid;
	uint16_t client_port;		/* the last used */
	char netns_name[UW_NETNS_NAME];	/* of id.netns, as 'ip netns' has it, "" none; raw bytes */
	struct uw_rhythm rhythm;	/* of its sends */
	struct uw_flow_far {
		uint64_t seen;		/* queries of which a second vantage point tells the fate */
		uint64_t requests_lost, replies_lost;	/* copies, between the two */
		uint64_t no_reply;	/* queries that came by there and drew no reply */
	} far;
	unsigned drops;
	struct uw_flow_drop {
		enum uw_stage stage;
		enum uw_dir dir;
		char reason[64], engine[24], hook[24];
		uint64_t count;
		uint32_t netns;		/* where it was dropped, not always the flow's */
		uint32_t rcvbuf, rmem;	/* bytes, of the last one where known */
		char rule[UW_FLOW_RULE];	/* the first that was known; raw bytes */
		uint64_t by_rule;	/* ... and how many it dropped */
		uint16_t client_port;	/* of the last one, 0 not known */
	} drop[UW_FLOW_DROPS];	/* distinct (stage, reason, direction, netns), the first ones */
	uint64_t drops_unlisted;	/* of kinds for which there was no room */
	uint64_t icmp_local;		/* queries with an ICMP error sent by this host */
	uint64_t tcp[UW_TCPS];		/* truncated answers by what became of the retry over TCP */
	uint64_t refused;		/* by a kiss-o'-death; the rest of UW_REFUSED is DNS */
	uint64_t kod_rate;		/* ... of which the code was RATE */
	uint64_t unsynchronised;	/* of the answers in time: the server has no time to give, as it says */
	uint64_t last_unsynchronised_ns;	/* sent, the last of these; 0 absent */
	uint64_t too_big;		/* without answer, and a router said that they are too large */
	uint32_t mtu;			/* ... for this, the last told */
	uint64_t port_unreachable;	/* rejected by the server's own ICMP port unreachable */
	uint64_t lost_beyond;		/* drew no answer in time (core/lot.h), fault beyond */
	uint64_t late_beyond;		/* answered late, and not held up by this host */
	uint64_t late_given_up;		/* ... when the asking socket was closed */
	uint64_t unread_closed;		/* reply_unread: freed when its socket was closed, not left lying in it */
	uint64_t misdirected_complete;	/* misdirected with complete evidence: the asked one was silent */
	bool captured;			/* seen on a wire: the host is not known */
	uint64_t nic_queries, nic_most;	/* no_reply while the card lost packets; the most of one query */
	uint64_t allowance_queries, allowance_most;	/* ... while a driver's *_allowance_exceeded rose */
	unsigned send_errors;
	struct uw_flow_errno {
		int err;		/* positive */
		uint64_t count;
		uint64_t routed;	/* of them, the answer of a route lookup */
	} send_error[UW_FLOW_ERRNOS];	/* of send_failed, distinct, the first UW_FLOW_ERRNOS */
};

/** uw_flow_id_of, uw_flow_id_of_key - the flow of a judged query, of one that the kernel counts. */
void uw_flow_id_of(struct uw_flow_id *id, const struct uw_query *q, bool probe);
void uw_flow_id_of_key(struct uw_flow_id *id, const struct uw_flow_key *key, bool probe);

/** uw_flow_is_other - whether it is of all flows that left the table. */
static inline bool uw_flow_is_other(const struct uw_flow_id *id)
{
	return !id->family;
}

/** uw_flow_count - count a judged query; a revision 2 takes revision 1's verdict (@previous) back from
 * where that was counted, @first. */
void uw_flow_count(struct uw_flow *f, const struct uw_query *q, const enum uw_verdict *previous,
		   struct uw_flow *first);

/** uw_flow_sum - add all that @more counts. Rhythms do not add up: @f's stays. */
void uw_flow_sum(struct uw_flow *f, const struct uw_flow *more);

/** uw_flow_drop_same - whether two are of one kind: stage, reason, direction and namespace. */
bool uw_flow_drop_same(const struct uw_flow_drop *a, const struct uw_flow_drop *b);

/** uw_flow_quantile_us - the @q quantile (0 to 1) of the round trips of answered queries from the
 * log2 histogram, interpolated within its bucket; 0 without answers. */
uint64_t uw_flow_quantile_us(const struct uw_flow *f, double q);
uint64_t uw_flow_asked(const struct uw_flow *f);
uint64_t uw_flow_answered(const struct uw_flow *f);

#endif
