// SPDX-License-Identifier: GPL-2.0-only
/* The parsers that kernel side and user space share: every length, every type, hostile bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "packet.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CLIENT_PORT 46758
#define NTP_PORT 123
#define DNS_PORT 53
#define NTP_LEN 48

/* What lies behind the valid bytes: it must change nothing. The last looks like headers. */
static const uint8_t poison[] = {0x00, 0xff, 0x45, 0x2c, 0x11};

static uint64_t seed = 0x9e3779b97f4a7c15ull;

/* xorshift64: the same bytes on every run. */
static uint32_t random_number(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32);
}

static void random_bytes(uint8_t *to, size_t len)
{
	while (len--)
		*to++ = (uint8_t)random_number();
}

static void put16(uint8_t *to, unsigned v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
}

/* A buffer of exactly @size bytes, the first @len of them valid. */
static uint8_t *buffer(size_t size, const uint8_t *bytes, size_t len, uint8_t rest)
{
	uint8_t *b = malloc(size);

	assert_non_null(b);
	assert_true(len <= size);
	memset(b, rest, size);
	memcpy(b, bytes, len);
	return b;
}

/* --- network and transport headers --- */

struct wire {
	uint8_t b[640];
	uint32_t len;
	uint32_t transport;	/* where the builder put the transport header */
};

struct extension {
	uint8_t type;
	uint8_t units;		/* of 8 bytes, beyond the first; fragment: the reserved byte */
	uint16_t fragment;	/* offset and flags as on the wire */
};

enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DESTINATION = 60 };

static void add_udp(struct wire *w)
{
	uint8_t *udp = w->b + w->transport;

	put16(udp, CLIENT_PORT);
	put16(udp + 2, NTP_PORT);
	put16(udp + 4, 8 + NTP_LEN);
	put16(udp + 6, 0xbeef);
	w->len = w->transport + 8 + NTP_LEN;
}

static void add_icmp(struct wire *w, uint8_t type, uint8_t code, uint32_t rest)
{
	uint8_t *icmp = w->b + w->transport;

	icmp[0] = type;
	icmp[1] = code;
	put16(icmp + 4, rest >> 16);
	put16(icmp + 6, rest & 0xffff);
	w->len = w->transport + 8;
}

static struct wire ipv4(unsigned option_words, unsigned fragment, uint8_t protocol)
{
	struct wire w = {.transport = 20 + 4 * option_words};

	memset(w.b, 0xa5, sizeof(w.b));
	w.b[0] = (uint8_t)(0x40 | (5 + option_words));
	put16(w.b + 2, w.transport + 8 + NTP_LEN);
	put16(w.b + 6, fragment);
	w.b[9] = protocol;
	memcpy(w.b + 12, (uint8_t[]){10, 0, 0, 5, 192, 0, 2, 1}, 8);
	add_udp(&w);
	return w;
}

static struct wire ipv6(const struct extension *e, unsigned count, uint8_t protocol)
{
	struct wire w = {};
	uint8_t *next = w.b + 6;
	uint32_t at = 40;
	unsigned i;

	memset(w.b, 0xa5, sizeof(w.b));
	w.b[0] = 0x60;
	for (i = 0; i < 16; i++) {
		w.b[8 + i] = (uint8_t)(0x10 + i);
		w.b[24 + i] = (uint8_t)(0x80 + i);
	}
	for (i = 0; i < count; i++) {
		*next = e[i].type;
		next = w.b + at;
		w.b[at + 1] = e[i].units;
		if (e[i].type == FRAGMENT)
			put16(w.b + at + 2, e[i].fragment);
		at += e[i].type == FRAGMENT ? 8 : 8 + 8u * e[i].units;
		assert_true(at + 8 + NTP_LEN <= sizeof(w.b));
	}
	*next = protocol;
	w.transport = at;
	add_udp(&w);
	put16(w.b + 4, w.len - 40);
	return w;
}

/* The first @len bytes, with every poison behind them: one result. */
static bool parse(const struct wire *w, uint32_t len, struct uw_headers *h)
{
	struct uw_headers other;
	bool ok = false, again;
	uint8_t *head;
	size_t i;

	for (i = 0; i < COUNT(poison); i++) {
		head = buffer(UW_HEAD_MAX, w->b, len, poison[i]);
		memset(&other, 0, sizeof(other));
		again = uw_headers_parse(head, len, &other);
		free(head);
		if (i == 0) {
			ok = again;
			*h = other;
		}
		assert_int_equal(ok, again);
		if (ok)
			assert_memory_equal(h, &other, sizeof(*h));
	}
	return ok;
}

static uint32_t head_len(const struct wire *w)
{
	return w->len < UW_HEAD_MAX ? w->len : UW_HEAD_MAX;
}

static bool parse_all(const struct wire *w, struct uw_headers *h)
{
	return parse(w, head_len(w), h);
}

/* Found from the last byte of the transport header on, at no length before. */
static void assert_udp_at_every_length(const struct wire *w, uint8_t family)
{
	struct uw_headers h;
	uint32_t len;

	for (len = 0; len <= head_len(w); len++) {
		assert_int_equal(parse(w, len, &h), len >= w->transport + 8);
		if (len < w->transport + 8)
			continue;
		assert_int_equal(h.family, family);
		assert_int_equal(h.protocol, UW_IPPROTO_UDP);
		assert_int_equal(h.transport, w->transport);
		assert_int_equal(h.ip_len, w->len);
		assert_int_equal(h.source_port, CLIENT_PORT);
		assert_int_equal(h.destination_port, NTP_PORT);
		assert_int_equal(h.udp_len, 8 + NTP_LEN);
	}
}

static void assert_nothing_at_every_length(const struct wire *w)
{
	struct uw_headers h;
	uint32_t len;

	for (len = 0; len <= head_len(w); len++)
		assert_false(parse(w, len, &h));
}

static void test_ipv4_options(void **state)
{
	struct uw_headers h;
	unsigned words;

	(void)state;
	for (words = 0; words <= 10; words++) {
		struct wire w = ipv4(words, 0x4000, UW_IPPROTO_UDP);

		assert_udp_at_every_length(&w, 4);
		assert_true(parse_all(&w, &h));
		assert_memory_equal(h.source.b, ((uint8_t[16]){10, 0, 0, 5}), 16);
		assert_memory_equal(h.destination.b, ((uint8_t[16]){192, 0, 2, 1}), 16);
		assert_int_equal(h.fragment, 0);
	}
}

