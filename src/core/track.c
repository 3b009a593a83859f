// SPDX-License-Identifier: GPL-2.0-only
#include "core/track.h"

#include <stdlib.h>
#include <string.h>

/* A settle in progress. */
struct telling {
	struct uw_track *t;
	uw_track_fn fn;
	void *arg;
};

static void tell(const struct telling *to, enum uw_track_event event, uint64_t n, uint64_t ns)
{
	if (to->fn)
		to->fn(to->arg, to->t, event, n, ns);
}

static uint64_t cell_of(uint64_t ns)
{
	return ns / UW_TRACK_CELL_NS;
}

static uint64_t first_of(const struct uw_outcomes *c)
{
	if (!c->good || (c->bad && c->bad_first_ns < c->good_first_ns))
		return c->bad_first_ns;
	return c->good_first_ns;
}

static uint64_t last_of(const struct uw_outcomes *c)
{
	return c->good_last_ns > c->bad_last_ns ? c->good_last_ns : c->bad_last_ns;
}

static void note_times(uint64_t *first, uint64_t *last, uint64_t ns)
{
	if (!*first || ns < *first)
		*first = ns;
	if (ns > *last)
		*last = ns;
}

static void add_good(struct uw_outcomes *c, uint64_t ns, uint64_t n)
{
	note_times(&c->good_first_ns, &c->good_last_ns, ns);
	c->good += (uint32_t)n;
}

static void add_bad(struct uw_outcomes *c, uint64_t ns)
{
	note_times(&c->bad_first_ns, &c->bad_last_ns, ns);
	c->bad++;
}

/* The older of two neighbours becomes both. */
static void join_cells(struct uw_outcomes *to, const struct uw_outcomes *from)
{
	if (from->good) {
		note_times(&to->good_first_ns, &to->good_last_ns, from->good_first_ns);
		note_times(&to->good_first_ns, &to->good_last_ns, from->good_last_ns);
	}
	if (from->bad) {
		note_times(&to->bad_first_ns, &to->bad_last_ns, from->bad_first_ns);
		note_times(&to->bad_first_ns, &to->bad_last_ns, from->bad_last_ns);
	}
	to->good += from->good;
	to->bad += from->bad;
}

static bool make_room(struct uw_track *t)
{
	unsigned room = t->room ? 2 * t->room : 8;
	struct uw_outcomes *more;

	if (t->cells < t->room)
		return true;
	if (t->cells >= UW_TRACK_CELLS) {
		/* Asked all the time with a long timeout: the oldest times get coarser. */
		join_cells(&t->cell[0], &t->cell[1]);
		memmove(t->cell + 1, t->cell + 2, (t->cells - 2) * sizeof(*t->cell));
		t->cells--;
		return true;
	}
	more = realloc(t->cell, room * sizeof(*more));
	if (!more)
		return false;
	t->cell = more;
	t->room = room;
	return true;
}

/* The cell of an instant, made if there is none; NULL if that time is over or without memory. */
static struct uw_outcomes *cell_at(struct uw_track *t, uint64_t ns)
{
	unsigned at = t->cells;

	if (ns <= t->settled_ns)
		return NULL;
	while (at && cell_of(last_of(&t->cell[at - 1])) > cell_of(ns))
		at--;
	if (at && cell_of(last_of(&t->cell[at - 1])) == cell_of(ns))
		return &t->cell[at - 1];
	if (t->cells >= UW_TRACK_CELLS && at < 2)
		return &t->cell[0];
	at -= t->cells >= UW_TRACK_CELLS;
	if (!make_room(t))
		return NULL;
	memmove(t->cell + at + 1, t->cell + at, (t->cells - at) * sizeof(*t->cell));
	memset(&t->cell[at], 0, sizeof(*t->cell));
	t->cells++;
	return &t->cell[at];
}

static void one_good(struct uw_track *t, uint64_t ns, uint64_t n)
{
	struct uw_outcomes *c = n ? cell_at(t, ns) : NULL;

	if (c)
		add_good(c, ns, n);
	else
		t->late += n;
}

