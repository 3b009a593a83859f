// SPDX-License-Identifier: GPL-2.0-only
#include "offline/jsonl_query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text_safe.h"
#include "packet.h"

#define US_MAX (INT64_MAX / 1000000)	/* microseconds that still add up to a time */
#define DNS_TC (1u << 9)
#define CLASS_IN 1

/* The names of an enum as uw_field_name() wants them. */
#define NAMES(function, type)                                   \
	static const char *function##_at(unsigned v)            \
	{                                                       \
		return uw_##function((type)v);                  \
	}
NAMES(verdict_name, enum uw_verdict)
NAMES(fault_name, enum uw_fault)
NAMES(role_name, enum uw_role)
NAMES(stage_name, enum uw_stage)
NAMES(gap_name, enum uw_gap)
NAMES(proto_name, enum uw_proto)
NAMES(tcp_name, enum uw_tcp)
NAMES(rcode_name, unsigned)

static const char *direction_at(unsigned v)
{
	return v == UW_REPLY ? "reply" : "request";
}

static const char *family_at(unsigned v)
{
	return v ? "ipv6" : "ipv4";
}

uint32_t uw_jsonl_gaps(struct uw_fields *f, const char *key)
{
	return uw_field_names(f, key, gap_name_at, UW_GAPS);
}

/* ---- ends ---- */

void uw_jsonl_key(struct uw_fields *f, struct uw_query_key *k)
{
	uw_field_need(f, "network.protocol.name");
	uw_field_need(f, "network.type");
	uw_field_need(f, "server.address");
	uw_field_need(f, "server.port");
	k->protocol = (uint8_t)uw_field_name(f, "network.protocol.name", proto_name_at, UW_PROTO_DNS + 1, 0);
	if (!f->failed && !k->protocol)
		uw_fields_fail(f, "network.protocol.name: neither ntp nor dns");
	k->family = uw_field_name(f, "network.type", family_at, 2, 0) ? 6 : 4;
	uw_field_address(f, "client.address", k->family, &k->client);
	uw_field_address(f, "server.address", k->family, &k->server);
	k->client_port = (uint16_t)uw_field_uint(f, "client.port", 65535);
	k->server_port = (uint16_t)uw_field_uint(f, "server.port", 65535);
}

/* Hex digits, all of @text, @len bytes of them at the most; out is in the order they stand. */
static bool read_hex(const char *text, uint8_t *out, size_t len)
{
	size_t i;

	for (i = 0; i < 2 * len; i++) {
		const char *digits = "0123456789abcdef", *d = text[i] ? strchr(digits, text[i]) : NULL;

		if (!d)
			return false;
		out[i / 2] = (uint8_t)(out[i / 2] << 4 | (d - digits));
	}
	return !text[i];
}

static void read_transaction(struct uw_fields *f, struct uw_query_key *k)
{
	const char *text = uw_field_text(f, "transaction.id");
	uint8_t b[8] = { 0 };

	if (!text)
		return;
	if (!read_hex(text, b, k->protocol == UW_PROTO_DNS ? 2 : 8))
		uw_fields_fail(f, "transaction.id is not of its protocol");
	else if (k->protocol == UW_PROTO_DNS)
		k->transaction = uw_be16(b);
	else
		memcpy(&k->transaction, b, sizeof(b));
}

static void read_id(struct uw_fields *f, const char *key, uint32_t *run, uint64_t *id)
{
	const char *text = uw_field_text(f, key);
	uint8_t b[2] = { 0 };
	char head[5] = "";
	char *end;

	if (!text)
		return;
	memcpy(head, text, strnlen(text, 4));
	if (!read_hex(head, b, 2) || text[4] != '-' || strspn(text + 5, "0123456789abcdef") < 8 ||
	    strlen(text) > 21) {
		uw_fields_fail(f, "%s is not as b3f1-0000002a", key);
		return;
	}
	*run = uw_be16(b);
	*id = strtoull(text + 5, &end, 16);
	if (*end || !*id)
		uw_fields_fail(f, "%s is not as b3f1-0000002a", key);
}

/* ---- who ---- */

