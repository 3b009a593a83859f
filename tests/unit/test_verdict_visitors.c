// SPDX-License-Identifier: GPL-2.0-only
/* uw_judge() of queries that came in by a device: roles server and forwarder. */
#include "verdict_fixture.h"

#define CAME(quota_, more)                                                                         \
	.send_ns = SENT_NS, .timeout_ns = TIMEOUT_NS, .attempts = 1,                               \
	.key = {.family = 4, .protocol = UW_PROTO_DNS, .quota = (quota_)}, .flags = (more)
#define TO_US(more) CAME(UW_QUOTA_SERVER, UW_Q_FOR_HERE | (more))
#define THROUGH(more) CAME(UW_QUOTA_FORWARDER, more)
#define LEFT .on_wire = 1, .wire_out_ns = AT(1), REACHED(UW_REQUEST, WIRE_OUT)
#define REPLY_OUT(ms) .reply_out_ns = AT(ms)
/* Two stages of one initialiser: of the request and of the reply. */
#define STAGES(request, reply) .stage_reached = {UW_STAGE_##request, UW_STAGE_##reply}

static void servers(void **state)
{
	(void)state;
	static const struct test_case cases[] = {
		{"served", {TO_US(HERE), STAGES(READ, WIRE_OUT), REPLY_OUT(3)},
		 GIVES(SERVED, NONE, SERVER, WIRE_OUT), NO_DROP},
		{"replied too late", {TO_US(HERE), STAGES(READ, WIRE_OUT), REPLY_OUT(5001)},
		 GIVES(NOT_SERVED, LOCAL, SERVER, WIRE_OUT), NO_DROP},
		{"never replied", {TO_US(UW_Q_SERVER_QUEUED | UW_Q_SERVER_READ), STAGES(READ, NONE)},
		 GIVES(NOT_SERVED, LOCAL, SERVER, READ), NO_DROP},
		{"never read", {TO_US(UW_Q_SERVER_QUEUED), STAGES(SOCKET_QUEUE, NONE)},
		 GIVES(REQUEST_UNREAD, LOCAL, SERVER, SOCKET_QUEUE), NO_DROP},
		{"never read, its reading may have been lost",
		 {TO_US(UW_Q_SERVER_QUEUED), STAGES(SOCKET_QUEUE, NONE),
		  .gaps = UW_GAP_BIT(UW_GAP_RECORDS_LOST)},
		 GIVES(UNKNOWN, UNKNOWN, SERVER, SOCKET_QUEUE), NO_DROP},
		{"freed unread", {TO_US(UW_Q_SERVER_QUEUED), STAGES(SOCKET_QUEUE, NONE), .dropped = 1,
		  .server_queued_ns = AT(1), DROP_OF(UW_REQUEST, SOCKET_QUEUE, "NOT_SPECIFIED")},
		 GIVES(REQUEST_UNREAD, LOCAL, SERVER, SOCKET_QUEUE), REQUEST_DROP},
		{"full buffer", {TO_US(0), STAGES(UDP, NONE), .dropped = 1,
		  DROP_OF(UW_REQUEST, SOCKET_QUEUE, "SOCKET_RCVBUFF")},
		 GIVES(REQUEST_DROPPED, LOCAL, SERVER, SOCKET_QUEUE), REQUEST_DROP},
		{"dropped before routing, for here", {TO_US(0), STAGES(WIRE_IN, NONE), .dropped = 1,
		  DROP_OF(UW_REQUEST, NF_PREROUTING, "NETFILTER_DROP")},
		 GIVES(REQUEST_DROPPED, LOCAL, SERVER, NF_PREROUTING), REQUEST_DROP},
		{"its reply dropped", {TO_US(HERE), STAGES(READ, NF_OUTPUT),
		  DROP_OF(UW_REPLY, NF_OUTPUT, "NETFILTER_DROP")},
		 GIVES(REPLY_DROPPED, LOCAL, SERVER, NF_OUTPUT), REPLY_DROP},
		{"dropped after it left a device", {TO_US(HERE), STAGES(READ, WIRE_OUT), REPLY_OUT(3),
		  DROP_OF(UW_REPLY, NF_FORWARD, "NETFILTER_DROP")},
		 GIVES(REPLY_DROPPED, LOCAL, SERVER, NF_FORWARD), REPLY_DROP},
		{"its reply waits", {TO_US(HERE), STAGES(READ, QDISC)},
		 GIVES(REPLY_HELD, LOCAL, SERVER, QDISC), NO_DROP},
		{"answered from another address",
		 {TO_US(UW_Q_SERVER_QUEUED | UW_Q_SERVER_READ), STAGES(READ, NONE), .misdirected = true},
		 GIVES(MISDIRECTED, LOCAL, SERVER, SEND), NO_DROP},
		{"the kernel refused to send the reply",
		 {TO_US(UW_Q_SERVER_QUEUED | UW_Q_SERVER_READ), STAGES(READ, NONE), .send_errno = EPERM},
		 GIVES(SEND_FAILED, LOCAL, SERVER, SEND), NO_DROP},
		{"waits in prerouting", {TO_US(0), STAGES(NF_PREROUTING, NONE)},
		 GIVES(REQUEST_HELD, LOCAL, SERVER, NF_PREROUTING), NO_DROP},
		{"waits for a fragment that was freed", {TO_US(UW_Q_TORN), STAGES(REASSEMBLY, NONE),
		  DROP_OF(UW_REQUEST, NF_INGRESS, "NETFILTER_DROP")},
		 GIVES(REQUEST_DROPPED, LOCAL, SERVER, NF_INGRESS), REQUEST_DROP},
		{"taken where no hook sees it", {TO_US(0), STAGES(WIRE_IN, NONE)},
		 GIVES(UNKNOWN, UNKNOWN, SERVER, WIRE_IN), NO_DROP},
	};

	assert_cases(cases, COUNT(cases));
}

