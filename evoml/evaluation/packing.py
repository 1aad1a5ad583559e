"""Objects as one file that every process of a machine can map: their arrays stay in it, read-only, and are shared.

Pickle's protocol 5 hands out the memory of arrays (also those of data frames) beside the pickle itself (PEP 574). Here both
go into one file; reading it back maps the file, and the arrays are views of it that cost no memory of their own.
"""

from __future__ import annotations

import mmap
import os
import pickle
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import Any

from filelock import FileLock, Timeout

ALIGNMENT = 64  # bytes, as NumPy's own allocations on machines with wide registers
_NUMBER = Struct("<Q")
PREFIX, LOCK = "evoml-shared-", "owner.lock"
JUST_MADE = 60.0  # seconds for which a folder may be without its lock: it is being made


def pack(value: Any, path: str | Path, dumps: Callable[..., bytes] = pickle.dumps) -> int:
    """Write ``value`` to a new file, whole or not at all, and return its size in bytes; arrays are not copied first."""
    buffers: list[pickle.PickleBuffer] = []
    content = dumps(value, protocol=5, buffer_callback=buffers.append)
    views = [buffer.raw() for buffer in buffers]
    sizes = [len(content), *(view.nbytes for view in views)]
    part = f"{path}.{os.getpid()}"
    try:
        with open(part, "xb", buffering=0) as file:
            _write(file, memoryview(b"".join(map(_NUMBER.pack, (len(sizes), *sizes))) + content))
            for view in views:
                file.seek(-(-file.tell() // ALIGNMENT) * ALIGNMENT)
                _write(file, view)
            size = file.tell()
        os.rename(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
    return size


def _write(file: Any, view: memoryview) -> None:
    while view.nbytes:  # a single call writes two gigabytes at most, and less where the disk ends
        view = view[file.write(view) :]


def unpack(path: str | Path, *, writable: bool = False) -> Any:
    """Return the value in a file; its arrays are read-only views of the file, or ``writable`` copies."""
    with open(path, "rb", buffering=0) as file:
        content = memoryview(
            bytearray(file.read()) if writable else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        )
    count = _NUMBER.unpack_from(content)[0]
    sizes = [_NUMBER.unpack_from(content, 8 * (1 + index))[0] for index in range(count)]
    at = 8 * (1 + count)
    pieces = []
    for index, size in enumerate(sizes):
        at = at if index == 0 else -(-at // ALIGNMENT) * ALIGNMENT
        pieces.append(content[at : at + size])
        at += size
    return pickle.loads(pieces[0], buffers=pieces[1:])


class SharedFolder:
    """A new folder with room for ``n_bytes`` that goes with its owner, in memory (tmpfs) where there is enough of it.

    The owner holds a lock on it. Folders whose owner was killed, and whose lock is free therefore, are removed by the next one:
    nobody else would give that memory back.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, n_bytes: int) -> None:
        memory = Path("/dev/shm")
        places = [place for place in (memory, Path(tempfile.gettempdir())) if os.access(place, os.W_OK)]
        for place in places:
            _sweep(place)
        roomy = memory in places and shutil.disk_usage(memory).free > 2 * n_bytes
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=memory if roomy else None))
        self._lock = FileLock(self.path / LOCK, thread_local=False)
        self._lock.acquire()

    def empty(self) -> None:
        """Remove all that is in the folder; it is there afterwards, whatever became of it."""
        for entry in self.path.glob("*"):
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != LOCK:
                entry.unlink(missing_ok=True)
        self.path.mkdir(exist_ok=True)

    def remove(self) -> None:
        """Remove the folder and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()


def _sweep(place: Path) -> None:
    for left in place.glob(f"{PREFIX}*"):
        with suppress(OSError, Timeout):  # somebody else's, or somebody else is faster
            if (left / LOCK).is_file() and time.time() - left.stat().st_mtime > JUST_MADE:
                with FileLock(left / LOCK, timeout=0):
                    shutil.rmtree(left, ignore_errors=True)
