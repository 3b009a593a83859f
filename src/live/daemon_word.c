// SPDX-License-Identifier: GPL-2.0-only
#include "live/daemon_word.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "live/daemon_talk.h"

#define PATIENCE_NS 200000000ull	/* a daemon that is well answers within a few milliseconds */
#define GRACE_NS 20000000ull		/* ... for our own process to tidy up behind one that is not */

static const struct daemon {
	const char *executable;
	void (*talk)(const char *proc, uint32_t pid, uint64_t until_ns, struct uw_word *word);
} daemons[] = {
	{ "chronyd", uw_chronyd_talk },
	{ "systemd-timesyncd", uw_timesyncd_talk },
};

/* ---- in our own process ---- */

int uw_time_left(uint64_t until_ns)
{
	uint64_t now_ns = uw_now_ns();

	return now_ns < until_ns ? (int)((until_ns - now_ns) / 1000000) + 1 : 0;
}

int uw_enter_root(const char *proc, uint32_t pid)
{
	char path[300];

	snprintf(path, sizeof(path), "%.200s/%u/root", proc, pid);
	return chdir(path) || chroot(".") ? -1 : 0;
}

static void be_messenger(const struct daemon *d, const char *proc, uint32_t pid, uint64_t until_ns, int report)
{
	struct uw_word word = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	d->talk(proc, pid, until_ns, &word);
	_exit(write(report, &word, sizeof(word)) != sizeof(word));
}

/* ---- and here ---- */

static const struct daemon *daemon_of(const struct uw_asker *a)
{
	for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++) {
		if (!strcmp(a->executable, daemons[i].executable))
			return &daemons[i];
	}
	return NULL;
}

/* One that hangs in somebody's file system may not even be killed: it is left to die when it can. */
static void end(pid_t child, uint64_t until_ns)
{
	kill(child, SIGKILL);
	while (!waitpid(child, NULL, WNOHANG) && uw_time_left(until_ns))
		poll(NULL, 0, 1);
}

static void ask(const struct daemon *d, const char *proc, uint32_t pid, uint64_t until_ns, struct uw_word *word)
{
	struct pollfd p = { .events = POLLIN };
	int report[2];
	pid_t child;

	if (pipe2(report, O_CLOEXEC))
		return;
	child = fork();
	if (child == 0)
		be_messenger(d, proc, pid, until_ns, report[1]);
	close(report[1]);
	p.fd = report[0];
	if (child > 0 && (poll(&p, 1, uw_time_left(until_ns + GRACE_NS)) != 1 ||
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
static unsigned put_word(const struct uw_word *word, struct uw_asker *askers, unsigned at, unsigned count)
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
		const struct daemon *d = daemon_of(&askers[i]);
		struct uw_word word = { 0 };

		if (!d || !is_first(askers, i) || !uw_time_left(until_ns))
			continue;
		ask(d, proc, askers[i].pid, until_ns, &word);
		if (word.servers)
			count = put_word(&word, askers, i, count);
	}
	return count;
}
