/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink/json_writer.h"
#include "sink/sink.h"

#define S 1000000000ull
#define US 1000ull
#define WALL 1795328641123456789ll	/* 2026-11-22T06:24:01.123456789Z */

/* ---- what a sink wrote ---- */

struct written {
	FILE *out;
	char *text;
	size_t size;
	struct uw_clock clock;
	struct uw_sink *sink;
};

static const struct uw_run plain_run = { .host = "gw1", .version = "0.1", .run = 0xab12b3f1 };

static void setup_sink(struct written *w, const struct uw_run *run)
{
	memset(w, 0, sizeof(*w));
	w->out = open_memstream(&w->text, &w->size);
	assert_non_null(w->out);
	uw_clock_note(&w->clock, 100 * S, WALL);
	w->sink = uw_sink_json(w->out, &w->clock);
	assert_non_null(w->sink);
	w->sink->start(w->sink, run);
	fflush(w->out);
}

static void forget(struct written *w)
{
	fflush(w->out);
	rewind(w->out);
}

static void close_sink(struct written *w)
{
	w->sink->close(w->sink);
	fclose(w->out);
}

/* The one line that @q gives; to be freed. */
static char *query_line(const struct uw_query *q)
{
	struct written w;

	setup_sink(&w, &plain_run);
	forget(&w);
	w.sink->query(w.sink, q);
	close_sink(&w);
	return w.text;
}

/* Whether "key":value stands in a line, as a whole. */
static bool has(const char *line, const char *member)
{
	const char *at = strstr(line, member);

	return at && at > line && strchr("{,", at[-1]) && strchr(",}", at[strlen(member)]);
}

static bool has_key(const char *line, const char *key)
{
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	return strstr(line, quoted);
}

static void must_have(const char *line, const char *member)
{
	if (!has(line, member))
		fail_msg("%s is not in %s", member, line);
}

static void must_lack(const char *line, const char *key)
{
	if (has_key(line, key))
		fail_msg("%s is in %s", key, line);
}

/* ---- queries ---- */

static struct uw_addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct uw_addr){ { a, b, c, d } };
}

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

/* ---- the other records ---- */

static void the_start(void **state)
{
	const struct uw_asker asker = { .executable = "ntpd", .pid = 811, .port = 123,
					.protocol = UW_PROTO_NTP, .servers = 3, .uid = 107,
					.cgroup = "/system.slice/ntp.service", .netns = 7,
					.netns_name = "bl\nue" };
	const struct uw_run run = {
		.host = "gw1", .version = "0.1", .kernel = "6.12.9", .command = "trace",
		.filters = "--server 192.0.2.0/24",
		.timeout_ns = 5 * S, .ports = { { 123, UW_PROTO_NTP }, { 53, UW_PROTO_DNS } },
		.port_count = 2, .scope = { "blue\n" }, .scope_count = 1,
		.hooks = { "kfree_skb", "net_dev_queue" }, .hook_count = 2,
		.gaps = UW_GAP_BIT(UW_GAP_OLD_KERNEL), .askers = &asker, .asker_count = 1,
	};
	struct written w;
	const char *rest;

	(void)state;
	setup_sink(&w, &run);
	close_sink(&w);
	assert_int_equal(strncmp(w.text, "{\"v\":1,\"type\":\"start\",\"time\":\"2", 31), 0);
	rest = strstr(w.text, "\"host.name\"");
	assert_non_null(rest);
	assert_string_equal(rest,
		"\"host.name\":\"gw1\",\"version\":\"0.1\",\"kernel\":\"6.12.9\",\"command\":\"trace\","
		"\"filters\":\"--server 192.0.2.0/24\",\"timeout_us\":5000000,"
		"\"ports\":[\"ntp=123\",\"dns=53\"],\"scope\":[\"blue\\\\x0a\"],"
		"\"hooks\":[\"kfree_skb\",\"net_dev_queue\"],\"gaps\":[\"old_kernel\"],"
		"\"askers\":[{\"process.executable.name\":\"ntpd\",\"process.pid\":811,"
		"\"network.protocol.name\":\"ntp\",\"client.port\":123,\"user.id\":107,"
		"\"cgroup\":\"/system.slice/ntp.service\",\"netns\":7,\"netns.name\":\"bl\\\\x0aue\","
		"\"servers\":3}]}\n");
	free(w.text);
}

static struct uw_flow flow(void)
{
	struct uw_flow f = {
		.id = { .client = v4(10, 0, 0, 5), .server = v4(192, 0, 2, 1), .netns = 7,
			.server_port = 123, .family = 4, .protocol = UW_PROTO_NTP, .fixed = 1 },
		.attempts = 5, .executable = "ntpd", .pid = 811, .last_good_ns = 100 * S,
		.rtt_max_us = 950,
	};

	f.count[UW_ANSWERED] = 4;
	f.count[UW_REQUEST_DROPPED] = 1;
	f.rtt[9] = 4;
	f.drops = 1;
	f.drop[0].stage = UW_STAGE_QDISC;
	f.drop[0].count = 1;
	snprintf(f.drop[0].reason, sizeof(f.drop[0].reason), "QDISC_DROP");
	return f;
}

