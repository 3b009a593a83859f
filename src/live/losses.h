/* SPDX-License-Identifier: GPL-2.0-only */
/* Losses of the tracer itself: what was counted, and when what damages open queries last rose. */
#ifndef UW_LOSSES_H
#define UW_LOSSES_H

#include "live/live.h"

struct uw_losses {
	uint64_t stats[UW_STATS], misses;
	uint64_t damaged;		/* records that failed the check */
	uint64_t sweeps, aliases, vanished;	/* counted here, not by the kernel side */
	uint64_t slept_ns, suspended;	/* since boot, as last looked at; times it slept since */
	bool looked;
	uint64_t loss_ns, server_loss_ns, unparsed_ns, full_ns;	/* when one last rose */
};

/**
 * uw_miss_matters - whether a verdict may rest on a run of this program that the kernel skipped.
 * @preemptible: another task may have interrupted it.
 */
bool uw_miss_matters(const char *program, bool preemptible);

/** uw_losses_watch - look at the counters; @now_ns is noted for those that rose. */
void uw_losses_watch(struct uw_losses *l, const struct uw_live *live, uint64_t now_ns);

/**
 * uw_losses_slept - whether the machine slept (was suspended) since the last look: what came meanwhile was
 * not seen, so queries that were open are as after a loss. CLOCK_BOOTTIME counts sleep, CLOCK_MONOTONIC does not.
 * @boot_ns, mono_ns: the two, read one after the other.
 */
void uw_losses_slept(struct uw_losses *l, uint64_t boot_ns, uint64_t mono_ns);

/** uw_losses_damaged - a record from the kernel side was not one. */
void uw_losses_damaged(struct uw_losses *l, uint64_t now_ns);

/** uw_losses_stats - add to the kernel's counts what is counted here. */
void uw_losses_stats(const struct uw_losses *l, uint64_t stats[UW_STATS]);

/** uw_losses_table_full - whether queries went unfollowed for want of room since @since_ns. */
bool uw_losses_table_full(const struct uw_losses *l, uint64_t since_ns);

/** uw_losses_gaps - UW_GAP_BIT() of what was lost since @since_ns; @server: the request may have come to one here. */
uint32_t uw_losses_gaps(const struct uw_losses *l, uint64_t since_ns, bool server);

#endif
