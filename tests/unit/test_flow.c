/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/flow_table.h"

#define S 1000000000ull

static struct uw_addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct uw_addr){{a, b, c, d}};
}

/* A good NTP query of 3 ms from an ephemeral port, sent at second @at. */
static struct uw_query query(uint64_t at)
{
	struct uw_query q = {
		.role = UW_ROLE_CLIENT,
		.netns = 7,
		.verdict = UW_ANSWERED,
		.attempts = 1,
		.send_ns = at * S,
		.timeout_ns = 5 * S,
		.task.pid = 42,
		.executable = "chronyd",
	};

	q.key = (struct uw_query_key){
		.client = v4(10, 0, 0, 5),
		.server = v4(192, 0, 2, 1),
		.client_port = 46758,
		.server_port = 123,
		.family = 4,
		.protocol = UW_PROTO_NTP,
	};
	q.answer.when_ns = q.wire_in_ns = q.queued_ns = q.read_ns = q.judged_ns =
		q.send_ns + 3000000;
	return q;
}

static struct uw_query bad_query(uint64_t at, enum uw_verdict v)
{
	struct uw_query q = query(at);

	q.verdict = v;
	q.answer.when_ns = q.wire_in_ns = q.queued_ns = q.read_ns = 0;
	q.judged_ns = q.send_ns + 5 * S;
	return q;
}

static unsigned flows_in(struct uw_flow_table *t)
{
	unsigned n;

	uw_flow_list(t, &n);
	return n;
}

static void test_key(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(100);
	struct uw_query q = query(1);
	struct uw_flow *first = uw_flow_add(t, &q, false, NULL);

	(void)state;
	/* An ephemeral port is no part of the key, ... */
	q.key.client_port = 50000;
	assert_ptr_equal(uw_flow_add(t, &q, false, NULL), first);
	assert_int_equal(first->client_port, 50000);
	assert_int_equal(first->count[UW_ANSWERED], 2);
	assert_int_equal(first->attempts, 2);
	assert_string_equal(first->executable, "chronyd");
	/* ... its class is; so is all the rest. */
	q.key.client_port = 123;
	assert_ptr_not_equal(uw_flow_add(t, &q, false, NULL), first);
	assert_ptr_not_equal(uw_flow_add(t, &q, true, NULL), first);
	q = query(1);
	q.netns = 8;
	uw_flow_add(t, &q, false, NULL);
	q = query(1);
	q.role = UW_ROLE_LOCAL;
	uw_flow_add(t, &q, false, NULL);
	q = query(1);
	q.key.client.b[3] = 6;
	uw_flow_add(t, &q, false, NULL);
	q = query(1);
	q.key.server.b[3] = 6;
	uw_flow_add(t, &q, false, NULL);
	q = query(1);
	q.key.server_port = 53;
	uw_flow_add(t, &q, false, NULL);
	q = query(1);
	q.key.protocol = UW_PROTO_DNS;
	uw_flow_add(t, &q, false, NULL);
	assert_int_equal(flows_in(t), 9);
	uw_flow_table_free(t);
}

static void test_unbound_port_is_ephemeral(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(100);
	struct uw_query q = bad_query(1, UW_SEND_FAILED);

	(void)state;
	q.key.client_port = 0;
	assert_int_equal(uw_flow_add(t, &q, false, NULL)->id.fixed, 0);
	uw_flow_table_free(t);
}

static void test_times(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(100);
	struct uw_query q = query(5);
	struct uw_flow *f = uw_flow_add(t, &q, false, NULL);

	(void)state;
	q = query(3);
	q.task.pid = 1;
	uw_flow_add(t, &q, false, NULL);
	assert_int_equal(f->pid, 42);	/* the last to ask, not the last to be told of */
	q = bad_query(9, UW_NO_REPLY);
	uw_flow_add(t, &q, false, NULL);
	q = bad_query(8, UW_SUPERSEDED); /* neither good nor bad */
	uw_flow_add(t, &q, false, NULL);
	assert_int_equal(f->first_ns, 3 * S);
	assert_int_equal(f->last_good_ns, 5 * S);
	assert_int_equal(f->last_bad_ns, 9 * S);
	assert_int_equal(uw_flow_asked(f), 4);
	assert_int_equal(uw_flow_answered(f), 2);
	uw_flow_table_free(t);
}

