"""auditor.py PROGRAMS COMPONENT AUDITOR POSTGRES: see tests/consumers/auditor."""

from __future__ import annotations

import contextlib
import datetime
import os
import pathlib
import pwd
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator

import pyauditor

from bench import Bench, Failed, must, port, wait

PROJECTS, SERVERS = 3, 250
# As AUDITOR's migrations leave it (migrations/20240503141800_convert_meta_component_to_jsonb.sql).
TABLE = """create table auditor_accounting (
    id int generated always as identity, record_id text not null unique, meta jsonb, components jsonb,
    start_time timestamptz not null, stop_time timestamptz, runtime bigint, updated_at timestamptz not null)"""

# What enforce_rbac needs and no package of AUDITOR's brings: roles as casbin's own example has them.
MODEL = """[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && r.act == p.act
"""


class Database:
    """PostgreSQL in a folder, on loopback. It does not run as root."""

    def __init__(self, programs: str, folder: pathlib.Path):
        self.programs, self.folder, self.port = pathlib.Path(programs), folder, port()
        self.user = "nobody" if os.getuid() == 0 else None
        folder.mkdir()
        if self.user:
            os.chown(folder, pwd.getpwnam(self.user).pw_uid, -1)
        self.run("initdb", "-A", "trust", "-U", "auditor", "-D", folder / "data")
        self.start()
        self.run("createdb", *self.where(), "auditor")
        self.ask(TABLE)

    def where(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "auditor"]

    def run(self, program: str, *arguments: object) -> str:
        words = [str(self.programs / program), *map(str, arguments)]
        options = {"user": self.user} if self.user else {}
        done = subprocess.run(
            words, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, **options
        )
        must(done.returncode == 0, f"{words}: {done.stderr}")
        return done.stdout

    def ask(self, sql: str) -> str:
        return self.run("psql", *self.where(), "-qAt", "-c", sql, "auditor").strip()

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        # Its output would be waited for.
        self.run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-o", options, "-w", "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", self.folder / "data", "-m", "fast", "-w", "stop")


@contextlib.contextmanager
def server(
    program: str, database: Database, folder: pathlib.Path, more: str = "", tls: dict | None = None
) -> Iterator[int]:
    """AUDITOR at work, on a port."""
    here = port()
    secure = port()
    conf = folder / "auditor.yaml"
    text = f"application:\n  addr: [127.0.0.1]\n  port: {here}\n{more}"
    text += f"database:\n  host: 127.0.0.1\n  port: {database.port}\n  username: auditor\n  password: x\n"
    text += "  database_name: auditor\n  require_ssl: false\n"
    if tls:
        text += f"tls_config:\n  use_tls: true\n  https_port: {secure}\n"
        text += "".join(f"  {name}: {path}\n" for name, path in tls.items())
    conf.write_text(text)
    with (
        (folder / "auditor.log").open("a") as log,
        subprocess.Popen([program, conf], cwd=folder, stdout=log, stderr=log) as process,
    ):
        try:

            def answers() -> bool:
                with urllib.request.urlopen(f"http://127.0.0.1:{here}/health_check", timeout=5) as answer:
                    return answer.status == 200

            wait("AUDITOR", answers)
            yield secure if tls else here
        finally:
            process.kill()


def records(here: int) -> dict[str, pyauditor.Record]:
    """All that it has, by the Python client."""
    client = pyauditor.AuditorClientBuilder().address("127.0.0.1", here).timeout(30).build_blocking()
    return {record.record_id: record for record in client.get()}


