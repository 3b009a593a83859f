// SPDX-License-Identifier: GPL-2.0-only
/* Clocks whose truth is known, seen through ways that are unlike and loaded: the error told must hold it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "offline/clockfit.h"

#define MANY 400

struct clocks {
	int64_t offset_ns;
	double drift;
	unsigned seed;
};

static double chance(struct clocks *c)
{
	c->seed = c->seed * 1103515245 + 12345;
	return (double)(c->seed >> 8 & 0xffff) / 65536;
}

/* One query at @at_ns, its request and reply on their way for so long. */
static struct uw_clock_sample query(const struct clocks *c, uint64_t at_ns, int64_t out_ns, int64_t back_ns)
{
	int64_t offset = c->offset_ns + (int64_t)(c->drift * (double)at_ns);

	return (struct uw_clock_sample){ .at_ns = 1000000000 + at_ns, .request_ns = offset + out_ns,
					 .reply_ns = offset - back_ns, .both = true };
}

static void assert_held(const struct clocks *c, const struct uw_clock_fit *fit, uint64_t span_ns)
{
	const uint64_t at[] = { 0, span_ns / 2, span_ns };
	unsigned i;

	for (i = 0; i < 3; i++) {
		int64_t truth = c->offset_ns + (int64_t)(c->drift * (double)at[i]);
		int64_t off = uw_clock_offset(fit, 1000000000 + at[i]) - truth;

		assert_true(fit->error_ns > 0);
		assert_in_range(off < 0 ? -off : off, 0, fit->error_ns + 2);
	}
}

/* The way out is loaded at first, the way back later: that is no drift. */
static void test_error_holds_the_truth(void **state)
{
	static struct uw_clock_sample s[MANY];
	struct uw_clock_fit fit;
	unsigned round, i, n;

	(void)state;
	for (round = 1; round <= 300; round++) {
		struct clocks c = { .seed = round };
		uint64_t span;

		c.offset_ns = (int64_t)((chance(&c) - 0.5) * 4e11);
		c.drift = (chance(&c) - 0.5) * 2e-4;
		n = 1 + (unsigned)(chance(&c) * (MANY - 1));
		span = (uint64_t)(1 + chance(&c) * 3e10);
		for (i = 0; i < n; i++) {
			double load = 4e6 * chance(&c), late = (double)i / n;

			s[i] = query(&c, n > 1 ? span * i / (n - 1) : 0, (int64_t)(5e4 + load * (1 - late)),
				     (int64_t)(9e4 + load * late * 2));
		}
		assert_int_equal(uw_clock_fit(s, n, &fit), 0);
		assert_int_equal(fit.agreeing, n);
		assert_held(&c, &fit, n > 1 ? span : 0);
	}
}

static void test_error_is_no_more_than_needed(void **state)
{
	static struct uw_clock_sample s[MANY];
	struct clocks c = { .offset_ns = -183250000000, .drift = 3e-5, .seed = 7 };
	struct uw_clock_fit fit;
	unsigned i;

	(void)state;
	for (i = 0; i < MANY; i++)
		s[i] = query(&c, i * 100000000ull, (int64_t)(1e5 + 5e5 * chance(&c)), (int64_t)(1e5 + 5e5 * chance(&c)));
	assert_int_equal(uw_clock_fit(s, MANY, &fit), 0);
	assert_held(&c, &fit, (MANY - 1) * 100000000ull);
	assert_in_range(fit.error_ns, 0, 250000);	/* half the quickest query's time is 100000 */
	assert_true(fabs(fit.drift - c.drift) < 5e-6);
}

static void test_the_other_way_round(void **state)
{
	struct clocks c = { .offset_ns = 5000000, .drift = -2e-5, .seed = 3 };
	struct uw_clock_sample s[20];
	struct uw_clock_fit fit;
	unsigned i;

	(void)state;
	for (i = 0; i < 20; i++)
		s[i] = query(&c, i * 1000000000ull, -(int64_t)(2e5 * (1 + chance(&c))), -(int64_t)(3e5 * (1 + chance(&c))));
	assert_int_equal(uw_clock_fit(s, 20, &fit), 0);
	assert_held(&c, &fit, 19000000000ull);
}

/* A third of them matched wrongly: some by minutes, some by less than a second, as of a query sent again. */
static void test_wrong_samples(void **state)
{
	static struct uw_clock_sample s[MANY];
	struct clocks c = { .offset_ns = 123456789, .drift = 1e-5, .seed = 11 };
	struct uw_clock_fit fit;
	unsigned i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		s[i] = query(&c, i * 10000000ull, (int64_t)(1e5 + 1e5 * chance(&c)), (int64_t)(1e5 + 1e5 * chance(&c)));
		if (i % 6 == 1)
			s[i].request_ns += 70000000000, s[i].reply_ns += 70000000000;
		if (i % 6 == 3)
			s[i].request_ns -= 300000000, s[i].reply_ns -= 500000000;
	}
	assert_int_equal(uw_clock_fit(s, MANY, &fit), 0);
	assert_held(&c, &fit, (MANY - 1) * 10000000ull);
	assert_in_range(fit.error_ns, 0, 400000);
	assert_in_range(fit.agreeing, MANY / 2, MANY * 5 / 6 + 1);
}

/* Set while it was watched, by 20 ms: no line fits, and the error says how far any sample is from it. */
static void test_a_clock_that_was_set(void **state)
{
	static struct uw_clock_sample s[MANY];
	struct clocks c = { .offset_ns = 1000, .seed = 5 };
	struct uw_clock_fit fit;
	unsigned i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		c.offset_ns = i < MANY / 2 ? 1000 : 20001000;
		s[i] = query(&c, i * 1000000ull, 100000, 100000);
	}
	assert_int_equal(uw_clock_fit(s, MANY, &fit), 0);
	assert_in_range(fit.error_ns, 9000000, 30000000);
}

static void test_no_reply_at_both_ends(void **state)
{
	struct clocks c = { .offset_ns = -7000000, .seed = 9 };
	struct uw_clock_sample s[10];
	struct uw_clock_fit fit;
	unsigned i;

	(void)state;
	for (i = 0; i < 10; i++) {
		s[i] = query(&c, i * 1000000ull, 50000 + 10000 * i, 0);
		s[i].both = false;
	}
	assert_int_equal(uw_clock_fit(s, 10, &fit), 0);
	assert_int_equal(fit.error_ns, 0);
	assert_int_equal(fit.offset_ns, -7000000 + 50000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_holds_the_truth), cmocka_unit_test(test_error_is_no_more_than_needed),
		cmocka_unit_test(test_the_other_way_round), cmocka_unit_test(test_wrong_samples),
		cmocka_unit_test(test_a_clock_that_was_set), cmocka_unit_test(test_no_reply_at_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
