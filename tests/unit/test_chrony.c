/* SPDX-License-Identifier: GPL-2.0-only */
/* What a chronyd says of itself: its words, and what may come in their place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "live/chrony.h"

#define S 1000000000ull
#define NOW (5000 * S)
#define SILENT UINT32_MAX	/* as chronyd says of a source that never answered */

struct source {
	uint16_t family, mode;
	int poll;
	uint32_t since;
};

struct daemon {
	uint32_t activity[5];
	uint32_t listed;
	const struct source *source;
};

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/* What a real one, 4.3, answers. Return: length. */
static size_t answer(const struct daemon *d, const uint8_t *request, uint8_t out[76])
{
	unsigned command = uw_be16(request + 4);

	memset(out, 0, 76);
	out[0] = 6;
	out[1] = 2;
	put16(out + 4, command);
	memcpy(out + 16, request + 8, 4);
	if (command == 44) {
		put16(out + 6, 12);
		for (unsigned i = 0; i < 5; i++)
			put32(out + 28 + 4 * i, d->activity[i]);
		return 48;
	}
	if (command == 14) {
		put16(out + 6, 2);
		put32(out + 28, d->listed);
		return 32;
	}
	const struct source *s = &d->source[uw_be32(request + 20)];

	put16(out + 6, 3);
	put16(out + 28 + 16, s->family);
	put16(out + 28 + 20, (unsigned)s->poll);
	put16(out + 28 + 26, s->mode);
	put32(out + 28 + 32, s->since);
	return 76;
}

/* The whole dialogue. Return: servers. */
static unsigned talk(const struct daemon *d, struct uw_rhythm *r)
{
	uint8_t request[UW_CHRONY_REQUEST], reply[76];
	struct uw_chrony c;

	uw_chrony_start(&c, 0xfffffffe);	/* wraps */
	for (unsigned i = 0; uw_chrony_request(&c, request); i++) {
		size_t length = answer(d, request, reply);

		assert_true(i < 70);
		uw_chrony_answer(&c, reply, length, NOW);
	}
	memset(r, 0, sizeof(*r));
	return uw_chrony_rhythm(&c, r);
}

static unsigned ask(uint32_t online, const struct source *source, uint32_t count, struct uw_rhythm *r)
{
	const struct daemon d = { .activity = { online }, .listed = count, .source = source };

	return talk(&d, r);
}

static void servers_in_their_rhythms(void **state)
{
	const struct source two[] = { { 1, 0, 6, 10 }, { 2, 0, 10, 500 } }, one[] = { { 1, 0, 3, 2 } };
	struct uw_rhythm r;

	(void)state;
	assert_int_equal(ask(2, two, 2, &r), 2);
	assert_int_equal(r.told_ns, 64 * S);
	assert_int_equal(r.told_longest_ns, 1024 * S);
	assert_int_equal(r.told_next_ns, NOW + 54 * S);
	assert_int_equal(uw_rhythm_interval_ns(&r), 64 * S);
	assert_int_equal(uw_rhythm_longest_ns(&r), 1024 * S);
	assert_int_equal(uw_rhythm_next_ns(&r, NOW), NOW + 54 * S);
	assert_int_equal(uw_rhythm_next_ns(&r, NOW + 117 * S), NOW + 54 * S);	/* overdue */
	assert_int_equal(uw_rhythm_next_ns(&r, NOW + 118 * S), 0);
	assert_int_equal(ask(1, one, 1, &r), 1);
	assert_int_equal(r.told_ns, 8 * S);
	assert_int_equal(r.told_longest_ns, 8 * S);
	assert_int_equal(r.told_next_ns, NOW + 6 * S);
}

static void intervals_of_every_width(void **state)
{
	struct source s = { 1, 0, -7, 0 };
	struct uw_rhythm r;

	(void)state;
	assert_int_equal(ask(1, &s, 1, &r), 1);
	assert_int_equal(r.told_ns, 7812500);
	assert_int_equal(r.told_next_ns, 0);	/* the answer's time is told in seconds */
	s.poll = 24;
	assert_int_equal(ask(1, &s, 1, &r), 1);
	assert_int_equal(r.told_ns, 16777216 * S);
	s.poll = 25;
	assert_int_equal(ask(1, &s, 1, &r), 0);
	s.poll = -8;
	assert_int_equal(ask(1, &s, 1, &r), 0);
	s.poll = -32768;
	assert_int_equal(ask(1, &s, 1, &r), 0);
	assert_int_equal(r.told_ns, 0);		/* untouched */
}

static void when_next_is_known_of_all_or_not_told(void **state)
{
	struct source two[] = { { 1, 0, 6, 10 }, { 1, 0, 6, SILENT } };
	struct uw_rhythm r;

	(void)state;
	assert_int_equal(ask(2, two, 2, &r), 2);
	assert_int_equal(r.told_ns, 64 * S);
	assert_int_equal(r.told_next_ns, 0);
	two[1].since = 63;			/* one second of doubt */
	assert_int_equal(ask(2, two, 2, &r), 2);
	assert_int_equal(r.told_next_ns, NOW + 1 * S);
	two[1].since = 64;
	assert_int_equal(ask(2, two, 2, &r), 2);
	assert_int_equal(r.told_next_ns, 0);
	two[0] = two[1] = (struct source){ 1, 0, 17, 6000 };	/* before this machine was started */
	assert_int_equal(ask(2, two, 2, &r), 2);
	assert_int_equal(r.told_next_ns, 0);
}

