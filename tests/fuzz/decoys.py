# SPDX-License-Identifier: GPL-2.0-only
"""Decoys: things that happen on the client's host at the same time and are not the cause.

A decoy may have queries of its own (siblings, in the same socket), each with its own truth.
"""

import random
import socket

import actors
from beyond import TIMEOUT
from truth import Evidence, Kill


OTHER_CLIENT = 9        # its port


class Sibling:
    """Another query of the trial's socket, killed by the decoy's own rule."""

    def __init__(self, trial, message):
        self.message, self.port = message, trial.port
        self.transaction = actors.asked_transaction(trial.protocol, message)
        self.sent = self.packets = 0

    def evidence(self, trial):
        return Evidence(TIMEOUT, [(trial.sends[0][0], "EPERM")], self.packets, kills=[
            Kill("request", self.packets, frozenset(["nf_output"]))], closed=trial.closed)


class Decoy:
    """Rules in a table of their own; what they drop is not the trial's query."""

    def __init__(self, name, rules="", hook="output"):
        self.name, self.rules, self.hook = name, rules, hook

    def fits(self, trial):
        return trial.port is not None

    def install(self, trial):
        ip = "ip" if trial.family == 4 else "ip6"
        rules = self.rules.format(ip=ip, server=trial.server, port=trial.port,
                                  service=trial.server_port, other=OTHER_CLIENT)
        trial.lane.nft.run(f"table inet fzd {{\ncounter d {{\n}}\nchain d {{\n"
                           f"type filter hook {self.hook} priority -400;\n{rules}\n}}\n}}")

    def act(self, trial):
        """Just after the trial's first send."""

    def remove(self, trial):
        trial.lane.nft.run("delete table inet fzd")

    def __repr__(self):
        return self.name


class TcpDropped(Decoy):
    """TCP to the same server and port is dropped, and somebody tries."""

    def act(self, trial):
        with socket.socket(trial.af, socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            sock.connect_ex((trial.server, trial.server_port))


class OtherClient(Decoy):
    """Another socket asks the same server at the same moment, and its request is dropped."""

    def act(self, trial):
        with socket.socket(trial.af, socket.SOCK_DGRAM) as sock:
            sock.bind(("", OTHER_CLIENT))
            try:
                sock.sendto(b"x" * 48, (trial.server, trial.server_port))
            except OSError:
                pass


class SiblingDropped(Decoy):
    """Another query of the same socket is dropped in output, found by its transaction."""

    def fits(self, trial):
        return super().fits(trial) and not (trial.local and trial.local.verdicts == ("send_failed",))

    def install(self, trial):
        rng = random.Random(f"{trial.seed}:{trial.number}:sibling")
        if trial.protocol == "ntp":
            message = actors.ntp_query(rng.randbytes(8))
            self.rules = f"@th,384,64 0x{message[40:48].hex()}"
        else:
            number = int.from_bytes(trial.transaction, "big") ^ 0x5555
            message = actors.dns_query(number, f"sibling.{trial.name}", "A")
            self.rules = f"@th,64,16 0x{number:04x}"
        self.rules = f"udp sport {trial.port} " + self.rules + " counter name d drop"
        trial.siblings = [Sibling(trial, message)]
        super().install(trial)

    def act(self, trial):
        sibling = trial.siblings[0]
        try:
            if trial.sock_connected():
                trial.sock.send(sibling.message)
            else:
                trial.sock.sendto(sibling.message, (trial.server, trial.server_port))
        except OSError:
            pass

    def remove(self, trial):
        sibling = trial.siblings[0]
        sibling.packets = trial.lane.nft.counter("inet fzd", "d")
        if not sibling.packets:
            trial.siblings = []
        super().remove(trial)


DECOYS = [
    Decoy("rules-that-never-match", "{ip} daddr {server} udp dport {other} counter drop\n"
          "udp sport {other} counter drop"),
    Decoy("input-rules-that-never-match", "{ip} saddr {server} udp dport {other} drop\n"
          "udp sport {other} counter drop", hook="input"),
    Decoy("counted-and-accepted", "{ip} daddr {server} udp dport {service} counter accept"),
    TcpDropped("tcp-dropped", "tcp dport {service} counter drop"),
    OtherClient("other-client-dropped", "udp sport {other} counter drop"),
    SiblingDropped("sibling-dropped"),
]
