// SPDX-License-Identifier: GPL-2.0-only
#include "live/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROCESSES_LOOKED_AT 65536
#define NAMESPACES_MAX 256
#define SOCKETS_MAX 1024
#define FDS_MAX 65536		/* of one process */
#define PATH_BYTES 192

struct uw_processes {
	char proc[96];
	unsigned count, next;	/* next: the oldest, once all are in use */
	struct uw_process entry[UW_PROCESSES_MAX];
};

struct uw_processes *uw_processes_new(const char *proc)
{
	struct uw_processes *p = calloc(1, sizeof(*p));

	if (p)
		snprintf(p->proc, sizeof(p->proc), "%s", proc ? proc : "/proc");
	return p;
}

void uw_processes_free(struct uw_processes *p)
{
	free(p);
}

static void path_of(const struct uw_processes *p, uint32_t pid, const char *what, char *path)
{
	snprintf(path, PATH_BYTES, "%s/%u/%s", p->proc, pid, what);
}

/* The beginning of a small file as a string; a whole one for the files read here. */
static int read_file(const char *path, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t got = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (used < size - 1 && (got = read(fd, buf + used, size - 1 - used)) > 0)
		used += (size_t)got;
	if (got < 0)
		got = -errno;
	close(fd);
	buf[used] = '\0';
	return got < 0 ? (int)got : 0;
}

/* /proc/PID/stat: "812 (any ) bytes (at all) S 1 ..."; comm ends at the last parenthesis. */
static int read_stat(const struct uw_processes *p, uint32_t pid, struct uw_process *out)
{
	char path[PATH_BYTES], buf[1024], *open_at, *close_at, *field;
	size_t length;
	int err;

	path_of(p, pid, "stat", path);
	err = read_file(path, buf, sizeof(buf));
	if (err)
		return err;
	open_at = strchr(buf, '(');
	close_at = strrchr(buf, ')');
	if (!open_at || !close_at || close_at < open_at)
		return -EBADMSG;
	length = (size_t)(close_at - open_at) - 1;
	if (length >= sizeof(out->comm))
		length = sizeof(out->comm) - 1;
	memcpy(out->comm, open_at + 1, length);
	out->comm[length] = '\0';
	field = close_at + 1;	/* ends field 2; each step ends one more */
	for (int n = 2; n < 21 && field; n++)
		field = strchr(field + 1, ' ');
	if (!field)
		return -EBADMSG;
	out->started = strtoull(field + 1, NULL, 10);
	out->pid = pid;
	return 0;
}

/* "/usr/sbin/chronyd", or "... (deleted)" after an upgrade. Kernel threads have none. */
static void read_executable(const struct uw_processes *p, struct uw_process *out)
{
	static const char deleted[] = " (deleted)";
	char path[PATH_BYTES], target[4096];
	const char *name;
	ssize_t got;
	size_t length;

	snprintf(out->executable, sizeof(out->executable), "%s", out->comm);
	path_of(p, out->pid, "exe", path);
	got = readlink(path, target, sizeof(target) - 1);
	if (got <= 0)
		return;
	length = (size_t)got;
	if (length > sizeof(deleted) - 1 &&
	    memcmp(target + length - (sizeof(deleted) - 1), deleted, sizeof(deleted) - 1) == 0)
		length -= sizeof(deleted) - 1;
	target[length] = '\0';
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (*name)
		snprintf(out->executable, sizeof(out->executable), "%.*s", UW_NAME_MAX - 1, name);
}

/* "0::/system.slice/chrony.service" is the line of cgroup v2; others belong to v1 hierarchies. */
static void read_cgroup(const struct uw_processes *p, struct uw_process *out)
{
	char path[PATH_BYTES], buf[8192], *line, *rest = buf;

	out->cgroup[0] = '\0';
	path_of(p, out->pid, "cgroup", path);
	if (read_file(path, buf, sizeof(buf)))
		return;
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, "0::", 3) == 0) {
			snprintf(out->cgroup, sizeof(out->cgroup), "%.*s", UW_NAME_MAX - 1,
				 line + 3);
			return;
		}
	}
}

