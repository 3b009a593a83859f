/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture files: pcap through libpcap, pcapng by pcapng.c; filter expressions are libpcap's. */
#ifndef UW_CAPTURE_H
#define UW_CAPTURE_H

#include "offline/decode.h"
#include "offline/source.h"

struct uw_capture_counts {
	uint64_t frames, bytes;		/* as captured */
	uint64_t filtered;		/* frames that the filter expression left out */
	uint64_t first_ns, last_ns;	/* the earliest and the latest time of a frame */
};

struct uw_capture_progress {
	uint64_t done, total;		/* bytes of the file; total 0: not known */
	uint64_t frames;		/* of the file, so far; 0 of JSON lines */
};

struct uw_capture_options {
	const char *filter;		/* pcap-filter(7), NULL none */
	/* Called now and then; returns false to stop reading. May be NULL. */
	bool (*progress)(void *arg, const struct uw_capture_progress *p);
	void *arg;
};

#define UW_CAPTURE_CUT 1

/**
 * uw_capture_read - read a whole capture and give its frames to a decoder.
 * @source: open, its kind known; counts: added to; error: after a failure, one line without newline
 * that names the file, what is wrong and what to do.
 *
 * Return: 0; UW_CAPTURE_CUT with @error if the file ends within a frame, as it does when a capture is
 * stopped; or a negative errno: what came before the fault was given to @decode. -EINVAL for a filter
 * expression that cannot be used, or for frames that were passed over.
 */
int uw_capture_read(struct uw_source *source, const struct uw_capture_options *o, struct uw_decode *decode,
		    struct uw_capture_counts *counts, char error[UW_SOURCE_ERROR]);

/** uw_capture_library - name and version of the library that reads. */
const char *uw_capture_library(void);

#endif
