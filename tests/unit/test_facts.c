// SPDX-License-Identifier: GPL-2.0-only
/* Records as the kernel side, or anything else, may deliver them; the facts made of good ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live/facts.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS 1000000ull
#define SENT_NS 1000000000ull
#define PID 812
#define SECOND_PID 813

/* The made-up kernel's numbers for drop reasons. */
enum { NOT_SPECIFIED = 2, NO_SOCKET = 3, SOCKET_RCVBUFF = 7, NETFILTER_DROP = 41, NO_NAME = 99 };

/* ... and its functions. */
#define NFT_DO_CHAIN 0xffffffffc0a00000ull
#define NF_HOOK_SLOW 0xffffffff81000200ull
#define IP_LOCAL_DELIVER 0xffffffff81000300ull
#define KFREE 0xffffffff81000400ull
#define PACKET_RCV 0xffffffff81000500ull
#define UDP_DESTRUCT 0xffffffff81000600ull
#define NET_TX_ACTION 0xffffffff81000700ull
#define UDP4_LIB_RCV 0xffffffff81000800ull
#define UNKNOWN_PLACE 0xffffffffd0000000ull

static const char kallsyms[] = "ffffffff81000200 t nf_hook_slow\n"
			       "ffffffff81000300 t ip_local_deliver.constprop.0\n"
			       "ffffffff81000400 T sk_skb_reason_drop\n"
			       "ffffffff81000500 t packet_rcv\n"
			       "ffffffff81000600 T udp_destruct_common\n"
			       "ffffffff81000700 t net_tx_action\n"
			       "ffffffff81000800 T __udp4_lib_rcv\n"
			       "ffffffff81000900 T _etext\n"
			       "ffffffffc0a00000 t nft_do_chain.isra.0\t[nf_tables]\n";

static const char modules[] = "nf_tables 4096 3 - Live 0xffffffffc0a00000\n";

struct world {
	char dir[32];
	char passwd[128];
	struct btf *btf;
	struct uw_facts facts;
};

/* --- a small world: symbols, reasons, processes --- */

static void path_in(const struct world *w, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", w->dir, name);
}

