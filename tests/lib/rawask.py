#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Ask a DNS server without a UDP socket, as scanners and some monitors do.

    rawask.py packet|bypass|raw|udp SERVER CLIENT PORT NAME

packet and bypass send the whole frame by AF_PACKET (bypass: past the queue of the device), raw the
IPv4 packet (IPPROTO_RAW), udp the datagram (a raw socket of IPPROTO_UDP). All listen by AF_PACKET.
Writes its pid to NAME.sender; prints "answered 1" or "answered 0".
"""

import os
import socket
import struct
import sys
import time

from actors import dns_query

ETH_P_IP = 0x0800
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20
WAIT = 1.5


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def datagram(port, payload):
    return struct.pack("!4H", port, 53, len(payload) + 8, 0) + payload      # no checksum: RFC 768


def packet(client, server, body):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, len(body) + 20, 1, 0, 64, 17, 0,
                       socket.inet_aton(client), socket.inet_aton(server))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def gateway():
    """(device, hardware address) of the first neighbour in the table."""
    with open("/proc/thread-self/net/arp", encoding="ascii") as file:
        fields = file.read().splitlines()[1].split()
    return fields[5], bytes.fromhex(fields[3].replace(":", ""))


def send(how, server, client, port, query):
    body = datagram(port, query)
    if how == "udp":
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as sock:
            sock.sendto(body, (server, 0))
    elif how == "raw":
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
            sock.sendto(packet(client, server, body), (server, 0))
    else:
        device, address = gateway()
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, int(how == "bypass"))
            sock.sendto(packet(client, server, body), (device, ETH_P_IP, 0, 0, address))


def answered(tap, port, query):
    end = time.monotonic() + WAIT
    while (left := end - time.monotonic()) > 0:
        tap.settimeout(left)
        try:
            data = tap.recv(2048)
        except TimeoutError:
            break
        if data[9] == 17 and data[20:24] == struct.pack("!2H", 53, port) and \
                data[28:30] == query[:2]:
            return 1
    return 0


def main():
    how, server, client, port, name = sys.argv[1:]
    query = dns_query(4660, f"{name}.ok.test", "A")
    with open(f"{name}.sender", "w", encoding="ascii") as file:
        file.write(str(os.getpid()))
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP)) as tap:
        send(how, server, client, int(port), query)
        print(f"answered {answered(tap, int(port), query)}")


if __name__ == "__main__":
    main()
