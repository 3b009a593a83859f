/* SPDX-License-Identifier: GPL-2.0-only */
/* Each rule has a case that makes it true, and look-alikes that must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/diagnose.h"
#include "core/rules.h"

#define S 1000000000ull
#define MAX 16

static const struct uw_host_facts host = {.ephemeral_low = 32768, .ephemeral_high = 60999, .netns = 1};

/* A run: flows, and what was made of them. */
struct run {
	struct uw_flow flow[MAX];
	const struct uw_flow *list[MAX];
	unsigned flows;
	struct uw_diagnosis found[MAX];
	unsigned count;
};

static struct uw_flow *add(struct run *r, bool fixed, bool probe)
{
	struct uw_flow *f = &r->flow[r->flows];

	r->list[r->flows++] = f;
	f->id = (struct uw_flow_id){
		.client = {{10, 0, 0, 5}},
		.server = {{192, 0, 2, 1}},
		.netns = 7,
		.server_port = 123,
		.family = 4,
		.protocol = UW_PROTO_NTP,
		.role = UW_ROLE_CLIENT,
		.fixed = fixed,
		.probe = probe,
	};
	f->client_port = fixed ? 123 : 46758;
	f->first_ns = 100 * S;
	return f;
}

static struct uw_flow *unanswered(struct run *r, bool fixed, bool probe, uint64_t n)
{
	struct uw_flow *f = add(r, fixed, probe);

	f->count[UW_NO_REPLY] = f->bad_complete = n;
	f->last_bad_ns = 110 * S;
	return f;
}

static struct uw_flow *answered(struct run *r, bool fixed, bool probe, uint64_t n)
{
	struct uw_flow *f = add(r, fixed, probe);

	f->count[UW_ANSWERED] = n;
	f->rtt[9] = n;
	f->rtt_max_us = 900;
	f->last_good_ns = 112 * S;
	return f;
}

static struct uw_flow *dropped(struct run *r, enum uw_stage stage, enum uw_dir dir,
			       const char *reason, const char *engine, const char *hook)
{
	struct uw_flow *f = add(r, false, false);
	struct uw_flow_drop *d = &f->drop[0];

	f->count[dir == UW_REQUEST ? UW_REQUEST_DROPPED : UW_REPLY_DROPPED] = 3;
	f->last_bad_ns = 110 * S;
	f->drops = 1;
	*d = (struct uw_flow_drop){.stage = stage, .dir = dir, .count = 3, .netns = 7};
	snprintf(d->reason, sizeof(d->reason), "%s", reason);
	snprintf(d->engine, sizeof(d->engine), "%s", engine);
	snprintf(d->hook, sizeof(d->hook), "%s", hook);
	return f;
}

static struct uw_flow *send_failed(struct run *r, int err)
{
	struct uw_flow *f = add(r, false, false);

	f->count[UW_SEND_FAILED] = 2;
	f->send_errors = 1;
	f->send_error[0] = (struct uw_flow_errno){.err = err, .count = 2, .routed = 2};
	f->last_bad_ns = 110 * S;
	return f;
}

static const struct uw_diagnosis *find(struct run *r, const char *id)
{
	unsigned i;

	r->count = uw_diagnose(r->list, r->flows, &host, r->found, MAX);
	for (i = 0; i < r->count; i++) {
		if (strcmp(r->found[i].id, id) == 0)
			return &r->found[i];
	}
	return NULL;
}

static bool says(const struct uw_evidence *e, const char *text)
{
	unsigned i;

	for (i = 0; i < e->count; i++) {
		if (strstr(e->line[i], text))
			return true;
	}
	return false;
}

#define assert_says(evidence, text) assert_true(says(&(evidence), text))
#define assert_has(string, text) assert_non_null(strstr(string, text))

/* --- ephemeral-replies-filtered --- */

#define EPHEMERAL "ephemeral-replies-filtered"

