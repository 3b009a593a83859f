/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a server's state is what it is, in few words for the one line. */
#ifndef UW_PLUGIN_WHY_H
#define UW_PLUGIN_WHY_H

#include "ask/plugin.h"

/* Sums over the doors without EDNS. */
struct uw_plugin_sum {
	unsigned tried, answered, good;	/* good: neither refused nor failed there */
};

struct uw_plugin_sum uw_plugin_sum(const struct uw_plugin_server *s);

/** uw_plugin_edns_lost - the smallest EDNS size that drew no answer while asking without did, 0 none. */
unsigned uw_plugin_edns_lost(const struct uw_plugin_server *s);

/** uw_plugin_why - fill s->why. */
void uw_plugin_why(const struct uw_plugin *p, struct uw_plugin_server *s);

#endif
