/* SPDX-License-Identifier: GPL-2.0-only */
#include "core/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

bool uw_addr_known(const struct uw_addr *a)
{
	static const struct uw_addr none;

	return memcmp(a, &none, sizeof(none)) != 0;
}

const char *uw_addr_text(const struct uw_addr *a, unsigned family, char buf[UW_ADDR_TEXT])
{
	if (!inet_ntop(family == 6 ? AF_INET6 : AF_INET, a->b, buf, UW_ADDR_TEXT))
		buf[0] = '\0';
	return buf;
}

const char *uw_endpoint_text(const struct uw_addr *a, unsigned family, uint16_t port,
			     char buf[UW_ENDPOINT_TEXT])
{
	char address[UW_ADDR_TEXT];

	uw_addr_text(a, family, address);
	if (family == 6)
		snprintf(buf, UW_ENDPOINT_TEXT, "[%s]:%u", address, port);
	else
		snprintf(buf, UW_ENDPOINT_TEXT, "%s:%u", address, port);
	return buf;
}
