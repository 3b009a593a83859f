/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors whose quote ends before the transaction: given to the newest open query of the tuple. */
#ifndef UW_LIVE_ICMP_H
#define UW_LIVE_ICMP_H

#include "core/query.h"

struct uw_icmp_notes;

/** uw_icmp_notes_new - @queries, @passing: the maps of open queries of sockets here, and of those that pass. */
struct uw_icmp_notes *uw_icmp_notes_new(int queries, int passing);
void uw_icmp_notes_free(struct uw_icmp_notes *n);

/** uw_icmp_notes_keep - find the query of a record of kind UW_RECORD_ICMP, and keep it for that. */
void uw_icmp_notes_keep(struct uw_icmp_notes *n, const struct uw_record *icmp);

/** uw_icmp_notes_give - a query without an error of its own takes the one kept for it. */
void uw_icmp_notes_give(const struct uw_icmp_notes *n, struct uw_query *q);

/** uw_icmp_notes_forget - drop those of queries that are closed by now. */
void uw_icmp_notes_forget(struct uw_icmp_notes *n, uint64_t now_ns);

#endif
