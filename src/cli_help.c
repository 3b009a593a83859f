/* SPDX-License-Identifier: GPL-2.0-only */
/* What -h prints. Only what is built is named here. */
#include "cli.h"

#define HELP_COMMON \
	"  -h, --help              this text\n"
#define HELP_OUTPUT \
	"  -o text|json            for people (default), or one JSON object a line\n"
#define HELP_COLOR \
	"  --no-color              no colours; so does the variable NO_COLOR\n"
#define HELP_TIMEOUT \
	"  --timeout SECONDS       how long an answer may take, 0.01 to 30 (default 5)\n"
#define HELP_EXIT_CODE \
	"  --exit-code             exit 0 all answered, 3 fault here, 4 beyond this host, 5 unknown\n"
#define HELP_EVIDENCE \
	"  --evidence FILE         keep the first bytes of bad queries' packets in a pcapng file of mode 0600,\n" \
	"                          16 MB at the most; when full, and if it exists, it is renamed to FILE.1\n"
#define HELP_FILTERS \
	"What is \"this host\"\n" \
	"  --scope NS,...          only these network namespaces (default: all of this kernel)\n" \
	"\n" \
	"What to report\n" \
	"  --netns NS,...          only these network namespaces\n" \
	"  --server ADDR[/LEN]     only these servers\n" \
	"  --client ADDR[/LEN]     only these clients\n" \
	"  --iface NAME            only what crossed this device\n" \
	"  --protocol ntp|dns      only this protocol\n" \
	"  --port PROTO=PORT,...   service ports (default ntp=123,dns=53); replaces those of the\n" \
	"                          protocols named\n" \
	"  --process NAME|PID      only this executable (its file name) or process\n" \
	"\n" \
	"NS is a name (ip netns), a path (has a slash) or the id of a process (digits).\n"

