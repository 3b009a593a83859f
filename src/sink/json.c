/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One object a line (schema/udpwhy.schema.json). An absent fact is an absent key: a function here
 * that writes nothing says "not known". Counts are facts also when they are zero.
 */
#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "sink/json_parts.h"
#include "sink/sink.h"

#define SCHEMA_VERSION 1

struct json_sink {
	struct uw_sink sink;
	FILE *out;
	const struct uw_clock *clock;
	struct uw_run run;
};

static struct json_sink *self(struct uw_sink *s)
{
	return (struct json_sink *)s;
}

static void put_head(struct json_sink *s, struct uw_json *j, const char *type)
{
	uw_json_line(j, s->out);
	uw_json_uint(j, "v", SCHEMA_VERSION);
	uw_json_string(j, "type", type);
}

/* The head of a record about the run itself: its time is now. */
static void put_head_now(struct json_sink *s, struct uw_json *j, const char *type)
{
	put_head(s, j, type);
	uw_json_wall(j, "time", uw_wall_now_ns());
	uw_json_text(j, "host.name", s->run.host);
}

static void put_strings(struct uw_json *j, const char *key, const char *const *list, unsigned count)
{
	uw_json_array(j, key);
	for (unsigned i = 0; i < count; i++)
		uw_json_string(j, NULL, list[i]);
	uw_json_close(j);
}

/* ---- start ---- */

static void put_ports(struct uw_json *j, const struct uw_run *run)
{
	uw_json_array(j, "ports");
	for (unsigned i = 0; i < run->port_count; i++)
		uw_json_format(j, NULL, "%s=%u", uw_proto_name(run->ports[i].protocol),
			       run->ports[i].port);
	uw_json_close(j);
}

static void put_port_range(struct uw_json *j, const struct uw_run *run)
{
	if (!run->facts.ephemeral_high)
		return;
	uw_json_uint(j, "ephemeral_ports.low", run->facts.ephemeral_low);
	uw_json_uint(j, "ephemeral_ports.high", run->facts.ephemeral_high);
}

static void put_rhythm(struct uw_json *j, const struct uw_clock *clock, const struct uw_rhythm *r)
{
	if (!r->told_ns)
		return;
	uw_json_uint(j, "interval_us", r->told_ns / 1000);
	if (r->told_longest_ns != r->told_ns)
		uw_json_uint(j, "interval_longest_us", r->told_longest_ns / 1000);
	uw_json_time(j, clock, "next", r->told_next_ns);
}

static void put_askers(struct uw_json *j, const struct uw_clock *clock, const struct uw_run *run)
{
	uw_json_array(j, "askers");
	for (unsigned i = 0; i < run->asker_count; i++) {
		const struct uw_asker *a = &run->askers[i];

		uw_json_object(j, NULL);
		uw_json_text(j, "process.executable.name", a->executable);
		if (a->pid)
			uw_json_uint(j, "process.pid", a->pid);
		uw_json_string(j, "network.protocol.name", uw_proto_name(a->protocol));
		if (a->port)
			uw_json_uint(j, "client.port", a->port);
		if (a->pid)
			uw_json_uint(j, "user.id", a->uid);
		uw_json_text(j, "cgroup", a->cgroup);
		if (a->netns)
			uw_json_uint(j, "netns", a->netns);
		uw_json_text(j, "netns.name", a->netns_name);
		uw_json_uint(j, "servers", a->servers);
		put_rhythm(j, clock, &a->rhythm);
		uw_json_close(j);
	}
	uw_json_close(j);
}

static void json_start(struct uw_sink *sink, const struct uw_run *run)
{
	struct json_sink *s = self(sink);
	struct uw_json j;

	s->run = *run;
	put_head_now(s, &j, "start");
	uw_json_text(&j, "version", run->version);
	uw_json_text(&j, "kernel", run->kernel);
	uw_json_text(&j, "command", run->command);
	uw_json_text(&j, "filters", run->filters);
	if (run->timeout_ns)
		uw_json_uint(&j, "timeout_us", run->timeout_ns / 1000);
	put_ports(&j, run);
	put_strings(&j, "scope", run->scope, run->scope_count);
	put_strings(&j, "hooks", run->hooks, run->hook_count);
	uw_json_gaps(&j, "gaps", run->gaps);
	put_port_range(&j, run);
	put_askers(&j, s->clock, run);
	uw_json_line_end(&j);
	fflush(s->out);
}

