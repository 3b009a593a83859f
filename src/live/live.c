// SPDX-License-Identifier: GPL-2.0-only
#include "live/live.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <net/if.h>

#include "live/capability.h"
#include "live/capability_paths.h"
#include "live/losses.h"
#include "live/skeleton.h"
#include "live/verifier.h"
#include "udpwhy.skel.h"

#define NETFILTER_LINKS 12	/* six places, two families */
#define PRIORITY_TRIES 32	/* the kernel refuses two BPF programs at one priority: other tracers */

/* A namespace we are attached to. It is not held by us but for these links; see uw_netns.h. */
struct place {
	struct uw_netns ns;
	struct bpf_link *link[NETFILTER_LINKS];
	bool seen;
};

struct uw_live {
	struct udpwhy_bpf *skel;
	const struct uw_filters *filters;
	const struct uw_live_options *options;
	struct bpf_link *trace[UW_LIVE_HOOKS], *holdings;
	const char *hook[UW_LIVE_HOOKS];
	unsigned hooks;
	bool netfilter, reads, sends, partial;
	bool preemptible;		/* a program may be interrupted by another task, not by interrupts alone */
	uint32_t gaps;
	bool missed;			/* a namespace of the scope could not be attached to, or there are too many */
	struct place *place;
	unsigned places, room;
	uint32_t scope[UW_LIST_MAX], netns[UW_LIST_MAX];	/* named by the filters, 0: not there now */
	struct uw_netns *now;		/* the namespaces of the scope at the last look */
	unsigned now_count;
};

/* Hooks are found by their prototype in the kernel's BTF, not by the kernel's version. */
static bool has_helper(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, "bpf_func_id", BTF_KIND_ENUM);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

	for (unsigned i = 0; t && i < btf_vlen(t); i++) {
		if (!strcmp(btf__name_by_offset(btf, btf_enum(t)[i].name_off), name))
			return true;
	}
	return false;
}

static bool kernel_has(const struct btf *btf, const char *section)
{
	char name[96];

	if (!strcmp(section, "iter/task_file"))
		return btf__find_by_name_kind(btf, "bpf_iter__task_file", BTF_KIND_STRUCT) > 0 &&
		       has_helper(btf, "BPF_FUNC_sock_from_file");

	if (!strcmp(section, "socket"))
		return true;
	if (!strncmp(section, "cgroup/", 7) && strcmp(section, "cgroup/sock_release"))
		return has_helper(btf, "BPF_FUNC_get_retval");
	if (!strcmp(section, "cgroup/sock_release"))
		return btf__find_by_name_kind(btf, "bpf_cast_to_kern_ctx", BTF_KIND_FUNC) > 0;
	if (!strncmp(section, "netfilter", 9))
		return btf__find_by_name_kind(btf, "bpf_nf_ctx", BTF_KIND_STRUCT) > 0;
	snprintf(name, sizeof(name), "btf_trace_%s", section + strlen("tp_btf/"));
	return btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF) > 0;
}

static void choose_nft_trace(struct uw_live *l)
{
	if (l->options->nft_trace)
		return;
	bpf_program__set_autoload(l->skel->progs.uw_nft_message, false);
	bpf_map__set_max_entries(l->skel->maps.traced, 1);
	bpf_map__set_max_entries(l->skel->maps.trace_ids, 1);
	bpf_map__set_max_entries(l->skel->maps.rules, 1);
	bpf_map__set_max_entries(l->skel->maps.rule_sockets, 1);
}

static void choose_programs(struct uw_live *l, const struct btf *btf)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, l->skel->obj) {
		bool has = kernel_has(btf, bpf_program__section_name(p));

		bpf_program__set_autoload(p, has);
		l->partial |= !has;
	}
	l->netfilter = bpf_program__autoload(l->skel->progs.uw_nf_output);
	l->reads = bpf_program__autoload(l->skel->progs.uw_sk_data_ready) &&
		   bpf_program__autoload(l->skel->progs.uw_sock_recv_length);
	/* The kernels without those tell of a read by consume_skb; the others do not. */
	bpf_program__set_autoload(l->skel->progs.uw_consume_skb, !l->reads);
	/* Likewise of a send that failed, by the end of its system call. */
	l->sends = bpf_program__autoload(l->skel->progs.uw_sock_send_length);
	bpf_program__set_autoload(l->skel->progs.uw_sys_exit, !l->sends || l->options->refusals);
	choose_nft_trace(l);
	if (!l->options->evidence)
		bpf_map__set_max_entries(l->skel->maps.evidence, 1);
	if (!bpf_program__autoload(l->skel->progs.uw_netif_receive_skb) ||
	    !bpf_program__autoload(l->skel->progs.uw_kfree_skb))
		l->gaps |= UW_GAP_BIT(UW_GAP_OLD_KERNEL);
}

