// SPDX-License-Identifier: GPL-2.0-only
#include "live/counters.h"

#include <errno.h>
#include <fnmatch.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"

#define ATTEMPTS 4
#define RECEIVE_BYTES (64u << 10)	/* the kernel's largest dump message */
#define DRIVER_COUNTERS_MAX 16384	/* a NIC with many queues has thousands */

void uw_counters_free(struct uw_counters_snapshot *s)
{
	if (!s)
		return;
	free(s->device);
	free(s);
}

static struct uw_device_counters *add_device(struct uw_counters_snapshot *s)
{
	struct uw_device_counters *grown;

	if (s->devices == s->room) {
		unsigned room = s->room ? 2 * s->room : 8;

		grown = realloc(s->device, room * sizeof(*grown));
		if (!grown)
			return NULL;
		s->device = grown;
		s->room = room;
	}
	return &s->device[s->devices++];
}

/* An older kernel's struct is shorter, a newer one's longer: what both know is taken. */
static void copy_stats(struct uw_device_counters *d, const struct nlattr *attr)
{
	struct rtnl_link_stats64 stats = { 0 };
	size_t length = mnl_attr_get_payload_len(attr);

	if (length > sizeof(stats))
		length = sizeof(stats);
	memcpy(&stats, mnl_attr_get_payload(attr), length);
#define UW_COUNTER_COPY(name) d->value[UW_COUNTER_##name] = stats.name;
	UW_COUNTERS_LIST(UW_COUNTER_COPY, UW_COUNTER_COPY)
#undef UW_COUNTER_COPY
}

static int parse_xdp(const struct nlattr *attr, void *data)
{
	struct uw_device_counters *d = data;

	if (mnl_attr_get_type(attr) == IFLA_XDP_ATTACHED &&
	    mnl_attr_validate(attr, MNL_TYPE_U8) == 0) {
		d->xdp = mnl_attr_get_u8(attr) != XDP_ATTACHED_NONE;
		d->xdp_hides = d->xdp && mnl_attr_get_u8(attr) != XDP_ATTACHED_SKB;
	}
	return MNL_CB_OK;
}

static void copy_string(char *to, size_t size, const struct nlattr *attr)
{
	size_t length = strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));

	if (length >= size)
		length = size - 1;
	memcpy(to, mnl_attr_get_payload(attr), length);
	to[length] = '\0';
}

static int parse_info(const struct nlattr *attr, void *data)
{
	struct uw_device_counters *d = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		copy_string(d->kind, sizeof(d->kind), attr);
	return MNL_CB_OK;
}

static int parse_attr(const struct nlattr *attr, void *data)
{
	struct uw_device_counters *d = data;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		copy_string(d->ifname, sizeof(d->ifname), attr);
		break;
	case IFLA_STATS64:
		copy_stats(d, attr);
		break;
	case IFLA_CARRIER_DOWN_COUNT:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			d->carrier_downs = mnl_attr_get_u32(attr);
		break;
	case IFLA_XDP:
		return mnl_attr_parse_nested(attr, parse_xdp, d);
	case IFLA_LINKINFO:
		return mnl_attr_parse_nested(attr, parse_info, d);
	}
	return MNL_CB_OK;
}

int uw_counters_parse_link(struct uw_counters_snapshot *s, const struct nlmsghdr *message,
			   uint32_t netns)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct uw_device_counters found = { .netns = netns }, *d;

	if (message->nlmsg_type != RTM_NEWLINK)
		return 0;
	/* libmnl rounds the length up before it looks for attributes; the kernel pads them all */
	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(*info)) ||
	    message->nlmsg_len % MNL_ALIGNTO != 0)
		return -EBADMSG;
	if (mnl_attr_parse(message, sizeof(*info), parse_attr, &found) < 0)
		return -EBADMSG;
	if (!found.ifname[0] || info->ifi_index <= 0)
		return 0;
	if (s->devices == UW_COUNTER_DEVICES) {
		s->truncated = true;
		return 0;
	}
	found.ifindex = (uint32_t)info->ifi_index;
	found.loopback = info->ifi_flags & IFF_LOOPBACK;
	found.up = info->ifi_flags & IFF_UP && info->ifi_flags & IFF_RUNNING;
	d = add_device(s);
	if (!d)
		return -ENOMEM;
	*d = found;
	return 0;
}

/* One message of a dump. Return: 1 the dump goes on, 0 it is complete, -errno. */
static int take_message(struct uw_counters_snapshot *s, const struct nlmsghdr *m, uint32_t netns)
{
	const struct nlmsgerr *error;
	int err;

	if (m->nlmsg_flags & NLM_F_DUMP_INTR)
		return -EINTR;	/* a device came or went: the list may have holes */
	switch (m->nlmsg_type) {
	case NLMSG_DONE:
		return 0;
	case NLMSG_ERROR:
		if (m->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*error))
			return -EBADMSG;
		error = mnl_nlmsg_get_payload(m);
		return error->error < 0 ? error->error : -EBADMSG;
	case NLMSG_OVERRUN:
		return -ENOBUFS;
	default:
		break;
	}
	err = uw_counters_parse_link(s, m, netns);
	return err ? err : 1;
}

static int receive_dump(struct mnl_socket *nl, unsigned seq, struct uw_counters_snapshot *s,
			uint32_t netns, char *buf)
{
	int state = 1;

	while (state == 1) {
		/* -ENOSPC: the message was longer than the buffer and is lost */
		ssize_t got = mnl_socket_recvfrom(nl, buf, RECEIVE_BYTES);
		const struct nlmsghdr *m = (const struct nlmsghdr *)buf;
		int left = (int)got;

		if (got <= 0)
			return got < 0 ? -errno : -EPIPE;
		for (; state == 1 && mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
			if (m->nlmsg_seq == seq)
				state = take_message(s, m, netns);
		}
	}
	return state;
}

