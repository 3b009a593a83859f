/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line, parsed: argv in, one struct out. Nothing is resolved, opened or printed here;
 * names of hosts, namespaces and processes are passed on as they were given.
 */
#ifndef UW_CLI_H
#define UW_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "ask/expect.h"
#include "ask/range.h"
#include "config.h"
#include "core/query.h"
#include "sink/sink.h"

#define UW_CLI_ERROR_MAX 256
#define UW_PID_MAX 4194304		/* the kernel's PID_MAX_LIMIT */

#define UW_TIMEOUT_NS 5000000000ull	/* ruling 2: the default of --timeout */
#define UW_INTERVAL_NS 60000000000ull	/* the default of --interval */
#define UW_FILES_MAX 256
#define UW_PROBE_COUNT 4		/* packets per door */
#define UW_PROBE_COUNT_MAX 60
#define UW_PROBE_TIMEOUT_NS 2000000000ull	/* probe: how long an answer may take */
#define UW_PROBE_LIMIT_NS 10000000000ull	/* probe: how long all of it may take */

enum uw_command {
	UW_CMD_NONE,	/* only with UW_CLI_HELP and UW_CLI_VERSION */
	UW_CMD_TRACE,
	UW_CMD_MONITOR,
	UW_CMD_PROBE,
	UW_CMD_ANALYZE,
	UW_CMD_DOCTOR,
	UW_CMD_EXPLAIN,
	UW_COMMANDS,
};

enum uw_output {
	UW_OUTPUT_TEXT,
	UW_OUTPUT_JSON,
	UW_OUTPUT_JOURNAL,	/* monitor */
	UW_OUTPUT_HTML,		/* analyze */
};

/* A network namespace as the user named it; finding its inode is another's work. */
struct uw_ns_ref {
	enum uw_ns_kind {
		UW_NS_NAME,	/* below /run/netns */
		UW_NS_PATH,
		UW_NS_PID,
	} kind;
	uint32_t pid;		/* UW_NS_PID */
	char text[UW_NAME_MAX];	/* as given; raw bytes */
};

struct uw_ns_list {
	unsigned count;
	struct uw_ns_ref item[UW_LIST_MAX];
};

/* What to look at. Zero is "everything" throughout, but for ports, which are always filled in. */
struct uw_filters {
	struct uw_ns_list scope, netns;
	struct uw_prefix server, client;
	char iface[UW_IFNAME];		/* "" any; raw bytes */
	enum uw_proto protocol;		/* UW_PROTO_NONE both */
	struct uw_port ports[UW_LIST_MAX];	/* of the protocols asked for, in the order given */
	unsigned port_count;
	char process[UW_NAME_MAX];	/* executable name, "" any; raw bytes */
	uint32_t process_pid;		/* 0 any */
};

struct uw_options {
	enum uw_command command;
	struct uw_filters filters;
	enum uw_output output;
	const char *output_file;	/* monitor: of argv, NULL stdout */
	struct sockaddr_storage metrics;	/* monitor: where to listen; AF_UNSPEC: nowhere */
	const char *metrics_file;	/* monitor: of argv, written each interval; NULL none */
	uint64_t duration_ns;		/* trace, monitor; 0: until stopped */
	uint64_t interval_ns;		/* monitor: between flow and status records; else 0 */
	uint64_t timeout_ns;
	bool all, probe, exit_code, verbose;
	bool nft_trace;
	const char *evidence;		/* trace, monitor: of argv; NULL none */
	bool no_color;			/* --no-color; the variable NO_COLOR is the caller's */

	enum uw_proto ask;		/* probe: what to ask */
	unsigned targets;
	const char *target[UW_LIST_MAX];	/* probe: addresses or host names, of argv */
	unsigned files;
	const char *file[UW_FILES_MAX];	/* analyze: of argv */
	const char *expression;		/* analyze: pcap-filter(7), NULL none */
	unsigned count;			/* probe: packets per door */
	uint16_t ask_port;		/* probe: the server's port */
	uint64_t limit_ns;		/* probe: how long the whole run may take */
	uint8_t ask_family;		/* probe: 4 or 6 only, 0 both */
	const char *ask_name;		/* probe dns: of argv; NULL: the root's name servers */
	uint16_t ask_type;		/* probe dns: QTYPE, 0 not given */
	struct uw_range warning, critical;	/* probe: seconds; NTP: offset, DNS: time to the answer */
	struct uw_expect expect;	/* probe dns */
	int64_t time_offset;		/* probe ntp: seconds */
	bool quiet;			/* probe ntp */
	struct uw_ns_ref ask_from;	/* probe; text "": the current namespace */

