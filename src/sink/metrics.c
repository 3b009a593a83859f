// SPDX-License-Identifier: GPL-2.0-only
#include "sink/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "core/address.h"

#define DROPS 256	/* kinds of drops with series of their own; all that a kernel has are fewer */

/* What is counted together: who asks, and from which port of those in a class, is left to the records. */
struct key {
	struct uw_addr server;
	uint16_t port;
	uint8_t family, protocol, role, fixed, other, pad;
};

_Static_assert(sizeof(struct key) == 24, "hashed as bytes: no implicit padding");

struct series {
	struct key key;
	uint64_t count[UW_VERDICTS], revised[UW_VERDICTS], rtt[UW_RTT_BUCKETS];
	uint64_t attempts, duplicate, last_good_ns;
	UT_hash_handle hh;
};

struct drops {
	enum uw_stage stage;
	enum uw_dir dir;
	const char *reason;
	uint64_t count;
};

struct uw_metrics {
	struct series *head;
	unsigned servers;
	struct drops drop[DROPS];
	unsigned drops;
	uint64_t drops_unlisted;
};

struct uw_metrics *uw_metrics_new(void)
{
	return calloc(1, sizeof(struct uw_metrics));
}

void uw_metrics_free(struct uw_metrics *m)
{
	struct series *s, *next;

	if (!m)
		return;
	HASH_ITER(hh, m->head, s, next)
	{
		HASH_DEL(m->head, s);
		free(s);
	}
	free(m);
}

static struct series *find(struct uw_metrics *m, const struct key *k)
{
	struct series *s;

	HASH_FIND(hh, m->head, k, sizeof(*k), s);
	return s;
}

static struct series *insert(struct uw_metrics *m, const struct key *k)
{
	struct series *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->key = *k;
	HASH_ADD(hh, m->head, key, sizeof(s->key), s);
	if (!s->hh.tbl) {
		free(s);
		return NULL;
	}
	return s;
}

/* Once a server has series it keeps them: a counter that vanished and came back would be misread. */
static struct series *series_of(struct uw_metrics *m, const struct uw_flow_id *id)
{
	struct key k = {
		.server = id->server, .port = id->server_port, .family = id->family,
		.protocol = id->protocol, .role = id->role, .fixed = id->fixed,
	};
	struct series *s = find(m, &k);

	if (s)
		return s;
	if (m->servers < UW_METRICS_SERVERS) {
		m->servers++;
		return insert(m, &k);
	}
	k = (struct key){ .protocol = id->protocol, .role = id->role, .fixed = id->fixed, .other = 1 };
	s = find(m, &k);
	return s ? s : insert(m, &k);
}

static void add_flow(struct series *s, const struct uw_flow *f)
{
	unsigned i;

	for (i = 0; i < UW_VERDICTS; i++) {
		s->count[i] += f->count[i] + f->revised[i];
		s->revised[i] += f->revised[i];
	}
	for (i = 0; i < UW_RTT_BUCKETS; i++)
		s->rtt[i] += f->rtt[i];
	s->attempts += f->attempts;
	s->duplicate += f->duplicate;
	if (f->last_good_ns > s->last_good_ns)
		s->last_good_ns = f->last_good_ns;
}

static void add_drop(struct uw_metrics *m, const struct uw_flow_drop *d)
{
	struct drops *kind;
	unsigned i;

	for (i = 0; i < m->drops; i++) {
		kind = &m->drop[i];
		if (kind->stage == d->stage && kind->dir == d->dir && !strcmp(kind->reason, d->reason))
			break;
	}
	if (i == DROPS) {
		m->drops_unlisted += d->count;
		return;
	}
	if (i == m->drops)
		m->drop[m->drops++] = (struct drops){ .stage = d->stage, .dir = d->dir, .reason = d->reason };
	m->drop[i].count += d->count;
}

static void reset(struct series *s)
{
	memset(s->count, 0, sizeof(s->count));
	memset(s->revised, 0, sizeof(s->revised));
	memset(s->rtt, 0, sizeof(s->rtt));
	s->attempts = s->duplicate = s->last_good_ns = 0;
}

static void add_up(struct uw_metrics *m, const struct uw_flow *const *flows, unsigned count)
{
	struct series *s;
	unsigned i, n;

	for (s = m->head; s; s = s->hh.next)
		reset(s);
	m->drops = 0;
	m->drops_unlisted = 0;
	for (i = 0; i < count; i++) {
		s = series_of(m, &flows[i]->id);
		if (s)
			add_flow(s, flows[i]);
		for (n = 0; n < flows[i]->drops; n++)
			add_drop(m, &flows[i]->drop[n]);
		m->drops_unlisted += flows[i]->drops_unlisted;
	}
}

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void labels(FILE *out, const char *name, const struct key *k)
{
	char text[UW_ADDR_TEXT] = "other";

	if (!k->other)
		uw_addr_text(&k->server, k->family, text);
	fprintf(out, "%s{protocol=\"%s\",role=\"%s\",server=\"%s\",", name, uw_proto_name(k->protocol),
		uw_role_name(k->role), text);
	if (k->port)
		fprintf(out, "port=\"%u\",", k->port);
	fprintf(out, "port_class=\"%s\"", k->fixed ? "fixed" : "ephemeral");
}

