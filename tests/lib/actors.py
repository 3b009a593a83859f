#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""NTP and DNS clients and servers with bad habits, for tests.

A client prints one line for what became of its queries ("answered 2 of 3", "send: EPERM") and
exits 0 when all were answered, 3 when some were not, 4 when a call failed. A server prints
"ready" once its socket is bound, and a line for each thing it does.
"""

import argparse
import ctypes
import errno
import fcntl
import heapq
import itertools
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time

PORTS = {"ntp": 123, "dns": 53}
QTYPES = {"A": 1, "AAAA": 28, "TXT": 16}
RCODES = {"refused": 5, "servfail": 2, "nxdomain": 3}
RECVERR = {socket.IPPROTO_IP: 11, socket.IPPROTO_IPV6: 25}     # not in the socket module
MTU_DISCOVER = {socket.IPPROTO_IP: 10, socket.IPPROTO_IPV6: 23}
MTU_MODES = {"dont": 0, "want": 1, "do": 2, "probe": 3, "interface": 4, "omit": 5}
NTP_EPOCH = 2208988800
LIMITED = 6     # seconds
CHECKSUM_OFFSET = 6     # in the UDP header, RFC 768


def say(text):
    """A line at a time, also unbuffered: several say theirs into one pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def set_comm(name):
    """prctl(PR_SET_NAME): the kernel keeps 15 bytes of any kind but NUL."""
    ctypes.CDLL(None).prctl(15, ctypes.c_char_p(name), 0, 0, 0)


# ---------------------------------------------------------------------------- messages

def dns_name(text):
    """Wire form; a label may hold \\DDD, as in presentation form (RFC 1035 5.1)."""
    wire = b""
    for label in text.rstrip(".").split("."):
        raw, i = bytearray(), 0
        while i < len(label):
            if label[i] == "\\":
                raw.append(int(label[i + 1:i + 4]))
                i += 4
            else:
                raw += label[i].encode()
                i += 1
        wire += bytes([len(raw)]) + bytes(raw)
    return wire + b"\0"


def dns_query(ident, name, qtype):
    return struct.pack("!6H", ident, 0x0100, 1, 0, 0, 0) + dns_name(name) + \
        struct.pack("!2H", QTYPES[qtype], 1)


def dns_question_end(query):
    at = 12
    while query[at]:
        at += query[at] + 1
    return at + 5


def dns_reply(query, kind, size):
    """An answer with one address, or only an rcode or TC; grown to size bytes with TXT records."""
    question = query[12:dns_question_end(query)]
    if kind == "forged-question":
        question = dns_name("forged.test") + question[-4:]
    flags, records = 0x8580 | RCODES.get(kind, 0), []
    if kind == "tc":
        flags |= 0x0200
    elif kind not in RCODES:
        records.append(b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, 7]))
    reply = 12 + len(question) + sum(map(len, records))
    while reply < size:
        text = b"x" * min(255, max(1, size - reply - 13))
        record = b"\xc0\x0c" + struct.pack("!HHIHB", 16, 1, 60, len(text) + 1, len(text)) + text
        records.append(record)
        reply += len(record)
    return query[:2] + struct.pack("!5H", flags, 1, len(records), 0, 0) + question + \
        b"".join(records)


def told_size(query):
    """The buffer size of a query's OPT record, which follows the question; 512 without (RFC 6891)."""
    end = dns_question_end(query)
    return max(512, struct.unpack_from("!H", query, end + 3)[0]) if len(query) >= end + 11 else 512


def ntp_now(shift=0.0):
    now = time.time() + NTP_EPOCH + shift
    return struct.pack("!II", int(now), int((now % 1) * (1 << 32)))


def ntp_query(transmit):
    return bytes([0x23]) + bytes(39) + transmit


