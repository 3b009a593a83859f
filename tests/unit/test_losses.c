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
					    "uw_sock_recv_length", "uw_sys_exit", "uw_sched_process_exit"};
	static const char *const packets[] = {"uw_kfree_skb", "uw_consume_skb", "uw_netif_receive_skb",
					      "uw_net_dev_queue", "uw_net_dev_start_xmit", "uw_net_dev_xmit",
					      "uw_sk_data_ready", "uw_nf_input", "of_another"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		assert_false(uw_miss_matters(calls[i]));
	for (i = 0; i < sizeof(packets) / sizeof(packets[0]); i++)
		assert_true(uw_miss_matters(packets[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_misses)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
