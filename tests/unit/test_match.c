// SPDX-License-Identifier: GPL-2.0-only
/* Captures: which reply is whose, frame by frame (RFC 5905, RFC 9769, RFC 1035, RFC 5452). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pcap/dlt.h>

#include "answer.h"
#include "offline/decode.h"

#define SECOND 1000000000ull
#define MS 1000000ull
#define START (1700000000ull * SECOND)
#define SEEN 16

enum { CLIENT = 1, SERVER = 2, OTHER = 3, PORT = 40000 };

/* One capture: frames go in, judged queries come out. */
struct world {
	struct uw_match *match;
	struct uw_decode *decode;
	struct uw_query seen[SEEN];
	unsigned count;
	uint64_t now_ns;
	uint16_t ip_id;
	uint32_t snaplen;
};

static void on_query(void *arg, const struct uw_query *q)
{
	struct world *w = arg;

	assert_true(w->count < SEEN);
	w->seen[w->count++] = *q;
}

static int setup(void **state)
{
	static const struct uw_port ports[] = {
		{ .port = 123, .protocol = UW_PROTO_NTP }, { .port = 53, .protocol = UW_PROTO_DNS },
	};
	struct uw_match_options o = { .timeout_ns = 5 * SECOND, .run = 7, .open_max = 1000 };
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(uw_match_new(&o, on_query, w, &w->match), 0);
	w->decode = uw_decode_new(ports, 2, w->match, NULL);
	assert_non_null(w->decode);
	w->now_ns = START;
	w->snaplen = 65535;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	uw_decode_free(w->decode);
	uw_match_free(w->match);
	free(w);
	return 0;
}

/* Nothing more comes for a minute, so that every deadline is over; then the capture ends. */
static void quiet_end(struct world *w)
{
	static const uint8_t other[60] = { [12] = 8, [14] = 0x45, [17] = 20, [23] = 6 };

	w->now_ns += 60 * SECOND;
	uw_decode_frame(w->decode, DLT_EN10MB, other, sizeof(other), w->now_ns);
	uw_match_end(w->match);
}

/* Building frames */

struct frame {
	uint8_t b[2048];
	uint32_t len;
};

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* IPv4 in Ethernet: hosts are 192.0.2.N. */
static void ip_frame(struct world *w, struct frame *f, unsigned from, unsigned to, unsigned protocol,
		     unsigned fragment, const void *data, uint32_t len)
{
	uint8_t *ip = f->b + 14;

	memset(f->b, 0, 34);
	f->b[12] = 8;
	ip[0] = 0x45;
	put16(ip + 2, 20 + len);
	put16(ip + 4, w->ip_id);
	put16(ip + 6, fragment);
	ip[8] = 64;
	ip[9] = (uint8_t)protocol;
	memcpy(ip + 12, (uint8_t[]){ 192, 0, 2, (uint8_t)from, 192, 0, 2, (uint8_t)to }, 8);
	memcpy(ip + 20, data, len);
	f->len = 34 + len;
}

static void send_frame(struct world *w, const struct frame *f)
{
	uint32_t len = f->len < w->snaplen ? f->len : w->snaplen;
	uint8_t *exact = malloc(len); /* so that a read past the captured bytes is seen */

	assert_non_null(exact);
	memcpy(exact, f->b, len);
	uw_decode_frame(w->decode, DLT_EN10MB, exact, len, w->now_ns);
	free(exact);
}

static uint32_t udp(uint8_t *out, unsigned from, unsigned to, const void *payload, uint32_t len)
{
	put16(out, from);
	put16(out + 2, to);
	put16(out + 4, 8 + len);
	put16(out + 6, 0);
	memcpy(out + 8, payload, len);
	return 8 + len;
}

struct hop {
	unsigned from, from_port, to, to_port;
};

static const struct hop asks_ntp = { CLIENT, PORT, SERVER, 123 }, tells_ntp = { SERVER, 123, CLIENT, PORT };
static const struct hop asks_dns = { CLIENT, PORT, SERVER, 53 }, tells_dns = { SERVER, 53, CLIENT, PORT };

/* A millisecond later, a datagram. */
static void pass(struct world *w, const struct hop *h, const void *payload, uint32_t len)
{
	uint8_t datagram[1600];
	struct frame f;

	w->now_ns += MS;
	w->ip_id++;
	ip_frame(w, &f, h->from, h->to, 17, 0, datagram, udp(datagram, h->from_port, h->to_port, payload, len));
	send_frame(w, &f);
}

