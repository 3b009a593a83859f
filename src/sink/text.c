/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text sink: what goes where and when. Problems are gathered until the burst is over, so that
 * a person reads a paragraph for a cause and not a line for a packet.
 */
#include <stdlib.h>
#include <string.h>

#include "core/explain.h"
#include "sink/text_parts.h"

#define GROUPS 32 /* causes in one burst; more than that is printed early */
#define WIDTH_LEAST 40
#define WIDTH_MOST 200
#define ASKERS_SHOWN 8

struct text_sink {
	struct uw_sink sink;
	struct uw_text_out o;
	const struct uw_clock *clock;
	bool all;
	struct uw_run run;
	unsigned groups;
	struct uw_group group[GROUPS];
};

static struct text_sink *self(struct uw_sink *s)
{
	return (struct text_sink *)s;
}

static void add_ports(struct uw_line *l, const struct uw_run *run)
{
	enum uw_proto last = UW_PROTO_NONE;

	for (unsigned i = 0; i < run->port_count; i++) {
		const struct uw_port *p = &run->ports[i];

		if (p->protocol == last)
			uw_line_add(l, ", %u", p->port);
		else
			uw_line_add(l, "%s%s %u", i ? " and " : "",
				    p->protocol == UW_PROTO_NTP ? "NTP" : "DNS", p->port);
		last = p->protocol;
	}
}

static void add_scope(struct uw_line *l, const struct uw_run *run)
{
	if (!run->scope_count) {
		uw_line_add(l, " in all namespaces");
		return;
	}
	uw_line_add(l, " in %s ", run->scope_count == 1 ? "namespace" : "namespaces");
	for (unsigned i = 0; i < run->scope_count; i++) {
		uw_line_add(l, "%s", i ? ", " : "");
		uw_line_bytes(l, run->scope[i], strlen(run->scope[i]), UW_NAME_COLUMNS);
	}
}

static void print_askers(const struct text_sink *s, const struct uw_run *run)
{
	for (unsigned i = 0; i < run->asker_count && i < ASKERS_SHOWN; i++) {
		const struct uw_asker *a = &run->askers[i];
		struct uw_line l = {0};

		uw_line_bytes(&l, a->executable, sizeof(a->executable), UW_NAME_COLUMNS);
		uw_line_add(&l, "[%u]", a->pid);
		if (a->port)
			uw_line_add(&l, " port %u", a->port);
		if (a->servers)
			uw_line_add(&l, " → %u %s server%s", a->servers,
				    a->protocol == UW_PROTO_NTP ? "NTP" : "DNS",
				    a->servers == 1 ? "" : "s");
		else
			uw_line_add(&l, ", %s, to no server just now",
				    a->protocol == UW_PROTO_NTP ? "NTP" : "DNS");
		uw_text_print(&s->o, "  asking here: ", UW_PLAIN, UW_LEAD, l.text);
	}
	if (run->asker_count > ASKERS_SHOWN)
		fprintf(s->o.out, "  and %u more\n", run->asker_count - ASKERS_SHOWN);
}

static void print_run_gaps(const struct text_sink *s, uint32_t gaps)
{
	for (unsigned g = 0; g < UW_GAPS; g++) {
		const char *name = uw_gap_name(g);
		const struct uw_explanation *e = uw_explain_entry(UW_EXPLAIN_GAP, name);
		struct uw_line l = {0};

		if (!(gaps & UW_GAP_BIT(g)))
			continue;
		uw_line_add(&l, "%s: %s", name, e ? e->text : "");
		uw_text_print(&s->o, "  blind here: ", UW_YELLOW, UW_LEAD, l.text);
	}
}

static void text_start(struct uw_sink *sink, const struct uw_run *run)
{
	struct text_sink *s = self(sink);
	struct uw_line lead = {0}, l = {0};

	s->run = *run;
	uw_line_add(&lead, "udpwhy %s  ", run->version);
	uw_line_bytes(&l, run->host, strlen(run->host), 0);
	uw_line_add(&l, ", Linux ");
	uw_line_bytes(&l, run->kernel, strlen(run->kernel), 0);
	uw_line_add(&l, "   ");
	add_ports(&l, run);
	add_scope(&l, run);
	uw_line_add(&l, "   ");
	uw_line_zone_time(&l, uw_wall_now_ns());
	uw_text_print(&s->o, lead.text, UW_BOLD, 2, l.text);
	if (run->filters && *run->filters) {
		l = (struct uw_line){0};
		uw_line_bytes(&l, run->filters, strlen(run->filters), 0);
		uw_text_print(&s->o, "  filters: ", UW_PLAIN, UW_LEAD, l.text);
	}
	print_run_gaps(s, run->gaps);
	print_askers(s, run);
	fflush(s->o.out);
}

static void flush_groups(struct text_sink *s)
{
	for (unsigned i = 0; i < s->groups; i++) {
		fputc('\n', s->o.out);
		uw_text_problem(&s->o, s->clock, &s->group[i]);
	}
	s->groups = 0;
	fflush(s->o.out);
}

