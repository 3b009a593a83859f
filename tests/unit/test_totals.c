/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/totals.h"

static struct uw_query judged(enum uw_verdict verdict, enum uw_fault fault)
{
	return (struct uw_query){ .revision = 1, .verdict = verdict, .fault = fault };
}

static void queries_are_counted(void **state)
{
	struct uw_query bad = judged(UW_NO_REPLY, UW_FAULT_BEYOND);
	struct uw_totals t = { 0 };

	(void)state;
	uw_totals_good(&t, UW_ROLE_LOCAL, 7);
	uw_totals_add(&t, &bad, NULL);
	uw_totals_add(&t, &bad, NULL);
	assert_int_equal(t.verdict[UW_ANSWERED], 7);
	assert_int_equal(t.fault[UW_FAULT_NONE], 7);
	assert_int_equal(t.verdict[UW_NO_REPLY], 2);
	assert_int_equal(t.fault[UW_FAULT_BEYOND], 2);
}

/* no_reply at the deadline, and then the reply is dropped here: only the last revision counts. */
static void a_revision_replaces_what_was_said(void **state)
{
	struct uw_query first = judged(UW_NO_REPLY, UW_FAULT_BEYOND);
	struct uw_query second = judged(UW_REPLY_DROPPED, UW_FAULT_LOCAL);
	const struct uw_previous said = { UW_NO_REPLY, UW_FAULT_BEYOND };
	struct uw_totals t = { 0 };

	(void)state;
	uw_totals_add(&t, &first, NULL);
	assert_int_equal(uw_totals_exit_status(&t), 4);
	uw_totals_add(&t, &second, &said);
	assert_int_equal(t.verdict[UW_NO_REPLY], 0);
	assert_int_equal(t.verdict[UW_REPLY_DROPPED], 1);
	assert_int_equal(t.fault[UW_FAULT_BEYOND], 0);
	assert_int_equal(t.fault[UW_FAULT_LOCAL], 1);
	assert_int_equal(uw_totals_exit_status(&t), 3);
}

static void the_exit_status_names_the_nearest_fault(void **state)
{
	struct uw_totals t = { 0 };

	(void)state;
	assert_int_equal(uw_totals_exit_status(&t), 0);
	t.fault[UW_FAULT_NONE] = 3;
	assert_int_equal(uw_totals_exit_status(&t), 0);
	t.fault[UW_FAULT_UNKNOWN] = 1;
	assert_int_equal(uw_totals_exit_status(&t), 5);
	t.fault[UW_FAULT_BEYOND] = 1;
	assert_int_equal(uw_totals_exit_status(&t), 4);
	t.fault[UW_FAULT_LOCAL] = 1;
	assert_int_equal(uw_totals_exit_status(&t), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queries_are_counted),
		cmocka_unit_test(a_revision_replaces_what_was_said),
		cmocka_unit_test(the_exit_status_names_the_nearest_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
