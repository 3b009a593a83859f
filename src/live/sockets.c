// SPDX-License-Identifier: GPL-2.0-only
#include "live/sockets.h"

#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "core/asker.h"
#include "live/holdings.h"

#define HELD_NS 1000000000ull		/* between looks at who has which socket open */
#define SETTLE_NS 1000000ull		/* from UDP's receipt to its socket's queue, at the most */

struct held {			/* sockets that processes had open, NULL not known */
	struct uw_holding *list;
	unsigned count;
	uint64_t read_ns;
};

struct uw_sockets {
	struct uw_live_fds fds;
	struct held at_start, now;
};

/* Where the kernel cannot walk over open files (before 5.11), nobody is named who asked before we started. */
static void read_held(const struct uw_sockets *s, struct held *h, uint64_t now_ns)
{
	struct uw_holding *list;
	unsigned count;

	h->read_ns = now_ns;
	if (uw_holdings_read(s->fds.holdings, &list, &count))
		return;
	free(h->list);
	h->list = list;
	h->count = count;
}

struct uw_sockets *uw_sockets_new(const struct uw_live_fds *fds, uint64_t now_ns)
{
	struct uw_sockets *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->fds = *fds;
	read_held(s, &s->at_start, now_ns);
	return s;
}

void uw_sockets_free(struct uw_sockets *s)
{
	if (!s)
		return;
	free(s->at_start.list);
	free(s->now.list);
	free(s);
}

/* Ruling 2: the close of the asking socket or the end of its process, whichever came first. */
static void note_end(struct uw_query *q, uint64_t ended)
{
	if (ended > q->send_ns && ended < q->send_ns + q->timeout_ns && !q->read_ns &&
	    (!q->abandoned_ns || ended < q->abandoned_ns))
		q->abandoned_ns = ended; /* what was read since was read by another who has the socket */
}

void uw_sockets_ended(const struct uw_sockets *s, const struct uw_record *r, struct uw_query *q)
{
	const struct uw_answered_key key = { r->socket_number, r->question_hash };
	struct uw_answered answer;
	uint64_t ended;

	if (q->task.pid && !bpf_map_lookup_elem(s->fds.askers, &q->task.pid, &ended))
		note_end(q, ended);
	if (!r->socket_number)
		return;
	if (!bpf_map_lookup_elem(s->fds.closed, &r->socket_number, &ended))
		note_end(q, ended);
	if (r->question_hash && !bpf_map_lookup_elem(s->fds.answers, &key, &answer) &&
	    (answer.server_port != r->key.server_port ||
	     memcmp(&answer.server, &r->key.server, sizeof(answer.server))))
		q->superseded_ns = answer.when_ns;
}

/*
 * A reader on another CPU may be so quick that neither the delivery nor the reading is seen for what
 * it was. But a reply that UDP was given and did not free was queued; and if its socket was empty
 * later, and it was not freed there either, it was read.
 */
void uw_sockets_read(const struct uw_sockets *s, const struct uw_record *r, struct uw_query *q)
{
	uint64_t in = q->queued_ns ? q->queued_ns : q->input_ns;
	struct uw_queue queue;

	if (q->read_ns || !in || q->drop[UW_REPLY].seen || !r->socket ||
	    bpf_map_lookup_elem(s->fds.queues, &r->socket, &queue) || queue.empty_ns < in + SETTLE_NS ||
	    queue.since_ns > in + SETTLE_NS)
		return;
	q->queued_ns = q->read_ns = in;
}

/* One that asked before our start was open then; another is known by its address, and looked for now. */
void uw_sockets_holders(struct uw_sockets *s, const struct uw_record *r, struct uw_query *q, uint64_t now_ns)
{
	struct held *h = r->kind == UW_RECORD_STRAY ? &s->at_start : &s->now;

	if (!(q->flags & UW_Q_NO_OWNER) || (h == &s->now && !r->socket))
		return;
	if (h == &s->now && now_ns - h->read_ns >= HELD_NS)
		read_held(s, h, now_ns);
	uw_holders_find(h->list, h->count, r->socket, q);
}

const struct uw_holding *uw_sockets_at_start(const struct uw_sockets *s, unsigned *count)
{
	*count = s->at_start.count;
	return s->at_start.list;
}

bool uw_sockets_may_have_asked(const struct uw_sockets *s, const struct uw_record *r)
{
	unsigned i;

	for (i = 0; i < s->at_start.count; i++) {
		const struct uw_holding *h = &s->at_start.list[i];

		if (h->netns == r->netns && (h->raw || h->client_port == r->key.client_port))
			return true;
	}
	return !s->at_start.list;
}
