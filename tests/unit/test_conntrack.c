// SPDX-License-Identifier: GPL-2.0-only
/* Whether connection tracking dropped a packet: only if it counted so and nothing else can have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "live/conntrack.h"

#define AT(at, known) { .seen = true, .stage = UW_STAGE_NF_##at, .ct = UW_CT_##known, .location = "nf_hook_slow+0x7d" }

static void tables(void **state)
{
	(void)state;
	assert_int_equal(uw_conntrack_tables(""), 0);
	assert_int_equal(uw_conntrack_tables("raw\n"), UW_LEGACY_RAW);
	assert_int_equal(uw_conntrack_tables("nat\nmangle\nfilter"), UW_LEGACY_MANGLE | UW_LEGACY_FILTER);
	assert_int_equal(uw_conntrack_tables("security\nrawpost\nra\n"), UW_LEGACY_SECURITY);
}

static const struct {
	struct uw_drop_fact d;
	uint64_t drops, failed;		/* rise */
	unsigned legacy;
	bool is;
} cases[] = {
	/* a full table: before there is an entry */
	{ AT(OUTPUT, NONE), 1, 0, 0, true },
	{ AT(PREROUTING, NONE), 5, 4, 0, true },
	{ AT(OUTPUT, NONE), 1, 0, UW_LEGACY_MANGLE | UW_LEGACY_FILTER | UW_LEGACY_SECURITY, true },
	{ AT(OUTPUT, NONE), 1, 0, UW_LEGACY_RAW, false },
	{ AT(OUTPUT, NONE), 0, 0, 0, false },
	{ AT(OUTPUT, NONE), 1, 1, 0, false },	/* that one was a race */
	{ AT(OUTPUT, NEW), 1, 0, 0, false },
	{ AT(OUTPUT, CONFIRMED), 1, 0, 0, false },
	{ AT(OUTPUT, UNKNOWN), 1, 0, 0, false },
	/* a race: when the entry is to be inserted */
	{ AT(POSTROUTING, NEW), 1, 1, 0, true },
	{ AT(POSTROUTING, NEW), 1, 1, UW_LEGACY_RAW | UW_LEGACY_FILTER, true },
	{ AT(POSTROUTING, NEW), 1, 1, UW_LEGACY_MANGLE, false },
	{ AT(POSTROUTING, NEW), 1, 0, 0, false },
	{ AT(POSTROUTING, NONE), 1, 1, 0, false },
	{ AT(POSTROUTING, CONFIRMED), 1, 1, 0, false },
	{ AT(INPUT, NEW), 1, 1, 0, true },
	{ AT(INPUT, NEW), 1, 1, UW_LEGACY_FILTER, false },
	{ AT(INPUT, NEW), 1, 1, UW_LEGACY_SECURITY, false },
	{ AT(FORWARD, NEW), 1, 1, 0, false },
	/* another place in the kernel */
	{ { .seen = true, .stage = UW_STAGE_NF_OUTPUT, .ct = UW_CT_NONE, .location = "nft_do_chain+0x3e8" },
	  1, 0, 0, false },
};

static void decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uw_conntrack before = { .seen = true, .drop = 70, .insert_failed = 7 }, after = before;

		after.drop += cases[i].drops;
		after.insert_failed += cases[i].failed;
		after.legacy4 = cases[i].legacy;
		assert_int_equal(uw_conntrack_dropped(&before, &after, &cases[i].d, 4), cases[i].is);
		/* the tables of the other family cannot have done it */
		after.legacy6 = cases[i].legacy;
		after.legacy4 = 0x7f;
		assert_int_equal(uw_conntrack_dropped(&before, &after, &cases[i].d, 6), cases[i].is);
		after.seen = false;
		assert_false(uw_conntrack_dropped(&before, &after, &cases[i].d, 6));
		assert_false(uw_conntrack_dropped(&after, &before, &cases[i].d, 6));
	}
}

static void put_u32(char *m, uint16_t type, uint32_t value)
{
	mnl_attr_put_u32((struct nlmsghdr *)m, type, htonl(value));
}

static void sums_up(void **state)
{
	_Alignas(struct nlmsghdr) char buf[256] = { 0 };
	struct uw_conntrack c = { 0 };
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);

	(void)state;
	mnl_nlmsg_put_extra_header(m, sizeof(struct nfgenmsg));
	put_u32(buf, CTA_STATS_FOUND, 1000);
	put_u32(buf, CTA_STATS_INSERT_FAILED, 2);
	put_u32(buf, CTA_STATS_DROP, 5);
	assert_int_equal(uw_conntrack_parse(&c, m), 0);
	assert_int_equal(uw_conntrack_parse(&c, m), 0);
	assert_true(c.seen);
	assert_int_equal(c.drop, 10);
	assert_int_equal(c.insert_failed, 4);
}

static void malformed(void **state)
{
	_Alignas(struct nlmsghdr) char buf[256] = { 0 };
	struct uw_conntrack c = { 0 };
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);

	(void)state;
	assert_int_not_equal(uw_conntrack_parse(&c, m), 0);
	mnl_nlmsg_put_extra_header(m, sizeof(struct nfgenmsg));
	mnl_attr_put_u8(m, CTA_STATS_DROP, 1);
	assert_int_not_equal(uw_conntrack_parse(&c, m), 0);
	assert_false(c.seen);
	assert_int_equal(c.drop, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables),
		cmocka_unit_test(decides),
		cmocka_unit_test(sums_up),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