static void test_ephemeral_likely(void **state)
{
	struct run r = {};
	const struct uw_diagnosis *d;

	(void)state;
	unanswered(&r, false, false, 6);
	answered(&r, true, true, 4);
	d = find(&r, EPHEMERAL);
	assert_non_null(d);
	assert_int_equal(r.count, 1);
	assert_int_equal(d->confidence, UW_LIKELY);
	assert_int_equal(d->flows, 2);
	assert_has(d->summary, "192.0.2.1:123");
	assert_says(d->in_favour, "6 asked, 0 answered, 6 of them");
	assert_says(d->in_favour, "4 asked, 4 answered");
	assert_says(d->in_favour, "median 0.8 ms");
	assert_says(d->in_favour, "2.0 s apart");
	assert_has(d->summary, "Replies to port 123 come in, replies to ephemeral ports do not, at the same moment, from the"
			       " same server");
	assert_has(d->summary, "ntpd works because");
	assert_has(d->next_step, "allow inbound udp, source port 123, destination ports 32768-60999");
	assert_int_equal(d->against.count, 0);
	assert_int_equal(d->open.count, 0);
}

/* Of a capture the host is not known, and what it dropped is not seen. */
static void test_ephemeral_captured(void **state)
{
	const struct uw_diagnosis *d;
	struct run r = {};

	(void)state;
	unanswered(&r, false, false, 5)->captured = true;
	answered(&r, true, false, 4)->captured = true;
	d = find(&r, "ephemeral-replies-filtered");
	assert_non_null(d);
	assert_says(d->in_favour, "5 of them are in the capture with complete");
	assert_false(says(&d->in_favour, "this host") || says(&d->in_favour, "dropped on"));
	assert_says(d->open, "a capture does not tell");
	assert_has(d->next_step, "(the asking host's ip_local_port_range)");
}

/* The flow's last query was answered: its port says nothing of the drops. */
static void test_firewall_port(void **state)
{
	const struct uw_diagnosis *d;
	struct run r = {};

	(void)state;
	dropped(&r, UW_STAGE_NF_INPUT, UW_REPLY, "NETFILTER_DROP", "nftables", "input")->drop[0].client_port = 50505;
	r.flow[0].client_port = 60606;
	d = find(&r, "local-firewall");
	assert_non_null(d);
	assert_says(d->in_favour, "client port 50505");
	assert_has(d->next_step, "destination port 50505");
}

static void test_ephemeral_possible(void **state)
{
	struct run r = {};
	const struct uw_diagnosis *d;

	(void)state;
	unanswered(&r, false, false, 2);
	d = find(&r, EPHEMERAL);
	assert_non_null(d);
	assert_int_equal(d->confidence, UW_POSSIBLE);
	assert_says(d->open, "0 queries from a fixed port");
	assert_has(d->next_step, "udpwhy probe ntp 192.0.2.1");
}

static void test_ephemeral_of_dns_v6(void **state)
{
	struct run r = {};
	const struct uw_diagnosis *d;
	unsigned i;

	(void)state;
	unanswered(&r, false, false, 2);
	answered(&r, true, false, 1);
	for (i = 0; i < r.flows; i++) {
		r.flow[i].id.family = 6;
		r.flow[i].id.protocol = UW_PROTO_DNS;
		r.flow[i].id.server_port = 53;
		r.flow[i].id.server = (struct uw_addr){{0x20, 1, 0xd, 0xb8, [15] = 1}};
	}
	d = find(&r, EPHEMERAL);
	assert_non_null(d);
	assert_has(d->summary, "[2001:db8::1]:53");
}

/* A fixed door that failed at times speaks against it, but does not refute it. */
static void test_ephemeral_against(void **state)
{
	struct run r = {};
	struct uw_flow *f;
	const struct uw_diagnosis *d;

	(void)state;
	f = unanswered(&r, false, false, 3);
	f->count[UW_NO_REPLY] = 4; /* one with a gap */
	f->count[UW_REJECTED] = 1;
	answered(&r, true, false, 4)->count[UW_NO_REPLY] = 1;
	d = find(&r, EPHEMERAL);
	assert_non_null(d);
	assert_says(d->against, "1 of 5 asked drew no reply either");
	assert_says(d->against, "1 of 5 were rejected");
	assert_says(d->open, "not counted: 1");
}

static void test_ephemeral_unknown_range(void **state)
{
	struct run r = {};
	struct uw_diagnosis d;

	(void)state;
	unanswered(&r, false, false, 2);
	assert_int_equal(uw_diagnose(r.list, r.flows, NULL, &d, 1), 1);
	assert_has(d.next_step, "destination ports above 1023");
}

