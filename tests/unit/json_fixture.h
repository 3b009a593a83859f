/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the JSON sink share: a sink into memory, and looking into its lines. */
#ifndef UW_TEST_JSON_FIXTURE_H
#define UW_TEST_JSON_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink/sink.h"

#define S 1000000000ull
#define US 1000ull
#define WALL 1795328641123456789ll	/* 2026-11-22T06:24:01.123456789Z */

/* ---- what a sink wrote ---- */

struct written {
	FILE *out;
	char *text;
	size_t size;
	struct uw_clock clock;
	struct uw_sink *sink;
};

static const struct uw_run plain_run = { .host = "gw1", .version = "0.1", .run = 0xab12b3f1 };

static inline void setup_sink(struct written *w, const struct uw_run *run)
{
	memset(w, 0, sizeof(*w));
	w->out = open_memstream(&w->text, &w->size);
	assert_non_null(w->out);
	uw_clock_note(&w->clock, 100 * S, WALL);
	w->sink = uw_sink_json(w->out, &w->clock);
	assert_non_null(w->sink);
	w->sink->start(w->sink, run);
	fflush(w->out);
}

static inline void forget(struct written *w)
{
	fflush(w->out);
	rewind(w->out);
}

static inline void close_sink(struct written *w)
{
	w->sink->close(w->sink);
	fclose(w->out);
}

/* The one line that @q gives; to be freed. */
static inline char *query_line(const struct uw_query *q)
{
	struct written w;

	setup_sink(&w, &plain_run);
	forget(&w);
	w.sink->query(w.sink, q);
	close_sink(&w);
	return w.text;
}

/* Whether "key":value stands in a line, as a whole. */
static inline bool has(const char *line, const char *member)
{
	const char *at = strstr(line, member);

	return at && at > line && strchr("{,", at[-1]) && strchr(",}", at[strlen(member)]);
}

static inline bool has_key(const char *line, const char *key)
{
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	return strstr(line, quoted);
}

static inline void must_have(const char *line, const char *member)
{
	if (!has(line, member))
		fail_msg("%s is not in %s", member, line);
}

static inline void must_lack(const char *line, const char *key)
{
	if (has_key(line, key))
		fail_msg("%s is in %s", key, line);
}

static inline struct uw_addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct uw_addr){ { a, b, c, d } };
}

#endif