/* The entry of this very process, or NULL; started 0 means "the last one with this pid". */
static struct uw_process *find(struct uw_processes *p, uint32_t pid, uint64_t started)
{
	struct uw_process *best = NULL;

	for (unsigned i = 0; i < p->count; i++) {
		struct uw_process *e = &p->entry[i];

		if (e->pid != pid || (started && e->started != started))
			continue;
		if (!best || e->started > best->started)
			best = e;
	}
	return best;
}

static struct uw_process *take_entry(struct uw_processes *p)
{
	struct uw_process *e;

	if (p->count < UW_PROCESSES_MAX)
		return &p->entry[p->count++];
	e = &p->entry[p->next];
	p->next = (p->next + 1) % UW_PROCESSES_MAX;
	return e;
}

const struct uw_process *uw_process_get(struct uw_processes *p, uint32_t pid)
{
	struct uw_process now = { 0 }, *known;

	if (pid == 0 || read_stat(p, pid, &now))
		return pid ? find(p, pid, 0) : NULL;
	known = find(p, pid, now.started);
	/* exec keeps pid and start time and changes comm */
	if (known && strcmp(known->comm, now.comm) == 0)
		return known;
	read_executable(p, &now);
	read_cgroup(p, &now);
	if (!known)
		known = take_entry(p);
	*known = now;
	return known;
}

uint32_t uw_process_namespace(const struct uw_processes *p, uint32_t pid)
{
	char path[PATH_BYTES];
	struct stat st;

	path_of(p, pid, "ns/net", path);
	return stat(path, &st) == 0 ? (uint32_t)st.st_ino : 0;
}

struct socket_fact {
	uint64_t inode;
	char remote[33];	/* hexadecimal as in /proc/net/udp, to be compared only */
	uint16_t local_port, remote_port;
	uint8_t protocol;
	uint32_t owner;		/* the process counted for it, 0 none yet */
};

struct search {
	const struct uw_port *ports;
	unsigned port_count;
	struct socket_fact socket[SOCKETS_MAX];
	unsigned sockets;
	uint32_t namespaces[NAMESPACES_MAX];
	unsigned namespace_count;
};

static uint8_t protocol_of(const struct search *s, uint16_t port)
{
	for (unsigned i = 0; i < s->port_count; i++) {
		if (s->ports[i].port == port)
			return s->ports[i].protocol;
	}
	return UW_PROTO_NONE;
}

/*
 * "sl local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
 * " 812: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000 103 0 21234 ..."
 */
static void parse_socket(struct search *s, const char *line)
{
	struct socket_fact *f = &s->socket[s->sockets];
	unsigned local_port, remote_port;
	unsigned long long inode;
	uint8_t asks, waits;

	if (s->sockets == SOCKETS_MAX)
		return;
	if (sscanf(line, " %*u: %*32[0-9A-Fa-f]:%4x %32[0-9A-Fa-f]:%4x %*x %*x:%*x %*x:%*x %*x"
		   " %*u %*u %llu", &local_port, f->remote, &remote_port, &inode) != 4)
		return;
	if (inode == 0)
		return;	/* closed, waiting for its last packet to go */
	asks = protocol_of(s, (uint16_t)remote_port);
	waits = protocol_of(s, (uint16_t)local_port);
	if (remote_port && asks)
		f->protocol = asks;
	else if (!remote_port && waits == UW_PROTO_NTP)
		f->protocol = waits;
	else
		return;
	f->inode = inode;
	f->local_port = (uint16_t)local_port;
	f->remote_port = (uint16_t)remote_port;
	f->owner = 0;
	s->sockets++;
}

static void read_sockets(struct search *s, const struct uw_processes *p, uint32_t pid)
{
	static const char *const file[] = { "net/udp", "net/udp6" };
	char path[PATH_BYTES], line[512];

	for (size_t i = 0; i < sizeof(file) / sizeof(file[0]); i++) {
		FILE *f;

		path_of(p, pid, file[i], path);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f))
			parse_socket(s, line);
		if (f)
			fclose(f);
	}
}

static bool new_namespace(struct search *s, uint32_t inode)
{
	for (unsigned i = 0; i < s->namespace_count; i++) {
		if (s->namespaces[i] == inode)
			return false;
	}
	if (inode == 0 || s->namespace_count == NAMESPACES_MAX)
		return false;
	s->namespaces[s->namespace_count++] = inode;
	return true;
}

