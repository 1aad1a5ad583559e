"""How well formulas fit a table, by the thousand: constants tuned by local search, then errors, on several threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from evoml.core.batches import Measured, Offspring
from evoml.core.random import mixed, uniforms
from evoml.core.threads import ALONE, CHUNK, Threads
from evoml.evaluation import formula_absolute as absolute
from evoml.evaluation.formula_table import LOSSES, FormulaTable
from evoml.genomes.expression.description import complexities
from evoml.genomes.expression.population import Population
from evoml.kernels import expression_codes as codes
from evoml.kernels.expression_evaluate import evaluate
from evoml.kernels.expression_fitness import LOG_LOSS, MAE, R2, score
from evoml.kernels.expression_least_squares import fit_constants

CASES = 128  # rows that selection by cases looks at
LEAST_ROWS = 50  # that formulas are judged on, whatever the share
_SEARCHED = 1 << 40  # number of the key that decides on local search, beyond those that spaces and selection use
LOGIT_ROWS = 4  # times as many rows are needed to tune logits: each says little
_LOGIT = 4  # nodes around a formula that is a logit: intercept + slope * formula
_NONE = np.empty((0, 0))

Penalty = Callable[[Population, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class LocalSearch:
    """How the constants of offspring are tuned: by how many steps, of what share of them, on how many rows at most."""

    steps: int = 5
    probability: float = 1.0
    rows: int = 256


@dataclass(frozen=True, eq=False)
class Scored:
    """What is known of formulas as tuned: errors (n,) in units of the best constant's, scales (n, 2), hashes (n,)."""

    genomes: Population
    errors: np.ndarray
    scales: np.ndarray
    hashes: np.ndarray