static void test_ipv4_first_byte(void **state)
{
	struct uw_headers h;
	unsigned version, ihl;

	(void)state;
	for (version = 0; version < 16; version++) {
		for (ihl = 0; ihl < 16; ihl++) {
			struct wire w = ipv4(ihl >= 5 ? ihl - 5 : 0, 0, UW_IPPROTO_UDP);

			w.b[0] = (uint8_t)(version << 4 | ihl);
			/* 0xa5 is no extension header, UDP or ICMP, so it is no IPv6 either */
			assert_int_equal(parse_all(&w, &h), version == 4 && ihl >= 5);
		}
	}
}

static void test_ipv4_fragments(void **state)
{
	struct uw_headers h;
	unsigned bit, flags;

	(void)state;
	for (flags = 0; flags < 8; flags++) {
		struct wire w = ipv4(0, flags << 13, UW_IPPROTO_UDP);

		assert_true(parse_all(&w, &h));
		assert_int_equal(h.fragment, flags & 1);
		for (bit = 0; bit < 13; bit++) {
			w = ipv4(0, flags << 13 | 1u << bit, UW_IPPROTO_UDP);
			assert_nothing_at_every_length(&w);
		}
	}
}

/* 0 none, 1 the first, 2 a later one; the buffer ends where the valid bytes do. */
static int fragment_of(const struct wire *w, uint32_t len, struct uw_fragment *f)
{
	uint8_t *b = buffer(len ? len : 1, w->b, len, 0);
	int which;

	memset(f, 0, sizeof(*f));
	which = uw_fragment_parse(b, len, f);
	free(b);
	return which;
}

static void test_fragments_of_a_datagram(void **state)
{
	struct wire w = ipv4(0, 0, UW_IPPROTO_UDP), six = ipv6(NULL, 0, 44);
	struct uw_fragment f;
	uint32_t len;

	(void)state;
	put16(w.b + 4, 0x1234);
	assert_int_equal(fragment_of(&w, w.len, &f), 0);
	put16(w.b + 6, 0x4000);		/* "don't fragment" is no fragment */
	assert_int_equal(fragment_of(&w, w.len, &f), 0);
	put16(w.b + 6, 0x2000);
	assert_int_equal(fragment_of(&w, w.len, &f), 1);
	put16(w.b + 6, 1);		/* the last one */
	for (len = 0; len < 28; len++)
		assert_int_equal(fragment_of(&w, len, &f), 0);
	assert_int_equal(fragment_of(&w, 28, &f), 2);
	assert_int_equal(f.family, 4);
	assert_int_equal(f.id, 0x1234);
	assert_memory_equal(f.source.b, w.b + 12, 4);
	assert_memory_equal(f.destination.b, w.b + 16, 4);
	w.b[9] = UW_IPPROTO_ICMP;
	assert_int_equal(fragment_of(&w, w.len, &f), 0);

	memset(six.b + 40, 0, 8);
	six.b[40] = UW_IPPROTO_UDP;
	put16(six.b + 46, 0x5678);
	assert_int_equal(fragment_of(&six, 48, &f), 0);	/* an atomic one, RFC 6946 */
	six.b[43] = 1;
	assert_int_equal(fragment_of(&six, 48, &f), 1);
	put16(six.b + 42, 8);
	for (len = 0; len < 48; len++)
		assert_int_equal(fragment_of(&six, len, &f), 0);
	assert_int_equal(fragment_of(&six, 48, &f), 2);
	assert_int_equal(f.family, 6);
	assert_int_equal(f.id, 0x5678);
	assert_memory_equal(f.source.b, six.b + 8, 16);
	assert_memory_equal(f.destination.b, six.b + 24, 16);
}

static void test_protocols(void **state)
{
	struct uw_headers h;
	unsigned p;

	(void)state;
	for (p = 0; p < 256; p++) {
		struct wire four = ipv4(0, 0, (uint8_t)p), six = ipv6(NULL, 0, (uint8_t)p);

		if (p != UW_IPPROTO_UDP && p != UW_IPPROTO_ICMP && p != UW_IPPROTO_ICMPV6) {
			assert_false(parse_all(&four, &h));
			if (p != HOP_BY_HOP && p != ROUTING && p != FRAGMENT && p != DESTINATION)
				assert_false(parse_all(&six, &h));
		}
	}
}

static void test_ipv6_plain(void **state)
{
	struct wire w = ipv6(NULL, 0, UW_IPPROTO_UDP);
	struct uw_headers h;

	(void)state;
	assert_udp_at_every_length(&w, 6);
	assert_true(parse_all(&w, &h));
	assert_memory_equal(h.source.b, w.b + 8, 16);
	assert_memory_equal(h.destination.b, w.b + 24, 16);
}

static void test_ipv6_one_extension(void **state)
{
	static const uint8_t type[] = {HOP_BY_HOP, ROUTING, DESTINATION};
	unsigned units;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(type); i++) {
		for (units = 0; units < 10; units++) {
			struct extension e = {.type = type[i], .units = (uint8_t)units};
			struct wire w = ipv6(&e, 1, UW_IPPROTO_UDP);

			assert_udp_at_every_length(&w, 6);
		}
	}
}

/* However long: what ends behind the buffer is not read from inside the extension header. */
static void test_ipv6_extension_longer_than_head(void **state)
{
	static const uint8_t type[] = {HOP_BY_HOP, ROUTING, DESTINATION};
	unsigned units;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(type); i++) {
		for (units = 10; units <= 40; units++) {
			struct extension e = {.type = type[i], .units = (uint8_t)units};
			struct wire w = ipv6(&e, 1, UW_IPPROTO_UDP);

			assert_nothing_at_every_length(&w);
		}
	}
}

static void test_ipv6_fragments(void **state)
{
	struct extension e = {.type = FRAGMENT};
	struct uw_headers h;
	unsigned bit, flags;

	(void)state;
	for (flags = 0; flags < 8; flags++) {	/* two reserved bits and "more" */
		struct wire w;

		e.fragment = (uint16_t)flags;
		w = ipv6(&e, 1, UW_IPPROTO_UDP);
		assert_udp_at_every_length(&w, 6);
		assert_true(parse_all(&w, &h));
		assert_int_equal(h.fragment, flags & 1);
		for (bit = 3; bit < 16; bit++) {
			e.fragment = (uint16_t)(flags | 1u << bit);
			w = ipv6(&e, 1, UW_IPPROTO_UDP);
			assert_nothing_at_every_length(&w);
		}
	}
}

