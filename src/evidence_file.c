// SPDX-License-Identifier: GPL-2.0-only
#include "evidence_file.h"

#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "core/text_safe.h"
#include "evidence.h"

#define A_SECOND 1000	/* packets: a storm of drops must not keep us from reading the ring */

struct uw_evidence_file {
	struct uw_pcapng_out *out;
	const struct uw_clock *clock;
	int map, error;
	uint64_t second, written, left_out;
	unsigned this_second;
};

int uw_evidence_open(const char *path, int map, const struct uw_clock *clock, struct uw_evidence_file **out,
		     char error[UW_PCAPNG_WRITE_ERROR])
{
	struct uw_evidence_file *e = calloc(1, sizeof(*e));
	int err;

	if (!e) {
		snprintf(error, UW_PCAPNG_WRITE_ERROR, "out of memory");
		return -1;
	}
	e->map = map;
	e->clock = clock;
	err = uw_pcapng_out_new(path, UW_PCAPNG_FILE_BYTES, &e->out, error);
	if (err) {
		free(e);
		return err;
	}
	*out = e;
	return 0;
}

/* "query.id=b3f1-0000002a reply: reply_dropped, fault local, stage nf_input, ..." */
static void comment_on(const struct uw_query *q, uint32_t dir, char buf[UW_PCAPNG_COMMENT])
{
	const struct uw_drop_fact *d = q->decisive_drop;
	char who[160];
	int n;

	uw_safe_text(q->executable, strlen(q->executable), who, sizeof(who));
	n = snprintf(buf, UW_PCAPNG_COMMENT, "udpwhy query.id=%04x-%08llx revision=%u %s verdict=%s fault=%s stage=%s",
		     q->run & 0xffff, (unsigned long long)q->id, q->revision, dir == UW_REPLY ? "reply" : "request",
		     uw_verdict_name(q->verdict), uw_fault_name(q->fault), uw_stage_name(q->stage));
	if (d && d->dir == dir)
		n += snprintf(buf + n, UW_PCAPNG_COMMENT - (size_t)n, " drop.reason=%s drop.location=%s%s%s",
			      d->reason, d->location, d->engine[0] ? " drop.engine=" : "", d->engine);
	if (who[0] && (size_t)n < UW_PCAPNG_COMMENT)
		snprintf(buf + n, UW_PCAPNG_COMMENT - (size_t)n, " process.executable.name=%s process.pid=%u", who,
			 q->task.pid);
}

static bool budget_takes(struct uw_evidence_file *e, uint64_t now_ns)
{
	uint64_t second = now_ns / 1000000000;

	if (second != e->second) {
		e->second = second;
		e->this_second = 0;
	}
	return e->this_second++ < A_SECOND;
}

static void write_packet(struct uw_evidence_file *e, const struct uw_query *q, uint32_t dir)
{
	struct uw_evidence_key key = { .id = q->id, .dir = dir };
	char comment[UW_PCAPNG_COMMENT], ifname[UW_EVIDENCE_IFNAME + 1] = "";
	struct uw_evidence v;
	struct uw_pcapng_packet p = { .bytes = v.bytes, .ifname = ifname, .comment = comment };

	if (bpf_map_lookup_elem(e->map, &key, &v) || !v.len || v.len > sizeof(v.bytes))
		return;
	bpf_map_delete_elem(e->map, &key);
	if (e->error || !budget_takes(e, q->judged_ns)) {
		e->left_out++;
		return;
	}
	memcpy(ifname, v.ifname, UW_EVIDENCE_IFNAME);
	comment_on(q, dir, comment);
	p.wall_ns = uw_clock_wall(e->clock, v.when_ns);
	p.len = v.len;
	p.wire_len = v.wire_len;
	p.ifindex = v.ifindex;
	p.netns = v.netns;
	p.out = v.out;
	e->error = uw_pcapng_out_packet(e->out, &p);
	if (e->error)
		e->left_out++;
	else
		e->written++;
}

void uw_evidence_query(struct uw_evidence_file *e, const struct uw_query *q)
{
	if (!e || !uw_query_is_bad(q))
		return;
	write_packet(e, q, UW_REQUEST);
	write_packet(e, q, UW_REPLY);
}

void uw_evidence_close(struct uw_evidence_file *e)
{
	int err;

	if (!e)
		return;
	err = uw_pcapng_out_free(e->out);
	if (err)
		fprintf(stderr, "udpwhy: --evidence: %s; %llu packets were not written\n", strerror(-err),
			(unsigned long long)e->left_out);
	else if (e->left_out)
		fprintf(stderr, "udpwhy: --evidence: %llu packets written, %llu left out (more than %d a second)\n",
			(unsigned long long)e->written, (unsigned long long)e->left_out, A_SECOND);
	free(e);
}
