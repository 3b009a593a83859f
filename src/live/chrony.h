/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What chronyd says of itself: how many servers it asks, how often, and when next. Its command protocol
 * (version 6, what chronyc speaks), the words alone: who carries them is live/daemon_word.c.
 */
#ifndef UW_CHRONY_H
#define UW_CHRONY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/asker.h"

#define UW_CHRONY_REQUEST 96	/* bytes of every request: an answer that is longer than its request is never sent */

/* A dialogue. Answers are hostile. */
struct uw_chrony {
	enum { UW_CHRONY_ACTIVITY, UW_CHRONY_COUNT, UW_CHRONY_SOURCE, UW_CHRONY_OVER } step;
	bool failed;
	uint32_t sequence;	/* of the request that is open */
	uint32_t online;	/* sources that are asked, by their number */
	uint32_t listed, at;	/* sources in the list, and which of them is asked for */
	uint32_t asked, peers;	/* found in the list: asked as a client, as a peer */
	uint32_t undated;	/* asked as a client, nobody knows when next */
	struct uw_rhythm rhythm;
};

/** uw_chrony_start - a dialogue; @sequence: anything, its answers repeat it. */
void uw_chrony_start(struct uw_chrony *c, uint32_t sequence);

/** uw_chrony_request - what to send next, the same until it is answered. Return: false if there is nothing more. */
bool uw_chrony_request(const struct uw_chrony *c, uint8_t out[UW_CHRONY_REQUEST]);

/** uw_chrony_answer - what came. @now_ns: when, CLOCK_BOOTTIME. What answers another request is passed over. */
void uw_chrony_answer(struct uw_chrony *c, const uint8_t *b, size_t length, uint64_t now_ns);

/**
 * uw_chrony_rhythm - what it said, when the dialogue is over.
 * @rhythm: receives the told part; the time of the next query only if every server answered its last one:
 * those who are silent are asked at times that are not told.
 *
 * Return: how many servers are asked as a client; 0 if it did not say, said what cannot be, or asks in no rhythm
 * now: a source is switched off or is asked in a burst, and which one is not told.
 */
unsigned uw_chrony_rhythm(const struct uw_chrony *c, struct uw_rhythm *rhythm);

#endif