static void test_answered_is_three_verdicts(void **state)
{
	struct uw_flow f = {};
	int v;

	(void)state;
	for (v = 0; v < UW_VERDICTS; v++)
		f.count[v] = 1ull << v;
	assert_int_equal(uw_flow_answered(&f),
			 1 << UW_ANSWERED | 1 << UW_SERVED | 1 << UW_FORWARDED);
	assert_int_equal(uw_flow_asked(&f), (1ull << UW_VERDICTS) - 1);
}

static void test_revision(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(100);
	struct uw_query q = bad_query(1, UW_NO_REPLY);
	struct uw_flow *f = uw_flow_add(t, &q, false, NULL);
	const enum uw_verdict was = UW_NO_REPLY;

	(void)state;
	assert_int_equal(f->bad_complete, 1);
	q.revision = 2;
	q.verdict = UW_ANSWERED_LATE;
	assert_ptr_equal(uw_flow_add(t, &q, false, &was), f);
	assert_int_equal(f->count[UW_NO_REPLY], 0);
	assert_int_equal(f->count[UW_ANSWERED_LATE], 1);
	assert_int_equal(f->bad_complete, 0);
	assert_int_equal(f->attempts, 1);
	assert_int_equal(uw_flow_asked(f), 1);
	uw_flow_table_free(t);
}

static void test_revision_of_a_lost_query(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(100);
	struct uw_query q = bad_query(1, UW_ANSWERED_LATE);
	const enum uw_verdict was = UW_NO_REPLY;
	struct uw_flow *f = uw_flow_add(t, &q, false, &was);

	(void)state;
	assert_int_equal(f->count[UW_NO_REPLY], 0);
	assert_int_equal(f->bad_complete, 0);
	assert_int_equal(uw_flow_asked(f), 1);
	uw_flow_table_free(t);
}

static void test_complete_needs_no_gap(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(100);
	struct uw_query q = bad_query(1, UW_NO_REPLY);
	struct uw_flow *f;

	(void)state;
	q.gaps = UW_GAP_BIT(UW_GAP_RECORDS_LOST);
	f = uw_flow_add(t, &q, false, NULL);
	assert_int_equal(f->count[UW_NO_REPLY], 1);
	assert_int_equal(f->bad_complete, 0);
	uw_flow_table_free(t);
}

static struct uw_drop_fact drop_of(enum uw_stage stage, enum uw_dir dir, const char *reason)
{
	struct uw_drop_fact d = {.seen = true, .stage = stage, .dir = dir, .netns = 7};

	snprintf(d.reason, sizeof(d.reason), "%s", reason);
	snprintf(d.engine, sizeof(d.engine), "nftables");
	snprintf(d.hook, sizeof(d.hook), "input");
	return d;
}

static void test_drops(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(100);
	struct uw_query q = bad_query(1, UW_REPLY_DROPPED);
	struct uw_flow *f;
	int i;

	(void)state;
	q.drop[UW_REPLY] = drop_of(UW_STAGE_NF_INPUT, UW_REPLY, "NETFILTER_DROP");
	f = uw_flow_add(t, &q, false, NULL);
	uw_flow_add(t, &q, false, NULL);
	assert_int_equal(f->drops, 1);
	assert_int_equal(f->drop[0].count, 2);
	assert_string_equal(f->drop[0].reason, "NETFILTER_DROP");
	assert_string_equal(f->drop[0].engine, "nftables");
	assert_string_equal(f->drop[0].hook, "input");
	assert_int_equal(f->drop[0].netns, 7);
	/* stage, reason, direction and namespace tell kinds apart */
	q.drop[UW_REPLY].netns = 8;
	uw_flow_add(t, &q, false, NULL);
	q.drop[UW_REPLY].stage = UW_STAGE_SOCKET_QUEUE;
	q.drop[UW_REPLY].rcvbuf = 4096;
	uw_flow_add(t, &q, false, NULL);
	assert_int_equal(f->drops, 3);
	assert_int_equal(f->drop[2].rcvbuf, 4096);
	for (i = 0; i < 10; i++) {
		snprintf(q.drop[UW_REPLY].reason, sizeof(q.drop[UW_REPLY].reason), "REASON_%d", i);
		uw_flow_add(t, &q, false, NULL);
	}
	assert_int_equal(f->drops, UW_FLOW_DROPS);
	assert_int_equal(f->drops_unlisted, 5);
	uw_flow_table_free(t);
}

