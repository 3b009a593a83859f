#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Fill this namespace's connection tracking table to the kernel's limit, for tests.

    ctfill.py        then the table refuses every new connection; "conntrack -F" empties it

The entries are assured, so that none is given up early. linux/netfilter/nfnetlink_conntrack.h
"""

import socket
import struct
import sys

NETLINK_NETFILTER, SUBSYSTEM, NEW = 12, 1, 0
REQUEST, CREATE, EXCL = 1, 0x400, 0x200
TUPLE_ORIG, TUPLE_REPLY, STATUS, TIMEOUT = 1, 2, 3, 7
TUPLE_IP, TUPLE_PROTO, V4_SRC, V4_DST = 1, 2, 1, 2
PROTO_NUM, SRC_PORT, DST_PORT = 1, 2, 3
NESTED = 0x8000
SEEN_REPLY_ASSURED_CONFIRMED = 0x2 | 0x4 | 0x8
BATCH = 200
LIMIT = "/proc/sys/net/netfilter/nf_conntrack_max"


def attr(kind, data):
    return struct.pack("=HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)


def tuple_of(kind, src, dst, sport, dport):
    ip = attr(V4_SRC, src) + attr(V4_DST, dst)
    proto = attr(PROTO_NUM, b"\x11") + attr(SRC_PORT, sport) + attr(DST_PORT, dport)
    return attr(kind | NESTED, attr(TUPLE_IP | NESTED, ip) + attr(TUPLE_PROTO | NESTED, proto))


def entry(number):
    """192.0.2.x:y to 198.51.100.1:9, a different one for each number."""
    src = bytes([192, 0, 2, 1 + number // 60000])
    dst, sport, dport = bytes([198, 51, 100, 1]), struct.pack("!H", 1 + number % 60000), b"\0\x09"
    body = struct.pack("!BBH", socket.AF_INET, 0, 0) + \
        tuple_of(TUPLE_ORIG, src, dst, sport, dport) + \
        tuple_of(TUPLE_REPLY, dst, src, dport, sport) + \
        attr(STATUS, struct.pack("!I", SEEN_REPLY_ASSURED_CONFIRMED)) + \
        attr(TIMEOUT, struct.pack("!I", 600))
    return struct.pack("=IHHII", len(body) + 16, SUBSYSTEM << 8 | NEW, REQUEST | CREATE | EXCL,
                       0, 0) + body


def main():
    with open(LIMIT, encoding="ascii") as file:
        limit = int(file.read())
    if limit > 4000000:
        sys.exit(f"{LIMIT} is {limit}: too many to fill")
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    for first in range(0, limit + BATCH, BATCH):
        sock.send(b"".join(entry(n) for n in range(first, first + BATCH)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
