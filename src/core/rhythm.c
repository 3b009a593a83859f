// SPDX-License-Identifier: GPL-2.0-only
#include "core/asker.h"

#include <stdlib.h>
#include <string.h>

void uw_rhythm_note(struct uw_rhythm *r, uint64_t sent_ns)
{
	unsigned at = r->count;

	while (at && r->sent_ns[at - 1] > sent_ns)
		at--;
	if (!sent_ns || (at && r->sent_ns[at - 1] == sent_ns))
		return;
	if (r->count == UW_RHYTHM_SENDS) {
		if (!at)
			return; /* older than all that are kept */
		at--;
		memmove(r->sent_ns, r->sent_ns + 1, at * sizeof(*r->sent_ns));
	} else {
		memmove(r->sent_ns + at + 1, r->sent_ns + at, (r->count - at) * sizeof(*r->sent_ns));
		r->count++;
	}
	r->sent_ns[at] = sent_ns;
}

static int by_length(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Return: 0 if they keep no time. */
static uint64_t seen_ns(const struct uw_rhythm *r)
{
	uint64_t interval[UW_RHYTHM_SENDS - 1], median;
	unsigned n = r->count ? r->count - 1 : 0, off = 0, i;

	if (n < 2)
		return 0;
	for (i = 0; i < n; i++)
		interval[i] = r->sent_ns[i + 1] - r->sent_ns[i];
	qsort(interval, n, sizeof(*interval), by_length);
	median = interval[n / 2];
	for (i = 0; i < n; i++)
		off += interval[i] < median - median / 4 || interval[i] > median + median / 4;
	return 4 * off > n ? 0 : median;
}

uint64_t uw_rhythm_interval_ns(const struct uw_rhythm *r)
{
	uint64_t seen = seen_ns(r);

	return seen ? seen : r->told_ns;
}

uint64_t uw_rhythm_longest_ns(const struct uw_rhythm *r)
{
	uint64_t seen = seen_ns(r);

	return seen ? seen : r->told_longest_ns;
}

uint64_t uw_rhythm_next_ns(const struct uw_rhythm *r, uint64_t now_ns)
{
	uint64_t interval = seen_ns(r), next = r->told_next_ns;

	if (interval)
		next = r->sent_ns[r->count - 1] + interval;
	else
		interval = r->told_ns;
	return next && next + interval > now_ns ? next : 0;
}
