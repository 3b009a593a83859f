// SPDX-License-Identifier: GPL-2.0-only
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "core/lot.h"
#include "evidence_file.h"
#include "file_replace.h"
#include "live/carried.h"
#include "live/collector.h"
#include "live/nft_trace.h"
#include "privilege.h"
#include "probes.h"
#include "report.h"
#include "scrape.h"
#include "service.h"

#define TICK_NS 200000000ull		/* the collector sweeps as often */
#define IDLE_NS 1500000000ull		/* quiet this long: the text sink tells what it grouped */
#define BURST_NS 10000000000ull	/* ... and after this long even if it is not quiet */
#define DIAGNOSE_NS 10000000000ull	/* between looks at the flows while running */
#define IN_FLIGHT_NS 500000000ull	/* between looks at what is in flight, on a terminal */
#define FLOWS_NS 1000000000ull		/* between looks at the good queries that the kernel counted */
#define LATENESS_NS 3000000000ull	/* after its deadline a query's outcome is known, the looks included */
#define RHYTHM_NS 5000000000ull		/* between looks at who asks how often */
#define STATUS_NS 60000000000ull	/* between trace's status records */
#define ASKERS 32
#define PROBE_TIMEOUT_NS 2000000000ull
#define POLLFDS (3 + UW_WATCH_TARGETS * UW_PROBE_DOORS)

enum phase {
	RUNNING,	/* until a signal, the duration, the end of the command or of the probes */
	DRAINING,	/* until nothing is open, one timeout at the most */
	PROBING,	/* trace --probe: what was bad is asked again */
	OVER,
};

struct watch {
	const struct uw_watch_plan *plan;
	const struct uw_options *o;
	struct uw_live *live;
	struct uw_live_options live_options;
	struct uw_nft_trace *nft_trace;	/* NULL without --nft-trace */
	struct uw_collector *collector;
	struct uw_report *report;
	struct uw_evidence_file *evidence;	/* NULL without --evidence */
	struct uw_carried_reader *carried;
	struct uw_traffic *traffic;
	struct uw_probes *probes;
	struct uw_scrape *scrape;	/* NULL without --metrics ADDR:PORT */
	struct uw_service *service;	/* NULL unless a service manager asked */
	struct uw_clock clock;
	enum phase phase;
	int signal_fd, status;
	pid_t child;
	uint64_t child_ns; /* when it was started */
	uint32_t own_pid, run;
	struct uw_asker askers[ASKERS];
	struct utsname kernel;
	char hostname[256];
	int metrics_failing;	/* -errno, said already */
	bool metrics_written;
	bool command_ran;
	int command_status;
	uint64_t now_ns, start_ns, phase_ns, bad_ns, burst_ns, diagnose_ns, status_ns, in_flight_ns, flows_ns, rhythm_ns;
	uint64_t carried_ns;
};

static int say(const char *text)
{
	fprintf(stderr, "udpwhy: %s\n", text);
	return 1;
}

/* Whoever reads our output may be gone (a quiet end) or its disk full (an error). */
static bool output_fails(struct watch *w, int err)
{
	if (!err)
		return false;
	if (err != -EPIPE)
		w->status = 1;
	w->phase = OVER;
	return true;
}

static void want_probe(struct watch *w, const struct uw_query *q)
{
	struct uw_watch_target t = {
		.netns = q->netns,
		.target = {
			.server = q->key.server, .port = q->key.server_port, .family = q->key.family,
			.protocol = q->key.protocol, .question_len = q->question_len,
		},
	};

	memcpy(t.target.question, q->question, q->question_len);
	uw_probes_want(w->probes, &t);
}

static void on_query(void *arg, const struct uw_query *q, const struct uw_previous *previous)
{
	struct watch *w = arg;
	bool probe = q->task.pid == w->own_pid, settled = !uw_report_unsettled(w->report);

	uw_report_query(w->report, q, previous, probe, w->plan->asks);
	if (probe)
		return;
	uw_evidence_query(w->evidence, q);
	if (uw_query_is_bad(q)) {
		w->bad_ns = w->now_ns;
		if (!w->burst_ns)
			w->burst_ns = w->now_ns;
		if (settled)
			w->diagnose_ns = w->now_ns;
	}
	if (w->o->probe && q->verdict == UW_NO_REPLY && q->role == UW_ROLE_CLIENT)
		want_probe(w, q);
}

