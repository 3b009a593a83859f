/* SPDX-License-Identifier: GPL-2.0-only */
/* Two vantage points: where between them something was lost, and what their clocks showed. */
#include <string.h>

#include "sink/text_parts.h"

static void add_place(struct uw_line *l, const char *place)
{
	const char *slash = strrchr(place, '/');
	const char *name = slash && slash[1] ? slash + 1 : place;

	uw_line_bytes(l, name, strlen(name), UW_NAME_COLUMNS);
}

bool uw_text_far_fault(struct uw_line *l, const struct uw_query *q)
{
	const struct uw_far *f = &q->far;

	switch (f->outcome) {
	case UW_FAR_REQUEST_LOST:
		uw_line_add(l, "REQUEST LOST BETWEEN CLIENT AND SERVER. It left here and did not come by at ");
		add_place(l, f->place);
		break;
	case UW_FAR_REPLY_LOST:
		uw_line_add(l, "REPLY LOST BETWEEN SERVER AND CLIENT. It came by at ");
		add_place(l, f->place);
		if (f->reply_ns > f->request_ns && f->request_ns) {
			uw_line_add(l, ", ");
			uw_line_duration(l, f->reply_ns - f->request_ns);
			uw_line_add(l, " after the request,");
		}
		uw_line_add(l, " and did not come here");
		break;
	case UW_FAR_NO_REPLY:
		uw_line_add(l, "BEYOND THE FAR END. The request came by at ");
		add_place(l, f->place);
		uw_line_add(l, ", a reply did not");
		break;
	default:
		return false;
	}
	uw_line_add(l, ".");
	return true;
}

void uw_text_far_seen(const struct uw_text_out *o, const struct uw_query *q)
{
	struct uw_line l = {0};

	if (q->far.outcome != UW_FAR_ANSWERED || q->fault != UW_FAULT_LOCAL)
		return;
	uw_line_add(&l, "request and reply came by at ");
	add_place(&l, q->far.place);
	uw_line_add(&l, ": the server did answer");
	uw_text_labelled(o, "far end", l.text);
}

void uw_text_far_flow(struct uw_line *l, const struct uw_flow *f)
{
	if (!f->far.seen)
		return;
	uw_line_add(l, "%sseen from both ends: %llu" UW_NBSP "%s lost between client and server, %llu" UW_NBSP
		    "%s between server and client", l->len ? " · " : "",
		    (unsigned long long)f->far.requests_lost, f->far.requests_lost == 1 ? "request" : "requests",
		    (unsigned long long)f->far.replies_lost, f->far.replies_lost == 1 ? "reply" : "replies");
	if (f->far.no_reply)
		uw_line_add(l, ", %llu" UW_NBSP "not answered at the far end", (unsigned long long)f->far.no_reply);
}

static void add_clock(struct uw_line *l, const struct uw_vantage *v)
{
	uint64_t off = (uint64_t)(v->offset_ns < 0 ? -v->offset_ns : v->offset_ns);

	uw_line_add(l, ", its clock ");
	uw_line_duration(l, off);
	uw_line_add(l, " %s that of ", v->offset_ns < 0 ? "behind" : "ahead of");
	add_place(l, v->clock_of);
	if (v->error_ns) {
		uw_line_add(l, " ±");
		uw_line_duration(l, v->error_ns);
	} else {
		uw_line_add(l, " at the most (no reply was seen at both)");
	}
	if (v->drift > 1e-7 || v->drift < -1e-7)
		uw_line_add(l, ", %s %.1f" UW_NBSP "ppm", v->drift < 0 ? "losing" : "gaining",
			    (v->drift < 0 ? -v->drift : v->drift) * 1e6);
}

static void print_place(const struct uw_text_out *o, const struct uw_vantage *v)
{
	static const char *const sides[] = {
		[UW_VANTAGE_ALONE] = "nothing in common with the others",
		[UW_VANTAGE_CLIENT] = "the clients' end", [UW_VANTAGE_SERVER] = "the servers' end",
		[UW_VANTAGE_BOTH] = "now the clients' end, now the servers'",
	};
	struct uw_line l = {0};

	add_place(&l, v->place);
	uw_line_add(&l, ": %s, %llu of %llu" UW_NBSP "queries joined", sides[v->side],
		    (unsigned long long)v->joined, (unsigned long long)v->queries);
	if (v->clock_of)
		add_clock(&l, v);
	uw_text_print(o, "  ", UW_PLAIN, 4, l.text);
}

void uw_text_vantages(const struct uw_text_out *o, const struct uw_totals *t)
{
	if (!t->vantages)
		return;
	fputs("\n  vantage points\n", o->out);
	for (unsigned i = 0; i < t->vantages; i++) {
		if (t->vantage[i].queries)
			print_place(o, &t->vantage[i]);
	}
}
