// SPDX-License-Identifier: GPL-2.0-only
/*
 * udpwhy probe: ask servers through several doors, and say in one line why an answer did not come. As
 * root its packets are traced like anybody's; else it asks all the same and says what it cannot tell.
 * Exit status by the Monitoring Plugins guidelines: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "ask/plugin.h"
#include "ask/question.h"
#include "ask/resolve.h"
#include "cmd.h"
#include "live/netns.h"
#include "probes.h"
#include "report.h"
#include "sink/sink.h"
#include "watch.h"

#define NS_PER_S 1000000000ull
#define DNS_INTERVAL_NS (NS_PER_S / 5)	/* a resolver is asked hundreds of things a second */
#define SPARE_NS NS_PER_S		/* of the time limit, or a fifth of it: for the tracer's last look */

struct probe {
	const struct uw_options *o;
	struct uw_clock clock;
	uint64_t until_ns;	/* no packet leaves later */
	struct uw_watch_target target[UW_WATCH_TARGETS];
	const char *name[UW_WATCH_TARGETS];
	unsigned targets;
	uint32_t netns;
	char *text;		/* the line and what stands below it */
	size_t text_size;
	enum uw_plugin_state state;
	bool told;
};

/* What a monitoring system gets when the time is over, whatever hangs; the line itself once it is known. */
static struct {
	int fd;			/* stdout, wherever it is put */
	const char *text;
	size_t size;
	volatile sig_atomic_t status;
} last_word;

/* All of these are async-signal-safe. */
static void time_is_over(int signal)
{
	static const char lost[] = "udpwhy: cannot write the probe's line; free space or choose another place\n";

	(void)signal;
	if (write(last_word.fd, last_word.text, last_word.size) >= 0)
		_exit(last_word.status);
	if (write(STDERR_FILENO, lost, sizeof(lost) - 1) < 0)
		_exit(UW_PLUGIN_UNKNOWN);
	_exit(UW_PLUGIN_UNKNOWN);
}

static void limit_time(uint64_t ns, bool json)
{
	static const char line[] = "UDP UNKNOWN - the time limit was over: names may not resolve, or this machine is busy;"
				   " -t gives more\n";
	const struct itimerval once = {
		.it_value = { .tv_sec = (time_t)(ns / NS_PER_S), .tv_usec = (suseconds_t)(ns % NS_PER_S / 1000) },
	};

	last_word.fd = json ? STDERR_FILENO : STDOUT_FILENO;
	last_word.text = line;
	last_word.size = sizeof(line) - 1;
	last_word.status = UW_PLUGIN_UNKNOWN;
	signal(SIGALRM, time_is_over);
	setitimer(ITIMER_REAL, &once, NULL);
}

/* The line is known: it is what is said if the rest takes too long. JSON lines are out by then, or not at all. */
static void set_last_word(const struct probe *p)
{
	sigset_t alarm, before;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarm, &before);
	last_word.text = p->text;
	last_word.size = p->o->output == UW_OUTPUT_TEXT ? p->text_size : 0;
	last_word.status = (int)p->state;
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void print_line(const struct probe *p)
{
	signal(SIGALRM, SIG_IGN);	/* there must be one line */
	if (p->told && p->text)
		fputs(p->text, stdout);
}

/* --- whom and what to ask --- */

static void set_question(const struct uw_options *o, struct uw_probe_target *t)
{
	static const uint16_t sizes[UW_PROBE_EDNS] = {512, 1232, 4096};

	memcpy(t->edns, sizes, sizeof(sizes));
	t->edns_count = UW_PROBE_EDNS;
	t->interval_ns = DNS_INTERVAL_NS;
	if (o->ask_name)
		t->question_len = uw_question(o->ask_name, o->ask_type, t->question);
	else if (o->ask_type)
		t->question_len = uw_question(".", o->ask_type, t->question);
}

