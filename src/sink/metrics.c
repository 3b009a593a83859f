// SPDX-License-Identifier: GPL-2.0-only
#include "sink/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "core/hash.h"

#define DIAGNOSES 64	/* ids, each with three confidences */
#define DROPS 256	/* kinds of drops with series of their own; all that a kernel has are fewer */

/* What is counted together: who asks, and from which port of those in a class, is left to the records. */
struct key {
	struct uw_addr server;
	uint16_t port;
	uint8_t family, protocol, role, fixed, other, pad;
};

_Static_assert(sizeof(struct key) == 24, "hashed as bytes: no implicit padding");

struct sums {
	uint64_t count[UW_VERDICTS], revised[UW_VERDICTS], rtt[UW_RTT_BUCKETS];
	uint64_t attempts, duplicate, last_good_ns;
};

struct series {
	struct key key;
	struct sums now, left;	/* left: of flows that left the table */
	unsigned windows;	/* open loss windows that it is in */
	UT_hash_handle hh;
};

struct drops {
	enum uw_stage stage;
	enum uw_dir dir;
	char reason[64];
	uint64_t count, left;
};

/* How many hold, by what they say. */
struct diagnoses {
	const char *id;
	enum uw_confidence confidence;
	unsigned count;
};

struct uw_metrics {
	struct series *head;
	unsigned servers;
	struct drops drop[DROPS];
	unsigned drops;
	uint64_t drops_unlisted, drops_left;	/* left: as in a series */
	struct diagnoses diagnosis[DIAGNOSES];
	unsigned diagnoses;
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

static void add_flow(struct sums *s, const struct uw_flow *f)
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

/* Once it was seen, a kind keeps its place: counters must not vanish. NULL: too many. */
static struct drops *drops_of(struct uw_metrics *m, const struct uw_flow_drop *d)
{
	struct drops *kind;

	for (kind = m->drop; kind < m->drop + m->drops; kind++) {
		if (kind->stage == d->stage && kind->dir == d->dir && !strcmp(kind->reason, d->reason))
			return kind;
	}
	if (m->drops == DROPS)
		return NULL;
	m->drops++;
	*kind = (struct drops){ .stage = d->stage, .dir = d->dir };
	memcpy(kind->reason, d->reason, sizeof(kind->reason));
	return kind;
}

static void reset(struct uw_metrics *m)
{
	struct series *s;
	unsigned i;

	for (s = m->head; s; s = s->hh.next) {
		s->now = s->left;
		s->windows = 0;
	}
	for (i = 0; i < m->drops; i++)
		m->drop[i].count = m->drop[i].left;
	m->drops_unlisted = m->drops_left;
}

static void add_up(struct uw_metrics *m, const struct uw_flow *const *flows, unsigned count)
{
	unsigned i, n;

	reset(m);
	for (i = 0; i < count; i++) {
		const struct uw_flow *f = flows[i];
		struct series *s;

		/* What "other" has is that of flows that left. */
		if (uw_flow_is_other(&f->id))
			continue;
		s = series_of(m, &f->id);
		if (s)
			add_flow(&s->now, f);
		for (n = 0; n < f->drops; n++) {
			struct drops *kind = drops_of(m, &f->drop[n]);

			*(kind ? &kind->count : &m->drops_unlisted) += f->drop[n].count;
		}
		m->drops_unlisted += f->drops_unlisted;
	}
}

void uw_metrics_left(struct uw_metrics *m, const struct uw_flow *f)
{
	struct series *s = series_of(m, &f->id);
	unsigned n;

	if (s)
		add_flow(&s->left, f);
	for (n = 0; n < f->drops; n++) {
		struct drops *kind = drops_of(m, &f->drop[n]);

		*(kind ? &kind->left : &m->drops_left) += f->drop[n].count;
	}
	m->drops_left += f->drops_unlisted;
}

/* --- windows and diagnoses --- */

void uw_metrics_diagnoses(struct uw_metrics *m, const struct uw_diagnosis *d, unsigned count)
{
	struct diagnoses *kind;
	unsigned i;

	for (i = 0; i < m->diagnoses; i++)
		m->diagnosis[i].count = 0;
	for (i = 0; i < count; i++) {
		for (kind = m->diagnosis; kind < m->diagnosis + m->diagnoses; kind++) {
			if (!strcmp(kind->id, d[i].id) && kind->confidence == d[i].confidence)
				break;
		}
		if (kind == m->diagnosis + DIAGNOSES)
			continue;
		if (kind == m->diagnosis + m->diagnoses) {
			m->diagnoses++;
			*kind = (struct diagnoses){ .id = d[i].id, .confidence = d[i].confidence };
		}
		kind->count++;
	}
}

/* The series that are in an open window; how many are open. */
static unsigned mark_windows(struct uw_metrics *m, const struct uw_window *const *windows, unsigned count)
{
	unsigned i, k, open = 0;

	for (i = 0; i < count; i++) {
		if (windows[i]->closed)
			continue;
		open++;
		for (k = 0; k < windows[i]->flows; k++) {
			struct series *s = windows[i]->flow[k].e.first_good_ns ?
						   NULL : series_of(m, &windows[i]->flow[k].id);

			if (s)
				s->windows++;
		}
	}
	return open;
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
			uint64_t n = revised ? s->now.revised[v] : s->now.count[v];

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
		fprintf(out, "} %" PRIu64 "\n", s->now.attempts);
	}
}