/* The second revision may bring the drop of a late reply. */
static void test_drop_of_a_revision(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(100);
	struct uw_query q = bad_query(1, UW_NO_REPLY);
	struct uw_flow *f = uw_flow_add(t, &q, false, NULL);
	const enum uw_verdict was = UW_NO_REPLY;

	(void)state;
	q.verdict = UW_REPLY_DROPPED;
	q.drop[UW_REPLY] = drop_of(UW_STAGE_NF_INPUT, UW_REPLY, "NETFILTER_DROP");
	q.decisive_drop = &q.drop[UW_REPLY];
	uw_flow_add(t, &q, false, &was);
	assert_int_equal(f->drops, 1);
	assert_int_equal(f->drop[0].count, 1);
	uw_flow_table_free(t);
}

static void test_errnos(void **state)
{
	static const int errs[] = {ENETUNREACH, EACCES, ENETUNREACH, EINVAL, EPERM, EMSGSIZE};
	struct uw_flow_table *t = uw_flow_table_new(100);
	struct uw_query q = bad_query(1, UW_SEND_FAILED);
	struct uw_flow *f = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(errs) / sizeof(errs[0]); i++) {
		q.send_errno = errs[i];
		q.stage = i < 2 ? UW_STAGE_ROUTE : UW_STAGE_SEND;
		f = uw_flow_add(t, &q, false, NULL);
	}
	assert_int_equal(f->send_errors, UW_FLOW_ERRNOS);
	assert_int_equal(f->send_error[0].err, ENETUNREACH);
	assert_int_equal(f->send_error[0].count, 2);
	assert_int_equal(f->send_error[0].routed, 1);
	assert_int_equal(f->send_error[3].err, EPERM);
	assert_int_equal(f->count[UW_SEND_FAILED], 6);
	uw_flow_table_free(t);
}

static void test_kiss_codes(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(100);
	struct uw_query q = bad_query(1, UW_REFUSED);
	struct uw_flow *f;

	(void)state;
	q.answer.kod = 1;
	memcpy(&q.answer.refid, "RATE", 4);
	f = uw_flow_add(t, &q, false, NULL);
	memcpy(&q.answer.refid, "DENY", 4);
	uw_flow_add(t, &q, false, NULL);
	q.answer.kod = 0; /* DNS REFUSED has none */
	uw_flow_add(t, &q, false, NULL);
	assert_int_equal(f->kod_rate, 1);
	assert_int_equal(f->refused, 2);
	assert_int_equal(f->count[UW_REFUSED], 3);
	uw_flow_table_free(t);
}

/* What is the way's: neither what was lost here, nor what may have been; and a later verdict takes it back. */
static void test_lost_beyond(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(100);
	struct uw_query q = bad_query(1, UW_NO_REPLY);
	enum uw_verdict before = UW_NO_REPLY;
	struct uw_flow *f;

	(void)state;
	q.fault = UW_FAULT_BEYOND;
	f = uw_flow_add(t, &q, false, NULL);
	q.fault = UW_FAULT_UNKNOWN;
	uw_flow_add(t, &q, false, NULL);
	q.verdict = UW_REJECTED;
	q.fault = UW_FAULT_LOCAL;
	uw_flow_add(t, &q, false, NULL);
	q.verdict = UW_REFUSED;
	q.fault = UW_FAULT_BEYOND;
	uw_flow_add(t, &q, false, NULL);
	assert_int_equal(f->lost_beyond, 1);
	q.verdict = UW_ANSWERED_LATE;
	q.fault = UW_FAULT_LOCAL;
	uw_flow_count(f, &q, &before, f);
	assert_int_equal(f->lost_beyond, 0);
	uw_flow_table_free(t);
}

