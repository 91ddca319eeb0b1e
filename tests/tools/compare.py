#!/usr/bin/env python3
"""compare.py OURS REFERENCE [--case NAME] [--types cloud,ip,accelerator,storage] [--max-size N] [--differences FILE]

Our messages against cASO 5.2.2's, record by record. Records are matched by
key and must have the same bytes, line by line, but for what depends on the
moment a record was made (messages.VOLATILE); each message must be written
as cASO writes it, and N records of a type must make ceil(N / max_size)
messages. What differs must be explained by an entry of differences.toml, with
the value that is right; anything else is printed, and the exit code is 1. So
is an entry for this case that explained nothing: the table must not outlive
the defects it is about.

An entry with `month_ends` demands records of ours that cASO does not make: for
each of these moments one of every server that ran then, equal to the server's
last record but for what is of the moment.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import math
import pathlib
import re
import sys
import tomllib

import messages


class Table:
    """differences.toml: what may differ, and to what."""

    def __init__(self, path: pathlib.Path, case: str):
        entries = tomllib.loads(path.read_text())["difference"]
        self.entries = [entry for entry in entries if case in entry["cases"]]
        self.used: set[int] = set()

    def explain(self, field: str, ours: messages.Record | None, reference: messages.Record | None) -> bool:
        """Whether one entry at least says that this field is right in ours."""
        for number, entry in enumerate(self.entries):
            if self._matches(entry, ours, reference) and self._right(entry, field, ours, reference):
                self.used.add(number)
                return True
        return False

    def explain_whole(self, record: messages.Record, only: str) -> bool:
        """Whether a record may stand on one side alone."""
        for number, entry in enumerate(self.entries):
            if entry.get("only") != only or "month_ends" in entry or not self._matches(entry, record, None):
                continue
            expected = entry.get("expect", {})
            if all(record.fields.get(field) == value for field, value in expected.items()):
                self.used.add(number)
                return True
        return False

    def month_ends(self, ours: dict[tuple, messages.Record]) -> dict[tuple, messages.Record]:
        """What must be in ours besides the records as of the window's end, by key."""
        last: dict[str, messages.Record] = {}
        for record in ours.values():
            if record.type == messages.CLOUD:
                last[record.fields["VMUUID"]] = max(
                    record, last.get(record.fields["VMUUID"], record), key=lambda one: messages.measured(one.fields)
                )
        expected = {}
        for number, entry in enumerate(self.entries):
            for text in entry.get("month_ends", []):
                end = int(datetime.datetime.fromisoformat(text).timestamp())
                for record in last.values():
                    started = int(record.fields["StartTime"])
                    if started < end < messages.measured(record.fields) and self._matches(entry, record, None):
                        as_of = _as_of(record, end - started)
                        expected[as_of.key] = as_of
                        self.used.add(number)
        return expected

    @staticmethod
    def _matches(entry, ours, reference) -> bool:
        record = ours or reference
        if entry["record"] != record.type:
            return False
        for field, value in entry.get("match", {}).items():
            found = record.fields.get(field)
            if found not in value if isinstance(value, list) else found != value:
                return False
        return True

    @staticmethod
    def _right(entry, field, ours, reference) -> bool:
        if "only" in entry or field not in entry.get("expect", {}):
            return False
        expected = entry["expect"][field]
        found = ours.fields.get(field)
        if not expected.startswith("="):
            return found == expected
        # A sum over our own numbers and the reference's value of this field.
        names = {name: _number(value) for name, value in ours.fields.items()}
        names["reference"] = _number(reference.fields.get(field))
        try:
            return found == str(eval(expected[1:], {"__builtins__": {}}, names))  # our own file
        except TypeError:  # a field that is not there is no number
            return False

    def unused(self, types: set[str]):
        """The entries for records of these types that explained nothing."""
        return [
            entry
            for number, entry in enumerate(self.entries)
            if number not in self.used and entry["record"] in types and not entry.get("may_be_absent")
        ]


def _as_of(record: messages.Record, wall: int) -> messages.Record:
    """A server's record as of an earlier moment, after so many seconds."""
    of_the_moment = {"WallDuration": str(wall), "EndTime": "0"}
    if "CpuCount" in record.fields:
        of_the_moment["CpuDuration"] = str(wall * int(record.fields["CpuCount"]))
    if record.fields["Status"] == "completed":
        of_the_moment["Status"] = "started"
    fields = {field: of_the_moment.get(field, value) for field, value in record.fields.items()}
    lines = [f"{field}: {value}" for field, value in fields.items()]
    return messages.Record(record.type, fields, lines, record.message)


def _number(text: str | None) -> int | None:
    try:
        return int(text)
    except (TypeError, ValueError):
        return None


def by_key(read: list[messages.Message], types: set[str], complaints: list[str], side: str):
    """The records, and a complaint for each that comes twice."""
    records: dict[tuple, messages.Record] = {}
    for message in read:
        for record in message.records:
            if record.type not in types:
                continue
            if record.key in records:
                complaints.append(
                    f"{side}: {record} is there twice, in {records[record.key].message} and {record.message}"
                )
            records[record.key] = record
    return records


