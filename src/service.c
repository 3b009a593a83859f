// SPDX-License-Identifier: GPL-2.0-only
#include "service.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <systemd/sd-daemon.h>

#include "library.h"

#define FUNCTIONS(X) X(sd_notify) X(sd_watchdog_enabled)
UW_LIBRARY(FUNCTIONS)

struct uw_service {
	void *handle;
	struct library lib;
	uint64_t watchdog_ns, told_ns;
};

struct uw_service *uw_service_open(void)
{
	struct uw_service *s;
	uint64_t usec = 0;

	if (!getenv("NOTIFY_SOCKET"))
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->handle = load_library("libsystemd.so.0", &s->lib);
	if (!s->handle) {
		fputs("udpwhy: there is no libsystemd here: the service manager will not know that it runs\n", stderr);
		free(s);
		return NULL;
	}
	if (s->lib.sd_watchdog_enabled(0, &usec) > 0)
		s->watchdog_ns = usec * 1000;
	return s;
}

void uw_service_close(struct uw_service *s)
{
	if (s)
		dlclose(s->handle);
	free(s);
}

void uw_service_ready(struct uw_service *s)
{
	if (s)
		s->lib.sd_notify(0, "READY=1");
}

void uw_service_status(struct uw_service *s, const char *format, ...)
{
	char text[256] = "STATUS=";
	va_list args;

	if (!s)
		return;
	va_start(args, format);
	vsnprintf(text + 7, sizeof(text) - 7, format, args);
	va_end(args);
	s->lib.sd_notify(0, text);
}

void uw_service_alive(struct uw_service *s, uint64_t now_ns)
{
	if (!s || !s->watchdog_ns || now_ns - s->told_ns < s->watchdog_ns / 4)
		return;
	s->told_ns = now_ns;
	s->lib.sd_notify(0, "WATCHDOG=1");
}

void uw_service_stopping(struct uw_service *s, uint64_t timeout_ns)
{
	char text[96];

	if (!s)
		return;
	snprintf(text, sizeof(text), "STOPPING=1\nEXTEND_TIMEOUT_USEC=%llu",
		 (unsigned long long)(timeout_ns / 1000 + 10000000));
	s->lib.sd_notify(0, text);
}
