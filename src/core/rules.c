/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The causes that udpwhy knows, as a table at the end of the file. No sentence holds a name that
 * came from the network or from a process: numbers, addresses and the kernel's own words only.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/address.h"
#include "core/rules.h"

#define NS_PER_S 1000000000ull

static const char *host(const struct uw_flow *f, char buf[UW_ADDR_TEXT])
{
	return uw_addr_text(&f->id.server, f->id.family, buf);
}

static const char *server(const struct uw_flow *f, char buf[UW_ENDPOINT_TEXT])
{
	return uw_endpoint_text(&f->id.server, f->id.family, f->id.server_port, buf);
}

static const char *protocol(const struct uw_flow *f)
{
	return f->id.protocol == UW_PROTO_NTP ? "NTP" : "DNS";
}

static const char *door(const struct uw_flow *f)
{
	if (f->id.probe)
		return f->id.fixed ? "fixed, probe" : "ephemeral, probe";
	return f->id.fixed ? "fixed" : "ephemeral";
}

static const char *copies(enum uw_dir dir, uint64_t n)
{
	if (dir == UW_REQUEST)
		return n == 1 ? "request" : "requests";
	return n == 1 ? "reply" : "replies";
}

/* --- rules on drops --- */

static bool by_engine(const struct uw_flow_drop *d, const char *engine)
{
	return strcmp(d->engine, engine) == 0;
}

/* What somebody set up to drop packets: not connection tracking, which drops what it cannot keep. */
static bool at_firewall(const struct uw_flow_drop *d)
{
	if (by_engine(d, "conntrack"))
		return false;
	switch (d->stage) {
	case UW_STAGE_NF_OUTPUT:
	case UW_STAGE_NF_POSTROUTING:
	case UW_STAGE_NF_EGRESS:
	case UW_STAGE_NF_INGRESS:
	case UW_STAGE_NF_PREROUTING:
	case UW_STAGE_NF_FORWARD:
	case UW_STAGE_NF_INPUT:
		return true;
	default:
		return by_engine(d, "nftables") || by_engine(d, "cgroup_bpf");
	}
}

/* A packet that has no entry yet is refused one; later only a lost race is left. */
static bool at_full_table(const struct uw_flow_drop *d)
{
	return by_engine(d, "conntrack") &&
	       (d->stage == UW_STAGE_NF_OUTPUT || d->stage == UW_STAGE_NF_PREROUTING);
}

static bool at_neighbour(const struct uw_flow_drop *d)
{
	return d->stage == UW_STAGE_NEIGHBOUR;
}

static bool at_full_buffer(const struct uw_flow_drop *d)
{
	return strcmp(d->reason, "SOCKET_RCVBUFF") == 0;
}

/* One line a flow: where it was dropped, of how many. */
static void tell_flows(const struct uw_case *c, struct uw_diagnosis *d)
{
	char at[UW_ENDPOINT_TEXT];
	unsigned i, k;

	for (i = 0; i < d->flows; i++) {
		const struct uw_flow *f = d->flow[i];
		uint64_t n = 0;

		for (k = 0; k < f->drops; k++)
			n += uw_drops_alike(&f->drop[k], c->drop) ? f->drop[k].count : 0;
		uw_evidence_add(&d->in_favour,
				"%s %s, client port %u (%s): %" PRIu64 " %s dropped, %" PRIu64
				" queries asked, %" PRIu64 " answered",
				protocol(f), server(f, at), f->client_port, door(f), n,
				copies(c->drop->dir, n), uw_flow_asked(f), uw_flow_answered(f));
	}
}

/* "udp source port 123, destination port 46758" */
static const char *ports(const struct uw_case *c, char *buf, size_t size)
{
	const struct uw_flow *f = c->lead;
	bool request = c->drop->dir == UW_REQUEST;

	/* Of a server's clients one port is as good as another. */
	if (f->id.role == UW_ROLE_SERVER)
		snprintf(buf, size, "udp %s port %u", request ? "destination" : "source", f->id.server_port);
	else
		snprintf(buf, size, "udp source port %u, destination port %u",
			 request ? f->client_port : f->id.server_port,
			 request ? f->id.server_port : f->client_port);
	return buf;
}

static const char *reason(const struct uw_flow_drop *d)
{
	return d->reason[0] ? d->reason : "not told by this kernel";
}

