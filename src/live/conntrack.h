/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether connection tracking dropped a packet. In the kernel its drops look like those of the old
 * iptables (both only say DROP to nf_hook_slow()): its own statistics decide, if nothing else can
 * have been it.
 */
#ifndef UW_CONNTRACK_H
#define UW_CONNTRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/query.h"

/* The tables of the old iptables that a family has registered, as bits. */
enum uw_legacy_table {
	UW_LEGACY_RAW = 1 << 0,
	UW_LEGACY_MANGLE = 1 << 1,
	UW_LEGACY_FILTER = 1 << 2,
	UW_LEGACY_SECURITY = 1 << 3,
	/* nat takes no rule that drops */
};

struct uw_conntrack {
	bool seen;			/* the statistics could be read */
	uint64_t drop, insert_failed;	/* all CPUs; a failed insert counts in both */
	unsigned legacy4, legacy6;	/* UW_LEGACY_* */
};

/** uw_conntrack_read - of the thread's network namespace. Loads no module: seen is false without one. */
void uw_conntrack_read(struct uw_conntrack *c);

/** uw_conntrack_tables - the tables named in the text of /proc/net/ip_tables_names, as bits. */
unsigned uw_conntrack_tables(const char *text);

struct nlmsghdr;

/** uw_conntrack_parse - add one CPU's statistics; pure. Return: 0 or -EBADMSG. */
int uw_conntrack_parse(struct uw_conntrack *c, const struct nlmsghdr *message);

/**
 * uw_conntrack_dropped - whether a drop was connection tracking's; pure.
 * @before, @after: statistics of the drop's namespace around it.
 * @family: 4 or 6.
 *
 * A full table refuses a packet that has no entry yet, a lost race one whose entry is not confirmed
 * yet. If a table of the old iptables could have done the same there, nobody can tell: false.
 */
bool uw_conntrack_dropped(const struct uw_conntrack *before, const struct uw_conntrack *after,
			  const struct uw_drop_fact *d, uint8_t family);

#endif
