/* SPDX-License-Identifier: GPL-2.0-only */
/* trace -- COMMAND: the command, run as the user who called sudo, with nothing of ours left in it. */
#ifndef UW_CHILD_H
#define UW_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * uw_child_find - whether a command can be run, by the rules of execvp(3).
 * Return: 0, -ENOENT or -EACCES.
 */
int uw_child_find(const char *name);

/**
 * uw_child_start - run a command.
 * @argv: with its NULL; stdout_to_stderr: keep its output out of ours.
 *
 * As SUDO_UID and SUDO_GID when set; signals as they are by default; no descriptor of ours but 0 to 2.
 * Return: its pid, or -errno of whatever failed, exec included.
 */
pid_t uw_child_start(char *const argv[], bool stdout_to_stderr);

/** uw_child_status - the status as a shell gives it: of exit, or 128 + signal; of waitpid(2)'s word. */
int uw_child_status(int status);

#endif
