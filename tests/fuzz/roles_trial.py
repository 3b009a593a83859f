# SPDX-License-Identifier: GPL-2.0-only
"""What the oracle for routers and servers (roles.py) draws: rules of nftables and iptables on both hosts, queues that
nobody reads, translation of either end, one that is forgotten, what the server does. By seed and number."""

import random

import actors

TIMEOUT, LATE, UNSURE = 1.0, 1.45, 0.15
PORTS = {"dns": 53, "ntp": 123}
CLIENT = {4: "10.0.1.2", 6: "fd00:1::2"}
NET = {4: "10.0.2.", 6: "fd00:2::"}
SERVICE = {4: "198.51.100.", 6: "2001:db8::"}
NO_LISTENER = 99      # a queue that nobody reads: the kernel drops what is given to it
SERVER, NOBODY, DEAF, OTHER = "2", "8", "7", "9"     # the last part of an address

# Where a rule may stand: (direction, stage, table's family, hook). %s is the device of that side.
ROUTER = [
    ("request", "nf_ingress", "netdev", "ingress device c0 priority 0"),
    ("request", "nf_prerouting", "inet", "prerouting priority -300"),
    ("request", "nf_prerouting", "inet", "prerouting priority -150"),
    ("request", "nf_forward", "inet", "forward priority 0"),
    ("request", "nf_postrouting", "inet", "postrouting priority 0"),
    ("request", "nf_postrouting", "inet", "postrouting priority 300"),
    ("request", "nf_egress", "netdev", "egress device s0 priority 0"),
    ("reply", "nf_ingress", "netdev", "ingress device s0 priority 0"),
    ("reply", "nf_prerouting", "inet", "prerouting priority -300"),
    ("reply", "nf_prerouting", "inet", "prerouting priority -150"),
    ("reply", "nf_forward", "inet", "forward priority 0"),
    ("reply", "nf_postrouting", "inet", "postrouting priority 0"),
    ("reply", "nf_postrouting", "inet", "postrouting priority 300"),
    ("reply", "nf_egress", "netdev", "egress device c0 priority 0"),
    ("request", "nf_prerouting", "ipt", "mangle PREROUTING"),
    ("request", "nf_forward", "ipt", "mangle FORWARD"),
    ("request", "nf_forward", "ipt", "filter FORWARD"),
    ("request", "nf_postrouting", "ipt", "mangle POSTROUTING"),
    ("reply", "nf_prerouting", "ipt", "mangle PREROUTING"),
    ("reply", "nf_forward", "ipt", "mangle FORWARD"),
    ("reply", "nf_forward", "ipt", "filter FORWARD"),
    ("reply", "nf_postrouting", "ipt", "mangle POSTROUTING"),
]
HOST = [
    ("request", "nf_ingress", "netdev", "ingress device eth0 priority 0"),
    ("request", "nf_prerouting", "inet", "prerouting priority -300"),
    ("request", "nf_prerouting", "inet", "prerouting priority -150"),
    ("request", "nf_input", "inet", "input priority 0"),
    ("request", "nf_input", "inet", "input priority 50"),
    ("reply", "nf_output", "inet", "output priority -300"),
    ("reply", "nf_output", "inet", "output priority 0"),
    ("reply", "nf_postrouting", "inet", "postrouting priority 0"),
    ("reply", "nf_egress", "netdev", "egress device eth0 priority 0"),
    ("request", "nf_prerouting", "ipt", "mangle PREROUTING"),
    ("request", "nf_input", "ipt", "mangle INPUT"),
    ("request", "nf_input", "ipt", "filter INPUT"),
    ("reply", "nf_output", "ipt", "mangle OUTPUT"),
    ("reply", "nf_output", "ipt", "filter OUTPUT"),
    ("reply", "nf_postrouting", "ipt", "mangle POSTROUTING"),
]
IPTABLES = [f"ip{v}tables-{kind}" for v in ("", "6") for kind in ("legacy", "nft")]
DOES = ["silent", "late", "elsewhere", "refuses", "twice", "nobody", "deaf", "expired"]
EXPIRED = 0.3       # seconds to the answer of a query whose translation was forgotten


