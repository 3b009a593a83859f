#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Under load, every dropped reply is reported, and nothing else is.

    exactness.py [--role client|forwarder] [--seconds N] [--rate N] [--drops PERCENT] [--nft-trace]
                 [--untraced PERCENT] [--udpwhy FILE] [--no-tracer]

dnsperf asks unbound through a router while two rules in the client's input chain drop a random 2% of
the replies. In the role forwarder the router alone is traced: it drops, and a third
rule drops a share of the requests. Every query has a name of its own, and each rule writes the name in each packet it drops
into an nftables set of its own, in the same evaluation as the drop and its counter: those sets are the
truth, made without BPF. With --nft-trace each drop must have the rule that it died by, but for the random share
whose trace a rule before those two has put out: these are counted as rule_unknown, and no others are. Captures on the wire of both ends prove that the truth is sound: every request
reached the server, each dropped reply had come in, and no name was used twice. Needs root. Closes
with "N passed, N failed".
"""

import argparse
import json
import os
import re
import signal
import struct
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "lib"))

# pylint: disable=wrong-import-position
from lab import wait_until
from scenario import Run
from tracer import Contract, Tracer

CLIENTS = 8             # sockets of dnsperf
LABEL = 8               # bytes of the first label: q and seven digits
LABEL_AT = 8 + 12 + 1   # from the UDP header: behind it, the DNS header, and the label's length
PCAP_MAGIC = {0xa1b2c3d4, 0xa1b23c4d}
SETS = ("first", "second")      # of the rules that drop, and their comments
REQUESTS = "third"      # a forwarder's, of requests
MEMBER = {"client": "c", "forwarder": "r"}      # which is traced, and drops
HOOK = {"client": "input", "forwarder": "forward"}
GOOD = {"client": "answered", "forwarder": "forwarded"}
UNTRACED = "untraced"
SET = """
	set %s {
		typeof @th,168,64
		size 65535
		flags dynamic
	}"""
RULE = """
		udp %s 53 numgen random mod 10000 < %d add @%s { @th,168,64 } %s"""


def spec(options):
    share = int(options.drops * 100 / len(SETS))
    rules = ""
    if options.untraced:
        rules = RULE % ("sport", options.untraced * 100, UNTRACED, "meta nftrace set 0")
    rules += "".join(RULE % ("sport", share, name, f'counter drop comment "{name}"') for name in SETS)
    if options.role == "forwarder":
        rules += RULE % ("dport", share, REQUESTS, f'counter drop comment "{REQUESTS}"')
    hook = HOOK[options.role]
    chain = f"\n\tchain i {{\n\t\ttype filter hook {hook} priority 0{rules}\n\t}}"
    sets = "".join(SET % name for name in (UNTRACED, *SETS, REQUESTS))
    return {
        "name": "exactness", "expect": [], "diagnosis": [], "end": {},
        "daemon": [{"in": "s", "run": "unbound"}],
        "nft": {MEMBER[options.role]: "table inet t {" + sets + chain + "\n}"},
    }


def parse():
    top = os.path.dirname(HERE)
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--role", choices=MEMBER, default="client")
    p.add_argument("--seconds", type=int, default=10)
    p.add_argument("--rate", type=int, default=20000, help="queries per second")
    p.add_argument("--drops", type=float, default=2, help="percent of the replies")
    p.add_argument("--nft-trace", action="store_true")
    p.add_argument("--untraced", type=int, default=0,
                   help="percent of the replies whose trace is put out")
    p.add_argument("--udpwhy", default=os.path.join(top, "build", "udpwhy"))
    p.add_argument("--schema", default=os.path.join(top, "schema", "udpwhy.schema.json"))
    p.add_argument("--no-tracer", action="store_true")
    return p.parse_args()


class Checks:
    """Named facts that hold or do not."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, name, holds, otherwise=""):
        print(f"{'ok  ' if holds else 'FAIL'} {name}{'' if holds else f': {otherwise}'}")
        if holds:
            self.passed += 1
        else:
            self.failed += 1

    def equal(self, name, left, right):
        """Numbers or sets; of sets that differ, how and a few members."""
        if isinstance(left, set) and left != right:
            shown = f"{len(left)} and {len(right)}; only left {len(left - right)}: " \
                f"{sorted(left - right)[:5]}; only right {len(right - left)}: " \
                f"{sorted(right - left)[:5]}"
        else:
            shown = f"{left} and {right}" if not isinstance(left, set) else ""
        self.that(name, left == right, shown)


