// SPDX-License-Identifier: GPL-2.0-only
#include "live/wires.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live/counters.h"

#define NAMESPACES 64
#define READINGS 36	/* seconds: the 30 s that a query may be open, and some */
#define INTERVAL_NS 1000000000ull

struct history {
	uint32_t inum;
	unsigned count;		/* readings, the oldest first */
	struct uw_counters_snapshot *reading[READINGS];
	bool seen;
};

struct uw_wires {
	struct history history[NAMESPACES];
	unsigned used;
	uint64_t read_ns;
};

struct uw_wires *uw_wires_new(void)
{
	return calloc(1, sizeof(struct uw_wires));
}

static void history_clear(struct history *h)
{
	unsigned i;

	for (i = 0; i < h->count; i++)
		uw_counters_free(h->reading[i]);
	h->count = 0;
}

void uw_wires_free(struct uw_wires *w)
{
	unsigned i;

	for (i = 0; w && i < w->used; i++)
		history_clear(&w->history[i]);
	free(w);
}

static struct history *history_of(struct uw_wires *w, uint32_t inum)
{
	unsigned i;

	for (i = 0; i < w->used; i++) {
		if (w->history[i].inum == inum)
			return &w->history[i];
	}
	return NULL;
}

static struct history *history_add(struct uw_wires *w, uint32_t inum)
{
	struct history *h;

	if (w->used == NAMESPACES)
		return NULL;
	h = &w->history[w->used++];
	memset(h, 0, sizeof(*h));
	h->inum = inum;
	return h;
}

struct reading {
	uint32_t inum;
	struct uw_counters_snapshot *out;
};

static int read_counters(void *arg)
{
	struct reading *r = arg;

	return uw_counters_read(r->inum, &r->out);
}

static void take_reading(struct history *h, const struct uw_netns *ns)
{
	struct reading r = { .inum = ns->inum };

	if (uw_netns_visit(ns, read_counters, &r))
		return;
	if (h->count == READINGS) {
		uw_counters_free(h->reading[0]);
		memmove(h->reading, h->reading + 1, (READINGS - 1) * sizeof(*h->reading));
		h->count--;
	}
	h->reading[h->count++] = r.out;
}

void uw_wires_read(struct uw_wires *w, const struct uw_netns *list, unsigned count, uint64_t now_ns)
{
	unsigned i;

	if (w->read_ns && now_ns - w->read_ns < INTERVAL_NS)
		return;
	w->read_ns = now_ns;
	for (i = 0; i < w->used; i++)
		w->history[i].seen = false;
	for (i = 0; i < count; i++) {
		struct history *h = history_of(w, list[i].inum);

		if (!h)
			h = history_add(w, list[i].inum);
		if (h) {
			h->seen = true;
			take_reading(h, &list[i]);
		}
	}
	for (i = w->used; i-- > 0;) {
		if (w->history[i].seen)
			continue;
		history_clear(&w->history[i]);
		w->history[i] = w->history[--w->used];
	}
}

/* The newest reading from before an instant. */
static const struct uw_counters_snapshot *reading_before(const struct history *h, uint64_t when_ns)
{
	unsigned i;

	for (i = h->count; i-- > 0;) {
		if (h->reading[i]->taken_ns <= when_ns)
			return h->reading[i];
	}
	return NULL;
}

/* A reading taken after the deadline, or as the devices are now. */
static const struct uw_counters_snapshot *reading_after(struct history *h, const struct uw_query *q,
							const struct uw_netns *list, unsigned count)
{
	uint64_t deadline = q->send_ns + q->timeout_ns;
	unsigned i;

	for (i = 0; i < count && (!h->count || h->reading[h->count - 1]->taken_ns < deadline); i++) {
		if (list[i].inum == h->inum) {
			take_reading(h, &list[i]);
			break;
		}
	}
	return h->count ? h->reading[h->count - 1] : NULL;
}

/* Returns whether the device could be looked at before and after. */
static bool acquit_device(struct uw_query *q, const struct uw_hop *hop,
			  const struct uw_counters_snapshot *before, const struct uw_counters_snapshot *after)
{
	bool both = uw_counters_compare(before, after, hop->ifname, &q->acquittal);

	if (uw_counters_is_tunnel(after, hop->ifname))
		q->gaps |= UW_GAP_BIT(UW_GAP_ENCAPSULATED);
	return both;
}

void uw_wires_acquit(struct uw_wires *w, struct uw_query *q, const struct uw_netns *list, unsigned count)
{
	bool all = true;
	unsigned i;

	for (i = 0; i < q->hops; i++) {
		const struct uw_hop *hop = &q->path[i];
		struct history *h = history_of(w, hop->netns);
		const struct uw_counters_snapshot *after;

		if (hop->dir != UW_REQUEST || !hop->out)
			continue;
		after = h ? reading_after(h, q, list, count) : NULL;
		all &= after && acquit_device(q, hop, reading_before(h, q->send_ns), after);
	}
	q->acquittal.looked &= all;
	/* A namespace too young, or one too many, to have been read before the query. */
	if (!q->acquittal.looked)
		q->gaps |= UW_GAP_BIT(UW_GAP_NAMESPACE_NOT_TRACED);
	if (q->acquittal.nic_drops)
		q->gaps |= UW_GAP_BIT(UW_GAP_NIC_DROPS_ROSE);
	if (q->acquittal.xdp)
		q->gaps |= UW_GAP_BIT(UW_GAP_XDP_ON_DEVICE);
}
