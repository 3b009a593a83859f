/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/clock.h"

#define S 1000000000ll
#define MS 1000000ll

static void without_a_reading(void **state)
{
	struct uw_clock c = { 0 };

	(void)state;
	assert_int_equal(uw_clock_wall(&c, 5), 5);
}

static void a_step_begins_a_new_offset(void **state)
{
	struct uw_clock c = { 0 };

	(void)state;
	assert_false(uw_clock_note(&c, 10 * S, 1000 * S));	/* the first is no step */
	assert_false(uw_clock_note(&c, 20 * S, 1010 * S));
	assert_true(uw_clock_note(&c, 30 * S, 4620 * S));	/* an hour on */
	assert_true(uw_clock_note(&c, 40 * S, 30 * S));		/* ... and far back */
	assert_int_equal(c.steps, 3);
	/* Each instant with the offset that held then; before the first, the first. */
	assert_int_equal(uw_clock_wall(&c, 0), 990 * S);
	assert_int_equal(uw_clock_wall(&c, 25 * S), 1015 * S);
	assert_int_equal(uw_clock_wall(&c, 30 * S), 4620 * S);
	assert_int_equal(uw_clock_wall(&c, 39 * S), 4629 * S);
	assert_int_equal(uw_clock_wall(&c, 41 * S), 31 * S);
}

static void slewing_is_no_step(void **state)
{
	struct uw_clock c = { 0 };

	(void)state;
	uw_clock_note(&c, S, 100 * S);
	/* 0.9 ms each time: five in a row are more than a step, but none of them is one. */
	for (int i = 2; i < 7; i++)
		assert_false(uw_clock_note(&c, i * S, (99 + i) * S + (i - 1) * 900000ll));
	assert_int_equal(c.steps, 1);
	assert_int_equal(uw_clock_wall(&c, 6 * S), 105 * S + 5 * 900000ll);
	assert_true(uw_clock_note(&c, 7 * S, 106 * S + 5 * 900000ll + MS));
	assert_true(uw_clock_note(&c, 8 * S, 107 * S + 5 * 900000ll));
	assert_int_equal(c.steps, 3);
}

static void an_old_reading_changes_nothing(void **state)
{
	struct uw_clock c = { 0 };

	(void)state;
	uw_clock_note(&c, 10 * S, 100 * S);
	assert_false(uw_clock_note(&c, 9 * S, 500 * S));
	assert_int_equal(c.steps, 1);
	assert_int_equal(uw_clock_wall(&c, 10 * S), 100 * S);
}

static void the_oldest_step_is_forgotten(void **state)
{
	struct uw_clock c = { 0 };

	(void)state;
	for (uint64_t i = 0; i < UW_CLOCK_STEPS + 3; i++)
		uw_clock_note(&c, i * S, (int64_t)(i * i + 1000) * S);
	assert_int_equal(c.steps, UW_CLOCK_STEPS);
	assert_int_equal(c.step[0].since_ns, 3 * S);
	assert_int_equal(uw_clock_wall(&c, 34 * S), (34 * 34 + 1000) * S);
}

static void the_real_clocks(void **state)
{
	struct uw_clock c = { 0 };
	int64_t before = uw_wall_now_ns(), wall;

	(void)state;
	assert_false(uw_clock_read(&c));
	wall = uw_clock_wall(&c, uw_now_ns());
	/* A second is far more than the reading takes and far less than a wrong formula gives. */
	assert_true(wall > before - S && wall < before + S + MS);
}

static void rfc3339(void **state)
{
	char buf[36];

	(void)state;
	uw_clock_rfc3339(1795328641123456789ll, buf, sizeof(buf));
	assert_string_equal(buf, "2026-11-22T06:24:01.123456789Z");
	uw_clock_rfc3339(0, buf, sizeof(buf));
	assert_string_equal(buf, "1970-01-01T00:00:00.000000000Z");
	uw_clock_rfc3339(-1, buf, sizeof(buf));
	assert_string_equal(buf, "1969-12-31T23:59:59.999999999Z");
	uw_clock_rfc3339(INT64_MAX, buf, sizeof(buf));
	assert_string_equal(buf, "2262-04-11T23:47:16.854775807Z");
	uw_clock_rfc3339(INT64_MIN, buf, sizeof(buf));
	assert_string_equal(buf, "1677-09-21T00:12:43.145224192Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_reading),
		cmocka_unit_test(a_step_begins_a_new_offset),
		cmocka_unit_test(slewing_is_no_step),
		cmocka_unit_test(an_old_reading_changes_nothing),
		cmocka_unit_test(the_oldest_step_is_forgotten),
		cmocka_unit_test(the_real_clocks),
		cmocka_unit_test(rfc3339),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
