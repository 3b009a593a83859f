/* SPDX-License-Identifier: GPL-2.0-only */
#include "core/flow.h"

#include <string.h>

#include "core/lot.h"

void uw_flow_id_of(struct uw_flow_id *id, const struct uw_query *q, bool probe)
{
	const struct uw_query_key *k = &q->key;

	memset(id, 0, sizeof(*id));
	id->client = k->client;
	id->server = k->server;
	id->netns = q->netns;
	id->server_port = k->server_port;
	id->family = k->family;
	id->protocol = k->protocol;
	id->role = q->role;
	/* A send that failed may have had no port yet: it would have got an ephemeral one. */
	id->fixed = k->client_port && uw_port_fixed(k->client_port, k->server_port);
	id->probe = probe;
	id->host = q->host_number;
	if (q->times && q->role == UW_ROLE_SERVER) {
		memset(&id->client, 0, sizeof(id->client)); /* of many */
	} else if (q->role == UW_ROLE_SERVER) {
		unsigned kept = k->family == 4 ? 3 : 6;

		memset(id->client.b + kept, 0, sizeof(id->client.b) - kept);
	}
}

static struct uw_flow_drop *drop_slot(struct uw_flow *f, const struct uw_drop_fact *d)
{
	struct uw_flow_drop *slot;
	unsigned i;

	for (i = 0; i < f->drops; i++) {
		slot = &f->drop[i];
		if (slot->stage == d->stage && slot->dir == d->dir && slot->netns == d->netns &&
		    strcmp(slot->reason, d->reason) == 0)
			return slot;
	}
	if (f->drops == UW_FLOW_DROPS)
		return NULL;
	slot = &f->drop[f->drops++];
	slot->stage = d->stage;
	slot->dir = d->dir;
	slot->netns = d->netns;
	memcpy(slot->reason, d->reason, sizeof(slot->reason));
	memcpy(slot->engine, d->engine, sizeof(slot->engine));
	memcpy(slot->hook, d->hook, sizeof(slot->hook));
	return slot;
}

static void count_drop(struct uw_flow *f, const struct uw_drop_fact *d, uint16_t port, uint64_t times)
{
	struct uw_flow_drop *slot = drop_slot(f, d);

	if (!slot) {
		f->drops_unlisted += times;
		return;
	}
	slot->count += times;
	slot->client_port = port;
	if (d->rule[0] && !slot->rule[0])
		memcpy(slot->rule, d->rule, sizeof(slot->rule) - 1);
	if (slot->rule[0] && strncmp(slot->rule, d->rule, sizeof(slot->rule) - 1) == 0)
		slot->by_rule += times;
	if (d->rcvbuf) {
		slot->rcvbuf = d->rcvbuf;
		slot->rmem = d->rmem;
	}
}

static void count_errno(struct uw_flow *f, int err, bool routed)
{
	unsigned i;

	for (i = 0; i < f->send_errors && f->send_error[i].err != err; i++)
		;
	if (i == UW_FLOW_ERRNOS)
		return; /* the verdict has counted it; four errnos of one flow tell enough */
	f->send_errors += i == f->send_errors;
	f->send_error[i].err = err;
	f->send_error[i].count++;
	f->send_error[i].routed += routed;
}

/* The server's own word that nobody listens. From a router or firewall it is another story. */
static bool port_unreachable(const struct uw_query *q)
{
	const struct uw_icmp *i = &q->icmp;

	if (!i->seen || memcmp(&i->from, &q->key.server, sizeof(i->from)) != 0)
		return false;
	return q->key.family == 4 ? i->type == 3 && i->code == 3 : i->type == 1 && i->code == 4;
}

static unsigned bucket_of(uint64_t us)
{
	unsigned n = 0;

	while (us >>= 1)
		n++;
	return n < UW_RTT_BUCKETS ? n : UW_RTT_BUCKETS - 1;
}

static bool is_good(enum uw_verdict v)
{
	return v == UW_ANSWERED || v == UW_SERVED || v == UW_FORWARDED;
}