static void json_query(struct uw_sink *sink, const struct uw_query *q)
{
	struct json_sink *s = self(sink);
	struct uw_json j;

	put_head(s, &j, "query");
	uw_json_query(&j, s->clock, s->run.host, q);
	uw_json_line_end(&j);
}

/* ---- flow ---- */

/* In the server role the key holds the client's /24 or /48, or nothing once those got too many. */
static void put_flow_client(struct uw_json *j, const struct uw_flow_id *id)
{
	char buf[UW_ADDR_TEXT];

	if (id->role != UW_ROLE_SERVER)
		uw_json_address(j, "client.address", &id->client, id->family);
	else if (uw_addr_known(&id->client))
		uw_json_format(j, "client.network", "%s/%u",
			       uw_addr_text(&id->client, id->family, buf),
			       id->family == 6 ? 48 : 24);
}

static void put_flow_key(struct uw_json *j, const struct uw_flow_id *id)
{
	if (uw_flow_is_other(id)) {
		uw_json_string(j, "network.protocol.name", uw_proto_name(id->protocol));
		uw_json_string(j, "role", uw_role_name(id->role));
		uw_json_bool(j, "probe", id->probe);
		uw_json_bool(j, "other", true);
		return;
	}
	if (id->netns)
		uw_json_uint(j, "netns", id->netns);
	uw_json_protocol(j, id->protocol, id->family);
	uw_json_string(j, "role", uw_role_name(id->role));
	put_flow_client(j, id);
	uw_json_string(j, "client.port_class", id->fixed ? "fixed" : "ephemeral");
	uw_json_address(j, "server.address", &id->server, id->family);
	uw_json_uint(j, "server.port", id->server_port);
	uw_json_bool(j, "probe", id->probe);
}

static void put_stat(struct uw_json *j, const char *group, const char *name, uint64_t value)
{
	char key[64];

	snprintf(key, sizeof(key), "%s.%s", group, name);
	uw_json_uint(j, key, value);
}

static void put_counts(struct uw_json *j, const uint64_t count[UW_VERDICTS])
{
	for (unsigned v = 0; v < UW_VERDICTS; v++)
		put_stat(j, "count", uw_verdict_name(v), count[v]);
}

/* Copies that one of two vantage points saw and the other did not. */
static void put_flow_far(struct uw_json *j, const struct uw_flow *f)
{
	if (!f->far.seen)
		return;
	uw_json_uint(j, "far.queries", f->far.seen);
	uw_json_uint(j, "far.requests_lost", f->far.requests_lost);
	uw_json_uint(j, "far.replies_lost", f->far.replies_lost);
	uw_json_uint(j, "far.no_reply", f->far.no_reply);
}

static void put_flow_drops(struct uw_json *j, const struct uw_flow *f)
{
	if (!f->drops)
		return;
	uw_json_array(j, "drops");
	for (unsigned i = 0; i < f->drops && i < UW_FLOW_DROPS; i++) {
		const struct uw_flow_drop *d = &f->drop[i];

		uw_json_object(j, NULL);
		uw_json_string(j, "direction", d->dir == UW_REPLY ? "reply" : "request");
		uw_json_string(j, "stage", uw_stage_name(d->stage));
		uw_json_text(j, "reason", d->reason);
		uw_json_text(j, "hook", d->hook);
		uw_json_text(j, "engine", d->engine);
		if (d->netns)
			uw_json_uint(j, "netns", d->netns);
		uw_json_uint(j, "count", d->count);
		uw_json_close(j);
	}
	uw_json_close(j);
}

