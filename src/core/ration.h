/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many bad queries of one kind are told one by one: the first few of a flow, verdict, stage and
 * reason in an interval. The others are counted only, so that a flood of one trouble neither fills
 * the log nor hides another.
 */
#ifndef UW_RATION_H
#define UW_RATION_H

#include "core/flow.h"

struct uw_ration;	/* opaque, bounded */

/** uw_ration_new - @each: told of each kind until renewed. Return: NULL without memory. */
struct uw_ration *uw_ration_new(unsigned each);
void uw_ration_free(struct uw_ration *r);

/**
 * uw_ration_allows - whether to tell of @q, which counts against its kind then.
 * @flow: the flow it was counted in, NULL if the table was full: such queries share one ration a kind.
 *
 * A later revision is told whenever the one before was: readers keep the highest.
 */
bool uw_ration_allows(struct uw_ration *r, const struct uw_flow_id *flow, const struct uw_query *q);

/** uw_ration_renew - a new interval. */
void uw_ration_renew(struct uw_ration *r);

#endif
