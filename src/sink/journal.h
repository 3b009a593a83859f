/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records as entries of the systemd journal: every key of a JSON line is a field of its own
 * ("drop.reason" is UDPWHY_DROP_REASON), the message one sentence for whoever reads the log. The fields
 * come from the JSON line itself, so that there is one place that knows what a record holds.
 */
#ifndef UW_JOURNAL_H
#define UW_JOURNAL_H

#include <stddef.h>
#include <sys/uio.h>

#define UW_JOURNAL_ERROR 512
#define UW_JOURNAL_FIELDS 160

struct uw_journal;	/* opaque */

/** uw_journal_open - Return: 0, *out to be freed by uw_journal_close(); or -errno and one line in @error. */
int uw_journal_open(struct uw_journal **out, char error[UW_JOURNAL_ERROR]);
void uw_journal_close(struct uw_journal *j);

/**
 * uw_journal_write - hand over whole JSON lines.
 * Return: 0 or -errno of the last that the journal did not take. May wait for the journal.
 */
int uw_journal_write(void *journal, const char *lines, size_t size);

/**
 * uw_journal_fields - the entry of one line, without sending it.
 * @field: UW_JOURNAL_FIELDS of them, to be freed by uw_journal_free_fields().
 * Return: how many, or -EINVAL if it is no JSON object.
 */
int uw_journal_fields(const char *line, size_t size, struct iovec *field);
void uw_journal_free_fields(struct iovec *field, int count);

#endif
