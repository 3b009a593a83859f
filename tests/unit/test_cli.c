/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

#define S 1000000000ull

static struct uw_options o;
static char error[UW_CLI_ERROR_MAX];

#define WORDS_MAX 24

/* Parse "udpwhy" and the words given, up to NULL; argv must come back as it was. */
static enum uw_cli_result parse(const char *word, ...)
{
	static char *argv[WORDS_MAX];
	char *before[WORDS_MAX];
	enum uw_cli_result result;
	va_list args;
	int argc = 0;

	memset(argv, 0, sizeof(argv));
	argv[argc++] = (char *)"udpwhy";
	va_start(args, word);
	for (; word; word = va_arg(args, const char *))
		argv[argc++] = (char *)word;
	va_end(args);
	memcpy(before, argv, sizeof(argv));
	memset(&o, 0xa5, sizeof(o));
	result = uw_cli_parse(argc, argv, &o, error);
	assert_memory_equal(before, argv, sizeof(argv));
	assert_int_equal(result == UW_CLI_ERROR, error[0] != '\0');
	assert_null(strchr(error, '\n'));
	return result;
}

#define runs(...) assert_int_equal(parse(__VA_ARGS__, NULL), UW_CLI_RUN)
#define fails(text, ...)                                                  \
	do {                                                              \
		assert_int_equal(parse(__VA_ARGS__, NULL), UW_CLI_ERROR); \
		if (!strstr(error, text))                                 \
			fail_msg("\"%s\" lacks \"%s\"", error, text);     \
	} while (0)

static void test_trace_defaults(void **state)
{
	(void)state;
	runs("trace");
	assert_int_equal(o.command, UW_CMD_TRACE);
	assert_int_equal(o.output, UW_OUTPUT_TEXT);
	assert_int_equal(o.timeout_ns, 5 * S);
	assert_int_equal(o.duration_ns, 0);
	assert_false(o.all || o.probe || o.exit_code || o.no_color || o.verbose);
	assert_null(o.run);
	assert_int_equal(o.filters.scope.count + o.filters.netns.count, 0);
	assert_int_equal(o.filters.server.family + o.filters.client.family, 0);
	assert_int_equal(o.filters.protocol, UW_PROTO_NONE);
	assert_string_equal(o.filters.iface, "");
	assert_string_equal(o.filters.process, "");
	assert_int_equal(o.filters.process_pid, 0);
	assert_int_equal(o.filters.port_count, 2);
	assert_int_equal(o.filters.ports[0].port, 123);
	assert_int_equal(o.filters.ports[0].protocol, UW_PROTO_NTP);
	assert_int_equal(o.filters.ports[1].port, 53);
	assert_int_equal(o.filters.ports[1].protocol, UW_PROTO_DNS);
}

static void test_trace_all(void **state)
{
	(void)state;
	runs("trace", "--scope", "a,/run/netns/b,77", "--netns=c", "--server", "192.0.2.9/24",
	     "--client", "2001:db8::1", "--iface", "eth0", "-d2.5", "-o", "json", "--all");
	assert_int_equal(o.filters.scope.count, 3);
	assert_int_equal(o.filters.scope.item[0].kind, UW_NS_NAME);
	assert_string_equal(o.filters.scope.item[0].text, "a");
	assert_int_equal(o.filters.scope.item[1].kind, UW_NS_PATH);
	assert_string_equal(o.filters.scope.item[1].text, "/run/netns/b");
	assert_int_equal(o.filters.scope.item[2].kind, UW_NS_PID);
	assert_int_equal(o.filters.scope.item[2].pid, 77);
	assert_int_equal(o.filters.netns.count, 1);
	assert_int_equal(o.filters.server.family, 4);
	assert_int_equal(o.filters.server.len, 24);
	assert_int_equal(o.filters.server.addr.b[3], 0);
	assert_int_equal(o.filters.client.family, 6);
	assert_int_equal(o.filters.client.len, 128);
	assert_string_equal(o.filters.iface, "eth0");
	assert_int_equal(o.duration_ns, 2500000000);
	assert_int_equal(o.output, UW_OUTPUT_JSON);
	assert_true(o.all);
	runs("trace", "--probe", "--exit-code", "--no-color", "--timeout", "0.5", "--process",
	     "check_ntp_time", "--protocol", "ntp");
	assert_true(o.probe && o.exit_code && o.no_color);
	assert_int_equal(o.timeout_ns, S / 2);
	assert_string_equal(o.filters.process, "check_ntp_time");
	assert_int_equal(o.filters.protocol, UW_PROTO_NTP);
	runs("trace", "--nft-trace", "--netns", "lab");
	assert_true(o.nft_trace);
	runs("trace", "--nft-trace", "--scope", "1,lab");
	fails("--nft-trace is not for all namespaces: name them with --scope or --netns", "trace", "--nft-trace");
	runs("trace", "--process", "811");
	assert_int_equal(o.filters.process_pid, 811);
	assert_string_equal(o.filters.process, "");
}

