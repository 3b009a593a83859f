// SPDX-License-Identifier: GPL-2.0-only
#include "offline/pcapng.h"

#include <byteswap.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/dlt.h>

#define BLOCK_MAX (16u << 20)	/* more than any frame; nothing is allocated for what a file claims */
#define INTERFACES_MAX 4096
#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define LINKTYPE_RAW 101	/* the one number that DLT_ has otherwise on Linux */

enum block {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2,	/* obsolete */
	BLOCK_SIMPLE = 3,
	BLOCK_ENHANCED = 6,
	BLOCK_SECTION = 0x0a0d0d0a,
};

enum option {
	OPTION_END,
	OPTION_TSRESOL = 9,
	OPTION_TSOFFSET = 14,
};

struct interface {
	int dlt;
	uint8_t resolution;	/* if_tsresol as it stands */
	int64_t offset_s;
};

struct uw_pcapng {
	FILE *file;
	bool swapped, in_section;
	bool begun;		/* one block was whole */
	struct interface *interface;
	unsigned interfaces, room;
	uint8_t *block;		/* what stands between the two lengths */
	uint32_t len, size;
	uint64_t timeless;
	char *error;		/* of the call that is on */
};

__attribute__((format(printf, 3, 4)))
static int fail(struct uw_pcapng *r, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error, UW_PCAPNG_ERROR, format, args);
	va_end(args);
	return err;
}

static uint16_t get16(const struct uw_pcapng *r, const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return r->swapped ? bswap_16(v) : v;
}

static uint32_t get32(const struct uw_pcapng *r, const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return r->swapped ? bswap_32(v) : v;
}

/* Return: 1, 0 at the end of the file if that is where one may be, or a negative errno. */
static int get(struct uw_pcapng *r, void *to, uint32_t len, bool may_end)
{
	size_t n = fread(to, 1, len, r->file);

	if (n == len)
		return 1;
	if (ferror(r->file))
		return fail(r, -EIO, "cannot read on: the file or its compression is damaged");
	if (!n && may_end)
		return 0;
	return fail(r, r->begun ? -ENODATA : -EBADMSG, "the file ends in the middle of a block");
}

static int make_room(struct uw_pcapng *r, uint32_t len)
{
	uint8_t *more;

	if (len <= r->size)
		return 0;
	more = realloc(r->block, len);
	if (!more)
		return fail(r, -ENOMEM, "out of memory");
	r->block = more;
	r->size = len;
	return 0;
}

/* A section header tells the byte order, also that of its own length before it. */
static int begin_section(struct uw_pcapng *r, const uint8_t *length)
{
	uint8_t magic[4];
	uint32_t v;
	int err = get(r, magic, sizeof(magic), false);

	if (err < 0)
		return err;
	memcpy(&v, magic, sizeof(v));
	if (v != BYTE_ORDER_MAGIC && v != bswap_32(BYTE_ORDER_MAGIC))
		return fail(r, -EBADMSG, "a section header without its byte order mark");
	r->swapped = v != BYTE_ORDER_MAGIC;
	r->in_section = true;
	r->interfaces = 0;
	r->len = get32(r, length);
	if (r->len < 28)
		return fail(r, -EBADMSG, "a section header of %u bytes", r->len);
	r->len -= 16; /* what is left to read before the second length */
	return 1;
}

/* Type and length; the body is next in the file, r->len bytes of it. */
static int begin_block(struct uw_pcapng *r, uint32_t *type)
{
	uint8_t head[8];
	int got = get(r, head, sizeof(head), true);

	if (got <= 0)
		return got;
	memcpy(type, head, sizeof(*type)); /* a section's reads the same both ways */
	if (*type == BLOCK_SECTION)
		return begin_section(r, head + 4);
	if (!r->in_section)
		return fail(r, -EBADMSG, "it does not begin with a section header");
	*type = get32(r, head);
	r->len = get32(r, head + 4);
	if (r->len < 12 || r->len % 4)
		return fail(r, -EBADMSG, "a block of %u bytes", r->len);
	r->len -= 12;
	return 1;
}

static int read_block(struct uw_pcapng *r, uint32_t *type)
{
	uint8_t again[4];
	uint32_t body;
	int got = begin_block(r, type), err;

	if (got <= 0)
		return got;
	body = r->len;
	if (body > BLOCK_MAX)
		return fail(r, -EBADMSG, "a block of %u bytes", body);
	err = make_room(r, body);
	if (err)
		return err;
	if (body && (err = get(r, r->block, body, false)) < 0)
		return err;
	err = get(r, again, sizeof(again), false);
	if (err < 0)
		return err;
	if (get32(r, again) != body + (*type == BLOCK_SECTION ? 16 : 12))
		return fail(r, -EBADMSG, "the two lengths of a block differ");
	r->begun = true;
	return 1;
}

