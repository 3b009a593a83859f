// SPDX-License-Identifier: GPL-2.0-only
/*
 * udpwhy probe: ask servers through two doors, a fixed and an ephemeral port, and say why an answer
 * did not come. Its packets are traced like anybody's. Exit status by the Monitoring Plugins
 * guidelines: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/in.h>

#include "cmd.h"
#include "core/address.h"
#include "core/text_safe.h"
#include "live/netns.h"
#include "watch.h"

enum plugin {
	PLUGIN_OK,
	PLUGIN_WARNING,
	PLUGIN_CRITICAL,
	PLUGIN_UNKNOWN,
};

struct report {
	const struct uw_options *o;
	enum plugin state;
	bool told;
};

static const char *const plugin_name[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

/* Queries of one door, over all servers. */
struct door {
	uint64_t asked, answered, here, median_us;
};

static void add_flow(struct door *d, const struct uw_flow *f)
{
	uint64_t median = uw_flow_quantile_us(f, 0.5);

	d->asked += uw_flow_asked(f);
	/* Refused is answered: the way there and back is open. */
	d->answered += uw_flow_answered(f) + f->count[UW_REFUSED];
	d->here += f->count[UW_REQUEST_DROPPED] + f->count[UW_REPLY_DROPPED] + f->count[UW_SEND_FAILED] +
		   f->count[UW_REQUEST_HELD] + f->count[UW_REPLY_HELD];
	if (median > d->median_us)
		d->median_us = median;
}

static enum plugin judge_doors(const struct door *fixed, const struct door *ephemeral)
{
	uint64_t asked = fixed->asked + ephemeral->asked, answered = fixed->answered + ephemeral->answered;

	if (!asked)
		return PLUGIN_UNKNOWN;
	if (!answered)
		return PLUGIN_CRITICAL;
	return answered == asked ? PLUGIN_OK : PLUGIN_WARNING;
}

static const char *why(const struct door *fixed, const struct door *ephemeral)
{
	uint64_t lost = fixed->asked + ephemeral->asked - fixed->answered - ephemeral->answered;
	uint64_t here = fixed->here + ephemeral->here;

	if (!fixed->asked && !ephemeral->asked)
		return ", nothing could be asked";
	if (!lost)
		return "";
	if (here == lost)
		return ", lost on this host";
	if (here)
		return ", lost on this host and beyond";
	if (fixed->answered && !ephemeral->answered && ephemeral->asked)
		return ", replies to ephemeral ports do not come back";
	return ", not lost on this host";
}

static void print_line(const struct report *r, const struct door *fixed, const struct door *ephemeral)
{
	printf("UDP %s %s - fixed port %llu/%llu, ephemeral port %llu/%llu answered%s | "
	       "fixed_lost=%llu;;;0;%llu ephemeral_lost=%llu;;;0;%llu fixed_rtt=%lluus ephemeral_rtt=%lluus\n",
	       r->o->ask == UW_PROTO_NTP ? "NTP" : "DNS", plugin_name[r->state],
	       (unsigned long long)fixed->answered, (unsigned long long)fixed->asked,
	       (unsigned long long)ephemeral->answered, (unsigned long long)ephemeral->asked,
	       why(fixed, ephemeral), (unsigned long long)(fixed->asked - fixed->answered),
	       (unsigned long long)fixed->asked, (unsigned long long)(ephemeral->asked - ephemeral->answered),
	       (unsigned long long)ephemeral->asked, (unsigned long long)fixed->median_us,
	       (unsigned long long)ephemeral->median_us);
}

static void finished(void *arg, const struct uw_flow *const *flows, unsigned count)
{
	struct door fixed = { 0 }, ephemeral = { 0 };
	struct report *r = arg;
	unsigned i;

	for (i = 0; i < count; i++)
		add_flow(flows[i]->id.fixed ? &fixed : &ephemeral, flows[i]);
	r->state = judge_doors(&fixed, &ephemeral);
	r->told = true;
	if (r->o->output == UW_OUTPUT_TEXT)
		print_line(r, &fixed, &ephemeral);
}

static void fill_target(const struct uw_options *o, const struct addrinfo *a, uint32_t netns,
			struct uw_watch_target *t)
{
	memset(t, 0, sizeof(*t));
	t->netns = netns;
	t->target.protocol = (uint8_t)o->ask;
	t->target.port = o->ask_port;
	if (a->ai_family == AF_INET) {
		t->target.family = 4;
		memcpy(&t->target.server, &((struct sockaddr_in *)a->ai_addr)->sin_addr, 4);
	} else {
		t->target.family = 6;
		memcpy(&t->target.server, &((struct sockaddr_in6 *)a->ai_addr)->sin6_addr, 16);
		t->target.scope_id = ((struct sockaddr_in6 *)a->ai_addr)->sin6_scope_id;
	}
}

/* Every address of a name that fits. Returns how many were added, or -1 with the error told. */
static int resolve(const struct uw_options *o, const char *name, uint32_t netns, struct uw_watch_target *t,
		   unsigned room)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *list, *a;
	int err = getaddrinfo(name, NULL, &hints, &list), n = 0;
	char safe[512];

	if (err) {
		uw_safe_text(name, strnlen(name, 100), safe, sizeof(safe));
		printf("UDP %s UNKNOWN - cannot resolve '%s': %s; give an address\n",
		       o->ask == UW_PROTO_NTP ? "NTP" : "DNS", safe, gai_strerror(err));
		return -1;
	}
	for (a = list; a && (unsigned)n < room; a = a->ai_next) {
		if (a->ai_family == AF_INET || a->ai_family == AF_INET6)
			fill_target(o, a, netns, &t[n++]);
	}
	freeaddrinfo(list);
	return n;
}

int uw_cmd_probe(const struct uw_options *o)
{
	struct uw_ns_ref here = { .kind = UW_NS_PATH, .text = "/proc/self/ns/net" };
	struct uw_watch_target target[UW_WATCH_TARGETS];
	struct uw_options own = *o;
	struct report r = { .o = o, .state = PLUGIN_UNKNOWN };
	struct uw_watch_plan plan = { .options = &own, .ask = target, .finished = finished, .arg = &r };
	struct uw_netns ns;
	unsigned i;

	if (uw_netns_find(o->ask_from.text[0] ? &o->ask_from : &here, &ns)) {
		fprintf(stderr, "udpwhy: --netns %.200s: no such network namespace; 'ip netns' lists names\n",
			o->ask_from.text);
		return PLUGIN_UNKNOWN;
	}
	for (i = 0; i < o->targets; i++) {
		int n = resolve(o, o->target[i], ns.inum, target + plan.asks, UW_WATCH_TARGETS - plan.asks);

		if (n < 0)
			return PLUGIN_UNKNOWN;
		plan.asks += (unsigned)n;
	}
	own.filters.process_pid = (uint32_t)getpid();
	own.filters.port_count = 1;
	own.filters.ports[0] = (struct uw_port){ .port = o->ask_port, .protocol = (uint8_t)o->ask };
	plan.silent = o->output == UW_OUTPUT_TEXT && !o->verbose;
	if (uw_watch(&plan) || !r.told)
		return PLUGIN_UNKNOWN;
	return (int)r.state;
}
