# SPDX-License-Identifier: GPL-2.0-only
"""A lane: one lab, one udpwhy, and trials one after the other.

Everything of a lane happens in one thread: the server, the taps and the client are served by
pump(). The main namespace of the process is the client's. A trial's faults are gone before the next
begins; its socket stays open, and its verdict is awaited, while others run.
"""

import json
import os
import select
import subprocess
import tempfile
import threading
import time

import tools
from beyond import TIMEOUT
from faults import Route
from decoys import OTHER_CLIENT
from far import DEAD, OTHER_PORT, PORTS, SERVERS, Far
from lab import Lab, wait_until
from tracer import Contract, Tracer
from trial import Trial
from grades import GRADES, grade
from truth import Void, judge
from wire import Tap, enter_namespace, write_pcap

QUIET = 0.012           # seconds without a packet: what had to happen has happened
SETTLE = 0.6            # after the deadline, for two sweeps
SERVICES = frozenset(PORTS.values())
OTHERS = (OTHER_PORT, OTHER_PORT + 1)   # from which the server may reply wrongly
HELD = 36               # seconds after which even a held query has its verdict


class Lane:
    """Context manager: the lab and the tracer are gone when it is left."""

    def __init__(self, number, options, report):
        self.number, self.options, self.report = number, options, report
        self.lab = Lab("twohomed", number)
        self.tmp = tempfile.mkdtemp(prefix=f"udpwhy-test-{os.getpid()}-")
        self.gateway = {4: "10.0.1.1", 6: "fd00:1::1"}
        self.ports = iter(range(20000, 65000))
        self.pending, self.current, self.by_port, self.strangers = [], None, {}, []
        self.raw_seen, self.records, self.nobodies = 0, {}, 0
        self.told = {}          # query.id -> the fault that was held against the truth
        self.done = {}          # client port -> packets from the server that were no reply
        self.host = f"/proc/{os.getpid()}/fd/{os.open('/proc/self/ns/net', os.O_RDONLY)}"

    def __enter__(self):
        self.lab.__enter__()
        try:
            self._set_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if hasattr(self, "tracer"):
            self.tracer.kill()
        enter_namespace(self.host)      # the lab kills whoever is in its namespaces
        self.lab.close()
        subprocess.run(["rm", "-rf", self.tmp], check=False)

    def _set_up(self):
        name = self.lab.name
        for family in (4, 6):
            length = 24 if family == 4 else 64
            for address in [*SERVERS[family][1:], DEAD[family]]:
                nodad = ["nodad"] if family == 6 else []
                tools.run("ip", "-n", name["s"], "addr", "add", f"{address}/{length}", "dev",
                          "eth0", *nodad)
        self._start_tracer()
        self.taps = []
        self._in("s")
        self.far = Far()
        self.taps.append(Tap("far", "eth0"))
        tools.write_sysctl("net.ipv4.icmp_ratelimit", 0)
        tools.write_sysctl("net.ipv6.icmp.ratelimit", 0)
        self._in("r")
        self.router_nft = tools.Nft()
        self.taps.append(Tap("wire", "c0"))
        self.gateway_mac = json.loads(tools.run("ip", "-j", "link", "show", "c0"))[0]["address"]
        tools.write_sysctl("net.ipv4.icmp_ratelimit", 0)
        tools.write_sysctl("net.ipv6.icmp.ratelimit", 0)
        self._in("c")
        self.nft = tools.Nft()
        tools.write_sysctl("net.ipv4.ipfrag_time", 2)
        tools.write_sysctl("net.ipv6.ip6frag_time", 2)
        self.taps.append(Tap("client", "eth0"))

    def _in(self, member):
        enter_namespace(f"/run/netns/{self.lab.name[member]}")

    def _start_tracer(self):
        argv = [self.options.udpwhy, "trace", "-o", "json", "--all", "--timeout", str(TIMEOUT),
                "--scope", self.lab.name["c"]]
        self.tracer = Tracer(argv, dict(os.environ), os.path.join(self.tmp, "tracer.err"))
        if not wait_until(lambda: self.tracer.raw or self.tracer.process.poll() is not None, 60) \
                or self.tracer.process.poll() is not None:
            raise RuntimeError(f"udpwhy did not attach: {self.tracer.stderr()}")

    # -- for faults

    def on_router(self, text):
        self._in("r")
        try:
            self.router_nft.run(text)
        finally:
            self._in("c")

    def router_ip(self, words):
        tools.run("ip", "-n", self.lab.name["r"], *words.split())

    def nobody(self, family):
        """An address on our link that nobody has, each time another."""
        self.nobodies += 1
        host = 10 + self.nobodies % 240
        return f"10.0.1.{host}" if family == 4 else f"fd00:1::{host:x}:{self.nobodies:x}"

    def next_port(self):
        return next(self.ports)

    # -- one loop for all

    def pump(self, limit, until=None):
        """Serve everybody until until() holds, or, without it, until nothing happens any more."""
        end = time.monotonic() + limit
        while True:
            self.far.send_due()
            left = end - time.monotonic()
            if left <= 0 or (until and until()):
                return
            due = self.far.wait()
            wait = min(left, due if due is not None else left)
            if not until and due is None:
                wait = min(wait, QUIET)
            elif until:
                wait = min(wait, 0.02)
            if not self._serve(wait) and not until and self.far.wait() is None:
                return

    def _serve(self, wait):
        """One round of select; False if nothing was ready."""
        sockets = [*self.far.sockets, *(t.sock for t in self.taps)]
        if self.current and self.current.takes():
            sockets.append(self.current.sock)
        ready, _, _ = select.select(sockets, [], [], wait)
        for sock in ready:
            if sock in self.far.sockets:
                self.far.take(sock)
        self.read_taps()
        if self.current:
            self.current.read()
        return bool(ready)

    def read_taps(self):
        for tap in self.taps:
            for packet in tap.read():
                self._file(packet)

    def _file(self, packet):
        """To the trial whose client port it carries."""
        quoted = packet.quote or packet
        asked = quoted.dport in SERVICES and quoted.sport not in OTHERS
        trial = self.by_port.get(quoted.sport if asked else quoted.dport)
        if trial is None and self.current and (quoted.sport is None or self.current.process):
            trial = self.current        # a fragment, or a real client's
        if trial:
            trial.packets.append(packet)

    # -- trials

    def run(self, number):
        trial = Trial(self.options.seed, number, self)
        if trial.fixed or (trial.local and trial.local.quiet):
            self.drain()
        self.current = trial
        self.far.forget()
        self.far.plan = trial.plan
        trial.started = time.time()
        try:
            self._act(trial)
        finally:
            trial.ended = time.time()
            self.current = None
        self.pending.append(trial)
        self.settle()

    def _act(self, trial):
        if trial.client == "fast":
            trial.open()
            self.by_port[trial.port] = trial
        if trial.beyond:
            trial.beyond.prepare(trial)
        if trial.local:
            trial.local.prepare(trial)
        decoy = trial.decoy if trial.client == "fast" and trial.decoy and \
            trial.decoy.fits(trial) else None
        if decoy:
            decoy.install(trial)
        try:
            getattr(self, "_timing_" + trial.timing)(trial)
            self.pump(1.0)
            if trial.abandon and not trial.closed:
                if trial.local and trial.local.of_socket:
                    self._uninstall(trial)
                trial.close()
                self.pump(0.5)
            if trial.patient:
                left = trial.sends[0][0] + TIMEOUT + 0.5 - time.time()
                self.pump(max(0, left), lambda: time.time() > trial.sends[0][0] + TIMEOUT + 0.5)
            self._uninstall(trial)
        finally:
            self._uninstall(trial)
            if decoy:
                decoy.remove(trial)
            if trial.beyond:
                trial.beyond.undo(trial)

    def _install(self, trial):
        if trial.local:
            trial.local.install(trial)
            trial.installed = True

    def _uninstall(self, trial):
        if getattr(trial, "installed", False):
            trial.note_kill()
            trial.installed = False
            trial.local.remove(trial)

    def _hold_replies(self, trial):
        for replies in trial.plan.copies:
            for reply in replies:
                reply.held = True

    def _seen_or_lost(self, trial):
        self.pump(0.3, lambda: self.far.seen)
        self.pump(0.1)

    def _send(self, trial):
        """From a thread of its own where connect() may fail: the next trial is no second try."""
        if trial.connect and isinstance(trial.local, Route):
            thread = threading.Thread(target=trial.send)
            thread.start()
            thread.join()
        else:
            trial.send()
        if len(trial.sends) == 1 and trial.decoy and trial.decoy.fits(trial):
            trial.decoy.act(trial)

    def _timing_before(self, trial):
        self._install(trial)
        if trial.client != "fast":
            trial.run_client()
            return
        for _ in range(trial.copies):
            if not trial.reads:
                self._send(trial)
                self.pump(0.05)

    def _timing_flight(self, trial):
        """The fault begins when the request is at the server."""
        self._hold_replies(trial)
        self._send(trial)
        self.pump(0.3)
        if trial.abandon and not (trial.local and trial.local.of_socket):
            trial.close()
        self._install(trial)
        self.far.release()

    def _timing_lifted(self, trial):
        """The fault is gone when the reply comes."""
        self._hold_replies(trial)
        self._install(trial)
        for _ in range(trial.copies):
            self._send(trial)
        self.pump(0.3)
        self._uninstall(trial)
        self.far.release()

    def _timing_second(self, trial):
        """The first copy gets no reply, the second meets the fault."""
        trial.plan.copies.insert(0, [])
        self._send(trial)
        self.pump(0.3)
        self._install(trial)
        self._send(trial)

    def _timing_first(self, trial):
        """The first copy meets the fault, the second does not."""
        self._install(trial)
        self._send(trial)
        self.pump(0.3)
        self._uninstall(trial)
        if not trial.reads:
            self._send(trial)

    # -- verdicts

    def settle(self):
        """Those trials whose verdict is due are reported; the others wait on."""
        self._read_tracer()
        still = []
        for trial in self.pending:
            if not self._settled(trial):
                still.append(trial)
        self.pending = still

    def _settled(self, trial):
        age = time.time() - trial.sends[0][0]
        if age < TIMEOUT + 0.05:
            return False
        trial.close()
        if time.time() < max(trial.closed, trial.ended) + SETTLE or \
                (trial.client != "fast" and time.time() < trial.closed + TIMEOUT + SETTLE):
            return False
        self.read_taps()
        parts = self._parts_of_client(trial) if trial.process else self._parts_of_socket(trial)
        if any(self._incomplete(part) for part in parts) and age < self._patience(trial):
            return False
        self.by_port.pop(trial.port, None)
        self.report(self._result(trial, parts))
        return True

    @staticmethod
    def _incomplete(part):
        """A failed send is told at once, what became of a packet at the deadline."""
        told = [r for r in part["records"]
                if r["verdict"] != "send_failed" or not part["evidence"].packets]
        return not told

    @staticmethod
    def _patience(trial):
        return HELD if trial.local and trial.local.holds else TIMEOUT + 5

    def drain(self):
        """Wait for every verdict."""
        while self.pending:
            self.pump(0.05)
            self.settle()

    def _read_tracer(self):
        while self.raw_seen < len(self.tracer.raw):
            record = json.loads(self.tracer.raw[self.raw_seen])
            self.raw_seen += 1
            if record["type"] == "query":
                self.records[record["query.id"]] = record

    def _records_with(self, port, transaction):
        return [r for r in self.records.values() if r.get("client.port") == port and
                r.get("transaction.id", transaction.hex()) == transaction.hex()]

    def _parts_of_socket(self, trial):
        """What must be told: the trial's query, and those of its decoy."""
        part = self._part(trial.evidence, self._records_with(trial.port, trial.transaction))
        part["failed_sends"] = len(trial.sends) - trial.packets_sent()
        self.done[trial.port] = len(part["evidence"].foreign)
        parts = [part]
        for sibling in trial.siblings:
            parts.append(self._part(lambda s=sibling: s.evidence(trial),
                                    self._records_with(sibling.port, sibling.transaction)))
        return parts

    def _parts_of_client(self, trial):
        """One part for each query of a real client; at least one."""
        records = [r for r in self.records.values() if r.get("process.pid") == trial.process.pid]
        asked, parts = trial.transactions(), []
        for (port, transaction), message in asked.items():
            mine = [r for r in records if r.get("client.port") == port and
                    r.get("transaction.id", "") == transaction.hex()]
            records = [r for r in records if r not in mine]
            parts.append(self._part(lambda p=port, t=transaction, m=message:
                                    trial.client_evidence(p, t, m), mine))
        for record in records or ([None] if not asked else []):
            if record and record["verdict"] == "send_failed" and asked:
                continue
            port = record.get("client.port", 0) if record else 0
            parts.append(self._part(lambda p=port: trial.client_evidence(p, b"", None),
                                    [record] if record else []))
        return parts

    @staticmethod
    def _part(evidence, records):
        part = {"records": records, "failed_sends": 0, "evidence": evidence()}
        try:
            part["truth"] = [(o.fault, o.verdicts, sorted(o.stages or ()))
                             for o in judge(part["evidence"])]
        except Void as e:
            part["void"] = str(e)
        if not part["evidence"].packets:
            part["failed_sends"] = len(records)
        return part

    def _result(self, trial, parts):
        for part in parts:
            for record in part["records"]:
                self.records.pop(record["query.id"], None)
                self.told[record["query.id"]] = record["fault"]
            part["grade"] = grade(part)
            part["evidence"] = vars(part["evidence"])
        worst = max(parts, key=lambda part: GRADES.index(part["grade"]))
        result = {"number": trial.number, "draw": str(trial), "parts": parts,
                  "grade": worst["grade"]}
        if trial.process:
            for record in [r for r in self.records.values()
                           if r.get("process.pid") == trial.process.pid]:
                del self.records[record["query.id"]]
        self._keep(trial, result)
        return result

    def _keep(self, trial, result):
        """The captures and records of a trial that went wrong, or of the one that was asked for."""
        if result["grade"] != "right" or self.options.keep_all:
            directory = os.path.join(self.options.keep, str(trial.number))
            os.makedirs(directory, exist_ok=True)
            for tap in ("client", "wire", "far"):
                write_pcap(os.path.join(directory, tap + ".pcap"),
                           [p for p in trial.packets if p.tap == tap])
            with open(os.path.join(directory, "trial.json"), "w", encoding="utf-8") as file:
                json.dump(result, file, indent=1, default=str)
        for part in result["parts"]:
            del part["evidence"]

    def _is_expected(self, record):
        """Ruling 7: a dropped reply that answers nothing has a record of its own; a decoy's too."""
        if record["client.port"] == OTHER_CLIENT:
            return record["verdict"] in ("request_dropped", "send_failed")
        if record["query.id"] in self.told:
            return record["fault"] == self.told[record["query.id"]]
        return "started_after_request" in record.get("evidence.gaps", []) and \
            record["verdict"] == "reply_dropped" and self.done.get(record["client.port"])

    def finish(self):
        """The end: udpwhy's own summary, and every line against the schema."""
        self.drain()
        problems = [] if self.tracer.interrupt() else [f"udpwhy: {self.tracer.stderr()}"]
        self._read_tracer()
        contract = Contract(self.options.schema)
        # Programs interrupted by themselves are the kernel's doing: the records say what it cost.
        problems += [p for p in contract.problems_of_run(self.tracer.records())
                     if not p.startswith("lost.recursion")]
        problems += [p for line in self.tracer.raw for p in contract.problems_of_line(line)]
        left = [r for r in self.records.values() if not self._is_expected(r)]
        self.report({"end": True, "problems": problems, "left": left})
