// SPDX-License-Identifier: GPL-2.0-only
#include "ask/plugin_why.h"

#include <errno.h>
#include <string.h>

#include "core/query.h"

struct uw_plugin_sum uw_plugin_sum(const struct uw_plugin_server *s)
{
	struct uw_plugin_sum sum = {0};
	unsigned i;

	for (i = 0; s->result && i < s->doors && i < 2; i++) {
		const struct uw_probe_result *r = &s->result[i];

		sum.tried += r->sent + r->failed;
		sum.answered += r->answered;
		sum.good += r->answered - r->refused - r->failed_there;
	}
	return sum;
}

unsigned uw_plugin_edns_lost(const struct uw_plugin_server *s)
{
	unsigned i;

	if (!uw_plugin_sum(s).answered)
		return 0;
	for (i = 2; i < s->doors; i++) {
		if (s->result[i].sent && !s->result[i].answered)
			return s->result[i].edns;
	}
	return 0;
}

static bool is_of(const struct uw_flow *f, const struct uw_probe_target *t)
{
	return f->id.family == t->family && f->id.protocol == t->protocol && f->id.server_port == t->port &&
	       !memcmp(&f->id.server, &t->server, sizeof(t->server));
}

/* What the tracer saw of one server. */
struct seen {
	const struct uw_flow_drop *drop;
	const struct uw_flow_errno *error;
	enum uw_verdict most;	/* the most frequent of the bad ones, UW_ANSWERED: none */
	uint64_t most_count, dropped, held, rejected, own_icmp, unreachable, no_reply, complete;
};

static void count_most(struct seen *s, const struct uw_flow *f)
{
	unsigned v;

	for (v = UW_ANSWERED_LATE; v < UW_VERDICTS; v++) {
		if (f->count[v] > s->most_count) {
			s->most_count = f->count[v];
			s->most = v;
		}
	}
}

static struct seen look(const struct uw_plugin *p, const struct uw_probe_target *t)
{
	struct seen s = {0};
	unsigned i;

	for (i = 0; i < p->flows; i++) {
		const struct uw_flow *f = p->flow[i];

		if (!is_of(f, t))
			continue;
		if (f->drops && !s.drop)
			s.drop = &f->drop[0];
		if (f->send_errors && !s.error)
			s.error = &f->send_error[0];
		count_most(&s, f);
		s.dropped += f->count[UW_REQUEST_DROPPED] + f->count[UW_REPLY_DROPPED];
		s.held += f->count[UW_REQUEST_HELD] + f->count[UW_REPLY_HELD];
		s.rejected += f->count[UW_REJECTED];
		s.own_icmp += f->icmp_local;
		s.unreachable += f->port_unreachable;
		s.no_reply += f->count[UW_NO_REPLY];
		s.complete += f->bad_complete;
	}
	return s;
}

static void say(struct uw_plugin_server *s, const char *text)
{
	snprintf(s->why, sizeof(s->why), "%s", text);
}

static const char *rcode_of(const struct uw_plugin_server *s)
{
	unsigned i;

	for (i = 0; i < s->doors && i < 2; i++) {
		if (s->result[i].answered && s->result[i].reply.rcode)
			return uw_rcode_name(s->result[i].reply.rcode);
	}
	return "an error";
}

/* It answers, but not what one wants to hear: nothing is wrong with the way. */
static void say_unwilling(const struct uw_plugin *p, struct uw_plugin_server *s)
{
	unsigned i, refused = 0;
	const char *c = "";

	for (i = 0; i < s->doors && i < 2; i++) {
		refused += s->result[i].refused;
		if (s->result[i].refused)
			c = (const char *)&s->result[i].reply.refid;
	}
	if (p->protocol == UW_PROTO_NTP && refused)
		snprintf(s->why, sizeof(s->why), "the server answers with the kiss-o'-death %.4s, the way is open", c);
	else if (p->protocol == UW_PROTO_NTP)
		say(s, "the server answers, but says that its own clock is not set");
	else
		snprintf(s->why, sizeof(s->why), "the server answers %s, the way is open", rcode_of(s));
}

