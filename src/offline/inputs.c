// SPDX-License-Identifier: GPL-2.0-only
#include "offline/inputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "offline/join.h"

#define OPEN_MAX 1000000	/* queries open at once: some 600 MB */
#define HELD_MAX 2000000	/* queries of all files held for the join: likewise */
#define GOES_ON_NS 60000000000ull	/* no longer a pause is between two files of one capture */
#define OVERLAP_NS 1000000000ull

struct file {
	const char *path;
	bool capture;
	int place;		/* of the join, -1 none */
	struct uw_capture_counts span;
	struct uw_traffic *traffic;	/* of a capture, and of those that go on where it ends */
	struct file *goes_on;	/* the next file of the same capture */
	bool continues;
};

/* What reads one capture, in however many files. */
struct reading {
	struct uw_inputs *in;
	struct uw_match *match;
	struct uw_decode *decode;
	struct uw_traffic *traffic;
	int place;
};

struct uw_inputs {
	const struct uw_inputs_options *o;
	struct uw_inputs_counts counts;
	struct uw_jsonl *jsonl;
	struct uw_join *join;		/* NULL for a single file */
	struct file *file;
	int host_place[256];		/* of JSON lines, -1 none yet */
	const char *path;		/* of the lines that are read */
	bool again, stopped, failed;	/* again: a second reading, already counted */
};

static void complain(struct uw_inputs *in, const char *line)
{
	in->failed = true;
	in->o->sink.complain(in->o->sink.arg, line);
}

static void give(struct uw_inputs *in, int place, const struct uw_query *q, const struct uw_previous *previous)
{
	if (in->join && place >= 0) {
		if (uw_join_hold(in->join, (unsigned)place, q, previous))
			return;
		in->counts.lost++;
	}
	in->o->sink.query(in->o->sink.arg, q, previous);
}

static void on_captured(void *arg, const struct uw_query *q)
{
	struct reading *r = arg;

	give(r->in, r->place, q, NULL);
}

static void on_line(void *arg, const struct uw_query *q, const struct uw_previous *previous)
{
	struct uw_inputs *in = arg;
	int *place = &in->host_place[q->host_number];

	if (in->join && *place < 0)
		*place = uw_join_place(in->join, q->host ? q->host : in->path, false);
	give(in, *place, q, previous);
}

static void on_rest(void *arg, const struct uw_flow *rest)
{
	struct uw_inputs *in = arg;

	in->o->sink.rest(in->o->sink.arg, rest);
}

static void on_window(void *arg, const struct uw_window *w)
{
	struct uw_inputs *in = arg;

	in->o->sink.window(in->o->sink.arg, w);
}

static void on_facts(void *arg, const struct uw_host_facts *facts)
{
	struct uw_inputs *in = arg;

	in->o->sink.facts(in->o->sink.arg, facts);
}

static bool on_progress(void *arg, const struct uw_capture_progress *p)
{
	struct uw_inputs *in = arg;

	in->stopped = in->o->sink.progress && !in->o->sink.progress(in->o->sink.arg, p);
	return !in->stopped;
}

static void on_complaint(void *arg, const char *line)
{
	complain(arg, line);
}

/* ---- captures ---- */

static int reading_open(struct reading *r, struct uw_inputs *in, const struct file *f)
{
	int place = f->place;

	const struct uw_match_options m = { .timeout_ns = in->o->timeout_ns, .run = in->o->run + (unsigned)(place + 1),
					    .open_max = OPEN_MAX };

	*r = (struct reading){ .in = in, .traffic = f->traffic, .place = place };
	if (uw_match_new(&m, on_captured, r, &r->match))
		return -ENOMEM;
	r->decode = uw_decode_new(in->o->ports, in->o->port_count, r->match, f->traffic);
	return r->decode ? 0 : -ENOMEM;
}

static void reading_close(struct reading *r)
{
	struct uw_match_counts *t = &r->in->counts.match;
	const struct uw_match_counts *m;

	if (r->decode) {
		uw_match_end(r->match);
		r->in->counts.lost += uw_decode_lost(r->decode);
		m = uw_match_counts(r->match);
		t->unmatched += m->unmatched;
		t->duplicates += m->duplicates;
		t->conflicting += m->conflicting;
		t->captured_twice += m->captured_twice;
		t->cut += m->cut;
		t->icmp += m->icmp;
		t->given_up += m->given_up;
	}
	uw_decode_free(r->decode);
	uw_match_free(r->match);
}

