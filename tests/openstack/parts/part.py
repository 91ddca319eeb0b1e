"""What the probes of a part share: its settings, and a folder for what they record."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bed"))
from api import ADMIN_PROJECT, SERVICE_PROJECT, ask, log_in  # noqa: E402, F401


def settings(program, *names):
    """What env.sh beside `program` sets, by name."""
    script = 'source "$0"; for name in "$@"; do printf "%s\\0" "${!name}"; done'
    env = pathlib.Path(program).resolve().with_name("env.sh")
    done = subprocess.run(["bash", "-c", script, env, *names], capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[:-1]


def ids(run):
    """The ids of what the bed was seeded with; RUN is the bed's folder of that name."""
    return json.loads(pathlib.Path(run, "ids.json").read_text())


def recordings(here):
    """HERE/recordings, empty."""
    folder = pathlib.Path(here, "recordings")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    return folder
