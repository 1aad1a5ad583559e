"""What is made of a hall of fame when the search is over: constants tuned on all rows, short forms, one formula chosen."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evoml.evaluation.formula_fitness import FormulaFitness, LocalSearch
from evoml.evaluation.formula_table import FormulaTable
from evoml.genomes.expression.description import complexities, description_lengths, gaussian_nats, knee
from evoml.genomes.expression.population import Formula, Population, constant
from evoml.genomes.expression.snapping import snap
from evoml.genomes.expression.space import ExpressionSpace
from evoml.genomes.expression.text import write
from evoml.kernels.expression_fitness import LOG_LOSS, MAE, MSE, R2
from evoml.kernels.expression_least_squares import fit_constants
from evoml.run.formulas.demands import Forms
from evoml.run.formulas.hall_of_fame import LEAST_GAIN
from evoml.run.formulas.rounding import ROUNDING, rounded

if TYPE_CHECKING:
    from evoml.run.formulas.loop import Lineage
    from evoml.run.formulas.settings import FormulaSearch

POLISH_STEPS = 100  # of local search for each formula at the end
SNAP_NATS = 0.5  # that the data may take more to describe for rounder constants
SNAP_DIGITS = 3  # of a number that may be taken for that; pi and fractions must fit as well as what they stand for
SNAP_ROWS = 2000
BARE_MENTION = 1.0  # nats
NOTHING = 1e-6  # of the target's greatest size
_FEW = 8  # formulas polished together: between them the time is looked at


@dataclass(frozen=True)
class Shown:
    """A formula of a front.

    Attributes
    ----------
    formula : Formula
        As it predicts: what scales it is part of it.
    complexity : float
    error : float
        Its loss in units of the best constant's: 1 - R2 for squared errors.
    loss : float
        Mean squared error, mean absolute error, log loss or 1 - correlation.
    description : float
        Nats that formula and target take to describe; for the choice by minimum description length.
    """

    formula: Formula
    complexity: float
    error: float
    loss: float
    description: float

    def record(self) -> dict[str, Any]:
        """Return it as JSON-like values."""
        return {
            "text": write(self.formula),
            "complexity": self.complexity,
            "error": self.error,
            "loss": self.loss,
            "description": self.description,
        }


@dataclass(frozen=True)
class Front:
    """Formulas in ascending order of complexity, each better than all simpler ones, and the number of the chosen one."""

    label: str
    formulas: tuple[Shown, ...]
    chosen: int


def finished_front(wanted: FormulaSearch, table: FormulaTable, lineage: Lineage, late: Callable[[], bool]) -> Front:
    """Return the front of a lineage; ``late`` tells whether it should be there by now.

    All formulas in it keep what is demanded of them; it warns where none but a constant does.
    """
    space = lineage.algorithm.space
    assert isinstance(space, ExpressionSpace)
    forms = Forms.of(wanted, space, table)
    all_rows = LocalSearch(rows=table.n_rows)
    fitness = FormulaFitness(table, wanted.loss, all_rows, lineage.fitness.threads, weights=lineage.fitness.weights)
    whole = [constant(table.best_constant(fitness.loss))]
    if lineage.hall.genomes is not None:
        whole += _polished(fitness, lineage.hall.genomes, forms, wanted.loss != "correlation", late)
        if len(whole) == 1 and forms.demands:
            warnings.warn(
                "no formula was found that keeps what is demanded by units, target_unit and monotone; the front holds a"
                " constant only: search longer, or demand less",
                UserWarning,
                stacklevel=6,
            )
    if wanted.snap:
        whole = [_plainer(table, fitness.loss, one, forms, late) for one in whole]
    shown = _described(fitness, list(dict.fromkeys(whole)))
    return Front(lineage.label, shown, chosen(shown, wanted.selection))


def chosen(shown: Sequence[Shown], selection: str) -> int:
    """Return the number of the formula that ``selection`` means: ``"mdl"``, ``"knee"`` or ``"best"``.

    ``"mdl"`` is the simplest of those within a nat of the shortest description: less is "not worth more than a bare mention"
    (Kass and Raftery 1995, section 3.2).
    """
    if selection == "mdl":
        nats = np.array([one.description for one in shown])
        return int(np.argmax(nats <= nats.min() + BARE_MENTION))
    if selection == "knee":
        errors = np.array([max(one.error, ROUNDING) for one in shown])
        return int(knee(np.array([one.complexity for one in shown]), errors))
    return len(shown) - 1


def _polished(
    fitness: FormulaFitness, genomes: Population, forms: Forms, fold: bool, late: Callable[[], bool]
) -> list[Formula]:
    """Return formulas with constants tuned on all rows, as long as there is time, and with what scales them.

    Where the tuned one breaks a demand it is taken as the search left it, and left out if that breaks it, too.
    """
    whole: list[Formula] = []
    together = _FEW * fitness.threads.count
    for first in reversed(range(0, len(genomes), together)):  # the best come first, lest the time be up
        few = genomes.take(np.arange(first, min(first + together, len(genomes))))
        kept = _kept(fitness, few, 0 if late() else POLISH_STEPS, forms, fold)
        if forms.demands and None in kept.values():
            untuned = _kept(fitness, few, 0, forms, fold)
            kept = {at: one or untuned.get(at) for at, one in kept.items()}
        whole += [one for one in kept.values() if one is not None]
    return whole


def _kept(fitness: FormulaFitness, few: Population, steps: int, forms: Forms, fold: bool) -> dict[int, Formula | None]:
    """Return formulas after so many steps of local search by their number, None for those that break a demand."""
    chunk = _FEW if fitness.loss == MAE else 1  # sums of MAE hang on who is summed with whom
    found = fitness.score(few, np.full(len(few), steps, np.int32), chunk)
    finite = np.flatnonzero(np.isfinite(found.errors))
    in_order = np.lexsort((finite, -(finite // _FEW)))  # the same for any number of threads
    kept = {}
    for at in finite[in_order].tolist():
        scales = [tuple(map(float, found.scales[at]))] if fold else [(0.0, 1.0), (0.0, -1.0)]
        scaled = (forms.kept(found.genomes[at], *one) for one in scales)
        kept[at] = next((one for one in scaled if one is not None), None)
    return kept


def _plainer(table: FormulaTable, loss: int, formula: Formula, forms: Forms, late: Callable[[], bool]) -> Formula:
    """Return the formula with fewer and rounder constants, and without digits that the data hardly mind."""
    if len(formula) == 1:
        return formula

    formula, few = rounded(formula, table, loss, late, forms), table.evenly(SNAP_ROWS)
    unit = few.loss(np.full(few.n_rows, few.best_constant(loss)), loss)

    def of(one: Formula) -> float:
        return few.loss(one.evaluate(few.features), loss) + ROUNDING * unit

    own = of(formula)
    loose = own * np.exp(2.0 * SNAP_NATS / few.n_rows)

    def accepts(other: Formula) -> bool:
        new = set(other.constants) - set(formula.constants)
        plain = all(float(f"{value:.{SNAP_DIGITS}g}") == value for value in new)
        if late() or of(other) > (loose if plain else own + ROUNDING * unit):
            return False
        return not forms.demands or forms.keeps(forms.simplified(other))

    nothing = NOTHING * float(np.abs(few.target).max())  # what is added and as small as this may go
    snapped = snap(formula, accepts, tolerances=[nothing] * len(formula.constants))
    return forms.kept(snapped) or formula


def _described(fitness: FormulaFitness, whole: Sequence[Formula]) -> tuple[Shown, ...]:
    """Return what is known of whole formulas, without those that simpler ones surpass."""
    table = fitness.table
    population, losses = Population.of(whole), np.empty(len(whole))

    def judge(at: int, _: int) -> None:
        losses[at] = table.loss(whole[at].evaluate(table.features), fitness.loss)

    fitness.threads.in_chunks(len(whole), judge, 1)
    sizes = complexities(population, fitness.weights)
    nats = _description(fitness, population, losses)
    order = np.lexsort((nats, losses, sizes))
    shown: list[Shown] = []
    for at in order[np.isfinite(losses[order])].tolist():
        error = losses[at] / fitness.unit
        if not shown or error < shown[-1].error * (1.0 - LEAST_GAIN) - ROUNDING:
            shown.append(Shown(whole[at], float(sizes[at]), error, float(losses[at]), float(nats[at])))
    return tuple(shown)


def _description(fitness: FormulaFitness, population: Population, losses: np.ndarray) -> np.ndarray:
    """Return the description length of whole formulas and the target, in nats: (n,)."""
    table, n = fitness.table, len(population)
    weights = table.weights / table.weights.mean()
    logistic = fitness.loss == LOG_LOSS
    information, unused = np.zeros(population.codes.shape), (np.empty(n), np.empty((n, 2)))
    shape, steps = (population.codes, population.constants.copy(), population.lengths), np.full(n, -1, np.int32)

    def inform(first: int, last: int) -> None:
        fit_constants(
            *shape, table.features, table.target, weights, steps, logistic, False, 0, first, last, *unused, information
        )

    fitness.threads.in_chunks(n, inform, 1)
    floored = np.maximum(losses, ROUNDING * fitness.unit)
    if logistic:
        return description_lengths(population, table.n_rows * floored, information)
    noise = floored if fitness.loss in (MSE, R2) else floored**2
    return description_lengths(population, gaussian_nats(noise, table.n_rows), information / noise[:, None])