/* RFC 8200 4.5: the byte where others have their length is reserved, and ignored. */
static void test_ipv6_fragment_reserved_byte(void **state)
{
	struct extension e = {.type = FRAGMENT, .fragment = 1};
	unsigned reserved;

	(void)state;
	for (reserved = 1; reserved < 256; reserved++) {
		struct wire w;

		e.units = (uint8_t)reserved;
		w = ipv6(&e, 1, UW_IPPROTO_UDP);
		assert_udp_at_every_length(&w, 6);
	}
}

static void test_ipv6_extension_chains(void **state)
{
	static const struct extension chain[][4] = {
		{{HOP_BY_HOP, 0, 0}, {FRAGMENT, 0, 1}},
		{{HOP_BY_HOP, 0, 0}, {DESTINATION, 0, 0}, {ROUTING, 0, 0}, {FRAGMENT, 0, 0}},
		{{FRAGMENT, 0, 0}, {DESTINATION, 2, 0}},
		{{HOP_BY_HOP, 1, 0}, {DESTINATION, 1, 0}},
		{{ROUTING, 2, 0}, {DESTINATION, 1, 0}},
	};
	static const unsigned length[] = {2, 4, 2, 2, 2};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(chain); i++) {
		struct wire w = ipv6(chain[i], length[i], UW_IPPROTO_UDP);

		assert_udp_at_every_length(&w, 6);
	}
}

static void test_ipv6_long_extension_before_fragment(void **state)
{
	static const uint8_t type[] = {HOP_BY_HOP, ROUTING, DESTINATION};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(type); i++) {
		struct extension e[] = {{.type = type[i], .units = 1}, {.type = FRAGMENT}};
		struct wire w = ipv6(e, 2, UW_IPPROTO_UDP);

		assert_udp_at_every_length(&w, 6);
	}
}

static void test_ipv6_too_many_extensions(void **state)
{
	struct extension e[UW_IPV6_EXTENSIONS + 1] = {};
	struct wire w = ipv6(e, UW_IPV6_EXTENSIONS, UW_IPPROTO_UDP);

	(void)state;
	assert_udp_at_every_length(&w, 6);
	w = ipv6(e, UW_IPV6_EXTENSIONS + 1, UW_IPPROTO_UDP);
	assert_nothing_at_every_length(&w);
}

static void test_random_heads(void **state)
{
	struct uw_headers h;
	struct wire w = {};
	int i;

	(void)state;
	seed = 0x243f6a8885a308d3ull;
	for (i = 0; i < 20000; i++) {
		static const uint8_t next[] = {0, 17, 43, 44, 58, 60};
		uint32_t len = random_number() % (UW_HEAD_MAX + 1);
		int k;

		random_bytes(w.b, UW_HEAD_MAX);
		w.b[0] = (uint8_t)(random_number() & 1 ? 0x45 + random_number() % 11 : 0x60);
		w.b[9] = random_number() & 1 ? UW_IPPROTO_UDP : UW_IPPROTO_ICMP;
		w.b[6] = w.b[0] == 0x60 ? next[random_number() % COUNT(next)] : 0;
		w.b[7] = w.b[0] == 0x60 ? w.b[7] : 0;
		for (k = 40; k < UW_HEAD_MAX; k += 8) {
			w.b[k] = next[random_number() % COUNT(next)];
			w.b[k + 1] &= 0x33;
		}
		if (!parse(&w, len, &h))
			continue;
		assert_true(h.transport >= 20 && h.transport + 8 <= len);
		assert_int_equal(h.family, w.b[0] >> 4);
	}
}

/* --- ICMP --- */

static bool icmp_v4_error(unsigned type)
{
	return type == 3 || type == 11 || type == 12;
}

static bool icmp_v6_error(unsigned type)
{
	return type == 1 || type == 2 || type == 3 || type == 4;
}

static void test_icmp_types(void **state)
{
	struct uw_headers h;
	unsigned type;

	(void)state;
	for (type = 0; type < 256; type++) {
		struct wire w = ipv4(0, 0, UW_IPPROTO_ICMP);

		add_icmp(&w, (uint8_t)type, 7, 0x12345678);
		assert_true(parse_all(&w, &h));
		assert_int_equal(h.icmp_type, type);
		assert_int_equal(h.icmp_code, 7);
		assert_int_equal(h.icmp_rest, 0x12345678);
		assert_int_equal(uw_icmp_is_error(&h), icmp_v4_error(type));
		w = ipv6(NULL, 0, UW_IPPROTO_ICMPV6);
		add_icmp(&w, (uint8_t)type, 7, 0x12345678);
		assert_true(parse_all(&w, &h));
		assert_int_equal(uw_icmp_is_error(&h), icmp_v6_error(type));
	}
}

static void test_icmp_at_every_length(void **state)
{
	struct wire w[2] = {ipv4(3, 0, UW_IPPROTO_ICMP), ipv6(NULL, 0, UW_IPPROTO_ICMPV6)};
	struct uw_headers h;
	uint32_t len;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(w); i++) {
		add_icmp(&w[i], 3, 1, 0);
		for (len = 0; len <= w[i].len; len++)
			assert_int_equal(parse(&w[i], len, &h), len >= w[i].transport + 8);
	}
}

static void test_icmp_mtu(void **state)
{
	struct uw_headers h = {.protocol = UW_IPPROTO_ICMP, .icmp_rest = 0xffff05dc};
	unsigned type, code;

	(void)state;
	for (type = 0; type < 256; type++) {
		for (code = 0; code < 16; code++) {
			h.icmp_type = (uint8_t)type;
			h.icmp_code = (uint8_t)code;
			h.protocol = UW_IPPROTO_ICMP;
			assert_int_equal(uw_icmp_mtu(&h), type == 3 && code == 4 ? 1500 : 0);
			h.protocol = UW_IPPROTO_ICMPV6;
			assert_int_equal(uw_icmp_mtu(&h), type == 2 ? 0xffff05dc : 0);
		}
	}
}

