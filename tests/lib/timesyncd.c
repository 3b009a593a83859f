// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for systemd-timesyncd on a system bus, without a clock to set: two properties of its manager, as 252 has
 * them. Started as: FILE INTERVAL_US AGO_US, how often it asks and how long ago the last answer came, 0 for none;
 * with "none" it stays away from the bus. Prints that moment, wall-clock time in microseconds, once it can be asked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

static uint64_t interval_us, answered_us;

static int get_interval(sd_bus *bus, const char *path, const char *interface, const char *property,
			sd_bus_message *reply, void *arg, sd_bus_error *error)
{
	(void)bus, (void)path, (void)interface, (void)property, (void)arg, (void)error;
	return sd_bus_message_append(reply, "t", interval_us);
}

static int get_message(sd_bus *bus, const char *path, const char *interface, const char *property,
		       sd_bus_message *reply, void *arg, sd_bus_error *error)
{
	(void)bus, (void)path, (void)interface, (void)property, (void)arg, (void)error;
	return sd_bus_message_append(reply, "(uuuuittayttttbtt)", 0, 4, 4, 3, -20, (uint64_t)1, (uint64_t)2, 4, 1, 2, 3, 4,
				     (uint64_t)3, (uint64_t)4, (uint64_t)5, answered_us, 0, (uint64_t)6, (uint64_t)7);
}

static const sd_bus_vtable manager[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("PollIntervalUSec", "t", get_interval, 0, 0),
	SD_BUS_PROPERTY("NTPMessage", "(uuuuittayttttbtt)", get_message, 0, 0),
	SD_BUS_VTABLE_END,
};

int main(int argc, char **argv)
{
	struct timespec now;
	sd_bus *bus = NULL;

	if (argc == 2 && !strcmp(argv[1], "none"))
		return puts("ready") < 0 || fflush(stdout) || pause();
	if (argc != 3)
		return 2;
	interval_us = strtoull(argv[1], NULL, 10);
	clock_gettime(CLOCK_REALTIME, &now);
	if (strcmp(argv[2], "0"))
		answered_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 - strtoull(argv[2], NULL, 10);
	if (sd_bus_open_system(&bus) < 0 ||
	    sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/timesync1", "org.freedesktop.timesync1.Manager", manager,
				     NULL) < 0 ||
	    sd_bus_request_name(bus, "org.freedesktop.timesync1", 0) < 0)
		return 1;
	printf("%llu\n", (unsigned long long)answered_us);
	fflush(stdout);
	while (sd_bus_process(bus, NULL) >= 0 && sd_bus_wait(bus, UINT64_MAX) >= 0)
		;
	return 1;
}
