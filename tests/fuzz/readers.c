// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hostile files for analyze: captures and JSON lines with bytes changed, cut, doubled and swapped, read
 * alone and beside another, under the sanitizers. Nothing may crash, hang or leak, and every complaint is
 * one line.
 *
 *	fuzz_readers SECONDS SEED FILE...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "offline/inputs.h"

#define SIZE_MAX_BYTES (64u << 10)

struct seed {
	uint8_t *data;
	size_t len;
};

static uint64_t state;
static unsigned long queries, complaints;

static uint32_t draw(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return below ? (uint32_t)(state >> 33) % below : 0;
}

static void on_query(void *arg, const struct uw_query *q, const struct uw_previous *previous)
{
	(void)arg;
	(void)previous;
	queries++;
	if ((unsigned)q->verdict >= UW_VERDICTS || q->question_len > UW_QUESTION_MAX || q->hops > UW_PATH_MAX)
		abort();
}

static void on_rest(void *arg, const struct uw_flow *rest)
{
	(void)arg;
	if (rest->drops > UW_FLOW_DROPS)
		abort();
}

static void on_window(void *arg, const struct uw_window *w)
{
	(void)arg;
	(void)w;
}

static void on_facts(void *arg, const struct uw_host_facts *facts)
{
	(void)arg;
	(void)facts;
}

static void on_complaint(void *arg, const char *line)
{
	(void)arg;
	complaints++;
	if (!line[0] || strchr(line, '\n') || strchr(line, '\033'))
		abort();
}

static void mutate(uint8_t *b, size_t *len)
{
	uint32_t times = 1 + draw(6), at, n;

	while (times-- && *len > 1) {
		at = draw((uint32_t)*len);
		n = 1 + draw(8);
		if (at + n > *len)
			n = (uint32_t)*len - at;
		switch (draw(7)) {
		case 0:
			b[at] ^= (uint8_t)(1u << draw(8));
			break;
		case 1:
			b[at] = (uint8_t)draw(256);
			break;
		case 2:
			memset(b + at, draw(2) ? 0xff : 0, n);
			break;
		case 3:
			memmove(b + at, b + at + n, *len - at - n);
			*len -= n;
			break;
		case 4:
			memmove(b + at, b + draw((uint32_t)(*len - n + 1)), n);
			break;
		case 5:
			b[at] = (uint8_t)"{}[]\",:0\\-9e.\n"[draw(14)];
			break;
		default:
			if (!draw(8))
				*len = at + 1;
		}
	}
}

static int file_of(const struct seed *s, bool changed, char path[64])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	uint8_t *b = malloc(s->len);
	size_t len = s->len;

	if (fd < 0 || !b)
		abort();
	memcpy(b, s->data, len);
	if (changed)
		mutate(b, &len);
	if (write(fd, b, len) != (ssize_t)len)
		abort();
	free(b);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static void read_some(const struct seed *seed, unsigned count)
{
	static const struct uw_port ports[] = { { .port = 53, .protocol = UW_PROTO_DNS },
						{ .port = 123, .protocol = UW_PROTO_NTP } };
	unsigned files = 1 + !draw(3), i;
	char path[2][64];
	const char *name[2] = { path[0], path[1] };
	struct uw_inputs_options o = {
		.file = name, .files = files, .ports = ports, .port_count = 2, .timeout_ns = 5000000000ull,
		.sink = { .query = on_query, .rest = on_rest, .window = on_window, .facts = on_facts,
			  .complain = on_complaint },
	};
	struct uw_inputs *in;
	int fd[2];

	for (i = 0; i < files; i++)
		fd[i] = file_of(&seed[draw(count)], !i || draw(2), path[i]);
	in = uw_inputs_new(&o);
	if (!in)
		abort();
	uw_inputs_read(in);
	uw_inputs_free(in);
	for (i = 0; i < files; i++)
		close(fd[i]);
}

static struct seed load(const char *path)
{
	struct seed s = { .data = malloc(SIZE_MAX_BYTES) };
	FILE *f = fopen(path, "rb");

	if (!f || !s.data) {
		perror(path);
		exit(2);
	}
	s.len = fread(s.data, 1, SIZE_MAX_BYTES, f);
	fclose(f);
	return s;
}

int main(int argc, char **argv)
{
	unsigned count = argc > 3 ? (unsigned)argc - 3 : 0, i, runs = 0;
	struct seed *seed = calloc(count + 1, sizeof(*seed));
	time_t end;

	if (!count || !seed)
		return 2;
	state = strtoull(argv[2], NULL, 10) + 1;
	for (i = 0; i < count; i++)
		seed[i] = load(argv[3 + i]);
	for (end = time(NULL) + atoi(argv[1]); time(NULL) < end; runs++)
		read_some(seed, count);
	printf("%u files, %lu queries, %lu complaints\n", runs, queries, complaints);
	for (i = 0; i < count; i++)
		free(seed[i].data);
	free(seed);
	return runs && queries && complaints ? 0 : 1;
}
