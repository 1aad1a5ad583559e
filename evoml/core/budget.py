"""How long a run may go on, and how far it has come."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from evoml.core.errors import BudgetError

OVERRUN, OVERRUN_SECONDS = 0.02, 1.0  # beyond its seconds, a run is over by then: a share of them, and seconds


@dataclass(frozen=True, slots=True)
class Moment:
    """When something began.

    Attributes
    ----------
    wall : float
        Seconds of the monotonic clock; now by default.
    cpu : float
        CPU seconds that this process had used by then.
    """

    wall: float = field(default_factory=time.monotonic)
    cpu: float = field(default_factory=time.process_time)


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds of a run; the first that is reached ends it. None means unbounded.

    A run bounded by evaluations or generations is *ordered*: outcomes are told in the order of asking, so that it gives
    the same bits for any number of workers. One bounded by seconds or CPU seconds alone takes outcomes as they arrive.

    Attributes
    ----------
    evaluations, generations : int or None
    seconds : float or None
        Wall time of everything, from the call of ``fit`` to its return.
    cpu_seconds : float or None
        CPU time of all evaluations together, and of the process that runs the search.
    """

    evaluations: int | None = None
    generations: int | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None

    def __post_init__(self) -> None:
        for name in ("evaluations", "generations"):
            check_positive(getattr(self, name), f"budget of {name}", whole=True)
        check_positive(self.seconds, "budget of seconds")
        check_positive(self.cpu_seconds, "budget of CPU seconds")
        if not any((self.evaluations, self.generations, self.seconds, self.cpu_seconds)):
            raise BudgetError(
                "a run needs at least one bound: evaluations, generations, seconds or CPU seconds; none was given"
            )

    @property
    def ordered(self) -> bool:
        return self.evaluations is not None or self.generations is not None

    @property
    def latest(self) -> float | None:
        """Seconds by which a run bounded by seconds is over, whatever happens."""
        return None if self.seconds is None else self.seconds * (1 + OVERRUN) + OVERRUN_SECONDS

    def shorter(self, share: float, seconds: float) -> Budget:
        """Return the budget without a share of its wall time, or so many seconds (a tenth at most) where that is more."""
        if self.seconds is None:
            return self
        return replace(self, seconds=self.seconds - max(share * self.seconds, min(seconds, 0.1 * self.seconds)))

    def used(self, progress: Progress) -> float:
        """Return the share used of the bound that is nearest its end: 1 at the end, more beyond it."""
        shares = (
            (progress.evaluations, self.evaluations),
            (progress.generation, self.generations),
            (progress.elapsed, self.seconds),
            (progress.cpu, self.cpu_seconds),
        )
        return max(done / bound for done, bound in shares if bound is not None)


def check_positive(value: object, name: str, *, whole: bool = False, optional: bool = True) -> None:
    """Raise BudgetError unless ``value`` is a positive finite number (a whole one where asked), or None if it is optional."""
    if value is None and optional:
        return
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or (whole and number != int(number)):
        kind = f"a positive {'whole ' if whole else ''}number{' or None' if optional else ''}"
        raise BudgetError(f"the {name} must be {kind}, got {value!r}")
    if number <= 0:
        advice = "; leave it out (None) for no bound" if optional else ""
        raise BudgetError(f"the {name} must be greater than zero, got {value!r}{advice}")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come.

    Attributes
    ----------
    elapsed : float
        Seconds since the run began, earlier sittings of a resumed run included.
    cpu : float
        CPU seconds since then: of all evaluations told, and of the process that runs the search.
    asked, evaluations : int
        Candidates asked for; evaluations told (exact duplicates are not counted).
    generation : int
        Generations completed.
    best_score : float
        Best value of the first objective; -inf while nothing has been scored.
    stalled : int
        Generations (or their equivalent in evaluations) since the best value of the first objective last improved.
    reserve : float
        Seconds to keep for what comes after the search, above all the refit of the best candidate.
    """

    elapsed: float = 0.0
    asked: int = 0
    evaluations: int = 0
    generation: int = 0
    best_score: float = -math.inf
    stalled: int = 0
    reserve: float = 0.0
    cpu: float = 0.0


class StopRule(Protocol):
    """Says whether a run should stop; called before each step of the loop."""

    def __call__(self, progress: Progress) -> bool: ...


def any_of(*rules: Callable[[Progress], bool]) -> StopRule:
    """Return a rule that stops as soon as one of ``rules`` does."""
    return lambda progress: any(rule(progress) for rule in rules)


def spent(budget: Budget) -> StopRule:
    """Return a rule that stops when ``budget`` is used up, time for the final refit included."""

    def rule(progress: Progress) -> bool:
        return (
            (budget.evaluations is not None and progress.evaluations >= budget.evaluations)
            or (budget.generations is not None and progress.generation >= budget.generations)
            or (budget.seconds is not None and progress.elapsed + progress.reserve >= budget.seconds)
            or (budget.cpu_seconds is not None and progress.cpu + progress.reserve >= budget.cpu_seconds)
        )

    return rule


def early_stopping(wanted: int | StopRule | None) -> StopRule:
    """Return the rule that ``early_stop`` stands for: one of the user's own, generations without improvement, or none."""
    return wanted if callable(wanted) else stalled_for(wanted)


def stalled_for(generations: int | None) -> StopRule:
    """Return a rule that stops when the best first objective has not improved for ``generations`` generations."""
    check_positive(generations, "early_stop in generations", whole=True)
    return lambda progress: generations is not None and progress.stalled >= generations
