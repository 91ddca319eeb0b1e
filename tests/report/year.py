#!/usr/bin/env python3
"""A spool whose ledger has a synthetic year: year.py FOLDER [DAYS].

Four VOs with seasons, twelve projects, nine flavors, GPUs, volumes and energy; names that would be
code if they were not escaped; a week that nobody counted, and a day without a run.
"""

import datetime
import json
import math
import pathlib
import random
import sys

DAY = 86400
SCRIPT = "<script>document.title='broken'</script>"
VOS = ["vo.access.egi.eu", "fedcloud.egi.eu", "biomed", "training.egi.eu & co"]
FLAVORS = [("m1.tiny", 1), ("m1.small", 2), ("m1.medium", 4), ("m1.large", 8), ("m1.xlarge", 16), ("c2.32", 32),
           ("gpu.a100", 16), ("mem.big", 24), ("</svg>" + SCRIPT, 2)]


def main():
    spool = pathlib.Path(sys.argv[1])
    days = int(sys.argv[2]) if len(sys.argv) > 2 else 365
    ledger = spool / "caso-runs"
    ledger.mkdir(parents=True, exist_ok=True)
    chance = random.Random(17)
    projects = {f"{n:02x}" * 16: f"project-{n:02d}" for n in range(1, 13)}
    projects["0c" * 16] = SCRIPT
    today = int(datetime.datetime.now(datetime.timezone.utc).timestamp()) // DAY
    for day in range(today - days, today):
        number = day - (today - days)
        if number == days // 3:
            continue
        counted = not days // 2 <= number < days // 2 + 7
        start, end = day * DAY, (day + 1) * DAY
        nova, cinder, energy = {}, {}, {}
        for at, project in enumerate(projects):
            vo = VOS[at % len(VOS)]
            season = 1.2 + math.sin(number / 365 * 2 * math.pi + at) + chance.random() / 4
            servers = []
            for flavor, cpus in chance.sample(FLAVORS, 3):
                seconds = int(DAY * season * 3)
                row = {"day": day, "vo": vo, "flavor": flavor, "server_seconds": seconds, "cpu_seconds": cpus * seconds}
                if flavor.startswith("gpu"):
                    row["accelerator_seconds"] = seconds / 2
                servers.append(row)
            nova[project] = servers
            cinder[project] = [{"day": day, "vo": vo, "gib_seconds": DAY * (50 + number * (at + 1) / 10)}]
            energy[project] = [{"day": day, "vo": vo, "flavor": FLAVORS[at % 6][0], "watt_hours": 900 * season}]
        windows = []
        for extractor, used in (("nova", nova), ("cinder", cinder), ("prometheus", energy)):
            window = {"cloud": "default", "extractor": extractor, "window": {"start": start, "end": end},
                      "records": {project: 3 for project in used}}
            if counted:
                window |= {"used_from": start, "used": used}
            windows.append(window)
        run = {"format": 1, "version": "6.0.0", "began": end, "took_ms": 900, "exit": 0, "process": 1, "extracted": True,
               "requests": 65, "names": projects, "windows": windows}
        month = datetime.datetime.fromtimestamp(end, datetime.timezone.utc).strftime("%Y-%m")
        with open(ledger / f"{month}.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(run, separators=(",", ":")) + "\n")


main()
