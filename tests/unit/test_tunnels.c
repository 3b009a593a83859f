// SPDX-License-Identifier: GPL-2.0-only
/* When a tunnel is known to have carried a query out and to have lost no answer of its here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "live/tunnels.h"

#define SECOND 1000000000ull

struct seconds {
	unsigned count;
	struct { uint32_t second; struct uw_tunnel_second value; } of[4];
};

static bool look(void *arg, const struct uw_tunnel_key *k, struct uw_tunnel_second *out)
{
	const struct seconds *s = arg;

	assert_int_equal(k->way, 4789);
	for (unsigned i = 0; i < s->count; i++) {
		if (s->of[i].second == k->second) {
			*out = s->of[i].value;
			return true;
		}
	}
	return false;
}

/* Asked at 100.5 s, gone at 100.6 s, waited for until 102.5 s. */
static struct uw_query asked(void)
{
	return (struct uw_query){
		.send_ns = 100 * SECOND + SECOND / 2, .timeout_ns = 2 * SECOND, .on_wire = 1,
		.wire_out_ns = 100 * SECOND + 600000000, .outer = { .way = 4789, .copies = 1 },
	};
}

static void carried(void **state)
{
	struct seconds s = { 2, { { 99, { 7, 0 } }, { 101, { 0, 101 * SECOND } } } };
	struct uw_query q = asked();

	(void)state;
	assert_true(uw_tunnel_carried(&q, look, &s));
	q.on_wire = 2;	/* another copy, of which nothing was seen */
	assert_false(uw_tunnel_carried(&q, look, &s));
	q.outer.copies = 2;
	assert_true(uw_tunnel_carried(&q, look, &s));
	q.on_wire = q.outer.copies = 0;
	assert_false(uw_tunnel_carried(&q, look, &s));
	q = asked();
	q.outer.way = 0;
	assert_false(uw_tunnel_carried(&q, look, &s));
}

/* One that came in and did not come out may have been the answer, in any second of the wait. */
static void one_is_missing(void **state)
{
	struct uw_query q = asked();

	(void)state;
	for (uint32_t at = 98; at <= 106; at++) {
		struct seconds s = { 2, { { at, { 1, 0 } }, { 101, { 0, 101 * SECOND } } } };

		assert_int_equal(uw_tunnel_carried(&q, look, &s), at < 100 || at > 103);
		s.of[0].value.missing = -1;	/* nor is that a way to make up for it */
		assert_int_equal(uw_tunnel_carried(&q, look, &s), at < 100 || at > 103);
	}
}

static void nothing_came_in(void **state)
{
	struct seconds s = { 1, { { 100, { 0, 100 * SECOND + 550000000 } } } };
	struct uw_query q = asked();

	(void)state;
	assert_false(uw_tunnel_carried(&q, look, &s));	/* before it left */
	s.of[0].value.out_ns = 100 * SECOND + 650000000;
	assert_true(uw_tunnel_carried(&q, look, &s));
	/* After the deadline: the tunnel may have been dead while the answer was waited for. */
	s.of[0].second = 102;
	s.of[0].value.out_ns = 102 * SECOND + 500000001;
	assert_false(uw_tunnel_carried(&q, look, &s));
	s.of[0].value.out_ns = 102 * SECOND + 500000000;
	assert_true(uw_tunnel_carried(&q, look, &s));
	s.count = 0;
	assert_false(uw_tunnel_carried(&q, look, &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carried),
		cmocka_unit_test(one_is_missing),
		cmocka_unit_test(nothing_came_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
