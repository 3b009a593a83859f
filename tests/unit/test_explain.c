/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/btf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "core/explain.h"
#include "core/query.h"
#include "core/rules.h"
#include "core/text_safe.h"

static void must_have(enum uw_explain_kind kind, const char *name)
{
	if (!uw_explain_entry(kind, name))
		fail_msg("%s has no explanation", name);
}

/* What the brief reader of a drop meets: 5.17 to 7.3. */
static const char *const reasons[] = {
	"NOT_SPECIFIED", "NETFILTER_DROP", "NO_SOCKET", "SOCKET_RCVBUFF", "SOCKET_FILTER",
	"SOCKET_CLOSE", "UDP_CSUM", "IP_CSUM", "SKB_CSUM", "IP_INHDR", "IP_RPFILTER",
	"IP_INADDRERRORS", "IP_INNOROUTES", "IP_OUTNOROUTES", "IP_LOCAL_SOURCE", "IP_LOCALNET",
	"IP_INVALID_SOURCE", "IP_INVALID_DEST", "IP_NOPROTO", "IPV6DISABLED", "NEIGH_FAILED",
	"NEIGH_QUEUEFULL", "NEIGH_CREATEFAIL", "NEIGH_DEAD", "NEIGH_HH_FILLFAIL", "QDISC_DROP",
	"QDISC_OVERLIMIT", "QDISC_CONGESTED", "FQ_FLOW_LIMIT", "CPU_BACKLOG", "XDP",
	"TC_INGRESS", "TC_EGRESS", "BPF_CGROUP_EGRESS", "XFRM_POLICY", "SECURITY_HOOK",
	"FRAG_REASM_TIMEOUT", "FRAG_TOO_FAR", "DUP_FRAG", "PKT_TOO_SMALL", "PKT_TOO_BIG",
	"HDR_TRUNC", "PROTO_MEM", "UNICAST_IN_L2_MULTICAST", "OTHERHOST", "FULL_RING",
	"DEV_READY", "DEV_HDR", "NOMEM", "PFMEMALLOC", "RECURSION_LIMIT", "QUEUE_PURGE",
	"SKB_UCOPY_FAULT", "SKB_GSO_SEG", "INVALID_PROTO", "UNHANDLED_PROTO",
	"PACKET_SOCK_ERROR", "TAP_FILTER", "TAP_TXFILTER", "VXLAN_VNI_NOT_FOUND",
	"BRIDGE_INGRESS_STP_STATE", "NO_TX_TARGET", "OVS_DROP_EXPLICIT",
	/* 6.12 and 7.3, which the test below does not see where it runs */
	"SKB_BAD_GSO", "IPV6_TOO_MANY_EXTHDRS", "QDISC_BURST_DROP", "MACVLAN_BROADCAST_BACKLOG",
	"IPVLAN_MULTICAST_BACKLOG", "QDISC_DROP_UNSPEC", "QDISC_DROP_GENERIC", "QDISC_DROP_OVERLIMIT",
	"QDISC_DROP_CONGESTED", "QDISC_DROP_MAXFLOWS", "QDISC_DROP_FLOOD_PROTECTION", "QDISC_DROP_BAND_LIMIT",
	"QDISC_DROP_HORIZON_LIMIT", "QDISC_DROP_FLOW_LIMIT", "QDISC_DROP_L4S_STEP_NON_ECN",
};

/* The diagnoses of the design; those that there are rules for come from their table. */
static const char *const diagnoses[] = {
	"ephemeral-replies-filtered", "upstream-udp-throttling", "cloud-allowance-exceeded",
	"server-down", "server-rate-limiting", "server-unsynchronised", "no-service",
	"local-firewall", "socket-buffer-overflow", "app-not-reading", "reply-after-timeout",
	"fragmented-replies-lost", "mtu", "asymmetric-routing", "wrong-source-reply", "no-route",
	"neighbour-unresolved", "conntrack-full", "checksum", "nic-drops", "tcp-fallback-blocked",
};

