/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Network namespaces: found by the names and processes that hold them, never held by us. A
 * descriptor kept open would keep a deleted namespace, and its devices, alive.
 */
#ifndef UW_NETNS_H
#define UW_NETNS_H

#include <stdint.h>

#include "cli.h"

#define UW_NETNS_SCAN_MAX 4096
#define UW_NETNS_PATH 300

struct uw_netns {
	uint32_t inum;
	char path[UW_NETNS_PATH];
};

/**
 * uw_netns_find - the namespace a user named.
 * @ref: NAME below /run/netns, PATH, or PID; out: filled on success.
 * Return: 0; -ENOENT if there is none; -EINVAL if the path is no network namespace; another -errno.
 */
int uw_netns_find(const struct uw_ns_ref *ref, struct uw_netns *out);

/** uw_netns_names - call @fn for every name that 'ip netns' lists; a namespace may have several. */
void uw_netns_names(void (*fn)(void *arg, uint32_t inum, const char *name), void *arg);

/**
 * uw_netns_scan - every network namespace that has a name below /run/netns or a process.
 * @out: an array of at least UW_NETNS_SCAN_MAX. Return: how many were found.
 */
unsigned uw_netns_scan(struct uw_netns *out);

/**
 * uw_netns_visit - call @fn in a network namespace, if its path still leads to the same one.
 *
 * It runs on a thread of its own, which enters the namespace and ends there; the caller waits. No
 * other way leads into a namespace: this process's own, by which 'ip netns pids' and /proc/PID/ns/net
 * know it, never changes. Sockets and links made by @fn stay where they were made. In it, /proc/net
 * still is the process's own namespace.
 *
 * Return: what @fn returned; -ENOENT if the namespace is gone, another -errno if it was not entered.
 */
int uw_netns_visit(const struct uw_netns *n, int (*fn)(void *arg), void *arg);

#endif
