// SPDX-License-Identifier: GPL-2.0-only
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/flow_table.h"
#include "core/news.h"
#include "core/ration.h"
#include "core/recent.h"
#include "sink/journal.h"
#include "sink/metrics.h"
#include "sink/sink.h"

#define FLOWS 4096
#define RATION 10	/* bad queries of one kind told in an interval */
#define DIAGNOSES 64	/* made in one look */
#define RECENT_FLOWS 1024	/* that the rules see while it runs all day */
#define RECENT_NS (30 * 60 * 1000000000ull)
#define WINDOWS_NS (7 * 24 * 3600 * 1000000000ull)	/* loss windows and what was lost outside of them */
#define IDLE_NS (24 * 3600 * 1000000000ull)	/* flows not asked for so long leave for "other" */
#define WINDOW_FLOWS 2048	/* followed for loss windows */
#define STUCK_NS 5000000000ull	/* a reader that takes nothing for so long is not waited for */
#define DEFAULT_WIDTH 100	/* columns, without a terminal */

struct uw_report {
	const struct uw_options *o;
	struct uw_flow_table *flows;
	struct uw_windows *windows;
	const struct uw_traffic *traffic;	/* the source's; NULL: not known */
	struct uw_sink *sink;		/* NULL: silent */
	struct uw_writer *writer;		/* NULL likewise */
	struct uw_journal *journal;	/* NULL unless that is where records go */
	enum uw_writer_manner manner;
	int failing;			/* -errno of the output, said already */
	uint64_t lost_before;		/* lines lost when it was last well */
	struct uw_ration *ration;	/* NULL without an interval */
	uint64_t suppressed;
	struct uw_metrics *metrics;	/* likewise */
	const struct uw_clock *clock;
	struct uw_totals totals;
	struct uw_host_facts host;
	struct uw_recent *recent;	/* NULL without an interval: the rules see the whole run */
	struct uw_news *news;
	struct uw_flow folded;		/* scratch */
	struct uw_diagnosis *diagnosis;	/* likewise: large, and wanted again and again */
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

static struct uw_sink *make_sink(const struct uw_options *o, FILE *out, const struct uw_clock *clock)
{
	bool terminal = !o->output_file && isatty(STDOUT_FILENO);
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	struct uw_text_options text = {
		.all = o->all,
		.live = terminal && term && strcmp(term, "dumb") != 0,
		.colour = terminal && !o->no_color && !(no_color && *no_color),
		.width = terminal ? terminal_width() : default_width(),
	};

	if (o->output == UW_OUTPUT_HTML)
		return uw_sink_html(out, clock);
	if (o->output != UW_OUTPUT_TEXT)
		return uw_sink_json(out, clock);
	return uw_sink_text(out, clock, &text);
}

static void read_host_facts(struct uw_host_facts *h)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	struct stat s;

	h->netns = stat("/proc/self/ns/net", &s) ? 0 : (uint32_t)s.st_ino;

	if (f && fscanf(f, "%hu %hu", &h->ephemeral_low, &h->ephemeral_high) != 2)
		h->ephemeral_low = h->ephemeral_high = 0;
	if (f)
		fclose(f);
}

static int open_sink(struct uw_report *r, const struct uw_clock *clock, enum uw_writer_manner manner,
		     char error[UW_WRITER_ERROR])
{
	struct uw_writer_target journal = { .write = uw_journal_write, .name = "the journal" };
	bool to_journal = r->o->output == UW_OUTPUT_JOURNAL;
	int err = to_journal ? uw_journal_open(&r->journal, error) : 0;

	if (err)
		return err;
	journal.arg = r->journal;
	err = uw_writer_open(r->o->output_file, to_journal ? &journal : NULL, manner, &r->writer, error);
	if (err)
		return err;
	r->sink = make_sink(r->o, uw_writer_stream(r->writer), clock);
	if (!r->sink)
		return -ENOMEM;
	r->live = r->sink->in_flight && !r->o->output_file && isatty(STDOUT_FILENO);
	return 0;
}

/* Its last record, and its part in the metrics, before only "other" knows of it. */
static void on_left(void *arg, const struct uw_flow *f)
{
	struct uw_report *r = arg;

	uw_metrics_left(r->metrics, f);
	if (!r->sink)
		return;
	r->sink->flow(r->sink, f);
	uw_writer_commit(r->writer);
}

