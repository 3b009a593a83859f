#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""monitor for a long time, while everything around it comes and goes.

    soak.py [--seconds N] [--udpwhy FILE]

A client asks dnsmasq (dnsperf) and chronyd through a router, round after round. In each the daemons are
restarted, a rule that drops a share of the replies is added or taken away, a device is removed and made anew, and a
namespace appears, asks in vain and vanishes. All namespaces are in udpwhy's scope (what the client asks is
reported; other tests may be running), and its log is rotated. At the end
its counts are held against what dnsperf sent, what the daemons answered by their own count, and what the
rule dropped; its memory, descriptors, maps and links against what they were in the first rounds. Needs root.
Closes with "N passed, N failed".
"""

import argparse
import collections
import glob
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "lib"))

# pylint: disable=wrong-import-position
from lab import Lab, remove_namespace, run_tool, wait_until
from tracer import Contract

ACTORS = os.path.join(HERE, "lib", "actors.py")
SCHEMA = os.path.join(HERE, "..", "schema", "udpwhy.schema.json")
ROUND = 4               # seconds, about
RATE = 300              # DNS queries/s
SHARE = 5               # % of the replies that the rule drops
WARM = 40               # seconds until everything is there that stays: bad queries are known for 30 s
GROWTH = 1024           # kB of memory that is no growth, and ...
GROWTH_EACH = 24        # ... for each namespace: its flows are kept, up to a bound
RULES = """
table inet soak {
	counter dropped { }
	counter answers { }
	chain i {
		type filter hook input priority 0
		udp sport { 53, 123 } counter name answers
	}
}"""
DROP = f"add rule inet soak i udp sport 53 numgen random mod 100 < {SHARE} counter name dropped drop"


class Soak:
    """The laboratory, its daemons and what they counted."""

    def __init__(self, lab, tmp, options):
        self.lab, self.tmp, self.options = lab, tmp, options
        self.sent = collections.Counter()
        self.daemons, self.samples, self.monitor = {}, [], None
        self.served = collections.Counter()

    def run(self, member, *argv, **more):
        return subprocess.run(self.lab.enter(member) + list(argv), capture_output=True, text=True, check=False, **more)

    def nft(self, text):
        run_tool(self.lab.enter("c") + ["nft", "-f", "-"], text)

    def counter(self, name):
        out = run_tool(self.lab.enter("c") + ["nft", "-j", "list", "counter", "inet", "soak", name])
        return json.loads(out)["nftables"][-1]["counter"]["packets"]

    # --- daemons ---

    def start(self, name, *argv):
        log = open(f"{self.tmp}/{name}.log", "w", encoding="utf-8")
        self.daemons[name] = subprocess.Popen(self.lab.enter("s") + list(argv), stdout=log, stderr=log)
        log.close()

    def start_daemons(self):
        with open(f"{self.tmp}/chrony.conf", "w", encoding="utf-8") as conf:
            conf.write(f"local stratum 5\nallow\ncmdport 0\nbindcmdaddress {self.tmp}/chronyd.sock\n"
                       f"pidfile {self.tmp}/chronyd.pid\n")
        self.start("dnsmasq", "dnsmasq", "-k", "-C", "/dev/null", "--bind-interfaces", "--no-resolv", "--no-hosts",
                   "--user=root", "--pid-file=", "--cache-size=0", "--log-facility=-", "--listen-address=10.0.2.2",
                   "--address=/ok.test/192.0.2.7")
        self.start("chronyd", "chronyd", "-x", "-d", "-u", "root", "-f", f"{self.tmp}/chrony.conf")
        for port in (53, 123):
            if not wait_until(lambda p=port: f":{p} " in self.run("s", "ss", "-Hunl").stdout, 20):
                raise RuntimeError(f"nobody listens at port {port}")
        if not wait_until(lambda: self.run("s", "chronyc", "-h", f"{self.tmp}/chronyd.sock", "serverstats").returncode == 0, 20):
            raise RuntimeError("chronyd does not answer chronyc")

    def stop_daemons(self):
        """What they answered, by their own count, is added up."""
        stats = self.run("s", "chronyc", "-h", f"{self.tmp}/chronyd.sock", "serverstats").stdout
        self.served["ntp"] += int(re.search(r"NTP packets received\s*: (\d+)", stats).group(1))
        os.kill(self.daemons["dnsmasq"].pid, signal.SIGUSR1)
        found = []

        def told():
            with open(f"{self.tmp}/dnsmasq.log", encoding="utf-8") as log:
                found[:] = re.findall(r"queries answered locally (\d+)", log.read())
            return found
        if not wait_until(told, 10):
            raise RuntimeError("dnsmasq does not tell what it counted")
        self.served["dns"] += int(found[-1])
        for daemon in self.daemons.values():
            daemon.terminate()
            daemon.wait()

    # --- a round ---

    def ask(self):
        with open(f"{self.tmp}/names", "w", encoding="utf-8") as names:
            names.write("ok.test A\n")
        out = self.run("c", "dnsperf", "-s", "10.0.2.2", "-d", f"{self.tmp}/names", "-l", str(ROUND / 2), "-Q", str(RATE),
                       "-t", "1", "-c", "4").stdout
        for key in ("sent", "completed", "lost"):
            self.sent[key] += int(re.search(rf"Queries {key}:\s+(\d+)", out).group(1))
        self.run("c", sys.executable, ACTORS, "client", "ntp", "--server", "10.0.2.2", "--queries", "10", "--wait", "1")
        self.sent["ntp"] += 10

    def shake(self, number):
        """Rules, devices, namespaces, daemons."""
        self.nft("flush chain inet soak i\nadd rule inet soak i udp sport { 53, 123 } counter name answers\n" +
                 (DROP + "\n" if number % 2 else ""))
        name = self.lab.name["c"] + f"-{number}"
        run_tool(["ip", "netns", "add", name])
        run_tool(["ip", "-n", self.lab.name["r"], "link", "add", f"extra{number}", "type", "veth", "peer", "name", "eth0",
                  "netns", name])
        run_tool(["ip", "-n", name, "addr", "add", "10.9.9.2/24", "dev", "eth0"])
        run_tool(["ip", "-n", name, "link", "set", "eth0", "up"])
        self.run("host", "nsenter", f"--net=/run/netns/{name}", sys.executable, ACTORS, "client", "dns",
                 "--server", "10.9.9.9", "--wait", "0.2")
        remove_namespace(name)
        self.stop_daemons()
        run_tool(["ip", "-n", self.lab.name["c"], "-batch", "-"],
                 "link set eth0 down\nlink set eth0 up\nroute replace default via 10.0.1.1\n")
        self.start_daemons()
        run_tool(self.lab.enter("c") + ["ping", "-n", "-q", "-c", "1", "-W", "10", "10.0.2.2"])
        if number % 3 == 0:
            os.rename(f"{self.tmp}/log", f"{self.tmp}/log.{number}")
            self.monitor.send_signal(signal.SIGHUP)

    def sample(self):
        pid = self.monitor.pid
        if self.monitor.poll() is not None:
            with open(f"{self.tmp}/err", encoding="utf-8") as err:
                raise RuntimeError(f"monitor is gone, status {self.monitor.returncode}: {err.read()[-500:]}")
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            memory = int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))
        kinds = collections.Counter()
        for path in glob.glob(f"/proc/{pid}/fdinfo/*"):
            try:
                with open(path, encoding="utf-8") as info:
                    text = info.read()
            except OSError:
                continue
            kinds["map" if "map_id" in text and "link_id" not in text else
                  "namespace link" if "hooknum" in text else "other"] += 1
        self.samples.append({"memory": memory, **kinds})

    # --- monitor ---

    def start_monitor(self):
        with open(f"{self.tmp}/err", "w", encoding="utf-8") as err:
            self.monitor = subprocess.Popen([self.options.udpwhy, "monitor", "--interval", "2", "--timeout", "1",
                                             "--netns", self.lab.name["c"], "--output", f"{self.tmp}/log",
                                             "--metrics", f"{self.tmp}/prom"], stderr=err)
        if not wait_until(lambda: os.path.exists(f"{self.tmp}/log") and os.path.getsize(f"{self.tmp}/log"), 60):
            raise RuntimeError("monitor does not start")

    def stop_monitor(self):
        self.monitor.terminate()
        return self.monitor.wait(30)

    def records(self):
        logs = sorted(glob.glob(f"{self.tmp}/log.*"), key=lambda p: int(p.rsplit(".", 1)[1])) + [f"{self.tmp}/log"]
        for path in logs:
            with open(path, encoding="utf-8") as log:
                yield from (line.rstrip("\n") for line in log)


class Checks:
    """Counts what held and says what did not."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, what, holds, but=""):
        self.passed += bool(holds)
        self.failed += not holds
        print(f"{'ok  ' if holds else 'FAIL'} {what}{'' if holds else f': {but}'}", flush=True)

    def equal(self, what, is_, should):
        self.that(f"{what} {should}", is_ == should, f"udpwhy says {is_}")


