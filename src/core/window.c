// SPDX-License-Identifier: GPL-2.0-only
#include "core/window.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

#define NS_PER_S 1000000000ull
#define STEP_NS NS_PER_S	/* flows are looked at in turns of so much time */
#define SLACK_NS NS_PER_S	/* limiters are not sharp: edges that miss each other by less still meet */
#define LEFT_NS (300 * NS_PER_S)	/* not asked for so long (and thrice its interval): it has left */

struct follower {
	struct uw_flow_id id;
	UT_hash_handle hh;
	struct uw_track track;
	struct uw_window *window; /* that its open episode is in, NULL */
	bool ever;		/* was in one */
	uint64_t refused;
	uint64_t read_bad, read_inside;	/* of another run: unanswered; those in its windows */
	uint32_t wire_netns, wire_ifindex;
	struct uw_loss before[2];	/* what was lost when the span before began, and this one */
};

struct slot {
	struct uw_window w;
	bool used, changed;
	unsigned open;			/* flows that have not recovered */
	uint64_t elsewhere_pending;	/* since the last unanswered one */
	uint64_t first_good_ns;		/* of any flow that has recovered */
	uint64_t told;			/* its queries when it was last told */
};

struct uw_windows {
	struct follower *head;
	unsigned max, next;
	uint32_t run;
	uint64_t lost;
	uint64_t turned_ns;		/* when the last span of uw_windows_forget() began */
	struct uw_loss left[2];		/* of flows that gave way in the span before and in this one */
	struct slot slot[UW_WINDOWS_KEPT];
	struct uw_window taken[UW_WINDOWS_KEPT];	/* in the order of their first records */
	unsigned takens;
	bool unnamed;		/* some of those have flows that are not named */
	const struct uw_window *list[2 * UW_WINDOWS_KEPT];
};

struct uw_windows *uw_windows_new(unsigned flows)
{
	struct uw_windows *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->max = flows;
	w->next = 1;
	return w;
}

void uw_windows_run(struct uw_windows *w, uint32_t run)
{
	w->run = run;
}

void uw_windows_free(struct uw_windows *w)
{
	struct follower *f, *next;

	if (!w)
		return;
	HASH_ITER(hh, w->head, f, next) {
		HASH_DEL(w->head, f);
		uw_track_free(&f->track);
		free(f);
	}
	free(w);
}

static struct follower *follower_of(struct uw_windows *w, const struct uw_flow_id *id)
{
	struct follower *f;

	HASH_FIND(hh, w->head, id, sizeof(*id), f);
	if (f)
		return f;
	f = HASH_COUNT(w->head) < w->max ? calloc(1, sizeof(*f)) : NULL;
	if (f) {
		f->id = *id;
		HASH_ADD(hh, w->head, id, sizeof(f->id), f);
		if (f->hh.tbl)
			return f;
		free(f);
	}
	w->lost++;
	return NULL;
}

/* --- what comes in --- */

static bool is_good(enum uw_verdict v)
{
	return v == UW_ANSWERED || v == UW_FORWARDED;
}

/* Lost beyond this host. An ICMP error that we sent ourselves is our own doing. */
static bool is_loss(const struct uw_query *q, enum uw_verdict v)
{
	return (v == UW_NO_REPLY && !q->dropped) || (v == UW_REJECTED && !q->icmp.local);
}

static void note_wire(struct follower *f, const struct uw_query *q)
{
	unsigned i;

	for (i = 0; i < q->hops && i < UW_PATH_MAX; i++) {
		const struct uw_hop *h = &q->path[i];

		if (h->dir != UW_REQUEST || !h->out)
			continue;
		f->wire_netns = h->netns;
		f->wire_ifindex = h->ifindex;
	}
}

/* Its run has concluded already, and from more: here good queries need not be told one by one. */
static void count_read(struct follower *f, const struct uw_query *q, const enum uw_verdict *previous)
{
	if (previous && is_loss(q, *previous) && f->read_bad)
		f->read_bad--;
	f->read_bad += is_loss(q, q->verdict);
}