static void test_port_unreachable(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(100);
	struct uw_query q = bad_query(1, UW_REJECTED);
	struct uw_flow *f;

	(void)state;
	q.icmp = (struct uw_icmp){.seen = 1, .type = 3, .code = 3, .from = q.key.server};
	f = uw_flow_add(t, &q, false, NULL);
	q.icmp.code = 13; /* administratively prohibited */
	uw_flow_add(t, &q, false, NULL);
	q.icmp.code = 3;
	q.icmp.from = v4(10, 0, 0, 1); /* a router says so: a REJECT rule */
	uw_flow_add(t, &q, false, NULL);
	assert_int_equal(f->port_unreachable, 1);
	assert_int_equal(f->count[UW_REJECTED], 3);
	q.icmp.local = 1;
	uw_flow_add(t, &q, false, NULL);
	assert_int_equal(f->icmp_local, 1);
	/* ICMPv6 has other numbers: 1/4; type 3 is time exceeded */
	q.key.family = 6;
	q.icmp = (struct uw_icmp){.seen = 1, .type = 3, .code = 3, .from = q.key.server};
	f = uw_flow_add(t, &q, false, NULL);
	assert_int_equal(f->port_unreachable, 0);
	q.icmp.type = 1;
	q.icmp.code = 4;
	uw_flow_add(t, &q, false, NULL);
	assert_int_equal(f->port_unreachable, 1);
	uw_flow_table_free(t);
}

static const struct uw_flow_key key = {
	.client.b = {10, 0, 0, 5},
	.server.b = {192, 0, 2, 1},
	.netns = 7,
	.server_port = 123,
	.family = 4,
	.protocol = UW_PROTO_NTP,
};

static struct uw_flow *fold(struct uw_flow_table *t, const struct uw_flow_key *k, bool probe,
			    const struct uw_flow_value *v)
{
	struct uw_flow_id id;

	uw_flow_fold(t, k, probe, v, NULL);
	uw_flow_id_of_key(&id, k, probe);
	return (struct uw_flow *)uw_flow_find(t, &id);
}

static void test_fold(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(100);
	struct uw_flow_value v = {.answered = 10,
				  .attempts = 12,
				  .last_good_ns = 4 * S,
				  .rtt_max_us = 900,
				  .rtt[9] = 10,
				  .comm = "ntpd",
				  .pid = 9,
				  .client_port = 40000};
	struct uw_flow *f = fold(t, &key, false, &v);
	struct uw_query q = bad_query(5, UW_NO_REPLY);

	(void)state;
	assert_ptr_equal(fold(t, &key, false, &v), f);
	assert_int_equal(f->count[UW_ANSWERED], 10);
	assert_string_equal(f->executable, "ntpd");
	/* the bad queries of the same flow are the same flow's */
	assert_ptr_equal(uw_flow_add(t, &q, false, NULL), f);
	assert_string_equal(f->executable, "chronyd");
	v.answered = 11;
	v.attempts = 13;
	v.rtt[9] = 11;
	v.duplicate = 2;
	v.conflicting = 1;
	fold(t, &key, false, &v);
	fold(t, &key, false, &v);
	assert_int_equal(f->duplicate, 2);
	assert_int_equal(f->conflicting, 1);
	v.unsynchronised = 2;
	v.last_unsynchronised_ns = 40;
	fold(t, &key, false, &v);
	fold(t, &key, false, &v);
	assert_int_equal(f->unsynchronised, 2);
	assert_int_equal(f->last_unsynchronised_ns, 40);
	assert_int_equal(f->count[UW_ANSWERED], 11);
	assert_int_equal(f->attempts, 14);
	assert_int_equal(f->rtt[9], 11);
	assert_int_equal(f->last_good_ns, 4 * S);
	assert_int_equal(f->rtt_max_us, 900);
	/* an older answer does not name the last asker */
	assert_string_equal(f->executable, "chronyd");
	/* a total that fell: the kernel began a new entry */
	v = (struct uw_flow_value){
		.answered = 2, .attempts = 2, .rtt[9] = 2, .last_good_ns = 6 * S};
	fold(t, &key, false, &v);
	assert_int_equal(f->count[UW_ANSWERED], 13);
	assert_int_equal(f->rtt[9], 13);
	assert_int_equal(flows_in(t), 1);
	uw_flow_table_free(t);
}

