// SPDX-License-Identifier: GPL-2.0-only
/* The verdict: a pure function of a query's facts. The rulings are numbered as in the README. */
#include "core/query.h"

#include <string.h>

#include "config.h"

static bool answer_arrived(const struct uw_query *q)
{
	return q->read_ns || (q->flags & UW_Q_RAW && q->answer.when_ns);
}

/* An ICMP error that means "it did not get through"; too big is a note (ruling 5). */
static bool icmp_rejects(const struct uw_query *q)
{
	if (!q->icmp.seen)
		return false;
	if (q->key.family == 4)
		return q->icmp.type == 11 || q->icmp.type == 12 || (q->icmp.type == 3 && q->icmp.code != 4);
	return q->icmp.type == 1 || q->icmp.type == 3 || q->icmp.type == 4;
}

/* The request ended on this host: its receiver is here, or would be. */
static bool ended_here(const struct uw_query *q)
{
	unsigned i;

	if (q->flags & (UW_Q_SERVER_QUEUED | UW_Q_REPLY_SENT))
		return true;
	if (q->flags & UW_Q_OUTSIDE || q->on_wire)
		return false;
	if (q->stage_reached[UW_REQUEST] >= UW_STAGE_NF_INPUT)
		return true;
	for (i = 0; i < q->hops; i++) {
		if (q->path[i].dir == UW_REQUEST && !q->path[i].out)
			return q->path[i].loopback || q->drop[UW_REQUEST].stage >= UW_STAGE_NF_INPUT;
	}
	return false;
}

/* Copies that are neither beyond the wire nor freed: still somewhere in the host. */
static bool still_inside(const struct uw_query *q)
{
	return q->attempts > q->on_wire + q->dropped;
}

/* Its reply is past the last device, as far as was seen. */
static bool reply_is_out(const struct uw_query *q)
{
	return q->reply_out_ns && q->stage_reached[UW_REPLY] == UW_STAGE_WIRE_OUT &&
	       !(q->drop[UW_REPLY].seen && q->drop[UW_REPLY].when_ns >= q->reply_out_ns);
}

static bool visitor_open(const struct uw_query *q, uint64_t now_ns)
{
	if (now_ns < q->send_ns + q->timeout_ns)
		return true;
	if (q->flags & (UW_Q_OUTSIDE | UW_Q_SERVER_QUEUED | UW_Q_REPLY_SENT) || q->wire_in_ns || q->on_wire)
		return false;
	return still_inside(q) && now_ns < q->send_ns + UW_HOLD_NS;
}

bool uw_query_is_ours(const struct uw_query *q)
{
	return !(q->flags & UW_Q_FOR_ANOTHER) || q->drop[UW_REQUEST].hook[0];
}

enum uw_verdict uw_verdict_good(enum uw_role role)
{
	return role == UW_ROLE_SERVER ? UW_SERVED : role == UW_ROLE_FORWARDER ? UW_FORWARDED : UW_ANSWERED;
}

bool uw_query_open(const struct uw_query *q, uint64_t now_ns)
{
	if (q->key.quota != UW_QUOTA_CLIENT)
		return visitor_open(q, now_ns);
	if (q->flags & UW_Q_NO_PACKET || answer_arrived(q) || !(q->flags & UW_Q_LOCAL_SEND))
		return false;
	if (now_ns < q->send_ns + q->timeout_ns)
		return true;
	if (q->on_wire || q->flags & (UW_Q_OUTSIDE | UW_Q_SERVER_QUEUED) || q->wire_in_ns)
		return false;
	return still_inside(q) && now_ns < q->send_ns + UW_HOLD_NS;
}

void uw_query_copy(struct uw_query *to, const struct uw_query *from)
{
	const struct uw_drop_fact *d = from->decisive_drop;

	*to = *from;
	to->decisive_drop = NULL;
	if (d == &from->drop[UW_REQUEST] || d == &from->drop[UW_REPLY])
		to->decisive_drop = &to->drop[d - from->drop];
}

bool uw_query_is_bad(const struct uw_query *q)
{
	switch (q->verdict) {
	case UW_ANSWERED:
	case UW_SERVED:
	case UW_FORWARDED:
	case UW_SUPERSEDED:
		return false;
	default:
		return true;
	}
}

