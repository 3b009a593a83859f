// SPDX-License-Identifier: GPL-2.0-only
/* The tables of the HTML report, and the round trips. */
#include <string.h>

#include "core/address.h"
#include "core/text_safe.h"
#include "sink/html_parts.h"

static void put_count(FILE *out, uint64_t n, bool bad)
{
	fprintf(out, "<td class=\"n%s\">%llu</td>", bad && n ? " bad" : "", (unsigned long long)n);
}

static void put_ms(FILE *out, uint64_t us, bool known)
{
	if (!known)
		fputs("<td class=\"n soft\">&ndash;</td>", out);
	else
		fprintf(out, us < 10000 ? "<td class=\"n\">%.2f ms</td>" : "<td class=\"n\">%.0f ms</td>", (double)us / 1e3);
}

static const char *protocol_name(unsigned protocol)
{
	return protocol == UW_PROTO_NTP ? "NTP" : "DNS";
}

static void put_flow_names(const struct uw_flow *f, FILE *out)
{
	char client[UW_ADDR_TEXT], server[UW_ENDPOINT_TEXT];

	if (uw_flow_is_other(&f->id)) {
		fprintf(out, "<tr><td>%s</td><td>others</td><td></td><td>others</td>", protocol_name(f->id.protocol));
		return;
	}
	fprintf(out, "<tr><td>%s</td><td class=\"mono t\">%s</td><td>%s</td><td class=\"mono t\">%s</td>",
		protocol_name(f->id.protocol),
		uw_addr_known(&f->id.client) ? uw_addr_text(&f->id.client, f->id.family, client) : "several",
		f->id.fixed ? "fixed" : "ephemeral",
		uw_endpoint_text(&f->id.server, f->id.family, f->id.server_port, server));
}

static void put_flow(const struct uw_flow *f, FILE *out)
{
	put_flow_names(f, out);
	put_count(out, uw_flow_asked(f), false);
	put_count(out, uw_lot_count(f->count, UW_LOT_GOOD), false);
	put_count(out, uw_lot_count(f->count, UW_LOT_LOST), true);
	put_count(out, uw_lot_count(f->count, UW_LOT_HERE), true);
	put_count(out, uw_lot_count(f->count, UW_LOT_OTHER), false);
	fputs("</tr>\n", out);
}

void html_flows(const struct uw_html *h, const struct uw_flow *const *flows, unsigned count)
{
	unsigned i;

	fputs("<section><h2>Who asked whom</h2><div class=\"scroll\"><table><thead><tr><th></th><th>Client</th><th>Its port"
	      "</th><th>Server</th><th class=\"n\">Asked</th><th class=\"n\">Answered</th><th class=\"n\">No answer</th>"
	      "<th class=\"n\">Lost here</th><th class=\"n\">Other</th></tr></thead><tbody>\n", h->out);
	for (i = 0; i < count; i++)
		put_flow(flows[i], h->out);
	fputs("</tbody></table></div>\n<p class=\"note\">A port is fixed if it is below 1024 or the service&rsquo;s own (ntpd asks"
	      " from 123), else ephemeral, chosen anew by the operating system: filters on the way often treat the two"
	      " differently.</p></section>\n", h->out);
}

/* --- round trips --- */

static void draw_histogram(const struct uw_flow *f, FILE *out)
{
	unsigned b, first = UW_RTT_BUCKETS, last = 0;
	uint64_t most = 1;

	for (b = 0; b < UW_RTT_BUCKETS; b++) {
		if (!f->rtt[b])
			continue;
		first = b < first ? b : first;
		last = b;
		most = f->rtt[b] > most ? f->rtt[b] : most;
	}
	fputs("<td><svg viewBox=\"0 0 208 26\" style=\"min-width:0;width:208px\" role=\"img\" aria-label=\"1 microsecond to 67"
	      " seconds, logarithmic\"><line class=\"base\" x1=\"0\" x2=\"208\" y1=\"25\" y2=\"25\"/>", out);
	for (b = first; b <= last && b < 26; b++) {
		double height = f->rtt[b] ? 2 + 22.0 * (double)f->rtt[b] / (double)most : 0;

		if (f->rtt[b])
			fprintf(out, "<rect class=\"good\" x=\"%u\" y=\"%.1f\" width=\"7\" height=\"%.1f\"/>", b * 8, 25 - height,
				height);
	}
	fputs("</svg></td>", out);
}

void html_latency(const struct uw_html *h, const struct uw_flow *const *flows, unsigned count)
{
	unsigned i;

	fputs("<section><h2>How long answers took</h2><div class=\"scroll\"><table><thead><tr><th></th><th>Client</th><th>Its port"
	      "</th><th>Server</th><th class=\"n\">Half within</th><th class=\"n\">90% within</th><th class=\"n\">Longest</th>"
	      "<th>1 &micro;s to 1 min, logarithmic</th></tr></thead><tbody>\n", h->out);
	for (i = 0; i < count; i++) {
		const struct uw_flow *f = flows[i];
		bool known = uw_flow_answered(f);

		put_flow_names(f, h->out);
		put_ms(h->out, uw_flow_quantile_us(f, 0.5), known);
		put_ms(h->out, uw_flow_quantile_us(f, 0.9), known);
		put_ms(h->out, f->rtt_max_us, known);
		draw_histogram(f, h->out);
		fputs("</tr>\n", h->out);
	}
	fputs("</tbody></table></div></section>\n", h->out);
}

