// SPDX-License-Identifier: GPL-2.0-only
#include "live/collector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "live/addresses.h"
#include "live/daemon_word.h"
#include "live/daemons.h"
#include "live/facts.h"
#include "live/holder.h"
#include "live/icmp.h"
#include "live/losses.h"
#include "live/refusals.h"
#include "live/sockets.h"
#include "live/strays.h"
#include "live/told.h"
#include "live/tunnels.h"
#include "live/unsent.h"
#include "live/waiting.h"
#include "live/wires.h"

#define BATCH 256			/* records copied out of a map at once */
#define SWEEP_NS 200000000ull
#define FOLLOW_NS 1000000000ull		/* between looks for new namespaces */
#define LOOKS 8				/* at what sockets have not sent, in a sweep */
#define SEND_SETTLE_NS 150000000ull	/* a failed lookup that no packet or result followed is final */
#define STRAY_NS UW_HOLD_NS		/* a reply to a request from before our start comes this soon */

struct uw_collector {
	struct uw_live *live;
	struct uw_live_fds fds;
	struct uw_collector_options options;
	struct ring_buffer *ring;
	struct uw_facts facts;
	struct uw_wires *wires;
	uw_query_fn on_query;
	void *arg;
	struct uw_told_all *told[UW_QUOTAS];
	struct uw_sockets *sockets;
	struct uw_icmp_notes *icmp;
	struct uw_strays *strays;
	struct uw_waiting *waiting;
	struct uw_losses losses;
	struct uw_refusals refusals;
	struct uw_record *batch;
	struct uw_query_key *batch_key;
	uint64_t started_ns, sweep_ns, follow_ns, now_ns;
	struct flood {		/* causes of drops that are counted, and how many were handed out */
		struct uw_flood_key key;
		uint64_t told;
	} *flood;
	unsigned floods;
	unsigned looks;		/* of this sweep at what sockets have not sent */
	unsigned open, seen[UW_QUOTAS];	/* entries at the last sweep */
	uint64_t oldest_ns;		/* of those, when it was sent; 0 none */
	struct uw_query_key oldest;
	uint32_t own_pid;
	uint64_t rule_unknown;	/* drops told without the rule that was looked for */
};

/* A visitor's namespace is known at its end only. */
static bool passes_netns(const struct uw_collector *c, const struct uw_query *q)
{
	bool passes = uw_live_wants_netns(c->live, q->netns);

	for (unsigned i = 0; i < q->hops && !passes; i++)
		passes = uw_live_wants_netns(c->live, q->path[i].netns);
	return passes;
}

static bool wanted(const struct uw_collector *c, const struct uw_query *q)
{
	const struct uw_filters *f = c->options.filters;
	char cut[UW_COMM] = "";

	if (q->task.pid == c->own_pid)
		return true;
	if (q->key.quota != UW_QUOTA_CLIENT && !passes_netns(c, q))
		return false;
	if (f->process_pid && q->task.pid != f->process_pid)
		return false;
	memcpy(cut, f->process, strnlen(f->process, sizeof(cut) - 1));
	return !f->process[0] || !strcmp(q->executable, f->process) || !strcmp(q->task.comm, cut);
}

static void note_gaps(struct uw_collector *c, struct uw_query *q)
{
	const struct uw_netns *list;
	unsigned count;

	q->gaps |= uw_live_gaps(c->live) | uw_losses_gaps(&c->losses, q->send_ns, q->key.quota || !q->on_wire);
	list = uw_live_namespaces(c->live, &count);
	if (q->on_wire && !q->wire_in_ns && !q->answer.when_ns) {
		uw_wires_acquit(c->wires, q, list, count);
		uw_tunnels_clear(c->fds.tunnel_seconds, q);
	}
	uw_wires_engine(c->wires, &q->drop[UW_REQUEST], q->key.family, list, count);
	uw_wires_engine(c->wires, &q->drop[UW_REPLY], q->key.family, list, count);
	q->acquittal.drops_here = q->dropped;
	q->acquittal.icmp_errors = q->icmp.seen;
	q->acquittal.tracer_losses = q->gaps & UW_GAP_BIT(UW_GAP_RECORDS_LOST) ? 1 : 0;
}

static void count_rules(struct uw_collector *c, const struct uw_query *q)
{
	unsigned i;

	for (i = 0; i < UW_DIRS; i++) {
		const struct uw_drop_fact *d = &q->drop[i];

		c->rule_unknown += d->seen && d->rule_traced && !strcmp(d->engine, "nftables") && !d->rule[0];
	}
}

