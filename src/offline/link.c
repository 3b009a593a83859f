// SPDX-License-Identifier: GPL-2.0-only
#include "offline/link.h"

#include <pcap/dlt.h>

#define ETHERNET_HEADER 14
#define ETHERTYPE_IP 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_BRIDGED 0x6558	/* transparent Ethernet bridging, in GRE and Geneve */
#define TAGS_MAX 8			/* VLAN tags and MPLS labels followed */

static bool skip(struct uw_slice *s, uint32_t bytes)
{
	if (s->len < bytes)
		return false;
	s->at += bytes;
	s->len -= bytes;
	return true;
}

static bool is_ip(const struct uw_slice *s)
{
	return s->len && (s->at[0] >> 4 == 4 || s->at[0] >> 4 == 6);
}

/* RFC 3032: labels of four bytes until the one with the bottom-of-stack bit. */
static bool skip_mpls(struct uw_slice *s)
{
	unsigned i;
	bool bottom = false;

	for (i = 0; i < TAGS_MAX && !bottom; i++) {
		if (s->len < 4)
			return false;
		bottom = s->at[2] & 1;
		skip(s, 4);
	}
	return bottom && is_ip(s);
}

/* PPP protocol numbers 0x0021 and 0x0057 (RFC 1332, RFC 5072); one byte when compressed. */
static bool skip_ppp(struct uw_slice *s)
{
	uint16_t protocol;

	if (s->len >= 2 && s->at[0] == 0xff && s->at[1] == 0x03)
		skip(s, 2);
	if (s->len < 2)
		return false;
	protocol = s->at[0] & 1 ? s->at[0] : uw_be16(s->at);
	return skip(s, s->at[0] & 1 ? 1 : 2) && (protocol == 0x21 || protocol == 0x57);
}

/* Behind an EtherType: IP, or what may stand before it. */
static bool network_of(uint16_t type, struct uw_slice *s)
{
	unsigned i;

	for (i = 0; i < TAGS_MAX; i++) {
		switch (type) {
		case ETHERTYPE_IP:
		case ETHERTYPE_IPV6:
			return is_ip(s);
		case 0x8100: /* 802.1Q */
		case 0x88a8: /* 802.1ad */
		case 0x9100: /* QinQ before its standard */
			if (s->len < 4)
				return false;
			type = uw_be16(s->at + 2);
			skip(s, 4);
			break;
		case 0x8847:
		case 0x8848:
			return skip_mpls(s);
		case 0x8864: /* PPPoE session, RFC 2516: six bytes, then PPP */
			return skip(s, 6) && skip_ppp(s) && is_ip(s);
		default:
			return false;
		}
	}
	return false;
}

static bool ethernet(struct uw_slice *s)
{
	uint16_t type;

	if (s->len < ETHERNET_HEADER)
		return false;
	type = uw_be16(s->at + 12);
	return skip(s, ETHERNET_HEADER) && network_of(type, s);
}

/* A header of fixed length with an EtherType at a fixed place. */
static bool cooked(struct uw_slice *s, uint32_t header, uint32_t type_at)
{
	uint16_t type;

	if (s->len < header)
		return false;
	type = uw_be16(s->at + type_at);
	return skip(s, header) && network_of(type, s);
}

bool uw_link_known(int dlt)
{
	switch (dlt) {
	case DLT_EN10MB:
	case DLT_NULL:
	case DLT_LOOP:
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
	case DLT_LINUX_SLL:
	case DLT_LINUX_SLL2:
	case DLT_PPP:
	case DLT_PPP_SERIAL:
		return true;
	default:
		return false;
	}
}

bool uw_link_network(int dlt, struct uw_slice *frame)
{
	switch (dlt) {
	case DLT_EN10MB:
		return ethernet(frame);
	case DLT_NULL: /* an address family, in the byte order and numbering of who captured it */
	case DLT_LOOP:
		return skip(frame, 4) && is_ip(frame);
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		return is_ip(frame);
	case DLT_LINUX_SLL:
		return cooked(frame, 16, 14);
	case DLT_LINUX_SLL2:
		return cooked(frame, 20, 0);
	case DLT_PPP:
	case DLT_PPP_SERIAL:
		return skip_ppp(frame) && is_ip(frame);
	default:
		return false;
	}
}

