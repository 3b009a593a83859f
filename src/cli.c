/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ask/prober.h"
#include "core/text_safe.h"

#define NS_PER_S 1000000000ull
#define QUOTED_MAX 80 /* bytes of a user's word, made safe, in an error */
#define TIMEOUT_MIN_NS 10000000ull
#define TIMEOUT_MAX_NS (30 * NS_PER_S) /* ruling 2: what comes later is not waited for */
#define LIMIT_MAX_NS (300 * NS_PER_S)
#define DURATION_MIN_NS 1000000ull
#define INTERVAL_MIN_NS NS_PER_S
#define INTERVAL_MAX_NS (86400ull * NS_PER_S)
#define DURATION_MAX_NS (366ull * 86400 * NS_PER_S)

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct uw_port default_ports[] = {
	{.port = 123, .protocol = UW_PROTO_NTP},
	{.port = 53, .protocol = UW_PROTO_DNS},
};

/* --- options: each takes its argument whole or returns -errno --- */

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

static int take_timeout(struct uw_options *o, const char *arg)
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

static int take_dns_server(struct uw_options *o, const char *arg)
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

static int take_warning(struct uw_options *o, const char *arg)
{
	return uw_range_parse(arg, &o->warning);
}

static int take_critical(struct uw_options *o, const char *arg)
{
	return uw_range_parse(arg, &o->critical);
}

static int take_limit(struct uw_options *o, const char *arg)
{
	return uw_parse_seconds(arg, NS_PER_S, LIMIT_MAX_NS, &o->limit_ns);
}

static int take_ipv4(struct uw_options *o, const char *arg)
{
	(void)arg;
	o->ask_family = 4;
	return 0;
}

static int take_ipv6(struct uw_options *o, const char *arg)
{
	(void)arg;
	o->ask_family = 6;
	return 0;
}