static void make_file(const struct world *w, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	path_in(w, name, path, sizeof(path));
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void load_symbols(struct world *w)
{
	char symbols[128], loaded[128];

	make_file(w, "kallsyms", kallsyms);
	make_file(w, "modules", modules);
	path_in(w, "kallsyms", symbols, sizeof(symbols));
	path_in(w, "modules", loaded, sizeof(loaded));
	assert_int_equal(uw_ksyms_load_from(&w->facts.symbols, symbols, loaded), 0);
}

static void load_reasons(struct world *w)
{
	static const struct {
		const char *name;
		int number;
	} reason[] = {{"SKB_DROP_REASON_NOT_SPECIFIED", NOT_SPECIFIED},
		      {"SKB_DROP_REASON_NO_SOCKET", NO_SOCKET},
		      {"SKB_DROP_REASON_SOCKET_RCVBUFF", SOCKET_RCVBUFF},
		      {"SKB_DROP_REASON_NETFILTER_DROP", NETFILTER_DROP}};
	size_t i;

	w->btf = btf__new_empty();
	assert_non_null(w->btf);
	assert_true(btf__add_enum(w->btf, "skb_drop_reason", 4) > 0);
	for (i = 0; i < COUNT(reason); i++)
		assert_int_equal(btf__add_enum_value(w->btf, reason[i].name, reason[i].number), 0);
	assert_int_equal(uw_reasons_from(&w->facts.reasons, w->btf), 0);
}

static int make_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char mounts[128];

	assert_non_null(w);
	strcpy(w->dir, "/tmp/uw_facts.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	load_symbols(w);
	load_reasons(w);
	make_file(w, "passwd", "root:x:0:0::/:/bin/sh\n_chrony:x:117:117::/:/bin/false\nevil\033:x:9:9::/:\n");
	make_file(w, "mounts", "tmpfs /tmp tmpfs rw 0 0\n");
	path_in(w, "passwd", w->passwd, sizeof(w->passwd));
	path_in(w, "mounts", mounts, sizeof(mounts));
	w->facts.who = uw_who_new(w->passwd, mounts);
	assert_non_null(w->facts.who);
	w->facts.reads_seen = true;
	w->facts.timeout_ns = 5000 * MS;
	w->facts.run = 0xb3f1;
	*state = w;
	return 0;
}

static int end_world(void **state)
{
	static const char *const made[] = {"kallsyms", "modules", "passwd", "mounts"};
	struct world *w = *state;
	char path[128];
	size_t i;

	for (i = 0; i < COUNT(made); i++) {
		path_in(w, made[i], path, sizeof(path));
		remove(path);
	}
	rmdir(w->dir);
	uw_ksyms_free(w->facts.symbols);
	uw_reasons_free(w->facts.reasons);
	btf__free(w->btf);
	uw_who_free(w->facts.who);
	free(w);
	return 0;
}

/* --- records --- */

static struct uw_record good_record(void)
{
	struct uw_record r;

	memset(&r, 0, sizeof(r));
	r.version = UW_RECORD_VERSION;
	r.kind = UW_RECORD_QUERY;
	r.size = sizeof(r);
	r.id = 42;
	r.key = (struct uw_query_key){.client.b = {10, 0, 0, 5}, .server.b = {192, 0, 2, 1},
				      .transaction = 77, .client_port = 46758, .server_port = 123,
				      .family = 4, .protocol = UW_PROTO_NTP};
	r.send_ns = SENT_NS;
	r.wire_out_ns = SENT_NS + MS;
	r.flags = UW_Q_LOCAL_SEND | UW_Q_OUTSIDE;
	r.attempts = r.on_wire = 1;
	r.stage[UW_REQUEST] = UW_STAGE_WIRE_OUT;
	return r;
}

static struct uw_drop drop_at(uint64_t location, uint32_t reason, enum uw_stage mark)
{
	return (struct uw_drop){.when_ns = SENT_NS + 4 * MS, .location = location,
				.stack = {location}, .reason = reason, .mark = (uint8_t)mark, .copies = 1};
}

/* From a buffer of just this size, so that a look behind it is seen. */
static const char *check(const struct uw_record *r, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	const char *wrong;

	assert_non_null(copy);
	memcpy(copy, r, size < sizeof(*r) ? size : sizeof(*r));
	wrong = uw_record_check(copy, size);
	free(copy);
	return wrong;
}

#define assert_good(r) assert_null(check(&(r), sizeof(r)))
#define assert_wrong(r, what) assert_string_equal(check(&(r), sizeof(r)), what)

static void test_good_records(void **state)
{
	struct uw_record r = good_record();

	(void)state;
	for (r.kind = UW_RECORD_QUERY; r.kind <= UW_RECORD_TCP; r.kind++)
		assert_good(r);
	r = good_record();
	for (r.tcp_retry = UW_TCP_NONE; r.tcp_retry < UW_TCPS; r.tcp_retry++)
		assert_good(r);
	assert_wrong(r, "TCP");
	r = good_record();
	assert_null(check(&r, sizeof(r) + 8));	/* a ring may round up */
	r.key.family = 6;
	r.key.protocol = UW_PROTO_DNS;
	assert_good(r);
}

static void test_size(void **state)
{
	static const uint32_t wrong[] = {0, 1, sizeof(struct uw_record) - 1,
					 sizeof(struct uw_record) + 1, UINT32_MAX};
	struct uw_record r = good_record();
	size_t size, i;

	(void)state;
	for (size = 0; size < sizeof(r); size++)
		assert_string_equal(check(&r, size), "size");
	for (i = 0; i < COUNT(wrong); i++) {
		r.size = wrong[i];
		assert_wrong(r, "size");
	}
}

static void test_version_and_kind(void **state)
{
	struct uw_record r = good_record();
	unsigned v;

	(void)state;
	for (v = 0; v < 0x10000; v++) {
		const char *wrong;

		r.version = (uint16_t)v;
		wrong = uw_record_check(&r, sizeof(r));
		assert_int_equal(!wrong, v == UW_RECORD_VERSION);
		assert_true(!wrong || !strcmp(wrong, "version"));
		r.version = UW_RECORD_VERSION;
		r.kind = (uint16_t)v;
		wrong = uw_record_check(&r, sizeof(r));
		assert_int_equal(!wrong, v >= UW_RECORD_QUERY && v <= UW_RECORD_TCP);
		assert_true(!wrong || !strcmp(wrong, "kind"));
		r.kind = UW_RECORD_QUERY;
	}
}

/* Every value of a byte: exactly the good ones may pass. */
static void assert_byte(struct uw_record *r, uint8_t *byte, bool (*good)(unsigned),
			const char *what)
{
	uint8_t was = *byte;
	unsigned v;

	for (v = 0; v < 256; v++) {
		*byte = (uint8_t)v;
		if (good(v))
			assert_good(*r);
		else
			assert_wrong(*r, what);
	}
	*byte = was;
}

static bool good_family(unsigned v)
{
	return v == 4 || v == 6;
}

static bool good_protocol(unsigned v)
{
	return v == UW_PROTO_NTP || v == UW_PROTO_DNS;
}

static bool good_stage(unsigned v)
{
	return v < UW_STAGES;
}

static bool good_hops(unsigned v)
{
	return v <= UW_PATH_MAX;
}

static bool good_earlier(unsigned v)
{
	return v <= UW_EARLIER_MAX;
}

static bool good_dir(unsigned v)
{
	return v < UW_DIRS;
}

static void test_bytes(void **state)
{
	struct uw_record r = good_record();
	int i;

	(void)state;
	assert_byte(&r, &r.key.family, good_family, "address family");
	assert_byte(&r, &r.key.protocol, good_protocol, "protocol");
	assert_byte(&r, &r.stage[UW_REQUEST], good_stage, "stage");
	assert_byte(&r, &r.stage[UW_REPLY], good_stage, "stage");
	assert_byte(&r, &r.hops, good_hops, "length");
	assert_byte(&r, &r.drop[UW_REQUEST].mark, good_stage, "drop");
	assert_byte(&r, &r.drop[UW_REPLY].mark, good_stage, "drop");
	assert_byte(&r, &r.earlier[UW_REQUEST], good_earlier, "drops");
	assert_byte(&r, &r.earlier[UW_REPLY], good_earlier, "drops");
	r.hops = UW_PATH_MAX;
	for (i = 0; i < UW_PATH_MAX; i++)
		assert_byte(&r, &r.path[i].dir, good_dir, "path");
}

static void test_question_length(void **state)
{
	struct uw_record r = good_record();
	unsigned len;

	(void)state;
	for (len = 0; len < 0x10000; len++) {
		r.question_len = (uint16_t)len;
		assert_int_equal(!uw_record_check(&r, sizeof(r)), len <= UW_QUESTION_MAX);
	}
	r.question_len = UW_QUESTION_MAX + 1;
	assert_wrong(r, "length");
}

static void assert_string_ends(struct uw_record *r, char *string, size_t size, const char *what)
{
	memset(string, 'x', size);
	assert_wrong(*r, what);
	string[size - 1] = '\0';
	assert_good(*r);
	memset(string, 0, size);
}

static void test_unterminated_strings(void **state)
{
	struct uw_record r = good_record();
	int i;

	(void)state;
	assert_string_ends(&r, r.task.comm, sizeof(r.task.comm), "process name");
	assert_string_ends(&r, r.task.exe, sizeof(r.task.exe), "process name");
	for (i = 0; i < UW_DIRS; i++)
		assert_string_ends(&r, r.drop[i].ifname, UW_IFNAME, "drop");
	for (i = 0; i < UW_PATH_MAX; i++) {
		r.hops = (uint8_t)(i + 1);
		assert_string_ends(&r, r.path[i].ifname, UW_IFNAME, "path");
	}
	/* behind the last hop there is nothing to look at */
	r.hops = UW_PATH_MAX - 1;
	memset(&r.path[UW_PATH_MAX - 1], 'x', sizeof(r.path[0]));
	assert_good(r);
}

static uint64_t seed = 0x082efa98ec4e6c89ull;

static uint8_t random_byte(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint8_t)(seed >> 40);
}

