#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Two DNS messages in one send, cut up by the kernel or the device (UDP_SEGMENT), for tests.

    gso.py serve ADDRESS                    waits for two queries of one port and answers both at once; prints "ready"
    gso.py ask SERVER NAME PORT [WAIT]      two queries at once, NAME and an equally long one; prints "answered N of 2"
"""

import select
import socket
import struct
import sys
import time

from actors import dns_query, dns_reply, family_of

SOL_UDP, UDP_SEGMENT = 17, 103


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


if __name__ == "__main__":
    {"serve": serve, "ask": ask}[sys.argv[1]](*sys.argv[2:])
