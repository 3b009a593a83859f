/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queries through a tunnel (ruling 9): whether the gap "encapsulated" can be closed, because every copy's
 * outer packet was seen to leave, others came in meanwhile, and all of those came out of the tunnel here.
 */
#ifndef UW_TUNNELS_H
#define UW_TUNNELS_H

#include "core/query.h"

/* One second of a way. Return: false if nothing came in then. */
typedef bool (*uw_tunnel_second_fn)(void *arg, const struct uw_tunnel_key *k, struct uw_tunnel_second *out);

/** uw_tunnel_carried - whether the tunnel carried the query out, and lost no answer here. Pure. */
bool uw_tunnel_carried(const struct uw_query *q, uw_tunnel_second_fn second, void *arg);

/** uw_tunnels_clear - the same, from the kernel side's map; the gap goes if so. */
void uw_tunnels_clear(int map, struct uw_query *q);

/** uw_tunnels_forget - take seconds out of the map that no query's wait lies in. @keep_ns: the longest. */
void uw_tunnels_forget(int map, uint64_t now_ns, uint64_t keep_ns);

#endif
