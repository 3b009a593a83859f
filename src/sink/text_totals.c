/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of a run: what we did not see ourselves, and one closing line. */
#include "sink/text_parts.h"

static bool is_good_verdict(unsigned v)
{
	return v == UW_ANSWERED || v == UW_SERVED || v == UW_FORWARDED;
}

void uw_text_verdicts(struct uw_line *l, const uint64_t count[UW_VERDICTS], bool good_too)
{
	const char *separator = "";

	for (unsigned v = 0; v < UW_VERDICTS; v++) {
		if (!count[v] || (is_good_verdict(v) && !good_too))
			continue;
		uw_line_add(l, "%s%llu" UW_NBSP "%s", separator, (unsigned long long)count[v],
			    uw_verdict_name(v));
		separator = ", ";
	}
}

static void print_loss(const struct uw_text_out *o, uint64_t n, const char *text)
{
	struct uw_line lead = {0};

	if (!n)
		return;
	uw_line_add(&lead, "%8llu  ", (unsigned long long)n); /* a column: right for one as for many */
	uw_text_print(o, lead.text, UW_PLAIN, 10, text);
}

#define SKIP(name, text)

static uint64_t all_losses(const struct uw_totals *t)
{
	uint64_t sum = t->recursion_misses + t->netlink_lost + t->output_lost;

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
	print_loss(o, t->output_lost, "lines of output lost: their reader was slow or their disk full");
}

static void add_faults(struct uw_line *l, const struct uw_totals *t)
{
	const char *separator = " · fault:" UW_NBSP;

	for (unsigned f = UW_FAULT_NONE + 1; f < UW_FAULTS; f++) {
		if (!t->fault[f])
			continue;
		uw_line_add(l, "%s%llu" UW_NBSP "%s", separator, (unsigned long long)t->fault[f],
			    uw_fault_name(f));
		separator = ", ";
	}
}

void uw_text_totals(const struct uw_text_out *o, const char *lead, const struct uw_clock *clock,
		    const struct uw_run *run, const struct uw_totals *t)
{
	struct uw_line l = {0};
	uint64_t queries = 0;
	bool silent;

	for (unsigned v = 0; v < UW_VERDICTS; v++)
		queries += t->verdict[v];
	silent = !queries && !t->stats[UW_STAT_requests];
	if (silent) {
		uw_text_nothing(&l, clock, run, t->elapsed_ns);
	} else {
		uw_line_add(&l, "%llu" UW_NBSP "%s", (unsigned long long)queries,
			    queries == 1 ? "query" : "queries");
		uw_line_add(&l, "%s", queries ? ": " : "");
		uw_text_verdicts(&l, t->verdict, true);
		add_faults(&l, t);
		if (t->elapsed_ns) {
			uw_line_add(&l, " · in" UW_NBSP);
			uw_line_duration(&l, t->elapsed_ns);
		}
	}
	if (t->command_ran)
		uw_line_add(&l, "%s command ended with status" UW_NBSP "%d%s", silent ? " The" : " · the",
			    t->command_status, silent ? "." : "");
	uw_text_print(o, lead, UW_PLAIN, 2, l.text);
}
