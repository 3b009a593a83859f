#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The demo: a client, a router and a server in network namespaces of their own, with real daemons
# (chronyd, dnsmasq) and real clients (check_ntp_time, chronyd, dig), in four situations:
#
#   1  all is well
#   2  a firewall rule on the client itself drops the NTP replies
#   3  the router's access list admits replies to port 123, but not to ephemeral ports
#   4  the router lets no UDP at all pass while there is too much of it, and says so to nobody
#
# What you see is what udpwhy prints for people. A second udpwhy writes JSON meanwhile; from that
# every verdict is checked. Exit: 0 every verdict was right, 1 one was not, or something failed.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
[ -n "${UDPWHY_LAB-}" ] || UDPWHY_LAB=1 exec "$root/scripts/lab-root" "$root/demo/demo.sh" "$@"
udpwhy=${UDPWHY:-$root/build/udpwhy}
PATH=$root/build/tools/sbin:$PATH:/usr/sbin:/sbin:/usr/lib/nagios/plugins

prefix=udpwhy-demo
client=$prefix-$$-client
router=$prefix-$$-router
server=$prefix-$$-server
client_addr=192.0.2.10		# RFC 5737: these exist nowhere else
server_addr=198.51.100.20
second_addr=198.51.100.21	# the server's as well
throttle=$root/tests/lib/throttle.py
scratch=
right=0
wrong=0

bold= dim= red= green= plain=
if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then
	bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi

die() { echo "demo: $*" >&2; exit 1; }

# ---- the laboratory -------------------------------------------------------------------------

remove_namespace() {
	local pids
	pids=$(ip netns pids "$1" 2>/dev/null) || return 0
	[ -z "$pids" ] || kill -KILL $pids 2>/dev/null || true
	ip netns del "$1" 2>/dev/null || true
}

cleanup() {
	local job ns
	trap '' INT TERM HUP
	for job in $(jobs -p); do
		{ kill -KILL "$job" && wait "$job"; } 2>/dev/null || true
	done
	for ns in "$client" "$router" "$server"; do
		remove_namespace "$ns"
	done
	[ -z "$scratch" ] || rm -rf "$scratch"
}