/* What looks like it. Each takes the case that fires and changes one fact. */
static void lookalike(void (*change)(struct run *r))
{
	struct run r = {};

	unanswered(&r, false, false, 6);
	answered(&r, true, false, 4);
	assert_non_null(find(&r, EPHEMERAL));
	change(&r);
	assert_null(find(&r, EPHEMERAL));
}

static void only_one(struct run *r)
{
	r->flow[0].count[UW_NO_REPLY] = r->flow[0].bad_complete = 1;
}

static void with_gaps(struct run *r)
{
	r->flow[0].bad_complete = 1;
}

static void one_answered(struct run *r)
{
	r->flow[0].count[UW_ANSWERED] = 1;
}

static void probe_answered(struct run *r)
{
	answered(r, false, true, 1);
}

static void one_late(struct run *r)
{
	r->flow[0].count[UW_ANSWERED_LATE] = 1;
}

static void one_refused(struct run *r)
{
	r->flow[0].count[UW_REFUSED] = 1;
}

static void one_misdirected(struct run *r)
{
	r->flow[0].count[UW_MISDIRECTED] = 1;
}

static void one_unread(struct run *r)
{
	r->flow[0].count[UW_REPLY_UNREAD] = 1;
}

static void reply_dropped_here(struct run *r)
{
	r->flow[0].count[UW_REPLY_DROPPED] = 1;
}

static void request_dropped_here(struct run *r)
{
	r->flow[0].count[UW_REQUEST_DROPPED] = 1;
}

static void copy_dropped_here(struct run *r)
{
	r->flow[0].drops = 1;
	r->flow[0].drop[0].stage = UW_STAGE_QDISC;
	r->flow[0].drop[0].count = 1;
}

static void server_dead(struct run *r)
{
	memset(r->flow[1].count, 0, sizeof(r->flow[1].count));
	r->flow[1].count[UW_NO_REPLY] = 4;
	r->flow[1].last_good_ns = 0;
	r->flow[1].last_bad_ns = 112 * S;
}

/* ntpd was answered, then the server died, then check_ntp_time ran. */
static void server_died_before(struct run *r)
{
	r->flow[1].count[UW_NO_REPLY] = 1;
	r->flow[1].last_good_ns = 90 * S;
	r->flow[1].last_bad_ns = 105 * S;
}

static void both_here(struct run *r)
{
	r->flow[0].id.role = r->flow[1].id.role = UW_ROLE_LOCAL;
}

static void test_ephemeral_lookalikes(void **state)
{
	(void)state;
	lookalike(only_one);
	lookalike(with_gaps);
	lookalike(one_answered);
	lookalike(probe_answered);
	lookalike(one_late);
	lookalike(one_refused);
	lookalike(one_misdirected);
	lookalike(one_unread);
	lookalike(reply_dropped_here);
	lookalike(request_dropped_here);
	lookalike(copy_dropped_here);
	lookalike(server_dead);
	lookalike(server_died_before);
	lookalike(both_here);
}

/* Another server, namespace, protocol, port or client is no contrast: only "possible" is left. */
static void test_ephemeral_needs_the_same_server(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 6; i++) {
		struct run r = {};
		struct uw_flow_id *id;
		const struct uw_diagnosis *d;

		unanswered(&r, false, false, 6);
		id = &answered(&r, true, false, 4)->id;
		id->server.b[3] += i == 0;
		id->netns += i == 1;
		id->protocol = i == 2 ? UW_PROTO_DNS : UW_PROTO_NTP;
		id->server_port += i == 3;
		id->client.b[3] += i == 4;
		id->role = i == 5 ? UW_ROLE_FORWARDER : UW_ROLE_CLIENT;
		d = find(&r, EPHEMERAL);
		assert_non_null(d);
		assert_int_equal(d->confidence, UW_POSSIBLE);
		assert_int_equal(d->flows, 1);
	}
}

/* A fixed-port query that never got out says nothing about the server. */
static void test_ephemeral_fixed_never_sent(void **state)
{
	struct run r = {};
	const struct uw_diagnosis *d;

	(void)state;
	unanswered(&r, false, false, 6);
	add(&r, true, false)->count[UW_REQUEST_DROPPED] = 3;
	d = find(&r, EPHEMERAL);
	assert_non_null(d);
	assert_int_equal(d->confidence, UW_POSSIBLE);
}

