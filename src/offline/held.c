// SPDX-License-Identifier: GPL-2.0-only
#include "offline/held.h"

#include <stdlib.h>
#include <string.h>

/* What a captured query has: a tenth of a whole one. There may be a million. */
struct facts {
	bool whole;		/* told by a tracer, or with what is not here: @q is the query */
	uint64_t id;
	uint32_t run;
	unsigned revision;
	uint8_t host_number;
	union {
		struct uw_query *q;
		struct {
			uint64_t send_ns, wire_in_ns, judged_ns, timeout_ns, question_hash;
			struct uw_answer answer;
			struct uw_icmp icmp;
			struct uw_addr misdirected_from;
			unsigned attempts, replies, duplicate, conflicting;
			uint32_t flags, gaps;
			uint16_t misdirected_port, question_len;
			uint8_t verdict, fault, role, stage, reply_stage;
			bool misdirected, fragments;
			uint8_t question[];
		} packed;
	};
};

static void pack(struct facts *f, const struct uw_query *q)
{
	f->packed.send_ns = q->send_ns;
	f->packed.wire_in_ns = q->wire_in_ns;
	f->packed.judged_ns = q->judged_ns;
	f->packed.timeout_ns = q->timeout_ns;
	f->packed.question_hash = q->question_hash;
	f->packed.answer = q->answer;
	f->packed.icmp = q->icmp;
	f->packed.misdirected_from = q->misdirected_from;
	f->packed.attempts = q->attempts;
	f->packed.replies = q->replies;
	f->packed.duplicate = q->duplicate;
	f->packed.conflicting = q->conflicting;
	f->packed.flags = q->flags;
	f->packed.gaps = q->gaps;
	f->packed.misdirected_port = q->misdirected_port;
	f->packed.verdict = (uint8_t)q->verdict;
	f->packed.fault = (uint8_t)q->fault;
	f->packed.role = (uint8_t)q->role;
	f->packed.stage = (uint8_t)q->stage;
	f->packed.reply_stage = (uint8_t)q->stage_reached[UW_REPLY];
	f->packed.misdirected = q->misdirected;
	f->packed.fragments = q->fragments;
	f->packed.question_len = q->question_len;
	memcpy(f->packed.question, q->question, q->question_len);
}

static void unpack(const struct facts *f, struct uw_query *q)
{
	q->captured = true;
	q->send_ns = q->wire_out_ns = f->packed.send_ns;
	q->wire_in_ns = f->packed.wire_in_ns;
	q->judged_ns = f->packed.judged_ns;
	q->timeout_ns = f->packed.timeout_ns;
	q->question_hash = f->packed.question_hash;
	q->answer = f->packed.answer;
	q->icmp = f->packed.icmp;
	q->misdirected_from = f->packed.misdirected_from;
	q->attempts = q->on_wire = f->packed.attempts;
	q->replies = f->packed.replies;
	q->duplicate = f->packed.duplicate;
	q->conflicting = f->packed.conflicting;
	q->flags = f->packed.flags;
	q->gaps = f->packed.gaps;
	q->misdirected_port = f->packed.misdirected_port;
	q->verdict = f->packed.verdict;
	q->fault = f->packed.fault;
	q->role = f->packed.role;
	q->stage = f->packed.stage;
	q->stage_reached[UW_REQUEST] = UW_STAGE_WIRE_OUT;
	q->stage_reached[UW_REPLY] = f->packed.reply_stage;
	q->misdirected = f->packed.misdirected;
	q->fragments = f->packed.fragments;
	q->question_len = f->packed.question_len;
	memcpy(q->question, f->packed.question, f->packed.question_len);
}

static struct facts *keep(const struct uw_query *q)
{
	bool whole = !q->captured || q->host_number;
	struct facts *f = calloc(1, sizeof(*f) + (whole ? 0 : q->question_len));

	if (!f)
		return NULL;
	f->whole = whole;
	f->id = q->id;
	f->run = q->run;
	f->revision = q->revision;
	f->host_number = q->host_number;
	if (!whole) {
		pack(f, q);
		return f;
	}
	f->q = malloc(sizeof(*q));
	if (!f->q) {
		free(f);
		return NULL;
	}
	uw_query_copy(f->q, q);
	return f;
}

/* NTP's transmit timestamp is one of 2^64; DNS's id needs its question beside it. */
static uint64_t match_of(const struct uw_query *q)
{
	uint64_t h = UW_FNV_BASE ^ q->key.protocol;

	if (q->verdict == UW_SEND_FAILED || (q->key.protocol == UW_PROTO_NTP ? !q->key.transaction : !q->question_hash))
		return 0;
	h = (h ^ q->key.transaction) * UW_FNV_PRIME;
	h ^= h >> 32;
	h = (h ^ q->question_hash) * UW_FNV_PRIME;
	h ^= h >> 29;
	return h ? h : 1;
}

/* By the server's own word, its reply left. */
static bool served(const struct uw_query *q)
{
	return q->verdict == UW_SERVED || (q->verdict == UW_MISDIRECTED && q->role == UW_ROLE_SERVER);
}

struct uw_held *uw_held_new(const struct uw_query *q, const struct uw_previous *previous)
{
	struct uw_held *h = calloc(1, sizeof(*h));
	bool replied = q->replies || q->wire_in_ns || q->answer.when_ns || q->reply_out_ns || served(q);

	if (!h)
		return NULL;
	h->facts = keep(q);
	if (!h->facts) {
		free(h);
		return NULL;
	}
	h->key = q->key;
	h->match = match_of(q);
	h->captured = q->captured;
	h->serves = !q->captured && q->role == UW_ROLE_SERVER;
	h->out_ns = q->wire_out_ns ? q->wire_out_ns : q->send_ns;
	h->in_ns = q->wire_in_ns ? q->wire_in_ns : q->answer.when_ns;
	if (h->serves) {
		h->out_ns = q->send_ns;
		h->in_ns = q->reply_out_ns;
	}
	h->copies = h->serves ? q->attempts : q->on_wire;
	h->replies = q->replies ? q->replies : replied;
	h->waits = q->verdict == UW_NO_REPLY || q->verdict == UW_MISDIRECTED || q->verdict == UW_REJECTED ||
		   (q->verdict == UW_SUPERSEDED && !replied);
	if (previous) {
		h->revised = true;
		h->previous = *previous;
	}
	return h;
}

void uw_held_free(struct uw_held *h)
{
	struct facts *f = h ? h->facts : NULL;

	if (f && f->whole)
		free(f->q);
	free(f);
	free(h);
}

void uw_held_query(const struct uw_held *h, struct uw_query *q)
{
	const struct facts *f = h->facts;

	if (f->whole) {
		uw_query_copy(q, f->q);
	} else {
		memset(q, 0, sizeof(*q));
		q->id = f->id;
		q->run = f->run;
		q->revision = f->revision;
		q->key = h->key;
		unpack(f, q);
	}
	q->far = h->far;
}

bool uw_held_revises(const struct uw_held *h, const struct uw_held *earlier)
{
	const struct facts *a = h->facts, *b = earlier->facts;

	return a->id == b->id && a->run == b->run && a->host_number == b->host_number;
}