void uw_track_good(struct uw_track *t, uint64_t first_ns, uint64_t last_ns, uint64_t n)
{
	uint64_t between = n > 2 ? n - 2 : 0, steps, i;

	if (!n || last_ns < first_ns)
		return;
	one_good(t, first_ns, 1);
	if (n > 1)
		one_good(t, last_ns, 1);
	steps = (last_ns - first_ns) / UW_TRACK_CELL_NS + 1;
	if (steps > UW_TRACK_CELLS)
		steps = UW_TRACK_CELLS;
	for (i = 0; i < steps; i++)
		one_good(t, first_ns + (last_ns - first_ns) / steps * i + (last_ns - first_ns) / steps / 2,
			 between * (i + 1) / steps - between * i / steps);
}

void uw_track_bad(struct uw_track *t, uint64_t ns)
{
	struct uw_outcomes *c = cell_at(t, ns);

	if (c)
		add_bad(c, ns);
	else
		t->late++;
}

void uw_track_unbad(struct uw_track *t, uint64_t ns)
{
	unsigned i;

	for (i = 0; i < t->cells; i++) {
		struct uw_outcomes *c = &t->cell[i];

		if (!c->bad || ns < c->bad_first_ns || ns > c->bad_last_ns)
			continue;
		if (!--c->bad)
			c->bad_first_ns = c->bad_last_ns = 0;
		if (!c->bad && !c->good)
			memmove(c, c + 1, (--t->cells - i) * sizeof(*c));
		return;
	}
}

uint64_t uw_track_next(const struct uw_track *t)
{
	return t->cells ? last_of(&t->cell[0]) : 0;
}

/* --- what settles --- */

static void remember(struct uw_track *t, const struct uw_outcomes *c)
{
	unsigned old = 0;

	while (old < t->pasts && last_of(&t->past[old]) + UW_TRACK_SPAN_NS < last_of(c))
		old++;
	t->pasts -= old;
	memmove(t->past, t->past + old, t->pasts * sizeof(*t->past));
	if (t->pasts == UW_TRACK_PAST) {
		unsigned i;

		/* Thinned out by half: a busy flow's outcomes of half a second are then together. */
		for (i = 0; i < UW_TRACK_PAST / 2; i++) {
			t->past[i] = t->past[2 * i];
			join_cells(&t->past[i], &t->past[2 * i + 1]);
		}
		t->pasts = UW_TRACK_PAST / 2;
	}
	t->past[t->pasts] = *c;
	t->past[t->pasts++].good_before_ns = t->last_good_ns;
}

static void open_episode(const struct telling *to, struct uw_episode e)
{
	struct uw_track *t = to->t;

	t->open = true;
	t->episode = e;
	t->bad_inside += e.queries - e.answered;
	tell(to, UW_TRACK_OPENED, e.queries, e.first_bad_ns);
}

/* Half of at least six within 30 s, and not over yet. Counted from the first unanswered one on. */
static void try_half(const struct telling *to)
{
	struct uw_track *t = to->t;
	struct uw_episode e = { 0 };
	uint64_t good = 0, bad = 0;
	unsigned i;

	for (i = 0; i < t->pasts; i++) {
		good += t->past[i].good;
		bad += t->past[i].bad;
		if (!e.first_bad_ns && t->past[i].bad) {
			e.first_bad_ns = t->past[i].bad_first_ns;
			e.last_good_ns = t->past[i].good && t->past[i].good_first_ns < e.first_bad_ns ?
						 t->past[i].good_first_ns : t->past[i].good_before_ns;
			e.answered = t->past[i].good_last_ns > e.first_bad_ns ? t->past[i].good : 0;
		} else if (e.first_bad_ns) {
			e.answered += t->past[i].good;
		}
		if (t->past[i].bad)
			e.last_bad_ns = t->past[i].bad_last_ns;
	}
	if (good + bad < UW_TRACK_LEAST || 2 * bad < good + bad || t->goods >= UW_TRACK_ROW)
		return;
	e.answered -= e.answered > t->goods ? t->goods : e.answered;
	e.queries = bad + e.answered;
	open_episode(to, e);
}