static void read_holders(struct uw_fields *f, struct uw_query *q)
{
	const json_t *list = uw_field_list(f, "socket.holders"), *v;
	size_t at;

	json_array_foreach((json_t *)list, at, v) {
		struct uw_fields one = { .object = v };
		struct uw_holder *h = &q->holder[q->holders];

		if (!json_is_object(v)) {
			uw_fields_fail(f, "socket.holders holds no object");
			break;
		}
		if (at == UW_HOLDERS) {
			q->more_holders = true;
			break;
		}
		h->pid = (uint32_t)uw_field_uint(&one, "process.pid", UINT32_MAX);
		uw_field_copy(&one, "process.executable.name", h->executable, sizeof(h->executable));
		q->holders++;
		if (one.failed)
			uw_fields_fail(f, "socket.holders: %s", one.error);
	}
}

static void read_process(struct uw_fields *f, struct uw_query *q)
{
	q->netns = (uint32_t)uw_field_uint(f, "netns", UINT32_MAX);
	uw_field_copy(f, "netns.name", q->netns_name, sizeof(q->netns_name));
	q->task.pid = (uint32_t)uw_field_uint(f, "process.pid", UINT32_MAX);
	q->task.uid = (uint32_t)uw_field_uint(f, "user.id", UINT32_MAX);
	uw_field_copy(f, "process.executable.name", q->executable, sizeof(q->executable));
	uw_field_copy(f, "cgroup", q->cgroup, sizeof(q->cgroup));
	read_holders(f, q);
	if (!q->task.pid && !q->executable[0])
		q->flags |= UW_Q_NO_OWNER;
}

/* ---- what was asked and answered ---- */

static void read_question(struct uw_fields *f, struct uw_query *q)
{
	const char *name = uw_field_text(f, "dns.question.name"), *type = uw_field_text(f, "dns.question.type");
	uint8_t body[UW_BODY_MAX] = { 0 };
	__u64 hash = 0;
	unsigned qtype = type ? uw_qtype_number(type) : 0;
	size_t n;

	if (!name || !type)
		return;
	n = uw_dns_name_wire(name, body + UW_DNS_HEADER, 255);
	if (!n || (!qtype && strcmp(type, "TYPE0"))) {
		uw_fields_fail(f, "dns.question.%s is none", n ? "type" : "name");
		return;
	}
	body[UW_DNS_HEADER + n] = (uint8_t)(qtype >> 8);
	body[UW_DNS_HEADER + n + 1] = (uint8_t)qtype;
	body[UW_DNS_HEADER + n + 3] = CLASS_IN;
	q->question_len = (uint16_t)(n + 4);
	memcpy(q->question, body + UW_DNS_HEADER, n + 4);
	uw_dns_question(body, UW_DNS_HEADER + (uint32_t)n + 4, &hash);
	q->question_hash = hash;
}

/* @when_ns: of the answer, where the record does not say it otherwise. */
static void read_answer(struct uw_fields *f, struct uw_query *q, uint64_t when_ns)
{
	const char *kod = uw_field_text(f, "ntp.kod");

	if (uw_field_has(f, "dns.response_code") || uw_field_has(f, "ntp.stratum"))
		q->answer.when_ns = when_ns;
	q->answer.flags = (uint16_t)uw_field_name(f, "dns.response_code", rcode_name_at, 16, 0);
	if (uw_field_bool(f, "dns.truncated"))
		q->answer.flags |= DNS_TC;
	q->tcp_retry = (enum uw_tcp)uw_field_name(f, "dns.tcp_retry", tcp_name_at, UW_TCPS, UW_TCP_NONE);
	q->answer.stratum = (uint8_t)uw_field_uint(f, "ntp.stratum", 255);
	q->answer.unsynchronised = uw_field_bool(f, "ntp.unsynchronised");
	if (kod) {
		q->answer.kod = 1;
		memcpy(&q->answer.refid, kod, strnlen(kod, sizeof(q->answer.refid)));
	}
	q->answer.late = q->verdict == UW_ANSWERED_LATE;
}

/* ---- evidence ---- */

static void read_counter(struct uw_counter_fact *c, const char *text)
{
	const char *rose = strrchr(text, '+'), *space = strchr(text, ' ');
	size_t device = space && strchr(space + 1, ' ') ? (size_t)(space - text) : 0;

	if (!rose || rose == text)
		return;
	c->rose = strtoull(rose + 1, NULL, 10);
	snprintf(c->ifname, sizeof(c->ifname), "%.*s", (int)device, text);
	text += device ? device + 1 : 0;
	snprintf(c->name, sizeof(c->name), "%.*s", (int)(rose - 1 - text), text);
}

