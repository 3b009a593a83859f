/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files of one analysis. A single one gives its queries as they are judged; several are read first,
 * then joined: those that saw the same queries are vantage points on one way, those that go on where
 * another ends are one capture in several files, and the others have nothing to do with each other.
 */
#ifndef UW_INPUTS_H
#define UW_INPUTS_H

#include "offline/jsonl.h"
#include "offline/match.h"
#include "sink/sink.h"

struct uw_inputs_options {
	const char *const *file;	/* paths; "-" is standard input */
	unsigned files;
	const struct uw_port *ports;
	unsigned port_count;
	uint64_t timeout_ns;
	uint32_t run;			/* high part of query.id of what captures have */
	const char *filter;		/* pcap-filter(7), NULL none */
	struct uw_jsonl_sink sink;	/* receives everything, also the queries of captures */
};

struct uw_inputs_counts {
	struct uw_capture_counts captured;
	struct uw_match_counts match;
	uint64_t lost;			/* fragmented datagrams, and queries held, for which there was no room */
	struct uw_totals sums;		/* of JSON lines: what their runs counted of traffic and losses */
};

struct uw_inputs;	/* opaque */

/** uw_inputs_new - Return: NULL without memory. @o stays the caller's. */
struct uw_inputs *uw_inputs_new(const struct uw_inputs_options *o);
void uw_inputs_free(struct uw_inputs *in);

/** uw_inputs_read - read them all and give what is in them. What is wrong with one is complained of.
 * Return: 0, or -EIO if anything was wrong. */
int uw_inputs_read(struct uw_inputs *in);

/** uw_inputs_counts - what was counted so far. */
const struct uw_inputs_counts *uw_inputs_counts(const struct uw_inputs *in);

/** uw_inputs_traffic - what the wire carried by a capture: of several the client's end, NULL if none is.
 * For a single file the same all the time. */
const struct uw_traffic *uw_inputs_traffic(const struct uw_inputs *in);

/** uw_inputs_vantages - the places that were compared; none for a single file. */
const struct uw_vantage *uw_inputs_vantages(const struct uw_inputs *in, unsigned *count);

#endif
