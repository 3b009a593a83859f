// SPDX-License-Identifier: GPL-2.0-only
/* What two readings of the devices say of a query between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "live/acquittal.h"

#define NETNS 4026531840u

static struct uw_device_counters device_of(const char *name, uint32_t ifindex)
{
	struct uw_device_counters d = { .netns = NETNS, .ifindex = ifindex, .up = true };

	strncpy(d.ifname, name, sizeof(d.ifname) - 1);
	return d;
}

#define SNAPSHOT(name, array, dropped)                                                             \
	struct uw_counters_snapshot name = { .softnet = true, .softnet_dropped = (dropped),        \
					     .devices = sizeof(array) / sizeof((array)[0]),        \
					     .device = (array) }

static void nothing_rose(void **state)
{
	struct uw_device_counters d[] = { device_of("eth0", 2) };
	struct uw_acquittal a = { 0 };

	d[0].value[UW_COUNTER_rx_missed_errors] = 50;
	d[0].value[UW_COUNTER_tx_errors] = 50;
	d[0].carrier_downs = 50;
	SNAPSHOT(s, d, 9);
	(void)state;
	assert_true(uw_acquit_arrivals(&s, &s, &a));
	assert_true(uw_acquit_departure(&s, &s, 2, &a));
	assert_true(a.looked);
	assert_int_equal(a.nic_drops + a.tx_errors + a.counters, 0);
	assert_false(a.link_down);
	assert_false(uw_acquit_xdp(&s, &a));
	assert_false(a.xdp);
}

/* The reply may have come in by any device, and lo is no wire. */
static void every_device_counts(void **state)
{
	struct uw_device_counters b[] = { device_of("lo", 1), device_of("eth0", 2), device_of("eth1", 3) };
	struct uw_device_counters f[] = { device_of("lo", 1), device_of("eth0", 2), device_of("eth1", 3) };
	struct uw_acquittal a = { 0 };

	(void)state;
	b[0].loopback = f[0].loopback = true;
	f[0].value[UW_COUNTER_rx_missed_errors] = 1000;
	f[0].xdp = f[0].xdp_hides = true;
	f[1].value[UW_COUNTER_rx_missed_errors] = 4;
	f[1].value[UW_COUNTER_rx_over_errors] = 1;
	f[2].value[UW_COUNTER_rx_fifo_errors] = 100;
	f[2].value[UW_COUNTER_tx_errors] = 3;	/* what another device did not send is not ours */
	SNAPSHOT(before, b, 5);
	SNAPSHOT(after, f, 7);
	assert_true(uw_acquit_arrivals(&before, &after, &a));
	assert_int_equal(a.nic_drops, 4 + 1 + 100 + 2);	/* 2 of the backlogs */
	assert_int_equal(a.tx_errors, 0);
	assert_int_equal(a.counters, 4);
	assert_string_equal(a.counter[0].ifname, "softnet");
	assert_string_equal(a.counter[0].name, "dropped");
	assert_int_equal(a.counter[0].rose, 2);
	assert_string_equal(a.counter[1].ifname, "eth0");
	assert_string_equal(a.counter[1].name, "rx_missed_errors");
	assert_int_equal(a.counter[1].rose, 4);
	assert_false(uw_acquit_xdp(&after, &a));
	assert_false(a.xdp);
	f[2].xdp = true;	/* generic: after the first hook */
	assert_false(uw_acquit_xdp(&after, &a));
	assert_true(a.xdp);
	f[2].xdp_hides = true;
	assert_true(uw_acquit_xdp(&after, &a));

	/* another namespace adds its own, and the backlogs only once */
	assert_true(uw_acquit_arrivals(&before, &after, &a));
	assert_int_equal(a.nic_drops, 2 * 105 + 2);
}

static void what_was_not_sent(void **state)
{
	struct uw_device_counters b[] = { device_of("eth0", 2), device_of("eth1", 3) };
	struct uw_device_counters f[] = { device_of("eth1", 3), device_of("wan", 2) };	/* renamed */
	struct uw_acquittal a = { 0 };

	(void)state;
	f[0].value[UW_COUNTER_tx_errors] = 100;
	f[1].value[UW_COUNTER_tx_errors] = 3;
	f[1].value[UW_COUNTER_tx_carrier_errors] = 2;	/* part of errors */
	f[1].value[UW_COUNTER_tx_dropped] = 10;
	SNAPSHOT(before, b, 5);
	SNAPSHOT(after, f, 7);
	assert_true(uw_acquit_departure(&before, &after, 2, &a));
	assert_int_equal(a.tx_errors, 3 + 10);
	assert_int_equal(a.nic_drops, 0);
	assert_int_equal(a.counters, 3);
	assert_string_equal(a.counter[0].ifname, "wan");
	assert_false(a.link_down);
}

static void the_link_went_down(void **state)
{
	struct uw_device_counters b[] = { device_of("eth0", 2) }, f[] = { device_of("eth0", 2) };
	struct uw_acquittal a = { 0 };

	(void)state;
	f[0].carrier_downs = 1;		/* and up again */
	SNAPSHOT(before, b, 0);
	SNAPSHOT(after, f, 0);
	assert_true(uw_acquit_departure(&before, &after, 2, &a));
	assert_true(a.link_down);
	assert_string_equal(a.counter[0].name, "carrier_down_count");

	memset(&a, 0, sizeof(a));
	f[0].carrier_downs = 0;
	f[0].up = false;
	assert_true(uw_acquit_departure(&before, &after, 2, &a));
	assert_true(a.link_down);
}

