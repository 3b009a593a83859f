/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What diagnose.c (which flows belong together) and rules.c (what they mean) agree on.
 *
 * A rule looks at one of two subjects. A drop rule: all drops of one kind, whatever flow they hit;
 * a drop that was seen needs no contrast and is certain. A flow rule: mostly the flows between one
 * client and one server, with all their doors (port classes, probes).
 */
#ifndef UW_RULES_H
#define UW_RULES_H

#include "core/address.h"
#include "core/diagnose.h"

/* Sums over a subject. The first flows are in the diagnosis; the sums are over all of them. */
struct uw_case {
	const struct uw_host_facts *host;
	const struct uw_flow *const *flows;	/* all flows of the run */
	unsigned count;
	const struct uw_flow *lead;		/* the first flow of the subject */
	const struct uw_flow_drop *drop;	/* drop rules: its kind, in the lead */
	uint64_t drops;				/* drop rules: queries, in @hit flows */
	unsigned hit;
};

struct uw_rule {
	const char *id;
	/* exactly one of these two makes it a drop rule or a flow rule; none: it is about the whole run */
	bool (*drop)(const struct uw_flow_drop *d);
	bool (*flow)(const struct uw_flow *f);	/* may @f lead or join the subject? */
	/* flow rules: which flows are one subject; NULL: uw_flows_related() */
	bool (*together)(const struct uw_flow *a, const struct uw_flow *b);
	/* flow rules: whether it holds, and how surely; NULL: @flow says it all, UW_CERTAIN */
	bool (*holds)(const struct uw_case *c, enum uw_confidence *confidence);
	/* summary and evidence; next_step only where the table's text does not do */
	void (*tell)(const struct uw_case *c, struct uw_diagnosis *d);
	const char *next_step;
};

/* rule_tcp.c */
bool uw_tcp_flow(const struct uw_flow *f);
bool uw_tcp_holds(const struct uw_case *c, enum uw_confidence *confidence);
void uw_tcp_tell(const struct uw_case *c, struct uw_diagnosis *d);

extern const struct uw_rule uw_rules[];
extern const unsigned uw_rule_count;

/** uw_flows_related - one client (address, namespace, role) and one server (address, port): they
 * differ in port class and in who asked only. */
bool uw_flows_related(const struct uw_flow *a, const struct uw_flow *b);

/** uw_drops_alike - the same stage, direction, reason, engine, hook and namespace. */
bool uw_drops_alike(const struct uw_flow_drop *a, const struct uw_flow_drop *b);

/** uw_say - the summary. */
__attribute__((format(printf, 2, 3)))
void uw_say(struct uw_diagnosis *d, const char *format, ...);

/** uw_evidence_add - one more sentence; beyond UW_EVIDENCE_MAX it is left out. */
__attribute__((format(printf, 2, 3)))
void uw_evidence_add(struct uw_evidence *e, const char *format, ...);

/** uw_queries - "query" or "queries", uw_answers - "answer" or "answers", as @n wants it. */
static inline const char *uw_queries(uint64_t n)
{
	return n == 1 ? "query" : "queries";
}

static inline const char *uw_answers(uint64_t n)
{
	return n == 1 ? "answer" : "answers";
}

/* How a rule names a flow's server, protocol and port class (diagnose.c). */
const char *uw_rule_host(const struct uw_flow *f, char buf[UW_ADDR_TEXT]);
const char *uw_rule_server(const struct uw_flow *f, char buf[UW_ENDPOINT_TEXT]);
const char *uw_rule_protocol(const struct uw_flow *f);
const char *uw_rule_door(const struct uw_flow *f);

/** uw_advise - the next step, for a shell in network namespace @netns, which is named unless it is ours. */
__attribute__((format(printf, 4, 5)))
void uw_advise(struct uw_diagnosis *d, const struct uw_case *c, uint32_t netns, const char *format, ...);

