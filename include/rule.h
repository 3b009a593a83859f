/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rule that dropped a packet, as nftables' own trace of that packet told it. The kernel side
 * keeps each once, under a number; a drop holds the number (uw_drop.rule).
 */
#ifndef UW_RULE_H
#define UW_RULE_H

#include "types.h"

#define UW_RULE_NAME 256	/* NFT_NAME_MAXLEN, its NUL included */
#define UW_RULES 2048		/* kept at once */
#define UW_RULE_SOCKETS 64	/* namespaces traced at once */
#define UW_OWN_TABLE "udpwhy-"	/* begins the names of the tables that we make; seven bytes */

struct uw_rule {
	__u64 handle;			/* 0: the chain's policy */
	__u32 netns;
	__u32 epoch;			/* of the namespace's ruleset, see uw_rule_socket */
	__u32 family;			/* NFPROTO_* of the table */
	__u32 pad;
	char table[UW_RULE_NAME];
	char chain[UW_RULE_NAME];	/* the base chain, for a policy */
};

/* Our socket for a namespace's trace messages. */
struct uw_rule_socket {
	__u64 changed_ns;	/* when the ruleset last changed, 0 not since we look */
	__u32 netns;
	__u32 epoch;		/* changes seen */
};

_Static_assert(sizeof(struct uw_rule) == 24 + 2 * UW_RULE_NAME, "uw_rule changed its layout");
_Static_assert(sizeof(struct uw_rule_socket) == 16, "uw_rule_socket changed its layout");

#endif
