/* SPDX-License-Identifier: GPL-2.0-only */
/* The probers of one run: which servers to ask, each once, and all of them driven together. */
#ifndef UW_PROBES_H
#define UW_PROBES_H

#include <poll.h>

#include "ask/prober.h"
#include "live/collector.h"
#include "watch.h"

struct uw_probes;

/** uw_probes_new - @count packets a door, each waited for @timeout_ns. Return: NULL without memory. */
struct uw_probes *uw_probes_new(unsigned count, uint64_t timeout_ns);
void uw_probes_free(struct uw_probes *p);

/** uw_probes_want - ask this server soon, unless it was asked already or UW_WATCH_TARGETS were. */
void uw_probes_want(struct uw_probes *p, const struct uw_watch_target *t);

/** uw_probes_run - start what is wanted, drive what runs. @c: finds the namespaces to ask from; NULL:
 * all are asked from the current one. */
void uw_probes_run(struct uw_probes *p, struct uw_collector *c, uint64_t now_ns);

/** uw_probes_busy - whether any is still to be asked or answered. */
bool uw_probes_busy(const struct uw_probes *p);

/** uw_probes_pollfds - descriptors to wait for; returns how many. *next_ns: lowered to when to run. */
unsigned uw_probes_pollfds(const struct uw_probes *p, struct pollfd *fds, unsigned max, uint64_t *next_ns);

/** uw_probes_item - the @i-th target and its prober, NULL if it could not be started.
 * Return: whether there is one. */
bool uw_probes_item(const struct uw_probes *p, unsigned i, const struct uw_watch_target **t,
		    const struct uw_prober **prober);

#endif
