// SPDX-License-Identifier: GPL-2.0-only
#include "offline/match_table.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct uw_match_key) == 32, "hashed as four words: no implicit padding");

/* Four words instead of 32 bytes one by one: a third of what reading a capture costs was this. */
static unsigned hash_of(const void *key)
{
	uint64_t word[4], h = UW_FNV_BASE;
	unsigned i;

	memcpy(word, key, sizeof(word));
	for (i = 0; i < 4; i++) {
		h = (h ^ word[i]) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	return (unsigned)h;
}

#define HASH_FUNCTION(key, len, hash) ((hash) = hash_of(key))
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* One key of an index, and the queries that have it. */
struct uw_open_slot {
	struct uw_match_key key;
	struct uw_open *first, *last;
	UT_hash_handle hh;
};

bool uw_open_index(struct uw_open_table *t, enum uw_index_by by, struct uw_open *o)
{
	struct uw_open_slot *s;

	HASH_FIND(hh, t->index[by], &o->by[by], sizeof(s->key), s);
	if (s) {
		s->last->same[by] = o;
		s->last = o;
		return true;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return false;
	s->key = o->by[by];
	s->first = s->last = o;
	HASH_ADD(hh, t->index[by], key, sizeof(s->key), s);
	if (s->hh.tbl)
		return true;
	free(s);
	return false;
}

void uw_open_unindex(struct uw_open_table *t, enum uw_index_by by, struct uw_open *o)
{
	struct uw_open *x, *before = NULL;
	struct uw_open_slot *s;

	HASH_FIND(hh, t->index[by], &o->by[by], sizeof(s->key), s);
	if (!s)
		return;
	for (x = s->first; x && x != o; x = x->same[by])
		before = x;
	if (!x)
		return;
	if (before)
		before->same[by] = o->same[by];
	else
		s->first = o->same[by];
	if (s->last == o)
		s->last = before;
	if (s->first)
		return;
	HASH_DELETE(hh, t->index[by], s);
	free(s);
}

struct uw_open *uw_open_first(struct uw_open_table *t, enum uw_index_by by, const struct uw_match_key *key)
{
	struct uw_open_slot *s;

	HASH_FIND(hh, t->index[by], key, sizeof(*key), s);
	return s ? s->first : NULL;
}

void uw_open_append(struct uw_open_table *t, struct uw_open *o, enum uw_stand stand)
{
	struct uw_open_list *l = &t->list[stand];

	o->stand = stand;
	o->next = NULL;
	o->previous = l->newest;
	*(l->newest ? &l->newest->next : &l->oldest) = o;
	l->newest = o;
	l->count++;
}

void uw_open_remove(struct uw_open_table *t, struct uw_open *o)
{
	struct uw_open_list *l = &t->list[o->stand];

	*(o->previous ? &o->previous->next : &l->oldest) = o->next;
	*(o->next ? &o->next->previous : &l->newest) = o->previous;
	l->count--;
}

void uw_open_table_clear(struct uw_open_table *t)
{
	struct uw_open_slot *s, *spare;
	struct uw_open *o, *next;
	unsigned by, stand;

	for (stand = 0; stand < UW_STANDS; stand++) {
		for (o = t->list[stand].oldest; o; o = next) {
			next = o->next;
			free(o);
		}
	}
	for (by = 0; by < UW_INDICES; by++) {
		HASH_ITER(hh, t->index[by], s, spare) {
			HASH_DELETE(hh, t->index[by], s);
			free(s);
		}
	}
	memset(t, 0, sizeof(*t));
}
