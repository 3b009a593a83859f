// SPDX-License-Identifier: GPL-2.0-only
/* Which of a namespace's rulesets dropped a packet. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ruleset.h"

#define PAGES 64		/* rulesets kept of all namespaces */
#define SWITCH_NS 20000000ull	/* around its news, a packet may still meet the old rules, or already the new */

struct page {
	uint32_t netns, epoch;
	uint64_t since_ns;
	struct uw_ruleset *set;
};

struct uw_rulebook {
	struct page page[PAGES];	/* the oldest is written over */
	unsigned next;
};

struct uw_rulebook *uw_rulebook_new(void)
{
	return calloc(1, sizeof(struct uw_rulebook));
}

void uw_rulebook_free(struct uw_rulebook *b)
{
	unsigned i;

	if (!b)
		return;
	for (i = 0; i < PAGES; i++)
		uw_ruleset_free(b->page[i].set);
	free(b);
}

void uw_rulebook_add(struct uw_rulebook *b, uint32_t netns, uint32_t epoch, uint64_t since_ns,
		     struct uw_ruleset *s)
{
	struct page *p = &b->page[b->next];

	b->next = (b->next + 1) % PAGES;
	uw_ruleset_free(p->set);
	*p = (struct page){ netns, epoch, since_ns, s };
}

/* The page of an epoch, or the nearest before or after it; NULL if there is none. */
static const struct page *find_page(const struct uw_rulebook *b, uint32_t netns, int64_t from, int64_t to,
				    bool last)
{
	const struct page *best = NULL, *p;

	for (p = b->page; p < b->page + PAGES; p++) {
		if (!p->set || p->netns != netns || p->epoch < from || p->epoch > to)
			continue;
		if (!best || (last ? p->epoch > best->epoch : p->epoch < best->epoch))
			best = p;
	}
	return best;
}

static const char *text_on(const struct page *p, const struct uw_rule *r)
{
	return p ? uw_ruleset_text(p->set, uw_nft_family(r->family), r->table, r->handle) : NULL;
}

/* The epoch was over before it could be read: what lived before and after it lived in it. */
static const char *text_between(const struct page *before, const struct page *after, const struct uw_rule *r)
{
	const char *text = text_on(before, r);

	if (!text || !after ||
	    !uw_ruleset_same_table(before->set, after->set, uw_nft_family(r->family), r->table))
		return NULL;
	return text;
}

/* At the edge of an epoch the packet may have met its neighbour's rules: they must not say otherwise. */
static bool edge_agrees(const struct page *own, const struct page *neighbour, bool adjacent,
			const struct uw_rule *r, const char **text)
{
	const char *other = text_on(neighbour, r);

	if (!neighbour)
		return false;
	if (uw_ruleset_same_table(own->set, neighbour->set, uw_nft_family(r->family), r->table))
		adjacent = true;
	if (!*text)
		*text = other;
	return adjacent && (!other || !strcmp(*text, other));
}

/*
 * A rule never changes, and its handle is not given again as long as its table lives; but a reload
 * may make the table anew. So what counts is the text of the drop's own epoch.
 */
static const char *text_of(const struct uw_rulebook *b, const struct uw_rule *r, uint64_t when_ns)
{
	int64_t e = r->epoch;
	const struct page *own = find_page(b, r->netns, e, e, true);
	const struct page *before = find_page(b, r->netns, 0, e - 1, true);
	const struct page *after = find_page(b, r->netns, e + 1, UINT32_MAX, false);
	const char *text = text_on(own, r);

	if (!own)
		return text_between(before, after, r);
	if (own->since_ns && when_ns < own->since_ns + SWITCH_NS &&
	    !edge_agrees(own, before, before && before->epoch == e - 1, r, &text))
		return NULL;
	if (after && when_ns + SWITCH_NS > after->since_ns &&
	    !edge_agrees(own, after, after->epoch == e + 1, r, &text))
		return NULL;
	return text;
}

void uw_rulebook_tell(const struct uw_rulebook *b, const struct uw_rule *r, uint64_t when_ns, char *buf,
		      size_t size)
{
	const char *family = uw_nft_family(r->family), *text;

	if (!r->handle) {
		snprintf(buf, size, "policy drop of chain %s %s %s", family, r->table, r->chain);
		return;
	}
	text = text_of(b, r, when_ns);
	snprintf(buf, size, "%s %s %s handle %llu%s%s", family, r->table, r->chain,
		 (unsigned long long)r->handle, text ? ": " : "", text ? text : "");
}
