// SPDX-License-Identifier: GPL-2.0-only
/* Link layers and tunnels: where the IP packet begins, for every length a frame may be cut to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pcap/dlt.h>

#include "offline/link.h"

/* Bytes as they stand in a frame, up to the IP packet that they carry. */
struct header {
	const char *name;
	int dlt;
	enum uw_tunnel tunnel;
	unsigned len;
	const char *bytes;
};

#define BYTES(s) sizeof(s) - 1, s
#define MACS "\2\2\2\2\2\2\3\3\3\3\3\3"

static const struct header links[] = {
	{ "ethernet", DLT_EN10MB, 0, BYTES(MACS "\x08\x00") },
	{ "vlan", DLT_EN10MB, 0, BYTES(MACS "\x81\x00\x00\x05\x08\x00") },
	{ "qinq", DLT_EN10MB, 0, BYTES(MACS "\x88\xa8\x00\x05\x81\x00\x00\x06\x08\x00") },
	{ "mpls", DLT_EN10MB, 0, BYTES(MACS "\x88\x47\x00\x01\x00\x40\x00\x02\x01\x40") },
	{ "pppoe", DLT_EN10MB, 0, BYTES(MACS "\x88\x64\x11\x00\x00\x01\x00\x16\x00\x21") },
	{ "null", DLT_NULL, 0, BYTES("\2\0\0\0") },
	{ "loop", DLT_LOOP, 0, BYTES("\0\0\0\2") },
	{ "raw", DLT_RAW, 0, BYTES("") },
	{ "cooked", DLT_LINUX_SLL, 0, BYTES("\0\4\0\1\0\6\2\2\2\2\2\2\0\0\x08\x00") },
	{ "cooked, second", DLT_LINUX_SLL2, 0, BYTES("\x08\x00\0\0\0\0\0\3\0\1\0\6\2\2\2\2\2\2\0\0") },
	{ "ppp", DLT_PPP, 0, BYTES("\xff\x03\x00\x21") },
	{ "ppp, compressed", DLT_PPP, 0, BYTES("\x21") },
};

#define UDP(port) "\x30\x39" port "\0\0\0\0"

static const struct header tunnels[] = {
	{ "ip", 4, UW_TUNNEL_IP, BYTES("") },
	{ "gre", 47, UW_TUNNEL_GRE, BYTES("\x00\x00\x08\x00") },
	{ "gre, key and sequence", 47, UW_TUNNEL_GRE, BYTES("\x30\x00\x08\x00\0\0\0\1\0\0\0\2") },
	{ "gre, bridged", 47, UW_TUNNEL_GRE, BYTES("\x20\x00\x65\x58\0\0\1\0" MACS "\x08\x00") },
	{ "erspan I", 47, UW_TUNNEL_ERSPAN, BYTES("\x00\x00\x88\xbe" MACS "\x08\x00") },
	{ "erspan II", 47, UW_TUNNEL_ERSPAN, BYTES("\x10\x00\x88\xbe\0\0\0\1\x10\0\0\0\0\0\0\0" MACS "\x08\x00") },
	{ "vxlan", UW_IPPROTO_UDP, UW_TUNNEL_VXLAN, BYTES(UDP("\x12\xb5") "\x08\0\0\0\0\0\1\0" MACS "\x08\x00") },
	{ "geneve, an option", UW_IPPROTO_UDP, UW_TUNNEL_GENEVE,
	  BYTES(UDP("\x17\xc1") "\x01\0\x65\x58\0\0\1\0\0\0\0\0" MACS "\x08\x00") },
	{ "gtp", UW_IPPROTO_UDP, UW_TUNNEL_GTP, BYTES(UDP("\x08\x68") "\x30\xff\x00\x14\0\0\0\1") },
	{ "gtp, an extension", UW_IPPROTO_UDP, UW_TUNNEL_GTP,
	  BYTES(UDP("\x08\x68") "\x34\xff\x00\x14\0\0\0\1\0\0\0\x85\1\0\0\0") },
};

#define IP_LEN 20
static const uint8_t ip[IP_LEN] = { 0x45, 0, 0, IP_LEN };

/* In memory of exactly this length, so that a read behind it is seen. */
static uint8_t *exact(const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	return copy;
}

static size_t carry(const struct header *h, uint8_t *frame)
{
	memcpy(frame, h->bytes, h->len);
	memcpy(frame + h->len, ip, sizeof(ip));
	return h->len + sizeof(ip);
}

static void every_link_leads_to_its_packet(void **state)
{
	uint8_t frame[128], *copy;
	struct uw_slice s;
	size_t len, cut;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(links) / sizeof(*links); i++) {
		assert_true(uw_link_known(links[i].dlt));
		len = carry(&links[i], frame);
		for (cut = 0; cut <= len; cut++) {
			bool whole = cut > links[i].len;

			copy = exact(frame, cut);
			s = (struct uw_slice){ copy, (uint32_t)cut };
			if (uw_link_network(links[i].dlt, &s) != whole)
				fail_msg("%s, cut to %zu bytes", links[i].name, cut);
			if (whole)
				assert_true(s.at == copy + links[i].len && s.len == cut - links[i].len);
			free(copy);
		}
	}
}

static void every_tunnel_leads_to_its_packet(void **state)
{
	uint8_t inner[128], packet[160] = { 0x45 }, *copy;
	struct uw_slice s;
	size_t len, cut;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(tunnels) / sizeof(*tunnels); i++) {
		const struct header *t = &tunnels[i];
		struct uw_headers h = {
			.family = 4, .protocol = (uint8_t)t->dlt, .transport = IP_LEN,
			.destination_port = t->dlt == UW_IPPROTO_UDP ? uw_be16((const uint8_t *)t->bytes + 2) : 0,
		};

		len = carry(t, inner);
		memcpy(packet + IP_LEN, inner, len);
		for (cut = 0; cut <= IP_LEN + len; cut++) {
			bool whole = cut > IP_LEN + t->len;

			copy = exact(packet, cut);
			s = (struct uw_slice){ copy, (uint32_t)cut };
			if (uw_tunnel_inner(&h, &s) != (whole ? t->tunnel : UW_TUNNEL_NONE))
				fail_msg("%s, cut to %zu bytes", t->name, cut);
			assert_true(s.at == copy + (whole ? IP_LEN + t->len : 0));
			free(copy);
		}
	}
}

static void what_is_no_ip_is_none(void **state)
{
	static const struct header others[] = {
		{ "arp", DLT_EN10MB, 0, BYTES(MACS "\x08\x06") },
		{ "an endless stack of tags", DLT_EN10MB, 0,
		  BYTES(MACS "\x81\x00\0\1\x81\x00\0\1\x81\x00\0\1\x81\x00\0\1\x81\x00\0\1\x81\x00\0\1"
			     "\x81\x00\0\1\x81\x00\0\1\x81\x00\0\1\x08\x00") },
		{ "ppp lcp", DLT_PPP, 0, BYTES("\xff\x03\xc0\x21") },
		{ "an unknown link", 9999, 0, BYTES("") },
	};
	uint8_t frame[128];
	struct uw_slice s;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
		s = (struct uw_slice){ frame, (uint32_t)carry(&others[i], frame) };
		if (uw_link_network(others[i].dlt, &s))
			fail_msg("%s", others[i].name);
	}
	assert_false(uw_link_known(9999));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_link_leads_to_its_packet),
		cmocka_unit_test(every_tunnel_leads_to_its_packet),
		cmocka_unit_test(what_is_no_ip_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
