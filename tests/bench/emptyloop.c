// SPDX-License-Identifier: GPL-2.0-only
/* What reading a capture costs at the least: libpcap, and nothing done with its frames. */
#include <pcap/pcap.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *p = argc == 2 ? pcap_open_offline(argv[1], error) : NULL;
	struct pcap_pkthdr *h;
	const u_char *frame;
	unsigned long n = 0, bytes = 0;

	if (!p)
		return 1;
	while (pcap_next_ex(p, &h, &frame) == 1) {
		n++;
		bytes += h->caplen;
	}
	pcap_close(p);
	printf("%lu %lu\n", n, bytes);
	return 0;
}
