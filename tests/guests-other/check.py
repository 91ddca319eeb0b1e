#!/usr/bin/env python3
"""check.py CASO_EXTRACT CSV_WASM JSONL_WASM: the C and the Python messenger at work.

Both are instances beside `ssm`, each with a queue, a connection or both named in
its options. What they deliver is compared with what `ssm` delivered of the same
records; what they may not do must leave no trace, be reported with the line to
add, and lose nothing. Runs go to a stand-in OpenStack, the replays to none.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "tools"))
import messages  # noqa: E402
import stand_in  # noqa: E402

WINDOW = ["--extract-from", "2026-10-01", "--extract-to", "2026-10-16"]
PROJECTS, SERVERS = 2, 5
DONE, NOTHING_DONE, PARTLY = 0, 1, 3
NAMES = ("c", "python")
# The fields of a VM that both messengers and ssm send, in one form or another.
SSM_FIELDS = ("VMUUID", "FQAN", "Status", "StartTime", "WallDuration", "CpuDuration")
CSV_FIELDS = ["uuid", "fqan", "status", "start", "wall_seconds", "cpu_seconds"]
JSON_FIELDS = ("vm_uuid", "fqan", "status", "start", "wall_seconds", "cpu_seconds")


class Failed(Exception):
    """A check that does not hold."""


@dataclasses.dataclass
class Run:
    """One run: what came out of it."""

    command: list[str]
    code: int
    output: str

    def must(self, holds: bool, what: str) -> None:
        if not holds:
            raise Failed(f"{what}\n$ {' '.join(self.command)}\n{self.output}exit code {self.code}")

    def ends(self, code: int) -> Run:
        self.must(self.code == code, f"exit code {self.code} where {code} is due")
        return self

    def says(self, *texts: str) -> Run:
        for text in texts:
            self.must(text in self.output, f"nothing says `{text}`")
        return self


class Door:
    """A port on loopback: bound, so that it is ours, and at first shut, so that it refuses."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.taken: list[bytes] = []

    def open(self) -> Door:
        """Lets in, without attending to anybody."""
        self.socket.listen()
        return self

    def knocked(self) -> bool:
        """Whether anybody connected since it is open."""
        self.socket.setblocking(False)
        try:
            self.socket.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def attend(self) -> Door:
        """Reads each visitor to the end, keeps it, and only then ends its own side."""
        self.open()
        threading.Thread(target=self._attend, daemon=True).start()
        return self

    def _attend(self):
        while True:
            visitor, _ = self.socket.accept()
            with visitor, visitor.makefile("rb") as stream:
                self.taken.append(stream.read())


class Bench:
    """What all checks share: programs, components, the cloud, the compile cache."""

    def __init__(self, extract: str, components: dict[str, pathlib.Path], folder: pathlib.Path):
        self.extract = pathlib.Path(extract)
        self.components = components
        self.folder = folder
        self.cache = folder / "cache"
        self.cache.mkdir()
        self.sites = 0
        self.cloud = stand_in.Cloud(self.extract.with_name("stand-in-cloud"), PROJECTS, SERVERS)

    def site(self) -> Site:
        self.sites += 1
        return Site(self, self.folder / f"site-{self.sites}")


