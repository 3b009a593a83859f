// SPDX-License-Identifier: GPL-2.0-only
/* The verdict as a function of facts: tables of cases, and the rulings. */
#include "verdict_fixture.h"

static const struct test_case answered[] = {
	{"an answer in time",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(3)},
	 GIVES(ANSWERED, NONE, CLIENT, READ), NO_DROP},
	{"at the deadline is in time",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(5000)},
	 GIVES(ANSWERED, NONE, CLIENT, READ), NO_DROP},
	{"the server is here too",
	 {SENT(1, HERE), READ_AT(1)},
	 GIVES(ANSWERED, NONE, LOCAL, READ), NO_DROP},
	{"a server here that is seen only by what it sends",
	 {SENT(1, UW_Q_REPLY_SENT), READ_AT(1)},
	 GIVES(ANSWERED, NONE, LOCAL, READ), NO_DROP},
	{"ruling 6: an answer wins over a dropped copy",
	 {SENT(2, UW_Q_OUTSIDE), .on_wire = 1, .dropped = 1, READ_AT(3),
	  DROP_OF(UW_REQUEST, NF_OUTPUT, "NETFILTER_DROP")},
	 GIVES(ANSWERED, NONE, CLIENT, READ), NO_DROP},
	{"... over a dropped reply",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(9), DROP_OF(UW_REPLY, UDP, "UDP_CSUM")},
	 GIVES(ANSWERED, NONE, CLIENT, READ), NO_DROP},
	{"... over a second reply that found the socket closed",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(3), DROP_OF(UW_REPLY, UDP, "NO_SOCKET")},
	 GIVES(ANSWERED, NONE, CLIENT, READ), NO_DROP},
	{"ruling 5: ... over an ICMP error",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(3), .icmp = {.seen = 1, .type = 3}},
	 GIVES(ANSWERED, NONE, CLIENT, READ), NO_DROP},
	{"... over an errno of another copy",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(3), .send_errno = EPERM},
	 GIVES(ANSWERED, NONE, CLIENT, READ), NO_DROP},
	{"gaps cannot undo an answer",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(3), .gaps = (1 << UW_GAPS) - 1},
	 GIVES(ANSWERED, NONE, CLIENT, READ), NO_DROP},
	{"ruling 14: a raw socket has it when the wire has",
	 {SENT(1, UW_Q_RAW | UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3),
	  .answer = {.when_ns = AT(3)}},
	 GIVES(ANSWERED, NONE, CLIENT, WIRE_IN), NO_DROP},
	{"ruling 14: NO_SOCKET is no loss of a raw socket's",
	 {SENT(1, UW_Q_RAW | UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3),
	  .answer = {.when_ns = AT(3)}, DROP_OF(UW_REPLY, UDP, "NO_SOCKET")},
	 GIVES(ANSWERED, NONE, CLIENT, WIRE_IN), NO_DROP},
	{"ruling 14: nor is a firewall behind the wire",
	 {SENT(1, UW_Q_RAW | UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3),
	  .answer = {.when_ns = AT(3)}, DROP_OF(UW_REPLY, NF_INPUT, "NETFILTER_DROP")},
	 GIVES(ANSWERED, NONE, CLIENT, WIRE_IN), NO_DROP},
};

static void test_answered(void **state)
{
	(void)state;
	assert_cases(answered, COUNT(answered));
}

/* Every rcode is an answer but REFUSED, whatever the other bits. */
static void test_dns_rcodes(void **state)
{
	struct uw_query q = {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(3)};
	unsigned rcode, flags;

	(void)state;
	q.key.protocol = UW_PROTO_DNS;
	for (flags = 0x8000; flags < 0x10000; flags += 0x80) {
		for (rcode = 0; rcode < 16; rcode++) {
			q.answer.flags = (uint16_t)(flags | rcode);
			q.flags = UW_Q_LOCAL_SEND | UW_Q_OUTSIDE;
			uw_judge(&q);
			assert_int_equal(q.verdict, rcode == 5 ? UW_REFUSED : UW_ANSWERED);
			assert_int_equal(q.fault, rcode == 5 ? UW_FAULT_BEYOND : UW_FAULT_NONE);
			q.flags = UW_Q_LOCAL_SEND | HERE;
			uw_judge(&q);
			assert_int_equal(q.role, UW_ROLE_LOCAL);
			assert_int_equal(q.fault, rcode == 5 ? UW_FAULT_LOCAL : UW_FAULT_NONE);
		}
	}
}

static void test_kiss_codes(void **state)
{
	static const char *const code[] = {"RATE", "DENY", "RSTR", "NTSN", "INIT",
					   "STEP", "XFOO", "ACST", "\0\0\0\0"};
	struct uw_query q = {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(3)};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(code); i++) {
		bool refuses = i < 4;

		memcpy(&q.answer.refid, code[i], 4);
		q.answer.kod = 1;
		uw_judge(&q);
		assert_int_equal(q.verdict, refuses ? UW_REFUSED : UW_ANSWERED);
		assert_int_equal(q.fault, refuses ? UW_FAULT_BEYOND : UW_FAULT_NONE);
		q.answer.kod = 0;	/* a server whose reference clock is called RATE */
		uw_judge(&q);
		assert_int_equal(q.verdict, UW_ANSWERED);
		q.answer.kod = 1;	/* DNS has none */
		q.key.protocol = UW_PROTO_DNS;
		uw_judge(&q);
		assert_int_equal(q.verdict, UW_ANSWERED);
		q.key.protocol = UW_PROTO_NTP;
	}
}

