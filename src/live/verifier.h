/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel's verifier said of a program that it refused: for the one line that tells of it, and for a report. */
#ifndef UW_LIVE_VERIFIER_H
#define UW_LIVE_VERIFIER_H

#include <stddef.h>

/** uw_verifier_listen - libbpf's messages go here from now on, none to stderr. */
void uw_verifier_listen(void);

/**
 * uw_verifier_heed - one message of libbpf.
 * @text: "prog 'NAME': -- BEGIN PROG LOAD LOG --", the verifier's log and "-- END PROG LOAD LOG --"; others are
 * passed over.
 */
void uw_verifier_heed(const char *text);

/**
 * uw_verifier_said - "NAME: the reason", of the program refused last.
 * Return: a static string; empty if none was refused.
 */
const char *uw_verifier_said(void);

#endif
