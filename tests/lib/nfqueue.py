#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Listen on netfilter queues, for tests: one answers nothing, one drops, one accepts, one accepts
once two packets wait: they go on at the same time.

    nfqueue.py NUMBER:none|drop|accept|pair...

Prints "ready" once it listens, and a line for each packet. linux/netfilter/nfnetlink_queue.h
"""

import socket
import struct
import sys

NETLINK_NETFILTER = 12
SUBSYSTEM = 3                                       # NFNL_SUBSYS_QUEUE
PACKET, VERDICT, CONFIG = 0, 1, 2                   # message types
ATTR_PACKET_HDR, ATTR_VERDICT_HDR = 1, 2            # of packets and verdicts
CFG_CMD, CFG_PARAMS = 1, 2                          # of configurations
BIND, COPY_META = 1, 1
REQUEST, ACK, ERROR = 1, 4, 2                       # linux/netlink.h
VERDICTS = {"drop": 0, "accept": 1, "pair": 1}      # NF_DROP, NF_ACCEPT


def message(kind, queue, flags, attr, data):
    body = struct.pack("!BBH", socket.AF_UNSPEC, 0, queue)
    body += struct.pack("=HH", len(data) + 4, attr) + data + bytes(-len(data) % 4)
    return struct.pack("=IHHII", len(body) + 16, SUBSYSTEM << 8 | kind, flags, 0, 0) + body


def configure(sock, queue, attr, data):
    sock.send(message(CONFIG, queue, REQUEST | ACK, attr, data))
    _, kind, _, _, _, status = struct.unpack_from("=IHHIIi", sock.recv(65536))
    if kind != ERROR or status:
        sys.exit(f"queue {queue}: error {-status}")


def packet_id(data):
    """The id of a queued packet: its first attribute is the header that begins with it."""
    at = 20
    while at < len(data):
        length, attr = struct.unpack_from("=HH", data, at)
        if attr & 0x3fff == ATTR_PACKET_HDR:
            return struct.unpack_from("!I", data, at + 4)[0]
        at += (length + 3) & ~3
    return None


def main():
    kinds = {int(n): v for n, _, v in (a.partition(":") for a in sys.argv[1:])}
    waiting = {}
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    sock.bind((0, 0))
    for queue in kinds:
        configure(sock, queue, CFG_CMD, struct.pack("!BBH", BIND, 0, 0))
        configure(sock, queue, CFG_PARAMS, struct.pack("!IB", 0, COPY_META))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    print("ready", flush=True)
    while True:
        data = sock.recv(65536)
        if struct.unpack_from("=IH", data)[1] != SUBSYSTEM << 8 | PACKET:
            continue        # an error: a packet was gone before its verdict came
        queue, ident = struct.unpack_from("!H", data, 18)[0], packet_id(data)
        print(f"queue {queue} packet {ident}", flush=True)
        waiting.setdefault(queue, []).append(ident)
        if kinds[queue] == "none" or kinds[queue] == "pair" and len(waiting[queue]) < 2:
            continue
        for ident in waiting.pop(queue):
            sock.send(message(VERDICT, queue, REQUEST, ATTR_VERDICT_HDR,
                              struct.pack("!II", VERDICTS[kinds[queue]], ident)))


if __name__ == "__main__":
    main()