bool uw_tcp_failed(enum uw_tcp t)
{
	return t == UW_TCP_REFUSED || t == UW_TCP_UNREACHABLE || t == UW_TCP_TIMED_OUT;
}

bool uw_query_is_news(const struct uw_query *q)
{
	return uw_query_is_bad(q) || q->caused_by || uw_tcp_failed(q->tcp_retry);
}

uint64_t uw_query_duration_ns(const struct uw_query *q)
{
	uint64_t end = 0;

	if (q->verdict == UW_SERVED || q->verdict == UW_FORWARDED)
		end = q->reply_out_ns;
	else if (q->verdict == UW_ANSWERED || q->verdict == UW_REFUSED || q->verdict == UW_ANSWERED_LATE)
		end = q->queued_ns ? q->queued_ns : q->answer.when_ns ? q->answer.when_ns : q->wire_in_ns;
	else if (q->decisive_drop)
		end = q->decisive_drop->when_ns;
	else if (q->verdict == UW_REJECTED)
		end = q->icmp.when_ns;
	return end > q->send_ns && q->send_ns ? end - q->send_ns : 0;
}

static void decide(struct uw_query *q, enum uw_verdict v, enum uw_fault f, enum uw_stage s)
{
	q->verdict = v;
	q->fault = f;
	q->stage = s;
}

static void decide_drop(struct uw_query *q, enum uw_verdict v, enum uw_dir dir)
{
	decide(q, v, UW_FAULT_LOCAL, q->drop[dir].stage);
	q->decisive_drop = &q->drop[dir];
}

/* Nothing of the reply was on this host before the deadline. */
static bool reply_came_late(const struct uw_query *q)
{
	uint64_t came = q->wire_in_ns ? q->wire_in_ns : q->queued_ns;

	if (!came)
		came = q->drop[UW_REPLY].when_ns;
	if (!q->send_ns)
		return false;	/* a stray: nobody knows when it was asked for */
	return came > q->send_ns + q->timeout_ns || (q->abandoned_ns && came > q->abandoned_ns);
}

/* Ruling 2: the timeout, or that the asker gave up before it. */
static uint64_t deadline_of(const struct uw_query *q)
{
	uint64_t deadline = q->send_ns + q->timeout_ns;

	return q->abandoned_ns && q->abandoned_ns < deadline ? q->abandoned_ns : deadline;
}

/* It was kept here (a shaper, an unresolved neighbour) for longer than it then was away. */
static bool delayed_here(const struct uw_query *q)
{
	return q->attempts == 1 && q->wire_out_ns > q->send_ns && q->wire_in_ns > q->wire_out_ns &&
	       q->wire_out_ns - q->send_ns >= q->wire_in_ns - q->wire_out_ns;
}

static enum uw_fault late_fault(const struct uw_query *q)
{
	if (q->role == UW_ROLE_LOCAL || delayed_here(q))
		return UW_FAULT_LOCAL;
	return q->wire_in_ns && q->wire_in_ns < deadline_of(q) ? UW_FAULT_LOCAL : UW_FAULT_BEYOND;
}

static void judge_answer(struct uw_query *q)
{
	/* Without a socket of ours it is known to have arrived, not to have been read (ruling 14). */
	enum uw_stage stage = q->read_ns ? UW_STAGE_READ : UW_STAGE_WIRE_IN;
	bool late = q->answer.late || q->read_ns > q->send_ns + q->timeout_ns ||
		    (q->abandoned_ns && q->read_ns > q->abandoned_ns);

	if (late)
		decide(q, UW_ANSWERED_LATE, late_fault(q), stage);
	else if (uw_answer_refuses(q->key.protocol, &q->answer))
		decide(q, UW_REFUSED, q->role == UW_ROLE_LOCAL ? UW_FAULT_LOCAL : UW_FAULT_BEYOND,
		       stage);
	else
		decide(q, UW_ANSWERED, UW_FAULT_NONE, stage);
}

/* A reply for which there is no socket any more: the asker had given up (ruling 2). */
static bool reply_after_close(const struct uw_query *q)
{
	return q->flags & UW_Q_LOCAL_SEND && !(q->flags & UW_Q_SOCKET_OPEN) &&
	       !strcmp(q->drop[UW_REPLY].reason, "NO_SOCKET");
}

