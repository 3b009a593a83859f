/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the devices of a network namespace, their drivers and the CPUs' backlogs count as lost; what
 * this says of a query is in acquittal.h. rx_dropped is left out on purpose: it rises on every LAN (frames of
 * unknown protocols), and rx_nohandler counts what nobody here wanted.
 */
#ifndef UW_COUNTERS_H
#define UW_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/query.h"
#include "live/conntrack.h"

#define UW_COUNTER_DEVICES 4096		/* of one namespace; further ones are not looked at */
#define UW_COUNTER_DRIVER 32		/* counters kept of one driver */

/* The standard counters kept of every device (struct rtnl_link_stats64). */
#define UW_COUNTERS_LIST(RX, TX)                                                                   \
	RX(rx_missed_errors)                                                                       \
	RX(rx_fifo_errors)                                                                         \
	RX(rx_over_errors)                                                                         \
	TX(tx_errors)                                                                              \
	TX(tx_dropped)                                                                             \
	TX(tx_carrier_errors)                                                                      \
	TX(tx_fifo_errors)                                                                         \
	TX(tx_aborted_errors)                                                                      \
	TX(tx_window_errors)

enum uw_device_counter {
#define UW_COUNTER_ENUM(name) UW_COUNTER_##name,
	UW_COUNTERS_LIST(UW_COUNTER_ENUM, UW_COUNTER_ENUM)
#undef UW_COUNTER_ENUM
	UW_DEVICE_COUNTERS,
};

struct uw_device_counters {
	uint32_t netns, ifindex;
	char ifname[UW_IFNAME];
	char kind[24];			/* IFLA_INFO_KIND: "veth", "wireguard"; "" for hardware */
	bool xdp;			/* an XDP program is attached, in any mode */
	bool xdp_hides;			/* ... by the driver or the card: what it takes leaves no trace */
	bool loopback;
	bool up;			/* administratively, and with a carrier */
	uint32_t carrier_downs;		/* how often the link went down */
	uint64_t value[UW_DEVICE_COUNTERS];
	unsigned drivers;
	struct uw_driver_counter {
		char name[40];		/* as the driver calls it; hostile: sinks escape */
		uint64_t value;
	} driver[UW_COUNTER_DRIVER];
};

struct uw_counters_snapshot {
	uint64_t taken_ns;		/* CLOCK_BOOTTIME */
	uint64_t softnet_dropped;	/* all CPUs; the same in every namespace */
	bool softnet;			/* it could be read */
	bool truncated;			/* more than UW_COUNTER_DEVICES devices */
	struct uw_conntrack conntrack;
	unsigned devices, room;
	struct uw_device_counters *device;
};

/**
 * uw_counters_read - read the counters of every device of the thread's network namespace by
 * rtnetlink and ethtool.
 * @netns_inum: its inode, copied into the devices.
 * @out: receives the snapshot, to be freed by uw_counters_free(); untouched on failure.
 *
 * Return: 0; -EAGAIN if the devices changed under every one of a few attempts; another -errno.
 */
int uw_counters_read(uint32_t netns_inum, struct uw_counters_snapshot **out);

/** uw_counters_free - NULL is fine. */
void uw_counters_free(struct uw_counters_snapshot *s);

struct nlmsghdr;

/**
 * uw_counters_parse_link - add one RTM_NEWLINK message to a snapshot; pure, for uw_counters_read()
 * and tests. The message may be anything; its nlmsg_len is within the buffer.
 *
 * Return: 0 (also for a message without name or counters, which adds nothing), -EBADMSG if it is
 * malformed, -ENOMEM.
 */
int uw_counters_parse_link(struct uw_counters_snapshot *s, const struct nlmsghdr *message,
			   uint32_t netns);

/** uw_counters_driver_loss - whether a driver's counter with this name counts lost packets. */
bool uw_counters_driver_loss(const char *name);

/** uw_counters_parse_softnet - the sum of the second column of softnet_stat into *dropped.
 * Return: 0 or -EBADMSG. */
int uw_counters_parse_softnet(const char *text, uint64_t *dropped);

#endif
