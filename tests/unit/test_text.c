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
#include <time.h>

#include "core/text_safe.h"
#include "sink/sink.h"
#include "sink/text_out.h"

#define S 1000000000ull
#define MS 1000000ull
#define US 1000ull
#define WALL 1795338683632000000ll	/* 2026-11-22 01:11:23.632 PST */

/* ---- what a sink wrote ---- */

struct written {
	FILE *out;
	char *text;
	size_t size;
	struct uw_clock clock;
	struct uw_sink *sink;
};

static const struct uw_run plain_run = {
	.host = "gw1", .version = "0.1", .kernel = "6.12.9", .filters = "",
	.ports = { { 123, UW_PROTO_NTP }, { 53, UW_PROTO_DNS } }, .port_count = 2,
};

/* A sink that has not been started: what it writes is what the test makes it write. */
static void setup_sink(struct written *w, struct uw_text_options options)
{
	memset(w, 0, sizeof(*w));
	w->out = open_memstream(&w->text, &w->size);
	assert_non_null(w->out);
	uw_clock_note(&w->clock, 100 * S, WALL);
	w->sink = uw_sink_text(w->out, &w->clock, &options);
	assert_non_null(w->sink);
}

static void close_sink(struct written *w)
{
	w->sink->close(w->sink);
	fclose(w->out);
}

/* What @count queries give; to be freed. */
static char *text_of(struct uw_text_options options, const struct uw_query *q, unsigned count)
{
	struct written w;

	setup_sink(&w, options);
	for (unsigned i = 0; i < count; i++)
		w.sink->query(w.sink, &q[i]);
	close_sink(&w);
	return w.text;
}

static void gives(struct uw_text_options options, const struct uw_query *q, const char *expected)
{
	char *text = text_of(options, q, 1);

	assert_string_equal(text, expected);
	free(text);
}

static void must_have(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static void must_lack(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' is in:\n%s", part, text);
}

/* Nothing but printable characters, and no line wider than @width. */
static void fits(const char *text, unsigned width)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		char line[UW_LINE_MAX], safe[UW_LINE_MAX];

		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		uw_safe_text(line, len, safe, sizeof(safe));
		assert_string_equal(line, safe);
		if (width && uw_text_columns(line) > width)
			fail_msg("wider than %u: %s", width, line);
		text += len + !!text[len];
	}
}

/* ---- queries ---- */

static struct uw_addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct uw_addr){ { a, b, c, d } };
}

static struct uw_query query(void)
{
	struct uw_query q = {
		.revision = 1,
		.key = {
			.client = v4(10, 0, 0, 5),
			.server = v4(192, 168, 110, 40),
			.client_port = 46758,
			.server_port = 123,
			.family = 4,
			.protocol = UW_PROTO_NTP,
		},
		.netns = 7,
		.task = { .pid = 12398, .comm = "check_ntp_time" },
		.executable = "check_ntp_time",
		.send_ns = 100 * S,
		.wire_out_ns = 100 * S + 21 * US,
		.judged_ns = 105 * S + 40 * MS,
		.timeout_ns = 5 * S,
		.attempts = 1,
		.on_wire = 1,
		.hops = 1,
		.path = { { .ifname = "eth0", .out = 1 } },
	};

	q.stage_reached[UW_REQUEST] = UW_STAGE_WIRE_OUT;
	return q;
}

static struct uw_query no_reply(void)
{
	struct uw_query q = query();

	q.acquittal.looked = true;
	q.verdict = UW_NO_REPLY;
	q.fault = UW_FAULT_BEYOND;
	q.stage = UW_STAGE_WIRE_OUT;
	return q;
}

static struct uw_query dropped_reply(void)
{
	struct uw_query q = query();

	q.key.protocol = UW_PROTO_DNS;
	q.key.server_port = 53;
	q.question_len = 17;
	memcpy(q.question, "\7ex.mple\3com\0\0\34\0\1", 17);
	q.wire_in_ns = 100 * S + 861 * US;
	q.path[q.hops++] = (struct uw_hop){ .ifname = "eth0", .dir = UW_REPLY };
	q.drop[UW_REPLY] = (struct uw_drop_fact){
		.seen = true,
		.dir = UW_REPLY,
		.stage = UW_STAGE_NF_INPUT,
		.when_ns = 100 * S + 866 * US,
		.reason = "NETFILTER_DROP",
		.location = "nft_do_chain+0x3e8",
		.hook = "input",
		.engine = "nftables",
		.ifname = "eth0",
	};
	q.verdict = UW_REPLY_DROPPED;
	q.fault = UW_FAULT_LOCAL;
	q.stage = UW_STAGE_NF_INPUT;
	return q;
}