def ntp_reply(query, kind, shift=0.0):
    """A mode 4 reply; "rate" and "deny" are a kiss-o'-death, "forged-rate" one with a wrong origin."""
    origin, now = query[40:48], ntp_now(shift)
    if kind in ("rate", "forged-rate", "deny"):
        if kind == "forged-rate":
            origin = bytes(b ^ 0x5a for b in origin)
        code = b"DENY" if kind == "deny" else b"RATE"
        return bytes([0xe4, 0, query[2], 0xec]) + bytes(8) + code + now + origin + now + now
    return bytes([0x24, 3, query[2], 0xec]) + bytes(4) + struct.pack("!I", 64) + \
        bytes([127, 0, 0, 1]) + now + origin + now + now


def padded(proto, query, size):
    """Grown to size bytes: EDNS with RFC 7830 padding, an NTP extension field (RFC 7822)."""
    room = size - len(query)
    if room < 15:
        return query
    if proto == "ntp":
        return query + struct.pack("!2H", 0x2005, room & ~3) + bytes((room & ~3) - 4)
    return query[:10] + b"\0\1" + query[12:] + b"\0" + \
        struct.pack("!2HI3H", 41, 4096, 0, room - 11, 12, room - 15) + bytes(room - 15)


def make_query(args, number):
    if args.proto == "ntp":
        return padded("ntp", ntp_query(os.urandom(8)), args.pad)
    name, _, qtype = args.question[number % len(args.question)].partition("/")
    return padded("dns", dns_query((args.id + number) & 0xffff, name, qtype or "A"), args.pad)


def transaction(proto, message):
    """What ties a reply to its request; None for a message that is no reply."""
    if proto == "dns":
        return message[:2] if len(message) >= 12 else None
    return message[24:32] if len(message) >= 48 else None


def asked_transaction(proto, query):
    return query[:2] if proto == "dns" else query[40:48]


# ---------------------------------------------------------------------------- sending

def send_corked(sock, payload, address):
    """The first byte alone, the rest later: the kernel puts the rest into page fragments."""
    sock.sendto(payload[:1], socket.MSG_MORE, address)
    sock.sendto(payload[1:], address)


def send_pages(sock, payload, address):
    """sendfile(2): the payload stays in the page cache, the packet only refers to its page."""
    sock.connect(address)
    with tempfile.TemporaryFile() as file:
        file.write(payload)
        file.flush()
        os.sendfile(sock.fileno(), file.fileno(), 0, len(payload))


def send_plain(sock, payload, address):
    sock.sendto(payload, address)


def send_message(sock, payload, address):
    sock.sendmsg([payload], [], 0, address)


def send_messages(sock, payload, address):
    """sendmmsg(2), as glibc's resolver does: an array of one message, to the socket's peer."""
    sock.connect(address)
    data = ctypes.create_string_buffer(payload, len(payload))
    vector = ctypes.create_string_buffer(struct.pack("@PN", ctypes.addressof(data), len(payload)))
    message = ctypes.create_string_buffer(
        struct.pack("@PIPNPNiI", 0, 0, ctypes.addressof(vector), 1, 0, 0, 0, 0), 64)
    if ctypes.CDLL(None, use_errno=True).sendmmsg(sock.fileno(), message, 1, 0) < 0:
        raise OSError(ctypes.get_errno(), "sendmmsg")


def send_written(sock, payload, address):
    """write(2), as Go's resolver does."""
    sock.connect(address)
    os.write(sock.fileno(), payload)


SENDERS = {"plain": send_plain, "cork": send_corked, "pages": send_pages, "message": send_message,
           "messages": send_messages, "write": send_written}


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


# ---------------------------------------------------------------------------- client

def client_socket(args):
    sock = socket.socket(family_of(args.server), socket.SOCK_DGRAM)
    if args.rcvbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, args.rcvbuf)
    if args.recverr:
        level = socket.IPPROTO_IPV6 if ":" in args.server else socket.IPPROTO_IP
        sock.setsockopt(level, RECVERR[level], 1)
    if args.mtu_discover:
        level = socket.IPPROTO_IPV6 if ":" in args.server else socket.IPPROTO_IP
        sock.setsockopt(level, MTU_DISCOVER[level], MTU_MODES[args.mtu_discover])
    if args.filter:
        filter_nothing(sock, args.filter)
    if args.source_port:
        sock.bind(("", args.source_port))
    return sock


