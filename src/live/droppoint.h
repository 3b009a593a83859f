/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the kernel functions in which a packet was freed to the place on its way, in the words of
 * the vocabulary. A pure function of names; the knowledge is two tables in droppoint.c.
 */
#ifndef UW_DROPPOINT_H
#define UW_DROPPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "record.h"

/* What freeing the packet there means. */
enum uw_drop_class {
	UW_DROP,		/* the packet's end */
	UW_DROP_NOT,		/* a copy, or another packet that quotes ours: its loss is none */
	UW_DROP_UNREAD,		/* left in a socket's queue when the socket was closed */
	UW_DROP_DRIVER,		/* by a driver that had taken it: sent, as far as anyone knows,
				 * unless net_dev_xmit says otherwise of this packet */
};

/* A freed packet, as names. Unknown symbols are NULL. */
struct uw_drop_names {
	const char *location;		/* function that freed it */
	const char *const *frame;	/* innermost first, frame[0] is the location */
	unsigned frames;
	const char *reason;		/* "NETFILTER_DROP"; NULL or "reason 7" if it has no name */
	enum uw_dir dir;
	enum uw_stage mark;		/* last point the packet was seen at */
	enum uw_filter filter;		/* of the receiving socket */
	bool flooded;			/* multicast, broadcast or a looped copy: one of several */
};

/* Strings are constants of this file's tables; an empty one is an absent fact. */
struct uw_drop_point {
	enum uw_stage stage;
	const char *hook;	/* prerouting, input, forward, output, postrouting, ingress, egress,
				 * or one of these after "bridge " */
	const char *engine;	/* nftables, nfqueue, cgroup_bpf; empty where the location cannot tell:
				 * iptables-legacy and conntrack look alike, and so do the filters of
				 * a socket that has its own and of its cgroup */
	enum uw_drop_class class;
};

/**
 * uw_drop_point - where a packet was freed, and whether that is a loss.
 * @in: names; no string is kept.
 * @out: all fields are written; for UW_DROP_NOT the stage is the mark.
 */
void uw_drop_point(const struct uw_drop_names *in, struct uw_drop_point *out);

/**
 * uw_drop_skip - how many frames lie between the tracer and the location.
 * @location: symbol of the drop's location, NULL unknown.
 * @frame: a raw kernel stack, innermost first: BPF program, tracepoint, kfree_skb ... first.
 *
 * Return: index of the location's frame, or of the first frame outside of it if a tail call hid
 * the location itself; @frames if there is nothing but the tracer.
 */
unsigned uw_drop_skip(const char *location, const char *const *frame, unsigned frames);

#endif