static void the_drivers_own(void **state)
{
	struct uw_device_counters b[] = { device_of("ens5", 2) }, f[] = { device_of("ens5", 2) };
	struct uw_acquittal a = { 0 };

	(void)state;
	b[0].drivers = 1;
	strcpy(b[0].driver[0].name, "linklocal_allowance_exceeded");
	b[0].driver[0].value = 10;
	f[0].drivers = 2;
	strcpy(f[0].driver[0].name, "rx_missed");	/* in another order than before */
	f[0].driver[0].value = 1;
	strcpy(f[0].driver[1].name, "linklocal_allowance_exceeded");
	f[0].driver[1].value = 13;
	f[0].value[UW_COUNTER_rx_missed_errors] = 1;	/* the same packet again */
	SNAPSHOT(before, b, 0);
	SNAPSHOT(after, f, 0);
	assert_true(uw_acquit_arrivals(&before, &after, &a));
	assert_int_equal(a.nic_drops, 4);
	assert_int_equal(a.counters, 3);
	assert_string_equal(a.counter[2].name, "linklocal_allowance_exceeded");
	assert_int_equal(a.counter[2].rose, 3);
}

static void resets_and_overflow(void **state)
{
	struct uw_device_counters b[] = { device_of("eth0", 2) }, f[] = { device_of("eth0", 2) };
	struct uw_acquittal a = { .counters = UW_COUNTERS_MAX, .nic_drops = UINT32_MAX - 1 };

	(void)state;
	b[0].value[UW_COUNTER_tx_errors] = 1000;
	f[0].value[UW_COUNTER_tx_errors] = 2;		/* the driver was reset */
	f[0].value[UW_COUNTER_rx_missed_errors] = UINT64_MAX;
	SNAPSHOT(before, b, 0);
	SNAPSHOT(after, f, 0);
	assert_true(uw_acquit_arrivals(&before, &after, &a));
	assert_true(uw_acquit_departure(&before, &after, 2, &a));
	assert_int_equal(a.tx_errors, 2);
	assert_int_equal(a.nic_drops, UINT32_MAX);
	assert_int_equal(a.counters, UW_COUNTERS_MAX);
}

static void devices_come_and_go(void **state)
{
	struct uw_device_counters b[] = { device_of("eth0", 2), device_of("veth1", 3) };
	struct uw_device_counters f[] = { device_of("eth0", 2), device_of("eth9", 9) };
	struct uw_acquittal a = { 0 };

	(void)state;
	strcpy(b[1].kind, "veth");
	f[1].value[UW_COUNTER_rx_missed_errors] = 6;	/* new: counted from 0 */
	SNAPSHOT(before, b, 0);
	SNAPSHOT(after, f, 0);
	assert_true(uw_acquit_arrivals(&before, &after, &a));
	assert_int_equal(a.nic_drops, 6);
	assert_false(uw_acquit_departure(&before, &after, 3, &a));
	assert_false(uw_acquit_departure(&before, &after, 9, &a));
	assert_false(uw_acquit_departure(&before, &after, 0, &a));
	b[1].kind[0] = '\0';		/* hardware, and what it counted is gone with it */
	assert_false(uw_acquit_arrivals(&before, &after, &a));
}

static void without_both_readings(void **state)
{
	struct uw_device_counters d[] = { device_of("eth0", 2) };
	struct uw_acquittal a = { 0 };

	(void)state;
	SNAPSHOT(s, d, 3);
	assert_false(uw_acquit_arrivals(NULL, &s, &a));
	assert_false(uw_acquit_arrivals(&s, NULL, &a));
	assert_false(uw_acquit_departure(NULL, &s, 2, &a));
	assert_false(uw_acquit_departure(&s, NULL, 2, &a));
	assert_false(a.looked);
	s.truncated = true;
	assert_false(uw_acquit_arrivals(&s, &s, &a));
	assert_int_equal(a.nic_drops, 0);
}

static void tunnels(void **state)
{
	static const char *const tunnel[] = { "wireguard", "tun", "gre", "gretap", "ip6gre", "ipip", "sit",
					      "ip6tnl", "vti", "vti6", "xfrm", "vxlan", "geneve" };
	static const char *const plain[] = { "veth", "bridge", "bond", "vlan", "", "gr", "gretapx" };
	struct uw_device_counters d[] = { device_of("d", 2) };

	(void)state;
	SNAPSHOT(s, d, 0);
	for (size_t i = 0; i < sizeof(tunnel) / sizeof(tunnel[0]); i++) {
		strcpy(d[0].kind, tunnel[i]);
		assert_true(uw_acquit_is_tunnel(&s, 2));
		assert_false(uw_acquit_is_tunnel(&s, 3));
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		strcpy(d[0].kind, plain[i]);
		assert_false(uw_acquit_is_tunnel(&s, 2));
	}
	assert_false(uw_acquit_is_tunnel(NULL, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_rose),
		cmocka_unit_test(every_device_counts),
		cmocka_unit_test(what_was_not_sent),
		cmocka_unit_test(the_link_went_down),
		cmocka_unit_test(the_drivers_own),
		cmocka_unit_test(resets_and_overflow),
		cmocka_unit_test(devices_come_and_go),
		cmocka_unit_test(without_both_readings),
		cmocka_unit_test(tunnels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
