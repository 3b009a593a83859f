/* SPDX-License-Identifier: GPL-2.0-only */
/* The bytes of the probe: building them, and judging what comes back at every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ask/prober.h"

static struct uw_probe_target target(uint8_t protocol, uint16_t port)
{
	return (struct uw_probe_target){
		.server = {{127, 0, 0, 1}},
		.port = port,
		.family = 4,
		.protocol = protocol,
	};
}

/* A copy with nothing behind it, so that ASan sees every byte read too far. */
static uint8_t *exactly(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	return copy;
}

static void test_ntp_request(void **state)
{
	struct uw_probe_target t = target(UW_PROTO_NTP, 123);
	uint8_t buf[UW_PROBE_PACKET_MAX], want[48] = {0x23};
	uint64_t xmt = 0x1122334455667788;

	(void)state;
	memset(buf, 0xff, sizeof(buf));
	memcpy(want + 40, &xmt, 8);
	assert_int_equal(uw_probe_request(&t, xmt, 0, buf), 48);
	assert_memory_equal(buf, want, 48);
}

static void test_dns_request(void **state)
{
	static const uint8_t root[] = {0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1};
	static const uint8_t www[] = {3, 'w', 'w', 'w', 0, 0, 1, 0, 1};
	struct uw_probe_target t = target(UW_PROTO_DNS, 53);
	uint8_t buf[UW_PROBE_PACKET_MAX];

	(void)state;
	assert_int_equal(uw_probe_request(&t, 0xabcd, 0, buf), sizeof(root));
	assert_memory_equal(buf, root, sizeof(root));
	t.question_len = sizeof(www);
	memcpy(t.question, www, sizeof(www));
	assert_int_equal(uw_probe_request(&t, 1, 0, buf), 12 + sizeof(www));
	assert_memory_equal(buf + 12, www, sizeof(www));
	t.question_len = UW_QUESTION_MAX;
	assert_int_equal(uw_probe_request(&t, 1, 0, buf), UW_PROBE_PACKET_MAX - UW_PROBE_OPT);
	t.question_len++;
	assert_int_equal(uw_probe_request(&t, 1, 0, buf), 0);
	t.protocol = UW_PROTO_NONE;
	assert_int_equal(uw_probe_request(&t, 1, 0, buf), 0);
}

/* RFC 6891 6.1.2, with DO: behind the question, and counted in ARCOUNT. */
static void test_edns_request(void **state)
{
	static const uint8_t edns[] = {0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 1,
				       0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0};
	struct uw_probe_target t = target(UW_PROTO_DNS, 53);
	uint8_t buf[UW_PROBE_PACKET_MAX];

	(void)state;
	assert_int_equal(uw_probe_request(&t, 0xabcd, 1232, buf), sizeof(edns));
	assert_memory_equal(buf, edns, sizeof(edns));
}

/* Mode 4, stratum 2, the request's transmit timestamp as origin. */
static void ntp_reply(uint8_t reply[48], uint64_t xmt)
{
	memset(reply, 0, 48);
	reply[0] = 0x24;
	reply[1] = 2;
	memcpy(reply + 24, &xmt, 8);
	memset(reply + 32, 0x77, 16);
}

static void test_ntp_reply(void **state)
{
	struct uw_probe_target t = target(UW_PROTO_NTP, 123);
	uint64_t xmt = 0x1122334455667788;
	struct uw_probe_reply r = {.rcode = 9};
	uint8_t reply[48];
	size_t len;
	int i;

	(void)state;
	ntp_reply(reply, xmt);
	for (len = 0; len <= 48; len++) {
		uint8_t *p = exactly(reply, len);

		assert_int_equal(uw_probe_matches(&t, xmt, p, len, &r), len == 48);
		assert_int_equal(r.rcode, len == 48 ? 0 : 9);
		free(p);
	}
	assert_int_equal(r.stratum, 2);
	assert_false(r.kod);
	for (i = 0; i < 8; i++) { /* all 64 bits of the origin count */
		assert_false(uw_probe_matches(&t, xmt ^ 1ull << i * 8, reply, 48, &r));
	}
	for (i = 0; i < 8; i++) { /* of all modes only 4 is a server's reply */
		reply[0] = (uint8_t)(0x20 | i);
		assert_int_equal(uw_probe_matches(&t, xmt, reply, 48, &r), i == 4);
	}
}

