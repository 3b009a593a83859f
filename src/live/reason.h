/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of drop reasons, from the running kernel's BTF: the numbers differ from kernel to kernel
 * (and between distributions of one version), so no table is compiled in.
 */
#ifndef UW_REASON_H
#define UW_REASON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct btf;
struct uw_reasons;	/* opaque */

/**
 * uw_reasons_load - read the names of all drop reasons, of the core and of subsystems (high 16 bits
 * of a reason), from vmlinux and from the modules loaded now.
 * @out: receives the table, to be freed by uw_reasons_free(); untouched on failure.
 * @vmlinux: the kernel's BTF if the caller has it, stays the caller's; NULL to load it here.
 *
 * Return: 0; -ENOENT if this kernel has no drop reasons (before 5.17); another -errno.
 */
int uw_reasons_load(struct uw_reasons **out, const struct btf *vmlinux);

/** uw_reasons_from - uw_reasons_load() from one BTF alone, no modules: pure, for tests. */
int uw_reasons_from(struct uw_reasons **out, const struct btf *btf);

/** uw_reasons_free - NULL is fine. */
void uw_reasons_free(struct uw_reasons *r);

/**
 * uw_reason_name - "NETFILTER_DROP" into @buf, cut to @size; "reason 123" for a value without a
 * name. @r may be NULL (no names known).
 */
void uw_reason_name(const struct uw_reasons *r, uint32_t reason, char *buf, size_t size);

/**
 * uw_reason_value - the number of a reason in the running kernel.
 * @name: with or without its SKB_DROP_REASON_ prefix; hostile names are merely not found.
 * @value: receives the number, untouched if there is none.
 *
 * Return: true if this kernel has it.
 */
bool uw_reason_value(const struct uw_reasons *r, const char *name, uint32_t *value);

#endif
