// SPDX-License-Identifier: GPL-2.0-only
#include "live/chrony.h"

#include <string.h>

#define VERSION 6
#define REQUEST 1
#define REPLY 2
#define REQUEST_DATA 20		/* offsets of what follows the headers */
#define REPLY_DATA 28
#define SOURCES_MAX 64
#define POLL_LEAST (-7)		/* log2 of seconds, as chronyd has them */
#define POLL_MOST 24
#define SECOND_NS 1000000000ull
#define INET4 1
#define INET6 2
#define AS_CLIENT 0
#define AS_PEER 1

/* By step: what asks, what answers, and how long that is. */
static const struct {
	uint16_t command, reply;
	size_t length;
} words[] = {
	[UW_CHRONY_ACTIVITY] = { 44, 12, REPLY_DATA + 20 },
	[UW_CHRONY_COUNT] = { 14, 2, REPLY_DATA + 4 },
	[UW_CHRONY_SOURCE] = { 15, 3, REPLY_DATA + 48 },
};

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

void uw_chrony_start(struct uw_chrony *c, uint32_t sequence)
{
	*c = (struct uw_chrony){ .sequence = sequence };
}

bool uw_chrony_request(const struct uw_chrony *c, uint8_t out[UW_CHRONY_REQUEST])
{
	if (c->step == UW_CHRONY_OVER)
		return false;
	memset(out, 0, UW_CHRONY_REQUEST);
	out[0] = VERSION;
	out[1] = REQUEST;
	put16(out + 4, words[c->step].command);
	put32(out + 8, c->sequence);
	if (c->step == UW_CHRONY_SOURCE)
		put32(out + REQUEST_DATA, c->at);
	return true;
}

static bool fail(struct uw_chrony *c)
{
	c->failed = true;
	c->step = UW_CHRONY_OVER;
	return false;
}

/* Online, offline, in a burst online and offline; those whose name was not resolved are not asked. */
static bool take_activity(struct uw_chrony *c, const uint8_t *d)
{
	c->online = uw_be32(d);
	if (!c->online || c->online > SOURCES_MAX || uw_be32(d + 4) || uw_be32(d + 8) || uw_be32(d + 12))
		return fail(c);
	c->step = UW_CHRONY_COUNT;
	return true;
}

static bool take_count(struct uw_chrony *c, const uint8_t *d)
{
	c->listed = uw_be32(d);
	if (!c->listed || c->listed > SOURCES_MAX)
		return fail(c);
	c->step = UW_CHRONY_SOURCE;
	return true;
}

/*
 * The last good answer came so many whole seconds ago, rounded either way. If that may be longer than an interval,
 * there may have been queries without an answer since, and when they were is not told.
 */
static void date(struct uw_chrony *c, uint64_t interval_ns, uint32_t since, uint64_t now_ns)
{
	uint64_t since_ns = since * SECOND_NS, next_ns = now_ns - since_ns + interval_ns;
	struct uw_rhythm *r = &c->rhythm;

	if (since_ns + SECOND_NS > interval_ns || since_ns > now_ns)
		c->undated++;
	else if (!r->told_next_ns || next_ns < r->told_next_ns)
		r->told_next_ns = next_ns;
}

static bool take_client(struct uw_chrony *c, const uint8_t *d, uint64_t now_ns)
{
	int16_t poll = (int16_t)uw_be16(d + 20);
	uint64_t interval_ns;
	struct uw_rhythm *r = &c->rhythm;

	if (poll < POLL_LEAST || poll > POLL_MOST)
		return fail(c);
	interval_ns = poll < 0 ? SECOND_NS >> -poll : SECOND_NS << poll;
	if (!r->told_ns || interval_ns < r->told_ns)
		r->told_ns = interval_ns;
	if (interval_ns > r->told_longest_ns)
		r->told_longest_ns = interval_ns;
	c->asked++;
	date(c, interval_ns, uw_be32(d + 32), now_ns);
	return true;
}

/* A reference clock, or a name without an address yet, is not asked over the network. */
static bool take_source(struct uw_chrony *c, const uint8_t *d, uint64_t now_ns)
{
	uint16_t family = uw_be16(d + 16), mode = uw_be16(d + 26);

	if (mode == AS_CLIENT && (family == INET4 || family == INET6) && !take_client(c, d, now_ns))
		return false;
	c->peers += mode == AS_PEER && (family == INET4 || family == INET6);
	if (++c->at == c->listed)
		c->step = UW_CHRONY_OVER;
	return true;
}

void uw_chrony_answer(struct uw_chrony *c, const uint8_t *b, size_t length, uint64_t now_ns)
{
	const uint8_t *d = b + REPLY_DATA;
	bool good;

	if (c->step == UW_CHRONY_OVER || (length >= REPLY_DATA && uw_be32(b + 16) != c->sequence))
		return;
	if (length < words[c->step].length || b[0] != VERSION || b[1] != REPLY ||
	    uw_be16(b + 4) != words[c->step].command || uw_be16(b + 6) != words[c->step].reply || uw_be16(b + 8)) {
		fail(c);
		return;
	}
	if (c->step == UW_CHRONY_ACTIVITY)
		good = take_activity(c, d);
	else if (c->step == UW_CHRONY_COUNT)
		good = take_count(c, d);
	else
		good = take_source(c, d, now_ns);
	c->sequence += good;
}

unsigned uw_chrony_rhythm(const struct uw_chrony *c, struct uw_rhythm *rhythm)
{
	if (c->step != UW_CHRONY_OVER || c->failed || c->asked + c->peers != c->online)
		return 0;
	*rhythm = c->rhythm;
	if (c->undated)
		rhythm->told_next_ns = 0;
	return c->asked;
}