static int take_quiet(struct uw_options *o, const char *arg)
{
	(void)arg;
	o->quiet = true;
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

static int take_expect_all(struct uw_options *o, const char *arg)
{
	(void)arg;
	o->expect.all = true;
	return 0;
}

static int take_expect_authority(struct uw_options *o, const char *arg)
{
	(void)arg;
	o->expect.authority = true;
	return 0;
}

static int take_expect_nxdomain(struct uw_options *o, const char *arg)
{
	(void)arg;
	o->expect.nxdomain = true;
	return 0;
}

static int take_all(struct uw_options *o, const char *arg)
{
	(void)arg;
	o->all = true;
	return 0;
}

static int take_probe(struct uw_options *o, const char *arg)
{
	(void)arg;
	o->probe = true;
	return 0;
}

static int take_nft_trace(struct uw_options *o, const char *arg)
{
	(void)arg;
	o->nft_trace = true;
	return 0;
}

static int take_exit_code(struct uw_options *o, const char *arg)
{
	(void)arg;
	o->exit_code = true;
	return 0;
}

static int take_no_color(struct uw_options *o, const char *arg)
{
	(void)arg;
	o->no_color = true;
	return 0;
}

static int take_verbose(struct uw_options *o, const char *arg)
{
	(void)arg;
	o->verbose = true;
	return 0;
}

#define IN(c) (1u << UW_CMD_##c)
#define EVERYWHERE (IN(NONE) | IN(TRACE) | IN(MONITOR) | IN(PROBE) | IN(ANALYZE) | IN(DOCTOR) | IN(EXPLAIN))
#define WATCHES (IN(TRACE) | IN(MONITOR))
#define JUDGES (WATCHES | IN(ANALYZE))
#define VALUE_HELP 'h'
#define VALUE_VERSION 256
#define VALUE_FIRST 512 /* + row, for options without a letter */

struct row {
	const char *name; /* behind "--", or NULL */
	char letter; /* behind "-", or 0 */
	unsigned commands;
	int (*take)(struct uw_options *o, const char *arg);
	const char *allowed; /* what the argument may be; NULL: takes none */
};

#define NETNS_ALLOWED "a name, path or process id"
#define RANGE_ALLOWED "a number of seconds or a range as LOW:HIGH, ~:HIGH, LOW: or @LOW:HIGH"
#define PREFIX_ALLOWED "an IPv4 or IPv6 address, or ADDRESS/LENGTH"

static const struct row rows[] = {
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
	{"server", 's', IN(PROBE), take_dns_server, "an address or a host name"},
	{"type", 0, IN(PROBE), take_type, "a record type as A, MX or TYPE65280"},
	{"warning", 'w', IN(PROBE), take_warning, RANGE_ALLOWED},
	{"critical", 'c', IN(PROBE), take_critical, RANGE_ALLOWED},
	{NULL, 't', IN(PROBE), take_limit, "seconds from 1 to 300"},
	{"use-ipv4", '4', IN(PROBE), take_ipv4, NULL},
	{"use-ipv6", '6', IN(PROBE), take_ipv6, NULL},
	{"quiet", 'q', IN(PROBE), take_quiet, NULL},
	{"time_offset", 0, IN(PROBE), take_time_offset, "a whole number of seconds"},
	{"expected-address", 'a', IN(PROBE), take_expected,
	 PREFIX_ALLOWED ", 16 of them at the most (host names are not compared)"},
	{"all", 'L', IN(PROBE), take_expect_all, NULL},
	{"expect-authority", 'A', IN(PROBE), take_expect_authority, NULL},
	{"expect-nxdomain", 'n', IN(PROBE), take_expect_nxdomain, NULL},
	{"process", 0, WATCHES, take_process, "the file name of an executable or a process id"},
	{"timeout", 0, JUDGES | IN(PROBE), take_timeout, "seconds from 0.01 to 30"},
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

_Static_assert(UW_PROBE_COUNT_MAX == 60, "the text of --count names it");
_Static_assert(UW_PROBE_COUNT_MAX == UW_PROBE_COUNT_LIMIT, "the prober takes what we accept");

static int value_of(const struct row *r)
{
	return r->letter ? r->letter : VALUE_FIRST + (int)(r - rows);
}

/* What getopt_long() needs to know of one command's options. */
struct grammar {
	char letters[8 + 2 * COUNT(rows)];
	struct option longs[COUNT(rows) + 3];
};

static void make_grammar(struct grammar *g, enum uw_command c)
{
	size_t i, n = 0;
	char *l;

	/* "-": operands come back in place and argv is not reordered; ":": errors are ours. */
	l = stpcpy(g->letters, c == UW_CMD_PROBE ? "-:hV" : "-:h");
	for (i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];

		if (!(r->commands & 1u << c))
			continue;
		if (r->letter) {
			*l++ = r->letter;
			if (r->allowed)
				*l++ = ':';
		}
		if (r->name)
			g->longs[n++] = (struct option){r->name, !!r->allowed, NULL, value_of(r)};
	}
	*l = '\0';
	g->longs[n++] = (struct option){"help", no_argument, NULL, VALUE_HELP};
	g->longs[n++] = (struct option){"version", no_argument, NULL, VALUE_VERSION};
	g->longs[n] = (struct option){};
}

static const struct row *row_of(enum uw_command c, int value)
{
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		if (rows[i].commands & 1u << c && value_of(&rows[i]) == value)
			return &rows[i];
	}
	return NULL;
}

/* --- putting it together --- */

struct parse {
	struct uw_options *o;
	char *error;
	uint64_t seen; /* bit per row */
	unsigned operands;
};

_Static_assert(COUNT(rows) <= 64, "struct parse.seen");

static enum uw_cli_result fail(char *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static enum uw_cli_result fail(char *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, UW_CLI_ERROR_MAX, format, args);
	va_end(args);
	return UW_CLI_ERROR;
}

struct quoted {
	char text[QUOTED_MAX + UW_SAFE_STEP + 6];
};

/* A word of the user's, safe for a terminal and short enough to leave room for the reason. */
static const char *quote(const char *s, struct quoted *q)
{
	char *out = q->text;
	size_t left = strlen(s);

	*out++ = '"';
	while (left && out - q->text < QUOTED_MAX) {
		size_t used = uw_safe_step(s, left, out);

		s += used;
		left -= used;
		out += strlen(out);
	}
	strcpy(out, left ? "...\"" : "\"");
	return q->text;
}

static const char *row_text(const struct row *r, char buf[32])
{
	snprintf(buf, 32, r->name ? "--%s" : "-%s", r->name ? r->name : (char[]){r->letter, '\0'});
	return buf;
}

static enum uw_cli_result take_option(struct parse *p, const struct row *r, const char *arg)
{
	uint64_t bit = 1ull << (r - rows);
	struct quoted q;
	char name[32];