static const struct test_case late[] = {
	{"it came in after the deadline",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(7000), .answer = {.late = 1}},
	 GIVES(ANSWERED_LATE, BEYOND, CLIENT, READ), NO_DROP},
	{"at the deadline is not before it",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = DEADLINE, .queued_ns = DEADLINE,
	  .read_ns = AT(5001), .answer = {.late = 1}},
	 GIVES(ANSWERED_LATE, BEYOND, CLIENT, READ), NO_DROP},
	{"it was on our wire in time, and read too late",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(4999), .queued_ns = AT(4999),
	  .read_ns = AT(8000), .answer = {.late = 1}},
	 GIVES(ANSWERED_LATE, LOCAL, CLIENT, READ), NO_DROP},
	{"kept here for longer than it was away",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_out_ns = AT(3500), READ_AT(7000), .answer = {.late = 1}},
	 GIVES(ANSWERED_LATE, LOCAL, CLIENT, READ), NO_DROP},
	{"away for longer than it was kept here",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_out_ns = AT(3499), READ_AT(7000), .answer = {.late = 1}},
	 GIVES(ANSWERED_LATE, BEYOND, CLIENT, READ), NO_DROP},
	{"how long the first of two copies was kept here is not known",
	 {SENT(2, UW_Q_OUTSIDE), .on_wire = 2, .wire_out_ns = AT(6000), READ_AT(7000), .answer = {.late = 1}},
	 GIVES(ANSWERED_LATE, BEYOND, CLIENT, READ), NO_DROP},
	{"the server is here",
	 {SENT(1, HERE), READ_AT(7000), .answer = {.late = 1}},
	 GIVES(ANSWERED_LATE, LOCAL, LOCAL, READ), NO_DROP},
	{"late is late, REFUSED or not",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(7000),
	  .answer = {.late = 1, .kod = 1, .refid = 0x45544152}},
	 GIVES(ANSWERED_LATE, BEYOND, CLIENT, READ), NO_DROP},
	{"ruling 6: late wins over rejected and dropped",
	 {SENT(2, UW_Q_OUTSIDE), .on_wire = 1, .dropped = 1, READ_AT(7000), .answer = {.late = 1},
	  .icmp = {.seen = 1, .type = 3}, DROP_OF(UW_REQUEST, QDISC, "QDISC_DROP")},
	 GIVES(ANSWERED_LATE, BEYOND, CLIENT, READ), NO_DROP},
	{"ruling 2: the process ended, a child reads what came after",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(2000), .abandoned_ns = AT(1000)},
	 GIVES(ANSWERED_LATE, BEYOND, CLIENT, READ), NO_DROP},
	{"ruling 2: ... and what was on our wire before",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(900), .queued_ns = AT(900),
	  .read_ns = AT(2000), .abandoned_ns = AT(1000)},
	 GIVES(ANSWERED_LATE, LOCAL, CLIENT, READ), NO_DROP},
	{"ruling 2: abandoned after it was read",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(900), .abandoned_ns = AT(1000)},
	 GIVES(ANSWERED, NONE, CLIENT, READ), NO_DROP},
	{"it came in after the deadline, and nobody saw it queued: before 6.3 that is not told",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(7000), REACHED(UW_REPLY, WIRE_IN)},
	 GIVES(ANSWERED_LATE, BEYOND, CLIENT, WIRE_IN), NO_DROP},
	{"... nor what became of it behind the input hook",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(7000), .input_ns = AT(7000), REACHED(UW_REPLY, UDP)},
	 GIVES(ANSWERED_LATE, BEYOND, CLIENT, UDP), NO_DROP},
	{"a raw socket's",
	 {SENT(1, UW_Q_RAW | UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(7000),
	  .answer = {.when_ns = AT(7000), .late = 1}},
	 GIVES(ANSWERED_LATE, BEYOND, CLIENT, WIRE_IN), NO_DROP},
};

static void test_late(void **state)
{
	(void)state;
	assert_cases(late, COUNT(late));
}

/* Where reads are not seen nobody marks an answer late: its times say so. */
static const struct test_case late_by_its_time[] = {
	{"no mark, but after the deadline",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(7000)},
	 GIVES(ANSWERED_LATE, BEYOND, CLIENT, READ), NO_DROP},
	{"no mark, in before the deadline and read after it",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3), .queued_ns = AT(3),
	  .read_ns = AT(5001)},
	 GIVES(ANSWERED_LATE, LOCAL, CLIENT, READ), NO_DROP},
};

static void test_late_by_its_time(void **state)
{
	(void)state;
	assert_cases(late_by_its_time, COUNT(late_by_its_time));
}

