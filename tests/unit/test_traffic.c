/* SPDX-License-Identifier: GPL-2.0-only */
/* What the wire carried around a loss window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/traffic.h"

#define S 1000000000ull

static struct uw_window window(void)
{
	return (struct uw_window){
		.last_good_ns = 119 * S, .first_bad_ns = 120 * S + 500000000, .last_bad_ns = 140 * S + 200000000,
		.first_good_ns = 141 * S + 300000000, .wire_netns = 7, .wire_ifindex = 3,
	};
}

/* Second by second from 100 to 150: 100/s, 3000/s from 118 to 135, then 50/s; replies stop with the window. */
static struct uw_traffic *gateway(void)
{
	struct uw_traffic *t = uw_traffic_new();
	uint64_t n[UW_WAYS][UW_CARRIED] = { 0 };
	uint64_t s;

	for (s = 100; s <= 150; s++) {
		uint64_t out = s > 118 && s <= 135 ? 3000 : s <= 118 ? 100 : 50;

		n[UW_WAY_OUT][UW_CARRIED_UDP] += out;
		n[UW_WAY_IN][UW_CARRIED_UDP] += s > 120 && s <= 141 ? 0 : out / 2;
		n[UW_WAY_IN][UW_CARRIED_TCP] += 20;
		uw_traffic_sample(t, s * S);
		uw_traffic_device(t, 7, 3, n);
		if (s % 5)
			continue;
		uw_traffic_ports(t, &(struct uw_carried_ports){ 7, 3, 51820, 51820, 0 }, s > 118 ? 96 : 1);
		uw_traffic_ports(t, &(struct uw_carried_ports){ 7, 3, 40000, 123, 0 }, 2);
		uw_traffic_ports(t, &(struct uw_carried_ports){ 7, 4, 9999, 9999, 0 }, 1000);
		uw_traffic_ports_end(t, s * S);
	}
	return t;
}

static void test_window(void **state)
{
	struct uw_traffic *t = gateway();
	struct uw_window w = window();

	(void)state;
	uw_traffic_fill(t, &w);
	assert_true(w.traffic.before && w.traffic.during && w.traffic.release);
	assert_int_equal(w.traffic.udp_out_before, 3000);
	assert_int_equal(w.traffic.udp_in_before, 1500);
	assert_int_equal(w.traffic.udp_in_during, 0);
	assert_int_equal(w.traffic.udp_out_release, 50);
	assert_int_equal(w.traffic.udp_in_release, 25);
	assert_in_range(w.traffic.tcp_in_during, 392, 396); /* 19.7 s of 20/s */
	assert_int_equal(w.traffic.tcp_in_before, 20);
	assert_int_equal(w.traffic.ports, 1);
	assert_int_equal(w.traffic.port[0].port, 51820);
	assert_in_range((int)(100 * w.traffic.port[0].share), 90, 98);
	uw_traffic_free(t);
}

/* Read ten times a second: the replies of a burst of 0.4 s are told at their rate, not at a second's mean. */
static void test_burst(void **state)
{
	struct uw_traffic *t = uw_traffic_new();
	uint64_t n[UW_WAYS][UW_CARRIED] = { 0 }, ms;
	struct uw_window w = window();

	(void)state;
	for (ms = 100000; ms <= 150000; ms += 100) {
		uint64_t out = ms > 119300 && ms <= 135300 ? 200 : 10;

		n[UW_WAY_OUT][UW_CARRIED_UDP] += out;
		n[UW_WAY_IN][UW_CARRIED_UDP] += ms > 119700 && ms <= 141000 ? 0 : out;
		uw_traffic_sample(t, ms * 1000000);
		uw_traffic_device(t, 7, 3, n);
	}
	uw_traffic_fill(t, &w);
	assert_int_equal(w.traffic.udp_out_before, 2000);
	assert_int_equal(w.traffic.udp_in_before, 2000);
	assert_int_equal(w.traffic.udp_in_during, 0);
	assert_int_equal(w.traffic.udp_out_release, 100);
	assert_int_equal(w.traffic.udp_in_release, 100);
	uw_traffic_free(t);
}

