# SPDX-License-Identifier: GPL-2.0-only
"""One trial: drawn from a seed and a number alone, and then what happened in it."""

import errno
import random
import socket
import time

import actors
import far
from beyond import BEYOND, TIMEOUT
from faults import LOCAL, REPLY, REQUEST
from truth import Evidence, Kill

CLIENTS = {"dns": ("dig",), "ntp": ("chronyd", "check_ntp_time")}
CLIENT_ADDRESS = {4: "10.0.1.2", 6: "fd00:1::2"}
FIRST_PORT = 20000


def share(rng, percent):
    return rng.random() * 100 < percent


class Draw:
    """What a trial is to be: a function of the seed and the number, and of nothing else."""

    def __init__(self, seed, number):
        rng = random.Random(f"{seed}:{number}")
        self.seed, self.number = seed, number
        self.family, self.protocol = rng.choice((4, 6)), rng.choice(("ntp", "dns"))
        local, beyond = rng.choices(((1, 0), (0, 1), (1, 1), (0, 0)), (52, 30, 12, 6))[0]
        self.local = self._fitting_local(rng) if local else None
        self.beyond = self._fitting_beyond(rng) if beyond else None
        self.timing = self._timing(rng)
        self.client = self._client(rng)
        self.connect = rng.choice(self.local.connects if self.local else (False, True))
        self.copies = rng.choice((1, 1, 1, 2, 3)) if self.timing in ("before", "lifted") else 1
        self.reading = not share(rng, 6)
        self.abandon = share(rng, 10)
        self.patient = share(rng, 5) or bool(self.beyond and self.beyond.patient)
        self.decoy = share(rng, 30)
        self.fixed = share(rng, 15) and self.protocol == "ntp"

    def _fitting_local(self, rng):
        direction = rng.choice((REQUEST, REPLY))
        return rng.choice([f for f in LOCAL if f.direction == direction and
                           self.family in f.families and self.protocol in f.protocols])

    def _fitting_beyond(self, rng):
        return rng.choice([b for b in BEYOND if self.protocol in b.protocols])

    def _timing(self, rng):
        if not self.local:
            return "before"
        if share(rng, 40) and "before" in self.local.timings:
            return "before"
        return rng.choice(self.local.timings)

    def _client(self, rng):
        """Real clients only where a packet's way does not depend on when they send."""
        wanted = rng.choice(CLIENTS[self.protocol]) if share(rng, 8) else "fast"
        fits = self.timing == "before" and (not self.local or wanted in self.local.clients)
        return wanted if fits and not self.local_is_random() else "fast"

    def local_is_random(self):
        return bool(self.local and "random" in self.local.name)

    def __str__(self):
        words = [self.protocol, f"IPv{self.family}", f"local={self.local}" if self.local else "",
                 f"timing={self.timing}" if self.local else "",
                 f"beyond={self.beyond}" if self.beyond else "",
                 self.client if self.client != "fast" else "",
                 "connected" if self.connect else "",
                 f"copies={self.copies}" if self.copies > 1 else "",
                 "" if self.reading else "not-reading", "abandons" if self.abandon else "",
                 "decoy" if self.decoy else "", "port-123" if self.fixed else "",
                 "patient" if self.patient else ""]
        return " ".join(w for w in words if w) or "healthy"


