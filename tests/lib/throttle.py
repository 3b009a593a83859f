#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the throttle story needs beside its daemons, each until it is killed.

    gate        on a router: while more UDP packets/s than --limit want to pass, none does; writes a line
                "on SECONDS RATE" or "off SECONDS RATE" (since the epoch) to --log for each change
    bulk        UDP to --server port --port in the rates of --plan, "RATE:SECONDS ..."
    echo        sends each UDP datagram back, each line of TCP likewise
    chatter     a line over TCP to --server, 50 times a second
"""

import argparse
import re
import select
import socket
import subprocess
import sys
import threading
import time

COUNT = """table inet throttle_count {
	counter passing { }
	chain f { type filter hook forward priority -10; meta l4proto udp counter name passing; }
}"""
DROP = """table inet throttle_drop {
	chain f { type filter hook forward priority 0; meta l4proto udp drop; }
}"""
LOOK = 0.25


def nft(text):
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)


def passed():
    out = subprocess.run(["nft", "list", "counter", "inet", "throttle_count", "passing"],
                         capture_output=True, text=True, check=True).stdout
    return int(re.search(r"packets (\d+)", out)[1]), time.time()


def gate(args):
    """All of it is counted, what is dropped as well; the rate is that of the last second."""
    nft(COUNT)
    looks, closed = [passed()], False
    print("ready", flush=True)
    while True:
        time.sleep(LOOK)
        looks = (looks + [passed()])[-5:]
        rate = (looks[-1][0] - looks[0][0]) / (looks[-1][1] - looks[0][1])
        if (rate > args.limit) != closed:
            nft("delete table inet throttle_drop" if closed else DROP)
            closed = not closed
            with open(args.log, "a", encoding="utf-8") as log:
                print("on" if closed else "off", f"{time.time():.3f} {rate:.0f}", file=log)


def bulk(args):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("", args.port))
    sock.setblocking(False)
    for step in args.plan:
        rate, seconds = map(float, step.split(":"))
        begin, sent = time.monotonic(), 0
        while (now := time.monotonic() - begin) < seconds:
            while sent < now * rate:
                sent += 1
                try:
                    sock.sendto(b"x" * 100, (args.server, args.port))
                except OSError:
                    pass
            try:
                while sock.recv(2000):
                    pass
            except OSError:
                pass
            time.sleep(0.004)
        print(f"{rate:.0f}: sent {sent / seconds:.0f}/s", flush=True)


def echo_tcp(listener):
    def talk(peer):
        while data := peer.recv(4096):
            peer.sendall(data)
    while True:
        threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()


def echo(args):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((args.server, args.port))
    tcp = socket.create_server((args.server, args.port))
    threading.Thread(target=echo_tcp, args=(tcp,), daemon=True).start()
    print("ready", flush=True)
    while True:
        data, peer = udp.recvfrom(2000)
        udp.sendto(data, peer)


def chatter(args):
    sock = socket.create_connection((args.server, args.port))
    while True:
        sock.sendall(b"hello\n")
        if select.select([sock], [], [], 1)[0]:
            sock.recv(4096)
        time.sleep(0.02)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["gate", "bulk", "echo", "chatter"])
    p.add_argument("--limit", type=float, default=1500)
    p.add_argument("--log", default="/dev/stdout")
    p.add_argument("--server")
    p.add_argument("--port", type=int, default=51820)
    p.add_argument("--plan", nargs="+", default=[])
    args = p.parse_args()
    return {"gate": gate, "bulk": bulk, "echo": echo, "chatter": chatter}[args.what](args)


if __name__ == "__main__":
    sys.exit(main())
