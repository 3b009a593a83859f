#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The oracle for those who are asked and those who pass on: one lab, a udpwhy at the router, one at the server.

    roles.py [-n N] [--seed SEED] [--trial SEED:NUMBER] [--keep DIR]

Trials are drawn by seed and number, and run many at a time: a rule of nftables or iptables on the router, one on the
server's host, what the server does with the query, copies, NAT of either end. Each gives a verdict of the role forwarder and
one of the role server. The truth is from each rule's own counter and from packet sockets at the client and at
the server (the far ends of the router's wires); where these do not add up the trial is void.
Needs root. Closes with "N passed, N failed".
"""

import argparse
import collections
import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]

# pylint: disable=wrong-import-position
import actors
import tools
from grades import GRADES, grade, told_of
from lab import Lab, sweep_dead_runs, wait_until
from roles_trial import (CLIENT, DEAF, EXPIRED, HOST, IPTABLES, LATE, NET, NOBODY, OTHER, PORTS, ROUTER, SERVER, SERVICE,
                         TIMEOUT, UNSURE, Trial)
from tracer import Contract, Tracer
from wire import Tap, enter_namespace, write_pcap

BATCH = 60
NEAR = 0.005    # seconds: which of two was first is not known


class Server:
    """Every address and port of the server's host; what it does is the trial's word."""

    def __init__(self, trials, forget):
        self.forget = forget
        self.trials, self.due, self.socks, self.others, self.deaf = trials, [], {}, {}, []
        for protocol, port in PORTS.items():
            for family in (4, 6):
                for last in (SERVER, OTHER, DEAF):
                    sock = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
                    sock.bind((NET[family] + last, port))
                    sock.setblocking(False)
                    if last == SERVER:
                        self.socks[sock] = protocol, family
                    elif last == OTHER:
                        self.others[protocol, family] = sock
                    else:
                        self.deaf.append(sock)

    def take(self, sock):
        protocol, family = self.socks[sock]
        try:
            query, client = sock.recvfrom(65535)
        except OSError:
            return
        trial = self.trials.get((protocol, actors.asked_transaction(protocol, query)))
        if not trial or trial.does == "silent":
            return
        kind = {"dns": "refused", "ntp": "rate"}[protocol] if trial.does == "refuses" else "answer"
        reply = actors.dns_reply(query, kind, 0) if protocol == "dns" else actors.ntp_reply(query, kind)
        source = self.others[protocol, family] if trial.does == "elsewhere" else sock
        if trial.does == "expired":
            trial.forgotten = self.forget(trial)
            self.due.append((time.time() + EXPIRED, source, reply, client))
            return
        if trial.does == "late":
            self.due.append((time.time() + LATE, source, reply, client))
            return
        for _ in range(2 if trial.does == "twice" else 1):
            self.send(source, reply, client)

    @staticmethod
    def send(sock, reply, client):
        try:
            sock.sendto(reply, client)
        except OSError:
            pass        # a rule that drops it says so; the counter tells

    def send_due(self):
        now = time.time()
        for entry in [e for e in self.due if e[0] <= now]:
            self.due.remove(entry)
            self.send(*entry[1:])


def outcome(fault, verdicts, *stages):
    return fault, verdicts if isinstance(verdicts, tuple) else (verdicts,), sorted(stages)


def first_in_time(begin, times):
    """(whether there is one in time, whether one at all); ValueError too near to the deadline."""
    if any(abs(t - begin - TIMEOUT) < UNSURE for t, _ in times):
        raise ValueError("a packet at the deadline")
    return any(t < begin + TIMEOUT for t, _ in times), bool(times)


def truth_expired(t, came, back, out):
    """The answer came back to the router, which knew no more for whom, and said so."""
    said = [p for p in t.packets if p.tap == "server" and not p.out and p.icmp in ((3, 3), (1, 4))]
    if not came:
        return []
    if not t.forgotten or len(back) != 1 or out or not said:
        raise ValueError(f"forgotten {t.forgotten}, {len(back)} back, {len(out)} out, {len(said)} errors")
    return [outcome("local", "reply_dropped", "udp")]


def truth_forwarder(t):
    came, left = t.at("client", True, True), t.at("server", False, True)
    back, out = t.at("server", True, False), t.at("client", False, False)
    if t.does == "elsewhere":
        back = [(when, src) for when, src in back if src == t.server]
        out = [(when, src) for when, src in out if src == t.asked]
    if t.does == "expired":
        return truth_expired(t, came, back, out)
    place = ROUTER[t.router] if t.router is not None else (None, None)
    killed = {place[0]: t.killed["router"]}
    if len(came) != len(left) + killed.get("request", 0) or len(back) != len(out) + killed.get("reply", 0):
        raise ValueError(f"{len(came)} came, {len(left)} left, {len(back)} back, {len(out)} out, {killed}")
    if not came:
        return []
    begin = came[0][0]
    in_time, any_out = first_in_time(begin, out)
    back_in_time = first_in_time(begin, back)[0]
    errors = [p for p in t.packets if p.tap == "server" and p.out and p.icmp]
    if in_time:
        return [outcome("none", "forwarded")]
    if back and not back_in_time:
        right = [outcome("beyond", ("answered_late", "no_reply"))]
        return right if any_out else right + [outcome("local", "reply_dropped", place[1])]
    if killed.get("reply"):
        return [outcome("local", "reply_dropped", place[1])]
    if left:
        verdict = "rejected" if errors else "no_reply"
        return [outcome("unknown" if killed.get("request") and not errors else "beyond", verdict, "wire_out")]
    return [outcome("local", ("request_dropped", "rejected"), place[1])]


def truth_server(t):
    came, out = t.at("server", False, True), t.at("server", True, False)
    place = HOST[t.host] if t.host is not None else (None, None)
    killed = {place[0]: t.killed["host"]}
    if not came:
        return []
    begin = came[0][0]
    right = [(when, src) for when, src in out if src == t.server]
    if first_in_time(begin, right)[0]:
        return [outcome("none", "served")]
    if killed.get("reply"):
        return [outcome("local", ("reply_dropped", "misdirected", "not_served"))] if t.does in ("elsewhere", "late") \
            else [outcome("local", ("reply_dropped", "send_failed"), place[1])]
    if right:
        return [outcome("local", "not_served")]
    if len(came) == killed.get("request", 0):
        return [outcome("local", "request_dropped", place[1])]
    if t.does == "nobody":
        return [outcome("local", "request_dropped", "udp", *([place[1]] if killed.get("request") else []))]
    verdict = {"deaf": "request_unread", "silent": "not_served", "elsewhere": "misdirected",
               "late": "not_served"}.get(t.does)
    if not verdict:
        raise ValueError("it should have answered")
    return [outcome("local", verdict)]


def queries_of(t, role):
    """How many they are: a copy that comes when the one before was answered is another query."""
    tap, forwards = ("client", True) if role == "forwarder" else ("server", False)
    answers = [when for when, src in t.at(tap, not forwards, False) if src == (t.asked if forwards else t.server)]
    events = sorted([(when, True) for when, _ in t.at(tap, forwards, True)] + [(when, False) for when in answers])
    if any(b[1] and not a[1] and b[0] - a[0] < NEAR for a, b in zip(events, events[1:])):
        raise ValueError("a copy beside an answer")
    opens = [asked and not before for asked, before in zip([e[1] for e in events], [False, *[e[1] for e in events]])]
    return sum(opens)


TRUTHS = {"forwarder": truth_forwarder, "server": truth_server}


class Roles:
    """The lab, both tracers, and batches of trials."""

    def __init__(self, options):
        self.options, self.lab = options, Lab("routed", 0)
        self.tmp = tempfile.mkdtemp(prefix=f"udpwhy-test-{os.getpid()}-")
        self.here = f"/proc/{os.getpid()}/fd/{os.open('/proc/self/ns/net', os.O_RDONLY)}"
        self.trials, self.tracers, self.by_port = {}, {}, {}

    def __enter__(self):
        self.lab.__enter__()
        try:
            self.set_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for tracer in self.tracers.values():
            tracer.kill()
        enter_namespace(self.here)
        self.lab.close()
        tools.run("rm", "-rf", self.tmp)

    def inside(self, member):
        enter_namespace(f"/run/netns/{self.lab.name[member]}")

    def set_up(self):
        self.inside("s")
        for last in (NOBODY, DEAF, OTHER):
            tools.run("ip", "addr", "add", f"{NET[4]}{last}/24", "dev", "eth0")
            tools.run("ip", "addr", "add", f"{NET[6]}{last}/64", "dev", "eth0", "nodad")
        tools.write_sysctl("net.ipv4.icmp_ratelimit", 0)
        tools.write_sysctl("net.ipv6.icmp.ratelimit", 0)
        self.server, self.nft = Server(self.trials, self.forget), {"host": tools.Nft()}
        self.taps = [Tap("server", "eth0")]
        self.inside("r")
        self.nft["router"] = tools.Nft()
        self.nft["router"].run("table inet nat {\nchain p {\ntype nat hook postrouting priority 100;\n"
                               "oifname s0 udp sport 40000-49999 masquerade to :50000-59999\n}\n"
                               "chain d {\ntype nat hook prerouting priority -100;\n" + "".join(
                                   f"{ip} daddr {SERVICE[f]}{last} udp dport {{ 53, 123 }} dnat {ip} to {NET[f]}{last}\n"
                                   for f, ip in ((4, "ip"), (6, "ip6")) for last in (SERVER, NOBODY, DEAF)) + "}\n}")
        self.inside("c")
        self.taps.append(Tap("client", "eth0"))
        for role, member in (("forwarder", "r"), ("server", "s")):
            argv = [self.options.udpwhy, "trace", "-o", "json", "--all", "--timeout", str(TIMEOUT), "--scope",
                    self.lab.name[member]]
            self.tracers[role] = Tracer(argv, dict(os.environ), os.path.join(self.tmp, role))
        for tracer in self.tracers.values():
            if not wait_until(lambda t=tracer: t.raw or t.process.poll() is not None, 60) or \
                    tracer.process.poll() is not None:
                raise RuntimeError(f"udpwhy did not attach: {tracer.stderr()}")

    def forget(self, t):
        """The router's translation of a query goes, as a timeout takes it. Whether there was one."""
        done = subprocess.run(self.lab.enter("r") + ["conntrack", "-D", "-f", f"ipv{t.family}", "-p", "udp", "-s",
                                                     CLIENT[t.family], "--sport", str(t.port)],
                              capture_output=True, text=True, check=False)
        return done.stdout.count("\n") == 1

    def restore(self, side, trials):
        """The rules of iptables: all of a namespace at once, and nothing where none is drawn."""
        member, places, number = {"router": ("r", ROUTER, 0), "host": ("s", HOST, 1)}[side]
        for program in IPTABLES:
            lines = {"mangle": "", "filter": ""}
            for t in trials:
                index = getattr(t, side)
                if index is not None and places[index][2] == "ipt" and t.program == program:
                    table, line = t.iptables(places[index], t.action[number])
                    lines[table] += line
            tools.run(*self.lab.enter(member), f"{program}-restore",
                      stdin="".join(f"*{table}\n{text}COMMIT\n" for table, text in lines.items()))

    def saved(self, side, trials):
        """Packets that the rules of iptables took."""
        for program in IPTABLES:
            text = tools.run(*self.lab.enter({"router": "r", "host": "s"}[side]), f"{program}-save", "-c")
            for packets, number in re.findall(r"^\[(\d+):\d+\] -A .*--comment k(\d+)", text, re.M):
                for t in trials:
                    if t.number == int(number):
                        t.killed[side] += int(packets)

    def rules(self, trials):
        for side, places, number in (("router", ROUTER, 0), ("host", HOST, 1)):
            text = [t.rule(places, getattr(t, side), t.action[number]) for t in trials
                    if getattr(t, side) is not None and places[getattr(t, side)][2] != "ipt"]
            self.nft[side].run("table inet fz\ndelete table inet fz\ntable netdev fz\ndelete table netdev fz\n" +
                               "".join(text))
            self.restore(side, trials)

    def counters(self, trials):
        for side in ("router", "host"):
            for item in json.loads(self.nft[side].run("list counters"))["nftables"]:
                number = item.get("counter", {}).get("name", "")[1:]
                for t in trials:
                    if number == str(t.number):
                        t.killed[side] += item["counter"]["packets"]
            self.saved(side, trials)

    def file(self):
        for tap in self.taps:
            for p in tap.read():
                q = p.quote or p
                for protocol, port in PORTS.items():
                    if port in (q.sport, q.dport) and len(q.payload) >= 12:
                        ident = actors.asked_transaction(protocol, q.payload) if q.dport == port else \
                            actors.transaction(protocol, q.payload)
                        t = self.trials.get((protocol, ident))
                        if t:
                            t.packets.append(p)

    def pump(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([*self.server.socks, *(t.sock for t in self.taps)], [], [], min(left, 0.02))
            for sock in ready:
                if sock in self.server.socks:
                    self.server.take(sock)
            self.server.send_due()
            self.file()

    @staticmethod
    def heard(t):
        try:
            while True:
                answer, source = t.sock.recvfrom(65535)
                if source[0] == t.asked and actors.transaction(t.protocol, answer) == t.transaction:
                    return True
        except BlockingIOError:
            return False
        except OSError:
            return False

    def send(self, trials):
        for copy in range(3):
            for t in trials:
                if not t.sock:
                    t.sock = socket.socket(socket.AF_INET if t.family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
                    t.sock.bind((CLIENT[t.family], t.port))
                    t.sock.setblocking(False)
                t.answered = t.answered or self.heard(t)
                # One that would come near to the deadline is another query, or may be (a machine that is slow).
                t.began = t.began or time.monotonic()
                if copy < t.copies and not t.answered and time.monotonic() < t.began + TIMEOUT / 2:
                    t.sock.sendto(t.query, (t.asked, PORTS[t.protocol]))
                self.pump(0.001)
            self.pump(0.1)

    def run(self, numbers):
        """Results of one batch."""
        trials = [Trial(self.options.seed, n) for n in numbers]
        self.trials.update({(t.protocol, t.transaction): t for t in trials})
        self.rules(trials)
        self.send(trials)
        self.pump(LATE + 2.2)
        self.counters(trials)
        results = [self.result(t, role) for t in trials for role in TRUTHS]
        for t in trials:
            t.sock.close()
        for t in trials:
            del self.trials[t.protocol, t.transaction]
        return results

    def result(self, t, role):
        found = {}
        for line in list(self.tracers[role].raw):
            if t.transaction.hex() in line:
                record = json.loads(line)
                if record["type"] == "query" and record["network.protocol.name"] == t.protocol and \
                        record.get("transaction.id") == t.transaction.hex():
                    found[record["query.id"]] = record
        records = sorted(found.values(), key=lambda r: r["time"])
        part = {"records": records, "failed_sends": 0, "trial": t, "role": role}
        try:
            part["truth"] = TRUTHS[role](t)
            queries_of(t, role)
        except ValueError as e:
            part["void"] = str(e)
        if part.get("truth") == []:
            part["grade"] = "two records" if records else "absent"
        elif "void" not in part and queries_of(t, role) > 1:
            part["records"] = records[:1]       # of several, the first is judged
            part["grade"] = grade(part) if len(records) == queries_of(t, role) else "two records"
        else:
            part["grade"] = grade(part)
        if part["grade"] not in ("right", "absent") and self.options.keep:
            os.makedirs(self.options.keep, exist_ok=True)
            write_pcap(os.path.join(self.options.keep, f"{t.number}-{role}.pcap"), t.packets)
        return part

    def finish(self):
        """What the tracers said at their end, held against the schema."""
        problems, contract = [], Contract(self.options.schema)
        for role, tracer in self.tracers.items():
            problems += [] if tracer.interrupt() else [f"{role}: {tracer.stderr()}"]
            problems += [f"{role}: {p}" for p in contract.problems_of_run(tracer.records())
                         if not p.startswith("lost.recursion")]
            problems += [p for line in tracer.raw for p in contract.problems_of_line(line)]
        return problems


def parse():
    top = os.path.dirname(os.path.dirname(HERE))
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("-n", type=int, default=100, help="trials (default 100)")
    p.add_argument("--seed", default="1")
    p.add_argument("--trial", metavar="SEED:NUMBER", help="this one alone")
    p.add_argument("--keep", metavar="DIR", help="captures of wrong and void trials")
    p.add_argument("--udpwhy", default=os.path.join(top, "build", "udpwhy"))
    p.add_argument("--schema", default=os.path.join(top, "schema", "udpwhy.schema.json"))
    options = p.parse_args()
    options.numbers = list(range(options.n))
    if options.trial:
        options.seed, _, number = options.trial.rpartition(":")
        options.numbers = [int(number)]
    return options


def complain(part, options):
    told = [(r["fault"], r["verdict"], r.get("stage")) for r in part["records"]]
    print(f"{part['grade'].upper()} trial {part['trial'].number}, {part['role']}: {part['trial']}\n"
          f"    {part.get('void') or 'truth ' + str(part['truth']) + ', told ' + str(told)}\n"
          f"    tests/fuzz/roles.py --trial {options.seed}:{part['trial'].number}", flush=True)


def show(parts):
    table = collections.Counter()
    for part in parts:
        if not part.get("truth"):
            continue
        told = [(r["fault"], r["verdict"]) for r in told_of(part)]
        truth = next((t for t in part["truth"] if told and t[0] == told[0][0]), part["truth"][0])
        verdict = told[0][1] if told and told[0][1] in truth[1] else truth[1][0]
        table[part["role"], truth[0], verdict, told[0] if told else ("-", "missing")] += 1
    print("\nrole        truth                           told                            verdicts")
    for (role, fault, verdict, told), count in sorted(table.items()):
        print(f"{role:12}{fault:8}{verdict:24}{told[0]:8}{told[1]:24}{count:6}")


def checks_of(parts, problems, options):
    grades = collections.Counter(p["grade"] for p in parts)
    judged = max(1, sum(grades[g] for g in GRADES) - grades["void"])
    wrong = sum(grades[g] for g in ("wrong verdict", "missing", "two records"))
    print(", ".join(f"{n} {g}" for g, n in sorted(grades.items())))
    for p in problems[:10]:
        print(str(p)[:1000])
    return [("every trial was run", len(parts) == 2 * len(options.numbers) and grades["right"]),
            ("no confusion of local and beyond", not grades["confused"]),
            ("nobody else accused wrongly or acquitted", not grades["wrong fault"]),
            ("unknown at most 2%", grades["unknown"] <= 0.02 * judged),
            ("wrong stage at most 1%", grades["wrong stage"] <= 0.01 * judged),
            ("wrong verdict at most 1%", wrong <= 0.01 * judged),
            ("void below 1%", grades["void"] < max(0.01 * len(parts), 2)),
            ("the tracers ended well, their lines are as the schema says", not problems)]


def main():
    options = parse()
    if os.geteuid():
        sys.exit("roles.py: needs root, to make network namespaces: run it with sudo")
    sweep_dead_runs()
    parts = []
    with Roles(options) as roles:
        for at in range(0, len(options.numbers), BATCH):
            batch = roles.run(options.numbers[at:at + BATCH])
            parts += batch
            for part in batch:
                if part["grade"] not in ("right", "absent"):
                    complain(part, options)
        problems = roles.finish()
    show(parts)
    checks = checks_of(parts, problems, options)
    for name, holds in checks:
        print(f"{'ok  ' if holds else 'FAIL'} {name}")
    failed = sum(not h for _, h in checks)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
