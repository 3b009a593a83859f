/* SPDX-License-Identifier: GPL-2.0-only */
/* Facts of queries, as the live source gives them, for the golden files: judged by the real judge. */
#ifndef UW_TEST_GOLDEN_QUERIES_H
#define UW_TEST_GOLDEN_QUERIES_H

#include <errno.h>
#include <string.h>

#include "core/query.h"

#define S 1000000000ull
#define MS 1000000ull
#define US 1000ull
#define T0 (100 * S)	/* the first send of all; the run starts 1.5 s before */

static inline struct uw_addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct uw_addr){ { a, b, c, d } };
}

static inline struct uw_addr v6(uint8_t last)
{
	return (struct uw_addr){ { 0x20, 0x01, 0x0d, 0xb8, 0xca, 0xfe, 0x12, 0x34, 0x56, 0x78, 0x9a,
				   0xbc, 0xde, 0xf0, 0x12, last } };
}

static inline void asks(struct uw_query *q, const char *executable, uint32_t pid)
{
	snprintf(q->executable, sizeof(q->executable), "%s", executable);
	q->task.pid = pid;
}

/* An NTP request that left by eth0, of check_ntp_time. */
static inline struct uw_query ntp(void)
{
	static uint64_t id = 0x100;
	struct uw_query q = {
		.id = id++,
		.revision = 1,
		.flags = UW_Q_LOCAL_SEND | UW_Q_OUTSIDE,
		.key = {
			.client = v4(10, 0, 0, 5),
			.server = v4(192, 168, 110, 40),
			.client_port = 46758,
			.server_port = 123,
			.family = 4,
			.protocol = UW_PROTO_NTP,
		},
		.netns = 7,
		.send_ns = T0,
		.wire_out_ns = T0 + 21 * US,
		.judged_ns = T0 + 5 * S + 40 * MS,
		.timeout_ns = 5 * S,
		.attempts = 1,
		.on_wire = 1,
		.hops = 1,
		.path = { { .ifname = "eth0", .ifindex = 2, .out = 1 } },
		.acquittal = { .looked = true },
	};

	asks(&q, "check_ntp_time", 12398);
	q.stage_reached[UW_REQUEST] = UW_STAGE_WIRE_OUT;
	return q;
}

static inline void question(struct uw_query *q, const char *wire, uint16_t len)
{
	q->question_len = len;
	memcpy(q->question, wire, len);
}

/* A DNS question of dig. */
static inline struct uw_query dns(void)
{
	struct uw_query q = ntp();

	q.key.protocol = UW_PROTO_DNS;
	q.key.server_port = 53;
	q.key.server = v4(192, 0, 2, 53);
	asks(&q, "dig", 2211);
	question(&q, "\3www\7example\3com\0\0\1\0\1", 21);
	return q;
}

/* It never left: the last point that it came to. */
static inline void stays(struct uw_query *q, enum uw_stage at)
{
	q->wire_out_ns = 0;
	q->hops = q->on_wire = 0;
	q->flags &= ~UW_Q_OUTSIDE;
	q->stage_reached[UW_REQUEST] = at;
}

static inline void reply_comes(struct uw_query *q, uint64_t after_ns, enum uw_stage to)
{
	q->wire_in_ns = q->send_ns + after_ns;
	q->replies = 1;
	q->path[q->hops++] = (struct uw_hop){ .ifname = "eth0", .ifindex = 2, .dir = UW_REPLY };
	q->stage_reached[UW_REPLY] = to;
	q->answer.when_ns = q->wire_in_ns;
}

static inline void is_read(struct uw_query *q, uint64_t after_ns)
{
	q->stage_reached[UW_REPLY] = UW_STAGE_READ;
	q->queued_ns = q->send_ns + after_ns;
	q->read_ns = q->queued_ns + 10 * US;
	q->answer.when_ns = q->queued_ns;
}

static inline struct uw_drop_fact *drop(struct uw_query *q, enum uw_dir dir, enum uw_stage stage,
					const char *reason, const char *location)
{
	struct uw_drop_fact *d = &q->drop[dir];

	*d = (struct uw_drop_fact){
		.seen = true,
		.dir = dir,
		.stage = stage,
		.when_ns = dir == UW_REPLY ? q->wire_in_ns + 5 * US : q->send_ns + 3 * US,
	};
	snprintf(d->reason, sizeof(d->reason), "%s", reason);
	snprintf(d->location, sizeof(d->location), "%s", location);
	if (dir == UW_REQUEST) {
		stays(q, UW_STAGE_SEND);
		q->dropped = 1;
	}
	return d;
}

static inline void by(struct uw_drop_fact *d, const char *engine, const char *hook, const char *rule)
{
	snprintf(d->engine, sizeof(d->engine), "%s", engine);
	snprintf(d->hook, sizeof(d->hook), "%s", hook);
	snprintf(d->rule, sizeof(d->rule), "%s", rule);
}

/* The server is on this host, asked over lo; the request has come to @at. */
static inline void served_here(struct uw_query *q, enum uw_stage at)
{
	q->key.client = q->key.server = v4(127, 0, 0, 1);
	q->flags &= ~UW_Q_OUTSIDE;
	q->on_wire = 0;
	q->hops = 2;
	q->path[0] = (struct uw_hop){ .ifname = "lo", .ifindex = 1, .out = 1, .loopback = 1 };
	q->path[1] = (struct uw_hop){ .ifname = "lo", .ifindex = 1, .loopback = 1 };
	q->stage_reached[UW_REQUEST] = at;
	if (at >= UW_STAGE_SOCKET_QUEUE)
		q->flags |= UW_Q_SERVER_QUEUED;
	if (at == UW_STAGE_READ) {
		q->flags |= UW_Q_SERVER_READ;
		q->server_pid = 99;
	}
}

#endif
