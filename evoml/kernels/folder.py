"""Where compiled kernels are kept: a folder for each state of the kernels' text, of the libraries and of the processor.

Numba is not imported here, so that looking whether kernels are ready costs next to nothing.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import platform
import shutil
import stat
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from evoml import __version__

if TYPE_CHECKING:
    from filelock import BaseFileLock

READY = ".ready"  # ending of the marker files
FOLDER, GONE = "kernels", "gone-"  # names of the folder of all states, and, to begin with, of what is removed just now
KEPT, RECENT = 4, 86400.0  # folders of other states that are kept: the last ones used, and all used in the last seconds
CPU_BYTES = 8192  # of the operating system's description of the processors: the first one
KEY_LENGTH = 24


def key_folder() -> Path:
    """Return the folder of the kernels as they are now. One that may be written to is there; another may be empty.

    It lies in the first of these that can be written to (or not any more, but was filled): ``$EVOML_CACHE_DIR``, the
    user's cache folder (``$XDG_CACHE_HOME``, else where the operating system has it), a temporary one.
    """
    settings = tuple(os.environ.get(name, "") for name in ("EVOML_CACHE_DIR", "XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"))
    return _key_folder(settings, key())


@lru_cache(maxsize=4)
def _key_folder(settings: tuple[str, ...], name: str) -> Path:
    for base in _bases():
        folder = base / FOLDER / name
        if _writable(folder) or next(folder.glob(f"*{READY}"), None):
            with suppress(OSError):
                os.utime(folder)  # it is in use
            return folder
    alone = Path(tempfile.mkdtemp(prefix="evoml-"))
    atexit.register(shutil.rmtree, alone, ignore_errors=True)
    return alone


def _bases() -> Iterator[Path]:
    if told := os.environ.get("EVOML_CACHE_DIR"):
        yield Path(told).expanduser().absolute()
    with suppress(RuntimeError):  # nobody knows where the user's home is
        yield _user_cache()
    with suppress(OSError):
        yield _shared_temporary()


def _user_cache() -> Path:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "evoml" / "Cache"
    told = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(told):  # others are to be ignored, says the XDG specification
        return Path(told) / "evoml"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "evoml"


def _shared_temporary() -> Path:
    """Return a temporary folder that all processes of this user share. Raises OSError if it is, or may be, another's.

    Compiled kernels are pickles: whoever could write there could run code here.
    """
    owner = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"evoml-{owner}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    others = hasattr(os, "getuid") and (found.st_uid != owner or stat.S_IMODE(found.st_mode) & 0o077)
    if others or not stat.S_ISDIR(found.st_mode):
        raise PermissionError(f"{folder} is not this user's own")
    return folder


def _writable(folder: Path) -> bool:
    """Make a folder if it is not there, clear away the oldest beside a new one, and tell whether it can be written to."""
    try:
        new = not folder.is_dir()
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    if new:
        clear_unused(folder)
    return True


def clear_unused(current: Path) -> None:
    """Remove the folders of other states beside ``current`` that were not used for long; none that may be in use."""
    used = {}
    for folder in other_folders(current):
        with suppress(OSError):  # another process has removed it just now
            used[folder] = folder.stat().st_mtime
    for folder in sorted(used, key=used.__getitem__, reverse=True)[KEPT:]:
        if time.time() - used[folder] > RECENT:
            remove(folder)


def other_folders(current: Path) -> list[Path]:
    """Return the folders of other states beside ``current``, and what is left of removed ones."""
    beside = current.parent.iterdir() if current.parent.name == FOLDER else ()
    return [one for one in beside if one != current and (len(one.name) == KEY_LENGTH or one.name.startswith(GONE))]


def remove(folder: Path) -> None:
    """Remove a folder, out of sight at once: nobody finds a marker in it for kernels that are gone already."""
    gone = folder.with_name(f"{GONE}{uuid.uuid4().hex[:8]}")
    with suppress(OSError):
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def forget_folder() -> None:
    """Look for the folder anew, because it was removed."""
    _key_folder.cache_clear()


# -- the key --------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def key() -> str:
    """Return a hash of all that decides what a kernel is compiled to.

    Numba looks at the text of the kernel's own file only, not at what it imports: here all texts count.
    """
    facts = (
        texts_digest(sorted(Path(__file__).parent.rglob("*.py"))),
        __version__,
        sys.version,
        *(f"{package} {_version(package)}" for package in ("numba", "llvmlite", "numpy")),
        platform.machine(),
        processor(),
        *sorted(f"{name}={value}" for name, value in os.environ.items() if _changes_code(name)),
    )
    return hashlib.blake2b("\n".join(facts).encode(), digest_size=KEY_LENGTH // 2).hexdigest()


def texts_digest(files: Sequence[Path]) -> str:
    """Return a hash of the texts of files, wherever they lie."""
    found = hashlib.blake2b(digest_size=8)
    for file in files:
        content = file.read_bytes()
        found.update(f"{file.name} {len(content)} ".encode() + content)
    return found.hexdigest()


def processor() -> str:
    """Return the name and the abilities of the processor, as far as the operating system tells them."""
    try:
        with open("/proc/cpuinfo", "rb") as cpuinfo:
            first = cpuinfo.read(CPU_BYTES).decode(errors="replace").split("\n\n")[0]
    except OSError:
        return platform.processor()
    told = ("vendor_id", "model name", "flags", "Features", "CPU implementer", "CPU part")
    return "\n".join(line for line in first.splitlines() if line.startswith(told))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"


def _changes_code(name: str) -> bool:
    """Tell whether an environment variable is one of Numba's that may change what a kernel is compiled to."""
    return name.startswith("NUMBA_") and not name.startswith(("NUMBA_CACHE", "NUMBA_NUM_THREADS", "NUMBA_THREADING"))


# -- one process at a time ------------------------------------------------------------------------------------------------


@contextmanager
def taking_turns(lock: BaseFileLock, seconds: float) -> Iterator[None]:
    """Let one process at a time in; the lock of a process that dies is free. After so many seconds all may go on.

    Where nothing can be locked, there is nothing to be shared either.
    """
    try:
        lock.acquire(timeout=seconds)
    except (OSError, NotImplementedError):  # a filelock.Timeout is an OSError
        yield
        return
    try:
        yield
    finally:
        lock.release()
