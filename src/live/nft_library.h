/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libnftables, loaded when it is wanted: a host with nft has it, and one without it can still run
 * everything else. Each of these talks to the network namespace in which it was made.
 */
#ifndef UW_NFT_LIBRARY_H
#define UW_NFT_LIBRARY_H

#include <stddef.h>
#include <stdint.h>

struct uw_nft;

/**
 * uw_nft_new - a way to talk to nftables of the current network namespace.
 * Return: to be freed by uw_nft_free(), which ends the tables that it owns ("flags owner"); NULL if
 * there is no libnftables, or no memory.
 */
struct uw_nft *uw_nft_new(void);
void uw_nft_free(struct uw_nft *n);

/**
 * uw_nft_run - run commands as nft(8) reads them.
 * Return: what they print, valid until the next call; NULL if they failed, uw_nft_error() says why.
 */
const char *uw_nft_run(struct uw_nft *n, const char *commands);

/** uw_nft_error - the first line of what the last commands complained of, "" for nothing. */
const char *uw_nft_error(struct uw_nft *n);

/* A comment in an xtables match of a rule (iptables-nft), which nft does not list. */
typedef void (*uw_nft_comment_fn)(void *arg, uint32_t family, const char *table, uint64_t handle,
				  const char *comment);

/** uw_nft_comments - call @fn for each such comment of the current namespace. Return: 0 or -errno. */
int uw_nft_comments(uw_nft_comment_fn fn, void *arg);

#endif
