/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the text sink, for text.c only: the start, one problem, the tables, the end. */
#ifndef UW_TEXT_PARTS_H
#define UW_TEXT_PARTS_H

#include "sink/sink.h"
#include "sink/text_out.h"

#define UW_NAME_COLUMNS 40 /* of an executable's name */

/* ---- words: text_words.c ---- */

/* Of a verdict: the title, what is counted, and the plain sentence for a fault. */
struct uw_words {
	const char *title;
	const char *tried, *done; /* "6 asked, 0 answered" */
	bool all_done; /* "6 asked, 6 refused" */
	const char *local, *beyond;
};

const struct uw_words *uw_text_words(enum uw_verdict v);

/** uw_text_place - where a packet dies or waits: "in the input hook". Never NULL. */
const char *uw_text_place(enum uw_stage s);

/** uw_text_reached - where it has come to: "the input hook". Never NULL. */
const char *uw_text_reached(enum uw_stage s);

/** uw_text_icmp - "port unreachable"; "an error" for what is not known. */
const char *uw_text_icmp(unsigned family, unsigned type, unsigned code);

/** uw_text_kiss - what the code of a kiss-o'-death means, NULL if that is not known. */
const char *uw_text_kiss(const char code[4]);

/** uw_text_errno_hint - where to look for the cause of a send that failed; NULL if unknown. */
const char *uw_text_errno_hint(int err);

/** uw_text_advice - append @advice; what of its capitals is known of the query and its drop (NULL: none) is
 * filled in: DEVICE, ADDRESS, SENDER, PORT, UNIT, NAME (of the network namespace). */
void uw_text_advice(struct uw_line *l, const struct uw_query *q, const struct uw_drop_fact *d,
		    const char *advice);

/* ---- groups: text_group.c ---- */

#define UW_GROUP_IDS 64 /* of the last queries of a group, to know the cause of others by */
#define UW_GROUP_HITS 4 /* kinds of queries that failed because of those of a group */

/* Queries to a server here that failed because its own ones did (ruling 8). */
struct uw_hit {
	char asker[UW_NAME_MAX]; /* raw bytes */
	uint32_t pid, server_pid;
	struct uw_query_key key;
	enum uw_verdict verdict;
	uint16_t answer_flags;
	unsigned count;
};

/* Problems of the same program, flow, verdict and stage: told once, counted. */
#define UW_GROUP_CLIENTS 99	/* told apart, of a server's */
#define UW_GROUP_RULES 4

/* A firewall rule and how many of the group's queries it dropped. */
struct uw_rule_count {
	char rule[UW_RULE_TEXT_MAX]; /* raw bytes, "" not known */
	unsigned count;
};

struct uw_group {
	struct uw_query first;
	unsigned count;
	uint64_t packets, on_wire, dropped; /* copies of all */
	uint64_t last_ns; /* the last send */
	bool more_pids, more_ports, more_questions; /* other than the first's */
	struct uw_addr client[UW_GROUP_CLIENTS];
	unsigned clients;	/* of these; one more than there is room for: more */
	uint32_t gaps; /* of any of them */
	uint64_t drops_here, icmp_errors;
	uint64_t nic_drops, tx_errors, tracer_losses;
	bool looked, xdp;
	uint64_t id[UW_GROUP_IDS];
	unsigned rules;
	struct uw_rule_count rule[UW_GROUP_RULES];
	unsigned more_rules; /* queries dropped by further ones */
	unsigned hits;
	struct uw_hit hit[UW_GROUP_HITS];
	uint64_t more_hits; /* queries of further kinds */
};

/** uw_group_start - begin a group with @q, which is copied. */
void uw_group_start(struct uw_group *g, const struct uw_query *q);

/** uw_group_takes - whether @q belongs to it; uw_group_add - count it. */
bool uw_group_takes(const struct uw_group *g, const struct uw_query *q);
void uw_group_add(struct uw_group *g, const struct uw_query *q);

/** uw_group_causes - whether the cause of @q is in it; uw_group_hit - count it as such. */
bool uw_group_causes(const struct uw_group *g, const struct uw_query *q);
void uw_group_hit(struct uw_group *g, const struct uw_query *q);

/* ---- one problem: text_problem.c, text_drop.c, text_way.c ---- */

/** uw_text_problem - the paragraph of a group. */
void uw_text_problem(const struct uw_text_out *o, const struct uw_clock *clock,
		     const struct uw_group *g);

/** uw_text_drop_of - the drop that decided, or one that was seen beside; NULL without one. */
const struct uw_drop_fact *uw_text_drop_of(const struct uw_query *q);

/** uw_text_drop - what dropped packets of them: place, rules, meaning. Nothing without a drop. */
void uw_text_drop(const struct uw_text_out *o, const struct uw_group *g);

