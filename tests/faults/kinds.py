"""The kinds of faults. Each befalls one run of a site: it is set up, the run is made under it, and it is
taken away again; it says how often it struck, since what did not strike is no fault.
"""

from __future__ import annotations

import dataclasses
import pathlib
import random
import shutil
import subprocess
import time

import calls
import consumer
from sites import Outcome, Site


class Fault:
    """One fault; a subclass overrides what it needs."""

    kind = ""

    def begin(self, site: Site) -> list[str]:
        """Sets it up; what stands in front of the run's command line."""
        return []

    def end(self, site: Site, outcome: Outcome) -> int:
        """Takes it away; how often it struck."""
        return 1

    def excuses(self, text: str) -> str:
        """What may be lost by it, given what the program said: see `model.judge`."""
        return ""

    # Whether Keystone may have said of a user that he is not there, or not to be looked up: both are
    # answers, after which records carry no name.
    denies_names = False
    # Of a run that is killed from outside after so many seconds.
    after: float | None = None
    # What is set up later is taken away earlier, and stands further outside on the command line.
    turn = 1


def run(site: Site, hour: int, faults: list[Fault]) -> tuple[Outcome, dict[str, int]]:
    """An hour's run with these faults, and how often each kind struck."""
    prefix, begun = [], []
    try:
        for fault in sorted(faults, key=lambda it: it.turn):
            prefix = [*fault.begin(site), *prefix]
            begun.append(fault)
        after = min((fault.after for fault in faults if fault.after is not None), default=None)
        outcome = site.run(hour, prefix, after)
    except BaseException:
        for fault in reversed(begun):
            fault.end(site, Outcome(0, "", []))
        raise
    struck: dict[str, int] = {}
    for fault in reversed(begun):
        if count := fault.end(site, outcome):
            struck[fault.kind] = struck.get(fault.kind, 0) + count
    return outcome, struck


@dataclasses.dataclass
class AtCall(Fault):
    """A system call is the last one, or is answered with an error: once, or from then on."""

    call: calls.Call
    how: str
    ever_after: bool = False
    # Around whatever limits the program: what strace writes is no part of it.
    turn = 3

    @property
    def kind(self):
        if self.how == "SIGKILL":
            return "killed at a system call"
        return f"{self.how} from a system call{', and from then on' * self.ever_after}"

    def begin(self, site):
        site.log.unlink(missing_ok=True)
        return calls.inject(site, self.call, self.how, self.ever_after)

    def end(self, site, outcome):
        if self.how == "SIGKILL":
            return int(outcome.code == -9)
        # Answered with the same error again and again it is one fault.
        return int(calls.is_injected(site))


@dataclasses.dataclass
class Killed(Fault):
    """SIGKILL at any moment."""

    after: float
    kind = "killed at any moment"

    def end(self, site, outcome):
        return int(outcome.code == -9)


@dataclasses.dataclass
class FileSize(Fault):
    """No file may become larger: a write stops in its middle."""

    limit: int
    kind = "the limit of a file's size"

    def begin(self, site):
        return ["/usr/bin/prlimit", f"--fsize={self.limit}"]

    def end(self, site, outcome):
        return int("File too large" in outcome.text)


@dataclasses.dataclass
class Filesystem(Fault):
    """The spool or the queue on a small filesystem with so much room left: bytes, or files."""

    where: str
    bytes: int | None = None
    files: int | None = None

    @property
    def kind(self):
        what = "bytes" if self.files is None else "files"
        return f"a filesystem without room for {what}: {self.where}"

    def begin(self, site):
        folder = site.folder / self.where
        folder.mkdir(exist_ok=True)
        self.aside = site.folder / f"{self.where}.aside"
        folder.rename(self.aside)
        folder.mkdir()
        mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", folder)
        copy(self.aside, folder)
        about = shutil.disk_usage(folder)
        inodes = sum(1 for _ in folder.rglob("*")) + 1
        # A filesystem of pages; less than is in use it cannot have.
        options = f"size={(about.used + (self.bytes if self.bytes is not None else 1 << 22)) // 1024}k"
        if self.files is not None:
            options += f",nr_inodes={inodes + self.files}"
        mount("-o", f"remount,{options}", folder)
        return []

    def end(self, site, outcome):
        folder = site.folder / self.where
        shutil.rmtree(self.aside)
        copy(folder, self.aside)
        unmount(folder)
        folder.rmdir()
        self.aside.rename(folder)
        return int("No space left" in outcome.text)


