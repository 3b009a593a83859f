// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "offline/jsonl_query.h"

static const char *port_class_at(unsigned v)
{
	return v ? "fixed" : "ephemeral";
}

void uw_jsonl_verdicts(struct uw_fields *f, uint64_t count[UW_VERDICTS])
{
	unsigned v;

	for (v = 0; v < UW_VERDICTS; v++) {
		char key[64];

		snprintf(key, sizeof(key), "count.%s", uw_verdict_name(v));
		uw_field_need(f, key);
		count[v] = uw_field_uint(f, key, INT64_MAX);
	}
}

static void read_flow_client(struct uw_fields *f, struct uw_flow_id *id)
{
	const char *network = uw_field_text(f, "client.network");
	char address[64];

	uw_field_address(f, "client.address", id->family, &id->client);
	if (!network)
		return;
	snprintf(address, sizeof(address), "%.*s", (int)strcspn(network, "/"), network);
	json_t *alone = json_pack("{s:s}", "client.network", address);
	struct uw_fields one = { .object = alone };

	uw_field_address(&one, "client.network", id->family, &id->client);
	if (one.failed)
		uw_fields_fail(f, "%s", one.error);
	json_decref(alone);
}

static const char *direction_at(unsigned v)
{
	return v == UW_REPLY ? "reply" : "request";
}

static const char *stage_at(unsigned v)
{
	return uw_stage_name((enum uw_stage)v);
}

static void read_flow_drop(struct uw_fields *f, void *arg)
{
	struct uw_flow *flow = arg;
	struct uw_flow_drop *d = &flow->drop[flow->drops++];

	uw_field_need(f, "direction");
	uw_field_need(f, "stage");
	uw_field_need(f, "count");
	d->dir = (enum uw_dir)uw_field_name(f, "direction", direction_at, UW_DIRS, UW_REQUEST);
	d->stage = (enum uw_stage)uw_field_name(f, "stage", stage_at, UW_STAGES, UW_STAGE_NONE);
	d->count = uw_field_uint(f, "count", INT64_MAX);
	d->netns = (uint32_t)uw_field_uint(f, "netns", UINT32_MAX);
	uw_field_copy(f, "reason", d->reason, sizeof(d->reason));
	uw_field_copy(f, "hook", d->hook, sizeof(d->hook));
	uw_field_copy(f, "engine", d->engine, sizeof(d->engine));
}

static void read_flow_rtt(struct uw_fields *f, struct uw_flow *flow)
{
	const json_t *list = uw_field_list(f, "rtt.buckets"), *v;
	size_t at;

	flow->rtt_max_us = uw_field_uint(f, "rtt.max_us", INT64_MAX);
	json_array_foreach((json_t *)list, at, v) {
		if (at == UW_RTT_BUCKETS || !json_is_integer(v) || json_integer_value(v) < 0) {
			uw_fields_fail(f, "rtt.buckets is no list of at most %u counts", UW_RTT_BUCKETS);
			break;
		}
		flow->rtt[at] = (uint64_t)json_integer_value(v);
	}
}

void uw_jsonl_flow_id(struct uw_fields *f, struct uw_flow_id *id, struct uw_query_key *k)
{
	uw_field_need(f, "client.port_class");
	uw_jsonl_key(f, k);
	id->server = k->server;
	id->server_port = k->server_port;
	id->family = k->family;
	id->protocol = k->protocol;
	id->netns = (uint32_t)uw_field_uint(f, "netns", UINT32_MAX);
	id->role = (uint8_t)uw_jsonl_role(f);
	id->fixed = (uint8_t)uw_field_name(f, "client.port_class", port_class_at, 2, 0);
	id->probe = uw_field_bool(f, "probe");
	read_flow_client(f, id);
}

void uw_jsonl_flow(struct uw_fields *f, struct uw_flow *flow)
{
	struct uw_query_key k = { 0 };

	uw_jsonl_flow_id(f, &flow->id, &k);
	flow->left = uw_field_bool(f, "left");
	flow->client_port = k.client_port;
	flow->pid = (uint32_t)uw_field_uint(f, "process.pid", UINT32_MAX);
	uw_field_copy(f, "process.executable.name", flow->executable, sizeof(flow->executable));
	uw_jsonl_verdicts(f, flow->count);
	flow->attempts = uw_field_uint(f, "attempts", INT64_MAX);
	flow->duplicate = uw_field_uint(f, "duplicate", INT64_MAX);
	flow->conflicting = uw_field_uint(f, "conflicting", INT64_MAX);
	flow->bad_complete = uw_field_uint(f, "no_reply.complete", INT64_MAX);
	flow->lost_beyond = uw_field_uint(f, "unanswered.beyond", INT64_MAX);
	flow->port_unreachable = uw_field_uint(f, "rejected.port_unreachable", INT64_MAX);
	flow->unsynchronised = uw_field_uint(f, "answered.unsynchronised", INT64_MAX);
	flow->last_unsynchronised_ns = uw_field_time(f, "last_unsynchronised");
	flow->first_ns = uw_field_time(f, "first");
	flow->last_good_ns = uw_field_time(f, "last_good");
	flow->last_bad_ns = uw_field_time(f, "last_bad");
	flow->suppressed = uw_field_uint(f, "suppressed", INT64_MAX);
	uw_field_objects(f, "drops", UW_FLOW_DROPS, read_flow_drop, flow);
	read_flow_rtt(f, flow);
}
