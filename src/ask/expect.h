/* SPDX-License-Identifier: GPL-2.0-only */
/* What a DNS answer has to say, as check_dns has it: -a, -L, -A, -n. */
#ifndef UW_EXPECT_H
#define UW_EXPECT_H

#include "ask/prober.h"
#include "config.h"

#define UW_EXPECT_MAX 16

struct uw_expect {
	unsigned addresses;
	struct uw_prefix address[UW_EXPECT_MAX];
	bool all;		/* these and no others */
	bool authority;
	bool nxdomain;
};

/** uw_expect_any - whether anything is expected. */
bool uw_expect_any(const struct uw_expect *e);

/** uw_expect_met - whether an answer says so; if not, @why is what it says instead, without newline. */
bool uw_expect_met(const struct uw_expect *e, const struct uw_probe_reply *r, char *why, size_t size);

#endif
