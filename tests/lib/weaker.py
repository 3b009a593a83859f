# SPDX-License-Identifier: GPL-2.0-only
"""What a scenario may say less of on a kernel that cannot tell.

A scenario, an [[expect]], [end] or a case's expect may hold

    [weaker.CAPABILITY]  key = value instead of the one expected; false: the key may be absent
                         record = false: there may be no record at all
                         diagnosis = false: the diagnoses may be missing

CAPABILITY and the keys are those of "udpwhy doctor": a capability's row lists the keys that it
weakens. They count only where the doctor says that the capability is missing, and what was made use
of is printed. fault may only become "unknown".
"""

import json
import subprocess

# A diagnosis rests on records and their reasons: without these it is missing too. What has no record for
# want of its payload is counted.
FOLLOWS = {"diagnosis": {"record", "drop.reason"}, "lost.reply_unparsed": {"record"}}


class WeakerError(Exception):
    """A scenario weakens what it may not."""


def flat(table, prefix=""):
    found = {}
    for key, value in table.items():
        found.update(flat(value, f"{prefix}{key}.") if isinstance(value, dict)
                     else {prefix + key: value})
    return found


class Doctor:
    """The capabilities of the kernel that the tests run under."""

    def __init__(self, udpwhy):
        done = subprocess.run([udpwhy, "doctor", "-o", "json"], capture_output=True, text=True,
                              check=False)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        rows = [r for r in rows if r["type"] == "capability"]
        if not rows:
            raise WeakerError(f"udpwhy doctor says nothing: {done.stderr.strip()}")
        self.weakens = {r["name"]: set(r["weakens"]) for r in rows}
        self.missing = {r["name"] for r in rows if not r["present"]}

    def check(self, where, table):
        """WeakerError unless the doctor lists every key of a [weaker] table."""
        for name, keys in table.items():
            if name not in self.weakens:
                raise WeakerError(f"{where}: weaker: doctor knows no {name}")
            for key, value in flat(keys).items():
                if not FOLLOWS.get(key, {key}) & self.weakens[name]:
                    raise WeakerError(f"{where}: weaker: {name} does not weaken {key}, says doctor")
                if key == "fault" and value != "unknown":
                    raise WeakerError(f"{where}: weaker: fault may only become unknown")

    def alternatives(self, *tables):
        """{key: [(value, capability)]} of those [weaker] tables that count here."""
        found = {}
        for table in tables:
            for name in self.missing & set(table):
                for key, value in flat(table[name]).items():
                    found.setdefault(key, []).append((value, name))
        return found
