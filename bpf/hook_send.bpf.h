/* SPDX-License-Identifier: GPL-2.0-only */
/* The sender's side of a send: routing, the packet it makes, the result the program is told. */
#ifndef UW_HOOK_SEND_BPF_H
#define UW_HOOK_SEND_BPF_H

#include "fragment.bpf.h"
#include "visitor.bpf.h"

#define AF_NETLINK 16
#define LOOPBACK_IFINDEX 1
#define SEND_NS 1000000000	/* from a drop to the end of its send, at the most: the sender may have lost its CPU */
#define RT_TABLE_LOCAL 255
#define RTN_BLACKHOLE 6
#define RTN_UNREACHABLE 7
#define RTN_PROHIBIT 8
#define EACCES 13
#define EINVAL 22
#define ENONET 64
#define EPROTO 71
#define EDESTADDRREQ 89
#define ENOPROTOOPT 92
#define EOPNOTSUPP 95
#define ENETUNREACH 101
#define ECONNREFUSED 111
#define EHOSTDOWN 112
#define EHOSTUNREACH 113

static __always_inline __u32 tid_of_current(void)
{
	return (__u32)bpf_get_current_pid_tgid();
}

/* A socket that may send queries: UDP, or raw with its own headers. */
static __always_inline bool sock_sends(const struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	if (family != AF_INET && family != AF_INET6)
		return false;
	return sk->sk_protocol == UW_IPPROTO_UDP || sk->sk_type == SOCK_RAW;
}

static __always_inline __u32 sock_flags(const struct sock *sk)
{
	return uw_read(sk, struct sock, sk_protocol) == UW_IPPROTO_UDP && uw_read(sk, struct sock, sk_type) != SOCK_RAW ?
	       0 : UW_Q_RAW;
}

__u64 freed_noted = 0; /* and not taken: saves the look for every send while nothing is freed */

/* A packet of this socket was freed (@r NULL: one that is no query), perhaps in the send that made it. */
static __always_inline void freed_note(const struct sock *sk, const struct uw_record *r)
{
	struct uw_freed_key k = { .socket = (__u64)sk, .tid = tid_of_current() };
	struct uw_freed f = { .when_ns = bpf_ktime_get_boot_ns() };

	if (r)
		f.query = r->key;
	bpf_map_update_elem(&freed, &k, &f, BPF_ANY);
	__sync_fetch_and_add(&freed_noted, 1);
}

/* Whether the send that ends now freed a packet of its own; @query: whose, family 0 if no query's. */
static __always_inline bool freed_take(const struct sock *sk, __u32 tid, struct uw_query_key *query)
{
	struct uw_freed_key k = { .socket = (__u64)sk, .tid = tid };
	struct uw_freed *f;
	bool own;

	if (!freed_noted)
		return false;
	f = bpf_map_lookup_elem(&freed, &k);
	if (!f)
		return false;
	own = bpf_ktime_get_boot_ns() - f->when_ns < SEND_NS;
	*query = f->query;
	bpf_map_delete_elem(&freed, &k);
	__sync_fetch_and_add(&freed_noted, -1);
	return own;
}

/* netfilter, LOCAL_OUT: a system call's packet, in the context of its sender. */
static __always_inline int on_output(struct bpf_nf_ctx *ctx)
{
	struct sk_buff *skb = ctx->skb;
	struct sock *sk = skb_sock(skb);
	struct uw_record *r;
	struct uw_room *room;
	__u32 netns;

	if (!sk || !skb_wanted(skb))
		return 1;
	netns = uw_loose(ctx->state, struct nf_hook_state)->net->ns.inum;
	if (!scope_holds(netns))
		return 1;
	room = room_enter();
	if (!room)
		return 1;
	if (skb_parse(skb, room) == UW_PACKET_APPLICATION) {
		if (room->packet.dir == UW_REPLY) {
			r = query_of_skb(skb, room);
			if (r) {
				r->flags |= UW_Q_REPLY_SENT;
				r->stage[UW_REPLY] = UW_STAGE_NF_OUTPUT;
				if (is_visitor(r))
					visitor_answered(r, &room->packet);
			} else if (visitors_seen) {
				reply_unasked(&room->packet, netns);
			}
		} else if (!filter_device(uw_loose(ctx->state, struct nf_hook_state)->out)) {
			unfollowed_note(&room->packet.key);
		} else {
			__builtin_memset(&room->task, 0, sizeof(room->task));
			task_sending(&room->task, sk);
			r = query_sent(room, skb, netns, &room->task, sock_flags(sk) | UW_Q_VIA_OUTPUT);
			if (r)
				r->stage[UW_REQUEST] = UW_STAGE_NF_OUTPUT;
		}
	} else if (room->packet.kind == UW_PACKET_UNPARSED) {
		count(UW_STAT_request_unparsed);
	}
	room_leave(room);
	return 1; /* NF_ACCEPT */
}

