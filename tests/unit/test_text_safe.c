/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/query.h"
#include "core/text_safe.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What is read back is told in the same words again. */
static void undone(void **state)
{
	static const char *const raw[] = {
		"eth0", "\x1b[31m\"\n", "\xe2\x80\xae!", "\xff\xc3", "\xf0\x9f\x98\x80", "", "\\", "\\u{zz}", "\\x41",
		"\\u{110000}", "\\x00",
	};
	char text[128], bytes[64], again[128];
	size_t i, length;

	(void)state;
	for (i = 0; i < COUNT(raw); i++) {
		uw_safe_text(raw[i], strlen(raw[i]), text, sizeof(text));
		length = uw_safe_undo(text, bytes, sizeof(bytes));
		assert_int_equal(length, strlen(bytes));
		assert_string_equal(bytes, raw[i]);
	}
	/* Literally so from the start: other bytes, the same words. */
	assert_int_equal(uw_safe_undo("\\u{202e}", bytes, sizeof(bytes)), 3);
	uw_safe_text(bytes, strlen(bytes), again, sizeof(again));
	assert_string_equal(again, "\\u{202e}");
	assert_int_equal(uw_safe_undo("\\x1b\\x1b", bytes, 2), 1);
	assert_string_equal(bytes, "\x1b");
}

/* ---- DNS names ---- */

static int name_of(const char *wire, size_t len, char *buf, size_t size)
{
	/* A heap copy of just this length: reading beyond it is an error that ASan sees. */
	uint8_t *copy = malloc(len ? len : 1);
	int err;

	memcpy(copy, wire, len);
	err = uw_dns_name_text(copy, len, buf, size, NULL);
	free(copy);
	return err;
}

#define NAME(wire, expected) { wire, sizeof(wire) - 1, expected }

static void dns_names(void **state)
{
	static const struct {
		const char *wire;
		size_t len;
		const char *text;
	} names[] = {
		NAME("\0", "."),
		NAME("\3www\7example\3com\0", "www.example.com"),
		NAME("\3wWw\2ex\0", "wWw.ex"),
		NAME("\3a.b\1c\0", "a\\.b.c"),
		NAME("\2\\\\\0", "\\\\\\\\"),
		NAME("\10\"();@$ x\0", "\\\"\\(\\)\\;\\@\\$\\032x"),
		NAME("\5\0\x1b[1m\0", "\\000\\027[1m"),
		NAME("\3\x7f\x80\xff\0", "\\127\\128\\255"),
		NAME("\4_ntp\4_udp\0", "_ntp._udp"),
		NAME("\1a\0trailing bytes are another's", "a"),
	};
	char buf[UW_DNS_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_int_equal(name_of(names[i].wire, names[i].len, buf, sizeof(buf)), 0);
		assert_string_equal(buf, names[i].text);
	}
}

static void malformed_dns_names(void **state)
{
	static const char whole[] = "\3www\7example\3com";	/* with the root's NUL */
	char buf[64] = "old";

	(void)state;
	for (size_t len = 0; len < sizeof(whole); len++) {
		assert_int_equal(name_of(whole, len, buf, sizeof(buf)), -EBADMSG);
		assert_string_equal(buf, "");
	}
	assert_int_equal(name_of(whole, sizeof(whole), buf, sizeof(buf)), 0);
	assert_int_equal(name_of("\xc0\x0c", 2, buf, sizeof(buf)), -EBADMSG);	/* a pointer */
	assert_int_equal(name_of("\x40" "aaaa", 5, buf, sizeof(buf)), -EBADMSG);
	assert_int_equal(name_of("\1a\xff", 3, buf, sizeof(buf)), -EBADMSG);
}

/* 255 bytes is the limit of the wire form; all of them as \DDD is the longest text. */
static void longest_dns_name(void **state)
{
	uint8_t wire[258] = { 0 };
	char buf[UW_DNS_NAME_MAX];
	size_t used = 0;

	(void)state;
	for (size_t at = 0; at < 192; at += 64) {
		wire[at] = 63;
		memset(wire + at + 1, 0xff, 63);
	}
	wire[192] = 61;
	memset(wire + 193, 0xff, 61);
	assert_int_equal(uw_dns_name_text(wire, 255, buf, sizeof(buf), &used), 0);
	assert_int_equal(used, 255);
	assert_int_equal(strlen(buf), 4 * 250 + 3);
	assert_int_equal(uw_dns_name_text(wire, 255, buf, strlen(buf), &used), -ENOSPC);
	assert_string_equal(buf, "");

	wire[192] = 62;
	wire[254] = 0xff;
	assert_int_equal(uw_dns_name_text(wire, 256, buf, sizeof(buf), &used), -EBADMSG);
}

