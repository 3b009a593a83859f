/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of a run: contrasts between doors of one server, flows, losses, one closing line. */
#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "core/text_safe.h"
#include "sink/text_parts.h"

#define FLOWS_SHOWN 40 /* a busy server has thousands; JSON has them all */

static bool is_bad(const struct uw_flow *f)
{
	return f->last_bad_ns && uw_flow_answered(f) < uw_flow_asked(f);
}

static bool asks(const struct uw_flow *f)
{
	return f->id.role == UW_ROLE_CLIENT || f->id.role == UW_ROLE_LOCAL;
}

static bool same_server(const struct uw_flow *a, const struct uw_flow *b)
{
	return a->id.protocol == b->id.protocol && a->id.family == b->id.family &&
	       a->id.server_port == b->id.server_port &&
	       memcmp(&a->id.server, &b->id.server, sizeof(a->id.server)) == 0;
}

static void set_count(char cell[24], uint64_t n)
{
	snprintf(cell, 24, "%llu", (unsigned long long)n);
}

static void set_quantile(char cell[24], const struct uw_flow *f, double q)
{
	struct uw_line l = {0};

	if (!uw_flow_answered(f)) {
		snprintf(cell, 24, "-");
		return;
	}
	uw_line_duration(&l, uw_flow_quantile_us(f, q) * 1000);
	snprintf(cell, 24, "%.23s", l.text);
}

/* ---- the same server, other doors ---- */

static void name_door(struct uw_line *l, const struct uw_flow *f)
{
	const char *port_class = f->id.fixed ? "fixed" : "ephemeral";

	if (f->client_port)
		uw_line_add(l, "port %-6u ", f->client_port);
	if (f->id.probe) {
		uw_line_add(l, "probe, just now (%s)", port_class);
		return;
	}
	if (f->executable[0]) {
		uw_line_bytes(l, f->executable, sizeof(f->executable), UW_NAME_COLUMNS);
		uw_line_add(l, " ");
	}
	uw_line_add(l, "(%s)", port_class);
}

static void door_row(struct uw_row *r, const struct uw_flow *f)
{
	*r = (struct uw_row){0};
	name_door(&r->name, f);
	set_count(r->cell[0], uw_flow_asked(f));
	set_count(r->cell[1], uw_flow_answered(f));
	set_quantile(r->cell[2], f, 0.5);
}

/* The doors of the server of @lead; prints them, or only measures the widest name. */
static unsigned each_door(const struct uw_text_out *o, const struct uw_table *t,
			  const struct uw_flow *lead, const struct uw_flow *const *flows,
			  unsigned count, unsigned *widest)
{
	unsigned doors = 0, columns;
	struct uw_row r;

	for (unsigned i = 0; i < count; i++) {
		if (!asks(flows[i]) || !same_server(flows[i], lead))
			continue;
		doors++;
		door_row(&r, flows[i]);
		columns = uw_text_columns(r.name.text);
		*widest = columns > *widest ? columns : *widest;
		if (t)
			uw_table_row(o, t, &r);
	}
	return doors;
}

static void print_doors(const struct uw_text_out *o, const struct uw_flow *lead,
			const struct uw_flow *const *flows, unsigned count)
{
	struct uw_table t = {.indent = 4, .cells = 3, .cell = {6, 10, 9}};
	struct uw_row head = {.cell = {"sent", "answered", "median"}};
	char server[UW_ENDPOINT_TEXT];
	unsigned widest = 0;

	uw_endpoint_text(&lead->id.server, lead->id.family, lead->id.server_port, server);
	uw_line_add(&head.name, "the same server, other doors: %s", server);
	if (each_door(o, NULL, lead, flows, count, &widest) < 2)
		return;
	if (uw_text_columns(head.name.text) > widest)
		widest = uw_text_columns(head.name.text);
	fputc('\n', o->out);
	uw_table_fit(o, &t, widest);
	/* The heading stands two columns further left than the doors. */
	t.indent -= 2;
	t.name += 2;
	uw_table_row(o, &t, &head);
	t.indent += 2;
	t.name -= 2;
	each_door(o, &t, lead, flows, count, &widest);
}