struct ntp {
	uint64_t origin, receive, transmit;
	uint8_t mode, stratum;
	const char *refid;
};

static void ntp(struct world *w, const struct hop *h, const struct ntp *n)
{
	uint8_t p[48] = { (uint8_t)(4 << 3 | n->mode), n->stratum };

	if (n->refid)
		memcpy(p + 12, n->refid, 4);
	memcpy(p + 24, &n->origin, 8);
	memcpy(p + 32, &n->receive, 8);
	memcpy(p + 40, &n->transmit, 8);
	pass(w, h, p, sizeof(p));
}

static uint32_t dns_message(uint8_t *p, unsigned id, unsigned flags, const char *name, unsigned type)
{
	uint32_t len = (uint32_t)strlen(name);

	memset(p, 0, 12);
	put16(p, id);
	put16(p + 2, flags);
	put16(p + 4, 1);
	p[12] = (uint8_t)len;
	memcpy(p + 13, name, len);
	p[13 + len] = 0;
	put16(p + 14 + len, type);
	put16(p + 16 + len, 1);
	return 18 + len;
}

static void dns(struct world *w, const struct hop *h, unsigned id, unsigned flags, const char *name)
{
	uint8_t p[128];

	pass(w, h, p, dns_message(p, id, flags, name, 1));
}

#define REPLY 0x8180u

static void expect(const struct world *w, unsigned i, enum uw_verdict v)
{
	assert_true(i < w->count);
	assert_string_equal(uw_verdict_name(w->seen[i].verdict), uw_verdict_name(v));
}

static void expect_one(const struct world *w, enum uw_verdict v)
{
	assert_int_equal(w->count, 1);
	expect(w, 0, v);
}

/* NTP */

static void ntp_is_matched_by_all_64_bits(void **state)
{
	struct world *w = *state;

	ntp(w, &asks_ntp, &(struct ntp){ .mode = 3, .transmit = 0x1122334455667788 });
	ntp(w, &tells_ntp, &(struct ntp){ .mode = 4, .stratum = 2, .origin = 0x1122334455667789 });
	ntp(w, &tells_ntp, &(struct ntp){ .mode = 4, .stratum = 2, .origin = 0x1122334455667788 });
	quiet_end(w);
	expect_one(w, UW_ANSWERED);
	assert_int_equal(w->seen[0].answer.when_ns - w->seen[0].send_ns, 2 * MS);
	assert_int_equal(w->seen[0].stage, UW_STAGE_WIRE_IN);
	assert_int_equal(uw_match_counts(w->match)->unmatched, 1);
}

static void an_interleaved_reply_echoes_the_receive_timestamp(void **state)
{
	struct world *w = *state;

	ntp(w, &asks_ntp, &(struct ntp){ .mode = 3, .receive = 55, .transmit = 77 });
	ntp(w, &tells_ntp, &(struct ntp){ .mode = 4, .stratum = 2, .origin = 55 });
	quiet_end(w);
	expect_one(w, UW_ANSWERED);
}

static void origin_zero_answers_nobody(void **state)
{
	struct world *w = *state;

	ntp(w, &asks_ntp, &(struct ntp){ .mode = 3, .transmit = 77 });
	ntp(w, &tells_ntp, &(struct ntp){ .mode = 4, .stratum = 2 });
	quiet_end(w);
	expect_one(w, UW_NO_REPLY);
}

static void transmit_zero_is_first_come_first_served(void **state)
{
	struct world *w = *state;

	ntp(w, &asks_ntp, &(struct ntp){ .mode = 3 });
	ntp(w, &asks_ntp, &(struct ntp){ .mode = 3, .stratum = 16 });
	ntp(w, &tells_ntp, &(struct ntp){ .mode = 4, .stratum = 2, .transmit = 1 });
	quiet_end(w);
	assert_int_equal(w->count, 2);
	assert_int_equal((w->seen[0].verdict == UW_ANSWERED) + (w->seen[1].verdict == UW_ANSWERED), 1);
	assert_true(w->seen[w->seen[0].verdict != UW_ANSWERED].id == 1);
}

static void a_kiss_of_death_needs_the_right_origin(void **state)
{
	struct world *w = *state;

	ntp(w, &asks_ntp, &(struct ntp){ .mode = 3, .transmit = 77 });
	ntp(w, &tells_ntp, &(struct ntp){ .mode = 4, .refid = "RATE", .origin = 78 });
	quiet_end(w);
	expect_one(w, UW_NO_REPLY);
}

