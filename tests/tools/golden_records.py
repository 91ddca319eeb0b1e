#!/usr/bin/env python3
"""What cASO itself makes of the records in tests/golden/records/facts.jsonl.

    golden_records.py                    with cASO 5.2.2 installed: 5.2.2.jsonl
    PYTHONPATH=caso-2.1.2 golden_records.py    with its source first: 2.1.2.jsonl

The facts are our own records, as the journal keeps them. Each becomes a record of
cASO's, and goes through cASO's own messenger `ssm` (of 2.1.2: `ssmv2`) into a queue
that keeps the messages; of 5.2.2 also through `model_dump_json`, which is what its
messenger `logstash` means to send. Writes a line for each record's JSON, and one for
each message. `--check` compares with what is there instead.

Numbers that a record of cASO's has no place for (network traffic) are none in the
facts; nor has any that hits one of cASO's defects.
"""

import datetime
import json
import os
import pathlib
import sys
import tempfile
import time

os.environ["TZ"] = "UTC"
time.tzset()

from caso import record  # noqa: E402
from caso.messenger import ssm  # noqa: E402

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "golden" / "records"
GIB = 1 << 30
OLD = hasattr(record.CloudRecord, "map")


def when(seconds):
    """As naive UTC, which cASO takes for local time."""
    if seconds is None:
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(tzinfo=None)


def attributes(facts):
    return {one["name"]: one["value"] for one in facts["head"]["attributes"]}


def common(facts):
    return {
        "site_name": facts["site_name"],
        "compute_service": facts["compute_service"],
        "cloud_type": facts["cloud_type"],
        "fqan": facts["fqan"],
        "user_dn": facts["global_user_name"],
    }


def cloud(facts):
    shared = common(facts)
    benchmark = (facts["benchmarks"] or [{"name": None, "value": None}])[0]
    if OLD:
        shared["site"] = shared.pop("site_name")
    made = record.CloudRecord(
        start_time=when(facts["start"]),
        end_time=when(facts["end"]),
        uuid=facts["vm_uuid"],
        name=facts["machine_name"],
        user_id=facts["local_user_id"],
        group_id=facts["local_group_id"],
        status=facts["status"],
        image_id=facts["image_id"],
        public_ip_count=facts["public_ip_count"],
        cpu_count=facts["cpu_count"],
        memory=facts["memory_mib"],
        disk=facts["disk_gib"],
        benchmark_value=benchmark["value"],
        benchmark_type=benchmark["name"],
        **shared,
    )
    made.wall_duration = facts["wall_seconds"]
    made.cpu_duration = facts["cpu_seconds"]
    return made


def ip(facts):
    return record.IPRecord(
        measure_time=when(facts["head"]["measured_at"]),
        uuid=attributes(facts)["uuid"],
        user_id=facts["local_user"],
        group_id=facts["local_group"],
        ip_version=facts["ip_version"],
        public_ip_count=facts["ip_count"],
        **common(facts),
    )


def accelerator(facts):
    made = record.AcceleratorRecord(
        uuid=facts["associated_record"],
        count=facts["count"],
        available_duration=facts["available_seconds"],
        measurement_month=facts["month"],
        measurement_year=facts["year"],
        associated_record_type=facts["associated_record_type"],
        accelerator_type=facts["accelerator_type"],
        cores=facts["cores"],
        model=facts["model"],
        **common(facts),
    )
    made.active_duration = facts["active_seconds"]
    return made


def storage(facts):
    more = attributes(facts)
    made = record.StorageRecord(
        start_time=when(facts["start"]),
        measure_time=when(facts["create_time"]),
        volume_creation=when(int(more["created"])),
        uuid=facts["resource_id"],
        site_name=facts["site_name"],
        compute_service=facts["storage_system"],
        cloud_type=facts["cloud_type"],
        name=more["name"],
        user_id=facts["local_user"],
        user_dn=facts["user_identity"],
        group_id=facts["local_group"],
        fqan=facts["group"],
        active_duration=facts["end"] - facts["start"],
        status=more["status"],
        capacity=facts["capacity_bytes"] // GIB,
    )
    if "attached-to" in more:
        made.attached_to = more["attached-to"]
        made.attached_duration = float(more["attached-seconds"])
    return made


def energy(facts):
    zulu = "%Y-%m-%dT%H:%M:%SZ"
    return record.EnergyRecord(
        exec_unit_id=facts["exec_unit_id"],
        site_name=facts["site_name"],
        compute_service=facts["compute_service"],
        cloud_type=facts["cloud_type"],
        start_exec_time=when(facts["start"]).strftime(zulu),
        end_exec_time=when(facts["end"]).strftime(zulu),
        energy_wh=facts["watt_hours"],
        work=facts["work"],
        efficiency=facts["efficiency"],
        wall_clock_time_s=facts["wall_seconds"],
        cpu_duration_s=facts["cpu_seconds"],
        suspend_duration_s=facts["suspend_seconds"],
        cpu_normalization_factor=facts["cpu_normalization_factor"],
        exec_unit_finished=int(facts["finished"]),
        status=facts["status"],
        owner=facts["owner"],
    )


MAKERS = {"Cloud": cloud}
if not OLD:
    MAKERS |= {
        "Ip": ip,
        "Accelerator": accelerator,
        "Storage": storage,
        "Energy": energy,
    }


class Queue:
    """In the place of dirq's."""

    def __init__(self):
        self.messages = []

    def add(self, message):
        self.messages.append(message.decode() if isinstance(message, bytes) else message)


def sent(records):
    """The messages that cASO's messenger makes of them."""
    queue = Queue()
    with tempfile.TemporaryDirectory() as folder:
        ssm.CONF.set_override("output_path", folder, group="ssm")
        if OLD:
            ssm.dirq.QueueSimple.QueueSimple = lambda _: queue
            messenger = ssm.SSMMessengerV02()
            messenger.push(dict(enumerate(records)))
        else:
            messenger = ssm.SSMMessenger()
            messenger.queue = queue
            messenger.push(records)
    return queue.messages


def main():
    lines = []
    records = []
    for line in (FOLDER / "facts.jsonl").read_text(encoding="utf-8").splitlines():
        facts = json.loads(line)
        ((kind, content),) = facts["record"].items()
        if kind not in MAKERS:
            continue
        made = MAKERS[kind](content)
        if not OLD:
            text = made.model_dump_json(by_alias=True, exclude_none=True)
            lines.append({"name": facts["name"], "json": text})
        if kind != "Energy":
            records.append(made)
    lines.extend({"message": message} for message in sent(records))
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path = FOLDER / ("2.1.2.jsonl" if OLD else "5.2.2.jsonl")
    if "--check" in sys.argv:
        if path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path} is not what this cASO makes of the facts")
        print(f"{path.name}: {len(lines)} lines, as before")
    else:
        path.write_text(text, encoding="utf-8")
        print(f"{path}: {len(lines)} lines")


if __name__ == "__main__":
    main()
