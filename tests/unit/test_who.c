/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live/capability.h"
#include "live/who.h"

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void users(void **state)
{
	char path[] = "/tmp/uw_who.XXXXXX", name[UW_USER_MAX];
	struct uw_who *w;
	uint32_t uid;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	write_file(path, "root:x:0:0::/:\nbroken\n\nntp:x:107:1::/:\nsecond:x:107:1::/:\n"
		   "a-name-that-is-longer-than-there-is-room-for:x:5:1::/:\n");
	w = uw_who_new(path, "/nonexistent");
	assert_non_null(w);
	assert_string_equal(uw_who_user(w, 0, name), "root");
	assert_string_equal(uw_who_user(w, 107, name), "ntp");
	assert_string_equal(uw_who_user(w, 4294967294u, name), "");
	assert_string_equal(uw_who_user(w, 5, name), "a-name-that-is-longer-than-there");
	/* remembered, until others take the place */
	write_file(path, "");
	assert_string_equal(uw_who_user(w, 107, name), "ntp");
	for (uid = 1000; uid < 1100; uid++)
		uw_who_user(w, uid, name);
	assert_string_equal(uw_who_user(w, 107, name), "");
	assert_string_equal(uw_who_cgroup(w, 1, (char[UW_NAME_MAX]){ 0 }), "");
	uw_who_free(w);
	uw_who_free(NULL);
	remove(path);
}

/* The cgroup that this process is in, by the id that its directory has. */
static void cgroups(void **state)
{
	char mount[256], line[512], path[1024], name[UW_NAME_MAX], *own = NULL;
	FILE *file = fopen("/proc/self/cgroup", "re");
	struct uw_who *w;
	struct stat st;

	(void)state;
	while (!own && file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "0::", 3))
			own = line + 3;
	}
	if (file)
		fclose(file);
	if (!own || geteuid() || uw_cgroup2_mount("/proc/self/mounts", mount, sizeof(mount)))
		skip();	/* no cgroup v2, or no right to open by handle */
	snprintf(path, sizeof(path), "%s%s", mount, own);
	if (stat(path, &st))
		skip();	/* not below this mount */
	w = uw_who_new(NULL, NULL);
	assert_non_null(w);
	assert_string_equal(uw_who_cgroup(w, st.st_ino, name), own);
	assert_string_equal(uw_who_cgroup(w, st.st_ino, name), own);
	assert_int_equal(stat(mount, &st), 0);
	assert_string_equal(uw_who_cgroup(w, st.st_ino, name), "/");
	assert_string_equal(uw_who_cgroup(w, 0x7fffffffffffull, name), "");
	uw_who_free(w);
}

static bool known_once(void *arg, uint64_t id, char path[UW_NAME_MAX])
{
	unsigned *asked = arg;

	if (id != 77 || (*asked)++)
		return false;
	snprintf(path, UW_NAME_MAX, "/system.slice/docker-1.scope");
	return true;
}

/* Its directory is gone: the kernel's last word is asked for, and remembered. */
static void cgroup_gone(void **state)
{
	struct uw_who *w = uw_who_new(NULL, "/nonexistent");
	char name[UW_NAME_MAX];
	unsigned asked = 0;

	(void)state;
	assert_non_null(w);
	assert_string_equal(uw_who_cgroup(w, 77, name), "");
	uw_who_gone(w, known_once, &asked);
	assert_string_equal(uw_who_cgroup(w, 78, name), "");
	assert_string_equal(uw_who_cgroup(w, 77, name), "/system.slice/docker-1.scope");
	assert_string_equal(uw_who_cgroup(w, 77, name), "/system.slice/docker-1.scope");
	assert_int_equal(asked, 1);
	uw_who_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users),
		cmocka_unit_test(cgroups),
		cmocka_unit_test(cgroup_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
