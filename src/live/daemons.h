/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NTP clients that hold no socket between two polls, as chronyd does: they cannot be found by their sockets,
 * and are known by the names of their executables.
 */
#ifndef UW_DAEMONS_H
#define UW_DAEMONS_H

#include "core/asker.h"

/**
 * uw_daemons_find - add those that run to the askers found by their sockets.
 * @proc: where /proc is mounted; in_scope: whether a network namespace is looked at.
 * @out: has room for @max, of which @found are filled. One an executable and namespace, and none that is there
 * already; the helper processes of a daemon are not told. Port and servers are zero, user and namespace not named.
 *
 * Return: how many there are now.
 */
unsigned uw_daemons_find(const char *proc, bool (*in_scope)(void *arg, uint32_t netns), void *arg,
			 struct uw_asker *out, unsigned found, unsigned max);

#endif
