// SPDX-License-Identifier: GPL-2.0-only
#include "scrape.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

#include "library.h"

#define CONNECTIONS 16
#define IDLE_S 10
#define ANSWER_S 5	/* the main thread is never this busy */
#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* What we use of it, by the header's own prototypes. */
#define FUNCTIONS(X)                                                                               \
	X(MHD_start_daemon)                                                                        \
	X(MHD_stop_daemon)                                                                         \
	X(MHD_create_response_from_buffer)                                                         \
	X(MHD_add_response_header)                                                                 \
	X(MHD_queue_response)                                                                      \
	X(MHD_destroy_response)

UW_LIBRARY(FUNCTIONS)

struct uw_scrape {
	void *handle;
	struct library lib;
	struct MHD_Daemon *daemon;
	int event_fd;
	pthread_mutex_t lock;	/* of what is below */
	pthread_cond_t answered;
	uint64_t answers;	/* how many were given */
	char *text;
	size_t size;
};

/* A copy of the next answer, asked for now; NULL if none comes. */
static char *ask(struct uw_scrape *s, size_t *size)
{
	const uint64_t one = 1;
	struct timespec until;
	char *copy = NULL;
	uint64_t before;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ANSWER_S;
	pthread_mutex_lock(&s->lock);
	before = s->answers;
	if (write(s->event_fd, &one, sizeof(one)) != sizeof(one))
		err = EIO;
	while (!err && s->answers == before)
		err = pthread_cond_clockwait(&s->answered, &s->lock, CLOCK_MONOTONIC, &until);
	if (!err)
		copy = malloc(s->size ? s->size : 1);
	if (copy) {
		memcpy(copy, s->text, s->size);
		*size = s->size;
	}
	pthread_mutex_unlock(&s->lock);
	return copy;
}

static enum MHD_Result reply(struct uw_scrape *s, struct MHD_Connection *c, unsigned status, void *text,
			     size_t size, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r = s->lib.MHD_create_response_from_buffer(size, text, mode);
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	s->lib.MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, CONTENT_TYPE);
	result = s->lib.MHD_queue_response(c, status, r);
	s->lib.MHD_destroy_response(r);
	return result;
}

static enum MHD_Result refuse(struct uw_scrape *s, struct MHD_Connection *c, unsigned status, const char *why)
{
	return reply(s, c, status, (void *)(uintptr_t)why, strlen(why), MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method,
				  const char *version, const char *upload, size_t *upload_size, void **state)
{
	struct uw_scrape *s = arg;
	size_t size;
	char *text;

	(void)version, (void)upload, (void)upload_size, (void)state;
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return refuse(s, c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
	if (strcmp(url, "/metrics"))
		return refuse(s, c, MHD_HTTP_NOT_FOUND, "the counters are at /metrics\n");
	text = ask(s, &size);
	if (!text)
		return refuse(s, c, MHD_HTTP_SERVICE_UNAVAILABLE, "no answer in time, try again\n");
	return reply(s, c, MHD_HTTP_OK, text, size, MHD_RESPMEM_MUST_FREE);
}

static int load(struct uw_scrape *s, char error[UW_SCRAPE_ERROR])
{
	s->handle = load_library("libmicrohttpd.so.12", &s->lib);
	if (s->handle)
		return 0;
	snprintf(error, UW_SCRAPE_ERROR,
		 "--metrics needs libmicrohttpd, which is not installed; try: apt install libmicrohttpd12");
	return -ENOENT;
}

static int start(struct uw_scrape *s, const struct sockaddr *address)
{
	const unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO |
			       (address->sa_family == AF_INET6 ? (unsigned)MHD_USE_IPv6 : 0);
	sigset_t all, old;

	/* Signals are for the thread that knows what to do about them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	errno = 0;
	s->daemon = s->lib.MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, address,
					    MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
					    MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return s->daemon ? 0 : -(errno ? errno : EIO);
}

int uw_scrape_open(const struct sockaddr *address, struct uw_scrape **out,
		   char error[UW_SCRAPE_ERROR])
{
	struct uw_scrape *s = calloc(1, sizeof(*s));
	int err;

	snprintf(error, UW_SCRAPE_ERROR, "out of memory");
	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->answered, NULL);
	s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = s->event_fd < 0 ? -errno : load(s, error);
	if (!err) {
		err = start(s, address);
		if (err)
			snprintf(error, UW_SCRAPE_ERROR, "cannot listen for --metrics: %s; choose another ADDR:PORT",
				 strerror(-err));
	}
	if (err) {
		uw_scrape_close(s);
		return err;
	}
	*out = s;
	return 0;
}

void uw_scrape_close(struct uw_scrape *s)
{
	if (!s)
		return;
	if (s->daemon) {
		/* Whoever waits is let go before the daemon waits for him. */
		uw_scrape_answer(s, "", 0);
		s->lib.MHD_stop_daemon(s->daemon);
	}
	if (s->handle)
		dlclose(s->handle);
	if (s->event_fd >= 0)
		close(s->event_fd);
	pthread_cond_destroy(&s->answered);
	pthread_mutex_destroy(&s->lock);
	free(s->text);
	free(s);
}

int uw_scrape_fd(const struct uw_scrape *s)
{
	return s->event_fd;
}

void uw_scrape_answer(struct uw_scrape *s, const char *text, size_t size)
{
	char *copy = malloc(size ? size : 1);
	uint64_t asked;

	if (!copy)
		return;
	memcpy(copy, text, size);
	/* Before the answer: who asks from here on is answered anew. */
	if (read(s->event_fd, &asked, sizeof(asked)) < 0)
		asked = 0;
	pthread_mutex_lock(&s->lock);
	free(s->text);
	s->text = copy;
	s->size = size;
	s->answers++;
	pthread_cond_broadcast(&s->answered);
	pthread_mutex_unlock(&s->lock);
}