	if (r->allowed && p->seen & bit && r->take != take_expected)
		return fail(p->error, "%s is given twice", row_text(r, name));
	p->seen |= bit;
	if (r->take(p->o, arg))
		return fail(p->error, "%s %s: must be %s", row_text(r, name), quote(arg, &q),
			    r->allowed);
	return UW_CLI_RUN;
}

static enum uw_cli_result take_target(struct parse *p, const char *word)
{
	struct uw_options *o = p->o;
	struct quoted q;

	if (!o->ask) {
		if (uw_parse_protocol(word, &o->ask))
			return fail(p->error, "cannot probe %s: must be ntp or dns",
				    quote(word, &q));
		return UW_CLI_RUN;
	}
	/* A host name has 253 bytes at the most (RFC 1035 2.3.4), an address fewer. */
	if (!*word || strlen(word) > 253)
		return fail(p->error, "target %s: must be an address or a host name",
			    quote(word, &q));
	if (o->targets == UW_LIST_MAX)
		return fail(p->error, "target %s is one too many: %d at the most", quote(word, &q),
			    UW_LIST_MAX);
	o->target[o->targets++] = word;
	return UW_CLI_RUN;
}

static enum uw_cli_result take_operand(struct parse *p, const char *word)
{
	struct quoted q;

	p->operands++;
	switch (p->o->command) {
	case UW_CMD_PROBE:
		return take_target(p, word);
	case UW_CMD_ANALYZE:
		if (p->o->files == UW_FILES_MAX)
			return fail(p->error, "too many files: %d at the most", UW_FILES_MAX);
		p->o->file[p->o->files++] = word;
		return UW_CLI_RUN;
	case UW_CMD_EXPLAIN:
		if (p->operands > 1)
			return fail(p->error, "unexpected %s: one name at a time", quote(word, &q));
		p->o->name = word;
		return UW_CLI_RUN;
	case UW_CMD_TRACE:
		return fail(p->error, "unexpected %s: a command to run is written after --",
			    quote(word, &q));
	default:
		return fail(p->error, "unexpected %s", quote(word, &q));
	}
}

/* The word in which getopt_long() found what it returned last. */
static const char *option_word(char *const *argv)
{
	const char *word = argv[optind - 1];

	return optarg == word && optind > 1 ? argv[optind - 2] : word;
}

/* getopt_long() takes "--ti" for "--timeout", until a later version has a --time: we do not. */
static bool abbreviated(char *const *argv, const char *name)
{
	const char *word = option_word(argv);
	size_t n;

	if (!name || strncmp(word, "--", 2) != 0)
		return false;
	n = strcspn(word + 2, "=");
	return n != strlen(name) || strncmp(word + 2, name, n) != 0;
}

static enum uw_cli_result unknown(struct parse *p, const char *word)
{
	struct quoted q;

	return fail(p->error, "unknown option %s (see udpwhy %s%s--help)", quote(word, &q),
		    uw_command_name(p->o->command), p->o->command ? " " : "");
}

/* Return: UW_CLI_RUN to go on with the next word. */
static enum uw_cli_result take_word(struct parse *p, int value, char *const *argv)
{
	const struct row *r = row_of(p->o->command, value == ':' || value == '?' ? optopt : value);
	char name[32], letter[3] = {'-', (char)optopt, '\0'};

	switch (value) {
	case 1:
		return take_operand(p, optarg);
	case ':':
		return fail(p->error, "%s needs an argument: %s", row_text(r, name), r->allowed);
	case '?':
		if (optopt && optopt < 256 && !r && optopt != VALUE_HELP)
			return unknown(p, letter);
		if (optopt)
			return fail(p->error, "%s takes no argument",
				    r ? row_text(r, name) : "this option");
		return unknown(p, option_word(argv));
	case VALUE_HELP:
		return abbreviated(argv, "help") ? unknown(p, option_word(argv)) : UW_CLI_HELP;
	case 'V': /* of a plugin */
		return UW_CLI_VERSION;
	case VALUE_VERSION:
		return abbreviated(argv, "version") ? unknown(p, option_word(argv)) :
						      UW_CLI_VERSION;
	default:
		if (abbreviated(argv, r->name))
			return unknown(p, option_word(argv));
		return take_option(p, r, optarg);
	}
}

