"""What formulas must keep: in the search, where breaking it makes them worse than all others, and in what is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evoml.genomes.expression.monotone import Monotonicity, moves_as_wanted, sampled_violations
from evoml.genomes.expression.notation import ANY, Notation
from evoml.genomes.expression.operations import BY_CODE, OPERATIONS, frequencies
from evoml.genomes.expression.population import Formula, Population, constant, joined
from evoml.genomes.expression.simplify import around, simplify, tidied
from evoml.genomes.expression.units import Units, unit_violations

if TYPE_CHECKING:
    from evoml.evaluation.formula_fitness import Penalty
    from evoml.evaluation.formula_table import FormulaTable
    from evoml.genomes.expression.space import ExpressionSpace
    from evoml.run.formulas.settings import FormulaSearch

MONOTONE_ROWS = 64  # at which formulas are looked at, where they must rise or fall with a column
FINAL_ROWS = 10_000  # and at which those that are shown are

Demand = Callable[[Formula], bool]


def penalties(wanted: FormulaSearch, space: ExpressionSpace, table: FormulaTable) -> list[Penalty]:
    """Return what measures how far formulas are from the demands on units and on monotonicity."""
    found: list[Penalty] = []
    units = space.units
    if units is not None:
        found.append(lambda genomes, scales: unit_violations(genomes, units, scaled=True))
    if wanted.monotone:
        demanded = Monotonicity.of(wanted.monotone, wanted.names)  # type: ignore[arg-type]
        rows = _rows(table, MONOTONE_ROWS)
        found.append(lambda genomes, scales: sampled_violations(genomes, demanded, rows, scales[:, 1], space.threads))
    return found


@dataclass(frozen=True)
class Forms:
    """The forms in which formulas may be shown.

    Attributes
    ----------
    notation : Notation
    demands : tuple of callables
        Each tells of a whole formula whether it keeps what is demanded.
    """

    notation: Notation = ANY
    demands: tuple[Demand, ...] = ()

    @classmethod
    def of(cls, wanted: FormulaSearch, space: ExpressionSpace, table: FormulaTable) -> Forms:
        """Return the forms that a search wants: operations as they were asked for, units and directions kept."""
        operations = None
        if wanted.operations is not None:
            asked = np.flatnonzero(frequencies(wanted.operations)).tolist()
            scaling = () if wanted.loss == "correlation" else ("add", "mul")
            operations = {BY_CODE[code].name for code in asked} | set(scaling)
        demands: list[Demand] = []
        if space.units is not None:
            demands.append(_consistent(space.units))
        if wanted.monotone:
            demands.append(_moving(Monotonicity.of(wanted.monotone, wanted.names), table))  # type: ignore[arg-type]
        return cls(Notation(operations, space.weights, wanted.const_range is not None), tuple(demands))

    def keeps(self, formula: Formula) -> bool:
        """Tell whether a whole formula keeps all that is demanded."""
        return all(demand(formula) for demand in self.demands)

    def simplified(self, formula: Formula) -> Formula:
        return simplify(formula, notation=self.notation)

    def kept(self, formula: Formula, intercept: float = 0.0, slope: float = 1.0) -> Formula | None:
        """Return ``intercept + slope * formula`` in the shortest form that keeps the demands, None if none does.

        What is simplified may have lost the constant that carries a unit.
        """
        short = simplify(formula, intercept, slope, self.notation)
        if self.keeps(short):
            return short
        plain = tidied(around(formula, intercept, slope), self.notation)
        with_unit = joined(OPERATIONS["mul"], [constant(1.0), plain])
        return next((one for one in (plain, with_unit) if self.keeps(one)), None)


FREE = Forms()


def _consistent(units: Units) -> Demand:
    return lambda formula: not unit_violations(Population.of([formula]), units)[0]


def _moving(wanted: Monotonicity, table: FormulaTable) -> Demand:
    few, many = _rows(table, MONOTONE_ROWS), _rows(table, FINAL_ROWS)
    lows, highs = table.features.min(axis=1), table.features.max(axis=1)

    def keeps(formula: Formula) -> bool:
        violations = sampled_violations(Population.of([formula]), wanted, many)
        return not violations[0] and moves_as_wanted(formula, wanted, few, lows, highs)

    return keeps


def _rows(table: FormulaTable, count: int) -> np.ndarray:
    return np.ascontiguousarray(table.evenly(count).features.T)
