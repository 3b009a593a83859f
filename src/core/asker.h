/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who asks: the sockets of this host that ask, the short name of the service that a process belongs
 * to, and the rhythm in which a flow's queries come.
 */
#ifndef UW_ASKER_H
#define UW_ASKER_H

#include <stddef.h>
#include <stdint.h>

#include "core/query.h"

struct uw_port {
	uint16_t port;
	uint8_t protocol;	/* enum uw_proto */
};

#define UW_RHYTHM_SENDS 9	/* kept: eight intervals */

/*
 * In which rhythm somebody asks, of two sources: when the last queries were sent, and what the asker itself
 * says. What was seen goes before what was said. Times are CLOCK_BOOTTIME. Zeroed is empty.
 */
struct uw_rhythm {
	uint64_t sent_ns[UW_RHYTHM_SENDS];	/* oldest first */
	unsigned count;
	uint64_t told_ns, told_longest_ns;	/* the shortest and the longest interval between two to one server */
	uint64_t told_next_ns;			/* 0 not told */
};

/** uw_rhythm_note - a query was sent. Told in any order; a time told twice counts once. */
void uw_rhythm_note(struct uw_rhythm *r, uint64_t sent_ns);

/**
 * uw_rhythm_interval_ns - the median time between two sends; if they say nothing, what was told.
 * Fewer than three sends say nothing, nor do those that keep no time: more than a quarter of the intervals
 * are off the median by more than a quarter of it. Return: 0 unknown.
 */
uint64_t uw_rhythm_interval_ns(const struct uw_rhythm *r);

/** uw_rhythm_longest_ns - the longest one, where several servers are asked in rhythms of their own. */
uint64_t uw_rhythm_longest_ns(const struct uw_rhythm *r);

/** uw_rhythm_next_ns - when the next send is due; 0 if there is no rhythm or it has ended. */
uint64_t uw_rhythm_next_ns(const struct uw_rhythm *r, uint64_t now_ns);

#define UW_UNIT_MAX 96		/* bytes, of uw_cgroup_unit() */

/* A socket of this host that asks, found when the run starts. Names are raw bytes. */
struct uw_asker {
	char executable[UW_NAME_MAX];
	uint32_t pid;
	uint32_t uid;			/* of the process */
	char user[UW_USER_MAX];		/* "" unknown */
	uint64_t cgroup_id;
	char cgroup[UW_NAME_MAX];	/* path below the cgroup root, "" unknown */
	uint32_t netns;			/* of the socket */
	char netns_name[UW_NETNS_NAME];	/* as 'ip netns' has it, "" none */
	uint8_t protocol;
	uint16_t port;			/* local */
	unsigned servers;
	unsigned others;		/* further processes that hold the same socket */
	struct uw_rhythm rhythm;	/* as it says itself */
};

/**
 * uw_askers_find - who asks: processes with a UDP socket that is connected to a traced port, or, for NTP
 * (whose clients like to own port 123), bound to one without a peer.
 * @h: from a walk over the processes; out: receives at most @max askers in the order of @h, one a
 * process, protocol, local port and namespace. The names of user, cgroup and namespace stay empty. A
 * socket that several processes hold is the first one's, the rest is counted.
 *
 * Return: how many were written.
 */
unsigned uw_askers_find(const struct uw_holding *h, unsigned count, const struct uw_port *ports,
			unsigned port_count, struct uw_asker *out, unsigned max);

/**
 * uw_holders_find - fill q->holders: who had the asking socket open.
 * @h: as above; socket: the one that asked as the kernel side knows it, 0 if it does not: then every
 * socket that a reply to this query is for.
 */
void uw_holders_find(const struct uw_holding *h, unsigned count, uint64_t socket, struct uw_query *q);

/**
 * uw_cgroup_unit - what a person calls the cgroup of a process: its systemd unit
 * ("chrony.service", "session-3.scope"; of a user's manager that user's unit), or its container
 * ("docker 0123456789ab", "pod 1a2b3c4d container 0123456789ab", "lxc web").
 * @cgroup: path below the root of cgroup v2; buf: receives the name, cut, raw bytes as they stand.
 *
 * Return: @buf, or "" for a path that names neither.
 */
const char *uw_cgroup_unit(const char *cgroup, char buf[UW_UNIT_MAX]);

#endif
