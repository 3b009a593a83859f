/* SPDX-License-Identifier: GPL-2.0-only */
/* Loss windows: when they open and close, their edges, and which flows share one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/window.h"

#define S 1000000000ull
#define MS 1000000ull
#define TOLD 64

struct run {
	struct uw_windows *w;
	struct uw_window told[TOLD];
	unsigned count;
};

static void on_window(void *arg, struct uw_window *w)
{
	struct run *r = arg;

	assert_true(r->count < TOLD);
	r->told[r->count++] = *w;
}

static int setup(void **state)
{
	struct run *r = calloc(1, sizeof(*r));

	r->w = uw_windows_new(16);
	uw_windows_run(r->w, 0xabcd);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct run *r = *state;

	uw_windows_free(r->w);
	free(r);
	return 0;
}

/* Of the server with this last byte. */
static void ask(struct run *r, unsigned server, uint64_t ns, enum uw_verdict verdict)
{
	struct uw_query q = { .role = UW_ROLE_CLIENT, .netns = 7, .send_ns = ns, .verdict = verdict, .on_wire = 1 };

	q.key = (struct uw_query_key){
		.client = {{10, 0, 0, 5}}, .server = {{192, 0, 2, (uint8_t)server}}, .client_port = 40000,
		.server_port = 123, .family = 4, .protocol = UW_PROTO_NTP,
	};
	q.hops = 1;
	q.path[0] = (struct uw_hop){ .ifindex = 3, .netns = 7, .dir = UW_REQUEST, .out = 1 };
	uw_windows_query(r->w, &q, NULL);
}

/* One letter a second: g answered, b not, . not asked, others as below. */
static void script(struct run *r, unsigned server, uint64_t from, const char *what)
{
	for (; *what; what++, from += S) {
		switch (*what) {
		case 'g': ask(r, server, from, UW_ANSWERED); break;
		case 'b': ask(r, server, from, UW_NO_REPLY); break;
		case 'r': ask(r, server, from, UW_REJECTED); break;
		case 'd': ask(r, server, from, UW_REQUEST_DROPPED); break;
		case 'D': ask(r, server, from, UW_REPLY_DROPPED); break;
		case 'l': ask(r, server, from, UW_ANSWERED_LATE); break;
		}
	}
}

static void settle(struct run *r, uint64_t until)
{
	uw_windows_settle(r->w, until, on_window, r);
}

static unsigned windows_of(struct run *r, const char *what)
{
	unsigned count;

	script(r, 1, 100 * S, what);
	settle(r, UINT64_MAX);
	uw_windows_list(r->w, &count);
	return count;
}

static const struct uw_window *only(struct run *r)
{
	const struct uw_window *const *list;
	unsigned count;

	list = uw_windows_list(r->w, &count);
	assert_int_equal(count, 1);
	return list[0];
}

static void test_row(void **state)
{
	struct run *r = *state;
	const struct uw_window *w;

	assert_int_equal(windows_of(r, "gggbbbgbgg" "ggg"), 1);
	w = only(r);
	assert_true(w->closed);
	assert_int_equal(w->last_good_ns, 102 * S);
	assert_int_equal(w->first_bad_ns, 103 * S);
	assert_int_equal(w->last_bad_ns, 107 * S);
	assert_int_equal(w->first_good_ns, 108 * S);
	assert_int_equal(w->queries, 5);
	assert_int_equal(w->answered, 1);
	assert_int_equal(w->run, 0xabcd);
	assert_int_equal(w->id, 1);
	assert_int_equal(w->wire_ifindex, 3);
	assert_int_equal(w->flow[0].e.queries, 5);
	/* Told when all was known at once: as closed, and once. */
	assert_int_equal(r->count, 1);
}

static void test_two_are_none(void **state)
{
	assert_int_equal(windows_of(*state, "gggbbggggggbbggggggg"), 0);
}

static void test_never_answered(void **state)
{
	struct run *r = *state;

	assert_int_equal(windows_of(r, "bbbbb"), 1);
	assert_false(only(r)->closed);
	assert_int_equal(only(r)->last_good_ns, 0);
	assert_int_equal(only(r)->first_good_ns, 0);
	assert_int_equal(only(r)->queries, 5);
}

