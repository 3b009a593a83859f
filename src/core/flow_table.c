// SPDX-License-Identifier: GPL-2.0-only
#include "core/flow_table.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "core/hash.h"

_Static_assert(sizeof(struct uw_flow_id) == 44, "hashed as bytes: no implicit padding");

struct entry {
	UT_hash_handle hh;
	struct entry *prev, *next; /* in the order of last use */
	struct uw_flow flow; /* by flow.id, its first member: the handle stands beside it */
};

/* What uw_flow_fold() has counted already of a key of the kernel's; several may share a flow. */
struct folded {
	struct uw_flow_key key;
	struct uw_flow_value value;
	UT_hash_handle hh;
};

struct uw_flow_table {
	struct entry *used; /* in the order of last use */
	struct entry *head;
	struct folded *folded;
	unsigned max, others, clients; /* clients: prefixes of the server role that have a flow */
	uint64_t lost;
	const struct uw_flow **list;
	unsigned room; /* of list */
	uw_flow_left_fn left;
	void *left_arg;
};

struct uw_flow_table *uw_flow_table_new(unsigned max)
{
	struct uw_flow_table *t = calloc(1, sizeof(*t));

	if (t)
		t->max = max;
	return t;
}

void uw_flow_table_clear(struct uw_flow_table *t)
{
	struct entry *e, *next;

	HASH_ITER(hh, t->head, e, next)
	{
		HASH_DEL(t->head, e);
		free(e);
	}
	t->used = NULL;
	t->others = t->clients = 0;
}

void uw_flow_table_free(struct uw_flow_table *t)
{
	struct folded *f, *following;

	if (!t)
		return;
	HASH_ITER(hh, t->folded, f, following)
	{
		HASH_DEL(t->folded, f);
		free(f);
	}
	uw_flow_table_clear(t);
	free(t->list);
	free(t);
}

void uw_flow_table_watch(struct uw_flow_table *t, uw_flow_left_fn fn, void *arg)
{
	t->left = fn;
	t->left_arg = arg;
}

uint64_t uw_flow_table_lost(const struct uw_flow_table *t)
{
	return t->lost;
}

/* --- flows come and leave --- */

static struct entry *find(const struct uw_flow_table *t, const struct uw_flow_id *id)
{
	struct entry *e;

	HASH_FIND(hh, t->head, id, sizeof(*id), e);
	return e;
}

static struct entry *insert(struct uw_flow_table *t, const struct uw_flow_id *id)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->flow.id = *id;
	HASH_ADD(hh, t->head, flow.id, sizeof(e->flow.id), e);
	if (!e->hh.tbl) { /* uthash's word for "no memory" */
		free(e);
		return NULL;
	}
	DL_APPEND(t->used, e);
	return e;
}

static void other_of(const struct uw_flow_id *id, struct uw_flow_id *other)
{
	memset(other, 0, sizeof(*other));
	other->protocol = id->protocol;
	other->role = id->role;
	other->probe = id->probe;
	other->host = id->host;
}

static bool has_prefix(const struct uw_flow_id *id)
{
	static const struct uw_addr none;

	return id->role == UW_ROLE_SERVER && memcmp(&id->client, &none, sizeof(none)) != 0;
}

