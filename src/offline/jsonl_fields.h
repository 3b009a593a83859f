/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fields of one JSON object, read strictly: of the right type and within bounds, or the line is bad.
 * The first fault sticks; an absent field is no fault unless it is needed.
 */
#ifndef UW_JSONL_FIELDS_H
#define UW_JSONL_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "record.h"

#define UW_FIELDS_ERROR 160

struct uw_fields {
	const json_t *object;
	bool failed;
	char error[UW_FIELDS_ERROR];	/* after a fault: which field, and what is wrong */
};

/** uw_fields_fail - note a fault, if it is the first. */
__attribute__((format(printf, 2, 3)))
void uw_fields_fail(struct uw_fields *f, const char *format, ...);

bool uw_field_has(const struct uw_fields *f, const char *key);

/** uw_field_need - a fault if the key is absent. */
void uw_field_need(struct uw_fields *f, const char *key);

/** uw_field_uint - 0 to @max; 0 if absent. */
uint64_t uw_field_uint(struct uw_fields *f, const char *key, uint64_t max);
bool uw_field_bool(struct uw_fields *f, const char *key);

/** uw_field_text - Return: the string, jansson's, or NULL if absent. */
const char *uw_field_text(struct uw_fields *f, const char *key);

/** uw_field_copy - the string, cut to @size with its NUL; "" if absent. */
void uw_field_copy(struct uw_fields *f, const char *key, char *buf, size_t size);

/** uw_field_bytes - likewise, as the bytes that the text was made safe of. */
void uw_field_bytes(struct uw_fields *f, const char *key, char *buf, size_t size);

/** uw_field_list - an array; NULL if absent. */
const json_t *uw_field_list(struct uw_fields *f, const char *key);

/**
 * uw_field_objects - @read for each object of a list. It is a fault if there are more than @max, if one is no
 * object, or if @read finds one in it.
 */
void uw_field_objects(struct uw_fields *f, const char *key, unsigned max,
		      void (*read)(struct uw_fields *one, void *arg), void *arg);

/** uw_field_name - which of @count names stands there; @absent if the key is absent. @name may give NULL. */
unsigned uw_field_name(struct uw_fields *f, const char *key, const char *(*name)(unsigned), unsigned count,
		       unsigned absent);

/** uw_field_names - the same for a list: a bit for each. */
uint32_t uw_field_names(struct uw_fields *f, const char *key, const char *(*name)(unsigned), unsigned count);

/** uw_field_time - RFC 3339 as uw_clock_rfc3339() writes it, nanoseconds since the epoch; 0 if absent. */
uint64_t uw_field_time(struct uw_fields *f, const char *key);

/** uw_field_address - zero if absent; @family 4 or 6. */
void uw_field_address(struct uw_fields *f, const char *key, unsigned family, struct uw_addr *a);

#endif
