// SPDX-License-Identifier: GPL-2.0-only
#include "core/cause.h"

bool uw_cause_wanted(const struct uw_query *q)
{
	if ((q->role != UW_ROLE_LOCAL && q->role != UW_ROLE_SERVER) || !q->server_pid || !q->question_hash)
		return false;
	return q->verdict == UW_NOT_SERVED ||
	       (q->verdict == uw_verdict_good(q->role) && uw_answer_servfail(q->key.protocol, &q->answer));
}

void uw_cause_note(struct uw_causes *c, const struct uw_query *q)
{
	uint64_t open_ns;

	/* A cause is what a server itself had asked. */
	if (q->role == UW_ROLE_SERVER || q->role == UW_ROLE_FORWARDER)
		return;
	if (!uw_query_is_bad(q) || !q->task.pid || !q->question_hash || q->revision > 1)
		return;
	open_ns = uw_query_duration_ns(q) ? uw_query_duration_ns(q) : q->timeout_ns;
	c->item[c->next++ % UW_CAUSES] = (struct uw_cause){
		.id = q->id, .question_hash = q->question_hash, .send_ns = q->send_ns, .pid = q->task.pid,
		.fault = q->fault, .open_until_ns = q->send_ns + open_ns,
	};
}

bool uw_cause_find(const struct uw_causes *c, struct uw_query *q)
{
	const struct uw_cause *first = NULL;
	unsigned i;

	for (i = 0; i < UW_CAUSES; i++) {
		const struct uw_cause *e = &c->item[i];

		if (e->id && e->pid == q->server_pid && e->question_hash == q->question_hash &&
		    (e->send_ns >= q->send_ns || e->open_until_ns > q->send_ns) && (!first || e->send_ns < first->send_ns))
			first = e;
	}
	if (!first)
		return false;
	/* Its own evidence has holes: the cause may be another. */
	q->fault = first->fault == UW_FAULT_BEYOND && q->gaps ? UW_FAULT_UNKNOWN : first->fault;
	q->caused_by = first->id;
	return true;
}
