// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "offline/jsonl_query.h"

/* "b3f1-w2" */
static void read_window_id(struct uw_fields *f, struct uw_window *w)
{
	const char *text = uw_field_text(f, "window.id");
	size_t len = text ? strlen(text) : 0;

	if (len < 7 || len > 15 || strspn(text, "0123456789abcdef") != 4 || strncmp(text + 4, "-w", 2) ||
	    strspn(text + 6, "0123456789") != len - 6 || strtoull(text + 6, NULL, 10) > UINT32_MAX) {
		uw_fields_fail(f, "window.id is not as b3f1-w2");
		return;
	}
	w->run = (uint32_t)strtoul(text, NULL, 16);
	w->id = (unsigned)strtoull(text + 6, NULL, 10);
}

static const char *state_at(unsigned v)
{
	return v ? "closed" : "open";
}

static void read_edges(struct uw_fields *f, struct uw_episode *e)
{
	e->last_good_ns = uw_field_time(f, "last_good");
	e->first_bad_ns = uw_field_time(f, "first_bad");
	e->last_bad_ns = uw_field_time(f, "last_bad");
	e->first_good_ns = uw_field_time(f, "first_good");
	uw_field_need(f, "queries");
	uw_field_need(f, "answered");
	e->queries = uw_field_uint(f, "queries", INT64_MAX);
	e->answered = uw_field_uint(f, "answered", INT64_MAX);
	if (e->answered > e->queries)
		uw_fields_fail(f, "answered is more than queries");
	if (e->first_bad_ns > e->last_bad_ns)
		uw_fields_fail(f, "first_bad is after last_bad");
}

static void read_part(struct uw_fields *f, void *arg)
{
	struct uw_window *w = arg;
	struct uw_window_flow *part = &w->flow[w->flows++];
	struct uw_query_key k = { 0 };

	uw_jsonl_flow_id(f, &part->id, &k);
	uw_field_need(f, "first_bad");
	read_edges(f, &part->e);
	part->refused = uw_field_uint(f, "refused.rate", INT64_MAX);
}

static void read_port(struct uw_fields *f, void *arg)
{
	struct uw_window_traffic *t = arg;
	struct uw_top_port *p = &t->port[t->ports++];

	p->port = (uint16_t)uw_field_uint(f, "port", 65535);
	p->share = (double)uw_field_uint(f, "percent", 100) / 100;
}

static double rate(struct uw_fields *f, const char *key)
{
	return (double)uw_field_uint(f, key, INT64_MAX);
}

static void read_traffic(struct uw_fields *f, struct uw_window_traffic *t)
{
	t->before = uw_field_has(f, "udp.out_pps_before");
	t->during = uw_field_has(f, "udp.in_pps_during");
	t->release = uw_field_has(f, "udp.out_pps_release");
	t->no_tcp = t->during && !uw_field_has(f, "tcp.in_segments_during");
	t->udp_out_before = rate(f, "udp.out_pps_before");
	t->udp_in_before = rate(f, "udp.in_pps_before");
	t->tcp_in_before = rate(f, "tcp.in_pps_before");
	t->udp_in_during = rate(f, "udp.in_pps_during");
	t->tcp_in_during = uw_field_uint(f, "tcp.in_segments_during", INT64_MAX);
	t->udp_out_release = rate(f, "udp.out_pps_release");
	t->udp_in_release = rate(f, "udp.in_pps_release");
	uw_field_objects(f, "udp.top_ports", UW_TOP_PORTS, read_port, t);
}

void uw_jsonl_window(struct uw_fields *f, struct uw_window *w)
{
	struct uw_episode e = { 0 };

	read_window_id(f, w);
	uw_field_need(f, "state");
	w->closed = uw_field_name(f, "state", state_at, 2, 0);
	read_edges(f, &e);
	w->last_good_ns = e.last_good_ns;
	w->first_bad_ns = e.first_bad_ns;
	w->last_bad_ns = e.last_bad_ns;
	w->first_good_ns = e.first_good_ns;
	w->queries = e.queries;
	w->answered = e.answered;
	w->elsewhere = uw_field_uint(f, "answered.elsewhere", INT64_MAX);
	uw_field_need(f, "flows");
	w->more_flows = (unsigned)uw_field_uint(f, "flows.more", INT32_MAX);
	uw_field_objects(f, "flows", UW_WINDOW_FLOWS, read_part, w);
	read_traffic(f, &w->traffic);
}
