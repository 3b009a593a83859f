#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Whether the edges of the loss windows that udpwhy told hold what the gate's own log says.

    throttle_edges.py LOG RECORDS       "edges right: N", or a line for what is wrong and 1
"""

import datetime
import json
import sys


def seconds(text):
    return datetime.datetime.fromisoformat(text[:26] + "+00:00").timestamp()


def main():
    log = [line.split() for line in open(sys.argv[1], encoding="utf-8")]
    windows = {}
    for line in open(sys.argv[2], encoding="utf-8"):
        record = json.loads(line)
        if record["type"] == "window":
            windows[record["window.id"]] = record
    ons = [float(at) for what, at, _ in log if what == "on"]
    offs = [float(at) for what, at, _ in log if what == "off"]
    wrong = []
    if not len(windows) == len(ons) == len(offs):
        wrong.append(f"{len(windows)} windows, closed {len(ons)}, opened {len(offs)} times")
    # The rule is in force some milliseconds before or after it is logged.
    for w, on, off in zip(windows.values(), ons, offs):
        for low, at, high in (("last_good", on, "first_bad"), ("last_bad", off, "first_good")):
            if low not in w or high not in w:
                wrong.append(f"{w['window.id']}: {low} or {high} is absent")
            elif not seconds(w[low]) - 0.1 <= at <= seconds(w[high]) + 0.1:
                wrong.append(f"{w['window.id']}: {at} is not between {low} {w[low]} and {high} {w[high]}")
    print("\n".join(wrong) or f"edges right: {len(windows)}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