static int read_into(struct reading *r, struct file *f, struct uw_source *s, char *error)
{
	const struct uw_capture_options c = { .filter = r->in->o->filter, .progress = on_progress, .arg = r->in };
	struct uw_capture_counts *counts = &r->in->counts.captured;
	int err;

	f->span = (struct uw_capture_counts){ 0 };
	err = uw_capture_read(s, &c, r->decode, &f->span, error);
	uw_traffic_captured(r->traffic, f->span.last_ns);
	if (!r->in->again) {
		counts->frames += f->span.frames;
		counts->bytes += f->span.bytes;
		counts->filtered += f->span.filtered;
	}
	return err;
}

static int read_capture(struct uw_inputs *in, struct file *f, struct uw_source *s, char *error)
{
	struct reading r;
	int err;

	f->capture = true;
	f->place = in->join ? uw_join_place(in->join, f->path, true) : -1;
	err = reading_open(&r, in, f);
	if (err)
		uw_source_fail(s, error, err, "out of memory");
	else
		err = read_into(&r, f, s, error);
	reading_close(&r);
	if (f->place >= 0 && f->span.frames)
		uw_join_span(in->join, (unsigned)f->place, f->span.first_ns, f->span.last_ns);
	return err;
}

static void read_file(struct uw_inputs *in, struct file *f)
{
	char error[UW_SOURCE_ERROR];
	struct uw_source s;
	int err = uw_source_open(&s, f->path, error);

	if (err) {
		complain(in, error);
		return;
	}
	in->path = f->path;
	err = s.kind == UW_SOURCE_JSON ? uw_jsonl_read(in->jsonl, &s, error) : read_capture(in, f, &s, error);
	uw_source_close(&s);
	if (err < 0)
		complain(in, error);
	else if (err)
		in->o->sink.complain(in->o->sink.arg, error);
}

/* ---- one capture in several files ---- */

static int by_first(const void *a, const void *b)
{
	const struct file *x = *(struct file *const *)a, *y = *(struct file *const *)b;

	return (x->span.first_ns > y->span.first_ns) - (x->span.first_ns < y->span.first_ns);
}

static bool follows(const struct uw_inputs *in, const struct file *a, const struct file *b)
{
	return !a->goes_on && b->span.first_ns + OVERLAP_NS >= a->span.last_ns &&
	       b->span.first_ns <= a->span.last_ns + GOES_ON_NS &&
	       !uw_join_related(in->join, (unsigned)a->place, (unsigned)b->place);
}

static unsigned find_chains(struct uw_inputs *in, struct file **sorted)
{
	unsigned i, k, n = 0, found = 0;

	for (i = 0; i < in->o->files; i++) {
		if (in->file[i].capture && in->file[i].place >= 0 && in->file[i].span.frames)
			sorted[n++] = &in->file[i];
	}
	if (n)
		qsort(sorted, n, sizeof(struct file *), by_first);
	for (i = 1; i < n; i++) {
		for (k = i; k > 0 && !sorted[i]->continues; k--) {
			if (!follows(in, sorted[k - 1], sorted[i]))
				continue;
			sorted[k - 1]->goes_on = sorted[i];
			sorted[i]->continues = true;
			found++;
		}
	}
	return found;
}

/* What one file's end and the next one's beginning hold of a query is put together by reading them in a row. */
static void read_chain(struct uw_inputs *in, struct file *first)
{
	char error[UW_SOURCE_ERROR];
	struct uw_source s;
	struct reading r;
	struct file *f;

	for (f = first; f; f = f->goes_on)
		uw_join_empty(in->join, (unsigned)f->place);
	uw_traffic_clear(first->traffic);
	if (reading_open(&r, in, first)) {
		complain(in, "out of memory");
		reading_close(&r);
		return;
	}
	for (f = first; f && !in->stopped; f = f->goes_on) {
		if (uw_source_open(&s, f->path, error))
			continue;
		read_into(&r, f, &s, error); /* what is wrong with it has been said */
		uw_source_close(&s);
		uw_join_span(in->join, (unsigned)first->place, f->span.first_ns, f->span.last_ns);
	}
	reading_close(&r);
}