/* A kernel that gives no reasons: whether UDP found a socket, or the asker had closed it. */
static bool close_untold(const struct uw_query *q)
{
	return q->gaps & UW_GAP_BIT(UW_GAP_OLD_KERNEL) && q->drop[UW_REPLY].stage == UW_STAGE_UDP &&
	       !q->drop[UW_REPLY].reason[0];
}

/* From a server that is here too, or routed away: the reply left by the wire and did not come back. */
static bool reply_left(const struct uw_query *q)
{
	return (q->flags & UW_Q_REPLY_SENT || q->wire_in_ns) &&
	       q->stage_reached[UW_REPLY] == UW_STAGE_WIRE_OUT && !q->reply_inside;
}

/*
 * Ruling 11. The client's end is translated back in prerouting of the namespace that translated it: past
 * that it was too late. The server's is by the time that UDP looks for a socket.
 */
static bool translation_expired(const struct uw_query *q)
{
	const struct uw_drop_fact *d = &q->drop[UW_REPLY];

	if (q->flags & UW_Q_UNTRANSLATED)
		return true;
	if (d->stage == UW_STAGE_UDP && d->untranslated)
		return true;
	return d->untranslated & UW_NAT_WIRE && d->netns == q->nat.netns &&
	       (d->stage == UW_STAGE_ROUTE || d->stage == UW_STAGE_NF_FORWARD || d->stage == UW_STAGE_NF_INPUT);
}

/* Another copy of it (a bridge's) may have gone further than the one that waits. */
static enum uw_stage stage_of_held_reply(const struct uw_query *q)
{
	return q->stage_reached[UW_REPLY] == UW_STAGE_WIRE_OUT ? UW_STAGE_QDISC : q->stage_reached[UW_REPLY];
}

/* The reply came back to this host and its reader does not have it. Returns false if it did not. */
static bool judge_reply_here(struct uw_query *q)
{
	const struct uw_drop_fact *d = &q->drop[UW_REPLY];

	if (d->seen && !reply_came_late(q) && translation_expired(q)) {
		decide_drop(q, UW_REPLY_DROPPED, UW_REPLY);
		q->nat_expired = true;
	} else if (d->seen && reply_after_close(q)) {
		/* The close itself was not seen: it came before the reply did. */
		if (!q->abandoned_ns || q->abandoned_ns > d->when_ns)
			q->abandoned_ns = q->wire_in_ns ? q->wire_in_ns : d->when_ns;
		decide(q, UW_ANSWERED_LATE, late_fault(q), UW_STAGE_UDP);
	} else if (d->seen && reply_came_late(q)) {
		/* Lost here as well, but by then the wait was over. */
		decide(q, UW_ANSWERED_LATE, late_fault(q), d->stage);
	} else if (d->seen && close_untold(q)) {
		decide_drop(q, UW_REPLY_DROPPED, UW_REPLY);
		q->fault = UW_FAULT_UNKNOWN;
	} else if (d->seen && d->stage == UW_STAGE_SOCKET_QUEUE && q->flags & UW_Q_UNREAD) {
		decide_drop(q, UW_REPLY_UNREAD, UW_REPLY);
	} else if (d->seen) {
		decide_drop(q, UW_REPLY_DROPPED, UW_REPLY);
	} else if (q->flags & UW_Q_UNTRANSLATED && !q->queued_ns && !reply_came_late(q)) {
		decide(q, UW_MISDIRECTED, UW_FAULT_LOCAL, UW_STAGE_SOCKET_QUEUE);
		q->nat_expired = true;
	} else if ((q->queued_ns || q->wire_in_ns) && reply_came_late(q)) {
		/* That it stays unread, or where it is, is no one's loss. */
		decide(q, UW_ANSWERED_LATE, late_fault(q),
		       q->queued_ns ? UW_STAGE_SOCKET_QUEUE : q->stage_reached[UW_REPLY]);
	} else if (q->queued_ns) {
		decide(q, UW_REPLY_UNREAD, UW_FAULT_LOCAL, UW_STAGE_SOCKET_QUEUE);
	} else if (q->input_ns) {
		/* UDP was given it and did not free it: it was queued, but whether it was read was missed. */
		q->gaps |= UW_GAP_BIT(UW_GAP_RECORDS_LOST);
		decide(q, UW_UNKNOWN, UW_FAULT_UNKNOWN, UW_STAGE_UDP);
	} else if ((q->wire_in_ns || q->flags & UW_Q_REPLY_SENT) && !reply_left(q)) {
		decide(q, UW_REPLY_HELD, UW_FAULT_LOCAL, stage_of_held_reply(q));
	} else {
		return false;
	}
	return true;
}

