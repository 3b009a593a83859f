/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live/netns.h"

#define SKIPPED 77

static uint32_t inode(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : (uint32_t)st.st_ino;
}

struct seen {
	uint32_t thread, process;
	int socket, signals;
};

static int look(void *arg)
{
	struct seen *s = arg;
	sigset_t mask;

	s->thread = inode("/proc/thread-self/ns/net");
	s->process = inode("/proc/self/ns/net");
	s->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	s->signals = !sigismember(&mask, SIGINT);
	return 42;
}

static uint32_t namespace_of_socket(int fd)
{
	struct stat st;
	int ns = ioctl(fd, SIOCGSKNS);

	return ns >= 0 && !fstat(ns, &st) ? (uint32_t)st.st_ino : 0;
}

/* In a child: exits with the line that was wrong, 0 if none. */
#define EXPECT(condition)                        \
	do {                                     \
		if (!(condition))                \
			_exit(__LINE__ % 75 + 1); \
	} while (0)

static void visits(const char *path, uint32_t home)
{
	struct uw_netns there = { .inum = inode(path) };
	struct seen s = { 0 };

	snprintf(there.path, sizeof(there.path), "%s", path);
	EXPECT(there.inum && there.inum != home);
	EXPECT(uw_netns_visit(&there, look, &s) == 42);
	EXPECT(s.thread == there.inum);
	EXPECT(s.process == home);	/* all the while */
	EXPECT(!s.signals);
	EXPECT(namespace_of_socket(s.socket) == there.inum);
	EXPECT(inode("/proc/self/ns/net") == home && inode("/proc/thread-self/ns/net") == home);
	close(s.socket);

	memset(&s, 0, sizeof(s));
	there.inum++;			/* made anew under its path since */
	EXPECT(uw_netns_visit(&there, look, &s) == -ENOENT && !s.thread);
	there.inum--;
	snprintf(there.path, sizeof(there.path), "/dev/null");
	EXPECT(uw_netns_visit(&there, look, &s) == -ENOENT && !s.thread);
	snprintf(there.path, sizeof(there.path), "/nonexistent");
	EXPECT(uw_netns_visit(&there, look, &s) == -ENOENT && !s.thread);
}

static void in_a_namespace_of_our_own(void)
{
	uint32_t home;
	char path[64], byte;
	int ready[2];
	pid_t pid;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) || pipe(ready))
		_exit(SKIPPED);
	home = inode("/proc/self/ns/net");
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	EXPECT(pid > 0 && read(ready[0], &byte, 1) == 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	visits(path, home);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	_exit(0);
}

static void a_visit_leaves_the_process_where_it_is(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		in_a_namespace_of_our_own();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

static void what_is_no_namespace_is_not_found(void **state)
{
	struct uw_ns_ref ref = { .kind = UW_NS_PATH, .text = "/dev/null" };
	struct uw_netns ns;

	(void)state;
	assert_int_equal(uw_netns_find(&ref, &ns), -EINVAL);
	snprintf(ref.text, sizeof(ref.text), "/proc/self/ns/uts");
	assert_int_equal(uw_netns_find(&ref, &ns), -EINVAL);
	snprintf(ref.text, sizeof(ref.text), "/proc/self/ns/net");
	assert_int_equal(uw_netns_find(&ref, &ns), 0);
	assert_int_equal(ns.inum, inode("/proc/self/ns/net"));
	ref = (struct uw_ns_ref){ .kind = UW_NS_PID, .pid = (uint32_t)getpid() };
	assert_int_equal(uw_netns_find(&ref, &ns), 0);
	assert_int_equal(ns.inum, inode("/proc/self/ns/net"));
	ref = (struct uw_ns_ref){ .kind = UW_NS_NAME, .text = "no such name here" };
	assert_int_equal(uw_netns_find(&ref, &ns), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_visit_leaves_the_process_where_it_is),
		cmocka_unit_test(what_is_no_namespace_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
