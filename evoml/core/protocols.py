"""The extension points: what a genome space, an algorithm, an executor and a callback must offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from evoml.core.budget import Progress
    from evoml.core.candidate import Candidate, Evaluation, Outcome, Trial

__all__ = ["Algorithm", "Callback", "Executor", "GenomeSpace"]


class GenomeSpace(Protocol):
    """A kind of genome: how it is sampled, varied, named and measured. ``str(genome)`` is its text."""

    @property
    def operators(self) -> Mapping[str, int]:
        """Name of each variation operator, and the number of parents it takes."""
        ...

    def sample(self, positions: Sequence[int], streams: Sequence[np.random.Generator]) -> Sequence[Any]:
        """Return first genomes, one for each position in the order of asking and its random stream."""
        ...

    def vary(
        self,
        operators: Sequence[str],
        parents: Sequence[Sequence[Any]],
        streams: Sequence[np.random.Generator],
        trials: Sequence[Trial] = (),
    ) -> Sequence[Any]:
        """Return one offspring for each operator, its parents and its random stream; parents stay as they are.

        ``trials`` is what became of earlier genomes, in the order told, for operators that learn from it.
        """
        ...

    def key(self, genome: Any) -> str:
        """Return the canonical hash: equal for genomes that mean the same."""
        ...

    def complexity(self, genome: Any) -> float:
        """Return a documented measure of size."""
        ...

    def parse(self, text: str) -> Any:
        """Return the genome written as ``text``."""
        ...


class Executor(Protocol):
    """Runs evaluations somewhere, in any order, and hands back what became of each."""

    @property
    def capacity(self) -> int:
        """How many evaluations can usefully be on their way at once."""
        ...

    def submit(self, task: int, text: str, bars: Sequence[float] = ()) -> None:
        """Accept the genome written as ``text`` under the number ``task``; returns at once.

        ``bars`` are what its running score must reach at each stage for it to go on (see ``Candidate.bars``).
        """
        ...

    def completed(self, timeout: float | None = None) -> list[tuple[int, Evaluation]]:
        """Return finished evaluations; wait for the first one, at most ``timeout`` seconds."""
        ...

    def fit_all(self, texts: Sequence[str], timeout: float | None = None) -> list[Any]:
        """Return pipelines fitted on the whole table, at once where that can be done, begun in the order given.

        Everything still running is stopped. In place of one that could not be fitted, took its process down, or was not
        ready within ``timeout`` seconds of the call, stands a FitError with what went wrong.
        """
        ...

    def close(self) -> None:
        """Stop everything still running and free all resources."""
        ...


class Callback(Protocol):
    """Is called after each outcome was told; see :class:`evoml.run.RunCallback` for what else a callback may hear of."""

    def __call__(self, progress: Progress, outcome: Outcome) -> object: ...


class Algorithm(Protocol):
    """Decides what to try next. Pure: a step returns the next state and leaves the old one as it was."""

    def start(self) -> Any:
        """Return the state before the first step."""
        ...

    def ask(self, state: Any, n: int) -> tuple[Any, list[Candidate]]:
        """Return the next state and at most ``n`` new candidates; none while outcomes must be awaited."""
        ...

    def tell(self, state: Any, outcomes: Sequence[Outcome]) -> Any:
        """Return the state that follows from ``outcomes``."""
        ...

    def rivals(self, state: Any) -> Sequence[Outcome]:
        """Return the survivors that a candidate must be able to reach; none where there is no such thing."""
        ...

    def restore(
        self, record: Mapping[str, Any], candidates: Mapping[int, Candidate], outcomes: Sequence[Outcome]
    ) -> Any:
        """Return the state that ``state.record()`` gave, from a run's journal."""
        ...