/* The rule itself, where its trace told it; "" if not. */
static const char *known_rule(const struct uw_flow_drop *d, char *buf, size_t size)
{
	buf[0] = '\0';
	if (d->rule[0] && d->by_rule == d->count)
		snprintf(buf, size, "%s", d->rule);
	else if (d->rule[0])
		snprintf(buf, size, "%s (%" PRIu64 " of %" PRIu64 "; the queries name the others)", d->rule,
			 d->by_rule, d->count);
	return buf;
}

static void firewall_advise(const struct uw_case *c, const char *hook, struct uw_diagnosis *d)
{
	const struct uw_flow_drop *drop = c->drop;
	char buf[64], rule[UW_FLOW_RULE + 64];

	if (known_rule(drop, rule, sizeof(rule))[0])
		snprintf(d->next_step, sizeof(d->next_step),
			 "In network namespace %u (lsns -t net lists them, nsenter -t PID -n enters one),"
			 " let %s pass before this rule of hook %s, or change it: %s",
			 drop->netns, ports(c, buf, sizeof(buf)), hook, rule);
	else if (by_engine(drop, "cgroup_bpf"))
		snprintf(d->next_step, sizeof(d->next_step),
			 "Find the BPF program on the process's cgroup or one above it: bpftool cgroup"
			 " tree. It mostly is its unit's IPAddressDeny: systemctl show UNIT -p"
			 " IPAddressDeny -p IPAddressAllow.");
	else
		snprintf(d->next_step, sizeof(d->next_step),
			 "In network namespace %u (lsns -t net lists them, nsenter -t PID -n enters"
			 " one), find the rule that drops %s in hook %s: %s.",
			 drop->netns, ports(c, buf, sizeof(buf)), hook,
			 by_engine(drop, "nftables") ?
				 "nft -a list ruleset" :
				 "iptables-save (ip6tables-save), nft -a list ruleset");
}

static void firewall_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_flow_drop *drop = c->drop;
	const char *hook = drop->hook[0] ? drop->hook : uw_stage_name(drop->stage);
	const char *engine = drop->engine[0] ? drop->engine : "netfilter";
	char buf[64];

	uw_say(d, "This host's own firewall (%s, hook %s) dropped %" PRIu64 " %s of %u %s.", engine,
	       hook, c->drops, copies(drop->dir, c->drops), c->hit, c->hit == 1 ? "flow" : "flows");
	uw_evidence_add(&d->in_favour, "hook %s, engine %s, reason %s: %" PRIu64 " %s dropped, %s",
			hook, engine, reason(drop), c->drops, copies(drop->dir, c->drops),
			ports(c, buf, sizeof(buf)));
	tell_flows(c, d);
	if (!drop->engine[0])
		uw_evidence_add(&d->open,
				"the place in the kernel does not tell legacy iptables from a full"
				" conntrack table: see conntrack -S (drop, early_drop)");
	firewall_advise(c, hook, d);
}

static void full_table_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_flow_drop *drop = c->drop;

	uw_say(d, "The connection tracking table was full: %" PRIu64 " %s dropped here.", c->drops,
	       copies(drop->dir, c->drops));
	uw_evidence_add(&d->in_favour,
			"hook %s, reason %s: %" PRIu64 " %s dropped before they had an entry, while"
			" conntrack's own counter of drops rose and no failed insert explains it",
			drop->hook, reason(drop), c->drops, copies(drop->dir, c->drops));
	tell_flows(c, d);
	snprintf(d->next_step, sizeof(d->next_step),
		 "In network namespace %u: conntrack -C against sysctl net.netfilter.nf_conntrack_max;"
		 " conntrack -S (drop, early_drop). Raise the limit, shorten nf_conntrack_udp_timeout,"
		 " or exempt NTP and DNS (notrack).",
		 drop->netns);
}

static void neighbour_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_flow *f = c->lead;
	char to[UW_ADDR_TEXT];

	host(f, to);
	uw_say(d,
	       "The next hop's link-layer address could not be resolved: %" PRIu64
	       " %s dropped here.",
	       c->drops, copies(c->drop->dir, c->drops));
	uw_evidence_add(&d->in_favour,
			"stage neighbour, reason %s: %" PRIu64 " %s dropped before the wire",
			reason(c->drop), c->drops, copies(c->drop->dir, c->drops));
	tell_flows(c, d);
	snprintf(d->next_step, sizeof(d->next_step),
		 "In network namespace %u: ip route get %s names the next hop, ip neigh show its"
		 " state (FAILED or INCOMPLETE); then check that hop, the cable, the VLAN and the"
		 " netmask.",
		 c->drop->netns, to);
}

