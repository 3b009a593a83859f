// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE 1 /* unshare */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live/capability.h"
#include "live/capability_paths.h"
#include "live/ksym.h"
#include "live/nft_library.h"
#include "rule.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The kernel's ABI since 6.4 (enum bpf_prog_type, bpf_attach_type); headers may be older. */
#define PROG_TYPE_NETFILTER ((enum bpf_prog_type)32)
#define ATTACH_NETFILTER ((enum bpf_attach_type)45)

struct probing {
	const struct uw_capability_paths *paths;
	struct btf *btf;	/* NULL if there is none */
	char *detail;
	size_t size;
};

/* Each probe returns 0 if the thing works, else -errno; the detail may say more. */
struct row {
	const char *name;
	int (*probe)(const struct probing *p, const struct row *row);
	const char *tracepoint;
	unsigned args;		/* the tracepoint must have so many, and the last can be read */
	bool essential;
	const char *loss, *remedy;
	const char *weakens;	/* "record": some queries have none */
};

#define MOV(reg, value) { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (reg), .imm = (value) }
#define MOV_REG(to, from) \
	{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from) }
#define ADD(reg, value) { .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = (reg), .imm = (value) }
#define LOAD64(to, from, offset) \
	{ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = (to), .src_reg = (from), .off = (offset) }
#define CALL_KFUNC(id) \
	{ .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_KFUNC_CALL, .imm = (id) }
#define CALL_HELPER(id) { .code = BPF_JMP | BPF_CALL, .imm = (id) }
#define EXIT() { .code = BPF_JMP | BPF_EXIT }

static int say(const struct probing *p, int err, const char *what)
{
	snprintf(p->detail, p->size, "%s", what);
	return err;
}

static int load(enum bpf_prog_type type, const struct bpf_insn *insns, size_t count,
		struct bpf_prog_load_opts *opts)
{
	int fd = bpf_prog_load(type, "uw_doctor", "GPL", insns, count, opts);

	return fd < 0 ? -errno : fd;
}

static int probe_privileges(const struct probing *p, const struct row *row)
{
	struct uw_privileges have;
	int err = uw_privileges_read(uw_path_or(p->paths->status, UW_PATH_STATUS), &have);

	(void)row;
	if (err)
		return err;
	if (have.bpf && have.perfmon && have.net_admin)
		return 0;
	return say(p, -EPERM, have.root ? "root with too few capabilities" : "not root");
}

static int probe_btf(const struct probing *p, const struct row *row)
{
	(void)row;
	return p->btf ? 0 : -ENOENT;
}

static int probe_lockdown(const struct probing *p, const struct row *row)
{
	(void)row;
	if (uw_lockdown_read(uw_path_or(p->paths->lockdown, UW_PATH_LOCKDOWN)) !=
	    UW_LOCKDOWN_CONFIDENTIALITY)
		return 0;
	return say(p, -EPERM, "lockdown is at confidentiality");
}

static int probe_load(const struct probing *p, const struct row *row)
{
	const struct bpf_insn insns[] = { MOV(0, 0), EXIT() };
	int fd = load(BPF_PROG_TYPE_TRACEPOINT, insns, COUNT(insns), NULL);

	(void)p;
	(void)row;
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int probe_ring(const struct probing *p, const struct row *row)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "uw_doctor", 0, 0,
				(uint32_t)sysconf(_SC_PAGESIZE), NULL);

	(void)p;
	(void)row;
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* The type of a tracepoint's probe: typedef btf_trace_X, pointer, function; its id or -ENOENT. */
static int find_tracepoint(const struct btf *btf, const char *name, unsigned *args)
{
	const struct btf_type *t;
	char type[64];
	int id;

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	id = btf ? btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) : -ENOENT;
	if (id < 0)
		return -ENOENT;
	t = btf__type_by_id(btf, btf__type_by_id(btf, (unsigned)id)->type);
	t = t && btf_is_ptr(t) ? btf__type_by_id(btf, t->type) : NULL;
	if (!t || !btf_is_func_proto(t) || btf_vlen(t) == 0)
		return -ENOENT;
	*args = btf_vlen(t) - 1;	/* the first is the probe's own data */
	return id;
}

