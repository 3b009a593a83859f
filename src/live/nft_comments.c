// SPDX-License-Identifier: GPL-2.0-only
/* iptables-nft keeps "--comment" in an xtables match, of which libnftables prints nothing. */
#include "live/nft_library.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_comment.h>

struct rule {
	uint64_t handle;
	uint32_t family;
	char table[NFT_NAME_MAXLEN];
	char comment[XT_MAX_COMMENT_LEN];
};

struct dump {
	uw_nft_comment_fn fn;
	void *arg;
};

/* A string attribute, its NUL optional, into a buffer that holds it whole or not at all. */
static void take_string(const struct nlattr *attr, char *to, size_t size)
{
	size_t length = strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));

	if (length < size) {
		memcpy(to, mnl_attr_get_payload(attr), length);
		to[length] = '\0';
	}
}

static bool attr_is(const struct nlattr *attr, const char *text)
{
	size_t length = mnl_attr_get_payload_len(attr);

	return length >= strlen(text) && strnlen(mnl_attr_get_payload(attr), length) == strlen(text) &&
	       memcmp(mnl_attr_get_payload(attr), text, strlen(text)) == 0;
}

static void take_match(const struct nlattr *data, struct rule *r)
{
	const struct nlattr *attr, *info = NULL;
	bool comment = false;

	mnl_attr_for_each_nested(attr, data) {
		if (mnl_attr_get_type(attr) == NFTA_MATCH_NAME)
			comment = attr_is(attr, "comment");
		else if (mnl_attr_get_type(attr) == NFTA_MATCH_INFO)
			info = attr;
	}
	if (comment && info)
		take_string(info, r->comment, sizeof(r->comment));
}

static void take_expression(const struct nlattr *expression, struct rule *r)
{
	const struct nlattr *attr, *data = NULL;
	bool match = false;

	mnl_attr_for_each_nested(attr, expression) {
		if (mnl_attr_get_type(attr) == NFTA_EXPR_NAME)
			match = attr_is(attr, "match");
		else if (mnl_attr_get_type(attr) == NFTA_EXPR_DATA)
			data = attr;
	}
	if (match && data)
		take_match(data, r);
}

static int on_rule(const struct nlmsghdr *message, void *arg)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr, *expression;
	const struct dump *d = arg;
	struct rule r = { .family = head->nfgen_family };

	mnl_attr_for_each(attr, message, sizeof(*head)) {
		switch (mnl_attr_get_type(attr)) {
		case NFTA_RULE_TABLE:
			take_string(attr, r.table, sizeof(r.table));
			break;
		case NFTA_RULE_HANDLE:
			if (mnl_attr_validate(attr, MNL_TYPE_U64) == 0)
				r.handle = be64toh(mnl_attr_get_u64(attr));
			break;
		case NFTA_RULE_EXPRESSIONS:
			mnl_attr_for_each_nested(expression, attr)
				take_expression(expression, &r);
			break;
		}
	}
	if (r.comment[0])
		d->fn(d->arg, r.family, r.table, r.handle, r.comment);
	return MNL_CB_OK;
}

static int ask(struct mnl_socket *s, struct dump *d)
{
	char buf[65536] __attribute__((aligned(8)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(buf);
	unsigned seq = (unsigned)time(NULL), port = mnl_socket_get_portid(s);
	struct nfgenmsg *head;
	ssize_t n;

	message->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = seq;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->nfgen_family = AF_UNSPEC;
	head->version = NFNETLINK_V0;
	if (mnl_socket_sendto(s, message, message->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(s, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		n = mnl_cb_run(buf, (size_t)n, seq, port, on_rule, d);
	} while (n > MNL_CB_STOP);
	return n < 0 ? -errno : 0;
}

int uw_nft_comments(uw_nft_comment_fn fn, void *arg)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	struct dump d = { fn, arg };
	int err;

	if (!s)
		return -errno;
	err = mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) ? -errno : ask(s, &d);
	mnl_socket_close(s);
	return err;
}