static void group_query(struct text_sink *s, const struct uw_query *q)
{
	for (unsigned i = 0; i < s->groups; i++) {
		if (uw_group_takes(&s->group[i], q)) {
			uw_group_add(&s->group[i], q);
			return;
		}
	}
	if (s->groups == GROUPS)
		flush_groups(s);
	uw_group_start(&s->group[s->groups++], q);
}

/* --all: a line for a query that went well. */
static void print_good(const struct text_sink *s, const struct uw_query *q)
{
	struct uw_line lead = {0}, l = {0};

	uw_line_add(&lead, "  ");
	uw_line_time_of_day(&lead, uw_clock_wall(s->clock, q->send_ns));
	uw_line_add(&lead, "  ");
	uw_text_asker(&l, q, false);
	uw_line_add(&l, " → ");
	uw_text_server(&l, &q->key);
	uw_line_add(&l, "  %s", uw_verdict_name(q->verdict));
	if (q->answer.when_ns && q->key.protocol == UW_PROTO_DNS)
		uw_line_add(&l, " %s", uw_rcode_name(q->answer.flags));
	if (uw_query_duration_ns(q)) {
		uw_line_add(&l, " after ");
		uw_line_duration(&l, uw_query_duration_ns(q));
	}
	if (q->question_len) {
		uw_line_add(&l, "  ");
		uw_text_question(&l, q);
	}
	uw_text_print(&s->o, lead.text, UW_PLAIN, UW_LEAD, l.text);
}

static void text_query(struct uw_sink *sink, const struct uw_query *q)
{
	struct text_sink *s = self(sink);

	if (uw_query_is_bad(q))
		group_query(s, q);
	else if (s->all)
		print_good(s, q);
}

/* The flows are told at the end, in tables. */
static void text_flow(struct uw_sink *sink, const struct uw_flow *f)
{
	(void)sink;
	(void)f;
}

static void print_evidence(const struct text_sink *s, const char *lead, const struct uw_evidence *e)
{
	for (unsigned i = 0; i < e->count && i < UW_EVIDENCE_MAX; i++) {
		struct uw_line l = {0};

		uw_line_bytes(&l, e->line[i], sizeof(e->line[i]), 0);
		uw_text_print(&s->o, lead, UW_PLAIN, 6, l.text);
	}
}

static void text_diagnosis(struct uw_sink *sink, const struct uw_diagnosis *d)
{
	struct text_sink *s = self(sink);
	struct uw_line title = {0}, summary = {0}, step = {0};

	flush_groups(s);
	uw_line_add(&title, "  %s  (%s)", d->id, uw_confidence_name(d->confidence));
	fputc('\n', s->o.out);
	uw_text_print(&s->o, "DIAGNOSIS", UW_CYAN, 2, title.text);
	uw_line_bytes(&summary, d->summary, sizeof(d->summary), 0);
	uw_text_print(&s->o, "  ", UW_PLAIN, 2, summary.text);
	print_evidence(s, "  (+) ", &d->in_favour);
	print_evidence(s, "  (−) ", &d->against);
	print_evidence(s, "  (?) ", &d->open);
	if (d->next_step[0]) {
		uw_line_bytes(&step, d->next_step, sizeof(d->next_step), 0);
		uw_text_print(&s->o, "  Do: ", UW_BOLD, 6, step.text);
	}
	fflush(s->o.out);
}

static void text_status(struct uw_sink *sink, const struct uw_totals *t)
{
	struct text_sink *s = self(sink);
	struct uw_line lead = {0};

	flush_groups(s);
	uw_line_time_of_day(&lead, uw_wall_now_ns());
	uw_line_add(&lead, "  ");
	uw_text_totals(&s->o, lead.text, &s->run, t);
	fflush(s->o.out);
}

static void text_end(struct uw_sink *sink, const struct uw_totals *t,
		     const struct uw_flow *const *flows, unsigned count)
{
	struct text_sink *s = self(sink);

	flush_groups(s);
	uw_text_contrast(&s->o, flows, count);
	uw_text_flows(&s->o, flows, count);
	uw_text_losses(&s->o, t);
	fputc('\n', s->o.out);
	uw_text_totals(&s->o, "", &s->run, t);
	fflush(s->o.out);
}

static void text_idle(struct uw_sink *sink)
{
	flush_groups(self(sink));
}

static void text_close(struct uw_sink *sink)
{
	flush_groups(self(sink));
	free(sink);
}

static unsigned usable_width(unsigned width)
{
	if (!width)
		return 0;
	if (width < WIDTH_LEAST)
		return WIDTH_LEAST;
	return width > WIDTH_MOST ? WIDTH_MOST : width;
}

struct uw_sink *uw_sink_text(FILE *out, const struct uw_clock *clock,
			     const struct uw_text_options *options)
{
	struct text_sink *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->o = (struct uw_text_out){
		.out = out,
		.width = usable_width(options->width),
		.colour = options->colour,
	};
	s->clock = clock;
	s->all = options->all;
	s->sink = (struct uw_sink){
		.start = text_start,
		.query = text_query,
		.flow = text_flow,
		.diagnosis = text_diagnosis,
		.status = text_status,
		.end = text_end,
		.idle = text_idle,
		.close = text_close,
	};
	return &s->sink;
}
