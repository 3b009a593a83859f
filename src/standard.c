// SPDX-License-Identifier: GPL-2.0-only
#include "standard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* As much as any help, list or plugin's line: then only the last flush can fail, and says why. */
static char output[1 << 17];

void uw_standard_reserve(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* The lowest free number is taken. Read where one writes, and the reverse: it fails with EBADF. */
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
	}
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, output, _IOFBF, sizeof(output));
}

int uw_standard_finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	if (errno == EPIPE)
		return status;
	fprintf(stderr, "udpwhy: cannot write to stdout: %s; free space or choose another place\n", strerror(errno));
	return status ? status : 1;
}
