/* SPDX-License-Identifier: GPL-2.0-only */
/* Who has a packet that a netfilter hook got and neither passed on nor freed. */
#ifndef UW_HOLDER_H
#define UW_HOLDER_H

#include "core/query.h"
#include "live/netns.h"

/** uw_holder_netns - the namespace in which a held packet was last seen, 0 if the path was cut short. */
uint32_t uw_holder_netns(const struct uw_query *q);

/**
 * uw_holder_parse - whether any queue of /proc/net/netfilter/nfnetlink_queue has packets waiting.
 * @text: the file's; lines that are none are passed over.
 */
bool uw_holder_parse(const char *text);

/**
 * uw_holder_find - note the holder of a held query, if it is known.
 * @q: judged; held_by is written if packets wait in an NFQUEUE of the hook's namespace.
 * @ns: of uw_holder_netns().
 */
void uw_holder_find(struct uw_query *q, const struct uw_netns *ns);

#endif
