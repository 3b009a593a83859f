// SPDX-License-Identifier: GPL-2.0-only
#include "ask/plugin.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "ask/plugin_why.h"
#include "core/address.h"
#include "core/text_safe.h"

#define NS_PER_S 1e9

static const char *const state_name[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

static const char *protocol_name(unsigned protocol)
{
	return protocol == UW_PROTO_NTP ? "NTP" : "DNS";
}

/* --- numbers --- */

/* Seconds by which the server's clock is ahead of ours. Return: whether any answer told it. */
static bool offset_of(const struct uw_plugin *p, const struct uw_plugin_server *s, double *out)
{
	const struct uw_probe_result *best = NULL;
	unsigned i;

	for (i = 0; s->result && i < s->doors; i++) {
		const struct uw_probe_result *r = &s->result[i];

		if (r->has_offset && (!best || r->offset_delay_ns < best->offset_delay_ns))
			best = r;
	}
	if (best)
		*out = (double)(best->offset_ns - p->wall_minus_boot_ns) / NS_PER_S + p->time_offset;
	return best;
}

/* The slower door's median, seconds. */
static bool time_of(const struct uw_plugin_server *s, double *out)
{
	uint64_t us = 0;
	unsigned i;

	for (i = 0; s->result && i < s->doors && i < 2; i++) {
		if (s->result[i].median_us > us)
			us = s->result[i].median_us;
	}
	*out = (double)us / 1e6;
	return us;
}

static bool measure_of(const struct uw_plugin *p, const struct uw_plugin_server *s, double *out)
{
	return p->protocol == UW_PROTO_NTP ? offset_of(p, s, out) : time_of(s, out);
}

/* --- states --- */

/* No door opened: a fault of the network is one to report, a lack of resources here is none of it. */
static enum uw_plugin_state judge_unasked(const struct uw_plugin_server *s)
{
	switch (s->result ? s->result[0].last_errno : ENOMEM) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EADDRNOTAVAIL:
	case EACCES:
	case EPERM:
	case EINVAL:
		return UW_PLUGIN_CRITICAL;
	default:
		return UW_PLUGIN_UNKNOWN;
	}
}

static enum uw_plugin_state judge_measure(const struct uw_plugin *p, const struct uw_plugin_server *s)
{
	double value;

	if (!measure_of(p, s, &value))
		return UW_PLUGIN_OK;
	value = fabs(value);
	if (uw_range_alerts(&p->critical, value))
		return UW_PLUGIN_CRITICAL;
	return uw_range_alerts(&p->warning, value) ? UW_PLUGIN_WARNING : UW_PLUGIN_OK;
}

/* An answer that is not the one expected; @why: what it is. */
static bool unmet(const struct uw_plugin *p, const struct uw_plugin_server *s, char why[UW_PLUGIN_WHY])
{
	unsigned i;

	for (i = 0; p->expect && i < s->doors && i < 2; i++) {
		if (s->result[i].answered && !uw_expect_met(p->expect, &s->result[i].reply, why, UW_PLUGIN_WHY))
			return true;
	}
	return false;
}

static enum uw_plugin_state judge_server(const struct uw_plugin *p, const struct uw_plugin_server *s)
{
	struct uw_plugin_sum sum = uw_plugin_sum(s);
	enum uw_plugin_state measured = judge_measure(p, s);
	char why[UW_PLUGIN_WHY];
	double value;

	if (!sum.tried)
		return judge_unasked(s);
	if (p->quiet && sum.answered && !measure_of(p, s, &value))
		return UW_PLUGIN_UNKNOWN;
	if (unmet(p, s, why))
		return UW_PLUGIN_CRITICAL;
	if (p->expect && p->expect->nxdomain)
		sum.good = sum.answered;
	if (!sum.good)
		return UW_PLUGIN_CRITICAL;
	if (measured == UW_PLUGIN_CRITICAL)
		return measured;
	return sum.good < sum.tried || uw_plugin_edns_lost(s) ? UW_PLUGIN_WARNING : measured;
}

