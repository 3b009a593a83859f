/* SPDX-License-Identifier: GPL-2.0-only */
/* Verdicts by what they mean to somebody who reads a report: four lots. */
#ifndef UW_LOT_H
#define UW_LOT_H

#include "core/query.h"

enum uw_lot {
	UW_LOT_GOOD,
	UW_LOT_LOST,	/* no answer, or one that came from elsewhere or too late */
	UW_LOT_HERE,	/* lost on this host */
	UW_LOT_OTHER,	/* refused, superseded, unknown */
	UW_LOTS,
};

/** uw_lot - what a verdict counts as. */
enum uw_lot uw_lot(enum uw_verdict v);

/** uw_lot_count - how many of @count, by verdict, are of a lot. */
uint64_t uw_lot_count(const uint64_t count[UW_VERDICTS], enum uw_lot lot);

#endif
