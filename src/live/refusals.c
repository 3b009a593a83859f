// SPDX-License-Identifier: GPL-2.0-only
#include "live/refusals.h"

void uw_refusals_keep(struct uw_refusals *all, const struct uw_record *r)
{
	all->item[all->next++ % UW_REFUSALS] = (struct uw_refusal){
		.key = r->key, .when_ns = r->send_ns, .err = r->send_errno,
	};
}

static bool is_its(const struct uw_query_key *refused, const struct uw_query_key *k)
{
	static const struct uw_addr none;

	return refused->family == k->family && refused->client_port == k->client_port &&
	       refused->server_port == k->server_port && uw_addr_same(&refused->client, &k->client) &&
	       (uw_addr_same(&refused->server, &none) || uw_addr_same(&refused->server, &k->server));
}

void uw_refusals_give(const struct uw_refusals *all, struct uw_query *q)
{
	unsigned i;

	if (!(q->flags & UW_Q_SERVER_READ) || q->flags & UW_Q_REPLY_SENT || q->send_errno)
		return;
	for (i = 0; i < UW_REFUSALS; i++) {
		const struct uw_refusal *r = &all->item[i];

		if (r->err && r->when_ns >= q->send_ns && is_its(&r->key, &q->key))
			q->send_errno = r->err;
	}
}
