// SPDX-License-Identifier: GPL-2.0-only
#include "offline/match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "config.h"
#include "offline/match_table.h"

#define ANSWERED_KEPT 8192		/* answered queries kept for their duplicates */
#define EARLY_KEPT 64			/* replies that stand before their request in the file */
#define EARLY_NS 1000000000ull
#define TWICE_NS 50000000ull		/* one datagram seen at two points of one host */
#define TWICE_NO_ID_NS 20000ull		/* ... where no IP id tells it from a resend */

struct early {
	struct uw_packet packet;
	struct uw_print print;
	uint32_t tunnels;
};

struct uw_match {
	struct uw_match_options options;
	uw_match_fn on_query;
	void *arg;
	struct uw_open_table open;
	uint64_t ids, now_ns;
	struct uw_match_counts counts;
	struct early early[EARLY_KEPT];
	unsigned early_at;
	uint64_t early_ns;		/* time of the newest of them */
};

static struct uw_match_key key_of(const struct uw_query_key *k, uint32_t tunnels, uint64_t transaction)
{
	return (struct uw_match_key){
		.client = k->client, .transaction = transaction, .tunnels = tunnels,
		.client_port = k->client_port, .family = k->family, .protocol = k->protocol,
	};
}

/* What tells one datagram from another: a hash of what was kept of it, eight bytes a step. */
static struct uw_print print_of(const struct uw_sighting *s)
{
	uint64_t h = UW_FNV_BASE ^ s->payload_len, word;
	uint32_t i;

	for (i = 0; i < s->body_len; i += 8) {
		word = 0;
		memcpy(&word, s->body + i, s->body_len - i < 8 ? s->body_len - i : 8);
		h = (h ^ word) * UW_FNV_PRIME;
		h ^= h >> 29;
	}
	return (struct uw_print){
		.hash = h, .when_ns = s->when_ns, .ip_id = s->ip_id, .fragmented = s->fragmented,
	};
}

/* A capture on two points of one host, or on a mirrored port, has a datagram twice. */
static bool seen_twice(const struct uw_print *a, const struct uw_print *b)
{
	uint64_t apart = a->when_ns > b->when_ns ? a->when_ns - b->when_ns : b->when_ns - a->when_ns;

	return a->hash == b->hash && a->ip_id == b->ip_id && apart <= (a->ip_id ? TWICE_NS : TWICE_NO_ID_NS);
}

/* Judging */

static void fill(const struct uw_match *m, const struct uw_open *o, struct uw_query *q)
{
	uint64_t deadline = o->send_ns + m->options.timeout_ns;

	memset(q, 0, sizeof(*q));
	q->id = o->id;
	q->run = m->options.run;
	q->revision = 1;
	q->captured = true;
	q->key = o->key;
	q->flags = UW_Q_LOCAL_SEND | UW_Q_RAW | UW_Q_OUTSIDE | UW_Q_NO_OWNER;
	q->send_ns = q->wire_out_ns = o->send_ns;
	q->timeout_ns = m->options.timeout_ns;
	q->judged_ns = m->now_ns;
	q->attempts = q->on_wire = o->attempts;
	q->replies = o->replies;
	q->duplicate = o->duplicate;
	q->conflicting = o->conflicting;
	q->stage_reached[UW_REQUEST] = UW_STAGE_WIRE_OUT;
	q->answer = o->answer;
	q->wire_in_ns = o->answer.when_ns;
	q->stage_reached[UW_REPLY] = o->stand == UW_STAND_ANSWERED ? UW_STAGE_WIRE_IN : UW_STAGE_NONE;
	q->icmp = o->icmp;
	q->fragments = o->fragments;
	q->misdirected = o->misdirected;
	q->misdirected_from = o->misdirected_from;
	q->question_hash = o->question_hash;
	q->question_len = o->question_len;
	memcpy(q->question, o->question, o->question_len);
	/* Nobody can say what came after the capture's end, or stood behind the bytes it kept. */
	if (o->given_up)
		q->gaps |= UW_GAP_BIT(UW_GAP_TABLE_FULL);
	else if (o->cut || (o->stand == UW_WAITING && m->now_ns < deadline))
		q->gaps |= UW_GAP_BIT(UW_GAP_TRUNCATED_CAPTURE);
}

static void close_open(struct uw_match *m, struct uw_open *o)
{
	struct uw_query q;

	fill(m, o, &q);
	uw_judge(&q);
	m->on_query(m->arg, &q);
	uw_open_unindex(&m->open, UW_BY_TRANSACTION, o);
	if (o->aliased)
		uw_open_unindex(&m->open, UW_BY_ALIAS, o);
	uw_open_remove(&m->open, o);
	uw_open_free(&m->open, o);
}