/* The histogram itself, so that runs can be added up; zeros at its end are left out. */
static void put_flow_buckets(struct uw_json *j, const struct uw_flow *f)
{
	unsigned n = UW_RTT_BUCKETS;

	while (n && !f->rtt[n - 1])
		n--;
	uw_json_array(j, "rtt.buckets");
	for (unsigned i = 0; i < n; i++)
		uw_json_uint(j, NULL, f->rtt[i]);
	uw_json_close(j);
}

static void put_flow_rtt(struct uw_json *j, const struct uw_flow *f)
{
	if (!uw_flow_answered(f))
		return;
	uw_json_uint(j, "rtt.p50_us", uw_flow_quantile_us(f, 0.5));
	uw_json_uint(j, "rtt.p90_us", uw_flow_quantile_us(f, 0.9));
	uw_json_uint(j, "rtt.p99_us", uw_flow_quantile_us(f, 0.99));
	uw_json_uint(j, "rtt.max_us", f->rtt_max_us);
	put_flow_buckets(j, f);
}

static void json_flow(struct uw_sink *sink, const struct uw_flow *f)
{
	struct json_sink *s = self(sink);
	struct uw_json j;

	put_head(s, &j, "flow");
	uw_json_wall(&j, "time", uw_wall_now_ns());
	uw_json_text(&j, "host.name", f->host ? f->host : s->run.host);
	put_flow_key(&j, &f->id);
	if (f->left)
		uw_json_bool(&j, "left", true);
	uw_json_text(&j, "process.executable.name", f->executable);
	if (f->pid)
		uw_json_uint(&j, "process.pid", f->pid);
	if (f->client_port)
		uw_json_uint(&j, "client.port", f->client_port);
	uw_json_uint(&j, "attempts", f->attempts);
	uw_json_uint(&j, "duplicate", f->duplicate);
	uw_json_uint(&j, "conflicting", f->conflicting);
	if (f->suppressed)
		uw_json_uint(&j, "suppressed", f->suppressed);
	put_counts(&j, f->count);
	if (f->bad_complete)
		uw_json_uint(&j, "no_reply.complete", f->bad_complete);
	if (f->lost_beyond)
		uw_json_uint(&j, "unanswered.beyond", f->lost_beyond);
	if (f->port_unreachable)
		uw_json_uint(&j, "rejected.port_unreachable", f->port_unreachable);
	if (f->unsynchronised)
		uw_json_uint(&j, "answered.unsynchronised", f->unsynchronised);
	put_flow_drops(&j, f);
	put_flow_far(&j, f);
	put_flow_rtt(&j, f);
	uw_json_time(&j, s->clock, "first", f->first_ns);
	uw_json_time(&j, s->clock, "last_good", f->last_good_ns);
	uw_json_time(&j, s->clock, "last_bad", f->last_bad_ns);
	uw_json_time(&j, s->clock, "last_unsynchronised", f->last_unsynchronised_ns);
	uw_json_line_end(&j);
}

/* ---- window ---- */

static uint64_t rounded(double x)
{
	return x > 0 ? (uint64_t)(x + 0.5) : 0;
}

static void put_release(struct uw_json *j, const struct uw_window_traffic *t)
{
	uw_json_uint(j, "udp.out_pps_release", rounded(t->udp_out_release));
	uw_json_uint(j, "udp.in_pps_release", rounded(t->udp_in_release));
}

static void put_window_traffic(struct uw_json *j, const struct uw_window_traffic *t)
{
	if (t->before) {
		uw_json_uint(j, "udp.out_pps_before", rounded(t->udp_out_before));
		uw_json_uint(j, "udp.in_pps_before", rounded(t->udp_in_before));
		if (!t->no_tcp)
			uw_json_uint(j, "tcp.in_pps_before", rounded(t->tcp_in_before));
	}
	if (t->during) {
		uw_json_uint(j, "udp.in_pps_during", rounded(t->udp_in_during));
		if (!t->no_tcp)
			uw_json_uint(j, "tcp.in_segments_during", t->tcp_in_during);
	}
	if (t->release)
		put_release(j, t);
	if (!t->ports)
		return;
	uw_json_array(j, "udp.top_ports");
	for (unsigned i = 0; i < t->ports && i < UW_TOP_PORTS; i++) {
		uw_json_object(j, NULL);
		uw_json_uint(j, "port", t->port[i].port);
		uw_json_uint(j, "percent", rounded(100 * t->port[i].share));
		uw_json_close(j);
	}
	uw_json_close(j);
}

