#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A switch that floods, for tests: what a device sent of UDP from or to a port it sends once more, to another host.

    hub.py copy DEVICE PORT MAC         prints "ready", and a line for each copy
    hub.py say DEVICE MAC 4|6 NAME      a query between two others, and its answer, for that hardware address
"""

import socket
import struct
import sys

from actors import dns_query, dns_reply
from frames import packet

OTHERS = {"4": ("10.0.1.77", "10.0.9.9"), "6": ("fd00:1::77", "fd00:9::9")}
ETH_P_ALL, PACKET_OUTGOING, UDP = 3, 4, 17


def port_of(frame):
    """Source and destination port of UDP, or none."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    head, protocol = {0x0800: (20, 9), 0x86dd: (40, 6)}.get(kind, (0, 0))
    if not head or len(frame) < 14 + head + 8 or frame[14 + protocol] != UDP:
        return ()
    return struct.unpack_from("!HH", frame, 14 + head)


def copy(device, port, mac):
    mac = bytes.fromhex(mac.replace(":", ""))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as sock:
        sock.bind((device, ETH_P_ALL))
        print("ready", flush=True)
        while True:
            frame, address = sock.recvfrom(65536)
            if address[2] == PACKET_OUTGOING and frame[:6] != mac and int(port) in port_of(frame):
                sock.send(mac + frame[6:])
                print(f"copied {len(frame)}", flush=True)


def say(device, mac, family, name):
    client, server = OTHERS[family]
    query = dns_query(4660, name, "A")
    head = bytes.fromhex(mac.replace(":", "")) + b"\2\0\0\0\0\1" + (b"\x08\0" if family == "4" else b"\x86\xdd")
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((device, 0))
        sock.send(head + packet(client, 40000, server, 53, query))
        sock.send(head + packet(server, 53, client, 40000, dns_reply(query, "answer", 0)))


if __name__ == "__main__":
    {"copy": copy, "say": say}[sys.argv[1]](*sys.argv[2:])
