// SPDX-License-Identifier: GPL-2.0-only
/* nftables' listings read, and which of a namespace's rulesets a drop gets its rule's text from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/ruleset.h"

#define MS 1000000ull
#define NETNS 4026531840u

static const char listing[] =
	"table inet t { # handle 7\n"
	"\tset quiet { # handle 3\n"
	"\t\ttype ipv4_addr\n"
	"\t\telements = { 192.0.2.1,\n"
	"\t\t\t     192.0.2.2 } # handle 11\n"
	"\t}\n"
	"\n"
	"\tchain users { # handle 1\n"
	"\t\tudp sport 53 drop comment \"as in # handle 9\" # handle 4\n"
	"\t}\n"
	"\n"
	"\tchain in { # handle 2\n"
	"\t\tcomment \"all that comes in\"\n"
	"\t\ttype filter hook input priority filter; policy drop;\n"
	"\t\tip saddr { 192.0.2.7, 192.0.2.8,\n"
	"\t\t\t   192.0.2.9 } udp dport vmap { 53 : drop, 123 : accept } # handle 8\n"
	"\t\tjump users # handle 5\n"
	"\t}\n"
	"}\n"
	"table ip filter { # handle 3\n"
	"\tchain INPUT { # handle 1\n"
	"\t\ttype filter hook input priority filter; policy accept;\n"
	"\t\tudp sport 53  counter drop # handle 4\n"
	"\t}\n"
	"}\n"
	"table netdev n { # handle 5\n"
	"\tchain a { # handle 1\n"
	"\t\ttype filter hook ingress device \"eth0\" priority 0; policy accept;\n"
	"\t}\n"
	"\tchain b { # handle 2\n"
	"\t\ttype filter hook ingress devices = { \"eth1\", \"eth0\", lo, st0 } priority 0; policy accept;\n"
	"\t}\n"
	"\tchain e { # handle 3\n"
	"\t\ttype filter hook egress device \"eth2\" priority 0; policy accept;\n"
	"\t}\n"
	"}\n"
	"table netdev udpwhy-1-2 { # progname udpwhy # handle 8\n"
	"\tchain ingress { # handle 1\n"
	"\t\ttype filter hook ingress devices = { \"eth7\", \"eth0\" } priority -2147483640; policy accept;\n"
	"\t}\n"
	"}\n"
	"table bridge udpwhy-1-2 { # progname udpwhy # handle 9\n"
	"\tflags owner\n"
	"\n"
	"\tchain prerouting { # handle 1\n"
	"\t\ttype filter hook prerouting priority -2147483640; policy accept;\n"
	"\t\tudp dport { 53, 123 } meta nftrace set 1 # handle 2\n"
	"\t}\n"
	"}\n";

static void test_rules(void **state)
{
	struct uw_ruleset *s = uw_ruleset_parse(listing);

	(void)state;
	assert_string_equal(uw_ruleset_text(s, "inet", "t", 4), "udp sport 53 drop comment \"as in # handle 9\"");
	assert_string_equal(uw_ruleset_text(s, "inet", "t", 5), "jump users");
	assert_string_equal(uw_ruleset_text(s, "inet", "t", 8),
			    "ip saddr { 192.0.2.7, 192.0.2.8, 192.0.2.9 } udp dport vmap { 53 : drop, 123 : accept }");
	assert_string_equal(uw_ruleset_text(s, "ip", "filter", 4), "udp sport 53  counter drop");
	assert_null(uw_ruleset_text(s, "inet", "t", 9));
	assert_null(uw_ruleset_text(s, "inet", "t", 3));
	assert_null(uw_ruleset_text(s, "inet", "t", 11));
	assert_null(uw_ruleset_text(s, "ip6", "filter", 4));
	assert_null(uw_ruleset_text(s, "inet", "filter", 4));
	uw_ruleset_free(s);
}

static void test_comments(void **state)
{
	struct uw_ruleset *s = uw_ruleset_parse(listing);

	(void)state;
	uw_ruleset_comment(s, "ip", "filter", 4, "no dns");
	uw_ruleset_comment(s, "inet", "t", 4, "a second one");
	uw_ruleset_comment(s, "inet", "t", 77, "nobody's");
	assert_string_equal(uw_ruleset_text(s, "ip", "filter", 4), "udp sport 53 counter drop comment \"no dns\"");
	assert_string_equal(uw_ruleset_text(s, "inet", "t", 4), "udp sport 53 drop comment \"as in # handle 9\"");
	uw_ruleset_free(s);
}

static void test_other_hooks(void **state)
{
	struct uw_ruleset *s = uw_ruleset_parse(listing);

	(void)state;
	assert_string_equal(uw_ruleset_ingress(s), "\"eth0\", \"eth1\", \"lo\", \"st0\"");
	assert_true(uw_ruleset_has(s, "netdev"));
	assert_false(uw_ruleset_has(s, "bridge")); /* only ours */
	uw_ruleset_free(s);
	s = uw_ruleset_parse("");
	assert_string_equal(uw_ruleset_ingress(s), "");
	assert_false(uw_ruleset_has(s, "netdev"));
	uw_ruleset_free(s);
}

