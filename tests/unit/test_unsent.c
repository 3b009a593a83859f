// SPDX-License-Identifier: GPL-2.0-only
/* Lines of /proc/net/udp and udp6: what a socket has sent and is still on this host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "live/unsent.h"

static void test_lines(void **state)
{
	static const char v4[] = "  512: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0";
	static const char held[] = " 1512: 0201000A:D0E2 0202000A:0035 01 00000B00:00000000 00:00000000 00000000     0        0 1 2 0 0";
	static const char v6[] = "  99: 000001FD000000000000000002000000:1388 00000000000000000000000000000000:0000 07 00000000:00000200 00:0 0 0 0 1 2 0 0";

	(void)state;
	assert_int_equal(uw_unsent_parse(v4, 53), UW_UNSENT_NONE);
	assert_int_equal(uw_unsent_parse(v4, 54), UW_UNSENT_UNKNOWN);
	assert_int_equal(uw_unsent_parse(v4, 0), UW_UNSENT_UNKNOWN);
	assert_int_equal(uw_unsent_parse(held, 0xd0e2), UW_UNSENT_SOME);
	assert_int_equal(uw_unsent_parse(v6, 5000), UW_UNSENT_NONE);
	assert_int_equal(uw_unsent_parse("", 53), UW_UNSENT_UNKNOWN);
	assert_int_equal(uw_unsent_parse("   sl  local_address rem_address   st tx_queue rx_queue", 53), UW_UNSENT_UNKNOWN);
	assert_int_equal(uw_unsent_parse("  512: 0100007F:0035 00000000:0000", 53), UW_UNSENT_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
