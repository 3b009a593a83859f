#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A flood of requests from made-up addresses to the servers of a host, beside one client of that host.

    flood.py [--rate N] [--count N] [--udpwhy FILE]

A third of the flood is dropped by a rule, a third finds a full socket that nobody reads, a third finds no
socket: nft's counter and the kernel's UdpRcvbufErrors and UdpNoPorts are the truth, which udpwhy's counts
by cause must equal. Meanwhile dnsperf asks a server beyond the wire, and a rule drops each fifth reply: every
one of its verdicts must be as without a flood. Needs root and gcc. Closes with "N passed, N failed".
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "lib"))
sys.path.insert(0, HERE)

# pylint: disable=wrong-import-position
from exactness import Checks, stop_by_exception
from lab import SLACK, wait_until
from scenario import Run
from tracer import Contract, Tracer

CLIENT_RATE = 200
TIMEOUT = 2         # seconds
ROOM = 2048         # kept in that time, to be told one by one
MEMORY = 64 << 10   # KiB
RULES = '''
table inet t {
	chain i {
		type filter hook input priority 0
		udp dport 53 udp sport < 20000 counter drop comment "flood"
		udp sport 53 numgen inc mod 5 == 0 counter drop comment "client"
	}
}'''
SPEC = {
    "name": "flood", "expect": [], "diagnosis": [], "end": {}, "nft": {"s": RULES},
    "daemon": [{"in": "c", "run": "dnsmasq"},
               {"in": "s", "run": "exec $ACTORS server dns --listen 10.0.2.2 --read-nothing"}],
}


def parse():
    top = os.path.dirname(HERE)
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rate", type=int, default=200000, help="requests per second")
    p.add_argument("--count", type=int, default=600000, help="requests in all")
    p.add_argument("--udpwhy", default=os.path.join(top, "build", "udpwhy"))
    p.add_argument("--schema", default=os.path.join(top, "schema", "udpwhy.schema.json"))
    return p.parse_args()


def output_of(run, member, command):
    return subprocess.run(run.lab.enter(member) + ["/bin/bash", "-c", command], env=run.env, check=True,
                          capture_output=True, text=True, cwd=run.tmp).stdout


def truth_of(run):
    """{cause: packets} by nft and the kernel's counters."""
    found = {}
    for item in json.loads(output_of(run, "s", "nft -j list ruleset"))["nftables"]:
        rule = item.get("rule", {})
        if "comment" in rule:
            found[rule["comment"]] = sum(e["counter"]["packets"] for e in rule["expr"] if "counter" in e)
    for name in ("UdpRcvbufErrors", "UdpNoPorts", "UdpInDatagrams"):
        found[name] = int(re.search(name + r" +(\d+)", output_of(run, "s", f"nstat -asz {name}")).group(1))
    return found


def start_flood(run, options):
    subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", "-o", os.path.join(run.tmp, "flood"),
                    os.path.join(HERE, "lib", "flood.c")], check=True)
    mac = json.loads(output_of(run, "s", "ip -j link show eth0"))[0]["address"]
    return run.spawn("flood", "r", f"exec $TMP/flood s0 {mac} 10.0.2.2 {options.rate} {options.count}")


def start_client(run, seconds):
    with open(os.path.join(run.tmp, "names"), "w", encoding="ascii") as file:
        for number in range(CLIENT_RATE * seconds * 2):
            file.write(f"q{number:07d}.ok.test A\n")
    return run.spawn("dnsperf", "s", f"exec dnsperf -s 10.0.1.2 -d names -l {seconds} -Q {CLIENT_RATE} -T 1 -t 1")


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def peak_memory(pid):
    """KiB."""
    return int(re.search(r"VmHWM:\s+(\d+)", text_of(f"/proc/{pid}/status")).group(1))


def by_cause(records):
    """{(stage, reason): drops} and {verdict: queries} of the role server, by the flow records."""
    drops, verdicts = {}, {}
    for flow in (r for r in records if r["type"] == "flow" and r["role"] == "server"):
        for drop in flow.get("drops", []):
            key = drop["stage"], drop.get("reason")
            drops[key] = drops.get(key, 0) + drop["count"]
        for key, value in flow.items():
            if key.startswith("count.") and value:
                verdicts[key[6:]] = verdicts.get(key[6:], 0) + value
    return drops, verdicts


