// SPDX-License-Identifier: GPL-2.0-only
#include "offline/decode.h"

#include <stdlib.h>
#include <string.h>

#include "offline/link.h"
#include "offline/reassembly.h"

struct uw_decode {
	struct uw_match *match;
	struct uw_traffic *traffic;	/* NULL: not counted */
	struct uw_reassembly *reassembly;
	uint8_t service[65536];		/* enum uw_proto by port */
	uint8_t head[UW_HEAD_MAX];	/* the parsers want all of it to be readable, */
	uint8_t body[UW_BODY_MAX];	/* ... and of this */
};

/* A packet within a frame, and what it was carried in. */
struct layer {
	struct uw_slice packet;
	uint64_t when_ns;
	uint32_t tunnels, depth;
	bool fragmented, partial;
	bool counted;		/* as traffic: once a frame */
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

/* The first bytes of a packet, with as many readable as the parsers want. */
static const uint8_t *head_of(struct uw_decode *d, const struct uw_slice *packet, uint32_t *len)
{
	*len = packet->len < UW_HEAD_MAX ? packet->len : UW_HEAD_MAX;
	if (*len == UW_HEAD_MAX)
		return packet->at;
	memcpy(d->head, packet->at, *len);
	return d->head;
}

static bool parse_headers(struct uw_decode *d, const struct uw_slice *packet, struct uw_headers *h)
{
	uint32_t len;
	const uint8_t *head = head_of(d, packet, &len);

	memset(h, 0, sizeof(*h));
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
	if (!parse_headers(d, &quote.packet, &h) || h.protocol != UW_IPPROTO_UDP)
		return;
	if (sight(d, &h, &quote, behind_udp(&h, &quote.packet), &s))
		uw_match_icmp(d->match, outer, &s);
}

/* What was tunnelled is counted as it is on the wire, if it is of one who asks, else as what it holds. */
static void count_as(struct uw_decode *d, struct layer *l, const struct uw_carried_packet *p)
{
	l->counted = uw_traffic_packet(d->traffic, l->when_ns, p);
}

static bool carried_as(uint8_t protocol, enum uw_carried *what)
{
	switch (protocol) {
	case UW_IPPROTO_UDP:
		*what = UW_CARRIED_UDP;
		return true;
	case UW_IPPROTO_TCP:
		*what = UW_CARRIED_TCP;
		return true;
	case UW_IPPROTO_ICMP:
	case UW_IPPROTO_ICMPV6:
		*what = UW_CARRIED_ICMP;
		return true;
	default:
		return false;
	}
}

/* @h: of TCP its ports are not in it. */
static void count_packet(struct uw_decode *d, struct layer *l, const struct uw_headers *h)
{
	struct uw_carried_packet p = { .family = h->family, .from_port = h->source_port, .to_port = h->destination_port };
	const uint8_t *ports = l->packet.at + h->transport;

	if (!d->traffic || l->counted || l->fragmented || !h->transport || !carried_as(h->protocol, &p.what))
		return;
	if (p.what == UW_CARRIED_TCP && l->packet.len >= h->transport + 4) {
		p.from_port = uw_be16(ports);
		p.to_port = uw_be16(ports + 2);
	}
	p.from = h->source;
	p.to = h->destination;
	p.service = d->service[p.from_port] || d->service[p.to_port];
	count_as(d, l, &p);
}

/* Whose ports only the first one knows: it is of a service if that was. */
static void count_fragment(struct uw_decode *d, struct layer *l, const struct uw_piece *f)
{
	struct uw_carried_packet p = { .from = f->source, .to = f->destination, .family = f->family, .service = true };

	if (d->traffic && !l->counted && carried_as(f->protocol, &p.what))
		count_as(d, l, &p);
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
	if (parse_headers(d, &l->packet, &h) && h.protocol == UW_IPPROTO_UDP &&
	    sight(d, &h, &first, behind_udp(&h, &l->packet), &s))
		uw_match_packet(d->match, &s);
}

static bool take_fragment(struct uw_decode *d, struct layer *l)
{
	const struct uw_datagram *whole;
	struct uw_piece f;
	uint32_t len;
	const uint8_t *head = head_of(d, &l->packet, &len);

	if (l->fragmented || !uw_piece_parse(head, len, &f))
		return false;
	count_fragment(d, l, &f);
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
	ports = parse_headers(d, &l->packet, &h);
	if (ports && h.protocol == UW_IPPROTO_UDP && sight(d, &h, l, behind_udp(&h, &l->packet), &s)) {
		if (uw_match_packet(d->match, &s) && d->traffic)
			uw_traffic_asker(d->traffic, &h.source, h.family, l->when_ns);
		count_packet(d, l, &h);
		return;
	}
	count_packet(d, l, &h);
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

struct uw_decode *uw_decode_new(const struct uw_port *ports, unsigned count, struct uw_match *match,
				struct uw_traffic *traffic)
{
	struct uw_decode *d = calloc(1, sizeof(*d));
	unsigned i;

	if (!d)
		return NULL;
	d->match = match;
	d->traffic = traffic;
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
