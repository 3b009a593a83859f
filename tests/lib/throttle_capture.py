#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Whether `analyze` tells the throttle from a capture at the host, by its rates: against what the generator sent.

    throttle_capture.py CAPTURE RECORDS ONSET RELEASE

writes what analyze says to RECORDS (throttle_edges.py holds its edges against the gate's log); prints
"rates right: N windows", or a line for what is wrong and 1. ONSET, RELEASE: packets/s sent when the
gate closed and opened.
"""

import json
import os
import subprocess
import sys


def within(value, truth):
    return value is not None and 0.8 * truth <= value <= 1.2 * truth


def look_at(window, onset, release):
    name = window["window.id"]
    ports = window.get("udp.top_ports", [{}])
    checks = {
        "udp.out_pps_before": within(window.get("udp.out_pps_before"), onset),
        "udp.in_pps_before": within(window.get("udp.in_pps_before"), onset),
        "udp.out_pps_release": within(window.get("udp.out_pps_release"), release),
        "udp.in_pps_release": within(window.get("udp.in_pps_release"), release),
        "udp.in_pps_during": window.get("udp.in_pps_during", 1e9) <= 0.03 * onset,
        # 50 segments are sent in a second, and answered one by one
        "tcp.in_segments_during": window.get("tcp.in_segments_during", 0) >= 200,
        "udp.top_ports": ports[0].get("port") == 51820 and ports[0]["percent"] >= 90,
    }
    return [f"{name}: {key} {window.get(key)}" for key, right in checks.items() if not right]


def main():
    capture, records, onset, release = sys.argv[1:]
    run = subprocess.run([os.environ["UDPWHY"], "analyze", capture, "-o", "json", "--timeout", "1"],
                         capture_output=True, text=True, check=False)
    with open(records, "w", encoding="utf-8") as out:
        out.write(run.stdout)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    windows = {line["window.id"]: line for line in lines if line["type"] == "window"}
    wrong = [] if not run.returncode else [f"analyze: exit {run.returncode}: {run.stderr}"]
    for window in windows.values():
        wrong += look_at(window, float(onset), float(release))
    told = [(line["diagnosis"], line["confidence"]) for line in lines if line["type"] == "diagnosis"]
    if told != [("upstream-udp-throttling", "likely")]:
        wrong.append(f"diagnoses {told}")
    print("\n".join(wrong) or f"rates right: {len(windows)} windows")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
