/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one packet says about a query: written once, for BPF and for user space.
 *
 * The parsers read from two flat buffers of fixed size, so that the verifier, the compiler and the
 * reader can all see that no access leaves them: "head" has the bytes from the network header on,
 * "body" those of the UDP payload. The number of valid bytes is passed beside each; what lies
 * behind must be readable memory of the buffer, its contents are not looked at. A parser returns a
 * description, allocates nothing, prints nothing.
 */
#ifndef UW_PACKET_H
#define UW_PACKET_H

#include "dns.h"
#include "ntp.h"
#include "record.h"

#define UW_HEAD_MAX 128	/* IPv4 with options and UDP: 68; IPv6 with the extension headers followed */
#define UW_BODY_MAX (UW_DNS_HEADER + UW_QUESTION_MAX)

#define UW_IPPROTO_ICMP 1
#define UW_IPPROTO_TCP 6
#define UW_IPPROTO_UDP 17
#define UW_IPPROTO_ICMPV6 58
#define UW_IPV6_EXTENSIONS 4	/* followed at the most, RFC 8200 4.1 */

/* Network and transport header. */
struct uw_headers {
	struct uw_addr source, destination;
	__u32 transport;	/* offset of the transport header from the network header */
	__u32 ip_len;		/* whole datagram as the IP header has it, bytes */
	__u16 source_port, destination_port;	/* UDP */
	__u16 udp_len;		/* UDP length field */
	__u8 family;		/* 4 or 6 */
	__u8 protocol;		/* UW_IPPROTO_* */
	__u8 icmp_type, icmp_code;
	__u8 fragment;		/* more fragments follow; a later fragment is no header and fails */
	__u8 pad;
	__u32 icmp_rest;	/* the second 32 bits of the ICMP header: MTU, host order */
};

enum uw_packet_kind {
	UW_PACKET_NONE,		/* not for us */
	UW_PACKET_APPLICATION,	/* a request or a reply */
	UW_PACKET_ICMP,		/* an ICMP error quoting one: key and dir are of the quoted packet */
	UW_PACKET_UNPARSED,	/* ports of a service, payload not readable: key lacks the transaction */
};

struct uw_packet {
	struct uw_query_key key;	/* client's side; slot 0 */
	struct uw_headers ip;		/* of the outer packet */
	__u64 alias;			/* NTP: the other transaction a reply may echo, 0 none (RFC 9769) */
	__u64 question_hash;		/* DNS, 0 none */
	__u32 refid;			/* NTP */
	__u32 digest;			/* of an answer, where one was made: uw_answer_digest() */
	__u16 dns_flags;
	__u16 question_len;		/* DNS: QNAME, QTYPE and QCLASS behind the DNS header of body */
	__u16 payload_len;		/* by the UDP header, bytes */
	__u8 kind;			/* enum uw_packet_kind */
	__u8 dir;			/* enum uw_dir */
	__u8 has_transaction;		/* ICMP quotes may end before it */
	__u8 ntp_stratum;
	__u8 ntp_leap;
	__u8 paged;			/* the payload lies outside the linear part */
	__u16 from_port;	/* a reply from another port than was asked, whose port stands in key; else 0 */
};

/* RFC 791 3.1 */
UW_INLINE bool uw_ipv4_parse(const __u8 head[UW_HEAD_MAX], __u32 len, struct uw_headers *h)
{
	__u16 frag;

	if (len < 20 || head[0] >> 4 != 4 || (head[0] & 15) < 5)
		return false;
	frag = uw_be16(head + 6);
	if (frag & 0x1fff)
		return false;
	h->family = 4;
	h->fragment = !!(frag & 0x2000);
	h->ip_len = uw_be16(head + 2);
	h->protocol = head[9];
	h->transport = (head[0] & 15) * 4u;
	__builtin_memcpy(h->source.b, head + 12, 4);
	__builtin_memcpy(h->destination.b, head + 16, 4);
	return true;
}