static void add_target(struct probe *p, const struct uw_server *s)
{
	struct uw_watch_target *t = &p->target[p->targets];

	p->name[p->targets++] = s->name;
	memset(t, 0, sizeof(*t));
	t->netns = p->netns;
	t->target.server = s->addr;
	t->target.family = s->family;
	t->target.scope_id = s->scope_id;
	t->target.protocol = (uint8_t)p->o->ask;
	t->target.port = p->o->ask_port;
	t->target.until_ns = p->until_ns;
	if (p->o->ask == UW_PROTO_DNS)
		set_question(p->o, &t->target);
}

static int find_servers(struct probe *p, char error[UW_RESOLVE_ERROR])
{
	struct uw_server s[UW_WATCH_TARGETS];
	unsigned i, k, words = p->o->targets ? p->o->targets : 1;

	for (i = 0; i < words; i++) {
		unsigned room = UW_WATCH_TARGETS - p->targets;
		int n = p->o->targets ? uw_resolve(p->o->target[i], p->o->ask_family, s, room, error) :
					uw_resolv_conf(p->o->ask_family, s, room, error);

		if (n < 0)
			return -1;
		for (k = 0; k < (unsigned)n; k++)
			add_target(p, &s[k]);
	}
	return 0;
}

static int find_netns(struct probe *p, char error[UW_RESOLVE_ERROR])
{
	struct uw_ns_ref here = {.kind = UW_NS_PATH, .text = "/proc/self/ns/net"};
	struct uw_netns ns;

	if (uw_netns_find(p->o->ask_from.text[0] ? &p->o->ask_from : &here, &ns)) {
		snprintf(error, UW_RESOLVE_ERROR, "--netns %.80s: no such network namespace; 'ip netns' lists names",
			 p->o->ask_from.text);
		return -1;
	}
	p->netns = ns.inum;
	return 0;
}

/* A scope that is none must not end in an answer about the server. */
static int check_scope(const struct uw_ns_list *scope, char error[UW_RESOLVE_ERROR])
{
	struct uw_netns ns;
	unsigned i;

	for (i = 0; i < scope->count; i++) {
		if (!uw_netns_find(&scope->item[i], &ns))
			continue;
		snprintf(error, UW_RESOLVE_ERROR, "--scope %.80s: no such network namespace; 'ip netns' lists names",
			 scope->item[i].text);
		return -1;
	}
	return 0;
}

static int prepare(struct probe *p, char error[UW_RESOLVE_ERROR])
{
	struct uw_probe_target t = {0};

	if (check_scope(&p->o->filters.scope, error))
		return -1;
	if (p->o->ask_name && !uw_question(p->o->ask_name, p->o->ask_type, t.question)) {
		snprintf(error, UW_RESOLVE_ERROR, "-H: not a domain name: labels have 1 to 63 bytes, a name 255");
		return -1;
	}
	return find_netns(p, error) || find_servers(p, error) ? -1 : 0;
}

/* --- telling --- */

static unsigned gather(const struct probe *p, const struct uw_probes *probes,
		       struct uw_plugin_server server[UW_WATCH_TARGETS])
{
	const struct uw_watch_target *t;
	const struct uw_prober *prober;
	unsigned i, k, n = 0;

	for (i = 0; uw_probes_item(probes, i, &t, &prober); i++) {
		struct uw_plugin_server *s = &server[n++];

		memset(s, 0, sizeof(*s));
		s->target = &t->target;
		for (k = 0; k < p->targets; k++) {
			if (!memcmp(&p->target[k].target.server, &t->target.server, sizeof(t->target.server)))
				s->name = s->name ? s->name : p->name[k];
		}
		s->result = prober ? uw_prober_results(prober) : NULL;
		s->doors = prober ? uw_prober_doors(prober) : 0;
	}
	return n;
}

