/* SPDX-License-Identifier: GPL-2.0-only */
/* Two vantage points: what a second place on the way saw of a query, and of how many. */
#ifndef UW_VANTAGE_H
#define UW_VANTAGE_H

#include <stdbool.h>
#include <stdint.h>

#define UW_VANTAGES_MAX 16

/* What became of a query between the client's end and the far vantage point. Names in names.c. */
enum uw_far_outcome {
	UW_FAR_NONE,		/* not known: nobody looked there, or not at that time */
	UW_FAR_ANSWERED,	/* the request came by there, and so did the reply, which reached this end */
	UW_FAR_REQUEST_LOST,	/* the request left this end and did not come by there */
	UW_FAR_REPLY_LOST,	/* the reply came by there and did not reach this end */
	UW_FAR_NO_REPLY,	/* the request came by there, no reply did: lost farther on */
	UW_FAR_OUTCOMES,
};

struct uw_far {
	enum uw_far_outcome outcome;
	const char *place;		/* the file or host, raw bytes */
	unsigned requests, replies;	/* copies seen there */
	unsigned requests_lost, replies_lost;	/* copies that were seen at one place only */
	uint64_t request_ns, reply_ns;	/* when, by this end's clock; 0 absent */
};

/* One file, or one host of JSON lines, in the order given. */
struct uw_vantage {
	const char *place;		/* raw bytes */
	enum uw_vantage_side {
		UW_VANTAGE_ALONE,	/* has no query with another in common */
		UW_VANTAGE_CLIENT,	/* nearer to those who ask, */
		UW_VANTAGE_SERVER,	/* ... to those who answer */
		UW_VANTAGE_BOTH,	/* ... now this, now that */
	} side;
	const char *clock_of;		/* UW_VANTAGE_SERVER: the place whose clock it is compared with, */
	int64_t offset_ns;		/* ... how much its clock is ahead of that one's, */
	uint64_t error_ns;		/* ... give or take, 0 not known: only one direction was seen at both, */
	double drift;			/* ... and how it gains on it, seconds a second */
	uint64_t queries;		/* seen here */
	uint64_t joined;		/* ... and at the other place too */
};

#endif
