#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A byte back and forth: pingpong.py unix TURNS | tcp-server PORT | tcp ADDRESS PORT TURNS. Two sends and two reads a turn."""

import os
import socket
import sys


def echo(sock):
    while data := sock.recv(1):
        sock.send(data)


def play(sock, turns):
    for _ in range(turns):
        sock.send(b"x")
        sock.recv(1)


def unix(turns):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    if not os.fork():
        ours.close()
        echo(theirs)
        os._exit(0)
    theirs.close()
    play(ours, turns)
    ours.close()
    os.wait()


def serve(port):
    with socket.create_server(("0.0.0.0", port)) as server:
        print("ready", flush=True)
        while True:
            with server.accept()[0] as sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                echo(sock)


def tcp(address, port, turns):
    with socket.create_connection((address, port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        play(sock, turns)


def main():
    match sys.argv[1:]:
        case ["unix", turns]:
            unix(int(turns))
        case ["tcp-server", port]:
            serve(int(port))
        case ["tcp", address, port, turns]:
            tcp(address, int(port), int(turns))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
