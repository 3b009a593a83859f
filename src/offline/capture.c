// SPDX-License-Identifier: GPL-2.0-only
#include "offline/capture.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <pcap/pcap.h>

#include "core/text_safe.h"
#include "offline/link.h"

#define BATCH 65536	/* frames between two looks at the progress */

struct reader {
	pcap_t *pcap;
	int dlt;
	struct uw_decode *decode;
	struct uw_capture_counts *counts;
	struct bpf_program filter;
	bool filtered;
};

static int fail(char error[UW_CAPTURE_ERROR], int err, const char *path, const char *format, ...)
{
	char name[200], text[300];
	va_list args;

	uw_safe_text(path, strlen(path), name, sizeof(name));
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(error, UW_CAPTURE_ERROR, "%s: %s", name, text);
	return err;
}

/* With nanosecond precision asked for, tv_usec holds nanoseconds. */
static void take_frame(u_char *arg, const struct pcap_pkthdr *h, const u_char *frame)
{
	struct reader *r = (struct reader *)arg;

	r->counts->frames++;
	r->counts->bytes += h->caplen;
	if (r->filtered && !pcap_offline_filter(&r->filter, h, frame)) {
		r->counts->filtered++;
		return;
	}
	uw_decode_frame(r->decode, r->dlt, frame, h->caplen,
			(uint64_t)h->ts.tv_sec * 1000000000ull + (uint64_t)h->ts.tv_usec);
}

static uint64_t file_size(FILE *f)
{
	struct stat st;

	return fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

static int read_frames(struct reader *r, const char *path, const struct uw_capture_options *o, char *error)
{
	FILE *f = pcap_file(r->pcap);
	struct uw_capture_progress p = { .total = file_size(f) };
	int n;

	do {
		n = pcap_dispatch(r->pcap, BATCH, take_frame, (u_char *)r);
		if (p.total) {
			long at = ftell(f);

			p.done = at > 0 ? (uint64_t)at : p.done;
		}
		if (o->progress && !o->progress(o->arg, &p))
			return 0;
	} while (n > 0);
	if (n < 0)
		return fail(error, -EIO, path, "frame %llu: %s; what came before it was analysed",
			    (unsigned long long)r->counts->frames + 1, pcap_geterr(r->pcap));
	return 0;
}

static int prepare(struct reader *r, const char *path, const struct uw_capture_options *o, char *error)
{
	const char *name;

	r->dlt = pcap_datalink(r->pcap);
	if (!uw_link_known(r->dlt)) {
		name = pcap_datalink_val_to_name(r->dlt);
		return fail(error, -EINVAL, path,
			    "link type %s is not one that udpwhy reads; capture on an Ethernet, cooked (any) or raw IP device",
			    name ? name : "unknown");
	}
	if (!o->filter)
		return 0;
	if (pcap_compile(r->pcap, &r->filter, o->filter, 1, PCAP_NETMASK_UNKNOWN))
		return fail(error, -EINVAL, path, "--filter: %s (see pcap-filter(7))", pcap_geterr(r->pcap));
	r->filtered = true;
	return 0;
}

int uw_capture_read(const char *path, const struct uw_capture_options *o, struct uw_decode *decode,
		    struct uw_capture_counts *counts, char error[UW_CAPTURE_ERROR])
{
	struct reader r = { .decode = decode, .counts = counts };
	char why[PCAP_ERRBUF_SIZE] = "";
	int err;

	r.pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!r.pcap)
		return fail(error, -EIO, strcmp(path, "-") ? path : "standard input",
			    "cannot read it as pcap or pcapng: %s", why);
	err = prepare(&r, path, o, error);
	if (!err)
		err = read_frames(&r, path, o, error);
	if (r.filtered)
		pcap_freecode(&r.filter);
	pcap_close(r.pcap);
	return err;
}

const char *uw_capture_library(void)
{
	return pcap_lib_version();
}
