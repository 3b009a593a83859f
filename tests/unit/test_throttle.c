/* SPDX-License-Identifier: GPL-2.0-only */
/* upstream-udp-throttling from loss windows, and what looks like it; causes that were seen at work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/diagnose.h"

#define S 1000000000ull
#define MAX 16

struct run {
	struct uw_flow flow[4];
	const struct uw_flow *list[4];
	unsigned flows;
	struct uw_window window[4];
	const struct uw_window *windows[4];
	struct uw_clock clock;
	struct uw_host_facts host;
	struct uw_diagnosis found[MAX];
	unsigned count;
};

static struct uw_flow *add_flow(struct run *r, unsigned server, enum uw_proto protocol)
{
	struct uw_flow *f = &r->flow[r->flows];

	r->list[r->flows++] = f;
	f->id = (struct uw_flow_id){
		.client = {{10, 0, 0, 5}}, .server = {{192, 0, 2, (uint8_t)server}}, .netns = 7,
		.server_port = protocol == UW_PROTO_NTP ? 123 : 53, .family = 4, .protocol = (uint8_t)protocol,
		.role = UW_ROLE_CLIENT,
	};
	f->client_port = 40000;
	return f;
}

/* A closed window of the first two flows, at second @at, with the traffic of a gateway. */
static struct uw_window *add_window(struct run *r, uint64_t at)
{
	unsigned n = r->host.window_count++, i;
	struct uw_window *w = &r->window[n];
	struct uw_episode e = {
		.last_good_ns = at * S, .first_bad_ns = (at + 1) * S, .last_bad_ns = (at + 40) * S,
		.first_good_ns = (at + 41) * S, .queries = 10,
	};

	r->windows[n] = w;
	*w = (struct uw_window){
		.id = n + 1, .closed = true, .last_good_ns = e.last_good_ns, .first_bad_ns = e.first_bad_ns,
		.last_bad_ns = e.last_bad_ns, .first_good_ns = e.first_good_ns, .queries = 20, .flows = 2,
		.traffic = {
			.before = true, .during = true, .release = true, .udp_out_before = 3000 + n,
			.udp_in_before = 1000, .udp_out_release = 300 + n, .udp_in_release = 100,
			.tcp_in_before = 50, .tcp_in_during = 2000, .ports = 1, .port = {{ 51820, 0.96 }},
		},
	};
	for (i = 0; i < 2; i++)
		w->flow[i] = (struct uw_window_flow){ .id = r->flow[i].id, .e = e };
	return w;
}

static struct run throttled(void)
{
	struct run r = { 0 };

	add_flow(&r, 1, UW_PROTO_NTP);
	add_flow(&r, 2, UW_PROTO_NTP);
	add_window(&r, 100);
	add_window(&r, 300);
	r.host.loss.inside = 40;
	return r;
}

static const struct uw_diagnosis *diagnose(struct run *r, const char *id)
{
	unsigned i;

	r->list[0] = &r->flow[0];
	for (i = 0; i < r->flows; i++)
		r->list[i] = &r->flow[i];
	for (i = 0; i < r->host.window_count; i++)
		r->windows[i] = &r->window[i];
	uw_clock_note(&r->clock, 0, 1790068283000000000ll);
	r->host.windows = r->windows;
	r->host.clock = &r->clock;
	r->count = uw_diagnose(r->list, r->flows, &r->host, r->found, MAX);
	for (i = 0; i < r->count; i++) {
		if (!strcmp(r->found[i].id, id))
			return &r->found[i];
	}
	return NULL;
}

static bool says(const struct uw_evidence *e, const char *what)
{
	unsigned i;

	for (i = 0; i < e->count; i++) {
		if (strstr(e->line[i], what))
			return true;
	}
	return false;
}

static const struct uw_diagnosis *throttle(struct run *r)
{
	return diagnose(r, "upstream-udp-throttling");
}

