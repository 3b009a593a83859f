/* SPDX-License-Identifier: GPL-2.0-only */
/* Queued to a socket, and read from it. */
#ifndef UW_HOOK_SOCKET_BPF_H
#define UW_HOOK_SOCKET_BPF_H

#include "fragment.bpf.h"

#define MSG_PEEK 0x2
#define MSG_ERRQUEUE 0x2000

static __always_inline __u32 sock_queued(struct sock *sk)
{
	return sk->sk_receive_queue.qlen +
	       uw_read(sk, struct udp_sock, reader_queue.qlen);
}

static __always_inline struct uw_queue *queue_of(struct sock *sk)
{
	__u64 key = (__u64)sk;
	struct uw_queue *q = bpf_map_lookup_elem(&queues, &key);

	return q ? q : queue_made(sk, true);
}

/* In the reader's context. */
static __always_inline void request_read(struct uw_record *r)
{
	r->server_pid = bpf_get_current_pid_tgid() >> 32;
	r->server_read_ns = bpf_ktime_get_boot_ns();
	if (is_visitor(r)) {
		task_current(&r->task);
		r->flags &= ~UW_Q_NO_OWNER;
	}
	r->flags |= UW_Q_SERVER_QUEUED | UW_Q_SERVER_READ;
	r->stage[UW_REQUEST] = UW_STAGE_READ;
}

static __always_inline void reply_read(struct uw_record *r)
{
	__u64 now = bpf_ktime_get_boot_ns();

	if (!r->queued_ns)
		r->queued_ns = now;
	r->read_ns = now;
	r->stage[UW_REPLY] = UW_STAGE_READ;
	query_close(r, now);
}

/* By memory: a socket's address is no number to the verifier. */
uw_global __noinline int unread_take(const struct uw_unread_key *key)
{
	struct uw_unread_key k;
	struct uw_record *r;
	struct uw_half *u;

	if (!key)
		return 0;
	k = *key;	/* a copy: see query_search() */
	u = bpf_map_lookup_elem(&unread, &k);
	if (!u)
		return 0;
	r = query_at(&u->key);
	if (r && u->dir == UW_REQUEST)
		request_read(r);
	else if (r && r->socket == k.socket)
		reply_read(r);
	bpf_map_delete_elem(&unread, &k);
	return 0;
}

static __always_inline void datagram_read(const struct sock *sk, __u64 number)
{
	struct uw_unread_key k = { .socket = (__u64)sk, .number = number };

	unread_take(&k);
}

/* @number: that of the datagram among all that the socket was delivered, which is the one of its read. */
static __always_inline void unread_note(struct sock *sk, struct uw_queue *q, const struct uw_half *u, __u64 number)
{
	struct uw_unread_key k = { .socket = (__u64)sk, .number = number };

	if (bpf_map_update_elem(&unread, &k, u, BPF_ANY))
		count(UW_STAT_update_failed);
	/* The reader may have been quicker than this note. */
	if (q->read >= number)
		datagram_read(sk, number);
}

/* Returns whether this datagram is a query's and was not noted before. */
static __noinline bool datagram_queued(struct sock *sk, struct uw_room *room, struct uw_record *r, __u64 skb)
{
	struct uw_packet *p = &room->packet;
	__u64 now = bpf_ktime_get_boot_ns();

	if (p->dir == UW_REQUEST) {
		if (r->flags & UW_Q_SERVER_QUEUED && r->attempts <= 1)
			return false;
		r->flags |= UW_Q_SERVER_QUEUED;
		r->server_queued_ns = now;
		if (is_visitor(r)) {
			r->socket = (__u64)sk;
			r->netns = netns_of_sock(sk);
		}
	} else if (reply_untranslated(r, p)) {
		/* To another socket than asked, or from another address than was asked. */
		r->flags |= UW_Q_UNTRANSLATED;
		return false;
	} else {
		room_digest(room);
		if (r->queued_ns) {
			answer_again_open(r, p);
			r->queued_copies++;
			r->skb = skb;
			return false;
		}
		r->queued_ns = now;
		r->queued_copies = 1;
		r->socket = (__u64)sk;
		r->skb = skb; /* from here on the reply */
		/* What came in on pages was read when it did. */
		if (p->kind == UW_PACKET_APPLICATION)
			answer_note(r, p, now);
		r->answer.when_ns = now;
	}
	r->stage[p->dir & 1] = UW_STAGE_SOCKET_QUEUE;
	return true;
}

/* The payload is out of reach from here, but was read when the packet came in. */
static __always_inline bool paged_recall(const struct sk_buff *skb, struct uw_packet *p)
{
	__u64 key = (__u64)skb;
	struct uw_half *a = bpf_map_lookup_elem(&arrived, &key);

	if (!a || a->dir != UW_REPLY || a->key.client_port != p->ip.destination_port ||
	    a->key.server_port != p->ip.source_port)
		return false;
	p->key = a->key;
	p->dir = UW_REPLY;
	p->digest = a->digest;
	return true;
}

