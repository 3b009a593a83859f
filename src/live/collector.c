// SPDX-License-Identifier: GPL-2.0-only
#include "live/collector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <uthash.h>

#include "core/cause.h"
#include "live/facts.h"
#include "live/wires.h"

#define ASKERS 64
#define BATCH 256			/* records copied out of a map at once */
#define SWEEP_NS 200000000ull
#define FOLLOW_NS 1000000000ull		/* between looks for new namespaces */
#define SEND_SETTLE_NS 150000000ull	/* a failed lookup that no packet or result followed is final */
#define CAUSE_NS 1000000000ull		/* grace for a cause to be judged */
#define WAITING_MAX 1024
#define STRAYS_MAX 8192
#define SETTLE_NS 1000000ull		/* from UDP's receipt to its socket's queue, at the most */
#define STRAY_NS UW_HOLD_NS		/* a reply to a request from before our start comes this soon */

/* A query told already; kept while its late answer may come. */
struct told {
	uint64_t id;
	uint64_t until_ns;
	struct uw_query_key key;
	enum uw_verdict verdict;
	UT_hash_handle hh;
};

/* ICMP whose quote ended before the transaction, by the id of the query it was given to. */
struct icmp_note {
	uint64_t id;
	struct uw_icmp icmp;
	UT_hash_handle hh;
};

/* A query that waits for its cause to be judged (ruling 8). */
struct waiting {
	struct uw_query query;
	uint64_t until_ns;
	struct waiting *next;
};

/* What a reply says of itself but for the address it came from. */
struct stray_key {
	struct uw_addr client;
	uint64_t transaction;
	uint16_t client_port, server_port;
	uint8_t family, protocol;
	uint8_t pad[2];
};

/* A reply that no query was known for: perhaps one's, from another address than was asked. */
struct stray {
	struct stray_key key;
	struct uw_addr from;
	uint64_t question_hash;
	uint64_t when_ns;
	UT_hash_handle hh;
};

struct uw_collector {
	struct uw_live *live;
	struct uw_live_fds fds;
	struct uw_collector_options options;
	struct ring_buffer *ring;
	struct uw_facts facts;
	struct uw_wires *wires;
	uw_query_fn on_query;
	void *arg;
	struct told *told;
	struct icmp_note *icmp;
	struct stray *strays;
	struct waiting *waiting;
	unsigned waits;
	struct uw_causes causes;
	struct uw_record *batch;
	struct uw_query_key *batch_key;
	uint64_t started_ns, sweep_ns, follow_ns, now_ns;
	uint64_t stats[UW_STATS], misses;
	uint64_t loss_ns, unparsed_ns;	/* when one last rose */
	uint64_t damaged;		/* records that failed the check */
	unsigned open;
	uint32_t own_pid;
	uint32_t asker[ASKERS];		/* looked at in the sweep beside it */
	uint64_t asker_sweep[ASKERS];
};

static bool is_loss(unsigned stat)
{
#define NOT_LOSS(name, text) case UW_STAT_##name: return false;
#define LOSS(name, text) case UW_STAT_##name: return true;
	switch (stat) {
		UW_STATS_LIST(NOT_LOSS, LOSS)
	default:
		return false;
	}
#undef NOT_LOSS
#undef LOSS
}

/* A full table hides queries, it does not damage those that have their entry. */
static bool damages_open(unsigned stat)
{
	return is_loss(stat) && stat != UW_STAT_table_full && stat != UW_STAT_flow_table_full &&
	       stat != UW_STAT_reply_unparsed && stat != UW_STAT_request_unparsed;
}

static void watch_losses(struct uw_collector *c)
{
	uint64_t now[UW_STATS], misses = uw_live_recursion_misses(c->live);
	unsigned i;

	if (uw_live_stats(c->live, now))
		return;
	for (i = 0; i < UW_STATS; i++) {
		if (now[i] > c->stats[i] && damages_open(i))
			c->loss_ns = c->now_ns;
	}
	if (misses > c->misses)
		c->loss_ns = c->now_ns;
	if (now[UW_STAT_reply_unparsed] > c->stats[UW_STAT_reply_unparsed])
		c->unparsed_ns = c->now_ns;
	memcpy(c->stats, now, sizeof(now));
	c->misses = misses;
}