/* Ruling 2: a reply that finds no socket is late, never dropped. The drop is at AT(4). */
static const struct test_case after_close[] = {
	{"the process is known to have ended before",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3), .abandoned_ns = AT(2),
	  DROP_OF(UW_REPLY, UDP, "NO_SOCKET")},
	 GIVES(ANSWERED_LATE, BEYOND, CLIENT, UDP), NO_DROP},
	{"it closed, and its process ended only after the drop",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3), .abandoned_ns = AT(900),
	  DROP_OF(UW_REPLY, UDP, "NO_SOCKET")},
	 GIVES(ANSWERED_LATE, BEYOND, CLIENT, UDP), NO_DROP},
	{"the server is here",
	 {SENT(1, HERE), .wire_in_ns = AT(3), .abandoned_ns = AT(2),
	  DROP_OF(UW_REPLY, UDP, "NO_SOCKET")},
	 GIVES(ANSWERED_LATE, LOCAL, LOCAL, UDP), NO_DROP},
	{"an ICMP error besides",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3), .abandoned_ns = AT(2),
	  .icmp = {.seen = 1, .type = 11}, DROP_OF(UW_REPLY, UDP, "NO_SOCKET")},
	 GIVES(ANSWERED_LATE, BEYOND, CLIENT, UDP), NO_DROP},
	{"a kernel without reasons cannot tell a closed socket from another drop in UDP",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3), DROP_OF(UW_REPLY, UDP, ""),
	  .gaps = UW_GAP_BIT(UW_GAP_OLD_KERNEL)},
	 GIVES(REPLY_DROPPED, UNKNOWN, CLIENT, UDP), REPLY_DROP},
};

/* A reply that came after the deadline and was lost here as well: the wait was over. */
static const struct test_case late_and_lost[] = {
	{"dropped by a rule",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(5001),
	  DROP_OF(UW_REPLY, NF_INPUT, "NETFILTER_DROP")},
	 GIVES(ANSWERED_LATE, BEYOND, CLIENT, NF_INPUT), NO_DROP},
	{"freed unread by the close",
	 {SENT(1, UW_Q_OUTSIDE | UW_Q_UNREAD), .on_wire = 1, .wire_in_ns = AT(5001),
	  DROP_OF(UW_REPLY, SOCKET_QUEUE, "NOT_SPECIFIED")},
	 GIVES(ANSWERED_LATE, BEYOND, CLIENT, SOCKET_QUEUE), NO_DROP},
	{"on our wire in time, freed later",
	 {SENT(1, UW_Q_OUTSIDE | UW_Q_UNREAD), .on_wire = 1, .wire_in_ns = AT(4999),
	  DROP_OF(UW_REPLY, SOCKET_QUEUE, "NOT_SPECIFIED")},
	 GIVES(REPLY_UNREAD, LOCAL, CLIENT, SOCKET_QUEUE), REPLY_DROP},
	{"a stray, asked for nobody knows when",
	 {.timeout_ns = TIMEOUT_NS, .wire_in_ns = AT(1), .flags = UW_Q_LOCAL_SEND,
	  DROP_OF(UW_REPLY, NF_INPUT, "NETFILTER_DROP")},
	 GIVES(REPLY_DROPPED, LOCAL, CLIENT, NF_INPUT), REPLY_DROP},
};

static void test_late_and_lost(void **state)
{
	(void)state;
	assert_cases(late_and_lost, COUNT(late_and_lost));
}

static void test_after_close(void **state)
{
	(void)state;
	assert_cases(after_close, COUNT(after_close));
}

/* A close that was seen between the two keeps its time: the reply was on our wire before it. */
static void test_close_on_the_way_up(void **state)
{
	static const struct test_case c = {
		"it closed while the reply was on its way through this host",
		{SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(2), .abandoned_ns = AT(3),
		 DROP_OF(UW_REPLY, UDP, "NO_SOCKET")},
		GIVES(ANSWERED_LATE, LOCAL, CLIENT, UDP), NO_DROP};

	(void)state;
	assert_cases(&c, 1);
}

/* The close is known from this very drop alone: it was before it, nobody can say how long. */
static void test_close_known_from_the_drop(void **state)
{
	static const struct test_case c = {
		"only the drop tells of the close",
		{SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3),
		 DROP_OF(UW_REPLY, UDP, "NO_SOCKET")},
		GIVES(ANSWERED_LATE, BEYOND, CLIENT, UDP), NO_DROP};
	struct uw_query q = c.q;

	(void)state;
	uw_judge(&q);
	assert_true(q.abandoned_ns && q.abandoned_ns <= AT(4));
	assert_cases(&c, 1);
}

