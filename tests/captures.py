#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""udpwhy analyze against captures whose truth is known.

    tests/captures.py [DIRECTORY]

DIRECTORY holds captures and truth.json: per file and flow, how many transactions there are and how
many were answered, and how many datagrams were rejected by ICMP. Default: shared/captures beside the
repository; where there is none the test says so and passes nothing. Every line is held to the schema.
"""

import collections
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "lib"))
from tracer import Contract

CONTRACT = Contract(str(HERE.parent / "schema" / "udpwhy.schema.json"))
UDPWHY = HERE.parent / "build" / "udpwhy"
ANSWERED = {"answered", "answered_late", "refused"}
PORTS = {  # DNS beside port 53
    "nDPI__custom_rules_ipv6.pcapng": "dns=53,dns=5333",
    "tcpdump__dns_udp_8053.pcap": "dns=53,dns=8053",
}
CUT_SHORT = {"dpkt__truncated_dns_2.pcap"}  # ends within a frame: that is said, and the rest is told


def wanted(truth):
    """(transactions, answered, rejected datagrams) by flow, tunnels put together."""
    flows = collections.defaultdict(lambda: [0, 0, 0])
    for f in truth["flows"]:
        if f["proto"] not in ("dns", "ntp"):
            continue
        flow = flows[f["proto"], f["client"], f["cport"], f["server"], f["sport"]]
        flow[0] += f.get("transactions", f["queries"])
        flow[1] += f.get("trans_answered", f["answered"])
        flow[2] += f.get("rejected_icmp", 0)
    return {key: value for key, value in flows.items() if any(value)}


def told(lines):
    flows = collections.defaultdict(lambda: [0, 0, 0])
    for q in lines:
        if q["type"] != "query":
            continue
        flow = flows[q["network.protocol.name"], q["client.address"], q.get("client.port", 0),
                     q["server.address"], q["server.port"]]
        flow[0] += 1
        flow[1] += q["verdict"] in ANSWERED
        flow[2] += q["attempts"] if q["verdict"] == "rejected" else 0
    return dict(flows)


def analyze(path):
    command = [UDPWHY, "analyze", path, "-o", "json", "--all"]
    if path.name in PORTS:
        command += ["--port", PORTS[path.name]]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def check(path, truth):
    """Returns what is wrong, a line each."""
    run = analyze(path)
    if run.returncode or ("the file ends within frame" in run.stderr) != (path.name in CUT_SHORT):
        return [f"exit status {run.returncode}: {run.stderr.strip()}"]
    wrong = [p for raw in run.stdout.splitlines() for p in CONTRACT.problems_of_line(raw)]
    lines = [json.loads(raw) for raw in run.stdout.splitlines()]
    want, got = wanted(truth), told(lines)
    for flow in sorted(set(want) | set(got), key=str):
        if want.get(flow) != got.get(flow):
            wrong.append(f"{flow}: told {got.get(flow)}, true is {want.get(flow)} "
                         "(transactions, answered, rejected)")
    return wrong


def main():
    directory = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent.parent / "shared/captures")
    if not (directory / "truth.json").is_file():
        print(f"captures: skipped, no truth.json in {directory}")
        return 0
    truth = json.loads((directory / "truth.json").read_text())
    failed = 0
    for name in sorted(truth):
        wrong = check(directory / name, truth[name])
        failed += bool(wrong)
        print("FAIL" if wrong else "ok  ", name)
        for line in wrong:
            print("    ", line)
    print(f"{len(truth) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