/* --- NTP --- */

static void ntp_packet(uint8_t b[NTP_LEN], unsigned version, unsigned mode)
{
	int i;

	for (i = 0; i < NTP_LEN; i++)
		b[i] = (uint8_t)(0x80 + i);
	b[0] = (uint8_t)(0xc0 | version << 3 | mode);
	b[1] = 2;
}

static uint64_t eight(const uint8_t *b)
{
	uint64_t v;

	memcpy(&v, b, 8);
	return v;
}

/* In a buffer of exactly @len bytes, so that a look behind them is seen; of none: a decoy. */
static bool ntp_parse(const uint8_t *body, uint32_t len, bool to_service, struct uw_ntp *n)
{
	uint8_t *b = buffer(len ? len : 1, body, len, 0x23);
	bool ok;

	memset(n, 0, sizeof(*n));
	ok = uw_ntp_parse(b, len, to_service, n);
	free(b);
	return ok;
}

static void test_ntp_modes(void **state)
{
	uint8_t b[NTP_LEN];
	struct uw_ntp n;
	unsigned version, mode, to_service;

	(void)state;
	for (version = 0; version < 8; version++) {
		for (mode = 0; mode < 8; mode++) {
			for (to_service = 0; to_service < 2; to_service++) {
				bool old = mode == 0 && version == 1;

				ntp_packet(b, version, mode);
				assert_int_equal(ntp_parse(b, NTP_LEN, to_service, &n),
						 mode == 3 || mode == 4 || old);
				if (mode != 3 && mode != 4 && !old)
					continue;
				assert_int_equal(n.mode, mode);
				assert_int_equal(n.reply, old ? !to_service : mode == 4);
			}
		}
	}
}

static void test_ntp_fields_at_every_length(void **state)
{
	uint8_t b[NTP_LEN + 20];
	struct uw_ntp n;
	uint32_t len, mode;

	(void)state;
	memset(b, 0, sizeof(b));	/* a MAC may follow */
	for (mode = 3; mode <= 4; mode++) {
		ntp_packet(b, 4, mode);
		for (len = 0; len <= sizeof(b); len++) {
			bool whole = len >= NTP_LEN;

			assert_int_equal(ntp_parse(b, len, true, &n), len > 0);
			assert_int_equal(n.complete, whole);
			assert_int_equal(n.stratum, whole ? 2 : 0);
			assert_int_equal(n.transaction,
					 whole ? eight(b + (mode == 3 ? 40 : 24)) : 0);
			assert_int_equal(n.alias, whole && mode == 3 ? eight(b + 32) : 0);
			if (whole)
				assert_memory_equal(&n.refid, b + 12, 4);
		}
	}
}

static void test_ntp_zero_transmit(void **state)
{
	uint8_t b[NTP_LEN] = {0x23};
	struct uw_ntp n;

	(void)state;
	assert_true(ntp_parse(b, NTP_LEN, true, &n));
	assert_true(n.complete);
	assert_int_equal(n.transaction, 0);
	assert_int_equal(n.alias, 0);
}

static uint32_t refid(const char code[4])
{
	uint32_t v;

	memcpy(&v, code, 4);
	return v;
}

static void test_ntp_kiss_codes(void **state)
{
	static const char *const refuse[] = {"RATE", "DENY", "RSTR", "NTSN"};
	static const char *const other[] = {"ACST", "AUTH", "AUTO", "BCST", "CRYP", "DROP", "INIT",
					    "MCST", "NKEY", "RMOT", "STEP", "XFOO", "X123", "RATF",
					    "DENZ", "RSTQ", "NTSM", "SATE", "RBTE", "RAUE"};
	unsigned stratum;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(refuse); i++) {
		assert_true(uw_ntp_refusal(refid(refuse[i])));
		for (stratum = 0; stratum < 256; stratum++)
			assert_int_equal(uw_ntp_kiss((uint8_t)stratum, refid(refuse[i])), !stratum);
	}
	for (i = 0; i < COUNT(other); i++) {
		assert_false(uw_ntp_refusal(refid(other[i])));
		assert_true(uw_ntp_kiss(0, refid(other[i])));
		assert_false(uw_ntp_kiss(1, refid(other[i])));
	}
}