class FormulaFitness:
    """Scores formulas on one table.

    Parameters
    ----------
    table : FormulaTable
    loss : str
        A name in ``LOSSES``.
    local_search : LocalSearch
    threads : Threads
        Among which formulas are divided.
    weights : float64 array or None
        Complexity of each node by its code; None counts nodes.
    penalties : sequence of callables
        Each gets a population and its scales (n, 2), and returns how far each formula is from what is demanded, 0 where
        it holds. A formula that breaks a demand is worse than the best constant, whatever its error.
    with_cases : bool
        Whether errors on single cases are wanted.
    precision : {"float64", "float32"}
        Of the outputs that errors are computed from; constants are always tuned in float64.
    """

    def __init__(
        self,
        table: FormulaTable,
        loss: str = "mse",
        local_search: LocalSearch = LocalSearch(),
        threads: Threads = ALONE,
        weights: np.ndarray | None = None,
        penalties: Sequence[Penalty] = (),
        with_cases: bool = False,
        precision: str = "float64",
    ) -> None:
        self.local_search, self.weights, self.penalties = local_search, weights, tuple(penalties)
        self.loss, self.precision, self.with_cases = LOSSES[loss], precision, with_cases
        self.threads, self.evaluations, self.node_evaluations = threads, 0, 0
        self._lay_out(table)

    def _lay_out(self, table: FormulaTable) -> None:
        self.table = table
        self.unit = table.loss(np.full(table.n_rows, table.best_constant(self.loss)), self.loss) or 1.0
        self._searched = table.evenly(self.local_search.rows * (LOGIT_ROWS if self.loss == LOG_LOSS else 1))
        self._features = table.features.astype(self.precision)
        self._target, self._weights = table.target.astype(self.precision), table.weights.astype(self.precision)
        self._cases = table.evenly(CASES) if self.with_cases else None

    def _on_a_share(self, offspring: Offspring) -> Measured:
        """Return what a generation is worth on some rows only, against the best constant there."""
        part = copy(self)
        part._lay_out(self.table.evenly(max(LEAST_ROWS, round(offspring.share * self.table.n_rows))))
        measured = part.evaluate(replace(offspring, share=1.0))
        self.evaluations, self.node_evaluations = part.evaluations, part.node_evaluations
        return measured

    def evaluate(self, offspring: Offspring) -> Measured:
        """Return what a generation is worth; the constants of a share of it are tuned first."""
        if offspring.share < 1.0:
            return self._on_a_share(offspring)
        found = self.score(offspring.genomes, self._steps(offspring.keys))
        errors = found.errors + self._broken(found)
        sizes = complexities(found.genomes, self.weights)
        cases = None if self._cases is None else self._by_case(found)
        # What breaks a demand is not what keeps it, though both may do the same on this table.
        meanings = found.hashes if not self.penalties else mixed(found.hashes, np.minimum(errors, 9.0).astype(np.int64))
        return Measured(found.genomes, np.column_stack([errors, sizes]), meanings, cases)

    def _steps(self, keys: np.ndarray) -> np.ndarray:
        """Return how many steps of local search each formula is worth, by its key: int32 (n,)."""
        if self.local_search.probability >= 1.0:
            return np.full(len(keys), self.local_search.steps, np.int32)
        searched = uniforms(mixed(keys, _SEARCHED)) < self.local_search.probability
        return np.where(searched, self.local_search.steps, 0).astype(np.int32)

    def score(self, genomes: Population, steps: np.ndarray, chunk: int = CHUNK) -> Scored:
        """Return what formulas are worth after so many steps, int32 (n,), of local search on their constants.

        chunk : formulas that a thread is given at a time; few where each of them takes long.
        """
        n = len(genomes)
        constants = np.empty_like(genomes.constants)
        errors, scales, hashes = np.empty(n), np.empty((n, 2)), np.empty(n, np.uint64)
        work = {LOG_LOSS: self._score_logits, MAE: self._score_distances}.get(self.loss, self._score_numbers)

        def some(first: int, last: int) -> None:
            constants[first:last] = genomes.constants[first:last]
            work(genomes, constants, steps, first, last, errors, scales, hashes)

        self.threads.in_chunks(n, some, chunk)
        self.evaluations += n
        self.node_evaluations += int((genomes.lengths * (1 + steps)).sum()) * self.table.n_rows
        return Scored(Population(genomes.codes, constants, genomes.lengths), errors, scales, hashes)

    def _score_numbers(self, genomes, constants, steps, first, last, errors, scales, hashes):  # type: ignore[no-untyped-def]
        table, shape = self._searched, (genomes.codes, constants, genomes.lengths)
        fit_constants(
            *shape, table.features, table.target, table.weights, steps, False, True, 0, first, last,
            errors, scales, _NONE,
        )  # fmt: skip
        score(*shape, self._features, self._target, self._weights, self.loss, True, first, last, errors, scales, hashes)

    def _score_distances(self, genomes, constants, steps, first, last, errors, scales, hashes):  # type: ignore[no-untyped-def]
        """Scale by lines of least absolute error: those of least squares, which the kernel knows, follow outliers."""
        own = slice(first, last)
        some = Population(genomes.codes[own], constants[own], genomes.lengths[own])
        errors[own], scales[own] = self._distances(some)
        after = absolute.tuned(some, steps[own], self._searched) if steps[own].any() else some.constants
        moved = np.flatnonzero((after != some.constants).any(axis=1))
        if len(moved):
            tried = Population(some.codes[moved], after[moved], some.lengths[moved])
            found, lines = self._distances(tried)
            better, at = found < errors[first + moved], first + moved
            constants[at[better]] = tried.constants[better]
            errors[at[better]], scales[at[better]] = found[better], lines[better]
        unused = np.empty(len(errors)), np.empty((len(errors), 2))
        score(
            genomes.codes, constants, genomes.lengths, self._features, self._target, self._weights, R2, True, first, last,
            *unused, hashes,
        )  # fmt: skip

    def _distances(self, genomes: Population) -> tuple[np.ndarray, np.ndarray]:
        """Return the errors (n,) and lines (n, 2) of least absolute error of formulas as they are."""
        outputs = absolute.outputs_of(genomes, genomes.constants, self.table.features)
        lines = absolute.lines(outputs, self.table)
        return absolute.mean_distances(outputs, lines, self.table) / self.unit, lines

    def _score_logits(self, genomes, constants, steps, first, last, errors, scales, hashes):  # type: ignore[no-untyped-def]
        """Fit intercept and slope with the other constants: log loss has no closed form for them."""
        table, own = self._searched, slice(first, last)
        score(
            genomes.codes, constants, genomes.lengths, self._features, self._target, self._weights, R2, True, first, last,
            errors, scales, hashes,
        )  # fmt: skip
        defined = np.isfinite(errors[own])
        logits = as_logits(Population(genomes.codes[own], constants[own], genomes.lengths[own]), scales[own])
        tried = np.where(defined, np.maximum(steps[own], 3), -1).astype(np.int32)
        shape, unused = (logits.codes, logits.constants, logits.lengths), np.empty((last - first, 2))
        fit_constants(
            *shape, table.features, table.target, table.weights, tried, True, False, 0, 0, last - first,
            errors[own], unused, _NONE,
        )  # fmt: skip
        score(
            *shape, self._features, self._target, self._weights, LOG_LOSS, False, 0, last - first,
            errors[own], unused, np.empty(last - first, np.uint64),
        )  # fmt: skip
        scales[own] = logits.constants[:, [1, 3]]
        constants[own] = logits.constants[:, _LOGIT:]
        errors[own] = np.where(defined, errors[own] / self.unit, np.inf)

    def _broken(self, found: Scored) -> np.ndarray:
        """Return how far formulas are from what is demanded of them, (n,): 0, or at least 1."""
        total = np.zeros(len(found.errors))
        for penalty in self.penalties:
            far = np.asarray(penalty(found.genomes, found.scales), dtype=np.float64)
            total += np.where(far > 0, 1.0 + np.minimum(far, 1e6), 0.0)
        return total

    def _by_case(self, found: Scored) -> np.ndarray:
        """Return how far scaled outputs are from the target on some rows: (n, rows) float32."""
        assert self._cases is not None
        genomes, target = found.genomes, self._cases.target
        features = np.ascontiguousarray(self._cases.features, dtype=self._features.dtype)
        shape, n = (genomes.codes, genomes.constants, genomes.lengths), len(genomes)
        outputs, cases = np.empty((n, len(target)), features.dtype), np.empty((n, len(target)), np.float32)

        def some(first: int, last: int) -> None:
            own = slice(first, last)
            evaluate(*shape, features, first, last, outputs)
            with np.errstate(all="ignore"):
                scaled = found.scales[own, :1] + found.scales[own, 1:] * outputs[own]
                if self.loss == LOG_LOSS:
                    far = np.logaddexp(0.0, np.where(target > 0.5, -scaled, scaled))
                else:
                    far = np.abs(scaled - target)
                cases[own] = np.where(np.isfinite(far), far, np.inf)

        self.threads.in_chunks(n, some)
        return cases


def as_logits(genomes: Population, scales: np.ndarray) -> Population:
    """Return intercept + slope * formula for each, a line for a logit; ``scales`` (n, 2) is that of the probability."""
    n, room = genomes.codes.shape
    wrapped = np.zeros((n, room + _LOGIT), np.int32)
    constants = np.zeros((n, room + _LOGIT))
    wrapped[:, :_LOGIT] = codes.ADD, codes.CONSTANT, codes.MULTIPLY, codes.CONSTANT
    wrapped[:, _LOGIT:] = genomes.codes
    # The logistic function has slope 1/4 at 1/2.
    constants[:, 1], constants[:, 3] = 4.0 * (scales[:, 0] - 0.5), 4.0 * scales[:, 1]
    constants[:, _LOGIT:] = genomes.constants
    return Population(wrapped, constants, genomes.lengths + np.int32(_LOGIT))
