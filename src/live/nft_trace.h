/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * --nft-trace: the rule of each netfilter drop. In each namespace that the user named, tables of our
 * own switch on nftables' trace of the traced ports; they belong to a netlink socket and go away with
 * it, however we end. The trace itself is read in the kernel (bpf/nft_trace.bpf.h); a thread here
 * reads the rules' text, again after each change of a ruleset.
 */
#ifndef UW_NFT_TRACE_H
#define UW_NFT_TRACE_H

#include "cli.h"
#include "live/live.h"

struct uw_nft_trace;

/**
 * uw_nft_trace_open - make the tables and listen, in the namespaces of --scope, else of --netns.
 * @l: loaded with nft_trace; @filters: outlive it, as @l does.
 * @out: to be freed by uw_nft_trace_close(); error: one line, why and what to do.
 * Return: 0 or -errno with @error filled.
 */
int uw_nft_trace_open(struct uw_live *l, const struct uw_filters *filters, struct uw_nft_trace **out,
		      char error[UW_ERROR_MAX]);
void uw_nft_trace_close(struct uw_nft_trace *t);

/**
 * uw_nft_trace_tell - a drop's rule in one line, raw bytes of the ruleset.
 * @number: uw_drop.rule; when_ns: of the drop.
 * Return: false if it is not known; @buf is "" then.
 */
bool uw_nft_trace_tell(struct uw_nft_trace *t, uint64_t number, uint64_t when_ns, char *buf, size_t size);

/** uw_nft_trace_lost - messages that the kernel could not give us. */
uint64_t uw_nft_trace_lost(const struct uw_nft_trace *t);

#endif