/* A request that never left: dropped in the output hook, the sender told so. */
static struct uw_query dropped_request(void)
{
	struct uw_query q = query();

	q.wire_out_ns = 0;
	q.hops = q.on_wire = 0;
	q.dropped = 1;
	q.send_errno = EPERM;
	q.drop[UW_REQUEST] = (struct uw_drop_fact){
		.seen = true,
		.stage = UW_STAGE_NF_POSTROUTING,
		.when_ns = 100 * S + 3 * US,
		.reason = "NETFILTER_DROP",
		.location = "nf_hook_slow+0x7d",
		.hook = "postrouting",
	};
	q.verdict = UW_REQUEST_DROPPED;
	q.fault = UW_FAULT_LOCAL;
	q.stage = UW_STAGE_NF_POSTROUTING;
	return q;
}

/* ---- paragraphs ---- */

static void a_silence(void **state)
{
	struct uw_query q = no_reply();

	(void)state;
	gives((struct uw_text_options){ .width = 110 }, &q,
	      "\n"
	      "NO REPLY ARRIVED   check_ntp_time[12398] → 192.168.110.40:123, from port 46758: 1 asked, 0 answered\n"
	      "  01:11:23.632  send → output ok → postrouting ok → eth0, taken by the driver after 21 µs\n"
	      "  01:11:28.632  5.0 s later: nothing from 192.168.110.40 to port 46758 on any device\n"
	      "  checked here  drops 0 of 1 · ICMP errors 0 · NIC drops +0, tx errors +0 · no XDP · tracer losses 0   =>\n"
	      "                evidence complete\n"
	      "  fault         BEYOND THIS HOST. From this end alone: request or reply lost, cannot tell which.\n");
	gives((struct uw_text_options){ .width = 40 }, &q,
	      "\n"
	      "NO REPLY ARRIVED   check_ntp_time[12398]\n"
	      "    → 192.168.110.40:123, from port\n"
	      "    46758: 1 asked, 0 answered\n"
	      "  01:11:23.632  send → output ok →\n"
	      "    postrouting ok → eth0, taken by the\n"
	      "    driver after 21 µs\n"
	      "  01:11:28.632  5.0 s later: nothing\n"
	      "    from 192.168.110.40 to port 46758 on\n"
	      "    any device\n"
	      "  checked here  drops 0 of 1 · ICMP\n"
	      "    errors 0 · NIC drops +0, tx errors\n"
	      "    +0 · no XDP · tracer losses 0   =>\n"
	      "    evidence complete\n"
	      "  fault         BEYOND THIS HOST. From\n"
	      "    this end alone: request or reply\n"
	      "    lost, cannot tell which.\n");
}

static void a_dropped_reply(void **state)
{
	struct uw_query q = dropped_reply();

	(void)state;
	q.decisive_drop = &q.drop[UW_REPLY];
	gives((struct uw_text_options){ 0 }, &q,
	      "\n"
	      "REPLY DROPPED HERE   check_ntp_time[12398] → 192.168.110.40:53, from port 46758: 1 asked, 1 answered and dropped here\n"
	      "  question      ex\\.mple.com AAAA\n"
	      "  01:11:23.632  send → output ok → postrouting ok → eth0, taken by the driver after 21 µs\n"
	      "  01:11:23.632  the reply came in by eth0 after 0.9 ms → prerouting ok → dropped at nf_input after 0.9 ms\n"
	      "  drop          NETFILTER_DROP @ nft_do_chain+0x3e8 · hook input · nftables · on eth0\n"
	      "  which rule    not known; it is in a chain of hook input: nft -a list ruleset\n"
	      "  fault         DROPPED ON THIS HOST. The server did answer.\n");
}

