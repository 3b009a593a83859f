/* SPDX-License-Identifier: GPL-2.0-only */
/* The first lines: what is watched and when, what cannot be seen, who asks here. */
#include <string.h>

#include "core/explain.h"
#include "sink/text_parts.h"

#define ASKERS_SHOWN 8
#define NARROW 60 /* columns, below which a column of labels takes too much */
#define SILENT_SHOWN 2 /* askers named where nothing was seen */

static const char *protocol(unsigned p)
{
	return p == UW_PROTO_NTP ? "NTP" : "DNS";
}

/* This host is watched, no file read. */
static bool is_live(const struct uw_run *run)
{
	return run->kernel && run->kernel[0];
}

static void add_ports(struct uw_line *l, const struct uw_run *run)
{
	enum uw_proto last = UW_PROTO_NONE;

	for (unsigned i = 0; i < run->port_count; i++) {
		const struct uw_port *p = &run->ports[i];

		if (p->protocol == last)
			uw_line_add(l, ", %u", p->port);
		else
			uw_line_add(l, "%s%s" UW_NBSP "%u", i ? " and " : "",
				    protocol(p->protocol), p->port);
		last = p->protocol;
	}
}

static void add_scope(struct uw_line *l, const struct uw_run *run)
{
	if (!run->scope_count) {
		uw_line_add(l, " in" UW_NBSP "all" UW_NBSP "namespaces");
		return;
	}
	uw_line_add(l, " in" UW_NBSP "%s" UW_NBSP, run->scope_count == 1 ? "namespace" : "namespaces");
	for (unsigned i = 0; i < run->scope_count; i++) {
		uw_line_add(l, "%s", i ? ", " : "");
		uw_line_bytes(l, run->scope[i], strlen(run->scope[i]), UW_NAME_COLUMNS);
	}
}

static void print_head(const struct uw_text_out *o, const struct uw_clock *clock,
		       const struct uw_run *run)
{
	struct uw_line lead = {0}, l = {0};

	uw_line_add(&lead, "udpwhy %s  ", run->version);
	if (is_live(run)) {
		uw_line_bytes(&l, run->host, strlen(run->host), 0);
		uw_line_add(&l, "," UW_NBSP "Linux" UW_NBSP);
		uw_line_bytes(&l, run->kernel, strlen(run->kernel), 0);
		uw_line_add(&l, "   ");
	}
	add_ports(&l, run);
	if (is_live(run))
		add_scope(&l, run);
	uw_line_add(&l, "   ");
	uw_line_zone_time(&l, run->started_ns ? uw_clock_wall(clock, run->started_ns) :
						uw_wall_now_ns());
	uw_text_print(o, lead.text, UW_BOLD, 2, l.text);
}

void uw_text_asker_name(struct uw_line *l, const struct uw_asker *a)
{
	uw_line_bytes(l, a->executable, sizeof(a->executable), UW_NAME_COLUMNS);
	uw_line_add(l, "[%u]", a->pid);
	if (a->others)
		uw_line_add(l, " (and %u more with this socket)", a->others);
	if (a->port)
		uw_line_add(l, " port" UW_NBSP "%u", a->port);
}

static void print_asker(const struct uw_text_out *o, const struct uw_clock *clock, const struct uw_run *run,
			const struct uw_asker *a, bool first)
{
	const char *more = o->width && o->width < NARROW ? "  " : "               ";
	struct uw_line l = {0};

	uw_text_asker_name(&l, a);
	if (a->servers)
		uw_line_add(&l, " →" UW_NBSP "%u" UW_NBSP "%s" UW_NBSP "server%s", a->servers,
			    protocol(a->protocol), a->servers == 1 ? "" : "s");
	else if (a->port)
		uw_line_add(&l, ", %s: asks or serves", protocol(a->protocol));
	else
		uw_line_add(&l, ", %s: no socket open just now", protocol(a->protocol));
	if (uw_rhythm_interval_ns(&a->rhythm)) {
		uw_line_add(&l, ", by its own word ");
		uw_text_rhythm(&l, clock, run->started_ns, &a->rhythm);
	}
	uw_text_belongs(&l, a->uid, a->user, a->cgroup, a->netns_name);
	uw_text_print(o, first ? "  asking here: " : more, UW_PLAIN, UW_LEAD + 1, l.text);
}

static const char *protocols(const struct uw_run *run)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < run->port_count; i++)
		seen |= 1u << run->ports[i].protocol;
	if (seen == 1u << UW_PROTO_NTP)
		return "NTP";
	return seen == 1u << UW_PROTO_DNS ? "DNS" : "NTP or DNS";
}

static void print_askers(const struct uw_text_out *o, const struct uw_clock *clock, const struct uw_run *run)
{
	struct uw_line l = {0};

	for (unsigned i = 0; i < run->asker_count && i < ASKERS_SHOWN; i++)
		print_asker(o, clock, run, &run->askers[i], !i);
	if (run->asker_count > ASKERS_SHOWN)
		fprintf(o->out, "               and %u more\n", run->asker_count - ASKERS_SHOWN);
	if (!run->asker_count && is_live(run)) {
		uw_line_add(&l, "no program has a socket open for %s just now", protocols(run));
		uw_text_print(o, "  asking here: ", UW_PLAIN, UW_LEAD + 1, l.text);
	}
}

