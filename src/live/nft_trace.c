// SPDX-License-Identifier: GPL-2.0-only
#include "live/nft_trace.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>

#include "core/clock.h"
#include "core/ruleset.h"
#include "live/netns.h"
#include "live/nft_library.h"

#define FOLLOW_NS 1000000000ull		/* between looks for namespaces made anew */
#define REST 1				/* as long as it took; no more than half of the time goes into reading */
#define COMMANDS_MAX 4096
#define PORTS_MAX 128

/* Earlier than any chain of the user's; a place shared with another tracer's does no harm. */
#define FIRST "-2147483640"

/* A namespace traced. */
struct place {
	struct uw_netns ns;
	struct mnl_socket *socket;
	struct uw_nft *owner;		/* holds our tables */
	uint64_t cookie;		/* of the socket, key of rule_sockets */
	bool bridge;			/* we have a table of the bridge family */
	char *ingress;			/* devices of our table of the netdev family, NULL none */
	bool changed;			/* the ruleset is to be read again */
	uint64_t not_before_ns;
};

struct uw_nft_trace {
	const struct uw_ns_list *names;
	struct uw_live_fds fds;
	char table[40], ports[PORTS_MAX];
	struct place place[UW_LIST_MAX];	/* the thread's, once it runs */
	unsigned places;
	pthread_t thread;
	bool running;
	int stop_fd;
	pthread_mutex_t lock;			/* of the book */
	struct uw_rulebook *book;
	_Atomic uint64_t lost;
};

/* --- our tables --- */

/* All that we add to a ruleset: chains that accept, and rules that only set the trace bit. */
static void add_chain(const struct uw_nft_trace *t, char *commands, const char *family, const char *hook)
{
	size_t used = strlen(commands);
	char chain[24];

	snprintf(chain, sizeof(chain), "%.*s", (int)strcspn(hook, " "), hook);
	snprintf(commands + used, COMMANDS_MAX - used,
		 "add chain %s %s %s { type filter hook %s priority " FIRST "; policy accept; }\n"
		 "add rule %s %s %s udp dport { %s } meta nftrace set 1\n"
		 "add rule %s %s %s udp sport { %s } meta nftrace set 1\n",
		 family, t->table, chain, hook, family, t->table, chain, t->ports, family, t->table, chain,
		 t->ports);
}

static bool make_table(const struct uw_nft_trace *t, struct uw_nft *owner, const char *family,
		       const char *hook, const char *other_hook)
{
	char commands[COMMANDS_MAX];

	snprintf(commands, sizeof(commands), "add table %s %s { flags owner; }\n", family, t->table);
	add_chain(t, commands, family, hook);
	if (other_hook)
		add_chain(t, commands, family, other_hook);
	return uw_nft_run(owner, commands);
}

/* Whether all devices of the one list are in the other; what a user no longer needs does no harm. */
static bool covers(const char *list, const char *wanted)
{
	while (*wanted) {
		size_t n = strcspn(wanted, ",");

		if (!list || !memmem(list, strlen(list), wanted, n))
			return false;
		wanted += n;
		wanted += strspn(wanted, ", ");
	}
	return true;
}

/* Where the user has chains before ours could see the packet: in the same hook, before them. */
static void extend_tables(const struct uw_nft_trace *t, struct place *p, const struct uw_ruleset *s)
{
	const char *ingress = uw_ruleset_ingress(s);
	char hook[COMMANDS_MAX / 2], command[128];

	if (!p->bridge && uw_ruleset_has(s, "bridge"))
		p->bridge = make_table(t, p->owner, "bridge", "prerouting", "output");
	if (covers(p->ingress, ingress) || strlen(ingress) > sizeof(hook) / 2)
		return;
	if (p->ingress) {
		snprintf(command, sizeof(command), "delete table netdev %s\n", t->table);
		uw_nft_run(p->owner, command);
	}
	free(p->ingress);
	p->ingress = NULL;
	snprintf(hook, sizeof(hook), "ingress devices = { %s }", ingress);
	if (make_table(t, p->owner, "netdev", hook, NULL))
		p->ingress = strdup(ingress);
}

/* --- reading rules --- */

static void add_comment(void *arg, uint32_t family, const char *table, uint64_t handle, const char *comment)
{
	uw_ruleset_comment(arg, uw_nft_family(family), table, handle, comment);
}

/* In the place's namespace. NULL if it cannot be read, or was changed meanwhile. */
static struct uw_ruleset *read_ruleset(void)
{
	struct uw_nft *n = uw_nft_new();
	const char *listing = n ? uw_nft_run(n, "list ruleset\n") : NULL;
	struct uw_ruleset *s = listing ? uw_ruleset_parse(listing) : NULL;

	uw_nft_free(n);
	if (s && uw_nft_comments(add_comment, s)) {
		uw_ruleset_free(s);
		return NULL;
	}
	return s;
}

/* What is done in a place's namespace. */
struct visit {
	struct uw_nft_trace *t;
	struct place *place;
	char *error;
};

