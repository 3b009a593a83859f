/* SPDX-License-Identifier: GPL-2.0-only */
/* What a process is called. Names are hostile, and kept as raw bytes: sinks make them safe. */
#ifndef UW_PROCESS_H
#define UW_PROCESS_H

#include <stdbool.h>

#include "core/query.h"

/**
 * uw_process_file - the file name of the executable that runs as @pid now: "chronyd", also of one that was
 * upgraded since, "/usr/sbin/chronyd (deleted)". A file may be called so as well, and keeps its name.
 * @proc: where /proc is mounted. Return: false if it is gone or has none.
 */
bool uw_process_file(const char *proc, const char *pid, char out[UW_NAME_MAX]);

/**
 * uw_process_executable - the file name of a task's executable, or its comm if it has none.
 * @proc: where /proc is mounted; t: what the kernel told when the task sent, which may be gone since.
 *
 * An interpreter is itself, whatever it interprets; a file that was deleted keeps its name. Only a name
 * that was cut is looked for in /proc, in that of the very same process.
 *
 * Return: @out.
 */
const char *uw_process_executable(const char *proc, const struct uw_task *t, char out[UW_NAME_MAX]);

#endif