static void choose_sizes(struct uw_live *l)
{
	bpf_map__set_max_entries(l->skel->maps.served, UW_OPEN_SERVED);
	bpf_map__set_max_entries(l->skel->maps.passing, UW_OPEN_PASSING);
	bpf_map__set_max_entries(l->skel->maps.visitor_aliases, UW_OPEN_PASSING);
	bpf_map__set_max_entries(l->skel->maps.served_flows, UW_SERVED_FLOWS);
	bpf_map__set_max_entries(l->skel->maps.passing_flows, UW_PASSING_FLOWS);
}

static void fill_config(struct uw_live *l)
{
	struct uw_config *c = (struct uw_config *)&l->skel->rodata->uw_config;
	const struct uw_filters *f = l->filters;
	unsigned i;

	c->timeout_ns = l->options->timeout_ns;
	c->pid = f->process_pid;
	c->tool_pid = (uint32_t)getpid();
	c->protocol = (uint8_t)f->protocol;
	c->scope_all = !f->scope.count;
	c->netns_filter = f->netns.count > 0;
	c->all = l->options->all;
	c->nft_trace = l->options->nft_trace;
	c->evidence = l->options->evidence;
	c->have_output_hook = l->netfilter;
	c->have_read_hook = l->reads;
	c->have_send_hook = l->sends;
	c->refusals = l->options->refusals;
	c->server = f->server;
	c->client = f->client;
	/* A comm is the name cut to 15 bytes; the whole name is compared by user space again. */
	memcpy(c->comm, f->process, strnlen(f->process, sizeof(c->comm) - 1));
	memcpy(c->iface, f->iface, sizeof(c->iface));
	for (i = 0; i < f->port_count; i++) {
		((uint8_t *)l->skel->rodata->uw_port_protocol)[f->ports[i].port] = f->ports[i].protocol;
		((uint8_t *)l->skel->rodata->uw_port_set)[f->ports[i].port / 8] |= (uint8_t)(1 << f->ports[i].port % 8);
	}
}

static bool is_one_of(const uint32_t *list, unsigned count, uint32_t inum)
{
	for (unsigned i = 0; i < count; i++) {
		if (list[i] == inum)
			return true;
	}
	return false;
}

/*
 * The namespaces that the user named, as they are now: one that is made anew under its name takes the
 * place of the old. Returns the first error, with the rest done.
 */
static int follow_set(struct bpf_map *map, const struct uw_ns_list *list, uint32_t *inums, unsigned *failed)
{
	uint32_t before[UW_LIST_MAX];
	int first = 0, fd = bpf_map__fd(map);
	uint8_t one = 1;
	unsigned i;

	memcpy(before, inums, sizeof(before));
	for (i = 0; i < list->count; i++) {
		struct uw_netns ns = { 0 };
		int err = uw_netns_find(&list->item[i], &ns);

		inums[i] = err ? 0 : ns.inum;
		if (inums[i] && inums[i] != before[i] && bpf_map_update_elem(fd, &inums[i], &one, BPF_ANY))
			err = -errno;
		if (err && !first) {
			first = err;
			*failed = i;
		}
	}
	for (i = 0; i < list->count; i++) {
		if (before[i] && !is_one_of(inums, list->count, before[i]))
			bpf_map_delete_elem(fd, &before[i]);
	}
	return first;
}

