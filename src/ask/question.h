/* SPDX-License-Identifier: GPL-2.0-only */
/* What to ask a DNS server, from a user's words. */
#ifndef UW_QUESTION_H
#define UW_QUESTION_H

#include <stdint.h>

#include "record.h"

/**
 * uw_question - QNAME, QTYPE and QCLASS IN in wire form.
 * @name: a domain name, with or without the dot at its end; an IPv4 or IPv6 address stands for its name
 * in in-addr.arpa or ip6.arpa. type: 0: A, for an address PTR.
 * Return: bytes written, 0 if it is no name (a label of 0 or more than 63 bytes, 255 in all).
 */
uint16_t uw_question(const char *name, uint16_t type, uint8_t out[UW_QUESTION_MAX]);

#endif
