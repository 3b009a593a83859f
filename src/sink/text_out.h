/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Laying out text for people: lines that are built, folded to the width of the terminal and
 * written. The words are the callers'; hostile bytes come in by uw_line_bytes() only.
 */
#ifndef UW_TEXT_OUT_H
#define UW_TEXT_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/clock.h"

#define UW_LINE_MAX 4096
#define UW_LEAD 16 /* columns of a label or time of day before the text */
#define UW_NBSP "\1" /* a space at which a line is not folded; no safe text has this byte */

/* One logical line. It starts zeroed; what does not fit is cut at a whole character. */
struct uw_line {
	size_t len;
	char text[UW_LINE_MAX];
};

enum uw_colour {
	UW_PLAIN,
	UW_BOLD,
	UW_RED,
	UW_YELLOW,
	UW_MAGENTA,
	UW_CYAN,
};

struct uw_text_out {
	FILE *out; /* the caller's */
	unsigned width; /* columns, 0: do not fold */
	bool colour;
	bool status; /* a line that uw_text_status() wrote is on the terminal */
};

/** uw_text_page_width - columns for a page of prose on stdout: the terminal's, 100 at the most; 80 without one. */
unsigned uw_text_page_width(void);

/** uw_line_add - append what is known to be safe. */
void uw_line_add(struct uw_line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** uw_line_bytes - append a hostile field of @size bytes, terminated or not, made safe and cut to
 * @columns (with an ellipsis); 0: whole. */
void uw_line_bytes(struct uw_line *l, const char *bytes, size_t size, unsigned columns);

/** uw_line_duration - append "21 µs", "0.9 ms", "5.0 s". */
void uw_line_duration(struct uw_line *l, uint64_t ns);

/** uw_line_time_of_day - append the local time, "02:11:23.632". */
void uw_line_time_of_day(struct uw_line *l, int64_t wall_ns);

/** uw_line_clock - append the local time to the second, "02:15:33". */
void uw_line_clock(struct uw_line *l, int64_t wall_ns);

/** uw_line_zone_time - append "02:11:22 PDT (09:11:22Z)". */
void uw_line_zone_time(struct uw_line *l, int64_t wall_ns);

/**
 * uw_text_print - one line, folded.
 * @lead: printed first, in @colour, never folded; may be "".
 * @hang: columns by which further lines are indented (fewer on a narrow terminal).
 * @text: safe text; words wider than a line are broken.
 */
void uw_text_print(const struct uw_text_out *o, const char *lead, enum uw_colour colour,
		   unsigned hang, const char *text);

/** uw_text_labelled - uw_text_print() with a label, two columns in, padded to UW_LEAD. */
void uw_text_labelled(const struct uw_text_out *o, const char *label, const char *text);

/** uw_text_status - a line that stays last on the terminal: written over the one before, cut to the
 * width, no newline. NULL takes it away; so must whoever prints something else. */
void uw_text_status(struct uw_text_out *o, const char *text);

#define UW_CELLS 6

/* A row of a table: a name and numbers, right-aligned. */
struct uw_row {
	struct uw_line name;
	char cell[UW_CELLS][24];
};

struct uw_table {
	unsigned indent; /* of the name */
	unsigned name; /* columns of it */
	unsigned cells;
	unsigned cell[UW_CELLS];
};

/** uw_table_fit - give the name the columns it needs, as far as the width allows. */
void uw_table_fit(const struct uw_text_out *o, struct uw_table *t, unsigned widest_name);

/** uw_table_row - print a row; a name that is too wide stands on lines of its own. */
void uw_table_row(const struct uw_text_out *o, const struct uw_table *t, const struct uw_row *r);

#endif
