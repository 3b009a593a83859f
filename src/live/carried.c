// SPDX-License-Identifier: GPL-2.0-only
#include "live/carried.h"

#include "core/clock.h"

#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define PORTS_NS 5000000000ull	/* between looks at the ports */

_Static_assert(sizeof(struct uw_carriers) % 8 == 0, "the kernel pads each CPU's value to 8 bytes");

struct uw_carried_reader {
	int carriers, ports;
	unsigned cpus;
	uint64_t ports_ns;
	struct uw_carriers *value;	/* of each CPU */
};

struct uw_carried_reader *uw_carried_new(const struct uw_live *l)
{
	struct uw_carried_reader *r = calloc(1, sizeof(*r));
	int cpus = libbpf_num_possible_cpus();

	if (!r || cpus <= 0)
		goto fail;
	r->cpus = (unsigned)cpus;
	r->value = calloc(r->cpus, sizeof(*r->value));
	if (!r->value)
		goto fail;
	r->carriers = uw_live_fds(l).carriers;
	r->ports = uw_live_fds(l).carried_ports;
	return r;
fail:
	free(r);
	return NULL;
}

void uw_carried_free(struct uw_carried_reader *r)
{
	if (!r)
		return;
	free(r->value);
	free(r);
}

/* Over all CPUs, whose places for a device differ. */
static void read_device(const struct uw_carried_reader *r, const struct uw_carrier *like, struct uw_traffic *t)
{
	uint64_t sum[UW_WAYS][UW_CARRIED] = { 0 };
	unsigned cpu, i, n;

	for (cpu = 0; cpu < r->cpus; cpu++) {
		for (i = 0; i < UW_TRAFFIC_DEVICES; i++) {
			const struct uw_carrier *c = &r->value[cpu].carrier[i];

			if (c->ifindex != like->ifindex || c->netns != like->netns)
				continue;
			for (n = 0; n < UW_WAYS * UW_CARRIED; n++)
				sum[n / UW_CARRIED][n % UW_CARRIED] += c->packets[n / UW_CARRIED][n % UW_CARRIED];
		}
	}
	uw_traffic_device(t, like->netns, like->ifindex, sum);
}

static bool seen_before(const struct uw_carried_reader *r, unsigned cpu, unsigned at)
{
	const struct uw_carrier *x = &r->value[cpu].carrier[at];
	unsigned i;

	for (; cpu--;) {
		for (i = 0; i < UW_TRAFFIC_DEVICES; i++) {
			const struct uw_carrier *c = &r->value[cpu].carrier[i];

			if (c->ifindex == x->ifindex && c->netns == x->netns)
				return true;
		}
	}
	return false;
}

static void read_ports(const struct uw_carried_reader *r, struct uw_traffic *t)
{
	struct uw_carried_ports next;
	unsigned left = 2 * UW_TRAFFIC_PORTS;
	uint64_t n;

	while (left-- && !bpf_map_get_next_key(r->ports, NULL, &next)) {
		if (!bpf_map_lookup_elem(r->ports, &next, &n))
			uw_traffic_ports(t, &next, n);
		bpf_map_delete_elem(r->ports, &next);
	}
}

void uw_carried_read(struct uw_carried_reader *r, struct uw_traffic *t)
{
	uint64_t now_ns = uw_now_ns();
	uint32_t zero = 0;
	unsigned cpu, i;

	if (bpf_map_lookup_elem(r->carriers, &zero, r->value))
		return;
	uw_traffic_sample(t, now_ns);
	for (cpu = 0; cpu < r->cpus; cpu++) {
		for (i = 0; i < UW_TRAFFIC_DEVICES; i++) {
			if (r->value[cpu].carrier[i].ifindex && !seen_before(r, cpu, i))
				read_device(r, &r->value[cpu].carrier[i], t);
		}
	}
	if (now_ns < r->ports_ns + PORTS_NS)
		return;
	r->ports_ns = now_ns;
	read_ports(r, t);
	uw_traffic_ports_end(t, now_ns);
}