static const struct test_case rejected[] = {
	{"by a router or the server",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .icmp = {.seen = 1, .type = 3, .code = 3}},
	 GIVES(REJECTED, BEYOND, CLIENT, WIRE_OUT), NO_DROP},
	{"ruling 5: by this host",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .icmp = {.seen = 1, .type = 3, .local = 1}},
	 GIVES(REJECTED, LOCAL, CLIENT, WIRE_OUT), NO_DROP},
	{"ruling 5: by a REJECT rule in output",
	 {SENT(1, 0), .dropped = 1, .icmp = {.seen = 1, .type = 3, .code = 3, .local = 1},
	  DROP_OF(UW_REQUEST, NF_OUTPUT, "NETFILTER_DROP")},
	 GIVES(REJECTED, LOCAL, CLIENT, NF_OUTPUT), NO_DROP},
	{"ruling 5: nobody listens on lo",
	 {SENT(1, 0), .dropped = 1, CAME_IN(true), .icmp = {.seen = 1, .type = 3, .code = 3},
	  DROP_OF(UW_REQUEST, UDP, "NO_SOCKET")},
	 GIVES(REJECTED, LOCAL, LOCAL, UDP), NO_DROP},
	{"ruling 5: by this host, of a copy that never left and was not seen freed",
	 {SENT(1, 0), .icmp = {.seen = 1, .type = 3, .code = 1, .local = 1},
	  .stage_reached = {[UW_REQUEST] = UW_STAGE_NF_POSTROUTING}},
	 GIVES(REJECTED, LOCAL, CLIENT, NF_POSTROUTING), NO_DROP},
	{"ruling 6: one copy dropped here, the other rejected elsewhere",
	 {SENT(2, UW_Q_OUTSIDE), .on_wire = 1, .dropped = 1, .icmp = {.seen = 1, .type = 11},
	  DROP_OF(UW_REQUEST, NF_OUTPUT, "NETFILTER_DROP")},
	 GIVES(REJECTED, BEYOND, CLIENT, WIRE_OUT), NO_DROP},
	{"ruling 6: one copy rejected by our own rule, the other unanswered on the wire",
	 {SENT(2, UW_Q_OUTSIDE), .on_wire = 1, .dropped = 1,
	  .icmp = {.seen = 1, .type = 3, .code = 3, .local = 1},
	  DROP_OF(UW_REQUEST, NF_OUTPUT, "NETFILTER_DROP")},
	 GIVES(NO_REPLY, UNKNOWN, CLIENT, WIRE_OUT), NO_DROP},
	{"ruling 6: a reply dropped here wins",
	 {SENT(2, UW_Q_OUTSIDE), .on_wire = 2, .wire_in_ns = AT(3),
	  .icmp = {.seen = 1, .type = 11}, DROP_OF(UW_REPLY, NF_INPUT, "NETFILTER_DROP")},
	 GIVES(REPLY_DROPPED, LOCAL, CLIENT, NF_INPUT), REPLY_DROP},
	{"ruling 6: an unread reply wins",
	 {SENT(2, UW_Q_OUTSIDE), .on_wire = 2, .wire_in_ns = AT(3), .queued_ns = AT(3),
	  .icmp = {.seen = 1, .type = 11}},
	 GIVES(REPLY_UNREAD, LOCAL, CLIENT, SOCKET_QUEUE), NO_DROP},
	{"not seen is not there, whatever its type says",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .icmp = {.type = 3, .code = 3}},
	 GIVES(NO_REPLY, BEYOND, CLIENT, WIRE_OUT), NO_DROP},
};

static void test_rejected(void **state)
{
	(void)state;
	assert_cases(rejected, COUNT(rejected));
}

/* Ruling 5: all types and codes of both families; fragmentation needed and too big are notes. */
static void test_icmp_types(void **state)
{
	struct uw_query q = {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .icmp = {.seen = 1}};
	unsigned type, code;

	(void)state;
	for (type = 0; type < 256; type++) {
		for (code = 0; code < 17; code++) {
			bool v4 = type == 11 || type == 12 || (type == 3 && code != 4);
			bool v6 = type == 1 || type == 3 || type == 4;

			q.icmp.type = (uint8_t)type;
			q.icmp.code = (uint8_t)code;
			q.key.family = 4;
			uw_judge(&q);
			assert_int_equal(q.verdict, v4 ? UW_REJECTED : UW_NO_REPLY);
			assert_int_equal(q.fault, UW_FAULT_BEYOND);
			q.key.family = 6;
			uw_judge(&q);
			assert_int_equal(q.verdict, v6 ? UW_REJECTED : UW_NO_REPLY);
		}
	}
}