/* Half of at least six within 30 s, and no three in a row. */
static void test_half(void **state)
{
	struct run *r = *state;

	assert_int_equal(windows_of(r, "....gg" "bgbbgbgbbg" "ggg"), 1);
	assert_true(only(r)->closed);
	assert_int_equal(only(r)->first_bad_ns, 106 * S);
	assert_int_equal(only(r)->last_good_ns, 105 * S);
	assert_int_equal(only(r)->last_bad_ns, 114 * S);
	assert_int_equal(only(r)->first_good_ns, 115 * S);
	assert_int_equal(only(r)->queries, 9);
	assert_int_equal(only(r)->answered, 3);
}

static void test_less_than_half(void **state)
{
	assert_int_equal(windows_of(*state, "gggbggbggbggbggbggb"), 0);
}

static void test_five_are_few(void **state)
{
	assert_int_equal(windows_of(*state, "bgbgb"), 0);
}

/* The same six, but in more than 30 s. */
static void test_span(void **state)
{
	assert_int_equal(windows_of(*state, "b........g........b........g........b........g"), 0);
}

/* What is lost here is no network window, and what arrived late is no loss. */
static void test_verdicts(void **state)
{
	struct run *r = *state;

	assert_int_equal(windows_of(r, "gggddddddDDDDDllllll"), 0);
	assert_int_equal(windows_of(r, "....................rrr"), 1);
}

/* A reply after the deadline takes the loss back. */
static void test_unbad(void **state)
{
	enum uw_verdict before = UW_NO_REPLY;
	struct run *r = *state;
	unsigned count;

	script(r, 1, 100 * S, "gggbbb");
	for (unsigned i = 3; i < 6; i++) {
		struct uw_query q = { .role = UW_ROLE_CLIENT, .netns = 7, .send_ns = (100 + i) * S,
				      .verdict = UW_ANSWERED_LATE };

		q.key = (struct uw_query_key){
			.client = {{10, 0, 0, 5}}, .server = {{192, 0, 2, 1}}, .client_port = 40000,
			.server_port = 123, .family = 4, .protocol = UW_PROTO_NTP,
		};
		uw_windows_query(r->w, &q, &before);
	}
	settle(r, UINT64_MAX);
	uw_windows_list(r->w, &count);
	assert_int_equal(count, 0);
}

/* Outcomes come in any order; nothing is said before all are known. */
static void test_order(void **state)
{
	struct run *r = *state;

	script(r, 1, 100 * S, "ggg...ggg");
	settle(r, 101 * S);
	assert_int_equal(r->count, 0);
	script(r, 1, 103 * S, "bbb");
	settle(r, 105 * S);
	assert_int_equal(r->count, 0);
	settle(r, 107 * S);
	assert_int_equal(r->count, 1);
	assert_false(r->told[0].closed);
	assert_int_equal(r->told[0].queries, 3);
	settle(r, 110 * S);
	assert_int_equal(r->count, 2);
	assert_true(r->told[1].closed);
	assert_int_equal(r->told[1].id, r->told[0].id);
	assert_int_equal(uw_windows_lost(r->w), 0);
}

/* Two servers and their edges: the narrowest interval that is true for both. */
static void test_together(void **state)
{
	struct run *r = *state;

	script(r, 1, 100 * S, "g.g.g.b.b.b.b.g.g.g");
	script(r, 2, 100 * S, ".g..g..b..b..b..g..g..g");
	settle(r, UINT64_MAX);
	assert_int_equal(only(r)->flows, 2);
	assert_true(only(r)->closed);
	assert_int_equal(only(r)->last_good_ns, 104 * S);
	assert_int_equal(only(r)->first_bad_ns, 106 * S);
	assert_int_equal(only(r)->last_bad_ns, 113 * S);
	assert_int_equal(only(r)->first_good_ns, 114 * S);
	assert_int_equal(only(r)->queries, 7);
	assert_int_equal(only(r)->elsewhere, 0);
}

