// SPDX-License-Identifier: GPL-2.0-only
#include "live/skeleton.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "config.h"
#include "udpwhy.skel.h"
#include "udpwhy_plain.skel.h"

_Static_assert(offsetof(struct udpwhy_bpf__bss, sends_noted) == offsetof(struct udpwhy_plain_bpf__bss, sends_noted),
	       "what user space writes to is at one place in both builds");

/* An atomic addition that tells the value before it (5.12), tried. */
static bool atomics_fetch(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 },
		{ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 10, .src_reg = 0, .off = -8 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = 10, .src_reg = 0, .off = -8,
		  .imm = BPF_ADD | BPF_FETCH },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "uw_atomics", "GPL", insns,
			       sizeof(insns) / sizeof(insns[0]), NULL);

	if (fd < 0)
		return errno != EINVAL; /* refused for another reason: the load proper tells which */
	close(fd);
	return true;
}

struct udpwhy_bpf *uw_skeleton_open(void)
{
	struct udpwhy_bpf *skel = calloc(1, sizeof(*skel));
	int err = skel ? udpwhy_bpf__create_skeleton(skel) : -ENOMEM;

	/* One source: what the skeleton names is in both, which opening it makes sure of. */
	if (!err && (!atomics_fetch() ||
		     libbpf_probe_bpf_helper(BPF_PROG_TYPE_SOCKET_FILTER, BPF_FUNC_loop, NULL) == 0))
		skel->skeleton->data = udpwhy_plain_bpf__elf_bytes(&skel->skeleton->data_sz);
	if (!err)
		err = bpf_object__open_skeleton(skel->skeleton, NULL);
	if (err) {
		udpwhy_bpf__destroy(skel);
		errno = -err;
		return NULL;
	}
	return skel;
}
