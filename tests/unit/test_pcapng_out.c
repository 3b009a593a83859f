/* SPDX-License-Identifier: GPL-2.0-only */
/* The evidence file, read back by the reader of captures: what is in it, its bounds, whose it may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pcap/dlt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "offline/pcapng.h"
#include "sink/pcapng.h"

static char dir[] = "/tmp/udpwhy-test-XXXXXX", path[64], older[64];
static uint8_t bytes[256];
static char error[UW_PCAPNG_WRITE_ERROR];

static int set_up(void **state)
{
	unsigned i;

	(void)state;
	strcpy(strrchr(dir, '-') + 1, "XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/e", dir);
	snprintf(older, sizeof(older), "%s/e.1", dir);
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	unlink(older);
	return rmdir(dir);
}

static void put(struct uw_pcapng_out *o, unsigned number, uint32_t len, const char *ifname)
{
	struct uw_pcapng_packet p = {
		.wall_ns = 1700000000123456789ll + number, .bytes = bytes, .len = len, .wire_len = len + 7,
		.ifname = ifname, .ifindex = ifname[0] ? 3 : 0, .comment = "why", .out = number & 1,
	};

	assert_int_equal(uw_pcapng_out_packet(o, &p), 0);
}

/* Return: how many frames; the last one is held against its number. */
static unsigned read_back(const char *name, unsigned first, uint32_t len)
{
	FILE *f = fopen(name, "r");
	struct uw_pcapng *r = uw_pcapng_new(f);
	struct uw_pcapng_frame frame;
	char why[UW_PCAPNG_ERROR];
	unsigned n = 0;
	int err;

	while ((err = uw_pcapng_next(r, &frame, why)) == 1) {
		assert_int_equal(frame.dlt, DLT_RAW);
		assert_int_equal(frame.len, len);
		assert_int_equal(frame.wire_len, len + 7);
		assert_memory_equal(frame.data, bytes, len);
		assert_true(frame.when_ns == 1700000000123456789ull + first + n);
		n++;
	}
	assert_int_equal(err, 0);
	uw_pcapng_free(r);
	fclose(f);
	return n;
}

static unsigned first_of(const char *name)
{
	FILE *f = fopen(name, "r");
	struct uw_pcapng *r = uw_pcapng_new(f);
	struct uw_pcapng_frame frame;
	char why[UW_PCAPNG_ERROR];

	assert_int_equal(uw_pcapng_next(r, &frame, why), 1);
	uw_pcapng_free(r);
	fclose(f);
	return (unsigned)(frame.when_ns - 1700000000123456789ull);
}

static void test_packets(void **state)
{
	struct uw_pcapng_out *o;
	uint32_t len;

	(void)state;
	for (len = 1; len <= sizeof(bytes); len += 5) { /* every padding */
		assert_int_equal(uw_pcapng_out_new(path, UW_PCAPNG_FILE_BYTES, &o, error), 0);
		put(o, 0, len, "eth0");
		put(o, 1, len, "");
		put(o, 2, len, "\x1b[31m\xe2\x80\xae");
		assert_int_equal(uw_pcapng_out_free(o), 0);
		assert_int_equal(read_back(path, 0, len), 3);
	}
}

static void test_bounds(void **state)
{
	unsigned i;
	struct uw_pcapng_out *o;
	struct stat st;

	(void)state;
	umask(0);
	assert_int_equal(uw_pcapng_out_new(path, 16384, &o, error), 0);
	for (i = 0; i < 200; i++)
		put(o, i, 200, "eth0");
	assert_int_equal(uw_pcapng_out_free(o), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= 16384);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(older, &st), 0);
	assert_true(st.st_size <= 16384 && st.st_size > 4096);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* the last ones, without a hole */
	assert_int_equal(first_of(path) + read_back(path, first_of(path), 200), 200);
	assert_int_equal(first_of(older) + read_back(older, first_of(older), 200), first_of(path));
}

static void test_whose(void **state)
{
	struct uw_pcapng_out *o = NULL;

	(void)state;
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(uw_pcapng_out_new(path, 16384, &o, error), -EEXIST);
	assert_non_null(strstr(error, "not a regular file"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(uw_pcapng_out_new(path, 16384, &o, error), -EEXIST);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(uw_pcapng_out_new("/nonexistent/e", 16384, &o, error), -ENOENT);
	assert_null(o);
	/* what is there is kept beside it, and takes the place of a link there */
	assert_int_equal(symlink("/dev/null", older), 0);
	assert_true(close(open(path, O_CREAT | O_WRONLY, 0644)) == 0);
	assert_int_equal(uw_pcapng_out_new(path, 16384, &o, error), 0);
	assert_int_equal(uw_pcapng_out_free(o), 0);
	assert_true(readlink(older, error, sizeof(error)) < 0);
}

static void test_full_disk(void **state)
{
	struct uw_pcapng_packet p = {.wall_ns = 1, .bytes = bytes, .len = 200, .ifname = "", .comment = ""};
	struct uw_pcapng_out *o;
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(uw_pcapng_out_new(path, UW_PCAPNG_FILE_BYTES, &o, error), 0);
	/* the file becomes one that takes nothing: /dev/full under the same descriptor */
	for (fd = 3; fd < 100; fd++) {
		struct stat mine;

		if (!stat(path, &st) && !fstat(fd, &mine) && mine.st_ino == st.st_ino && mine.st_dev == st.st_dev)
			break;
	}
	assert_true(dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), fd) == fd);
	assert_int_equal(uw_pcapng_out_packet(o, &p), -ENOSPC);
	assert_int_equal(uw_pcapng_out_packet(o, &p), -ENOSPC);
	assert_int_equal(uw_pcapng_out_free(o), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_packets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_whose, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_disk, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