__u32 routes_failed = 0;	/* a lookup of ours said so: saves the look at every system call until then */

static __always_inline void send_failed_up(const struct uw_send *s, __s32 err)
{
	struct uw_record *r = record_reserve(UW_RECORD_SEND_FAILED, &s->key);

	if (!r)
		return;
	r->id = s->id ? s->id : query_new_id();
	r->task = s->task;
	r->netns = s->netns;
	r->send_ns = s->when_ns;
	r->send_errno = err;
	r->attempts = 1;
	r->flags = UW_Q_LOCAL_SEND | UW_Q_NO_PACKET;
	r->stage[UW_REQUEST] = s->route_errno && !s->refused ? UW_STAGE_ROUTE : UW_STAGE_SEND;
	bpf_ringbuf_submit(r, 0);
}

static __always_inline bool send_key_ports(struct uw_query_key *k, __u16 client_port, __u16 server_port)
{
	k->client_port = client_port;
	k->server_port = server_port;
	k->protocol = port_protocol(server_port);
	return k->protocol;
}

/* The lookup that was noted last in this task, NULL if none. */
static __always_inline struct uw_send *send_of(__u32 tid)
{
	return sends_noted ? bpf_map_lookup_elem(&sends, &tid) : NULL;
}

/*
 * A route lookup of a send or connect: the last one of a task decides. One that failed before it for
 * another destination was given up for this one: getaddrinfo() connects to every address of a name
 * only to sort them, and programs try the next server. It is told if nothing else was tried.
 */
static __always_inline void on_route(struct uw_send *s, __s32 err, bool vague)
{
	__u32 tid = tid_of_current();

	s->netns = netns_of_current();
	if (!scope_holds(s->netns) || !filter_tuple(&s->key, s->netns) || uw_config.iface[0])
		return;
	task_current(&s->task);
	if (!filter_task(&s->task))
		return;
	s->when_ns = bpf_ktime_get_boot_ns();
	s->route_errno = err;
	s->vague = vague;
	if (err) {
		s->id = query_new_id();
		routes_failed = 1;
	}
	/* Whole, or not at all: user space may be reading. */
	if (!bpf_map_update_elem(&sends, &tid, s, BPF_NOEXIST))
		__sync_fetch_and_add(&sends_noted, 1);
	else
		bpf_map_update_elem(&sends, &tid, s, BPF_ANY);
}

static __always_inline void send_forget(__u32 tid)
{
	if (!bpf_map_delete_elem(&sends, &tid))
		__sync_fetch_and_add(&sends_noted, -1);
}

/*
 * A lookup for sending UDP to a traced port. Output lookups carry the loopback's index
 * (ip_route_output_key_hash_rcu, ip6_route_output_flags_noref); forwarding and filters do not.
 */
static __always_inline bool route_wanted(const struct flowi_common *c, __be16 port)
{
	struct uw_send *s;
	__u32 tid;

	if (c->flowic_proto != UW_IPPROTO_UDP || c->flowic_iif != LOOPBACK_IFINDEX)
		return false;
	if (port_protocol(bpf_ntohs(port)))
		return true;
	if (!sends_noted)
		return false;
	/* The task is about something else now: what it returns is not of the lookup before. */
	tid = tid_of_current();
	s = send_of(tid);
	if (s && !s->route_errno)
		send_forget(tid);
	return false;
}

__u64 replies_noted = 0; /* saves the look for every send until a reply finds no route */

/* A server's reply looks for its route: the last lookup before the send's end decides. */
static __always_inline void on_reply_route(const struct uw_query_key *k, __s32 err)
{
	struct uw_reply_route s = { .key = *k, .when_ns = bpf_ktime_get_boot_ns(), .err = err };
	__u32 tid = tid_of_current();

	if (err) {
		replies_noted = 1;
		bpf_map_update_elem(&reply_routes, &tid, &s, BPF_ANY);
	} else if (replies_noted) {
		bpf_map_delete_elem(&reply_routes, &tid);
	}
}

