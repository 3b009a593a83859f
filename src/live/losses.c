// SPDX-License-Identifier: GPL-2.0-only
#include "live/losses.h"

#include <string.h>

#include "core/query.h"

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
	       stat != UW_STAT_server_table_full && stat != UW_STAT_forwarder_table_full &&
	       stat != UW_STAT_causes_full && stat != UW_STAT_server_queue_race && stat != UW_STAT_reply_unparsed && stat != UW_STAT_request_unparsed;
}

/*
 * A run is missed when it interrupts one of the same program, that is in interrupt context, unless tasks
 * preempt it: there no process sends, reads, connects or ends, and no program's socket has a route looked up.
 */
bool uw_miss_matters(const char *program, bool preemptible)
{
	static const char *const in_processes[] = {
		"uw_fib_table_lookup", "uw_fib6_table_lookup", "uw_sock_send_length", "uw_sock_recv_length",
		"uw_sys_exit", "uw_sched_process_exit", "uw_cgroup_rmdir",
	};

	for (size_t i = 0; i < sizeof(in_processes) / sizeof(in_processes[0]); i++) {
		if (!preemptible && !strcmp(program, in_processes[i]))
			return false;
	}
	return true;
}

void uw_losses_watch(struct uw_losses *l, const struct uw_live *live, uint64_t now_ns)
{
	uint64_t now[UW_STATS], misses = uw_live_recursion_losses(live);
	unsigned i;

	if (uw_live_stats(live, now))
		return;
	for (i = 0; i < UW_STATS; i++) {
		if (now[i] > l->stats[i] && damages_open(i))
			l->loss_ns = now_ns;
	}
	if (misses > l->misses)
		l->loss_ns = now_ns;
	if (now[UW_STAT_reply_unparsed] > l->stats[UW_STAT_reply_unparsed])
		l->unparsed_ns = now_ns;
	if (now[UW_STAT_server_queue_race] > l->stats[UW_STAT_server_queue_race])
		l->server_loss_ns = now_ns;
	if (now[UW_STAT_table_full] > l->stats[UW_STAT_table_full])
		l->full_ns = now_ns;
	memcpy(l->stats, now, sizeof(now));
	l->misses = misses;
}

#define SLEPT_NS 1000000000ull	/* less may be between the two readings */

void uw_losses_slept(struct uw_losses *l, uint64_t boot_ns, uint64_t mono_ns)
{
	uint64_t slept = boot_ns > mono_ns ? boot_ns - mono_ns : 0;

	if (l->looked && slept > l->slept_ns + SLEPT_NS) {
		l->suspended++;
		l->loss_ns = boot_ns;
	}
	l->looked = true;
	l->slept_ns = slept;
}

void uw_losses_damaged(struct uw_losses *l, uint64_t now_ns)
{
	l->damaged++;
	l->loss_ns = now_ns;
}

void uw_losses_stats(const struct uw_losses *l, uint64_t stats[UW_STATS])
{
	stats[UW_STAT_update_failed] += l->damaged;
	stats[UW_STAT_sweep_failed] += l->sweeps;
	stats[UW_STAT_alias_lost] += l->aliases;
	stats[UW_STAT_vanished] += l->vanished;
	stats[UW_STAT_suspended] += l->suspended;
}

bool uw_losses_table_full(const struct uw_losses *l, uint64_t since_ns)
{
	return l->full_ns > since_ns;
}

uint32_t uw_losses_gaps(const struct uw_losses *l, uint64_t since_ns, bool server)
{
	return (l->loss_ns > since_ns || (server && l->server_loss_ns > since_ns) ? UW_GAP_BIT(UW_GAP_RECORDS_LOST) : 0) |
	       (l->unparsed_ns > since_ns ? UW_GAP_BIT(UW_GAP_REPLY_UNPARSED) : 0);
}
