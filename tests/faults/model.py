"""What must arrive, and what a consumer has of what did.

A consumer keeps one row of each server and month, of each accelerator and month, of the
addresses of a project: the one it got last (`REPLACE` in `schemas/cloud.sql` of APEL 2.5.0, and
the consumers under review). Of volumes it keeps an interval for each record id, and adds
the intervals up. So a row that is not there is *lost*, one that an older record replaced
is *stale*, intervals that overlap count *twice*, a gap between them is lost. A message that
`tests/tools/apel_check.py`, the model of APEL's loader, would put into its reject folder is *refused*.
"""

from __future__ import annotations

import calendar
import collections
import dataclasses
import datetime
import json

import apel_check
import messages

HOUR = 3_600
DAY = 24 * HOUR
PROJECTS = 2
# In a line of JSON the time of a snapshot and of the record's making; of a message see messages.VOLATILE.
UNSTEADY = {"MeasurementTime", "uuid", "CreateTime"}


@dataclasses.dataclass
class Table:
    """A consumer's tables."""

    rows: dict[tuple, object] = dataclasses.field(default_factory=dict)
    # Of each volume: from when to when, by what makes a record one.
    intervals: dict[str, dict[object, tuple[int, int]]] = dataclasses.field(
        default_factory=lambda: collections.defaultdict(dict)
    )
    refused: list[str] = dataclasses.field(default_factory=list)
    records: int = 0


def of_messages(bodies: list[bytes]) -> Table:
    """What APEL has of these messages, received in this order."""
    table = Table()
    for number, body in enumerate(bodies):
        try:
            if not apel_check.check(body):
                raise apel_check.Refused("no record in it")
            records = messages.parse(str(number), body).records
        # Whatever it is that the loader meets, it refuses the message.
        except Exception as error:
            table.refused.append(f"APEL would refuse message {number}: {error}: {body[:200]!r}")
            continue
        for record in records:
            table.records += 1
            if record.type == messages.STORAGE:
                volume = record.fields["recordId"].split(":")[1]
                span = tuple(at(record.fields[name]) for name in ("StartTime", "EndTime"))
                table.intervals[volume][record.fields["recordId"]] = span
            else:
                table.rows[record.key] = tuple(record.steady())
    return table


def of_lines(lines: list[bytes]) -> Table:
    """The same of lines of JSON: the last one of a row counts."""
    table = Table()
    known: dict[tuple, dict] = {}
    for line in lines:
        fields = json.loads(line)
        table.records += 1
        steady = {name: value for name, value in fields.items() if name not in UNSTEADY}
        if "VolumeUUID" in fields:
            start = fields["StartTime"]
            span = (start, start + fields["ActiveDuration"])
            table.intervals[fields["VolumeUUID"]][span] = span
            continue
        if "VMUUID" in fields:
            month = datetime.datetime.fromtimestamp(messages.measured(fields), datetime.UTC)
            key = (messages.CLOUD, fields["VMUUID"], f"{month:%Y-%m}")
            # The same record, sent again, is the same line.
            same = known.setdefault((*key, fields["WallDuration"]), steady)
            if same != steady:
                table.refused.append(f"one record in two forms: {same} and {steady}")
        elif "AssociatedRecord" in fields:
            names = ("AssociatedRecord", "MeasurementYear", "MeasurementMonth", "Model")
            key = (messages.ACCELERATOR, *(fields[name] for name in names))
        else:
            key = (messages.IP, *(fields[name] for name in ("LocalGroup", "IPVersion")))
        table.rows[key] = steady
    return table


def at(text: str) -> int:
    """The epoch seconds of a time without a zone, which is UTC."""
    return calendar.timegm(datetime.datetime.fromisoformat(text).timetuple())


@dataclasses.dataclass
class Verdict:
    lost: int = 0
    twice: int = 0
    stale: int = 0
    refused: int = 0
    # What was lost with a file that was damaged and that the program named.
    excused: int = 0
    # Rows that lack nothing but the name of a user whom Keystone denied.
    unnamed: int = 0
    texts: list[str] = dataclasses.field(default_factory=list)

    def wrong(self) -> int:
        return self.lost + self.twice + self.stale + self.refused