static void tell(struct probe *p, const struct uw_probes *probes, struct uw_report *report)
{
	struct uw_plugin_server server[UW_WATCH_TARGETS];
	struct uw_plugin out = {
		.server = server, .servers = gather(p, probes, server), .protocol = (uint8_t)p->o->ask,
		.warning = p->o->warning, .critical = p->o->critical, .traced = report,
		.time_offset = (double)p->o->time_offset, .quiet = p->o->quiet,
		.expect = uw_expect_any(&p->o->expect) ? &p->o->expect : NULL,
	};
	FILE *text;

	uw_clock_read(&p->clock);
	out.wall_minus_boot_ns = uw_clock_wall(&p->clock, 0);
	if (report) {
		out.flow = uw_report_flows(report, &out.flows);
		out.diagnosis = uw_report_surest(report, &out.confidence);
	}
	uw_plugin_judge(&out);
	p->state = out.state;
	p->told = true;
	text = open_memstream(&p->text, &p->text_size);
	if (!text)
		return;
	uw_plugin_line(&out, text);
	if (p->o->verbose)
		uw_plugin_explain(&out, text);
	if (!fclose(text))
		set_last_word(p);
}

static void finished(void *arg, const struct uw_probes *probes, struct uw_report *report)
{
	tell(arg, probes, report);
}

/* --- traced --- */

/* Return: the real stdout, or -1 with nothing done. */
static int put_stdout_aside(void)
{
	int file = memfd_create("udpwhy-probe", MFD_CLOEXEC), aside = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	fflush(stdout);
	if (file < 0 || aside < 0 || dup2(file, STDOUT_FILENO) < 0) {
		if (aside >= 0)
			close(aside);
		aside = -1;
	}
	if (file >= 0)
		close(file);
	if (aside >= 0)
		last_word.fd = aside;
	return aside;
}

static void copy_back(const struct probe *p, int aside)
{
	int file = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	char part[4096];
	off_t at = 0;
	ssize_t n;

	fflush(stdout);
	dup2(aside, STDOUT_FILENO);
	last_word.fd = STDOUT_FILENO;
	close(aside);
	print_line(p);
	for (; (n = pread(file, part, sizeof(part), at)) > 0; at += n)
		fwrite(part, 1, (size_t)n, stdout);
	close(file);
}

static void trace(struct probe *p)
{
	struct uw_options own = *p->o;
	struct uw_watch_plan plan = {
		.options = &own, .ask = p->target, .asks = p->targets, .finished = finished, .arg = p,
	};
	int aside = -1;

	own.filters.process_pid = (uint32_t)getpid();
	own.filters.port_count = 1;
	own.filters.ports[0] = (struct uw_port){.port = p->o->ask_port, .protocol = (uint8_t)p->o->ask};
	plan.silent = p->o->output == UW_OUTPUT_TEXT && !p->o->verbose;
	/* The plugin's line comes first, and is known last: what the tracer prints waits in a file. */
	if (p->o->output == UW_OUTPUT_TEXT && p->o->verbose)
		aside = put_stdout_aside();
	if (uw_watch(&plan))
		p->told = false;
	if (aside >= 0)
		copy_back(p, aside);
	else if (p->o->output == UW_OUTPUT_TEXT)
		print_line(p);
}

/* --- without the tracer --- */

static struct uw_flow flow_of(const struct uw_watch_target *t, const struct uw_probe_result *r)
{
	struct uw_flow f = {
		.id = {
			.client = r->client, .server = t->target.server, .netns = t->netns,
			.server_port = t->target.port, .family = t->target.family,
			.protocol = t->target.protocol, .role = UW_ROLE_CLIENT, .fixed = r->fixed, .probe = 1,
		},
		.attempts = r->sent, .client_port = r->port,
	};
	unsigned i;

	f.count[UW_ANSWERED] = r->answered - r->refused;
	f.count[UW_REFUSED] = r->refused;
	f.count[UW_ANSWERED_LATE] = r->late;
	f.count[UW_UNKNOWN] = r->sent - r->answered - r->late;
	f.count[UW_SEND_FAILED] = r->failed;
	for (i = 0; i < r->answered; i++)
		f.rtt[r->rtt_us[i] ? 63 - __builtin_clzll(r->rtt_us[i]) : 0]++;
	f.rtt_max_us = r->answered ? r->rtt_us[r->answered - 1] : 0;
	return f;
}