# A demo that was killed outright could not clean up; its name says which process it was.
remove_leftovers() {
	local ns pid
	for ns in $(ip netns list | awk -v p="^$prefix-" '$1 ~ p { print $1 }'); do
		pid=${ns#"$prefix"-}
		pid=${pid%%-*}
		[ -d "/proc/$pid" ] || remove_namespace "$ns"
	done
}

# poll WHAT COMMAND...: until it succeeds, 20 seconds at the most.
poll() {
	local what=$1 i
	shift
	for ((i = 0; i < 200; i++)); do
		"$@" 2>/dev/null && return 0
		sleep 0.1
	done
	die "$what did not happen within 20 seconds"
}

in_ns() { ip netns exec "$@"; }
listens() { in_ns "$server" ss -Hlun "sport = :$1" | grep -q .; }

build_network() {
	local ns
	for ns in "$client" "$router" "$server"; do
		ip netns add "$ns"
		ip -n "$ns" link set lo up
	done
	ip -n "$router" link add lan type veth peer name eth0 netns "$client"
	ip -n "$router" link add wan type veth peer name eth0 netns "$server"
	ip -n "$client" addr add $client_addr/24 dev eth0
	ip -n "$router" addr add 192.0.2.1/24 dev lan
	ip -n "$router" addr add 198.51.100.1/24 dev wan
	ip -n "$server" addr add $server_addr/24 dev eth0
	ip -n "$server" addr add $second_addr/24 dev eth0
	for ns in "$client" "$server"; do
		ip -n "$ns" link set eth0 up
	done
	ip -n "$router" link set lan up
	ip -n "$router" link set wan up
	ip -n "$client" route add default via 192.0.2.1
	ip -n "$server" route add default via 198.51.100.1
	in_ns "$router" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
}

# -x: chronyd never touches the clock.
start_servers() {
	printf '%s\n' 'local stratum 3' 'allow all' 'cmdport 0' "pidfile $scratch/chronyd.pid" \
		>"$scratch/chrony.conf"
	in_ns "$server" chronyd -u root -x -d -f "$scratch/chrony.conf" \
		>"$scratch/chronyd.log" 2>&1 &
	in_ns "$server" dnsmasq -k -C /dev/null --pid-file= --user=root --no-resolv --no-hosts \
		--bind-interfaces --listen-address=$server_addr --address=/www.example/192.0.2.80 \
		>"$scratch/dnsmasq.log" 2>&1 &
	poll 'chronyd listening on port 123' listens 123
	poll 'dnsmasq listening on port 53' listens 53
}

# ---- showing and checking -------------------------------------------------------------------

title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s  %s%s\n' "$dim" "$*" "$plain"; }

show() {
	printf '%s$ %s%s\n' "$bold" "${*//"$client"/client}" "$plain"
}

# trace COMMAND...: what a person would run, with the command inside the client's namespace.
trace() {
	show "udpwhy trace --probe -- $*"
	timeout --foreground 60 "$udpwhy" trace --scope "$client" --probe -o text -- \
		ip netns exec "$client" "$@" || die "udpwhy trace ended with status $?"
}

# The same seen by a machine: every query as a JSON line in $json. -d: it ends even if we are killed.
start_recorder() {
	json=$scratch/$1.json
	shift
	"$udpwhy" trace --scope "$client" --all -o json -d 90 "$@" >"$json" 2>"$json.err" &
	recorder=$!
	poll "the JSON tracer's start ($(cat "$json.err"))" grep -q '"type":"start"' "$json"
}

stop_recorder() {
	kill -TERM "$recorder"
	wait "$recorder" || die "the JSON tracer ended with status $?: $(cat "$json.err")"
}

# count KEY=VALUE...: the JSON lines that have all of them. Flat objects and our own values: a
# substring is enough, and awk is everywhere.
count() {
	awk -v wanted="$*" '
		BEGIN { n = split(wanted, want, " ") }
		{
			for (i = 1; i <= n; i++) {
				eq = index(want[i], "=")
				key = "\"" substr(want[i], 1, eq - 1) "\":"
				value = substr(want[i], eq + 1)
				if (!index($0, key "\"" value "\"") &&
				    $0 !~ key value "[,}]")
					next
			}
			found++
		}
		END { print found + 0 }' "$json"
}

# expect TEXT LEAST MOST KEY=VALUE...: between LEAST and MOST lines are like that.
expect() {
	local text=$1 least=$2 most=$3 n
	shift 3
	n=$(count "$@")
	if [ "$n" -ge "$least" ] && [ "$n" -le "$most" ]; then
		right=$((right + 1))
		printf '  %sright%s  %s (%d)\n' "$green" "$plain" "$text" "$n"
		return
	fi
	wrong=$((wrong + 1))
	printf '  %sWRONG%s  %s: %d lines with %s\n' "$red" "$plain" "$text" "$n" "$*"
	awk '/"type":"(query|window|diagnosis|end)"/ && n++ < 12 { print "         " $0 }' "$json"
}

# agree TEXT COMMAND...: the command says yes; else it has said what is wrong.
agree() {
	local text=$1 said
	shift
	if said=$("$@" 2>&1); then
		right=$((right + 1))
		printf '  %sright%s  %s (%s)\n' "$green" "$plain" "$text" "$said"
		return
	fi
	wrong=$((wrong + 1))
	printf '  %sWRONG%s  %s: %s\n' "$red" "$plain" "$text" "$said"
}

# all_of WHO VERDICT FAULT [KEY=VALUE...]: WHO asked, and every query of theirs ended so.
all_of() {
	local who=$1 verdict=$2 fault=$3 asked
	shift 3
	asked=$(count type=query "process.executable.name=$who")
	expect "$who: each of its $asked queries is $verdict, fault $fault${*:+, $*}" \
		$((asked > 0 ? asked : 1)) "$asked" type=query "process.executable.name=$who" \
		"verdict=$verdict" "fault=$fault" "$@"
}

# ---- four situations ------------------------------------------------------------------------

# What chronyd does all day: port 123 on both sides. -Q: look at the offset, leave the clock alone.
ask_from_port_123() {
	show "chronyd -Q 'server $server_addr iburst'"
	in_ns "$client" chronyd -u root -Q -t 10 -f /dev/null "server $server_addr iburst maxsamples 1" \
		'acquisitionport 123' 'port 123' 'cmdport 0' "pidfile $scratch/client.pid" 2>&1 |
		grep 'System clock'
}

healthy() {
	title '1  All is well'
	note "client $client_addr -> router -> server $server_addr (chronyd, dnsmasq)"
	start_recorder healthy
	trace check_ntp_time -H $server_addr
	trace dig +noall +answer +tries=1 www.example @$server_addr
	stop_recorder

	all_of check_ntp_time answered none
	all_of dig answered none
	expect 'nothing but answers' 0 0 type=query fault=local
	expect 'nothing but answers' 0 0 type=query fault=beyond
	expect 'no diagnosis' 0 0 type=diagnosis
}

local_firewall() {
	title '2  A firewall on this very host'
	note 'nft, on the client: chain input: udp sport 123 drop'
	in_ns "$client" nft -f - <<-RULES
		table inet demo {
			chain input {
				type filter hook input priority 0;
				udp sport 123 drop
			}
		}
	RULES
	start_recorder firewall
	trace check_ntp_time -H $server_addr
	stop_recorder
	in_ns "$client" nft delete table inet demo

	all_of check_ntp_time reply_dropped local stage=nf_input drop.engine=nftables \
		drop.hook=input drop.reason=NETFILTER_DROP
	expect 'diagnosis local-firewall, certain' 1 1 \
		type=diagnosis diagnosis=local-firewall confidence=certain
	expect 'no other diagnosis' 1 1 type=diagnosis
}

half_open_acl() {
	title '3  A half-open access list, somewhere beyond'
	note 'nft, on the router: chain forward: udp sport 123 udp dport >= 1024 drop'
	in_ns "$router" nft -f - <<-RULES
		table inet demo {
			chain forward {
				type filter hook forward priority 0;
				udp sport 123 udp dport >= 1024 drop
			}
		}
	RULES
	start_recorder acl
	note 'chronyd asks from port 123 and is content ...'
	ask_from_port_123 || note 'but here it is not'
	note '... and check_ntp_time, which asks from an ephemeral port, is not:'
	trace check_ntp_time -H $server_addr
	stop_recorder
	in_ns "$router" nft delete table inet demo

	all_of chronyd answered none client.port=123
	all_of check_ntp_time no_reply beyond evidence.complete=true client.port_class=ephemeral
	expect 'nothing was lost on this host' 0 0 type=query fault=local
	expect 'diagnosis ephemeral-replies-filtered, likely' 1 1 \
		type=diagnosis diagnosis=ephemeral-replies-filtered confidence=likely
	expect 'no other diagnosis' 1 1 type=diagnosis
}

# background NAMESPACE COMMAND...: until cleanup ends it with its namespace.
background() { in_ns "$@" >>"$scratch/background.log" 2>&1 & }

gate_counts() { in_ns "$router" nft list counter inet throttle_count passing >/dev/null; }
echo_listens() { in_ns "$server" ss -Hltn 'sport = :51820' | grep -q .; }
tcp_is_up() { in_ns "$client" ss -Htn state established dst "$server_addr" | grep -q .; }

# What a host does all day: chronyd with two servers, a name to look up, something over TCP. The
# gate drops each UDP packet, either way, while more than 1,500 in a second want to pass.
start_the_day() {
	background "$server" "$throttle" echo --server $server_addr
	background "$router" "$throttle" gate --limit 1500 --log "$scratch/gate.log"
	poll 'the gate counting' gate_counts
	poll 'the echo listening on TCP port 51820' echo_listens
	printf '%s\n' "server $server_addr minpoll 0 maxpoll 0 iburst" 'cmdport 0' 'port 0' \
		"server $second_addr minpoll 0 maxpoll 0 iburst" "pidfile $scratch/day.pid" \
		>"$scratch/day.conf"
	background "$client" chronyd -u root -x -d -f "$scratch/day.conf"
	background "$client" sh -c 'while :; do
		dig +short +tries=1 +time=1 www.example "@$0"; sleep 0.5; done' $server_addr
	background "$client" "$throttle" chatter --server $server_addr
	poll 'a TCP connection' tcp_is_up
}

hidden_throttle() {
	local bulk="bulk --server $server_addr --plan 200:6 2000:8 200:8 2000:8 200:8"
	title '4  The throttle nobody admits'
	note 'while more than 1,500 UDP packets/s want to pass, the router drops them all, not TCP'
	note 'the client: chronyd asks two servers, dig one, a TCP connection is in use, and'
	note 'over udp 51820 there are 200 packets/s for 6 s, 2,000 for 8 s, 200, 2,000, 200'
	start_recorder throttle --timeout 1
	start_the_day
	show "udpwhy trace --timeout 1 -- ${throttle##*/} $bulk"
	timeout --foreground 80 "$udpwhy" trace --scope "$client" --timeout 1 -o text -- \
		ip netns exec "$client" "$throttle" $bulk || die "udpwhy trace ended with status $?"
	stop_recorder

	expect 'loss windows, each closed' 2 2 type=window state=closed
	agree "the router's own log has them where udpwhy has them" \
		"${throttle%.py}_edges.py" "$scratch/gate.log" "$json"
	expect 'nothing was lost on this host' 0 0 type=query fault=local
	expect 'diagnosis upstream-udp-throttling, likely' 1 2 \
		type=diagnosis diagnosis=upstream-udp-throttling confidence=likely
	agree 'with a question for the provider' grep -m 1 -o 'Is there a DDoS protection[^,]*' \
		"$json"
}

main() {
	local begin=$SECONDS

	[ "$(id -u)" = 0 ] || die 'tracing needs root: sudo make demo'
	[ -x "$udpwhy" ] || die "$udpwhy is not built: run make first"
	remove_leftovers
	trap cleanup EXIT
	trap 'exit 130' INT TERM HUP
	scratch=$(mktemp -d)

	"$udpwhy" --version
	build_network
	start_servers
	healthy
	local_firewall
	half_open_acl
	hidden_throttle

	title "demo: $right right, $wrong wrong, $((SECONDS - begin)) s"
	[ $wrong = 0 ]
}

main "$@"
