"""What both checks stand on: a site with `ssm` and one component at the stand-in OpenStack, and a free port."""

from __future__ import annotations

import pathlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

TOOLS = pathlib.Path(__file__).resolve().parent.parent / "tools"
sys.path.insert(0, str(TOOLS))
import messages  # noqa: E402
import stand_in  # noqa: E402

WINDOW = ["--extract-from", "2026-10-01", "--extract-to", "2026-10-16"]


class Failed(Exception):
    """A check that does not hold."""


def must(holds: bool, what: str) -> None:
    if not holds:
        raise Failed(what)


def port() -> int:
    """A port that is free, as far as one can know."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait(what: str, answers: Callable[[], bool]) -> None:
    """Until it answers."""
    for _ in range(300):
        try:
            if answers():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise Failed(f"{what} does not answer")


class Bench:
    """Programs, the component, the cloud."""

    def __init__(self, programs: str, name: str, component: str, folder: pathlib.Path, projects: int, servers: int):
        self.programs, self.name, self.folder = pathlib.Path(programs), name, folder
        self.component = pathlib.Path(component).resolve()
        self.cloud = stand_in.Cloud(self.programs / "stand-in-cloud", projects, servers)

    def site(self, origin: str, terms: str = "", /, **options: str) -> Site:
        """A fresh one that is granted this origin, with these options of the component."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="site-", dir=self.folder))
        (folder / "spool").mkdir()
        sections = stand_in.site(
            folder, self.cloud.url, messengers=f"ssm, {self.name}", cache_dir=self.folder / "cache", delivery_timeout=30
        )
        grants = f"http:{origin}{terms}"
        sections[f"messenger_{self.name}"] = {"component": self.component, "grants": grants}
        sections[self.name] = options
        return Site(self, folder, sections)


class Site:
    """A site, and what became of its runs."""

    def __init__(self, bench: Bench, folder: pathlib.Path, sections: dict[str, dict]):
        self.bench, self.folder, self.sections = bench, folder, sections

    def run(self, program: str, *arguments: str, ends: int = 0) -> str:
        """Runs a program with the site's configuration; its output."""
        conf = stand_in.write(self.folder, self.sections)
        command = [str(self.bench.programs / program), *arguments, "--config-file", str(conf)]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600
        )
        must(
            done.returncode == ends,
            f"$ {' '.join(command)}\n{done.stdout}exit code {done.returncode}, where {ends} is due",
        )
        return done.stdout

    def extract(self, *window: str, ends: int = 0) -> str:
        return self.run("caso-extract", *(window or WINDOW), ends=ends)

    def deliver(self, ends: int = 0) -> str:
        return self.run("caso", "deliver", ends=ends)

    def vms(self) -> dict[str, dict[str, str]]:
        """The fields of the last record of each VM that `ssm` has."""
        found = messages.read(self.folder / "ssm")
        of_vms = (record for message in found for record in message.records if record.type == messages.CLOUD)
        return {record.fields["VMUUID"]: record.fields for record in of_vms}
