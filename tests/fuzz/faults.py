# SPDX-License-Identifier: GPL-2.0-only
"""Local faults: every way for a packet to die on the client's host that a trial may draw.

A fault is one row of LOCAL, at the end of this file. Its class says how to install it, how to
remove it, and how many packets of the trial it has killed by a counter of the kernel. To add one:
a row with another rule, hook or argument; or a class with install(), remove() and count().
"""

import ctypes
import json
import os
import socket
import struct
import time

import tools

DEVICE = "eth0"
REQUEST, REPLY = "request", "reply"
UNKNOWN = "unknown"


class Fault:
    """What all faults have; a class of faults overrides what differs."""

    families, protocols = (4, 6), ("ntp", "dns")
    timings = ("before", "flight", "lifted", "second", "first")
    clients = ("fast", "dig", "chronyd", "check_ntp_time")
    verdicts = None         # the verdicts of a query killed by this, if not as the direction says
    also = ()               # other outcomes that are right besides: (fault, verdict, stages...)
    holds = False           # packets are not freed but held
    errnos = ()             # with which a send may fail though its packet was made
    quiet = False           # no other trial of the lane may be open meanwhile
    connects = (False, True)
    alone = False           # with no fault beyond
    of_socket = False       # gone with the client's socket

    def __init__(self, name, direction, *stages):
        self.name, self.direction, self.stages = name, direction, frozenset(stages)

    def prepare(self, trial):
        """Before the first send, whatever the timing."""

    def install(self, trial):
        raise NotImplementedError

    def remove(self, trial):
        raise NotImplementedError

    def count(self, trial):
        """Packets of the trial killed since install(), by the kernel's own count."""
        raise NotImplementedError

    def __repr__(self):
        return f"{self.name}/{self.direction}"


def nft_match(trial, direction):
    """The trial's packets of one direction, and no others."""
    ip = "ip" if trial.family == 4 else "ip6"
    end, far, near = ("daddr", "dport", "sport") if direction == REQUEST else \
        ("saddr", "sport", "dport")
    port = f" udp {near} {trial.port}" if trial.port else ""
    return f"{ip} {end} {trial.server} udp {far} {trial.server_port}{port}"


class Nft(Fault):
    """A chain of nftables at a hook, with a named counter before what kills."""

    def __init__(self, name, direction, stage, hook, action="drop", **how):
        super().__init__(name, direction, stage)
        self.hook, self.action = hook, action
        self.family = how.get("family", "inet")
        self.body = how.get("body", "{match} counter name k {action}")
        self.extra = how.get("extra", "")
        self.policy = how.get("policy", "accept")
        self.verdicts = how.get("verdicts")
        if "families" in how:
            self.families = how["families"]
        if "output" in hook or "postrouting" in hook:
            self.errnos = ("EPERM", "ECONNREFUSED", "EHOSTUNREACH", "EACCES")

    def install(self, trial):
        match = nft_match(trial, self.direction)
        body = self.body.format(match=match, action=self.action)
        trial.lane.nft.run(f"table {self.family} fz {{\ncounter k {{\n}}\n"
                           f"{self.extra}\nchain k {{\n"
                           f"type filter hook {self.hook}; policy {self.policy};\n{body}\n}}\n}}")

    def remove(self, trial):
        trial.lane.nft.run(f"delete table {self.family} fz")

    def count(self, trial):
        return trial.lane.nft.counter(f"{self.family} fz", "k")


