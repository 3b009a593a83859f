/* SPDX-License-Identifier: GPL-2.0-only */
#include "text_fixture.h"

/* ---- paragraphs ---- */

static void a_rule(void **state)
{
	struct uw_query q = dropped_reply();
	char *text;

	(void)state;
	q.decisive_drop = &q.drop[UW_REPLY];
	q.drop[UW_REPLY].rule_traced = true;
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "  rule          not known; nftables' trace of this packet did not come. It is in a chain of hook input");
	free(text);
	q.drop[UW_REPLY].engine[0] = '\0';
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "  rule          not known; legacy iptables or connection tracking, of which nftables has no trace");
	free(text);
	strcpy(q.drop[UW_REPLY].rule, "ip filter INPUT handle 7: drop comment \"\033[2J\"");
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "  rule          ip filter INPUT handle 7: drop comment \"");
	must_lack(text, "\033");
	free(text);
}

/* One paragraph, each rule with its share; those that there is no room for together. */
static void several_rules(void **state)
{
	struct uw_query q[8];
	char *text;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		q[i] = dropped_reply();
		q[i].id = i + 1;
		q[i].decisive_drop = &q[i].drop[UW_REPLY];
		snprintf(q[i].drop[UW_REPLY].rule, UW_RULE_TEXT_MAX, "ip filter INPUT handle %u: drop", i / 2);
	}
	q[7].drop[UW_REPLY].rule[0] = '\0';
	text = text_of((struct uw_text_options){ 0 }, q, 8);
	must_have(text, "  rule          2 of 8: ip filter INPUT handle 0: drop\n"
			"                2 of 8: ip filter INPUT handle 1: drop\n"
			"                2 of 8: ip filter INPUT handle 2: drop\n"
			"                1 of 8: ip filter INPUT handle 3: drop\n"
			"                1 of 8: other rules\n");
	free(text);
	q[2] = q[7];
	text = text_of((struct uw_text_options){ 0 }, q, 3);
	must_have(text, "  rule          2 of 3: ip filter INPUT handle 0: drop\n"
			"                1 of 3: not known; ");
	free(text);
}

/* The reply's drop, but by no firewall. */
static struct uw_drop_fact *dropped_by_stack(struct uw_query *q, uint8_t stage, const char *reason)
{
	struct uw_drop_fact *d = &q->drop[UW_REPLY];

	q->decisive_drop = d;
	q->stage = d->stage = stage;
	d->hook[0] = d->engine[0] = '\0';
	strcpy(d->reason, reason);
	return d;
}

/* The next step can be typed as it stands, but never runs what a device is called. */
static void advice_is_filled_in(void **state)
{
	struct uw_query q = dropped_reply();
	struct uw_drop_fact *d = dropped_by_stack(&q, UW_STAGE_ROUTE, "IP_RPFILTER");
	char *text;

	(void)state;
	strcpy(d->ifname, "wan0");
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "  look at       ip route get 192.168.110.40; net.ipv4.conf.{all,wan0}.rp_filter (2 is");
	free(text);
	d->hook[0] = 'i';	/* a firewall's, in another namespace than the asker's */
	strcpy(d->engine, "nftables");
	strcpy(q.netns_name, "web");
	q.netns = d->netns = 7;
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "--netns web would name it");
	free(text);
	d->netns = 8;
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "--netns NAME would name it");
	free(text);
	d->hook[0] = d->engine[0] = '\0';
	strcpy(d->ifname, "a$(reboot)");
	q.nat.seen = true;	/* which of its addresses it bore there is not known */
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "  look at       ip route get SENDER; net.ipv4.conf.{all,DEVICE}.rp_filter (2 is");
	free(text);
}

/* Not all fragments came: that is not told as a loss of this host's own making. */
static void fragments_that_never_came(void **state)
{
	struct uw_query q = dropped_reply();
	struct uw_drop_fact *d = dropped_by_stack(&q, UW_STAGE_REASSEMBLY, "FRAG_REASM_TIMEOUT");
	char *text;

	(void)state;
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "not all fragments of the reply came");
	free(text);
	strcpy(d->reason, "NOMEM");
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "the reply was dropped here.");
	must_lack(text, "not all fragments");
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
	must_have(text, "send → output ok → postrouting ok → the search for the next hop's MAC address\n");
	must_have(text, "  01:11:53.632  30.0 s later: still waiting for the next hop's MAC address (neighbour)\n");
	free(text);
	q.stage_reached[UW_REQUEST] = UW_STAGE_NF_OUTPUT;
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "send → the output hook\n");
	free(text);
	q.flags = UW_Q_RAW;	/* from the sender straight to the device */
	q.stage_reached[UW_REQUEST] = UW_STAGE_QDISC;
	text = text_of((struct uw_text_options){ 0 }, &q, 1);
	must_have(text, "send → the device's queue\n");
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
	must_have(text, "5.0 s later (the socket was closed after 2.0 s): nothing seen from");
	must_have(text, "NIC drops +3");
	must_have(text, "=> evidence incomplete\n");
	must_have(text, "  counters rose eth0 rx_missed_errors +3\n");
	must_have(text, "  fault         UNKNOWN. A device of this host counted lost packets");
	must_have(text, "(nic_drops_rose)");
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
	must_have(text, "  again         5 more like it, the last one at 01:11:28.632, 5.0 s after the first\n");
	must_have(text, "drops 0 of 12 · ICMP errors 0 · NIC drops +5,");
	assert_null(strstr(strstr(text, "NO REPLY") + 1, "NO REPLY"));
	free(text);
}

static void server_counts_its_clients(void **state)
{
	struct uw_query q[3];
	char *text;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		q[i] = no_reply();
		q[i].role = UW_ROLE_SERVER;
		q[i].verdict = UW_NOT_SERVED;
		q[i].fault = UW_FAULT_LOCAL;
		q[i].key.client_port += i;
	}
	text = text_of((struct uw_text_options){ 0 }, q, 3);
	must_have(text, ":46758 and others → ");
	free(text);
	q[2].key.client.b[3]++;
	text = text_of((struct uw_text_options){ 0 }, q, 3);
	must_have(text, "NOT SERVED   2 clients, the first ");
	must_have(text, ":46758 → 192.168.110.40:123 here: 3 asked, ");
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
		cmocka_unit_test(a_rule),
		cmocka_unit_test(several_rules),
		cmocka_unit_test(advice_is_filled_in),
		cmocka_unit_test(fragments_that_never_came),
		cmocka_unit_test(a_request_that_waits),
		cmocka_unit_test(an_unknown_names_its_gap),
		cmocka_unit_test(one_cause_is_one_paragraph), cmocka_unit_test(server_counts_its_clients),
		cmocka_unit_test(other_causes_are_other_paragraphs),
		cmocka_unit_test(a_pause_ends_a_group),
		cmocka_unit_test(many_causes),
		cmocka_unit_test(good_queries_only_if_asked_for),
		cmocka_unit_test(hostile_names_at_every_width),
		cmocka_unit_test(colours_only_if_asked_for),
	};

	return cmocka_run_group_tests(tests, in_our_zone, NULL);
}
