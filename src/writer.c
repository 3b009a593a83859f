// SPDX-License-Identifier: GPL-2.0-only
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "privilege.h"

struct record {
	struct record *next;
	size_t size;
	unsigned lines;
	char bytes[];
};

struct uw_writer {
	const char *path;	/* NULL: stdout; the caller's */
	struct uw_writer_target target;	/* write NULL: none */
	enum uw_writer_manner manner;
	FILE *stream;
	char *pending;		/* printed, not committed */
	size_t pending_size, pending_room;
	bool pending_cut;	/* no memory for it: it must not go out in part */

	pthread_t thread;
	bool writing;		/* the thread exists */
	pthread_mutex_t lock;	/* of all below */
	pthread_cond_t changed;
	struct record *first, **last;
	size_t queued;		/* bytes, with those of the record that is being written */
	uint64_t written, lost;	/* records; lines */
	int fd, next_fd, error;	/* next_fd: -1, or where the next record goes */
	bool cut;		/* the last record was written in part */
};

static unsigned count_lines(const char *bytes, size_t size)
{
	unsigned lines = 0;

	while (size) {
		const char *end = memchr(bytes, '\n', size);
		size_t used = end ? (size_t)(end - bytes) + 1 : size;

		lines++;
		bytes += used;
		size -= used;
	}
	return lines;
}

static ssize_t print(void *cookie, const char *bytes, size_t size)
{
	struct uw_writer *w = cookie;

	if (w->pending_size + size > w->pending_room) {
		size_t room = (w->pending_size + size) * 2;
		char *grown = realloc(w->pending, room);

		if (!grown) {
			w->pending_cut = true;
			return (ssize_t)size;
		}
		w->pending = grown;
		w->pending_room = room;
	}
	memcpy(w->pending + w->pending_size, bytes, size);
	w->pending_size += size;
	return (ssize_t)size;
}

/* A line cut in two would spoil the next one too: take it back, or end it where that cannot be. */
static void take_back(struct uw_writer *w, off_t start)
{
	struct stat st;

	if (w->path && !fstat(w->fd, &st) && S_ISREG(st.st_mode) && st.st_size > start)
		w->cut = ftruncate(w->fd, start) != 0;
	else
		w->cut = true;
}

/* Return: 0 or -errno. A cancellation point, while it waits for the reader. */
static int write_out(struct uw_writer *w, const struct record *r)
{
	off_t start = w->path ? lseek(w->fd, 0, SEEK_END) : 0;
	size_t done = 0;

	if (w->target.write)
		return w->target.write(w->target.arg, r->bytes, r->size);
	if (w->cut && write(w->fd, "\n", 1) != 1)
		return -errno;
	w->cut = false;
	while (done < r->size) {
		ssize_t n = write(w->fd, r->bytes + done, r->size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int err = n ? -errno : -EIO;

			if (done)
				take_back(w, start);
			return err;
		}
		done += (size_t)n;
	}
	return 0;
}

static void unlock(void *lock)
{
	pthread_mutex_unlock(lock);
}

static struct record *wait_for_record(struct uw_writer *w)
{
	struct record *r;

	pthread_mutex_lock(&w->lock);
	pthread_cleanup_push(unlock, &w->lock);
	while (!w->first)
		pthread_cond_wait(&w->changed, &w->lock);
	r = w->first;
	if (w->next_fd >= 0) {
		close(w->fd);
		w->fd = w->next_fd;
		w->next_fd = -1;
		w->cut = false;
	}
	pthread_cleanup_pop(1);
	return r;
}

/* The record stays in the queue while it is written: what is in there is what is not done. */
static void *run(void *arg)
{
	struct uw_writer *w = arg;

	if (w->manner == UW_WRITER_PERSIST)
		uw_privilege_none();
	for (;;) {
		struct record *r = wait_for_record(w);
		int err = w->error == -EPIPE ? -EPIPE : write_out(w, r);

		pthread_mutex_lock(&w->lock);
		w->error = err;
		w->lost += err ? r->lines : 0;
		w->written++;
		w->queued -= r->size;
		w->first = r->next;
		if (!w->first)
			w->last = &w->first;
		pthread_cond_broadcast(&w->changed);
		pthread_mutex_unlock(&w->lock);
		free(r);
	}
	return NULL;
}

