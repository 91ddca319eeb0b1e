#!/usr/bin/env python3
"""main.py PROGRAM [FAULTS]: what a built `caso` loses when everything around it goes wrong.

Drives PROGRAM (target/debug/caso, say) at a stand-in cloud, with a queue for ssmsend and a receiver of lines. Two forms of cases:

- one fault: a site of which some hours are known, one run under one fault, then two undisturbed ones.
  Systematically: each system call that the run makes on its files, by number, as the last one and
  with each of its errors; each request; each file of the spool, damaged in each way; a filesystem with
  each amount of room;
- a life: eight hours, in each of which something goes wrong by chance (a fixed seed, or several
  things at once), then two undisturbed ones.

After each case what APEL and the receiver have must be exactly what a site has that was never
disturbed, which in turn is what the plan of the cloud says (`model.py`).

Without FAULTS the short form: some hundred of them, always the same. Prints the totals by
kind; ends with 1 unless 0 records are lost, counted twice, stale or refused, and no run crashed.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import dataclasses
import datetime
import pathlib
import queue
import random
import subprocess
import sys
import tempfile
import threading
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tools"))
import calls  # noqa: E402
import kinds  # noqa: E402
import model  # noqa: E402
from sites import Site  # noqa: E402

# The first hours of a life, in which something goes wrong; two good ones follow.
BAD_HOURS = 8
HOURS = BAD_HOURS + 2
# When a case of one fault ends.
END = 6
SHORT_LIVES = 12
SHORT_SINGLES = 260
WORKERS = 2
# After so many faults the long form says how far it came.
STEP = 1_000


# --- the situations in which a single fault strikes, each with the hour in which it does


def first_run(site: Site) -> int:
    site.clear()
    return 1


def steady(site: Site) -> int:
    site.clear()
    for hour in (1, 2):
        undisturbed(site, hour)
    return 3


def backlog(site: Site) -> int:
    """The receiver was away for three hours and is back; its hour is the last one of a month."""
    down(site)
    undisturbed_but_for(site, 3, [kinds.Receiver(("refuses",))])
    return 4


def down(site: Site) -> int:
    """The receiver is away: see `case`, which keeps it so."""
    site.clear()
    for hour in (1, 2):
        undisturbed_but_for(site, hour, [kinds.Receiver(("refuses",))])
    return 3


SITUATIONS = {"first run": first_run, "steady": steady, "backlog": backlog, "receiver away": down}


def undisturbed(site: Site, hour: int) -> None:
    outcome = site.run(hour)
    if outcome.code != 0:
        raise SystemExit(f"an undisturbed run: {outcome}")


def undisturbed_but_for(site: Site, hour: int, faults: list[kinds.Fault]) -> None:
    outcome, _ = kinds.run(site, hour, faults)
    if outcome.code not in (0, 3):
        raise SystemExit(f"a run under {faults}: {outcome}")


# --- the faults of a situation, one by one


def systematic(known: list[calls.Call], requests: int, files: dict[str, int], can_mount: bool) -> list[kinds.Fault]:
    faults: list[kinds.Fault] = []
    for call in known:
        if call.name not in calls.HARMLESS:
            faults.append(kinds.AtCall(call, "SIGKILL"))
        if call.name in calls.CERTAIN or (call.file is None and call.name in calls.SHARED):
            continue
        for error in calls.ERRORS.get(call.name, ["EIO"]):
            faults.append(kinds.AtCall(call, error))
        if call.file is not None:
            faults.append(kinds.AtCall(call, calls.ERRORS.get(call.name, ["EIO"])[0], ever_after=True))
    faults += [
        kinds.Cloud(fault, nth) for fault in kinds.STATUSES + kinds.BAD_ANSWERS for nth in range(1, requests + 1)
    ]
    for name in files:
        faults += damage(name, files[name])
    faults += [kinds.FileSize(limit) for limit in (1, *range(64, 8_000, 128))]
    for bytes in (1, 100, 1_000, 5_000):
        faults += [kinds.Receiver((name, bytes)) for name in ("cuts", "resets")]
    faults += [kinds.Receiver((name,)) for name in ("refuses", "closes", "stalls")]
    faults += [kinds.Killed(0.02 * n) for n in range(1, 30)]
    faults += [kinds.ConsumerBeside() for _ in range(10)]
    faults += [kinds.Clock(hours * model.HOUR) for hours in (-8_760, -26, -23, -1, 1, 23, 26, 8_760)]
    faults += [kinds.ClockBefore(seconds) for seconds in (30, 600, model.HOUR, model.DAY)]
    if can_mount:
        for where in ("spool", "ssm"):
            faults += [kinds.Filesystem(where, bytes=4_096 * pages) for pages in range(24)]
            faults += [kinds.Filesystem(where, files=count) for count in range(20)]
            faults.append(kinds.ReadOnly(where))
    return faults


def damage(name: str, size: int) -> list[kinds.Fault]:
    ways: list[tuple] = [("a folder",)]
    # A lastrun file is what operators write into and remove, to go on elsewhere or to begin anew. They
    # are obeyed: another digit there, or no file, is no damage.
    is_ours = "/lastrun." not in name
    if is_ours:
        ways.append(("removed",))
    if size:
        ways.append(("zeros",))
        lengths = sorted({0, 1, size // 4, size // 2, size - 20, size - 2, size - 1})
        ways += [("cut", length) for length in lengths if length >= 0]
        ways += [("flipped", at * (size - 1) // 8, at % 8) for at in range(9) if is_ours]
    return [kinds.Damaged(name, way) for way in ways]


def files_of(site: Site) -> dict[str, int]:
    """Files of the spool, with their sizes; a lock has no content."""
    paths = (
        path for path in site.spool.rglob("*") if path.is_file() and path.name not in ("lock", ".lock", "caso.lock")
    )
    return {str(path.relative_to(site.folder)): path.stat().st_size for path in sorted(paths)}


# --- cases


@dataclasses.dataclass
class Case:
    """One fault in one situation, or a life by its seed."""

    situation: str | None
    fault: kinds.Fault | None
    seed: int = 0

    def __str__(self):
        return f"life {self.seed}" if self.situation is None else f"{self.situation}, {self.fault}"


@dataclasses.dataclass
class Totals:
    cases: int = 0
    runs: int = 0
    faults: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    wrong: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    by_kind: dict[str, collections.Counter] = dataclasses.field(default_factory=dict)
    records: int = 0
    messages: int = 0
    crashed: int = 0
    # Undisturbed runs, the last of their case, that did not end with 0.
    unhealed: int = 0
    examples: list[str] = dataclasses.field(default_factory=list)

    def failed(self) -> bool:
        return bool(self.crashed or self.unhealed or sum(self.wrong[name] for name in WRONG))


WRONG = ("lost", "twice", "stale", "refused")


class Bench:
    """All workers, and what they found."""

    def __init__(self, program, cloud, folder: pathlib.Path, cache: pathlib.Path, first: int, verbose: bool):
        self.verbose = verbose
        self.totals, self.lock = Totals(), threading.Lock()
        self.sites: queue.Queue[Site] = queue.Queue()
        self.all = [Site(folder / f"site-{n}", program, cloud, cache, first, HOURS) for n in range(WORKERS)]
        self.first, self.can_mount = first, can_mount(folder)
        self.hours: dict[str, int] = {}
        self.known: dict[str, list[calls.Call]] = {}
        self.right: dict[int, tuple] = {}
        self.singles: list[Case] = []

    def prepare(self) -> None:
        """Sites that were never disturbed, the situations, and what can go wrong in them."""
        site = self.all[0]
        for end in (END, HOURS):
            site.clear()
            for hour in range(1, end + 1):
                undisturbed(site, hour)
            site.consume()
            right = site.tables()
            for who, table in zip(("APEL", "Logstash"), right, strict=True):
                if wrong := table.refused + model.truth(table, self.first, end):
                    raise SystemExit(f"{who}, of an undisturbed site after {end} hours: " + "\n".join(wrong))
            self.right[end] = right
            sees_what_is_wrong(site, right)
        for name, situation in SITUATIONS.items():
            self.hours[name] = situation(site)
            site.keep(name)
            files = files_of(site)
            site.cloud.counts()
            if name == "receiver away":
                site.receiver.mood = ("refuses",)
            self.known[name] = calls.of_run(site, self.hours[name])
            requests = site.cloud.counts()["total"]
            faults = systematic(self.known[name], requests, files, self.can_mount)
            self.singles += [Case(name, fault) for fault in faults]
            print(
                f"{name}: {len(self.known[name])} system calls on its files, {requests} requests, {len(files)} files",
                flush=True,
            )
        for other in self.all[1:]:
            other.kept.symlink_to(site.kept)
        for other in self.all:
            self.sites.put(other)

    def work(self, case: Case) -> None:
        site = self.sites.get()
        try:
            self.one(site, case)
        except Exception:
            with self.lock:
                self.totals.crashed += 1
                self.totals.examples.append(f"{case}: the harness itself:\n{traceback.format_exc()}")
        finally:
            self.sites.put(site)

    def one(self, site: Site, case: Case) -> None:
        outcomes, struck, excused, crashes = [], collections.Counter(), "", []
        if case.situation is not None:
            site.restore(case.situation)
            hour = self.hours[case.situation]
            faults = [case.fault]
            if case.situation == "receiver away" and not isinstance(case.fault, kinds.Receiver):
                faults.append(kinds.Receiver(("refuses",)))
            hours = [(hour, faults), (hour + 1, []), (END, [])]
        else:
            site.clear()
            chance = random.Random(case.seed)
            known = self.known["backlog"]
            bad = [(hour, kinds.by_chance(chance, known, self.can_mount)) for hour in range(1, BAD_HOURS + 1)]
            hours = [*bad, (HOURS - 1, []), (HOURS, [])]
            consumes = [chance.randrange(2) for _ in hours]
        for number, (hour, faults) in enumerate(hours):
            outcome, these = kinds.run(site, hour, faults)
            outcomes.append((faults, outcome))
            struck.update(these)
            if crash := outcome.crash():
                crashes.append(f"{crash}: {outcome}")
            if case.situation is None and consumes[number]:
                site.consume()
        if case.situation is not None:
            # What counts here is the case's own fault.
            struck = collections.Counter({case.fault.kind: struck[case.fault.kind]})
            excused = case.fault.excuses("".join(outcome.text for _, outcome in outcomes))
        names_denied = any(fault.denies_names for _, faults in hours for fault in faults)
        verdict = site.judge(self.right[END if case.situation else HOURS], excused, names_denied)
        last = outcomes[-1][1]
        with self.lock:
            self.count(case, verdict, +struck, crashes, outcomes, last, site)

    def count(self, case, verdict, struck, crashes, outcomes, last, site) -> None:
        totals = self.totals
        totals.cases += 1
        totals.runs += len(outcomes)
        totals.faults.update(struck)
        totals.messages += len(site.taken)
        totals.crashed += len(crashes)
        totals.unhealed += last.code != 0
        found = {name: getattr(verdict, name) for name in (*WRONG, "excused", "unnamed")}
        totals.wrong.update(found)
        for kind in struck:
            totals.by_kind.setdefault(kind, collections.Counter()).update(found)
        if verdict.wrong() or crashes or last.code != 0:
            text = "\n  ".join([f"*** {case}", *verdict.texts[:6], *crashes[:2]])
            for faults, outcome in outcomes:
                text += f"\n  --- {faults or 'undisturbed'}: {outcome}"
            totals.examples.append(text)
            if self.verbose:
                print(text, flush=True)

    def close(self) -> None:
        for site in self.all:
            site.close()


def sees_what_is_wrong(site: Site, right: tuple) -> None:
    """The judge has eyes: whatever is taken away, doubled or put last is noticed."""
    taken = list(site.taken)
    storage = next(n for n, body in enumerate(taken) if body.startswith(b"<"))
    doubled = taken[storage].replace(b'recordId="', b'recordId="x')
    cases = {
        "lost": [taken[:n] + taken[n + 1 :] for n in range(len(taken))],
        "twice": [[*taken, doubled]],
        "stale": [[*taken, next(body for body in taken if b"Status: started" in body)]],
        "refused": [[*taken, taken[0][: len(taken[0]) // 2] + b"\nx"], [*taken, b""]],
    }
    for name, altered in cases.items():
        seen = 0
        for bodies in altered:
            verdict = model.Verdict()
            model.judge(verdict, "", right[0], model.of_messages(bodies))
            seen += getattr(verdict, name) > 0
        # A message whose rows a later one replaces is not missed by anybody.
        if seen < (len(altered) if name != "lost" else len(altered) // 3):
            raise SystemExit(f"the judge does not see what is {name}: {seen} of {len(altered)}")


def can_mount(folder: pathlib.Path) -> bool:
    probe = folder / "probe"
    probe.mkdir()
    done = subprocess.run(["/bin/mount", "-t", "tmpfs", "tmpfs", str(probe)], capture_output=True)
    if done.returncode == 0:
        kinds.unmount(probe)
    else:
        print(f"left out: full and read-only filesystems, as this user may not mount: {done.stderr.decode().strip()}")
    return done.returncode == 0


def month_end_hour(today: datetime.datetime) -> int:
    """The fourth hour from it crosses into the month that began two days ago or earlier, at half past."""
    day = (today - datetime.timedelta(days=2)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int(day.timestamp()) - int(3.5 * model.HOUR)


def report(bench: Bench, seconds: float) -> None:
    totals = bench.totals
    print(f"{'faults':>8} {'lost':>6} {'twice':>6} {'stale':>6} {'refused':>8}")
    for kind, count in sorted(totals.faults.items()):
        wrong = totals.by_kind[kind]
        print(f"{count:>8} {wrong['lost']:>6} {wrong['twice']:>6} {wrong['stale']:>6} {wrong['refused']:>8}  {kind}")
    wrong = totals.wrong
    print(
        f"{totals.faults.total()} faults in {totals.runs} runs of {totals.cases} sites, {seconds:.0f} s: "
        f"{wrong['lost']} lost, {wrong['twice']} counted twice, {wrong['stale']} stale, "
        f"{wrong['refused']} refused of {totals.messages} messages; {totals.crashed} crashed, {totals.unhealed} not healed; "
        f"{wrong['excused']} rows set aside with a damaged segment that was named, "
        f"{wrong['unnamed']} without the name of a user whom Keystone denied"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("faults", type=int, nargs="?", help="so many, at least")
    parser.add_argument("--cloud", type=pathlib.Path, help="stand-in-cloud; else the one beside PROGRAM")
    parser.add_argument("--only", help="only single faults whose text has this")
    parser.add_argument("--life", type=int, help="only the life of this seed")
    parser.add_argument("--verbose", action="store_true", help="print what is wrong when it is found")
    asked = parser.parse_intermixed_args()
    began = datetime.datetime.now()
    program = asked.program.resolve()
    cloud = (asked.cloud or program.with_name("stand-in-cloud")).resolve()
    # Compiled components, kept from time to time: that of the tests.
    cache = cloud.parent.parent / "test-cache"
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="caso-faults-") as folder:
        first = month_end_hour(datetime.datetime.now(datetime.UTC))
        bench = Bench(program, cloud, pathlib.Path(folder).resolve(), cache, first, asked.verbose)
        try:
            bench.prepare()
            go(bench, asked)
        finally:
            bench.close()
    for text in bench.totals.examples[:20]:
        print(text)
    report(bench, (datetime.datetime.now() - began).total_seconds())
    return 1 if bench.totals.failed() or not bench.totals.faults else 0


def go(bench: Bench, asked: argparse.Namespace) -> None:
    """The cases that were asked for, in an order by chance that is always the same."""
    chance = random.Random(1)
    singles = bench.singles
    chance.shuffle(singles)
    print(f"{len(singles)} single faults are known", flush=True)
    if asked.life is not None:
        cases = iter([Case(None, None, asked.life)])
    elif asked.only:
        cases = iter([case for case in singles if asked.only in str(case)][: asked.faults])
    elif asked.faults is None:
        cases = iter([*(Case(None, None, seed) for seed in range(SHORT_LIVES)), *spread(singles, SHORT_SINGLES)])
    else:
        cases = endless(singles)
    wanted = asked.faults or sys.maxsize
    began, told = datetime.datetime.now(), 0
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        running: set[concurrent.futures.Future] = set()
        for case in cases:
            running.add(pool.submit(bench.work, case))
            if len(running) >= 2 * WORKERS:
                _, running = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            with bench.lock:
                done = bench.totals.faults.total()
                if done >= wanted:
                    break
                # The long form takes an hour: who waits, or ends it, sees how far it came.
                if done >= told + STEP:
                    told = done
                    report(bench, (datetime.datetime.now() - began).total_seconds())


def endless(singles: list[Case]):
    """All single faults, and behind each ten of them a life; then lives."""
    seed = 0
    for number, case in enumerate(singles):
        yield case
        if number % 10 == 9:
            yield Case(None, None, seed)
            seed += 1
    while True:
        yield Case(None, None, seed)
        seed += 1


def spread(singles: list[Case], count: int) -> list[Case]:
    """So many of them, some of each kind."""
    by_kind: dict[str, list[Case]] = collections.defaultdict(list)
    for case in singles:
        by_kind[case.fault.kind].append(case)
    chosen: list[Case] = []
    while len(chosen) < count and any(by_kind.values()):
        chosen += [cases.pop() for cases in by_kind.values() if cases]
    return chosen[:count]


if __name__ == "__main__":
    sys.exit(main())