static void buffer_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_flow_drop *drop = c->drop;
	const struct uw_flow *f = c->lead;
	uint16_t port = drop->dir == UW_REQUEST ? f->id.server_port : f->client_port;

	uw_say(d,
	       "The receive buffer of the socket on port %u was full: %" PRIu64 " %s dropped here.",
	       port, c->drops, copies(drop->dir, c->drops));
	if (drop->rcvbuf)
		uw_evidence_add(&d->in_favour,
				"reason SOCKET_RCVBUFF: %" PRIu64
				" dropped; buffer %u bytes, %u in use",
				c->drops, drop->rcvbuf, drop->rmem);
	else
		uw_evidence_add(&d->in_favour, "reason SOCKET_RCVBUFF: %" PRIu64 " dropped",
				c->drops);
	tell_flows(c, d);
	snprintf(d->next_step, sizeof(d->next_step),
		 "See the process and its buffer with: ss -uanpm 'sport = :%u'. Let it read"
		 " faster, or give it a larger SO_RCVBUF (sysctl net.core.rmem_default,"
		 " net.core.rmem_max).",
		 port);
}

/* --- no-route --- */

static bool dropped_at_neighbour(const struct uw_flow *f)
{
	unsigned i;

	for (i = 0; i < f->drops; i++) {
		if (at_neighbour(&f->drop[i]))
			return true;
	}
	return false;
}

/*
 * What a routing table answers with: no route, unreachable, prohibit, blackhole. EHOSTUNREACH is
 * also how a connected socket is told of an earlier ICMP error or failed neighbour, EACCES the
 * answer to a broadcast that was not asked for: then the route is not to blame.
 */
static bool routing_errno(const struct uw_flow *f, int err)
{
	static const uint8_t everyone[4] = {255, 255, 255, 255};

	switch (err) {
	case ENETUNREACH:
	case EINVAL:
		return true;
	case EHOSTUNREACH:
		return !f->count[UW_REJECTED] && !dropped_at_neighbour(f);
	case EACCES:
		return f->id.family != 4 || memcmp(f->id.server.b, everyone, 4) != 0;
	default:
		return false;
	}
}

/* A server's way back leads to its clients, whom the flow does not name: its own errno has to do. */
static bool unroutable(const struct uw_flow *f)
{
	unsigned i;

	if (f->id.role == UW_ROLE_SERVER)
		return false;
	for (i = 0; i < f->send_errors; i++) {
		if (routing_errno(f, f->send_error[i].err))
			return true;
	}
	return false;
}

static bool same_netns(const struct uw_flow *a, const struct uw_flow *b)
{
	return a->id.netns == b->id.netns;
}

static const char *route_of_errno(int err)
{
	switch (err) {
	case ENETUNREACH:
		return "no route";
	case EHOSTUNREACH:
		return "an unreachable route";
	case EACCES:
		return "a prohibit route or rule";
	default:
		return "a blackhole route";
	}
}

static void route_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	char at[UW_ENDPOINT_TEXT], to[UW_ADDR_TEXT];
	unsigned i, k;

	for (i = 0; i < d->flows; i++) {
		const struct uw_flow *f = d->flow[i];

		for (k = 0; k < f->send_errors; k++) {
			const struct uw_flow_errno *e = &f->send_error[k];
			const char *name = uw_errno_name(e->err);

			if (routing_errno(f, e->err))
				uw_evidence_add(&d->in_favour,
						"%s %s: %" PRIu64 " sends failed with %s (%s)",
						protocol(f), server(f, at), e->count,
						name ? name : "an errno", route_of_errno(e->err));
		}
	}
	host(c->lead, to);
	uw_say(d, "The kernel refused to send: its routing table has no usable route to %s%s.", to,
	       c->hit > 1 ? " and others" : "");
	snprintf(d->next_step, sizeof(d->next_step),
		 "In network namespace %u: ip route get %s, then ip %sroute show table all and"
		 " ip %srule.",
		 c->lead->id.netns, to, c->lead->id.family == 4 ? "" : "-6 ",
		 c->lead->id.family == 4 ? "" : "-6 ");
}

/* --- no-service --- */

static bool unreachable_port(const struct uw_flow *f)
{
	return f->port_unreachable != 0;
}

/*
 * A service that answers other queries at the same time is there: then a REJECT rule sends the
 * ICMP errors. One that answered again since is back.
 */
static bool service_holds(const struct uw_case *c, enum uw_confidence *confidence)
{
	const struct uw_flow *f = c->lead;
	unsigned i;

	for (i = 0; i < c->count; i++) {
		const struct uw_flow *g = c->flows[i];
		uint64_t since = g == f ? f->last_bad_ns : f->first_ns;

		if (uw_flows_related(f, g) && g->last_good_ns > since)
			return false;
	}
	*confidence = UW_LIKELY;
	return true;
}

