// SPDX-License-Identifier: GPL-2.0-only
/* udpwhy analyze: the queries of captures, judged as live ones are. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cmd.h"
#include "config.h"
#include "offline/inputs.h"
#include "report.h"

#define SETTLE_NS 1000000000ull	/* between looks at what follows for loss windows */

struct analysis {
	const struct uw_options *o;
	struct uw_clock clock;	/* without a step: a capture's times are wall-clock times */
	struct uw_report *report;
	struct uw_inputs *inputs;
	uint64_t settled_ns;
	bool started, reader_gone, output_failed, drawn;
};

static bool passes(const struct uw_prefix *p, const struct uw_addr *a, uint8_t family)
{
	return !p->family || uw_prefix_holds(p, a, family);
}

static bool wanted(const struct analysis *a, const struct uw_addr *client, const struct uw_addr *server,
		   uint8_t family)
{
	const struct uw_filters *f = &a->o->filters;

	return passes(&f->server, server, family) && passes(&f->client, client, family);
}

/* Only once there is something to tell of: of files that cannot be read there is not even a beginning. */
static void tell_start(struct analysis *a)
{
	struct uw_run run = {
		.version = UW_VERSION, .command = uw_command_name(a->o->command), .host = "", .kernel = "",
		.timeout_ns = a->o->timeout_ns, .port_count = a->o->filters.port_count,
	};

	if (a->started)
		return;
	a->started = true;
	run.file = a->o->file;
	run.file_count = a->o->files;
	memcpy(run.ports, a->o->filters.ports, sizeof(run.ports));
	uw_report_start(a->report, &run);
}

static void on_query(void *arg, const struct uw_query *q, const struct uw_previous *previous)
{
	struct analysis *a = arg;

	tell_start(a);
	if (wanted(a, &q->key.client, &q->key.server, q->key.family))
		uw_report_query(a->report, q, previous, false, false);
	/* Of several files the times go their own ways: then only the end tells that all is known. */
	if (a->o->files == 1 && q->captured && q->judged_ns > a->settled_ns + SETTLE_NS) {
		a->settled_ns = q->judged_ns;
		uw_report_settle(a->report, q->judged_ns - UW_HOLD_NS - SETTLE_NS);
	}
}

static void on_rest(void *arg, const struct uw_flow *rest)
{
	struct analysis *a = arg;

	tell_start(a);
	if (wanted(a, &rest->id.client, &rest->id.server, rest->id.family))
		uw_report_rest(a->report, rest);
}

/* Told if it is any wanted flow's. */
static void on_window(void *arg, const struct uw_window *w)
{
	struct analysis *a = arg;
	bool any = !w->flows; /* all its flows have moved to another */
	unsigned i;

	tell_start(a);
	for (i = 0; i < w->flows; i++)
		any |= wanted(a, &w->flow[i].id.client, &w->flow[i].id.server, w->flow[i].id.family);
	if (any)
		uw_report_window(a->report, w);
}

static void on_facts(void *arg, const struct uw_host_facts *facts)
{
	struct analysis *a = arg;

	uw_report_host(a->report, facts);
}

/* On a terminal only: how far the file is read. Returns false once nobody reads our output. */
static bool on_progress(void *arg, const struct uw_capture_progress *p)
{
	struct analysis *a = arg;
	int err = uw_report_flush(a->report);

	if (err) {
		a->reader_gone = true;
		a->output_failed = err != -EPIPE;
		return false;
	}
	if (!isatty(STDERR_FILENO) || !p->total || p->done >= p->total)
		return true;
	fprintf(stderr, "\r%3u%%", (unsigned)(p->done * 100 / p->total));
	if (p->frames)
		fprintf(stderr, "  %llu frames", (unsigned long long)p->frames);
	a->drawn = true;
	return true;
}

static void wipe_progress(struct analysis *a)
{
	if (a->drawn)
		fputs("\r\033[K", stderr);
	a->drawn = false;
}

static void on_complaint(void *arg, const char *line)
{
	wipe_progress(arg);
	fprintf(stderr, "udpwhy: %s\n", line);
}

static int finish(struct analysis *a, int status)
{
	const struct uw_inputs_counts *c = uw_inputs_counts(a->inputs);
	struct uw_totals t, sums = c->sums;

	if (a->o->filters.server.family || a->o->filters.client.family)
		memset(sums.fault, 0, sizeof(sums.fault)); /* whose they are is not told */
	uw_report_traffic(a->report, uw_inputs_traffic(a->inputs));
	uw_report_diagnose(a->report, 0, true);
	t = *uw_report_totals(a->report);
	uw_jsonl_sums_add(&t, &sums);
	t.stats[UW_STAT_table_full] += c->match.given_up + c->lost;
	t.stats[UW_STAT_duplicate] += c->match.duplicates;
	t.stats[UW_STAT_conflicting] += c->match.conflicting;
	t.vantage = uw_inputs_vantages(a->inputs, &t.vantages);
	uw_report_end(a->report, &t);
	if (uw_report_drain(a->report) == -EIO)
		status = 1;
	return status ? status : uw_report_exit_status(a->report, &t);
}

static uint32_t run_number(void)
{
	uint32_t run;

	return getrandom(&run, sizeof(run), 0) == sizeof(run) ? run : (uint32_t)getpid();
}

static int analyze(struct analysis *a)
{
	int status;

	if (a->o->files == 1)
		uw_report_traffic(a->report, uw_inputs_traffic(a->inputs));
	status = uw_inputs_read(a->inputs) ? 1 : 0;
	wipe_progress(a);
	if (a->reader_gone)
		return a->output_failed ? 1 : status;
	if (status && !a->started && !uw_inputs_counts(a->inputs)->captured.frames)
		return status;
	tell_start(a);
	return finish(a, status);
}

int uw_cmd_analyze(const struct uw_options *o)
{
	struct analysis a = { .o = o };
	const struct uw_inputs_options inputs = {
		.file = o->file, .files = o->files, .ports = o->filters.ports, .port_count = o->filters.port_count,
		.timeout_ns = o->timeout_ns, .run = run_number(), .filter = o->expression,
		.sink = { .query = on_query, .rest = on_rest, .window = on_window, .facts = on_facts, .progress = on_progress,
			  .complain = on_complaint, .arg = &a },
	};
	char error[UW_WRITER_ERROR] = "out of memory";
	int status = 1;

	a.inputs = uw_inputs_new(&inputs);
	if (!a.inputs || uw_report_new(o, &a.clock, false, UW_WRITER_WAIT, &a.report, error))
		fprintf(stderr, "udpwhy: %s\n", error);
	else
		status = analyze(&a);
	uw_report_free(a.report);
	uw_inputs_free(a.inputs);
	return status;
}
