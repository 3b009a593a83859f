/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loop that trace, monitor and probe share: sources in, core, sink out, until there is nothing to wait
 * for. What differs between the two is in struct uw_watch_plan.
 */
#ifndef UW_WATCH_H
#define UW_WATCH_H

#include "ask/prober.h"
#include "cli.h"
#include "core/flow.h"

#define UW_WATCH_TARGETS 16

struct uw_probes;
struct uw_report;

struct uw_watch_target {
	struct uw_probe_target target;
	uint32_t netns;		/* where it is asked from: inode */
};

struct uw_watch_plan {
	const struct uw_options *options;
	/* probe: what to ask from the start, and nothing else is of interest */
	const struct uw_watch_target *ask;
	unsigned asks;
	/* told when all is over, before the sink is closed */
	void (*finished)(void *arg, const struct uw_probes *probes, struct uw_report *report);
	void *arg;
	bool silent;		/* no sink: the caller tells in its own words */
};

/**
 * uw_watch - trace until told to stop, the command has ended or the probes are done.
 * Return: the exit status; what went wrong has been said on stderr.
 */
int uw_watch(const struct uw_watch_plan *plan);

#endif
