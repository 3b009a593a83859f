// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/clock.h"
#include "live/chrony.h"
#include "live/daemon_talk.h"

#define SOCKETS 64	/* of one daemon that are looked at */

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) == UW_SOCKET_PATH, "unix(7)");

static unsigned sockets_of(const char *proc, uint32_t pid, unsigned long inode[SOCKETS])
{
	char path[300], link[64];
	unsigned count = 0;
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%.200s/%u/fd", proc, pid);
	dir = opendir(path);
	while (dir && count < SOCKETS && (e = readdir(dir))) {
		ssize_t length = readlinkat(dirfd(dir), e->d_name, link, sizeof(link) - 1);

		link[length > 0 ? length : 0] = '\0';
		count += sscanf(link, "socket:[%lu]", &inode[count]) == 1;
	}
	if (dir)
		closedir(dir);
	return count;
}

/* A reference clock's socket of a chronyd, chrony.NAME.sock, is none to ask. */
static bool is_command_socket(const char *path)
{
	return *path == '/' && strlen(path) < UW_SOCKET_PATH && !fnmatch("chronyd*.sock", strrchr(path, '/') + 1, 0);
}

/* A line of /proc/PID/net/unix. Return: its path if it is a datagram socket among these, NULL if not. */
static const char *path_in(char *line, const unsigned long *inode, unsigned count)
{
	unsigned long own;
	unsigned type, i;
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%*x: %*x %*x %*x %x %*x %lu %n", &type, &own, &at) != 2 || !at || type != SOCK_DGRAM)
		return NULL;
	for (i = 0; i < count && inode[i] != own; i++)
		;
	return i < count ? line + at : NULL;
}

bool uw_chronyd_socket(const char *proc, uint32_t pid, char out[UW_SOCKET_PATH])
{
	unsigned long inode[SOCKETS];
	unsigned count = sockets_of(proc, pid, inode);
	char path[300], *line = NULL;
	const char *found = NULL;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%.200s/%u/net/unix", proc, pid);
	f = count ? fopen(path, "re") : NULL;
	while (f && !found && getline(&line, &room, f) > 0) {
		found = path_in(line, inode, count);
		if (found && !is_command_socket(found))
			found = NULL;
	}
	if (found)
		snprintf(out, UW_SOCKET_PATH, "%s", found);
	free(line);
	if (f)
		fclose(f);
	return found;
}

/* A daemon answers to a path, so we need one, beside its own. Those who may not enter there cannot send us anything. */
static int open_socket(const char *path, struct sockaddr_un *own)
{
	struct sockaddr_un daemon = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	memcpy(daemon.sun_path, path, strlen(path) + 1);
	*own = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (snprintf(own->sun_path, sizeof(own->sun_path), "%.*s/udpwhy.%d.sock", (int)(strrchr(path, '/') - path), path,
		     (int)getpid()) >= (int)sizeof(own->sun_path))
		own->sun_path[0] = '\0';
	umask(0111);
	if (s < 0 || !own->sun_path[0] || setsockopt(s, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) ||
	    bind(s, (struct sockaddr *)own, sizeof(*own))) {
		own->sun_path[0] = '\0';
		return -1;
	}
	return connect(s, (struct sockaddr *)&daemon, sizeof(daemon)) ? -1 : s;
}

/* Return: length of what this very process said, -1 for nothing. */
static ssize_t receive(int s, uint32_t pid, uint8_t *b, size_t room)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec v = { .iov_base = b, .iov_len = room };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t length = recvmsg(s, &m, MSG_DONTWAIT);
	const struct cmsghdr *c = length >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
	struct ucred from;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
		return -1;
	memcpy(&from, CMSG_DATA(c), sizeof(from));
	return (uint32_t)from.pid == pid ? length : -1;
}

static void talk(int s, uint32_t pid, uint64_t until_ns, struct uw_word *word)
{
	uint8_t request[UW_CHRONY_REQUEST], answer[UW_CHRONY_REQUEST];
	struct pollfd p = { .fd = s, .events = POLLIN };
	struct uw_chrony c;
	uint32_t sequence = 0;

	if (getrandom(&sequence, sizeof(sequence), GRND_NONBLOCK) < 0)
		sequence = (uint32_t)uw_now_ns();
	uw_chrony_start(&c, sequence);
	while (uw_chrony_request(&c, request)) {
		ssize_t length;

		if (send(s, request, sizeof(request), MSG_NOSIGNAL) != sizeof(request) || poll(&p, 1, uw_time_left(until_ns)) != 1)
			return;
		length = receive(s, pid, answer, sizeof(answer));
		if (length < 0)
			return;
		uw_chrony_answer(&c, answer, (size_t)length, uw_now_ns());
	}
	word->servers = uw_chrony_rhythm(&c, &word->rhythm);
}

void uw_chronyd_talk(const char *proc, uint32_t pid, uint64_t until_ns, struct uw_word *word)
{
	struct sockaddr_un own = { 0 };
	char path[UW_SOCKET_PATH];
	int s;

	if (!uw_chronyd_socket(proc, pid, path) || uw_enter_root(proc, pid))
		return;
	s = open_socket(path, &own);
	if (s >= 0)
		talk(s, pid, until_ns, word);
	if (own.sun_path[0])
		unlink(own.sun_path);
}
