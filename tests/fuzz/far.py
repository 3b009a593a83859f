# SPDX-License-Identifier: GPL-2.0-only
"""The far side: a server that answers as a trial's plan says, from one select loop of the lane."""

import heapq
import itertools
import socket
import time
from dataclasses import dataclass, field

import actors

SERVERS = {4: ["10.0.2.2", "10.0.2.3"], 6: ["fd00:2::2", "fd00:2::3"]}
DEAD = {4: "10.0.2.4", 6: "fd00:2::4"}          # an address of the server without any socket
PORTS = {"ntp": 123, "dns": 53}
OTHER_PORT = 5300


@dataclass
class Reply:
    """One reply to one request."""

    kind: str = "answer"        # or refused, servfail, nxdomain, tc, rate
    delay: float = 0
    held: bool = False          # until Far.release()
    source: str = "asked"       # or other-address, other-port
    wrong: str = ""             # or transaction, question, checksum
    size: int = 0


@dataclass
class Plan:
    """What becomes of the n-th copy of a request: the last entry holds for all that follow."""

    copies: list = field(default_factory=lambda: [[Reply()]])


class Far:
    """The server's sockets. Made inside its namespace."""

    def __init__(self):
        self.plan = Plan()
        self.seen = {}          # (family, client port, transaction) -> copies
        self.due, self.number, self.held = [], itertools.count(), []
        self.sockets = {}       # socket -> (protocol, family)
        self.by_place = {}      # (protocol, address, port) -> socket
        self.raw = {}           # server address -> raw socket
        for family, addresses in SERVERS.items():
            af = socket.AF_INET if family == 4 else socket.AF_INET6
            for address in addresses:
                self.raw[address] = socket.socket(af, socket.SOCK_RAW, socket.IPPROTO_UDP)
                self.raw[address].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                self.raw[address].bind((address, 0))
                for protocol, port in PORTS.items():
                    self._bind(af, protocol, address, port)
                self._bind(af, "dns", address, OTHER_PORT)
                self._bind(af, "ntp", address, OTHER_PORT + 1)

    def _bind(self, af, protocol, address, port):
        sock = socket.socket(af, socket.SOCK_DGRAM)
        sock.bind((address, port))
        sock.setblocking(False)
        if port == PORTS[protocol]:
            self.sockets[sock] = (protocol, 4 if af == socket.AF_INET else 6)
        self.by_place[protocol, address, port == PORTS[protocol]] = sock

    def take(self, sock):
        """Read what waits at a socket and plan its replies."""
        protocol, family = self.sockets[sock]
        while True:
            try:
                query, client = sock.recvfrom(65535)
            except (BlockingIOError, ConnectionRefusedError):
                return
            key = family, client[1], actors.asked_transaction(protocol, query)
            copy = self.seen[key] = self.seen.get(key, 0) + 1
            replies = self.plan.copies[min(copy, len(self.plan.copies)) - 1]
            for reply in replies:
                entry = (reply, protocol, family, sock, query, client)
                if reply.held:
                    self.held.append(entry)
                else:
                    self._later(reply.delay, entry)
            self.send_due()

    def _later(self, delay, entry):
        heapq.heappush(self.due, (time.monotonic() + delay, next(self.number), entry))

    def release(self):
        """Let go of the replies that were held."""
        held, self.held = self.held, []
        for entry in held:
            self._later(entry[0].delay, entry)
        self.send_due()

    def forget(self):
        """The next trial begins: nothing of the last one is held."""
        self.held = []
        self.seen.clear()

    def wait(self):
        """Seconds until the next reply is due; None if none is."""
        return max(0, self.due[0][0] - time.monotonic()) if self.due else None

    def send_due(self):
        while self.due and self.due[0][0] <= time.monotonic():
            self._send(*heapq.heappop(self.due)[2])

    def _send(self, reply, protocol, family, sock, query, client):
        if reply.wrong == "transaction":
            query = bytes(2) + query[2:] if protocol == "dns" else query[:40] + b"\1" * 8
        elif reply.wrong == "question":
            query = query[:13] + b"zz" + query[15:]
        message = actors.dns_reply(query, reply.kind, reply.size) if protocol == "dns" else \
            actors.ntp_reply(query, reply.kind)
        here = sock.getsockname()[:2]
        if reply.source != "asked":
            address = here[0]
            if reply.source == "other-address":
                address = next(a for a in SERVERS[family] if a != address)
            sock = self.by_place[protocol, address, reply.source != "other-port"]
        try:
            if reply.wrong == "checksum":
                datagram = actors.checksum_broken(message, here, client)
                self.raw[here[0]].sendto(datagram, (client[0], 0))
            else:
                sock.sendto(message, client)
        except OSError:
            pass        # an ICMP error of an earlier reply; the captures tell what left
