/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "core/explain.h"
#include "core/query.h"

static void must_have(enum uw_explain_kind kind, const char *name)
{
	if (!uw_explain_entry(kind, name))
		fail_msg("%s has no explanation", name);
}

static void every_name_is_explained(void **state)
{
	static const char *const reasons[] = {
		"NETFILTER_DROP", "NO_SOCKET", "SOCKET_RCVBUFF", "UDP_CSUM", "IP_RPFILTER",
		"NEIGH_FAILED", "NEIGH_QUEUEFULL", "QDISC_DROP", "TC_EGRESS", "TC_INGRESS", "XDP",
		"IP_INNOROUTES", "PKT_TOO_BIG", "SOCKET_FILTER", "BPF_CGROUP_EGRESS",
		"NOT_SPECIFIED", "XFRM_POLICY", "IP_INHDR", "PKT_TOO_SMALL", "IP_CSUM",
		"CPU_BACKLOG", "PROTO_MEM", "FRAG_REASM_TIMEOUT",
	};
	static const char *const diagnoses[] = {
		"ephemeral-replies-filtered", "local-firewall", "no-route", "neighbour-unresolved",
		"socket-buffer-overflow", "server-down", "server-rate-limiting", "no-service",
	};

	(void)state;
	for (unsigned v = 0; v < UW_VERDICTS; v++)
		must_have(UW_EXPLAIN_VERDICT, uw_verdict_name(v));
	for (unsigned f = 0; f < UW_FAULTS; f++)
		must_have(UW_EXPLAIN_FAULT, uw_fault_name(f));
	for (unsigned s = 0; s < UW_STAGES; s++)
		must_have(UW_EXPLAIN_STAGE, uw_stage_name(s));
	for (unsigned g = 0; g < UW_GAPS; g++)
		must_have(UW_EXPLAIN_GAP, uw_gap_name(g));
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		must_have(UW_EXPLAIN_REASON, reasons[i]);
	for (size_t i = 0; i < sizeof(diagnoses) / sizeof(diagnoses[0]); i++)
		must_have(UW_EXPLAIN_DIAGNOSIS, diagnoses[i]);
}

static void the_table_is_in_order(void **state)
{
	(void)state;
	for (unsigned i = 0; i < uw_explanation_count; i++) {
		const struct uw_explanation *e = &uw_explanations[i];

		assert_true(e->kind < UW_EXPLAIN_KINDS);
		assert_true(strlen(e->name) < 64);
		assert_true(e->text[strlen(e->text) - 1] == '.');
		assert_null(strstr(e->text, "  "));
		for (unsigned j = 0; j < i; j++)
			assert_false(uw_explanations[j].kind == e->kind &&
				     strcmp(uw_explanations[j].name, e->name) == 0);
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
	assert_int_equal(uw_explain_nearest("rcvbuf", near, 3), 1);	/* a part of a name */
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
	char text[16384];

	(void)state;
	assert_int_equal(run(STDOUT_FILENO, text, sizeof(text), "udp_csum"), 0);
	assert_string_equal(text,
			    "UDP_CSUM  (drop reason)\n"
			    "  The UDP checksum is wrong: the packet was damaged on the way, or offloading is\n"
			    "  broken.\n"
			    "  Do: ethtool -K DEVICE rx off for a test; look for the device or tunnel that\n"
			    "  damages packets.\n");
	assert_int_equal(run(STDOUT_FILENO, text, sizeof(text), NULL), 0);
	for (unsigned i = 0; i < uw_explanation_count; i++)
		assert_non_null(strstr(text, uw_explanations[i].name));
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
		cmocka_unit_test(the_table_is_in_order),
		cmocka_unit_test(names_are_found),
		cmocka_unit_test(near_names),
		cmocka_unit_test(the_command_explains),
		cmocka_unit_test(the_command_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
