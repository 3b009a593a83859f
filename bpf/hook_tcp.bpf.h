/* SPDX-License-Identifier: GPL-2.0-only */
/* A TCP connection to a DNS server, by the process that it just sent a truncated answer to. */
#ifndef UW_HOOK_TCP_BPF_H
#define UW_HOOK_TCP_BPF_H

#include "query.bpf.h"

#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_CLOSE 7
#define ETIMEDOUT 110

static __always_inline void tcp_send_up(const struct sock *sk, const struct uw_truncated *t, __u8 outcome)
{
	struct uw_query_key k = { .protocol = UW_PROTO_DNS };
	struct uw_record *r;

	k.family = sk->__sk_common.skc_family == AF_INET ? 4 : 6;
	r = record_reserve(UW_RECORD_TCP, &k);
	if (!r)
		return;
	r->id = t->id;
	r->send_ns = t->when_ns;
	r->tcp_retry = outcome;
	bpf_ringbuf_submit(r, 0);
}

/* connect(): the tuple is set, the SYN not sent yet; current is the asker. */
static __always_inline void tcp_begins(const struct sock *sk)
{
	struct uw_truncated_key k = {
		.pid = bpf_get_current_pid_tgid() >> 32, .netns = netns_of_sock(sk),
	};
	__u64 key = (__u64)sk, now = bpf_ktime_get_boot_ns();
	__be32 server = sk->__sk_common.skc_daddr;
	struct uw_truncated *t, try = {};

	if (sk->__sk_common.skc_family == AF_INET)
		__builtin_memcpy(k.server.b, &server, 4);
	else
		bpf_probe_read_kernel(k.server.b, 16, &sk->__sk_common.skc_v6_daddr);
	t = bpf_map_lookup_elem(&truncations, &k);
	if (!t || now - t->when_ns > uw_config.timeout_ns)
		return;
	try.id = t->id;
	try.when_ns = now;
	bpf_map_delete_elem(&truncations, &k);
	bpf_map_update_elem(&tcp_tries, &key, &try, BPF_ANY);
	tcp_send_up(sk, &try, UW_TCP_PENDING);
}

/* sk_err is set before the state: by tcp_reset(), tcp_write_err(), tcp_v4_err(). */
static __always_inline __u8 tcp_outcome(const struct sock *sk, int state)
{
	int err = sk->sk_err;

	if (state == TCP_ESTABLISHED)
		return UW_TCP_CONNECTED;
	if (err == ECONNREFUSED)
		return UW_TCP_REFUSED;
	if (err == ETIMEDOUT)
		return UW_TCP_TIMED_OUT;
	return err ? UW_TCP_UNREACHABLE : UW_TCP_ABANDONED;
}

static __always_inline int on_tcp_state(const struct sock *sk, int before, int state)
{
	__u64 key = (__u64)sk;
	struct uw_truncated *t;

	if ((before != TCP_SYN_SENT && state != TCP_SYN_SENT) || sk->sk_protocol != UW_IPPROTO_TCP ||
	    port_protocol(bpf_ntohs(sk->__sk_common.skc_dport)) != UW_PROTO_DNS)
		return 0;
	if (state == TCP_SYN_SENT) {
		tcp_begins(sk);
		return 0;
	}
	t = bpf_map_lookup_elem(&tcp_tries, &key);
	if (!t)
		return 0;
	tcp_send_up(sk, t, tcp_outcome(sk, state));
	bpf_map_delete_elem(&tcp_tries, &key);
	return 0;
}

#endif
