/* SPDX-License-Identifier: GPL-2.0-only */
#include "json_fixture.h"

#include <errno.h>

/* ---- queries ---- */

static struct uw_query ntp_query(void)
{
	static const uint8_t xmt[8] = { 0xe8, 0xf2, 0xd1, 0xc0, 0x9a, 0x8b, 0x7c, 0x6d };
	struct uw_query q = {
		.id = 0x2a,
		.run = 0xab12b3f1,
		.revision = 1,
		.key = {
			.client = v4(10, 0, 0, 5),
			.server = v4(192, 0, 2, 1),
			.client_port = 46758,
			.server_port = 123,
			.family = 4,
			.protocol = UW_PROTO_NTP,
		},
		.netns = 4026531840,
		.task = { .pid = 812, .uid = 0, .comm = "check_ntp_time" },
		.executable = "check_ntp_time",
		.send_ns = 100 * S,
		.timeout_ns = 5 * S,
		.attempts = 1,
	};

	memcpy(&q.key.transaction, xmt, sizeof(xmt));
	return q;
}

static struct uw_query dns_query(void)
{
	struct uw_query q = ntp_query();

	q.key.protocol = UW_PROTO_DNS;
	q.key.server_port = 53;
	q.key.transaction = 0x0a1b;
	q.question_len = 17;
	memcpy(q.question, "\7example\3com\0\0\34\0\1", 17);
	return q;
}

static void add_hop(struct uw_query *q, const char *ifname, enum uw_dir dir, bool out)
{
	struct uw_hop *h = &q->path[q->hops++];

	snprintf(h->ifname, sizeof(h->ifname), "%s", ifname);
	h->dir = dir;
	h->out = out;
}

static struct uw_query dropped_reply(void)
{
	struct uw_query q = ntp_query();

	q.on_wire = 1;
	q.wire_out_ns = q.send_ns + 12 * US;
	q.wire_in_ns = q.send_ns + 861 * US;
	q.drop[UW_REPLY] = (struct uw_drop_fact){
		.seen = true,
		.dir = UW_REPLY,
		.stage = UW_STAGE_NF_INPUT,
		.when_ns = q.send_ns + 866 * US,
		.reason = "NETFILTER_DROP",
		.location = "nft_do_chain+0x3e8",
		.hook = "input",
		.engine = "nftables",
		.rule = "inet filter input handle 7: udp dport != 123 drop",
		.ifname = "eth0",
	};
	add_hop(&q, "eth0", UW_REQUEST, true);
	add_hop(&q, "eth0", UW_REPLY, false);
	q.verdict = UW_REPLY_DROPPED;
	q.fault = UW_FAULT_LOCAL;
	q.stage = UW_STAGE_NF_INPUT;
	return q;
}

static struct uw_query no_reply(void)
{
	struct uw_query q = ntp_query();

	q.on_wire = 1;
	q.wire_out_ns = q.send_ns + 21 * US;
	q.judged_ns = q.send_ns + 5 * S;
	add_hop(&q, "veth1", UW_REQUEST, true);
	add_hop(&q, "eth0", UW_REQUEST, true);
	q.verdict = UW_NO_REPLY;
	q.fault = UW_FAULT_BEYOND;
	q.stage = UW_STAGE_WIRE_OUT;
	return q;
}

