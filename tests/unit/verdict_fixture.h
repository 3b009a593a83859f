/* SPDX-License-Identifier: GPL-2.0-only */
/* Facts that the tests of the verdict begin with, and tables of cases. */
#ifndef UW_VERDICT_FIXTURE_H
#define UW_VERDICT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "core/query.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define S 1000000000ull
#define MS 1000000ull
#define SENT_NS (1000 * S)
#define AT(ms) (SENT_NS + (ms) * MS)	/* milliseconds after the first send */
#define TIMEOUT_NS (5 * S)
#define DEADLINE (SENT_NS + TIMEOUT_NS)

/* Facts that nearly every case begins with. */
#define SENT(copies, more)                                                                         \
	.send_ns = SENT_NS, .timeout_ns = TIMEOUT_NS, .attempts = (copies),                        \
	.key = {.family = 4, .protocol = UW_PROTO_NTP}, .flags = UW_Q_LOCAL_SEND | (more)
#define READ_AT(ms) .wire_in_ns = AT(ms), .queued_ns = AT(ms), .read_ns = AT(ms), .replies = 1
#define DROP_OF(direction, at, why)                                                                \
	.drop[direction] = {.seen = true, .dir = (direction), .stage = UW_STAGE_##at,              \
			    .when_ns = AT(4), .reason = (why)}
#define REACHED(direction, at) .stage_reached[direction] = UW_STAGE_##at
#define CAME_IN(lo) .hops = 1, .path = {{.dir = UW_REQUEST, .loopback = (lo)}}
#define HERE (UW_Q_SERVER_QUEUED | UW_Q_SERVER_READ | UW_Q_REPLY_SENT)

#define GIVES(v, f, r, s) UW_##v, UW_FAULT_##f, UW_ROLE_##r, UW_STAGE_##s

struct test_case {
	const char *what;
	struct uw_query q;
	enum uw_verdict verdict;
	enum uw_fault fault;
	enum uw_role role;
	enum uw_stage stage;
	int decisive;	/* 1 + direction of the drop that decided, 0 none */
};

enum { NO_DROP, REQUEST_DROP, REPLY_DROP };

static inline int decisive_of(const struct uw_query *q)
{
	return q->decisive_drop ? 1 + (int)(q->decisive_drop - q->drop) : 0;
}

static inline bool as_it_should(const struct test_case *c)
{
	struct uw_query q = c->q;

	q.decisive_drop = &q.drop[UW_REQUEST];	/* of an earlier judgement */
	uw_judge(&q);
	if (q.verdict == c->verdict && q.fault == c->fault && q.role == c->role &&
	    q.stage == c->stage && decisive_of(&q) == c->decisive)
		return true;
	print_error("%s: got %s, %s, %s, %s, drop %d; want %s, %s, %s, %s, drop %d\n", c->what,
		    uw_verdict_name(q.verdict), uw_fault_name(q.fault), uw_role_name(q.role),
		    uw_stage_name(q.stage), decisive_of(&q), uw_verdict_name(c->verdict),
		    uw_fault_name(c->fault), uw_role_name(c->role), uw_stage_name(c->stage),
		    c->decisive);
	return false;
}

/* All of a table are looked at before the test fails. */
static inline void assert_cases(const struct test_case *c, size_t count)
{
	unsigned wrong = 0;

	while (count--)
		wrong += !as_it_should(c++);
	assert_int_equal(wrong, 0);
}

#endif
