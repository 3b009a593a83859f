/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who asks in a rhythm, and when next. When a run starts nobody knows: a socket tells neither, and what a
 * program was told to do is not looked at. It is told once three queries kept time.
 */
#include <string.h>

#include "core/address.h"
#include "sink/text_parts.h"

#define LEAST_NS 8000000000ull /* shorter ones are the resends of a single check; NTP polls no oftener */

void uw_text_rhythm(struct uw_line *l, const struct uw_clock *clock, uint64_t now_ns, const struct uw_flow *f)
{
	uint64_t interval_ns = uw_rhythm_interval_ns(&f->rhythm), next_ns = uw_rhythm_next_ns(&f->rhythm, now_ns);

	uw_line_add(l, "every" UW_NBSP);
	if (interval_ns < LEAST_NS)
		uw_line_duration(l, interval_ns);
	else
		uw_line_add(l, "%llu" UW_NBSP "s", (unsigned long long)(interval_ns + 500000000) / 1000000000);
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
	return uw_rhythm_interval_ns(&f->rhythm) < LEAST_NS ? 0 : uw_rhythm_next_ns(&f->rhythm, now_ns);
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

unsigned uw_text_rhythms(struct uw_text_rhythms *r, struct uw_text_out *o, const struct uw_clock *clock,
			 uint64_t now_ns, const struct uw_flow *const *flows, unsigned count)
{
	uint64_t first_ns = UINT64_MAX;
	unsigned i, told = 0;

	for (i = 0; i < count; i++) {
		uint64_t next_ns = due_ns(flows[i], now_ns);
		struct uw_line l = {0};

		if (!next_ns)
			continue;
		if (next_ns > now_ns && next_ns < first_ns) {
			first_ns = next_ns;
			r->next = (struct uw_line){0};
			add_asker(&r->next, flows[i]);
		}
		if (is_told(r, flows[i]))
			continue;
		if (!told++)
			uw_text_status(o, NULL);
		add_asker(&l, flows[i]);
		uw_line_add(&l, ", ");
		uw_text_rhythm(&l, clock, now_ns, flows[i]);
		uw_text_print(o, "  asking here: ", UW_PLAIN, UW_LEAD + 1, l.text);
	}
	r->next_ns = first_ns == UINT64_MAX ? 0 : first_ns;
	return told;
}
