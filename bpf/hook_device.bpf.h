/* SPDX-License-Identifier: GPL-2.0-only */
/* Out by a device: queued, taken by the driver, refused by it. */
#ifndef UW_HOOK_DEVICE_BPF_H
#define UW_HOOK_DEVICE_BPF_H

#include "hook_send.bpf.h"
#include "traffic.bpf.h"
#include "tunnel.bpf.h"
#include "visitor.bpf.h"

/* Where no tracepoint tells of sends, the route lookup of this task's own send or connect tells. */
static __always_inline bool sender_by_route(const struct uw_query_key *k, struct uw_task *task)
{
	__u32 tid = tid_of_current();
	struct uw_send *s = send_of(tid);

	if (!s || s->route_errno || s->key.server_port != k->server_port ||
	    !uw_addr_same(&s->key.server, &k->server))
		return false;
	*task = s->task;
	return true;
}

#define FDS_LOOKED_AT 256

struct held_files {
	struct file **fds;
	__u64 socket;
	__u32 max;
	bool found;
};

static long file_look(__u64 i, struct held_files *h)
{
	struct file *file;

	if (i >= h->max)
		return 1;
	h->found = !bpf_probe_read_kernel(&file, sizeof(file), h->fds + i) && file &&
		   (__u64)BPF_CORE_READ(file, private_data) == h->socket;
	return h->found;
}

/* Global, and of a number: every verifier with such functions (5.6) looks at the walk once. */
__noinline int task_holds(__u64 socket)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct held_files h = {
		.fds = BPF_CORE_READ(task, files, fdt, fd), .max = BPF_CORE_READ(task, files, fdt, max_fds),
		.socket = socket,
	};

	uw_loop(FDS_LOOKED_AT, file_look, &h);
	return h.found;
}

/* Whether the current task has this socket open: then it is sending, or lets its packet go on. */
static __always_inline bool current_holds(const struct sock *sk)
{
	__u64 socket = (__u64)BPF_CORE_READ(sk, sk_socket);

	return socket && task_holds(socket); /* a closed one has none: many files have no private data either */
}

/*
 * Whether a request that no entry knows may start one here, and who sends it if this can be told: its
 * queue may be emptied by any task, and a timer interrupts any.
 */
static __always_inline bool sender_of(const struct sock *sk, const struct uw_query_key *k, __u32 netns,
				      struct uw_task *task)
{
	bool packet = sock_is_packet(sk);
	__u64 key = (__u64)sk;
	struct uw_task *owner;

	if (!packet && bpf_map_lookup_elem(&hooked, &netns))
		return false;
	owner = bpf_map_lookup_elem(&owners, &key);
	if (owner)
		*task = *owner;
	else if (!sender_by_route(k, task) && current_holds(sk))
		task_current(task);
	/* With a filter on processes one that cannot be told is nobody's. */
	return task->pid || !(uw_config.pid || uw_config.comm[0]);
}

/* A copy's buffer was freed: the next copy may be in it. */
static __always_inline void buffer_freed(struct uw_record *r, __u64 skb)
{
	if (r->skb == skb)
		r->skb = 0;
}

/* What was noted on this CPU when the driver took this packet, which has not returned yet; or NULL. */
static __always_inline struct uw_xmit *xmit_of(const struct sk_buff *skb)
{
	__u32 zero = 0;
	struct uw_xmit *x = xmits_noted ? bpf_map_lookup_elem(&xmit, &zero) : NULL;

	return x && x->skb == (__u64)skb ? x : NULL;
}

static __always_inline void xmit_end(struct uw_xmit *x)
{
	x->skb = 0;
	__sync_fetch_and_add(&xmits_noted, -1);
}

/*
 * Whether this packet is the copy that was counted last, at the queue of @dev or (NULL) freed. The next
 * copy may get the buffer of one that left: then its driver is done with it, and a packet that was at no
 * device (__dev_queue_xmit sets its link header) is another.
 */
