// SPDX-License-Identifier: GPL-2.0-only
#include "live/ksym.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYMBOLS_MAX (2u << 20)
#define ARENA_MAX (128u << 20)	/* bytes of names */
#define MODULES_MAX 4096
#define CORE 0			/* index of the kernel proper in modules[] */

/*
 * How far a function may reach where nothing says where its text ends: JIT-compiled programs have
 * no range in /proc/modules and may be long; everything else is cut short rather than misnamed.
 */
#define JIT_REACH (256u << 10)
#define UNSIZED_REACH (16u << 10)

struct symbol {
	uint64_t address;
	uint32_t name;		/* offset into names */
	uint32_t module;	/* index into modules */
};

struct module {
	char name[64];
	uint64_t start, end;	/* 0: not known */
};

struct uw_ksyms {
	struct symbol *symbol;	/* sorted by address; aliases as the kernel lists them */
	size_t count, room;
	char *names;
	size_t names_used, names_room;
	struct module *module;
	size_t modules;
	uint64_t modules_hash;
	bool sorted, any_address;
	char kallsyms_path[128], modules_path[128];
};

size_t uw_ksym_base_length(const char *name)
{
	static const char *const suffix[] = {
		".constprop.", ".isra.", ".part.", ".cold", ".llvm.",
	};
	size_t length = strlen(name);

	for (size_t i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++) {
		const char *at = strstr(name, suffix[i]);

		if (at && at != name && (size_t)(at - name) < length)
			length = (size_t)(at - name);
	}
	return length;
}

bool uw_ksym_is(const char *name, const char *base)
{
	size_t length = strlen(base);

	/* Cheap first: nearly every comparison fails within the first bytes. */
	return strncmp(name, base, length) == 0 && (!name[length] || name[length] == '.') &&
	       uw_ksym_base_length(name) == length;
}

/* Double the room until it holds @need elements, never beyond @max. */
static int grow(void **array, size_t *room, size_t need, size_t element, size_t max)
{
	size_t more = *room ? *room : 4096;
	void *grown;

	if (need > max)
		return -E2BIG;
	if (need <= *room)
		return 0;
	while (more < need)
		more *= 2;
	grown = realloc(*array, more * element);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = more;
	return 0;
}

static int add_name(struct uw_ksyms *k, const char *name, uint32_t *offset)
{
	size_t length = strlen(name) + 1;
	int err = grow((void **)&k->names, &k->names_room, k->names_used + length, 1, ARENA_MAX);

	if (err)
		return err;
	memcpy(k->names + k->names_used, name, length);
	*offset = (uint32_t)k->names_used;
	k->names_used += length;
	return 0;
}

/* Symbols of a module come in one run, so the last one asked for is nearly always the answer. */
static int find_module(struct uw_ksyms *k, const char *name, uint32_t *index)
{
	for (size_t i = k->modules; i-- > 1;) {
		if (strcmp(k->module[i].name, name) == 0) {
			*index = (uint32_t)i;
			return 0;
		}
	}
	if (k->modules == MODULES_MAX)
		return -E2BIG;
	memset(&k->module[k->modules], 0, sizeof(k->module[0]));
	snprintf(k->module[k->modules].name, sizeof(k->module[0].name), "%s", name);
	*index = (uint32_t)k->modules++;
	return 0;
}

static int add_symbol(struct uw_ksyms *k, uint64_t address, const char *name, const char *module)
{
	struct symbol *s;
	int err = grow((void **)&k->symbol, &k->room, k->count + 1, sizeof(*s), SYMBOLS_MAX);

	if (err)
		return err;
	s = &k->symbol[k->count];
	s->address = address;
	s->module = CORE;
	if (module)
		err = find_module(k, module, &s->module);
	if (!err)
		err = add_name(k, name, &s->name);
	if (err)
		return err;
	if (k->count && k->symbol[k->count - 1].address > address)
		k->sorted = false;
	if (!module && strcmp(name, "_etext") == 0)
		k->module[CORE].end = address;
	k->count++;
	return 0;
}

/* "ffffffffc0a01000 t nft_do_chain\t[nf_tables]"; a line of another form is skipped. */
static int parse_symbol(struct uw_ksyms *k, char *line)
{
	char *name, *module, *end;
	uint64_t address = strtoull(line, &end, 16);

	if (end == line || end[0] != ' ' || !end[1] || end[2] != ' ')
		return 0;
	if (!strchr("tTwW", end[1]))
		return 0;
	name = end + 3;
	name[strcspn(name, "\r\n")] = '\0';
	module = name + strcspn(name, " \t");
	if (module == name)
		return 0;
	if (*module) {
		*module++ = '\0';
		module += strspn(module, " \t[");
		module[strcspn(module, "]")] = '\0';
	}
	k->any_address |= address != 0;
	return add_symbol(k, address, name, *module ? module : NULL);
}