def bpf_nothing():
    """bpf(2): a socket filter that keeps no byte: r0 = 0, exit."""
    code = ctypes.create_string_buffer(struct.pack("=BBhiBBhi", 0xb7, 0, 0, 0, 0x95, 0, 0, 0), 16)
    license_ = ctypes.create_string_buffer(b"GPL")
    load = struct.pack("=IIQQ", 1, 2, ctypes.addressof(code), ctypes.addressof(license_))
    number = {"x86_64": 321, "aarch64": 280, "riscv64": 280}[os.uname().machine]
    fd = ctypes.CDLL(None, use_errno=True).syscall(number, 5, load.ljust(128, b"\0"), 128)
    if fd < 0:
        sys.exit(f"bpf: {os.strerror(ctypes.get_errno())}")
    return fd


def filter_nothing(sock, kind):
    """A filter of the socket's own that drops all: SO_ATTACH_FILTER (26), SO_ATTACH_BPF (50)."""
    if kind == "bpf":
        sock.setsockopt(socket.SOL_SOCKET, 50, bpf_nothing())
    else:
        code = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0), 8)    # return 0
        sock.setsockopt(socket.SOL_SOCKET, 26, struct.pack("@HP", 1, ctypes.addressof(code)))


def socket_drops(sock):
    """What the socket itself counted as lost: SO_MEMINFO (55), SK_MEMINFO_DROPS."""
    return struct.unpack("=9I", sock.getsockopt(socket.SOL_SOCKET, 55, 36))[8]


def send_queries(args, sock):
    """Returns {transaction: queries open with it}; OSError carries which call failed."""
    address, sent = (args.server, args.port or PORTS[args.proto]), {}
    if args.connect:
        try:
            sock.connect(address)
        except OSError as e:
            e.filename = "connect"
            raise
    for number in range(args.queries):
        query = make_query(args, number)
        sent[asked_transaction(args.proto, query)] = query
        for copy in range(args.copies):
            if copy:
                time.sleep(args.copy_gap)
            if args.connect:
                sock.send(query)
            else:
                SENDERS[args.send](sock, query, address)
            for server in args.also:
                sock.sendto(query, (server, address[1]))
    return sent


def read_answers(args, sock, sent):
    answered, end = set(), time.monotonic() + args.wait
    while len(answered) < len(sent):
        left = end - time.monotonic()
        if left <= 0:
            break
        if args.blocking:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO,
                            struct.pack("@ll", int(left), int(left % 1 * 1e6) or 1))
        elif not select.select([sock], [], [], left)[0]:
            break
        answered.add(transaction(args.proto, sock.recv(65535)))
        answered &= set(sent)
    return len(answered)


def client(args):
    if args.comm_hex:
        set_comm(bytes.fromhex(args.comm_hex))
    try:
        sock = client_socket(args)
        sent = send_queries(args, sock)
        time.sleep(args.read_after)
        while args.read_when and not os.path.exists(args.read_when):
            time.sleep(0.02)
        if args.no_read:
            time.sleep(args.wait)
            answered = 0
        else:
            answered = read_answers(args, sock, sent)
    except BlockingIOError:
        answered = 0        # SO_RCVTIMEO
    except OSError as e:
        say(f"{e.filename or 'call'}: {errno.errorcode[e.errno]}")
        time.sleep(args.linger)
        return 4
    drops = socket_drops(sock)
    if not args.keep_open:
        sock.close()
    if drops:
        say(f"dropped at the socket: {drops}")
    say(f"answered {answered} of {len(sent)}")
    time.sleep(args.linger)
    return 0 if answered == len(sent) else 3