/* A name of all 16 bytes has no NUL; local and fixed are part of the key. */
static void test_fold_key(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(100);
	struct uw_flow_value v = {.answered = 1, .last_good_ns = S};
	struct uw_flow_key k = key;
	struct uw_flow *f;

	(void)state;
	memset(v.comm, 'x', sizeof(v.comm));
	f = fold(t, &k, true, &v);
	assert_int_equal(strlen(f->executable), sizeof(v.comm));
	assert_int_equal(f->id.role, UW_ROLE_CLIENT);
	assert_int_equal(f->id.probe, 1);
	k.role = UW_ROLE_LOCAL;
	k.fixed = 1;
	f = fold(t, &k, false, &v);
	assert_int_equal(f->id.role, UW_ROLE_LOCAL);
	assert_int_equal(f->id.fixed, 1);
	uw_flow_table_free(t);
}

static uint64_t sum_of(struct uw_flow_table *t, enum uw_verdict v)
{
	unsigned i, count;
	const struct uw_flow *const *list = uw_flow_list(t, &count);
	uint64_t sum = 0;

	for (i = 0; i < count; i++)
		sum += list[i]->count[v];
	return sum;
}

static const struct uw_flow *other_in(struct uw_flow_table *t)
{
	unsigned count;
	const struct uw_flow *const *list = uw_flow_list(t, &count);

	return count && uw_flow_is_other(&list[count - 1]->id) ? list[count - 1] : NULL;
}

static void test_full(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(3);
	struct uw_query q = query(1);
	int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		q.key.server.b[3] = (uint8_t)i;
		assert_int_equal(uw_flow_add(t, &q, false, NULL)->count[UW_ANSWERED], 1);
		/* the first one is used again and again: it stays */
		q.key.server.b[3] = 0;
		uw_flow_add(t, &q, false, NULL);
	}
	assert_int_equal(uw_flow_table_lost(t), 0);
	assert_int_equal(flows_in(t), 4);
	assert_int_equal(uw_flow_others(t), 1);
	assert_int_equal(other_in(t)->count[UW_ANSWERED], 2);
	assert_int_equal(uw_flow_add(t, &q, false, NULL)->count[UW_ANSWERED], 7);
	assert_int_equal(sum_of(t, UW_ANSWERED), 11);
	uw_flow_table_free(t);
}

static void note_left(void *arg, const struct uw_flow *f)
{
	assert_true(f->left);
	*(uint64_t *)arg += f->count[UW_NO_REPLY];
}

static void those_idle_leave(void **state)
{
	const enum uw_verdict before = UW_NO_REPLY;
	struct uw_flow_table *t = uw_flow_table_new(8);
	struct uw_query q = query(100);
	struct uw_flow *f;
	uint64_t left = 0;

	(void)state;
	uw_flow_table_watch(t, note_left, &left);
	q.verdict = UW_NO_REPLY;
	uw_flow_add(t, &q, false, NULL);
	q.key.server.b[3]++;
	q.send_ns = 200 * S;
	uw_flow_add(t, &q, false, NULL);
	uw_flow_expire(t, 150 * S);
	assert_int_equal(left, 1);
	assert_int_equal(flows_in(t), 2);
	/* its answer comes late: what is taken back was counted by "other" meanwhile */
	q.key.server.b[3]--;
	q.send_ns = 100 * S;
	q.verdict = UW_ANSWERED_LATE;
	q.revision = 2;
	f = uw_flow_add(t, &q, false, &before);
	assert_int_equal(f->count[UW_ANSWERED_LATE], 1);
	assert_int_equal(f->count[UW_NO_REPLY], 0);
	assert_int_equal(sum_of(t, UW_NO_REPLY), 1);
	assert_int_equal(sum_of(t, UW_ANSWERED_LATE), 1);
	/* "other" itself does not leave */
	uw_flow_expire(t, 1000 * S);
	assert_int_equal(flows_in(t), 1);
	assert_int_equal(sum_of(t, UW_NO_REPLY) + sum_of(t, UW_ANSWERED_LATE), 2);
	assert_int_equal(other_in(t)->pid, 0);
	uw_flow_table_free(t);
}

