#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Run a command while a BPF program of refuse.bpf.c loses its DNS packets.

    refuse.py [--hits N] [--device NAME] [--mode native|generic] [--hold SECONDS] PROGRAM COMMAND...

The command gets a cgroup of its own, whose sockets a program of the lsm_ kind answers for as a security
module; XDP programs sit on the device. Exits with the command's status, or
99 if the program did not lose exactly N packets (default 1): its own map is the proof. Nothing
outlives this process but an empty cgroup, if it is killed: run_scenarios.py removes those.
"""

import argparse
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time

CGROUP_PREFIX = "udpwhy-test-"
XDP_FLAGS = {"generic": 1 << 1, "native": 1 << 2}
HERE = os.path.dirname(os.path.abspath(__file__))


def cgroup_root():
    """Where cgroup v2 is mounted: /sys/fs/cgroup, or unified below it."""
    with open("/proc/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            fields = line.split()
            if fields[2] == "cgroup2":
                return fields[1]
    sys.exit("cgroup v2 is not mounted")


class Program:
    """One program of refuse.bpf.o, loaded by libbpf. Errors are negative or NULL (libbpf 1.0)."""

    def __init__(self, name):
        self.name, self.lib = name, ctypes.CDLL("libbpf.so.1", use_errno=True)
        for function in ("bpf_object__open_file", "bpf_object__find_program_by_name",
                         "bpf_object__next_program", "bpf_program__attach_cgroup"):
            getattr(self.lib, function).restype = ctypes.c_void_p
        self.object = ctypes.c_void_p(self._ok(self.lib.bpf_object__open_file(
            os.environ["REFUSE"].encode(), None)))
        self.program = ctypes.c_void_p(self._ok(self.lib.bpf_object__find_program_by_name(
            self.object, name.encode())))
        self._only_this()
        self._ok(self.lib.bpf_object__load(self.object) == 0)

    def _ok(self, value):
        if not value:
            sys.exit(f"{self.name}: {os.strerror(ctypes.get_errno())}")
        return value

    def _only_this(self):
        other = self.lib.bpf_object__next_program(self.object, None)
        while other:
            self.lib.bpf_program__set_autoload(ctypes.c_void_p(other),
                                               ctypes.c_bool(other == self.program.value))
            other = self.lib.bpf_object__next_program(self.object, ctypes.c_void_p(other))

    def attach_cgroup(self, path):
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self._ok(self.lib.bpf_program__attach_cgroup(self.program, fd))

    def attach_xdp(self, device, mode):
        fd = self.lib.bpf_program__fd(self.program)
        self._ok(self.lib.bpf_xdp_attach(socket.if_nametoindex(device), fd, XDP_FLAGS[mode],
                                         None) == 0)

    def detach_xdp(self, device, mode):
        self.lib.bpf_xdp_detach(socket.if_nametoindex(device), XDP_FLAGS[mode], None)

    def hits(self):
        fd, value = self.lib.bpf_object__find_map_fd_by_name(self.object, b"hits"), ctypes.c_uint64()
        self._ok(self.lib.bpf_map_lookup_elem(fd, ctypes.byref(ctypes.c_uint32(0)),
                                              ctypes.byref(value)) == 0)
        return value.value


def run_in_cgroup(args, program):
    mark = os.environ.get("UDPWHY_TEST_RUN", str(os.getpid()))
    path = os.path.join(cgroup_root(), f"{CGROUP_PREFIX}{mark}-{os.getpid()}")
    os.mkdir(path)
    try:
        program.attach_cgroup(path)

        def enter():
            with open(f"{path}/cgroup.procs", "w", encoding="ascii") as file:
                file.write(str(os.getpid()))
        return subprocess.run(args.run, preexec_fn=enter, check=False).returncode
    finally:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            try:
                os.rmdir(path)
                break
            except OSError:
                time.sleep(0.02)    # its processes are about to be gone


def run_with_xdp(args, program):
    program.attach_xdp(args.device, args.mode)
    try:
        status = subprocess.run(args.run, check=False).returncode
        time.sleep(args.hold)
        return status
    finally:
        program.detach_xdp(args.device, args.mode)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("program")
    p.add_argument("--hits", type=int, default=1)
    p.add_argument("--mode", choices=XDP_FLAGS, default="native")
    p.add_argument("--device", default="eth0", help="where XDP programs sit")
    p.add_argument("--hold", type=float, default=0, help="stay attached for so long afterwards")
    p.add_argument("run", nargs=argparse.REMAINDER)
    args = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    program = Program(args.program)
    status = (run_in_cgroup if not args.program.startswith("xdp") else run_with_xdp)(args, program)
    if program.hits() != args.hits:
        print(f"{args.program}: {program.hits()} packets lost, not {args.hits}", file=sys.stderr)
        return 99
    return status


if __name__ == "__main__":
    sys.exit(main())
