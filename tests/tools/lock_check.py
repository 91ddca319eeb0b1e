#!/usr/bin/env python3
"""lock_check.py OURS CLOUD: ours and Python's fasteners keep each other out.

cASO takes its lock through oslo.concurrency, which is fasteners, which is a
record lock of fcntl's. While Python holds it, ours must wait as long as it is
configured to, name the holder, and end with 75; while ours holds it (at a cloud that
is slow to answer), Python must not get it; and once it is free, both do.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import time

import fasteners
import stand_in

NAME = "caso_should_not_run_in_parallel"


def start(ours: str, conf: pathlib.Path) -> subprocess.Popen:
    """Ours, with an output to read."""
    return subprocess.Popen(
        [ours, "--config-file", str(conf), "--extract-from", "2026-10-01", "--extract-to", "2026-10-16"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def main() -> int:
    ours, program = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as scratch, stand_in.Cloud(program, 1, 3, latency=300) as cloud:
        return check(ours, cloud.url, pathlib.Path(scratch))


def check(ours: str, url: str, folder: pathlib.Path) -> int:
    (folder / "spool").mkdir()
    (folder / "cache").mkdir()
    conf = stand_in.write(folder, stand_in.site(folder, url, lock_timeout=1, cache_dir=folder / "cache"))
    lock = fasteners.InterProcessLock(str(folder / "spool" / NAME))

    assert lock.acquire(blocking=False), "nobody holds the lock yet"
    child = start(ours, conf)
    output, _ = child.communicate(timeout=60)
    assert child.returncode == 75, f"exit code {child.returncode} while Python holds the lock:\n{output}"
    assert str(os.getpid()) in output, f"the holder, process {os.getpid()}, is not named:\n{output}"
    lock.release()

    # Compiles and caches the components, so that the next run is soon at the cloud.
    child = start(ours, conf)
    output, _ = child.communicate(timeout=300)
    assert child.returncode == 0, f"exit code {child.returncode} with the lock free:\n{output}"

    child = start(ours, conf)
    held = False
    while child.poll() is None and not held:
        if lock.acquire(blocking=False):
            lock.release()
            time.sleep(0.01)
        else:
            held = True
    output, _ = child.communicate(timeout=60)
    assert held, f"Python could take the lock all through a run of ours:\n{output}"
    assert child.returncode == 0, f"exit code {child.returncode}:\n{output}"
    assert lock.acquire(blocking=False), "the lock is not free after ours ended"
    lock.release()
    print("ours and fasteners keep each other out")
    return 0


if __name__ == "__main__":
    sys.exit(main())