def without_name(row: object) -> object:
    """A row of either table without the name of its user."""
    if isinstance(row, dict):
        return {name: value for name, value in row.items() if name != "GlobalUserName"}
    return tuple(line for line in row if not line.startswith("GlobalUserName: "))


def judge(
    verdict: Verdict, who: str, right: Table, got: Table, excused: str = "", names_denied: bool = False
) -> None:
    """Compares what arrived with what must; what is in the text `excused` may be missing.

    With `names_denied` a row may lack the name of its user, and nothing else.
    """

    def is_excused(resource: str) -> bool:
        verdict.excused += resource in excused
        return resource in excused

    for text in got.refused:
        verdict.refused += 1
        verdict.texts.append(f"{who}: {text}")
    for key, row in right.rows.items():
        found = got.rows.get(key)
        if found == row or is_excused(key[1]):
            continue
        if found is None:
            verdict.lost += 1
            verdict.texts.append(f"{who}: {key} is lost")
        elif names_denied and found == without_name(row):
            verdict.unnamed += 1
        else:
            verdict.stale += 1
            verdict.texts.append(f"{who}: {key} is {found}\n    instead of {row}")
    for key in got.rows.keys() - right.rows.keys():
        verdict.twice += 1
        verdict.texts.append(f"{who}: {key} is too much")
    for volume in right.intervals.keys() | got.intervals.keys():
        all_of_it = sorted(right.intervals[volume].values())
        if not all_of_it:
            verdict.twice += 1
            verdict.texts.append(f"{who}: volume {volume} is too much")
            continue
        reached, end = all_of_it[0][0], all_of_it[-1][1]
        for start, stop in [*sorted(got.intervals[volume].values()), (end, end)]:
            if start > reached and not is_excused(volume):
                verdict.lost += 1
                verdict.texts.append(f"{who}: volume {volume} from {reached} to {start} is lost")
            if start < reached:
                verdict.twice += 1
                verdict.texts.append(f"{who}: volume {volume} from {start} to {min(stop, reached)} is counted twice")
            reached = max(reached, stop)


def server_id(project: int, n: int) -> str:
    return f"5e000000-{project:04x}-4000-8000-{n:012x}"


def volume_id(project: int, n: int) -> str:
    return f"701e0000-{project:04x}-4000-8000-{n:012x}"


def truth(table: Table, first: int, hours: int) -> list[str]:
    """What is wrong with the tables of a site that was never disturbed, by the plan of the cloud.

    The plan is `Plan::hourly` in `tests/stand-in/src/plan/hourly.rs`; the comparison with
    such a site says the rest, field by field.
    """
    end = first + hours * HOUR
    last: dict[str, tuple] = {}
    for key, row in table.rows.items():
        if key[0] == messages.CLOUD:
            fields = row if isinstance(row, dict) else dict(line.split(": ", 1) for line in row)
            values = (fields["Status"], *(int(fields[name]) for name in ("WallDuration", "EndTime")))
            last[key[1]] = max(last.get(key[1], ("", 0, 0)), values, key=lambda it: it[1])
    right: dict[str, tuple] = {}
    volumes: dict[str, tuple[int, int]] = {}
    for project in range(PROJECTS):
        for n in range(5):
            right[server_id(project, n)] = ("started", end - first + 10 * DAY, 0)
        for hour in range(hours):
            right[server_id(project, 10 + hour)] = ("completed", 2_100, first + hour * HOUR + 2_400)
        for n, since in ((0, first), (1, first), (2, first + 2 * HOUR + 600)):
            volumes[volume_id(project, n)] = (since, end)
    wrong = [f"{key}: {last.get(key)} instead of {it}" for key, it in right.items() if last.get(key) != it]
    wrong += [f"{key} is nobody's" for key in last.keys() - right.keys()]
    for volume, span in volumes.items():
        parts = sorted(table.intervals[volume].values())
        whole = all(one[1] == next_one[0] for one, next_one in zip(parts, parts[1:], strict=False))
        if not parts or not whole or (parts[0][0], parts[-1][1]) != span:
            wrong.append(f"volume {volume}: {parts} instead of {span}")
    kinds = collections.Counter(key[0] for key in table.rows)
    if kinds[messages.ACCELERATOR] == 0 or kinds[messages.IP] != PROJECTS:
        wrong.append(f"rows by kind: {dict(kinds)}")
    return wrong
