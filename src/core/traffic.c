// SPDX-License-Identifier: GPL-2.0-only
#include "core/traffic.h"

#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1000000000ull
#define DEVICES 8
#define SAMPLES 4096
#define SAMPLE_NS (NS_PER_S - NS_PER_S / 10)	/* readings make a sample once it is as long */
#define READINGS 3
#define BUSIEST_NS (READINGS * UW_TRAFFIC_READ_NS)
#define BEFORE_NS (10 * NS_PER_S)
#define EDGE_NS (2 * NS_PER_S)	/* past an edge: samples are of a second, and the change may be in the last */
#define LET_THROUGH_NS (3 * NS_PER_S)	/* from the first answer on */
#define PORT_SETS 512		/* kept, each of some seconds */
#define PORT_PAIRS 16		/* of each, the most frequent */
#define GATHERED 256		/* pairs told apart while a set is made */
#define PORTS_NS (5 * NS_PER_S)	/* a capture's sets */
#define EPHEMERAL 32768
#define NOTED_ALL 512		/* of a capture's set so many packets have their ports noted, */
#define NOTED_EVERY 17		/* ... then one of so many; prime: no rhythm's multiple */
#define SILENCE_NS (60 * NS_PER_S)	/* a capture without a packet for longer is none of that time */

typedef uint32_t counts[UW_WAYS][UW_CARRIED];

struct sample {
	uint64_t from_ns, to_ns;
	counts packets[DEVICES];
	float busiest[DEVICES][UW_WAYS];	/* UDP packets/s over BUSIEST_NS that ended in it */
};

/* What was counted since the reading before. */
struct reading {
	uint64_t from_ns, to_ns;
	uint32_t udp[DEVICES][UW_WAYS];
};

struct pair {
	uint8_t device;
	uint16_t local, remote;
	uint64_t n;
};

struct port_set {
	uint64_t from_ns, to_ns;
	unsigned pairs;
	struct pair pair[PORT_PAIRS];
	uint64_t rest[DEVICES];	/* packets of further pairs */
};

struct uw_traffic {
	struct device {
		uint32_t netns, ifindex;
		uint64_t last[UW_WAYS][UW_CARRIED];
		/* of a capture: an address that asks; family 0: a device */
		struct uw_addr asker;
		uint8_t family;
		uint64_t since_ns;	/* counted from then on */
		bool tcp, others;	/* the capture has TCP of it, has what is no traced service's */
	} device[DEVICES];
	unsigned devices, samples, sets, gathered, noted;	/* samples and sets: ever */
	uint64_t ports_ns;
	uint64_t rest[DEVICES];
	struct pair gather[GATHERED];
	struct port_set set[PORT_SETS];
	struct reading reading[READINGS];	/* the newest first */
	struct sample sample[SAMPLES];
};

struct uw_traffic *uw_traffic_new(void)
{
	return calloc(1, sizeof(struct uw_traffic));
}

void uw_traffic_free(struct uw_traffic *t)
{
	free(t);
}

static struct sample *newest(struct uw_traffic *t)
{
	return t->samples ? &t->sample[(t->samples - 1) % SAMPLES] : NULL;
}

static int find_device(const struct uw_traffic *t, uint32_t netns, uint32_t ifindex)
{
	unsigned i;

	for (i = 0; i < t->devices; i++) {
		if (!t->device[i].family && t->device[i].netns == netns && t->device[i].ifindex == ifindex)
			return (int)i;
	}
	return -1;
}

static int device_of(struct uw_traffic *t, uint32_t netns, uint32_t ifindex)
{
	int i = find_device(t, netns, ifindex);

	if (i >= 0 || t->devices == DEVICES)
		return i;
	t->device[t->devices] = (struct device){ .netns = netns, .ifindex = ifindex };
	return (int)t->devices++;
}

static void begin_reading(struct uw_traffic *t, uint64_t from_ns, uint64_t to_ns)
{
	memmove(t->reading + 1, t->reading, (READINGS - 1) * sizeof(*t->reading));
	t->reading[0] = (struct reading){ .from_ns = from_ns, .to_ns = to_ns };
}

