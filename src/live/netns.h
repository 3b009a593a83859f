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

/**
 * uw_netns_scan - every network namespace that has a name below /run/netns or a process.
 * @out: an array of at least UW_NETNS_SCAN_MAX. Return: how many were found.
 */
unsigned uw_netns_scan(struct uw_netns *out);

/** uw_netns_open - open a namespace by its path if it still is the same one. Return: fd or -errno. */
int uw_netns_open(const struct uw_netns *n);

/**
 * uw_netns_enter - move this thread into an open namespace.
 * Return: a descriptor of the namespace left, for uw_netns_leave(); -errno.
 */
int uw_netns_enter(int fd);

/** uw_netns_leave - go back and close @back. Aborts if the kernel refuses: all that followed would
 * be done in the wrong place. */
void uw_netns_leave(int back);

#endif