static void a_dropped_request(void **state)
{
	struct uw_query q = dropped_request();

	(void)state;
	q.decisive_drop = &q.drop[UW_REQUEST];
	gives((struct uw_text_options){ .width = 100 }, &q,
	      "\n"
	      "REQUEST DROPPED HERE   check_ntp_time[12398] → 192.168.110.40:123, from port 46758: 1 asked, 0 left\n"
	      "    this host\n"
	      "  01:11:23.632  send → output ok → dropped at nf_postrouting after 3 µs\n"
	      "  drop          NETFILTER_DROP @ nf_hook_slow+0x7d · hook postrouting · the sender was told EPERM\n"
	      "  which rule    not known; the place does not tell nftables, iptables-legacy and connection tracking\n"
	      "                apart: nft -a list ruleset, iptables-save -c, conntrack -S\n"
	      "  fault         DROPPED ON THIS HOST. The request never left.\n");
}

static void a_full_socket(void **state)
{
	struct uw_query q = dropped_reply();
	char *text;

	(void)state;
	q.decisive_drop = &q.drop[UW_REPLY];
	q.drop[UW_REPLY].stage = UW_STAGE_SOCKET_QUEUE;
	q.drop[UW_REPLY].hook[0] = q.drop[UW_REPLY].engine[0] = '\0';
	strcpy(q.drop[UW_REPLY].reason, "SOCKET_RCVBUFF");
	q.drop[UW_REPLY].rcvbuf = 2304;
	q.drop[UW_REPLY].rmem = 2560;
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "→ prerouting ok → input ok → dropped at socket_queue");
	must_have(text, "receive buffer 2304 bytes, 2560 used\n");
	must_have(text, "  meaning       The receive buffer of the socket was full.\n");
	must_lack(text, "which rule");
	free(text);
}

static void a_send_that_failed(void **state)
{
	struct uw_query q = query();

	(void)state;
	q.wire_out_ns = 0;
	q.key.client_port = 0;
	q.send_errno = ENETUNREACH;
	q.verdict = UW_SEND_FAILED;
	q.fault = UW_FAULT_LOCAL;
	q.stage = UW_STAGE_ROUTE;
	gives((struct uw_text_options){ 0 }, &q,
	      "\n"
	      "SEND FAILED   check_ntp_time[12398] → 192.168.110.40:123: 1 tried, 0 sent\n"
	      "  01:11:23.632  the kernel refused to send: ENETUNREACH (Network is unreachable); no packet was made\n"
	      "  fault         ON THIS HOST. The kernel refused, nothing was sent.\n");
}

static void rejected_and_refused(void **state)
{
	struct uw_query q = query();
	char *text;

	(void)state;
	q.verdict = UW_REJECTED;
	q.fault = UW_FAULT_BEYOND;
	q.icmp = (struct uw_icmp){ .from = v4(10, 0, 0, 1), .seen = 1, .type = 3, .code = 13,
				   .when_ns = 100 * S + 2 * MS, .verified = 1 };
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "  01:11:23.634  ICMP 3/13, administratively prohibited, from 10.0.0.1 after 2.0 ms\n");
	must_have(text, "1 asked, 1 rejected\n");
	free(text);

	q.icmp.seen = 0;
	q.verdict = UW_REFUSED;
	q.answer.when_ns = 100 * S + 3 * MS;
	memcpy(&q.answer.refid, "RA\x1b" "E", 4);
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "the server answered RA\\x1bE (kiss-o'-death) after 3.0 ms\n");
	free(text);
}

/* Only what is known to have been passed is called ok. */
static void a_request_that_waits(void **state)
{
	struct uw_query q = query();
	char *text;

	(void)state;
	q.wire_out_ns = 0;
	q.hops = q.on_wire = 0;
	q.stage_reached[UW_REQUEST] = q.stage = UW_STAGE_NEIGHBOUR;
	q.verdict = UW_REQUEST_HELD;
	q.fault = UW_FAULT_LOCAL;
	q.judged_ns = 130 * S;
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "send → output ok → postrouting ok → neighbour\n");
	must_have(text, "  01:11:53.632  30.0 s later: still at neighbour, not freed\n");
	free(text);
	q.stage_reached[UW_REQUEST] = UW_STAGE_NF_OUTPUT;
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "send → nf_output\n");
	free(text);
	q.flags = UW_Q_RAW;	/* from the sender straight to the device */
	q.stage_reached[UW_REQUEST] = UW_STAGE_QDISC;
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "send → qdisc\n");
	free(text);
}

