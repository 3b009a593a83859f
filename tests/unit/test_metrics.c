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

struct printed {
	struct uw_metrics *metrics;
	struct uw_flow_table *flows;
	struct uw_clock clock;
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
	const struct uw_flow *const *flows;
	struct uw_totals t = { .output_lost = 7 };
	unsigned count;
	size_t size;
	FILE *f;

	free(p->text);
	f = open_memstream(&p->text, &size);
	assert_non_null(f);
	flows = uw_flow_list(p->flows, &count);
	uw_metrics_print(p->metrics, f, &t, flows, count, &p->clock);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(verdicts_are_counted, make, destroy),
		cmocka_unit_test_setup_teardown(counters_never_go_back, make, destroy),
		cmocka_unit_test_setup_teardown(series_are_bounded, make, destroy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