static void read_counters(struct uw_fields *f, struct uw_acquittal *a)
{
	const json_t *list = uw_field_list(f, "counters"), *v;
	size_t at;

	json_array_foreach((json_t *)list, at, v) {
		if (at == UW_COUNTERS_MAX)
			break;
		if (!json_is_string(v)) {
			uw_fields_fail(f, "counters holds no string");
			break;
		}
		read_counter(&a->counter[a->counters++], json_string_value(v));
	}
}

static void read_evidence(struct uw_fields *f, struct uw_query *q)
{
	struct uw_acquittal *a = &q->acquittal;

	q->gaps = uw_jsonl_gaps(f, "evidence.gaps");
	a->looked = uw_field_has(f, "evidence.nic_drops");
	a->drops_here = (uint32_t)uw_field_uint(f, "evidence.drops_here", UINT32_MAX);
	a->icmp_errors = (uint32_t)uw_field_uint(f, "evidence.icmp_errors", UINT32_MAX);
	a->nic_drops = (uint32_t)uw_field_uint(f, "evidence.nic_drops", UINT32_MAX);
	a->tx_errors = (uint32_t)uw_field_uint(f, "evidence.tx_errors", UINT32_MAX);
	a->xdp = uw_field_bool(f, "evidence.xdp");
	a->tracer_losses = uw_field_uint(f, "evidence.tracer_losses", INT64_MAX);
	read_counters(f, a);
}

static uint64_t offset(struct uw_fields *f, const char *key, uint64_t origin)
{
	return uw_field_has(f, key) ? origin + uw_field_uint(f, key, US_MAX) * 1000 : 0;
}

static void read_drop(struct uw_fields *f, struct uw_query *q, uint64_t origin)
{
	enum uw_dir dir = uw_field_name(f, "drop.direction", direction_at, UW_DIRS, UW_REQUEST);
	struct uw_drop_fact *d = &q->drop[dir];

	if (!uw_field_has(f, "drop.stage"))
		return;
	d->seen = true;
	d->dir = dir;
	d->stage = (enum uw_stage)uw_field_name(f, "drop.stage", stage_name_at, UW_STAGES, UW_STAGE_NONE);
	d->when_ns = offset(f, "t.drop_us", origin);
	uw_field_copy(f, "drop.reason", d->reason, sizeof(d->reason));
	uw_field_copy(f, "drop.location", d->location, sizeof(d->location));
	uw_field_copy(f, "drop.hook", d->hook, sizeof(d->hook));
	uw_field_copy(f, "drop.engine", d->engine, sizeof(d->engine));
	uw_field_copy(f, "drop.rule", d->rule, sizeof(d->rule));
	uw_field_bytes(f, "network.interface.name", d->ifname, sizeof(d->ifname));
	d->netns = (uint32_t)uw_field_uint(f, "drop.netns", UINT32_MAX);
	d->rcvbuf = (uint32_t)uw_field_uint(f, "socket.rcvbuf", UINT32_MAX);
	d->rmem = (uint32_t)uw_field_uint(f, "socket.rmem", UINT32_MAX);
	if (q->verdict == UW_REQUEST_DROPPED || q->verdict == UW_REPLY_DROPPED ||
	    (q->verdict == UW_REPLY_UNREAD && dir == UW_REPLY))
		q->decisive_drop = d;
}

static void read_icmp(struct uw_fields *f, struct uw_query *q, uint64_t origin)
{
	struct uw_icmp *i = &q->icmp;

	if (!uw_field_has(f, "icmp.from"))
		return;
	i->seen = 1;
	uw_field_address(f, "icmp.from", q->key.family, &i->from);
	i->type = (uint8_t)uw_field_uint(f, "icmp.type", 255);
	i->code = (uint8_t)uw_field_uint(f, "icmp.code", 255);
	i->verified = uw_field_bool(f, "icmp.verified");
	i->mtu = (uint32_t)uw_field_uint(f, "icmp.mtu", UINT32_MAX);
	i->when_ns = offset(f, "t.icmp_us", origin);
	i->local = q->verdict == UW_REJECTED && q->fault == UW_FAULT_LOCAL;
}

