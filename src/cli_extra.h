/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * --extra-opts of the Monitoring Plugins: options of probe from a section of an ini file, so that a
 * threshold stands in one place.
 */
#ifndef UW_CLI_EXTRA_H
#define UW_CLI_EXTRA_H

#include "cli.h"

#define UW_EXTRA_WORDS 64
#define UW_EXTRA_BYTES 65536
#define UW_EXTRA_SECTION 64

struct uw_extra {
	struct uw_cli_extra words;
	char *word[UW_EXTRA_WORDS + 1];
	unsigned line[UW_EXTRA_WORDS];
	char **argv, **own;		/* the command line without --extra-opts; own: to be freed */
	int argc;
	char file[300];
};

/**
 * uw_extra_take - take --extra-opts[=[SECTION][@FILE]] out of the words of "probe", and read the file.
 * Without a section it is that of the plugin which probe replaces, check_ntp_time or check_dns; without a
 * file the first that there is of the usual ones.
 * @x: what was found; without the option argc and argv as they were. To be freed even after a failure.
 * Return: 0, or -1 with one line in @error.
 */
int uw_extra_take(int argc, char *argv[], struct uw_extra *x, char error[UW_CLI_ERROR_MAX]);
void uw_extra_free(struct uw_extra *x);

/**
 * uw_extra_parse - the options of a section, as words: pure. @text: @size bytes, hostile.
 * Return: 0, or -1 with one line in @error that quotes nothing of the text.
 */
int uw_extra_parse(const char *text, size_t size, const char *section, struct uw_extra *x,
		   char error[UW_CLI_ERROR_MAX]);

#endif
