/* SPDX-License-Identifier: GPL-2.0-only */
/* The few names that both compilers need: fixed-width types and the inline attribute. */
#ifndef UW_TYPES_H
#define UW_TYPES_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#include <stdbool.h>
#endif

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#define UW_INLINE static __always_inline

UW_INLINE __u16 uw_be16(const __u8 *p)
{
	return (__u16)(p[0] << 8 | p[1]);
}

UW_INLINE __u32 uw_be32(const __u8 *p)
{
	return (__u32)p[0] << 24 | (__u32)p[1] << 16 | (__u32)p[2] << 8 | p[3];
}

/* Eight bytes as they stand: an opaque value, to be compared and never computed with. */
UW_INLINE __u64 uw_opaque64(const __u8 *p)
{
	__u64 v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

#endif