/* What no check looks at may be anything, and still makes facts that end where they should. */
static void test_anything_else(void **state)
{
	const struct world *w = *state;
	struct uw_query q;
	unsigned i, hop;

	for (i = 0; i < 2000; i++) {
		struct uw_record r, good = good_record();
		uint8_t *byte = (uint8_t *)&r;
		size_t k;

		for (k = 0; k < sizeof(r); k++)
			byte[k] = random_byte();
		memcpy(&r, &good, offsetof(struct uw_record, id));
		r.key.family = good.key.family;
		r.key.quota %= UW_QUOTAS;
		r.key.protocol = i & 1 ? UW_PROTO_NTP : UW_PROTO_DNS;
		r.stage[UW_REQUEST] %= UW_STAGES;
		r.stage[UW_REPLY] %= UW_STAGES;
		r.tcp_retry %= UW_TCPS;
		r.question_len %= UW_QUESTION_MAX + 1;
		r.hops %= UW_PATH_MAX + 1;
		for (hop = 0; hop < r.hops; hop++) {
			r.path[hop].dir %= UW_DIRS;
			r.path[hop].ifname[UW_IFNAME - 1] = '\0';
		}
		for (k = 0; k < UW_DIRS; k++) {
			r.drop[k].mark %= UW_STAGES;
			r.drop[k].ct %= UW_CT_CONFIRMED + 1;
			r.drop[k].untranslated %= UW_NAT_ALL + 1;
			r.drop[k].filter %= UW_FILTER_OWN + 1;
			r.earlier[k] %= UW_EARLIER_MAX + 1;
			r.drop[k].ifname[UW_IFNAME - 1] = '\0';
		}
		r.task.comm[UW_COMM - 1] = r.task.exe[UW_EXE - 1] = '\0';
		assert_good(r);
		memset(&q, 0xa5, sizeof(q));
		uw_facts_query(&w->facts, &r, &q);
		assert_non_null(memchr(q.executable, 0, sizeof(q.executable)));
		assert_non_null(memchr(q.cgroup, 0, sizeof(q.cgroup)));
		uw_judge(&q);
		assert_true(q.verdict < UW_VERDICTS);
	}
}

