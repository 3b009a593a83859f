/* SPDX-License-Identifier: GPL-2.0-only */
/* Which addresses are those of the namespaces in scope: told to the kernel side, read anew about once a second. */
#ifndef UW_ADDRESSES_H
#define UW_ADDRESSES_H

#include <stdint.h>

#include "live/netns.h"
#include "record.h"

struct nlmsghdr;

/**
 * uw_addresses_follow - read the addresses of the namespaces given into a map.
 * @map: struct uw_here to uint64_t; list: @count namespaces, those beyond the first 256 are not read;
 * round: another number at each call. An address that is gone is taken out.
 */
void uw_addresses_follow(int map, const struct uw_netns *list, unsigned count, uint64_t round);

/** uw_addresses_parse - the address of one RTM_NEWADDR message, which may be anything; pure.
 * Return: 0; -ENOENT if it has none; -EBADMSG. */
int uw_addresses_parse(const struct nlmsghdr *message, struct uw_here *out);

#endif
