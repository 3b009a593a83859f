/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loss windows: when which flows got no answers.
 *
 * A flow is in one from three consecutive unanswered queries (or half of at least six within 30 s)
 * until three answers in a row; see track.h. Windows of several flows whose opening edges overlap are
 * one window, for which all its flows are named. A flow that stays unanswered when the others of its
 * window have recovered gets a window of its own.
 *
 * Only what was lost beyond this host counts as unanswered (no reply, or rejected by a router or by the
 * server): a window of our own drops is no network window. What says nothing about the way (late,
 * refused, dropped here, unknown) neither opens nor closes one. Roles client and forwarder only.
 *
 * All times are of sends, CLOCK_BOOTTIME (in captures the capture's own), 0: not known.
 */
#ifndef UW_WINDOW_H
#define UW_WINDOW_H

#include "core/flow.h"
#include "core/track.h"

#define UW_WINDOW_FLOWS 16	/* named; more are counted */
#define UW_WINDOWS_KEPT 64
#define UW_TOP_PORTS 3

/* One flow's part in a window. */
struct uw_window_flow {
	struct uw_flow_id id;
	struct uw_episode e;	/* e.first_good_ns: 0 until it has recovered */
	uint64_t refused;	/* its queries refused with a kiss-o'-death RATE */
};

/* Packets of the host meanwhile, on the wire of its queries (traffic.h). */
struct uw_window_traffic {
	bool before, during, release;	/* what is known of the rest */
	double udp_out_before, udp_in_before;	/* packets/s in the busiest 0.3 s of the 10 s before */
	double udp_in_during;			/* on average, first_bad to last_bad */
	double udp_out_during;
	double udp_out_release, udp_in_release;	/* out: in the calmest two seconds, last_bad to first_good; in: from then on */
	double tcp_in_before;			/* segments/s, average of the 10 s before */
	uint64_t tcp_in_during;			/* segments, first_bad to last_bad */
	double during_s;			/* how long that was, by the counters' readings */
	bool no_tcp;				/* a capture without any: of TCP nothing is known */

	unsigned ports;
	struct uw_top_port {
		uint16_t port;
		double share;			/* 0 to 1, of the UDP packets before */
	} port[UW_TOP_PORTS];
};

struct uw_window {
	uint32_t run;		/* as in query.id */
	const char *host;	/* whose record was read, NULL: this host's */
	uint8_t host_number;	/* not 0: read, not concluded here */
	unsigned id;		/* 1, 2, ... of the run */
	bool closed;		/* all its flows have recovered, or are not asked any more */
	/* loss set in between last_good and first_bad, and ended between last_bad and first_good; the
	 * narrowest interval that is true for all its flows */
	uint64_t last_good_ns, first_bad_ns, last_bad_ns, first_good_ns;
	uint64_t queries, answered;	/* of its flows, from first_bad to last_bad */
	uint64_t elsewhere;		/* queries of other flows answered between first_bad and last_bad */
	unsigned flows, more_flows;
	struct uw_window_flow flow[UW_WINDOW_FLOWS];
	uint32_t wire_netns, wire_ifindex;	/* the device by which its queries left, 0 not known */
	struct uw_window_traffic traffic;
};

struct uw_windows;	/* opaque, bounded */

/** uw_windows_new - @flows: followed at most. NULL without memory. uw_windows_run - for window.id. */
struct uw_windows *uw_windows_new(unsigned flows);
void uw_windows_run(struct uw_windows *w, uint32_t run);
void uw_windows_free(struct uw_windows *w);

/** uw_windows_query - take a judged query; @previous: the verdict that this revision replaces, or NULL. */
void uw_windows_query(struct uw_windows *w, const struct uw_query *q, const enum uw_verdict *previous);

/**
 * uw_windows_fold - what the kernel counted of a flow since it was last looked at.
 * @old: then, zeroed the first time; v: now.
 */
void uw_windows_fold(struct uw_windows *w, const struct uw_flow_id *id, const struct uw_flow_value *old,
		     const struct uw_flow_value *v);

/** uw_windows_good - @n queries of a flow that were answered and not told one by one. */
void uw_windows_good(struct uw_windows *w, const struct uw_flow_id *id, uint64_t first_ns, uint64_t last_ns,
		     uint64_t n);

/* @w: opened, or a flow joined it (closed is false), or closed; to be copied if it is to be kept. */
typedef void (*uw_window_fn)(void *arg, struct uw_window *w);

/** uw_windows_settle - all outcomes of queries sent until @until_ns are known (UINT64_MAX: there will be
 * no more): tell what opened and closed since, at the end also what is still open and has grown. */
void uw_windows_settle(struct uw_windows *w, uint64_t until_ns, uw_window_fn fn, void *arg);

/** uw_windows_list - those kept, the oldest first. */
const struct uw_window *const *uw_windows_list(struct uw_windows *w, unsigned *count);

/** uw_windows_take - one that another run concluded; it replaces what was taken of it before. Queries of
 * that run (uw_flow_id.host) conclude nothing here, they are counted only. */
void uw_windows_take(struct uw_windows *w, const struct uw_window *read);

/** uw_windows_rest - losses of a flow of another run that were counted only. */
void uw_windows_rest(struct uw_windows *w, const struct uw_flow_id *id, uint64_t bad);

/* What was lost, in windows and outside of them, of the flows that were in one. */
struct uw_loss {
	uint64_t inside, outside;
};
struct uw_loss uw_windows_loss(const struct uw_windows *w);

/** uw_windows_opened - how many of this run, ever. */
uint64_t uw_windows_opened(const struct uw_windows *w);

/**
 * uw_windows_forget - for runs that last: closed windows that ended more than @span_ns ago are kept no longer,
 * losses before, in windows or outside, are out of uw_windows_loss() within twice that, and flows that have
 * not been asked for long give way where there are many.
 */
void uw_windows_forget(struct uw_windows *w, uint64_t now_ns, uint64_t span_ns);

/** uw_windows_lost - outcomes and flows that there was no room or time for. */
uint64_t uw_windows_lost(const struct uw_windows *w);

#endif
