"""How long a run may go on, and how far it has come."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from evoml.core.errors import BudgetError


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds of a run; the first that is reached ends it. None means unbounded.

    A run bounded by evaluations or generations is *ordered*: outcomes are told in the order of asking, so that it gives
    the same bits for any number of workers. One bounded by seconds alone takes outcomes as they arrive.
    """

    evaluations: int | None = None
    generations: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name in ("evaluations", "generations"):
            check_positive(getattr(self, name), f"budget of {name}", whole=True)
        check_positive(self.seconds, "budget of seconds")
        if self.evaluations is None and self.generations is None and self.seconds is None:
            raise BudgetError("a run needs at least one bound: evaluations, generations or seconds; none was given")

    @property
    def ordered(self) -> bool:
        return self.evaluations is not None or self.generations is not None


def check_positive(value: object, name: str, *, whole: bool = False) -> None:
    """Raise BudgetError unless ``value`` is None or a positive finite number (a whole one where asked)."""
    if value is None:
        return
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or (whole and number != int(number)):
        raise BudgetError(f"the {name} must be a positive {'whole ' if whole else ''}number or None, got {value!r}")
    if number <= 0:
        raise BudgetError(f"the {name} must be greater than zero, got {value!r}; leave it out (None) for no bound")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come.

    Attributes
    ----------
    elapsed : float
        Seconds since the run began, earlier sittings of a resumed run included.
    asked, evaluations : int
        Candidates asked for; evaluations told (exact duplicates are not counted).
    generation : int
        Generations completed.
    best_score : float
        Best value of the first objective; -inf while nothing has been scored.
    stalled : int
        Generations (or their equivalent in evaluations) since the front last improved.
    reserve : float
        Seconds that the refit of the best candidate will take, as far as known.
    """

    elapsed: float = 0.0
    asked: int = 0
    evaluations: int = 0
    generation: int = 0
    best_score: float = -math.inf
    stalled: int = 0
    reserve: float = 0.0


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
        )

    return rule


def stalled_for(generations: int | None) -> StopRule:
    """Return a rule that stops when the front has not improved for ``generations`` generations."""
    check_positive(generations, "early_stop in generations", whole=True)
    return lambda progress: generations is not None and progress.stalled >= generations