class Iptables(Fault):
    """A rule of iptables, by nft or by the old xtables."""

    def __init__(self, name, direction, stage, table, chain, *action, legacy=False, verdicts=None):
        super().__init__(name, direction, stage)
        self.verdicts = verdicts if direction == REQUEST else None
        self.table, self.chain, self.action = table, chain, action or ("DROP",)
        self.kind = "legacy" if legacy else "nft"
        if chain in ("OUTPUT", "POSTROUTING"):
            self.errnos = ("EPERM", "ECONNREFUSED", "EHOSTUNREACH", "EACCES")

    def _program(self, trial):
        return f"ip{'' if trial.family == 4 else '6'}tables-{self.kind}"

    def _rule(self, trial):
        far, near = ("--dport", "--sport") if self.direction == REQUEST else ("--sport", "--dport")
        port = [near, str(trial.port)] if trial.port else []
        end = "-d" if self.direction == REQUEST else "-s"
        return [end, trial.server, "-p", "udp", far, str(trial.server_port), *port, "-j", *self.action]

    def install(self, trial):
        tools.run(self._program(trial), "-w", "-t", self.table, "-I", self.chain,
                  *self._rule(trial))

    def remove(self, trial):
        tools.run(self._program(trial), "-w", "-t", self.table, "-D", self.chain,
                  *self._rule(trial))

    def count(self, trial):
        return tools.iptables_count(self._program(trial), self.table, self.chain)


class TcFilter(Fault):
    """A classic BPF program at tc that says "drop"; clsact counts it."""

    def __init__(self, direction):
        super().__init__(f"tc-{'egress' if direction == REQUEST else 'ingress'}", direction,
                         "tc_egress" if direction == REQUEST else "tc_ingress")

    clients = ("fast",)

    def install(self, trial):
        code = tools.bpf_drop_code(trial.family, self.direction == REQUEST, trial.port,
                                   trial.server, 2)
        text = ",".join([str(len(code))] + [" ".join(map(str, i)) for i in code])
        tools.run("tc", "qdisc", "add", "dev", DEVICE, "clsact")
        tools.run("tc", "filter", "add", "dev", DEVICE,
                  "egress" if self.direction == REQUEST else "ingress",
                  "bpf", "da", "bytecode", text)

    def remove(self, trial):
        tools.run("tc", "qdisc", "del", "dev", DEVICE, "clsact")

    def count(self, trial):
        return tools.qdisc_stats(DEVICE, "clsact")["drops"]


class Qdisc(Fault):
    """A queue too short for even one packet."""

    timings = ("before", "lifted", "second", "first")

    def __init__(self, name, *words):
        super().__init__(name, REQUEST, "qdisc")
        self.words = words

    def install(self, trial):
        tools.run("tc", "qdisc", "add", "dev", DEVICE, "root", *self.words)

    def remove(self, trial):
        tools.run("tc", "qdisc", "del", "dev", DEVICE, "root")

    def count(self, trial):
        """All that the device dropped, at least ours: other packets (ND) may be among them."""
        drops = tools.qdisc_stats(DEVICE, self.words[0])["drops"]
        return min(drops, trial.missing_on_wire())


class Route(Fault):
    """A route to the server that makes the send fail."""

    timings = ("before", "second", "first")
    verdicts = ("send_failed",)
    errnos = ()

    def __init__(self, kind):
        super().__init__(f"route-{kind}", REQUEST, "route", "send")
        self.kind = kind

    def _ip(self, trial, *words):
        tools.run("ip", f"-{trial.family}", "route", *words)

    def install(self, trial):
        length = 32 if trial.family == 4 else 128
        if self.kind == "none":
            self._ip(trial, "del", "default")
        else:
            self._ip(trial, "add", self.kind, f"{trial.server}/{length}")

    def remove(self, trial):
        length = 32 if trial.family == 4 else 128
        if self.kind == "none":
            self._ip(trial, "add", "default", "via", trial.lane.gateway[trial.family])
        else:
            self._ip(trial, "del", self.kind, f"{trial.server}/{length}")

    def count(self, trial):
        return 0        # no packet was made: the errno of the send tells


class Unresolved(Fault):
    """The server's address is said to be on our link, where nobody has it."""

    timings = ("before",)
    verdicts = ("request_dropped", "request_held", "rejected")
    holds = alone = True
    clients = ("fast",)

    def __init__(self):
        super().__init__("neighbour-unresolved", REQUEST, "neighbour")

    def install(self, trial):
        trial.server = trial.lane.nobody(trial.family)

    def remove(self, trial):
        pass

    def count(self, trial):
        return trial.missing_on_wire()


