/* SPDX-License-Identifier: GPL-2.0-only */
/* The vocabulary: every name that output uses, once. The names are a contract with readers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/query.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const verdict_names[UW_VERDICTS] = {
	[UW_ANSWERED] = "answered",
	[UW_SERVED] = "served",
	[UW_FORWARDED] = "forwarded",
	[UW_ANSWERED_LATE] = "answered_late",
	[UW_SUPERSEDED] = "superseded",
	[UW_REFUSED] = "refused",
	[UW_REJECTED] = "rejected",
	[UW_NO_REPLY] = "no_reply",
	[UW_MISDIRECTED] = "misdirected",
	[UW_SEND_FAILED] = "send_failed",
	[UW_REQUEST_DROPPED] = "request_dropped",
	[UW_REQUEST_HELD] = "request_held",
	[UW_REPLY_DROPPED] = "reply_dropped",
	[UW_REPLY_HELD] = "reply_held",
	[UW_REPLY_UNREAD] = "reply_unread",
	[UW_REQUEST_UNREAD] = "request_unread",
	[UW_NOT_SERVED] = "not_served",
	[UW_UNKNOWN] = "unknown",
};

static const char *const fault_names[UW_FAULTS] = {
	[UW_FAULT_NONE] = "none",
	[UW_FAULT_LOCAL] = "local",
	[UW_FAULT_BEYOND] = "beyond",
	[UW_FAULT_UNKNOWN] = "unknown",
};

static const char *const role_names[UW_ROLES] = {
	[UW_ROLE_CLIENT] = "client",
	[UW_ROLE_SERVER] = "server",
	[UW_ROLE_LOCAL] = "local",
	[UW_ROLE_FORWARDER] = "forwarder",
};

static const char *const stage_names[UW_STAGES] = {
	[UW_STAGE_NONE] = "none",
	[UW_STAGE_SEND] = "send",
	[UW_STAGE_ROUTE] = "route",
	[UW_STAGE_NF_OUTPUT] = "nf_output",
	[UW_STAGE_NF_POSTROUTING] = "nf_postrouting",
	[UW_STAGE_CGROUP_EGRESS] = "cgroup_egress",
	[UW_STAGE_XFRM] = "xfrm",
	[UW_STAGE_NEIGHBOUR] = "neighbour",
	[UW_STAGE_NF_EGRESS] = "nf_egress",
	[UW_STAGE_TC_EGRESS] = "tc_egress",
	[UW_STAGE_QDISC] = "qdisc",
	[UW_STAGE_DEVICE] = "device",
	[UW_STAGE_WIRE_OUT] = "wire_out",
	[UW_STAGE_WIRE_IN] = "wire_in",
	[UW_STAGE_XDP] = "xdp",
	[UW_STAGE_BACKLOG] = "backlog",
	[UW_STAGE_TC_INGRESS] = "tc_ingress",
	[UW_STAGE_NF_INGRESS] = "nf_ingress",
	[UW_STAGE_BRIDGE] = "bridge",
	[UW_STAGE_NF_PREROUTING] = "nf_prerouting",
	[UW_STAGE_REASSEMBLY] = "reassembly",
	[UW_STAGE_NF_FORWARD] = "nf_forward",
	[UW_STAGE_NF_INPUT] = "nf_input",
	[UW_STAGE_UDP] = "udp",
	[UW_STAGE_SOCKET_FILTER] = "socket_filter",
	[UW_STAGE_SOCKET_QUEUE] = "socket_queue",
	[UW_STAGE_READ] = "read",
};

static const char *const gap_names[UW_GAPS] = {
	[UW_GAP_STARTED_AFTER_REQUEST] = "started_after_request",
	[UW_GAP_RECORDS_LOST] = "records_lost",
	[UW_GAP_TABLE_FULL] = "table_full",
	[UW_GAP_NIC_DROPS_ROSE] = "nic_drops_rose",
	[UW_GAP_XDP_ON_DEVICE] = "xdp_on_device",
	[UW_GAP_NAMESPACE_NOT_TRACED] = "namespace_not_traced",
	[UW_GAP_REPLY_UNPARSED] = "reply_unparsed",
	[UW_GAP_ENCAPSULATED] = "encapsulated",
	[UW_GAP_OLD_KERNEL] = "old_kernel",
	[UW_GAP_TRUNCATED_CAPTURE] = "truncated_capture",
};

static const char *const proto_names[] = {
	[UW_PROTO_NONE] = "none",
	[UW_PROTO_NTP] = "ntp",
	[UW_PROTO_DNS] = "dns",
};

/* clang-format off */
/* IANA "DNS RCODEs", as far as the four bits of the header go. */
static const char *const rcode_names[16] = {
	"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
	"NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET",
	"NXRRSET", "NOTAUTH", "NOTZONE", "DSOTYPENI",
	"RCODE12", "RCODE13", "RCODE14", "RCODE15",
};

