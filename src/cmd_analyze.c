// SPDX-License-Identifier: GPL-2.0-only
/* udpwhy analyze: the queries of captures, judged as live ones are. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cmd.h"
#include "offline/capture.h"
#include "report.h"

#define OPEN_MAX 1000000	/* queries open at once: some 600 MB */

struct analysis {
	const struct uw_options *o;
	struct uw_clock clock;	/* without a step: a capture's times are wall-clock times */
	struct uw_report *report;
	struct uw_match *match;
	struct uw_decode *decode;
	struct uw_capture_counts counts;
	bool reader_gone, output_failed, drawn;
};

static bool passes(const struct uw_prefix *p, const struct uw_addr *a, uint8_t family)
{
	return !p->family || uw_prefix_holds(p, a, family);
}

static void on_query(void *arg, const struct uw_query *q)
{
	struct analysis *a = arg;
	const struct uw_filters *f = &a->o->filters;

	if (passes(&f->server, &q->key.server, q->key.family) &&
	    passes(&f->client, &q->key.client, q->key.family))
		uw_report_query(a->report, q, NULL, false, false);
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
	fprintf(stderr, "\r%3u%%  %llu frames", (unsigned)(p->done * 100 / p->total),
		(unsigned long long)a->counts.frames);
	a->drawn = true;
	return true;
}

static void wipe_progress(struct analysis *a)
{
	if (a->drawn)
		fputs("\r\033[K", stderr);
	a->drawn = false;
}

static void tell_start(struct analysis *a)
{
	struct uw_run run = {
		.version = UW_VERSION, .command = uw_command_name(a->o->command), .host = "", .kernel = "",
		.timeout_ns = a->o->timeout_ns, .port_count = a->o->filters.port_count,
	};

	memcpy(run.ports, a->o->filters.ports, sizeof(run.ports));
	uw_report_start(a->report, &run);
}

/* Return: 0, or what uw_source_open() or the reader of its kind says. */
static int read_file(struct analysis *a, const char *path, char *error)
{
	struct uw_capture_options c = { .filter = a->o->expression, .progress = on_progress, .arg = a };
	struct uw_source s;
	int err = uw_source_open(&s, path, error);

	if (err)
		return err;
	if (s.kind == UW_SOURCE_JSON)
		err = uw_source_fail(&s, error, -EINVAL, "JSON lines");
	else
		err = uw_capture_read(&s, &c, a->decode, &a->counts, error);
	uw_source_close(&s);
	return err;
}

static int read_files(struct analysis *a)
{
	char error[UW_SOURCE_ERROR];
	int status = 0;
	unsigned i;

	for (i = 0; i < a->o->files && !a->reader_gone; i++) {
		int err = read_file(a, a->o->file[i], error);

		wipe_progress(a);
		if (err) {
			fprintf(stderr, "udpwhy: %s\n", error);
			status = 1;
		}
	}
	return status;
}

static int finish(struct analysis *a, int status)
{
	const struct uw_match_counts *m = uw_match_counts(a->match);
	struct uw_totals t;

	uw_match_end(a->match);
	uw_report_diagnose(a->report, true);
	t = *uw_report_totals(a->report);
	t.stats[UW_STAT_table_full] = m->given_up + uw_decode_lost(a->decode);
	t.stats[UW_STAT_duplicate] = m->duplicates;
	t.stats[UW_STAT_conflicting] = m->conflicting;
	uw_report_end(a->report, &t);
	if (uw_report_drain(a->report) == -EIO)
		status = 1;
	return status ? status : uw_report_exit_status(a->report, &t);
}

static int open_all(struct analysis *a)
{
	char error[UW_WRITER_ERROR];
	struct uw_match_options m = { .timeout_ns = a->o->timeout_ns, .open_max = OPEN_MAX };

	if (getrandom(&m.run, sizeof(m.run), 0) != sizeof(m.run))
		m.run = (uint32_t)getpid();
	if (uw_report_new(a->o, &a->clock, false, UW_WRITER_WAIT, &a->report, error) || uw_match_new(&m, on_query, a, &a->match))
		return -1;
	a->decode = uw_decode_new(a->o->filters.ports, a->o->filters.port_count, a->match);
	return a->decode ? 0 : -1;
}

int uw_cmd_analyze(const struct uw_options *o)
{
	struct analysis a = { .o = o };
	int status = 1;

	signal(SIGPIPE, SIG_IGN);
	if (open_all(&a)) {
		fputs("udpwhy: out of memory\n", stderr);
	} else {
		tell_start(&a);
		status = read_files(&a);
		if (!a.reader_gone)
			status = finish(&a, status);
		else if (a.output_failed)
			status = 1;
	}
	uw_decode_free(a.decode);
	uw_match_free(a.match);
	uw_report_free(a.report);
	return status;
}
