"""The best formulas ever seen, one for each complexity, kept apart from the populations that they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from evoml.algorithms.schemes.nsga2 import EXACT
from evoml.core.batches import ArraySpace, Measured
from evoml.genomes.expression.population import Population

LEAST_GAIN = 1e-3  # share of the error by which a more complex formula, or a new one, must be better
_GENOMES = "genomes."


@dataclass(frozen=True, eq=False)
class HallOfFame:
    """Formulas in ascending order of complexity, each better than all simpler ones.

    Attributes
    ----------
    genomes : Population or None
        None while it is empty.
    errors, complexities : (n,) float64 arrays
    numbers : (n,) int64 array
        In which order they came, from 0.
    counted : int
        How many have ever come.
    """

    genomes: Population | None = None
    errors: np.ndarray = field(default_factory=lambda: np.empty(0))
    complexities: np.ndarray = field(default_factory=lambda: np.empty(0))
    numbers: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    counted: int = 0

    def __len__(self) -> int:
        return len(self.errors)

    @property
    def best(self) -> float:
        """The least error; 1, that of the best constant, while there is none."""
        return float(self.errors[-1]) if len(self) else 1.0

    def bound(self, complexities: np.ndarray) -> np.ndarray:
        """Return the error that formulas of these complexities must stay below to come in."""
        known = np.concatenate([[1.0], self.errors])
        return known[np.searchsorted(self.complexities, complexities, side="right")] * (1.0 - LEAST_GAIN)

    def updated(self, space: ArraySpace, measured: Measured) -> HallOfFame:
        """Return the hall after a generation."""
        errors, complexities = np.maximum(measured.objectives[:, 0], EXACT), measured.objectives[:, 1]
        better = np.flatnonzero(errors < self.bound(complexities))
        if not len(better):
            return self
        order = better[np.lexsort((errors[better], complexities[better]))]
        order = order[_falling(errors[order])]
        genomes = measured.genomes.take(order)
        if self.genomes is not None:
            genomes = space.joined([self.genomes, genomes])
        errors = np.concatenate([self.errors, errors[order]])
        complexities = np.concatenate([self.complexities, complexities[order]])
        numbers = np.concatenate([self.numbers, self.counted + np.arange(len(order))])
        kept = np.lexsort((errors, complexities))
        kept = kept[_falling(errors[kept])]
        return HallOfFame(
            genomes.take(kept), errors[kept], complexities[kept], numbers[kept], self.counted + len(order)
        )

    def arrays(self, space: ArraySpace) -> dict[str, np.ndarray]:
        """Return the hall as named arrays, for a checkpoint."""
        genomes = {} if self.genomes is None else space.arrays(self.genomes)
        return {
            "errors": self.errors,
            "complexities": self.complexities,
            "numbers": self.numbers,
            "counted": np.array(self.counted),
            **{_GENOMES + name: array for name, array in genomes.items()},
        }

    @classmethod
    def restored(cls, space: ArraySpace, arrays: Mapping[str, np.ndarray]) -> HallOfFame:
        """Return the hall that :meth:`arrays` gave."""
        genomes = {name.removeprefix(_GENOMES): a for name, a in arrays.items() if name.startswith(_GENOMES)}
        return cls(
            space.restored(genomes) if genomes else None,
            arrays["errors"],
            arrays["complexities"],
            arrays["numbers"],
            int(arrays["counted"]),
        )


def _falling(errors: np.ndarray) -> np.ndarray:
    """Return the indices of errors that are less, by the least gain, than the last one returned."""
    kept, bar = [], np.inf
    for index, error in enumerate(errors.tolist()):
        if error < bar:
            kept.append(index)
            bar = error * (1.0 - LEAST_GAIN)
    return np.array(kept, dtype=np.intp)
