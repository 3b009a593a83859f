// SPDX-License-Identifier: GPL-2.0-only
/* Causes on this host that the kernel itself shows: packets freed here, and sends refused. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/address.h"
#include "core/rules.h"

#define PORTS_MAX 96 /* bytes of ports() */

static const char *copies(enum uw_dir dir, uint64_t n)
{
	if (dir == UW_REQUEST)
		return n == 1 ? "request" : "requests";
	return n == 1 ? "reply" : "replies";
}

static bool by_engine(const struct uw_flow_drop *d, const char *engine)
{
	return strcmp(d->engine, engine) == 0;
}

/* What somebody set up to drop packets: not connection tracking, which drops what it cannot keep. */
bool uw_firewall_drop(const struct uw_flow_drop *d)
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
bool uw_full_table_drop(const struct uw_flow_drop *d)
{
	return by_engine(d, "conntrack") &&
	       (d->stage == UW_STAGE_NF_OUTPUT || d->stage == UW_STAGE_NF_PREROUTING);
}

bool uw_neighbour_drop(const struct uw_flow_drop *d)
{
	return d->stage == UW_STAGE_NEIGHBOUR;
}

bool uw_full_buffer_drop(const struct uw_flow_drop *d)
{
	return strcmp(d->reason, "SOCKET_RCVBUFF") == 0;
}

/* The port that the last dropped query was asked from: the flow's last may have been answered since. */
static uint16_t dropped_port(const struct uw_flow *f, const struct uw_flow_drop *d)
{
	return d->client_port ? d->client_port : f->client_port;
}

/* One line a flow: where it was dropped, of how many. */
static void tell_flows(const struct uw_case *c, struct uw_diagnosis *d)
{
	char at[UW_ENDPOINT_TEXT];
	unsigned i, k;

	for (i = 0; i < d->flows; i++) {
		const struct uw_flow *f = d->flow[i];
		uint16_t port = 0;
		uint64_t n = 0;

		for (k = 0; k < f->drops; k++) {
			if (!uw_drops_alike(&f->drop[k], c->drop))
				continue;
			n += f->drop[k].count;
			port = dropped_port(f, &f->drop[k]);
		}
		uw_evidence_add(&d->in_favour,
				"%s %s, %s client port %u%s: %" PRIu64 " %s dropped, %" PRIu64
				" %s asked, %" PRIu64 " answered",
				uw_rule_protocol(f), uw_rule_server(f, at), uw_rule_door(f), port,
				n > 1 && !f->id.fixed ? " or another" : "", n,
				copies(c->drop->dir, n), uw_flow_asked(f), uw_queries(uw_flow_asked(f)),
				uw_flow_answered(f));
	}
}

/* "udp source port 123, destination port 46758 or another ephemeral one" */
static const char *ports(const struct uw_case *c, char *buf, size_t size)
{
	const struct uw_flow *f = c->lead;
	bool request = c->drop->dir == UW_REQUEST;
	uint16_t port = dropped_port(f, c->drop);
	const char *or_another = c->drops > 1 && !f->id.fixed ? " or another ephemeral one" : "";

	/* Of a server's clients one port is as good as another. */
	if (f->id.role == UW_ROLE_SERVER)
		snprintf(buf, size, "udp %s port %u", request ? "destination" : "source", f->id.server_port);
	else if (request)
		snprintf(buf, size, "udp destination port %u, source port %u%s", f->id.server_port, port, or_another);
	else
		snprintf(buf, size, "udp source port %u, destination port %u%s", f->id.server_port, port, or_another);
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
	char buf[PORTS_MAX], rule[UW_FLOW_RULE + 64];

	if (known_rule(drop, rule, sizeof(rule))[0])
		uw_advise(d, c, drop->netns, "let %s pass before this rule of hook %s, or change it: %s",
			  ports(c, buf, sizeof(buf)), hook, rule);
	else if (by_engine(drop, "cgroup_bpf"))
		snprintf(d->next_step, sizeof(d->next_step),
			 "Find the BPF program on the process's cgroup or one above it: bpftool cgroup"
			 " tree. It mostly is its unit's IPAddressDeny: systemctl show UNIT -p"
			 " IPAddressDeny -p IPAddressAllow.");
	else
		uw_advise(d, c, drop->netns, "find the rule that drops %s in hook %s: %s.",
			  ports(c, buf, sizeof(buf)), hook,
			  by_engine(drop, "nftables") ? "nft -a list ruleset" :
							"iptables-save (ip6tables-save), nft -a list ruleset");
}

void uw_firewall_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_flow_drop *drop = c->drop;
	const char *stage = uw_stage_name(drop->stage);
	const char *hook = drop->hook[0] ? drop->hook : strncmp(stage, "nf_", 3) ? stage : stage + 3;
	const char *engine = drop->engine[0] ? drop->engine : "netfilter";
	char buf[PORTS_MAX];

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

