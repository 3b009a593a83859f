# SPDX-License-Identifier: GPL-2.0-only
"""Cases: many small faults in one run of a scenario, one after the other, a query record each.

    [every_case]        keys that each [[case]] has unless it says otherwise; expect is merged
    [[case]]            what        in a few words; names the case in a failure
                        family      list of 4 and 6 (default both): one case for each
                        proto       dns (default) or ntp
                        in          member (default the client) where the commands run
                        before      command that makes the fault
                        run         what asks (default: actors.py client, once); exit (default 3), stdout
                        truth       command that must end with 0: a counter, a capture, a map
                        after       command that takes the fault away; run whatever happened
                        expect      keys of the one query record; false: there must be none

The commands have in their environment: V ("" or "6", for ip${V}tables), FAMILY (4 or 6), IP (ip or
ip6, as nft has it), SERVER, CLIENT, PROTO, PORT, QNAME (a DNS name of this case alone) and
ASK, the words of the default run. env is a table of further ones, whose values may use those above;
a case overrides it key by key: a table of variants is then a list of such words.
"""

import string

from lab import SLACK

CASE_KEYS = {"what", "family", "proto", "in", "before", "run", "exit", "stdout", "truth", "after", "expect", "env"}
NAME_SUFFIX = "ok.test"
PORTS = {"dns": 53, "ntp": 123}


def merged(default, case, flatten):
    default, case = ({**t, "expect": flatten(t["expect"])} if isinstance(t.get("expect"), dict)
                     else t for t in (default, case))
    both = {**default, **case}
    for key in ("expect", "env"):
        if isinstance(default.get(key), dict) and isinstance(case.get(key), dict):
            both[key] = {**default[key], **case[key]}
    return both


class Case:
    """One fault in one family: what its commands see, and the record it must give."""

    def __init__(self, number, table, family, addresses):
        self.table, self.family = table, family
        self.proto = table.get("proto", "dns")
        self.question = f"q{number}.{NAME_SUFFIX}"
        self.port = 20000 + number
        self.label = f"case{number}"
        self.what = f"{table.get('what', self.label)}, IPv{family}"
        self.addresses = {m: a[family == 6] for m, a in addresses.items()}

    def env(self):
        server = self.addresses.get("s", self.addresses["c"])
        asks = f"--server {server} --wait {min(0.3 * SLACK, 1)}"  # before the tracer's deadline of 2 s
        asks += f" --question {self.question}" if self.proto == "dns" else ""
        base = {"V": "6" if self.family == 6 else "", "FAMILY": str(self.family),
                "IP": "ip6" if self.family == 6 else "ip", "SERVER": server,
                "CLIENT": self.addresses["c"], "PROTO": self.proto, "PORT": str(PORTS[self.proto]),
                "QNAME": self.question, "ASK": f"{self.proto} {asks} --source-port {self.port}"}
        return {**base, **{key: string.Template(value).substitute(base)
                           for key, value in self.table.get("env", {}).items()}}

    def run(self):
        return self.table.get("run", "$ACTORS client $ASK")

    def run_holds(self):
        """What must hold of that command, as a step has it."""
        stdout = {"stdout": self.table["stdout"]} if "stdout" in self.table else {}
        return {"exit": self.table.get("exit", 3), **stdout}

    def expected(self):
        """What [[expect]] would say of this case's record."""
        expect = self.table["expect"]
        mine = {"client.port": self.port} if "$ASK" in self.run() else \
            {"dns.question.name": self.question}
        if expect is False:
            return {**mine, "what": self.what, "count": 0}
        return {"what": self.what, "network.type": f"ipv{self.family}", **mine, **expect}


def cases_of(spec, addresses, flatten):
    """The cases of a scenario, families told apart and numbered."""
    default, cases = spec.get("every_case", {}), []
    for table in spec.get("case", []):
        table = merged(default, table, flatten)
        for family in table.get("family", [4, 6]):
            cases.append(Case(len(cases), table, family, addresses))
    return cases
