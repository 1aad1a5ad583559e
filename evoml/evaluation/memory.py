"""What a worker keeps between evaluations: predictions of stacked models, which many candidates share.

A stacked model is by far the dearest step, and evolution keeps it while it varies what is around it. Its predictions are kept
under a hash of its plan and of the very data it is fitted on, so that what is recalled is what would have been computed.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

MAX_BYTES = 64 * 2**20


class Memory:
    """Arrays by name, those used last kept.

    Parameters
    ----------
    max_bytes : int
        Bytes that all arrays together may take.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes, self.n_bytes, self.hits = max_bytes, 0, 0
        self._arrays: OrderedDict[bytes, np.ndarray] = OrderedDict()

    def recall(self, name: bytes, compute: Callable[[], Any]) -> np.ndarray:
        """Return a copy of the array called ``name``, computed if it is not there."""
        if name in self._arrays:
            self.hits += 1
            self._arrays.move_to_end(name)
        else:
            array = np.asarray(compute())
            self._arrays[name] = array
            self.n_bytes += array.nbytes
            while self.n_bytes > self.max_bytes and len(self._arrays) > 1:
                self.n_bytes -= self._arrays.popitem(last=False)[1].nbytes
        return self._arrays[name].copy()

    def remember(self, key: str, step: Any) -> Any:
        """Return a step that does what ``step`` does, and keeps its results here; ``key`` tells what it does."""
        return Remembered(step, key, self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Memory:
        return self  # a cloned step keeps its results in the same place


class Remembered(TransformerMixin, BaseEstimator):
    """A step whose results are kept: ``fit_transform`` and ``transform`` compute only what was never asked before."""

    def __init__(self, step: Any, key: str, memory: Memory) -> None:
        self.step, self.key, self.memory = step, key, memory

    def fit(self, X: Any, y: Any) -> Any:
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any) -> Any:
        self.data_, self.fitted_ = (X, y), False
        self.name_ = digest(self.key, X, y)
        return self.memory.recall(self.name_, self._compute)

    def transform(self, X: Any) -> Any:
        return self.memory.recall(digest(self.name_, X), lambda: self._whole().transform(X))

    def _compute(self) -> Any:
        found = self.step.fit_transform(*self.data_)
        self.fitted_ = True
        return found

    def _whole(self) -> Any:
        """Return the step fitted, which is not needed as long as all its results are recalled."""
        if not self.fitted_:
            self.step.fit(*self.data_)
            self.fitted_ = True
        return self.step


def digest(*contents: Any) -> bytes:
    """Return a hash of texts, arrays and data frames, by content."""
    import pandas as pd

    found = hashlib.blake2b(digest_size=16)
    for content in contents:
        if isinstance(content, (str, bytes)):
            found.update(content if isinstance(content, bytes) else content.encode())
        elif hasattr(content, "iloc"):
            found.update(repr(list(content.columns)).encode())
            found.update(pd.util.hash_pandas_object(content, index=False).to_numpy().tobytes())
        else:
            array = np.ascontiguousarray(content)
            found.update(f"{array.dtype}{array.shape}".encode())
            found.update((pd.util.hash_array(array) if array.dtype.kind == "O" else array).tobytes())
    return found.digest()
