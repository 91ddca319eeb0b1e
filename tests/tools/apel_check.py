#!/usr/bin/env python3
"""apel_check.py FOLDER...: would APEL's loader take every message?

APEL's parser (github.com/apel/apel) is on neither PyPI nor in Debian, so its
grammar is stated here again, from `apel/db/loader/record_factory.py`,
`apel/db/records/record.py`, `cloud.py` and `storage.py` of release 2.5.0, with
the column widths of `schemas/*.sql` in MySQL's strict mode; the JSON types
follow the consumers under review (pull requests 226 and 459), in what they
share with the messages cASO sends today. One bad record refuses the whole
message, as it does there.
"""

from __future__ import annotations

import datetime
import json
import pathlib
import re
import sys
import xml.dom.minidom

import messages

MANDATORY = {"VMUUID", "SiteName"}
INTEGERS = {
    "SuspendDuration", "WallDuration", "CpuDuration", "NetworkInbound",
    "NetworkOutbound", "PublicIPCount", "Memory", "Disk",
}  # fmt: skip
FLOATS = {"Benchmark", "CpuCount"}
TIMES = {"RecordCreateTime", "StartTime", "EndTime"}
STRINGS = {
    "VMUUID": 255, "SiteName": 255, "CloudComputeService": 255, "MachineName": 255,
    "LocalUserId": 255, "LocalGroupId": 255, "GlobalUserName": 255, "FQAN": 255,
    "Status": 255, "NetworkType": 255, "BenchmarkType": 50, "StorageRecordId": 255,
    "ImageId": 255, "CloudType": 255,
}  # fmt: skip
IGNORED = {"UpdateTime", "MeasurementTime", "MeasurementMonth", "MeasurementYear"}
BIGINT = 2**63


class Refused(Exception):
    """The loader would put the message into its reject folder."""


def is_null(value: str) -> bool:
    return value.lower() in ("none", "null", "")


def check(raw: bytes) -> int:
    """The number of records the loader would take from the message."""
    text = raw.decode("utf-8").strip()
    if text.startswith("<"):
        return star(text)
    if text.startswith("{"):
        return structured(text)
    header, _, body = text.partition("\n")
    if ":" not in header:
        raise Refused(f"no header: {header!r}")
    if header.split(":")[0].strip() != "APEL-cloud-message":
        raise Refused(f"message type {header!r} not recognised")
    # Anywhere, not only on a line of its own: a name with %% in it breaks here.
    chunks = [chunk for chunk in body.strip().split("%%") if chunk.strip()]
    for chunk in chunks:
        cloud(chunk)
    return len(chunks)


def cloud(chunk: str) -> None:
    fields = {}
    # splitlines also splits at vertical tabs, NEL and the Unicode separators.
    for line in chunk.strip().splitlines():
        name, colon, value = line.partition(":")
        if not colon:
            raise Refused(f"a line without a key: {line!r}")
        name, value = name.strip(), value.strip()
        known = name in STRINGS or name in INTEGERS | FLOATS | TIMES | {"VO", "VOGroup", "VORole"}
        if not known and name not in IGNORED:
            raise Refused(f"unknown field {name!r}")
        fields[name] = value
        if name in MANDATORY and is_null(value):
            raise Refused(f"null in the mandatory field {name}")
        if not is_null(value):
            field(name, value)
    if missing := MANDATORY - fields.keys():
        raise Refused(f"mandatory fields missing: {sorted(missing)}")
    # What the loader takes but the tables then get wrong.
    for name in ("WallDuration", "CpuDuration", "Memory", "Disk"):
        if int(fields.get(name, 0)) < 0:
            raise Refused(f"{name} is negative: {fields[name]}")
    if fields.get("Status", "").lower() == "completed" and int(fields.get("EndTime") or 0) == 0:
        raise Refused("completed without EndTime: counted in no month")


