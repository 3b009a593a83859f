/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The probe against a responder of our own on the loopback device. Time is a number that the
 * tests advance. The tests of the fixed port and of namespaces need a user namespace of their own;
 * where none is to be had they skip and say so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask/prober.h"

#define S 1000000000ull
#define MS 1000000ull
#define START (1000 * S)
#define SERVER_V4 0x7f000002	/* not the client's 127.0.0.1: checksums must tell them apart */
#define PATIENCE_MS 5000 /* for the kernel to deliver over loopback; never waited for in full */

static struct uw_probe_target target(uint8_t protocol, uint16_t port)
{
	return (struct uw_probe_target){
		.server = {{127, 0, 0, 2}},
		.port = port,
		.family = 4,
		.protocol = protocol,
	};
}

/* Mode 4, stratum 2, the request's transmit timestamp as origin. */
static void ntp_reply(uint8_t reply[48], uint64_t xmt)
{
	memset(reply, 0, 48);
	reply[0] = 0x24;
	reply[1] = 2;
	memcpy(reply + 24, &xmt, 8);
	memset(reply + 32, 0x77, 16);
}

/* --- a server of our own --- */

struct server {
	int fd;
	uint16_t port;
	struct sockaddr_storage peer; /* of the last request */
	socklen_t peer_len;
	uint8_t request[512];
	ssize_t len;
};

static int udp_socket(unsigned family, uint16_t *port)
{
	struct sockaddr_in6 a = {};
	struct sockaddr_in *a4 = (struct sockaddr_in *)&a;
	socklen_t len = family == 4 ? sizeof(*a4) : sizeof(a);
	int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0);

	if (family == 4) {
		a4->sin_family = AF_INET;
		a4->sin_port = htons(*port);
		a4->sin_addr.s_addr = htonl(SERVER_V4);
	} else {
		a.sin6_family = AF_INET6;
		a.sin6_port = htons(*port);
		a.sin6_addr = in6addr_loopback;
	}
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) ||
	    getsockname(fd, (struct sockaddr *)&a, &len))
		return -1;
	*port = ntohs(family == 4 ? a4->sin_port : a.sin6_port);
	return fd;
}

static struct server serve(unsigned family)
{
	struct server s = {};

	s.fd = udp_socket(family, &s.port);
	assert_true(s.fd >= 0);
	return s;
}

/* Loopback delivers within the send: what is not there now does not come. */
static bool got_request(struct server *s)
{
	s->peer_len = sizeof(s->peer);
	s->len = recvfrom(s->fd, s->request, sizeof(s->request), 0, (struct sockaddr *)&s->peer,
			  &s->peer_len);
	return s->len >= 0;
}

static uint16_t peer_port(const struct server *s)
{
	return ntohs(((const struct sockaddr_in *)&s->peer)->sin_port); /* the same place in IPv6 */
}

static void reply_with(struct server *s, int fd, const uint8_t *reply, size_t len)
{
	assert_int_equal(sendto(fd, reply, len, 0, (struct sockaddr *)&s->peer, s->peer_len), len);
}

static void reply_ntp(struct server *s, int fd)
{
	uint8_t reply[48];
	uint64_t xmt;

	assert_int_equal(s->len, 48);
	memcpy(&xmt, s->request + 40, 8);
	ntp_reply(reply, xmt);
	reply_with(s, fd, reply, sizeof(reply));
}

/* Poll until something is readable, as the caller's loop does. */
static void wait_readable(struct uw_prober *p)
{
	struct pollfd fds[UW_PROBE_DOORS];
	int n = uw_prober_pollfds(p, fds, UW_PROBE_DOORS);

	assert_true(poll(fds, (nfds_t)n, PATIENCE_MS) > 0);
}

static uint16_t free_port(void)
{
	uint16_t port = 0;
	int fd = udp_socket(4, &port);

	assert_true(fd >= 0);
	close(fd);
	return port;
}

/* --- the probe over loopback, no rights needed --- */

