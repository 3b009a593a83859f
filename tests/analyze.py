#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""udpwhy analyze on files made here: formats, damage, other clocks. No root, no network.

    tests/analyze.py [NAME...]

Each test is a function; every JSON line that comes out is held to the schema.
"""

import collections
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "lib"))
from frames import (ETHERNET, NULL, RAW, SLL, SLL2, Pcapng, dns, dns_reply, link, ntp_reply, ntp_request,
                    packet, pcap)
from tracer import Contract

CONTRACT = Contract(str(HERE.parent / "schema" / "udpwhy.schema.json"))
UDPWHY = HERE.parent / "build" / "udpwhy"
SECOND = 10**9
START = 1_700_000_000 * SECOND
CLIENT, SERVER = "10.0.0.5", "192.0.2.1"
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Result:
    def __init__(self, run):
        self.status, self.err = run.returncode, run.stderr.decode()
        text = run.stdout.decode()
        self.lines = [json.loads(raw) for raw in text.splitlines()]
        problems = [p for raw in text.splitlines() for p in CONTRACT.problems_of_line(raw)]
        assert not problems, problems[:3]

    def of(self, kind):
        return [r for r in self.lines if r["type"] == kind]

    def verdicts(self):
        return collections.Counter(q["verdict"] for q in self.of("query"))


class Place:
    """Where a test keeps its files."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)

    def file(self, name, data):
        path = self.directory / name
        path.write_bytes(data)
        return str(path)

    def analyze(self, *args, data=None, status=0):
        command = [str(UDPWHY), "analyze", "-o", "json", "--all", *args]
        run = subprocess.run(command, input=data, capture_output=True, timeout=60)
        result = Result(run)
        assert result.status == status, f"exit status {result.status}: {result.err}"
        return result


def exchange(when, ident, kind=ETHERNET, interface=0, answered=True, name="example.com", port=40000):
    """A DNS question and its answer 3 ms later, as frames."""
    out = [(when, interface, link(kind, packet(CLIENT, port, SERVER, 53, dns(ident, name), ident=ident)))]
    if answered:
        reply = packet(SERVER, 53, CLIENT, port, dns_reply(ident, name), ident=ident)
        out.append((when + 3_000_000, interface, link(kind, reply)))
    return [(when, interface, data, len(data)) for when, interface, data in out]


def quiet(when, kind=ETHERNET, interface=0):
    """Something else, so late that every deadline before it is over."""
    data = link(kind, packet(CLIENT, 9999, SERVER, 9998, b"other"))
    return [(when + 60 * SECOND, interface, data, len(data))]


def ten(kind=ETHERNET):
    """Ten exchanges, of which the third has no answer."""
    frames = []
    for n in range(10):
        frames += exchange(START + n * SECOND, n + 1, kind, answered=n != 2)
    return frames + quiet(START, kind)


TEN = {"answered": 9, "no_reply": 1}


@test
def pcap_in_each_form(place):
    for order in "<>":
        for nano in (True, False):
            path = place.file("a.pcap", pcap(ten(), order=order, nano=nano))
            assert place.analyze(path).verdicts() == TEN
    for kind in (RAW, SLL, SLL2):
        assert place.analyze(place.file("a.pcap", pcap(ten(kind), kind))).verdicts() == TEN


@test
def interfaces_of_several_link_types(place):
    """Which libpcap does not read: other link types, snapshot lengths, clocks in one file."""
    p = Pcapng()
    kinds = [(ETHERNET, None, None), (RAW, 9, None), (SLL, 3, 3600), (SLL2, 0x80 | 20, -7200), (ETHERNET, 9, 86400)]
    for n, (kind, resolution, offset) in enumerate(kinds):
        p.interface(kind, resolution, offset, snaplen=1000 + n)
    for n, (kind, _, _) in enumerate(kinds):
        for when, _, data, wire in exchange(START + n * SECOND, n + 1, kind):
            p.packet(when, n, data, wire)
    for when, _, data, _ in quiet(START):
        p.packet(when, 0, data)
    result = place.analyze(place.file("a.pcapng", p.bytes()))
    assert result.verdicts() == {"answered": 5}, result.lines
    for n, q in enumerate(sorted(result.of("query"), key=lambda q: q["transaction.id"])):
        assert q["time"][:19] == f"2023-11-14T22:13:2{n}", q["time"]
        assert 2000 <= q["duration_us"] <= 3001, q


@test
def sections_of_both_byte_orders(place):
    p = Pcapng(">")
    p.interface(ETHERNET, 9)
    for when, n, data, wire in exchange(START, 1):
        p.packet(when, n, data, wire)
    p.block(5, b"\0" * 12)  # statistics
    p.block(0x80000001, b"own block")
    p.section("<")
    p.interface(SLL)
    for when, n, data, wire in exchange(START + SECOND, 2, SLL) + quiet(START, SLL):
        p.packet(when, n, data, wire)
    assert place.analyze(place.file("a.pcapng", p.bytes())).verdicts() == {"answered": 2}