struct queue_walk {
	struct sock *sk;
	struct sk_buff *skb;
	struct uw_room *room;
	__u32 length;
};

/*
 * One datagram of the queue, the newest first, back to the newest that was looked at before; returns 1 to
 * stop. Since 6.18 they are queued in batches, and told of once each when all are: the first call finds all.
 */
static long queue_look(__u64 i, struct queue_walk *w)
{
	struct uw_room *room = w->room;
	struct sk_buff *skb = w->skb;
	__u32 n = room->news;

	keep_bound(n);
	if (i >= w->length || n >= UW_QUEUE_WALK || (__u64)skb == room->looked)
		return 1;
	/* The list was taken away by a reader meanwhile. */
	if ((__u64)skb == (__u64)w->sk + bpf_core_field_offset(struct sock, sk_receive_queue) ||
	    (__u64)skb == (__u64)w->sk + bpf_core_field_offset(struct udp_sock, reader_queue))
		return 1;
	room->found[n] = (__u64)skb;
	room->news = n + 1;
	w->skb = skb->prev;
	return 0;
}

/* The numbers of what was found end with that of the newest; what was not found is in @ready, if not in a batch. */
static __always_inline void queue_number(struct uw_room *room, struct uw_queue *q)
{
	__u64 newest = room->found[0];

	q->assigned = q->assigned + room->news > q->ready ? q->assigned + room->news : q->ready;
	q->looked = newest;
	room->last = q->assigned;
}

static __always_inline void queue_noted(struct queue_walk *w, __u32 newer)
{
	struct uw_queue *q = queue_of(w->sk);
	struct uw_room *room = w->room;

	if (!q) {
		count(UW_STAT_update_failed);
		return;
	}
	/* The first of a socket that was not counted: all that is in its queue is by now. */
	if (!room->last) {
		q->assigned = room->last = q->ready;
		q->looked = room->found[0];
	}
	room->half.key = room->packet.key;
	room->half.dir = room->packet.dir;
	unread_note(w->sk, q, &room->half, room->last - newer);
}

/* One of those that were found, in the order in which they will be read. */
static long queue_take(__u64 i, struct queue_walk *w)
{
	struct uw_packet *p = &w->room->packet;
	__u32 n = w->room->news - 1;
	struct sk_buff *skb;
	struct uw_record *r;

	keep_bound(n);
	if (n >= UW_QUEUE_WALK)
		return 1;
	w->room->news = n;
	skb = uw_loose((void *)w->room->found[n], struct sk_buff);
	skb_parse_walked(skb, w->room);
	if (p->kind == UW_PACKET_UNPARSED && !paged_recall(skb, p))
		return 0;
	if (p->kind != UW_PACKET_APPLICATION && p->kind != UW_PACKET_UNPARSED)
		return 0;
	r = query_of(p);
	if (!r && p->dir == UW_REPLY) {
		room_digest(w->room);
		stray_reply(p, netns_of_sock(w->sk), NULL);
	}
	if (r && datagram_queued(w->sk, w->room, r, (__u64)skb))
		queue_noted(w, n);
	return 0;
}

/* Counts a delivery; returns whether the socket is one that asks or serves. */
static __always_inline bool queue_count(struct sock *sk)
{
	__u16 local = sk->__sk_common.skc_num;
	__u64 key = (__u64)sk;
	struct uw_queue *q;

	/* A closed one has lost its port. */
	if (local && !is_counted(sk) && !ports_wanted(local, bpf_ntohs(sk->__sk_common.skc_dport)))
		return false;
	q = bpf_map_lookup_elem(&queues, &key);
	if (q && !local)
		return true;	/* closed meanwhile: nothing more is read */
	if (q && q->owner == sock_identity(sk)) {
		__sync_fetch_and_add(&q->ready, 1);
		return true;
	}
	if (q) {
		queue_begin(q, sk, true);
		return true;
	}
	if (!port_protocol(bpf_ntohs(sk->__sk_common.skc_dport)) &&
	    !service_protocol(sk->__sk_common.skc_num))
		return false;
	return queue_of(sk);
}

#define ARRIVAL_NS 1000000000 /* delivery follows the input hook at once, if the machine lets it run */

/* The request's port may have been translated on its way; an asker that has closed its socket took the port off. */
static __always_inline bool arrives_at(const struct sock *sk, const struct uw_arrival *a,
				       const struct uw_record *r)
{
	__u16 port = sk->__sk_common.skc_num;

	if (a->half.dir == UW_REPLY)
		return port == a->half.key.client_port || (!port && r && r->socket == (__u64)sk);
	return port == a->half.key.server_port || (r && r->nat.seen && port == r->nat.server_port);
}

