/* SPDX-License-Identifier: GPL-2.0-only */
/* What diagnoses mean, and those fields of a record that do not explain themselves. */
#include "core/explain.h"

/* clang-format off */
const struct uw_explanation uw_explain_records[] = {
	{ UW_EXPLAIN_DIAGNOSIS, "ephemeral-replies-filtered",
	  "The same server answers queries sent from a fixed port and not those from "
	  "ephemeral ports, and nothing was dropped here. A stateless filter on the way lets "
	  "replies to port 123 or 53 in and drops those to ephemeral ports: a network ACL or "
	  "a router's access list.",
	  NULL,
	  "Allow inbound UDP with the service as source port to the ephemeral ports "
	  "(net.ipv4.ip_local_port_range) in that filter." },
	{ UW_EXPLAIN_DIAGNOSIS, "local-firewall",
	  "Packets of these queries were dropped by netfilter on this host.",
	  NULL,
	  "Find the rule in the named hook (nft -a list ruleset, iptables-save -c) and let "
	  "the traffic pass before it." },
	{ UW_EXPLAIN_DIAGNOSIS, "no-route",
	  "This host has no route to the server, or a route or rule that forbids it.",
	  NULL,
	  "ip route get ADDRESS, in the namespace of the program; ip rule." },
	{ UW_EXPLAIN_DIAGNOSIS, "neighbour-unresolved",
	  "The next hop, or the server in the same network, does not answer ARP or neighbour "
	  "discovery, so the packet cannot be sent.",
	  NULL,
	  "ip neigh show; check that the address, the VLAN and the cable are right and that "
	  "the neighbour is up." },
	{ UW_EXPLAIN_DIAGNOSIS, "socket-buffer-overflow",
	  "Replies or requests came in and were dropped because the receive buffer of the "
	  "socket was full.",
	  NULL,
	  "The program reads too slowly or its buffer is too small: raise SO_RCVBUF "
	  "(net.core.rmem_max allows) or the daemon's own setting." },
	{ UW_EXPLAIN_DIAGNOSIS, "server-down",
	  "The server answers none of our queries, from any port, and nothing was dropped "
	  "here.",
	  NULL,
	  "Is its address right, is it up (does it answer anything else)? Then trace at the "
	  "server." },
	{ UW_EXPLAIN_DIAGNOSIS, "server-rate-limiting",
	  "The server says that we ask too often (kiss-o'-death RATE, REFUSED), or loss "
	  "grows with the rate of asking.",
	  NULL,
	  "Ask less often, spread the queries over several servers, or ask the operator for "
	  "a higher limit." },
	{ UW_EXPLAIN_DIAGNOSIS, "no-service",
	  "The host is there, but nobody listens on the port: an ICMP port unreachable came "
	  "from the server itself.",
	  NULL,
	  "Start the daemon at the server, or check the address and port that it listens on "
	  "(ss -unlp)." },
	{ UW_EXPLAIN_DIAGNOSIS, "upstream-udp-throttling",
	  "Several servers or protocols stop answering at the same moment and recover at the "
	  "same moment, while TCP goes on: something upstream limits this host's UDP as a "
	  "whole, for example a provider's DDoS protection.",
	  NULL,
	  "Ask the provider whether a limit on all UDP of your address was active, with the "
	  "times of the windows in UTC; send less UDP." },
	{ UW_EXPLAIN_DIAGNOSIS, "cloud-allowance-exceeded",
	  "The network card's driver counts packets that the cloud dropped because an "
	  "allowance of this instance was used up (*_allowance_exceeded). On AWS, "
	  "linklocal_allowance_exceeded names dropped DNS and NTP outright.",
	  NULL,
	  "ethtool -S DEVICE | grep allowance; cache DNS on the host, or take a larger "
	  "instance." },
	{ UW_EXPLAIN_DIAGNOSIS, "server-unsynchronised",
	  "The server answers, but says that its own clock is not synchronised (leap "
	  "indicator 3, stratum 0 or 16, KoD INIT or STEP).",
	  NULL,
	  "At the server: chronyc sources, ntpq -p. Here: other servers." },
	{ UW_EXPLAIN_DIAGNOSIS, "app-not-reading",
	  "Replies lie in the socket of the program, and it does not read them in time.",
	  NULL,
	  "Look at the program: its CPU time, its threads, what it waits for (strace -f -p "
	  "PID)." },
	{ UW_EXPLAIN_DIAGNOSIS, "reply-after-timeout",
	  "Replies come, but only after the program has given up.",
	  NULL,
	  "A longer timeout in the program, or a nearer or less busy server." },
	{ UW_EXPLAIN_DIAGNOSIS, "fragmented-replies-lost",
	  "Answers that come in fragments do not arrive whole, small ones do.",
	  NULL,
	  "Ask for smaller answers (EDNS buffer size 1232), or let fragments pass in the "
	  "firewalls on the way." },
	{ UW_EXPLAIN_DIAGNOSIS, "mtu",
	  "Packets are too large for a link on the way, or ICMP says so (fragmentation "
	  "needed, packet too big).",
	  NULL,
	  "ip link (mtu); tracepath SERVER; let ICMP type 3 code 4 and ICMPv6 type 2 pass." },
	{ UW_EXPLAIN_DIAGNOSIS, "asymmetric-routing",
	  "Replies come in by another device than requests leave by, and are dropped for it.",
	  NULL,
	  "ip route get SERVER; net.ipv4.conf.*.rp_filter=2 (loose), or policy routing." },
	{ UW_EXPLAIN_DIAGNOSIS, "wrong-source-reply",
	  "Replies come from another address than was asked, and clients must ignore them.",
	  NULL,
	  "Bind the server's daemon to the address that is asked, or let it answer from "
	  "there (interface-automatic in unbound)." },
	{ UW_EXPLAIN_DIAGNOSIS, "conntrack-full",
	  "The table of connections is full or refuses entries: packets of new connections "
	  "are dropped, whatever the rules say.",
	  NULL,
	  "conntrack -S and -C; net.netfilter.nf_conntrack_max; exempt DNS and NTP with "
	  "notrack." },
	{ UW_EXPLAIN_DIAGNOSIS, "checksum",
	  "Datagrams come in with a wrong checksum and are dropped.",
	  NULL,
	  "nstat -az 'Udp*InCsumErrors'; ethtool -K DEVICE rx off for a test; look for the "
	  "device that damages them." },
	{ UW_EXPLAIN_DIAGNOSIS, "nic-drops",
	  "The network card or the line behind it lost packets while queries went "
	  "unanswered.",
	  NULL,
	  "ethtool -S DEVICE; ethtool -g DEVICE (rings); /proc/net/softnet_stat." },
	{ UW_EXPLAIN_DIAGNOSIS, "tcp-fallback-blocked",
	  "An answer was too long for UDP (truncated), and the retry over TCP does not get "
	  "through.",
	  NULL,
	  "Allow TCP port 53 to the resolver, on this host and on the way." },

	{ UW_EXPLAIN_CONFIDENCE, "certain",
	  "There is positive proof: the drop itself was seen.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_CONFIDENCE, "likely",
	  "A contrast points to this cause; the evidence names it.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_CONFIDENCE, "possible",
	  "It fits what was seen, and so do other causes; the lines marked (?) are open.",
	  NULL,
	  NULL },

	{ UW_EXPLAIN_ENGINE, "nftables",
	  "A rule or chain policy dropped the packet, of nftables or of an iptables that uses it "
	  "(iptables-nft).",
	  NULL,
	  "nft -a list ruleset, in the namespace of the record; --nft-trace names the rule." },
	{ UW_EXPLAIN_ENGINE, "nfqueue",
	  "A firewall rule hands the packet to a program (an intrusion detection system, a "
	  "content filter), which refuses it or keeps it; or nobody listens on that queue.",
	  NULL,
	  "cat /proc/net/netfilter/nfnetlink_queue; look for the rule: nft list ruleset, "
	  "iptables-save (NFQUEUE)." },
	{ UW_EXPLAIN_ENGINE, "cgroup_bpf",
	  "A BPF program of the process's cgroup dropped the packet: mostly systemd's "
	  "IPAddressDeny= or IPIngressFilterPath= of the unit, or a container runtime's.",
	  NULL,
	  "bpftool cgroup tree; systemctl show UNIT -p IPAddressDeny -p IPAddressAllow." },
	{ UW_EXPLAIN_ENGINE, "conntrack",
	  "Connection tracking dropped the packet: its table was full, or two packets of one "
	  "connection raced.",
	  NULL,
	  "conntrack -S (drop, insert_failed, early_drop); net.netfilter.nf_conntrack_max." },

	{ UW_EXPLAIN_FIELD, "abandoned_us",
	  "The program gave up so long after asking: its socket was closed or its process "
	  "ended. The verdict is then about a query for which nobody waits any more.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "attempts",
	  "How often the same question was sent: first copy and resends (same addresses, "
	  "ports and transaction).",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "attempts.on_wire",
	  "How many of the copies left this host. Fewer than attempts: some were dropped or "
	  "held here.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "attempts.dropped",
	  "How many of the copies were freed on this host. With others unanswered on the "
	  "wire, the fault is unknown.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "caused_by",
	  "This query failed because the server on this host had asked on, and that query "
	  "failed. It is the query.id of the latter, and its fault counts.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "cgroup",
	  "The control group of the program that asked: its systemd unit or its container.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "role",
	  "Which ends of the query are on this host (in scope): client, the program that asks; "
	  "server, the one that is asked; local, both; forwarder, neither.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "client.port_class",
	  "fixed: below 1024, or the service's own port on both sides. ephemeral: any other, "
	  "usually chosen by the kernel. Filters on the way often treat the two differently.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "counters",
	  "Counters of the devices that rose while the query was open.",
	  NULL,
	  "ethtool -S DEVICE; ip -s -s link show DEVICE." },
	{ UW_EXPLAIN_FIELD, "dns.tcp_retry",
	  "The answer was truncated, and the program asked again over TCP; this is how that "
	  "went.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "dns.truncated",
	  "The answer did not fit into the datagram; the program should ask again over TCP.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "drop.engine",
	  "What dropped the packet: nftables, nfqueue, conntrack or a BPF program (cgroup_bpf). Absent where "
	  "neither the place in the kernel nor a counter tells.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "drop.hook",
	  "The netfilter hook that the packet died in: prerouting, input, forward, output, "
	  "postrouting, ingress, egress.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "drop.location",
	  "The place in the kernel's code that freed the packet: a function and an offset. "
	  "For kernel people and for bug reports.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "drop.reason",
	  "The kernel's own word for why it freed the packet. Each is explained under its "
	  "name.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "drop.rule",
	  "The firewall rule that dropped this packet, as nftables itself reported it.",
	  NULL,
	  "Not there? udpwhy trace --nft-trace asks nftables for it." },
	{ UW_EXPLAIN_FIELD, "duration_us",
	  "From the sending to what decided: the answer, the drop, the error.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "evidence.complete",
	  "Everything that could have hidden the reply from us was looked at and was quiet. "
	  "Without it, nothing is ever said to be beyond this host.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "evidence.gaps",
	  "What could have hidden the reply from us. Each is explained under its name.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "fragments.seen",
	  "The answer came in fragments, and so many of them were seen.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "held_by",
	  "What the packet still waits for: nfqueue is a program that took it from the "
	  "firewall and has not given it back.",
	  NULL,
	  "cat /proc/net/netfilter/nfnetlink_queue: queue number, port id of the program, "
	  "packets waiting." },
	{ UW_EXPLAIN_FIELD, "icmp.from",
	  "Who sent the ICMP error. An address of this host makes the fault local.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "icmp.mtu",
	  "The size that a router on the way can take. A note, no verdict: the sender should "
	  "send smaller packets.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "icmp.verified",
	  "The error quotes enough of the request to show that it is about this very query.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "misdirected.from.address",
	  "The address from which the reply came, instead of the one that was asked.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "nat.client.address",
	  "The address that the request bears on the wire: this host translates it (source "
	  "NAT, masquerading).",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "nat.server.address",
	  "The address that the request really goes to: this host translates it (destination "
	  "NAT).",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "nat.expired",
	  "The reply came after this host had forgotten the translation, so it could not be "
	  "delivered.",
	  NULL,
	  "net.netfilter.nf_conntrack_udp_timeout." },
	{ UW_EXPLAIN_FIELD, "ntp.kod",
	  "The four letters of a kiss-o'-death: RATE (ask less often), DENY and RSTR (not "
	  "allowed), NTSN (security failed), INIT and STEP (not ready yet).",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "path",
	  "The devices that the packets crossed, in order.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "revision",
	  "2 and more: more came to light after the first verdict. The highest one counts.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "send.errno",
	  "What the program was told when it tried to send.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "socket.rcvbuf",
	  "The size of the socket's receive buffer in bytes, as the kernel counts: a small "
	  "datagram takes a multiple of its length.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FIELD, "transaction.id",
	  "What ties the reply to the request: for NTP the transmit timestamp, for DNS the "
	  "id.",
	  NULL,
	  NULL },
};
/* clang-format on */

const unsigned uw_explain_record_count = sizeof(uw_explain_records) / sizeof(uw_explain_records[0]);