static void leave(struct uw_flow_table *t, struct entry *e)
{
	struct uw_flow_id id;
	struct entry *other;

	other_of(&e->flow.id, &id);
	other = find(t, &id);
	if (!other) {
		other = insert(t, &id);
		t->others += other != NULL;
	}
	e->flow.left = true;
	if (t->left)
		t->left(t->left_arg, &e->flow);
	if (other) {
		uw_flow_sum(&other->flow, &e->flow);
		other->flow.pid = 0;
		other->flow.client_port = 0;
		memset(other->flow.executable, 0, sizeof(other->flow.executable));
	} else {
		t->lost++;
	}
	t->clients -= has_prefix(&e->flow.id);
	HASH_DEL(t->head, e);
	DL_DELETE(t->used, e);
	free(e);
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static struct entry *oldest(const struct uw_flow_table *t)
{
	struct entry *e = t->used;

	while (e && uw_flow_is_other(&e->flow.id))
		e = e->next;
	return e;
}

void uw_flow_expire(struct uw_flow_table *t, uint64_t before_ns)
{
	struct entry *e;

	while ((e = oldest(t)) &&
	       later(e->flow.first_ns, later(e->flow.last_good_ns, e->flow.last_bad_ns)) < before_ns)
		leave(t, e);
}

static struct entry *make_entry(struct uw_flow_table *t, const struct uw_flow_id *id)
{
	if (!uw_flow_is_other(id) && HASH_COUNT(t->head) - t->others >= t->max)
		leave(t, oldest(t));
	return insert(t, id);
}

static void use(struct uw_flow_table *t, struct entry *e)
{
	if (!e->next)
		return;
	DL_DELETE(t->used, e);
	DL_APPEND(t->used, e);
}

static struct uw_flow *flow_of(struct uw_flow_table *t, struct uw_flow_id *id)
{
	struct entry *e = find(t, id);

	if (!e && has_prefix(id) && t->clients >= t->max / 4) {
		memset(&id->client, 0, sizeof(id->client));
		e = find(t, id);
	}
	if (e) {
		use(t, e);
	} else {
		e = make_entry(t, id);
		t->clients += e && has_prefix(id);
		t->others += e && uw_flow_is_other(id);
	}
	if (!e) {
		t->lost++;
		return NULL;
	}
	return &e->flow;
}

/* --- what is counted --- */

/* Where a verdict was counted that is taken back now: its flow may have left meanwhile. */
static struct uw_flow *first_of(struct uw_flow_table *t, struct uw_flow *f, enum uw_verdict previous)
{
	struct uw_flow_id id;
	struct entry *other;

	if (f->count[previous])
		return f;
	other_of(&f->id, &id);
	other = find(t, &id);
	return other ? &other->flow : f;
}

struct uw_flow *uw_flow_add(struct uw_flow_table *t, const struct uw_query *q, bool probe,
			    const enum uw_verdict *previous)
{
	struct uw_flow_id id;
	struct uw_flow *f;

	uw_flow_id_of(&id, q, probe);
	f = flow_of(t, &id);
	if (f)
		uw_flow_count(f, q, previous, previous ? first_of(t, f, *previous) : f);
	return f;
}

struct uw_flow *uw_flow_merge(struct uw_flow_table *t, const struct uw_flow *more)
{
	struct uw_flow_id id = more->id;
	struct uw_flow *f = flow_of(t, &id);

	if (f)
		uw_flow_sum(f, more);
	return f;
}

/* --- what the kernel counted --- */

static struct folded *find_folded(const struct uw_flow_table *t, const struct uw_flow_key *key)
{
	struct folded *f;

	HASH_FIND(hh, t->folded, key, sizeof(*key), f);
	return f;
}

const struct uw_flow_value *uw_flow_folded(const struct uw_flow_table *t, const struct uw_flow_key *key)
{
	const struct folded *f = find_folded(t, key);

	return f ? &f->value : NULL;
}

void uw_flow_unfold(struct uw_flow_table *t, const struct uw_flow_key *key)
{
	struct folded *f = find_folded(t, key);

	if (!f)
		return;
	HASH_DEL(t->folded, f);
	free(f);
}

static struct uw_flow_value *folded_of(struct uw_flow_table *t, const struct uw_flow_key *key)
{
	struct folded *f = find_folded(t, key);

	if (f)
		return &f->value;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->key = *key;
	HASH_ADD(hh, t->folded, key, sizeof(f->key), f);
	if (f->hh.tbl)
		return &f->value;
	free(f);
	return NULL;
}

/* What @v has and @old had not, as a flow. */
static void subtract(struct uw_flow *more, const struct uw_flow_value *old, const struct uw_flow_value *v)
{
	const char *name = v->exe[0] ? v->exe : v->comm;
	int i;

	more->count[uw_verdict_good(more->id.role)] = v->answered - old->answered;
	more->attempts = v->attempts - old->attempts;
	more->duplicate = v->duplicate - old->duplicate;
	more->conflicting = v->conflicting - old->conflicting;
	more->unsynchronised = v->unsynchronised - old->unsynchronised;
	more->last_unsynchronised_ns = v->last_unsynchronised_ns;
	for (i = 0; i < UW_RTT_BUCKETS; i++)
		more->rtt[i] = v->rtt[i] - old->rtt[i];
	more->rtt_max_us = v->rtt_max_us;
	more->last_good_ns = v->last_good_ns;
	if (!v->answered)
		return;
	memcpy(more->executable, name, strnlen(name, v->exe[0] ? sizeof(v->exe) : sizeof(v->comm)));
	more->pid = v->pid;
	more->client_port = v->client_port;
}

/* Only the last send of the kernel's count is known: with others before it, how they came is not. */
static void fold_rhythm(struct uw_flow *f, uint64_t more, uint64_t last_ns)
{
	if (more > 1)
		memset(&f->rhythm, 0, sizeof(f->rhythm));
	if (more)
		uw_rhythm_note(&f->rhythm, last_ns);
}

bool uw_flow_fold(struct uw_flow_table *t, const struct uw_flow_key *key, bool probe,
		  const struct uw_flow_value *v, struct uw_flow *more)
{
	struct uw_flow_value *old = folded_of(t, key);
	struct uw_flow own, *f;

	if (!old || !memcmp(old, v, sizeof(*v)))
		return false;
	/* A total that fell is a new entry of the kernel's: what the old one had stays counted. */
	if (v->answered < old->answered || v->duplicate < old->duplicate || v->conflicting < old->conflicting)
		memset(old, 0, sizeof(*old));
	more = more ? more : &own;
	memset(more, 0, sizeof(*more));
	uw_flow_id_of_key(&more->id, key, probe);
	f = flow_of(t, &more->id);
	if (!f)
		return false;
	subtract(more, old, v);
	uw_flow_sum(f, more);
	fold_rhythm(f, v->answered - old->answered, v->last_good_ns);
	*old = *v;
	return true;
}

const struct uw_flow *uw_flow_find(const struct uw_flow_table *t, const struct uw_flow_id *id)
{
	struct entry *e = find(t, id);

	return e ? &e->flow : NULL;
}

/* --- the list of them --- */

#define ORDER(x, y)                                \
	do {                                       \
		if ((x) != (y))                    \
			return (x) < (y) ? -1 : 1; \
	} while (0)

/* Flows that differ only in their door (port class, probe) end up side by side. */
static int by_id(const void *pa, const void *pb)
{
	const struct uw_flow_id *a = &(*(const struct uw_flow *const *)pa)->id;
	const struct uw_flow_id *b = &(*(const struct uw_flow *const *)pb)->id;
	int order;

	ORDER(uw_flow_is_other(a), uw_flow_is_other(b));
	ORDER(a->host, b->host);
	ORDER(a->netns, b->netns);
	ORDER(a->protocol, b->protocol);
	ORDER(a->role, b->role);
	ORDER(a->family, b->family);
	order = memcmp(&a->server, &b->server, sizeof(a->server));
	if (order)
		return order;
	ORDER(a->server_port, b->server_port);
	order = memcmp(&a->client, &b->client, sizeof(a->client));
	if (order)
		return order;
	ORDER(a->probe, b->probe);
	ORDER(a->fixed, b->fixed);
	return 0;
}

const struct uw_flow *const *uw_flow_list(struct uw_flow_table *t, unsigned *count)
{
	unsigned n = HASH_COUNT(t->head), i = 0;
	struct entry *e;

	*count = 0;
	if (n > t->room) {
		const struct uw_flow **list = realloc(t->list, n * sizeof(*list));

		if (!list)
			return t->list;
		t->list = list;
		t->room = n;
	}
	for (e = t->head; e; e = e->hh.next)
		t->list[i++] = &e->flow;
	if (n)
		qsort(t->list, n, sizeof(*t->list), by_id);
	*count = n;
	return t->list;
}


unsigned uw_flow_others(const struct uw_flow_table *t)
{
	return t->others;
}

bool uw_flow_is_news(struct uw_flow_table *t, const struct uw_flow *f)
{
	uint64_t now = uw_flow_asked(f) + f->duplicate + f->conflicting;
	struct entry *e = find(t, &f->id);

	if (!e || e->flow.reported == now)
		return false;
	e->flow.reported = now;
	return true;
}
