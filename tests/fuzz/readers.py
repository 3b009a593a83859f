#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Hostile files for analyze: makes seeds of every kind, then lets readers.c change and read them.

    tests/fuzz/readers.py [SECONDS [SEED]]
"""

import pathlib
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "lib")]
import analyze
from frames import ETHERNET, RAW, SLL, SLL2, Pcapng, pcap


def seeds(place):
    way = analyze.Way(3 * analyze.SECOND, 1e-5, True)
    way.run(count=40)
    for order in "<>":
        yield place.file(f"{ord(order)}.pcap", pcap(way.client, order=order))
        p = Pcapng(order)
        for kind, resolution, offset in ((ETHERNET, 9, None), (RAW, None, 60), (SLL, 0x80 | 20, -60), (SLL2, 6, 0)):
            p.interface(kind, resolution, offset)
        for n, (when, _, data, _) in enumerate(way.server):
            p.packet(when, n % 4, data if n % 4 == 0 else data[14:])
        yield place.file(f"{ord(order)}.pcapng", p.bytes())
    yield place.file("cut.pcap", pcap(way.client, snaplen=60))
    server = place.file("s.pcap", pcap(way.server))
    yield server
    for n, args in enumerate(([], ["--all"])):
        yield place.file(f"{n}.json", analyze.lines_of(place, server, *args))


def main():
    seconds, seed = (sys.argv[1:] + ["8", "1"][len(sys.argv) - 1:])[:2]
    with tempfile.TemporaryDirectory() as directory:
        files = list(seeds(analyze.Place(directory)))
        run = subprocess.run([TESTS.parent / "build/san/fuzz_readers", seconds, seed, *files],
                             capture_output=True, text=True, timeout=int(seconds) + 60)
    print(run.stdout.strip())
    if run.returncode:
        print(run.stderr[-3000:])
    print(f"{int(not run.returncode)} passed, {int(bool(run.returncode))} failed")
    return int(bool(run.returncode))


if __name__ == "__main__":
    sys.exit(main())
