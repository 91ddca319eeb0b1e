"""A site: its folder, its runs, and what its consumers got."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import consumer
import model
import stand_in

# A run that takes longer hangs.
PATIENCE = 120


@dataclasses.dataclass
class Outcome:
    """How a run ended; the code of one that a signal ended is the signal's, negative."""

    code: int
    text: str
    command: list[str]

    def crash(self) -> str | None:
        """What no fault may bring about."""
        if "panicked at" in self.text:
            return "panicked"
        if self.code < 0 and self.code != -signal.SIGKILL:
            return f"ended by {signal.Signals(-self.code).name}"
        return None

    def __str__(self):
        return f"$ {' '.join(map(str, self.command))}\nended with {self.code}\n{self.text}"


class Site:
    """One site at a stand-in cloud, with a queue for ssmsend and a receiver of lines."""

    def __init__(
        self,
        folder: pathlib.Path,
        program: pathlib.Path,
        cloud: pathlib.Path,
        cache: pathlib.Path,
        first: int,
        hours: int,
    ):
        self.folder, self.program, self.first = folder, program, first
        self.cloud = stand_in.Cloud(cloud, hours=hours, first=first)
        self.receiver = consumer.Receiver()
        self.taken: list[bytes] = []
        self.spool, self.queue = folder / "spool", folder / "ssm"
        self.log = folder.with_name(f"{folder.name}.strace")
        self.kept = folder.with_name(f"{folder.name}.kept")
        self.sections = stand_in.site(
            folder,
            self.cloud.url,
            cache_dir=cache,
            first_extract_from=iso(first),
            ip_records_for_past_windows="true",
            delivery_timeout=4,
            # The queue gets each project as soon as it is on disk, the receiver all of them at the end.
            deliver_while_extracting=1,
        )
        self.sections["DEFAULT"] |= {"messengers": "ssm, logstash", "extractor": "nova, cinder, neutron"}
        self.sections["keystone_auth"] |= {"connect_retries": 1, "status_code_retries": 1, "timeout": 2}
        # Several messages an hour.
        self.sections["ssm"]["max_size"] = 4
        self.sections["logstash"] = {"host": "127.0.0.1", "port": self.receiver.port}

    def clear(self) -> None:
        """A fresh site, to which nothing has happened."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.spool.mkdir(parents=True)
        self.conf = stand_in.write(self.folder, self.sections)
        self.taken.clear()
        self.receiver.lines.clear()
        self.receiver.mood = None

    def keep(self, name: str) -> None:
        """Remembers the site as it is now, under a name."""
        kept = self.kept / name
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.folder, kept, symlinks=True)
        got = [[body.decode("latin-1") for body in bodies] for bodies in (self.taken, self.receiver.lines)]
        (kept / "got").write_text(json.dumps(got))

    def restore(self, name: str) -> None:
        """The site as it was kept."""
        self.clear()
        shutil.copytree(self.kept / name, self.folder, symlinks=True, dirs_exist_ok=True)
        # It may be another site's.
        stand_in.write(self.folder, self.sections)
        got = self.folder / "got"
        for bodies, texts in zip((self.taken, self.receiver.lines), json.loads(got.read_text()), strict=True):
            bodies += [text.encode("latin-1") for text in texts]
        got.unlink()

    def run(self, hour: int, prefix: list[str] = (), kill_after: float | None = None) -> Outcome:
        """An hour's run, to the end of that hour."""
        to = iso(self.first + hour * model.HOUR)
        command = [*prefix, self.program, "extract", "--config-file", self.conf, "--extract-to", to]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            text, _ = process.communicate(timeout=PATIENCE if kill_after is None else kill_after)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            text, _ = process.communicate()
            if kill_after is None:
                text += f"\npanicked at nothing: it hangs, for {PATIENCE} s".encode()
        return Outcome(process.returncode, text.decode(errors="replace"), command)

    def consume(self) -> None:
        """What ssmsend does behind the run."""
        consumer.take(self.queue, self.taken)

    def judge(
        self, right: tuple[model.Table, model.Table], excused: str = "", names_denied: bool = False
    ) -> model.Verdict:
        """What is wrong with what arrived; `right` is what a site has that was never disturbed."""
        self.consume()
        verdict = model.Verdict()
        for who, table, got in zip(("APEL", "Logstash"), right, self.tables(), strict=True):
            model.judge(verdict, who, table, got, excused, names_denied)
        # Nobody finds fault with a record here: each that we hold back is as good as refused.
        for path in self.spool.glob("caso-journal/**/quarantine/**/*.jsonl"):
            verdict.refused += 1
            verdict.texts.append(f"in quarantine: {path}: {path.read_text(errors='replace')[:500]}")
        return verdict

    def tables(self) -> tuple[model.Table, model.Table]:
        return model.of_messages(self.taken), model.of_lines(self.receiver.lines)

    def close(self) -> None:
        self.cloud.__exit__()


def iso(moment: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
