// SPDX-License-Identifier: GPL-2.0-only
/* When a query is judged, how long it took, and which verdicts are bad. */
#include "verdict_fixture.h"

/* --- when to judge --- */

static void assert_open_until(const struct uw_query *q, uint64_t ends)
{
	assert_true(uw_query_open(q, SENT_NS));
	assert_true(uw_query_open(q, ends - 1));
	assert_false(uw_query_open(q, ends));
	assert_false(uw_query_open(q, ends + 1));
	assert_false(uw_query_open(q, ends + 1000 * S));
}

/* Ruling 2: judged at the deadline. */
static void test_open_until_the_deadline(void **state)
{
	static const struct uw_query open[] = {
		{SENT(1, UW_Q_OUTSIDE), .on_wire = 1},
		{SENT(2, 0), .on_wire = 1},	/* the other copy is held: the best one counts */
		{SENT(1, 0), .dropped = 1, DROP_OF(UW_REQUEST, QDISC, "QDISC_DROP")},
		{SENT(2, 0), .dropped = 2, DROP_OF(UW_REQUEST, QDISC, "QDISC_DROP")},
		{SENT(1, UW_Q_SERVER_QUEUED)},
		{SENT(1, UW_Q_SERVER_QUEUED | UW_Q_SERVER_READ)},
		{SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3)},
		{SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3), .queued_ns = AT(3),
		 .answer = {.when_ns = AT(3)}},
		{SENT(1, UW_Q_REPLY_SENT), .wire_in_ns = AT(3)},
		{SENT(1, UW_Q_OUTSIDE), .on_wire = 1, DROP_OF(UW_REPLY, UDP, "UDP_CSUM")},
		{SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .icmp = {.seen = 1, .type = 3}},
		{SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .abandoned_ns = AT(800)},
		{SENT(1, UW_Q_RAW | UW_Q_OUTSIDE), .on_wire = 1},
		{SENT(1, 0), .dropped = 1, .send_errno = EPERM},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(open); i++)
		assert_open_until(&open[i], DEADLINE);
}

/* Ruling 3: what has not left is waited for, until it is freed or 30 s passed. */
static void test_held_stays_open(void **state)
{
	struct uw_query q = {SENT(1, 0), REACHED(UW_REQUEST, NEIGHBOUR)};

	(void)state;
	assert_int_equal(UW_HOLD_NS, 30 * S);
	assert_open_until(&q, SENT_NS + 30 * S);
	q.attempts = 2;
	q.dropped = 1;
	assert_open_until(&q, SENT_NS + 30 * S);
	q.dropped = 2;	/* freed */
	assert_open_until(&q, DEADLINE);
	q.dropped = 1;
	q.on_wire = 1;	/* left at last */
	assert_open_until(&q, DEADLINE);
}

static void test_open_with_another_timeout(void **state)
{
	struct uw_query q = {SENT(1, 0)};

	(void)state;
	q.timeout_ns = 60 * S;
	assert_open_until(&q, SENT_NS + 60 * S);
	q.on_wire = 1;
	assert_open_until(&q, SENT_NS + 60 * S);
	q.timeout_ns = S;
	assert_open_until(&q, SENT_NS + S);
}

static void test_nothing_to_wait_for(void **state)
{
	static const struct uw_query closed[] = {
		{SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(3)},
		{SENT(1, UW_Q_RAW), .on_wire = 1, .wire_in_ns = AT(3),
		 .answer = {.when_ns = AT(3)}},
		{SENT(1, UW_Q_NO_PACKET), .send_errno = ENETUNREACH},
		/* a stray drop: its request is not known */
		{.replies = 1, DROP_OF(UW_REPLY, UDP, "UDP_CSUM")},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(closed); i++) {
		assert_false(uw_query_open(&closed[i], AT(4)));
		assert_false(uw_query_open(&closed[i], DEADLINE));
	}
}

/* --- the small ones --- */

static void test_is_bad(void **state)
{
	static const enum uw_verdict good[] = {UW_ANSWERED, UW_SERVED, UW_FORWARDED, UW_SUPERSEDED};
	struct uw_query q = {};
	size_t i;
	int v;

	(void)state;
	for (v = 0; v < UW_VERDICTS; v++) {
		bool bad = true;

		for (i = 0; i < COUNT(good); i++)
			bad &= v != (int)good[i];
		q.verdict = (enum uw_verdict)v;
		assert_int_equal(uw_query_is_bad(&q), bad);
	}
}

static void test_port_class(void **state)
{
	(void)state;
	assert_true(uw_port_fixed(1, 53));
	assert_true(uw_port_fixed(123, 123));
	assert_true(uw_port_fixed(1023, 123));
	assert_false(uw_port_fixed(1024, 123));
	assert_true(uw_port_fixed(5353, 5353));
	assert_false(uw_port_fixed(5353, 53));
	assert_false(uw_port_fixed(65535, 123));
}

static void test_duration(void **state)
{
	struct uw_query read = {SENT(1, 0), .on_wire = 1, .wire_in_ns = AT(2), .queued_ns = AT(3),
				.read_ns = AT(9)};
	struct uw_query drop = {SENT(1, 0), .dropped = 1, DROP_OF(UW_REQUEST, QDISC, "X")};
	struct uw_query icmp = {SENT(1, 0), .on_wire = 1,
				.icmp = {.seen = 1, .type = 3, .when_ns = AT(6)}};
	struct uw_query none = {SENT(1, 0), .on_wire = 1};

	(void)state;
	uw_judge(&read);
	assert_int_equal(uw_query_duration_ns(&read), 3 * MS);
	read.queued_ns = 0;
	read.answer.when_ns = AT(5);
	assert_int_equal(uw_query_duration_ns(&read), 5 * MS);
	read.answer.when_ns = 0;
	assert_int_equal(uw_query_duration_ns(&read), 2 * MS);
	uw_judge(&drop);
	assert_int_equal(uw_query_duration_ns(&drop), 4 * MS);
	drop.send_ns = 0;	/* a stray one: no request, no time since */
	assert_int_equal(uw_query_duration_ns(&drop), 0);
	drop.send_ns = AT(5);	/* a later copy's */
	assert_int_equal(uw_query_duration_ns(&drop), 0);
	uw_judge(&icmp);
	assert_int_equal(uw_query_duration_ns(&icmp), 6 * MS);
	uw_judge(&none);
	assert_int_equal(uw_query_duration_ns(&none), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_until_the_deadline),
		cmocka_unit_test(test_held_stays_open),
		cmocka_unit_test(test_open_with_another_timeout),
		cmocka_unit_test(test_nothing_to_wait_for),
		cmocka_unit_test(test_is_bad),
		cmocka_unit_test(test_port_class),
		cmocka_unit_test(test_duration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
