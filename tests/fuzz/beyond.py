# SPDX-License-Identifier: GPL-2.0-only
"""Faults beyond the client's host: on the router, the server, or in what the server says.

The captures at both ends tell what came of them; no counter is needed. To add one: a row in BEYOND,
with what it changes in the plan of the server or which rule the router gets.
"""

import far

TIMEOUT = 1.0


class Beyond:
    """A change of the far side, made before the first send and undone when the trial ends."""

    protocols = ("ntp", "dns")
    patient = False         # the trial must go on past the deadline

    def __init__(self, name, replies=None, *, server=None, rule=None, route=None, **how):
        self.name, self.replies, self.server = name, replies, server
        self.rule, self.route = rule, route
        self.protocols = how.get("protocols", self.protocols)
        self.patient = how.get("patient", False)

    def prepare(self, trial):
        if self.replies is not None:
            trial.plan.copies = [[far.Reply(**r) for r in self.replies]]
        if self.server:
            trial.server = self.server[trial.family]
        if self.rule:
            ip = "ip" if trial.family == 4 else "ip6"
            rule = self.rule.format(ip=ip, server=trial.server, port=trial.server_port)
            trial.lane.on_router("table inet fz {\nchain k {\ntype filter hook forward priority 0;"
                                 f"\n{rule}\n}}\n}}")
        if self.route:
            trial.lane.router_ip(f"-{trial.family} route add {self.route} {trial.server}")

    def undo(self, trial):
        if self.rule:
            trial.lane.on_router("delete table inet fz")
        if self.route:
            trial.lane.router_ip(f"-{trial.family} route del {self.route} {trial.server}")

    def __repr__(self):
        return self.name


DNS, NTP = {"protocols": ("dns",)}, {"protocols": ("ntp",)}
TO, FROM = "{ip} daddr {server} udp dport {port} ", "{ip} saddr {server} udp sport {port} "

BEYOND = [
    Beyond("silent", []),
    Beyond("router-drops-request", rule=TO + "drop"),
    Beyond("router-drops-reply", rule=FROM + "drop"),
    Beyond("router-drops-half", rule=TO + "numgen random mod 100 < 50 drop"),
    Beyond("router-prohibits", rule=TO + "reject with icmpx type admin-prohibited"),
    Beyond("router-rejects", rule=TO + "reject"),
    Beyond("router-unreachable", route="unreachable"),
    Beyond("router-blackhole", route="blackhole"),
    Beyond("router-prohibit", route="prohibit"),
    Beyond("dead", server=far.DEAD),
    Beyond("late", [{"delay": TIMEOUT + 0.3}], patient=True),
    Beyond("slow", [{"delay": 0.2}]),
    Beyond("wrong-transaction", [{"wrong": "transaction"}]),
    Beyond("wrong-question", [{"wrong": "question"}], **DNS),
    Beyond("wrong-then-right", [{"wrong": "transaction"}, {"delay": 0.01}]),
    Beyond("other-address", [{"source": "other-address"}]),
    Beyond("other-port", [{"source": "other-port"}]),
    Beyond("other-address-too", [{"source": "other-address"}, {"delay": 0.01}]),
    Beyond("kiss-of-death", [{"kind": "rate"}], **NTP),
    Beyond("forged-kiss", [{"kind": "rate", "wrong": "transaction"}], **NTP),
    Beyond("forged-kiss-too", [{"kind": "rate", "wrong": "transaction"}, {"delay": 0.01}], **NTP),
    Beyond("refused", [{"kind": "refused"}], **DNS),
    Beyond("servfail", [{"kind": "servfail"}], **DNS),
    Beyond("nxdomain", [{"kind": "nxdomain"}], **DNS),
    Beyond("truncated", [{"kind": "tc"}], **DNS),
    Beyond("duplicate", [{}, {}]),
    Beyond("duplicate-later", [{}, {"delay": 0.05}]),
    Beyond("conflicting", [{}, {"kind": "nxdomain"}], **DNS),
    Beyond("conflicting-refusal", [{"kind": "refused"}, {"delay": 0.01}], **DNS),
    Beyond("large", [{"size": 1100}], **DNS),
]
