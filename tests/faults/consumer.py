"""Who takes what we publish: a consumer of the directory queue, and a receiver of lines.

The consumer goes by the protocol of python-dirq 1.8 (`QueueSimple.lock`, `get`, `remove`,
`purge`), as ssmsend does. The receiver is a TCP input that reads lines until the sender's
end and then closes, as Logstash's does; how it misbehaves is its mood.
"""

from __future__ import annotations

import pathlib
import re
import socket
import struct
import threading
import time

# Longer than a site's `delivery_timeout` here.
STALL = 5
# A folder of the queue is named after the minute of its elements.
GRANULARITY = 60
_DIRECTORY = re.compile(r"[0-9a-f]{8}")
_ELEMENT = re.compile(r"[0-9a-f]{14}")


def take(queue: pathlib.Path, taken: list[bytes], old: float = 300) -> int:
    """One pass of ssmsend: all messages in order, then a purge; how many it took.

    Temporary files that are older than `old` seconds are removed by the purge.
    """
    count = 0
    for folder in folders(queue):
        for name in listed(folder):
            if not _ELEMENT.fullmatch(name):
                continue
            element, lock = folder / name, folder / f"{name}.lck"
            try:
                lock.hardlink_to(element)
            except OSError:
                continue
            taken.append(element.read_bytes())
            element.unlink()
            lock.unlink()
            count += 1
    for folder in folders(queue):
        for name in listed(folder):
            path = folder / name
            try:
                if name.endswith((".tmp", ".lck")) and time.time() - path.stat().st_mtime > old:
                    path.unlink()
            except OSError:
                continue
    # All but the last one, as dirq does; one that is not empty stays.
    for folder in folders(queue)[:-1]:
        try:
            folder.rmdir()
        except OSError:
            continue
    return count


def folders(queue: pathlib.Path) -> list[pathlib.Path]:
    return [queue / name for name in listed(queue) if _DIRECTORY.fullmatch(name)]


def listed(folder: pathlib.Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return []


def later(queue: pathlib.Path, seconds: int) -> int:
    """Names everything in the queue as by a clock that was so far ahead; how many messages."""
    elements = [folder / name for folder in folders(queue) for name in listed(folder) if _ELEMENT.fullmatch(name)]
    # The last one first: none is in the way of another.
    for element in reversed(elements):
        moment = int(element.name[:8], 16) + seconds
        target = queue / f"{moment - moment % GRANULARITY:08x}"
        target.mkdir(exist_ok=True)
        element.rename(target / f"{moment:08x}{element.name[8:]}")
    return len(elements)


class Beside:
    """A consumer that takes and purges without a pause while a run goes on."""

    def __init__(self, queue: pathlib.Path, taken: list[bytes]):
        self.count = 0
        self.failed: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(queue, taken))
        self._thread.start()

    def _work(self, queue, taken):
        try:
            while not self._stop.is_set():
                self.count += take(queue, taken)
        except OSError as error:
            self.failed = error

    def stop(self) -> int:
        self._stop.set()
        self._thread.join()
        if self.failed:
            raise self.failed
        return self.count


class Receiver:
    """A receiver of lines on a port of its own."""

    def __init__(self):
        self.lines: list[bytes] = []
        # None: well. ("refuses",), ("closes",), ("cuts", BYTES), ("resets", BYTES), ("stalls",)
        self.mood: tuple | None = None
        self.struck = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._take, args=(connection, self.mood), daemon=True).start()

    def _take(self, connection: socket.socket, mood: tuple | None):
        kind, limit = (*(mood or ("well",)), None)[:2]
        self.struck += mood is not None
        with connection:
            try:
                connection.settimeout(30)
                if kind in ("refuses", "resets"):
                    # Without lingering a close is a reset.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if kind in ("refuses", "closes"):
                    return
                self._read(connection, limit)
                if kind == "stalls":
                    # All is read, and the receipt never comes.
                    time.sleep(STALL)
            except OSError:
                return

    def _read(self, connection: socket.socket, limit: int | None):
        """Whole lines count when they are read: the receipt, which is the close, comes after them."""
        rest, count = b"", 0
        while limit is None or count < limit:
            part = connection.recv(65_536 if limit is None else limit - count)
            if not part:
                return
            count += len(part)
            *lines, rest = (rest + part).split(b"\n")
            self.lines += lines