static void a_kiss_of_death_refuses(void **state)
{
	struct world *w = *state;

	ntp(w, &asks_ntp, &(struct ntp){ .mode = 3, .transmit = 77 });
	ntp(w, &tells_ntp, &(struct ntp){ .mode = 4, .refid = "RATE", .origin = 77 });
	quiet_end(w);
	expect_one(w, UW_REFUSED);
}

static void other_modes_are_no_queries(void **state)
{
	static const uint8_t modes[] = { 1, 2, 5, 6, 7 };
	struct world *w = *state;
	unsigned i;

	for (i = 0; i < sizeof(modes); i++)
		ntp(w, &asks_ntp, &(struct ntp){ .mode = modes[i], .transmit = 77 });
	quiet_end(w);
	assert_int_equal(w->count, 0);
}

static void both_ports_may_be_123(void **state)
{
	struct hop asks = { CLIENT, 123, SERVER, 123 }, tells = { SERVER, 123, CLIENT, 123 };
	struct world *w = *state;

	ntp(w, &asks, &(struct ntp){ .mode = 3, .transmit = 77 });
	ntp(w, &tells, &(struct ntp){ .mode = 4, .stratum = 1, .origin = 77 });
	quiet_end(w);
	expect_one(w, UW_ANSWERED);
	assert_int_equal(w->seen[0].key.client.b[3], CLIENT);
}

/* DNS */

static void a_reply_to_another_question_is_nobodys(void **state)
{
	struct world *w = *state;

	dns(w, &asks_dns, 1, 0x100, "a");
	dns(w, &tells_dns, 1, REPLY, "b");
	quiet_end(w);
	expect_one(w, UW_NO_REPLY);
}

static void letter_case_does_not_matter(void **state)
{
	struct world *w = *state;

	dns(w, &asks_dns, 1, 0x100, "eXaMpLe");
	dns(w, &tells_dns, 1, REPLY, "ExAmPlE");
	quiet_end(w);
	expect_one(w, UW_ANSWERED);
}

static void a_reply_without_question_goes_by_id(void **state)
{
	static const uint8_t formerr[12] = { 0, 1, 0x81, 1 };
	struct world *w = *state;

	dns(w, &asks_dns, 1, 0x100, "a");
	pass(w, &tells_dns, formerr, sizeof(formerr));
	quiet_end(w);
	expect_one(w, UW_ANSWERED);
	assert_int_equal(w->seen[0].answer.flags & UW_DNS_RCODE, 1);
}

static void a_resend_is_another_attempt(void **state)
{
	struct world *w = *state;

	dns(w, &asks_dns, 1, 0x100, "a");
	w->now_ns += SECOND;
	dns(w, &asks_dns, 1, 0x100, "a");
	dns(w, &tells_dns, 1, REPLY, "a");
	quiet_end(w);
	expect_one(w, UW_ANSWERED);
	assert_int_equal(w->seen[0].attempts, 2);
}

static void an_id_is_new_after_its_answer(void **state)
{
	struct world *w = *state;

	dns(w, &asks_dns, 1, 0x100, "a");
	dns(w, &tells_dns, 1, REPLY, "a");
	w->now_ns += SECOND;
	dns(w, &asks_dns, 1, 0x100, "a");
	quiet_end(w);
	assert_int_equal(w->count, 2);
	assert_int_equal((w->seen[0].verdict == UW_NO_REPLY) + (w->seen[1].verdict == UW_NO_REPLY), 1);
}

static void one_datagram_captured_twice_is_one(void **state)
{
	struct world *w = *state;

	dns(w, &asks_dns, 1, 0x100, "a");
	w->ip_id--;
	dns(w, &asks_dns, 1, 0x100, "a");
	dns(w, &tells_dns, 1, REPLY, "a");
	w->ip_id--;
	dns(w, &tells_dns, 1, REPLY, "a");
	quiet_end(w);
	expect_one(w, UW_ANSWERED);
	assert_int_equal(w->seen[0].attempts, 1);
	assert_int_equal(w->seen[0].replies, 1);
	assert_int_equal(uw_match_counts(w->match)->captured_twice, 2);
}

