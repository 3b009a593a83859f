/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of the text sink: what verdicts, places, ICMP errors and kisses of death are called. */
#include <errno.h>
#include <string.h>

#include "sink/text_parts.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* clang-format off */
static const struct uw_words verdicts[UW_VERDICTS] = {
	[UW_ANSWERED] = { "ANSWERED", "asked", "answered", true, "", "" },
	[UW_SERVED] = { "SERVED", "asked", "served", true, "", "" },
	[UW_FORWARDED] = { "FORWARDED", "asked", "answered", true, "", "" },
	[UW_SUPERSEDED] = { "SUPERSEDED", "asked", "answered", false, "", "" },
	[UW_ANSWERED_LATE] = { "ANSWERED LATE", "asked", "answered too late", true,
		"ON THIS HOST. The reply was here in time and was delayed here.",
		"BEYOND THIS HOST. The reply came to this host too late." },
	[UW_REFUSED] = { "REFUSED", "asked", "refused", true,
		"ON THIS HOST. The server that refuses runs here.",
		"BEYOND THIS HOST. The server got the request and will not serve." },
	[UW_REJECTED] = { "REJECTED", "asked", "rejected", true,
		"ON THIS HOST. The error message came from this host itself.",
		"BEYOND THIS HOST. Whoever sent the error message turned the request away." },
	[UW_NO_REPLY] = { "NO REPLY ARRIVED", "asked", "answered", false,
		"ON THIS HOST.",
		"BEYOND THIS HOST. From this end alone: "
		"request or reply lost, cannot tell which." },
	[UW_MISDIRECTED] = { "REPLY FROM ELSEWHERE", "asked", "answered from elsewhere", true,
		"ON THIS HOST. Our reply leaves from another address than was asked.",
		"BEYOND THIS HOST. The server replies from another address or port than was asked; "
		"clients must ignore that." },
	[UW_SEND_FAILED] = { "SEND FAILED", "tried", "sent", false,
		"ON THIS HOST. The kernel refused, nothing was sent.",
		"" },
	[UW_REQUEST_DROPPED] = { "REQUEST DROPPED HERE", "asked", "left this host", false,
		"ON THIS HOST. The request was dropped here and never left.",
		"" },
	[UW_REQUEST_HELD] = { "REQUEST HELD HERE", "asked", "left this host", false,
		"ON THIS HOST. The request still waits here and never left.",
		"" },
	[UW_REPLY_DROPPED] = { "REPLY DROPPED HERE", "asked", "answered but dropped here", true,
		"ON THIS HOST. The server did answer, the reply was dropped here.",
		"" },
	[UW_REPLY_HELD] = { "REPLY HELD HERE", "asked", "answered but held here", true,
		"ON THIS HOST. The server did answer, the reply still waits here.",
		"" },
	[UW_REPLY_UNREAD] = { "REPLY NOT READ", "asked", "answered but not read", true,
		"ON THIS HOST. The reply was ready for the program, which did not read it.",
		"" },
	[UW_REQUEST_UNREAD] = { "REQUEST NOT READ", "asked", "read by the server", false,
		"ON THIS HOST. The request was ready for the server here, which did not read it.",
		"" },
	[UW_NOT_SERVED] = { "NOT SERVED", "asked", "answered by the server", false,
		"ON THIS HOST. The server here read the request and sent no reply.",
		"" },
	[UW_UNKNOWN] = { "NOT KNOWN", "asked", "known to be answered", false, "", "" },
};

/* A packet dies, or waits, "in the input hook"; it has come to "the input hook". */
static const struct {
	const char *at, *reached;
} places[UW_STAGES] = {
	[UW_STAGE_NONE] = { "somewhere", "nowhere" },
	[UW_STAGE_SEND] = { "in the send call", "the send call" },
	[UW_STAGE_ROUTE] = { "in routing", "routing" },
	[UW_STAGE_NF_OUTPUT] = { "in the output hook", "the output hook" },
	[UW_STAGE_NF_POSTROUTING] = { "in the postrouting hook", "the postrouting hook" },
	[UW_STAGE_CGROUP_EGRESS] = { "by a BPF program of the sender's cgroup",
				     "the sender's cgroup" },
	[UW_STAGE_XFRM] = { "in IPsec", "IPsec" },
	[UW_STAGE_NEIGHBOUR] = { "waiting for the next hop's MAC address",
				 "the search for the next hop's MAC address" },
	[UW_STAGE_NF_EGRESS] = { "in the device's egress hook", "the device's egress hook" },
	[UW_STAGE_TC_EGRESS] = { "in traffic control on the way out", "traffic control" },
	[UW_STAGE_QDISC] = { "in the device's queue", "the device's queue" },
	[UW_STAGE_DEVICE] = { "at the device's driver", "the device's driver" },
	[UW_STAGE_WIRE_OUT] = { "on the wire", "the wire" },
	[UW_STAGE_WIRE_IN] = { "right behind the wire", "this host" },
	[UW_STAGE_XDP] = { "by an XDP program", "XDP" },
	[UW_STAGE_BACKLOG] = { "in the queue behind the device", "the queue behind the device" },
	[UW_STAGE_TC_INGRESS] = { "in traffic control on the way in", "traffic control" },
	[UW_STAGE_NF_INGRESS] = { "in the device's ingress hook", "the device's ingress hook" },
	[UW_STAGE_BRIDGE] = { "in the bridge", "the bridge" },
	[UW_STAGE_NF_PREROUTING] = { "in the prerouting hook", "the prerouting hook" },
	[UW_STAGE_REASSEMBLY] = { "waiting for its other fragments", "reassembly" },
	[UW_STAGE_NF_FORWARD] = { "in the forward hook", "the forward hook" },
	[UW_STAGE_NF_INPUT] = { "in the input hook", "the input hook" },
	[UW_STAGE_UDP] = { "in the UDP layer", "the UDP layer" },
	[UW_STAGE_SOCKET_FILTER] = { "at the socket's filter", "the socket's filter" },
	[UW_STAGE_SOCKET_QUEUE] = { "at the socket's queue", "the socket's queue" },
	[UW_STAGE_READ] = { "at the program", "the program" },
};

