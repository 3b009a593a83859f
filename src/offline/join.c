// SPDX-License-Identifier: GPL-2.0-only
#include "offline/join.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "offline/join_pair.h"

#define REVISION_WITHIN 100000	/* queries of a place behind which an earlier revision is not looked for */

struct uw_join {
	struct uw_place place[UW_VANTAGES_MAX];
	struct uw_vantage vantage[UW_VANTAGES_MAX];
	unsigned places, max, held;
	uint64_t numbers;
};

int uw_join_place(struct uw_join *j, const char *name, bool captured)
{
	if (j->places == UW_VANTAGES_MAX)
		return -ENOSPC;
	j->place[j->places] = (struct uw_place){ .name = name, .captured = captured };
	j->vantage[j->places].place = name;
	return (int)j->places++;
}

void uw_join_span(struct uw_join *j, unsigned place, uint64_t first_ns, uint64_t last_ns)
{
	struct uw_place *p = &j->place[place];

	if (!p->first_ns || first_ns < p->first_ns)
		p->first_ns = first_ns;
	if (last_ns > p->last_ns)
		p->last_ns = last_ns;
}

static bool add(struct uw_place *p, struct uw_held *h)
{
	if (p->count == p->room) {
		unsigned room = p->room ? 2 * p->room : 1024;
		struct uw_held **more = realloc(p->held, room * sizeof(*more));

		if (!more)
			return false;
		p->held = more;
		p->room = room;
	}
	p->held[p->count++] = h;
	return true;
}

static void retire_earlier(struct uw_place *p, const struct uw_held *h)
{
	unsigned i, last = p->count > REVISION_WITHIN ? p->count - REVISION_WITHIN : 0;

	for (i = p->count; i > last; i--) {
		if (uw_held_revises(h, p->held[i - 1])) {
			p->held[i - 1]->stale = true;
			return;
		}
	}
}

bool uw_join_hold(struct uw_join *j, unsigned place, const struct uw_query *q, const struct uw_previous *previous)
{
	struct uw_place *p = &j->place[place];
	struct uw_held *h = j->held < j->max ? uw_held_new(q, previous) : NULL;

	if (!h)
		return false;
	h->place = (uint8_t)place;
	h->number = j->numbers++;
	if (previous)
		retire_earlier(p, h);
	if (!add(p, h)) {
		uw_held_free(h);
		return false;
	}
	p->blind |= p->captured && !h->match && q->gaps & UW_GAP_BIT(UW_GAP_TRUNCATED_CAPTURE);
	j->held++;
	j->vantage[place].queries += !previous;
	return true;
}

unsigned uw_join_held(const struct uw_join *j)
{
	return j->held;
}

static int by_match(const void *a, const void *b)
{
	const struct uw_held *x = *(const struct uw_held *const *)a, *y = *(const struct uw_held *const *)b;

	if (x->match != y->match)
		return x->match < y->match ? -1 : 1;
	return (x->out_ns > y->out_ns) - (x->out_ns < y->out_ns);
}

static void sort(struct uw_place *p)
{
	if (p->count)
		qsort(p->held, p->count, sizeof(struct uw_held *), by_match);
}

bool uw_join_related(struct uw_join *j, unsigned a, unsigned b)
{
	sort(&j->place[a]);
	sort(&j->place[b]);
	return uw_pair_related(&j->place[a], &j->place[b]);
}

void uw_join_empty(struct uw_join *j, unsigned place)
{
	struct uw_place *p = &j->place[place];
	unsigned i;

	for (i = 0; i < p->count; i++)
		uw_held_free(p->held[i]);
	j->held -= p->count;
	j->vantage[place].queries = 0;
	p->count = 0;
	p->blind = false;
}

int uw_join_run(struct uw_join *j)
{
	unsigned a, b;
	int n;

	for (a = 0; a < j->places; a++)
		sort(&j->place[a]);
	for (a = 0; a < j->places; a++) {
		for (b = a + 1; b < j->places; b++) {
			n = uw_pair_join(&j->place[a], &j->place[b], &j->vantage[a], &j->vantage[b]);
			if (n < 0)
				return n;
		}
	}
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct uw_held *x = *(const struct uw_held *const *)a, *y = *(const struct uw_held *const *)b;

	if (x->out_ns != y->out_ns)
		return x->out_ns < y->out_ns ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

void uw_join_give(struct uw_join *j, uw_join_fn fn, void *arg)
{
	struct uw_place all = { 0 };
	struct uw_query q;
	unsigned i, k;

	for (i = 0; i < j->places; i++) {
		for (k = 0; k < j->place[i].count; k++) {
			struct uw_held *h = j->place[i].held[k];

			if (!h->absorbed && !add(&all, h)) {
				uw_held_query(h, &q); /* no memory to sort them: told as they come */
				fn(arg, &q, h->revised ? &h->previous : NULL);
			}
		}
	}
	if (all.count)
		qsort(all.held, all.count, sizeof(struct uw_held *), by_time);
	for (i = 0; i < all.count; i++) {
		uw_held_query(all.held[i], &q);
		fn(arg, &q, all.held[i]->revised ? &all.held[i]->previous : NULL);
	}
	free(all.held);
}

const struct uw_vantage *uw_join_places(const struct uw_join *j, unsigned *count)
{
	*count = j->places;
	return j->vantage;
}

struct uw_join *uw_join_new(unsigned max)
{
	struct uw_join *j = calloc(1, sizeof(*j));

	if (j)
		j->max = max;
	return j;
}

void uw_join_free(struct uw_join *j)
{
	unsigned i, k;

	if (!j)
		return;
	for (i = 0; i < j->places; i++) {
		for (k = 0; k < j->place[i].count; k++)
			uw_held_free(j->place[i].held[k]);
		free(j->place[i].held);
	}
	free(j);
}
