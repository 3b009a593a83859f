/* SPDX-License-Identifier: GPL-2.0-only */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/rules.h"
#include "core/text_safe.h"
#include "dns.h"

const char *uw_confidence_name(enum uw_confidence c)
{
	switch (c) {
	case UW_POSSIBLE:
		return "possible";
	case UW_LIKELY:
		return "likely";
	case UW_CERTAIN:
		return "certain";
	}
	return "possible";
}

void uw_say(struct uw_diagnosis *d, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(d->summary, sizeof(d->summary), format, args);
	va_end(args);
}

/* How to get to where the advice is to be followed; "" if the reader is there. */
static size_t lead_to(char *buf, size_t size, const struct uw_case *c, uint32_t netns)
{
	const struct uw_flow *f = c->lead;
	bool foreign = f && f->id.host;
	int n = 0;

	if (!netns || (c->host && c->host->netns == netns && !foreign))
		buf[0] = '\0';
	else if (f && f->id.netns == netns && uw_text_is_plain(f->netns_name))
		n = snprintf(buf, size, "In network namespace %s (ip netns exec %s ...): ", f->netns_name, f->netns_name);
	else
		n = snprintf(buf, size, "In network namespace %u (lsns -t net lists them, nsenter -t PID -n enters one): ",
			     netns);
	return (size_t)n;
}

void uw_advise(struct uw_diagnosis *d, const struct uw_case *c, uint32_t netns, const char *format, ...)
{
	size_t lead = lead_to(d->next_step, sizeof(d->next_step), c, netns);
	va_list args;

	va_start(args, format);
	vsnprintf(d->next_step + lead, sizeof(d->next_step) - lead, format, args);
	va_end(args);
	if (!lead)
		d->next_step[0] = (char)toupper((unsigned char)d->next_step[0]);
}

void uw_evidence_add(struct uw_evidence *e, const char *format, ...)
{
	va_list args;

	if (e->count == UW_EVIDENCE_MAX)
		return;
	va_start(args, format);
	vsnprintf(e->line[e->count++], UW_SENTENCE_MAX, format, args);
	va_end(args);
}

const char *uw_rule_host(const struct uw_flow *f, char buf[UW_ADDR_TEXT])
{
	return uw_addr_text(&f->id.server, f->id.family, buf);
}

const char *uw_rule_server(const struct uw_flow *f, char buf[UW_ENDPOINT_TEXT])
{
	return uw_endpoint_text(&f->id.server, f->id.family, f->id.server_port, buf);
}

const char *uw_rule_protocol(const struct uw_flow *f)
{
	return f->id.protocol == UW_PROTO_NTP ? "NTP" : "DNS";
}

const char *uw_rule_door(const struct uw_flow *f)
{
	if (f->id.probe)
		return f->id.fixed ? "fixed, probe" : "ephemeral, probe";
	return f->id.fixed ? "fixed" : "ephemeral";
}

bool uw_flows_related(const struct uw_flow *a, const struct uw_flow *b)
{
	const struct uw_flow_id *x = &a->id, *y = &b->id;

	return x->host == y->host && x->netns == y->netns && x->protocol == y->protocol && x->family == y->family &&
	       x->role == y->role && x->server_port == y->server_port &&
	       memcmp(&x->server, &y->server, sizeof(x->server)) == 0 &&
	       memcmp(&x->client, &y->client, sizeof(x->client)) == 0;
}

bool uw_drops_alike(const struct uw_flow_drop *a, const struct uw_flow_drop *b)
{
	return a->stage == b->stage && a->dir == b->dir && a->netns == b->netns &&
	       strcmp(a->reason, b->reason) == 0 && strcmp(a->engine, b->engine) == 0 &&
	       strcmp(a->hook, b->hook) == 0;
}

/* The queries of @f that were dropped in the subject's way, 0 if the flow is not concerned. */
static uint64_t drops_in(const struct uw_flow *f, const struct uw_flow_drop *kind)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < f->drops; i++) {
		if (uw_drops_alike(&f->drop[i], kind))
			n += f->drop[i].count;
	}
	return n;
}

static bool joins(const struct uw_rule *r, const struct uw_case *c, const struct uw_flow *f)
{
	if (c->drop)
		return drops_in(f, c->drop) != 0;
	return r->flow(f) && (r->together ? r->together : uw_flows_related)(c->lead, f);
}

