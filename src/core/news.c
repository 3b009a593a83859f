// SPDX-License-Identifier: GPL-2.0-only
#include "core/news.h"

#include <stdlib.h>
#include <string.h>

struct told {
	const char *id;
	uint64_t subject;
	struct uw_flow_id flow[UW_EVIDENCE_MAX];
	unsigned flows, occasions;
	enum uw_confidence confidence;
	char summary[UW_SENTENCE_MAX];
	uint64_t held_ns, told_ns;	/* when it held last, when it was told last */
};

struct uw_news {
	uint64_t span_ns;
	unsigned count;
	struct told told[UW_NEWS_KEPT];
};

struct uw_news *uw_news_new(uint64_t span_ns)
{
	struct uw_news *n = calloc(1, sizeof(*n));

	if (n)
		n->span_ns = span_ns;
	return n;
}

void uw_news_free(struct uw_news *n)
{
	free(n);
}

/* What is told of flows is the same if one of them is: which are listed first may change. */
static bool same(const struct told *t, const struct uw_diagnosis *d)
{
	unsigned i, k;

	if (strcmp(t->id, d->id) || t->subject != d->subject)
		return false;
	for (i = 0; i < d->flows && !d->subject; i++) {
		for (k = 0; k < t->flows; k++) {
			if (!memcmp(&t->flow[k], &d->flow[i]->id, sizeof(t->flow[k])))
				return true;
		}
	}
	return d->subject || (!t->flows && !d->flows);
}

static struct told *find(struct uw_news *n, const struct uw_diagnosis *d)
{
	unsigned i;

	for (i = 0; i < n->count; i++) {
		if (same(&n->told[i], d))
			return &n->told[i];
	}
	return NULL;
}

static struct told *take_place(struct uw_news *n)
{
	struct told *t, *oldest = n->told;

	if (n->count < UW_NEWS_KEPT)
		return &n->told[n->count++];
	for (t = n->told; t < n->told + n->count; t++) {
		if (t->held_ns < oldest->held_ns)
			oldest = t;
	}
	return oldest;
}

static void note(struct told *t, const struct uw_diagnosis *d)
{
	t->id = d->id;
	t->subject = d->subject;
	t->confidence = d->confidence;
	t->occasions = d->occasions;
	memcpy(t->summary, d->summary, sizeof(t->summary));
	for (t->flows = 0; t->flows < d->flows; t->flows++)
		t->flow[t->flows] = d->flow[t->flows]->id;
}

bool uw_news_is(struct uw_news *n, const struct uw_diagnosis *d, uint64_t now_ns, bool final)
{
	struct told *t = find(n, d);
	bool known = t && now_ns - t->held_ns <= n->span_ns, news;
	bool changed = t && strcmp(t->summary, d->summary) != 0;

	if (!t)
		t = take_place(n);
	news = !known || d->confidence > t->confidence || d->flows > t->flows || d->occasions > t->occasions ||
	       (changed && (final || now_ns - t->told_ns > n->span_ns));
	t->held_ns = now_ns;
	if (!news)
		return false;
	note(t, d);
	t->told_ns = now_ns;
	return true;
}

const char *uw_news_surest(const struct uw_news *n, enum uw_confidence *confidence)
{
	const struct told *best = NULL;
	unsigned i;

	for (i = 0; i < n->count; i++) {
		if (!best || n->told[i].confidence > best->confidence)
			best = &n->told[i];
	}
	if (best)
		*confidence = best->confidence;
	return best ? best->id : NULL;
}
