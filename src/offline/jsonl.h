/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON lines, ours: of one run or of several, of one host or of several, mixed. Every line is hostile.
 *
 * Queries come with the verdict that they were told with. What a run only counted (good queries are not
 * told one by one) comes as the rest of its flow records, when the run is over.
 */
#ifndef UW_JSONL_H
#define UW_JSONL_H

#include "core/diagnose.h"
#include "core/flow.h"
#include "core/totals.h"
#include "core/window.h"
#include "offline/capture.h"

struct uw_jsonl_sink {
	/* @previous: what an earlier revision said, or NULL. */
	void (*query)(void *arg, const struct uw_query *q, const struct uw_previous *previous);
	void (*rest)(void *arg, const struct uw_flow *rest);
	void (*window)(void *arg, const struct uw_window *w);	/* replaces what it gave of it before */
	void (*facts)(void *arg, const struct uw_host_facts *facts);
	bool (*progress)(void *arg, const struct uw_capture_progress *p);	/* as uw_capture_options has it */
	void (*complain)(void *arg, const char *line);	/* a bad line: one line without newline */
	void *arg;
};

struct uw_jsonl_counts {
	uint64_t lines, bad;
	uint64_t forgotten;	/* queries whose revisions can no longer be told apart */
};

struct uw_jsonl;	/* opaque */

/** uw_jsonl_new - Return: a reader to be freed, or NULL without memory. */
struct uw_jsonl *uw_jsonl_new(const struct uw_jsonl_sink *sink, uint64_t timeout_ns);
void uw_jsonl_free(struct uw_jsonl *j);

/**
 * uw_jsonl_read - read a whole file; runs go on from file to file.
 * @error: after a failure, one line without newline. Return: 0; -EIO, -ENOMEM; -EBADMSG if lines were bad.
 */
int uw_jsonl_read(struct uw_jsonl *j, struct uw_source *source, char error[UW_SOURCE_ERROR]);

/** uw_jsonl_end - all runs are over; @sums: what they counted of traffic and losses is added to it. */
void uw_jsonl_end(struct uw_jsonl *j, struct uw_totals *sums);

/** uw_jsonl_sums_add - add that up; of verdicts nothing is in it, of faults those of queries that were only
 * counted. */
void uw_jsonl_sums_add(struct uw_totals *t, const struct uw_totals *of);

const struct uw_jsonl_counts *uw_jsonl_counts(const struct uw_jsonl *j);

#endif
