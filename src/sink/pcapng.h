/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pcapng file (draft-ietf-opsawg-pcapng) of packets from the network header on (LINKTYPE_RAW), each with
 * a comment. Of a fixed size at the most: what is full becomes FILE.1, in the place of an older one.
 */
#ifndef UW_SINK_PCAPNG_H
#define UW_SINK_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>

#define UW_PCAPNG_FILE_BYTES (8u << 20)
#define UW_PCAPNG_COMMENT 1000
#define UW_PCAPNG_WRITE_ERROR 512

struct uw_pcapng_out;	/* opaque */

struct uw_pcapng_packet {
	int64_t wall_ns;	/* since the epoch */
	const uint8_t *bytes;
	uint32_t len, wire_len;	/* kept, and of the whole datagram */
	const char *ifname;	/* raw bytes; "" before any device */
	uint32_t ifindex, netns;
	bool out;		/* on its way out of the device; else in by it */
	const char *comment;	/* safe text */
};

/**
 * uw_pcapng_out_new - a new file, of mode 0600: packets hold what users asked.
 * A regular file of that name is renamed to FILE.1; anything else there, a symbolic link too, is refused.
 * @error: one line if it fails. Return: 0 or -errno.
 */
int uw_pcapng_out_new(const char *path, uint32_t file_bytes, struct uw_pcapng_out **out,
		      char error[UW_PCAPNG_WRITE_ERROR]);

/** uw_pcapng_out_packet - Return: 0, or -errno: then this and all later packets are not written. */
int uw_pcapng_out_packet(struct uw_pcapng_out *o, const struct uw_pcapng_packet *p);

/** uw_pcapng_out_free - Return: 0, or the -errno of the first write that failed. */
int uw_pcapng_out_free(struct uw_pcapng_out *o);

#endif
