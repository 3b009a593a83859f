#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Run the scenarios of tests/scenarios: real packets, real daemons, namespaces of their own.

    run_scenarios.py [--udpwhy FILE] [--jobs N] [--shuffle SEED] [--no-tracer] [--part N/M] [--list] [GLOB...]

Needs root. --no-tracer runs set-up, traffic and [[verify]] only: it checks the scenarios, not
udpwhy. Closes with "N passed, N failed". lib/scenario.py says what a scenario file holds.
"""

import argparse
import concurrent.futures
import fnmatch
import glob
import os
import random
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "lib"))

# pylint: disable=wrong-import-position
from lab import PREFIX, TMP_PREFIX, named_namespaces, sweep_dead_runs, test_cgroups, wait_until
from scenario import Failure, load, run_scenario
from tracer import Contract
from weaker import Doctor, WeakerError

MARK = "UDPWHY_TEST_RUN"


def parse():
    top = os.path.dirname(HERE)
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("globs", nargs="*", metavar="GLOB", help="of scenario names; default all")
    p.add_argument("--udpwhy", default=os.path.join(top, "build", "udpwhy"))
    p.add_argument("--schema", default=os.path.join(top, "schema", "udpwhy.schema.json"))
    p.add_argument("--jobs", type=int, default=4)
    p.add_argument("--shuffle", metavar="SEED")
    p.add_argument("--no-tracer", action="store_true")
    p.add_argument("--part", default="1/1", metavar="N/M", help="every M-th from the N-th on")
    p.add_argument("--list", action="store_true")
    return p.parse_args()


def make_programs():
    """The BPF programs that the scenarios lose packets with."""
    done = subprocess.run(["make", "-s", "-C", os.path.dirname(HERE), "build/tests/refuse.bpf.o"],
                          check=False)
    if done.returncode:
        sys.exit("run_scenarios.py: the BPF programs of tests/lib could not be compiled")


def select(globs, part):
    specs, (first, step) = [], map(int, part.split("/"))
    for path in sorted(glob.glob(os.path.join(HERE, "scenarios", "*.toml"))):
        spec = load(path)
        if not globs or any(fnmatch.fnmatch(spec["name"], g) for g in globs):
            specs.append(spec)
    return specs[first - 1::step]


def device_missing(kind):
    """Why this kernel has no such kind of network device, None if it has; asked of it in a namespace of its own."""
    done = subprocess.run(["unshare", "--net", "sh", "-c", "ip link add v type veth peer name w;"
                           f"ip link add link v name x type {kind}"], capture_output=True, text=True, check=False)
    no = "Unknown device type" in done.stderr or "Operation not supported" in done.stderr
    return f"no {kind}" if no else None


def lsm_missing():
    """Why no BPF program may answer for a security module here, None if one may."""
    refuse = os.path.join(HERE, "..", "build", "tests", "refuse.bpf.o")
    done = subprocess.run([os.path.join(HERE, "lib", "refuse.py"), "--hits", "0", "lsm_sendmsg", "true"],
                          env=dict(os.environ, REFUSE=refuse), capture_output=True, text=True, check=False)
    return f"no lsm_cgroup programs ({(done.stderr.splitlines() or [done.returncode])[-1]})" if done.returncode else None


def runnable(specs):
    """Those whose needs this kernel has; of the others, that they are not run is said."""
    needs = {need for spec in specs for need in spec.get("needs", [])}
    missing = {need: lsm_missing() if need == "lsm_cgroup" else device_missing(need) for need in needs}
    found = []
    for spec in specs:
        why = [missing[need] for need in spec.get("needs", []) if missing[need]]
        if why:
            print(f"not run {spec['name']}: this kernel has {', '.join(why)}")
        else:
            found.append(spec)
    return found


def marked_processes(mark):
    """Processes that inherited this run's mark: nothing of a run may outlive it."""
    found, wanted = [], f"{MARK}={mark}".encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if wanted in file.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            continue
    return found