/* --- facts --- */

static void test_fields(void **state)
{
	const struct world *w = *state;
	struct uw_record r = good_record();
	struct uw_query q;

	r.netns = 9;
	r.wire_in_ns = 2;
	r.queued_ns = 3;
	r.read_ns = 4;
	r.send_errno = EPERM;
	r.attempts = 7;
	r.on_wire = 6;
	r.replies = 5;
	r.stage[UW_REPLY] = UW_STAGE_READ;
	r.icmp = (struct uw_icmp){.seen = 1, .type = 3, .code = 13};
	r.answer = (struct uw_answer){.flags = 0x8183, .stratum = 2};
	r.nat = (struct uw_nat){.seen = 1, .client_port = 1024};
	r.hops = 1;
	r.path[0].out = 1;
	strcpy(r.path[0].ifname, "eth0");
	r.question_len = 3;
	memcpy(r.question, "abc", 3);
	memset(&q, 0xa5, sizeof(q));
	uw_facts_query(&w->facts, &r, &q);
	assert_int_equal(q.id, 42);
	assert_int_equal(q.run, 0xb3f1);
	assert_int_equal(q.revision, 1);
	assert_memory_equal(&q.key, &r.key, sizeof(q.key));
	assert_int_equal(q.flags, r.flags | UW_Q_NO_OWNER);	/* its task has no pid */
	assert_int_equal(q.netns, 9);
	assert_int_equal(q.send_ns, SENT_NS);
	assert_int_equal(q.wire_out_ns, SENT_NS + MS);
	assert_int_equal(q.wire_in_ns, 2);
	assert_int_equal(q.queued_ns, 3);
	assert_int_equal(q.read_ns, 4);
	assert_int_equal(q.timeout_ns, 5000 * MS);
	assert_int_equal(q.send_errno, EPERM);
	assert_int_equal(q.attempts, 7);
	assert_int_equal(q.on_wire, 6);
	assert_int_equal(q.replies, 5);
	assert_int_equal(q.stage_reached[UW_REQUEST], UW_STAGE_WIRE_OUT);
	assert_int_equal(q.stage_reached[UW_REPLY], UW_STAGE_READ);
	assert_memory_equal(&q.icmp, &r.icmp, sizeof(q.icmp));
	assert_memory_equal(&q.answer, &r.answer, sizeof(q.answer));
	assert_memory_equal(&q.nat, &r.nat, sizeof(q.nat));
	assert_int_equal(q.hops, 1);
	assert_string_equal(q.path[0].ifname, "eth0");
	assert_int_equal(q.question_len, 3);
	assert_memory_equal(q.question, "abc", 3);
	assert_int_equal(q.gaps, 0);
	assert_int_equal(q.abandoned_ns, 0);
	assert_int_equal(q.acquittal.looked, false);
	assert_false(q.drop[UW_REQUEST].seen);
	assert_false(q.drop[UW_REPLY].seen);
}

/* A time at the driver is the wire's only while a copy is out there. */
static void test_wire_out(void **state)
{
	const struct world *w = *state;
	struct uw_record r = good_record();
	struct uw_query q;

	r.flags = UW_Q_LOCAL_SEND;
	uw_facts_query(&w->facts, &r, &q);
	assert_int_equal(q.wire_out_ns, SENT_NS + MS);
	r.on_wire = 0;
	uw_facts_query(&w->facts, &r, &q);
	assert_int_equal(q.wire_out_ns, 0);
	r.flags |= UW_Q_OUTSIDE;
	uw_facts_query(&w->facts, &r, &q);
	assert_int_equal(q.wire_out_ns, SENT_NS + MS);
}

static void test_reads_not_seen(void **state)
{
	struct world *w = *state;
	struct uw_record r = good_record();
	struct uw_query q;

	r.queued_ns = 3;
	uw_facts_query(&w->facts, &r, &q);
	assert_int_equal(q.read_ns, 0);
	w->facts.reads_seen = false;
	uw_facts_query(&w->facts, &r, &q);
	assert_int_equal(q.read_ns, 3);
}

