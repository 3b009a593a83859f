/* SPDX-License-Identifier: GPL-2.0-only */
/* Two of the places of a join, compared. join.c's own. */
#ifndef UW_JOIN_PAIR_H
#define UW_JOIN_PAIR_H

#include "core/vantage.h"
#include "offline/clockfit.h"
#include "offline/held.h"

struct uw_place {
	const char *name;
	bool captured;
	bool blind;		/* a capture with requests cut so short that it cannot be told which they are */
	uint64_t first_ns, last_ns;
	struct uw_held **held;	/* sorted by match, then by time, once all are held */
	unsigned count, room;
};

/** uw_pair_related - whether two places have seen the same queries. */
bool uw_pair_related(struct uw_place *a, struct uw_place *b);

/** uw_pair_join - compare two places, and mark what both have seen and what became of the rest.
 * Return: how many queries both have seen, 0 if the places have nothing to do with each other; -ENOMEM. */
int uw_pair_join(struct uw_place *a, struct uw_place *b, struct uw_vantage *va, struct uw_vantage *vb);

#endif
