/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel symbols. A stale table gives wrong names, not missing ones, hence the module ranges and
 * the refresh: an address of a module loaded after the table was read must find nothing.
 */
#ifndef UW_KSYM_H
#define UW_KSYM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uw_ksyms;	/* opaque */

/**
 * uw_ksyms_load - read the text symbols of the running kernel (/proc/kallsyms, /proc/modules).
 * @out: receives the table, to be freed by uw_ksyms_free(); untouched on failure.
 *
 * Return: 0; -EPERM if the kernel hides its addresses (kptr_restrict); -ENODATA if there is no
 * symbol; -E2BIG beyond all reason; another -errno.
 */
int uw_ksyms_load(struct uw_ksyms **out);

/** uw_ksyms_load_from - uw_ksyms_load() from other files; a missing @modules means "no modules". */
int uw_ksyms_load_from(struct uw_ksyms **out, const char *kallsyms, const char *modules);

/** uw_ksyms_free - NULL is fine. */
void uw_ksyms_free(struct uw_ksyms *k);

/**
 * uw_ksyms_refresh_if_modules_changed - read everything again if a module came, went or moved.
 * On failure the table stays as it was. Names handed out before a refresh are no longer valid.
 *
 * Return: 1 if the table was read again, 0 if nothing changed, -errno.
 */
int uw_ksyms_refresh_if_modules_changed(struct uw_ksyms *k);

/**
 * uw_ksym_find - the function that holds an address.
 * @name: receives the symbol as the kernel has it, valid until the next refresh or free.
 * @offset: receives the distance from its start, bytes; may be NULL.
 *
 * Return: false if the address is in no function that is known, and nothing is written.
 */
bool uw_ksym_find(const struct uw_ksyms *k, uint64_t address, const char **name, uint64_t *offset);

/** uw_ksyms_count - how many symbols are kept. */
size_t uw_ksyms_count(const struct uw_ksyms *k);

/**
 * uw_ksym_base_length - length of a symbol without what the compiler hung on it (.constprop.0,
 * .isra.1, .part.2, .cold, .llvm.123): kernels differ in these for the same function.
 */
size_t uw_ksym_base_length(const char *name);

/** uw_ksym_is - whether @name is the function @base, whatever the compiler did to it. */
bool uw_ksym_is(const char *name, const char *base);

#endif
