/* SPDX-License-Identifier: GPL-2.0-only */
/* Which problems are one: the same program, flow, verdict, place; and what they caused in turn. */
#include <stdio.h>
#include <string.h>

#include "sink/text_parts.h"

static bool same_flow(const struct uw_query *a, const struct uw_query *b)
{
	return a->role == b->role && a->netns == b->netns && a->key.family == b->key.family &&
	       a->key.protocol == b->key.protocol && a->key.server_port == b->key.server_port &&
	       memcmp(&a->key.server, &b->key.server, sizeof(a->key.server)) == 0 &&
	       (a->role == UW_ROLE_SERVER ||
		memcmp(&a->key.client, &b->key.client, sizeof(a->key.client)) == 0) &&
	       uw_port_fixed(a->key.client_port, a->key.server_port) ==
		       uw_port_fixed(b->key.client_port, b->key.server_port);
}

static bool same_outcome(const struct uw_query *a, const struct uw_query *b)
{
	const struct uw_drop_fact *da = a->decisive_drop, *db = b->decisive_drop;

	if (a->verdict != b->verdict || a->fault != b->fault || a->stage != b->stage ||
	    a->send_errno != b->send_errno || !da != !db || a->host_number != b->host_number ||
	    a->far.outcome != b->far.outcome || a->far.place != b->far.place)
		return false;
	return !da || strcmp(da->reason, db->reason) == 0;
}

/* The same program, not the same process: a check that is run each minute is one cause. */
bool uw_group_takes(const struct uw_group *g, const struct uw_query *q)
{
	return same_outcome(&g->first, q) && same_flow(&g->first, q) &&
	       g->first.task.uid == q->task.uid && g->first.holders == q->holders &&
	       memcmp(g->first.holder, q->holder, sizeof(q->holder)) == 0 &&
	       strncmp(g->first.executable, q->executable, sizeof(q->executable)) == 0;
}

void uw_group_start(struct uw_group *g, const struct uw_query *q)
{
	memset(g, 0, sizeof(*g));
	uw_query_copy(&g->first, q);
	uw_group_add(g, q);
}

static void raise_to(uint64_t *most, uint64_t n)
{
	if (n > *most)
		*most = n;
}

static void add_rule(struct uw_group *g, const char *rule)
{
	unsigned i;

	for (i = 0; i < g->rules; i++) {
		if (strcmp(g->rule[i].rule, rule) == 0)
			break;
	}
	if (i == UW_GROUP_RULES) {
		g->more_rules++;
		return;
	}
	if (i == g->rules)
		snprintf(g->rule[g->rules++].rule, UW_RULE_TEXT_MAX, "%s", rule);
	g->rule[i].count++;
}

static void add_address(struct uw_group *g, const struct uw_addr *client)
{
	unsigned i;

	for (i = 0; i < g->clients && i < UW_GROUP_CLIENTS; i++)
		if (uw_addr_same(&g->client[i], client))
			return;
	if (i < UW_GROUP_CLIENTS)
		g->client[i] = *client;
	g->clients = i + 1;
}

void uw_group_add(struct uw_group *g, const struct uw_query *q)
{
	const struct uw_acquittal *a = &q->acquittal;
	const struct uw_query *f = &g->first;

	if (uw_text_drop_of(q))
		add_rule(g, uw_text_drop_of(q)->rule);
	g->id[g->count++ % UW_GROUP_IDS] = q->id;
	g->packets += q->attempts;
	g->on_wire += q->on_wire;
	g->dropped += q->dropped;
	raise_to(&g->last_ns, q->send_ns);
	g->more_pids |= q->task.pid != f->task.pid;
	g->more_ports |= q->key.client_port != f->key.client_port;
	add_address(g, &q->key.client);
	g->more_questions |= q->question_len != f->question_len ||
			     memcmp(q->question, f->question, sizeof(f->question)) != 0;
	g->gaps |= q->gaps;
	g->drops_here += a->drops_here;
	g->icmp_errors += a->icmp_errors;
	/* Counters of devices, seen by several queries at once: not to be added up. */
	raise_to(&g->nic_drops, a->nic_drops);
	raise_to(&g->tx_errors, a->tx_errors);
	raise_to(&g->tracer_losses, a->tracer_losses);
	g->looked = a->looked && (g->looked || g->count == 1);
	g->xdp |= a->xdp;
}

bool uw_group_causes(const struct uw_group *g, const struct uw_query *q)
{
	for (unsigned i = 0; i < g->count && i < UW_GROUP_IDS; i++)
		if (q->caused_by && g->id[i] == q->caused_by)
			return true;
	return false;
}

static bool same_hit(const struct uw_hit *h, const struct uw_query *q)
{
	return h->verdict == q->verdict && h->answer_flags == q->answer.flags &&
	       h->server_pid == q->server_pid && h->key.server_port == q->key.server_port &&
	       memcmp(&h->key.server, &q->key.server, sizeof(q->key.server)) == 0 &&
	       strncmp(h->asker, q->executable, sizeof(h->asker)) == 0;
}

void uw_group_hit(struct uw_group *g, const struct uw_query *q)
{
	struct uw_hit *h = g->hit;

	while (h < g->hit + g->hits && !same_hit(h, q))
		h++;
	if (h == g->hit + UW_GROUP_HITS) {
		g->more_hits++;
		return;
	}
	if (h == g->hit + g->hits) {
		g->hits++;
		*h = (struct uw_hit){
			.pid = q->task.pid,
			.server_pid = q->server_pid,
			.key = q->key,
			.verdict = q->verdict,
			.answer_flags = q->answer.flags,
		};
		memcpy(h->asker, q->executable, sizeof(h->asker));
	}
	h->count++;
}
