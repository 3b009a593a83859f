/* SPDX-License-Identifier: GPL-2.0-only */
/* From a captured frame to the IP packet in it: link layers, and tunnels that carry another frame. */
#ifndef UW_LINK_H
#define UW_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "packet.h"

/* A part of a captured frame. It points into the capture library's buffer and owns nothing. */
struct uw_slice {
	const uint8_t *at;
	uint32_t len;	/* captured bytes */
};

/* What a frame or an IP packet was carried in, outermost first: four bits each, 0 ends. */
enum uw_tunnel {
	UW_TUNNEL_NONE,
	UW_TUNNEL_IP,		/* IP in IP: RFC 2003, RFC 2473, RFC 4213 */
	UW_TUNNEL_GRE,		/* RFC 2784, RFC 2890, RFC 7637 */
	UW_TUNNEL_ERSPAN,	/* draft-foschiano-erspan, a mirrored frame in GRE */
	UW_TUNNEL_VXLAN,	/* RFC 7348 */
	UW_TUNNEL_GENEVE,	/* RFC 8926 */
	UW_TUNNEL_GTP,		/* 3GPP TS 29.281, user plane */
	UW_TUNNELS,
};
#define UW_TUNNEL_DEPTH 4

/**
 * uw_link_known - whether uw_link_network() can read frames of a link type.
 * @dlt: libpcap's DLT_* value.
 */
bool uw_link_known(int dlt);

/**
 * uw_link_network - find the IP packet in a frame.
 * @dlt: libpcap's DLT_* value; frame: as captured, perhaps cut.
 *
 * VLAN tags (802.1Q, 802.1ad), MPLS labels and PPPoE are walked over.
 * Return: true, and @frame moved to the network header; false if it holds no IP packet.
 */
bool uw_link_network(int dlt, struct uw_slice *frame);

/**
 * uw_tunnel_inner - find the IP packet that a tunnelling packet carries.
 * @h: headers of the outer packet; packet: the outer packet, from its network header on.
 *
 * Return: the kind of tunnel, and @packet moved to the inner network header; UW_TUNNEL_NONE, and
 * @packet as it was, for a packet that carries no other.
 */
enum uw_tunnel uw_tunnel_inner(const struct uw_headers *h, struct uw_slice *packet);

#endif