def leftovers(mark):
    """Sentences about what this run left behind, after a moment of grace for dying processes."""
    prefix = f"{PREFIX}-{os.getpid()}-"
    wait_until(lambda: not marked_processes(mark), 5)
    found = [f"namespace {n}" for n in named_namespaces() if n.startswith(prefix)]
    found += [f"process {p}" for p in marked_processes(mark)]
    found += [f"cgroup {p}" for p in test_cgroups() if os.path.basename(p).startswith(TMP_PREFIX + mark)]
    for _, directories, files in os.walk("/sys/fs/bpf"):
        found += [f"pinned {n}" for n in directories + files if "udpwhy" in n or "uw_" in n]
    return found


class Suite:
    """Runs scenarios in parallel and counts."""

    def __init__(self, options):
        self.options = options
        self.stop = threading.Event()
        self.passed = self.failed = 0

    def one(self, spec, number):
        if self.stop.is_set():
            return None
        began = time.monotonic()
        passed, report, weaker = run_scenario(spec, number, self.options, self.stop)
        return spec, passed, report, weaker, time.monotonic() - began

    def show(self, result):
        if result is None:
            return
        spec, passed, report, weaker, seconds = result
        lesser = "".join(f"; weaker: {key} without {name}" for key, name in weaker)
        print(f"{'ok  ' if passed else 'FAIL'} {spec['name']} ({seconds:.1f} s{lesser})", flush=True)
        if passed:
            self.passed += 1
        else:
            self.failed += 1
        if report:
            print(f"  {spec.get('summary', '')}\n{report}", flush=True)

    def run(self, specs):
        numbered = list(enumerate(specs))
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            futures = [pool.submit(self.one, spec, n) for n, spec in numbered if not spec.get("alone")]
            for future in concurrent.futures.as_completed(futures):
                self.show(future.result())
        for n, spec in numbered:
            if spec.get("alone"):
                self.show(self.one(spec, n))
        for what in leftovers(self.options.mark):
            self.failed += 1
            print(f"FAIL left behind: {what}")


def doctor_of(options, specs):
    """What this kernel's doctor says, against which every scenario's [weaker] is held."""
    doctor = Doctor(options.udpwhy)
    for spec in specs:
        tables = [spec, spec["end"], *spec["expect"], *(c.get("expect") or {} for c in spec.get("case", [])),
                  spec.get("every_case", {}).get("expect") or {}]
        for table in tables:
            doctor.check(spec["name"], table.get("weaker", {}))
    return doctor


def main():
    options = parse()
    try:
        specs = select(options.globs, options.part)
    except (Failure, ValueError) as e:
        sys.exit(f"run_scenarios.py: {e}")
    if options.list:
        for spec in specs:
            print(f"{spec['name']:36} {spec.get('summary', '')}")
        return 0
    if os.geteuid():
        sys.exit("run_scenarios.py: needs root, to make network namespaces: run it with sudo")
    if not specs:
        sys.exit(f"run_scenarios.py: no scenario is named {' or '.join(options.globs)}")
    options.tracer = not options.no_tracer
    options.mark = f"{os.getpid()}-{time.monotonic_ns()}"
    options.contract = Contract(options.schema) if options.tracer else None
    try:
        options.doctor = doctor_of(options, specs) if options.tracer else None
    except WeakerError as e:
        sys.exit(f"run_scenarios.py: {e}")
    if options.shuffle is not None:
        random.Random(options.shuffle).shuffle(specs)
    make_programs()
    sweep_dead_runs()
    specs = runnable(specs)
    suite = Suite(options)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: suite.stop.set())
    suite.run(specs)
    if suite.stop.is_set():
        print("interrupted: the rest was not run")
        suite.failed += 1
    print(f"{suite.passed} passed, {suite.failed} failed")
    return 1 if suite.failed else 0


if __name__ == "__main__":
    sys.exit(main())
