/* SPDX-License-Identifier: GPL-2.0-only */
/* The block that is pasted into a provider's ticket: plain text, UTC, no word that needs this tool. */
#ifndef UW_TICKET_H
#define UW_TICKET_H

#include <stdio.h>

#include "core/clock.h"
#include "core/flow.h"
#include "core/totals.h"

/**
 * uw_ticket - write it, if any query drew no answer; lines are at most 78 columns and begin with @indent.
 * @flows: all of the run; t: its loss windows. It holds addresses and numbers, no names.
 */
void uw_ticket(FILE *out, const char *indent, const struct uw_clock *clock, const struct uw_flow *const *flows,
	       unsigned count, const struct uw_totals *t);

/** uw_ticket_wanted - whether there is anything to complain of. */
bool uw_ticket_wanted(const struct uw_flow *const *flows, unsigned count);

#endif