static __always_inline bool reply_wanted(const struct flowi_common *c, __be16 from)
{
	return visitors_seen && c->flowic_proto == UW_IPPROTO_UDP && c->flowic_iif == LOOPBACK_IFINDEX &&
	       port_protocol(bpf_ntohs(from));
}

static __always_inline void reply_key4(struct uw_query_key *k, const struct flowi4 *flow)
{
	__be32 client = flow->daddr, server = flow->saddr;

	k->client_port = bpf_ntohs(flow->uli.ports.dport);
	k->server_port = bpf_ntohs(flow->uli.ports.sport);
	k->protocol = port_protocol(k->server_port);
	k->family = 4;
	__builtin_memcpy(k->client.b, &client, 4);
	__builtin_memcpy(k->server.b, &server, 4);
}

static __always_inline void reply_key6(struct uw_query_key *k, const struct flowi6 *flow)
{
	k->client_port = bpf_ntohs(flow->uli.ports.dport);
	k->server_port = bpf_ntohs(flow->uli.ports.sport);
	k->protocol = port_protocol(k->server_port);
	k->family = 6;
	bpf_probe_read_kernel(k->client.b, 16, &flow->daddr);
	bpf_probe_read_kernel(k->server.b, 16, &flow->saddr);
}

/* A send of a serving socket failed and made no packet. */
static __always_inline bool reply_failed(__u32 tid, __s32 err)
{
	struct uw_reply_route *s = replies_noted ? bpf_map_lookup_elem(&reply_routes, &tid) : NULL;
	struct uw_record *r;

	if (!s || bpf_ktime_get_boot_ns() - s->when_ns > SEND_NS)
		return false;
	r = budget_takes(&failed_budget, UW_STRAYS_A_SECOND, s->when_ns, UW_STAT_strays_limited) ?
		record_reserve(UW_RECORD_REPLY_FAILED, &s->key) : NULL;
	if (r) {
		r->id = query_new_id();
		r->send_ns = s->when_ns;
		r->send_errno = err;
		bpf_ringbuf_submit(r, 0);
	}
	bpf_map_delete_elem(&reply_routes, &tid);
	return true;
}

/* net/ipv4/fib_trie.c: err is negative, -EAGAIN where a table has no entry and the next is asked. */
static __always_inline int on_fib4(__u32 table, const struct flowi4 *flow, __s32 err)
{
	__be16 port = flow->uli.ports.dport;
	__be32 client, server;
	unsigned long irq;
	struct uw_send s;

	if (!route_wanted(&flow->__fl_common, port)) {
		if (reply_wanted(&flow->__fl_common, flow->uli.ports.sport)) {
			struct uw_query_key k = {};

			reply_key4(&k, flow);
			on_reply_route(&k, err == -EAGAIN ? ENETUNREACH : err < 0 ? -err : 0);
		}
		return 0;
	}
	irq_hold(&irq);
	__builtin_memset(&s, 0, sizeof(s));
	send_key_ports(&s.key, bpf_ntohs(flow->uli.ports.sport), bpf_ntohs(port));
	client = flow->saddr;
	server = flow->daddr;
	s.key.family = 4;
	__builtin_memcpy(s.key.client.b, &client, 4);
	__builtin_memcpy(s.key.server.b, &server, 4);
	err = err < 0 ? -err : 0;
	on_route(&s, err == EAGAIN ? ENETUNREACH : err, err == EAGAIN && table == RT_TABLE_LOCAL);
	irq_release(&irq);
	return 0;
}

/* net/ipv6/route.c, ip6_rt_type_to_error(); the null entry, which a miss gives, has the type of unreachable. */
static __always_inline __s32 fib6_errno(const struct net *net, const struct fib6_result *res)
{
	switch (res->fib6_type) {
	case RTN_BLACKHOLE:
		return EINVAL;
	case RTN_PROHIBIT:
		return EACCES;
	case RTN_UNREACHABLE:
		return res->f6i == net->ipv6.fib6_null_entry ? ENETUNREACH : EHOSTUNREACH;
	default:
		return 0;
	}
}

