/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli_option.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "ask/prober.h"

#define NS_PER_S 1000000000ull
#define TIMEOUT_MIN_NS 10000000ull
#define TIMEOUT_MAX_NS (30 * NS_PER_S) /* ruling 2: what comes later is not waited for */
#define LIMIT_MAX_NS (300 * NS_PER_S)
#define DURATION_MIN_NS 1000000ull
#define INTERVAL_MIN_NS NS_PER_S
#define INTERVAL_MAX_NS (86400ull * NS_PER_S)
#define DURATION_MAX_NS (366ull * 86400 * NS_PER_S)

static int take_scope(struct uw_options *o, const char *arg)
{
	return uw_parse_ns_list(arg, &o->filters.scope);
}

static int take_netns_list(struct uw_options *o, const char *arg)
{
	return uw_parse_ns_list(arg, &o->filters.netns);
}

static int take_netns(struct uw_options *o, const char *arg)
{
	return uw_parse_ns(arg, &o->ask_from);
}

static int take_server(struct uw_options *o, const char *arg)
{
	return uw_parse_prefix(arg, &o->filters.server);
}

static int take_client(struct uw_options *o, const char *arg)
{
	return uw_parse_prefix(arg, &o->filters.client);
}

/* The kernel's own rule, dev_valid_name(). */
static int take_iface(struct uw_options *o, const char *arg)
{
	size_t len = strlen(arg), i;

	if (!len || strcmp(arg, ".") == 0 || strcmp(arg, "..") == 0)
		return -EINVAL;
	if (len >= sizeof(o->filters.iface))
		return -ERANGE;
	for (i = 0; i < len; i++) {
		if (arg[i] == '/' || arg[i] == ':' || isspace((unsigned char)arg[i]))
			return -EINVAL;
	}
	memcpy(o->filters.iface, arg, len + 1);
	return 0;
}

static int take_protocol(struct uw_options *o, const char *arg)
{
	return uw_parse_protocol(arg, &o->filters.protocol);
}

static int take_ports(struct uw_options *o, const char *arg)
{
	return uw_parse_ports(arg, o->filters.ports, &o->filters.port_count);
}

static int take_process(struct uw_options *o, const char *arg)
{
	size_t len = strlen(arg);
	uint64_t pid;

	if (!len || strchr(arg, '/'))
		return -EINVAL;
	if (len >= sizeof(o->filters.process))
		return -ERANGE;
	if (strspn(arg, "0123456789") != len) {
		memcpy(o->filters.process, arg, len + 1);
		return 0;
	}
	if (uw_parse_number(arg, 1, UW_PID_MAX, &pid))
		return -ERANGE;
	o->filters.process_pid = (uint32_t)pid;
	return 0;
}

int uw_cli_take_timeout(struct uw_options *o, const char *arg)
{
	return uw_parse_seconds(arg, TIMEOUT_MIN_NS, TIMEOUT_MAX_NS, &o->timeout_ns);
}

static int take_duration(struct uw_options *o, const char *arg)
{
	return uw_parse_seconds(arg, DURATION_MIN_NS, DURATION_MAX_NS, &o->duration_ns);
}

static int take_output(struct uw_options *o, const char *arg)
{
	if (strcmp(arg, "text") == 0)
		o->output = UW_OUTPUT_TEXT;
	else if (strcmp(arg, "json") == 0)
		o->output = UW_OUTPUT_JSON;
	else
		return -EINVAL;
	return 0;
}

static int take_monitor_output(struct uw_options *o, const char *arg)
{
	if (strcmp(arg, "journal") != 0)
		return take_output(o, arg);
	o->output = UW_OUTPUT_JOURNAL;
	return 0;
}

static int take_interval(struct uw_options *o, const char *arg)
{
	return uw_parse_seconds(arg, INTERVAL_MIN_NS, INTERVAL_MAX_NS, &o->interval_ns);
}

static int take_output_file(struct uw_options *o, const char *arg)
{
	o->output_file = arg;
	return *arg ? 0 : -EINVAL;
}

/* A path has a slash, as with namespaces. */
static int take_metrics(struct uw_options *o, const char *arg)
{
	if (!strchr(arg, '/'))
		return uw_parse_listen(arg, &o->metrics);
	o->metrics_file = arg;
	return 0;
}

static int take_analyze_output(struct uw_options *o, const char *arg)
{
	if (strcmp(arg, "html") != 0)
		return take_output(o, arg);
	o->output = UW_OUTPUT_HTML;
	return 0;
}

static int take_expression(struct uw_options *o, const char *arg)
{
	o->expression = arg;
	return 0;
}