class Site:
    """A fresh folder with a caso.conf, written anew before each run."""

    def __init__(self, bench: Bench, folder: pathlib.Path):
        self.bench = bench
        self.folder = folder
        (folder / "spool").mkdir(parents=True)
        # The host's keys and the component's options of each messenger.
        self.host: dict[str, dict[str, str]] = {name: {} for name in NAMES}
        self.options: dict[str, dict[str, str]] = {name: {} for name in NAMES}

    def queue(self, name: str) -> pathlib.Path:
        return self.folder / f"{name}-queue"

    def to_queues(self) -> Site:
        for name in NAMES:
            self.options[name]["output_path"] = str(self.queue(name))
        return self

    def to_servers(self, doors: dict[str, Door]) -> Site:
        for name in NAMES:
            self.options[name]["server"] = doors[name].address
        return self

    def grant(self, grants: dict[str, list[str]]) -> Site:
        for name in NAMES:
            self.host[name]["grants"] = ", ".join(grants[name])
        return self

    def write_conf(self) -> pathlib.Path:
        sections = stand_in.site(
            self.folder,
            self.bench.cloud.url,
            messengers="ssm, c, python",
            cache_dir=self.bench.cache,
            # What asks to be tried again in a minute is left to the next run.
            delivery_timeout=20,
        )
        for name in NAMES:
            sections[f"messenger_{name}"] = {"component": str(self.bench.components[name]), **self.host[name]}
            sections[name] = self.options[name]
        return stand_in.write(self.folder, sections)

    def run(self, program: str, *arguments: str) -> Run:
        command = [str(self.bench.extract.with_name(program)), *arguments, "--config-file", str(self.write_conf())]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"TZ": "UTC"},
            timeout=300,
        )
        return Run(command, done.returncode, done.stdout)

    def extract(self) -> Run:
        return self.run(self.bench.extract.name, *WINDOW)

    def deliver(self) -> Run:
        return self.run("caso", "deliver")

    def replay(self) -> Run:
        return self.run(self.bench.extract.name, "--replay", str(TESTS / "golden"), "--into", str(self.folder / "into"))

    def has_queues(self) -> bool:
        return any(self.queue(name).exists() for name in NAMES)


# --- what was delivered


def vm(fields: Iterable[str]) -> tuple[str, ...]:
    """A VM's fields. Its two durations at least 1 s, as `ssm` sends them: APEL takes no 0."""
    *others, wall, cpu = fields
    return (*others, "1" if wall == "0" else wall, "1" if cpu == "0" else cpu)


def of_ssm(folder: pathlib.Path) -> tuple[list, list]:
    """VMs and accelerators of SSM messages."""
    records = [record for message in messages.read(folder) for record in message.records]
    vms = [vm(r.fields.get(field, "") for field in SSM_FIELDS) for r in records if r.type == messages.CLOUD]
    accelerators = [r.fields["AssociatedRecord"] for r in records if r.type == messages.ACCELERATOR]
    return sorted(vms), sorted(accelerators)


def of_csv(parts: list[bytes]) -> tuple[list, list]:
    """The same of what the C messenger wrote, which takes VMs only."""
    vms = []
    for part in parts:
        head, *rows = csv.reader(io.StringIO(part.decode(), newline=""))
        if head != CSV_FIELDS:
            raise Failed(f"CSV that begins with {head}")
        vms += map(vm, rows)
    return sorted(vms), []


def of_json(parts: list[bytes]) -> tuple[list, list]:
    """The same of what the Python messenger wrote."""
    records = [json.loads(line) for part in parts for line in part.decode().splitlines()]
    vms = [vm(str(r.get(field, "")) for field in JSON_FIELDS) for r in records if "vm_uuid" in r]
    accelerators = [r["associated_record"] for r in records if "associated_record" in r]
    return sorted(vms), sorted(accelerators)


def queued(folder: pathlib.Path) -> list[bytes]:
    """The messages of a directory queue, in order; everything in it must be one."""
    found = messages.files(folder)
    other = {path for path in folder.rglob("*") if path.is_file()} - set(found)
    if other:
        raise Failed(f"no messages of a directory queue: {sorted(map(str, other))}")
    return [path.read_bytes() for path in found]


