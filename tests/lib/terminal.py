#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""udpwhy on a terminal, as a person has it: terminal.py CLIENT-COMMAND

Starts $UDPWHY trace on a pseudo terminal of 100 columns, lets a client ask in vain, makes the
terminal narrower, lets it ask again, presses Ctrl-C. Holds: colour; a line of what is in flight,
written in place and gone from the screen when the run is over; paragraphs as wide as the terminal
is at that moment; a summary; exit status 0. Says what was wrong and exits 1 otherwise.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unicodedata

WIDE, NARROW = 100, 50
LIMIT = 30
COLOUR = re.compile(r"\033\[[0-9;]*m")
ERASE = "\r\033[K"


class Terminal:
    def __init__(self, argv, env):
        self.pid, self.master = pty.fork()
        if not self.pid:
            os.execvpe(argv[0], argv, env)
        self.text = ""
        self.resize(WIDE)

    def resize(self, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", 30, columns, 0, 0))

    def read(self, seconds):
        """What comes within some time. Returns False at the end of all output."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.text += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)

    def wait_for(self, pattern, start=0):
        end = time.monotonic() + LIMIT
        while not re.search(pattern, self.text[start:]):
            if time.monotonic() > end or not self.read(0.2):
                fail(f"nothing matches {pattern!r}", self.text[start:])
        return len(self.text)

    def finish(self):
        end = time.monotonic() + LIMIT
        while self.read(0.2):
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                fail("it does not end", self.text)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def fail(what, text):
    print(f"terminal: {what}; it wrote:\n{text!r}", file=sys.stderr)
    sys.exit(1)


def columns(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in line)


def screen(text):
    """What is left on the screen: an erased line is gone."""
    return "\n".join(line.rsplit(ERASE, 1)[-1] for line in COLOUR.sub("", text).split("\n"))


def fits(text, width):
    for line in screen(text).split("\n"):
        if columns(line) > width:
            fail(f"wider than {width}: {line!r}", text)


def check(holds, what, text):
    if not holds:
        fail(what, text)


def main():
    ask = sys.argv[1]
    env = dict(os.environ, TERM="xterm-256color")
    env.pop("NO_COLOR", None)
    udpwhy = Terminal([env["UDPWHY"], "trace", "--scope", env["NS_C"], "--timeout", "2"], env)
    udpwhy.wait_for("nothing in flight")
    subprocess.run(ask, shell=True, check=False, stdout=subprocess.DEVNULL)
    started = udpwhy.wait_for("1 in flight, oldest [0-9.]+.[µm]?s → ")
    wide = udpwhy.wait_for(r"NO REPLY ARRIVED.*\n(.*\n)*  fault .*\n(.*\n)*?.*in flight", started)
    check("\033[1;33mNO REPLY ARRIVED\033[0m" in udpwhy.text, "no colour", udpwhy.text)
    fits(udpwhy.text[:udpwhy.text.rindex("\n")], WIDE)

    udpwhy.resize(NARROW)
    subprocess.run(ask, shell=True, check=False, stdout=subprocess.DEVNULL)
    udpwhy.wait_for(r"NO REPLY ARRIVED.*\n(.*\n)*  fault .*\n(.*\n)*?.*in flight", wide)
    before = len(udpwhy.text)
    os.write(udpwhy.master, b"\x03")
    status = udpwhy.finish()
    fits(udpwhy.text[wide:], NARROW)
    check(status == 0, f"exit {status}", udpwhy.text)
    check("2 queries: 2 no_reply" in screen(udpwhy.text[before:]), "no summary", udpwhy.text)
    check("in flight" not in screen(udpwhy.text), "what was in flight is still there", udpwhy.text)


if __name__ == "__main__":
    main()