def check_counts(soak, checks, status):
    contract, flows, end, problems = Contract(SCHEMA), {}, {}, []
    netns = os.stat(f"/run/netns/{soak.lab.name['c']}").st_ino
    for line in soak.records():
        problems += contract.problems_of_line(line)
        r = json.loads(line)
        if r["type"] == "flow" and r.get("netns") == netns and r.get("server.address") == "10.0.2.2":
            flows[(r["network.protocol.name"], r["client.address"], r["client.port_class"], r["role"])] = r
        elif r["type"] == "end":
            end = r
    sums = collections.Counter()
    for (protocol, *_), r in flows.items():
        for key, n in r.items():
            if key.startswith("count.") and n:
                sums[protocol, key.removeprefix("count.")] += n
    checks.that("monitor ended well", status == 0, f"status {status}")
    checks.that("every line as the schema has it", not problems, problems[:3])
    # Programs that interrupted another one are skipped by the kernel: rare, told, and the counts say if it mattered.
    lost = {k: n for k, n in end.items() if k.startswith("lost.") and n}
    print("program runs skipped by the kernel:", lost.pop("lost.recursion", 0))
    checks.that("nothing else lost", end and not lost, lost)
    dropped = soak.counter("dropped")
    checks.equal("replies that the rule dropped:", sums["dns", "reply_dropped"], dropped)
    checks.equal("DNS queries that dnsperf got answered:", sums["dns", "answered"], soak.sent["completed"])
    checks.equal("DNS queries that dnsmasq answered:", sums["dns", "answered"] + sums["dns", "reply_dropped"] +
                 sums["dns", "answered_late"], soak.served["dns"])
    checks.equal("NTP queries that chronyd answered:", sums["ntp", "answered"], soak.served["ntp"])
    checks.equal("all DNS queries sent:", sum(n for (p, _), n in sums.items() if p == "dns"), soak.sent["sent"])


