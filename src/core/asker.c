// SPDX-License-Identifier: GPL-2.0-only
#include "core/asker.h"

#include <stdio.h>
#include <string.h>

static uint8_t protocol_of(const struct uw_port *ports, unsigned count, uint16_t port)
{
	for (unsigned i = 0; i < count; i++) {
		if (ports[i].port == port)
			return ports[i].protocol;
	}
	return UW_PROTO_NONE;
}

/* What a socket asks by, UW_PROTO_NONE if it does not ask or nobody can tell. */
static uint8_t asks_by(const struct uw_holding *h, const struct uw_port *ports, unsigned port_count)
{
	uint8_t waits;

	if (h->raw)
		return UW_PROTO_NONE;
	if (h->server_port)
		return protocol_of(ports, port_count, h->server_port);
	waits = protocol_of(ports, port_count, h->client_port);
	return waits == UW_PROTO_NTP ? waits : UW_PROTO_NONE;
}

static struct uw_asker *asker_of(const struct uw_holding *h, uint8_t protocol, struct uw_asker *out,
				 unsigned *count, unsigned max)
{
	const char *name = h->task.exe[0] ? h->task.exe : h->task.comm;
	struct uw_asker *a;

	for (unsigned i = 0; i < *count; i++) {
		a = &out[i];
		if (a->pid == h->task.pid && a->protocol == protocol && a->port == h->client_port &&
		    a->netns == h->netns)
			return a;
	}
	if (*count == max)
		return NULL;
	a = &out[(*count)++];
	memset(a, 0, sizeof(*a));
	a->pid = h->task.pid;
	a->uid = h->task.uid;
	a->cgroup_id = h->task.cgroup;
	a->netns = h->netns;
	a->protocol = protocol;
	a->port = h->client_port;
	snprintf(a->executable, sizeof(a->executable), "%s", name);
	return a;
}

/* The holding that counts for this socket: of its several the first. */
static const struct uw_holding *first_of_socket(const struct uw_holding *h, const struct uw_holding *at)
{
	while (h->socket != at->socket)
		h++;
	return h;
}

/* A server that two sockets of one process and port are connected to counts once. */
static bool counted_before(const struct uw_holding *h, const struct uw_holding *at)
{
	for (; h < at; h++) {
		if (h->task.pid == at->task.pid && h->client_port == at->client_port &&
		    h->server_port == at->server_port && h->netns == at->netns &&
		    !memcmp(&h->server, &at->server, sizeof(h->server)))
			return true;
	}
	return false;
}

unsigned uw_askers_find(const struct uw_holding *h, unsigned count, const struct uw_port *ports,
			unsigned port_count, struct uw_asker *out, unsigned max)
{
	unsigned found = 0;

	for (const struct uw_holding *at = h; at < h + count; at++) {
		uint8_t protocol = asks_by(at, ports, port_count);
		const struct uw_holding *first = protocol ? first_of_socket(h, at) : NULL;
		struct uw_asker *a = protocol ? asker_of(first, protocol, out, &found, max) : NULL;

		if (!a)
			continue;
		if (first->task.pid != at->task.pid)
			a->others++;
		else if (first == at && at->server_port && !counted_before(h, at))
			a->servers++;
	}
	return found;
}

/* An IPv6 socket has IPv4 addresses as ::ffff:a.b.c.d (RFC 4291 2.5.5.2). */
static bool address_is(const struct uw_holding *h, const struct uw_addr *held, const struct uw_query_key *k,
		       const struct uw_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (h->family == k->family)
		return !memcmp(held, a, sizeof(*a));
	return h->family == 6 && !memcmp(held->b, mapped, sizeof(mapped)) && !memcmp(held->b + 12, a->b, 4);
}

static bool address_any(const struct uw_addr *a)
{
	static const struct uw_addr any;

	return !memcmp(a, &any, sizeof(any));
}

/* Whether the socket would be given a reply to this query. */
static bool takes_reply(const struct uw_holding *h, const struct uw_query_key *k)
{
	if (h->raw || h->client_port != k->client_port || (h->family == 4 && k->family == 6))
		return false;
	if (!address_any(&h->client) && !address_is(h, &h->client, k, &k->client))
		return false;
	return !h->server_port || (h->server_port == k->server_port && address_is(h, &h->server, k, &k->server));
}

static void add_holder(struct uw_query *q, const struct uw_task *t)
{
	struct uw_holder *h = &q->holder[q->holders];

	for (unsigned i = 0; i < q->holders; i++) {
		if (q->holder[i].pid == t->pid)
			return;
	}
	if (q->holders == UW_HOLDERS) {
		q->more_holders = true;
		return;
	}
	q->holders++;
	h->pid = t->pid;
	memset(h->executable, 0, sizeof(h->executable));
	if (t->exe[0])
		memcpy(h->executable, t->exe, sizeof(t->exe));
	else
		memcpy(h->executable, t->comm, sizeof(t->comm));
}

void uw_holders_find(const struct uw_holding *h, unsigned count, uint64_t socket, struct uw_query *q)
{
	q->holders = 0;
	q->more_holders = false;
	for (const struct uw_holding *at = h; at < h + count; at++) {
		if (at->netns == q->netns && (socket ? at->socket == socket : takes_reply(at, &q->key)))
			add_holder(q, &at->task);
	}
}
