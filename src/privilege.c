// SPDX-License-Identifier: GPL-2.0-only
#include "privilege.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cap-ng.h>
#include <linux/capability.h>

#include "library.h"
#include "record.h"

#define FUNCTIONS(X) \
	X(capng_get_caps_process) X(capng_have_capability) X(capng_clear) X(capng_update) X(capng_apply)
UW_LIBRARY(FUNCTIONS)

/* The library stays loaded: threads come and go. */
static const struct library *library(void)
{
	static struct library lib;
	static int known;

	if (!known)
		known = load_library("libcap-ng.so.0", &lib) ? 1 : -1;
	return known > 0 ? &lib : NULL;
}

bool uw_privilege_enough(void)
{
	const struct library *lib = library();

	/* What root may lack, of capabilities or by lockdown, is told where loading fails. */
	if (geteuid() == 0)
		return true;
	return lib && !lib->capng_get_caps_process() &&
	       lib->capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN) &&
	       lib->capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN);
}

/* Of those that the process has: it may have been given fewer. */
static int keep(const struct library *lib, const int *wanted, unsigned count)
{
	unsigned i, kept[16], n = 0;

	if (lib->capng_get_caps_process())
		return -EPERM;
	for (i = 0; i < count && n < sizeof(kept) / sizeof(*kept); i++) {
		if (lib->capng_have_capability(CAPNG_PERMITTED, (unsigned)wanted[i]))
			kept[n++] = (unsigned)wanted[i];
	}
	lib->capng_clear(CAPNG_SELECT_ALL);
	for (i = 0; i < n; i++)
		lib->capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, kept[i]);
	/* The bounding set is for programs that are executed: there are none, and it wants CAP_SETPCAP. */
	return lib->capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) ? -EPERM : 0;
}

/* Before 5.19 (c8644cd0efe7) an unprivileged_bpf_disabled kernel refuses even to read an open table. */
static bool readable_without_bpf(const struct library *lib, int table)
{
	struct uw_flow_key key;
	int err;

	if (lib->capng_get_caps_process() || !lib->capng_have_capability(CAPNG_EFFECTIVE, CAP_BPF))
		return true;
	lib->capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, CAP_BPF);
	if (lib->capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN))
		lib->capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, CAP_SYS_ADMIN);
	lib->capng_apply(CAPNG_SELECT_CAPS);
	err = bpf_map_get_next_key(table, NULL, &key) ? -errno : 0;
	lib->capng_get_caps_process();
	lib->capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, CAP_BPF);
	if (lib->capng_have_capability(CAPNG_PERMITTED, CAP_SYS_ADMIN))
		lib->capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, CAP_SYS_ADMIN);
	lib->capng_apply(CAPNG_SELECT_CAPS);
	return err != -EPERM;
}

int uw_privilege_reduce(int table, bool files)
{
	const struct library *lib = library();
	int wanted[8] = { CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_SYSLOG };
	unsigned n = 5;

	if (!lib)
		return -ENOENT;
	if (!readable_without_bpf(lib, table))
		wanted[n++] = CAP_BPF;
	if (files)
		wanted[n++] = CAP_DAC_OVERRIDE;
	return keep(lib, wanted, n);
}

void uw_privilege_none(void)
{
	const struct library *lib = library();

	if (!lib)
		return;
	lib->capng_clear(CAPNG_SELECT_ALL);
	lib->capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT);
}
