// SPDX-License-Identifier: GPL-2.0-only
#include "live/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 192
#define STARTED_FIELD 22	/* of /proc/PID/stat, in clock ticks after boot */

/* "812 (any ) bytes (at all) S 1 ..."; comm ends at the last parenthesis. 0 if it is gone. */
static unsigned long long started_ticks(const char *proc, uint32_t pid)
{
	char path[PATH_BYTES], buf[1024], *field;
	size_t got;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%u/stat", proc, pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	got = fread(buf, 1, sizeof(buf) - 1, file);
	fclose(file);
	buf[got] = '\0';
	field = strrchr(buf, ')');
	for (int n = 1; n < STARTED_FIELD - 1 && field; n++)	/* the n-th space after it ends field n + 1 */
		field = strchr(field + 1, ' ');
	return field ? strtoull(field + 1, NULL, 10) : 0;
}

/* Not another that was given the same pid. */
static bool same_process(const char *proc, const struct uw_task *t)
{
	unsigned long long then = t->started_ns / (1000000000ull / (unsigned long long)sysconf(_SC_CLK_TCK));
	unsigned long long now = started_ticks(proc, t->pid);

	return now && now + 1 >= then && now <= then + 1;
}

bool uw_process_file(const char *proc, const char *pid, char out[UW_NAME_MAX])
{
	static const char deleted[] = " (deleted)";
	char path[PATH_BYTES], target[4096], *name;
	struct stat st;
	ssize_t length;
	size_t end;

	snprintf(path, sizeof(path), "%s/%s/exe", proc, pid);
	length = readlink(path, target, sizeof(target) - 1);
	if (length <= 0)
		return false;
	target[length] = '\0';
	end = (size_t)length - (sizeof(deleted) - 1);
	if (length > (ssize_t)sizeof(deleted) && !strcmp(target + end, deleted) && (stat(path, &st) || !st.st_nlink))
		target[end] = '\0';
	name = strrchr(target, '/');
	snprintf(out, UW_NAME_MAX, "%.*s", UW_NAME_MAX - 1, name ? name + 1 : target);
	return true;
}

static void whole_name(const char *proc, const struct uw_task *t, char out[UW_NAME_MAX])
{
	char name[UW_NAME_MAX], pid[16];

	snprintf(pid, sizeof(pid), "%u", t->pid);
	/* The process may have another executable by now. */
	if (uw_process_file(proc, pid, name) && !strncmp(name, t->exe, UW_EXE - 1))
		memcpy(out, name, sizeof(name));
}

const char *uw_process_executable(const char *proc, const struct uw_task *t, char out[UW_NAME_MAX])
{
	snprintf(out, UW_NAME_MAX, "%s", t->exe[0] ? t->exe : t->comm);
	if (strlen(t->exe) == UW_EXE - 1 && same_process(proc, t))
		whole_name(proc, t, out);
	return out;
}
