// SPDX-License-Identifier: GPL-2.0-only
#include "core/ruleset.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rule {
	uint64_t handle;
	unsigned table;
	char *text;
};

struct table {
	char *family, *name;
	uint64_t handle;	/* never given again in its namespace; 0 not told */
};

struct uw_ruleset {
	struct table *table;
	struct rule *rule;
	unsigned tables, rules;
	char *ingress;
};

/* Another tracer's is like ours: it is there to be first, and drops nothing. */
static bool is_own(const struct table *t)
{
	return strncmp(t->name, UW_OWN_TABLE, strlen(UW_OWN_TABLE)) == 0;
}

/* A growing text. Without memory it stays as it is: what is told later is then shorter. */
struct text {
	char *bytes;
	size_t length;
};

static void text_add(struct text *t, const char *bytes, size_t length)
{
	char *more = realloc(t->bytes, t->length + length + 1);

	if (!more)
		return;
	memcpy(more + t->length, bytes, length);
	t->bytes = more;
	t->length += length;
	t->bytes[t->length] = '\0';
}

static void *grown(void *list, unsigned count, size_t size)
{
	return count & (count - 1) ? list : realloc(list, (count ? 2 * count : 1) * size);
}

static void add_table(struct uw_ruleset *s, const char *family, size_t family_length, const char *name,
		      size_t length, uint64_t handle)
{
	struct table *more = grown(s->table, s->tables, sizeof(*more));

	if (!more)
		return;
	s->table = more;
	more[s->tables].family = strndup(family, family_length);
	more[s->tables].name = strndup(name, length);
	more[s->tables].handle = handle;
	if (more[s->tables].family && more[s->tables].name) {
		s->tables++;
		return;
	}
	free(more[s->tables].family);
	free(more[s->tables].name);
}

static void add_rule(struct uw_ruleset *s, const char *text, size_t length, uint64_t handle)
{
	struct rule *more = grown(s->rule, s->rules, sizeof(*more));

	if (!more)
		return;
	s->rule = more;
	more[s->rules] = (struct rule){ handle, s->tables - 1, strndup(text, length) };
	if (more[s->rules].text)
		s->rules++;
}

/* The handle that closes a line, "... # handle 7"; *end: where the rest ends. 0 if there is none. */
static uint64_t line_handle(const char *line, size_t length, size_t *end)
{
	static const char mark[] = "# handle ";
	size_t at = length, digits;

	while (at && isdigit((unsigned char)line[at - 1]))
		at--;
	digits = length - at;
	if (!digits || digits > 18 || at < sizeof(mark) - 1 ||
	    memcmp(line + at - (sizeof(mark) - 1), mark, sizeof(mark) - 1))
		return 0;
	*end = at - (sizeof(mark) - 1);
	while (*end && line[*end - 1] == ' ')
		--*end;
	return strtoull(line + at, NULL, 10);
}

