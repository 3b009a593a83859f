/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replies that no query is known for: perhaps one's, from another address or port than was asked
 * (misdirected), or to a request from before our start.
 */
#ifndef UW_STRAYS_H
#define UW_STRAYS_H

#include "core/query.h"

struct uw_strays;

struct uw_strays *uw_strays_new(void);
void uw_strays_free(struct uw_strays *s);

/** uw_strays_keep - remember a record of kind UW_RECORD_STRAY. */
void uw_strays_keep(struct uw_strays *s, const struct uw_record *r);

/** uw_strays_note - set q->misdirected if one of them has the query's transaction. */
void uw_strays_note(const struct uw_strays *s, struct uw_query *q);

/** uw_strays_limited - how many could not be kept. */
uint64_t uw_strays_limited(const struct uw_strays *s);

/** uw_strays_forget - drop those that can belong to no open query any more. */
void uw_strays_forget(struct uw_strays *s, uint64_t now_ns);

/**
 * uw_stray_is_ours - whether a reply to a query from before our start, as judged, was lost here.
 * It was ours to deliver only once it was past routing; and where no socket waited, nobody lost it.
 */
bool uw_stray_is_ours(const struct uw_query *q);

#endif
