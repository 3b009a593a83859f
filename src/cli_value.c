/* SPDX-License-Identifier: GPL-2.0-only */
/* The strict parsers of single values. */
#include "cli.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define NS_PER_S 1000000000ull

int uw_parse_number(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (!*s || strspn(s, "0123456789") != strlen(s))
		return -EINVAL;
	for (; *s; s++) {
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *s - '0', &v))
			return -ERANGE;
	}
	if (v < min || v > max)
		return -ERANGE;
	*out = v;
	return 0;
}

int uw_parse_seconds(const char *s, uint64_t min_ns, uint64_t max_ns, uint64_t *out_ns)
{
	size_t whole = strspn(s, "0123456789"), part = 0, i;
	uint64_t ns, fraction = 0;
	char digits[21];

	if (!whole || (s[whole] && s[whole] != '.'))
		return -EINVAL;
	if (whole >= sizeof(digits))
		return -ERANGE;
	if (s[whole]) {
		const char *behind = s + whole + 1;

		part = strspn(behind, "0123456789");
		if (!part || behind[part] || part > 9)
			return -EINVAL;
		for (i = 0; i < 9; i++)
			fraction = fraction * 10 + (i < part ? behind[i] - '0' : 0);
	}
	memcpy(digits, s, whole);
	digits[whole] = '\0';
	if (uw_parse_number(digits, 0, max_ns / NS_PER_S, &ns))
		return -ERANGE;
	ns = ns * NS_PER_S + fraction;
	if (ns < min_ns || ns > max_ns)
		return -ERANGE;
	*out_ns = ns;
	return 0;
}

static void mask_host_bits(struct uw_prefix *p)
{
	unsigned byte;

	for (byte = 0; byte < sizeof(p->addr.b); byte++) {
		unsigned kept = p->len > byte * 8 ? p->len - byte * 8 : 0;

		if (kept < 8)
			p->addr.b[byte] &= (uint8_t)(0xff00 >> kept);
	}
}

/* A dual-stack socket shows such addresses, but its packets are IPv4. */
static void unmap(struct uw_prefix *p)
{
	if (p->family != 6 || p->len < 96 ||
	    !IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)p->addr.b))
		return;
	memmove(p->addr.b, p->addr.b + 12, 4);
	memset(p->addr.b + 4, 0, 12);
	p->family = 4;
	p->len -= 96;
}

int uw_parse_prefix(const char *s, struct uw_prefix *out)
{
	const char *slash = strchr(s, '/');
	size_t n = slash ? (size_t)(slash - s) : strlen(s);
	struct uw_prefix p = {};
	char host[INET6_ADDRSTRLEN];
	uint64_t len;
	int err;

	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, s, n);
	host[n] = '\0';
	if (inet_pton(AF_INET, host, p.addr.b) == 1)
		p.family = 4;
	else if (inet_pton(AF_INET6, host, p.addr.b) == 1)
		p.family = 6;
	else
		return -EINVAL;
	len = p.family == 4 ? 32 : 128;
	err = slash ? uw_parse_number(slash + 1, 0, len, &len) : 0;
	if (err)
		return err;
	p.len = (uint8_t)len;
	unmap(&p);
	mask_host_bits(&p);
	*out = p;
	return 0;
}

/* The host part of ADDR:PORT without its brackets, "" if there is none. */
static int listen_host(const char *s, const char *colon, char host[INET6_ADDRSTRLEN])
{
	size_t n = colon ? (size_t)(colon - s) : 0;
	bool bracketed = n && s[0] == '[';

	if (bracketed) {
		if (n < 2 || s[n - 1] != ']')
			return -EINVAL;
		s++;
		n -= 2;
	}
	if (n >= INET6_ADDRSTRLEN || (!bracketed && memchr(s, ':', n)))
		return -EINVAL;
	memcpy(host, s, n);
	host[n] = '\0';
	return 0;
}

