// SPDX-License-Identifier: GPL-2.0-only
/* udpwhy trace: tell of each query that got no good answer whose fault it was. */
#include "cmd.h"
#include "watch.h"

int uw_cmd_trace(const struct uw_options *o)
{
	struct uw_watch_plan plan = { .options = o };

	return uw_watch(&plan);
}
