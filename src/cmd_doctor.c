// SPDX-License-Identifier: GPL-2.0-only
/* udpwhy doctor: what this kernel offers, and what that means for the verdicts. */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "cli.h"
#include "cmd.h"
#include "live/capability.h"
#include "sink/json_writer.h"
#include "sink/text_out.h"

#define HANG 30	/* where a capability is explained */

static void print_keys(struct uw_json *j, const char *keys)
{
	uw_json_array(j, "weakens");
	while (*keys) {
		size_t n = strcspn(keys, " ");

		uw_json_bytes(j, NULL, keys, n);
		keys += n + (keys[n] == ' ');
	}
	uw_json_close(j);
}

static void print_json(const struct uw_capability *c, unsigned count, bool ok, const char *kernel)
{
	struct uw_json j;

	for (unsigned i = 0; i < count; i++) {
		uw_json_line(&j, stdout);
		uw_json_uint(&j, "v", 1);
		uw_json_string(&j, "type", "capability");
		uw_json_string(&j, "name", c[i].name);
		uw_json_bool(&j, "present", c[i].present);
		uw_json_bool(&j, "essential", c[i].essential);
		uw_json_string(&j, "loss", c[i].loss);
		uw_json_string(&j, "remedy", c[i].remedy);
		uw_json_text(&j, "detail", c[i].detail);
		print_keys(&j, c[i].weakens);
		uw_json_line_end(&j);
	}
	uw_json_line(&j, stdout);
	uw_json_uint(&j, "v", 1);
	uw_json_string(&j, "type", "doctor");
	uw_json_bool(&j, "ok", ok);
	uw_json_string(&j, "kernel", kernel);
	uw_json_line_end(&j);
}

static void print_capability(const struct uw_text_out *o, const struct uw_capability *c)
{
	struct uw_line lead = {0}, text = {0};

	uw_line_add(&lead, "%-7s  %-19s  ", c->present ? "ok" : "MISSING", c->name);
	uw_line_add(&text, "without it: %s", c->loss);
	uw_text_print(o, lead.text, UW_PLAIN, HANG, text.text);
	if (c->present)
		return;
	if (c->detail[0])
		uw_text_print(o, "                         now: ", UW_PLAIN, HANG, c->detail);
	uw_text_print(o, "                   get it by: ", UW_PLAIN, HANG, c->remedy);
}

static void print_text(const struct uw_capability *c, unsigned count, bool ok, const char *kernel)
{
	struct uw_text_out o = {.out = stdout, .width = uw_text_page_width()};

	printf("udpwhy doctor, Linux %s\n\n", kernel);
	for (unsigned i = 0; i < count; i++)
		print_capability(&o, &c[i]);
	printf("\n%s\n", ok ? "Local faults and faults beyond this host can be told apart." :
	       "Local faults and faults beyond this host CANNOT be told apart here.");
}

static int diagnose(bool json)
{
	struct uw_capability c[UW_CAPABILITIES_MAX];
	struct utsname name = { .release = "unknown" };
	unsigned count;
	bool ok;

	libbpf_set_print(NULL);
	(void)uname(&name);
	count = uw_capabilities_probe(NULL, c, UW_CAPABILITIES_MAX);
	ok = uw_capabilities_suffice(c, count);
	(json ? print_json : print_text)(c, count, ok, name.release);
	return ok ? 0 : 1;
}

int uw_cmd_doctor(const struct uw_options *o)
{
	return diagnose(o->output == UW_OUTPUT_JSON);
}
