/* SPDX-License-Identifier: GPL-2.0-only */
/* Names for the numbers by which the kernel knows a process's user, cgroup and network namespace. */
#ifndef UW_WHO_H
#define UW_WHO_H

#include <stdint.h>

#include "core/query.h"

struct uw_who;

/**
 * uw_who_new - nothing is looked up yet.
 * @passwd, @mounts: files to read, NULL for /etc/passwd and /proc/self/mounts; they stay the caller's.
 *
 * Users are looked for in this file alone: asking a directory service would make queries of our own.
 * Return: to be freed by uw_who_free(), or NULL without memory.
 */
struct uw_who *uw_who_new(const char *passwd, const char *mounts);

/** uw_who_free - NULL is fine. */
void uw_who_free(struct uw_who *w);

/** Of a cgroup that is no more: whether its path is known, and the path. */
typedef bool (*uw_who_gone_fn)(void *arg, uint64_t id, char path[UW_NAME_MAX]);

/** uw_who_gone - whom to ask for the cgroups that are gone; nobody at first. */
void uw_who_gone(struct uw_who *w, uw_who_gone_fn gone, void *arg);

/** uw_who_user - the name of a user id. Return: @out, "" if it has none here. */
const char *uw_who_user(struct uw_who *w, uint32_t uid, char out[UW_USER_MAX]);

/**
 * uw_who_cgroup - the path of a cgroup below the root of cgroup v2, by its id. Found while the cgroup
 * exists, remembered then: call it when a process is first seen. One that is gone: see uw_who_gone().
 * Return: @out, "" if it is not known.
 */
const char *uw_who_cgroup(struct uw_who *w, uint64_t id, char out[UW_NAME_MAX]);

/** uw_who_look_at_namespaces - read the names that 'ip netns' lists; about once a second. */
void uw_who_look_at_namespaces(struct uw_who *w);

/** uw_who_netns - the name of a network namespace, also if it lost it since.
 * Return: @out, "" if it has none. */
const char *uw_who_netns(const struct uw_who *w, uint32_t inum, char out[UW_NETNS_NAME]);

#endif
