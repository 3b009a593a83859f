/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Daemons that are asked how often they ask, when the run starts. Over a unix socket of their own only: what went
 * over the network would be traced, and filtered, itself. That leaves out ntpd, which answers on UDP port 123 alone.
 */
#ifndef UW_DAEMON_WORD_H
#define UW_DAEMON_WORD_H

#include "core/asker.h"

#define UW_SOCKET_PATH 108	/* bytes, with the NUL: unix(7) */

/**
 * uw_daemon_socket - the path that a chronyd has bound its command socket to, as it sees it itself.
 * @proc: where /proc is mounted. Return: false if it has none, or one by another name than chronyd*.sock.
 */
bool uw_daemon_socket(const char *proc, uint32_t pid, char out[UW_SOCKET_PATH]);

/**
 * uw_daemon_words - ask those among the askers that can be asked, a tenth of a second at the most in all.
 * @askers: filled, @count of them. Of a daemon that said how it asks one is left, with its servers and its
 * rhythm, and without a port: it may use another for each query. The others stay as they are.
 *
 * A process of our own does it, with the daemon's root as its root, which may be a container's; it is ended when
 * the time is over. Return: how many askers are left.
 */
unsigned uw_daemon_words(const char *proc, struct uw_asker *askers, unsigned count);

#endif