def compare(run: Run, ssm: pathlib.Path, parts: dict[str, list[bytes]], vms: int | None = PROJECTS * SERVERS) -> int:
    """Each messenger delivered what `ssm` delivered, once; how many VMs that is."""
    expected = of_ssm(ssm)
    run.must(bool(expected[0]), f"no VM in the messages of `{ssm}`")
    run.must(vms in (None, len(expected[0])), f"{len(expected[0])} VMs of {vms} in the messages of `{ssm}`")
    run.must(bool(expected[1]), f"no accelerator in the messages of `{ssm}`")
    for name, found, due in (
        ("c", of_csv(parts["c"]), (expected[0], [])),
        ("python", of_json(parts["python"]), expected),
    ):
        for kind, have, want in zip(("VMs", "accelerators"), found, due, strict=True):
            strange, missing = sorted(set(have) - set(want)), sorted(set(want) - set(have))
            report = f"{len(have)} {kind} of {len(want)}; not due: {strange}; missing: {missing}"
            run.must(have == want, f"messenger `{name}` delivered {report}")
    return len(expected[0])


def harmed_nobody(site: Site, run: Run) -> None:
    """`ssm` beside them has delivered everything, and theirs waits."""
    vms, _ = of_ssm(site.folder / "ssm")
    run.must(len(vms) == PROJECTS * SERVERS, f"`ssm` delivered {len(vms)} VMs")
    run.says(*(f"wait for messenger `{name}`" for name in NAMES))


def grants_of_queues(site: Site) -> dict[str, list[str]]:
    return {name: [f"queue:{site.queue(name)}"] for name in NAMES}


def grants_of(doors: dict[str, Door]) -> dict[str, list[str]]:
    return {name: [f"connection:{door.address}"] for name, door in doors.items()}


def lines_to_add(grants: dict[str, list[str]]) -> list[str]:
    return [f"add `{grant}` to `grants` in [messenger_{name}]" for name, each in grants.items() for grant in each]


def unasked(grants: dict[str, list[str]]) -> list[str]:
    return [f"messenger `{name}` is granted `{grant}`, which it does not ask for" for name, each in grants.items() for grant in each]


# --- the checks


def queue(bench: Bench):
    site = bench.site().to_queues()
    run = site.extract().ends(PARTLY).says(*lines_to_add(grants_of_queues(site)))
    harmed_nobody(site, run)
    run.must(not site.has_queues(), "a queue that nobody granted")
    yield "queue, ungranted: the records wait, the line to add is reported, `ssm` has delivered"

    other = {name: [f"queue:{site.folder}/{name}-other"] for name in NAMES}
    run = site.grant(other).deliver().ends(NOTHING_DONE)
    run.says(*unasked(other), *lines_to_add(grants_of_queues(site)))
    harmed_nobody(site, run)
    run.must(not site.has_queues() and not list(site.folder.glob("*-other")), "a message in a queue")
    yield "queue, another one granted: reported, and nothing written to either"

    run = site.grant(grants_of_queues(site)).deliver().ends(DONE)
    count = compare(run, site.folder / "ssm", {name: queued(site.queue(name)) for name in NAMES})
    yield f"queue, granted: {count} VMs and their accelerators as messages of a directory queue"


def connection(bench: Bench):
    doors = {name: Door().open() for name in NAMES}
    site = bench.site().to_servers(doors)
    run = site.extract().ends(PARTLY).says(*lines_to_add(grants_of(doors)))
    harmed_nobody(site, run)
    yield "connection, ungranted: the records wait, the line to add is reported, `ssm` has delivered"

    others = {name: Door().open() for name in NAMES}
    run = site.grant(grants_of(others)).deliver().ends(NOTHING_DONE)
    run.says(*unasked(grants_of(others)), *lines_to_add(grants_of(doors)))
    harmed_nobody(site, run)
    for name in NAMES:
        run.must(not doors[name].knocked(), f"`{name}` connected without a grant")
        run.must(not others[name].knocked(), f"`{name}` connected to where it did not ask to")
    yield "connection, another port granted: reported, and nobody connected to either"

    doors = {name: Door().attend() for name in NAMES}
    site = bench.site().to_servers(doors).grant(grants_of(doors))
    run = site.extract().ends(DONE)
    count = compare(run, site.folder / "ssm", {name: doors[name].taken for name in NAMES})
    yield f"connection, granted: {count} VMs and their accelerators arrived"