static const struct test_case no_reply[] = {
	{"the reply came in and was routed out again: nobody here has it, nor is it beyond's alone",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3), REACHED(UW_REPLY, WIRE_OUT)},
	 GIVES(NO_REPLY, UNKNOWN, CLIENT, WIRE_OUT), NO_DROP},
	{"left by the wire, nothing came back",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, REACHED(UW_REQUEST, WIRE_OUT)},
	 GIVES(NO_REPLY, BEYOND, CLIENT, WIRE_OUT), NO_DROP},
	{"left at the deadline",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_out_ns = DEADLINE, REACHED(UW_REQUEST, WIRE_OUT)},
	 GIVES(NO_REPLY, BEYOND, CLIENT, WIRE_OUT), NO_DROP},
	{"left when nobody waited any more",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_out_ns = DEADLINE + 1, REACHED(UW_REQUEST, WIRE_OUT)},
	 GIVES(NO_REPLY, UNKNOWN, CLIENT, WIRE_OUT), NO_DROP},
	{"left when the asker had given up",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_out_ns = AT(900), .abandoned_ns = AT(800)},
	 GIVES(NO_REPLY, UNKNOWN, CLIENT, WIRE_OUT), NO_DROP},
	{"two copies",
	 {SENT(2, UW_Q_OUTSIDE), .on_wire = 2},
	 GIVES(NO_REPLY, BEYOND, CLIENT, WIRE_OUT), NO_DROP},
	{"ruling 6: one of them dropped here",
	 {SENT(2, UW_Q_OUTSIDE), .on_wire = 1, .dropped = 1,
	  DROP_OF(UW_REQUEST, NF_OUTPUT, "NETFILTER_DROP")},
	 GIVES(NO_REPLY, UNKNOWN, CLIENT, WIRE_OUT), NO_DROP},
	{"abandoned before anything came",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .abandoned_ns = AT(800)},
	 GIVES(NO_REPLY, BEYOND, CLIENT, WIRE_OUT), NO_DROP},
	{"ruling 14: a raw socket's",
	 {SENT(1, UW_Q_RAW | UW_Q_OUTSIDE), .on_wire = 1},
	 GIVES(NO_REPLY, BEYOND, CLIENT, WIRE_OUT), NO_DROP},
	{"it came in by a device and left by another: beyond all the same",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, CAME_IN(false)},
	 GIVES(NO_REPLY, BEYOND, CLIENT, WIRE_OUT), NO_DROP},
};

static void test_no_reply(void **state)
{
	(void)state;
	assert_cases(no_reply, COUNT(no_reply));
}

/* Rulings 1, 9 and 13: each gap alone is enough. */
static void test_each_gap(void **state)
{
	enum uw_gap g;

	(void)state;
	for (g = 0; g < UW_GAPS; g++) {
		struct uw_query q = {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .gaps = UW_GAP_BIT(g)};

		uw_judge(&q);
		/* What the capture cut off is the query's own record (design: verdict unknown). */
		assert_int_equal(q.verdict, g == UW_GAP_TRUNCATED_CAPTURE ? UW_UNKNOWN : UW_NO_REPLY);
		assert_int_equal(q.fault, UW_FAULT_UNKNOWN);
		assert_int_equal(q.gaps, UW_GAP_BIT(g));
	}
}

/* Ruling 1 makes no exception: what says "beyond" says "evidence complete". */
static void test_beyond_needs_complete_evidence(void **state)
{
	static const struct uw_query blamed[] = {
		{SENT(1, UW_Q_OUTSIDE), .on_wire = 1},
		{SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .icmp = {.seen = 1, .type = 3}},
		{SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(7000), .answer = {.late = 1}},
		{SENT(1, UW_Q_OUTSIDE), .on_wire = 1, READ_AT(3),
		 .answer = {.kod = 1, .refid = 0x45544152}},
		{SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3), .abandoned_ns = AT(2),
		 DROP_OF(UW_REPLY, UDP, "NO_SOCKET")},
	};
	unsigned wrong = 0;
	enum uw_gap g;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(blamed); i++) {
		struct uw_query q = blamed[i];

		uw_judge(&q);
		assert_int_equal(q.fault, UW_FAULT_BEYOND);
		for (g = 0; g < UW_GAPS; g++) {
			q = blamed[i];
			q.gaps = UW_GAP_BIT(g);
			uw_judge(&q);
			if (q.fault != UW_FAULT_BEYOND || !q.gaps)
				continue;
			wrong++;
			print_error("%s is beyond in spite of %s\n", uw_verdict_name(q.verdict),
				    uw_gap_name(g));
		}
	}
	assert_int_equal(wrong, 0);
}

