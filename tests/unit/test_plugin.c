/* SPDX-License-Identifier: GPL-2.0-only */
/* The one line of udpwhy probe: every state, its reason, its perfdata; and nothing that breaks the line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ask/plugin.h"

#define S 1000000000ll

static struct uw_probe_target target;
static struct uw_probe_result door[2][UW_PROBE_DOORS];
static struct uw_plugin_server server[2];
static struct uw_plugin plugin;

static int set_up(void **state)
{
	unsigned i, k;

	(void)state;
	target = (struct uw_probe_target){
		.server = {{192, 0, 2, 1}}, .port = 123, .family = 4, .protocol = UW_PROTO_NTP,
	};
	memset(door, 0, sizeof(door));
	for (i = 0; i < 2; i++) {
		for (k = 0; k < 2; k++)
			door[i][k] = (struct uw_probe_result){
				.fixed = k, .port = k ? 123 : 50000, .sent = 4, .answered = 4, .median_us = 900,
				.has_offset = true, .offset_ns = 1000 * S + S / 4, .offset_delay_ns = 100,
			};
		server[i] = (struct uw_plugin_server){
			.name = "192.0.2.1", .target = &target, .result = door[i], .doors = 2,
		};
	}
	plugin = (struct uw_plugin){
		.server = server, .servers = 1, .protocol = UW_PROTO_NTP, .wall_minus_boot_ns = 1000 * S,
	};
	uw_range_parse("60", &plugin.warning);
	uw_range_parse("120", &plugin.critical);
	return 0;
}

static void expect_line(enum uw_plugin_state state, const char *wanted)
{
	char *line = NULL;
	size_t size;
	FILE *out = open_memstream(&line, &size);

	uw_plugin_judge(&plugin);
	uw_plugin_line(&plugin, out);
	fclose(out);
	if (!strstr(line, wanted))
		print_error("%s", line);
	assert_non_null(strstr(line, wanted));
	assert_int_equal(plugin.state, state);
	assert_ptr_equal(strchr(line, '\n'), line + size - 1);
	assert_ptr_equal(strchr(line, '|'), strrchr(line, '|'));
	free(line);
}

static void test_well(void **state)
{
	(void)state;
	expect_line(UW_PLUGIN_OK,
		    "UDP NTP OK - 192.0.2.1: ephemeral port 4/4, fixed port 4/4 answered, offset +0.250000 s, 0.9 ms |"
		    " offset=0.250000s;60;120; ephemeral_lost=0;;;0;4 ephemeral_rtt=900us;;;0 fixed_lost=0;;;0;4"
		    " fixed_rtt=900us;;;0 servers_well=1;;;0;1\n");
}

static void test_offset(void **state)
{
	(void)state;
	door[0][0].offset_ns = (1000 - 61) * S;
	door[0][0].offset_delay_ns = 99; /* the shorter way decides */
	expect_line(UW_PLUGIN_WARNING, "offset=-61.000000s;60;120;");
	door[0][0].offset_ns = (1000 + 121) * S;
	expect_line(UW_PLUGIN_CRITICAL, "offset +121.000000 s");
}

static void test_lost(void **state)
{
	(void)state;
	door[0][0].answered = 0;
	expect_line(UW_PLUGIN_WARNING, "replies to port 123 arrive, to ephemeral ports not; not traced");
	door[0][1].answered = 0;
	expect_line(UW_PLUGIN_CRITICAL, "not traced: cannot tell whether lost here or beyond this host (needs root)");
	door[0][1].last_errno = ECONNREFUSED;
	expect_line(UW_PLUGIN_CRITICAL, "nothing listens there");
}

