/* SPDX-License-Identifier: GPL-2.0-only */
/* The start and the end of runs for the golden files; part of test_golden.c. */

static const struct uw_run plain_run = {
	.host = "gw1", .version = "0.1", .kernel = "6.12.9", .filters = "", .command = "trace",
	.ports = { { 123, UW_PROTO_NTP }, { 53, UW_PROTO_DNS } }, .port_count = 2,
	.started_ns = T0 - 1500 * MS, .timeout_ns = 5 * S,
};

static const struct uw_asker askers[] = {
	{ .executable = "ntpd", .pid = 811, .protocol = UW_PROTO_NTP, .port = 123, .servers = 3,
	  .uid = 105, .user = "ntpsec", .cgroup = "/system.slice/ntpsec.service" },
	{ .executable = "systemd-resolved", .pid = 612, .protocol = UW_PROTO_DNS, .port = 41022,
	  .servers = 1, .uid = 991, .user = "systemd-resolve",
	  .cgroup = "/system.slice/systemd-resolved.service" },
	{ .executable = "php-fpm8.2", .pid = 2200, .protocol = UW_PROTO_DNS, .port = 53111,
	  .servers = 2, .others = 3, .uid = 33, .netns_name = "web" },
	{ .executable = "chronyd", .pid = 2311, .protocol = UW_PROTO_NTP, .port = 123, .netns_name = "web" },
	{ .executable = "chronyd", .pid = 2400, .uid = 104, .user = "_chrony", .protocol = UW_PROTO_NTP },
	{ .executable = "chronyd", .pid = 2500, .protocol = UW_PROTO_NTP, .servers = 4, .netns_name = "gw",
	  .rhythm = { .told_ns = 64 * S, .told_longest_ns = 1024 * S, .told_next_ns = T0 + 100 * S } },
};

/* ---- starts ---- */

static void start(void)
{
	struct uw_run run = plain_run;

	run.askers = askers;
	run.asker_count = sizeof(askers) / sizeof(askers[0]);
	sink->start(sink, &run);
}

static void start_scoped(void)
{
	struct uw_run run = plain_run;

	run.filters = "--scope client --scope router --server 192.0.2.0/24 --timeout 3";
	run.scope[0] = "client";
	run.scope[1] = "router\x1b";
	run.scope_count = 2;
	run.gaps = UW_GAP_BIT(UW_GAP_OLD_KERNEL);
	sink->start(sink, &run);
}

/* ---- ends ---- */

static struct uw_totals totals(void)
{
	return (struct uw_totals){ .elapsed_ns = 60 * S };
}

static void silence(void)
{
	struct uw_totals t = totals();
	struct uw_run run = plain_run;

	run.askers = askers;
	run.asker_count = sizeof(askers) / sizeof(askers[0]);
	sink->start(sink, &run);
	sink->end(sink, &t, NULL, 0);
}

static void silence_filtered(void)
{
	struct uw_totals t = totals();
	struct uw_run run = plain_run;

	run.filters = "--protocol dns";
	run.ports[0] = run.ports[1];
	run.port_count = 1;
	sink->start(sink, &run);
	sink->end(sink, &t, NULL, 0);
}

/* Round trips of about 0.9 ms, one of ten slow. */
static void answered(struct uw_flow *f, uint64_t n)
{
	f->count[UW_ANSWERED] = n;
	f->rtt[9] = n - n / 10;
	f->rtt[14] = n / 10;
	f->rtt_max_us = n / 10 ? 21000 : 950;
	f->last_good_ns = T0 + 50 * S;
}

static void make_flows(struct uw_flow f[5])
{
	for (unsigned i = 0; i < 5; i++)
		f[i] = (struct uw_flow){ .id = { .client = v4(10, 0, 0, 5), .server_port = 123,
						 .server = v4(192, 168, 110, 40), .family = 4,
						 .protocol = UW_PROTO_NTP }, .client_port = 46758 };
	strcpy(f[0].executable, "check_ntp_time");
	f[0].count[UW_NO_REPLY] = 5;
	f[0].count[UW_REQUEST_DROPPED] = 1;
	f[0].last_bad_ns = T0;
	f[0].drops = 1;
	f[0].drop[0] = (struct uw_flow_drop){ .stage = UW_STAGE_QDISC, .reason = "QDISC_DROP", .count = 1 };
	f[1].id.probe = 1;
	f[1].id.fixed = 1;
	f[1].client_port = 123;
	answered(&f[1], 4);
	f[2].id.server = v4(192, 168, 110, 41);
	f[2].id.fixed = 1;
	f[2].client_port = 123;
	strcpy(f[2].executable, "ntpd");
	answered(&f[2], 20);
	for (unsigned i = 0; i < 4; i++)
		uw_rhythm_note(&f[2].rhythm, T0 + i * 16 * S);
	f[3].id.family = 6;
	f[3].id.protocol = UW_PROTO_DNS;
	f[3].id.server_port = 53;
	f[3].id.client = v6(0x31);
	f[3].id.server = v6(0x53);
	strcpy(f[3].executable, "時刻同期");
	answered(&f[3], 31234);
	f[3].count[UW_REPLY_DROPPED] = 12;
	f[3].last_bad_ns = T0;
	f[3].drops = 2;
	f[3].drop[0] = (struct uw_flow_drop){ .stage = UW_STAGE_SOCKET_QUEUE, .dir = UW_REPLY,
					      .reason = "SOCKET_RCVBUFF", .count = 11 };
	f[3].drop[1] = (struct uw_flow_drop){ .stage = UW_STAGE_NF_INPUT, .dir = UW_REPLY, .count = 1 };
	f[4].id.role = UW_ROLE_LOCAL;
	f[4].id.protocol = UW_PROTO_DNS;
	f[4].id.server_port = 53;
	f[4].id.client = f[4].id.server = v4(127, 0, 0, 53);
	strcpy(f[4].executable, "curl");
	answered(&f[4], 3);
}

