// SPDX-License-Identifier: GPL-2.0-only
/* The verdict of facts drawn at random: what holds whatever they are. */
#include "verdict_fixture.h"

/* --- facts at random --- */

static uint64_t seed = 0x452821e638d01377ull;

static unsigned random_below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 32) % n;
}

static uint64_t random_time(void)
{
	return random_below(2) ? AT(random_below(9000)) : 0;
}

static void random_drop(struct uw_query *q, enum uw_dir dir)
{
	static const char *const reason[] = {"NO_SOCKET", "NETFILTER_DROP", "NOT_SPECIFIED", ""};
	struct uw_drop_fact *d = &q->drop[dir];

	if (random_below(2))
		return;
	d->seen = true;
	d->dir = dir;
	d->stage = 1 + random_below(UW_STAGES - 1);
	d->when_ns = AT(random_below(9000));
	snprintf(d->reason, sizeof(d->reason), "%s", reason[random_below(COUNT(reason))]);
}

static void random_hops(struct uw_query *q)
{
	unsigned i;

	q->hops = random_below(UW_PATH_MAX + 1);
	for (i = 0; i < q->hops; i++) {
		q->path[i].dir = (uint8_t)random_below(UW_DIRS);
		q->path[i].out = (uint8_t)random_below(2);
		q->path[i].loopback = (uint8_t)random_below(2);
	}
}

static struct uw_query random_facts(void)
{
	struct uw_query q = {SENT(1 + random_below(3), 0)};

	q.flags = random_below(1u << 11) & ~(random_below(4) ? UW_Q_NO_PACKET : 0);
	q.key.family = random_below(2) ? 4 : 6;
	q.key.protocol = random_below(2) ? UW_PROTO_NTP : UW_PROTO_DNS;
	q.wire_in_ns = random_time();
	q.queued_ns = random_time();
	q.read_ns = random_below(2) ? random_time() : 0;
	q.abandoned_ns = random_time();
	q.on_wire = random_below(q.attempts + 1);
	q.dropped = random_below(q.attempts - q.on_wire + 1);
	q.stage_reached[UW_REQUEST] = 1 + random_below(UW_STAGES - 1);
	q.stage_reached[UW_REPLY] = 1 + random_below(UW_STAGES - 1);
	random_drop(&q, UW_REQUEST);
	random_drop(&q, UW_REPLY);
	random_hops(&q);
	q.icmp.seen = random_below(4) == 0;
	q.icmp.type = (uint8_t)random_below(14);
	q.icmp.code = (uint8_t)random_below(16);
	q.icmp.local = random_below(2) != 0;
	q.answer.when_ns = random_time();
	q.answer.flags = (uint16_t)random_below(0x10000);
	q.answer.late = random_below(2) != 0;
	q.answer.kod = random_below(2) != 0;
	memcpy(&q.answer.refid, random_below(2) ? "RATE" : "INIT", 4);
	q.gaps = random_below(2) ? 0 : random_below(1u << UW_GAPS);
	return q;
}

static void assert_decisive_drop(const struct uw_query *q)
{
	const struct uw_drop_fact *d = q->decisive_drop;
	bool must = q->verdict == UW_REQUEST_DROPPED || q->verdict == UW_REPLY_DROPPED;

	if (!d) {
		assert_false(must);
		return;
	}
	assert_true(must || q->verdict == UW_REPLY_UNREAD);
	assert_ptr_equal(d, &q->drop[q->verdict == UW_REQUEST_DROPPED ? UW_REQUEST : UW_REPLY]);
	assert_true(d->seen);
	assert_int_equal(q->stage, d->stage);
	/* Without a reason UDP's drop may be that of a socket that was closed. */
	bool vague = q->verdict == UW_REPLY_DROPPED && d->stage == UW_STAGE_UDP && !d->reason[0] &&
		     q->gaps & UW_GAP_BIT(UW_GAP_OLD_KERNEL);

	assert_int_equal(q->fault, vague ? UW_FAULT_UNKNOWN : UW_FAULT_LOCAL);
}

