/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a sink's records go. Records are handed over whole and written by a thread of its own, so
 * that a slow reader or a full disk never stops whoever reads the ring; what does not fit into the
 * bounded queue meanwhile is left out whole and counted. A record is on the way from its commit on.
 */
#ifndef UW_WRITER_H
#define UW_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define UW_WRITER_QUEUE (16u << 20)	/* bytes waiting for a slow reader */
#define UW_WRITER_ERROR 512

struct uw_writer;	/* opaque */

enum uw_writer_manner {
	UW_WRITER_LEAVE_OUT,	/* queue full: the record is lost and counted; an error ends it */
	UW_WRITER_WAIT,		/* queue full: wait for room, for sources that can wait; likewise */
	UW_WRITER_PERSIST,	/* as LEAVE_OUT, and records that an error lost are counted: the next is tried */
};

/* Another way to write than to a file: whole records; 0 or -errno. Called by the writer's thread. */
struct uw_writer_target {
	int (*write)(void *arg, const char *bytes, size_t size);
	void *arg;
	const char *name;	/* for messages */
};

/**
 * uw_writer_open - @path: appended to, made with mode 0640 if it is not there; a symbolic link is
 * refused, since root may write where others may link. NULL: stdout.
 * @target: instead of a file or stdout; NULL none.
 * @out: to be freed by uw_writer_close(). @error: one line if it fails.
 * Return: 0 or -errno.
 */
int uw_writer_open(const char *path, const struct uw_writer_target *target, enum uw_writer_manner manner,
		   struct uw_writer **out, char error[UW_WRITER_ERROR]);

/** uw_writer_stream - what a sink prints to; stays the writer's. */
FILE *uw_writer_stream(struct uw_writer *w);

/** uw_writer_commit - what was printed since the last commit is one record, complete now. */
void uw_writer_commit(struct uw_writer *w);

/**
 * uw_writer_check - how the writing goes; never waits.
 * Return: 0; -EPIPE if the reader is gone; otherwise the -errno of the last write, 0 again once a
 * later one has gone through.
 */
int uw_writer_check(struct uw_writer *w);

/**
 * uw_writer_drain - wait until all is written, or nothing was for @patience_ns.
 * Return: the lines that still wait for their reader, 0 if there are none.
 */
uint64_t uw_writer_drain(struct uw_writer *w, uint64_t patience_ns);

/** uw_writer_reopen - go on in a new file of the same name (logrotate); stdout stays as it is. */
int uw_writer_reopen(struct uw_writer *w, char error[UW_WRITER_ERROR]);

/** uw_writer_lost - lines left out or not written so far. */
uint64_t uw_writer_lost(struct uw_writer *w);

/** uw_writer_name - for messages: the path, or "stdout". */
const char *uw_writer_name(const struct uw_writer *w);

/** uw_writer_close - what is still queued is not written: drain first. */
void uw_writer_close(struct uw_writer *w);

#endif
