// SPDX-License-Identifier: GPL-2.0-only
#include "ask/question.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "dns.h"

#define TYPE_A 1
#define TYPE_PTR 12
#define REVERSE_MAX 80 /* 32 digits with their dots, and "ip6.arpa" */

/* RFC 1035 3.5, RFC 3596 2.5. Return: whether @name is an address. */
static bool reverse_name(const char *name, char out[REVERSE_MAX])
{
	uint8_t a[16];
	char *p = out;
	int i;

	if (inet_pton(AF_INET, name, a) == 1) {
		snprintf(out, REVERSE_MAX, "%u.%u.%u.%u.in-addr.arpa", a[3], a[2], a[1], a[0]);
		return true;
	}
	if (inet_pton(AF_INET6, name, a) != 1)
		return false;
	for (i = 15; i >= 0; i--)
		p += sprintf(p, "%x.%x.", a[i] & 15, a[i] >> 4);
	strcpy(p, "ip6.arpa");
	return true;
}

/* Return: bytes of QNAME, 0 if it is no name. */
static size_t put_name(const char *name, uint8_t *out)
{
	size_t at = 0;

	if (strcmp(name, ".") == 0)
		name++;
	while (*name) {
		size_t len = strcspn(name, ".");

		if (!len || len > 63 || at + len + 2 > UW_DNS_NAME_BYTES)
			return 0;
		out[at++] = (uint8_t)len;
		memcpy(out + at, name, len);
		at += len;
		name += len + (name[len] == '.');
	}
	out[at++] = 0;
	return at;
}

uint16_t uw_question(const char *name, uint16_t type, uint8_t out[UW_QUESTION_MAX])
{
	char reverse[REVERSE_MAX];
	bool address = reverse_name(name, reverse);
	size_t len = *name ? put_name(address ? reverse : name, out) : 0;

	if (!len || len + 4 > UW_QUESTION_MAX)
		return 0;
	if (!type)
		type = address ? TYPE_PTR : TYPE_A;
	out[len++] = (uint8_t)(type >> 8);
	out[len++] = (uint8_t)type;
	out[len++] = 0;
	out[len++] = 1;
	return (uint16_t)len;
}