/* --- local-firewall --- */

static void test_firewall(void **state)
{
	struct run r = {};
	const struct uw_diagnosis *d;

	(void)state;
	dropped(&r, UW_STAGE_NF_INPUT, UW_REPLY, "NETFILTER_DROP", "nftables", "input");
	dropped(&r, UW_STAGE_NF_INPUT, UW_REPLY, "NETFILTER_DROP", "nftables", "input")
		->id.server.b[3] = 2;
	d = find(&r, "local-firewall");
	assert_non_null(d);
	assert_int_equal(r.count, 1); /* one cause, two servers */
	assert_int_equal(d->confidence, UW_CERTAIN);
	assert_int_equal(d->flows, 2);
	assert_has(d->summary, "(nftables, hook input) dropped 6 replies of 2 flows");
	assert_says(d->in_favour,
		    "hook input, engine nftables, reason NETFILTER_DROP: 6 replies dropped, "
		    "udp source port 123, destination port 46758");
	assert_says(d->in_favour, "192.0.2.2:123");
	assert_has(d->next_step, "nft -a list ruleset");
	assert_has(d->next_step, "network namespace 7 ");
	assert_int_equal(d->open.count, 0);
}

/* How to get there: by name where it has one that can be typed; nothing is said of where the reader is. */
static void test_firewall_place(void **state)
{
	struct run r = {};
	const struct uw_diagnosis *d;
	struct uw_flow *f = dropped(&r, UW_STAGE_NF_INPUT, UW_REPLY, "NETFILTER_DROP", "nftables", "input");

	(void)state;
	f->id.netns = 7;
	strcpy(f->netns_name, "web");
	d = find(&r, "local-firewall");
	assert_non_null(d);
	assert_has(d->next_step, "In network namespace web (ip netns exec web ...): find the rule");
	strcpy(f->netns_name, "w$(reboot)");
	d = find(&r, "local-firewall");
	assert_has(d->next_step, "In network namespace 7 (lsns");
	f->drop[0].netns = 1;
	d = find(&r, "local-firewall");
	assert_int_equal(strncmp(d->next_step, "Find the rule", 13), 0);
}

/* The rule's own trace told it: there is nothing left to find. */
static void test_firewall_rule(void **state)
{
	struct run r = {};
	const struct uw_diagnosis *d;
	struct uw_flow *f = dropped(&r, UW_STAGE_NF_INPUT, UW_REPLY, "NETFILTER_DROP", "nftables", "input");

	(void)state;
	snprintf(f->drop[0].rule, UW_FLOW_RULE, "inet filter input handle 7: udp sport 123 drop");
	f->drop[0].by_rule = f->drop[0].count;
	d = find(&r, "local-firewall");
	assert_non_null(d);
	assert_has(d->next_step, "let udp source port 123, destination port 46758 or another ephemeral one pass before "
				 "this rule of hook input, or change it: inet filter input handle 7: udp sport 123 drop");
	assert_null(strstr(d->next_step, "find the rule"));
	f->drop[0].by_rule = 1;
	d = find(&r, "local-firewall");
	assert_has(d->next_step, "drop (1 of 3; the queries name the others)");
}

static void test_firewall_legacy(void **state)
{
	struct run r = {};
	const struct uw_diagnosis *d;

	(void)state;
	dropped(&r, UW_STAGE_NF_OUTPUT, UW_REQUEST, "NETFILTER_DROP", "", "");
	d = find(&r, "local-firewall");
	assert_non_null(d);
	assert_has(d->summary, "3 requests");
	assert_says(d->in_favour, "hook output, engine netfilter");
	assert_says(d->in_favour, "udp destination port 123, source port 46758 or another ephemeral one");
	assert_says(d->open, "conntrack -S");
	assert_has(d->next_step, "iptables-save");
}

/* Two kinds of drop in one flow are two findings. */
static void test_firewall_kinds(void **state)
{
	struct run r = {};
	struct uw_flow *f;

	(void)state;
	f = dropped(&r, UW_STAGE_NF_INPUT, UW_REPLY, "NETFILTER_DROP", "nftables", "input");
	f->drop[1] = f->drop[0];
	f->drop[1].stage = UW_STAGE_NF_PREROUTING;
	f->drops = 2;
	assert_non_null(find(&r, "local-firewall"));
	assert_int_equal(r.count, 2);
}

