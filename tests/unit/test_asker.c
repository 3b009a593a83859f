/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/asker.h"

#define S 1000000000ull
#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *cgroup, *unit;
} units[] = {
	{ "", "" },
	{ "/", "" },
	{ "/system.slice", "" },
	{ "/system.slice/chrony.service", "chrony.service" },
	{ "/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service" },
	{ "/system.slice/foo.service/worker/3", "foo.service" },
	{ "/user.slice/user-1000.slice/session-3.scope", "session-3.scope" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/app-dig-77.scope", "app-dig-77.scope" },
	{ "/user.slice/user-1000.slice/user@1000.service/init.scope", "init.scope" },
	{ "/init.scope", "init.scope" },
	{ ".service", "" },	/* nothing before the suffix names no unit */
	{ "/docker/" ID, "docker 0123456789ab" },
	{ "/system.slice/docker-" ID ".scope", "docker 0123456789ab" },
	{ "/system.slice/docker-" ID ".scope/init.scope", "init.scope" },
	{ "/machine.slice/libpod-" ID ".scope/container", "libpod 0123456789ab" },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1a2b3c4d_5e6f_7081_92a3_b4c5d6e7f809.slice/"
	  "cri-containerd-" ID ".scope", "pod 1a2b3c4d container 0123456789ab" },
	{ "/kubepods/besteffort/pod1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809/" ID, "pod 1a2b3c4d container 0123456789ab" },
	{ "/kubepods/besteffort/" ID, "container 0123456789ab" },
	{ "/podman/" ID, "podman 0123456789ab" },
	{ "/lxc.payload.web", "lxc web" },
	{ "/lxc/web/system.slice/named.service", "named.service" },
	{ "/lxc/web", "lxc web" },
	{ "/docker/0123456789abcdef", "" },	/* an id has 64 digits */
	{ "/docker/x" ID, "" },			/* ... and nothing but '-' before it */
	{ "/a\x1b[2J.service", "a\x1b[2J.service" },	/* sinks escape */
};

static void the_unit_of_a_cgroup(void **state)
{
	char buf[UW_UNIT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		assert_string_equal(uw_cgroup_unit(units[i].cgroup, buf), units[i].unit);
}

static void a_long_unit_is_cut(void **state)
{
	char path[UW_NAME_MAX], buf[UW_UNIT_MAX];

	(void)state;
	memset(path, 'a', sizeof(path));
	strcpy(path + sizeof(path) - 9, ".service");
	assert_int_equal(strlen(uw_cgroup_unit(path, buf)), UW_UNIT_MAX - 1);
	memcpy(path, "/lxc/", 5);
	assert_true(strlen(uw_cgroup_unit(path, buf)) < UW_UNIT_MAX);
}

static struct uw_rhythm sends(const uint64_t *seconds, unsigned count)
{
	struct uw_rhythm r = { 0 };

	for (unsigned i = 0; i < count; i++)
		uw_rhythm_note(&r, seconds[i] * S);
	return r;
}

#define SENDS(...) sends((const uint64_t[]){ __VA_ARGS__ }, sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8)

static void a_rhythm_needs_three_sends(void **state)
{
	struct uw_rhythm r = { 0 };

	(void)state;
	assert_int_equal(uw_rhythm_interval_ns(&r), 0);
	assert_int_equal(uw_rhythm_next_ns(&r, 0), 0);
	r = SENDS(100, 356);
	assert_int_equal(uw_rhythm_interval_ns(&r), 0);
	r = SENDS(100, 356, 612);
	assert_int_equal(uw_rhythm_interval_ns(&r), 256 * S);
	assert_int_equal(uw_rhythm_next_ns(&r, 613 * S), 868 * S);
}

static void a_send_is_counted_once_in_any_order(void **state)
{
	struct uw_rhythm r = SENDS(612, 100, 356, 356, 0, 100);

	(void)state;
	assert_int_equal(r.count, 3);
	assert_int_equal(uw_rhythm_interval_ns(&r), 256 * S);
	assert_int_equal(r.sent_ns[2], 612 * S);
}

static void the_oldest_is_forgotten(void **state)
{
	struct uw_rhythm r = SENDS(10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 5);

	(void)state;
	assert_int_equal(r.count, UW_RHYTHM_SENDS);
	assert_int_equal(r.sent_ns[0], 20 * S);
	assert_int_equal(r.sent_ns[UW_RHYTHM_SENDS - 1], 100 * S);
	uw_rhythm_note(&r, 95 * S);
	assert_int_equal(r.sent_ns[0], 30 * S);
	assert_int_equal(r.sent_ns[UW_RHYTHM_SENDS - 2], 95 * S);
	assert_int_equal(r.sent_ns[UW_RHYTHM_SENDS - 1], 100 * S);
}

static void one_early_send_does_not_spoil_a_rhythm(void **state)
{
	struct uw_rhythm r = SENDS(0 + 64, 128, 192, 256, 320, 321);

	(void)state;
	assert_int_equal(uw_rhythm_interval_ns(&r), 64 * S);
}

static void what_keeps_no_time_has_no_rhythm(void **state)
{
	struct uw_rhythm r = SENDS(1, 2, 60, 61, 200, 500);

	(void)state;
	assert_int_equal(uw_rhythm_interval_ns(&r), 0);
	r = SENDS(1, 65, 321);
	assert_int_equal(uw_rhythm_interval_ns(&r), 0);
}

static void a_rhythm_that_stopped_has_no_next(void **state)
{
	struct uw_rhythm r = SENDS(10, 20, 30);

	(void)state;
	assert_int_equal(uw_rhythm_next_ns(&r, 45 * S), 40 * S);	/* overdue, perhaps not told yet */
	assert_int_equal(uw_rhythm_next_ns(&r, 50 * S), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_unit_of_a_cgroup),
		cmocka_unit_test(a_long_unit_is_cut),
		cmocka_unit_test(a_rhythm_needs_three_sends),
		cmocka_unit_test(a_send_is_counted_once_in_any_order),
		cmocka_unit_test(the_oldest_is_forgotten),
		cmocka_unit_test(one_early_send_does_not_spoil_a_rhythm),
		cmocka_unit_test(what_keeps_no_time_has_no_rhythm),
		cmocka_unit_test(a_rhythm_that_stopped_has_no_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