class RpFilter(Fault):
    """The way back to the server is said to be another device: a strict filter drops the reply."""

    families = (4,)
    timings = ("flight",)

    def __init__(self):
        super().__init__("rp-filter", REPLY, "route")

    def install(self, trial):
        self.before = tools.kernel_counter("TcpExtIPReversePathFilter")
        tools.write_sysctl(f"net.ipv4.conf.{DEVICE}.rp_filter", 1)
        tools.run("ip", "route", "add", f"{trial.server}/32", "via", "10.0.3.1", "dev", "eth1")

    def remove(self, trial):
        tools.run("ip", "route", "del", f"{trial.server}/32", "via", "10.0.3.1", "dev", "eth1")
        tools.write_sysctl(f"net.ipv4.conf.{DEVICE}.rp_filter", 0)

    def count(self, trial):
        return tools.kernel_counter("TcpExtIPReversePathFilter") - self.before


class SocketDrops(Fault):
    """The asking socket itself says no; its own counter of drops tells."""

    timings = ("before", "flight", "lifted", "second")
    clients = ("fast",)
    of_socket = True

    def count(self, trial):
        return tools.socket_drops(trial.sock) - trial.drops_before

    def install(self, trial):
        trial.drops_before = tools.socket_drops(trial.sock)


class SocketFilter(SocketDrops):
    """A classic BPF filter that takes nothing."""

    def __init__(self):
        super().__init__("socket-filter", REPLY, "socket_filter")

    def install(self, trial):
        super().install(trial)
        code = struct.pack("=HBBI", 6, 0, 0, 0)
        buffer = ctypes.create_string_buffer(code, len(code))
        trial.sock.setsockopt(socket.SOL_SOCKET, 26,
                              struct.pack("@HP", 1, ctypes.addressof(buffer)))

    def remove(self, trial):
        trial.sock.setsockopt(socket.SOL_SOCKET, 27, 0)


class ReceiveBuffer(SocketDrops):
    """The socket's buffer is full of something else."""

    timings = ("before", "flight", "second")
    connects = (False,)

    def __init__(self):
        super().__init__("receive-buffer", REPLY, "socket_queue")

    def install(self, trial):
        trial.reading = False
        trial.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256)
        target = trial.client_address, trial.sock.getsockname()[1]
        with socket.socket(trial.af, socket.SOCK_DGRAM) as filler:
            for _ in range(64):
                filler.sendto(b"x" * 1000, target)
        super().install(trial)

    def remove(self, trial):
        pass


class Checksum(Fault):
    """The far side's replies carry a wrong UDP checksum."""

    timings = ("before",)
    clients = ("fast",)

    def __init__(self, size):
        super().__init__(f"checksum-{size or 'small'}", REPLY)
        self.size = size
        if size:
            self.protocols = ("dns",)

    def prepare(self, trial):
        trial.reading = True        # a long datagram's checksum is looked at by the reader
        for replies in trial.plan.copies:
            for reply in replies:
                reply.wrong, reply.size = "checksum", self.size

    def install(self, trial):
        self.name_of_counter = "UdpInCsumErrors" if trial.family == 4 else "Udp6InCsumErrors"
        self.before = tools.kernel_counter(self.name_of_counter)

    def remove(self, trial):
        pass

    def count(self, trial):
        # The kernel checks short datagrams at once and long ones when they are read.
        self.stages = frozenset(["read" if self.size else "udp"])
        return tools.kernel_counter(self.name_of_counter) - self.before