/* Stratum 0 alone is no kiss: backscatter has no reference id, others an address in it. */
static void test_ntp_no_kiss(void **state)
{
	static const char *const none[] = {"\0\0\0\0", "rate", "GPS\0", "RAT ", "\x7f\0\0\1",
					   "RA\0E",    "@ATE", "R[TE", "RA/E", "RA:E"};
	unsigned c, place;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(none); i++) {
		assert_false(uw_ntp_kiss(0, refid(none[i])));
		assert_false(uw_ntp_refusal(refid(none[i])));
	}
	for (c = 0; c < 256; c++) {
		for (place = 0; place < 4; place++) {
			char code[4] = {'X', 'A', '9', 'Z'};

			code[place] = (char)c;
			assert_int_equal(uw_ntp_kiss(0, refid(code)),
					 (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'));
		}
	}
}

/* What a server says of its own clock; a kiss speaks of the client, but for two. */
static void test_ntp_unsynchronised(void **state)
{
	static const char *const kiss[] = {"RATE", "DENY", "RSTR", "NTSN", "CRYP", "DROP", "INIX", "STEQ"};
	unsigned leap, stratum;
	size_t i;

	(void)state;
	for (stratum = 0; stratum < 256; stratum++) {
		for (leap = 0; leap < 4; leap++)
			assert_int_equal(uw_ntp_unsynchronised((uint8_t)leap, (uint8_t)stratum, 0),
					 leap == 3 || !stratum || stratum > 15);
	}
	for (i = 0; i < COUNT(kiss); i++)
		assert_false(uw_ntp_unsynchronised(3, 0, refid(kiss[i])));
	assert_true(uw_ntp_unsynchronised(3, 0, refid("INIT")));
	assert_true(uw_ntp_unsynchronised(0, 0, refid("STEP")));
	assert_true(uw_ntp_unsynchronised(3, 5, refid("RATE"))); /* no kiss: a reference id of its own */
}

/* --- DNS --- */

/* A message under construction: id, flags, one question unless said otherwise. */
struct message {
	uint8_t b[600];
	uint32_t len;
};

static struct message dns(unsigned id, unsigned flags)
{
	struct message m = {.len = UW_DNS_HEADER};

	put16(m.b, id);
	put16(m.b + 2, flags);
	put16(m.b + 4, 1);
	return m;
}

static void add_label(struct message *m, const void *label, unsigned len)
{
	m->b[m->len++] = (uint8_t)len;
	memcpy(m->b + m->len, label, len);
	m->len += len;
}

static void end_question(struct message *m, unsigned type, unsigned class)
{
	m->b[m->len++] = 0;
	put16(m->b + m->len, type);
	put16(m->b + m->len + 2, class);
	m->len += 4;
}

static struct message question(const char *first, unsigned type, unsigned class)
{
	struct message m = dns(0x1234, 0x0100);

	add_label(&m, first, (unsigned)strlen(first));
	add_label(&m, "Example", 7);
	end_question(&m, type, class);
	return m;
}

/* The first @len bytes, in a buffer of UW_BODY_MAX and, where they fill it, of just @len. */
static bool dns_parse(const struct message *m, uint32_t len, struct uw_dns *d)
{
	struct uw_dns other;
	bool ok = false, again;
	uint8_t *b;
	size_t i;

	for (i = 0; i <= COUNT(poison); i++) {
		bool exact = i == COUNT(poison);

		b = buffer(exact ? (len ? len : 1) : UW_BODY_MAX, m->b, len, exact ? 0 : poison[i]);
		memset(&other, 0, sizeof(other));
		again = uw_dns_parse(b, len, &other);
		free(b);
		if (i == 0) {
			ok = again;
			*d = other;
		}
		assert_int_equal(ok, again);
		assert_memory_equal(d, &other, sizeof(*d));
	}
	return ok;
}

static struct uw_dns parsed(const struct message *m)
{
	struct uw_dns d;

	assert_true(dns_parse(m, m->len, &d));
	return d;
}

/* RFC 1035 4.1.2 and 2.3.4 in a few plain words: length of the question, 0 for none. */
static uint32_t naive_question(const struct message *m, uint32_t len, uint8_t *canonical)
{
	uint32_t at = UW_DNS_HEADER, i;

	while (at < len && m->b[at] != 0) {
		if (m->b[at] >= 64 || at + 1 + m->b[at] > len)
			return 0;
		at += 1u + m->b[at];
	}
	at++;
	if (at + 4 > len || at - UW_DNS_HEADER > 255)
		return 0;
	at += 4;
	memcpy(canonical, m->b + UW_DNS_HEADER, at - UW_DNS_HEADER);
	for (i = 0; canonical[i]; i += 1u + canonical[i]) {
		uint32_t k;

		for (k = 1; k <= canonical[i]; k++) {
			if (canonical[i + k] >= 'A' && canonical[i + k] <= 'Z')
				canonical[i + k] = (uint8_t)(canonical[i + k] - 'A' + 'a');
		}
	}
	return at - UW_DNS_HEADER;
}

/* FNV-1a as its authors publish it, http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t naive_hash(const uint8_t *b, uint32_t len)
{
	uint64_t hash = 14695981039346656037u;

	while (len--)
		hash = (hash ^ *b++) * 1099511628211u;
	return hash;
}

static void assert_as_naive(const struct message *m)
{
	uint8_t canonical[sizeof(m->b)];
	uint32_t len, want;
	struct uw_dns d;

	for (len = 0; len <= m->len && len <= UW_BODY_MAX; len++) {
		assert_int_equal(dns_parse(m, len, &d), len >= UW_DNS_HEADER);
		if (len < UW_DNS_HEADER)
			continue;
		want = uw_be16(m->b + 4) ? naive_question(m, len, canonical) : 0;
		assert_int_equal(d.question_len, want);
		assert_int_equal(d.question_hash, want ? naive_hash(canonical, want) : 0);
		assert_int_equal(d.id, uw_be16(m->b));
		assert_int_equal(d.flags, uw_be16(m->b + 2));
		assert_int_equal(d.reply, m->b[2] >= 0x80);
	}
}

static void test_dns_direction(void **state)
{
	unsigned bit;

	(void)state;
	for (bit = 0; bit < 16; bit++) {
		struct message m = dns(0xffff, 1u << bit);

		assert_int_equal(parsed(&m).reply, bit == 15);
		assert_int_equal(parsed(&m).flags, 1u << bit);
	}
}

static void test_dns_case_folds(void **state)
{
	struct message a = question("www-[@`{.z", 1, 1), b = question("WWw-[@`{.Z", 1, 1);
	struct message c = question("www-{`@[.z", 1, 1);
	unsigned x, y;

	(void)state;
	assert_int_equal(parsed(&a).question_hash, parsed(&b).question_hash);
	/* 0x20 apart, but no letters */
	assert_int_not_equal(parsed(&a).question_hash, parsed(&c).question_hash);
	for (x = 0; x < 256; x++) {
		y = x ^ 0x20;
		a = dns(1, 0);
		b = dns(1, 0);
		add_label(&a, (uint8_t[]){(uint8_t)x}, 1);
		add_label(&b, (uint8_t[]){(uint8_t)y}, 1);
		end_question(&a, 1, 1);
		end_question(&b, 1, 1);
		assert_int_equal(parsed(&a).question_hash == parsed(&b).question_hash,
				 (x >= 'A' && x <= 'Z') || (x >= 'a' && x <= 'z'));
	}
}

static void test_dns_questions_differ(void **state)
{
	struct message m[] = {
		question("www", 1, 1), question("www", 28, 1),  question("www", 1, 3),
		question("wwx", 1, 1), question("www", 256, 1), question("www", 1, 256),
		question("ww", 1, 1),  question("wwww", 1, 1),
	};
	struct message labels[2] = {dns(1, 0), dns(1, 0)}, types[2] = {dns(1, 0), dns(1, 0)};
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(m); i++) {
		for (k = 0; k < i; k++)
			assert_int_not_equal(parsed(&m[i]).question_hash,
					     parsed(&m[k]).question_hash);
	}
	/* the same letters, cut elsewhere */
	add_label(&labels[0], "ab", 2);
	add_label(&labels[0], "c", 1);
	add_label(&labels[1], "a", 1);
	add_label(&labels[1], "bc", 2);
	end_question(&labels[0], 1, 1);
	end_question(&labels[1], 1, 1);
	assert_int_not_equal(parsed(&labels[0]).question_hash, parsed(&labels[1]).question_hash);
	/* type and class are numbers: no letter in them folds */
	end_question(&types[0], 'A' << 8 | 'A', 'A' << 8 | 'A');
	end_question(&types[1], 'a' << 8 | 'A', 'A' << 8 | 'A');
	assert_int_not_equal(parsed(&types[0]).question_hash, parsed(&types[1]).question_hash);
}

