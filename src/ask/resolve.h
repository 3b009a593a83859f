/* SPDX-License-Identifier: GPL-2.0-only */
/* From what a user calls a server to its addresses. */
#ifndef UW_RESOLVE_H
#define UW_RESOLVE_H

#include <stdint.h>

#include "record.h"

#define UW_RESOLVE_ERROR 400

struct uw_server {
	const char *name;	/* as the user gave it; raw bytes */
	struct uw_addr addr;
	uint32_t scope_id;	/* IPv6 link-local: the device's index */
	uint8_t family;
};

/**
 * uw_resolve - every address of @name, at most @room, that this host has an address family for.
 * @family: 4 or 6 only, 0 both; error: filled on failure, one line, safe. Asks DNS and so may take long.
 * Return: how many were written, or -1.
 */
int uw_resolve(const char *name, unsigned family, struct uw_server *out, unsigned room,
	       char error[UW_RESOLVE_ERROR]);

/** uw_resolv_conf - the name servers of /etc/resolv.conf, likewise. */
int uw_resolv_conf(unsigned family, struct uw_server *out, unsigned room, char error[UW_RESOLVE_ERROR]);

#endif