static void forwarders(void **state)
{
	(void)state;
	static const struct test_case cases[] = {
		{"forwarded", {THROUGH(UW_Q_OUTSIDE), .on_wire = 1, .wire_out_ns = AT(1), .wire_in_ns = AT(2),
		  STAGES(WIRE_OUT, WIRE_OUT), REPLY_OUT(3)},
		 GIVES(FORWARDED, NONE, FORWARDER, WIRE_OUT), NO_DROP},
		{"no reply", {THROUGH(UW_Q_OUTSIDE), LEFT}, GIVES(NO_REPLY, BEYOND, FORWARDER, WIRE_OUT), NO_DROP},
		{"no reply, with a gap", {THROUGH(UW_Q_OUTSIDE), LEFT, .gaps = UW_GAP_BIT(UW_GAP_NIC_DROPS_ROSE)},
		 GIVES(NO_REPLY, UNKNOWN, FORWARDER, WIRE_OUT), NO_DROP},
		{"rejected", {THROUGH(UW_Q_OUTSIDE), LEFT, .icmp = {.seen = 1, .type = 3, .code = 3}},
		 GIVES(REJECTED, BEYOND, FORWARDER, WIRE_OUT), NO_DROP},
		{"late", {THROUGH(UW_Q_OUTSIDE), .on_wire = 1, .wire_out_ns = AT(1), .wire_in_ns = AT(5001),
		  STAGES(WIRE_OUT, WIRE_OUT), REPLY_OUT(5002)},
		 GIVES(ANSWERED_LATE, BEYOND, FORWARDER, WIRE_OUT), NO_DROP},
		{"kept here until it was late", {THROUGH(UW_Q_OUTSIDE), .on_wire = 1, .wire_out_ns = AT(1),
		  .wire_in_ns = AT(4000), STAGES(WIRE_OUT, WIRE_OUT), REPLY_OUT(5002)},
		 GIVES(ANSWERED_LATE, LOCAL, FORWARDER, WIRE_OUT), NO_DROP},
		{"reply dropped", {THROUGH(UW_Q_OUTSIDE), .on_wire = 1, .wire_out_ns = AT(1), .wire_in_ns = AT(2),
		  STAGES(WIRE_OUT, NF_FORWARD), DROP_OF(UW_REPLY, NF_FORWARD, "NETFILTER_DROP")},
		 GIVES(REPLY_DROPPED, LOCAL, FORWARDER, NF_FORWARD), REPLY_DROP},
		{"reply held", {THROUGH(UW_Q_OUTSIDE), .on_wire = 1, .wire_out_ns = AT(1), .wire_in_ns = AT(2),
		  STAGES(WIRE_OUT, QDISC)}, GIVES(REPLY_HELD, LOCAL, FORWARDER, QDISC), NO_DROP},
		{"request dropped", {THROUGH(0), STAGES(NF_FORWARD, NONE), .dropped = 1,
		  DROP_OF(UW_REQUEST, NF_FORWARD, "NETFILTER_DROP")},
		 GIVES(REQUEST_DROPPED, LOCAL, FORWARDER, NF_FORWARD), REQUEST_DROP},
		{"translated to this host's address and dropped on its way on",
		 {TO_US(0), STAGES(NF_FORWARD, NONE), .dropped = 1, DROP_OF(UW_REQUEST, NF_FORWARD, "NETFILTER_DROP")},
		 GIVES(REQUEST_DROPPED, LOCAL, FORWARDER, NF_FORWARD), REQUEST_DROP},
		{"dropped before routing", {THROUGH(0), STAGES(WIRE_IN, NONE), .dropped = 1,
		  DROP_OF(UW_REQUEST, NF_PREROUTING, "NETFILTER_DROP")},
		 GIVES(REQUEST_DROPPED, LOCAL, FORWARDER, NF_PREROUTING), REQUEST_DROP},
	};

	assert_cases(cases, COUNT(cases));
}

static void open_until(void **state)
{
	(void)state;
	struct uw_query held = {TO_US(0), STAGES(NF_PREROUTING, NONE)};
	struct uw_query read = {TO_US(UW_Q_SERVER_QUEUED | UW_Q_SERVER_READ), STAGES(READ, NONE)};
	struct uw_query away = {THROUGH(UW_Q_OUTSIDE), LEFT};

	assert_true(uw_query_open(&read, DEADLINE - 1));
	assert_false(uw_query_open(&read, DEADLINE));
	assert_true(uw_query_open(&away, DEADLINE - 1));
	assert_false(uw_query_open(&away, DEADLINE));
	assert_true(uw_query_open(&held, DEADLINE));
	assert_false(uw_query_open(&held, SENT_NS + UW_HOLD_NS));
}

static void anothers_frames(void **state)
{
	(void)state;
	struct uw_query q = {THROUGH(UW_Q_FOR_ANOTHER), STAGES(WIRE_IN, NONE)};

	assert_false(uw_query_is_ours(&q));
	strcpy(q.drop[UW_REQUEST].hook, "forward");
	assert_true(uw_query_is_ours(&q));
	q.flags = 0;
	q.drop[UW_REQUEST].hook[0] = 0;
	assert_true(uw_query_is_ours(&q));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers), cmocka_unit_test(forwarders), cmocka_unit_test(open_until),
		cmocka_unit_test(anothers_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
