/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pcapng files (draft-ietf-opsawg-pcapng). libpcap reads only those whose interfaces all have one link
 * type and one snapshot length, which the merged captures of two hosts or devices do not: here every
 * frame comes with the link type, the clock resolution and the offset of its own interface.
 */
#ifndef UW_PCAPNG_H
#define UW_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define UW_PCAPNG_ERROR 160

struct uw_pcapng;	/* opaque */

struct uw_pcapng_frame {
	int dlt;		/* libpcap's DLT_* value */
	uint32_t len, wire_len;	/* captured, and before it was cut */
	const uint8_t *data;	/* valid until the next call */
	uint64_t when_ns;	/* since the epoch */
};

/** uw_pcapng_new - a reader; @file stays the caller's. Return: NULL without memory. */
struct uw_pcapng *uw_pcapng_new(FILE *file);
void uw_pcapng_free(struct uw_pcapng *r);

/**
 * uw_pcapng_next - the next frame that has a time.
 * @error: written for every failure.
 * Return: 1; 0 at the end of the file; -EBADMSG for a malformed file, -ENODATA for one that ends
 * within a block behind its first, -EIO, -ENOMEM.
 */
int uw_pcapng_next(struct uw_pcapng *r, struct uw_pcapng_frame *f, char error[UW_PCAPNG_ERROR]);

/** uw_pcapng_timeless - frames passed over so far because their blocks hold no time. */
uint64_t uw_pcapng_timeless(const struct uw_pcapng *r);

#endif