static void a_dropped_reply(void **state)
{
	struct uw_query q = dropped_reply();
	char *line;

	(void)state;
	q.decisive_drop = &q.drop[UW_REPLY];
	line = query_line(&q);
	assert_string_equal(line,
		"{\"v\":1,\"type\":\"query\",\"query.id\":\"b3f1-0000002a\",\"revision\":1,"
		"\"time\":\"2026-11-22T06:24:01.123456789Z\",\"host.name\":\"gw1\","
		"\"network.protocol.name\":\"ntp\",\"network.type\":\"ipv4\",\"role\":\"client\","
		"\"client.address\":\"10.0.0.5\",\"client.port\":46758,"
		"\"client.port_class\":\"ephemeral\",\"server.address\":\"192.0.2.1\","
		"\"server.port\":123,\"attempts\":1,\"attempts.on_wire\":1,\"netns\":4026531840,"
		"\"process.pid\":812,\"user.id\":0,\"process.executable.name\":\"check_ntp_time\","
		"\"transaction.id\":\"e8f2d1c09a8b7c6d\",\"verdict\":\"reply_dropped\","
		"\"fault\":\"local\",\"stage\":\"nf_input\",\"evidence.complete\":true,"
		"\"drop.reason\":\"NETFILTER_DROP\",\"drop.location\":\"nft_do_chain+0x3e8\","
		"\"drop.direction\":\"reply\",\"drop.stage\":\"nf_input\",\"drop.hook\":\"input\","
		"\"drop.engine\":\"nftables\","
		"\"drop.rule\":\"inet filter input handle 7: udp dport != 123 drop\","
		"\"network.interface.name\":\"eth0\",\"path\":[\"eth0\",\"eth0\"],"
		"\"t.send_us\":0,\"t.wire_out_us\":12,\"t.wire_in_us\":861,\"t.drop_us\":866,"
		"\"duration_us\":866}\n");
	free(line);
}

/* Both directions lost a packet: the one that decided is told. */
static void the_drop_that_decided(void **state)
{
	struct uw_query q = dropped_reply();
	char *line;

	(void)state;
	q.drop[UW_REQUEST] = q.drop[UW_REPLY];
	q.drop[UW_REQUEST].dir = UW_REQUEST;
	q.decisive_drop = &q.drop[UW_REPLY];
	line = query_line(&q);
	must_have(line, "\"drop.direction\":\"reply\"");
	free(line);
}

static void absent_facts_are_absent_keys(void **state)
{
	static const char *const keys[] = {
		"client.port", "client.port_class", "client.address", "netns", "process.pid",
		"process.executable.name", "user.id", "cgroup", "transaction.id", "stage",
		"evidence.gaps", "counters", "drop.reason", "drop.stage", "icmp.from", "path",
		"network.interface.name", "t.wire_out_us", "t.drop_us", "abandoned_us",
		"duration_us", "ntp.stratum", "ntp.kod", "socket.rcvbuf", "attempts.dropped",
		"dns.question.name", "dns.response_code",
	};
	struct uw_query q = { .verdict = UW_SEND_FAILED, .fault = UW_FAULT_LOCAL };
	char *line;

	(void)state;
	q.key.server = v4(192, 0, 2, 1);
	q.key.server_port = 53;
	q.key.family = 4;
	q.key.protocol = UW_PROTO_DNS;
	q.revision = q.attempts = 1;
	q.send_errno = ENETUNREACH;
	q.send_ns = 100 * S;
	line = query_line(&q);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		must_lack(line, keys[i]);
	must_have(line, "\"send.errno\":\"ENETUNREACH\"");
	must_have(line, "\"evidence.complete\":true");
	assert_null(strstr(line, "null"));
	assert_null(strstr(line, "\"\""));
	free(line);
	q.send_errno = 524;
	line = query_line(&q);
	must_have(line, "\"send.errno\":\"E524\"");
	free(line);
}

static void a_silence_and_its_acquittals(void **state)
{
	struct uw_query q = no_reply();
	char *line = query_line(&q);

	(void)state;
	must_have(line, "\"evidence.complete\":true");
	must_have(line, "\"path\":[\"veth1\",\"eth0\"]");
	must_have(line, "\"network.interface.name\":\"eth0\"");
	must_lack(line, "evidence.nic_drops");	/* nobody looked */
	must_lack(line, "duration_us");
	free(line);

	q.acquittal = (struct uw_acquittal){ .looked = true, .nic_drops = 3, .counters = 1 };
	q.acquittal.counter[0] = (struct uw_counter_fact){ "eth0", "rx_missed_errors", 3 };
	q.gaps = UW_GAP_BIT(UW_GAP_NIC_DROPS_ROSE) | UW_GAP_BIT(UW_GAP_ENCAPSULATED);
	q.fault = UW_FAULT_UNKNOWN;
	q.abandoned_ns = q.send_ns + 2 * S;
	line = query_line(&q);
	must_have(line, "\"evidence.complete\":false");
	must_have(line, "\"evidence.gaps\":[\"nic_drops_rose\",\"encapsulated\"]");
	must_have(line, "\"evidence.drops_here\":0");
	must_have(line, "\"evidence.icmp_errors\":0");
	must_have(line, "\"evidence.nic_drops\":3");
	must_have(line, "\"evidence.tx_errors\":0");
	must_have(line, "\"evidence.xdp\":false");
	must_have(line, "\"evidence.tracer_losses\":0");
	must_have(line, "\"counters\":[\"eth0 rx_missed_errors +3\"]");
	must_have(line, "\"abandoned_us\":2000000");
	free(line);
}