/* Time went on: what can get no answer any more, and what only waited for duplicates, is told. */
static void expire(struct uw_match *m, enum uw_stand stand, unsigned max)
{
	struct uw_open *o;

	while ((o = m->open.list[stand].oldest)) {
		bool over = o->request.when_ns + UW_HOLD_NS <= m->now_ns;

		if (!over && m->open.list[stand].count <= max)
			return;
		o->given_up = !over && stand == UW_WAITING;
		m->counts.given_up += o->given_up;
		close_open(m, o);
	}
}

void uw_match_time(struct uw_match *m, uint64_t when_ns)
{
	/* Frames may be a little out of order. Far behind is another time: a stepped clock, an older file. */
	if (when_ns > m->now_ns || m->now_ns - when_ns > UW_HOLD_NS)
		m->now_ns = when_ns;
	expire(m, UW_WAITING, m->options.open_max);
	expire(m, UW_STAND_ANSWERED, ANSWERED_KEPT);
}

/* Replies */

static bool same_question(const struct uw_open *o, uint64_t hash)
{
	return !o->question_hash || !hash || o->question_hash == hash;
}

static bool same_server(const struct uw_open *o, const struct uw_query_key *k)
{
	return o->key.server_port == k->server_port && !memcmp(&o->key.server, &k->server, sizeof(k->server));
}

struct found {
	struct uw_open *waiting, *answered, *elsewhere;
};

/* The oldest waiting query that the reply fits; else one that has its answer; else another server's. */
static void find_reply(struct uw_match *m, enum uw_index_by by, const struct uw_match_key *key,
		       const struct uw_packet *p, struct found *f)
{
	struct uw_open *o;

	for (o = uw_open_first(&m->open, by, key); o; o = uw_open_next(o, by)) {
		if (!same_question(o, p->question_hash))
			continue;
		if (!same_server(o, &p->key)) {
			if (o->stand == UW_WAITING && !f->elsewhere)
				f->elsewhere = o;
		} else if (o->stand == UW_STAND_ANSWERED) {
			f->answered = o;
		} else if (!f->waiting) {
			f->waiting = o;
		}
	}
}

static void answer(struct uw_match *m, struct uw_open *o, const struct uw_packet *p, const struct uw_print *print)
{
	o->reply = *print;
	o->fragments |= print->fragmented;
	o->replies++;
	uw_open_remove(&m->open, o);
	uw_open_append(&m->open, o, UW_STAND_ANSWERED);
	o->answer = (struct uw_answer){
		.when_ns = print->when_ns > o->send_ns ? print->when_ns : o->send_ns, .refid = p->refid,
		.flags = p->dns_flags, .stratum = p->ntp_stratum,
		.kod = p->key.protocol == UW_PROTO_NTP && uw_ntp_kiss(p->ntp_stratum, p->refid),
		.unsynchronised = p->key.protocol == UW_PROTO_NTP &&
				  uw_ntp_unsynchronised(p->ntp_leap, p->ntp_stratum, p->refid),
		.late = print->when_ns > o->send_ns + m->options.timeout_ns, .digest = p->digest,
	};
}

static void answer_again(struct uw_match *m, struct uw_open *o, const struct uw_packet *p, const struct uw_print *print)
{
	if (seen_twice(&o->reply, print)) {
		m->counts.captured_twice++;
		return;
	}
	o->replies++;
	if (uw_answers_conflict(o->answer.digest, p->digest)) {
		o->conflicting++;
		m->counts.conflicting++;
	} else {
		o->duplicate++;
		m->counts.duplicates++;
	}
}

/* A file need not be in order: the request of this reply may stand behind it. */
static void keep_early(struct uw_match *m, const struct uw_packet *p, const struct uw_print *print,
		       uint32_t tunnels)
{
	m->early[m->early_at++ % EARLY_KEPT] = (struct early){ .packet = *p, .print = *print, .tunnels = tunnels };
	m->early_ns = print->when_ns;
	m->counts.unmatched++;
}

static void take_reply(struct uw_match *m, const struct uw_packet *p, const struct uw_print *print,
		       uint32_t tunnels)
{
	struct uw_match_key key = key_of(&p->key, tunnels, p->key.transaction);
	struct found f = { 0 };

	find_reply(m, UW_BY_TRANSACTION, &key, p, &f);
	if (!f.waiting && p->key.protocol == UW_PROTO_NTP && key.transaction)
		find_reply(m, UW_BY_ALIAS, &key, p, &f);
	if (f.waiting && !(f.answered && seen_twice(&f.answered->reply, print))) {
		answer(m, f.waiting, p, print);
	} else if (f.answered) {
		answer_again(m, f.answered, p, print);
	} else {
		if (f.elsewhere) {
			f.elsewhere->misdirected = true;
			f.elsewhere->misdirected_from = p->key.server;
		}
		keep_early(m, p, print, tunnels);
	}
}

