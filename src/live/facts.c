// SPDX-License-Identifier: GPL-2.0-only
#include "live/facts.h"

#include <stdio.h>
#include <string.h>

#include "live/droppoint.h"
#include "live/process.h"

static bool drop_is_sound(const struct uw_drop *d)
{
	return d->mark < UW_STAGES && d->filter <= UW_FILTER_OWN && d->ct <= UW_CT_CONFIRMED &&
	       d->untranslated <= UW_NAT_ALL &&
	       memchr(d->ifname, 0, UW_IFNAME);
}

const char *uw_record_check(const void *data, size_t size)
{
	const struct uw_record *r = data;
	unsigned i;

	if (size < sizeof(*r) || r->size != sizeof(*r))
		return "size";
	if (r->version != UW_RECORD_VERSION)
		return "version";
	if (r->kind < UW_RECORD_QUERY || r->kind > UW_RECORD_TCP)
		return "kind";
	if (r->key.quota >= UW_QUOTAS)
		return "quota";
	if (r->key.family != 4 && r->key.family != 6)
		return "address family";
	if (r->key.protocol != UW_PROTO_NTP && r->key.protocol != UW_PROTO_DNS)
		return "protocol";
	if (r->tcp_retry >= UW_TCPS)
		return "TCP";
	if (r->stage[UW_REQUEST] >= UW_STAGES || r->stage[UW_REPLY] >= UW_STAGES)
		return "stage";
	if (r->earlier[UW_REQUEST] > UW_EARLIER_MAX || r->earlier[UW_REPLY] > UW_EARLIER_MAX)
		return "drops";
	if (r->hops > UW_PATH_MAX || r->question_len > UW_QUESTION_MAX)
		return "length";
	for (i = 0; i < r->hops; i++) {
		if (r->path[i].dir >= UW_DIRS || !memchr(r->path[i].ifname, 0, UW_IFNAME))
			return "path";
	}
	if (!drop_is_sound(&r->drop[UW_REQUEST]) || !drop_is_sound(&r->drop[UW_REPLY]))
		return "drop";
	return memchr(r->task.comm, 0, UW_COMM) && memchr(r->task.exe, 0, UW_EXE) ? NULL : "process name";
}

/* The stack's frames as names, the tracer's own skipped; returns how many. */
static unsigned frame_names(const struct uw_facts *f, const struct uw_drop *d, const char *location,
			    const char *name[UW_STACK_MAX])
{
	unsigned n = 0, skip, i;

	while (n < UW_STACK_MAX && d->stack[n]) {
		name[n] = NULL;
		if (f->symbols && !uw_ksym_find(f->symbols, d->stack[n], &name[n], NULL))
			name[n] = NULL;
		n++;
	}
	skip = uw_drop_skip(location, name, n);
	for (i = 0; i + skip < n; i++)
		name[i] = name[i + skip];
	return n - skip;
}

/* One of several copies: sent to a group or to all. */
static bool is_flooded(const struct uw_query_key *k)
{
	if (k->family == 6)
		return k->server.b[0] == 0xff;
	return k->server.b[0] >> 4 == 0xe || (k->server.b[0] & k->server.b[1] & k->server.b[2] & k->server.b[3]) == 0xff;
}

/* In a driver's hands a freed packet is a sent one, unless the driver said otherwise of it. */
static bool is_loss(const struct uw_drop *d, enum uw_drop_class class)
{
	return class != UW_DROP_NOT && (class != UW_DROP_DRIVER || d->mark == UW_STAGE_DEVICE);
}

/* What the names of a drop's place and reason say of it. */
static enum uw_drop_class drop_names(const struct uw_facts *f, const struct uw_query_key *k, enum uw_dir dir,
				     const struct uw_drop *d, struct uw_drop_fact *fact)
{
	const char *frame[UW_STACK_MAX], *location = NULL;
	struct uw_drop_names names;
	struct uw_drop_point point;
	uint64_t offset = 0;

	if (d->reason)
		uw_reason_name(f->reasons, d->reason, fact->reason, sizeof(fact->reason));
	if (f->symbols && uw_ksym_find(f->symbols, d->location, &location, &offset))
		snprintf(fact->location, sizeof(fact->location), "%.*s+0x%llx",
			 (int)uw_ksym_base_length(location), location, (unsigned long long)offset);
	else
		location = NULL;
	names = (struct uw_drop_names){
		.location = location, .frame = frame, .reason = fact->reason, .dir = dir, .mark = d->mark,
		.filter = d->filter,
		.frames = frame_names(f, d, location, frame), .flooded = is_flooded(k),
	};
	uw_drop_point(&names, &point);
	fact->stage = point.stage;
	snprintf(fact->hook, sizeof(fact->hook), "%s", point.hook);
	snprintf(fact->engine, sizeof(fact->engine), "%s", point.engine);
	return point.class;
}