static const struct test_case dropped[] = {
	{"ruling 4: a drop with an errno is a drop",
	 {SENT(1, 0), .dropped = 1, .send_errno = EPERM,
	  DROP_OF(UW_REQUEST, NF_OUTPUT, "NETFILTER_DROP")},
	 GIVES(REQUEST_DROPPED, LOCAL, CLIENT, NF_OUTPUT), REQUEST_DROP},
	{"all copies",
	 {SENT(3, 0), .dropped = 3, DROP_OF(UW_REQUEST, QDISC, "QDISC_DROP")},
	 GIVES(REQUEST_DROPPED, LOCAL, CLIENT, QDISC), REQUEST_DROP},
	{"on lo, at input: the receiver would be here",
	 {SENT(1, 0), .dropped = 1, CAME_IN(true), REACHED(UW_REQUEST, WIRE_IN),
	  DROP_OF(UW_REQUEST, NF_INPUT, "NETFILTER_DROP")},
	 GIVES(REQUEST_DROPPED, LOCAL, LOCAL, NF_INPUT), REQUEST_DROP},
	{"on lo, before it is known for whom",
	 {SENT(1, 0), .dropped = 1, CAME_IN(true), REACHED(UW_REQUEST, WIRE_IN),
	  DROP_OF(UW_REQUEST, NF_PREROUTING, "NETFILTER_DROP")},
	 GIVES(REQUEST_DROPPED, LOCAL, LOCAL, NF_PREROUTING), REQUEST_DROP},
	{"in another namespace of this host, at its input",
	 {SENT(1, 0), .dropped = 1, CAME_IN(false), REACHED(UW_REQUEST, WIRE_IN),
	  DROP_OF(UW_REQUEST, SOCKET_QUEUE, "SOCKET_RCVBUFF")},
	 GIVES(REQUEST_DROPPED, LOCAL, LOCAL, SOCKET_QUEUE), REQUEST_DROP},
	{"in another namespace of this host, before it is known for whom",
	 {SENT(1, 0), .dropped = 1, CAME_IN(false), REACHED(UW_REQUEST, WIRE_IN),
	  DROP_OF(UW_REQUEST, NF_PREROUTING, "NETFILTER_DROP")},
	 GIVES(REQUEST_DROPPED, LOCAL, CLIENT, NF_PREROUTING), REQUEST_DROP},
	{"where a reply came in says nothing about the request",
	 {SENT(1, 0), .dropped = 1, .hops = 1, .path = {{.dir = UW_REPLY, .loopback = 1}},
	  DROP_OF(UW_REQUEST, QDISC, "QDISC_DROP")},
	 GIVES(REQUEST_DROPPED, LOCAL, CLIENT, QDISC), REQUEST_DROP},
	{"gaps cannot undo a drop that was seen",
	 {SENT(1, 0), .dropped = 1, .gaps = (1 << UW_GAPS) - 1,
	  DROP_OF(UW_REQUEST, TC_EGRESS, "TC_EGRESS")},
	 GIVES(REQUEST_DROPPED, LOCAL, CLIENT, TC_EGRESS), REQUEST_DROP},
	{"a packet too big is a note beside the drop",
	 {SENT(1, 0), .dropped = 1, .icmp = {.seen = 1, .type = 3, .code = 4, .mtu = 1400},
	  DROP_OF(UW_REQUEST, DEVICE, "NOT_SPECIFIED")},
	 GIVES(REQUEST_DROPPED, LOCAL, CLIENT, DEVICE), REQUEST_DROP},
	{"the reply, in the firewall",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3),
	  DROP_OF(UW_REPLY, NF_INPUT, "NETFILTER_DROP")},
	 GIVES(REPLY_DROPPED, LOCAL, CLIENT, NF_INPUT), REPLY_DROP},
	{"the reply, no room in the socket",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3),
	  DROP_OF(UW_REPLY, SOCKET_QUEUE, "SOCKET_RCVBUFF")},
	 GIVES(REPLY_DROPPED, LOCAL, CLIENT, SOCKET_QUEUE), REPLY_DROP},
	{"the reply, in the firewall, though a queue was freed unread",
	 {SENT(1, UW_Q_OUTSIDE | UW_Q_UNREAD), .on_wire = 1, .wire_in_ns = AT(3),
	  DROP_OF(UW_REPLY, NF_INPUT, "NETFILTER_DROP")},
	 GIVES(REPLY_DROPPED, LOCAL, CLIENT, NF_INPUT), REPLY_DROP},
	{"ruling 11: a reply that is no longer translated, its asker elsewhere",
	 {.attempts = 1, .replies = 1, DROP_OF(UW_REPLY, UDP, "NO_SOCKET")},
	 GIVES(REPLY_DROPPED, LOCAL, CLIENT, UDP), REPLY_DROP},
	{"the reply, at its checking in the read",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3),
	  DROP_OF(UW_REPLY, READ, "UDP_CSUM")},
	 GIVES(REPLY_DROPPED, LOCAL, CLIENT, READ), REPLY_DROP},
	{"the reply of a server here, in output",
	 {SENT(1, HERE), DROP_OF(UW_REPLY, NF_OUTPUT, "NETFILTER_DROP")},
	 GIVES(REPLY_DROPPED, LOCAL, LOCAL, NF_OUTPUT), REPLY_DROP},
	{"ruling 6: a dropped reply wins over a dropped copy",
	 {SENT(2, UW_Q_OUTSIDE), .on_wire = 1, .dropped = 1, .wire_in_ns = AT(3),
	  DROP_OF(UW_REQUEST, QDISC, "QDISC_DROP"), DROP_OF(UW_REPLY, UDP, "UDP_CSUM")},
	 GIVES(REPLY_DROPPED, LOCAL, CLIENT, UDP), REPLY_DROP},
	{"ruling 7: the reply to a request that nobody saw",
	 {.replies = 1, DROP_OF(UW_REPLY, NF_INPUT, "NETFILTER_DROP"),
	  .gaps = UW_GAP_BIT(UW_GAP_STARTED_AFTER_REQUEST)},
	 GIVES(REPLY_DROPPED, LOCAL, CLIENT, NF_INPUT), REPLY_DROP},
	{"a drop that was counted and whose facts are lost",
	 {SENT(1, 0), .dropped = 1, REACHED(UW_REQUEST, QDISC)},
	 GIVES(UNKNOWN, UNKNOWN, CLIENT, QDISC), NO_DROP},
};

static void test_dropped(void **state)
{
	(void)state;
	assert_cases(dropped, COUNT(dropped));
}

