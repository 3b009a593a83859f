/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Datagrams from fragments (RFC 791 3.2, RFC 8200 4.5). Only the first bytes of a datagram are kept,
 * which hold all that a query is matched by; of the rest it is enough to know that it came.
 */
#ifndef UW_REASSEMBLY_H
#define UW_REASSEMBLY_H

#include <stdbool.h>
#include <stdint.h>

#include "packet.h"

#define UW_REASSEMBLED_MAX (8 + UW_BODY_MAX)	/* UDP header and payload kept, bytes */
#define UW_REASSEMBLY_NS 30000000000ull		/* Linux gives up after this (60 s for IPv6) */

/* What a fragment says of its datagram: more than the kernel side needs, which only knows its own. */
struct uw_piece {
	struct uw_addr source, destination;
	uint32_t id;
	uint32_t tunnels;	/* what it was carried in: the same id within a tunnel is another's */
	uint32_t offset;	/* of its data in the datagram's, bytes */
	uint32_t header;	/* bytes from the network header to its data */
	uint32_t length;	/* of its data, by the IP header, bytes */
	uint8_t family, protocol;
	bool more;
};

/* A datagram that is whole, or the first part of one that never became so. */
struct uw_datagram {
	uint8_t head[UW_HEAD_MAX];	/* network header of the first fragment */
	uint32_t head_len;
	uint8_t data[UW_REASSEMBLED_MAX];
	uint32_t data_len;		/* bytes kept, from the transport header on */
	uint64_t when_ns;		/* of its last fragment */
};

struct uw_reassembly;	/* opaque, bounded */

/**
 * uw_piece_parse - whether a packet is a fragment, and which.
 * @head: from the network header on, @len valid bytes; f: written if it is one.
 */
bool uw_piece_parse(const uint8_t head[UW_HEAD_MAX], uint32_t len, struct uw_piece *f);

/** uw_reassembly_new - Return: an empty table, to be freed, or NULL without memory. */
struct uw_reassembly *uw_reassembly_new(void);
void uw_reassembly_free(struct uw_reassembly *r);

/**
 * uw_reassembly_add - take one fragment.
 * @packet: from the network header on, @len captured bytes.
 *
 * Overlapping fragments are taken as they come; a hole is never assumed filled.
 * Return: the datagram if it is whole now, valid until the next call; NULL if not yet.
 */
const struct uw_datagram *uw_reassembly_add(struct uw_reassembly *r, const struct uw_piece *f,
					    const uint8_t *packet, uint32_t len, uint64_t now_ns);

/** uw_reassembly_lost - datagrams given up because too many were open at once. */
uint64_t uw_reassembly_lost(const struct uw_reassembly *r);

#endif
