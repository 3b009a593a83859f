/* SPDX-License-Identifier: GPL-2.0-only */
/* The query record, and what it shares with the others. */
#include <string.h>

#include "core/address.h"
#include "core/text_safe.h"
#include "sink/json_parts.h"

#define DNS_TRUNCATED (1u << 9) /* TC, RFC 1035 4.1.1 */

void uw_json_wall(struct uw_json *j, const char *key, int64_t wall_ns)
{
	char buf[36];

	uw_clock_rfc3339(wall_ns, buf, sizeof(buf));
	uw_json_string(j, key, buf);
}

void uw_json_time(struct uw_json *j, const struct uw_clock *clock, const char *key,
		  uint64_t boot_ns)
{
	if (boot_ns)
		uw_json_wall(j, key, uw_clock_wall(clock, boot_ns));
}

void uw_json_address(struct uw_json *j, const char *key, const struct uw_addr *a, unsigned family)
{
	char buf[UW_ADDR_TEXT];

	if (uw_addr_known(a))
		uw_json_string(j, key, uw_addr_text(a, family, buf));
}

void uw_json_gaps(struct uw_json *j, const char *key, uint32_t gaps)
{
	uw_json_array(j, key);
	for (unsigned g = 0; g < UW_GAPS; g++)
		if (gaps & UW_GAP_BIT(g))
			uw_json_string(j, NULL, uw_gap_name(g));
	uw_json_close(j);
}

void uw_json_protocol(struct uw_json *j, unsigned protocol, unsigned family)
{
	uw_json_string(j, "network.protocol.name", uw_proto_name(protocol));
	uw_json_string(j, "network.type", family == 6 ? "ipv6" : "ipv4");
}

/* The first send; for a reply whose request was never seen, the first thing known of it. */
static uint64_t origin_ns(const struct uw_query *q)
{
	const uint64_t known[] = {
		q->wire_out_ns,
		q->wire_in_ns,
		q->drop[UW_REQUEST].when_ns,
		q->drop[UW_REPLY].when_ns,
	};
	uint64_t first = 0;

	if (q->send_ns)
		return q->send_ns;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i] && (!first || known[i] < first))
			first = known[i];
	/* Its judge's clock was read before what he judged came. */
	return first ? first : q->judged_ns;
}

static void put_ends(struct uw_json *j, const struct uw_query *q)
{
	const struct uw_query_key *k = &q->key;

	uw_json_address(j, "client.address", &k->client, k->family);
	if (k->client_port) {
		uw_json_uint(j, "client.port", k->client_port);
		uw_json_string(j, "client.port_class",
			       uw_port_fixed(k->client_port, k->server_port) ? "fixed" :
									       "ephemeral");
	}
	uw_json_address(j, "server.address", &k->server, k->family);
	uw_json_uint(j, "server.port", k->server_port);
	uw_json_uint(j, "attempts", q->attempts);
	uw_json_uint(j, "attempts.on_wire", q->on_wire);
	if (q->dropped)
		uw_json_uint(j, "attempts.dropped", q->dropped);
}

/* One of these sent it: that much is known, and no more is said. */
static void put_holders(struct uw_json *j, const struct uw_query *q)
{
	if (!q->holders)
		return;
	uw_json_array(j, "socket.holders");
	for (unsigned i = 0; i < q->holders && i < UW_HOLDERS; i++) {
		uw_json_object(j, NULL);
		uw_json_bytes(j, "process.executable.name", q->holder[i].executable, UW_EXE);
		uw_json_uint(j, "process.pid", q->holder[i].pid);
		uw_json_close(j);
	}
	uw_json_close(j);
}

