/* SPDX-License-Identifier: GPL-2.0-only */
/* The open queries of a capture, found by transaction and kept in the order of their last copy. match.c's own. */
#ifndef UW_MATCH_TABLE_H
#define UW_MATCH_TABLE_H

#include "core/query.h"

/*
 * The client's side of a transaction. The server is compared apart: one client port may ask several
 * servers with one id, and a reply may come from another address than was asked.
 */
struct uw_match_key {
	struct uw_addr client;
	uint64_t transaction;
	uint32_t tunnels;
	uint16_t client_port;
	uint8_t family, protocol;
};

/* Every query is in one of these, in the order of its last copy or of its answer. */
enum uw_stand {
	UW_WAITING,
	UW_STAND_ANSWERED,	/* kept for duplicates only */
	UW_STANDS,
};

enum uw_index_by {
	UW_BY_TRANSACTION,
	UW_BY_ALIAS,	/* NTP interleaved mode: the request's receive timestamp (RFC 9769) */
	UW_INDICES,
};

/* What a datagram is known by when it is seen again. */
struct uw_print {
	uint64_t hash, when_ns;
	uint32_t ip_id;
	bool fragmented;
};

struct uw_open {
	/* Looked at by every packet of its tuple, so at its beginning. */
	struct uw_open *chain[UW_INDICES];	/* the next one in its bucket */
	uint32_t hash[UW_INDICES];
	struct uw_match_key by[UW_INDICES];
	struct uw_query_key key;
	uint64_t question_hash, id, send_ns;
	struct uw_print request, reply;
	struct uw_open *previous, *next;	/* in its list */
	enum uw_stand stand;
	unsigned attempts, replies, duplicate, conflicting;
	bool misdirected, aliased;
	bool cut;		/* what would tell lies behind the capture's length limit */
	bool given_up;		/* judged early for want of room */
	bool fragments;		/* it, or a reply to it, came in fragments */
	struct uw_answer answer;
	struct uw_icmp icmp;
	struct uw_addr misdirected_from;
	uint16_t question_len;
	uint8_t question[UW_QUESTION_MAX];	/* last: what is not used of it is not touched */
};

struct uw_open_list {
	struct uw_open *oldest, *newest;
	unsigned count;
};

/* Buckets of queries, those of one key in the order of their sending. */
struct uw_open_buckets {
	struct uw_open **bucket;
	unsigned buckets, used;	/* buckets: a power of two, 0 before the first query */
};

/* Zeroed is an empty one. */
struct uw_open_table {
	struct uw_open_buckets index[UW_INDICES];
	struct uw_open_list list[UW_STANDS];
	struct uw_open *spare;	/* freed ones, by their next: as many as were there at once */
};

/** uw_open_new - Return: a zeroed query but for question[], in no list and no index; NULL without memory.
 * uw_open_free - give it back. */
struct uw_open *uw_open_new(struct uw_open_table *t);
void uw_open_free(struct uw_open_table *t, struct uw_open *o);

/** uw_open_index - make a query be found by its key @by. Return: false without memory. */
bool uw_open_index(struct uw_open_table *t, enum uw_index_by by, struct uw_open *o);
void uw_open_unindex(struct uw_open_table *t, enum uw_index_by by, struct uw_open *o);

/** uw_open_first - Return: the first query with a key, or NULL. uw_open_next - the one behind it. */
struct uw_open *uw_open_first(const struct uw_open_table *t, enum uw_index_by by, const struct uw_match_key *key);
struct uw_open *uw_open_next(const struct uw_open *o, enum uw_index_by by);

/** uw_open_append, uw_open_remove - to the end of a list; out of the list it is in. */
void uw_open_append(struct uw_open_table *t, struct uw_open *o, enum uw_stand stand);
void uw_open_remove(struct uw_open_table *t, struct uw_open *o);

/** uw_open_table_clear - free all queries and what they are found by. */
void uw_open_table_clear(struct uw_open_table *t);

#endif
