"""What to expect of the chosen model on new rows, told by nothing but out-of-fold predictions.

The best of many scores is the best partly by luck, so it is more than can be expected of new rows. How much more is found by
choosing again and again (bootstrap bias corrected cross-validation, Tsamardinos, Greasidou and Borboudakis 2018, section 4):
rows are drawn with replacement, the choice among candidates is made on these, and what was chosen is scored on the rows that
were not drawn. What the choice on all rows seems to be worth beyond that is its optimism. No model is fitted for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.core.random import stream
from evoml.evaluation.ensemble_selection import answers, said
from evoml.evaluation.folds import rows
from evoml.evaluation.predictions import most_useful
from evoml.evaluation.scoring import OwnScorer, Scorer, apply

if TYPE_CHECKING:
    from evoml.core.target import Classes
    from evoml.evaluation.problem import Problem

RESAMPLES, LEAST_RESAMPLES = 100, 20
MAX_CANDIDATES, LEAST_CANDIDATES = 200, 30  # to choose from, the best ones and those unlike them: more on fewer rows
MAX_ANSWERS = 200_000  # rows times candidates
MAX_ROWS = 4000
MAX_CELLS = 4_000_000  # numbers in the predictions of all candidates together
LIBRARY, SHARES = 12, 8  # the best candidates on the rows drawn that an average is made of, and how many shares it has
TAIL = 2.5  # percent on either side of the interval
KEY = 229  # of the random streams


@dataclass(frozen=True)
class ExpectedScore:
    """What to expect of a model on new rows: a value, and the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Drawn:
    """Rows of a pool, and the predictions of each candidate for them: a list of (n, columns) arrays."""

    scorer: Scorer
    classes: Classes
    X: Any
    y: np.ndarray
    weight: np.ndarray | None
    answers: Sequence[np.ndarray]

    def score(self, columns: np.ndarray) -> float:
        """Return the metric of (n, columns) predictions; -inf where it has none."""
        value = apply(self.scorer, said(columns, self.classes), self.X, self.y, self.weight)
        return value if math.isfinite(value) else -math.inf

    def score_of(self, weights: np.ndarray) -> float:
        """Return the metric of the candidates' weighted average."""
        return self.score(np.sum([weights[at] * self.answers[at] for at in np.flatnonzero(weights).tolist()], axis=0))


class Pool:
    """Candidates' out-of-fold predictions for rows that every one of them was tested on.

    Parameters
    ----------
    problem : Problem
    predictions : mapping of candidate to (n_rows, columns) array
    units : (n_rows,) array
        Rows of one unit (a group, or copies of one row) are drawn together.

    Attributes
    ----------
    units : (n,) array
        Codes 0 .. n_units - 1 of the units of the rows that are looked at.
    share : float
        Share of the table's units that these are.
    """

    def __init__(self, problem: Problem, predictions: Mapping[int, np.ndarray], units: np.ndarray) -> None:
        self._problem, self.seed = problem, problem.seed
        self._scorer, self._classes = next(iter(problem.scorers.values())), problem.classes
        n_columns = problem.dataset.n_answers
        tested = np.flatnonzero(np.isfinite(next(iter(predictions.values()))).all(axis=1))
        codes, every = _coded(units[tested])
        share = min(1.0, MAX_ROWS / len(tested), MAX_CELLS / (n_columns * len(predictions) * len(tested)))
        if share < 1.0:
            taken = stream(problem.seed, KEY, 0).permutation(every) < share * every
            tested = tested[taken[codes]]
        self._places = tested
        self.units, self.n_units = _coded(units[tested])
        self.share = self.n_units / every
        self._answers = [answers(one[tested], self._classes) for one in predictions.values()]

    def rows(self, index: np.ndarray) -> Drawn:
        """Return some of the rows, repeats allowed."""
        dataset, places = self._problem.dataset, self._places[index]
        # Metrics of ours look at nothing but predictions; one of the user's own may look at the table.
        blind = isinstance(self._scorer, OwnScorer)
        return Drawn(
            self._scorer,
            self._classes,
            np.empty((len(places), 0)) if blind else rows(dataset.features.data, places),
            self._problem.target[places],
            None if dataset.sample_weight is None else dataset.sample_weight[places],
            [one[index] for one in self._answers],
        )


def _coded(units: np.ndarray) -> tuple[np.ndarray, int]:
    names, codes = np.unique(units, return_inverse=True)
    return codes, len(names)


