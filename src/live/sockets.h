/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel side's maps, and a walk over open files, say of a query's asking socket. */
#ifndef UW_SOCKETS_H
#define UW_SOCKETS_H

#include "core/query.h"
#include "live/live.h"

struct uw_sockets;

/** uw_sockets_new - who has which socket open at @now_ns is read at once; NULL without memory. */
struct uw_sockets *uw_sockets_new(const struct uw_live_fds *fds, uint64_t now_ns);
void uw_sockets_free(struct uw_sockets *s);

/** uw_sockets_ended - q->abandoned_ns and q->superseded_ns: its close, its process's end, another's answer. */
void uw_sockets_ended(const struct uw_sockets *s, const struct uw_record *r, struct uw_query *q);

/** uw_sockets_read - q->read_ns of a reply whose reading was not seen, but must have been. */
void uw_sockets_read(const struct uw_sockets *s, const struct uw_record *r, struct uw_query *q);

/** uw_sockets_holders - UW_Q_NO_OWNER: q->holder, those who have the asking socket open. */
void uw_sockets_holders(struct uw_sockets *s, const struct uw_record *r, struct uw_query *q, uint64_t now_ns);

/** uw_sockets_at_start - the sockets that were open at the start; *count may be 0. */
const struct uw_holding *uw_sockets_at_start(const struct uw_sockets *s, unsigned *count);

/** uw_sockets_may_have_asked - whether a reply without a query may be to a socket that was open at the start. */
bool uw_sockets_may_have_asked(const struct uw_sockets *s, const struct uw_record *r);

#endif