static void put_process(struct uw_json *j, const struct uw_query *q)
{
	if (q->netns)
		uw_json_uint(j, "netns", q->netns);
	uw_json_text(j, "netns.name", q->netns_name);
	if (q->flags & UW_Q_NO_OWNER) {
		put_holders(j, q);
		return;
	}
	if (q->task.pid) {
		uw_json_uint(j, "process.pid", q->task.pid);
		uw_json_uint(j, "user.id", q->task.uid);
	}
	if (q->executable[0])
		uw_json_string(j, "process.executable.name", q->executable);
	else if (q->task.comm[0])
		uw_json_bytes(j, "process.executable.name", q->task.comm, sizeof(q->task.comm));
	uw_json_text(j, "cgroup", q->cgroup);
}

static void put_transaction(struct uw_json *j, const struct uw_query *q)
{
	unsigned char b[8];

	/* A send that made no packet has none; DNS id 0 is an id like any other. */
	if (q->verdict == UW_SEND_FAILED && !q->key.transaction)
		return;
	if (q->key.protocol == UW_PROTO_DNS) {
		uw_json_format(j, "transaction.id", "%04x", (unsigned)q->key.transaction & 0xffff);
		return;
	}
	memcpy(b, &q->key.transaction, sizeof(b));
	uw_json_format(j, "transaction.id", "%02x%02x%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
		       b[3], b[4], b[5], b[6], b[7]);
}

static void put_dns(struct uw_json *j, const struct uw_query *q)
{
	char name[UW_DNS_NAME_MAX], type[16];
	uint16_t qtype;

	if (q->question_len &&
	    uw_dns_question_text(q->question, q->question_len, name, sizeof(name), &qtype) == 0) {
		uw_json_string(j, "dns.question.name", name);
		uw_json_string(j, "dns.question.type", uw_qtype_name(qtype, type, sizeof(type)));
	}
	if (!q->answer.when_ns)
		return;
	uw_json_string(j, "dns.response_code", uw_rcode_name(q->answer.flags));
	uw_json_bool(j, "dns.truncated", q->answer.flags & DNS_TRUNCATED);
	uw_json_text(j, "dns.tcp_retry", uw_tcp_name(q->tcp_retry));
}

static void put_ntp(struct uw_json *j, const struct uw_query *q)
{
	char kod[4];

	if (!q->answer.when_ns)
		return;
	uw_json_uint(j, "ntp.stratum", q->answer.stratum);
	if (q->answer.unsynchronised)
		uw_json_bool(j, "ntp.unsynchronised", true);
	if (!q->answer.kod)
		return;
	memcpy(kod, &q->answer.refid, sizeof(kod));
	uw_json_bytes(j, "ntp.kod", kod, sizeof(kod));
}

static void put_counters(struct uw_json *j, const struct uw_acquittal *a)
{
	if (!a->counters)
		return;
	uw_json_array(j, "counters");
	for (unsigned i = 0; i < a->counters && i < UW_COUNTERS_MAX; i++) {
		const struct uw_counter_fact *c = &a->counter[i];

		uw_json_format(j, NULL, "%.*s%s%.*s +%llu", UW_IFNAME, c->ifname,
			       c->ifname[0] ? " " : "", (int)sizeof(c->name), c->name,
			       (unsigned long long)c->rose);
	}
	uw_json_close(j);
}

static void put_evidence(struct uw_json *j, const struct uw_query *q)
{
	const struct uw_acquittal *a = &q->acquittal;

	if (uw_query_is_bad(q) || q->fault != UW_FAULT_NONE)
		uw_json_bool(j, "evidence.complete", !q->gaps);
	if (q->gaps)
		uw_json_gaps(j, "evidence.gaps", q->gaps);
	if (q->verdict == UW_NO_REPLY && a->looked) {
		uw_json_uint(j, "evidence.drops_here", a->drops_here);
		uw_json_uint(j, "evidence.icmp_errors", a->icmp_errors);
		uw_json_uint(j, "evidence.nic_drops", a->nic_drops);
		uw_json_uint(j, "evidence.tx_errors", a->tx_errors);
		uw_json_bool(j, "evidence.xdp", a->xdp);
		uw_json_uint(j, "evidence.tracer_losses", a->tracer_losses);
	}
	put_counters(j, a);
}