static void test_drop_with_symbols(void **state)
{
	const struct world *w = *state;
	struct uw_record r = good_record();
	struct uw_query q;

	r.wire_in_ns = SENT_NS + 3 * MS;
	r.drop[UW_REPLY] = drop_at(NFT_DO_CHAIN + 0x3e8, NETFILTER_DROP, UW_STAGE_WIRE_IN);
	memcpy(r.drop[UW_REPLY].stack,
	       ((uint64_t[]){UNKNOWN_PLACE, KFREE + 1, NFT_DO_CHAIN + 0x3ed, NF_HOOK_SLOW + 9,
			     IP_LOCAL_DELIVER + 20}),
	       5 * sizeof(uint64_t));
	r.drop[UW_REPLY].netns = 9;
	r.drop[UW_REPLY].rcvbuf = 212992;
	r.drop[UW_REPLY].rmem = 4096;
	strcpy(r.drop[UW_REPLY].ifname, "eth0");
	uw_facts_query(&w->facts, &r, &q);
	assert_true(q.drop[UW_REPLY].seen);
	assert_int_equal(q.drop[UW_REPLY].dir, UW_REPLY);
	assert_string_equal(q.drop[UW_REPLY].reason, "NETFILTER_DROP");
	assert_string_equal(q.drop[UW_REPLY].location, "nft_do_chain+0x3e8");
	assert_string_equal(q.drop[UW_REPLY].hook, "input");
	assert_string_equal(q.drop[UW_REPLY].engine, "nftables");
	assert_string_equal(q.drop[UW_REPLY].rule, "");
	assert_string_equal(q.drop[UW_REPLY].ifname, "eth0");
	assert_int_equal(q.drop[UW_REPLY].stage, UW_STAGE_NF_INPUT);
	assert_int_equal(q.drop[UW_REPLY].when_ns, SENT_NS + 4 * MS);
	assert_int_equal(q.drop[UW_REPLY].netns, 9);
	assert_int_equal(q.drop[UW_REPLY].rcvbuf, 212992);
	assert_int_equal(q.drop[UW_REPLY].rmem, 4096);
	uw_judge(&q);
	assert_int_equal(q.verdict, UW_REPLY_DROPPED);
	assert_int_equal(q.stage, UW_STAGE_NF_INPUT);
}

/* Absent facts are empty, not invented, and no address gets into a text. */
static void test_drop_without_symbols(void **state)
{
	struct world *w = *state;
	struct uw_facts f = w->facts;
	struct uw_record r = good_record();
	struct uw_query q;

	f.symbols = NULL;
	r.drop[UW_REPLY] = drop_at(NFT_DO_CHAIN + 0x3e8, NETFILTER_DROP, UW_STAGE_NF_INPUT);
	r.drop[UW_REQUEST] = drop_at(UDP4_LIB_RCV, SOCKET_RCVBUFF, UW_STAGE_WIRE_IN);
	uw_facts_query(&f, &r, &q);
	assert_string_equal(q.drop[UW_REPLY].reason, "NETFILTER_DROP");
	assert_string_equal(q.drop[UW_REPLY].location, "");
	assert_string_equal(q.drop[UW_REPLY].engine, "");
	assert_int_equal(q.drop[UW_REPLY].stage, UW_STAGE_NF_INPUT);
	assert_int_equal(q.drop[UW_REQUEST].stage, UW_STAGE_SOCKET_QUEUE);	/* by its reason */
	f.reasons = NULL;
	uw_facts_query(&f, &r, &q);
	assert_string_equal(q.drop[UW_REPLY].reason, "reason 41");
	assert_true(q.drop[UW_REPLY].seen);
	assert_int_equal(q.drop[UW_REPLY].stage, UW_STAGE_NF_INPUT);
	assert_int_equal(q.drop[UW_REQUEST].stage, UW_STAGE_WIRE_IN);
}

static void test_drop_at_an_unknown_place(void **state)
{
	const struct world *w = *state;
	struct uw_record r = good_record();
	struct uw_query q;
	int i;

	r.drop[UW_REQUEST] = drop_at(UNKNOWN_PLACE, NO_NAME, UW_STAGE_QDISC);
	for (i = 0; i < UW_STACK_MAX; i++)	/* full: no 0 ends it */
		r.drop[UW_REQUEST].stack[i] = UNKNOWN_PLACE + 16 * (unsigned)i;
	uw_facts_query(&w->facts, &r, &q);
	assert_true(q.drop[UW_REQUEST].seen);
	assert_string_equal(q.drop[UW_REQUEST].reason, "reason 99");
	assert_string_equal(q.drop[UW_REQUEST].location, "");
	assert_int_equal(q.drop[UW_REQUEST].stage, UW_STAGE_QDISC);
	/* nothing but the tracer in it */
	for (i = 0; i < UW_STACK_MAX; i++)
		r.drop[UW_REQUEST].stack[i] = KFREE;
	uw_facts_query(&w->facts, &r, &q);
	assert_int_equal(q.drop[UW_REQUEST].stage, UW_STAGE_QDISC);
}

/* No time: it did not happen, whatever else is in there. */
static void test_no_drop(void **state)
{
	const struct world *w = *state;
	struct uw_drop_fact none = {};
	struct uw_record r = good_record();
	struct uw_query q;

	r.drop[UW_REQUEST] = drop_at(NFT_DO_CHAIN, NETFILTER_DROP, UW_STAGE_NF_OUTPUT);
	r.drop[UW_REQUEST].when_ns = 0;
	r.drop[UW_REPLY] = drop_at(PACKET_RCV, NOT_SPECIFIED, UW_STAGE_WIRE_IN);
	uw_facts_query(&w->facts, &r, &q);
	assert_memory_equal(&q.drop[UW_REQUEST], &none, sizeof(none));
	assert_memory_equal(&q.drop[UW_REPLY], &none, sizeof(none));	/* a capture's copy */
}