class Trial:
    """What is drawn, and what was seen of it."""

    def __init__(self, seed, number):
        rng = random.Random(f"roles:{seed}:{number}")
        self.number, self.family = number, rng.choice((4, 6))
        self.protocol = rng.choice(("dns", "ntp"))
        self.router = rng.randrange(len(ROUTER)) if rng.random() < 0.45 else None
        self.host = rng.randrange(len(HOST)) if rng.random() < 0.35 else None
        self.action = [rng.choice(("drop", "drop", "half")) for _ in range(2)]
        self.program = f"ip{'6' if self.family == 6 else ''}tables-{rng.choice(('legacy', 'nft'))}"
        if self.router is not None and ROUTER[self.router][3].startswith("forward") and rng.random() < 0.3:
            self.action[0] = "reject"
        self.does = rng.choice(DOES) if rng.random() < 0.4 else "answers"
        self.copies, self.nat = rng.choice((1, 1, 2, 3)), rng.random() < 0.3
        self.fit(rng)
        self.port = (40000 if self.nat else 20000) + number % 9000
        self.id = (number * 7919 + 1) & 0xffff
        self.query = actors.dns_query(self.id, f"t{number}.test", "A") if self.protocol == "dns" else \
            actors.ntp_query(rng.randbytes(8))
        self.transaction = actors.asked_transaction(self.protocol, self.query)
        if self.does == "elsewhere" and self.router is not None and ROUTER[self.router][0] == "reply":
            self.router = None      # which of the replies was killed would not be known
        last = {"nobody": NOBODY, "deaf": DEAF}.get(self.does, SERVER)
        self.server = self.asked = NET[self.family] + last
        self.dnat = rng.random() < 0.25
        if self.dnat:       # a service's address, which the router translates
            self.asked = SERVICE[self.family] + last
        self.packets, self.killed, self.sock, self.answered = [], {"router": 0, "host": 0}, None, False
        self.forgotten, self.began = False, None

    def fit(self, rng):
        """What does not go together gives way."""
        if self.does == "expired":      # of one query that met nothing else
            self.nat, self.copies, self.router, self.host = True, 1, None, None
        places = [(ROUTER[self.router] if self.router is not None else None),
                  (HOST[self.host] if self.host is not None else None)]
        if any(p and p[2] == "ipt" for p in places):
            self.nat = False            # those rules know a query by its client's port
        for side, place in enumerate(places):
            if place and place[2] == "ipt" and rng.random() < 0.3:
                self.action[side] = "queue"

    def __str__(self):
        rules = [f"{side}={place[2]} {place[3]} {place[0]} {action}" for side, place, action in (
            ("router", self.router is not None and ROUTER[self.router], self.action[0]),
            ("host", self.host is not None and HOST[self.host], self.action[1])) if place]
        return " ".join([self.protocol, f"IPv{self.family}", self.does, f"copies={self.copies}",
                         "nat" if self.nat else "", "dnat" if self.dnat else "", *rules])

    def match(self, direction):
        """The packets of the transaction in one direction, whatever the addresses are there."""
        end = "dport" if direction == "request" else "sport"
        at = "64,16" if self.protocol == "dns" else "384,64" if direction == "request" else "256,64"
        return f"udp {end} {PORTS[self.protocol]} @th,{at} 0x{self.transaction.hex()}"

    def rule(self, places, index, action):
        family, hook = places[index][2:]
        name = f"k{self.number}"
        chance = "numgen random mod 100 < 50 " if action == "half" else ""
        act = "reject" if action == "reject" else "drop"
        return f"table {family} fz {{\ncounter {name} {{\n}}\nchain c{index} {{\ntype filter hook {hook};\n" \
               f"{self.match(places[index][0])} {chance}counter name {name} {act}\n}}\n}}\n"

    def iptables(self, place, action):
        """The table and the line that iptables-restore takes."""
        table, chain = place[3].split()
        here, there = ("--dport", "--sport") if place[0] == "request" else ("--sport", "--dport")
        chance = "-m statistic --mode random --probability 0.5 " if action == "half" else ""
        target = f"NFQUEUE --queue-num {NO_LISTENER}" if action == "queue" else "DROP"
        return table, f"-A {chain} -p udp {here} {PORTS[self.protocol]} {there} {self.port} " \
            f"-m comment --comment k{self.number} {chance}-j {target}\n"

    def at(self, tap, out, request):
        """Times of this transaction's packets at one end, and where they came from."""
        return [(p.time, p.src) for p in self.packets if p.tap == tap and p.out == out and p.icmp is None and
                (p.dport == PORTS[self.protocol]) == request]
