/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the text sink, for text.c only: one problem, the tables, the closing lines. */
#ifndef UW_TEXT_PARTS_H
#define UW_TEXT_PARTS_H

#include "sink/sink.h"
#include "sink/text_out.h"

#define UW_NAME_COLUMNS 40 /* of an executable's name */

/* Problems of the same program, flow, verdict and stage: told once, counted. */
struct uw_group {
	struct uw_query first;
	unsigned count;
	uint64_t packets; /* attempts of all */
	uint64_t last_ns; /* the last send */
	bool more_pids, more_ports, more_clients, more_questions; /* other than the first's */
	uint32_t gaps; /* of any of them */
	uint64_t drops_here, icmp_errors;
	uint64_t nic_drops, tx_errors, tracer_losses;
	bool looked, xdp;
};

/** uw_group_start - begin a group with @q, which is copied. */
void uw_group_start(struct uw_group *g, const struct uw_query *q);

/** uw_group_takes - whether @q belongs to it; uw_group_add - count it. */
bool uw_group_takes(const struct uw_group *g, const struct uw_query *q);
void uw_group_add(struct uw_group *g, const struct uw_query *q);

/** uw_text_problem - the paragraph of a group. text_problem.c */
void uw_text_problem(const struct uw_text_out *o, const struct uw_clock *clock,
		     const struct uw_group *g);

/** uw_text_ways - its timeline, what each stage did with the first query. text_way.c */
void uw_text_ways(const struct uw_text_out *o, const struct uw_clock *clock,
		  const struct uw_query *q);

/** uw_text_asker - append "ntpd[811]" of a query, "an unknown process" if need be. */
void uw_text_asker(struct uw_line *l, const struct uw_query *q, bool more_pids);

/** uw_text_server - append the server's address and port. */
void uw_text_server(struct uw_line *l, const struct uw_query_key *k);

/** uw_text_question - append "www.example.com A". Return: false, and nothing, if there is none. */
bool uw_text_question(struct uw_line *l, const struct uw_query *q);

/** uw_text_contrast - "the same server, other doors", if a flow of it is bad. text_summary.c */
void uw_text_contrast(const struct uw_text_out *o, const struct uw_flow *const *flows,
		      unsigned count);

/** uw_text_flows - a row for each flow. */
void uw_text_flows(const struct uw_text_out *o, const struct uw_flow *const *flows, unsigned count);

/** uw_text_losses - our own blind spots, nothing if there were none. */
void uw_text_losses(const struct uw_text_out *o, const struct uw_totals *t);

/** uw_text_totals - one line that closes, or a hint if nothing at all was seen. */
void uw_text_totals(const struct uw_text_out *o, const char *lead, const struct uw_run *run,
		    const struct uw_totals *t);

#endif