static void tell_waited(void *arg, const struct uw_query *q)
{
	const struct uw_collector *c = arg;
	struct uw_told *t = uw_told_find(c->told[q->key.quota], q->id);

	/* What was found while it waited is what was said of it. */
	if (t)
		t->said.fault = q->fault;
	c->on_query(c->arg, q, NULL);
}

/* A reply comes back under the tuple that the wire saw: if that was forgotten, it found no query. */
static void note_alias(struct uw_collector *c, struct uw_query *q)
{
	struct uw_query_key own, wire = q->key;

	if (!q->nat.seen || q->wire_in_ns)
		return;
	wire.client = q->nat.client;
	wire.server = q->nat.server;
	wire.client_port = q->nat.client_port;
	wire.server_port = q->nat.server_port;
	wire.slot = wire.quota = 0;
	if (!bpf_map_lookup_elem(q->key.quota ? c->fds.visitor_aliases : c->fds.aliases, &wire, &own) || errno != ENOENT)
		return;
	c->losses.aliases++;
	q->gaps |= UW_GAP_BIT(UW_GAP_RECORDS_LOST);
}

/* Who holds the packet itself. */
static void note_holder(struct uw_collector *c, struct uw_query *q)
{
	struct uw_netns ns;

	if ((q->verdict == UW_REQUEST_HELD || q->verdict == UW_REPLY_HELD) &&
	    uw_collector_netns(c, uw_holder_netns(q), &ns))
		uw_holder_find(q, &ns);
}

/* Of a visitor only a late reply is news when its time is over. */
static bool is_settled(const struct uw_query *q)
{
	return q->key.quota != UW_QUOTA_CLIENT && q->verdict != UW_NO_REPLY && q->verdict != UW_REJECTED &&
	       !(q->verdict == UW_NOT_SERVED && q->stage == UW_STAGE_READ);
}

/* Judge and hand out; @final: nothing can come any more that would change it. */
static void tell(struct uw_collector *c, struct uw_query *q, bool final)
{
	struct uw_told *t = uw_told_find(c->told[q->key.quota], q->id);
	struct uw_previous previous;

	if (!wanted(c, q))
		return;
	uw_icmp_notes_give(c->icmp, q);
	uw_strays_note(c->strays, q);
	note_gaps(c, q);
	q->judged_ns = c->now_ns;
	uw_judge(q);
	note_holder(c, q);
	if (t) {
		if (!uw_told_changed(t, q))
			return;
		uw_waiting_hurry(c->waiting, q->id, tell_waited, c);
		previous = t->said;
		q->revision = ++t->revision;
		t->said = (struct uw_previous){ q->verdict, q->fault };
		t->stage = q->stage;
	} else if (!final && !is_settled(q)) {
		uw_told_keep(c->told[q->key.quota], q);
	}
	if (!t)
		count_rules(c, q);
	if (!uw_waiting_take(c->waiting, q))
		c->on_query(c->arg, q, t ? &previous : NULL);
}

/*
 * A reply freed here whose request we do not know: it was sent before our start, or when the table was full.
 * To a socket that was opened since, it is one from elsewhere than was asked: its query is told.
 */
static bool take_stray(struct uw_collector *c, const struct uw_record *r, struct uw_query *q)
{
	bool young = q->wire_in_ns < c->started_ns + STRAY_NS && uw_sockets_may_have_asked(c->sockets, r);

	uw_losses_watch(&c->losses, c->live, c->now_ns);
	if (uw_losses_table_full(&c->losses, q->wire_in_ns - STRAY_NS))
		q->gaps |= UW_GAP_BIT(UW_GAP_TABLE_FULL);
	if (!young)
		q->gaps &= ~UW_GAP_BIT(UW_GAP_STARTED_AFTER_REQUEST);
	return q->gaps && !uw_live_filtered(c->live) && uw_stray_is_ours(q);
}

