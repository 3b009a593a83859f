// SPDX-License-Identifier: GPL-2.0-only
#include "live/icmp.h"

#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "config.h"
#include "core/hash.h"

struct note {
	uint64_t id;	/* of the query */
	struct uw_icmp icmp;
	UT_hash_handle hh;
};

#define WALK_MAX 1024	/* of passing queries: anybody may send such errors, and a router has many open */

struct uw_icmp_notes {
	int queries, passing;
	struct note *table;
};

struct uw_icmp_notes *uw_icmp_notes_new(int queries, int passing)
{
	struct uw_icmp_notes *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->queries = queries;
	n->passing = passing;
	return n;
}

void uw_icmp_notes_free(struct uw_icmp_notes *n)
{
	struct note *i, *next;

	if (!n)
		return;
	HASH_ITER(hh, n->table, i, next) {
		HASH_DELETE(hh, n->table, i);
		free(i);
	}
	free(n);
}

static bool same_tuple(const struct uw_query_key *a, const struct uw_query_key *b)
{
	return !memcmp(&a->client, &b->client, sizeof(a->client)) &&
	       !memcmp(&a->server, &b->server, sizeof(a->server)) &&
	       a->client_port == b->client_port && a->server_port == b->server_port;
}

/* The id of the newest open query of a tuple, 0 none, or more of all tuples than @most (0: any number). */
static uint64_t newest_of(int queries, const struct uw_query_key *tuple, unsigned most)
{
	struct uw_query_key key, next, *previous = NULL;
	uint64_t newest = 0, id = 0;
	struct uw_record r;
	unsigned seen = 0;

	while (!bpf_map_get_next_key(queries, previous, &next)) {
		key = next;
		previous = &key;
		if (most && ++seen > most)
			return 0;
		if (same_tuple(&key, tuple) && !bpf_map_lookup_elem(queries, &key, &r) &&
		    r.send_ns > newest) {
			newest = r.send_ns;
			id = r.id;
		}
	}
	return id;
}

void uw_icmp_notes_keep(struct uw_icmp_notes *n, const struct uw_record *icmp)
{
	uint64_t id = newest_of(n->queries, &icmp->key, 0);
	struct note *i;

	if (!id)
		id = newest_of(n->passing, &icmp->key, WALK_MAX);
	if (!id)
		return;
	HASH_FIND(hh, n->table, &id, sizeof(id), i);
	if (i) {
		/* Too big is only a note: it gives way, as in the kernel. */
		if (i->icmp.mtu && !icmp->icmp.mtu)
			i->icmp = icmp->icmp;
		return;
	}
	i = calloc(1, sizeof(*i));
	if (!i)
		return;
	i->id = id;
	i->icmp = icmp->icmp;
	HASH_ADD(hh, n->table, id, sizeof(i->id), i);
	if (!i->hh.tbl)
		free(i);
}

void uw_icmp_notes_give(const struct uw_icmp_notes *n, struct uw_query *q)
{
	struct note *i;

	HASH_FIND(hh, n->table, &q->id, sizeof(q->id), i);
	if (i && (!q->icmp.seen || (q->icmp.mtu && !i->icmp.mtu)))
		q->icmp = i->icmp;
}

void uw_icmp_notes_forget(struct uw_icmp_notes *n, uint64_t now_ns)
{
	struct note *i, *next;

	HASH_ITER(hh, n->table, i, next) {
		if (i->icmp.when_ns + 2 * UW_HOLD_NS > now_ns)
			break;
		HASH_DELETE(hh, n->table, i);
		free(i);
	}
}