static __always_inline bool copy_counted(const struct uw_record *r, const struct sk_buff *skb,
					 const struct net_device *dev)
{
	if (r->skb != (__u64)skb)
		return false;
	if (r->stage[UW_REQUEST] < UW_STAGE_WIRE_OUT)
		return true;
	return dev ? xmit_of(skb) != NULL : skb->mac_header != (__u16)~0;
}

/* A local request at a point before the wire: its query, made here if nothing saw it before. */
static __always_inline struct uw_record *request_here(struct uw_room *room, struct sk_buff *skb,
						      const struct net_device *dev)
{
	struct uw_record *r = query_of_skb(skb, room);
	struct sock *sk = skb_sock(skb);
	struct uw_task *task = &room->task;
	bool translated;
	__u32 netns;

	if (r && (r->flags & UW_Q_VIA_OUTPUT || copy_counted(r, skb, dev)))
		return r;
	if (!sk || skb->skb_iif)
		return r;
	/* Freed from a socket's error queue (skb_set_err_queue): a timestamp's clone, no copy on its way. */
	if (!dev && BPF_CORE_READ_BITFIELD(skb, pkt_type) == PACKET_OUTGOING)
		return r;
	netns = netns_of_sock(sk);
	__builtin_memset(task, 0, sizeof(*task));
	if (!scope_holds(netns) || (dev && !filter_device(dev)))
		return r;
	translated = request_untranslate(skb, room);
	if (!sender_of(sk, &room->packet.key, netns, task))
		return r;
	r = query_sent(room, skb, netns, task, sock_flags(sk));
	if (r && translated)
		nat_note(r, &room->wire, &r->key, netns);
	return r;
}

/*
 * On its way out by a device: perhaps handed down by a stacked one (bridge, bond) within its own
 * transmission, whose driver does not have it any more then.
 */
static __always_inline void request_queued(struct uw_record *r, const struct sk_buff *skb)
{
	struct uw_xmit *x = xmit_of(skb);

	copy_is(r, skb, 0);
	copies_settle(r);
	if (x)
		xmit_end(x);
}

/* By a socket in scope; a bridge hands on packets with the socket of another namespace. */
static __always_inline void reply_sent(struct uw_record *r, const struct sk_buff *skb, const struct uw_packet *p)
{
	const struct sock *sk = skb_sock(skb);

	if (r->flags & UW_Q_REPLY_SENT || skb->skb_iif || !sk || !scope_holds(netns_of_sock(sk)))
		return;
	r->flags |= UW_Q_REPLY_SENT;
	if (is_visitor(r))
		visitor_answered(r, p);
}

static __always_inline void reply_queued(struct uw_record *r, const struct sk_buff *skb, const struct uw_packet *p)
{
	reply_sent(r, skb, p);
	__sync_fetch_and_add(&r->reply_inside, 1);
}

/* net_dev_queue: past the egress hooks of netfilter and tc, before the qdisc. */
static __always_inline int on_queue(struct sk_buff *skb)
{
	bool wanted = skb_wanted(skb);
	struct net_device *dev;
	struct uw_record *r;
	struct uw_room *room;
	unsigned long irq;

	if (!wanted && (uw_config.have_output_hook || !skb_sock(skb) || skb->skb_iif))
		return 0;
	dev = skb_dev(skb);
	if (!scope_holds(netns_of_dev(dev)) || (!wanted && !skb_translated(skb, true)))
		return 0;
	room = room_enter();
	if (!room)
		return 0;
	irq_hold(&irq);
	if (skb_parse(skb, room) == UW_PACKET_APPLICATION) {
		__u8 dir = room->packet.dir;

		r = dir == UW_REQUEST ? request_here(room, skb, dev) : query_of_skb(skb, room);
		if (r) {
			fragment_note(room, &r->key);
			r->stage[dir & 1] = UW_STAGE_QDISC;
			if (dir == UW_REQUEST)
				request_queued(r, skb);
			else
				reply_queued(r, skb, &room->packet);
		}
	}
	irq_release(&irq);
	room_leave(room);
	return 0;
}