/* The stage of a drop is the point that dropped, whichever it is. */
static void test_drop_stages(void **state)
{
	enum uw_stage at;

	(void)state;
	for (at = UW_STAGE_SEND; at < UW_STAGES; at++) {
		struct uw_query q = {SENT(1, 0), .dropped = 1, DROP_OF(UW_REQUEST, NONE, "X")};

		q.drop[UW_REQUEST].stage = at;
		uw_judge(&q);
		assert_int_equal(q.verdict, UW_REQUEST_DROPPED);
		assert_int_equal(q.stage, at);
		q.dropped = 0;
		q.on_wire = 1;
		q.drop[UW_REPLY] = q.drop[UW_REQUEST];
		q.drop[UW_REQUEST].seen = false;
		uw_judge(&q);
		assert_int_equal(q.verdict, UW_REPLY_DROPPED);
		assert_int_equal(q.stage, at);
	}
}

static const struct test_case stayed[] = {
	{"an unresolved neighbour",
	 {SENT(1, 0), REACHED(UW_REQUEST, NEIGHBOUR)},
	 GIVES(REQUEST_HELD, LOCAL, CLIENT, NEIGHBOUR), NO_DROP},
	{"ruling 6: held wins over dropped",
	 {SENT(2, 0), .dropped = 1, REACHED(UW_REQUEST, QDISC),
	  DROP_OF(UW_REQUEST, NF_OUTPUT, "NETFILTER_DROP")},
	 GIVES(REQUEST_HELD, LOCAL, CLIENT, QDISC), NO_DROP},
	{"held on lo, at input",
	 {SENT(1, 0), CAME_IN(true), REACHED(UW_REQUEST, NF_INPUT)},
	 GIVES(REQUEST_HELD, LOCAL, LOCAL, NF_INPUT), NO_DROP},
	{"held at input, by what device is not known",
	 {SENT(1, 0), REACHED(UW_REQUEST, NF_INPUT)},
	 GIVES(REQUEST_HELD, LOCAL, LOCAL, NF_INPUT), NO_DROP},
	{"the reply came in and went nowhere",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3), REACHED(UW_REPLY, WIRE_IN)},
	 GIVES(REPLY_HELD, LOCAL, CLIENT, WIRE_IN), NO_DROP},
	{"... a copy of it: the other waits here",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3), .reply_inside = true,
	  REACHED(UW_REPLY, WIRE_OUT)},
	 GIVES(REPLY_HELD, LOCAL, CLIENT, QDISC), NO_DROP},
	{"given to UDP and not freed, but neither queueing nor reading was seen",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3), .input_ns = AT(3),
	  REACHED(UW_REPLY, UDP)},
	 GIVES(UNKNOWN, UNKNOWN, CLIENT, UDP), NO_DROP},
	{"a server here sent it, and it went nowhere",
	 {SENT(1, HERE), REACHED(UW_REPLY, QDISC)},
	 GIVES(REPLY_HELD, LOCAL, LOCAL, QDISC), NO_DROP},
	{"queued, not read: its contents are known, nobody has them",
	 {SENT(1, UW_Q_OUTSIDE), .on_wire = 1, .wire_in_ns = AT(3), .queued_ns = AT(3),
	  .answer = {.when_ns = AT(3)}},
	 GIVES(REPLY_UNREAD, LOCAL, CLIENT, SOCKET_QUEUE), NO_DROP},
	{"freed unread by the close",
	 {SENT(1, UW_Q_OUTSIDE | UW_Q_UNREAD), .on_wire = 1, .wire_in_ns = AT(3),
	  DROP_OF(UW_REPLY, SOCKET_QUEUE, "NOT_SPECIFIED")},
	 GIVES(REPLY_UNREAD, LOCAL, CLIENT, SOCKET_QUEUE), REPLY_DROP},
	{"the server's program does not read",
	 {SENT(1, UW_Q_SERVER_QUEUED), REACHED(UW_REQUEST, SOCKET_QUEUE)},
	 GIVES(REQUEST_UNREAD, LOCAL, LOCAL, SOCKET_QUEUE), NO_DROP},
	{"... while a second copy is still on its way",
	 {SENT(2, UW_Q_SERVER_QUEUED), REACHED(UW_REQUEST, QDISC)},
	 GIVES(REQUEST_UNREAD, LOCAL, LOCAL, SOCKET_QUEUE), NO_DROP},
	{"the server's program read it and sent nothing",
	 {SENT(1, UW_Q_SERVER_QUEUED | UW_Q_SERVER_READ), REACHED(UW_REQUEST, READ)},
	 GIVES(NOT_SERVED, LOCAL, LOCAL, READ), NO_DROP},
};

static void test_stayed(void **state)
{
	(void)state;
	assert_cases(stayed, COUNT(stayed));
}

/* What was not seen proves nothing if events were lost meanwhile; a drop that was seen does. */
static void test_lost_records(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(stayed); i++) {
		struct uw_query q = stayed[i].q;
		bool proved = stayed[i].decisive != NO_DROP;

		q.gaps = UW_GAP_BIT(UW_GAP_RECORDS_LOST);
		uw_judge(&q);
		assert_int_equal(q.verdict, proved ? stayed[i].verdict : UW_UNKNOWN);
		assert_int_equal(q.fault, proved ? UW_FAULT_LOCAL : UW_FAULT_UNKNOWN);
		assert_int_equal(q.stage, stayed[i].stage);
		assert_int_equal(decisive_of(&q), stayed[i].decisive);
		q = stayed[i].q;
		q.gaps = UW_GAP_BIT(UW_GAP_NIC_DROPS_ROSE) | UW_GAP_BIT(UW_GAP_XDP_ON_DEVICE);
		uw_judge(&q);
		assert_int_equal(q.verdict, stayed[i].verdict);
	}
}

