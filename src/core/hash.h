/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hash of our tables, eight bytes a step: uthash's own goes byte by byte. Include it instead of
 * uthash.h. Without memory uthash must not end the process, as it does by default: what could not be
 * added has no hh.tbl then.
 */
#ifndef UW_HASH_H
#define UW_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t uw_hash(const void *key, size_t len)
{
	uint64_t h = 0x9e3779b97f4a7c15ull ^ len, word;
	const char *at = key;

	for (; len; at += sizeof(word)) {
		size_t n = len < sizeof(word) ? len : sizeof(word);

		word = 0;
		memcpy(&word, at, n);
		h = (h ^ word) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
		len -= n;
	}
	return (uint32_t)h;
}

#define HASH_FUNCTION(key, len, hash) ((hash) = uw_hash(key, len))
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#endif
