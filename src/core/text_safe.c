/* SPDX-License-Identifier: GPL-2.0-only */
#include "core/text_safe.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define WIRE_NAME_MAX 255 /* RFC 1035 2.3.4 */
#define LABEL_MAX 63

struct range {
	uint32_t first, last;
};

/*
 * Valid characters that show nothing, or change how others show: invisible fillers and joiners,
 * direction marks, separators that some programs take for a new line, interlinear and musical
 * format characters, variation selectors and tags, and what Unicode calls no character.
 */
/* clang-format off */
static const struct range unsafe_characters[] = {
	{ 0x0000, 0x001f },   { 0x007f, 0x009f },   { 0x00ad, 0x00ad },	  { 0x034f, 0x034f },
	{ 0x061c, 0x061c },   { 0x115f, 0x1160 },   { 0x17b4, 0x17b5 },	  { 0x180b, 0x180f },
	{ 0x200b, 0x200f },   { 0x2028, 0x202e },   { 0x2060, 0x206f },	  { 0x3164, 0x3164 },
	{ 0xfdd0, 0xfdef },   { 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },	  { 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb },   { 0xfffe, 0xffff },   { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff }, { 0xffffe, 0xfffff }, { 0x10fffe, 0x10ffff },
};
/* clang-format on */

static bool is_unsafe(uint32_t c)
{
	for (size_t i = 0; i < sizeof(unsafe_characters) / sizeof(unsafe_characters[0]); i++)
		if (c >= unsafe_characters[i].first && c <= unsafe_characters[i].last)
			return true;
	return false;
}

/* How many bytes a UTF-8 sequence has by its first byte, 0 if it cannot be one. */
static size_t sequence_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/* Strict (RFC 3629): no overlong forms, no surrogates, nothing beyond U+10FFFF. 0: not UTF-8. */
static size_t utf8_decode(const char *s, size_t len, uint32_t *c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	const unsigned char *p = (const unsigned char *)s;
	size_t n = len ? sequence_length(p[0]) : 0;
	uint32_t v;

	if (!n || n > len)
		return 0;
	v = p[0] & mask[n];
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (p[i] & 0x3f);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	*c = v;
	return n;
}

size_t uw_safe_step(const char *s, size_t len, char out[UW_SAFE_STEP])
{
	uint32_t c;
	size_t n = utf8_decode(s, len, &c);

	if (!n || (n == 1 && is_unsafe(c))) {
		snprintf(out, UW_SAFE_STEP, "\\x%02x", (unsigned char)s[0]);
		return 1;
	}
	if (is_unsafe(c)) {
		snprintf(out, UW_SAFE_STEP, "\\u{%x}", (unsigned)c);
	} else {
		memcpy(out, s, n);
		out[n] = '\0';
	}
	return n;
}

size_t uw_safe_text(const char *s, size_t len, char *buf, size_t size)
{
	char step[UW_SAFE_STEP];
	size_t out = 0, n;

	if (!size)
		return 0;
	while (len) {
		size_t took = uw_safe_step(s, len, step);

		n = strlen(step);
		if (out + n >= size)
			break;
		memcpy(buf + out, step, n);
		out += n;
		s += took;
		len -= took;
	}
	buf[out] = '\0';
	return out;
}

static size_t utf8_encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* What @text begins with and stands for something else; only what uw_safe_step() would write is taken. */
static size_t undo_step(const char *text, char raw[4], size_t *size)
{
	char step[UW_SAFE_STEP];
	unsigned c;
	int used = 0;

	if (sscanf(text, "\\x%2x%n", &c, &used) == 1 && used == 4) {
		raw[0] = (char)c;
		*size = 1;
	} else if (sscanf(text, "\\u{%6x}%n", &c, &used) == 1 && used && c <= 0x10ffff) {
		*size = utf8_encode(c, raw);
	} else {
		return 0;
	}
	if (!c || uw_safe_step(raw, *size, step) != *size || strncmp(step, text, strlen(step)))
		return 0;
	return (size_t)used;
}

size_t uw_safe_undo(const char *text, char *buf, size_t size)
{
	size_t out = 0;

	while (*text && size) {
		char raw[4];
		size_t n, used = undo_step(text, raw, &n);

		if (!used) {
			raw[0] = *text;
			used = n = 1;
		}
		if (out + n >= size)
			break;
		memcpy(buf + out, raw, n);
		out += n;
		text += used;
	}
	if (size)
		buf[out] = '\0';
	return out;
}

/* Most of what is quoted: it stands for itself. */
static size_t plain_part(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] >= ' ' && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

void uw_json_quote(FILE *out, const char *s, size_t len)
{
	char step[UW_SAFE_STEP];

	fputc('"', out);
	while (len) {
		size_t plain = plain_part(s, len), took;

		fwrite(s, 1, plain, out);
		s += plain;
		len -= plain;
		if (!len)
			break;
		took = uw_safe_step(s, len, step);
		/* Control characters are gone by now: RFC 8259 7 leaves these two. */
		if (step[0] == '"' || step[0] == '\\')
			fputc('\\', out);
		fputs(step, out);
		s += took;
		len -= took;
	}
	fputc('"', out);
}