/* The good ones that the kernel counted. */
struct folded {
	struct uw_report *report;
	struct uw_totals *totals;
};

static void on_flow(void *arg, const struct uw_flow_key *key, const struct uw_flow_value *value)
{
	struct folded *f = arg;

	uw_report_fold(f->report, key, value);
	uw_totals_good(f->totals, key->role, value->answered);
}

static void take_totals(struct watch *w, struct uw_totals *t)
{
	struct folded f = { .report = w->report, .totals = t };

	*t = *uw_report_totals(w->report);
	t->command_ran = w->command_ran;
	t->command_status = w->command_status;
	uw_collector_flows(w->collector, on_flow, &f);
	uw_collector_totals(w->collector, t);
}

static void diagnose(struct watch *w, bool final)
{
	struct uw_totals ignored;

	w->diagnose_ns = w->now_ns;
	take_totals(w, &ignored);
	uw_report_diagnose(w->report, w->now_ns, final);
}

static char *print_metrics(struct watch *w, const struct uw_totals *t, size_t *size)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, size);

	if (!f)
		return NULL;
	uw_report_metrics(w->report, t, f);
	fclose(f);
	return text;
}

static void answer_scrape(struct watch *w)
{
	struct uw_totals t;
	size_t size;
	char *text;

	take_totals(w, &t);
	text = print_metrics(w, &t, &size);
	if (text)
		uw_scrape_answer(w->scrape, text, size);
	free(text);
}

/* Whole or not at all, for whoever reads it meanwhile. */
static void write_metrics(struct watch *w, const struct uw_totals *t)
{
	size_t size;
	char *text = print_metrics(w, t, &size);
	int err = text ? uw_file_replace(w->o->metrics_file, text, size) : -ENOMEM;

	free(text);
	if (err && err != w->metrics_failing)
		fprintf(stderr, "udpwhy: --metrics: cannot write %.200s: %s; %s\n", w->o->metrics_file, strerror(-err),
			w->metrics_written ? "the metrics there are old" : "give another name");
	w->metrics_written |= !err;
	w->metrics_failing = err;
}

/* There from the start on, zeros too: one that cannot be is said at once. */
static int start_metrics(struct watch *w)
{
	struct uw_totals t;

	if (!w->o->metrics_file)
		return 0;
	take_totals(w, &t);
	write_metrics(w, &t);
	return w->metrics_failing ? 1 : 0;
}

static void on_flow_idle(void *arg, const struct uw_flow_key *key, const struct uw_flow_value *value)
{
	uw_report_fold(arg, key, value);
	uw_report_unfold(arg, key);
}

static void tell_service(struct watch *w, const struct uw_totals *t)
{
	uint64_t good = uw_lot_count(t->verdict, UW_LOT_GOOD), all = 0;
	unsigned v;

	for (v = 0; v < UW_VERDICTS; v++)
		all += t->verdict[v];
	uw_service_status(w->service, "%llu queries, %llu of them answered", (unsigned long long)all,
			  (unsigned long long)good);
}

static void tell_status(struct watch *w)
{
	struct uw_totals t;

	w->status_ns = w->now_ns;
	take_totals(w, &t);
	if (w->o->interval_ns) {
		uw_collector_trim(w->collector, on_flow_idle, w->report);
		uw_report_interval(w->report, w->now_ns);
	}
	if (w->o->metrics_file)
		write_metrics(w, &t);
	uw_report_status(w->report, &t);
	tell_service(w, &t);
}

/* What is open just now; not while a command writes to the same terminal. */
static void show_in_flight(struct watch *w)
{
	struct uw_in_flight f = { 0 };
	struct uw_totals t;
	unsigned v;

	if (w->child > 0 || w->phase == OVER || w->now_ns - w->in_flight_ns < IN_FLIGHT_NS ||
	    !uw_report_live(w->report))
		return;
	w->in_flight_ns = w->now_ns;
	take_totals(w, &t);
	uw_collector_in_flight(w->collector, &f);
	for (v = 0; v < UW_VERDICTS; v++) {
		if (v == UW_ANSWERED || v == UW_SERVED || v == UW_FORWARDED)
			f.answered += t.verdict[v];
		else if (v != UW_SUPERSEDED)
			f.bad += t.verdict[v];
	}
	uw_report_in_flight(w->report, &f);
}