static void test_traced(void **state)
{
	struct uw_flow f = {
		.id = {.server = target.server, .server_port = 123, .family = 4, .protocol = UW_PROTO_NTP},
		.count = {[UW_NO_REPLY] = 4}, .bad_complete = 4,
	};
	const struct uw_flow *flow = &f;

	(void)state;
	plugin.traced = true;
	plugin.flow = &flow;
	plugin.flows = 1;
	door[0][0].answered = door[0][1].answered = 0;
	expect_line(UW_PLUGIN_CRITICAL, "left this host, no reply arrived: lost beyond this host");
	f.bad_complete = 3;
	expect_line(UW_PLUGIN_CRITICAL, "something here could have hidden it");
	f.drops = 1;
	f.count[UW_REPLY_DROPPED] = 1;
	f.drop[0] = (struct uw_flow_drop){.stage = UW_STAGE_NF_INPUT, .dir = UW_REPLY, .engine = "nftables"};
	plugin.diagnosis = "local-firewall";
	plugin.confidence = UW_CERTAIN;
	expect_line(UW_PLUGIN_CRITICAL, "replies dropped on this host at nf_input by nftables [local-firewall, certain]");
	target.port = 1123; /* another server's drop says nothing of this one */
	expect_line(UW_PLUGIN_CRITICAL, "cannot tell why");
}

static void test_unwilling(void **state)
{
	(void)state;
	door[0][0].refused = 4;
	door[0][1].refused = 4;
	memcpy(&door[0][0].reply.refid, "RATE", 4);
	memcpy(&door[0][1].reply.refid, "RATE", 4);
	expect_line(UW_PLUGIN_CRITICAL, "the kiss-o'-death RATE, the way is open");
	door[0][0].refused = door[0][1].refused = 0;
	door[0][0].failed_there = door[0][1].failed_there = 4;
	expect_line(UW_PLUGIN_CRITICAL, "its own clock is not set");
}

static void test_edns(void **state)
{
	(void)state;
	target.protocol = plugin.protocol = UW_PROTO_DNS;
	plugin.warning = plugin.critical = (struct uw_range){0};
	server[0].doors = 4;
	door[0][2] = (struct uw_probe_result){.edns = 1232, .sent = 4, .answered = 4};
	door[0][3] = (struct uw_probe_result){.edns = 4096, .sent = 4, .answered = 1};
	expect_line(UW_PLUGIN_OK, "EDNS 1232 4/4, EDNS 4096 1/4 answered, 0.9 ms | time=0.000900s;;;0 ");
	door[0][3].answered = 0;
	expect_line(UW_PLUGIN_WARNING, "no answer to questions with EDNS buffer size 4096");
	door[0][0].answered = door[0][1].answered = 0;
	expect_line(UW_PLUGIN_CRITICAL, "EDNS 4096 0/4 answered, 0.9 ms: not traced");
}

static void test_several(void **state)
{
	(void)state;
	plugin.servers = 2;
	expect_line(UW_PLUGIN_OK, "2 of 2 servers well, the first 192.0.2.1");
	door[1][0].answered = door[1][1].answered = 0;
	server[1].name = "evil|name\n\x1b[31m";
	expect_line(UW_PLUGIN_WARNING, "1 of 2 servers well; 192.0.2.1: ephemeral port 0/4");
	door[0][0].answered = door[0][1].answered = 0;
	expect_line(UW_PLUGIN_CRITICAL, "0 of 2 servers well; ");
}

static void test_unasked(void **state)
{
	(void)state;
	memset(door, 0, sizeof(door));
	door[0][0].last_errno = door[0][1].last_errno = ENETUNREACH;
	expect_line(UW_PLUGIN_CRITICAL, "the kernel says: Network is unreachable");
	door[0][0].last_errno = EMFILE;
	expect_line(UW_PLUGIN_UNKNOWN, "ephemeral port not asked (Too many open files)");
	server[0].result = NULL;
	expect_line(UW_PLUGIN_UNKNOWN, "could not be asked");
	/* The right to the fixed port is not needed to be well. */
	server[0].result = door[0];
	door[0][0] = (struct uw_probe_result){.sent = 4, .answered = 4};
	door[0][1] = (struct uw_probe_result){.fixed = true, .last_errno = EACCES};
	expect_line(UW_PLUGIN_OK, "fixed port not asked (Permission denied) answered");
}

