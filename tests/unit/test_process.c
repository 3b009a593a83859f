// SPDX-License-Identifier: GPL-2.0-only
/* Facts about processes, from a /proc that we make. */
#define _GNU_SOURCE 1 /* nftw */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "live/process.h"

#define NTP_PORT 123
#define DNS_PORT 53

static const struct uw_port ports[] = {
	{ .port = NTP_PORT, .protocol = UW_PROTO_NTP },
	{ .port = DNS_PORT, .protocol = UW_PROTO_DNS },
};

struct tree {
	char proc[32];
	struct uw_processes *processes;
};

static int make_tree(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	strcpy(t->proc, "/tmp/uw_proc.XXXXXX");
	assert_non_null(mkdtemp(t->proc));
	t->processes = uw_processes_new(t->proc);
	assert_non_null(t->processes);
	*state = t;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int remove_tree(void **state)
{
	struct tree *t = *state;

	nftw(t->proc, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	uw_processes_free(t->processes);
	free(t);
	return 0;
}

static void path_of(const struct tree *t, unsigned pid, const char *what, char *path, size_t size)
{
	snprintf(path, size, "%s/%u%s%s", t->proc, pid, *what ? "/" : "", what);
}

static void make_dir(const struct tree *t, unsigned pid, const char *what)
{
	char path[256];

	path_of(t, pid, what, path, sizeof(path));
	assert_int_equal(mkdir(path, 0700), 0);
}

static void make_file(const struct tree *t, unsigned pid, const char *what, const char *text)
{
	char path[256];
	FILE *file;

	path_of(t, pid, what, path, sizeof(path));
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void make_link(const struct tree *t, unsigned pid, const char *what, const char *target)
{
	char path[256];

	path_of(t, pid, what, path, sizeof(path));
	unlink(path);
	assert_int_equal(symlink(target, path), 0);
}

static void make_process(const struct tree *t, unsigned pid, const char *comm,
			 unsigned long started, const char *exe)
{
	char text[256], path[256];
	struct stat st;

	path_of(t, pid, "", path, sizeof(path));
	if (stat(path, &st))
		make_dir(t, pid, "");
	snprintf(text, sizeof(text),
		 "%u (%s) S 1 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 %lu 99\n", pid, comm,
		 started);
	make_file(t, pid, "stat", text);
	if (exe)
		make_link(t, pid, "exe", exe);
}

static void remove_process(const struct tree *t, unsigned pid)
{
	char path[256];

	path_of(t, pid, "", path, sizeof(path));
	assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void reads_a_process(void **state)
{
	const struct tree *t = *state;
	const struct uw_process *p;

	make_process(t, 812, "chronyd", 4711, "/usr/sbin/chronyd (deleted)");
	make_file(t, 812, "cgroup",
		  "12:cpu:/v1\n1:name=systemd:/x\n0::/system.slice/chrony.service\n");
	p = uw_process_get(t->processes, 812);
	assert_non_null(p);
	assert_int_equal(p->pid, 812);
	assert_int_equal(p->started, 4711);
	assert_string_equal(p->comm, "chronyd");
	assert_string_equal(p->executable, "chronyd");
	assert_string_equal(p->cgroup, "/system.slice/chrony.service");
}

static void hostile_names(void **state)
{
	const struct tree *t = *state;
	const struct uw_process *p;

	make_process(t, 5, ") S 1 (x\x1b[2J", 7, "/tmp/evil\n\x1b[31m");
	p = uw_process_get(t->processes, 5);
	assert_non_null(p);
	assert_int_equal(p->started, 7);
	assert_string_equal(p->comm, ") S 1 (x\x1b[2J");
	assert_string_equal(p->executable, "evil\n\x1b[31m");
	assert_string_equal(p->cgroup, "");

	make_process(t, 6, "much_longer_than_a_comm_may_ever_be", 8, NULL);
	p = uw_process_get(t->processes, 6);
	assert_non_null(p);
	assert_string_equal(p->executable, "much_longer_tha");
	make_process(t, 7, "dir", 9, "/");
	assert_string_equal(uw_process_get(t->processes, 7)->executable, "dir");
}

static void broken_stat(void **state)
{
	static const char *const text[] = { "", "7", "7 (x", "7 )x(", "7 (x) S 1 2 3\n" };
	const struct tree *t = *state;

	make_dir(t, 7, "");
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		make_file(t, 7, "stat", text[i]);
		assert_null(uw_process_get(t->processes, 7));
	}
	assert_null(uw_process_get(t->processes, 0));
	assert_null(uw_process_get(t->processes, 4000000000u));
}

static void stays_known_when_gone(void **state)
{
	const struct tree *t = *state;
	const struct uw_process *p;

	make_process(t, 9, "dig", 100, "/usr/bin/dig");
	assert_non_null(uw_process_get(t->processes, 9));
	remove_process(t, 9);
	p = uw_process_get(t->processes, 9);
	assert_non_null(p);
	assert_string_equal(p->executable, "dig");

	/* the pid comes again as another process */
	make_process(t, 9, "host", 200, "/usr/bin/host");
	assert_string_equal(uw_process_get(t->processes, 9)->executable, "host");
	remove_process(t, 9);
	assert_string_equal(uw_process_get(t->processes, 9)->executable, "host");

	/* and again, under the same name */
	make_process(t, 9, "host", 300, "/opt/other");
	assert_string_equal(uw_process_get(t->processes, 9)->executable, "other");
}

static void exec_is_seen(void **state)
{
	const struct tree *t = *state;

	make_process(t, 9, "bash", 100, "/bin/bash");
	assert_string_equal(uw_process_get(t->processes, 9)->executable, "bash");
	make_process(t, 9, "dig", 100, "/usr/bin/dig");
	assert_string_equal(uw_process_get(t->processes, 9)->executable, "dig");
}

static void the_oldest_is_replaced(void **state)
{
	const struct tree *t = *state;
	unsigned i;

	for (i = 1; i <= UW_PROCESSES_MAX + 2; i++) {
		make_process(t, i, "p", i, NULL);
		assert_non_null(uw_process_get(t->processes, i));
		remove_process(t, i);
	}
	assert_null(uw_process_get(t->processes, 1));
	assert_null(uw_process_get(t->processes, 2));
	assert_non_null(uw_process_get(t->processes, 3));
	assert_non_null(uw_process_get(t->processes, UW_PROCESSES_MAX + 1));
	assert_non_null(uw_process_get(t->processes, UW_PROCESSES_MAX + 2));
}

#define HEADER "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
#define LINE(local, remote, inode) \
	"  12: " local " " remote " 01 00000000:00000000 00:00000000 00000000   103        0 " \
	inode " 2 00000000f00 0\n"

static void make_network(const struct tree *t, unsigned pid, const char *udp, const char *udp6)
{
	make_dir(t, pid, "ns");
	make_file(t, pid, "ns/net", "");
	make_dir(t, pid, "net");
	make_file(t, pid, "net/udp", udp);
	make_file(t, pid, "net/udp6", udp6);
	make_dir(t, pid, "fd");
}

static void finds_askers(void **state)
{
	const struct tree *t = *state;
	struct uw_asker a[4];

	make_process(t, 20, "ntpd", 1, "/usr/sbin/ntpd");
	make_network(t, 20,
		     HEADER LINE("00000000:007B", "00000000:0000", "1001")	/* ntpd */
		     LINE("0100007F:0035", "00000000:0000", "1002")		/* a DNS server */
		     LINE("0A00A8C0:C001", "0101A8C0:0035", "1003")
		     LINE("0A00A8C0:C002", "0101A8C0:0050", "1004")		/* not traced */
		     "garbage\n  7: 0100:zz\n" LINE("0A00A8C0:C003", "0101A8C0:0035", "0"),
		     HEADER LINE("00000000000000000000000001000000:C001",
				 "00000000000000000000000001000000:0035", "1005"));
	make_link(t, 20, "fd/0", "/dev/null");
	make_link(t, 20, "fd/3", "socket:[1001]");
	make_link(t, 20, "fd/4", "socket:[1002]");
	make_process(t, 21, "unbound", 2, "/usr/sbin/unbound");
	make_network(t, 21, "", "");
	make_link(t, 21, "fd/3", "socket:[1003]");
	make_link(t, 21, "fd/4", "socket:[1003]");	/* dup() */
	make_link(t, 21, "fd/5", "socket:[1005]");
	make_link(t, 21, "fd/6", "socket:[1004]");

	memset(a, 0xff, sizeof(a));
	assert_int_equal(uw_process_askers(t->processes, ports, 2, a, 4), 2);
	if (a[0].pid != 20) {
		struct uw_asker first = a[0];

		a[0] = a[1];
		a[1] = first;
	}
	assert_int_equal(a[0].pid, 20);
	assert_string_equal(a[0].executable, "ntpd");
	assert_int_equal(a[0].protocol, UW_PROTO_NTP);
	assert_int_equal(a[0].port, 123);
	assert_int_equal(a[0].servers, 0);
	assert_int_equal(a[1].pid, 21);
	assert_string_equal(a[1].executable, "unbound");
	assert_int_equal(a[1].protocol, UW_PROTO_DNS);
	assert_int_equal(a[1].port, 0xc001);
	assert_int_equal(a[1].servers, 2);
	assert_int_equal(uw_process_askers(t->processes, ports, 2, a, 1), 1);
	assert_int_equal(uw_process_askers(t->processes, ports, 0, a, 4), 0);
}

static void one_server_counts_once(void **state)
{
	const struct tree *t = *state;
	struct uw_asker a[4];

	make_process(t, 20, "resolver", 1, NULL);
	make_network(t, 20, HEADER LINE("0A00A8C0:C001", "0101A8C0:0035", "1")
		     LINE("0A00A8C0:C001", "0101A8C0:0035", "2")
		     LINE("0A00A8C0:C001", "0201A8C0:0035", "3"), "");
	make_link(t, 20, "fd/3", "socket:[1]");
	make_link(t, 20, "fd/4", "socket:[2]");
	make_link(t, 20, "fd/5", "socket:[3]");
	assert_int_equal(uw_process_askers(t->processes, ports, 2, a, 4), 1);
	assert_int_equal(a[0].servers, 2);
}

static void a_shared_socket_is_one_asker(void **state)
{
	const struct tree *t = *state;
	struct uw_asker a[4];

	make_process(t, 20, "parent", 1, NULL);
	make_network(t, 20, HEADER LINE("0A00A8C0:C001", "0101A8C0:0035", "1"), "");
	make_link(t, 20, "fd/3", "socket:[1]");
	make_process(t, 21, "child", 2, NULL);
	make_network(t, 21, "", "");
	make_link(t, 21, "fd/3", "socket:[1]");
	assert_int_equal(uw_process_askers(t->processes, ports, 2, a, 4), 1);
	assert_int_equal(a[0].servers, 1);
}

static void namespaces(void **state)
{
	const struct tree *t = *state;

	make_process(t, 20, "a", 1, NULL);
	make_network(t, 20, "", "");
	assert_int_not_equal(uw_process_namespace(t->processes, 20), 0);
	assert_int_equal(uw_process_namespace(t->processes, 21), 0);
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(reads_a_process),
		TREE_TEST(hostile_names),
		TREE_TEST(broken_stat),
		TREE_TEST(stays_known_when_gone),
		TREE_TEST(exec_is_seen),
		TREE_TEST(the_oldest_is_replaced),
		TREE_TEST(finds_askers),
		TREE_TEST(one_server_counts_once),
		TREE_TEST(a_shared_socket_is_one_asker),
		TREE_TEST(namespaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
