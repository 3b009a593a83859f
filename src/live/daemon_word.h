/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Daemons that are asked how often they ask, when the run starts: chronyd and systemd-timesyncd, over unix sockets
 * only: what went over the network would be traced, and filtered, itself. That leaves out ntpd, which answers on UDP
 * port 123 alone.
 */
#ifndef UW_DAEMON_WORD_H
#define UW_DAEMON_WORD_H

#include "core/asker.h"

/**
 * uw_daemon_words - ask those among the askers that can be asked, a fifth of a second at the most in all.
 * @proc: where /proc is mounted; askers: filled, @count of them. Of a daemon that said how it asks one is left, with
 * its servers and its rhythm, and without a port: it may use another for each query. The others stay as they are.
 *
 * A process of our own does it, with the daemon's root as its root, which may be a container's; it is ended when
 * the time is over. Return: how many askers are left.
 */
unsigned uw_daemon_words(const char *proc, struct uw_asker *askers, unsigned count);

#endif