/* Ruling 10: a freed copy of a tapped frame is no drop, so it casts no doubt on this host. */
static void test_no_drop_is_not_counted(void **state)
{
	const struct world *w = *state;
	struct uw_record r = good_record();
	struct uw_query q;

	r.dropped = 1;
	r.drop[UW_REQUEST] = drop_at(PACKET_RCV, NOT_SPECIFIED, UW_STAGE_WIRE_OUT);
	uw_facts_query(&w->facts, &r, &q);
	assert_false(q.drop[UW_REQUEST].seen);
	assert_int_equal(q.dropped, 0);
	uw_judge(&q);
	assert_int_equal(q.verdict, UW_NO_REPLY);
	assert_int_equal(q.fault, UW_FAULT_BEYOND);
}

static void test_real_drops_are_counted(void **state)
{
	const struct world *w = *state;
	struct uw_record r = good_record();
	struct uw_query q;

	r.attempts = 2;
	r.dropped = 1;
	r.drop[UW_REQUEST] = drop_at(NFT_DO_CHAIN, NETFILTER_DROP, UW_STAGE_NF_OUTPUT);
	r.drop[UW_REPLY] = drop_at(PACKET_RCV, NOT_SPECIFIED, UW_STAGE_WIRE_IN);
	uw_facts_query(&w->facts, &r, &q);
	assert_int_equal(q.dropped, 1);
	uw_judge(&q);
	assert_int_equal(q.fault, UW_FAULT_UNKNOWN);
}

/* The kernel side's memory of drops before the last. */
struct past {
	struct uw_drop drop[UW_DIRS][UW_EARLIER_MAX];
	uint64_t id;
};

static bool from_the_past(void *arg, const struct uw_earlier_key *k, struct uw_drop *out)
{
	const struct past *past = arg;

	if (k->id != past->id || !past->drop[k->dir][k->number].when_ns)
		return false;
	*out = past->drop[k->dir][k->number];
	return true;
}

/* A copy that nobody waits for is freed after the loss, or between two. */
static void test_the_last_free_is_none(void **state)
{
	struct uw_facts f = ((const struct world *)*state)->facts;
	struct uw_record r = good_record();
	struct past past = { .id = r.id };
	struct uw_query q;

	f.earlier = from_the_past;
	f.earlier_arg = &past;
	r.attempts = 2;
	r.on_wire = 0;
	r.flags &= ~UW_Q_OUTSIDE;
	r.dropped = 5;
	r.drop[UW_REQUEST] = drop_at(PACKET_RCV, NOT_SPECIFIED, UW_STAGE_NF_OUTPUT);
	r.drop[UW_REQUEST].copies = 2;
	r.earlier[UW_REQUEST] = 3;
	past.drop[UW_REQUEST][0] = drop_at(NFT_DO_CHAIN, NETFILTER_DROP, UW_STAGE_NF_OUTPUT);
	past.drop[UW_REQUEST][1] = drop_at(PACKET_RCV, SOCKET_RCVBUFF, UW_STAGE_NF_OUTPUT);
	past.drop[UW_REQUEST][2] = drop_at(UDP4_LIB_RCV, NO_SOCKET, UW_STAGE_NF_INPUT);
	past.drop[UW_REQUEST][2].when_ns -= MS;
	uw_facts_query(&f, &r, &q);
	assert_true(q.drop[UW_REQUEST].seen);
	assert_string_equal(q.drop[UW_REQUEST].reason, "NETFILTER_DROP");
	assert_int_equal(q.dropped, 2);
	assert_int_equal(q.gaps, 0);
	uw_judge(&q);
	assert_int_equal(q.verdict, UW_REQUEST_DROPPED);
	assert_int_equal(q.stage, UW_STAGE_NF_OUTPUT);

	/* the reply's likewise; it came back, so nothing beyond is accused */
	r = good_record();
	r.wire_in_ns = SENT_NS + 3 * MS;
	r.drop[UW_REPLY] = drop_at(PACKET_RCV, NOT_SPECIFIED, UW_STAGE_WIRE_IN);
	r.earlier[UW_REPLY] = 1;
	past.drop[UW_REPLY][0] = drop_at(NFT_DO_CHAIN, NETFILTER_DROP, UW_STAGE_NF_INPUT);
	uw_facts_query(&f, &r, &q);
	uw_judge(&q);
	assert_int_equal(q.verdict, UW_REPLY_DROPPED);

	/* forgotten by the kernel: what it was is not known */
	past.id++;
	uw_facts_query(&f, &r, &q);
	assert_int_equal(q.gaps, UW_GAP_BIT(UW_GAP_RECORDS_LOST));
	assert_false(q.drop[UW_REPLY].seen);
}

