/* SPDX-License-Identifier: GPL-2.0-only */
/* What an answer and a port mean: rules that the kernel side folds by and user space judges by. */
#ifndef UW_ANSWER_H
#define UW_ANSWER_H

#include "dns.h"
#include "ntp.h"
#include "record.h"

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

/** uw_port_fixed - port class of a client port: below 1024 or equal to the service port. */
UW_INLINE bool uw_port_fixed(__u16 client_port, __u16 server_port)
{
	return client_port < 1024 || client_port == server_port;
}

#endif
