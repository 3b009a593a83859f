// SPDX-License-Identifier: GPL-2.0-only
#include "live/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REPLY_BYTES 16384u

static int add_counter(const struct nlattr *attr, void *data)
{
	struct uw_conntrack *c = data;
	unsigned type = mnl_attr_get_type(attr);

	if ((type == CTA_STATS_DROP || type == CTA_STATS_INSERT_FAILED) &&
	    mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
		return MNL_CB_ERROR;
	if (type == CTA_STATS_DROP)
		c->drop += ntohl(mnl_attr_get_u32(attr));
	else if (type == CTA_STATS_INSERT_FAILED)
		c->insert_failed += ntohl(mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

int uw_conntrack_parse(struct uw_conntrack *c, const struct nlmsghdr *message)
{
	struct uw_conntrack sum = *c;

	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg) ||
	    message->nlmsg_len % MNL_ALIGNTO != 0 ||
	    mnl_attr_parse(message, sizeof(struct nfgenmsg), add_counter, &sum) < 0)
		return -EBADMSG;
	sum.seen = true;
	*c = sum;
	return 0;
}

static int take_message(const struct nlmsghdr *message, void *data)
{
	return uw_conntrack_parse(data, message) ? MNL_CB_ERROR : MNL_CB_OK;
}

static bool ask(struct mnl_socket *nl, char *buf)
{
	struct timeval patience = { .tv_sec = 1 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *family;

	request->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET_STATS_CPU;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = 1;
	family = mnl_nlmsg_put_extra_header(request, sizeof(*family));
	family->nfgen_family = AF_UNSPEC;
	family->version = NFNETLINK_V0;
	return !setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) &&
	       mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) >= 0 &&
	       mnl_socket_sendto(nl, request, request->nlmsg_len) >= 0;
}

static void read_statistics(struct uw_conntrack *c)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	_Alignas(struct nlmsghdr) char buf[REPLY_BYTES];
	int state = MNL_CB_OK;

	if (!nl)
		return;
	if (!ask(nl, buf))
		state = MNL_CB_ERROR;
	while (state == MNL_CB_OK) {
		ssize_t got = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		state = got > 0 ? mnl_cb_run(buf, (size_t)got, 1, 0, take_message, c) : MNL_CB_ERROR;
	}
	if (state == MNL_CB_ERROR)
		c->seen = false;
	mnl_socket_close(nl);
}

unsigned uw_conntrack_tables(const char *text)
{
	static const struct {
		const char *name;
		unsigned bit;
	} table[] = {
		{ "raw", UW_LEGACY_RAW }, { "mangle", UW_LEGACY_MANGLE },
		{ "filter", UW_LEGACY_FILTER }, { "security", UW_LEGACY_SECURITY },
	};
	unsigned found = 0;

	while (*text) {
		size_t length = strcspn(text, "\n");

		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
			if (strlen(table[i].name) == length && !strncmp(text, table[i].name, length))
				found |= table[i].bit;
		}
		text += length;
		text += *text == '\n';
	}
	return found;
}

static unsigned read_tables(const char *path)
{
	FILE *file = fopen(path, "re");
	char text[256];
	size_t length;

	if (!file)
		return 0;
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	return uw_conntrack_tables(text);
}

void uw_conntrack_read(struct uw_conntrack *c)
{
	memset(c, 0, sizeof(*c));
	if (access("/proc/sys/net/netfilter/nf_conntrack_max", F_OK))
		return;
	read_statistics(c);
	c->legacy4 = read_tables("/proc/thread-self/net/ip_tables_names");
	c->legacy6 = read_tables("/proc/thread-self/net/ip6_tables_names");
}

static uint64_t rise(uint64_t before, uint64_t after)
{
	return after >= before ? after - before : after;
}

bool uw_conntrack_dropped(const struct uw_conntrack *before, const struct uw_conntrack *after,
			  const struct uw_drop_fact *d, uint8_t family)
{
	uint64_t failed = rise(before->insert_failed, after->insert_failed);
	uint64_t drops = rise(before->drop, after->drop);
	unsigned legacy = family == 6 ? before->legacy6 | after->legacy6 : before->legacy4 | after->legacy4;

	if (!before->seen || !after->seen || strncmp(d->location, "nf_hook_slow", strlen("nf_hook_slow")))
		return false;
	/* Its first hook comes after raw and before all others, its last one after all others. */
	if (d->stage == UW_STAGE_NF_OUTPUT || d->stage == UW_STAGE_NF_PREROUTING)
		return d->ct == UW_CT_NONE && drops > failed && !(legacy & UW_LEGACY_RAW);
	if (d->ct != UW_CT_NEW || !failed)
		return false;
	if (d->stage == UW_STAGE_NF_POSTROUTING)
		return !(legacy & UW_LEGACY_MANGLE);
	return d->stage == UW_STAGE_NF_INPUT &&
	       !(legacy & (UW_LEGACY_MANGLE | UW_LEGACY_FILTER | UW_LEGACY_SECURITY));
}
