/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ephemeral-replies-filtered: one server, asked from fixed and from ephemeral ports; what becomes
 * of the replies tells a filter on the way from a dead server.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/address.h"
#include "core/rules.h"

#define NS_PER_S 1000000000ull
#define SAME_MOMENT_NS (60 * NS_PER_S)

/* Flows that are judged from what their server does: its end is not ours. */
bool uw_ephemeral_flow(const struct uw_flow *f)
{
	return f->id.role == UW_ROLE_CLIENT || f->id.role == UW_ROLE_FORWARDER;
}

/* What the queries of one port class became. */
struct door_sum {
	uint64_t asked;
	uint64_t came; /* a reply reached this host, whatever became of it then */
	uint64_t silent; /* on the wire, and nothing came */
	uint64_t complete; /* ... with complete evidence */
	uint64_t rejected, dropped;
	uint64_t first_ns, last_good_ns, last_bad_ns;
	uint16_t port;
	uint64_t median_us;
	bool captured;
	const char *host;	/* what to call it */
};

static uint64_t replies_came(const struct uw_flow *f)
{
	const uint64_t *n = f->count;

	return uw_flow_answered(f) + n[UW_ANSWERED_LATE] + n[UW_REFUSED] + n[UW_MISDIRECTED] +
	       n[UW_REPLY_DROPPED] + n[UW_REPLY_HELD] + n[UW_REPLY_UNREAD];
}

static void sum_door(struct door_sum *s, const struct uw_flow *f)
{
	const uint64_t *n = f->count;
	unsigned i;

	s->asked += uw_flow_asked(f);
	s->captured |= f->captured;
	s->came += replies_came(f);
	s->silent += n[UW_NO_REPLY] + n[UW_REJECTED] + n[UW_UNKNOWN];
	s->complete += f->bad_complete;
	s->rejected += n[UW_REJECTED];
	s->dropped += n[UW_REQUEST_DROPPED] + n[UW_REQUEST_HELD] + n[UW_REPLY_DROPPED] +
		      n[UW_REPLY_HELD] + f->drops_unlisted;
	for (i = 0; i < f->drops; i++)
		s->dropped += f->drop[i].count;
	if (f->first_ns && (!s->first_ns || f->first_ns < s->first_ns))
		s->first_ns = f->first_ns;
	if (f->last_good_ns >= s->last_good_ns) {
		s->last_good_ns = f->last_good_ns;
		s->median_us = uw_flow_quantile_us(f, 0.5);
		s->port = f->client_port;
	}
	if (f->last_bad_ns > s->last_bad_ns)
		s->last_bad_ns = f->last_bad_ns;
}

/* A capture, and records of several hosts, are of others as well. */
static const char *asking_host(const struct uw_flow *f)
{
	return f->captured || f->host ? "the asking host" : "this host";
}

static void sum_doors(const struct uw_case *c, struct door_sum *ephemeral, struct door_sum *fixed)
{
	unsigned i;

	memset(ephemeral, 0, sizeof(*ephemeral));
	memset(fixed, 0, sizeof(*fixed));
	for (i = 0; i < c->count; i++) {
		const struct uw_flow *f = c->flows[i];

		if (uw_flows_related(c->lead, f))
			sum_door(f->id.fixed ? fixed : ephemeral, f);
	}
	ephemeral->host = asking_host(c->lead);
}

/* The server died in between: since its last good answer nothing came to a fixed port either. */
static bool died_since(const struct door_sum *ephemeral, const struct door_sum *fixed)
{
	return fixed->last_bad_ns > fixed->last_good_ns &&
	       ephemeral->first_ns > fixed->last_good_ns;
}

bool uw_ephemeral_holds(const struct uw_case *c, enum uw_confidence *confidence)
{
	struct door_sum ephemeral, fixed;

	sum_doors(c, &ephemeral, &fixed);
	if (ephemeral.complete < 2 || ephemeral.came || ephemeral.dropped)
		return false;
	if (!fixed.came && fixed.silent)
		return false;
	if (fixed.came && died_since(&ephemeral, &fixed))
		return false;
	*confidence = fixed.came ? UW_LIKELY : UW_POSSIBLE;
	return true;
}

static uint64_t time_apart(const struct door_sum *e, const struct door_sum *f)
{
	return f->last_good_ns > e->last_bad_ns ? f->last_good_ns - e->last_bad_ns : e->last_bad_ns - f->last_good_ns;
}

static bool at_the_same_time(const struct door_sum *e, const struct door_sum *f)
{
	return f->last_good_ns && e->last_bad_ns && time_apart(e, f) <= SAME_MOMENT_NS;
}

