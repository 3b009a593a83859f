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

/* ---- sockets and who has them ---- */

static struct uw_holding holding(uint32_t pid, uint64_t socket, uint16_t port, uint16_t to, uint8_t server)
{
	struct uw_holding h = {
		.task = { .pid = pid, .uid = 117, .exe = "ntpd", .cgroup = 5 }, .socket = socket, .netns = 7,
		.client_port = port, .server_port = to, .family = 4,
	};

	if (to)
		h.server = (struct uw_addr){ { 192, 0, 2, server } };
	return h;
}

static const struct uw_port ports[] = { { 123, UW_PROTO_NTP }, { 53, UW_PROTO_DNS } };

static void who_asks(void **state)
{
	struct uw_holding h[] = {
		holding(11, 1, 40000, 53, 1), holding(11, 2, 40001, 53, 1),	/* two askers: ports differ */
		holding(12, 3, 123, 123, 1), holding(12, 4, 123, 123, 2),	/* one, of two servers */
		holding(12, 5, 123, 123, 2),					/* ... twice to the second */
		holding(13, 6, 123, 0, 0),	/* waits for whom it may concern */
		holding(14, 7, 53, 0, 0),	/* a name server asks nobody */
		holding(15, 8, 50000, 443, 1), holding(15, 9, 50001, 0, 0),
		holding(16, 3, 123, 123, 1),	/* shares the socket of 12, as after a fork */
		holding(17, 10, 123, 123, 3),
	};
	struct uw_asker a[8];

	(void)state;
	h[10].netns = 8;
	h[8].raw = 1;
	assert_int_equal(uw_askers_find(h, 11, ports, 2, a, 8), 5);
	assert_int_equal(a[0].pid, 11);
	assert_int_equal(a[0].port, 40000);
	assert_int_equal(a[0].servers, 1);
	assert_int_equal(a[0].protocol, UW_PROTO_DNS);
	assert_int_equal(a[2].pid, 12);
	assert_int_equal(a[2].servers, 2);
	assert_int_equal(a[2].others, 1);
	assert_int_equal(a[2].uid, 117);
	assert_int_equal(a[2].cgroup_id, 5);
	assert_string_equal(a[2].executable, "ntpd");
	assert_int_equal(a[3].pid, 13);
	assert_int_equal(a[3].servers, 0);
	assert_int_equal(a[3].others, 0);
	assert_int_equal(a[4].netns, 8);
	assert_int_equal(uw_askers_find(h, 11, ports, 2, a, 2), 2);
	assert_int_equal(uw_askers_find(h, 11, ports, 0, a, 8), 0);
	assert_int_equal(uw_askers_find(NULL, 0, ports, 2, a, 8), 0);
	h[0].task.exe[0] = '\0';
	snprintf(h[0].task.comm, sizeof(h[0].task.comm), "kthread");
	uw_askers_find(h, 1, ports, 2, a, 8);
	assert_string_equal(a[0].executable, "kthread");
}

static unsigned holders(struct uw_query *q, uint64_t socket, struct uw_holding h)
{
	uw_holders_find(&h, 1, socket, q);
	return q->holders;
}

static void who_has_the_asking_socket(void **state)
{
	struct uw_query q = { .netns = 7, .key = { .client = { { 10, 0, 0, 5 } }, .server = { { 192, 0, 2, 1 } },
						   .client_port = 40000, .server_port = 53, .family = 4 } };
	struct uw_holding h = holding(11, 1, 40000, 0, 0), x;

	(void)state;
	assert_int_equal(holders(&q, 0, h), 1);
	assert_int_equal(q.holder[0].pid, 11);
	assert_string_equal(q.holder[0].executable, "ntpd");
	assert_int_equal(holders(&q, 1, h), 1);
	assert_int_equal(holders(&q, 2, h), 0);		/* its port, but another socket */
#define LOOKALIKE(field, value)                             \
	do {                                                \
		x = h;                                      \
		x.field = value;                            \
		assert_int_equal(holders(&q, 0, x), 0);     \
	} while (0)
	LOOKALIKE(client_port, 40001);
	LOOKALIKE(netns, 8);
	LOOKALIKE(raw, 1);
	LOOKALIKE(client.b[0], 11);
	LOOKALIKE(server_port, 54);
	h = holding(11, 1, 40000, 53, 1);
	assert_int_equal(holders(&q, 0, h), 1);
	LOOKALIKE(server.b[3], 2);
	/* a socket of both families */
	h = holding(11, 1, 40000, 0, 0);
	h.family = 6;
	assert_int_equal(holders(&q, 0, h), 1);
	h.client = (struct uw_addr){ { [10] = 0xff, 0xff, 10, 0, 0, 5 } };
	assert_int_equal(holders(&q, 0, h), 1);
	LOOKALIKE(client.b[15], 6);
	LOOKALIKE(client.b[0], 0x20);
	h = holding(11, 1, 40000, 0, 0);
	q.key.family = 6;
	assert_int_equal(holders(&q, 0, h), 0);
}

static void many_holders(void **state)
{
	struct uw_query q = { .netns = 7, .key = { .client_port = 40000, .family = 4 } };
	struct uw_holding h[UW_HOLDERS + 2];
	unsigned i;

	(void)state;
	for (i = 0; i < UW_HOLDERS + 2; i++)
		h[i] = holding(11 + i, 1, 40000, 0, 0);
	h[1].task.pid = 11;	/* the same process, by another descriptor */
	uw_holders_find(h, UW_HOLDERS + 1, 1, &q);
	assert_int_equal(q.holders, UW_HOLDERS);
	assert_false(q.more_holders);
	uw_holders_find(h, UW_HOLDERS + 2, 1, &q);
	assert_int_equal(q.holders, UW_HOLDERS);
	assert_true(q.more_holders);
	uw_holders_find(h, 0, 1, &q);
	assert_int_equal(q.holders, 0);
	assert_false(q.more_holders);
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
		cmocka_unit_test(who_asks),
		cmocka_unit_test(who_has_the_asking_socket),
		cmocka_unit_test(many_holders),
		cmocka_unit_test(a_rhythm_needs_three_sends),
		cmocka_unit_test(a_send_is_counted_once_in_any_order),
		cmocka_unit_test(the_oldest_is_forgotten),
		cmocka_unit_test(one_early_send_does_not_spoil_a_rhythm),
		cmocka_unit_test(what_keeps_no_time_has_no_rhythm),
		cmocka_unit_test(a_rhythm_that_stopped_has_no_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
