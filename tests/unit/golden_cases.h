/* SPDX-License-Identifier: GPL-2.0-only */
/* The situations of the golden files; part of test_golden.c. */

/* ---- beyond this host ---- */

static void no_reply_ntp(void)
{
	for (unsigned i = 0; i < 6; i++) {
		struct uw_query q = ntp();

		q.send_ns += i * S;
		q.wire_out_ns += i * S;
		q.judged_ns += i * S;
		q.task.uid = 112;
		strcpy(q.user, "nagios");
		strcpy(q.cgroup, "/system.slice/nagios-nrpe-server.service");
		tell(q);
	}
}

static void no_reply_dns(void)
{
	struct uw_query q = dns();

	q.attempts = q.on_wire = 3;
	q.key.family = 6;
	q.key.client = v6(0x31);
	q.key.server = v6(0x53);
	strcpy(q.netns_name, "web");
	tell(q);
	q.question[1] = 'x';
	q.key.client_port++;
	tell(q);
}

static void no_reply_gaps(void)
{
	for (unsigned g = 0; g < UW_GAPS; g++) {
		struct uw_query q = ntp();

		q.gaps = UW_GAP_BIT(g);
		q.key.server.b[3] = (uint8_t)g;
		q.acquittal.xdp = g == UW_GAP_XDP_ON_DEVICE;
		q.acquittal.tracer_losses = g == UW_GAP_RECORDS_LOST;
		if (g == UW_GAP_NIC_DROPS_ROSE) {
			q.acquittal.nic_drops = 3;
			q.acquittal.counters = 2;
			q.acquittal.counter[0] = (struct uw_counter_fact){ "eth0", "rx_missed_errors", 2 };
			q.acquittal.counter[1] = (struct uw_counter_fact){ "", "softnet_dropped", 1 };
		}
		tell(q);
	}
}

static void no_reply_closed(void)
{
	struct uw_query q = ntp();

	q.abandoned_ns = T0 + 2 * S;
	q.acquittal.looked = false;
	q.gaps = UW_GAP_BIT(UW_GAP_NAMESPACE_NOT_TRACED);
	tell(q);
}

static void mixed_fates(void)
{
	struct uw_query q = dns();

	drop(&q, UW_REQUEST, UW_STAGE_QDISC, "QDISC_DROP", "__dev_queue_xmit+0x7b1");
	q.flags |= UW_Q_OUTSIDE;
	q.wire_out_ns = T0 + 2 * S;
	q.attempts = 2;
	q.on_wire = 1;
	q.hops = 1;
	tell(q);
}

static void answered_late(void)
{
	struct uw_query q = ntp();

	reply_comes(&q, 7300 * MS, UW_STAGE_READ);
	is_read(&q, 7301 * MS);
	q.revision = 2;
	q.judged_ns = T0 + 7400 * MS;
	tell(q);

	/* The program had gone; the reply found no socket. */
	q = ntp();
	asks(&q, "ntpdate", 4711);
	q.abandoned_ns = T0 + 2 * S;
	reply_comes(&q, 2800 * MS, UW_STAGE_UDP);
	drop(&q, UW_REPLY, UW_STAGE_UDP, "NO_SOCKET", "__udp4_lib_rcv+0x9d3");
	tell(q);

	/* The same, but the close itself was not seen. */
	q = ntp();
	asks(&q, "sntp", 4712);
	reply_comes(&q, 2800 * MS, UW_STAGE_UDP);
	drop(&q, UW_REPLY, UW_STAGE_UDP, "NO_SOCKET", "__udp4_lib_rcv+0x9d3");
	tell(q);

	/* It was here in time, and stayed somewhere. */
	q = ntp();
	asks(&q, "chronyd", 811);
	reply_comes(&q, 900 * US, UW_STAGE_READ);
	is_read(&q, 6 * S);
	q.judged_ns = T0 + 6100 * MS;
	tell(q);
}

