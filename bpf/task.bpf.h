/* SPDX-License-Identifier: GPL-2.0-only */
/* Who asks. */
#ifndef UW_TASK_BPF_H
#define UW_TASK_BPF_H

#include "maps.bpf.h"

static __always_inline void task_fill(struct uw_task *t, struct task_struct *task)
{
	/* netfilter programs may not call the helpers for these (the first ones since 6.10) */
	t->pid = uw_read(task, struct task_struct, tgid);
	t->tid = uw_read(task, struct task_struct, pid);
	t->uid = uw_read(task, struct task_struct, cred, uid.val);
	/* The task's, not its socket's: that one is of whoever made the socket. */
	t->cgroup = uw_read(task, struct task_struct, cgroups, dfl_cgrp, kn, id);
	t->started_ns = uw_read(task, struct task_struct, group_leader, start_boottime);
	/* The process may be gone when user space comes to look. */
	bpf_probe_read_kernel_str(t->exe, sizeof(t->exe),
				  uw_read(task, struct task_struct, mm, exe_file, f_path.dentry, d_name.name));
	/* A thread's own name says less than its process's. */
	BPF_CORE_READ_INTO(&t->comm, task, group_leader, comm);
}

static __always_inline void task_current(struct uw_task *t)
{
	task_fill(t, (struct task_struct *)bpf_get_current_task());
}

/*
 * Who sends, at a socket's way out, which a program's socket takes only in a system call of its own. A
 * kernel's socket (no file: a tunnel, a network file system) sends in whatever task it finds itself.
 */
static __always_inline void task_sending(struct uw_task *t, const struct sock *sk)
{
	if (uw_read(sk, struct sock, sk_socket, file))
		task_current(t);
}

/* A process that asks is remembered, so that its end is told to its open queries. */
static __always_inline void asker_note(__u32 pid)
{
	__u64 *ended = bpf_map_lookup_elem(&askers, &pid), zero = 0;

	if (!ended)
		bpf_map_update_elem(&askers, &pid, &zero, BPF_ANY);
	else if (*ended)
		*ended = 0;
}

#endif
