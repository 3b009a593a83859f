/* SPDX-License-Identifier: GPL-2.0-only */
#include "sink/text_out.h"

#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "core/text_safe.h"

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull
#define NARROW 60 /* columns, below which a full hanging indent leaves no room */
#define NARROW_HANG 4
#define HANG_KEPT 8 /* no more than this is kept on a narrow terminal too */

static const char *const colour_codes[] = {
	[UW_PLAIN] = "",
	[UW_BOLD] = "\033[1m",
	[UW_RED] = "\033[1;31m",
	[UW_YELLOW] = "\033[1;33m",
	[UW_MAGENTA] = "\033[1;35m",
	[UW_CYAN] = "\033[1;36m",
};

/* snprintf() may have cut a character in two. */
static size_t whole_characters(const char *s, size_t len)
{
	size_t at = len;

	while (at && ((unsigned char)s[at - 1] & 0xc0) == 0x80)
		at--;
	return at && (unsigned char)s[at - 1] >= 0xc0 ? at - 1 : len;
}

void uw_line_add(struct uw_line *l, const char *format, ...)
{
	size_t room = sizeof(l->text) - l->len;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(l->text + l->len, room, format, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if ((size_t)n < room) {
		l->len += (size_t)n;
	} else {
		l->len += whole_characters(l->text + l->len, room - 1);
		l->text[l->len] = '\0';
	}
}

void uw_line_bytes(struct uw_line *l, const char *bytes, size_t size, unsigned columns)
{
	char safe[UW_LINE_MAX];
	size_t keep;

	uw_safe_text(bytes, strnlen(bytes, size), safe, sizeof(safe));
	if (!columns || uw_text_columns(safe) <= columns) {
		uw_line_add(l, "%s", safe);
		return;
	}
	keep = uw_text_clip(safe, columns - 1);
	uw_line_add(l, "%.*s…", (int)keep, safe);
}

unsigned uw_text_page_width(void)
{
	struct winsize w;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || w.ws_col < 40)
		return 80;
	return w.ws_col < 100 ? w.ws_col : 100;
}

void uw_line_duration(struct uw_line *l, uint64_t ns)
{
	if (ns < NS_PER_MS / 2)
		uw_line_add(l, "%llu" UW_NBSP "µs", (unsigned long long)(ns / NS_PER_US));
	else if (ns < 100 * NS_PER_MS)
		uw_line_add(l, "%.1f" UW_NBSP "ms", (double)ns / NS_PER_MS);
	else if (ns < NS_PER_S)
		uw_line_add(l, "%llu" UW_NBSP "ms", (unsigned long long)(ns / NS_PER_MS));
	else if (ns < 100 * NS_PER_S)
		uw_line_add(l, "%.1f" UW_NBSP "s", (double)ns / NS_PER_S);
	else
		uw_line_add(l, "%llu" UW_NBSP "s", (unsigned long long)(ns / NS_PER_S));
}

static time_t split_wall(int64_t wall_ns, unsigned *ms)
{
	int64_t rest = wall_ns % (int64_t)NS_PER_S;

	if (rest < 0)
		rest += (int64_t)NS_PER_S;
	*ms = (unsigned)(rest / (int64_t)NS_PER_MS);
	return (time_t)((wall_ns - rest) / (int64_t)NS_PER_S);
}

void uw_line_clock(struct uw_line *l, int64_t wall_ns)
{
	char text[16] = "";
	struct tm tm;
	unsigned ms;
	time_t t = split_wall(wall_ns, &ms);

	if (localtime_r(&t, &tm))
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	uw_line_add(l, "%s", text);
}

void uw_line_time_of_day(struct uw_line *l, int64_t wall_ns)
{
	unsigned ms;

	split_wall(wall_ns, &ms);
	uw_line_clock(l, wall_ns);
	uw_line_add(l, ".%03u", ms);
}

void uw_line_zone_time(struct uw_line *l, int64_t wall_ns)
{
	char zone[32] = "", utc[16] = "";
	struct tm tm;
	unsigned ms;
	time_t t = split_wall(wall_ns, &ms);

	if (localtime_r(&t, &tm))
		strftime(zone, sizeof(zone), "%Z", &tm);
	if (gmtime_r(&t, &tm))
		strftime(utc, sizeof(utc), "%H:%M:%SZ", &tm);
	if (!strcmp(zone, "UTC") || !zone[0]) {
		uw_line_add(l, "%s", utc);
		return;
	}
	uw_line_clock(l, wall_ns);
	uw_line_add(l, UW_NBSP);
	uw_line_bytes(l, zone, sizeof(zone), 0); /* it comes from the environment */
	uw_line_add(l, UW_NBSP "(%s)", utc);
}

/* Where the pen is while a line is folded. */
struct pen {
	const struct uw_text_out *o;
	unsigned column, hang;
};

static unsigned room(const struct pen *p)
{
	if (!p->o->width)
		return UINT32_MAX;
	return p->o->width > p->column ? p->o->width - p->column : 0;
}

static void new_line(struct pen *p)
{
	fprintf(p->o->out, "\n%*s", (int)p->hang, "");
	p->column = p->hang;
}

/* Spaces that do not fold are spaces on paper. */
static void put_glued(FILE *out, const char *word, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fputc(word[i] == *UW_NBSP ? ' ' : word[i], out);
}

/* Where a word that must be broken is broken best: behind a colon, a dot and the like. */
static size_t break_point(const char *word, size_t most)
{
	size_t n = most;

	while (n > most / 2 && !strchr(":./-_,", word[n - 1]))
		n--;
	return n > most / 2 ? n : most;
}