static void test_firewall_stages(void **state)
{
	int stage;

	(void)state;
	for (stage = UW_STAGE_SEND; stage < UW_STAGES; stage++) {
		bool nf = strncmp(uw_stage_name(stage), "nf_", 3) == 0;
		struct run r = {};

		dropped(&r, stage, UW_REPLY, "WHATEVER", "", "");
		assert_int_equal(find(&r, "local-firewall") != NULL, nf);
		/* a bridge's rules are nftables' too */
		snprintf(r.flow[0].drop[0].engine, sizeof(r.flow[0].drop[0].engine), "nftables");
		assert_non_null(find(&r, "local-firewall"));
	}
}

/* Connection tracking is no firewall: full before there is an entry, a lost race after. */
static void test_conntrack(void **state)
{
	int stage;

	(void)state;
	for (stage = UW_STAGE_SEND; stage < UW_STAGES; stage++) {
		bool full = stage == UW_STAGE_NF_OUTPUT || stage == UW_STAGE_NF_PREROUTING;
		struct run r = {};

		dropped(&r, stage, UW_REQUEST, "NETFILTER_DROP", "conntrack", "output");
		assert_int_equal(find(&r, "conntrack-full") != NULL, full);
		assert_null(find(&r, "local-firewall"));
	}
}

/* systemd's IPAddressDeny is a firewall too, and no rule of nftables. */
static void test_cgroup(void **state)
{
	struct run r = {};
	const struct uw_diagnosis *d;

	(void)state;
	dropped(&r, UW_STAGE_SOCKET_FILTER, UW_REPLY, "SOCKET_FILTER", "cgroup_bpf", "");
	d = find(&r, "local-firewall");
	assert_non_null(d);
	assert_has(d->next_step, "IPAddressDeny");
	r.flow[0].drop[0].engine[0] = '\0';
	assert_null(find(&r, "local-firewall"));
}

/* --- other drops --- */

static void test_neighbour(void **state)
{
	struct run r = {};
	const struct uw_diagnosis *d;

	(void)state;
	dropped(&r, UW_STAGE_NEIGHBOUR, UW_REQUEST, "NEIGH_FAILED", "", "");
	d = find(&r, "neighbour-unresolved");
	assert_non_null(d);
	assert_int_equal(r.count, 1);
	assert_int_equal(d->confidence, UW_CERTAIN);
	assert_says(d->in_favour, "reason NEIGH_FAILED: 3 requests dropped");
	assert_has(d->next_step, "ip neigh show");
	/* look-alike: held there, and dropped elsewhere */
	r.flow[0].drop[0].stage = UW_STAGE_QDISC;
	assert_null(find(&r, "neighbour-unresolved"));
}

static void test_buffer(void **state)
{
	struct run r = {};
	const struct uw_diagnosis *d;

	(void)state;
	dropped(&r, UW_STAGE_SOCKET_QUEUE, UW_REPLY, "SOCKET_RCVBUFF", "", "");
	r.flow[0].drop[0].rcvbuf = 2304;
	r.flow[0].drop[0].rmem = 2816;
	d = find(&r, "socket-buffer-overflow");
	assert_non_null(d);
	assert_int_equal(d->confidence, UW_CERTAIN);
	assert_says(d->in_favour, "buffer of 2304 bytes, 2816 bytes in use");
	assert_has(d->next_step, "sport = :46758");
	r.flow[0].drop[0].dir = UW_REQUEST; /* our server reads too slowly */
	d = find(&r, "socket-buffer-overflow");
	assert_has(d->next_step, "sport = :123");
	/* look-alikes at the same place */
	strcpy(r.flow[0].drop[0].reason, "SOCKET_FILTER");
	assert_null(find(&r, "socket-buffer-overflow"));
	strcpy(r.flow[0].drop[0].reason, "PROTO_MEM");
	assert_null(find(&r, "socket-buffer-overflow"));
}

/* --- no-route --- */

