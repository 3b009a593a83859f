/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this kernel and this process can do, found by trying it: by existence in BTF, by loading and
 * attaching tiny programs, never by a version number. Each thing missing is told in terms of the
 * verdicts that suffer.
 */
#ifndef UW_CAPABILITY_H
#define UW_CAPABILITY_H

#include <stdbool.h>
#include <stddef.h>

#define UW_CAPABILITIES_MAX 32

/* Where the kernel says things of itself; NULL stands for the usual place. */
struct uw_capability_paths {
	const char *lockdown;	/* /sys/kernel/security/lockdown */
	const char *btf;	/* /sys/kernel/btf/vmlinux */
	const char *types;	/* /sys/kernel/btf */
	const char *status;	/* /proc/self/status */
	const char *kallsyms;	/* /proc/kallsyms */
	const char *modules;	/* /proc/modules */
	const char *mounts;	/* /proc/self/mounts */
};

struct uw_capability {
	const char *name;	/* stable: "kfree_skb_reason" */
	const char *loss;	/* what is lost without it, in terms of verdicts */
	const char *remedy;	/* how to get it */
	const char *weakens;	/* keys of a query record that say less without it, a blank between; "" none */
	bool essential;		/* without it, local and beyond cannot be told apart */
	bool present;
	char detail[96];	/* why it is missing, "" if there is no more to say */
};

/**
 * uw_capabilities_probe - try everything. Programs that do nothing are attached for a moment, the
 * netfilter ones in a network namespace made for it in a child process.
 * @paths: NULL for the usual ones; out: receives at most @max (UW_CAPABILITIES_MAX suffices).
 *
 * Return: how many were written.
 */
unsigned uw_capabilities_probe(const struct uw_capability_paths *paths, struct uw_capability *out,
			       unsigned max);

/** uw_capabilities_suffice - whether local and beyond can be told apart. */
bool uw_capabilities_suffice(const struct uw_capability *c, unsigned count);

/* What this process may do. */
struct uw_privileges {
	bool root;			/* effective uid 0 */
	bool bpf, perfmon, net_admin;	/* or the older CAP_SYS_ADMIN for the first two */
	bool seccomp;			/* a filter is in force */
};

/** uw_privileges_read - from /proc/self/status or a file like it.
 * Return: 0, -EBADMSG if it does not say, another -errno. */
int uw_privileges_read(const char *status, struct uw_privileges *out);

enum uw_lockdown {
	UW_LOCKDOWN_NONE,	/* also where the kernel has no lockdown */
	UW_LOCKDOWN_INTEGRITY,
	UW_LOCKDOWN_CONFIDENTIALITY,	/* BPF may not read kernel memory: no tracing */
};

/** uw_lockdown_read - from "none [integrity] confidentiality"; a missing file is "none". */
enum uw_lockdown uw_lockdown_read(const char *path);

/** uw_cgroup2_mount - where cgroup v2 is mounted, from /proc/self/mounts or a file like it.
 * Return: 0, -ENOENT, -ENAMETOOLONG. */
int uw_cgroup2_mount(const char *mounts, char *buf, size_t size);

/**
 * uw_capability_explain_load_failure - one line, "why, and what to do", for a failed BPF load.
 * @err: errno of the failure, of either sign; buf: cut to @size.
 */
void uw_capability_explain_load_failure(int err, char *buf, size_t size);

/** uw_capability_explain_from - the same, with other files than the usual. */
void uw_capability_explain_from(const struct uw_capability_paths *paths, int err, char *buf,
				size_t size);

#endif
