/* SPDX-License-Identifier: GPL-2.0-only */
/* The first bytes of a query's packets, kept beside its record for --evidence. */
#ifndef UW_EVIDENCE_H
#define UW_EVIDENCE_H

#include "types.h"

#define UW_EVIDENCE_BYTES 256	/* from the network header on: DNS questions and NTP whole */
#define UW_EVIDENCE_PACKETS 16384
#define UW_EVIDENCE_IFNAME 16

struct uw_evidence_key {
	__u64 id;	/* of the record */
	__u32 dir;	/* enum uw_dir */
	__u32 pad;
};

/* One packet of each direction: the first that was at a device, or was freed before. */
struct uw_evidence {
	__u64 when_ns;	/* CLOCK_BOOTTIME */
	__u32 len;	/* bytes kept */
	__u32 wire_len;	/* of the whole datagram, by its IP header */
	__u32 ifindex, netns;	/* 0: at no device yet */
	__u32 out;	/* on its way out of the device */
	__u32 pad;
	char ifname[UW_EVIDENCE_IFNAME];
	__u8 bytes[UW_EVIDENCE_BYTES];
};

#endif
