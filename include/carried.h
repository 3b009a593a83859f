/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the devices of the scope carry, whatever it is: counted in the kernel, read some times a second. Each
 * CPU counts for itself, so that no packet waits for another.
 */
#ifndef UW_CARRIED_COUNTS_H
#define UW_CARRIED_COUNTS_H

#include "types.h"

#define UW_TRAFFIC_DEVICES 32	/* that carried anything, by CPU; what more there are is not counted */
#define UW_TRAFFIC_PORTS 4096
#define UW_TRAFFIC_SAMPLE 61	/* of so many UDP packets one has its ports noted; prime: no rhythm's multiple */

enum uw_carried {
	UW_CARRIED_UDP,
	UW_CARRIED_TCP,
	UW_CARRIED_ICMP,
	UW_CARRIED,
};

enum uw_way {
	UW_WAY_IN,
	UW_WAY_OUT,
	UW_WAYS,
};

struct uw_carrier {
	__u32 netns, ifindex;	/* 0: not used */
	__u64 packets[UW_WAYS][UW_CARRIED];	/* a large one of segmentation offload: as many as it holds */
};

struct uw_carriers {
	struct uw_carrier carrier[UW_TRAFFIC_DEVICES];
	__u32 udp;		/* packets since one had its ports noted */
	__u32 pad;
};

/* UDP by device and ports, seen from here. The value: packets noted. */
struct uw_carried_ports {
	__u32 netns, ifindex;
	__u16 local, remote;
	__u32 pad;
};

#endif