static void read_nat(struct uw_fields *f, struct uw_query *q)
{
	struct uw_nat *n = &q->nat;

	if (!uw_field_has(f, "nat.client.address") && !uw_field_has(f, "nat.client.port") &&
	    !uw_field_has(f, "nat.server.address") && !uw_field_has(f, "nat.server.port"))
		return;
	*n = (struct uw_nat){ .client = q->key.client, .server = q->key.server, .seen = 1,
			      .client_port = q->key.client_port, .server_port = q->key.server_port };
	if (uw_field_has(f, "nat.client.address"))
		uw_field_address(f, "nat.client.address", q->key.family, &n->client);
	if (uw_field_has(f, "nat.server.address"))
		uw_field_address(f, "nat.server.address", q->key.family, &n->server);
	if (uw_field_has(f, "nat.client.port"))
		n->client_port = (uint16_t)uw_field_uint(f, "nat.client.port", 65535);
	if (uw_field_has(f, "nat.server.port"))
		n->server_port = (uint16_t)uw_field_uint(f, "nat.server.port", 65535);
}

static void read_elsewhere(struct uw_fields *f, struct uw_query *q)
{
	q->misdirected = uw_field_has(f, "misdirected.from.address");
	uw_field_address(f, "misdirected.from.address", q->key.family, &q->misdirected_from);
	q->misdirected_port = (uint16_t)uw_field_uint(f, "misdirected.from.port", 65535);
	q->fragments = uw_field_bool(f, "fragments.seen");
	q->nat_expired = uw_field_bool(f, "nat.expired");
}

/* ---- way ---- */

/*
 * Devices in the order of crossing, the request's before the reply's; how many are the request's is not
 * said. Without a reply all are; else the last of them is the one the request left by, where that is told.
 */
static unsigned request_hops(const struct uw_query *q, const char *left_by)
{
	unsigned n = q->hops, half = (n + 1) / 2, i;

	if (!q->wire_in_ns && !q->drop[UW_REPLY].seen)
		return n;
	for (i = half; i > 0; i--) {
		if (!strncmp(q->path[i - 1].ifname, left_by, UW_IFNAME))
			return i;
	}
	/* More ways out than back: a bridge made copies. */
	for (i = half; i < n; i++) {
		if (!strncmp(q->path[i].ifname, left_by, UW_IFNAME))
			return i + 1;
	}
	return half;
}

static void read_path(struct uw_fields *f, struct uw_query *q)
{
	const json_t *list = uw_field_list(f, "path"), *v;
	char left_by[UW_IFNAME] = "";
	unsigned i, request;
	size_t at;

	json_array_foreach((json_t *)list, at, v) {
		if (!json_is_string(v)) {
			uw_fields_fail(f, "path holds no string");
			return;
		}
		if (q->hops == UW_PATH_MAX)
			break;
		uw_safe_undo(json_string_value(v), q->path[q->hops++].ifname, UW_IFNAME);
	}
	if (!uw_field_has(f, "drop.stage"))
		uw_field_bytes(f, "network.interface.name", left_by, sizeof(left_by));
	request = request_hops(q, left_by);
	for (i = 0; i < q->hops; i++) {
		q->path[i].dir = i < request ? UW_REQUEST : UW_REPLY;
		q->path[i].out = i < request && left_by[0] && !strcmp(q->path[i].ifname, left_by);
	}
}

static void read_server_times(struct uw_fields *f, struct uw_query *q, uint64_t origin)
{
	q->send_ns = offset(f, "t.wire_in_us", origin);
	q->server_queued_ns = offset(f, "t.queued_us", origin);
	q->server_read_ns = offset(f, "t.read_us", origin);
	q->reply_out_ns = offset(f, "t.wire_out_us", origin);
}

static void read_times(struct uw_fields *f, struct uw_query *q, uint64_t origin)
{
	if (q->role == UW_ROLE_SERVER) {
		read_server_times(f, q, origin);
		return;
	}
	q->send_ns = q->role == UW_ROLE_FORWARDER ? origin : offset(f, "t.send_us", origin);
	if (q->verdict == UW_FORWARDED)
		q->reply_out_ns = offset(f, "duration_us", origin);
	q->wire_out_ns = offset(f, "t.wire_out_us", origin);
	q->wire_in_ns = offset(f, "t.wire_in_us", origin);
	q->queued_ns = offset(f, "t.queued_us", origin);
	q->read_ns = offset(f, "t.read_us", origin);
	q->abandoned_ns = offset(f, "abandoned_us", origin);
}