static int visit_read(void *arg)
{
	struct uw_rule_socket before = {}, after = {};
	const struct visit *v = arg;
	struct uw_nft_trace *t = v->t;
	struct place *p = v->place;
	struct uw_ruleset *s;

	bpf_map_lookup_elem(t->fds.rule_sockets, &p->cookie, &before);
	s = read_ruleset();
	bpf_map_lookup_elem(t->fds.rule_sockets, &p->cookie, &after);
	if (!s)
		return -EAGAIN;
	extend_tables(t, p, s);
	if (before.epoch != after.epoch) {
		uw_ruleset_free(s);
		return -EAGAIN;
	}
	pthread_mutex_lock(&t->lock);
	uw_rulebook_add(t->book, p->ns.inum, before.epoch, before.changed_ns, s);
	pthread_mutex_unlock(&t->lock);
	return 0;
}

static void read_place(struct uw_nft_trace *t, struct place *p)
{
	struct visit v = { .t = t, .place = p };
	uint64_t start = uw_now_ns();

	p->changed = uw_netns_visit(&p->ns, visit_read, &v) == -EAGAIN;
	p->not_before_ns = start + (REST + 1) * (uw_now_ns() - start);
}

/* --- a namespace's socket --- */

static void close_place(struct uw_nft_trace *t, struct place *p)
{
	if (p->cookie)
		bpf_map_delete_elem(t->fds.rule_sockets, &p->cookie);
	if (p->socket)
		mnl_socket_close(p->socket);
	uw_nft_free(p->owner);
	free(p->ingress);
	memset(p, 0, sizeof(*p));
}

/* The filter is there before the first message is. */
static int listen_here(const struct uw_nft_trace *t, struct place *p)
{
	static const int groups[] = { NFNLGRP_NFTABLES, NFNLGRP_NFTRACE };
	struct uw_rule_socket entry = { .netns = p->ns.inum };
	socklen_t size = sizeof(p->cookie);
	unsigned i;
	int fd;

	p->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!p->socket)
		return -errno;
	fd = mnl_socket_get_fd(p->socket);
	if (mnl_socket_bind(p->socket, 0, MNL_SOCKET_AUTOPID) ||
	    getsockopt(fd, SOL_SOCKET, SO_COOKIE, &p->cookie, &size) ||
	    bpf_map_update_elem(t->fds.rule_sockets, &p->cookie, &entry, BPF_ANY) ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &t->fds.nft_filter, sizeof(t->fds.nft_filter)))
		return -errno;
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])))
			return -errno;
	}
	return 0;
}

static int visit_set_up(void *arg)
{
	const struct visit *v = arg;
	const struct uw_nft_trace *t = v->t;
	struct place *p = v->place;
	char *error = v->error;
	int err;

	p->owner = uw_nft_new();
	if (!p->owner) {
		snprintf(error, UW_ERROR_MAX, "--nft-trace needs libnftables.so.1, which comes with nft; install the package nftables");
		return -ENOENT;
	}
	if (!make_table(t, p->owner, "inet", "prerouting", "output")) {
		snprintf(error, UW_ERROR_MAX, "--nft-trace cannot make its table ('flags owner', Linux 5.12 and nft 0.9.9 or newer): %s",
			 uw_nft_error(p->owner));
		return -EOPNOTSUPP;
	}
	err = listen_here(t, p);
	if (err)
		snprintf(error, UW_ERROR_MAX, "--nft-trace cannot listen to nftables: %s", strerror(-err));
	return err;
}

static int open_place(struct uw_nft_trace *t, const struct uw_netns *ns, char *error)
{
	struct place *p = &t->place[t->places];
	struct visit v = { t, p, error };
	int err;

	p->ns = *ns;
	error[0] = '\0';
	err = uw_netns_visit(ns, visit_set_up, &v);
	if (err && !error[0])
		snprintf(error, UW_ERROR_MAX, "--nft-trace cannot enter the network namespace %.200s: %s",
			 ns->path, strerror(-err));
	if (err)
		close_place(t, p);
	else
		t->places++;
	return err;
}

static struct place *find_place(struct uw_nft_trace *t, uint32_t inum)
{
	unsigned i;

	for (i = 0; i < t->places; i++) {
		if (t->place[i].ns.inum == inum)
			return &t->place[i];
	}
	return NULL;
}

/* A namespace may go, and another come under its name. @error: of the last that could not be opened. */
static int follow(struct uw_nft_trace *t, char *error)
{
	bool wanted[UW_LIST_MAX] = {};
	unsigned i, old = t->places;
	struct uw_netns ns;
	int err = 0;

	for (i = 0; i < t->names->count; i++) {
		struct place *p = NULL;

		if (uw_netns_find(&t->names->item[i], &ns))
			continue;
		p = find_place(t, ns.inum);
		if (p) {
			wanted[p - t->place] = true;
			continue;
		}
		if (t->places == UW_LIST_MAX || open_place(t, &ns, error)) {
			err = -EIO;
			continue;
		}
		wanted[t->places - 1] = true;
		read_place(t, &t->place[t->places - 1]);
	}
	for (i = old; i-- > 0;) {
		if (wanted[i])
			continue;
		close_place(t, &t->place[i]);
		t->place[i] = t->place[--t->places];
		wanted[i] = wanted[t->places];
		memset(&t->place[t->places], 0, sizeof(t->place[0]));
	}
	return err;
}

