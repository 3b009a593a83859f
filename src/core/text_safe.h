/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place where hostile bytes become printable. Names come from the network, from other
 * processes and from files, and end up on terminals, in journals and in JSON: nothing here lets a
 * control character, an invisible character or a change of writing direction through.
 *
 * "Safe text" is valid UTF-8 in which every such character stands as \xHH (single bytes) or
 * \u{H...} (characters). It passes through these functions unchanged, so making text safe twice
 * does no harm. The price is that a backslash stands for itself: "\x1b" may have been four
 * characters from the start.
 */
#ifndef UW_TEXT_SAFE_H
#define UW_TEXT_SAFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define UW_SAFE_STEP 12 /* the longest single result, "\u{10ffff}", and its NUL */

/**
 * uw_dns_name_text - a DNS name from wire form to presentation form (RFC 1035 5.1, RFC 4343 2.1).
 * @wire: @len bytes that begin with the name; compression pointers are malformed here.
 * @buf: receives "www.example.com", or "." for the root; no dot at the end otherwise.
 * @used: receives the bytes that the name takes in @wire; may be NULL.
 *
 * Return: 0, -EBADMSG if the name is malformed or longer than 255 bytes, -ENOSPC if @size is too
 * small (UW_DNS_NAME_MAX always suffices). @buf is an empty string after an error.
 */
int uw_dns_name_text(const uint8_t *wire, size_t len, char *buf, size_t size, size_t *used);

/**
 * uw_dns_question_text - the name and QTYPE of a question in wire form (QNAME, QTYPE, QCLASS).
 * Return: as uw_dns_name_text(), and -EBADMSG if QTYPE is cut off; out parameters as there.
 */
int uw_dns_question_text(const uint8_t *wire, size_t len, char *buf, size_t size, uint16_t *qtype);

/**
 * uw_dns_name_wire - the way back: a name in presentation form into wire form.
 * @buf: 255 bytes always suffice for a name that there can be.
 * Return: its length, 0 for a name that is malformed or does not fit.
 */
size_t uw_dns_name_wire(const char *text, uint8_t *buf, size_t size);

/**
 * uw_safe_step - make the first character of @s safe.
 * @s: @len bytes, at least one; out: receives the result, NUL-terminated.
 * Return: how many bytes of @s it took, never 0.
 */
size_t uw_safe_step(const char *s, size_t len, char out[UW_SAFE_STEP]);

/**
 * uw_safe_text - make @len bytes safe. @buf is always terminated; what does not fit is left out
 * from a whole character on.
 * Return: the length of the result in bytes.
 */
size_t uw_safe_text(const char *s, size_t len, char *buf, size_t size);

/**
 * uw_safe_undo - bytes that uw_safe_text() makes @text of, for places that hold bytes. A name that held
 * "\\x1b" as four characters gives the character: safe text cannot tell.
 * Return: the length in bytes. @buf is always terminated; what does not fit is left out.
 */
size_t uw_safe_undo(const char *text, char *buf, size_t size);

/** uw_json_quote - write @len bytes to @out as a JSON string with its quotes, made safe first. */
void uw_json_quote(FILE *out, const char *s, size_t len);

/** uw_text_columns - how many terminal columns safe text takes, whatever the locale. */
unsigned uw_text_columns(const char *s);

/** uw_text_clip - Return: the length in bytes of the longest beginning of @s that fits into
 * @columns, with the combining characters that belong to it. */
size_t uw_text_clip(const char *s, unsigned columns);

/** uw_char_columns - 0, 1 or 2 columns for one Unicode character. text_width.c */
unsigned uw_char_columns(uint32_t c);

/** uw_text_is_plain - letters, digits and what else no shell takes for more than a name; to be typed as it is. */
bool uw_text_is_plain(const char *name);

#endif