/* A window of hours: what was told of its onset stays, though its samples are gone. */
static void test_long(void **state)
{
	struct uw_traffic *t = gateway();
	uint64_t n[UW_WAYS][UW_CARRIED] = { 0 }, s;
	struct uw_window w = window();

	(void)state;
	w.first_good_ns = 0;
	uw_traffic_fill(t, &w);
	for (s = 151; s < 9000; s++) {
		uw_traffic_sample(t, s * S);
		uw_traffic_device(t, 7, 3, n);
	}
	w.last_bad_ns = 8990 * S;
	w.first_good_ns = 8991 * S;
	uw_traffic_fill(t, &w);
	assert_true(w.traffic.before && w.traffic.release);
	assert_int_equal(w.traffic.udp_out_before, 3000);
	assert_int_equal(w.traffic.port[0].port, 51820);
	assert_int_equal(w.traffic.udp_out_release, 0);
	uw_traffic_free(t);
}

/* Still open, of another device, and before any sample: what is not known is not told. */
static void test_unknown(void **state)
{
	struct uw_traffic *t = gateway();
	struct uw_window w = window();

	(void)state;
	w.first_good_ns = 0;
	uw_traffic_fill(t, &w);
	assert_true(w.traffic.before && !w.traffic.release);
	w = window();
	w.wire_ifindex = 9;
	uw_traffic_fill(t, &w);
	assert_false(w.traffic.before || w.traffic.during || w.traffic.release);
	w = window();
	w.last_good_ns -= 100 * S;
	w.first_bad_ns -= 100 * S;
	w.last_bad_ns -= 100 * S;
	w.first_good_ns -= 100 * S;
	uw_traffic_fill(t, &w);
	assert_false(w.traffic.before || w.traffic.during || w.traffic.release);
	uw_traffic_free(t);
}

/* One socket's bulk to one port, from an ephemeral one: the service is meant. */
static void test_tie(void **state)
{
	struct uw_traffic *t = uw_traffic_new();
	struct uw_window w = window();
	uint64_t n[UW_WAYS][UW_CARRIED] = { 0 };

	(void)state;
	uw_traffic_sample(t, 110 * S);
	uw_traffic_device(t, 7, 3, n);
	uw_traffic_sample(t, 115 * S);
	uw_traffic_device(t, 7, 3, n);
	uw_traffic_sample(t, 120 * S);
	uw_traffic_ports(t, &(struct uw_carried_ports){ 7, 3, 443, 40000, 0 }, 50);
	uw_traffic_ports_end(t, 120 * S);
	uw_traffic_fill(t, &w);
	assert_int_equal(w.traffic.ports, 1);
	assert_int_equal(w.traffic.port[0].port, 443);
	uw_traffic_free(t);
}

static struct uw_addr address(uint8_t last)
{
	return (struct uw_addr){ .b = { 192, 0, 2, last } };
}

static void packet(struct uw_traffic *t, uint64_t ns, uint8_t from, uint8_t to, enum uw_carried what, uint16_t port)
{
	const struct uw_carried_packet p = {
		.from = address(from), .to = address(to), .family = 4, .what = what, .from_port = port, .to_port = port,
		.service = port == 53,
	};

	uw_traffic_packet(t, ns, &p);
}

static struct uw_window captured(uint8_t client)
{
	struct uw_window w = window();

	w.wire_netns = w.wire_ifindex = 0;
	w.flows = 1;
	w.flow[0].id.client = address(client);
	w.flow[0].id.family = 4;
	return w;
}

/* A capture's packets: seconds of its own clock, of the address that asks and of no other. */
static void test_packets(void **state)
{
	struct uw_traffic *t = uw_traffic_new();
	struct uw_window w = captured(1);
	uint64_t ns;

	(void)state;
	for (ns = 100 * S; ns < 150 * S; ns += 5000000) {
		packet(t, ns, 1, 9, UW_CARRIED_UDP, 51820);
		if (ns == 105 * S) {
			const struct uw_addr asker = address(1);

			uw_traffic_asker(t, &asker, 4, ns);
		}
		packet(t, ns, 9, 1, UW_CARRIED_TCP, 443);
		packet(t, ns, 7, 9, UW_CARRIED_UDP, 7);
	}
	packet(t, 101 * S, 1, 9, UW_CARRIED_UDP, 1); /* out of order: left out */
	uw_traffic_fill(t, &w);
	assert_int_equal(w.traffic.udp_out_before, 200);
	assert_int_equal(w.traffic.udp_in_before, 0);
	assert_int_equal(w.traffic.udp_out_release, 200);
	assert_in_range(w.traffic.tcp_in_during, 3930, 3950);
	assert_false(w.traffic.no_tcp);
	assert_int_equal(w.traffic.port[0].port, 51820);
	assert_int_equal((int)(100 * w.traffic.port[0].share + 0.5), 100);
	uw_traffic_free(t);
}

