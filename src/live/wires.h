/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of the wire devices over time: a reading a second of each namespace, kept as long as a
 * query may be open, so that around any query there is one from before it and one from after.
 */
#ifndef UW_WIRES_H
#define UW_WIRES_H

#include "core/query.h"
#include "live/netns.h"

struct uw_wires;

struct uw_wires *uw_wires_new(void);
void uw_wires_free(struct uw_wires *w);

/** uw_wires_read - read the namespaces given, if the last reading is a second old or more.
 * @list: @count namespaces; those beyond the first 256 are not read. now_ns: CLOCK_BOOTTIME. */
void uw_wires_read(struct uw_wires *w, const struct uw_netns *list, unsigned count, uint64_t now_ns);

/** uw_wires_acquit - fill q->acquittal's counters and add the gaps that the devices give:
 * nic_drops_rose, xdp_on_device, encapsulated. The newest reading is taken now if need be. */
void uw_wires_acquit(struct uw_wires *w, struct uw_query *q, const struct uw_netns *list, unsigned count);

/** uw_wires_engine - name connection tracking as the engine of a drop that it did, by what it counted
 * in the drop's namespace. @family: 4 or 6. */
void uw_wires_engine(struct uw_wires *w, struct uw_drop_fact *d, uint8_t family,
		     const struct uw_netns *list, unsigned count);

#endif
