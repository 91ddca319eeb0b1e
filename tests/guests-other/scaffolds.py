#!/usr/bin/env python3
"""scaffolds.py CASO_EXTRACT [LANGUAGE...]: from an empty folder to a delivered record.

For each language: `caso component new` makes a messenger, its own build script builds it
from the registries, and `caso component run` and `check` try it. Then the language's
example of components/examples is laid over the folder, built, and run beside `ssm` at a
stand-in OpenStack: ungranted, granted, and where what it was granted refuses it.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import hmac
import http.server
import io
import itertools
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator

import check
from check import DONE, PARTLY, PROJECTS, SERVERS, TESTS, WINDOW, Door, Failed, Run, of_ssm, queued
import stand_in

EXAMPLES = TESTS.parent / "components" / "examples"
NOTHING_DONE = check.NOTHING_DONE


@dataclasses.dataclass
class Bench:
    """What all languages share."""

    extract: pathlib.Path
    folder: pathlib.Path
    cloud: stand_in.Cloud

    def run(self, *command: object, cwd: pathlib.Path | None = None) -> Run:
        words = [str(word) for word in command]
        done = subprocess.run(
            words, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1200
        )
        return Run(words, done.returncode, done.stdout)

    def component(self, *arguments: object) -> Run:
        return self.run(self.extract.with_name("caso"), "component", *arguments)


class Site:
    """A site with `ssm` and one component."""

    def __init__(self, bench: Bench, name: str, file: pathlib.Path):
        self.bench, self.name, self.file = bench, name, file
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"site-{name}-", dir=bench.folder))
        (self.folder / "spool").mkdir()
        self.options: dict[str, str] = {}
        self.grants = ""

    def conf(self) -> pathlib.Path:
        sections = stand_in.site(
            self.folder,
            self.bench.cloud.url,
            messengers=f"ssm, {self.name}",
            cache_dir=self.bench.folder / "cache",
            delivery_timeout=30,
        )
        sections[f"messenger_{self.name}"] = {"component": str(self.file), "grants": self.grants}
        sections[self.name] = self.options
        return stand_in.write(self.folder, sections)

    def extract(self) -> Run:
        return self.bench.run(self.bench.extract, *WINDOW, "--config-file", self.conf())

    def deliver(self) -> Run:
        return self.bench.run(self.bench.extract.with_name("caso"), "deliver", "--config-file", self.conf())

    def waits(self, run: Run, grant: str) -> None:
        """`ssm` has delivered, and this one's records wait for the grant."""
        run.ends(PARTLY).says(f"add `{grant}` to `grants` in [messenger_{self.name}]", f"wait for messenger `{self.name}`")
        run.must(len(self.vms()) == PROJECTS * SERVERS, "`ssm` did not deliver")

    def vms(self) -> list:
        return of_ssm(self.folder / "ssm")[0]


