// SPDX-License-Identifier: GPL-2.0-only
#include "live/strays.h"

#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "core/hash.h"

#define STRAYS_MAX 8192
#define SOURCES 4	/* kept of one key: anybody can guess an id and send the first */

/* What a reply says of itself but for the address it came from. */
struct stray_key {
	struct uw_addr client;
	uint64_t transaction;
	uint16_t client_port, server_port;
	uint8_t family, protocol;
	uint8_t pad[2];
};

struct stray {
	struct stray_key key;
	uint64_t when_ns;	/* the last one's */
	unsigned sources;
	struct source {
		struct uw_addr from;
		uint16_t port;	/* 0: the one that was asked */
		uint64_t question_hash;
		uint64_t when_ns;
	} source[SOURCES];
	UT_hash_handle hh;
};

struct uw_strays {
	struct stray *table;
	uint64_t limited;
};

struct uw_strays *uw_strays_new(void)
{
	return calloc(1, sizeof(struct uw_strays));
}

void uw_strays_free(struct uw_strays *s)
{
	struct stray *i, *next;

	if (!s)
		return;
	HASH_ITER(hh, s->table, i, next) {
		HASH_DELETE(hh, s->table, i);
		free(i);
	}
	free(s);
}

static struct stray_key stray_key_of(const struct uw_query_key *k)
{
	return (struct stray_key){
		.client = k->client, .transaction = k->transaction, .client_port = k->client_port,
		.server_port = k->server_port, .family = k->family, .protocol = k->protocol,
	};
}

/* A source once for each question; the newest time counts: a query was sent before its reply. */
static void keep_source(struct uw_strays *s, struct stray *i, const struct uw_record *r)
{
	struct source *at = NULL;
	unsigned n;

	for (n = 0; n < i->sources && !at; n++) {
		if (!memcmp(&i->source[n].from, &r->key.server, sizeof(r->key.server)) &&
		    i->source[n].port == r->from_port && i->source[n].question_hash == r->question_hash)
			at = &i->source[n];
	}
	if (!at && i->sources < SOURCES)
		at = &i->source[i->sources++];
	if (!at) {
		s->limited++;
		return;
	}
	*at = (struct source){ .from = r->key.server, .port = r->from_port,
			       .question_hash = r->question_hash, .when_ns = r->wire_in_ns };
}

void uw_strays_keep(struct uw_strays *s, const struct uw_record *r)
{
	struct stray_key key = stray_key_of(&r->key);
	struct stray *i;

	HASH_FIND(hh, s->table, &key, sizeof(key), i);
	if (i)
		HASH_DELETE(hh, s->table, i); /* the table is in the order of the last ones */
	else if (HASH_COUNT(s->table) < STRAYS_MAX)
		i = calloc(1, sizeof(*i));
	if (!i) {
		s->limited++;
		return;
	}
	i->key = key;
	i->when_ns = r->wire_in_ns;
	keep_source(s, i, r);
	HASH_ADD(hh, s->table, key, sizeof(i->key), i);
	if (!i->hh.tbl) {
		free(i);
		s->limited++;
	}
}

/* Of a request from before our start its reply alone is known, and is from where it was asked. */
static bool is_server(const struct source *from, const struct uw_query *q)
{
	return !from->port && !memcmp(&from->from, &q->key.server, sizeof(from->from));
}

void uw_strays_note(const struct uw_strays *s, struct uw_query *q)
{
	struct stray_key key = stray_key_of(&q->key);
	struct stray *i;
	unsigned n;

	if (!q->send_ns)
		return;	/* one of them itself */
	HASH_FIND(hh, s->table, &key, sizeof(key), i);
	for (n = 0; i && n < i->sources; n++) {
		const struct source *from = &i->source[n];

		if (from->when_ns < q->send_ns || is_server(from, q) ||
		    (from->question_hash && q->question_hash && from->question_hash != q->question_hash))
			continue;
		q->misdirected = true;
		q->misdirected_from = from->from;
		q->misdirected_port = from->port;
		return;
	}
}

uint64_t uw_strays_limited(const struct uw_strays *s)
{
	return s->limited;
}

void uw_strays_forget(struct uw_strays *s, uint64_t now_ns)
{
	struct stray *i, *next;

	HASH_ITER(hh, s->table, i, next) {
		if (i->when_ns + 2 * UW_HOLD_NS > now_ns)
			break;
		HASH_DELETE(hh, s->table, i);
		free(i);
	}
}

bool uw_stray_is_ours(const struct uw_query *q)
{
	const struct uw_drop_fact *d = &q->drop[UW_REPLY];

	return d->seen && d->stage >= UW_STAGE_NF_INPUT && strcmp(d->reason, "NO_SOCKET") != 0;
}
