// SPDX-License-Identifier: GPL-2.0-only
#include "live/waiting.h"

#include <stdlib.h>

#define CAUSE_NS 1000000000ull	/* grace for a cause to be judged */
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

/* Its server's own query is judged one timeout after it was sent, if it is bad. */
static bool wait_for_cause(struct uw_waiting *w, const struct uw_query *q)
{
	struct waiter *i = w->count < WAITING_MAX ? calloc(1, sizeof(*i)) : NULL;

	if (!i)
		return false;
	uw_query_copy(&i->query, q);
	i->until_ns = (q->verdict == UW_ANSWERED ? q->read_ns + w->timeout_ns : q->judged_ns) + CAUSE_NS;
	i->next = w->first;
	w->first = i;
	w->count++;
	return true;
}

bool uw_waiting_take(struct uw_waiting *w, struct uw_query *q)
{
	uw_cause_note(&w->causes, q);
	return q->revision == 1 && uw_cause_wanted(q) && !uw_cause_find(&w->causes, q) && wait_for_cause(w, q);
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

void uw_waiting_tell(struct uw_waiting *w, uint64_t now_ns, bool last,
		     void (*tell)(void *arg, const struct uw_query *q), void *arg)
{
	struct waiter **at = &w->first, *i;

	while ((i = *at)) {
		if (!uw_cause_find(&w->causes, &i->query) && now_ns < i->until_ns && !last)
			at = &i->next;
		else
			release(w, at, tell, arg);
	}
}

unsigned uw_waiting_count(const struct uw_waiting *w)
{
	return w->count;
}
