// SPDX-License-Identifier: GPL-2.0-only
/* Which of the tracer's own losses a verdict may rest on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "live/losses.h"

/* What interrupts a program is no process's call; packets come, go and are freed in interrupts too. */
static void test_misses(void **state)
{
	static const char *const calls[] = {"uw_fib_table_lookup", "uw_fib6_table_lookup", "uw_sock_send_length",
					    "uw_sock_recv_length", "uw_sys_exit", "uw_sched_process_exit", "uw_cgroup_rmdir"};
	static const char *const packets[] = {"uw_kfree_skb", "uw_consume_skb", "uw_netif_receive_skb",
					      "uw_net_dev_queue", "uw_net_dev_start_xmit", "uw_net_dev_xmit",
					      "uw_sk_data_ready", "uw_nf_input", "of_another"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		assert_false(uw_miss_matters(calls[i], false));
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		assert_true(uw_miss_matters(calls[i], true));
	for (i = 0; i < sizeof(packets) / sizeof(packets[0]); i++)
		assert_true(uw_miss_matters(packets[i], false));
}

#define SECOND 1000000000ull

/* What was asked before the machine slept may have been answered unseen; what is asked afterwards is not touched. */
static void test_slept(void **state)
{
	uint64_t stats[UW_STATS] = {0}, asleep = 500 * SECOND;
	struct uw_losses l = {0};

	(void)state;
	uw_losses_slept(&l, 1000 * SECOND, 1000 * SECOND - asleep);	/* before our start: nothing to us */
	uw_losses_slept(&l, 1002 * SECOND, 1002 * SECOND - asleep - SECOND / 2);
	assert_int_equal(uw_losses_gaps(&l, 999 * SECOND, false), 0);
	asleep += 3600 * SECOND;
	uw_losses_slept(&l, 4603 * SECOND, 4603 * SECOND - asleep);
	assert_int_equal(uw_losses_gaps(&l, 1002 * SECOND, false), UW_GAP_BIT(UW_GAP_RECORDS_LOST));
	assert_int_equal(uw_losses_gaps(&l, 4604 * SECOND, false), 0);
	uw_losses_stats(&l, stats);
	assert_int_equal(stats[UW_STAT_suspended], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_misses), cmocka_unit_test(test_slept)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