def check_flat(soak, checks, rounds):
    first, last = soak.samples[0], soak.samples[-1]
    print("memory, kB:", *(s["memory"] for s in soak.samples))
    room = GROWTH + GROWTH_EACH * rounds
    checks.that(f"memory flat: {first['memory']} kB, at the end {last['memory']} kB in {rounds} rounds",
                last["memory"] - first["memory"] <= room, f"more than {room} kB")
    for kind in ("map", "other"):
        checks.that(f"descriptors flat ({kind}): {first[kind]}", last[kind] <= first[kind], last[kind])


def soak_for(soak, seconds, checks):
    soak.nft(RULES)
    soak.start_daemons()
    soak.start_monitor()
    start, rounds = time.monotonic(), 0
    while time.monotonic() < start + seconds or len(soak.samples) < 2:
        soak.ask()
        rounds += 1
        soak.shake(rounds)
        if time.monotonic() > start + WARM:
            soak.sample()
    # What is open is judged, and what namespaces left is found gone.
    soak.ask()
    time.sleep(3)
    soak.sample()
    soak.stop_daemons()
    check_counts(soak, checks, soak.stop_monitor())
    check_flat(soak, checks, rounds)
    with open(f"{soak.tmp}/err", encoding="utf-8") as err:
        said = err.read()
    checks.that("nothing said on stderr", not said, said[:300])


def stop_by_exception(*_):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--udpwhy", default=os.path.join(HERE, "..", "build", "udpwhy"))
    options = parser.parse_args()
    if os.geteuid():
        sys.exit("soak.py: needs root, to make network namespaces: run it with sudo")
    signal.signal(signal.SIGTERM, stop_by_exception)
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix=f"udpwhy-test-{os.getpid()}-soak-") as tmp, Lab("routed", 0) as lab:
        soak = Soak(lab, tmp, options)
        try:
            soak_for(soak, options.seconds, checks)
        finally:
            for process in [*soak.daemons.values(), soak.monitor]:
                if process and process.poll() is None:
                    process.kill()
                    process.wait()
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
