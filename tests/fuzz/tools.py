# SPDX-License-Identifier: GPL-2.0-only
"""Kernel tools as the faults use them: nftables in this process, everything else by its program."""

import ctypes
import json
import os
import socket
import struct
import subprocess

JSON_OUTPUT = 1 << 4        # NFT_CTX_OUTPUT_JSON
SO_MEMINFO, MEMINFO_DROPS = 55, 8


class ToolError(Exception):
    """A tool failed; says which command and how."""


def run(*args, stdin=None):
    """Run a program in the namespace of the caller; its stdout, or ToolError."""
    done = subprocess.run(args, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"{' '.join(args)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


class Nft:
    """libnftables in the namespace where the object was made: no process for each command."""

    def __init__(self):
        self.lib = ctypes.CDLL("libnftables.so.1")
        self.lib.nft_ctx_new.restype = ctypes.c_void_p
        for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
            getattr(self.lib, name).restype = ctypes.c_char_p
        self.ctx = ctypes.c_void_p(self.lib.nft_ctx_new(0))
        self.lib.nft_ctx_buffer_output(self.ctx)
        self.lib.nft_ctx_buffer_error(self.ctx)
        self.lib.nft_ctx_output_set_flags(self.ctx, JSON_OUTPUT)

    def run(self, text):
        status = self.lib.nft_run_cmd_from_buffer(self.ctx, text.encode())
        error = self.lib.nft_ctx_get_error_buffer(self.ctx).decode()
        output = self.lib.nft_ctx_get_output_buffer(self.ctx).decode()
        if status:
            raise ToolError(f"nft: {error}\n{text}")
        return output

    def counter(self, table, name):
        """Packets of a named counter; table with its family."""
        for item in json.loads(self.run(f"list counter {table} {name}"))["nftables"]:
            if "counter" in item:
                return item["counter"]["packets"]
        raise ToolError(f"nft: no counter {name} in {table}")


def iptables_count(program, table, chain):
    """Packets of the first rule of a chain."""
    line = run(program, "-w", "-t", table, "-nvxL", chain).splitlines()[2]
    return int(line.split()[0])


def qdisc_stats(device, kind):
    """{drops, backlog packets, ...} of a device's qdisc of that kind."""
    for item in json.loads(run("tc", "-s", "-j", "qdisc", "show", "dev", device)):
        if item["kind"] == kind:
            return item
    raise ToolError(f"tc: no {kind} on {device}")


def kernel_counter(name):
    """One of the namespace's counters, as in nstat: UdpInErrors, TcpExtIPReversePathFilter."""
    for path in ("/proc/net/snmp", "/proc/net/netstat"):
        with open(path, encoding="ascii") as file:
            lines = file.read().splitlines()
        for names, values in zip(lines[::2], lines[1::2]):
            prefix = names.partition(":")[0]
            for key, value in zip(names.split()[1:], values.split()[1:]):
                if prefix + key == name:
                    return int(value)
    with open("/proc/net/snmp6", encoding="ascii") as file:
        return next((int(l.split()[1]) for l in file if l.split()[0] == name), 0)


def write_sysctl(name, value):
    """Set a sysctl of the namespace, and return what it was."""
    path = "/proc/sys/" + name.replace(".", "/")
    with open(path, encoding="ascii") as file:
        before = file.read().strip()
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))
    return before


def socket_drops(sock):
    """Datagrams that the kernel dropped at this socket: buffer full, filter, checksum."""
    return struct.unpack("@9I", sock.getsockopt(1, SO_MEMINFO, 36))[MEMINFO_DROPS]


