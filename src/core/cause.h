/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ruling 8, the resolver chain: a server of this host that did not answer, or said SERVFAIL, because
 * its own query for the same question went wrong is not to blame for more than that query was.
 */
#ifndef UW_CAUSE_H
#define UW_CAUSE_H

#include "core/query.h"

#define UW_CAUSES 512	/* bad queries remembered, the oldest is forgotten first */

struct uw_causes {
	struct uw_cause {
		uint64_t id, question_hash, send_ns, open_until_ns;
		uint32_t pid;
		enum uw_fault fault;
	} item[UW_CAUSES];
	unsigned next;
};

/** uw_cause_wanted - whether a judged query may have its cause in another one. */
bool uw_cause_wanted(const struct uw_query *q);

/** uw_cause_note - remember a judged query if it may be the cause of another one. */
void uw_cause_note(struct uw_causes *c, const struct uw_query *q);

/**
 * uw_cause_find - find the cause of @q among those noted: asked by the process that read @q's request,
 * for the same question, after it, or open when it came: several clients may wait for one. The first is
 * taken. Beyond stays what it needs: a query with gaps of its own is nobody's.
 * Return: true with q->fault and q->caused_by set.
 */
bool uw_cause_find(const struct uw_causes *c, struct uw_query *q);

#endif
