// SPDX-License-Identifier: GPL-2.0-only
#include "sink/journal.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <jansson.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "library.h"

#define PREFIX "UDPWHY_"
#define SOCKET "/run/systemd/journal/socket"

#define FUNCTIONS(X) X(sd_journal_sendv)
UW_LIBRARY(FUNCTIONS)

struct uw_journal {
	void *handle;
	struct library lib;
};

struct entry {
	struct iovec *field;
	int count;
};

static void add(struct entry *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct entry *e, const char *format, ...)
{
	char *text;
	va_list args;
	int size;

	if (e->count == UW_JOURNAL_FIELDS)
		return;
	va_start(args, format);
	size = vasprintf(&text, format, args);
	va_end(args);
	if (size >= 0)
		e->field[e->count++] = (struct iovec){ .iov_base = text, .iov_len = (size_t)size };
}

/* Field names are A to Z, 0 to 9 and "_", by systemd.journal-fields(7). */
static void name_of(const char *key, char *name, size_t size)
{
	size_t i;

	for (i = 0; key[i] && i < size - 1; i++)
		name[i] = isalnum((unsigned char)key[i]) ? (char)toupper((unsigned char)key[i]) : '_';
	name[i] = '\0';
}

static void add_value(struct entry *e, const char *name, const json_t *value)
{
	char *text;

	if (json_is_string(value)) {
		add(e, PREFIX "%s=%s", name, json_string_value(value));
	} else if (json_is_integer(value)) {
		add(e, PREFIX "%s=%" JSON_INTEGER_FORMAT, name, json_integer_value(value));
	} else if (json_is_boolean(value)) {
		add(e, PREFIX "%s=%d", name, json_is_true(value));
	} else {
		text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		if (text)
			add(e, PREFIX "%s=%s", name, text);
		free(text);
	}
}

/* A list of words is a field several times, as the journal has it. */
static void add_key(struct entry *e, const char *key, const json_t *value)
{
	const json_t *item;
	char name[64];
	size_t i;

	name_of(key, name, sizeof(name));
	if (!json_is_array(value)) {
		add_value(e, name, value);
		return;
	}
	json_array_foreach(value, i, item)
		add_value(e, name, item);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static long long number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void add_query_message(struct entry *e, const json_t *o)
{
	const char *reason = text_of(o, "drop.reason"), *name = text_of(o, "dns.question.name");
	const char *stage = text_of(o, "stage"), *program = text_of(o, "process.executable.name");

	add(e, "MESSAGE=%s%s%s%s%s, fault %s: %s, %s to %s port %lld%s%s", text_of(o, "verdict"),
	    *stage ? " at " : "", stage, *reason ? ", " : "", reason, text_of(o, "fault"),
	    *program ? program : text_of(o, "role"), text_of(o, "network.protocol.name"),
	    text_of(o, "server.address"), number_of(o, "server.port"), *name ? " for " : "", name);
}

static void add_message(struct entry *e, const char *type, const json_t *o)
{
	if (!strcmp(type, "query"))
		add_query_message(e, o);
	else if (!strcmp(type, "diagnosis"))
		add(e, "MESSAGE=%s (%s): %s", text_of(o, "diagnosis"), text_of(o, "confidence"), text_of(o, "summary"));
	else if (!strcmp(type, "flow"))
		add(e, "MESSAGE=%s to %s port %lld: %lld answered", text_of(o, "network.protocol.name"),
		    text_of(o, "server.address"), number_of(o, "server.port"), number_of(o, "count.answered"));
	else
		add(e, "MESSAGE=udpwhy %s", type);
}

/* What is nobody's fault, and what only counts, is information. */
static int priority_of(const char *type, const json_t *o)
{
	if (!strcmp(type, "query"))
		return strcmp(text_of(o, "fault"), "none") ? LOG_WARNING : LOG_INFO;
	if (!strcmp(type, "diagnosis") || !strcmp(type, "window"))
		return LOG_WARNING;
	return LOG_INFO;
}

int uw_journal_fields(const char *line, size_t size, struct iovec *field)
{
	json_t *o = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
	struct entry e = { .field = field };
	const char *key, *type;
	json_t *value;

	if (!json_is_object(o)) {
		json_decref(o);
		return -EINVAL;
	}
	type = text_of(o, "type");
	add_message(&e, type, o);
	add(&e, "PRIORITY=%d", priority_of(type, o));
	add(&e, "SYSLOG_IDENTIFIER=udpwhy");
	json_object_foreach(o, key, value)
		add_key(&e, key, value);
	json_decref(o);
	return e.count;
}

void uw_journal_free_fields(struct iovec *field, int count)
{
	while (count-- > 0)
		free(field[count].iov_base);
}

static int write_line(struct uw_journal *j, const char *line, size_t size)
{
	struct iovec field[UW_JOURNAL_FIELDS];
	int count = uw_journal_fields(line, size, field), err;

	if (count < 0)
		return count;
	err = j->lib.sd_journal_sendv(field, count);
	uw_journal_free_fields(field, count);
	return err;
}

int uw_journal_write(void *journal, const char *lines, size_t size)
{
	int err = 0;

	while (size) {
		const char *end = memchr(lines, '\n', size);
		size_t used = end ? (size_t)(end - lines) : size;
		int e = used ? write_line(journal, lines, used) : 0;

		err = e ? e : err;
		lines += used + !!end;
		size -= used + !!end;
	}
	return err;
}

int uw_journal_open(struct uw_journal **out, char error[UW_JOURNAL_ERROR])
{
	struct uw_journal *j = calloc(1, sizeof(*j));

	snprintf(error, UW_JOURNAL_ERROR, "out of memory");
	if (!j)
		return -ENOMEM;
	j->handle = load_library("libsystemd.so.0", &j->lib);
	/* sd_journal_sendv() takes a journal that is not there for success. */
	if (!j->handle || access(SOCKET, W_OK)) {
		snprintf(error, UW_JOURNAL_ERROR, "cannot write to the journal: %s; use -o json",
			 j->handle ? "systemd-journald does not listen at " SOCKET : "there is no libsystemd here");
		uw_journal_close(j);
		return -ENOENT;
	}
	*out = j;
	return 0;
}

void uw_journal_close(struct uw_journal *j)
{
	if (j && j->handle)
		dlclose(j->handle);
	free(j);
}