static struct sample *begin_sample(struct uw_traffic *t, uint64_t from_ns, uint64_t to_ns)
{
	struct sample *s = &t->sample[t->samples++ % SAMPLES];

	memset(s, 0, sizeof(*s));
	s->from_ns = from_ns;
	s->to_ns = to_ns;
	return s;
}

void uw_traffic_sample(struct uw_traffic *t, uint64_t now_ns)
{
	struct sample *s = newest(t);

	begin_reading(t, t->reading[0].to_ns, now_ns);
	if (s && s->from_ns && s->to_ns < s->from_ns + SAMPLE_NS)
		s->to_ns = now_ns;
	else
		begin_sample(t, s ? s->to_ns : 0, now_ns);
}

/* Of this reading and those right before it: one alone may be of a moment at which the machine stood still. */
static void note_busiest(const struct uw_traffic *t, struct sample *s, int device, int way)
{
	const struct reading *r = t->reading;
	float packets = (float)r->udp[device][way], rate;
	uint64_t ns = r->to_ns - r->from_ns;
	unsigned i;

	for (i = 1; i < READINGS && ns < BUSIEST_NS && r[i].from_ns && r[i].to_ns == r[i - 1].from_ns; i++) {
		packets += (float)r[i].udp[device][way];
		ns += r[i].to_ns - r[i].from_ns;
	}
	rate = packets * (float)NS_PER_S / (float)(ns > BUSIEST_NS ? ns : BUSIEST_NS);
	if (r->from_ns && rate > s->busiest[device][way])
		s->busiest[device][way] = rate;
}

void uw_traffic_device(struct uw_traffic *t, uint32_t netns, uint32_t ifindex,
		       const uint64_t packets[UW_WAYS][UW_CARRIED])
{
	int at = device_of(t, netns, ifindex), way, what;
	struct sample *s = newest(t);

	if (at < 0 || !s)
		return;
	for (way = 0; way < UW_WAYS; way++) {
		for (what = 0; what < UW_CARRIED; what++) {
			uint64_t *last = &t->device[at].last[way][what], now = packets[way][what];

			s->packets[at][way][what] += (uint32_t)(now > *last ? now - *last : 0);
			if (what == UW_CARRIED_UDP)
				t->reading[0].udp[at][way] += (uint32_t)(now > *last ? now - *last : 0);
			*last = now;
		}
		note_busiest(t, s, at, way);
	}
}

void uw_traffic_clear(struct uw_traffic *t)
{
	memset(t, 0, sizeof(*t));
}

/* --- ports --- */

/* Of a service's port and an ephemeral one only the service's tells anything. */
static void fold_ephemeral(uint16_t *a, uint16_t *b)
{
	if (*a >= EPHEMERAL && *b < EPHEMERAL)
		*a = 0;
	else if (*b >= EPHEMERAL && *a < EPHEMERAL)
		*b = 0;
}

static void gather(struct uw_traffic *t, int device, uint16_t local, uint16_t remote, uint64_t n)
{
	unsigned i;

	fold_ephemeral(&local, &remote);
	for (i = 0; i < t->gathered; i++) {
		struct pair *p = &t->gather[i];

		if (p->device == device && p->local == local && p->remote == remote) {
			p->n += n;
			return;
		}
	}
	if (t->gathered < GATHERED)
		t->gather[t->gathered++] = (struct pair){ (uint8_t)device, local, remote, n };
	else
		t->rest[device] += n;
}

void uw_traffic_ports(struct uw_traffic *t, const struct uw_carried_ports *p, uint64_t n)
{
	int device = device_of(t, p->netns, p->ifindex);

	if (device >= 0 && n)
		gather(t, device, p->local, p->remote, n);
}

static int by_count(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return (x->n < y->n) - (x->n > y->n);
}