static int fill_set(struct bpf_map *map, const struct uw_ns_list *list, uint32_t *inums, const char *option,
		    char *error)
{
	unsigned failed = 0;
	int err = follow_set(map, list, inums, &failed);

	if (err)
		snprintf(error, UW_ERROR_MAX, "%s %.200s: %s; give a name that 'ip netns' lists, a path such as /proc/PID/ns/net, or the PID of a process in it",
			 option, list->item[failed].text, err == -ENOENT ? "no such network namespace" :
			 err == -EINVAL ? "is no network namespace" : strerror(-err));
	return err;
}

static int attach_tracepoints(struct uw_live *l, char *error)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, l->skel->obj) {
		const char *section = bpf_program__section_name(p);
		struct bpf_link *link;

		if (!bpf_program__autoload(p) || strncmp(section, "tp_btf/", 7) || l->hooks == UW_LIVE_HOOKS)
			continue;
		link = bpf_program__attach(p);
		if (!link) {
			int err = -errno;

			snprintf(error, UW_ERROR_MAX, "cannot attach to the tracepoint %s: %s; 'udpwhy doctor' shows what this kernel allows",
				 section + 7, strerror(-err));
			return err;
		}
		l->trace[l->hooks] = link;
		l->hook[l->hooks++] = section + 7;
	}
	return 0;
}
/*
 * At the root of cgroup v2: sockets of all cgroups. Without it a socket's close and what a cgroup's
 * programs refuse to send are not seen.
 */
static void attach_cgroup(struct uw_live *l)
{
	char mount[PATH_MAX];
	struct bpf_program *p;
	int cgroup;

	if (uw_cgroup2_mount(UW_PATH_MOUNTS, mount, sizeof(mount)))
		return;
	cgroup = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup < 0)
		return;
	bpf_object__for_each_program(p, l->skel->obj) {
		const char *section = bpf_program__section_name(p);

		if (!bpf_program__autoload(p) || strncmp(section, "cgroup/", 7) || l->hooks == UW_LIVE_HOOKS)
			continue;
		l->trace[l->hooks] = bpf_program__attach_cgroup(p, cgroup);
		if (l->trace[l->hooks])
			l->hook[l->hooks++] = section;
	}
	close(cgroup);
}

/* First of all in its hook, or last; another tracer may have taken that place, then the next. */
static struct bpf_link *attach_netfilter(const struct bpf_program *p, uint32_t family, uint32_t hook, bool last)
{
	LIBBPF_OPTS(bpf_netfilter_opts, opts, .pf = family, .hooknum = hook);
	int i;

	for (i = 1; i <= PRIORITY_TRIES; i++) {
		struct bpf_link *link;

		opts.priority = last ? INT_MAX - i : INT_MIN + i;
		link = bpf_program__attach_netfilter(p, &opts);
		if (link || (errno != EBUSY && errno != EEXIST))
			return link;
	}
	return NULL;
}

/* Tells the programs whether every send of a namespace passes our output hook. */
static void mark_hooked(struct uw_live *l, uint32_t inum, bool is)
{
	int fd = bpf_map__fd(l->skel->maps.hooked);
	uint8_t one = 1;

	if (is)
		bpf_map_update_elem(fd, &inum, &one, BPF_ANY);
	else
		bpf_map_delete_elem(fd, &inum);
}

struct attach {
	struct uw_live *live;
	struct place *place;
};

/* In the namespace. */
static int attach_links(void *arg)
{
	const struct attach *a = arg;
	const struct uw_live *l = a->live;
	const struct {
		struct bpf_program *program;
		uint32_t hook;
		bool last;
	} at[] = {
		{ l->skel->progs.uw_nf_output, NF_INET_LOCAL_OUT, false },
		{ l->skel->progs.uw_nf_passing, NF_INET_POST_ROUTING, false },
		{ l->skel->progs.uw_nf_passing, NF_INET_PRE_ROUTING, false },
		{ l->skel->progs.uw_nf_passing, NF_INET_FORWARD, false },
		{ l->skel->progs.uw_nf_passing, NF_INET_LOCAL_IN, false },
		{ l->skel->progs.uw_nf_delivery, NF_INET_LOCAL_IN, true },
	};
	int i;

	for (i = 0; i < NETFILTER_LINKS; i++) {
		struct bpf_link *link = attach_netfilter(at[i / 2].program, i % 2 ? NFPROTO_IPV6 : NFPROTO_IPV4,
							 at[i / 2].hook, at[i / 2].last);

		if (!link)
			return -errno;
		a->place->link[i] = link;
	}
	return 0;
}

