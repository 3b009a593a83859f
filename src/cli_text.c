// SPDX-License-Identifier: GPL-2.0-only
/* The command line written out again. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "core/address.h"

struct words {
	char *text;
	size_t size, used;
};

__attribute__((format(printf, 2, 3)))
static void add_word(struct words *w, const char *format, ...)
{
	va_list args;
	int n;

	if (w->used + 1 >= w->size)
		return;
	va_start(args, format);
	n = vsnprintf(w->text + w->used, w->size - w->used, format, args);
	va_end(args);
	w->used += n > 0 ? (size_t)n : 0;
}

static void add_namespaces(struct words *w, const char *option, const struct uw_ns_list *list)
{
	unsigned i;

	for (i = 0; i < list->count; i++)
		add_word(w, "%s%s", i ? "," : option, list->item[i].text);
}

static void add_prefix(struct words *w, const char *option, const struct uw_prefix *p)
{
	char text[UW_ADDR_TEXT];

	if (p->family)
		add_word(w, "%s%s/%u", option, uw_addr_text(&p->addr, p->family, text), p->len);
}

void uw_filters_text(const struct uw_filters *f, char *buf, size_t size)
{
	struct words w = { .text = buf, .size = size };

	buf[0] = '\0';
	add_namespaces(&w, " --scope ", &f->scope);
	add_namespaces(&w, " --netns ", &f->netns);
	add_prefix(&w, " --server ", &f->server);
	add_prefix(&w, " --client ", &f->client);
	if (f->iface[0])
		add_word(&w, " --iface %s", f->iface);
	if (f->protocol)
		add_word(&w, " --protocol %s", uw_proto_name(f->protocol));
	if (f->process_pid)
		add_word(&w, " --process %u", f->process_pid);
	else if (f->process[0])
		add_word(&w, " --process %s", f->process);
	if (buf[0])
		memmove(buf, buf + 1, strlen(buf));
}