/* One that recovers and is lost again before the other recovers: two parts, each with its edges. */
static void test_again(void **state)
{
	const struct uw_window *const *list;
	unsigned i, count, again = 0;
	struct run *r = *state;

	for (i = 0; i < 3; i++) {
		ask(r, 1, 99 * S + i * 250 * MS, UW_ANSWERED);
		ask(r, 1, 100 * S + i * 250 * MS, UW_NO_REPLY);
		ask(r, 1, 100 * S + 800 * MS + i * MS, UW_ANSWERED);
		ask(r, 1, 101 * S + i * 250 * MS, UW_NO_REPLY);
		ask(r, 1, 110 * S + i * S, UW_ANSWERED);
		ask(r, 2, 99 * S + i * 250 * MS, UW_ANSWERED);
		ask(r, 2, 110 * S + i * S, UW_ANSWERED);
	}
	for (i = 0; i < 8; i++)
		ask(r, 2, 100 * S + i * 500 * MS, UW_NO_REPLY);
	settle(r, UINT64_MAX);
	for (list = uw_windows_list(r->w, &count); count; count--, list++) {
		for (i = 0; i < (*list)->flows; i++) {
			assert_in_range((*list)->flow[i].e.first_bad_ns, 100 * S, 104 * S);
			again += (*list)->flow[i].id.server.b[3] == 1;
		}
	}
	assert_int_equal(again, 2);
}

static void test_apart(void **state)
{
	struct run *r = *state;
	unsigned count;

	script(r, 1, 100 * S, "gggbbbbbbbbbbggg");
	script(r, 2, 100 * S, "gggggggbbbbbbggg");
	settle(r, UINT64_MAX);
	uw_windows_list(r->w, &count);
	assert_int_equal(count, 2);
	assert_int_equal(uw_windows_list(r->w, &count)[0]->elsewhere, 3); /* of the other's, at 104, 105, 106 */
}

/* Its edge is long since it is asked rarely: it was lost long after the first had recovered. */
static void test_rare(void **state)
{
	struct run *r = *state;
	unsigned count;

	script(r, 1, 100 * S, "gggbbbbbggg");
	ask(r, 2, 101 * S, UW_ANSWERED);
	script(r, 2, 130 * S, "bbb");
	settle(r, UINT64_MAX);
	uw_windows_list(r->w, &count);
	assert_int_equal(count, 2);
}

/* What was never answered shares a window with nobody. */
static void test_no_edge(void **state)
{
	struct run *r = *state;
	unsigned count;

	script(r, 1, 100 * S, "gggbbbbbggg");
	script(r, 2, 100 * S, "..bbbbbbbbbbb");
	settle(r, UINT64_MAX);
	uw_windows_list(r->w, &count);
	assert_int_equal(count, 2);
}

/* One of them does not come back: it goes on in a window of its own. */
static void test_left_behind(void **state)
{
	struct run *r = *state;
	const struct uw_window *const *list;
	unsigned count;

	script(r, 1, 100 * S, "gggbbbbbggggggggggggg");
	script(r, 2, 100 * S, "gggbbbbbggggggggggggg");
	script(r, 3, 100 * S, "gggbbbbbbbbbbbbbbbbbb");
	for (uint64_t t = 101; t < 130; t++)
		settle(r, t * S);
	settle(r, UINT64_MAX);
	list = uw_windows_list(r->w, &count);
	assert_int_equal(count, 2);
	assert_true(list[0]->closed);
	assert_int_equal(list[0]->flows, 2);
	assert_int_equal(list[0]->first_good_ns, 108 * S);
	assert_false(list[1]->closed);
	assert_int_equal(list[1]->flows, 1);
	assert_int_equal(list[1]->flow[0].id.server.b[3], 3);
	assert_int_equal(list[1]->queries, 18);
}

/* The client stopped asking one of them: the window does not wait for it. */
static void test_left(void **state)
{
	struct run *r = *state;

	script(r, 1, 100 * S, "gggbbbbbggggggg");
	script(r, 2, 100 * S, "gggbbb");
	settle(r, 120 * S);
	assert_false(only(r)->closed);
	settle(r, 500 * S);
	assert_true(only(r)->closed);
}