static void small_buffers(void **state)
{
	static const uint8_t wire[] = "\3abc\0";
	char buf[8];

	(void)state;
	assert_int_equal(uw_dns_name_text(wire, 5, buf, 0, NULL), -ENOSPC);
	for (size_t size = 1; size < 4; size++)
		assert_int_equal(uw_dns_name_text(wire, 5, buf, size, NULL), -ENOSPC);
	assert_int_equal(uw_dns_name_text(wire, 5, buf, 4, NULL), 0);
	assert_string_equal(buf, "abc");
}

static void dns_questions(void **state)
{
	static const uint8_t wire[] = { 1, 'a', 0, 0, 28, 0, 1 };
	char buf[16];
	uint16_t qtype = 7;

	(void)state;
	for (size_t len = 0; len < 5; len++) {
		assert_int_equal(uw_dns_question_text(wire, len, buf, sizeof(buf), &qtype), -EBADMSG);
		assert_string_equal(buf, "");
		assert_int_equal(qtype, 7);
	}
	assert_int_equal(uw_dns_question_text(wire, sizeof(wire), buf, sizeof(buf), &qtype), 0);
	assert_string_equal(buf, "a");
	assert_int_equal(qtype, 28);
}

/* ---- bytes of any kind ---- */

static const struct {
	const char *bytes, *safe;
} texts[] = {
	{ "", "" },
	{ "chronyd", "chronyd" },
	{ "naïve 日本 🙂 ~", "naïve 日本 🙂 ~" },
	{ "a\\b \"c\"", "a\\b \"c\"" },			/* a backslash stands for itself */
	{ "\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m" },
	{ "a\nb\rc\td\x7f", "a\\x0ab\\x0dc\\x09d\\x7f" },
	{ "\xc2\x9b" "31m", "\\u{9b}31m" },			/* C1 as a character */
	{ "\x9b" "31m", "\\x9b31m" },				/* ... and as a bare byte */
	{ "gpj.\xe2\x80\xae" "exe", "gpj.\\u{202e}exe" },	/* right-to-left override */
	{ "\xe2\x81\xa6x\xe2\x81\xa9", "\\u{2066}x\\u{2069}" },
	{ "\xd8\x9c", "\\u{61c}" },
	{ "a\xe2\x80\x8b" "b\xef\xbb\xbf", "a\\u{200b}b\\u{feff}" },
	{ "\xe2\x80\xa8\xe2\x80\xa9", "\\u{2028}\\u{2029}" },
	{ "\xc2\xad", "\\u{ad}" },
	{ "\xf3\xa0\x81\x81", "\\u{e0041}" },			/* a tag character */
	{ "\xef\xbf\xbf", "\\u{ffff}" },
	{ "\xc0\xaf", "\\xc0\\xaf" },				/* overlong */
	{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },
	{ "\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf" },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },			/* a surrogate */
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },		/* beyond U+10FFFF */
	{ "\xff\xfe", "\\xff\\xfe" },
	{ "\xe2\x82", "\\xe2\\x82" },				/* cut off */
	{ "\xc3(", "\\xc3(" },
};

static void safe_texts(void **state)
{
	char buf[128], again[128];

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		size_t n = uw_safe_text(texts[i].bytes, strlen(texts[i].bytes), buf, sizeof(buf));

		assert_string_equal(buf, texts[i].safe);
		assert_int_equal(n, strlen(buf));
		uw_safe_text(buf, n, again, sizeof(again));
		assert_string_equal(again, buf);	/* twice does no harm */
	}
}

/* Whatever two bytes come: no control byte ever gets out, and nothing is lost silently. */
static void every_byte_pair(void **state)
{
	char buf[16];

	(void)state;
	for (unsigned pair = 0; pair < 0x10000; pair++) {
		char in[2] = { (char)(pair >> 8), (char)pair };
		size_t n = uw_safe_text(in, 2, buf, sizeof(buf));

		assert_true(n >= 2);
		for (size_t i = 0; i < n; i++)
			assert_true((unsigned char)buf[i] >= 0x20 && buf[i] != 0x7f);
	}
}