static int attach_place(struct uw_live *l, struct place *p)
{
	struct attach a = { .live = l, .place = p };
	int err = uw_netns_visit(&p->ns, attach_links, &a);

	if (!err)
		mark_hooked(l, p->ns.inum, true);
	return err;
}

static void detach_place(struct uw_live *l, struct place *p)
{
	unsigned i;

	if (l->skel)
		mark_hooked(l, p->ns.inum, false);
	for (i = 0; i < NETFILTER_LINKS; i++)
		bpf_link__destroy(p->link[i]);
}

static struct place *find_place(struct uw_live *l, uint32_t inum)
{
	unsigned i;

	for (i = 0; i < l->places; i++) {
		if (l->place[i].ns.inum == inum)
			return &l->place[i];
	}
	return NULL;
}

static struct place *add_place(struct uw_live *l, const struct uw_netns *ns)
{
	if (l->places == l->room) {
		unsigned room = l->room ? 2 * l->room : 16;
		struct place *more = realloc(l->place, room * sizeof(*more));

		if (!more)
			return NULL;
		l->place = more;
		l->room = room;
	}
	memset(&l->place[l->places], 0, sizeof(*l->place));
	l->place[l->places].ns = *ns;
	return &l->place[l->places++];
}

/* The namespaces of the scope that exist now. */
static void look_for_namespaces(struct uw_live *l)
{
	const struct uw_ns_list *scope = &l->filters->scope;
	unsigned i;

	if (!scope->count) {
		l->now_count = uw_netns_scan(l->now);
		return;
	}
	l->now_count = 0;
	for (i = 0; i < scope->count; i++) {
		if (!uw_netns_find(&scope->item[i], &l->now[l->now_count]))
			l->now_count++;
	}
}

/* Returns false if a namespace that exists could not be attached to: it is tried again at the next look. */
static bool follow_place(struct uw_live *l, const struct uw_netns *ns)
{
	struct place *p = find_place(l, ns->inum);
	int err = 0;

	if (!p) {
		p = add_place(l, ns);
		err = p ? attach_place(l, p) : -ENOMEM;
	}
	if (p)
		p->seen = !err;
	return !err || err == -ENOENT;
}

unsigned uw_live_follow_namespaces(struct uw_live *l)
{
	unsigned i;

	follow_set(l->skel->maps.scope, &l->filters->scope, l->scope, &i);
	follow_set(l->skel->maps.netns_filter, &l->filters->netns, l->netns, &i);
	look_for_namespaces(l);
	l->missed = l->now_count == UW_NETNS_SCAN_MAX;
	if (!l->netfilter)
		return 0;
	for (i = 0; i < l->places; i++)
		l->place[i].seen = false;
	for (i = 0; i < l->now_count; i++)
		l->missed |= !follow_place(l, &l->now[i]);
	for (i = l->places; i-- > 0;) {
		if (l->place[i].seen)
			continue;
		detach_place(l, &l->place[i]);
		l->place[i] = l->place[--l->places];
	}
	return l->places;
}

static int iface_index(void *arg)
{
	return (int)if_nametoindex(arg);
}

/* Whether any namespace of the scope has the device that the user named. */
static bool iface_exists(const struct uw_live *l)
{
	char name[UW_IFNAME];
	unsigned i;

	memcpy(name, l->filters->iface, sizeof(name));
	for (i = 0; i < l->now_count; i++) {
		if (uw_netns_visit(&l->now[i], iface_index, name) > 0)
			return true;
	}
	return false;
}

static int load(struct uw_live *l, char *error)
{
	struct btf *btf;
	int err;

	btf = btf__load_vmlinux_btf();
	/* Since 7.0 (tracepoints under SRCU), which have this for sure: there misses are rare (compat.bpf.h). */
	l->preemptible = btf && btf__find_by_name_kind(btf, "bpf_local_irq_save", BTF_KIND_FUNC) > 0;
	l->skel = btf ? uw_skeleton_open() : NULL;
	if (!l->skel) {
		err = errno ? -errno : -ENOMEM;
		btf__free(btf);
		uw_capability_explain_load_failure(err, error, UW_ERROR_MAX);
		return err;
	}
	choose_programs(l, btf);
	btf__free(btf);
	choose_sizes(l);
	fill_config(l);
	err = udpwhy_bpf__load(l->skel);
	if (err)
		uw_capability_explain_load_failure(err, error, UW_ERROR_MAX);
	return err;
}