/* Our own ICMP is about the copy that we refused; one that left is unanswered all the same. */
static bool rejects_another_copy(const struct uw_query *q)
{
	return q->icmp.local && q->on_wire && q->dropped;
}

/* Where the copies that never left ended: where one was freed, or else the last place it was seen at. */
static enum uw_stage stage_inside(const struct uw_query *q)
{
	return q->drop[UW_REQUEST].seen ? q->drop[UW_REQUEST].stage : q->stage_reached[UW_REQUEST];
}

static void judge_rejected(struct uw_query *q)
{
	bool local = q->icmp.local || q->role == UW_ROLE_LOCAL;

	decide(q, UW_REJECTED, local ? UW_FAULT_LOCAL : UW_FAULT_BEYOND,
	       q->on_wire ? UW_STAGE_WIRE_OUT : stage_inside(q));
}

static void judge_no_reply(struct uw_query *q)
{
	/* What left when nobody waited any more could not be answered in time. */
	bool waits = q->on_wire && (q->copy_inside || still_inside(q));
	/* A reply that this host itself sent on may have been lost by either. */
	bool clear = !q->gaps && !q->dropped && !waits && !q->wire_in_ns && q->wire_out_ns <= deadline_of(q);

	decide(q, q->misdirected ? UW_MISDIRECTED : UW_NO_REPLY,
	       clear ? UW_FAULT_BEYOND : UW_FAULT_UNKNOWN, UW_STAGE_WIRE_OUT);
}

static void judge_request(struct uw_query *q)
{
	if (reply_left(q))
		judge_no_reply(q);
	else if (q->flags & UW_Q_SERVER_READ)
		decide(q, UW_NOT_SERVED, UW_FAULT_LOCAL, UW_STAGE_READ);
	else if (q->flags & UW_Q_SERVER_QUEUED)
		decide(q, UW_REQUEST_UNREAD, UW_FAULT_LOCAL, UW_STAGE_SOCKET_QUEUE);
	else if (q->on_wire)
		judge_no_reply(q);
	else if (still_inside(q))
		decide(q, UW_REQUEST_HELD, UW_FAULT_LOCAL, q->stage_reached[UW_REQUEST]);
	else if (q->drop[UW_REQUEST].seen)
		decide_drop(q, UW_REQUEST_DROPPED, UW_REQUEST);
	else
		decide(q, UW_UNKNOWN, UW_FAULT_UNKNOWN, q->stage_reached[UW_REQUEST]);
}

/* By the outermost ends; of a request that came to neither, by how far it got or whom it was for. */
static enum uw_role visitor_role(const struct uw_query *q)
{
	if (q->flags & (UW_Q_SERVER_QUEUED | UW_Q_SERVER_READ | UW_Q_REPLY_SENT))
		return UW_ROLE_SERVER;
	if (q->on_wire || q->flags & UW_Q_OUTSIDE || q->wire_in_ns)
		return UW_ROLE_FORWARDER;
	switch (stage_inside(q)) {
	case UW_STAGE_NF_INPUT:
	case UW_STAGE_UDP:
	case UW_STAGE_SOCKET_FILTER:
	case UW_STAGE_SOCKET_QUEUE:
		return UW_ROLE_SERVER;
	case UW_STAGE_NF_FORWARD:
	case UW_STAGE_NF_POSTROUTING:
	case UW_STAGE_NEIGHBOUR:
	case UW_STAGE_NF_EGRESS:
	case UW_STAGE_TC_EGRESS:
	case UW_STAGE_QDISC:
	case UW_STAGE_DEVICE:
		return UW_ROLE_FORWARDER;
	default:
		return q->flags & UW_Q_FOR_HERE ? UW_ROLE_SERVER : UW_ROLE_FORWARDER;
	}
}

