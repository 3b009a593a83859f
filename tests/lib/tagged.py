#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""DNS by frames that carry a VLAN tag with priority alone (VLAN 0, IEEE 802.1Q 6.9), for tests.

    tagged.py ask DEVICE SERVER CLIENT PORT NAME    one request to SERVER:53; no answer is waited for
    tagged.py serve DEVICE ADDRESS                  answers what is asked of ADDRESS:53; prints "ready"

No device takes the tag off or puts it on: it stands in the packet, as with hardware that knows no VLANs.
"""

import socket
import struct
import sys

from actors import dns_query, dns_reply, family_of
from frames import packet

TAG = struct.pack("!HH", 0x8100, 5 << 13)


def neighbour(device, address):
    """Its hardware address, once it has spoken to us."""
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as sock:
        sock.sendto(b"", (address, 9))
    with open("/proc/thread-self/net/arp", encoding="ascii") as file:
        for line in file.read().splitlines()[1:]:
            fields = line.split()
            if fields[0] == address and fields[5] == device:
                return bytes.fromhex(fields[3].replace(":", ""))
    sys.exit(f"no neighbour {address} at {device}")


def send(device, to, ip):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((device, 0))
        sock.send(neighbour(device, to) + sock.getsockname()[4] + TAG + struct.pack("!H", 0x0800) + ip)


def ask(device, server, client, port, name):
    send(device, server, packet(client, int(port), server, 53, dns_query(4661, name, "A")))


def serve(device, address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, 53))
        print("ready", flush=True)
        while True:
            query, (client, port) = sock.recvfrom(65535)
            send(device, client, packet(address, 53, client, port, dns_reply(query, "answer", 0)))


if __name__ == "__main__":
    {"ask": ask, "serve": serve}[sys.argv[1]](*sys.argv[2:])
