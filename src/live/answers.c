// SPDX-License-Identifier: GPL-2.0-only
#include "live/answers.h"

#include <bpf/bpf.h>

#include "config.h"

#define NS_PER_S 1000000000ull
#define IDLE_NS (3600 * NS_PER_S)
#define IDLE_FULL_NS (60 * NS_PER_S)

static void each(int table, uw_flow_fn fn, void *arg)
{
	struct uw_flow_key key, next, *previous = NULL;
	struct uw_flow_value v;

	while (!bpf_map_get_next_key(table, previous, &next)) {
		if (!bpf_map_lookup_elem(table, &next, &v))
			fn(arg, &next, &v);
		key = next;
		previous = &key;
	}
}

void uw_answers_each(const int tables[UW_QUOTAS], uw_flow_fn fn, void *arg)
{
	unsigned i;

	for (i = 0; i < UW_QUOTAS; i++)
		each(tables[i], fn, arg);
}

static unsigned count_keys(int table)
{
	struct uw_flow_key key, next, *previous = NULL;
	unsigned n = 0;

	for (; !bpf_map_get_next_key(table, previous, &next); n++) {
		key = next;
		previous = &key;
	}
	return n;
}

/*
 * One that was idle for so long is not being counted at this very moment, so that nothing is lost
 * between its last reading and its end.
 */
static void trim(int table, uint64_t before_ns, uw_flow_fn fn, void *arg)
{
	struct uw_flow_key key, next;
	struct uw_flow_value v;
	int end = bpf_map_get_next_key(table, NULL, &next);

	while (!end) {
		key = next;
		end = bpf_map_get_next_key(table, &key, &next);
		if (bpf_map_lookup_elem(table, &key, &v) || v.last_good_ns >= before_ns)
			continue;
		if (!bpf_map_delete_elem(table, &key))
			fn(arg, &key, &v);
	}
}

void uw_answers_trim(const int tables[UW_QUOTAS], uint64_t now_ns, uw_flow_fn fn, void *arg)
{
	/* Not the servers': those go to "other" in the kernel when there are many. */
	static const struct {
		unsigned quota, room;
	} trimmed[] = { { UW_QUOTA_CLIENT, UW_FLOWS }, { UW_QUOTA_FORWARDER, UW_PASSING_FLOWS } };
	unsigned i;

	for (i = 0; i < sizeof(trimmed) / sizeof(*trimmed); i++) {
		int table = tables[trimmed[i].quota];
		uint64_t idle_ns = count_keys(table) > trimmed[i].room / 4 * 3 ? IDLE_FULL_NS : IDLE_NS;

		if (now_ns > idle_ns)
			trim(table, now_ns - idle_ns, fn, arg);
	}
}
