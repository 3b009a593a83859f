/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Judged queries that wait: for their cause to be judged too (ruling 8), or for what becomes of TCP
 * after a truncated answer (ruling 12).
 */
#ifndef UW_WAITING_H
#define UW_WAITING_H

#include "core/cause.h"

struct uw_waiting;

struct uw_waiting *uw_waiting_new(uint64_t timeout_ns);
void uw_waiting_free(struct uw_waiting *w);

/**
 * uw_waiting_take - look for what a query that was judged just now lacks.
 * Return: true if @q has to wait and was copied; false if it is ready to be told.
 */
bool uw_waiting_take(struct uw_waiting *w, struct uw_query *q);

/** uw_waiting_hurry - a further revision of a query is to be told: tell the one that waits before it. */
void uw_waiting_hurry(struct uw_waiting *w, uint64_t id,
		      void (*tell)(void *arg, const struct uw_query *q), void *arg);

/** uw_waiting_tcp - a record of kind UW_RECORD_TCP: the asker of one of them tries TCP, or did. */
void uw_waiting_tcp(struct uw_waiting *w, const struct uw_record *r, uint64_t now_ns);

/** uw_waiting_tell - hand out those that have what they lacked, or for which it is overdue; @last: all. */
void uw_waiting_tell(struct uw_waiting *w, uint64_t now_ns, bool last,
		     void (*tell)(void *arg, const struct uw_query *q), void *arg);

/** uw_waiting_count - how many wait. */
unsigned uw_waiting_count(const struct uw_waiting *w);

#endif
