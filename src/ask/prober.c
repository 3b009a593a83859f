/* SPDX-License-Identifier: GPL-2.0-only */
#include "ask/prober.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_MAX 64 /* datagrams per door and run: a flood must not hold the caller */

struct ask {
	uint64_t transaction;
	uint64_t sent_ns;
	enum {
		ASK_OPEN,
		ASK_EXPIRED,
		ASK_ANSWERED
	} state;
};

struct door {
	int fd; /* -1: did not open */
	unsigned tried; /* packets sent or refused */
	unsigned asks;
	struct ask ask[UW_PROBE_COUNT_LIMIT];
};

struct uw_prober {
	struct uw_probe_target target;
	unsigned count, doors, turn;
	bool unwanted; /* told to go away */
	uint64_t timeout_ns, next_send_ns;
	struct door door[UW_PROBE_DOORS];
	struct uw_probe_result result[UW_PROBE_DOORS];
};

union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* --- opening --- */

static socklen_t make_address(const struct uw_probe_target *t, const struct uw_addr *a,
			      uint16_t port, union address *out)
{
	memset(out, 0, sizeof(*out));
	if (t->family == 4) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		memcpy(&out->v4.sin_addr, a->b, 4);
		return sizeof(out->v4);
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(port);
	out->v6.sin6_scope_id = t->scope_id;
	memcpy(&out->v6.sin6_addr, a->b, 16);
	return sizeof(out->v6);
}

static int new_socket(const struct uw_probe_target *t, int type, int protocol)
{
	int fd = socket(t->family == 4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
			protocol);

	return fd < 0 ? -errno : fd;
}

/*
 * Connected, so that the kernel filters by origin, tells of ICMP errors, and chooses our address.
 * A raw socket has no port.
 */
static int connect_to(const struct uw_probe_target *t, int fd, bool raw, struct uw_probe_result *r)
{
	union address a;
	socklen_t len = make_address(t, &t->server, raw ? 0 : t->port, &a);

	if (connect(fd, &a.sa, len))
		return -errno;
	len = sizeof(a);
	if (getsockname(fd, &a.sa, &len))
		return -errno;
	if (t->family == 4)
		memcpy(r->client.b, &a.v4.sin_addr, 4);
	else
		memcpy(r->client.b, &a.v6.sin6_addr, 16);
	if (!raw)
		r->port = ntohs(t->family == 4 ? a.v4.sin_port : a.v6.sin6_port);
	return 0;
}

/* Without SO_REUSEADDR: a daemon on the same port must not lose its replies to us. */
static int bind_to(const struct uw_probe_target *t, int fd, uint16_t port)
{
	static const struct uw_addr any;
	struct uw_probe_target local = *t;
	union address a;
	socklen_t len;

	local.scope_id = 0;
	len = make_address(&local, &any, port, &a);
	return bind(fd, &a.sa, len) ? -errno : 0;
}

static int connect_or_close(const struct uw_probe_target *t, int fd, bool raw,
			    struct uw_probe_result *r)
{
	int err = connect_to(t, fd, raw, r);

	if (!err)
		return fd;
	close(fd);
	return err;
}

/* Return: a socket or -errno; likewise below. */
static int open_ephemeral(const struct uw_probe_target *t, struct uw_probe_result *r)
{
	int fd = new_socket(t, SOCK_DGRAM, 0);

	return fd < 0 ? fd : connect_or_close(t, fd, false, r);
}

static int open_raw(const struct uw_probe_target *t, uint16_t port, struct uw_probe_result *r)
{
	int fd = new_socket(t, SOCK_RAW, IPPROTO_UDP);

	if (fd < 0)
		return fd;
	r->raw = true;
	fd = connect_or_close(t, fd, true, r);
	if (fd >= 0)
		r->port = port;
	return fd;
}