/* What ICMP says (RFC 792, RFC 1812, RFC 4443), as far as one meets it. */
static const struct {
	uint8_t family, type, code;
	const char *text;
} icmp_texts[] = {
	{ 4, 3, 0, "network unreachable" },
	{ 4, 3, 1, "host unreachable" },
	{ 4, 3, 2, "protocol unreachable" },
	{ 4, 3, 3, "port unreachable" },
	{ 4, 3, 4, "fragmentation needed" },
	{ 4, 3, 9, "network administratively prohibited" },
	{ 4, 3, 10, "host administratively prohibited" },
	{ 4, 3, 13, "administratively prohibited" },
	{ 4, 11, 0, "time to live exceeded" },
	{ 4, 11, 1, "fragments missing" },
	{ 6, 1, 0, "no route" },
	{ 6, 1, 1, "administratively prohibited" },
	{ 6, 1, 3, "address unreachable" },
	{ 6, 1, 4, "port unreachable" },
	{ 6, 1, 5, "source address failed policy" },
	{ 6, 1, 6, "reject route" },
	{ 6, 2, 0, "packet too big" },
	{ 6, 3, 0, "hop limit exceeded" },
	{ 6, 3, 1, "fragments missing" },
};

/* RFC 5905 7.4 and RFC 8915. */
static const struct {
	char code[5];
	const char *text;
} kisses[] = {
	{ "RATE", "asked too often" },
	{ "DENY", "this client is not allowed" },
	{ "RSTR", "this client is not allowed" },
	{ "NTSN", "its authentication (NTS) failed" },
};
/* clang-format on */

const char *uw_text_errno_hint(int err)
{
	switch (err) {
	case ENETUNREACH:
	case EHOSTUNREACH:
		return "ip route get ADDRESS, in the namespace of the program; ip rule";
	case EACCES:
		return "ip route get ADDRESS (a prohibit route?), a broadcast address, the audit log (a security module)";
	case EPERM:
		return "bpftool cgroup tree (a BPF program of its cgroup), the unit's "
		       "RestrictAddressFamilies= and SystemCallFilter=, ip xfrm policy, "
		       "the audit log (a security module)";
	case EMSGSIZE:
		return "ip link (mtu); the program sends more than fits and forbids fragments";
	case ENOBUFS:
	case EAGAIN:
		return "ss -uamp (w is what the socket has to send); tc -s qdisc";
	case EADDRNOTAVAIL:
	case EINVAL:
		return "ip addr: the source address that the program wants is not here";
	case EAFNOSUPPORT:
		return "sysctl net.ipv6.conf.all.disable_ipv6";
	case ENETDOWN:
		return "ip link show";
	default:
		return NULL;
	}
}

const struct uw_words *uw_text_words(enum uw_verdict v)
{
	return &verdicts[v < UW_VERDICTS ? v : UW_UNKNOWN];
}

const char *uw_text_place(enum uw_stage s)
{
	return places[s < UW_STAGES ? s : UW_STAGE_NONE].at;
}

const char *uw_text_reached(enum uw_stage s)
{
	return places[s < UW_STAGES ? s : UW_STAGE_NONE].reached;
}

const char *uw_text_icmp(unsigned family, unsigned type, unsigned code)
{
	for (size_t i = 0; i < COUNT(icmp_texts); i++)
		if (icmp_texts[i].family == family && icmp_texts[i].type == type &&
		    icmp_texts[i].code == code)
			return icmp_texts[i].text;
	return "an error";
}

const char *uw_text_kiss(const char code[4])
{
	for (size_t i = 0; i < COUNT(kisses); i++)
		if (memcmp(kisses[i].code, code, 4) == 0)
			return kisses[i].text;
	return NULL;
}
