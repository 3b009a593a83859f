/* SPDX-License-Identifier: GPL-2.0-only */
/* What udpwhy's own words mean and what to do: verdicts, faults, roles, stages and gaps. */
#include "core/explain.h"

/* clang-format off */
const struct uw_explanation uw_explain_words[] = {
	{ UW_EXPLAIN_VERDICT, "answered",
	  "The query was answered in time. SERVFAIL, NXDOMAIN, a truncated reply and an NTP "
	  "server that says it is not synchronised are answers too; see dns.response_code, "
	  "dns.truncated, ntp.stratum and ntp.kod.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_VERDICT, "served",
	  "Seen at the server: the request was read and a reply left for the client in time.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_VERDICT, "forwarded",
	  "Seen on a router: the request went through, and the reply came back through it in "
	  "time.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_VERDICT, "answered_late",
	  "A reply came, but after the deadline: the timeout had passed, or the asking "
	  "socket was already closed. It is local if the reply was already on this host's "
	  "wire before the deadline.",
	  NULL,
	  "Compare duration_us with the timeout of the program. A slow resolver or a full "
	  "queue on the way is more likely than a filter." },
	{ UW_EXPLAIN_VERDICT, "superseded",
	  "Nothing came back, but the asking socket already had an answer to the same "
	  "question from another server. Nobody waits for this one.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_VERDICT, "refused",
	  "The server answered that it will not serve: an NTP kiss-o'-death RATE, DENY, RSTR "
	  "or NTSN with the right origin timestamp, or DNS REFUSED.",
	  NULL,
	  "RATE: ask less often. DENY, RSTR, REFUSED: the server's access list does not let "
	  "this client in. NTSN: the keys do not fit any more; the client has to exchange them anew "
	  "(chronyc authdata, ntpq -c nts)." },
	{ UW_EXPLAIN_VERDICT, "rejected",
	  "An ICMP error came instead of an answer: destination unreachable, time exceeded "
	  "or parameter problem, quoting this request. Judged at the deadline, because an "
	  "answer may still follow an error.",
	  NULL,
	  "icmp.from says who sent it. If that is an address of this host, look here: a "
	  "REJECT rule, a failed neighbour, or nobody listening on a local address." },
	{ UW_EXPLAIN_VERDICT, "no_reply",
	  "The request left this host by a device and nothing came back before the deadline. "
	  "From this end alone nobody can tell whether the request or the reply was lost.",
	  NULL,
	  "Look at the contrast with other ports and servers (udpwhy probe), then trace at "
	  "the server or capture there." },
	{ UW_EXPLAIN_VERDICT, "misdirected",
	  "A reply to this very transaction came from another address or port than was "
	  "asked; clients must ignore it. At a server: our own reply leaves from another "
	  "address than was asked.",
	  NULL,
	  "The server has several addresses. Bind its daemon to the address that is asked, "
	  "or make it answer from where it was asked (interface-automatic in unbound)." },
	{ UW_EXPLAIN_VERDICT, "send_failed",
	  "The kernel refused to send and no packet was ever made; send.errno is what the "
	  "program was told, by connect() or by the send itself.",
	  NULL,
	  "ENETUNREACH, EHOSTUNREACH: the route (ip route get ADDRESS). EACCES: a prohibit "
	  "route, or broadcast without permission. EMSGSIZE: larger than the MTU. EPERM: a "
	  "BPF program, an IPsec policy, a system call filter (seccomp) or a security module (these two are "
	  "seen by trace with a command or --process)." },
	{ UW_EXPLAIN_VERDICT, "request_dropped",
	  "A packet of the request was freed on this host, before it left or before the server "
	  "here got it. drop.* names the place and the kernel's reason; send.errno is set if the "
	  "sender was told.",
	  NULL,
	  "udpwhy explain REASON, with the drop.reason of the record." },
	{ UW_EXPLAIN_VERDICT, "request_held",
	  "The request was not freed and got no further: it still waits on this host, for the next "
	  "hop's MAC address, in a queueing discipline, in NFQUEUE, for IPsec or for missing "
	  "fragments.",
	  NULL,
	  "stage says where it waits: udpwhy explain STAGE. For NFQUEUE: cat "
	  "/proc/net/netfilter/nfnetlink_queue." },
	{ UW_EXPLAIN_VERDICT, "reply_dropped",
	  "The reply was on this host and was freed here, before the program got it or, at a server, "
	  "before it left. drop.* names the place and the kernel's reason.",
	  NULL,
	  "udpwhy explain REASON, with the drop.reason of the record. In the stage nf_input: "
	  "allow replies (ct state established) before the rule that drops." },
	{ UW_EXPLAIN_VERDICT, "reply_held",
	  "The reply is on this host and got no further: it waits in NFQUEUE, in a queue, or for "
	  "fragments that have not come.",
	  NULL,
	  "stage says where it waits: udpwhy explain STAGE. For NFQUEUE: cat "
	  "/proc/net/netfilter/nfnetlink_queue." },
	{ UW_EXPLAIN_VERDICT, "reply_unread",
	  "The reply was queued to the asking socket, and the program did not read it before "
	  "the deadline or closed the socket without reading.",
	  NULL,
	  "The program is slow, stuck or gave up: look at what it does, not at the network." },
	{ UW_EXPLAIN_VERDICT, "request_unread",
	  "Seen at the server: the request was queued to the socket of the daemon, which "
	  "never read it.",
	  NULL,
	  "The daemon is stuck, stopped or overloaded (ss -unlp shows Recv-Q)." },
	{ UW_EXPLAIN_VERDICT, "not_served",
	  "Seen at the server: the daemon read the request and sent no reply in time. Rate limits "
	  "and access lists of daemons are often silent. With stage wire_out a reply did leave, too "
	  "late.",
	  NULL,
	  "The daemon's log and access list; chronyc serverstats, or the query log of the "
	  "resolver." },
	{ UW_EXPLAIN_VERDICT, "unknown",
	  "The record of this query itself was damaged, so nothing is said of it; "
	  "evidence.gaps names how.",
	  NULL,
	  "udpwhy explain GAP. Narrow the filters if the traffic is too much." },

	{ UW_EXPLAIN_FAULT, "none",
	  "Nobody is accused: the query was answered, or nobody waits for the answer.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FAULT, "local",
	  "This host is to blame: it refused to send, or the packet was seen to die, to wait, to be "
	  "left unread or to be late here.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FAULT, "beyond",
	  "Not this host: what happened is known to have happened elsewhere. Of a silence: the request "
	  "left, nothing was dropped here, and nothing that we could not see could have hidden the "
	  "reply.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_FAULT, "unknown",
	  "This host cannot be acquitted: something that we could not see may have hidden "
	  "the reply (evidence.gaps names it), or one copy of the request died here and another one "
	  "drew no answer.",
	  NULL,
	  NULL },

	{ UW_EXPLAIN_ROLE, "client",
	  "The program that asks is on this host, the server is elsewhere.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_ROLE, "server",
	  "The server is on this host, the program that asks is elsewhere.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_ROLE, "local",
	  "Both the program that asks and the server are on this host.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_ROLE, "forwarder",
	  "Neither end is on this host: the query passes through it.",
	  NULL,
	  NULL },

	{ UW_EXPLAIN_STAGE, "none",
	  "No point of the way was seen.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_STAGE, "send",
	  "In the send call of the program: the packet is made.",
	  NULL,
	  "A failure here is an error of the call: udpwhy explain send_failed." },
	{ UW_EXPLAIN_STAGE, "route",
	  "The choice of the way: of the source address and device when sending, of delivery "
	  "or forwarding when receiving.",
	  NULL,
	  "ip route get ADDRESS; ip rule; for received packets also rp_filter." },
	{ UW_EXPLAIN_STAGE, "nf_output",
	  "Netfilter's output hook: rules for packets that this host sends.",
	  NULL,
	  "nft list ruleset; iptables-save." },
	{ UW_EXPLAIN_STAGE, "nf_postrouting",
	  "Netfilter's postrouting hook, the last one on the way out; source NAT happens "
	  "here.",
	  NULL,
	  "nft list ruleset; iptables-save -t nat; iptables-save -t mangle." },
	{ UW_EXPLAIN_STAGE, "cgroup_egress",
	  "A BPF program attached to the cgroup of the sender (systemd's IPAddressDeny= is "
	  "one).",
	  NULL,
	  "bpftool cgroup tree; systemctl show UNIT -p IPAddressDeny." },
	{ UW_EXPLAIN_STAGE, "xfrm",
	  "IPsec: the packet waits for a security association, or a policy forbids it.",
	  NULL,
	  "ip xfrm policy; ip xfrm state." },
	{ UW_EXPLAIN_STAGE, "neighbour",
	  "Waiting for the next hop's MAC address (ARP, IPv6 neighbour discovery).",
	  NULL,
	  "ip neigh show: is the next hop up and in the same network?" },
	{ UW_EXPLAIN_STAGE, "nf_egress",
	  "Netfilter's egress hook of a device (nft table netdev).",
	  NULL,
	  "nft list ruleset netdev." },
	{ UW_EXPLAIN_STAGE, "tc_egress",
	  "Traffic control on the way out of a device: filters and BPF programs.",
	  NULL,
	  "tc filter show dev DEVICE egress." },
	{ UW_EXPLAIN_STAGE, "qdisc",
	  "The queueing discipline of the device: a full queue, shaping or policing.",
	  NULL,
	  "tc -s qdisc show dev DEVICE: dropped and overlimits." },
	{ UW_EXPLAIN_STAGE, "device",
	  "The driver was handed the packet and did not take it.",
	  NULL,
	  "ip -s -s link show DEVICE; ethtool -S DEVICE." },
	{ UW_EXPLAIN_STAGE, "wire_out",
	  "A device took the packet and it left this host. What happens from here on is "
	  "beyond it.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_STAGE, "wire_in",
	  "A device of this host received the packet.",
	  NULL,
	  NULL },
	{ UW_EXPLAIN_STAGE, "xdp",
	  "An XDP program on the receiving device, before the kernel's own network stack.",
	  NULL,
	  "ip link show DEVICE names the program; bpftool net." },
	{ UW_EXPLAIN_STAGE, "backlog",
	  "The line between the device and the network stack, one for each CPU.",
	  NULL,
	  "/proc/net/softnet_stat, second column; net.core.netdev_max_backlog." },
	{ UW_EXPLAIN_STAGE, "tc_ingress",
	  "Traffic control on the way in: filters and BPF programs of the device.",
	  NULL,
	  "tc filter show dev DEVICE ingress." },
	{ UW_EXPLAIN_STAGE, "nf_ingress",
	  "Netfilter's ingress hook of a device.",
	  NULL,
	  "nft list ruleset netdev." },
	{ UW_EXPLAIN_STAGE, "bridge",
	  "A bridge device: its own forwarding and its netfilter hooks.",
	  NULL,
	  "bridge link; nft list ruleset bridge." },
	{ UW_EXPLAIN_STAGE, "nf_prerouting",
	  "Netfilter's prerouting hook: raw rules, connection tracking, destination NAT, fib "
	  "checks.",
	  NULL,
	  "nft list ruleset; iptables-save -t raw; conntrack -S." },
	{ UW_EXPLAIN_STAGE, "reassembly",
	  "The datagram came in fragments and waits here for those that are missing.",
	  NULL,
	  "nstat -az IpReasmFails; ask for smaller answers (EDNS buffer size 1232)." },
	{ UW_EXPLAIN_STAGE, "nf_forward",
	  "Netfilter's forward hook: rules for packets that this host passes on.",
	  NULL,
	  "nft list ruleset; iptables-save." },
	{ UW_EXPLAIN_STAGE, "nf_input",
	  "Netfilter's input hook: rules for packets to this host.",
	  NULL,
	  "nft list ruleset; iptables-save." },
	{ UW_EXPLAIN_STAGE, "udp",
	  "The UDP layer: checksum, length and the search for a socket.",
	  NULL,
	  "nstat -az 'Udp*': InErrors, NoPorts, InCsumErrors (Udp6 for IPv6)." },
	{ UW_EXPLAIN_STAGE, "socket_filter",
	  "A filter of the receiving socket or a BPF program of its cgroup.",
	  NULL,
	  "bpftool cgroup tree; strace -f -e trace=setsockopt shows a filter that the program itself "
	  "attaches (SO_ATTACH_FILTER, SO_ATTACH_BPF)." },
	{ UW_EXPLAIN_STAGE, "socket_queue",
	  "The receive queue of the socket.",
	  NULL,
	  "ss -uam shows the queue and its limit (rb); net.core.rmem_max." },
	{ UW_EXPLAIN_STAGE, "read",
	  "The program read the datagram.",
	  NULL,
	  NULL },

	{ UW_EXPLAIN_GAP, "started_after_request",
	  "We began to watch after the request was sent, so its own way was not seen.",
	  NULL,
	  "Start udpwhy first, or wait for the next query." },
	{ UW_EXPLAIN_GAP, "records_lost",
	  "Records of ours were lost while this query was open, or the machine slept: the reply may have come "
	  "unseen.",
	  NULL,
	  "Narrow the filters (--server, --protocol); the end of the run says how many and "
	  "where." },
	{ UW_EXPLAIN_GAP, "table_full",
	  "Too many queries were open at once, and this one or its reply could not be followed.",
	  NULL,
	  "Narrow the filters (--server, --protocol, --scope)." },
	{ UW_EXPLAIN_GAP, "nic_drops_rose",
	  "A device of this host counted lost packets meanwhile, or the link by which the request left went "
	  "down: request or reply may have been lost there.",
	  NULL,
	  "ip -s -s link; ethtool -S DEVICE; larger rings (ethtool -G), fewer packets, or more receive "
	  "queues." },
	{ UW_EXPLAIN_GAP, "xdp_on_device",
	  "An XDP program sits on a device and may drop packets before our hooks see them.",
	  NULL,
	  "bpftool net; try once without the program." },
	{ UW_EXPLAIN_GAP, "namespace_not_traced",
	  "The packet went where we could not look: into a network namespace that is not watched, or by a "
	  "device whose counters could not be read both before and after it.",
	  "A --scope that leaves a namespace out; a namespace or device that came or went meanwhile.",
	  "Trace all namespaces, or add this one to --scope; with all in it, wait for the next query." },
	{ UW_EXPLAIN_GAP, "reply_unparsed",
	  "A reply came whose payload our hooks could not read, so it could not be matched to its query.",
	  NULL,
	  "A capture at the same time (tcpdump) shows whether the reply came." },
	{ UW_EXPLAIN_GAP, "encapsulated",
	  "The packet went into a tunnel of this host, and the outer packets do not clear it: the one that "
	  "carried it was not seen to leave, none came in meanwhile, or one came in and nothing came out "
	  "of the tunnel.",
	  "Nobody uses the tunnel just now; its far end is gone; a rule or a full buffer of this host "
	  "takes its outer packets; it is one whose packets cannot be followed (tun, OpenVPN, IPsec).",
	  "Trace or capture the outer packets on the device that carries the tunnel." },
	{ UW_EXPLAIN_GAP, "old_kernel",
	  "This kernel lacks hooks: some verdicts are weaker here, and the way of a reply may go unseen.",
	  NULL,
	  "udpwhy doctor says which, and which verdicts get weaker." },
	{ UW_EXPLAIN_GAP, "truncated_capture",
	  "The capture keeps too few bytes of each packet to match replies.",
	  NULL,
	  "Capture whole packets (tcpdump -s 0); NTP alone needs 110 bytes of each." },
};
/* clang-format on */

const unsigned uw_explain_word_count = sizeof(uw_explain_words) / sizeof(uw_explain_words[0]);