static void assert_fault(const struct uw_query *q)
{
	assert_int_equal(q->fault == UW_FAULT_NONE, !uw_query_is_bad(q));
	/* Of copies some of which stayed here nobody knows which one mattered. */
	bool inside = q->on_wire && (q->copy_inside || q->attempts > q->on_wire + q->dropped);

	bool left = (q->flags & UW_Q_REPLY_SENT || q->wire_in_ns) &&
		    q->stage_reached[UW_REPLY] == UW_STAGE_WIRE_OUT;
	/* A reply that this host sent on may have been lost by either. */
	bool sent_on = left && q->wire_in_ns;

	if (q->fault == UW_FAULT_UNKNOWN)
		assert_true(q->gaps || q->dropped || inside || sent_on || q->verdict == UW_UNKNOWN);

	if (q->role == UW_ROLE_LOCAL && !left)
		assert_true(q->fault != UW_FAULT_BEYOND);
	if (q->verdict == UW_NO_REPLY) {
		assert_true((q->on_wire || left) && q->fault != UW_FAULT_LOCAL);
		assert_int_equal(q->fault == UW_FAULT_BEYOND, !q->gaps && !q->dropped && !inside && !sent_on);
	}
	if (q->verdict == UW_REQUEST_DROPPED || q->verdict == UW_REQUEST_HELD)
		assert_int_equal(q->on_wire, 0);
}

static void assert_same_verdict(const struct uw_query *a, const struct uw_query *b)
{
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->fault, b->fault);
	assert_int_equal(a->role, b->role);
	assert_int_equal(a->stage, b->stage);
	assert_int_equal(decisive_of(a), decisive_of(b));
}

/* Nothing but the outcome is written, save when the asker gave up, which a drop may tell, and the
 * gaps, of which a reply that was seen closes those that could have hidden it. */
static void assert_facts_untouched(const struct uw_query *before, const struct uw_query *after)
{
	struct uw_query q = *after;

	q.verdict = before->verdict;
	q.fault = before->fault;
	q.role = before->role;
	q.stage = before->stage;
	q.decisive_drop = before->decisive_drop;
	q.abandoned_ns = before->abandoned_ns;
	assert_int_equal(q.gaps & ~before->gaps, 0);
	if (q.gaps != before->gaps)
		assert_true(after->verdict == UW_ANSWERED || after->verdict == UW_ANSWERED_LATE ||
			    after->verdict == UW_REFUSED || before->wire_in_ns ||
			    before->queued_ns || before->drop[UW_REPLY].seen);
	q.gaps = before->gaps;
	assert_memory_equal(before, &q, sizeof(q));
}

static void test_random_facts(void **state)
{
	unsigned given[UW_VERDICTS] = {}, i;
	struct uw_query facts, q, again;

	(void)state;
	for (i = 0; i < 200000; i++) {
		facts = random_facts();
		memcpy(&q, &facts, sizeof(q));
		uw_judge(&q);
		assert_true(q.verdict < UW_VERDICTS);
		assert_true(q.fault < UW_FAULTS);
		assert_true(q.role < UW_ROLES);
		assert_true(q.stage > UW_STAGE_NONE && q.stage < UW_STAGES);
		assert_decisive_drop(&q);
		assert_fault(&q);
		assert_facts_untouched(&facts, &q);
		memcpy(&again, &q, sizeof(q));
		uw_judge(&again);
		assert_same_verdict(&q, &again);
		given[q.verdict]++;
	}
	/* The draw reaches all that a client's own facts can give, or it proves little. */
	for (i = 0; i < UW_VERDICTS; i++) {
		bool of_others = i == UW_SERVED || i == UW_FORWARDED || i == UW_SUPERSEDED ||
				 i == UW_MISDIRECTED;

		assert_int_equal(given[i] > 20, !of_others);
	}
}

/* A gap more never makes anyone guilty, and never makes the query good or bad. */
static void test_random_gaps(void **state)
{
	struct uw_query q, with;
	unsigned i;

	(void)state;
	for (i = 0; i < 50000; i++) {
		q = random_facts();
		with = q;
		with.gaps |= UW_GAP_BIT(random_below(UW_GAPS));
		uw_judge(&q);
		uw_judge(&with);
		assert_true(with.fault == q.fault || with.fault == UW_FAULT_UNKNOWN);
		assert_int_equal(uw_query_is_bad(&q), uw_query_is_bad(&with));
	}
}

/* Time alone closes a query and never opens it again; 30 s are the most. */
static void test_random_times(void **state)
{
	unsigned i, ms;

	(void)state;
	for (i = 0; i < 5000; i++) {
		struct uw_query q = random_facts();
		bool was = true;

		for (ms = 0; ms <= 31000; ms += 250) {
			bool open = uw_query_open(&q, AT(ms));

			assert_true(was || !open);
			was = open;
		}
		assert_false(was);
		assert_false(uw_query_open(&q, SENT_NS + 30 * S));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_facts),
		cmocka_unit_test(test_random_gaps),
		cmocka_unit_test(test_random_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
