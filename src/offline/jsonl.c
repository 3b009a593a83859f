// SPDX-License-Identifier: GPL-2.0-only
#include "offline/jsonl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "offline/jsonl_query.h"
#include "offline/jsonl_run.h"

#define LINE_MAX_BYTES (256u << 10)	/* the longest of ours has some kilobytes */
#define BATCH 4096		/* lines between two looks at the progress */
#define COMPLAINTS 20		/* bad lines of a file that are told one by one */
#define REVISIONS_KEPT 1000000
#define STARTS_KEPT 4096
#define FLOWS 4096

/* What was last said of a query. */
struct said_key {
	uint64_t id;
	uint32_t run;
	uint32_t host;
};

struct said {
	struct said_key key;
	unsigned revision;
	struct uw_previous what;
	UT_hash_handle hh;
};

struct start {
	uint64_t when_ns;
	uint8_t host;
};

struct uw_jsonl {
	struct uw_jsonl_sink sink;
	uint64_t timeout_ns;
	struct uw_jsonl_run *run[UW_HOSTS_MAX];
	unsigned runs;
	struct said *said;
	struct start start[STARTS_KEPT];
	unsigned starts;
	struct uw_totals totals;	/* of the runs that are over */
	struct uw_jsonl_counts counts;
	struct uw_source *source;
	uint64_t line, bad;		/* of this file */
	char buf[LINE_MAX_BYTES];
	size_t len;
};

/* ---- runs ---- */

/* The run that a line is of; one that began before the file did has no start record. */
static struct uw_jsonl_run *run_of(struct uw_jsonl *j, struct uw_fields *f)
{
	const char *host = uw_field_text(f, "host.name");
	struct uw_jsonl_run *r;
	unsigned i;

	if (!host)
		host = "";
	for (i = 0; i < j->runs; i++) {
		if (!strncmp(j->run[i]->host, host, sizeof(j->run[i]->host) - 1))
			return j->run[i];
	}
	r = j->runs < UW_HOSTS_MAX ? calloc(1, sizeof(*r)) : NULL;
	if (!r) {
		uw_fields_fail(f, "lines of more than %u hosts", UW_HOSTS_MAX);
		return NULL;
	}
	snprintf(r->host, sizeof(r->host), "%s", host);
	r->timeout_ns = j->timeout_ns;
	j->run[j->runs++] = r;
	r->number = (uint8_t)j->runs;
	return r;
}

static bool started_before(struct uw_jsonl *j, const struct uw_jsonl_run *r)
{
	unsigned i;

	for (i = 0; i < j->starts; i++) {
		if (j->start[i].when_ns == r->started_ns && j->start[i].host == r->number)
			return true;
	}
	if (j->starts < STARTS_KEPT)
		j->start[j->starts++] = (struct start){ .when_ns = r->started_ns, .host = r->number };
	return false;
}

static void take_start(struct uw_jsonl *j, struct uw_fields *f, struct uw_jsonl_run *r)
{
	const char *command = uw_field_text(f, "command");
	struct uw_host_facts facts = {
		.ephemeral_low = (uint16_t)uw_field_uint(f, "ephemeral_ports.low", 65535),
		.ephemeral_high = (uint16_t)uw_field_uint(f, "ephemeral_ports.high", 65535),
	};
	uint64_t started, timeout_us = uw_field_uint(f, "timeout_us", INT64_MAX / 1000);

	uw_field_need(f, "time");
	started = uw_field_time(f, "time");
	if (f->failed)
		return;
	uw_jsonl_run_end(r, &j->totals, j->sink.rest, j->sink.arg);
	r->started_ns = started;
	r->timeout_ns = timeout_us ? timeout_us * 1000 : j->timeout_ns;
	r->captured = command && !strcmp(command, "analyze");
	r->repeated = started_before(j, r);
	if (facts.ephemeral_high)
		j->sink.facts(j->sink.arg, &facts);
}

/* ---- queries ---- */

static struct said *new_said(struct uw_jsonl *j, const struct said_key *key)
{
	struct said *s, *oldest = j->said;