/* Of an address that asked nothing, and of a capture of nothing but queries, no rate is known. */
static void test_packets_unknown(void **state)
{
	struct uw_traffic *t = uw_traffic_new();
	const struct uw_addr asker = address(1);
	struct uw_window w = captured(2);
	uint64_t ns;

	(void)state;
	uw_traffic_asker(t, &asker, 4, 100 * S);
	for (ns = 100 * S; ns < 150 * S; ns += 500000000)
		packet(t, ns, 1, 9, UW_CARRIED_UDP, 53);
	uw_traffic_fill(t, &w);
	assert_false(w.traffic.before || w.traffic.during || w.traffic.release);
	w = captured(1);
	uw_traffic_fill(t, &w);
	assert_false(w.traffic.before || w.traffic.during || w.traffic.release);
	packet(t, 151 * S, 1, 9, UW_CARRIED_UDP, 51820); /* there is other UDP, but no TCP */
	uw_traffic_fill(t, &w);
	assert_true(w.traffic.during && w.traffic.no_tcp);
	assert_int_equal(w.traffic.udp_out_before, 3); /* 1 in 0.3 s */
	uw_traffic_free(t);
}

/* Seconds without a packet count as such; a pause between two files does not; the last one is no whole one. */
static void test_packets_silence(void **state)
{
	struct uw_traffic *t = uw_traffic_new();
	const struct uw_addr asker = address(1);
	struct uw_window w = captured(1);
	unsigned i;

	(void)state;
	uw_traffic_asker(t, &asker, 4, 110 * S);
	for (i = 0; i < 1000; i++)
		packet(t, 110 * S + i * 10000000ull, 1, 9, UW_CARRIED_UDP, 51820);
	for (i = 0; i < 60; i++)
		packet(t, 130 * S + i, 9, 1, UW_CARRIED_UDP, 51820);
	for (i = 0; i < 50; i++)
		packet(t, 142 * S + i * 10000000ull, 1, 9, UW_CARRIED_UDP, 51820);
	uw_traffic_captured(t, 142 * S + 500000000);
	uw_traffic_fill(t, &w);
	assert_int_equal(w.traffic.udp_out_before, 100);
	assert_int_equal(w.traffic.udp_in_during, 3); /* 60 in some 20 s */
	assert_int_equal(w.traffic.udp_out_release, 0);
	w.last_bad_ns += S;
	uw_traffic_fill(t, &w);
	assert_int_equal(w.traffic.udp_out_release, 33);	/* 50 in a silent second and half a busy one */
	memset(&w.traffic, 0, sizeof(w.traffic));
	w.first_bad_ns += 500 * S;
	w.last_bad_ns += 500 * S;
	packet(t, 640 * S, 1, 9, UW_CARRIED_UDP, 51820);
	uw_traffic_fill(t, &w);
	assert_false(w.traffic.before);
	uw_traffic_free(t);
}

/* Many pairs of few packets make no top port, but count in what a top port is a share of. */
static void test_packets_ports(void **state)
{
	struct uw_traffic *t = uw_traffic_new();
	const struct uw_addr asker = address(1);
	struct uw_window w = captured(1);
	unsigned i;

	(void)state;
	uw_traffic_asker(t, &asker, 4, 110 * S);
	for (i = 0; i < 400; i++) {
		packet(t, 111 * S + i * 1000000, 1, 9, UW_CARRIED_UDP, (uint16_t)(1024 + i));
		if (i % 4 == 0)
			packet(t, 111 * S + i * 1000000, 1, 9, UW_CARRIED_UDP, 443);
	}
	packet(t, 118 * S, 1, 9, UW_CARRIED_UDP, 443);
	uw_traffic_fill(t, &w);
	assert_int_equal(w.traffic.ports, 1);
	assert_int_equal(w.traffic.port[0].port, 443);
	assert_int_equal((int)(100 * w.traffic.port[0].share + 0.5), 20);
	uw_traffic_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_tie),
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_packets_unknown),
		cmocka_unit_test(test_packets_silence),
		cmocka_unit_test(test_packets_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
