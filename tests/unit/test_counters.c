// SPDX-License-Identifier: GPL-2.0-only
/* Device counters: netlink messages, good and hostile, and what rose between two readings. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libmnl/libmnl.h>

#include "live/counters.h"

#define NETNS 4026531840u
#define BUFFER 4096

static struct nlmsghdr *begin_link(char *buf, int ifindex, unsigned flags)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *info;

	m->nlmsg_type = RTM_NEWLINK;
	info = mnl_nlmsg_put_extra_header(m, sizeof(*info));
	info->ifi_index = ifindex;
	info->ifi_flags = flags;
	return m;
}

static struct nlmsghdr *make_link(char *buf, const char *name, const char *kind, int xdp)
{
	struct rtnl_link_stats64 stats = { .rx_missed_errors = 1, .rx_fifo_errors = 2,
					   .rx_over_errors = 3, .tx_errors = 4, .tx_dropped = 5,
					   .tx_carrier_errors = 6, .tx_fifo_errors = 7,
					   .tx_aborted_errors = 8, .tx_window_errors = 9,
					   .rx_dropped = 1000, .rx_nohandler = 1000 };
	struct nlmsghdr *m = begin_link(buf, 7, IFF_UP);
	struct nlattr *nest;

	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	mnl_attr_put(m, IFLA_STATS64, sizeof(stats), &stats);
	if (xdp >= 0) {
		nest = mnl_attr_nest_start(m, IFLA_XDP);
		mnl_attr_put_u8(m, IFLA_XDP_ATTACHED, (uint8_t)xdp);
		mnl_attr_nest_end(m, nest);
	}
	if (kind) {
		nest = mnl_attr_nest_start(m, IFLA_LINKINFO);
		mnl_attr_put_strz(m, IFLA_INFO_KIND, kind);
		mnl_attr_nest_end(m, nest);
	}
	return m;
}

static struct uw_counters_snapshot *new_snapshot(void)
{
	struct uw_counters_snapshot *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	return s;
}

static void parses_a_link(void **state)
{
	struct uw_counters_snapshot *s = new_snapshot();
	char buf[BUFFER] = { 0 };

	(void)state;
	assert_int_equal(uw_counters_parse_link(s, make_link(buf, "wg0", "wireguard",
							    XDP_ATTACHED_SKB), NETNS), 0);
	assert_int_equal(s->devices, 1);
	assert_string_equal(s->device[0].ifname, "wg0");
	assert_string_equal(s->device[0].kind, "wireguard");
	assert_int_equal(s->device[0].netns, NETNS);
	assert_int_equal(s->device[0].ifindex, 7);
	assert_true(s->device[0].xdp);
	assert_false(s->device[0].loopback);
	for (unsigned i = 0; i < UW_DEVICE_COUNTERS; i++)
		assert_int_equal(s->device[0].value[i], i + 1);
	assert_true(uw_counters_is_tunnel(s, "wg0"));
	assert_false(uw_counters_is_tunnel(s, "wg1"));
	assert_false(uw_counters_is_tunnel(NULL, "wg0"));
	uw_counters_free(s);
}

static void kinds_and_modes(void **state)
{
	static const char *const tunnel[] = { "tun", "gre", "gretap", "ip6gre", "ipip", "sit",
					      "ip6tnl", "vti", "vti6", "xfrm", "vxlan", "geneve" };
	static const char *const plain[] = { "veth", "bridge", "bond", "vlan", "", "gr",
					     "gretapx" };
	char buf[BUFFER] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(tunnel) / sizeof(tunnel[0]); i++) {
		struct uw_counters_snapshot *s = new_snapshot();

		uw_counters_parse_link(s, make_link(buf, "d", tunnel[i], XDP_ATTACHED_NONE), NETNS);
		assert_true(uw_counters_is_tunnel(s, "d"));
		assert_false(s->device[0].xdp);
		uw_counters_free(s);
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		struct uw_counters_snapshot *s = new_snapshot();

		uw_counters_parse_link(s, make_link(buf, "d", plain[i], -1), NETNS);
		assert_false(uw_counters_is_tunnel(s, "d"));
		uw_counters_free(s);
	}
}

/* Every shorter message and every value in every byte of the headers: no crash, no wild read. */
static void hostile_messages(void **state)
{
	char good[BUFFER] = { 0 };
	uint32_t length = make_link(good, "eth0", "veth", 1)->nlmsg_len;

	(void)state;
	for (uint32_t cut = MNL_NLMSG_HDRLEN; cut <= length; cut++) {
		struct uw_counters_snapshot *s = new_snapshot();
		struct nlmsghdr *m = malloc(cut);	/* exact, so that ASan sees the end */

		assert_non_null(m);
		memcpy(m, good, cut);
		m->nlmsg_len = cut;
		uw_counters_parse_link(s, m, NETNS);
		free(m);
		uw_counters_free(s);
	}
	for (uint32_t at = MNL_NLMSG_HDRLEN; at < length; at++) {
		static const uint8_t evil[] = { 0, 1, 3, 0x7f, 0x80, 0xff };

		for (size_t i = 0; i < sizeof(evil); i++) {
			struct uw_counters_snapshot *s = new_snapshot();
			struct nlmsghdr *m = malloc(length);

			assert_non_null(m);
			memcpy(m, good, length);
			((uint8_t *)m)[at] = evil[i];
			uw_counters_parse_link(s, m, NETNS);
			free(m);
			uw_counters_free(s);
		}
	}
}

