/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's tables of good answers: read, and kept from filling up over weeks. */
#ifndef UW_ANSWERS_H
#define UW_ANSWERS_H

#include <stdint.h>

#include "record.h"

/* A flow's good queries so far, as the kernel counted them. */
typedef void (*uw_flow_fn)(void *arg, const struct uw_flow_key *key, const struct uw_flow_value *value);

/** uw_answers_each - call @fn for each flow; @tables: descriptors by quota. */
void uw_answers_each(const int tables[UW_QUOTAS], uw_flow_fn fn, void *arg);

/** uw_answers_trim - delete flows idle for an hour, of a table that fills up for a minute; @fn is given
 * each as it was last. */
void uw_answers_trim(const int tables[UW_QUOTAS], uint64_t now_ns, uw_flow_fn fn, void *arg);

#endif