static void test_round(void **state)
{
	struct server s = serve(4);
	struct uw_probe_target t = target(UW_PROTO_NTP, s.port);
	const struct uw_probe_result *r;
	struct uw_prober *p;
	uint64_t now = START;
	int i;

	(void)state;
	t.fixed_port = free_port();
	p = uw_prober_new(&t, 2, 5 * S);
	assert_non_null(p);
	r = uw_prober_results(p);
	assert_false(r[0].fixed);
	assert_true(r[1].fixed);
	assert_int_equal(r[1].port, t.fixed_port);
	assert_int_equal(uw_prober_next_ns(p), 0);
	for (i = 0; i < 4; i++) {
		assert_false(uw_prober_done(p));
		uw_prober_run(p, now);
		assert_true(got_request(&s));
		assert_int_equal(peer_port(&s), r[i & 1].port); /* the doors take turns */
		if (i < 3) { /* the last is not answered */
			reply_ntp(&s, s.fd);
			wait_readable(p);
			uw_prober_run(p, now + (i + 1) * MS);
			assert_int_equal(uw_prober_next_ns(p), now + S);
		}
		/* not a nanosecond earlier than a second later */
		uw_prober_run(p, now + S - 1);
		assert_false(got_request(&s));
		now += S;
	}
	assert_false(uw_prober_done(p));
	assert_int_equal(uw_prober_next_ns(p), START + 3 * S + 5 * S);
	uw_prober_run(p, START + 8 * S - 1);
	assert_false(uw_prober_done(p));
	uw_prober_run(p, START + 8 * S);
	assert_true(uw_prober_done(p));
	assert_true(uw_prober_next_ns(p) == UW_PROBE_NEVER);
	assert_int_equal(r[0].sent, 2);
	assert_int_equal(r[0].answered, 2);
	assert_int_equal(r[0].rtt_us[0], 1000);
	assert_int_equal(r[0].rtt_us[1], 3000);
	assert_int_equal(r[0].median_us, 2000);
	assert_int_equal(r[1].sent, 2);
	assert_int_equal(r[1].answered, 1);
	assert_int_equal(r[1].median_us, 2000);
	assert_int_equal(r[1].reply.stratum, 2);
	assert_int_equal(r[0].failed + r[1].failed + r[0].late + r[1].late, 0);
	uw_prober_free(p);
	close(s.fd);
}

/* Nobody answers: no more than one packet a second, however often the caller runs it. */
static void test_pace(void **state)
{
	struct server s = serve(4);
	struct uw_probe_target t = target(UW_PROTO_DNS, s.port);
	struct uw_prober *p;
	uint64_t now;
	int n = 0;

	(void)state;
	t.fixed_port = free_port();
	p = uw_prober_new(&t, UW_PROBE_COUNT_LIMIT, S);
	for (now = START; now < START + 10 * S; now += S / 10) {
		uw_prober_run(p, now);
		while (got_request(&s))
			n++;
	}
	assert_int_equal(n, 10);
	/* after a pause there is no burst to catch up */
	uw_prober_run(p, now + 100 * S);
	uw_prober_run(p, now + 100 * S + 1);
	assert_true(got_request(&s));
	assert_false(got_request(&s));
	uw_prober_free(p);
	close(s.fd);
}

static void test_dns_round(void **state)
{
	struct server s = serve(4);
	struct uw_probe_target t = target(UW_PROTO_DNS, s.port);
	const struct uw_probe_result *r;
	struct uw_prober *p;

	(void)state;
	t.fixed_port = free_port();
	p = uw_prober_new(&t, 1, S);
	r = uw_prober_results(p);
	uw_prober_run(p, START);
	assert_true(got_request(&s));
	s.request[2] |= 0x80;
	s.request[3] = 5;
	reply_with(&s, s.fd, s.request, (size_t)s.len);
	wait_readable(p);
	uw_prober_run(p, START + MS);
	assert_int_equal(r[0].answered, 1);
	assert_int_equal(r[0].reply.rcode, 5);
	uw_prober_free(p);
	close(s.fd);
}