/* ERSPAN type I has no header of its own, II has eight bytes, III twelve and perhaps eight more. */
static enum uw_tunnel erspan(uint16_t type, bool sequence, struct uw_slice *s)
{
	if (type == 0x88be && sequence && !skip(s, 8))
		return UW_TUNNEL_NONE;
	if (type == 0x22eb && (s->len < 12 || !skip(s, s->at[11] & 1 ? 20 : 12)))
		return UW_TUNNEL_NONE;
	return ethernet(s) ? UW_TUNNEL_ERSPAN : UW_TUNNEL_NONE;
}

/* RFC 2784 and 2890: checksum, key and sequence number are there if their bits are set. */
static enum uw_tunnel gre(struct uw_slice *s)
{
	uint16_t flags, type;

	if (s->len < 4)
		return UW_TUNNEL_NONE;
	flags = uw_be16(s->at);
	type = uw_be16(s->at + 2);
	if (flags & 7 || !skip(s, 4u + 4u * !!(flags & 0xc000) + 4u * !!(flags & 0x2000) +
				     4u * !!(flags & 0x1000)))
		return UW_TUNNEL_NONE;
	if (type == 0x88be || type == 0x22eb)
		return erspan(type, flags & 0x1000, s);
	if (type == ETHERTYPE_BRIDGED ? ethernet(s) : network_of(type, s))
		return UW_TUNNEL_GRE;
	return UW_TUNNEL_NONE;
}

static enum uw_tunnel geneve(struct uw_slice *s)
{
	uint16_t type;

	if (s->len < 8)
		return UW_TUNNEL_NONE;
	type = uw_be16(s->at + 2);
	if (!skip(s, 8u + (s->at[0] & 0x3f) * 4u))
		return UW_TUNNEL_NONE;
	if (type == ETHERTYPE_BRIDGED ? ethernet(s) : network_of(type, s))
		return UW_TUNNEL_GENEVE;
	return UW_TUNNEL_NONE;
}

/* A G-PDU (type 255); any of the flags E, S, PN adds four bytes, then extension headers follow. */
static enum uw_tunnel gtp(struct uw_slice *s)
{
	uint8_t flags, next;
	unsigned i;

	if (s->len < 8 || s->at[0] >> 4 != 3 || s->at[1] != 255)
		return UW_TUNNEL_NONE;
	flags = s->at[0];
	if (!skip(s, flags & 7 ? 12 : 8))
		return UW_TUNNEL_NONE;
	next = flags & 4 ? s->at[-1] : 0;
	for (i = 0; next && i < TAGS_MAX; i++) {
		uint32_t bytes = s->len ? s->at[0] * 4u : 0;

		if (!bytes || s->len < bytes)
			return UW_TUNNEL_NONE;
		next = s->at[bytes - 1];
		skip(s, bytes);
	}
	return is_ip(s) ? UW_TUNNEL_GTP : UW_TUNNEL_NONE;
}

static bool is_port(const struct uw_headers *h, uint16_t port)
{
	return h->destination_port == port || h->source_port == port;
}

static enum uw_tunnel inner(const struct uw_headers *h, struct uw_slice *s)
{
	if (!skip(s, h->transport))
		return UW_TUNNEL_NONE;
	if (h->protocol == 4 || h->protocol == 41)
		return is_ip(s) ? UW_TUNNEL_IP : UW_TUNNEL_NONE;
	if (h->protocol == 47)
		return gre(s);
	if (h->protocol != UW_IPPROTO_UDP || !skip(s, 8))
		return UW_TUNNEL_NONE;
	/* The well-known port is the destination's; some answer from it too. */
	if (is_port(h, 4789))
		return skip(s, 8) && ethernet(s) ? UW_TUNNEL_VXLAN : UW_TUNNEL_NONE;
	if (is_port(h, 6081))
		return geneve(s);
	return is_port(h, 2152) ? gtp(s) : UW_TUNNEL_NONE;
}

enum uw_tunnel uw_tunnel_inner(const struct uw_headers *h, struct uw_slice *packet)
{
	struct uw_slice s = *packet;
	enum uw_tunnel kind = inner(h, &s);

	if (kind)
		*packet = s;
	return kind;
}
