/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The counters to whoever asks over HTTP (GET /metrics). libmicrohttpd does the talking in a thread of
 * its own; it is loaded when it is wanted, so that a host without it can still run everything else.
 * The text is printed by the main thread when it is asked for, so nothing is shared but that text.
 */
#ifndef UW_SCRAPE_H
#define UW_SCRAPE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define UW_SCRAPE_ERROR 512

struct uw_scrape;	/* opaque */

/**
 * uw_scrape_open - listen.
 * @address: of AF_INET or AF_INET6. @error: one line if it fails.
 * Return: 0, *out to be freed by uw_scrape_close(); or -errno.
 */
int uw_scrape_open(const struct sockaddr *address, struct uw_scrape **out,
		   char error[UW_SCRAPE_ERROR]);
void uw_scrape_close(struct uw_scrape *s);

/** uw_scrape_fd - readable when somebody waits for an answer. */
int uw_scrape_fd(const struct uw_scrape *s);

/** uw_scrape_answer - what those get who wait now; @text is copied. */
void uw_scrape_answer(struct uw_scrape *s, const char *text, size_t size);

#endif
