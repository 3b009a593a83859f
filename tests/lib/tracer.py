# SPDX-License-Identifier: GPL-2.0-only
"""A running udpwhy: its JSON lines as they come, each held against the schema and the contract."""

import datetime
import json
import os
import re
import signal
import subprocess
import threading

from lab import SLACK, wait_until

# Raw bytes that may reach a terminal: C0, DEL, C1, zero-width and bidi marks.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
KERNEL_ADDRESS = re.compile(r"\b(0x)?ffff[0-9a-f]{12}\b")
# Where a program takes so long that the kernel's tick often interrupts it, another event comes meanwhile (since
# 7.0 also another task's): the kernel skips the program then, and says so.
SLOW_LOSSES = {"lost.recursion"} if SLACK > 1 else set()
# Events that the tracer says it did not see: what it tells is honest then, but a scenario proves nothing by it.
UNSEEN = {"lost.recursion", "lost.vanished", "lost.queue_race"}
START_LIMIT = 60
END_LIMIT = 60


class Contract:
    """What holds for every line and every run, whatever the scenario."""

    def __init__(self, schema_path):
        import jsonschema
        with open(schema_path, encoding="utf-8") as file:
            schema = json.load(file)
        kind = jsonschema.validators.validator_for(schema)
        kind.check_schema(schema)
        self.validator = kind(schema)

    def problems_of_line(self, raw):
        """A list of what is wrong with one line of output."""
        try:
            record = json.loads(raw)
        except ValueError as e:
            return [f"no JSON: {e}: {raw!r}"]
        found = [f"schema: {'/'.join(map(str, e.absolute_path)) or 'record'}: {e.message[:200]}"
                 for e in self.validator.iter_errors(record)]
        if UNPRINTABLE.search(raw):
            found.append(f"unescaped bytes: {raw!r}")
        for key, value in record.items():
            if value is None or value == "":
                found.append(f"{key} is {value!r}; an absent fact is an absent key: {raw}")
            if key != "transaction.id" and KERNEL_ADDRESS.search(str(value)):
                found.append(f"{key} shows a kernel address: {raw}")
        if record.get("fault") == "beyond" and record.get("evidence.complete") is not True:
            found.append(f"fault beyond without complete evidence: {raw}")
        return found

    @staticmethod
    def problems_of_run(records, lost=()):
        """lost: the lost.* keys that the scenario itself speaks of."""
        types = [r.get("type") for r in records]
        found = []
        if types[:1] != ["start"] or types.count("start") != 1:
            found.append(f"a run opens with one start record, not {types[:3]}")
        if types[-1:] != ["end"] or types.count("end") != 1:
            found.append(f"a run closes with one end record, not {types[-3:]}")
        for record in records:
            if record.get("type") == "end":
                found += [f"{k} is {v}" for k, v in record.items()
                          if k.startswith("lost.") and v and k not in lost and k not in SLOW_LOSSES]
        seen = [(r.get("query.id"), r.get("revision")) for r in records if r["type"] == "query"]
        found += [f"query.id and revision twice: {s}" for s in set(seen) if seen.count(s) > 1]
        return found

    def problems_of_reading(self, raw, udpwhy):
        """What `analyze` tells of a run's lines must be what the run told: queries, flows, sums, causes."""
        run = subprocess.run([udpwhy, "analyze", "-", "-o", "json", "--all"], input="\n".join(raw) + "\n",
                             capture_output=True, encoding="utf-8", errors="backslashreplace", timeout=60)
        if run.returncode:
            return [f"analyze of these lines: exit {run.returncode}: {run.stderr[:500]}"]
        told, again = ([json.loads(line) for line in lines] for lines in (raw, run.stdout.splitlines()))
        found = [p for line in run.stdout.splitlines() for p in self.problems_of_line(line)]
        for name, view in READINGS.items():
            before, after = view(told), view(again)
            for key in before.keys() | after.keys():
                if name == "diagnosis" and key in _overtaken(told):
                    continue
                found += [f"analyze of these lines: {name} {key}: {d}"
                          for d in _differences(before.get(key), after.get(key))]
        return found


def _differences(told, read):
    if told == read:
        return []
    if not isinstance(told, dict) or not isinstance(read, dict):
        return [f"was told {told}, is read {read}"]
    return [f"{key} was told {told.get(key)}, is read {read.get(key)}"
            for key in sorted(told.keys() | read.keys())
            if told.get(key) != read.get(key) and not _same_moment(told.get(key), read.get(key))]


