#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Send ICMP errors about a DNS query, as a router would that quotes much, little, or something else.

    icmpquote.py LOG CLIENT SERVER PORT NAME TYPE:CODE:MTU:full|short|other...

Says "ready", and waits until the server's LOG says that PORT has asked: the query is open then. full quotes the whole query (id 4660, as actors.py asks), short its headers alone (RFC 792's eight bytes),
other the same tuple with a query that was never sent.
"""

import socket
import struct
import sys
import time

from actors import dns_query
from rawask import checksum, packet

IDS = {"full": 4660, "other": 4661}


def quoted(client, server, port, name, kind):
    payload = dns_query(IDS.get(kind, 4660), name, "A")
    udp = struct.pack("!4H", port, 53, len(payload) + 8, 0x1234) + payload
    if ":" in client:
        head = struct.pack("!IHBB", 6 << 28, len(udp), socket.IPPROTO_UDP, 63)
        whole = head + socket.inet_pton(socket.AF_INET6, client) + \
            socket.inet_pton(socket.AF_INET6, server) + udp
    else:
        whole = packet(client, server, udp)
    return whole[:len(whole) - len(payload)] if kind == "short" else whole


def wait_asked(log, port):
    print("ready", flush=True)
    while True:
        with open(log, encoding="utf-8") as file:
            if f"asked by port {port}," in file.read():
                return
        time.sleep(0.02)


def send(client, server, port, name, error):
    type_, code, mtu, kind = error.split(":")
    message = struct.pack("!BBHI", int(type_), int(code), 0, int(mtu)) + quoted(client, server, port, name, kind)
    if ":" in client:
        sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    else:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        message += b"\0" * (len(message) % 2)
        message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    sock.sendto(message, (client, 0))


def main():
    log, client, server, port, name, *errors = sys.argv[1:]
    wait_asked(log, port)
    for error in errors:
        send(client, server, int(port), name, error)


if __name__ == "__main__":
    main()