def field(name: str, value: str) -> None:
    if name in INTEGERS:
        if not re.fullmatch(r"[+-]?\d+", value) or abs(int(value)) >= BIGINT:
            raise Refused(f"{name} is no integer: {value!r}")
    elif name in FLOATS:
        try:
            if not 0 <= float(value) < 10**7:
                raise Refused(f"{name} is out of its column: {value!r}")
        except ValueError as error:
            raise Refused(f"{name} is no number: {value!r}") from error
    elif name in TIMES:
        if not re.fullmatch(r"\d+", value):
            try:
                datetime.datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ")
            except ValueError as error:
                raise Refused(f"{name} is no time: {value!r}") from error
    elif len(value) > STRINGS.get(name, 255):
        raise Refused(f"{name} is longer than its column: {len(value)} characters")


def structured(text: str) -> int:
    message = json.loads(text)
    records = message.get("UsageRecords")
    if not isinstance(records, list) or not 1 <= len(records) <= 1000:
        raise Refused("not 1 to 1000 UsageRecords")
    kind = f"{message.get('Type')}: {message.get('Version')}"
    # The two texts by which the router at APEL sends JSON on.
    if kind == "APEL-accelerator-message: 0.1":
        for record in records:
            accelerator(record)
    elif kind == "APEL Public IP message: 0.2":
        for record in records:
            public_ip(record)
    elif kind == "APEL Public IP message: v0.2":
        # The draft's own spelling, in which its schema holds to the letter.
        seen = set()
        for record in records:
            public_ip_of_the_draft(record, seen)
    else:
        raise Refused(f"the router knows no {kind!r}")
    return len(records)


def required(record: dict, names: dict) -> None:
    for name, kind in names.items():
        if name not in record:
            raise Refused(f"{name} is required")
        # In JSON Schema true is no number; in Python it is an int.
        if not isinstance(record[name], kind) or isinstance(record[name], bool):
            raise Refused(f"{name} is {record[name]!r}")


def accelerator(record: dict) -> None:
    mandatory = {
        "MeasurementMonth": int, "MeasurementYear": int, "AssociatedRecordType": str,
        "AssociatedRecord": str, "FQAN": str, "SiteName": str, "Count": (int, float),
        "AvailableDuration": int, "Type": str,
    }  # fmt: skip
    required(record, mandatory)
    optional = {"GlobalUserName", "Cores", "ActiveDuration", "BenchmarkType", "Benchmark", "Model",
                "CloudType", "CloudComputeService"}  # fmt: skip
    if unknown := record.keys() - mandatory.keys() - optional:
        raise Refused(f"unknown fields {sorted(unknown)}")
    if not 1 <= record["MeasurementMonth"] <= 12 or not 2000 <= record["MeasurementYear"] <= datetime.date.today().year:
        raise Refused(f"no such month: {record['MeasurementMonth']}/{record['MeasurementYear']}")
    if record["AssociatedRecordType"] not in ("cloud", "job"):
        raise Refused(f"AssociatedRecordType {record['AssociatedRecordType']!r}")
    if record["Type"] not in ("GPU", "FPGA", "Other"):
        raise Refused(f"Type {record['Type']!r}")
    if record["AvailableDuration"] <= 0:
        raise Refused(f"AvailableDuration {record['AvailableDuration']}")


def public_ip(record: dict) -> None:
    # LocalUser and GlobalUserName, which the specification wants, are not in
    # what cASO 5.2.2 sends; its shape is what is kept.
    required(record, {
        "MeasurementTime": int, "SiteName": str, "CloudType": str, "LocalGroup": str,
        "FQAN": str, "IPVersion": int, "IPCount": int,
    })  # fmt: skip
    if record["IPVersion"] not in (4, 6):
        raise Refused(f"IPVersion {record['IPVersion']}")


