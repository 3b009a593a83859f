/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The active probe: asks one server the same thing through several doors, from an ephemeral and from a
 * fixed port, DNS also with EDNS buffer sizes, and keeps what came back. At most one packet leaves per
 * interval and prober, whatever happens, and none after a kiss-o'-death that says "go away" (RFC 5905
 * 7.4). It neither sleeps nor reads a clock: the caller polls, and says what time it is.
 */
#ifndef UW_PROBER_H
#define UW_PROBER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

#define UW_PROBE_COUNT_LIMIT 60
#define UW_PROBE_OPT 11			/* bytes of an OPT record without options (RFC 6891 6.1.2) */
#define UW_PROBE_PACKET_MAX (12 + UW_QUESTION_MAX + UW_PROBE_OPT)
#define UW_PROBE_INTERVAL_NS 1000000000ull
#define UW_PROBE_EDNS 3
#define UW_PROBE_ADDRESSES 16
#define UW_PROBE_DOORS (2 + UW_PROBE_EDNS)	/* at the most: ephemeral, fixed, one for each EDNS size */
#define UW_PROBE_NEVER UINT64_MAX

struct uw_probe_target {
	struct uw_addr server;
	uint32_t scope_id;	/* IPv6 link-local: the device's index */
	uint16_t port;
	uint16_t fixed_port;	/* source port of the fixed door; 0: the protocol's 123 or 53 */
	uint8_t family;		/* 4 or 6 */
	uint8_t protocol;	/* enum uw_proto */
	uint16_t question_len;	/* DNS: bytes of question; 0: ". NS IN" */
	uint8_t question[UW_QUESTION_MAX];	/* QNAME, QTYPE, QCLASS in wire form */
	uint16_t edns[UW_PROBE_EDNS];	/* DNS: buffer sizes to ask with as well, from ephemeral ports */
	uint8_t edns_count;
	uint64_t interval_ns;	/* between packets; 0: UW_PROBE_INTERVAL_NS */
	uint64_t until_ns;	/* CLOCK_BOOTTIME: no packet leaves later; 0: no limit */
};

/* The kind of reply: of the last one where there are several. */
struct uw_probe_reply {
	bool kod;		/* NTP: a kiss-o'-death, whose code is refid */
	uint8_t stratum;	/* NTP */
	uint8_t rcode;		/* DNS */
	bool truncated;		/* DNS */
	bool authoritative;	/* DNS */
	/* DNS: those of the answer section that are of the type asked for, the first ones */
	unsigned addresses;
	bool more_addresses;
	uint8_t address_family;
	struct uw_addr address[UW_PROBE_ADDRESSES];
	uint32_t refid;		/* NTP, network order */
	bool unsynchronised;	/* NTP: stratum 0 or 16, or the leap indicator says alarm */
	int64_t receive_ns, transmit_ns;	/* NTP: the server's clock, since 1970 */
};

struct uw_probe_result {
	bool fixed;		/* which door */
	bool raw;		/* the fixed port was taken: asked through a raw socket */
	uint16_t edns;		/* asked with this EDNS buffer size, 0 none */
	struct uw_addr client;	/* the address asked from, zero if the door did not open */
	uint16_t port;		/* the port asked from; 0 likewise */
	unsigned sent;		/* packets the kernel took */
	unsigned failed;	/* ... and refused: last_errno */
	unsigned answered;	/* in time, refusals (kod, rcode) included */
	unsigned late;		/* after the timeout */
	unsigned refused;	/* of the answered: REFUSED, or a kiss-o'-death that says "go away" */
	unsigned failed_there;	/* ... another rcode than NOERROR; NTP: the server's clock is not set */
	unsigned truncated;	/* ... TC */
	unsigned largest;	/* bytes of the largest answer */
	/* NTP: the server's clock minus CLOCK_BOOTTIME, of the answer with the shortest way (RFC 5905 8);
	 * has_offset: there was one from a clock that is set */
	bool has_offset;
	int64_t offset_ns;
	uint64_t offset_delay_ns;
	uint64_t rtt_us[UW_PROBE_COUNT_LIMIT];	/* of the answered, in ascending order */
	uint64_t median_us;	/* 0 without answers */
	int last_errno;		/* of opening, sending or an ICMP error, positive; 0 none */
	struct uw_probe_reply reply;
};

struct uw_prober;