/* RFC 5905 6 and its figure 4: 1970, and the first second of era 1 in 2036. */
static void test_ntp_time(void **state)
{
	static const uint8_t unix_epoch[8] = {0x83, 0xaa, 0x7e, 0x80, 0x80}, era1[8] = {0};
	struct uw_probe_target t = target(UW_PROTO_NTP, 123);
	struct uw_probe_reply r;
	uint8_t reply[48];

	(void)state;
	ntp_reply(reply, 5);
	memcpy(reply + 32, unix_epoch, 8);
	memcpy(reply + 40, era1, 8);
	assert_true(uw_probe_matches(&t, 5, reply, 48, &r));
	assert_true(r.receive_ns == 500000000);
	assert_true(r.transmit_ns == 2085978496ll * 1000000000);
	assert_false(r.unsynchronised);
	reply[0] |= 0xc0;
	assert_true(uw_probe_matches(&t, 5, reply, 48, &r) && r.unsynchronised);
}

static void test_ntp_kiss(void **state)
{
	struct uw_probe_target t = target(UW_PROTO_NTP, 123);
	struct uw_probe_reply r;
	uint8_t reply[48];

	(void)state;
	ntp_reply(reply, 5);
	reply[1] = 0;
	memcpy(reply + 12, "RATE", 4);
	assert_true(uw_probe_matches(&t, 5, reply, 48, &r));
	assert_true(r.kod);
	assert_memory_equal(&r.refid, "RATE", 4);
	memset(reply + 12, 0, 4); /* stratum 0 alone is none */
	assert_true(uw_probe_matches(&t, 5, reply, 48, &r));
	assert_false(r.kod);
	/* a forged one does not know the origin */
	memset(reply + 24, 0, 8);
	assert_false(uw_probe_matches(&t, 5, reply, 48, &r));
}

static size_t dns_reply(const struct uw_probe_target *t, uint16_t id, uint8_t rcode,
			uint8_t reply[UW_PROBE_PACKET_MAX])
{
	size_t len = uw_probe_request(t, id, 0, reply);

	reply[2] |= 0x80;
	reply[3] = rcode;
	return len;
}

static const uint8_t question[] = {3, 'w', 'W', 'w', 2, 'O', 'k', 0, 0, 1, 0, 1};

static void test_dns_reply(void **state)
{
	struct uw_probe_target t = target(UW_PROTO_DNS, 53);
	struct uw_probe_reply r = {.stratum = 9};
	uint8_t reply[UW_PROBE_PACKET_MAX];
	size_t full, len;

	(void)state;
	t.question_len = sizeof(question);
	memcpy(t.question, question, sizeof(question));
	full = dns_reply(&t, 0x1234, 3, reply);
	for (len = 0; len <= full; len++) {
		uint8_t *p = exactly(reply, len);

		assert_int_equal(uw_probe_matches(&t, 0x1234, p, len, &r), len == full);
		assert_int_equal(r.stratum, len == full ? 0 : 9);
		free(p);
	}
	assert_int_equal(r.rcode, 3);
	assert_false(r.truncated);
	reply[2] |= 2;
	assert_true(uw_probe_matches(&t, 0x1234, reply, full, &r));
	assert_true(r.truncated);
	assert_false(uw_probe_matches(&t, 0x1235, reply, full, &r));
	reply[2] &= 0x7f; /* our own request, reflected */
	assert_false(uw_probe_matches(&t, 0x1234, reply, full, &r));
}

