// SPDX-License-Identifier: GPL-2.0-only
#include "sink/pcapng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text_safe.h"

#define SECTION_BLOCK 0x0a0d0d0a
#define INTERFACE_BLOCK 1
#define PACKET_BLOCK 6
#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define LINKTYPE_RAW 101
#define OPT_END 0
#define OPT_COMMENT 1
#define SHB_USERAPPL 4
#define IF_NAME 2
#define IF_DESCRIPTION 3
#define IF_TSRESOL 9
#define EPB_FLAGS 2
#define INTERFACES 256
#define BLOCK_MAX 4096

struct interface {
	uint32_t ifindex, netns;
	char name[20];
};

struct uw_pcapng_out {
	char *path;
	FILE *file;
	uint32_t limit, written;
	int error;	/* the first, negative; nothing is written after it */
	unsigned interfaces;
	struct interface interface[INTERFACES];
};

/* A block as it grows: what does not fit is an error of ours, and the block is not written. */
struct block {
	uint32_t len;
	bool overflow;
	uint8_t bytes[BLOCK_MAX];
};

static void put(struct block *b, const void *p, size_t len)
{
	size_t padded = (len + 3) & ~(size_t)3;

	if (b->len + padded + 12 > sizeof(b->bytes)) {
		b->overflow = true;
		return;
	}
	memset(b->bytes + b->len, 0, padded);
	memcpy(b->bytes + b->len, p, len);
	b->len += (uint32_t)padded;
}

static void put32(struct block *b, uint32_t v)
{
	put(b, &v, sizeof(v));
}

static void put_option(struct block *b, uint16_t code, const void *value, size_t len)
{
	uint16_t head[2] = {code, (uint16_t)len};

	put(b, head, sizeof(head));
	put(b, value, len);
}

static void begin(struct block *b, uint32_t type)
{
	b->len = 0;
	b->overflow = false;
	put32(b, type);
	put32(b, 0); /* the length, once known */
}

static void end(struct uw_pcapng_out *o, struct block *b)
{
	uint32_t total;

	put32(b, OPT_END);
	total = b->len + 4;
	put32(b, total);
	if (b->overflow || o->error)
		return;
	memcpy(b->bytes + 4, &total, 4);
	o->written += total;
	if (fwrite(b->bytes, 1, total, o->file) != total)
		o->error = -errno;
}

static void write_section(struct uw_pcapng_out *o)
{
	static const char tool[] = "udpwhy " UW_VERSION;
	const uint16_t version[2] = {1, 0};
	const uint64_t unknown = UINT64_MAX; /* of the section's length */
	struct block b;

	begin(&b, SECTION_BLOCK);
	put32(&b, BYTE_ORDER_MAGIC);
	put(&b, version, sizeof(version));
	put(&b, &unknown, sizeof(unknown));
	put_option(&b, SHB_USERAPPL, tool, sizeof(tool) - 1);
	end(o, &b);
}

static void write_interface(struct uw_pcapng_out *o, const struct interface *i)
{
	const uint16_t link[2] = {LINKTYPE_RAW, 0};
	const uint8_t nanoseconds = 9;
	char safe[sizeof(i->name) * UW_SAFE_STEP], text[64];
	struct block b;

	begin(&b, INTERFACE_BLOCK);
	put(&b, link, sizeof(link));
	put32(&b, 0); /* no limit: each packet says how much was kept */
	uw_safe_text(i->name, strlen(i->name), safe, sizeof(safe));
	if (safe[0])
		put_option(&b, IF_NAME, safe, strlen(safe));
	snprintf(text, sizeof(text), i->ifindex ? "ifindex %u, network namespace %u" : "freed before any device",
		 i->ifindex, i->netns);
	put_option(&b, IF_DESCRIPTION, text, strlen(text));
	put_option(&b, IF_TSRESOL, &nanoseconds, 1);
	end(o, &b);
}

/* --- files --- */