int uw_live_open(const struct uw_filters *filters, const struct uw_live_options *options,
		 struct uw_live **out, char error[UW_ERROR_MAX])
{
	struct uw_live *l = calloc(1, sizeof(*l));
	int err = -ENOMEM;

	snprintf(error, UW_ERROR_MAX, "out of memory");
	if (l)
		l->now = calloc(UW_NETNS_SCAN_MAX, sizeof(*l->now));
	if (!l || !l->now)
		goto fail;
	uw_verifier_listen();
	l->filters = filters;
	l->options = options;
	err = load(l, error);
	if (!err)
		err = fill_set(l->skel->maps.scope, &filters->scope, l->scope, "--scope", error);
	if (!err)
		err = fill_set(l->skel->maps.netns_filter, &filters->netns, l->netns, "--netns", error);
	if (!err)
		err = attach_tracepoints(l, error);
	if (err)
		goto fail;
	attach_cgroup(l);
	if (bpf_program__autoload(l->skel->progs.uw_task_file))
		l->holdings = bpf_program__attach_iter(l->skel->progs.uw_task_file, NULL);
	uw_live_follow_namespaces(l);
	if (filters->iface[0] && !iface_exists(l)) {
		snprintf(error, UW_ERROR_MAX, "--iface %.15s: no such network interface in the scope; 'ip link' lists them",
			 filters->iface);
		err = -ENODEV;
		goto fail;
	}
	*out = l;
	return 0;
fail:
	uw_live_close(l);
	return err;
}

void uw_live_close(struct uw_live *l)
{
	unsigned i;

	if (!l)
		return;
	for (i = 0; i < l->hooks; i++)
		bpf_link__destroy(l->trace[i]);
	bpf_link__destroy(l->holdings);
	for (i = 0; i < l->places; i++)
		detach_place(l, &l->place[i]);
	udpwhy_bpf__destroy(l->skel);
	free(l->place);
	free(l->now);
	free(l);
}

void uw_live_visitors(const struct uw_live *l, uint64_t from_ns, const int64_t room[UW_QUOTAS])
{
	struct uw_visiting v = { .from_ns = from_ns };
	uint32_t zero = 0;

	for (unsigned i = 0; i < UW_QUOTAS; i++)
		v.room[i] = room[i];
	bpf_map_update_elem(bpf_map__fd(l->skel->maps.visiting), &zero, &v, BPF_ANY);
}

void uw_live_send_told(const struct uw_live *l)
{
	__atomic_fetch_sub(&l->skel->bss->sends_noted, 1, __ATOMIC_RELAXED);
}

const struct uw_netns *uw_live_namespaces(const struct uw_live *l, unsigned *count)
{
	*count = l->now_count;
	return l->now;
}

int uw_live_stats(const struct uw_live *l, uint64_t total[UW_STATS])
{
	int cpus = libbpf_num_possible_cpus(), fd = bpf_map__fd(l->skel->maps.stats), cpu, err = 0;
	uint64_t *value;
	uint32_t i;

	if (cpus <= 0)
		return cpus ? cpus : -EINVAL;
	value = calloc((size_t)cpus, sizeof(*value));
	if (!value)
		return -ENOMEM;
	for (i = 0; i < UW_STATS && !err; i++) {
		err = bpf_map_lookup_elem(fd, &i, value) ? -errno : 0;
		total[i] = 0;
		for (cpu = 0; cpu < cpus && !err; cpu++)
			total[i] += value[cpu];
	}
	free(value);
	return err;
}

static uint64_t recursion_misses(const struct uw_live *l, bool all)
{
	struct bpf_program *p;
	uint64_t sum = 0;

	bpf_object__for_each_program(p, l->skel->obj) {
		struct bpf_prog_info info = {};
		uint32_t len = sizeof(info);

		if (bpf_program__fd(p) >= 0 && (all || uw_miss_matters(bpf_program__name(p), l->preemptible)) &&
		    !bpf_prog_get_info_by_fd(bpf_program__fd(p), &info, &len))
			sum += info.recursion_misses;
	}
	return sum;
}

