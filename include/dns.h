/* SPDX-License-Identifier: GPL-2.0-only */
/* DNS: the match key, that is the id and the first question (RFC 1035 4.1, RFC 5452 9.1). */
#ifndef UW_DNS_H
#define UW_DNS_H

#include "types.h"

#define UW_DNS_HEADER 12
#define UW_DNS_NAME_BYTES 255	/* RFC 1035 2.3.4 */

#define UW_DNS_TC 0x0200
#define UW_DNS_RCODE 0x000f
#define UW_DNS_SERVFAIL 2
#define UW_DNS_NXDOMAIN 3
#define UW_DNS_REFUSED 5

struct uw_dns {
	__u64 question_hash;	/* of name (case folded, RFC 4343), type and class; 0: no readable question */
	__u16 id;
	__u16 flags;		/* the second 16 bits of the header */
	__u16 question_len;	/* QNAME, QTYPE, QCLASS behind the header, bytes; 0 as above */
	__u8 reply;
	__u8 pad;
};

/* FNV-1a, 64 bits: one multiplication a byte, and no table that the kernel side would have to hold. */
#define UW_FNV_BASE 0xcbf29ce484222325ull
#define UW_FNV_PRIME 0x100000001b3ull

UW_INLINE __u64 uw_fnv(__u64 hash, __u8 byte)
{
	return (hash ^ byte) * UW_FNV_PRIME;
}

/* A walk over the first question, a byte a step, so that BPF can run it in bpf_loop(): one pass of
 * the verifier instead of one for each of 255 bytes. */
struct uw_dns_walk {
	const __u8 *body;
	__u64 hash;
	__u32 len;	/* valid bytes of body */
	__u32 left;	/* bytes left of the label */
	__u32 end;	/* bytes of QNAME once it ended, else 0 */
	__u32 pad;
};

/* One byte of QNAME; returns 1 to stop, at its end or because there is none within len. Never inline where
 * the loop is a plain one: a walk kept in memory is one that the verifier forgets the past of. */
static __attribute__((noinline)) long uw_dns_step(__u64 i, void *walk)
{
	struct uw_dns_walk *w = walk;
	__u8 c;

	if (i >= UW_DNS_NAME_BYTES || UW_DNS_HEADER + i + 5 > w->len)
		return 1;
	c = w->body[UW_DNS_HEADER + i];
	if (w->left) {
		w->left--;
		w->hash = uw_fnv(w->hash, c >= 'A' && c <= 'Z' ? c | 0x20 : c);
		return 0;
	}
	if (c > 63)
		return 1;
	w->hash = uw_fnv(w->hash, c);
	w->left = c;
	if (c)
		return 0;
	w->end = (__u32)i + 1;
	return 1;
}

/**
 * uw_dns_question - length and hash of the first question.
 * @body: UDP payload, @len bytes valid, at least the DNS header; hash: written on success only.
 *
 * Return: bytes of QNAME, QTYPE and QCLASS, or 0 if it does not end within @len or is no plain name
 * (a first question has nothing before it to point back at).
 */
UW_INLINE __u16 uw_dns_question(const __u8 *body, __u32 len, __u64 *hash)
{
	/*
	 * left is 0, but not for the verifier: before 6.8 it follows one step of bpf_loop() only, and
	 * removes from the step what this one cannot reach.
	 */
	const volatile __u8 *unknown = body;
	struct uw_dns_walk w = { .body = body, .hash = UW_FNV_BASE, .len = len, .left = *unknown ^ *unknown };
	__u32 at, k;

#if defined(__bpf__) && !defined(UW_PLAIN)
	bpf_loop(UW_DNS_NAME_BYTES, uw_dns_step, &w, 0);
#else
	for (k = 0; k < UW_DNS_NAME_BYTES && !uw_dns_step(k, &w); k++)
		;
#endif
	at = UW_DNS_HEADER + w.end;
	if (!w.end || w.end > UW_DNS_NAME_BYTES)
		return 0;
	for (k = 0; k < 4; k++)
		w.hash = uw_fnv(w.hash, body[at + k]);
	*hash = w.hash ? w.hash : 1;
	return (__u16)(w.end + 4);
}

/**
 * uw_dns_parse - a DNS message's id, direction and question.
 * @body: UDP payload, @len bytes valid (an ICMP quote may end early); d: zeroed by the caller.
 *
 * A message of at least twelve bytes counts, question or not: FORMERR and cookie queries have none
 * (RFC 9619, RFC 7873 5.4).
 */
UW_INLINE bool uw_dns_parse(const __u8 *body, __u32 len, struct uw_dns *d)
{
	if (len < UW_DNS_HEADER)
		return false;
	d->id = uw_be16(body);
	d->flags = uw_be16(body + 2);
	d->reply = body[2] >> 7;
	if (uw_be16(body + 4))
		d->question_len = uw_dns_question(body, len, &d->question_hash);
	return true;
}

#endif
