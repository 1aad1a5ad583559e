"""What formulas may be written with when they are written anew, and what that costs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from evoml.genomes.expression.description import complexities
from evoml.genomes.expression.operations import OPERATIONS
from evoml.genomes.expression.population import Formula, Population, joined


class NotWritable(ArithmeticError):
    """A form needs an operation that is not allowed."""


@dataclass(frozen=True, eq=False)
class Notation:
    """Rules for writing formulas.

    Attributes
    ----------
    operations : collection of str or None
        Names of those that may be used, None for all.
    weights : float64 array or None
        Complexity of each node by its code (:func:`.description.node_weights`); None counts nodes.
    numbers : bool
        Whether there may be more constants than in the formula as it was.
    """

    operations: Collection[str] | None = None
    weights: np.ndarray | None = None
    numbers: bool = True

    @property
    def free(self) -> bool:
        """Whether everything may be used and nodes count, so that no forms need be compared."""
        return self.operations is None and self.weights is None

    def allows(self, name: str) -> bool:
        return self.operations is None or name in self.operations

    def op(self, name: str, *operands: Formula) -> Formula:
        """Return an operation on formulas. Raises NotWritable where it is not allowed."""
        if not self.allows(name):
            raise NotWritable(f"{name} is not allowed")
        return joined(OPERATIONS[name], operands)

    def cost(self, formula: Formula) -> tuple[float, int]:
        """Return what is least for the shortest form: complexity, then the number of constants."""
        if self.weights is None:
            return len(formula), len(formula.constants)
        return float(complexities(Population.of([formula]), self.weights)[0]), len(formula.constants)


ANY = Notation()
