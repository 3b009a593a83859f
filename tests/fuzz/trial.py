# SPDX-License-Identifier: GPL-2.0-only
"""One trial: drawn from a seed and a number alone, and then what happened in it."""

import errno
import random
import socket
import subprocess
import time

import actors
import far
from beyond import BEYOND, TIMEOUT
from decoys import DECOYS
from faults import LOCAL, REPLY, REQUEST
from truth import Evidence, Kill

CHECK_NTP_TIME = "/usr/lib/nagios/plugins/check_ntp_time"
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
        if self.local and self.local.alone:
            self.beyond = None
        self.timing = self._timing(rng)
        self.client = self._client(rng)
        self.connect = rng.choice(self.local.connects if self.local else (False, True))
        self.copies = rng.choice((1, 1, 1, 2, 3)) if self.timing in ("before", "lifted") else 1
        self.reading = not share(rng, 6)
        self.abandon = share(rng, 10)
        self.patient = share(rng, 5) or bool(self.beyond and self.beyond.patient)
        self.decoy = rng.choice(DECOYS) if share(rng, 30) else None
        self.fixed = share(rng, 15) and self.protocol == "ntp"
        self.slow = self._slow(rng) if share(rng, 8) else 0
        self.patient = self.patient or bool(self.slow)

    def _slow(self, rng):
        """How long after its send the client looks for an answer: in time, or when it is over."""
        fits = self.client == "fast" and self.reading and not self.abandon and \
            not (self.local and self.local.of_socket)
        return rng.choice((0.4, 1.3)) * TIMEOUT if fits else 0

    def _fitting_local(self, rng):
        direction = rng.choice((REQUEST, REPLY))
        return rng.choice([f for f in LOCAL if (f.direction == REQUEST) == (direction == REQUEST) and
                           self.family in f.families and self.protocol in f.protocols])

    def _fitting_beyond(self, rng):
        return rng.choice([b for b in BEYOND if self.protocol in b.protocols])

    def _timing(self, rng):
        if not self.local:
            return rng.choice(("before", "before", "flight"))
        if share(rng, 40) and "before" in self.local.timings:
            return "before"
        return rng.choice(self.local.timings)

    def _client(self, rng):
        """Real clients only where a packet's way does not depend on when they send."""
        wanted = rng.choice(CLIENTS[self.protocol]) if share(rng, 8) else "fast"
        fits = self.timing == "before" and (not self.local or wanted in self.local.clients)
        random_share = any(f and ("random" in f.name or "half" in f.name)
                           for f in (self.local, self.beyond))
        # It counts replies: with more than it asked for it leaves some unread.
        many = wanted == "check_ntp_time" and self.beyond and len(self.beyond.replies or ()) > 1
        return wanted if fits and not random_share and not many else "fast"

    def __str__(self):
        words = [self.protocol, f"IPv{self.family}", f"local={self.local}" if self.local else "",
                 f"timing={self.timing}" if self.local or self.timing == "flight" else "",
                 f"beyond={self.beyond}" if self.beyond else "",
                 self.client if self.client != "fast" else "",
                 "connected" if self.connect else "",
                 f"copies={self.copies}" if self.copies > 1 else "",
                 "" if self.reading else "not-reading", "abandons" if self.abandon else "",
                 f"decoy={self.decoy}" if self.decoy else "", "port-123" if self.fixed else "",
                 "patient" if self.patient and not self.slow else "",
                 f"reads-after-{self.slow:.1f}s" if self.slow else ""]
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
        self.siblings = []          # other queries of the same socket, each with its truth
        self.name = f"t{number}.s{seed}.test"
        self.message = actors.ntp_query(random.Random(f"{seed}:{number}:ntp").randbytes(8)) \
            if self.protocol == "ntp" else actors.dns_query((number * 7919) & 0xffff, self.name, "A")
        self.transaction = actors.asked_transaction(self.protocol, self.message)

    # -- the client

    def open(self):
        self.sock = socket.socket(self.af, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        if not self.port:
            self.port = 123 if self.fixed else self.lane.next_port()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((self.client_address, self.port))

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

    def takes(self):
        """Whether the client looks at its socket now."""
        return self.sock and self.reading and not self.closed and \
            not (self.slow and self.sends and time.time() < self.sends[0][0] + self.slow)

    def read(self):
        """Everything that waits in the socket."""
        while self.takes():
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
        self.kills.append(Kill(f.direction, count, f.stages, f.verdicts, f.holds, f.also))

    def _at_wire(self):
        return [p for p in self.packets if p.tap == "wire"]

    def replies_at(self, tap):
        """Packets from the server for the client's port."""
        return [p for p in self.packets if p.tap == tap and p.icmp is None and
                p.dport == self.port and p.src == self.server]

    def _requests(self):
        return [p for p in self._at_wire() if not p.out and p.icmp is None and
                p.dport == self.server_port and
                actors.asked_transaction(self.protocol, p.payload) == self.transaction]

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

    def command(self):
        """A real client's command line."""
        if self.client == "dig":
            return ["dig", "+tries=1", "+timeout=1", f"@{self.server}", self.name]
        if self.client == "check_ntp_time":
            return [CHECK_NTP_TIME, "-t", "1", "-H", self.server]
        return ["chronyd", "-Q", "-t", "1", "-u", "root", "-f", "/dev/null",
                f"server {self.server} iburst maxsamples 1", "cmdport 0",
                f"pidfile {self.lane.tmp}/chronyd-{self.number}.pid"]

    def run_client(self):
        """A real client, from its start to its end, while the lane serves it."""
        self.sends.append((time.time(), None))
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.lane.pump(8, lambda: self.process.poll() is not None)
        self.process.kill()
        self.process.wait()
        self.closed = time.time()

    def transactions(self):
        """Of a real client: what it asked, as the captures have it."""
        asked = {}
        for p in self._at_wire():
            if not p.out and p.icmp is None and p.dport == self.server_port:
                asked.setdefault((p.sport, actors.asked_transaction(self.protocol, p.payload)),
                                 p.payload)
        return asked

    def client_evidence(self, port, transaction, message):
        """One query of a real client; message None: it never left, by the fault's counter."""
        mine = [p for p in self.packets if port in ((p.quote or p).sport, (p.quote or p).dport)]
        single = Single(self, transaction, message, mine)
        e = single.evidence()
        e.sends = [(e.out[0] if e.out else self.sends[0][0], None)]
        killed = {d: sum(k.packets for k in self.kills if k.direction == d)
                  for d in (REQUEST, REPLY)}
        e.kills = []
        if not e.out and killed[REQUEST]:
            e.kills.append(Kill(REQUEST, 1, self.local.stages, self.local.verdicts))
        elif not e.out:
            e.sends = [(self.sends[0][0], "refused")]
        if killed[REPLY]:
            e.kills.append(Kill(REPLY, len(e.replies) + len(e.foreign), self.local.stages))
        e.packets = len(e.out) + sum(k.packets for k in e.kills if k.direction == REQUEST)
        # Our own port unreachable quotes a reply that found its socket closed.
        refused = [p for p in mine if p.tap == "wire" and not p.out and p.icmp and
                   p.quote.src == self.server and
                   actors.transaction(self.protocol, p.quote.payload) == transaction]
        if refused and len(refused) == len(e.replies):
            e.closed = e.replies[0][0] - 1e-6
        in_time = [(t, kind) for t, kind in e.replies if t < e.closed]
        e.reads = [] if killed[REPLY] else in_time
        return e

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
        if any(actors.transaction(self.protocol, packet.payload) == other.transaction
               for other in self.siblings):
            return
        if asked and kind:
            e.replies.append((packet.time, kind))
        elif asked:
            e.foreign.append(packet.time)
        elif kind:
            e.astray.append(packet.time)


class Single:
    """One query of a real client, seen as a trial's own."""

    def __init__(self, trial, transaction, message, packets):
        self.__dict__.update({k: getattr(trial, k) for k in (
            "protocol", "server", "server_port", "sends", "kills", "closed", "unread", "siblings")})
        self.transaction, self.packets, self.reads = transaction, packets, []
        self.message = message or b""

    evidence, packets_sent = Trial.evidence, Trial.packets_sent
    _requests, _at_wire, _reply, _kind = Trial._requests, Trial._at_wire, Trial._reply, Trial._kind
