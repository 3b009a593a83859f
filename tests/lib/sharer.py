#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""One UDP socket and more than one process, or thread, that has it: which of them asks?

    sharer.py HOW SERVER NAME [ADDRESS]

    child       a child that inherited the socket asks, the parent keeps it
    parent      the parent asks, a child that inherited the socket keeps it
    gone        the parent asks and ends; the child reads the answer
    thread      a thread with a name of its own asks
    passed      a process that was handed the socket over a unix socket asks; its maker keeps it
    stays       asks at once, as the parent; the child keeps the socket

Prints "ready" once the socket is open. Asks for NAME.ok.test when the file "go" is there, and writes
NAME.sender and NAME.other (the pids of who asks and who else has the socket), then NAME.done
("answered 1" or "answered 0"). With ADDRESS the socket is bound to its port 40000.
"""

import ctypes
import os
import socket
import sys
import threading
import time

from actors import dns_query, family_of

PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
LIMIT = 60 * float(os.environ.get("UDPWHY_TEST_SLACK", "1"))


def write(name, text):
    """Whole or not at all: others wait for the file."""
    with open(f"{name}.new", "w", encoding="ascii") as file:
        file.write(str(text))
    os.rename(f"{name}.new", name)


def note(name, sender, other):
    write(f"{name}.sender", sender)
    write(f"{name}.other", other)


def wait_for_go():
    end = time.monotonic() + LIMIT
    while not os.path.exists("go") and time.monotonic() < end:
        time.sleep(0.02)


def ask(sock, server, name):
    sock.sendto(dns_query(4660, f"{name}.ok.test", "A"), (server, 53))


def read(sock, name):
    sock.settimeout(2)
    try:
        answered = sock.recv(512)[:2] == b"\x12\x34"
    except TimeoutError:
        answered = False
    write(f"{name}.done", f"answered {int(answered)}\n")


def fork(function):
    """A child that runs function and ends with its parent."""
    pid = os.fork()
    if pid == 0:
        function()
        os._exit(0)
    return pid


def idle():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)
    time.sleep(LIMIT)


def ready():
    print("ready", flush=True)


def child(sock, server, name):
    def run():
        wait_for_go()
        ask(sock, server, name)
        read(sock, name)
    pid = fork(run)
    note(name, pid, os.getpid())
    ready()
    os.waitpid(pid, 0)


def parent(sock, server, name):
    note(name, os.getpid(), fork(idle))
    ready()
    wait_for_go()
    ask(sock, server, name)
    read(sock, name)


def gone(sock, server, name):
    there, here = os.pipe()

    def run():
        os.close(here)
        os.read(there, 1)       # until the parent's end, and its end alone
        read(sock, name)
    note(name, os.getpid(), fork(run))
    ready()
    wait_for_go()
    ask(sock, server, name)
    os._exit(0)


def thread(sock, server, name):
    def run():
        ctypes.CDLL(None).prctl(PR_SET_NAME, b"not-the-process", 0, 0, 0)
        wait_for_go()
        ask(sock, server, name)
    asker = threading.Thread(target=run)
    asker.start()
    note(name, os.getpid(), asker.native_id)
    ready()
    asker.join()
    read(sock, name)


def passed(_, server, name):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)

    def run():
        _, fds, _, _ = socket.recv_fds(theirs, 1, 1)
        with socket.socket(fileno=fds[0]) as sock:
            theirs.send(b"y")
            wait_for_go()
            ask(sock, server, name)
            read(sock, name)
    pid = fork(run)
    sock = socket.socket(family_of(server), socket.SOCK_DGRAM)
    socket.send_fds(ours, [b"x"], [sock.fileno()])
    ours.recv(1)
    note(name, pid, os.getpid())
    ready()
    os.waitpid(pid, 0)


def stays(sock, server, name):
    note(name, os.getpid(), fork(idle))
    ask(sock, server, name)
    ready()
    read(sock, name)
    time.sleep(LIMIT)


def main():
    how, server, name, *address = sys.argv[1:]
    with socket.socket(family_of(server), socket.SOCK_DGRAM) as sock:
        if address:
            sock.bind((address[0], 40000))
        globals()[how](sock, server, name)


if __name__ == "__main__":
    main()