static void put_edges(struct uw_json *j, const struct uw_clock *clock, const struct uw_window *w)
{
	uw_json_time(j, clock, "last_good", w->last_good_ns);
	uw_json_time(j, clock, "first_bad", w->first_bad_ns);
	uw_json_time(j, clock, "last_bad", w->last_bad_ns);
	uw_json_time(j, clock, "first_good", w->first_good_ns);
	uw_json_uint(j, "queries", w->queries);
	uw_json_uint(j, "answered", w->answered);
}

/* A flow's part has edges of its own. */
static void put_window_flows(struct uw_json *j, const struct uw_clock *clock, const struct uw_window *w)
{
	uw_json_array(j, "flows");
	for (unsigned i = 0; i < w->flows && i < UW_WINDOW_FLOWS; i++) {
		const struct uw_episode *e = &w->flow[i].e;
		struct uw_window part = {
			.last_good_ns = e->last_good_ns, .first_bad_ns = e->first_bad_ns,
			.last_bad_ns = e->last_bad_ns, .first_good_ns = e->first_good_ns,
			.queries = e->queries, .answered = e->answered,
		};

		uw_json_object(j, NULL);
		put_flow_key(j, &w->flow[i].id);
		put_edges(j, clock, &part);
		if (w->flow[i].refused)
			uw_json_uint(j, "refused.rate", w->flow[i].refused);
		uw_json_close(j);
	}
	uw_json_close(j);
	if (w->more_flows)
		uw_json_uint(j, "flows.more", w->more_flows);
}

static void json_window(struct uw_sink *sink, const struct uw_window *w)
{
	struct json_sink *s = self(sink);
	struct uw_json j;

	put_head(s, &j, "window");
	uw_json_wall(&j, "time", uw_wall_now_ns());
	uw_json_text(&j, "host.name", w->host ? w->host : s->run.host);
	uw_json_format(&j, "window.id", "%04x-w%u", w->run & 0xffff, w->id);
	uw_json_string(&j, "state", w->closed ? "closed" : "open");
	put_edges(&j, s->clock, w);
	uw_json_uint(&j, "answered.elsewhere", w->elsewhere);
	put_window_flows(&j, s->clock, w);
	put_window_traffic(&j, &w->traffic);
	uw_json_line_end(&j);
	fflush(s->out);
}

/* ---- diagnosis ---- */

static void put_sentences(struct uw_json *j, const char *key, const struct uw_evidence *e)
{
	uw_json_array(j, key);
	for (unsigned i = 0; i < e->count && i < UW_EVIDENCE_MAX; i++)
		uw_json_string(j, NULL, e->line[i]);
	uw_json_close(j);
}

static void json_diagnosis(struct uw_sink *sink, const struct uw_diagnosis *d)
{
	struct json_sink *s = self(sink);
	struct uw_json j;

	put_head_now(s, &j, "diagnosis");
	uw_json_string(&j, "diagnosis", d->id);
	uw_json_string(&j, "confidence", uw_confidence_name(d->confidence));
	uw_json_string(&j, "summary", d->summary);
	put_sentences(&j, "evidence.for", &d->in_favour);
	put_sentences(&j, "evidence.against", &d->against);
	put_sentences(&j, "evidence.open", &d->open);
	uw_json_text(&j, "next_step", d->next_step);
	uw_json_array(&j, "flows");
	for (unsigned i = 0; i < d->flows && i < UW_EVIDENCE_MAX; i++) {
		uw_json_object(&j, NULL);
		put_flow_key(&j, &d->flow[i]->id);
		uw_json_close(&j);
	}
	uw_json_close(&j);
	uw_json_line_end(&j);
	fflush(s->out);
}