static void print_gaps(const struct uw_text_out *o, uint32_t gaps)
{
	for (unsigned g = 0; g < UW_GAPS; g++) {
		const char *name = uw_gap_name(g);
		const struct uw_explanation *e = uw_explain_entry(UW_EXPLAIN_GAP, name);
		struct uw_line l = {0};

		if (!(gaps & UW_GAP_BIT(g)))
			continue;
		uw_line_add(&l, "%s (%s)", e ? e->text : "", name);
		uw_text_print(o, "  blind here:  ", UW_YELLOW, UW_LEAD + 1, l.text);
	}
}

/* An option stays with its value. The first line has said what --scope says. */
static void print_filters(const struct uw_text_out *o, const char *filters)
{
	struct uw_line l = {0};
	size_t len;

	for (const char *f = filters; f && *f; f += len + !!f[len]) {
		len = strcspn(f, " ");
		if (len == strlen("--scope") && strncmp(f, "--scope", len) == 0 && f[len]) {
			len += 1 + strcspn(f + len + 1, " ");
			continue;
		}
		uw_line_add(&l, "%s", !l.len ? "" : strncmp(f, "--", 2) == 0 ? " " : UW_NBSP);
		uw_line_bytes(&l, f, len, 0);
	}
	if (l.len)
		uw_text_print(o, "  filters:     ", UW_PLAIN, UW_LEAD + 1, l.text);
}

void uw_text_start(const struct uw_text_out *o, const struct uw_clock *clock,
		   const struct uw_run *run)
{
	print_head(o, clock, run);
	print_filters(o, run->filters);
	print_gaps(o, run->gaps);
	print_askers(o, clock, run);
}

/* ---- silence explained ---- */

/* How to make a well-known daemon ask at once. */
static const struct {
	const char *executable, *command;
} prods[] = {
	{"chronyd", "chronyc" UW_NBSP "burst" UW_NBSP "2/4"},
	{"systemd-timesyncd", "systemctl" UW_NBSP "restart" UW_NBSP "systemd-timesyncd"},
	{"systemd-resolved", "resolvectl" UW_NBSP "query" UW_NBSP "--cache=no" UW_NBSP "example.com"},
};

static const char *prod_of(const struct uw_run *run)
{
	for (unsigned i = 0; i < run->asker_count; i++)
		for (size_t k = 0; k < sizeof(prods) / sizeof(prods[0]); k++)
			if (strcmp(run->askers[i].executable, prods[k].executable) == 0)
				return prods[k].command;
	return NULL;
}

static void add_silent(struct uw_line *l, const struct uw_clock *clock, const struct uw_asker *a, uint64_t now_ns)
{
	uw_text_asker_name(l, a);
	if (!uw_rhythm_interval_ns(&a->rhythm))
		return;
	uw_line_add(l, ", ");
	uw_text_rhythm(l, clock, now_ns, &a->rhythm);
}

/* First those who said when they will. */
static void add_silents(struct uw_line *l, const struct uw_clock *clock, const struct uw_run *run, uint64_t now_ns)
{
	unsigned i, shown = 0;

	for (i = 0; i < 2 * run->asker_count && shown < SILENT_SHOWN; i++) {
		const struct uw_asker *a = &run->askers[i % run->asker_count];

		if (!uw_rhythm_interval_ns(&a->rhythm) != (i >= run->asker_count))
			continue;
		uw_line_add(l, "%s", shown++ ? "; " : " Who could ask here: ");
		add_silent(l, clock, a, now_ns);
	}
	if (shown)
		uw_line_add(l, "%s.", run->asker_count > shown ? " and others" : "");
}

void uw_text_nothing(struct uw_line *l, const struct uw_clock *clock, const struct uw_run *run, uint64_t elapsed_ns)
{
	const char *prod = prod_of(run), *asked = protocols(run);

	if (!is_live(run)) {
		uw_line_add(l, "No %s query is in it.", asked);
		return;
	}
	uw_line_add(l, "No %s query was seen in" UW_NBSP, asked);
	uw_line_duration(l, elapsed_ns);
	uw_line_add(l, ".");
	add_silents(l, clock, run, run->started_ns + elapsed_ns);
	uw_line_add(l, " To force one: ");
	if (prod)
		uw_line_add(l, "%s, or ", prod);
	uw_line_add(l, "udpwhy" UW_NBSP "probe" UW_NBSP "%s" UW_NBSP "SERVER", strcmp(asked, "DNS") == 0 ? "dns" : "ntp");
	if (run->scope_count || (run->filters && *run->filters))
		uw_line_add(l, ". What the scope and the filters leave out is not seen");
	uw_line_add(l, ".");
}
