/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the HTML report share. Every name goes through html_text(). */
#ifndef UW_HTML_PARTS_H
#define UW_HTML_PARTS_H

#include "sink/html_timeline.h"
#include "sink/sink.h"

#define UW_HTML_DIAGNOSES 32
#define UW_HTML_QUERIES 60	/* bad ones listed one by one */
#define UW_HTML_WINDOWS 64

struct uw_html_diagnosis {
	struct uw_diagnosis d;
	struct uw_flow_id flow;		/* of the first; zero without one */
};

struct uw_html_window {
	uint32_t run;
	unsigned id;
	bool closed;
	uint64_t last_good_ns, first_bad_ns, last_bad_ns, first_good_ns;
	uint64_t queries, answered;
	unsigned flows;
	char rates[200];	/* "" not known */
};

struct uw_html {
	struct uw_sink sink;
	FILE *out;
	const struct uw_clock *clock;
	struct uw_run run;
	struct uw_timeline timeline;
	uint64_t first_ns, last_ns, asked, lot[UW_LOTS];
	uint64_t gap[UW_GAPS], captured;	/* queries that had this gap; that came from a capture */
	unsigned diagnoses, windows, bad_kept;
	uint64_t bad;
	struct uw_html_diagnosis diagnosis[UW_HTML_DIAGNOSES];
	struct uw_html_window window[UW_HTML_WINDOWS];
	struct uw_query bad_query[UW_HTML_QUERIES];
};

/** html_text - @s made safe and escaped for HTML, attributes included. */
void html_text(FILE *out, const char *s);

/** html_time - UTC, to the millisecond; date: with the date. */
void html_time(const struct uw_html *h, uint64_t when_ns, bool date);

/** html_head, html_foot - everything around the content: style, colours, no script, nothing loaded. */
void html_head(FILE *out);
void html_foot(FILE *out);

/* html_tables.c */
void html_flows(const struct uw_html *h, const struct uw_flow *const *flows, unsigned count);
void html_latency(const struct uw_html *h, const struct uw_flow *const *flows, unsigned count);
void html_queries(const struct uw_html *h);
void html_windows(const struct uw_html *h);

#endif