static void refused(void)
{
	struct uw_query q = ntp();

	asks(&q, "chronyd", 811);
	q.key.client_port = 123;
	reply_comes(&q, 3 * MS, UW_STAGE_READ);
	is_read(&q, 3 * MS);
	q.answer.kod = 1;
	memcpy(&q.answer.refid, "RATE", 4);
	tell(q);

	q = dns();
	reply_comes(&q, 12 * MS, UW_STAGE_READ);
	is_read(&q, 12 * MS);
	q.answer.flags = 0x8185;
	tell(q);
}

static void rejected(void)
{
	struct uw_query q = ntp();

	q.icmp = (struct uw_icmp){ .from = v4(192, 168, 110, 40), .seen = 1, .type = 3, .code = 3,
				   .when_ns = T0 + 2 * MS, .verified = 1 };
	tell(q);

	q = dns();
	q.key.family = 6;
	q.key.client = v6(0x31);
	q.key.server = v6(0x53);
	q.icmp = (struct uw_icmp){ .from = v6(0x01), .seen = 1, .type = 1, .code = 1,
				   .when_ns = T0 + 2 * MS };
	tell(q);

	/* A REJECT rule of this host's own. */
	q = ntp();
	by(drop(&q, UW_REQUEST, UW_STAGE_NF_OUTPUT, "NETFILTER_DROP", "nft_do_chain+0x3e8"), "nftables",
	   "output", "");
	q.icmp = (struct uw_icmp){ .from = v4(10, 0, 0, 5), .seen = 1, .type = 3, .code = 13,
				   .when_ns = T0 + 30 * US, .verified = 1, .local = 1 };
	q.send_errno = EPERM;
	tell(q);
}

static void misdirected(void)
{
	struct uw_query q = dns();

	q.misdirected = true;
	q.misdirected_from = v4(192, 0, 2, 54);
	tell(q);
}

static void too_big(void)
{
	struct uw_query q = dns();

	q.icmp = (struct uw_icmp){ .from = v4(10, 0, 0, 1), .seen = 1, .type = 3, .code = 4, .mtu = 1280,
				   .when_ns = T0 + 2 * MS, .verified = 1 };
	tell(q);
}

/* ---- the request, on this host ---- */

static void send_failed(void)
{
	struct uw_query q = ntp();

	stays(&q, UW_STAGE_ROUTE);
	q.flags |= UW_Q_NO_PACKET;
	q.key.client_port = 0;
	q.send_errno = ENETUNREACH;
	tell(q);

	stays(&q, UW_STAGE_SEND);
	asks(&q, "ntpd", 811);
	q.key.client_port = 123;
	q.send_errno = EPERM;
	tell(q);
}

static void request_dropped_firewall(void)
{
	struct uw_query q = ntp();

	q.send_errno = EPERM;
	by(drop(&q, UW_REQUEST, UW_STAGE_NF_OUTPUT, "NETFILTER_DROP", "nft_do_chain+0x3e8"), "nftables",
	   "output", "inet filter output handle 7: udp sport 32768-60999 udp dport 123 drop "
	   "comment \"no NTP from users\"");
	tell(q);

	asks(&q, "ntpd", 811);
	q.drop[UW_REQUEST].rule[0] = '\0';
	tell(q);

	by(&q.drop[UW_REQUEST], "", "postrouting", "");
	asks(&q, "ntpdate", 812);
	q.drop[UW_REQUEST].stage = UW_STAGE_NF_POSTROUTING;
	strcpy(q.drop[UW_REQUEST].location, "nf_hook_slow+0x7d");
	tell(q);

	by(&q.drop[UW_REQUEST], "nfqueue", "output", "");
	asks(&q, "sntp", 813);
	q.drop[UW_REQUEST].stage = UW_STAGE_NF_OUTPUT;
	strcpy(q.drop[UW_REQUEST].location, "nf_queue+0x1c4");
	tell(q);
}