def as_ssm(found: dict[str, pyauditor.Record], vms: dict[str, dict[str, str]]) -> int:
    """Whether the VMs that have ended are those of `ssm`, with its numbers."""
    ended = {f"caso-{uuid}": fields for uuid, fields in vms.items() if int(fields.get("EndTime") or 0)}
    must(len(ended) > 0 and len(ended) < len(vms), f"{len(ended)} of {len(vms)} VMs have ended")
    must(set(found) == set(ended), f"{len(found)} records of {len(ended)} VMs that have ended")
    for name, fields in ended.items():
        record = found[name]
        amounts = {it.name: it.amount for it in record.components}
        times = [int(time.replace(tzinfo=datetime.UTC).timestamp()) for time in (record.start_time, record.stop_time)]
        must(times == [int(fields["StartTime"]), int(fields["EndTime"])], f"{name}: {times}")
        must(record.runtime == times[1] - times[0], f"{name}: {record.runtime}")
        for component, field in (
            ("Cores", "CpuCount"),
            ("Memory", "Memory"),
            ("WallTime", "WallDuration"),
            ("TotalCPU", "CpuDuration"),
        ):
            must(amounts.get(component) == int(fields[field]), f"{name}: {component} is {amounts.get(component)}")
        meta = {key: record.meta.get(key) for key in ("site_id", "group_id", "voms")}
        must(
            meta == {"site_id": [fields["SiteName"]], "group_id": [fields["LocalGroupId"]], "voms": [fields["FQAN"]]},
            f"{name}: {meta}",
        )
    return len(ended)


def certificates(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """An authority, a server and a client of it."""

    def openssl(*words: object) -> None:
        done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True)
        must(done.returncode == 0, done.stderr)

    ca, key = folder / "ca.pem", folder / "ca.key"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", ca, "-days", 30, "-subj", "/CN=CA")
    extension = folder / "extension"
    extension.write_text("subjectAltName=DNS:localhost\n")
    for name in ("server", "client"):
        request = folder / "request"
        openssl(
            "req",
            "-new",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            folder / f"{name}.key",
            "-out",
            request,
            "-subj",
            f"/CN={name}",
        )
        openssl(
            "x509",
            "-req",
            "-in",
            request,
            "-CA",
            ca,
            "-CAkey",
            key,
            "-CAcreateserial",
            "-days",
            30,
            "-out",
            folder / f"{name}.pem",
            "-extfile",
            extension,
        )
    return {
        "ca": ca,
        **{f"{name}{end}": folder / f"{name}.{end}" for name in ("server", "client") for end in ("pem", "key")},
    }