static int open_fixed(const struct uw_probe_target *t, struct uw_probe_result *r)
{
	uint16_t port = t->fixed_port ? t->fixed_port : t->protocol == UW_PROTO_NTP ? 123 : 53;
	int fd = new_socket(t, SOCK_DGRAM, 0), raw, err;

	if (fd < 0)
		return fd;
	err = bind_to(t, fd, port);
	if (!err)
		return connect_or_close(t, fd, false, r);
	close(fd);
	raw = open_raw(t, port, r);
	/* Without the right to raw sockets the first refusal is the one to tell. */
	return raw == -EPERM ? err : raw;
}

static void open_doors(struct uw_prober *p)
{
	unsigned i;

	for (i = 0; i < p->doors; i++) {
		struct uw_probe_result *r = &p->result[i];
		int fd;

		r->fixed = i == 1;
		r->edns = i >= 2 ? p->target.edns[i - 2] : 0;
		fd = r->fixed ? open_fixed(&p->target, r) : open_ephemeral(&p->target, r);
		p->door[i].fd = fd < 0 ? -1 : fd;
		if (fd < 0)
			r->last_errno = -fd;
	}
}

static bool valid(const struct uw_probe_target *t, unsigned count, uint64_t timeout_ns)
{
	return (t->family == 4 || t->family == 6) &&
	       (t->protocol == UW_PROTO_NTP || t->protocol == UW_PROTO_DNS) && t->port &&
	       (!t->question_len || (t->question_len >= 5 && t->question_len <= UW_QUESTION_MAX)) &&
	       t->edns_count <= UW_PROBE_EDNS && (!t->edns_count || t->protocol == UW_PROTO_DNS) &&
	       count && count <= UW_PROBE_COUNT_LIMIT && timeout_ns;
}