/* The doors of a capture are of several hosts, and what kept time then does not now. */
static void captured_end(void)
{
	struct uw_totals t = { 0 };
	struct uw_flow f[5];
	const struct uw_flow *list[] = { &f[0], &f[2] };

	make_flows(f);
	f[0].executable[0] = f[2].executable[0] = '\0';
	f[0].client_port = 46758;
	f[2].id.server = f[0].id.server;
	f[2].id.client = v4(10, 0, 0, 6);
	t.verdict[UW_ANSWERED] = 20;
	t.verdict[UW_NO_REPLY] = 6;
	sink->end(sink, &t, list, 2);
}

/* Who keeps time: once, while a run goes on; not the resends of a check. */
static void rhythms(void)
{
	struct uw_flow f[5];
	const struct uw_flow *list[] = { &f[0], &f[1], &f[2], &f[3], &f[4] };
	unsigned i;

	make_flows(f);
	start();
	f[2].pid = 811;
	for (i = 0; i < 5; i++)
		uw_rhythm_note(&f[0].rhythm, T0 + i * S); /* sent every second, until just now */
	for (i = 0; i < 3; i++)
		uw_rhythm_note(&f[3].rhythm, T0 + i * 256400 * MS);
	for (i = 0; i < 3; i++)
		uw_rhythm_note(&f[1].rhythm, T0 + i * 16 * S); /* our own */
	f[3].pid = 4242;
	sink->rhythms(sink, T0 + 5 * S, list, 2);
	sink->rhythms(sink, T0 + 50 * S, list, 3);
	sink->rhythms(sink, T0 + 55 * S, list, 3);
	sink->rhythms(sink, T0 + 515 * S, list, 5);
}

static void summary(void)
{
	struct uw_totals t = totals();
	struct uw_flow f[5];
	const struct uw_flow *list[] = { &f[0], &f[1], &f[2], &f[3], &f[4] };

	make_flows(f);
	t.command_ran = true;
	t.command_status = 2;
	t.verdict[UW_ANSWERED] = 31261;
	t.verdict[UW_NO_REPLY] = 5;
	t.verdict[UW_REQUEST_DROPPED] = 1;
	t.verdict[UW_REPLY_DROPPED] = 12;
	t.fault[UW_FAULT_BEYOND] = 5;
	t.fault[UW_FAULT_LOCAL] = 13;
	t.stats[UW_STAT_ring_full] = 3;
	sink->start(sink, &plain_run);
	sink->status(sink, &t);
	sink->end(sink, &t, list, 5);
}

static void diagnosis(void)
{
	static struct uw_diagnosis d;
	struct uw_flow f[5];
	const struct uw_flow *list[] = { &f[0], &f[1] };
	const struct uw_host_facts host = { .ephemeral_low = 32768, .ephemeral_high = 60999 };

	make_flows(f);
	f[0].count[UW_REQUEST_DROPPED] = f[0].drops = 0;
	f[0].bad_complete = 5;
	f[0].last_bad_ns = T0 + 2 * S;
	f[1].last_good_ns = T0 + 1 * S;
	if (uw_diagnose(list, 2, &host, &d, 1))
		sink->diagnosis(sink, &d);
}

/* Two servers at once: opened, closed; the wire's traffic as a gateway's. */
static void window(void)
{
	static struct uw_window w;
	struct uw_flow f[5];

	make_flows(f);
	w = (struct uw_window){
		.id = 1, .last_good_ns = T0 - 2000 * MS, .first_bad_ns = T0 + 120 * MS, .last_bad_ns = T0 + 41 * S,
		.queries = 5, .flows = 2,
		.flow = {
			{ .id = f[0].id, .e = { .queries = 3 } },
			{ .id = f[1].id, .e = { .queries = 2 } },
		},
	};
	sink->window(sink, &w);
	w.queries = 7;
	w.flow[0].e.queries = 5;
	sink->window(sink, &w);
	w.closed = true;
	w.first_good_ns = T0 + 44 * S;
	w.queries = 14;
	w.answered = 1;
	w.flow[0].e = (struct uw_episode){ .queries = 8, .answered = 1 };
	w.flow[1].e = (struct uw_episode){ .queries = 6 };
	w.traffic = (struct uw_window_traffic){
		.before = true, .during = true, .release = true, .udp_out_before = 61300.4,
		.udp_in_before = 41200, .udp_in_during = 3020, .udp_out_release = 2980, .tcp_in_during = 18223,
		.ports = 1, .port = { { 51820, 0.962 } },
	};
	sink->window(sink, &w);
}

#define GOLDEN_RUNS \
	GOLDEN("captured-end", captured_end, false) \
	GOLDEN("rhythms", rhythms, false) \
	GOLDEN("start", start, false) \
	GOLDEN("start-scoped", start_scoped, false) \
	GOLDEN("silence", silence, false) \
	GOLDEN("silence-filtered", silence_filtered, false) \
	GOLDEN("summary", summary, false) \
	GOLDEN("diagnosis", diagnosis, false) \
	GOLDEN("window", window, false)
