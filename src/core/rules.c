/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The causes that udpwhy knows, as a table; what each looks at and says is in rule_*.c. No sentence holds a
 * name that came from the network or from a process: numbers, addresses and the kernel's own words only.
 */
#include "core/rules.h"

const struct uw_rule uw_rules[] = {
	{
		.id = "local-firewall",
		.drop = uw_firewall_drop,
		.tell = uw_firewall_tell,
	},
	{
		.id = "conntrack-full",
		.drop = uw_full_table_drop,
		.tell = uw_full_table_tell,
	},
	{
		.id = "no-route",
		.flow = uw_no_route_flow,
		.together = uw_same_netns,
		.tell = uw_no_route_tell,
	},
	{
		.id = "neighbour-unresolved",
		.drop = uw_neighbour_drop,
		.tell = uw_neighbour_tell,
	},
	{
		.id = "socket-buffer-overflow",
		.drop = uw_full_buffer_drop,
		.tell = uw_full_buffer_tell,
	},
	{
		.id = "fragmented-replies-lost",
		.drop = uw_fragments_drop,
		.tell = uw_fragments_tell,
		.next_step =
			"Let fragments pass in the filters on the way, or keep replies small: an EDNS buffer"
			" size of 1232 bytes in the resolver (RFC 9715).",
	},
	{
		.id = "mtu",
		.flow = uw_mtu_flow,
		.tell = uw_mtu_tell,
		.next_step =
			"tracepath to the server shows where the MTU falls; ip route get shows what is cached."
			" Send smaller requests, or allow their fragmentation.",
	},
	{
		.id = "ephemeral-replies-filtered",
		.flow = uw_ephemeral_flow,
		.holds = uw_ephemeral_holds,
		.tell = uw_ephemeral_tell,
	},
	{
		.id = "asymmetric-routing",
		.drop = uw_reverse_path_drop,
		.tell = uw_reverse_path_tell,
		.next_step =
			"ip route get SERVER names the device of the way out. Set net.ipv4.conf.*.rp_filter=2 (loose) or use policy routing, or let the network send replies back by that device.",
	},
	{
		.id = "checksum",
		.drop = uw_checksum_drop,
		.tell = uw_checksum_tell,
		.next_step =
			"nstat -az 'Udp*InCsumErrors' counts them. ethtool -K DEVICE rx off for a test; look for the device on the way that damages them.",
	},
	{
		.id = "app-not-reading",
		.flow = uw_unread_flow,
		.holds = uw_unread_holds,
		.tell = uw_unread_tell,
		.next_step =
			"Look at the program: its CPU time, its threads, what it waits for (strace -f -p PID); ss -uanpm shows its queue.",
	},
	{
		.id = "reply-after-timeout",
		.flow = uw_late_flow,
		.holds = uw_late_holds,
		.tell = uw_late_tell,
		.next_step =
			"A longer timeout in the program, or a nearer or less busy server.",
	},
	{
		.id = "wrong-source-reply",
		.flow = uw_elsewhere_flow,
		.holds = uw_elsewhere_holds,
		.tell = uw_elsewhere_tell,
		.next_step =
			"Bind the server's daemon to the address that is asked, or let it answer from there (interface-automatic in unbound); look for a translation on the way that is not undone.",
	},
	{
		.id = "cloud-allowance-exceeded",
		.flow = uw_allowance_flow,
		.holds = uw_allowance_holds,
		.tell = uw_allowance_tell,
		.next_step =
			"ethtool -S DEVICE | grep allowance names which. Cache DNS on the host, or take a larger instance.",
	},
	{
		.id = "nic-drops",
		.flow = uw_nic_flow,
		.holds = uw_counter_holds,
		.tell = uw_nic_tell,
		.next_step =
			"ethtool -S DEVICE and /proc/net/softnet_stat show which counter; ethtool -g DEVICE: larger rings.",
	},
	{
		.id = "server-down",
		.flow = uw_down_flow,
		.holds = uw_down_holds,
		.tell = uw_down_tell,
		.next_step =
			"Is its address right, is it up (does it answer anything else)? Then trace at the server.",
	},
	{
		.id = "upstream-udp-throttling",
		.holds = uw_throttle_holds,
		.tell = uw_throttle_tell,
	},
	{
		.id = "no-service",
		.flow = uw_no_service_flow,
		.holds = uw_no_service_holds,
		.tell = uw_no_service_tell,
	},
	{
		.id = "tcp-fallback-blocked",
		.flow = uw_tcp_flow,
		.holds = uw_tcp_holds,
		.tell = uw_tcp_tell,
		.next_step =
			"Allow TCP port 53 to the server, on this host (nft list ruleset), on the way,"
			" and at the server; test with: dig +tcp @SERVER. Until then a smaller EDNS"
			" buffer does not help: the answer is too long for UDP.",
	},
	{
		.id = "server-unsynchronised",
		.flow = uw_unsynchronised_flow,
		.together = uw_same_server,
		.holds = uw_unsynchronised_holds,
		.tell = uw_unsynchronised_tell,
		.next_step =
			"At the server: chronyc tracking, chronyc sources (ntpq -p) show what it is synchronised to, and"
			" why not; just started, it needs some minutes. Until then ask others: clients rightly ignore it.",
	},
	{
		.id = "server-rate-limiting",
		.flow = uw_rate_flow,
		.holds = uw_rate_holds,
		.tell = uw_rate_tell,
		.next_step =
			"Ask less often (ntpd, chrony: a larger minpoll), use one daemon per site"
			" instead of one per machine, or ask the server's operator for a higher"
			" limit. Behind NAT all clients share one limit.",
	},
};

const unsigned uw_rule_count = sizeof(uw_rules) / sizeof(uw_rules[0]);
