// SPDX-License-Identifier: GPL-2.0-only
/* From a cgroup path to the name that a person knows the process's service by. */
#include "core/asker.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ID_SHOWN 12	/* of a container's 64 hexadecimal digits, as its tools show it */
#define POD_SHOWN 8

/* One component of the path, not terminated. */
struct part {
	const char *at;
	size_t length;
};

static bool ends_with(struct part p, const char *suffix)
{
	size_t length = strlen(suffix);

	return p.length > length && !memcmp(p.at + p.length - length, suffix, length);
}

static bool starts_with(struct part p, const char *prefix)
{
	size_t length = strlen(prefix);

	return p.length > length && !memcmp(p.at, prefix, length);
}

/* A container's id: the last 64 bytes of the component, its suffix apart, hexadecimal. */
static bool container_id(struct part p, struct part *id)
{
	if (ends_with(p, ".scope"))
		p.length -= strlen(".scope");
	if (p.length < 64 || (p.length > 64 && p.at[p.length - 65] != '-'))
		return false;
	id->at = p.at + p.length - 64;
	id->length = 64;
	for (size_t i = 0; i < 64; i++) {
		if (!isxdigit((unsigned char)id->at[i]))
			return false;
	}
	return true;
}

/* kubepods-burstable-pod1a2b3c4d_....slice, or kubepods/burstable/pod1a2b3c4d-... */
static bool pod_id(struct part p, struct part *id)
{
	for (size_t i = 0; i + 3 + POD_SHOWN <= p.length; i++) {
		if ((i && p.at[i - 1] != '-') || memcmp(p.at + i, "pod", 3))
			continue;
		id->at = p.at + i + 3;
		id->length = POD_SHOWN;
		for (size_t k = 0; k < POD_SHOWN; k++) {
			if (!isxdigit((unsigned char)id->at[k]))
				return false;
		}
		return true;
	}
	return false;
}

/* What runs the container: "docker", "libpod", "cri-containerd", from what its id follows. */
static struct part engine_of(struct part component, struct part before, struct part id)
{
	if (id.at > component.at)
		return (struct part){ component.at, (size_t)(id.at - component.at) - 1 };
	return before;
}

static bool is_unit(struct part p)
{
	return ends_with(p, ".service") || ends_with(p, ".scope") || ends_with(p, ".socket") ||
	       ends_with(p, ".mount") || ends_with(p, ".swap");
}

static bool is_pod_tree(const char *cgroup)
{
	return strstr(cgroup, "kubepods") != NULL;
}

static void name_container(char *buf, const char *cgroup, struct part engine, struct part pod, struct part id)
{
	if (pod.length)
		snprintf(buf, UW_UNIT_MAX, "pod %.*s container %.*s", (int)pod.length, pod.at, ID_SHOWN, id.at);
	else if (engine.length && !is_pod_tree(cgroup))
		snprintf(buf, UW_UNIT_MAX, "%.*s %.*s", engine.length > 40 ? 40 : (int)engine.length, engine.at,
			 ID_SHOWN, id.at);
	else
		snprintf(buf, UW_UNIT_MAX, "container %.*s", ID_SHOWN, id.at);
}

/* lxc.payload.NAME, or lxc/NAME */
static bool name_lxc(char *buf, struct part before, struct part p)
{
	static const char payload[] = "lxc.payload.";

	if (starts_with(p, payload)) {
		p.at += strlen(payload);
		p.length -= strlen(payload);
	} else if (before.length != 3 || memcmp(before.at, "lxc", 3)) {
		return false;
	}
	snprintf(buf, UW_UNIT_MAX, "lxc %.*s", p.length > 64 ? 64 : (int)p.length, p.at);
	return true;
}

/*
 * The innermost unit or container counts, but for what a service makes below its own cgroup: those
 * are no units. A user's manager (user@1000.service) has units below it.
 */
const char *uw_cgroup_unit(const char *cgroup, char buf[UW_UNIT_MAX])
{
	struct part p, before = { "", 0 }, pod = { "", 0 }, id;
	const char *at = cgroup;

	buf[0] = '\0';
	for (; *at; before = p) {
		at += strspn(at, "/");
		p = (struct part){ at, strcspn(at, "/") };
		at += p.length;
		if (is_pod_tree(cgroup) && pod_id(p, &id))
			pod = id;
		else if (container_id(p, &id))
			name_container(buf, cgroup, engine_of(p, before, id), pod, id);
		else if (is_unit(p))
			snprintf(buf, UW_UNIT_MAX, "%.*s", p.length > UW_UNIT_MAX - 1 ? UW_UNIT_MAX - 1 : (int)p.length,
				 p.at);
		else if (!p.length || !name_lxc(buf, before, p))
			continue;
	}
	return buf;
}
