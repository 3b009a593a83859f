// SPDX-License-Identifier: GPL-2.0-only
#include "live/daemons.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "live/process.h"

static const char *const daemons[] = { "chronyd", "ntpd", "ntp-daemon", "systemd-timesyncd" };

/* Return: which of them runs as /proc/PID, NULL if none. */
static const char *daemon_at(const char *proc, const char *pid)
{
	char exe[UW_NAME_MAX];

	if (!uw_process_file(proc, pid, exe))
		return NULL;
	for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++) {
		if (!strcmp(exe, daemons[i]))
			return daemons[i];
	}
	return NULL;
}

/* Return: inode of its network namespace, 0 if it is gone. */
static uint32_t netns_of(const char *proc, const char *pid)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "%.200s/%.20s/ns/net", proc, pid);
	return stat(path, &st) ? 0 : (uint32_t)st.st_ino;
}

static uint32_t user_of(const char *proc, const char *pid)
{
	char path[300], line[256];
	uint32_t uid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%.200s/%.20s/status", proc, pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f) && sscanf(line, "Uid: %u", &uid) != 1)
		;
	if (f)
		fclose(f);
	return uid;
}

/* The line of cgroup v2 as this process sees it: "0::/system.slice/chrony.service"; "" if it lies beyond our own. */
static void cgroup_of(const char *proc, const char *pid, char out[UW_NAME_MAX])
{
	char path[300], *line = NULL;
	size_t room = 0;
	FILE *f;

	out[0] = '\0';
	snprintf(path, sizeof(path), "%.200s/%.20s/cgroup", proc, pid);
	f = fopen(path, "re");
	while (f && !out[0] && getline(&line, &room, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "0::/", 4) && strncmp(line, "0::/..", 6))
			snprintf(out, UW_NAME_MAX, "%.*s", UW_NAME_MAX - 1, line + 3);
	}
	free(line);
	if (f)
		fclose(f);
}

static bool is_there(const struct uw_asker *list, unsigned count, const char *name, uint32_t netns)
{
	for (unsigned i = 0; i < count; i++) {
		if (list[i].netns == netns && !strcmp(list[i].executable, name))
			return true;
	}
	return false;
}

unsigned uw_daemons_find(const char *proc, bool (*in_scope)(void *arg, uint32_t netns), void *arg,
			 struct uw_asker *out, unsigned found, unsigned max)
{
	DIR *dir = opendir(proc);
	struct dirent *e;
	uint64_t pid;

	while (dir && found < max && (e = readdir(dir))) {
		const char *name = uw_parse_number(e->d_name, 1, UW_PID_MAX, &pid) ? NULL : daemon_at(proc, e->d_name);
		uint32_t netns = name ? netns_of(proc, e->d_name) : 0;

		if (!netns || !in_scope(arg, netns) || is_there(out, found, name, netns))
			continue;
		out[found] = (struct uw_asker){
			.pid = (uint32_t)pid, .uid = user_of(proc, e->d_name), .netns = netns, .protocol = UW_PROTO_NTP,
		};
		cgroup_of(proc, e->d_name, out[found].cgroup);
		snprintf(out[found++].executable, sizeof(out->executable), "%s", name);
	}
	if (dir)
		closedir(dir);
	return found;
}