/* --- queries one by one --- */

static void put_question(const struct uw_query *q, FILE *out)
{
	char name[UW_DNS_NAME_MAX], type[16];
	uint16_t qtype;

	if (q->key.protocol == UW_PROTO_NTP || !q->question_len ||
	    uw_dns_question_text(q->question, q->question_len, name, sizeof(name), &qtype)) {
		fputs(protocol_name(q->key.protocol), out);
		return;
	}
	fputs("DNS ", out);
	html_text(out, name);
	fprintf(out, " %s", uw_qtype_name(qtype, type, sizeof(type)));
}

static void put_drop(const struct uw_query *q, FILE *out)
{
	const struct uw_drop_fact *d = q->decisive_drop;

	if (!d)
		return;
	fprintf(out, " at <code>%s</code>", uw_stage_name(q->stage));
	if (d->engine[0]) {
		fputs(" by ", out);
		html_text(out, d->engine);
	}
	if (d->ifname[0]) {
		fputs(", device ", out);
		html_text(out, d->ifname);
	}
	if (d->rule[0]) {
		fputs(": ", out);
		html_text(out, d->rule);
	}
}

static bool any_executable(const struct uw_html *h)
{
	unsigned i;

	for (i = 0; i < h->bad_kept; i++) {
		if (h->bad_query[i].executable[0])
			return true;
	}
	return false;
}

static void put_query(const struct uw_html *h, const struct uw_query *q, bool who)
{
	char server[UW_ENDPOINT_TEXT];
	FILE *out = h->out;

	fputs("<tr><td class=\"mono t\">", out);
	html_time(h, q->send_ns, false);
	fprintf(out, "</td><td class=\"mono t\">%s</td><td class=\"n\">%u</td><td class=\"mono\">",
		uw_endpoint_text(&q->key.server, q->key.family, q->key.server_port, server), q->key.client_port);
	put_question(q, out);
	if (who) {
		fputs("</td><td>", out);
		html_text(out, q->executable);
	}
	fprintf(out, "</td><td><span class=\"bad\">%s</span>", uw_verdict_name(q->verdict));
	put_drop(q, out);
	fprintf(out, "</td><td>%s</td></tr>\n", uw_fault_name(q->fault));
}

void html_queries(const struct uw_html *h)
{
	bool who = any_executable(h);
	unsigned i;

	if (!h->bad_kept)
		return;
	fprintf(h->out, "<section><h2>Queries without a good answer</h2><p class=\"note\">%s%llu in all%s. Times are UTC.</p>"
			"<div class=\"scroll\"><table><thead><tr><th>Asked at</th><th>Server</th><th class=\"n\">From port</th><th>Question"
			"</th>%s<th>What became of it</th><th>Fault</th></tr></thead><tbody>\n",
		h->bad > h->bad_kept ? "The first of " : "", (unsigned long long)h->bad,
		h->bad > h->bad_kept ? "; udpwhy -o json lists every one" : "", who ? "<th>By</th>" : "");
	for (i = 0; i < h->bad_kept; i++)
		put_query(h, &h->bad_query[i], who);
	fputs("</tbody></table></div></section>\n", h->out);
}

/* --- windows --- */

void html_windows(const struct uw_html *h)
{
	unsigned i;

	if (!h->windows)
		return;
	fputs("<section><h2>When answers stopped, and came back</h2><div class=\"scroll\"><table><thead><tr><th></th><th>Last answer"
	      "</th><th>First lost</th><th>Last lost</th><th>First answer again</th><th class=\"n\">Flows</th><th class=\"n\">Asked"
	      "</th><th class=\"n\">Answered</th></tr></thead><tbody>\n", h->out);
	for (i = 0; i < h->windows; i++) {
		const struct uw_html_window *w = &h->window[i];
		const uint64_t at[] = {w->last_good_ns, w->first_bad_ns, w->last_bad_ns, w->first_good_ns};
		unsigned k;

		fprintf(h->out, "<tr><td>%u</td>", w->id);
		for (k = 0; k < 4; k++) {
			fputs("<td class=\"mono t\">", h->out);
			html_time(h, at[k], !k);
			fputs("</td>", h->out);
		}
		fprintf(h->out, "<td class=\"n\">%u</td><td class=\"n\">%llu</td><td class=\"n\">%llu</td></tr>\n", w->flows,
			(unsigned long long)w->queries, (unsigned long long)w->answered);
		if (w->rates[0]) {
			fputs("<tr><td></td><td colspan=\"7\" class=\"soft\">", h->out);
			html_text(h->out, w->rates);
			fputs("</td></tr>\n", h->out);
		}
	}
	fputs("</tbody></table></div><p class=\"note\">Times are UTC. A window opens with three queries of one flow unanswered in a row"
	      " and closes with three answers in a row. Its edges lie between the times named.</p></section>\n", h->out);
}
