#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Two DNS messages in one send, cut up by the kernel or the device (UDP_SEGMENT), for tests.

    gso.py serve ADDRESS                    waits for two queries of one port and answers both at once; prints "ready"
    gso.py ask SERVER NAME PORT [WAIT]      two queries at once, NAME and an equally long one; prints "answered N of 2"
    gso.py gather SERVER NAME [WAIT]        two queries, one by one; takes the answers together (UDP_GRO): "... in N" reads
"""

import select
import socket
import struct
import sys
import time

from actors import dns_query, dns_reply, family_of

SOL_UDP, UDP_SEGMENT, UDP_GRO = 17, 103, 104


def send(sock, messages, address):
    assert len({len(m) for m in messages}) == 1
    sock.sendmsg([b"".join(messages)], [(SOL_UDP, UDP_SEGMENT, struct.pack("@H", len(messages[0])))], 0, address)


def serve(address):
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as sock:
        sock.bind((address, 53))
        print("ready", flush=True)
        waiting = {}
        while True:
            query, client = sock.recvfrom(65535)
            waiting.setdefault(client, []).append(query)
            if len(waiting[client]) == 2:
                send(sock, [dns_reply(q, "answer", 0) for q in waiting.pop(client)], client)


def ask(server, name, port, wait="1"):
    with socket.socket(family_of(server), socket.SOCK_DGRAM) as sock:
        sock.bind(("", int(port)))
        send(sock, [dns_query(4660, name, "A"), dns_query(4661, "x" + name[1:], "A")], (server, 53))
        answers, end = set(), time.monotonic() + float(wait)
        while len(answers) < 2 and select.select([sock], [], [], max(0, end - time.monotonic()))[0]:
            answers.add(sock.recv(65535)[:2])
        print(f"answered {len(answers)} of 2")


def gather(server, name, wait="1"):
    with socket.socket(family_of(server), socket.SOCK_DGRAM) as sock:
        sock.setsockopt(SOL_UDP, UDP_GRO, 1)
        for ident, asked in ((4660, name), (4661, "x" + name[1:])):
            sock.sendto(dns_query(ident, asked, "A"), (server, 53))
        answers, reads, end = set(), 0, time.monotonic() + float(wait)
        while len(answers) < 2 and select.select([sock], [], [], max(0, end - time.monotonic()))[0]:
            data, extra, _, _ = sock.recvmsg(65535, 64)
            size = struct.unpack("@i", extra[0][2])[0] if extra else len(data)
            answers |= {data[at:at + 2] for at in range(0, len(data), size)}
            reads += 1
        print(f"answered {len(answers)} of 2 in {reads}")


if __name__ == "__main__":
    {"serve": serve, "ask": ask, "gather": gather}[sys.argv[1]](*sys.argv[2:])
