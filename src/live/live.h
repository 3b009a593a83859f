/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel side, loaded: programs, maps and the links that hold them. Everything goes away with
 * the process, however it ends: nothing is pinned.
 */
#ifndef UW_LIVE_H
#define UW_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli.h"
#include "config.h"
#include "live/netns.h"
#include "stats.h"

#define UW_ERROR_MAX 512
#define UW_LIVE_HOOKS 32

struct uw_live;

/* Of the maps that user space works on. */
struct uw_live_fds {
	int tables[UW_QUOTAS], flows[UW_QUOTAS];
	int aliases, visitor_aliases, here, floods, earlier, sends, askers, queues, ring, closed, answers, tunnel_seconds;
	int carriers, carried_ports;
	int holdings;	/* a link, for uw_holdings_read(); -1 if this kernel cannot */
	int cgroups_gone;
	int evidence;	/* of --evidence */
	int rules, rule_sockets, nft_filter;	/* of --nft-trace */
};

struct uw_live_options {
	uint64_t timeout_ns;	/* the deadline */
	bool all;		/* send good queries up too */
	bool evidence;		/* keep the first bytes of packets */
	bool nft_trace;		/* load what uw_nft_trace_open() needs */
	bool refusals;		/* see what is refused before the network stack; slows every system call */
};

/**
 * uw_live_open - load and attach.
 * @filters: scope, namespaces, addresses, ports, process, device; both outlive it.
 * @out: receives the kernel side, to be freed by uw_live_close(); error: one line, why and what to do.
 *
 * Return: 0 or -errno with @error filled.
 */
int uw_live_open(const struct uw_filters *filters, const struct uw_live_options *options,
		 struct uw_live **out, char error[UW_ERROR_MAX]);
void uw_live_close(struct uw_live *l);

/**
 * uw_live_follow_namespaces - attach to namespaces of the scope that came, let go of those that went.
 * To be called about once a second. Return: number attached to.
 */
unsigned uw_live_follow_namespaces(struct uw_live *l);

/** uw_live_visitors - from @from_ns on visitors are followed; room: the bad ones to keep until the next call. */
void uw_live_visitors(const struct uw_live *l, uint64_t from_ns, const int64_t room[UW_QUOTAS]);

/** uw_live_send_told - an entry of the map of sends was deleted: the programs count them. */
void uw_live_send_told(const struct uw_live *l);

/** uw_live_namespaces - the namespaces of the scope at the last look; *count receives how many. */
const struct uw_netns *uw_live_namespaces(const struct uw_live *l, unsigned *count);

/** uw_live_stats - sums over all CPUs; total[] has UW_STATS entries. Return: 0 or -errno. */
int uw_live_stats(const struct uw_live *l, uint64_t total[UW_STATS]);

/** uw_live_recursion_misses - runs of our programs that the kernel skipped. */
uint64_t uw_live_recursion_misses(const struct uw_live *l);

/** uw_live_recursion_losses - those that a verdict may rest on. */
uint64_t uw_live_recursion_losses(const struct uw_live *l);

/** uw_live_gaps - UW_GAP_BIT() that hold for every query of the run on this kernel. */
uint32_t uw_live_gaps(const struct uw_live *l);

/** uw_live_run_gaps - those and old_kernel, if any hook is missing: some verdicts are weaker then. */
uint32_t uw_live_run_gaps(const struct uw_live *l);

/** uw_live_reads_seen - whether the reading of a datagram can be seen (sock_recv_length, 6.3). */
bool uw_live_reads_seen(const struct uw_live *l);

/** uw_live_hooks - names of the hooks attached to. Return: how many of @names, at most @max. */
unsigned uw_live_hooks(const struct uw_live *l, const char **names, unsigned max);

/** uw_live_wants_netns - whether --netns lets this namespace pass. */
bool uw_live_wants_netns(const struct uw_live *l, uint32_t inum);

/** uw_live_filtered - whether the user asked for some queries only: a reply without one tells nothing. */
bool uw_live_filtered(const struct uw_live *l);

struct uw_live_fds uw_live_fds(const struct uw_live *l);

#endif