static void later_replies_are_duplicates_or_conflict(void **state)
{
	struct world *w = *state;

	dns(w, &asks_dns, 1, 0x100, "a");
	dns(w, &tells_dns, 1, REPLY, "a");
	dns(w, &tells_dns, 1, REPLY, "a");
	dns(w, &tells_dns, 1, REPLY | 3, "a");
	quiet_end(w);
	expect_one(w, UW_ANSWERED);
	assert_int_equal(uw_match_counts(w->match)->duplicates, 1);
	assert_int_equal(uw_match_counts(w->match)->conflicting, 1);
	assert_int_equal(w->seen[0].duplicate, 1);
	assert_int_equal(w->seen[0].conflicting, 1);
}

/* An answer to a question of one byte: its records, three of them written out whole. */
static uint32_t digest_of(uint16_t flags, uint8_t records, const uint8_t *rr, size_t len)
{
	struct uw_packet p = { .key.protocol = UW_PROTO_DNS, .dns_flags = flags, .question_len = 5 };
	uint8_t body[UW_BODY_MAX] = { [7] = records };

	memcpy(body + UW_DNS_HEADER + 5, rr, len);
	return uw_answer_digest(&p, body, UW_DNS_HEADER + 5 + (uint32_t)len);
}

#define RR(ttl, last) 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, ttl, 0, 4, 192, 0, 2, last

static void answers_differ_by_what_they_say(void **state)
{
	static const uint8_t ab[] = { RR(60, 1), RR(60, 2) }, ba[] = { RR(59, 2), RR(60, 1) };
	static const uint8_t ac[] = { RR(60, 1), RR(60, 3) };
	uint32_t d = digest_of(0x8180, 2, ab, sizeof(ab));

	(void)state;
	assert_int_equal(digest_of(0x8180, 2, ba, sizeof(ba)), d); /* neither TTL nor order */
	assert_int_equal(digest_of(0x8580, 2, ab, sizeof(ab)), d); /* authoritative or not */
	assert_true(uw_answers_conflict(d, digest_of(0x8180, 2, ac, sizeof(ac))));
	assert_true(uw_answers_conflict(d, digest_of(0x8183, 2, ab, sizeof(ab))));
	assert_true(uw_answers_conflict(d, digest_of(0x8380, 2, ab, sizeof(ab))));
	assert_true(uw_answers_conflict(d, digest_of(0x8180, 1, ab, sizeof(ab))));
	/* cut short: still an answer, and never one that says nothing */
	assert_int_not_equal(digest_of(0x8180, 200, ab, sizeof(ab)), 0);
	assert_false(uw_answers_conflict(0, d));
	assert_false(uw_answers_conflict(d, 0));
}

static void a_kiss_conflicts_with_a_time(void **state)
{
	struct uw_packet time = { .key.protocol = UW_PROTO_NTP, .ntp_stratum = 3, .refid = 7 }, kiss = time;
	uint8_t body[UW_BODY_MAX] = { 0 };
	uint32_t d = uw_answer_digest(&time, body, UW_NTP_HEADER);

	(void)state;
	kiss.ntp_stratum = 0;
	memcpy(&kiss.refid, "RATE", 4);
	assert_true(uw_answers_conflict(d, uw_answer_digest(&kiss, body, UW_NTP_HEADER)));
	body[40] = 9; /* the later copy's transmit timestamp */
	assert_int_equal(uw_answer_digest(&time, body, UW_NTP_HEADER), d);
}

static void a_reply_from_elsewhere_is_misdirected(void **state)
{
	struct hop stranger = { OTHER, 53, CLIENT, PORT };
	struct world *w = *state;

	dns(w, &asks_dns, 1, 0x100, "a");
	dns(w, &stranger, 1, REPLY, "a");
	quiet_end(w);
	expect_one(w, UW_MISDIRECTED);
	assert_int_equal(w->seen[0].misdirected_from.b[3], OTHER);
}

static void one_id_may_ask_two_servers(void **state)
{
	struct hop asks = { CLIENT, PORT, OTHER, 53 }, tells = { OTHER, 53, CLIENT, PORT };
	struct world *w = *state;

	dns(w, &asks_dns, 1, 0x100, "a");
	dns(w, &asks, 1, 0x100, "a");
	dns(w, &tells, 1, REPLY, "a");
	dns(w, &tells_dns, 1, REPLY, "a");
	quiet_end(w);
	assert_int_equal(w->count, 2);
	expect(w, 0, UW_ANSWERED);
	expect(w, 1, UW_ANSWERED);
}

static void a_late_reply_is_late(void **state)
{
	struct world *w = *state;

	dns(w, &asks_dns, 1, 0x100, "a");
	w->now_ns += 14 * SECOND;
	dns(w, &tells_dns, 1, REPLY | 2, "a");
	quiet_end(w);
	expect_one(w, UW_ANSWERED_LATE);
}