static void odd_messages(void **state)
{
	struct uw_counters_snapshot *s = new_snapshot();
	char buf[BUFFER] = { 0 };
	struct nlmsghdr *m;
	uint8_t few[8] = { 9 };

	(void)state;
	m = make_link(buf, "eth0", NULL, -1);
	m->nlmsg_type = RTM_DELLINK;
	assert_int_equal(uw_counters_parse_link(s, m, NETNS), 0);
	m->nlmsg_type = RTM_NEWLINK;
	m->nlmsg_len = MNL_NLMSG_HDRLEN + 4;
	assert_int_equal(uw_counters_parse_link(s, m, NETNS), -EBADMSG);
	/* no name */
	assert_int_equal(uw_counters_parse_link(s, begin_link(buf, 3, 0), NETNS), 0);
	m = begin_link(buf, 0, 0);
	mnl_attr_put_strz(m, IFLA_IFNAME, "zero");
	assert_int_equal(uw_counters_parse_link(s, m, NETNS), 0);
	assert_int_equal(s->devices, 0);

	m = begin_link(buf, 3, IFF_LOOPBACK);
	mnl_attr_put(m, IFLA_IFNAME, 20, "a_name_without_an_end");	/* no NUL, too long */
	mnl_attr_put(m, IFLA_STATS64, sizeof(few), few);
	assert_int_equal(uw_counters_parse_link(s, m, NETNS), 0);
	assert_int_equal(s->devices, 1);
	assert_string_equal(s->device[0].ifname, "a_name_without_");
	assert_true(s->device[0].loopback);
	assert_int_equal(s->device[0].value[UW_COUNTER_tx_errors], 0);
	uw_counters_free(s);
}

static void devices_are_bounded(void **state)
{
	struct uw_counters_snapshot *s = new_snapshot();
	char buf[BUFFER] = { 0 };
	const struct nlmsghdr *m = make_link(buf, "d", NULL, -1);

	(void)state;
	for (unsigned i = 0; i < UW_COUNTER_DEVICES; i++)
		assert_int_equal(uw_counters_parse_link(s, m, NETNS), 0);
	assert_false(s->truncated);
	assert_int_equal(uw_counters_parse_link(s, m, NETNS), 0);
	assert_true(s->truncated);
	assert_int_equal(s->devices, UW_COUNTER_DEVICES);
	uw_counters_free(s);
}

static void softnet(void **state)
{
	uint64_t dropped = 77;

	(void)state;
	assert_int_equal(uw_counters_parse_softnet("0000000b 00000002 00000000\n"
						  "000003e0 000000ff 00000000\n", &dropped), 0);
	assert_int_equal(dropped, 0x101);
	assert_int_equal(uw_counters_parse_softnet("", &dropped), 0);
	assert_int_equal(dropped, 0);
	dropped = 77;
	assert_int_equal(uw_counters_parse_softnet("garbage\n", &dropped), -EBADMSG);
	assert_int_equal(uw_counters_parse_softnet("0000000b\n", &dropped), -EBADMSG);
	assert_int_equal(dropped, 77);
}

static void driver_names(void **state)
{
	(void)state;
	assert_true(uw_counters_driver_loss("rx_no_buffer_count"));
	assert_true(uw_counters_driver_loss("rx_nobufs"));
	assert_true(uw_counters_driver_loss("linklocal_allowance_exceeded"));
	assert_true(uw_counters_driver_loss("rx_out_of_buffer"));
	assert_true(uw_counters_driver_loss("rx_missed_errors"));
	assert_false(uw_counters_driver_loss("rx_packets"));
	assert_false(uw_counters_driver_loss("rx_dropped"));
	assert_false(uw_counters_driver_loss("linklocal_allowance_exceeded_not"));
	assert_false(uw_counters_driver_loss("[*"));
	assert_false(uw_counters_driver_loss(""));
}