static bool only_fixed(const struct uw_plugin_server *s)
{
	const struct uw_probe_result *r = s->result;

	return s->doors > 1 && r[0].sent && !r[0].answered && r[1].answered;
}

static void say_drop(const struct seen *n, struct uw_plugin_server *s)
{
	const struct uw_flow_drop *d = n->drop;
	const char *by = d->engine[0] ? d->engine : d->reason;

	snprintf(s->why, sizeof(s->why), "%s dropped on this host at %s%s%s",
		 d->dir == UW_REPLY ? "replies" : "requests", uw_stage_name(d->stage), by[0] ? " by " : "", by);
}

static void say_only_fixed(struct uw_plugin_server *s, const char *rest)
{
	snprintf(s->why, sizeof(s->why), "replies to port %u arrive, to ephemeral ports not%s", s->result[1].port, rest);
}

static void say_traced(const struct seen *n, struct uw_plugin_server *s)
{
	if (n->dropped && n->drop)
		say_drop(n, s);
	else if (n->error)
		snprintf(s->why, sizeof(s->why), "this host's kernel refuses to send: %s", strerror(n->error->err));
	else if (n->held)
		say(s, "packets are held on this host");
	else if (n->unreachable)
		say(s, "nothing listens there: ICMP port unreachable");
	else if (n->own_icmp)
		say(s, "this host itself says that it cannot be reached (ICMP)");
	else if (n->rejected)
		say(s, "an ICMP error says that it cannot be delivered");
	else if (n->no_reply && only_fixed(s))
		say_only_fixed(s, "");
	else if (n->no_reply)
		say(s, n->complete == n->no_reply ? "left this host, no reply arrived: lost beyond this host" :
						    "no reply arrived; something here could have hidden it");
	else if (n->most)
		snprintf(s->why, sizeof(s->why), "%s (udpwhy explain %s)", uw_verdict_name(n->most),
			 uw_verdict_name(n->most));
	else
		say(s, "cannot tell why");
}

static int last_errno(const struct uw_plugin_server *s)
{
	unsigned i;

	for (i = 0; s->result && i < s->doors; i++) {
		if (s->result[i].last_errno && s->result[i].sent + s->result[i].failed)
			return s->result[i].last_errno;
	}
	return s->result ? s->result[0].last_errno : 0;
}

static void say_untraced(struct uw_plugin_server *s)
{
	int err = last_errno(s);

	if (err == ECONNREFUSED)
		say(s, "nothing listens there: ICMP port unreachable");
	else if (err)
		snprintf(s->why, sizeof(s->why), "the kernel says: %s", strerror(err));
	else if (s->result && !uw_plugin_sum(s).tried)
		say(s, "the time limit was over before anything could be asked: -t gives more");
	else if (only_fixed(s))
		say_only_fixed(s, "; not traced, so where is not known");
	else
		say(s, "not traced: cannot tell whether lost here or beyond this host (needs root)");
}

void uw_plugin_why(const struct uw_plugin *p, struct uw_plugin_server *s)
{
	struct uw_plugin_sum sum = uw_plugin_sum(s);
	unsigned edns = uw_plugin_edns_lost(s);
	struct seen n = look(p, s->target);

	if (!s->result)
		say(s, "could not be asked");
	else if (sum.answered < sum.tried || !sum.tried)
		p->traced && sum.tried ? say_traced(&n, s) : say_untraced(s);
	else if (sum.good < sum.answered)
		say_unwilling(p, s);
	else if (edns && n.dropped && n.drop)
		say_drop(&n, s);
	else if (edns)
		snprintf(s->why, sizeof(s->why),
			 "no answer to questions with EDNS buffer size %u: large answers, in fragments, get lost%s",
			 edns, p->traced ? "" : "; not traced, so where is not known");
}
