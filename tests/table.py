#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Hold tests/scenarios/README.md against the names in src/core/names.c, the rules in rules.c and the scenarios there are.

A row is good if its name is one of the vocabulary, every scenario or unit test that it names exists,
and one of them speaks of it. Closes with "N passed, N failed".
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER = ("served", "misdirected", "send_failed", "request_dropped", "request_held", "reply_dropped",
          "reply_held", "request_unread", "not_served")
RULINGS = 14


def read(*path):
    with open(os.path.join(HERE, *path), encoding="utf-8") as file:
        return file.read()


def vocabulary(table):
    """The strings of one table of names.c."""
    body = re.search(table + r"\[.*?\{(.*?)\};", read("..", "src", "core", "names.c"), re.S)
    return re.findall(r'"(\w+)"', body.group(1))


def wanted():
    """{kind: names} that the README must have a row of."""
    return {"verdict": vocabulary("verdict_names"),
            "verdict of a server": list(SERVER),
            "gap": vocabulary("gap_names"),
            "diagnosis": re.findall(r'\.id = "([\w-]+)"', read("..", "src", "core", "rules.c")),
            "ruling": [str(n) for n in range(1, RULINGS + 1)]}


def rows():
    """{kind: {name: cell}} as the README has it."""
    found, kind = {}, None
    for line in read("scenarios", "README.md").splitlines():
        cells = [c.strip(" `") for c in line.strip("|").split("|")] if line[:1] == "|" else []
        if len(cells) == 2 and cells[1] == "scenarios":
            kind = found.setdefault(cells[0], {})
        elif len(cells) == 2 and not cells[0].startswith("-"):
            kind[cells[0]] = cells[1]
    return found


def texts(cell):
    """(name, text or None) of each file that a cell names, remarks in parentheses left out."""
    cell = re.sub(r"\(.*?\)", "", cell)
    unit = cell.startswith("unit:")
    for name in re.findall(r"[\w.-]+", re.sub(r"^unit:|not:", "", cell)):
        path = ("unit", name) if unit else ("scenarios", name + ".toml")
        yield name, read(*path) if os.path.exists(os.path.join(HERE, *path)) else None


def speaks_of(kind, name, text):
    if kind == "ruling":
        return True
    if kind == "verdict of a server" and 'role = "server"' not in text and "SERVER" not in text:
        return False
    if kind.startswith("verdict") and "UW_" not in text:
        return re.search(rf'verdict = "~?.*\b{name}\b|\d "{name}"', text)
    return name in text or f"UW_GAP_{name.upper()}" in text or f"UW_{name.upper()}" in text or \
        (kind == "gap" and "UW_GAPS" in text)


def complaint(kind, name, cell):
    if cell is None:
        return "no row"
    if cell.startswith("none: "):
        return None
    files = list(texts(cell))
    missing = [n for n, text in files if text is None]
    if missing:
        return "there is no " + ", ".join(missing)
    if not any(speaks_of(kind, name, text) for _, text in files):
        return "nothing named speaks of it"
    return None


def main():
    found, passed, failed = rows(), 0, 0
    for kind, names in wanted().items():
        have = found.get(kind, {})
        for name in dict.fromkeys(names + list(have)):
            why = complaint(kind, name, have.get(name)) if name in names else "unknown name"
            if why:
                print(f"{kind} {name}: {why}")
            failed += bool(why)
            passed += not why
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