/* IANA "Resource Record (RR) TYPEs", those one meets. */
static const struct {
	unsigned type;
	const char *name;
} qtype_names[] = {
	{ 1, "A" }, { 2, "NS" }, { 5, "CNAME" }, { 6, "SOA" }, { 10, "NULL" }, { 12, "PTR" },
	{ 13, "HINFO" }, { 15, "MX" }, { 16, "TXT" }, { 17, "RP" }, { 18, "AFSDB" }, { 24, "SIG" },
	{ 25, "KEY" }, { 28, "AAAA" }, { 29, "LOC" }, { 33, "SRV" }, { 35, "NAPTR" }, { 36, "KX" },
	{ 37, "CERT" }, { 39, "DNAME" }, { 41, "OPT" }, { 42, "APL" }, { 43, "DS" },
	{ 44, "SSHFP" }, { 45, "IPSECKEY" }, { 46, "RRSIG" }, { 47, "NSEC" }, { 48, "DNSKEY" },
	{ 49, "DHCID" }, { 50, "NSEC3" }, { 51, "NSEC3PARAM" }, { 52, "TLSA" }, { 53, "SMIMEA" },
	{ 55, "HIP" }, { 59, "CDS" }, { 60, "CDNSKEY" }, { 61, "OPENPGPKEY" }, { 62, "CSYNC" },
	{ 63, "ZONEMD" }, { 64, "SVCB" }, { 65, "HTTPS" }, { 99, "SPF" }, { 108, "EUI48" },
	{ 109, "EUI64" }, { 249, "TKEY" }, { 250, "TSIG" }, { 251, "IXFR" }, { 252, "AXFR" },
	{ 255, "ANY" }, { 256, "URI" }, { 257, "CAA" },
};
/* clang-format on */

static const char *lookup(const char *const *names, size_t count, unsigned value)
{
	return value < count && names[value] ? names[value] : "invalid";
}

const char *uw_verdict_name(enum uw_verdict v)
{
	return lookup(verdict_names, COUNT(verdict_names), v);
}

const char *uw_fault_name(enum uw_fault f)
{
	return lookup(fault_names, COUNT(fault_names), f);
}

const char *uw_role_name(enum uw_role r)
{
	return lookup(role_names, COUNT(role_names), r);
}

const char *uw_stage_name(enum uw_stage s)
{
	return lookup(stage_names, COUNT(stage_names), s);
}

const char *uw_gap_name(enum uw_gap g)
{
	return lookup(gap_names, COUNT(gap_names), g);
}

const char *uw_proto_name(enum uw_proto p)
{
	return lookup(proto_names, COUNT(proto_names), p);
}

const char *uw_tcp_name(enum uw_tcp t)
{
	static const char *const names[] = {
		[UW_TCP_PENDING] = "pending", [UW_TCP_CONNECTED] = "connected",
		[UW_TCP_REFUSED] = "refused", [UW_TCP_UNREACHABLE] = "unreachable",
		[UW_TCP_TIMED_OUT] = "timed_out", [UW_TCP_ABANDONED] = "abandoned",
	};

	return (unsigned)t < COUNT(names) ? names[t] : NULL;
}

const char *uw_far_name(enum uw_far_outcome o)
{
	static const char *const names[UW_FAR_OUTCOMES] = {
		[UW_FAR_ANSWERED] = "answered", [UW_FAR_REQUEST_LOST] = "request_lost",
		[UW_FAR_REPLY_LOST] = "reply_lost", [UW_FAR_NO_REPLY] = "no_reply",
	};

	return (unsigned)o < COUNT(names) ? names[o] : NULL;
}

const char *uw_side_name(enum uw_vantage_side s)
{
	static const char *const names[] = {
		[UW_VANTAGE_ALONE] = "alone", [UW_VANTAGE_CLIENT] = "client",
		[UW_VANTAGE_SERVER] = "server", [UW_VANTAGE_BOTH] = "both",
	};

	return lookup(names, COUNT(names), s);
}

const char *uw_rcode_name(unsigned rcode)
{
	return rcode_names[rcode & 15];
}

const char *uw_qtype_name(unsigned qtype, char *buf, size_t size)
{
	for (size_t i = 0; i < COUNT(qtype_names); i++)
		if (qtype_names[i].type == qtype)
			return qtype_names[i].name;
	snprintf(buf, size, "TYPE%u", qtype & 0xffff);
	return buf;
}

unsigned uw_qtype_number(const char *name)
{
	unsigned number;
	char end;

	for (size_t i = 0; i < COUNT(qtype_names); i++)
		if (strcasecmp(qtype_names[i].name, name) == 0)
			return qtype_names[i].type;
	if (strncasecmp(name, "TYPE", 4) || name[4] < '1' || name[4] > '9' ||
	    sscanf(name + 4, "%5u%c", &number, &end) != 1 || number > 0xffff)
		return 0;
	return number;
}

/* Digits only, all of them, at most @max; -1 if not. */
static int number_of(const char *digits, long max)
{
	char *end;
	long n;

	if (*digits < '0' || *digits > '9')
		return -1;
	n = strtol(digits, &end, 10);
	return *end || n > max ? -1 : (int)n;
}

int uw_errno_of(const char *name)
{
	int n;

	for (int err = 1; err < 4096; err++) {
		const char *known = uw_errno_name(err);

		if (known && strcmp(known, name) == 0)
			return err;
	}
	n = name[0] == 'E' ? number_of(name + 1, 4095) : -1;
	return n > 0 ? n : 0;
}

const char *uw_errno_name(int err)
{
	return err > 0 ? strerrorname_np(err) : NULL; /* glibc 2.32 */
}
