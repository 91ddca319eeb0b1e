#!/usr/bin/env python3
"""judge.py CASE RECORDS TRUTH.json [REFERENCE]: our energy records against the truth, and against cASO 5.2.2's.

RECORDS and REFERENCE have one JSON object a line. The energy of every server is
the truth's, no server of it is missing, and none comes on top. All other fields are
cASO's, for the servers that cASO has; and where no defect of cASO's was at work
(SAME), its energy too. Everything else is printed, and the exit code is 1.
"""

import json
import math
import sys

# Only these hit no defect: their first and last samples are not on the window's
# ends, they have no gap, no second series and no NaN.
SAME = {"energy": {"active-in"}, "energy-step60": set(), "energy-6days": set(), "energy-madrid": set()}
# Two series of one power, 3 s apart: at a series' first sample those are counted twice.
CLOSE = 2e-5


def lines(path):
    return [json.loads(line) for line in open(path) if line.startswith("{")]


def close(a, b, slack=0.0):
    return abs(a - b) <= CLOSE * b + slack


def main():
    case, records, truth, *reference = sys.argv[1:]
    wrong = []
    records = lines(records)
    found = {record["ExecUnitID"]: record for record in records}
    if len(found) != len(records):
        wrong.append("a server has two records")
    truth = json.load(open(truth))
    references = {record["ExecUnitID"]: record for record in lines(reference[0])} if reference else {}
    names = {id: entry["name"] for id, entry in truth.items()}
    for id, entry in truth.items():
        name, right = entry["name"], entry["watt_hours"]
        record = found.pop(id, None)
        if record is None:
            # cASO's, and ours: no energy, no record. A server of another project
            # has none in this one's run.
            if right > 0 and name != "two-active":
                wrong.append(f"{name}: no record, {right:.4f} Wh are missing")
            continue
        if not close(record["EnergyWh"], right, entry["slack"]):
            wrong.append(f"{name}: {record['EnergyWh']} Wh, the truth is {right:.6f}")
        if not close(record["Work"], record["CpuDuration_s"] / record["EnergyWh"]):
            wrong.append(f"{name}: Work is {record['Work']}")
        theirs = references.get(id)
        if theirs is None:
            continue
        if list(record) != list(theirs):
            wrong.append(f"{name}: fields {list(record)}, cASO's are {list(theirs)}")
        for field in theirs:
            measured = field in ("EnergyWh", "Work")
            if (not measured or name in SAME.get(case, ())) and not same(record.get(field), theirs[field]):
                wrong.append(f"{name}: {field} is {record.get(field)!r}, cASO's is {theirs[field]!r}")
    for id in found:
        wrong.append(f"{names.get(id, id)}: a record of a server without energy")
    for id in references.keys() - truth.keys():
        wrong.append(f"{id}: cASO has a record, the truth has no energy")
    for line in wrong:
        print(f"{case}: {line}")
    print(f"{case}: {len(records)} records, {len(references)} of cASO's, {len(wrong)} differences")
    sys.exit(bool(wrong))


def same(ours, theirs):
    if isinstance(ours, float) and isinstance(theirs, float):
        return math.isclose(ours, theirs, rel_tol=1e-9)
    return ours == theirs


if __name__ == "__main__":
    main()
