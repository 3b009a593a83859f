/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Facts about processes, from /proc. All of it was written by others and is hostile: names are kept
 * as raw bytes, to be made safe by the sinks.
 */
#ifndef UW_PROCESS_H
#define UW_PROCESS_H

#include <stdint.h>

#include "core/query.h"
#include "sink/sink.h"

#define UW_PROCESSES_MAX 1024

struct uw_process {
	uint32_t pid;
	uint64_t started;		/* field 22 of /proc/PID/stat, clock ticks after boot */
	char comm[UW_COMM];
	char executable[UW_NAME_MAX];	/* file name of the executable when readable, else comm */
	char cgroup[UW_NAME_MAX];	/* cgroup v2 path, "" unknown */
};

struct uw_processes;	/* opaque: a cache of UW_PROCESSES_MAX, the oldest is replaced first */

/**
 * uw_processes_new - an empty cache.
 * @proc: where /proc is mounted, NULL for "/proc"; copied.
 *
 * Return: the cache, to be freed by uw_processes_free(), or NULL without memory.
 */
struct uw_processes *uw_processes_new(const char *proc);

/** uw_processes_free - NULL is fine. */
void uw_processes_free(struct uw_processes *p);

/**
 * uw_process_get - what is known of a process. One that runs is looked at (again if it was replaced
 * or has exec'ed since); of one that is gone, what was read while it ran.
 *
 * Return: valid until the next call; NULL if nothing is known.
 */
const struct uw_process *uw_process_get(struct uw_processes *p, uint32_t pid);

/** uw_process_namespace - inode of a process's network namespace, 0 if it cannot be read. */
uint32_t uw_process_namespace(const struct uw_processes *p, uint32_t pid);

/**
 * uw_process_askers - who asks here: UDP sockets of any namespace that are connected to a traced
 * port, or, for NTP (whose clients like to own port 123), bound to one without a peer.
 * @p: gives /proc and remembers the processes seen.
 * @ports: the traced ports; out: receives at most @max askers, by process.
 *
 * Bounded: at most 65,536 processes, 256 namespaces and 1,024 such sockets are looked at.
 *
 * Return: how many were written.
 */
unsigned uw_process_askers(struct uw_processes *p, const struct uw_port *ports, unsigned port_count,
			   struct uw_asker *out, unsigned max);

#endif
