"""Populations of formulas sampled and varied by the thousand, each formula by its own key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evoml.core.errors import SettingError, nearest
from evoml.core.random import mixed, uniforms
from evoml.core.threads import ALONE, Threads
from evoml.genomes.expression.population import Population
from evoml.kernels.expression_canonical import canonicalise
from evoml.kernels.expression_growth import Language, allowed_codes, grow
from evoml.kernels.expression_variation import OPERATOR_NAMES, Rules, vary

#: How often each variation is tried, relative to the others.
OPERATORS: Mapping[str, float] = {
    "crossover": 6.0,
    "subtree": 1.0,
    "point": 1.0,
    "hoist": 0.3,
    "insert": 1.0,
    "remove": 0.5,
    "jitter": 0.5,
    "exchange": 0.3,
    "change": 0.6,
}
_OPERATOR = 1 << 33  # number of the key that an offspring's variation is drawn by


class FormulaSpace:
    """What formulas may be made of, and how they are bred.

    Parameters
    ----------
    language : Language
        Operations, columns and constants, and how often each is drawn.
    rules : Rules
        What offspring must respect.
    init_length : (int, int)
        Nodes of first formulas, at least and at most.
    operators : mapping of name to float
        How often each variation is tried.
    threads : Threads
        Among which formulas are divided.
    """

    def __init__(
        self,
        language: Language,
        rules: Rules,
        init_length: tuple[int, int] = (1, 15),
        operators: Mapping[str, float] | None = None,
        threads: Threads = ALONE,
    ) -> None:
        self.language, self.rules, self.init_length, self.threads = language, rules, init_length, threads
        self._allowed = allowed_codes(language)
        self._bounds = _bounds(OPERATORS if operators is None else operators)

    def sample(self, keys: np.ndarray) -> Population:
        """Return one first formula for each key."""
        grown, hashes = self._unwritten(len(keys)), np.empty((2, len(keys)), np.uint64)
        low, high = self.init_length

        def some(first: int, last: int) -> None:
            grow(
                keys, low, min(high, self.rules.max_length), self.rules.max_depth, self.language,
                grown.codes, grown.constants, grown.lengths, first, last,
            )  # fmt: skip
            self._canonicalise(grown, hashes, first, last)

        self.threads.in_chunks(len(keys), some)
        return grown

    def vary(self, genomes: Population, parents: np.ndarray, keys: np.ndarray) -> Population:
        """Return one offspring for each row of ``parents`` (n, 2) and its key."""
        n = len(keys)
        operators = np.searchsorted(self._bounds, uniforms(mixed(keys, _OPERATOR)), side="right").astype(np.int32)
        children, applied, hashes = self._unwritten(n), np.empty(n, np.int32), np.empty((2, n), np.uint64)

        def some(first: int, last: int) -> None:
            vary(
                genomes.codes, genomes.constants, genomes.lengths, parents, operators, keys, self.language, self.rules,
                children.codes, children.constants, children.lengths, applied, first, last,
            )  # fmt: skip
            self._canonicalise(children, hashes, first, last)

        self.threads.in_chunks(n, some)
        return children

    def joined(self, parts: Sequence[Population]) -> Population:
        """Return the formulas of all parts, one after another."""
        return Population.concatenate(parts)

    def arrays(self, genomes: Population) -> dict[str, np.ndarray]:
        """Return the arrays that formulas consist of."""
        return {"codes": genomes.codes, "constants": genomes.constants, "lengths": genomes.lengths}

    def restored(self, arrays: Mapping[str, np.ndarray]) -> Population:
        """Return the formulas that :meth:`arrays` gave."""
        return Population(arrays["codes"], arrays["constants"], arrays["lengths"])

    def _unwritten(self, n: int) -> Population:
        room = self.rules.max_length
        return Population(np.empty((n, room), np.int32), np.empty((n, room)), np.empty(n, np.int32))

    def _canonicalise(self, genomes: Population, hashes: np.ndarray, first: int, last: int) -> None:
        canonicalise(
            genomes.codes, genomes.constants, genomes.lengths, self._allowed, self.rules.max_depth, *hashes, first, last
        )


def _bounds(operators: Mapping[str, float]) -> np.ndarray:
    """Return where in [0, 1) the share of each operator ends, in the order of their codes."""
    for name in operators:
        if name not in OPERATOR_NAMES:
            raise SettingError(
                f"there is no variation {name!r}{nearest(name, OPERATOR_NAMES)}; there are: {', '.join(OPERATOR_NAMES)}"
            )
    shares = np.array([float(operators.get(name, 0.0)) for name in OPERATOR_NAMES])
    if not np.isfinite(shares).all() or (shares < 0).any() or not shares.sum():
        raise SettingError(f"variations need frequencies from 0 on, one of them above it, got {dict(operators)!r}")
    bounds = np.cumsum(shares) / shares.sum()
    bounds[np.flatnonzero(shares)[-1] :] = 1.0
    return bounds