int uw_report_new(const struct uw_options *o, const struct uw_clock *clock, bool silent,
		  enum uw_writer_manner manner, struct uw_report **out, char error[UW_WRITER_ERROR])
{
	struct uw_report *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	snprintf(error, UW_WRITER_ERROR, "out of memory");
	if (!r)
		return err;
	r->o = o;
	r->manner = manner;
	r->host.clock = clock;
	r->flows = uw_flow_table_new(FLOWS);
	if (o->interval_ns) {
		r->ration = uw_ration_new(RATION);
		r->metrics = uw_metrics_new();
		r->recent = uw_recent_new(RECENT_FLOWS, RECENT_NS);
	}
	r->clock = clock;
	r->windows = uw_windows_new(WINDOW_FLOWS);
	r->news = uw_news_new(2 * RECENT_NS);
	r->diagnosis = calloc(DIAGNOSES, sizeof(*r->diagnosis));
	if (r->flows && r->windows && r->news &&
	    (!o->interval_ns || (r->ration && r->metrics && r->recent)))
		err = silent ? 0 : open_sink(r, clock, manner, error);
	if (err) {
		uw_report_free(r);
		return err;
	}
	if (o->interval_ns)
		uw_flow_table_watch(r->flows, on_left, r);
	if (o->command != UW_CMD_ANALYZE)
		read_host_facts(&r->host);
	*out = r;
	return 0;
}

void uw_report_free(struct uw_report *r)
{
	if (!r)
		return;
	if (r->sink)
		r->sink->close(r->sink);
	uw_writer_close(r->writer);
	uw_journal_close(r->journal);
	uw_metrics_free(r->metrics);
	uw_ration_free(r->ration);
	uw_recent_free(r->recent);
	uw_news_free(r->news);
	free(r->diagnosis);
	uw_windows_free(r->windows);
	uw_flow_table_free(r->flows);
	free(r);
}

void uw_report_start(struct uw_report *r, struct uw_run *run)
{
	uw_filters_text(&r->o->filters, r->filters, sizeof(r->filters));
	run->filters = r->filters;
	run->facts = r->host;
	uw_windows_run(r->windows, run->run);
	if (!r->sink)
		return;
	r->sink->start(r->sink, run);
	uw_writer_commit(r->writer);
}

/* With an interval, too many of a kind are counted only. */
static bool rationed(struct uw_report *r, struct uw_flow *f, const struct uw_query *q)
{
	if (!r->ration || uw_ration_allows(r->ration, f ? &f->id : NULL, q))
		return false;
	if (q->revision == 1) {
		r->suppressed++;
		if (f)
			f->suppressed++;
	}
	return true;
}

void uw_report_query(struct uw_report *r, const struct uw_query *q, const struct uw_previous *previous,
		     bool probe, bool always)
{
	struct uw_flow *f = uw_flow_add(r->flows, q, probe, previous ? &previous->verdict : NULL);

	if (r->recent)
		uw_recent_query(r->recent, q, probe, previous ? &previous->verdict : NULL);
	if (probe)
		return;
	uw_totals_add(&r->totals, q, previous);
	uw_windows_query(r->windows, q, previous ? &previous->verdict : NULL);
	r->unsettled |= uw_query_is_news(q);
	if (!r->sink || q->times || !(always || r->o->all || r->o->output == UW_OUTPUT_HTML || uw_query_is_news(q)) || rationed(r, f, q))
		return;
	r->sink->query(r->sink, q);
	uw_writer_commit(r->writer);
}

void uw_report_fold(struct uw_report *r, const struct uw_flow_key *key, const struct uw_flow_value *v)
{
	struct uw_flow_value none = { 0 };
	const struct uw_flow_value *old = uw_flow_folded(r->flows, key);
	struct uw_flow_id id;

	r->unsettled |= v->unsynchronised > (old ? old->unsynchronised : 0);
	uw_flow_id_of_key(&id, key, false);
	uw_windows_fold(r->windows, &id, old ? old : &none, v);
	if (uw_flow_fold(r->flows, key, false, v, &r->folded) && r->recent)
		uw_recent_merge(r->recent, &r->folded);
}