/* What check_ntp_time has: an offset that is expected, and -q where answers tell none. */
static void test_ntp_options(void **state)
{
	unsigned i;

	(void)state;
	plugin.time_offset = 100;
	expect_line(UW_PLUGIN_WARNING, "offset +100.250000 s");
	plugin.time_offset = 0;
	for (i = 0; i < 2; i++) {
		door[0][i].has_offset = false;
		door[0][i].failed_there = 4;
	}
	expect_line(UW_PLUGIN_CRITICAL, "its own clock is not set");
	plugin.quiet = true;
	expect_line(UW_PLUGIN_UNKNOWN, "its own clock is not set");
	door[0][0].answered = door[0][1].answered = 0; /* no answer is no quiet matter */
	door[0][0].failed_there = door[0][1].failed_there = 0;
	expect_line(UW_PLUGIN_CRITICAL, "not traced");
}

/* What check_dns has: the answer has to be this one. */
static void test_expected(void **state)
{
	struct uw_expect e = {.addresses = 1, .address[0] = {.addr = {{192, 0, 2}}, .family = 4, .len = 24}};
	struct uw_probe_reply *r[] = {&door[0][0].reply, &door[0][1].reply};
	unsigned i;

	(void)state;
	target.protocol = plugin.protocol = UW_PROTO_DNS;
	plugin.warning.text[0] = plugin.critical.text[0] = '\0';
	plugin.expect = &e;
	for (i = 0; i < 2; i++)
		*r[i] = (struct uw_probe_reply){
			.addresses = 2, .address_family = 4, .address = {{{192, 0, 2, 7}}, {{198, 51, 100, 1}}},
		};
	expect_line(UW_PLUGIN_OK, "UDP DNS OK");
	e.all = true;
	expect_line(UW_PLUGIN_CRITICAL, "the answer has 192.0.2.7, 198.51.100.1, not what is expected");
	e.addresses = 2;
	e.address[1] = (struct uw_prefix){.addr = {{198, 51, 100, 1}}, .family = 4, .len = 32};
	expect_line(UW_PLUGIN_OK, "UDP DNS OK");
	r[1]->addresses = 1; /* one that is expected is missing */
	expect_line(UW_PLUGIN_CRITICAL, "the answer has 192.0.2.7, not");
	e.all = false;
	e.authority = true;
	expect_line(UW_PLUGIN_CRITICAL, "not with authority");
	r[0]->authoritative = r[1]->authoritative = true;
	expect_line(UW_PLUGIN_OK, "UDP DNS OK");
	e = (struct uw_expect){.nxdomain = true};
	expect_line(UW_PLUGIN_CRITICAL, "answers NOERROR where NXDOMAIN is expected");
	for (i = 0; i < 2; i++) {
		r[i]->rcode = 3;
		door[0][i].failed_there = 4;
	}
	expect_line(UW_PLUGIN_OK, "UDP DNS OK");
	e = (struct uw_expect){.addresses = 1};
	expect_line(UW_PLUGIN_CRITICAL, "answers NXDOMAIN, the way is open");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_well, set_up),	cmocka_unit_test_setup(test_offset, set_up),
		cmocka_unit_test_setup(test_lost, set_up),	cmocka_unit_test_setup(test_traced, set_up),
		cmocka_unit_test_setup(test_unwilling, set_up), cmocka_unit_test_setup(test_edns, set_up),
		cmocka_unit_test_setup(test_several, set_up),	cmocka_unit_test_setup(test_unasked, set_up),
		cmocka_unit_test_setup(test_ntp_options, set_up),	cmocka_unit_test_setup(test_offset, set_up),
		cmocka_unit_test_setup(test_expected, set_up),	cmocka_unit_test_setup(test_offset, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