/* A reader took all that was queued, to read it one by one: this one waits for its turn. */
static __always_inline void datagram_waits(struct sock *sk, struct uw_record *r, const struct uw_half *half, __u64 now)
{
	struct uw_queue *q = queue_of(sk);

	r->stage[half->dir & 1] = UW_STAGE_SOCKET_QUEUE;
	if (half->dir == UW_REQUEST) {
		r->flags |= UW_Q_SERVER_QUEUED;
		r->server_queued_ns = now;
	} else {
		r->queued_ns = r->answer.when_ns = now;
	}
	if (!q) {
		count(UW_STAT_update_failed);
		return;
	}
	q->assigned = q->assigned + 1 > q->ready ? q->assigned + 1 : q->ready;
	unread_note(sk, q, half, q->assigned);
}

/*
 * A reader on another CPU may have taken the datagram before we could look, and be about to return
 * with it, or have returned, or even have closed the socket. It is the one that this CPU just brought
 * through the input hook. Returns false if that one is unknown, true also if it was found in the queue before.
 */
static __noinline bool datagram_raced(struct sock *sk)
{
	__u32 zero = 0;
	struct uw_arrival *a = bpf_map_lookup_elem(&arrival, &zero);
	struct uw_record *r;
	const struct uw_half *half;
	__u64 now;

	if (!a || !a->when_ns)
		return false;
	now = bpf_ktime_get_boot_ns();
	if (now - a->when_ns > ARRIVAL_NS)
		return false;
	half = &a->half;
	r = query_at(&half->key);
	if (!arrives_at(sk, a, r))
		return false;
	a->when_ns = 0;
	if (!r || (half->dir == UW_REQUEST ? !!(r->flags & UW_Q_SERVER_QUEUED) : !!r->queued_ns))
		return true;
	if (sock_queued(sk)) {
		datagram_waits(sk, r, half, now);
	} else if (half->dir == UW_REQUEST) {
		r->flags |= UW_Q_SERVER_QUEUED | UW_Q_SERVER_READ;
		r->server_queued_ns = r->server_read_ns = now;
		r->stage[UW_REQUEST] = UW_STAGE_READ;
	} else {
		reply_read(r);
	}
	return true;
}

/* The number of the last datagram that was delivered, as far as is known. */
static __always_inline __u64 queue_last(const struct uw_queue *q)
{
	__u64 ready = *(volatile __u64 *)&q->ready, assigned = *(volatile __u64 *)&q->assigned;

	return ready > assigned ? ready : assigned;
}

/*
 * An empty queue means that everything delivered until then was read: whatever the count missed is put
 * right here. @last and @looked were taken before the queue was looked at: what came since may still be in it.
 */
static __always_inline void queue_resync(struct sock *sk, struct uw_queue *q, __u64 last, __u64 looked)
{
	int i;

	for (i = 0; i < UW_QUEUE_WALK && q->read < last; i++)
		datagram_read(sk, ++q->read);
	if (q->read < last)
		q->read = last;
	/* Buffers are used again: the next at this address is another. */
	forget_value(&q->looked, looked);
	q->empty_ns = bpf_ktime_get_boot_ns();
}

static __always_inline bool only_serves(const struct sock *sk)
{
	__u64 key = (__u64)sk;

	return port_protocol(sk->__sk_common.skc_num) && !bpf_map_lookup_elem(&asking, &key);
}

static __always_inline void queue_walked(struct sock *sk, struct queue_walk *w)
{
	__u64 key = (__u64)sk;
	struct uw_queue *q = bpf_map_lookup_elem(&queues, &key);

	w->room->news = 0;
	w->room->last = 0;
	w->room->looked = q ? q->looked : 0;
	bpf_loop(UW_QUEUE_WALK, queue_look, w, 0);
	if (q && w->room->news)
		queue_number(w->room, q);
	bpf_loop(w->room->news, queue_take, w, 0);
}

/* sk_data_ready: what is new in the queue, if it is still there. */
static __always_inline int on_data_ready(struct sock *sk)
{
	struct queue_walk w = { .sk = sk };
	bool known = queue_count(sk);
	unsigned long irq;

	w.length = sk->sk_receive_queue.qlen;
	if (w.length) {
		w.skb = uw_loose(sk, struct sock)->sk_receive_queue.prev;
		if (!known && !skb_wanted(w.skb) && !asked_from(sk->__sk_common.skc_num))
			return 0;
		w.room = room_enter();
		if (!w.room)
			return 0;
		irq_hold(&irq);
		queue_walked(sk, &w);
		irq_release(&irq);
		room_leave(w.room);
	}
	if (!datagram_raced(sk) && known && !w.length)
		count(only_serves(sk) ? UW_STAT_server_queue_race : UW_STAT_queue_race);
	return 0;
}

