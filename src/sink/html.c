// SPDX-License-Identifier: GPL-2.0-only
/*
 * One file for a ticket: what was lost and where, in words for somebody who does not know UDP, with the
 * evidence below. Everything is gathered first, in bounded room, and written at the end.
 */
#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "core/traffic.h"
#include "sink/html_parts.h"
#include "sink/ticket.h"

#define EDGE_NS 2000000000ull	/* where only the rate at a window's onset is known, it is drawn this long */

static struct uw_html *self(struct uw_sink *s)
{
	return (struct uw_html *)s;
}

/* --- gathering --- */

static void html_start(struct uw_sink *s, const struct uw_run *run)
{
	self(s)->run = *run;
}

static void html_query(struct uw_sink *s, const struct uw_query *q)
{
	struct uw_html *h = self(s);
	unsigned g;

	/* A later word on a query that was counted: it stays where it was in the picture. */
	if (q->revision > 1)
		return;
	h->asked++;
	h->lot[uw_lot(q->verdict)]++;
	if (!h->first_ns || q->send_ns < h->first_ns)
		h->first_ns = q->send_ns;
	if (q->send_ns > h->last_ns)
		h->last_ns = q->send_ns;
	h->captured += q->captured;
	for (g = 0; g < UW_GAPS; g++)
		h->gap[g] += !!(q->gaps & UW_GAP_BIT(g));
	uw_timeline_add(&h->timeline, q);
	if (!uw_query_is_bad(q))
		return;
	h->bad++;
	if (h->bad_kept < UW_HTML_QUERIES)
		uw_query_copy(&h->bad_query[h->bad_kept++], q);
}

static void html_diagnosis(struct uw_sink *s, const struct uw_diagnosis *d)
{
	struct uw_html *h = self(s);
	struct uw_flow_id flow = {0};
	unsigned i;

	if (d->flows)
		flow = d->flow[0]->id;
	for (i = 0; i < h->diagnoses; i++) {
		if (!strcmp(h->diagnosis[i].d.id, d->id) && !memcmp(&h->diagnosis[i].flow, &flow, sizeof(flow)))
			break;
	}
	if (i == UW_HTML_DIAGNOSES)
		return;
	h->diagnosis[i] = (struct uw_html_diagnosis){.d = *d, .flow = flow};
	h->diagnoses += i == h->diagnoses;
}

static void window_rates(const struct uw_window_traffic *t, char *buf, size_t size)
{
	int n = 0;

	buf[0] = '\0';
	if (t->before)
		n = snprintf(buf, size, "UDP in the busiest 0.3 s of the 10 s before: out %.0f/s, in %.0f/s. ", t->udp_out_before, t->udp_in_before);
	if (t->during && (size_t)n < size)
		n += snprintf(buf + n, size - (size_t)n, "During: UDP in %.0f/s. ", t->udp_in_during);
	if (t->during && !t->no_tcp && (size_t)n < size)
		n += snprintf(buf + n, size - (size_t)n, "TCP meanwhile: in %llu segments. ",
			      (unsigned long long)t->tcp_in_during);
	if (t->release && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n, "When it let go: UDP out %.0f/s, in %.0f/s.", t->udp_out_release,
			 t->udp_in_release);
}

static void html_window(struct uw_sink *s, const struct uw_window *w)
{
	struct uw_html *h = self(s);
	struct uw_html_window *out;
	unsigned i;

	for (i = 0; i < h->windows && (h->window[i].id != w->id || h->window[i].run != w->run); i++)
		;
	if (i == UW_HTML_WINDOWS)
		return;
	h->windows += i == h->windows;
	out = &h->window[i];
	*out = (struct uw_html_window){
		.id = w->id, .run = w->run, .closed = w->closed, .last_good_ns = w->last_good_ns, .first_bad_ns = w->first_bad_ns,
		.last_bad_ns = w->last_bad_ns, .first_good_ns = w->first_good_ns, .queries = w->queries,
		.answered = w->answered, .flows = w->flows + w->more_flows,
	};
	window_rates(&w->traffic, out->rates, sizeof(out->rates));
	uw_timeline_band(&h->timeline, w);
}

static void html_ignore_flow(struct uw_sink *s, const struct uw_flow *f)
{
	(void)s;
	(void)f;
}

static void html_ignore_status(struct uw_sink *s, const struct uw_totals *t)
{
	(void)s;
	(void)t;
}