struct uw_prober *uw_prober_new(const struct uw_probe_target *t, unsigned count_per_door,
				uint64_t timeout_ns)
{
	struct uw_prober *p;
	unsigned i;

	if (!valid(t, count_per_door, timeout_ns)) {
		errno = EINVAL;
		return NULL;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->target = *t;
	p->count = count_per_door;
	p->doors = 2u + t->edns_count;
	p->timeout_ns = timeout_ns;
	for (i = 0; i < UW_PROBE_DOORS; i++)
		p->door[i].fd = -1;
	open_doors(p);
	return p;
}

void uw_prober_free(struct uw_prober *p)
{
	unsigned i;

	if (!p)
		return;
	for (i = 0; i < p->doors; i++) {
		if (p->door[i].fd >= 0)
			close(p->door[i].fd);
	}
	free(p);
}

/* --- asking --- */

static bool transaction_used(const struct door *d, uint64_t transaction)
{
	unsigned i;

	for (i = 0; i < d->asks; i++) {
		if (d->ask[i].transaction == transaction)
			return true;
	}
	return false;
}

/* Never 0, which says "no transmit timestamp" in NTP, and never one that this door has used. */
static int new_transaction(const struct uw_prober *p, const struct door *d, uint64_t *out)
{
	uint64_t t;

	do {
		if (getrandom(&t, sizeof(t), 0) != sizeof(t))
			return -EIO;
		if (p->target.protocol == UW_PROTO_DNS)
			t &= 0xffff;
	} while (!t || transaction_used(d, t));
	*out = t;
	return 0;
}

static int transmit(const struct uw_prober *p, unsigned at, uint64_t transaction)
{
	const struct uw_probe_target *t = &p->target;
	const struct uw_probe_result *r = &p->result[at];
	uint8_t packet[UW_UDP_HEADER + UW_PROBE_PACKET_MAX];
	uint8_t *payload = packet + UW_UDP_HEADER, *from = payload;
	size_t len = uw_probe_request(t, transaction, r->edns, payload);

	if (r->raw) {
		uw_udp_header(t->family, &r->client, r->port, &t->server, t->port, packet, len);
		from = packet;
		len += UW_UDP_HEADER;
	}
	return send(p->door[at].fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void ask(struct uw_prober *p, unsigned at, uint64_t now_ns)
{
	struct uw_probe_result *r = &p->result[at];
	struct door *d = &p->door[at];
	uint64_t transaction;
	int err = new_transaction(p, d, &transaction);

	d->tried++;
	if (!err)
		err = transmit(p, at, transaction);
	if (err) {
		r->failed++;
		r->last_errno = -err;
		return;
	}
	r->sent++;
	d->ask[d->asks++] = (struct ask){.transaction = transaction, .sent_ns = now_ns};
}

static bool has_more(const struct uw_prober *p, unsigned at)
{
	return !p->unwanted && p->door[at].fd >= 0 && p->door[at].tried < p->count;
}

static bool any_more(const struct uw_prober *p)
{
	unsigned i;

	for (i = 0; i < p->doors; i++) {
		if (has_more(p, i))
			return !p->target.until_ns || p->next_send_ns <= p->target.until_ns;
	}
	return false;
}

static void ask_next(struct uw_prober *p, uint64_t now_ns)
{
	unsigned at = p->turn;

	p->unwanted |= p->target.until_ns && now_ns > p->target.until_ns;
	if (now_ns < p->next_send_ns || !any_more(p))
		return;
	while (!has_more(p, at))
		at = (at + 1) % p->doors;
	ask(p, at, now_ns);
	p->turn = (at + 1) % p->doors;
	p->next_send_ns = now_ns + (p->target.interval_ns ? p->target.interval_ns : UW_PROBE_INTERVAL_NS);
}

/* --- reading --- */

static bool from_server(const struct uw_prober *p, bool raw, const union address *a)
{
	const struct uw_probe_target *t = &p->target;

	if (t->family == 4)
		return a->sa.sa_family == AF_INET && memcmp(&a->v4.sin_addr, t->server.b, 4) == 0 &&
		       (raw || a->v4.sin_port == htons(t->port));
	return a->sa.sa_family == AF_INET6 && memcmp(&a->v6.sin6_addr, t->server.b, 16) == 0 &&
	       (raw || a->v6.sin6_port == htons(t->port));
}

static void add_rtt(struct uw_probe_result *r, uint64_t us)
{
	unsigned n = r->answered++, i;

	for (i = n; i > 0 && r->rtt_us[i - 1] > us; i--)
		r->rtt_us[i] = r->rtt_us[i - 1];
	r->rtt_us[i] = us;
	r->median_us = (r->rtt_us[n / 2] + r->rtt_us[(n + 1) / 2]) / 2;
}

/* RFC 5905 8, with both of our times by CLOCK_BOOTTIME: the sample with the shortest way is the best. */
static void take_offset(struct uw_probe_result *r, uint64_t sent_ns, uint64_t now_ns)
{
	const struct uw_probe_reply *a = &r->reply;
	int64_t way = (int64_t)(now_ns - sent_ns) - (a->transmit_ns - a->receive_ns);
	uint64_t delay = way > 0 ? (uint64_t)way : 0;

	if (r->has_offset && delay >= r->offset_delay_ns)
		return;
	r->has_offset = true;
	r->offset_delay_ns = delay;
	r->offset_ns = (a->receive_ns - (int64_t)sent_ns) / 2 + (a->transmit_ns - (int64_t)now_ns) / 2;
}

static void take_answer(struct uw_prober *p, struct uw_probe_result *r, uint64_t sent_ns, size_t len,
			uint64_t now_ns)
{
	const struct uw_probe_target *t = &p->target;
	bool refused = uw_probe_refused(t, &r->reply);

	add_rtt(r, (now_ns - sent_ns) / 1000);
	r->refused += refused;
	r->truncated += r->reply.truncated;
	if (len > r->largest)
		r->largest = (unsigned)len;
	if (t->protocol == UW_PROTO_NTP && !r->reply.unsynchronised)
		take_offset(r, sent_ns, now_ns);
	else if (!refused && (t->protocol == UW_PROTO_NTP || r->reply.rcode))
		r->failed_there++;
	p->unwanted |= refused && t->protocol == UW_PROTO_NTP;
}

/* Each packet is answered once; a second copy of a reply finds its packet closed. */
static void take_reply(struct uw_prober *p, unsigned at, const uint8_t *payload, size_t len,
		       uint64_t now_ns)
{
	struct uw_probe_result *r = &p->result[at];
	struct door *d = &p->door[at];
	unsigned i;

	for (i = 0; i < d->asks; i++) {
		struct ask *a = &d->ask[i];

		if (a->state == ASK_ANSWERED ||
		    !uw_probe_matches(&p->target, a->transaction, payload, len, &r->reply))
			continue;
		if (a->state == ASK_OPEN)
			take_answer(p, r, a->sent_ns, len, now_ns);
		else
			r->late++;
		a->state = ASK_ANSWERED;
		return;
	}
}

static void take_datagram(struct uw_prober *p, unsigned at, const uint8_t *packet, size_t len,
			  uint64_t now_ns)
{
	const struct uw_probe_result *r = &p->result[at];

	if (r->raw)
		packet = uw_raw_payload(p->target.family, packet, len, p->target.port, r->port,
					&len);
	if (packet)
		take_reply(p, at, packet, len, now_ns);
}

static void read_door(struct uw_prober *p, unsigned at, uint64_t now_ns)
{
	struct uw_probe_result *r = &p->result[at];
	uint8_t packet[8192];
	unsigned i;

	for (i = 0; p->door[at].fd >= 0 && i < READ_MAX; i++) {
		union address a = {};
		socklen_t alen = sizeof(a);
		ssize_t len = recvfrom(p->door[at].fd, packet, sizeof(packet), MSG_DONTWAIT, &a.sa,
				       &alen);

		if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (len < 0 && errno != EINTR)
			r->last_errno = errno;
		else if (len >= 0 && from_server(p, r->raw, &a))
			take_datagram(p, at, packet, (size_t)len, now_ns);
	}
}

static void expire(struct uw_prober *p, struct door *d, uint64_t now_ns)
{
	unsigned i;

	for (i = 0; i < d->asks; i++) {
		struct ask *a = &d->ask[i];

		if (a->state == ASK_OPEN && now_ns - a->sent_ns >= p->timeout_ns)
			a->state = ASK_EXPIRED;
	}
}

void uw_prober_run(struct uw_prober *p, uint64_t now_ns)
{
	unsigned i;

	/*
	 * Expired first: a reply read after its time is late, however long it lay in the socket.
	 * Reading also takes the ICMP errors, which would make the next send fail.
	 */
	for (i = 0; i < p->doors; i++) {
		expire(p, &p->door[i], now_ns);
		read_door(p, i, now_ns);
	}
	ask_next(p, now_ns);
}

/* --- for the caller's loop --- */

static uint64_t next_expiry(const struct uw_prober *p)
{
	uint64_t next = UW_PROBE_NEVER;
	unsigned i, k;

	for (i = 0; i < p->doors; i++) {
		for (k = 0; k < p->door[i].asks; k++) {
			const struct ask *a = &p->door[i].ask[k];

			if (a->state == ASK_OPEN && a->sent_ns + p->timeout_ns < next)
				next = a->sent_ns + p->timeout_ns;
		}
	}
	return next;
}

uint64_t uw_prober_next_ns(const struct uw_prober *p)
{
	uint64_t next = next_expiry(p);

	return any_more(p) && p->next_send_ns < next ? p->next_send_ns : next;
}

bool uw_prober_done(const struct uw_prober *p)
{
	return uw_prober_next_ns(p) == UW_PROBE_NEVER;
}

int uw_prober_pollfds(const struct uw_prober *p, struct pollfd *fds, unsigned max)
{
	unsigned i, n = 0;

	for (i = 0; i < p->doors && n < max; i++) {
		if (p->door[i].fd >= 0)
			fds[n++] = (struct pollfd){.fd = p->door[i].fd, .events = POLLIN};
	}
	return (int)n;
}

unsigned uw_prober_doors(const struct uw_prober *p)
{
	return p->doors;
}

const struct uw_probe_result *uw_prober_results(const struct uw_prober *p)
{
	return p->result;
}
