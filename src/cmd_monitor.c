// SPDX-License-Identifier: GPL-2.0-only
/* udpwhy monitor: the same truth all day long, for log and metric pipelines. */
#include "cmd.h"
#include "watch.h"

int uw_cmd_monitor(const struct uw_options *o)
{
	struct uw_watch_plan plan = { .options = o };

	return uw_watch(&plan);
}