static enum uw_plugin_state worse(enum uw_plugin_state a, enum uw_plugin_state b)
{
	static const unsigned rank[] = {0, 1, 3, 2}; /* the guidelines: UNKNOWN before CRITICAL */

	return rank[a] > rank[b] ? a : b;
}

void uw_plugin_judge(struct uw_plugin *p)
{
	bool any_well = false;
	unsigned i;

	p->state = p->servers ? UW_PLUGIN_OK : UW_PLUGIN_UNKNOWN;
	for (i = 0; i < p->servers; i++) {
		struct uw_plugin_server *s = &p->server[i];

		s->why[0] = '\0';
		s->state = judge_server(p, s);
		if (s->state != UW_PLUGIN_OK && !unmet(p, s, s->why))
			uw_plugin_why(p, s);
		any_well |= s->state < UW_PLUGIN_CRITICAL;
		p->state = worse(p->state, s->state);
	}
	/* One of several servers is enough to get the time, or an address. */
	if (any_well && p->state > UW_PLUGIN_WARNING)
		p->state = UW_PLUGIN_WARNING;
}

/* --- the line --- */

static void put_server_name(const struct uw_plugin_server *s, FILE *out)
{
	char address[UW_ADDR_TEXT], safe[256];

	uw_addr_text(&s->target->server, s->target->family, address);
	uw_safe_text(s->name, strnlen(s->name, 60), safe, sizeof(safe));
	/* A vertical bar would begin the perfdata. */
	if (strcmp(safe, address) != 0 && !strchr(safe, '|'))
		fprintf(out, "%s (%s)", safe, address);
	else
		fputs(address, out);
}

static void put_door(const struct uw_probe_result *r, FILE *out)
{
	unsigned tried = r->sent + r->failed;

	if (r->edns)
		fprintf(out, ", EDNS %u %u/%u", r->edns, r->answered, tried);
	else if (tried)
		fprintf(out, "%s%s port %u/%u", r->fixed ? ", " : "", r->fixed ? "fixed" : "ephemeral", r->answered, tried);
	else
		fprintf(out, "%s%s port not asked (%s)", r->fixed ? ", " : "", r->fixed ? "fixed" : "ephemeral",
			r->last_errno ? strerror(r->last_errno) : "no time left");
}

static void put_server(const struct uw_plugin *p, const struct uw_plugin_server *s, FILE *out)
{
	double value;
	unsigned i;

	put_server_name(s, out);
	for (i = 0; s->result && i < s->doors; i++) {
		if (!i)
			fputs(": ", out);
		put_door(&s->result[i], out);
	}
	fputs(" answered", out);
	if (p->protocol == UW_PROTO_NTP && offset_of(p, s, &value))
		fprintf(out, ", offset %+.6f s", value);
	if (time_of(s, &value))
		fprintf(out, ", %.1f ms", value * 1e3);
	if (s->why[0])
		fprintf(out, ": %s", s->why);
}

/* The one that is told of where there are several. */
static const struct uw_plugin_server *worst_server(const struct uw_plugin *p)
{
	const struct uw_plugin_server *worst = p->server;
	unsigned i;

	for (i = 1; i < p->servers; i++) {
		if (worst->state != p->server[i].state && worse(worst->state, p->server[i].state) != worst->state)
			worst = &p->server[i];
	}
	return worst;
}

/* label=value[UOM];warn;crit;min;max */
static void put_measure(const struct uw_plugin *p, FILE *out)
{
	bool ntp = p->protocol == UW_PROTO_NTP, any = false;
	double worst = 0, value;
	unsigned i;

	for (i = 0; i < p->servers; i++) {
		if (!measure_of(p, &p->server[i], &value))
			continue;
		if (!any || fabs(value) > fabs(worst))
			worst = value;
		any = true;
	}
	if (any)
		fprintf(out, " %s=%.6fs;%s;%s;%s", ntp ? "offset" : "time", worst, p->warning.text,
			p->critical.text, ntp ? "" : "0");
}

