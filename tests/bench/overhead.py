#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What our programs cost, by the kernel's own run-time statistics, against empty programs at the same hooks.

    overhead.py [--seconds N] [--runs N] [--mode MODE] [--only LOAD] [--programs] [--udpwhy FILE] [-- OPTION...]

Loads between two namespaces of a lab, interleaved and repeated: a TCP stream, UDP that is nobody's
query, a byte back and forth over a unix socket and over TCP, and healthy DNS queries. In turn with our
programs empty ones of the same kinds sit at the same hooks: their time, with the statistics' own clock
reads, is taken off. Of each load: the run time of all our programs in sum, per packet and host (that
sends, or that receives it), per call (a send or a read, with what packets it makes), or per query (on the
asker's host alone); medians with the least and the most. Options after "--" go to udpwhy.
Exits with 1 if a goal is missed. Needs root.
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
TOP = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

# pylint: disable=wrong-import-position
from refuse import cgroup_root
from scenario import DAEMONS, Run
from tracer import Tracer

SYS_BPF = 321           # x86_64
BPF_ENABLE_STATS = 32   # from 5.8; ends with the descriptor
OTHER_PORT = 5300       # DNS on a port that is not traced is nobody's query
TCP_PORT = 9001
SERVER = "10.0.1.1"     # the client's neighbour
TURNS = 10000
GOALS = {"monitor": 60, "trace": 120}   # ns a packet, and a turn's four calls
QUERY_GOAL = 1500


def unbound(port):
    run = DAEMONS["unbound"][1].replace("server:\n", f"server:\n\tport: {port}\n").replace(
        "exec unbound", "unbound").replace("unbound.conf", f"{port}.conf").replace("unbound.pid", f"{port}.pid").replace(
        "$LISTEN4", SERVER).replace("\tinterface: $LISTEN6\n", "")
    return f"{run} & until ss -Hlun sport = :{port} | grep -q .; do sleep 0.1; done; echo ready; wait"


SPEC = {
    "name": "overhead", "expect": [], "diagnosis": [], "end": {}, "nft": {},
    "daemon": [
        {"in": "r", "run": unbound(53)},
        {"in": "r", "run": unbound(OTHER_PORT)},
        {"in": "r", "run": "echo ready; exec socat -u TCP-LISTEN:9000,fork,reuseaddr OPEN:/dev/null"},
        {"in": "r", "run": f"exec {HERE}/pingpong.py tcp-server {TCP_PORT}"},
    ],
}


def parse():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seconds", type=int, default=1)
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--mode", choices=GOALS, default="monitor")
    p.add_argument("--only", help="loads with this in their names")
    p.add_argument("--programs", action="store_true", help="each program's time too")
    p.add_argument("--udpwhy", default=os.path.join(TOP, "build", "udpwhy"))
    p.add_argument("option", nargs="*", help="of udpwhy")
    return p.parse_args()


def enable_stats():
    attr = ctypes.create_string_buffer(128)
    fd = ctypes.CDLL(None, use_errno=True).syscall(SYS_BPF, BPF_ENABLE_STATS, attr, 128)
    if fd < 0:
        sys.exit(f"overhead.py: no run-time statistics: {os.strerror(ctypes.get_errno())}")
    return fd


class Programs:
    """Those of one process."""

    def __init__(self, process):
        self.ids = set()
        for fd in os.listdir(f"/proc/{process.pid}/fdinfo"):
            with open(f"/proc/{process.pid}/fdinfo/{fd}", encoding="ascii", errors="replace") as file:
                self.ids |= set(map(int, re.findall(r"^prog_id:\s*(\d+)$", file.read(), re.M)))

    def times(self):
        """{name: (nanoseconds, runs)}."""
        shown = json.loads(subprocess.run(["bpftool", "-j", "prog", "show"], check=True, capture_output=True,
                                          text=True).stdout)
        return {p["name"]: (p.get("run_time_ns", 0), p.get("run_cnt", 0)) for p in shown if p["id"] in self.ids}


def wire_packets(run):
    """Packets over the client's device, both ways."""
    process, out, _ = run.spawn("link", "c", "exec ip -j -s link show dev eth0")
    process.wait(30)
    with open(out, encoding="utf-8") as file:
        counters = json.load(file)[0]["stats64"]
    return counters["rx"]["packets"] + counters["tx"]["packets"]


def done(run, label, command, limit):
    """What a command says that runs on the client."""
    process, out, err = run.spawn(label, "c", command)
    if process.wait(limit) not in (0, 124):
        with open(err, encoding="utf-8") as file:
            sys.exit(f"overhead.py: {command}: {file.read()}")
    with open(out, encoding="utf-8") as file:
        return file.read()


def dnsperf(run, port, seconds):
    """Returns how many queries were answered."""
    said = done(run, f"dnsperf{port}", f"echo 'ok.test A' > names; exec dnsperf -s {SERVER} -p {port} -d names"
                f" -l {seconds} -Q 20000 -c 8 -T 1", seconds + 60)
    return int(re.search(r"Queries completed: +(\d+)", said).group(1))


def packets_of(run, load):
    before = wire_packets(run)
    load()
    return 2 * (wire_packets(run) - before)     # sent by one host and received by the other


def pingpong(run, arguments):
    done(run, "pingpong", f"exec {HERE}/pingpong.py {arguments} {TURNS}", 120)
    return 4 * TURNS


def loads(run, seconds):
    """{name: (unit, what runs the load and returns how many units it was)}."""
    return {
        "TCP stream": ("packet and host", lambda: packets_of(
            run, lambda: done(run, "tcp", f"timeout {seconds} socat -u OPEN:/dev/zero TCP:{SERVER}:9000",
                              seconds + 60))),
        "unrelated UDP": ("packet and host", lambda: packets_of(run, lambda: dnsperf(run, OTHER_PORT, seconds))),
        "unix ping-pong": ("call", lambda: pingpong(run, "unix")),
        "TCP ping-pong": ("call", lambda: pingpong(run, f"tcp {SERVER} {TCP_PORT}")),
    }


def measure(programs, load):
    """{program: (ns a run, runs a unit)}."""
    before = programs.times()
    units = load()
    spent = {n: (t - before[n][0], c - before[n][1]) for n, (t, c) in programs.times().items() if n in before}
    return {n: (t / c, c / units) for n, (t, c) in spent.items() if c}


def above(ours, empty):
    """Ours less the empty ones: ({"net": ns a unit, "gross": with the empty ones, "runs": a unit}, {program: (ns, runs)})."""
    mean = statistics.median(t for t, _ in empty.values()) if empty else 0
    each = {n: (t - empty.get(n, (mean, 0))[0], c) for n, (t, c) in ours.items()}
    return {"net": sum(t * c for t, c in each.values()), "gross": sum(t * c for t, c in ours.values()),
            "runs": sum(c for _, c in ours.values())}, each


def show(name, unit, goal, results):
    """Prints a line; returns whether the goal was met."""
    net = [r[0]["net"] for r in results]
    met = statistics.median(net) <= goal
    print(f"{name:<18} {statistics.median(net):8.0f} ns  ({min(net):.0f} to {max(net):.0f})  a {unit:<16}"
          f" {statistics.median(r[0]['runs'] for r in results):5.1f} programs,"
          f" {statistics.median(r[0]['gross'] for r in results):.0f} ns with the empty ones   goal {goal}: "
          f"{'met' if met else 'MISSED'}")
    return met


def show_programs(results):
    for name in sorted({n for r in results for n in r[1]}):
        each = [r[1][name] for r in results if name in r[1]]
        print(f"    {name:<22} {statistics.median(e[0] for e in each):7.1f} ns above empty,"
              f" {statistics.median(e[1] for e in each):6.2f} runs a unit")


def start_tracer(run, options, scope):
    command = [options.udpwhy, options.mode, "-o", "json", *scope, *options.option]
    tracer = Tracer(command, run.env, os.path.join(run.tmp, "tracer.err"))
    run.tracers.append(tracer)
    if not tracer.wait_attached(None):
        sys.exit(f"overhead.py: udpwhy did not attach: {tracer.stderr()}")
    return tracer


def start_empty(members, run):
    process = subprocess.Popen(
        [os.path.join(TOP, "build/empty"), os.path.join(TOP, "build/tests/empty.bpf.o"), cgroup_root()] +
        [f"/run/netns/{run.lab.name[m]}" for m in members], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if process.stdout.readline() != "attached\n":
        sys.exit("overhead.py: the empty programs did not attach")
    return process


def bench(run, options, scope, members, rows):
    """{name: [result of a run]}: ours and the empty ones in turn, each alone at the hooks, as it is in use."""
    results = {name: [] for name in rows}
    for _ in range(options.runs):
        tracer = start_tracer(run, options, scope)
        ours = {name: measure(Programs(tracer.process), load) for name, (_, load) in rows.items()}
        tracer.interrupt()
        tracer.process.wait(60)
        process = start_empty(members, run)
        empty = {name: measure(Programs(process), load) for name, (_, load) in rows.items()}
        process.stdin.close()
        process.wait(30)
        for name in rows:
            results[name].append(above(ours[name], empty[name]))
    return results


def main():
    options = parse()
    if os.geteuid():
        sys.exit("overhead.py: needs root, to make network namespaces: run it with sudo")
    options.mark, options.schema = f"bench-{os.getpid()}", None
    stats, met = enable_stats(), True
    with Run(SPEC, 0, options, threading.Event()) as run:
        run.set_up()
        rows = {n: r for n, r in loads(run, options.seconds).items() if (options.only or "") in n}
        queries = {"healthy DNS": ("query", lambda: dnsperf(run, 53, options.seconds))}
        queries = {n: r for n, r in queries.items() if (options.only or "") in n}
        both = [run.lab.name[m] for m in "cr"]
        for table, scope, members, goal in ((rows, both, "cr", GOALS[options.mode]),
                                            (queries, both[:1], "c", QUERY_GOAL)):
            if not table:
                continue
            results = bench(run, options, ["--scope", ",".join(scope)] if goal == QUERY_GOAL else [], members, table)
            for name, (unit, _) in table.items():
                met &= show(name, unit, goal, results[name])
                if options.programs:
                    show_programs(results[name])
    os.close(stats)
    sys.exit(not met)


def stop_by_exception(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop_by_exception)
    main()
