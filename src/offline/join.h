/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Several files: which of them saw the same queries from two places on the way, what each clock showed
 * then, and where between the two a query or its reply was lost.
 *
 * Addresses may be translated on the way and clocks may be wrong: a query is known by its transaction, of
 * DNS with the question, and by the time that all others make likely. Which place is the client's end shows
 * in the queries themselves: there, a round trip takes longer.
 */
#ifndef UW_JOIN_H
#define UW_JOIN_H

#include "core/query.h"
#include "core/totals.h"

struct uw_join;	/* opaque, bounded */

/** uw_join_new - @max: queries held at once. Return: NULL without memory. */
struct uw_join *uw_join_new(unsigned max);
void uw_join_free(struct uw_join *j);

/**
 * uw_join_place - another vantage point.
 * @name: stays the caller's; captured: it is a capture, which has every query of its time.
 * Return: its number, or -ENOSPC, -ENOMEM.
 */
int uw_join_place(struct uw_join *j, const char *name, bool captured);

/** uw_join_span - a capture's first and last frame. */
void uw_join_span(struct uw_join *j, unsigned place, uint64_t first_ns, uint64_t last_ns);

/** uw_join_hold - keep a query of a place. Return: false if there is no room; it is to be told at once. */
bool uw_join_hold(struct uw_join *j, unsigned place, const struct uw_query *q, const struct uw_previous *previous);

/** uw_join_held - queries held so far. */
unsigned uw_join_held(const struct uw_join *j);

/** uw_join_related - whether two places have seen the same queries; all of theirs being held. */
bool uw_join_related(struct uw_join *j, unsigned a, unsigned b);

/** uw_join_empty - forget what a place has: it is read again. */
void uw_join_empty(struct uw_join *j, unsigned place);

/** uw_join_run - compare the places, all being read. Return: 0, or -ENOMEM. */
int uw_join_run(struct uw_join *j);

typedef void (*uw_join_fn)(void *arg, const struct uw_query *q, const struct uw_previous *previous);

/** uw_join_give - the held queries in the order of their sending, those seen at two places once. */
void uw_join_give(struct uw_join *j, uw_join_fn fn, void *arg);

/** uw_join_places - what was found of each place. Return: their list, the join's. */
const struct uw_vantage *uw_join_places(const struct uw_join *j, unsigned *count);

#endif