static const char *const help[UW_COMMANDS] = {
	[UW_CMD_NONE] =
	"Usage: udpwhy COMMAND [OPTIONS]\n"
	"Where did my NTP or DNS query over UDP die, and whose fault is it?\n"
	"\n"
	"  trace [-- COMMAND...]   follow the queries of this host through the kernel\n"
	"  monitor                 the same all day long, for log pipelines\n"
	"  probe ntp|dns TARGET... ask servers from an ephemeral and from a fixed port\n"
	"  analyze FILE...         the queries of captures and of our JSON lines\n"
	"  explain [NAME]          a verdict, diagnosis, stage, gap or drop reason in plain words\n"
	"  doctor                  what this kernel offers, and what that means for the verdicts\n"
	"\n"
	"  -h, --help              this text; after a command, its own\n"
	"  --version               version and what was built in\n"
	"\n"
	"Exit status: 0 it ran well, whatever it found; 1 it could not run; 2 usage.\n",
	[UW_CMD_TRACE] =
	"Usage: udpwhy trace [OPTIONS] [-- COMMAND...]\n"
	"Follow NTP and DNS queries through the kernel until SIGINT, for -d, or while COMMAND runs.\n"
	"\n"
	"  -d SECONDS              stop after this time\n"
	HELP_OUTPUT
	"  --all                   tell of good queries too\n"
	"  --probe                 ask servers that did not reply, from other ports, once a second\n"
	"  --nft-trace             name the nftables rule of each drop, by a table of our own that sets\n"
	"                          nftrace, in the namespaces of --scope or --netns\n"
	HELP_EVIDENCE
	HELP_TIMEOUT
	HELP_EXIT_CODE
	HELP_COLOR
	HELP_COMMON
	"\n"
	HELP_FILTERS,
	[UW_CMD_MONITOR] =
	"Usage: udpwhy monitor [OPTIONS]\n"
	"Follow NTP and DNS queries all day long. Bad queries are told at once, the first 10 of a flow,\n"
	"verdict, stage and reason in each interval; counts per flow and in sum come every interval.\n"
	"\n"
	"  --interval SECONDS      between flow and status records, 1 to 86400 (default 60)\n"
	"  -o json|text|journal    one JSON object a line (default), for people, or entries of the\n"
	"                          systemd journal with a field for each key (UDPWHY_VERDICT=...)\n"
	"  --output FILE           append to FILE instead of standard output; SIGHUP opens it anew\n"
	"  --metrics ADDR:PORT     serve counters for Prometheus at /metrics; PORT alone: of 127.0.0.1;\n"
	"                          a path (has a slash): written each interval (node_exporter textfile)\n"
	"  -d SECONDS              stop after this time\n"
	HELP_EVIDENCE
	HELP_TIMEOUT
	HELP_EXIT_CODE
	HELP_COLOR
	HELP_COMMON
	"\n"
	HELP_FILTERS,
	[UW_CMD_PROBE] =
	"Usage: udpwhy probe [OPTIONS] ntp|dns TARGET...\n"
	"Ask servers from an ephemeral and from a fixed port, DNS also with the EDNS buffer sizes 512, 1232\n"
	"and 4096, and say in one line whether answers come and why not. Replaces check_ntp_time and\n"
	"check_dns: as root it traces its own packets and tells a loss here from one beyond this host.\n"
	"\n"
	HELP_OUTPUT
	"  -v, --verbose           below the line: each server and port, and what was traced\n"
	"  -H, --hostname NAME     ntp: a server; dns: the name to ask for (default: the root's servers);\n"
	"                          an address stands for its name in reverse\n"
	"  -s, --server SERVER     dns: a server, as a TARGET is; without any, those of /etc/resolv.conf\n"
	"  --type TYPE             dns: the record type to ask for (default: A)\n"
	"  -w, --warning RANGE     seconds; ntp: offset of the clock (default 60), dns: time to the answer\n"
	"  -c, --critical RANGE    likewise (ntp: default 120)\n"
	"  -q, --quiet             ntp: UNKNOWN instead of CRITICAL where the answers tell no offset\n"
	"  --time_offset SECONDS   ntp: added to the offset before it is judged\n"
	"  -a, --expected-address ADDR[/LEN]  dns: one of the addresses in the answer to -H; may be repeated\n"
	"  -L, --all               dns: the answer has to hold these addresses and no others\n"
	"  -A, --expect-authority, -n, --expect-nxdomain  dns: the answer has to be so\n"
	"  -t, --timeout SECONDS   how long the whole run may take, 1 to 300 (default 10)\n"
	"  --wait SECONDS          how long an answer may take (default 2, or a quarter of --timeout)\n"
	"  --count N               packets from each port, 1 to 60 (default 4), ntp one a second\n"
	"  -4, --use-ipv4          only IPv4 addresses of a name; -6, --use-ipv6: only IPv6\n"
	"  -p, --port PORT         the servers' port (default: ntp 123, dns 53)\n"
	"  --extra-opts[=[SECTION][@FILE]]  more options, of a section of an ini file (see udpwhy(8))\n"
	"  --netns NAME|PATH|PID   ask from this network namespace\n"
	"  --scope NS,...          only these network namespaces are this host (default: all)\n"
	HELP_COLOR
	HELP_COMMON
	"\n"
	"Exit status, as monitoring plugins have it: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.\n",
	[UW_CMD_ANALYZE] =
	"Usage: udpwhy analyze [OPTIONS] FILE...\n"
	"The queries of pcap and pcapng files, judged as live ones are, and of our own JSON lines;\n"
	"gzip is unpacked, - is standard input. Files of both ends of a way are joined, whatever their\n"
	"clocks and addresses say, and tell in which direction a query was lost.\n"
	"\n"
	"  -o text|json|html       for people (default), one JSON object a line, or a page for a ticket\n"
	"  --all                   tell of good queries too\n"
	"  --filter EXPRESSION     of captures only these frames, as in pcap-filter(7)\n"
	HELP_TIMEOUT
	"  --server ADDR[/LEN]     only these servers\n"
	"  --client ADDR[/LEN]     only these clients\n"
	"  --protocol ntp|dns      only this protocol\n"
	"  --port PROTO=PORT,...   service ports (default ntp=123,dns=53); replaces those of the\n"
	"                          protocols named\n"
	HELP_EXIT_CODE
	HELP_COLOR
	HELP_COMMON,
	[UW_CMD_DOCTOR] =
	"Usage: udpwhy doctor [OPTIONS]\n"
	"What this kernel offers, what is missing, which verdicts suffer, and how to get it.\n"
	"\n"
	HELP_OUTPUT
	HELP_COLOR
	HELP_COMMON
	"\n"
	"Exit status: 0 if local faults and faults beyond this host can be told apart.\n",
	[UW_CMD_EXPLAIN] =
	"Usage: udpwhy explain [NAME]\n"
	"A verdict, diagnosis, stage, gap or drop reason in plain words; without NAME, all there are.\n"
	"\n"
	HELP_COLOR
	HELP_COMMON,
};

const char *uw_cli_help(enum uw_command c)
{
	return help[c < UW_COMMANDS ? c : UW_CMD_NONE];
}
