// SPDX-License-Identifier: GPL-2.0-only
/*
 * A flood of requests from made-up addresses, out by one device: flood DEVICE MAC ADDRESS PER_SECOND COUNT.
 * A third goes to port 53 from ports below 20000, a third to port 53 from others, a third (NTP) to port 123;
 * each has a source and a transaction of its own. Bounded by COUNT. Prints how many the kernel took and the rate.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define FRAME 128

struct frame {
	unsigned char bytes[FRAME];
	size_t length;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static size_t payload(unsigned char *to, unsigned kind, uint32_t n)
{
	static const unsigned char question[] = "\1q\4test\0\0\1\0\1";

	if (kind == 2) {
		memset(to, 0, 48);
		to[0] = 0x23;
		memcpy(to + 40, &n, sizeof(n));
		to[44] = 1;
		return 48;
	}
	memset(to, 0, 12);
	to[0] = n >> 8;
	to[1] = n;
	to[2] = 1;
	to[5] = 1;
	memcpy(to + 12, question, sizeof(question) - 1);
	return 12 + sizeof(question) - 1;
}

static uint16_t ip_sum(const void *header)
{
	const unsigned char *p = header;
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* Sources in 198.18.0.0/15 (RFC 2544). */
static void make(struct frame *f, const unsigned char *mac, struct in_addr to, uint32_t n)
{
	struct ether_header *eth = (struct ether_header *)f->bytes;
	struct iphdr *ip = (struct iphdr *)(eth + 1);
	struct udphdr *udp = (struct udphdr *)(ip + 1);
	unsigned kind = n % 3;
	size_t size = payload((unsigned char *)(udp + 1), kind, n);

	memcpy(eth->ether_dhost, mac, 6);
	memset(eth->ether_shost, 2, 6);
	eth->ether_type = htons(ETHERTYPE_IP);
	memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->protocol = IPPROTO_UDP;
	ip->tot_len = htons((uint16_t)(28 + size));
	ip->saddr = htonl(0xc6120000 | (n * 2654435761u) >> 15);
	ip->daddr = to.s_addr;
	ip->check = ip_sum(ip);
	udp->source = htons((uint16_t)((kind == 0 ? 10000 : 30000) + n % 10000));
	udp->dest = htons(kind == 2 ? 123 : 53);
	udp->len = htons((uint16_t)(8 + size));
	udp->check = 0;
	f->length = 14 + 28 + size;
}

static unsigned send_batch(int fd, struct frame *frame, unsigned count)
{
	static struct mmsghdr message[BATCH];
	static struct iovec vector[BATCH];
	int sent;

	for (unsigned i = 0; i < count; i++) {
		vector[i] = (struct iovec){ frame[i].bytes, frame[i].length };
		message[i].msg_hdr = (struct msghdr){ .msg_iov = &vector[i], .msg_iovlen = 1 };
	}
	sent = sendmmsg(fd, message, count, 0);
	return sent < 0 ? 0 : (unsigned)sent;
}

int main(int argc, char **argv)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	static struct frame frame[BATCH];
	unsigned char mac[6];
	struct in_addr to;
	uint32_t count, n = 0, sent = 0;
	double rate, start;
	int fd;

	if (argc != 6 || sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6 ||
	    inet_pton(AF_INET, argv[3], &to) != 1) {
		fprintf(stderr, "usage: flood DEVICE MAC ADDRESS PER_SECOND COUNT\n");
		return 2;
	}
	rate = atof(argv[4]);
	count = (uint32_t)strtoul(argv[5], NULL, 10);
	at.sll_ifindex = (int)if_nametoindex(argv[1]);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at))) {
		perror("flood");
		return 1;
	}
	for (start = now(); n < count;) {
		unsigned batch = count - n < BATCH ? count - n : BATCH;

		while (n > (now() - start) * rate)
			usleep(200);
		for (unsigned i = 0; i < batch; i++)
			make(&frame[i], mac, to, n++);
		sent += send_batch(fd, frame, batch);
	}
	printf("%u sent at %.0f/s\n", sent, sent / (now() - start));
	return 0;
}
