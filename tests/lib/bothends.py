#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Two vantage points held against the router between them.

    bothends.py ask SERVER COUNT            COUNT NTP requests, a socket each, and one datagram to close the captures
    bothends.py check CLIENT SERVER LINES   run where the rules are: captures of both ends, JSON lines of the client's

check shifts the server's capture by minutes and lets its clock drift, then asks udpwhy where what was lost,
from the captures of both ends, from the client's lines with the server's capture, and from the client's capture
and lines with the server's lines, which know of the replies only what the server sent. What the rules with the
comments "request" and "reply" dropped is the truth. Prints "agree REQUESTS REPLIES".
"""

import collections
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time

OFFSET, DRIFT = -183_250_000_000, 30e-6     # ns, and s a second
CLOSING = 2.5                               # s behind the last query, so that it is not at the captures' end


def ask(server, count):
    import frames
    sockets = []
    for _ in range(count):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.sendto(frames.ntp_request(int.from_bytes(os.urandom(8), "big") | 1), (server, 123))
        sockets.append(s)
        time.sleep(0.002)
    time.sleep(CLOSING)
    sockets[0].sendto(b"end", (server, 9999))


def shift(path, to):
    """A pcap file of microseconds as another clock would have written it."""
    with open(path, "rb") as file:
        data = file.read()
    out, at, first = [data[:24]], 24, None
    while at + 16 <= len(data):
        seconds, us, length, wire = struct.unpack_from("<IIII", data, at)
        when = seconds * 10**9 + us * 1000
        first = first or when
        when += OFFSET + int((when - first) * DRIFT)
        out.append(struct.pack("<IIII", when // 10**9, when % 10**9 // 1000, length, wire))
        out.append(data[at + 16:at + 16 + length])
        at += 16 + length
    with open(to, "wb") as file:
        file.write(b"".join(out))


def dropped():
    rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
    found = collections.Counter()
    for packets, comment in re.findall(r'counter packets (\d+) .*comment "(\w+)"', rules):
        found[comment] += int(packets)
    return found["request"], found["reply"]


def told(*files):
    run = subprocess.run([os.environ["UDPWHY"], "analyze", *files, "-o", "json", "--timeout", "1"],
                         capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"analyze {files}: exit {run.returncode}: {run.stderr}")
    lines = [json.loads(raw) for raw in run.stdout.splitlines()]
    outcomes = collections.Counter(r.get("far.outcome") for r in lines
                                   if r["type"] == "query" and r["verdict"] == "no_reply")
    sums = [sum(r.get(f"far.{key}", 0) for r in lines if r["type"] == "flow")
            for key in ("requests_lost", "replies_lost")]
    server, = (v for v in lines[-1]["vantages"] if v["side"] == "server")
    return outcomes, sums, server


def as_host(path, name, to):
    """Both ends of the lab are one machine: another name tells that they are two."""
    with open(path, encoding="utf-8") as lines, open(to, "w", encoding="utf-8") as out:
        for line in lines:
            out.write(json.dumps({**json.loads(line), "host.name": name}) + "\n")
    return to


def check_served(truth, *files):
    """The server's records are no capture: that a request is not in them tells nothing of it."""
    outcomes, sums, _ = told(*files)
    if (outcomes["request_lost"], outcomes["reply_lost"]) != (0, truth[1]) or sums[1] != truth[1]:
        sys.exit(f"{files}: told {dict(outcomes)}, sums {sums}; the rules dropped {truth}")


def check(client, server, lines, served):
    truth = dropped()
    served = as_host(served, "server", served + ".server")
    check_served(truth, client, served)
    check_served(truth, served, lines)
    shift(server, server + ".shifted")
    for files in ((server + ".shifted", client), (lines, server + ".shifted")):
        outcomes, sums, place = told(*files)
        if (outcomes["request_lost"], outcomes["reply_lost"]) != truth or tuple(sums) != truth:
            sys.exit(f"{files}: told {dict(outcomes)}, sums {sums}; the rules dropped {truth}")
        error = abs(place["clock.offset_us"] - OFFSET // 1000)
        if error > place.get("clock.error_us", 20000) + 20:  # the files have microseconds
            sys.exit(f"{files}: the clocks are told {error} us wrong: {place}")
    print("agree", *truth)


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    if sys.argv[1] == "ask":
        ask(sys.argv[2], int(sys.argv[3]))
    else:
        check(*sys.argv[2:])
