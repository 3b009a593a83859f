// SPDX-License-Identifier: GPL-2.0-only
#include "live/holdings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define AT_ONCE 256

/* Nothing of a half-read entry is used: the kernel gives whole ones. */
static bool is_sound(const struct uw_holding *h)
{
	return (h->family == 4 || h->family == 6) && memchr(h->task.comm, 0, UW_COMM) &&
	       memchr(h->task.exe, 0, UW_EXE);
}

static unsigned keep_sound(struct uw_holding *list, unsigned count)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < count; i++) {
		if (is_sound(&list[i]))
			list[kept++] = list[i];
	}
	return kept;
}

int uw_holdings_read(int link, struct uw_holding **out, unsigned *count)
{
	int fd = link < 0 ? -EOPNOTSUPP : bpf_iter_create(link), err = 0;
	struct uw_holding *list = NULL;
	size_t used = 0, room = 0;
	ssize_t got = 1;

	if (fd < 0)
		return link < 0 ? fd : -errno;
	while (got > 0 && used < UW_HOLDINGS_MAX * sizeof(*list)) {
		if (used == room) {
			struct uw_holding *more = realloc(list, room + AT_ONCE * sizeof(*list));

			if (!more) {
				err = -ENOMEM;
				break;
			}
			list = more;
			room += AT_ONCE * sizeof(*list);
		}
		got = read(fd, (char *)list + used, room - used);
		if (got > 0)
			used += (size_t)got;
		else if (got < 0 && errno != EAGAIN)
			err = -errno;
		else if (got < 0)
			got = 1; /* the kernel asks for another try */
	}
	close(fd);
	if (err) {
		free(list);
		return err;
	}
	*count = keep_sound(list, (unsigned)(used / sizeof(*list)));
	*out = list;
	return 0;
}
