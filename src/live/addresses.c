// SPDX-License-Identifier: GPL-2.0-only
#include "live/addresses.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include <bpf/bpf.h>

#define NAMESPACES_MAX 256
#define REPLY_BYTES 16384u

struct reading {
	int map;
	uint32_t netns;
	uint64_t round;
};

struct found {
	const struct nlattr *address, *local;
};

static int take_attr(const struct nlattr *attr, void *data)
{
	struct found *f = data;

	if (mnl_attr_get_type(attr) == IFA_ADDRESS)
		f->address = attr;
	else if (mnl_attr_get_type(attr) == IFA_LOCAL)
		f->local = attr;
	return MNL_CB_OK;
}

int uw_addresses_parse(const struct nlmsghdr *message, struct uw_here *out)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	struct found f = { 0 };
	size_t size;

	if (message->nlmsg_type != RTM_NEWADDR)
		return -ENOENT;
	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*info) ||
	    mnl_attr_parse(message, sizeof(*info), take_attr, &f) < 0)
		return -EBADMSG;
	/* Of a point-to-point link IFA_ADDRESS is the other end's; IPv6 has IFA_LOCAL only there. */
	if (f.local)
		f.address = f.local;
	if (!f.address || (info->ifa_family != AF_INET && info->ifa_family != AF_INET6))
		return -ENOENT;
	size = info->ifa_family == AF_INET ? 4 : 16;
	if (mnl_attr_get_payload_len(f.address) < size)
		return -EBADMSG;
	memset(out, 0, sizeof(*out));
	out->family = info->ifa_family == AF_INET ? 4 : 6;
	memcpy(out->addr.b, mnl_attr_get_payload(f.address), size);
	return 0;
}

static int take_message(const struct nlmsghdr *message, void *data)
{
	const struct reading *r = data;
	struct uw_here here;
	int err = uw_addresses_parse(message, &here);

	if (err)
		return err == -ENOENT ? MNL_CB_OK : MNL_CB_ERROR;
	here.netns = r->netns;
	bpf_map_update_elem(r->map, &here, &r->round, BPF_ANY);
	return MNL_CB_OK;
}

static bool ask(struct mnl_socket *nl, char *buf)
{
	struct timeval patience = { .tv_sec = 1 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buf);

	request->nlmsg_type = RTM_GETADDR;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = 1;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifaddrmsg));
	return !setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) &&
	       mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) >= 0 &&
	       mnl_socket_sendto(nl, request, request->nlmsg_len) >= 0;
}

/* In the namespace. */
static int read_addresses(void *arg)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	_Alignas(struct nlmsghdr) char buf[REPLY_BYTES];
	int state = MNL_CB_OK;

	if (!nl)
		return -errno;
	if (!ask(nl, buf))
		state = MNL_CB_ERROR;
	while (state == MNL_CB_OK) {
		ssize_t got = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		state = got > 0 ? mnl_cb_run(buf, (size_t)got, 1, 0, take_message, arg) : MNL_CB_ERROR;
	}
	mnl_socket_close(nl);
	return state == MNL_CB_STOP ? 0 : -EIO;
}

static void forget_others(int map, uint64_t round)
{
	struct uw_here key, next, *previous = NULL;
	uint64_t seen;

	while (!bpf_map_get_next_key(map, previous, &next)) {
		bool gone = !bpf_map_lookup_elem(map, &next, &seen) && seen != round;

		if (gone)
			bpf_map_delete_elem(map, &next);
		key = next;
		previous = gone ? NULL : &key;
	}
}

void uw_addresses_follow(int map, const struct uw_netns *list, unsigned count, uint64_t round)
{
	struct reading r = { .map = map, .round = round };
	bool whole = true;

	for (unsigned i = 0; i < count && i < NAMESPACES_MAX; i++) {
		int err;

		r.netns = list[i].inum;
		err = uw_netns_visit(&list[i], read_addresses, &r);
		whole &= !err || err == -ENOENT;
	}
	/* After a reading that failed, what is not found may be there. */
	if (whole)
		forget_others(map, round);
}
