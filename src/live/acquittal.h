/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The wire's acquittals: what rose between two readings of a namespace's counters, before and after
 * a query. Pure. A counter that fell was reset; it rose by what it shows now.
 */
#ifndef UW_ACQUITTAL_H
#define UW_ACQUITTAL_H

#include "live/counters.h"

/**
 * uw_acquit_arrivals - add what every device by which a reply could have come in counted as lost.
 * The backlogs' drops, which have no device, are added by the first call that finds a device
 * (ifname "softnet").
 * @before, @after: of one namespace; NULL counts as a snapshot without devices.
 * @out: looked, nic_drops, xdp and counter[] are added to.
 *
 * A driver often counts a loss both in the standard counters and in its own: the larger of the two
 * sums is taken, all are listed. A device that is new counts from 0.
 *
 * Return: true unless a hardware device is gone, and with it what it counted.
 */
bool uw_acquit_arrivals(const struct uw_counters_snapshot *before,
			const struct uw_counters_snapshot *after, struct uw_acquittal *out);

/**
 * uw_acquit_departure - add what the device by which the request left counted as not sent.
 * @ifindex: found again by it, also after it was renamed.
 * @out: tx_errors, link_down and counter[] are added to.
 *
 * Return: true if the device is in both readings.
 */
bool uw_acquit_departure(const struct uw_counters_snapshot *before,
			 const struct uw_counters_snapshot *after, uint32_t ifindex,
			 struct uw_acquittal *out);

/**
 * uw_acquit_xdp - note whether an XDP program sits on a device by which a reply could come in.
 * @out: xdp is added to.
 *
 * Return: true if one could have taken the reply unseen. Generic XDP runs after the first hook.
 */
bool uw_acquit_xdp(const struct uw_counters_snapshot *s, struct uw_acquittal *out);

/** uw_acquit_is_tunnel - whether what a device takes travels inside of another packet. */
bool uw_acquit_is_tunnel(const struct uw_counters_snapshot *s, uint32_t ifindex);

#endif
