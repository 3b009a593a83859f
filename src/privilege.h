/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Capabilities: enough to begin with, and as few as will do once everything is attached.
 *
 * What stays, and what for:
 *   CAP_SYS_ADMIN        entering network namespaces that appear later
 *   CAP_NET_ADMIN        conntrack's statistics (nfnetlink asks for it even to read)
 *   CAP_SYS_PTRACE       which namespace other users' processes are in
 *   CAP_DAC_READ_SEARCH  names of cgroups (open_by_handle_at)
 *   CAP_SYSLOG           symbols of modules that are loaded later
 *   CAP_BPF              tables of kernels before 5.19; given up where they can be read without
 *   CAP_DAC_OVERRIDE     only if files are written: their directory may be another user's
 */
#ifndef UW_PRIVILEGE_H
#define UW_PRIVILEGE_H

#include <stdbool.h>

/** uw_privilege_enough - whether BPF programs may be loaded and attached: as root, or with capabilities. */
bool uw_privilege_enough(void);

/**
 * uw_privilege_reduce - give up what is not needed after attaching, of this thread and those it starts.
 * @table: of a map, to see whether it can be read without CAP_BPF; files: files will be written.
 * Return: 0, -ENOENT without libcap-ng, another -errno if the kernel refuses.
 */
int uw_privilege_reduce(int table, bool files);

/** uw_privilege_none - give up all, of this thread. */
void uw_privilege_none(void);

#endif
