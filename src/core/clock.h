/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time inside is CLOCK_BOOTTIME; wall-clock time is added on output. The wall clock of a traced
 * machine may be stepped while we run (that is often why we run), so the offset is kept as a list
 * of steps and an instant is converted with the offset that held then.
 */
#ifndef UW_CLOCK_H
#define UW_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UW_CLOCK_STEPS 32
#define UW_CLOCK_STEP_NS 1000000	/* a smaller change is slewing, and follows the last offset */

struct uw_clock {
	struct {
		uint64_t since_ns;	/* CLOCK_BOOTTIME */
		int64_t offset_ns;	/* CLOCK_REALTIME - CLOCK_BOOTTIME */
	} step[UW_CLOCK_STEPS];
	unsigned steps;
};

/** uw_clock_note - take a pair of readings; the first, and every step, opens a new offset.
 * Return: true if this was a step of the wall clock. */
bool uw_clock_note(struct uw_clock *c, uint64_t boot_ns, int64_t real_ns);

/** uw_clock_read - uw_clock_note() with both clocks read now. */
bool uw_clock_read(struct uw_clock *c);

/** uw_clock_wall - wall-clock time of an instant, nanoseconds since the epoch. */
int64_t uw_clock_wall(const struct uw_clock *c, uint64_t boot_ns);

/** uw_now_ns - CLOCK_BOOTTIME; uw_awake_ns - CLOCK_MONOTONIC, which stands still while the machine sleeps. */
uint64_t uw_now_ns(void);
uint64_t uw_awake_ns(void);

/** uw_wall_now_ns - CLOCK_REALTIME, nanoseconds since the epoch. */
int64_t uw_wall_now_ns(void);

/** uw_clock_rfc3339 - "2026-11-22T06:24:01.123456789Z" (UTC) into @buf of 36 bytes or more. */
void uw_clock_rfc3339(int64_t wall_ns, char *buf, size_t size);

#endif
