// SPDX-License-Identifier: GPL-2.0-only
#include "offline/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "core/text_safe.h"

int uw_source_fail(const struct uw_source *s, char error[UW_SOURCE_ERROR], int err, const char *format, ...)
{
	const char *path = strcmp(s->path, "-") ? s->path : "standard input";
	char name[200], text[300];
	va_list args;

	uw_safe_text(path, strlen(path), name, sizeof(name));
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(error, UW_SOURCE_ERROR, "%s: %s", name, text);
	return err;
}

/* An archive that ends too early is damaged: what packed it would have ended it. */
static ssize_t packed_read(void *cookie, char *buf, size_t size)
{
	int n = gzread(cookie, buf, size > 1 << 30 ? 1 << 30 : (unsigned)size), err = Z_OK;

	if (!n)
		gzerror(cookie, &err);
	if (n >= 0 && err == Z_OK)
		return n;
	errno = EIO;
	return -1;
}

static int packed_close(void *cookie)
{
	return gzclose(cookie) == Z_OK ? 0 : EOF;
}

static uint64_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

/* zlib passes on as it is what is not compressed, also from a pipe. */
static FILE *unpack(struct uw_source *s, int fd)
{
	const cookie_io_functions_t io = { .read = packed_read, .close = packed_close };
	gzFile z = gzdopen(fd, "rb");
	FILE *f;

	if (!z) {
		close(fd);
		return NULL;
	}
	gzbuffer(z, 1 << 18);
	f = fopencookie(z, "rb", io);
	if (!f) {
		gzclose(z);
		return NULL;
	}
	s->packed = z;
	return f;
}

static bool looks_packed(int fd)
{
	uint8_t magic[2];

	/* A pipe cannot be looked into: it goes through zlib, whatever it holds. */
	return pread(fd, magic, 2, 0) != 2 || (magic[0] == 0x1f && magic[1] == 0x8b);
}

static FILE *open_file(struct uw_source *s)
{
	int fd = strcmp(s->path, "-") ? open(s->path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		errno = EISDIR;
		return NULL;
	}
	s->size = size_of(fd);
	return looks_packed(fd) ? unpack(s, fd) : fdopen(fd, "rb");
}

/* Return: how many bytes there were to look at. They are put back. */
static size_t peek(FILE *f, uint8_t *buf, size_t size)
{
	size_t n = fread(buf, 1, size, f), i;

	for (i = n; i > 0; i--)
		ungetc(buf[i - 1], f); /* glibc takes back any number */
	return n;
}

static enum uw_source_kind kind_of(const uint8_t *b, size_t n)
{
	if (n == 4 && !memcmp(b, "\x0a\x0d\x0d\x0a", 4))
		return UW_SOURCE_PCAPNG;
	return memchr("{ \t\r\n", b[0], 5) ? UW_SOURCE_JSON : UW_SOURCE_PCAP;
}

int uw_source_open(struct uw_source *s, const char *path, char error[UW_SOURCE_ERROR])
{
	uint8_t magic[4];
	int err;
	size_t n;

	*s = (struct uw_source){ .path = path };
	s->file = open_file(s);
	if (!s->file) {
		err = errno ? -errno : -ENOMEM;
		return uw_source_fail(s, error, err, "cannot open it: %s; give the name of a pcap, pcapng or JSON lines file", strerror(-err));
	}
	n = peek(s->file, magic, sizeof(magic));
	if (!n) {
		err = ferror(s->file) ? -EIO : -ENODATA;
		uw_source_fail(s, error, err, "%s", err == -EIO ? "cannot read it" : "it is empty: no capture and no JSON lines");
		uw_source_close(s);
		return err;
	}
	s->kind = kind_of(magic, n);
	return 0;
}

void uw_source_close(struct uw_source *s)
{
	if (s->file)
		fclose(s->file);
	s->file = NULL;
	s->packed = NULL;
}

uint64_t uw_source_at(const struct uw_source *s)
{
	long at = s->packed ? gzoffset(s->packed) : ftell(s->file);

	return at > 0 ? (uint64_t)at : 0;
}
