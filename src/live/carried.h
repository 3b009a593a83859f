/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel side counted of the devices' traffic, read for core/traffic.h. */
#ifndef UW_CARRIED_H
#define UW_CARRIED_H

#include "core/traffic.h"
#include "live/live.h"

struct uw_carried_reader;	/* opaque */

/** uw_carried_new - NULL without memory. */
struct uw_carried_reader *uw_carried_new(const struct uw_live *l);
void uw_carried_free(struct uw_carried_reader *r);

/** uw_carried_read - take a sample into @t; to be called about once a second. */
void uw_carried_read(struct uw_carried_reader *r, struct uw_traffic *t);

#endif
