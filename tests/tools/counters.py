#!/usr/bin/env python3
"""counters.py FOLDER --source gnocchi|ceilometer --reading used|largest --from FROM --to TO [--truth]

CpuDuration, NetworkInbound and NetworkOutbound of the cloud records in FOLDER
against the raw samples of the running part, read anew and one by one, which is
what caso-extract does not do: every value of the series that is kept longest
(Gnocchi), or every sample (Ceilometer's own API). What the two say must be the
same, and of servers without samples no record may have a network field.

With --truth (Gnocchi, TO after the last sample): also against what the seed
pushed, in parts/gnocchi/truth.json. Without it, increases are those of
parts/gnocchi/expected.json, which its own client made.
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import sys

import messages

PARTS = pathlib.Path(__file__).resolve().parent.parent / "openstack/parts"
sys.path.insert(0, str(PARTS))
from part import ask, log_in

GNOCCHI = "http://127.0.0.1:18041"
CEILOMETER = "http://127.0.0.1:18777"
METERS = {"cpu": "CpuDuration", "network.incoming.bytes": "NetworkInbound", "network.outgoing.bytes": "NetworkOutbound"}
UNITS = {"cpu": 10**9, "network.incoming.bytes": 2**30, "network.outgoing.bytes": 2**30}
BOUNDLESS = "1970-01-01T00:00:00"

# server -> meter -> values of each of its counters, in the order of time
Samples = dict[str, dict[str, list[list[float]]]]


def seconds(text: str) -> float:
    days, _, clock = text.rpartition(", ")
    hours, minutes, rest = clock.split(":")
    return (int(days.split()[0]) * 86400 if days else 0) + int(hours) * 3600 + int(minutes) * 60 + float(rest)


def of_gnocchi(project: str, start: str, stop: str) -> tuple[Samples, dict[str, str]]:
    """The samples, and each server's archive policy."""
    auth = log_in("accounting", {"project": {"id": project}})
    found: Samples = collections.defaultdict(lambda: collections.defaultdict(list))
    policies: dict[str, str] = {}
    for kind in ("instance", "instance_network_interface"):
        for resource in ask("POST", f"{GNOCCHI}/v1/search/resource/{kind}", auth, {"=": {"project_id": project}}):
            server = resource.get("instance_id") or resource["id"]
            for meter in METERS:
                if meter not in resource["metrics"]:
                    continue
                metric = f"{GNOCCHI}/v1/metric/{resource['metrics'][meter]}"
                policy = ask("GET", metric, auth)["archive_policy"]
                policies[server] = policy["name"]
                longest = max(policy["definition"], key=lambda line: seconds(line["timespan"]))
                query = {
                    "aggregation": "max" if "max" in policy["aggregation_methods"] else "mean",
                    "granularity": seconds(longest["granularity"]),
                    "stop": stop,
                }
                if start != BOUNDLESS:
                    query["start"] = start
                measures = ask("GET", metric + "/measures", auth, query=query)
                if measures:
                    found[server][meter].append([value for _, _, value in measures])
    return found, policies


def of_ceilometer(project: str, start: str, stop: str) -> Samples:
    auth = log_in("accounting", {"project": {"id": project}})
    found: Samples = collections.defaultdict(lambda: collections.defaultdict(list))
    for meter in METERS:
        query = []
        for field, operator, value in (
            ("project_id", "eq", project),
            ("timestamp", "ge", start),
            ("timestamp", "lt", stop),
        ):
            query += [("q.field", field), ("q.op", operator), ("q.value", value)]
        samples = ask("GET", f"{CEILOMETER}/v2/meters/{meter}", auth, query=[*query, ("limit", 1000000)])
        by_resource = collections.defaultdict(list)
        for sample in sorted(samples, key=lambda sample: sample["timestamp"]):
            server = sample["resource_metadata"].get("instance_id", sample["resource_id"])
            by_resource[server, sample["resource_id"]].append(sample["counter_volume"])
        for (server, _), values in by_resource.items():
            found[server][meter].append(values)
    return found


def used(values: list[float]) -> float:
    return values[0] + sum(b - a if b >= a else b for a, b in zip(values, values[1:], strict=False))


