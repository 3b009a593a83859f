// SPDX-License-Identifier: GPL-2.0-only
/* tcp-fallback-blocked: truncated answers over UDP come in, the connection that follows them does not. */
#include <inttypes.h>

#include "core/address.h"
#include "core/rules.h"

#define OFTEN 2	/* a single connection may fail by chance */

static uint64_t failed(const struct uw_flow *f)
{
	return f->tcp[UW_TCP_REFUSED] + f->tcp[UW_TCP_UNREACHABLE] + f->tcp[UW_TCP_TIMED_OUT];
}

bool uw_tcp_flow(const struct uw_flow *f)
{
	return failed(f) != 0;
}

/* What became of the connections to the asked server, and of those to others. */
struct connections {
	uint64_t failed, refused, connected, elsewhere;
};

static void sum_connections(const struct uw_case *c, struct connections *s)
{
	unsigned i;

	*s = (struct connections){0};
	for (i = 0; i < c->count; i++) {
		const struct uw_flow *f = c->flows[i];

		if (!uw_addr_same(&f->id.server, &c->lead->id.server))
			s->elsewhere += f->tcp[UW_TCP_CONNECTED];
		if (!uw_flows_related(f, c->lead))
			continue;
		s->failed += failed(f);
		s->refused += f->tcp[UW_TCP_REFUSED];
		s->connected += f->tcp[UW_TCP_CONNECTED];
	}
}

/*
 * A connection that came about shows that TCP does get through: then it is something else. One that
 * was not answered may have been a moment's; one that was refused is the server's word.
 */
bool uw_tcp_holds(const struct uw_case *c, enum uw_confidence *confidence)
{
	struct connections s;

	sum_connections(c, &s);
	*confidence = s.failed >= OFTEN || s.refused || s.elsewhere ? UW_LIKELY : UW_POSSIBLE;
	return !s.connected;
}

void uw_tcp_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_flow *lead = c->lead;
	struct connections s;
	char at[UW_ADDR_TEXT];
	unsigned i;

	sum_connections(c, &s);
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
	if (s.elsewhere)
		uw_evidence_add(&d->in_favour, "TCP connections to other servers that came about: %" PRIu64, s.elsewhere);
	if (d->confidence == UW_POSSIBLE)
		uw_evidence_add(&d->open, "1 connection only, and 0 to other servers: it may have been the loss of a moment");
	uw_evidence_add(&d->open, "who stops them: a rule on this host, on the way, or the server without TCP");
}
