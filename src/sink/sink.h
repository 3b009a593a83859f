/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A sink prints finished facts. It never sees a kernel type, judges nothing and keeps only what it
 * needs to lay out its own output. One sink a file: text.c, json.c.
 */
#ifndef UW_SINK_H
#define UW_SINK_H

#include <stdio.h>

#include "core/asker.h"
#include "core/clock.h"
#include "core/diagnose.h"
#include "core/flow.h"
#include "core/query.h"
#include "core/totals.h"
#include "core/window.h"

#define UW_LIST_MAX 16

/* Facts about this run, known when it starts. Strings belong to the caller and outlive the sink. */
struct uw_run {
	const char *host;
	const char *version;		/* of udpwhy */
	const char *kernel;		/* uname -r */
	const char *command;		/* trace, monitor, ... */
	const char *filters;		/* as the user gave them, "" if none */
	uint32_t run;			/* high part of query.id */
	uint64_t timeout_ns;
	struct uw_port ports[UW_LIST_MAX];
	unsigned port_count;
	const char *scope[UW_LIST_MAX];	/* as the user named them */
	unsigned scope_count;		/* 0: all of the running kernel */
	const char *hooks[48];		/* attached */
	unsigned hook_count;
	uint32_t gaps;			/* UW_GAP_BIT() that hold for the whole run */
	const struct uw_asker *askers;	/* who asks here: open sockets towards traced ports */
	unsigned asker_count;
	struct uw_host_facts facts;
	uint64_t started_ns;		/* CLOCK_BOOTTIME */
	const char *const *file;	/* analyze: as the user named them; raw bytes */
	unsigned file_count;
};

/* What is open just now, for the line that a terminal shows meanwhile. */
struct uw_in_flight {
	unsigned open;
	uint64_t oldest_ns;		/* how long the oldest is open */
	struct uw_query_key oldest;
	uint64_t answered, bad;		/* so far */
};

/* What is still open when everything has been judged but not all has been told: for text only. */
struct uw_sink {
	void (*start)(struct uw_sink *s, const struct uw_run *run);
	void (*query)(struct uw_sink *s, const struct uw_query *q);
	void (*flow)(struct uw_sink *s, const struct uw_flow *f);
	/* Opened, joined by a flow, or closed: each record of a window replaces the one before. */
	void (*window)(struct uw_sink *s, const struct uw_window *w);
	void (*diagnosis)(struct uw_sink *s, const struct uw_diagnosis *d);
	void (*status)(struct uw_sink *s, const struct uw_totals *t);
	/* Last call before close; @flows is the whole table, sorted by flow key. */
	void (*end)(struct uw_sink *s, const struct uw_totals *t, const struct uw_flow *const *flows,
		    unsigned count);
	/* Text only sees the pause between bursts: print what was grouped. May be NULL. */
	void (*idle)(struct uw_sink *s);
	/* Text on a terminal only: what is open; NULL takes the line away. May be NULL. */
	void (*in_flight)(struct uw_sink *s, const struct uw_in_flight *f);
	/* Text only: who asks how often, and when next; while a run goes on. May be NULL. */
	void (*rhythms)(struct uw_sink *s, uint64_t now_ns, const struct uw_flow *const *flows, unsigned count);
	/* The terminal has another width. May be NULL. */
	void (*resize)(struct uw_sink *s, unsigned width);
	void (*close)(struct uw_sink *s);	/* frees the sink; flushes first */
};

/**
 * uw_sink_json - one object a line, as the contract has it (schema/udpwhy.schema.json).
 * @out: stays the caller's; clock: to turn CLOCK_BOOTTIME into wall-clock time.
 * Return: a sink to be freed by its close(), or NULL without memory.
 */
struct uw_sink *uw_sink_json(FILE *out, const struct uw_clock *clock);

/** uw_sink_html - one page for a ticket, written at the end; wants every query. Likewise. */
struct uw_sink *uw_sink_html(FILE *out, const struct uw_clock *clock);

struct uw_text_options {
	bool colour;
	unsigned width;		/* columns, kept within 40 to 200; 0: do not fold */
	bool live;		/* a terminal: show what is in flight */
	bool all;		/* good queries too, a line each */
};

/** uw_sink_text - for a person: problems grouped into paragraphs, contrast, acquittals, summary. */
struct uw_sink *uw_sink_text(FILE *out, const struct uw_clock *clock,
			     const struct uw_text_options *options);

#endif