static int take_record(void *arg, void *data, size_t size)
{
	struct uw_collector *c = arg;
	const struct uw_record *r = data;
	struct uw_query q;

	if (uw_record_check(data, size)) {
		uw_losses_damaged(&c->losses, c->now_ns);
		return 0;
	}
	if (r->kind == UW_RECORD_ICMP) {
		uw_icmp_notes_keep(c->icmp, r);
		return 0;
	}
	if (r->kind == UW_RECORD_TCP) {
		uw_waiting_tcp(c->waiting, r, c->now_ns);
		return 0;
	}
	if (r->kind == UW_RECORD_REPLY_FAILED) {
		uw_refusals_keep(&c->refusals, r);
		return 0;
	}
	if (r->kind == UW_RECORD_STRAY)
		uw_strays_keep(c->strays, r);
	uw_facts_query(&c->facts, r, &q);
	/* From another port than one that was asked since our start: its query is told, as misdirected. */
	if (r->kind == UW_RECORD_STRAY && (r->from_port || !take_stray(c, r, &q)))
		return 0;
	if (r->key.quota == UW_QUOTA_CLIENT)
		uw_sockets_ended(c->sockets, r, &q);
	uw_sockets_holders(c->sockets, r, &q, c->now_ns);
	tell(c, &q, true);
	return 0;
}

/* A request that came in by a device, when its time is over. */
static void settle_visitor(struct uw_collector *c, const struct uw_record *r, struct uw_query *q)
{
	bool ours = uw_query_is_ours(q);

	if (ours) {
		uw_sockets_holders(c->sockets, r, q, c->now_ns);
		note_alias(c, q);
		uw_refusals_give(&c->refusals, q);
		tell(c, q, false);
	}
	if (!ours || is_settled(q))
		bpf_map_delete_elem(c->fds.tables[r->key.quota], &r->key);
}

/* Past its deadline and not out, but nothing of its socket's is on this host: its end was not seen. */
static bool vanished(struct uw_collector *c, const struct uw_record *r, struct uw_query *q)
{
	struct uw_record again;
	struct uw_netns ns;

	if (!c->looks || !uw_collector_netns(c, q->netns, &ns))
		return false;
	c->looks--;
	if (uw_unsent_look(q, &ns) != UW_UNSENT_NONE)
		return false;
	/* Its end may have come since the table was read. */
	if (bpf_map_lookup_elem(c->fds.tables[r->key.quota], &r->key, &again) || again.id != r->id ||
	    again.attempts != r->attempts || again.on_wire != r->on_wire || again.dropped != r->dropped ||
	    again.hops != r->hops)
		return false;
	c->losses.vanished++;
	q->gaps |= UW_GAP_BIT(UW_GAP_RECORDS_LOST);
	return true;
}

/* One entry of the in-flight tables. Returns whether it is still open. */
static bool look_at(struct uw_collector *c, const struct uw_record *r, bool last)
{
	char cgroup[UW_NAME_MAX];
	struct uw_query q;

	if (!r->id || uw_record_check(r, sizeof(*r)))
		return false;
	/* A late reply that no socket took is known by its mark only. */
	if (uw_told_find(c->told[r->key.quota], r->id) && (!r->wire_in_ns || r->wire_in_ns + SWEEP_NS > c->now_ns))
		return false;
	if (r->task.pid) /* its cgroup may be gone when the query is judged */
		uw_who_cgroup(c->facts.who, r->task.cgroup, cgroup);
	if (c->now_ns < r->send_ns + c->options.timeout_ns)
		return true;
	uw_facts_query(&c->facts, r, &q);
	if (r->key.quota != UW_QUOTA_CLIENT) {
		if (uw_query_open(&q, c->now_ns) && !last)
			return true;
		settle_visitor(c, r, &q);
		return false;
	}
	uw_sockets_read(c->sockets, r, &q);
	uw_sockets_ended(c->sockets, r, &q);
	if (uw_query_open(&q, c->now_ns) && !vanished(c, r, &q) && !last)
		return true;
	uw_sockets_holders(c->sockets, r, &q, c->now_ns);
	note_alias(c, &q);
	tell(c, &q, false);
	return false;
}

static void count_open(struct uw_collector *c, const struct uw_record *r, bool open)
{
	if (!open)
		return;
	c->open++;
	if (c->oldest_ns && c->oldest_ns <= r->send_ns)
		return;
	c->oldest_ns = r->send_ns;
	c->oldest = r->key;
}

static void sweep_table(struct uw_collector *c, enum uw_quota quota, bool last)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t in, out, count, i;
	bool first = true;
	int err = 0;

	c->seen[quota] = 0;
	while (!err) {
		count = BATCH;
		err = bpf_map_lookup_batch(c->fds.tables[quota], first ? NULL : &in, &out, c->batch_key, c->batch,
					   &count, &opts);
		if (err && errno != ENOENT) {
			/* What was not looked at may be open: it is looked at in the next sweep. */
			c->losses.sweeps++;
			c->open += !last;
			return;
		}
		for (i = 0; i < count; i++)
			count_open(c, &c->batch[i], look_at(c, &c->batch[i], last));
		c->seen[quota] += count;
		in = out;
		first = false;
	}
}

