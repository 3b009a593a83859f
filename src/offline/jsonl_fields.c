// SPDX-License-Identifier: GPL-2.0-only
#include "offline/jsonl_fields.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/text_safe.h"

#define QUOTED 48	/* bytes of a value that a message shows */

void uw_fields_fail(struct uw_fields *f, const char *format, ...)
{
	va_list args;

	if (f->failed)
		return;
	f->failed = true;
	va_start(args, format);
	vsnprintf(f->error, sizeof(f->error), format, args);
	va_end(args);
}

static void fail_value(struct uw_fields *f, const char *key, const char *value)
{
	char safe[QUOTED];

	uw_safe_text(value, strlen(value), safe, sizeof(safe));
	uw_fields_fail(f, "%s: \"%s\" is not known", key, safe);
}

bool uw_field_has(const struct uw_fields *f, const char *key)
{
	return json_object_get(f->object, key) != NULL;
}

void uw_field_need(struct uw_fields *f, const char *key)
{
	if (!uw_field_has(f, key))
		uw_fields_fail(f, "%s is missing", key);
}

uint64_t uw_field_uint(struct uw_fields *f, const char *key, uint64_t max)
{
	const json_t *v = json_object_get(f->object, key);

	if (!v)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max) {
		uw_fields_fail(f, "%s is not a number from 0 to %llu", key, (unsigned long long)max);
		return 0;
	}
	return (uint64_t)json_integer_value(v);
}

bool uw_field_bool(struct uw_fields *f, const char *key)
{
	const json_t *v = json_object_get(f->object, key);

	if (v && !json_is_boolean(v))
		uw_fields_fail(f, "%s is neither true nor false", key);
	return json_is_true(v);
}

const char *uw_field_text(struct uw_fields *f, const char *key)
{
	const json_t *v = json_object_get(f->object, key);

	if (v && !json_is_string(v))
		uw_fields_fail(f, "%s is not a string", key);
	return json_string_value(v);
}

void uw_field_copy(struct uw_fields *f, const char *key, char *buf, size_t size)
{
	const char *text = uw_field_text(f, key);

	snprintf(buf, size, "%s", text ? text : "");
}

void uw_field_bytes(struct uw_fields *f, const char *key, char *buf, size_t size)
{
	const char *text = uw_field_text(f, key);

	uw_safe_undo(text ? text : "", buf, size);
}

const json_t *uw_field_list(struct uw_fields *f, const char *key)
{
	const json_t *v = json_object_get(f->object, key);

	if (v && !json_is_array(v)) {
		uw_fields_fail(f, "%s is not a list", key);
		return NULL;
	}
	return v;
}

void uw_field_objects(struct uw_fields *f, const char *key, unsigned max,
		      void (*read)(struct uw_fields *one, void *arg), void *arg)
{
	const json_t *list = uw_field_list(f, key), *v;
	size_t at;

	json_array_foreach((json_t *)list, at, v) {
		struct uw_fields one = { .object = v };

		if (at == max || !json_is_object(v)) {
			uw_fields_fail(f, "%s is no list of at most %u objects", key, max);
			break;
		}
		read(&one, arg);
		if (one.failed)
			uw_fields_fail(f, "%s: %s", key, one.error);
	}
}

static unsigned find_name(const char *text, const char *(*name)(unsigned), unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		const char *n = name(i);

		if (n && !strcmp(n, text))
			break;
	}
	return i;
}

unsigned uw_field_name(struct uw_fields *f, const char *key, const char *(*name)(unsigned), unsigned count,
		       unsigned absent)
{
	const char *text = uw_field_text(f, key);
	unsigned i = text ? find_name(text, name, count) : absent;

	if (text && i == count) {
		fail_value(f, key, text);
		return absent;
	}
	return i;
}

uint32_t uw_field_names(struct uw_fields *f, const char *key, const char *(*name)(unsigned), unsigned count)
{
	const json_t *list = uw_field_list(f, key), *v;
	uint32_t bits = 0;
	size_t at;

	json_array_foreach((json_t *)list, at, v) {
		const char *text = json_string_value(v);
		unsigned i = text ? find_name(text, name, count) : count;

		if (i == count) {
			fail_value(f, key, text ? text : "(no string)");
			break;
		}
		bits |= 1u << i;
	}
	return bits;
}

uint64_t uw_field_time(struct uw_fields *f, const char *key)
{
	const char *text = uw_field_text(f, key);
	unsigned ns = 0;
	struct tm tm = { 0 };
	char again[36];
	int64_t t;

	if (!text)
		return 0;
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%9uZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
		   &tm.tm_min, &tm.tm_sec, &ns) == 7 && tm.tm_year >= 1970 && tm.tm_year < 2262) {
		tm.tm_year -= 1900;
		tm.tm_mon--;
		t = (int64_t)timegm(&tm) * 1000000000 + ns;
		uw_clock_rfc3339(t, again, sizeof(again));
		if (t > 0 && !strcmp(again, text))
			return (uint64_t)t;
	}
	uw_fields_fail(f, "%s is not a time as 2026-11-22T06:24:01.123456789Z", key);
	return 0;
}

void uw_field_address(struct uw_fields *f, const char *key, unsigned family, struct uw_addr *a)
{
	const char *text = uw_field_text(f, key);

	memset(a, 0, sizeof(*a));
	if (text && inet_pton(family == 6 ? AF_INET6 : AF_INET, text, a->b) != 1)
		uw_fields_fail(f, "%s is not an address of its network.type", key);
}