void uw_report_unfold(struct uw_report *r, const struct uw_flow_key *key)
{
	uw_flow_unfold(r->flows, key);
}

void uw_report_host(struct uw_report *r, const struct uw_host_facts *facts)
{
	r->host.ephemeral_low = facts->ephemeral_low;
	r->host.ephemeral_high = facts->ephemeral_high;
}

void uw_report_rest(struct uw_report *r, const struct uw_flow *rest)
{
	unsigned v;

	uw_flow_merge(r->flows, rest);
	uw_windows_rest(r->windows, &rest->id, rest->count[UW_NO_REPLY] + rest->count[UW_REJECTED]);
	for (v = 0; v < UW_VERDICTS && !rest->id.probe; v++)
		uw_totals_rest(&r->totals, v, rest->count[v]);
}

static void tell_window(struct uw_report *r, const struct uw_window *w)
{
	r->unsettled |= w->closed;
	if (!r->sink || !r->sink->window)
		return;
	r->sink->window(r->sink, w);
	uw_writer_commit(r->writer);
}

static void on_window(void *arg, struct uw_window *w)
{
	struct uw_report *r = arg;

	if (r->traffic)
		uw_traffic_fill(r->traffic, w);
	tell_window(r, w);
}

void uw_report_window(struct uw_report *r, const struct uw_window *w)
{
	uw_windows_take(r->windows, w);
	tell_window(r, w);
}

void uw_report_settle(struct uw_report *r, uint64_t until_ns)
{
	uw_windows_settle(r->windows, until_ns, on_window, r);
	if (r->recent && until_ns != UINT64_MAX)
		uw_windows_forget(r->windows, until_ns, WINDOWS_NS);
}

