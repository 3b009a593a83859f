/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queries from the packets of a capture: each request is tied to its reply by transaction, within
 * its flow (RFC 5905 8, RFC 9769, RFC 5452 9.1), and judged once nothing more can come for it.
 *
 * Time is the capture's own, nanoseconds since the epoch, and need not run forward throughout.
 */
#ifndef UW_MATCH_H
#define UW_MATCH_H

#include "core/query.h"
#include "packet.h"

/* One datagram of a service's port, as it was seen on the wire. */
struct uw_sighting {
	struct uw_headers ip;
	const uint8_t *body;	/* UDP payload, in a buffer of UW_BODY_MAX bytes or more */
	uint32_t body_len;	/* captured and kept */
	uint32_t payload_len;	/* as the UDP header has it */
	uint64_t when_ns;
	uint32_t ip_id;		/* 0 where there is none */
	uint32_t tunnels;	/* enum uw_tunnel, four bits each */
	uint8_t to, from;	/* enum uw_proto of the destination and source port */
	bool fragmented;	/* it came in fragments */
	bool partial;		/* ... of which this is only the first */
};

struct uw_match_options {
	uint64_t timeout_ns;
	uint32_t run;		/* high part of query.id */
	unsigned open_max;	/* queries open at once; the oldest is given up beyond */
};

/* What was counted beside the queries. */
struct uw_match_counts {
	uint64_t unmatched;	/* replies without a request */
	uint64_t duplicates;	/* further replies, like the first */
	uint64_t conflicting;	/* ... and unlike it */
	uint64_t captured_twice;	/* the same datagram, seen again */
	uint64_t cut;		/* too short to tell which query, by the capture's length limit */
	uint64_t icmp;		/* errors that quote a request */
	uint64_t given_up;	/* judged early for want of room */
};

typedef void (*uw_match_fn)(void *arg, const struct uw_query *q);

struct uw_match;	/* opaque */

/**
 * uw_match_new - an empty matcher.
 * @on_query: called once for each query, judged, when its time is over; @q is the matcher's.
 * Return: 0, or -ENOMEM.
 */
int uw_match_new(const struct uw_match_options *o, uw_match_fn on_query, void *arg, struct uw_match **out);
void uw_match_free(struct uw_match *m);

/**
 * uw_match_time - the capture's time goes on: what can get no answer any more is judged.
 * @when_ns: of every frame, whatever it holds, before its datagrams are given.
 */
void uw_match_time(struct uw_match *m, uint64_t when_ns);

/** uw_match_packet - take a datagram; what is neither request nor reply is passed over.
 * Return: whether it was a request. */
bool uw_match_packet(struct uw_match *m, const struct uw_sighting *s);

/**
 * uw_match_icmp - take an ICMP error.
 * @outer: its headers; quoted: the datagram it quotes, when_ns and tunnels those of the error.
 */
void uw_match_icmp(struct uw_match *m, const struct uw_headers *outer, const struct uw_sighting *quoted);

/** uw_match_end - the capture is over: judge what is open. */
void uw_match_end(struct uw_match *m);

const struct uw_match_counts *uw_match_counts(const struct uw_match *m);

#endif