/* The drop that decided, or else any that was seen: a rejected query keeps its drop facts too. */
static const struct uw_drop_fact *drop_of(const struct uw_query *q)
{
	if (q->decisive_drop)
		return q->decisive_drop;
	for (unsigned dir = 0; dir < UW_DIRS; dir++)
		if (q->drop[dir].seen)
			return &q->drop[dir];
	return NULL;
}

static void put_drop(struct uw_json *j, const struct uw_drop_fact *d)
{
	if (!d)
		return;
	uw_json_text(j, "drop.reason", d->reason);
	uw_json_text(j, "drop.location", d->location);
	uw_json_string(j, "drop.direction", d->dir == UW_REPLY ? "reply" : "request");
	uw_json_string(j, "drop.stage", uw_stage_name(d->stage));
	uw_json_text(j, "drop.hook", d->hook);
	uw_json_text(j, "drop.engine", d->engine);
	uw_json_text(j, "drop.rule", d->rule);
	if (d->netns)
		uw_json_uint(j, "drop.netns", d->netns);
	if (d->rcvbuf) {
		uw_json_uint(j, "socket.rcvbuf", d->rcvbuf);
		uw_json_uint(j, "socket.rmem", d->rmem);
	}
}

/* Only what translation changed. */
static void put_nat(struct uw_json *j, const struct uw_query *q)
{
	const struct uw_nat *n = &q->nat;

	if (!n->seen)
		return;
	if (memcmp(&n->client, &q->key.client, sizeof(n->client)))
		uw_json_address(j, "nat.client.address", &n->client, q->key.family);
	if (n->client_port != q->key.client_port)
		uw_json_uint(j, "nat.client.port", n->client_port);
	if (memcmp(&n->server, &q->key.server, sizeof(n->server)))
		uw_json_address(j, "nat.server.address", &n->server, q->key.family);
	if (n->server_port != q->key.server_port)
		uw_json_uint(j, "nat.server.port", n->server_port);
	if (q->nat_expired)
		uw_json_bool(j, "nat.expired", true);
}

/* What a second vantage point saw; its times are by this end's clock. */
static void put_far(struct uw_json *j, const struct uw_clock *clock, const struct uw_query *q)
{
	const struct uw_far *f = &q->far;

	if (f->outcome == UW_FAR_NONE)
		return;
	uw_json_string(j, "far.outcome", uw_far_name(f->outcome));
	uw_json_text(j, "far.place", f->place);
	uw_json_uint(j, "far.requests", f->requests);
	uw_json_uint(j, "far.replies", f->replies);
	uw_json_time(j, clock, "far.request_time", f->request_ns);
	uw_json_time(j, clock, "far.reply_time", f->reply_ns);
}

static void put_icmp(struct uw_json *j, const struct uw_query *q)
{
	const struct uw_icmp *i = &q->icmp;

	if (!i->seen)
		return;
	uw_json_address(j, "icmp.from", &i->from, q->key.family);
	uw_json_uint(j, "icmp.type", i->type);
	uw_json_uint(j, "icmp.code", i->code);
	uw_json_bool(j, "icmp.verified", i->verified);
	if (i->mtu)
		uw_json_uint(j, "icmp.mtu", i->mtu);
}

/* Where the drop was; otherwise the device by which the request went its last step. */
static void put_path(struct uw_json *j, const struct uw_query *q, const struct uw_drop_fact *drop)
{
	unsigned hops = q->hops < UW_PATH_MAX ? q->hops : UW_PATH_MAX;
	const char *ifname = drop ? drop->ifname : "";

	for (unsigned i = 0; i < hops && !drop; i++)
		if (q->path[i].dir == UW_REQUEST && q->path[i].out)
			ifname = q->path[i].ifname;
	if (ifname[0])
		uw_json_bytes(j, "network.interface.name", ifname, UW_IFNAME);
	if (!hops)
		return;
	uw_json_array(j, "path");
	for (unsigned dir = 0; dir < UW_DIRS; dir++)
		for (unsigned i = 0; i < hops; i++)
			if (q->path[i].dir == dir && q->path[i].ifname[0])
				uw_json_bytes(j, NULL, q->path[i].ifname, UW_IFNAME);
	uw_json_close(j);
}

