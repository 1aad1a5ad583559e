"""Compiling kernels before they are needed: which there are, which are ready, and a process that compiles the others.

A group of kernels is what one learner needs. Its warm-up runs the learner on tiny tables, so that every specialisation that
is ever used is compiled. Nothing here imports Numba before a group is compiled or loaded.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from evoml.core.errors import EvomlError, nearest
from evoml.kernels.folder import READY, forget_folder, key_folder, other_folders, remove, taking_turns, texts_digest

# Name of the group -> module and function that warm it up, looked up when it is used: learners lie above kernels.
GROUPS: dict[str, str] = {
    "boosting": "evoml.learners.warm_ups:boosting",
    "expression": "evoml.learners.warm_ups:expression",
    "forest": "evoml.learners.warm_ups:forest",
    "formula_features": "evoml.learners.warm_ups:formula_features",
    "program": "evoml.learners.warm_ups:program",
}

COMPILE_SECONDS = 900.0  # after which a process that compiles gives up
# At 19, beside workers that keep all cores busy, compiling would hardly ever end; it is worth some of their time.
NICENESS = 5
_LOADED: set[str] = set()  # what a process has loaded is its own affair, as its imported modules are
_ENTRY = "from evoml.kernels.warmup import main; main()"


class CompileError(EvomlError):
    """Kernels could not be compiled."""


def warm_up_of(group: str) -> str:
    """Return ``"module:function"`` of a group; a group of somebody else's is named by that itself.

    Raises CompileError for an unknown name.
    """
    found = group if ":" in group else GROUPS.get(group)
    if found is None:
        there_are = ", ".join(GROUPS) or "none"
        raise CompileError(
            f"there is no group of kernels {group!r}{nearest(group, GROUPS)}; there are: {there_are}. One of your own is"
            " named by the function that warms it up: 'module:function'"
        )
    return found


# -- what is ready --------------------------------------------------------------------------------------------------------


def is_ready(group: str) -> bool:
    """Tell whether all kernels of a group are compiled; costs a look at a file. False for what cannot be found."""
    try:
        return marker(group).exists()
    except (ImportError, OSError, EvomlError):
        return False


def marker(group: str) -> Path:
    """Return the file that is there as soon as a group is compiled; its name changes with the texts of what warms it up."""
    module, _, function = warm_up_of(group).partition(":")
    return key_folder() / f"{module}-{function}-{_text(module)}{READY}"


@lru_cache(maxsize=32)
def _text(module: str) -> str:
    """Return the hash of a module's text, or of those of its whole package."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ImportError(f"there is no module {module}")
    file = Path(spec.origin)
    return texts_digest(sorted(file.parent.glob("*.py")) if "." in module else [file])


def seconds_taken(group: str) -> float:
    """Return the seconds that compiling a group that is ready has taken."""
    return float(json.loads(marker(group).read_text())["seconds"])


def clear(*, others: bool = False) -> Path:
    """Forget all that was compiled, for the kernels as they are now or for ``others`` as well; return where it was."""
    folder = key_folder()
    for found in (folder, *(other_folders(folder) if others else ())):
        remove(found)
    forget_folder()
    return folder.parent if others else folder


# -- compiling and loading ------------------------------------------------------------------------------------------------


def compile_group(group: str) -> float:
    """Compile a group here unless it is ready, one process at a time; return the seconds it has taken.

    Raises CompileError.
    """
    import filelock

    began = time.perf_counter()
    with taking_turns(filelock.FileLock(key_folder() / "groups.lock"), COMPILE_SECONDS):
        if not is_ready(group):
            try:
                _run(group)
                _write(marker(group), json.dumps({"group": group, "seconds": time.perf_counter() - began}))
            except EvomlError:
                raise
            except Exception as error:  # Numba, LLVM and the learner may raise anything
                raise CompileError(f"the kernels of {group} were not compiled: {_told(error)}") from error
    return time.perf_counter() - began


def load(groups: Iterable[str]) -> None:
    """Have the kernels of groups loaded in this process, and in those forked from it; what is not compiled is compiled now.

    What goes wrong is left to who uses them: it will go wrong there too.
    """
    for group in groups:
        if group not in _LOADED:
            _LOADED.add(group)
            with warnings.catch_warnings(), suppress(Exception):
                warnings.simplefilter("ignore")
                _run(group)


def is_loaded(group: str) -> bool:
    """Tell whether loading a group's kernels was tried in this process, or before it was forked."""
    return group in _LOADED


def _run(group: str) -> None:
    module, _, function = warm_up_of(group).partition(":")
    warm_up: Callable[[], object] = getattr(import_module(module), function)
    warm_up()


def _told(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


def _write(file: Path, text: str) -> None:
    """Write a file that is there as a whole or not at all."""
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(text)
    draft.replace(file)


def main() -> None:
    """Compile the groups whose warm-ups are the arguments, the first of which is the niceness; say what failed on stderr."""
    niceness, *groups = sys.argv[1:]
    if hasattr(os, "nice"):
        os.nice(int(niceness))
    faulthandler.dump_traceback_later(COMPILE_SECONDS, exit=True)
    failed = False
    for group in groups:
        try:
            compile_group(group)
        except EvomlError as error:
            failed = True
            print(error, file=sys.stderr)  # noqa: T201 - to a file of the parent's
    sys.exit(failed)


class Compilation:
    """A process that compiles groups of kernels, one after another.

    It is not stopped with the process that started it: what it compiles serves the next run as well, and it ends by itself.
    """

    def __init__(self, groups: Iterable[str], niceness: int = 0) -> None:
        self.groups = tuple(groups)
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._logged = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _ENTRY, str(niceness), *map(warm_up_of, self.groups)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            start_new_session=True,  # Ctrl-C in a terminal is not for it
            creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0) if niceness else 0,  # Windows
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def over(self) -> bool:
        """Tell whether the process has ended; if some group did not become ready, that is logged, once."""
        if self._process.poll() is None:
            return False
        failed = [group for group in self.groups if not is_ready(group)]
        if failed and not self._logged:
            self._logged = True
            logging.getLogger("evoml").warning(
                "kernels of %s could not be compiled beforehand: %s", ", ".join(failed), self.error()
            )
        return True

    def wait(self) -> None:
        """Wait until the process has ended. Raises CompileError if a group did not become ready."""
        self._process.wait()
        if failed := [group for group in self.groups if not is_ready(group)]:
            raise CompileError(f"{', '.join(failed)}: {self.error()}")

    def error(self) -> str:
        """Return what the process said last, or how it ended."""
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"the compiling process ended with code {self._process.returncode}"

    def close(self) -> None:
        """Let the process go on alone."""
        self._said.close()
        if self._process.poll() is None:  # somebody must take notice of its end, or it stays a zombie
            threading.Thread(target=self._process.wait, name="evoml-compilation", daemon=True).start()

    def stop(self) -> None:
        """End the process; what it has compiled is kept."""
        self._process.kill()
        self._process.wait()
        self._said.close()


def compile_in_background(groups: Iterable[str]) -> Compilation | None:
    """Start a process of low priority that compiles what is not ready among ``groups``; None if there is nothing to do.

    Any number of processes may do this at once: one compiles, those that the others have started wait for it.
    """
    missing = sorted(group for group in set(groups) if not is_ready(group))
    if not missing:
        return None
    with suppress(OSError):  # no process can be started: the kernels are compiled where they are needed
        return Compilation(missing, NICENESS)
    return None