/* --- the thread --- */

static void drain(struct uw_nft_trace *t, struct place *p)
{
	char buf[4096];
	ssize_t n;

	do {
		n = recv(mnl_socket_get_fd(p->socket), buf, sizeof(buf), 0);
		if (n < 0 && errno == ENOBUFS)
			t->lost++;
		else if (n >= 0)
			p->changed = true;
	} while (n >= 0 || errno == ENOBUFS || errno == EINTR);
}

static int wait_ms(const struct uw_nft_trace *t, uint64_t until_ns)
{
	uint64_t now = uw_now_ns();
	unsigned i;

	for (i = 0; i < t->places; i++) {
		if (t->place[i].changed && t->place[i].not_before_ns < until_ns)
			until_ns = t->place[i].not_before_ns;
	}
	return until_ns > now ? (int)((until_ns - now + 999999) / 1000000) : 0;
}

static void *run(void *arg)
{
	struct pollfd fds[UW_LIST_MAX + 1];
	struct uw_nft_trace *t = arg;
	uint64_t follow_ns = uw_now_ns();
	char ignored[UW_ERROR_MAX];
	unsigned i;

	for (;;) {
		fds[t->places] = (struct pollfd){ .fd = t->stop_fd, .events = POLLIN };
		for (i = 0; i < t->places; i++)
			fds[i] = (struct pollfd){ .fd = mnl_socket_get_fd(t->place[i].socket), .events = POLLIN };
		poll(fds, t->places + 1, wait_ms(t, follow_ns + FOLLOW_NS));
		if (fds[t->places].revents)
			return NULL;
		for (i = 0; i < t->places; i++) {
			if (fds[i].revents)
				drain(t, &t->place[i]);
			if (t->place[i].changed && uw_now_ns() >= t->place[i].not_before_ns)
				read_place(t, &t->place[i]);
		}
		if (uw_now_ns() - follow_ns >= FOLLOW_NS) {
			follow_ns = uw_now_ns();
			follow(t, ignored);
		}
	}
}

static void name_ports(struct uw_nft_trace *t, const struct uw_filters *f)
{
	size_t used = 0;
	unsigned i;

	for (i = 0; i < f->port_count && used < sizeof(t->ports); i++)
		used += (size_t)snprintf(t->ports + used, sizeof(t->ports) - used, "%s%u", i ? ", " : "",
					 f->ports[i].port);
}

int uw_nft_trace_open(struct uw_live *l, const struct uw_filters *filters, struct uw_nft_trace **out,
		      char error[UW_ERROR_MAX])
{
	struct uw_nft_trace *t = calloc(1, sizeof(*t));
	int err = -ENOMEM;

	snprintf(error, UW_ERROR_MAX, "out of memory");
	if (!t)
		return err;
	pthread_mutex_init(&t->lock, NULL);
	t->names = filters->scope.count ? &filters->scope : &filters->netns;
	t->fds = uw_live_fds(l);
	/* A process of the same number may trace in another pid namespace. */
	snprintf(t->table, sizeof(t->table), UW_OWN_TABLE "%d-%llx", getpid(),
		 (unsigned long long)uw_now_ns() & 0xffffff);
	name_ports(t, filters);
	t->stop_fd = eventfd(0, EFD_CLOEXEC);
	t->book = uw_rulebook_new();
	if (t->book && t->stop_fd >= 0)
		err = follow(t, error);
	if (!err)
		err = -pthread_create(&t->thread, NULL, run, t);
	if (err) {
		uw_nft_trace_close(t);
		return err;
	}
	t->running = true;
	*out = t;
	return 0;
}

void uw_nft_trace_close(struct uw_nft_trace *t)
{
	if (!t)
		return;
	if (t->running) {
		eventfd_write(t->stop_fd, 1);
		pthread_join(t->thread, NULL);
	}
	while (t->places)
		close_place(t, &t->place[--t->places]);
	if (t->stop_fd >= 0)
		close(t->stop_fd);
	uw_rulebook_free(t->book);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

bool uw_nft_trace_tell(struct uw_nft_trace *t, uint64_t number, uint64_t when_ns, char *buf, size_t size)
{
	struct uw_rule r;

	buf[0] = '\0';
	if (!number || bpf_map_lookup_elem(t->fds.rules, &number, &r))
		return false;
	r.table[UW_RULE_NAME - 1] = r.chain[UW_RULE_NAME - 1] = '\0';
	pthread_mutex_lock(&t->lock);
	uw_rulebook_tell(t->book, &r, when_ns, buf, size);
	pthread_mutex_unlock(&t->lock);
	return true;
}

uint64_t uw_nft_trace_lost(const struct uw_nft_trace *t)
{
	return t->lost;
}