static void test_likely(void **state)
{
	struct run r = throttled();
	const struct uw_diagnosis *d = throttle(&r);

	(void)state;
	assert_non_null(d);
	assert_int_equal(d->confidence, UW_LIKELY);
	assert_int_equal(d->flows, 2);
	assert_true(says(&d->in_favour, "every onset lies above 4000 and every release below 401 packets/s"));
	assert_true(says(&d->in_favour, "TCP segments that came in meanwhile: 4000"));
	assert_true(says(&d->in_favour, "96% of the UDP packets were of port 51820"));
	assert_non_null(strstr(d->next_step, "Z; from 2026-09-22 09:16:24.0Z until 2026-09-22 09:17:03.0Z (UTC), while TCP"));
	assert_non_null(strstr(d->next_step, "4000 UDP packets/s (in and out) or more each time when it began, 401 or less"));
	assert_true(says(&d->in_favour, "out 3001, in 1000; when it let go out 301, in 100"));
}

/* The ticket lists the last eight, whole. */
static void test_ticket(void **state)
{
	struct run r = throttled();
	struct uw_window many[12];
	const struct uw_window *list[12];
	const struct uw_diagnosis *d;
	const char *at;
	unsigned i, n = 0;

	(void)state;
	for (i = 0; i < 12; i++) {
		many[i] = r.window[i % 2];
		many[i].id = i + 1;
		list[i] = &many[i];
	}
	d = throttle(&r);
	assert_non_null(d);
	r.host.windows = list;
	r.host.window_count = 12;
	assert_int_equal(uw_diagnose(r.list, r.flows, &r.host, r.found, MAX), r.count);
	for (at = d->next_step; (at = strstr(at, " until 2026-")); at++)
		n++;
	assert_int_equal(n, 8);
	assert_non_null(strstr(d->next_step, "; and 4 times before (UTC), while TCP"));
	assert_non_null(strstr(d->next_step, "was it active then?\""));
}

/* Two protocols of one server do as well, where the rates speak for it; it may be the server that has too much. */
static void test_protocols(void **state)
{
	struct run r = throttled();
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		r.window[i].flow[1].id.server = r.window[i].flow[0].id.server;
		r.window[i].flow[1].id.protocol = UW_PROTO_DNS;
	}
	assert_int_equal(throttle(&r)->confidence, UW_POSSIBLE);
	assert_true(says(&throttle(&r)->open, "in 2 of 2 windows 1 server alone was asked"));
	/* One dead server, or its line: nothing but the rates tells it from that. */
	r.window[0].traffic.udp_out_release = r.window[1].traffic.udp_out_release = 2900;
	assert_null(throttle(&r));
	r.window[0].traffic.udp_out_release = r.window[1].traffic.udp_out_release = 300;
	/* One lossy path: what else was asked went on being answered. */
	r.window[0].elsewhere = r.window[1].elsewhere = 8;
	assert_null(throttle(&r));
}

/* Without one of its contrasts it is possible, no more. */
static void test_possible(void **state)
{
	struct run r = throttled();

	(void)state;
	r.window[1].traffic.tcp_in_during = 0;
	r.window[1].traffic.tcp_in_before = 0;
	assert_int_equal(throttle(&r)->confidence, UW_POSSIBLE);
	assert_true(says(&throttle(&r)->open, "in 1 of 2 windows no TCP came in"));
	r = throttled();
	r.window[0].traffic.udp_out_release = 2900;
	assert_int_equal(throttle(&r)->confidence, UW_POSSIBLE);
	r = throttled();
	memset(&r.window[0].traffic, 0, sizeof(r.window[0].traffic));
	memset(&r.window[1].traffic, 0, sizeof(r.window[1].traffic));
	assert_int_equal(throttle(&r)->confidence, UW_POSSIBLE);
	assert_true(says(&throttle(&r)->open, "not known"));
	r = throttled();
	r.host.window_count = 1;
	assert_true(says(&throttle(&r)->open, "a second one would bracket"));
}

