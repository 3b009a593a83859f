/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the JSON sink, for json.c only. A function whose fact is absent writes no key. */
#ifndef UW_JSON_PARTS_H
#define UW_JSON_PARTS_H

#include "sink/json_writer.h"
#include "sink/sink.h"

/** uw_json_wall, uw_json_time - an instant, of the wall clock or of CLOCK_BOOTTIME (0: absent). */
void uw_json_wall(struct uw_json *j, const char *key, int64_t wall_ns);
void uw_json_time(struct uw_json *j, const struct uw_clock *clock, const char *key,
		  uint64_t boot_ns);

/** uw_json_address - an address, absent if it is the unspecified one. */
void uw_json_address(struct uw_json *j, const char *key, const struct uw_addr *a, unsigned family);

/** uw_json_gaps - the names of a set of gaps, possibly an empty list. */
void uw_json_gaps(struct uw_json *j, const char *key, uint32_t gaps);

/** uw_json_protocol - network.protocol.name and network.type. */
void uw_json_protocol(struct uw_json *j, unsigned protocol, unsigned family);

/** uw_json_query - all of a query record but "v" and "type". @host: may be NULL. */
void uw_json_query(struct uw_json *j, const struct uw_clock *clock, const char *host,
		   const struct uw_query *q);

#endif