static void test_trace_command(void **state)
{
	(void)state;
	runs("trace", "--probe", "--", "check_ntp_time", "-H", "--all", "--");
	assert_int_equal(o.run_argc, 4);
	assert_string_equal(o.run[0], "check_ntp_time");
	assert_string_equal(o.run[2], "--all");
	assert_null(o.run[4]);
	assert_false(o.all);
	fails("no command after --", "trace", "--");
	fails("\"ls\": a command to run is written after --", "trace", "ls");
	fails("unexpected \"ls\"", "trace", "ls", "--", "x");
}

static void test_protocol_and_ports(void **state)
{
	(void)state;
	runs("trace", "--protocol", "dns", "--port", "dns=5353,dns=53");
	assert_int_equal(o.filters.port_count, 2);
	assert_int_equal(o.filters.ports[0].port, 5353);
	assert_int_equal(o.filters.ports[1].port, 53);
	runs("trace", "--port", "dns=5353");
	assert_int_equal(o.filters.port_count, 2);
	assert_int_equal(o.filters.ports[1].port, 123);
	fails("--protocol leaves only ntp", "trace", "--port", "dns=5353", "--protocol", "ntp");
}

static void test_probe(void **state)
{
	(void)state;
	runs("probe", "ntp", "192.0.2.1");
	assert_int_equal(o.command, UW_CMD_PROBE);
	assert_int_equal(o.ask, UW_PROTO_NTP);
	assert_int_equal(o.targets, 1);
	assert_string_equal(o.target[0], "192.0.2.1");
	assert_int_equal(o.ask_port, 123);
	assert_int_equal(o.count, 4);
	assert_string_equal(o.ask_from.text, "");
	/* options before, between and behind */
	runs("probe", "-v", "dns", "--port", "5353", "a", "--count=60", "b", "-o", "json",
	     "--netns", "x", "--wait", "1");
	assert_int_equal(o.ask, UW_PROTO_DNS);
	assert_int_equal(o.targets, 2);
	assert_string_equal(o.target[1], "b");
	assert_int_equal(o.ask_port, 5353);
	assert_int_equal(o.count, 60);
	assert_true(o.verbose);
	assert_int_equal(o.timeout_ns, S);
	assert_string_equal(o.ask_from.text, "x");
	runs("probe", "dns", "--", "-a");
	assert_string_equal(o.target[0], "-a");
	runs("probe", "dns", "a");
	assert_int_equal(o.ask_port, 53);
	fails("at the most half of --timeout", "probe", "ntp", "a", "--wait", "4", "-t", "7");
	fails("-s and --type are for dns", "probe", "ntp", "a", "-s", "b");
	fails("--type \"X\"", "probe", "dns", "a", "--type", "X");
	fails("--warning \"2:1\"", "probe", "dns", "a", "-w", "2:1");
	fails("ntp or dns", "probe");
	fails("cannot probe \"192.0.2.1\": must be ntp or dns", "probe", "192.0.2.1");
	fails("no target", "probe", "ntp");
	fails("target \"\"", "probe", "ntp", "");
	fails("\"q\" is one too many: 16", "probe", "ntp", "a", "b", "c", "d", "e", "f", "g", "h",
	      "i", "j", "k", "l", "m", "n", "o", "p", "q");
	fails("--count \"0\": must be a number from 1 to 60", "probe", "--count", "0", "ntp", "a");
	fails("--count \"61\"", "probe", "--count", "61", "ntp", "a");
	fails("--port \"65536\"", "probe", "--port", "65536", "ntp", "a");
	fails("--port \"0\"", "probe", "--port", "0", "ntp", "a");
	fails("--netns \"\": must be a name, path or process id of one", "probe", "--netns", "",
	      "ntp", "a");
}

