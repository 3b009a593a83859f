// SPDX-License-Identifier: GPL-2.0-only
#include "live/daemon_word.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "live/chrony.h"

#define PATIENCE_NS 100000000ull	/* a daemon that is well answers in less than a millisecond */
#define GRACE_NS 20000000ull		/* ... for our own process to tidy up behind one that is not */
#define SOCKETS 64			/* of one daemon that are looked at */

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) == UW_SOCKET_PATH, "unix(7)");

/* What our process hands back. */
struct word {
	unsigned servers;
	struct uw_rhythm rhythm;
};

/* ---- where a daemon listens ---- */

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

bool uw_daemon_socket(const char *proc, uint32_t pid, char out[UW_SOCKET_PATH])
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

/* ---- in our own process ---- */

static int time_left(uint64_t until_ns)
{
	uint64_t now_ns = uw_now_ns();

	return now_ns < until_ns ? (int)((until_ns - now_ns) / 1000000) + 1 : 0;
}

static int enter_root(const char *proc, uint32_t pid)
{
	char path[300];

	snprintf(path, sizeof(path), "%.200s/%u/root", proc, pid);
	return chdir(path) || chroot(".") ? -1 : 0;
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

static void talk(int s, uint32_t pid, uint64_t until_ns, struct word *word)
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

		if (send(s, request, sizeof(request), MSG_NOSIGNAL) != sizeof(request) || poll(&p, 1, time_left(until_ns)) != 1)
			return;
		length = receive(s, pid, answer, sizeof(answer));
		if (length < 0)
			return;
		uw_chrony_answer(&c, answer, (size_t)length, uw_now_ns());
	}
	word->servers = uw_chrony_rhythm(&c, &word->rhythm);
}

static void be_messenger(const char *proc, uint32_t pid, const char *path, uint64_t until_ns, int report)
{
	struct word word = { 0 };
	struct sockaddr_un own = { 0 };
	int s;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (enter_root(proc, pid))
		_exit(1);
	s = open_socket(path, &own);
	if (s >= 0)
		talk(s, pid, until_ns, &word);
	if (own.sun_path[0])
		unlink(own.sun_path);
	if (write(report, &word, sizeof(word)) != sizeof(word))
		_exit(1);
	_exit(0);
}

/* ---- and here ---- */

/* One that hangs in somebody's file system may not even be killed: it is left to die when it can. */
static void end(pid_t child, uint64_t until_ns)
{
	kill(child, SIGKILL);
	while (!waitpid(child, NULL, WNOHANG) && time_left(until_ns))
		poll(NULL, 0, 1);
}

static void ask(const char *proc, uint32_t pid, const char *path, uint64_t until_ns, struct word *word)
{
	struct pollfd p = { .events = POLLIN };
	int report[2];
	pid_t child;

	if (pipe2(report, O_CLOEXEC))
		return;
	child = fork();
	if (child == 0)
		be_messenger(proc, pid, path, until_ns, report[1]);
	close(report[1]);
	p.fd = report[0];
	if (child > 0 && (poll(&p, 1, time_left(until_ns + GRACE_NS)) != 1 ||
			  read(report[0], word, sizeof(*word)) != sizeof(*word)))
		word->servers = 0;
	close(report[0]);
	if (child > 0)
		end(child, until_ns + 2 * GRACE_NS);
}

static bool asks_ntp(const struct uw_asker *a, uint32_t pid)
{
	return a->pid == pid && a->protocol == UW_PROTO_NTP;
}

/* The first that this process has stays, with its own word. */
static unsigned put_word(const struct word *word, struct uw_asker *askers, unsigned at, unsigned count)
{
	unsigned kept = at + 1;

	askers[at].servers = word->servers;
	askers[at].rhythm = word->rhythm;
	askers[at].port = 0;
	askers[at].others = 0;
	for (unsigned i = at + 1; i < count; i++) {
		if (!asks_ntp(&askers[i], askers[at].pid))
			askers[kept++] = askers[i];
	}
	return kept;
}

/* A process with several sockets is asked once. */
static bool is_first(const struct uw_asker *askers, unsigned at)
{
	for (unsigned i = 0; i < at; i++) {
		if (asks_ntp(&askers[i], askers[at].pid))
			return false;
	}
	return asks_ntp(&askers[at], askers[at].pid);
}

unsigned uw_daemon_words(const char *proc, struct uw_asker *askers, unsigned count)
{
	uint64_t until_ns = uw_now_ns() + PATIENCE_NS;

	for (unsigned i = 0; i < count; i++) {
		struct word word = { 0 };
		char path[UW_SOCKET_PATH];

		if (strcmp(askers[i].executable, "chronyd") || !is_first(askers, i) || !time_left(until_ns) ||
		    !uw_daemon_socket(proc, askers[i].pid, path))
			continue;
		ask(proc, askers[i].pid, path, until_ns, &word);
		if (word.servers)
			count = put_word(&word, askers, i, count);
	}
	return count;
}
