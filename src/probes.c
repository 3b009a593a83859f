// SPDX-License-Identifier: GPL-2.0-only
#include "probes.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct uw_probes {
	unsigned per_door;
	uint64_t timeout_ns;
	unsigned count;
	struct {
		struct uw_watch_target want;
		struct uw_prober *prober;
		bool started;
	} item[UW_WATCH_TARGETS];
};

struct uw_probes *uw_probes_new(unsigned count, uint64_t timeout_ns)
{
	struct uw_probes *p = calloc(1, sizeof(*p));

	if (p) {
		p->per_door = count;
		p->timeout_ns = timeout_ns;
	}
	return p;
}

void uw_probes_free(struct uw_probes *p)
{
	unsigned i;

	for (i = 0; p && i < p->count; i++)
		uw_prober_free(p->item[i].prober);
	free(p);
}

static bool same_target(const struct uw_watch_target *a, const struct uw_watch_target *b)
{
	return a->netns == b->netns && a->target.port == b->target.port &&
	       a->target.family == b->target.family && a->target.protocol == b->target.protocol &&
	       !memcmp(&a->target.server, &b->target.server, sizeof(a->target.server));
}

void uw_probes_want(struct uw_probes *p, const struct uw_watch_target *t)
{
	unsigned i;

	for (i = 0; i < p->count; i++) {
		if (same_target(&p->item[i].want, t))
			return;
	}
	if (p->count < UW_WATCH_TARGETS)
		p->item[p->count++].want = *t;
}

struct start {
	const struct uw_probes *probes;
	const struct uw_probe_target *target;
	struct uw_prober *out;
};

static int open_doors(void *arg)
{
	struct start *s = arg;

	s->out = uw_prober_new(s->target, s->probes->per_door, s->probes->timeout_ns);
	return 0;
}

static struct uw_prober *start(const struct uw_probes *p, const struct uw_watch_target *t,
			       struct uw_collector *c)
{
	struct start s = { .probes = p, .target = &t->target };
	struct uw_netns ns;

	if (!c)
		open_doors(&s);
	else if (uw_collector_netns(c, t->netns, &ns))
		uw_netns_visit(&ns, open_doors, &s);
	return s.out;
}

void uw_probes_run(struct uw_probes *p, struct uw_collector *c, uint64_t now_ns)
{
	unsigned i;

	for (i = 0; i < p->count; i++) {
		if (!p->item[i].started) {
			p->item[i].started = true;
			p->item[i].prober = start(p, &p->item[i].want, c);
		}
		if (p->item[i].prober && !uw_prober_done(p->item[i].prober))
			uw_prober_run(p->item[i].prober, now_ns);
	}
}

bool uw_probes_busy(const struct uw_probes *p)
{
	unsigned i;

	for (i = 0; i < p->count; i++) {
		if (!p->item[i].started || (p->item[i].prober && !uw_prober_done(p->item[i].prober)))
			return true;
	}
	return false;
}

bool uw_probes_item(const struct uw_probes *p, unsigned i, const struct uw_watch_target **t,
		    const struct uw_prober **prober)
{
	if (i >= p->count)
		return false;
	*t = &p->item[i].want;
	*prober = p->item[i].prober;
	return true;
}

unsigned uw_probes_pollfds(const struct uw_probes *p, struct pollfd *fds, unsigned max, uint64_t *next_ns)
{
	unsigned i, n = 0;

	for (i = 0; i < p->count; i++) {
		const struct uw_prober *q = p->item[i].prober;
		int more;

		if (!q || uw_prober_done(q))
			continue;
		more = uw_prober_pollfds(q, fds + n, max - n);
		n += more > 0 ? (unsigned)more : 0;
		if (uw_prober_next_ns(q) < *next_ns)
			*next_ns = uw_prober_next_ns(q);
	}
	return n;
}
