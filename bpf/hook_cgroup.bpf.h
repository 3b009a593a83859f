/* SPDX-License-Identifier: GPL-2.0-only */
/* Cgroups that end: a container's may be gone before its query is told, and its path with it. */
#ifndef UW_HOOK_CGROUP_BPF_H
#define UW_HOOK_CGROUP_BPF_H

#include "maps.bpf.h"

/* Where a path is read to: the kernel removes one cgroup at a time (cgroup_mutex). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct uw_cgroup_path);
} cgroup_ending SEC(".maps");

/* By id, the last that went. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u64);
	__type(value, struct uw_cgroup_path);
} cgroups_gone SEC(".maps");

static __always_inline int on_cgroup_rmdir(struct cgroup *cgroup, const char *path)
{
	struct uw_cgroup_path *room;
	__u64 id = cgroup->kn->id;
	__u32 zero = 0;

	/* The ids of cgroup v1's hierarchies are others'. */
	if (cgroup->root->hierarchy_id)
		return 0;
	room = bpf_map_lookup_elem(&cgroup_ending, &zero);
	if (!room)
		return 0;
	__builtin_memset(room, 0, sizeof(*room));
	if (bpf_probe_read_kernel_str(room->path, sizeof(room->path), path) > 0)
		bpf_map_update_elem(&cgroups_gone, &id, room, BPF_ANY);
	return 0;
}

#endif
