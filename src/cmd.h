/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands: each takes the parsed command line, speaks for itself and returns the exit status. */
#ifndef UW_CMD_H
#define UW_CMD_H

#include "cli.h"

int uw_cmd_trace(const struct uw_options *o);
int uw_cmd_monitor(const struct uw_options *o);
int uw_cmd_probe(const struct uw_options *o);
int uw_cmd_analyze(const struct uw_options *o);
int uw_cmd_doctor(const struct uw_options *o);
int uw_cmd_explain(const struct uw_options *o);

#endif
