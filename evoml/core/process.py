"""What a process may ask of Linux about itself; elsewhere nothing happens, and nothing is known."""

from __future__ import annotations

import os
import platform
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata

from evoml import __version__


def status_bytes(name: str, process: int | str = "self") -> float:
    """Return a figure in bytes from Linux's status of a process; 0 if there is none."""
    with suppress(OSError, StopIteration, ValueError), open(f"/proc/{process}/status") as status:
        return next(int(line.split()[1]) * 1024.0 for line in status if line.startswith(name))
    return 0.0


def die_with_parent(parent: int) -> None:
    """Ask Linux to end this process with its parent, whose id is given; elsewhere a closed pipe has to do so."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)


def limit_memory(memory_limit: int | None) -> None:
    """Let this process allocate ``memory_limit`` bytes more than it has by now; all there is for None."""
    if sys.platform == "linux":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        limit = most if memory_limit is None else int(status_bytes("VmData")) + memory_limit
        resource.setrlimit(resource.RLIMIT_DATA, (limit, most))


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return the versions of evoml, Python and those of the libraries that are installed."""
    found = {"evoml": __version__, "python": platform.python_version()}
    for library in libraries:
        with suppress(metadata.PackageNotFoundError):
            found[library] = metadata.version(library)
    return found