static enum uw_cli_result take_words(struct parse *p, int argc, char *const *argv)
{
	enum uw_cli_result result = UW_CLI_RUN;
	struct grammar g;
	int value;

	make_grammar(&g, p->o->command);
	optind = 0; /* glibc: start anew */
	opterr = 0;
	while (result == UW_CLI_RUN) {
		value = getopt_long(argc, argv, g.letters, g.longs, NULL);
		if (value == -1)
			break;
		result = take_word(p, value, argv);
	}
	return result;
}

/* What stands behind "--". */
static enum uw_cli_result take_rest(struct parse *p, int argc, char *const *argv)
{
	enum uw_cli_result result = UW_CLI_RUN;
	int i;

	if (p->o->command == UW_CMD_TRACE) {
		if (optind < argc) {
			p->o->run = argv + optind;
			p->o->run_argc = argc - optind;
		} else if (strcmp(argv[argc - 1], "--") == 0) {
			return fail(p->error, "no command after --");
		}
		return UW_CLI_RUN;
	}
	for (i = optind; i < argc && result == UW_CLI_RUN; i++)
		result = take_operand(p, argv[i]);
	return result;
}

static enum uw_cli_result finish_ports(struct parse *p)
{
	struct uw_filters *f = &p->o->filters;
	unsigned i, n = 0;

	if (!f->protocol)
		return UW_CLI_RUN;
	for (i = 0; i < f->port_count; i++) {
		struct uw_port port = f->ports[i];

		if (port.protocol == f->protocol)
			f->ports[n++] = port;
		else if (port.port != default_ports[port.protocol - UW_PROTO_NTP].port)
			return fail(p->error, "--port %s=%u: --protocol leaves only %s to trace",
				    uw_proto_name(port.protocol), port.port,
				    uw_proto_name(f->protocol));
	}
	f->port_count = n;
	return UW_CLI_RUN;
}

static bool given(const struct parse *p, int (*take)(struct uw_options *o, const char *arg))
{
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		if (rows[i].take == take && p->seen & 1ull << i)
			return true;
	}
	return false;
}

/* What only one of the two has; of addresses the record type follows. */
static enum uw_cli_result finish_expected(struct parse *p)
{
	struct uw_options *o = p->o;
	const struct uw_expect *e = &o->expect;
	unsigned i;

	if (o->ask == UW_PROTO_NTP && (uw_expect_any(e) || e->all))
		return fail(p->error, "-a, -L, -A and -n are for dns: they say what the answer has to be");
	if (o->ask == UW_PROTO_DNS && (o->quiet || o->time_offset))
		return fail(p->error, "-q and --time_offset are for ntp: they are about the clock's offset");
	if (uw_expect_any(e) && !o->ask_name)
		return fail(p->error, "-a, -A and -n need a name to ask for: -H");
	if (e->addresses && e->nxdomain)
		return fail(p->error, "-a and -n exclude each other: a name that is not there has no address");
	if (e->all && !e->addresses)
		return fail(p->error, "-L needs the addresses that are expected: -a");
	for (i = 1; i < e->addresses; i++) {
		if (e->address[i].family != e->address[0].family)
			return fail(p->error, "-a: addresses of one family only, one record type is asked for");
	}
	if (e->addresses && !o->ask_type)
		o->ask_type = e->address[0].family == 4 ? 1 : 28;
	if (e->addresses && o->ask_type != (e->address[0].family == 4 ? 1 : 28))
		return fail(p->error, "-a: %s are in no record of the type that --type names",
			    e->address[0].family == 4 ? "IPv4 addresses" : "IPv6 addresses");
	return UW_CLI_RUN;
}

/* Without a server, DNS asks those of /etc/resolv.conf. */
static enum uw_cli_result finish_probe(struct parse *p)
{
	struct uw_options *o = p->o;

