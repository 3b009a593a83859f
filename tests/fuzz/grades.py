# SPDX-License-Identifier: GPL-2.0-only
"""How udpwhy's records of a query compare with the truth."""

# From harmless to grave: the gravest of a trial's queries is the trial's.
GRADES = ("right", "void", "wrong stage", "wrong verdict", "two records", "missing", "unknown",
          "wrong fault", "confused")


def told_of(part):
    """The records of a query that must be one; a send that made no packet has its own besides."""
    failed = [r for r in part["records"] if r["verdict"] == "send_failed"]
    rest = [r for r in part["records"] if r["verdict"] != "send_failed"]
    if len(failed) > part["failed_sends"]:
        return part["records"]
    return rest or failed[:1]


def grade(part):
    """One of GRADES."""
    if "void" in part:
        return "void"
    truth, records = part["truth"], told_of(part)
    if len(records) != 1:
        return "two records" if records else "missing"
    record = records[0]
    same_fault = [t for t in truth if t[0] == record["fault"]]
    if not same_fault:
        if {truth[0][0], record["fault"]} == {"local", "beyond"}:
            return "confused"
        return "unknown" if record["fault"] == "unknown" else "wrong fault"
    same_verdict = [t for t in same_fault if record["verdict"] in t[1]]
    if not same_verdict:
        return "wrong verdict"
    right = any(not t[2] or record.get("stage") in t[2] for t in same_verdict)
    return "right" if right else "wrong stage"
