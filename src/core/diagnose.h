/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From flows to causes. The rules are a table (rules.c): id, predicate, evidence, next step.
 */
#ifndef UW_DIAGNOSE_H
#define UW_DIAGNOSE_H

#include "core/clock.h"
#include "core/flow.h"
#include "core/window.h"

enum uw_confidence {
	UW_POSSIBLE,
	UW_LIKELY,
	UW_CERTAIN,
};

#define UW_EVIDENCE_MAX 6
#define UW_SENTENCE_MAX 320
#define UW_NEXT_STEP_MAX 1280

struct uw_evidence {
	unsigned count;
	char line[UW_EVIDENCE_MAX][UW_SENTENCE_MAX];
};

struct uw_diagnosis {
	const char *id;			/* "ephemeral-replies-filtered" */
	enum uw_confidence confidence;
	char summary[UW_SENTENCE_MAX];
	struct uw_evidence in_favour, against, open;
	char next_step[UW_NEXT_STEP_MAX];
	uint64_t subject;		/* what tells it from others of its id; 0: its flows do */
	unsigned occasions;		/* how often it was seen to happen, where that is known */
	unsigned flows;
	const struct uw_flow *flow[UW_EVIDENCE_MAX];
};

/* What is known besides the flows, for evidence and advice. */
struct uw_host_facts {
	const struct uw_window *const *windows;	/* as uw_windows_list() gives them */
	unsigned window_count;
	struct uw_loss loss;
	const struct uw_clock *clock;	/* for times in a ticket, NULL: none are told */
	uint16_t ephemeral_low, ephemeral_high;	/* net.ipv4.ip_local_port_range, 0 unknown */
	uint32_t netns;			/* the one that a shell beside us is in, 0 unknown */
};

/**
 * uw_diagnose - run every rule over the flows.
 * @flows: sorted as uw_flow_list() gives them; out: receives at most @max diagnoses.
 * Return: how many were written.
 */
unsigned uw_diagnose(const struct uw_flow *const *flows, unsigned count,
		     const struct uw_host_facts *host, struct uw_diagnosis *out, unsigned max);

const char *uw_confidence_name(enum uw_confidence c);

#endif