def public_ip_of_the_draft(record: dict, seen: set) -> None:
    names = {
        "MeasurementTime": int, "SiteName": str, "CloudType": str, "LocalUser": str,
        "LocalGroup": str, "GlobalUserName": str, "FQAN": str, "IPVersion": int, "IPCount": int,
    }  # fmt: skip
    required(record, names)
    if unknown := record.keys() - names.keys() - {"CloudComputeService"}:
        raise Refused(f"unknown fields {sorted(unknown)}")
    public_ip(record)
    month = datetime.datetime.fromtimestamp(record["MeasurementTime"], datetime.UTC)
    columns = ("SiteName", "CloudComputeService", "GlobalUserName", "IPVersion")
    key = (*(record.get(name) for name in columns), month.year, month.month)
    if key in seen:
        raise Refused(f"two records of one key, of which the last would stay: {key}")
    seen.add(key)


def star(text: str) -> int:
    document = xml.dom.minidom.parseString(text)
    if document.documentElement.namespaceURI != messages.STAR:
        raise Refused(f"XML namespace {document.documentElement.namespaceURI!r}")
    records = document.getElementsByTagNameNS(messages.STAR, "StorageUsageRecord")
    ids = set()
    for record in records:

        def content(name: str, record=record) -> str | None:
            found = record.getElementsByTagNameNS(messages.STAR, name)
            return "".join(node.data for node in found[0].childNodes) if found else None

        identity = record.getElementsByTagNameNS(messages.STAR, "RecordIdentity")
        for name in ("recordId", "createTime"):
            if not identity or not identity[0].getAttributeNS(messages.STAR, name):
                raise Refused(f"no {name} in the namespace of the record")
        record_id = identity[0].getAttributeNS(messages.STAR, "recordId")
        if record_id in ids or len(record_id) > 255:
            raise Refused(f"recordId {record_id!r} is there twice or too long")
        ids.add(record_id)
        for name in ("StorageSystem", "StartTime", "EndTime", "ResourceCapacityUsed"):
            if content(name) is None:
                raise Refused(f"no {name}")
        for name in ("FileCount", "ResourceCapacityUsed", "LogicalCapacityUsed", "ResourceCapacityAllocated"):
            value = content(name)
            if value is not None and (not re.fullmatch(r"\d+", value) or int(value) >= BIGINT):
                raise Refused(f"{name} is no integer: {value!r}")
        for name in ("StorageSystem", "Site", "StorageShare", "StorageMedia", "StorageClass", "DirectoryPath",
                     "LocalUser", "LocalGroup", "UserIdentity", "Group"):  # fmt: skip
            if len(content(name) or "") > 255:
                raise Refused(f"{name} is longer than its column")
        for group in record.getElementsByTagNameNS(messages.STAR, "GroupAttribute"):
            if group.getAttributeNS(messages.STAR, "attributeType") not in ("subgroup", "role"):
                raise Refused("GroupAttribute without its attributeType")
        times = {}
        created = identity[0].getAttributeNS(messages.STAR, "createTime")
        for name, value in (("createTime", created), *((n, content(n)) for n in ("StartTime", "EndTime"))):
            try:
                times[name] = datetime.datetime.fromisoformat(value)
            except ValueError as error:
                raise Refused(f"{name} is no time: {value!r}") from error
            # Without a zone it is taken for UTC, which is what it is.
            if times[name].tzinfo is not None:
                raise Refused(f"{name} has a zone: {value!r}")
        # What the loader takes but no capacity can be held for.
        if times["EndTime"] <= times["StartTime"]:
            raise Refused(f"EndTime {times['EndTime']} does not lie after StartTime {times['StartTime']}")
    return len(records)


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    refused = total = records = 0
    for folder in map(pathlib.Path, sys.argv[1:]):
        for path in messages.files(folder):
            total += 1
            try:
                count = check(path.read_bytes())
                if count == 0:
                    raise Refused("no record in it")
                records += count
            except (Refused, ValueError) as error:
                refused += 1
                print(f"{path}: APEL would refuse it: {error}")
    print(f"APEL takes {total - refused} of {total} messages, {records} records")
    return 1 if refused or total == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
