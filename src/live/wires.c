// SPDX-License-Identifier: GPL-2.0-only
#include "live/wires.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live/acquittal.h"

#define NAMESPACES 256
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

static void keep_reading(struct history *h, struct uw_counters_snapshot *s)
{
	unsigned n = h->count;

	/* One between two of the regular ones, for a query that is judged: the next takes its place. */
	if (n >= 2 && h->reading[n - 1]->taken_ns - h->reading[n - 2]->taken_ns < INTERVAL_NS) {
		uw_counters_free(h->reading[--h->count]);
	} else if (n == READINGS) {
		uw_counters_free(h->reading[0]);
		memmove(h->reading, h->reading + 1, (READINGS - 1) * sizeof(*h->reading));
		h->count--;
	}
	h->reading[h->count++] = s;
}

static void take_reading(struct history *h, const struct uw_netns *ns)
{
	struct reading r = { .inum = ns->inum };

	if (!uw_netns_visit(ns, read_counters, &r))
		keep_reading(h, r.out);
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

/* The newest reading from before an instant; -1 if there is none. */
static int reading_before(const struct history *h, uint64_t when_ns)
{
	int i = (int)h->count - 1;

	while (i >= 0 && h->reading[i]->taken_ns > when_ns)
		i--;
	return i;
}

/* Sees to it that the newest reading is from after an instant, or shows the devices as they are now. */
static void read_after(struct history *h, uint64_t when_ns, const struct uw_netns *list, unsigned count)
{
	unsigned i;

	if (h->count && h->reading[h->count - 1]->taken_ns >= when_ns)
		return;
	for (i = 0; i < count; i++) {
		if (list[i].inum == h->inum)
			take_reading(h, &list[i]);
	}
}

/* Every device of the namespace could have taken the reply in, whichever the request left by. */
static bool acquit_namespace(struct uw_query *q, const struct history *h, int before)
{
	unsigned i;

	for (i = (unsigned)before; i < h->count; i++) {
		if (uw_acquit_xdp(h->reading[i], &q->acquittal))
			q->gaps |= UW_GAP_BIT(UW_GAP_XDP_ON_DEVICE);
	}
	return uw_acquit_arrivals(h->reading[before], h->reading[h->count - 1], &q->acquittal);
}

static bool seen_before(const struct uw_query *q, unsigned hop, uint32_t netns)
{
	unsigned i;

	for (i = 0; i < hop; i++) {
		if (q->path[i].netns == netns && q->path[i].dir == UW_REQUEST && q->path[i].out)
			return true;
	}
	return false;
}

/* Returns whether everything could be looked at before and after. */
static bool acquit_device(struct uw_wires *w, struct uw_query *q, uint32_t netns, uint32_t ifindex, bool again,
			  const struct uw_netns *list, unsigned count)
{
	struct history *h = history_of(w, netns);
	const struct uw_counters_snapshot *after;
	bool all;
	int before;

	if (!h)
		return false;
	read_after(h, q->send_ns + q->timeout_ns, list, count);
	before = reading_before(h, q->send_ns);
	if (before < 0)
		return false;
	after = h->reading[h->count - 1];
	all = again || acquit_namespace(q, h, before);
	if (uw_acquit_is_tunnel(after, ifindex))
		q->gaps |= UW_GAP_BIT(UW_GAP_ENCAPSULATED);
	return uw_acquit_departure(h->reading[before], after, ifindex, &q->acquittal) && all;
}

void uw_wires_acquit(struct uw_wires *w, struct uw_query *q, const struct uw_netns *list, unsigned count)
{
	bool all = true;
	unsigned i;

	for (i = 0; i < q->hops; i++) {
		const struct uw_hop *h = &q->path[i];

		if (h->dir == UW_REQUEST && h->out)
			all &= acquit_device(w, q, h->netns, h->ifindex, seen_before(q, i, h->netns), list, count);
	}
	/* The device that took the outer packet of a tunnel. */
	if (q->outer.ifindex)
		all &= acquit_device(w, q, q->outer.netns, q->outer.ifindex,
				     seen_before(q, q->hops, q->outer.netns), list, count);
	/* A path that was cut short does not tell the wire. */
	if (q->hops == UW_PATH_MAX && !q->path[UW_PATH_MAX - 1].out)
		all = false;
	q->acquittal.looked &= all;
	/* A namespace too young, or one too many, to have been read before the query; a device that is gone. */
	if (!q->acquittal.looked)
		q->gaps |= UW_GAP_BIT(UW_GAP_NAMESPACE_NOT_TRACED);
	if (q->acquittal.nic_drops || q->acquittal.tx_errors || q->acquittal.link_down)
		q->gaps |= UW_GAP_BIT(UW_GAP_NIC_DROPS_ROSE);
}

/* The first reading from after an instant, NULL if there is none. */
static const struct uw_counters_snapshot *reading_after(const struct history *h, uint64_t when_ns)
{
	unsigned i;

	for (i = 0; i < h->count; i++) {
		if (h->reading[i]->taken_ns >= when_ns)
			return h->reading[i];
	}
	return NULL;
}

void uw_wires_engine(struct uw_wires *w, struct uw_drop_fact *d, uint8_t family,
		     const struct uw_netns *list, unsigned count)
{
	struct history *h = d->seen && d->hook[0] && !d->engine[0] ? history_of(w, d->netns) : NULL;
	const struct uw_counters_snapshot *after;
	int before;

	if (!h)
		return;
	read_after(h, d->when_ns, list, count);
	before = reading_before(h, d->when_ns);
	after = reading_after(h, d->when_ns);
	if (before >= 0 && after &&
	    uw_conntrack_dropped(&h->reading[before]->conntrack, &after->conntrack, d, family))
		snprintf(d->engine, sizeof(d->engine), "conntrack");
}
