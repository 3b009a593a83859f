// SPDX-License-Identifier: GPL-2.0-only
#include "core/ration.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

#define KINDS 4096	/* in an interval; those beyond share one ration */
#define TOLD 8192	/* queries remembered as told, by the low bits of their id */

struct kind {
	struct uw_flow_id flow;
	uint8_t verdict, stage, dir, pad;
	char reason[64];
};

_Static_assert(sizeof(struct kind) == sizeof(struct uw_flow_id) + 4 + 64, "hashed as bytes: no implicit padding");

struct entry {
	struct kind kind;	/* first: the key */
	unsigned told;
	UT_hash_handle hh;
};

struct uw_ration {
	struct entry *head;
	unsigned each, told_of_others;
	uint64_t told[TOLD];	/* the id of the last told query with these low bits */
};

struct uw_ration *uw_ration_new(unsigned each)
{
	struct uw_ration *r = calloc(1, sizeof(*r));

	if (r)
		r->each = each;
	return r;
}

void uw_ration_renew(struct uw_ration *r)
{
	struct entry *e, *next;

	HASH_ITER(hh, r->head, e, next)
	{
		HASH_DEL(r->head, e);
		free(e);
	}
	r->told_of_others = 0;
}

void uw_ration_free(struct uw_ration *r)
{
	if (!r)
		return;
	uw_ration_renew(r);
	free(r);
}

static void kind_of(struct kind *k, const struct uw_flow_id *flow, const struct uw_query *q)
{
	const struct uw_drop_fact *d = q->decisive_drop;

	memset(k, 0, sizeof(*k));
	if (flow)
		k->flow = *flow;
	k->verdict = q->verdict;
	k->stage = q->stage;
	if (!d)
		return;
	k->dir = d->dir;
	memcpy(k->reason, d->reason, strnlen(d->reason, sizeof(k->reason)));
}

/* The count of what was told of a kind; the one that all share once there are too many kinds. */
static unsigned *count_of(struct uw_ration *r, const struct kind *k)
{
	struct entry *e;

	HASH_FIND(hh, r->head, k, sizeof(*k), e);
	if (e)
		return &e->told;
	e = HASH_COUNT(r->head) < KINDS ? calloc(1, sizeof(*e)) : NULL;
	if (!e)
		return &r->told_of_others;
	e->kind = *k;
	HASH_ADD(hh, r->head, kind, sizeof(e->kind), e);
	if (!e->hh.tbl) {
		free(e);
		return &r->told_of_others;
	}
	return &e->told;
}

bool uw_ration_allows(struct uw_ration *r, const struct uw_flow_id *flow, const struct uw_query *q)
{
	uint64_t *told = &r->told[q->id % TOLD];
	struct kind kind;
	unsigned *count;

	if (q->revision > 1 && *told == q->id)
		return true;
	kind_of(&kind, flow, q);
	count = count_of(r, &kind);
	if (*count >= r->each)
		return false;
	(*count)++;
	*told = q->id;
	return true;
}
