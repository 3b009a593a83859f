/* SPDX-License-Identifier: GPL-2.0-only */
/* --evidence: the packets of bad queries, from the kernel side's map into a pcapng file. */
#ifndef UW_EVIDENCE_FILE_H
#define UW_EVIDENCE_FILE_H

#include "core/clock.h"
#include "core/query.h"
#include "sink/pcapng.h"

struct uw_evidence_file;	/* opaque */

/** uw_evidence_open - @map: the kernel side's; clock outlives it. Return and @error: uw_pcapng_out_new(). */
int uw_evidence_open(const char *path, int map, const struct uw_clock *clock, struct uw_evidence_file **out,
		     char error[UW_PCAPNG_WRITE_ERROR]);

/** uw_evidence_query - write the packets of a judged query that were not written before. */
void uw_evidence_query(struct uw_evidence_file *e, const struct uw_query *q);

/** uw_evidence_close - says on stderr what was left out, and why. */
void uw_evidence_close(struct uw_evidence_file *e);

#endif
