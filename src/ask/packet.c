/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "ask/prober.h"
#include "dns.h"
#include "ntp.h"

#define DNS_RD 0x01 /* third byte of the header */
#define DNS_AA 0x0400 /* of the flags */
#define IPPROTO_UDP_BYTE 17

/* ". NS IN" */
static const uint8_t root_question[] = {0, 0, 2, 0, 1};

static const uint8_t *question_of(const struct uw_probe_target *t, size_t *len)
{
	*len = t->question_len ? t->question_len : sizeof(root_question);
	return t->question_len ? t->question : root_question;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* RFC 6891 6.1: root name, type 41, the buffer size as class, extended rcode, version, flags, no options. */
static size_t put_opt(uint8_t *p, uint16_t size)
{
	put16(p + 1, 41);
	put16(p + 3, size);
	p[7] = 0x80; /* DO */
	return UW_PROBE_OPT;
}

size_t uw_probe_request(const struct uw_probe_target *t, uint64_t transaction, uint16_t edns,
			uint8_t buf[UW_PROBE_PACKET_MAX])
{
	const uint8_t *question;
	size_t len;

	memset(buf, 0, UW_PROBE_PACKET_MAX);
	switch (t->protocol) {
	case UW_PROTO_NTP:
		buf[0] = 4 << 3 | 3; /* RFC 5905 7.3: leap 0, version 4, mode 3 */
		memcpy(buf + 40, &transaction, 8);
		return UW_NTP_HEADER;
	case UW_PROTO_DNS:
		question = question_of(t, &len);
		if (len > UW_QUESTION_MAX)
			return 0;
		put16(buf, (uint16_t)transaction);
		buf[2] = DNS_RD;
		put16(buf + 4, 1);
		memcpy(buf + UW_DNS_HEADER, question, len);
		len += UW_DNS_HEADER;
		put16(buf + 10, edns ? 1 : 0);
		return edns ? len + put_opt(buf + len, edns) : len;
	default:
		return 0;
	}
}

#define NTP_TO_UNIX 2208988800ll
#define NS_PER_S 1000000000ll

/* RFC 5905 6: era 0 ends in 2036; seconds below 2^31 are of era 1 (RFC 4330 3). */
static int64_t ntp_time_ns(const uint8_t *p)
{
	int64_t s = (int64_t)uw_be16(p) << 16 | uw_be16(p + 2);
	uint64_t fraction = (uint64_t)uw_be16(p + 4) << 16 | uw_be16(p + 6);

	if (s < 1ll << 31)
		s += 1ll << 32;
	return (s - NTP_TO_UNIX) * NS_PER_S + (int64_t)((fraction * NS_PER_S) >> 32);
}

static bool ntp_matches(uint64_t transaction, const uint8_t *reply, size_t len,
			struct uw_probe_reply *r)
{
	struct uw_ntp n = {};

	if (!uw_ntp_parse(reply, (uint32_t)len, false, &n) || !n.complete || n.mode != 4 ||
	    n.transaction != transaction)
		return false;
	*r = (struct uw_probe_reply){
		.kod = uw_ntp_kiss(n.stratum, n.refid),
		.stratum = n.stratum,
		.refid = n.refid,
		.unsynchronised = !n.stratum || n.stratum > 15 || reply[0] >> 6 == 3,
		.receive_ns = ntp_time_ns(reply + 32),
		.transmit_ns = ntp_time_ns(reply + 40),
	};
	return true;
}

/* Label lengths are below 64 and no letters: folding them with the rest changes nothing. */
static bool same_question(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t name = len - 4, i; /* QTYPE and QCLASS behind it have no case */

	for (i = 0; i < len; i++) {
		uint8_t x = a[i], y = b[i];

		if (i < name) {
			x |= x >= 'A' && x <= 'Z' ? 0x20 : 0;
			y |= y >= 'A' && y <= 'Z' ? 0x20 : 0;
		}
		if (x != y)
			return false;
	}
	return true;
}

/* Return: behind a name, compressed or not, or @len. */
static size_t skip_name(const uint8_t *reply, size_t len, size_t at)
{
	while (at < len && reply[at] && reply[at] < 64)
		at += reply[at] + 1u;
	return at < len ? at + (reply[at] ? 2 : 1) : len;
}

/* RFC 1035 4.1.3, RFC 3596 2.1: A and AAAA of class IN, as far as the reply goes. */
static void take_addresses(const uint8_t *reply, size_t len, size_t at, uint16_t type, struct uw_probe_reply *r)
{
	size_t bytes = type == 1 ? 4 : type == 28 ? 16 : 0;
	unsigned left = uw_be16(reply + 6);

	if (!bytes)
		return;
	r->address_family = type == 1 ? 4 : 6;
	for (; left; left--) {
		const uint8_t *record;
		size_t data;

		at = skip_name(reply, len, at);
		if (at + 10 > len)
			return;
		record = reply + at;
		data = uw_be16(record + 8);
		at += 10 + data;
		if (at > len)
			return;
		if (uw_be16(record) != type || uw_be16(record + 2) != 1 || data != bytes)
			continue;
		r->more_addresses |= r->addresses == UW_PROBE_ADDRESSES;
		if (r->addresses < UW_PROBE_ADDRESSES)
			memcpy(r->address[r->addresses++].b, record + 10, bytes);
	}
}

static bool dns_matches(const struct uw_probe_target *t, uint64_t transaction, const uint8_t *reply,
			size_t len, struct uw_probe_reply *r)
{
	size_t question_len;
	const uint8_t *question = question_of(t, &question_len);
	uint16_t flags, questions;

	if (len < UW_DNS_HEADER || uw_be16(reply) != (uint16_t)transaction || !(reply[2] & 0x80))
		return false;
	flags = uw_be16(reply + 2);
	questions = uw_be16(reply + 4);
	if (questions > 1 || (!questions && !(flags & UW_DNS_RCODE)))
		return false;
	if (questions && (question_len < 5 || len < UW_DNS_HEADER + question_len ||
			  !same_question(reply + UW_DNS_HEADER, question, question_len)))
		return false;
	*r = (struct uw_probe_reply){
		.rcode = flags & UW_DNS_RCODE,
		.truncated = !!(flags & UW_DNS_TC),
		.authoritative = !!(flags & DNS_AA),
	};
	if (questions)
		take_addresses(reply, len, UW_DNS_HEADER + question_len, uw_be16(question + question_len - 4), r);
	return true;
}

bool uw_probe_matches(const struct uw_probe_target *t, uint64_t transaction, const uint8_t *reply,
		      size_t len, struct uw_probe_reply *r)
{
	if (t->protocol == UW_PROTO_NTP)
		return ntp_matches(transaction, reply, len, r);
	return t->protocol == UW_PROTO_DNS && dns_matches(t, transaction, reply, len, r);
}

bool uw_probe_refused(const struct uw_probe_target *t, const struct uw_probe_reply *r)
{
	if (t->protocol == UW_PROTO_NTP)
		return r->kod && uw_ntp_refusal(r->refid);
	return r->rcode == UW_DNS_REFUSED;
}

static uint32_t sum16(uint32_t sum, const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += uw_be16(p + i);
	return len & 1 ? sum + (uint32_t)(p[len - 1] << 8) : sum;
}

uint16_t uw_udp_checksum(unsigned family, const struct uw_addr *source,
			 const struct uw_addr *destination, const uint8_t *udp, size_t len)
{
	size_t bytes = family == 4 ? 4 : 16;
	uint32_t sum = IPPROTO_UDP_BYTE + (uint32_t)len; /* of the pseudo header */

	sum = sum16(sum, source->b, bytes);
	sum = sum16(sum, destination->b, bytes);
	sum = sum16(sum, udp, len);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	/* 0 on the wire means "none" */
	return sum == 0xffff ? 0xffff : (uint16_t)~sum;
}

void uw_udp_header(unsigned family, const struct uw_addr *source, uint16_t source_port,
		   const struct uw_addr *destination, uint16_t destination_port, uint8_t *udp,
		   size_t len)
{
	put16(udp, source_port);
	put16(udp + 2, destination_port);
	put16(udp + 4, (uint16_t)(UW_UDP_HEADER + len));
	put16(udp + 6, 0);
	put16(udp + 6, uw_udp_checksum(family, source, destination, udp, UW_UDP_HEADER + len));
}

/* A raw socket gets whole datagrams: reassembled, without options we care for. */
static const uint8_t *skip_ipv4(const uint8_t *packet, size_t *len)
{
	size_t header, total;

	if (*len < 20 || packet[0] >> 4 != 4)
		return NULL;
	header = (packet[0] & 15u) * 4u;
	total = uw_be16(packet + 2);
	if (header < 20 || total < header || total > *len || packet[9] != IPPROTO_UDP_BYTE)
		return NULL;
	*len = total - header;
	return packet + header;
}

const uint8_t *uw_raw_payload(unsigned family, const uint8_t *packet, size_t len, uint16_t from,
			      uint16_t to, size_t *payload_len)
{
	const uint8_t *udp = family == 4 ? skip_ipv4(packet, &len) : packet;
	size_t udp_len;

	if (!udp || len < UW_UDP_HEADER || uw_be16(udp) != from || uw_be16(udp + 2) != to)
		return NULL;
	udp_len = uw_be16(udp + 4);
	if (udp_len < UW_UDP_HEADER || udp_len > len)
		return NULL;
	*payload_len = udp_len - UW_UDP_HEADER;
	return udp + UW_UDP_HEADER;
}
