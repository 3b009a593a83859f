/* SPDX-License-Identifier: GPL-2.0-only */
/* From captured frames to the datagrams of the services' ports: link layer, tunnels, fragments. */
#ifndef UW_DECODE_H
#define UW_DECODE_H

#include "core/traffic.h"
#include "offline/match.h"
#include "sink/sink.h"

struct uw_decode;	/* opaque */

/**
 * uw_decode_new - a decoder that gives what it finds to a matcher.
 * @ports: service ports, @count of them; match, traffic: stay the caller's; traffic may be NULL.
 * Return: to be freed, or NULL without memory.
 */
struct uw_decode *uw_decode_new(const struct uw_port *ports, unsigned count, struct uw_match *match,
				struct uw_traffic *traffic);
void uw_decode_free(struct uw_decode *d);

/**
 * uw_decode_frame - take one frame.
 * @dlt: libpcap's link type, uw_link_known(); frame: @len captured bytes of it, hostile.
 */
void uw_decode_frame(struct uw_decode *d, int dlt, const uint8_t *frame, uint32_t len, uint64_t when_ns);

/** uw_decode_lost - fragmented datagrams given up for want of room. */
uint64_t uw_decode_lost(const struct uw_decode *d);

#endif
