"""SSM messages as files: found, taken apart into records, and keyed as APEL keys them.

A folder is either a dirq spool (eight hexadecimal digits / fourteen), read in
the order in which ssmsend would send it, or a folder of recorded messages
named NN.msg. Everything else in it is not a message.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import pathlib
import re
import xml.etree.ElementTree as ET

CLOUD = "cloud"
ACCELERATOR = "accelerator"
IP = "ip"
STORAGE = "storage"
TYPES = (CLOUD, IP, ACCELERATOR, STORAGE)

STAR = "http://eu-emi.eu/namespaces/2011/02/storagerecord"
# What depends on the moment a record was made, or is random: its form can be checked,
# its value cannot be compared.
VOLATILE = {
    IP: {"uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "MeasurementTime": r"\d{10}"},
    STORAGE: {"createTime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?"},
}
JSON_TYPES = {"APEL-accelerator-message": ACCELERATOR, "APEL Public IP message": IP}

_DIRECTORY = re.compile(r"^[0-9a-f]{8}$")
_ELEMENT = re.compile(r"^[0-9a-f]{14}$")


class BadMessage(Exception):
    """A file that is no message of a type we know."""


def measured(fields: dict[str, str]) -> int:
    """A cloud record's measurement time, in epoch seconds, as APEL's database computes it."""
    if created := fields.get("RecordCreateTime"):
        return int(created)
    if fields.get("Status", "").lower() == "completed":
        return int(fields.get("EndTime") or 0)
    return sum(int(fields.get(name) or 0) for name in ("StartTime", "SuspendDuration", "WallDuration"))


@dataclasses.dataclass
class Record:
    """One record: its type, its lines as sent, and its fields."""

    type: str
    fields: dict[str, str]
    lines: list[str]
    message: str

    @property
    def key(self) -> tuple[str, ...]:
        """What stays the same when the same thing is reported again.

        A server has a record for each month (`schemas/cloud.sql`). An IP
        record's uuid is random, and a storage record's id need not be the
        volume's, so neither is a key here.
        """
        if self.type == CLOUD:
            month = datetime.datetime.fromtimestamp(measured(self.fields), datetime.UTC)
            return (CLOUD, self.fields.get("VMUUID", ""), f"{month:%Y-%m}")
        names = {
            ACCELERATOR: ("AssociatedRecord", "MeasurementYear", "MeasurementMonth", "Model"),
            IP: ("SiteName", "LocalGroup", "FQAN", "IPVersion"),
            STORAGE: ("recordId",),
        }[self.type]
        return (self.type, *(self.fields.get(name, "") for name in names))

    def steady(self) -> list[str]:
        """The lines, without what is volatile."""
        volatile = VOLATILE.get(self.type, {})
        return [line for line in self.lines if line.partition(": ")[0].strip('"') not in volatile]

    def __str__(self) -> str:
        name = self.fields.get("MachineName", "")
        return " ".join(filter(None, [*self.key, f"`{name}`" if name else ""]))


@dataclasses.dataclass
class Message:
    """One file of the spool."""

    name: str
    raw: bytes
    type: str
    records: list[Record]


def files(folder: pathlib.Path) -> list[pathlib.Path]:
    """The message files of a folder, in the order of sending."""
    if not folder.is_dir():
        raise SystemExit(f"`{folder}` is not a folder")
    spooled = [
        path
        for path in folder.rglob("*")
        if path.is_file() and _ELEMENT.match(path.name) and _DIRECTORY.match(path.parent.name)
    ]
    recorded = [path for path in folder.glob("*.msg") if path.is_file()]
    return sorted(spooled, key=lambda path: (path.parent.name, path.name)) + sorted(recorded)


def read(folder: pathlib.Path) -> list[Message]:
    """All messages of a folder."""
    return [parse(str(path.relative_to(folder)), path.read_bytes()) for path in files(folder)]


def parse(name: str, raw: bytes) -> Message:
    """Takes one message apart; refuses what is no message."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadMessage(f"{name}: not UTF-8: {error}") from error
    if text.startswith("APEL-cloud-message:"):
        kind, records = CLOUD, list(_cloud(text, name))
    elif text.startswith("{"):
        kind, records = _json(text, name)
    elif text.startswith("<"):
        kind, records = STORAGE, list(_star(text, name))
    else:
        raise BadMessage(f"{name}: begins with {text[:40]!r}")
    return Message(name, raw, kind, records)


def _cloud(text: str, name: str):
    _, _, body = text.partition("\n")
    for chunk in body.split("\n%%\n"):
        lines = chunk.strip("\n").split("\n")
        fields = {}
        for line in lines:
            field, colon, value = line.partition(": ")
            if not colon:
                raise BadMessage(f"{name}: no field in the line {line!r}")
            fields[field] = value
        yield Record(CLOUD, fields, lines, name)


def _json(text: str, name: str):
    message = json.loads(text)
    kind = JSON_TYPES.get(message.get("Type"))
    if kind is None:
        raise BadMessage(f"{name}: of the type {message.get('Type')!r}")
    records = []
    for record in message["UsageRecords"]:
        fields = {field: str(value) for field, value in record.items()}
        # Each as JSON has it, so that 2 and "2" differ.
        lines = [f"{json.dumps(field)}: {json.dumps(value)}" for field, value in record.items()]
        records.append(Record(kind, fields, lines, name))
    return kind, records


def _star(text: str, name: str):
    for element in ET.fromstring(text).iter(f"{{{STAR}}}StorageUsageRecord"):
        fields = {}
        for child in element.iter():
            tag = child.tag.partition("}")[2]
            if tag == "RecordIdentity":
                for attribute, value in child.attrib.items():
                    fields[attribute.partition("}")[2]] = value
            elif child.text:
                fields[tag] = child.text
        lines = [f"{field}: {value}" for field, value in fields.items()]
        yield Record(STORAGE, fields, lines, name)


def canonical(message: Message) -> bytes | None:
    """The message written again from its records, as cASO 5.2.2 writes it.

    Storage as Python's ElementTree writes it: the same elements, other spacing
    and other escapes show.
    """
    if message.type == CLOUD:
        body = "\n%%\n".join("\n".join(record.lines) for record in message.records)
        return f"APEL-cloud-message: v0.4\n{body}\n".encode()
    if message.type in (IP, ACCELERATOR):
        return json.dumps(json.loads(message.raw)).encode()
    if message.type == STORAGE:
        ET.register_namespace("sr", STAR)
        return ET.tostring(ET.fromstring(message.raw))
    return None