def read_capture(path):
    """A pcap file of Ethernet, IPv4, UDP: the names in the requests and in the replies."""
    with open(path, "rb") as file:
        data = file.read()
    if struct.unpack_from("=I", data)[0] not in PCAP_MAGIC:
        raise ValueError(f"{path}: no pcap file of this machine")
    requests, replies, at = [], [], 24
    while at + 16 <= len(data):
        length = struct.unpack_from("=I", data, at + 8)[0]
        udp = at + 16 + 14 + (data[at + 30] & 15) * 4
        name = data[udp + LABEL_AT:udp + LABEL_AT + LABEL].decode()
        if data[udp + 2:udp + 4] == b"\0\x35":
            requests.append(name)
        else:
            replies.append(name)
        at += 16 + length
    return requests, replies


class Capture:
    """tcpdump on eth0 of a namespace."""

    def __init__(self, run, member):
        self.path = os.path.join(run.tmp, f"{member}.pcap")
        self.process, _, self.err = run.spawn(
            f"capture-{member}", member,
            f"exec tcpdump -i eth0 -n -Z root -B 131072 -s 128 -w {self.path} udp port 53")
        if not wait_until(lambda: "listening on" in self._said(), 30):
            raise RuntimeError(f"tcpdump: {self._said()}")

    def _said(self):
        with open(self.err, encoding="utf-8") as file:
            return file.read()

    def stop(self):
        """Returns (requests, replies, packets the kernel did not give it)."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        lost = re.search(r"(\d+) packets? dropped by kernel", self._said())
        return *read_capture(self.path), int(lost.group(1)) if lost else -1


def run_load(run, options):
    """dnsperf; returns (sent, completed, lost)."""
    with open(os.path.join(run.tmp, "names"), "w", encoding="ascii") as file:
        for number in range(2 * options.seconds * options.rate):
            file.write(f"q{number:07d}.test A\n")
    process, out, _ = run.spawn("dnsperf", "c", (
        f"exec dnsperf -s 10.0.2.2 -d names -l {options.seconds} -Q {options.rate} -T 1"
        f" -c {CLIENTS} -q 20000 -b 4096 -t 3"))
    process.wait(options.seconds + 60)
    with open(out, encoding="utf-8") as file:
        text = file.read()
    return [int(re.search(rf"Queries {what}: +(\d+)", text).group(1))
            for what in ("sent", "completed", "lost")]


def nft_truth(run, member):
    """({set: its names}, {set: its rule's counter}) of what the rules dropped."""
    process, out, _ = run.spawn("truth", member, "exec nft -j list ruleset")
    process.wait(60)
    with open(out, encoding="utf-8") as file:
        objects = json.load(file)["nftables"]
    members, count = {name: set() for name in (UNTRACED, *SETS, REQUESTS)}, {}
    for item in objects:
        for element in item.get("set", {}).get("elem", []):
            members[item["set"]["name"]].add(int(element).to_bytes(LABEL, "big").decode())
        for part in item.get("rule", {}).get("expr", []):
            if "counter" in part:
                count[item["rule"]["comment"]] = part["counter"]["packets"]
    return members, count


def check_truth(checks, load, captures, by_rule, counts):
    """The rules' sets are what the rules dropped, and the captures are whole.

    Returns the set of requests whose reply never came to the client's wire (a busy machine's
    server may lose some): udpwhy must tell them apart.
    """
    sent, completed, lost = load
    truth = set().union(*(by_rule[name] for name in SETS))
    (requests, replies, missed), (at_server, replies_there, missed_there) = captures
    if REQUESTS in counts:
        replies = replies_there     # the wire by which they came to the one that drops
    checks.equal("captures are whole (packets not given to tcpdump)", missed + missed_there, 0)
    checks.equal("requests on the client's wire and dnsperf's count", len(requests), sent)
    checks.that("no name was used twice", len(set(requests)) == len(requests))
    checks.equal("every request reached the server, but for those dropped",
                 set(requests) - by_rule[REQUESTS], set(at_server))
    checks.that("each reply has its request", set(replies) <= set(requests))
    for name, count in counts.items():
        checks.equal(f"the set of the rule {name} and its counter", len(by_rule[name]), count)
    count = sum(counts.values())
    checks.that("each dropped reply had come in", truth <= set(replies),
                f"{len(truth - set(replies))} had not")
    silent = set(requests) - set(replies) - by_rule[REQUESTS]
    checks.equal("dnsperf lost what the rules dropped and what never came", lost,
                 count + len(silent))
    checks.that("there was something to find", count > 0 and completed > 0)
    return silent


def names(queries):
    return {q.get("dns.question.name", f"nameless {q}").removesuffix(".test") for q in queries}


def check_tracer(checks, tracer, contract, sent, by_rule, silent, role):
    """udpwhy's records are the truth."""
    truth = set().union(*(by_rule[name] for name in SETS))
    queries, end = tracer.queries(), tracer.records()[-1]
    requests = [q for q in queries if q["verdict"] == "request_dropped"]
    hook = HOOK[role]
    dropped = [q for q in queries if q["verdict"] == "reply_dropped"]
    unanswered = [q for q in queries if q["verdict"] == "no_reply"]
    checks.equal("udpwhy's reply_dropped and the rule's set", names(dropped), truth)
    checks.equal("udpwhy's no_reply and the captures", names(unanswered), silent)
    checks.equal("udpwhy's request_dropped and the rule's set", names(requests), by_rule[REQUESTS])
    checks.equal("one record each", len(dropped) + len(requests) + len(unanswered),
                 len(truth) + len(by_rule[REQUESTS]) + len(silent))
    others = [q for q in queries if q["verdict"] not in
              ("reply_dropped", "request_dropped", "no_reply", GOOD[role])]
    checks.that("no other bad query", not others, f"{len(others)}: {others[:2]}")
    checks.that("each dropped at the rule", all(
        (q["stage"], q["fault"], q.get("drop.hook"), q.get("drop.engine")) ==
        (f"nf_{hook}", "local", hook, "nftables") for q in dropped + requests))
    checks.that("each in its role", all(q["role"] == role for q in queries))
    checks.equal("everything else answered", end.get(f"count.{GOOD[role]}"),
                 sent - len(truth) - len(by_rule[REQUESTS]) - len(silent))
    problems = contract.problems_of_run(tracer.records())
    problems += [p for line in tracer.raw for p in contract.problems_of_line(line)]
    checks.that("nothing lost, every line as the schema has it", not problems, problems[:3])


def check_rules(checks, tracer, by_rule, seconds):
    """Each drop has the rule that dropped it; those without are counted."""
    dropped = [q for q in tracer.queries() if q["verdict"] == "reply_dropped"]
    told = [q for q in dropped if "drop.rule" in q]
    wrong = [q for q in told for name in SETS
             if f'comment "{name}"' in q["drop.rule"] and not names([q]) <= by_rule[name]]
    wrong += [q for q in told if not re.fullmatch(
        r'inet t i handle \d+: udp sport 53 numgen random mod 10000 < .* drop comment "\w+"',
        q["drop.rule"])]
    checks.that("each rule told is the one that dropped", not wrong, f"{len(wrong)}: {wrong[:2]}")
    checks.equal("rule_unknown and drops without a rule", len(dropped) - len(told),
                 tracer.records()[-1].get("rule_unknown"))
    print(f"{len(told)} of {len(dropped)} drops with their rule, {len(dropped) / seconds:.0f}/s")
    checks.equal("every drop that was traced has its rule", names(told), names(dropped) - by_rule[UNTRACED])


def measure(run, options, checks):
    run.set_up()
    tracer = None
    captures = [Capture(run, member) for member in "cs"]
    if not options.no_tracer:
        argv = [options.udpwhy, "trace", "-o", "json", "--timeout", "2", "--scope",
                run.lab.name[MEMBER[options.role]], *(["--nft-trace"] if options.nft_trace else [])]
        tracer = Tracer(argv, run.env, os.path.join(run.tmp, "tracer.err"))
        run.tracers.append(tracer)
        if not tracer.wait_attached(None):
            raise RuntimeError(f"udpwhy did not attach: {tracer.stderr()}")
    load = run_load(run, options)
    seen = [capture.stop() for capture in captures]
    by_rule, counts = nft_truth(run, MEMBER[options.role])
    print(f"dnsperf: {load[0]} sent, {load[1]} completed, {load[2]} lost, "
          f"{load[0] / options.seconds:.0f}/s; dropped by rule: {counts}")
    silent = check_truth(checks, load, seen, by_rule, counts)
    if tracer:
        checks.that("udpwhy ended well", tracer.interrupt(), tracer.stderr())
        check_tracer(checks, tracer, Contract(options.schema), load[0], by_rule, silent,
                     options.role)
        if options.nft_trace:
            check_rules(checks, tracer, by_rule, options.seconds)


def stop_by_exception(*_):
    raise KeyboardInterrupt


def main():
    options = parse()
    if os.geteuid():
        sys.exit("exactness.py: needs root, to make network namespaces: run it with sudo")
    options.mark = f"exactness-{os.getpid()}"
    checks = Checks()
    signal.signal(signal.SIGTERM, stop_by_exception)
    with Run(spec(options), 0, options, threading.Event()) as run:
        measure(run, options, checks)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
