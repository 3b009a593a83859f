// SPDX-License-Identifier: GPL-2.0-only
#include "offline/match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "answer.h"
#include "config.h"

#define ANSWERED_KEPT 65536		/* answered queries kept for their duplicates */
#define EARLY_KEPT 64			/* replies that stand before their request in the file */
#define EARLY_NS 1000000000ull
#define TWICE_NS 50000000ull		/* one datagram seen at two points of one host */
#define TWICE_NO_ID_NS 20000ull		/* ... where no IP id tells it from a resend */

/*
 * The client's side of a transaction. The server is compared apart: one client port may ask several
 * servers with one id, and a reply may come from another address than was asked.
 */
struct match_key {
	struct uw_addr client;
	uint64_t transaction;
	uint32_t tunnels;
	uint16_t client_port;
	uint8_t family, protocol;
};

/* Every query is in one of these, in the order of its last copy or of its answer. */
enum stand {
	WAITING,
	ANSWERED,	/* kept for duplicates only */
	STANDS,
};

enum index_by {
	BY_TRANSACTION,
	BY_ALIAS,	/* NTP interleaved mode: the request's receive timestamp (RFC 9769) */
	INDICES,
};

/* What a datagram is known by when it is seen again. */
struct print {
	uint64_t hash, when_ns;
	uint32_t ip_id;
};

struct open {
	struct uw_query_key key;
	struct match_key by[INDICES];
	struct open *same[INDICES];	/* the next one with this key, in the order of their sending */
	struct open *previous, *next;	/* in its list */
	enum stand stand;
	uint64_t id, send_ns, question_hash;
	struct print request, reply;
	struct uw_answer answer;
	struct uw_icmp icmp;
	struct uw_addr misdirected_from;
	unsigned attempts, replies, duplicate, conflicting;
	bool misdirected, cut, aliased;
	uint16_t question_len;
	uint8_t question[UW_QUESTION_MAX];
};

/* One key of an index, and the queries that have it. */
struct slot {
	struct match_key key;
	struct open *first, *last;
	UT_hash_handle hh;
};

struct list {
	struct open *oldest, *newest;
	unsigned count;
};

struct early {
	struct uw_packet packet;
	struct print print;
	uint32_t tunnels;
};

struct uw_match {
	struct uw_match_options options;
	uw_match_fn on_query;
	void *arg;
	struct slot *index[INDICES];
	struct list list[STANDS];
	uint64_t ids, now_ns;
	struct uw_match_counts counts;
	struct early early[EARLY_KEPT];
	unsigned early_at;
	uint64_t early_ns;		/* time of the newest of them */
};

/* Index */

