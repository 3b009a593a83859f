/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which diagnoses are news: those that were not told, became surer, concern more flows or happened again;
 * and, once a span, those whose numbers have changed. One that did not hold for a span is news when it
 * comes back. Bounded: of too many, the one that did not hold for longest is forgotten.
 */
#ifndef UW_NEWS_H
#define UW_NEWS_H

#include "core/diagnose.h"

#define UW_NEWS_KEPT 256

struct uw_news;	/* opaque */

struct uw_news *uw_news_new(uint64_t span_ns);
void uw_news_free(struct uw_news *n);

/**
 * uw_news_is - note that @d holds now.
 * @final: it is the last look, and what has changed at all is news.
 * Return: whether it is to be told.
 */
bool uw_news_is(struct uw_news *n, const struct uw_diagnosis *d, uint64_t now_ns, bool final);

/** uw_news_surest - Return: the id of the surest diagnosis so far, NULL if there is none. */
const char *uw_news_surest(const struct uw_news *n, enum uw_confidence *confidence);

#endif
