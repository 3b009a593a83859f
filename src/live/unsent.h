/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether anything that a socket sent still is on this host. The kernel keeps account of a socket's packets
 * until they are freed: if it says none is left, one that seems held had an end that no hook was told of.
 */
#ifndef UW_UNSENT_H
#define UW_UNSENT_H

#include "core/query.h"
#include "live/netns.h"

enum uw_unsent {
	UW_UNSENT_UNKNOWN,	/* no socket has that port any more, or it cannot be read */
	UW_UNSENT_NONE,
	UW_UNSENT_SOME,
};

/** uw_unsent_parse - one line of /proc/net/udp or udp6, for the sockets bound to @port. */
enum uw_unsent uw_unsent_parse(const char *line, unsigned port);

/**
 * uw_unsent_look - the sockets of @ns at the client's port of @q, all families together.
 *
 * What has been taken by a device is on nobody's account any more: then UW_UNSENT_UNKNOWN.
 */
enum uw_unsent uw_unsent_look(const struct uw_query *q, const struct uw_netns *ns);

#endif