class HoldingQdisc(Fault):
    """A queue that lets nothing go: another packet has used up what it may send."""

    timings = ("before", "lifted")
    clients = ("fast",)
    verdicts = ("request_dropped", "request_held")

    def __init__(self):
        super().__init__("tbf-holds", REQUEST, "qdisc")

    def install(self, trial):
        tools.run("tc", "qdisc", "add", "dev", DEVICE, "root", "tbf", "rate", "8bit", "burst",
                  "250", "limit", "100000")
        with socket.socket(trial.af, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x" * 170, (trial.lane.gateway[trial.family], 9))

    def remove(self, trial):
        tools.run("tc", "qdisc", "del", "dev", DEVICE, "root")

    def count(self, trial):
        return trial.missing_on_wire()


class SilentQueue(Fault):
    """NFQUEUE with a listener that never answers: held, and freed when the listener goes."""

    timings = ("before", "flight", "lifted")
    clients = ("fast",)
    number = 78

    def __init__(self, direction, stage, chain):
        super().__init__(f"nfqueue-silent-{chain.lower()}", direction, stage)
        self.rule = Iptables(self.name, direction, stage, "mangle", chain, "NFQUEUE",
                             "--queue-num", str(self.number))
        side = "request" if direction == REQUEST else "reply"
        self.verdicts = (f"{side}_dropped", f"{side}_held")
        self.also = (("local", self.verdicts, stage),)

    def install(self, trial):
        self.listener = tools.QueueListener(self.number)
        self.rule.install(trial)

    def remove(self, trial):
        self.rule.remove(trial)
        self.listener.close()

    def count(self, trial):
        return self.rule.count(trial)


class Xdp(Fault):
    """An XDP program drops the reply before any tap on the device sees it."""

    timings = ("before", "flight", "second")
    clients = ("fast",)
    quiet = True
    # A native program's drop is seen only by luck; the design says so with a gap.
    also = (("unknown", "no_reply"),)

    def __init__(self, mode):
        super().__init__(f"xdp-{mode}", REPLY, "xdp")
        self.mode = mode

    def install(self, trial):
        self.link = tools.XdpDrop(DEVICE, self.mode, trial.family, trial.port)

    def remove(self, trial):
        self.link.close()

    def count(self, trial):
        """On the wire's other end and not at the tap of the device: the program is between them."""
        trial.lane.read_taps()
        came = {tap: [p for p in trial.packets if p.tap == tap and p.dport == trial.port]
                for tap in ("wire", "client")}
        return len(came["wire"]) - len(came["client"])


class AddressGone(Fault):
    """The client's address is taken away while the reply is on its way."""

    timings = ("flight",)
    clients = ("fast",)
    connects = (False,)

    def __init__(self):
        super().__init__("address-gone", REPLY, "route", "udp", "nf_prerouting")
        self.address = {4: "10.0.1.9", 6: "fd00:1::9"}

    def _ip(self, trial, word):
        address = f"{self.address[trial.family]}/{24 if trial.family == 4 else 64}"
        nodad = ["nodad"] if trial.family == 6 and word == "add" else []
        tools.run("ip", "addr", word, address, "dev", DEVICE, *nodad)

    def prepare(self, trial):
        self._ip(trial, "add")
        trial.sock.close()
        trial.client_address = self.address[trial.family]
        trial.open()

    def install(self, trial):
        self._ip(trial, "del")
        self.seen = len(trial.replies_at("wire"))

    def remove(self, trial):
        pass

    def count(self, trial):
        trial.lane.read_taps()
        return len(trial.replies_at("wire")) - self.seen


class PolicyBlocks(Fault):
    """An IPsec policy that lets the reply not in."""

    def __init__(self):
        super().__init__("xfrm-in-block", REPLY, "xfrm")

    def _ip(self, trial, word, *action):
        ports = ["sport", str(trial.server_port), *(["dport", str(trial.port)] if trial.port else [])]
        tools.run("ip", "xfrm", "policy", word, "src", trial.server, "dst", trial.client_address,
                  "proto", "udp", *ports, "dir", "in", *action)

    @staticmethod
    def _blocked():
        with open("/proc/thread-self/net/xfrm_stat", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("XfrmInPolBlock"))

    def install(self, trial):
        self.before = self._blocked()
        self._ip(trial, "add", "action", "block")

    def remove(self, trial):
        self._ip(trial, "delete")

    def count(self, trial):
        return self._blocked() - self.before


class WrongMac(Fault):
    """The gateway's hardware address is wrong: the packet leaves, and nobody takes it.

    By the design that is beyond: it left by the wire. Nothing here killed it.
    """

    timings = ("before", "second", "first")

    def __init__(self):
        super().__init__("wrong-mac", REQUEST, "wire_out")

    def install(self, trial):
        gateway = trial.lane.gateway[trial.family]
        tools.run("ip", "neigh", "replace", gateway, "lladdr", "02:00:00:00:00:99", "dev", DEVICE,
                  "nud", "permanent")

    def remove(self, trial):
        gateway = trial.lane.gateway[trial.family]
        tools.run("ip", "neigh", "replace", gateway, "lladdr", trial.lane.gateway_mac, "dev",
                  DEVICE, "nud", "reachable")

    def count(self, trial):
        return 0


class FragmentLost(Fault):
    """A large reply is cut up by the server, and the router loses a piece."""

    protocols = ("dns",)
    timings = ("before",)
    clients = ("fast",)
    alone = True

    def __init__(self, which):
        super().__init__(f"fragment-{which}-lost", "fragments", "reassembly")
        self.which = which
        self.also = (("local", ("reply_held", "reply_dropped"), "reassembly"),)
        if which == "first":        # what is left carries no port: it is anybody's
            self.also += (("unknown", "no_reply"), ("beyond", "no_reply"))

    def prepare(self, trial):
        trial.plan.copies = [[type(r)(**{**vars(r), "size": 2600}) for r in replies]
                             for replies in trial.plan.copies]
        later = "ip frag-off & 0x1fff != 0" if trial.family == 4 else "frag frag-off != 0"
        first = "ip frag-off & 0x3fff == 0x2000" if trial.family == 4 else \
            "frag frag-off 0 frag more-fragments 1"
        ip = "ip" if trial.family == 4 else "ip6"
        trial.lane.on_router("table inet pieces {\nchain k {\n"
                             "type filter hook prerouting priority -450;\n"
                             f"{ip} saddr {trial.server} {first if self.which == 'first' else later}"
                             " drop\n}\n}")

    def install(self, trial):
        pass

    def remove(self, trial):
        trial.lane.on_router("delete table inet pieces")

    def count(self, trial):
        trial.lane.read_taps()
        return sum(1 for p in trial.packets if p.tap == "wire" and p.fragment)


def nft_faults():
    out = {"raw": -300, "mangle": -150, "filter": 0, "late": 300}
    for name, priority in out.items():
        yield Nft(f"nft-output-{name}", REQUEST, "nf_output", f"output priority {priority}")
    for name, priority in {"mangle": -150, "srcnat": 100, "last": 500}.items():
        yield Nft(f"nft-postrouting-{name}", REQUEST, "nf_postrouting",
                  f"postrouting priority {priority}")
    for name, priority in {"raw": -300, "mangle": -150, "filter": 0}.items():
        yield Nft(f"nft-prerouting-{name}", REPLY, "nf_prerouting",
                  f"prerouting priority {priority}")
    for name, priority in {"mangle": -150, "filter": 0, "security": 50}.items():
        yield Nft(f"nft-input-{name}", REPLY, "nf_input", f"input priority {priority}")
    yield Nft("nft-netdev-egress", REQUEST, "nf_egress", f"egress device {DEVICE} priority 0",
              family="netdev")
    yield Nft("nft-netdev-ingress", REPLY, "nf_ingress", f"ingress device {DEVICE} priority 0",
              family="netdev")
    yield Nft("nft-inet-ingress", REPLY, "nf_ingress", f"ingress device {DEVICE} priority 0")


def nft_ways_to_drop():
    """The same two hooks, other ways to say no."""
    for direction, stage, hook in ((REQUEST, "nf_output", "output priority 0"),
                                   (REPLY, "nf_input", "input priority 0")):
        def row(name, action="drop", *, at=(direction, stage, hook), **how):
            return Nft(f"nft-{at[2].split()[0]}-{name}", *at, action, **how)
        yield row("policy-drop", policy="drop", body="{match} counter name k continue\n{match} goto gone\n accept",
                  extra="chain gone {\n}")
        yield row("jump", "jump deep", extra="chain deep {\nudp length > 0 goto deeper\n}\n"
                  "chain deeper {\ndrop\n}")
        yield row("random", body="{match} numgen random mod 100 < 50 counter name k drop")
        yield row("mark", body="{match} meta mark set 0x77\nmeta mark 0x77 counter name k drop")
        yield row("conntrack", body="{match} ct state new,established counter name k drop")
        yield row("payload", body="{match} @th,0,16 0-65535 counter name k drop")
        yield row("set", extra="set lengths {\ntype inet_service\nflags interval\n"
                  "elements = { 1-65535 }\n}",
                  body="{match} udp sport @lengths counter name k drop")
        yield row("map", body="{match} counter name k udp length vmap {{ 8-65535 : drop }}")
        rejects = ("rejected", "request_dropped") if direction == REQUEST else None
        yield row("reject", "reject", verdicts=rejects)
        yield row("reject-admin", "reject with icmpx type admin-prohibited", verdicts=rejects)


def iptables_faults():
    places = [(REQUEST, "nf_output", "raw", "OUTPUT"), (REQUEST, "nf_output", "mangle", "OUTPUT"),
              (REQUEST, "nf_output", "filter", "OUTPUT"),
              (REQUEST, "nf_postrouting", "mangle", "POSTROUTING"),
              (REPLY, "nf_prerouting", "raw", "PREROUTING"),
              (REPLY, "nf_prerouting", "mangle", "PREROUTING"),
              (REPLY, "nf_input", "mangle", "INPUT"), (REPLY, "nf_input", "filter", "INPUT")]
    for legacy in (False, True):
        kind = "legacy" if legacy else "nft"
        for direction, stage, table, chain in places:
            name = f"iptables-{kind}-{table}-{chain.lower()}"
            yield Iptables(name, direction, stage, table, chain, legacy=legacy)
            if table == "filter":
                yield Iptables(name + "-reject", direction, stage, table, chain, "REJECT",
                               legacy=legacy, verdicts=("rejected", "request_dropped"))
                yield Iptables(name + "-random", direction, stage, table, chain, "DROP", "-m",
                               "statistic", "--mode", "random", "--probability", "0.5",
                               legacy=legacy)
            if table == "mangle" or chain == "INPUT":
                yield Iptables(name + "-nfqueue", direction, stage, table, chain, "NFQUEUE",
                               "--queue-num", "77", legacy=legacy)


LOCAL = [
    *nft_faults(),
    *nft_ways_to_drop(),
    *iptables_faults(),
    TcFilter(REQUEST),
    TcFilter(REPLY),
    Qdisc("tbf", "tbf", "rate", "8bit", "burst", "1", "limit", "1"),
    *(Route(kind) for kind in ("unreachable", "blackhole", "prohibit", "none")),
    Unresolved(),
    RpFilter(),
    SocketFilter(),
    ReceiveBuffer(),
    Checksum(0),
    Checksum(600),
    SilentQueue(REQUEST, "nf_output", "OUTPUT"),
    SilentQueue(REPLY, "nf_input", "INPUT"),
    HoldingQdisc(),
    Xdp("generic"),
    Xdp("native"),
    AddressGone(),
    PolicyBlocks(),
    WrongMac(),
    FragmentLost("first"),
    FragmentLost("last"),
]
