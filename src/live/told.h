/* SPDX-License-Identifier: GPL-2.0-only */
/* What was said of each query; kept while its late answer may come. */
#ifndef UW_TOLD_H
#define UW_TOLD_H

#include "core/query.h"
#include "live/collector.h"

struct uw_told_all;

struct uw_told {
	uint64_t id;
	uint64_t until_ns;
	struct uw_query_key key;
	unsigned revision;
	struct uw_previous said;
	enum uw_stage stage;
};

struct uw_told_all *uw_told_new(void);
void uw_told_free(struct uw_told_all *all);

/** uw_told_find - what was said of a query, NULL if nothing was. */
struct uw_told *uw_told_find(struct uw_told_all *all, uint64_t id);

/** uw_told_keep - revision 1, as @q has it. */
void uw_told_keep(struct uw_told_all *all, const struct uw_query *q);

/** uw_told_changed - whether @q says something else than was said, that is worth saying. */
bool uw_told_changed(const struct uw_told *t, const struct uw_query *q);

/**
 * uw_told_forget - let go of all that can no longer get a late answer, and of the oldest beyond @max; @fn is
 * called before with each.
 */
void uw_told_forget(struct uw_told_all *all, unsigned max, uint64_t now_ns, void (*fn)(void *arg, const struct uw_told *t),
		    void *arg);

#endif