static void service_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_flow *f = c->lead;
	char at[UW_ENDPOINT_TEXT], to[UW_ADDR_TEXT];
	uint64_t answered = 0;
	unsigned i;

	uw_say(d, "Nothing listens on %s (udp): the server itself says so by ICMP.", server(f, at));
	for (i = 0; i < d->flows; i++) {
		answered += uw_flow_answered(d->flow[i]);
		uw_evidence_add(&d->in_favour,
				"%" PRIu64 " of %" PRIu64 " queries from %s ports rejected by port"
				" unreachable from the server's own address",
				d->flow[i]->port_unreachable, uw_flow_asked(d->flow[i]),
				door(d->flow[i]));
	}
	if (answered)
		uw_evidence_add(&d->against, "%" PRIu64 " earlier queries were answered", answered);
	uw_evidence_add(&d->open, "a REJECT rule on the server sends the same message");
	snprintf(d->next_step, sizeof(d->next_step),
		 "On %s: ss -uln 'sport = :%u' must show a socket; if not, start the %s service.",
		 host(f, to), f->id.server_port, protocol(f));
}

/* --- server-rate-limiting --- */

static bool told_to_slow_down(const struct uw_flow *f)
{
	return f->kod_rate != 0;
}

static bool rate_holds(const struct uw_case *c, enum uw_confidence *confidence)
{
	(void)c;
	*confidence = UW_LIKELY;
	return true;
}

static void rate_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	char at[UW_ENDPOINT_TEXT];
	unsigned i;

	uw_say(d, "%s limits this client's rate: it says so with kiss-o'-death RATE.",
	       server(c->lead, at));
	for (i = 0; i < d->flows; i++) {
		const struct uw_flow *f = d->flow[i];
		uint64_t last = f->last_good_ns > f->last_bad_ns ? f->last_good_ns : f->last_bad_ns;
		uint64_t asked = uw_flow_asked(f);

		uw_evidence_add(&d->in_favour,
				"%" PRIu64 " of %" PRIu64
				" queries from %s ports refused with RATE",
				f->kod_rate, asked, door(f));
		if (asked > 1 && f->first_ns && last > f->first_ns)
			uw_evidence_add(&d->in_favour, "asked every %.1f s on average",
					(double)(last - f->first_ns) / NS_PER_S /
						(double)(asked - 1));
		if (f->count[UW_NO_REPLY])
			uw_evidence_add(&d->open,
					"%" PRIu64
					" queries without reply may be limited as well: most"
					" servers do it in silence",
					f->count[UW_NO_REPLY]);
	}
}

const struct uw_rule uw_rules[] = {
	{
		.id = "local-firewall",
		.drop = at_firewall,
		.tell = firewall_tell,
	},
	{
		.id = "conntrack-full",
		.drop = at_full_table,
		.tell = full_table_tell,
	},
	{
		.id = "no-route",
		.flow = unroutable,
		.together = same_netns,
		.tell = route_tell,
	},
	{
		.id = "neighbour-unresolved",
		.drop = at_neighbour,
		.tell = neighbour_tell,
	},
	{
		.id = "socket-buffer-overflow",
		.drop = at_full_buffer,
		.tell = buffer_tell,
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
			"nstat -az UdpInCsumErrors counts them. ethtool -K DEVICE rx off for a test; look for the device on the way that damages them.",
	},
	{
		.id = "app-not-reading",
		.flow = uw_unread_flow,
		.tell = uw_unread_tell,
		.next_step =
			"Look at the program: its CPU time, its threads, what it waits for (strace -f -p PID); ss -uanpm shows its queue.",
	},
	{
		.id = "reply-after-timeout",
		.flow = uw_late_flow,
		.tell = uw_late_tell,
		.next_step =
			"A longer timeout in the program, or a nearer or less busy server.",
	},
	{
		.id = "wrong-source-reply",
		.flow = uw_elsewhere_flow,
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
		.flow = unreachable_port,
		.holds = service_holds,
		.tell = service_tell,
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
		.id = "server-rate-limiting",
		.flow = told_to_slow_down,
		.holds = rate_holds,
		.tell = rate_tell,
		.next_step =
			"Ask less often (ntpd, chrony: a larger minpoll), use one daemon per site"
			" instead of one per machine, or ask the server's operator for a higher"
			" limit. Behind NAT all clients share one limit.",
	},
};

const unsigned uw_rule_count = sizeof(uw_rules) / sizeof(uw_rules[0]);
