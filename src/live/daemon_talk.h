/* SPDX-License-Identifier: GPL-2.0-only */
/* How each daemon is asked how often it asks: the way to it, in the process that live/daemon_word.c makes for it. */
#ifndef UW_DAEMON_TALK_H
#define UW_DAEMON_TALK_H

#include "core/asker.h"

#define UW_SOCKET_PATH 108	/* bytes, with the NUL: unix(7) */

/* What a daemon said: how many servers it asks, and how often. */
struct uw_word {
	unsigned servers;	/* 0: nothing */
	struct uw_rhythm rhythm;
};

/** uw_time_left - milliseconds for poll(2), 0 if @until_ns has come. */
int uw_time_left(uint64_t until_ns);

/** uw_enter_root - take the root directory of a process as our own. Return: 0 or -1. */
int uw_enter_root(const char *proc, uint32_t pid);

/**
 * uw_chronyd_talk, uw_timesyncd_talk - ask the daemon that runs as @pid, by a unix socket below its root directory.
 * @proc: where /proc is mounted; until_ns: who has not answered then does not; word: receives what this very process
 * said, untouched if it said nothing. The caller's root directory is that of the daemon afterwards.
 */
void uw_chronyd_talk(const char *proc, uint32_t pid, uint64_t until_ns, struct uw_word *word);
void uw_timesyncd_talk(const char *proc, uint32_t pid, uint64_t until_ns, struct uw_word *word);

/**
 * uw_chronyd_socket - the path that a chronyd has bound its command socket to, as it sees it itself.
 * Return: false if it has none, or one by another name than chronyd*.sock.
 */
bool uw_chronyd_socket(const char *proc, uint32_t pid, char out[UW_SOCKET_PATH]);

/**
 * uw_timesyncd_rhythm - the rhythm of one who asks a single server, so often, when the last answer came then. Only if
 * the next query is still to come: when none is answered it asks otherwise.
 * @wall_ns, @now_ns: the same moment by CLOCK_REALTIME, and by CLOCK_BOOTTIME.
 */
bool uw_timesyncd_rhythm(uint64_t interval_us, uint64_t answered_us, int64_t wall_ns, uint64_t now_ns,
			 struct uw_rhythm *rhythm);

#endif
