// SPDX-License-Identifier: GPL-2.0-only
#include "live/tunnels.h"

#include <bpf/bpf.h>

#define SECOND_NS 1000000000ull

bool uw_tunnel_carried(const struct uw_query *q, uw_tunnel_second_fn second, void *arg)
{
	/* What is merged on its way in may be counted with the packet before it: hence one second more. */
	uint64_t deadline_ns = q->send_ns + q->timeout_ns, last = deadline_ns / SECOND_NS + 1, at;
	struct uw_tunnel_key k = { .way = q->outer.way };
	struct uw_tunnel_second s;
	bool came = false;

	if (!q->outer.way || !q->on_wire || q->outer.copies != q->on_wire)
		return false;
	for (at = q->send_ns / SECOND_NS; at <= last; at++) {
		k.second = (uint32_t)at;
		if (!second(arg, &k, &s))
			continue;
		if (s.missing)
			return false;
		/* What came later says nothing about the time in which the answer was waited for. */
		came |= s.out_ns > q->wire_out_ns && s.out_ns <= deadline_ns;
	}
	return came;
}

static bool look_up(void *arg, const struct uw_tunnel_key *k, struct uw_tunnel_second *out)
{
	return !bpf_map_lookup_elem(*(int *)arg, k, out);
}

void uw_tunnels_clear(int map, struct uw_query *q)
{
	if (q->gaps & UW_GAP_BIT(UW_GAP_ENCAPSULATED) && uw_tunnel_carried(q, look_up, &map)) {
		q->gaps &= ~UW_GAP_BIT(UW_GAP_ENCAPSULATED);
		q->acquittal.carried = true;
	}
}

void uw_tunnels_forget(int map, uint64_t now_ns, uint64_t keep_ns)
{
	struct uw_tunnel_key k, next, *previous = NULL;

	while (!bpf_map_get_next_key(map, previous, &next)) {
		if (next.second * SECOND_NS + keep_ns < now_ns)
			bpf_map_delete_elem(map, &next);
		k = next;
		previous = &k;
	}
}
