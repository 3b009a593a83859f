/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "core/query.h"

typedef const char *(*name_fn)(unsigned value);

static const char *verdict(unsigned v) { return uw_verdict_name(v); }
static const char *fault(unsigned v) { return uw_fault_name(v); }
static const char *role(unsigned v) { return uw_role_name(v); }
static const char *stage(unsigned v) { return uw_stage_name(v); }
static const char *gap(unsigned v) { return uw_gap_name(v); }
static const char *proto(unsigned v) { return uw_proto_name(v); }

/* Every value has a name of its own: lower case, digits and '_'; what is no value is "invalid". */
static void check_names(name_fn name, unsigned count)
{
	for (unsigned v = 0; v < count; v++) {
		const char *n = name(v);

		assert_true(*n != '\0');
		assert_int_equal(strspn(n, "abcdefghijklmnopqrstuvwxyz_0123456789"), strlen(n));
		assert_string_not_equal(n, "invalid");
		for (unsigned w = 0; w < v; w++)
			assert_string_not_equal(n, name(w));
	}
	assert_string_equal(name(count), "invalid");
	assert_string_equal(name(~0u), "invalid");
}

static void every_value_has_a_name(void **state)
{
	(void)state;
	check_names(verdict, UW_VERDICTS);
	check_names(fault, UW_FAULTS);
	check_names(role, UW_ROLES);
	check_names(stage, UW_STAGES);
	check_names(gap, UW_GAPS);
	check_names(proto, UW_PROTO_DNS + 1);
}

/* The first and last of each list, against a table that slipped by one. */
static void names_are_at_their_place(void **state)
{
	(void)state;
	assert_string_equal(uw_verdict_name(UW_ANSWERED), "answered");
	assert_string_equal(uw_verdict_name(UW_REJECTED), "rejected");
	assert_string_equal(uw_verdict_name(UW_UNKNOWN), "unknown");
	assert_string_equal(uw_fault_name(UW_FAULT_BEYOND), "beyond");
	assert_string_equal(uw_role_name(UW_ROLE_FORWARDER), "forwarder");
	assert_string_equal(uw_stage_name(UW_STAGE_WIRE_OUT), "wire_out");
	assert_string_equal(uw_stage_name(UW_STAGE_READ), "read");
	assert_string_equal(uw_gap_name(UW_GAP_STARTED_AFTER_REQUEST), "started_after_request");
	assert_string_equal(uw_gap_name(UW_GAP_TRUNCATED_CAPTURE), "truncated_capture");
	assert_string_equal(uw_proto_name(UW_PROTO_NTP), "ntp");
}

static void rcodes(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 16; v++)
		for (unsigned w = 0; w < v; w++)
			assert_string_not_equal(uw_rcode_name(v), uw_rcode_name(w));
	assert_string_equal(uw_rcode_name(0), "NOERROR");
	assert_string_equal(uw_rcode_name(2), "SERVFAIL");
	assert_string_equal(uw_rcode_name(3), "NXDOMAIN");
	assert_string_equal(uw_rcode_name(5), "REFUSED");
	assert_string_equal(uw_rcode_name(0x8185), "REFUSED");	/* only the low four bits count */
}

static void qtypes(void **state)
{
	char buf[12];

	(void)state;
	assert_string_equal(uw_qtype_name(1, buf, sizeof(buf)), "A");
	assert_string_equal(uw_qtype_name(28, buf, sizeof(buf)), "AAAA");
	assert_string_equal(uw_qtype_name(257, buf, sizeof(buf)), "CAA");
	assert_string_equal(uw_qtype_name(65280, buf, sizeof(buf)), "TYPE65280");
	assert_string_equal(uw_qtype_name(0, buf, sizeof(buf)), "TYPE0");
}

static void errnos(void **state)
{
	(void)state;
	assert_string_equal(uw_errno_name(ENETUNREACH), "ENETUNREACH");
	assert_string_equal(uw_errno_name(EPERM), "EPERM");
	assert_null(uw_errno_name(0));
	assert_null(uw_errno_name(-EPERM));
	assert_null(uw_errno_name(524));	/* the kernel's own ENOTSUPP */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_has_a_name),
		cmocka_unit_test(names_are_at_their_place),
		cmocka_unit_test(rcodes),
		cmocka_unit_test(qtypes),
		cmocka_unit_test(errnos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