static void set_phase(struct watch *w, enum phase p)
{
	w->phase = p;
	w->phase_ns = w->now_ns;
	/* What was sent since the last sweep is not counted as open yet, and would be left untold. */
	if (p != DRAINING)
		return;
	uw_collector_hurry(w->collector);
	uw_service_stopping(w->service, w->o->timeout_ns);
}

static void command_ended(struct watch *w, int status)
{
	w->child = 0;
	w->command_ran = true;
	w->command_status = uw_child_status(status);
	fprintf(stderr, "udpwhy: %s ended with status %d after %.1f s\n", w->o->run[0], w->command_status,
		(double)(uw_now_ns() - w->child_ns) / 1e9);
	set_phase(w, DRAINING);
}

static void take_signal(struct watch *w)
{
	struct signalfd_siginfo s;
	int status;

	while (read(w->signal_fd, &s, sizeof(s)) == sizeof(s)) {
		if (s.ssi_signo == SIGWINCH) {
			uw_report_resize(w->report);
		} else if (s.ssi_signo == SIGHUP) {
			uw_report_reopen(w->report);
		} else if (s.ssi_signo == SIGCHLD) {
			if (w->child > 0 && waitpid(w->child, &status, WNOHANG) == w->child)
				command_ended(w, status);
		} else if (w->phase == RUNNING) {
			set_phase(w, DRAINING);
		} else {
			set_phase(w, OVER);	/* asked twice */
		}
	}
}

static void next_phase(struct watch *w, unsigned open)
{
	const struct uw_watch_plan *p = w->plan;

	switch (w->phase) {
	case RUNNING:
		if ((w->o->duration_ns && w->now_ns - w->start_ns >= w->o->duration_ns) ||
		    (p->asks && !uw_probes_busy(w->probes)))
			set_phase(w, DRAINING);
		break;
	case DRAINING:
		if (open && w->now_ns - w->phase_ns < w->o->timeout_ns + TICK_NS)
			break;
		uw_collector_run(w->collector, w->now_ns, true);
		set_phase(w, uw_probes_busy(w->probes) ? PROBING : OVER);
		break;
	case PROBING:
		if (!uw_probes_busy(w->probes))
			set_phase(w, DRAINING);
		break;
	case OVER:
		break;
	}
}

static void wait_for_something(struct watch *w)
{
	struct pollfd fds[POLLFDS] = {
		{ .fd = w->signal_fd, .events = POLLIN },
		{ .fd = uw_collector_fd(w->collector), .events = POLLIN },
		{ .fd = w->scrape ? uw_scrape_fd(w->scrape) : -1, .events = POLLIN },
	};
	uint64_t until = w->now_ns + UW_TRAFFIC_READ_NS, now;
	unsigned n = 3 + uw_probes_pollfds(w->probes, fds + 3, POLLFDS - 3, &until);
	int64_t wait_ns;

	now = uw_now_ns();
	wait_ns = until > now ? (int64_t)(until - now) : 0;
	poll(fds, n, (int)((wait_ns + 999999) / 1000000));
	w->now_ns = uw_now_ns();
	if (fds[2].revents)
		answer_scrape(w);
}

/* A run that ends by itself is diagnosed at its end, with all there is to know. */
static bool may_diagnose(const struct watch *w)
{
	return w->phase == RUNNING && !w->o->run && !w->o->duration_ns && !uw_probes_busy(w->probes) &&
	       w->now_ns - w->diagnose_ns >= DIAGNOSE_NS;
}

static void on_flow_seen(void *arg, const struct uw_flow_key *key, const struct uw_flow_value *value)
{
	uw_report_fold(arg, key, value);
}

/* Loss windows: good queries cost no wake-up, so they are looked for. */
static void follow_windows(struct watch *w)
{
	uint64_t known = w->o->timeout_ns + LATENESS_NS;

	if (w->now_ns - w->carried_ns >= UW_TRAFFIC_READ_NS) {
		uw_carried_read(w->carried, w->traffic);
		w->carried_ns = w->now_ns;
	}
	if (w->now_ns - w->flows_ns < FLOWS_NS)
		return;
	w->flows_ns = w->now_ns;
	uw_collector_flows(w->collector, on_flow_seen, w->report);
	if (w->now_ns > known)
		uw_report_settle(w->report, w->now_ns - known);
}