@dataclasses.dataclass
class ReadOnly(Fault):
    """The spool, the queue or both are read-only, also for root."""

    where: str

    @property
    def kind(self):
        return f"read-only: {self.where}"

    def begin(self, site):
        folder = site.folder / self.where
        folder.mkdir(exist_ok=True)
        mount("--bind", folder, folder)
        mount("-o", "remount,bind,ro", folder)
        return []

    def end(self, site, outcome):
        unmount(site.folder / self.where)
        return 1


def mount(*arguments) -> None:
    subprocess.run(["/bin/mount", *map(str, arguments)], check=True)


def unmount(folder: pathlib.Path) -> None:
    # A program that is started for another site has our open files until it is what it will be.
    for _ in range(100):
        done = subprocess.run(["/bin/umount", str(folder)], capture_output=True, text=True)
        if "busy" not in done.stderr:
            break
        time.sleep(0.02)
    done.check_returncode()


def copy(source: pathlib.Path, target: pathlib.Path) -> None:
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)


@dataclasses.dataclass
class Damaged(Fault):
    """A file of the spool is damaged between two runs."""

    file: str
    # ("cut", BYTES), ("zeros",), ("flipped", BYTE, BIT), ("removed",), ("a folder",), ("unreadable",)
    way: tuple

    @property
    def kind(self):
        return f"damaged file: {self.way[0]}"

    def begin(self, site):
        path = site.folder / self.file
        self.held = path.read_bytes()
        kind, *more = self.way
        if kind == "cut":
            path.write_bytes(self.held[: more[0]])
        elif kind == "zeros":
            path.write_bytes(bytes(len(self.held)))
        elif kind == "flipped":
            changed = bytearray(self.held)
            changed[more[0]] ^= 1 << more[1]
            path.write_bytes(changed)
        else:
            path.unlink()
            if kind == "a folder":
                path.mkdir()
        return []

    def end(self, site, outcome):
        path = site.folder / self.file
        # What is in the way, or claims to be of a newer format, stops what needs it until
        # somebody does something about it: who reads its name removes it.
        if path.is_dir() and path.name in outcome.text:
            path.rmdir()
            if path.name.startswith("lastrun."):
                # Without it all would begin anew, see `main.damage`.
                path.write_bytes(self.held)
        elif "written by a newer cASO" in outcome.text:
            path.unlink()
        return 1

    def excuses(self, text):
        # A segment holds the only copy of its window, nothing else is worth a record; and what is
        # gone nobody can name.
        name = pathlib.Path(self.file).name
        if name.endswith(".seg") and (name in text or self.way[0] == "removed"):
            return self.held.decode(errors="replace")
        return ""


@dataclasses.dataclass
class ConsumerBeside(Fault):
    """ssmsend takes and purges while the run writes."""

    kind = "a consumer beside the run"
    turn = 2

    def begin(self, site):
        # Something for it to take from the first moment on.
        self.beside = consumer.Beside(site.queue, site.taken)
        return []

    def end(self, site, outcome):
        return int(self.beside.stop() > 0)


