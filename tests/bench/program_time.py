#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What our programs cost, by the kernel's own run-time statistics.

    program_time.py [--seconds N] [--runs N] [--programs] [--udpwhy FILE]

Three loads between the namespaces of a lab, interleaved and repeated: a TCP stream, UDP that is
nobody's query, and healthy DNS queries. Of each: the run time of all our programs in sum, per packet
on the client's wire (which this one kernel sends twice and receives twice, once for each host on
the way) and per query; medians with the least and the most. The statistics' own clock reads are in
the figures. Nothing here passes or fails. Needs root.
"""

import argparse
import ctypes
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
from scenario import DAEMONS, Run
from tracer import Tracer

SYS_BPF = 321           # x86_64
BPF_ENABLE_STATS = 32   # from 5.8; ends with the descriptor
OTHER_PORT = 5300       # DNS on a port that is not traced is nobody's query
OTHER = DAEMONS["unbound"][1].replace("server:\n", f"server:\n\tport: {OTHER_PORT}\n").replace(
    "unbound.conf", "other.conf").replace("unbound.pid", "other.pid")
SPEC = {
    "name": "program-time", "expect": [], "diagnosis": [], "end": {}, "nft": {},
    "daemon": [
        {"in": "s", "run": "unbound"},
        {"in": "s", "run": OTHER.replace("exec unbound", "unbound") +
         f" & until ss -Hlun sport = :{OTHER_PORT} | grep -q .; do sleep 0.1; done; echo ready; wait"},
        {"in": "s", "run": "echo ready; exec socat -u TCP-LISTEN:9000,fork,reuseaddr OPEN:/dev/null"},
    ],
}


def parse():
    top = os.path.dirname(os.path.dirname(HERE))
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seconds", type=int, default=2)
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--programs", action="store_true", help="each program's share of a DNS load")
    p.add_argument("--udpwhy", default=os.path.join(top, "build", "udpwhy"))
    return p.parse_args()


def enable_stats():
    attr = ctypes.create_string_buffer(128)
    fd = ctypes.CDLL(None, use_errno=True).syscall(SYS_BPF, BPF_ENABLE_STATS, attr, 128)
    if fd < 0:
        sys.exit(f"program_time.py: no run-time statistics: {os.strerror(ctypes.get_errno())}")
    return fd


def by_program(ids):
    """{name: (nanoseconds, runs)}."""
    found = {}
    for number in ids:
        shown = subprocess.run(["bpftool", "-j", "prog", "show", "id", str(number)], check=True,
                               capture_output=True, text=True).stdout
        program = json.loads(shown)
        found[program["name"]] = (program.get("run_time_ns", 0), program.get("run_cnt", 0))
    return found


def run_time(ids):
    """(nanoseconds, runs) of programs, all together."""
    return [sum(column) for column in zip(*by_program(ids).values())]


def wire_packets(run):
    """Packets over the client's device, both ways."""
    process, out, _ = run.spawn("link", "c", "exec ip -j -s link show dev eth0")
    process.wait(30)
    with open(out, encoding="utf-8") as file:
        counters = json.load(file)[0]["stats64"]
    return counters["rx"]["packets"] + counters["tx"]["packets"]


def dnsperf(run, port, seconds):
    process, out, _ = run.spawn(f"dnsperf{port}", "c", (
        f"echo 'ok.test A' > names; exec dnsperf -s 10.0.2.2 -p {port} -d names -l {seconds}"
        " -Q 20000 -c 8 -T 1"))
    process.wait(seconds + 60)
    with open(out, encoding="utf-8") as file:
        return int(re.search(r"Queries completed: +(\d+)", file.read()).group(1))


def tcp(run, seconds):
    process, _, _ = run.spawn("tcp", "c", f"timeout {seconds} socat -u OPEN:/dev/zero TCP:10.0.2.2:9000")
    process.wait(seconds + 60)
    return 0


def measure(run, ids, load):
    """(ns per packet on the wire, ns per query or 0, program runs per packet)."""
    packets, before = wire_packets(run), run_time(ids)
    queries = load()
    after, packets = run_time(ids), wire_packets(run) - packets
    spent, runs = after[0] - before[0], after[1] - before[1]
    return spent / packets, spent / queries if queries else 0, runs / packets


def show(name, results):
    def spread(values):
        return f"{statistics.median(values):8.0f}  ({min(values):.0f} to {max(values):.0f})"
    print(f"{name:<28} ns per packet {spread([r[0] for r in results])}   "
          f"programs per packet {statistics.median([r[2] for r in results]):.1f}")
    if results[0][1]:
        print(f"{'':<28} ns per query  {spread([r[1] for r in results])}")


def main():
    options = parse()
    if os.geteuid():
        sys.exit("program_time.py: needs root, to make network namespaces: run it with sudo")
    options.mark, options.schema = f"bench-{os.getpid()}", None
    stats = enable_stats()
    with Run(SPEC, 0, options, threading.Event()) as run:
        run.set_up()
        tracer = Tracer([options.udpwhy, "trace", "-o", "json", "--scope", run.lab.name["c"]], run.env,
                        os.path.join(run.tmp, "tracer.err"))
        run.tracers.append(tracer)
        if not tracer.wait_attached(None):
            sys.exit(f"program_time.py: udpwhy did not attach: {tracer.stderr()}")
        ids = sorted(number for kind, number in tracer.kernel_objects() if kind == "prog")
        loads = {
            "TCP stream": lambda: tcp(run, options.seconds),
            "UDP, nobody's query": lambda: dnsperf(run, OTHER_PORT, options.seconds) and 0,
            "healthy DNS, 20,000/s": lambda: dnsperf(run, 53, options.seconds),
        }
        results = {name: [] for name in loads}
        for _ in range(options.runs):
            for name, load in loads.items():
                results[name].append(measure(run, ids, load))
        for name in loads:
            show(name, results[name])
        if options.programs:
            before = by_program(ids)
            loads["healthy DNS, 20,000/s"]()
            for name, (spent, runs) in sorted(by_program(ids).items()):
                spent, runs = spent - before[name][0], runs - before[name][1]
                print(f"  {name:<18} {runs:>8} runs  {spent / max(runs, 1):6.0f} ns each")
        tracer.interrupt()
    os.close(stats)


def stop_by_exception(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop_by_exception)
    main()