/** uw_text_ways - its timeline, what each stage did with the first query. */
void uw_text_ways(const struct uw_text_out *o, const struct uw_clock *clock,
		  const struct uw_query *q);

/** uw_text_asker - append "ntpd[811]" of a query, "an unknown process" if need be. */
void uw_text_asker(struct uw_line *l, const struct uw_query *q, bool more_pids);

/** uw_text_server - append the server's address and port. */
void uw_text_server(struct uw_line *l, const struct uw_query_key *k);

/** uw_text_question - append "www.example.com A". Return: false, and nothing, if there is none. */
bool uw_text_question(struct uw_line *l, const struct uw_query *q);

/** uw_text_belongs - append what is known of an asker: " · user ntp · chrony.service · in netns web";
 * nothing of root's, as nothing is remarkable then. All may be "" and are raw bytes. */
void uw_text_belongs(struct uw_line *l, uint32_t uid, const char *user, const char *cgroup,
		     const char *netns_name);

/* ---- loss windows: text_window.c ---- */

/** uw_text_window - a window that opened, was joined by a flow or goes on (@again), or closed. */
void uw_text_window(const struct uw_text_out *o, const struct uw_clock *clock, const struct uw_window *w, bool again);

/* ---- the frame: text_start.c, text_summary.c, text_totals.c ---- */

/** uw_text_start - the first lines: what is watched, when, and who asks here. */
void uw_text_start(const struct uw_text_out *o, const struct uw_clock *clock,
		   const struct uw_run *run);

/** uw_text_nothing - append why nothing was seen: who asks here and when next, how to force a query. */
void uw_text_nothing(struct uw_line *l, const struct uw_clock *clock, const struct uw_run *run, uint64_t elapsed_ns);

/** uw_text_contrast - "the same server, other doors", if a flow of it is bad. */
void uw_text_contrast(const struct uw_text_out *o, const struct uw_flow *const *flows,
		      unsigned count);

/** uw_text_flows - a row for each flow; @now_ns: to say when it asks next. */
void uw_text_flows(const struct uw_text_out *o, const struct uw_clock *clock, uint64_t now_ns,
		   const struct uw_flow *const *flows, unsigned count);

/* ---- who asks how often: text_rhythm.c ---- */

#define UW_RHYTHMS 8 /* told at the most in a run */
#define UW_RHYTHM_LEAST_NS 8000000000ull /* shorter ones are the resends of a single check; NTP polls no oftener */

struct uw_text_rhythms {
	unsigned count;
	struct {
		struct uw_flow_id id;
		uint64_t interval_ns;
	} told[UW_RHYTHMS];
	uint64_t next_ns; /* when the next of them all is due, 0 not known */
	struct uw_line next; /* ... whose: "ntpd[811] port 123 → 192.0.2.1:123" */
};

/** uw_text_asker_name - append "ntpd[811] (and 2 more with this socket) port 123". */
void uw_text_asker_name(struct uw_line *l, const struct uw_asker *a);

/** uw_text_rhythm - append "every 256 s (next 02:15:33)", "every 64 s to 1024 s"; of a rhythm that is known. */
void uw_text_rhythm(struct uw_line *l, const struct uw_clock *clock, uint64_t now_ns, const struct uw_rhythm *r);

/** uw_text_rhythms - a line for each flow of a program here whose rhythm is news, also after what the askers of
 * @run said when it started, and what is due next. Return: how many lines were printed. */
unsigned uw_text_rhythms(struct uw_text_rhythms *r, struct uw_text_out *o, const struct uw_clock *clock,
			 const struct uw_run *run, uint64_t now_ns, const struct uw_flow *const *flows, unsigned count);

/** uw_text_verdicts - append "5 no_reply, 1 request_dropped". */
void uw_text_verdicts(struct uw_line *l, const uint64_t count[UW_VERDICTS], bool good_too);

/** uw_text_losses - our own blind spots, nothing if there were none. */
void uw_text_losses(const struct uw_text_out *o, const struct uw_totals *t);

/** uw_text_totals - one line that closes, or a hint if nothing at all was seen. */
void uw_text_totals(const struct uw_text_out *o, const char *lead, const struct uw_clock *clock,
		    const struct uw_run *run, const struct uw_totals *t);

/* ---- two vantage points: text_far.c ---- */

/** uw_text_far_fault - where it was lost. Return: false if no far end tells, and @l is as it was. */
bool uw_text_far_fault(struct uw_line *l, const struct uw_query *q);

/** uw_text_far_seen - that the server did answer, where it was then lost on this host. */
void uw_text_far_seen(const struct uw_text_out *o, const struct uw_query *q);

/** uw_text_far_flow - how much was lost in each direction. */
void uw_text_far_flow(struct uw_line *l, const struct uw_flow *f);

/** uw_text_vantages - the places that were compared, and their clocks. */
void uw_text_vantages(const struct uw_text_out *o, const struct uw_totals *t);

#endif