@dataclasses.dataclass
class Cloud(Fault):
    """A request of OpenStack's goes wrong: the nth, or every one that matches."""

    fault: str | int
    nth: int | None = None
    on: str = "/"

    @property
    def kind(self):
        what = self.fault if isinstance(self.fault, str) else f"status {self.fault}"
        return f"OpenStack: {what}"

    @property
    def denies_names(self):
        return self.fault in (403, 404)

    def begin(self, site):
        nth = {} if self.nth is None else {"nth": self.nth}
        site.cloud.inject(on=self.on, fault=self.fault, **nth)
        return []

    def end(self, site, outcome):
        return min(site.cloud.heal(), 1)


@dataclasses.dataclass
class Receiver(Fault):
    """The receiver of lines refuses, cuts, resets or stalls."""

    mood: tuple

    @property
    def kind(self):
        return f"the receiver {self.mood[0]}"

    def begin(self, site):
        site.receiver.mood, site.receiver.struck = self.mood, 0
        return []

    def end(self, site, outcome):
        site.receiver.mood = None
        return min(site.receiver.struck, 1)


@dataclasses.dataclass
class Clock(Fault):
    """OpenStack's clock is so far from ours, which is the same as ours from OpenStack's."""

    ahead: int
    kind = "clocks apart"

    def begin(self, site):
        site.cloud.inject(clock_ahead=self.ahead)
        return []

    def end(self, site, outcome):
        site.cloud.heal()
        return 1


@dataclasses.dataclass
class ClockBefore(Fault):
    """Our clock was ahead when what is in the queue was written, and was set back since."""

    ahead: int
    kind = "clock set back"
    turn = 0

    def begin(self, site):
        self.moved = consumer.later(site.queue, self.ahead)
        return []

    def end(self, site, outcome):
        return int(self.moved > 0)


STATUSES = (401, 403, 404, 429, 500, 502, 503, 504)
BAD_ANSWERS = ("html", "truncated", "half a body", "never", "closed", "slow", "the token ends")
MOODS = ("refuses", "closes", "stalls", "cuts", "resets")


def mood(chance: random.Random, name: str) -> tuple:
    return (name, chance.randrange(1, 9_000)) if name in ("cuts", "resets") else (name,)


def by_chance(chance: random.Random, known: list[calls.Call], can_mount: bool) -> list[Fault]:
    """What goes wrong in an hour of a life: one thing, or several that can meet."""
    faults: list[Fault] = []
    for _ in range(4):
        choice = chance.randrange(12 if can_mount else 10)
        if choice < 4:
            call = chance.choice(known)
            # Of a life no file's name is known before: by the thread's count.
            call = dataclasses.replace(call, file=None)
            how = (
                "SIGKILL"
                if call.name in calls.SHARED or choice < 2
                else chance.choice(calls.ERRORS.get(call.name, ["EIO"]))
            )
            faults.append(AtCall(call, how))
        elif choice == 4:
            faults.append(Killed(chance.uniform(0.02, 0.6)))
        elif choice == 5:
            faults.append(FileSize(chance.randrange(64, 6_000)))
        elif choice == 6:
            faults.append(Receiver(mood(chance, chance.choice(MOODS))))
        elif choice == 7:
            faults.append(Cloud(chance.choice(STATUSES + BAD_ANSWERS), chance.randrange(1, 40)))
        elif choice == 8:
            faults.append(ConsumerBeside())
        elif choice == 9:
            hours = chance.choice((-30, -23, -2, 2, 23, 30))
            faults.append(chance.choice((Clock(hours * 3_600), ClockBefore(abs(hours) * 3_600))))
        elif choice == 10:
            where = chance.choice(("spool", "ssm"))
            room = {"bytes": 4_096 * chance.randrange(24)} if chance.randrange(3) else {"files": chance.randrange(16)}
            faults.append(Filesystem(where, **room))
        else:
            faults.append(ReadOnly(chance.choice(("spool", "ssm"))))
        if chance.randrange(3):
            break
    # One of a kind, and one mount of a folder: they would stand in each other's way.
    met: dict[object, Fault] = {}
    for fault in faults:
        met.setdefault(getattr(fault, "where", type(fault)), fault)
    return list(met.values())
