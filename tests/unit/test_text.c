/* SPDX-License-Identifier: GPL-2.0-only */
#include "text_fixture.h"

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
	      "  which rule    not known; --nft-trace would name it; it is in a chain of hook input: nft -a list ruleset\n"
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

static void a_rule(void **state)
{
	struct uw_query q = dropped_reply();
	char *text;

	(void)state;
	q.decisive_drop = &q.drop[UW_REPLY];
	q.drop[UW_REPLY].rule_traced = true;
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "  which rule    not known; no trace of this packet came; it is in a chain of hook input");
	free(text);
	q.drop[UW_REPLY].engine[0] = '\0';
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "  which rule    not known; legacy xtables or connection tracking, of which nftables has no trace");
	free(text);
	strcpy(q.drop[UW_REPLY].rule, "ip filter INPUT handle 7: drop comment \"\033[2J\"");
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "  which rule    ip filter INPUT handle 7: drop comment \"");
	must_lack(text, "\033");
	free(text);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_silence),
		cmocka_unit_test(a_dropped_reply),
		cmocka_unit_test(a_dropped_request),
		cmocka_unit_test(a_rule),
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
	};

	return cmocka_run_group_tests(tests, in_our_zone, NULL);
}
