// SPDX-License-Identifier: GPL-2.0-only
#include "offline/join_pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "core/hash.h"

#define SLACK_NS 50000000ll	/* the clocks' difference may be wrong by its error and this */
#define MARGIN_NS 2000000000ull	/* at a capture's ends, what should have come by may not have */
#define ALIKE_DNS 3		/* DNS queries that must agree on the clocks: ids are chosen from 65536 */
#define VOTE_NS 20000		/* a round trip that is longer by less tells nothing */

/* Queries of one client to one server, as one place sees them. */
struct ends {
	struct uw_addr client, server;
	uint32_t server_port;
	uint32_t place;		/* 0 the near, 1 the far */
};

/* ... and as both do: addresses may be translated in between. */
struct group {
	struct group *next;
	int votes;		/* above 0: the near place is the client's end */
	bool translated;	/* the two places see other addresses */
	unsigned missed[2];	/* queries that a place must have seen and has not: its capture has holes */
};

struct entry {
	struct ends ends;
	struct group *group;
	UT_hash_handle hh;
};

struct pair {
	struct uw_place *place[2];
	struct uw_clock_fit clock;	/* of the second, as the first sees it */
	struct entry *ends;
	struct group *groups;
	struct group all;
};

/* ---- which are the same, and the clocks ---- */

static unsigned run_length(const struct uw_place *p, unsigned at)
{
	unsigned n = 1;

	while (at + n < p->count && p->held[at + n]->match == p->held[at]->match)
		n++;
	return n;
}

/* Step both places to the next match that they have in common. Return: false when there is none. */
static bool next_common(const struct pair *p, unsigned at[2])
{
	const struct uw_place *a = p->place[0], *b = p->place[1];

	while (at[0] < a->count && at[1] < b->count) {
		uint64_t x = a->held[at[0]]->match, y = b->held[at[1]]->match;

		if (x == y && x)
			return true;
		at[x < y || !x ? 0 : 1]++;
		if (!x && !y)
			at[1]++;
	}
	return false;
}

static struct uw_clock_sample sample_of(const struct uw_held *a, const struct uw_held *b)
{
	return (struct uw_clock_sample){
		.at_ns = a->out_ns, .request_ns = (int64_t)(b->out_ns - a->out_ns),
		.reply_ns = (int64_t)(b->in_ns - a->in_ns), .both = a->in_ns && b->in_ns,
	};
}

static bool useful(const struct uw_held *h)
{
	return !h->stale && h->out_ns && h->copies == 1;
}

/* What each place has once only: mostly these are the same. @ntp: how many are surely so. */
static size_t collect(const struct pair *p, struct uw_clock_sample *s, size_t *ntp)
{
	unsigned at[2] = { 0 };
	size_t n = 0;

	*ntp = 0;
	while (next_common(p, at)) {
		unsigned na = run_length(p->place[0], at[0]), nb = run_length(p->place[1], at[1]);
		const struct uw_held *a = p->place[0]->held[at[0]], *b = p->place[1]->held[at[1]];

		if (na == 1 && nb == 1 && useful(a) && useful(b)) {
			s[n++] = sample_of(a, b);
			*ntp += a->key.protocol == UW_PROTO_NTP;
		}
		at[0] += na;
		at[1] += nb;
	}
	return n;
}

/* Return: 1 if the two clocks can be compared, 0 if the places have nothing to do with each other. */
static int compare_clocks(struct pair *p)
{
	unsigned fewer = p->place[0]->count < p->place[1]->count ? p->place[0]->count : p->place[1]->count;
	struct uw_clock_sample *s = malloc((fewer + 1) * sizeof(*s));
	size_t n, ntp;
	int err = 0;

	if (!s)
		return -ENOMEM;
	n = collect(p, s, &ntp);
	if (n)
		err = uw_clock_fit(s, n, &p->clock);
	free(s);
	if (err || !n || 2 * p->clock.agreeing < n)
		return err;
	return ntp || p->clock.agreeing >= ALIKE_DNS || 2 * p->clock.agreeing >= fewer;
}

static uint64_t to_far(const struct pair *p, uint64_t near_ns)
{
	return near_ns + (uint64_t)uw_clock_offset(&p->clock, near_ns);
}

/* @place: whose time it is; the other's clock showed what is returned. */
static uint64_t to_other(const struct pair *p, int place, uint64_t ns)
{
	uint64_t guess;

	if (!place)
		return to_far(p, ns);
	guess = ns - (uint64_t)uw_clock_offset(&p->clock, ns - (uint64_t)p->clock.offset_ns);
	return guess;
}

/* How long a query may be under way, its resends included. */
static uint64_t window(const struct uw_held *h)
{
	return h->copies > 1 ? UW_HOLD_NS : UW_CLOCK_AGREES_NS + 4 * (uint64_t)SLACK_NS;
}

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Of the same match at the far place, the one nearest in time that is nobody's yet. */
static struct uw_held *nearest(const struct pair *p, struct uw_held *a, unsigned at, unsigned n)
{
	uint64_t when = to_far(p, a->out_ns), best = 0;
	struct uw_held *found = NULL;
	unsigned i;

