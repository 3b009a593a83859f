/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "live/verifier.h"

#define LOG(log) "libbpf: prog 'uw_consume_skb': -- BEGIN PROG LOAD LOG --\n" log "-- END PROG LOAD LOG --\n"

static int clean(void **state)
{
	(void)state;
	uw_verifier_listen();
	return 0;
}

static void the_last_line_is_the_reason(void **state)
{
	(void)state;
	assert_string_equal(uw_verifier_said(), "");
	uw_verifier_heed(LOG("0: R1=ctx()\n3: (85) call bpf_map_lookup_elem#1\nR2 type=mem expected=fp, pkt\n"
			     "processed 4992 insns (limit 1000000) max_states_per_insn 7\n"));
	assert_string_equal(uw_verifier_said(), "uw_consume_skb: R2 type=mem expected=fp, pkt");
}

static void other_messages_are_passed_over(void **state)
{
	(void)state;
	uw_verifier_heed("libbpf: failed to load object 'udpwhy_bpf'\n");
	uw_verifier_heed("-- BEGIN PROG LOAD LOG --\nwhose?\n");
	assert_string_equal(uw_verifier_said(), "");
}

static void a_log_cut_short_or_hostile_is_one_printable_line(void **state)
{
	char long_log[2048];

	(void)state;
	uw_verifier_heed(LOG(""));
	assert_string_equal(uw_verifier_said(), "uw_consume_skb: ");
	uw_verifier_heed("prog 'x': -- BEGIN PROG LOAD LOG --\nfirst\n\033[2Jcut off");
	assert_string_equal(uw_verifier_said(), "x:  [2Jcut off");
	strcpy(long_log, "prog 'x': -- BEGIN PROG LOAD LOG --\n");
	memset(long_log + strlen(long_log), 'a', 1024);
	long_log[1024] = '\0';
	uw_verifier_heed(long_log);
	assert_int_equal(strlen(uw_verifier_said()), 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_last_line_is_the_reason, clean),
		cmocka_unit_test_setup(other_messages_are_passed_over, clean),
		cmocka_unit_test_setup(a_log_cut_short_or_hostile_is_one_printable_line, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
