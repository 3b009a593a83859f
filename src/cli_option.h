/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of all commands' options, each with the function that takes its argument. For cli.c, which parses. */
#ifndef UW_CLI_OPTION_H
#define UW_CLI_OPTION_H

#include <stddef.h>

#include "cli.h"

#define UW_CLI_OPTIONS_MAX 64
#define UW_CLI_REPEATS (1u << 31)	/* may be given more than once, to add to the first */

/**
 * uw_cli_take - takes an option's argument whole.
 * @arg: stays the caller's and is kept by address; NULL where the option takes none.
 * Return: 0 or -errno.
 */
typedef int uw_cli_take(struct uw_options *o, const char *arg);

struct uw_cli_option {
	const char *name;	/* behind "--", or NULL */
	char letter;		/* behind "-", or 0 */
	unsigned commands;	/* that have it: a bit for each enum uw_command; UW_CLI_REPEATS */
	uw_cli_take *take;
	const char *allowed;	/* what the argument may be; NULL: takes none */
};

extern const struct uw_cli_option uw_cli_options[];
extern const size_t uw_cli_option_count;

/* Those that the parser asks about by name: what is absent has a default that depends on others. */
uw_cli_take uw_cli_take_dns_server;
uw_cli_take uw_cli_take_ipv4;
uw_cli_take uw_cli_take_ipv6;
uw_cli_take uw_cli_take_timeout;
uw_cli_take uw_cli_take_limit;
uw_cli_take uw_cli_take_warning;
uw_cli_take uw_cli_take_critical;

#endif
