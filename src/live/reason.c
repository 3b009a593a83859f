// SPDX-License-Identifier: GPL-2.0-only
#include "live/reason.h"

#include <bpf/btf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REASONS_MAX 4096	/* far above the 250 of 7.3: a bound, not a guess */
#define NAME_MAX_BYTES 64
#define SUBSYSTEM_SHIFT 16	/* SKB_DROP_REASON_SUBSYS_SHIFT, a part of the ABI of the reason */
#define BTF_DIR "/sys/kernel/btf"

struct reason {
	uint32_t value;
	char name[NAME_MAX_BYTES];
};

struct uw_reasons {
	struct reason *reason;	/* sorted by value once loaded */
	size_t count, room;
};

/* "SKB_DROP_REASON_NO_SOCKET" and "SKB_CONSUMED" lose what they share; others stay as they are. */
static const char *without_prefix(const char *name)
{
	static const char *const prefix[] = { "SKB_DROP_REASON_", "SKB_" };

	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++) {
		size_t length = strlen(prefix[i]);

		if (strncmp(name, prefix[i], length) == 0 && name[length])
			return name + length;
	}
	return name;
}

/* Enumerators that bound the enum and are never a reason: __OVS_DROP_REASON, ..._MAX, ..._MASK. */
static bool is_marker(const char *name)
{
	size_t length = strlen(name);

	return name[0] == '_' || (length > 4 && strcmp(name + length - 4, "_MAX") == 0) ||
	       (length > 5 && strcmp(name + length - 5, "_MASK") == 0);
}

static int add(struct uw_reasons *r, uint32_t value, const char *name)
{
	struct reason *grown;

	if (!name || !name[0] || is_marker(name))
		return 0;
	if (r->count == REASONS_MAX)
		return -E2BIG;
	if (r->count == r->room) {
		size_t room = r->room ? 2 * r->room : 256;

		grown = realloc(r->reason, room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		r->reason = grown;
		r->room = room;
	}
	r->reason[r->count].value = value;
	snprintf(r->reason[r->count].name, NAME_MAX_BYTES, "%s", without_prefix(name));
	r->count++;
	return 0;
}

/*
 * The core's reasons have no high bits, a subsystem's have all of them in its own enum
 * (include/net/dropreason.h); anything else with such a name is not about skbs.
 */
static int add_enum(struct uw_reasons *r, const struct btf *btf, const struct btf_type *t,
		    bool core)
{
	const struct btf_enum *e = btf_enum(t);

	for (unsigned i = 0; i < btf_vlen(t); i++) {
		uint32_t value = (uint32_t)e[i].val;
		int err;

		if (core != (value >> SUBSYSTEM_SHIFT == 0))
			continue;
		err = add(r, value, btf__name_by_offset(btf, e[i].name_off));
		if (err)
			return err;
	}
	return 0;
}

/* mac80211_drop_reason, ovs_drop_reason, qdisc_drop_reason, and what the next kernel brings. */
static bool names_reasons(const char *name)
{
	static const char suffix[] = "drop_reason";
	size_t length = name ? strlen(name) : 0;

	return length >= sizeof(suffix) - 1 &&
	       strcmp(name + length - (sizeof(suffix) - 1), suffix) == 0;
}

static int add_types(struct uw_reasons *r, const struct btf *btf, unsigned first)
{
	for (unsigned id = first; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name;
		int err;

		if (!t || !btf_is_enum(t))
			continue;
		name = btf__name_by_offset(btf, t->name_off);
		if (!names_reasons(name))
			continue;
		err = add_enum(r, btf, t, strcmp(name, "skb_drop_reason") == 0);
		if (err)
			return err;
	}
	return 0;
}

/*
 * A module may go away while we look: what cannot be read is skipped, its reasons then have no
 * name. Wi-Fi and Open vSwitch are the ones that exist today.
 */
static int add_modules(struct uw_reasons *r, const struct btf *vmlinux)
{
	DIR *dir = opendir(BTF_DIR);
	struct dirent *entry;
	int err = 0;

	while (dir && !err && (entry = readdir(dir))) {
		struct btf *module;

		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "vmlinux") == 0)
			continue;
		module = btf__load_module_btf(entry->d_name, (struct btf *)vmlinux);
		if (!module)
			continue;
		err = add_types(r, module, btf__type_cnt(vmlinux));
		btf__free(module);
	}
	if (dir)
		closedir(dir);
	return err;
}

static int compare_values(const void *a, const void *b)
{
	const struct reason *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

static int load(struct uw_reasons **out, const struct btf *vmlinux, bool modules)
{
	struct uw_reasons *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	err = add_types(r, vmlinux, 1);
	if (!err && r->count == 0)
		err = -ENOENT;
	if (!err && modules)
		err = add_modules(r, vmlinux);
	if (err) {
		uw_reasons_free(r);
		return err;
	}
	qsort(r->reason, r->count, sizeof(*r->reason), compare_values);
	*out = r;
	return 0;
}

int uw_reasons_load(struct uw_reasons **out, const struct btf *vmlinux)
{
	struct btf *own;
	int err;

	if (vmlinux)
		return load(out, vmlinux, true);
	own = btf__load_vmlinux_btf();
	if (!own)
		return -errno;
	err = load(out, own, true);
	btf__free(own);
	return err;
}

int uw_reasons_from(struct uw_reasons **out, const struct btf *btf)
{
	return load(out, btf, false);
}

void uw_reasons_free(struct uw_reasons *r)
{
	if (!r)
		return;
	free(r->reason);
	free(r);
}

void uw_reason_name(const struct uw_reasons *r, uint32_t reason, char *buf, size_t size)
{
	struct reason key = { .value = reason };
	const struct reason *found = NULL;

	if (r)
		found = bsearch(&key, r->reason, r->count, sizeof(key), compare_values);
	if (found)
		snprintf(buf, size, "%s", found->name);
	else
		snprintf(buf, size, "reason %u", reason);
}

static bool find_name(const struct uw_reasons *r, const char *name, uint32_t *value)
{
	for (size_t i = 0; i < r->count; i++) {
		if (strcmp(r->reason[i].name, name) == 0) {
			*value = r->reason[i].value;
			return true;
		}
	}
	return false;
}

bool uw_reason_value(const struct uw_reasons *r, const char *name, uint32_t *value)
{
	/* As it is first: SKB_CSUM is a short name that looks like a prefixed one. */
	return r && (find_name(r, name, value) || find_name(r, without_prefix(name), value));
}