# ---------------------------------------------------------------------------- server

def checksum_broken(payload, here, there):
    """A UDP datagram whose checksum is wrong and not the 0 that means "none" in IPv4."""
    pseudo = socket.inet_pton(family_of(here[0]), here[0]) + \
        socket.inet_pton(family_of(there[0]), there[0])
    head = struct.pack("!4H", here[1], there[1], len(payload) + 8, 0)
    data = pseudo + struct.pack("!2I", len(payload) + 8, 17) + head + payload
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    wrong = (~total & 0xffff) ^ 0x5555
    return head[:CHECKSUM_OFFSET] + struct.pack("!H", wrong or 0x1234) + payload


class Server:
    """One bound socket; replies leave from it, from another address, or from a raw socket."""

    def __init__(self, args):
        self.args = args
        self.port = args.port or PORTS[args.proto]
        self.sock = self._bound(args.listen, self.port)
        self.other = self._bound(args.reply_from, args.reply_port or self.port) \
            if args.reply_from or args.reply_port else None
        self.due, self.number, self.seen = [], itertools.count(), 0
        self.since, self.taken = 0, 0

    def _bound(self, address, port):
        address = address or self.args.listen
        sock = socket.socket(family_of(address), socket.SOCK_DGRAM)
        sock.bind((address, port))
        return sock

    def _replies(self, query):
        """(seconds from now, kind) of each reply to a query."""
        args = self.args
        if args.reply == "silent" or self.seen <= args.ignore:
            return []
        while args.reply_when and not os.path.exists(args.reply_when):
            time.sleep(0.01)
        if args.limit:
            return self._limited()
        forged = args.reply.startswith("forged-") and not args.alone
        kinds = [args.reply, "answer"] if forged else [args.reply]
        kinds += [args.then] if args.then else []
        return [(args.delay + i * args.copy_gap, kind)
                for i in range(args.copies) for kind in kinds]

    def _limited(self):
        """As ntpd's "restrict limited kod" has it: so many in a while, then a kiss, then silence."""
        if time.monotonic() > self.since + LIMITED:
            self.since, self.taken = time.monotonic(), 0
        self.taken += 1
        kind = "answer" if self.taken <= self.args.limit else "rate"
        return [(0, kind)] if self.taken <= self.args.limit + 1 else []

    def _send(self, query, client_address, kind):
        args = self.args
        if args.proto == "dns":
            reply = dns_reply(query, kind, min(args.size, told_size(query)) if args.edns else args.size)
        else:
            reply = ntp_reply(query, kind, args.shift)
        if args.bad_length:
            with socket.socket(family_of(args.listen), socket.SOCK_RAW, socket.IPPROTO_UDP) as raw:
                head = struct.pack("!4H", self.port, client_address[1], len(reply) + 108, 0)
                raw.sendto(head + reply, (client_address[0], 0))
        elif args.bad_checksum and kind != args.then:
            raw = socket.socket(family_of(args.listen), socket.SOCK_RAW, socket.IPPROTO_UDP)
            with raw:
                datagram = checksum_broken(reply, (args.listen, self.port), client_address)
                raw.sendto(datagram, (client_address[0], 0))
        else:
            SENDERS[args.send](self.other or self.sock, reply, client_address[:2])
            if args.send == "pages":
                self._unconnect()
        say(f"replied {kind} to port {client_address[1]}, {len(reply)} bytes")

    def _unconnect(self):
        """connect(AF_UNSPEC), which Python cannot say: a sockaddr of zeros."""
        sock = self.other or self.sock
        ctypes.CDLL(None).connect(sock.fileno(), bytes(16), 16)

    def _send_due(self):
        while self.due and self.due[0][0] <= time.monotonic():
            _, _, query, client_address, kind = heapq.heappop(self.due)
            self._send(query, client_address, kind)

    def _take(self):
        query, client_address = self.sock.recvfrom(65535)
        self.seen += 1
        say(f"asked by port {client_address[1]}, {len(query)} bytes")
        for delay, kind in self._replies(query):
            heapq.heappush(self.due, (time.monotonic() + delay, next(self.number), query,
                                      client_address, kind))

    def serve(self):
        say("ready")
        while not self.args.read_nothing:
            left = max(0, self.due[0][0] - time.monotonic()) if self.due else None
            if select.select([self.sock], [], [], left)[0]:
                self._take()
            self._send_due()
        select.select([], [], [])