static void who_is_not_asked_does_not_count(void **state)
{
	/* A peer, a reference clock, a name without an address, a client. */
	const struct source s[] = { { 2, 1, 4, 1 }, { 1, 2, 4, 1 }, { 3, 0, 4, 1 }, { 1, 0, 5, 1 } };
	struct uw_rhythm r;

	(void)state;
	assert_int_equal(ask(2, s, 4, &r), 1);
	assert_int_equal(r.told_ns, 32 * S);
	assert_int_equal(r.told_longest_ns, 32 * S);
	assert_int_equal(ask(1, s, 1, &r), 0);		/* the peer alone */
	assert_int_equal(ask(3, s, 4, &r), 0);		/* the list changed meanwhile */
	assert_int_equal(ask(1, s, 4, &r), 0);
}

static void one_switched_off_or_in_a_burst(void **state)
{
	const struct source s[] = { { 1, 0, 6, 1 }, { 1, 0, 6, 1 } };
	struct daemon d = { .listed = 2, .source = s };
	struct uw_rhythm r;

	(void)state;
	for (unsigned i = 1; i < 4; i++) {
		memset(d.activity, 0, sizeof(d.activity));
		d.activity[0] = 2;
		assert_int_equal(talk(&d, &r), 2);
		d.activity[i] = 1;
		assert_int_equal(talk(&d, &r), 0);
	}
	memset(d.activity, 0, sizeof(d.activity));
	assert_int_equal(talk(&d, &r), 0);
	d.activity[0] = 2;
	d.activity[4] = 9;				/* names without an address */
	assert_int_equal(talk(&d, &r), 2);
	d.activity[0] = UINT32_MAX;
	assert_int_equal(talk(&d, &r), 0);
	d.activity[0] = 2;
	d.listed = UINT32_MAX;
	assert_int_equal(talk(&d, &r), 0);
	d.listed = 0;
	assert_int_equal(talk(&d, &r), 0);
}

/* To the step that is to be spoilt. */
static void reach(struct uw_chrony *c, const struct daemon *d, unsigned step, uint8_t reply[76], size_t *length)
{
	uint8_t request[UW_CHRONY_REQUEST];

	uw_chrony_start(c, 7);
	for (unsigned i = 0; uw_chrony_request(c, request); i++) {
		*length = answer(d, request, reply);
		if (i == step)
			return;
		uw_chrony_answer(c, reply, *length, NOW);
	}
}

static void no_answer_but_a_whole_and_good_one(void **state)
{
	const struct source s = { 1, 0, 6, 1 };
	const struct daemon d = { .activity = { 1 }, .listed = 1, .source = &s };
	static const unsigned headers[] = { 0, 1, 4, 5, 6, 7, 8, 9 };
	uint8_t reply[76];
	struct uw_rhythm r;
	struct uw_chrony c;
	size_t length;

	(void)state;
	for (unsigned step = 0; step < 3; step++) {
		for (unsigned i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
			reach(&c, &d, step, reply, &length);
			reply[headers[i]] ^= 0x40;
			uw_chrony_answer(&c, reply, length, NOW);
			assert_int_equal(c.step, UW_CHRONY_OVER);
			assert_int_equal(uw_chrony_rhythm(&c, &r), 0);
		}
		reach(&c, &d, step, reply, &length);
		for (size_t cut = 0; cut < length; cut++) {
			uint8_t *exact = malloc(cut ? cut : 1);	/* ASan sees a step beyond */

			assert_non_null(exact);
			memcpy(exact, reply, cut);
			reach(&c, &d, step, reply, &length);
			uw_chrony_answer(&c, exact, cut, NOW);
			assert_int_equal(uw_chrony_rhythm(&c, &r), 0);
			free(exact);
		}
	}
}

static void the_answer_to_another_request_is_passed_over(void **state)
{
	const struct source s = { 1, 0, 6, 1 };
	const struct daemon d = { .activity = { 1 }, .listed = 1, .source = &s };
	uint8_t reply[76];
	struct uw_rhythm r;
	struct uw_chrony c;
	size_t length;

	(void)state;
	reach(&c, &d, 2, reply, &length);
	reply[19] ^= 1;
	uw_chrony_answer(&c, reply, length, NOW);
	assert_int_equal(c.step, UW_CHRONY_SOURCE);
	assert_int_equal(uw_chrony_rhythm(&c, &r), 0);	/* not over */
	reply[19] ^= 1;
	uw_chrony_answer(&c, reply, length, NOW);
	assert_int_equal(uw_chrony_rhythm(&c, &r), 1);
	reply[28 + 20] = 0xff;
	uw_chrony_answer(&c, reply, length, NOW);	/* over */
	assert_int_equal(uw_chrony_rhythm(&c, &r), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_in_their_rhythms),
		cmocka_unit_test(intervals_of_every_width),
		cmocka_unit_test(when_next_is_known_of_all_or_not_told),
		cmocka_unit_test(who_is_not_asked_does_not_count),
		cmocka_unit_test(one_switched_off_or_in_a_burst),
		cmocka_unit_test(no_answer_but_a_whole_and_good_one),
		cmocka_unit_test(the_answer_to_another_request_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
