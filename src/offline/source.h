/* SPDX-License-Identifier: GPL-2.0-only */
/* An input file: opened, unpacked if it is compressed, and known for what it is by its first bytes. */
#ifndef UW_SOURCE_H
#define UW_SOURCE_H

#include <stdint.h>
#include <stdio.h>

#define UW_SOURCE_ERROR 512

enum uw_source_kind {
	UW_SOURCE_PCAP,		/* or something that libpcap says no to */
	UW_SOURCE_PCAPNG,
	UW_SOURCE_JSON,
};

struct uw_source {
	const char *path;	/* as given; "-" is standard input */
	FILE *file;
	enum uw_source_kind kind;
	uint64_t size;		/* bytes on disk, 0 not known */
	void *packed;		/* source.c's own */
};

/**
 * uw_source_open - open a file, or standard input for "-".
 * @error: after a failure, one line without newline that names the file and what is wrong.
 * Return: 0, or a negative errno; @s->path is @path, to be kept by the caller.
 */
int uw_source_open(struct uw_source *s, const char *path, char error[UW_SOURCE_ERROR]);

/** uw_source_close - unless another has closed @file, which is then NULL. */
void uw_source_close(struct uw_source *s);

/** uw_source_at - bytes read so far, of those that @size counts. */
uint64_t uw_source_at(const struct uw_source *s);

/** uw_source_fail - "FILE: ..." into @error, hostile bytes of the name made safe. Return: @err. */
__attribute__((format(printf, 4, 5)))
int uw_source_fail(const struct uw_source *s, char error[UW_SOURCE_ERROR], int err, const char *format, ...);

#endif