static void safe_text_is_cut_at_whole_characters(void **state)
{
	static const char in[] = "\x1b" "é";
	char buf[8];

	(void)state;
	assert_int_equal(uw_safe_text(in, 3, buf, 0), 0);
	for (size_t size = 1; size < 5; size++) {
		assert_int_equal(uw_safe_text(in, 3, buf, size), 0);
		assert_string_equal(buf, "");
	}
	for (size_t size = 5; size < 7; size++) {
		assert_int_equal(uw_safe_text(in, 3, buf, size), 4);
		assert_string_equal(buf, "\\x1b");
	}
	assert_int_equal(uw_safe_text(in, 3, buf, 7), 6);
	assert_string_equal(buf, "\\x1bé");
}

static void json_quoting(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	uw_json_quote(out, "a\"b\\c\n\xe2\x80\xae\xff" "é", 12);
	fclose(out);
	assert_string_equal(text, "\"a\\\"b\\\\c\\\\x0a\\\\u{202e}\\\\xffé\"");
	free(text);
}

/* ---- columns ---- */

static void columns(void **state)
{
	(void)state;
	assert_int_equal(uw_text_columns(""), 0);
	assert_int_equal(uw_text_columns("abc → µs · −"), 12);
	assert_int_equal(uw_text_columns("日本"), 4);
	assert_int_equal(uw_text_columns("한글🙂"), 6);
	assert_int_equal(uw_text_columns("e\xcc\x81" "a\xcc\x80\xcc\x81"), 2);	/* combining marks */
	assert_int_equal(uw_text_columns("\xe0\xb8\x81\xe0\xb8\xb4"), 1);	/* Thai */
	assert_int_equal(uw_text_columns("\xff\xff"), 2);
}

static void clipping(void **state)
{
	(void)state;
	assert_int_equal(uw_text_clip("abc", 2), 2);
	assert_int_equal(uw_text_clip("abc", 3), 3);
	assert_int_equal(uw_text_clip("abc", 99), 3);
	assert_int_equal(uw_text_clip("abc", 0), 0);
	assert_int_equal(uw_text_clip("日本", 3), 3);	/* half a character is none */
	assert_int_equal(uw_text_clip("日本", 1), 0);
	assert_int_equal(uw_text_clip("e\xcc\x81x", 1), 3);	/* marks stay with their letter */
}

static void a_name_comes_back_from_its_text(void **state)
{
	uint8_t wire[255], again[255];
	char text[UW_DNS_NAME_MAX];
	unsigned c, n;

	(void)state;
	for (c = 0; c < 256; c++) {
		for (n = 1; n < 64; n += 31) {
			memset(wire, (int)c, sizeof(wire));
			wire[0] = (uint8_t)n;
			wire[n + 1] = 1;
			wire[n + 3] = 0;
			assert_int_equal(uw_dns_name_text(wire, n + 4, text, sizeof(text), NULL), 0);
			assert_int_equal(uw_dns_name_wire(text, again, sizeof(again)), n + 4);
			assert_memory_equal(again, wire, n + 4);
		}
	}
	assert_int_equal(uw_dns_name_wire(".", again, sizeof(again)), 1);
	assert_int_equal(again[0], 0);
}

static void text_that_is_no_name(void **state)
{
	static const char *const none[] = { "a..b", ".a", "a.", "\\", "\\25", "\\256", "a\\" };
	uint8_t wire[300];
	char text[300] = "";
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_int_equal(uw_dns_name_wire(none[i], wire, sizeof(wire)), 0);
	memset(text, 'a', 64);
	assert_int_equal(uw_dns_name_wire(text, wire, sizeof(wire)), 0);
	text[63] = '\0';
	assert_int_equal(uw_dns_name_wire(text, wire, sizeof(wire)), 65);
	for (i = 0; i < 254; i++)
		text[i] = i % 2 ? '.' : 'a';
	text[253] = '\0';
	assert_int_equal(uw_dns_name_wire(text, wire, sizeof(wire)), 255);
	text[253] = 'a';
	text[254] = '\0';
	assert_int_equal(uw_dns_name_wire(text, wire, sizeof(wire)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_comes_back_from_its_text),
		cmocka_unit_test(text_that_is_no_name),
		cmocka_unit_test(dns_names),
		cmocka_unit_test(malformed_dns_names),
		cmocka_unit_test(longest_dns_name),
		cmocka_unit_test(small_buffers),
		cmocka_unit_test(dns_questions),
		cmocka_unit_test(safe_texts),
		cmocka_unit_test(every_byte_pair),
		cmocka_unit_test(safe_text_is_cut_at_whole_characters),
		cmocka_unit_test(undone),
		cmocka_unit_test(json_quoting),
		cmocka_unit_test(columns),
		cmocka_unit_test(clipping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
