/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of a run: contrasts between the doors of one server, and a row for each flow. */
#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "core/text_safe.h"
#include "sink/text_parts.h"

#define TABLE_WIDTH 72 /* columns, below which six numbers leave no room for a name */
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
	char client[UW_ADDR_TEXT];

	if (f->client_port)
		uw_line_add(l, "port %-6u ", f->client_port);
	if (f->id.probe) {
		uw_line_add(l, "probe, just now (%s)", port_class);
		return;
	}
	if (f->executable[0]) {
		uw_line_bytes(l, f->executable, sizeof(f->executable), UW_NAME_COLUMNS);
		uw_line_add(l, " ");
	} else if (!f->id.netns) {	/* of a capture, which may hold many hosts */
		uw_line_add(l, "%s ", uw_addr_text(&f->id.client, f->id.family, client));
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

/* Whom a row is about: the program that asks, or those who ask us. */
static void name_asker(struct uw_line *l, const struct uw_flow *f)
{
	const struct uw_flow_id *id = &f->id;
	char client[UW_ADDR_TEXT];

	if (id->probe)
		uw_line_add(l, "udpwhy's own probe");
	else if (id->role == UW_ROLE_SERVER && !uw_addr_known(&id->client))
		uw_line_add(l, "others");
	else if (id->role == UW_ROLE_SERVER)
		uw_line_add(l, "%s/%u", uw_addr_text(&id->client, id->family, client),
			    id->family == 6 ? 48 : 24);
	else if (id->role == UW_ROLE_FORWARDER)
		uw_line_add(l, "%s", uw_addr_text(&id->client, id->family, client));
	else if (f->executable[0])
		uw_line_bytes(l, f->executable, sizeof(f->executable), UW_NAME_COLUMNS);
	else if (!id->netns)	/* of a capture, which knows no processes */
		uw_line_add(l, "%s", uw_addr_text(&id->client, id->family, client));
	else
		uw_line_add(l, "unknown");
}

static void name_flow(struct uw_line *l, const struct uw_flow *f)
{
	const struct uw_flow_id *id = &f->id;
	char server[UW_ENDPOINT_TEXT];

	uw_line_add(l, "%s ", id->protocol == UW_PROTO_NTP ? "NTP" : "DNS");
	if (uw_flow_is_other(id)) {
		uw_line_add(l, "others");
	} else {
		name_asker(l, f);
		uw_line_add(l, " →" UW_NBSP "%s",
			    uw_endpoint_text(&id->server, id->family, id->server_port, server));
	}
	if (id->role == UW_ROLE_SERVER || id->role == UW_ROLE_LOCAL)
		uw_line_add(l, " here");
	else if (id->role == UW_ROLE_FORWARDER)
		uw_line_add(l, " passing through");
	if (!uw_flow_is_other(id))
		uw_line_add(l, ", %s" UW_NBSP "port", id->fixed ? "fixed" : "ephemeral");
}

static void flow_row(struct uw_row *r, const struct uw_flow *f)
{
	struct uw_line max = {0};

	*r = (struct uw_row){0};
	name_flow(&r->name, f);
	set_count(r->cell[0], uw_flow_asked(f));
	set_count(r->cell[1], uw_flow_answered(f));
	set_quantile(r->cell[2], f, 0.5);
	set_quantile(r->cell[3], f, 0.9);
	set_quantile(r->cell[4], f, 0.99);
	if (uw_flow_answered(f))
		uw_line_duration(&max, f->rtt_max_us * 1000);
	snprintf(r->cell[5], sizeof(r->cell[5]), "%.23s", max.len ? max.text : "-");
}

/* Where and why packets of it were dropped. */
static void add_drops(struct uw_line *l, const struct uw_flow *f)
{
	for (unsigned i = 0; i < f->drops && i < UW_FLOW_DROPS; i++) {
		const struct uw_flow_drop *d = &f->drop[i];

		uw_line_add(l, "%s%llu" UW_NBSP "%s %s (%s%s", i ? ", " : l->len ? " · dropped: " : "dropped: ",
			    (unsigned long long)d->count,
			    d->dir == UW_REPLY ? d->count == 1 ? "reply" : "replies" :
						 d->count == 1 ? "request" : "requests",
			    uw_text_place(d->stage), uw_stage_name(d->stage),
			    d->reason[0] ? ", " : "");
		uw_line_bytes(l, d->reason, sizeof(d->reason), 0);
		uw_line_add(l, ")");
	}
	if (f->drops_unlisted)
		uw_line_add(l, ", %llu" UW_NBSP "elsewhere",
			    (unsigned long long)f->drops_unlisted);
}

/* The first answer counted; which of them is the true one is for the reader to find out. */
static void add_conflicting(struct uw_line *l, const struct uw_flow *f)
{
	if (f->conflicting)
		uw_line_add(l, "%s%llu" UW_NBSP "%s an earlier one to the same query: spoofing or an injecting "
			    "middlebox, unless the server itself changed its mind between two copies of the query; "
			    "compare with a capture or over TCP", l->len ? " · " : "",
			    (unsigned long long)f->conflicting,
			    f->conflicting == 1 ? "answer conflicts with" : "answers conflict with");
}

/* Who asks in a rhythm: how often, and when next. */
static void add_rhythm(struct uw_line *l, const struct uw_clock *clock, uint64_t now_ns,
		       const struct uw_flow *f)
{
	/* A rhythm that has ended is none; what a file tells has ended. */
	if (!now_ns || !uw_rhythm_next_ns(&f->rhythm, now_ns) || f->id.probe)
		return;
	if (uw_rhythm_interval_ns(&f->rhythm) < UW_RHYTHM_LEAST_NS)
		return;
	uw_line_add(l, "%sasks" UW_NBSP, l->len ? " · " : "");
	uw_text_rhythm(l, clock, now_ns, &f->rhythm);
}

/* What the numbers of the row do not say. */
static void print_more(const struct uw_text_out *o, const struct uw_clock *clock, uint64_t now_ns,
		       const struct uw_flow *f)
{
	struct uw_line l = {0};

	uw_text_verdicts(&l, f->count, false);
	add_drops(&l, f);
	add_conflicting(&l, f);
	uw_text_far_flow(&l, f);
	add_rhythm(&l, clock, now_ns, f);
	if (l.len)
		uw_text_print(o, "      ", UW_PLAIN, 6, l.text);
}

/* A terminal too narrow for seven columns: the numbers in words. */
static void print_narrow(const struct uw_text_out *o, const struct uw_row *r)
{
	struct uw_line l = {0};

	uw_text_print(o, "  ", UW_PLAIN, 4, r->name.text);
	uw_line_add(&l, "%s" UW_NBSP "asked, %s" UW_NBSP "answered", r->cell[0], r->cell[1]);
	if (strcmp(r->cell[5], "-") != 0)
		uw_line_add(&l, " · p50" UW_NBSP "%s · p90" UW_NBSP "%s · p99" UW_NBSP "%s · "
			    "max" UW_NBSP "%s", r->cell[2], r->cell[3], r->cell[4], r->cell[5]);
	uw_text_print(o, "      ", UW_PLAIN, 6, l.text);
}

static unsigned widest_name(const struct uw_flow *const *flows, unsigned shown)
{
	unsigned widest = 5, columns;
	struct uw_row row;

	for (unsigned i = 0; i < shown; i++) {
		flow_row(&row, flows[i]);
		columns = uw_text_columns(row.name.text);
		widest = columns > widest ? columns : widest;
	}
	return widest;
}

void uw_text_flows(const struct uw_text_out *o, const struct uw_clock *clock, uint64_t now_ns,
		   const struct uw_flow *const *flows, unsigned count)
{
	struct uw_table t = {.indent = 2, .cells = 6, .cell = {8, 10, 9, 9, 9, 9}};
	struct uw_row r = {.cell = {"asked", "answered", "p50", "p90", "p99", "max"}}, row;
	unsigned shown = count < FLOWS_SHOWN ? count : FLOWS_SHOWN;
	bool narrow = o->width && o->width < TABLE_WIDTH;

	if (!count)
		return;
	uw_table_fit(o, &t, widest_name(flows, shown));
	uw_line_add(&r.name, "flows");
	fputc('\n', o->out);
	if (narrow)
		fputs("  flows\n", o->out);
	else
		uw_table_row(o, &t, &r);
	for (unsigned i = 0; i < shown; i++) {
		flow_row(&row, flows[i]);
		if (narrow)
			print_narrow(o, &row);
		else
			uw_table_row(o, &t, &row);
		print_more(o, clock, now_ns, flows[i]);
	}
	if (count > shown)
		fprintf(o->out, "  and %u flows more (-o json has them)\n", count - shown);
}
