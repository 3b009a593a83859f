#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A service manager's socket, as sd_notify(3) has it: notify.py SOCKET LOG, each message's lines to LOG."""
import os
import socket
import sys


def main():
    path, log = sys.argv[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s, open(log, "a", buffering=1) as out:
        s.bind(path)
        os.chmod(path, 0o777)
        while True:
            out.write(s.recv(4096).decode() + "\n")


main()
