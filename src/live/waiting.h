/* SPDX-License-Identifier: GPL-2.0-only */
/* Judged queries that wait for their cause to be judged too (ruling 8). */
#ifndef UW_WAITING_H
#define UW_WAITING_H

#include "core/cause.h"

struct uw_waiting;

struct uw_waiting *uw_waiting_new(uint64_t timeout_ns);
void uw_waiting_free(struct uw_waiting *w);

/**
 * uw_waiting_take - look for the cause of a query that was judged just now.
 * Return: true if @q has to wait and was copied; false if it is ready to be told.
 */
bool uw_waiting_take(struct uw_waiting *w, struct uw_query *q);

/** uw_waiting_hurry - a further revision of a query is to be told: tell the one that waits before it. */
void uw_waiting_hurry(struct uw_waiting *w, uint64_t id,
		      void (*tell)(void *arg, const struct uw_query *q), void *arg);

/** uw_waiting_tell - hand out those whose cause was found or is overdue; @last: all of them. */
void uw_waiting_tell(struct uw_waiting *w, uint64_t now_ns, bool last,
		     void (*tell)(void *arg, const struct uw_query *q), void *arg);

/** uw_waiting_count - how many wait. */
unsigned uw_waiting_count(const struct uw_waiting *w);

#endif