static void every_name_is_explained(void **state)
{
	(void)state;
	for (unsigned v = 0; v < UW_VERDICTS; v++)
		must_have(UW_EXPLAIN_VERDICT, uw_verdict_name(v));
	for (unsigned f = 0; f < UW_FAULTS; f++)
		must_have(UW_EXPLAIN_FAULT, uw_fault_name(f));
	for (unsigned s = 0; s < UW_STAGES; s++)
		must_have(UW_EXPLAIN_STAGE, uw_stage_name(s));
	for (unsigned g = 0; g < UW_GAPS; g++)
		must_have(UW_EXPLAIN_GAP, uw_gap_name(g));
	for (unsigned r = 0; r < UW_ROLES; r++)
		must_have(UW_EXPLAIN_ROLE, uw_role_name(r));
	for (unsigned c = UW_POSSIBLE; c <= UW_CERTAIN; c++)
		must_have(UW_EXPLAIN_CONFIDENCE, uw_confidence_name(c));
	for (unsigned i = 0; i < uw_rule_count; i++)
		must_have(UW_EXPLAIN_DIAGNOSIS, uw_rules[i].id);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		must_have(UW_EXPLAIN_REASON, reasons[i]);
	for (size_t i = 0; i < sizeof(diagnoses) / sizeof(diagnoses[0]); i++)
		must_have(UW_EXPLAIN_DIAGNOSIS, diagnoses[i]);
}

/* No datagram dies of these: TCP, unix sockets, neighbour discovery's own messages, CAN; ends of the enum. */
static bool udp_cannot_meet(const char *reason)
{
	static const char *const parts[] = { "TCP_", "UNIX_", "IPV6_NDISC_", "CAN", "ICMP_CSUM", "MAX", "SUBSYS_MASK" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strncmp(reason, parts[i], strlen(parts[i])) == 0)
			return true;
	return false;
}

static unsigned explain_reasons_of(const struct btf *btf, const char *name)
{
	const struct btf_type *t = btf__type_by_id(btf, (uint32_t)btf__find_by_name_kind(btf, name, BTF_KIND_ENUM));
	const char *const prefix = "SKB_DROP_REASON_";
	unsigned i, known = 0;

	for (i = 0; t && i < btf_vlen(t); i++) {
		const char *value = btf__name_by_offset(btf, btf_enum(t)[i].name_off);

		if (strncmp(value, prefix, strlen(prefix)) != 0 || udp_cannot_meet(value + strlen(prefix)))
			continue;
		must_have(UW_EXPLAIN_REASON, value + strlen(prefix));
		known++;
	}
	return known;
}

/* Whatever this test runs on: a reason that came with a newer kernel is found here, not by a user. */
static void the_running_kernels_reasons_are_explained(void **state)
{
	struct btf *btf = btf__load_vmlinux_btf();

	(void)state;
	if (!btf)
		skip();
	if (btf__find_by_name_kind(btf, "skb_drop_reason", BTF_KIND_ENUM) > 0)
		assert_true(explain_reasons_of(btf, "skb_drop_reason") > 10);
	btf__free(btf);
}

static void the_table_is_in_order(void **state)
{
	const struct uw_explanation *e, *other;

	(void)state;
	for (unsigned i = 0; (e = uw_explain_at(i)); i++) {
		assert_true(e->kind < UW_EXPLAIN_KINDS);
		assert_true(strlen(e->name) < 64);
		assert_true(e->text[strlen(e->text) - 1] == '.');
		assert_null(strstr(e->text, "  "));
		assert_true(!e->usual || e->usual[strlen(e->usual) - 1] == '.');
		assert_true(!e->advice || strchr(".?", e->advice[strlen(e->advice) - 1]));
		/* A drop reason says where to look; where it is no loss, it says that. */
		if (e->kind == UW_EXPLAIN_REASON)
			assert_true(e->usual || strstr(e->text, "No loss") || e->advice ||
				    strstr(e->text, "not for the stack"));
		for (unsigned j = 0; j < i; j++) {
			other = uw_explain_at(j);
			assert_false(other->kind == e->kind && strcmp(other->name, e->name) == 0);
		}
	}
}

static void names_are_found(void **state)
{
	const struct uw_explanation *found[8];

	(void)state;
	assert_int_equal(uw_explain_find("no_reply", found, 8), 1);
	assert_int_equal(found[0]->kind, UW_EXPLAIN_VERDICT);
	assert_int_equal(uw_explain_find("unknown", found, 8), 2);
	assert_int_equal(uw_explain_find("unknown", found, 1), 1);
	assert_int_equal(uw_explain_find("No-Reply", found, 8), 1);
	assert_int_equal(uw_explain_find("SKB_DROP_REASON_NO_SOCKET", found, 8), 1);
	assert_string_equal(found[0]->name, "NO_SOCKET");
	assert_int_equal(uw_explain_find("no_route", found, 8), 1);
	assert_string_equal(found[0]->name, "no-route");
	/* A stage and a drop reason that differ in case only: exactly what was asked comes alone. */
	assert_int_equal(uw_explain_find("xdp", found, 8), 1);
	assert_int_equal(found[0]->kind, UW_EXPLAIN_STAGE);
	assert_int_equal(uw_explain_find("Xdp", found, 8), 2);
	assert_int_equal(uw_explain_find("", found, 8), 0);
	assert_int_equal(uw_explain_find("no_repl", found, 8), 0);
}

