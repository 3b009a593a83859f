// SPDX-License-Identifier: GPL-2.0-only
#include "live/waiting.h"

#include <stdlib.h>

#define CAUSE_NS 1000000000ull	/* grace for a cause to be judged */
#define TCP_NS 1000000000ull	/* a TCP retry begins this soon; and its first packet is sent again then */
#define WAITING_MAX 1024

struct waiter {
	struct uw_query query;
	uint64_t until_ns;
	struct waiter *next;
};

struct uw_waiting {
	struct uw_causes causes;
	struct waiter *first;
	unsigned count;
	uint64_t timeout_ns;
};

struct uw_waiting *uw_waiting_new(uint64_t timeout_ns)
{
	struct uw_waiting *w = calloc(1, sizeof(*w));

	if (w)
		w->timeout_ns = timeout_ns;
	return w;
}

void uw_waiting_free(struct uw_waiting *w)
{
	struct waiter *next, *i;

	for (i = w ? w->first : NULL; i; i = next) {
		next = i->next;
		free(i);
	}
	free(w);
}

static bool wait_until(struct uw_waiting *w, const struct uw_query *q, uint64_t until_ns)
{
	struct waiter *i = w->count < WAITING_MAX ? calloc(1, sizeof(*i)) : NULL;

	if (!i)
		return false;
	uw_query_copy(&i->query, q);
	i->until_ns = until_ns;
	i->next = w->first;
	w->first = i;
	w->count++;
	return true;
}

/* Its server's own query is judged one timeout after it was sent, if it is bad. */
static uint64_t cause_due(const struct uw_waiting *w, const struct uw_query *q)
{
	return (q->verdict == UW_ANSWERED ? q->read_ns + w->timeout_ns : q->judged_ns) + CAUSE_NS;
}

static bool may_try_tcp(const struct uw_query *q)
{
	return q->verdict == UW_ANSWERED && q->key.protocol == UW_PROTO_DNS && q->answer.flags & UW_DNS_TC &&
	       q->task.pid;
}

bool uw_waiting_take(struct uw_waiting *w, struct uw_query *q)
{
	uw_cause_note(&w->causes, q);
	if (q->revision > 1)
		return false;
	if (may_try_tcp(q))
		return wait_until(w, q, q->judged_ns + TCP_NS);
	return uw_cause_wanted(q) && !uw_cause_find(&w->causes, q) && wait_until(w, q, cause_due(w, q));
}

/* Hands out one and forgets it; @at points to it. */
static void release(struct uw_waiting *w, struct waiter **at, void (*tell)(void *, const struct uw_query *),
		    void *arg)
{
	struct waiter *i = *at;

	*at = i->next;
	w->count--;
	tell(arg, &i->query);
	free(i);
}

void uw_waiting_hurry(struct uw_waiting *w, uint64_t id,
		      void (*tell)(void *arg, const struct uw_query *q), void *arg)
{
	struct waiter **at = &w->first;

	while (*at && (*at)->query.id != id)
		at = &(*at)->next;
	if (*at)
		release(w, at, tell, arg);
}

void uw_waiting_tcp(struct uw_waiting *w, const struct uw_record *r, uint64_t now_ns)
{
	struct waiter *i = w->first;

	while (i && i->query.id != r->id)
		i = i->next;
	if (!i)
		return;
	i->query.tcp_retry = r->tcp_retry;
	/* Given up when its first packet had been sent again in vain. */
	if (r->tcp_retry == UW_TCP_ABANDONED && now_ns > r->send_ns + TCP_NS)
		i->query.tcp_retry = UW_TCP_TIMED_OUT;
	i->until_ns = r->tcp_retry == UW_TCP_PENDING ? r->send_ns + w->timeout_ns : 0;
}

static bool is_due(const struct uw_waiting *w, struct waiter *i, uint64_t now_ns)
{
	if (uw_cause_wanted(&i->query) && uw_cause_find(&w->causes, &i->query))
		return true;
	if (now_ns < i->until_ns)
		return false;
	if (i->query.tcp_retry == UW_TCP_PENDING)
		i->query.tcp_retry = UW_TCP_TIMED_OUT;
	return true;
}

void uw_waiting_tell(struct uw_waiting *w, uint64_t now_ns, bool last,
		     void (*tell)(void *arg, const struct uw_query *q), void *arg)
{
	struct waiter **at = &w->first, *i;

	while ((i = *at)) {
		if (is_due(w, i, now_ns) || last)
			release(w, at, tell, arg);
		else
			at = &i->next;
	}
}

unsigned uw_waiting_count(const struct uw_waiting *w)
{
	return w->count;
}
