/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the text sink share: a sink into memory, what must be in it, and queries. */
#ifndef UW_TEST_TEXT_FIXTURE_H
#define UW_TEST_TEXT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/text_safe.h"
#include "sink/sink.h"
#include "sink/text_out.h"

#define S 1000000000ull
#define MS 1000000ull
#define US 1000ull
#define WALL 1795338683632000000ll	/* 2026-11-22 01:11:23.632 PST */

/* ---- what a sink wrote ---- */

struct written {
	FILE *out;
	char *text;
	size_t size;
	struct uw_clock clock;
	struct uw_sink *sink;
};

static const struct uw_run plain_run = {
	.host = "gw1", .version = "0.1", .kernel = "6.12.9", .filters = "",
	.ports = { { 123, UW_PROTO_NTP }, { 53, UW_PROTO_DNS } }, .port_count = 2,
};

/* A sink that has not been started: what it writes is what the test makes it write. */
static inline void setup_sink(struct written *w, struct uw_text_options options)
{
	memset(w, 0, sizeof(*w));
	w->out = open_memstream(&w->text, &w->size);
	assert_non_null(w->out);
	uw_clock_note(&w->clock, 100 * S, WALL);
	w->sink = uw_sink_text(w->out, &w->clock, &options);
	assert_non_null(w->sink);
}

static inline void close_sink(struct written *w)
{
	w->sink->close(w->sink);
	fclose(w->out);
}

/* What @count queries give; to be freed. */
static inline char *text_of(struct uw_text_options options, const struct uw_query *q, unsigned count)
{
	struct written w;

	setup_sink(&w, options);
	for (unsigned i = 0; i < count; i++)
		w.sink->query(w.sink, &q[i]);
	close_sink(&w);
	return w.text;
}

static inline void gives(struct uw_text_options options, const struct uw_query *q, const char *expected)
{
	char *text = text_of(options, q, 1);

	assert_string_equal(text, expected);
	free(text);
}

static inline void must_have(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static inline void must_lack(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' is in:\n%s", part, text);
}

/* Nothing but printable characters, and no line wider than @width. */
static inline void fits(const char *text, unsigned width)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		char line[UW_LINE_MAX], safe[UW_LINE_MAX];

		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		uw_safe_text(line, len, safe, sizeof(safe));
		assert_string_equal(line, safe);
		if (width && uw_text_columns(line) > width)
			fail_msg("wider than %u: %s", width, line);
		text += len + !!text[len];
	}
}

/* ---- queries ---- */

static inline struct uw_addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct uw_addr){ { a, b, c, d } };
}

static inline struct uw_query query(void)
{
	struct uw_query q = {
		.revision = 1,
		.key = {
			.client = v4(10, 0, 0, 5),
			.server = v4(192, 168, 110, 40),
			.client_port = 46758,
			.server_port = 123,
			.family = 4,
			.protocol = UW_PROTO_NTP,
		},
		.netns = 7,
		.task = { .pid = 12398, .comm = "check_ntp_time" },
		.executable = "check_ntp_time",
		.send_ns = 100 * S,
		.wire_out_ns = 100 * S + 21 * US,
		.judged_ns = 105 * S + 40 * MS,
		.timeout_ns = 5 * S,
		.attempts = 1,
		.on_wire = 1,
		.hops = 1,
		.path = { { .ifname = "eth0", .out = 1 } },
	};

	q.stage_reached[UW_REQUEST] = UW_STAGE_WIRE_OUT;
	return q;
}

static inline struct uw_query no_reply(void)
{
	struct uw_query q = query();

	q.acquittal.looked = true;
	q.verdict = UW_NO_REPLY;
	q.fault = UW_FAULT_BEYOND;
	q.stage = UW_STAGE_WIRE_OUT;
	return q;
}

static inline struct uw_query dropped_reply(void)
{
	struct uw_query q = query();

	q.key.protocol = UW_PROTO_DNS;
	q.key.server_port = 53;
	q.question_len = 17;
	memcpy(q.question, "\7ex.mple\3com\0\0\34\0\1", 17);
	q.wire_in_ns = 100 * S + 861 * US;
	q.path[q.hops++] = (struct uw_hop){ .ifname = "eth0", .dir = UW_REPLY };
	q.drop[UW_REPLY] = (struct uw_drop_fact){
		.seen = true,
		.dir = UW_REPLY,
		.stage = UW_STAGE_NF_INPUT,
		.when_ns = 100 * S + 866 * US,
		.reason = "NETFILTER_DROP",
		.location = "nft_do_chain+0x3e8",
		.hook = "input",
		.engine = "nftables",
		.ifname = "eth0",
	};
	q.verdict = UW_REPLY_DROPPED;
	q.fault = UW_FAULT_LOCAL;
	q.stage = UW_STAGE_NF_INPUT;
	return q;
}

/* A request that never left: dropped in the output hook, the sender told so. */
static inline struct uw_query dropped_request(void)
{
	struct uw_query q = query();

	q.wire_out_ns = 0;
	q.hops = q.on_wire = 0;
	q.dropped = 1;
	q.send_errno = EPERM;
	q.drop[UW_REQUEST] = (struct uw_drop_fact){
		.seen = true,
		.stage = UW_STAGE_NF_POSTROUTING,
		.when_ns = 100 * S + 3 * US,
		.reason = "NETFILTER_DROP",
		.location = "nf_hook_slow+0x7d",
		.hook = "postrouting",
	};
	q.verdict = UW_REQUEST_DROPPED;
	q.fault = UW_FAULT_LOCAL;
	q.stage = UW_STAGE_NF_POSTROUTING;
	return q;
}

/* The zone as a rule, not as a name: the host may have no zone files. */
static inline int in_our_zone(void **state)
{
	(void)state;
	setenv("TZ", "PST8PDT,M3.2.0,M11.1.0", 1);
	tzset();
	return 0;
}

#endif