void uw_traffic_ports_end(struct uw_traffic *t, uint64_t now_ns)
{
	struct port_set *s = &t->set[t->sets++ % PORT_SETS];
	unsigned i;

	qsort(t->gather, t->gathered, sizeof(*t->gather), by_count);
	s->from_ns = t->ports_ns;
	s->to_ns = now_ns;
	s->pairs = t->gathered < PORT_PAIRS ? t->gathered : PORT_PAIRS;
	memcpy(s->pair, t->gather, s->pairs * sizeof(*s->pair));
	memcpy(s->rest, t->rest, sizeof(s->rest));
	for (i = s->pairs; i < t->gathered; i++)
		s->rest[t->gather[i].device] += t->gather[i].n;
	memset(t->rest, 0, sizeof(t->rest));
	t->ports_ns = now_ns;
	t->gathered = t->noted = 0;
}

/* --- captures --- */

static int find_asker(const struct uw_traffic *t, const struct uw_addr *a, uint8_t family)
{
	unsigned i;

	for (i = 0; i < t->devices; i++) {
		if (t->device[i].family == family && uw_addr_same(&t->device[i].asker, a))
			return (int)i;
	}
	return -1;
}

void uw_traffic_asker(struct uw_traffic *t, const struct uw_addr *client, uint8_t family, uint64_t when_ns)
{
	if (t->devices == DEVICES || find_asker(t, client, family) >= 0)
		return;
	t->device[t->devices++] = (struct device){ .asker = *client, .family = family, .since_ns = when_ns };
}

/* The second that a packet falls in, those without one before it. NULL: out of order, or another time's. */
static struct sample *second_of(struct uw_traffic *t, uint64_t when_ns)
{
	uint64_t from = when_ns - when_ns % NS_PER_S, last = t->samples ? newest(t)->to_ns : 0;

	if (when_ns < last)
		return when_ns >= newest(t)->from_ns ? newest(t) : NULL;
	while (last && from > last && from - last <= SILENCE_NS) {
		uint64_t end = last + NS_PER_S - last % NS_PER_S;

		begin_sample(t, last, end);
		last = end;
	}
	return begin_sample(t, from > last ? from : last, from + NS_PER_S);
}

static void count_reading(struct uw_traffic *t, struct sample *s, uint64_t when_ns, int device, int way)
{
	uint64_t from = when_ns - when_ns % UW_TRAFFIC_READ_NS;

	if (when_ns >= t->reading[0].to_ns)
		begin_reading(t, from, from + UW_TRAFFIC_READ_NS);
	t->reading[0].udp[device][way]++;
	note_busiest(t, s, device, way);
}

void uw_traffic_captured(struct uw_traffic *t, uint64_t last_ns)
{
	struct sample *s = newest(t);

	if (s && last_ns > s->from_ns && last_ns < s->to_ns)
		s->to_ns = last_ns + 1;
}

static void note_ports(struct uw_traffic *t, uint64_t when_ns, int device, uint16_t local, uint16_t remote)
{
	unsigned nth = t->noted++;

	if (!t->ports_ns)
		t->ports_ns = when_ns;
	if (when_ns > t->ports_ns + PORTS_NS)
		uw_traffic_ports_end(t, when_ns);
	if (nth < NOTED_ALL)
		gather(t, device, local, remote, 1);
	else if (nth % NOTED_EVERY == 0)
		gather(t, device, local, remote, NOTED_EVERY);
}

bool uw_traffic_packet(struct uw_traffic *t, uint64_t when_ns, const struct uw_carried_packet *p)
{
	const int end[UW_WAYS] = {
		[UW_WAY_IN] = find_asker(t, &p->to, p->family),
		[UW_WAY_OUT] = find_asker(t, &p->from, p->family),
	};
	struct sample *s;
	int way;

	if (end[UW_WAY_IN] < 0 && end[UW_WAY_OUT] < 0)
		return false;
	s = second_of(t, when_ns);
	for (way = 0; s && way < UW_WAYS; way++) {
		bool out = way == UW_WAY_OUT;

		if (end[way] < 0)
			continue;
		s->packets[end[way]][way][p->what]++;
		if (p->what == UW_CARRIED_UDP)
			count_reading(t, s, when_ns, end[way], way);
		t->device[end[way]].tcp |= p->what == UW_CARRIED_TCP;
		t->device[end[way]].others |= !p->service && p->what != UW_CARRIED_ICMP;
		if (p->what == UW_CARRIED_UDP && p->from_port)
			note_ports(t, when_ns, end[way], out ? p->from_port : p->to_port, out ? p->to_port : p->from_port);
	}
	return true;
}

