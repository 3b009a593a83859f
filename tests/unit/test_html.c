/* SPDX-License-Identifier: GPL-2.0-only */
/* The HTML report: no name becomes markup, and the timeline counts every query once, in whatever order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "sink/html_parts.h"
#include "core/window.h"
#include "sink/ticket.h"

#define S 1000000000ull
#define NASTY "<script>'\"&\x1b[2J\xe2\x80\xae\xff"

static struct uw_query query(uint64_t when, enum uw_verdict v, uint8_t last)
{
	struct uw_query q = {
		.revision = 1, .send_ns = when, .verdict = v, .fault = UW_FAULT_LOCAL,
		.key = {.family = 4, .protocol = UW_PROTO_NTP, .server_port = 123, .client_port = 50000},
	};

	q.key.server.b[0] = 192;
	q.key.server.b[3] = last;
	return q;
}

static char *page(void (*fill)(struct uw_sink *s))
{
	struct uw_clock clock = {.steps = 0};
	const char *const file[] = {NASTY};
	struct uw_run run = {.command = "analyze", .filters = NASTY, .timeout_ns = 5 * S, .file = file, .file_count = 1};
	struct uw_totals totals = {0};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct uw_sink *s = uw_sink_html(out, &clock);

	s->start(s, &run);
	fill(s);
	s->end(s, &totals, NULL, 0);
	s->close(s);
	fclose(out);
	return text;
}

static void nasty(struct uw_sink *s)
{
	static struct uw_diagnosis d = {.id = "local-firewall", .summary = NASTY, .next_step = NASTY};
	struct uw_query q = query(10 * S, UW_REQUEST_DROPPED, 1);

	d.in_favour.count = 1;
	strcpy(d.in_favour.line[0], NASTY);
	strcpy(q.executable, NASTY);
	q.key.protocol = UW_PROTO_DNS;
	q.question_len = 15;
	memcpy(q.question, "\x08<script>\0\0\1\0\1", 14);
	q.question_len = 14;
	q.decisive_drop = &q.drop[UW_REQUEST];
	strcpy(q.drop[0].ifname, "<script>'\"&\x1b");
	strcpy(q.drop[0].engine, "<script>");
	strcpy(q.drop[0].rule, NASTY);
	s->query(s, &q);
	s->diagnosis(s, &d);
}

static void test_hostile(void **state)
{
	char *text = page(nasty), *p;
	unsigned found = 0;

	(void)state;
	assert_null(strstr(text, "<script"));
	for (p = text; *p; p++)
		assert_true((unsigned char)*p >= ' ' || *p == '\n');
	assert_null(strstr(text, "\xe2\x80\xae"));
	for (p = text; (p = strstr(p, "&lt;script&gt;")); p++)
		found++;
	assert_int_equal(found, 10); /* file, filter, who, question, device, engine, rule, and the diagnosis: 3 */
	free(text);
}

static void nothing(struct uw_sink *s)
{
	(void)s;
}

static void test_empty(void **state)
{
	char *text = page(nothing);

	(void)state;
	assert_non_null(strstr(text, "No NTP or DNS query was seen"));
	assert_non_null(strstr(text, "</html>"));
	assert_null(strstr(text, "<svg"));
	free(text);
}

static uint64_t sum(const struct uw_timeline *t, enum uw_lot lot)
{
	uint64_t n = 0;
	unsigned l, b;

	for (l = 0; l < t->lanes; l++) {
		for (b = 0; b < UW_TIMELINE_BINS; b++)
			n += t->lane[l].bin[b][lot];
	}
	return n;
}

/* Forwards, backwards and at random over years: nothing is lost, and each is in its bin. */
static void test_counts(void **state)
{
	static struct uw_timeline t;
	uint64_t seed = 1, when;
	struct uw_query q;
	unsigned i, k;

	(void)state;
	for (k = 0; k < 3; k++) {
		memset(&t, 0, sizeof(t));
		for (i = 0; i < 3000; i++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			when = k == 0 ? S + i * 37 * S : k == 1 ? (4000 - i) * 7 * S : S + (seed >> 33) * (seed >> 62 ? 1 : 90);
			q = query(when, i % 3 ? UW_ANSWERED : UW_NO_REPLY, (uint8_t)(i % 20));
			uw_timeline_add(&t, &q);
			assert_true(when >= t.start_ns && (when - t.start_ns) / t.bin_ns < UW_TIMELINE_BINS);
		}
		assert_int_equal(sum(&t, UW_LOT_GOOD), 2000);
		assert_int_equal(sum(&t, UW_LOT_LOST), 1000);
		assert_int_equal(t.lanes, UW_TIMELINE_LANES);
	}
}

static void test_place(void **state)
{
	static struct uw_timeline t;
	struct uw_query q;
	unsigned i;

	(void)state;
	memset(&t, 0, sizeof(t));
	for (i = 0; i < 1000; i++) {
		q = query((5000 - i) * S, i == 700 ? UW_NO_REPLY : UW_ANSWERED, 1);
		uw_timeline_add(&t, &q);
	}
	assert_int_equal(t.lane[0].bin[(4300 * S - t.start_ns) / t.bin_ns][UW_LOT_LOST], 1);
	assert_int_equal(t.last_ns, 5000 * S);
}