/* Id and flags are no part of the question, nor is what follows it. */
static void test_dns_hash_is_of_the_question(void **state)
{
	struct message a = question("www", 1, 1), b = a;

	(void)state;
	put16(b.b, 0x4321);
	put16(b.b + 2, 0x8180);
	put16(b.b + 6, 3);
	random_bytes(b.b + b.len, 40);
	b.len += 40;
	assert_int_equal(parsed(&a).question_hash, parsed(&b).question_hash);
	assert_int_equal(parsed(&a).question_len, parsed(&b).question_len);
	put16(b.b + 4, 2);	/* two questions: the first one counts */
	assert_int_equal(parsed(&a).question_hash, parsed(&b).question_hash);
}

static void test_dns_zero_byte_in_a_label(void **state)
{
	static const struct {
		const char *label;
		unsigned len;
	} label[] = {{"\0", 1}, {"a\0b", 3}, {"ab\0", 3}, {"\0ab", 3}, {"\0\0\0", 3}};
	struct message a, b;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(label); i++) {
		a = dns(1, 0);
		add_label(&a, label[i].label, label[i].len);
		add_label(&a, "net", 3);
		end_question(&a, 1, 1);
		assert_as_naive(&a);
		assert_int_equal(parsed(&a).question_len, label[i].len + 1 + 4 + 1 + 4);
		for (k = 0; k < i; k++) {
			b = dns(1, 0);
			add_label(&b, label[k].label, label[k].len);
			add_label(&b, "net", 3);
			end_question(&b, 1, 1);
			assert_int_not_equal(parsed(&a).question_hash, parsed(&b).question_hash);
		}
	}
}

/* A name of @bytes bytes on the wire, its root included. */
static struct message long_name(unsigned bytes)
{
	struct message m = dns(7, 0);
	uint8_t label[63];
	unsigned left = bytes - 1;

	memset(label, 'Q', sizeof(label));
	while (left) {
		unsigned len = left > 64 ? 63 : left - 1;

		if (left == 65)	/* or a label of length 0 would be left */
			len = 62;
		add_label(&m, label, len);
		left -= len + 1;
	}
	end_question(&m, 16, 1);
	return m;
}

static void test_dns_long_names(void **state)
{
	unsigned bytes;

	(void)state;
	for (bytes = 3; bytes <= 300; bytes++) {
		struct message m = long_name(bytes);

		assert_int_equal(m.len, UW_DNS_HEADER + bytes + 4);
		if (m.len > UW_BODY_MAX)
			m.len = UW_BODY_MAX;
		assert_int_equal(parsed(&m).question_len, bytes <= 255 ? bytes + 4 : 0);
		assert_int_equal(parsed(&m).question_hash != 0, bytes <= 255);
	}
	assert_true(UW_DNS_HEADER + 255 + 4 <= UW_BODY_MAX);
}

static void test_dns_every_length_byte(void **state)
{
	unsigned len;

	(void)state;
	for (len = 0; len < 256; len++) {
		struct message m = dns(7, 0);

		memset(m.b + m.len, 'x', 256);
		m.b[m.len] = (uint8_t)len;
		m.b[m.len + 1 + len] = 0;
		m.len = UW_BODY_MAX;
		assert_int_equal(parsed(&m).question_len, len == 0 ? 5 : len < 64 ? len + 6 : 0);
		assert_as_naive(&m);
	}
}

static void test_dns_compression_pointer(void **state)
{
	struct message first = dns(7, 0x8180), later = dns(7, 0x8180);

	(void)state;
	put16(first.b + first.len, 0xc00c);
	first.len += 2;
	end_question(&first, 1, 1);
	add_label(&later, "www", 3);
	put16(later.b + later.len, 0xc00c);
	later.len += 2;
	end_question(&later, 1, 1);
	assert_int_equal(parsed(&first).question_len, 0);
	assert_int_equal(parsed(&first).question_hash, 0);
	assert_int_equal(parsed(&later).question_len, 0);
	assert_int_equal(parsed(&later).question_hash, 0);
	assert_int_equal(parsed(&later).id, 7);
}

static void test_dns_without_question(void **state)
{
	struct message m = question("www", 1, 1);

	(void)state;
	put16(m.b + 4, 0);	/* FORMERR, cookies: the bytes behind are no question */
	assert_int_equal(parsed(&m).question_len, 0);
	assert_int_equal(parsed(&m).question_hash, 0);
	assert_int_equal(parsed(&m).id, 0x1234);
	m.len = UW_DNS_HEADER;
	assert_int_equal(parsed(&m).id, 0x1234);
	put16(m.b + 4, 1);	/* cut off, but the id is there */
	assert_int_equal(parsed(&m).id, 0x1234);
	assert_int_equal(parsed(&m).question_len, 0);
	m = question("www", 1, 1);
	put16(m.b + 4, 0x0100);	/* 256 questions, so they say */
	assert_int_equal(parsed(&m).question_len, m.len - UW_DNS_HEADER);
}

static void test_dns_at_every_length(void **state)
{
	struct message m = question("WwW", 28, 1);

	(void)state;
	assert_as_naive(&m);
}

static struct message random_name(void)
{
	struct message m = dns(random_number(), random_number());
	unsigned labels = random_number() % 6, len;
	uint8_t label[63];

	while (labels--) {
		len = 1 + random_number() % (random_number() & 3 ? 12 : 63);
		random_bytes(label, len);
		if (m.len - UW_DNS_HEADER + len + 2 <= 270)
			add_label(&m, label, len);
	}
	end_question(&m, random_number(), random_number());
	return m;
}

static void test_dns_random_names(void **state)
{
	int i, damage;

	(void)state;
	seed = 0xa4093822299f31d0ull;
	for (i = 0; i < 150; i++) {
		struct message m = random_name();

		assert_as_naive(&m);
		for (damage = random_number() % 4; damage; damage--)
			m.b[4 + random_number() % (m.len - 4)] = (uint8_t)random_number();
		assert_as_naive(&m);
	}
}