	if (HASH_COUNT(j->said) >= REVISIONS_KEPT) {
		HASH_DELETE(hh, j->said, oldest);
		free(oldest);
		j->counts.forgotten++;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->key = *key;
	HASH_ADD(hh, j->said, key, sizeof(s->key), s);
	if (s->hh.tbl)
		return s;
	free(s);
	return NULL;
}

static void give_query(struct uw_jsonl *j, struct uw_fields *f, struct uw_jsonl_run *r, const struct uw_query *q)
{
	const struct said_key key = { .id = q->id, .run = q->run, .host = r->number };
	struct uw_previous previous;
	struct said *s;
	bool again;

	HASH_FIND(hh, j->said, &key, sizeof(key), s);
	if (s && s->revision >= q->revision)
		return; /* readers keep the highest */
	again = s != NULL;
	if (!s)
		s = new_said(j, &key);
	if (!r->told)
		r->told = uw_flow_table_new(FLOWS);
	if (!s || !r->told) {
		uw_fields_fail(f, "out of memory");
		return;
	}
	previous = s->what;
	s->revision = q->revision;
	s->what = (struct uw_previous){ .verdict = q->verdict, .fault = q->fault };
	uw_flow_add(r->told, q, false, again ? &previous.verdict : NULL);
	if (again && r->told_fault[previous.fault])
		r->told_fault[previous.fault]--;
	r->told_fault[q->fault]++;
	j->sink.query(j->sink.arg, q, again ? &previous : NULL);
}

static void take_query(struct uw_jsonl *j, struct uw_fields *f, struct uw_jsonl_run *r)
{
	struct uw_query q = {
		.host = r->host[0] ? r->host : NULL, .host_number = r->number, .timeout_ns = r->timeout_ns,
		.captured = r->captured,
	};

	uw_jsonl_query(f, &q);
	if (!f->failed)
		give_query(j, f, r, &q);
}

/* ---- flows, status, end ---- */

static void take_flow(struct uw_jsonl *j, struct uw_fields *f, struct uw_jsonl_run *r)
{
	struct uw_flow flow = { .id.host = r->number };

	(void)j;
	/* What that counts was in the last records of flows that left. */
	if (uw_field_bool(f, "other"))
		return;
	uw_jsonl_flow(f, &flow);
	if (!f->failed && uw_jsonl_run_keep(r, &flow))
		uw_fields_fail(f, "out of memory, or too many flows");
}

static void take_sums(struct uw_jsonl *j, struct uw_fields *f, struct uw_jsonl_run *r)
{
	struct uw_totals t = { 0 };
	unsigned i;

	(void)j;
	for (i = 0; i < UW_FAULTS; i++) {
		char key[32];

		snprintf(key, sizeof(key), "fault.%s", uw_fault_name(i));
		t.fault[i] = uw_field_uint(f, key, INT64_MAX);
	}
	t.suppressed = uw_field_uint(f, "suppressed", INT64_MAX);
	t.elapsed_ns = uw_field_uint(f, "elapsed_us", INT64_MAX / 1000) * 1000;
	t.stats[UW_STAT_requests] = uw_field_uint(f, "requests", INT64_MAX);
#define COUNTED(name, text) \
	if (uw_field_has(f, "stats." #name)) \
		t.stats[UW_STAT_##name] = uw_field_uint(f, "stats." #name, INT64_MAX);
#define LOST(name, text) t.stats[UW_STAT_##name] = uw_field_uint(f, "lost." #name, INT64_MAX);
	UW_STATS_LIST(COUNTED, LOST)
#undef LOST
#undef COUNTED
	t.stats[UW_STAT_ring_full] += uw_field_uint(f, "lost.ring", INT64_MAX / 2);
	t.stats[UW_STAT_server_table_full] += uw_field_uint(f, "lost.table_server", INT64_MAX / 2);
	t.stats[UW_STAT_forwarder_table_full] += uw_field_uint(f, "lost.table_forwarder", INT64_MAX / 2);
	t.stats[UW_STAT_table_full] += uw_field_uint(f, "lost.table", INT64_MAX / 2);
	t.stats[UW_STAT_update_failed] += uw_field_uint(f, "lost.update", INT64_MAX / 2);
	t.recursion_misses = uw_field_uint(f, "lost.recursion", INT64_MAX);
	t.netlink_lost = uw_field_uint(f, "lost.netlink", INT64_MAX);
	t.output_lost = uw_field_uint(f, "lost.output", INT64_MAX);
	t.nft_trace = uw_field_has(f, "rule_unknown");
	t.rule_unknown = uw_field_uint(f, "rule_unknown", INT64_MAX);
	t.command_ran = uw_field_has(f, "command.status");
	t.command_status = (int)uw_field_uint(f, "command.status", 65535);
	if (!f->failed)
		r->sums = t;
}

static void take_window(struct uw_jsonl *j, struct uw_fields *f, struct uw_jsonl_run *r)
{
	struct uw_window w = { .host = r->host[0] ? r->host : NULL, .host_number = r->number };
	unsigned i;

	uw_jsonl_window(f, &w);
	for (i = 0; i < w.flows; i++)
		w.flow[i].id.host = r->number;
	if (!f->failed)
		j->sink.window(j->sink.arg, &w);
}

/* A diagnosis is made anew, from what it was made of. */
static void pass_over(struct uw_jsonl *j, struct uw_fields *f, struct uw_jsonl_run *r)
{
	(void)j;
	(void)f;
	(void)r;
}

static const struct {
	const char *type;
	void (*take)(struct uw_jsonl *j, struct uw_fields *f, struct uw_jsonl_run *r);
} types[] = {
	{ "query", take_query },	  { "flow", take_flow }, { "start", take_start }, { "end", take_sums },
	{ "status", take_sums },	  { "diagnosis", pass_over }, { "window", take_window },
	{ "capability", pass_over }, { "doctor", pass_over },
};

/* ---- lines ---- */

static void take_object(struct uw_jsonl *j, struct uw_fields *f)
{
	const char *type;
	struct uw_jsonl_run *r;
	unsigned i;

	if (!json_is_object(f->object)) {
		uw_fields_fail(f, "not a JSON object");
		return;
	}
	uw_field_need(f, "type");
	uw_field_need(f, "v");
	type = uw_field_text(f, "type");
	if (uw_field_uint(f, "v", INT64_MAX) != 1)
		uw_fields_fail(f, "v is not 1: written by another version of udpwhy");
	if (f->failed)
		return;
	r = run_of(j, f);
	if (!r || (r->repeated && strcmp(type, "start")))
		return;
	for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (!strcmp(types[i].type, type)) {
			types[i].take(j, f, r);
			return;
		}
	}
	uw_fields_fail(f, "type is none of udpwhy's");
}

static void complain(struct uw_jsonl *j, const char *what)
{
	char line[UW_SOURCE_ERROR], at[32];

	j->bad++;
	j->counts.bad++;
	if (j->bad > COMPLAINTS)
		return;
	snprintf(at, sizeof(at), "%" PRIu64, j->line);
	uw_source_fail(j->source, line, 0, "line %s: %s", at, what);
	j->sink.complain(j->sink.arg, line);
}

static void take_line(struct uw_jsonl *j)
{
	struct uw_fields f = { 0 };
	json_error_t why;
	json_t *object;
	char text[UW_FIELDS_ERROR];

	if (strspn(j->buf, " \t\r") == j->len)
		return;
	object = json_loadb(j->buf, j->len, JSON_REJECT_DUPLICATES, &why);
	if (!object) {
		/* Only what jansson says of its own; it may quote the line. */
		snprintf(text, sizeof(text), "no JSON, at byte %d", why.position);
		complain(j, text);
		return;
	}
	f.object = object;
	take_object(j, &f);
	json_decref(object);
	if (f.failed)
		complain(j, f.error);
}

/* Return: false at the end of the file. An overlong line is passed over, and j->len is beyond its bounds. */
static bool get_line(struct uw_jsonl *j, FILE *in)
{
	size_t n = 0;
	int c;

	while ((c = getc_unlocked(in)) != EOF && c != '\n') {
		if (n < sizeof(j->buf) - 1)
			j->buf[n] = (char)c;
		n++;
	}
	j->len = n;
	j->buf[n < sizeof(j->buf) ? n : sizeof(j->buf) - 1] = '\0';
	return c != EOF || n;
}

static bool goes_on(struct uw_jsonl *j)
{
	struct uw_capture_progress p = { .done = uw_source_at(j->source), .total = j->source->size };

	return !j->sink.progress || j->sink.progress(j->sink.arg, &p);
}

int uw_jsonl_read(struct uw_jsonl *j, struct uw_source *source, char error[UW_SOURCE_ERROR])
{
	j->source = source;
	j->line = j->bad = 0;
	while (get_line(j, source->file)) {
		j->line++;
		j->counts.lines++;
		if (j->len >= sizeof(j->buf))
			complain(j, "longer than any line of udpwhy");
		else
			take_line(j);
		if (j->line % BATCH == 0 && !goes_on(j))
			return 0;
	}
	if (ferror(source->file))
		return uw_source_fail(source, error, -EIO,
				      "line %" PRIu64 ": cannot read on, the file or its compression is damaged; what came before it was analysed",
				      j->line + 1);
	if (j->bad)
		return uw_source_fail(source, error, -EBADMSG,
				      "%" PRIu64 " of %" PRIu64 " lines were bad and are left out", j->bad, j->line);
	return 0;
}

void uw_jsonl_end(struct uw_jsonl *j, struct uw_totals *sums)
{
	unsigned i;

	for (i = 0; i < j->runs; i++)
		uw_jsonl_run_end(j->run[i], &j->totals, j->sink.rest, j->sink.arg);
	uw_jsonl_sums_add(sums, &j->totals);
}

const struct uw_jsonl_counts *uw_jsonl_counts(const struct uw_jsonl *j)
{
	return &j->counts;
}

struct uw_jsonl *uw_jsonl_new(const struct uw_jsonl_sink *sink, uint64_t timeout_ns)
{
	struct uw_jsonl *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->sink = *sink;
	j->timeout_ns = timeout_ns;
	return j;
}

void uw_jsonl_free(struct uw_jsonl *j)
{
	struct said *s, *spare;
	unsigned i;

	if (!j)
		return;
	HASH_ITER(hh, j->said, s, spare) {
		HASH_DELETE(hh, j->said, s);
		free(s);
	}
	for (i = 0; i < j->runs; i++) {
		uw_jsonl_run_clear(j->run[i]);
		free(j->run[i]);
	}
	free(j);
}