static void an_unknown_names_its_gap(void **state)
{
	struct uw_query q = no_reply();
	char *text;

	(void)state;
	q.fault = UW_FAULT_UNKNOWN;
	q.gaps = UW_GAP_BIT(UW_GAP_NIC_DROPS_ROSE);
	q.acquittal.nic_drops = 3;
	q.acquittal.counters = 1;
	q.acquittal.counter[0] = (struct uw_counter_fact){ "eth0", "rx_missed_errors", 3 };
	q.abandoned_ns = 102 * S;
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "5.0 s later (the socket was closed after 2.0 s): nothing from");
	must_have(text, "NIC drops +3");
	must_have(text, "=> evidence incomplete: nic_drops_rose\n");
	must_have(text, "  counters rose eth0 rx_missed_errors +3\n");
	must_have(text, "  fault         UNKNOWN. nic_drops_rose: A counter of lost packets");
	must_lack(text, "BEYOND");
	free(text);
	q.acquittal.looked = false;
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "NIC counters not read");
	free(text);
}

/* ---- grouping ---- */

static void one_cause_is_one_paragraph(void **state)
{
	struct uw_query q[6];
	char *text;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		q[i] = no_reply();
		q[i].send_ns += i * S;
		q[i].attempts = 2;
		q[i].acquittal.nic_drops = i;	/* one counter, read six times */
	}
	q[5].task.pid++;
	q[5].key.client_port++;
	text = text_of((struct uw_text_options){ 0 }, q, 6);
	must_have(text, "check_ntp_time[12398 and others] → 192.168.110.40:123, from port 46758 and others: "
			"6 asked (12 packets), 0 answered\n");
	must_have(text, "  again         the last of the 6 at 01:11:28.632, 5.0 s after the first\n");
	must_have(text, "drops 0 of 12 · ICMP errors 0 · NIC drops +5,");
	assert_null(strstr(strstr(text, "NO REPLY") + 1, "NO REPLY"));
	free(text);
}

/* What differs in program, server, verdict, stage, errno or reason is another cause. */
static void other_causes_are_other_paragraphs(void **state)
{
	struct uw_query q[8];
	unsigned paragraphs = 0;
	char *text;

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		q[i] = no_reply();
	strcpy(q[1].executable, "ntpd");
	q[2].key.server.b[3]++;
	q[3].verdict = UW_REJECTED;
	q[4].stage = UW_STAGE_DEVICE;
	q[5].key.client_port = 123;
	q[6].netns++;
	q[7].send_errno = EPERM;
	text = text_of((struct uw_text_options){ 0 }, q, 8);
	for (const char *at = text; (at = strstr(at, "1 asked")); at++)
		paragraphs++;
	assert_int_equal(paragraphs, 8);
	free(text);
}

static void a_pause_ends_a_group(void **state)
{
	struct uw_query q = dropped_reply();
	struct written w;

	(void)state;
	setup_sink(&w, (struct uw_text_options){ 0 });
	q.decisive_drop = &q.drop[UW_REPLY];
	w.sink->query(w.sink, &q);
	memset(q.drop, 0xff, sizeof(q.drop));	/* the sink keeps a copy, not this */
	assert_int_equal(w.size, 0);
	w.sink->idle(w.sink);
	must_have(w.text, "NETFILTER_DROP");
	must_have(w.text, "1 asked");
	w.sink->idle(w.sink);
	close_sink(&w);
	assert_null(strstr(strstr(w.text, "1 asked") + 1, "1 asked"));
	free(w.text);
}

/* More causes at once than are kept: none is lost. */
static void many_causes(void **state)
{
	struct written w;
	unsigned told = 0;

	(void)state;
	setup_sink(&w, (struct uw_text_options){ .width = 80 });
	for (unsigned i = 0; i < 100; i++) {
		struct uw_query q = no_reply();

		q.key.server.b[3] = (uint8_t)i;
		w.sink->query(w.sink, &q);
	}
	close_sink(&w);
	for (const char *at = w.text; (at = strstr(at, "NO REPLY")); at++)
		told++;
	assert_int_equal(told, 100);
	free(w.text);
}

static void good_queries_only_if_asked_for(void **state)
{
	struct uw_query q = query();

	(void)state;
	q.verdict = UW_ANSWERED;
	q.answer.when_ns = q.queued_ns = q.wire_in_ns = 100 * S + 900 * US;
	gives((struct uw_text_options){ 0 }, &q, "");
	gives((struct uw_text_options){ .all = true }, &q,
	      "  01:11:23.632  check_ntp_time[12398] → 192.168.110.40:123  answered after 0.9 ms\n");
}

/* ---- hostile names, any width ---- */

