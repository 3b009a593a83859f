/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/ration.h"

static const struct uw_flow_id flow = { .protocol = UW_PROTO_DNS, .server_port = 53 };
static const struct uw_flow_id other_flow = { .protocol = UW_PROTO_DNS, .server_port = 54 };

static struct uw_query no_reply(uint64_t id)
{
	return (struct uw_query){ .id = id, .revision = 1, .verdict = UW_NO_REPLY, .stage = UW_STAGE_WIRE_OUT };
}

static unsigned told(struct uw_ration *r, const struct uw_flow_id *id, struct uw_query q, unsigned times)
{
	unsigned n = 0;

	while (times--) {
		n += uw_ration_allows(r, id, &q);
		q.id++;
	}
	return n;
}

static int make(void **state)
{
	*state = uw_ration_new(3);
	return *state ? 0 : -1;
}

static int destroy(void **state)
{
	uw_ration_free(*state);
	return 0;
}

static void each_kind_has_its_own(void **state)
{
	struct uw_query q = no_reply(1), dropped = no_reply(1000);
	struct uw_drop_fact drop = { .seen = true, .dir = UW_REPLY, .reason = "NETFILTER_DROP" };

	assert_int_equal(told(*state, &flow, q, 10), 3);
	assert_int_equal(told(*state, &other_flow, q, 10), 3);
	assert_int_equal(told(*state, NULL, q, 10), 3);
	q.stage = UW_STAGE_QDISC;
	assert_int_equal(told(*state, &flow, q, 10), 3);
	dropped.decisive_drop = &drop;
	assert_int_equal(told(*state, &flow, dropped, 10), 3);
	drop = (struct uw_drop_fact){ .seen = true, .dir = UW_REPLY, .reason = "SOCKET_RCVBUFF" };
	assert_int_equal(told(*state, &flow, dropped, 10), 3);
	assert_int_equal(told(*state, &flow, dropped, 10), 0);
}

static void it_is_renewed(void **state)
{
	assert_int_equal(told(*state, &flow, no_reply(1), 10), 3);
	uw_ration_renew(*state);
	assert_int_equal(told(*state, &flow, no_reply(20), 2), 2);
	assert_int_equal(told(*state, &flow, no_reply(30), 5), 1);
}

static void revision_of_what_was_told_is_told(void **state)
{
	struct uw_query first = no_reply(1), fourth = no_reply(4);

	assert_int_equal(told(*state, &flow, first, 4), 3);
	first.revision = fourth.revision = 2;
	assert_true(uw_ration_allows(*state, &flow, &first));
	assert_false(uw_ration_allows(*state, &flow, &fourth));
}

/* More kinds than are kept apart: one ration for all that came too late, and no more memory. */
static void kinds_are_bounded(void **state)
{
	struct uw_flow_id id = flow;
	unsigned i, n = 0;

	for (i = 0; i < 10000; i++) {
		id.netns = i;
		n += told(*state, &id, no_reply(i), 1);
	}
	assert_int_equal(n, 4096 + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_kind_has_its_own, make, destroy),
		cmocka_unit_test_setup_teardown(it_is_renewed, make, destroy),
		cmocka_unit_test_setup_teardown(revision_of_what_was_told_is_told, make, destroy),
		cmocka_unit_test_setup_teardown(kinds_are_bounded, make, destroy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
