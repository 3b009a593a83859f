/* SPDX-License-Identifier: GPL-2.0-only */
#include "text_fixture.h"

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
	must_have(w.text, "  blind here:  This kernel lacks hooks");
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
	assert_string_equal(l.text, "02:11:22" UW_NBSP "PDT" UW_NBSP "(09:11:22Z)");
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

/* What it says is in tests/golden/summary.txt. */
static void contrast_and_summary_at_every_width(void **state)
{
	struct uw_totals t = { .elapsed_ns = 6300 * MS, .command_ran = true, .command_status = 2 };
	char *text;

	(void)state;
	t.verdict[UW_NO_REPLY] = 6;
	t.verdict[UW_ANSWERED] = 5;
	t.fault[UW_FAULT_BEYOND] = 6;
	t.stats[UW_STAT_ring_full] = 3;
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
	must_have(text, "  NTP udpwhy's own probe\n"
			"    → 192.168.110.40:123, fixed port\n"
			"      4 asked, 4 answered · p50 1.5 ms ·\n");
	free(text);
}

/* What is worth waiting for, in the same line. */
static void what_is_next(void **state)
{
	struct uw_flow ntpd = { .id = { .server_port = 123, .server = v4(192, 0, 2, 1), .family = 4, .fixed = 1,
					.protocol = UW_PROTO_NTP }, .client_port = 123, .executable = "ntpd", .pid = 811 };
	const struct uw_flow *list = &ntpd;
	struct uw_in_flight f = { .answered = 3 };
	struct written w;

	(void)state;
	setup_sink(&w, (struct uw_text_options){ .width = 120, .live = true });
	uw_rhythm_note(&ntpd.rhythm, 100 * S);
	uw_rhythm_note(&ntpd.rhythm, 100 * S + 64 * S);
	w.sink->rhythms(w.sink, 100 * S + 70 * S, &list, 1);
	fflush(w.out);
	assert_true(!w.size);	/* two sends are no rhythm */
	uw_rhythm_note(&ntpd.rhythm, 100 * S + 128 * S);
	w.sink->rhythms(w.sink, 100 * S + 130 * S, &list, 1);
	must_have(w.text, "  asking here: ntpd[811] port 123 → 192.0.2.1:123, every 64 s (next 01:14:35)\n");
	w.sink->in_flight(w.sink, &f);
	must_have(w.text, "\r\033[Knothing in flight · 3 answered · next 01:14:35 ntpd[811] port 123 → 192.0.2.1:123");
	w.sink->rhythms(w.sink, 100 * S + 300 * S, &list, 1);	/* it has stopped */
	f.answered = 4;
	w.sink->in_flight(w.sink, &f);
	must_have(w.text, "nothing in flight · 4 answered");
	close_sink(&w);
	free(w.text);
}

/* What a daemon said when the run started is not told again, until it is seen to be otherwise. */
static void what_was_said_and_what_is_seen(void **state)
{
	struct uw_flow flow = { .id = { .server_port = 123, .server = v4(192, 0, 2, 1), .family = 4,
					.protocol = UW_PROTO_NTP }, .executable = "chronyd", .pid = 811 };
	const struct uw_asker asker = { .executable = "chronyd", .pid = 811, .protocol = UW_PROTO_NTP, .servers = 2,
					.rhythm = { .told_ns = 16 * S, .told_longest_ns = 64 * S, .told_next_ns = 116 * S } };
	const struct uw_run run = { .version = "0.1", .host = "h", .kernel = "6.12.9", .started_ns = 100 * S,
				    .askers = &asker, .asker_count = 1 };
	const struct uw_flow *list = &flow;
	struct uw_in_flight f = { 0 };
	struct written w;
	size_t before;

	(void)state;
	setup_sink(&w, (struct uw_text_options){ .width = 120, .live = true });
	w.sink->start(w.sink, &run);
	must_have(w.text, "chronyd[811] → 2 NTP servers, by its own word every 16 s to 64 s (next 01:11:39)");
	w.sink->rhythms(w.sink, 101 * S, NULL, 0);
	w.sink->in_flight(w.sink, &f);
	must_have(w.text, "nothing in flight · 0 answered · next 01:11:39 chronyd[811]");
	before = w.size;
	for (unsigned i = 0; i < 3; i++)
		uw_rhythm_note(&flow.rhythm, (100 + 33 * i) * S);
	w.sink->rhythms(w.sink, 167 * S, &list, 1);	/* 33 s: between the two, and what is seen goes before */
	fflush(w.out);
	assert_int_equal(w.size, before);
	f.answered = 3;
	w.sink->in_flight(w.sink, &f);
	must_have(w.text, "3 answered · next 01:13:02 chronyd[811] → 192.0.2.1:123");
	flow.rhythm = (struct uw_rhythm){ 0 };
	for (unsigned i = 0; i < 3; i++)
		uw_rhythm_note(&flow.rhythm, (200 + 8 * i) * S);
	w.sink->rhythms(w.sink, 217 * S, &list, 1);
	must_have(w.text, "  asking here: chronyd[811] → 192.0.2.1:123, every 8 s (next 01:13:27)\n");
	close_sink(&w);
	free(w.text);
}

/* Written in place, cut to the terminal, and gone before anything else is. */
static void what_is_in_flight(void **state)
{
	struct uw_in_flight f = { .open = 3, .oldest_ns = 2100 * MS, .answered = 412, .bad = 1 };
	struct uw_query q = no_reply();
	struct written w;

	(void)state;
	f.oldest = q.key;
	setup_sink(&w, (struct uw_text_options){ .width = 80, .live = true });
	w.sink->in_flight(w.sink, &f);
	assert_string_equal(w.text, "\r\033[K3 in flight, oldest 2.1 s → 192.168.110.40:123 · "
				    "412 answered, 1 not");
	w.sink->resize(w.sink, 40);
	f.open = 0;
	w.sink->in_flight(w.sink, &f);
	must_have(w.text, "1 not\r\033[K\r\033[Knothing in flight");
	w.sink->resize(w.sink, 40);
	f.open = 3;
	w.sink->in_flight(w.sink, &f);
	must_have(w.text, "\r\033[K3 in flight, oldest 2.1 s → 192.168.11…");
	w.sink->query(w.sink, &q);
	w.sink->idle(w.sink);
	must_have(w.text, "192.168.11…\r\033[K\nNO REPLY");
	close_sink(&w);
	free(w.text);

	setup_sink(&w, (struct uw_text_options){ .width = 80 });
	w.sink->in_flight(w.sink, &f);
	w.sink->in_flight(w.sink, NULL);
	close_sink(&w);
	assert_string_equal(w.text, "");
	free(w.text);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_start),
		cmocka_unit_test(local_and_universal_time),
		cmocka_unit_test(a_diagnosis),
		cmocka_unit_test(contrast_and_summary_at_every_width),
		cmocka_unit_test(contrast_needs_two_doors),
		cmocka_unit_test(a_narrow_table),
		cmocka_unit_test(what_was_said_and_what_is_seen),
		cmocka_unit_test(what_is_in_flight),
		cmocka_unit_test(what_is_next),
		cmocka_unit_test(nothing_at_all),
	};

	return cmocka_run_group_tests(tests, in_our_zone, NULL);
}