/* As check_ntp_time and check_dns are called. */
static void test_probe_plugin(void **state)
{
	(void)state;
	runs("probe", "ntp", "-H", "192.0.2.1", "-w", "0.5", "-c", "1", "-t", "20", "-4");
	assert_string_equal(o.target[0], "192.0.2.1");
	assert_true(o.warning.high == 0.5 && o.critical.high == 1 && o.ask_family == 4);
	assert_int_equal(o.limit_ns, 20 * S);
	runs("probe", "dns", "-H", "www.test", "-s", "a", "--type", "mx", "b");
	assert_string_equal(o.ask_name, "www.test");
	assert_int_equal(o.targets, 2);
	assert_int_equal(o.ask_type, 15);
	assert_string_equal(o.critical.text, "");
	runs("probe", "ntp", "a", "-t", "1");
	assert_true(o.timeout_ns == S / 4 && o.limit_ns == S && o.warning.high == 60 && o.critical.high == 120);
	runs("probe", "ntp", "a", "--timeout", "8");
	assert_true(o.limit_ns == 8 * S && o.timeout_ns == 2 * S);
	runs("probe", "ntp", "a", "--wait", "8");
	assert_true(o.limit_ns == 16 * S && o.timeout_ns == 8 * S);
	runs("probe", "ntp", "a", "-q", "--time_offset", "-5");
	assert_true(o.quiet && o.time_offset == -5);
	runs("probe", "dns", "-H", "x.test", "-a", "192.0.2.1", "-a", "198.51.100.0/24", "-L", "-A");
	assert_true(o.expect.addresses == 2 && o.expect.all && o.expect.authority && o.ask_type == 1);
	runs("probe", "dns", "-H", "x.test", "-a", "2001:db8::/32");
	assert_int_equal(o.ask_type, 28);
	runs("probe", "dns", "-H", "x.test", "-n");
	assert_true(o.expect.nxdomain);
	fails("-a and -n exclude each other", "probe", "dns", "-H", "x", "-a", "192.0.2.1", "-n");
	fails("-L needs the addresses", "probe", "dns", "-H", "x", "-L");
	fails("need a name to ask for: -H", "probe", "dns", "-a", "192.0.2.1", "b");
	fails("are for dns", "probe", "ntp", "b", "-a", "192.0.2.1");
	fails("are for ntp", "probe", "dns", "b", "-q");
	fails("one family", "probe", "dns", "-H", "x", "-a", "192.0.2.1", "-a", "::1");
	fails("in no record of the type", "probe", "dns", "-H", "x", "-a", "192.0.2.1", "--type", "mx");
	fails("host names are not compared", "probe", "dns", "-H", "x", "-a", "host.");
	fails("--time_offset here", "probe", "ntp", "b", "-o", "5");
	fails("--time_offset \"5s\"", "probe", "ntp", "b", "--time_offset", "5s");
}

static void test_explain_doctor(void **state)
{
	(void)state;
	runs("explain", "no_reply");
	assert_int_equal(o.command, UW_CMD_EXPLAIN);
	assert_string_equal(o.name, "no_reply");
	fails("unexpected \"b\"", "explain", "a", "b");
	runs("doctor", "-o", "json");
	assert_int_equal(o.command, UW_CMD_DOCTOR);
	assert_int_equal(o.output, UW_OUTPUT_JSON);
	fails("unexpected \"x\"", "doctor", "x");
	fails("-o \"xml\": must be text or json", "doctor", "-o", "xml");
}

static void test_help_and_version(void **state)
{
	enum uw_command c;

	(void)state;
	assert_int_equal(parse("--help", NULL), UW_CLI_HELP);
	assert_int_equal(o.command, UW_CMD_NONE);
	assert_int_equal(parse("-h", NULL), UW_CLI_HELP);
	assert_int_equal(parse("--version", NULL), UW_CLI_VERSION);
	for (c = UW_CMD_TRACE; c < UW_COMMANDS; c++) {
		char usage[64];

		assert_int_equal(parse(uw_command_name(c), "--help", NULL), UW_CLI_HELP);
		assert_int_equal(o.command, c);
		assert_int_equal(parse(uw_command_name(c), "-h", NULL), UW_CLI_HELP);
		assert_int_equal(parse(uw_command_name(c), "--version", NULL), UW_CLI_VERSION);
		snprintf(usage, sizeof(usage), "Usage: udpwhy %s ", uw_command_name(c));
		assert_ptr_equal(strstr(uw_cli_help(c), usage), uw_cli_help(c));
		assert_non_null(strstr(uw_cli_help(UW_CMD_NONE), uw_command_name(c)));
	}
	/* the words of a command are not ours */
	runs("trace", "--", "x", "--help");
}