/* The direction's loss is the last one; @d may be the end of a copy that nobody waited for. */
static void drop_fact(const struct uw_facts *f, const struct uw_drop *d, enum uw_dir dir, struct uw_query *q)
{
	struct uw_drop_fact fact = { .seen = true, .dir = dir };
	enum uw_drop_class class;

	class = drop_names(f, &q->key, dir, d, &fact);
	if (!is_loss(d, class) && !d->sole) {
		if (dir == UW_REQUEST)
			q->dropped -= d->copies < q->dropped ? d->copies : q->dropped;
		return;
	}
	if (q->drop[dir].seen && q->drop[dir].when_ns > d->when_ns)
		return;
	if (class == UW_DROP_UNREAD && dir == UW_REPLY)
		q->flags |= UW_Q_UNREAD;
	/* A kernel without reasons (before 5.17) does not tell a closed socket from UDP's other drops. */
	if (!d->reason && dir == UW_REPLY && fact.stage == UW_STAGE_UDP)
		q->gaps |= UW_GAP_BIT(UW_GAP_OLD_KERNEL);
	fact.when_ns = d->when_ns;
	fact.netns = d->netns;
	fact.ct = d->ct;
	fact.untranslated = d->untranslated;
	fact.rcvbuf = d->rcvbuf;
	fact.rmem = d->rmem;
	fact.rule_traced = f->nft_trace;
	/* Before 6.7 only this tells nftables' drops from others: the hook's caller frees them all. */
	if (f->nft_trace && fact.hook[0] &&
	    uw_nft_trace_tell(f->nft_trace, d->rule, d->when_ns, fact.rule, sizeof(fact.rule)))
		snprintf(fact.engine, sizeof(fact.engine), "nftables");
	memcpy(fact.ifname, d->ifname, sizeof(fact.ifname));
	q->drop[dir] = fact;
}

static void drop_facts(const struct uw_facts *f, const struct uw_record *r, enum uw_dir dir, struct uw_query *q)
{
	struct uw_earlier_key k = { .id = r->id, .dir = dir };
	struct uw_drop d;

	if (r->drop[dir].when_ns)
		drop_fact(f, &r->drop[dir], dir, q);
	for (k.number = 0; k.number < r->earlier[dir]; k.number++) {
		if (f->earlier && f->earlier(f->earlier_arg, &k, &d) && drop_is_sound(&d))
			drop_fact(f, &d, dir, q);
		else
			q->gaps |= UW_GAP_BIT(UW_GAP_RECORDS_LOST);
	}
}

/* Copies of which a part left and a part was freed here: they did not leave. */
static void torn_fact(const struct uw_record *r, struct uw_query *q)
{
	unsigned torn = r->torn < q->on_wire ? r->torn : q->on_wire;

	if (!torn || !q->drop[UW_REQUEST].seen)
		return;
	q->on_wire -= torn;
	q->dropped += torn;
	if (q->on_wire)
		return;
	q->flags &= ~UW_Q_OUTSIDE;
	q->wire_out_ns = 0;
}

/* One copy of the last attempt left, another did not, nor was it freed; or nobody knows. */
static bool copies_differ(const struct uw_record *r)
{
	bool out = false, in = r->flags & UW_Q_MANY_COPIES;

	for (unsigned i = 0; i < UW_COPIES; i++) {
		out |= r->copy[i] & UW_COPY_OUT;
		in |= r->copy[i] && !(r->copy[i] & UW_COPY_OUT);
	}
	return out && in;
}

/* All but their names comes from the kernel, at the time of the send: the process may be gone. */
static void who_fact(const struct uw_facts *f, struct uw_query *q)
{
	uw_process_executable("/proc", &q->task, q->executable);
	if (!q->task.pid)
		q->flags |= UW_Q_NO_OWNER;
	if (!f->who)
		return;
	uw_who_netns(f->who, q->netns, q->netns_name);
	if (q->flags & UW_Q_NO_OWNER)
		return;
	uw_who_user(f->who, q->task.uid, q->user);
	uw_who_cgroup(f->who, q->task.cgroup, q->cgroup);
}

void uw_facts_query(const struct uw_facts *f, const struct uw_record *r, struct uw_query *q)
{
	memset(q, 0, sizeof(*q));
	q->id = r->id;
	q->run = f->run;
	q->revision = 1;
	q->key = r->key;
	q->flags = r->flags;
	q->netns = r->netns;
	q->task = r->task;
	q->send_ns = r->send_ns;
	q->wire_out_ns = r->on_wire || r->flags & UW_Q_OUTSIDE ? r->wire_out_ns : 0;
	q->wire_in_ns = r->wire_in_ns;
	q->input_ns = r->input_ns;
	q->queued_ns = r->queued_ns;
	q->read_ns = f->reads_seen ? r->read_ns : r->queued_ns;
	q->server_queued_ns = r->server_queued_ns;
	q->server_read_ns = r->server_read_ns;
	q->reply_out_ns = r->reply_out_ns;
	q->times = r->times;
	q->timeout_ns = f->timeout_ns;
	q->send_errno = r->send_errno;
	q->attempts = r->attempts;
	q->on_wire = r->on_wire;
	q->dropped = r->dropped;
	q->replies = r->replies;
	q->stage_reached[UW_REQUEST] = r->stage[UW_REQUEST];
	q->stage_reached[UW_REPLY] = r->stage[UW_REPLY];
	q->icmp = r->icmp;
	q->answer = r->answer;
	q->nat = r->nat;
	q->outer = r->outer;
	q->hops = r->hops;
	memcpy(q->path, r->path, sizeof(q->path));
	q->server_pid = r->server_pid;
	q->question_hash = r->question_hash;
	q->question_len = r->question_len;
	memcpy(q->question, r->question, sizeof(q->question));
	q->copy_inside = copies_differ(r);
	q->reply_inside = r->reply_inside > 0;
	drop_facts(f, r, UW_REQUEST, q);
	drop_facts(f, r, UW_REPLY, q);
	torn_fact(r, q);
	who_fact(f, q);
	if (r->kind == UW_RECORD_STRAY) {
		q->send_ns = 0;	/* its request was never seen */
		q->gaps = UW_GAP_BIT(UW_GAP_STARTED_AFTER_REQUEST);
	}
}
