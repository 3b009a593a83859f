// SPDX-License-Identifier: GPL-2.0-only
#include "live/netns.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define NETNS_NAMES "/run/netns"

/* The inode number of a namespace file, 0 if it is none. */
static uint32_t namespace_inode(int fd)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) || fs.f_type != NSFS_MAGIC || fstat(fd, &st))
		return 0;
	return (uint32_t)st.st_ino;
}

static int netns_at(const char *path, struct uw_netns *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;
	uint32_t inum;

	if (fd < 0)
		return -errno;
	inum = namespace_inode(fd);
	if (!inum) {
		err = -EINVAL;
	} else {
		out->inum = inum;
		snprintf(out->path, sizeof(out->path), "%s", path);
	}
	close(fd);
	return err;
}

int uw_netns_find(const struct uw_ns_ref *ref, struct uw_netns *out)
{
	char path[UW_NETNS_PATH];

	switch (ref->kind) {
	case UW_NS_PID:
		snprintf(path, sizeof(path), "/proc/%u/ns/net", ref->pid);
		break;
	case UW_NS_NAME:
		snprintf(path, sizeof(path), NETNS_NAMES "/%s", ref->text);
		break;
	default:
		snprintf(path, sizeof(path), "%s", ref->text);
		break;
	}
	return netns_at(path, out);
}

static int by_inode(const void *a, const void *b)
{
	uint32_t x = ((const struct uw_netns *)a)->inum, y = ((const struct uw_netns *)b)->inum;

	return x < y ? -1 : x > y;
}

/* Sorts and keeps one of each; the first found stays in front, names before processes. */
static unsigned keep_distinct(struct uw_netns *list, unsigned count)
{
	unsigned i, kept = 0;

	qsort(list, count, sizeof(*list), by_inode);
	for (i = 0; i < count; i++) {
		if (!kept || list[kept - 1].inum != list[i].inum)
			list[kept++] = list[i];
	}
	return kept;
}

static unsigned scan_names(struct uw_netns *out)
{
	DIR *dir = opendir(NETNS_NAMES);
	char path[UW_NETNS_PATH];
	struct dirent *e;
	unsigned n = 0;

	if (!dir)
		return 0;
	while (n < UW_NETNS_SCAN_MAX / 2 && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), NETNS_NAMES "/%s", e->d_name);
		if (!netns_at(path, &out[n]))
			n++;
	}
	closedir(dir);
	return n;
}

/* Reading the link is cheaper than opening the file, and most processes share one namespace. */
static uint32_t link_inode(const char *path)
{
	char target[64];
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	unsigned inum = 0;

	if (len <= 0)
		return 0;
	target[len] = '\0';
	return sscanf(target, "net:[%u]", &inum) == 1 ? inum : 0;
}

static bool known(const struct uw_netns *list, unsigned count, uint32_t inum)
{
	unsigned i;

	for (i = count; i-- > 0;) {
		if (list[i].inum == inum)
			return true;
	}
	return false;
}

unsigned uw_netns_scan(struct uw_netns *out)
{
	unsigned n = scan_names(out);
	char path[UW_NETNS_PATH];
	DIR *dir = opendir("/proc");
	struct dirent *e;

	while (dir && n < UW_NETNS_SCAN_MAX && (e = readdir(dir))) {
		uint32_t inum;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", e->d_name);
		inum = link_inode(path);
		if (!inum || known(out, n, inum))
			continue;
		out[n].inum = inum;
		snprintf(out[n].path, sizeof(out[n].path), "%s", path);
		n++;
	}
	if (dir)
		closedir(dir);
	return keep_distinct(out, n);
}

int uw_netns_open(const struct uw_netns *n)
{
	int fd = open(n->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (namespace_inode(fd) != n->inum) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

int uw_netns_enter(int fd)
{
	int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (back < 0)
		return -errno;
	if (setns(fd, CLONE_NEWNET)) {
		int err = -errno;

		close(back);
		return err;
	}
	return back;
}

void uw_netns_leave(int back)
{
	if (setns(back, CLONE_NEWNET)) {
		fprintf(stderr, "udpwhy: cannot return to the own network namespace: %s\n", strerror(errno));
		abort();
	}
	close(back);
}
