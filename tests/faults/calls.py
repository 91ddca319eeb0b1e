"""System calls: which ones a run makes, and how each is failed or is the last one.

By strace, which stands outside of the program: so a static build is treated like any other. It
counts the calls of each thread, so a call is named by its file where the file's name is the same in
every run: (call, file, n). Where it is not (the queue's names are times) it is the thread's n-th call.
"""

from __future__ import annotations

import collections
import dataclasses
import pathlib
import re

from sites import Site

FULL, READ_ONLY = ["ENOSPC", "EDQUOT", "EIO"], ["EROFS", "EIO"]
# What a call may answer, by the manual pages, beside EIO.
ERRORS = {
    "openat": ["EIO", "EMFILE", "EACCES", "ENOSPC", "EROFS"],
    "write": FULL,
    "pwrite64": FULL,
    "writev": FULL,
    "fsync": FULL,
    "fdatasync": FULL,
    "ftruncate": ["EIO", "EFBIG"],
    "fallocate": FULL,
    "link": ["ENOSPC", "EDQUOT", "EPERM"],
    "linkat": ["ENOSPC", "EDQUOT", "EPERM"],
    "mkdir": ["ENOSPC", "EDQUOT", "EROFS"],
    "mkdirat": ["ENOSPC", "EDQUOT", "EROFS"],
    "rename": ["ENOSPC", *READ_ONLY],
    "renameat": ["ENOSPC", *READ_ONLY],
    "renameat2": ["ENOSPC", *READ_ONLY],
    "fcntl": ["ENOLCK", "EINTR"],
    "flock": ["ENOLCK", "EINTR"],
    "chmod": ["EPERM", "EROFS"],
    "fchmod": ["EPERM", "EROFS"],
    "chown": ["EPERM", "EROFS"],
    "fchown": ["EPERM", "EROFS"],
}
# What other files of the process than the site's must not be hit by, where a call is not named by its file:
# sockets, and the pipe on which the runtime wakes itself.
SHARED = {"read", "write", "writev", "close", "fcntl", "fstat", "ioctl", "lseek"}
# That a run ends at one of these is the same as that it ends at the next call.
HARMLESS = {"close", "fstat", "statx", "newfstatat", "readlink", "readlinkat", "lseek", "ioctl"}
# Never answered with an error: Rust's standard library ends a program where a folder cannot be closed, which
# Linux does not know, and looks away where a file cannot.
CERTAIN = {"close"}
_LINE = re.compile(r"^(\d+) +(\w+)\((.*)")
_PATH = re.compile(r'<(/[^>]*)>|"(/[^"]*)"')


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of an undisturbed run."""

    name: str
    # Below the site's folder; None where that differs from run to run.
    file: str | None
    # Of its name and file.
    n: int
    # Of its name in its thread.
    of_thread: int


def of_run(site: Site, hour: int) -> list[Call]:
    """The calls of an undisturbed run that concern files of the site."""
    outcome = site.run(hour, [*strace(site), "-y", "-etrace=%file,%desc"])
    if outcome.code not in (0, 3):
        raise SystemExit(f"an undisturbed run under strace: {outcome}")
    calls, by_file, by_thread = [], collections.Counter(), collections.Counter()
    for line in site.log.read_text(errors="replace").splitlines():
        # A call that is interrupted by another thread's stands there twice, the second time as resumed.
        found = _LINE.match(line)
        if not found:
            continue
        thread, name, rest = found.groups()
        by_thread[thread, name] += 1
        paths = [one or other for one, other in _PATH.findall(rest)]
        inside = [path for path in paths if path.startswith(f"{site.folder}/")]
        if not inside:
            continue
        file = str(pathlib.Path(inside[0]).relative_to(site.folder))
        by_file[name, file] += 1
        if name == "execve":
            continue
        # The queue's names are times, and a file without a name shows its inode.
        known = None if re.search(r"ssm/[0-9a-f]{8}|/#", file) else file
        calls.append(Call(name, known, by_file[name, file], by_thread[thread, name]))
    return calls


def strace(site: Site) -> list[str]:
    return ["/usr/bin/strace", "-f", "-q", "-o", str(site.log)]


def inject(site: Site, call: Call, how: str, ever_after: bool = False) -> list[str]:
    """The command in front of a run in which this call is answered so, or is the last one.

    With `ever_after` all later ones of this file and kind are answered so, too.
    """
    what = "signal=SIGKILL" if how == "SIGKILL" else f"error={how}"
    when = f"{call.n if call.file else call.of_thread}{'+' if ever_after else ''}"
    file = ["-P", str(site.folder / call.file)] if call.file else []
    # Faster with the filter of seccomp, at whose stops no signal can be sent.
    fast = [] if how == "SIGKILL" else ["--seccomp-bpf"]
    return [*strace(site), *fast, *file, f"-etrace={call.name}", f"-einject={call.name}:{what}:when={when}"]


def is_injected(site: Site) -> bool:
    """Whether the run made such a call."""
    return site.log.exists() and "(INJECTED)" in site.log.read_text(errors="replace")