static int dump_links(struct uw_counters_snapshot *s, uint32_t netns, char *buf)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct nlmsghdr *request;
	struct timeval patience = { .tv_sec = 2 };
	int err = 0;

	if (!nl)
		return -errno;
	request = mnl_nlmsg_put_header(buf);
	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = 1;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	if (setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) ||
	    mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
		err = -errno;
	if (!err)
		err = receive_dump(nl, 1, s, netns, buf);
	mnl_socket_close(nl);
	return err;
}

static int read_links(struct uw_counters_snapshot *s, uint32_t netns)
{
	char *buf = malloc(RECEIVE_BYTES);
	int err = buf ? -EAGAIN : -ENOMEM;

	for (int i = 0; buf && i < ATTEMPTS; i++) {
		s->devices = 0;
		s->truncated = false;
		err = dump_links(s, netns, buf);
		if (err != -EINTR && err != -ENOBUFS && err != -ENOSPC)
			break;
		err = -EAGAIN;
	}
	free(buf);
	return err;
}

bool uw_counters_driver_loss(const char *name)
{
	static const char *const pattern[] = {
		"rx_no_buffer*", "rx_nobuf*", "*_allowance_exceeded", "*out_of_buffer*",
		"rx_missed*",
	};

	for (size_t i = 0; i < sizeof(pattern) / sizeof(pattern[0]); i++) {
		if (fnmatch(pattern[i], name, 0) == 0)
			return true;
	}
	return false;
}

static int ethtool(int fd, const char *ifname, void *command)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", ifname);
	request.ifr_data = command;
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

static uint32_t driver_counter_count(int fd, const char *ifname)
{
	union {
		struct ethtool_sset_info info;
		uint32_t room[(sizeof(struct ethtool_sset_info) + sizeof(uint32_t)) / 4];
	} set = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_STATS } };
	uint32_t count;

	if (ethtool(fd, ifname, &set) || !(set.info.sset_mask & 1ull << ETH_SS_STATS))
		return 0;
	count = set.info.data[0];
	return count <= DRIVER_COUNTERS_MAX ? count : 0;
}

static void keep_driver_counters(struct uw_device_counters *d, const struct ethtool_gstrings *names,
				 const struct ethtool_stats *stats, uint32_t count)
{
	for (uint32_t i = 0; i < count && d->drivers < UW_COUNTER_DRIVER; i++) {
		struct uw_driver_counter *c = &d->driver[d->drivers];

		memcpy(c->name, names->data + (size_t)i * ETH_GSTRING_LEN, ETH_GSTRING_LEN);
		c->name[ETH_GSTRING_LEN] = '\0';
		if (!uw_counters_driver_loss(c->name))
			continue;
		c->value = stats->data[i];
		d->drivers++;
	}
}

/*
 * The kernel writes as many strings and values as the driver has at that moment, whatever the
 * buffer (before 6.19): room for four times as many is left in case queues are added meanwhile,
 * and answers that do not agree are thrown away. A device without such counters is no error.
 */
static void read_driver(int fd, struct uw_device_counters *d)
{
	uint32_t count = driver_counter_count(fd, d->ifname);
	struct ethtool_gstrings *names;
	struct ethtool_stats *stats;

	if (count == 0)
		return;
	names = calloc(1, sizeof(*names) + (size_t)count * 4 * ETH_GSTRING_LEN);
	stats = calloc(1, sizeof(*stats) + (size_t)count * 4 * sizeof(stats->data[0]));
	if (names && stats) {
		names->cmd = ETHTOOL_GSTRINGS;
		names->string_set = ETH_SS_STATS;
		names->len = count;
		stats->cmd = ETHTOOL_GSTATS;
		stats->n_stats = count;
		if (!ethtool(fd, d->ifname, names) && !ethtool(fd, d->ifname, stats) &&
		    names->len == count && stats->n_stats == count)
			keep_driver_counters(d, names, stats, count);
	}
	free(names);
	free(stats);
}

/* Virtual devices (those with a kind) have no hardware to lose packets in. */
static void read_drivers(struct uw_counters_snapshot *s)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	for (unsigned i = 0; i < s->devices; i++) {
		if (!s->device[i].kind[0] && !s->device[i].loopback)
			read_driver(fd, &s->device[i]);
	}
	close(fd);
}

int uw_counters_parse_softnet(const char *text, uint64_t *dropped)
{
	uint64_t sum = 0;

	while (*text) {
		unsigned long value;

		if (sscanf(text, "%*x %lx", &value) != 1)
			return -EBADMSG;
		sum += value;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	*dropped = sum;
	return 0;
}

/* The kernel shows its own per-CPU state here, the same in every namespace. */
static void read_softnet(struct uw_counters_snapshot *s)
{
	FILE *file = fopen("/proc/net/softnet_stat", "re");
	char line[512];
	uint64_t dropped;

	s->softnet = file != NULL;
	while (s->softnet && fgets(line, sizeof(line), file)) {
		if (uw_counters_parse_softnet(line, &dropped))
			s->softnet = false;
		else
			s->softnet_dropped += dropped;
	}
	if (file)
		fclose(file);
}

int uw_counters_read(uint32_t netns_inum, struct uw_counters_snapshot **out)
{
	struct uw_counters_snapshot *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->taken_ns = uw_now_ns();
	err = read_links(s, netns_inum);
	if (err) {
		uw_counters_free(s);
		return err;
	}
	read_drivers(s);
	read_softnet(s);
	uw_conntrack_read(&s->conntrack);
	*out = s;
	return 0;
}
