/* SPDX-License-Identifier: GPL-2.0-only */
#include "json_fixture.h"

#include "sink/json_writer.h"

/* ---- the other records ---- */

static void the_start(void **state)
{
	struct uw_asker asker = { .executable = "ntpd", .pid = 811, .port = 123,
					.protocol = UW_PROTO_NTP, .servers = 3, .uid = 107,
					.cgroup = "/system.slice/ntp.service", .netns = 7,
					.netns_name = "bl\nue",
					.rhythm = { .told_ns = 64 * S, .told_longest_ns = 1024 * S, .told_next_ns = 136 * S } };
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
		"\"servers\":3,\"interval_us\":64000000,\"interval_longest_us\":1024000000,"
		"\"next\":\"2026-11-22T06:24:37.123456789Z\"}]}\n");
	free(w.text);
	asker.rhythm.told_longest_ns = asker.rhythm.told_ns;
	asker.rhythm.told_next_ns = 0;
	setup_sink(&w, &run);
	close_sink(&w);
	assert_non_null(strstr(w.text, "\"servers\":3,\"interval_us\":64000000}]}\n"));
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

static void flows_that_left(void **state)
{
	struct uw_flow left = flow(), other = flow();
	struct written w;

	(void)state;
	setup_sink(&w, &plain_run);
	forget(&w);
	left.left = true;
	w.sink->flow(w.sink, &left);
	other.id = (struct uw_flow_id){ .protocol = UW_PROTO_NTP };
	other.executable[0] = '\0';
	other.pid = 0;
	w.sink->flow(w.sink, &other);
	close_sink(&w);
	must_have(w.text, "\"left\":true");
	must_have(w.text, "\"network.protocol.name\":\"ntp\",\"role\":\"client\",\"probe\":false,\"other\":true,\"attempts\":5");
	free(w.text);
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
		cmocka_unit_test(the_start),
		cmocka_unit_test(flows_that_left),
		cmocka_unit_test(flows_come_before_the_end),
		cmocka_unit_test(a_status_has_no_command),
		cmocka_unit_test(a_diagnosis),
		cmocka_unit_test(nesting_and_commas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