static void request_dropped_elsewhere(void)
{
	static const struct {
		enum uw_stage stage;
		const char *reason, *location;
	} ways[] = {
		{ UW_STAGE_CGROUP_EGRESS, "BPF_CGROUP_EGRESS", "ip_finish_output+0xd3" },
		{ UW_STAGE_NEIGHBOUR, "NEIGH_FAILED", "arp_error_report+0x4a" },
		{ UW_STAGE_TC_EGRESS, "TC_EGRESS", "sch_handle_egress+0x1a1" },
		{ UW_STAGE_QDISC, "QDISC_DROP", "__dev_queue_xmit+0x7b1" },
		{ UW_STAGE_DEVICE, "NOT_SPECIFIED", "dummy_xmit+0x21" },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct uw_query q = ntp();

		strcpy(drop(&q, UW_REQUEST, ways[i].stage, ways[i].reason, ways[i].location)->ifname,
		       "eth0");
		if (ways[i].stage == UW_STAGE_CGROUP_EGRESS)
			q.send_errno = EPERM;
		if (ways[i].stage == UW_STAGE_NEIGHBOUR)
			q.drop[UW_REQUEST].when_ns = T0 + 3100 * MS;
		tell(q);
	}
}

static void request_held(void)
{
	struct uw_query q = ntp();

	stays(&q, UW_STAGE_NEIGHBOUR);
	q.judged_ns = T0 + 30 * S;
	tell(q);

	q = dns();
	stays(&q, UW_STAGE_NF_OUTPUT);
	q.judged_ns = T0 + 30 * S;
	q.held_by = "nfqueue";
	tell(q);
}

/* ---- the reply, on this host ---- */

static void reply_dropped_firewall(void)
{
	struct uw_query q = dns();
	struct uw_drop_fact *d;

	reply_comes(&q, 861 * US, UW_STAGE_WIRE_IN);
	d = drop(&q, UW_REPLY, UW_STAGE_NF_INPUT, "NETFILTER_DROP", "nft_do_chain+0x3e8");
	by(d, "nftables", "input", "inet filter input handle 12: udp sport 53 drop");
	strcpy(d->ifname, "eth0");
	tell(q);
}

static void reply_dropped_elsewhere(void)
{
	static const struct {
		enum uw_stage stage;
		const char *reason, *location;
	} ways[] = {
		{ UW_STAGE_ROUTE, "IP_RPFILTER", "ip_rcv_finish_core+0x1f0" },
		{ UW_STAGE_UDP, "UDP_CSUM", "__udp4_lib_rcv+0x60b" },
		{ UW_STAGE_SOCKET_QUEUE, "SOCKET_RCVBUFF", "__udp_enqueue_schedule_skb+0x2d5" },
		{ UW_STAGE_REASSEMBLY, "FRAG_REASM_TIMEOUT", "ip_expire+0x19a" },
		{ UW_STAGE_XDP, "XDP", "do_xdp_generic+0x9c" },
		{ UW_STAGE_UDP, "NO_SOCKET", "__udp4_lib_rcv+0x9d3" },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct uw_query q = dns();

		q.flags |= UW_Q_SOCKET_OPEN;
		reply_comes(&q, 861 * US, UW_STAGE_WIRE_IN);
		drop(&q, UW_REPLY, ways[i].stage, ways[i].reason, ways[i].location);
		if (ways[i].stage == UW_STAGE_SOCKET_QUEUE) {
			q.drop[UW_REPLY].rcvbuf = 2304;
			q.drop[UW_REPLY].rmem = 2560;
		}
		tell(q);
	}
}

static void reply_held(void)
{
	struct uw_query q = dns();

	reply_comes(&q, 861 * US, UW_STAGE_NF_INPUT);
	tell(q);

	q = dns();
	reply_comes(&q, 861 * US, UW_STAGE_REASSEMBLY);
	tell(q);
}

static void reply_unread(void)
{
	struct uw_query q = dns();

	reply_comes(&q, 861 * US, UW_STAGE_SOCKET_QUEUE);
	q.queued_ns = T0 + 870 * US;
	tell(q);

	asks(&q, "host", 2212);
	q.flags |= UW_Q_UNREAD;
	drop(&q, UW_REPLY, UW_STAGE_SOCKET_QUEUE, "QUEUE_PURGE", "udp_destruct_common+0x61");
	q.drop[UW_REPLY].when_ns = T0 + 2 * S;
	tell(q);
}