/* Attached for a moment, doing nothing: the only proof that counts. */
static int attach_tracepoint(int id, const struct bpf_insn *insns, size_t count)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_RAW_TP,
		    .attach_btf_id = (uint32_t)id);
	int prog = load(BPF_PROG_TYPE_TRACING, insns, count, &opts), link;

	if (prog < 0)
		return prog;
	link = bpf_raw_tracepoint_open(NULL, prog);
	if (link < 0)
		link = -errno;
	else
		close(link);
	close(prog);
	return link < 0 ? link : 0;
}

static int probe_tracepoint(const struct probing *p, const struct row *row)
{
	unsigned args = 0;
	int id = find_tracepoint(p->btf, row->tracepoint, &args);
	const struct bpf_insn plain[] = { MOV(0, 0), EXIT() };
	const struct bpf_insn reading[] = {
		LOAD64(2, 1, (short)(8 * (row->args ? row->args - 1 : 0))), MOV(0, 0), EXIT(),
	};

	if (id < 0)
		return say(p, id, "this kernel has no such tracepoint");
	if (args < row->args)
		return say(p, -ENOENT, "the tracepoint has too few arguments");
	if (!row->args)
		return attach_tracepoint(id, plain, COUNT(plain));
	return attach_tracepoint(id, reading, COUNT(reading));
}

static int find_function(const struct btf *btf, const char *name)
{
	return btf ? btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) : -ENOENT;
}

static int probe_dynptr(const struct probing *p, const struct row *row)
{
	int kfunc = find_function(p->btf, "bpf_dynptr_from_skb");
	const struct bpf_insn insns[] = {
		LOAD64(1, 1, 0), MOV(2, 0), MOV_REG(3, 10), ADD(3, -16), CALL_KFUNC(kfunc),
		MOV(0, 0), EXIT(),
	};
	unsigned args;
	int id = find_tracepoint(p->btf, row->tracepoint, &args);

	if (kfunc <= 0 || id < 0)
		return say(p, -ENOENT, "this kernel has no bpf_dynptr_from_skb()");
	return attach_tracepoint(id, insns, COUNT(insns));
}

static int attach_netfilter(int prog)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .netfilter.pf = 2 /* NFPROTO_IPV4 */,
		    .netfilter.hooknum = 1 /* NF_INET_LOCAL_IN */,
		    .netfilter.priority = INT_MAX - 1);

	return bpf_link_create(prog, 0, ATTACH_NETFILTER, &opts) < 0 ? errno : 0;
}

/* In a child with a network namespace of its own: nothing of the host is touched. */
static int try_apart(int (*try)(int arg), int arg)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(unshare(CLONE_NEWNET) ? errno : try(arg));
	if (child < 0)
		return -errno;
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

static int probe_netfilter(const struct probing *p, const struct row *row)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = ATTACH_NETFILTER);
	const struct bpf_insn insns[] = { MOV(0, 1 /* NF_ACCEPT */), EXIT() };
	int prog = load(PROG_TYPE_NETFILTER, insns, COUNT(insns), &opts), err;

	(void)p;
	(void)row;
	if (prog < 0)
		return prog;
	err = try_apart(attach_netfilter, prog);
	close(prog);
	return err;
}

static int make_owned_table(int arg)
{
	struct uw_nft *n = uw_nft_new();

	(void)arg;
	if (!n)
		return ENOENT;
	return uw_nft_run(n, "add table inet " UW_OWN_TABLE "probe { flags owner; }\n") ? 0 : EOPNOTSUPP;
}

static int probe_nft_trace(const struct probing *p, const struct row *row)
{
	int err = try_apart(make_owned_table, 0);

	(void)row;
	if (err == -ENOENT)
		return say(p, err, "there is no libnftables.so.1");
	return err == -EOPNOTSUPP ? say(p, err, "nftables takes no table with 'flags owner'") : err;
}

/*
 * The kernel's list of drop reasons, by two of the later ones that UDP meets. A reason may be given at
 * more places than it was at first (UDP_CSUM on reading), which no type tells: the list stands for it.
 */