/* --- which query a payload belongs to --- */

enum { SOME_PORT = 40000 };

static uint8_t service(unsigned port)
{
	return port == NTP_PORT ? UW_PROTO_NTP : port == DNS_PORT ? UW_PROTO_DNS : UW_PROTO_NONE;
}

static struct uw_headers headers(unsigned from, unsigned to)
{
	return (struct uw_headers){
		.source.b = {10, 0, 0, 5},
		.destination.b = {192, 0, 2, 1},
		.source_port = (uint16_t)from,
		.destination_port = (uint16_t)to,
		.family = 4,
		.protocol = UW_IPPROTO_UDP,
	};
}

static bool application(unsigned from, unsigned to, const uint8_t *body, uint32_t len,
			struct uw_packet *p)
{
	struct uw_headers h = headers(from, to);
	struct uw_packet other;
	bool ok = false, again;
	uint8_t *b;
	size_t i;

	for (i = 0; i < COUNT(poison); i++) {
		b = buffer(UW_BODY_MAX, body, len, poison[i]);
		memset(&other, 0, sizeof(other));
		again = uw_packet_application(&other, &h, service(to), service(from), b, len);
		free(b);
		if (i == 0) {
			ok = again;
			*p = other;
		}
		assert_int_equal(ok, again);
		assert_memory_equal(p, &other, sizeof(*p));
	}
	return ok;
}

/* The key is the client's view, whichever way the packet went. */
static void assert_key(const struct uw_packet *p, uint8_t protocol, uint8_t dir, unsigned from,
		       unsigned to)
{
	static const uint8_t end[2][16] = {{10, 0, 0, 5}, {192, 0, 2, 1}};
	bool reply = dir == UW_REPLY;

	assert_int_equal(p->dir, dir);
	assert_int_equal(p->key.protocol, protocol);
	assert_int_equal(p->key.family, 4);
	assert_int_equal(p->key.slot, 0);
	assert_memory_equal(p->key.client.b, end[reply], 16);
	assert_memory_equal(p->key.server.b, end[!reply], 16);
	assert_int_equal(p->key.client_port, reply ? to : from);
	assert_int_equal(p->key.server_port, reply ? from : to);
}

static const unsigned ports[][2] = {{SOME_PORT, 0}, {0, SOME_PORT}, {0, 0}, {SOME_PORT, SOME_PORT}};

static void test_application_ntp(void **state)
{
	unsigned version, mode, k;
	struct uw_packet p;
	uint8_t b[NTP_LEN];

	(void)state;
	for (k = 0; k < COUNT(ports); k++) {
		unsigned from = ports[k][0] ? ports[k][0] : NTP_PORT;
		unsigned to = ports[k][1] ? ports[k][1] : NTP_PORT;

		for (version = 0; version < 8; version++) {
			for (mode = 0; mode < 8; mode++) {
				bool old = version == 1 && mode == 0;
				bool asks = to == NTP_PORT && (mode == 3 || old);
				bool answers = from == NTP_PORT && (mode == 4 || (old && !asks));

				ntp_packet(b, version, mode);
				assert_int_equal(application(from, to, b, NTP_LEN, &p),
						 asks || answers);
				if (asks || answers)
					assert_key(&p, UW_PROTO_NTP, asks ? UW_REQUEST : UW_REPLY,
						   from, to);
			}
		}
	}
}

static void test_application_dns(void **state)
{
	struct uw_packet p;
	unsigned qr, k;

	(void)state;
	for (k = 0; k < COUNT(ports); k++) {
		unsigned from = ports[k][0] ? ports[k][0] : DNS_PORT;
		unsigned to = ports[k][1] ? ports[k][1] : DNS_PORT;

		for (qr = 0; qr < 2; qr++) {
			struct message m = question("www", 1, 1);
			bool ours = qr ? from == DNS_PORT : to == DNS_PORT;

			m.b[2] |= (uint8_t)(qr << 7);
			assert_int_equal(application(from, to, m.b, m.len, &p), ours);
			if (!ours)
				continue;
			assert_key(&p, UW_PROTO_DNS, qr ? UW_REPLY : UW_REQUEST, from, to);
			assert_int_equal(p.key.transaction, 0x1234);
			assert_int_equal(p.question_hash, parsed(&m).question_hash);
			assert_int_equal(p.question_len, m.len - UW_DNS_HEADER);
			assert_int_equal(p.dns_flags, qr << 15 | 0x0100);
			assert_true(p.has_transaction);
		}
	}
}

/* An ICMP quote may end anywhere: the direction is known first, the transaction at the end. */
static void test_application_at_every_length(void **state)
{
	struct message m = question("www", 1, 1);
	uint8_t b[NTP_LEN];
	struct uw_packet p;
	uint32_t len;

	(void)state;
	ntp_packet(b, 4, 3);
	for (len = 0; len <= NTP_LEN; len++) {
		assert_int_equal(application(SOME_PORT, NTP_PORT, b, len, &p), len > 0);
		assert_int_equal(p.has_transaction, len == NTP_LEN);
		assert_int_equal(p.key.transaction, len == NTP_LEN ? eight(b + 40) : 0);
		assert_int_equal(p.alias, len == NTP_LEN ? eight(b + 32) : 0);
	}
	for (len = 0; len <= m.len; len++) {
		assert_int_equal(application(SOME_PORT, DNS_PORT, m.b, len, &p),
				 len >= UW_DNS_HEADER);
		assert_int_equal(p.has_transaction, len >= UW_DNS_HEADER);
		assert_int_equal(p.question_len, len == m.len ? m.len - UW_DNS_HEADER : 0);
	}
}

static void test_application_ntp_reply_fields(void **state)
{
	uint8_t b[NTP_LEN];
	struct uw_packet p;

	(void)state;
	ntp_packet(b, 4, 4);
	b[1] = 0;
	memcpy(b + 12, "RATE", 4);
	assert_true(application(NTP_PORT, SOME_PORT, b, NTP_LEN, &p));
	assert_int_equal(p.key.transaction, eight(b + 24));
	assert_int_equal(p.alias, 0);
	assert_int_equal(p.ntp_stratum, 0);
	assert_int_equal(p.refid, refid("RATE"));
	b[1] = 16;
	assert_true(application(NTP_PORT, SOME_PORT, b, NTP_LEN, &p));
	assert_int_equal(p.ntp_stratum, 16);
}