	const char *name;		/* explain: of argv; NULL: list what there is */
	char *const *run;		/* trace: the command after "--" with its NULL, or NULL */
	int run_argc;
};

enum uw_cli_result {
	UW_CLI_RUN,
	UW_CLI_HELP,		/* print uw_cli_help(command) to stdout, exit 0 */
	UW_CLI_VERSION,		/* likewise the version */
	UW_CLI_ERROR,		/* print error to stderr, exit 2 */
};

/**
 * uw_cli_parse - read the whole command line.
 * @argv: as main() has it, @argc words and a NULL; it is neither changed nor reordered, and what
 * @o points to in it must outlive @o.
 * @o: defaults and what was given; after UW_CLI_ERROR only command means something.
 * @error: after UW_CLI_ERROR, one line without newline: what is wrong, the input quoted (hostile
 * bytes made safe), what is allowed; else "".
 *
 * Not reentrant: getopt_long() has static state.
 */
enum uw_cli_result uw_cli_parse(int argc, char *const argv[], struct uw_options *o,
				char error[UW_CLI_ERROR_MAX]);

/* Words that are no operands and stand for what was not given: an option and its argument are one word. */
struct uw_cli_extra {
	int argc;
	char **argv;
	const unsigned *line;	/* of the file they come from */
	const char *file;	/* made safe */
};

/**
 * uw_cli_parse_extra - the same with @extra, NULL or none. What @argv gives is left as it is there. Errors
 * name the file and the line, and quote nothing of it: who calls may read less than we may.
 */
enum uw_cli_result uw_cli_parse_extra(int argc, char *const argv[], const struct uw_cli_extra *extra,
				      struct uw_options *o, char error[UW_CLI_ERROR_MAX]);

/** uw_cli_help - the help of a command, of the program for UW_CMD_NONE; ends with a newline. */
const char *uw_cli_help(enum uw_command c);

/** uw_command_name - "trace"; "" for UW_CMD_NONE. */
const char *uw_command_name(enum uw_command c);

/** uw_filters_text - the filters as options again, into @buf; cut where it is full. */
void uw_filters_text(const struct uw_filters *f, char *buf, size_t size);

/*
 * The strict parsers, cli_value.c. Each takes the whole of @s or fails with -EINVAL (not of that
 * form) or -ERANGE (out of range, or too long for its place), and leaves the out parameter alone.
 */

/** uw_parse_number - decimal digits only, @min to @max. */
int uw_parse_number(const char *s, uint64_t min, uint64_t max, uint64_t *out);

/** uw_parse_seconds - "5", "0.25": digits, and up to nine behind a point; nanoseconds. */
int uw_parse_seconds(const char *s, uint64_t min_ns, uint64_t max_ns, uint64_t *out_ns);

/** uw_parse_prefix - ADDR[/LEN], IPv4 or IPv6; host bits are cleared, an IPv4-mapped address
 * becomes IPv4 (on the wire it is). */
int uw_parse_prefix(const char *s, struct uw_prefix *out);

/** uw_parse_listen - PORT and :PORT (of 127.0.0.1), ADDR:PORT, [ADDR]:PORT. */
int uw_parse_listen(const char *s, struct sockaddr_storage *out);

/** uw_parse_protocol - "ntp" or "dns". */
int uw_parse_protocol(const char *s, enum uw_proto *out);

/** uw_parse_ports - "ntp=123,dns=53,dns=5353". @ports: UW_LIST_MAX of them, @count filled: the
 * defaults; those of the protocols named are replaced. One port may not serve two protocols. */
int uw_parse_ports(const char *s, struct uw_port ports[UW_LIST_MAX], unsigned *count);

/** uw_parse_ns - NAME, PATH (has a slash) or PID (digits only). */
int uw_parse_ns(const char *s, struct uw_ns_ref *out);

/** uw_parse_ns_list - the same, comma separated, one or more. */
int uw_parse_ns_list(const char *s, struct uw_ns_list *out);

#endif
