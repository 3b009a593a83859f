// SPDX-License-Identifier: GPL-2.0-only
#include "report.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sink/sink.h"

#define FLOWS 4096
#define DIAGNOSES 32
#define DEFAULT_WIDTH 100	/* columns, without a terminal */

/* A diagnosis already told: said again when it became surer, and at the end if it has grown. */
struct told {
	const char *id;
	struct uw_flow_id flow;
	enum uw_confidence confidence;
	char summary[UW_SENTENCE_MAX];
};

struct uw_report {
	const struct uw_options *o;
	struct uw_flow_table *flows;
	struct uw_sink *sink;		/* NULL: silent */
	struct uw_totals totals;
	struct uw_host_facts host;
	struct told told[DIAGNOSES];
	unsigned told_count;
	char filters[2048];
	bool unsettled, live;
};

/* The width that a user asked for, where output is no terminal; no lines too long for a ticket. */
static unsigned default_width(void)
{
	const char *columns = getenv("COLUMNS");
	unsigned width = columns ? (unsigned)strtoul(columns, NULL, 10) : 0;

	return width && width < 10000 ? width : DEFAULT_WIDTH;
}

static unsigned terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return 80;
	return size.ws_col;
}

static struct uw_sink *make_sink(const struct uw_options *o, const struct uw_clock *clock)
{
	bool terminal = isatty(STDOUT_FILENO);
	const char *term = getenv("TERM");
	struct uw_text_options text = {
		.all = o->all,
		.live = terminal && term && strcmp(term, "dumb") != 0,
		.colour = terminal && !o->no_color && !getenv("NO_COLOR"),
		.width = terminal ? terminal_width() : default_width(),
	};

	if (o->output == UW_OUTPUT_JSON)
		return uw_sink_json(stdout, clock);
	return uw_sink_text(stdout, clock, &text);
}

static void read_port_range(struct uw_host_facts *h)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");

	if (f && fscanf(f, "%hu %hu", &h->ephemeral_low, &h->ephemeral_high) != 2)
		memset(h, 0, sizeof(*h));
	if (f)
		fclose(f);
}

struct uw_report *uw_report_new(const struct uw_options *o, const struct uw_clock *clock, bool silent)
{
	struct uw_report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->o = o;
	r->flows = uw_flow_table_new(FLOWS);
	r->sink = silent ? NULL : make_sink(o, clock);
	r->live = r->sink && r->sink->in_flight && isatty(STDOUT_FILENO);
	if (!r->flows || (!r->sink && !silent)) {
		uw_report_free(r);
		return NULL;
	}
	read_port_range(&r->host);
	return r;
}

void uw_report_free(struct uw_report *r)
{
	if (!r)
		return;
	if (r->sink)
		r->sink->close(r->sink);
	uw_flow_table_free(r->flows);
	free(r);
}

void uw_report_start(struct uw_report *r, struct uw_run *run)
{
	uw_filters_text(&r->o->filters, r->filters, sizeof(r->filters));
	run->filters = r->filters;
	if (r->sink)
		r->sink->start(r->sink, run);
}

void uw_report_query(struct uw_report *r, const struct uw_query *q, const struct uw_previous *previous,
		     bool probe, bool always)
{
	uw_flow_add(r->flows, q, probe, previous ? &previous->verdict : NULL);
	if (probe)
		return;
	uw_totals_add(&r->totals, q, previous);
	r->unsettled |= uw_query_is_news(q);
	if (r->sink && (always || r->o->all || uw_query_is_news(q)))
		r->sink->query(r->sink, q);
}

void uw_report_fold(struct uw_report *r, const struct uw_flow_key *key, const struct uw_flow_value *v)
{
	uw_flow_fold(r->flows, key, false, v);
}

const struct uw_totals *uw_report_totals(const struct uw_report *r)
{
	return &r->totals;
}

const struct uw_flow *const *uw_report_flows(struct uw_report *r, unsigned *count)
{
	return uw_flow_list(r->flows, count);
}

bool uw_report_unsettled(const struct uw_report *r)
{
	return r->unsettled;
}

static struct told *told_before(struct uw_report *r, const struct uw_diagnosis *d)
{
	unsigned i;

	for (i = 0; i < r->told_count; i++) {
		if (!strcmp(r->told[i].id, d->id) && d->flows &&
		    !memcmp(&r->told[i].flow, &d->flow[0]->id, sizeof(r->told[i].flow)))
			return &r->told[i];
	}
	return NULL;
}

static void tell_diagnosis(struct uw_report *r, const struct uw_diagnosis *d, bool final)
{
	struct told *t = told_before(r, d);

	if (t && t->confidence >= d->confidence && (!final || !strcmp(t->summary, d->summary)))
		return;
	if (!t && r->told_count < DIAGNOSES && d->flows) {
		t = &r->told[r->told_count++];
		t->id = d->id;
		t->flow = d->flow[0]->id;
	}
	if (t) {
		t->confidence = d->confidence;
		memcpy(t->summary, d->summary, sizeof(t->summary));
	}
	r->sink->diagnosis(r->sink, d);
}

void uw_report_diagnose(struct uw_report *r, bool final)
{
	const struct uw_flow *const *flows;
	struct uw_diagnosis *d;
	unsigned count, n, i;

	r->unsettled = false;
	d = r->sink ? calloc(DIAGNOSES, sizeof(*d)) : NULL;
	if (!d)
		return;
	uw_report_idle(r);
	flows = uw_flow_list(r->flows, &count);
	n = uw_diagnose(flows, count, &r->host, d, DIAGNOSES);
	for (i = 0; i < n; i++)
		tell_diagnosis(r, &d[i], final);
	free(d);
}

void uw_report_idle(struct uw_report *r)
{
	if (r->sink && r->sink->idle)
		r->sink->idle(r->sink);
}

bool uw_report_live(const struct uw_report *r)
{
	return r->live;
}

void uw_report_in_flight(struct uw_report *r, const struct uw_in_flight *f)
{
	if (uw_report_live(r))
		r->sink->in_flight(r->sink, f);
}

void uw_report_resize(struct uw_report *r)
{
	if (r->live && r->sink->resize)
		r->sink->resize(r->sink, terminal_width());
}

void uw_report_status(struct uw_report *r, const struct uw_totals *t)
{
	if (r->sink)
		r->sink->status(r->sink, t);
}

void uw_report_end(struct uw_report *r, const struct uw_totals *t)
{
	const struct uw_flow *const *flows;
	unsigned count;

	flows = uw_flow_list(r->flows, &count);
	if (r->sink)
		r->sink->end(r->sink, t, flows, count);
}

/* A sink's own flush may have met the error, and errno be of something later: ask the pipe. */
static bool reader_gone(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return errno == EPIPE || (poll(&p, 1, 0) == 1 && p.revents & (POLLERR | POLLHUP));
}

int uw_report_flush(struct uw_report *r)
{
	if (!r->sink || (fflush(stdout) == 0 && !ferror(stdout)))
		return 0;
	if (reader_gone())
		return -EPIPE;
	fprintf(stderr, "udpwhy: cannot write the output: %s; free space or choose another place, records were lost\n",
		strerror(errno));
	return -EIO;
}

int uw_report_exit_status(const struct uw_report *r, const struct uw_totals *t)
{
	return r->o->exit_code ? uw_totals_exit_status(t) : 0;
}