static bool wanted(const struct uw_collector *c, const struct uw_query *q)
{
	const struct uw_filters *f = c->options.filters;
	char cut[UW_COMM] = "";

	if (q->task.pid == c->own_pid)
		return true;
	if (f->process_pid && q->task.pid != f->process_pid)
		return false;
	memcpy(cut, f->process, strnlen(f->process, sizeof(cut) - 1));
	return !f->process[0] || !strcmp(q->executable, f->process) || !strcmp(q->task.comm, cut);
}

static void note_abandoned(struct uw_collector *c, struct uw_query *q)
{
	uint64_t ended = 0;

	if (q->task.pid && !bpf_map_lookup_elem(c->fds.askers, &q->task.pid, &ended) &&
	    ended > q->send_ns && ended < q->send_ns + q->timeout_ns && (!q->read_ns || ended < q->read_ns))
		q->abandoned_ns = ended;
}

static void note_gaps(struct uw_collector *c, struct uw_query *q)
{
	const struct uw_netns *list;
	unsigned count;

	q->gaps |= uw_live_gaps(c->live);
	if (c->loss_ns > q->send_ns)
		q->gaps |= UW_GAP_BIT(UW_GAP_RECORDS_LOST);
	if (c->unparsed_ns > q->send_ns)
		q->gaps |= UW_GAP_BIT(UW_GAP_REPLY_UNPARSED);
	list = uw_live_namespaces(c->live, &count);
	if (q->on_wire && !q->wire_in_ns && !q->answer.when_ns)
		uw_wires_acquit(c->wires, q, list, count);
	q->acquittal.drops_here = q->dropped;
	q->acquittal.icmp_errors = q->icmp.seen;
	q->acquittal.tracer_losses = q->gaps & UW_GAP_BIT(UW_GAP_RECORDS_LOST) ? 1 : 0;
}

static void note_icmp(struct uw_collector *c, struct uw_query *q)
{
	struct icmp_note *n;

	HASH_FIND(hh, c->icmp, &q->id, sizeof(q->id), n);
	if (n && !q->icmp.seen)
		q->icmp = n->icmp;
}

static struct stray_key stray_key_of(const struct uw_query_key *k)
{
	return (struct stray_key){
		.client = k->client, .transaction = k->transaction, .client_port = k->client_port,
		.server_port = k->server_port, .family = k->family, .protocol = k->protocol,
	};
}

static void keep_stray(struct uw_collector *c, const struct uw_record *r)
{
	struct stray_key key = stray_key_of(&r->key);
	struct stray *s;

	HASH_FIND(hh, c->strays, &key, sizeof(key), s);
	if (s || HASH_COUNT(c->strays) >= STRAYS_MAX)
		return;
	s = calloc(1, sizeof(*s));
	if (!s)
		return;
	s->key = key;
	s->from = r->key.server;
	s->question_hash = r->question_hash;
	s->when_ns = r->wire_in_ns;
	HASH_ADD(hh, c->strays, key, sizeof(s->key), s);
}

static void note_misdirected(struct uw_collector *c, struct uw_query *q)
{
	struct stray_key key = stray_key_of(&q->key);
	struct stray *s;

	HASH_FIND(hh, c->strays, &key, sizeof(key), s);
	if (!s || s->when_ns < q->send_ns ||
	    (s->question_hash && q->question_hash && s->question_hash != q->question_hash))
		return;
	q->misdirected = true;
	q->misdirected_from = s->from;
}

static void remember(struct uw_collector *c, const struct uw_query *q)
{
	struct told *t = calloc(1, sizeof(*t));

	if (!t)
		return;
	t->id = q->id;
	t->key = q->key;
	t->verdict = q->verdict;
	t->until_ns = q->send_ns + UW_HOLD_NS;
	HASH_ADD(hh, c->told, id, sizeof(t->id), t);
}

/*
 * A reader on another CPU may be so quick that neither the delivery nor the reading is seen for what
 * it was. But a reply that UDP was given and did not free was queued; and if its socket was empty
 * later, and it was not freed there either, it was read.
 */
static void note_read(struct uw_collector *c, const struct uw_record *r, struct uw_query *q)
{
	uint64_t in = q->queued_ns ? q->queued_ns : q->input_ns;
	struct uw_queue queue;

	if (q->read_ns || !in || q->drop[UW_REPLY].seen || !r->socket ||
	    bpf_map_lookup_elem(c->fds.queues, &r->socket, &queue) || queue.empty_ns < in + SETTLE_NS)
		return;
	q->queued_ns = q->read_ns = in;
}