/* A rate stands in the bins of its time, the most of it; what is not of the run's time is left out. */
static void test_rates(void **state)
{
	static struct uw_timeline t;
	struct uw_query q;
	unsigned i;

	(void)state;
	memset(&t, 0, sizeof(t));
	uw_timeline_rate(&t, S, 2 * S, 5, 5);
	assert_false(t.rated);
	for (i = 100; i < 200; i++) {
		q = query(i * S, UW_ANSWERED, 1);
		uw_timeline_add(&t, &q);
	}
	uw_timeline_rate(&t, 10 * S, 100 * S, 7, 7);
	uw_timeline_rate(&t, 1000 * S, 1001 * S, 7, 7);
	assert_false(t.rated);
	uw_timeline_rate(&t, 120 * S, 130 * S, 2000, UW_RATE_UNKNOWN);
	uw_timeline_rate(&t, 121 * S, 122 * S, 30, 4);
	assert_true(t.rated);
	i = (unsigned)((121 * S - t.start_ns) / t.bin_ns);
	assert_true(t.rate[i].known && t.rate[i].out == 2000 && t.rate[i].in == 4);
	i = (unsigned)((118 * S - t.start_ns) / t.bin_ns);
	assert_false(t.rate[i].known);
	i = (unsigned)((132 * S - t.start_ns) / t.bin_ns);
	assert_false(t.rate[i].known);
}

static void test_ticket(void **state)
{
	struct uw_flow lossy = {
		.id = {.family = 6, .protocol = UW_PROTO_DNS, .server_port = 53, .client = {{0x20, 1}}, .server = {{0x20, 2}}},
		.count = {[UW_ANSWERED] = 7, [UW_NO_REPLY] = 2, [UW_ANSWERED_LATE] = 1, [UW_REQUEST_DROPPED] = 5},
		.lost_beyond = 3, .first_ns = S, .last_good_ns = 100 * S, .last_bad_ns = 60 * S,
	}, rejected = {.count = {[UW_REJECTED] = 2, [UW_NO_REPLY] = 1}}, ours = {.count = {[UW_REQUEST_DROPPED] = 3}}, probe = {.id.probe = 1, .count = {[UW_NO_REPLY] = 3}};
	const struct uw_flow *flows[] = {&ours, &probe, &rejected, &lossy};
	struct uw_window window = {
		.id = 1, .closed = true, .last_good_ns = 50 * S, .first_bad_ns = 51 * S, .last_bad_ns = 60 * S,
		.first_good_ns = 61 * S, .queries = 4, .answered = 1,
		.traffic = {.before = true, .during = true, .release = true, .udp_out_before = 1998, .udp_out_release = 203,
			    .tcp_in_during = 525},
	};
	const struct uw_window *windows[20];
	struct uw_totals none = {0}, totals = {.window = windows, .windows = 1};
	struct uw_clock clock = {.steps = 0};
	unsigned i;
	char *text = NULL, *line, *rest;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	uw_ticket(out, "  ", &clock, flows, 3, &none); /* what was lost here, or may have been, is no provider's, and probes are ours */
	assert_int_equal(ftell(out), 0);
	for (i = 0; i < 20; i++)
		windows[i] = &window;
	uw_ticket(out, "  ", &clock, flows, 4, &totals);
	window.traffic.no_tcp = true;
	window.first_good_ns = 0;
	totals.windows = 20;
	uw_ticket(out, "  ", &clock, flows, 4, &totals);
	fclose(out);
	assert_non_null(strstr(text, "  Answers stopped, from the first query lost to the last one (UTC):\n"
				     "  - 1970-01-01 00:00:51.0Z to 00:01:00.0Z: 4 asked, 1 answered\n"
				     "    last answer before it 00:00:50.0Z\n    first answer after it 00:01:01.0Z\n"
				     "    UDP packets sent: 1998/s as it began, 203/s as it ended\n"
				     "    meanwhile TCP segments received: 525\n  The question"));
	assert_non_null(strstr(text, "    last answer before it 00:00:50.0Z\n"
				     "    UDP packets sent: 1998/s as it began, 203/s as it ended\n  - "));
	assert_non_null(strstr(text, "  - and 8 times more\n"));
	assert_non_null(strstr(text, "From 1970-01-01 00:00:01Z to 1970-01-01 00:01:40Z (UTC),\n"
				     "  3 of 21 NTP and DNS queries"));
	assert_non_null(strstr(text, "- DNS server [2002::]:53,\n    asked from 2001::, ephemeral port:\n    3 of 15 unanswered;\n"
				     "    last answered 1970-01-01 00:01:40Z\n"));
	assert_null(strstr(text, "the last 19")); /* which may have been one of the five dropped here */
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		assert_true(strlen(line) <= 80);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_ticket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