static void close_episode(const struct telling *to)
{
	struct uw_track *t = to->t;

	t->open = false;
	t->episode.first_good_ns = t->goods_first_ns;
	t->row = t->pasts = 0;
	tell(to, UW_TRACK_CLOSED, 0, t->goods_first_ns);
}

static void settle_good(const struct telling *to, const struct uw_outcomes *c)
{
	struct uw_track *t = to->t;

	if (!t->goods)
		t->goods_first_ns = c->good_first_ns;
	t->goods += c->good;
	t->row = 0;
	t->last_good_ns = c->good_last_ns;
	if (t->open && t->goods >= UW_TRACK_ROW)
		close_episode(to);
	else if (!t->open)
		tell(to, UW_TRACK_GOOD, c->good, c->good_last_ns);
}

static void settle_bad(const struct telling *to, const struct uw_outcomes *c)
{
	struct uw_track *t = to->t;

	if (!t->row) {
		t->row_first_ns = c->bad_first_ns;
		t->row_before_ns = t->last_good_ns;
	}
	t->row += c->bad;
	t->bad += c->bad;
	if (t->open) {
		t->episode.queries += c->bad + t->goods;
		t->episode.answered += t->goods;
		t->episode.last_bad_ns = c->bad_last_ns;
		t->bad_inside += c->bad;
		tell(to, UW_TRACK_BAD, c->bad, c->bad_last_ns);
	}
	t->goods = 0;
	if (!t->open && t->row >= UW_TRACK_ROW)
		open_episode(to, (struct uw_episode){
			.last_good_ns = t->row_before_ns, .first_bad_ns = t->row_first_ns,
			.last_bad_ns = c->bad_last_ns, .queries = t->row,
		});
}

/* Within a quarter of a second some were answered and some were not, in turns: no row of either. */
static void settle_mixed(const struct telling *to, const struct uw_outcomes *c)
{
	struct uw_outcomes one = *c;

	if (c->good_first_ns > c->bad_last_ns) {
		settle_bad(to, c);
		settle_good(to, c);
		return;
	}
	if (c->bad_first_ns > c->good_last_ns) {
		settle_good(to, c);
		settle_bad(to, c);
		return;
	}
	one.good = 1;
	one.good_first_ns = one.good_last_ns = c->good_first_ns;
	settle_good(to, &one);
	to->t->row = 0;
	one.bad = 1;
	one.bad_first_ns = one.bad_last_ns;
	if (to->t->open) {
		to->t->episode.queries += c->bad - 1 + c->good - 1;
		to->t->episode.answered += c->good - 1;
		to->t->bad_inside += c->bad - 1;
	}
	to->t->bad += c->bad - 1;
	settle_bad(to, &one);
	to->t->row = 0;
	if (c->good_last_ns > c->bad_last_ns)
		to->t->last_good_ns = c->good_last_ns;
}

static void settle_cell(const struct telling *to, const struct uw_outcomes *c)
{
	struct uw_track *t = to->t;

	if (!t->open)
		remember(t, c);
	t->gap_ns = t->last_ns ? first_of(c) - t->last_ns : 0;
	t->last_ns = last_of(c);
	if (c->good && c->bad)
		settle_mixed(to, c);
	else if (c->good)
		settle_good(to, c);
	else
		settle_bad(to, c);
	if (!t->open)
		try_half(to);
}

void uw_track_settle(struct uw_track *t, uint64_t until_ns, uw_track_fn fn, void *arg)
{
	const struct telling to = { t, fn, arg };
	unsigned n = 0;

	while (n < t->cells && last_of(&t->cell[n]) <= until_ns &&
	       (cell_of(last_of(&t->cell[n])) < cell_of(until_ns) || until_ns == UINT64_MAX))
		settle_cell(&to, &t->cell[n++]);
	if (!n)
		return;
	/* To the end of the cell: nothing of it may come any more. */
	t->settled_ns = (cell_of(last_of(&t->cell[n - 1])) + 1) * UW_TRACK_CELL_NS - 1;
	t->cells -= n;
	memmove(t->cell, t->cell + n, t->cells * sizeof(*t->cell));
}

void uw_track_free(struct uw_track *t)
{
	free(t->cell);
	memset(t, 0, sizeof(*t));
}
