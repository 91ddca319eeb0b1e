#!/usr/bin/env python3
"""bench.py: counts and times of ours, of the floor and of cASO 5.2.2, on the same synthetic cloud.

    python3 tests/bench/bench.py --caso VENV/bin/caso-extract --ours target/release/caso-extract \\
        --cloud target/release/stand-in-cloud --floor target/release/floor [--check] [PROJECTSxSERVERS ...]

Both run the first accounting of October's and half of November's use, one
after the other, with a spool of their own, from the same configuration, under
TZ=UTC (cASO's times follow the machine's zone). Ours runs twice, because the
first run on a machine compiles the components; the second is what cron sees.
Then an hour in which nothing is new, from the cursors of that run.

Counts come first, since they are the same on every machine: requests are counted by the cloud,
syncs (fsync and its like) by strace in a run of their own where there is one, bytes written
by the kernel (wait4, where the spool is on a disk). Wall, CPU and peak memory are the kernel's account of the child,
and are compared with the floor: the same lists fetched and parsed by a bare client at the same concurrency. Two thirds of the servers run unchanged, so that
the usage call alone knows them; the others were deleted in the window. Of the
former ours has one record more, as of October's end.

--sync-delay MS adds two hours more, watched by strace both times, the second with each sync
made to take that long: what the second takes longer is what the run waited for its disk.

--check makes the exit code 1 unless ours has records of all servers, under 1 % of cASO's
requests and a peak under 80 MB, with hardly more for ten times the servers.
--release says that it is a release build, whose peak is under 56 MB; --fast adds that it is 50
times as fast.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import messages  # noqa: E402
import stand_in  # noqa: E402

WINDOW = ["--extract-from", "2026-10-01", "--extract-to", "2026-11-16"]
# A build for development has more of itself in memory than a release build.
MEMORY_LIMIT = 56 * 1_000_000
DEVELOPMENT_LIMIT = 80 * 1_000_000
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
json.dump([os.waitstatus_to_exitcode(status), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, usage.ru_oublock], sys.stderr)
"""


@dataclasses.dataclass
class Measure:
    """One run of one program."""

    requests: int
    syncs: int | None
    written: int
    wall: float
    cpu: float
    peak: int
    records: int
    servers: int
    messages: int
    kinds: dict[str, int]


# As the default of `concurrency`.
CONCURRENCY = 4
SYNCS = "fsync,fdatasync,syncfs,sync_file_range,sync"