static void near_names(void **state)
{
	const struct uw_explanation *near[3];
	char longest[300];

	(void)state;
	assert_true(uw_explain_nearest("no_repyl", near, 3) >= 1);
	assert_string_equal(near[0]->name, "no_reply");
	assert_true(uw_explain_nearest("NETFILTERDROP", near, 3) >= 1);
	assert_string_equal(near[0]->name, "NETFILTER_DROP");
	assert_int_equal(uw_explain_nearest("rcvbuff", near, 3), 1);	/* a part of a name */
	assert_string_equal(near[0]->name, "SOCKET_RCVBUFF");
	assert_int_equal(uw_explain_nearest("qqqqqqqqqq", near, 3), 0);
	assert_int_equal(uw_explain_nearest("unknwon", near, 3), 1);	/* one name, two meanings */
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(uw_explain_nearest(longest, near, 3), 0);
}

/* ---- the command ---- */

/* Run it with @fd going to a file, whose text comes back. */
static int run(int fd, char *text, size_t size, const char *name)
{
	const struct uw_options options = { .command = UW_CMD_EXPLAIN, .name = name };
	FILE *to = tmpfile();
	int kept = dup(fd), status;
	size_t n;

	assert_non_null(to);
	fflush(NULL);
	dup2(fileno(to), fd);
	status = uw_cmd_explain(&options);
	fflush(NULL);
	dup2(kept, fd);
	close(kept);
	rewind(to);
	n = fread(text, 1, size - 1, to);
	text[n] = '\0';
	fclose(to);
	return status;
}

static void the_command_explains(void **state)
{
	const struct uw_explanation *e;
	char text[16384];

	(void)state;
	assert_int_equal(run(STDOUT_FILENO, text, sizeof(text), "udp_csum"), 0);
	assert_string_equal(text,
			    "UDP_CSUM  (drop reason)\n"
			    "  The UDP checksum is wrong: the datagram was damaged.\n"
			    "  Usually: A faulty device, cable or tunnel on the way; a virtual network card\n"
			    "    with broken offloading.\n"
			    "  Look at: nstat -az 'Udp*InCsumErrors'; for a test ethtool -K DEVICE rx off\n"
			    "    here, tx off at the sender.\n");
	assert_int_equal(run(STDOUT_FILENO, text, sizeof(text), NULL), 0);
	for (unsigned i = 0; (e = uw_explain_at(i)); i++)
		assert_non_null(strstr(text, e->name));
}

/* An entry is read at a glance: few lines, none wider than the terminal. */
static void entries_are_short(void **state)
{
	const struct uw_explanation *e;
	char text[16384];

	(void)state;
	for (unsigned i = 0; (e = uw_explain_at(i)); i++) {
		unsigned lines = 0;

		assert_int_equal(run(STDOUT_FILENO, text, sizeof(text), e->name), 0);
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
			/* A name of several kinds has an entry for each. */
			lines = strstr(line, "  (") ? 0 : lines + 1;
			if (uw_text_columns(line) > 80 || lines > 11)
				fail_msg("%s is too long: %s", e->name, line);
		}
	}
}

static void the_command_refuses(void **state)
{
	char text[2048];

	(void)state;
	assert_int_equal(run(STDERR_FILENO, text, sizeof(text), "no_replay"), 1);
	assert_string_equal(text, "udpwhy explain: nothing is called 'no_replay'; near it: no_reply\n");
	assert_int_equal(run(STDERR_FILENO, text, sizeof(text), "\x1b[31m"), 1);
	assert_string_equal(text, "udpwhy explain: nothing is called '\\x1b[31m'; "
				  "'udpwhy explain' lists the names\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_is_explained),
		cmocka_unit_test(the_running_kernels_reasons_are_explained),
		cmocka_unit_test(the_table_is_in_order),
		cmocka_unit_test(names_are_found),
		cmocka_unit_test(near_names),
		cmocka_unit_test(the_command_explains),
		cmocka_unit_test(entries_are_short),
		cmocka_unit_test(the_command_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
