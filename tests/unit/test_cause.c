// SPDX-License-Identifier: GPL-2.0-only
/* Ruling 8: which bad query of a server here excuses it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/cause.h"
#include "dns.h"

enum { RESOLVER = 53, OTHER = 99 };

static struct uw_query asked(void)
{
	return (struct uw_query){
		.id = 1, .revision = 1, .role = UW_ROLE_LOCAL, .verdict = UW_NOT_SERVED,
		.fault = UW_FAULT_LOCAL, .server_pid = RESOLVER, .question_hash = 7, .send_ns = 1000,
		.key = { .protocol = UW_PROTO_DNS }, .task = { .pid = 12 },
	};
}

static struct uw_query upstream(uint64_t id, uint64_t send_ns)
{
	return (struct uw_query){
		.id = id, .revision = 1, .role = UW_ROLE_CLIENT, .verdict = UW_NO_REPLY,
		.fault = UW_FAULT_BEYOND, .question_hash = 7, .send_ns = send_ns,
		.key = { .protocol = UW_PROTO_DNS }, .task = { .pid = RESOLVER },
	};
}

static void expect_none(const struct uw_query *cause)
{
	struct uw_causes *c = calloc(1, sizeof(*c));
	struct uw_query q = asked();

	assert_non_null(c);
	uw_cause_note(c, cause);
	assert_false(uw_cause_find(c, &q));
	assert_int_equal(q.fault, UW_FAULT_LOCAL);
	assert_int_equal(q.caused_by, 0);
	free(c);
}

static void the_first_cause_counts(void **state)
{
	struct uw_causes *c = calloc(1, sizeof(*c));
	struct uw_query late = upstream(3, 3000), early = upstream(2, 2000), q = asked();

	(void)state;
	assert_non_null(c);
	late.fault = UW_FAULT_UNKNOWN;
	uw_cause_note(c, &late);
	uw_cause_note(c, &early);
	assert_true(uw_cause_find(c, &q));
	assert_int_equal(q.caused_by, 2);
	assert_int_equal(q.fault, UW_FAULT_BEYOND);
	free(c);
}

/* Several clients wait for one query of their resolver; the later ones came while it was open. */
static void it_was_open_already(void **state)
{
	struct uw_causes *c = calloc(1, sizeof(*c));
	struct uw_query cause = upstream(2, 500), q = asked();

	(void)state;
	assert_non_null(c);
	cause.timeout_ns = 600;
	uw_cause_note(c, &cause);
	assert_true(uw_cause_find(c, &q));
	assert_int_equal(q.caused_by, 2);
	assert_int_equal(q.fault, UW_FAULT_BEYOND);
	free(c);
	cause.timeout_ns = 500;	/* over when this one was asked */
	expect_none(&cause);
	cause.timeout_ns = 600;
	cause.verdict = UW_REFUSED;
	cause.answer.when_ns = 900;
	expect_none(&cause);
}

static void others_do_not_excuse(void **state)
{
	struct uw_query q;

	(void)state;
	q = upstream(2, 2000);
	q.task.pid = OTHER;
	expect_none(&q);
	q = upstream(2, 2000);
	q.question_hash = 8;
	expect_none(&q);
	q = upstream(2, 999);	/* asked before: for somebody else */
	expect_none(&q);
	q = upstream(2, 2000);
	q.verdict = UW_ANSWERED;
	expect_none(&q);
	q = upstream(2, 2000);
	q.question_hash = 0;
	expect_none(&q);
}

static void beyond_only_with_complete_evidence(void **state)
{
	struct uw_causes *c = calloc(1, sizeof(*c));
	struct uw_query cause = upstream(2, 2000), q = asked();

	(void)state;
	assert_non_null(c);
	uw_cause_note(c, &cause);
	q.gaps = UW_GAP_BIT(UW_GAP_NIC_DROPS_ROSE);
	assert_true(uw_cause_find(c, &q));
	assert_int_equal(q.caused_by, 2);
	assert_int_equal(q.fault, UW_FAULT_UNKNOWN);
	free(c);
}

static void who_may_be_excused(void **state)
{
	struct uw_query q = asked();

	(void)state;
	assert_true(uw_cause_wanted(&q));
	q.verdict = UW_ANSWERED;
	assert_false(uw_cause_wanted(&q));
	q.answer.flags = UW_DNS_SERVFAIL;
	assert_true(uw_cause_wanted(&q));
	q.role = UW_ROLE_CLIENT;
	assert_false(uw_cause_wanted(&q));
	q = asked();
	q.server_pid = 0;
	assert_false(uw_cause_wanted(&q));
	q = asked();
	q.question_hash = 0;	/* NTP, or no readable question */
	assert_false(uw_cause_wanted(&q));
}

static void the_oldest_is_forgotten(void **state)
{
	struct uw_causes *c = calloc(1, sizeof(*c));
	struct uw_query cause = upstream(2, 2000), q = asked();
	unsigned i;

	(void)state;
	assert_non_null(c);
	uw_cause_note(c, &cause);
	for (i = 0; i < UW_CAUSES - 1; i++) {
		cause = upstream(100 + i, 5000 + i);
		cause.task.pid = OTHER;
		uw_cause_note(c, &cause);
	}
	assert_true(uw_cause_find(c, &q));
	uw_cause_note(c, &cause);
	q = asked();
	assert_false(uw_cause_find(c, &q));
	free(c);
}

/* One that came in by a device is excused alike, and is no cause itself. */
static void visitors(void **state)
{
	struct uw_causes *c = calloc(1, sizeof(*c));
	struct uw_query cause = upstream(2, 2000), q = asked();

	(void)state;
	assert_non_null(c);
	uw_cause_note(c, &cause);
	q.role = UW_ROLE_SERVER;
	assert_true(uw_cause_wanted(&q));
	assert_true(uw_cause_find(c, &q));
	assert_int_equal(q.caused_by, 2);
	q.role = UW_ROLE_FORWARDER;
	assert_false(uw_cause_wanted(&q));
	cause.role = UW_ROLE_SERVER;
	expect_none(&cause);
	cause.role = UW_ROLE_FORWARDER;
	expect_none(&cause);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_cause_counts),
		cmocka_unit_test(it_was_open_already),
		cmocka_unit_test(others_do_not_excuse),
		cmocka_unit_test(beyond_only_with_complete_evidence),
		cmocka_unit_test(who_may_be_excused),
		cmocka_unit_test(the_oldest_is_forgotten),
		cmocka_unit_test(visitors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