/* Who waits for something to happen is told when it will; one who runs a command waits for that. */
static void tell_rhythms(struct watch *w)
{
	if (w->o->run || w->phase != RUNNING || w->now_ns - w->rhythm_ns < RHYTHM_NS)
		return;
	w->rhythm_ns = w->now_ns;
	uw_report_rhythms(w->report, w->now_ns);
}

static void loop(struct watch *w)
{
	while (w->phase != OVER) {
		unsigned open;

		wait_for_something(w);
		take_signal(w);
		uw_clock_read(&w->clock);
		if (w->phase != DRAINING)
			uw_probes_run(w->probes, w->collector, w->now_ns);
		open = uw_collector_run(w->collector, w->now_ns, false);
		next_phase(w, open);
		if (uw_report_unsettled(w->report) && may_diagnose(w))
			diagnose(w, false);
		/* What probe asks is told in one at its end. */
		else if (w->bad_ns && !w->plan->asks && (w->now_ns - w->bad_ns >= IDLE_NS || w->now_ns - w->burst_ns >= BURST_NS)) {
			uw_report_idle(w->report);
			w->bad_ns = w->burst_ns = 0;
		}
		follow_windows(w);
		tell_rhythms(w);
		if (w->now_ns - w->status_ns >= (w->o->interval_ns ? w->o->interval_ns : STATUS_NS))
			tell_status(w);
		show_in_flight(w);
		uw_service_alive(w->service, w->now_ns);
		if (output_fails(w, uw_report_flush(w->report)))
			return;
	}
}

static void tell_start(struct watch *w)
{
	const struct uw_filters *f = &w->o->filters;
	struct uw_run run = {
		.version = UW_VERSION, .command = uw_command_name(w->o->command), .host = w->hostname,
		.kernel = w->kernel.release, .askers = w->askers,
	};
	unsigned i;

	gethostname(w->hostname, sizeof(w->hostname) - 1);
	uname(&w->kernel);
	run.run = w->run;
	run.started_ns = w->start_ns;
	run.timeout_ns = w->o->timeout_ns;
	run.port_count = f->port_count;
	memcpy(run.ports, f->ports, sizeof(run.ports));
	run.scope_count = f->scope.count;
	for (i = 0; i < f->scope.count; i++)
		run.scope[i] = f->scope.item[i].text;
	run.hook_count = uw_live_hooks(w->live, run.hooks, sizeof(run.hooks) / sizeof(*run.hooks));
	run.gaps = uw_live_run_gaps(w->live);
	if (!w->plan->silent)
		run.asker_count = uw_collector_askers(w->collector, w->askers, ASKERS);
	uw_report_start(w->report, &run);
}

static int take_signals(struct watch *w)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGWINCH);
	/* Without a log of its own, a terminal that goes takes us with it, as is the custom. */
	if (w->o->interval_ns)
		sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	w->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return w->signal_fd < 0 ? -errno : 0;
}

static int check_request(const struct uw_options *o)
{
	int err = o->run ? uw_child_find(o->run[0]) : 0;

	if (err) {
		fprintf(stderr, "udpwhy: %.200s: %s; check the name, or give the command's full path\n", o->run[0],
			err == -ENOENT ? "command not found" : strerror(-err));
		return 1;
	}
	if (!uw_privilege_enough())
		return say("must be run as root (CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN); try: sudo udpwhy ...");
	return 0;
}

/* Whoever asks about one program wants to know what it was refused; for all, that costs all too much. */
static bool is_about_one(const struct uw_options *o)
{
	return o->command == UW_CMD_TRACE && (o->run || o->filters.process_pid || o->filters.process[0]);
}