static int probe_reasons(const struct probing *p, const struct row *row)
{
	static const char *const late[] = { "FRAG_REASM_TIMEOUT", "PFMEMALLOC" };
	int id = p->btf ? btf__find_by_name_kind(p->btf, "skb_drop_reason", BTF_KIND_ENUM) : -ENOENT;
	const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(p->btf, (unsigned)id);
	unsigned found = 0;

	(void)row;
	for (unsigned i = 0; t && i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(p->btf, btf_enum(t)[i].name_off);

		for (unsigned j = 0; j < COUNT(late); j++)
			found += name && !strncmp(name, "SKB_DROP_REASON_", 16) && !strcmp(name + 16, late[j]);
	}
	return found == COUNT(late) ? 0 : say(p, -ENOENT, "this kernel's list of drop reasons is shorter");
}

/* Modules' types: those of nf_conntrack lead a translated packet back to its query. */
static int probe_module_types(const struct probing *p, const struct row *row)
{
	const struct dirent *d;
	bool found = false;
	DIR *dir;

	(void)row;
	if (p->btf && btf__find_by_name_kind(p->btf, "nf_conn", BTF_KIND_STRUCT) > 0)
		return 0;
	dir = opendir(uw_path_or(p->paths->types, UW_PATH_TYPES));
	while (dir && (d = readdir(dir)))
		found |= d->d_name[0] != '.' && strcmp(d->d_name, "vmlinux");
	if (dir)
		closedir(dir);
	return found ? 0 : say(p, -ENOENT, "no module has types");
}

static int probe_kallsyms(const struct probing *p, const struct row *row)
{
	struct uw_ksyms *k;
	int err = uw_ksyms_load_from(&k, uw_path_or(p->paths->kallsyms, UW_PATH_KALLSYMS),
				     uw_path_or(p->paths->modules, UW_PATH_MODULES));

	(void)row;
	if (err == -EPERM)
		return say(p, err, "the kernel hides its addresses");
	if (!err)
		uw_ksyms_free(k);
	return err;
}

/* At the root of cgroup v2, for a moment, changing nothing. */
static int attach_cgroup(const struct probing *p, enum bpf_prog_type type, enum bpf_attach_type at,
			 const struct bpf_insn *insns, size_t count)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = at);
	char mount[PATH_MAX];
	int cgroup, prog, link = -1;

	if (uw_cgroup2_mount(uw_path_or(p->paths->mounts, UW_PATH_MOUNTS), mount, sizeof(mount)))
		return say(p, -ENOENT, "cgroup v2 is not mounted");
	cgroup = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup < 0)
		return -errno;
	prog = load(type, insns, count, &opts);
	if (prog >= 0) {
		link = bpf_link_create(prog, cgroup, at, NULL);
		link = link < 0 ? -errno : link;
		close(prog);
	}
	close(cgroup);
	if (link >= 0)
		close(link);
	return prog < 0 ? prog : link < 0 ? link : 0;
}

static int probe_release(const struct probing *p, const struct row *row)
{
	const struct bpf_insn insns[] = { MOV(0, 1), EXIT() };

	(void)row;
	if (find_function(p->btf, "bpf_cast_to_kern_ctx") <= 0)
		return say(p, -ENOENT, "this kernel has no bpf_cast_to_kern_ctx()");
	return attach_cgroup(p, BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE, insns, COUNT(insns));
}

/* The programs that ran before, and what they said: bpf_get_retval(). */
static int probe_refusals(const struct probing *p, const struct row *row)
{
	const struct bpf_insn insns[] = { CALL_HELPER(BPF_FUNC_get_retval), MOV(0, 1), EXIT() };

	(void)row;
	return attach_cgroup(p, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG, insns, COUNT(insns));
}

#define REMEDY_6_3 "a kernel with this tracepoint (mainline since 6.3)"
#define REMEDY_TRACEPOINT "a kernel with tracepoints (CONFIG_TRACEPOINTS=y, CONFIG_BPF_EVENTS=y)"