	if (!o->ask)
		return fail(p->error, "what to probe is missing: ntp or dns, then one or more targets");
	if (o->ask == UW_PROTO_NTP && (o->ask_type || given(p, take_dns_server)))
		return fail(p->error, "-s and --type are for dns: the NTP server is the target");
	if (o->ask == UW_PROTO_NTP && o->ask_name) {
		if (o->targets == UW_LIST_MAX)
			return fail(p->error, "-H is one target too many: %d at the most", UW_LIST_MAX);
		o->target[o->targets++] = o->ask_name;
		o->ask_name = NULL;
	}
	if (given(p, take_ipv4) && given(p, take_ipv6))
		return fail(p->error, "-4 and -6 exclude each other: without them both are asked");
	if (!o->targets && !o->ask_name)
		return fail(p->error, "no target to probe: an address or a host name");
	if (!o->ask_port)
		o->ask_port = default_ports[o->ask - UW_PROTO_NTP].port;
	if (!given(p, take_timeout))
		o->timeout_ns = o->limit_ns < 2 * UW_PROBE_TIMEOUT_NS ? o->limit_ns / 2 : UW_PROBE_TIMEOUT_NS;
	else if (!given(p, take_limit) && o->timeout_ns * 2 > o->limit_ns)
		o->limit_ns = o->timeout_ns * 2;
	if (o->timeout_ns > o->limit_ns)
		return fail(p->error, "--timeout is for one answer and must not be longer than -t, which is for all");
	if (o->ask == UW_PROTO_NTP && !given(p, take_warning))
		uw_range_parse("60", &o->warning);
	if (o->ask == UW_PROTO_NTP && !given(p, take_critical))
		uw_range_parse("120", &o->critical);
	return finish_expected(p);
}

static enum uw_cli_result finish(struct parse *p)
{
	struct uw_options *o = p->o;

	switch (o->command) {
	case UW_CMD_TRACE:
		/* Each packet traced costs a few messages: not for namespaces that nobody thought of. */
		if (o->nft_trace && !o->filters.scope.count && !o->filters.netns.count)
			return fail(p->error, "--nft-trace is not for all namespaces: name them with --scope or --netns");
		return finish_ports(p);
	case UW_CMD_MONITOR:
		if (o->output == UW_OUTPUT_JOURNAL && o->output_file)
			return fail(p->error, "--output is for -o json and text: the journal keeps its own files");
		return finish_ports(p);
	case UW_CMD_ANALYZE:
		if (!o->files)
			return fail(p->error, "no file to analyze: a pcap or pcapng file, - is standard input");
		return finish_ports(p);
	case UW_CMD_PROBE:
		return finish_probe(p);
	case UW_CMD_EXPLAIN:
		return UW_CLI_RUN;
	case UW_CMD_NONE:
		return fail(p->error, "no command given: trace, monitor, probe, analyze, doctor or explain"
				      " (see udpwhy --help)");
	default:
		return UW_CLI_RUN;
	}
}

const char *uw_command_name(enum uw_command c)
{
	static const char *const names[UW_COMMANDS] = {"", "trace", "monitor", "probe", "analyze", "doctor", "explain"};

	return c < UW_COMMANDS ? names[c] : "";
}

static enum uw_command command_named(const char *word)
{
	enum uw_command c;

	for (c = UW_CMD_NONE + 1; c < UW_COMMANDS; c++) {
		if (strcmp(word, uw_command_name(c)) == 0)
			return c;
	}
	return UW_CMD_NONE;
}

static void set_defaults(struct uw_options *o)
{
	memset(o, 0, sizeof(*o));
	o->timeout_ns = UW_TIMEOUT_NS;
	o->count = UW_PROBE_COUNT;
	o->limit_ns = UW_PROBE_LIMIT_NS;
	memcpy(o->filters.ports, default_ports, sizeof(default_ports));
	o->filters.port_count = COUNT(default_ports);
}

enum uw_cli_result uw_cli_parse(int argc, char *const argv[], struct uw_options *o,
				char error[UW_CLI_ERROR_MAX])
{
	struct parse p = {.o = o, .error = error};
	enum uw_cli_result result;
	struct quoted q;

	set_defaults(o);
	error[0] = '\0';
	if (argc < 2)
		return finish(&p);
	if (argv[1][0] != '-') {
		o->command = command_named(argv[1]);
		if (!o->command)
			return fail(error,
				    "unknown command %s: must be trace, monitor, probe, analyze, doctor or explain",
				    quote(argv[1], &q));
		if (o->command == UW_CMD_MONITOR) {
			o->output = UW_OUTPUT_JSON;
			o->interval_ns = UW_INTERVAL_NS;
		}
		argc--; /* the command takes the place of argv[0] */
		argv++;
	}
	result = take_words(&p, argc, argv);
	if (result == UW_CLI_RUN)
		result = take_rest(&p, argc, argv);
	return result == UW_CLI_RUN ? finish(&p) : result;
}