def check(bench: Bench, program: str, database: Database) -> None:
    rows = lambda: int(database.ask("select count(*) from auditor_accounting"))  # noqa: E731
    updated = lambda: database.ask(
        "select md5(string_agg(record_id || meta || components || stop_time, '' order by record_id)) from auditor_accounting"
    )  # noqa: E731
    with server(program, database, bench.folder) as here:
        url = f"http://localhost:{here}"
        site = bench.site(url, url=url)
        site.extract()
        count = as_ssm(records(here), site.vms())
        print(f"{count} VMs that have ended are in AUDITOR as `ssm` has them")

        # A spool that was lost: all once more.
        first = updated()
        bench.site(url, url=url).extract()
        must(rows() == count and updated() == first, "records that AUDITOR had have changed")
        print("sent again they are the same")

        # AUDITOR has some of them, here and there.
        database.ask("delete from auditor_accounting where id % 3 = 0")
        must(rows() < count, "none is gone")
        bench.site(url, url=url).extract()
        must(rows() == count and updated() == first, "records that were gone are not there again")
        print("where it has some of them, it gets the others")

        # Without its database it answers, and nothing is lost.
        database.ask("delete from auditor_accounting")
        database.stop()
        site = bench.site(url, url=url)
        said = site.extract(ends=3)
        must("it has lost its database" in said, said)
        database.start()
        site.deliver()
        must(rows() == count and updated() == first, "records are missing")
        print("without its database they wait")

        # A VM that runs, and its end.
        database.ask("delete from auditor_accounting")
        site = bench.site(url, url=url, running="open")
        site.extract("--extract-from", "2026-10-01", "--extract-to", "2026-10-04")
        still = int(database.ask("select count(*) from auditor_accounting where stop_time is null"))
        must(still > 0, "none is open")
        site.extract("--extract-from", "2026-10-04", "--extract-to", "2026-10-16")
        later = int(database.ask("select count(*) from auditor_accounting where stop_time is null"))
        vms = site.vms()
        must(rows() == len(vms), f"{rows()} records of {len(vms)} VMs")
        ended = sum(bool(int(fields.get("EndTime") or 0)) for fields in vms.values())
        must(later == len(vms) - ended, f"{later} records are open, {ended} of {len(vms)} VMs have ended")
        must(later < still, "none was closed")
        stops = {name: record.stop_time for name, record in records(here).items() if record.stop_time}
        for name, stop in stops.items():
            expected = int(vms[name.removeprefix("caso-")]["EndTime"])
            must(int(stop.replace(tzinfo=datetime.UTC).timestamp()) == expected, f"{name}: {stop}")
        print(f"opened: {still} VMs that ran, {len(stops)} of which were closed by their end")

        # Another service.
        database.ask("delete from auditor_accounting")
        site = bench.site(url, url=f"{url}/elsewhere")
        said = site.extract(ends=3)
        must("404" in said and "check `url`" in said, said)
        print("another path: the records wait, and what to mend is said")

    # With this option it answers 200 to a request of which it stored nothing.
    database.ask("delete from auditor_accounting")
    with server(program, database, bench.folder, "ignore_record_exists_error: true\n") as here:
        url = f"http://localhost:{here}"
        bench.site(url, url=url).extract()
        must(rows() == count and updated() == first, "records are missing")
        database.ask("delete from auditor_accounting where id % 3 = 0")
        bench.site(url, url=url).extract()
        must(rows() == count and updated() == first, "a warning was taken for a delivery")
        print("ignore_record_exists_error: what it did not store is sent again")

    # In TLS it wants to know who writes.
    database.ask("delete from auditor_accounting")
    files = certificates(bench.folder)
    tls = {"ca_cert_path": files["ca"], "server_cert_path": files["serverpem"], "server_key_path": files["serverkey"]}
    with server(program, database, bench.folder, tls=tls) as here:
        url = f"https://localhost:{here}"
        site = bench.site(url, f"?cafile={files['ca']}", url=url)
        site.extract(ends=3)
        must(rows() == 0, "it took records of nobody")
        terms = f"?cafile={files['ca']}&certfile={files['clientpem']}&keyfile={files['clientkey']}"
        site.sections["messenger_auditor"]["grants"] = f"http:{url}{terms}"
        site.deliver()
        must(rows() == count and updated() == first, "records are missing")
        print("TLS: with a client certificate, and not without")

    # And whether who writes may. AUDITOR 0.11.2 keeps both settings as one (two `Data<bool>` of
    # startup.rs, of which the last counts): without the other one this one is not in force.
    (bench.folder / "model.conf").write_text(MODEL)
    for writer, code in (("another", 3), ("client", 0)):
        database.ask("delete from auditor_accounting")
        roles = f"ignore_record_exists_error: true\nrbac_config:\n  enforce_rbac: true\n  write_access_cn: [{writer}]\n"
        with server(program, database, bench.folder, roles, tls) as here:
            url = f"https://localhost:{here}"
            said = bench.site(url, terms, url=url).extract(ends=code)
            must(code == 0 or "Insufficient permissions" in said, said)
            must(rows() == (0 if code else count), f"{rows()} records of {writer}")
    print("enforce_rbac: whose name is in write_access_cn, and nobody else")


def main() -> int:
    programs, component, program, postgres = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="caso-auditor-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        bench = Bench(programs, "auditor", component, folder, PROJECTS, SERVERS)
        with bench.cloud:
            try:
                database = Database(postgres, folder / "database")
                try:
                    check(bench, str(pathlib.Path(program).resolve()), database)
                finally:
                    database.stop()
            except Failed as failed:
                print(f"FAILED: {failed}", file=sys.stderr)
                return 1
    print("ok: a real AUDITOR has what `auditor` sends, once")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