/* --- telling --- */

static void put_headline(const struct uw_html *h)
{
	unsigned long long lost = h->lot[UW_LOT_LOST], here = h->lot[UW_LOT_HERE], asked = h->asked;
	const char *queries = asked == 1 ? "query" : "queries";

	fputs("<h1>", h->out);
	if (!asked)
		fputs("No NTP or DNS query was seen", h->out);
	else if (!lost && !here)
		fprintf(h->out, "All is well on the way: of %llu %s none was lost", asked, queries);
	else if (!here)
		fprintf(h->out, "%llu of %llu %s got no answer", lost, asked, queries);
	else if (!lost)
		fprintf(h->out, "%llu of %llu %s lost on the host that asked", here, asked, queries);
	else
		fprintf(h->out, "%llu of %llu %s got no answer, and %llu lost on the host that asked", lost, asked, queries,
			here);
	fputs("</h1>\n", h->out);
}

static void put_period(const struct uw_html *h)
{
	unsigned i;

	if (!h->asked)
		return;
	fputs("<p class=\"meta\">", h->out);
	html_time(h, h->first_ns, true);
	fputs(" to ", h->out);
	html_time(h, h->last_ns, true);
	fputs(" UTC", h->out);
	for (i = 0; i < h->run.file_count; i++) {
		fputs(i ? ", " : " &middot; from ", h->out);
		html_text(h->out, h->run.file[i]);
	}
	fputs("</p>\n", h->out);
}

static void put_card(FILE *out, const char *kind, unsigned long long n, const char *what)
{
	fprintf(out, "<div class=\"card %s\"><b>%llu</b><span>%s</span></div>\n", kind, n, what);
}

static void put_cards(const struct uw_html *h)
{
	fputs("<div class=\"cards\">\n", h->out);
	put_card(h->out, "", h->asked, "queries asked");
	put_card(h->out, "good", h->lot[UW_LOT_GOOD], "answered in time");
	put_card(h->out, "lost", h->lot[UW_LOT_LOST], "without an answer in time");
	put_card(h->out, "here", h->lot[UW_LOT_HERE], "lost on the asking host");
	put_card(h->out, "other", h->lot[UW_LOT_OTHER], "refused, or not clear");
	fputs("</div>\n", h->out);
}

static void put_words(const struct uw_html *h)
{
	fputs("<section><h2>In plain words</h2>\n<p>Computers ask for the time (NTP) and for addresses (DNS) by sending a single"
	      " small packet, over UDP, and wait for a single packet back. Nobody confirms that either arrived: a network that"
	      " loses one of the two simply leaves the question open. So each query here was followed, and it was noted whether"
	      " its answer came.</p>\n", h->out);
	if (h->lot[UW_LOT_LOST])
		fputs("<p><b>No answer</b> means that the question left, and that nothing came back in time to the point where this was"
		      " measured. Whether the question or the answer was lost cannot be told from one end alone: it takes a look"
		      " at the other end, at the same time.</p>\n", h->out);
	if (h->lot[UW_LOT_HERE])
		fputs("<p><b>Lost on the asking host</b> means that its own firewall, queue or program lost the packet. That is for its"
		      " administrator, not for the network or the provider.</p>\n", h->out);
	fputs("</section>\n", h->out);
}

static void on_rate(void *arg, uint64_t from_ns, uint64_t to_ns, const double pps[UW_WAYS])
{
	uw_timeline_rate(arg, from_ns, to_ns, pps[UW_WAY_OUT], pps[UW_WAY_IN]);
}

/* Of windows that were read, no more is known than their own numbers. */
static void take_window_rates(struct uw_timeline *tl, const struct uw_window *w)
{
	const struct uw_window_traffic *t = &w->traffic;
	uint64_t before = w->first_bad_ns > EDGE_NS ? w->first_bad_ns - EDGE_NS : 0;

	if (w->last_good_ns > before)
		before = w->last_good_ns;
	if (t->before)
		uw_timeline_rate(tl, before, w->first_bad_ns, t->udp_out_before, t->udp_in_before);
	if (t->during)
		uw_timeline_rate(tl, w->first_bad_ns, w->last_bad_ns, UW_RATE_UNKNOWN, t->udp_in_during);
	if (t->release)
		uw_timeline_rate(tl, w->last_bad_ns, w->first_good_ns, t->udp_out_release, t->udp_in_release);
}