static void put_offset(struct uw_json *j, const char *key, uint64_t origin, uint64_t when_ns)
{
	if (when_ns)
		uw_json_uint(j, key, when_ns > origin ? (when_ns - origin) / 1000 : 0);
}

static void put_offsets(struct uw_json *j, const struct uw_query *q,
			const struct uw_drop_fact *drop)
{
	uint64_t origin = origin_ns(q), duration = uw_query_duration_ns(q);

	if (q->role == UW_ROLE_SERVER) {
		put_offset(j, "t.wire_in_us", origin, q->send_ns);
		put_offset(j, "t.queued_us", origin, q->server_queued_ns);
		put_offset(j, "t.read_us", origin, q->server_read_ns);
		put_offset(j, "t.wire_out_us", origin, q->reply_out_ns);
	} else {
		if (q->role != UW_ROLE_FORWARDER)
			put_offset(j, "t.send_us", origin, q->send_ns);
		put_offset(j, "t.wire_out_us", origin, q->wire_out_ns);
		put_offset(j, "t.wire_in_us", origin, q->wire_in_ns);
		put_offset(j, "t.queued_us", origin, q->queued_ns);
		put_offset(j, "t.read_us", origin, q->read_ns);
	}
	if (drop)
		put_offset(j, "t.drop_us", origin, drop->when_ns);
	if (q->icmp.seen)
		put_offset(j, "t.icmp_us", origin, q->icmp.when_ns);
	put_offset(j, "abandoned_us", origin, q->abandoned_ns);
	if (duration)
		uw_json_uint(j, "duration_us", duration / 1000);
}

static void put_send_errno(struct uw_json *j, const struct uw_query *q)
{
	const char *name = uw_errno_name(q->send_errno);

	if (name)
		uw_json_string(j, "send.errno", name);
	else if (q->send_errno)
		uw_json_format(j, "send.errno", "E%d", q->send_errno);
}

void uw_json_query(struct uw_json *j, const struct uw_clock *clock, const char *host,
		   const struct uw_query *q)
{
	const struct uw_drop_fact *drop = drop_of(q);

	uw_json_format(j, "query.id", "%04x-%08llx", q->run & 0xffff, (unsigned long long)q->id);
	uw_json_uint(j, "revision", q->revision);
	uw_json_time(j, clock, "time", origin_ns(q));
	uw_json_text(j, "host.name", q->host ? q->host : host);
	uw_json_protocol(j, q->key.protocol, q->key.family);
	uw_json_string(j, "role", uw_role_name(q->role));
	put_ends(j, q);
	put_process(j, q);
	put_transaction(j, q);
	if (q->key.protocol == UW_PROTO_DNS)
		put_dns(j, q);
	else
		put_ntp(j, q);
	uw_json_string(j, "verdict", uw_verdict_name(q->verdict));
	uw_json_string(j, "fault", uw_fault_name(q->fault));
	if (q->stage)
		uw_json_string(j, "stage", uw_stage_name(q->stage));
	put_evidence(j, q);
	put_send_errno(j, q);
	put_drop(j, drop);
	if (q->held_by)
		uw_json_string(j, "held_by", q->held_by);
	if (q->caused_by)
		uw_json_format(j, "caused_by", "%04x-%08llx", q->run & 0xffff,
			       (unsigned long long)q->caused_by);
	if (q->misdirected)
		uw_json_address(j, "misdirected.from.address", &q->misdirected_from, q->key.family);
	if (q->misdirected_port)
		uw_json_uint(j, "misdirected.from.port", q->misdirected_port);
	if (q->fragments)
		uw_json_bool(j, "fragments.seen", true);
	put_far(j, clock, q);
	put_nat(j, q);
	put_icmp(j, q);
	put_path(j, q, drop);
	put_offsets(j, q, drop);
}
