# SPDX-License-Identifier: GPL-2.0-only
"""Captures made by hand: NTP and DNS datagrams, frames around them, pcap and pcapng files.

Times are nanoseconds since the epoch. Frames are (when_ns, interface, bytes, bytes on the wire).
"""

import ipaddress
import struct

ETHERNET, RAW, SLL, SLL2, NULL = 1, 101, 113, 276, 0


def ntp_request(transmit, origin=0, receive=0):
    return struct.pack("!BBbb3I4Q", 0x23, 0, 6, -20, 0, 0, 0, 0, origin, receive, transmit)


def ntp_reply(transmit, stratum=2, refid=0x7f000001):
    return struct.pack("!BBbb3I4Q", 0x24, stratum, 6, -20, 0, 0, refid, 1, transmit, 2, 3)


def dns_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def dns(ident, name, flags=0x0100, kind=1, answers=b"", count=0):
    return (struct.pack("!6H", ident, flags, 1, count, 0, 0) + dns_name(name) + struct.pack("!2H", kind, 1) +
            answers)


def dns_reply(ident, name, kind=1, rcode=0):
    answer = struct.pack("!3HIH4s", 0xc00c, 1, 1, 60, 4, b"\xc0\0\2\7")
    return dns(ident, name, 0x8180 | rcode, kind, answer, 1)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packet(source, sport, target, dport, payload, ident=0, ttl=64):
    """An IP packet with a UDP datagram."""
    source, target = ipaddress.ip_address(source), ipaddress.ip_address(target)
    udp = struct.pack("!4H", sport, dport, 8 + len(payload), 0) + payload
    if source.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(udp), 17, ttl) + source.packed + target.packed + udp
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), ident, 0, ttl, 17, 0, source.packed, target.packed)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + udp


def link(kind, ip):
    ether = 0x86dd if ip[0] >> 4 == 6 else 0x0800
    if kind == ETHERNET:
        return b"\2\0\0\0\0\1\2\0\0\0\0\2" + struct.pack("!H", ether) + ip
    if kind == SLL:
        return struct.pack("!HHH8sH", 0, 1, 6, b"\2\0\0\0\0\1\0\0", ether) + ip
    if kind == SLL2:
        return struct.pack("!HHIHBB8s", ether, 0, 2, 1, 0, 6, b"\2\0\0\0\0\1\0\0") + ip
    return ip


def pcap(frames, kind=ETHERNET, order="<", nano=True, snaplen=262144):
    unit = 1 if nano else 1000
    out = [struct.pack(order + "IHHiIII", 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, snaplen, kind)]
    for when, _, data, wire in frames:
        data = data[:snaplen]
        out.append(struct.pack(order + "IIII", when // 10**9, when % 10**9 // unit, len(data), wire) + data)
    return b"".join(out)


class Pcapng:
    """A pcapng file, block by block."""

    def __init__(self, order="<"):
        self.order, self.units, self.out = order, [], []
        self.section()

    def block(self, kind, body):
        body += b"\0" * (-len(body) % 4)
        size = struct.pack(self.order + "I", 12 + len(body))
        self.out.append(struct.pack(self.order + "I", kind) + size + body + size)

    def section(self, order=None):
        self.order, self.units = order or self.order, []
        self.block(0x0a0d0d0a, struct.pack(self.order + "IHHq", 0x1a2b3c4d, 1, 0, -1))

    def interface(self, kind, resolution=None, offset=None, snaplen=0):
        """resolution: if_tsresol's byte; offset: seconds."""
        body = struct.pack(self.order + "HHI", kind, 0, snaplen)
        body += struct.pack(self.order + "HH4s", 2, 3, b"eth")
        if resolution is not None:
            body += struct.pack(self.order + "HHB3x", 9, 1, resolution)
        if offset is not None:
            body += struct.pack(self.order + "HHq", 14, 8, offset)
        self.block(1, body + struct.pack(self.order + "HH", 0, 0))
        self.units.append((6 if resolution is None else resolution, offset or 0))

    def packet(self, when, number, data, wire=None):
        resolution, offset = self.units[number]
        ns = when - offset * 10**9
        if resolution & 0x80:
            units = (ns << (resolution & 0x7f)) // 10**9
        else:
            units = ns * 10**resolution // 10**9
        self.block(6, struct.pack(self.order + "IIIII", number, units >> 32, units & 0xffffffff, len(data),
                                  wire or len(data)) + data)

    def bytes(self):
        return b"".join(self.out)