static bool readable_again(const struct file *first)
{
	const struct file *f;

	for (f = first; f; f = f->goes_on) {
		if (!strcmp(f->path, "-"))
			return false;
	}
	return true;
}

static void read_chains(struct uw_inputs *in)
{
	struct file **sorted = calloc(in->o->files, sizeof(*sorted));
	unsigned i;

	if (!sorted || !find_chains(in, sorted)) {
		free(sorted);
		return;
	}
	in->again = true;
	memset(&in->counts.match, 0, sizeof(in->counts.match));
	for (i = 0; i < in->o->files; i++) {
		struct file *f = &in->file[i];

		if (f->goes_on && !f->continues && readable_again(f))
			read_chain(in, f);
	}
	free(sorted);
}

/* ---- the whole ---- */

int uw_inputs_read(struct uw_inputs *in)
{
	unsigned i;

	for (i = 0; i < in->o->files && !in->stopped; i++)
		read_file(in, &in->file[i]);
	if (in->join && !in->stopped)
		read_chains(in);
	if (in->stopped)
		return in->failed ? -EIO : 0;
	if (in->join) {
		if (uw_join_run(in->join))
			complain(in, "out of memory: the files were not joined");
		uw_join_give(in->join, in->o->sink.query, in->o->sink.arg);
	}
	uw_jsonl_end(in->jsonl, &in->counts.sums);
	return in->failed ? -EIO : 0;
}

/* One capture in however many files, and nothing beside it: its times are those of all queries. */
static const struct uw_traffic *lone_traffic(const struct uw_inputs *in)
{
	const struct uw_traffic *found = NULL;
	unsigned i;

	for (i = 0; i < in->o->files; i++) {
		if (in->file[i].continues)
			continue;
		if (found || !in->file[i].capture)
			return NULL;
		found = in->file[i].traffic;
	}
	return found;
}

const struct uw_inputs_counts *uw_inputs_counts(const struct uw_inputs *in)
{
	return &in->counts;
}

const struct uw_traffic *uw_inputs_traffic(const struct uw_inputs *in)
{
	const struct uw_vantage *v;
	unsigned i, count;

	if (!in->join)
		return in->file[0].traffic;
	v = uw_join_places(in->join, &count);
	for (i = 0; i < in->o->files; i++) {
		const struct file *f = &in->file[i];

		if (f->capture && !f->continues && f->place >= 0 && v[f->place].side == UW_VANTAGE_CLIENT)
			return f->traffic;
	}
	return lone_traffic(in);
}

const struct uw_vantage *uw_inputs_vantages(const struct uw_inputs *in, unsigned *count)
{
	*count = 0;
	return in->join ? uw_join_places(in->join, count) : NULL;
}

struct uw_inputs *uw_inputs_new(const struct uw_inputs_options *o)
{
	const struct uw_jsonl_sink lines = { .query = on_line, .rest = on_rest, .window = on_window,
					     .facts = on_facts, .progress = on_progress, .complain = on_complaint };
	struct uw_inputs *in = calloc(1, sizeof(*in));
	struct uw_jsonl_sink sink = lines;
	bool enough;
	unsigned i;

	if (!in)
		return NULL;
	sink.arg = in;
	in->o = o;
	in->file = calloc(o->files, sizeof(*in->file));
	in->jsonl = uw_jsonl_new(&sink, o->timeout_ns);
	in->join = o->files > 1 ? uw_join_new(HELD_MAX) : NULL;
	enough = in->file && in->jsonl && (o->files == 1 || in->join);
	for (i = 0; enough && i < o->files; i++) {
		in->file[i] = (struct file){ .path = o->file[i], .place = -1, .traffic = uw_traffic_new() };
		enough = in->file[i].traffic;
	}
	if (!enough) {
		uw_inputs_free(in);
		return NULL;
	}
	for (i = 0; i < sizeof(in->host_place) / sizeof(*in->host_place); i++)
		in->host_place[i] = -1;
	return in;
}

void uw_inputs_free(struct uw_inputs *in)
{
	unsigned i;

	if (!in)
		return;
	for (i = 0; in->file && i < in->o->files; i++)
		uw_traffic_free(in->file[i].traffic);
	uw_join_free(in->join);
	uw_jsonl_free(in->jsonl);
	free(in->file);
	free(in);
}