/* --- a window's part --- */

struct span {
	const struct uw_traffic *t;
	int device;
	uint64_t from_ns, to_ns;
};

/* Samples overlapping a span, the oldest first; NULL behind the last. @at starts at 0. */
static const struct sample *next_sample(const struct span *s, unsigned *at)
{
	const struct uw_traffic *t = s->t;

	if (!*at && t->samples > SAMPLES)
		*at = t->samples - SAMPLES;
	while (*at < t->samples) {
		const struct sample *x = &t->sample[(*at)++ % SAMPLES];

		/* The first has no beginning: what was counted before the run, or before the address asked. */
		if (x->from_ns && x->from_ns >= t->device[s->device].since_ns && x->from_ns < s->to_ns && x->to_ns > s->from_ns)
			return x;
	}
	return NULL;
}

static double seconds(const struct sample *x)
{
	return (double)(x->to_ns - x->from_ns) / NS_PER_S;
}

/* Over two samples in a row: one by itself may be of a moment at which the machine stood still. */
static double rate_of(const struct sample *a, const struct sample *b, int device, enum uw_way way)
{
	return (a->packets[device][way][UW_CARRIED_UDP] + b->packets[device][way][UW_CARRIED_UDP]) /
	       (seconds(a) + seconds(b));
}

/* Over the samples within the span; over those that overlap it if it holds none. */
static double average(const struct span *s, enum uw_way way, enum uw_carried what, double *over_s)
{
	const struct sample *x;
	double packets = 0;
	int partly;

	*over_s = 0;
	for (partly = 0; partly < 2 && !(*over_s > 0); partly++) {
		unsigned at = 0;

		while ((x = next_sample(s, &at))) {
			if (!partly && (x->from_ns < s->from_ns || x->to_ns > s->to_ns))
				continue;
			packets += x->packets[s->device][way][what];
			*over_s += seconds(x);
		}
	}
	return *over_s > 0 ? packets / *over_s : 0;
}

static uint64_t inside(const struct span *s, enum uw_way way, enum uw_carried what)
{
	const struct sample *x;
	double packets = 0;
	unsigned at = 0;

	while ((x = next_sample(s, &at))) {
		uint64_t from = x->from_ns > s->from_ns ? x->from_ns : s->from_ns;
		uint64_t to = x->to_ns < s->to_ns ? x->to_ns : s->to_ns;

		packets += (double)x->packets[s->device][way][what] * (double)(to - from) /
			   (double)(x->to_ns - x->from_ns);
	}
	return (uint64_t)(packets + 0.5);
}

/* Of each way by itself: the onset may have cut one of them short. */
static void fill_before(struct span s, struct uw_window_traffic *out)
{
	const struct sample *x;
	unsigned at = 0;
	double over;

	while ((x = next_sample(&s, &at))) {
		out->before = true;
		if (x->busiest[s.device][UW_WAY_OUT] > out->udp_out_before)
			out->udp_out_before = x->busiest[s.device][UW_WAY_OUT];
		if (x->busiest[s.device][UW_WAY_IN] > out->udp_in_before)
			out->udp_in_before = x->busiest[s.device][UW_WAY_IN];
	}
	out->tcp_in_before = average(&s, UW_WAY_IN, UW_CARRIED_TCP, &over);
}

