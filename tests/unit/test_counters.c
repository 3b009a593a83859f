// SPDX-License-Identifier: GPL-2.0-only
/* Device counters: netlink messages, good and hostile. */
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
	struct nlmsghdr *m = begin_link(buf, 7, IFF_UP | IFF_RUNNING);
	struct nlattr *nest;

	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	mnl_attr_put(m, IFLA_STATS64, sizeof(stats), &stats);
	mnl_attr_put_u32(m, IFLA_CARRIER_DOWN_COUNT, 3);
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
	assert_true(s->device[0].up);
	assert_int_equal(s->device[0].carrier_downs, 3);
	uw_counters_free(s);
}

/* Generic XDP comes after the kernel's first hook, the others before it. */
static void xdp_that_hides(void **state)
{
	static const struct {
		int mode;
		bool xdp, hides;
	} at[] = {
		{ XDP_ATTACHED_NONE, false, false }, { XDP_ATTACHED_SKB, true, false },
		{ XDP_ATTACHED_DRV, true, true }, { XDP_ATTACHED_HW, true, true },
		{ XDP_ATTACHED_MULTI, true, true },
	};
	char buf[BUFFER] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct uw_counters_snapshot *s = new_snapshot();

		uw_counters_parse_link(s, make_link(buf, "eth0", "", at[i].mode), NETNS);
		assert_int_equal(s->device[0].xdp, at[i].xdp);
		assert_int_equal(s->device[0].xdp_hides, at[i].hides);
		uw_counters_free(s);
	}
}

static void down_in_two_ways(void **state)
{
	static const unsigned flags[] = { 0, IFF_UP, IFF_RUNNING };
	char buf[BUFFER] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct uw_counters_snapshot *s = new_snapshot();
		struct nlmsghdr *m = begin_link(buf, 7, flags[i]);

		mnl_attr_put_strz(m, IFLA_IFNAME, "eth0");
		assert_int_equal(uw_counters_parse_link(s, m, NETNS), 0);
		assert_int_equal(s->devices, 1);
		assert_false(s->device[0].up);
		assert_false(s->device[0].xdp);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_a_link),
		cmocka_unit_test(xdp_that_hides),
		cmocka_unit_test(down_in_two_ways),
		cmocka_unit_test(hostile_messages),
		cmocka_unit_test(odd_messages),
		cmocka_unit_test(devices_are_bounded),
		cmocka_unit_test(softnet),
		cmocka_unit_test(driver_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