/* At the beginning of a line, behind its short or long twin, or in a line of its own. */
static bool help_names(enum uw_command c, const char *option)
{
	const char *at = uw_cli_help(c);
	size_t len = strlen(option);

	for (at = strstr(at, option); at; at = strstr(at + 1, option)) {
		bool alone = !strncmp(at - 2, "  ", 2) || !strncmp(at - 2, ", ", 2) || !strncmp(at - 2, "; ", 2);

		if (alone && strchr(" ,:", at[len]))
			return true;
	}
	return false;
}

/* Every option in a help text is taken by the command, and none of another's is. */
static void test_help_tells_the_truth(void **state)
{
	static const char *const with_argument[] = {
		"--scope", "--netns",	"--server",  "--client", "--iface", "--protocol",
		"--port",  "--process", "--timeout", "-d",	 "-o",	    "--count",
		"-H",	   "--hostname", "-s",	 "--type", "-w",    "--warning",
		"--evidence", "-c",	   "--critical", "-t",	 "-p"};
	static const char *const without[] = {"--all", "--probe", "--exit-code", "--no-color",
					      "--nft-trace", "-v", "--verbose", "-4", "--use-ipv6"};
	enum uw_command c;
	size_t i;

	(void)state;
	for (c = UW_CMD_TRACE; c < UW_COMMANDS; c++) {
		for (i = 0; i < sizeof(with_argument) / sizeof(with_argument[0]); i++) {
			assert_int_equal(parse(uw_command_name(c), with_argument[i], NULL),
					 UW_CLI_ERROR);
			assert_int_equal(!!strstr(error, "needs an argument"),
					 help_names(c, with_argument[i]));
		}
		for (i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
			parse(uw_command_name(c), without[i], NULL);
			assert_int_equal(!strstr(error, "unknown option"),
					 help_names(c, without[i]));
		}
	}
}

static void listens_at(const char *word, const char *address)
{
	char host[INET6_ADDRSTRLEN];
	const void *a;

	runs("monitor", "--metrics", word);
	if (o.metrics.ss_family == AF_INET)
		a = &((const struct sockaddr_in *)&o.metrics)->sin_addr;
	else
		a = &((const struct sockaddr_in6 *)&o.metrics)->sin6_addr;
	assert_non_null(inet_ntop(o.metrics.ss_family, a, host, sizeof(host)));
	assert_string_equal(host, address);
	assert_int_equal(((const struct sockaddr_in *)&o.metrics)->sin_port, htons(9567));
}

static void test_metrics(void **state)
{
	(void)state;
	runs("monitor");
	assert_int_equal(o.metrics.ss_family, AF_UNSPEC);
	listens_at("9567", "127.0.0.1");
	listens_at(":9567", "127.0.0.1");
	listens_at("0.0.0.0:9567", "0.0.0.0");
	listens_at("[::1]:9567", "::1");
	runs("monitor", "--metrics", "/run/x.prom");
	assert_int_equal(o.metrics.ss_family, AF_UNSPEC);
	assert_string_equal(o.metrics_file, "/run/x.prom");
}

