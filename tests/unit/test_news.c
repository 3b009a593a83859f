/* SPDX-License-Identifier: GPL-2.0-only */
/* Which diagnoses are told while it runs all day, and which flows they are made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/news.h"
#include "core/recent.h"

#define S 1000000000ull
#define SPAN (3600 * S)

static struct uw_flow flow(unsigned n)
{
	struct uw_flow f = { .id.family = 4, .id.server_port = 53, .id.protocol = UW_PROTO_DNS };

	f.id.server.b[2] = (uint8_t)(n >> 8);
	f.id.server.b[3] = (uint8_t)n;
	return f;
}

static struct uw_diagnosis diagnosis(const struct uw_flow *f)
{
	struct uw_diagnosis d = { .id = "server-down", .confidence = UW_POSSIBLE, .flows = 1, .flow = { f } };

	snprintf(d.summary, sizeof(d.summary), "3 asked");
	return d;
}

static void told_once_and_when_it_changes(void **state)
{
	struct uw_news *n = uw_news_new(SPAN);
	struct uw_flow f = flow(1), g = flow(2);
	struct uw_diagnosis d = diagnosis(&f);

	(void)state;
	assert_true(uw_news_is(n, &d, 10 * S, false));
	assert_false(uw_news_is(n, &d, 20 * S, false));
	/* numbers alone are none, but at the end they are */
	snprintf(d.summary, sizeof(d.summary), "9 asked");
	assert_false(uw_news_is(n, &d, 30 * S, false));
	assert_true(uw_news_is(n, &d, 30 * S, true));
	assert_false(uw_news_is(n, &d, 31 * S, true));
	d.confidence = UW_LIKELY;
	assert_true(uw_news_is(n, &d, 40 * S, false));
	d.confidence = UW_POSSIBLE;
	assert_false(uw_news_is(n, &d, 50 * S, false));
	/* one flow more, and listed first: the same diagnosis, grown */
	d.flow[0] = &g;
	d.flow[1] = &f;
	d.flows = 2;
	assert_true(uw_news_is(n, &d, 60 * S, false));
	assert_false(uw_news_is(n, &d, 70 * S, false));
	d.occasions = 1;
	assert_true(uw_news_is(n, &d, 80 * S, false));
	assert_false(uw_news_is(n, &d, 90 * S, false));
	uw_news_free(n);
}

static void a_reminder_a_span(void **state)
{
	struct uw_news *n = uw_news_new(SPAN);
	struct uw_flow f = flow(1);
	struct uw_diagnosis d = diagnosis(&f);
	unsigned told = 0, i;

	(void)state;
	for (i = 0; i < 3 * 3600; i += 10) {
		snprintf(d.summary, sizeof(d.summary), "%u asked", i);
		told += uw_news_is(n, &d, (1 + i) * S, false);
	}
	assert_int_equal(told, 3);
	uw_news_free(n);
}

static void what_comes_back_is_news(void **state)
{
	struct uw_news *n = uw_news_new(SPAN);
	struct uw_flow f = flow(1);
	struct uw_diagnosis d = diagnosis(&f);

	(void)state;
	assert_true(uw_news_is(n, &d, 10 * S, false));
	assert_false(uw_news_is(n, &d, 3000 * S, false));
	assert_true(uw_news_is(n, &d, 3000 * S + SPAN + 1, false));
	uw_news_free(n);
}

/* More than fit: what holds is told once all the same, whatever else came and went. */
static void too_many(void **state)
{
	struct uw_news *n = uw_news_new(SPAN);
	struct uw_flow f[64], old;
	struct uw_diagnosis d;
	unsigned i, round, told = 0;

	(void)state;
	for (i = 0; i < 1000; i++) {
		old = flow(1000 + i);
		d = diagnosis(&old);
		uw_news_is(n, &d, i + 1, false);
	}
	for (round = 0; round < 5; round++) {
		for (i = 0; i < 64; i++) {
			f[i] = flow(i);
			d = diagnosis(&f[i]);
			told += uw_news_is(n, &d, (10 + 10 * round) * S, false);
		}
	}
	assert_int_equal(told, 64);
	uw_news_free(n);
}

static void subjects_are_told_apart(void **state)
{
	struct uw_news *n = uw_news_new(SPAN);
	struct uw_flow f = flow(1), g = flow(2);
	struct uw_diagnosis d = diagnosis(&f);
	enum uw_confidence sure;

	(void)state;
	assert_null(uw_news_surest(n, &sure));
	d.subject = 7;
	assert_true(uw_news_is(n, &d, S, false));
	d.subject = 8;
	assert_true(uw_news_is(n, &d, S, false));
	/* of another flow: still the same drops */
	d.flow[0] = &g;
	assert_false(uw_news_is(n, &d, 2 * S, false));
	d.id = "local-firewall";
	d.confidence = UW_CERTAIN;
	assert_true(uw_news_is(n, &d, 2 * S, false));
	assert_string_equal(uw_news_surest(n, &sure), "local-firewall");
	assert_int_equal(sure, UW_CERTAIN);
	uw_news_free(n);
}

static uint64_t lost_in(struct uw_recent *r)
{
	unsigned count;
	const struct uw_flow *const *list = uw_flow_list(uw_recent_flows(r), &count);

	return count ? list[0]->count[UW_NO_REPLY] : 0;
}

static void the_rules_see_the_recent_past(void **state)
{
	struct uw_recent *r = uw_recent_new(8, SPAN);
	struct uw_flow more = flow(1);
	struct uw_query q = { .key = { .family = 4, .protocol = UW_PROTO_DNS, .server_port = 53, .client_port = 4000 },
			      .revision = 1, .verdict = UW_NO_REPLY };

	(void)state;
	uw_recent_turn(r, S);
	uw_recent_query(r, &q, false, NULL);
	more.id.server = q.key.server;
	more.count[UW_NO_REPLY] = 2;
	uw_recent_turn(r, SPAN / 2);
	assert_int_equal(lost_in(r), 1);
	uw_recent_turn(r, SPAN + S);
	assert_int_equal(lost_in(r), 1);
	uw_recent_merge(r, &more);
	assert_int_equal(lost_in(r), 3);
	/* the first is two spans ago now, the others one */
	uw_recent_turn(r, 2 * SPAN + 2 * S);
	assert_int_equal(lost_in(r), 2);
	uw_recent_turn(r, 3 * SPAN + 3 * S);
	assert_int_equal(lost_in(r), 0);
	uw_recent_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_once_and_when_it_changes),
		cmocka_unit_test(a_reminder_a_span),
		cmocka_unit_test(what_comes_back_is_news),
		cmocka_unit_test(too_many),
		cmocka_unit_test(subjects_are_told_apart),
		cmocka_unit_test(the_rules_see_the_recent_past),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
