/* SPDX-License-Identifier: GPL-2.0-only */
/* Replies of servers here that the kernel refused to send: the last ones, by whom they were for. */
#ifndef UW_REFUSALS_H
#define UW_REFUSALS_H

#include "core/query.h"

#define UW_REFUSALS 1024

struct uw_refusals {
	struct uw_refusal {
		struct uw_query_key key;	/* the server's address zero if it is not known */
		uint64_t when_ns;
		int err;			/* positive, 0 none */
	} item[UW_REFUSALS];
	unsigned next;
};

/** uw_refusals_keep - of a UW_RECORD_REPLY_FAILED. */
void uw_refusals_keep(struct uw_refusals *all, const struct uw_record *r);

/** uw_refusals_give - q->send_errno of a request that was read and to whose client no reply was sent since. */
void uw_refusals_give(const struct uw_refusals *all, struct uw_query *q);

#endif
