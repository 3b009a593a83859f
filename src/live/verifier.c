/* SPDX-License-Identifier: GPL-2.0-only */
#include "live/verifier.h"

#include <bpf/libbpf.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "-- BEGIN PROG LOAD LOG --\n"

static char said[256];

static void printable(char *s)
{
	for (; *s; s++) {
		if (!isprint((unsigned char)*s))
			*s = ' ';
	}
}

/* The reason is the log's last line, before its statistics. */
static void last_line(const char *log, const char *end, const char **from, size_t *len)
{
	*from = log;
	*len = 0;
	while (log < end) {
		size_t n = strcspn(log, "\n");

		if (log + n > end || !strncmp(log, "processed ", 10))
			break;
		*from = log;
		*len = n;
		log += n + 1;
	}
}

void uw_verifier_heed(const char *text)
{
	const char *name = strchr(text, '\''), *log = strstr(text, BEGIN), *end, *line;
	size_t len;

	if (!name || !log || name > log)
		return;
	name++;
	log += strlen(BEGIN);
	end = strstr(log, "-- END PROG LOAD LOG --");
	if (!end)
		end = log + strlen(log);
	last_line(log, end, &line, &len);
	snprintf(said, sizeof(said), "%.*s: %.*s", (int)strcspn(name, "'"), name,
		 (int)(len < sizeof(said) ? len : sizeof(said)), line);
	printable(said);
}

static int heed(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text = NULL;

	if (level == LIBBPF_DEBUG || !strstr(format, "PROG LOAD LOG"))
		return 0;
	if (vasprintf(&text, format, args) < 0)
		return 0;
	uw_verifier_heed(text);
	free(text);
	return 0;
}

void uw_verifier_listen(void)
{
	said[0] = '\0';
	libbpf_set_print(heed);
}

const char *uw_verifier_said(void)
{
	return said;
}