static const struct row rows[] = {
	{ "privileges", probe_privileges, NULL, 0, true,
	  "nothing can be traced, there are no verdicts",
	  "run it as root (sudo), or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN",
	  "" },
	{ "btf", probe_btf, NULL, 0, true,
	  "nothing can be traced, there are no verdicts",
	  "a kernel built with CONFIG_DEBUG_INFO_BTF=y",
	  "" },
	{ "lockdown", probe_lockdown, NULL, 0, true,
	  "nothing can be traced, there are no verdicts",
	  "boot with lockdown=integrity instead of confidentiality",
	  "" },
	{ "bpf", probe_load, NULL, 0, true,
	  "nothing can be traced, there are no verdicts",
	  "a kernel with CONFIG_BPF_SYSCALL=y; in a container, a profile that allows bpf()",
	  "" },
	{ "ring_buffer", probe_ring, NULL, 0, true,
	  "no record gets to user space, there are no verdicts",
	  "a kernel with BPF ring buffers (mainline since 5.8)",
	  "" },
	{ "kfree_skb", probe_tracepoint, "kfree_skb", 2, true,
	  "request_dropped and reply_dropped cannot be told from no_reply", REMEDY_TRACEPOINT,
	  "" },
	{ "kfree_skb_reason", probe_tracepoint, "kfree_skb", 3, false,
	  "request_dropped and reply_dropped name no reason, and a reply that UDP dropped has the fault unknown: "
	  "its socket may have been closed, then it is answered_late",
	  "a kernel whose kfree_skb tracepoint has a reason (mainline since 5.17)",
	  "drop.reason drop.engine verdict fault stage" },
	{ "drop_reasons", probe_reasons, NULL, 0, false,
	  "some drops have the reason NOT_SPECIFIED or a coarser one: fragments that waited in vain, a "
	  "checksum found wrong on reading",
	  "a kernel with a longer list of drop reasons (6.18 has it)",
	  "drop.reason" },
	{ "kfree_skb_receiver", probe_tracepoint, "kfree_skb", 4, false,
	  "reply_dropped and request_dropped lack the socket's buffer sizes, and whose filter dropped (the "
	  "socket's own or its cgroup's)",
	  "a kernel whose kfree_skb tracepoint has the receiving socket (mainline since 6.11)",
	  "socket.rcvbuf socket.rmem drop.engine" },
	{ "net_dev_queue", probe_tracepoint, "net_dev_queue", 0, false,
	  "request_held cannot tell neighbour from qdisc", REMEDY_TRACEPOINT,
	  "stage" },
	{ "net_dev_start_xmit", probe_tracepoint, "net_dev_start_xmit", 0, true,
	  "no_reply cannot be told from request_held and request_dropped, nor served and forwarded from "
	  "not_served and no_reply: what left is not known",
	  REMEDY_TRACEPOINT,
	  "" },
	{ "net_dev_xmit", probe_tracepoint, "net_dev_xmit", 0, false,
	  "a request that a driver refused is taken for no_reply", REMEDY_TRACEPOINT,
	  "verdict fault stage drop.reason" },
	{ "netif_receive_skb", probe_tracepoint, "netif_receive_skb", 0, true,
	  "reply_dropped and reply_unread cannot be told from no_reply: what came in is not known, and so "
	  "nothing in the roles server and forwarder",
	  REMEDY_TRACEPOINT,
	  "" },
	{ "sk_data_ready", probe_tracepoint, "sk_data_ready", 0, false,
	  "reply_unread and request_unread are told as reply_held and request_held",
	  REMEDY_6_3,
	  "verdict stage" },
	{ "sock_recv_length", probe_tracepoint, "sock_recv_length", 0, false,
	  "reply_unread and request_unread are told as reply_held and request_held: that something was "
	  "queued is not seen, only that it was read",
	  REMEDY_6_3,
	  "verdict stage" },
	{ "sock_send_length", probe_tracepoint, "sock_send_length", 0, false,
	  "none, but a price: the end of every system call of this host is looked at for sends that failed",
	  REMEDY_6_3,
	  "" },
	{ "sys_exit", probe_tracepoint, "sys_exit", 0, false,
	  "a send that seccomp or a security module refuses, and a connect() that an IPsec policy does, have no "
	  "record, not even in trace with a command or --process",
	  REMEDY_TRACEPOINT,
	  "record" },
	{ "fib_table_lookup", probe_tracepoint, "fib_table_lookup", 0, false,
	  "send_failed without a route is not seen for IPv4", REMEDY_TRACEPOINT,
	  "record" },
	{ "fib6_table_lookup", probe_tracepoint, "fib6_table_lookup", 0, false,
	  "send_failed without a route is not seen for IPv6", "a kernel with CONFIG_IPV6=y",
	  "record" },
	{ "sched_process_exit", probe_tracepoint, "sched_process_exit", 0, false,
	  "a reply after the asking process ended is reply_dropped instead of answered_late",
	  REMEDY_TRACEPOINT,
	  "verdict fault stage abandoned_us" },
	{ "cgroup_rmdir", probe_tracepoint, "cgroup_rmdir", 0, false,
	  "the unit or container of a query is not named if its cgroup was gone before the query was told",
	  "a kernel with CONFIG_CGROUPS=y and its tracepoints",
	  "cgroup" },
	{ "netfilter_links", probe_netfilter, NULL, 0, false,
	  "request_held by NFQUEUE is not named, the hook of a drop is from the stack alone, a request that "
	  "a rule of this host rejects is told dropped, and whose a request is that waited (for a neighbour, "
	  "in a queue) and left in another task's time; where this host translates what it forwards to a port that is "
	  "not traced, the query is unknown",
	  "a kernel with CONFIG_NETFILTER_BPF_LINK=y (mainline since 6.4)",
	  "verdict fault role stage path drop.hook drop.engine held_by process.pid process.executable.name user.id "
	  "cgroup nat.client.address nat.client.port nat.server.address nat.server.port" },
	{ "nft_trace", probe_nft_trace, NULL, 0, false,
	  "--nft-trace is refused: the rule that dropped a packet is not named",
	  "the package nftables, 0.9.9 or newer, and a kernel with nftables (mainline since 5.12)",
	  "drop.rule" },
	{ "dynptr_skb", probe_dynptr, "netif_receive_skb", 0, false,
	  "replies in page fragments are reply_unparsed: no_reply then has the fault unknown; a request in page "
	  "fragments is counted, and has no record",
	  "a kernel with bpf_dynptr_from_skb() for tracepoints (mainline since 6.11)",
	  "record verdict fault" },
	{ "module_types", probe_module_types, NULL, 0, false,
	  "a query whose addresses this host translates is known by its translated ones",
	  "a kernel with CONFIG_DEBUG_INFO_BTF_MODULES=y (mainline since 5.11)",
	  "client.address client.port server.address server.port nat.client.address nat.client.port "
	  "nat.server.address nat.server.port" },
	{ "kernel_symbols", probe_kallsyms, NULL, 0, false,
	  "request_dropped and reply_dropped name the reason, but not the function and the hook",
	  "sysctl kernel.kptr_restrict=1 or 0, and CAP_SYSLOG",
	  "stage drop.location drop.hook drop.engine" },
	{ "cgroup_sock_release", probe_release, NULL, 0, false,
	  "a close before the deadline is known only when the process ends or by NO_SOCKET: some "
	  "answered_late are reply_dropped",
	  "cgroup v2 mounted (mount -t cgroup2 none /sys/fs/cgroup/unified), a kernel with CONFIG_CGROUP_BPF=y "
	  "and bpf_cast_to_kern_ctx() (mainline since 6.2)",
	  "verdict abandoned_us" },
	{ "cgroup_refusals", probe_refusals, NULL, 0, false,
	  "a send or connect that a cgroup's program refuses is not seen: no packet, no route, no send_failed",
	  "cgroup v2 mounted, a kernel with CONFIG_CGROUP_BPF=y and bpf_get_retval() (mainline since 5.18)",
	  "record" },
};

unsigned uw_capabilities_probe(const struct uw_capability_paths *paths, struct uw_capability *out,
			       unsigned max)
{
	static const struct uw_capability_paths usual = { 0 };
	struct probing p = { .paths = paths ? paths : &usual };
	unsigned count = COUNT(rows) < max ? COUNT(rows) : max;

	p.btf = btf__parse(uw_path_or(p.paths->btf, UW_PATH_BTF), NULL);
	for (unsigned i = 0; i < count; i++) {
		struct uw_capability *c = &out[i];
		int err;

		*c = (struct uw_capability){ .name = rows[i].name, .loss = rows[i].loss,
					     .remedy = rows[i].remedy, .weakens = rows[i].weakens,
					     .essential = rows[i].essential };
		p.detail = c->detail;
		p.size = sizeof(c->detail);
		err = rows[i].probe(&p, &rows[i]);
		c->present = err == 0;
		if (err && !c->detail[0])
			snprintf(c->detail, sizeof(c->detail), "%s", strerror(-err));
		/* Refused to us: whether the kernel has it is not known, so rights first. */
		if (err == -EPERM && !out[0].present)
			c->remedy = rows[0].remedy;
	}
	btf__free(p.btf);
	return count;
}
