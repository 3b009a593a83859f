/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the wire carried besides NTP and DNS, second by second for the last hour or so, and what of it
 * belongs to a loss window. At its onset: the busiest 0.3 s of the 10 s up to the first lost query, for what
 * stops UDP may do so within a second of there being too much. At its release: what went out in the calmest
 * two seconds from the last lost to the first answered query (the second in which it falls included), and
 * what came in during the three seconds after that. A limit that is passed lies below the first and above
 * the second.
 *
 * Live, the kernel's running counts of each device are read ten times a second; of a capture each packet is given.
 */
#ifndef UW_TRAFFIC_H
#define UW_TRAFFIC_H

#include "core/window.h"
#include "carried.h"

#define UW_TRAFFIC_READ_NS 100000000ull

struct uw_traffic;	/* opaque, bounded */

struct uw_traffic *uw_traffic_new(void);
void uw_traffic_free(struct uw_traffic *t);
void uw_traffic_clear(struct uw_traffic *t);

/** uw_traffic_sample - begin a reading, every UW_TRAFFIC_READ_NS or so: what is counted next was so at @now_ns. */
void uw_traffic_sample(struct uw_traffic *t, uint64_t now_ns);

/** uw_traffic_device - a device's running counts, in the reading that was begun. */
void uw_traffic_device(struct uw_traffic *t, uint32_t netns, uint32_t ifindex,
		       const uint64_t packets[UW_WAYS][UW_CARRIED]);

/** uw_traffic_ports - @n packets with these ports were noted since the ports' last end. */
void uw_traffic_ports(struct uw_traffic *t, const struct uw_carried_ports *p, uint64_t n);

/** uw_traffic_ports_end - all noted until @now_ns have been told. */
void uw_traffic_ports_end(struct uw_traffic *t, uint64_t now_ns);

/**
 * uw_traffic_asker - a capture holds no devices: what goes from and to an address that asks is counted
 * instead, from its first query on. There is room for a few; of the others nothing is known.
 */
void uw_traffic_asker(struct uw_traffic *t, const struct uw_addr *client, uint8_t family, uint64_t when_ns);

/* A packet of a capture. */
struct uw_carried_packet {
	struct uw_addr from, to;
	uint8_t family;
	enum uw_carried what;
	uint16_t from_port, to_port;	/* UDP and TCP, 0 not known */
	bool service;			/* of a service that is traced: a capture may be of nothing else */
};

/** uw_traffic_packet - a packet of a capture. Return: false if it is of nobody who asks. */
bool uw_traffic_packet(struct uw_traffic *t, uint64_t when_ns, const struct uw_carried_packet *p);

/** uw_traffic_captured - a capture ends here: its last second is not a whole one. */
void uw_traffic_captured(struct uw_traffic *t, uint64_t last_ns);

typedef void (*uw_rate_fn)(void *arg, uint64_t from_ns, uint64_t to_ns, const double pps[UW_WAYS]);

/** uw_traffic_rates - second by second the UDP packets of the address in a capture that had most of them.
 * @asker: receives it. Return: its family, or 0 if nothing is known. */
uint8_t uw_traffic_rates(const struct uw_traffic *t, struct uw_addr *asker, uw_rate_fn fn, void *arg);

/** uw_traffic_fill - w->traffic, as far as it is known of the device by which its queries left; in a capture
 * of that address, of those that lost queries in it, which had most UDP. */
void uw_traffic_fill(const struct uw_traffic *t, struct uw_window *w);

#endif
