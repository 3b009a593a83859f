#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Packets a second of udpwhy analyze, beside tshark and an empty libpcap loop on the same file.

    tests/bench/analyze.py [SIZE[M|G] [ROUNDS]]

The file is generated: half NTP, half DNS, one query in fifty without an answer, and as many other datagrams
as those of queries. The three run in turn, pinned to one CPU; medians and spreads of CPU time. The bars: 1.5 million packets a second,
20 times tshark.
"""

import os
import pathlib
import resource
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests/lib"))
from frames import ETHERNET, dns, dns_reply, link, ntp_reply, ntp_request, packet

BAR, TIMES_TSHARK = 1_500_000, 20


def templates():
    """A block of frames, to be written again and again with other ids and times."""
    block = []
    for n in range(1000):
        client, port = f"10.{n % 7}.{n % 250}.5", 20000 + n * 31 % 40000
        if n % 2:
            request, reply, sport = ntp_request(1), ntp_reply(1), 123
        else:
            request, reply, sport = dns(0, f"host{n % 97}.example.com"), dns_reply(0, f"host{n % 97}.example.com"), 53
        block.append((sport, False, bytearray(link(ETHERNET, packet(client, port, "192.0.2.1", sport, request, 1)))))
        block.append((0, False, bytearray(link(ETHERNET, packet(client, 5000, "192.0.2.9", 6000, bytes(900), 1)))))
        if n % 50:
            block.append((sport, True, bytearray(link(ETHERNET, packet("192.0.2.1", sport, client, port, reply, 1)))))
            block.append((0, False, bytearray(link(ETHERNET, packet("192.0.2.9", 6000, client, 5000, bytes(60), 1)))))
    return block


def generate(path, size):
    """Returns how many packets there are."""
    block, when, count, serial = templates(), 1_700_000_000 * 10**6, 0, 0
    with open(path, "wb", 1 << 20) as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, ETHERNET))
        while out.tell() < size:
            for sport, reply, frame in block:
                serial += sport and not reply
                if sport == 53:
                    struct.pack_into("!H", frame, 42, serial & 0xffff)
                elif sport:
                    struct.pack_into("!Q", frame, 42 + (24 if reply else 40), serial << 1 | 1)
                struct.pack_into("!H", frame, 18, count & 0xffff)
                when += 50
                out.write(struct.pack("<IIII", when // 10**6, when % 10**6, len(frame), len(frame)) + frame)
                count += 1
    return count


def seconds(command):
    """CPU time of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    size, rounds = (sys.argv[1:] + ["1G", "3"][len(sys.argv) - 1:])[:2]
    bytes_ = int(size.rstrip("MG")) * {"M": 10**6, "G": 10**9}.get(size[-1], 1)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        path = f"{directory}/bench.pcap"
        packets = generate(path, bytes_)
        tools = {"udpwhy analyze": [TOP / "build/udpwhy", "analyze", path, "-o", "json"],
                 "empty loop": [TOP / "build/emptyloop", path]}
        if shutil.which("tshark"):
            tools["tshark"] = ["tshark", "-n", "-r", path, "-Y", "dns or ntp", "-T", "fields", "-e", "frame.number"]
        times = {name: [] for name in tools}
        for _ in range(int(rounds)):
            for name, command in tools.items():
                times[name].append(seconds(command))
    rate = {name: packets / statistics.median(t) for name, t in times.items()}
    print(f"{packets} packets, {bytes_ / 1e6:.0f} MB, {rounds} rounds in turn")
    for name, t in times.items():
        print(f"  {name:15} {rate[name]:12,.0f} packets/s   {min(t):.2f} to {max(t):.2f} s of CPU time")
    ours = rate["udpwhy analyze"]
    print(f"  empty loop / analyze: {rate['empty loop'] / ours:.1f}")
    met = ours >= BAR
    if "tshark" in rate:
        print(f"  analyze / tshark: {ours / rate['tshark']:.1f}")
        met &= ours >= TIMES_TSHARK * rate["tshark"]
    print("bars met" if met else "bars NOT met", f"({BAR:,} packets/s, {TIMES_TSHARK} times tshark)")
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