static void test_elsewhere(void **state)
{
	struct run *r = *state;

	script(r, 1, 100 * S, "gggbbbbbbbbbbggg");
	script(r, 2, 100 * S, "gggggggggggggggg");
	for (uint64_t t = 101; t < 130; t++)
		settle(r, t * S);
	settle(r, UINT64_MAX);
	/* Between 103 and 112; the looks are a second apart. */
	assert_in_range(only(r)->elsewhere, 7, 9);
}

/* Counted by the kernel: runs of which the first and the last are known. */
static void test_runs(void **state)
{
	struct run *r = *state;
	struct uw_flow_id id = {
		.client = {{10, 0, 0, 5}}, .server = {{192, 0, 2, 1}}, .netns = 7, .server_port = 123,
		.family = 4, .protocol = UW_PROTO_NTP, .role = UW_ROLE_CLIENT,
	};

	uw_windows_good(r->w, &id, 100 * S, 103 * S, 3000);
	for (unsigned i = 1; i <= 5000; i++)
		ask(r, 1, 103 * S + i * MS, UW_NO_REPLY);
	uw_windows_good(r->w, &id, 108 * S + 1 * MS, 110 * S, 2000);
	settle(r, UINT64_MAX);
	assert_int_equal(only(r)->last_good_ns, 103 * S);
	assert_int_equal(only(r)->first_bad_ns, 103 * S + MS);
	assert_int_equal(only(r)->last_bad_ns, 108 * S);
	assert_int_equal(only(r)->first_good_ns, 108 * S + MS);
	assert_int_equal(only(r)->queries, 5000);
	assert_int_equal(only(r)->answered, 0);
	assert_int_equal(uw_windows_lost(r->w), 0);
}

/* A busy flow that loses one in ten has neither rows nor halves. */
static void test_busy(void **state)
{
	struct run *r = *state;
	unsigned count;

	for (unsigned i = 0; i < 60000; i++)
		ask(r, 1, 100 * S + i * MS, i % 10 ? UW_ANSWERED : UW_NO_REPLY);
	settle(r, UINT64_MAX);
	uw_windows_list(r->w, &count);
	assert_int_equal(count, 0);
	assert_int_equal(uw_windows_loss(r->w).inside, 0);
}

static void test_loss(void **state)
{
	struct run *r = *state;

	script(r, 1, 100 * S, "gggbggggggbbbbggggbgggggggbggg");
	settle(r, UINT64_MAX);
	assert_int_equal(uw_windows_loss(r->w).inside, 4);
	assert_int_equal(uw_windows_loss(r->w).outside, 3);
}

/* More windows than are kept: the oldest that are over give way. */
static void test_bounded(void **state)
{
	struct run *r = *state;
	const struct uw_window *const *list;
	unsigned count, i;

	for (i = 0; i < 3 * UW_WINDOWS_KEPT; i++) {
		r->count = 0;
		script(r, 1, (100 + 20 * i) * S, "gggbbbggg");
		settle(r, (115 + 20 * i) * S);
	}
	list = uw_windows_list(r->w, &count);
	assert_int_equal(count, UW_WINDOWS_KEPT);
	assert_int_equal(list[0]->id, 2 * UW_WINDOWS_KEPT + 1);
	/* ... and more flows than are followed. */
	for (i = 0; i < 40; i++)
		script(r, i, 10000 * S, "gggbbb");
	settle(r, UINT64_MAX);
	assert_true(uw_windows_lost(r->w) >= 24);
}

