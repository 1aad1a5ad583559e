"""How every kernel is compiled: kept on disk, the GIL released, NumPy's rules for division.

Numba keeps compiled functions beside their source, or in a folder that is set for the whole process. Ours have their own
(:mod:`evoml.kernels.folder`), and what another user of Numba has set in this process stays as it is.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial, wraps
from pathlib import Path
from typing import Any

import filelock
import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.compiler_lock import global_compiler_lock

from evoml.kernels.folder import key_folder, taking_turns, texts_digest

LOCK_SECONDS = 120.0  # to wait for another process that compiles the same kernel, before it is compiled here too


def kernel(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile a function over arrays; ``options`` go to `numba.njit`."""
    if function is None:
        return partial(kernel, **options)
    settings = {"nogil": True, "error_model": "numpy", **options}
    kept = settings.pop("cache", True)
    compiled = numba.njit(**settings)(function)
    # It has no cache where NUMBA_DISABLE_JIT is set; and what was typed in has no text by which it could be known again.
    if kept and hasattr(compiled, "enable_caching") and Path(inspect.getfile(function)).is_file():
        compiled._cache = KernelCache(function)
        compiled.compile = _one_process_at_a_time(compiled)
    return compiled


def _one_process_at_a_time(compiled: Any) -> Callable[..., Any]:
    """Return the dispatcher's ``compile`` under a lock that all processes share: the first compiles, the others load.

    Numba's own lock is taken first. Threads would otherwise wait for each other in a circle: one with Numba's lock for our
    file's, another the other way round.
    """
    compile_or_load = type(compiled).compile.__get__(compiled)
    locks: dict[int, filelock.FileLock] = {}  # by process: one that is forked cannot use its parent's

    @wraps(compile_or_load)
    def compile(signature: Any) -> Any:
        process = os.getpid()
        with global_compiler_lock:
            if process not in locks:  # kept, for a lock can be taken again by who has it only through the same object
                locks[process] = filelock.FileLock(compiled._cache.lock)
            with taking_turns(locks[process], LOCK_SECONDS):
                return compile_or_load(signature)

    return compile


class _Place:
    """Where one kernel is kept, in the words of Numba's locators."""

    def __init__(self, function: Any, file: str) -> None:
        self._line, self._py_file = function.__code__.co_firstlineno, file  # Numba's warnings name the file
        self._stamp = texts_digest([Path(file)])
        self._folder = key_folder() / f"{function.__module__}-{self._stamp[:8]}"
        with suppress(OSError):
            self.ensure_cache_path()

    def ensure_cache_path(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return self._stamp

    def get_disambiguator(self) -> str:
        return str(self._line)


class _KernelCacheImpl(CompileResultCacheImpl):  # type: ignore[misc]
    def __init__(self, function: Any) -> None:
        """Set all that Numba's own constructor does, with our place in place of the one it looks for."""
        self._lineno = function.__code__.co_firstlineno
        self._locator = _Place(function, inspect.getfile(function))
        name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
        self._filename_base = self.get_filename_base(name, "")


class KernelCache(FunctionCache):  # type: ignore[misc]
    """Numba's cache of one function, in our folder: what cannot be read is compiled, what cannot be kept is not kept."""

    _impl_class = _KernelCacheImpl

    @property
    def lock(self) -> Path:
        """The file that processes lock while they compile or load this function."""
        return Path(self._cache_path) / f"{self._impl.filename_base}.lock"

    def load_overload(self, signature: Any, target: Any) -> Any:
        try:
            return super().load_overload(signature, target)
        except Exception:  # what a damaged file unpickles to may raise anything
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        with suppress(OSError):  # a full disk, a folder that may only be read, or that was removed just now
            super().save_overload(signature, compiled)
