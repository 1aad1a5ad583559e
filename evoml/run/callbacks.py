"""Who is told how a run goes: at its start and end, after each batch, each outcome and each improvement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evoml.core.budget import Progress
    from evoml.core.candidate import Outcome
    from evoml.run.loop import Finished


class RunCallback:
    """What a callback may hear of a run; a subclass overrides what it wants, as any object may that has some of these methods.

    In a search for formulas or programs ``outcomes`` and ``outcome`` are what callbacks see of a generation, and there is no
    call after each outcome.
    """

    def on_start(self, progress: Progress) -> object:
        """Before the first step of a sitting."""

    def on_batch(self, progress: Progress, outcomes: Sequence[Outcome]) -> object:
        """After outcomes were told that came together."""

    def on_outcome(self, progress: Progress, outcome: Outcome) -> object:
        """After each outcome was told."""

    def on_improvement(self, progress: Progress, outcome: Outcome) -> object:
        """After an outcome was told that is better than all before."""

    def on_end(self, finished: Finished) -> object:
        """After the last step, whatever ended the run."""


def hears(callback: Any) -> bool:
    """Tell whether something is a callback: a function, or an object with a method of RunCallback."""
    return callable(callback) or any(hasattr(callback, name) for name in vars(RunCallback) if name.startswith("on_"))


class Callbacks:
    """Passes what happens on to callbacks: functions ``(progress, outcome)``, and objects with methods of RunCallback."""

    def __init__(self, callbacks: Iterable[Any]) -> None:
        self._all = tuple(callbacks)

    def started(self, progress: Progress) -> None:
        self._call("on_start", progress)

    def told(self, progress: Progress, outcome: Outcome, improved: bool) -> None:
        """Pass on an outcome; the function of a callback that is one is called first."""
        for callback in self._all:
            if callable(callback):
                callback(progress, outcome)
        self._call("on_outcome", progress, outcome)
        if improved:
            self._call("on_improvement", progress, outcome)

    def generation(self, progress: Progress, sight: Any, improved: bool) -> None:
        """Pass on what there is to see of a generation of thousands."""
        for callback in self._all:
            if callable(callback):
                callback(sight)
        self.batch(progress, sight)
        if improved:
            self._call("on_improvement", progress, sight)

    def batch(self, progress: Progress, outcomes: Any) -> None:
        self._call("on_batch", progress, outcomes)

    def ended(self, finished: Finished) -> None:
        self._call("on_end", finished)

    def _call(self, method: str, *arguments: Any) -> None:
        for callback in self._all:
            if hasattr(callback, method):
                getattr(callback, method)(*arguments)