static int take_option(struct uw_pcapng *r, struct interface *i, unsigned code, const uint8_t *value, unsigned len)
{
	if (code == OPTION_TSRESOL && len == 1) {
		i->resolution = value[0];
		if ((i->resolution & 0x7f) > (i->resolution & 0x80 ? 63 : 19))
			return fail(r, -EBADMSG, "a clock resolution that no clock has");
	}
	if (code == OPTION_TSOFFSET && len == 8) {
		uint64_t v;

		memcpy(&v, value, sizeof(v));
		i->offset_s = (int64_t)(r->swapped ? bswap_64(v) : v);
	}
	return 0;
}

static int take_options(struct uw_pcapng *r, struct interface *i, uint32_t at)
{
	int err = 0;

	while (!err && at + 4 <= r->len) {
		unsigned code = get16(r, r->block + at), len = get16(r, r->block + at + 2);

		at += 4;
		if (code == OPTION_END)
			break;
		if (len > r->len - at)
			return fail(r, -EBADMSG, "an option that is longer than its block");
		err = take_option(r, i, code, r->block + at, len);
		at += (len + 3) & ~3u;
	}
	return err;
}

static int take_interface(struct uw_pcapng *r)
{
	struct interface i = { .resolution = 6 }, *more;
	unsigned room = r->room ? 2 * r->room : 8;
	int err;

	if (r->len < 8)
		return fail(r, -EBADMSG, "an interface description of %u bytes", r->len);
	if (r->interfaces == INTERFACES_MAX)
		return fail(r, -EBADMSG, "more than %u interfaces", INTERFACES_MAX);
	i.dlt = get16(r, r->block);
	if (i.dlt == LINKTYPE_RAW)
		i.dlt = DLT_RAW;
	err = take_options(r, &i, 8);
	if (err)
		return err;
	if (r->interfaces == r->room) {
		more = realloc(r->interface, room * sizeof(*more));
		if (!more)
			return fail(r, -ENOMEM, "out of memory");
		r->interface = more;
		r->room = room;
	}
	r->interface[r->interfaces++] = i;
	return 0;
}

/* Return: false for a time before 1970 or centuries ahead, which no capture has. */
static bool to_ns(const struct interface *i, uint64_t units, uint64_t *ns)
{
	unsigned exponent = i->resolution & 0x7f;
	__int128 t = units;

	if (i->resolution & 0x80) {
		t = (t * 1000000000) >> exponent;
	} else {
		for (; exponent < 9; exponent++)
			t *= 10;
		for (; exponent > 9; exponent--)
			t /= 10;
	}
	t += (__int128)i->offset_s * 1000000000;
	if (t < 0 || t > INT64_MAX)
		return false;
	*ns = (uint64_t)t;
	return true;
}

/* Packet blocks, the obsolete one too: the same from the time on. */
static int take_packet(struct uw_pcapng *r, uint32_t number, struct uw_pcapng_frame *f)
{
	const uint8_t *b = r->block;
	uint32_t len;

	if (r->len < 20)
		return fail(r, -EBADMSG, "a packet block of %u bytes", r->len);
	if (number >= r->interfaces)
		return fail(r, -EBADMSG, "a packet of interface %u, which is not described", number);
	len = get32(r, b + 12);
	if (len > r->len - 20)
		return fail(r, -EBADMSG, "a packet that is longer than its block");
	*f = (struct uw_pcapng_frame){ .dlt = r->interface[number].dlt, .len = len,
				       .wire_len = get32(r, b + 16), .data = b + 20 };
	if (!to_ns(&r->interface[number], (uint64_t)get32(r, b + 4) << 32 | get32(r, b + 8), &f->when_ns))
		return fail(r, -EBADMSG, "a packet with an impossible time");
	return 1;
}

int uw_pcapng_next(struct uw_pcapng *r, struct uw_pcapng_frame *f, char error[UW_PCAPNG_ERROR])
{
	uint32_t type;
	int got;

	r->error = error;
	while ((got = read_block(r, &type)) > 0) {
		if (type == BLOCK_INTERFACE && (got = take_interface(r)) < 0)
			return got;
		if (type == BLOCK_ENHANCED)
			return take_packet(r, r->len < 4 ? 0 : get32(r, r->block), f);
		if (type == BLOCK_PACKET)
			return take_packet(r, r->len < 4 ? 0 : get16(r, r->block), f);
		r->timeless += type == BLOCK_SIMPLE;
	}
	return got;
}

uint64_t uw_pcapng_timeless(const struct uw_pcapng *r)
{
	return r->timeless;
}

struct uw_pcapng *uw_pcapng_new(FILE *file)
{
	struct uw_pcapng *r = calloc(1, sizeof(*r));

	if (r)
		r->file = file;
	return r;
}

void uw_pcapng_free(struct uw_pcapng *r)
{
	if (!r)
		return;
	free(r->interface);
	free(r->block);
	free(r);
}
