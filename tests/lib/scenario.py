# SPDX-License-Identifier: GPL-2.0-only
"""A scenario: a small file that says what is set up, what is sent, and what must be reported.

    summary             one sentence
    topology            routed (default), twohomed, loopback, none: see lab.py
    alone               true: run after all others, by itself
    needs               kinds of network devices, as "ip link add type" has them, or lsm_cgroup: not run on a kernel without
    others              "allow": query records beyond the expected ones are no error
    diagnoses           list: exactly these ids and no others
    not_diagnosed       list: none of these ids

    [tracer]            scope (list of members, default c; empty: all of the machine), timeout (default 2 s), args,
                        command (instead of traffic), command_exit, instances (default 1), kill (true: SIGKILL, then all again),
                        folded (true: good queries are counted, not told), off (true), wait (seconds until it is ended whatever it told)
    [nft]               member = ruleset
    [every_case] [[case]] many small faults in one run: see cases.py
    [[daemon]]          in, run: chronyd, dnsmasq, unbound, or a command that prints "ready"
    [[setup]] [[traffic]] [[verify]]
                        in (default c; host with no namespace), run, exit (default 0), stdout,
                        stderr (patterns), background, lines (of stderr). verify runs until it
                        holds, with the tracer and without ($TMP/records: what it told): it proves that the cause was the one
                        meant. A step that runs $UDPWHY itself is left out with --no-tracer.
    [[expect]]          count (number or ">=N", default 1) or count_run (a command that prints it,
                        in count_in), absent (keys), and keys of a query record
    [[diagnosis]]       keys of a diagnosis record
    [[window]]          keys of a loss window's last record; none others may be there (windows: how many)
    [end]               keys of the end record
    [weaker]            what may be less on a kernel that cannot tell: see weaker.py

A value "2..9" is a range of numbers. A value that starts with ~ is a regular expression, searched for. Dotted keys may be written so.
@{FILE} in a value of [[expect]] is what a step wrote to FILE of its directory, a number if it is all.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import tomllib

from cases import CASE_KEYS, cases_of
from lab import SLACK, TMP_PREFIX, Lab, LabError, kill_inside, wait_until
from tracer import Tracer, still_loaded

STEP_LIMIT = 75
RANGE = re.compile(r"[0-9]+\.\.[0-9]+")
VERIFY_LIMIT = 10
DAEMON_LIMIT = 30
EXPECT_MOST = 60
EXPECT_LIMIT = 20   # beyond --timeout and the 3 s of a neighbour, for a machine that is slow
PLUGINS = "/usr/lib/nagios/plugins"
ADDRESSES = {"c": ["10.0.1.2", "fd00:1::2"], "s": ["10.0.2.2", "fd00:2::2"]}
LOCAL_ADDRESSES = ["127.0.0.1", "::1"]

# The command shares udpwhy's stdout, which is for records.
COMMAND_OUTPUT = "exec >$TMP/command.out 2>$TMP/command.err\n"

STEP_KEYS = {"in", "run", "exit", "stdout", "stderr", "background", "lines"}
TOP_KEYS = {"summary", "alone", "needs", "topology", "others", "diagnoses", "not_diagnosed", "tracer", "nft",
            "daemon", "setup", "traffic", "every_case", "case", "verify", "expect", "diagnosis", "window", "windows",
            "end", "weaker"}
TRACER_KEYS = {"wait", "scope", "args", "timeout", "command", "command_exit", "instances", "kill",
               "off", "folded"}
EXPECT_CONTROLS = {"what", "count", "count_run", "count_in", "absent", "weaker", "or"}

DAEMONS = {
    "chronyd": ("ntp", """
printf 'local stratum 3\\nallow all\\ncmdport 0\\nport 123\\npidfile %s/chronyd.pid\\n' $TMP \\
	> $TMP/chronyd.conf
exec chronyd -x -d -u root -f $TMP/chronyd.conf"""),
    "dnsmasq": ("dns", """