static void test_route(void **state)
{
	static const struct {
		int err;
		const char *text;
	} cases[] = {
		{ENETUNREACH, "ENETUNREACH (no route)"},
		{EHOSTUNREACH, "EHOSTUNREACH (an unreachable route)"},
		{EACCES, "EACCES (a prohibit route or rule)"},
		{EINVAL, "EINVAL (a blackhole route)"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run r = {};
		const struct uw_diagnosis *d;

		send_failed(&r, cases[i].err);
		d = find(&r, "no-route");
		assert_non_null(d);
		assert_int_equal(d->confidence, UW_CERTAIN);
		assert_says(d->in_favour, "192.0.2.1:123: sends that failed with");
		assert_says(d->in_favour, cases[i].text);
		assert_has(d->next_step, "ip route get 192.0.2.1");
	}
}

/* A missing default route is one cause for all servers of a namespace. */
static void test_route_once(void **state)
{
	struct run r = {};
	const struct uw_diagnosis *d;

	(void)state;
	send_failed(&r, ENETUNREACH);
	send_failed(&r, ENETUNREACH)->id.server.b[3] = 2;
	send_failed(&r, ENETUNREACH)->id.netns = 8;
	d = find(&r, "no-route");
	assert_non_null(d);
	assert_int_equal(r.count, 2);
	assert_int_equal(d->flows, 2);
	assert_has(d->summary, "192.0.2.1 and others");
}

static void test_route_lookalikes(void **state)
{
	static const int others[] = {EPERM, EMSGSIZE, ECONNREFUSED, ENOBUFS, EAFNOSUPPORT};
	static const int ambiguous[] = {EHOSTUNREACH, EACCES, EINVAL, ENETUNREACH};
	struct run r;
	struct uw_flow *f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		memset(&r, 0, sizeof(r));
		send_failed(&r, others[i]);
		assert_null(find(&r, "no-route"));
	}
	/* A route's errno of another origin: an ICMP error of before, a broadcast, a security module. */
	for (i = 0; i < sizeof(ambiguous) / sizeof(ambiguous[0]); i++) {
		memset(&r, 0, sizeof(r));
		send_failed(&r, ambiguous[i])->send_error[0].routed = 0;
		assert_null(find(&r, "no-route"));
	}
	memset(&r, 0, sizeof(r));
	f = dropped(&r, UW_STAGE_NEIGHBOUR, UW_REQUEST, "NEIGH_FAILED", "", "");
	f->send_errors = 1;
	f->send_error[0] = (struct uw_flow_errno){.err = EHOSTUNREACH, .count = 1};
	assert_null(find(&r, "no-route"));
	assert_non_null(find(&r, "neighbour-unresolved"));
}

/* --- no-service --- */

static struct uw_flow *rejected(struct run *r, uint64_t n, uint64_t port_unreachable)
{
	struct uw_flow *f = add(r, false, false);

	f->count[UW_REJECTED] = n;
	f->port_unreachable = port_unreachable;
	f->last_bad_ns = 110 * S;
	return f;
}

static void test_service(void **state)
{
	struct run r = {};
	const struct uw_diagnosis *d;
	struct uw_flow *f;

	(void)state;
	f = rejected(&r, 3, 3);
	d = find(&r, "no-service");
	assert_non_null(d);
	assert_int_equal(r.count, 1);
	assert_int_equal(d->confidence, UW_LIKELY);
	assert_says(d->in_favour, "3 of 3 queries");
	assert_has(d->next_step, "ss -uln 'sport = :123'");
	assert_int_equal(d->against.count, 0);
	/* it was there before */
	f->count[UW_ANSWERED] = 5;
	f->last_good_ns = 105 * S;
	d = find(&r, "no-service");
	assert_non_null(d);
	assert_says(d->against, "earlier queries that were answered: 5");
	/* and it is back */
	f->last_good_ns = 111 * S;
	assert_null(find(&r, "no-service"));
	/* a single one may be a restart's */
	memset(&r, 0, sizeof(r));
	rejected(&r, 1, 1);
	d = find(&r, "no-service");
	assert_int_equal(d->confidence, UW_POSSIBLE);
	assert_says(d->open, "1 query only");
	rejected(&r, 1, 1)->id.fixed = 1;
	d = find(&r, "no-service");
	assert_int_equal(d->confidence, UW_LIKELY);
}

