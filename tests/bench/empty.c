// SPDX-License-Identifier: GPL-2.0-only
/*
 * empty OBJECT CGROUP NETNS...
 *
 * Attaches the programs of empty.bpf.c: to their tracepoints, to a cgroup, and in network namespaces. Says
 * "attached" and keeps them until its standard input ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static const struct {
	const char *program;
	__u32 hook;
	int priority;
} filters[] = {
	{ "uw_nf_output", NF_INET_LOCAL_OUT, INT_MIN + 100 },
	{ "uw_nf_passing", NF_INET_POST_ROUTING, INT_MIN + 100 },
	{ "uw_nf_passing", NF_INET_PRE_ROUTING, INT_MIN + 100 },
	{ "uw_nf_passing", NF_INET_FORWARD, INT_MIN + 100 },
	{ "uw_nf_passing", NF_INET_LOCAL_IN, INT_MIN + 100 },
	{ "uw_nf_delivery", NF_INET_LOCAL_IN, INT_MAX - 100 },
};

static int attach_here(struct bpf_object *object)
{
	for (size_t i = 0; i < 2 * sizeof(filters) / sizeof(filters[0]); i++) {
		LIBBPF_OPTS(bpf_netfilter_opts, opts, .pf = i % 2 ? NFPROTO_IPV6 : NFPROTO_IPV4,
			    .hooknum = filters[i / 2].hook, .priority = filters[i / 2].priority);

		if (!bpf_program__attach_netfilter(bpf_object__find_program_by_name(object, filters[i / 2].program),
						   &opts))
			return -1;
	}
	return 0;
}

static int attach_in(struct bpf_object *object, const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);

	return fd < 0 || setns(fd, CLONE_NEWNET) ? -1 : attach_here(object);
}

static int attach(struct bpf_object *object, int cgroup)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, object) {
		const char *section = bpf_program__section_name(p);
		struct bpf_link *link = NULL;

		if (!strcmp(section, "netfilter"))
			continue;
		link = strncmp(section, "cgroup/", 7) ? bpf_program__attach(p) : bpf_program__attach_cgroup(p, cgroup);
		if (!link) {
			fprintf(stderr, "empty: %s: %s\n", section, strerror(errno));
			return -1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct bpf_object *object = argc > 2 ? bpf_object__open_file(argv[1], NULL) : NULL;
	int cgroup = object ? open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int i;
	char end;

	if (cgroup < 0 || bpf_object__load(object) || attach(object, cgroup))
		return 1;
	for (i = 3; i < argc; i++) {
		if (attach_in(object, argv[i])) {
			fprintf(stderr, "empty: %s: %s\n", argv[i], strerror(errno));
			return 1;
		}
	}
	puts("attached");
	fflush(stdout);
	return read(STDIN_FILENO, &end, 1) < 0;
}
