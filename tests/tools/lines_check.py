#!/usr/bin/env python3
"""Lines of JSON that a receiver took, against the SSM messages of the same run.

    lines_check.py SSM_FOLDER RECORDS.jsonl COPIES

The receiver was sent the same records COPIES times. Each record must have arrived that
often, whole, and those that are also in an SSM message must agree with it. rsyslog
writes numbers in their shortest form, so numbers are compared as numbers.
"""

import collections
import json
import pathlib
import sys

import messages

TYPES = {"VMUUID": messages.CLOUD, "VolumeUUID": messages.STORAGE, "IPCount": messages.IP}


def type_of(line):
    for field, kind in TYPES.items():
        if field in line:
            return kind
    return messages.ACCELERATOR if "AssociatedRecord" in line else "energy"


def key(kind, fields):
    """What makes a record one of its kind, under the names of both."""
    if kind == messages.CLOUD:
        # A server has one as of each month's end in the window, and one as of its end; no
        # time is a second in a message.
        return (kind, fields["VMUUID"], max(int(fields["WallDuration"]), 1))
    names = {
        messages.ACCELERATOR: ["AssociatedRecord", "MeasurementYear", "MeasurementMonth", "Model"],
        messages.IP: ["LocalGroup", "IPVersion"],
    }[kind]
    return (kind, *(str(fields.get(name, "")) for name in names))


def same(ours, theirs):
    try:
        return float(ours) == float(theirs)
    except ValueError:
        return ours == theirs


def main():
    folder, records, copies = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    lines = records.read_text(encoding="utf-8").splitlines()
    wrong = []
    counted = collections.Counter(lines)
    wrong += [f"{count} times instead of {copies}: {line}" for line, count in counted.items() if count != copies]
    received = {}
    kinds = collections.Counter()
    for line in counted:
        fields = json.loads(line)
        kind = type_of(fields)
        kinds[kind] += 1
        if kind in (messages.CLOUD, messages.ACCELERATOR, messages.IP):
            received[key(kind, fields)] = fields
    sent = collections.Counter()
    for message in messages.read(folder):
        for record in message.records:
            sent[record.type] += 1
            if record.type == messages.STORAGE:
                continue
            fields = received.get(key(record.type, record.fields))
            if fields is None:
                wrong.append(f"never received: {record}")
                continue
            for name, value in record.fields.items():
                # Names are ASCII in SSM, and complete here; no time is a second.
                if name in ("MachineName", "GlobalUserName", "LocalUserId"):
                    continue
                if name in ("WallDuration", "CpuDuration") and value == "1":
                    continue
                if not same(str(fields.get(name)), value):
                    wrong.append(f"{record}: {name} is {fields.get(name)!r}, and {value!r} in the message")
    for kind in messages.TYPES:
        if kinds[kind] != sent[kind]:
            wrong.append(f"{kinds[kind]} {kind} records received, {sent[kind]} in messages")
    for text in wrong[:20]:
        print(text)
    if wrong or not lines:
        sys.exit(f"{len(wrong)} differences, {len(lines)} lines")
    found = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    print(f"    {found}: as in the messages, {copies} of each")


if __name__ == "__main__":
    main()
