/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where to look next, ready to be typed: "tc -s qdisc show dev DEVICE" names the device of the drop at
 * hand. What is not known keeps its capitals, and so does a name that a shell would read as more.
 */
#include <ctype.h>
#include <string.h>

#include "core/address.h"
#include "core/text_safe.h"
#include "sink/text_parts.h"

#define VALUE_MAX 256 /* bytes; longer names are not filled in */

/* The device of the drop, else the last one that the packet was seen at. */
static void device_of(char *buf, const struct uw_query *q, const struct uw_drop_fact *d, bool reply)
{
	unsigned hops = q->hops < UW_PATH_MAX ? q->hops : UW_PATH_MAX, i;

	if (d && d->ifname[0]) {
		snprintf(buf, VALUE_MAX, "%.*s", UW_IFNAME, d->ifname);
		return;
	}
	for (i = 0; i < hops; i++)
		if (q->path[i].dir == (reply ? UW_REPLY : UW_REQUEST))
			snprintf(buf, VALUE_MAX, "%.*s", UW_IFNAME, q->path[i].ifname);
}

/* Where NAT translates, the place of the drop decides which address the packet bore there. */
static void address_of(char *buf, const struct uw_query *q, bool of_server)
{
	char text[UW_ADDR_TEXT];

	if (!q->nat.seen)
		snprintf(buf, VALUE_MAX, "%s",
			 uw_addr_text(of_server ? &q->key.server : &q->key.client, q->key.family, text));
}

static void value_of(char *buf, const char *word, size_t len, const struct uw_query *q,
		     const struct uw_drop_fact *d)
{
	bool reply = d ? d->dir == UW_REPLY : q->verdict == UW_REPLY_HELD;

	buf[0] = '\0';
	if (len == 6 && memcmp(word, "DEVICE", 6) == 0)
		device_of(buf, q, d, reply);
	else if (len == 7 && memcmp(word, "ADDRESS", 7) == 0)
		address_of(buf, q, !reply);
	else if (len == 6 && memcmp(word, "SENDER", 6) == 0)
		address_of(buf, q, reply);
	else if (len == 4 && memcmp(word, "UNIT", 4) == 0 && q->role != UW_ROLE_FORWARDER)
		uw_cgroup_unit(q->cgroup, buf);
	else if (len == 4 && memcmp(word, "PORT", 4) == 0 && !q->nat.seen)
		snprintf(buf, VALUE_MAX, "%u", reply ? q->key.client_port : q->key.server_port);
	else if (len == 4 && memcmp(word, "NAME", 4) == 0 && (!d || !d->netns || d->netns == q->netns))
		snprintf(buf, VALUE_MAX, "%s", q->netns_name);
}

void uw_text_advice(struct uw_line *l, const struct uw_query *q, const struct uw_drop_fact *d,
		    const char *advice)
{
	char value[VALUE_MAX];
	size_t len;

	for (; *advice; advice += len) {
		for (len = 0; isalnum((unsigned char)advice[len]) || advice[len] == '_'; len++)
			;
		if (!len) {
			len = 1;
			uw_line_add(l, "%c", *advice);
			continue;
		}
		value_of(value, advice, len, q, d);
		if (uw_text_is_plain(value))
			uw_line_bytes(l, value, sizeof(value), 0);
		else
			uw_line_add(l, "%.*s", (int)len, advice);
	}
}