class Site:
    """A folder of its own, with one caso.conf for both programs; ours has a cache besides."""

    def __init__(self, scratch: str, cloud: stand_in.Cloud, cache: pathlib.Path | None):
        self.folder = pathlib.Path(scratch) / "site"
        self.cloud = cloud
        self.scratch = scratch
        (self.folder / "spool").mkdir(parents=True)
        options = {"cache_dir": cache, "extraction_timeout": 7200} if cache else {}
        self.conf = stand_in.write(self.folder, stand_in.site(self.folder, cloud.url, **options))

    def messages(self) -> list[messages.Message]:
        """What lies in the queue."""
        queue = self.folder / "ssm"
        return messages.read(queue) if queue.is_dir() else []

    def run(self, program: str, window: list[str], before: tuple[str, ...] = ()) -> Measure:
        """One run, measured. `before` is what runs the program."""
        self.cloud.counts()
        already = {message.name for message in self.messages()}
        with (self.folder / "output").open("w") as output:
            environment = {"TZ": "UTC", "PATH": os.environ["PATH"], "HOME": self.scratch, "LANG": "C.UTF-8"}
            command = [*before, program, "--config-file", str(self.conf), *window]
            starter = subprocess.run(
                [sys.executable, "-IS", "-c", STARTER, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE,
                env=environment,
                text=True,
                check=True,
            )
        code, wall, cpu, peak, blocks = json.loads(starter.stderr)
        if code != 0:
            print((self.folder / "output").read_text()[-4000:])
            raise SystemExit(f"`{program}` ended with {code}")
        counted = self.cloud.counts()
        new = [message for message in self.messages() if message.name not in already]
        records = [record for message in new if message.type == messages.CLOUD for record in message.records]
        return Measure(
            requests=counted["total"],
            syncs=None,
            written=blocks * 512,
            wall=wall,
            cpu=cpu,
            peak=peak * 1024,
            records=len(records),
            servers=len({record.fields["VMUUID"] for record in records}),
            messages=len(new),
            kinds=counted["kinds"],
        )

    def syncs(self, program: str, window: list[str]) -> int | None:
        """How many syncs a run makes: in a run that is watched, and so not measured."""
        strace = shutil.which("strace")
        if strace is None:
            return None
        log = pathlib.Path(self.scratch) / "syncs"
        self.run(program, window, (strace, "-f", "-qq", "-e", f"trace={SYNCS}", "-o", str(log)))
        return sum("sync" in line and "resumed" not in line for line in log.read_text().splitlines())


def first(program: str, cloud: stand_in.Cloud, sites: Sites, *, watched: bool = False) -> Measure:
    """A site's first run."""
    measure = sites.new(cloud, program).run(program, WINDOW)
    if watched:
        measure.syncs = sites.new(cloud, program).syncs(program, WINDOW)
    return measure


class Sites:
    """The folders of a benchmark. They go when all is measured: while a filesystem (ext4) knows which files
    were removed in the last minute it is slow to make new ones, and who came second would pay for the first."""

    def __init__(self, folder: pathlib.Path, caso: str):
        self.folder = folder
        self.caso = caso

    def new(self, cloud: stand_in.Cloud, program: str) -> Site:
        """A site without a past. What ours compiled it finds again."""
        cache = None if program == self.caso else self.folder / "cache"
        return Site(tempfile.mkdtemp(dir=self.folder), cloud, cache)


@dataclasses.dataclass
class Steady:
    """An ordinary hour."""

    measure: Measure
    # Seconds, where syncs were delayed.
    waited: float | None


def hour(program: str, cloud: stand_in.Cloud, sites: Sites, delay: int) -> Steady:
    """The third of three runs, an hour after the second; the second one's syncs are counted."""
    site = sites.new(cloud, program)
    site.run(program, ["--extract-to", "2026-11-16T00:00:00"])
    syncs = site.syncs(program, ["--extract-to", "2026-11-16T01:00:00"])
    measure = site.run(program, ["--extract-to", "2026-11-16T02:00:00"])
    waited = None
    if delay and syncs is not None:
        plain = site.run(program, ["--extract-to", "2026-11-16T03:00:00"], delayed(0))
        slow = site.run(program, ["--extract-to", "2026-11-16T04:00:00"], delayed(delay))
        waited = slow.wall - plain.wall
    measure.syncs = syncs
    return Steady(measure, waited)


def delayed(delay: int) -> tuple[str, ...]:
    """What runs a program with syncs that take `delay` milliseconds longer."""
    strace = shutil.which("strace")
    assert strace is not None
    inject = ("-e", f"inject={SYNCS}:delay_exit={delay * 1000}") if delay else ()
    return (strace, "-f", "--seccomp-bpf", "-qq", "-e", f"trace={SYNCS}", *inject, "-o", "/dev/null")


def floor(program: str, cloud: stand_in.Cloud, projects: int) -> Measure:
    """The bare client."""
    cloud.counts()
    arguments = [cloud.url, WINDOW[1], WINDOW[3], str(CONCURRENCY), str(projects)]
    starter = subprocess.run(
        [sys.executable, "-IS", "-c", STARTER, program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    code, wall, cpu, peak, blocks = json.loads(starter.stderr)
    if code != 0:
        raise SystemExit(f"`{program}` ended with {code}")
    counted = cloud.counts()
    return Measure(counted["total"], 0, blocks * 512, wall, cpu, peak * 1024, 0, 0, 0, counted["kinds"])


def line(name: str, measure: Measure) -> str:
    """One row of the table."""
    syncs = "-" if measure.syncs is None else measure.syncs
    return (
        f"  {name:<22}{measure.requests:>9}{syncs:>7}{measure.written / 1e6:>9.1f}{measure.records:>9}"
        f"{measure.wall:>9.2f}{measure.cpu:>8.2f}{measure.peak / 1e6:>9.1f}"
    )


def times(larger: float, smaller: float) -> str:
    """By how much."""
    return f"{larger / smaller:.1f}x" if smaller else "-"


def compare(args, projects: int, servers: int, sites: Sites) -> tuple[Measure, list[str]]:
    """One cloud, all programs; ours warm, and what --check objects to."""
    print(f"{projects} projects of {servers} servers{f', {args.latency} ms an answer' if args.latency else ''}")
    print(
        f"  {'':<22}{'requests':>9}{'syncs':>7}{'MB wr.':>9}{'records':>9}{'wall s':>9}{'CPU s':>8}{'peak MB':>9}"
    )
    with stand_in.Cloud(args.cloud, projects, servers, args.latency) as cloud:
        if not args.without_caso:
            caso = first(args.caso, cloud, sites)
            print(line("cASO 5.2.2", caso), flush=True)
        least = floor(args.floor, cloud, projects)
        print(line("floor", least), flush=True)
        print(line("ours, first run", first(args.ours, cloud, sites)), flush=True)
        ours = first(args.ours, cloud, sites, watched=True)
        print(line("ours", ours), flush=True)
        ordinary = hour(args.ours, cloud, sites, args.sync_delay)
        steady = ordinary.measure
        print(line("ours, an hour later", steady), flush=True)
    print(
        f"  ours to the floor: {times(ours.requests, least.requests)} the requests, {times(ours.wall, least.wall)} the"
        f" time, {times(ours.cpu, least.cpu)} the CPU"
    )
    a_project = "" if steady.syncs is None else f", {steady.syncs / projects:.1f} syncs"
    print(f"  a project and hour: {steady.requests / projects:.1f} requests{a_project}")
    if ordinary.waited is not None:
        print(f"  with {args.sync_delay} ms a sync an hour takes {ordinary.waited:.1f} s longer")
    if args.without_caso:
        caso = ours
    else:
        print(
            f"  ours to cASO 5.2.2: {ours.requests / caso.requests:.2%} of the requests, {times(caso.wall, ours.wall)} as"
            f" fast, {times(caso.cpu, ours.cpu)} less CPU, {times(caso.peak, ours.peak)} less memory"
        )
    if args.verbose:
        for kind in sorted(caso.kinds | ours.kinds):
            print(f"    {caso.kinds.get(kind, 0):>7}{ours.kinds.get(kind, 0):>7}  {kind}")
    complaints = []
    name = f"{projects}x{servers}"
    if ours.servers != projects * servers:
        complaints.append(f"{name}: records of {ours.servers} servers of {projects * servers}")
    if steady.requests > 5 * projects + 10 + 3 * (servers // 1000) * projects:
        complaints.append(f"{name}: {steady.requests} requests in an ordinary hour")
    # What it takes today, so that no more creeps in: of a project its commit, of a message its file, of a
    # batch (1,000 records, or the last ones of a type) its attempt, its queue's folder and its acknowledgement,
    # and of a run the rest.
    batches = steady.messages // 10 + 2
    if steady.syncs is not None and steady.syncs > 4 * projects + steady.messages + 3 * batches + 60:
        complaints.append(f"{name}: {steady.syncs} syncs in an ordinary hour")
    if ours.peak > (MEMORY_LIMIT if args.release else DEVELOPMENT_LIMIT):
        complaints.append(f"{name}: a peak of {ours.peak / 1e6:.1f} MB")
    # The share is about a site of some size; a small one has its few fixed requests.
    if projects * servers >= 10_000 and projects > 1 and not args.without_caso:
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
    parser.add_argument("--floor", required=True)
    parser.add_argument("--without-caso", action="store_true", help="ours and the floor alone")
    parser.add_argument("--latency", type=int, default=0, help="milliseconds that every answer takes")
    parser.add_argument("--sync-delay", type=int, default=0, help="milliseconds that every sync takes longer")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--release", action="store_true")
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="also the requests by kind")
    parser.add_argument("clouds", nargs="*", default=["10x1000", "1x1000", "1x10000"])
    args = parser.parse_args()

    complaints, single = [], {}
    with tempfile.TemporaryDirectory(prefix="caso-bench-") as folder:
        sites = Sites(pathlib.Path(folder), args.caso)
        for cloud in args.clouds:
            projects, servers = (int(part) for part in cloud.split("x"))
            ours, found = compare(args, projects, servers, sites)
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