/* A copy whose first fragment left and a later one was freed here did not leave. */
static void test_torn_requests(void **state)
{
	const struct world *w = *state;
	struct uw_record r = good_record();
	struct uw_query q;

	r.attempts = r.on_wire = 1;
	r.dropped = 0;
	r.torn = 1;
	r.flags |= UW_Q_TORN | UW_Q_OUTSIDE;
	r.wire_out_ns = SENT_NS + MS;
	r.drop[UW_REQUEST] = drop_at(NFT_DO_CHAIN, NETFILTER_DROP, UW_STAGE_WIRE_OUT);
	uw_facts_query(&w->facts, &r, &q);
	assert_int_equal(q.on_wire, 0);
	assert_int_equal(q.dropped, 1);
	assert_int_equal(q.wire_out_ns, 0);
	uw_judge(&q);
	assert_int_equal(q.verdict, UW_REQUEST_DROPPED);
	assert_int_equal(q.fault, UW_FAULT_LOCAL);

	/* another copy left whole */
	r.attempts = r.on_wire = 2;
	uw_facts_query(&w->facts, &r, &q);
	assert_int_equal(q.on_wire, 1);
	assert_int_equal(q.dropped, 1);
	uw_judge(&q);
	assert_int_equal(q.verdict, UW_NO_REPLY);
	assert_int_equal(q.fault, UW_FAULT_UNKNOWN);

	/* what a driver freed had left */
	r.attempts = r.on_wire = 1;
	r.drop[UW_REQUEST] = drop_at(NET_TX_ACTION, NOT_SPECIFIED, UW_STAGE_WIRE_OUT);
	uw_facts_query(&w->facts, &r, &q);
	assert_int_equal(q.on_wire, 1);
	assert_int_equal(q.dropped, 0);
	uw_judge(&q);
	assert_int_equal(q.verdict, UW_NO_REPLY);
	assert_int_equal(q.fault, UW_FAULT_BEYOND);
}

static void test_freed_unread(void **state)
{
	const struct world *w = *state;
	struct uw_record r = good_record();
	struct uw_query q;

	r.drop[UW_REPLY] = drop_at(UDP_DESTRUCT, NOT_SPECIFIED, UW_STAGE_SOCKET_QUEUE);
	uw_facts_query(&w->facts, &r, &q);
	assert_true(q.flags & UW_Q_UNREAD);
	uw_judge(&q);
	assert_int_equal(q.verdict, UW_REPLY_UNREAD);
	r.drop[UW_REPLY] = drop_at(UDP4_LIB_RCV, SOCKET_RCVBUFF, UW_STAGE_WIRE_IN);
	uw_facts_query(&w->facts, &r, &q);
	assert_false(q.flags & UW_Q_UNREAD);
	uw_judge(&q);
	assert_int_equal(q.verdict, UW_REPLY_DROPPED);
}

/* UW_Q_UNREAD is the reply's; a server that closed with a request unread has no part in it. */
static void test_request_freed_unread(void **state)
{
	const struct world *w = *state;
	struct uw_record r = good_record();
	struct uw_query q;

	r.drop[UW_REQUEST] = drop_at(UDP_DESTRUCT, NOT_SPECIFIED, UW_STAGE_SOCKET_QUEUE);
	r.drop[UW_REPLY] = drop_at(UDP4_LIB_RCV, SOCKET_RCVBUFF, UW_STAGE_WIRE_IN);
	uw_facts_query(&w->facts, &r, &q);
	assert_false(q.flags & UW_Q_UNREAD);
	uw_judge(&q);
	assert_int_equal(q.verdict, UW_REPLY_DROPPED);
}

static void test_reply_without_socket(void **state)
{
	const struct world *w = *state;
	struct uw_record r = good_record();
	struct uw_query q;

	r.wire_in_ns = SENT_NS + 3 * MS;
	r.drop[UW_REPLY] = drop_at(UDP4_LIB_RCV, NO_SOCKET, UW_STAGE_WIRE_IN);
	uw_facts_query(&w->facts, &r, &q);
	assert_int_equal(q.drop[UW_REPLY].stage, UW_STAGE_UDP);
	uw_judge(&q);
	assert_int_equal(q.verdict, UW_ANSWERED_LATE);
}

/* What a driver frees it has sent, unless it told the stack otherwise. */
static void test_freed_by_the_driver(void **state)
{
	const struct world *w = *state;
	struct uw_record r = good_record();
	struct uw_query q;

	r.drop[UW_REQUEST] = drop_at(NET_TX_ACTION, NOT_SPECIFIED, UW_STAGE_WIRE_OUT);
	uw_facts_query(&w->facts, &r, &q);
	assert_false(q.drop[UW_REQUEST].seen);
	r.drop[UW_REQUEST].mark = UW_STAGE_DEVICE;
	uw_facts_query(&w->facts, &r, &q);
	assert_true(q.drop[UW_REQUEST].seen);
	assert_int_equal(q.drop[UW_REQUEST].stage, UW_STAGE_DEVICE);
}

