// SPDX-License-Identifier: GPL-2.0-only
#include "live/capability.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live/capability_paths.h"
#include "live/verifier.h"

const char *uw_path_or(const char *path, const char *usual)
{
	return path ? path : usual;
}

static bool has(uint64_t set, unsigned capability)
{
	return set >> capability & 1;
}

/* CAP_BPF and CAP_PERFMON were split from CAP_SYS_ADMIN in 5.8, which still gives both. */
static void take_capabilities(struct uw_privileges *p, uint64_t set)
{
	bool all = has(set, CAP_SYS_ADMIN);

	p->bpf = all || has(set, CAP_BPF);
	p->perfmon = all || has(set, CAP_PERFMON);
	p->net_admin = has(set, CAP_NET_ADMIN);
}

/* "CapEff:\t000001ffffffffff", "Seccomp:\t2" (2: a filter), "Uid:\treal effective ..." */
int uw_privileges_read(const char *status, struct uw_privileges *out)
{
	FILE *file = fopen(status, "re");
	struct uw_privileges p = { 0 };
	unsigned long long set;
	bool found = false;
	unsigned value;
	char line[512];

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "CapEff: %llx", &set) == 1) {
			take_capabilities(&p, set);
			found = true;
		} else if (sscanf(line, "Seccomp: %u", &value) == 1) {
			p.seccomp = value != 0;
		} else if (sscanf(line, "Uid: %*u %u", &value) == 1) {
			p.root = value == 0;
		}
	}
	fclose(file);
	if (!found)
		return -EBADMSG;
	*out = p;
	return 0;
}

enum uw_lockdown uw_lockdown_read(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[128] = "";

	if (!file)
		return UW_LOCKDOWN_NONE;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	if (strstr(line, "[confidentiality]"))
		return UW_LOCKDOWN_CONFIDENTIALITY;
	return strstr(line, "[integrity]") ? UW_LOCKDOWN_INTEGRITY : UW_LOCKDOWN_NONE;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* proc(5): blanks and backslashes of a path stand as \040 and the like. */
static int unescape_path(const char *from, char *to, size_t size)
{
	size_t used = 0;

	while (*from) {
		unsigned char c = (unsigned char)*from;

		if (c == '\\' && is_octal(from[1]) && is_octal(from[2]) && is_octal(from[3])) {
			c = (unsigned char)((from[1] - '0') << 6 | (from[2] - '0') << 3 |
					    (from[3] - '0'));
			from += 3;
		}
		from++;
		if (used + 1 >= size)
			return -ENAMETOOLONG;
		to[used++] = (char)c;
	}
	to[used] = '\0';
	return 0;
}

int uw_cgroup2_mount(const char *mounts, char *buf, size_t size)
{
	FILE *file = fopen(mounts, "re");
	char line[4096], point[4096], type[64];
	int err = -ENOENT;

	if (!file)
		return -errno;
	while (err == -ENOENT && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %4095s %63s", point, type) == 2 &&
		    strcmp(type, "cgroup2") == 0)
			err = unescape_path(point, buf, size);
	}
	fclose(file);
	return err;
}

/* Which capabilities are missing: "CAP_BPF, CAP_PERFMON", or "". */
static void list_missing(const struct uw_privileges *p, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s%s%s", p->bpf ? "" : "CAP_BPF",
		 !p->bpf && !p->perfmon ? ", " : "", p->perfmon ? "" : "CAP_PERFMON",
		 (!p->bpf || !p->perfmon) && !p->net_admin ? ", " : "",
		 p->net_admin ? "" : "CAP_NET_ADMIN");
}

/* Refused with every capability in hand: what else stands between us and bpf(). */
static const char *why_refused(const struct uw_privileges *p)
{
	if (p->seccomp)
		return "a seccomp filter refuses the bpf() system call: run it outside of this "
		       "sandbox, or allow bpf() in the container's profile";
	return "the kernel refuses bpf() although all capabilities are there: run it in the "
	       "host's own user namespace and look for a security module's denial (dmesg, audit)";
}

static const char *why_failed(int err)
{
	switch (err) {
	case ENOSYS:
		return "the kernel has no bpf(): use one built with CONFIG_BPF_SYSCALL=y";
	case ENOMEM:
		return "not enough memory for the tables: free some, or raise the memory limit of "
		       "this cgroup (before 5.11: ulimit -l unlimited)";
	case EACCES:
	case EINVAL:
	case ENOENT:
	case ESRCH:
	case E2BIG:
	case ENOTSUP:
		return "this kernel does not take the tracing programs: \"udpwhy doctor\" says "
		       "what it lacks";
	default:
		return NULL;
	}
}

void uw_capability_explain_from(const struct uw_capability_paths *paths, int err, char *buf,
				size_t size)
{
	const char *btf = uw_path_or(paths->btf, UW_PATH_BTF), *said = uw_verifier_said(), *why;
	struct uw_privileges p = { 0 };
	char missing[64];

	err = abs(err);
	/* Without an answer of the kernel nothing is claimed to be missing. */
	if (uw_privileges_read(uw_path_or(paths->status, UW_PATH_STATUS), &p))
		p = (struct uw_privileges){ .root = true, .bpf = true, .perfmon = true,
					    .net_admin = true };
	list_missing(&p, missing, sizeof(missing));
	/* No capability helps against lockdown; the error it shows as differs from kernel to kernel. */
	if (uw_lockdown_read(uw_path_or(paths->lockdown, UW_PATH_LOCKDOWN)) == UW_LOCKDOWN_CONFIDENTIALITY)
		snprintf(buf, size, "kernel lockdown is at \"confidentiality\", which forbids tracing: "
			 "boot with lockdown=integrity");
	else if (missing[0] && !p.root)
		snprintf(buf, size, "not root: run it with sudo (or with %s)", missing);
	else if (missing[0])
		snprintf(buf, size, "root without %s: give these capabilities to the container or "
			 "service", missing);
	else if (access(btf, R_OK))
		snprintf(buf, size, "the kernel's type information (BTF, %s) is missing: use a "
			 "kernel built with CONFIG_DEBUG_INFO_BTF=y", btf);
	else if (err == EPERM)
		snprintf(buf, size, "%s", why_refused(&p));
	else if ((why = why_failed(err)))
		snprintf(buf, size, "%s%s%s%s", why, said[0] ? " (" : "", said, said[0] ? ")" : "");
	else
		snprintf(buf, size, "loading the tracing programs failed (%s): see \"udpwhy "
			 "doctor\"", strerror(err));
}

void uw_capability_explain_load_failure(int err, char *buf, size_t size)
{
	uw_capability_explain_from(&(struct uw_capability_paths){ 0 }, err, buf, size);
}

bool uw_capabilities_suffice(const struct uw_capability *c, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (c[i].essential && !c[i].present)
			return false;
	}
	return count > 0;
}