static int start_writer(struct uw_writer *w)
{
	sigset_t all, old;
	int err;

	/* Signals are for the thread that knows what to do about them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	w->writing = !err;
	return -err;
}

static int open_file(const char *path, char error[UW_WRITER_ERROR])
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0640);

	if (fd >= 0)
		return fd;
	fd = -errno;
	snprintf(error, UW_WRITER_ERROR, "cannot write to %.200s: %s; %s", path,
		 fd == -ELOOP ? "it is a symbolic link, which is not followed" : strerror(-fd),
		 fd == -ELOOP ? "name the file itself" : "give another name");
	return fd;
}

int uw_writer_open(const char *path, const struct uw_writer_target *target, enum uw_writer_manner manner,
		   struct uw_writer **out, char error[UW_WRITER_ERROR])
{
	static const cookie_io_functions_t calls = { .write = print };
	struct uw_writer *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	snprintf(error, UW_WRITER_ERROR, "out of memory");
	if (!w)
		return err;
	w->path = path;
	if (target)
		w->target = *target;
	w->manner = manner;
	w->last = &w->first;
	w->next_fd = -1;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	w->fd = path ? open_file(path, error) : STDOUT_FILENO;
	if (w->fd < 0) {
		err = w->fd;
	} else {
		w->stream = fopencookie(w, "w", calls);
		err = w->stream ? start_writer(w) : -ENOMEM;
	}
	if (err) {
		uw_writer_close(w);
		return err;
	}
	error[0] = '\0';
	*out = w;
	return 0;
}

FILE *uw_writer_stream(struct uw_writer *w)
{
	return w->stream;
}

/* With the lock held. Room for @size bytes more; one record may always be on its way, however long. */
static bool has_room(struct uw_writer *w, size_t size)
{
	while (w->queued && w->queued + size > UW_WRITER_QUEUE) {
		if (w->manner != UW_WRITER_WAIT)
			return false;
		pthread_cond_wait(&w->changed, &w->lock);
	}
	return true;
}

void uw_writer_commit(struct uw_writer *w)
{
	unsigned lines;
	struct record *r;

	fflush(w->stream);
	if (!w->pending_size && !w->pending_cut)
		return;
	lines = count_lines(w->pending, w->pending_size);
	r = w->pending_cut ? NULL : malloc(sizeof(*r) + w->pending_size);
	if (r) {
		r->next = NULL;
		r->lines = lines;
		r->size = w->pending_size;
		memcpy(r->bytes, w->pending, r->size);
	}
	pthread_mutex_lock(&w->lock);
	if (r && has_room(w, r->size)) {
		*w->last = r;
		w->last = &r->next;
		w->queued += r->size;
		pthread_cond_broadcast(&w->changed);
		r = NULL;
	} else {
		w->lost += lines;
	}
	pthread_mutex_unlock(&w->lock);
	free(r);
	w->pending_size = 0;
	w->pending_cut = false;
}

int uw_writer_check(struct uw_writer *w)
{
	int err;

	pthread_mutex_lock(&w->lock);
	err = w->error;
	pthread_mutex_unlock(&w->lock);
	return err;
}

static struct timespec from_now(uint64_t ns)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	ns += (uint64_t)t.tv_nsec;
	t.tv_sec += (time_t)(ns / 1000000000);
	t.tv_nsec = (long)(ns % 1000000000);
	return t;
}

uint64_t uw_writer_drain(struct uw_writer *w, uint64_t patience_ns)
{
	const struct record *r;
	uint64_t waiting = 0;
	int timeout = 0;

	uw_writer_commit(w);
	pthread_mutex_lock(&w->lock);
	while (w->first && timeout != ETIMEDOUT) {
		struct timespec until = from_now(patience_ns);
		uint64_t before = w->written;

		while (w->first && w->written == before && timeout != ETIMEDOUT)
			timeout = pthread_cond_clockwait(&w->changed, &w->lock, CLOCK_MONOTONIC, &until);
	}
	for (r = w->first; r; r = r->next)
		waiting += r->lines;
	pthread_mutex_unlock(&w->lock);
	return waiting;
}

int uw_writer_reopen(struct uw_writer *w, char error[UW_WRITER_ERROR])
{
	int fd = w->path ? open_file(w->path, error) : 0;

	if (!w->path || fd < 0)
		return fd;
	pthread_mutex_lock(&w->lock);
	if (w->next_fd >= 0)
		close(w->next_fd);
	w->next_fd = fd;
	pthread_mutex_unlock(&w->lock);
	return 0;
}

uint64_t uw_writer_lost(struct uw_writer *w)
{
	uint64_t lost;

	pthread_mutex_lock(&w->lock);
	lost = w->lost;
	pthread_mutex_unlock(&w->lock);
	return lost;
}

const char *uw_writer_name(const struct uw_writer *w)
{
	if (w->target.write)
		return w->target.name;
	return w->path ? w->path : "stdout";
}

void uw_writer_close(struct uw_writer *w)
{
	struct record *r;

	if (!w)
		return;
	if (w->writing) {
		/* It waits for a record, or in a write for a reader: both can be cancelled. */
		pthread_cancel(w->thread);
		pthread_join(w->thread, NULL);
	}
	while ((r = w->first)) {
		w->first = r->next;
		free(r);
	}
	if (w->stream)
		fclose(w->stream);
	if (w->path && w->fd >= 0)
		close(w->fd);
	if (w->next_fd >= 0)
		close(w->next_fd);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w->pending);
	free(w);
}