/* "port 123", the one that was answered last. */
static const char *fixed_ports(const struct door_sum *f, char buf[24])
{
	if (!f->port)
		return "fixed ports";
	snprintf(buf, 24, "port %u", f->port);
	return buf;
}

static void fixed_for(const struct door_sum *e, const struct door_sum *f, struct uw_diagnosis *d)
{
	uw_evidence_add(&d->in_favour,
			"fixed ports: %" PRIu64 " asked, %" PRIu64
			" answered by the same server (last port %u, median %.1f ms)",
			f->asked, f->came, f->port, (double)f->median_us / 1000);
	if (f->last_good_ns && e->last_bad_ns)
		uw_evidence_add(&d->in_favour,
				"the last answered fixed-port query and the last unanswered"
				" ephemeral one were sent %.1f s apart",
				(double)time_apart(e, f) / NS_PER_S);
}

static void ephemeral_for(const struct door_sum *e, const struct door_sum *f,
			  struct uw_diagnosis *d)
{
	uw_evidence_add(&d->in_favour,
			"ephemeral ports: %" PRIu64 " asked, 0 answered, %" PRIu64
			" of them %s%s with complete evidence and drew no reply"
			" (last port %u)",
			e->asked, e->complete, e->captured ? "are in the capture" : "left ", e->captured ? "" : e->host, e->port);
	if (f->came)
		fixed_for(e, f, d);
	if (e->captured)
		uw_evidence_add(&d->open, "of %" PRIu64 " queries from ephemeral ports a capture does not tell whether"
				" the asking host dropped replies behind the point of capture", e->asked);
	else
		uw_evidence_add(&d->in_favour, "dropped on %s: 0 of %" PRIu64
				" queries from ephemeral ports", e->host, e->asked);
}

static void ephemeral_advise(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_host_facts *h = c->host;
	const struct uw_flow_id *id = &c->lead->id;
	char to[UW_ADDR_TEXT], where[64] = "above 1023", first[208] = "In that filter";

	uw_addr_text(&id->server, id->family, to);
	if (h && h->ephemeral_low && h->ephemeral_high)
		snprintf(where, sizeof(where), "%u-%u (%s's ip_local_port_range)",
			 h->ephemeral_low, h->ephemeral_high, asking_host(c->lead));
	if (d->confidence == UW_POSSIBLE)
		snprintf(first, sizeof(first),
			 "First ask from a fixed port too: udpwhy probe %s %s. If that is"
			 " answered, look for such a filter (network ACL, router's access list): in it",
			 uw_proto_name(id->protocol), to);
	snprintf(d->next_step, sizeof(d->next_step),
		 "%s, allow inbound udp, source port %u, destination ports %s.",
		 first, id->server_port, where);
}

void uw_ephemeral_tell(const struct uw_case *c, struct uw_diagnosis *d)
{
	const struct uw_flow_id *id = &c->lead->id;
	struct door_sum ephemeral, fixed;
	char at[UW_ENDPOINT_TEXT], name[24];

	sum_doors(c, &ephemeral, &fixed);
	uw_endpoint_text(&id->server, id->family, id->server_port, at);
	if (d->confidence == UW_LIKELY)
		uw_say(d, "Replies to %s come in, replies to ephemeral ports do not,%s from the same server"
		       " (%s). A stateless filter does that: a network ACL, a router's access list.%s",
		       fixed_ports(&fixed, name), at_the_same_time(&ephemeral, &fixed) ? " at the same moment," : "", at,
		       id->protocol == UW_PROTO_NTP && fixed.port == 123 ? " ntpd works because it uses 123 both ways." : "");
	else
		uw_say(d,
		       "No reply of %s to an ephemeral port came in. A stateless filter on the"
		       " way would do that; so would a dead server, and nothing was asked from a"
		       " fixed port to tell.",
		       at);
	ephemeral_for(&ephemeral, &fixed, d);
	if (fixed.silent)
		uw_evidence_add(&d->against,
				"fixed ports: %" PRIu64 " of %" PRIu64
				" asked drew no reply either",
				fixed.silent, fixed.asked);
	if (ephemeral.rejected)
		uw_evidence_add(&d->against,
				"ephemeral ports: %" PRIu64 " of %" PRIu64
				" were rejected by ICMP: the request itself did not get through",
				ephemeral.rejected, ephemeral.asked);
	if (!fixed.came)
		uw_evidence_add(&d->open,
				"0 queries from a fixed port (below 1024) reached the wire:"
				" a dead server would look the same");
	if (ephemeral.silent > ephemeral.complete + ephemeral.rejected)
		uw_evidence_add(&d->open,
				"queries with gaps in their evidence, not counted: %" PRIu64,
				ephemeral.silent - ephemeral.complete - ephemeral.rejected);
	ephemeral_advise(c, d);
}