static void a_dns_answer(void **state)
{
	struct uw_query q = dns_query();
	char *line;

	(void)state;
	q.verdict = UW_ANSWERED;
	q.answer.when_ns = q.wire_in_ns = q.queued_ns = q.send_ns + 900 * US;
	q.answer.flags = 0x8000 | 1 << 9 | 3;
	line = query_line(&q);
	must_have(line, "\"transaction.id\":\"0a1b\"");
	must_have(line, "\"dns.question.name\":\"example.com\"");
	must_have(line, "\"dns.question.type\":\"AAAA\"");
	must_have(line, "\"dns.response_code\":\"NXDOMAIN\"");
	must_have(line, "\"dns.truncated\":true");
	must_have(line, "\"t.queued_us\":900");
	must_have(line, "\"duration_us\":900");
	must_have(line, "\"fault\":\"none\"");
	must_lack(line, "evidence.complete");
	must_lack(line, "ntp.stratum");
	free(line);
}

static void a_malformed_question_is_left_out(void **state)
{
	struct uw_query q = dns_query();
	char *line;

	(void)state;
	q.question[0] = 0xc0;
	line = query_line(&q);
	must_lack(line, "dns.question.name");
	must_lack(line, "dns.question.type");
	free(line);
}

static void a_kiss_of_death(void **state)
{
	struct uw_query q = ntp_query();
	char *line;

	(void)state;
	q.verdict = UW_REFUSED;
	q.fault = UW_FAULT_BEYOND;
	q.answer.when_ns = q.send_ns + 2000 * US;
	q.answer.kod = 1;
	memcpy(&q.answer.refid, "RATE", 4);
	line = query_line(&q);
	must_have(line, "\"ntp.kod\":\"RATE\"");
	must_have(line, "\"ntp.stratum\":0");
	free(line);
}

static void a_rejected_query_keeps_its_drop(void **state)
{
	struct uw_query q = dropped_reply();
	char *line;

	(void)state;
	q.drop[UW_REQUEST] = q.drop[UW_REPLY];
	q.drop[UW_REQUEST].dir = UW_REQUEST;
	q.drop[UW_REPLY].seen = false;
	q.drop[UW_REQUEST].rcvbuf = 2304;
	q.verdict = UW_REJECTED;
	q.stage = UW_STAGE_WIRE_OUT;
	q.icmp = (struct uw_icmp){ .from = v4(10, 0, 0, 1), .seen = 1, .type = 3, .code = 13,
				   .when_ns = q.send_ns + 7 * US, .verified = 1 };
	line = query_line(&q);
	must_have(line, "\"drop.direction\":\"request\"");
	must_have(line, "\"drop.reason\":\"NETFILTER_DROP\"");
	must_have(line, "\"socket.rcvbuf\":2304");
	must_have(line, "\"socket.rmem\":0");
	must_have(line, "\"icmp.from\":\"10.0.0.1\"");
	must_have(line, "\"icmp.type\":3");
	must_have(line, "\"icmp.code\":13");
	must_have(line, "\"icmp.verified\":true");
	must_have(line, "\"t.icmp_us\":7");
	must_lack(line, "icmp.mtu");
	free(line);
}