void uw_text_contrast(const struct uw_text_out *o, const struct uw_flow *const *flows,
		      unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		bool told = false;

		if (!asks(flows[i]) || !is_bad(flows[i]))
			continue;
		for (unsigned j = 0; j < i && !told; j++)
			told = asks(flows[j]) && is_bad(flows[j]) &&
			       same_server(flows[i], flows[j]);
		if (!told)
			print_doors(o, flows[i], flows, count);
	}
}

/* ---- a row a flow ---- */

static void name_flow(struct uw_line *l, const struct uw_flow *f)
{
	const struct uw_flow_id *id = &f->id;
	char server[UW_ENDPOINT_TEXT], client[UW_ADDR_TEXT];

	uw_line_add(l, "%s %s %s %s", uw_proto_name(id->protocol), uw_role_name(id->role),
		    uw_endpoint_text(&id->server, id->family, id->server_port, server),
		    id->fixed ? "fixed" : "ephemeral");
	if (id->probe) {
		uw_line_add(l, " probe");
	} else if (id->role == UW_ROLE_SERVER) {
		if (!uw_addr_known(&id->client))
			uw_line_add(l, " for others");
		else
			uw_line_add(l, " for %s/%u", uw_addr_text(&id->client, id->family, client),
				    id->family == 6 ? 48 : 24);
	} else if (f->executable[0]) {
		uw_line_add(l, " ");
		uw_line_bytes(l, f->executable, sizeof(f->executable), UW_NAME_COLUMNS);
	}
}

static void flow_row(struct uw_row *r, const struct uw_flow *f)
{
	*r = (struct uw_row){0};
	name_flow(&r->name, f);
	set_count(r->cell[0], uw_flow_asked(f));
	set_count(r->cell[1], uw_flow_answered(f));
	set_quantile(r->cell[2], f, 0.5);
	set_quantile(r->cell[3], f, 0.99);
}

static bool is_good_verdict(unsigned v)
{
	return v == UW_ANSWERED || v == UW_SERVED || v == UW_FORWARDED;
}

static void add_verdicts(struct uw_line *l, const uint64_t count[UW_VERDICTS], bool good_too)
{
	const char *separator = "";

	for (unsigned v = 0; v < UW_VERDICTS; v++) {
		if (!count[v] || (is_good_verdict(v) && !good_too))
			continue;
		uw_line_add(l, "%s%llu %s", separator, (unsigned long long)count[v],
			    uw_verdict_name(v));
		separator = ", ";
	}
}

/* What the numbers of the row do not say: how the others ended, and where packets were dropped. */
static void print_bad_ends(const struct uw_text_out *o, const struct uw_flow *f)
{
	struct uw_line l = {0};

	add_verdicts(&l, f->count, false);
	for (unsigned i = 0; i < f->drops && i < UW_FLOW_DROPS; i++) {
		const struct uw_flow_drop *d = &f->drop[i];

		uw_line_add(&l, "%s%llu× %s at %s", l.len ? " · " : "",
			    (unsigned long long)d->count,
			    d->dir == UW_REPLY ? "reply dropped" : "request dropped",
			    uw_stage_name(d->stage));
		if (d->reason[0])
			uw_line_add(&l, " (%s)", d->reason);
	}
	if (l.len)
		uw_text_print(o, "      ", UW_PLAIN, 6, l.text);
}

