// SPDX-License-Identifier: GPL-2.0-only
#include "live/told.h"

#include <stdlib.h>

#include "config.h"
#include "core/hash.h"

struct entry {
	struct uw_told told;
	UT_hash_handle hh;
};

struct uw_told_all {
	struct entry *first;	/* in the order of their keeping */
};

struct uw_told_all *uw_told_new(void)
{
	return calloc(1, sizeof(struct uw_told_all));
}

static void let_go(struct uw_told_all *all, struct entry *e)
{
	HASH_DELETE(hh, all->first, e);
	free(e);
}

void uw_told_free(struct uw_told_all *all)
{
	struct entry *e, *spare;

	if (!all)
		return;
	HASH_ITER(hh, all->first, e, spare)
		let_go(all, e);
	free(all);
}

struct uw_told *uw_told_find(struct uw_told_all *all, uint64_t id)
{
	struct entry *e;

	HASH_FIND(hh, all->first, &id, sizeof(id), e);
	return e ? &e->told : NULL;
}

void uw_told_keep(struct uw_told_all *all, const struct uw_query *q)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return;
	e->told = (struct uw_told){
		.id = q->id, .key = q->key, .revision = 1, .said = { q->verdict, q->fault },
		.stage = q->stage, .until_ns = q->send_ns + UW_HOLD_NS,
	};
	HASH_ADD(hh, all->first, told.id, sizeof(e->told.id), e);
	if (!e->hh.tbl)
		free(e);
}

/*
 * A late reply that was lost here as well changes nothing for the one that came in time, and events
 * lost since the verdict nothing of what was known then. One that waited here, and was read late, does: it is this
 * host's all the same. So does a server's own reply that left after all.
 */
bool uw_told_changed(const struct uw_told *t, const struct uw_query *q)
{
	if (t->said.verdict == q->verdict)
		return q->verdict == UW_NOT_SERVED && t->stage != q->stage;
	if (q->verdict == UW_UNKNOWN)
		return false;
	return t->said.verdict != UW_REPLY_DROPPED || q->verdict != UW_ANSWERED_LATE || !q->drop[UW_REPLY].seen ||
	       (q->read_ns && q->fault == UW_FAULT_LOCAL);
}

void uw_told_forget(struct uw_told_all *all, unsigned max, uint64_t now_ns, void (*fn)(void *arg, const struct uw_told *t),
		    void *arg)
{
	struct entry *e, *spare;

	HASH_ITER(hh, all->first, e, spare) {
		if (e->told.until_ns > now_ns && HASH_COUNT(all->first) < max)
			break;
		fn(arg, &e->told);
		let_go(all, e);
	}
}
