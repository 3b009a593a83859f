// SPDX-License-Identifier: GPL-2.0-only
#include "ask/resolve.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "core/text_safe.h"

#define SERVERS_MAX 3 /* resolv.conf(5), MAXNS */

static void fill(struct uw_server *s, const char *name, const struct addrinfo *a)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a->ai_addr;

	memset(s, 0, sizeof(*s));
	s->name = name;
	s->family = a->ai_family == AF_INET ? 4 : 6;
	if (s->family == 4) {
		memcpy(&s->addr, &((const struct sockaddr_in *)a->ai_addr)->sin_addr, 4);
	} else {
		memcpy(&s->addr, &v6->sin6_addr, 16);
		s->scope_id = v6->sin6_scope_id;
	}
}

static int look_up(const char *name, int family, struct addrinfo **list)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_DGRAM, .ai_family = family, .ai_flags = AI_NUMERICHOST,
	};
	int err = getaddrinfo(name, NULL, &hints, list);

	if (err != EAI_NONAME)
		return err;
	hints.ai_flags = AI_ADDRCONFIG;
	return getaddrinfo(name, NULL, &hints, list);
}

int uw_resolve(const char *name, unsigned family, struct uw_server *out, unsigned room,
	       char error[UW_RESOLVE_ERROR])
{
	struct addrinfo *list, *a;
	int err = look_up(name, family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC, &list);
	unsigned n = 0;
	char safe[300];

	if (err) {
		uw_safe_text(name, strnlen(name, 100), safe, sizeof(safe));
		snprintf(error, UW_RESOLVE_ERROR, "cannot resolve '%s': %s; give an address", safe, gai_strerror(err));
		return -1;
	}
	for (a = list; a && n < room; a = a->ai_next) {
		if (a->ai_family == AF_INET || a->ai_family == AF_INET6)
			fill(&out[n++], name, a);
	}
	freeaddrinfo(list);
	return (int)n;
}

/* Addresses only, so that nothing is asked to find whom to ask. */
static unsigned add_numeric(const char *text, unsigned family, struct uw_server *out)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST}, *list;
	unsigned n = 0;

	if (getaddrinfo(text, NULL, &hints, &list))
		return 0;
	fill(out, "resolv.conf", list);
	n = !family || out->family == family ? 1 : 0;
	freeaddrinfo(list);
	return n;
}

int uw_resolv_conf(unsigned family, struct uw_server *out, unsigned room, char error[UW_RESOLVE_ERROR])
{
	FILE *f = fopen("/etc/resolv.conf", "re");
	char line[512], word[128];
	unsigned n = 0;

	while (f && n < room && n < SERVERS_MAX && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " nameserver %127s", word) == 1)
			n += add_numeric(word, family, &out[n]);
	}
	if (f)
		fclose(f);
	if (n)
		return (int)n;
	snprintf(error, UW_RESOLVE_ERROR, "/etc/resolv.conf names no usable server; give one with -s");
	return -1;
}
