// SPDX-License-Identifier: GPL-2.0-only
#include "live/netns.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define NETNS_NAMES "/run/netns"

/* The inode number of a network namespace's file, 0 if it is none. */
static uint32_t namespace_inode(int fd)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) || fs.f_type != NSFS_MAGIC || fstat(fd, &st) ||
	    ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
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

	return x != y ? (x > y) - (x < y) : strcmp(((const struct uw_netns *)a)->path, ((const struct uw_netns *)b)->path);
}

/* Sorts and keeps one of each: of several names the first; processes were not added to a name. */
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

void uw_netns_names(void (*fn)(void *arg, uint32_t inum, const char *name), void *arg)
{
	DIR *dir = opendir(NETNS_NAMES);
	struct uw_netns ns;
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		char path[UW_NETNS_PATH];

		snprintf(path, sizeof(path), NETNS_NAMES "/%s", e->d_name);
		if (e->d_name[0] != '.' && !netns_at(path, &ns))
			fn(arg, ns.inum, e->d_name);
	}
	if (dir)
		closedir(dir);
}

struct scan {
	struct uw_netns *out;
	unsigned count;
};

static void scan_name(void *arg, uint32_t inum, const char *name)
{
	struct scan *s = arg;
	struct uw_netns *n = &s->out[s->count];

	if (s->count == UW_NETNS_SCAN_MAX / 2)
		return;
	s->count++;
	n->inum = inum;
	snprintf(n->path, sizeof(n->path), NETNS_NAMES "/%s", name);
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
	struct scan names = { .out = out };
	char path[UW_NETNS_PATH];
	DIR *dir = opendir("/proc");
	struct dirent *e;
	unsigned n;

	uw_netns_names(scan_name, &names);
	n = names.count;
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

/* Its path may lead to another one by now. */
static int open_same(const struct uw_netns *n)
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

struct visit {
	int fd, result;
	int (*fn)(void *arg);
	void *arg;
};

static void *visit(void *arg)
{
	struct visit *v = arg;

	v->result = setns(v->fd, CLONE_NEWNET) ? -errno : v->fn(v->arg);
	return NULL;
}

int uw_netns_visit(const struct uw_netns *n, int (*fn)(void *arg), void *arg)
{
	struct visit v = { .fd = open_same(n), .fn = fn, .arg = arg };
	sigset_t all, before;
	pthread_t thread;
	int err;

	if (v.fd < 0)
		return v.fd;
	/* Signals are for the main thread, which waits here and takes them afterwards. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, NULL, visit, &v);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		err = pthread_join(thread, NULL);
	close(v.fd);
	return err ? -err : v.result;
}
