/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One flow's outcomes in the order of their sending, and the episodes of loss in them: from three
 * consecutive unanswered queries, or half of at least six within 30 s, until three answers in a row.
 *
 * Outcomes come in any order (an unanswered query is known a timeout later than an answered one);
 * nothing is concluded of a time before uw_track_settle() says that all of it is known. Memory is
 * bounded: outcomes of one quarter of a second are kept together, by their count, first and last.
 */
#ifndef UW_TRACK_H
#define UW_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#define UW_TRACK_ROW 3			/* unanswered in a row open an episode, answers close it */
#define UW_TRACK_LEAST 6		/* or half of so many ... */
#define UW_TRACK_SPAN_NS 30000000000ull	/* ... within this time */
#define UW_TRACK_CELL_NS 250000000ull
#define UW_TRACK_CELLS 160		/* waiting to be settled: 40 s of a flow that asks all the time */
#define UW_TRACK_PAST 64		/* settled, looked back at */

/* Outcomes of one cell: how many, and when the first and the last were sent; 0 with none. */
struct uw_outcomes {
	uint64_t good_first_ns, good_last_ns, bad_first_ns, bad_last_ns;
	uint32_t good, bad;
	uint64_t good_before_ns;	/* of a settled one: the last answered query before it, 0 none */
};

/* Times are those of sends; 0: none. The edges are intervals: loss set in between last_good and
 * first_bad, and ended between last_bad and first_good. */
struct uw_episode {
	uint64_t last_good_ns, first_bad_ns, last_bad_ns, first_good_ns;
	uint64_t queries, answered;	/* sent from first_bad to last_bad */
};

struct uw_track {
	struct uw_outcomes *cell;	/* not settled, oldest first */
	unsigned cells, room;
	struct uw_outcomes past[UW_TRACK_PAST];	/* of the last UW_TRACK_SPAN_NS, oldest first */
	unsigned pasts;
	uint64_t settled_ns, last_good_ns, last_ns, gap_ns;	/* gap: between the last two outcomes */
	uint64_t row, row_first_ns, row_before_ns;	/* unanswered in a row; the answer before them */
	uint64_t goods, goods_first_ns;		/* answers in a row */
	bool open;
	struct uw_episode episode;		/* the one that is open, or was last */
	uint64_t bad, bad_inside;		/* of all that settled: unanswered; those in an episode */
	uint64_t late;				/* told when their time had been settled: left out */
};

enum uw_track_event {
	UW_TRACK_GOOD,		/* answers outside an episode; @n, @ns of the last */
	UW_TRACK_OPENED,
	UW_TRACK_BAD,		/* further unanswered ones in it, @ns of the last */
	UW_TRACK_CLOSED,
};

typedef void (*uw_track_fn)(void *arg, struct uw_track *t, enum uw_track_event event, uint64_t n, uint64_t ns);

/** uw_track_good - @n answered queries, sent from @first_ns to @last_ns; those in between are taken as
 * evenly spread. uw_track_bad - one unanswered. uw_track_unbad - it was answered after all (late). */
void uw_track_good(struct uw_track *t, uint64_t first_ns, uint64_t last_ns, uint64_t n);
void uw_track_bad(struct uw_track *t, uint64_t ns);
void uw_track_unbad(struct uw_track *t, uint64_t ns);

/** uw_track_next - the oldest time that is not settled, to the end of its cell; 0 none. */
uint64_t uw_track_next(const struct uw_track *t);

/** uw_track_settle - all outcomes sent until @until_ns are known: tell what follows from them. */
void uw_track_settle(struct uw_track *t, uint64_t until_ns, uw_track_fn fn, void *arg);

/** uw_track_free - what it holds; zeroed is an empty track. */
void uw_track_free(struct uw_track *t);

#endif