/* A subject is told once, by the first of its flows. */
static bool leads(const struct uw_rule *r, const struct uw_case *c, unsigned at)
{
	unsigned i;

	for (i = 0; i < at; i++) {
		if (joins(r, c, c->flows[i]))
			return false;
	}
	return true;
}

static void gather(const struct uw_rule *r, struct uw_case *c, struct uw_diagnosis *d)
{
	unsigned i;

	for (i = 0; i < c->count; i++) {
		const struct uw_flow *f = c->flows[i];

		if (!joins(r, c, f))
			continue;
		c->hit++;
		if (c->drop)
			c->drops += drops_in(f, c->drop);
		if (d->flows < UW_EVIDENCE_MAX)
			d->flow[d->flows++] = f;
	}
}

/* What a second vantage point says of its flows; a fact beside any rule's own. */
static void tell_far(struct uw_diagnosis *d)
{
	struct uw_flow_far sum = {0};
	unsigned i;

	for (i = 0; i < d->flows; i++) {
		sum.seen += d->flow[i]->far.seen;
		sum.requests_lost += d->flow[i]->far.requests_lost;
		sum.replies_lost += d->flow[i]->far.replies_lost;
		sum.no_reply += d->flow[i]->far.no_reply;
	}
	if (sum.seen)
		uw_evidence_add(&d->in_favour,
				"of %llu queries seen from both ends, requests lost between client and server: %llu,"
				" replies between server and client: %llu, not answered there: %llu",
				(unsigned long long)sum.seen, (unsigned long long)sum.requests_lost,
				(unsigned long long)sum.replies_lost, (unsigned long long)sum.no_reply);
}

static void hash(uint64_t *h, const void *bytes, size_t size)
{
	const unsigned char *b = bytes;

	while (size--)
		*h = (*h ^ *b++) * UW_FNV_PRIME;
}

/* Drops of a kind are one subject, whichever flows they hit; so is what is said of the whole host. */
static uint64_t subject_of(const struct uw_rule *r, const struct uw_flow_drop *d)
{
	uint64_t h = UW_FNV_BASE;

	if (r->flow)
		return 0;
	if (!d)
		return 1;
	hash(&h, &d->stage, sizeof(d->stage));
	hash(&h, &d->dir, sizeof(d->dir));
	hash(&h, &d->netns, sizeof(d->netns));
	hash(&h, d->reason, strlen(d->reason));
	hash(&h, d->engine, strlen(d->engine));
	hash(&h, d->hook, strlen(d->hook));
	return h | 2;
}

/* Return: true if @d was written. */
static bool judge(const struct uw_rule *r, struct uw_case *c, struct uw_diagnosis *d)
{
	enum uw_confidence confidence = UW_CERTAIN;

	if (r->holds && !r->holds(c, &confidence))
		return false;
	memset(d, 0, sizeof(*d));
	d->id = r->id;
	d->confidence = confidence;
	d->subject = subject_of(r, c->drop);
	if (r->flow || r->drop)
		gather(r, c, d);
	r->tell(c, d);
	tell_far(d);
	if (!d->next_step[0] && r->next_step)
		snprintf(d->next_step, sizeof(d->next_step), "%s", r->next_step);
	return true;
}

static unsigned run_on_flow(const struct uw_rule *r, struct uw_case c, unsigned at,
			    struct uw_diagnosis *out, unsigned max)
{
	const struct uw_flow *f = c.flows[at];
	unsigned i, n = 0;

	c.lead = f;
	if (r->flow)
		return max && r->flow(f) && leads(r, &c, at) && judge(r, &c, out);
	for (i = 0; i < f->drops && n < max; i++) {
		struct uw_case one = c;

		one.drop = &f->drop[i];
		if (r->drop(one.drop) && leads(r, &one, at))
			n += judge(r, &one, &out[n]);
	}
	return n;
}

unsigned uw_diagnose(const struct uw_flow *const *flows, unsigned count,
		     const struct uw_host_facts *host, struct uw_diagnosis *out, unsigned max)
{
	const struct uw_case c = {.host = host, .flows = flows, .count = count};
	unsigned r, i, n = 0;

	for (r = 0; r < uw_rule_count; r++) {
		const struct uw_rule *rule = &uw_rules[r];

		if (!rule->flow && !rule->drop && n < max)
			n += judge(rule, &(struct uw_case){ .host = host, .flows = flows, .count = count }, &out[n]);
		for (i = 0; (rule->flow || rule->drop) && i < count && n < max; i++)
			n += run_on_flow(rule, c, i, &out[n], max - n);
	}
	return n;
}
