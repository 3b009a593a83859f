// SPDX-License-Identifier: GPL-2.0-only
#include "offline/match_table.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * Links within the queries themselves instead of a table beside them: reading a capture is as fast as
 * memory is, and this is one cache line for the bucket and one for the query.
 */
#define FIRST_BUCKETS 1024

_Static_assert(sizeof(struct uw_match_key) == 32, "hashed as four words: no implicit padding");

static uint32_t hash_of(const struct uw_match_key *key)
{
	uint64_t word[4], h = UW_FNV_BASE;
	unsigned i;

	memcpy(word, key, sizeof(word));
	for (i = 0; i < 4; i++) {
		h = (h ^ word[i]) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

struct uw_open *uw_open_new(struct uw_open_table *t)
{
	struct uw_open *o = t->spare;

	if (o)
		t->spare = o->next;
	else
		o = malloc(sizeof(*o));
	if (o)
		memset(o, 0, offsetof(struct uw_open, question));
	return o;
}

void uw_open_free(struct uw_open_table *t, struct uw_open *o)
{
	o->next = t->spare;
	t->spare = o;
}

/* Behind those that are in its bucket. */
static void chain(struct uw_open_buckets *x, enum uw_index_by by, struct uw_open *o)
{
	struct uw_open **at = &x->bucket[o->hash[by] & (x->buckets - 1)];

	while (*at)
		at = &(*at)->chain[by];
	*at = o;
	o->chain[by] = NULL;
}

/* Twice as many buckets; their queries keep their order. */
static bool grow(struct uw_open_buckets *x, enum uw_index_by by)
{
	struct uw_open_buckets more = { .buckets = x->buckets ? 2 * x->buckets : FIRST_BUCKETS, .used = x->used };
	struct uw_open *o, *next;
	unsigned i;

	more.bucket = calloc(more.buckets, sizeof(struct uw_open *));
	if (!more.bucket)
		return false;
	for (i = 0; i < x->buckets; i++) {
		for (o = x->bucket[i]; o; o = next) {
			next = o->chain[by];
			chain(&more, by, o);
		}
	}
	free(x->bucket);
	*x = more;
	return true;
}

bool uw_open_index(struct uw_open_table *t, enum uw_index_by by, struct uw_open *o)
{
	struct uw_open_buckets *x = &t->index[by];

	/* Without memory for more of them they are searched longer. */
	if (x->used >= x->buckets && !grow(x, by) && !x->buckets)
		return false;
	o->hash[by] = hash_of(&o->by[by]);
	chain(x, by, o);
	x->used++;
	return true;
}

void uw_open_unindex(struct uw_open_table *t, enum uw_index_by by, struct uw_open *o)
{
	struct uw_open_buckets *x = &t->index[by];
	struct uw_open **at = &x->bucket[o->hash[by] & (x->buckets - 1)];

	while (*at && *at != o)
		at = &(*at)->chain[by];
	if (!*at)
		return;
	*at = o->chain[by];
	x->used--;
}

static struct uw_open *same_from(struct uw_open *o, enum uw_index_by by, uint32_t hash, const struct uw_match_key *key)
{
	while (o && (o->hash[by] != hash || memcmp(&o->by[by], key, sizeof(*key))))
		o = o->chain[by];
	return o;
}

struct uw_open *uw_open_first(const struct uw_open_table *t, enum uw_index_by by, const struct uw_match_key *key)
{
	const struct uw_open_buckets *x = &t->index[by];
	uint32_t hash = hash_of(key);

	return x->buckets ? same_from(x->bucket[hash & (x->buckets - 1)], by, hash, key) : NULL;
}

struct uw_open *uw_open_next(const struct uw_open *o, enum uw_index_by by)
{
	return same_from(o->chain[by], by, o->hash[by], &o->by[by]);
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

static void free_all(struct uw_open *o)
{
	struct uw_open *next;

	for (; o; o = next) {
		next = o->next;
		free(o);
	}
}

void uw_open_table_clear(struct uw_open_table *t)
{
	unsigned by, stand;

	for (stand = 0; stand < UW_STANDS; stand++)
		free_all(t->list[stand].oldest);
	free_all(t->spare);
	for (by = 0; by < UW_INDICES; by++)
		free(t->index[by].bucket);
	memset(t, 0, sizeof(*t));
}
