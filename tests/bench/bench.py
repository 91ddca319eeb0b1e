#!/usr/bin/env python3
"""bench.py: cASO 5.2.2 and ours on the same synthetic cloud.

    python3 tests/bench/bench.py --caso VENV/bin/caso-extract --ours target/release/caso-extract \\
        --cloud target/release/stand-in-cloud [--check] [PROJECTSxSERVERS ...]

Both run the first accounting of October's and half of November's use, one
after the other, with a spool of their own, from the same configuration, under
TZ=UTC (cASO's times follow the machine's zone). Ours runs twice, because the
first run on a machine compiles the components; the second is what cron sees.
Requests are counted by the cloud; wall, CPU and peak memory are the kernel's
account of the child (wait4). Two thirds of the servers run unchanged, so that
the usage call alone knows them; the others were deleted in the window. Of the
former ours has one record more, as of October's end.

--check makes the exit code 1 unless ours has records of all servers, under 1 % of cASO's
requests and a peak under 64 MB, with hardly more for ten times the servers.
--fast adds that it is 50 times as fast, which holds for a release build.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import messages  # noqa: E402
import stand_in  # noqa: E402

WINDOW = ["--extract-from", "2026-10-01", "--extract-to", "2026-11-16"]
MEMORY_LIMIT = 64 * 1_000_000
# Below this, a cloud of ten times the size took hardly more.
GROWTH_LIMIT = 1.5

# Linux counts the memory of the process that forked into the peak of what is then
# executed, so that process must be small: an interpreter with nothing loaded is
# smaller than either program.
STARTER = """
import json, os, sys, time
began = time.monotonic()
child = os.fork()
if child == 0:
    os.dup2(1, 2)
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
wall = time.monotonic() - began
json.dump([os.waitstatus_to_exitcode(status), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss], sys.stderr)
"""


@dataclasses.dataclass
class Measure:
    """One run of one program."""

    requests: int
    wall: float
    cpu: float
    peak: int
    records: int
    servers: int
    kinds: dict[str, int]


def run(program: str, cloud: stand_in.Cloud, cache: pathlib.Path | None) -> Measure:
    """One run, measured, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="caso-bench-") as scratch:
        folder = pathlib.Path(scratch) / "site"
        (folder / "spool").mkdir(parents=True)
        # One caso.conf for both; ours has a cache besides.
        options = {"cache_dir": cache} if cache else {}
        conf = stand_in.write(folder, stand_in.site(folder, cloud.url, **options))
        cloud.counts()
        with (folder / "output").open("w") as output:
            environment = {"TZ": "UTC", "PATH": os.environ["PATH"], "HOME": scratch, "LANG": "C.UTF-8"}
            starter = subprocess.run(
                [sys.executable, "-IS", "-c", STARTER, program, "--config-file", str(conf), *WINDOW],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE,
                env=environment,
                text=True,
                check=True,
            )
        code, wall, cpu, peak = json.loads(starter.stderr)
        if code != 0:
            print((folder / "output").read_text()[-4000:])
            raise SystemExit(f"`{program}` ended with {code}")
        counted = cloud.counts()
        records = [record for m in messages.read(folder / "ssm") if m.type == messages.CLOUD for record in m.records]
        return Measure(
            requests=counted["total"],
            wall=wall,
            cpu=cpu,
            peak=peak * 1024,
            records=len(records),
            servers=len({record.fields["VMUUID"] for record in records}),
            kinds=counted["kinds"],
        )


def line(name: str, measure: Measure) -> str:
    """One row of the table."""
    return (
        f"  {name:<16}{measure.requests:>9}{measure.wall:>10.2f}{measure.cpu:>10.2f}"
        f"{measure.peak / 1e6:>10.1f}{measure.records:>10}"
    )


def times(larger: float, smaller: float) -> str:
    """By how much."""
    return f"{larger / smaller:.1f}x" if smaller else "-"


def compare(args, projects: int, servers: int, cache: pathlib.Path) -> tuple[Measure, list[str]]:
    """One cloud, both programs; ours warm, and what --check objects to."""
    print(f"{projects} projects of {servers} servers{f', {args.latency} ms an answer' if args.latency else ''}")
    print(f"  {'':<16}{'requests':>9}{'wall s':>10}{'CPU s':>10}{'peak MB':>10}{'records':>10}")
    with stand_in.Cloud(args.cloud, projects, servers, args.latency) as cloud:
        caso = run(args.caso, cloud, None)
        print(line("cASO 5.2.2", caso), flush=True)
        print(line("ours, first run", run(args.ours, cloud, cache)), flush=True)
        ours = run(args.ours, cloud, cache)
        print(line("ours", ours), flush=True)
    print(
        f"  {'ratio':<16}{ours.requests / caso.requests:>9.2%}{times(caso.wall, ours.wall):>10}"
        f"{times(caso.cpu, ours.cpu):>10}{times(caso.peak, ours.peak):>10}"
    )
    if args.verbose:
        for kind in sorted(caso.kinds | ours.kinds):
            print(f"    {caso.kinds.get(kind, 0):>7}{ours.kinds.get(kind, 0):>7}  {kind}")
    complaints = []
    name = f"{projects}x{servers}"
    if ours.servers != projects * servers:
        complaints.append(f"{name}: records of {ours.servers} servers of {projects * servers}")
    if ours.peak > MEMORY_LIMIT:
        complaints.append(f"{name}: a peak of {ours.peak / 1e6:.1f} MB")
    # The share is about a site of some size; a small one has its few fixed requests.
    if projects * servers >= 10_000 and projects > 1:
        if ours.requests >= caso.requests / 100:
            complaints.append(f"{name}: {ours.requests} requests beside {caso.requests}")
        if args.fast and ours.wall > caso.wall / 50:
            complaints.append(f"{name}: {times(caso.wall, ours.wall)} as fast, not 50")
    return ours, complaints


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--caso", required=True)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--cloud", required=True)
    parser.add_argument("--latency", type=int, default=0, help="milliseconds that every answer takes")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="also the requests by kind")
    parser.add_argument("clouds", nargs="*", default=["10x1000", "1x1000", "1x10000"])
    args = parser.parse_args()

    complaints, single = [], {}
    with tempfile.TemporaryDirectory(prefix="caso-bench-cache-") as cache:
        for cloud in args.clouds:
            projects, servers = (int(part) for part in cloud.split("x"))
            ours, found = compare(args, projects, servers, pathlib.Path(cache))
            complaints += found
            if projects == 1:
                single[servers] = ours.peak
    for servers, peak in single.items():
        tenfold = single.get(10 * servers)
        if tenfold is None:
            continue
        print(f"peak of {10 * servers} servers in a project: {tenfold / peak:.2f} of that of {servers}")
        if tenfold > GROWTH_LIMIT * peak:
            complaints.append(f"{10 * servers} servers take {tenfold / peak:.2f} times the memory of {servers}")
    for complaint in complaints:
        print(f"wrong: {complaint}")
    return 1 if args.check and complaints else 0


if __name__ == "__main__":
    sys.exit(main())
