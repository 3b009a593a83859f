/* SPDX-License-Identifier: GPL-2.0-only */
/* Standard input, output and error, whatever the caller did to them. */
#ifndef UW_STANDARD_H
#define UW_STANDARD_H

/**
 * uw_standard_reserve - to be called first: a descriptor of the three that the caller closed gets a
 * place holder that fails when it is used, so that no file, map or ring buffer takes its number.
 */
void uw_standard_reserve(void);

/**
 * uw_standard_finish - to be called last: writes out what was printed to stdout.
 * Return: @status, or another where it cannot be written, which is said; nobody reads it any more
 * is a quiet end.
 */
int uw_standard_finish(int status);

#endif