/* ---- a server on this host ---- */

static void served_badly(void)
{
	struct uw_query q = dns();

	served_here(&q, UW_STAGE_SOCKET_QUEUE);
	tell(q);

	q = dns();
	served_here(&q, UW_STAGE_READ);
	tell(q);

	q = dns();
	served_here(&q, UW_STAGE_WIRE_IN);
	q.dropped = 1;
	q.drop[UW_REQUEST] = (struct uw_drop_fact){ .seen = true, .stage = UW_STAGE_NF_INPUT,
						    .when_ns = T0 + 9 * US, .hook = "input",
						    .engine = "nftables", .ifname = "lo",
						    .reason = "NETFILTER_DROP",
						    .location = "nft_do_chain+0x3e8" };
	tell(q);
}

/* A resolver here whose upstream is dead; what asks it gets nothing, or SERVFAIL. */
static void chain(void)
{
	struct uw_query up = dns(), down;

	asks(&up, "unbound", 99);
	tell(up);
	for (unsigned i = 0; i < 2; i++) {
		down = dns();
		served_here(&down, UW_STAGE_READ);
		down.caused_by = up.id;
		uw_judge(&down);
		down.fault = UW_FAULT_BEYOND;
		sink->query(sink, &down);
	}
	down = dns();
	served_here(&down, UW_STAGE_READ);
	asks(&down, "postfix", 31);
	down.flags |= UW_Q_REPLY_SENT;
	down.path[down.hops++] = (struct uw_hop){ .ifname = "lo", .ifindex = 1, .dir = UW_REPLY, .out = 1 };
	down.path[down.hops++] = (struct uw_hop){ .ifname = "lo", .ifindex = 1, .dir = UW_REPLY };
	is_read(&down, 4 * S);
	down.answer.flags = 0x8182;
	down.caused_by = up.id;
	uw_judge(&down);
	down.fault = UW_FAULT_BEYOND;
	sink->query(sink, &down);
	/* Its cause was told long ago. */
	down.caused_by = 1;
	sink->query(sink, &down);
}

/* ---- other roles ---- */

static void as_server(void)
{
	struct uw_query q = dns();

	q.key.client = v4(203, 0, 113, 7);
	asks(&q, "unbound", 99);
	q.flags = UW_Q_SERVER_QUEUED | UW_Q_SERVER_READ;
	q.path[0].out = 0;
	q.on_wire = 0;
	q.wire_out_ns = 0;
	q.stage_reached[UW_REQUEST] = UW_STAGE_READ;
	tell_as(q, UW_ROLE_SERVER, UW_NOT_SERVED, UW_FAULT_LOCAL);
	q.stage_reached[UW_REQUEST] = UW_STAGE_SOCKET_QUEUE;
	tell_as(q, UW_ROLE_SERVER, UW_REQUEST_UNREAD, UW_FAULT_LOCAL);

	q = dns();
	q.key.client = v4(203, 0, 113, 7);
	q.path[0].out = 0;
	q.path[q.hops++] = (struct uw_hop){ .ifname = "wan0", .ifindex = 3, .out = 1 };
	tell_as(q, UW_ROLE_FORWARDER, UW_NO_REPLY, UW_FAULT_BEYOND);
}

/* ---- good ones, if they are asked for ---- */

static void good(void)
{
	struct uw_query q = ntp();

	reply_comes(&q, 890 * US, UW_STAGE_READ);
	is_read(&q, 900 * US);
	tell(q);

	q = dns();
	reply_comes(&q, 14 * MS, UW_STAGE_READ);
	is_read(&q, 14 * MS);
	q.answer.flags = 0x8183;
	tell(q);

	q = dns();
	tell_as(q, UW_ROLE_CLIENT, UW_SUPERSEDED, UW_FAULT_NONE);
}

/* ---- odd ones ---- */