static void add_totals(struct uw_totals *t, const struct uw_flow *f)
{
	unsigned v;

	for (v = 0; v < UW_VERDICTS; v++)
		t->verdict[v] += f->count[v];
	t->fault[UW_FAULT_NONE] += f->count[UW_ANSWERED];
	t->fault[UW_FAULT_LOCAL] += f->count[UW_SEND_FAILED];
	t->fault[UW_FAULT_UNKNOWN] += uw_flow_asked(f) - f->count[UW_ANSWERED] - f->count[UW_SEND_FAILED];
}

/* Flows only: a query record would need facts that nobody saw. */
static void tell_json(struct probe *p, const struct uw_probes *probes)
{
	struct uw_flow flow[UW_WATCH_TARGETS * UW_PROBE_DOORS];
	const struct uw_flow *list[UW_WATCH_TARGETS * UW_PROBE_DOORS];
	struct uw_sink *sink = uw_sink_json(stdout, &p->clock);
	struct uw_run run = {
		.version = UW_VERSION, .command = "probe", .host = "", .kernel = "", .filters = "",
		.timeout_ns = p->o->timeout_ns, .gaps = UW_GAP_BIT(UW_GAP_NAMESPACE_NOT_TRACED),
	};
	const struct uw_watch_target *t;
	const struct uw_prober *prober;
	struct uw_totals totals = {0};
	unsigned i, k, n = 0;

	for (i = 0; uw_probes_item(probes, i, &t, &prober); i++) {
		for (k = 0; prober && k < uw_prober_doors(prober); k++, n++) {
			flow[n] = flow_of(t, &uw_prober_results(prober)[k]);
			list[n] = &flow[n];
			add_totals(&totals, &flow[n]);
		}
	}
	if (!sink)
		return;
	sink->start(sink, &run);
	sink->end(sink, &totals, list, n);
	sink->close(sink);
}

static void wait_for(struct uw_probes *probes)
{
	struct pollfd fds[UW_WATCH_TARGETS * UW_PROBE_DOORS];
	uint64_t now = uw_now_ns(), until = now + NS_PER_S;
	unsigned n = uw_probes_pollfds(probes, fds, sizeof(fds) / sizeof(*fds), &until);

	poll(fds, n, until > now ? (int)((until - now + 999999) / 1000000) : 0);
}

static void ask_only(struct probe *p)
{
	struct uw_probes *probes = uw_probes_new(p->o->count, p->o->timeout_ns);
	unsigned i;

	for (i = 0; probes && i < p->targets; i++)
		uw_probes_want(probes, &p->target[i]);
	while (probes && uw_probes_busy(probes)) {
		uw_probes_run(probes, NULL, uw_now_ns());
		if (uw_probes_busy(probes))
			wait_for(probes);
	}
	if (!probes)
		return;
	tell(p, probes, NULL);
	if (p->o->output == UW_OUTPUT_JSON)
		tell_json(p, probes);
	else
		print_line(p);
	uw_probes_free(probes);
}

int uw_cmd_probe(const struct uw_options *o)
{
	struct probe p = {.o = o, .state = UW_PLUGIN_UNKNOWN};
	char error[UW_RESOLVE_ERROR];

	limit_time(o->limit_ns, o->output == UW_OUTPUT_JSON);
	p.until_ns = uw_now_ns() + o->limit_ns - o->timeout_ns -
		     (o->limit_ns / 5 < SPARE_NS ? o->limit_ns / 5 : SPARE_NS);
	uw_clock_read(&p.clock);
	if (prepare(&p, error))
		return uw_plugin_fail(o->ask, error, stdout);
	if (geteuid() == 0)
		trace(&p);
	/* Not root, or a kernel that lets nobody trace; the namespace of another is entered by the tracer only. */
	if (!p.told && !o->ask_from.text[0])
		ask_only(&p);
	if (!p.told)
		return uw_plugin_fail(o->ask, "--netns needs root and BPF", stdout);
	signal(SIGALRM, SIG_IGN);
	free(p.text);
	if (fflush(stdout))
		return UW_PLUGIN_UNKNOWN;
	return (int)p.state;
}