/* A resolver that happens to ask from port 123, a time client from port 53. */
static void test_application_of_two_services(void **state)
{
	struct message m = question("www", 1, 1);
	uint8_t b[NTP_LEN];
	struct uw_packet p;

	(void)state;
	assert_true(application(NTP_PORT, DNS_PORT, m.b, m.len, &p));
	assert_key(&p, UW_PROTO_DNS, UW_REQUEST, NTP_PORT, DNS_PORT);
	ntp_packet(b, 4, 3);
	assert_true(application(DNS_PORT, NTP_PORT, b, NTP_LEN, &p));
	assert_key(&p, UW_PROTO_NTP, UW_REQUEST, DNS_PORT, NTP_PORT);
	ntp_packet(b, 4, 4);
	assert_true(application(NTP_PORT, DNS_PORT, b, NTP_LEN, &p));
	assert_key(&p, UW_PROTO_NTP, UW_REPLY, NTP_PORT, DNS_PORT);
}

static void test_application_of_no_service(void **state)
{
	struct message m = question("www", 1, 1);
	struct uw_packet p, none = {};
	uint8_t b[NTP_LEN];

	(void)state;
	ntp_packet(b, 4, 3);
	assert_false(application(SOME_PORT, SOME_PORT + 1, b, NTP_LEN, &p));
	assert_memory_equal(&p, &none, sizeof(p));
	assert_false(application(SOME_PORT, SOME_PORT + 1, m.b, m.len, &p));
	assert_memory_equal(&p, &none, sizeof(p));
}

static void test_application_ipv6(void **state)
{
	struct uw_headers h = headers(SOME_PORT, DNS_PORT);
	struct message m = question("www", 1, 1);
	uint8_t *b = buffer(UW_BODY_MAX, m.b, m.len, 0);
	struct uw_packet p = {};

	(void)state;
	h.family = 6;
	random_bytes(h.source.b, 16);
	random_bytes(h.destination.b, 16);
	assert_true(uw_packet_application(&p, &h, UW_PROTO_DNS, UW_PROTO_NONE, b, m.len));
	assert_int_equal(p.key.family, 6);
	assert_memory_equal(&p.key.client, &h.source, 16);
	assert_memory_equal(&p.key.server, &h.destination, 16);
	free(b);
}

/* --- prefixes --- */

static void test_prefix_bits(void **state)
{
	struct uw_prefix p = {.family = 6};
	struct uw_addr a;
	unsigned len, bit;

	(void)state;
	seed = 0x13198a2e03707344ull;
	random_bytes(p.addr.b, 16);
	for (len = 0; len <= 128; len++) {
		p.len = (uint8_t)len;
		assert_true(uw_prefix_holds(&p, &p.addr, 6));
		for (bit = 0; bit < 128; bit++) {
			a = p.addr;
			a.b[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			assert_int_equal(uw_prefix_holds(&p, &a, 6), bit >= len);
		}
	}
}

static void test_prefix_families(void **state)
{
	struct uw_prefix p = {.addr.b = {10, 1, 2, 0}, .family = 4, .len = 24};
	struct uw_addr a = {{10, 1, 2, 99}};

	(void)state;
	assert_true(uw_prefix_holds(&p, &a, 4));
	assert_false(uw_prefix_holds(&p, &a, 6));
	a.b[2] = 3;
	assert_false(uw_prefix_holds(&p, &a, 4));
	p.len = 0;
	assert_true(uw_prefix_holds(&p, &a, 4));
	assert_false(uw_prefix_holds(&p, &a, 6));
	p.family = 0;	/* none given: the caller's to ask */
	assert_false(uw_prefix_holds(&p, &a, 4));
	assert_false(uw_prefix_holds(&p, &a, 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4_options),
		cmocka_unit_test(test_ipv4_first_byte),
		cmocka_unit_test(test_ipv4_fragments),
		cmocka_unit_test(test_fragments_of_a_datagram),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_ipv6_plain),
		cmocka_unit_test(test_ipv6_one_extension),
		cmocka_unit_test(test_ipv6_extension_longer_than_head),
		cmocka_unit_test(test_ipv6_fragments),
		cmocka_unit_test(test_ipv6_fragment_reserved_byte),
		cmocka_unit_test(test_ipv6_extension_chains),
		cmocka_unit_test(test_ipv6_long_extension_before_fragment),
		cmocka_unit_test(test_ipv6_too_many_extensions),
		cmocka_unit_test(test_random_heads),
		cmocka_unit_test(test_icmp_types),
		cmocka_unit_test(test_icmp_at_every_length),
		cmocka_unit_test(test_icmp_mtu),
		cmocka_unit_test(test_ntp_modes),
		cmocka_unit_test(test_ntp_fields_at_every_length),
		cmocka_unit_test(test_ntp_zero_transmit),
		cmocka_unit_test(test_ntp_kiss_codes),
		cmocka_unit_test(test_ntp_no_kiss),
		cmocka_unit_test(test_ntp_unsynchronised),
		cmocka_unit_test(test_dns_direction),
		cmocka_unit_test(test_dns_case_folds),
		cmocka_unit_test(test_dns_questions_differ),
		cmocka_unit_test(test_dns_hash_is_of_the_question),
		cmocka_unit_test(test_dns_zero_byte_in_a_label),
		cmocka_unit_test(test_dns_long_names),
		cmocka_unit_test(test_dns_every_length_byte),
		cmocka_unit_test(test_dns_compression_pointer),
		cmocka_unit_test(test_dns_without_question),
		cmocka_unit_test(test_dns_at_every_length),
		cmocka_unit_test(test_dns_random_names),
		cmocka_unit_test(test_application_ntp),
		cmocka_unit_test(test_application_dns),
		cmocka_unit_test(test_application_at_every_length),
		cmocka_unit_test(test_application_ntp_reply_fields),
		cmocka_unit_test(test_application_of_two_services),
		cmocka_unit_test(test_application_of_no_service),
		cmocka_unit_test(test_application_ipv6),
		cmocka_unit_test(test_prefix_bits),
		cmocka_unit_test(test_prefix_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
