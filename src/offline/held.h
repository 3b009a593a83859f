/* SPDX-License-Identifier: GPL-2.0-only */
/* Queries held back until those of all files are known. join.c's own. */
#ifndef UW_HELD_H
#define UW_HELD_H

#include "core/query.h"
#include "core/totals.h"

/* One query as one place has seen it. */
struct uw_held {
	struct uw_query_key key;
	uint64_t match;			/* of what ties a request to its reply wherever it is seen; 0: nothing does */
	uint64_t out_ns, in_ns;		/* the request's first copy and the reply passed this place; 0 absent */
	uint64_t number;		/* in the order they were given */
	unsigned copies, replies;	/* seen here */
	uint8_t place;
	bool captured;			/* seen on a wire here; else told by a tracer, who knows its role: */
	bool serves;			/* ... it is the server's end */
	bool waits;			/* the asker here got no reply */
	bool stale;			/* a later revision of it is held too */
	bool absorbed;			/* told by the other place's */
	bool revised;
	struct uw_previous previous;	/* of a later revision */
	struct uw_held *partner;	/* the same query at the other place */
	struct uw_far far;
	void *facts;			/* held.c's own */
};

/** uw_held_new - hold a copy of @q. Return: to be freed, or NULL without memory. */
struct uw_held *uw_held_new(const struct uw_query *q, const struct uw_previous *previous);
void uw_held_free(struct uw_held *h);

/** uw_held_query - the query again, with what the far place saw of it. */
void uw_held_query(const struct uw_held *h, struct uw_query *q);

/** uw_held_revises - whether @h is of the same query as @earlier. */
bool uw_held_revises(const struct uw_held *h, const struct uw_held *earlier);

#endif
