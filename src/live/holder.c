// SPDX-License-Identifier: GPL-2.0-only
#include "live/holder.h"

#include <stdio.h>
#include <string.h>

static bool at_netfilter(enum uw_stage s)
{
	return s == UW_STAGE_NF_OUTPUT || s == UW_STAGE_NF_POSTROUTING || s == UW_STAGE_NF_PREROUTING ||
	       s == UW_STAGE_NF_FORWARD || s == UW_STAGE_NF_INPUT;
}

uint32_t uw_holder_netns(const struct uw_query *q)
{
	unsigned i;

	if (q->hops == UW_PATH_MAX)
		return 0;
	for (i = q->hops; i-- > 0;) {
		if (!q->path[i].out)
			return q->path[i].netns;
	}
	return q->netns;
}

/* net/netfilter/nfnetlink_queue.c: number, the listener's port id, packets waiting, ... */
bool uw_holder_parse(const char *text)
{
	while (*text) {
		unsigned waiting;

		if (sscanf(text, "%*u %*u %u", &waiting) == 1 && waiting)
			return true;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return false;
}

static int look(void *arg)
{
	FILE *file = fopen("/proc/thread-self/net/netfilter/nfnetlink_queue", "re");
	bool *waiting = arg;
	char line[256];

	while (file && !*waiting && fgets(line, sizeof(line), file))
		*waiting = uw_holder_parse(line);
	if (file)
		fclose(file);
	return 0;
}

void uw_holder_find(struct uw_query *q, const struct uw_netns *ns)
{
	bool waiting = false;

	if ((q->verdict == UW_REQUEST_HELD || q->verdict == UW_REPLY_HELD) && at_netfilter(q->stage) &&
	    !uw_netns_visit(ns, look, &waiting) && waiting)
		q->held_by = "nfqueue";
}