def bpf_drop_code(family, request, port, server, verdict):
    """Classic BPF: give verdict for UDP packets between a client's port and a server, else -1.

    Bytes are counted from the network header (SKF_NET_OFF), so it fits any hook. Of the server's
    address the last four bytes are compared.
    """
    net = 0xfff00000
    af, head, proto = (socket.AF_INET, 20, 9) if family == 4 else (socket.AF_INET6, 40, 6)
    tail = struct.unpack("!I", socket.inet_pton(af, server)[-4:])[0]
    return [(0x30, 0, 0, net), (0x54, 0, 0, 0xf0), (0x15, 0, 7, family << 4),
            (0x30, 0, 0, net + proto), (0x15, 0, 5, 17),
            (0x20, 0, 0, net + head - (4 if request else 4 + head // 5 * (1 if family == 4 else 2))),
            (0x15, 0, 3, tail),
            (0x28, 0, 0, net + head + (0 if request else 2)), (0x15, 0, 1, port),
            (0x06, 0, 0, verdict), (0x06, 0, 0, 0xffffffff)]


class XdpDrop:
    """A program on a device that drops UDP to a port, held by a BPF link: gone with close()."""

    LOAD, LINK_CREATE, SYSCALL = 5, 28, {"x86_64": 321, "aarch64": 280, "riscv64": 280}
    FLAGS = {"generic": 2, "native": 4}
    XDP_TYPE, XDP_ATTACH = 6, 37

    def __init__(self, device, mode, family, port):
        self.link = -1
        self.program = self._bpf(self.LOAD, self._load(self._code(family, port)))
        self.link = self._bpf(self.LINK_CREATE, struct.pack(
            "=IIII", self.program, socket.if_nametoindex(device), self.XDP_ATTACH,
            self.FLAGS[mode]) + bytes(48))

    def _bpf(self, command, attributes):
        libc = ctypes.CDLL(None, use_errno=True)
        buffer = ctypes.create_string_buffer(attributes, len(attributes))
        fd = libc.syscall(self.SYSCALL[os.uname().machine], command, buffer, len(attributes))
        if fd < 0:
            raise ToolError(f"bpf({command}): {os.strerror(ctypes.get_errno())}")
        return fd

    def _load(self, code):
        self.code = ctypes.create_string_buffer(code, len(code))
        self.license = ctypes.create_string_buffer(b"GPL")
        return struct.pack("=IIQQ", self.XDP_TYPE, len(code) // 8, ctypes.addressof(self.code),
                           ctypes.addressof(self.license)) + bytes(96)

    @staticmethod
    def _code(family, port):
        """r2 packet, r3 its end; drop (1) what has the family, UDP and the port, else pass (2)."""
        head, proto = (20, 9) if family == 4 else (40, 6)
        kind = 0x0008 if family == 4 else 0xdd86       # the bytes as a little-endian load has them
        port = socket.htons(port)

        def op(code, registers=0, offset=0, value=0):
            return struct.pack("=BBhi", code, registers, offset, value)
        return b"".join([
            op(0x61, 0x12, 0), op(0x61, 0x13, 4),                   # r2 = data, r3 = data_end
            op(0xbf, 0x24), op(0x07, 0x04, 0, 14 + head + 8),       # r4 = r2 + headers
            op(0x2d, 0x34, 8),                                      # beyond the end: pass
            op(0x69, 0x25, 12), op(0x55, 0x05, 6, kind),
            op(0x71, 0x25, 14 + proto), op(0x55, 0x05, 4, 17),
            op(0x69, 0x25, 14 + head + 2), op(0x55, 0x05, 2, port),
            op(0xb7, 0x00, 0, 1), op(0x95),
            op(0xb7, 0x00, 0, 2), op(0x95)])

    def close(self):
        for fd in (self.link, self.program):
            if fd >= 0:
                os.close(fd)


class QueueListener:
    """Listens to an NFQUEUE and never says what is to become of its packets."""

    NETFILTER, QUEUE_CONFIG = 12, 3 << 8 | 2
    BIND, COPY_META = b"\1\0\0\0", struct.pack("!IB", 64, 1)

    def __init__(self, number):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, self.NETFILTER)
        self.sock.bind((0, 0))
        self._configure(number, 1, self.BIND)
        self._configure(number, 2, self.COPY_META)

    def _configure(self, number, attribute, value):
        head = struct.pack("=BB", 0, 0) + struct.pack("!H", number)
        body = struct.pack("=HH", 4 + len(value), attribute) + value + bytes(-len(value) % 4)
        length = 16 + len(head) + len(body)
        self.sock.send(struct.pack("=IHHII", length, self.QUEUE_CONFIG, 5, 1, 0) + head + body)
        error = struct.unpack_from("=i", self.sock.recv(4096), 16)[0]
        if error:
            raise ToolError(f"NFQUEUE: {os.strerror(-error)}")

    def close(self):
        self.sock.close()