exec dnsmasq -k -C /dev/null --bind-interfaces --no-resolv --no-hosts --user=root --pid-file= \\
	--cache-size=0 --listen-address=$LISTEN4 --listen-address=$LISTEN6 \\
	--address=/ok.test/192.0.2.7 --address=/ok.test/2001:db8::7"""),
    "unbound": ("dns", """
cat > $TMP/unbound.conf <<END
server:
	interface: $LISTEN4
	interface: $LISTEN6
	access-control: 0.0.0.0/0 allow
	access-control: ::/0 allow
	do-daemonize: no
	use-syslog: no
	username: ""
	chroot: ""
	directory: "$TMP"
	pidfile: "$TMP/unbound.pid"
	num-threads: 1
	so-rcvbuf: 4m
	module-config: "iterator"
	local-zone: "test." static
	local-data: "ok.test. A 192.0.2.7"
	local-data: "ok.test. AAAA 2001:db8::7"
remote-control:
	control-enable: no
END
exec unbound -d -c $TMP/unbound.conf"""),
}


SLOW = "a machine that keeps up"    # what is weaker without it is printed like the rest


class Failure(Exception):
    """A step did not do what the scenario says it does."""


def flatten(table, prefix=""):
    """{"drop": {"reason": x}} and {"drop.reason": x} alike, as a record has it."""
    flat = {}
    for key, value in table.items():
        if isinstance(value, dict) and not (key == "weaker" and not prefix):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def value_matches(expected, actual):
    if isinstance(expected, str) and expected.startswith("~"):
        return actual is not None and re.search(expected[1:], str(actual)) is not None
    if isinstance(expected, str) and RANGE.fullmatch(expected) and isinstance(actual, int):
        low, high = expected.split("..")
        return int(low) <= actual <= int(high)
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(value_matches(v, actual.get(k)) for k, v in expected.items())
    if isinstance(expected, list):
        return isinstance(actual, list) and len(expected) == len(actual) and \
            all(map(value_matches, expected, actual))
    return type(expected) is type(actual) and expected == actual


def weaker_of(expected, key, actual):
    """(key, capability) of the alternative that this kernel may give, or None."""
    for value, name in expected.get("or", {}).get(key, []):
        if actual is None if value is False else value_matches(value, actual):
            return key, name
    return None


def differences(expected, record):
    """What a record has other than expected, a line each."""
    found = [f"{key} is {record[key]!r}, not absent" for key in expected.get("absent", [])
             if key in record]
    return found + [f"{key} is {record.get(key)!r}, not {value!r}"
                    for key, value in expected.items()
                    if key not in EXPECT_CONTROLS and not value_matches(value, record.get(key))
                    and not weaker_of(expected, key, record.get(key))]


def record_matches(expected, record):
    return not differences(expected, record)


def weaknesses(expected, record):
    """The (key, capability) that make a matching record match."""
    return {weaker_of(expected, key, record.get(key)) for key, value in expected.items()
            if key not in EXPECT_CONTROLS and not value_matches(value, record.get(key))}


def count_holds(expected, wanted, count):
    if not count and "record" in expected.get("or", {}):
        return True
    if isinstance(wanted, str):
        return count >= int(wanted.removeprefix(">="))
    return count == wanted


def check_keys(what, table, allowed):
    unknown = set(table) - allowed
    if unknown:
        raise Failure(f"{what}: unknown key {', '.join(sorted(unknown))}")


def load(path):
    """Read and check a scenario file; Failure if it says what no one would look at."""
    with open(path, "rb") as file:
        spec = tomllib.load(file)
    name = os.path.basename(path).removesuffix(".toml")
    check_keys(name, spec, TOP_KEYS)
    check_keys(f"{name}: tracer", spec.get("tracer", {}), TRACER_KEYS)
    for section in ("daemon", "setup", "traffic", "verify"):
        for step in spec.get(section, []):
            check_keys(f"{name}: {section}", step, STEP_KEYS)
            if "run" not in step:
                raise Failure(f"{name}: {section}: nothing to run")
    for case in [spec.get("every_case", {}), *spec.get("case", [])]:
        check_keys(f"{name}: case", case, CASE_KEYS)
    spec["expect"] = [flatten(e) for e in spec.get("expect", [])]
    spec["diagnosis"] = [flatten(e) for e in spec.get("diagnosis", [])]
    spec["window"] = [flatten(e) for e in spec.get("window", [])]
    spec["end"] = flatten(spec.get("end", {}))
    spec["name"] = name
    return spec


class Run:
    """One run of one scenario. A context manager: nothing is left when it is left."""

    def __init__(self, spec, number, options, stop, may_lose=frozenset()):
        self.spec, self.options, self.stop, self.may_lose = spec, options, stop, may_lose
        self.tracer_spec = spec.get("tracer", {})
        self.lab = Lab(spec.get("topology", "routed"), number)
        self.home = "c" if "c" in self.lab.name else "host"
        self.problems, self.tracers, self.processes = [], [], []
        self.daemons = []
        self.weaknesses = set()
        self.cases = cases_of(spec, self.addresses(), flatten)
        self.log = {}

    def __enter__(self):
        self.tmp = tempfile.mkdtemp(prefix=f"{TMP_PREFIX}{os.getpid()}-{self.spec['name']}-")
        os.chmod(self.tmp, 0o755)
        try:
            self.lab.__enter__()
        except BaseException:
            shutil.rmtree(self.tmp)
            raise
        self.env = dict(os.environ, TMP=self.tmp, PLUGINS=PLUGINS, LC_ALL="C.UTF-8",
                        UDPWHY=self.options.udpwhy, UDPWHY_TEST_RUN=self.options.mark,
                        ACTORS=os.path.join(os.path.dirname(__file__), "actors.py"),
                        RECORDS=os.path.join(os.path.dirname(__file__), "records.py"),
                        NOTIFY=os.path.join(os.path.dirname(__file__), "notify.py"),
                        UNIT=os.path.join(os.path.dirname(__file__), "..", "..", "contrib", "systemd",
                                          "udpwhy.service"),
                        CLOCKSTEP_C=os.path.join(os.path.dirname(__file__), "clockstep.c"),
                        TIMESYNCD_C=os.path.join(os.path.dirname(__file__), "timesyncd.c"),
                        LOGROTATE=os.path.join(os.path.dirname(__file__), "..", "..", "contrib", "logrotate", "udpwhy"),
                        RSYSLOG=os.path.join(os.path.dirname(__file__), "..", "..", "contrib", "rsyslog",
                                             "udpwhy.conf"),
                        RULES=os.path.join(os.path.dirname(__file__), "..", "..", "contrib", "prometheus",
                                           "udpwhy.rules.yml"),
                        THROTTLE=os.path.join(os.path.dirname(__file__), "throttle.py"),
                        EDGES=os.path.join(os.path.dirname(__file__), "throttle_edges.py"),
                        CTFILL=os.path.join(os.path.dirname(__file__), "ctfill.py"),
                        NFQUEUE=os.path.join(os.path.dirname(__file__), "nfqueue.py"),
                        QUOTE=os.path.join(os.path.dirname(__file__), "icmpquote.py"),
                        LOSE=os.path.join(os.path.dirname(__file__), "refuse.py"),
                        REFUSE=os.path.join(os.path.dirname(__file__), "..", "..", "build",
                                            "tests", "refuse.bpf.o"),
                        XTABLES_LOCKFILE=os.path.join(self.tmp, "xtables.lock"),
                        **{f"NS_{m.upper()}": n for m, n in self.lab.name.items()})
        self.env.pop("NO_COLOR", None)
        return self

    def __exit__(self, *_):
        for tracer in self.tracers:
            tracer.kill()
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.lab.close()
        shutil.rmtree(self.tmp, ignore_errors=True)

    # ------------------------------------------------------------------ steps

    def spawn(self, label, member, run, env=None):
        """Start a shell command in a namespace; its output goes to files."""
        outputs = [os.path.join(self.tmp, f"{label}.{kind}") for kind in ("out", "err")]
        with open(outputs[0], "wb") as out, open(outputs[1], "wb") as err:
            process = subprocess.Popen(self.lab.enter(member) + ["/bin/bash", "-c", run],
                                       env=env or self.env, stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=err, start_new_session=True, cwd=self.tmp)
        self.processes.append(process)
        return process, *outputs

    @staticmethod
    def _read(path):
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            return file.read()

    def _complaint(self, step, status, out, err):
        """What a finished step did other than its scenario says, or None."""
        if status != step.get("exit", 0):
            return f"exit {status}, not {step.get('exit', 0)}"
        for key, text in (("stdout", out), ("stderr", err)):
            if key in step and not re.search(step[key], text, re.M):
                return f"{key} does not match {step[key]!r}"
        if "lines" in step and len(err.splitlines()) != step["lines"]:
            return f"{len(err.splitlines())} lines on stderr, not {step['lines']}"
        return None

    def run_step(self, label, step):
        """Run a step to its end. Failure with everything it said if it did otherwise."""
        process, out, err = self.spawn(label, step.get("in", self.home), step["run"])
        if step.get("background"):
            return
        if not wait_until(lambda: process.poll() is not None, STEP_LIMIT, self.stop):
            raise Failure(f"{step['run']}: still running after {STEP_LIMIT} s")
        texts = self._read(out), self._read(err)
        complaint = self._complaint(step, process.returncode, *texts)
        if complaint:
            raise Failure(f"{label}: {step['run']}: {complaint}\nstdout: {texts[0]}\n"
                          f"stderr: {texts[1]}")

    def run_steps(self, section):
        for number, step in enumerate(self.spec.get(section, [])):
            if re.search(r"\$UDPWHY\b", step["run"]) and not self.options.tracer:
                continue
            self.run_step(f"{section}{number}", step)

    def write_records(self):
        """For steps that hold what was told against something else."""
        with open(os.path.join(self.tmp, "records"), "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for t in self.tracers for line in t.raw)

    def verify(self):
        """Each step of [[verify]] until it holds: counters may move a moment later."""
        for number, step in enumerate(self.spec.get("verify", [])):
            last = []

            def holds(step=step, number=number, last=last):
                try:
                    self.write_records()
                    self.run_step(f"verify{number}", step)
                    return True
                except Failure as e:
                    last[:] = [str(e)]
                    return False
            if not wait_until(holds, VERIFY_LIMIT, self.stop):
                self.problems.append(f"the cause is not the one meant: {last[0]}")

    # ------------------------------------------------------------------ cases

    def addresses(self):
        """{member: [IPv4, IPv6]} of those that ask and answer."""
        return {"c": LOCAL_ADDRESSES} if self.lab.topology == "loopback" else ADDRESSES

    def case_step(self, case, part, run, **step):
        """One command of a case, to its end; Failure names the case."""
        env, self.env = self.env, {**self.env, **case.env()}
        try:
            self.run_step(f"{case.label}-{part}",
                          {"in": case.table.get("in", self.home), "run": run, **step})
        except Failure as e:
            raise Failure(f"{case.what}: {part}: {e}") from e
        finally:
            self.env = env

    def case_truth(self, case):
        last = []

        def holds():
            try:
                self.case_step(case, "truth", case.table["truth"])
                return True
            except Failure as e:
                last[:] = [str(e)]
                return False
        if not wait_until(holds, VERIFY_LIMIT, self.stop):
            self.problems.append(f"the cause is not the one meant: {last[0]}")

    def run_case(self, case):
        try:
            if "before" in case.table:
                self.case_step(case, "before", case.table["before"])
            self.case_step(case, "run", case.run(), **case.run_holds(), **{"in": self.home})
            if "truth" in case.table:
                self.case_truth(case)
        except Failure as e:
            self.problems.append(str(e))
        finally:
            if "after" in case.table:
                self.case_step(case, "after", case.table["after"])

    # ------------------------------------------------------------------ set-up

    def start_daemon(self, number, daemon):
        member, run = daemon.get("in", "s"), daemon["run"]
        listen = self.addresses().get(member, ["", ""])
        proto, script = DAEMONS.get(run, (None, run))
        env = dict(self.env, LISTEN4=listen[0], LISTEN6=listen[1])
        process, out, err = self.spawn(f"daemon{number}", member, script, env)
        self.daemons.append((run, process, err))
        if proto:
            self.run_step(f"wait{number}", {"in": member,
                          "run": f"$ACTORS wait-for {proto} --server {listen[0]}"})
        elif not wait_until(lambda: "ready" in self._read(out) or process.poll() is not None,
                            DAEMON_LIMIT, self.stop) or process.poll() is not None:
            raise Failure(f"{run}: not ready: {self._read(err)}")

    def set_up(self):
        for number, daemon in enumerate(self.spec.get("daemon", [])):
            self.start_daemon(number, daemon)
        for member, rules in self.spec.get("nft", {}).items():
            path = os.path.join(self.tmp, f"{member}.nft")
            with open(path, "w", encoding="utf-8") as file:
                file.write(rules + "\n")
            self.run_step(f"nft-{member}", {"in": member, "run": f"nft -f {path}"})
        self.run_steps("setup")

    # ------------------------------------------------------------------ tracing

    def tracer_argv(self):
        scope = [self.lab.name[m] for m in self.tracer_spec.get("scope", ["c"])]
        argv = [self.options.udpwhy, "trace", "-o", "json", *([] if self.tracer_spec.get("folded") else ["--all"]), "--timeout",
                str(self.tracer_spec.get("timeout", 2)),
                *(["--scope", ",".join(scope)] if scope else []), *self.tracer_spec.get("args", [])]
        if "command" in self.tracer_spec:
            argv += ["--", *self.lab.enter("c"), "/bin/bash", "-c", COMMAND_OUTPUT
                     + self.tracer_spec["command"]]
        return argv

    def start_tracer(self):
        path = os.path.join(self.tmp, f"tracer{len(self.tracers)}.err")
        tracer = Tracer(self.tracer_argv(), self.env, path)
        self.tracers.append(tracer)
        if "command" not in self.tracer_spec and not tracer.wait_attached(self.stop):
            raise Failure(f"udpwhy did not attach: {tracer.stderr()}")
        return tracer

    def filled_in(self, value):
        """A value with the files it names in their place."""
        if not isinstance(value, str) or "@{" not in value:
            return value
        text = re.sub(r"@\{(\w[\w.-]*)\}",
                      lambda m: self._read(os.path.join(self.tmp, m[1])).strip(), value)
        return int(text) if text.isdigit() else text

    def here(self, expected):
        """What is expected, with what this kernel may say less of."""
        expected = {key: self.filled_in(value) for key, value in expected.items()}
        tables = self.spec.get("weaker", {}), expected.get("weaker", {})
        return {**expected, "or": self.options.doctor.alternatives(*tables)}

    def wanted(self):
        """[(expected, count)] with each count_run asked."""
        pairs = [(e, e.get("count", 1)) for e in (self.here(c.expected()) for c in self.cases)]
        for number, expected in enumerate(map(self.here, self.spec["expect"])):
            wanted = expected.get("count", 1)
            if "count_run" in expected:
                process, out, _ = self.spawn(f"count{number}", expected.get("count_in", self.home),
                                             expected["count_run"])
                process.wait(STEP_LIMIT * SLACK)
                wanted = int(self._read(out))
            pairs.append((expected, wanted))
        return pairs

    @staticmethod
    def _satisfied(tracer, pairs):
        queries = tracer.queries()
        return all(count_holds(e, w, sum(record_matches(e, q) for q in queries)) for e, w in pairs)

    def judge(self, tracer, pairs):
        """Everything a finished run of the tracer must have said, and must not."""
        queries, records = tracer.queries(), tracer.records()
        found = []
        for expected, wanted in pairs:
            matching = [q for q in queries if record_matches(expected, q)]
            count = len(matching)
            self.note_weaknesses(expected, matching)
            if not count_holds(expected, wanted, count):
                found.append(f"found {count}, not {wanted}, of {expected}")
                others = [differences(expected, q) for q in queries]
                found += [f"    the nearest: {d}" for d in min(filter(None, others), key=len,
                                                               default=[])]
        if self.spec.get("others") != "allow":
            found += [f"not expected: query {q.get('query.id')}" for q in queries
                      if not any(record_matches(e, q) for e, _ in pairs)]
        found += self._judge_diagnoses([r for r in records if r["type"] == "diagnosis"])
        found += self._judge_windows([r for r in records if r["type"] == "window"])
        for end in (r for r in records if r["type"] == "end"):
            expected = self.here(self.spec["end"])
            if "command" in self.tracer_spec:
                expected["command.status"] = self.tracer_spec.get("command_exit", 0)
            found += [f"end: {d}" for d in differences(expected, end)]
            self.weaknesses |= weaknesses(expected, end) - {None}
        found += self.options.contract.problems_of_run(records, self.may_lose | self.spec["end"].keys())
        for line in tracer.raw:
            found += self.options.contract.problems_of_line(line)
        if records[-1:] and records[-1].get("type") == "end":
            found += self.options.contract.problems_of_reading(tracer.raw, self.options.udpwhy)
        if re.search("AddressSanitizer|LeakSanitizer|runtime error:", tracer.stderr()):
            found.append("a sanitizer spoke")
        self.problems += found
        return found

    def note_weaknesses(self, expected, matching):
        for query in matching:
            self.weaknesses |= weaknesses(expected, query)
        if not matching and expected.get("count") != 0:
            self.weaknesses |= {("record", name) for _, name in expected["or"].get("record", [])}

    def _judge_diagnoses(self, diagnoses):
        ids = {d["diagnosis"] for d in diagnoses}
        lesser = self.here({})["or"].get("diagnosis")
        if lesser and not diagnoses:
            self.weaknesses |= {("diagnosis", name) for _, name in lesser}
            return []
        found = [f"diagnosis expected: {e}" for e in self.spec["diagnosis"]
                 if not any(record_matches(e, d) for d in diagnoses)]
        if "diagnoses" in self.spec and ids != set(self.spec["diagnoses"]):
            found.append(f"diagnoses {sorted(ids)}, not {self.spec['diagnoses']}")
        for name in ids & set(self.spec.get("not_diagnosed", [])):
            found.append(f"diagnosis {name} must not be made")
        return found

    def _judge_windows(self, records):
        """Each record of a window replaces the one before."""
        if "windows" not in self.spec and not self.spec.get("window"):
            return []
        last = {r["window.id"]: r for r in records}.values()
        wanted = self.spec.get("windows", len(self.spec["window"]))
        found = [f"window expected: {e}; there are {list(last)}" for e in self.spec["window"]
                 if not any(record_matches(e, w) for w in last)]
        if len(last) != wanted:
            found.append(f"{len(last)} windows, not {wanted}: {list(last)}")
        return found

    def _finish(self, tracer, pairs):
        limit = self.tracer_spec.get("wait", min(EXPECT_LIMIT, EXPECT_MOST / SLACK))
        if "command" in self.tracer_spec:
            if not tracer.wait_exit(STEP_LIMIT, self.stop) or tracer.process.returncode:
                self.problems.append(f"udpwhy: exit {tracer.process.poll()}")
        else:
            wait_until(lambda: self._satisfied(tracer, pairs) or tracer.process.poll() is not None,
                       limit, self.stop)
            if not tracer.interrupt():
                self.problems.append(f"udpwhy: exit {tracer.process.poll()} after SIGINT")
        self.judge(tracer, pairs)

    def _kill_and_start_again(self):
        """SIGKILL: the kernel must forget every program and link; a new tracer must see all."""
        tracer = self.tracers[-1]
        objects = tracer.kernel_objects()
        if not objects:
            self.problems.append("the tracer held no BPF object, nothing was tested")
        tracer.kill()
        if not wait_until(lambda: not still_loaded(objects), VERIFY_LIMIT, self.stop):
            self.problems.append(f"left in the kernel after SIGKILL: {still_loaded(objects)}")
        self.start_tracer()
        self.run_steps("traffic")

    def execute(self):
        """The whole scenario; what went wrong is in problems."""
        self.set_up()
        traced = self.options.tracer and not self.tracer_spec.get("off")
        if traced:
            for _ in range(self.tracer_spec.get("instances", 1)):
                self.start_tracer()
        if "command" not in self.tracer_spec:
            self.run_steps("traffic")
            for case in self.cases:
                self.run_case(case)
        elif not traced:
            self.run_step("command", {"run": COMMAND_OUTPUT + self.tracer_spec["command"],
                                      "exit": self.tracer_spec.get("command_exit", 0)})
        if traced and self.tracer_spec.get("kill"):
            self._kill_and_start_again()
        if traced and "command" in self.tracer_spec:
            self._finish(self.tracers[0], self.wanted())
        self.verify()
        if traced and "command" not in self.tracer_spec:
            pairs = self.wanted()
            live = self.tracers[-1:] if self.tracer_spec.get("kill") else self.tracers
            for tracer in live:
                self._finish(tracer, pairs)

    def check_daemons(self):
        """A daemon that ended under our hands makes what was seen afterwards worth nothing."""
        self.problems += [f"{run}: ended, status {process.returncode}: {self._read(err)}"
                          for run, process, err in self.daemons if process.poll() is not None]

    def unseen(self):
        """The lost.* of events that the tracers say they did not see."""
        return set().union(*(t.unseen() for t in self.tracers))

    def report(self):
        """What a failing scenario shows: the expectation, the records, stderr."""
        lines = [f"  problem: {p}" for p in self.problems]
        lines += [f"  expected: {e}" for e in self.spec["expect"]]
        for tracer in self.tracers:
            lines += [f"  record: {r}" for r in tracer.raw]
            lines += [f"  stderr: {t}" for t in tracer.stderr().splitlines()]
        return "\n".join(lines)

    def abort(self):
        """From another thread: end whatever is being waited for."""
        for name in self.lab.name.values():
            kill_inside(name)


def run_once(spec, number, options, stop, may_lose=frozenset()):
    """Return: (passed, report, {(key, capability)} that were weaker, the lost.* of unseen events)."""
    try:
        with Run(spec, number, options, stop, may_lose) as run:
            try:
                run.execute()
            except (Failure, LabError, subprocess.TimeoutExpired) as e:
                run.problems.append(str(e))
            if run.problems:
                run.check_daemons()
            return not run.problems, run.report(), run.weaknesses, run.unseen()
    except LabError as e:
        return False, f"  problem: {e}", set(), set()


def run_scenario(spec, number, options, stop):
    """
    Run one scenario. Return: (passed, report, [(key, capability)] that were weaker).

    A run that fails and says that it did not see all events proves nothing: once more, and what failed
    before is in the report. Where programs are skipped again it must tell all else right, which it cannot by
    guessing: what a skipped run may have hidden is unknown.
    """
    passed, report, weaker, lost = run_once(spec, number, options, stop)
    if not passed and lost:
        before, before_lost = report, lost
        passed, report, weaker, lost = run_once(spec, number, options, stop, before_lost & {"lost.recursion"})
        report = f"  run again, for events were lost:\n{before}" + ("" if passed else f"\n{report}")
        weaker = weaker | {(f"a first run, {key} there", SLOW) for key in before_lost}
    elif passed:
        report = ""
    return passed, report, sorted(weaker | {(key, SLOW) for key in lost})