/* Text that is not UTF-8 should not come here; of it, terminals show a column a byte. */
static size_t next_columns(const char *s, size_t len, unsigned *columns)
{
	uint32_t c;
	size_t n = utf8_decode(s, len, &c);

	*columns = n ? uw_char_columns(c) : 1;
	return n ? n : 1;
}

unsigned uw_text_columns(const char *s)
{
	size_t len = strlen(s);
	unsigned total = 0, one;

	while (len) {
		size_t n = next_columns(s, len, &one);

		total += one;
		s += n;
		len -= n;
	}
	return total;
}

size_t uw_text_clip(const char *s, unsigned columns)
{
	size_t len = strlen(s), at = 0;
	unsigned total = 0, one;

	while (at < len) {
		size_t n = next_columns(s + at, len - at, &one);

		if (total + one > columns)
			break;
		total += one;
		at += n;
	}
	return at;
}

/* Output of the DNS functions: bounded, with a sticky error. */
struct name_buf {
	char *p;
	size_t len, size;
	int err;
};

static void name_put(struct name_buf *b, const char *s, size_t n)
{
	if (b->err || n >= b->size - b->len) {
		b->err = b->err ? b->err : -ENOSPC;
		return;
	}
	memcpy(b->p + b->len, s, n);
	b->len += n;
	b->p[b->len] = '\0';
}

/* The characters that master files give a meaning (RFC 1035 5.1; '$' and '@' too) are quoted. */
static void name_put_byte(struct name_buf *b, unsigned char c)
{
	char s[] = {'\\', (char)('0' + c / 100), (char)('0' + c / 10 % 10), (char)('0' + c % 10)};

	if (c <= ' ' || c >= 0x7f) {
		name_put(b, s, 4);
		return;
	}
	s[1] = (char)c;
	if (strchr(".\\\"();@$", c))
		name_put(b, s, 2);
	else
		name_put(b, s + 1, 1);
}

static size_t name_put_labels(struct name_buf *b, const uint8_t *wire, size_t len)
{
	size_t at = 0;

	while (!b->err && at < len && at < WIRE_NAME_MAX) {
		size_t label = wire[at++];

		if (!label) {
			if (at == 1)
				name_put(b, ".", 1);
			return at;
		}
		if (label > LABEL_MAX || label > len - at)
			break;
		if (at > 1)
			name_put(b, ".", 1);
		for (size_t i = 0; i < label; i++)
			name_put_byte(b, wire[at + i]);
		at += label;
	}
	b->err = b->err ? b->err : -EBADMSG;
	return 0;
}

int uw_dns_name_text(const uint8_t *wire, size_t len, char *buf, size_t size, size_t *used)
{
	struct name_buf b = {.p = buf, .size = size};
	size_t n;

	if (!size)
		return -ENOSPC;
	buf[0] = '\0';
	n = name_put_labels(&b, wire, len);
	if (b.err) {
		buf[0] = '\0';
		return b.err;
	}
	if (used)
		*used = n;
	return 0;
}

int uw_dns_question_text(const uint8_t *wire, size_t len, char *buf, size_t size, uint16_t *qtype)
{
	size_t used;
	int err = uw_dns_name_text(wire, len, buf, size, &used);

	if (err)
		return err;
	if (len - used < 2) {
		buf[0] = '\0';
		return -EBADMSG;
	}
	*qtype = (uint16_t)(wire[used] << 8 | wire[used + 1]);
	return 0;
}

/* One character of a label: itself, \DDD or \X. Return: what is behind it, NULL if there is none. */
static const char *label_step(const char *s, uint8_t *c)
{
	unsigned value;

	*c = (uint8_t)*s;
	if (*s != '\\')
		return *s ? s + 1 : NULL;
	s++;
	if (*s < '0' || *s > '9') {
		*c = (uint8_t)*s;
		return *s ? s + 1 : NULL;
	}
	if (s[1] < '0' || s[1] > '9' || s[2] < '0' || s[2] > '9')
		return NULL;
	value = (unsigned)(s[0] - '0') * 100 + (unsigned)(s[1] - '0') * 10 + (unsigned)(s[2] - '0');
	*c = (uint8_t)value;
	return value < 256 ? s + 3 : NULL;
}

size_t uw_dns_name_wire(const char *text, uint8_t *buf, size_t size)
{
	size_t at = 1, label = 0;
	uint8_t c;

	if (!strcmp(text, "."))
		text++;
	if (size > 255)
		size = 255;
	while (*text && at < size) {
		bool dot = *text == '.';

		text = label_step(text, &c);
		if (!text || at - label > 64 || (dot && (at == label + 1 || !*text)))
			return 0;
		if (dot) {
			buf[label] = (uint8_t)(at - label - 1);
			label = at++;
		} else {
			buf[at++] = c;
		}
	}
	if (at >= size + (at == 1) || at - label > 64)
		return 0;
	buf[label] = (uint8_t)(at - label - 1);
	if (at == 1)
		return 1;
	buf[at++] = 0;
	return at;
}

bool uw_text_is_plain(const char *name)
{
	const char *p;

	if (!isalnum((unsigned char)name[0]))
		return false;
	for (p = name; *p && (isalnum((unsigned char)*p) || strchr("._:@-", *p)); p++)
		;
	return !*p;
}