static void fill_during(struct span s, struct uw_window_traffic *out)
{
	out->udp_in_during = average(&s, UW_WAY_IN, UW_CARRIED_UDP, &out->during_s);
	out->udp_out_during = average(&s, UW_WAY_OUT, UW_CARRIED_UDP, &out->during_s);
	out->tcp_in_during = inside(&s, UW_WAY_IN, UW_CARRIED_TCP);
	out->during = out->during_s > 0;
}

/* What went out at its calmest, and what came in from the first answer on. */
static void fill_release(struct span s, uint64_t first_good_ns, struct uw_window_traffic *out)
{
	const struct sample *x, *last = NULL;
	unsigned at = 0;
	double over;

	for (; (x = next_sample(&s, &at)); last = x) {
		double there = last ? rate_of(last, x, s.device, UW_WAY_OUT) : 0;

		if (!last || (out->release && there >= out->udp_out_release))
			continue;
		out->release = true;
		out->udp_out_release = there;
	}
	s.from_ns = first_good_ns;
	s.to_ns = first_good_ns + LET_THROUGH_NS;
	out->udp_in_release = average(&s, UW_WAY_IN, UW_CARRIED_UDP, &over);
}

static unsigned gather_sets(const struct span *s, struct pair *pair, unsigned max, uint64_t *total)
{
	const struct uw_traffic *t = s->t;
	unsigned at = t->sets > PORT_SETS ? t->sets - PORT_SETS : 0, n = 0, i, k;

	*total = 0;
	for (; at < t->sets; at++) {
		const struct port_set *set = &t->set[at % PORT_SETS];

		if (set->from_ns >= s->to_ns || set->to_ns <= s->from_ns)
			continue;
		*total += set->rest[s->device];
		for (i = 0; i < set->pairs; i++) {
			const struct pair *p = &set->pair[i];

			if (p->device != s->device)
				continue;
			*total += p->n;
			for (k = 0; k < n && (pair[k].local != p->local || pair[k].remote != p->remote); k++)
				;
			if (k < n)
				pair[k].n += p->n;
			else if (n < max)
				pair[n++] = *p;
		}
	}
	return n;
}

static uint64_t packets_of(const struct pair *pair, unsigned n, uint16_t port)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		sum += pair[i].local == port || pair[i].remote == port ? pair[i].n : 0;
	return sum;
}

/* Of two ports with as many packets the service's is meant: not the ephemeral one, else what is asked. */
static bool better(uint64_t a, uint16_t port, uint64_t b, uint16_t than)
{
	if (a != b)
		return a > b;
	return port < EPHEMERAL && than >= EPHEMERAL;
}

/* The port of most packets, without its packets the next, and so on: either end of a flow may be it. */
static void fill_ports(struct span s, struct uw_window_traffic *out)
{
	struct pair pair[4 * PORT_PAIRS];
	uint64_t total, best_n;
	unsigned n = gather_sets(&s, pair, 4 * PORT_PAIRS, &total), i;

	for (out->ports = 0; out->ports < UW_TOP_PORTS && n; out->ports++) {
		uint16_t best = 0;

		best_n = 0;
		for (i = 0; i < 2 * n; i++) {
			uint16_t port = i % 2 ? pair[i / 2].local : pair[i / 2].remote;
			uint64_t here = packets_of(pair, n, port);

			if (port && better(here, port, best_n, best)) {
				best = port;
				best_n = here;
			}
		}
		if (!best_n || 20 * best_n < total)
			return;
		out->port[out->ports].port = best;
		out->port[out->ports].share = (double)best_n / (double)total;
		for (i = 0; i < n;) {
			if (pair[i].local == best || pair[i].remote == best)
				pair[i] = pair[--n];
			else
				i++;
		}
	}
}

/* An address's own, of those that lost queries in the window: the one of most UDP packets meanwhile. */
static int busiest_asker(const struct uw_traffic *t, const struct uw_window *w)
{
	uint64_t from = w->first_bad_ns > BEFORE_NS ? w->first_bad_ns - BEFORE_NS : 0, most = 0;
	int best = -1;
	unsigned i;

	for (i = 0; i < w->flows; i++) {
		struct span s = { t, find_asker(t, &w->flow[i].id.client, w->flow[i].id.family), from, w->last_bad_ns };
		uint64_t n;

		if (s.device < 0 || !t->device[s.device].others)
			continue;
		n = inside(&s, UW_WAY_OUT, UW_CARRIED_UDP) + inside(&s, UW_WAY_IN, UW_CARRIED_UDP);
		if (best < 0 || n > most) {
			best = s.device;
			most = n;
		}
	}
	return best;
}

