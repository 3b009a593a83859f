/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who asks in a rhythm, and when next: when a run starts what a daemon says of itself, if it says it (a socket
 * tells neither, and what a program was told to do is not looked at); then, of each flow, what was seen, once
 * three queries kept time. That goes before what was said, and is told if it is news.
 */
#include <string.h>

#include "core/address.h"
#include "sink/text_parts.h"


static void add_interval(struct uw_line *l, uint64_t ns)
{
	if (ns < UW_RHYTHM_LEAST_NS)
		uw_line_duration(l, ns);
	else
		uw_line_add(l, "%llu" UW_NBSP "s", (unsigned long long)(ns + 500000000) / 1000000000);
}

void uw_text_rhythm(struct uw_line *l, const struct uw_clock *clock, uint64_t now_ns, const struct uw_rhythm *r)
{
	uint64_t interval_ns = uw_rhythm_interval_ns(r), longest_ns = uw_rhythm_longest_ns(r);
	uint64_t next_ns = uw_rhythm_next_ns(r, now_ns);

	uw_line_add(l, "every" UW_NBSP);
	add_interval(l, interval_ns);
	if (longest_ns != interval_ns) {
		uw_line_add(l, UW_NBSP "to" UW_NBSP);
		add_interval(l, longest_ns);
	}
	if (next_ns <= now_ns)
		return;
	uw_line_add(l, " (next" UW_NBSP);
	uw_line_clock(l, uw_clock_wall(clock, next_ns));
	uw_line_add(l, ")");
}

/* Of a program here that has kept time until now. */
static uint64_t due_ns(const struct uw_flow *f, uint64_t now_ns)
{
	if (f->id.probe || (f->id.role != UW_ROLE_CLIENT && f->id.role != UW_ROLE_LOCAL))
		return 0;
	return uw_rhythm_interval_ns(&f->rhythm) < UW_RHYTHM_LEAST_NS ? 0 : uw_rhythm_next_ns(&f->rhythm, now_ns);
}

static void add_asker(struct uw_line *l, const struct uw_flow *f)
{
	char server[UW_ENDPOINT_TEXT];

	if (f->executable[0]) {
		uw_line_bytes(l, f->executable, sizeof(f->executable), UW_NAME_COLUMNS);
		uw_line_add(l, "[%u]", f->pid);
	} else {
		uw_line_add(l, "an unknown process");
	}
	if (f->id.fixed && f->client_port)
		uw_line_add(l, " port" UW_NBSP "%u", f->client_port);
	uw_line_add(l, " →" UW_NBSP "%s",
		    uw_endpoint_text(&f->id.server, f->id.family, f->id.server_port, server));
}

/* Said by the daemon itself when the run started, of this server or another. */
static bool is_said(const struct uw_run *run, const struct uw_flow *f)
{
	uint64_t interval_ns = uw_rhythm_interval_ns(&f->rhythm);

	for (unsigned i = 0; i < run->asker_count; i++) {
		const struct uw_rhythm *said = &run->askers[i].rhythm;

		if (run->askers[i].pid == f->pid && run->askers[i].protocol == f->id.protocol &&
		    interval_ns > said->told_ns / 2 && interval_ns < said->told_longest_ns * 2)
			return true;
	}
	return false;
}

/* Told before, and not changed by half since. */
static bool is_told(struct uw_text_rhythms *r, const struct uw_flow *f)
{
	uint64_t interval_ns = uw_rhythm_interval_ns(&f->rhythm);
	unsigned i;

	for (i = 0; i < r->count && memcmp(&r->told[i].id, &f->id, sizeof(f->id)); i++)
		;
	if (i == UW_RHYTHMS)
		return true;
	if (i < r->count && interval_ns > r->told[i].interval_ns / 2 && interval_ns < r->told[i].interval_ns * 2)
		return true;
	r->count += i == r->count;
	r->told[i].id = f->id;
	r->told[i].interval_ns = interval_ns;
	return false;
}

/* Whether one of its flows has kept time until now: that goes before what it said. */
static bool is_seen(const struct uw_asker *a, uint64_t now_ns, const struct uw_flow *const *flows, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (flows[i]->pid == a->pid && flows[i]->id.protocol == a->protocol && due_ns(flows[i], now_ns))
			return true;
	}
	return false;
}

/* Return: whether this is the first to come of those that were looked at. */
static bool comes_first(struct uw_text_rhythms *r, uint64_t next_ns, uint64_t now_ns)
{
	if (next_ns <= now_ns || (r->next_ns && next_ns >= r->next_ns))
		return false;
	r->next_ns = next_ns;
	r->next = (struct uw_line){0};
	return true;
}

static void find_next(struct uw_text_rhythms *r, const struct uw_run *run, uint64_t now_ns,
		      const struct uw_flow *const *flows, unsigned count)
{
	unsigned i;

	r->next_ns = 0;
	for (i = 0; i < count; i++) {
		if (comes_first(r, due_ns(flows[i], now_ns), now_ns))
			add_asker(&r->next, flows[i]);
	}
	for (i = 0; i < run->asker_count; i++) {
		const struct uw_asker *a = &run->askers[i];

		if (!is_seen(a, now_ns, flows, count) &&
		    comes_first(r, uw_rhythm_next_ns(&a->rhythm, now_ns), now_ns))
			uw_text_asker_name(&r->next, a);
	}
}

unsigned uw_text_rhythms(struct uw_text_rhythms *r, struct uw_text_out *o, const struct uw_clock *clock,
			 const struct uw_run *run, uint64_t now_ns, const struct uw_flow *const *flows, unsigned count)
{
	unsigned i, told = 0;

	find_next(r, run, now_ns, flows, count);
	for (i = 0; i < count; i++) {
		struct uw_line l = {0};

		if (!due_ns(flows[i], now_ns) || is_said(run, flows[i]) || is_told(r, flows[i]))
			continue;
		if (!told++)
			uw_text_status(o, NULL);
		add_asker(&l, flows[i]);
		uw_line_add(&l, ", ");
		uw_text_rhythm(&l, clock, now_ns, &flows[i]->rhythm);
		uw_text_print(o, "  asking here: ", UW_PLAIN, UW_LEAD + 1, l.text);
	}
	return told;
}