void uw_windows_query(struct uw_windows *w, const struct uw_query *q, const enum uw_verdict *previous)
{
	bool rate = q->verdict == UW_REFUSED && q->answer.kod && !memcmp(&q->answer.refid, "RATE", 4);
	struct uw_flow_id id;
	struct follower *f;

	if ((q->role != UW_ROLE_CLIENT && q->role != UW_ROLE_FORWARDER) || !q->send_ns)
		return;
	if (!is_good(q->verdict) && !is_loss(q, q->verdict) && !rate && !previous)
		return;
	uw_flow_id_of(&id, q, false);
	f = follower_of(w, &id);
	if (!f)
		return;
	if (id.host) {
		count_read(f, q, previous);
		return;
	}
	note_wire(f, q);
	f->refused += rate;
	if (previous && is_loss(q, *previous) && !is_loss(q, q->verdict))
		uw_track_unbad(&f->track, q->send_ns);
	if (previous)
		return;
	if (is_good(q->verdict))
		uw_track_good(&f->track, q->send_ns, q->send_ns, 1);
	else if (is_loss(q, q->verdict))
		uw_track_bad(&f->track, q->send_ns);
}

void uw_windows_good(struct uw_windows *w, const struct uw_flow_id *id, uint64_t first_ns, uint64_t last_ns,
		     uint64_t n)
{
	struct follower *f;

	if ((id->role != UW_ROLE_CLIENT && id->role != UW_ROLE_FORWARDER) || id->probe || !first_ns || !n)
		return;
	f = follower_of(w, id);
	if (f)
		uw_track_good(&f->track, first_ns, last_ns, n);
}

/* The part of a run that is new, its time as far as it is known. */
static void fold_run(struct uw_windows *w, const struct uw_flow_id *id, const struct uw_flow_value *old,
		     const struct uw_run_good *r, uint64_t end)
{
	bool seen = r->before < old->answered;
	uint64_t from = seen ? old->answered : r->before, first = r->first_ns;

	if (end <= from)
		return;
	/* Of the first of the new ones it is known that it came after the last of the old. */
	if (seen && old->last_good_ns >= first)
		first = old->last_good_ns < r->last_ns ?
				old->last_good_ns + (r->last_ns - old->last_good_ns) / (end - from) : r->last_ns;
	uw_windows_good(w, id, first, r->last_ns, end - from);
}

void uw_windows_fold(struct uw_windows *w, const struct uw_flow_id *id, const struct uw_flow_value *old,
		     const struct uw_flow_value *v)
{
	static const struct uw_flow_value none;
	uint64_t i, first = v->runs > UW_RUNS ? v->runs - UW_RUNS : 0;

	if (v->answered < old->answered)
		old = &none; /* the kernel began a new entry */
	for (i = first; i < v->runs; i++) {
		const struct uw_run_good *r = &v->run[i % UW_RUNS];
		uint64_t end = i + 1 < v->runs ? v->run[(i + 1) % UW_RUNS].before : v->answered;

		fold_run(w, id, old, r, end);
	}
}

/* --- windows --- */

