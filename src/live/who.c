// SPDX-License-Identifier: GPL-2.0-only
#include "live/who.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live/capability.h"
#include "live/netns.h"

#define USERS 64
#define CGROUPS 256
#define NAMESPACES 1024
#define FILEID_KERNFS 0xfe	/* enum fid_type: the handle is the node's id (33c5ac9175195, 5.5) */

/* Of each kind the last used ones, the oldest entry is replaced first. Ids of cgroups are never reused. */
struct uw_who {
	const char *passwd;
	char mount[UW_NAME_MAX];	/* of cgroup v2, "" none */
	int mount_fd;
	uw_who_gone_fn gone;
	void *gone_arg;
	unsigned users, cgroups, namespaces;
	unsigned next_user, next_cgroup, next_namespace;
	struct user {
		uint32_t uid;
		char name[UW_USER_MAX];
	} user[USERS];
	struct cgroup {
		uint64_t id;
		char path[UW_NAME_MAX];
	} cgroup[CGROUPS];
	struct namespace {
		uint32_t inum;
		char name[UW_NETNS_NAME];
	} namespace[NAMESPACES];
};

static unsigned take_place(unsigned *used, unsigned *next, unsigned max)
{
	unsigned at = *next;

	if (*used < max)
		return (*used)++;
	*next = (at + 1) % max;
	return at;
}

struct uw_who *uw_who_new(const char *passwd, const char *mounts)
{
	struct uw_who *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->passwd = passwd ? passwd : "/etc/passwd";
	w->mount_fd = -1;
	if (!uw_cgroup2_mount(mounts ? mounts : "/proc/self/mounts", w->mount, sizeof(w->mount)))
		w->mount_fd = open(w->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return w;
}

void uw_who_free(struct uw_who *w)
{
	if (w && w->mount_fd >= 0)
		close(w->mount_fd);
	free(w);
}

void uw_who_gone(struct uw_who *w, uw_who_gone_fn gone, void *arg)
{
	w->gone = gone;
	w->gone_arg = arg;
}

static void find_user(struct uw_who *w, struct user *u)
{
	FILE *file = fopen(w->passwd, "re");
	struct passwd *p;

	while (file && (p = fgetpwent(file))) {
		if (p->pw_uid != u->uid)
			continue;
		snprintf(u->name, sizeof(u->name), "%s", p->pw_name);
		break;
	}
	if (file)
		fclose(file);
}

const char *uw_who_user(struct uw_who *w, uint32_t uid, char out[UW_USER_MAX])
{
	struct user *u = NULL;

	for (unsigned i = 0; i < w->users && !u; i++) {
		if (w->user[i].uid == uid)
			u = &w->user[i];
	}
	if (!u) {
		u = &w->user[take_place(&w->users, &w->next_user, USERS)];
		*u = (struct user){ .uid = uid };
		find_user(w, u);
	}
	memcpy(out, u->name, sizeof(u->name));
	return out;
}

/* What the kernel's own handle of this id leads to; "" if it is gone or beyond our mount. */
static void find_cgroup(const struct uw_who *w, struct cgroup *c)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(uint64_t)];
	} h = { .handle = { .handle_bytes = sizeof(c->id), .handle_type = FILEID_KERNFS } };
	char link[32], path[2 * UW_NAME_MAX];
	size_t root = strcmp(w->mount, "/") ? strlen(w->mount) : 0;
	ssize_t length;
	int fd;

	if (w->mount_fd < 0)
		return;
	memcpy(h.handle.f_handle, &c->id, sizeof(c->id));
	fd = open_by_handle_at(w->mount_fd, &h.handle, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	close(fd);
	if (length < (ssize_t)root || memcmp(path, w->mount, root))
		return;
	path[length] = '\0';
	if (path[root] && path[root] != '/')
		return;
	snprintf(c->path, sizeof(c->path), "%.*s", UW_NAME_MAX - 1, path[root] ? path + root : "/");
}

const char *uw_who_cgroup(struct uw_who *w, uint64_t id, char out[UW_NAME_MAX])
{
	struct cgroup now = { .id = id };
	unsigned i;

	out[0] = '\0';
	for (i = 0; i < w->cgroups; i++) {
		if (w->cgroup[i].id == id) {
			memcpy(out, w->cgroup[i].path, sizeof(now.path));
			return out;
		}
	}
	find_cgroup(w, &now);
	if (!now.path[0] && (!w->gone || !w->gone(w->gone_arg, id, now.path)))
		return out;
	w->cgroup[take_place(&w->cgroups, &w->next_cgroup, CGROUPS)] = now;
	memcpy(out, now.path, sizeof(now.path));
	return out;
}

static void keep_namespace(void *arg, uint32_t inum, const char *name)
{
	struct uw_who *w = arg;
	struct namespace *n = NULL;

	for (unsigned i = 0; i < w->namespaces && !n; i++) {
		if (w->namespace[i].inum == inum)
			n = &w->namespace[i];
	}
	if (!n)
		n = &w->namespace[take_place(&w->namespaces, &w->next_namespace, NAMESPACES)];
	n->inum = inum;
	snprintf(n->name, sizeof(n->name), "%s", name);
}

void uw_who_look_at_namespaces(struct uw_who *w)
{
	uw_netns_names(keep_namespace, w);
}

const char *uw_who_netns(const struct uw_who *w, uint32_t inum, char out[UW_NETNS_NAME])
{
	out[0] = '\0';
	for (unsigned i = 0; i < w->namespaces; i++) {
		if (w->namespace[i].inum == inum)
			memcpy(out, w->namespace[i].name, UW_NETNS_NAME);
	}
	return out;
}