static int open_all(struct watch *w)
{
	struct uw_collector_options c = { .filters = &w->o->filters, .timeout_ns = w->o->timeout_ns };
	char error[UW_ERROR_MAX];
	unsigned i;

	uw_clock_read(&w->clock);
	/* In probe our own queries are what it is about. */
	w->own_pid = w->plan->asks ? 0 : (uint32_t)getpid();
	if (getrandom(&w->run, sizeof(w->run), 0) != sizeof(w->run))
		w->run = w->own_pid;
	c.run = w->run;
	w->probes = uw_probes_new(w->o->count ? w->o->count : UW_PROBE_COUNT,
				  w->plan->asks ? w->o->timeout_ns : PROBE_TIMEOUT_NS);
	if (!w->probes)
		return say("out of memory");
	if (uw_report_new(w->o, &w->clock, w->plan->silent,
			  w->o->interval_ns ? UW_WRITER_PERSIST : UW_WRITER_LEAVE_OUT, &w->report, error))
		return say(error);
	if (take_signals(w))
		return say("cannot watch signals");
	w->live_options = (struct uw_live_options){
		.timeout_ns = w->o->timeout_ns, .all = w->o->all, .evidence = w->o->evidence,
		.nft_trace = w->o->nft_trace, .refusals = is_about_one(w->o),
	};
	if (uw_live_open(&w->o->filters, &w->live_options, &w->live, error))
		return say(error);
	if (w->o->evidence &&
	    uw_evidence_open(w->o->evidence, uw_live_fds(w->live).evidence, &w->clock, &w->evidence, error))
		return say(error);
	if (w->o->nft_trace && uw_nft_trace_open(w->live, &w->o->filters, &w->nft_trace, error))
		return say(error);
	c.nft_trace = w->nft_trace;
	if (uw_collector_new(w->live, &c, on_query, w, &w->collector))
		return say("out of memory");
	if (w->o->metrics.ss_family &&
	    uw_scrape_open((const struct sockaddr *)&w->o->metrics, &w->scrape, error))
		return say(error);
	w->carried = uw_carried_new(w->live);
	w->traffic = uw_traffic_new();
	if (!w->carried || !w->traffic)
		return say("out of memory");
	uw_report_traffic(w->report, w->traffic);
	for (i = 0; i < w->plan->asks; i++)
		uw_probes_want(w->probes, &w->plan->ask[i]);
	return 0;
}

static int start_command(struct watch *w)
{
	if (!w->o->run)
		return 0;
	w->child_ns = uw_now_ns();
	w->child = uw_child_start(w->o->run, w->o->output == UW_OUTPUT_JSON);
	if (w->child < 0) {
		fprintf(stderr, "udpwhy: cannot run %.200s: %s\n", w->o->run[0], strerror(-(int)w->child));
		return 1;
	}
	return 0;
}

static void finish(struct watch *w)
{
	struct uw_totals t;

	diagnose(w, true);
	take_totals(w, &t);
	uw_report_end(w->report, &t);
	if (w->plan->finished)
		w->plan->finished(w->plan->arg, w->probes, w->report);
	if (!w->status)
		w->status = uw_report_exit_status(w->report, &t);
	if (!output_fails(w, uw_report_drain(w->report)) && uw_report_is_failing(w->report))
		w->status = 1;
}

/* All day long, with no more than that takes. Commands and probes of trace want what the user had. */
static void settle_in(struct watch *w)
{
	int err = 0;

	if (w->o->interval_ns)
		err = uw_privilege_reduce(uw_live_fds(w->live).flows[UW_QUOTA_CLIENT],
					  w->o->output_file || w->o->metrics_file || w->o->evidence);
	if (err)
		fprintf(stderr, "udpwhy: going on with all capabilities: %s\n",
			err == -ENOENT ? "there is no libcap-ng here" : strerror(-err));
	w->service = uw_service_open();
	uw_service_ready(w->service);
}

static void close_all(struct watch *w)
{
	uw_service_close(w->service);
	uw_scrape_close(w->scrape);
	uw_report_free(w->report);
	uw_collector_free(w->collector);
	uw_evidence_close(w->evidence);
	uw_nft_trace_close(w->nft_trace);
	uw_carried_free(w->carried);
	uw_traffic_free(w->traffic);
	uw_live_close(w->live);
	uw_probes_free(w->probes);
	if (w->signal_fd >= 0)
		close(w->signal_fd);
}

int uw_watch(const struct uw_watch_plan *plan)
{
	struct watch *w = calloc(1, sizeof(*w));
	int status;

	if (!w)
		return say("out of memory");
	w->plan = plan;
	w->o = plan->options;
	w->signal_fd = -1;
	status = check_request(w->o);
	if (!status)
		status = open_all(w);
	if (!status) {
		w->start_ns = w->status_ns = w->now_ns = uw_now_ns();
		status = start_metrics(w);
	}
	if (!status) {
		tell_start(w);
		settle_in(w);
		if (!output_fails(w, uw_report_drain(w->report)))
			status = start_command(w);
		if (!status) {
			loop(w);
			if (!w->status)
				finish(w);
			status = w->status;
		}
	}
	close_all(w);
	free(w);
	return status;
}