/* Its server's own query is judged one timeout after it was sent, if it is bad. */
static bool wait_for_cause(struct uw_collector *c, const struct uw_query *q)
{
	struct waiting *w = c->waits < WAITING_MAX ? calloc(1, sizeof(*w)) : NULL;

	if (!w)
		return false;
	w->query = *q;
	w->until_ns = (q->verdict == UW_ANSWERED ? q->read_ns + c->options.timeout_ns : c->now_ns) + CAUSE_NS;
	w->next = c->waiting;
	c->waiting = w;
	c->waits++;
	return true;
}

static void tell_waiting(struct uw_collector *c, bool last)
{
	struct waiting **at = &c->waiting, *w;

	while ((w = *at)) {
		if (!uw_cause_find(&c->causes, &w->query) && c->now_ns < w->until_ns && !last) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		c->waits--;
		c->on_query(c->arg, &w->query, NULL);
		free(w);
	}
}

/* Judge and hand out; @final: nothing can come any more that would change it. */
static void tell(struct uw_collector *c, struct uw_query *q, bool final)
{
	enum uw_verdict previous;
	struct told *t;

	if (!wanted(c, q))
		return;
	HASH_FIND(hh, c->told, &q->id, sizeof(q->id), t);
	note_icmp(c, q);
	note_misdirected(c, q);
	note_abandoned(c, q);
	note_gaps(c, q);
	q->judged_ns = c->now_ns;
	uw_judge(q);
	if (t) {
		if (t->verdict == q->verdict)
			return;
		previous = t->verdict;
		q->revision = 2;
		t->verdict = q->verdict;
	} else if (!final) {
		remember(c, q);
	}
	uw_cause_note(&c->causes, q);
	if (t || !uw_cause_wanted(q) || uw_cause_find(&c->causes, q) || !wait_for_cause(c, q))
		c->on_query(c->arg, q, t ? &previous : NULL);
}

/* The newest open query of a tuple takes an ICMP error whose quote is too short to say. */
static void give_icmp(struct uw_collector *c, const struct uw_record *icmp)
{
	struct uw_query_key key, next, *previous = NULL;
	uint64_t newest = 0, id = 0;
	struct icmp_note *n;
	struct uw_record r;

	while (!bpf_map_get_next_key(c->fds.queries, previous, &next)) {
		key = next;
		previous = &key;
		if (memcmp(&key.client, &icmp->key.client, sizeof(key.client)) ||
		    memcmp(&key.server, &icmp->key.server, sizeof(key.server)) ||
		    key.client_port != icmp->key.client_port || key.server_port != icmp->key.server_port)
			continue;
		if (!bpf_map_lookup_elem(c->fds.queries, &key, &r) && r.send_ns > newest) {
			newest = r.send_ns;
			id = r.id;
		}
	}
	if (!id)
		return;
	HASH_FIND(hh, c->icmp, &id, sizeof(id), n);
	if (n)
		return;
	n = calloc(1, sizeof(*n));
	if (!n)
		return;
	n->id = id;
	n->icmp = icmp->icmp;
	HASH_ADD(hh, c->icmp, id, sizeof(n->id), n);
}

/*
 * A reply to a query unknown here was ours to deliver only once it was past routing; and where no
 * socket waited for it, nobody lost it.
 */
static bool stray_is_ours(const struct uw_query *q)
{
	const struct uw_drop_fact *d = &q->drop[UW_REPLY];

	return d->seen && d->stage >= UW_STAGE_NF_INPUT && strcmp(d->reason, "NO_SOCKET") != 0;
}

static int take_record(void *arg, void *data, size_t size)
{
	struct uw_collector *c = arg;
	const struct uw_record *r = data;
	struct uw_query q;

	if (uw_record_check(data, size)) {
		c->damaged++;
		c->loss_ns = c->now_ns;
		return 0;
	}
	if (r->kind == UW_RECORD_ICMP) {
		give_icmp(c, r);
		return 0;
	}
	if (r->kind == UW_RECORD_STRAY)
		keep_stray(c, r);
	if (r->kind == UW_RECORD_STRAY && (uw_live_filtered(c->live) || r->wire_in_ns > c->started_ns + STRAY_NS))
		return 0;
	uw_facts_query(&c->facts, r, &q);
	if (r->kind == UW_RECORD_STRAY && !stray_is_ours(&q))
		return 0;
	tell(c, &q, true);
	return 0;
}