static void what_the_kernel_counts_stays_exact(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(1);
	struct uw_flow_key k = {
		.client = v4(10, 0, 0, 5), .server = v4(192, 0, 2, 1), .netns = 7, .server_port = 123,
		.family = 4, .protocol = UW_PROTO_NTP,
	}, other = k;
	struct uw_flow_value v = { .answered = 5, .attempts = 5, .last_good_ns = 100 * S };
	struct uw_flow more;

	(void)state;
	other.server = v4(192, 0, 2, 2);
	assert_true(uw_flow_fold(t, &k, false, &v, &more));
	assert_int_equal(more.count[UW_ANSWERED], 5);
	assert_true(uw_flow_fold(t, &other, false, &v, &more));
	/* the first has left; that the kernel still counts it brings nothing back */
	assert_false(uw_flow_fold(t, &k, false, &v, &more));
	assert_int_equal(flows_in(t), 2);
	v.answered = 7;
	assert_true(uw_flow_fold(t, &k, false, &v, &more));
	assert_int_equal(more.count[UW_ANSWERED], 2);
	assert_int_equal(sum_of(t, UW_ANSWERED), 12);
	/* the kernel forgot it and counts it anew, to more than before */
	uw_flow_unfold(t, &k);
	v.answered = 9;
	uw_flow_fold(t, &k, false, &v, NULL);
	assert_int_equal(sum_of(t, UW_ANSWERED), 21);
	uw_flow_table_free(t);
}

static void test_server_role(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(12);
	struct uw_query q = query(1);
	struct uw_flow *f;
	int i;

	(void)state;
	q.role = UW_ROLE_SERVER;
	q.verdict = UW_SERVED;
	f = uw_flow_add(t, &q, false, NULL);
	assert_int_equal(f->id.client.b[3], 0);
	assert_int_equal(f->id.client.b[0], 10);
	q.key.client.b[3] = 77;
	assert_ptr_equal(uw_flow_add(t, &q, false, NULL), f);
	/* a quarter of the table, then "other" */
	for (i = 1; i < 50; i++) {
		q.key.client.b[2] = (uint8_t)i;
		f = uw_flow_add(t, &q, false, NULL);
		assert_int_equal(f->id.client.b[0], i < 3 ? 10 : 0);
	}
	assert_int_equal(f->count[UW_SERVED], 47);
	assert_int_equal(flows_in(t), 4);
	/* a prefix that has its flow keeps it */
	q.key.client.b[2] = 2;
	assert_int_equal(uw_flow_add(t, &q, false, NULL)->count[UW_SERVED], 2);
	assert_int_equal(uw_flow_table_lost(t), 0);
	uw_flow_table_free(t);
}

static void test_server_role_v6(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(12);
	struct uw_query q = query(1);
	struct uw_flow *f;

	(void)state;
	q.role = UW_ROLE_SERVER;
	q.key.family = 6;
	memset(q.key.client.b, 0xaa, 16);
	f = uw_flow_add(t, &q, false, NULL);
	assert_int_equal(f->id.client.b[5], 0xaa);
	assert_int_equal(f->id.client.b[6], 0);
	uw_flow_table_free(t);
}

static void test_sorted(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(300);
	const struct uw_flow *const *list;
	struct uw_query q = query(1);
	unsigned n, i;

	(void)state;
	list = uw_flow_list(t, &n);
	assert_int_equal(n, 0);
	for (i = 0; i < 200; i++) {
		q.key.server.b[3] = (uint8_t)(i * 37 % 50);
		q.key.client_port = i < 100 ? 123 : 40000;
		uw_flow_add(t, &q, i / 50 & 1, NULL);
	}
	list = uw_flow_list(t, &n);
	assert_int_equal(n, 200);
	for (i = 1; i < n; i++) {
		const struct uw_flow_id *a = &list[i - 1]->id, *b = &list[i]->id;
		int order = memcmp(&a->server, &b->server, sizeof(a->server));

		assert_true(order <= 0);
		assert_true(order || a->probe * 2 + a->fixed < b->probe * 2 + b->fixed);
	}
	uw_flow_table_free(t);
}