static bool reply_out_late(const struct uw_query *q)
{
	return q->reply_out_ns > q->send_ns + q->timeout_ns;
}

/* Neither delivered here nor sent on. */
static void judge_visitor_inside(struct uw_query *q)
{
	enum uw_stage stage = q->stage_reached[UW_REQUEST];

	/* What waits to be put together is lost with the fragment that was freed. */
	if (q->drop[UW_REQUEST].seen && (!still_inside(q) || q->flags & UW_Q_TORN))
		decide_drop(q, UW_REQUEST_DROPPED, UW_REQUEST);
	else if (still_inside(q) && stage > UW_STAGE_WIRE_IN)
		decide(q, UW_REQUEST_HELD, UW_FAULT_LOCAL, stage);
	else
		decide(q, UW_UNKNOWN, UW_FAULT_UNKNOWN, stage); /* taken on a way that has no hook */
}

static void judge_served(struct uw_query *q)
{
	const struct uw_drop_fact *unread = &q->drop[UW_REQUEST];

	if (reply_is_out(q) && !reply_out_late(q))
		decide(q, UW_SERVED, UW_FAULT_NONE, UW_STAGE_WIRE_OUT);
	else if (reply_is_out(q))
		decide(q, UW_NOT_SERVED, UW_FAULT_LOCAL, UW_STAGE_WIRE_OUT);
	else if (q->drop[UW_REPLY].seen)
		decide_drop(q, UW_REPLY_DROPPED, UW_REPLY);
	else if (q->flags & UW_Q_REPLY_SENT)
		decide(q, UW_REPLY_HELD, UW_FAULT_LOCAL, q->stage_reached[UW_REPLY]);
	else if (q->misdirected)
		decide(q, UW_MISDIRECTED, UW_FAULT_LOCAL, UW_STAGE_SEND);
	else if (q->flags & UW_Q_SERVER_READ && q->send_errno)
		decide(q, UW_SEND_FAILED, UW_FAULT_LOCAL, UW_STAGE_SEND);
	else if (q->flags & UW_Q_SERVER_READ)
		decide(q, UW_NOT_SERVED, UW_FAULT_LOCAL, UW_STAGE_READ);
	else if (unread->seen && unread->stage == UW_STAGE_SOCKET_QUEUE && unread->when_ns > q->server_queued_ns &&
		 q->server_queued_ns)
		decide_drop(q, UW_REQUEST_UNREAD, UW_REQUEST);
	else if (q->flags & UW_Q_SERVER_QUEUED)
		decide(q, UW_REQUEST_UNREAD, UW_FAULT_LOCAL, UW_STAGE_SOCKET_QUEUE);
	else
		judge_visitor_inside(q);
}

/* The reply left the host: in time, late, or under an address that was not asked. */
static void judge_forwarded_out(struct uw_query *q)
{
	if (reply_out_late(q)) {
		decide(q, UW_ANSWERED_LATE, late_fault(q), UW_STAGE_WIRE_OUT);
	} else if (q->flags & UW_Q_UNTRANSLATED) {
		decide(q, UW_MISDIRECTED, UW_FAULT_LOCAL, UW_STAGE_WIRE_OUT);
		q->nat_expired = true;
	} else {
		decide(q, UW_FORWARDED, UW_FAULT_NONE, UW_STAGE_WIRE_OUT);
	}
}

static void judge_forwarded(struct uw_query *q)
{
	if (reply_is_out(q)) {
		judge_forwarded_out(q);
	} else if (q->wire_in_ns && reply_came_late(q)) {
		decide(q, UW_ANSWERED_LATE, late_fault(q), UW_STAGE_WIRE_OUT);
	} else if (q->drop[UW_REPLY].seen) {
		decide_drop(q, UW_REPLY_DROPPED, UW_REPLY);
		q->nat_expired = translation_expired(q);
	} else if (q->wire_in_ns) {
		decide(q, UW_REPLY_HELD, UW_FAULT_LOCAL, q->stage_reached[UW_REPLY]);
	} else if (icmp_rejects(q) && !rejects_another_copy(q) && q->on_wire) {
		judge_rejected(q);
	} else if (q->on_wire) {
		judge_no_reply(q);
	} else {
		judge_visitor_inside(q);
	}
}

