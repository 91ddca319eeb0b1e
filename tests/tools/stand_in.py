"""The stand-in OpenStack as a process, and the caso.conf of a site that accounts it."""

from __future__ import annotations

import json
import pathlib
import subprocess
import urllib.request


class Cloud:
    """The stand-in at work, on a port of its own; `latency` is what every answer takes, in milliseconds.

    With `hours` it is one in which something begins and ends in each of the hours from `first` on.
    """

    def __init__(self, program, projects: int = 0, servers: int = 0, latency: int = 0, hours: int = 0, first: int = 0):
        asked = {"projects": projects, "servers": servers, "latency-ms": latency, "hours": hours, "first": first}
        arguments = [f"--{name}={value}" for name, value in asked.items()]
        self.process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def counts(self) -> dict:
        """What was asked since the last time, by kind; forgotten by this."""
        return self._ask("DELETE", "requests")

    def inject(self, **fault) -> None:
        """Misbehaves from now on, as `tests/stand-in/src/loopback/remote.rs` has it."""
        self._ask("POST", "faults", fault)

    def heal(self) -> int:
        """All well again; how often a fault struck."""
        struck = self._ask("GET", "faults")["struck"]
        self._ask("DELETE", "faults")
        return struck

    def _ask(self, method: str, what: str, body: dict | None = None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/stand-in/{what}", data, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def __enter__(self) -> Cloud:
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def site(folder: pathlib.Path, url: str, **options) -> dict[str, dict]:
    """The sections of a caso.conf, for a site that lives in `folder`; `options` go into [DEFAULT]."""
    return {
        "DEFAULT": {
            "site_name": "TEST-SITE",
            "service_name": "TEST-SITE-CLOUD",
            "messengers": "ssm",
            "extractor": "nova",
            "spooldir": folder / "spool",
            "mapping_file": folder / "voms.json",
            **options,
        },
        "keystone_auth": {
            "auth_type": "v3password",
            "auth_url": f"{url}/identity/v3",
            "username": "accounting",
            "password": "secret",
            "user_domain_id": "default",
            "project_domain_id": "default",
        },
        "ssm": {"output_path": folder / "ssm"},
    }


def write(folder: pathlib.Path, sections: dict[str, dict]) -> pathlib.Path:
    """Writes FOLDER/caso.conf."""
    path = folder / "caso.conf"
    with path.open("w") as file:
        for section, options in sections.items():
            file.write(f"[{section}]\n" + "".join(f"{name} = {value}\n" for name, value in options.items()))
    return path