void uw_text_flows(const struct uw_text_out *o, const struct uw_flow *const *flows, unsigned count)
{
	struct uw_table t = {.indent = 2, .cells = 4, .cell = {8, 10, 9, 9}};
	struct uw_row r = {.cell = {"asked", "answered", "median", "p99"}};
	unsigned shown = count < FLOWS_SHOWN ? count : FLOWS_SHOWN, widest = 5, columns;
	struct uw_row row;

	if (!count)
		return;
	for (unsigned i = 0; i < shown; i++) {
		flow_row(&row, flows[i]);
		columns = uw_text_columns(row.name.text);
		widest = columns > widest ? columns : widest;
	}
	uw_table_fit(o, &t, widest);
	uw_line_add(&r.name, "flows");
	fputc('\n', o->out);
	uw_table_row(o, &t, &r);
	for (unsigned i = 0; i < shown; i++) {
		flow_row(&row, flows[i]);
		uw_table_row(o, &t, &row);
		print_bad_ends(o, flows[i]);
	}
	if (count > shown)
		fprintf(o->out, "  and %u flows more (-o json has them)\n", count - shown);
}

/* ---- losses and totals ---- */

static void print_loss(const struct uw_text_out *o, uint64_t n, const char *text)
{
	struct uw_line l = {0};

	if (!n)
		return;
	uw_line_add(&l, "%llu %s", (unsigned long long)n, text);
	uw_text_print(o, "  ", UW_PLAIN, 4, l.text);
}

#define SKIP(name, text)

static uint64_t all_losses(const struct uw_totals *t)
{
	uint64_t sum = t->recursion_misses + t->netlink_lost;

#define SUM(name, text) sum += t->stats[UW_STAT_##name];
	UW_STATS_LIST(SKIP, SUM)
#undef SUM
	return sum;
}

void uw_text_losses(const struct uw_text_out *o, const struct uw_totals *t)
{
	if (!all_losses(t))
		return;
	fputc('\n', o->out);
	uw_text_print(o, "NOT SEEN BY US", UW_MAGENTA, 2, "");
#define PRINT(name, text) print_loss(o, t->stats[UW_STAT_##name], text);
	UW_STATS_LIST(SKIP, PRINT)
#undef PRINT
	print_loss(o, t->recursion_misses, "runs of our programs skipped by the kernel");
	print_loss(o, t->netlink_lost, "netlink messages lost");
}

static void add_faults(struct uw_line *l, const struct uw_totals *t)
{
	const char *separator = " · fault: ";

	for (unsigned f = UW_FAULT_NONE + 1; f < UW_FAULTS; f++) {
		if (!t->fault[f])
			continue;
		uw_line_add(l, "%s%llu %s", separator, (unsigned long long)t->fault[f],
			    uw_fault_name(f));
		separator = ", ";
	}
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

static void add_nothing(struct uw_line *l, const struct uw_run *run, const struct uw_totals *t)
{
	bool dns_only = strcmp(protocols(run), "DNS") == 0;

	uw_line_add(l, "No %s query was seen in ", protocols(run));
	uw_line_duration(l, t->elapsed_ns);
	uw_line_add(l, ". To force one: udpwhy probe %s SERVER", dns_only ? "dns" : "ntp");
	if (run->scope_count || (run->filters && *run->filters))
		uw_line_add(l, ". What the scope and the filters leave out is not seen");
	uw_line_add(l, ".");
}

void uw_text_totals(const struct uw_text_out *o, const char *lead, const struct uw_run *run,
		    const struct uw_totals *t)
{
	struct uw_line l = {0};
	uint64_t queries = 0;

	for (unsigned v = 0; v < UW_VERDICTS; v++)
		queries += t->verdict[v];
	if (!queries && !t->stats[UW_STAT_requests]) {
		add_nothing(&l, run, t);
	} else {
		uw_line_add(&l, "%llu %s", (unsigned long long)queries,
			    queries == 1 ? "query" : "queries");
		uw_line_add(&l, "%s", queries ? ": " : "");
		add_verdicts(&l, t->verdict, true);
		add_faults(&l, t);
		uw_line_add(&l, " · in ");
		uw_line_duration(&l, t->elapsed_ns);
	}
	if (t->command_ran)
		uw_line_add(&l, " · the command ended with status %d", t->command_status);
	uw_text_print(o, lead, UW_PLAIN, 2, l.text);
}