uint64_t uw_live_recursion_misses(const struct uw_live *l)
{
	return recursion_misses(l, true);
}

uint64_t uw_live_recursion_losses(const struct uw_live *l)
{
	return recursion_misses(l, false);
}

uint32_t uw_live_gaps(const struct uw_live *l)
{
	return l->gaps | (l->missed ? UW_GAP_BIT(UW_GAP_NAMESPACE_NOT_TRACED) : 0);
}

uint32_t uw_live_run_gaps(const struct uw_live *l)
{
	return l->gaps | (l->partial ? UW_GAP_BIT(UW_GAP_OLD_KERNEL) : 0);
}

bool uw_live_reads_seen(const struct uw_live *l)
{
	return l->reads;
}

unsigned uw_live_hooks(const struct uw_live *l, const char **names, unsigned max)
{
	static const char *const netfilter[] = {
		"netfilter/output", "netfilter/postrouting", "netfilter/prerouting", "netfilter/forward",
		"netfilter/input",
	};
	unsigned i, n = 0;

	for (i = 0; i < l->hooks && n < max; i++)
		names[n++] = l->hook[i];
	for (i = 0; i < sizeof(netfilter) / sizeof(netfilter[0]) && l->places && n < max; i++)
		names[n++] = netfilter[i];
	return n;
}

bool uw_live_wants_netns(const struct uw_live *l, uint32_t inum)
{
	return !l->filters->netns.count || is_one_of(l->netns, l->filters->netns.count, inum);
}

bool uw_live_filtered(const struct uw_live *l)
{
	const struct uw_filters *f = l->filters;

	return f->process[0] || f->process_pid || f->iface[0] || f->netns.count || f->server.family ||
	       f->client.family || f->protocol;
}

struct uw_live_fds uw_live_fds(const struct uw_live *l)
{
	return (struct uw_live_fds){
		.aliases = bpf_map__fd(l->skel->maps.aliases), .earlier = bpf_map__fd(l->skel->maps.earlier),
		.visitor_aliases = bpf_map__fd(l->skel->maps.visitor_aliases),
		.tables = {
			[UW_QUOTA_CLIENT] = bpf_map__fd(l->skel->maps.queries),
			[UW_QUOTA_SERVER] = bpf_map__fd(l->skel->maps.served),
			[UW_QUOTA_FORWARDER] = bpf_map__fd(l->skel->maps.passing),
		},
		.flows = {
			[UW_QUOTA_CLIENT] = bpf_map__fd(l->skel->maps.flows),
			[UW_QUOTA_SERVER] = bpf_map__fd(l->skel->maps.served_flows),
			[UW_QUOTA_FORWARDER] = bpf_map__fd(l->skel->maps.passing_flows),
		},
		.here = bpf_map__fd(l->skel->maps.here),
		.floods = bpf_map__fd(l->skel->maps.floods),
		.sends = bpf_map__fd(l->skel->maps.sends),
		.askers = bpf_map__fd(l->skel->maps.askers),
		.queues = bpf_map__fd(l->skel->maps.queues),
		.cgroups_gone = bpf_map__fd(l->skel->maps.cgroups_gone),
		.evidence = bpf_map__fd(l->skel->maps.evidence),
		.ring = bpf_map__fd(l->skel->maps.ring),
		.carriers = bpf_map__fd(l->skel->maps.carriers),
		.carried_ports = bpf_map__fd(l->skel->maps.carried_ports),
		.holdings = l->holdings ? bpf_link__fd(l->holdings) : -1,
		.rules = bpf_map__fd(l->skel->maps.rules),
		.rule_sockets = bpf_map__fd(l->skel->maps.rule_sockets),
		.nft_filter = bpf_program__fd(l->skel->progs.uw_nft_message),
		.closed = bpf_map__fd(l->skel->maps.closed),
		.answers = bpf_map__fd(l->skel->maps.answers),
		.tunnel_seconds = bpf_map__fd(l->skel->maps.tunnel_seconds),
	};
}