/* The asker's line for this process, protocol and port, made if there is none. */
static struct uw_asker *asker_of(struct uw_processes *p, uint32_t pid, const struct socket_fact *f,
				 struct uw_asker *out, unsigned *count, unsigned max)
{
	const struct uw_process *process;
	struct uw_asker *a;

	for (unsigned i = 0; i < *count; i++) {
		if (out[i].pid == pid && out[i].protocol == f->protocol &&
		    out[i].port == f->local_port)
			return &out[i];
	}
	if (*count == max)
		return NULL;
	a = &out[(*count)++];
	memset(a, 0, sizeof(*a));
	a->pid = pid;
	a->protocol = f->protocol;
	a->port = f->local_port;
	process = uw_process_get(p, pid);
	if (process)
		snprintf(a->executable, sizeof(a->executable), "%s", process->executable);
	return a;
}

static struct socket_fact *find_socket(struct search *s, uint64_t inode)
{
	for (unsigned i = 0; i < s->sockets; i++) {
		if (s->socket[i].inode == inode)
			return &s->socket[i];
	}
	return NULL;
}

/* A server that two sockets of one process and port are connected to counts once. */
static bool counted_before(const struct search *s, const struct socket_fact *f, uint32_t pid)
{
	for (const struct socket_fact *e = s->socket; e < s->socket + s->sockets; e++) {
		if (e->owner == pid && e->local_port == f->local_port &&
		    e->remote_port == f->remote_port && strcmp(e->remote, f->remote) == 0)
			return true;
	}
	return false;
}

/* A socket that several processes share (a fork) is counted with the first that has it. */
static void match_fds(struct search *s, struct uw_processes *p, uint32_t pid, struct uw_asker *out,
		      unsigned *count, unsigned max)
{
	char path[PATH_BYTES], target[64];
	unsigned looked = 0;
	struct dirent *entry;
	DIR *dir;

	path_of(p, pid, "fd", path);
	dir = opendir(path);
	while (dir && looked++ < FDS_MAX && (entry = readdir(dir))) {
		ssize_t got = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		unsigned long long inode;
		struct socket_fact *f;
		struct uw_asker *a;

		if (got <= 0)
			continue;
		target[got] = '\0';
		if (sscanf(target, "socket:[%llu]", &inode) != 1)
			continue;
		f = find_socket(s, inode);
		if (!f || f->owner)
			continue;
		a = asker_of(p, pid, f, out, count, max);
		if (a && f->remote_port && !counted_before(s, f, pid))
			a->servers++;
		f->owner = pid;
	}
	if (dir)
		closedir(dir);
}

/* The pids of /proc, sorted as readdir gives them; NULL without memory or /proc. */
static uint32_t *list_pids(const struct uw_processes *p, unsigned *count)
{
	uint32_t *pid = calloc(PROCESSES_LOOKED_AT, sizeof(*pid));
	DIR *dir = opendir(p->proc);
	struct dirent *entry;

	*count = 0;
	while (pid && dir && *count < PROCESSES_LOOKED_AT && (entry = readdir(dir))) {
		char *end;
		unsigned long value;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		value = strtoul(entry->d_name, &end, 10);
		if (*end == '\0' && value <= INT32_MAX)
			pid[(*count)++] = (uint32_t)value;
	}
	if (dir)
		closedir(dir);
	return pid;
}

unsigned uw_process_askers(struct uw_processes *p, const struct uw_port *ports, unsigned port_count,
			   struct uw_asker *out, unsigned max)
{
	struct search *s = calloc(1, sizeof(*s));
	unsigned pids = 0, count = 0;
	uint32_t *pid = list_pids(p, &pids);

	if (s && pid) {
		s->ports = ports;
		s->port_count = port_count;
		for (unsigned i = 0; i < pids; i++) {
			if (new_namespace(s, uw_process_namespace(p, pid[i])))
				read_sockets(s, p, pid[i]);
		}
		for (unsigned i = 0; i < pids && s->sockets; i++)
			match_fds(s, p, pid[i], out, &count, max);
	}
	free(pid);
	free(s);
	return count;
}
