/* SPDX-License-Identifier: GPL-2.0-only */
#include "core/totals.h"

#include <string.h>

void uw_totals_add(struct uw_totals *t, const struct uw_query *q,
		   const struct uw_previous *previous)
{
	if (previous) {
		t->verdict[previous->verdict]--;
		t->fault[previous->fault]--;
	}
	t->verdict[q->verdict] += uw_query_times(q);
	t->fault[q->fault] += uw_query_times(q);
}

void uw_totals_good(struct uw_totals *t, enum uw_role role, uint64_t n)
{
	t->verdict[uw_verdict_good(role)] += n;
	t->fault[UW_FAULT_NONE] += n;
}

void uw_totals_rest(struct uw_totals *t, enum uw_verdict v, uint64_t n)
{
	bool good = v == UW_ANSWERED || v == UW_SERVED || v == UW_FORWARDED || v == UW_SUPERSEDED;

	t->verdict[v] += n;
	if (good)
		t->fault[UW_FAULT_NONE] += n;
}

int uw_totals_exit_status(const struct uw_totals *t)
{
	if (t->fault[UW_FAULT_LOCAL])
		return 3;
	if (t->fault[UW_FAULT_BEYOND])
		return 4;
	return t->fault[UW_FAULT_UNKNOWN] ? 5 : 0;
}

/* The names that the contract gives to some of the losses of stats.h; the others keep their own. */
const char *uw_loss_name(const char *name)
{
	static const char *const names[][2] = {
		{"ring_full", "ring"},
		{"table_full", "table"},
		{"server_table_full", "table_server"},
		{"forwarder_table_full", "table_forwarder"},
		{"update_failed", "update"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i][0], name) == 0)
			return names[i][1];
	return name;
}
