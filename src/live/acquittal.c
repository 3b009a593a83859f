// SPDX-License-Identifier: GPL-2.0-only
#include "live/acquittal.h"

#include <stdio.h>
#include <string.h>

static const char *const counter_names[] = {
#define UW_COUNTER_NAME(name) #name,
	UW_COUNTERS_LIST(UW_COUNTER_NAME, UW_COUNTER_NAME)
#undef UW_COUNTER_NAME
};

static const struct uw_device_counters nothing = { 0 };

static const struct uw_device_counters *find_device(const struct uw_counters_snapshot *s,
						    uint32_t ifindex)
{
	for (unsigned i = 0; s && i < s->devices; i++) {
		if (s->device[i].ifindex == ifindex)
			return &s->device[i];
	}
	return NULL;
}

static uint64_t rise(uint64_t before, uint64_t after)
{
	return after >= before ? after - before : after;
}

static void add_fact(struct uw_acquittal *a, const char *ifname, const char *name, uint64_t rose)
{
	struct uw_counter_fact *fact;

	if (rose == 0 || a->counters >= UW_COUNTERS_MAX)
		return;
	fact = &a->counter[a->counters++];
	memset(fact, 0, sizeof(*fact));
	snprintf(fact->ifname, sizeof(fact->ifname), "%s", ifname);
	snprintf(fact->name, sizeof(fact->name), "%s", name);
	fact->rose = rose;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void add_saturated(uint32_t *to, uint64_t more)
{
	*to = more > UINT32_MAX - *to ? UINT32_MAX : *to + (uint32_t)more;
}

/* What one standard counter rose by, listed. */
static uint64_t rose(const struct uw_device_counters *before, const struct uw_device_counters *after,
		     unsigned counter, struct uw_acquittal *out)
{
	uint64_t more = rise(before->value[counter], after->value[counter]);

	add_fact(out, after->ifname, counter_names[counter], more);
	return more;
}

/* A counter that appears only later (a driver after a reset) starts at 0. */
static uint64_t driver_before(const struct uw_device_counters *d, const char *name)
{
	for (unsigned i = 0; i < d->drivers; i++) {
		if (strcmp(d->driver[i].name, name) == 0)
			return d->driver[i].value;
	}
	return 0;
}

static void compare_arrivals(const struct uw_device_counters *before,
			     const struct uw_device_counters *after, struct uw_acquittal *out)
{
	uint64_t rx = 0, driver = 0;

	for (unsigned i = 0; i < UW_COUNTER_tx_errors; i++)
		rx += rose(before, after, i, out);
	for (unsigned i = 0; i < after->drivers; i++) {
		const struct uw_driver_counter *c = &after->driver[i];
		uint64_t more = rise(driver_before(before, c->name), c->value);

		add_fact(out, after->ifname, c->name, more);
		driver += more;
	}
	add_saturated(&out->nic_drops, larger(rx, driver));
}

/* Virtual devices come and go all day and have no rings to lose packets in. */
static bool hardware_gone(const struct uw_counters_snapshot *before,
			  const struct uw_counters_snapshot *after)
{
	for (unsigned i = 0; i < before->devices; i++) {
		const struct uw_device_counters *d = &before->device[i];

		if (!d->kind[0] && !d->loopback && !find_device(after, d->ifindex))
			return true;
	}
	return false;
}

bool uw_acquit_arrivals(const struct uw_counters_snapshot *before,
			const struct uw_counters_snapshot *after, struct uw_acquittal *out)
{
	if (!before || !after || before->truncated || after->truncated)
		return false;
	if (!out->looked && before->softnet && after->softnet) {
		uint64_t dropped = rise(before->softnet_dropped, after->softnet_dropped);

		add_fact(out, "softnet", "dropped", dropped);
		add_saturated(&out->nic_drops, dropped);
	}
	out->looked = true;
	for (unsigned i = 0; i < after->devices; i++) {
		const struct uw_device_counters *a = &after->device[i];
		const struct uw_device_counters *b = find_device(before, a->ifindex);

		if (!a->loopback)
			compare_arrivals(b ? b : &nothing, a, out);
	}
	return !hardware_gone(before, after);
}

bool uw_acquit_departure(const struct uw_counters_snapshot *before,
			 const struct uw_counters_snapshot *after, uint32_t ifindex,
			 struct uw_acquittal *out)
{
	const struct uw_device_counters *b = find_device(before, ifindex);
	const struct uw_device_counters *a = find_device(after, ifindex);
	uint64_t parts = 0, errors, downs;

	if (!a || !b)
		return false;
	errors = rose(b, a, UW_COUNTER_tx_errors, out);
	add_saturated(&out->tx_errors, rose(b, a, UW_COUNTER_tx_dropped, out));
	for (unsigned i = UW_COUNTER_tx_dropped + 1; i < UW_DEVICE_COUNTERS; i++)
		parts += rose(b, a, i, out);
	/* tx_errors is meant to include its parts, and not every driver does so */
	add_saturated(&out->tx_errors, larger(errors, parts));
	downs = rise(b->carrier_downs, a->carrier_downs);
	add_fact(out, a->ifname, "carrier_down_count", downs);
	out->link_down |= downs || !a->up;
	return true;
}

bool uw_acquit_xdp(const struct uw_counters_snapshot *s, struct uw_acquittal *out)
{
	bool hides = false;

	for (unsigned i = 0; i < s->devices; i++) {
		if (s->device[i].loopback)
			continue;
		out->xdp |= s->device[i].xdp;
		hides |= s->device[i].xdp_hides;
	}
	return hides;
}

bool uw_acquit_is_tunnel(const struct uw_counters_snapshot *s, uint32_t ifindex)
{
	static const char *const kind[] = {
		"wireguard", "tun", "gre", "gretap", "erspan", "ip6gre", "ip6gretap", "ip6erspan",
		"ipip", "sit", "ip6tnl", "vti", "vti6", "xfrm", "vxlan", "geneve", "gtp", "bareudp",
		"l2tp", "l2tpeth", "macsec", "batadv", "amt", "ovpn", "ppp",
	};
	const struct uw_device_counters *d = find_device(s, ifindex);

	for (size_t i = 0; d && i < sizeof(kind) / sizeof(kind[0]); i++) {
		if (strcmp(d->kind, kind[i]) == 0)
			return true;
	}
	return false;
}
