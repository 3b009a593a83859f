/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of a system call: what was refused before the network stack saw it (seccomp, a security module), a
 * connect() that was refused after its route was found, and all failed sends where no tracepoint tells of them.
 */
#ifndef UW_HOOK_SYSCALL_BPF_H
#define UW_HOOK_SYSCALL_BPF_H

#include "hook_send.bpf.h"

#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define EINTR 4
#define ERRNO_OF_RESTART 512 /* and on: the call goes on, or is made again */
#define ERRNO_MAX 4095

/* What the call was given, in its caller's memory: hostile, and perhaps no longer what the kernel saw. */
struct uw_call {
	const void *address; /* NULL: the socket's peer */
	const void *payload; /* @len bytes, the first of perhaps several pieces */
	__u64 len;
};

struct uw_user_iovec {
	const void *base;
	__u64 len;
};

struct uw_user_msghdr {
	const void *name;
	__u64 name_len;
	const struct uw_user_iovec *iov;
};

/* The socket behind a descriptor of the current task, NULL if it is none. */
static __always_inline const struct sock *sock_of_descriptor(__u32 fd)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file;
	struct socket *socket;

	if (fd >= BPF_CORE_READ(table, max_fds) || bpf_probe_read_kernel(&file, sizeof(file), files + fd))
		return NULL;
	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

static __always_inline void call_payload(struct uw_call *c, const struct uw_user_iovec *iov)
{
	struct uw_user_iovec first = {};

	bpf_probe_read_user(&first, sizeof(first), iov);
	c->payload = first.base;
	c->len = first.len;
}

static __always_inline void call_read(struct uw_call *c, enum uw_call_kind kind, struct pt_regs *regs)
{
	const void *second = (const void *)PT_REGS_PARM2_CORE_SYSCALL(regs);
	struct uw_user_msghdr m = {};

	if (kind == UW_CALL_CONNECT) {
		c->address = second;
	} else if (kind == UW_CALL_WRITEV) {
		call_payload(c, second);
	} else if (kind == UW_CALL_SENDMSG) {
		bpf_probe_read_user(&m, sizeof(m), second);
		c->address = m.name;
		call_payload(c, m.iov);
	} else {
		c->payload = second;
		c->len = PT_REGS_PARM3_CORE_SYSCALL(regs);
		if (kind == UW_CALL_SENDTO)
			c->address = (const void *)PT_REGS_PARM5_CORE_SYSCALL(regs);
	}
}

/* An IPv4 address in IPv6's clothes: what is sent there is IPv4. */
static __always_inline void key_unmap(struct uw_query_key *k)
{
	__u32 *w = (__u32 *)k->server.b;

	if (k->family != 6 || w[0] || w[1] || w[2] != bpf_htonl(0xffff))
		return;
	k->family = 4;
	w[0] = w[3];
	w[2] = w[3] = 0;
}

/* Where the call was to send, if it says so: struct sockaddr_in or sockaddr_in6. */
static __always_inline bool call_destination(const struct uw_call *c, const struct sock *sk, struct uw_query_key *k)
{
	struct {
		__u16 family;
		__be16 port;
		__u32 address4;
	} a;

	if (!c->address || bpf_probe_read_user(&a, sizeof(a), c->address) ||
	    !send_key_ports(k, BPF_CORE_READ(sk, __sk_common.skc_num), bpf_ntohs(a.port)))
		return false;
	if (a.family == AF_INET) {
		k->family = 4;
		__builtin_memcpy(k->server.b, &a.address4, 4);
		return true;
	}
	k->family = 6;
	if (a.family != AF_INET6 || bpf_probe_read_user(k->server.b, 16, (const __u8 *)c->address + sizeof(a)))
		return false;
	key_unmap(k);
	return true;
}