static void the_file_may_be_out_of_order(void **state)
{
	struct world *w = *state;

	w->now_ns = START + 10 * MS;
	dns(w, &tells_dns, 1, REPLY, "a");
	w->now_ns = START;
	dns(w, &asks_dns, 1, 0x100, "a");
	quiet_end(w);
	expect_one(w, UW_ANSWERED);
	assert_int_equal(uw_match_counts(w->match)->unmatched, 0);
}

static void a_reply_from_before_is_no_answer(void **state)
{
	struct world *w = *state;

	dns(w, &tells_dns, 1, REPLY, "a");
	dns(w, &asks_dns, 1, 0x100, "a");
	quiet_end(w);
	expect_one(w, UW_NO_REPLY);
}

/* What the capture does not hold */

static void the_end_of_the_capture_is_no_silence(void **state)
{
	struct world *w = *state;

	dns(w, &asks_dns, 1, 0x100, "a");
	uw_match_end(w->match);
	expect_one(w, UW_UNKNOWN);
	assert_int_equal(w->seen[0].gaps, UW_GAP_BIT(UW_GAP_TRUNCATED_CAPTURE));
}

static void a_cut_reply_leaves_its_query_unknown(void **state)
{
	struct world *w = *state;

	ntp(w, &asks_ntp, &(struct ntp){ .mode = 3, .transmit = 77 });
	w->snaplen = 60;
	ntp(w, &tells_ntp, &(struct ntp){ .mode = 4, .stratum = 1, .origin = 77 });
	w->snaplen = 65535;
	quiet_end(w);
	expect_one(w, UW_UNKNOWN);
	assert_int_equal(uw_match_counts(w->match)->unmatched, 0);
	assert_int_equal(uw_match_counts(w->match)->cut, 1);
}

static void a_cut_request_is_unknown(void **state)
{
	struct world *w = *state;

	w->snaplen = 60;
	ntp(w, &asks_ntp, &(struct ntp){ .mode = 3, .transmit = 77 });
	w->snaplen = 65535;
	quiet_end(w);
	expect_one(w, UW_UNKNOWN);
}

static void every_length_is_survived(void **state)
{
	struct world *w = *state;
	uint32_t len;

	for (len = 0; len < 100; len++) {
		w->snaplen = len;
		dns(w, &tells_dns, len, REPLY, "abcdefgh");
		ntp(w, &tells_ntp, &(struct ntp){ .mode = 4, .origin = len });
	}
	quiet_end(w);
	assert_int_equal(w->count, 0);
}

/* ICMP */

static void icmp(struct world *w, unsigned from, unsigned type, unsigned code, const struct frame *about, uint32_t quote)
{
	uint8_t message[600] = { (uint8_t)type, (uint8_t)code };
	struct frame f;

	w->now_ns += MS;
	memcpy(message + 8, about->b + 14, quote);
	ip_frame(w, &f, from, CLIENT, 1, 0, message, 8 + quote);
	send_frame(w, &f);
}

static void asked(struct world *w, struct frame *f, unsigned id)
{
	uint8_t message[128], datagram[256];
	uint32_t len = dns_message(message, id, 0x100, "a", 1);

	w->now_ns += MS;
	w->ip_id++;
	ip_frame(w, f, CLIENT, SERVER, 17, 0, datagram, udp(datagram, PORT, 53, message, len));
	send_frame(w, f);
}

static void icmp_rejects_the_query_it_quotes(void **state)
{
	struct world *w = *state;
	struct frame first, second;

	asked(w, &first, 1);
	asked(w, &second, 2);
	icmp(w, OTHER, 3, 13, &first, first.len - 14);
	dns(w, &tells_dns, 2, REPLY, "a");
	quiet_end(w);
	assert_int_equal(w->count, 2);
	assert_int_equal((w->seen[0].verdict == UW_REJECTED) + (w->seen[1].verdict == UW_REJECTED), 1);
	assert_int_equal(w->seen[w->seen[0].verdict != UW_REJECTED].key.transaction, 1);
}

static void a_short_quote_goes_by_the_ip_id(void **state)
{
	struct world *w = *state;
	struct frame first, second;

	asked(w, &first, 1);
	asked(w, &second, 2);
	icmp(w, OTHER, 3, 1, &first, 28);
	quiet_end(w);
	assert_int_equal(w->count, 2);
	expect(w, 0, UW_REJECTED);
	assert_int_equal(w->seen[0].key.transaction, 1);
	assert_int_equal(w->seen[0].icmp.verified, 0);
	expect(w, 1, UW_NO_REPLY);
}

