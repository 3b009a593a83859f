#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The oracle: faults at random, and udpwhy's verdicts held against what really happened.

    verdicts.py [-n N] [--seed SEED] [--lanes N] [--trial SEED:NUMBER] [--keep DIR]

A trial is drawn from the seed and its number: a local fault, one beyond, both or none; request or
reply, IPv4 or IPv6, NTP or DNS; begun before the send, between two attempts, in flight, or gone
again before the reply. What really happened is known from the counters of the rule or the kernel
and from packet sockets on both ends of the client's wire and at the server (truth.py). Where these
do not agree the trial is void. Needs root. Closes with "N passed, N failed".
"""

import argparse
import collections
import itertools
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]

# pylint: disable=wrong-import-position
from grades import GRADES, told_of
from lab import sweep_dead_runs
from trial import Draw

def parse():
    top = os.path.dirname(os.path.dirname(HERE))
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("-n", type=int, default=100, help="trials (default 100)")
    p.add_argument("--seed", default="1")
    p.add_argument("--first", type=int, default=0, help="number of the first trial")
    p.add_argument("--lanes", type=int, default=4)
    p.add_argument("--trial", metavar="SEED:NUMBER", help="this one alone, everything kept")
    p.add_argument("--match", metavar="WORD", nargs="*", default=[],
                   help="only trials whose draw has all these words, -n of them")
    p.add_argument("--keep", metavar="DIR", help="captures and records of wrong and void trials")
    p.add_argument("--udpwhy", default=os.path.join(top, "build", "udpwhy"))
    p.add_argument("--schema", default=os.path.join(top, "schema", "udpwhy.schema.json"))
    options = p.parse_args()
    options.keep_all = False
    fits = (i for i in itertools.count(options.first)
            if all(word in str(Draw(options.seed, i)) for word in options.match))
    options.numbers = list(itertools.islice(fits, options.n))
    if options.trial:
        options.seed, _, number = options.trial.rpartition(":")
        if not options.seed or not number.isdigit():
            p.error(f"--trial {options.trial!r}: give SEED:NUMBER")
        options.numbers, options.lanes, options.keep_all = [int(number)], 1, True
    options.keep = options.keep or os.path.join(tempfile.gettempdir(), f"udpwhy-fuzz-{os.getpid()}")
    return options


def stop_by_exception(*_):
    raise KeyboardInterrupt


def lane_process(number, options, work, results):
    """Body of one lane's process."""
    from lane import Lane
    signal.signal(signal.SIGTERM, stop_by_exception)
    try:
        with Lane(number, options, results.put) as lane:
            while True:
                trial = work.get()
                if trial is None:
                    break
                lane.run(trial)
            lane.finish()
    except BaseException as e:     # pylint: disable=broad-exception-caught
        import traceback
        results.put({"crash": f"lane {number}: {e!r}\n{traceback.format_exc()}"})


def run_lanes(options):
    """Yield the results of all trials as they come."""
    context = multiprocessing.get_context("fork")
    work, results = context.SimpleQueue(), context.SimpleQueue()
    lanes = [context.Process(target=lane_process, args=(i, options, work, results), daemon=True)
             for i in range(options.lanes)]
    for lane in lanes:
        lane.start()
    feeder = context.Process(target=feed, args=(work, options.numbers, options.lanes), daemon=True)
    feeder.start()
    ended = 0
    try:
        while ended < len(lanes):
            result = results.get()
            yield result
            ended += "end" in result or "crash" in result
    finally:
        for process in [feeder, *lanes]:
            if process.is_alive():
                process.terminate()
            process.join(20)


def feed(work, numbers, lanes):
    for number in numbers:
        work.put(number)
    for _ in range(lanes):
        work.put(None)


class Score:
    """Counts of grades, and truth against verdict."""

    def __init__(self, options):
        self.options = options
        self.table = collections.Counter()
        self.grades = collections.Counter()
        self.problems = []

    def add(self, result):
        if "crash" in result:
            self.problems.append(result["crash"])
        elif "end" in result:
            self.problems += result["problems"]
            self.problems += [f"a record of no trial: {r}" for r in result["left"]]
        else:
            self._trial(result)

    def _trial(self, result):
        self.grades[result["grade"]] += 1
        for part in result["parts"]:
            told = [(r["fault"], r["verdict"], r.get("stage")) for r in told_of(part)]
            if "truth" in part:
                fits = [t for t in part["truth"] if told and t[0] == told[0][0]]
                truth = (fits or part["truth"])[0]
                verdict = told[0][1] if told and told[0][1] in truth[1] else truth[1][0]
                self.table[truth[0], verdict, told[0][:2] if told else ("-", "missing")] += 1
            if part["grade"] != "right":
                self._complain(result, part, told)

    def _complain(self, result, part, told):
        why = part.get("void") or f"truth {part['truth']}, told {told}"
        print(f"{part['grade'].upper()} trial {result['number']}: {result['draw']}\n"
              f"    {why}\n"
              f"    make fuzz-verdicts TRIAL={self.options.seed}:{result['number']}   "
              f"({self.options.keep}/{result['number']})", flush=True)

    def show(self, seconds):
        print("\ntruth                           told                            trials")
        for (fault, verdict, told), count in sorted(self.table.items()):
            print(f"{fault:8}{verdict:24}{told[0]:8}{told[1]:24}{count:6}")
        print(", ".join(f"{self.grades[g]} {g}" for g in GRADES if self.grades[g]) +
              f"; {seconds:.0f} s")

    def verdict(self):
        """(passed, failed) of the checks that the project promises."""
        total = sum(self.grades.values())
        judged = max(1, total - self.grades["void"])
        wrong = sum(self.grades[g] for g in ("wrong verdict", "missing", "two records"))
        checks = [
            ("something was judged", total > self.grades["void"]),
            ("every trial was run", total == len(self.options.numbers)),
            ("no confusion of local and beyond", not self.grades["confused"]),
            ("nobody else accused wrongly or acquitted", not self.grades["wrong fault"]),
            ("unknown at most 2%", self.grades["unknown"] <= 0.02 * judged),
            ("wrong stage at most 1%", self.grades["wrong stage"] <= 0.01 * judged),
            ("wrong verdict at most 1%", wrong <= 0.01 * judged),
            ("void below 1%", self.grades["void"] < max(0.01 * total, 2)),
            ("the tracer ended well, its lines are as the schema says", not self.problems),
        ]
        for problem in self.problems[:10]:
            print(str(problem)[:2000])
        for name, holds in checks:
            print(f"{'ok  ' if holds else 'FAIL'} {name}")
        return sum(h for _, h in checks), sum(not h for _, h in checks)


def main():
    options = parse()
    if os.geteuid():
        sys.exit("verdicts.py: needs root, to make network namespaces: run it with sudo")
    signal.signal(signal.SIGTERM, stop_by_exception)
    sweep_dead_runs()
    shutil.rmtree(options.keep, ignore_errors=True)
    score, begin = Score(options), time.monotonic()
    for result in run_lanes(options):
        score.add(result)
    score.show(time.monotonic() - begin)
    passed, failed = score.verdict()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