static void unknown(void)
{
	struct uw_query q = dns();

	reply_comes(&q, 861 * US, UW_STAGE_NF_INPUT);
	q.input_ns = T0 + 870 * US;
	tell(q);
}

static void translated(void)
{
	struct uw_query q = dns();

	q.nat = (struct uw_nat){ .client = v4(203, 0, 113, 9), .server = v4(192, 0, 2, 53),
				 .client_port = 61012, .server_port = 53, .seen = 1 };
	tell(q);
}

/* Names as other people have them: CJK, emoji, combining marks, and 255 bytes of a domain. */
static void wide_names(void)
{
	struct uw_query q = dns();

	asks(&q, "時刻同期サービス🕰️監視プログラム本番環境用", 12398);
	strcpy(q.netns_name, "büro-ü");
	q.question_len = 255 + 4;
	for (unsigned at = 0; at < 254; at++)
		q.question[at] = (uint8_t)('a' + at % 26);
	for (unsigned at = 0; at < 192; at += 64)
		q.question[at] = 63;
	q.question[192] = 61;
	memset(q.question + 254, 0, 5);
	q.question[256] = 28;
	q.question[258] = 1;
	tell(q);

	q = ntp();
	q.flags |= UW_Q_NO_OWNER;
	tell(q);

	q.holders = 2;
	q.holder[0] = (struct uw_holder){ 12, "nginx" };
	q.holder[1] = (struct uw_holder){ 13, "php-fpm8.2" };
	q.key.client_port++;
	tell(q);
}

/* The answer said TC, and TCP did not get through. */
static void over_tcp(void)
{
	struct uw_query q = dns();

	reply_comes(&q, 900 * US, UW_STAGE_READ);
	is_read(&q, 910 * US);
	q.answer.flags = 0x8780;
	q.tcp_retry = UW_TCP_TIMED_OUT;
	tell(q);
}

/* Of a capture: nobody knows whose process asked, or what the host did. */
static void captured(void)
{
	struct uw_query q = ntp();

	q.captured = true;
	q.netns = 0;
	q.hops = 0;
	q.flags |= UW_Q_RAW | UW_Q_NO_OWNER;
	q.acquittal.looked = false;
	memset(q.executable, 0, sizeof(q.executable));
	tell(q);
	q.key.client_port = 46759;
	q.answer.when_ns = q.wire_in_ns = T0 + 7 * S;
	q.answer.late = true;
	tell(q);
}

#define GOLDENS \
	GOLDEN("no-reply-ntp", no_reply_ntp, false) \
	GOLDEN("no-reply-dns", no_reply_dns, false) \
	GOLDEN("no-reply-gaps", no_reply_gaps, false) \
	GOLDEN("no-reply-closed", no_reply_closed, false) \
	GOLDEN("mixed-fates", mixed_fates, false) \
	GOLDEN("answered-late", answered_late, false) \
	GOLDEN("refused", refused, false) \
	GOLDEN("rejected", rejected, false) \
	GOLDEN("misdirected", misdirected, false) \
	GOLDEN("too-big", too_big, false) \
	GOLDEN("send-failed", send_failed, false) \
	GOLDEN("request-dropped-firewall", request_dropped_firewall, false) \
	GOLDEN("request-dropped-elsewhere", request_dropped_elsewhere, false) \
	GOLDEN("request-held", request_held, false) \
	GOLDEN("reply-dropped-firewall", reply_dropped_firewall, false) \
	GOLDEN("reply-dropped-elsewhere", reply_dropped_elsewhere, false) \
	GOLDEN("reply-held", reply_held, false) \
	GOLDEN("reply-unread", reply_unread, false) \
	GOLDEN("served-badly", served_badly, false) \
	GOLDEN("over-tcp", over_tcp, false) \
	GOLDEN("captured", captured, false) \
	GOLDEN("chain", chain, false) \
	GOLDEN("as-server", as_server, false) \
	GOLDEN("good", good, true) \
	GOLDEN("unknown", unknown, false) \
	GOLDEN("translated", translated, false) \
	GOLDEN("wide-names", wide_names, false) \
	GOLDEN_RUNS