/* A daemon answers from the port that it asks from. */
static __always_inline bool call_asks(const struct uw_call *c, __u8 protocol)
{
	__u8 b[UW_DNS_HEADER] = {};
	struct uw_ntp n;

	if (c->len < 3 || bpf_probe_read_user(b, 3, c->payload))
		return false;
	if (protocol == UW_PROTO_DNS)
		return !(b[2] >> 7);
	return uw_ntp_parse(b, 3, true, &n) && !n.reply;
}

static __always_inline bool is_same_server(const struct uw_query_key *a, const struct uw_query_key *b)
{
	return a->family == b->family && a->server_port == b->server_port && uw_addr_same(&a->server, &b->server);
}

/*
 * connect() failed. Where its route did, or a cgroup's program refused, that is noted already; what the
 * lookups could not tell for certain is the errno, which is here.
 */
static __always_inline void connect_failed(const struct uw_call *c, const struct sock *sk, __s32 err)
{
	__u32 tid = tid_of_current();
	struct uw_send *noted = send_of(tid), s = {};

	if (!call_destination(c, sk, &s.key))
		return;
	if (noted && noted->route_errno && is_same_server(&noted->key, &s.key)) {
		s = *noted;
		s.route_errno = err;
		s.vague = false;
		bpf_map_update_elem(&sends, &tid, &s, BPF_EXIST);
		return;
	}
	s.refused = true;
	on_route(&s, err, false);
}

/* A send failed before the network stack saw it: there was nothing but the call. */
static __always_inline void send_refused(const struct uw_call *c, const struct sock *sk, __s32 err)
{
	__u32 tid = tid_of_current();
	struct uw_send s = {}, *noted;

	if (c->address ? !call_destination(c, sk, &s.key) || !send_whose(&s, sk) : !send_from_sock(&s, sk))
		return;
	if (!call_asks(c, s.key.protocol))
		return;
	s.refused = true;
	noted = send_of(tid);
	if (noted && is_same_server(&noted->key, &s.key)) {
		s.id = noted->id;	/* of the connect() that was refused before it, one failure with this */
		send_forget(tid);
	}
	send_failed_up(&s, err);
}

/* Whether the send that ends now got as far as the tracepoint of sends, and failed there. */
static __always_inline bool end_take(const struct sock *sk)
{
	struct uw_freed_key k = { .socket = (__u64)sk, .tid = tid_of_current() };
	__u64 *when = bpf_map_lookup_elem(&ended, &k);
	bool own = when && bpf_ktime_get_boot_ns() - *when < SEND_NS;

	if (when)
		bpf_map_delete_elem(&ended, &k);
	return own;
}

static __always_inline void call_failed(enum uw_call_kind kind, struct pt_regs *regs, const struct sock *sk, __s32 err)
{
	struct uw_call c = {};

	if (kind != UW_CALL_CONNECT && (uw_config.have_send_hook ? end_take(sk) : send_ended(sk, -err)))
		return;
	if (sock_flags(sk) || err == EAGAIN || err == EINTR || err >= ERRNO_OF_RESTART)
		return;
	call_read(&c, kind, regs);
	if (kind == UW_CALL_CONNECT)
		connect_failed(&c, sk, err);
	else
		send_refused(&c, sk, err);
}

/* Those that failed, and once there was a route that was none, netlink's. */
static __always_inline int on_sys_exit(struct pt_regs *regs, long ret)
{
	enum uw_call_kind kind;
	const struct sock *sk;
	__u16 family;

	if ((ret >= 0 && (uw_config.have_send_hook || !routes_failed)) || ret < -ERRNO_MAX)
		return 0;
	kind = call_kind(regs);
	if (kind == UW_CALL_OTHER)
		return 0;
	sk = sock_of_descriptor((__u32)PT_REGS_PARM1_CORE_SYSCALL(regs));
	if (!sk || !scope_holds(BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum)))
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family == AF_NETLINK)
		route_was_asked();
	else if (ret < 0 && (family == AF_INET || family == AF_INET6) &&
	    (!sock_flags(sk) || BPF_CORE_READ(sk, sk_type) == SOCK_RAW))
		call_failed(kind, regs, sk, (__s32)-ret);
	return 0;
}

#endif