static struct uw_query hostile(void)
{
	struct uw_query q = dropped_reply();

	snprintf(q.executable, sizeof(q.executable), "\x1b[2J\xe2\x80\xae" "evil\n日本語日本語日本語日本語日本語");
	memset(q.path[0].ifname, '\x9b', UW_IFNAME);
	memset(q.drop[UW_REPLY].ifname, '\n', UW_IFNAME);
	memset(q.drop[UW_REPLY].rule, '\r', sizeof(q.drop[UW_REPLY].rule) - 1);
	q.question_len = 255 + 4;
	memset(q.question, 0x1b, sizeof(q.question));
	for (unsigned at = 0; at < 192; at += 64)
		q.question[at] = 63;
	q.question[192] = 61;
	memset(q.question + 254, 0, 5);
	return q;
}

static void hostile_names_at_every_width(void **state)
{
	struct uw_query q = hostile();

	(void)state;
	q.decisive_drop = &q.drop[UW_REPLY];
	for (unsigned width = 0; width <= 210; width += width ? 1 : 40) {
		char *text = text_of((struct uw_text_options){ .width = width }, &q, 1);

		fits(text, width > 200 ? 200 : width);
		must_have(text, "\\x1b[2J");
		free(text);
	}
}

static void colours_only_if_asked_for(void **state)
{
	struct uw_query q = no_reply();
	char *text = text_of((struct uw_text_options){ .colour = true }, &q, 1);

	(void)state;
	must_have(text, "\n\033[1;33mNO REPLY ARRIVED\033[0m   check_ntp_time");
	free(text);
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_lack(text, "\033");
	free(text);
}

/* ---- the frame ---- */

static void the_start(void **state)
{
	const struct uw_asker asker = { .executable = "ntpd", .pid = 811, .port = 123,
					.protocol = UW_PROTO_NTP, .servers = 3 };
	struct uw_run run = plain_run;
	struct written w;

	(void)state;
	run.askers = &asker;
	run.asker_count = 1;
	run.gaps = UW_GAP_BIT(UW_GAP_OLD_KERNEL);
	setup_sink(&w, (struct uw_text_options){ 0 });
	w.sink->start(w.sink, &run);
	close_sink(&w);
	must_have(w.text, "udpwhy 0.1  gw1, Linux 6.12.9   NTP 123 and DNS 53 in all namespaces   ");
	must_have(w.text, "  asking here: ntpd[811] port 123 → 3 NTP servers\n");
	must_have(w.text, "  blind here: old_kernel: This kernel lacks hooks");
	free(w.text);

	run = plain_run;
	run.scope[0] = "client";
	run.scope[1] = "router\x1b";
	run.scope_count = 2;
	setup_sink(&w, (struct uw_text_options){ 0 });
	w.sink->start(w.sink, &run);
	close_sink(&w);
	must_have(w.text, " in namespaces client, router\\x1b   ");
	free(w.text);
}

static void local_and_universal_time(void **state)
{
	struct uw_line l = { 0 };

	(void)state;
	uw_line_zone_time(&l, 1790068282000000000ll);
	assert_string_equal(l.text, "02:11:22 PDT (09:11:22Z)");
}

static void a_diagnosis(void **state)
{
	static struct uw_diagnosis d = {
		.id = "no-route", .confidence = UW_LIKELY,
		.summary = "One line that is a summary and has to be folded.",
		.next_step = "ip route get 192.0.2.1",
	};
	struct written w;

	(void)state;
	d.in_favour.count = d.against.count = d.open.count = 1;
	strcpy(d.in_favour.line[0], "for");
	strcpy(d.against.line[0], "against\x1b");
	strcpy(d.open.line[0], "open");
	setup_sink(&w, (struct uw_text_options){ .width = 40 });
	w.sink->diagnosis(w.sink, &d);
	close_sink(&w);
	assert_string_equal(w.text, "\n"
				    "DIAGNOSIS  no-route  (likely)\n"
				    "  One line that is a summary and has to\n"
				    "  be folded.\n"
				    "  (+) for\n"
				    "  (−) against\\x1b\n"
				    "  (?) open\n"
				    "  Do: ip route get 192.0.2.1\n");
	free(w.text);
}