static void print_verdicts(const struct uw_metrics *m, FILE *out, const char *name, bool revised)
{
	const struct series *s;
	unsigned v;

	for (s = m->head; s; s = s->hh.next) {
		for (v = 0; v < UW_VERDICTS; v++) {
			uint64_t n = revised ? s->revised[v] : s->count[v];

			if (!n)
				continue;
			labels(out, name, &s->key);
			fprintf(out, ",verdict=\"%s\"} %" PRIu64 "\n", uw_verdict_name((enum uw_verdict)v), n);
		}
	}
}

static void print_attempts(const struct uw_metrics *m, FILE *out)
{
	const struct series *s;

	head(out, "udpwhy_attempts_total", "counter", "Packets that the queries were asked with, resends included.");
	for (s = m->head; s; s = s->hh.next) {
		labels(out, "udpwhy_attempts_total", &s->key);
		fprintf(out, "} %" PRIu64 "\n", s->attempts);
	}
}

static void print_last_good(const struct uw_metrics *m, FILE *out, const struct uw_clock *clock)
{
	const struct series *s;

	head(out, "udpwhy_last_good_timestamp_seconds", "gauge", "When the last query with a good answer was sent.");
	for (s = m->head; s; s = s->hh.next) {
		if (!s->last_good_ns)
			continue;
		labels(out, "udpwhy_last_good_timestamp_seconds", &s->key);
		fprintf(out, "} %.3f\n", (double)uw_clock_wall(clock, s->last_good_ns) / 1e9);
	}
}

/* Every other boundary of the powers of two that are kept, 64 us to 17 s: exact, and few series. */
#define FIRST_SHOWN 5
#define LAST_SHOWN 23

static void print_histogram(const struct series *s, FILE *out)
{
	uint64_t below = 0;
	unsigned i;

	for (i = 0; i < UW_RTT_BUCKETS; i++) {
		below += s->rtt[i];
		if (i < FIRST_SHOWN || i > LAST_SHOWN || (i - FIRST_SHOWN) % 2)
			continue;
		labels(out, "udpwhy_round_trip_seconds_bucket", &s->key);
		fprintf(out, ",le=\"%.6f\"} %" PRIu64 "\n", (double)(2ull << i) / 1e6, below);
	}
	labels(out, "udpwhy_round_trip_seconds_bucket", &s->key);
	fprintf(out, ",le=\"+Inf\"} %" PRIu64 "\n", below);
	labels(out, "udpwhy_round_trip_seconds_count", &s->key);
	fprintf(out, "} %" PRIu64 "\n", below);
}

static void print_drops(const struct uw_metrics *m, FILE *out)
{
	unsigned i;

	head(out, "udpwhy_drops_total", "counter", "Queries of which a packet was dropped on this host.");
	for (i = 0; i < m->drops; i++) {
		const struct drops *d = &m->drop[i];

		fprintf(out, "udpwhy_drops_total{direction=\"%s\",stage=\"%s\",reason=\"%s\"} %" PRIu64 "\n",
			d->dir == UW_REPLY ? "reply" : "request", uw_stage_name(d->stage), d->reason, d->count);
	}
	if (m->drops_unlisted)
		fprintf(out, "udpwhy_drops_total{direction=\"other\",stage=\"other\",reason=\"other\"} %" PRIu64 "\n",
			m->drops_unlisted);
}

static void print_lost(FILE *out, const struct uw_totals *t)
{
	static const char name[] = "udpwhy_lost_total";

	head(out, name, "counter", "What udpwhy itself did not see or could not keep or write.");
#define SKIP(stat, text)
#define LOST(stat, text)                                                                           \
	fprintf(out, "%s{what=\"%s\"} %" PRIu64 "\n", name, uw_loss_name(#stat), t->stats[UW_STAT_##stat]);
	UW_STATS_LIST(SKIP, LOST)
#undef LOST
#undef SKIP
	fprintf(out, "%s{what=\"recursion\"} %" PRIu64 "\n", name, t->recursion_misses);
	fprintf(out, "%s{what=\"netlink\"} %" PRIu64 "\n", name, t->netlink_lost);
	fprintf(out, "%s{what=\"output\"} %" PRIu64 "\n", name, t->output_lost);
	head(out, "udpwhy_suppressed_total", "counter", "Bad queries that were counted but not told one by one.");
	fprintf(out, "udpwhy_suppressed_total %" PRIu64 "\n", t->suppressed);
}

void uw_metrics_print(struct uw_metrics *m, FILE *out, const struct uw_totals *t,
		      const struct uw_flow *const *flows, unsigned count, const struct uw_clock *clock)
{
	const struct series *s;

	add_up(m, flows, count);
	head(out, "udpwhy_build_info", "gauge", "Always 1; what runs here.");
	fprintf(out, "udpwhy_build_info{version=\"%s\"} 1\n", UW_VERSION);
	head(out, "udpwhy_queries_total", "counter", "Queries by verdict.");
	print_verdicts(m, out, "udpwhy_queries_total", false);
	head(out, "udpwhy_revised_total", "counter", "Queries whose verdict a later answer took back, by that verdict.");
	print_verdicts(m, out, "udpwhy_revised_total", true);
	print_attempts(m, out);
	print_last_good(m, out, clock);
	head(out, "udpwhy_round_trip_seconds", "histogram", "Round trips of queries that were answered in time.");
	for (s = m->head; s; s = s->hh.next)
		print_histogram(s, out);
	print_drops(m, out);
	print_lost(out, t);
}