static void judge_visitor(struct uw_query *q)
{
	q->role = visitor_role(q);
	q->misdirected &= q->role == UW_ROLE_SERVER;
	if (q->role == UW_ROLE_SERVER)
		judge_served(q);
	else
		judge_forwarded(q);
}

/* The asker had its answer from another server: it did not wait for this one any more. */
static void supersede(struct uw_query *q)
{
	switch (q->verdict) {
	case UW_NO_REPLY:
	case UW_MISDIRECTED:
	case UW_ANSWERED_LATE:
	case UW_REPLY_UNREAD:
		if (q->superseded_ns > q->send_ns && q->superseded_ns <= q->send_ns + q->timeout_ns)
			break;
		return;
	default:
		return;
	}
	decide(q, UW_SUPERSEDED, UW_FAULT_NONE, q->stage);
	q->decisive_drop = NULL;
}

/* The reply was seen on this host, whatever became of it. */
static bool reply_seen(const struct uw_query *q)
{
	return q->wire_in_ns || q->queued_ns || q->drop[UW_REPLY].seen;
}

/* A verdict drawn from what was not seen is worth nothing if events were lost meanwhile. */
static void doubt(struct uw_query *q)
{
	uint32_t damaged = UW_GAP_BIT(UW_GAP_TRUNCATED_CAPTURE);

	/* A capture's query that is given up for want of room was not waited for. */
	if (q->captured)
		damaged |= UW_GAP_BIT(UW_GAP_TABLE_FULL);
	if (q->verdict == UW_NO_REPLY && q->gaps & damaged && !reply_seen(q))
		decide(q, UW_UNKNOWN, UW_FAULT_UNKNOWN, q->stage);
	switch (q->verdict) {
	case UW_REQUEST_HELD:
	case UW_REPLY_HELD:
	case UW_REPLY_UNREAD:
	case UW_REQUEST_UNREAD:
	case UW_NOT_SERVED:
		if (q->gaps & UW_GAP_BIT(UW_GAP_RECORDS_LOST) && !q->decisive_drop)
			decide(q, UW_UNKNOWN, UW_FAULT_UNKNOWN, q->stage);
		break;
	default:
		break;
	}
}

/*
 * A gap is what could have hidden the reply: none hid one that was seen, unless events were lost. The
 * others that stay say why its request was not.
 */
static void settle_gaps(struct uw_query *q)
{
	const uint32_t stay = UW_GAP_BIT(UW_GAP_RECORDS_LOST) | UW_GAP_BIT(UW_GAP_TABLE_FULL) |
			      UW_GAP_BIT(UW_GAP_STARTED_AFTER_REQUEST);

	if (q->verdict == UW_ANSWERED || q->verdict == UW_ANSWERED_LATE || q->verdict == UW_REFUSED || reply_is_out(q) ||
	    reply_seen(q))
		q->gaps &= stay | (close_untold(q) ? UW_GAP_BIT(UW_GAP_OLD_KERNEL) : 0);
}

/* Ruling 6, the best copy wins: answered, late, reply lost here, rejected, no reply, held, dropped. */
void uw_judge(struct uw_query *q)
{
	q->decisive_drop = NULL;
	q->nat_expired = false;
	q->role = ended_here(q) ? UW_ROLE_LOCAL : UW_ROLE_CLIENT;
	if (q->key.quota != UW_QUOTA_CLIENT)
		judge_visitor(q);
	else if (q->flags & UW_Q_NO_PACKET)
		decide(q, UW_SEND_FAILED, UW_FAULT_LOCAL, q->stage_reached[UW_REQUEST]);
	else if (answer_arrived(q))
		judge_answer(q);
	else if (judge_reply_here(q))
		;
	else if (icmp_rejects(q) && !rejects_another_copy(q))
		judge_rejected(q);
	else
		judge_request(q);
	supersede(q);
	doubt(q);
	settle_gaps(q);
	if (q->fault == UW_FAULT_BEYOND && q->gaps)
		q->fault = UW_FAULT_UNKNOWN;
}