static void test_dns_question(void **state)
{
	struct uw_probe_target t = target(UW_PROTO_DNS, 53);
	struct uw_probe_reply r;
	uint8_t reply[UW_PROBE_PACKET_MAX];
	size_t len, i;

	(void)state;
	t.question_len = sizeof(question);
	memcpy(t.question, question, sizeof(question));
	len = dns_reply(&t, 1, 0, reply);
	reply[13] ^= 0x20; /* the name's case is no matter (RFC 4343) */
	assert_true(uw_probe_matches(&t, 1, reply, len, &r));
	for (i = 12; i < len; i++) { /* any other byte is */
		reply[i] ^= 0x01;
		assert_false(uw_probe_matches(&t, 1, reply, len, &r));
		reply[i] ^= 0x01;
	}
	/* type and class have no case: 'A' (65) is not 'a' (97) */
	t.question[sizeof(question) - 1] = 'A';
	reply[len - 1] = 'a';
	assert_false(uw_probe_matches(&t, 1, reply, len, &r));
	/* two questions are never an answer to one; none only in an error */
	dns_reply(&t, 1, 0, reply);
	reply[5] = 2;
	assert_false(uw_probe_matches(&t, 1, reply, len, &r));
	reply[5] = 0;
	assert_false(uw_probe_matches(&t, 1, reply, 12, &r));
	reply[3] = 1;
	assert_true(uw_probe_matches(&t, 1, reply, 12, &r));
	assert_int_equal(r.rcode, 1);
}

/* Worked by hand: 10.0.0.1:1024 to 10.0.0.2:53, "abc". */
static void test_checksum_v4(void **state)
{
	const struct uw_addr a = {{10, 0, 0, 1}}, b = {{10, 0, 0, 2}};
	uint8_t udp[11] = {[8] = 'a', 'b', 'c'};
	/* RFC 768: addresses, protocol, length; ports, length; data, padded */
	uint32_t sum = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 0x0011 + 0x000b + 0x0400 + 0x0035 +
		       0x000b + 0x6162 + 0x6300;

	(void)state;
	uw_udp_header(4, &a, 1024, &b, 53, udp, 3);
	assert_memory_equal(udp, ((uint8_t[]){0x04, 0, 0, 53, 0, 11}), 6);
	assert_int_equal(sum, 0xdcc1); /* no carry to fold */
	assert_int_equal(udp[6] << 8 | udp[7], 0xffff - 0xdcc1);
}

/* Whatever the addresses and the payload, header and data with their checksum sum up to ffff. */
static void test_checksum_sums_up(void **state)
{
	unsigned family, len;

	(void)state;
	for (family = 4; family <= 6; family += 2) {
		for (len = 0; len < 70; len++) {
			struct uw_addr a, b;
			uint8_t udp[UW_UDP_HEADER + 70];
			uint32_t sum = 17 + UW_UDP_HEADER + len;
			unsigned i, bytes = family == 4 ? 4 : 16;

			for (i = 0; i < sizeof(udp); i++)
				udp[i] = (uint8_t)(i * 97 + len * 31);
			memcpy(a.b, udp + 20, 16);
			memcpy(b.b, udp + 40, 16);
			uw_udp_header(family, &a, 123, &b, 123, udp, len);
			udp[UW_UDP_HEADER + len] = 0;
			for (i = 0; i < bytes; i += 2)
				sum += (uint32_t)(a.b[i] << 8 | a.b[i + 1]) +
				       (uint32_t)(b.b[i] << 8 | b.b[i + 1]);
			for (i = 0; i < UW_UDP_HEADER + len; i += 2)
				sum += (uint32_t)(udp[i] << 8 | udp[i + 1]);
			while (sum >> 16)
				sum = (sum & 0xffff) + (sum >> 16);
			assert_int_equal(sum, 0xffff);
		}
	}
}

/* A sum of ffff would be sent as 0, "no checksum": ffff stands for it. */
static void test_checksum_never_zero(void **state)
{
	const struct uw_addr none = {};
	uint8_t udp[10] = {};
	uint16_t rest = 0xffff - 17 - 10;

	(void)state;
	udp[8] = (uint8_t)(rest >> 8);
	udp[9] = (uint8_t)rest;
	assert_int_equal(uw_udp_checksum(4, &none, &none, udp, 10), 0xffff);
}