/* Whether a buffer noted by its address still is the datagram's: one that was freed unseen is another's. */
static __always_inline bool is_half(const struct sk_buff *skb, const struct uw_half *half)
{
	const __u8 *udp = skb->head + skb->transport_header;
	bool reply = half->dir == UW_REPLY;
	__be16 port[2];
	__u8 id[8];

	if (bpf_probe_read_kernel(port, sizeof(port), udp))
		return false;
	if (port[reply] == bpf_htons(half->key.client_port) && port[!reply] == bpf_htons(half->key.server_port))
		return true;
	/* Translated since, perhaps: DNS has its id first, NTP its origin and transmit timestamps at 24 and 40. */
	udp += 8;
	if (half->key.protocol == UW_PROTO_NTP)
		udp += reply ? 24 : 40;
	if (bpf_probe_read_kernel(id, sizeof(id), udp))
		return false;
	return half->key.transaction == (half->key.protocol == UW_PROTO_DNS ? uw_be16(id) : uw_opaque64(id));
}

/* A reply of another query, or of none, was read: from another address than was asked, perhaps. */
static __always_inline void stray_read(const struct uw_half *half)
{
	struct uw_room *room = room_enter();

	if (!room)
		return;
	__builtin_memset(&room->packet, 0, sizeof(room->packet));
	room->packet.key = half->key;
	room->packet.digest = half->digest;
	room->packet.from_port = half->from_port;
	stray_reply(&room->packet, netns_of_current(), NULL);
	room_leave(room);
}

/* Of several that waited another one was read than the first: the first was freed, or looked at and left. */
static __noinline int answer_reread(struct uw_record *r, const struct sk_buff *skb)
{
	struct uw_room *room = room_enter();

	if (!room)
		return 0;
	if (skb_parse_walked((struct sk_buff *)skb, room) == UW_PACKET_APPLICATION) {
		__u64 when = r->answer.when_ns;

		room_digest(room);
		answer_note(r, &room->packet, when);
	}
	room_leave(room);
	return 0;
}

/*
 * consume_skb, only where no tracepoint tells of reads: there it comes at every read, in the reader.
 * Of a datagram's copies only the one that came in by a device goes to its socket, a capture has clones.
 */
static __always_inline int on_consume(const struct sk_buff *skb)
{
	__u64 key = (__u64)skb;
	struct uw_half *a = bpf_map_lookup_elem(&arrived, &key), half;
	struct uw_record *r;

	if (!a)
		return 0;
	half = *a;
	bpf_map_delete_elem(&arrived, &key);
	/*
	 * A first fragment's buffer is consumed when its datagram is whole, and what went on by a device by
	 * its driver: those are no reads.
	 */
	if (!skb_in_udp_queue(skb) || skb_is_fragment(skb) || !is_half(skb, &half))
		return 0;
	r = half.from_port ? NULL : query_at(&half.key);
	if (!r) {
		if (half.dir == UW_REPLY)
			stray_read(&half);
		return 0;
	}
	/* What passed a router here is read by others: in a namespace out of scope, an answer by who asked. */
	if (is_visitor(r) && (half.dir == UW_REPLY || !scope_holds(netns_of_current())))
		return 0;
	if (half.dir == UW_REQUEST && r->stage[UW_REQUEST] == UW_STAGE_WIRE_IN)
		request_read(r);
	else if (half.dir == UW_REPLY && !r->read_ns &&
		 (r->drop[UW_REPLY].when_ns <= r->wire_in_ns || r->replies > 1)) {
		if (half.digest && half.digest != r->answer.digest)
			answer_reread(r, skb);
		reply_read(r);
	}
	return 0;
}

static __always_inline int on_recv_length(struct sock *sk, __s32 ret, __s32 flags)
{
	__u64 key = (__u64)sk, last, looked;
	unsigned long irq;
	struct uw_queue *q;

	if (!is_counted(sk) || !sock_is_udp(sk) || flags & (MSG_PEEK | MSG_ERRQUEUE))
		return 0;
	q = bpf_map_lookup_elem(&queues, &key);
	if (!q || (ret < 0 && ret != -EAGAIN) || q->owner != sock_identity(sk))
		return 0;
	irq_hold(&irq);
	last = queue_last(q);
	looked = *(volatile __u64 *)&q->looked;
	if (ret >= 0)
		datagram_read(sk, add_one(&q->read));
	if (!sock_queued(sk))
		queue_resync(sk, q, last, looked);
	irq_release(&irq);
	return 0;
}

#endif