static __always_inline void xmit_begin(const struct sk_buff *skb, const struct uw_query_key *k, __u8 dir, bool last)
{
	__u32 zero = 0;
	struct uw_xmit *x = bpf_map_lookup_elem(&xmit, &zero);

	if (!x)
		return;
	if (!x->skb)
		__sync_fetch_and_add(&xmits_noted, 1);
	x->skb = (__u64)skb;
	x->key = *k;
	x->dir = dir;
	x->freed = 0;
	x->last = last;
}

/* net_dev_start_xmit: the last moment the packet is ours. */
static __always_inline int on_start_xmit(struct sk_buff *skb, const struct net_device *dev)
{
	struct skb_glance look = {};
	bool wanted = skb_look(skb, &look);
	struct uw_record *r;
	struct uw_room *room;
	unsigned long irq;

	traffic_count(skb, dev, &look, UW_WAY_OUT);
	if ((!wanted && !tunnels_watched()) || !scope_holds(netns_of_dev(dev)))
		return 0;
	if (!wanted)
		return outer_leaves(skb, dev);
	room = room_enter();
	if (!room)
		return 0;
	irq_hold(&irq);
	skb_parse(skb, room);
	if (room->packet.kind == UW_PACKET_APPLICATION) {
		__u8 dir = room->packet.dir;

		r = query_of_skb(skb, room);
		if (r) {
			if (dir == UW_REQUEST) {
				copy_leaves(r, skb);
				r->wire_out_ns = bpf_ktime_get_boot_ns();
				r->flags &= ~UW_Q_FOR_ANOTHER;
				tunnel_enters(r, &room->packet, skb, dev);
			} else {
				__sync_fetch_and_add(&r->reply_inside, -1);
			}
			r->stage[dir & 1] = UW_STAGE_WIRE_OUT;
			query_hop(r, dev, dir, true);
			evidence_keep(skb, room, r, dev, true);
			xmit_begin(skb, &room->packet.key, dir,
				   dir == UW_REPLY && is_visitor(r) && visitor_reply_leaves(r, &room->packet, dev));
		}
	} else if (room->packet.kind == UW_PACKET_ICMP && !skb->skb_iif) {
		r = query_of(&room->packet);
		if (r && room->packet.dir == UW_REQUEST)
			r->icmp.underway = true;
	}
	irq_release(&irq);
	room_leave(room);
	return 0;
}

/* The driver kept it from the wire. */
static __always_inline void xmit_failed(struct uw_record *r, const struct uw_xmit *x)
{
	__u32 dir = x->dir & 1;

	r->stage[dir] = UW_STAGE_DEVICE;
	drop_note(r, &x->drop, dir, 1);
	if (dir == UW_REPLY)
		return;
	__sync_fetch_and_add(&r->dropped, 1);
	copy_gone(r, (const struct sk_buff *)x->skb);
	buffer_freed(r, x->skb);
}

/*
 * net_dev_xmit: what the driver said. The packet may be another's by now: only its address is used,
 * to find what was noted on this CPU when the driver took it.
 */
static __always_inline int on_xmit_done(const struct sk_buff *skb, __s32 rc)
{
	struct uw_xmit *x = xmit_of(skb);
	struct uw_record *r;

	if (!x)
		return 0;
	/* A bridge says OK whatever became of it: a reason of its own is a statement of loss. */
	if (x->freed && (rc || reason_given(x->drop.reason))) {
		r = query_at(&x->key);
		if (r)
			xmit_failed(r, x);
	} else if (x->last && !rc) {
		r = query_at(&x->key);
		if (r)
			visitor_close(r, bpf_ktime_get_boot_ns());
	}
	xmit_end(x);
	return 0;
}

#endif
