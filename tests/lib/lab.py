# SPDX-License-Identifier: GPL-2.0-only
"""A lab: network namespaces joined by veth pairs, made for one scenario and removed after it.

    routed      c eth0 10.0.1.2, fd00:1::2  -  c0 .1  r  s0 .1  -  eth0 10.0.2.2, fd00:2::2  s
    twohomed    as routed, and c eth1 10.0.3.2, fd00:3::2 - c1 10.0.3.1, fd00:3::1 of r
    loopback    c alone, with lo
    none        no namespace

Everything is done inside these namespaces: no sysctl, rule or address of the host is touched.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

NETNS_DIR = "/run/netns"
PREFIX = "uwt"
TMP_PREFIX = "udpwhy-test-"
POLL = 0.02
SLACK = float(os.environ.get("UDPWHY_TEST_SLACK", "1"))  # every limit times this: slow machines
SYSCTLS = (
    "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
    "net.ipv6.conf.all.accept_ra=0", "net.ipv6.conf.default.accept_ra=0",
    "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
)
# A veth whose ifindex is its peer's does not look stacked, and its carrier comes a second late.
ROUTER_INDEX = 10
FORWARDING = ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")


class LabError(Exception):
    """The lab could not be made; says which command failed and how."""


def run_tool(args, stdin=None, limit=30):
    """Run a tool to its end and return its stdout; LabError if it fails."""
    done = subprocess.run(args, input=stdin, capture_output=True, text=True, timeout=limit * SLACK,
                          check=False)
    if done.returncode:
        raise LabError(f"{' '.join(args)}: exit {done.returncode}: {done.stderr.strip()}\n"
                       f"{stdin or ''}")
    return done.stdout


def wait_until(condition, limit, stop=None):
    """Poll until condition() holds. False when the limit (seconds, times SLACK) has passed or stop is set."""
    end = time.monotonic() + limit * SLACK
    while not condition():
        if time.monotonic() > end or (stop and stop.is_set()):
            return False
        time.sleep(POLL)
    return True


def named_namespaces():
    try:
        return os.listdir(NETNS_DIR)
    except FileNotFoundError:
        return []


def kill_inside(namespace):
    """Kill every process of a namespace and wait until the last is gone."""
    def gone():
        done = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True,
                              check=False)
        pids = [int(p) for p in done.stdout.split()]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return not pids
    return wait_until(gone, 10)


def remove_namespace(namespace):
    kill_inside(namespace)
    subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)


def test_cgroups():
    """The cgroups that refuse.py made, of any run: directories of cgroup v2's root."""
    with open("/proc/mounts", encoding="utf-8") as mounts:
        roots = [line.split()[1] for line in mounts if line.split()[2] == "cgroup2"]
    return [os.path.join(r, n) for r in roots[:1] for n in os.listdir(r) if n.startswith(TMP_PREFIX)]


def sweep_dead_runs():
    """Remove what a run left that was killed without a chance to clean up: its pid is no more."""
    def dead(name, prefix):
        pid = name.removeprefix(prefix).partition("-")[0]
        return name.startswith(prefix) and pid.isdigit() and not os.path.exists(f"/proc/{pid}")

    for name in named_namespaces():
        if dead(name, PREFIX + "-"):
            remove_namespace(name)
    for name in os.listdir(tempfile.gettempdir()):
        if dead(name, TMP_PREFIX):
            shutil.rmtree(os.path.join(tempfile.gettempdir(), name), ignore_errors=True)
    for path in test_cgroups():
        if dead(os.path.basename(path), TMP_PREFIX):
            for inner, _, _ in os.walk(path, topdown=False):
                os.rmdir(inner)


class Lab:
    """Namespaces of one scenario. A context manager: they are gone when it is left."""

    MEMBERS = {"routed": "crs", "twohomed": "crs", "loopback": "c", "none": ""}

    def __init__(self, topology, number):
        if topology not in self.MEMBERS:
            raise LabError(f"topology {topology!r}: choose one of {', '.join(self.MEMBERS)}")
        self.topology = topology
        self.name = {m: f"{PREFIX}-{os.getpid()}-{number}-{m}" for m in self.MEMBERS[topology]}

    def __enter__(self):
        try:
            for name in self.name.values():
                run_tool(["ip", "netns", "add", name])
            for member in self.name:
                self._sysctl(member)
            if "r" in self.name:
                self._join()
                self._wait_for_the_road()
            elif "c" in self.name:
                self._ip("c", "link set lo up")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for name in self.name.values():
            if name in named_namespaces():
                remove_namespace(name)

    def enter(self, member):
        """The command words that run what follows them inside a namespace ("host": as it is)."""
        if member == "host":
            return []
        return ["nsenter", f"--net={NETNS_DIR}/{self.name[member]}", "--"]

    def _sysctl(self, member):
        settings = SYSCTLS + (FORWARDING if member == "r" else ())
        run_tool(self.enter(member) + ["sysctl", "-q", "-w", *settings])

    def _ip(self, member, *lines):
        run_tool(["ip", "-n", self.name[member], "-batch", "-"], "\n".join(lines) + "\n")

    def _join(self):
        pairs = [("c0", "c", "eth0", 1), ("s0", "s", "eth0", 2)]
        if self.topology == "twohomed":
            pairs.append(("c1", "c", "eth1", 3))
        for member in self.name:
            self._ip(member, "link set lo up")
        for here, member, there, net in pairs:
            peer = f"peer name {there} netns {self.name[member]}"
            self._ip("r", f"link add {here} index {ROUTER_INDEX + net} type veth {peer}",
                     f"addr add 10.0.{net}.1/24 dev {here}",
                     f"addr add fd00:{net}::1/64 dev {here} nodad", f"link set {here} up")
            self._ip(member, f"addr add 10.0.{net}.2/24 dev {there}",
                     f"addr add fd00:{net}::2/64 dev {there} nodad", f"link set {there} up")
        for member, net in (("c", 1), ("s", 2)):
            self._ip(member, f"route add default via 10.0.{net}.1",
                     f"route add ::/0 via fd00:{net}::1")

    def _wait_for_the_road(self):
        """A device without its carrier yet drops silently: wait for it, then walk the road once.

        The walk leaves every neighbour resolved; a scenario that wants them cold flushes them.
        """
        def up(member):
            links = json.loads(run_tool(["ip", "-n", self.name[member], "-j", "link"]))
            # Some modules (gre) put devices of their own into every namespace: those are not switched on.
            return all(l["operstate"] in ("UP", "UNKNOWN") for l in links if "UP" in l["flags"])
        for member in self.name:
            if not wait_until(lambda m=member: up(m), 10):
                raise LabError(f"the devices of {member} did not come up within 10 s")
        roads = ["10.0.2.2", "fd00:2::2"]
        if self.topology == "twohomed":
            roads += ["10.0.3.1", "fd00:3::1"]
        for address in roads:
            run_tool(self.enter("c") + ["ping", "-n", "-q", "-c", "1", "-W", "10", address])