static int open_new(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

/* The file that is there is kept, one older is not. */
static int put_by(const char *path)
{
	char older[4096];
	struct stat st;

	if (lstat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EEXIST;
	if ((size_t)snprintf(older, sizeof(older), "%s.1", path) >= sizeof(older))
		return -ENAMETOOLONG;
	return rename(path, older) ? -errno : 0;
}

static int start_file(struct uw_pcapng_out *o)
{
	int fd = open_new(o->path), err;

	if (fd == -EEXIST) {
		err = put_by(o->path);
		if (err)
			return err;
		fd = open_new(o->path);
	}
	if (fd < 0)
		return fd;
	o->file = fdopen(fd, "w");
	if (!o->file) {
		close(fd);
		return -ENOMEM;
	}
	o->written = 0;
	o->interfaces = 0;
	write_section(o);
	return 0;
}

static void rotate(struct uw_pcapng_out *o)
{
	if (fclose(o->file))
		o->error = -errno;
	o->file = NULL;
	if (!o->error)
		o->error = start_file(o);
}

/* Return: its number in this file; devices beyond the table share its last entry. */
static uint32_t interface_number(struct uw_pcapng_out *o, const struct uw_pcapng_packet *p)
{
	struct interface *i;
	uint32_t n;

	for (n = 0; n < o->interfaces; n++) {
		i = &o->interface[n];
		if (i->ifindex == p->ifindex && i->netns == p->netns && !strncmp(i->name, p->ifname, sizeof(i->name) - 1))
			return n;
	}
	if (n == INTERFACES)
		return n - 1;
	i = &o->interface[o->interfaces++];
	memset(i, 0, sizeof(*i));
	i->ifindex = p->ifindex;
	i->netns = p->netns;
	snprintf(i->name, sizeof(i->name), "%s", p->ifname);
	write_interface(o, i);
	return n;
}

int uw_pcapng_out_packet(struct uw_pcapng_out *o, const struct uw_pcapng_packet *p)
{
	uint64_t when = p->wall_ns > 0 ? (uint64_t)p->wall_ns : 0;
	uint32_t direction = p->out ? 2 : 1, number;
	struct block b;

	if (!o->error && o->written + BLOCK_MAX * 2 > o->limit)
		rotate(o);
	if (o->error)
		return o->error;
	number = interface_number(o, p);
	begin(&b, PACKET_BLOCK);
	put32(&b, number);
	put32(&b, (uint32_t)(when >> 32));
	put32(&b, (uint32_t)when);
	put32(&b, p->len);
	put32(&b, p->wire_len > p->len ? p->wire_len : p->len);
	put(&b, p->bytes, p->len);
	put_option(&b, OPT_COMMENT, p->comment, strnlen(p->comment, UW_PCAPNG_COMMENT));
	put_option(&b, EPB_FLAGS, &direction, sizeof(direction));
	end(o, &b);
	/* Somebody may look while we run. */
	if (!o->error && fflush(o->file))
		o->error = -errno;
	return o->error;
}

int uw_pcapng_out_new(const char *path, uint32_t file_bytes, struct uw_pcapng_out **out,
		      char error[UW_PCAPNG_WRITE_ERROR])
{
	struct uw_pcapng_out *o = calloc(1, sizeof(*o));
	char safe[300];
	int err;

	if (!o || !(o->path = strdup(path))) {
		free(o);
		snprintf(error, UW_PCAPNG_WRITE_ERROR, "out of memory");
		return -ENOMEM;
	}
	o->limit = file_bytes;
	err = start_file(o);
	if (!err) {
		*out = o;
		return 0;
	}
	uw_safe_text(path, strnlen(path, 200), safe, sizeof(safe));
	snprintf(error, UW_PCAPNG_WRITE_ERROR, err == -EEXIST ? "--evidence %s: not a regular file; give another name" :
								"--evidence %s: %s; give another name",
		 safe, strerror(-err));
	free(o->path);
	free(o);
	return err;
}

int uw_pcapng_out_free(struct uw_pcapng_out *o)
{
	int err;

	if (!o)
		return 0;
	if (o->file && fclose(o->file) && !o->error)
		o->error = -errno;
	err = o->error;
	free(o->path);
	free(o);
	return err;
}