def best_single(drawn: Drawn) -> np.ndarray:
    """Return the weights of the candidates: one for the best on the rows drawn."""
    weights = np.zeros(len(drawn.answers))
    weights[np.argmax([drawn.score(columns) for columns in drawn.answers])] = 1.0
    return weights


def small_average(drawn: Drawn) -> np.ndarray:
    """Return the weights of the candidates: a short greedy selection with replacement among the best on the rows drawn."""
    alone = np.array([drawn.score(columns) for columns in drawn.answers])
    library = np.argsort(-alone, kind="stable")[:LIBRARY]
    counts = np.zeros(len(alone))
    counts[library[0]] = 1.0
    total, found, record = drawn.answers[int(library[0])], counts.copy(), alone[library[0]]
    for share in range(2, SHARES + 1):
        scores = [drawn.score((total + drawn.answers[at]) / share) for at in library.tolist()]
        taken = int(library[np.argmax(scores)])
        counts[taken] += 1.0
        total = total + drawn.answers[taken]
        if max(scores) > record:
            found, record = counts.copy(), max(scores)
    return found / found.sum()  # type: ignore[no-any-return]


def expected_score(
    problem: Problem,
    predictions: Mapping[int, np.ndarray],
    units: np.ndarray,
    selection_score: float,
    averaged: bool,
    late: Callable[[], bool] = lambda: False,
) -> ExpectedScore | None:
    """Return what to expect of the model that was chosen for ``selection_score``; None where there is too little to tell by.

    Parameters
    ----------
    problem : Problem
    predictions : mapping of candidate to (n_rows, columns) array
        Out-of-fold predictions, the best first: numbers, or probabilities (of the second class of two).
    units : (n_rows,) array
        Rows of one unit (a group, or copies of one row) are drawn together.
    selection_score : float
    averaged : bool
        Whether the model is an average, not a single candidate.
    late : callable
        Tells that there is no time to go on.
    """
    if not predictions or _of_one_class(problem, next(iter(predictions.values()))):
        return None
    choose = small_average if averaged else best_single
    count = min(MAX_CANDIDATES, max(LEAST_CANDIDATES, MAX_ANSWERS // problem.dataset.n_rows))
    pool = Pool(problem, {one: predictions[one] for one in most_useful(predictions, count)}, units)
    everything = pool.rows(np.arange(len(pool.units)))
    apparent = everything.score_of(choose(everything))
    left_out, values = _left_out(pool, choose, late)
    if len(values) < LEAST_RESAMPLES or not math.isfinite(apparent):
        return None
    # What rests on a part of the rows is more uncertain than what rests on all, and so is the choice.
    optimism = max(0.0, apparent - float(values.mean())) * math.sqrt(pool.share)
    # Of scores on r of n units drawn without replacement, r / (n - r) of the variance (Shao and Wu 1989, delete-d jackknife).
    scale = math.sqrt(left_out / (1.0 - left_out) * pool.share)
    low, high = selection_score - optimism + scale * (np.percentile(values, [TAIL, 100 - TAIL]) - values.mean())
    return ExpectedScore(selection_score - optimism, float(low), float(high))


def _of_one_class(problem: Problem, predictions: np.ndarray) -> bool:
    """Tell whether the rows that were tested all have the same label: then any guess of it is right."""
    tested = np.isfinite(predictions).all(axis=1)
    outputs = problem.dataset.outputs
    return problem.dataset.classes is not None and all(len(np.unique(one.y[tested])) < 2 for one in outputs)


def _left_out(pool: Pool, choose: Callable[[Drawn], np.ndarray], late: Callable[[], bool]) -> tuple[float, np.ndarray]:
    """Return the mean share of units that were not drawn, and the (r,) scores there of what was chosen."""
    shares, values = [], []
    for number in range(RESAMPLES):
        if late():
            break
        times = np.bincount(
            stream(pool.seed, KEY, 1, number).integers(pool.n_units, size=pool.n_units), minlength=pool.n_units
        )
        drawn, rest = np.repeat(np.arange(len(pool.units)), times[pool.units]), np.flatnonzero(times[pool.units] == 0)
        if not len(rest):
            continue
        value = pool.rows(rest).score_of(choose(pool.rows(drawn)))
        if math.isfinite(value):  # a rare class may be on one side only
            shares.append(float(np.mean(times == 0)))
            values.append(value)
    return float(np.mean(shares or [0.0])), np.array(values)
