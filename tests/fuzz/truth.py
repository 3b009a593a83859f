# SPDX-License-Identifier: GPL-2.0-only
"""What a query's verdict must be: from captures, counters and the client, not from udpwhy.

This is a second writing of the design's verdicts and rulings, made from facts of another kind. It
is a pure function. Where the facts contradict each other there is no truth: Void.
"""

from dataclasses import dataclass, field

REFUSALS = ("refused", "rate")
UNSURE = 0.12       # seconds around the deadline in which nothing is said


class Void(Exception):
    """Counters and captures do not add up, or something happened too near to the deadline."""


@dataclass
class Kill:
    """Packets of one query that ended on this host, by a counter of the kernel."""

    direction: str
    packets: int
    stages: frozenset
    verdicts: tuple = None      # if not as the direction says
    holds: bool = False
    also: tuple = ()            # further outcomes that are right, as (fault, verdict, stages...)


@dataclass
class Evidence:
    """What is known of one query."""

    timeout: float
    sends: list = field(default_factory=list)       # (time, errno name or None)
    packets: int = 0                                # that the sends made, failed or not
    out: list = field(default_factory=list)         # times at the far end of our wire
    replies: list = field(default_factory=list)     # (time, kind) at the far end of our wire
    astray: list = field(default_factory=list)      # times: this transaction, from elsewhere
    foreign: list = field(default_factory=list)     # times: from the server, and no reply to this
    icmp: list = field(default_factory=list)        # times: errors that quote the request
    reads: list = field(default_factory=list)       # (time, kind) of replies the client took
    unread: bool = False                            # one waits in the socket
    closed: float = None                            # when the client closed its socket
    kills: list = field(default_factory=list)


@dataclass
class Outcome:
    """Verdicts that are right."""

    fault: str
    verdicts: tuple
    stages: frozenset = None        # None: any


def outcome(fault, verdict, *stages):
    return Outcome(fault, verdict if isinstance(verdict, tuple) else (verdict,),
                   frozenset(stages) or None)


def killed(e, direction):
    return sum(k.packets for k in e.kills if k.direction == direction)


def stages_of(e, direction):
    return frozenset().union(*(k.stages for k in e.kills if k.direction == direction and k.packets))


def other_verdicts(e, direction):
    return [outcome(*also) for k in e.kills if k.direction == direction and k.packets
            for also in k.also]


def arrived(e):
    """Packets that came for the client's port."""
    return len(e.replies) + len(e.foreign) + len(e.astray)


def check(e):
    """The sums: each packet made was seen on the wire or killed; each reply read, killed, left."""
    if e.packets != len(e.out) + killed(e, "request"):
        raise Void(f"{e.packets} packets sent, {len(e.out)} on the wire, "
                   f"{killed(e, 'request')} killed")
    if killed(e, "reply") > arrived(e):
        raise Void(f"{killed(e, 'reply')} replies killed, {len(e.replies)} on the wire, "
                   f"{len(e.foreign)} foreign ones")


def near(time, deadline):
    return abs(time - deadline) < UNSURE


def judge(e):
    """The outcomes that are right, the most exact one first."""
    check(e)
    deadline = e.sends[0][0] + e.timeout
    times = [t for t, _ in e.replies] + e.icmp + e.astray
    if any(near(t, deadline) for t in times):
        raise Void("a packet came at the deadline")
    if e.reads:
        return judge_read(e, deadline)
    if killed(e, "fragments"):
        return other_verdicts(e, "fragments")
    if e.replies:
        return judge_arrived(e, deadline)
    return judge_silence(e, deadline)


def judge_read(e, deadline):
    time, kind = e.reads[0]
    if near(time, deadline):
        raise Void("read at the deadline")
    if time > deadline:
        fault = "local" if e.replies[0][0] < deadline else "beyond"
        return [outcome(fault, "answered_late")]
    return [outcome("beyond", "refused") if kind in REFUSALS else outcome("none", "answered")]


def judge_arrived(e, deadline):
    """A reply came to this host, and the client has none."""
    others = len(e.foreign) + len(e.astray)
    if others and killed(e, "reply") not in (0, len(e.replies), arrived(e)):
        raise Void("which of the packets were killed is not known")
    after_close = [t for t, _ in e.replies if e.closed and t > e.closed]
    if len(after_close) == len(e.replies) and not killed(e, "reply"):
        return [outcome("beyond", "answered_late")]
    if killed(e, "reply") in (len(e.replies), arrived(e)):
        right = [outcome("local", "reply_dropped", *stages_of(e, "reply"))]
        if len(after_close) == len(e.replies):
            # Whether the close can be known depends on what dropped the reply (ruling 2).
            right.append(outcome("beyond", "answered_late"))
        if all(t > deadline for t, _ in e.replies):
            # Too late, and then lost here: beyond was at fault first, here last.
            return [outcome("beyond", ("no_reply", "answered_late")),
                    outcome("local", "reply_dropped", *stages_of(e, "reply"))]
        return right + other_verdicts(e, "reply")
    if e.unread:
        if all(t > deadline for t, _ in e.replies):
            return [outcome("beyond", "answered_late")]
        return [outcome("local", "reply_unread", "socket_queue")]
    raise Void(f"{len(e.replies)} replies came, {killed(e, 'reply')} killed, none read or waiting")


def judge_silence(e, deadline):
    """Nothing came back to this host."""
    lost = killed(e, "request")
    stages = stages_of(e, "request")
    if e.out:
        if any(t < deadline for t in e.icmp):
            return [outcome("beyond", "rejected", "wire_out")]
        verdict = "misdirected" if any(t < deadline for t in e.astray) else "no_reply"
        if e.astray and killed(e, "reply"):
            verdict = ("misdirected", "no_reply")       # that one was lost here
        return [outcome("unknown" if lost else "beyond", verdict, "wire_out")]
    if lost:
        own = [k.verdicts for k in e.kills if k.direction == "request" and k.verdicts]
        right = [outcome("local", own[0] if own else "request_dropped", *stages)]
        return right + other_verdicts(e, "request")
    if all(errno for _, errno in e.sends):
        return [outcome("local", "send_failed", "send", "route")]
    raise Void("the request is nowhere")
