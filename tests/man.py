#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Hold man/udpwhy.8 against the program: every option of every --help is in its command's part, and none
that no help knows; and let a linter of manual pages read it. Closes with "N passed, N failed".

    tests/man.py [UDPWHY]
"""

import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "..", "man", "udpwhy.8")
COMMANDS = ["trace", "monitor", "probe", "analyze", "explain", "doctor"]


def options_of_help(text):
    """The options that a help text names: "  -v, --verbose ...", "  -4, --use-ipv4 ...; -6, --use-ipv6:"."""
    found = set()
    for line in text.splitlines():
        if re.match(r"  -", line):
            found.update(re.findall(r"(?:^  |, |; )(--?[\w-]+)", line))
    return found


def parts_of_page(text):
    """{command or "Filters": options} of the .Ss parts."""
    parts = {}
    for part in re.split(r"^\.Ss ", text, flags=re.M)[1:]:
        title, body = part.split("\n", 1)
        items = re.findall(r"^\.It (.*)", body, flags=re.M)
        parts[title.removeprefix("udpwhy ")] = {
            "-" + option for item in items for option in re.findall(r"\bFl (-?[\w-]+)", item)}
    return parts


def help_of(udpwhy, command):
    return subprocess.run([udpwhy, command, "--help"], capture_output=True, text=True, check=True).stdout


def differences(command, helped, parts):
    own, filters = parts.get(command, set()), parts["Filters"]
    shared = filters if {"--iface", "--process"} <= helped else set()
    found = [f"{command} {o} is not in its part of the page" for o in sorted(helped - own - shared)]
    return found + [f"{command} {o} is in the page, not in its --help" for o in sorted((own | shared) - helped)]


def lint():
    """What a linter says, and which; None without any."""
    if shutil.which("mandoc"):
        out = subprocess.run(["mandoc", "-Tlint", "-W", "warning", PAGE], capture_output=True, text=True)
        return "mandoc", out.stdout.splitlines() + ([f"exit {out.returncode}"] if out.returncode else [])
    if shutil.which("man"):
        out = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", PAGE],
                             capture_output=True, text=True)
        return "man --warnings", out.stderr.splitlines()
    return None


def main():
    udpwhy = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "..", "build", "udpwhy")
    with open(PAGE, encoding="utf-8") as file:
        parts = parts_of_page(file.read())
    passed = failed = 0
    checks = [(c, differences(c, options_of_help(help_of(udpwhy, c)), parts)) for c in COMMANDS]
    linter = lint()
    if linter:
        checks.append(linter)
    else:
        print("man page: not linted, neither mandoc nor man is installed")
    for name, problems in checks:
        passed, failed = passed + (not problems), failed + bool(problems)
        print(f"{'FAIL' if problems else 'ok  '} man page, {name}")
        for problem in problems:
            print(f"  {problem}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