static int compare_symbols(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

static int read_symbols(struct uw_ksyms *k)
{
	FILE *file = fopen(k->kallsyms_path, "re");
	char line[1024];
	int err = 0;

	if (!file)
		return -errno;
	k->sorted = true;
	while (!err && fgets(line, sizeof(line), file))
		err = parse_symbol(k, line);
	if (!err && ferror(file))
		err = -EIO;
	fclose(file);
	if (err)
		return err;
	if (k->count == 0)
		return -ENODATA;
	if (!k->any_address)
		return -EPERM;
	if (!k->sorted)
		qsort(k->symbol, k->count, sizeof(*k->symbol), compare_symbols);
	return 0;
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *p = bytes;

	while (length--)
		hash = (hash ^ *p++) * 0x100000001b3ull;	/* FNV-1a */
	return hash;
}

/*
 * /proc/modules: "nf_tables 380928 3 nft_ct,nft_compat, Live 0xffffffffc0a00000". The reference
 * count and the users change with every rule, so only name, size and address go into the hash.
 * Since 6.4 the size is that of all the module's parts and the address that of its text, so the
 * range may reach too far, never too short; a neighbour's own symbols then come first.
 */
static int read_modules(const char *path, struct uw_ksyms *k, uint64_t *hash)
{
	FILE *file = fopen(path, "re");
	char line[4096];
	int err = 0;

	*hash = 0xcbf29ce484222325ull;
	if (!file)
		return errno == ENOENT ? 0 : -errno;	/* a kernel without modules */
	while (!err && fgets(line, sizeof(line), file)) {
		unsigned long long size, start;
		char name[64];
		uint32_t index;
		const char *address = strstr(line, " 0x");

		if (!address || sscanf(line, "%63s %llu", name, &size) != 2)
			continue;
		start = strtoull(address + 1, NULL, 16);
		*hash = hash_bytes(*hash, name, strlen(name) + 1);
		*hash = hash_bytes(*hash, &size, sizeof(size));
		*hash = hash_bytes(*hash, &start, sizeof(start));
		if (!k)
			continue;
		err = find_module(k, name, &index);
		if (!err) {
			k->module[index].start = start;
			k->module[index].end = start + size;
		}
	}
	fclose(file);
	return err;
}

int uw_ksyms_load_from(struct uw_ksyms **out, const char *kallsyms, const char *modules)
{
	struct uw_ksyms *k = calloc(1, sizeof(*k));
	int err = -ENOMEM;

	if (!k)
		return err;
	snprintf(k->kallsyms_path, sizeof(k->kallsyms_path), "%s", kallsyms);
	snprintf(k->modules_path, sizeof(k->modules_path), "%s", modules);
	k->module = calloc(MODULES_MAX, sizeof(*k->module));
	if (k->module) {
		k->modules = 1;	/* CORE */
		/* Before the symbols: a module that comes in between is then seen as a change. */
		err = read_modules(k->modules_path, k, &k->modules_hash);
		if (!err)
			err = read_symbols(k);
	}
	if (err) {
		uw_ksyms_free(k);
		return err;
	}
	*out = k;
	return 0;
}

int uw_ksyms_load(struct uw_ksyms **out)
{
	return uw_ksyms_load_from(out, "/proc/kallsyms", "/proc/modules");
}

static void release(struct uw_ksyms *k)
{
	free(k->symbol);
	free(k->names);
	free(k->module);
}

void uw_ksyms_free(struct uw_ksyms *k)
{
	if (!k)
		return;
	release(k);
	free(k);
}

int uw_ksyms_refresh_if_modules_changed(struct uw_ksyms *k)
{
	struct uw_ksyms *fresh;
	uint64_t hash;
	int err = read_modules(k->modules_path, NULL, &hash);

	if (err)
		return err;
	if (hash == k->modules_hash)
		return 0;
	err = uw_ksyms_load_from(&fresh, k->kallsyms_path, k->modules_path);
	if (err)
		return err;
	release(k);
	*k = *fresh;
	free(fresh);
	return 1;
}

/* The first address that is certainly not of this symbol, not counting the next symbol. */
static uint64_t reach(const struct uw_ksyms *k, const struct symbol *s)
{
	const struct module *m = &k->module[s->module];

	if (m->end > s->address)
		return m->end;
	if (strcmp(m->name, "bpf") == 0)
		return s->address + JIT_REACH;
	return s->address + UNSIZED_REACH;
}

bool uw_ksym_find(const struct uw_ksyms *k, uint64_t address, const char **name, uint64_t *offset)
{
	size_t low = 0, high = k->count;
	uint64_t start;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (k->symbol[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	low--;
	start = k->symbol[low].address;
	while (low > 0 && k->symbol[low - 1].address == start)
		low--;	/* of aliases take the first, as the kernel does */
	if (start == 0 || address >= reach(k, &k->symbol[low]))
		return false;
	*name = k->names + k->symbol[low].name;
	if (offset)
		*offset = address - start;
	return true;
}

size_t uw_ksyms_count(const struct uw_ksyms *k)
{
	return k->count;
}