/* From another port, with another origin, twice, too late: none of them is an answer. */
static void test_not_answers(void **state)
{
	struct server s = serve(4), other = serve(4);
	struct uw_probe_target t = target(UW_PROTO_NTP, s.port);
	const struct uw_probe_result *r;
	struct uw_prober *p;
	uint8_t reply[48];

	(void)state;
	t.fixed_port = free_port();
	p = uw_prober_new(&t, 2, 3 * S);
	r = uw_prober_results(p);
	uw_prober_run(p, START);
	assert_true(got_request(&s));
	reply_ntp(&s, other.fd);
	ntp_reply(reply, 0);
	reply_with(&s, s.fd, reply, 48);
	reply_with(&s, s.fd, reply, 0);
	wait_readable(p);
	uw_prober_run(p, START + MS);
	assert_int_equal(r[0].answered, 0);
	reply_ntp(&s, s.fd);
	reply_ntp(&s, s.fd);
	wait_readable(p);
	uw_prober_run(p, START + 2 * MS);
	assert_int_equal(r[0].answered, 1);
	uw_prober_run(p, START + S);
	assert_true(got_request(&s));
	reply_ntp(&s, s.fd);
	wait_readable(p);
	uw_prober_run(p, START + 4 * S); /* exactly at its timeout */
	assert_int_equal(r[1].answered, 0);
	assert_int_equal(r[1].late, 1);
	uw_prober_free(p);
	close(s.fd);
	close(other.fd);
}

/* Nobody listens: the ICMP error is kept, and does not eat the packets that follow. */
static void test_refused(void **state)
{
	struct uw_probe_target t = target(UW_PROTO_NTP, free_port());
	const struct uw_probe_result *r;
	struct uw_prober *p;
	uint64_t now = START;

	(void)state;
	t.fixed_port = free_port();
	p = uw_prober_new(&t, 3, S);
	r = uw_prober_results(p);
	for (; !uw_prober_done(p); now += S)
		uw_prober_run(p, now);
	assert_int_equal(r[0].sent, 3);
	assert_int_equal(r[0].failed, 0);
	assert_int_equal(r[0].last_errno, ECONNREFUSED);
	assert_int_equal(r[0].answered, 0);
	uw_prober_free(p);
}

/* A connect that fails leaves a prober that is done, with the reason. */
static void test_no_door(void **state)
{
	struct uw_probe_target t = target(UW_PROTO_NTP, 123);
	const struct uw_probe_result *r;
	struct uw_prober *p;

	(void)state;
	t.fixed_port = free_port();
	memset(t.server.b, 255, 4); /* broadcast, without SO_BROADCAST */
	p = uw_prober_new(&t, 3, S);
	assert_non_null(p);
	r = uw_prober_results(p);
	assert_int_equal(r[0].last_errno, EACCES);
	assert_true(r[1].last_errno == EACCES);
	assert_true(uw_prober_done(p));
	assert_int_equal(uw_prober_pollfds(p, NULL, 0), 0);
	uw_prober_run(p, START);
	assert_int_equal(r[0].sent + r[0].failed, 0);
	uw_prober_free(p);
}

/* The time is over before the first packet, or in the midst: done once what was asked is over. */
static void test_time_is_over(void **state)
{
	struct uw_probe_target t = target(UW_PROTO_NTP, free_port());
	const struct uw_probe_result *r;
	struct uw_prober *p;

	(void)state;
	t.until_ns = START + 2 * S + S / 2;
	p = uw_prober_new(&t, 20, S);
	r = uw_prober_results(p);
	uw_prober_run(p, START);
	assert_false(uw_prober_done(p));
	uw_prober_run(p, START + S);
	uw_prober_run(p, START + 2 * S);
	uw_prober_run(p, START + 3 * S);
	uw_prober_run(p, START + 4 * S);
	assert_true(uw_prober_done(p));
	assert_int_equal(r[0].sent + r[1].sent, 3);
	uw_prober_free(p);
	t.until_ns = START - 1;
	p = uw_prober_new(&t, 20, S);
	uw_prober_run(p, START);
	assert_true(uw_prober_done(p));
	assert_int_equal(uw_prober_results(p)[0].sent, 0);
	uw_prober_free(p);
}

static void test_bad_targets(void **state)
{
	struct uw_probe_target good = target(UW_PROTO_NTP, 123), t;

	(void)state;
#define refuses(count, timeout)                                     \
	do {                                                        \
		errno = 0;                                          \
		assert_null(uw_prober_new(&t, count, timeout)); \
		assert_int_equal(errno, EINVAL);                    \
	} while (0)
	t = good;
	refuses(0, S);
	refuses(UW_PROBE_COUNT_LIMIT + 1, S);
	refuses(1, 0);
	t.family = 5;
	refuses(1, S);
	t = good;
	t.protocol = UW_PROTO_NONE;
	refuses(1, S);
	t = good;
	t.port = 0;
	refuses(1, S);
	t = good;
	t.question_len = UW_QUESTION_MAX + 1;
	refuses(1, S);
	t.question_len = 4;
	refuses(1, S);
	uw_prober_free(NULL);
}