static struct flood *flood_of(struct uw_collector *c, const struct uw_flood_key *key)
{
	unsigned i;

	for (i = 0; i < c->floods; i++) {
		if (!memcmp(&c->flood[i].key, key, sizeof(*key)))
			return &c->flood[i];
	}
	if (i == UW_FLOODS)
		return NULL;
	c->flood[i] = (struct flood){ .key = *key };
	c->floods++;
	return &c->flood[i];
}

/* Drops of visitors' packets beyond what is told one by one: how many more, with the first one's cause. */
static void sweep_floods(struct uw_collector *c)
{
	struct uw_flood_key key, next, *previous = NULL;
	struct uw_record r;
	struct uw_query q;

	for (; !bpf_map_get_next_key(c->fds.floods, previous, &next); previous = &key) {
		struct flood *f;

		key = next;
		if (bpf_map_lookup_elem(c->fds.floods, &key, &r) || uw_record_check(&r, sizeof(r)))
			continue;
		f = flood_of(c, &key);
		if (!f || r.times <= f->told)
			continue;
		uw_facts_query(&c->facts, &r, &q);
		q.times = r.times - f->told;
		f->told = r.times;
		uw_judge(&q);
		if (q.decisive_drop)
			c->on_query(c->arg, &q, NULL);
	}
}

/* Bad visitors are kept in a part of their table; the rest is for those that are open. */
static void let_visitors_in(const struct uw_collector *c, bool last)
{
	const int64_t room[UW_QUOTAS] = {
		[UW_QUOTA_SERVER] = UW_OPEN_SERVED / 4 - (int64_t)c->seen[UW_QUOTA_SERVER],
		[UW_QUOTA_FORWARDER] = UW_OPEN_PASSING / 2 - (int64_t)c->seen[UW_QUOTA_FORWARDER],
	};

	uw_live_visitors(c->live, last ? 0 : c->started_ns, room);
}

static void sweep_queries(struct uw_collector *c, bool last)
{
	unsigned quota;

	c->open = 0;
	c->looks = LOOKS;
	c->oldest_ns = 0;
	for (quota = 0; quota < UW_QUOTAS; quota++)
		sweep_table(c, quota, last);
	let_visitors_in(c, last);
}

/* connect() failed and nothing was sent: the lookup's error stands. */
static void tell_failed_send(struct uw_collector *c, const struct uw_send *s)
{
	struct uw_record r = {
		.version = UW_RECORD_VERSION, .kind = UW_RECORD_SEND_FAILED, .size = sizeof(r),
		.id = s->id, .key = s->key, .task = s->task, .netns = s->netns, .send_ns = s->when_ns,
		.send_errno = s->vague ? 0 : s->route_errno, .attempts = 1,
		.flags = UW_Q_LOCAL_SEND | UW_Q_NO_PACKET, .stage = { [UW_REQUEST] = s->refused ? UW_STAGE_SEND : UW_STAGE_ROUTE },
	};

	take_record(c, &r, sizeof(r));
}

static void sweep_sends(struct uw_collector *c, bool last)
{
	uint32_t tid, next, *previous = NULL;
	struct uw_send s;

	while (!bpf_map_get_next_key(c->fds.sends, previous, &next)) {
		bool due = !bpf_map_lookup_elem(c->fds.sends, &next, &s) && s.route_errno &&
			   (last || c->now_ns > s.when_ns + SEND_SETTLE_NS);

		if (due) {
			tell_failed_send(c, &s);
			if (!bpf_map_delete_elem(c->fds.sends, &next))
				uw_live_send_told(c->live);
		}
		tid = next;
		previous = due ? NULL : &tid;
	}
}

/* Forgotten in the kernel too. */
static void forget_told(void *arg, const struct uw_told *t)
{
	const struct uw_collector *c = arg;
	struct uw_record r;

	int table = c->fds.tables[t->key.quota];

	if (!bpf_map_lookup_elem(table, &t->key, &r) && r.id == t->id)
		bpf_map_delete_elem(table, &t->key);
}