/* What another run concluded: replaced by its last record, nothing is concluded anew, losses are counted. */
static void test_taken(void **state)
{
	struct run *r = *state;
	struct uw_window w = { .run = 0x1234, .id = 1, .host_number = 1, .flows = 1, .queries = 3 };
	struct uw_query q = { .role = UW_ROLE_CLIENT, .verdict = UW_NO_REPLY, .host_number = 1 };
	unsigned i;

	q.key = (struct uw_query_key){ .server_port = 123, .client_port = 40000, .family = 4, .protocol = UW_PROTO_NTP };
	uw_flow_id_of(&w.flow[0].id, &q, false);
	w.flow[0].e = (struct uw_episode){ .first_bad_ns = 100 * S, .last_bad_ns = 102 * S, .queries = 3 };
	uw_windows_take(r->w, &w);
	for (i = 0; i < 7; i++) {
		q.send_ns = (100 + i) * S;
		uw_windows_query(r->w, &q, NULL);
	}
	w.closed = true;
	w.flow[0].e.queries = 5;
	uw_windows_take(r->w, &w);
	settle(r, UINT64_MAX);
	assert_int_equal(r->count, 0);
	assert_true(only(r)->closed);
	assert_int_equal(only(r)->id, 1);
	assert_int_equal(uw_windows_loss(r->w).inside, 5);
	assert_int_equal(uw_windows_loss(r->w).outside, 2);
	uw_windows_rest(r->w, &w.flow[0].id, 4);
	assert_int_equal(uw_windows_loss(r->w).outside, 6);
	for (i = 2; i < 200; i++) {
		w.id = i;
		uw_windows_take(r->w, &w);
	}
	assert_int_equal(uw_windows_list(r->w, &i)[0]->id, 200 - UW_WINDOWS_KEPT);
	assert_int_equal(i, UW_WINDOWS_KEPT);
}

/* Still open at the end: told with what it has grown to. */
static void test_grown(void **state)
{
	struct run *r = *state;

	script(r, 1, 100 * S, "gggbbb");
	settle(r, 110 * S);
	assert_int_equal(r->count, 1);
	script(r, 1, 120 * S, "bb");
	settle(r, 130 * S);
	assert_int_equal(r->count, 1);
	settle(r, UINT64_MAX);
	settle(r, UINT64_MAX);
	assert_int_equal(r->count, 2);
	assert_int_equal(r->told[1].queries, 5);
}

/* For weeks: what is long over is forgotten, and flows that are not asked any more give way. */
static void test_forget(void **state)
{
	struct run *r = *state;
	unsigned count, i;

	script(r, 1, 100 * S, "gggbbbggg" "bggg");
	settle(r, 200 * S);
	uw_windows_forget(r->w, 200 * S, 1000 * S);
	assert_int_equal(uw_windows_loss(r->w).inside, 3);
	assert_int_equal(uw_windows_loss(r->w).outside, 1);
	uw_windows_forget(r->w, 1300 * S, 1000 * S);	/* the window ended at 106 */
	uw_windows_list(r->w, &count);
	assert_int_equal(count, 0);
	assert_int_equal(uw_windows_opened(r->w), 1);
	assert_int_equal(uw_windows_loss(r->w).inside, 3);
	script(r, 1, 1400 * S, "gggbbbbggg");
	settle(r, 1500 * S);
	assert_int_equal(uw_windows_loss(r->w).inside, 7);
	uw_windows_forget(r->w, 2400 * S, 1000 * S);
	assert_int_equal(uw_windows_loss(r->w).inside, 4);
	assert_int_equal(uw_windows_loss(r->w).outside, 0);
	uw_windows_list(r->w, &count);
	assert_int_equal(count, 1);
	for (i = 2; i <= 40; i++) {
		ask(r, i, (2400 + 400 * i) * S, UW_ANSWERED);
		settle(r, (2410 + 400 * i) * S);
		uw_windows_forget(r->w, (2410 + 400 * i) * S, 1000000 * S);
	}
	assert_int_equal(uw_windows_lost(r->w), 0);
	assert_int_equal(uw_windows_loss(r->w).inside, 4);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_forget), T(test_row), T(test_two_are_none), T(test_never_answered), T(test_half), T(test_less_than_half),
		T(test_five_are_few), T(test_span), T(test_verdicts), T(test_unbad), T(test_order),
		T(test_together), T(test_again), T(test_apart), T(test_rare), T(test_no_edge), T(test_left_behind), T(test_left),
		T(test_elsewhere), T(test_runs), T(test_busy), T(test_loss), T(test_bounded), T(test_taken),
		T(test_grown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