/* Look at an asker while it lives: it may be gone when the query is judged. Once in a sweep. */
static void look_at_asker(struct uw_collector *c, uint32_t pid)
{
	unsigned slot = pid % ASKERS;

	if (!pid || (c->asker[slot] == pid && c->asker_sweep[slot] == c->sweep_ns))
		return;
	c->asker[slot] = pid;
	c->asker_sweep[slot] = c->sweep_ns;
	uw_process_get(c->facts.processes, pid);
}

/* One entry of the in-flight table. Returns whether it is still open. */
static bool look_at(struct uw_collector *c, const struct uw_record *r, bool last)
{
	struct uw_query q;
	struct told *t;

	if (!r->id || uw_record_check(r, sizeof(*r)))
		return false;
	HASH_FIND(hh, c->told, &r->id, sizeof(r->id), t);
	/* A late reply that no socket took is known by its mark only. */
	if (t && (!r->wire_in_ns || r->wire_in_ns + SWEEP_NS > c->now_ns))
		return false;
	look_at_asker(c, r->task.pid);
	if (c->now_ns < r->send_ns + c->options.timeout_ns)
		return true;
	uw_facts_query(&c->facts, r, &q);
	note_read(c, r, &q);
	if (uw_query_open(&q, c->now_ns) && !last)
		return true;
	tell(c, &q, false);
	return false;
}

static void sweep_queries(struct uw_collector *c, bool last)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t in, out, count, i;
	bool first = true;
	int err = 0;

	c->open = 0;
	while (!err) {
		count = BATCH;
		err = bpf_map_lookup_batch(c->fds.queries, first ? NULL : &in, &out, c->batch_key, c->batch,
					   &count, &opts);
		if (err && errno != ENOENT)
			return;
		for (i = 0; i < count; i++)
			c->open += look_at(c, &c->batch[i], last);
		in = out;
		first = false;
	}
}

/* connect() failed and nothing was sent: the lookup's error stands. */
static void tell_failed_send(struct uw_collector *c, const struct uw_send *s)
{
	struct uw_record r = {
		.version = UW_RECORD_VERSION, .kind = UW_RECORD_SEND_FAILED, .size = sizeof(r),
		.id = s->id, .key = s->key, .task = s->task, .netns = s->netns, .send_ns = s->when_ns,
		.last_send_ns = s->when_ns, .send_errno = s->vague ? 0 : s->route_errno, .attempts = 1,
		.flags = UW_Q_LOCAL_SEND | UW_Q_NO_PACKET, .stage = { [UW_REQUEST] = UW_STAGE_ROUTE },
	};

	take_record(c, &r, sizeof(r));
}

static void sweep_sends(struct uw_collector *c, bool last)
{
	uint32_t tid, next, *previous = NULL;
	struct uw_send s;

	while (!bpf_map_get_next_key(c->fds.sends, previous, &next)) {
		bool due = !bpf_map_lookup_elem(c->fds.sends, &next, &s) && !s.packet && s.route_errno &&
			   (last || c->now_ns > s.when_ns + SEND_SETTLE_NS);

		if (due) {
			tell_failed_send(c, &s);
			bpf_map_delete_elem(c->fds.sends, &next);
		}
		tid = next;
		previous = due ? NULL : &tid;
	}
}

/* What can no longer get a late answer is forgotten, here and in the kernel. */
static void forget(struct uw_collector *c)
{
	struct told *t, *spare;
	struct icmp_note *n, *more;
	struct stray *s, *next;
	struct uw_record r;

	HASH_ITER(hh, c->told, t, spare) {
		if (t->until_ns > c->now_ns && HASH_COUNT(c->told) < UW_OPEN_QUERIES / 2)
			break;
		if (!bpf_map_lookup_elem(c->fds.queries, &t->key, &r) && r.id == t->id)
			bpf_map_delete_elem(c->fds.queries, &t->key);
		HASH_DELETE(hh, c->told, t);
		free(t);
	}
	HASH_ITER(hh, c->strays, s, next) {
		if (s->when_ns + 2 * UW_HOLD_NS > c->now_ns)
			break;
		HASH_DELETE(hh, c->strays, s);
		free(s);
	}
	HASH_ITER(hh, c->icmp, n, more) {
		if (n->icmp.when_ns + 2 * UW_HOLD_NS > c->now_ns)
			break;
		HASH_DELETE(hh, c->icmp, n);
		free(n);
	}
}