static bool begins(const char *line, size_t length, const char *with)
{
	return length >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

/* "table inet t { # handle 1"; an owner's name may stand before the handle. */
static bool take_table(struct uw_ruleset *s, const char *line, size_t length)
{
	const char *family = line + strlen("table "), *name, *end, *brace;
	size_t rest = 0;

	if (!begins(line, length, "table "))
		return false;
	end = line + length;
	name = memchr(family, ' ', (size_t)(end - family));
	if (!name++)
		return false;
	brace = memmem(name, (size_t)(end - name), " {", 2);
	if (!brace)
		return false;
	add_table(s, family, (size_t)(name - 1 - family), name, (size_t)(brace - name),
		  line_handle(line, length, &rest));
	return s->tables > 0;
}

/* "type filter hook ingress device "eth0" priority ...", "... devices = { "a", b } priority ...". */
static void take_device(struct text *ingress, const char *name, size_t length)
{
	char quoted[64];

	snprintf(quoted, sizeof(quoted), *name == '"' ? "%.*s" : "\"%.*s\"", (int)length, name);
	if (ingress->bytes && strstr(ingress->bytes, quoted))
		return;
	text_add(ingress, ", ", ingress->length ? 2 : 0);
	text_add(ingress, quoted, strlen(quoted));
}

static void take_ingress(struct text *ingress, const char *line, size_t length)
{
	static const char hook[] = " hook ingress device";
	const char *at = memmem(line, length, hook, sizeof(hook) - 1), *end = line + length;

	if (!at)
		return;
	for (at += sizeof(hook) - 1; at < end && !begins(at, (size_t)(end - at), "priority ");) {
		size_t n = strcspn(at, " ,\n");

		if (n && !(n == 1 && strchr("s={}", *at)))
			take_device(ingress, at, n);
		at += n + 1;
	}
}

/* Where the reader is: each block is closed by a brace at its own depth. */
struct reader {
	struct uw_ruleset *set;
	enum { OUTSIDE, IN_TABLE, IN_CHAIN, IN_OTHER } place;
	struct text rule;	/* a rule may go on over several lines */
	struct text ingress;
};

static void read_rule(struct reader *r, const char *line, size_t length)
{
	uint64_t handle;
	size_t end = 0;

	if (!r->rule.length && (begins(line, length, "type ") || begins(line, length, "comment \""))) {
		if (!is_own(&r->set->table[r->set->tables - 1]))
			take_ingress(&r->ingress, line, length);
		return;
	}
	while (length && *line == ' ') {
		line++;
		length--;
	}
	text_add(&r->rule, " ", r->rule.length ? 1 : 0);
	text_add(&r->rule, line, length);
	handle = r->rule.bytes ? line_handle(r->rule.bytes, r->rule.length, &end) : 0;
	if (!handle)
		return;
	add_rule(r->set, r->rule.bytes, end, handle);
	r->rule.length = 0;
}

static void read_line(struct reader *r, const char *line, size_t length)
{
	size_t depth = strspn(line, "\t");
	bool closes = depth < length && line[depth] == '}' && length == depth + 1;

	line += depth;
	length -= depth;
	if (closes && depth == 0) {
		r->place = OUTSIDE;
	} else if (closes && depth == 1 && r->place != OUTSIDE) {
		r->place = IN_TABLE;
		r->rule.length = 0;
	} else if (r->place == OUTSIDE) {
		if (take_table(r->set, line, length))
			r->place = IN_TABLE;
	} else if (r->place == IN_TABLE && depth == 1) {
		if (begins(line, length, "chain "))
			r->place = IN_CHAIN;
		else if (memmem(line, length, " {", 2))
			r->place = IN_OTHER;
	} else if (r->place == IN_CHAIN) {
		read_rule(r, line, length);
	}
}

struct uw_ruleset *uw_ruleset_parse(const char *listing)
{
	struct reader r = { .set = calloc(1, sizeof(*r.set)) };

	if (!r.set)
		return NULL;
	while (listing && *listing) {
		size_t length = strcspn(listing, "\n");

		read_line(&r, listing, length);
		listing += length + !!listing[length];
	}
	free(r.rule.bytes);
	r.set->ingress = r.ingress.bytes;
	return r.set;
}

void uw_ruleset_free(struct uw_ruleset *s)
{
	unsigned i;

	if (!s)
		return;
	for (i = 0; i < s->tables; i++) {
		free(s->table[i].family);
		free(s->table[i].name);
	}
	for (i = 0; i < s->rules; i++)
		free(s->rule[i].text);
	free(s->table);
	free(s->rule);
	free(s->ingress);
	free(s);
}

static unsigned find_table(const struct uw_ruleset *s, const char *family, const char *name)
{
	unsigned t;

	for (t = 0; t < s->tables; t++) {
		if (!strcmp(s->table[t].family, family) && !strcmp(s->table[t].name, name))
			break;
	}
	return t;
}

static struct rule *find_rule(const struct uw_ruleset *s, const char *family, const char *table,
			      uint64_t handle)
{
	unsigned t = find_table(s, family, table), i;

	for (i = 0; i < s->rules; i++) {
		if (s->rule[i].table == t && s->rule[i].handle == handle)
			return &s->rule[i];
	}
	return NULL;
}

void uw_ruleset_comment(struct uw_ruleset *s, const char *family, const char *table, uint64_t handle,
			const char *comment)
{
	struct rule *r = find_rule(s, family, table, handle);
	char *more, *gap;

	if (!r || strstr(r->text, " comment \"") || asprintf(&more, "%s comment \"%s\"", r->text, comment) < 0)
		return;
	/* The match itself was listed as nothing between two spaces. */
	gap = strstr(more, "  ");
	if (gap)
		memmove(gap, gap + 1, strlen(gap));
	free(r->text);
	r->text = more;
}

const char *uw_ruleset_text(const struct uw_ruleset *s, const char *family, const char *table,
			    uint64_t handle)
{
	const struct rule *r = find_rule(s, family, table, handle);

	return r ? r->text : NULL;
}

bool uw_ruleset_same_table(const struct uw_ruleset *a, const struct uw_ruleset *b, const char *family,
			   const char *table)
{
	unsigned in_a = find_table(a, family, table), in_b = find_table(b, family, table);

	return in_a < a->tables && in_b < b->tables && a->table[in_a].handle &&
	       a->table[in_a].handle == b->table[in_b].handle;
}

bool uw_ruleset_has(const struct uw_ruleset *s, const char *family)
{
	unsigned i;

	for (i = 0; i < s->tables; i++) {
		if (!strcmp(s->table[i].family, family) && !is_own(&s->table[i]))
			return true;
	}
	return false;
}

const char *uw_ruleset_ingress(const struct uw_ruleset *s)
{
	return s->ingress ? s->ingress : "";
}

const char *uw_nft_family(uint32_t family)
{
	switch (family) {
	case 1:
		return "inet";
	case 2:
		return "ip";
	case 3:
		return "arp";
	case 5:
		return "netdev";
	case 7:
		return "bridge";
	case 10:
		return "ip6";
	default:
		return "";
	}
}