static void an_answer_wins_over_icmp(void **state)
{
	struct world *w = *state;
	struct frame f;

	asked(w, &f, 1);
	icmp(w, OTHER, 3, 1, &f, f.len - 14);
	dns(w, &tells_dns, 1, REPLY, "a");
	quiet_end(w);
	expect_one(w, UW_ANSWERED);
}

static void too_big_is_a_note(void **state)
{
	struct world *w = *state;
	struct frame f;

	asked(w, &f, 1);
	icmp(w, OTHER, 3, 4, &f, f.len - 14);
	quiet_end(w);
	expect_one(w, UW_NO_REPLY);
	assert_int_equal(w->seen[0].icmp.seen, 1);
}

/* Fragments */

static void reply_fragment(struct world *w, const uint8_t *datagram, uint32_t from, uint32_t to, bool more)
{
	struct frame f;

	w->now_ns += MS;
	ip_frame(w, &f, SERVER, CLIENT, 17, from / 8 | (more ? 0x2000 : 0), datagram + from, to - from);
	send_frame(w, &f);
}

static uint32_t long_reply(struct world *w, uint8_t datagram[1600])
{
	uint8_t message[1200] = { 0 };

	w->ip_id++;
	dns_message(message, 1, REPLY, "a", 1);
	return udp(datagram, 53, PORT, message, sizeof(message));
}

static void the_last_fragment_completes_the_reply(void **state)
{
	struct world *w = *state;
	uint8_t datagram[1600];
	uint32_t len;

	dns(w, &asks_dns, 1, 0x100, "a");
	len = long_reply(w, datagram);
	reply_fragment(w, datagram, 800, len, false);
	reply_fragment(w, datagram, 0, 400, true);
	reply_fragment(w, datagram, 400, 800, true);
	quiet_end(w);
	expect_one(w, UW_ANSWERED);
	assert_int_equal(w->seen[0].answer.when_ns - w->seen[0].send_ns, 3 * MS);
	assert_true(w->seen[0].fragments);
}

static void a_lost_fragment_is_no_reply(void **state)
{
	struct world *w = *state;
	uint8_t datagram[1600];
	uint32_t len;

	dns(w, &asks_dns, 1, 0x100, "a");
	len = long_reply(w, datagram);
	reply_fragment(w, datagram, 0, 400, true);
	reply_fragment(w, datagram, 800, len, false);
	quiet_end(w);
	expect_one(w, UW_NO_REPLY);
	assert_true(w->seen[0].fragments);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(ntp_is_matched_by_all_64_bits),
		TEST(an_interleaved_reply_echoes_the_receive_timestamp),
		TEST(origin_zero_answers_nobody),
		TEST(transmit_zero_is_first_come_first_served),
		TEST(a_kiss_of_death_needs_the_right_origin),
		TEST(a_kiss_of_death_refuses),
		TEST(other_modes_are_no_queries),
		TEST(both_ports_may_be_123),
		TEST(a_reply_to_another_question_is_nobodys),
		TEST(letter_case_does_not_matter),
		TEST(a_reply_without_question_goes_by_id),
		TEST(a_resend_is_another_attempt),
		TEST(an_id_is_new_after_its_answer),
		TEST(one_datagram_captured_twice_is_one),
		TEST(later_replies_are_duplicates_or_conflict),
		TEST(answers_differ_by_what_they_say),
		TEST(a_kiss_conflicts_with_a_time),
		TEST(a_reply_from_elsewhere_is_misdirected),
		TEST(one_id_may_ask_two_servers),
		TEST(a_late_reply_is_late),
		TEST(the_file_may_be_out_of_order),
		TEST(a_reply_from_before_is_no_answer),
		TEST(the_end_of_the_capture_is_no_silence),
		TEST(a_cut_reply_leaves_its_query_unknown),
		TEST(a_cut_request_is_unknown),
		TEST(every_length_is_survived),
		TEST(icmp_rejects_the_query_it_quotes),
		TEST(a_short_quote_goes_by_the_ip_id),
		TEST(an_answer_wins_over_icmp),
		TEST(too_big_is_a_note),
		TEST(the_last_fragment_completes_the_reply),
		TEST(a_lost_fragment_is_no_reply),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