/* The functions of rules: rule_drop.c */
bool uw_firewall_drop(const struct uw_flow_drop *d);
void uw_firewall_tell(const struct uw_case *c, struct uw_diagnosis *d);
bool uw_full_table_drop(const struct uw_flow_drop *d);
void uw_full_table_tell(const struct uw_case *c, struct uw_diagnosis *d);
bool uw_neighbour_drop(const struct uw_flow_drop *d);
void uw_neighbour_tell(const struct uw_case *c, struct uw_diagnosis *d);
bool uw_full_buffer_drop(const struct uw_flow_drop *d);
void uw_full_buffer_tell(const struct uw_case *c, struct uw_diagnosis *d);
bool uw_no_route_flow(const struct uw_flow *f);
bool uw_same_netns(const struct uw_flow *a, const struct uw_flow *b);
void uw_no_route_tell(const struct uw_case *c, struct uw_diagnosis *d);

/* ... rule_size.c */
bool uw_fragments_drop(const struct uw_flow_drop *d);
void uw_fragments_tell(const struct uw_case *c, struct uw_diagnosis *d);
bool uw_mtu_flow(const struct uw_flow *f);
void uw_mtu_tell(const struct uw_case *c, struct uw_diagnosis *d);

/* ... rule_seen.c */
bool uw_reverse_path_drop(const struct uw_flow_drop *d);
void uw_reverse_path_tell(const struct uw_case *c, struct uw_diagnosis *d);
bool uw_checksum_drop(const struct uw_flow_drop *d);
void uw_checksum_tell(const struct uw_case *c, struct uw_diagnosis *d);
bool uw_unread_flow(const struct uw_flow *f);
bool uw_unread_holds(const struct uw_case *c, enum uw_confidence *confidence);
bool uw_late_holds(const struct uw_case *c, enum uw_confidence *confidence);
bool uw_elsewhere_holds(const struct uw_case *c, enum uw_confidence *confidence);
void uw_unread_tell(const struct uw_case *c, struct uw_diagnosis *d);
bool uw_late_flow(const struct uw_flow *f);
void uw_late_tell(const struct uw_case *c, struct uw_diagnosis *d);
bool uw_elsewhere_flow(const struct uw_flow *f);
void uw_elsewhere_tell(const struct uw_case *c, struct uw_diagnosis *d);
bool uw_nic_flow(const struct uw_flow *f);
bool uw_counter_holds(const struct uw_case *c, enum uw_confidence *confidence);
void uw_nic_tell(const struct uw_case *c, struct uw_diagnosis *d);
bool uw_allowance_flow(const struct uw_flow *f);
bool uw_allowance_holds(const struct uw_case *c, enum uw_confidence *confidence);
void uw_allowance_tell(const struct uw_case *c, struct uw_diagnosis *d);
bool uw_down_flow(const struct uw_flow *f);
bool uw_down_holds(const struct uw_case *c, enum uw_confidence *confidence);
void uw_down_tell(const struct uw_case *c, struct uw_diagnosis *d);

/* ... rule_server.c */
bool uw_no_service_flow(const struct uw_flow *f);
bool uw_no_service_holds(const struct uw_case *c, enum uw_confidence *confidence);
void uw_no_service_tell(const struct uw_case *c, struct uw_diagnosis *d);
bool uw_rate_flow(const struct uw_flow *f);
bool uw_rate_holds(const struct uw_case *c, enum uw_confidence *confidence);
void uw_rate_tell(const struct uw_case *c, struct uw_diagnosis *d);
bool uw_unsynchronised_flow(const struct uw_flow *f);
bool uw_same_server(const struct uw_flow *a, const struct uw_flow *b);
bool uw_unsynchronised_holds(const struct uw_case *c, enum uw_confidence *confidence);
void uw_unsynchronised_tell(const struct uw_case *c, struct uw_diagnosis *d);

/* ... rule_throttle.c */
bool uw_throttle_holds(const struct uw_case *c, enum uw_confidence *confidence);
void uw_throttle_tell(const struct uw_case *c, struct uw_diagnosis *d);

/* ... rule_ephemeral.c */
bool uw_ephemeral_flow(const struct uw_flow *f);
bool uw_ephemeral_holds(const struct uw_case *c, enum uw_confidence *confidence);
void uw_ephemeral_tell(const struct uw_case *c, struct uw_diagnosis *d);

#endif
