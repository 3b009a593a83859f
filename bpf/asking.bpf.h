/* SPDX-License-Identifier: GPL-2.0-only */
/* Who asks, beyond a single query: the socket, what it had for an answer, what it tries next. */
#ifndef UW_ASKING_BPF_H
#define UW_ASKING_BPF_H

#include "answer.h"
#include "queue.bpf.h"

__u64 next_id = 0;

/* Unique in this run. */
static __always_inline __u64 query_new_id(void)
{
#ifdef UW_PLAIN
	__u64 id = 0;
	int i;

	for (i = 0; i < 8; i++) {
		id = add_one(&next_id);
		if (claim(id))
			break;
	}
	return id;
#else
	return add_one(&next_id);
#endif
}

static __always_inline bool asks_another(const struct uw_asking *a, const struct uw_query_key *k)
{
	return a->server_port != k->server_port || !uw_addr_same(&a->server, &k->server);
}

/* The asking socket's own number. Without the hook on its close another port tells it is another. */
static __always_inline __u64 socket_number(const struct sock *sk, const struct uw_query_key *k, bool raw)
{
	__u64 socket = (__u64)sk;
	struct uw_asking *a = bpf_map_lookup_elem(&asking, &socket), made = {};

	if (a && a->client_port == k->client_port) {
		if (asks_another(a, k))
			a->several = true;
		a->server = k->server;
		a->server_port = k->server_port;
		return a->number;
	}
	made.number = query_new_id();
	made.server = k->server;
	made.server_port = k->server_port;
	made.client_port = k->client_port;
	bpf_map_update_elem(&asking, &socket, &made, BPF_ANY);
	if (sk && !raw)
		queue_ask(sk);
	return made.number;
}

/* A socket that asks several servers the same needs no more than one answer (superseded). */
static __always_inline void answer_serves(const struct uw_record *r, __u64 now)
{
	__u64 socket = r->socket;	/* a copy: see query_search() */
	struct uw_asking *a = bpf_map_lookup_elem(&asking, &socket);
	struct uw_answered_key k = { .socket_number = r->socket_number, .question_hash = r->question_hash };
	struct uw_answered v = { .when_ns = now, .server = r->key.server, .server_port = r->key.server_port };

	if (a && a->several && a->number == r->socket_number && r->question_hash &&
	    uw_answer_settles(r->key.protocol, &r->answer))
		bpf_map_update_elem(&answers, &k, &v, BPF_ANY);
}

/* A truncated answer: its asker may ask again over TCP. It is sent up in any case. */
static __always_inline bool truncated_note(const struct uw_record *r, __u64 now)
{
	struct uw_truncated_key k = { .server = r->key.server, .pid = r->task.pid, .netns = r->netns };
	struct uw_truncated v = { .id = r->id, .when_ns = now };

	if (r->key.protocol != UW_PROTO_DNS || !(r->answer.flags & UW_DNS_TC))
		return false;
	if (k.pid)
		bpf_map_update_elem(&truncations, &k, &v, BPF_ANY);
	return true;
}

#endif