/* One of several copies of a datagram to a group or to all is none too many. */
static void test_flooded(void **state)
{
	static const struct {
		uint8_t family, server[16];
		bool flooded;
	} to[] = {
		{4, {224, 0, 1, 1}, true},	   {4, {239, 255, 255, 255}, true},
		{4, {255, 255, 255, 255}, true},   {4, {223, 255, 255, 255}, false},
		{4, {240, 0, 0, 1}, false},	   {4, {255, 255, 255, 254}, false},
		{6, {0xff, 2, [15] = 1}, true},	   {6, {0xfe, 0x80, [15] = 1}, false},
		{6, {0xe0, 0, 1, 1}, false},
	};
	const struct world *w = *state;
	struct uw_record r = good_record();
	struct uw_query q;
	size_t i;

	r.drop[UW_REQUEST] = drop_at(UDP4_LIB_RCV, NOT_SPECIFIED, UW_STAGE_WIRE_IN);
	for (i = 0; i < COUNT(to); i++) {
		r.key.family = to[i].family;
		memcpy(r.key.server.b, to[i].server, 16);
		uw_facts_query(&w->facts, &r, &q);
		assert_int_equal(q.drop[UW_REQUEST].seen, !to[i].flooded);
	}
}

/* Ruling 7: a dropped reply to a request that nobody saw. */
static void test_stray_drop(void **state)
{
	const struct world *w = *state;
	struct uw_record r = good_record();
	struct uw_query q;

	r.kind = UW_RECORD_STRAY;
	r.flags = r.attempts = r.on_wire = 0;
	r.drop[UW_REPLY] = drop_at(UDP4_LIB_RCV, SOCKET_RCVBUFF, UW_STAGE_WIRE_IN);
	uw_facts_query(&w->facts, &r, &q);
	assert_int_equal(q.send_ns, 0);
	assert_int_equal(q.gaps, UW_GAP_BIT(UW_GAP_STARTED_AFTER_REQUEST));
	uw_judge(&q);
	assert_int_equal(q.verdict, UW_REPLY_DROPPED);
	assert_int_equal(q.fault, UW_FAULT_LOCAL);
	assert_int_equal(uw_query_duration_ns(&q), 0);
}

static void assert_asker(const struct world *w, const struct uw_task *task, const char *executable,
			 const char *user)
{
	struct uw_record r = good_record();
	struct uw_query q;

	r.task = *task;
	uw_facts_query(&w->facts, &r, &q);
	assert_string_equal(q.executable, executable);
	assert_string_equal(q.user, user);
	assert_string_equal(q.cgroup, "");	/* this world has none */
	assert_int_equal(q.task.pid, task->pid);
	assert_int_equal(!(q.flags & UW_Q_NO_OWNER), !!task->pid);
}

#define ASKER(executable, user, ...) assert_asker(w, &(const struct uw_task){ __VA_ARGS__ }, executable, user)

static void test_asker(void **state)
{
	const struct world *w = *state;

	ASKER("chronyd", "_chrony", .pid = 999, .uid = 117, .comm = "any thread", .exe = "chronyd");
	ASKER("kworker/0:1", "root", .pid = 999, .comm = "kworker/0:1");
	ASKER("\x1b[2J\n", "evil\033", .pid = 999, .uid = 9, .comm = "\x1b[2J\n");	/* sinks escape */
	ASKER("dig (deleted)", "", .pid = 999, .uid = 4000, .exe = "dig (deleted)");
	ASKER("", "", .uid = 0);	/* nobody is not root */
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, make_world, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_records),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_version_and_kind),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_question_length),
		cmocka_unit_test(test_unterminated_strings),
		IN_WORLD(test_anything_else),
		IN_WORLD(test_fields),
		IN_WORLD(test_wire_out),
		IN_WORLD(test_reads_not_seen),
		IN_WORLD(test_drop_with_symbols),
		IN_WORLD(test_drop_without_symbols),
		IN_WORLD(test_drop_at_an_unknown_place),
		IN_WORLD(test_no_drop),
		IN_WORLD(test_no_drop_is_not_counted),
		IN_WORLD(test_real_drops_are_counted),
		IN_WORLD(test_the_last_free_is_none),
		IN_WORLD(test_torn_requests),
		IN_WORLD(test_freed_unread),
		IN_WORLD(test_request_freed_unread),
		IN_WORLD(test_reply_without_socket),
		IN_WORLD(test_freed_by_the_driver),
		IN_WORLD(test_flooded),
		IN_WORLD(test_stray_drop),
		IN_WORLD(test_asker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