/* RFC 8200 4: hop-by-hop, routing, destination options and the fragment header are walked over. */
UW_INLINE bool uw_ipv6_parse(const __u8 head[UW_HEAD_MAX], __u32 len, struct uw_headers *h)
{
	__u32 at = 40;
	__u8 next, units;
	int i;

	if (len < 40 || head[0] >> 4 != 6)
		return false;
	h->family = 6;
	h->ip_len = 40u + uw_be16(head + 4);
	__builtin_memcpy(h->source.b, head + 8, 16);
	__builtin_memcpy(h->destination.b, head + 24, 16);
	next = head[6];
	for (i = 0; i < UW_IPV6_EXTENSIONS; i++) {
		if (next != 0 && next != 43 && next != 44 && next != 60)
			break;
		if (at > UW_HEAD_MAX - 8 || at + 8 > len)
			return false;
		units = head[at + 1];
		if (next == 44) {
			if (uw_be16(head + at + 2) & 0xfff8)
				return false;
			h->fragment = head[at + 3] & 1;
			units = 0;
		}
		if (units > 15)
			return false;
		next = head[at];
		at += units * 8u + 8;
	}
	h->protocol = next;
	h->transport = at;
	return true;
}

/* What ties the fragments of a datagram together (RFC 791 3.2, RFC 8200 4.5). */
struct uw_fragment {
	struct uw_addr source, destination;
	__u32 id;
	__u8 family;
	__u8 pad[3];
};

/**
 * uw_fragment_parse - which datagram a fragment of UDP is part of; in IPv6 only where the fragment
 * header comes first.
 * @head: bytes from the network header on, @len of them valid; f: zeroed by the caller.
 *
 * Return: 0 if it is none, 1 for the first fragment, 2 for a later one.
 */
UW_INLINE int uw_fragment_parse(const __u8 *head, __u32 len, struct uw_fragment *f)
{
	__u16 offset;

	if (len >= 28 && head[0] >> 4 == 4 && head[9] == UW_IPPROTO_UDP) {
		offset = uw_be16(head + 6);
		if (!(offset & 0x3fff))
			return 0;
		f->family = 4;
		f->id = uw_be16(head + 4);
		__builtin_memcpy(f->source.b, head + 12, 4);
		__builtin_memcpy(f->destination.b, head + 16, 4);
		return offset & 0x1fff ? 2 : 1;
	}
	if (len < 48 || head[0] >> 4 != 6 || head[6] != 44 || head[40] != UW_IPPROTO_UDP)
		return 0;
	offset = uw_be16(head + 42);
	f->family = 6;
	f->id = uw_be32(head + 44);
	__builtin_memcpy(f->source.b, head + 8, 16);
	__builtin_memcpy(f->destination.b, head + 24, 16);
	return offset & 0xfff8 ? 2 : offset & 1;
}

/**
 * uw_headers_parse - network header, and UDP or ICMP header behind it.
 * @head: bytes from the network header on, @len of them valid; h: zeroed by the caller.
 *
 * Return: true if it is UDP with both ports or ICMP with its eight bytes; false for anything else,
 * later fragments included (they have no ports).
 */
UW_INLINE bool uw_headers_parse(const __u8 head[UW_HEAD_MAX], __u32 len, struct uw_headers *h)
{
	const __u8 *t;

	if (len < 1 || !(head[0] >> 4 == 4 ? uw_ipv4_parse(head, len, h) : uw_ipv6_parse(head, len, h)))
		return false;
	if (h->transport > UW_HEAD_MAX - 8 || h->transport + 8 > len)
		return false;
	t = head + h->transport;
	if (h->protocol == UW_IPPROTO_UDP) {
		h->source_port = uw_be16(t);
		h->destination_port = uw_be16(t + 2);
		h->udp_len = uw_be16(t + 4);
		return true;
	}
	if (h->protocol == UW_IPPROTO_ICMP || h->protocol == UW_IPPROTO_ICMPV6) {
		h->icmp_type = t[0];
		h->icmp_code = t[1];
		h->icmp_rest = uw_be32(t + 4);
		return true;
	}
	return false;
}

/**
 * uw_icmp_is_error - whether this ICMP message quotes a datagram that did not get through.
 *
 * RFC 792: destination unreachable, time exceeded, parameter problem; RFC 4443: destination
 * unreachable, packet too big, time exceeded, parameter problem.
 */
