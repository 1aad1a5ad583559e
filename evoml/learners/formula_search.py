"""Formulas evolved for what a linear model leaves unexplained: a small generational search over the compiled machine.

A formula is worth the log likelihood that the model would gain by its column, as the score test sees it (Rao 1948), less
the description of the formula, both in nats: so of noise nothing is worth its words (Rissanen 1978).
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from evoml.core.random import mixed, uniforms
from evoml.kernels.expression_canonical import canonicalise
from evoml.kernels.expression_codes import ARITY, CONSTANT, NAMES, VARIABLE
from evoml.kernels.expression_evaluate import evaluate
from evoml.kernels.expression_growth import Language, allowed_codes, grow, make_language
from evoml.kernels.expression_operators import Rules
from evoml.kernels.expression_variation import OPERATOR_NAMES, make_rules, vary
from evoml.kernels.tournament import tournaments

MAX_LENGTH, MAX_DEPTH, ROOM = 15, 6, 16
FIRST_LENGTHS = 3, 9  # of first formulas: one operation at least
TOURNAMENT = 4
CHUNK = 128  # formulas whose outputs are held at once
LEAST_NEW = 1e-3  # share of a column's variance that the model's columns must not explain
FRESH = 0.1  # share of each generation that is grown anew
_SHARES = {"crossover": 4.0, "subtree": 2.0, "point": 2.0, "hoist": 0.3, "insert": 1.0, "remove": 0.5, "jitter": 0.5}
_BOUNDS = np.cumsum([_SHARES.get(name, 0.0) for name in OPERATOR_NAMES]) / sum(_SHARES.values())
_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
_WORDS = {code: name for name, code in NAMES.items()}


class Formulas(NamedTuple):
    """Formulas as arrays (:mod:`evoml.kernels.expression_codes`), and a hash of each one's canonical form, uint64 (n,)."""

    codes: np.ndarray
    constants: np.ndarray
    lengths: np.ndarray
    hashes: np.ndarray

    def take(self, indices: np.ndarray) -> Formulas:
        return Formulas(*(part[indices] for part in self))

    def joined(self, other: Formulas) -> Formulas:
        return Formulas(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


class Unexplained(NamedTuple):
    """What a linear model leaves: of rows, by column.

    basis float32 (n_rows, q): orthonormal, of the model's columns, all of mean 0. residuals float32 (n_rows, k): of variance
    about 1, at right angles to the basis. gaussian: whether they are of a model whose noise has to be estimated.
    """

    basis: np.ndarray
    residuals: np.ndarray
    gaussian: bool


def gained(statistics: np.ndarray, unexplained: Unexplained) -> np.ndarray:
    """Return the log likelihood that columns add, of their score statistics (n, k), less the price of coefficients.

    Each statistic is chi squared of one where a column is noise. A column is used for all targets, or for the one where it
    tells most, and which that is has to be said.
    """
    n_rows, k = unexplained.residuals.shape
    if unexplained.gaussian:
        likelihoods = -0.5 * n_rows * np.log1p(-np.minimum(statistics / n_rows, 1.0 - 1e-9))
    else:
        likelihoods = 0.5 * statistics
    price = 0.5 * np.log(n_rows)  # of a coefficient (Schwarz 1978)
    return np.maximum(likelihoods.sum(axis=1) - k * price, likelihoods.max(axis=1) - price - np.log(k))


def score_statistics(outputs: np.ndarray, unexplained: Unexplained) -> np.ndarray:
    """Return the score statistics (n, k) of columns (n, n_rows), which are changed; 0 where one says nothing new."""
    with np.errstate(all="ignore"):
        outputs -= outputs.mean(axis=1, keepdims=True)
        size = np.einsum("nr,nr->n", outputs, outputs)
        known = outputs @ unexplained.basis
        new = size - np.einsum("nq,nq->n", known, known)
        along = outputs @ unexplained.residuals
        found = along**2 / new[:, None]
        defined = np.isfinite(found).all(axis=1) & (new > LEAST_NEW * size)
        return np.where(defined[:, None], found, 0.0)


class ColumnSearch:
    """Evolves formulas of a table's columns.

    Parameters
    ----------
    features : (n_features, n_rows) float32 array
    words : sequence of str
        What each of them is called, an expression in parentheses or a name.
    functions : sequence of str
        Names in :data:`evoml.kernels.expression_codes.NAMES`.
    population_size, generations : int
    seed : int
    """

    def __init__(
        self,
        features: np.ndarray,
        words: Sequence[str],
        functions: Sequence[str],
        population_size: int,
        generations: int,
        seed: int,
    ) -> None:
        self.words = tuple(words)
        self.features, self.population_size, self.generations = features, population_size, generations
        frequencies = np.zeros(CONSTANT)
        for name in functions:
            frequencies[NAMES[name]] = 3.0 if ARITY[NAMES[name]] == 2 else 1.0
        self.language: Language = make_language(frequencies, np.ones(len(features)), 0.1)
        self.rules: Rules = make_rules(MAX_LENGTH, MAX_DEPTH, grown_length=5)
        self._allowed = allowed_codes(self.language)
        self._key = mixed(seed, 0)
        self._price = np.full(VARIABLE + len(features), np.log(2.0 * len(functions)))
        self._price[CONSTANT] = np.log(2.0) + 0.5 * np.log(features.shape[1])
        self._price[VARIABLE:] = np.log(2.0 * len(features))
        self._population: Formulas | None = None

    def best(self, unexplained: Unexplained, count: int) -> list[str]:
        """Return the ``count`` most worthy formulas of those that are worth their words, best first.

        Each call goes on from the formulas that the last one ended with.
        """
        population = self._sample(2 * self.population_size)
        if self._population is not None:
            population = population.joined(self._population)
        worth = self._worth(population, unexplained)
        population, worth = self._survivors(population, worth)
        for _ in range(self.generations):
            children = self._children(population, worth)
            worth = np.concatenate([worth, self._worth(children, unexplained)])
            population, worth = self._survivors(population.joined(children), worth)
        self._population = population
        chosen = np.flatnonzero(worth > 0)[:count]
        return [written(population.codes[at], population.constants[at], self.words) for at in chosen]

    def _worth(self, formulas: Formulas, unexplained: Unexplained) -> np.ndarray:
        n = len(formulas.lengths)
        statistics = np.empty((n, unexplained.residuals.shape[1]))
        for first in range(0, n, CHUNK):
            own = formulas.take(np.arange(first, min(first + CHUNK, n)))
            outputs = np.empty((len(own.lengths), self.features.shape[1]), np.float32)
            evaluate(own.codes, own.constants, own.lengths, self.features, 0, len(outputs), outputs)
            statistics[first : first + CHUNK] = score_statistics(outputs, unexplained)
        used = np.arange(ROOM) < formulas.lengths[:, None]
        return gained(statistics, unexplained) - np.where(used, self._price[formulas.codes], 0.0).sum(axis=1)

    def _survivors(self, formulas: Formulas, worth: np.ndarray) -> tuple[Formulas, np.ndarray]:
        """Return the best formulas that differ, best first."""
        _, first = np.unique(formulas.hashes, return_index=True)
        kept = first[np.argsort(-worth[first], kind="stable")][: self.population_size]
        return formulas.take(kept), worth[kept]

    def _sample(self, n: int) -> Formulas:
        keys, grown = self._keys(n), _room_for(n)
        grow(keys, *FIRST_LENGTHS, MAX_DEPTH, self.language, *grown[:3], 0, n)
        return self._canonical(grown)

    def _children(self, population: Formulas, worth: np.ndarray) -> Formulas:
        fresh = max(1, round(FRESH * self.population_size))
        n = self.population_size - fresh
        keys, children, applied = self._keys(n), _room_for(n), np.empty(n, np.int32)
        winners = np.empty(2 * n, np.int64)
        tournaments(-worth, TOURNAMENT, np.uint64(self._keys(1)[0]), 0, 2 * n, winners)
        operators = np.searchsorted(_BOUNDS, uniforms(mixed(keys, 1 << 33)), side="right").astype(np.int32)
        vary(
            *population[:3], winners.reshape(n, 2), operators, keys, self.language, self.rules,
            *children[:3], applied, 0, n,
        )  # fmt: skip
        return self._canonical(children).joined(self._sample(fresh))

    def _canonical(self, formulas: Formulas) -> Formulas:
        n = len(formulas.lengths)
        canonicalise(*formulas[:3], self._allowed, MAX_DEPTH, formulas.hashes, np.empty(n, np.uint64), 0, n)
        return formulas

    def _keys(self, n: int) -> np.ndarray:
        self._key = mixed(self._key, 0)
        return mixed(self._key, np.arange(1, n + 1))


def written(codes: np.ndarray, constants: np.ndarray, words: Sequence[str]) -> str:
    """Return a formula in prefix order as a Python expression of what columns are called, its constants with four digits."""
    places = iter(range(len(codes)))

    def text() -> str:
        at = next(places)
        code = int(codes[at])
        if code == CONSTANT:
            return f"({constants[at]:.4g})"
        if code > CONSTANT:
            return words[code - VARIABLE]
        name = _WORDS[code]
        operands = [text() for _ in range(ARITY[code])]
        if name in _INFIX:
            return f"({operands[0]} {_INFIX[name]} {operands[1]})"
        return f"(-{operands[0]})" if name == "neg" else f"{name}({', '.join(operands)})"

    return ast.unparse(ast.parse(text(), mode="eval"))


def _room_for(n: int) -> Formulas:
    return Formulas(np.zeros((n, ROOM), np.int32), np.zeros((n, ROOM)), np.zeros(n, np.int32), np.empty(n, np.uint64))
