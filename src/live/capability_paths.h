/* SPDX-License-Identifier: GPL-2.0-only */
/* The usual places of struct uw_capability_paths, for capability.c and capability_probe.c only. */
#ifndef UW_CAPABILITY_PATHS_H
#define UW_CAPABILITY_PATHS_H

#define UW_PATH_LOCKDOWN "/sys/kernel/security/lockdown"
#define UW_PATH_BTF "/sys/kernel/btf/vmlinux"
#define UW_PATH_TYPES "/sys/kernel/btf"
#define UW_PATH_STATUS "/proc/self/status"
#define UW_PATH_KALLSYMS "/proc/kallsyms"
#define UW_PATH_MODULES "/proc/modules"
#define UW_PATH_MOUNTS "/proc/self/mounts"

/** uw_path_or - @path, or the usual one where it is NULL. */
const char *uw_path_or(const char *path, const char *usual);

#endif
