// SPDX-License-Identifier: GPL-2.0-only
/* Drop reasons out of BTF: a made-up kernel, so that no number is known beforehand. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/btf.h>

#include "live/reason.h"

static void add_enum(struct btf *btf, const char *name, const char *const *value,
		     const uint32_t *number, size_t count)
{
	assert_true(btf__add_enum(btf, name, 4) > 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(btf__add_enum_value(btf, value[i], (int32_t)number[i]), 0);
}

static struct btf *make_kernel(void)
{
	static const char *const core[] = {
		"SKB_NOT_DROPPED_YET", "SKB_CONSUMED", "SKB_DROP_REASON_NOT_SPECIFIED",
		"SKB_DROP_REASON_NETFILTER_DROP", "SKB_DROP_REASON_SKB_CSUM", "SKB_DROP_REASON_MAX",
		"SKB_DROP_REASON_SUBSYS_MASK",
	};
	static const uint32_t core_number[] = { 0, 1, 2, 41, 42, 43, 0xffff0000 };
	static const char *const wifi[] = { "___RX_DROP_UNUSABLE", "RX_DROP_U_MIC_FAIL" };
	static const uint32_t wifi_number[] = { 0x10000, 0x10001 };
	static const char *const qdisc[] = { "__QDISC_DROP_REASON", "QDISC_DROP_OVERLIMIT",
					     "QDISC_DROP_MAX" };
	static const uint32_t qdisc_number[] = { 0x30000, 0x30005, 0x30006 };
	static const char *const other[] = { "SOME_DROP", "OTHER_DROP" };
	static const uint32_t other_number[] = { 41, 0x10001 };
	struct btf *btf = btf__new_empty();

	assert_non_null(btf);
	/* before the core's, and with a number of the core's: not about skbs */
	add_enum(btf, "quota_drop_reason", other, other_number, 1);
	add_enum(btf, "drop_reasons_of_state", other + 1, other_number + 1, 1);
	add_enum(btf, "qdisc_drop_reason", qdisc, qdisc_number, 3);
	add_enum(btf, "mac80211_drop_reason", wifi, wifi_number, 2);
	add_enum(btf, "skb_drop_reason", core, core_number, 7);
	return btf;
}

static void assert_name(const struct uw_reasons *r, uint32_t reason, const char *want)
{
	char name[64];

	uw_reason_name(r, reason, name, sizeof(name));
	assert_string_equal(name, want);
}

static void names_come_from_btf(void **state)
{
	struct btf *btf = make_kernel();
	struct uw_reasons *r = NULL;

	(void)state;
	assert_int_equal(uw_reasons_from(&r, btf), 0);
	assert_name(r, 0, "NOT_DROPPED_YET");
	assert_name(r, 1, "CONSUMED");
	assert_name(r, 2, "NOT_SPECIFIED");
	assert_name(r, 41, "NETFILTER_DROP");
	assert_name(r, 0x10001, "RX_DROP_U_MIC_FAIL");
	assert_name(r, 0x30005, "QDISC_DROP_OVERLIMIT");
	uw_reasons_free(r);
	btf__free(btf);
}

static void markers_and_unknown_values_are_numbers(void **state)
{
	struct btf *btf = make_kernel();
	struct uw_reasons *r = NULL;
	char small[5];

	(void)state;
	assert_int_equal(uw_reasons_from(&r, btf), 0);
	assert_name(r, 43, "reason 43");
	assert_name(r, 123, "reason 123");
	assert_name(r, 0x10000, "reason 65536");
	assert_name(r, 0x30006, "reason 196614");
	assert_name(r, 0xffff0000, "reason 4294901760");
	assert_name(NULL, 2, "reason 2");
	uw_reason_name(r, 41, small, sizeof(small));
	assert_string_equal(small, "NETF");
	uw_reasons_free(r);
	btf__free(btf);
}

static void values_by_name(void **state)
{
	struct btf *btf = make_kernel();
	struct uw_reasons *r = NULL;
	uint32_t value = 77;

	(void)state;
	assert_int_equal(uw_reasons_from(&r, btf), 0);
	assert_true(uw_reason_value(r, "NETFILTER_DROP", &value));
	assert_int_equal(value, 41);
	assert_true(uw_reason_value(r, "SKB_DROP_REASON_NOT_SPECIFIED", &value));
	assert_int_equal(value, 2);
	assert_true(uw_reason_value(r, "SKB_CSUM", &value));
	assert_int_equal(value, 42);
	assert_true(uw_reason_value(r, "SKB_CONSUMED", &value));
	assert_int_equal(value, 1);
	assert_true(uw_reason_value(r, "RX_DROP_U_MIC_FAIL", &value));
	assert_int_equal(value, 0x10001);
	value = 77;
	assert_false(uw_reason_value(r, "SOME_DROP", &value));
	assert_false(uw_reason_value(r, "OTHER_DROP", &value));
	assert_false(uw_reason_value(r, "", &value));
	assert_false(uw_reason_value(r, "SKB_DROP_REASON_", &value));
	assert_false(uw_reason_value(r, "\xff\x1b[2J", &value));
	assert_false(uw_reason_value(NULL, "NOT_SPECIFIED", &value));
	assert_int_equal(value, 77);
	uw_reasons_free(r);
	btf__free(btf);
}

static void kernel_without_reasons(void **state)
{
	struct btf *btf = btf__new_empty();
	struct uw_reasons *r = NULL;

	(void)state;
	assert_int_equal(uw_reasons_from(&r, btf), -ENOENT);
	assert_null(r);
	uw_reasons_free(NULL);
	btf__free(btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_from_btf),
		cmocka_unit_test(markers_and_unknown_values_are_numbers),
		cmocka_unit_test(values_by_name),
		cmocka_unit_test(kernel_without_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