/* The first fragment of a reply: the rest may never come. */
static void take_part(struct uw_match *m, const struct uw_packet *p, uint32_t tunnels)
{
	struct uw_match_key key = key_of(&p->key, tunnels, p->key.transaction);
	struct found f = { 0 };

	find_reply(m, UW_BY_TRANSACTION, &key, p, &f);
	if (f.waiting)
		f.waiting->fragments = true;
}

/* Requests */

static void try_early(struct uw_match *m, struct uw_open *o)
{
	unsigned i;

	if (m->early_ns + EARLY_NS < o->send_ns)
		return;
	for (i = 0; i < EARLY_KEPT && o->stand == UW_WAITING; i++) {
		struct early *e = &m->early[i];
		const struct uw_query_key *k = &e->packet.key;

		if (!k->protocol || e->print.when_ns < o->send_ns ||
		    k->protocol != o->key.protocol || k->family != o->key.family ||
		    k->client_port != o->key.client_port || k->transaction != o->key.transaction ||
		    memcmp(&k->client, &o->key.client, sizeof(k->client)) || !same_server(o, k) ||
		    e->tunnels != o->by[UW_BY_TRANSACTION].tunnels || !same_question(o, e->packet.question_hash))
			continue;
		answer(m, o, &e->packet, &e->print);
		e->packet.key.protocol = UW_PROTO_NONE;
		m->counts.unmatched--;
	}
}

static struct uw_open *new_open(struct uw_match *m, const struct uw_packet *p, const struct uw_sighting *s)
{
	struct uw_open *o = uw_open_new(&m->open);

	if (!o)
		return NULL;
	o->key = p->key;
	o->by[UW_BY_TRANSACTION] = key_of(&p->key, s->tunnels, p->key.transaction);
	o->id = ++m->ids;
	o->send_ns = o->request.when_ns = s->when_ns;
	o->question_hash = p->question_hash;
	if (p->question_len && p->question_len <= UW_QUESTION_MAX &&
	    (uint32_t)UW_DNS_HEADER + p->question_len <= s->body_len) {
		o->question_len = p->question_len;
		memcpy(o->question, s->body + UW_DNS_HEADER, p->question_len);
	}
	o->attempts = 1;
	if (!uw_open_index(&m->open, UW_BY_TRANSACTION, o)) {
		uw_open_free(&m->open, o);
		return NULL;
	}
	if (p->alias) {
		o->by[UW_BY_ALIAS] = key_of(&p->key, s->tunnels, p->alias);
		o->aliased = uw_open_index(&m->open, UW_BY_ALIAS, o);
	}
	uw_open_append(&m->open, o, UW_WAITING);
	return o;
}

/* A resend while the query is open is another attempt of it; after its answer it is a new one. */
static bool resent(struct uw_match *m, const struct uw_packet *p, const struct uw_print *print,
		   const struct uw_match_key *key)
{
	struct uw_open *o;

	for (o = uw_open_first(&m->open, UW_BY_TRANSACTION, key); o; o = uw_open_next(o, UW_BY_TRANSACTION)) {
		if (!same_server(o, &p->key) || o->question_hash != p->question_hash)
			continue;
		if (seen_twice(&o->request, print)) {
			m->counts.captured_twice++;
			return true;
		}
		/* Requests with a transmit timestamp of zero all look alike (RFC 5905 allows it). */
		if (o->stand == UW_STAND_ANSWERED || (p->key.protocol == UW_PROTO_NTP && !p->key.transaction))
			continue;
		o->attempts++;
		o->request = *print;
		uw_open_remove(&m->open, o); /* it waits from now on */
		uw_open_append(&m->open, o, UW_WAITING);
		return true;
	}
	return false;
}

static void take_request(struct uw_match *m, const struct uw_packet *p, const struct uw_sighting *s,
			 const struct uw_print *print)
{
	struct uw_match_key key = key_of(&p->key, s->tunnels, p->key.transaction);
	struct uw_open *o;

	if (resent(m, p, print, &key))
		return;
	o = new_open(m, p, s);
	if (!o) {
		m->counts.given_up++;
		return;
	}
	o->request = *print;
	o->fragments = print->fragmented;
	try_early(m, o);
}

/* Cut datagrams */

/* A reply came, but to which query lies behind the bytes kept: none of this tuple is unanswered. */
static void doubt_tuple(struct uw_match *m, const struct uw_query_key *k)
{
	struct uw_open *o;

	for (o = m->open.list[UW_WAITING].newest; o; o = o->previous) {
		if (o->key.client_port == k->client_port && same_server(o, k) &&
		    !memcmp(&o->key.client, &k->client, sizeof(k->client)))
			o->cut = true;
	}
}

