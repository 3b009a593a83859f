// SPDX-License-Identifier: GPL-2.0-only
/*
 * relocate BTF OBJECT...: whether the programs of these objects find every type, field and value that
 * they use in a kernel's types, that kernel not running.
 *
 * libbpf does the looking up, and loads nothing: its own log says what it found no match for. That is an
 * error unless the same program asks first whether it exists (bpf_core_field_exists() and the like); what
 * it then does not find is printed, and no error. Programs of hooks that the kernel lacks are left out,
 * as the loader does. An object named *_plain.bpf.o must do without atomics of 5.12 as well. Ends with 0 if nothing is missing.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/bpf.h>
#include <bpf/libbpf.h>

#define SPECS 8192

/* A relocation, "struct nf_conn.tuplehash" by its kind, "byte_off". */
struct spec {
	char program[64], kind[24], name[160];
	unsigned number;
	bool unmatched, poisoned;
};

static struct spec spec[SPECS];
static unsigned specs;
static char broken_off[256];	/* why libbpf looked no further */

static struct spec *find_spec(const char *program, unsigned number)
{
	unsigned i;

	for (i = specs; i-- > 0;) {
		if (spec[i].number == number && !strcmp(spec[i].program, program))
			return &spec[i];
	}
	return NULL;
}

/* "prog 'P': relo #N: <KIND> [ID] NAME (0:1 @ offset 8)", from libbpf's bpf_core_calc_relo_insn(). */
static void note_spec(const char *program, unsigned number, const char *text)
{
	struct spec *s = specs < SPECS ? &spec[specs] : NULL;
	char *end;

	if (!s) {
		fprintf(stderr, "relocate: more than %d relocations\n", SPECS);
		exit(1);
	}
	memset(s, 0, sizeof(*s));
	if (sscanf(text, "<%23[^>]> [%*u] %159[^\n]", s->kind, s->name) != 2)
		return;
	end = strstr(s->name, " (");
	if (end)
		*end = '\0';
	snprintf(s->program, sizeof(s->program), "%s", program);
	s->number = number;
	specs++;
}

static int take(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[4096], program[64];
	const char *text;
	unsigned number;
	struct spec *s;
	int used = 0;

	(void)level;
	vsnprintf(line, sizeof(line), format, args);
	/* The first is the reason. */
	if (!broken_off[0] && (strstr(line, "relocation decision ambiguity") || strstr(line, "failed to relocate")))
		snprintf(broken_off, sizeof(broken_off), "%.*s", (int)strcspn(line, "\n"), line);
	if (sscanf(line, "libbpf: prog '%63[^']': relo #%u: %n", program, &number, &used) < 2 || !used)
		return 0;
	text = line + used;
	if (text[0] == '<')
		note_spec(program, number, text);
	s = find_spec(program, number);
	if (s && !strncmp(text, "no matching targets", 19))
		s->unmatched = true;
	if (s && strstr(text, "substituting insn"))
		s->poisoned = true;
	return 0;
}

/* Whether @s's program asked for the same thing, or the whole type, and was told that it is not there. */
static bool is_guarded(const struct spec *s)
{
	unsigned i;

	for (i = 0; i < specs; i++) {
		const struct spec *g = &spec[i];
		size_t length = strlen(g->name);

		if (!g->unmatched || g->poisoned || strcmp(g->program, s->program))
			continue;
		/* The same, or all of which it is a part: "struct a" of "struct a.b", but not of "struct ab". */
		if (!strncmp(g->name, s->name, length) && (!s->name[length] || strchr(".:[ ", s->name[length])))
			return true;
	}
	return false;
}

static bool hook_exists(const struct btf *btf, const char *section)
{
	char name[96];

	if (!strncmp(section, "tp_btf/", 7)) {
		snprintf(name, sizeof(name), "btf_trace_%s", section + 7);
		return btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF) > 0;
	}
	if (!strncmp(section, "netfilter", 9))
		return btf__find_by_name_kind(btf, "bpf_nf_ctx", BTF_KIND_STRUCT) > 0;
	return true;
}

/*
 * Instructions that verifiers before 5.12 refuse wherever they stand, of a build for those: atomics other
 * than a plain addition. Returns how many.
 */
static unsigned count_late_atomics(struct bpf_object *o)
{
	struct bpf_program *p;
	unsigned found = 0;
	size_t i;

	bpf_object__for_each_program(p, o) {
		const struct bpf_insn *insn = bpf_program__insns(p);

		for (i = 0; bpf_program__autoload(p) && i < bpf_program__insn_cnt(p); i++) {
			if (BPF_CLASS(insn[i].code) == BPF_STX && BPF_MODE(insn[i].code) == BPF_ATOMIC &&
			    insn[i].imm != BPF_ADD) {
				printf("%s: an atomic that tells the value before it\n", bpf_program__name(p));
				found++;
			}
		}
	}
	return found;
}

/* Returns how many relocations have no target and no guard; -1 if libbpf did not get that far. */
static int check(const char *btf_path, const struct btf *btf, const char *path)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf_path);
	struct bpf_object *o = bpf_object__open_file(path, &opts);
	struct bpf_program *p;
	unsigned i, bad = 0, guarded = 0;

	if (!o) {
		fprintf(stderr, "relocate: %s: %s\n", path, strerror(errno));
		return -1;
	}
	specs = 0;
	broken_off[0] = '\0';
	bpf_object__for_each_program(p, o)
		bpf_program__set_autoload(p, hook_exists(btf, bpf_program__section_name(p)));
	bpf_object__load(o);
	for (i = 0; i < specs; i++) {
		if (!spec[i].poisoned)
			continue;
		if (is_guarded(&spec[i])) {
			guarded++;
			continue;
		}
		printf("%s: %s: %s (%s) is not there, and nothing asks whether it is\n", btf_path,
		       spec[i].program, spec[i].name, spec[i].kind);
		bad++;
	}
	if (broken_off[0]) {
		printf("%s: %s: not looked at to the end: %s\n", btf_path, path, broken_off);
		bad++;
	}
	if (strstr(path, "_plain."))
		bad += count_late_atomics(o);
	printf("%s: %s: %u relocations, %u missing and asked for, %u missing\n", btf_path, path, specs, guarded, bad);
	bpf_object__close(o);
	return specs ? (int)bad : -1;
}

int main(int argc, char **argv)
{
	struct btf *btf;
	int i, bad = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: relocate BTF OBJECT...\n");
		return 2;
	}
	libbpf_set_print(take);
	btf = btf__parse(argv[1], NULL);
	if (!btf) {
		fprintf(stderr, "relocate: %s: no types\n", argv[1]);
		return 1;
	}
	for (i = 2; i < argc; i++)
		bad |= check(argv[1], btf, argv[i]);
	btf__free(btf);
	return bad != 0;
}