static void test_quantile(void **state)
{
	struct uw_flow f = {};

	(void)state;
	assert_int_equal(uw_flow_quantile_us(&f, 0.5), 0);
	f.rtt[10] = 4; /* 1024 to 2047 */
	f.rtt_max_us = 2000;
	assert_int_equal(uw_flow_quantile_us(&f, 0), 1024);
	assert_int_equal(uw_flow_quantile_us(&f, 0.5), 1536);
	assert_int_equal(uw_flow_quantile_us(&f, 1), 2000); /* never above the longest seen */
	f.rtt[20] = 4;
	f.rtt_max_us = 1 << 21;
	assert_int_equal(uw_flow_quantile_us(&f, 0.25), 1536);
	assert_int_equal(uw_flow_quantile_us(&f, 0.75), (1 << 20) + (1 << 19));
	assert_int_equal(uw_flow_quantile_us(&f, 7), 1 << 21);
	assert_int_equal(uw_flow_quantile_us(&f, -1), 1024);
	assert_int_equal(uw_flow_quantile_us(&f, __builtin_nan("")), 1024);
	memset(f.rtt, 0, sizeof(f.rtt));
	f.rtt[UW_RTT_BUCKETS - 1] = 1;
	f.rtt_max_us = 1ull << 40;
	assert_int_equal(uw_flow_quantile_us(&f, 1), 1ull << 32);
}

static void test_histogram(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(10);
	struct uw_query q = query(1);
	struct uw_flow *f = uw_flow_add(t, &q, false, NULL);

	(void)state;
	assert_int_equal(f->rtt[11], 1); /* 3000 us */
	assert_int_equal(f->rtt_max_us, 3000);
	q = bad_query(2, UW_NO_REPLY);
	uw_flow_add(t, &q, false, NULL);
	assert_int_equal(f->rtt_max_us, 3000);
	uw_flow_table_free(t);
}

static void test_free_null(void **state)
{
	(void)state;
	uw_flow_table_free(NULL);
}

static void the_rhythm_of_sends(void **state)
{
	struct uw_flow_table *t = uw_flow_table_new(4);
	struct uw_flow_key k = {
		.client = v4(10, 0, 0, 5), .server = v4(192, 0, 2, 1), .netns = 7, .server_port = 123,
		.family = 4, .protocol = UW_PROTO_NTP,
	};
	struct uw_flow_value v = { .answered = 1, .attempts = 1, .last_good_ns = 100 * S };
	struct uw_query q = query(164);
	struct uw_flow *f;

	(void)state;
	fold(t, &k, false, &v);
	v.answered = 2;
	v.last_good_ns = 228 * S;
	fold(t, &k, false, &v);
	/* a bad one is told later than it was sent, and again when its answer comes */
	q.verdict = UW_NO_REPLY;
	uw_flow_add(t, &q, false, NULL);
	f = fold(t, &k, false, &v);
	assert_int_equal(uw_rhythm_interval_ns(&f->rhythm), 64 * S);
	assert_int_equal(uw_rhythm_next_ns(&f->rhythm, 229 * S), 292 * S);
	/* of several at once only the last is known: every second is not every 64 */
	v.answered = 66;
	v.last_good_ns = 292 * S;
	fold(t, &k, false, &v);
	assert_int_equal(uw_rhythm_interval_ns(&f->rhythm), 0);
	uw_flow_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_unbound_port_is_ephemeral),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_answered_is_three_verdicts),
		cmocka_unit_test(test_revision),
		cmocka_unit_test(test_revision_of_a_lost_query),
		cmocka_unit_test(test_complete_needs_no_gap),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_drop_of_a_revision),
		cmocka_unit_test(test_errnos),
		cmocka_unit_test(test_kiss_codes),
		cmocka_unit_test(test_port_unreachable),
		cmocka_unit_test(test_lost_beyond),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_fold_key),
		cmocka_unit_test(test_full),
		cmocka_unit_test(those_idle_leave),
		cmocka_unit_test(what_the_kernel_counts_stays_exact),
		cmocka_unit_test(test_server_role),
		cmocka_unit_test(test_server_role_v6),
		cmocka_unit_test(test_sorted),
		cmocka_unit_test(test_quantile),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_free_null),
		cmocka_unit_test(the_rhythm_of_sends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
