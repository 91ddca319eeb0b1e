#!/usr/bin/env python3
"""What power the bed's servers draw, as samples and as the energy that they come to.

    seed.py samples IDS.json        OpenMetrics text with times, for promtool
    seed.py truth IDS.json FROM TO STEP
                                    JSON: watt hours of each server in (FROM, TO]

Samples are Scaphandre's power of a process as it comes to Prometheus with a
label for the VM's uuid: microwatts, deterministic, every awkward kind once. The
truth is computed from the readings themselves, before anything is scraped: each
stands for the interval before it, however many saw it. `slack` is what one cannot
know who has but the samples: how long the interval was before the first of them, or
the first after a gap, where it is not the STEP that the configuration says.
"""

import datetime
import json
import math
import sys


def epoch(text):
    """Of a date, or a date and a time, of UTC."""
    text += "" if "T" in text else "T00:00:00"
    return int(datetime.datetime.fromisoformat(text + "+00:00").timestamp())


POWER = "scaph_process_power_microwatts"
CPU = "scaph_process_cpu_usage_percentage"
BEGIN, END = epoch("2026-11-10T00:00:00"), epoch("2026-11-12T00:00:00")
NAN, INFINITE = float("nan"), float("inf")


def series(microwatts, begin=BEGIN, end=END, every=30, late=0, gaps=(), odd=None, kind=POWER, **labels):
    """One series: both ends included, `late` seconds behind the round times, but for the gaps."""
    gaps = [(epoch(a), epoch(b)) for a, b in gaps]
    odd = {epoch(at): value for at, value in (odd or {}).items()}
    readings = []
    for number, time in enumerate(range(begin, end + 1, every)):
        if any(a <= time < b for a, b in gaps):
            continue
        wave = number % 7 * 100_000 if microwatts > 1000 else 0
        readings.append((time + late, odd.get(time, microwatts + wave)))
    return {"kind": kind, "labels": labels, "every": every, "readings": readings}


CASES = {
    "active-old": [series(45_000_000)],
    # Sampled beside the round half minutes.
    "active-in": [series(30_000_000, late=7)],
    "rebooting": [
        series(
            25_000_000,
            gaps=[
                ("2026-11-10T10:00:00", "2026-11-10T16:00:00"),
                ("2026-11-11T03:00:00", "2026-11-11T03:04:00"),
                ("2026-11-11T05:00:00", "2026-11-11T05:10:00"),
            ],
        )
    ],
    # Scraped by two servers.
    "gpu-active": [series(120_000_000, replica="a"), series(120_000_000, late=3, replica="b")],
    "private-flavor": [
        series(
            10_000_000,
            odd={"2026-11-10T06:00:00": NAN, "2026-11-10T06:00:30": NAN, "2026-11-11T12:00:00": NAN},
        )
    ],
    'odd: name=100% "q"': [series(11_000_000, odd={"2026-11-10T06:00:00": INFINITE})],
    "shutoff": [series(0)],
    # Half as many samples as the step asks for.
    "suspended": [series(12_000_000, every=60)],
    # Moved to another host.
    "paused": [
        series(14_000_000, end=epoch("2026-11-11T00:00:00"), instance="compute-1:9103"),
        series(14_000_000, begin=epoch("2026-11-11T00:00:30"), instance="compute-2:9103"),
    ],
    # 17281 samples.
    "resized": [series(16_000_000, begin=epoch("2026-11-08T00:00:00"), end=epoch("2026-11-14T00:00:00"))],
    # Deleted in Nova on the 18th.
    "deleted-after": [series(9_000_000, end=epoch("2026-11-10T12:00:00"))],
    # Samples that come weeks after the server's end.
    "deleted-in": [series(9_500_000, end=epoch("2026-11-10T01:00:00"))],
    # Not the series that is asked for.
    "máquina-ñandú-☃": [series(50_000_000, kind="scaph_host_power_microwatts")],
    # Of another project.
    "two-active": [series(21_000_000)],
}

# When Nova says that they ended (bed/seed_nova.py).
ENDED = {"deleted-in": epoch("2026-10-20T12:34:56")}
# Two that see the same: one of them is the truth.
TWICE = {"gpu-active"}


def samples(servers):
    lines = []
    for name, its in CASES.items():
        extra = [] if its[0]["kind"] != POWER else [series(3, every=300, kind=CPU)]
        for one in its + extra:
            labels = {
                "instance": "compute-1:9103",
                "job": "collectd",
                "type_instance": one["kind"],
                "uuid": servers[name],
            }
            labels.update(one["labels"])
            text = ",".join('%s="%s"' % pair for pair in sorted(labels.items()))
            for time, value in one["readings"]:
                spelled = "NaN" if math.isnan(value) else "+Inf" if math.isinf(value) else value
                lines.append(f"prometheus_value{{{text}}} {spelled} {time}")
    print("# TYPE prometheus_value gauge")
    print("# HELP prometheus_value Power of a process, in microwatts.")
    print("\n".join(lines))
    print("# EOF")


def truth(servers, begin, end, step):
    found = {}
    for name, its in CASES.items():
        its = [one for one in its if one["kind"] == POWER]
        if name in TWICE:
            its = its[:1]
        energy, slack, number, last = 0, 0, 0, -math.inf
        for one in its:
            for time, value in one["readings"]:
                if begin < time <= min(end, ENDED.get(name, end)):
                    number += 1
                    if math.isfinite(value):
                        energy += value * one["every"]
                        if time - last > 4 * step:
                            slack += value * abs(one["every"] - step)
                last = time
        if number:
            found[servers[name]] = {
                "name": name,
                "samples": number,
                "watt_hours": energy / 3.6e9,
                "slack": slack / 3.6e9,
            }
    json.dump(found, sys.stdout, indent=1, ensure_ascii=False)


if __name__ == "__main__":
    command, ids, *span = sys.argv[1:]
    known = json.load(open(ids))["servers"]
    if command == "samples":
        samples(known)
    else:
        truth(known, epoch(span[0]), epoch(span[1]), int(span[2]))