def server(args):
    Server(args).serve()


# ---------------------------------------------------------------------------- helpers

def wait_for(args):
    """Ask until an answer comes: the daemon under test is up."""
    end = time.monotonic() + args.limit * float(os.environ.get("UDPWHY_TEST_SLACK", "1"))
    while time.monotonic() < end:
        with socket.socket(family_of(args.server), socket.SOCK_DGRAM) as sock:
            try:
                sock.connect((args.server, args.port or PORTS[args.proto]))
                query = ntp_query(os.urandom(8)) if args.proto == "ntp" else \
                    dns_query(1, "ok.test", "A")
                sock.send(query)
                sock.settimeout(0.2)
                if transaction(args.proto, sock.recv(65535)):
                    return 0
            except ConnectionRefusedError:
                time.sleep(0.02)
            except TimeoutError:
                pass
    say(f"nothing answers at {args.server} within {args.limit} s")
    return 1


def busy(args):
    """Keep one CPU busy, so that timers and softirqs interrupt a process that asked nothing."""
    os.sched_setaffinity(0, {args.cpu})
    say("ready")
    end = time.monotonic() + args.limit
    while time.monotonic() < end:
        pass


def tun(args):
    """The other end of a tun device: what enters it is gone, as in a tunnel whose far end is dead."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, 0x400454ca, struct.pack("16sH22x", args.name.encode(), 0x1001))
    subprocess.run(["ip", "addr", "add", args.address, "dev", args.name], check=True)
    subprocess.run(["ip", "link", "set", args.name, "up"], check=True)
    say("ready")
    while packet := os.read(device, 65536):
        say(f"swallowed {len(packet)} bytes")


REFUSED = {"bpf": (321, 280), "write": (1, 64), "connect": (42, 203), "sendto": (44, 206),
           "sendmsg": (46, 211), "sendmmsg": (307, 269)}   # x86_64, and arm64 and riscv64 alike


def without(args):
    """Run a command to which seccomp answers EPERM at every such call, as lockdown does at bpf(2).

    What is written to the first three descriptors passes: it may complain."""
    number = REFUSED[args.call][os.uname().machine != "x86_64"]
    load, equal, least, give = 0x20, 0x15, 0x35, 0x06   # BPF_LD|W|ABS, BPF_JMP|JEQ|K, |JGE|K, BPF_RET|K
    allow, refuse = 0x7fff0000, 0x00050000 | errno.EPERM
    first = 3 if args.call == "write" else 0            # of its first argument, which lies at 16
    code = b"".join(struct.pack("=HBBI", *i) for i in (
        (load, 0, 0, 0), (equal, 0, 3, number), (load, 0, 0, 16), (least, 0, 1, first),
        (give, 0, 0, refuse), (give, 0, 0, allow)))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    if ctypes.CDLL(None).prctl(22, 2, program, 0, 0):  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        sys.exit("seccomp is not to be had")
    os.execvp(args.run[0], args.run)


def parse():
    top = argparse.ArgumentParser(description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)

    def command(name, function):
        parser = commands.add_parser(name)
        parser.set_defaults(function=function)
        return parser

    def talker(name, function):
        parser = command(name, function)
        parser.add_argument("proto", choices=PORTS)
        parser.add_argument("--port", type=int)
        return parser

    p = talker("client", client)
    p.add_argument("--server", required=True)
    p.add_argument("--also", nargs="+", default=[], metavar="SERVER", help="from the same socket")
    p.add_argument("--source-port", type=int)
    p.add_argument("--connect", action="store_true", help="connect() first, as most programs do")
    p.add_argument("--queries", type=int, default=1)
    p.add_argument("--question", nargs="+", default=["ok.test/A"], metavar="NAME/TYPE")
    p.add_argument("--id", type=int, default=4660, help="of the first DNS query; the next add 1")
    p.add_argument("--copies", type=int, default=1, help="send each query so often")
    p.add_argument("--copy-gap", type=float, default=0.05)
    p.add_argument("--read-after", type=float, default=0, help="seconds after the last was sent, for answers to wait")
    p.add_argument("--pad", type=int, default=0, help="size of each query, about")
    p.add_argument("--mtu-discover", choices=MTU_MODES, help="do: never fragment, set DF")
    p.add_argument("--rcvbuf", type=int)
    p.add_argument("--blocking", action="store_true", help="sleep in recv(), not in select()")
    p.add_argument("--recverr", action="store_true", help="IP_RECVERR: hear of every ICMP error")
    p.add_argument("--no-read", action="store_true")
    p.add_argument("--read-when", metavar="FILE", help="read nothing before this file exists")
    p.add_argument("--keep-open", action="store_true", help="do not close before --linger")
    p.add_argument("--wait", type=float, default=1, help="seconds for answers")
    p.add_argument("--linger", type=float, default=0, help="seconds to live on afterwards")
    p.add_argument("--send", choices=SENDERS, default="plain")
    p.add_argument("--filter", choices=["classic", "bpf"], help="drop every answer at the socket")
    p.add_argument("--comm-hex", help="bytes of the process name")

    p = talker("server", server)
    p.add_argument("--listen", required=True)
    p.add_argument("--reply", default="answer",
                   choices=["answer", "silent", "tc", "rate", "deny", "forged-rate", "forged-question",
                            *RCODES])
    p.add_argument("--then", choices=["answer", "rate", *RCODES], help="another reply right behind it")
    p.add_argument("--alone", action="store_true", help="no true answer behind a forged one")
    p.add_argument("--ignore", type=int, default=0, help="do not answer the first so many")
    p.add_argument("--limit", type=int, default=0, help=f"answers in {LIMITED} s, then one RATE, then none")
    p.add_argument("--delay", type=float, default=0)
    p.add_argument("--reply-when", metavar="FILE", help="no reply before this file exists")
    p.add_argument("--copies", type=int, default=1)
    p.add_argument("--copy-gap", type=float, default=0.3)
    p.add_argument("--size", type=int, default=0, help="of a DNS reply, at least")
    p.add_argument("--edns", action="store_true", help="... but no larger than the client says")
    p.add_argument("--shift", type=float, default=0, help="seconds by which the NTP clock is wrong")
    p.add_argument("--bad-checksum", action="store_true", help="but not in what comes by --then")
    p.add_argument("--bad-length", action="store_true", help="say 100 bytes more than there are")
    p.add_argument("--reply-from", help="another address of this host")
    p.add_argument("--reply-port", type=int)
    p.add_argument("--send", choices=SENDERS, default="plain")
    p.add_argument("--read-nothing", action="store_true", help="bind, and never read")

    p = talker("wait-for", wait_for)
    p.add_argument("--server", required=True)
    p.add_argument("--limit", type=float, default=15)

    p = command("busy", busy)
    p.add_argument("--cpu", type=int, default=0)
    p.add_argument("--limit", type=float, default=20)

    p = command("tun", tun)
    p.add_argument("--name", default="tun0")
    p.add_argument("--address", required=True, help="of this end, with its prefix length")

    p = command("without", without)
    p.add_argument("call", choices=REFUSED)
    p.add_argument("run", nargs=argparse.REMAINDER)
    return top.parse_args()


def main():
    args = parse()
    return args.function(args) or 0


if __name__ == "__main__":
    sys.exit(main())