/* ---- status and end ---- */

static void put_stats(struct uw_json *j, const struct uw_totals *t)
{
	uw_json_uint(j, "requests", t->stats[UW_STAT_requests]);
#define COUNTED(name, text) put_stat(j, "stats", #name, t->stats[UW_STAT_##name]);
#define LOST(name, text) put_stat(j, "lost", uw_loss_name(#name), t->stats[UW_STAT_##name]);
	UW_STATS_LIST(COUNTED, LOST)
#undef LOST
#undef COUNTED
	uw_json_uint(j, "lost.recursion", t->recursion_misses);
	uw_json_uint(j, "lost.netlink", t->netlink_lost);
	uw_json_uint(j, "lost.output", t->output_lost);
	if (t->suppressed)
		uw_json_uint(j, "suppressed", t->suppressed);
	if (t->nft_trace)
		uw_json_uint(j, "rule_unknown", t->rule_unknown);
}

static void put_totals(struct uw_json *j, const struct uw_totals *t)
{
	uw_json_uint(j, "elapsed_us", t->elapsed_ns / 1000);
	put_counts(j, t->verdict);
	for (unsigned f = 0; f < UW_FAULTS; f++)
		put_stat(j, "fault", uw_fault_name(f), t->fault[f]);
	put_stats(j, t);
}

/* The places that were compared: their side, and how wrong their clocks are. */
static void put_vantages(struct uw_json *j, const struct uw_totals *t)
{
	if (!t->vantages)
		return;
	uw_json_array(j, "vantages");
	for (unsigned i = 0; i < t->vantages; i++) {
		const struct uw_vantage *v = &t->vantage[i];

		uw_json_object(j, NULL);
		uw_json_text(j, "place", v->place);
		uw_json_string(j, "side", uw_side_name(v->side));
		uw_json_uint(j, "queries", v->queries);
		uw_json_uint(j, "joined", v->joined);
		if (v->clock_of) {
			uw_json_text(j, "clock.of", v->clock_of);
			uw_json_int(j, "clock.offset_us", v->offset_ns / 1000);
			uw_json_int(j, "clock.drift_ppb", (int64_t)(v->drift * 1e9));
			if (v->error_ns)
				uw_json_uint(j, "clock.error_us", v->error_ns / 1000);
		}
		uw_json_close(j);
	}
	uw_json_close(j);
}

static void json_status(struct uw_sink *sink, const struct uw_totals *t)
{
	struct json_sink *s = self(sink);
	struct uw_json j;

	put_head_now(s, &j, "status");
	put_totals(&j, t);
	uw_json_line_end(&j);
	fflush(s->out);
}

static void json_end(struct uw_sink *sink, const struct uw_totals *t,
		     const struct uw_flow *const *flows, unsigned count)
{
	struct json_sink *s = self(sink);
	struct uw_json j;

	for (unsigned i = 0; i < count; i++)
		json_flow(sink, flows[i]);
	put_head_now(s, &j, "end");
	put_totals(&j, t);
	put_vantages(&j, t);
	if (t->command_ran)
		uw_json_int(&j, "command.status", t->command_status);
	uw_json_line_end(&j);
	fflush(s->out);
}

/* Lines are gathered within a burst; a reader of the pipe gets them at the first pause. */
static void json_idle(struct uw_sink *sink)
{
	fflush(self(sink)->out);
}

static void json_close(struct uw_sink *sink)
{
	fflush(self(sink)->out);
	free(sink);
}

struct uw_sink *uw_sink_json(FILE *out, const struct uw_clock *clock)
{
	struct json_sink *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->out = out;
	s->clock = clock;
	s->sink = (struct uw_sink){
		.start = json_start,
		.query = json_query,
		.flow = json_flow,
		.window = json_window,
		.diagnosis = json_diagnosis,
		.status = json_status,
		.end = json_end,
		.idle = json_idle,
		.close = json_close,
	};
	return &s->sink;
}