class Trial(Draw):
    """A draw in a lane: its socket, its message, and what was seen."""

    def __init__(self, seed, number, lane):
        super().__init__(seed, number)
        self.lane = lane
        self.af = socket.AF_INET if self.family == 4 else socket.AF_INET6
        self.client_address = CLIENT_ADDRESS[self.family]
        self.server, self.server_port = far.SERVERS[self.family][0], far.PORTS[self.protocol]
        self.plan = far.Plan([[far.Reply()]])
        self.sock, self.process, self.port = None, None, None
        self.sends, self.reads, self.kills = [], [], []
        self.closed, self.unread, self.drops_before = None, False, 0
        self.started = self.ended = None
        self.packets = []           # of all taps, of this trial alone
        self.name = f"t{number}.s{seed}.test"
        self.message = actors.ntp_query(random.Random(f"{seed}:{number}:ntp").randbytes(8)) \
            if self.protocol == "ntp" else actors.dns_query((number * 7919) & 0xffff, self.name, "A")
        self.transaction = actors.asked_transaction(self.protocol, self.message)

    # -- the client

    def open(self):
        self.sock = socket.socket(self.af, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.port = 123 if self.fixed else self.lane.next_port()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(("", self.port))

    def send(self):
        """One copy; what the kernel says to it is kept."""
        when, error = time.time(), None
        try:
            if self.connect and not self.sends:
                self.sock.connect((self.server, self.server_port))
            if self.connect and self.sock_connected():
                self.sock.send(self.message)
            else:
                self.sock.sendto(self.message, (self.server, self.server_port))
        except OSError as e:
            error = errno.errorcode[e.errno]
        self.sends.append((when, error))

    def sock_connected(self):
        try:
            self.sock.getpeername()
            return True
        except OSError:
            return False

    def read(self):
        """Everything that waits in the socket."""
        while self.reading and not self.closed:
            try:
                message, source = self.sock.recvfrom(65535)
            except BlockingIOError:
                return
            except OSError:
                continue        # an ICMP error on a connected socket
            if source[:2] == (self.server, self.server_port):
                self.reads.append((time.time(), message))

    def close(self):
        if self.sock and not self.closed:
            self.read()
            self.unread = not self.reading and self._waits()
            self.closed = time.time()
            self.sock.close()

    def _waits(self):
        while True:
            try:
                message = self.sock.recv(65535, socket.MSG_PEEK)
                if actors.transaction(self.protocol, message) == self.transaction:
                    return True
                return not message.startswith(b"x") or self.drops_before > 0
            except BlockingIOError:
                return False
            except OSError:
                continue

    # -- what was seen

    def missing_on_wire(self):
        """Packets sent that did not leave by the wire."""
        self.lane.read_taps()
        return self.packets_sent() - len(self._requests())

    def packets_sent(self):
        """A send that failed made no packet, unless it was netfilter that said EPERM."""
        return sum(1 for _, error in self.sends if error in (None, "EPERM"))

    def note_kill(self):
        """The fault's counter, read while the fault is still there."""
        f = self.local
        count = f.count(self)
        self.kills.append(Kill(f.direction, count, f.stages, f.verdicts, f.holds))

    def _at_wire(self):
        return [p for p in self.packets if p.tap == "wire"]

    def _requests(self):
        return [p for p in self._at_wire() if not p.out and p.icmp is None and
                p.dport == self.server_port and p.src != self.server]

    def _kind(self, payload):
        """What a reply says; None if its transaction or question is not ours."""
        if actors.transaction(self.protocol, payload) != self.transaction:
            return None
        if self.protocol == "ntp":
            return "rate" if payload[1] == 0 else "answer"
        end = actors.dns_question_end(self.message)
        if payload[12:end] != self.message[12:end]:
            return None
        return {5: "refused"}.get(payload[3] & 15, "answer")

    def evidence(self):
        e = Evidence(TIMEOUT, self.sends, self.packets_sent(), kills=self.kills,
                     closed=self.closed, unread=self.unread)
        e.out = [p.time for p in self._requests()]
        e.reads = [(t, self._kind(m)) for t, m in self.reads if self._kind(m)]
        for p in self._at_wire():
            if p.out and p.icmp:
                e.icmp.append(p.time)
            elif p.out:
                self._reply(e, p)
        return e

    def _reply(self, e, packet):
        """A packet that came to our wire for the client's port."""
        asked = (packet.src, packet.sport) == (self.server, self.server_port)
        kind = self._kind(packet.payload)
        if asked and kind:
            e.replies.append((packet.time, kind))
        elif asked:
            e.foreign.append(packet.time)
        elif kind and packet.src == self.server:
            e.other_port.append(packet.time)
        elif kind:
            e.astray.append(packet.time)