static void test_service_lookalikes(void **state)
{
	struct run r = {};

	(void)state;
	rejected(&r, 3, 0); /* another ICMP error, or another sender's */
	assert_null(find(&r, "no-service"));
	memset(&r, 0, sizeof(r));
	rejected(&r, 3, 3); /* a REJECT rule: the same service answers another port */
	answered(&r, true, false, 4);
	assert_null(find(&r, "no-service"));
}

/* --- server-rate-limiting --- */

static void test_rate(void **state)
{
	struct run r = {};
	const struct uw_diagnosis *d;
	struct uw_flow *f;

	(void)state;
	f = add(&r, true, false);
	f->count[UW_REFUSED] = 3;
	f->refused = 3;
	f->kod_rate = 2;
	f->count[UW_ANSWERED] = 8;
	f->last_good_ns = 110 * S;
	f->last_bad_ns = 120 * S;
	d = find(&r, "server-rate-limiting");
	assert_non_null(d);
	assert_int_equal(r.count, 1);
	assert_int_equal(d->confidence, UW_LIKELY);
	assert_says(d->in_favour, "2 of 11 queries");
	assert_says(d->in_favour, "every 2.0 s");
	assert_has(d->next_step, "minpoll");
	assert_says(d->in_favour, "answered 8 other queries");
	/* it answers nothing else: whether asking less would help is open */
	f->count[UW_ANSWERED] = 0;
	d = find(&r, "server-rate-limiting");
	assert_int_equal(d->confidence, UW_POSSIBLE);
	assert_says(d->open, "0 queries of this client were answered");
	/* look-alikes: DENY and RSTR are access control, DNS REFUSED has no code */
	f->kod_rate = 0;
	assert_null(find(&r, "server-rate-limiting"));
}

/* --- tcp-fallback-blocked --- */

static void test_tcp(void **state)
{
	struct run r = {};
	const struct uw_diagnosis *d;
	struct uw_flow *f, *other;

	(void)state;
	f = answered(&r, false, false, 4);
	f->id.protocol = UW_PROTO_DNS;
	f->tcp[UW_TCP_TIMED_OUT] = 1;
	d = find(&r, "tcp-fallback-blocked");
	assert_int_equal(d->confidence, UW_POSSIBLE);
	assert_says(d->open, "1 connection only");
	/* the contrast: another server's came about */
	other = answered(&r, false, false, 4);
	other->id.protocol = UW_PROTO_DNS;
	other->id.server.b[3] = 9;
	other->tcp[UW_TCP_CONNECTED] = 2;
	d = find(&r, "tcp-fallback-blocked");
	assert_int_equal(d->confidence, UW_LIKELY);
	assert_says(d->in_favour, "to other servers that came about: 2");
	/* or more than one, or the server's own word */
	other->tcp[UW_TCP_CONNECTED] = 0;
	f->tcp[UW_TCP_TIMED_OUT] = 2;
	assert_int_equal(find(&r, "tcp-fallback-blocked")->confidence, UW_LIKELY);
	f->tcp[UW_TCP_TIMED_OUT] = 0;
	f->tcp[UW_TCP_REFUSED] = 1;
	assert_int_equal(find(&r, "tcp-fallback-blocked")->confidence, UW_LIKELY);
	f->tcp[UW_TCP_CONNECTED] = 1;
	assert_null(find(&r, "tcp-fallback-blocked"));
}

static struct uw_flow *unsynchronised(struct run *r, uint64_t n, uint64_t of)
{
	struct uw_flow *f = answered(r, false, false, of);

	f->unsynchronised = n;
	f->last_unsynchronised_ns = n ? 112 * S : 0;
	return f;
}

static void test_unsynchronised(void **state)
{
	const struct uw_diagnosis *d;
	struct run r = {};
	struct uw_flow *f;

	(void)state;
	unsynchronised(&r, 1, 1);
	d = find(&r, "server-unsynchronised");
	assert_non_null(d);
	assert_int_equal(r.count, 1);
	assert_int_equal(d->confidence, UW_POSSIBLE);
	assert_says(d->open, "0 answers of any server");
	/* another server that has the time; DNS has none */
	unsynchronised(&r, 0, 4)->id.server.b[3] = 9;
	f = unsynchronised(&r, 0, 100);
	f->id.protocol = UW_PROTO_DNS;
	d = find(&r, "server-unsynchronised");
	assert_int_equal(d->confidence, UW_LIKELY);
	assert_says(d->in_favour, "1 of 1 answer to ephemeral ports said so");
	assert_says(d->in_favour, "other NTP servers gave 4 answers");
	/* told by the other port class as well, which has recovered since */
	f = answered(&r, true, false, 3);
	f->last_good_ns = 130 * S;
	d = find(&r, "server-unsynchronised");
	assert_int_equal(r.count, 1);
	assert_says(d->against, "of its answers 3 said");
	r.flow[0].unsynchronised = 0;
	assert_null(find(&r, "server-unsynchronised"));
}

