/* SPDX-License-Identifier: GPL-2.0-only */
/* What an answer and a port mean: rules that the kernel side folds by and user space judges by. */
#ifndef UW_ANSWER_H
#define UW_ANSWER_H

#include "packet.h"

/**
 * uw_answer_refuses - REFUSED, or a kiss-o'-death that tells the client to go away (RFC 5905 7.4,
 * RFC 8915 5.7).
 */
UW_INLINE bool uw_answer_refuses(__u8 protocol, const struct uw_answer *a)
{
	if (protocol == UW_PROTO_DNS)
		return (a->flags & UW_DNS_RCODE) == UW_DNS_REFUSED;
	return a->kod && uw_ntp_refusal(a->refid);
}

/** uw_answer_servfail - a DNS server's word that it could not find out. */
UW_INLINE bool uw_answer_servfail(__u8 protocol, const struct uw_answer *a)
{
	return protocol == UW_PROTO_DNS && (a->flags & UW_DNS_RCODE) == UW_DNS_SERVFAIL;
}

/** uw_answer_settles - a DNS server's word that no other need be asked: there is such a name, or not. */
UW_INLINE bool uw_answer_settles(__u8 protocol, const struct uw_answer *a)
{
	__u16 rcode = a->flags & UW_DNS_RCODE;

	return protocol == UW_PROTO_DNS && (rcode == 0 || rcode == UW_DNS_NXDOMAIN);
}

#define UW_ANSWER_STEPS 64	/* of the walk over an answer section: names' labels, records, 8 bytes of data */
#define UW_ANSWER_READ 16	/* bytes that one step looks at, at the most */

#define UW_DNS_NS 2
#define UW_DNS_SOA 6
#define UW_DNS_MX 15

/* A walk over the answer section, as uw_dns_walk is one over the question. */
struct uw_answer_walk {
	const __u8 *body;
	__u64 sum;	/* of the records' hashes: their order is the server's whim */
	__u64 hash;	/* of the record walked through */
	__u32 len;	/* valid bytes of body */
	__u32 at;
	__u32 left;	/* bytes left of the record's data */
	__u32 records;	/* not walked through yet */
};

UW_INLINE void uw_answer_record_ends(struct uw_answer_walk *w)
{
	w->sum += w->hash ^ w->hash >> 29;
	w->records--;
}

/* Up to eight bytes of a record's data. */
UW_INLINE void uw_answer_data(struct uw_answer_walk *w, const __u8 *b)
{
	__u32 n = w->left < 8 ? w->left : 8;
	__u64 word = (__u64)uw_be32(b) << 32 | uw_be32(b + 4);

	w->hash = (w->hash ^ word >> ((64 - 8 * n) & 63)) * UW_FNV_PRIME;
	w->hash ^= w->hash >> 32;
	w->at += n;
	w->left -= n;
	if (!w->left)
		uw_answer_record_ends(w);
}

/*
 * Type to data length of a record, at @b. The TTL is left out: a cache counts it down. So is the data
 * of those types that come in sets whose names lean on each other (RFC 1035 4.1.4), in any order.
 */
UW_INLINE long uw_answer_record(struct uw_answer_walk *w, const __u8 *b, __u32 at)
{
	__u32 type = uw_be16(b), left = uw_be16(b + 8);

	if (at + 10 + left > w->len)
		return 1;
	w->hash = (UW_FNV_BASE ^ type) * UW_FNV_PRIME;
	w->at = at + 10;
	w->left = left;
	if (type == UW_DNS_NS || type == UW_DNS_SOA || type == UW_DNS_MX) {
		w->at += left;
		w->left = 0;
	}
	if (!w->left)
		uw_answer_record_ends(w);
	return 0;
}

/* One step; returns 1 to stop. Not inline for the reason that uw_dns_step() is not. */
static __attribute__((noinline, unused)) long uw_answer_step(__u64 i, void *walk)
{
	struct uw_answer_walk *w = walk;
	__u32 at = w->at;
	const __u8 *b;

	if (i >= UW_ANSWER_STEPS || !w->records || at > UW_BODY_MAX - UW_ANSWER_READ || at >= w->len)
		return 1;
	b = w->body + at;
	if (w->left) {
		uw_answer_data(w, b);
		return 0;
	}
	if (b[0] && b[0] < 0xc0) {
		w->at = at + 1 + b[0];
		return b[0] > 63;
	}
	return b[0] ? uw_answer_record(w, b + 2, at + 2) : uw_answer_record(w, b + 1, at + 1);
}

/* Hash of the answer section, 0 if it does not end within the bytes at hand. */
UW_INLINE __u64 uw_answer_section(const __u8 *body, __u32 len, __u32 at)
{
	const volatile __u8 *unknown = body; /* as in uw_dns_question() */
	struct uw_answer_walk w = { .body = body, .len = len, .at = at, .records = uw_be16(body + 6) };

	w.left = *unknown ^ *unknown;
#if defined(__bpf__) && !defined(UW_PLAIN)
	bpf_loop(UW_ANSWER_STEPS, uw_answer_step, &w, 0);
#else
	{
		__u32 k;

		for (k = 0; k < UW_ANSWER_STEPS && !uw_answer_step(k, &w); k++)
			;
	}
#endif
	return w.records ? 0 : w.sum;
}

/**
 * uw_answer_digest - what an answer says, so that a later one to the same query can be held against it.
 * @p: a reply, parsed; body: its payload, @len bytes valid.
 *
 * DNS: rcode, TC, how many records, and those of the answer section, without owner, TTL and order, as far as
 * the section lies within UW_BODY_MAX. NTP: stratum and reference id, hence also whether it is a kiss.
 * Return: never 0.
 */
UW_INLINE __u32 uw_answer_digest(const struct uw_packet *p, const __u8 body[UW_BODY_MAX], __u32 len)
{
	__u64 h = UW_FNV_BASE;

	if (p->key.protocol == UW_PROTO_NTP) {
		h = (h ^ ((__u64)p->ntp_stratum << 32 | p->refid)) * UW_FNV_PRIME;
	} else if (len >= UW_DNS_HEADER) {
		h = (h ^ (p->dns_flags & (UW_DNS_TC | UW_DNS_RCODE)) ^ (__u64)uw_be16(body + 6) << 16) * UW_FNV_PRIME;
		h = (h ^ uw_answer_section(body, len, UW_DNS_HEADER + p->question_len)) * UW_FNV_PRIME;
	}
	h ^= h >> 32;
	return (__u32)h ? (__u32)h : 1;
}

/** uw_answers_conflict - of two digests; one that is not known contradicts nothing. */
UW_INLINE bool uw_answers_conflict(__u32 first, __u32 later)
{
	return first && later && first != later;
}

/** uw_port_fixed - port class of a client port: below 1024 or equal to the service port. */
UW_INLINE bool uw_port_fixed(__u16 client_port, __u16 server_port)
{
	return client_port < 1024 || client_port == server_port;
}

#endif
