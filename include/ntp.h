/* SPDX-License-Identifier: GPL-2.0-only */
/* NTP: the match key and the few fields a verdict needs (RFC 5905 7.3, RFC 9769). */
#ifndef UW_NTP_H
#define UW_NTP_H

#include "types.h"

#define UW_NTP_HEADER 48	/* extension fields and a MAC may follow (RFC 7822) */

struct uw_ntp {
	__u64 transaction;	/* request: transmit timestamp; reply: origin timestamp */
	__u64 alias;		/* request: its receive timestamp, which an interleaved reply echoes */
	__u32 refid;		/* network order, four ASCII letters in a kiss-o'-death */
	__u8 mode;
	__u8 stratum;
	__u8 leap;
	__u8 reply;
	__u8 complete;		/* the whole header was there */
	__u8 pad[8];
};

/**
 * uw_ntp_parse - a client's request or a server's reply; nothing else has a transaction.
 * @body: UDP payload, @len bytes valid (an ICMP quote may end early); to_service: the destination
 * port is the service's, which alone tells a direction for mode 0 of NTPv1.
 *
 * Symmetric, broadcast, control and private modes are no queries: they are not ours to judge.
 * Return: true for modes 3 and 4, and mode 0 of version 1. Timestamps are opaque values.
 */
UW_INLINE bool uw_ntp_parse(const __u8 *body, __u32 len, bool to_service, struct uw_ntp *n)
{
	__u8 version;

	if (len < 1)
		return false;
	n->mode = body[0] & 7;
	version = body[0] >> 3 & 7;
	if (n->mode == 0 && version == 1)
		n->reply = !to_service;
	else if (n->mode == 3 || n->mode == 4)
		n->reply = n->mode == 4;
	else
		return false;
	n->complete = len >= UW_NTP_HEADER;
	if (!n->complete)
		return true;
	n->leap = body[0] >> 6;
	n->stratum = body[1];
	__builtin_memcpy(&n->refid, body + 12, 4);
	n->transaction = uw_opaque64(body + (n->reply ? 24 : 40));
	n->alias = n->reply ? 0 : uw_opaque64(body + 32);
	return true;
}

/**
 * uw_ntp_kiss - whether a reply is a kiss-o'-death: stratum 0 and a code of ASCII letters or digits
 * in the reference id (RFC 5905 7.4). Stratum 0 alone is none.
 */
UW_INLINE bool uw_ntp_kiss(__u8 stratum, __u32 refid)
{
	__u8 c[4];
	int i;

	if (stratum != 0)
		return false;
	__builtin_memcpy(c, &refid, 4);
	for (i = 0; i < 4; i++) {
		if (!((c[i] >= 'A' && c[i] <= 'Z') || (c[i] >= '0' && c[i] <= '9')))
			return false;
	}
	return true;
}

/** uw_ntp_refusal - whether a kiss code means "go away": RATE, DENY, RSTR (RFC 5905), NTSN (RFC 8915). */
UW_INLINE bool uw_ntp_refusal(__u32 refid)
{
	static const __u8 code[4][4] = { "RATE", "DENY", "RSTR", "NTSN" };
	__u8 c[4];
	int i;

	__builtin_memcpy(c, &refid, 4);
	for (i = 0; i < 4; i++) {
		if (c[0] == code[i][0] && c[1] == code[i][1] && c[2] == code[i][2] && c[3] == code[i][3])
			return true;
	}
	return false;
}

/**
 * uw_ntp_unsynchronised - whether a server says that it has no time to give: leap indicator 3, stratum 0 or
 * 16 (RFC 5905 7.3), of the kisses INIT and STEP alone. Other kisses speak of the client, whatever their leap.
 */
UW_INLINE bool uw_ntp_unsynchronised(__u8 leap, __u8 stratum, __u32 refid)
{
	__u8 c[4];

	if (leap != 3 && stratum > 0 && stratum < 16)
		return false;
	if (!uw_ntp_kiss(stratum, refid))
		return true;
	__builtin_memcpy(c, &refid, 4);
	return (c[0] == 'I' && c[1] == 'N' && c[2] == 'I' && c[3] == 'T') ||
	       (c[0] == 'S' && c[1] == 'T' && c[2] == 'E' && c[3] == 'P');
}

#endif
