// SPDX-License-Identifier: GPL-2.0-only
#include "ask/expect.h"

#include <stdio.h>

#include "cli.h"
#include "core/address.h"
#include "core/query.h"
#include "dns.h"

bool uw_expect_any(const struct uw_expect *e)
{
	return e->addresses || e->authority || e->nxdomain;
}

static bool expected(const struct uw_expect *e, const struct uw_probe_reply *r, unsigned at)
{
	unsigned i;

	for (i = 0; i < e->addresses; i++) {
		if (uw_prefix_holds(&e->address[i], &r->address[at], r->address_family))
			return true;
	}
	return false;
}

static bool returned(const struct uw_prefix *p, const struct uw_probe_reply *r)
{
	unsigned i;

	for (i = 0; i < r->addresses; i++) {
		if (uw_prefix_holds(p, &r->address[i], r->address_family))
			return true;
	}
	return false;
}

static bool addresses_met(const struct uw_expect *e, const struct uw_probe_reply *r)
{
	unsigned i, found = 0;

	for (i = 0; i < r->addresses; i++)
		found += expected(e, r, i);
	if (!e->all)
		return found;
	for (i = 0; i < e->addresses; i++) {
		if (!returned(&e->address[i], r))
			return false;
	}
	return found == r->addresses && !r->more_addresses;
}

static void say_addresses(const struct uw_probe_reply *r, char *why, size_t size)
{
	char text[UW_ADDR_TEXT];
	unsigned i;
	int n = snprintf(why, size, "the answer has %s", r->addresses ? "" : "no address of the type asked for");

	for (i = 0; i < r->addresses && n > 0 && (size_t)n < size; i++)
		n += snprintf(why + n, size - (size_t)n, "%s%s", i ? ", " : "",
			      uw_addr_text(&r->address[i], r->address_family, text));
	if (n > 0 && (size_t)n < size)
		snprintf(why + n, size - (size_t)n, ", not what is expected");
}

bool uw_expect_met(const struct uw_expect *e, const struct uw_probe_reply *r, char *why, size_t size)
{
	if (e->nxdomain && r->rcode != UW_DNS_NXDOMAIN) {
		snprintf(why, size, "the server answers %s where NXDOMAIN is expected", uw_rcode_name(r->rcode));
		return false;
	}
	if (!e->nxdomain && r->rcode) {
		snprintf(why, size, "the server answers %s, the way is open", uw_rcode_name(r->rcode));
		return false;
	}
	if (e->authority && !r->authoritative) {
		snprintf(why, size, "the server answers, but not with authority");
		return false;
	}
	if (e->addresses && !addresses_met(e, r)) {
		say_addresses(r, why, size);
		return false;
	}
	return true;
}
