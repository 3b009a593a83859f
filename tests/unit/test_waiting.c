// SPDX-License-Identifier: GPL-2.0-only
/* Ruling 8's patience: who waits for a cause, for how long, and what is told of him in the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "live/waiting.h"

#define S 1000000000ull

static unsigned told;
static struct uw_query last_told;

static void tell(void *arg, const struct uw_query *q)
{
	(void)arg;
	told++;
	uw_query_copy(&last_told, q);
}

static int setup(void **state)
{
	told = 0;
	*state = uw_waiting_new(5 * S);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	uw_waiting_free(*state);
	return 0;
}

/* Not served by the resolver of process 53, judged at 6 s. */
static struct uw_query not_served(uint64_t id)
{
	return (struct uw_query){
		.id = id, .revision = 1, .role = UW_ROLE_LOCAL, .verdict = UW_NOT_SERVED,
		.fault = UW_FAULT_LOCAL, .server_pid = 53, .question_hash = 7, .send_ns = 1 * S,
		.judged_ns = 6 * S, .key = { .protocol = UW_PROTO_DNS }, .task = { .pid = 12 },
	};
}

static struct uw_query cause(void)
{
	return (struct uw_query){
		.id = 2, .revision = 1, .verdict = UW_NO_REPLY, .fault = UW_FAULT_BEYOND,
		.question_hash = 7, .send_ns = 2 * S, .key = { .protocol = UW_PROTO_DNS },
		.task = { .pid = 53 },
	};
}

static void test_cause_is_there(void **state)
{
	struct uw_query bad = cause(), q = not_served(1);

	assert_false(uw_waiting_take(*state, &bad));
	assert_false(uw_waiting_take(*state, &q));
	assert_int_equal(q.caused_by, 2);
	assert_int_equal(uw_waiting_count(*state), 0);
}

static void test_cause_comes(void **state)
{
	struct uw_query bad = cause(), q = not_served(1);

	assert_true(uw_waiting_take(*state, &q));
	uw_waiting_tell(*state, 6 * S, false, tell, NULL);
	assert_int_equal(told, 0);
	assert_false(uw_waiting_take(*state, &bad));
	uw_waiting_tell(*state, 6 * S, false, tell, NULL);
	assert_int_equal(told, 1);
	assert_int_equal(last_told.caused_by, 2);
	assert_int_equal(last_told.fault, UW_FAULT_BEYOND);
	assert_int_equal(uw_waiting_count(*state), 0);
}

static void test_no_cause_comes(void **state)
{
	struct uw_query q = not_served(1), more = not_served(3);

	assert_true(uw_waiting_take(*state, &q));
	uw_waiting_tell(*state, 7 * S - 1, false, tell, NULL);
	assert_int_equal(told, 0);
	uw_waiting_tell(*state, 7 * S, false, tell, NULL);
	assert_int_equal(told, 1);
	assert_int_equal(last_told.fault, UW_FAULT_LOCAL);
	assert_true(uw_waiting_take(*state, &more));
	uw_waiting_tell(*state, 6 * S, true, tell, NULL);
	assert_int_equal(told, 2);
}

static void test_revisions_do_not_wait(void **state)
{
	struct uw_query q = not_served(1);

	q.revision = 2;
	assert_false(uw_waiting_take(*state, &q));
}

/* A late answer gave a query another verdict: the first is told before it, and only once. */
static void test_hurry(void **state)
{
	struct uw_query q = not_served(1), other = not_served(3);

	assert_true(uw_waiting_take(*state, &q));
	assert_true(uw_waiting_take(*state, &other));
	uw_waiting_hurry(*state, 1, tell, NULL);
	uw_waiting_hurry(*state, 1, tell, NULL);
	assert_int_equal(told, 1);
	assert_int_equal(last_told.id, 1);
	assert_int_equal(uw_waiting_count(*state), 1);
}

static struct uw_query truncated(void)
{
	return (struct uw_query){
		.id = 1, .revision = 1, .verdict = UW_ANSWERED, .judged_ns = 2 * S,
		.key = { .protocol = UW_PROTO_DNS }, .answer = { .flags = UW_DNS_TC }, .task = { .pid = 12 },
	};
}

/* @outcome comes @ms after a TCP connection began at 2 s; what is told of it, and not before then. */
static enum uw_tcp retried(struct uw_waiting *w, enum uw_tcp outcome, unsigned ms)
{
	struct uw_record begin = { .id = 1, .send_ns = 2 * S, .tcp_retry = UW_TCP_PENDING }, end = begin;
	struct uw_query q = truncated();
	uint64_t now = 2 * S + ms * (S / 1000);

	assert_true(uw_waiting_take(w, &q));
	uw_waiting_tcp(w, &begin, 2 * S);
	uw_waiting_tell(w, now - 1, false, tell, NULL);
	assert_int_equal(told, 0);
	end.tcp_retry = outcome;
	if (outcome)
		uw_waiting_tcp(w, &end, now);
	uw_waiting_tell(w, now, false, tell, NULL);
	assert_int_equal(told, 1);
	told = 0;
	return last_told.tcp_retry;
}

static void test_tcp(void **state)
{
	assert_int_equal(retried(*state, UW_TCP_CONNECTED, 3), UW_TCP_CONNECTED);
	assert_int_equal(retried(*state, UW_TCP_REFUSED, 3), UW_TCP_REFUSED);
	assert_int_equal(retried(*state, UW_TCP_ABANDONED, 900), UW_TCP_ABANDONED);
	assert_int_equal(retried(*state, UW_TCP_ABANDONED, 1100), UW_TCP_TIMED_OUT);
	assert_int_equal(retried(*state, UW_TCP_NONE, 5000), UW_TCP_TIMED_OUT);
}

static void test_no_tcp(void **state)
{
	struct uw_record other = { .id = 2, .send_ns = 2 * S, .tcp_retry = UW_TCP_REFUSED };
	struct uw_query q = truncated(), whole = truncated();

	assert_true(uw_waiting_take(*state, &q));
	uw_waiting_tcp(*state, &other, 2 * S);
	uw_waiting_tell(*state, 3 * S - 1, false, tell, NULL);
	assert_int_equal(told, 0);
	uw_waiting_tell(*state, 3 * S, false, tell, NULL);
	assert_int_equal(told, 1);
	assert_int_equal(last_told.tcp_retry, UW_TCP_NONE);
	whole.answer.flags = 0;
	assert_false(uw_waiting_take(*state, &whole));
}

/* The caller's query is gone when the copy is told: the drop that decided is the copy's own. */
static void test_a_copy_stands_for_itself(void **state)
{
	struct uw_query *q = calloc(1, sizeof(*q)), copy;
	unsigned dir;

	(void)state;
	assert_non_null(q);
	for (dir = 0; dir < UW_DIRS; dir++) {
		q->decisive_drop = &q->drop[dir];
		uw_query_copy(&copy, q);
		assert_ptr_equal(copy.decisive_drop, &copy.drop[dir]);
	}
	q->decisive_drop = NULL;
	uw_query_copy(&copy, q);
	assert_null(copy.decisive_drop);
	free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cause_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cause_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_cause_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_revisions_do_not_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hurry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tcp, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_tcp, setup, teardown),
		cmocka_unit_test(test_a_copy_stands_for_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