/* The first table (local) always misses. */
static __always_inline int on_fib6(const struct net *net, const struct fib6_result *res,
				   const struct flowi6 *flow)
{
	__be16 port = flow->uli.ports.dport;
	unsigned long irq;
	struct uw_send s;

	if (!route_wanted(&flow->__fl_common, port)) {
		if (reply_wanted(&flow->__fl_common, flow->uli.ports.sport)) {
			struct uw_query_key k = {};

			reply_key6(&k, flow);
			on_reply_route(&k, fib6_errno(net, res));
		}
		return 0;
	}
	irq_hold(&irq);
	__builtin_memset(&s, 0, sizeof(s));
	send_key_ports(&s.key, bpf_ntohs(flow->uli.ports.sport), bpf_ntohs(port));
	s.key.family = 6;
	bpf_probe_read_kernel(s.key.client.b, 16, &flow->saddr);
	bpf_probe_read_kernel(s.key.server.b, 16, &flow->daddr);
	on_route(&s, fib6_errno(net, res), false);
	irq_release(&irq);
	return 0;
}

static __always_inline __u16 sock_peer_port(const struct sock *sk)
{
	return bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
}

/* Who sends on @sk, and when: now. False: it is not to be told. */
static __always_inline bool send_whose(struct uw_send *s, const struct sock *sk)
{
	s->when_ns = bpf_ktime_get_boot_ns();
	s->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	task_current(&s->task);
	return filter_tuple(&s->key, s->netns) && filter_task(&s->task) && !uw_config.iface[0];
}