static void take_cut(struct uw_match *m, struct uw_packet *p, const struct uw_sighting *s)
{
	struct uw_open *o;

	m->counts.cut++;
	if (!p->key.protocol)
		uw_packet_orient(p, &s->ip, s->to ? s->to : s->from, s->to ? UW_REQUEST : UW_REPLY);
	if (p->dir == UW_REPLY) {
		doubt_tuple(m, &p->key);
		return;
	}
	p->key.transaction = 0;
	o = new_open(m, p, s);
	if (o)
		o->cut = true;
}

bool uw_match_packet(struct uw_match *m, const struct uw_sighting *s)
{
	bool cut = s->body_len < s->payload_len && s->body_len < UW_BODY_MAX;
	struct uw_packet p = { 0 };
	struct uw_print print;
	bool known;

	known = uw_packet_application(&p, &s->ip, s->to, s->from, s->body, s->body_len);
	if (s->partial) {
		if (known && p.has_transaction && p.dir == UW_REPLY)
			take_part(m, &p, s->tunnels);
		return false;
	}
	if (cut && !(known && p.has_transaction)) {
		take_cut(m, &p, s);
		return p.dir == UW_REQUEST;
	}
	if (!known || !p.has_transaction)
		return false;
	print = print_of(s);
	if (p.dir == UW_REQUEST) {
		take_request(m, &p, s, &print);
		return true;
	}
	if (!cut)
		p.digest = uw_answer_digest(&p, s->body, s->body_len);
	take_reply(m, &p, &print, s->tunnels);
	return false;
}

/* The quoted transaction, else the IP id, else the newest open query of the tuple (RFC 792: at
 * least the ports are there). */
static struct uw_open *quoted_query(struct uw_match *m, const struct uw_packet *p, const struct uw_sighting *s)
{
	struct uw_match_key key = key_of(&p->key, s->tunnels, p->key.transaction);
	struct uw_open *o, *newest = NULL;

	for (o = p->has_transaction ? uw_open_first(&m->open, UW_BY_TRANSACTION, &key) : NULL; o; o = uw_open_next(o, UW_BY_TRANSACTION)) {
		if (same_server(o, &p->key) && same_question(o, p->question_hash))
			return o;
	}
	for (o = p->has_transaction ? NULL : m->open.list[UW_WAITING].newest; o; o = o->previous) {
		if (o->key.client_port != p->key.client_port || !same_server(o, &p->key) ||
		    memcmp(&o->key.client, &p->key.client, sizeof(p->key.client)))
			continue;
		if (s->ip_id && o->request.ip_id == s->ip_id)
			return o;
		if (!newest && o->stand == UW_WAITING)
			newest = o;
	}
	return newest;
}

void uw_match_icmp(struct uw_match *m, const struct uw_headers *outer, const struct uw_sighting *quoted)
{
	struct uw_packet p = { 0 };
	struct uw_open *o;

	if (!uw_packet_application(&p, &quoted->ip, quoted->to, quoted->from, quoted->body, quoted->body_len))
		uw_packet_orient(&p, &quoted->ip, quoted->to ? quoted->to : quoted->from,
				 quoted->to ? UW_REQUEST : UW_REPLY);
	if (p.dir != UW_REQUEST)
		return;
	o = quoted_query(m, &p, quoted);
	if (!o)
		return;
	m->counts.icmp++;
	o->icmp = (struct uw_icmp){
		.from = outer->source, .when_ns = quoted->when_ns, .mtu = uw_icmp_mtu(outer), .seen = 1,
		.type = outer->icmp_type, .code = outer->icmp_code, .verified = p.has_transaction,
		.local = !memcmp(&outer->source, &o->key.client, sizeof(o->key.client)),
	};
}

void uw_match_end(struct uw_match *m)
{
	unsigned stand;

	for (stand = 0; stand < UW_STANDS; stand++) {
		while (m->open.list[stand].oldest)
			close_open(m, m->open.list[stand].oldest);
	}
}

const struct uw_match_counts *uw_match_counts(const struct uw_match *m)
{
	return &m->counts;
}

int uw_match_new(const struct uw_match_options *o, uw_match_fn on_query, void *arg, struct uw_match **out)
{
	struct uw_match *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->options = *o;
	m->on_query = on_query;
	m->arg = arg;
	*out = m;
	return 0;
}

void uw_match_free(struct uw_match *m)
{
	if (!m)
		return;
	uw_open_table_clear(&m->open);
	free(m);
}
