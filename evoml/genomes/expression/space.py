"""The space of formulas over a table's columns: read, name, measure, sample and vary them, one or thousands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from evoml.core.errors import SearchSpaceError
from evoml.core.threads import ALONE, Threads
from evoml.genomes.expression.description import complexities
from evoml.genomes.expression.operations import BY_CODE, DEFAULT, frequencies
from evoml.genomes.expression.population import Formula, Population
from evoml.genomes.expression.text import read, write
from evoml.genomes.expression.units import Units, unit_violations
from evoml.kernels.expression_codes import CONSTANT, VARIABLE

if TYPE_CHECKING:
    from evoml.genomes.expression.breeding import FormulaSpace

ATTEMPTS = 8  # at a formula that breaks the rules of units
_AGAIN = 1 << 45  # number of the key of a further attempt, beyond those that breeding uses


class ExpressionSpace:
    """All formulas that can be written over a table's columns.

    Parameters
    ----------
    names : sequence of str
        Of the columns.
    operations : sequence of str, or mapping of str to float
        Operations by name, or how often each is tried.
    max_length, max_depth : int
        Greatest number of nodes, and of nodes one below another.
    init_length : (int, int)
        Nodes of first formulas, at least and at most.
    const_range : (float, float) or None
        Where constants are drawn; None for formulas without constants.
    variations : mapping of str to float or None
        How often each variation is tried; None for the usual.
    weights : float64 array or None
        Complexity of each node by its code (:func:`.description.node_weights`); None counts nodes.
    units : Units or None
        Formulas that break the rules of these are drawn anew, up to ``ATTEMPTS`` times; the one that breaks fewest is kept.
        They are taken as scaled: their results may have any unit.
    threads : Threads
        Among which formulas are divided that are sampled or varied.
    """

    def __init__(
        self,
        names: Sequence[str],
        operations: Iterable[str] | Mapping[str, float] = DEFAULT,
        *,
        max_length: int = 40,
        max_depth: int = 12,
        init_length: tuple[int, int] = (1, 15),
        const_range: tuple[float, float] | None = (-1.0, 1.0),
        variations: Mapping[str, float] | None = None,
        weights: np.ndarray | None = None,
        units: Units | None = None,
        threads: Threads = ALONE,
    ) -> None:
        self.names, self.frequencies, self.threads = tuple(names), frequencies(operations), threads
        self.max_length, self.max_depth, self.init_length = max_length, max_depth, init_length
        self.const_range, self.variations, self.weights, self.units = const_range, variations, weights, units

    # -- one formula --------------------------------------------------------------------------------------------------

    def parse(self, text: str) -> Formula:
        """Return the formula written in ``text``. Raises SearchSpaceError for a mistake, or what this space cannot hold."""
        formula = read(text, self.names)
        if fault := self._fault(formula):
            raise SearchSpaceError(f"{text!r} {fault}")
        return formula

    def holds(self, formula: Formula) -> bool:
        """Tell whether a formula keeps the rules of this space."""
        return not self._fault(formula)

    def _fault(self, formula: Formula) -> str:
        """Return which rule a formula breaks, in words; nothing if none."""
        used = dict.fromkeys(code for code in formula.codes if code < CONSTANT)
        strange = [BY_CODE[code].name for code in used if not self.frequencies[code]]
        if strange:
            allowed = ", ".join(BY_CODE[code].name for code in np.flatnonzero(self.frequencies).tolist())
            return f"uses {', '.join(strange)}; allowed operations: {allowed}"
        if max(formula.codes) - VARIABLE >= len(self.names):
            return f"uses column {max(formula.codes) - VARIABLE}; there are {len(self.names)}"
        if formula.constants and self.const_range is None:
            return f"holds the number {formula.constants[0]!r}, formulas here are without numbers"
        if len(formula) > self.max_length or formula.depth > self.max_depth:
            return (
                f"has {len(formula)} nodes, {formula.depth} below one another;"
                f" at most {self.max_length} and {self.max_depth} are allowed"
            )
        return ""

    def text(self, formula: Formula) -> str:
        """Return the text that :meth:`parse` reads."""
        return write(formula, self.names)

    def key(self, formula: Formula) -> str:
        """Return the canonical hash: the same for formulas that differ in the order of operands and the like."""
        return f"{int(self.keys(Population.of([formula]))[0]):016x}"

    def complexity(self, formula: Formula) -> float:
        """Return the number of nodes, or the sum of their weights."""
        return float(self.complexities(Population.of([formula]))[0])

    # -- thousands ----------------------------------------------------------------------------------------------------

    @cached_property
    def breeding(self) -> FormulaSpace:
        """What samples and varies; compiled."""
        from evoml.genomes.expression.breeding import FormulaSpace
        from evoml.kernels.expression_growth import make_language
        from evoml.kernels.expression_variation import make_rules

        low, high = self.const_range or (0.0, 0.0)
        probability = 0.3 if self.const_range is not None else 0.0
        language = make_language(
            self.frequencies, np.ones(len(self.names)), probability, (low + high) / 2, (high - low) / 2, False
        )
        rules = make_rules(self.max_length, self.max_depth)
        return FormulaSpace(language, rules, self.init_length, self.variations, self.threads)

    def sample(self, keys: np.ndarray) -> Population:
        """Return one first formula for each key, uint64 (n,)."""
        return self._consistent(keys, lambda again, _: self.breeding.sample(again))

    def vary(self, genomes: Population, parents: np.ndarray, keys: np.ndarray) -> Population:
        """Return one offspring for each row of ``parents``, int64 (n, 2), and its key."""
        return self._consistent(keys, lambda again, at: self.breeding.vary(genomes, parents[at], again))

    def _consistent(self, keys: np.ndarray, made: Callable[[np.ndarray, np.ndarray], Population]) -> Population:
        """Return what is made of keys, of several attempts at each that with the fewest violations of units."""
        from evoml.core.random import mixed

        best = made(keys, np.arange(len(keys)))
        if self.units is None:
            return best
        fewest = unit_violations(best, self.units, scaled=True)
        for attempt in range(1, ATTEMPTS):
            open_ = np.flatnonzero(fewest)
            if not len(open_):
                break
            found = made(mixed(keys[open_], _AGAIN + attempt), open_)
            violations = unit_violations(found, self.units, scaled=True)
            better = violations < fewest[open_]
            best = best.replaced(open_[better], found.take(better))
            fewest[open_[better]] = violations[better]
        return best

    def joined(self, parts: Sequence[Population]) -> Population:
        """Return the formulas of all parts, one after another."""
        return Population.concatenate(parts)

    def arrays(self, genomes: Population) -> dict[str, np.ndarray]:
        """Return the arrays that formulas consist of."""
        return {"codes": genomes.codes, "constants": genomes.constants, "lengths": genomes.lengths}

    def restored(self, arrays: Mapping[str, np.ndarray]) -> Population:
        """Return the formulas that :meth:`arrays` gave."""
        return Population(arrays["codes"], arrays["constants"], arrays["lengths"])

    def keys(self, genomes: Population) -> np.ndarray:
        """Return the canonical hash of each formula, uint64 (n,)."""
        from evoml.kernels.expression_canonical import canonicalise
        from evoml.kernels.expression_growth import allowed_codes

        hashes = np.empty(len(genomes), np.uint64)
        canonicalise(
            genomes.codes.copy(), genomes.constants.copy(), genomes.lengths.copy(), allowed_codes(self.breeding.language),
            self.max_depth, hashes, np.empty_like(hashes), 0, len(genomes),
        )  # fmt: skip
        return hashes

    def descriptions(self, genomes: Population) -> dict[str, np.ndarray]:
        """Return what formulas are like: ``cost``, their nodes, and ``family``, the outermost operation, each (n,)."""
        return {"cost": genomes.lengths.astype(float), "family": np.minimum(genomes.codes[:, 0], VARIABLE)}

    def complexities(self, genomes: Population) -> np.ndarray:
        """Return the complexity of each formula, float64 (n,)."""
        return complexities(genomes, self.weights)