static int take_evidence(struct uw_options *o, const char *arg)
{
	o->evidence = arg;
	return *arg ? 0 : -EINVAL;
}

static int take_count(struct uw_options *o, const char *arg)
{
	uint64_t n;
	int err = uw_parse_number(arg, 1, UW_PROBE_COUNT_MAX, &n);

	if (!err)
		o->count = (unsigned)n;
	return err;
}

static int take_ask_port(struct uw_options *o, const char *arg)
{
	uint64_t n;
	int err = uw_parse_number(arg, 1, 65535, &n);

	if (!err)
		o->ask_port = (uint16_t)n;
	return err;
}

/* The server for NTP, the name to ask for in DNS, as check_ntp_time and check_dns have it. */
static int take_hostname(struct uw_options *o, const char *arg)
{
	o->ask_name = arg;
	return *arg && strlen(arg) <= 253 ? 0 : -EINVAL;
}

int uw_cli_take_dns_server(struct uw_options *o, const char *arg)
{
	if (!*arg || strlen(arg) > 253)
		return -EINVAL;
	if (o->targets == UW_LIST_MAX)
		return -ERANGE;
	o->target[o->targets++] = arg;
	return 0;
}

static int take_type(struct uw_options *o, const char *arg)
{
	o->ask_type = (uint16_t)uw_qtype_number(arg);
	return o->ask_type ? 0 : -EINVAL;
}

int uw_cli_take_warning(struct uw_options *o, const char *arg)
{
	return uw_range_parse(arg, &o->warning);
}

int uw_cli_take_critical(struct uw_options *o, const char *arg)
{
	return uw_range_parse(arg, &o->critical);
}

int uw_cli_take_limit(struct uw_options *o, const char *arg)
{
	return uw_parse_seconds(arg, NS_PER_S, LIMIT_MAX_NS, &o->limit_ns);
}

int uw_cli_take_ipv4(struct uw_options *o, const char *arg)
{
	(void)arg;
	o->ask_family = 4;
	return 0;
}

int uw_cli_take_ipv6(struct uw_options *o, const char *arg)
{
	(void)arg;
	o->ask_family = 6;
	return 0;
}

static int take_time_offset(struct uw_options *o, const char *arg)
{
	uint64_t n;
	int err = uw_parse_number(*arg == '-' ? arg + 1 : arg, 0, INT32_MAX, &n);

	if (!err)
		o->time_offset = *arg == '-' ? -(int64_t)n : (int64_t)n;
	return err;
}

static int take_expected(struct uw_options *o, const char *arg)
{
	struct uw_expect *e = &o->expect;

	if (e->addresses == UW_EXPECT_MAX)
		return -ERANGE;
	return uw_parse_prefix(arg, &e->address[e->addresses++]);
}

/* Options without an argument. */
#define FLAG(take, field)                                                                                              \
	static int take(struct uw_options *o, const char *arg)                                                         \
	{                                                                                                              \
		(void)arg;                                                                                             \
		o->field = true;                                                                                       \
		return 0;                                                                                              \
	}

FLAG(take_quiet, quiet)
FLAG(take_expect_all, expect.all)
FLAG(take_expect_authority, expect.authority)
FLAG(take_expect_nxdomain, expect.nxdomain)
FLAG(take_all, all)
FLAG(take_probe, probe)
FLAG(take_nft_trace, nft_trace)
FLAG(take_exit_code, exit_code)
FLAG(take_no_color, no_color)
FLAG(take_verbose, verbose)

#define IN(c) (1u << UW_CMD_##c)
#define EVERYWHERE (IN(NONE) | IN(TRACE) | IN(MONITOR) | IN(PROBE) | IN(ANALYZE) | IN(DOCTOR) | IN(EXPLAIN))
#define WATCHES (IN(TRACE) | IN(MONITOR))
#define JUDGES (WATCHES | IN(ANALYZE))

#define NETNS_ALLOWED "a name, path or process id"
#define RANGE_ALLOWED "a number of seconds or a range as LOW:HIGH, ~:HIGH, LOW: or @LOW:HIGH"
#define PREFIX_ALLOWED "an IPv4 or IPv6 address, or ADDRESS/LENGTH"