static bool index_add(struct uw_match *m, enum index_by by, struct open *o)
{
	struct slot *s;

	HASH_FIND(hh, m->index[by], &o->by[by], sizeof(s->key), s);
	if (s) {
		s->last->same[by] = o;
		s->last = o;
		return true;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return false;
	s->key = o->by[by];
	s->first = s->last = o;
	HASH_ADD(hh, m->index[by], key, sizeof(s->key), s);
	if (s->hh.tbl)
		return true;
	free(s);
	return false;
}

static void index_remove(struct uw_match *m, enum index_by by, struct open *o)
{
	struct open *x, *before = NULL;
	struct slot *s;

	HASH_FIND(hh, m->index[by], &o->by[by], sizeof(s->key), s);
	if (!s)
		return;
	for (x = s->first; x && x != o; x = x->same[by])
		before = x;
	if (!x)
		return;
	if (before)
		before->same[by] = o->same[by];
	else
		s->first = o->same[by];
	if (s->last == o)
		s->last = before;
	if (s->first)
		return;
	HASH_DELETE(hh, m->index[by], s);
	free(s);
}

static struct open *index_first(struct uw_match *m, enum index_by by, const struct match_key *key)
{
	struct slot *s;

	HASH_FIND(hh, m->index[by], key, sizeof(*key), s);
	return s ? s->first : NULL;
}

static struct match_key match_key(const struct uw_query_key *k, uint32_t tunnels, uint64_t transaction)
{
	return (struct match_key){
		.client = k->client, .transaction = transaction, .tunnels = tunnels,
		.client_port = k->client_port, .family = k->family, .protocol = k->protocol,
	};
}

static void list_add(struct uw_match *m, struct open *o, enum stand stand)
{
	struct list *l = &m->list[stand];

	o->stand = stand;
	o->next = NULL;
	o->previous = l->newest;
	*(l->newest ? &l->newest->next : &l->oldest) = o;
	l->newest = o;
	l->count++;
}

static void list_remove(struct uw_match *m, struct open *o)
{
	struct list *l = &m->list[o->stand];

	*(o->previous ? &o->previous->next : &l->oldest) = o->next;
	*(o->next ? &o->next->previous : &l->newest) = o->previous;
	l->count--;
}

/* What tells one datagram from another: a hash of what was kept of it, eight bytes a step. */
static struct print print_of(const struct uw_sighting *s)
{
	uint64_t h = UW_FNV_BASE ^ s->payload_len, word;
	uint32_t i;

	for (i = 0; i < s->body_len; i += 8) {
		word = 0;
		memcpy(&word, s->body + i, s->body_len - i < 8 ? s->body_len - i : 8);
		h = (h ^ word) * UW_FNV_PRIME;
		h ^= h >> 29;
	}
	return (struct print){ .hash = h, .when_ns = s->when_ns, .ip_id = s->ip_id };
}

/* A capture on two points of one host, or on a mirrored port, has a datagram twice. */
static bool seen_twice(const struct print *a, const struct print *b)
{
	uint64_t apart = a->when_ns > b->when_ns ? a->when_ns - b->when_ns : b->when_ns - a->when_ns;

	return a->hash == b->hash && a->ip_id == b->ip_id && apart <= (a->ip_id ? TWICE_NS : TWICE_NO_ID_NS);
}

/* Judging */

static void fill(const struct uw_match *m, const struct open *o, struct uw_query *q)
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
	q->stage_reached[UW_REPLY] = o->stand == ANSWERED ? UW_STAGE_WIRE_IN : UW_STAGE_NONE;
	q->icmp = o->icmp;
	q->misdirected = o->misdirected;
	q->misdirected_from = o->misdirected_from;
	q->question_hash = o->question_hash;
	q->question_len = o->question_len;
	memcpy(q->question, o->question, o->question_len);
	/* Nobody can say what came after the capture's end, or stood behind the bytes it kept. */
	if (o->cut || (o->stand == WAITING && m->now_ns < deadline))
		q->gaps |= UW_GAP_BIT(UW_GAP_TRUNCATED_CAPTURE);
}

static void close_open(struct uw_match *m, struct open *o)
{
	struct uw_query q;

	fill(m, o, &q);
	uw_judge(&q);
	m->on_query(m->arg, &q);
	index_remove(m, BY_TRANSACTION, o);
	if (o->aliased)
		index_remove(m, BY_ALIAS, o);
	list_remove(m, o);
	free(o);
}

/* Time went on: what can get no answer any more, and what only waited for duplicates, is told. */
static void expire(struct uw_match *m, enum stand stand, unsigned max)
{
	struct open *o;

	while ((o = m->list[stand].oldest)) {
		bool over = o->request.when_ns + UW_HOLD_NS <= m->now_ns;

		if (!over && m->list[stand].count <= max)
			return;
		m->counts.given_up += !over && stand == WAITING;
		close_open(m, o);
	}
}

void uw_match_time(struct uw_match *m, uint64_t when_ns)
{
	/* Frames may be a little out of order. Far behind is another time: a stepped clock, an older file. */
	if (when_ns > m->now_ns || m->now_ns - when_ns > UW_HOLD_NS)
		m->now_ns = when_ns;
	expire(m, WAITING, m->options.open_max);
	expire(m, ANSWERED, ANSWERED_KEPT);
}

/* Replies */

static bool same_question(const struct open *o, uint64_t hash)
{
	return !o->question_hash || !hash || o->question_hash == hash;
}

static bool same_server(const struct open *o, const struct uw_query_key *k)
{
	return o->key.server_port == k->server_port && !memcmp(&o->key.server, &k->server, sizeof(k->server));
}

struct found {
	struct open *waiting, *answered, *elsewhere;
};

