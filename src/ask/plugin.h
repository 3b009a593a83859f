/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a monitoring system reads: one line with its perfdata and an exit status (Monitoring Plugins
 * guidelines), and the explanation below it. Pure: what the prober got and what the tracer saw in, text out.
 */
#ifndef UW_PLUGIN_H
#define UW_PLUGIN_H

#include <stdio.h>

#include "ask/expect.h"
#include "ask/prober.h"
#include "ask/range.h"
#include "core/diagnose.h"

enum uw_plugin_state {
	UW_PLUGIN_OK,
	UW_PLUGIN_WARNING,
	UW_PLUGIN_CRITICAL,
	UW_PLUGIN_UNKNOWN,
};

#define UW_PLUGIN_WHY 200

struct uw_plugin_server {
	const char *name;	/* as the user gave it; raw bytes */
	const struct uw_probe_target *target;
	const struct uw_probe_result *result;	/* one for each door; NULL: could not be asked */
	unsigned doors;
	/* filled by uw_plugin_judge(): */
	enum uw_plugin_state state;
	char why[UW_PLUGIN_WHY];	/* "" nothing to explain */
};

struct uw_plugin {
	struct uw_plugin_server *server;
	unsigned servers;
	uint8_t protocol;
	int64_t wall_minus_boot_ns;
	struct uw_range warning, critical;	/* seconds; NTP: offset, DNS: time to the answer */
	double time_offset;		/* NTP: added to what is measured, seconds */
	bool quiet;			/* NTP: answers that tell no offset are UNKNOWN */
	const struct uw_expect *expect;	/* DNS; NULL nothing */

	/* what the tracer saw; traced: it ran */
	bool traced;
	const struct uw_flow *const *flow;
	unsigned flows;
	const char *diagnosis;		/* the surest, NULL none */
	enum uw_confidence confidence;
	/* filled by uw_plugin_judge(): */
	enum uw_plugin_state state;
};

/** uw_plugin_judge - the state of each server and of all: CRITICAL if all are, else the worst but one. */
void uw_plugin_judge(struct uw_plugin *p);

/** uw_plugin_line - one line with perfdata and newline. */
void uw_plugin_line(const struct uw_plugin *p, FILE *out);

/** uw_plugin_explain - a line for each server and port, and what cannot be told. */
void uw_plugin_explain(const struct uw_plugin *p, FILE *out);

/** uw_plugin_fail - the one line of a run that could not be made. Return: UW_PLUGIN_UNKNOWN. */
enum uw_plugin_state uw_plugin_fail(unsigned protocol, const char *text, FILE *out);

#endif
