// SPDX-License-Identifier: GPL-2.0-only
/* Preloaded: the wall clock of one process is as many seconds wrong as the file $CLOCKSTEP says; the host's is not. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *ts)
{
	static int (*real)(clockid_t id, struct timespec *ts);
	char text[32] = "";
	int err, fd;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	err = real(id, ts);
	if (err || id != CLOCK_REALTIME || !getenv("CLOCKSTEP"))
		return err;
	fd = open(getenv("CLOCKSTEP"), O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
		ts->tv_sec += atol(text);
	if (fd >= 0)
		close(fd);
	return 0;
}