static void test_pollfds(void **state)
{
	struct uw_probe_target t = target(UW_PROTO_NTP, free_port());
	struct pollfd fds[3] = {{.fd = -7}, {.fd = -7}, {.fd = -7}};
	struct uw_prober *p;

	(void)state;
	t.fixed_port = free_port();
	p = uw_prober_new(&t, 1, S);
	assert_int_equal(uw_prober_pollfds(p, fds, 1), 1);
	assert_int_equal(fds[1].fd, -7);
	assert_int_equal(uw_prober_pollfds(p, fds, 3), 2);
	assert_true(fds[0].fd >= 0 && fds[1].fd >= 0 && fds[0].fd != fds[1].fd);
	assert_int_equal(fds[0].events, POLLIN);
	uw_prober_free(p);
}

/* --- in a user and network namespace of our own: ports below 1024 and raw sockets --- */

#define SKIPPED 77

static bool own_namespace(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd, err;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	err = ioctl(fd, SIOCSIFFLAGS, &lo);
	close(fd);
	return !err;
}

/* Run @check in a child with its namespace; it ends by itself or dies by a failed expect(). */
static void in_own_namespace(void (*check)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (!own_namespace())
			_exit(SKIPPED);
		check();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
		print_message("no user namespace here\n");
		skip();
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* cmocka's own would jump back into a copy of the parent. */
#define expect(what)                                                               \
	do {                                                                       \
		if (!(what)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
			_exit(1);                                                  \
		}                                                                  \
	} while (0)

static bool readable(const struct uw_prober *p)
{
	struct pollfd fds[UW_PROBE_DOORS];
	int n = uw_prober_pollfds(p, fds, UW_PROBE_DOORS);

	return poll(fds, (nfds_t)n, PATIENCE_MS) > 0;
}

static void one_round(unsigned family, bool raw)
{
	struct uw_probe_target t = target(UW_PROTO_NTP, 0);
	const struct uw_probe_result *r;
	uint16_t ntp = 123;
	int daemon = -1, i;
	struct server s = {};
	struct uw_prober *p;

	s.fd = udp_socket(family, &s.port);
	expect(s.fd >= 0);
	t.port = s.port;
	t.family = (uint8_t)family;
	if (family == 6)
		t.server = (struct uw_addr){{[15] = 1}};
	if (raw) { /* ntpd has the port */
		daemon = udp_socket(family, &ntp);
		expect(daemon >= 0);
	}
	p = uw_prober_new(&t, 1, S);
	r = uw_prober_results(p);
	expect(p && r[1].raw == raw && r[1].port == 123 && !r[1].last_errno);
	for (i = 0; i < 2; i++) {
		uint8_t reply[48];
		uint64_t xmt;

		uw_prober_run(p, START + (uint64_t)i * S);
		/* the kernel has looked at our own checksum before it let this through */
		expect(got_request(&s) && s.len == 48 && peer_port(&s) == r[i].port);
		memcpy(&xmt, s.request + 40, 8);
		ntp_reply(reply, xmt);
		expect(sendto(s.fd, reply, 48, 0, (struct sockaddr *)&s.peer, s.peer_len) == 48);
		expect(readable(p));
		uw_prober_run(p, START + (uint64_t)i * S + MS);
		expect(r[i].answered == 1 && r[i].median_us == 1000);
	}
	expect(uw_prober_done(p) && r[0].sent == 1 && r[1].sent == 1);
	uw_prober_free(p);
	close(daemon);
	close(s.fd);
}

static void fixed_and_raw(void)
{
	one_round(4, false);
	one_round(4, true);
	one_round(6, false);
	one_round(6, true);
}

static void test_fixed_and_raw(void **state)
{
	(void)state;
	in_own_namespace(fixed_and_raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),	      cmocka_unit_test(test_pace),
		cmocka_unit_test(test_dns_round),     cmocka_unit_test(test_not_answers),
		cmocka_unit_test(test_refused),	      cmocka_unit_test(test_no_door),
		cmocka_unit_test(test_bad_targets),   cmocka_unit_test(test_pollfds),
		cmocka_unit_test(test_fixed_and_raw), cmocka_unit_test(test_time_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
