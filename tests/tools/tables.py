#!/usr/bin/env python3
"""tables.py SPOOL [--against SPOOL]: what APEL's tables would hold.

Loads the messages in the order of sending, each record replacing the one
with its key, as `REPLACE INTO` does on `schemas/cloud.sql`: a cloud record's
key is (VMUUID, month, year) of its measurement time, which is EndTime if it is
completed, else StartTime + SuspendDuration + WallDuration, because cASO sends
no RecordCreateTime (`messages.measured`). With --against, the two tables must be equal but for the
differences that differences.toml explains under the case `rehearsal`.
"""

from __future__ import annotations

import argparse
import pathlib
import sys

import compare
import messages


def load(spool: pathlib.Path, types: set[str]) -> dict[tuple[str, ...], messages.Record]:
    """The tables after the whole spool was loaded."""
    held: dict[tuple[str, ...], messages.Record] = {}
    for message in messages.read(spool):
        for record in message.records:
            if record.type in types:
                held[record.key] = record
    return held


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spool", type=pathlib.Path)
    parser.add_argument("--against", type=pathlib.Path)
    parser.add_argument("--types", default=",".join(messages.TYPES))
    parser.add_argument("--case", default="rehearsal")
    parser.add_argument(
        "--differences", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent / "differences.toml"
    )
    args = parser.parse_args()

    # The last interval of a volume is cASO's own on both sides, and ends when it
    # was made.
    storage = messages.VOLATILE[messages.STORAGE]
    storage["EndTime"] = storage["createTime"]
    types = set(args.types.split(","))
    ours = load(args.spool, types)
    if args.against is None:
        for held, record in sorted(ours.items()):
            print(" ".join(held), {name: record.fields[name] for name in sorted(record.fields)})
        return 0
    theirs = load(args.against, types)
    table = compare.Table(args.differences, args.case)
    complaints, explained = [], 0
    for held in sorted(ours.keys() | theirs.keys()):
        name = " ".join(held)
        if held not in theirs:
            if table.explain_whole(ours[held], "ours"):
                explained += 1
            else:
                complaints.append(f"{name}: only in {args.spool}")
        elif held not in ours:
            complaints.append(f"{name}: only in {args.against}")
        else:
            found, count = compare.compare_record(ours[held], theirs[held], table)
            complaints += found
            explained += count
    for complaint in complaints:
        print(complaint)
    print(f"{len(ours)} rows against {len(theirs)}, {explained} known differences, {len(complaints)} complaints")
    return 1 if complaints or not theirs else 0


if __name__ == "__main__":
    sys.exit(main())