def check_client(checks, records, client, truth):
    """As exact as without a flood."""
    sent, completed, lost = client
    mine = [r for r in records if r["type"] == "query" and r["role"] == "client"]
    flows = [r for r in records if r["type"] == "flow" and r["role"] == "client"]
    checks.equal("client: dnsperf lost what the rule dropped", lost, truth["client"])
    checks.equal("client: one record for each dropped reply", len(mine), truth["client"])
    wrong = [q for q in mine if (q["verdict"], q["fault"], q["stage"], q["drop.engine"]) !=
             ("reply_dropped", "local", "nf_input", "nftables")]
    checks.that("client: each has its verdict and its stage", not wrong, wrong[:2])
    checks.equal("client: all others answered", sum(f["count.answered"] for f in flows), completed)
    checks.equal("client: asked", sent, completed + lost)


def check_flood(checks, records, sent, truth):
    drops, verdicts = by_cause(records)
    end = records[-1]
    unread = verdicts.get("request_unread", 0)
    checks.equal("flood: requests that came in", end["stats.visitors"], sent)
    checks.equal("flood: dropped by the rule", drops.get(("nf_input", "NETFILTER_DROP"), 0), truth["flood"])
    checks.equal("flood: found a full buffer", drops.get(("socket_queue", "SOCKET_RCVBUFF"), 0),
                 truth["UdpRcvbufErrors"])
    checks.equal("flood: found no socket", drops.get(("udp", "NO_SOCKET"), 0), truth["UdpNoPorts"])
    checks.equal("flood: told one by one or counted by cause, all of them",
                 verdicts.get("request_dropped", 0) + unread, sent)
    told = sum(r["type"] == "query" and r["role"] == "server" for r in records)
    print(f"{told} of the flood told one by one, the others counted; {unread} unread")
    checks.that("flood: few are told one by one", told < ROOM * (end["elapsed_us"] / 1e6 / TIMEOUT + 2), told)


def measure(run, options, checks):
    run.set_up()
    argv = [options.udpwhy, "trace", "-o", "json", "--timeout", str(TIMEOUT), "--scope", run.lab.name["s"]]
    tracer = Tracer(argv, run.env, os.path.join(run.tmp, "tracer.err"))
    run.tracers.append(tracer)
    if not tracer.wait_attached(None):
        raise RuntimeError(f"udpwhy did not attach: {tracer.stderr()}")
    client, client_out, _ = start_client(run, 5)
    flood, flood_out, flood_err = start_flood(run, options)
    if not wait_until(lambda: flood.poll() is not None, 120) or flood.returncode:
        raise RuntimeError(f"flood: {text_of(flood_err)}")
    client.wait(60 * SLACK)
    memory = peak_memory(tracer.process.pid)
    checks.that("udpwhy ended well", tracer.interrupt(), tracer.stderr())
    records, truth = tracer.records(), truth_of(run)
    said = text_of(client_out)
    asked = [int(re.search(rf"Queries {what}: +(\d+)", said).group(1)) for what in ("sent", "completed", "lost")]
    print(f"flood: {text_of(flood_out).strip()}; truth: {truth}; udpwhy's memory at most {memory} KiB")
    check_client(checks, records, asked, truth)
    check_flood(checks, records, int(text_of(flood_out).split()[0]), truth)
    checks.that("memory is bounded", memory < MEMORY, f"{memory} KiB")
    problems = [p for line in tracer.raw[-50:] for p in Contract(options.schema).problems_of_line(line)]
    problems += [f"{k} is {v}" for k, v in records[-1].items() if k.startswith("lost.") and v]
    checks.that("nothing lost, lines as the schema has them", not problems, problems[:3])


def main():
    options = parse()
    if os.geteuid():
        sys.exit("flood.py: needs root, to make network namespaces: run it with sudo")
    options.mark = f"flood-{os.getpid()}"
    checks = Checks()
    signal.signal(signal.SIGTERM, stop_by_exception)
    with Run(SPEC, 0, options, threading.Event()) as run:
        measure(run, options, checks)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
