// SPDX-License-Identifier: GPL-2.0-only
/* Every way to die that was measured, as kernel stacks (6.18 unless noted), and what it means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/query.h"
#include "live/droppoint.h"

#define FRAMES 16

struct way {
	const char *reason;
	const char *stack;	/* innermost first, the location is the first */
	enum uw_stage mark, stage;
	const char *hook, *engine;
	enum uw_drop_class class;
	bool flooded;
};

#define NF "NETFILTER_DROP"
#define NS "NOT_SPECIFIED"
/* The receiver's softirq on top of the sender's system call: veth. */
#define ON_SENDER " __netif_receive_skb_one_core process_backlog __napi_poll net_rx_action " \
	"handle_softirqs do_softirq __local_bh_enable_ip __dev_queue_xmit ip_output"

#define WAY(reason, mark, stage, hook, engine, class, flooded, stack) \
	{ reason, stack, UW_STAGE_##mark, UW_STAGE_##stage, hook, engine, class, flooded }
#define HOOK(reason, mark, stage, hook, engine, stack) \
	WAY(reason, mark, stage, hook, engine, UW_DROP, false, stack)
#define LOSS(reason, mark, stage, stack) WAY(reason, mark, stage, "", "", UW_DROP, false, stack)
#define FLOODED_LOSS(reason, mark, stage, stack) \
	WAY(reason, mark, stage, "", "", UW_DROP, true, stack)
#define UNREAD(mark, stage, stack) WAY(NS, mark, stage, "", "", UW_DROP_UNREAD, false, stack)
#define DRIVER(mark, stage, stack) WAY(NS, mark, stage, "", "", UW_DROP_DRIVER, false, stack)
#define NO_LOSS(reason, mark, stack) WAY(reason, mark, mark, "", "", UW_DROP_NOT, false, stack)
#define FLOODED_NO_LOSS(reason, mark, stack) \
	WAY(reason, mark, mark, "", "", UW_DROP_NOT, true, stack)

static const struct way netfilter_ways[] = {
	HOOK(NF, NONE, NF_OUTPUT, "output", "nftables",
	     "nft_do_chain nft_do_chain_inet nf_hook_slow __ip_local_out ip_send_skb "
	     "udp_send_skb"),
	HOOK(NF, NONE, NF_OUTPUT, "output", "nftables",
	     "nft_do_chain nft_do_chain_inet nf_hook_slow __ip6_local_out ip6_send_skb"),
	HOOK(NF, NF_OUTPUT, NF_POSTROUTING, "postrouting", "nftables",
	     "nft_do_chain nft_do_chain_inet nf_hook_slow ip_output ip_send_skb"),
	HOOK(NF, WIRE_IN, NF_POSTROUTING, "postrouting", "nftables",
	     "nft_do_chain nft_do_chain_inet nf_hook_slow ip6_output "
	     "__netif_receive_skb_one_core"),
	HOOK(NF, NF_OUTPUT, NF_POSTROUTING, "postrouting", "nftables",
	     "nft_do_chain nft_do_chain_inet nf_hook_slow ip_mc_output ip_send_skb"),
	HOOK(NF, WIRE_IN, NF_PREROUTING, "prerouting", "nftables",
	     "nft_do_chain nft_do_chain_inet nf_hook_slow ip_rcv" ON_SENDER),
	HOOK(NF, WIRE_IN, NF_PREROUTING, "prerouting", "nftables",
	     "nft_do_chain nft_do_chain_inet nf_hook_slow ipv6_rcv" ON_SENDER),
	HOOK(NF, WIRE_IN, NF_FORWARD, "forward", "nftables",
	     "nft_do_chain nft_do_chain_inet nf_hook_slow ip_forward" ON_SENDER),
	HOOK(NF, WIRE_IN, NF_FORWARD, "forward", "nftables",
	     "nft_do_chain nft_do_chain_inet nf_hook_slow ip6_forward" ON_SENDER),
	HOOK(NF, NF_PREROUTING, NF_INPUT, "input", "nftables",
	     "nft_do_chain nft_do_chain_inet nf_hook_slow ip_local_deliver" ON_SENDER),
	HOOK(NF, NF_PREROUTING, NF_INPUT, "input", "nftables",
	     "nft_do_chain nft_do_chain_inet nf_hook_slow ip6_input" ON_SENDER),
	/* 7.3 */
	HOOK(NF, WIRE_IN, NF_INPUT, "input", "nftables",
	     "nft_do_chain nft_do_chain_inet nf_hook_slow ip_local_deliver "
	     "ip_local_deliver_finish"),
	HOOK(NF, WIRE_IN, NF_INGRESS, "ingress", "nftables",
	     "nft_do_chain nft_do_chain_netdev nf_hook_slow __netif_receive_skb_core" ON_SENDER),
	HOOK(NF, WIRE_IN, NF_INGRESS, "ingress", "nftables",
	     "nft_do_chain nft_do_chain_inet_ingress nf_hook_slow "
	     "__netif_receive_skb_core.constprop.0"),
	HOOK(NF, NF_POSTROUTING, NF_EGRESS, "egress", "nftables",
	     "nft_do_chain nft_do_chain_netdev nf_hook_slow __dev_queue_xmit ip_finish_output2"),
	HOOK(NF, WIRE_IN, BRIDGE, "bridge prerouting", "nftables",
	     "nft_do_chain nft_do_chain_bridge br_handle_frame __netif_receive_skb_core"),
	HOOK(NF, WIRE_IN, BRIDGE, "bridge forward", "nftables",
	     "nft_do_chain nft_do_chain_bridge nf_hook_slow __br_forward "
	     "br_handle_frame_finish br_handle_frame"),
	HOOK(NF, QDISC, BRIDGE, "bridge output", "nftables",
	     "nft_do_chain nft_do_chain_bridge nf_hook_slow __br_forward br_forward "
	     "br_dev_xmit dev_hard_start_xmit"),
	HOOK(NF, WIRE_IN, BRIDGE, "bridge postrouting", "nftables",
	     "nft_do_chain nft_do_chain_bridge nf_hook_slow br_forward_finish __br_forward"),
	HOOK(NF, WIRE_IN, BRIDGE, "bridge input", "nftables",
	     "nft_do_chain nft_do_chain_bridge nf_hook_slow br_pass_frame_up "
	     "br_handle_frame_finish"),
	/* bridge-nf-call-iptables */
	HOOK(NF, WIRE_IN, BRIDGE, "bridge forward", "",
	     "nf_hook_slow br_nf_forward_ip nf_hook_slow __br_forward br_handle_frame"),
	/* nft reject, iptables-nft and its REJECT */
	HOOK(NF, WIRE_IN, NF_INPUT, "input", "nftables",
	     "nft_do_chain nft_do_chain_inet nf_hook_slow ip_local_deliver ip_sublist_rcv"),
	HOOK(NF, WIRE_IN, NF_FORWARD, "forward", "nftables",
	     "nft_do_chain nft_do_chain_ipv4 nf_hook_slow ip_forward ip_rcv"),
	/* iptables-legacy, and conntrack's table full: alike, so no engine */
	HOOK(NF, WIRE_IN, NF_PREROUTING, "prerouting", "", "nf_hook_slow ip_rcv" ON_SENDER),
	HOOK(NF, NONE, NF_OUTPUT, "output", "", "nf_hook_slow __ip_local_out ip_send_skb"),
	/* a raw socket with its own header */
	HOOK(NF, NONE, NF_OUTPUT, "output", "", "nf_hook_slow raw_sendmsg inet_sendmsg"),
	/* NFQUEUE: nobody listens; the listener closed (6.18, 6.1), seconds later in a kworker */
	HOOK(NS, NF_PREROUTING, NF_INPUT, "input", "nfqueue",
	     "nf_queue nf_hook_slow ip_local_deliver" ON_SENDER),
	HOOK(NS, NONE, NF_OUTPUT, "output", "nfqueue",
	     "nf_queue nf_hook_slow __ip_local_out ip_send_skb"),
	HOOK(NS, NF_FORWARD, NF_FORWARD, "forward", "nfqueue",
	     "nfqnl_reinject instance_destroy_work process_one_work worker_thread"),
	HOOK(NS, NF_OUTPUT, NF_OUTPUT, "output", "nfqueue",
	     "nf_reinject instance_destroy_rcu rcu_do_batch"),
	HOOK(NS, WIRE_IN, WIRE_IN, "", "nfqueue", "nfqnl_reinject instance_destroy_work"),
	/* NAPI lists */
	HOOK(NF, WIRE_IN, NF_PREROUTING, "prerouting", "nftables",
	     "nft_do_chain nft_do_chain_inet nf_hook_slow nf_hook_slow_list "
	     "ip_sublist_rcv __netif_receive_skb_list_core"),
	HOOK(NF, WIRE_IN, NF_PREROUTING, "prerouting", "",
	     "nf_hook_slow nf_hook_slow_list ip6_sublist_rcv __netif_receive_skb_list_core"),
	HOOK(NF, WIRE_IN, NF_FORWARD, "forward", "nftables",
	     "nft_do_chain nft_do_chain_inet nf_hook_slow ip_forward ip_sublist_rcv "
	     "ip_list_rcv"),
	/* a stack that cannot tell: the mark does, and nothing outside of the softirq */
	HOOK(NF, NF_INPUT, NF_INPUT, "input", "nftables",
	     "nft_do_chain nft_do_chain_inet nf_hook_slow"),
	HOOK(NF, NF_FORWARD, NF_FORWARD, "forward", "",
	     "nf_hook_slow ? net_rx_action handle_softirqs __dev_queue_xmit"),
	HOOK(NF, WIRE_IN, NF_PREROUTING, "prerouting", "", "some_engine nf_hook_slow ip_rcv"),
};

static const struct way out_ways[] = {
	LOSS(NS, NF_OUTPUT, XFRM, "dst_discard_out ip_send_skb udp_send_skb"),
	LOSS(NS, NF_OUTPUT, XFRM, "dst_discard_out ip6_send_skb"),
	LOSS(NS, WIRE_IN, ROUTE, "dst_discard_out ip6_forward ip6_sublist_rcv"),
	LOSS(NS, NF_PREROUTING, ROUTE, "dst_discard_out __netif_receive_skb_one_core process_backlog ip6_send_skb"),
	HOOK("BPF_CGROUP_EGRESS", NF_POSTROUTING, CGROUP_EGRESS, "", "cgroup_bpf",
	     "ip_finish_output ip_output ip_send_skb"),
	HOOK("BPF_CGROUP_EGRESS", NF_POSTROUTING, CGROUP_EGRESS, "", "cgroup_bpf", "ip6_finish_output ip6_output"),
	LOSS("TC_EGRESS", NF_POSTROUTING, TC_EGRESS, "__dev_queue_xmit ip_finish_output2"),
	LOSS("QDISC_DROP", QDISC, QDISC, "__dev_queue_xmit ip_finish_output2"),
	LOSS("QDISC_DROP", QDISC, QDISC,
	     "kfree_skb_list_reason __dev_queue_xmit ip_finish_output2"),	/* 6.1 */
	LOSS("QDISC_DROP", QDISC, QDISC, "__tcf_kfree_skb_list __dev_queue_xmit"),	/* 7.3 */
	LOSS("QDISC_OVERLIMIT", QDISC, QDISC, "__dev_queue_xmit"),
	LOSS("FQ_FLOW_LIMIT", QDISC, QDISC, "__dev_queue_xmit"),
	LOSS(NS, QDISC, DEVICE, "kfree_skb_list_reason __dev_queue_xmit"),
	LOSS(NS, QDISC, QDISC, "__rtnl_unlock netdev_run_todo rtnetlink_rcv_msg"),
	LOSS(NS, QDISC, DEVICE, "__dev_forward_skb2 veth_xmit dev_hard_start_xmit"),
	LOSS(NS, QDISC, DEVICE, "veth_xmit dev_hard_start_xmit"),
	LOSS("SOCKET_FILTER", QDISC, DEVICE, "tun_net_xmit dev_hard_start_xmit"),
	LOSS("NEIGH_FAILED", NEIGHBOUR, NEIGHBOUR, "neigh_invalidate neigh_timer_handler"),
	LOSS(NS, NF_POSTROUTING, NEIGHBOUR, "neigh_invalidate neigh_timer_handler"),	/* IPv6 */
	LOSS("NEIGH_QUEUEFULL", NF_POSTROUTING, NEIGHBOUR,
	     "__neigh_event_send neigh_resolve_output ip_finish_output2"),
	LOSS("NEIGH_CREATEFAIL", NF_POSTROUTING, NEIGHBOUR, "ip_finish_output2"),
	/* freed by a driver that has it, and one that gives a reason */
	DRIVER(WIRE_OUT, DEVICE, "free_old_xmit start_xmit dev_hard_start_xmit sch_direct_xmit"),
	DRIVER(DEVICE, DEVICE, "dev_kfree_skb_any_reason some_xmit dev_hard_start_xmit"),
	DRIVER(WIRE_OUT, DEVICE, "driver_poll_tx __napi_poll net_rx_action"),
	DRIVER(WIRE_OUT, DEVICE, "net_tx_action handle_softirqs"),
	LOSS("NOMEM", DEVICE, DEVICE, "some_xmit dev_hard_start_xmit"),
	LOSS(NS, WIRE_IN, WIRE_IN,
	     "some_rx net_rx_action handle_softirqs some_xmit dev_hard_start_xmit"),
};

static const struct way in_ways[] = {
	LOSS(NS, WIRE_OUT, XDP, "veth_xdp_rcv_skb veth_poll"),
	LOSS(NS, WIRE_IN, XDP, "do_xdp_generic __netif_receive_skb_core"),
	LOSS("XDP", WIRE_IN, XDP, "do_xdp_generic __netif_receive_skb_core"),
	LOSS("TC_INGRESS", WIRE_IN, TC_INGRESS, "__netif_receive_skb_core"),
	LOSS("TC_CHAIN_NOTFOUND", WIRE_IN, TC_INGRESS, "__netif_receive_skb_core.constprop.0"),
	LOSS("TC_CHAIN_NOTFOUND", NF_POSTROUTING, TC_EGRESS, "__dev_queue_xmit"),
	LOSS("CPU_BACKLOG", WIRE_OUT, BACKLOG,
	     "enqueue_to_backlog netif_rx_internal veth_xmit dev_hard_start_xmit"),
	LOSS("BRIDGE_INGRESS_STP_STATE", WIRE_IN, BRIDGE, "br_handle_frame"),
	LOSS(NS, WIRE_IN, BRIDGE, "br_handle_frame_finish br_handle_frame"),
	LOSS("IP_RPFILTER", NF_PREROUTING, ROUTE, "ip_rcv_finish_core ip_rcv"),
	LOSS("IP_RPFILTER", WIRE_IN, ROUTE, "ip_rcv_finish_core.constprop.0 ip_rcv"),	/* 6.1 */
	LOSS("IP_LOCALNET", WIRE_IN, ROUTE, "ip_rcv_finish_core"),
	LOSS("IP_LOCAL_SOURCE", WIRE_IN, ROUTE, "ip_rcv_finish_core"),
	LOSS(NS, WIRE_IN, ROUTE, "ip_rcv_finish_core"),
	LOSS("IP_INADDRERRORS", WIRE_IN, ROUTE, "ip_error"),
	LOSS("IP_INADDRERRORS", WIRE_IN, ROUTE, "ip6_forward"),
	LOSS("IP_INNOROUTES", WIRE_IN, ROUTE, "ip_error"),
	LOSS(NS, WIRE_IN, ROUTE, "ip_error ip_sublist_rcv"),
	LOSS("IP_INNOROUTES", WIRE_IN, ROUTE, "ip6_pkt_discard"),
	LOSS("IP_INNOROUTES", WIRE_IN, ROUTE, "ip6_pkt_drop"),
	LOSS("IP_INNOROUTES", WIRE_IN, ROUTE, "ip6_pkt_prohibit"),
	LOSS("IP_INHDR", WIRE_IN, ROUTE, "ip_forward"),
	LOSS("PKT_TOO_BIG", WIRE_IN, ROUTE, "ip_forward"),
	LOSS("PKT_TOO_BIG", WIRE_IN, ROUTE, "ip6_forward"),
	LOSS("IP_CSUM", WIRE_IN, WIRE_IN, "ip_rcv_core ip_rcv"),
	LOSS("PKT_TOO_SMALL", WIRE_IN, WIRE_IN, "ip_rcv_core"),
	LOSS("IP_INHDR", WIRE_IN, WIRE_IN, "ip6_rcv_core"),
	LOSS("FRAG_REASM_TIMEOUT", WIRE_IN, REASSEMBLY, "ip_expire call_timer_fn"),
	LOSS(NS, WIRE_IN, REASSEMBLY, "ip_expire"),		/* 6.1 */
	LOSS("FRAG_REASM_TIMEOUT", WIRE_IN, REASSEMBLY, "ip6_frag_expire"),
	LOSS(NS, WIRE_IN, REASSEMBLY, "ip6_frag_expire"),
	LOSS(NS, WIRE_IN, REASSEMBLY, "nf_ct_frag6_expire"),
	LOSS("NO_SOCKET", NF_INPUT, UDP, "__udp4_lib_rcv ip_protocol_deliver_rcu"),
	LOSS("NO_SOCKET", NF_INPUT, UDP, "__udp6_lib_rcv ip6_protocol_deliver_rcu"),
	LOSS("NO_SOCKET", WIRE_IN, UDP, "udp_rcv ip_protocol_deliver_rcu"),
	LOSS("NO_SOCKET", WIRE_IN, UDP, "udpv6_rcv"),	/* 7.3 */
	LOSS("UDP_CSUM", WIRE_IN, UDP, "__udp4_lib_rcv"),
	LOSS("PKT_TOO_SMALL", WIRE_IN, UDP, "__udp4_lib_rcv"),
	LOSS("UDP_CSUM", SOCKET_QUEUE, READ, "udp_recvmsg inet_recvmsg"),
	LOSS(NS, SOCKET_QUEUE, READ, "udp_recvmsg inet_recvmsg"),
	LOSS(NS, SOCKET_QUEUE, READ, "udpv6_recvmsg"),
	LOSS("UDP_CSUM", SOCKET_QUEUE, READ, "__first_packet_length"),
	LOSS("SOCKET_RCVBUFF", NF_INPUT, SOCKET_QUEUE, "udp_queue_rcv_one_skb udp_unicast_rcv_skb"),
	LOSS("SOCKET_RCVBUFF", NF_INPUT, SOCKET_QUEUE, "udpv6_queue_rcv_one_skb"),
	LOSS("PROTO_MEM", NF_INPUT, SOCKET_QUEUE, "udp_queue_rcv_one_skb"),
	LOSS("SOCKET_FILTER", NF_INPUT, SOCKET_FILTER, "udp_queue_rcv_one_skb"),
	LOSS("SOCKET_FILTER", NF_INPUT, SOCKET_FILTER, "udpv6_queue_rcv_one_skb"),
	LOSS("XFRM_POLICY", NF_INPUT, XFRM, "udp_queue_rcv_one_skb"),
	LOSS("XFRM_POLICY", WIRE_IN, XFRM, "ip_forward"),
	UNREAD(SOCKET_QUEUE, SOCKET_QUEUE,
	     "udp_destruct_common udp_destruct_sock __sk_destruct rcu_do_batch"),
	UNREAD(SOCKET_QUEUE, SOCKET_QUEUE, "udpv6_destruct_sock __sk_destruct"),
	/* nothing known: the mark, or where a packet of this direction begins */
	LOSS("reason 999", NF_INPUT, NF_INPUT, "new_function"),
	LOSS(NULL, NONE, SEND, ""),
};

static const struct way noise_ways[] = {
	NO_LOSS("CONSUMED", QDISC, "tpacket_rcv dev_queue_xmit_nit"),
	NO_LOSS("CONSUMED", SEND, "__neigh_event_send"),
	NO_LOSS("PACKET_SOCK_ERROR", QDISC, "packet_rcv dev_queue_xmit_nit"),
	NO_LOSS(NS, WIRE_IN, "packet_rcv __netif_receive_skb_core"),
	NO_LOSS(NS, WIRE_IN, "tpacket_rcv"),
	NO_LOSS("OTHERHOST", WIRE_IN, "ip_rcv_core ip_rcv"),
	NO_LOSS("OTHERHOST", WIRE_IN, "ip6_rcv_core"),
	NO_LOSS("DUP_FRAG", WIRE_IN, "ip_frag_queue"),
	NO_LOSS("UNHANDLED_PROTO", WIRE_IN, "__netif_receive_skb_core.constprop.0"),
	FLOODED_NO_LOSS(NS, WIRE_IN, "ip_rcv_finish_core"),
	FLOODED_NO_LOSS(NS, WIRE_IN, "ip_forward"),
	NO_LOSS(NS, WIRE_IN, "ip6_mc_input"),
	FLOODED_NO_LOSS(NS, SEND, "__udp4_lib_rcv"),
	FLOODED_NO_LOSS(NS, SEND, "udpv6_rcv"),
	FLOODED_NO_LOSS(NS, WIRE_IN, "br_handle_frame_finish"),
	/* a lost broadcast is a loss when the kernel says why */
	FLOODED_LOSS("NO_SOCKET", WIRE_IN, UDP, "__udp4_lib_rcv"),
	/* 6.1: fragments of a datagram that was read; every ICMPv6; error queues */
	NO_LOSS(NS, READ, "skb_release_data __consume_stateless_skb udp_recvmsg"),
	NO_LOSS(NS, WIRE_OUT, "icmpv6_rcv ip6_protocol_deliver_rcu"),
	NO_LOSS(NS, READ, "inet_sock_destruct __sk_destruct"),
	NO_LOSS("QUEUE_PURGE", READ, "skb_queue_purge_reason inet_sock_destruct"),
	NO_LOSS(NS, WIRE_OUT, "ip_recv_error inet_recv_error"),
	NO_LOSS(NS, NF_INPUT, "raw_rcv raw_local_deliver"),
};

/* "a b ? d" into frames; '?' is a frame without a name. Return: how many. */
static unsigned split(char *stack, const char **frame)
{
	unsigned count = 0;
	char *word, *rest = stack;

	while ((word = strsep(&rest, " "))) {
		if (!*word)
			continue;
		assert_true(count < FRAMES);
		frame[count++] = strcmp(word, "?") == 0 ? NULL : word;
	}
	return count;
}

static void check_way(const struct way *way)
{
	const char *frame[FRAMES] = { NULL };
	struct uw_drop_names in = { .reason = way->reason, .mark = way->mark, .frame = frame,
				    .flooded = way->flooded, .dir = UW_REQUEST };
	struct uw_drop_point point;
	char stack[1024];

	snprintf(stack, sizeof(stack), "%s", way->stack);
	in.frames = split(stack, frame);
	in.location = frame[0];
	uw_drop_point(&in, &point);
	if (point.stage != way->stage || point.class != way->class)
		print_error("%s @%s: stage %d, class %d\n", way->reason, way->stack, point.stage,
			    point.class);
	assert_int_equal(point.stage, way->stage);
	assert_int_equal(point.class, way->class);
	assert_string_equal(point.hook, way->hook);
	assert_string_equal(point.engine, way->engine);
}

/* A cgroup's programs and the socket's own drop alike: the socket that has none tells. */
static void filters(void **state)
{
	static const char *const engine[] = {
		[UW_FILTER_UNKNOWN] = "", [UW_FILTER_NONE] = "cgroup_bpf", [UW_FILTER_OWN] = "",
	};
	const char *frame[] = { "udp_queue_rcv_one_skb" }, *tun[] = { "tun_net_xmit" };
	struct uw_drop_names in = { .reason = "SOCKET_FILTER", .frames = 1, .dir = UW_REPLY };
	struct uw_drop_point point;

	(void)state;
	for (in.filter = UW_FILTER_UNKNOWN; in.filter <= UW_FILTER_OWN; in.filter++) {
		in.location = *(in.frame = frame);
		uw_drop_point(&in, &point);
		assert_int_equal(point.stage, UW_STAGE_SOCKET_FILTER);
		assert_string_equal(point.engine, engine[in.filter]);
		in.location = *(in.frame = tun);
		uw_drop_point(&in, &point);
		assert_int_equal(point.stage, UW_STAGE_DEVICE);
		assert_string_equal(point.engine, "");
	}
}

#define CHECK_ALL(ways)                                                                            \
	for (size_t i = 0; i < sizeof(ways) / sizeof((ways)[0]); i++)                              \
		check_way(&(ways)[i])

static void netfilter(void **state)
{
	(void)state;
	CHECK_ALL(netfilter_ways);
}

static void going_out(void **state)
{
	(void)state;
	CHECK_ALL(out_ways);
}

static void coming_in(void **state)
{
	(void)state;
	CHECK_ALL(in_ways);
}

static void no_loss(void **state)
{
	(void)state;
	CHECK_ALL(noise_ways);
}

static void a_tail_call_hides_the_location(void **state)
{
	const char *const frame[] = { "nf_hook_slow", "ip_local_deliver" };
	struct uw_drop_names in = { .location = "nft_do_chain", .frame = frame, .frames = 2,
				    .reason = NF };
	struct uw_drop_point point;

	(void)state;
	uw_drop_point(&in, &point);
	assert_int_equal(point.stage, UW_STAGE_NF_INPUT);
	assert_string_equal(point.engine, "nftables");
}

static void nothing_known(void **state)
{
	struct uw_drop_names in = { .dir = UW_REPLY };
	struct uw_drop_point point;

	(void)state;
	uw_drop_point(&in, &point);
	assert_int_equal(point.stage, UW_STAGE_WIRE_IN);
	assert_int_equal(point.class, UW_DROP);
	in.dir = UW_REQUEST;
	uw_drop_point(&in, &point);
	assert_int_equal(point.stage, UW_STAGE_SEND);
}

static void skips_the_tracer(void **state)
{
	static const char *const frame[] = {
		"bpf_prog_6deef7357e7b4530_drop", "bpf_trace_run4", "__bpf_trace_kfree_skb",
		"__traceiter_kfree_skb", "sk_skb_reason_drop", "nft_do_chain", "nft_do_chain_inet",
	};
	static const char *const old[] = {
		NULL, "bpf_trace_run3", "kfree_skb_reason", "kfree_skb_list_reason",
		"__dev_queue_xmit",
	};

	(void)state;
	assert_int_equal(uw_drop_skip("nft_do_chain", frame, 7), 5);
	assert_int_equal(uw_drop_skip(NULL, frame, 7), 5);
	assert_int_equal(uw_drop_skip("hidden_by_tail_call", frame, 7), 5);
	assert_int_equal(uw_drop_skip("nft_do_chain", frame, 4), 4);
	assert_int_equal(uw_drop_skip("nft_do_chain", frame, 0), 0);
	assert_int_equal(uw_drop_skip("kfree_skb_list_reason", old, 5), 3);
	assert_int_equal(uw_drop_skip("__dev_queue_xmit", old + 4, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters),
		cmocka_unit_test(netfilter),
		cmocka_unit_test(going_out),
		cmocka_unit_test(coming_in),
		cmocka_unit_test(no_loss),
		cmocka_unit_test(a_tail_call_hides_the_location),
		cmocka_unit_test(nothing_known),
		cmocka_unit_test(skips_the_tracer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