const struct uw_cli_option uw_cli_options[] = {
	{"scope", 0, WATCHES | IN(PROBE), take_scope,
	 NETNS_ALLOWED " of a network namespace, or several with commas"},
	{"netns", 0, WATCHES, take_netns_list,
	 NETNS_ALLOWED " of a network namespace, or several with commas"},
	{"netns", 0, IN(PROBE), take_netns, NETNS_ALLOWED " of one network namespace"},
	{"server", 0, JUDGES, take_server, PREFIX_ALLOWED},
	{"client", 0, JUDGES, take_client, PREFIX_ALLOWED},
	{"iface", 0, WATCHES, take_iface, "the name of a network device, 15 bytes at the most"},
	{"protocol", 0, JUDGES, take_protocol, "ntp or dns"},
	{"port", 0, JUDGES, take_ports,
	 "ntp=PORT or dns=PORT, or several with commas; a port from 1 to 65535, of one protocol"},
	{"port", 'p', IN(PROBE), take_ask_port, "a number from 1 to 65535"},
	{"hostname", 'H', IN(PROBE), take_hostname, "a host name or an address; for DNS the name to ask for"},
	{"server", 's', IN(PROBE), uw_cli_take_dns_server, "an address or a host name"},
	{"type", 0, IN(PROBE), take_type, "a record type as A, MX or TYPE65280"},
	{"warning", 'w', IN(PROBE), uw_cli_take_warning, RANGE_ALLOWED},
	{"critical", 'c', IN(PROBE), uw_cli_take_critical, RANGE_ALLOWED},
	{"timeout", 't', IN(PROBE), uw_cli_take_limit, "seconds from 1 to 300"},
	{"wait", 0, IN(PROBE), uw_cli_take_timeout, "seconds from 0.01 to 30"},
	{"use-ipv4", '4', IN(PROBE), uw_cli_take_ipv4, NULL},
	{"use-ipv6", '6', IN(PROBE), uw_cli_take_ipv6, NULL},
	{"quiet", 'q', IN(PROBE), take_quiet, NULL},
	{"time_offset", 0, IN(PROBE), take_time_offset, "a whole number of seconds"},
	{"time-offset", 0, IN(PROBE), take_time_offset, "a whole number of seconds"},	/* the plugin's other spelling */
	{"expected-address", 'a', IN(PROBE) | UW_CLI_REPEATS, take_expected,
	 PREFIX_ALLOWED ", 16 of them at the most (host names are not compared)"},
	{"all", 'L', IN(PROBE), take_expect_all, NULL},
	{"expect-authority", 'A', IN(PROBE), take_expect_authority, NULL},
	{"expect-nxdomain", 'n', IN(PROBE), take_expect_nxdomain, NULL},
	{"process", 0, WATCHES, take_process, "the file name of an executable or a process id"},
	{"timeout", 0, JUDGES, uw_cli_take_timeout, "seconds from 0.01 to 30"},
	{NULL, 'd', WATCHES, take_duration, "seconds from 0.001 to 31622400"},
	{NULL, 'o', IN(TRACE) | IN(DOCTOR), take_output, "text or json"},
	{NULL, 'o', IN(PROBE), take_output, "text or json (check_ntp_time's expected offset is --time_offset here)"},
	{NULL, 'o', IN(MONITOR), take_monitor_output, "json, text or journal"},
	{NULL, 'o', IN(ANALYZE), take_analyze_output, "text, json or html"},
	{"interval", 0, IN(MONITOR), take_interval, "seconds from 1 to 86400"},
	{"metrics", 0, IN(MONITOR), take_metrics,
	 "ADDR:PORT, [ADDR]:PORT or PORT (of 127.0.0.1), or the path of a file (has a slash)"},
	{"output", 0, IN(MONITOR), take_output_file, "the path of a file"},
	{"filter", 0, IN(ANALYZE), take_expression, "a pcap filter expression (pcap-filter(7))"},
	{"count", 0, IN(PROBE), take_count, "a number from 1 to 60"},
	{"all", 0, IN(TRACE) | IN(ANALYZE), take_all, NULL},
	{"probe", 0, IN(TRACE), take_probe, NULL},
	{"evidence", 0, WATCHES, take_evidence, "the path of a file"},
	{"nft-trace", 0, IN(TRACE), take_nft_trace, NULL},
	{"exit-code", 0, JUDGES, take_exit_code, NULL},
	{"no-color", 0, EVERYWHERE & ~IN(NONE), take_no_color, NULL},
	{"verbose", 'v', IN(PROBE), take_verbose, NULL},
};

const size_t uw_cli_option_count = sizeof(uw_cli_options) / sizeof(uw_cli_options[0]);

_Static_assert(sizeof(uw_cli_options) / sizeof(uw_cli_options[0]) <= UW_CLI_OPTIONS_MAX, "room for all");
_Static_assert(UW_PROBE_COUNT_MAX == 60, "the text of --count names it");
_Static_assert(UW_PROBE_COUNT_MAX == UW_PROBE_COUNT_LIMIT, "the prober takes what we accept");