/* Cut anywhere, or with a line taken out, it is read without a fault. */
static void test_damaged(void **state)
{
	char cut[sizeof(listing)];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(listing); i++) {
		memcpy(cut, listing, i);
		cut[i] = '\0';
		uw_ruleset_free(uw_ruleset_parse(cut));
		uw_ruleset_free(uw_ruleset_parse(listing + i));
	}
	uw_ruleset_free(uw_ruleset_parse(NULL));
}

/* --- the book --- */

static struct uw_ruleset *one_rule(unsigned table_handle, const char *text)
{
	char buf[256];

	snprintf(buf, sizeof(buf),
		 "table inet t { # handle %u\n\tchain c { # handle 1\n\t\t%s # handle 4\n\t}\n}\n",
		 table_handle, text);
	return uw_ruleset_parse(buf);
}

static const char *told(const struct uw_rulebook *b, uint32_t epoch, uint64_t handle, uint64_t when_ns)
{
	struct uw_rule r = { .handle = handle, .netns = NETNS, .epoch = epoch, .family = 1, .table = "t",
			     .chain = "c" };
	static char buf[128];

	uw_rulebook_tell(b, &r, when_ns, buf, sizeof(buf));
	return buf;
}

static void test_tell(void **state)
{
	struct uw_rulebook *b = uw_rulebook_new();

	(void)state;
	assert_string_equal(told(b, 0, 4, 900 * MS), "inet t c handle 4");
	uw_rulebook_add(b, NETNS, 0, 0, one_rule(1, "drop"));
	assert_string_equal(told(b, 0, 4, 900 * MS), "inet t c handle 4: drop");
	assert_string_equal(told(b, 0, 5, 900 * MS), "inet t c handle 5");
	assert_string_equal(told(b, 0, 0, 900 * MS), "policy drop of chain inet t c");
	uw_rulebook_free(b);
}

/* The table was made anew, and the handle is another rule's now. */
static void test_reload(void **state)
{
	struct uw_rulebook *b = uw_rulebook_new();

	(void)state;
	uw_rulebook_add(b, NETNS, 0, 0, one_rule(1, "old"));
	uw_rulebook_add(b, NETNS, 1, 5000 * MS, one_rule(2, "new"));
	uw_rulebook_add(b, NETNS + 1, 0, 0, one_rule(1, "elsewhere"));
	assert_string_equal(told(b, 0, 4, 4000 * MS), "inet t c handle 4: old");
	assert_string_equal(told(b, 1, 4, 6000 * MS), "inet t c handle 4: new");
	/* while it was switched, both are possible */
	assert_string_equal(told(b, 0, 4, 4990 * MS), "inet t c handle 4");
	assert_string_equal(told(b, 1, 4, 5010 * MS), "inet t c handle 4");
	/* a third that was never read may have come between */
	uw_rulebook_add(b, NETNS, 3, 7000 * MS, one_rule(3, "new"));
	assert_string_equal(told(b, 2, 4, 6500 * MS), "inet t c handle 4");
	assert_string_equal(told(b, 3, 4, 7010 * MS), "inet t c handle 4");
	assert_string_equal(told(b, 3, 4, 7500 * MS), "inet t c handle 4: new");
	/* what is to come may differ */
	assert_string_equal(told(b, 4, 4, 8500 * MS), "inet t c handle 4");
	uw_rulebook_free(b);
}

/* Something else changed: the table lives, and so its rules are what they were. */
static void test_table_lives(void **state)
{
	struct uw_rulebook *b = uw_rulebook_new();

	(void)state;
	uw_rulebook_add(b, NETNS, 0, 0, one_rule(1, "same"));
	uw_rulebook_add(b, NETNS, 7, 5000 * MS, one_rule(1, "same"));
	assert_string_equal(told(b, 0, 4, 4999 * MS), "inet t c handle 4: same");
	assert_string_equal(told(b, 3, 4, 4999 * MS), "inet t c handle 4: same");
	assert_string_equal(told(b, 7, 4, 5001 * MS), "inet t c handle 4: same");
	uw_rulebook_free(b);
}

/* A rule that came with a change, met by a packet just before its news: the epoch is the old one's. */
static void test_before_the_news(void **state)
{
	struct uw_rulebook *b = uw_rulebook_new();

	(void)state;
	uw_rulebook_add(b, NETNS, 0, 0, one_rule(1, "a"));
	uw_rulebook_add(b, NETNS, 1, 5000 * MS, uw_ruleset_parse(
		"table inet t { # handle 1\n\tchain c { # handle 1\n\t\ta # handle 4\n\t\tb # handle 6\n\t}\n}\n"));
	assert_string_equal(told(b, 0, 6, 4999 * MS), "inet t c handle 6: b");
	assert_string_equal(told(b, 0, 6, 3000 * MS), "inet t c handle 6");
	uw_rulebook_free(b);
}

static void test_bounded(void **state)
{
	struct uw_rulebook *b = uw_rulebook_new();
	uint32_t e;

	(void)state;
	for (e = 0; e < 200; e++)
		uw_rulebook_add(b, NETNS, e, (1 + e) * 1000 * MS, one_rule(1 + e, "x"));
	assert_string_equal(told(b, 199, 4, 200500 * MS), "inet t c handle 4: x");
	assert_string_equal(told(b, 5, 4, 6500 * MS), "inet t c handle 4");
	uw_rulebook_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_other_hooks),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_tell),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_table_lives),
		cmocka_unit_test(test_before_the_news),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