uint8_t uw_traffic_rates(const struct uw_traffic *t, struct uw_addr *asker, uw_rate_fn fn, void *arg)
{
	struct span s = { t, -1, 0, UINT64_MAX };
	const struct sample *x;
	uint64_t most = 0;
	unsigned i, at = 0;

	for (i = 0; i < t->devices; i++) {
		struct span one = { t, (int)i, 0, UINT64_MAX };
		uint64_t n = inside(&one, UW_WAY_OUT, UW_CARRIED_UDP) + inside(&one, UW_WAY_IN, UW_CARRIED_UDP);

		if (t->device[i].family && t->device[i].others && n > most) {
			most = n;
			s.device = (int)i;
		}
	}
	if (s.device < 0)
		return 0;
	while ((x = next_sample(&s, &at))) {
		const double pps[UW_WAYS] = {
			[UW_WAY_IN] = x->packets[s.device][UW_WAY_IN][UW_CARRIED_UDP] / seconds(x),
			[UW_WAY_OUT] = x->packets[s.device][UW_WAY_OUT][UW_CARRIED_UDP] / seconds(x),
		};

		if (seconds(x) > 0.5) /* the first and the last may be parts of one */
			fn(arg, x->from_ns, x->to_ns, pps);
	}
	*asker = t->device[s.device].asker;
	return t->device[s.device].family;
}

/* As it is told, so that who reads the record again comes to the same. */
static void round_rates(struct uw_window_traffic *t)
{
	double *const rate[] = {
		&t->udp_out_before, &t->udp_in_before, &t->udp_in_during, &t->udp_out_during, &t->udp_out_release,
		&t->udp_in_release, &t->tcp_in_before,
	};
	unsigned i;

	for (i = 0; i < sizeof(rate) / sizeof(*rate); i++)
		*rate[i] = (double)(uint64_t)(*rate[i] + 0.5);
}

/* A window that has lasted for longer than samples are kept: what was told of it when it opened. */
static void keep_before(const struct uw_window_traffic *told, struct uw_window_traffic *out)
{
	*out = *told;
	out->during = out->release = false;
	out->udp_in_during = out->udp_out_during = out->udp_out_release = out->udp_in_release = out->during_s = 0;
	out->tcp_in_during = 0;
}

void uw_traffic_fill(const struct uw_traffic *t, struct uw_window *w)
{
	const struct uw_window_traffic told = w->traffic;
	struct span s = { .t = t, .device = find_device(t, w->wire_netns, w->wire_ifindex) };

	memset(&w->traffic, 0, sizeof(w->traffic));
	if (s.device < 0)
		s.device = busiest_asker(t, w);
	if (s.device < 0 || !w->first_bad_ns)
		return;
	w->traffic.no_tcp = t->device[s.device].family && !t->device[s.device].tcp;
	s.from_ns = w->first_bad_ns > BEFORE_NS ? w->first_bad_ns - BEFORE_NS : 0;
	s.to_ns = w->first_bad_ns + EDGE_NS;
	fill_before(s, &w->traffic);
	s.to_ns = w->first_bad_ns;
	fill_ports(s, &w->traffic);
	if (!w->traffic.before)
		keep_before(&told, &w->traffic);
	s.from_ns = w->first_bad_ns;
	s.to_ns = w->last_bad_ns;
	fill_during(s, &w->traffic);
	s.from_ns = w->last_bad_ns;
	s.to_ns = w->first_good_ns + EDGE_NS;
	if (w->first_good_ns)
		fill_release(s, w->first_good_ns, &w->traffic);
	round_rates(&w->traffic);
}