UW_INLINE bool uw_icmp_is_error(const struct uw_headers *h)
{
	if (h->protocol == UW_IPPROTO_ICMP)
		return h->icmp_type == 3 || h->icmp_type == 11 || h->icmp_type == 12;
	return h->icmp_type >= 1 && h->icmp_type <= 4;
}

/** uw_icmp_mtu - the MTU of fragmentation needed (RFC 1191) or packet too big, else 0. */
UW_INLINE __u32 uw_icmp_mtu(const struct uw_headers *h)
{
	if (h->protocol == UW_IPPROTO_ICMP)
		return h->icmp_type == 3 && h->icmp_code == 4 ? h->icmp_rest & 0xffff : 0;
	return h->icmp_type == 2 ? h->icmp_rest : 0;
}

UW_INLINE void uw_packet_orient(struct uw_packet *p, const struct uw_headers *h, __u8 protocol, __u8 dir)
{
	struct uw_query_key *k = &p->key;

	p->dir = dir;
	k->family = h->family;
	k->protocol = protocol;
	k->client = dir == UW_REQUEST ? h->source : h->destination;
	k->server = dir == UW_REQUEST ? h->destination : h->source;
	k->client_port = dir == UW_REQUEST ? h->source_port : h->destination_port;
	k->server_port = dir == UW_REQUEST ? h->destination_port : h->source_port;
}

UW_INLINE bool uw_packet_ntp(struct uw_packet *p, const struct uw_headers *h, bool to_service,
			     bool from_service, const __u8 body[UW_BODY_MAX], __u32 len)
{
	struct uw_ntp n = {};

	if (!uw_ntp_parse(body, len, to_service, &n))
		return false;
	if (n.reply ? !from_service : !to_service)
		return false;
	uw_packet_orient(p, h, UW_PROTO_NTP, n.reply ? UW_REPLY : UW_REQUEST);
	p->key.transaction = n.transaction;
	p->alias = n.alias;
	p->refid = n.refid;
	p->ntp_stratum = n.stratum;
	p->ntp_leap = n.leap;
	p->has_transaction = n.complete;
	return true;
}

UW_INLINE bool uw_packet_dns(struct uw_packet *p, const struct uw_headers *h, bool to_service,
			     bool from_service, const __u8 body[UW_BODY_MAX], __u32 len)
{
	struct uw_dns d = {};

	if (!uw_dns_parse(body, len, &d))
		return false;
	if (d.reply ? !from_service : !to_service)
		return false;
	uw_packet_orient(p, h, UW_PROTO_DNS, d.reply ? UW_REPLY : UW_REQUEST);
	p->key.transaction = d.id;
	p->question_hash = d.question_hash;
	p->question_len = d.question_len;
	p->dns_flags = d.flags;
	p->has_transaction = true;
	return true;
}

/**
 * uw_packet_application - which query a UDP payload belongs to, and which way it goes.
 * @h: headers of the datagram (or of the quoted one); to, from: enum uw_proto of the destination
 * and of the source port, UW_PROTO_NONE for a port that is no service; body: the payload, @len
 * bytes valid; p: key, dir and what the payload tells are written.
 *
 * The direction is the payload's word (NTP mode, DNS QR), never the ports' alone: both may be
 * service ports (RFC 5905 7.3, RFC 1035 4.1.1).
 * Return: true if it is a request to a service or a reply from one.
 */
UW_INLINE bool uw_packet_application(struct uw_packet *p, const struct uw_headers *h, __u8 to, __u8 from,
				     const __u8 body[UW_BODY_MAX], __u32 len)
{
	if (to == UW_PROTO_NTP || from == UW_PROTO_NTP) {
		if (uw_packet_ntp(p, h, to == UW_PROTO_NTP, from == UW_PROTO_NTP, body, len))
			return true;
	}
	if (to == UW_PROTO_DNS || from == UW_PROTO_DNS)
		return uw_packet_dns(p, h, to == UW_PROTO_DNS, from == UW_PROTO_DNS, body, len);
	return false;
}

#endif