	for (i = at; i < at + n; i++) {
		struct uw_held *b = p->place[1]->held[i];
		uint64_t off = apart(b->out_ns, when), limit = window(a) > window(b) ? window(a) : window(b);

		if (b->partner || b->stale || off > limit + p->clock.error_ns || (found && off >= best))
			continue;
		found = b;
		best = off;
	}
	return found;
}

static int pair_up(struct pair *p)
{
	unsigned at[2] = { 0 }, i;
	int joined = 0;

	while (next_common(p, at)) {
		unsigned na = run_length(p->place[0], at[0]), nb = run_length(p->place[1], at[1]);

		for (i = at[0]; i < at[0] + na; i++) {
			struct uw_held *a = p->place[0]->held[i], *b;

			if (a->partner || a->stale)
				continue;
			b = nearest(p, a, at[1], nb);
			if (!b)
				continue;
			a->partner = b;
			b->partner = a;
			joined++;
		}
		at[0] += na;
		at[1] += nb;
	}
	return joined;
}

/* ---- groups: which end is whose ---- */

static struct ends ends_of(const struct uw_held *h, unsigned place)
{
	return (struct ends){ .client = h->key.client, .server = h->key.server,
			      .server_port = h->key.server_port, .place = place };
}

static struct group *group_of(struct pair *p, const struct uw_held *h, unsigned place)
{
	const struct ends ends = ends_of(h, place);
	struct entry *e;

	HASH_FIND(hh, p->ends, &ends, sizeof(ends), e);
	return e ? e->group : NULL;
}

static bool name_group(struct pair *p, const struct uw_held *h, unsigned place, struct group *g)
{
	struct entry *e;

	if (group_of(p, h, place))
		return true;
	e = calloc(1, sizeof(*e));
	if (!e)
		return false;
	e->ends = ends_of(h, place);
	e->group = g;
	HASH_ADD(hh, p->ends, ends, sizeof(e->ends), e);
	if (e->hh.tbl)
		return true;
	free(e);
	return false;
}

/* Above 0 if the near place is the client's end by what both saw of one query. */
static int vote(const struct uw_held *a, const struct uw_held *b)
{
	struct uw_clock_sample s = sample_of(a, b);

	if (a->serves != b->serves)
		return a->serves ? -1000 : 1000;
	if (a->captured != b->captured)
		return a->captured ? -1000 : 1000; /* a tracer saw it leave its asker */
	if (s.both && s.request_ns - s.reply_ns > VOTE_NS)
		return 1;
	if (s.both && s.reply_ns - s.request_ns > VOTE_NS)
		return -1;
	if (!a->replies != !b->replies)
		return a->replies ? -1 : 1;
	return 0;
}

static bool same_ends(const struct uw_held *a, const struct uw_held *b)
{
	return uw_addr_same(&a->key.client, &b->key.client) && uw_addr_same(&a->key.server, &b->key.server);
}

static bool add_vote(struct pair *p, const struct uw_held *a)
{
	struct group *g = group_of(p, a, 0);

	if (!g)
		g = group_of(p, a->partner, 1);
	if (!g) {
		g = calloc(1, sizeof(*g));
		if (!g)
			return false;
		g->next = p->groups;
		p->groups = g;
	}
	g->votes += vote(a, a->partner);
	g->translated |= !same_ends(a, a->partner);
	p->all.votes += vote(a, a->partner);
	return name_group(p, a, 0, g) && name_group(p, a->partner, 1, g);
}

/* Which of the two places is the client's end of the queries that @h is one of. */
static unsigned client_end(struct pair *p, const struct uw_held *h, unsigned place)
{
	const struct group *g = group_of(p, h, place);
	int votes = g && g->votes ? g->votes : p->all.votes;

	return votes < 0;
}

/* ---- what became of each ---- */

/* Would the other place have seen it? Not near the ends of its capture, nor if nobody knows those. */
static bool within(const struct pair *p, const struct uw_held *h, unsigned place)
{
	const struct uw_place *other = p->place[!place];
	uint64_t when = to_other(p, (int)place, h->out_ns);

	return other->captured && !other->blind && when > other->first_ns && when + MARGIN_NS < other->last_ns;
}

/*
 * A capture may have lost frames: then a query that the other place has answered, or that has come by there
 * on its way from here, is missing. What is not in such a capture may have passed all the same.
 */
static void find_holes(struct pair *p, unsigned place)
{
	unsigned i;

	for (i = 0; i < p->place[place]->count; i++) {
		struct uw_held *h = p->place[place]->held[i];
		struct group *g = h->match && !h->stale && !h->partner ? group_of(p, h, place) : NULL;
		bool near = client_end(p, h, place) == place;

		if (!g || !within(p, h, place))
			continue;
		/* The client's end, and it was answered; or the server's, and that client is watched there. */
		if (near ? h->replies > 0 : !g->translated)
			g->missed[!place]++;
	}
}