static void read_verdict(struct uw_fields *f, struct uw_query *q)
{
	const char *held_by = uw_field_text(f, "held_by");

	uw_field_need(f, "verdict");
	uw_field_need(f, "fault");
	q->verdict = (enum uw_verdict)uw_field_name(f, "verdict", verdict_name_at, UW_VERDICTS, UW_UNKNOWN);
	q->fault = (enum uw_fault)uw_field_name(f, "fault", fault_name_at, UW_FAULTS, UW_FAULT_UNKNOWN);
	q->stage = (enum uw_stage)uw_field_name(f, "stage", stage_name_at, UW_STAGES, UW_STAGE_NONE);
	q->stage_reached[UW_REQUEST] = q->stage > UW_STAGE_WIRE_OUT || q->on_wire ? UW_STAGE_WIRE_OUT : q->stage;
	q->stage_reached[UW_REPLY] = q->stage > UW_STAGE_WIRE_OUT ? q->stage : UW_STAGE_NONE;
	if (held_by && !strcmp(held_by, "nfqueue"))
		q->held_by = "nfqueue";
	else if (held_by)
		uw_fields_fail(f, "held_by is not known");
}

static void read_attempts(struct uw_fields *f, struct uw_query *q)
{
	uw_field_need(f, "attempts");
	uw_field_need(f, "attempts.on_wire");
	q->attempts = (unsigned)uw_field_uint(f, "attempts", UINT32_MAX);
	q->on_wire = (unsigned)uw_field_uint(f, "attempts.on_wire", UINT32_MAX);
	q->dropped = (unsigned)uw_field_uint(f, "attempts.dropped", UINT32_MAX);
	q->flags = UW_Q_LOCAL_SEND | (q->on_wire ? UW_Q_OUTSIDE : 0);
}

static void read_errno(struct uw_fields *f, struct uw_query *q)
{
	const char *name = uw_field_text(f, "send.errno");

	q->send_errno = name ? uw_errno_of(name) : 0;
	if (name && !q->send_errno)
		uw_fields_fail(f, "send.errno is not known");
}

/* Where nothing else says when the answer came: @origin and how long it took. */
static uint64_t answered_ns(struct uw_fields *f, const struct uw_query *q, uint64_t origin)
{
	if (q->queued_ns)
		return q->queued_ns;
	if (uw_field_has(f, "duration_us") && !q->decisive_drop)
		return offset(f, "duration_us", origin);
	return q->wire_in_ns ? q->wire_in_ns : origin;
}

enum uw_role uw_jsonl_role(struct uw_fields *f)
{
	uw_field_need(f, "role");
	return (enum uw_role)uw_field_name(f, "role", role_name_at, UW_ROLES, UW_ROLE_CLIENT);
}

void uw_jsonl_query(struct uw_fields *f, struct uw_query *q)
{
	uint32_t cause_run = 0;
	uint64_t origin;

	uw_field_need(f, "query.id");
	uw_field_need(f, "time");
	read_id(f, "query.id", &q->run, &q->id);
	read_id(f, "caused_by", &cause_run, &q->caused_by);
	q->revision = (unsigned)uw_field_uint(f, "revision", 1000000);
	if (!q->revision)
		uw_fields_fail(f, "revision is missing");
	origin = uw_field_time(f, "time");
	q->role = uw_jsonl_role(f);
	uw_jsonl_key(f, &q->key);
	read_attempts(f, q);
	read_transaction(f, &q->key);
	read_process(f, q);
	read_verdict(f, q);
	read_times(f, q, origin);
	q->judged_ns = origin + q->timeout_ns;
	read_question(f, q);
	read_evidence(f, q);
	read_errno(f, q);
	read_drop(f, q, origin);
	read_answer(f, q, answered_ns(f, q, origin));
	read_icmp(f, q, origin);
	read_nat(f, q);
	read_elsewhere(f, q);
	read_path(f, q);
}