static void flows_come_before_the_end(void **state)
{
	struct uw_flow f = flow(), server = flow();
	const struct uw_flow *list[] = { &f, &server };
	struct uw_totals t = { .command_ran = true, .command_status = 2, .elapsed_ns = 6 * S };
	struct written w;
	char *second, *end;

	(void)state;
	server.id.role = UW_ROLE_SERVER;
	server.id.client = v4(10, 0, 0, 0);
	memset(server.count, 0, sizeof(server.count));
	t.verdict[UW_ANSWERED] = 4;
	t.fault[UW_FAULT_LOCAL] = 1;
	t.stats[UW_STAT_requests] = 5;
	t.stats[UW_STAT_ring_full] = 9;
	t.recursion_misses = 8;
	setup_sink(&w, &plain_run);
	forget(&w);
	w.sink->end(w.sink, &t, list, 2);
	close_sink(&w);
	second = strchr(w.text, '\n') + 1;
	end = strchr(second, '\n') + 1;
	second[-1] = end[-1] = '\0';

	must_have(w.text, "\"type\":\"flow\"");
	must_have(w.text, "\"client.address\":\"10.0.0.5\"");
	must_have(w.text, "\"client.port_class\":\"fixed\"");
	must_have(w.text, "\"probe\":false");
	must_have(w.text, "\"count.answered\":4");
	must_have(w.text, "\"count.request_dropped\":1");
	must_have(w.text, "\"count.no_reply\":0");
	must_have(w.text, "\"drops\":[{\"direction\":\"request\",\"stage\":\"qdisc\","
			  "\"reason\":\"QDISC_DROP\",\"count\":1}]");
	must_have(w.text, "\"rtt.max_us\":950");
	must_have(w.text, "\"last_good\":\"2026-11-22T06:24:01.123456789Z\"");
	must_lack(w.text, "last_bad");

	must_have(second, "\"client.network\":\"10.0.0.0/24\"");
	must_lack(second, "client.address");
	must_lack(second, "rtt.p50_us");

	must_have(end, "\"type\":\"end\"");
	must_have(end, "\"requests\":5");
	must_have(end, "\"count.answered\":4");
	must_have(end, "\"fault.local\":1");
	must_have(end, "\"lost.ring\":9");
	must_have(end, "\"lost.table\":0");
	must_have(end, "\"lost.update\":0");
	must_have(end, "\"lost.recursion\":8");
	must_have(end, "\"lost.netlink\":0");
	must_have(end, "\"command.status\":2");
	must_have(end, "\"elapsed_us\":6000000");
	free(w.text);
}

static void a_status_has_no_command(void **state)
{
	struct uw_totals t = { 0 };
	struct written w;

	(void)state;
	setup_sink(&w, &plain_run);
	forget(&w);
	w.sink->status(w.sink, &t);
	close_sink(&w);
	must_have(w.text, "\"type\":\"status\"");
	must_lack(w.text, "command.status");
	free(w.text);
}

static void a_diagnosis(void **state)
{
	struct uw_flow f = flow();
	struct uw_diagnosis d = { .id = "no-route", .confidence = UW_CERTAIN, .summary = "s\x1b",
				  .flows = 1, .flow = { &f } };
	struct written w;
	const char *rest;

	(void)state;
	d.in_favour.count = 2;
	strcpy(d.in_favour.line[0], "one");
	strcpy(d.in_favour.line[1], "two");
	setup_sink(&w, &plain_run);
	forget(&w);
	w.sink->diagnosis(w.sink, &d);
	close_sink(&w);
	rest = strstr(w.text, "\"diagnosis\":\"");
	assert_non_null(rest);
	assert_string_equal(rest,
		"\"diagnosis\":\"no-route\",\"confidence\":\"certain\",\"summary\":\"s\\\\x1b\","
		"\"evidence.for\":[\"one\",\"two\"],\"evidence.against\":[],\"evidence.open\":[],"
		"\"flows\":[{\"netns\":7,\"network.protocol.name\":\"ntp\",\"network.type\":\"ipv4\","
		"\"role\":\"client\",\"client.address\":\"10.0.0.5\",\"client.port_class\":\"fixed\","
		"\"server.address\":\"192.0.2.1\",\"server.port\":123,\"probe\":false}]}\n");
	free(w.text);
}

/* ---- the writer ---- */

static void nesting_and_commas(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct uw_json j;

	(void)state;
	uw_json_line(&j, out);
	uw_json_array(&j, "a");
	uw_json_close(&j);
	uw_json_array(&j, "b");
	uw_json_object(&j, NULL);
	uw_json_int(&j, "x", INT64_MIN);
	uw_json_close(&j);
	uw_json_object(&j, NULL);
	uw_json_close(&j);
	uw_json_uint(&j, NULL, UINT64_MAX);
	uw_json_close(&j);
	uw_json_text(&j, "none", "");
	uw_json_text(&j, "null", NULL);
	uw_json_bool(&j, "c", true);
	uw_json_bytes(&j, "d", "12345", 3);
	uw_json_line_end(&j);
	uw_json_line(&j, out);
	uw_json_line_end(&j);
	fclose(out);
	assert_string_equal(text, "{\"a\":[],\"b\":[{\"x\":-9223372036854775808},{},"
				  "18446744073709551615],\"c\":true,\"d\":\"123\"}\n{}\n");
	free(text);
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
		cmocka_unit_test(the_start),
		cmocka_unit_test(flows_come_before_the_end),
		cmocka_unit_test(a_status_has_no_command),
		cmocka_unit_test(a_diagnosis),
		cmocka_unit_test(nesting_and_commas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