/* The tuple of a connected socket, for failures that nothing else saw. */
static __always_inline bool send_from_sock(struct uw_send *s, const struct sock *sk)
{
	__be32 client = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
	__be32 server = BPF_CORE_READ(sk, __sk_common.skc_daddr);

	if (!send_key_ports(&s->key, BPF_CORE_READ(sk, __sk_common.skc_num), sock_peer_port(sk)))
		return false;
	s->key.family = BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET ? 4 : 6;
	if (s->key.family == 4) {
		__builtin_memcpy(s->key.client.b, &client, 4);
		__builtin_memcpy(s->key.server.b, &server, 4);
	} else {
		bpf_probe_read_kernel(s->key.client.b, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_probe_read_kernel(s->key.server.b, 16, &sk->__sk_common.skc_v6_daddr);
	}
	return send_whose(s, sk);
}

/* What icmp_err_convert makes of an ICMP error about an earlier datagram, told to the next call. */
static __always_inline bool is_icmp_errno(const struct sock *sk, __s32 err)
{
	if (err == EACCES) /* icmpv6_err_convert: prohibited, failed policy, reject route */
		return BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET6;
	return err == ECONNREFUSED || err == EHOSTUNREACH || err == ENETUNREACH || err == EHOSTDOWN ||
	       err == EPROTO || err == ENOPROTOOPT || err == EOPNOTSUPP || err == ENONET;
}

/* Whether the lookup last noted of this task was made for this socket's send. */
static __always_inline bool send_is_of(const struct uw_send *s, const struct sock *sk)
{
	__u16 port = sock_peer_port(sk);

	return !port || port == s->key.server_port;
}

/* @s: NULL if this task looked up no route since its last send; sk: see send_ended(). False: whereto is unknown. */
static __always_inline bool on_send_error(const struct sock *sk, struct uw_send *s, __s32 err)
{
	struct uw_send made = {};

	if (sock_peer_port(sk) && is_icmp_errno(sk, err) && !(s && s->route_errno)) {
		return true; /* an earlier datagram's error, which has its own record */
	} else if (s && send_is_of(s, sk)) {
		/* After a failed connect() the send only says that there is no destination. */
		if (err == EDESTADDRREQ && s->route_errno)
			err = s->vague ? 0 : s->route_errno;
		if (!s->key.client_port)
			s->key.client_port = BPF_CORE_READ(sk, __sk_common.skc_num);
		send_failed_up(s, err);
	} else if (sock_flags(sk) == 0 && send_from_sock(&made, sk)) {
		send_failed_up(&made, err);
	} else {
		return false;
	}
	return true;
}

static __always_inline void owner_note(const struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct uw_task t = {};

	if (uw_config.have_output_hook)
		return;
	if (sk->__sk_common.skc_dport && !port_protocol(bpf_ntohs(sk->__sk_common.skc_dport)))
		return;
	task_current(&t);
	bpf_map_update_elem(&owners, &key, &t, BPF_ANY);
}

/* `ip route get` looks a route up within a netlink message: nothing was to be sent. */
static __always_inline void route_was_asked(void)
{
	__u32 tid = tid_of_current();

	if (send_of(tid))
		send_forget(tid);
}

/* A send on @sk, found by whatever way (it is read with care only), ended with @ret. False: as in on_send_error(). */
static __always_inline bool send_ended(const struct sock *sk, __s32 ret)
{
	__u32 tid = tid_of_current();
	struct uw_send *s = send_of(tid);
	struct uw_query_key query;
	struct uw_record *r;
	bool known = true;

	if (freed_take(sk, tid, &query)) {
		r = ret < 0 && query.family ? query_at(&query) : NULL;
		if (r)
			r->send_errno = -ret;
	} else if (ret < 0 && ret != -EAGAIN && !reply_failed(tid, -ret)) {
		known = on_send_error(sk, s, -ret);
	}
	if (s && ret != -EAGAIN)
		send_forget(tid);
	return known;
}

/* The end of this send's system call need not look for what became of it. */
static __always_inline void end_note(const struct sock *sk)
{
	struct uw_freed_key k = { .socket = (__u64)sk, .tid = tid_of_current() };
	__u64 now = bpf_ktime_get_boot_ns();

	bpf_map_update_elem(&ended, &k, &now, BPF_ANY);
}

/* The result of every send, in the sender, after any drop of the same send. */
static __always_inline int on_send_length(struct sock *sk, __s32 ret)
{
	unsigned long irq;

	/* Nothing of this task's is noted, and it is told of no failure. */
	if (uw_config.have_output_hook && ret >= 0 && !sends_noted && !freed_noted)
		return 0;
	if (sk->__sk_common.skc_family == AF_NETLINK)
		route_was_asked();
	if (!sock_sends(sk) || !scope_holds(netns_of_sock(sk)))
		return 0;
	irq_hold(&irq);
	owner_note(sk);
	send_ended(sk, ret);
	if (uw_config.refusals && ret < 0)
		end_note(sk);
	irq_release(&irq);
	return 0;
}

/*
 * cgroup/sendmsg and connect, at the root: the programs of the sender's own cgroups ran before this
 * one. What they refuse is not even routed, and nothing else tells where an unconnected socket sent.
 */
static __always_inline int on_refusal(struct bpf_sock_addr *ctx, __u8 family)
{
	__u32 port = ctx->user_port, word;
	struct bpf_sock *sk = ctx->sk;
	struct uw_send s = {};
	int err;

	if (!port_watched(bpf_ntohs(port)) || ctx->protocol != UW_IPPROTO_UDP || !sk)
		return 1;
	err = -bpf_get_retval();
	if (err <= 0 || !send_key_ports(&s.key, (__u16)sk->src_port, bpf_ntohs(port)))
		return 1;
	s.key.family = family;
	s.refused = true;
	if (family == 4) {
		word = ctx->user_ip4;
		__builtin_memcpy(s.key.server.b, &word, 4);
	} else {
		word = ctx->user_ip6[0];
		__builtin_memcpy(s.key.server.b, &word, 4);
		word = ctx->user_ip6[1];
		__builtin_memcpy(s.key.server.b + 4, &word, 4);
		word = ctx->user_ip6[2];
		__builtin_memcpy(s.key.server.b + 8, &word, 4);
		word = ctx->user_ip6[3];
		__builtin_memcpy(s.key.server.b + 12, &word, 4);
	}
	on_route(&s, err, false);
	return 1;
}

/* cgroup/sock_release: the last holder of a socket closed it. */
static __always_inline int on_release(struct bpf_sock *ctx)
{
	__u64 socket, now;
	struct uw_asking *a;

	if (!bpf_cast_to_kern_ctx || ctx->protocol == UW_IPPROTO_TCP)
		return 1;
	socket = (__u64)bpf_cast_to_kern_ctx(ctx);
	a = bpf_map_lookup_elem(&asking, &socket);
	if (a) {
		now = bpf_ktime_get_boot_ns();
		bpf_map_update_elem(&closed, &a->number, &now, BPF_ANY);
		bpf_map_delete_elem(&asking, &socket);
	}
	return 1;
}

/* The end of a process, that is of its last thread, ends its wait for an answer. */
static __always_inline int on_exit(struct task_struct *task)
{
	__u32 pid = task->tgid, tid = tid_of_current();
	struct uw_send *s = send_of(tid);
	__u64 *ended;

	if (s && !s->route_errno) /* else user space tells it */
		send_forget(tid);
	if (task->signal->live.counter)
		return 0;
	ended = bpf_map_lookup_elem(&askers, &pid);
	if (ended)
		*ended = bpf_ktime_get_boot_ns();
	return 0;
}

#endif