static uint64_t least(uint64_t a, uint64_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Edges that cross (within the slack) still are an interval in which it happened. */
static void order(uint64_t *from, uint64_t *to)
{
	uint64_t was = *from;

	if (!*from || !*to || *from <= *to)
		return;
	*from = *to;
	*to = was;
}

static struct slot *slot_of(struct uw_window *w)
{
	return (struct slot *)w; /* its first member */
}

/* What follows from its flows. */
static void sum_up(struct uw_window *w)
{
	unsigned i;

	w->last_good_ns = w->first_bad_ns = w->last_bad_ns = w->first_good_ns = 0;
	w->queries = w->answered = 0;
	for (i = 0; i < w->flows; i++) {
		const struct uw_episode *e = &w->flow[i].e;

		w->last_good_ns = most(w->last_good_ns, e->last_good_ns);
		w->first_bad_ns = least(w->first_bad_ns, e->first_bad_ns);
		w->last_bad_ns = most(w->last_bad_ns, e->last_bad_ns);
		w->first_good_ns = least(w->first_good_ns, e->first_good_ns);
		w->queries += e->queries;
		w->answered += e->answered;
	}
	slot_of(w)->first_good_ns = w->first_good_ns;
	order(&w->last_good_ns, &w->first_bad_ns);
	if (w->first_good_ns >= w->first_bad_ns)
		order(&w->last_bad_ns, &w->first_good_ns);
}

static struct uw_window_flow *part_of(const struct follower *f)
{
	struct uw_window *w = f->window;
	unsigned i;

	/* The last one: a flow that recovered and was lost again meanwhile has a part for each. */
	for (i = w ? w->flows : 0; i; i--) {
		if (!memcmp(&w->flow[i - 1].id, &f->id, sizeof(f->id)))
			return &w->flow[i - 1];
	}
	return NULL;
}

static void update_part(struct follower *f)
{
	struct uw_window_flow *p = part_of(f);

	if (p) {
		p->e = f->track.episode;
		p->refused = f->refused;
	}
	sum_up(f->window);
}

/* The oldest that is closed gives way, else the oldest. */
static struct slot *free_slot(struct uw_windows *all)
{
	struct slot *s, *oldest = NULL;
	struct follower *f;

	for (s = all->slot; s < all->slot + UW_WINDOWS_KEPT; s++) {
		if (!s->used)
			return s;
		if (!oldest || s->w.closed > oldest->w.closed ||
		    (s->w.closed == oldest->w.closed && s->w.id < oldest->w.id))
			oldest = s;
	}
	for (f = all->head; f; f = f->hh.next) {
		if (f->window == &oldest->w)
			f->window = NULL;
	}
	return oldest;
}

static struct uw_window *new_window(struct uw_windows *all)
{
	struct slot *s = free_slot(all);

	memset(s, 0, sizeof(*s));
	s->used = true;
	s->w.run = all->run;
	s->w.id = all->next++;
	return &s->w;
}

/*
 * Whether the opening edges overlap: neither was answered after the other had been lost. Where no answer
 * came before the loss its edge has no beginning, and meets anything: that proves nothing.
 */
static bool opened_together(const struct uw_window *w, const struct uw_episode *e)
{
	uint64_t last_good = most(w->last_good_ns, e->last_good_ns);

	if (!w->last_good_ns || !e->last_good_ns)
		return false;
	if (last_good > least(w->first_bad_ns, e->first_bad_ns) + SLACK_NS)
		return false;
	/* Asked for rarely, its edge is long: it must have been lost before the others recovered. */
	return (!w->first_good_ns || e->first_bad_ns <= w->first_good_ns + SLACK_NS) &&
	       (!e->first_good_ns || w->first_bad_ns <= e->first_good_ns + SLACK_NS);
}

static struct uw_window *window_for(struct uw_windows *all, const struct uw_episode *e)
{
	struct slot *s, *best = NULL;

	for (s = all->slot; s < all->slot + UW_WINDOWS_KEPT; s++) {
		if (s->used && opened_together(&s->w, e) && (!best || s->w.id > best->w.id))
			best = s;
	}
	return best ? &best->w : new_window(all);
}

/* Answers that other flows got since it began: those still to be looked at are added as they settle. */
static void look_elsewhere(struct uw_windows *all, struct uw_window *w)
{
	struct follower *f;
	unsigned i;

	for (f = all->head; f; f = f->hh.next) {
		if (f->track.open)
			continue;
		for (i = 0; i < f->track.pasts; i++) {
			const struct uw_outcomes *o = &f->track.past[i];

			if (o->good && o->good_first_ns > w->first_bad_ns && o->good_last_ns < w->last_bad_ns)
				w->elsewhere += o->good;
		}
	}
}

static void enter(struct uw_windows *all, struct follower *f, struct uw_window *w)
{
	bool fresh = !w->flows;

	f->window = w;
	f->ever = true;
	slot_of(w)->open++;
	w->closed = false;
	if (f->wire_ifindex) {
		w->wire_netns = f->wire_netns;
		w->wire_ifindex = f->wire_ifindex;
	}
	if (w->flows < UW_WINDOW_FLOWS) {
		memset(&w->flow[w->flows], 0, sizeof(w->flow[0]));
		w->flow[w->flows++].id = f->id;
	} else {
		w->more_flows++;
	}
	update_part(f);
	slot_of(w)->changed = true;
	if (fresh)
		look_elsewhere(all, w);
}

static void one_less_open(struct uw_window *w)
{
	struct slot *s = slot_of(w);

	s->open -= s->open != 0;
	w->closed = !s->open && w->first_good_ns;
	s->changed |= w->closed;
}

/* The others have recovered, this one has not: what it has now is a window of its own. */
static void split(struct uw_windows *all, struct follower *f)
{
	struct uw_window_flow *p = part_of(f);
	struct uw_window *w = f->window;

	if (p) {
		w->flows--;
		memmove(p, p + 1, (size_t)(w->flow + w->flows - p) * sizeof(*p));
	} else {
		w->more_flows -= w->more_flows != 0;
	}
	sum_up(w);
	slot_of(w)->changed = true;
	one_less_open(w);
	enter(all, f, new_window(all));
}

static void split_those_left(struct uw_windows *all, struct uw_window *w)
{
	struct follower *f;

	for (f = all->head; f; f = f->hh.next) {
		if (f->window == w && f->track.open &&
		    f->track.episode.last_bad_ns > slot_of(w)->first_good_ns + SLACK_NS)
			split(all, f);
	}
}

static void went_bad(struct uw_windows *all, struct follower *f, uint64_t ns)
{
	struct uw_window *w = f->window;
	struct slot *s;

	if (!w)
		return;
	update_part(f);
	s = slot_of(w);
	if (s->first_good_ns && ns > s->first_good_ns + SLACK_NS) {
		split(all, f);
		return;
	}
	s->w.elsewhere += s->elsewhere_pending;
	s->elsewhere_pending = 0;
}

static void recovered(struct uw_windows *all, struct follower *f)
{
	struct uw_window *w = f->window;

	if (!w)
		return;
	update_part(f);
	f->window = NULL;
	split_those_left(all, w);
	one_less_open(w);
}

static void answered_elsewhere(struct uw_windows *all, uint64_t n, uint64_t ns)
{
	struct slot *s;

	for (s = all->slot; s < all->slot + UW_WINDOWS_KEPT; s++) {
		if (s->used && !s->w.closed && ns > s->w.first_bad_ns &&
		    (!s->w.first_good_ns || ns < s->w.first_good_ns))
			s->elsewhere_pending += n;
	}
}

struct step {
	struct uw_windows *all;
	struct follower *f;
};

static void on_event(void *arg, struct uw_track *t, enum uw_track_event event, uint64_t n, uint64_t ns)
{
	struct step *s = arg;

	switch (event) {
	case UW_TRACK_GOOD:
		answered_elsewhere(s->all, n, ns);
		break;
	case UW_TRACK_OPENED:
		enter(s->all, s->f, window_for(s->all, &t->episode));
		break;
	case UW_TRACK_BAD:
		went_bad(s->all, s->f, ns);
		break;
	case UW_TRACK_CLOSED:
		recovered(s->all, s->f);
		break;
	}
}

/* A flow that is not asked for any more will never recover: its window need not wait for it. */
static void leave(struct follower *f, uint64_t until_ns)
{
	const struct uw_track *t = &f->track;

	if (!f->window || t->cells || until_ns < t->last_ns + LEFT_NS || until_ns < t->last_ns + 3 * t->gap_ns)
		return;
	one_less_open(f->window);
	f->window = NULL;
}

static void take_step(struct uw_windows *w, uint64_t until_ns)
{
	struct step s = { .all = w };

	for (s.f = w->head; s.f; s.f = s.f->hh.next)
		uw_track_settle(&s.f->track, until_ns, on_event, &s);
}

static uint64_t next_outcome(const struct uw_windows *w)
{
	const struct follower *f;
	uint64_t next = 0;

	for (f = w->head; f; f = f->hh.next)
		next = least(next, uw_track_next(&f->track));
	return next;
}

void uw_windows_settle(struct uw_windows *w, uint64_t until_ns, uw_window_fn fn, void *arg)
{
	struct follower *f;
	uint64_t next;
	struct slot *s;

	/* In the order of time as far as flows are compared with each other. */
	while ((next = next_outcome(w)) && next + STEP_NS < until_ns)
		take_step(w, next + STEP_NS);
	take_step(w, until_ns);
	for (f = w->head; f; f = f->hh.next)
		leave(f, until_ns == UINT64_MAX ? 0 : until_ns);
	for (s = w->slot; s < w->slot + UW_WINDOWS_KEPT; s++) {
		bool grown = until_ns == UINT64_MAX && s->w.flows && !s->w.closed && s->w.queries != s->told;

		if (s->used && (s->changed || grown)) {
			fn(arg, &s->w);
			s->told = s->w.queries;
		}
		s->changed = false;
	}
}

/* --- of other runs --- */

static struct uw_window *taken_before(struct uw_windows *all, const struct uw_window *read)
{
	struct uw_window *w;

	for (w = all->taken; w < all->taken + all->takens; w++) {
		if (w->run == read->run && w->id == read->id && w->host_number == read->host_number)
			return w;
	}
	return NULL;
}

static void count_parts(struct uw_windows *all, const struct uw_window *w, bool away)
{
	unsigned i;

	for (i = 0; i < w->flows; i++) {
		struct follower *f = follower_of(all, &w->flow[i].id);
		uint64_t n = w->flow[i].e.queries - w->flow[i].e.answered;

		if (!f)
			continue;
		f->ever = true;
		f->read_inside = away ? f->read_inside - n : f->read_inside + n;
	}
}

void uw_windows_take(struct uw_windows *all, const struct uw_window *read)
{
	struct uw_window *w = taken_before(all, read);

	if (w) {
		count_parts(all, w, true);
	} else if (all->takens < UW_WINDOWS_KEPT) {
		w = &all->taken[all->takens++];
	} else {
		memmove(all->taken, all->taken + 1, sizeof(all->taken) - sizeof(all->taken[0]));
		w = &all->taken[UW_WINDOWS_KEPT - 1];
	}
	*w = *read;
	all->unnamed |= w->more_flows != 0;
	count_parts(all, w, false);
}

void uw_windows_rest(struct uw_windows *w, const struct uw_flow_id *id, uint64_t bad)
{
	struct follower *f = id->probe || !bad ? NULL : follower_of(w, id);

	if (f)
		f->read_bad += bad;
}

static int by_id(const void *a, const void *b)
{
	const struct uw_window *x = *(const struct uw_window *const *)a;
	const struct uw_window *y = *(const struct uw_window *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

const struct uw_window *const *uw_windows_list(struct uw_windows *w, unsigned *count)
{
	struct slot *s;
	unsigned i;

	*count = 0;
	for (s = w->slot; s < w->slot + UW_WINDOWS_KEPT; s++) {
		if (s->used && s->w.flows)
			w->list[(*count)++] = &s->w;
	}
	qsort(w->list, *count, sizeof(*w->list), by_id);
	for (i = 0; i < w->takens; i++) {
		if (w->taken[i].flows)
			w->list[(*count)++] = &w->taken[i];
	}
	return w->list;
}

static struct uw_loss loss_of(const struct follower *f)
{
	return (struct uw_loss){
		.inside = f->track.bad_inside + f->read_inside,
		.outside = f->track.bad - f->track.bad_inside +
			   (f->read_bad > f->read_inside ? f->read_bad - f->read_inside : 0),
	};
}

static void add_loss(struct uw_loss *to, struct uw_loss more, struct uw_loss before)
{
	to->inside += more.inside - before.inside;
	to->outside += more.outside - before.outside;
}

struct uw_loss uw_windows_loss(const struct uw_windows *w)
{
	struct uw_loss loss = { .inside = w->left[0].inside + w->left[1].inside,
				.outside = w->left[0].outside + w->left[1].outside };
	const struct follower *f;

	for (f = w->head; f; f = f->hh.next) {
		if (f->ever || (w->unnamed && f->id.host))
			add_loss(&loss, loss_of(f), f->before[0]);
	}
	return loss;
}

/* --- runs that last --- */

static void turn(struct uw_windows *w, uint64_t now_ns)
{
	static const struct uw_loss none;
	struct follower *f;

	w->turned_ns = now_ns;
	w->left[0] = w->left[1];
	w->left[1] = none;
	for (f = w->head; f; f = f->hh.next) {
		f->before[0] = f->before[1];
		f->before[1] = loss_of(f);
	}
}

static void give_way(struct uw_windows *w, struct follower *f)
{
	if (f->ever)
		add_loss(&w->left[1], loss_of(f), f->before[0]);
	HASH_DEL(w->head, f);
	uw_track_free(&f->track);
	free(f);
}

void uw_windows_forget(struct uw_windows *w, uint64_t now_ns, uint64_t span_ns)
{
	struct follower *f, *next;
	struct slot *s;

	if (!w->turned_ns)
		w->turned_ns = now_ns;
	if (now_ns - w->turned_ns >= span_ns)
		turn(w, now_ns);
	for (s = w->slot; s < w->slot + UW_WINDOWS_KEPT; s++) {
		if (s->used && s->w.closed && !s->open && most(s->w.last_bad_ns, s->w.first_good_ns) + span_ns < now_ns)
			s->used = false;
	}
	if (HASH_COUNT(w->head) < w->max - w->max / 4)
		return;
	HASH_ITER(hh, w->head, f, next) {
		if (!f->window && !f->track.cells && f->track.last_ns + LEFT_NS < now_ns)
			give_way(w, f);
	}
}

uint64_t uw_windows_opened(const struct uw_windows *w)
{
	return w->next - 1;
}

uint64_t uw_windows_lost(const struct uw_windows *w)
{
	const struct follower *f;
	uint64_t lost = w->lost;

	for (f = w->head; f; f = f->hh.next)
		lost += f->track.late;
	return lost;
}