void uw_report_traffic(struct uw_report *r, const struct uw_traffic *t)
{
	r->traffic = t;
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

static void tell_diagnosis(struct uw_report *r, const struct uw_diagnosis *d)
{
	if (!r->sink)
		return;
	r->sink->diagnosis(r->sink, d);
	uw_writer_commit(r->writer);
}

void uw_report_diagnose(struct uw_report *r, uint64_t now_ns, bool final)
{
	struct uw_flow_table *table = r->recent ? uw_recent_flows(r->recent) : r->flows;
	const struct uw_flow *const *flows;
	unsigned count, n, i;

	if (final)
		uw_report_settle(r, UINT64_MAX);
	r->unsettled = false;
	uw_report_idle(r);
	flows = uw_flow_list(table, &count);
	count -= uw_flow_others(table);
	r->host.windows = uw_windows_list(r->windows, &r->host.window_count);
	r->host.loss = uw_windows_loss(r->windows);
	n = uw_diagnose(flows, count, &r->host, r->diagnosis, DIAGNOSES);
	for (i = 0; i < n; i++) {
		if (uw_news_is(r->news, &r->diagnosis[i], now_ns, final))
			tell_diagnosis(r, &r->diagnosis[i]);
	}
	if (r->metrics)
		uw_metrics_diagnoses(r->metrics, r->diagnosis, n);
}

const char *uw_report_surest(const struct uw_report *r, enum uw_confidence *confidence)
{
	return uw_news_surest(r->news, confidence);
}

void uw_report_idle(struct uw_report *r)
{
	if (!r->sink || !r->sink->idle)
		return;
	r->sink->idle(r->sink);
	uw_writer_commit(r->writer);
}

void uw_report_rhythms(struct uw_report *r, uint64_t now_ns)
{
	const struct uw_flow *const *flows;
	unsigned count;

	if (!r->sink || !r->sink->rhythms)
		return;
	flows = uw_flow_list(r->flows, &count);
	r->sink->rhythms(r->sink, now_ns, flows, count);
	uw_writer_commit(r->writer);
}

bool uw_report_live(const struct uw_report *r)
{
	return r->live;
}

void uw_report_in_flight(struct uw_report *r, const struct uw_in_flight *f)
{
	if (!uw_report_live(r))
		return;
	r->sink->in_flight(r->sink, f);
	uw_writer_commit(r->writer);
}

void uw_report_resize(struct uw_report *r)
{
	if (r->live && r->sink->resize)
		r->sink->resize(r->sink, terminal_width());
}

void uw_report_interval(struct uw_report *r, uint64_t now_ns)
{
	const struct uw_flow *const *flows;
	unsigned count, i;

	uw_recent_turn(r->recent, now_ns);
	if (now_ns > IDLE_NS)
		uw_flow_expire(r->flows, now_ns - IDLE_NS);

	if (!r->sink)
		return;
	flows = uw_flow_list(r->flows, &count);
	for (i = 0; i < count; i++) {
		if (!uw_flow_is_news(r->flows, flows[i]))
			continue;
		r->sink->flow(r->sink, flows[i]);
		uw_writer_commit(r->writer);
	}
	uw_ration_renew(r->ration);
}

/* With what the report itself knows of the run. */
static struct uw_totals complete(const struct uw_report *r, const struct uw_totals *t)
{
	struct uw_totals all = *t;

	all.output_lost += r->writer ? uw_writer_lost(r->writer) : 0;
	all.suppressed += r->suppressed;
	all.stats[UW_STAT_flow_table_full] += uw_flow_table_lost(r->flows);
	return all;
}

void uw_report_metrics(struct uw_report *r, const struct uw_totals *t, FILE *out)
{
	struct uw_totals all = complete(r, t);
	struct uw_metrics_now now = { .totals = &all, .windows_opened = uw_windows_opened(r->windows) };

	now.flows = uw_flow_list(r->flows, &now.flow_count);
	now.windows = uw_windows_list(r->windows, &now.window_count);
	uw_metrics_print(r->metrics, out, &now, r->clock);
}

void uw_report_status(struct uw_report *r, const struct uw_totals *t)
{
	struct uw_totals all = complete(r, t);

	if (!r->sink)
		return;
	r->sink->status(r->sink, &all);
	uw_writer_commit(r->writer);
}

void uw_report_end(struct uw_report *r, const struct uw_totals *t)
{
	const struct uw_flow *const *flows;
	struct uw_totals all = complete(r, t);
	unsigned count;

	if (!r->sink)
		return;
	all.window = uw_windows_list(r->windows, &all.windows);
	all.traffic = r->traffic;
	flows = uw_flow_list(r->flows, &count);
	r->sink->end(r->sink, &all, flows, count);
	uw_writer_commit(r->writer);
}

static void say_failure(const struct uw_report *r, int err)
{
	fprintf(stderr, "udpwhy: cannot write to %s: %s; free space or choose another place, records are lost\n",
		uw_writer_name(r->writer), strerror(-err));
}

/* Said when it begins and when it is over, however many records it cost. */
static int take_check(struct uw_report *r, int err)
{
	if (err == -EPIPE)
		return err;
	if (err && err != r->failing)
		say_failure(r, err);
	if (!err && r->failing)
		fprintf(stderr, "udpwhy: %s can be written to again; %llu lines were lost\n",
			uw_writer_name(r->writer),
			(unsigned long long)(uw_writer_lost(r->writer) - r->lost_before));
	if (!err)
		r->lost_before = uw_writer_lost(r->writer);
	r->failing = err;
	return err && r->manner != UW_WRITER_PERSIST ? -EIO : 0;
}

int uw_report_flush(struct uw_report *r)
{
	if (!r->sink)
		return 0;
	uw_writer_commit(r->writer);
	return take_check(r, uw_writer_check(r->writer));
}

int uw_report_drain(struct uw_report *r)
{
	uint64_t lost;

	if (!r->sink)
		return 0;
	lost = uw_writer_drain(r->writer, STUCK_NS);
	if (lost)
		fprintf(stderr, "udpwhy: nobody reads %s: %llu lines were not written\n", uw_writer_name(r->writer),
			(unsigned long long)lost);
	return take_check(r, uw_writer_check(r->writer));
}

bool uw_report_is_failing(const struct uw_report *r)
{
	return r->failing;
}

void uw_report_reopen(struct uw_report *r)
{
	char error[UW_WRITER_ERROR];

	if (r->sink && uw_writer_reopen(r->writer, error))
		fprintf(stderr, "udpwhy: %s; going on in the old file\n", error);
}

int uw_report_exit_status(const struct uw_report *r, const struct uw_totals *t)
{
	return r->o->exit_code ? uw_totals_exit_status(t) : 0;
}