/* What can no longer get a late answer is forgotten. */
static void forget(struct uw_collector *c)
{
	uw_told_forget(c->told[UW_QUOTA_CLIENT], UW_OPEN_QUERIES / 2, c->now_ns, forget_told, c);
	uw_told_forget(c->told[UW_QUOTA_SERVER], UW_OPEN_SERVED / 4, c->now_ns, forget_told, c);
	uw_told_forget(c->told[UW_QUOTA_FORWARDER], UW_OPEN_PASSING / 4, c->now_ns, forget_told, c);
	uw_strays_forget(c->strays, c->now_ns);
	uw_icmp_notes_forget(c->icmp, c->now_ns);
}

static void follow(struct uw_collector *c)
{
	const struct uw_netns *list;
	unsigned count;

	c->follow_ns = c->now_ns;
	uw_live_follow_namespaces(c->live);
	list = uw_live_namespaces(c->live, &count);
	uw_wires_read(c->wires, list, count, c->now_ns);
	uw_tunnels_forget(c->fds.tunnel_seconds, c->now_ns, c->options.timeout_ns + UW_HOLD_NS);
	uw_addresses_follow(c->fds.here, list, count, c->now_ns);
	uw_who_look_at_namespaces(c->facts.who);
	if (c->facts.symbols)
		uw_ksyms_refresh_if_modules_changed(c->facts.symbols);
}

unsigned uw_collector_run(struct uw_collector *c, uint64_t now_ns, bool last)
{
	c->now_ns = now_ns;
	ring_buffer__consume(c->ring);
	if (!last && now_ns - c->sweep_ns < SWEEP_NS)
		return c->open + uw_waiting_count(c->waiting);
	c->sweep_ns = now_ns;
	uw_losses_slept(&c->losses, uw_now_ns(), uw_awake_ns());
	uw_losses_watch(&c->losses, c->live, now_ns);
	sweep_queries(c, last);
	sweep_floods(c);
	sweep_sends(c, last);
	ring_buffer__consume(c->ring);
	uw_waiting_tell(c->waiting, now_ns, last, tell_waited, c);
	forget(c);
	if (now_ns - c->follow_ns >= FOLLOW_NS)
		follow(c);
	return c->open + uw_waiting_count(c->waiting);
}

void uw_collector_in_flight(const struct uw_collector *c, struct uw_in_flight *f)
{
	f->open = c->open;
	f->oldest = c->oldest;
	f->oldest_ns = c->oldest_ns && c->oldest_ns < c->now_ns ? c->now_ns - c->oldest_ns : 0;
}

void uw_collector_hurry(struct uw_collector *c)
{
	c->sweep_ns = 0;
}

void uw_collector_flows(struct uw_collector *c, uw_flow_fn fn, void *arg)
{
	uw_answers_each(c->fds.flows, fn, arg);
}

void uw_collector_trim(struct uw_collector *c, uw_flow_fn fn, void *arg)
{
	uw_answers_trim(c->fds.flows, c->now_ns, fn, arg);
}

int uw_collector_totals(struct uw_collector *c, struct uw_totals *t)
{
	int err = uw_live_stats(c->live, t->stats);

	t->recursion_misses = uw_live_recursion_misses(c->live);
	t->stats[UW_STAT_strays_limited] += uw_strays_limited(c->strays);
	uw_losses_stats(&c->losses, t->stats);
	t->nft_trace = c->facts.nft_trace;
	if (t->nft_trace)
		t->netlink_lost = uw_nft_trace_lost(c->facts.nft_trace);
	t->rule_unknown = c->rule_unknown;
	t->elapsed_ns = c->now_ns - c->started_ns;
	return err;
}

static bool in_scope(void *arg, uint32_t netns)
{
	struct uw_netns ns;

	return uw_collector_netns(arg, netns, &ns);
}

static bool traces_ntp(const struct uw_filters *f)
{
	unsigned i;

	for (i = 0; i < f->port_count; i++) {
		if (f->ports[i].protocol == UW_PROTO_NTP)
			return true;
	}
	return false;
}

unsigned uw_collector_askers(struct uw_collector *c, struct uw_asker *out, unsigned max)
{
	const struct uw_filters *f = c->options.filters;
	unsigned count, found;
	const struct uw_holding *held = uw_sockets_at_start(c->sockets, &count);

	found = uw_askers_find(held, count, f->ports, f->port_count, out, max);
	if (traces_ntp(f))
		found = uw_daemon_words("/proc", out, uw_daemons_find("/proc", in_scope, c, out, found, max));
	for (unsigned i = 0; i < found; i++) {
		uw_who_user(c->facts.who, out[i].uid, out[i].user);
		if (out[i].cgroup_id)
			uw_who_cgroup(c->facts.who, out[i].cgroup_id, out[i].cgroup);
		uw_who_netns(c->facts.who, out[i].netns, out[i].netns_name);
	}
	return found;
}