void uw_full_table_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_flow_drop *drop = c->drop;

	uw_say(d, "The connection tracking table was full: %" PRIu64 " %s dropped here.", c->drops,
	       copies(drop->dir, c->drops));
	uw_evidence_add(&d->in_favour,
			"hook %s, reason %s: %" PRIu64 " %s dropped before they had an entry, while"
			" conntrack's own counter of drops rose and no failed insert explains it",
			drop->hook, reason(drop), c->drops, copies(drop->dir, c->drops));
	tell_flows(c, d);
	uw_advise(d, c, drop->netns,
		  "compare conntrack -C with sysctl net.netfilter.nf_conntrack_max, and see conntrack -S (drop,"
		  " early_drop). Raise the limit, shorten nf_conntrack_udp_timeout, or exempt NTP and DNS (notrack).");
}

void uw_neighbour_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_flow *f = c->lead;
	char to[UW_ADDR_TEXT];

	uw_rule_host(f, to);
	uw_say(d,
	       "The next hop does not answer the question for its MAC address: %" PRIu64
	       " %s dropped here.",
	       c->drops, copies(c->drop->dir, c->drops));
	uw_evidence_add(&d->in_favour,
			"stage neighbour, reason %s: %" PRIu64 " %s dropped before the wire",
			reason(c->drop), c->drops, copies(c->drop->dir, c->drops));
	tell_flows(c, d);
	uw_advise(d, c, c->drop->netns,
		  "run ip route get %s, which names the next hop, and ip neigh show for its state (FAILED or"
		  " INCOMPLETE); then check that hop, the cable, the VLAN and the netmask.", to);
}

void uw_full_buffer_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_flow_drop *drop = c->drop;
	const struct uw_flow *f = c->lead;
	uint16_t port = drop->dir == UW_REQUEST ? f->id.server_port : dropped_port(f, drop);

	uw_say(d,
	       "The receive buffer of the socket on port %u was full: %" PRIu64 " %s dropped here.",
	       port, c->drops, copies(drop->dir, c->drops));
	if (drop->rcvbuf)
		uw_evidence_add(&d->in_favour,
				"reason SOCKET_RCVBUFF: %" PRIu64
				" dropped; receive buffer of %u bytes, %u bytes in use",
				c->drops, drop->rcvbuf, drop->rmem);
	else
		uw_evidence_add(&d->in_favour, "reason SOCKET_RCVBUFF: %" PRIu64 " dropped",
				c->drops);
	tell_flows(c, d);
	uw_advise(d, c, drop->netns,
		  "see the process and its buffer with ss -uanpm 'sport = :%u'. Let it read faster, or give it a"
		  " larger SO_RCVBUF (sysctl net.core.rmem_default, net.core.rmem_max).", port);
}

/* --- no-route --- */

/*
 * What a routing table answers with: no route, unreachable, prohibit, blackhole. The same errnos tell a
 * connected socket of an earlier ICMP error, forbid a broadcast, or are a security module's.
 */
static bool routing_errno(const struct uw_flow_errno *e)
{
	return e->routed && (e->err == ENETUNREACH || e->err == EINVAL || e->err == EHOSTUNREACH || e->err == EACCES);
}

/* A server's way back leads to its clients, whom the flow does not name: its own errno has to do. */
bool uw_no_route_flow(const struct uw_flow *f)
{
	unsigned i;

	if (f->id.role == UW_ROLE_SERVER)
		return false;
	for (i = 0; i < f->send_errors; i++) {
		if (routing_errno(&f->send_error[i]))
			return true;
	}
	return false;
}

bool uw_same_netns(const struct uw_flow *a, const struct uw_flow *b)
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

void uw_no_route_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	char at[UW_ENDPOINT_TEXT], to[UW_ADDR_TEXT];
	unsigned i, k;

	for (i = 0; i < d->flows; i++) {
		const struct uw_flow *f = d->flow[i];

		for (k = 0; k < f->send_errors; k++) {
			const struct uw_flow_errno *e = &f->send_error[k];
			const char *name = uw_errno_name(e->err);

			if (routing_errno(e))
				uw_evidence_add(&d->in_favour,
						"%s %s: sends that failed with %s (%s): %" PRIu64,
						uw_rule_protocol(f), uw_rule_server(f, at),
						name ? name : "an errno", route_of_errno(e->err), e->routed);
		}
	}
	uw_rule_host(c->lead, to);
	uw_say(d, "The kernel refused to send: its routing table has no usable route to %s%s.", to,
	       c->hit > 1 ? " and others" : "");
	uw_advise(d, c, c->lead->id.netns, "run ip route get %s, then ip %sroute show table all and ip %srule.", to,
		  c->lead->id.family == 4 ? "" : "-6 ", c->lead->id.family == 4 ? "" : "-6 ");
}
