#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Hold every JSON line of standard input to the contract; print how many are of one type.

    validate.py TYPE < LINES

Exit 1, with what is wrong on stderr, if a line is not as schema/udpwhy.schema.json has it.
"""

import json
import os
import sys

from tracer import Contract

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "schema",
                      "udpwhy.schema.json")


def main():
    contract, count, problems = Contract(SCHEMA), 0, []
    for raw in sys.stdin.read().splitlines():
        problems += contract.problems_of_line(raw)
        count += json.loads(raw).get("type") == sys.argv[1]
    print(count)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