/* Ruling 6: no_reply wins over a copy that is held. */
static void test_one_out_one_held(void **state)
{
	struct uw_query q = {SENT(2, 0), .on_wire = 1, REACHED(UW_REQUEST, QDISC)};

	(void)state;
	uw_judge(&q);
	assert_int_equal(q.verdict, UW_NO_REPLY);
	assert_int_equal(q.stage, UW_STAGE_WIRE_OUT);
}

static const struct test_case send_failed[] = {
	{"no route",
	 {SENT(1, UW_Q_NO_PACKET), .send_errno = ENETUNREACH, REACHED(UW_REQUEST, ROUTE)},
	 GIVES(SEND_FAILED, LOCAL, CLIENT, ROUTE), NO_DROP},
	{"too big to send",
	 {SENT(1, UW_Q_NO_PACKET), .send_errno = EMSGSIZE, REACHED(UW_REQUEST, SEND)},
	 GIVES(SEND_FAILED, LOCAL, CLIENT, SEND), NO_DROP},
	{"an errno that nobody could tell, and every gap",
	 {SENT(1, UW_Q_NO_PACKET), REACHED(UW_REQUEST, ROUTE), .gaps = (1 << UW_GAPS) - 1},
	 GIVES(SEND_FAILED, LOCAL, CLIENT, ROUTE), NO_DROP},
};

static void test_send_failed(void **state)
{
	(void)state;
	assert_cases(send_failed, COUNT(send_failed));
}

/* Unanswered, but its socket had the answer from another server meanwhile. */
static void test_superseded(void **state)
{
	static const struct test_case cases[] = {
		{"no reply", {SENT(1, 0), .on_wire = 1, .superseded_ns = AT(3)},
		 GIVES(SUPERSEDED, NONE, CLIENT, WIRE_OUT), NO_DROP},
		{"at the deadline", {SENT(1, 0), .on_wire = 1, .superseded_ns = DEADLINE},
		 GIVES(SUPERSEDED, NONE, CLIENT, WIRE_OUT), NO_DROP},
		{"after it", {SENT(1, 0), .on_wire = 1, .superseded_ns = DEADLINE + 1},
		 GIVES(NO_REPLY, BEYOND, CLIENT, WIRE_OUT), NO_DROP},
		{"an answer from before", {SENT(1, 0), .on_wire = 1, .superseded_ns = SENT_NS - 1},
		 GIVES(NO_REPLY, BEYOND, CLIENT, WIRE_OUT), NO_DROP},
		{"both answered", {SENT(1, 0), .on_wire = 1, .superseded_ns = AT(3), READ_AT(4)},
		 GIVES(ANSWERED, NONE, CLIENT, READ), NO_DROP},
		{"the reply found its socket closed",
		 {SENT(1, 0), .on_wire = 1, .superseded_ns = AT(3), .wire_in_ns = AT(4),
		  DROP_OF(UW_REPLY, UDP, "NO_SOCKET")},
		 GIVES(SUPERSEDED, NONE, CLIENT, UDP), NO_DROP},
		{"a firewall's drop is one all the same",
		 {SENT(1, 0), .on_wire = 1, .superseded_ns = AT(3), .wire_in_ns = AT(4),
		  DROP_OF(UW_REPLY, NF_INPUT, "NETFILTER_DROP")},
		 GIVES(REPLY_DROPPED, LOCAL, CLIENT, NF_INPUT), REPLY_DROP},
		{"and one of the request", {SENT(1, 0), .dropped = 1, .superseded_ns = AT(3),
		  DROP_OF(UW_REQUEST, NF_OUTPUT, "NETFILTER_DROP")},
		 GIVES(REQUEST_DROPPED, LOCAL, CLIENT, NF_OUTPUT), REQUEST_DROP},
	};

	(void)state;
	assert_cases(cases, COUNT(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answered),
		cmocka_unit_test(test_dns_rcodes),
		cmocka_unit_test(test_kiss_codes),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_late_by_its_time),
		cmocka_unit_test(test_after_close),
		cmocka_unit_test(test_late_and_lost),
		cmocka_unit_test(test_close_on_the_way_up),
		cmocka_unit_test(test_close_known_from_the_drop),
		cmocka_unit_test(test_rejected),
		cmocka_unit_test(test_icmp_types),
		cmocka_unit_test(test_no_reply),
		cmocka_unit_test(test_each_gap),
		cmocka_unit_test(test_beyond_needs_complete_evidence),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_drop_stages),
		cmocka_unit_test(test_stayed),
		cmocka_unit_test(test_lost_records),
		cmocka_unit_test(test_one_out_one_held),
		cmocka_unit_test(test_send_failed),
		cmocka_unit_test(test_superseded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
