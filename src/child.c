// SPDX-License-Identifier: GPL-2.0-only
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

static int runnable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || access(path, X_OK))
		return -EACCES;
	return 0;
}

int uw_child_find(const char *name)
{
	const char *path = getenv("PATH"), *end;
	int result = -ENOENT;
	char full[4096];

	if (strchr(name, '/'))
		return runnable(name);
	for (path = path ? path : "/usr/sbin:/usr/bin:/sbin:/bin"; *name; path = end + 1) {
		int err;

		end = strchrnul(path, ':');
		snprintf(full, sizeof(full), "%.*s/%s", (int)(end - path), end == path ? "." : path, name);
		err = runnable(full);
		if (!err)
			return 0;
		if (err == -EACCES)
			result = err;
		if (!*end)
			break;
	}
	return result;
}

/* Back to who called sudo; root stays root without it. Returns 0 or -errno. */
static int become_caller(void)
{
	const char *uid_text = getenv("SUDO_UID"), *gid_text = getenv("SUDO_GID");
	uint64_t uid, gid;
	struct passwd *pw;

	if (!uid_text || geteuid() != 0)
		return 0;
	if (uw_parse_number(uid_text, 0, UINT32_MAX - 1, &uid))
		return -EINVAL;
	pw = getpwuid((uid_t)uid);
	gid = pw ? pw->pw_gid : (gid_t)uid;
	if (gid_text && uw_parse_number(gid_text, 0, UINT32_MAX - 1, &gid))
		return -EINVAL;
	if (pw ? initgroups(pw->pw_name, (gid_t)gid) : setgroups(0, NULL))
		return -errno;
	if (setgid((gid_t)gid) || setuid((uid_t)uid))
		return -errno;
	return 0;
}

static void clean_signals(void)
{
	sigset_t none;
	int s;

	for (s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void run(char *const argv[], bool stdout_to_stderr, int report)
{
	int err;

	clean_signals();
	if (stdout_to_stderr)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	err = become_caller();
	if (!err) {
		close_range(STDERR_FILENO + 1, (unsigned)report - 1, 0);
		close_range((unsigned)report + 1, ~0u, 0);
		execvp(argv[0], argv);
		err = -errno;
	}
	if (write(report, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

pid_t uw_child_start(char *const argv[], bool stdout_to_stderr)
{
	int report[2], err = 0;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		run(argv, stdout_to_stderr, report[1]);
	if (pid < 0)
		err = -errno;
	close(report[1]);
	/* The pipe closes without a word when the exec succeeds. */
	if (pid > 0 && read(report[0], &err, sizeof(err)) == sizeof(err))
		waitpid(pid, NULL, 0);
	close(report[0]);
	return err ? err : pid;
}

int uw_child_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
