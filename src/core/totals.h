/* SPDX-License-Identifier: GPL-2.0-only */
/* What a run adds up to: how many queries had which end, and whose fault they were. */
#ifndef UW_TOTALS_H
#define UW_TOTALS_H

#include "core/query.h"
#include "stats.h"

/* Totals, for status and end records, the summary and the exit status. */
struct uw_window;
struct uw_traffic;

struct uw_totals {
	uint64_t verdict[UW_VERDICTS];
	uint64_t fault[UW_FAULTS];
	uint64_t stats[UW_STATS];	/* enum uw_stat: what was counted and what was lost */
	uint64_t recursion_misses;
	uint64_t netlink_lost;
	uint64_t suppressed;		/* monitor: bad queries counted but not told one by one */
	uint64_t output_lost;		/* lines that a slow reader or a full disk did not take */
	bool nft_trace;			/* rules were looked for: */
	uint64_t rule_unknown;		/* drops by nftables whose trace did not come */
	bool command_ran;
	int command_status;		/* exit status as a shell gives it: 128 + signal */
	uint64_t elapsed_ns;
	const struct uw_vantage *vantage;	/* of several files: the places they are from */
	unsigned vantages;
	const struct uw_window *const *window;	/* at the end: the loss windows, the oldest first */
	unsigned windows;
	const struct uw_traffic *traffic;	/* likewise: of a capture what went from and to who asked; NULL not known */
};

/* What an earlier revision of a query said, and is taken back by the next. */
struct uw_previous {
	enum uw_verdict verdict;
	enum uw_fault fault;
};

/** uw_totals_add - count a judged query; @previous: of the revision that it replaces, or NULL. */
void uw_totals_add(struct uw_totals *t, const struct uw_query *q,
		   const struct uw_previous *previous);

/** uw_totals_good - count @n queries of a role that were answered and not told one by one. */
void uw_totals_good(struct uw_totals *t, enum uw_role role, uint64_t n);

/**
 * uw_loss_name - what a loss of stats.h is called outside: some have names in the contract, the others
 * keep their own. @name: as stats.h has it.
 */
const char *uw_loss_name(const char *name);

/** uw_totals_rest - count @n queries of which only the verdict is known; who is at fault in bad ones is
 * counted apart. */
void uw_totals_rest(struct uw_totals *t, enum uw_verdict v, uint64_t n);

/** uw_totals_exit_status - of --exit-code: 0 nobody is accused, 3 local, 4 beyond, 5 unknown. */
int uw_totals_exit_status(const struct uw_totals *t);

#endif
