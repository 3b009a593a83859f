/* SPDX-License-Identifier: GPL-2.0-only */
#include "sink/json_writer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "core/text_safe.h"

#define FORMAT_MAX 512

static void begin_value(struct uw_json *j, const char *key)
{
	if (j->comma)
		fputc(',', j->out);
	j->comma = true;
	if (key)
		fprintf(j->out, "\"%s\":", key);
}

static void open_level(struct uw_json *j, bool array)
{
	fputc(array ? '[' : '{', j->out);
	j->in_array = j->in_array << 1 | array;
	j->comma = false;
}

void uw_json_line(struct uw_json *j, FILE *out)
{
	*j = (struct uw_json){.out = out};
	open_level(j, false);
}

void uw_json_line_end(struct uw_json *j)
{
	uw_json_close(j);
	fputc('\n', j->out);
}

void uw_json_object(struct uw_json *j, const char *key)
{
	begin_value(j, key);
	open_level(j, false);
}

void uw_json_array(struct uw_json *j, const char *key)
{
	begin_value(j, key);
	open_level(j, true);
}

void uw_json_close(struct uw_json *j)
{
	fputc(j->in_array & 1 ? ']' : '}', j->out);
	j->in_array >>= 1;
	j->comma = true;
}

void uw_json_bytes(struct uw_json *j, const char *key, const char *value, size_t size)
{
	begin_value(j, key);
	uw_json_quote(j->out, value, strnlen(value, size));
}

void uw_json_string(struct uw_json *j, const char *key, const char *value)
{
	uw_json_bytes(j, key, value, strlen(value));
}

void uw_json_text(struct uw_json *j, const char *key, const char *value)
{
	if (value && *value)
		uw_json_string(j, key, value);
}

void uw_json_format(struct uw_json *j, const char *key, const char *format, ...)
{
	char buf[FORMAT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(buf, sizeof(buf), format, ap);
	va_end(ap);
	uw_json_string(j, key, buf);
}

void uw_json_uint(struct uw_json *j, const char *key, uint64_t value)
{
	begin_value(j, key);
	fprintf(j->out, "%" PRIu64, value);
}

void uw_json_int(struct uw_json *j, const char *key, int64_t value)
{
	begin_value(j, key);
	fprintf(j->out, "%" PRId64, value);
}

void uw_json_bool(struct uw_json *j, const char *key, bool value)
{
	begin_value(j, key);
	fputs(value ? "true" : "false", j->out);
}