def month_totals(site: Site) -> Iterator[str]:
    folder = site.folder / "textfile"
    folder.mkdir()
    site.options["folder"] = str(folder)
    site.waits(site.extract(), f"directory-write:{folder}")
    yield "ungranted: the records wait, the line to add is reported"
    site.options["folder"] = str(site.folder / "spool")
    site.grants = f"directory-write:{site.folder}/spool"
    run = site.deliver().ends(NOTHING_DONE).says("grant it a place of its own")
    run.must(not list((site.folder / "spool").glob("*.prom")), "it wrote into the spool")
    yield "granted the spool: refused"
    site.options["folder"] = str(folder)
    site.grants = f"directory-write:{folder}"
    run = site.deliver().ends(DONE)
    text = (folder / "caso.prom").read_text()
    count = sum(int(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("caso_month_vms{"))
    run.must(count == PROJECTS * SERVERS, f"{count} VMs in\n{text}")
    yield f"granted: {count} VMs in the metrics"


def influx(site: Site) -> Iterator[str]:
    door = Door()
    site.options["server"] = door.address
    site.waits(site.extract(), f"connection:{door.address}")
    yield "ungranted: the records wait, the line to add is reported"
    site.grants = f"connection:{door.address}"
    site.deliver().ends(NOTHING_DONE).says("it asks to be tried again", f"`{door.address}` cannot be reached")
    yield "granted, and nobody listens: the records wait"
    door.attend()
    run = site.deliver().ends(DONE)
    lines = b"".join(door.taken).decode().splitlines()
    vms = {line.split(",vm=")[1].split(" ")[0] for line in lines if line.startswith("caso_vm,")}
    run.must(vms == {vm[0] for vm in site.vms()}, f"other VMs in {lines}")
    yield f"granted: {len(vms)} VMs arrived"


def month_csv(site: Site) -> Iterator[str]:
    queue = site.folder / "queue"
    site.options["output_path"] = str(queue)
    site.waits(site.extract(), f"queue:{queue}")
    yield "ungranted: the records wait, the line to add is reported"
    site.grants = f"queue:{site.folder}/other"
    run = site.deliver().ends(NOTHING_DONE).says(f"add `queue:{queue}` to `grants`")
    run.must(not queue.exists() and not (site.folder / "other").exists(), "a message in a queue")
    yield "granted another queue: the records wait, the line to add is reported"
    site.grants = f"queue:{queue}"
    run = site.deliver().ends(DONE)
    rows = [row for part in queued(queue) for row in csv.DictReader(io.StringIO(part.decode(), newline=""))]
    run.must({row["vm"] for row in rows} == {vm[0] for vm in site.vms()}, f"other VMs in {rows}")
    yield f"granted: {len(rows)} VMs, a CSV a month"


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes what is signed rightly; answers 503 as long as it is told to."""

    SECRET = b"between the two of us"
    busy = True
    taken: list[dict] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        expected = "sha256=" + hmac.new(self.SECRET, body, hashlib.sha256).hexdigest()
        status = 401 if self.headers["X-Signature-256"] != expected else 503 if self.busy else 200
        if status == 200:
            self.taken.append(json.loads(body))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def webhook(site: Site) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = "http://127.0.0.1:%d" % server.server_port
    site.options.update(url=f"{origin}/hook", secret=Receiver.SECRET.decode())
    site.waits(site.extract(), f"http:{origin}")
    yield "ungranted: the records wait, the line to add is reported"
    site.grants = f"http:{origin}"
    site.deliver().ends(NOTHING_DONE).says("the receiver answers 503")
    yield "granted, and the receiver is busy: the records wait"
    Receiver.busy = False
    run = site.deliver().ends(DONE)
    run.must(Receiver.SECRET.decode() not in run.output, "the secret is in the log")
    vms = {record["vmUuid"] for batch in Receiver.taken if batch["type"] == "cloud" for record in batch["records"]}
    run.must(vms == {vm[0] for vm in site.vms()}, f"other VMs in {Receiver.taken}")
    server.shutdown()
    yield f"granted: {len(vms)} VMs, each batch signed"


class Lines(http.server.BaseHTTPRequestHandler):
    """Takes lines; answers 503 as long as it is told to."""

    busy = True
    taken: list[str] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        status = 404 if self.path != "/lines?to=us" else 503 if self.busy else 200
        if status == 200:
            self.taken.extend(body.splitlines())
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def c_http(bench: Bench) -> Iterator[str]:
    """C without `wasi:http`: the world `messenger-http`."""
    folder = bench.folder / "lines"
    bench.component("new", "--lang", "c", "--kind", "messenger-http", "lines", "--into", folder).ends(DONE)
    if (bench.folder / "my-c" / ".tools").is_dir():
        (folder / ".tools").symlink_to(bench.folder / "my-c" / ".tools")
    build(bench, folder)
    file = folder / "lines.wasm"
    bench.component("run", file, "--set", "url=http://lines.example/to").ends(DONE).says("3 of 3 records accepted")
    bench.component("check", file).ends(DONE).says("it fits")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lines)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = "http://127.0.0.1:%d" % server.server_port
    site = Site(bench, "lines", file)
    site.options["url"] = f"{origin}/lines?to=us"
    site.waits(site.extract(), f"http:{origin}")
    yield "http: ungranted: the records wait, the line to add is reported"
    site.grants = f"http:{origin}"
    site.deliver().ends(NOTHING_DONE).says("the server answers 503")
    yield "http: granted, and the server is busy: the records wait"
    Lines.busy = False
    run = site.deliver().ends(DONE)
    vms = {line.split(";")[0] for line in Lines.taken}
    run.must(vms == {vm[0] for vm in site.vms()}, f"other VMs in {Lines.taken}")
    server.shutdown()
    yield f"http: granted: {len(vms)} VMs arrived"


def rust_kinds(bench: Bench) -> Iterator[str]:
    """A mapper, the example laid over it, and a filter."""
    mapper, own, hides = (bench.folder / name for name in ("my-mapper", "own-records", "hides"))
    for kind, folder in (("mapper", mapper), ("mapper", own), ("filter", hides)):
        bench.component("new", "--lang", "rust", "--kind", kind, folder.name, "--into", folder).ends(DONE)
        if (bench.folder / "my-rust" / "target").is_dir():
            (folder / "target").symlink_to(bench.folder / "my-rust" / "target")
    shutil.copytree(EXAMPLES / "own-records", own, dirs_exist_ok=True)
    for folder in (mapper, own, hides):
        build(bench, folder)
    bench.component("run", mapper / "my-mapper.wasm").ends(DONE).says("as the mapper, on the recording in the program")
    bench.component("run", own / "own-records.wasm").ends(DONE).says("cloud", "vm-hours")
    bench.component("run", hides / "hides.wasm").ends(DONE).says("as a filter of the sample records")
    for folder in (mapper, own, hides):
        bench.component("check", folder / f"{folder.name}.wasm").ends(DONE).says("it fits")
    yield "a mapper, a site's own records and a filter: they fit"


LANGUAGES: dict[str, tuple[str, Callable[[Site], Iterator[str]]]] = {
    "rust": ("month-totals", month_totals),
    "c": ("influx", influx),
    "python": ("month-csv", month_csv),
    "javascript": ("webhook", webhook),
}


# What there is besides a messenger.
MORE: dict[str, Callable[[Bench], Iterator[str]]] = {"c": c_http, "rust": rust_kinds}


def build(bench: Bench, folder: pathlib.Path) -> None:
    bench.run("sh", folder / "build.sh").ends(0)
    bench.run("sh", folder / "test.sh").ends(0)


def scaffold(bench: Bench, language: str) -> Iterator[str]:
    began = time.monotonic()
    name = f"my-{language}"
    folder = bench.folder / name
    bench.component("new", "--lang", language, name, "--into", folder).ends(DONE)
    build(bench, folder)
    file = folder / f"{name}.wasm"
    bench.component("run", file).ends(DONE).says("3 of 3 records accepted", "queue `outgoing`: 1 message")
    seconds = time.monotonic() - began
    yield f"from nothing to a delivered record in {seconds:.0f} s"
    bench.component("check", file).ends(DONE).says("it fits")
    bench.component("check", file, "--set", "separator=").ends(PARTLY).says("must not be empty")
    yield "fits, and says which option is wrong"


def example(bench: Bench, language: str) -> Iterator[str]:
    name, works = LANGUAGES[language]
    folder = bench.folder / name
    bench.component("new", "--lang", language, name, "--into", folder).ends(DONE)
    # What was installed and compiled for the starter is the same.
    for kept in (".tools", "node_modules", "target"):
        if (bench.folder / f"my-{language}" / kept).is_dir():
            (folder / kept).symlink_to(bench.folder / f"my-{language}" / kept)
    if language == "rust":
        (folder / "src" / "lines.rs").unlink()
    shutil.copytree(EXAMPLES / name, folder, dirs_exist_ok=True)
    build(bench, folder)
    file = folder / f"{name}.wasm"
    bench.component("run", file).ends(DONE)
    yield from (f"{name}: {held}" for held in works(Site(bench, name, file)))


def main() -> int:
    extract, *languages = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="caso-scaffolds-") as scratch:
        folder = pathlib.Path(scratch)
        (folder / "cache").mkdir(mode=0o700)
        extract = pathlib.Path(extract)
        bench = Bench(extract, folder, stand_in.Cloud(extract.with_name("stand-in-cloud"), PROJECTS, SERVERS))
        with bench.cloud:
            for language in languages or LANGUAGES:
                try:
                    parts = [scaffold(bench, language), example(bench, language)]
                    if language in MORE:
                        parts.append(MORE[language](bench))
                    for held in itertools.chain(*parts):
                        print(f"ok {language}: {held}", flush=True)
                except Failed as failure:
                    print(f"FAILED {language}: {failure}", file=sys.stderr)
                    return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
