// SPDX-License-Identifier: GPL-2.0-only
#include "offline/capture.h"

#include <errno.h>
#include <string.h>

#include <pcap/pcap.h>

#include "offline/link.h"
#include "offline/pcapng.h"

#define BATCH 65536	/* frames between two looks at the progress */
#define FILTERS 16	/* link types of one file that a filter is compiled for */

/* The filter expression, for the frames of one link type. */
struct filter {
	int dlt;
	struct bpf_program program;
};

struct reader {
	struct uw_source *source;
	const struct uw_capture_options *options;
	struct uw_decode *decode;
	struct uw_capture_counts *counts;
	char *error;
	struct filter filter[FILTERS];
	unsigned filters;
	uint64_t unknown;	/* frames of a link type that cannot be read, */
	int unknown_dlt;	/* ... the last one */
	bool stopped;
};

static int fail_link(struct reader *r, int dlt)
{
	const char *name = pcap_datalink_val_to_name(dlt);
	char number[24];

	snprintf(number, sizeof(number), "%d", dlt);
	return uw_source_fail(r->source, r->error, -EINVAL,
			      "link type %s is not one that udpwhy reads; capture on an Ethernet, cooked (any) or raw IP device",
			      name ? name : number);
}

/* The program for a link type, compiled at its first frame. Return: NULL after a failure, which is told. */
static struct bpf_program *filter_for(struct reader *r, int dlt)
{
	struct filter *f;
	pcap_t *p;
	unsigned i;
	int err;

	for (i = 0; i < r->filters; i++) {
		if (r->filter[i].dlt == dlt)
			return &r->filter[i].program;
	}
	p = r->filters < FILTERS ? pcap_open_dead(dlt, 262144) : NULL;
	if (!p) {
		uw_source_fail(r->source, r->error, -ENOMEM, "--filter: too many link types in one file");
		return NULL;
	}
	f = &r->filter[r->filters];
	err = pcap_compile(p, &f->program, r->options->filter, 1, PCAP_NETMASK_UNKNOWN);
	if (err)
		uw_source_fail(r->source, r->error, -EINVAL, "--filter: %s (see pcap-filter(7))", pcap_geterr(p));
	pcap_close(p);
	if (err)
		return NULL;
	f->dlt = dlt;
	r->filters++;
	return &f->program;
}

static int take_frame(struct reader *r, int dlt, const struct pcap_pkthdr *h, uint64_t when_ns,
		      const uint8_t *frame)
{
	struct bpf_program *program;

	r->counts->frames++;
	r->counts->bytes += h->caplen;
	if (!r->counts->first_ns || when_ns < r->counts->first_ns)
		r->counts->first_ns = when_ns;
	if (when_ns > r->counts->last_ns)
		r->counts->last_ns = when_ns;
	if (r->options->filter) {
		program = filter_for(r, dlt);
		if (!program)
			return -EINVAL;
		if (!pcap_offline_filter(program, h, frame)) {
			r->counts->filtered++;
			return 0;
		}
	}
	uw_decode_frame(r->decode, dlt, frame, h->caplen, when_ns);
	return 0;
}

static bool goes_on(struct reader *r)
{
	struct uw_capture_progress p = {
		.done = uw_source_at(r->source), .total = r->source->size, .frames = r->counts->frames,
	};

	r->stopped = r->options->progress && !r->options->progress(r->options->arg, &p);
	return !r->stopped;
}

/* Whoever ends a capture ends it within a frame as often as not. */
static int cut_short(struct reader *r)
{
	return uw_source_fail(r->source, r->error, UW_CAPTURE_CUT,
			      "the file ends within frame %llu, which is left out: the capture was stopped there",
			      (unsigned long long)r->counts->frames + 1);
}

static int cut_off(struct reader *r, int err, const char *why)
{
	return uw_source_fail(r->source, r->error, err, "frame %llu: %s; what came before it was analysed",
			      (unsigned long long)r->counts->frames + 1, why);
}

static bool ends_early(FILE *f)
{
	return feof(f) && !ferror(f);
}

/* pcap, through libpcap. With nanosecond precision asked for, tv_usec holds nanoseconds. */
static int read_pcap(struct reader *r, pcap_t *p)
{
	int dlt = pcap_datalink(p), got, err = 0;
	struct pcap_pkthdr *h;
	const u_char *frame;
	unsigned n = 0;

	if (!uw_link_known(dlt))
		return fail_link(r, dlt);
	if (r->options->filter && !filter_for(r, dlt))
		return -EINVAL;
	while ((got = pcap_next_ex(p, &h, &frame)) == 1) {
		err = take_frame(r, dlt, h, (uint64_t)h->ts.tv_sec * 1000000000ull + (uint64_t)h->ts.tv_usec, frame);
		if (err || (++n % BATCH == 0 && !goes_on(r)))
			return err;
	}
	if (got == PCAP_ERROR_BREAK)
		return 0;
	return ends_early(r->source->file) ? cut_short(r) : cut_off(r, -EIO, pcap_geterr(p));
}

static int open_pcap(struct reader *r)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	pcap_t *p = pcap_fopen_offline_with_tstamp_precision(r->source->file, PCAP_TSTAMP_PRECISION_NANO, why);
	int err;

	if (!p)
		return uw_source_fail(r->source, r->error, -EIO,
				      "neither pcap nor pcapng nor JSON lines of udpwhy: %s", why);
	err = read_pcap(r, p);
	pcap_close(p);
	r->source->file = NULL; /* libpcap has closed it */
	return err;
}

static int take_frames(struct reader *r, struct uw_pcapng *p)
{
	struct uw_pcapng_frame f;
	char why[UW_PCAPNG_ERROR];
	unsigned n = 0;
	int got;

	while ((got = uw_pcapng_next(p, &f, why)) == 1) {
		struct pcap_pkthdr h = { .caplen = f.len, .len = f.wire_len };

		if (!uw_link_known(f.dlt)) {
			r->counts->frames++;
			r->unknown++;
			r->unknown_dlt = f.dlt;
			continue;
		}
		got = take_frame(r, f.dlt, &h, f.when_ns, f.data);
		if (got || (++n % BATCH == 0 && !goes_on(r)))
			return got;
	}
	if (got == -ENODATA)
		return cut_short(r);
	return got < 0 ? cut_off(r, got, why) : 0;
}

static int read_pcapng(struct reader *r)
{
	struct uw_pcapng *p = uw_pcapng_new(r->source->file);
	int err;

	if (!p)
		return uw_source_fail(r->source, r->error, -ENOMEM, "out of memory");
	err = take_frames(r, p);
	if (!err && r->unknown)
		err = fail_link(r, r->unknown_dlt);
	if (!err && uw_pcapng_timeless(p))
		err = uw_source_fail(r->source, r->error, -EINVAL,
				     "%llu frames have no time (simple packet blocks) and were passed over",
				     (unsigned long long)uw_pcapng_timeless(p));
	uw_pcapng_free(p);
	return err;
}

int uw_capture_read(struct uw_source *source, const struct uw_capture_options *o, struct uw_decode *decode,
		    struct uw_capture_counts *counts, char error[UW_SOURCE_ERROR])
{
	struct reader r = { .source = source, .options = o, .decode = decode, .counts = counts, .error = error };
	int err = source->kind == UW_SOURCE_PCAPNG ? read_pcapng(&r) : open_pcap(&r);

	while (r.filters)
		pcap_freecode(&r.filter[--r.filters].program);
	return err;
}

const char *uw_capture_library(void)
{
	return pcap_lib_version();
}