def _overtaken(records):
    """Diagnoses told while it went on, before the last query was: what is true then need not be in the end."""
    order = [(r["type"], r.get("diagnosis")) for r in records]
    last_query = max((i for i, (kind, _) in enumerate(order) if kind == "query"), default=-1)
    return {d for kind, d in order[:last_query] if kind == "diagnosis"} - \
        {d for kind, d in order[last_query + 1:] if kind == "diagnosis"}


def _same_moment(a, b):
    """Times that a slewed clock gave twice: within a millisecond."""
    try:
        a, b = (datetime.datetime.fromisoformat(t[:26]) for t in (a, b))
    except (TypeError, ValueError):
        return False
    return abs(a - b) < datetime.timedelta(milliseconds=1)


def _without(record, *keys):
    return {k: v for k, v in record.items() if k not in keys}


def _flow_key(record):
    return str({k: v for k, v in record.items()
                if k in ("netns", "role", "network.protocol.name", "client.address", "client.network",
                         "client.port_class", "server.address", "server.port", "probe")})


# What of a run's records must be the same after reading them.
READINGS = {
    "query": lambda rs: {(r["query.id"], r["revision"]): r for r in rs if r["type"] == "query"},
    "window": lambda rs: {r["window.id"]: _without(r, "time") for r in rs if r["type"] == "window"},
    "flow": lambda rs: {_flow_key(r): _without(r, "time") for r in rs if r["type"] == "flow"},
    "end": lambda rs: {k: v for r in rs if r["type"] == "end"
                       for k, v in _without(r, "time", "host.name").items()},
    "diagnosis": lambda rs: {r["diagnosis"]: r["confidence"] for r in rs if r["type"] == "diagnosis"},
}


class Tracer:
    """One udpwhy process, its output read as it comes."""

    def __init__(self, argv, env, stderr_path):
        self.argv = argv
        self.raw = []
        self.stderr_path = stderr_path
        with open(stderr_path, "wb") as stderr:
            self.process = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=stderr,
                                            start_new_session=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.raw.append(line.decode("utf-8", "backslashreplace").rstrip("\n"))

    def records(self):
        """Every record so far; lines that are no JSON are for Contract to find."""
        found = []
        for line in list(self.raw):
            try:
                found.append(json.loads(line))
            except ValueError:
                pass
        return found

    def queries(self):
        """The query records so far, of each only the highest revision."""
        last = {}
        for record in self.records():
            if record.get("type") == "query":
                last[record.get("query.id")] = record
        return list(last.values())

    def unseen(self):
        """The UNSEEN that it told."""
        return {k for r in self.records() if r.get("type") == "end" for k in UNSEEN if r.get(k)}

    def wait_attached(self, stop):
        return wait_until(lambda: self.raw or self.process.poll() is not None, START_LIMIT, stop) \
            and self.process.poll() is None

    def wait_exit(self, limit, stop=None):
        ended = wait_until(lambda: self.process.poll() is not None, limit, stop)
        if ended:
            self.reader.join(10)
        return ended

    def interrupt(self):
        """SIGINT; True if it ended with its summary and status 0."""
        self._signal(signal.SIGINT)
        return self.wait_exit(END_LIMIT) and self.process.returncode == 0

    def kill(self):
        """SIGKILL its session, and collect it."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.reader.join(10)

    def _signal(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def stderr(self):
        with open(self.stderr_path, encoding="utf-8", errors="backslashreplace") as file:
            return file.read()

    def kernel_objects(self):
        """(kind, id) of each BPF program and link it holds: /proc/PID/fdinfo names them."""
        found = set()
        directory = f"/proc/{self.process.pid}/fdinfo"
        for fd in os.listdir(directory):
            with open(f"{directory}/{fd}", encoding="ascii", errors="replace") as file:
                for kind, number in re.findall(r"^(prog|link)_id:\s*(\d+)$", file.read(), re.M):
                    found.add((kind, int(number)))
        return found


def still_loaded(objects):
    """Those of kernel_objects() that the kernel still has."""
    return [o for o in objects if not subprocess.run(
        ["bpftool", o[0], "show", "id", str(o[1])], capture_output=True, check=False).returncode]
