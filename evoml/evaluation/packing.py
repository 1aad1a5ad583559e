"""Objects as one file that every process of a machine can map: their arrays stay in it, read-only, and are shared.

Pickle's protocol 5 hands out the memory of arrays (also those of data frames) beside the pickle itself (PEP 574). Here both
go into one file; reading it back maps the file, and the arrays are views of it that cost no memory of their own.
"""

from __future__ import annotations

import mmap
import os
import pickle
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from struct import Struct
from typing import Any

ALIGNMENT = 64  # bytes, as NumPy's own allocations on machines with wide registers
_NUMBER = Struct("<Q")
_OURS = re.compile(r"evoml-shared-(\d+)-\w{8}")  # as named below: nobody else's folder may be taken for one


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


def shared_folder(n_bytes: int) -> Path:
    """Return a new folder of this process with room for ``n_bytes``, in memory (tmpfs) where there is enough of it.

    Folders that were left behind by processes killed in the middle are removed.
    """
    memory = Path("/dev/shm")
    for place in (memory, Path(tempfile.gettempdir())):
        if place.is_dir() and os.access(place, os.W_OK):
            for left in place.glob("evoml-shared-*"):
                ours = _OURS.fullmatch(left.name)
                if ours and not _alive(int(ours[1])):
                    shutil.rmtree(left, ignore_errors=True)
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * n_bytes
    return Path(tempfile.mkdtemp(prefix=f"evoml-shared-{os.getpid()}-", dir=memory if roomy else None))


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
