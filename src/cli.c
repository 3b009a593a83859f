/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli_option.h"
#include "core/text_safe.h"

#define QUOTED_MAX 80 /* bytes of a user's word, made safe, in an error */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct uw_port default_ports[] = {
	{.port = 123, .protocol = UW_PROTO_NTP},
	{.port = 53, .protocol = UW_PROTO_DNS},
};

#define VALUE_HELP 'h'
#define VALUE_VERSION 256
#define VALUE_FIRST 512 /* + row, for options without a letter */

static int value_of(const struct uw_cli_option *r)
{
	return r->letter ? r->letter : VALUE_FIRST + (int)(r - uw_cli_options);
}

/* What getopt_long() needs to know of one command's options. */
struct grammar {
	char letters[8 + 2 * UW_CLI_OPTIONS_MAX];
	struct option longs[UW_CLI_OPTIONS_MAX + 3];
};

static void make_grammar(struct grammar *g, enum uw_command c)
{
	size_t i, n = 0;
	char *l;

	/* "-": operands come back in place and argv is not reordered; ":": errors are ours. */
	l = stpcpy(g->letters, c == UW_CMD_PROBE ? "-:hV" : "-:h");
	for (i = 0; i < uw_cli_option_count; i++) {
		const struct uw_cli_option *r = &uw_cli_options[i];

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

static const struct uw_cli_option *row_of(enum uw_command c, int value)
{
	size_t i;

	for (i = 0; i < uw_cli_option_count; i++) {
		if (uw_cli_options[i].commands & 1u << c && value_of(&uw_cli_options[i]) == value)
			return &uw_cli_options[i];
	}
	return NULL;
}

/* --- putting it together --- */

struct parse {
	struct uw_options *o;
	char *error;
	uint64_t seen; /* bit per row */
	uint64_t fixed; /* of these, not to be changed by a file */
	unsigned operands, given_operands;
};

_Static_assert(UW_CLI_OPTIONS_MAX <= 64, "struct parse.seen");

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

static const char *row_text(const struct uw_cli_option *r, char buf[32])
{
	snprintf(buf, 32, r->name ? "--%s" : "-%s", r->name ? r->name : (char[]){r->letter, '\0'});
	return buf;
}

static enum uw_cli_result take_option(struct parse *p, const struct uw_cli_option *r, const char *arg)
{
	uint64_t bit = 1ull << (r - uw_cli_options);
	struct quoted q;
	char name[32];

	if (p->fixed & bit)
		return UW_CLI_RUN;
	if (r->allowed && p->seen & bit && !(r->commands & UW_CLI_REPEATS))
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
	const struct uw_cli_option *r = row_of(p->o->command, value == ':' || value == '?' ? optopt : value);
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

static bool given(const struct parse *p, uw_cli_take *take)
{
	size_t i;

	for (i = 0; i < uw_cli_option_count; i++) {
		if (uw_cli_options[i].take == take && p->seen & 1ull << i)
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
	if (o->ask == UW_PROTO_NTP && (o->ask_type || given(p, uw_cli_take_dns_server)))
		return fail(p->error, "-s and --type are for dns: the NTP server is the target");
	if (o->ask == UW_PROTO_NTP && o->ask_name) {
		if (o->targets == UW_LIST_MAX)
			return fail(p->error, "-H is one target too many: %d at the most", UW_LIST_MAX);
		o->target[o->targets++] = o->ask_name;
		o->ask_name = NULL;
	}
	if (given(p, uw_cli_take_ipv4) && given(p, uw_cli_take_ipv6))
		return fail(p->error, "-4 and -6 exclude each other: without them both are asked");
	if (!o->targets && !o->ask_name)
		return fail(p->error, "no target to probe: an address or a host name");
	if (!o->ask_port)
		o->ask_port = default_ports[o->ask - UW_PROTO_NTP].port;
	if (!given(p, uw_cli_take_timeout))
		o->timeout_ns = o->limit_ns < 4 * UW_PROBE_TIMEOUT_NS ? o->limit_ns / 4 : UW_PROBE_TIMEOUT_NS;
	else if (!given(p, uw_cli_take_limit) && o->timeout_ns * 2 > o->limit_ns)
		o->limit_ns = o->timeout_ns * 2;
	if (o->timeout_ns * 2 > o->limit_ns)
		return fail(p->error, "--wait is for one answer: at the most half of --timeout, which is for the whole run");
	if (o->ask == UW_PROTO_NTP && !given(p, uw_cli_take_warning))
		uw_range_parse("60", &o->warning);
	if (o->ask == UW_PROTO_NTP && !given(p, uw_cli_take_critical))
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

/* A word at a time, so that none reaches into the next. */
static enum uw_cli_result take_extra(struct parse *p, const struct uw_cli_extra *extra)
{
	enum uw_cli_result result = UW_CLI_RUN;
	int i;

	p->fixed = p->seen;
	for (i = 0; i < extra->argc && result == UW_CLI_RUN; i++) {
		char *const words[] = {(char *)"probe", extra->argv[i], NULL};

		result = take_words(p, 2, words);
		if (result != UW_CLI_RUN || p->operands > p->given_operands)
			return fail(p->error, "--extra-opts: line %u of %s is no option of %s, or has a value that it does not take",
				    extra->line[i], extra->file, uw_command_name(p->o->command));
	}
	return result;
}

enum uw_cli_result uw_cli_parse(int argc, char *const argv[], struct uw_options *o,
				char error[UW_CLI_ERROR_MAX])
{
	return uw_cli_parse_extra(argc, argv, NULL, o, error);
}

enum uw_cli_result uw_cli_parse_extra(int argc, char *const argv[], const struct uw_cli_extra *extra,
				      struct uw_options *o, char error[UW_CLI_ERROR_MAX])
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
	p.given_operands = p.operands;
	if (result == UW_CLI_RUN && extra)
		result = take_extra(&p, extra);
	return result == UW_CLI_RUN ? finish(&p) : result;
}