static void test_lookalikes(void **state)
{
	struct run r = throttled();

	(void)state;
	/* one dead server */
	r.window[0].flows = r.window[1].flows = 1;
	assert_null(throttle(&r));
	/* a lossy way to two servers, as much UDP as ever, and others answer */
	r = throttled();
	r.window[0].elsewhere = r.window[1].elsewhere = 8;
	r.window[0].traffic.udp_out_release = r.window[1].traffic.udp_out_release = 2900;
	assert_null(throttle(&r));
	/* ... or less, which may be chance; again and again it is none */
	r = throttled();
	r.window[0].elsewhere = r.window[1].elsewhere = 8;
	assert_int_equal(throttle(&r)->confidence, UW_POSSIBLE);
	assert_non_null(strstr(throttle(&r)->summary, "Most UDP"));
	r.host.window_count = 1;
	assert_null(throttle(&r));
	/* not back yet */
	r = throttled();
	r.window[0].closed = r.window[1].closed = false;
	assert_null(throttle(&r));
	/* lost at random: outside windows as well */
	r = throttled();
	r.host.loss.outside = 30;
	assert_null(throttle(&r));
	/* ... or answered within them */
	r = throttled();
	r.window[0].answered = r.window[1].answered = 8;
	assert_null(throttle(&r));
	/* the servers say themselves that they limit */
	r = throttled();
	r.window[0].flow[1].refused = r.window[1].flow[1].refused = 1;
	assert_null(throttle(&r));
	/* nothing at all came in: the link was dead */
	r = throttled();
	r.window[0].traffic.tcp_in_during = 0;
	assert_null(throttle(&r));
}

static void test_down(void **state)
{
	struct run r = { 0 };
	struct uw_window *w;

	(void)state;
	add_flow(&r, 1, UW_PROTO_NTP)->count[UW_NO_REPLY] = 10;
	r.flow[0].bad_complete = 10;
	r.flow[0].last_bad_ns = 140 * S;
	add_flow(&r, 2, UW_PROTO_NTP)->last_good_ns = 139 * S;
	w = add_window(&r, 100);
	w->closed = false;
	w->flows = 1;
	assert_non_null(diagnose(&r, "server-down"));
	assert_int_equal(diagnose(&r, "server-down")->confidence, UW_LIKELY);
	assert_null(throttle(&r));
	/* nobody else was asked: possible; never answered either: nothing to say */
	r.flow[1].last_good_ns = 50 * S;
	assert_int_equal(diagnose(&r, "server-down")->confidence, UW_POSSIBLE);
	w->last_good_ns = 0;
	assert_null(diagnose(&r, "server-down"));
	/* the same server answers through another door */
	w->last_good_ns = 100 * S;
	r.flow[1].id = r.flow[0].id;
	r.flow[1].id.fixed = 1;
	r.flow[1].last_good_ns = 139 * S;
	assert_null(diagnose(&r, "server-down"));
}

static void test_seen(void **state)
{
	struct run r = { 0 };

	(void)state;
	add_flow(&r, 1, UW_PROTO_NTP)->count[UW_ANSWERED] = 4;
	assert_int_equal((diagnose(&r, ""), r.count), 0);
	r.flow[0].count[UW_REPLY_UNREAD] = 2;
	assert_non_null(diagnose(&r, "app-not-reading"));
	r.flow[0].count[UW_ANSWERED_LATE] = 2;
	assert_null(diagnose(&r, "reply-after-timeout")); /* held up by this host */
	r.flow[0].late_beyond = 1;
	assert_non_null(diagnose(&r, "reply-after-timeout"));
	r.flow[0].count[UW_MISDIRECTED] = 1;
	assert_non_null(diagnose(&r, "wrong-source-reply"));
	r.flow[0].nic_queries = r.flow[0].nic_most = 3;
	assert_int_equal(diagnose(&r, "nic-drops")->confidence, UW_POSSIBLE);
	r.flow[0].allowance_queries = r.flow[0].allowance_most = 3;
	assert_int_equal(diagnose(&r, "cloud-allowance-exceeded")->confidence, UW_LIKELY);
	r.flow[0].drops = 2;
	r.flow[0].drop[0] = (struct uw_flow_drop){ .stage = UW_STAGE_ROUTE, .dir = UW_REPLY, .count = 1,
						   .reason = "IP_RPFILTER" };
	r.flow[0].drop[1] = (struct uw_flow_drop){ .stage = UW_STAGE_UDP, .dir = UW_REPLY, .count = 1,
						   .reason = "UDP_CSUM" };
	assert_int_equal(diagnose(&r, "asymmetric-routing")->confidence, UW_CERTAIN);
	assert_int_equal(diagnose(&r, "checksum")->confidence, UW_CERTAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_likely), cmocka_unit_test(test_ticket), cmocka_unit_test(test_protocols), cmocka_unit_test(test_possible),
		cmocka_unit_test(test_lookalikes), cmocka_unit_test(test_down), cmocka_unit_test(test_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