static void tell_joined(struct pair *p, struct uw_held *c, struct uw_held *s, unsigned place)
{
	const struct group *g = group_of(p, c, place);
	struct uw_far far = { .place = p->place[!place]->name, .requests = s->copies, .replies = s->replies };

	far.request_ns = to_other(p, !place, s->out_ns);
	far.reply_ns = s->in_ns ? to_other(p, !place, s->in_ns) : 0;
	if (!s->replies)
		far.outcome = c->replies ? UW_FAR_NONE : UW_FAR_NO_REPLY;
	else if (!c->waits || c->replies)
		far.outcome = c->replies ? UW_FAR_ANSWERED : UW_FAR_NONE;
	else
		far.outcome = c->captured && g && g->missed[place] ? UW_FAR_NONE : UW_FAR_REPLY_LOST;
	if (g && !g->missed[!place])
		far.requests_lost = c->copies > s->copies ? c->copies - s->copies : 0;
	if (far.outcome == UW_FAR_REPLY_LOST || (far.outcome == UW_FAR_ANSWERED && !g->missed[place]))
		far.replies_lost = s->replies > c->replies ? s->replies - c->replies : 0;
	if (c->far.outcome == UW_FAR_NONE || c->far.outcome == UW_FAR_NO_REPLY)
		c->far = far;
	s->absorbed = s->captured;
}

/* Nothing of it came by at the server's end, where all others of its kind did. */
static void tell_missing(struct pair *p, struct uw_held *c, unsigned place)
{
	const struct group *g = group_of(p, c, place);

	if (!c->waits || c->replies || !c->copies || !g || g->missed[!place] || !within(p, c, place))
		return;
	c->far = (struct uw_far){ .outcome = UW_FAR_REQUEST_LOST, .place = p->place[!place]->name,
				  .requests_lost = c->copies };
}

static void tell(struct pair *p, unsigned place)
{
	unsigned i;

	for (i = 0; i < p->place[place]->count; i++) {
		struct uw_held *h = p->place[place]->held[i];

		if (h->stale || !h->match || client_end(p, h, place) != place)
			continue;
		if (h->partner)
			tell_joined(p, h, h->partner, place);
		else
			tell_missing(p, h, place);
	}
}

/* ---- the whole ---- */

static void describe(const struct pair *p, struct uw_vantage *near, struct uw_vantage *far, int joined)
{
	bool turned = p->all.votes < 0;
	struct uw_vantage *s = turned ? near : far, *c = turned ? far : near;
	const struct group *g;

	c->side = c->side == UW_VANTAGE_SERVER ? UW_VANTAGE_BOTH : UW_VANTAGE_CLIENT;
	s->side = s->side == UW_VANTAGE_CLIENT ? UW_VANTAGE_BOTH : UW_VANTAGE_SERVER;
	for (g = p->groups; g; g = g->next) {
		if (g->votes && (g->votes < 0) != turned)
			near->side = far->side = UW_VANTAGE_BOTH;
	}
	s->clock_of = c->place;
	s->offset_ns = turned ? -p->clock.offset_ns : p->clock.offset_ns;
	s->drift = turned ? -p->clock.drift : p->clock.drift;
	s->error_ns = p->clock.error_ns;
	near->joined += (unsigned)joined;
	far->joined += (unsigned)joined;
}

static void forget_partners(struct uw_place *p)
{
	unsigned i;

	for (i = 0; i < p->count; i++)
		p->held[i]->partner = NULL;
}

static int judge(struct pair *p)
{
	unsigned i;

	for (i = 0; i < p->place[0]->count; i++) {
		if (p->place[0]->held[i]->partner && !add_vote(p, p->place[0]->held[i]))
			return -ENOMEM;
	}
	find_holes(p, 0);
	find_holes(p, 1);
	tell(p, 0);
	tell(p, 1);
	return 0;
}

static void free_groups(struct pair *p)
{
	struct entry *e, *spare;
	struct group *g, *next;

	HASH_ITER(hh, p->ends, e, spare) {
		HASH_DELETE(hh, p->ends, e);
		free(e);
	}
	for (g = p->groups; g; g = next) {
		next = g->next;
		free(g);
	}
}

bool uw_pair_related(struct uw_place *a, struct uw_place *b)
{
	struct pair p = { .place = { a, b } };

	return compare_clocks(&p) > 0;
}

int uw_pair_join(struct uw_place *a, struct uw_place *b, struct uw_vantage *va, struct uw_vantage *vb)
{
	struct pair p = { .place = { a, b } };
	int n = compare_clocks(&p), err;

	if (n <= 0)
		return n;
	n = pair_up(&p);
	err = judge(&p);
	if (!err && n)
		describe(&p, va, vb, n);
	free_groups(&p);
	forget_partners(a);
	forget_partners(b);
	return err ? err : n;
}
