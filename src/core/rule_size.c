/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets too large for the road: fragments that never come, and an MTU that is told. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/address.h"
#include "core/rules.h"

/* A fragment that was freed here is told as the drop that it was, never as this. */
bool uw_fragments_drop(const struct uw_flow_drop *d)
{
	return d->dir == UW_REPLY && d->stage == UW_STAGE_REASSEMBLY && strcmp(d->reason, "FRAG_REASM_TIMEOUT") == 0;
}

void uw_fragments_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	unsigned i;

	uw_say(d, "Replies came in fragments, but not all fragments came: %" PRIu64 " waited here in vain.", c->drops);
	uw_evidence_add(&d->in_favour, "stage reassembly, reason %s: %" PRIu64 " %s given up",
			c->drop->reason, c->drops, c->drops == 1 ? "reply" : "replies");
	for (i = 0; i < d->flows; i++) {
		const struct uw_flow *f = d->flow[i];
		char at[UW_ENDPOINT_TEXT];

		uw_evidence_add(&d->in_favour, "%s: %" PRIu64 " %s asked, %" PRIu64 " answered",
				uw_endpoint_text(&f->id.server, f->id.family, f->id.server_port, at),
				uw_flow_asked(f), uw_queries(uw_flow_asked(f)), uw_flow_answered(f));
	}
	uw_evidence_add(&d->open, "whether a filter on the way drops fragments, which have no ports, or the"
			" path loses packets");
}

static bool too_large(const struct uw_flow *f, uint64_t *refused)
{
	unsigned i;

	*refused = 0;
	for (i = 0; i < f->send_errors; i++) {
		if (f->send_error[i].err == EMSGSIZE)
			*refused += f->send_error[i].count;
	}
	return *refused || f->too_big;
}

bool uw_mtu_flow(const struct uw_flow *f)
{
	uint64_t refused;

	return too_large(f, &refused);
}

void uw_mtu_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_flow *f;
	char at[UW_ENDPOINT_TEXT];
	uint64_t refused;
	unsigned i;

	f = c->lead;
	uw_say(d, "Requests to %s are larger than the path takes, and may not be fragmented.",
	       uw_endpoint_text(&f->id.server, f->id.family, f->id.server_port, at));
	for (i = 0; i < d->flows; i++) {
		f = d->flow[i];
		too_large(f, &refused);
		if (refused)
			uw_evidence_add(&d->in_favour, "sends refused with EMSGSIZE: %" PRIu64, refused);
		if (f->too_big)
			uw_evidence_add(&d->in_favour, "requests without answer that a router called too large"
					" (MTU %u): %" PRIu64, f->mtu, f->too_big);
	}
}