bool uw_collector_netns(struct uw_collector *c, uint32_t inum, struct uw_netns *out)
{
	unsigned count, i;
	const struct uw_netns *list = uw_live_namespaces(c->live, &count);

	for (i = 0; i < count; i++) {
		if (list[i].inum == inum) {
			*out = list[i];
			return true;
		}
	}
	return false;
}

int uw_collector_fd(const struct uw_collector *c)
{
	return ring_buffer__epoll_fd(c->ring);
}

static bool find_earlier(void *arg, const struct uw_earlier_key *key, struct uw_drop *out)
{
	const struct uw_collector *c = arg;

	return !bpf_map_lookup_elem(c->fds.earlier, key, out);
}

static bool find_gone(void *arg, uint64_t id, char path[UW_NAME_MAX])
{
	const struct uw_collector *c = arg;
	struct uw_cgroup_path gone;

	if (!id || bpf_map_lookup_elem(c->fds.cgroups_gone, &id, &gone))
		return false;
	snprintf(path, UW_NAME_MAX, "%.*s", (int)sizeof(gone.path) - 1, gone.path);
	return path[0];
}

static int load_names(struct uw_facts *f, const struct uw_collector_options *options, bool reads_seen)
{
	f->who = uw_who_new(NULL, NULL);
	if (!f->who)
		return -ENOMEM;
	/* Without them a drop is still seen, but not where or why: the facts are absent, not invented. */
	if (uw_reasons_load(&f->reasons, NULL))
		f->reasons = NULL;
	if (uw_ksyms_load(&f->symbols))
		f->symbols = NULL;
	f->reads_seen = reads_seen;
	f->timeout_ns = options->timeout_ns;
	f->run = options->run;
	f->nft_trace = options->nft_trace;
	return 0;
}

int uw_collector_new(struct uw_live *l, const struct uw_collector_options *options, uw_query_fn on_query,
		     void *arg, struct uw_collector **out)
{
	struct uw_collector *c = calloc(1, sizeof(*c));
	int err = -ENOMEM;

	if (!c)
		return err;
	c->live = l;
	c->own_pid = (uint32_t)getpid();
	c->fds = uw_live_fds(l);
	c->options = *options;
	c->on_query = on_query;
	c->arg = arg;
	c->now_ns = c->started_ns = uw_now_ns();
	c->ring = ring_buffer__new(c->fds.ring, take_record, c, NULL);
	c->wires = uw_wires_new();
	for (unsigned i = 0; i < UW_QUOTAS; i++)
		c->told[i] = uw_told_new();
	c->flood = calloc(UW_FLOODS, sizeof(*c->flood));
	c->sockets = uw_sockets_new(&c->fds, c->now_ns);
	c->icmp = uw_icmp_notes_new(c->fds.tables[UW_QUOTA_CLIENT], c->fds.tables[UW_QUOTA_FORWARDER]);
	c->strays = uw_strays_new();
	c->waiting = uw_waiting_new(options->timeout_ns);
	c->batch = calloc(BATCH, sizeof(*c->batch));
	c->batch_key = calloc(BATCH, sizeof(*c->batch_key));
	c->facts.earlier = find_earlier;
	c->facts.earlier_arg = c;
	if (c->ring && c->wires && c->told[0] && c->told[1] && c->told[2] && c->flood && c->sockets && c->icmp && c->strays && c->waiting && c->batch && c->batch_key)
		err = load_names(&c->facts, options, uw_live_reads_seen(l));
	if (err) {
		uw_collector_free(c);
		return err;
	}
	uw_who_gone(c->facts.who, find_gone, c);
	follow(c);
	let_visitors_in(c, false);
	*out = c;
	return 0;
}

void uw_collector_free(struct uw_collector *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < UW_QUOTAS; i++)
		uw_told_free(c->told[i]);
	free(c->flood);
	uw_sockets_free(c->sockets);
	uw_icmp_notes_free(c->icmp);
	uw_strays_free(c->strays);
	uw_waiting_free(c->waiting);
	ring_buffer__free(c->ring);
	uw_wires_free(c->wires);
	uw_who_free(c->facts.who);
	uw_reasons_free(c->facts.reasons);
	uw_ksyms_free(c->facts.symbols);
	free(c->batch);
	free(c->batch_key);
	free(c);
}
