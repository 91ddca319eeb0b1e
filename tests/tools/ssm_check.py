#!/usr/bin/env python3
"""ssm_check.py SPOOL...: would ssmsend send this spool, all of it?

Goes through a copy of each spool with python-dirq as `ssm/ssm2.py send_all`
does: count, lock, get, decode as ASCII, remove, purge. Before that every name
in the spool must be one of dirq's, with no .tmp or .lck left behind, every
message must have content and be under AMS's megabyte, and ssmsend, which often
runs as another user, must be able to read it.
"""

from __future__ import annotations

import pathlib
import re
import shutil
import stat
import sys
import tempfile

from dirq.QueueSimple import QueueSimple

# S/MIME and base64 make a message about a third longer on its way.
LIMIT = 1_000_000 * 3 // 4


def names(spool: pathlib.Path) -> list[str]:
    """What is not as dirq names things."""
    complaints = []
    for folder in sorted(spool.iterdir()):
        if not folder.is_dir() or not re.fullmatch("[0-9a-f]{8}", folder.name):
            complaints.append(f"{folder}: not a folder of dirq's")
            continue
        for path in sorted(folder.iterdir()):
            if not path.is_file() or not re.fullmatch("[0-9a-f]{14}", path.name):
                complaints.append(f"{path}: left behind, or not dirq's")
                continue
            mode = path.stat().st_mode
            if not mode & stat.S_IROTH or not mode & stat.S_IRGRP:
                complaints.append(f"{path}: mode {stat.filemode(mode)}, ssmsend may not read it")
            if path.stat().st_nlink != 1:
                complaints.append(f"{path}: has {path.stat().st_nlink} links, so it is locked or half-written")
    return complaints


def send(spool: pathlib.Path) -> tuple[int, list[str]]:
    """What send_all would do, and what would stop it."""
    complaints, sent = [], 0
    queue = QueueSimple(str(spool))
    expected = queue.count()
    for name in queue:
        if not queue.lock(name):
            complaints.append(f"{name}: is locked")
            continue
        body = queue.get(name)
        try:
            text = body.decode("ascii")
        except UnicodeDecodeError as error:
            complaints.append(f"{name}: blocks the queue: {error}")
            continue
        if not text.strip():
            complaints.append(f"{name}: is empty")
        if len(body) > LIMIT:
            complaints.append(f"{name}: {len(body)} bytes, AMS would refuse it")
        queue.remove(name)
        sent += 1
    queue.purge(0, 0)
    if not complaints and (sent != expected or queue.count()):
        complaints.append(f"{sent} of {expected} messages sent, {queue.count()} left")
    return sent, complaints


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    failed = False
    for spool in map(pathlib.Path, sys.argv[1:]):
        complaints = names(spool)
        with tempfile.TemporaryDirectory() as scratch:
            copy = pathlib.Path(scratch) / "spool"
            shutil.copytree(spool, copy)
            sent, more = send(copy)
        for complaint in complaints + more:
            print(f"{spool}: {complaint}")
        print(f"{spool}: ssmsend sends {sent} messages, {len(complaints + more)} complaints")
        failed |= bool(complaints or more or not sent)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