@test
def a_link_type_that_is_not_read(place):
    p = Pcapng()
    p.interface(ETHERNET)
    p.interface(147)
    for when, n, data, wire in exchange(START, 1) + quiet(START):
        p.packet(when, n, data, wire)
    p.packet(START, 1, b"abc")
    result = place.analyze(place.file("a.pcapng", p.bytes()), status=1)
    assert result.verdicts() == {"answered": 1} and "link type" in result.err and result.err.count("\n") == 1


@test
def a_file_that_ends_early(place):
    """One line, and what was read is told."""
    whole = pcap(ten())
    p = Pcapng()
    p.interface(ETHERNET, 9)
    for when, n, data, wire in ten():
        p.packet(when, n, data, wire)
    for data in (whole, p.bytes()):
        result = place.analyze(place.file("a.cap", data[:-1]), status=1)
        assert sum(result.verdicts().values()) == 10, result.verdicts()
        assert result.err.count("\n") == 1 and "what came before it was analysed" in result.err, result.err
        assert result.verdicts()["answered"] == 9


@test
def damaged_blocks(place):
    good = Pcapng()
    good.interface(ETHERNET)
    for body in (b"\0" * 4, b"\0" * 8 + b"\xff\xff\xff\x7f" * 3, b"\7" + b"\0" * 23):
        p = Pcapng()
        p.interface(ETHERNET)
        p.block(6, body)
        result = place.analyze(place.file("a.pcapng", p.bytes()), status=1)
        assert result.err.count("\n") == 1 and "frame 1" in result.err, result.err
    for data in (good.bytes()[:20], good.bytes()[:27], good.bytes()[4:], b"\x0a\x0d\x0d\x0a", b"no capture", b"x"):
        result = place.analyze(place.file("a.pcapng", data), status=1)
        assert result.err.count("\n") == 1, result.err


@test
def packed_and_piped(place):
    data = pcap(ten())
    path = place.file("a.pcap.gz", gzip.compress(data))
    assert place.analyze(path).verdicts() == TEN
    assert place.analyze("-", data=data).verdicts() == TEN
    assert place.analyze("-", data=gzip.compress(data)).verdicts() == TEN
    cut = place.file("b.pcap.gz", gzip.compress(data)[:-200])
    assert place.analyze(cut, status=1).err.count("\n") == 1


@test
def nothing_to_read(place):
    for path in (place.file("empty", b""), str(place.directory), str(place.directory / "absent\x1b[31m")):
        result = place.analyze(path, status=1)
        assert result.err.count("\n") == 1 and "\x1b" not in result.err, result.err
    assert place.analyze("-", data=b"", status=1).err.startswith("udpwhy: standard input: ")


@test
def filter_expressions(place):
    frames = ten() + exchange(START + 30 * SECOND, 99, port=41000)
    path = place.file("a.pcap", pcap(frames))
    assert place.analyze(path, "--filter", "port 41000").verdicts() == {"answered": 1}
    result = place.analyze(path, "--filter", "port nonsense(", status=1)
    assert "--filter" in result.err and result.err.count("\n") == 1, result.err
    p = Pcapng()
    p.interface(ETHERNET)
    p.interface(SLL)
    for when, _, data, wire in exchange(START, 1):
        p.packet(when, 0, data, wire)
    for when, _, data, wire in exchange(START + SECOND, 2, SLL) + quiet(START, SLL):
        p.packet(when, 1, data, wire)
    path = place.file("a.pcapng", p.bytes())
    assert place.analyze(path, "--filter", "host 192.0.2.1").verdicts() == {"answered": 2}


@test
def out_of_order(place):
    *frames, last = ten()
    shuffled = [f for pair in zip(frames[1::2], frames[::2]) for f in pair]
    shuffled += frames[len(shuffled):] + [last]
    assert place.analyze(place.file("a.pcap", pcap(shuffled))).verdicts() == TEN


@test
def seen_twice(place):
    """Both ports of a bridge, or a device and what is stacked on it: one query."""
    frames = []
    for when, n, data, wire in ten():
        frames += [(when, n, data, wire), (when + 40_000, n, data, wire)]
    result = place.analyze(place.file("a.pcap", pcap(frames)))
    assert result.verdicts() == TEN
    assert all(q["attempts"] == 1 for q in result.of("query"))
    assert result.of("end")[0]["stats.duplicate"] == 0


@test
def a_snapshot_length_that_cuts(place):
    """A needed field was cut: nobody is accused."""
    result = place.analyze(place.file("a.pcap", pcap(ten(), snaplen=46)))
    assert set(result.verdicts()) == {"unknown"}, result.verdicts()
    assert all(q["evidence.gaps"] == ["truncated_capture"] for q in result.of("query"))


def main():
    wanted, failed = sys.argv[1:], 0
    tests = [t for t in TESTS if not wanted or t.__name__ in wanted]
    for function in tests:
        with tempfile.TemporaryDirectory() as directory:
            try:
                function(Place(directory))
            except AssertionError as error:
                failed += 1
                line = sys.exc_info()[2].tb_next.tb_lineno
                print(f"FAIL {function.__name__}, line {line}: {error}")
                continue
        print("ok  ", function.__name__)
    print(f"{len(tests) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
