// SPDX-License-Identifier: GPL-2.0-only
/* A command table and a few calls. */
#include <stdio.h>

#include <bpf/libbpf.h>

#include "ask/plugin.h"
#include "cli_extra.h"
#include "cmd.h"
#include "offline/capture.h"
#include "standard.h"

static int (*const command[UW_COMMANDS])(const struct uw_options *) = {
	[UW_CMD_TRACE] = uw_cmd_trace,
	[UW_CMD_MONITOR] = uw_cmd_monitor,
	[UW_CMD_PROBE] = uw_cmd_probe,
	[UW_CMD_ANALYZE] = uw_cmd_analyze,
	[UW_CMD_DOCTOR] = uw_cmd_doctor,
	[UW_CMD_EXPLAIN] = uw_cmd_explain,
};

static int run(const struct uw_extra *extra)
{
	char error[UW_CLI_ERROR_MAX];
	struct uw_options o;

	switch (uw_cli_parse_extra(extra->argc, extra->argv, &extra->words, &o, error)) {
	case UW_CLI_HELP:
		fputs(uw_cli_help(o.command), stdout);
		return 0;
	case UW_CLI_VERSION:
		printf("udpwhy %s, libbpf %s, %s\n", UW_VERSION, libbpf_version_string(), uw_capture_library());
		return 0;
	case UW_CLI_ERROR:
		/* A monitoring system reads its one line from stdout. */
		if (o.command == UW_CMD_PROBE)
			return uw_plugin_fail(o.ask, error, stdout);
		fprintf(stderr, "udpwhy: %s\n", error);
		return 2;
	case UW_CLI_RUN:
		break;
	}
	return command[o.command](&o);
}

int main(int argc, char **argv)
{
	char error[UW_CLI_ERROR_MAX];
	struct uw_extra extra;
	int status;

	uw_standard_reserve();
	if (uw_extra_take(argc, argv, &extra, error))
		status = uw_plugin_fail(UW_PROTO_NONE, error, stdout);
	else
		status = run(&extra);
	uw_extra_free(&extra);
	return uw_standard_finish(status);
}