static void follow(struct uw_collector *c)
{
	const struct uw_netns *list;
	unsigned count;

	c->follow_ns = c->now_ns;
	uw_live_follow_namespaces(c->live);
	list = uw_live_namespaces(c->live, &count);
	uw_wires_read(c->wires, list, count, c->now_ns);
	if (c->facts.symbols)
		uw_ksyms_refresh_if_modules_changed(c->facts.symbols);
}

unsigned uw_collector_run(struct uw_collector *c, uint64_t now_ns, bool last)
{
	c->now_ns = now_ns;
	ring_buffer__consume(c->ring);
	if (!last && now_ns - c->sweep_ns < SWEEP_NS)
		return c->open + c->waits;
	c->sweep_ns = now_ns;
	watch_losses(c);
	sweep_queries(c, last);
	sweep_sends(c, last);
	ring_buffer__consume(c->ring);
	tell_waiting(c, last);
	forget(c);
	if (now_ns - c->follow_ns >= FOLLOW_NS)
		follow(c);
	return c->open + c->waits;
}

void uw_collector_hurry(struct uw_collector *c)
{
	c->sweep_ns = 0;
}

void uw_collector_flows(struct uw_collector *c, uw_flow_fn fn, void *arg)
{
	struct uw_flow_key key, next, *previous = NULL;
	struct uw_flow_value v;

	while (!bpf_map_get_next_key(c->fds.flows, previous, &next)) {
		if (!bpf_map_lookup_elem(c->fds.flows, &next, &v))
			fn(arg, &next, &v);
		key = next;
		previous = &key;
	}
}

int uw_collector_totals(struct uw_collector *c, struct uw_totals *t)
{
	int err = uw_live_stats(c->live, t->stats);

	t->recursion_misses = uw_live_recursion_misses(c->live);
	t->stats[UW_STAT_update_failed] += c->damaged;
	t->elapsed_ns = c->now_ns - c->started_ns;
	return err;
}

struct uw_processes *uw_collector_processes(struct uw_collector *c)
{
	return c->facts.processes;
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

static int load_names(struct uw_facts *f, const struct uw_collector_options *options, bool reads_seen)
{
	f->processes = uw_processes_new(NULL);
	if (!f->processes)
		return -ENOMEM;
	/* Without them a drop is still seen, but not where or why: the facts are absent, not invented. */
	if (uw_reasons_load(&f->reasons, NULL))
		f->reasons = NULL;
	if (uw_ksyms_load(&f->symbols))
		f->symbols = NULL;
	f->reads_seen = reads_seen;
	f->timeout_ns = options->timeout_ns;
	f->run = options->run;
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
	c->batch = calloc(BATCH, sizeof(*c->batch));
	c->batch_key = calloc(BATCH, sizeof(*c->batch_key));
	if (c->ring && c->wires && c->batch && c->batch_key)
		err = load_names(&c->facts, options, uw_live_reads_seen(l));
	if (err) {
		uw_collector_free(c);
		return err;
	}
	follow(c);
	*out = c;
	return 0;
}

void uw_collector_free(struct uw_collector *c)
{
	struct told *t, *spare;
	struct icmp_note *n, *more;
	struct stray *s, *next;

	if (!c)
		return;
	HASH_ITER(hh, c->strays, s, next) {
		HASH_DELETE(hh, c->strays, s);
		free(s);
	}
	HASH_ITER(hh, c->told, t, spare) {
		HASH_DELETE(hh, c->told, t);
		free(t);
	}
	HASH_ITER(hh, c->icmp, n, more) {
		HASH_DELETE(hh, c->icmp, n);
		free(n);
	}
	while (c->waiting) {
		struct waiting *w = c->waiting;

		c->waiting = w->next;
		free(w);
	}
	ring_buffer__free(c->ring);
	uw_wires_free(c->wires);
	uw_processes_free(c->facts.processes);
	uw_reasons_free(c->facts.reasons);
	uw_ksyms_free(c->facts.symbols);
	free(c->batch);
	free(c->batch_key);
	free(c);
}