/* Flows to one server: from an ephemeral port in vain, from a fixed port not. */
static void make_flows(struct uw_flow f[3])
{
	for (unsigned i = 0; i < 3; i++) {
		f[i] = (struct uw_flow){ .id = { .client = v4(10, 0, 0, 5), .server_port = 123,
						 .server = v4(192, 168, 110, 40), .family = 4,
						 .protocol = UW_PROTO_NTP } };
		f[i].client_port = i == 1 ? 123 : 46758;
		f[i].id.fixed = i == 1;
	}
	strcpy(f[0].executable, "check_ntp_time");
	f[0].count[UW_NO_REPLY] = 5;
	f[0].count[UW_REQUEST_DROPPED] = 1;
	f[0].last_bad_ns = 100 * S;
	f[0].drops = 1;
	f[0].drop[0].stage = UW_STAGE_QDISC;
	f[0].drop[0].count = 1;
	strcpy(f[0].drop[0].reason, "QDISC_DROP");
	f[1].id.probe = 1;
	f[1].count[UW_ANSWERED] = 4;
	f[1].rtt[10] = 4;
	f[1].rtt_max_us = 1500;
	f[2].id.server = v4(192, 168, 110, 41);	/* another server, and well */
	strcpy(f[2].executable, "日本");
	f[2].count[UW_ANSWERED] = 1;
	f[2].rtt[10] = 1;
	f[2].rtt_max_us = 1500;
}

static char *end_of(unsigned width, const struct uw_totals *t, bool with_flows)
{
	static struct uw_flow f[3];
	const struct uw_flow *list[] = { &f[0], &f[1], &f[2] };
	struct written w;

	make_flows(f);
	setup_sink(&w, (struct uw_text_options){ .width = width });
	w.sink->start(w.sink, &plain_run);
	fflush(w.out);
	rewind(w.out);
	w.sink->end(w.sink, t, list, with_flows ? 3 : 0);
	close_sink(&w);
	return w.text;
}

static void contrast_and_summary(void **state)
{
	struct uw_totals t = { .elapsed_ns = 6300 * MS, .command_ran = true, .command_status = 2 };
	char *text;

	(void)state;
	t.verdict[UW_NO_REPLY] = 6;
	t.verdict[UW_ANSWERED] = 5;
	t.fault[UW_FAULT_BEYOND] = 6;
	t.stats[UW_STAT_ring_full] = 3;
	text = end_of(100, &t, true);
	assert_string_equal(text,
		"\n"
		"  the same server, other doors: 192.168.110.40:123    sent  answered   median\n"
		"    port 46758  check_ntp_time (ephemeral)               6         0        -\n"
		"    port 123    probe, just now (fixed)                  4         4   1.5 ms\n"
		"\n"
		"  flows                                                    asked  answered   median      p99\n"
		"  ntp client 192.168.110.40:123 ephemeral check_ntp_time       6         0        -        -\n"
		"      5 no_reply, 1 request_dropped · 1× request dropped at qdisc (QDISC_DROP)\n"
		"  ntp client 192.168.110.40:123 fixed probe                    4         4   1.5 ms   1.5 ms\n"
		"  ntp client 192.168.110.41:123 ephemeral 日本                 1         1   1.5 ms   1.5 ms\n"
		"\n"
		"NOT SEEN BY US\n"
		"  3 records lost: the ring buffer was full\n"
		"\n"
		"11 queries: 5 answered, 6 no_reply · fault: 6 beyond · in 6.3 s · the command ended with status 2\n");
	free(text);
	for (unsigned width = 40; width <= 200; width++) {
		text = end_of(width, &t, true);
		fits(text, width);
		free(text);
	}
}

/* A contrast needs two doors, and is told once however many of them are bad. */
static void contrast_needs_two_doors(void **state)
{
	struct uw_totals t = { 0 };
	struct uw_flow f[3];
	const struct uw_flow *list[] = { &f[0], &f[1] };
	struct written w;

	(void)state;
	make_flows(f);
	setup_sink(&w, (struct uw_text_options){ 0 });
	w.sink->end(w.sink, &t, list, 1);
	close_sink(&w);
	must_lack(w.text, "other doors");
	free(w.text);

	f[1].count[UW_NO_REPLY] = 1;
	f[1].last_bad_ns = 100 * S;
	setup_sink(&w, (struct uw_text_options){ 0 });
	w.sink->end(w.sink, &t, list, 2);
	close_sink(&w);
	must_have(w.text, "other doors");
	assert_null(strstr(strstr(w.text, "other doors") + 1, "other doors"));
	free(w.text);
}