def say(problems: list[str], text: str) -> None:
    print("  " + text)
    problems.append(text)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--source", required=True)
    parser.add_argument("--reading", required=True)
    parser.add_argument("--from", dest="start", required=True)
    parser.add_argument("--to", dest="stop", required=True)
    parser.add_argument("--truth", action="store_true")
    options = parser.parse_args()
    start = BOUNDLESS if options.reading == "used" else options.start
    problems: list[str] = []

    records = [r for message in messages.read(options.folder) for r in message.records if r.type == messages.CLOUD]
    keys = collections.Counter(record.key for record in records)
    for key, count in keys.items():
        if count > 1:
            say(problems, f"{count} records of {key}")
    # Samples are of the window: only the record as of its end has what they add up to.
    records.sort(key=lambda record: messages.measured(record.fields))
    records = list({record.fields["VMUUID"]: record for record in records}.values())

    samples: Samples = {}
    policies: dict[str, str] = {}
    for project in {record.fields["LocalGroupId"] for record in records}:
        if options.source == "gnocchi":
            found, of_project = of_gnocchi(project, start, options.stop)
            policies |= of_project
        else:
            found = of_ceilometer(project, start, options.stop)
        samples |= found

    compared = 0
    for record in records:
        fields = record.fields
        known = samples.get(fields["VMUUID"], {})
        for meter, field in METERS.items():
            counters = known.get(meter)
            if not counters:
                # CpuDuration is then what Nova's records have.
                if meter != "cpu" and field in fields:
                    say(problems, f"{fields['MachineName']}: {field} {fields[field]} without a sample")
                continue
            if options.reading == "used":
                right = sum(used(values) for values in counters)
            else:
                right = max(max(values) for values in counters)
            right = max(int(right / UNITS[meter]), 1 if meter == "cpu" else 0)
            compared += 1
            if int(fields.get(field, -1)) != right:
                say(problems, f"{fields['MachineName']}: {field} is {fields.get(field)}, by its samples {right}")

    if options.source == "gnocchi" and options.reading == "used":
        compared += against_seed(problems, records, samples, policies, options.truth)
    print(f"{compared} values compared, {len(problems)} problems")
    return 1 if problems or compared < 6 else 0


def against_seed(problems, records, samples: Samples, policies, truth: bool) -> int:
    """Against what was pushed, or what the seed's own client makes of what is kept."""
    name = "truth.json" if truth else "expected.json"
    seeded = json.loads((PARTS / "gnocchi" / name).read_text())
    by_server = {entry["server"]: (machine, entry) for machine, entry in seeded.items()}
    compared = 0
    for record in records:
        server = record.fields["VMUUID"]
        if server not in by_server or server not in samples:
            continue
        machine, entry = by_server[server]
        for meter, field in METERS.items():
            counters = samples[server].get(meter)
            if not counters:
                continue
            reported = int(record.fields[field])
            above = 0.0
            if truth:
                pushed = [one for one in entry["metrics"] if one["metric"] == meter]
                right = sum(one["first"][1] + one["sum_of_increases"] for one in pushed) / UNITS[meter]
                # Means of an hour are half an hour behind.
                count = sum(one["samples"] for one in pushed)
                slack = right / (count / 12) if policies[server] == "ceilometer-high-rate" else 0
                # The seed's sum leaves out the first sample after a reset.
                above = 2 * right / count if any(one["reset_at"] for one in pushed) else 0.0
            else:
                key = {"cpu": "cpu_ns", "network.incoming.bytes": "in_bytes"}.get(meter, "out_bytes")
                lines = entry[key] if isinstance(entry[key], list) else [entry[key]]
                increase = sum(line["increase"] for line in lines)
                right = (sum(values[0] for values in counters) + increase) / UNITS[meter]
                # `last`, which that client prefers, lacks what `max` has of the hour of a reset.
                slack = -right / 100 if policies[server] == "accounting" else 0
            compared += 1
            low, high = sorted((right - slack, right))
            if not low - 1 <= reported <= high + above + 1:
                say(problems, f"{machine}: {field} is {reported}, by {name} {low:.0f} to {high:.0f}")
    return compared


if __name__ == "__main__":
    sys.exit(main())
