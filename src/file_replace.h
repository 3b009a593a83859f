/* SPDX-License-Identifier: GPL-2.0-only */
/* A file that is whole at every moment, for others who read it whenever they like. */
#ifndef UW_FILE_REPLACE_H
#define UW_FILE_REPLACE_H

#include <stddef.h>

/**
 * uw_file_replace - put a new file in the place of @path, mode 0644. What others left under the name in
 * between (@path with ".udpwhy-new") is removed, not followed.
 * Return: 0 or -errno, and what was there stays.
 */
int uw_file_replace(const char *path, const char *bytes, size_t size);

#endif
