// SPDX-License-Identifier: GPL-2.0-only
#include "offline/decode.h"

#include <stdlib.h>
#include <string.h>

#include "offline/link.h"
#include "offline/reassembly.h"

struct uw_decode {
	struct uw_match *match;
	struct uw_reassembly *reassembly;
	uint8_t service[65536];		/* enum uw_proto by port */
	uint8_t body[UW_BODY_MAX];	/* the parsers want all of it to be readable */
};

/* A packet within a frame, and what it was carried in. */
struct layer {
	struct uw_slice packet;
	uint64_t when_ns;
	uint32_t tunnels, depth;
	bool fragmented, partial;
};

static uint32_t ip_id(const uint8_t *packet, uint32_t len)
{
	return len >= 20 && packet[0] >> 4 == 4 ? uw_be16(packet + 4) : 0;
}

/* @payload: behind the UDP header. Returns false if no service's port is in it. */
static bool sight(struct uw_decode *d, const struct uw_headers *h, const struct layer *l,
		  struct uw_slice payload, struct uw_sighting *s)
{
	uint32_t length = h->udp_len >= 8 ? h->udp_len - 8u : payload.len;

	if (!d->service[h->source_port] && !d->service[h->destination_port])
		return false;
	if (payload.len > length)
		payload.len = length; /* Ethernet pads */
	if (payload.len > UW_BODY_MAX)
		payload.len = UW_BODY_MAX;
	memcpy(d->body, payload.at, payload.len);
	*s = (struct uw_sighting){
		.ip = *h, .body = d->body, .body_len = payload.len, .payload_len = length,
		.when_ns = l->when_ns, .ip_id = ip_id(l->packet.at, l->packet.len), .tunnels = l->tunnels,
		.to = d->service[h->destination_port], .from = d->service[h->source_port],
		.fragmented = l->fragmented, .partial = l->partial,
	};
	return true;
}

static struct uw_slice behind_udp(const struct uw_headers *h, const struct uw_slice *packet)
{
	uint32_t skip = h->transport + 8;

	return (struct uw_slice){ packet->at + skip, packet->len - skip };
}

static bool parse_headers(const struct uw_slice *packet, struct uw_headers *h)
{
	uint8_t head[UW_HEAD_MAX];
	uint32_t len = packet->len < sizeof(head) ? packet->len : sizeof(head);

	memset(h, 0, sizeof(*h));
	memcpy(head, packet->at, len);
	memset(head + len, 0, sizeof(head) - len);
	return uw_headers_parse(head, len, h);
}

/* RFC 792, RFC 4443: eight bytes of ICMP header, then the datagram it is about. */
static void take_icmp(struct uw_decode *d, const struct uw_headers *outer, const struct layer *l)
{
	uint32_t skip = outer->transport + 8;
	struct layer quote = *l;
	struct uw_sighting s;
	struct uw_headers h;

	if (!uw_icmp_is_error(outer) || l->packet.len <= skip)
		return;
	quote.packet.at += skip;
	quote.packet.len -= skip;
	if (!parse_headers(&quote.packet, &h) || h.protocol != UW_IPPROTO_UDP)
		return;
	if (sight(d, &h, &quote, behind_udp(&h, &quote.packet), &s))
		uw_match_icmp(d->match, outer, &s);
}

static void take_packet(struct uw_decode *d, struct layer *l);

static void take_datagram(struct uw_decode *d, const struct uw_datagram *whole, const struct layer *l)
{
	uint8_t packet[UW_HEAD_MAX + UW_REASSEMBLED_MAX];
	struct layer inner = *l;

	memcpy(packet, whole->head, whole->head_len);
	memcpy(packet + whole->head_len, whole->data, whole->data_len);
	if (packet[0] >> 4 == 4)
		packet[6] = packet[7] = 0; /* a fragment no more */
	else
		packet[whole->head_len - 8 + 2] = packet[whole->head_len - 8 + 3] = 0;
	inner.packet = (struct uw_slice){ packet, whole->head_len + whole->data_len };
	inner.fragmented = true;
	inner.partial = false;
	take_packet(d, &inner);
}

/* That it came at all is known from its first fragment, whether the others come or not. */
static void take_first(struct uw_decode *d, const struct layer *l)
{
	struct layer first = *l;
	struct uw_sighting s;
	struct uw_headers h;

	first.partial = true;
	if (parse_headers(&l->packet, &h) && h.protocol == UW_IPPROTO_UDP &&
	    sight(d, &h, &first, behind_udp(&h, &l->packet), &s))
		uw_match_packet(d->match, &s);
}

static bool take_fragment(struct uw_decode *d, const struct layer *l)
{
	const struct uw_datagram *whole;
	struct uw_piece f;
	uint8_t head[UW_HEAD_MAX];
	uint32_t len = l->packet.len < sizeof(head) ? l->packet.len : sizeof(head);

	memcpy(head, l->packet.at, len);
	if (l->fragmented || !uw_piece_parse(head, len, &f))
		return false;
	f.tunnels = l->tunnels;
	if (!f.offset && f.more)
		take_first(d, l);
	whole = uw_reassembly_add(d->reassembly, &f, l->packet.at, l->packet.len, l->when_ns);
	if (whole)
		take_datagram(d, whole, l);
	return true;
}

static void take_packet(struct uw_decode *d, struct layer *l)
{
	enum uw_tunnel tunnel;
	struct uw_sighting s;
	struct uw_headers h;
	bool ports;

	if (take_fragment(d, l))
		return;
	ports = parse_headers(&l->packet, &h);
	if (ports && h.protocol == UW_IPPROTO_UDP && sight(d, &h, l, behind_udp(&h, &l->packet), &s)) {
		uw_match_packet(d->match, &s);
		return;
	}
	if (ports && h.protocol != UW_IPPROTO_UDP) {
		take_icmp(d, &h, l);
		return;
	}
	if (!h.transport || l->depth == UW_TUNNEL_DEPTH)
		return;
	tunnel = uw_tunnel_inner(&h, &l->packet);
	if (!tunnel)
		return;
	l->tunnels = l->tunnels << 4 | tunnel;
	l->depth++;
	l->fragmented = false;
	take_packet(d, l);
}

void uw_decode_frame(struct uw_decode *d, int dlt, const uint8_t *frame, uint32_t len, uint64_t when_ns)
{
	struct layer l = { .packet = { frame, len }, .when_ns = when_ns };

	uw_match_time(d->match, when_ns);
	if (uw_link_network(dlt, &l.packet))
		take_packet(d, &l);
}

uint64_t uw_decode_lost(const struct uw_decode *d)
{
	return uw_reassembly_lost(d->reassembly);
}

struct uw_decode *uw_decode_new(const struct uw_port *ports, unsigned count, struct uw_match *match)
{
	struct uw_decode *d = calloc(1, sizeof(*d));
	unsigned i;

	if (!d)
		return NULL;
	d->match = match;
	d->reassembly = uw_reassembly_new();
	if (!d->reassembly) {
		free(d);
		return NULL;
	}
	for (i = 0; i < count; i++)
		d->service[ports[i].port] = ports[i].protocol;
	return d;
}

void uw_decode_free(struct uw_decode *d)
{
	if (!d)
		return;
	uw_reassembly_free(d->reassembly);
	free(d);
}