static void a_narrow_table(void **state)
{
	struct uw_totals t = { .elapsed_ns = S };
	char *text;

	(void)state;
	t.verdict[UW_ANSWERED] = 1;
	text = end_of(40, &t, true);
	must_have(text, "  ntp client 192.168.110.40:123 fixed\n"
			"    probe\n"
			"           4         4   1.5 ms   1.5 ms\n");
	free(text);
}

static void nothing_at_all(void **state)
{
	struct uw_totals t = { .elapsed_ns = 10 * S };
	char *text = end_of(0, &t, false);

	(void)state;
	assert_string_equal(text, "\nNo NTP or DNS query was seen in 10.0 s. "
				  "To force one: udpwhy probe ntp SERVER.\n");
	free(text);
}

/* ---- laying out ---- */

static char *folded(unsigned width, const char *lead, unsigned hang, const char *line)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	const struct uw_text_out o = { .out = out, .width = width };

	assert_non_null(out);
	uw_text_print(&o, lead, UW_PLAIN, hang, line);
	fclose(out);
	return text;
}

static void folds_to(unsigned width, const char *lead, unsigned hang, const char *line,
		     const char *expected)
{
	char *text = folded(width, lead, hang, line);

	assert_string_equal(text, expected);
	free(text);
}

static void folding(void **state)
{
	(void)state;
	folds_to(0, "> ", 2, "a  b   c ", "> a  b   c\n");
	folds_to(10, "> ", 2, "1234 678 x", "> 1234 678\n  x\n");
	folds_to(10, "> ", 2, "1234 6789 x", "> 1234\n  6789 x\n");
	folds_to(10, "", 2, "1234567890abcdefghij", "1234567890\n  abcdefgh\n  ij\n");
	folds_to(10, "> ", 2, "日本語日本語", "> 日本語日\n  本語\n");
	folds_to(10, "", 0, "", "\n");
	folds_to(40, "lead ", 16, "short", "lead short\n");
}

static void durations(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0 µs" }, { 21 * US, "21 µs" }, { 499999, "499 µs" }, { 900 * US, "0.9 ms" },
		{ 14 * MS, "14.0 ms" }, { 250 * MS, "250 ms" }, { 5 * S, "5.0 s" }, { 125 * S, "125 s" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uw_line l = { 0 };

		uw_line_duration(&l, cases[i].ns);
		assert_string_equal(l.text, cases[i].text);
	}
}

/* A line that is full ends at a whole character. */
static void a_line_that_is_full(void **state)
{
	struct uw_line l = { 0 };
	char safe[UW_LINE_MAX];

	(void)state;
	uw_line_add(&l, "x");
	for (unsigned i = 0; i < UW_LINE_MAX; i++)
		uw_line_add(&l, "→");
	assert_int_equal(l.len, strlen(l.text));
	assert_true(l.len > UW_LINE_MAX - 5);
	uw_safe_text(l.text, l.len, safe, sizeof(safe));
	assert_string_equal(safe, l.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_silence),
		cmocka_unit_test(a_dropped_reply),
		cmocka_unit_test(a_dropped_request),
		cmocka_unit_test(a_full_socket),
		cmocka_unit_test(a_send_that_failed),
		cmocka_unit_test(rejected_and_refused),
		cmocka_unit_test(a_request_that_waits),
		cmocka_unit_test(an_unknown_names_its_gap),
		cmocka_unit_test(one_cause_is_one_paragraph),
		cmocka_unit_test(other_causes_are_other_paragraphs),
		cmocka_unit_test(a_pause_ends_a_group),
		cmocka_unit_test(many_causes),
		cmocka_unit_test(good_queries_only_if_asked_for),
		cmocka_unit_test(hostile_names_at_every_width),
		cmocka_unit_test(colours_only_if_asked_for),
		cmocka_unit_test(the_start),
		cmocka_unit_test(local_and_universal_time),
		cmocka_unit_test(a_diagnosis),
		cmocka_unit_test(contrast_and_summary),
		cmocka_unit_test(contrast_needs_two_doors),
		cmocka_unit_test(a_narrow_table),
		cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(folding),
		cmocka_unit_test(durations),
		cmocka_unit_test(a_line_that_is_full),
	};

	/* The zone as a rule, not as a name: the host may have no zone files. */
	setenv("TZ", "PST8PDT,M3.2.0,M11.1.0", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
