// SPDX-License-Identifier: GPL-2.0-only
/* tcp-fallback-blocked: truncated answers over UDP come in, the connection that follows them does not. */
#include <inttypes.h>

#include "core/address.h"
#include "core/rules.h"

static uint64_t failed(const struct uw_flow *f)
{
	return f->tcp[UW_TCP_REFUSED] + f->tcp[UW_TCP_UNREACHABLE] + f->tcp[UW_TCP_TIMED_OUT];
}

bool uw_tcp_flow(const struct uw_flow *f)
{
	return failed(f) != 0;
}

/* A connection that came about shows that TCP does get through: then it is something else. */
bool uw_tcp_holds(const struct uw_case *c, enum uw_confidence *confidence)
{
	uint64_t connected = 0;
	unsigned i;

	for (i = 0; i < c->count; i++) {
		if (uw_flows_related(c->flows[i], c->lead))
			connected += c->flows[i]->tcp[UW_TCP_CONNECTED];
	}
	*confidence = UW_LIKELY;
	return !connected;
}

void uw_tcp_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_flow *lead = c->lead;
	char at[UW_ADDR_TEXT];
	unsigned i;

	uw_say(d, "Answers of %s are too long for UDP, and TCP to its port %u does not get through.",
	       uw_addr_text(&lead->id.server, lead->id.family, at), lead->id.server_port);
	for (i = 0; i < d->flows; i++) {
		const struct uw_flow *f = d->flow[i];

		if (f->tcp[UW_TCP_TIMED_OUT])
			uw_evidence_add(&d->in_favour, "TCP connections after a truncated answer that drew no"
					" answer: %" PRIu64, f->tcp[UW_TCP_TIMED_OUT]);
		if (f->tcp[UW_TCP_REFUSED])
			uw_evidence_add(&d->in_favour, "TCP connections after a truncated answer that were"
					" refused: %" PRIu64, f->tcp[UW_TCP_REFUSED]);
		if (f->tcp[UW_TCP_UNREACHABLE])
			uw_evidence_add(&d->in_favour, "TCP connections after a truncated answer that were"
					" turned away on their way: %" PRIu64, f->tcp[UW_TCP_UNREACHABLE]);
	}
	uw_evidence_add(&d->in_favour, "TCP connections to it that came about: 0, while it answers over UDP");
	uw_evidence_add(&d->open, "who stops them: a rule on this host, on the way, or the server without TCP");
}
