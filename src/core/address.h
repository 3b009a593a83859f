/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses as people and JSON write them. */
#ifndef UW_ADDRESS_H
#define UW_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

#define UW_ADDR_TEXT 48 /* the longest address (46 with its NUL) and some room */
#define UW_ENDPOINT_TEXT 56 /* ... and a port */

/** uw_addr_known - false for the unspecified address, which stands for "not known". */
bool uw_addr_known(const struct uw_addr *a);

/** uw_addr_text - "192.0.2.1", "2001:db8::1"; @family is 4 or 6. Return: @buf. */
const char *uw_addr_text(const struct uw_addr *a, unsigned family, char buf[UW_ADDR_TEXT]);

/** uw_endpoint_text - "192.0.2.1:123", "[2001:db8::1]:123". Return: @buf. */
const char *uw_endpoint_text(const struct uw_addr *a, unsigned family, uint16_t port,
			     char buf[UW_ENDPOINT_TEXT]);

#endif
