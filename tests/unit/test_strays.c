// SPDX-License-Identifier: GPL-2.0-only
/* Which replies from elsewhere are a query's, however many others have its id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"
#include "live/strays.h"

#define S 1000000000ull

static int setup(void **state)
{
	*state = uw_strays_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	uw_strays_free(*state);
	return 0;
}

static const struct uw_query_key asked = {
	.client = {{10, 0, 0, 1}}, .server = {{10, 0, 0, 53}}, .transaction = 7, .client_port = 4000,
	.server_port = 53, .family = 4, .protocol = UW_PROTO_DNS,
};

static struct uw_query query(void)
{
	return (struct uw_query){ .key = asked, .send_ns = 10 * S, .question_hash = 1 };
}

static void keep(struct uw_strays *s, unsigned char from, uint16_t port, uint64_t question, uint64_t when)
{
	struct uw_record r = { .key = asked, .from_port = port, .question_hash = question,
			       .wire_in_ns = when };

	r.key.server.b[3] = from;
	uw_strays_keep(s, &r);
}

static void test_another_address(void **state)
{
	struct uw_query q = query();

	keep(*state, 54, 0, 1, 11 * S);
	uw_strays_note(*state, &q);
	assert_true(q.misdirected);
	assert_int_equal(q.misdirected_from.b[3], 54);
	assert_int_equal(q.misdirected_port, 0);
}

static void test_another_port(void **state)
{
	struct uw_query q = query();

	keep(*state, 53, 5300, 1, 11 * S);
	uw_strays_note(*state, &q);
	assert_true(q.misdirected);
	assert_int_equal(q.misdirected_port, 5300);
}

static void test_not_this_query(void **state)
{
	struct uw_query q = query(), other = query();

	keep(*state, 54, 0, 1, 9 * S);	/* before it was asked */
	keep(*state, 54, 0, 2, 11 * S);	/* another question */
	uw_strays_note(*state, &q);
	assert_false(q.misdirected);
	keep(*state, 54, 0, 1, 11 * S);
	other.key.transaction = 8;
	uw_strays_note(*state, &other);
	assert_false(other.misdirected);
}

/* The same source earlier, or another with another question: the right one is not hidden. */
static void test_behind_others(void **state)
{
	struct uw_query q = query();

	keep(*state, 54, 0, 1, 9 * S);
	keep(*state, 55, 0, 2, 11 * S);
	keep(*state, 54, 0, 1, 12 * S);
	uw_strays_note(*state, &q);
	assert_true(q.misdirected);
	assert_int_equal(q.misdirected_from.b[3], 54);
}

static void test_bounded(void **state)
{
	struct uw_record r = { .key = asked, .wire_in_ns = 11 * S };
	unsigned i;

	for (i = 0; i < 10; i++)
		keep(*state, (unsigned char)(60 + i), 0, 1, 11 * S);
	assert_int_equal(uw_strays_limited(*state), 6);
	for (i = 0; i < 10000; i++) {
		r.key.transaction = 100 + i;
		uw_strays_keep(*state, &r);
	}
	assert_int_equal(uw_strays_limited(*state), 6 + 10000 - 8191);
}

static void test_forgotten(void **state)
{
	struct uw_query q = query();

	keep(*state, 54, 0, 1, 11 * S);
	uw_strays_forget(*state, 11 * S + 2 * UW_HOLD_NS);
	uw_strays_note(*state, &q);
	assert_false(q.misdirected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_another_address, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_port, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_this_query, setup, teardown),
		cmocka_unit_test_setup_teardown(test_behind_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forgotten, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
