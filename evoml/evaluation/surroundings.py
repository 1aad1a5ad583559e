"""What is around an evaluation: global random states, threads of numerical libraries, memory, messages of errors."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from evoml.core.process import status_bytes

_TURN = threading.RLock()
_SPARE: list[np.random.MT19937] = []  # generators that nobody draws from now


def error_text(error: BaseException) -> str:
    """Return the type and message of an error, also of one that cannot say its own message, fit for any file."""
    try:
        message = str(error)
    except Exception:
        message = "it has no message that can be read"
    return f"{type(error).__name__}: {message}"[:2000].encode(errors="backslashreplace").decode()[:2000]


@contextlib.contextmanager
def quiet(seed: int) -> Iterator[Callable[[], None]]:
    """Silence warnings, keep to one thread, and leave the global random states as they were.

    Parts that draw from a global state despite all find it seeded, so that they too repeat themselves; the function that
    is handed out seeds it anew. All this belongs to the whole process, so threads take turns.
    """
    with _TURN:

        def seed_anew() -> None:
            random.seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002

        with random_states_kept(), warnings.catch_warnings(), np.errstate(all="ignore"), _one_thread():
            warnings.simplefilter("ignore")
            seed_anew()
            yield seed_anew


@contextlib.contextmanager
def random_states_kept() -> Iterator[None]:
    """Leave the global random states as they were."""
    found = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(found[0])
        np.random.set_state(found[1])  # noqa: NPY002


@contextlib.contextmanager
def random_generators_aside() -> Iterator[None]:
    """The same in a fraction of the time, but for half of a pair of normal numbers that NumPy may have kept back.

    Another generator takes the place of NumPy's: to copy that one's state twice takes longer than many a prediction.
    """
    python, found = random.getstate(), np.random.get_bit_generator()  # type: ignore[attr-defined]
    spare = _SPARE.pop() if _SPARE else np.random.MT19937(0)
    np.random.set_bit_generator(spare)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        np.random.set_bit_generator(found)  # type: ignore[attr-defined]
        random.setstate(python)
        _SPARE.append(spare)


def _one_thread() -> contextlib.AbstractContextManager[Any]:
    """Keep numerical libraries to one thread: sums in another order are other bits. Workers are born that way."""
    if os.environ.get("OMP_NUM_THREADS") == os.environ.get("OPENBLAS_NUM_THREADS") == "1":
        return contextlib.nullcontext()
    return _numerical_libraries(len(sys.modules)).limit(limits=1)  # type: ignore[no-any-return]


@lru_cache(maxsize=1)
def _numerical_libraries(n_modules: int) -> Any:
    """Return a controller of the numerical libraries that are loaded: new ones come with new modules."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def peak_memory(*, reset: bool = False) -> float:
    """Return the most bytes this process has held since the last reset; with ``reset``, those it holds now. 0 if unknown."""
    if reset:
        with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as clear:
            clear.write("5")
    return status_bytes("VmHWM")