static void test_unknown(void **state)
{
	(void)state;
	assert_int_equal(uw_cli_parse(1, (char *const[]){(char *)"udpwhy", NULL}, &o, error),
			 UW_CLI_ERROR);
	assert_non_null(strstr(error, "no command given: trace, monitor, probe, analyze, doctor or explain"));
	assert_int_equal(uw_cli_parse(0, (char *const[]){NULL}, &o, error), UW_CLI_ERROR);
	fails("unknown command \"report\": must be trace, monitor, probe, analyze, doctor or explain", "report", "x");
	fails("no file to analyze: a pcap or pcapng file, - is standard input", "analyze");
	fails("unknown command \"\"", "");
	fails("unknown command \"Trace\"", "Trace");
	fails("unknown option \"--nft\" (see udpwhy trace --help)", "trace", "--nft");
	fails("unknown option \"--nft-trace\"", "probe", "--nft-trace");
	fails("unknown option \"--output\"", "trace", "--output", "x");
	fails("unknown option \"--all\"", "monitor", "--all");
	fails("--interval \"0\": must be seconds from 1 to 86400", "monitor", "--interval", "0");
	fails("--output \"\"", "monitor", "--output", "");
	fails("--output is for -o json and text", "monitor", "-o", "journal", "--output", "x");
	fails("-o \"journal\"", "trace", "-o", "journal");
	fails("--metrics \"0\"", "monitor", "--metrics", "0");
	fails("--metrics \"192.0.2.1\"", "monitor", "--metrics", "192.0.2.1");
	fails("--metrics \"::1:9\"", "monitor", "--metrics", "::1:9");
	fails("--metrics \"[127.0.0.1]:9\"", "monitor", "--metrics", "[127.0.0.1]:9");
	fails("--metrics \"localhost:9\"", "monitor", "--metrics", "localhost:9");
	fails("unexpected \"ls\"", "monitor", "--", "ls");
	fails("unknown option \"--such=x\"", "trace", "--such=x");
	fails("unknown option \"-x\"", "trace", "-x");
	fails("unknown option \"-v\"", "trace", "-v");
	fails("unknown option \"--bad\" (see udpwhy --help)", "--bad");
	fails("unexpected \"trace\"", "--", "trace");
	fails("unknown option \"-\\xff\"", "trace", "-\xff");
	fails("unknown option \"-q\"", "trace", "-q5");
}

static void test_forms(void **state)
{
	(void)state;
	fails("--server needs an argument: an IPv4", "trace", "--server");
	fails("-d needs an argument: seconds", "trace", "-d");
	fails("--all takes no argument", "trace", "--all=yes");
	fails("takes no argument", "trace", "--help=yes");
	fails("--server is given twice", "trace", "--server", "::1", "--server=::2");
	fails("-d is given twice", "trace", "-d1", "-d", "2");
	/* abbreviations would change their meaning with every new option */
	fails("unknown option \"--time\"", "trace", "--time", "3");
	fails("unknown option \"--time=3\"", "trace", "--time=3");
	fails("unknown option \"--hel\"", "trace", "--hel");
	fails("unknown option \"--p\"", "trace", "--p");
	runs("trace", "--all", "--all");
	/* "--" as an argument is one */
	fails("--server \"--\"", "trace", "--server", "--");
}