static void put_door_perfdata(const struct uw_plugin *p, unsigned door, FILE *out)
{
	unsigned lost = 0, tried = 0, i, edns = 0;
	uint64_t rtt = 0;
	char name[24];

	for (i = 0; i < p->servers; i++) {
		const struct uw_probe_result *r = &p->server[i].result[door];

		if (!p->server[i].result || door >= p->server[i].doors)
			continue;
		edns = r->edns;
		tried += r->sent + r->failed;
		lost += r->sent + r->failed - r->answered;
		if (r->median_us > rtt)
			rtt = r->median_us;
	}
	if (!tried)
		return;
	snprintf(name, sizeof(name), edns ? "edns%u" : door ? "fixed" : "ephemeral", edns);
	fprintf(out, " %s_lost=%u;;;0;%u", name, lost, tried);
	if (rtt)
		fprintf(out, " %s_rtt=%lluus;;;0", name, (unsigned long long)rtt);
}

void uw_plugin_line(const struct uw_plugin *p, FILE *out)
{
	unsigned i, well = 0;

	for (i = 0; i < p->servers; i++)
		well += p->server[i].state == UW_PLUGIN_OK;
	fprintf(out, "UDP %s %s - ", protocol_name(p->protocol), state_name[p->state]);
	if (p->servers > 1)
		fprintf(out, "%u of %u servers well%s", well, p->servers, well == p->servers ? ", the first " : "; ");
	if (p->servers)
		put_server(p, worst_server(p), out);
	if (p->diagnosis && p->state != UW_PLUGIN_OK)
		fprintf(out, " [%s, %s]", p->diagnosis, uw_confidence_name(p->confidence));
	fputs(" |", out);
	put_measure(p, out);
	for (i = 0; i < UW_PROBE_DOORS; i++)
		put_door_perfdata(p, i, out);
	fprintf(out, " servers_well=%u;;;0;%u\n", well, p->servers);
}

/* --- what stands below --- */

static void explain_door(const struct uw_plugin_server *s, const struct uw_probe_result *r, FILE *out)
{
	char at[UW_ENDPOINT_TEXT], who[40];

	snprintf(who, sizeof(who), r->edns ? "EDNS buffer size %u" : r->fixed ? "fixed" : "ephemeral", r->edns);
	fprintf(out, "  %s from port %u (%s%s): %u sent, %u answered",
		uw_endpoint_text(&s->target->server, s->target->family, s->target->port, at), r->port, who,
		r->raw ? ", through a raw socket because the port is in use" : "", r->sent, r->answered);
	if (r->median_us)
		fprintf(out, ", median %.1f ms", (double)r->median_us / 1e3);
	if (r->late)
		fprintf(out, ", %u late", r->late);
	if (r->refused)
		fprintf(out, ", %u refused", r->refused);
	if (r->truncated)
		fprintf(out, ", %u truncated", r->truncated);
	if (s->target->protocol == UW_PROTO_DNS && r->largest)
		fprintf(out, ", up to %u bytes", r->largest);
	if (r->failed)
		fprintf(out, ", %u not sent", r->failed);
	if (r->last_errno)
		fprintf(out, " (%s)", strerror(r->last_errno));
	fputc('\n', out);
}

void uw_plugin_explain(const struct uw_plugin *p, FILE *out)
{
	unsigned i, k;

	for (i = 0; i < p->servers; i++) {
		const struct uw_plugin_server *s = &p->server[i];

		for (k = 0; s->result && k < s->doors; k++)
			explain_door(s, &s->result[k], out);
		if (s->why[0]) {
			fputs("  ", out);
			put_server_name(s, out);
			fprintf(out, ": %s\n", s->why);
		}
	}
	if (!p->traced)
		fputs("  Not traced, which needs root and BPF: what was lost here and what beyond this host is not told"
		      " apart.\n", out);
}

enum uw_plugin_state uw_plugin_fail(unsigned protocol, const char *text, FILE *out)
{
	fprintf(out, "UDP %sUNKNOWN - %s\n", protocol == UW_PROTO_NTP ? "NTP " : protocol ? "DNS " : "", text);
	return UW_PLUGIN_UNKNOWN;
}
