#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""udpwhy analyze on files made here: formats, damage, other clocks. No root, no network.

    tests/analyze.py [NAME...]

Each test is a function; every JSON line that comes out is held to the schema.
"""

import collections
import gzip
import itertools
import json
import os
import pathlib
import pty
import random
import re
import struct
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
    """As most captures do: one line, and what was read is told. It is no failure; nothing else may hide in it."""
    whole = pcap(ten())
    p = Pcapng()
    p.interface(ETHERNET, 9)
    for when, n, data, wire in ten():
        p.packet(when, n, data, wire)
    for data in (whole, p.bytes()):
        for result in (place.analyze(place.file("a.cap", data[:-1])), place.analyze("-", data=data[:-1])):
            assert result.verdicts() == TEN, result.verdicts()
            assert result.err.count("\n") == 1 and "the file ends within frame 20," in result.err, result.err
    damaged = whole[:24] + b"\xff" * 16 + whole[40:]
    result = place.analyze(place.file("a.pcap", damaged), status=1)
    assert "frame 1: " in result.err and "the file ends" not in result.err, result.err


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
def progress_on_a_terminal(place):
    """Percent and frames that grow, wiped at the end; nothing of it where no terminal is."""
    one = link(ETHERNET, packet(CLIENT, 9999, SERVER, 9998, b"other"))
    path = place.file("long.pcap", pcap([(START + n * 1000, 0, one, len(one)) for n in range(150_000)]))
    ours, theirs = pty.openpty()
    run = subprocess.run([str(UDPWHY), "analyze", path], stdout=subprocess.PIPE, stderr=theirs, timeout=60)
    os.close(theirs)
    told = os.read(ours, 65536).decode()
    os.close(ours)
    found = [tuple(map(int, pair)) for pair in re.findall(r"\r *(\d+)%  (\d+) frames", told)]
    assert run.returncode == 0 and len(found) == 2 and told.endswith("\r\x1b[K"), told
    for percent, frames in found:
        assert abs(frames / 150_000 - percent / 100) < 0.02, found
    assert place.analyze(path).err == ""


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


def lines_of(place, path, *args):
    """What -o json tells of a file, as bytes."""
    run = subprocess.run([str(UDPWHY), "analyze", path, "-o", "json", *args], capture_output=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return run.stdout


def as_host(lines, host):
    """The same as if another host had told it."""
    out = [{**json.loads(raw), "host.name": host} for raw in lines.splitlines()]
    return [json.dumps(record).encode() for record in out]


@test
def lines_are_read_as_they_were_told(place):
    """Also without --all, when good queries are in the flow records only; and again when read twice."""
    told = lines_of(place, place.file("a.pcap", pcap(ten())))
    path = place.file("a.json", told)
    for args in ([path], [path, path]):
        result = place.analyze(*args)
        assert result.verdicts() == {"no_reply": 1}
        flow, = result.of("flow")
        assert (flow["count.answered"], flow["count.no_reply"], flow["attempts"]) == (9, 1, 10), flow
        before, = (json.loads(raw) for raw in told.splitlines() if b'"type":"flow"' in raw)
        for key in before.keys() - {"time"}:
            assert flow[key] == before[key], (key, flow[key], before[key])
        end, = result.of("end")
        assert (end["count.answered"], end["fault.none"], end["fault.beyond"]) == (9, 9, 1), end


@test
def hosts_mixed_line_by_line(place):
    """Of two hosts the same addresses, namespaces and query ids are not the same."""
    told = lines_of(place, place.file("a.pcap", pcap(ten())), "--all")
    mixed = [raw for pair in zip(as_host(told, "one"), as_host(told, "two")) for raw in pair]
    result = place.analyze(place.file("a.json", b"\n".join(mixed) + b"\n"))
    assert result.verdicts() == {"answered": 18, "no_reply": 2}
    assert sorted(f["host.name"] for f in result.of("flow")) == ["one", "two"]
    assert collections.Counter(q["host.name"] for q in result.of("query")) == {"one": 10, "two": 10}


@test
def the_highest_revision_counts(place):
    told = [json.loads(raw) for raw in lines_of(place, place.file("a.pcap", pcap(ten()))).splitlines()]
    bad, = (r for r in told if r["type"] == "query")
    late = {**bad, "revision": 2, "verdict": "answered_late", "stage": "wire_in", "t.wire_in_us": 6000000,
            "duration_us": 6000000, "dns.response_code": "NOERROR", "dns.truncated": False}
    for queries in ([bad, late], [bad, late, bad], [late, bad]):
        data = "\n".join(json.dumps(r) for r in [told[0], *queries])
        end, = place.analyze(place.file("a.json", data.encode())).of("end")
        assert (end["count.no_reply"], end["count.answered_late"]) == (0, 1), end


@test
def bad_lines(place):
    """Each is one clear line with its place, the others count, and the exit status says so."""
    good = lines_of(place, place.file("a.pcap", pcap(ten())), "--all").splitlines()
    query = next(json.loads(raw) for raw in good if b'"type":"query"' in raw)
    bad = [b"{", b"no json", b"[]", b"{}", b"null", b"\xff\xfe", b'{"v":2,"type":"query"}', b'{"v":1,"type":"x"}',
           b"[" * 5000, b'{"v":1,"v":1,"type":"query"}', b"x" * 300000, b'{"v":1,"type":"end"', b"{\0}"]
    for key, value in [("query.id", "x"), ("query.id", 5), ("revision", -1), ("revision", "1"), ("time", "now"),
                       ("time", "2026-02-30T00:00:00.000000000Z"), ("client.port", 65536), ("server.address", "a.b"),
                       ("verdict", "fine\u001b[31m"), ("stage", "space"), ("transaction.id", "zz"), ("attempts", 1e3),
                       ("path", "eth0"), ("evidence.gaps", ["hole"]), ("dns.question.name", "a..b"),
                       ("dns.question.name", "x" * 64), ("dns.question.type", "TYPE65536"), ("role", None),
                       ("t.wire_out_us", -5), ("counters", [1]), ("server.port", True), ("network.type", "ipx")]:
        bad.append(json.dumps({**query, key: value}).encode())
    for key in ("query.id", "time", "verdict", "server.address", "attempts", "v", "type"):
        bad.append(json.dumps({k: v for k, v in query.items() if k != key}).encode())
    for raw in bad:
        path = place.file("a.json", b"\n".join([*good[:3], raw, *good[3:], b""]))
        result = place.analyze(path, status=1)
        assert result.verdicts() == TEN, (raw[:80], result.verdicts())
        told = result.err.splitlines()
        assert len(told) == 2 and ": line 4: " in told[0] and "1 of " in told[1], (raw[:80], result.err)
        assert "\x1b" not in result.err
    path = place.file("a.json", b"{}\n" * 1000)
    assert len(place.analyze(path, status=1).err.splitlines()) < 30


@test
def lines_and_captures_together(place):
    told = lines_of(place, place.file("a.pcap", pcap(ten())), "--all")
    later = quiet(START + 3600 * SECOND)
    for n in range(10):
        later += exchange(START + (3600 + n) * SECOND, 100 + n, answered=n != 2)
    result = place.analyze(place.file("a.json.gz", gzip.compress(told)), place.file("b.pcap", pcap(later)))
    assert result.verdicts() == {"answered": 18, "no_reply": 2}


class Way:
    """A client, a router that translates and loses, a server: what a capture at each end has of it."""

    def __init__(self, offset=0, drift=0.0, nat=False, seed=1):
        self.offset, self.drift, self.nat = offset, drift, nat
        self.random = random.Random(seed)
        self.client, self.server = [], []
        self.lost = collections.Counter()

    def far(self, when):
        """What the server's clock shows."""
        return when + self.offset + int((when - START) * self.drift)

    def see(self, list_, when, ip):
        data = link(ETHERNET, ip)
        list_.append((when, 0, data, len(data)))

    def ask(self, when, request, reply, port, sport, lose=(), serve=True):
        """One query: lose is what of "request" and "reply" gets lost on the way."""
        outside = ("198.51.100.9", 20000 + port % 20000) if self.nat else (CLIENT, port)
        ident, out, back = self.random.randrange(65536), *(self.random.randrange(200_000, 2_000_000) for _ in "12")
        work = self.random.randrange(50_000, 3_000_000)
        self.see(self.client, when, packet(CLIENT, port, SERVER, sport, request, ident))
        if "request" in lose:
            self.lost["request"] += 1
            return
        self.see(self.server, self.far(when + out), packet(*outside, SERVER, sport, request, ident))
        if not serve:
            self.lost["served"] += 1
            return
        answer = ident ^ 0x5555
        self.see(self.server, self.far(when + out + work), packet(SERVER, sport, *outside, reply, answer))
        if "reply" in lose:
            self.lost["reply"] += 1
            return
        self.see(self.client, when + out + work + back, packet(SERVER, sport, CLIENT, port, reply, answer))

    def run(self, count=600, ntp=True, every=SECOND // 10, lossy=0.1):
        for n in range(count):
            fate = self.random.random()
            lose = ("request",) if fate < lossy else ("reply",) if fate < 2 * lossy else ()
            serve = not 2 * lossy < fate < 2.3 * lossy
            port = self.random.randrange(30000, 60000)
            if ntp and n % 2:
                stamp = self.random.getrandbits(64) | 1
                self.ask(START + n * every, ntp_request(stamp), ntp_reply(stamp), port, 123, lose, serve)
            else:
                ident, name = self.random.randrange(65536), f"h{n % 7}.example"
                self.ask(START + n * every, dns(ident, name), dns_reply(ident, name), port, 53, lose, serve)
        end = START + count * every
        for n in range(1, 80):  # what makes both captures long enough
            self.see(self.client, end + n * SECOND, packet(CLIENT, 9999, SERVER, 9998, b"other"))
            self.see(self.server, self.far(end + n * SECOND), packet(CLIENT, 9999, SERVER, 9998, b"other"))
        self.server.sort()
        self.client.sort()

    def files(self, place):
        return place.file("c.pcap", pcap(self.client)), place.file("s.pcap", pcap(self.server))


def check_way(way, result):
    """Every loss is told with its direction, and nothing else is."""
    outcomes = collections.Counter(q.get("far.outcome") for q in result.of("query") if q["verdict"] == "no_reply")
    want = {"request_lost": way.lost["request"], "reply_lost": way.lost["reply"], "no_reply": way.lost["served"]}
    assert outcomes == {k: v for k, v in want.items() if v}, (outcomes, want)
    sums = [sum(f.get(f"far.{key}", 0) for f in result.of("flow")) for key in ("requests_lost", "replies_lost")]
    assert sums == [way.lost["request"], way.lost["reply"]], sums
    assert all(q["fault"] == "beyond" for q in result.of("query") if q["verdict"] == "no_reply")


@test
def two_vantage_points(place):
    """Clocks minutes apart and drifting, addresses translated, files in any order."""
    for offset, drift, nat in [(0, 0, False), (183 * SECOND, 20e-6, False), (-3601 * SECOND, -50e-6, True),
                               (12_345_678, 0, True), (400 * 86400 * SECOND, 5e-6, True)]:
        way = Way(offset, drift, nat)
        way.run()
        for files in (way.files(place), way.files(place)[::-1]):
            result = place.analyze(*files)
            check_way(way, result)
            client, server = sorted(result.of("end")[0]["vantages"], key=lambda v: v["side"])
            assert client["place"].endswith("c.pcap") and server["place"].endswith("s.pcap")
            assert abs(server["clock.offset_us"] - offset // 1000) <= server["clock.error_us"] + 1, (server, offset)
            assert server["clock.error_us"] < 1500, server
            assert abs(server["clock.drift_ppb"] - drift * 1e9) < 3000, (server, drift)
            assert server["joined"] == client["joined"] == 600 - way.lost["request"]
            assert sum(result.verdicts().values()) == 600, result.verdicts()


@test
def nothing_comes_back(place):
    """Every reply is lost: which end is whose still shows, and only the clocks' error is not known."""
    way = Way(77 * SECOND)
    for n in range(50):
        stamp = way.random.getrandbits(64) | 1
        way.ask(START + n * SECOND, ntp_request(stamp), ntp_reply(stamp), 40000 + n, 123, ("reply",))
    way.run(count=0)
    result = place.analyze(*way.files(place))
    check_way(way, result)
    server, = (v for v in result.of("end")[0]["vantages"] if v["side"] == "server")
    assert "clock.error_us" not in server and abs(server["clock.offset_us"] - 77_000_000) < 2500, server


@test
def a_capture_with_holes_accuses_nobody(place):
    """The server's capture has lost frames: that a request is not in it says nothing."""
    way = Way(5 * SECOND)
    way.run()
    way.server = [f for f in way.server if way.random.random() > 0.03]
    result = place.analyze(*way.files(place))
    assert not any(q.get("far.outcome") == "request_lost" for q in result.of("query"))
    way = Way(5 * SECOND)
    way.run()
    way.client = [f for f in way.client if way.random.random() > 0.03]
    result = place.analyze(*way.files(place))
    assert not any(q.get("far.outcome") == "reply_lost" for q in result.of("query"))


@test
def lines_of_the_client_and_a_capture_of_the_server(place):
    way = Way(183 * SECOND, 20e-6, True)
    way.run()
    client, server = way.files(place)
    told = [json.loads(raw) for raw in lines_of(place, client).splitlines()]
    told[0]["command"] = "trace"
    lines = "\n".join(json.dumps({**r, "host.name": "gw"}) for r in told)
    result = place.analyze(place.file("c.json", lines.encode()), server)
    outcomes = collections.Counter(q.get("far.outcome") for q in result.of("query") if q["verdict"] == "no_reply")
    assert outcomes["reply_lost"] == way.lost["reply"], (outcomes, way.lost)
    assert outcomes["request_lost"] == way.lost["request"] and outcomes["no_reply"] == way.lost["served"], outcomes
    place_, = {q["far.place"] for q in result.of("query") if "far.place" in q}
    assert place_ == server


@test
def lines_of_the_server_and_a_capture_of_the_client(place):
    """A server's own records (role server, all of them) are the far end: what it served came back or not.
    What is not in them accuses nobody: a tracer may have been told of a part only."""
    way = Way(-421 * SECOND, -30e-6)
    way.run()
    client, server = way.files(place)
    told = []
    for r in map(json.loads, lines_of(place, server, "--all").splitlines()):
        if r["type"] == "query":
            served = r["verdict"] == "answered"
            r.update({"role": "server", "verdict": "served" if served else "not_served",
                      "fault": "none" if served else "local", "stage": "wire_out" if served else "read"})
            r.update({"t.wire_in_us": r.pop("t.send_us"), "t.wire_out_us": r.pop("t.wire_in_us", None)})
            r = {k: v for k, v in r.items() if v is not None and k != "path"}
        told.append({**r, "host.name": "srv", **({"command": "trace"} if r["type"] == "start" else {})})
    lines = place.file("s.json", "\n".join(json.dumps(r) for r in told if r["type"] != "flow").encode())
    for files in ((client, lines), (lines, client)):
        result = place.analyze(*files)
        asked = [q for q in result.of("query") if q["role"] == "client"]
        outcomes = collections.Counter(q.get("far.outcome") for q in asked if q["verdict"] == "no_reply")
        assert outcomes["reply_lost"] == way.lost["reply"] > 0, (outcomes, way.lost)
        assert outcomes["no_reply"] == way.lost["served"] > 0, (outcomes, way.lost)
        assert outcomes["request_lost"] == 0 and outcomes[None] == way.lost["request"], (outcomes, way.lost)
        assert len(asked) == 600 and {q.get("far.place") for q in asked} == {"srv", None}
        far, = (v for v in result.of("end")[0]["vantages"] if v["side"] == "server")
        assert far["place"] == "srv" and abs(far["clock.offset_us"] + 421_000_000) < 3000, far


class LongWay(Way):
    """Another point between the two, with a clock of its own: a half of what is lost is lost behind it."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.middle = []

    def ask(self, when, request, reply, port, sport, lose=(), serve=True):
        at = len(self.client), len(self.server)
        super().ask(when, request, reply, port, sport, lose, serve)
        behind = self.random.random() < 0.5
        for list_, from_, shift, seen in ((self.client, at[0], 100_000, "request" not in lose or behind),
                                          (self.server, at[1], -100_000, "reply" not in lose or not behind)):
            for seen_at, i, data, wire in list_[from_:]:
                to_server = data[36:38] == struct.pack("!H", sport)
                if list_ is self.client and to_server and seen:
                    self.middle.append((seen_at + 9 * SECOND + shift, i, data, wire))
                if list_ is self.server and not to_server and seen:
                    when_sent = seen_at - self.offset
                    self.middle.append((when_sent + 9 * SECOND + shift, i, data, wire))

    def files(self, place):
        end = max(when for when, *_ in self.client)
        middle = sorted(self.middle) + [(end + 9 * SECOND, *self.client[-1][1:])]
        return (*super().files(place), place.file("m.pcap", pcap(middle)))


@test
def three_vantage_points(place):
    """Compared in pairs: each loss is told once, with its direction, whatever the order of the files."""
    way = LongWay(55 * SECOND)
    way.run()
    for files in itertools.permutations(way.files(place)):
        result = place.analyze(*files)
        check_way(way, result)
        assert sum(result.verdicts().values()) == 600, result.verdicts()
        sides = {os.path.basename(v["place"]): v["side"] for v in result.of("end")[0]["vantages"]}
        assert sides == {"c.pcap": "client", "m.pcap": "both", "s.pcap": "server"}, sides


@test
def one_capture_in_two_files(place):
    """What one file ends with and the next begins with is one query; as for a ring of files."""
    way = Way()
    way.run()
    whole = place.analyze(place.file("w.pcap", pcap(way.client)))
    cut = next(n for n in range(300, 600) if way.client[n][2][-48:-47] == b"#")  # behind an NTP request
    parts = [place.file(f"{n}.pcap", pcap(part)) for n, part in enumerate((way.client[:cut + 1], way.client[cut + 1:]))]
    for files in (parts, parts[::-1]):
        result = place.analyze(*files)
        assert result.verdicts() == whole.verdicts(), (result.verdicts(), whole.verdicts())
        assert not any("far.outcome" in q for q in result.of("query"))


@test
def files_that_have_nothing_in_common(place):
    """The same names asked at other times, ids by chance alike: no vantage points of one way."""
    files = []
    for n in range(2):
        way = Way(seed=n + 1)
        way.run(count=3000, ntp=False)
        shift = n * 7200 * SECOND
        frames = [(when + shift, i, data, wire) for when, i, data, wire in way.client]
        files.append(place.file(f"{n}.pcap", pcap(frames)))
    result = place.analyze(*files)
    assert sum(result.verdicts().values()) == 6000
    assert {v["side"] for v in result.of("end")[0]["vantages"]} == {"alone"}


def window_line(n, last, queries, **more):
    """A loss window of one flow, as a tracer told it."""
    def at(s):
        return f"2026-11-22T10:00:{s:02}.000000001Z"
    edges = {"last_good": at(1), "first_bad": at(2), "last_bad": at(last), "queries": queries, "answered": 0}
    flow = {"network.protocol.name": "ntp", "network.type": "ipv4", "role": "client", "client.address": CLIENT,
            "client.port_class": "ephemeral", "server.address": SERVER, "server.port": 123, "probe": False, **edges}
    return {"v": 1, "type": "window", "time": at(last), "host.name": "h", "window.id": f"12ab-w{n}", "state": "open",
            **edges, "answered.elsewhere": 2, "flows": [flow], "tcp.in_segments_during": 7, "udp.in_pps_during": 9,
            "udp.top_ports": [{"port": 53, "percent": 29}], **more}


@test
def windows_are_read_again(place):
    lines = [window_line(1, 4, 3), window_line(1, 9, 8), window_line(2, 30, 4, state="closed")]
    told = place.analyze("-", data="\n".join(map(json.dumps, lines)).encode()).of("window")
    assert [{**w, "time": 0} for w in told] == [{**w, "time": 0} for w in lines], told
    apart = place.analyze("-", "--server", "192.0.2.9", data=json.dumps(lines[0]).encode())
    assert not apart.of("window")


@test
def server_down_of_a_window_that_was_read(place):
    """Unanswered, and nothing else known but the window that stayed open: what it says is what counts."""
    window = window_line(1, 9, 3)
    flow = {k: v for k, v in window["flows"][0].items() if k.startswith(("network", "client", "server"))}
    asked = [{"v": 1, "type": "query", "query.id": f"12ab-0000000{i}", "revision": 1, "host.name": "h", "role": "client",
              "time": f"2026-11-22T10:00:0{i}.000000001Z", **flow, "client.port": 40000 + i, "attempts": 1,
              "attempts.on_wire": 1, "verdict": "no_reply", "fault": "beyond", "stage": "wire_out", "t.send_us": 0,
              "evidence.complete": True, "evidence.nic_drops": 0, "transaction.id": f"000000000000000{i}"}
             for i in (2, 5, 9)]
    closed = window_line(1, 9, 3, state="closed", first_good="2026-11-22T10:00:10.000000001Z")
    for lines, wanted in (([window], True), ([], False), ([window, closed], False)):
        result = place.analyze("-", data="\n".join(map(json.dumps, asked + lines)).encode())
        told = [d["diagnosis"] for d in result.of("diagnosis")]
        assert ("server-down" in told) == wanted, (lines, told)


def silent_query(n, **more):
    """A DNS query without an answer, as a tracer told it."""
    return {"v": 1, "type": "query", "query.id": f"12ab-{n:08x}", "revision": 1, "host.name": "h", "role": "client",
            "time": f"2026-11-22T10:00:{n:02}.000000001Z", "network.protocol.name": "dns", "network.type": "ipv4",
            "client.address": CLIENT, "client.port": 40000 + n, "client.port_class": "ephemeral",
            "server.address": SERVER, "server.port": 53, "attempts": 1, "attempts.on_wire": 1,
            "transaction.id": f"{n:04x}", "verdict": "no_reply", "fault": "beyond", "stage": "wire_out", "t.send_us": 0,
            "evidence.complete": True, "evidence.nic_drops": 0, **more}


def rose(n, *counters, drops=0):
    return silent_query(n, **{"fault": "unknown", "evidence.complete": False, "evidence.gaps": ["nic_drops_rose"],
                              "evidence.nic_drops": drops, "counters": list(counters)})


@test
def counters_of_drivers_name_the_cause(place):
    """A cloud's and a card's, of drivers that no test machine has; and what only looks like them."""
    cloud = "ens5 linklocal_allowance_exceeded +12"
    answered = silent_query(5, **{"verdict": "answered", "fault": "none", "stage": "read", "duration_us": 900,
                                  "dns.response_code": "NOERROR", "dns.truncated": False, "counters": [cloud]})
    for lines, wanted in (
            ([rose(1, cloud, drops=12)], {("cloud-allowance-exceeded", "likely", "1 unanswered query: the driver's "
                                           "*_allowance_exceeded rose meanwhile, by up to 12")}),
            ([rose(1, "eth0 rx_missed_errors +3", drops=3), silent_query(2)],
             {("nic-drops", "possible", "1 of 2 unanswered queries: the card's counters of lost packets rose "
               "meanwhile, by up to 3")}),
            ([rose(1, "eth0 rx_no_buffer_count +9", drops=9), rose(2, cloud, drops=12)],
             {("nic-drops", "possible", ""), ("cloud-allowance-exceeded", "likely", "")}),
            ([rose(1, "eth0 tx_dropped +1", "eth0 tx_errors +1")], set()),
            ([silent_query(1), answered], set())):
        told = place.analyze("-", data="\n".join(map(json.dumps, lines)).encode()).of("diagnosis")
        assert {(d["diagnosis"], d["confidence"]) for d in told} == {w[:2] for w in wanted}, (lines, told)
        for name, _, sentence in wanted:
            said = [line for d in told if d["diagnosis"] == name for line in d["evidence.for"]]
            assert any(line.startswith(sentence) for line in said), (sentence, said)


def unreachable(source, target, datagram):
    """ICMP port unreachable that quotes it."""
    body = struct.pack("!BBHI", 3, 3, 0, 0) + datagram
    ip = bytearray(packet(source, 0, target, 0, b""))[:20]
    ip[2:4], ip[9], ip[10:12] = struct.pack("!H", 20 + len(body)), 1, b"\0\0"
    return bytes(ip) + body


@test
def the_ticket_holds_what_is_beyond(place):
    """Nobody listens on this host itself: no provider's matter. At the server: it is."""
    for server, wanted in ((CLIENT, False), (SERVER, True)):
        asked = [packet(CLIENT, 40000 + n, server, 53, dns(n, "a.test"), ident=n) for n in range(1, 5)]
        frames = [(START + n * SECOND, 0, link(ETHERNET, ip)) for n, ip in enumerate(asked)]
        frames += [(when + 1000, 0, link(ETHERNET, unreachable(server, CLIENT, ip))) for (when, _, _), ip in zip(frames, asked)]
        frames = [(when, n, data, len(data)) for when, n, data in sorted(frames)] + quiet(START)
        path = place.file("a.pcap", pcap(frames))
        queries = place.analyze(path).of("query")
        assert [q["fault"] for q in queries] == ["beyond" if wanted else "local"] * 4, queries
        lines = place.file("a.json", lines_of(place, path))
        for file in (path, lines):
            text = subprocess.run([str(UDPWHY), "analyze", file], capture_output=True, timeout=60, text=True).stdout
            assert ("4 of 4 NTP and DNS queries over UDP drew no answer" in text) == wanted, text
            assert ("The question: " in text) == wanted, text


@test
def bad_windows_are_left_out(place):
    good = window_line(1, 4, 3)
    flow = good["flows"][0]
    bad = [{"window.id": "12ab-w4294967296"}, {"window.id": "12ab-w"}, {"window.id": "12AB-w1"}, {"state": "ajar"},
           {"answered": 4}, {"queries": -1}, {"last_bad": good["last_good"]}, {"flows": [flow] * 17}, {"flows": [1]},
           {"flows": [{**flow, "answered": 4}]}, {"flows": [{**flow, "server.address": "::1"}]}, {"flows": "all"},
           {"udp.top_ports": [{"port": 65536, "percent": 1}]}, {"udp.top_ports": [{"port": 1, "percent": 101}]},
           {"udp.top_ports": good["udp.top_ports"] * 4}, {"flows.more": 1 << 31}]
    for change in bad:
        result = place.analyze("-", data=json.dumps({**good, **change}).encode(), status=1)
        assert not result.of("window") and "line 1: " in result.err, (change, result.err)


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