/* --- the engine --- */

static void test_nothing(void **state)
{
	struct run r = {};

	(void)state;
	assert_int_equal(uw_diagnose(NULL, 0, &host, r.found, MAX), 0);
	answered(&r, false, false, 100);
	answered(&r, true, false, 100);
	assert_null(find(&r, "any"));
	assert_int_equal(r.count, 0);
}

static void test_bounded(void **state)
{
	struct run r = {};
	int i;

	(void)state;
	for (i = 0; i < 10; i++)
		send_failed(&r, ENETUNREACH)->id.netns = (uint32_t)i;
	memset(r.found, 0x55, sizeof(r.found));
	assert_int_equal(uw_diagnose(r.list, r.flows, &host, r.found, 3), 3);
	assert_int_equal(((unsigned char *)&r.found[3])[0], 0x55);
	assert_int_equal(uw_diagnose(r.list, r.flows, &host, r.found, 0), 0);
}

/* More flows than a diagnosis lists: the numbers are still of all. */
static void test_many_flows(void **state)
{
	const struct uw_diagnosis *d;
	struct run r = {};
	int i;

	(void)state;
	for (i = 0; i < 10; i++)
		dropped(&r, UW_STAGE_NF_INPUT, UW_REPLY, "NETFILTER_DROP", "nftables", "input")
			->id.server.b[3] = (uint8_t)i;
	d = find(&r, "local-firewall");
	assert_non_null(d);
	assert_int_equal(d->flows, UW_EVIDENCE_MAX);
	assert_int_equal(d->in_favour.count, UW_EVIDENCE_MAX);
	assert_has(d->summary, "30 replies of 10 flows");
}

/* A rule is a drop rule or a flow rule, or decides for itself on the whole run; it always ends in something to do. */
static void test_table(void **state)
{
	unsigned i, k;

	(void)state;
	for (i = 0; i < uw_rule_count; i++) {
		assert_false(uw_rules[i].drop && uw_rules[i].flow);
		assert_true(uw_rules[i].drop || uw_rules[i].flow || uw_rules[i].holds);
		assert_non_null(uw_rules[i].tell);
		for (k = 0; k < i; k++)
			assert_string_not_equal(uw_rules[i].id, uw_rules[k].id);
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(uw_confidence_name(UW_POSSIBLE), "possible");
	assert_string_equal(uw_confidence_name(UW_LIKELY), "likely");
	assert_string_equal(uw_confidence_name(UW_CERTAIN), "certain");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ephemeral_likely),
		cmocka_unit_test(test_ephemeral_possible),
		cmocka_unit_test(test_ephemeral_captured),
		cmocka_unit_test(test_firewall_port),
		cmocka_unit_test(test_ephemeral_of_dns_v6),
		cmocka_unit_test(test_ephemeral_against),
		cmocka_unit_test(test_ephemeral_unknown_range),
		cmocka_unit_test(test_ephemeral_lookalikes),
		cmocka_unit_test(test_ephemeral_needs_the_same_server),
		cmocka_unit_test(test_ephemeral_fixed_never_sent),
		cmocka_unit_test(test_firewall),
		cmocka_unit_test(test_firewall_place),
		cmocka_unit_test(test_firewall_rule),
		cmocka_unit_test(test_firewall_legacy),
		cmocka_unit_test(test_firewall_kinds),
		cmocka_unit_test(test_firewall_stages),
		cmocka_unit_test(test_conntrack),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_neighbour),
		cmocka_unit_test(test_buffer),
		cmocka_unit_test(test_route),
		cmocka_unit_test(test_route_once),
		cmocka_unit_test(test_route_lookalikes),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_service_lookalikes),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_unsynchronised),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_many_flows),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
