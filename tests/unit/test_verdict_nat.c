// SPDX-License-Identifier: GPL-2.0-only
/* Ruling 11: a reply that is no longer translated back. */
#include "verdict_fixture.h"

#define HOST 7
#define CONTAINER 8
#define NAT .nat = {.seen = 1, .netns = HOST}
#define REPLY_DIED(at, why, where, ends)                                                           \
	.drop[UW_REPLY] = {.seen = true, .dir = UW_REPLY, .stage = UW_STAGE_##at, .when_ns = AT(4),    \
			   .reason = (why), .netns = (where), .untranslated = (ends)}
#define THROUGH .key.quota = UW_QUOTA_FORWARDER
#define CLIENTS (UW_NAT_CLIENT | UW_NAT_WIRE)
#define SERVERS UW_NAT_SERVER

static const struct {
	struct test_case c;
	bool expired;
} expired[] = {
	{{"the masquerading host has no socket for it, that of the asker being open or not",
	  {SENT(1, UW_Q_OUTSIDE), NAT, .on_wire = 1, .wire_in_ns = AT(4),
	   REPLY_DIED(UDP, "NO_SOCKET", HOST, CLIENTS)},
	  GIVES(REPLY_DROPPED, LOCAL, CLIENT, UDP), REPLY_DROP}, true},
	{{"its firewall takes it for a stranger's",
	  {SENT(1, UW_Q_OUTSIDE), NAT, .on_wire = 1, .wire_in_ns = AT(4),
	   REPLY_DIED(NF_INPUT, "NETFILTER_DROP", HOST, CLIENTS)},
	  GIVES(REPLY_DROPPED, LOCAL, CLIENT, NF_INPUT), REPLY_DROP}, true},
	{{"the container has no socket for what comes from the real server",
	  {SENT(1, UW_Q_OUTSIDE), NAT, .on_wire = 1, .wire_in_ns = AT(4),
	   REPLY_DIED(UDP, "NO_SOCKET", CONTAINER, SERVERS)},
	  GIVES(REPLY_DROPPED, LOCAL, CLIENT, UDP), REPLY_DROP}, true},
	{{"prerouting: it may have been freed before its turn",
	  {SENT(1, UW_Q_OUTSIDE), NAT, .on_wire = 1, .wire_in_ns = AT(4),
	   REPLY_DIED(NF_PREROUTING, "NETFILTER_DROP", HOST, CLIENTS)},
	  GIVES(REPLY_DROPPED, LOCAL, CLIENT, NF_PREROUTING), REPLY_DROP}, false},
	{{"forward: the server's end is translated back behind it",
	  {SENT(1, UW_Q_OUTSIDE), NAT, .on_wire = 1, .wire_in_ns = AT(4),
	   REPLY_DIED(NF_FORWARD, "NETFILTER_DROP", HOST, SERVERS)},
	  GIVES(REPLY_DROPPED, LOCAL, CLIENT, NF_FORWARD), REPLY_DROP}, false},
	{{"another namespace before the one that translates",
	  {SENT(1, UW_Q_OUTSIDE), NAT, .on_wire = 1, .wire_in_ns = AT(4),
	   REPLY_DIED(NF_FORWARD, "NETFILTER_DROP", CONTAINER, CLIENTS)},
	  GIVES(REPLY_DROPPED, LOCAL, CLIENT, NF_FORWARD), REPLY_DROP}, false},
	{{"translated back once of twice",
	  {SENT(1, UW_Q_OUTSIDE), NAT, .on_wire = 1, .wire_in_ns = AT(4),
	   REPLY_DIED(NF_FORWARD, "NETFILTER_DROP", HOST, UW_NAT_CLIENT)},
	  GIVES(REPLY_DROPPED, LOCAL, CLIENT, NF_FORWARD), REPLY_DROP}, false},
	{{"translated, and the asker had closed",
	  {SENT(1, UW_Q_OUTSIDE), NAT, .on_wire = 1, .wire_in_ns = AT(4),
	   REPLY_DIED(UDP, "NO_SOCKET", HOST, 0)},
	  GIVES(ANSWERED_LATE, BEYOND, CLIENT, UDP), NO_DROP}, false},
	{{"too late for any translation",
	  {SENT(1, UW_Q_OUTSIDE), NAT, .on_wire = 1, .wire_in_ns = AT(5001),
	   .drop[UW_REPLY] = {.seen = true, .dir = UW_REPLY, .stage = UW_STAGE_UDP, .when_ns = AT(5002),
			      .reason = "NO_SOCKET", .netns = HOST, .untranslated = CLIENTS}},
	  GIVES(ANSWERED_LATE, BEYOND, CLIENT, UDP), NO_DROP}, false},
	{{"given to a socket as it was on the wire",
	  {SENT(1, UW_Q_OUTSIDE | UW_Q_UNTRANSLATED), NAT, .on_wire = 1, .wire_in_ns = AT(4)},
	  GIVES(MISDIRECTED, LOCAL, CLIENT, SOCKET_QUEUE), NO_DROP}, true},
	{{"... but one that was translated came too",
	  {SENT(1, UW_Q_OUTSIDE | UW_Q_UNTRANSLATED), NAT, .on_wire = 1, READ_AT(5)},
	  GIVES(ANSWERED, NONE, CLIENT, READ), NO_DROP}, false},
	{{"a forwarder's own UDP has no socket for it",
	  {SENT(1, UW_Q_OUTSIDE), THROUGH, NAT, .on_wire = 1, .wire_in_ns = AT(4),
	   REPLY_DIED(UDP, "NO_SOCKET", HOST, CLIENTS)},
	  GIVES(REPLY_DROPPED, LOCAL, FORWARDER, UDP), REPLY_DROP}, true},
	{{"a forwarder drops it before its turn",
	  {SENT(1, UW_Q_OUTSIDE), THROUGH, NAT, .on_wire = 1, .wire_in_ns = AT(4),
	   REPLY_DIED(NF_PREROUTING, "NETFILTER_DROP", HOST, CLIENTS)},
	  GIVES(REPLY_DROPPED, LOCAL, FORWARDER, NF_PREROUTING), REPLY_DROP}, false},
	{{"a forwarder lets it leave from another address than was asked",
	  {SENT(1, UW_Q_OUTSIDE | UW_Q_UNTRANSLATED), THROUGH, NAT, .on_wire = 1, .wire_in_ns = AT(4),
	   .reply_out_ns = AT(5), REACHED(UW_REPLY, WIRE_OUT)},
	  GIVES(MISDIRECTED, LOCAL, FORWARDER, WIRE_OUT), NO_DROP}, true},
	{{"... too late for anybody",
	  {SENT(1, UW_Q_OUTSIDE | UW_Q_UNTRANSLATED), THROUGH, NAT, .on_wire = 1, .wire_in_ns = AT(5001),
	   .reply_out_ns = AT(5002), REACHED(UW_REPLY, WIRE_OUT)},
	  GIVES(ANSWERED_LATE, BEYOND, FORWARDER, WIRE_OUT), NO_DROP}, false},
};

static void test_expired(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(expired); i++) {
		struct uw_query q = expired[i].c.q;

		assert_cases(&expired[i].c, 1);
		q.nat_expired = !expired[i].expired;
		uw_judge(&q);
		if (q.nat_expired != expired[i].expired)
			fail_msg("%s: nat.expired is %d", expired[i].c.what, q.nat_expired);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
