#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""records.py FILE...: what JSON lines say in sum, a fact a line, after every line was held to the
schema. The files are one run, in this order.

    types TYPE=N...         records of each type
    told VERDICT=N...       query records
    end KEY=VALUE...        counts of the end record that are not 0
    flow PROTOCOL SERVER KEY=VALUE...   likewise, of the last record of each flow
"""

import collections
import json
import os
import sys

from tracer import Contract

SCHEMA = os.path.join(os.path.dirname(__file__), "..", "..", "schema", "udpwhy.schema.json")
SKIPPED = {"v", "elapsed_us"}


def facts(record):
    return " ".join(f"{k}={v}" for k, v in sorted(record.items())
                    if isinstance(v, int) and not isinstance(v, bool) and v and k not in SKIPPED)


def counted(counter):
    return " ".join(f"{k}={v}" for k, v in sorted(counter.items()))


def main():
    contract = Contract(SCHEMA)
    types, told, flows, end, bad = collections.Counter(), collections.Counter(), {}, None, 0
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8") as file:
            for raw in file:
                for problem in contract.problems_of_line(raw.rstrip("\n")):
                    print("PROBLEM", problem)
                    bad = 1
                r = json.loads(raw)
                types[r["type"]] += 1
                if r["type"] == "query":
                    told[r["verdict"]] += 1
                elif r["type"] == "flow":
                    flows[(r["network.protocol.name"], r.get("server.address", "-"), r.get("client.port_class", "-"))] = r
                elif r["type"] == "end":
                    end = r
    print("types", counted(types))
    print("told", counted(told))
    for key in sorted(flows):
        print("flow", *key[:2], facts({k: v for k, v in flows[key].items()
                                       if k.startswith("count.") or k in ("suppressed", "duplicate")}))
    print("end", facts({k: v for k, v in (end or {}).items() if k.startswith(("count.", "lost.", "supp"))}))
    return bad


if __name__ == "__main__":
    sys.exit(main())
