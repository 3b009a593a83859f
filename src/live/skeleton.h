/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel side, in the build that the running kernel's verifier takes; see bpf/compat.bpf.h. */
#ifndef UW_SKELETON_H
#define UW_SKELETON_H

struct udpwhy_bpf;

/** uw_skeleton_open - opened, not loaded yet. Return: NULL with errno set, else to be destroyed by
 * udpwhy_bpf__destroy(). */
struct udpwhy_bpf *uw_skeleton_open(void);

#endif