/* A reply whose request was never seen: the times count from the first thing known. */
static void a_stray_reply(void **state)
{
	struct uw_query q = dropped_reply();
	char *line;

	(void)state;
	q.send_ns = q.wire_out_ns = 0;
	q.wire_in_ns = 100 * S;
	q.drop[UW_REPLY].when_ns = 100 * S + 5 * US;
	q.gaps = UW_GAP_BIT(UW_GAP_STARTED_AFTER_REQUEST);
	line = query_line(&q);
	must_have(line, "\"time\":\"2026-11-22T06:24:01.123456789Z\"");
	must_have(line, "\"t.wire_in_us\":0");
	must_have(line, "\"t.drop_us\":5");
	must_lack(line, "t.send_us");
	free(line);
}

static void ipv6_and_many_queries(void **state)
{
	struct uw_query q = no_reply();
	char *line;

	(void)state;
	q.key.family = 6;
	q.key.server = (struct uw_addr){ { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };
	q.key.client_port = 123;
	q.id = 0x123456789aull;
	line = query_line(&q);
	must_have(line, "\"network.type\":\"ipv6\"");
	must_have(line, "\"server.address\":\"2001:db8::1\"");
	must_have(line, "\"client.port_class\":\"fixed\"");
	must_have(line, "\"query.id\":\"b3f1-123456789a\"");
	free(line);
}

static void hostile_names(void **state)
{
	struct uw_query q = dropped_reply();
	char *line;

	(void)state;
	snprintf(q.executable, sizeof(q.executable), "a\"b\\\x1b[2J\n\xe2\x80\xae\xff");
	memset(q.path[0].ifname, '\n', UW_IFNAME);	/* not even terminated */
	memset(q.drop[UW_REPLY].ifname, '"', UW_IFNAME);
	snprintf(q.cgroup, sizeof(q.cgroup), "/system.slice/dev-sda1\\x2d.swap");
	line = query_line(&q);
	must_have(line, "\"process.executable.name\":"
			"\"a\\\"b\\\\\\\\x1b[2J\\\\x0a\\\\u{202e}\\\\xff\"");
	must_have(line, "\"cgroup\":\"/system.slice/dev-sda1\\\\x2d.swap\"");
	for (const char *p = line; p[1]; p++)
		assert_true((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f);
	free(line);

	q.executable[0] = '\0';
	memset(q.task.comm, 'c', sizeof(q.task.comm));
	line = query_line(&q);
	must_have(line, "\"process.executable.name\":\"cccccccccccccccc\"");
	free(line);
	q.flags = UW_Q_NO_OWNER;
	line = query_line(&q);
	must_lack(line, "process.executable.name");
	must_lack(line, "process.pid");
	free(line);
}

static void the_holders_of_a_socket_whose_sender_is_unknown(void **state)
{
	struct uw_query q = dropped_reply();
	char *line;

	(void)state;
	snprintf(q.netns_name, sizeof(q.netns_name), "blue");
	q.holders = 2;
	q.holder[0] = (struct uw_holder){ .pid = 11, .executable = "unbound" };
	q.holder[1] = (struct uw_holder){ .pid = 12, .executable = "a\x1b" };
	line = query_line(&q);
	must_have(line, "\"netns.name\":\"blue\"");
	must_lack(line, "socket.holders");
	free(line);
	q.flags = UW_Q_NO_OWNER;
	line = query_line(&q);
	must_lack(line, "\"user.id\"");
	must_have(line, "\"socket.holders\":[{\"process.executable.name\":\"unbound\",\"process.pid\":11},"
		  "{\"process.executable.name\":\"a\\\\x1b\",\"process.pid\":12}]");
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dropped_reply),
		cmocka_unit_test(the_drop_that_decided),
		cmocka_unit_test(absent_facts_are_absent_keys),
		cmocka_unit_test(a_silence_and_its_acquittals),
		cmocka_unit_test(a_dns_answer),
		cmocka_unit_test(a_malformed_question_is_left_out),
		cmocka_unit_test(a_kiss_of_death),
		cmocka_unit_test(a_rejected_query_keeps_its_drop),
		cmocka_unit_test(a_stray_reply),
		cmocka_unit_test(ipv6_and_many_queries),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(the_holders_of_a_socket_whose_sender_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
