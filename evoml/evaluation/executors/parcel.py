"""A problem on its way through processes that only pass it on.

A Dask worker gets the table and hands it to the process that evaluates; it needs neither a second copy of it nor the classes
that the user has defined. So it gets bytes, and only what it hands on becomes a problem again, at the receiver's.
"""

from __future__ import annotations

import pickle
import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.evaluation.executors.process import defined_by_user, dumps

if TYPE_CHECKING:
    from evoml.evaluation.problem import Problem


@dataclass(frozen=True)
class Parcel:
    """A pickled problem.

    Attributes
    ----------
    content : bytes
    buffers : list of (n_bytes,) uint8 arrays
        The memory of its arrays (PEP 574), which travels without being copied.
    defined_by_user : bytes
        What the user's main module defines of the names in the catalogue.
    """

    content: bytes
    buffers: list[np.ndarray]
    defined_by_user: bytes

    @classmethod
    def of(cls, problem: Problem) -> Parcel:
        """Pack a problem. Raises EvomlError if part of it cannot be pickled."""
        buffers: list[pickle.PickleBuffer] = []
        content = dumps(problem, protocol=5, buffer_callback=buffers.append)
        defined = dumps(defined_by_user(problem.builder))
        return cls(content, [np.frombuffer(buffer.raw(), np.uint8) for buffer in buffers], defined)

    @property
    def n_bytes(self) -> int:
        return len(self.content) + sum(buffer.nbytes for buffer in self.buffers)

    def for_host(self) -> Any:
        """Return what becomes the problem when it is unpickled, which is the host's affair."""
        return _BecomesProblem(self)

    def define_names(self) -> None:
        """Define the user's names in the main module of this process, so that objects of these classes can be unpickled."""
        vars(sys.modules["__main__"]).update(pickle.loads(self.defined_by_user))


class _BecomesProblem:
    """All that an executor looks at in a problem before it packs it: the size of the table, and the names of parts."""

    builder = None  # the names are in the parcel

    def __init__(self, parcel: Parcel) -> None:
        self._parcel = parcel
        self.dataset = SimpleNamespace(n_bytes=parcel.n_bytes)

    def __reduce_ex__(self, protocol: Any) -> Any:
        parcel = self._parcel
        return _unpack, (
            parcel.content,
            [pickle.PickleBuffer(one.data) for one in parcel.buffers],
            parcel.defined_by_user,
        )


def _unpack(content: bytes, buffers: list[Any], defined_by_user: bytes) -> Any:
    vars(sys.modules["__main__"]).update(pickle.loads(defined_by_user))
    return pickle.loads(content, buffers=buffers)
