/* SPDX-License-Identifier: GPL-2.0-only */
#include "core/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_S 1000000000LL
#define READ_TRIES 5
#define READ_NEAR_NS 20000 /* a bracket that no preemption can have stretched */

static uint64_t read_ns(clockid_t id)
{
	struct timespec ts = {0};

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static bool is_step(int64_t before, int64_t after)
{
	int64_t diff;

	if (__builtin_sub_overflow(after, before, &diff))
		return true;
	return diff >= UW_CLOCK_STEP_NS || diff <= -UW_CLOCK_STEP_NS;
}

bool uw_clock_note(struct uw_clock *c, uint64_t boot_ns, int64_t real_ns)
{
	int64_t offset = (int64_t)((uint64_t)real_ns - boot_ns);

	if (c->steps) {
		unsigned last = c->steps - 1;

		if (boot_ns < c->step[last].since_ns)
			return false; /* an old reading says nothing new */
		if (!is_step(c->step[last].offset_ns, offset)) {
			c->step[last].offset_ns = offset;
			return false;
		}
	}
	if (c->steps == UW_CLOCK_STEPS) {
		memmove(&c->step[0], &c->step[1], sizeof(c->step) - sizeof(c->step[0]));
		c->steps--;
	}
	c->step[c->steps].since_ns = boot_ns;
	c->step[c->steps].offset_ns = offset;
	return c->steps++ > 0;
}

/* The two clocks cannot be read at once: keep the tightest of a few brackets. */
bool uw_clock_read(struct uw_clock *c)
{
	uint64_t best = UINT64_MAX, boot = 0;
	int64_t real = 0;

	for (int i = 0; i < READ_TRIES && best > READ_NEAR_NS; i++) {
		uint64_t before = read_ns(CLOCK_BOOTTIME);
		int64_t wall = (int64_t)read_ns(CLOCK_REALTIME);
		uint64_t width = read_ns(CLOCK_BOOTTIME) - before;

		if (width < best) {
			best = width;
			boot = before + width / 2;
			real = wall;
		}
	}
	return uw_clock_note(c, boot, real);
}

int64_t uw_clock_wall(const struct uw_clock *c, uint64_t boot_ns)
{
	unsigned i = c->steps;

	if (!i)
		return (int64_t)boot_ns;
	while (i > 1 && c->step[i - 1].since_ns > boot_ns)
		i--;
	return (int64_t)(boot_ns + (uint64_t)c->step[i - 1].offset_ns);
}

uint64_t uw_now_ns(void)
{
	return read_ns(CLOCK_BOOTTIME);
}

uint64_t uw_awake_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

int64_t uw_wall_now_ns(void)
{
	return (int64_t)read_ns(CLOCK_REALTIME);
}

void uw_clock_rfc3339(int64_t wall_ns, char *buf, size_t size)
{
	int64_t seconds = wall_ns / NS_PER_S, rest = wall_ns % NS_PER_S;
	char date[32] = "";
	struct tm tm;
	time_t t;

	if (rest < 0) {
		rest += NS_PER_S;
		seconds--;
	}
	t = (time_t)seconds;
	if (gmtime_r(&t, &tm))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, size, "%s.%09lldZ", date, (long long)rest);
}