/* A word wider than a whole line is broken where the line ends. */
static void put_word(struct pen *p, const char *word)
{
	while (*word) {
		size_t n = uw_text_clip(word, room(p));

		if (!n && p->column > p->hang) {
			new_line(p);
			continue;
		}
		if (!n)
			n = strlen(word); /* no line could take it: let it stick out */
		if (word[n])
			n = break_point(word, n);
		put_glued(p->o->out, word, n);
		p->column += uw_text_columns(word) - uw_text_columns(word + n);
		word += n;
		if (*word)
			new_line(p);
	}
}

static bool fits_a_line(const struct pen *p, const char *word)
{
	return !p->o->width || uw_text_columns(word) + p->hang <= p->o->width;
}

/* An arrow stays with what it points to, a dot between two things with the first. */
static size_t arrow_of(const char *text)
{
	if (strncmp(text, "→ ", 4) == 0 || strncmp(text, "→" UW_NBSP, 4) == 0)
		return 4;
	return strncmp(text, "=> ", 3) == 0 ? 3 : 0;
}

static size_t whole_word(const char *text)
{
	size_t len = arrow_of(text);

	len += strcspn(text + len, " ");
	while (strncmp(text + len, " · ", 4) == 0)
		len += 3;
	return len;
}

/* The next word; what is glued together and wider than a line of its own is not one. */
static size_t take_word(const struct pen *p, const char *text, char word[UW_LINE_MAX])
{
	size_t len = whole_word(text), arrow = arrow_of(text);

	snprintf(word, UW_LINE_MAX, "%.*s", (int)len, text);
	if (fits_a_line(p, word))
		return len;
	len = arrow + strcspn(word + arrow, " " UW_NBSP);
	word[len] = '\0';
	return len;
}

/* What no line can hold whole begins on this one, if half of it is free. */
static bool begins_here(const struct pen *p, const char *word, unsigned spaces)
{
	if (p->column <= p->hang || spaces + uw_text_columns(word) <= room(p))
		return true;
	return !fits_a_line(p, word) && room(p) >= p->o->width / 2;
}

static void put_folded(struct pen *p, const char *text)
{
	char word[UW_LINE_MAX];

	for (;;) {
		unsigned spaces = (unsigned)strspn(text, " " UW_NBSP);
		size_t len = take_word(p, text + spaces, word);

		if (!len)
			return;
		if (begins_here(p, word, spaces)) {
			fprintf(p->o->out, "%*s", (int)spaces, "");
			p->column += spaces;
		} else {
			new_line(p);
		}
		put_word(p, word);
		text += spaces + len;
	}
}

void uw_text_print(const struct uw_text_out *o, const char *lead, enum uw_colour colour,
		   unsigned hang, const char *text)
{
	bool paint = o->colour && colour != UW_PLAIN;
	struct pen p = {.o = o, .column = uw_text_columns(lead), .hang = hang};

	if (o->width && o->width < NARROW && p.hang > HANG_KEPT)
		p.hang = NARROW_HANG;
	if (paint)
		fprintf(o->out, "%s%s\033[0m", colour_codes[colour], lead);
	else
		fputs(lead, o->out);
	put_folded(&p, text);
	fputc('\n', o->out);
}

void uw_text_status(struct uw_text_out *o, const char *text)
{
	/* The last column is left empty: terminals differ in what a character there does. */
	unsigned most = o->width ? o->width - 1 : 79;
	bool cut = text && uw_text_columns(text) > most;

	if (!text && !o->status)
		return;
	fputs("\r\033[K", o->out);
	if (text)
		put_glued(o->out, text, uw_text_clip(text, cut ? most - 1 : most));
	if (cut)
		fputs("…", o->out);
	o->status = text;
	fflush(o->out);
}

void uw_text_labelled(const struct uw_text_out *o, const char *label, const char *text)
{
	char lead[2 * UW_LEAD];

	snprintf(lead, sizeof(lead), "  %-*s", UW_LEAD - 2, label);
	uw_text_print(o, lead, UW_PLAIN, UW_LEAD, text);
}

void uw_table_fit(const struct uw_text_out *o, struct uw_table *t, unsigned widest_name)
{
	unsigned taken = t->indent;

	for (unsigned i = 0; i < t->cells; i++)
		taken += t->cell[i];
	t->name = widest_name;
	if (o->width && taken + widest_name > o->width)
		t->name = o->width > taken ? o->width - taken : 0;
}

void uw_table_row(const struct uw_text_out *o, const struct uw_table *t, const struct uw_row *r)
{
	char indent[UW_LEAD];
	unsigned wide = uw_text_columns(r->name.text);

	snprintf(indent, sizeof(indent), "%*s", (int)t->indent, "");
	if (wide > t->name) {
		uw_text_print(o, indent, UW_PLAIN, t->indent + 2, r->name.text);
		wide = 0;
		fputs(indent, o->out);
	} else {
		fputs(indent, o->out);
		put_glued(o->out, r->name.text, r->name.len);
	}
	fprintf(o->out, "%*s", (int)(t->name - wide), "");
	for (unsigned i = 0; i < t->cells; i++) {
		unsigned columns = uw_text_columns(r->cell[i]);

		fprintf(o->out, "%*s", (int)(t->cell[i] > columns ? t->cell[i] - columns : 0), "");
		put_glued(o->out, r->cell[i], strlen(r->cell[i]));
	}
	fputc('\n', o->out);
}