int uw_parse_listen(const char *s, struct sockaddr_storage *out)
{
	const char *colon = strrchr(s, ':');
	char host[INET6_ADDRSTRLEN];
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	uint64_t port;
	int err = listen_host(s, colon, host);

	if (!err)
		err = uw_parse_number(colon ? colon + 1 : s, 1, 65535, &port);
	if (err)
		return err;
	v4.sin_port = v6.sin6_port = htons((uint16_t)port);
	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memset(out, 0, sizeof(*out));
	if (s[0] != '[' && (!host[0] || inet_pton(AF_INET, host, &v4.sin_addr) == 1))
		memcpy(out, &v4, sizeof(v4));
	else if (s[0] == '[' && inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
		memcpy(out, &v6, sizeof(v6));
	else
		return -EINVAL;
	return 0;
}

/* Copy the word before the next comma. Return: what follows it, NULL at the end. */
static const char *split(const char *s, char *word, size_t size, int *err)
{
	size_t n = strcspn(s, ",");

	*err = n ? 0 : -EINVAL;
	if (n >= size)
		*err = -ERANGE;
	if (*err)
		return NULL;
	memcpy(word, s, n);
	word[n] = '\0';
	return s[n] ? s + n + 1 : NULL;
}

int uw_parse_protocol(const char *s, enum uw_proto *out)
{
	if (strcmp(s, "ntp") == 0)
		*out = UW_PROTO_NTP;
	else if (strcmp(s, "dns") == 0)
		*out = UW_PROTO_DNS;
	else
		return -EINVAL;
	return 0;
}

static int parse_port(char *word, struct uw_port *out)
{
	char *equals = strchr(word, '=');
	enum uw_proto protocol;
	uint64_t port;
	int err;

	if (!equals)
		return -EINVAL;
	*equals = '\0';
	err = uw_parse_protocol(word, &protocol);
	if (!err)
		err = uw_parse_number(equals + 1, 1, 65535, &port);
	if (err)
		return err;
	*out = (struct uw_port){.port = (uint16_t)port, .protocol = (uint8_t)protocol};
	return 0;
}

static int add_port(struct uw_port ports[UW_LIST_MAX], unsigned *count, struct uw_port p)
{
	unsigned i;

	for (i = 0; i < *count; i++) {
		if (ports[i].port == p.port)
			return ports[i].protocol == p.protocol ? 0 : -EINVAL;
	}
	if (*count == UW_LIST_MAX)
		return -ERANGE;
	ports[(*count)++] = p;
	return 0;
}

int uw_parse_ports(const char *s, struct uw_port ports[UW_LIST_MAX], unsigned *count)
{
	struct uw_port given[UW_LIST_MAX], p;
	unsigned n = 0, named = 0, i;
	char word[16];
	int err;

	while (s) {
		s = split(s, word, sizeof(word), &err);
		if (!err)
			err = parse_port(word, &p);
		if (!err)
			err = add_port(given, &n, p);
		if (err)
			return err;
		named |= 1u << p.protocol;
	}
	for (i = 0; i < *count; i++) {
		err = named & 1u << ports[i].protocol ? 0 : add_port(given, &n, ports[i]);
		if (err)
			return err;
	}
	memcpy(ports, given, n * sizeof(given[0]));
	*count = n;
	return 0;
}

int uw_parse_ns(const char *s, struct uw_ns_ref *out)
{
	struct uw_ns_ref ns = {.kind = strchr(s, '/') ? UW_NS_PATH : UW_NS_NAME};
	size_t len = strlen(s);
	uint64_t pid;

	if (!len || strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
		return -EINVAL;
	if (len >= sizeof(ns.text))
		return -ERANGE;
	if (strspn(s, "0123456789") == len) {
		if (uw_parse_number(s, 1, UW_PID_MAX, &pid))
			return -ERANGE;
		ns.kind = UW_NS_PID;
		ns.pid = (uint32_t)pid;
	}
	memcpy(ns.text, s, len + 1);
	*out = ns;
	return 0;
}

int uw_parse_ns_list(const char *s, struct uw_ns_list *out)
{
	struct uw_ns_list list = {};
	char word[UW_NAME_MAX];
	int err;

	while (s) {
		s = split(s, word, sizeof(word), &err);
		if (!err && list.count == UW_LIST_MAX)
			err = -ERANGE;
		if (!err)
			err = uw_parse_ns(word, &list.item[list.count]);
		if (err)
			return err;
		list.count++;
	}
	*out = list;
	return 0;
}
