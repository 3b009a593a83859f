/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small streaming writer: one JSON object a line, nothing kept in memory. Keys are ours and are
 * written as they are; values are hostile and go through uw_json_quote(). Inside an array the key
 * is NULL. Write errors stay with the FILE, where ferror() finds them.
 */
#ifndef UW_JSON_WRITER_H
#define UW_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct uw_json {
	FILE *out;
	uint32_t in_array; /* a bit for each level, the current one lowest */
	bool comma;
};

/** uw_json_line - begin an object on a line of its own; @out stays the caller's. */
void uw_json_line(struct uw_json *j, FILE *out);

/** uw_json_line_end - end it, and the line. */
void uw_json_line_end(struct uw_json *j);

/** uw_json_object, uw_json_array - open a level; at most 31 deep. */
void uw_json_object(struct uw_json *j, const char *key);
void uw_json_array(struct uw_json *j, const char *key);

/** uw_json_close - close the level opened last. */
void uw_json_close(struct uw_json *j);

void uw_json_string(struct uw_json *j, const char *key, const char *value);
/** uw_json_bytes - a string from a field of @size bytes that need not be terminated. */
void uw_json_bytes(struct uw_json *j, const char *key, const char *value, size_t size);
/** uw_json_text - a string if there is one: an empty value is an absent fact, and no key. */
void uw_json_text(struct uw_json *j, const char *key, const char *value);
void uw_json_format(struct uw_json *j, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void uw_json_uint(struct uw_json *j, const char *key, uint64_t value);
void uw_json_int(struct uw_json *j, const char *key, int64_t value);
void uw_json_bool(struct uw_json *j, const char *key, bool value);

#endif