/* How much UDP there was in all, above the lanes. */
static void take_rates(struct uw_html *h, const struct uw_totals *t)
{
	struct uw_addr asker;
	uint8_t family = t->traffic ? uw_traffic_rates(t->traffic, &asker, on_rate, &h->timeline) : 0;
	unsigned i;

	if (family)
		uw_addr_text(&asker, family, h->timeline.rate_of);
	for (i = 0; !family && i < t->windows; i++)
		take_window_rates(&h->timeline, t->window[i]);
}

static void put_timeline(struct uw_html *h, const struct uw_totals *t, bool undrawn)
{
	if (!h->asked)
		return;
	take_rates(h, t);
	fputs("<section><h2>Over time</h2><div class=\"scroll\">\n", h->out);
	uw_timeline_svg(&h->timeline, h->clock, h->out);
	fputs("</div><ul class=\"legend\"><li><i style=\"background:var(--good)\"></i>above the line: answered</li><li><i style=\""
	      "background:var(--lost)\"></i>below: no answer</li><li><i style=\"background:var(--here)\"></i>lost on the asking host"
	      "</li><li><i style=\"background:var(--other)\"></i>refused, or not clear</li>", h->out);
	if (h->windows)
		fputs("<li><i style=\"background:var(--band)\"></i>loss window</li>", h->out);
	if (h->timeline.rated)
		fputs("<li><i class=\"out\"></i>all UDP packets a second, sent</li><li><i class=\"in\"></i>received</li>", h->out);
	fprintf(h->out, "</ul><p class=\"note\">Times are UTC. Each lane has its own scale.%s</p></section>\n",
		undrawn ? " Answered queries that were counted and not told one by one are in the numbers, not in the picture." : "");
}

static void put_lines(FILE *out, const char *kind, const struct uw_evidence *e)
{
	unsigned i;

	for (i = 0; i < e->count; i++) {
		fprintf(out, "<li class=\"%s\">", kind);
		html_text(out, e->line[i]);
		fputs("</li>\n", out);
	}
}

static void put_diagnoses(const struct uw_html *h)
{
	unsigned i;

	if (!h->diagnoses)
		return;
	fputs("<section><h2>What it comes from</h2>\n", h->out);
	for (i = 0; i < h->diagnoses; i++) {
		const struct uw_diagnosis *d = &h->diagnosis[i].d;

		fputs("<div class=\"diagnosis\"><h3>", h->out);
		html_text(h->out, d->summary);
		fprintf(h->out, "<span class=\"tag\">%s, %s</span></h3>\n<ul>\n", d->id, uw_confidence_name(d->confidence));
		put_lines(h->out, "for", &d->in_favour);
		put_lines(h->out, "against", &d->against);
		put_lines(h->out, "open", &d->open);
		fputs("</ul>\n<p class=\"do\"><b>What to do.</b> ", h->out);
		html_text(h->out, d->next_step);
		fputs("</p></div>\n", h->out);
	}
	fputs("<p class=\"note\">+ speaks for it, &minus; against it, ? is open. Certain: a drop was seen. Likely: the contrast named"
	      " says so. Possible: it fits.</p></section>\n", h->out);
}

/* Plain text within the page: escaped line by line. */
static void put_ticket(const struct uw_html *h, const struct uw_totals *t, const struct uw_flow *const *flows,
		       unsigned count)
{
	char *text = NULL, *line, *rest;
	size_t size;
	FILE *out;

	if (!uw_ticket_wanted(flows, count) || !(out = open_memstream(&text, &size)))
		return;
	uw_ticket(out, "", h->clock, flows, count, t);
	fclose(out);
	fputs("<section><h2>To paste into a ticket</h2><pre>", h->out);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		html_text(h->out, line);
		fputc('\n', h->out);
	}
	fputs("</pre></section>\n", h->out);
	free(text);
}

static void put_unseen(const struct uw_html *h)
{
	unsigned g, n = 0;

	fputs("<dt>What could not be seen</dt><dd>", h->out);
	if (h->captured)
		fputs("A capture shows what passed one point of a wire. What its host dropped before or behind that point, which program"
		      " asked, and what the other end saw is not in it. ", h->out);
	for (g = 0; g < UW_GAPS; g++) {
		if (h->gap[g])
			fprintf(h->out, "%s<code>%s</code> for %llu %s", n++ ? ", " : "Something could have hidden the reply: ",
				uw_gap_name(g), (unsigned long long)h->gap[g], h->gap[g] == 1 ? "query" : "queries");
	}
	fputs(n ? ".</dd>\n" : h->captured ? "</dd>\n" : "Nothing is known to have been hidden.</dd>\n", h->out);
}