def compare_record(ours: messages.Record, reference: messages.Record, table: Table) -> tuple[list[str], int]:
    """Complaints, and the number of explained differences."""
    complaints, explained = [], 0
    volatile = messages.VOLATILE.get(reference.type, {})
    for field, form in volatile.items():
        if not re.fullmatch(form, ours.fields.get(field, "")):
            complaints.append(f"{reference}: {field} is {ours.fields.get(field)!r}")
    if ours.steady() == reference.steady():
        return complaints, 0
    for field in dict.fromkeys([*reference.fields, *ours.fields]):
        mine, theirs = ours.fields.get(field), reference.fields.get(field)
        if mine == theirs or field in volatile:
            continue
        if table.explain(field, ours, reference):
            explained += 1
        else:
            complaints.append(f"{reference}: {field} is {mine!r}, in the reference {theirs!r}")
    if not complaints and not explained:
        complaints.append(f"{reference}: the same fields, other bytes:\n  {ours.lines}\n  {reference.lines}")
    # The order of the lines counts too, whatever the values are.
    order = [line.split(":")[0] for line in ours.lines]
    theirs = [line.split(":")[0] for line in reference.lines]
    common = [field for field in order if field in theirs]
    if common != [field for field in theirs if field in order]:
        complaints.append(f"{reference}: the fields stand in another order: {order}")
    return complaints, explained


def packing(read: list[messages.Message], types: set[str], max_size: int) -> list[str]:
    """What is not as cASO would have packed and written it."""
    complaints = []
    counts: dict[str, list[int]] = collections.defaultdict(list)
    for message in read:
        if message.type not in types:
            continue
        counts[message.type].append(len(message.records))
        again = messages.canonical(message)
        if again is not None and again != message.raw:
            complaints.append(f"{message.name}: header, separators or spacing are not cASO's")
    for kind, sizes in counts.items():
        if len(sizes) != math.ceil(sum(sizes) / max_size):
            complaints.append(f"{sum(sizes)} {kind} records in {len(sizes)} messages of {sizes}")
    return complaints


def main() -> int:
    here = pathlib.Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours", type=pathlib.Path)
    parser.add_argument("reference", type=pathlib.Path)
    parser.add_argument("--also", type=pathlib.Path, action="append", default=[], help="a further reference")
    parser.add_argument("--case", default=None, help="the case's name in differences.toml; the reference folder's name")
    parser.add_argument("--types", default=",".join(messages.TYPES))
    parser.add_argument("--max-size", type=int, default=100)
    parser.add_argument("--differences", type=pathlib.Path, default=here.parent / "differences.toml")
    args = parser.parse_args()

    types = set(args.types.split(","))
    if unknown := types - set(messages.TYPES):
        parser.error(f"no such record types: {sorted(unknown)}")
    case = args.case or args.reference.name
    table = Table(args.differences, case)
    try:
        ours_read, reference_read = messages.read(args.ours), messages.read(args.reference)
        for folder in args.also:
            reference_read += messages.read(folder)
    except messages.BadMessage as error:
        print(f"{case}: {error}")
        return 1

    complaints = packing(ours_read, types, args.max_size)
    ours = by_key(ours_read, types, complaints, "ours")
    reference = by_key(reference_read, types, complaints, "the reference")
    explained = equal = 0
    for key, theirs in reference.items():
        mine = ours.get(key)
        if mine is None:
            if table.explain_whole(theirs, "reference"):
                explained += 1
            else:
                complaints.append(f"{theirs}: missing in ours")
            continue
        found, count = compare_record(mine, theirs, table)
        complaints += found
        explained += count
        equal += not found and not count
    month_ends = table.month_ends(ours) if messages.CLOUD in types else {}
    for key, right in month_ends.items():
        mine = ours.get(key)
        if mine is None:
            complaints.append(f"{right}: no record as of the month's end")
        elif mine.lines != right.lines:
            complaints.append(f"{right}: as of the month's end\n  {mine.lines}\n  and not\n  {right.lines}")
        else:
            explained += 1
    for key, mine in ours.items():
        if key in reference or key in month_ends:
            continue
        if table.explain_whole(mine, "ours"):
            explained += 1
        else:
            complaints.append(f"{mine}: not in the reference")
            complaints += [f"    {line}" for line in mine.lines]
    if not reference:
        complaints.append(f"`{args.reference}` has no record of the types {sorted(types)}")
    for entry in table.unused(types):
        complaints.append(f"differences.toml: defect {entry['defect']} did not show: {entry['why']}")
    for complaint in complaints:
        print(f"{case}: {complaint}")
    print(
        f"{case}: {len(reference)} records in the reference, {equal} byte-equal, {explained} known differences, {len(complaints)} complaints"
    )
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