static void test_raw_v4(void **state)
{
	uint8_t packet[20 + 4 + 8 + 3] = {0x46, [3] = 35, [9] = 17, [24] = 0, 123, 0xb6, 0xa6,
					  0,	11,	  0,	    0,	      1,   2,	 3};
	size_t len, payload = 0;

	(void)state;
	for (len = 0; len <= sizeof(packet); len++) {
		uint8_t *p = exactly(packet, len);
		const uint8_t *got = uw_raw_payload(4, p, len, 123, 46758, &payload);

		assert_ptr_equal(got, len == sizeof(packet) ? p + 32 : NULL);
		free(p);
	}
	assert_int_equal(payload, 3);
	assert_null(uw_raw_payload(4, packet, len, 124, 46758, &payload));
	assert_null(uw_raw_payload(4, packet, len, 123, 46759, &payload));
	len = sizeof(packet);
	packet[29] = 10; /* UDP length: padding behind is not payload */
	assert_non_null(uw_raw_payload(4, packet, len, 123, 46758, &payload));
	assert_int_equal(payload, 2);
	packet[29] = 7;
	assert_null(uw_raw_payload(4, packet, len, 123, 46758, &payload));
	packet[29] = 12;
	assert_null(uw_raw_payload(4, packet, len, 123, 46758, &payload));
	packet[29] = 11;
	packet[9] = 6;
	assert_null(uw_raw_payload(4, packet, len, 123, 46758, &payload));
	packet[9] = 17;
	packet[0] = 0x44;
	assert_null(uw_raw_payload(4, packet, len, 123, 46758, &payload));
	packet[0] = 0x66;
	assert_null(uw_raw_payload(4, packet, len, 123, 46758, &payload));
	packet[0] = 0x4f; /* header longer than the datagram */
	assert_null(uw_raw_payload(4, packet, len, 123, 46758, &payload));
}

static void test_raw_v6(void **state)
{
	static const uint8_t packet[11] = {0, 123, 0xb6, 0xa6, 0, 11, 0, 0, 1, 2, 3};
	size_t len, payload = 0;

	(void)state;
	for (len = 0; len <= sizeof(packet); len++) {
		uint8_t *p = exactly(packet, len);

		assert_ptr_equal(uw_raw_payload(6, p, len, 123, 46758, &payload),
				 len == 11 ? p + 8 : NULL);
		free(p);
	}
	assert_int_equal(payload, 3);
}

/* The answer section's addresses of the type asked for; cut at every length it is read no further. */
static void test_dns_addresses(void **state)
{
	static const uint8_t reply[] =
		"\x12\x34\x85\x80\0\1\0\3\0\0\0\0" "\1x\0\0\1\0\1"
		"\xc0\x0c\0\5\0\1\0\0\0\1\0\2\xc0\x0c"
		"\1x\0\0\1\0\1\0\0\0\1\0\4\xc0\0\2\7"
		"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\xc0\0\2\x8";
	struct uw_probe_target t = target(UW_PROTO_DNS, 53);
	size_t len;

	(void)state;
	t.question_len = 7;
	memcpy(t.question, "\1x\0\0\1\0\1", 7);
	for (len = 0; len < sizeof(reply); len++) {
		uint8_t *copy = exactly(reply, len);
		struct uw_probe_reply r = {0};
		bool matches = uw_probe_matches(&t, 0x1234, copy, len, &r);

		free(copy);
		assert_int_equal(matches, len >= 19);
		assert_int_equal(r.addresses, len < 50 ? 0 : len < 66 ? 1 : 2);
		if (!matches)
			continue;
		assert_true(r.authoritative && r.address_family == 4 && !r.more_addresses);
		if (r.addresses == 2)
			assert_true(r.address[0].b[3] == 7 && r.address[1].b[3] == 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ntp_request),
		cmocka_unit_test(test_dns_request),
		cmocka_unit_test(test_edns_request),
		cmocka_unit_test(test_ntp_time),
		cmocka_unit_test(test_ntp_reply),
		cmocka_unit_test(test_ntp_kiss),
		cmocka_unit_test(test_dns_reply),
		cmocka_unit_test(test_dns_question),
		cmocka_unit_test(test_checksum_v4),
		cmocka_unit_test(test_checksum_sums_up),
		cmocka_unit_test(test_checksum_never_zero),
		cmocka_unit_test(test_raw_v4),
		cmocka_unit_test(test_raw_v6),
		cmocka_unit_test(test_dns_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