static void put_clock(const struct uw_html *h)
{
	fputs("<dt>Clock</dt><dd>", h->out);
	if (h->captured)
		fputs("The times are those of the capturing machine&rsquo;s clock, which may have been wrong: compare it before two logs"
		      " are laid side by side. ", h->out);
	if (h->clock->steps > 1)
		fprintf(h->out, "The clock was set %u times meanwhile.", h->clock->steps - 1);
	else if (!h->captured)
		fputs("It was not set while this was measured.", h->out);
	fputs("</dd>\n", h->out);
}

static void put_measured(const struct uw_html *h, const struct uw_totals *t)
{
	unsigned long long lost = t->stats[UW_STAT_table_full];

	fputs("<section><h2>How this was measured</h2><dl>\n<dt>Method</dt><dd>", h->out);
	fputs(h->captured ? "Packets captured on a wire: each answer was matched with its question by address, ports and the number"
			    " that NTP and DNS put into both (RFC 5905, RFC 1035)." :
			    "The records of udpwhy, which follows each query through the operating system of the host that asks.",
	      h->out);
	fprintf(h->out, "</dd>\n<dt>In time</dt><dd>An answer within %.3g s. One that came later counts as none, and is marked"
			" <code>answered_late</code>.</dd>\n", (double)h->run.timeout_ns / 1e9);
	if (h->run.filters && h->run.filters[0]) {
		fputs("<dt>Looked at only</dt><dd>", h->out);
		html_text(h->out, h->run.filters);
		fputs("</dd>\n", h->out);
	}
	put_unseen(h);
	put_clock(h);
	if (lost)
		fprintf(h->out, "<dt>Not counted</dt><dd>%llu queries for which there was no room.</dd>\n", lost);
	fputs("</dl></section>\n", h->out);
}

/* A run tells its good queries in sum only, unless it is asked for all. */
static void take_sums(struct uw_html *h, const struct uw_totals *t)
{
	uint64_t all = 0;
	unsigned v, k;

	for (v = 0; v < UW_VERDICTS; v++)
		all += t->verdict[v];
	if (all < h->asked)
		return;
	h->asked = all;
	for (k = 0; k < UW_LOTS; k++)
		h->lot[k] = uw_lot_count(t->verdict, k);
}

/* ... whose times its flows have. */
static void widen(struct uw_html *h, const struct uw_flow *const *flows, unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		const struct uw_flow *f = flows[i];

		if (f->id.probe)
			continue;
		if (f->first_ns && (!h->first_ns || f->first_ns < h->first_ns))
			h->first_ns = f->first_ns;
		if (f->last_good_ns > h->last_ns)
			h->last_ns = f->last_good_ns;
	}
}

static void html_end(struct uw_sink *s, const struct uw_totals *t, const struct uw_flow *const *flows, unsigned count)
{
	struct uw_html *h = self(s);
	bool undrawn = count && uw_timeline_sums(&h->timeline, flows, count);

	take_sums(h, t);
	widen(h, flows, count);
	html_head(h->out);
	fputs("<p class=\"kicker\">NTP and DNS over UDP</p>\n", h->out);
	put_headline(h);
	put_period(h);
	put_cards(h);
	put_words(h);
	put_timeline(h, t, undrawn);
	html_windows(h);
	put_diagnoses(h);
	if (count) {
		html_flows(h, flows, count);
		html_latency(h, flows, count);
	}
	put_ticket(h, t, flows, count);
	html_queries(h);
	put_measured(h, t);
	html_foot(h->out);
}

static void html_close(struct uw_sink *s)
{
	fflush(self(s)->out);
	free(s);
}

struct uw_sink *uw_sink_html(FILE *out, const struct uw_clock *clock)
{
	struct uw_html *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->out = out;
	h->clock = clock;
	h->sink = (struct uw_sink){
		.start = html_start, .query = html_query, .flow = html_ignore_flow, .diagnosis = html_diagnosis,
		.status = html_ignore_status, .end = html_end, .close = html_close,
		.window = html_window,
	};
	return &h->sink;
}
