/* SPDX-License-Identifier: GPL-2.0-only */
/* The counters as Prometheus reads them: never back, and never more series than is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "sink/metrics.h"

#include "core/flow_table.h"

struct printed {
	struct uw_metrics *metrics;
	struct uw_flow_table *flows;
	struct uw_clock clock;
	const struct uw_window *window[2];
	unsigned windows;
	char *text;
};

static int make(void **state)
{
	struct printed *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->metrics = uw_metrics_new();
	p->flows = uw_flow_table_new(4096);
	*state = p;
	return p->metrics && p->flows ? 0 : -1;
}

static int destroy(void **state)
{
	struct printed *p = *state;

	uw_metrics_free(p->metrics);
	uw_flow_table_free(p->flows);
	free(p->text);
	free(p);
	return 0;
}

static struct uw_query answered(unsigned server)
{
	struct uw_query q = { .revision = 1, .verdict = UW_ANSWERED, .attempts = 1, .send_ns = 1000 };

	q.key.protocol = UW_PROTO_DNS;
	q.key.family = 4;
	q.key.server_port = 53;
	q.key.client_port = 40000;
	q.key.server.b[0] = 10;
	q.key.server.b[2] = (uint8_t)(server >> 8);
	q.key.server.b[3] = (uint8_t)server;
	return q;
}

static void print(struct printed *p)
{
	struct uw_totals t = { .output_lost = 7 };
	struct uw_metrics_now now = { .totals = &t, .windows_opened = 9 };
	size_t size;
	FILE *f;

	free(p->text);
	f = open_memstream(&p->text, &size);
	assert_non_null(f);
	now.flows = uw_flow_list(p->flows, &now.flow_count);
	now.windows = p->window;
	now.window_count = p->windows;
	uw_metrics_print(p->metrics, f, &now, &p->clock);
	fclose(f);
}

static unsigned occurrences(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

static void verdicts_are_counted(void **state)
{
	struct printed *p = *state;
	struct uw_query q = answered(1);

	uw_flow_add(p->flows, &q, false, NULL);
	uw_flow_add(p->flows, &q, false, NULL);
	print(p);
	print(p);	/* the same again: nothing is counted twice */
	assert_non_null(strstr(p->text, "udpwhy_queries_total{protocol=\"dns\",role=\"client\",server=\"10.0.0.1\","
					"port=\"53\",port_class=\"ephemeral\",verdict=\"answered\"} 2\n"));
	assert_non_null(strstr(p->text, "udpwhy_lost_total{what=\"output\"} 7\n"));
	assert_non_null(strstr(p->text, "le=\"+Inf\"} 2\n"));
}

static void counters_never_go_back(void **state)
{
	const enum uw_verdict before = UW_NO_REPLY;
	struct printed *p = *state;
	struct uw_query q = answered(1);

	q.verdict = UW_NO_REPLY;
	uw_flow_add(p->flows, &q, false, NULL);
	q.verdict = UW_ANSWERED_LATE;
	q.revision = 2;
	uw_flow_add(p->flows, &q, false, &before);
	print(p);
	assert_non_null(strstr(p->text, "verdict=\"no_reply\"} 1\n"));
	assert_non_null(strstr(p->text, "verdict=\"answered_late\"} 1\n"));
	assert_int_equal(occurrences(p->text, "udpwhy_revised_total{"), 1);
}

static void series_are_bounded(void **state)
{
	struct printed *p = *state;
	unsigned i;

	for (i = 0; i < UW_METRICS_SERVERS + 44; i++) {
		struct uw_query q = answered(i);

		uw_flow_add(p->flows, &q, false, NULL);
	}
	print(p);
	assert_int_equal(occurrences(p->text, "\nudpwhy_queries_total{"), UW_METRICS_SERVERS + 1);
	assert_non_null(strstr(p->text, "server=\"other\",port_class=\"ephemeral\",verdict=\"answered\"} 44\n"));
}

static void on_left(void *arg, const struct uw_flow *f)
{
	uw_metrics_left(arg, f);
}

/* A flow that leaves the table, and comes back, takes nothing with it. */
static void flows_leave_their_counts(void **state)
{
	static const char two[] = "server=\"10.0.0.1\",port=\"53\",port_class=\"ephemeral\",verdict=\"answered\"} 2\n";
	struct printed *p = *state;
	struct uw_query q = answered(1);

	q.drop[UW_REPLY] = (struct uw_drop_fact){ .seen = true, .dir = UW_REPLY, .stage = UW_STAGE_NF_INPUT, .reason = "X" };
	uw_flow_table_watch(p->flows, on_left, p->metrics);
	uw_flow_add(p->flows, &q, false, NULL);
	uw_flow_expire(p->flows, 2000);
	print(p);
	assert_int_equal(occurrences(p->text, "\nudpwhy_queries_total{"), 1);
	uw_flow_add(p->flows, &q, false, NULL);
	print(p);
	print(p);
	assert_int_equal(occurrences(p->text, "\nudpwhy_queries_total{"), 1);
	assert_non_null(strstr(p->text, two));
	assert_non_null(strstr(p->text, "reason=\"X\"} 2\n"));
}

static void windows_and_diagnoses(void **state)
{
	struct uw_query a = answered(1), b = answered(2);
	struct uw_window open = { .id = 2, .flows = 2 }, closed = { .id = 1, .closed = true, .flows = 1 };
	struct uw_diagnosis d[] = { { .id = "mtu", .confidence = UW_LIKELY }, { .id = "mtu", .confidence = UW_LIKELY } };
	struct printed *p = *state;

	uw_flow_add(p->flows, &a, false, NULL);
	uw_flow_add(p->flows, &b, false, NULL);
	uw_flow_id_of(&open.flow[0].id, &a, false);
	uw_flow_id_of(&open.flow[1].id, &b, false);
	open.flow[1].e.first_good_ns = 5;	/* has recovered */
	uw_flow_id_of(&closed.flow[0].id, &b, false);
	p->window[0] = &closed;
	p->window[1] = &open;
	p->windows = 2;
	uw_metrics_diagnoses(p->metrics, d, 2);
	print(p);
	assert_non_null(strstr(p->text, "\nudpwhy_loss_windows_total 9\n"));
	assert_non_null(strstr(p->text, "\nudpwhy_loss_windows_open 1\n"));
	assert_non_null(strstr(p->text, "in_loss_window{protocol=\"dns\",role=\"client\",server=\"10.0.0.1\",port=\"53\","
					"port_class=\"ephemeral\"} 1\n"));
	assert_non_null(strstr(p->text, "in_loss_window{protocol=\"dns\",role=\"client\",server=\"10.0.0.2\",port=\"53\","
					"port_class=\"ephemeral\"} 0\n"));
	assert_non_null(strstr(p->text, "udpwhy_diagnoses{diagnosis=\"mtu\",confidence=\"likely\"} 2\n"));
	p->windows = 1;
	uw_metrics_diagnoses(p->metrics, d, 0);
	print(p);
	assert_non_null(strstr(p->text, "\nudpwhy_loss_windows_open 0\n"));
	assert_non_null(strstr(p->text, "udpwhy_diagnoses{diagnosis=\"mtu\",confidence=\"likely\"} 0\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(verdicts_are_counted, make, destroy),
		cmocka_unit_test_setup_teardown(counters_never_go_back, make, destroy),
		cmocka_unit_test_setup_teardown(series_are_bounded, make, destroy),
		cmocka_unit_test_setup_teardown(flows_leave_their_counts, make, destroy),
		cmocka_unit_test_setup_teardown(windows_and_diagnoses, make, destroy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
