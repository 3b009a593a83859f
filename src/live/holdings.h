/* SPDX-License-Identifier: GPL-2.0-only */
/* Who has which socket open, read from the kernel side (bpf/holdings.bpf.h). */
#ifndef UW_HOLDINGS_H
#define UW_HOLDINGS_H

#include "record.h"

#define UW_HOLDINGS_MAX 65536

/**
 * uw_holdings_read - every UDP and raw socket of the scope that a process has open, by process.
 * @link: of uw_live_fds; out: receives an array to be freed, NULL if there is none; untouched on failure.
 *
 * Return: 0 or -errno; -EOPNOTSUPP if this kernel cannot tell.
 */
int uw_holdings_read(int link, struct uw_holding **out, unsigned *count);

#endif
