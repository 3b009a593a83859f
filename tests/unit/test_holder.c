// SPDX-License-Identifier: GPL-2.0-only
/* Who holds a packet: what the kernel's list of queues says, and where to look for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "live/holder.h"

static void waiting_packets(void **state)
{
	(void)state;
	assert_false(uw_holder_parse(""));
	assert_false(uw_holder_parse("    0  31621     0 2 65531     0     0        7  1\n"));
	assert_true(uw_holder_parse("    0  31621     1 2 65531     0     0        7  1\n"));
	assert_true(uw_holder_parse("    0  31621     0 2 65531     0     0        7  1\n"
				    "    3  31621    12 1     0     0     0       12  1"));
	assert_false(uw_holder_parse("not a queue\n\n 1 2\n"));
}

/* The device it came in by last, or the sender's own namespace. */
static void where_it_was_seen(void **state)
{
	struct uw_query q = { .netns = 10, .hops = 1, .path = { { .netns = 11, .out = true } } };

	(void)state;
	assert_int_equal(uw_holder_netns(&q), 10);
	q.path[1] = (struct uw_hop){ .netns = 12 };
	q.path[2] = (struct uw_hop){ .netns = 13, .out = true };
	q.hops = 3;
	assert_int_equal(uw_holder_netns(&q), 12);
	q.hops = UW_PATH_MAX;
	assert_int_equal(uw_holder_netns(&q), 0);
}

/* Only what a hook has: a packet in a qdisc is no queue's, whoever else waits there. */
static void only_at_a_hook(void **state)
{
	struct uw_netns here = { .path = "/proc/self/ns/net" };
	struct uw_query q = { .verdict = UW_REQUEST_HELD, .stage = UW_STAGE_QDISC };

	(void)state;
	uw_holder_find(&q, &here);
	assert_null(q.held_by);
	q.verdict = UW_NO_REPLY;
	q.stage = UW_STAGE_NF_OUTPUT;
	uw_holder_find(&q, &here);
	assert_null(q.held_by);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waiting_packets),
		cmocka_unit_test(where_it_was_seen),
		cmocka_unit_test(only_at_a_hook),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
