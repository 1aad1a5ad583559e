"""Fewer and rounder constants where formula and data then take less to describe; the other constants move along.

A constant that is fitted to noisy data misses its true value by about its standard error. A rounder number near by is taken
where it saves more nats than the fit loses (Bartlett, Desmond and Ferreira 2023, for what constants take): so 2.003 becomes
2, or an intercept goes, as soon as the data cannot tell the difference. How much the fit loses when the others are fitted
again is told beforehand by their covariance, and then measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evoml.evaluation.formula_table import FormulaTable, weighted_median
from evoml.genomes.expression.description import gaussian_nats, structure_nats
from evoml.genomes.expression.operations import Operation
from evoml.genomes.expression.population import Formula, Population
from evoml.genomes.expression.snapping import Candidate, candidates
from evoml.kernels.expression_fitness import CORRELATION, LOG_LOSS, MAE
from evoml.run.formulas.demands import FREE, Forms

ROUNDING = 1e-18  # of the target's variance: squared errors below that are rounding
WORTH = 1.0  # nats that a rounder constant must save
REACH = 4.0  # standard errors that a constant may move
DERIVATIVE_ROWS, LOSS_ROWS = 1000, 20_000  # at most, evenly spread
STEP = 1e-5  # of a constant, for differences
MOST_ROUNDS, MOST_TRIED = 30, 4  # constants changed, and changes measured for each
_LN2 = math.log(2.0)
_INFINITE = Candidate(math.inf, 0.0, "inf")  # what a divisor becomes when its quotient goes


@dataclass(frozen=True)
class _Change:
    """A constant by number, what it may become, and the nats saved by that if the data did not mind, and in all."""

    at: int
    candidate: Candidate
    saved: float
    gain: float


@dataclass(frozen=True, eq=False)
class Likelihood:
    """How likely a table's target is under formulas.

    Attributes
    ----------
    table : FormulaTable
    loss : int
    fitted : Formula
        Before anything of it is rounded.
    """

    table: FormulaTable
    loss: int
    fitted: Formula

    @cached_property
    def many(self) -> FormulaTable:
        return self.table.evenly(LOSS_ROWS)

    @cached_property
    def few(self) -> FormulaTable:
        return self.table.evenly(DERIVATIVE_ROWS)

    @cached_property
    def distance(self) -> float:
        """Return the scale of Laplace's distribution with the median of the fitted formula's errors: outliers do not count."""
        errors = np.abs(self.fitted.evaluate(self.many.features) - self.many.target)
        return max(weighted_median(errors, self.many.weights) / _LN2, math.sqrt(self.least_noise))

    @cached_property
    def least_noise(self) -> float:
        return ROUNDING * float(np.var(self.table.target))

    def noise(self, formula: Formula) -> float:
        """Return the variance of what the formula leaves, 1 for logits."""
        if self.loss == LOG_LOSS:
            return 1.0
        return self.distance**2 if self.loss == MAE else max(self._loss_of(formula), self.least_noise)

    def nats(self, formula: Formula) -> float:
        """Return the negative log-likelihood, but for a constant."""
        if self.loss in (LOG_LOSS, MAE):
            return self.table.n_rows * self._loss_of(formula) / (self.distance if self.loss == MAE else 1.0)
        return float(gaussian_nats(np.array(self.noise(formula)), self.table.n_rows))

    def _loss_of(self, formula: Formula) -> float:
        return self.many.loss(formula.evaluate(self.many.features), self.loss)

    def information(self, formula: Formula) -> np.ndarray:
        """Return the Fisher information of the constants: (n_constants, n_constants)."""
        table, constants = self.few, np.array(formula.constants)
        steps = STEP * np.where(constants == 0.0, 1.0, np.abs(constants))
        slopes = np.empty((len(constants), table.n_rows))
        for at, step in enumerate(steps):
            ahead, behind = (
                formula.with_constants(_with(formula.constants, at, constants[at] + way)).evaluate(table.features)
                for way in (step, -step)
            )
            slopes[at] = (ahead - behind) / (2.0 * step)
        weights = table.weights / table.weights.sum() * self.table.n_rows
        if self.loss == LOG_LOSS:
            weights = weights * 0.25 / np.cosh(0.5 * np.clip(formula.evaluate(table.features), -500.0, 500.0)) ** 2
        return (slopes * weights) @ slopes.T / self.noise(formula)


def rounded(
    formula: Formula, table: FormulaTable, loss: int, late: Callable[[], bool] = lambda: False, forms: Forms = FREE
) -> Formula:
    """Return a formula with as few and as round constants as make the whole shortest to describe; it was fitted to the table.

    late : asked before each change; the formula is returned as it is then. forms : those it may take.
    """
    likelihood = Likelihood(table, loss, formula)
    settled: set[float] = set()
    with np.errstate(all="ignore"):
        for _ in range(MOST_ROUNDS if loss != CORRELATION else 0):
            free = np.array([at for at, value in enumerate(formula.constants) if value not in settled], np.intp)
            if not len(free) or late():
                break
            changed = _changed(formula, free, likelihood, forms)
            if changed is None:
                break
            formula, value = changed
            settled.add(value)
    return formula


def _changed(formula: Formula, free: np.ndarray, likelihood: Likelihood, forms: Forms) -> tuple[Formula, float] | None:
    """Return the formula after the change that saves most, and the number that a constant became; None if none does."""
    information = likelihood.information(formula)
    if not np.isfinite(information).all():
        return None
    covariance = np.linalg.pinv(information[np.ix_(free, free)], rcond=1e-14, hermitian=True)
    before, tried = likelihood.nats(formula), 0
    for change in _changes(formula, free, information, covariance, forms):
        found = _moved(formula, free, covariance, change)
        if change.saved - (likelihood.nats(found) - before) > WORTH:
            short = forms.simplified(found)
            if np.isfinite(short.constants).all() and forms.keeps(short):
                return short, change.candidate.value
            continue
        tried += 1
        if tried == MOST_TRIED:
            break
    return None


def _moved(formula: Formula, free: np.ndarray, covariance: np.ndarray, change: _Change) -> Formula:
    """Return the formula after a change, the other constants moved to where they fit best then."""
    constants, own = np.array(formula.constants), int(np.flatnonzero(free == change.at)[0])
    value, wanted = constants[change.at], change.candidate.value
    far = value if math.isinf(wanted) else wanted - value  # 1 / value goes to 0: as far, in values, the other way
    if covariance[own, own] > 0.0:
        constants[free] += covariance[own] / covariance[own, own] * far
    constants[change.at] = wanted
    return formula.with_constants(constants.tolist())


def _changes(
    formula: Formula, free: np.ndarray, information: np.ndarray, covariance: np.ndarray, forms: Forms
) -> list[_Change]:
    """Return what single constants could become with a gain, the greatest gain first."""
    found, divisors = [], _divisors(formula)
    for own, at in enumerate(free.tolist()):
        value, error = formula.constants[at], math.sqrt(max(covariance[own, own], 0.0))
        precise = max(math.log(abs(value) or 1.0) + 0.5 * math.log(max(3e-300, information[at, at]) / 3.0), _LN2)
        known = information[at, at] > 0.0
        reach = min(REACH * error, 2.0 * abs(value)) if known else 2.0 * abs(value)
        near = candidates(value, reach)
        alone = abs(value) * math.sqrt(max(information[at, at], 0.0))  # standard errors, if no other constant moves
        if at in divisors and (abs(value) <= REACH * error or alone <= REACH):
            near.append(_INFINITE)
        for one in near:
            saved = precise - one.bits * _LN2 + _shortening(formula, at, one.value, forms)
            far = value if one is _INFINITE else one.value - value
            lost = 0.5 * (far / error) ** 2 if error > 0.0 else 0.0
            if saved - lost > WORTH:
                found.append(_Change(at, one, saved, saved - lost))
    return sorted(found, key=lambda change: -change.gain)


def _divisors(formula: Formula) -> set[int]:
    """Return the numbers of the constants that something is divided by."""
    numbers, found = iter(reversed(range(len(formula.constants)))), set()

    def operation(one: Operation, operands: Sequence[int | None]) -> None:
        if one.name == "div" and operands[1] is not None:
            found.add(operands[1])

    formula.fold(lambda _: next(numbers), lambda _: None, operation)
    return found


def _shortening(formula: Formula, at: int, value: float, forms: Forms) -> float:
    """Return the nats by which the formula's structure gets shorter if a constant takes a value that may make it go."""
    if value not in (0.0, 1.0, -1.0, math.inf):
        return 0.0
    short = forms.simplified(formula.with_constants(_with(formula.constants, at, value)))
    before, after = structure_nats(Population.of([formula, short]))
    return float(before - after)


def _with(constants: Sequence[float], at: int, value: float) -> list[float]:
    changed = list(constants)
    changed[at] = value
    return changed
