/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text sink: what goes where and when. Problems are gathered until the burst is over, so that
 * a person reads a paragraph for a cause and not a line for a packet.
 */
#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "sink/text_parts.h"
#include "sink/ticket.h"

#define GROUPS 32 /* causes in one burst; more than that is printed early */
#define WIDTH_LEAST 40
#define WIDTH_MOST 200

struct text_sink {
	struct uw_sink sink;
	struct uw_text_out o;
	const struct uw_clock *clock;
	bool all, live;
	struct uw_run run;
	struct uw_text_rhythms rhythms;
	struct {
		uint32_t run;
		unsigned id;
	} window; /* the last that was told to have opened */
	unsigned groups;
	struct uw_group group[GROUPS];
};

static struct text_sink *self(struct uw_sink *s)
{
	return (struct text_sink *)s;
}

static void text_start(struct uw_sink *sink, const struct uw_run *run)
{
	struct text_sink *s = self(sink);

	s->run = *run;
	uw_text_start(&s->o, s->clock, run);
	fflush(s->o.out);
}

static void flush_groups(struct text_sink *s)
{
	uw_text_status(&s->o, NULL);
	for (unsigned i = 0; i < s->groups; i++) {
		fputc('\n', s->o.out);
		uw_text_problem(&s->o, s->clock, &s->group[i]);
	}
	s->groups = 0;
	fflush(s->o.out);
}

/* The root cause first, and what it did to others in its paragraph. */
static bool told_with_its_cause(struct text_sink *s, const struct uw_query *q)
{
	for (unsigned i = 0; i < s->groups; i++) {
		if (uw_group_causes(&s->group[i], q)) {
			uw_group_hit(&s->group[i], q);
			return true;
		}
	}
	return false;
}

static void group_query(struct text_sink *s, const struct uw_query *q)
{
	if (told_with_its_cause(s, q))
		return;
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
	if (q->verdict == UW_SUPERSEDED)
		uw_line_add(&l, ": another server had answered first");
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

	if (uw_query_is_news(q)) {
		group_query(s, q);
	} else if (s->all) {
		uw_text_status(&s->o, NULL);
		print_good(s, q);
	}
}

/* The flows are told at the end, in tables. */
static void text_flow(struct uw_sink *sink, const struct uw_flow *f)
{
	(void)sink;
	(void)f;
}

static void text_window(struct uw_sink *sink, const struct uw_window *w)
{
	struct text_sink *s = self(sink);
	bool again = s->window.run == w->run && w->id <= s->window.id;

	/* What goes on now is one paragraph, and is told when it is over. */
	if (w->closed)
		flush_groups(s);
	uw_text_status(&s->o, NULL);
	fputc('\n', s->o.out);
	uw_text_window(&s->o, s->clock, w, again);
	if (!again) {
		s->window.run = w->run;
		s->window.id = w->id;
	}
	fflush(s->o.out);
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
	uw_line_clock(&lead, uw_clock_wall(s->clock, s->run.started_ns + t->elapsed_ns));
	uw_line_add(&lead, "  ");
	uw_text_totals(&s->o, lead.text, s->clock, &s->run, t);
	fflush(s->o.out);
}

static bool reads_a_file(const struct text_sink *s)
{
	return s->run.command && strcmp(s->run.command, "analyze") == 0;
}

/* After the fact there is time to write to a provider; while tracing there is more to be seen. */
static void put_ticket(const struct text_sink *s, const struct uw_totals *t, const struct uw_flow *const *flows,
		       unsigned count)
{
	if (!reads_a_file(s) || !uw_ticket_wanted(flows, count))
		return;
	fputs("\nTO PASTE INTO A TICKET\n", s->o.out);
	uw_ticket(s->o.out, "  ", s->clock, flows, count, t);
}

static void text_end(struct uw_sink *sink, const struct uw_totals *t,
		     const struct uw_flow *const *flows, unsigned count)
{
	struct text_sink *s = self(sink);

	flush_groups(s);
	uw_text_contrast(&s->o, flows, count);
	uw_text_flows(&s->o, s->clock, reads_a_file(s) ? 0 : s->run.started_ns + t->elapsed_ns, flows, count);
	uw_text_vantages(&s->o, t);
	uw_text_losses(&s->o, t);
	put_ticket(s, t, flows, count);
	fputc('\n', s->o.out);
	uw_text_totals(&s->o, "", s->clock, &s->run, t);
	fflush(s->o.out);
}

static void text_idle(struct uw_sink *sink)
{
	flush_groups(self(sink));
}

static void text_rhythms(struct uw_sink *sink, uint64_t now_ns, const struct uw_flow *const *flows, unsigned count)
{
	struct text_sink *s = self(sink);

	if (uw_text_rhythms(&s->rhythms, &s->o, s->clock, &s->run, now_ns, flows, count))
		fflush(s->o.out);
}

static void add_next(struct uw_line *l, const struct text_sink *s)
{
	if (!s->rhythms.next_ns)
		return;
	uw_line_add(l, " · next ");
	uw_line_clock(l, uw_clock_wall(s->clock, s->rhythms.next_ns));
	uw_line_add(l, " %s", s->rhythms.next.text);
}

/* "3 in flight, oldest 2.1 s → 192.0.2.1:123 · 412 answered" */
static void text_in_flight(struct uw_sink *sink, const struct uw_in_flight *f)
{
	struct text_sink *s = self(sink);
	char server[UW_ENDPOINT_TEXT];
	struct uw_line l = {0};

	if (!s->live)
		return;
	if (!f) {
		uw_text_status(&s->o, NULL);
		return;
	}
	if (f->open) {
		uw_line_add(&l, "%u in flight, oldest ", f->open);
		uw_line_duration(&l, f->oldest_ns);
		uw_line_add(&l, " → %s",
			    uw_endpoint_text(&f->oldest.server, f->oldest.family,
					     f->oldest.server_port, server));
	} else {
		uw_line_add(&l, "nothing in flight");
	}
	uw_line_add(&l, " · %llu answered", (unsigned long long)f->answered);
	if (f->bad)
		uw_line_add(&l, ", %llu not", (unsigned long long)f->bad);
	if (!f->open)
		add_next(&l, s);
	uw_text_status(&s->o, l.text);
}

static unsigned usable_width(unsigned width)
{
	if (!width)
		return 0;
	if (width < WIDTH_LEAST)
		return WIDTH_LEAST;
	return width > WIDTH_MOST ? WIDTH_MOST : width;
}

static void text_resize(struct uw_sink *sink, unsigned width)
{
	struct text_sink *s = self(sink);

	uw_text_status(&s->o, NULL);
	s->o.width = usable_width(width);
}

static void text_close(struct uw_sink *sink)
{
	flush_groups(self(sink));
	free(sink);
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
	s->live = options->live;
	s->sink = (struct uw_sink){
		.start = text_start,
		.query = text_query,
		.flow = text_flow,
		.window = text_window,
		.diagnosis = text_diagnosis,
		.status = text_status,
		.end = text_end,
		.idle = text_idle,
		.in_flight = text_in_flight,
		.rhythms = text_rhythms,
		.resize = text_resize,
		.close = text_close,
	};
	return &s->sink;
}