def refused_connection(bench: Bench):
    doors = {name: Door() for name in NAMES}
    site = bench.site().to_queues().to_servers(doors)
    both = {name: grants_of_queues(site)[name] + grants_of(doors)[name] for name in NAMES}
    run = site.grant(both).extract().ends(PARTLY)
    harmed_nobody(site, run)
    run.says(*(f"messenger `{name}`: it asks to be tried again" for name in NAMES))
    run.says(*(f"`{door.address}` cannot be reached" for door in doors.values()))
    run.must(not any(list(site.folder.glob(f"{name}-queue/*/*")) for name in NAMES), "half a delivery, in the queue")
    yield "connection, granted, but nobody listens: the records wait, also for the queue beside it"

    for door in doors.values():
        door.attend()
    run = site.deliver().ends(DONE)
    compare(run, site.folder / "ssm", {name: doors[name].taken for name in NAMES})
    count = compare(run, site.folder / "ssm", {name: queued(site.queue(name)) for name in NAMES})
    yield f"connection, now with a listener: {count} VMs arrived there and, once, in the queue"


def pins(bench: Bench):
    digest = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in bench.components.items()}
    for right, wrong in (NAMES, NAMES[::-1]):
        site = bench.site().to_queues()
        site.grant(grants_of_queues(site))
        site.host[right]["sha256"] = digest[right]
        site.host[wrong]["sha256"] = digest[right]
        run = site.extract().ends(PARTLY)
        run.says(f"messenger `{wrong}` is not used", digest[wrong], digest[right], f"wait for messenger `{wrong}`")
        run.must(not site.queue(wrong).exists(), f"`{wrong}` ran, and its file is not the one that is pinned")
        run.must(bool(queued(site.queue(right))), f"`{right}` did not deliver, and its pin is right")
        site.host[wrong]["sha256"] = digest[wrong]
        run = site.deliver().ends(DONE)
        compare(run, site.folder / "ssm", {name: queued(site.queue(name)) for name in NAMES})
        yield f"sha256, right for `{right}` and wrong for `{wrong}`: one delivers, the other waits, both digests reported"


def replay(bench: Bench):
    site = bench.site().to_queues()
    run = site.replay().ends(PARTLY)
    run.says(*lines_to_add(grants_of_queues(site)), *(f"wait for messenger `{name}`" for name in NAMES))
    run.must(bool(of_ssm(site.folder / "into" / "ssm" / "outgoing")[0]), "`ssm` did not deliver")
    yield "replay, ungranted: the records wait, the line to add is reported, `ssm` has delivered"

    doors = {name: Door().open() for name in NAMES}
    site = bench.site().to_queues().to_servers(doors)
    both = {name: grants_of_queues(site)[name] + grants_of(doors)[name] for name in NAMES}
    run = site.grant(both).replay().ends(DONE)
    into = site.folder / "into"
    count = compare(
        run, into / "ssm" / "outgoing", {name: queued(into / name / "outgoing") for name in NAMES}, vms=None
    )
    run.must(not site.has_queues(), "a replay wrote to the site's own queue")
    run.must(not any(door.knocked() for door in doors.values()), "a replay connected to the site's own server")
    yield f"replay, granted: {count} VMs in queues of its own, and nobody connected"


def main() -> int:
    extract, c, python = sys.argv[1:4]
    with tempfile.TemporaryDirectory(prefix="caso-guests-") as scratch:
        bench = Bench(extract, {"c": pathlib.Path(c), "python": pathlib.Path(python)}, pathlib.Path(scratch))
        with bench.cloud:
            try:
                for check in (queue, connection, refused_connection, pins, replay):
                    for held in check(bench):
                        print(f"ok {held}", flush=True)
            except Failed as failure:
                print(f"FAILED {failure}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
