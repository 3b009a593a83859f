// SPDX-License-Identifier: GPL-2.0-only
#include "offline/reassembly.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

#define OPEN_MAX 4096	/* datagrams open at once */
#define RANGES 64	/* holes and islands of one; more is an attack or a broken path */

struct fragment_key {
	struct uw_addr source, destination;
	uint32_t id, tunnels;
	uint8_t family, protocol;
	uint8_t pad[6];
};

struct range {
	uint32_t from, to;
};

struct open {
	struct fragment_key key;
	struct uw_datagram datagram;
	struct range range[RANGES];	/* what has come, apart from each other */
	unsigned ranges;
	uint32_t length;		/* of the whole, known from the last fragment; 0 not yet */
	uint64_t since_ns;
	UT_hash_handle hh;
};

struct uw_reassembly {
	struct open *open;		/* in the order of their first fragments */
	struct uw_datagram done;
	uint64_t lost;
};

static bool fragment_v4(const uint8_t *head, uint32_t len, struct uw_piece *f)
{
	uint16_t field;

	if (len < 20)
		return false;
	field = uw_be16(head + 6);
	if (!(field & 0x3fff))
		return false;
	f->header = (head[0] & 15) * 4u;
	f->id = uw_be16(head + 4);
	f->offset = (field & 0x1fff) * 8u;
	f->more = field & 0x2000;
	f->protocol = head[9];
	f->length = uw_be16(head + 2) > f->header ? uw_be16(head + 2) - f->header : 0;
	memcpy(f->source.b, head + 12, 4);
	memcpy(f->destination.b, head + 16, 4);
	return f->header >= 20 && f->length;
}

static bool fragment_v6(const uint8_t *head, uint32_t len, struct uw_piece *f)
{
	uint32_t at = 40, end;
	uint8_t next;
	unsigned i;

	if (len < 40)
		return false;
	next = head[6];
	for (i = 0; i < UW_IPV6_EXTENSIONS && next != 44; i++) {
		if ((next != 0 && next != 43 && next != 60) || at + 8 > len)
			return false;
		next = head[at];
		at += head[at + 1] * 8u + 8;
	}
	if (next != 44 || at + 8 > len)
		return false;
	end = 40u + uw_be16(head + 4);
	f->protocol = head[at];
	f->offset = uw_be16(head + at + 2) & 0xfff8;
	f->more = head[at + 3] & 1;
	f->id = uw_be32(head + at + 4);
	f->header = at + 8;
	f->length = end > f->header ? end - f->header : 0;
	memcpy(f->source.b, head + 8, 16);
	memcpy(f->destination.b, head + 24, 16);
	return f->length && (f->offset || f->more);
}

bool uw_piece_parse(const uint8_t head[UW_HEAD_MAX], uint32_t len, struct uw_piece *f)
{
	memset(f, 0, sizeof(*f));
	if (!len)
		return false;
	f->family = head[0] >> 4;
	return f->family == 4 ? fragment_v4(head, len, f) : f->family == 6 && fragment_v6(head, len, f);
}

struct uw_reassembly *uw_reassembly_new(void)
{
	return calloc(1, sizeof(struct uw_reassembly));
}

static void drop(struct uw_reassembly *r, struct open *o)
{
	HASH_DELETE(hh, r->open, o);
	free(o);
}

void uw_reassembly_free(struct uw_reassembly *r)
{
	struct open *o, *next;

	if (!r)
		return;
	HASH_ITER(hh, r->open, o, next)
		drop(r, o);
	free(r);
}

uint64_t uw_reassembly_lost(const struct uw_reassembly *r)
{
	return r->lost;
}

static void expire(struct uw_reassembly *r, uint64_t now_ns)
{
	struct open *o, *next;

	HASH_ITER(hh, r->open, o, next) {
		if (o->since_ns + UW_REASSEMBLY_NS > now_ns && HASH_COUNT(r->open) < OPEN_MAX)
			return;
		r->lost += o->since_ns + UW_REASSEMBLY_NS > now_ns;
		drop(r, o);
	}
}

static struct open *open_of(struct uw_reassembly *r, const struct uw_piece *f, uint64_t now_ns)
{
	struct fragment_key key = {
		.source = f->source, .destination = f->destination, .id = f->id, .tunnels = f->tunnels,
		.family = f->family, .protocol = f->protocol,
	};
	struct open *o;

	HASH_FIND(hh, r->open, &key, sizeof(key), o);
	if (o)
		return o;
	o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->key = key;
	o->since_ns = now_ns;
	HASH_ADD(hh, r->open, key, sizeof(o->key), o);
	if (o->hh.tbl)
		return o;
	free(o);
	return NULL;
}

/* Ranges stay apart: what touches the new one becomes part of it. Returns false without room. */
static bool cover(struct open *o, uint32_t from, uint32_t to)
{
	unsigned i = 0;

	while (i < o->ranges) {
		struct range *x = &o->range[i];

		if (x->to < from || x->from > to) {
			i++;
			continue;
		}
		from = x->from < from ? x->from : from;
		to = x->to > to ? x->to : to;
		*x = o->range[--o->ranges];
		i = 0;
	}
	if (o->ranges == RANGES)
		return false;
	o->range[o->ranges++] = (struct range){ from, to };
	return true;
}

static void keep(struct uw_datagram *d, const struct uw_piece *f, const uint8_t *packet, uint32_t len)
{
	uint32_t bytes = len > f->header ? len - f->header : 0;

	if (bytes > f->length)
		bytes = f->length;
	if (!f->offset) {
		d->head_len = f->header < UW_HEAD_MAX ? f->header : UW_HEAD_MAX;
		memcpy(d->head, packet, d->head_len);
	}
	if (f->offset >= UW_REASSEMBLED_MAX)
		return;
	if (bytes > UW_REASSEMBLED_MAX - f->offset)
		bytes = UW_REASSEMBLED_MAX - f->offset;
	memcpy(d->data + f->offset, packet + f->header, bytes);
	if (f->offset + bytes > d->data_len)
		d->data_len = f->offset + bytes;
}

const struct uw_datagram *uw_reassembly_add(struct uw_reassembly *r, const struct uw_piece *f,
					    const uint8_t *packet, uint32_t len, uint64_t now_ns)
{
	struct open *o;

	expire(r, now_ns);
	o = len >= f->header ? open_of(r, f, now_ns) : NULL;
	if (!o)
		return NULL;
	if (!cover(o, f->offset, f->offset + f->length)) {
		r->lost++;
		drop(r, o);
		return NULL;
	}
	keep(&o->datagram, f, packet, len);
	if (!f->more)
		o->length = f->offset + f->length;
	if (!o->length || o->ranges != 1 || o->range[0].from || o->range[0].to < o->length)
		return NULL;
	r->done = o->datagram;
	r->done.when_ns = now_ns;
	drop(r, o);
	return &r->done;
}
