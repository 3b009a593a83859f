/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of flows that left monitor's table are added up, whatever "other" says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "offline/jsonl_run.h"

static void on_rest(void *arg, const struct uw_flow *f)
{
	struct uw_flow *sum = arg;

	sum->count[UW_ANSWERED] += f->count[UW_ANSWERED];
	sum->attempts++;
}

static void what_left_and_came_back_is_added_up(void **state)
{
	struct uw_jsonl_run *r = calloc(1, sizeof(*r));
	struct uw_flow f = { .id.family = 4, .id.server_port = 53 }, sum = { 0 };
	struct uw_totals t = { 0 };

	(void)state;
	assert_non_null(r);
	f.count[UW_ANSWERED] = 5;
	assert_int_equal(uw_jsonl_run_keep(r, &f), 0);
	f.left = true;
	f.count[UW_ANSWERED] = 7;
	assert_int_equal(uw_jsonl_run_keep(r, &f), 0);
	f.left = false;
	f.count[UW_ANSWERED] = 1;
	assert_int_equal(uw_jsonl_run_keep(r, &f), 0);
	f.count[UW_ANSWERED] = 2;
	f.left = true;
	assert_int_equal(uw_jsonl_run_keep(r, &f), 0);
	f.left = false;
	f.count[UW_ANSWERED] = 30;
	assert_int_equal(uw_jsonl_run_keep(r, &f), 0);
	uw_jsonl_run_end(r, &t, on_rest, &sum);
	assert_int_equal(sum.count[UW_ANSWERED], 39);
	assert_int_equal(sum.attempts, 1);
	uw_jsonl_run_clear(r);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_left_and_came_back_is_added_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