/* The oldest waiting query that the reply fits; else one that has its answer; else another server's. */
static void find_reply(struct uw_match *m, enum index_by by, const struct match_key *key,
		       const struct uw_packet *p, struct found *f)
{
	struct open *o;

	for (o = index_first(m, by, key); o; o = o->same[by]) {
		if (!same_question(o, p->question_hash))
			continue;
		if (!same_server(o, &p->key)) {
			if (o->stand == WAITING && !f->elsewhere)
				f->elsewhere = o;
		} else if (o->stand == ANSWERED) {
			f->answered = o;
		} else if (!f->waiting) {
			f->waiting = o;
		}
	}
}

static void answer(struct uw_match *m, struct open *o, const struct uw_packet *p, const struct print *print)
{
	o->reply = *print;
	o->replies++;
	list_remove(m, o);
	list_add(m, o, ANSWERED);
	o->answer = (struct uw_answer){
		.when_ns = print->when_ns > o->send_ns ? print->when_ns : o->send_ns, .refid = p->refid,
		.flags = p->dns_flags, .stratum = p->ntp_stratum,
		.kod = p->key.protocol == UW_PROTO_NTP && uw_ntp_kiss(p->ntp_stratum, p->refid),
		.late = print->when_ns > o->send_ns + m->options.timeout_ns, .digest = p->digest,
	};
}

static void answer_again(struct uw_match *m, struct open *o, const struct uw_packet *p, const struct print *print)
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
static void keep_early(struct uw_match *m, const struct uw_packet *p, const struct print *print,
		       uint32_t tunnels)
{
	m->early[m->early_at++ % EARLY_KEPT] = (struct early){ .packet = *p, .print = *print, .tunnels = tunnels };
	m->early_ns = print->when_ns;
	m->counts.unmatched++;
}