/* What the devices counted around a query that got no answer. */
static void count_counters(struct uw_flow *f, const struct uw_query *q)
{
	const struct uw_acquittal *a = &q->acquittal;
	uint64_t allowance = 0;
	unsigned i;

	if (q->verdict != UW_NO_REPLY)
		return;
	for (i = 0; i < a->counters && i < UW_COUNTERS_MAX; i++)
		allowance += strstr(a->counter[i].name, "_allowance_exceeded") ? a->counter[i].rose : 0;
	if (allowance) {
		f->allowance_queries++;
		f->allowance_most = allowance > f->allowance_most ? allowance : f->allowance_most;
	} else if (a->nic_drops) {
		f->nic_queries++;
		f->nic_most = a->nic_drops > f->nic_most ? a->nic_drops : f->nic_most;
	}
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What follows from the verdict and goes with it when a later revision takes it back. */
static void count_verdict(struct uw_flow *f, const struct uw_query *q)
{
	uint64_t us = uw_query_duration_ns(q) / 1000;

	f->count[q->verdict] += uw_query_times(q);
	if (is_good(q->verdict)) {
		f->rtt[bucket_of(us)]++;
		f->rtt_max_us = us > f->rtt_max_us ? us : f->rtt_max_us;
	}
	if (q->verdict == UW_NO_REPLY && !q->gaps)
		f->bad_complete++;
	if (q->verdict == UW_REJECTED && port_unreachable(q))
		f->port_unreachable++;
	if (is_good(q->verdict) && q->answer.unsynchronised) {
		f->unsynchronised++;
		f->last_unsynchronised_ns = later(f->last_unsynchronised_ns, q->send_ns);
	}
	if (q->fault == UW_FAULT_BEYOND && uw_lot(q->verdict) == UW_LOT_LOST)
		f->lost_beyond += uw_query_times(q);
	f->late_given_up += q->verdict == UW_ANSWERED_LATE && q->fault == UW_FAULT_BEYOND && q->abandoned_ns;
	f->unread_closed += q->verdict == UW_REPLY_UNREAD && q->abandoned_ns;
	f->misdirected_complete += q->verdict == UW_MISDIRECTED && !q->gaps;
	f->late_beyond += q->verdict == UW_ANSWERED_LATE && q->fault == UW_FAULT_BEYOND;
	count_counters(f, q);
	if (q->verdict == UW_NO_REPLY && q->icmp.seen && q->icmp.mtu) {
		f->too_big++;
		f->mtu = q->icmp.mtu;
	}
	if (q->verdict == UW_SEND_FAILED && q->send_errno > 0)
		count_errno(f, q->send_errno, q->stage == UW_STAGE_ROUTE);
	if (q->verdict == UW_REFUSED && q->answer.kod) {
		f->refused++;
		f->kod_rate += memcmp(&q->answer.refid, "RATE", 4) == 0;
	}
}

/* Whether an earlier verdict accused what is beyond: gaps are only ever added, an ICMP error stays. */
static bool was_beyond(const struct uw_query *q, enum uw_verdict v)
{
	if (uw_lot(v) != UW_LOT_LOST)
		return false;
	return v == UW_REJECTED ? !q->icmp.local : v == UW_ANSWERED_LATE ? q->fault == UW_FAULT_BEYOND : !q->gaps;
}

static void take_back(struct uw_flow *f, const struct uw_query *q, enum uw_verdict v)
{
	if (!f->count[v])
		return; /* revision 1 was lost to a full table */
	f->count[v]--;
	f->revised[v]++;
	/*
	 * Gaps are only ever added, so a query without one now had none then. One that gained a gap
	 * meanwhile is caught by the bound.
	 */
	if (v == UW_NO_REPLY && !q->gaps && f->bad_complete)
		f->bad_complete--;
	if (f->bad_complete > f->count[UW_NO_REPLY])
		f->bad_complete = f->count[UW_NO_REPLY];
	if (was_beyond(q, v) && f->lost_beyond)
		f->lost_beyond--;
	if (v == UW_NO_REPLY && q->icmp.seen && q->icmp.mtu && f->too_big)
		f->too_big--;
	if (v == UW_REJECTED && port_unreachable(q) && f->port_unreachable)
		f->port_unreachable--;
}

static void note_asker(struct uw_flow *f, const struct uw_query *q)
{
	if (q->send_ns < later(f->last_good_ns, f->last_bad_ns))
		return;
	memcpy(f->executable, q->executable, sizeof(f->executable));
	f->pid = q->task.pid;
	f->client_port = q->key.client_port;
	memcpy(f->netns_name, q->netns_name, sizeof(f->netns_name));
}

static void count_far(struct uw_flow *f, const struct uw_far *far)
{
	f->far.seen += far->outcome != UW_FAR_NONE;
	f->far.requests_lost += far->requests_lost;
	f->far.replies_lost += far->replies_lost;
	f->far.no_reply += far->outcome == UW_FAR_NO_REPLY;
}

static void count_first(struct uw_flow *f, const struct uw_query *q)
{
	int dir;

	f->attempts += q->times ? q->times : q->attempts;
	f->duplicate += q->duplicate;
	f->conflicting += q->conflicting;
	if (!f->first_ns || q->send_ns < f->first_ns)
		f->first_ns = q->send_ns;
	uw_rhythm_note(&f->rhythm, q->send_ns);
	count_far(f, &q->far);
	f->tcp[q->tcp_retry]++;
	f->icmp_local += q->icmp.seen && q->icmp.local;
	for (dir = 0; dir < UW_DIRS; dir++) {
		if (q->drop[dir].seen)
			count_drop(f, &q->drop[dir], q->key.client_port, uw_query_times(q));
	}
}

void uw_flow_count(struct uw_flow *f, const struct uw_query *q, const enum uw_verdict *previous, struct uw_flow *first)
{
	f->host = q->host;
	f->captured |= q->captured;
	note_asker(f, q);
	if (previous)
		take_back(first, q, *previous);
	else
		count_first(f, q);
	/* A late reply may yet be dropped here: that is news of the second revision. */
	if (previous && q->verdict != *previous && q->decisive_drop)
		count_drop(f, q->decisive_drop, q->key.client_port, uw_query_times(q));
	count_verdict(f, q);
	if (is_good(q->verdict))
		f->last_good_ns = later(f->last_good_ns, q->send_ns);
	else if (uw_query_is_bad(q))
		f->last_bad_ns = later(f->last_bad_ns, q->send_ns);
}

void uw_flow_id_of_key(struct uw_flow_id *id, const struct uw_flow_key *key, bool probe)
{
	memset(id, 0, sizeof(*id));
	id->client = key->client;
	id->server = key->server;
	id->netns = key->netns;
	id->server_port = key->server_port;
	id->family = key->family;
	id->protocol = key->protocol;
	id->role = key->role;
	id->fixed = !!key->fixed;
	id->probe = probe;
}

bool uw_flow_drop_same(const struct uw_flow_drop *a, const struct uw_flow_drop *b)
{
	return a->stage == b->stage && a->dir == b->dir && a->netns == b->netns && !strcmp(a->reason, b->reason);
}

static void sum_drop(struct uw_flow *f, const struct uw_flow_drop *d)
{
	struct uw_flow_drop *slot;
	unsigned i;

	for (i = 0; i < f->drops && !uw_flow_drop_same(&f->drop[i], d); i++)
		;
	if (!d->count)
		return;
	if (i == UW_FLOW_DROPS) {
		f->drops_unlisted += d->count;
		return;
	}
	slot = &f->drop[i];
	if (i == f->drops) {
		f->drop[f->drops++] = *d;
		return;
	}
	slot->count += d->count;
	if (!slot->rule[0])
		memcpy(slot->rule, d->rule, sizeof(slot->rule));
	if (!strcmp(slot->rule, d->rule))
		slot->by_rule += d->by_rule;
	if (d->rcvbuf) {
		slot->rcvbuf = d->rcvbuf;
		slot->rmem = d->rmem;
	}
}

static void sum_errno(struct uw_flow *f, const struct uw_flow_errno *e)
{
	unsigned i;

	for (i = 0; i < f->send_errors && f->send_error[i].err != e->err; i++)
		;
	if (i == UW_FLOW_ERRNOS)
		return;
	if (i == f->send_errors)
		f->send_error[f->send_errors++] = (struct uw_flow_errno){ .err = e->err };
	f->send_error[i].count += e->count;
}

static void sum_asker(struct uw_flow *f, const struct uw_flow *more)
{
	if (later(more->last_good_ns, more->last_bad_ns) < later(f->last_good_ns, f->last_bad_ns))
		return;
	/* Of the same process the name is kept: the kernel's may be cut. */
	if (more->executable[0] && (!f->executable[0] || f->pid != more->pid)) {
		memcpy(f->executable, more->executable, sizeof(f->executable));
		f->pid = more->pid;
	}
	if (more->client_port)
		f->client_port = more->client_port;
	if (more->netns_name[0])
		memcpy(f->netns_name, more->netns_name, sizeof(f->netns_name));
}

/* What the rules count. */
static void sum_causes(struct uw_flow *f, const struct uw_flow *more)
{
	unsigned i;

	for (i = 0; i < more->drops; i++)
		sum_drop(f, &more->drop[i]);
	for (i = 0; i < more->send_errors; i++)
		sum_errno(f, &more->send_error[i]);
	for (i = 0; i < sizeof(f->tcp) / sizeof(*f->tcp); i++)
		f->tcp[i] += more->tcp[i];
	f->drops_unlisted += more->drops_unlisted;
	f->icmp_local += more->icmp_local;
	f->refused += more->refused;
	f->kod_rate += more->kod_rate;
	f->unsynchronised += more->unsynchronised;
	f->last_unsynchronised_ns = later(f->last_unsynchronised_ns, more->last_unsynchronised_ns);
	f->too_big += more->too_big;
	f->mtu = more->mtu ? more->mtu : f->mtu;
	f->port_unreachable += more->port_unreachable;
	f->lost_beyond += more->lost_beyond;
	f->late_beyond += more->late_beyond;
	f->late_given_up += more->late_given_up;
	f->unread_closed += more->unread_closed;
	f->misdirected_complete += more->misdirected_complete;
	f->nic_queries += more->nic_queries;
	f->nic_most = later(f->nic_most, more->nic_most);
	f->allowance_queries += more->allowance_queries;
	f->allowance_most = later(f->allowance_most, more->allowance_most);
	f->far.seen += more->far.seen;
	f->far.requests_lost += more->far.requests_lost;
	f->far.replies_lost += more->far.replies_lost;
	f->far.no_reply += more->far.no_reply;
}

void uw_flow_sum(struct uw_flow *f, const struct uw_flow *more)
{
	unsigned i;

	f->host = more->host;
	sum_asker(f, more);
	sum_causes(f, more);
	for (i = 0; i < UW_VERDICTS; i++) {
		f->count[i] += more->count[i];
		f->revised[i] += more->revised[i];
	}
	for (i = 0; i < UW_RTT_BUCKETS; i++)
		f->rtt[i] += more->rtt[i];
	f->attempts += more->attempts;
	f->duplicate += more->duplicate;
	f->conflicting += more->conflicting;
	f->bad_complete += more->bad_complete;
	f->suppressed += more->suppressed;
	f->rtt_max_us = later(f->rtt_max_us, more->rtt_max_us);
	f->last_good_ns = later(f->last_good_ns, more->last_good_ns);
	f->last_bad_ns = later(f->last_bad_ns, more->last_bad_ns);
	if (more->first_ns && (!f->first_ns || more->first_ns < f->first_ns))
		f->first_ns = more->first_ns;
}

uint64_t uw_flow_quantile_us(const struct uw_flow *f, double q)
{
	double below = 0, want, lower, upper, us;
	uint64_t total = 0;
	unsigned i;

	for (i = 0; i < UW_RTT_BUCKETS; i++)
		total += f->rtt[i];
	if (!total)
		return 0;
	want = q > 1 ? total : q > 0 ? q * total : 0;
	for (i = 0; i < UW_RTT_BUCKETS - 1; i++) {
		if (f->rtt[i] && below + f->rtt[i] >= want)
			break;
		below += f->rtt[i];
	}
	lower = i ? (double)(1ull << i) : 0;
	upper = (double)(2ull << i);
	us = lower + (upper - lower) * (f->rtt[i] ? (want - below) / f->rtt[i] : 1);
	return f->rtt_max_us && us > f->rtt_max_us ? f->rtt_max_us : (uint64_t)us;
}

uint64_t uw_flow_asked(const struct uw_flow *f)
{
	uint64_t asked = 0;
	int v;

	for (v = 0; v < UW_VERDICTS; v++)
		asked += f->count[v];
	return asked;
}

uint64_t uw_flow_answered(const struct uw_flow *f)
{
	return f->count[UW_ANSWERED] + f->count[UW_SERVED] + f->count[UW_FORWARDED];
}
