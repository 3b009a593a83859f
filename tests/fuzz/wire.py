# SPDX-License-Identifier: GPL-2.0-only
"""What was on the wire: packet sockets on the devices of a lab, read and parsed without our code.

A tap sees what the driver was given (outgoing) and what came in before any netfilter or tc hook;
a native or generic XDP program runs before it.
"""

import ctypes
import os
import socket
import struct

ETH_P_ALL, ETH_IPV4, ETH_IPV6 = 3, 0x0800, 0x86dd
UDP, ICMP, FRAGMENT, ICMPV6 = 17, 1, 44, 58
SO_TIMESTAMPNS = 35
PACKET_OUTGOING = 4
CLONE_NEWNET = 0x40000000
PORTS = {123: "ntp", 53: "dns"}
SNAP = 4096


def enter_namespace(path):
    """The calling thread goes into a network namespace; sockets and programs stay where made."""
    fd = os.open(path, os.O_RDONLY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {path}")
    finally:
        os.close(fd)


class Packet:
    """One frame at one tap."""

    __slots__ = ("time", "tap", "out", "frame", "family", "src", "dst", "sport", "dport",
                 "payload", "fragment", "icmp", "quote", "ident")

    def __init__(self, time, tap, out, frame):
        self.time, self.tap, self.out, self.frame = time, tap, out, frame
        self.family = self.src = self.dst = self.sport = self.dport = None
        self.payload, self.fragment, self.icmp, self.quote, self.ident = b"", None, None, None, None

    @property
    def protocol(self):
        """ntp or dns, by its service port; None for others."""
        return PORTS.get(self.dport) or PORTS.get(self.sport)

    def parse(self):
        """False if it is neither UDP nor ICMP over IP."""
        kind = struct.unpack_from("!H", self.frame, 12)[0]
        return kind in (ETH_IPV4, ETH_IPV6) and self._ip(self.frame[14:])

    def _ip(self, data):
        if len(data) >= 20 and data[0] >> 4 == 4:
            upper, offset, more = data[9], (struct.unpack_from("!H", data, 6)[0] & 0x1fff) * 8, \
                data[6] & 0x20
            self.family, addresses = 4, (data[12:16], data[16:20])
            self.ident = data[4:6]
            body = data[(data[0] & 15) * 4:struct.unpack_from("!H", data, 2)[0]]
        elif len(data) >= 40 and data[0] >> 4 == 6:
            upper, body, offset, more = data[6], data[40:], 0, 0
            self.family, addresses = 6, (data[8:24], data[24:40])
            if upper == FRAGMENT:
                upper, where = body[0], struct.unpack_from("!H", body, 2)[0]
                offset, more, self.ident, body = where & 0xfff8, where & 1, body[4:8], body[8:]
        else:
            return False
        af = socket.AF_INET if self.family == 4 else socket.AF_INET6
        self.src, self.dst = (socket.inet_ntop(af, a) for a in addresses)
        if offset or more:
            self.fragment = "first" if not offset else "middle" if more else "last"
        if offset:
            return upper == UDP
        if upper == UDP and len(body) >= 8:
            self.sport, self.dport = struct.unpack_from("!HH", body)
            self.payload = body[8:]
            return True
        if upper in (ICMP, ICMPV6) and len(body) >= 8 and (body[0] < 5 or body[0] in (11, 12)):
            self.icmp = (body[0], body[1])
            self.quote = Packet(self.time, self.tap, self.out, b"")
            return self.quote._ip(body[8:]) and self.quote.sport is not None
        return False


class Tap:
    """A packet socket on one device. Made inside the device's namespace."""

    def __init__(self, name, device):
        self.name = name
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.sock.bind((device, ETH_P_ALL))
        self.sock.setblocking(False)

    def read(self):
        """Every packet that waits, parsed; those of no interest are left out."""
        found = []
        while True:
            try:
                frame, extra, _, address = self.sock.recvmsg(SNAP, 64)
            except BlockingIOError:
                return found
            seconds, nanoseconds = struct.unpack("@qq", extra[0][2][:16])
            packet = Packet(seconds + nanoseconds / 1e9, self.name,
                            address[2] == PACKET_OUTGOING, frame)
            if len(frame) > 14 and packet.parse():
                found.append(packet)

    def lost(self):
        """Packets that the kernel could not give us since the last call."""
        return struct.unpack("@II", self.sock.getsockopt(263, 6, 8))[1]    # PACKET_STATISTICS


def write_pcap(path, packets):
    """A capture file (Ethernet, nanoseconds) of packets, in the order of their times."""
    with open(path, "wb") as file:
        file.write(struct.pack("=IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for p in sorted(packets, key=lambda packet: packet.time):
            file.write(struct.pack("=IIII", int(p.time), int(p.time % 1 * 1e9), len(p.frame),
                                   len(p.frame)) + p.frame)
