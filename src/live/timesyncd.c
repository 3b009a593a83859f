// SPDX-License-Identifier: GPL-2.0-only
/* systemd-timesyncd, over the system bus of its own root directory. */
#include <string.h>

#include <systemd/sd-bus.h>

#include "core/clock.h"
#include "library.h"
#include "live/daemon_talk.h"

#define FUNCTIONS(X) \
	X(sd_bus_new) X(sd_bus_set_address) X(sd_bus_set_bus_client) X(sd_bus_start) X(sd_bus_call_method) \
	X(sd_bus_get_property) X(sd_bus_get_property_trivial) X(sd_bus_message_read) X(sd_bus_message_read_array) \
	X(sd_bus_message_enter_container)
UW_LIBRARY(FUNCTIONS)

#define ADDRESS "unix:path=/run/dbus/system_bus_socket"
#define BUS "org.freedesktop.DBus"
#define NAME "org.freedesktop.timesync1"
#define OBJECT "/org/freedesktop/timesync1"
#define MANAGER "org.freedesktop.timesync1.Manager"
#define ANSWER "uuuuittayttttbtt"	/* its last one: leap, version, mode, stratum ... */
#define LEAST_US 1000000ull
#define MOST_US (1000000ull << 24)

static sd_bus *open_bus(const struct library *lib)
{
	sd_bus *bus = NULL;

	if (lib->sd_bus_new(&bus) < 0 || lib->sd_bus_set_address(bus, ADDRESS) < 0 ||
	    lib->sd_bus_set_bus_client(bus, 1) < 0 || lib->sd_bus_start(bus) < 0)
		return NULL;
	return bus;
}

/* Its own name on the bus, if the process is the one meant: a call to a name that is nobody's any more starts nothing. */
static const char *name_of(const struct library *lib, sd_bus *bus, uint32_t pid)
{
	sd_bus_message *owner = NULL, *process = NULL;
	const char *name = NULL;
	uint32_t whose = 0;

	if (lib->sd_bus_call_method(bus, BUS, "/org/freedesktop/DBus", BUS, "GetNameOwner", NULL, &owner, "s", NAME) < 0 ||
	    lib->sd_bus_message_read(owner, "s", &name) <= 0 ||
	    lib->sd_bus_call_method(bus, BUS, "/org/freedesktop/DBus", BUS, "GetConnectionUnixProcessID", NULL, &process,
				    "s", name) < 0 ||
	    lib->sd_bus_message_read(process, "u", &whose) <= 0)
		return NULL;
	return whose == pid ? name : NULL;
}

/* Return: when the last answer came, wall-clock time in microseconds, 0 if there was none. */
static uint64_t answered_us(const struct library *lib, sd_bus *bus, const char *name)
{
	uint64_t root_delay, dispersion, origin, receive, transmit, destination;
	uint32_t leap, version, mode, stratum;
	sd_bus_message *m = NULL;
	const void *reference;
	int32_t precision;
	size_t size;

	if (lib->sd_bus_get_property(bus, name, OBJECT, MANAGER, "NTPMessage", NULL, &m, "(" ANSWER ")") < 0 ||
	    lib->sd_bus_message_enter_container(m, 'r', ANSWER) <= 0 ||
	    lib->sd_bus_message_read(m, "uuuuitt", &leap, &version, &mode, &stratum, &precision, &root_delay,
				     &dispersion) <= 0 ||
	    lib->sd_bus_message_read_array(m, 'y', &reference, &size) < 0 ||
	    lib->sd_bus_message_read(m, "tttt", &origin, &receive, &transmit, &destination) <= 0)
		return 0;
	return destination;
}

bool uw_timesyncd_rhythm(uint64_t interval_us, uint64_t answered_us, int64_t wall_ns, uint64_t now_ns,
			 struct uw_rhythm *rhythm)
{
	uint64_t wall_us = wall_ns > 0 ? (uint64_t)wall_ns / 1000 : 0;

	if (interval_us < LEAST_US || interval_us > MOST_US || !answered_us || answered_us > wall_us ||
	    wall_us - answered_us >= interval_us)
		return false;
	*rhythm = (struct uw_rhythm){
		.told_ns = interval_us * 1000, .told_longest_ns = interval_us * 1000,
		.told_next_ns = now_ns + (interval_us - (wall_us - answered_us)) * 1000,
	};
	return true;
}

void uw_timesyncd_talk(const char *proc, uint32_t pid, uint64_t until_ns, struct uw_word *word)
{
	uint64_t interval_us = 0;
	struct library lib;
	const char *name;
	sd_bus *bus;

	(void)until_ns;	/* who asked us ends us */
	if (!load_library("libsystemd.so.0", &lib) || uw_enter_root(proc, pid))
		return;
	bus = open_bus(&lib);
	name = bus ? name_of(&lib, bus, pid) : NULL;
	if (!name || lib.sd_bus_get_property_trivial(bus, name, OBJECT, MANAGER, "PollIntervalUSec", NULL, 't', &interval_us) < 0)
		return;
	word->servers = uw_timesyncd_rhythm(interval_us, answered_us(&lib, bus, name), uw_wall_now_ns(), uw_now_ns(), &word->rhythm);
}
