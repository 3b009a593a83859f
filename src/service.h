/* SPDX-License-Identifier: GPL-2.0-only */
/* What a service manager is told, sd_notify(3): nothing unless it asked (NOTIFY_SOCKET). */
#ifndef UW_SERVICE_H
#define UW_SERVICE_H

#include <stdint.h>

struct uw_service;	/* opaque; NULL: nobody asked. All functions take that. */

/** uw_service_open - Return: to be closed, or NULL if nobody asked, or without libsystemd. */
struct uw_service *uw_service_open(void);
void uw_service_close(struct uw_service *s);

/** uw_service_ready - everything is attached. */
void uw_service_ready(struct uw_service *s);

/** uw_service_status - one line for people. */
__attribute__((format(printf, 2, 3)))
void uw_service_status(struct uw_service *s, const char *format, ...);

/** uw_service_alive - for the watchdog, as often as one likes: it is told as often as it wants. */
void uw_service_alive(struct uw_service *s, uint64_t now_ns);

/** uw_service_stopping - it will take up to a timeout. */
void uw_service_stopping(struct uw_service *s, uint64_t timeout_ns);

#endif