/* Hostile bytes are made safe, long words cut: the error stays one short line. */
static void test_quoting(void **state)
{
	char word[5000];

	(void)state;
	fails("\\x1b[31m", "trace", "--server", "\x1b[31m\nx");
	fails("\\x0a", "a\nb");
	assert_null(strchr(error, '\x1b'));
	memset(word, '\x01', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	fails("...\": must be", "trace", "--server", word);
	assert_true(strlen(error) < UW_CLI_ERROR_MAX);
	memset(word, 'a', 400);
	word[400] = '\0';
	fails("aaa...\": must be seconds", "trace", "-d", word);
	fails("aaa...\"", word);
}

static void test_bad_arguments(void **state)
{
	static const char *const numbers[] = {"12abc",
					      "",
					      "+5",
					      "-1",
					      " 5",
					      "5 ",
					      "0x5",
					      "18446744073709551616",
					      "99999999999999999999999999",
					      "\xd9\xa3"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		fails("must be seconds", "trace", "-d", numbers[i]);
		fails("must be seconds from 0.01 to 30", "trace", "--timeout", numbers[i]);
		fails("must be a number", "probe", "--count", numbers[i], "ntp", "a");
		fails("must be a number", "probe", "--port", numbers[i], "ntp", "a");
	}
	fails("-d \"0\"", "trace", "-d", "0");
	fails("--timeout \"30.1\"", "trace", "--timeout", "30.1");
	fails("--iface \"0123456789abcdef\"", "trace", "--iface", "0123456789abcdef");
	fails("--iface \"a/b\"", "trace", "--iface", "a/b");
	fails("--iface \"..\"", "trace", "--iface", "..");
	fails("--iface \"a b\"", "trace", "--iface", "a b");
	fails("--iface \"\"", "trace", "--iface", "");
	fails("--protocol \"NTP\": must be ntp or dns", "trace", "--protocol", "NTP");
	fails("--process \"\"", "trace", "--process", "");
	fails("--process \"/bin/sh\"", "trace", "--process", "/bin/sh");
	fails("--process \"0\"", "trace", "--process", "0");
	fails("--process \"4194305\"", "trace", "--process", "4194305");
	fails("--port \"ntp\": must be ntp=PORT or dns=PORT", "trace", "--port", "ntp");
	fails("--server \"x\"", "trace", "--server", "x");
	fails("--scope \"a,,b\"", "trace", "--scope", "a,,b");
}

static void test_number(void **state)
{
	uint64_t v = 1;

	(void)state;
	assert_int_equal(uw_parse_number("0", 0, 9, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(uw_parse_number("007", 0, 9, &v), 0);
	assert_int_equal(v, 7);
	assert_int_equal(uw_parse_number("18446744073709551615", 0, UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	v = 42;
	assert_int_equal(uw_parse_number("100000000000000000000", 0, UINT64_MAX, &v), -ERANGE);
	assert_int_equal(uw_parse_number("18446744073709551616", 0, UINT64_MAX, &v), -ERANGE);
	assert_int_equal(uw_parse_number("10", 0, 9, &v), -ERANGE);
	assert_int_equal(uw_parse_number("1", 2, 9, &v), -ERANGE);
	assert_int_equal(uw_parse_number("", 0, 9, &v), -EINVAL);
	assert_int_equal(uw_parse_number("1.", 0, 9, &v), -EINVAL);
	assert_int_equal(v, 42);
}

static void test_seconds(void **state)
{
	static const char *const bad[] = {"",	 ".",	".5",  "1.",   "1.x", "1.1234567890",
					  "1,5", "1e3", "inf", "1.5.5"};
	uint64_t v = 42;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(uw_parse_seconds(bad[i], 0, 100 * S, &v), -EINVAL);
	assert_int_equal(uw_parse_seconds("101", 0, 100 * S, &v), -ERANGE);
	assert_int_equal(uw_parse_seconds("100.000000001", 0, 100 * S, &v), -ERANGE);
	assert_int_equal(uw_parse_seconds("0.000000009", 10, 100 * S, &v), -ERANGE);
	assert_int_equal(uw_parse_seconds("00000000000000000000000000000000001", 0, 100 * S, &v),
			 -ERANGE);
	assert_int_equal(v, 42);
	assert_int_equal(uw_parse_seconds("100", 0, 100 * S, &v), 0);
	assert_int_equal(v, 100 * S);
	assert_int_equal(uw_parse_seconds("0.000000001", 0, 100 * S, &v), 0);
	assert_int_equal(v, 1);
	assert_int_equal(uw_parse_seconds("1.05", 0, 100 * S, &v), 0);
	assert_int_equal(v, 1050000000);
}

static void test_prefix(void **state)
{
	static const char *const bad[] = {"",
					  "/",
					  "1.2.3",
					  "1.2.3.4/",
					  "1.2.3.4/+8",
					  "1.2.3.256",
					  "01.2.3.4",
					  "1.2.3.4 ",
					  "::1%lo",
					  "ntp.example",
					  "1.2.3.4/8/8",
					  "::/0x0",
					  ":::",
					  "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"};
	struct uw_prefix p = {.len = 42};
	unsigned len;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(uw_parse_prefix(bad[i], &p), -EINVAL);
	assert_int_equal(uw_parse_prefix("1.2.3.4/33", &p), -ERANGE);
	assert_int_equal(uw_parse_prefix("::/129", &p), -ERANGE);
	assert_int_equal(p.len, 42);
	for (len = 0; len <= 128; len++) {
		char text[64];
		unsigned bit;

		snprintf(text, sizeof(text), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/%u", len);
		assert_int_equal(uw_parse_prefix(text, &p), 0);
		assert_int_equal(p.len, len);
		for (bit = 0; bit < 128; bit++)
			assert_int_equal(p.addr.b[bit / 8] >> (7 - bit % 8) & 1, bit < len);
	}
	assert_int_equal(uw_parse_prefix("255.255.255.255/9", &p), 0);
	assert_memory_equal(p.addr.b, ((uint8_t[16]){255, 128}), 16);
	assert_int_equal(uw_parse_prefix("::ffff:192.0.2.1", &p), 0);
	assert_int_equal(p.family, 4);
	assert_int_equal(p.len, 32);
	assert_memory_equal(p.addr.b, ((uint8_t[16]){192, 0, 2, 1}), 16);
	assert_int_equal(uw_parse_prefix("::ffff:192.0.2.1/64", &p), 0);
	assert_int_equal(p.family, 6);
}

static void test_ports(void **state)
{
	static const char *const bad[] = {"",	      "ntp",	     "ntp=",	"=123",
					  "ntp=123,", ",ntp=123",    "NTP=123", "ntp=12a",
					  "ntp= 1",   "ntp=1,dns=1", "ntp=53",	"nts=4460"};
	struct uw_port ports[UW_LIST_MAX] = {{123, UW_PROTO_NTP}, {53, UW_PROTO_DNS}};
	char many[200] = "dns=1";
	unsigned count = 2;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(uw_parse_ports(bad[i], ports, &count), -EINVAL);
	assert_int_equal(uw_parse_ports("ntp=0", ports, &count), -ERANGE);
	assert_int_equal(uw_parse_ports("ntp=65536", ports, &count), -ERANGE);
	for (i = 2; i < 18; i++)
		sprintf(many + strlen(many), ",dns=%zu", i);
	assert_int_equal(uw_parse_ports(many, ports, &count), -ERANGE);
	assert_int_equal(count, 2);
	assert_int_equal(ports[0].port, 123);
	/* DNS is replaced, NTP keeps its default; twice the same is once */
	assert_int_equal(uw_parse_ports("dns=5353,dns=53,dns=53", ports, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(ports[0].port, 5353);
	assert_int_equal(ports[1].port, 53);
	assert_int_equal(ports[2].port, 123);
	assert_int_equal(ports[2].protocol, UW_PROTO_NTP);
	/* swapped ports are no clash */
	assert_int_equal(uw_parse_ports("ntp=53,dns=123", ports, &count), 0);
	assert_int_equal(count, 2);
}

static void test_ns(void **state)
{
	struct uw_ns_ref ns = {.pid = 42};
	struct uw_ns_list list = {.count = 42};
	char text[400];

	(void)state;
	assert_int_equal(uw_parse_ns("", &ns), -EINVAL);
	assert_int_equal(uw_parse_ns(".", &ns), -EINVAL);
	assert_int_equal(uw_parse_ns("..", &ns), -EINVAL);
	assert_int_equal(uw_parse_ns("0", &ns), -ERANGE);
	assert_int_equal(uw_parse_ns("4194305", &ns), -ERANGE);
	memset(text, 'n', sizeof(text));
	text[256] = '\0';
	assert_int_equal(uw_parse_ns(text, &ns), -ERANGE);
	assert_int_equal(uw_parse_ns_list(text, &list), -ERANGE);
	assert_int_equal(ns.pid, 42);
	text[255] = '\0';
	assert_int_equal(uw_parse_ns(text, &ns), 0);
	assert_int_equal(uw_parse_ns("12abc", &ns), 0);
	assert_int_equal(ns.kind, UW_NS_NAME);
	assert_int_equal(uw_parse_ns("./x", &ns), 0);
	assert_int_equal(ns.kind, UW_NS_PATH);
	assert_int_equal(uw_parse_ns("4194304", &ns), 0);
	assert_int_equal(ns.kind, UW_NS_PID);
	assert_int_equal(uw_parse_ns_list("", &list), -EINVAL);
	assert_int_equal(uw_parse_ns_list("a,", &list), -EINVAL);
	assert_int_equal(uw_parse_ns_list("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", &list),
			 -ERANGE);
	assert_int_equal(list.count, 42);
	assert_int_equal(uw_parse_ns_list("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", &list), 0);
	assert_int_equal(list.count, 16);
	assert_int_equal(list.item[15].pid, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trace_defaults),
		cmocka_unit_test(test_trace_all),
		cmocka_unit_test(test_trace_command),
		cmocka_unit_test(test_protocol_and_ports),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_probe_plugin),
		cmocka_unit_test(test_explain_doctor),
		cmocka_unit_test(test_help_and_version),
		cmocka_unit_test(test_help_tells_the_truth),
		cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_bad_arguments),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_ns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