/**
 * uw_prober_new - open both doors.
 * @t: is copied. count_per_door: 1 to UW_PROBE_COUNT_LIMIT. timeout_ns: for each packet.
 * They are opened in the calling thread's network namespace and stay there.
 *
 * A door that does not open (last_errno says why) is no error: the other one is asked.
 * Return: to be freed with uw_prober_free(); NULL with errno EINVAL or ENOMEM.
 */
struct uw_prober *uw_prober_new(const struct uw_probe_target *t, unsigned count_per_door,
				uint64_t timeout_ns);
void uw_prober_free(struct uw_prober *p);

/** uw_prober_pollfds - what to wait for. Return: how many of @fds, at most @max, were filled in. */
int uw_prober_pollfds(const struct uw_prober *p, struct pollfd *fds, unsigned max);

/** uw_prober_next_ns - when to call uw_prober_run() even if nothing is readable: 0 at once,
 * UW_PROBE_NEVER when done. */
uint64_t uw_prober_next_ns(const struct uw_prober *p);

/** uw_prober_run - read what came, send what is due. @now_ns: CLOCK_BOOTTIME; never goes back. */
void uw_prober_run(struct uw_prober *p, uint64_t now_ns);

/** uw_prober_done - all sent, and answered or timed out. */
bool uw_prober_done(const struct uw_prober *p);

/** uw_prober_doors - how many doors there are, at most UW_PROBE_DOORS. */
unsigned uw_prober_doors(const struct uw_prober *p);

/** uw_prober_results - one for each door: ephemeral, fixed, then the EDNS sizes; valid until the prober
 * is freed. */
const struct uw_probe_result *uw_prober_results(const struct uw_prober *p);

/* What the prober is made of: pure functions on bytes. packet.c */

/**
 * uw_probe_request - the request as UDP payload.
 * @transaction: NTP: the transmit timestamp as it shall stand; DNS: the id, host order. edns: 0, or the
 * buffer size to tell in an OPT record, with DO set, as a resolver that validates would.
 *
 * NTP: mode 3, version 4, everything else zero: a server learns nothing of our clock.
 * Return: length in bytes, 0 if the protocol is unknown or the question too long.
 */
size_t uw_probe_request(const struct uw_probe_target *t, uint64_t transaction, uint16_t edns,
			uint8_t buf[UW_PROBE_PACKET_MAX]);

/** uw_probe_refused - whether a reply says "not you" or "not so often": REFUSED; RATE, DENY, RSTR, NTSN. */
bool uw_probe_refused(const struct uw_probe_target *t, const struct uw_probe_reply *r);

/**
 * uw_probe_matches - whether @reply (@len bytes of UDP payload) answers that request: NTP mode 4
 * with its transmit timestamp as origin; DNS its id and question (name in any case). A DNS error
 * may leave the question out (RFC 9619). @r: written if it does.
 */
bool uw_probe_matches(const struct uw_probe_target *t, uint64_t transaction, const uint8_t *reply,
		      size_t len, struct uw_probe_reply *r);

/** uw_udp_checksum - RFC 768, RFC 8200 8.1. @udp: header (checksum zero) and payload, @len bytes.
 * Return: the checksum as a number in host order, never 0. */
uint16_t uw_udp_checksum(unsigned family, const struct uw_addr *source,
			 const struct uw_addr *destination, const uint8_t *udp, size_t len);

#define UW_UDP_HEADER 8

/** uw_udp_header - write the header for the @len bytes of payload at @udp + UW_UDP_HEADER. */
void uw_udp_header(unsigned family, const struct uw_addr *source, uint16_t source_port,
		   const struct uw_addr *destination, uint16_t destination_port, uint8_t *udp,
		   size_t len);

/**
 * uw_raw_payload - the UDP payload of what a raw socket received.
 * @packet: @len bytes: IPv4 with its header, IPv6 without (raw(7), ipv6(7)). @from, @to: the
 * ports it must have.
 *
 * The checksum is not looked at: it is not filled in yet on virtual devices, and the origin
 * timestamp or id decides anyhow.
 * Return: pointer into @packet, *payload_len filled; NULL if it is not such a datagram or cut off.
 */
const uint8_t *uw_raw_payload(unsigned family, const uint8_t *packet, size_t len, uint16_t from,
			      uint16_t to, size_t *payload_len);

#endif