static void print_last_good(const struct uw_metrics *m, FILE *out, const struct uw_clock *clock)
{
	const struct series *s;

	head(out, "udpwhy_last_good_timestamp_seconds", "gauge", "When the last query with a good answer was sent.");
	for (s = m->head; s; s = s->hh.next) {
		if (!s->now.last_good_ns)
			continue;
		labels(out, "udpwhy_last_good_timestamp_seconds", &s->key);
		fprintf(out, "} %.3f\n", (double)uw_clock_wall(clock, s->now.last_good_ns) / 1e9);
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
		below += s->now.rtt[i];
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

static void print_windows(const struct uw_metrics *m, FILE *out, const struct uw_metrics_now *now, unsigned open)
{
	const struct series *s;

	head(out, "udpwhy_loss_windows_total", "counter", "Loss windows that opened.");
	fprintf(out, "udpwhy_loss_windows_total %" PRIu64 "\n", now->windows_opened);
	head(out, "udpwhy_loss_windows_open", "gauge", "Loss windows that are open just now.");
	fprintf(out, "udpwhy_loss_windows_open %u\n", open);
	head(out, "udpwhy_in_loss_window", "gauge", "Flows of a server that are in an open loss window.");
	for (s = m->head; s; s = s->hh.next) {
		if (s->key.role != UW_ROLE_CLIENT && s->key.role != UW_ROLE_FORWARDER)
			continue;
		labels(out, "udpwhy_in_loss_window", &s->key);
		fprintf(out, "} %u\n", s->windows);
	}
}

static void print_diagnoses(const struct uw_metrics *m, FILE *out)
{
	unsigned i;

	head(out, "udpwhy_diagnoses", "gauge", "Diagnoses that held when the flows were looked at last.");
	for (i = 0; i < m->diagnoses; i++)
		fprintf(out, "udpwhy_diagnoses{diagnosis=\"%s\",confidence=\"%s\"} %u\n", m->diagnosis[i].id,
			uw_confidence_name(m->diagnosis[i].confidence), m->diagnosis[i].count);
}

void uw_metrics_print(struct uw_metrics *m, FILE *out, const struct uw_metrics_now *now, const struct uw_clock *clock)
{
	const struct series *s;
	unsigned open;

	add_up(m, now->flows, now->flow_count);
	open = mark_windows(m, now->windows, now->window_count);
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
	print_windows(m, out, now, open);
	print_diagnoses(m, out);
	print_lost(out, now->totals);
}