static void take_reply(struct uw_match *m, const struct uw_packet *p, const struct print *print,
		       uint32_t tunnels)
{
	struct match_key key = match_key(&p->key, tunnels, p->key.transaction);
	struct found f = { 0 };

	find_reply(m, BY_TRANSACTION, &key, p, &f);
	if (!f.waiting && p->key.protocol == UW_PROTO_NTP && key.transaction)
		find_reply(m, BY_ALIAS, &key, p, &f);
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

/* Requests */

static void try_early(struct uw_match *m, struct open *o)
{
	unsigned i;

	if (m->early_ns + EARLY_NS < o->send_ns)
		return;
	for (i = 0; i < EARLY_KEPT && o->stand == WAITING; i++) {
		struct early *e = &m->early[i];
		const struct uw_query_key *k = &e->packet.key;

		if (!k->protocol || e->print.when_ns < o->send_ns ||
		    k->protocol != o->key.protocol || k->family != o->key.family ||
		    k->client_port != o->key.client_port || k->transaction != o->key.transaction ||
		    memcmp(&k->client, &o->key.client, sizeof(k->client)) || !same_server(o, k) ||
		    e->tunnels != o->by[BY_TRANSACTION].tunnels || !same_question(o, e->packet.question_hash))
			continue;
		answer(m, o, &e->packet, &e->print);
		e->packet.key.protocol = UW_PROTO_NONE;
		m->counts.unmatched--;
	}
}

static struct open *new_open(struct uw_match *m, const struct uw_packet *p, const struct uw_sighting *s)
{
	struct open *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->key = p->key;
	o->by[BY_TRANSACTION] = match_key(&p->key, s->tunnels, p->key.transaction);
	o->id = ++m->ids;
	o->send_ns = o->request.when_ns = s->when_ns;
	o->question_hash = p->question_hash;
	if (p->question_len && p->question_len <= UW_QUESTION_MAX &&
	    (uint32_t)UW_DNS_HEADER + p->question_len <= s->body_len) {
		o->question_len = p->question_len;
		memcpy(o->question, s->body + UW_DNS_HEADER, p->question_len);
	}
	o->attempts = 1;
	if (!index_add(m, BY_TRANSACTION, o)) {
		free(o);
		return NULL;
	}
	if (p->alias) {
		o->by[BY_ALIAS] = match_key(&p->key, s->tunnels, p->alias);
		o->aliased = index_add(m, BY_ALIAS, o);
	}
	list_add(m, o, WAITING);
	return o;
}

/* A resend while the query is open is another attempt of it; after its answer it is a new one. */
static bool resent(struct uw_match *m, const struct uw_packet *p, const struct print *print,
		   const struct match_key *key)
{
	struct open *o;

	for (o = index_first(m, BY_TRANSACTION, key); o; o = o->same[BY_TRANSACTION]) {
		if (!same_server(o, &p->key) || o->question_hash != p->question_hash)
			continue;
		if (seen_twice(&o->request, print)) {
			m->counts.captured_twice++;
			return true;
		}
		/* Requests with a transmit timestamp of zero all look alike (RFC 5905 allows it). */
		if (o->stand == ANSWERED || (p->key.protocol == UW_PROTO_NTP && !p->key.transaction))
			continue;
		o->attempts++;
		o->request = *print;
		list_remove(m, o); /* it waits from now on */
		list_add(m, o, WAITING);
		return true;
	}
	return false;
}

static void take_request(struct uw_match *m, const struct uw_packet *p, const struct uw_sighting *s,
			 const struct print *print)
{
	struct match_key key = match_key(&p->key, s->tunnels, p->key.transaction);
	struct open *o;

	if (resent(m, p, print, &key))
		return;
	o = new_open(m, p, s);
	if (!o) {
		m->counts.given_up++;
		return;
	}
	o->request = *print;
	try_early(m, o);
}

/* Cut datagrams */

/* A reply came, but to which query lies behind the bytes kept: none of this tuple is unanswered. */
static void doubt_tuple(struct uw_match *m, const struct uw_query_key *k)
{
	struct open *o;

	for (o = m->list[WAITING].newest; o; o = o->previous) {
		if (o->key.client_port == k->client_port && same_server(o, k) &&
		    !memcmp(&o->key.client, &k->client, sizeof(k->client)))
			o->cut = true;
	}
}

static void take_cut(struct uw_match *m, struct uw_packet *p, const struct uw_sighting *s)
{
	struct open *o;

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

void uw_match_packet(struct uw_match *m, const struct uw_sighting *s)
{
	bool cut = s->body_len < s->payload_len && s->body_len < UW_BODY_MAX;
	struct uw_packet p = { 0 };
	struct print print;
	bool known;

	known = uw_packet_application(&p, &s->ip, s->to, s->from, s->body, s->body_len);
	if (cut && !(known && p.has_transaction)) {
		take_cut(m, &p, s);
		return;
	}
	if (!known || !p.has_transaction)
		return;
	print = print_of(s);
	if (p.dir == UW_REPLY && !cut)
		p.digest = uw_answer_digest(&p, s->body, s->body_len);
	if (p.dir == UW_REQUEST)
		take_request(m, &p, s, &print);
	else if (!s->partial)
		take_reply(m, &p, &print, s->tunnels);
}

/* The quoted transaction, else the IP id, else the newest open query of the tuple (RFC 792: at
 * least the ports are there). */
static struct open *quoted_query(struct uw_match *m, const struct uw_packet *p, const struct uw_sighting *s)
{
	struct match_key key = match_key(&p->key, s->tunnels, p->key.transaction);
	struct open *o, *newest = NULL;

	for (o = p->has_transaction ? index_first(m, BY_TRANSACTION, &key) : NULL; o; o = o->same[BY_TRANSACTION]) {
		if (same_server(o, &p->key) && same_question(o, p->question_hash))
			return o;
	}
	for (o = p->has_transaction ? NULL : m->list[WAITING].newest; o; o = o->previous) {
		if (o->key.client_port != p->key.client_port || !same_server(o, &p->key) ||
		    memcmp(&o->key.client, &p->key.client, sizeof(p->key.client)))
			continue;
		if (s->ip_id && o->request.ip_id == s->ip_id)
			return o;
		if (!newest && o->stand == WAITING)
			newest = o;
	}
	return newest;
}

void uw_match_icmp(struct uw_match *m, const struct uw_headers *outer, const struct uw_sighting *quoted)
{
	struct uw_packet p = { 0 };
	struct open *o;

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

	for (stand = 0; stand < STANDS; stand++) {
		while (m->list[stand].oldest)
			close_open(m, m->list[stand].oldest);
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
	struct open *o, *next;
	struct slot *s, *spare;
	unsigned by, stand;

	if (!m)
		return;
	for (stand = 0; stand < STANDS; stand++) {
		for (o = m->list[stand].oldest; o; o = next) {
			next = o->next;
			free(o);
		}
	}
	for (by = 0; by < INDICES; by++) {
		HASH_ITER(hh, m->index[by], s, spare) {
			HASH_DELETE(hh, m->index[by], s);
			free(s);
		}
	}
	free(m);
}