static struct uw_device_counters device_of(const char *name, uint32_t ifindex)
{
	struct uw_device_counters d = { .netns = NETNS, .ifindex = ifindex };

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
	SNAPSHOT(s, d, 9);
	(void)state;
	assert_true(uw_counters_compare(&s, &s, "eth0", &a));
	assert_true(a.looked);
	assert_int_equal(a.nic_drops + a.tx_errors + a.counters, 0);
	assert_false(a.xdp);
}

static void what_rose(void **state)
{
	struct uw_device_counters b[] = { device_of("eth0", 2), device_of("eth1", 3) };
	struct uw_device_counters f[] = { device_of("eth0", 2), device_of("eth1", 3) };
	struct uw_acquittal a = { 0 };

	(void)state;
	f[0].value[UW_COUNTER_rx_missed_errors] = 4;
	f[0].value[UW_COUNTER_rx_over_errors] = 1;
	f[0].value[UW_COUNTER_tx_errors] = 3;
	f[0].value[UW_COUNTER_tx_carrier_errors] = 2;
	f[0].value[UW_COUNTER_tx_dropped] = 10;
	f[1].value[UW_COUNTER_rx_fifo_errors] = 100;
	f[1].xdp = true;
	SNAPSHOT(before, b, 5);
	SNAPSHOT(after, f, 7);
	assert_true(uw_counters_compare(&before, &after, "eth0", &a));
	assert_int_equal(a.nic_drops, 4 + 1 + 2);	/* 2 of the backlogs */
	assert_int_equal(a.tx_errors, 3 + 10);		/* carrier is part of errors */
	assert_false(a.xdp);
	assert_int_equal(a.counters, 6);
	assert_string_equal(a.counter[0].ifname, "softnet");
	assert_string_equal(a.counter[0].name, "dropped");
	assert_int_equal(a.counter[0].rose, 2);
	assert_string_equal(a.counter[1].ifname, "eth0");
	assert_string_equal(a.counter[1].name, "rx_missed_errors");
	assert_int_equal(a.counter[1].rose, 4);

	/* the second device adds its own, and the backlogs only once */
	assert_true(uw_counters_compare(&before, &after, "eth1", &a));
	assert_int_equal(a.nic_drops, 7 + 100);
	assert_int_equal(a.tx_errors, 13);
	assert_true(a.xdp);
	assert_int_equal(a.counters, 7);
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
	assert_true(uw_counters_compare(&before, &after, "ens5", &a));
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
	assert_true(uw_counters_compare(&before, &after, "eth0", &a));
	assert_int_equal(a.tx_errors, 2);
	assert_int_equal(a.nic_drops, UINT32_MAX);
	assert_int_equal(a.counters, UW_COUNTERS_MAX);
}

static void without_both_readings(void **state)
{
	struct uw_device_counters b[] = { device_of("eth0", 2), device_of("eth1", 3) };
	struct uw_device_counters f[] = { device_of("eth0", 9), device_of("eth2", 4) };
	struct uw_acquittal a = { 0 };

	(void)state;
	SNAPSHOT(before, b, 0);
	SNAPSHOT(after, f, 3);
	assert_false(uw_counters_compare(&before, &after, "eth0", &a));	/* another device by now */
	assert_false(uw_counters_compare(&before, &after, "eth1", &a));
	assert_false(uw_counters_compare(&before, &after, "eth2", &a));
	assert_false(uw_counters_compare(&before, &after, "", &a));
	assert_false(uw_counters_compare(NULL, &after, "eth2", &a));
	assert_false(uw_counters_compare(&before, NULL, "eth1", &a));
	assert_false(a.looked);
	assert_int_equal(a.nic_drops, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_a_link),
		cmocka_unit_test(kinds_and_modes),
		cmocka_unit_test(hostile_messages),
		cmocka_unit_test(odd_messages),
		cmocka_unit_test(devices_are_bounded),
		cmocka_unit_test(softnet),
		cmocka_unit_test(driver_names),
		cmocka_unit_test(nothing_rose),
		cmocka_unit_test(what_rose),
		cmocka_unit_test(the_drivers_own),
		cmocka_unit_test(resets_and_overflow),
		cmocka_unit_test(without_both_readings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
